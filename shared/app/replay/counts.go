package replay

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// MaxCounted bounds how many caps are counted, to about 50 MB. Beyond it new ones
// are not counted, and the report says so.
const MaxCounted = 1 << 20

// counts stands in for what the one door counts: replies to an author and of a
// rule per day, replies in a conversation, dollars. The order is that of the
// table, not that in which the posts came.
type counts struct {
	bundle    *config.Bundle
	used      map[uint64]int64 // by hash of the cap
	uncounted int
}

// take is what a reply takes from one cap.
type take struct {
	key           uint64
	amount, limit int64
	why           care.Reason
}

// pass lets a verdict's reply through the door, or refuses it: it takes from all
// of its caps or from none.
func (c *counts) pass(j *judged, v *verdict) {
	if !speaks(v.plan) || len(v.refused) > 0 {
		return
	}
	if c.used == nil {
		c.used = map[uint64]int64{}
	}
	takes := c.takes(j, v)
	fresh := 0
	for _, t := range takes {
		used, known := c.used[t.key]
		if !known {
			fresh++
		}
		if used+t.amount > t.limit {
			v.refuse([]care.Reason{t.why})
			return
		}
	}
	if len(c.used)+fresh > MaxCounted {
		c.uncounted++
		return
	}
	for _, t := range takes {
		c.used[t.key] += t.amount
	}
}

// dailyCap is how many automated replies one author gets per day at most, as at
// the door.
const dailyCap = 10

func (c *counts) takes(j *judged, v *verdict) []take {
	p, l := j.post, v.plan.Limits
	at := j.seen.At.Add(time.Duration(v.plan.DelaySeconds) * time.Second)
	day := at.UTC().Format(time.DateOnly)
	var list []take
	add := func(by, text string, amount, limit int64, key ...string) {
		list = append(list, take{hash(key...), amount, limit, care.Reason{By: "guard:" + by, Text: text}})
	}
	if p.Author.ID != "" {
		author := string(p.Platform) + ":" + p.Author.ID
		add("daily-cap", "This author has had as many automated replies today as one person may get.", 1, dailyCap, "author", author, day)
		if l.PerCustomerPerDay > 0 {
			add("daily-cap", fmt.Sprintf("Rule %s has answered this author as often today as it may.", v.plan.Rule), 1, int64(l.PerCustomerPerDay), "author", author, v.plan.Rule, day)
		}
	}
	if l.PerDay > 0 {
		add("rule-cap", fmt.Sprintf("Rule %s has answered as often today as it may.", v.plan.Rule), 1, int64(l.PerDay), "rule", v.plan.Rule, day)
	}
	if l.OncePerConversation && j.seen.Conversation != "" {
		add("once", fmt.Sprintf("Rule %s has answered in this conversation before.", v.plan.Rule), 1, 1, "once", v.plan.Rule, string(j.seen.Conversation))
	}
	if most, ok := c.bundle.Budgets[p.Platform]; ok && v.usd > 0 {
		today := at.In(c.bundle.Hours.Location()).Format(time.DateOnly)
		add("budget", fmt.Sprintf("The day's budget for automated replies on %s is spent.", p.Platform), micros(v.usd), micros(most), "budget", string(p.Platform), today)
	}
	return list
}

func micros(usd float64) int64 { return int64(usd*1e6 + 0.5) }

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p)) // never fails
		h.Write([]byte{0})
	}
	return h.Sum64()
}
