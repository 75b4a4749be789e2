// Package reply decides what to do with a post: answer it with a template, leave
// a draft, acknowledge it, give it to an agent, or keep it and say nothing.
// Compile and Decide are pure; rules, guards and templates are config that
// business users own.
//
// Order: rules are tried from the top. A rule with action tag adds its tags, and
// the next one is tried. The first other rule whose conditions and guards all
// hold wins, and none after it is tried; that its words do not fit changes
// nothing about it, a person answers then. When no rule wins, a person gets what
// waits for an answer, and the rest is kept. A conflict is a later rule that
// would have fired, too, and wants something else: it loses, and Trace says so.
//
// Safety beats every rule: our own posts and other apps' threads are left alone,
// who opts out is told nothing, and critical matters, intents for people only,
// words that always bring a person and unreadable posts go to a person. No words
// go to bots, to reposts, to customers who opted out, or where an agent has the
// conversation; nothing that an author wrote is ever repeated, but for a cleaned
// handle, and a customer's first name where the match is sure enough to say it.
// Every plan names the rule that fired and the nearest that did not, and why.
package reply

import (
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/policy"
)

// In is everything that a plan may depend on. Its JSON form is what the intake
// workflow hands to the function; the rest the service adds.
type In struct {
	Post        care.Post   `json:"post"`
	Triage      care.Triage `json:"triage"`
	Match       care.Match  `json:"match"`
	Correlation string      `json:"correlation,omitempty"`

	// Storm: many write about the same intent right now.
	Storm bool      `json:"-"`
	Now   time.Time `json:"-"`
	// Bundle is set by an Engine to its own.
	Bundle *config.Bundle `json:"-"`
}

// maxPassed bounds how many rules that did not fire a plan names.
const maxPassed = 3

// MovedTag is on plans by which a matter goes on in private.
const MovedTag = "moved-to-private"

// Decide compiles in.Bundle and applies its rules to one post. Whoever decides
// more than one keeps the Engine.
func Decide(in In) care.Plan { return Compile(in.Bundle).Decide(in) }

// Decide applies the rules to a post. The same input gives the same plan, word
// for word.
func (e *Engine) Decide(in In) care.Plan {
	plan, _ := e.decide(in)
	return plan
}

// decide is Decide; optsOut is true when the author asks for no more automated
// messages.
func (e *Engine) decide(in In) (plan care.Plan, optsOut bool) {
	f := e.look(&in)
	defer f.done()
	optsOut = !in.Post.Author.Own && (f.found.has(e.optOut) || policy.OptsOut(in.Post.Text))
	plan = care.Plan{ConfigVersion: e.bundle.Version, Seen: seen(f.in), Else: care.ActionWatch}
	if because(f.in) != "" {
		plan.Else = care.ActionEscalate
	}
	if by, why := f.never(optsOut); why != "" {
		plan.Action, plan.Else = care.ActionWatch, care.ActionWatch
		plan.Reasons = []care.Reason{{By: by, Text: why}}
		return plan, optsOut
	}
	var (
		winner *rule
		tagged []*rule
		passed near
	)
	for i := range e.rules {
		r := &e.rules[i]
		if !f.on(r) {
			continue
		}
		if share := f.tally(r, passed.least()); share < 1 {
			if share > 0 {
				passed.add(r, share)
			}
			continue
		}
		if f.held(r) != holdNone {
			passed.add(r, heldBack)
			continue
		}
		if r.Then.Action != config.ActionTag {
			winner = r
			break
		}
		tagged = append(tagged, r)
	}
	for _, r := range tagged {
		plan.Tags = join(plan.Tags, r.Then.Tags)
	}
	if winner != nil {
		plan.Reasons = append(plan.Reasons, f.carryOut(winner, &plan))
	} else {
		plan.Reasons = append(plan.Reasons, f.carryOn(&plan))
	}
	if len(tagged) > 0 {
		plan.Reasons = append(plan.Reasons, whyTagged(tagged))
	}
	for _, n := range passed.rules[:passed.n] {
		plan.Reasons = append(plan.Reasons, f.whyNot(n.rule, n.share == heldBack))
	}
	return plan, optsOut
}

