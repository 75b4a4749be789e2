package reply

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Failure is a golden example that does not come out as it should, or a template
// that does not fit where it would be used.
type Failure struct {
	Test    string
	Message string
}

func (f Failure) String() string { return f.Test + ": " + f.Message }

// RunTests runs the golden examples of a bundle and checks that every template
// that a rule uses fits every platform on which the rule may use it. Examples
// that do not assume what triage finds are triaged by triage; without triage
// they fail.
func RunTests(b *config.Bundle, triage func(care.Post) care.Triage) []Failure {
	var failures []Failure
	for i, t := range b.Tests {
		in, err := given(b, i, t.Given, triage)
		if err != nil {
			failures = append(failures, Failure{t.Name, err.Error()})
			continue
		}
		for _, message := range differences(t.Expect, in, Decide(in)) {
			failures = append(failures, Failure{t.Name, message})
		}
	}
	return append(failures, fits(b)...)
}

// given builds the input of a golden example.
func given(b *config.Bundle, i int, g config.Given, triage func(care.Post) care.Triage) (In, error) {
	at, err := time.ParseInLocation(config.TestTime, g.At, b.Hours.Location())
	if err != nil {
		return In{}, fmt.Errorf("the time %q is not of the form %q", g.At, config.TestTime)
	}
	kind := g.Kind
	if kind == "" {
		switch {
		case g.Private:
			kind = care.KindDirect
		case g.NotAddressed:
			kind = care.KindPost
		case g.Platform == care.Facebook || g.Platform == care.Instagram:
			kind = care.KindComment
		default:
			kind = care.KindMention
		}
	}
	in := In{Now: at, Bundle: b, Post: care.Post{
		Platform: g.Platform, NativeID: fmt.Sprintf("test-%d", i), Thread: fmt.Sprintf("test-%d", i), Kind: kind, Private: g.Private,
		Author: care.Author{ID: "author", Handle: "author"}, Text: g.Text, Lang: g.Lang, Addressed: !g.NotAddressed, CreatedAt: at, ReceivedAt: at,
	}}
	for _, a := range b.Brand.Accounts {
		if a.Platform == g.Platform {
			in.Post.Account = a.ID
		}
	}
	if c := g.Customer; c != nil {
		in.Match = care.Match{Known: true, Grade: c.Grade, Customer: care.Customer{
			ID: "cus_test", External: "test", Name: c.Name, Tier: c.Tier, Value: c.Value, Attributes: c.Attributes, Consent: care.Consent{OptOut: c.OptOut}}}
		if c.Grade == "" {
			in.Match.Grade = care.GradeAsserted
		}
	}
	if a := g.Assume; a != nil {
		severity, _ := config.SeverityOf(a.Severity)
		in.Triage = care.Triage{Relevance: a.Relevance, Lang: a.Lang, Intent: a.Intent, IntentScore: a.IntentScore, Sentiment: a.Sentiment, Severity: severity,
			PersonalData: a.PersonalData, Praise: a.Praise, Complaint: a.Complaint, Question: a.Question}
		if in.Triage.Relevance == "" {
			in.Triage.Relevance = care.RelevanceAddressed
		}
		if in.Triage.Lang == "" {
			in.Triage.Lang = "und"
		}
		if a.Intent != "" && a.IntentScore == 0 {
			in.Triage.IntentScore = 1
		}
		return in, nil
	}
	if triage == nil {
		return In{}, fmt.Errorf("it assumes nothing and no triage is at hand")
	}
	in.Triage = triage(in.Post)
	return in, nil
}

