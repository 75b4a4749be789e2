package reply

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/policy"
)

// thin makes rules and posts out of so few values that rules often contradict and
// cover each other.
type thin struct{ *rand.Rand }

func oneOf[T any](o thin, list ...T) T { return list[o.IntN(len(list))] }

func someOf[T any](o thin, list ...T) []T {
	out := slices.Clone(list)
	o.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:1+o.IntN(min(2, len(out)))]
}

func (o thin) chance(of int) bool { return o.IntN(of) == 0 }

func (o thin) yes() *bool { v := o.chance(2); return &v }

func ptr[T any](v T) *T { return &v }

var (
	thinIntents    = []string{"refund", "outage", "legal", "praise"}
	thinWords      = []string{"slow", "slow  line", "Line", "court", "e-mail"}
	thinPeople     = []string{"court", "e-mail"} // words that always bring a person
	thinSeverities = []string{"none", "low", "medium", "high", "critical"}
	thinTimes      = []string{"08:00-20:00", "22:00-06:00", "10:00-12:00", "20:00-23:00"}
	thinDays       = []string{"mon", "sat", "sun"}
)

// condition asks one to three things.
func (o thin) condition(depth int) config.Condition {
	var w config.Condition
	for range 1 + o.IntN(3) {
		switch o.IntN(27) {
		case 0, 1, 2, 3, 4:
			w.Intents = someOf(o, thinIntents...)
		case 5:
			w.MinIntentScore = oneOf(o, 0.3, 0.6)
		case 6:
			w.Sentiment = &config.Range{Min: ptr(oneOf(o, -1.0, -0.4, 0.2))}
		case 7:
			w.Sentiment = &config.Range{Max: ptr(oneOf(o, -0.5, 0.0, 0.3))}
		case 8, 9:
			lo := o.IntN(5)
			w.Severity = &config.SeverityRange{Min: thinSeverities[lo], Max: thinSeverities[lo+o.IntN(5-lo)]}
			if o.chance(2) {
				w.Severity.Max = ""
			}
		case 10:
			w.Platforms = someOf(o, care.X, care.Messenger, care.Facebook)
		case 11:
			w.Kinds = someOf(o, care.KindMention, care.KindDirect, care.KindRepost)
		case 12:
			w.Private = o.yes()
		case 13:
			w.Languages = someOf(o, "en", "es")
		case 14:
			w.Keywords = someOf(o, thinWords...)
		case 15:
			w.Relevance = someOf(o, care.RelevanceAddressed, care.RelevanceAbout)
		case 16:
			w.Question, w.Complaint = o.yes(), o.yes()
		case 17:
			w.PersonalData = o.yes()
		case 18:
			w.Hours = oneOf(o, "open", "closed")
		case 19:
			w.Customer = &config.CustomerCondition{Known: o.yes()}
			switch o.IntN(4) {
			case 0:
				w.Customer.Tiers = someOf(o, "gold", "silver")
			case 1:
				w.Customer.MinValue = ptr(oneOf(o, 100.0, 500.0))
			case 2:
				w.Customer.Attributes = map[string]string{"plan": oneOf(o, "fiber", "mobile")}
			}
		case 20:
			w.FirstContact = o.yes()
		case 21:
			w.Products, w.Units = someOf(o, "VeloBox", "Fiber"), someOf(o, "Larios")
		case 22:
			w.Author = &config.AuthorCondition{Verified: o.yes()}
			if o.chance(2) {
				w.Author.MinFollowers, w.Author.MaxFollowers = ptr(oneOf(o, 10, 1000)), ptr(oneOf(o, 100, 2000))
			}
		case 23:
			w.Time = oneOf(o, thinTimes...)
		case 24:
			w.Days = someOf(o, thinDays...)
		case 25:
			w.Storm = o.yes()
		case 26:
			if depth > 2 {
				continue
			}
			sub := func() []config.Condition { return []config.Condition{o.condition(depth + 1), o.condition(depth + 1)} }
			switch o.IntN(3) {
			case 0:
				w.All = sub()
			case 1:
				w.Any = sub()
			default:
				w.Not = ptr(o.condition(depth + 1))
			}
		}
	}
	return w
}

