package replay

import (
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/send"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/triage"
)

// What becomes of a post, as a report says it. What is acknowledged or drafted is
// recorded as escalated, because a person has it in the end.
const (
	Answered     = "answered"
	Acknowledged = "acknowledged"
	Drafted      = "drafted"
	Escalated    = "escalated"
	Recorded     = "recorded"
	Ignored      = "ignored"
	Failed       = "failed"
)

// outcomes in the order of a report.
var outcomes = []string{Answered, Acknowledged, Drafted, Escalated, Recorded, Ignored, Failed}

// verdict is what becomes of one post.
type verdict struct {
	outcome string
	plan    care.Plan
	// refused is why the door did not say what was planned.
	refused []care.Reason
	usd     float64 // what was said costs, at list prices
	// rivals are rules that would do something else were the winner not before
	// them; tagged are rules that added tags.
	rivals, tagged []string
	// caps are what the door would count.
	caps []send.Cap
}

// speaks is true when a machine says something by itself.
func speaks(p care.Plan) bool {
	return p.Action == care.ActionAnswer || p.Action == care.ActionAcknowledge
}

// refuse makes the door say no.
func (v *verdict) refuse(why []care.Reason) {
	v.refused, v.usd, v.outcome = why, 0, Escalated
	if v.plan.Else == care.ActionWatch {
		v.outcome = Recorded
	}
}

// judged is one post, before and after.
type judged struct {
	post          *care.Post
	seen          care.Seen
	unseen        bool // nobody wrote down what the rules saw
	before, after verdict
	words         bool // what is said differs
	silent        bool // but for the agent who has the conversation, the draft would speak
}

// judge decides posts by the draft and by what it is compared with.
type judge struct {
	draft, against *side // against is nil where the stored decisions are it
	sameTriage     bool
}

func newJudge(draft, against *config.Bundle) *judge {
	j := &judge{draft: newSide(draft)}
	if against != nil {
		j.against = newSide(against)
		j.sameTriage = reflect.DeepEqual(draft.Brand, against.Brand) && draft.Routing.Weights == against.Routing.Weights
	}
	return j
}

// page judges a page of posts. It is safe for concurrent use.
func (j *judge) page(p store.Page) batch {
	b := batch{items: p.Items, units: p.Units, posts: make([]judged, 0, len(p.Posts)), skipped: Skipped{Damaged: p.Damaged}}
	for i := range p.Posts {
		r := &p.Posts[i]
		switch {
		case !r.Deleted.IsZero():
			b.skipped.Deleted++
		case r.Outcome == "":
			b.skipped.Undecided++
		case j.against == nil && r.Edits > 0 && r.EditedAt.After(lookedAt(r)):
			b.skipped.Edited++
		default:
			b.posts = append(b.posts, j.post(r))
		}
	}
	return b
}

// lookedAt is when the rules looked at the post, as far as it is known.
func lookedAt(r *store.PostRecord) time.Time {
	switch {
	case r.Plan != nil && r.Plan.Seen != nil && !r.Plan.Seen.At.IsZero():
		return r.Plan.Seen.At
	case !r.DecidedAt.IsZero():
		return r.DecidedAt
	}
	return r.Claimed
}

func (j *judge) post(r *store.PostRecord) judged {
	out := judged{post: &r.Post}
	if r.Plan != nil && r.Plan.Seen != nil {
		out.seen = *r.Plan.Seen
	} else {
		out.unseen = true
	}
	out.seen.At = lookedAt(r)
	stored := recorded(r)

	seen := j.draft.triager.Triage(r.Post)
	in := j.draft.in(r.Post, seen, out.seen)
	out.after = j.draft.judge(in, stored)
	if out.seen.AgentOnIt && !speaks(out.after.plan) {
		alone := out.seen
		alone.AgentOnIt = false
		out.silent = speaks(j.draft.engine.Decide(j.draft.in(r.Post, seen, alone)))
	}
	if j.against == nil {
		out.before = stored
		out.before.usd = j.draft.price(in, stored)
		out.words = !j.draft.sameWords(in, stored.plan, out.after.plan)
	} else {
		if !j.sameTriage {
			seen = j.against.triager.Triage(r.Post)
		}
		out.before = j.against.judge(j.against.in(r.Post, seen, out.seen), stored)
		out.words = out.before.plan.Text != out.after.plan.Text
	}
	out.before.plan.Text, out.after.plan.Text = shown(out.before.plan.Text), shown(out.after.plan.Text)
	return out
}

// recorded is what really became of a post.
func recorded(r *store.PostRecord) verdict {
	var v verdict
	if r.Plan != nil {
		v.plan = *r.Plan
	}
	switch r.Outcome {
	case care.OutcomeEscalated:
		v.outcome = Escalated
		if v.plan.Action == care.ActionDraft {
			v.outcome = Drafted
		}
	default:
		v.outcome = string(r.Outcome)
	}
	if speaks(v.plan) && r.Outcome != care.OutcomeAnswered && r.Outcome != care.OutcomeFailed {
		door := Door(*r)
		if len(door) == 0 {
			door = r.Reasons // a record of an older form
		}
		if slices.ContainsFunc(door, send.Said) && v.plan.Action == care.ActionAcknowledge {
			v.outcome = Acknowledged
		} else {
			v.refused = door
		}
	}
	return v
}