// carryOut makes the plan what the rule that won wants, and says so.
func (f *facts) carryOut(r *rule, plan *care.Plan) care.Reason {
	plan.Action, plan.Rule, plan.Queue = r.Then.Action, r.Name, r.Then.Queue
	plan.Tags = join(plan.Tags, r.Then.Tags)
	fired := care.Reason{By: "rule:" + r.Name}
	if !r.says {
		fired.Text = "Rule " + r.Name + " " + r.does() + f.forIntent(r) + "."
		return fired
	}
	p := f.in.Post.Platform
	private := r.Then.Private || f.in.Post.Private
	if r.Then.Action == config.ActionMove {
		plan.Action = care.ActionAnswer
		private = p == care.Facebook || p == care.Instagram // they have a private reply to a public comment
	}
	delay := time.Duration(0)
	if r.speaks {
		delay = time.Duration(r.Guards.Delay)
	}
	d := decision{In: *f.in, at: f.in.Now.Add(delay)}
	text, lang, err := d.render(r.Then.Template, private)
	plan.Template, plan.Lang = r.Then.Template, lang
	if err != nil {
		// The rule is the right one but its words do not do: better a person than
		// the next rule's.
		plan.Action = care.ActionEscalate
		fired.Text = "Rule " + r.Name + " fits, but " + err.Error() + "; a person answers."
		return fired
	}
	plan.Text, plan.Private, plan.Promised = text, private, d.promised
	if r.speaks {
		plan.DelaySeconds = int((delay + time.Second - 1) / time.Second)
		g := r.Guards
		plan.Limits = care.Limits{PerCustomerPerDay: max(0, g.MaxPerCustomerPerDay), PerDay: max(0, g.MaxPerDay), OncePerConversation: g.OncePerConversation}
	}
	switch r.Then.Action {
	case config.ActionMove:
		plan.Tags = join(plan.Tags, []string{MovedTag})
	case care.ActionAcknowledge:
		plan.Else = care.ActionEscalate
	case care.ActionDraft:
		plan.Else = care.ActionEscalate
		within := time.Duration(r.Then.ApproveWithin)
		if within <= 0 {
			within = config.DefaultApproveWithin
		}
		plan.ApproveBy = f.in.Now.Add(within)
	}
	fired.Text = "Rule " + r.Name + " " + r.does() + f.forIntent(r) + "."
	return fired
}

// carryOn makes the plan what is done when no rule wins, and says why.
func (f *facts) carryOn(plan *care.Plan) care.Reason {
	plan.Action = plan.Else
	reason := care.Reason{By: "default", Text: "No rule fired and the author expects nothing, so it is kept and nothing is said."}
	switch {
	case f.person != "":
		plan.Action, plan.Else = care.ActionEscalate, care.ActionEscalate
		reason = care.Reason{By: "safety", Text: f.person}
	case plan.Action == care.ActionEscalate:
		reason.Text = "No rule fired and " + because(f.in) + ", so a person answers."
	case f.in.Triage.Praise:
		reason.Text = "No rule fired and it is praise, so it is kept and nothing is said."
	}
	return reason
}

// never is why nothing at all is to be done with a post but to keep it, and who
// says so; "" when the rules may decide.
func (f *facts) never(optsOut bool) (by, why string) {
	p := &f.in.Post
	switch {
	case p.Author.Own:
		return "safety", "The post is our own."
	case p.Ref["standby"] != "":
		return "safety", "Another app has this thread on the platform, so nothing is said."
	// The brand's own words are found in any post, and what else it says may need
	// a person, who is no machine; the usual words stand alone.
	case optsOut && (f.person == "" || !f.found.has(f.e.optOut)):
		return "consent", "The author asks for no more automated messages: that is recorded, and nothing is said."
	}
	return "", ""
}

// peopleOnly are intents that no machine answers, whatever the brand's config
// says of them.
var peopleOnly = map[string]bool{"self-harm": true, "legal": true, "safety": true}

// whyPerson is why a person must have the post, "" when nothing says so.
func (f *facts) whyPerson() string {
	t := &f.in.Triage
	switch {
	case f.in.Post.Unreadable != "":
		return "The post cannot be read, so only a person can deal with it."
	case t.Severity >= care.SeverityCritical:
		return "The matter is critical; a machine never answers that."
	case peopleOnly[t.Intent]:
		return "The intent is " + t.Intent + ", which is for people only."
	}
	for i := range f.e.bundle.Brand.Intents {
		if x := &f.e.bundle.Brand.Intents[i]; x.People && x.Name == t.Intent {
			return "The intent is " + x.Name + ", which is for people only."
		}
	}
	if f.found.has(f.e.people) {
		return "The post holds a word that always brings a person."
	}
	return ""
}