func (o thin) rule(name string, earlier []config.Rule) config.Rule {
	r := config.Rule{Name: name, When: o.condition(0)}
	if len(earlier) > 0 && o.chance(3) { // a rule much like an earlier one, and narrower
		r.When = config.Condition{All: []config.Condition{oneOf(o, earlier...).When, r.When}}
	}
	r.Then.Action = oneOf(o, care.ActionAnswer, care.ActionAnswer, care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, config.ActionMove,
		care.ActionEscalate, care.ActionEscalate, care.ActionWatch, config.ActionTag)
	switch {
	case r.Then.Action == config.ActionTag:
		r.Then.Tags = []string{name}
	case config.Says(r.Then.Action):
		r.Then.Template = "thanks"
		if o.chance(3) {
			r.When.Platforms = someOf(o, care.X, care.Mastodon)
		}
	}
	if len(earlier) > 0 && o.chance(3) { // a person gets what an earlier rule leaves over, if anything
		e := oneOf(o, earlier...)
		r.When, r.Then, r.Guards = config.Condition{All: []config.Condition{e.When}}, config.Then{Action: care.ActionEscalate}, e.Guards
		for _, c := range []config.Condition{{Severity: &config.SeverityRange{Max: "medium"}}, {Relevance: []care.Relevance{care.RelevanceAddressed}}, {PersonalData: ptr(false)},
			{Kinds: []care.Kind{care.KindMention, care.KindDirect}}, {Not: &config.Condition{Intents: []string{"legal", "fraud", "safety", "self-harm", "data-protection"}}},
			{Not: &config.Condition{Keywords: thinPeople}}} {
			if o.IntN(8) > 0 {
				r.When.All = append(r.When.All, c)
			}
		}
		return r
	}
	g := &r.Guards
	switch o.IntN(12) {
	case 0:
		g.Hours = oneOf(o, "open", "closed")
	case 1:
		g.NotIfNegativeAbove = ptr(oneOf(o, 0.2, 0.6))
	case 2:
		g.NotIfSeverityAbove = oneOf(o, thinSeverities[:4]...)
	case 3:
		g.NotIfPersonalData = o.yes()
	case 4:
		g.NotForKnownWithValueAbove = ptr(oneOf(o, 50.0, 500.0))
	case 5:
		g.NotIfNegativeAboveSeverity = oneOf(o, thinSeverities[:4]...)
	case 6:
		g.Account = oneOf(o, "automated", "main")
	}
	switch o.IntN(12) {
	case 0:
		r.Enabled = o.yes()
	case 1:
		r.Expires = oneOf(o, "2026-11-20", "2026-11-26")
	case 2:
		r.Starts = oneOf(o, "2026-11-20", "2026-11-26")
	}
	return r
}

func (o thin) bundle(b config.Bundle) *config.Bundle {
	b.Rules, b.Tests = nil, nil
	b.People.Words = map[string][]string{"en": thinPeople}
	b.Stop = config.Stop{Everything: o.chance(20)}
	if o.chance(10) {
		b.Stop.Platforms = []care.Platform{care.X}
	}
	b.Brand.Accounts = slices.Clone(b.Brand.Accounts)
	for i := range b.Brand.Accounts {
		if o.chance(2) {
			b.Brand.Accounts[i].Automated = false
		}
	}
	for i := range 2 + o.IntN(7) {
		b.Rules = append(b.Rules, o.rule(fmt.Sprintf("r%d", i), b.Rules))
	}
	return &b
}

// in is a post as the platforms and triage could send it, on the Tuesday of the
// lint or within the week after.
func (o thin) in(b *config.Bundle) In {
	p := care.Post{Platform: oneOf(o, care.X, care.Messenger, care.Facebook, care.Mastodon), NativeID: fmt.Sprint(o.Uint32()), Text: "a",
		Author: care.Author{ID: "9", Handle: "ana", Verified: o.chance(2), Bot: o.chance(20)}}
	switch {
	case p.Platform == care.Messenger, p.Platform != care.Facebook && o.chance(2):
		p.Private, p.Kind = true, oneOf(o, care.KindDirect, care.KindDirect, care.KindStoryMention)
	default:
		p.Kind = oneOf(o, care.KindMention, care.KindMention, care.KindRepost, care.KindComment)
	}
	for _, a := range b.Brand.Accounts {
		if a.Platform == p.Platform && o.IntN(10) > 0 { // else an account that brand.yaml does not list
			p.Account = a.ID
		}
	}
	for range o.IntN(3) {
		p.Text += " " + oneOf(o, thinWords...) + " x"
	}
	if o.chance(2) {
		p.Author.Followers = ptr(oneOf(o, 5, 10, 50, 100, 1500))
	}
	in := In{Bundle: b, Storm: o.chance(2), Now: tuesday.Add(time.Duration(o.IntN(8*24*60)) * time.Minute)}
	in.Triage = care.Triage{Relevance: oneOf(o, care.RelevanceAddressed, care.RelevanceAddressed, care.RelevanceAddressed, care.RelevanceAbout),
		Lang: oneOf(o, "en", "es", "pt", "und", ""), Intent: oneOf(o, "refund", "outage", "legal", "praise", "", "fraud"), IntentScore: oneOf(o, 0, 0.3, 0.5, 0.6, 1),
		Sentiment: oneOf(o, -1, -0.6, -0.5, -0.4, -0.1, 0, 0.2, 0.3, 1), Severity: care.Severity(oneOf(o, 0, 1, 1, 2, 2, 3, 4)), Influence: o.Float64(),
		Praise: o.chance(2), Complaint: o.chance(2), Question: o.chance(2)}
	if p.Private { // triage takes a direct message as addressed
		in.Triage.Relevance = care.RelevanceAddressed
	}
	if in.Triage.Relevance == care.RelevanceAddressed {
		p.Addressed, p.InOurThread = o.IntN(5) > 0, o.chance(3)
	}
	p.CreatedAt = in.Now
	in.Post = p
	if o.chance(3) {
		in.Triage.PersonalData = []string{"email"}
	}
	if o.chance(2) {
		in.Triage.Products = someOf(o, "VeloBox", "Fiber")
		in.Triage.Units = someOf(o, "Larios", "Colón")
	}
	in.Match = care.Match{Known: o.chance(2), First: o.chance(2), Grade: care.GradeAsserted, Customer: care.Customer{Name: "Ana Ruiz",
		Tier: oneOf(o, "gold", "silver", ""), Value: oneOf(o, 0.0, 100, 300, 500, 900), Attributes: map[string]string{"plan": oneOf(o, "fiber", "mobile", "x")}}}
	if o.chance(15) {
		in.Match.Conversation.Agent = "Sam"
	}
	return in
}

