// Package reply decides what to do with a post: answer it with a template, give
// it to an agent, or keep it and say nothing. Decide is pure; the rules, their
// guards and the templates are config that business users own.
//
// Some posts are never answered automatically, whatever the rules say: critical
// matters, intents for people only, words that always bring a person, posts that
// cannot be read, our own posts, threads that another app has, conversations
// that an agent has, customers who asked for no automated messages. Nothing that
// an author wrote is ever repeated, but for a cleaned handle and the first name
// of a customer record, where the match is sure enough to say it.
//
// Every plan explains itself: which rule fired, and the nearest of those that did
// not, and why.
package reply

import (
	"cmp"
	"fmt"
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

	Now    time.Time      `json:"-"`
	Bundle *config.Bundle `json:"-"`
}

// maxPassed bounds how many rules that did not fire a plan names.
const maxPassed = 3

// Decide applies the rules to a post. The same input gives the same plan, word
// for word.
func Decide(in In) care.Plan {
	d := decision{In: in, folded: " " + fold(in.Post.Text) + " "}
	plan := care.Plan{ConfigVersion: in.Bundle.Version, Else: care.ActionWatch}
	if d.needsAnswer() {
		plan.Else = care.ActionEscalate
	}
	if why := d.notOurs(); why != "" {
		plan.Action, plan.Else = care.ActionWatch, care.ActionWatch
		plan.Reasons = []care.Reason{{By: "safety", Text: why}}
		return plan
	}
	if policy.OptsOut(in.Post.Text) {
		plan.Action, plan.Else = care.ActionWatch, care.ActionWatch
		plan.Reasons = []care.Reason{{By: "consent", Text: "The author asks for no more automated messages: that is recorded, and nothing is said."}}
		return plan
	}
	person := d.person()     // why a person must have it
	silent := d.noMachines() // why no machine may answer

	loc := in.Bundle.Hours.Location()
	for i := range in.Bundle.Rules {
		r := &in.Bundle.Rules[i]
		if !r.On(in.Now, loc) {
			continue
		}
		checks := d.when(r)
		if why := firstFailure(checks); why != "" {
			d.pass(r, checks, why)
			continue
		}
		answers := r.Then.Action == care.ActionAnswer
		switch {
		case answers && person != "":
			d.hold(r, person)
			continue
		case answers && silent != "":
			d.hold(r, silent)
			continue
		case r.Then.Action == care.ActionWatch && person != "":
			d.hold(r, person)
			continue
		}
		if why := d.guard(r); why != "" {
			d.hold(r, why)
			continue
		}
		plan.Action, plan.Rule, plan.Tags = r.Then.Action, r.Name, d.tags(r)
		fired := care.Reason{By: "rule:" + r.Name, Text: d.fired(r)}
		if answers {
			private := r.Then.Private || in.Post.Private
			text, lang, err := d.render(r.Then.Template, private)
			plan.Template, plan.Lang = r.Then.Template, lang
			if err != nil {
				// The rule is the right one but its words do not do: better a person
				// than the next rule's.
				plan.Action = care.ActionEscalate
				fired.Text = fmt.Sprintf("Rule %s fits, but %v; a person answers.", r.Name, err)
			} else {
				plan.Text, plan.Private = text, private
			}
		}
		plan.Reasons = append([]care.Reason{fired}, d.passed()...)
		return plan
	}

	plan.Action = plan.Else
	reason := care.Reason{By: "default", Text: "No rule fired and the author expects nothing, so it is kept and nothing is said."}
	switch {
	case person != "":
		plan.Action, plan.Else = care.ActionEscalate, care.ActionEscalate
		reason = care.Reason{By: "safety", Text: person}
	case plan.Action == care.ActionEscalate:
		reason.Text = "No rule fired and " + d.because() + ", so a person answers."
	case in.Triage.Praise:
		reason.Text = "No rule fired and it is praise, so it is kept and nothing is said."
	}
	plan.Reasons = append([]care.Reason{reason}, d.passed()...)
	return plan
}

// decision is one run of Decide.
type decision struct {
	In
	folded string // the post's text, folded, between spaces
	near   []near
}

// near is a rule that did not fire.
type near struct {
	reason care.Reason
	held   float64 // share of its conditions that held; 2 when a guard held it back
}

// notOurs is why the post is none of our business to answer at all.
func (d *decision) notOurs() string {
	switch {
	case d.Post.Author.Own:
		return "The post is our own."
	case d.Post.Ref["standby"] != "":
		return "Another app has this thread on the platform, so nothing is said."
	}
	return ""
}

