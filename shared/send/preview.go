package send

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/policy"
)

// Preview is what the door would say to an automated reply, as far as that is
// known without the store.
type Preview struct {
	Verdict policy.Verdict
	// CostUSD is the platform's list price of it.
	CostUSD float64
	// Caps are what it would take from, the rule's own first.
	Caps []Cap
}

// Cap is a cap, and what the door says when it is used up.
type Cap struct {
	care.Cap
	Full care.Reason
}

// Look asks the door about an automated reply without knocking: nothing is sent,
// counted or stored. What r.Match says of the conversation is taken to be so.
func Look(r Request, b *config.Bundle, now time.Time) Preview {
	s := Service{Clock: func() time.Time { return now }}
	out := care.Outgoing{Post: r.Post, Account: r.Post.Account, To: r.Post.Author, Private: r.Plan.Private || r.Post.Private, Text: r.Plan.Text, Lang: r.Plan.Lang}
	q := s.question(r, out, b)
	q.AgentOnIt = r.Match.Conversation.Agent != "" || r.Match.Conversation.Escalation != nil
	p := Preview{CostUSD: policy.Price(q.Platform, q.Tier, out.Private, r.Post.Addressed, out.Text, now)}
	list, _ := limits(r, b, p.CostUSD, now)
	for _, l := range list {
		p.Caps = append(p.Caps, Cap{l.Cap, care.Reason{By: l.by, Text: l.text}})
	}
	var ok bool
	if p.Verdict, ok = stopped(r, q.Platform, b, now); ok {
		p.Verdict = policy.MaySend(q)
	}
	return p
}

// Said is true for the door's word that something went out.
func Said(r care.Reason) bool {
	return r.By == "door" && (r.Text == wasSent || r.Text == wasSentBefore)
}
