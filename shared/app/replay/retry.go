package replay

import (
	"slices"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
)

// Retrial is what a config would do with one stored post, by what was seen then.
type Retrial struct {
	Outcome string
	Triage  care.Triage
	Plan    care.Plan
	Rules   []reply.Verdict // none for chatter, which meets no rule
	// Refused is why the door would not say what is planned. What the door counts
	// is not asked.
	Refused []care.Reason
	// Unseen: what the rules saw of author and conversation was not kept, so the
	// author is taken to be unknown.
	Unseen bool
}

// Retry decides one stored post again.
func Retry(r store.PostRecord, b *config.Bundle) Retrial {
	s := newSide(b)
	seen := care.Seen{At: lookedAt(&r)}
	unseen := r.Plan == nil || r.Plan.Seen == nil
	if !unseen {
		seen = *r.Plan.Seen
		seen.At = lookedAt(&r)
	}
	in := s.in(r.Post, s.triager.Triage(r.Post), seen)
	v := s.judge(in, recorded(&r))
	out := Retrial{Outcome: v.outcome, Triage: in.Triage, Plan: v.plan, Refused: v.refused, Unseen: unseen}
	out.Plan.Text = shown(out.Plan.Text)
	if v.outcome != Ignored {
		out.Rules = s.engine.Trace(in).Rules
	}
	return out
}

// Door is what the one door said to a stored post's plan; nothing when it was not
// asked.
func Door(r store.PostRecord) []care.Reason {
	if r.Plan == nil || !speaks(*r.Plan) {
		return nil
	}
	// A decision's reasons are triage's, then the plan's, then the door's.
	if n := len(r.Plan.Reasons); n > 0 {
		if i := slices.Index(r.Reasons, r.Plan.Reasons[n-1]); i >= 0 {
			return r.Reasons[i+1:]
		}
	}
	return nil
}