// differences lists what did not come out as expected.
func differences(x config.Expect, in In, plan care.Plan) []string {
	var out []string
	differ := func(what, want, got string) {
		if want != "" && want != got {
			out = append(out, fmt.Sprintf("expected %s %q, got %q", what, want, got))
		}
	}
	differ("relevance", string(x.Relevance), string(in.Triage.Relevance))
	differ("intent", x.Intent, in.Triage.Intent)
	differ("severity", x.Severity, in.Triage.Severity.String())
	differ("action", string(x.Action), string(plan.Action))
	differ("rule", x.Rule, plan.Rule)
	differ("template", x.Template, plan.Template)
	differ("language", x.Lang, plan.Lang)
	differ("else", string(x.Else), string(plan.Else))
	if x.NoRule && plan.Rule != "" {
		out = append(out, fmt.Sprintf("expected no rule, but %q fired", plan.Rule))
	}
	if x.Private != nil && *x.Private != plan.Private {
		out = append(out, fmt.Sprintf("expected private %v, got %v", *x.Private, plan.Private))
	}
	for _, piece := range x.Contains {
		if !strings.Contains(plan.Text, piece) {
			out = append(out, fmt.Sprintf("the text does not hold %q: %q", piece, plan.Text))
		}
	}
	for _, piece := range x.Lacks {
		if strings.Contains(plan.Text, piece) {
			out = append(out, fmt.Sprintf("the text must not hold %q: %q", piece, plan.Text))
		}
	}
	for _, tag := range x.Tags {
		if !slices.Contains(plan.Tags, tag) {
			out = append(out, fmt.Sprintf("the tag %q is missing: %v", tag, plan.Tags))
		}
	}
	if len(out) > 0 {
		for _, r := range plan.Reasons {
			out[len(out)-1] += "\n    " + r.By + ": " + r.Text
		}
	}
	return out
}

// fits renders every template that a rule uses, in every language and for every
// platform that the rule allows, at its longest.
func fits(b *config.Bundle) []Failure {
	var failures []Failure
	seen := map[string]bool{}
	for _, r := range b.Rules {
		if r.Then.Action != care.ActionAnswer {
			continue
		}
		platforms := r.When.Platforms
		if len(platforms) == 0 {
			platforms = care.Platforms()
		}
		tpl := b.Templates[r.Then.Template]
		for _, lang := range slices.Sorted(maps.Keys(tpl.Text)) {
			for _, p := range platforms {
				name := fmt.Sprintf("template %s, %s, %s", r.Then.Template, lang, p)
				if seen[name] {
					continue
				}
				seen[name] = true
				if why := fitsOn(b, r.Then.Template, lang, p, r.Then.Private); why != "" {
					failures = append(failures, Failure{name, why})
				}
			}
		}
	}
	if f := b.Followup; f.Enabled {
		for _, lang := range slices.Sorted(maps.Keys(b.Templates[f.Template].Text)) {
			for _, p := range f.Platforms {
				name := fmt.Sprintf("template %s, %s, %s", f.Template, lang, p)
				for n := range 50 {
					customer := care.Customer{Name: "Maximiliana-Josefin Example", Prospect: n%2 == 0}
					if _, err := Invitation(b, closedTime(b), f.Template, p, lang, fmt.Sprint(n), customer); err != nil {
						failures = append(failures, Failure{name, err.Error()})
						break
					}
				}
			}
		}
	}
	return failures
}

// closedTime is a time outside the opening hours, if there is one: then a promise
// names a day, which is longest.
func closedTime(b *config.Bundle) time.Time {
	late := time.Date(2026, time.December, 30, 12, 0, 0, 0, b.Hours.Location())
	for i := 0; i < 48 && b.Hours.Open(late); i++ {
		late = late.Add(30 * time.Minute)
	}
	return late
}

// fitsOn tries enough posts that every variant comes up, with long names and
// the longest promise.
func fitsOn(b *config.Bundle, template, lang string, p care.Platform, private bool) string {
	late := closedTime(b)
	for n := range 200 {
		d := decision{In: In{Bundle: b, Now: late,
			Post:   care.Post{Platform: p, NativeID: fmt.Sprint(n), Author: care.Author{ID: "1", Handle: "a_rather_long_handle_of_somebody"}},
			Triage: care.Triage{Lang: lang},
			Match:  care.Match{Known: true, Grade: care.GradeAsserted, Customer: care.Customer{Name: "Maximiliana-Josefin Example"}},
		}}
		if n%2 == 0 {
			d.Match = care.Match{}
		}
		if _, _, err := d.render(template, private); err != nil {
			return err.Error()
		}
	}
	return ""
}