// peopleOnly are intents that no machine answers, whatever the brand's config
// says of them.
var peopleOnly = map[string]bool{"self-harm": true, "legal": true, "safety": true}

// person is why a person must have the post, "" when nothing says so.
func (d *decision) person() string {
	switch {
	case d.Post.Unreadable != "":
		return "The post cannot be read, so only a person can deal with it."
	case d.Triage.Severity >= care.SeverityCritical:
		return "The matter is critical; a machine never answers that."
	case peopleOnly[d.Triage.Intent]:
		return fmt.Sprintf("The intent is %s, which is for people only.", d.Triage.Intent)
	}
	for _, i := range d.Bundle.Brand.Intents {
		if i.Name == d.Triage.Intent && i.People {
			return fmt.Sprintf("The intent is %s, which is for people only.", i.Name)
		}
	}
	for _, words := range d.Bundle.People.Words {
		for _, w := range words {
			if d.holds(w) {
				return "The post holds a word that always brings a person."
			}
		}
	}
	return ""
}

// noMachines is why a machine must not answer although the matter would allow it.
func (d *decision) noMachines() string {
	switch c := d.Match.Conversation; {
	case d.Post.Author.Bot:
		return "An automated account wrote it; two machines would talk for ever."
	case d.Post.Kind == care.KindRepost:
		return "It repeats a post without a word of its own."
	case d.Match.Customer.Consent.OptOut:
		return "The customer asked for no automated messages."
	case c.Agent != "" || c.Escalation != nil:
		return "An agent has this conversation."
	}
	return ""
}

// needsAnswer is true when silence would leave the author waiting.
func (d *decision) needsAnswer() bool { return d.because() != "" }

// because is why the author needs an answer, "" when they do not.
func (d *decision) because() string {
	t, p := d.Triage, d.Post
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
		return fmt.Sprintf("its severity is %s", t.Severity)
	case p.Private && p.Kind != care.KindStoryMention && !t.Praise && (strings.TrimSpace(p.Text) != "" || len(p.Attachments) > 0):
		return "the author wrote to us in private"
	}
	return ""
}

func (d *decision) tags(r *config.Rule) []string {
	tags := slices.Clone(r.Then.Tags)
	if r.Then.Queue != "" {
		tags = append(tags, config.QueueTag(r.Then.Queue))
	}
	if n := r.Guards.MaxPerCustomerPerDay; n > 0 && r.Then.Action == care.ActionAnswer {
		tags = append(tags, config.CapTag(n))
	}
	return tags
}

// fired says why a rule fired, in words.
func (d *decision) fired(r *config.Rule) string {
	does := map[care.Action]string{care.ActionAnswer: "answers with template " + r.Then.Template, care.ActionEscalate: "gives it to a person", care.ActionWatch: "keeps it and says nothing"}[r.Then.Action]
	why := ""
	if d.Triage.Intent != "" && len(r.When.Intents) > 0 {
		why = ", for the intent is " + d.Triage.Intent
	}
	return fmt.Sprintf("Rule %s %s%s.", r.Name, does, why)
}

// pass notes a rule whose conditions did not all hold.
func (d *decision) pass(r *config.Rule, checks []check, why string) {
	held := 0
	for _, c := range checks {
		if c.ok {
			held++
		}
	}
	if held == 0 {
		return // nothing of it fits: not worth a word
	}
	d.near = append(d.near, near{care.Reason{By: "rule:" + r.Name, Text: fmt.Sprintf("Rule %s was passed over: %s.", r.Name, why)}, float64(held) / float64(len(checks))})
}

// hold notes a rule that a guard held back although its conditions held.
func (d *decision) hold(r *config.Rule, why string) {
	why = strings.TrimSuffix(why, ".")
	d.near = append(d.near, near{care.Reason{By: "guard:" + r.Name, Text: fmt.Sprintf("Rule %s was held back: %s.", r.Name, lowerFirst(why))}, 2})
}

// passed are the nearest rules that did not fire, nearest first.
func (d *decision) passed() []care.Reason {
	slices.SortStableFunc(d.near, func(a, b near) int { return cmp.Compare(b.held, a.held) })
	var list []care.Reason
	for _, n := range d.near[:min(maxPassed, len(d.near))] {
		list = append(list, n.reason)
	}
	return list
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
