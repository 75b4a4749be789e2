package send

import (
	"fmt"
	"math"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/policy"
)

// onceFor is how long a rule's one reply to a conversation counts: conversations
// have no clear end, and after a quarter the same words are news again.
const onceFor = 90 * 24 * time.Hour

// stopped is why the brand lets no machine say this now: the kill switch, or a
// rule that was switched off. It asks the current config, because a reply may
// have been decided hours ago. ok is true when nothing stops it.
func stopped(r Request, platform care.Platform, b *config.Bundle, now time.Time) (why policy.Verdict, ok bool) {
	if s := b.Stop; s.On(platform) {
		where := "everywhere"
		if !s.Everything {
			where = "on " + string(platform)
		}
		if s.Reason == "" {
			return deny("guard:stop", fmt.Sprintf("The kill switch is on: nothing is said automatically %s.", where)), false
		}
		return deny("guard:stop", fmt.Sprintf("The kill switch is on: nothing is said automatically %s. Its reason: %s", where, s.Reason)), false
	}
	if r.Plan.Rule == "" {
		return policy.Verdict{}, true
	}
	for _, rule := range b.Rules {
		if rule.Name != r.Plan.Rule {
			continue
		}
		if !rule.On(now, b.Hours.Location()) {
			return deny("guard:rule", fmt.Sprintf("Rule %s was switched off, or its time was over, before its reply went out.", rule.Name)), false
		}
		return policy.Verdict{}, true
	}
	// A rule that is not there is newer than the config that has reached the door,
	// or was taken out. Whatever waited has outlasted a rollout.
	if r.Plan.DelaySeconds > 0 {
		return deny("guard:rule", fmt.Sprintf("Rule %s was taken out while its reply waited.", r.Plan.Rule)), false
	}
	return policy.Verdict{}, true
}

// limit is a cap, and what to say when it is used up.
type limit struct {
	care.Cap
	by, text string
}

// limits are what a reply takes from, the rule's own first, and until when that
// must be remembered. A day is one of the brand's calendar.
func limits(r Request, b *config.Bundle, price float64, now time.Time) ([]limit, time.Time) {
	day := now.In(b.Hours.Location()).Format(time.DateOnly)
	platform, author := string(r.Post.Platform), r.Post.Author.ID
	keep := 48 * time.Hour
	var list []limit
	add := func(by, name, bucket string, amount, limited int64, text string) {
		list = append(list, limit{care.Cap{Name: name, Bucket: bucket, Amount: amount, Limit: limited}, by, text})
	}
	l := r.Plan.Limits
	if l.OncePerConversation {
		conversation := string(r.Match.Conversation.ID)
		if conversation == "" {
			conversation = r.Post.ThreadKey()
		}
		add("guard:once-per-conversation", "once:"+r.Plan.Rule+":"+conversation, "once", 1, 1,
			fmt.Sprintf("Rule %s has answered this conversation before, and may only once.", r.Plan.Rule))
		keep = onceFor
	}
	if l.PerCustomerPerDay > 0 && author != "" {
		add("guard:per-customer-per-day", "rule:"+r.Plan.Rule+":"+platform+":"+author, day, 1, int64(l.PerCustomerPerDay),
			fmt.Sprintf("Rule %s has answered this author as often today as it may (%d).", r.Plan.Rule, l.PerCustomerPerDay))
	}
	if l.PerDay > 0 {
		add("guard:per-day", "rule:"+r.Plan.Rule, day, 1, int64(l.PerDay),
			fmt.Sprintf("Rule %s has answered as often today as it may (%d).", r.Plan.Rule, l.PerDay))
	}
	if budget, has := b.Budgets[r.Post.Platform]; has && price > 0 {
		add("guard:budget", "budget:"+platform, day, micro(price), micro(budget),
			fmt.Sprintf("Today's budget for automated replies on %s, $%.2f, has too little left for this one, which costs $%.3f.", platform, budget, price))
	}
	if author != "" {
		add("guard:daily-cap", "reply:"+platform+":"+author, day, 1, dailyCap,
			"This author has had as many automated replies today as one person may get.")
	}
	return list, now.Add(keep)
}

// micro is an amount of US dollars in millionths.
func micro(dollars float64) int64 { return int64(math.Round(dollars * 1e6)) }