// whySilent is why a machine must not answer although the matter would allow it.
func whySilent(in *In) string {
	switch {
	case in.Post.Author.Bot:
		return "An automated account wrote it; two machines would talk for ever."
	case in.Post.Kind == care.KindRepost:
		return "It repeats a post without a word of its own."
	case in.Match.Customer.Consent.OptOut:
		return "The customer asked for no automated messages."
	case agentOnIt(in):
		return "An agent has this conversation."
	}
	return ""
}

func agentOnIt(in *In) bool {
	c := &in.Match.Conversation
	return c.Agent != "" || c.Escalation != nil
}

// because is why the author needs an answer, "" when silence would leave nobody
// waiting.
func because(in *In) string {
	t, p := &in.Triage, &in.Post
	if p.Unreadable != "" {
		return "the post cannot be read"
	}
	if (t.Relevance == care.RelevanceCompetitor || t.Relevance == care.RelevanceChatter) && !p.Private && !p.Addressed {
		return ""
	}
	switch {
	case t.Complaint:
		return "it is a complaint"
	case t.Question:
		return "it is a question"
	case t.Severity >= care.SeverityMedium:
		return "its severity is " + t.Severity.String()
	case p.Private && p.Kind != care.KindStoryMention && !t.Praise && (strings.TrimSpace(p.Text) != "" || len(p.Attachments) > 0):
		return "the author wrote to us in private"
	}
	return ""
}

// seen is what the plan was made from, beside the post and its triage.
func seen(in *In) *care.Seen {
	m, c := &in.Match, &in.Match.Customer
	return &care.Seen{At: in.Now, Customer: c.ID, Known: m.Known, Grade: m.Grade, Tier: c.Tier, Value: c.Value, Lang: c.Lang, Attributes: c.Attributes,
		OptOut: c.Consent.OptOut, First: m.First, Conversation: m.Conversation.ID, AgentOnIt: agentOnIt(in), Storm: in.Storm}
}

// join adds tags that are not there yet.
func join(tags, more []string) []string {
	for _, t := range more {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// does says in words what a rule wants done.
func (r *rule) does() string {
	does := "does nothing that we know"
	switch r.Then.Action {
	case care.ActionAnswer:
		does = "answers with template " + r.Then.Template
	case care.ActionDraft:
		return "drafts an answer with template " + r.Then.Template + " for a person to approve"
	case care.ActionAcknowledge:
		does = "acknowledges it with template " + r.Then.Template + " and gives it to a person"
	case config.ActionMove:
		does = "asks with template " + r.Then.Template + " to go on in private"
	case care.ActionEscalate:
		return "gives it to a person"
	case care.ActionWatch:
		return "keeps it and says nothing"
	case config.ActionTag:
		return "adds its tags (" + strings.Join(r.Then.Tags, ", ") + ")"
	}
	if r.Guards.Delay > 0 {
		does += " after waiting " + r.Guards.Delay.String()
	}
	return does
}

// forIntent says that the intent is why, where the rule asks for it.
func (f *facts) forIntent(r *rule) string {
	if f.in.Triage.Intent != "" && len(r.When.Intents) > 0 {
		return ", for the intent is " + f.in.Triage.Intent
	}
	return ""
}

// whyTagged says which rules added tags.
func whyTagged(rules []*rule) care.Reason {
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	if len(names) == 1 {
		return care.Reason{By: "rule:" + names[0], Text: "Rule " + names[0] + " " + rules[0].does() + "."}
	}
	return care.Reason{By: "tags", Text: "Tags were added by the rules " + few(names) + "."}
}

// whyNot says why a rule that came near did not fire.
func (f *facts) whyNot(r *rule, held bool) care.Reason {
	if held {
		return care.Reason{By: "guard:" + r.Name, Text: "Rule " + r.Name + " was held back: " + f.whyHeld(r, false) + "."}
	}
	return care.Reason{By: "rule:" + r.Name, Text: "Rule " + r.Name + " was passed over: " + f.whyPassed(r, false) + "."}
}