var (
	deadRule    = regexp.MustCompile(`^rule (\S+) (?:can never fire|is never reached):`)
	refusedRule = regexp.MustCompile(`^(?:on (\S+) )?policy will always refuse what rule (\S+) says`)
	deadForRule = regexp.MustCompile(`^rule (\S+) (?:can never fire|is never reached) for the (intent|platform) (\S+):`)
)

// The engine is the judge: what Lint says never fires, never does.
func TestLintIsNeverWrong(t *testing.T) {
	base := *standard(t)
	tried, fired, said := map[string]int{}, 0, 0
	kinds := []string{" can never fire:", " is never reached:", "for the intent", "refused"}
	check := func(t *rapid.T) {
		o := thin{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		b := o.bundle(base)
		dead, deadFor, refused := map[string]string{}, map[[3]string]string{}, map[[2]string]string{}
		for _, f := range lint(b, tuesday) {
			if m := deadRule.FindStringSubmatch(f.Message); m != nil {
				dead[m[1]] = f.Message
				tried[m[0][len("rule "+m[1]):]]++
			}
			if m := refusedRule.FindStringSubmatch(f.Message); m != nil {
				refused[[2]string{m[2], m[1]}] = f.Message
				tried["refused"]++
			}
			if m := deadForRule.FindStringSubmatch(f.Message); m != nil {
				deadFor[[3]string{m[1], m[2], m[3]}] = f.Message
				tried["for the "+m[2]]++
			}
		}
		if len(dead)+len(deadFor)+len(refused) == 0 {
			return
		}
		engine := Compile(b)
		for range 1000 {
			in := o.in(b)
			plan := engine.Decide(in)
			if plan.Text != "" && in.Post.Account != "" {
				for _, why := range []string{refused[[2]string{plan.Rule, ""}], refused[[2]string{plan.Rule, string(in.Post.Platform)}]} {
					if why == "" {
						continue
					}
					said++
					if v := policy.MaySend(atTheDoor(o, in, plan)); v.Allowed {
						t.Fatalf("%s\nyet it is allowed for %+v\n%+v\n%s", why, in.Post, plan, rulesOf(b))
					}
				}
			}
			for _, name := range append(plan.Tags, plan.Rule) { // a rule that tags adds its name
				if name == "" {
					continue
				}
				fired++
				for _, why := range []string{dead[name], deadFor[[3]string{name, "intent", in.Triage.Intent}], deadFor[[3]string{name, "platform", string(in.Post.Platform)}]} {
					if why != "" {
						t.Fatalf("%s\nyet it fired for %+v\n%+v\n%s", why, in.Post, in.Triage, rulesOf(b))
					}
				}
			}
		}
	}
	little := func() bool {
		return fired < 1000 || said == 0 || slices.ContainsFunc(kinds, func(what string) bool { return tried[what] < 3 })
	}
	for n := 0; n < 50 && (n == 0 || little()); n++ { // some kinds are rare: go on until each came up
		rapid.Check(t, check)
	}
	for _, what := range kinds {
		if tried[what] < 3 {
			t.Errorf("%q was tried %d times: %v", what, tried[what], tried)
		}
	}
	if fired < 1000 {
		t.Errorf("only %d rules fired, so little was tested", fired)
	}
	if said == 0 {
		t.Error("nothing was said that policy refuses")
	}
	t.Log(tried, fired, said)
}

// atTheDoor is what the door asks policy about a plan.
func atTheDoor(o thin, in In, plan care.Plan) policy.Request {
	r := policy.Request{Now: in.Now, Platform: in.Post.Platform, Sender: policy.Bot, Kind: policy.Reply, Private: plan.Private, Post: in.Post}
	if plan.Action == care.ActionDraft {
		r.Sender = policy.Agent
	}
	if o.chance(2) {
		r.LastCustomerPost = in.Now.Add(-time.Minute)
	}
	for _, a := range in.Bundle.Brand.Accounts {
		if a.Platform == in.Post.Platform && a.ID == in.Post.Account {
			r.Tier, r.AccountAutomated = a.Tier, a.Automated
		}
	}
	return r
}

func rulesOf(b *config.Bundle) string {
	data, _ := json.MarshalIndent(b.Rules, "", " ")
	return string(data)
}