// side is one config and what decides by it.
type side struct {
	bundle  *config.Bundle
	triager *triage.Triager
	engine  *reply.Engine
}

func newSide(b *config.Bundle) *side {
	return &side{b, triage.New(b.Brand, b.Routing), reply.Compile(b)}
}

// somebody stands for a customer's first name: what the rules saw is kept
// without it. It is a name that templates may say.
const somebody = "Nomenescio"

// shown is a text as a report shows it.
func shown(s string) string { return strings.ReplaceAll(s, somebody, "[first name]") }

// in is what the rules would see of a post.
func (s *side) in(p care.Post, t care.Triage, seen care.Seen) reply.In {
	m := care.Match{Known: seen.Known, Grade: seen.Grade, First: seen.First,
		Customer: care.Customer{ID: seen.Customer, Prospect: !seen.Known, Tier: seen.Tier, Value: seen.Value, Lang: seen.Lang,
			Attributes: seen.Attributes, Consent: care.Consent{OptOut: seen.OptOut}},
		Conversation: care.Conversation{ID: seen.Conversation}}
	if seen.Known {
		m.Customer.Name = somebody
	}
	if seen.AgentOnIt {
		m.Conversation.Agent = "agent"
	}
	return reply.In{Post: p, Triage: t, Match: m, Now: seen.At, Storm: seen.Storm, Bundle: s.bundle}
}

// judge decides a post and asks the door, but for what the door counts. stored is
// what really became of the post: what refused it from outside (the platform, the
// author who deleted it) would refuse anything else, and where the plan is what
// it was then, the door's answer is, too.
func (s *side) judge(in reply.In, stored verdict) verdict {
	if in.Triage.Relevance == care.RelevanceChatter {
		return verdict{outcome: Ignored}
	}
	var v verdict
	v.plan, v.rivals, v.tagged = s.engine.Rivals(in)
	switch v.plan.Action {
	case care.ActionAnswer:
		v.outcome = Answered
	case care.ActionAcknowledge:
		v.outcome = Acknowledged
	case care.ActionDraft:
		v.outcome = Drafted
	case care.ActionWatch:
		v.outcome = Recorded
	default:
		v.outcome = Escalated
	}
	if !speaks(v.plan) {
		return v
	}
	door := s.look(in, v.plan)
	v.usd, v.caps = door.CostUSD, door.Caps
	switch {
	case !door.Verdict.Allowed:
		v.refuse(door.Verdict.Reasons)
	case len(stored.refused) > 0 && (slices.ContainsFunc(stored.refused, outside) || s.samePlan(in, stored.plan, v.plan)):
		v.refuse(stored.refused)
	}
	return v
}

// price is what a verdict's text costs to say, 0 when it is not said.
func (s *side) price(in reply.In, v verdict) float64 {
	if v.outcome != Answered && v.outcome != Acknowledged {
		return 0
	}
	return s.look(in, v.plan).CostUSD
}

// look asks the door.
func (s *side) look(in reply.In, p care.Plan) send.Preview {
	return send.Look(send.Request{Kind: send.KindReply, Post: in.Post, Plan: p, Match: in.Match, Triage: in.Triage}, s.bundle, in.Now)
}

// samePlan is true when two plans would do the same to a post.
func (s *side) samePlan(in reply.In, stored, now care.Plan) bool {
	return stored.Action == now.Action && stored.Rule == now.Rule && stored.Private == now.Private && s.sameWords(in, stored, now)
}

// sameWords is true when a plan says what the stored one says. The stored text
// may hold the customer's first name, which the plan does not know.
func (s *side) sameWords(in reply.In, stored, now care.Plan) bool {
	if stored.Text == now.Text {
		return true
	}
	if !in.Match.Known {
		return false
	}
	if fits(stored.Text, now.Text) {
		return true
	}
	in.Match.Customer.Name = "" // the record's name may be one that is not said
	return s.engine.Decide(in).Text == stored.Text
}

// fits is true when said is pattern with a first name in place of somebody.
func fits(said, pattern string) bool {
	before, rest, ok := strings.Cut(pattern, somebody)
	if !ok {
		return false
	}
	said, ok = strings.CutPrefix(said, before)
	if !ok {
		return false
	}
	// A first name is one word of at most 20 letters, hyphens and apostrophes.
	end := strings.IndexFunc(said, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune("-'’", r)
	})
	if end < 0 {
		end = len(said)
	}
	for ; end > 0; end-- { // the text may go on with a letter
		if said[end:] == strings.ReplaceAll(rest, somebody, said[:end]) {
			return true
		}
	}
	return false
}

// outside is true for refusals that no rule could have changed: the platform
// would not have it, or the author had taken the post back.
func outside(r care.Reason) bool {
	return r.By == "upstream" || strings.HasPrefix(r.By, "platform:")
}
