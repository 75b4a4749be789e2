package reply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// Tuesday, 11:00 in Madrid: open.
var tuesday = time.Date(2026, time.November, 24, 10, 0, 0, 0, time.UTC)

// with is the standard bundle with other rules, as rules.yaml writes them, and
// more templates. The loader, which asks for more than a test needs to say, has
// not checked them.
func with(t testing.TB, rules, templates string) *config.Bundle {
	t.Helper()
	b := *standard(t)
	var f struct {
		People config.People `yaml:"people"`
		Rules  []config.Rule `yaml:"rules"`
		Tests  []config.Test `yaml:"tests"`
	}
	more := map[string]config.Template{}
	for text, into := range map[string]any{rules: &f, templates: &more} {
		if err := strictly(text, into); err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%v", err)
		}
	}
	b.People, b.Rules, b.Tests, b.Templates = f.People, f.Rules, f.Tests, maps.Clone(b.Templates)
	maps.Copy(b.Templates, more)
	return &b
}

// strictly reads YAML, and refuses keys that the type does not have.
func strictly(text string, into any) error {
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	return d.Decode(into)
}

// standard is the bundle of the default files.
func standard(t testing.TB) *config.Bundle {
	t.Helper()
	b, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// question is a plain question on X that turned to us.
func question(b *config.Bundle) In {
	return In{Now: tuesday, Bundle: b,
		Post:   care.Post{Platform: care.X, NativeID: "100", Kind: care.KindMention, Addressed: true, Text: "@VeloriaCare does this work?", Author: care.Author{ID: "9", Handle: "ana_example", Name: "Pwned <b>"}},
		Triage: care.Triage{Relevance: care.RelevanceAddressed, Lang: "en", Intent: "roaming", IntentScore: 0.8, Question: true, Severity: care.SeverityLow},
	}
}

const oneRule = `rules:
  - name: one
    when: {%s}
    then: {action: answer, template: thanks}
    guards: {%s}
`

func TestConditions(t *testing.T) {
	rows := []struct {
		name, when string
		holds      bool
		change     func(*In)
	}{
		{"intent", "intents: [refund, roaming]", true, nil},
		{"other intent", "intents: [refund]", false, nil},
		{"score reached", "minIntentScore: 0.8", true, nil},
		{"score not reached", "minIntentScore: 0.81", false, nil},
		{"sentiment at the edges", "sentiment: {min: -0.5, max: -0.5}", true, func(in *In) { in.Triage.Sentiment = -0.5 }},
		{"sentiment below", "sentiment: {min: -0.5}", false, func(in *In) { in.Triage.Sentiment = -0.51 }},
		{"sentiment above", "sentiment: {max: 0}", false, func(in *In) { in.Triage.Sentiment = 0.1 }},
		{"severity within", "severity: {min: low, max: low}", true, nil},
		{"severity below", "severity: {min: medium}", false, nil},
		{"severity above", "severity: {max: none}", false, nil},
		{"platform", "platforms: [mastodon, x]", true, nil},
		{"other platform", "platforms: [mastodon]", false, nil},
		{"kind", "kinds: [mention]", true, nil},
		{"other kind", "kinds: [direct]", false, nil},
		{"public", "private: false", true, nil},
		{"not private", "private: true", false, nil},
		{"language", "languages: [es, en]", true, nil},
		{"regional language", "languages: [es]", true, func(in *In) { in.Triage.Lang = "es-MX" }},
		{"other language", "languages: [es]", false, nil},
		{"keyword", "keywords: [router, work]", true, nil},
		{"keyword in part of a word", "keywords: [wor]", false, nil},
		{"keyword with accents and case", "keywords: [averia]", true, func(in *In) { in.Post.Text = "Hay una AVERÍA, otra vez" }},
		{"keyword phrase over a line break", "keywords: [opening hours]", true, func(in *In) { in.Post.Text = "your Opening\n  hours?" }},
		{"keyword found later as a whole word", "keywords: [sim]", true, func(in *In) { in.Post.Text = "simple sim-card" }},
		{"keyword in wide letters", "keywords: [router]", true, func(in *In) { in.Post.Text = "ｒｏｕｔｅｒ" }},
		{"relevance", "relevance: [addressed, about]", true, nil},
		{"relevance asked for", "relevance: [about]", true, func(in *In) { in.Triage.Relevance = care.RelevanceAbout }},
		{"not addressed", "question: true", false, func(in *In) { in.Triage.Relevance = care.RelevanceAbout }},
		{"question", "question: true", true, nil},
		{"no question", "question: false", false, nil},
		{"complaint", "complaint: true", false, nil},
		{"praise", "praise: true", true, func(in *In) { in.Triage.Praise = true }},
		{"no personal data", "personalData: false", true, nil},
		{"open", "hours: open", true, nil},
		{"closed", "hours: closed", false, nil},
		{"closed on Sunday", "hours: closed", true, func(in *In) { in.Now = tuesday.Add(-48 * time.Hour) }},
		{"known", "customer: {known: true}", false, nil},
		{"unknown", "customer: {known: false}", true, nil},
		{"value", "customer: {minValue: 100}", true, func(in *In) { in.Match.Known, in.Match.Customer.Value = true, 100 }},
		{"value of a prospect", "customer: {minValue: 0}", false, nil},
		{"tier", "customer: {tiers: [gold]}", true, func(in *In) { in.Match.Known, in.Match.Customer.Tier = true, "gold" }},
		{"other tier", "customer: {tiers: [gold]}", false, func(in *In) { in.Match.Known, in.Match.Customer.Tier = true, "silver" }},
		{"grade", "customer: {grades: [verified]}", true, func(in *In) { in.Match.Grade = care.GradeVerified }},
		{"other grade", "customer: {grades: [verified]}", false, func(in *In) { in.Match.Grade = care.GradeProbable }},
		{"attribute", "customer: {attributes: {plan: fiber}}", true, func(in *In) { in.Match.Customer.Attributes = map[string]string{"plan": "fiber", "x": "y"} }},
		{"attribute missing", "customer: {attributes: {plan: fiber}}", false, nil},
		{"first contact", "firstContact: true", true, func(in *In) { in.Match.First = true }},
		{"not the first contact", "firstContact: true", false, nil},
		{"all", "all: [{question: true}, {intents: [roaming]}]", true, nil},
		{"not all", "all: [{question: true}, {complaint: true}]", false, nil},
		{"any", "any: [{complaint: true}, {question: true}]", true, nil},
		{"not any", "any: [{complaint: true}, {praise: true}]", false, nil},
		{"not", "not: {complaint: true}", true, nil},
		{"not not", "not: {not: {question: true}}", true, nil},
		{"not this", "not: {question: true}", false, nil},
		{"together", "question: true, complaint: true", false, nil},
		{"nested", "all: [{any: [{complaint: true}, {not: {private: true}}]}, {languages: [en]}]", true, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(with(t, fmt.Sprintf(oneRule, row.when, ""), ""))
			if row.change != nil {
				row.change(&in)
			}
			plan := Decide(in)
			if got := plan.Rule == "one"; got != row.holds {
				t.Errorf("holds: %v, want %v (%v)", got, row.holds, plan.Reasons)
			}
		})
	}
}

func TestGuards(t *testing.T) {
	rows := []struct {
		name, guards string
		fires        bool
		change       func(*In)
	}{
		{"none", "", true, nil},
		{"only while open", "hours: open", true, nil},
		{"only while closed", "hours: closed", false, nil},
		{"as negative as allowed", "notIfNegativeAbove: 0.5", true, func(in *In) { in.Triage.Sentiment = -0.5 }},
		{"more negative", "notIfNegativeAbove: 0.5", false, func(in *In) { in.Triage.Sentiment = -0.6 }},
		{"as grave as medium unless it says otherwise", "", true, func(in *In) { in.Triage.Severity = care.SeverityMedium }},
		{"graver than medium", "", false, func(in *In) { in.Triage.Severity = care.SeverityHigh }},
		{"high where allowed", "notIfSeverityAbove: high", true, func(in *In) { in.Triage.Severity = care.SeverityHigh }},
		{"low only", "notIfSeverityAbove: low", false, func(in *In) { in.Triage.Severity = care.SeverityMedium }},
		{"personal data in public", "", false, func(in *In) { in.Triage.PersonalData = []string{"phone"} }},
		{"personal data in public where allowed", "notIfPersonalData: false", true, func(in *In) { in.Triage.PersonalData = []string{"phone"} }},
		{"personal data in private", "", true, func(in *In) { in.Triage.PersonalData, in.Post.Private = []string{"phone"}, true }},
		{"value above", "notForKnownWithValueAbove: 1000", false, func(in *In) { in.Match.Known, in.Match.Customer.Value = true, 1001 }},
		{"value as high as allowed", "notForKnownWithValueAbove: 1000", true, func(in *In) { in.Match.Known, in.Match.Customer.Value = true, 1000 }},
		{"value of a prospect is not known", "notForKnownWithValueAbove: 1000", true, func(in *In) { in.Match.Customer.Value = 5000 }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(with(t, fmt.Sprintf(oneRule, "question: true", row.guards), ""))
			if row.change != nil {
				row.change(&in)
			}
			plan := Decide(in)
			if got := plan.Rule == "one"; got != row.fires {
				t.Fatalf("fires: %v, want %v (%v)", got, row.fires, plan.Reasons)
			}
			if !row.fires && (plan.Action != care.ActionEscalate || len(plan.Reasons) != 2 || plan.Reasons[1].By != "guard:one") {
				t.Errorf("%s with %v, want escalate with the guard named", plan.Action, plan.Reasons)
			}
		})
	}
}

func TestNeverAnswered(t *testing.T) {
	rows := []struct {
		name string
		want care.Action
		by   string
		set  func(*In)
	}{
		{"our own post", care.ActionWatch, "safety", func(in *In) { in.Post.Author.Own = true }},
		{"another app has the thread", care.ActionWatch, "safety", func(in *In) { in.Post.Ref = map[string]string{"standby": "true"} }},
		{"critical", care.ActionEscalate, "safety", func(in *In) { in.Triage.Severity = care.SeverityCritical }},
		{"self-harm", care.ActionEscalate, "safety", func(in *In) { in.Triage.Intent = "self-harm" }},
		{"legal", care.ActionEscalate, "safety", func(in *In) { in.Triage.Intent = "legal" }},
		{"data protection, by config", care.ActionEscalate, "safety", func(in *In) { in.Triage.Intent = "data-protection" }},
		{"a word that brings a person", care.ActionEscalate, "safety", func(in *In) { in.Post.Text = "Mi ABOGADO pregunta" }},
		{"a phrase that brings a person", care.ActionEscalate, "safety", func(in *In) { in.Post.Text = "honestly I want\nto die" }},
		{"unreadable", care.ActionEscalate, "safety", func(in *In) { in.Post.Unreadable, in.Post.Text = "end-to-end encrypted", "" }},
		{"another bot", care.ActionEscalate, "default", func(in *In) { in.Post.Author.Bot = true }},
		{"opted out", care.ActionEscalate, "default", func(in *In) { in.Match.Customer.Consent.OptOut = true }},
		{"an agent has it", care.ActionEscalate, "default", func(in *In) { in.Match.Conversation.Agent = "Sam" }},
		{"it is escalated", care.ActionEscalate, "default", func(in *In) { in.Match.Conversation.Escalation = &care.Escalation{} }},
		{"a repost", care.ActionEscalate, "default", func(in *In) { in.Post.Kind = care.KindRepost }},
	}
	b := with(t, `people: {words: {en: [want to die], es: [abogado]}}
rules:
  - name: keen
    when: {any: [{question: true}, {question: false}]}
    then: {action: answer, template: thanks}
    guards: {notIfSeverityAbove: high, notIfPersonalData: false}
`, "")
	if p := Decide(question(b)); p.Action != care.ActionAnswer {
		t.Fatalf("the rule does not fire at all: %v", p.Reasons)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(b)
			row.set(&in)
			plan := Decide(in)
			if plan.Action != row.want || plan.Rule != "" || plan.Text != "" || plan.Reasons[0].By != row.by {
				t.Errorf("%s by rule %q: %v; want %s by %s", plan.Action, plan.Rule, plan.Reasons, row.want, row.by)
			}
		})
	}
}

func TestAPersonIsNotTalkedOutOfIt(t *testing.T) {
	b := with(t, `rules:
  - name: quiet
    when: {question: true}
    then: {action: watch}
  - name: fraud
    when: {question: true}
    then: {action: escalate, queue: care-priority, tags: [fraud]}
`, "")
	in := question(b)
	if p := Decide(in); p.Action != care.ActionWatch || p.Rule != "quiet" {
		t.Fatalf("%s by %q", p.Action, p.Rule)
	}
	in.Triage.Severity = care.SeverityCritical
	if p := Decide(in); p.Action != care.ActionEscalate || p.Rule != "fraud" || p.Queue != "care-priority" {
		t.Errorf("%s by %q to %q: a watch rule must not silence what needs a person; one that escalates may say where to", p.Action, p.Rule, p.Queue)
	}
}

func TestDefault(t *testing.T) {
	rows := []struct {
		name string
		set  func(*In)
		want care.Action
	}{
		{"a question", func(in *In) {}, care.ActionEscalate},
		{"a complaint", func(in *In) { in.Triage.Question, in.Triage.Complaint = false, true }, care.ActionEscalate},
		{"severity medium", func(in *In) { in.Triage.Question, in.Triage.Severity = false, care.SeverityMedium }, care.ActionEscalate},
		{"severity low", func(in *In) { in.Triage.Question = false }, care.ActionWatch},
		{"unreadable", func(in *In) { in.Triage.Question, in.Post.Unreadable = false, "encrypted" }, care.ActionEscalate},
		{"a direct message", func(in *In) { in.Triage.Question, in.Post.Private, in.Post.Kind = false, true, care.KindDirect }, care.ActionEscalate},
		{"a picture in private", func(in *In) {
			in.Triage.Question, in.Post.Private, in.Post.Kind, in.Post.Text, in.Post.Attachments = false, true, care.KindDirect, "", []care.Attachment{{Type: "image"}}
		}, care.ActionEscalate},
		{"nothing in private", func(in *In) { in.Triage.Question, in.Post.Private, in.Post.Text = false, true, " " }, care.ActionWatch},
		{"thanks in private", func(in *In) { in.Triage.Question, in.Post.Private, in.Triage.Praise = false, true, true }, care.ActionWatch},
		{"praise", func(in *In) { in.Triage.Question, in.Triage.Praise = false, true }, care.ActionWatch},
		{"praise with a question", func(in *In) { in.Triage.Praise = true }, care.ActionEscalate},
		{"a story that names us", func(in *In) {
			in.Triage.Question, in.Post.Private, in.Post.Kind = false, true, care.KindStoryMention
		}, care.ActionWatch},
		{"a mere mention", func(in *In) { in.Triage.Question, in.Triage.Severity = false, care.SeverityNone }, care.ActionWatch},
		{"a complaint about us, not to us", func(in *In) {
			in.Triage.Complaint, in.Triage.Relevance, in.Post.Addressed = true, care.RelevanceAbout, false
		}, care.ActionEscalate},
		{"a complaint about a competitor", func(in *In) {
			in.Triage.Complaint, in.Triage.Relevance, in.Post.Addressed = true, care.RelevanceCompetitor, false
		}, care.ActionWatch},
	}
	b := with(t, "rules: []\n", "")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(b)
			row.set(&in)
			plan := Decide(in)
			if plan.Action != row.want || plan.Else != row.want || plan.Rule != "" || len(plan.Reasons) != 1 {
				t.Errorf("%s, else %s, %v; want %s", plan.Action, plan.Else, plan.Reasons, row.want)
			}
		})
	}
}

func TestElse(t *testing.T) {
	b := with(t, fmt.Sprintf(oneRule, "any: [{question: true}, {praise: true}]", ""), "")
	in := question(b)
	if p := Decide(in); p.Action != care.ActionAnswer || p.Else != care.ActionEscalate {
		t.Errorf("a question refused at the door: %s, want escalate", p.Else)
	}
	in.Triage.Question, in.Triage.Praise = false, true
	if p := Decide(in); p.Action != care.ActionAnswer || p.Else != care.ActionWatch {
		t.Errorf("praise refused at the door: %s, want watch", p.Else)
	}
}

func TestRulesThatAreOff(t *testing.T) {
	for _, row := range []struct {
		name, extra string
		fires       bool
	}{
		{"enabled", "enabled: true", true},
		{"disabled", "enabled: false", false},
		{"on its last day", "expires: 2026-11-24", true},
		{"the day after", "expires: 2026-11-23", false},
	} {
		b := with(t, strings.Replace(fmt.Sprintf(oneRule, "question: true", ""), "    when:", "    "+row.extra+"\n    when:", 1), "")
		if got := Decide(question(b)).Rule == "one"; got != row.fires {
			t.Errorf("%s: fires %v", row.name, got)
		}
	}
}

func TestFirstRuleWinsAndTheNearestAreNamed(t *testing.T) {
	b := with(t, `rules:
  - {name: far, when: {intents: [refund], complaint: true, praise: true}, then: {action: watch}}
  - {name: none-of-it, when: {intents: [refund]}, then: {action: watch}}
  - {name: half, when: {intents: [roaming], complaint: true}, then: {action: watch}}
  - {name: third, when: {intents: [roaming], complaint: true, praise: true}, then: {action: watch}}
  - {name: held, when: {question: true}, then: {action: answer, template: thanks}, guards: {hours: closed}}
  - {name: quarter, when: {intents: [roaming], complaint: true, praise: true, private: true}, then: {action: watch}}
  - {name: winner, when: {question: true}, then: {action: answer, template: roaming, tags: [a]}, guards: {maxPerCustomerPerDay: 2}}
  - {name: too-late, when: {question: true}, then: {action: watch}}
`, "")
	plan := Decide(question(b))
	var by []string
	for _, r := range plan.Reasons {
		by = append(by, r.By)
	}
	if d := cmp.Diff([]string{"rule:winner", "guard:held", "rule:half", "rule:third"}, by); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	if want := "Rule half was passed over: it is not a complaint."; plan.Reasons[2].Text != want {
		t.Errorf("got %q, want %q", plan.Reasons[2].Text, want)
	}
	if d := cmp.Diff([]string{"a"}, plan.Tags); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(care.Limits{PerCustomerPerDay: 2}, plan.Limits); d != "" {
		t.Error(d)
	}
	if plan.ConfigVersion != b.Version {
		t.Errorf("config version %q", plan.ConfigVersion)
	}
}

const names = `
  greet:
    text:
      en:
        variants: ["Hello!", "Dear {{name}}!", "Hey {{handle}}!"]
        platforms:
          bluesky: {variants: ["Blue hello!"]}
      es:
        variants: ["¡Hola!"]
  named:
    fallback: en
    text:
      en:
        variants: ["x", "{{name}}"]
  long:
    fallback: en
    text:
      en:
        variants: ["` + longText + `"]
        short: Short.
        platforms:
          facebook: {variants: ["` + longText + `"]}
  too-long:
    fallback: en
    text:
      en:
        variants: ["` + longText + `"]
`

var longText1 = longText

const longText = "This text has well over three hundred characters, so that it fits neither on X nor on Bluesky, and it says nothing at all of interest to anybody, but it goes on and on and on, as some people do when they have had too much coffee, or too little, or none, and nobody is there to stop them, not even a friendly editor with a red pen and a kind heart."

func answerWith(t testing.TB, template string) *config.Bundle {
	return with(t, "rules:\n  - name: one\n    when: {question: true}\n    then: {action: answer, template: "+template+"}\n", names)
}

func TestVariables(t *testing.T) {
	b := answerWith(t, "greet")
	said := func(in In) map[string]bool {
		out := map[string]bool{}
		for i := range 200 {
			in.Post.NativeID = fmt.Sprint(i)
			out[Decide(in).Text] = true
		}
		return out
	}
	in := question(b)
	if d := cmp.Diff(map[string]bool{"Hello!": true, "Hey @ana_example!": true}, said(in)); d != "" {
		t.Errorf("nobody known (-want +got):\n%s", d)
	}
	in.Match = care.Match{Known: true, Grade: care.GradeVerified, Customer: care.Customer{Name: "ana maría ruiz"}}
	if d := cmp.Diff(map[string]bool{"Hello!": true, "Hey @ana_example!": true, "Dear Ana!": true}, said(in)); d != "" {
		t.Errorf("a verified customer (-want +got):\n%s", d)
	}
	for _, grade := range []care.Grade{care.GradeNone, care.GradeSuggested, care.GradeProbable} {
		in.Match.Grade = grade
		if said(in)["Dear Ana!"] {
			t.Errorf("a match of grade %q puts the name into our mouth", grade)
		}
	}
	in.Post.Author.Handle = "ana\u202e<script>"
	if got := said(in); len(got) != 1 || !got["Hello!"] {
		t.Errorf("an odd handle: %v", got)
	}
	in.Post.Platform = care.Bluesky
	if got := said(in); len(got) != 1 || !got["Blue hello!"] {
		t.Errorf("the tone of Bluesky: %v", got)
	}
	in.Triage.Lang = "es"
	if got := said(in); len(got) != 1 || !got["¡Hola!"] {
		t.Errorf("Spanish has no tone of its own: %v", got)
	}
}

func TestLanguageOfTheAnswer(t *testing.T) {
	greet, named := answerWith(t, "greet"), answerWith(t, "named")
	rows := []struct {
		name                   string
		b                      *config.Bundle
		triage, post, customer string
		want                   string // "" escalates
	}{
		{"triage", greet, "es", "en", "en", "es"},
		{"triage with a region", greet, "es-AR", "", "", "es"},
		{"the platform's hint when triage is unsure", greet, "und", "es", "en", "es"},
		{"the customer's when both are", greet, "und", "und", "es", "es"},
		{"a known language that we do not write is not overruled", greet, "pt", "es", "es", ""},
		{"no fallback", greet, "und", "", "", ""},
		{"fallback", named, "pt", "", "", "en"},
		{"fallback when unsure", named, "und", "", "", "en"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(row.b)
			in.Triage.Lang, in.Post.Lang, in.Match.Customer.Lang = row.triage, row.post, row.customer
			plan := Decide(in)
			if plan.Lang != row.want || (plan.Action == care.ActionAnswer) != (row.want != "") {
				t.Errorf("%s in %q, want %q: %v", plan.Action, plan.Lang, row.want, plan.Reasons)
			}
		})
	}
}

func TestTooLong(t *testing.T) {
	if n := len(longText1); n <= 300 {
		t.Fatalf("the long text has only %d characters", n)
	}
	long, tooLong := answerWith(t, "long"), answerWith(t, "too-long")
	in := question(long)
	if p := Decide(in); p.Text != "Short." || p.Action != care.ActionAnswer {
		t.Errorf("on X: %s %q, want the short text", p.Action, p.Text)
	}
	in.Post.Platform = care.Facebook
	if p := Decide(in); p.Text != longText {
		t.Errorf("on Facebook: %q, want the long text", p.Text)
	}
	in = question(tooLong)
	p := Decide(in)
	if p.Action != care.ActionEscalate || p.Text != "" || p.Rule != "one" || !strings.Contains(p.Reasons[0].Text, "of 280 weighted characters") {
		t.Errorf("%s %q %v, want a person, and why", p.Action, p.Text, p.Reasons)
	}
	in.Post.Private = true
	if p := Decide(in); p.Text != longText || !p.Private {
		t.Errorf("in private on X: %q private %v", p.Text, p.Private)
	}
	// On Mastodon the mention before the text counts, its host does not.
	mastodon := with(t, fmt.Sprintf(oneRule, "question: true", ""), "")
	mastodon.Templates["thanks"] = config.Template{Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{strings.Repeat("a", 495)}, Short: "s"}}}
	in = question(mastodon)
	in.Post.Platform, in.Post.Author.Handle = care.Mastodon, "ana@a-very-long-host-name.example"
	if p := Decide(in); len(p.Text) != 495 {
		t.Errorf("@ana and a space leave 495: %q", p.Text)
	}
	in.Post.Author.Handle = "anna@a.example"
	if p := Decide(in); p.Text != "s" {
		t.Errorf("@anna and a space leave 494: %q", p.Text)
	}
}

func TestFirstName(t *testing.T) {
	goods := map[string]string{"Ana": "Ana", "Ana Ruiz": "Ana", "  MARTA RUIZ ": "Marta", "jean-luc Martin": "Jean-luc", "O'Brien Pat": "O'Brien", "Núria": "Núria", "Ольга Иванова": "Ольга", "McDonald Ian": "McDonald"}
	for full, want := range goods {
		if got, ok := FirstName(full); !ok || got != want {
			t.Errorf("%q: %q, %v; want %q", full, got, ok, want)
		}
	}
	for _, full := range []string{"", " ", "A", "J. Smith", "Dr. Ana Ruiz", "Dr Ana", "Señora Ruiz", "Ruiz, Ana", "ana@example.com", "+34600111222", "Ana1", "<b>Ana", "王 小明", "www.evil.example", "Ana\u202eRuiz", "aaaaaaaaaaaaaaaaaaaaaaaaa", "-Ana", "Ana'"} {
		if got, ok := FirstName(full); ok {
			t.Errorf("%q is taken as %q", full, got)
		}
	}
}

func TestInvitation(t *testing.T) {
	b := standard(t)
	ana := care.Customer{External: "C-1", Name: "Ana Ruiz", Lang: "es"}
	all := func(c care.Customer, p care.Platform, lang string) string {
		var out []string
		for i := range 50 {
			s, err := Invitation(b, tuesday, "invitation", p, lang, fmt.Sprint(i), c)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := Invitation(b, tuesday, "invitation", p, lang, fmt.Sprint(i), c); again != s {
				t.Fatal("the same invitation, other words")
			}
			if l := text.Measure(p, s, true); !l.Fits {
				t.Errorf("%q takes %+v", s, l)
			}
			out = append(out, s)
		}
		return strings.Join(out, "\n")
	}
	if s := all(ana, care.Mastodon, "es"); !strings.Contains(s, "Hola Ana,") || !strings.Contains(s, "\nGracias por hablar") || !strings.Contains(s, "lun.-vie. 8:00-20:00") {
		t.Errorf("both variants in Spanish, with the name and the hours, are missing:\n%s", s)
	}
	if s := all(ana, care.X, "pt"); !strings.Contains(s, "Hi Ana,") {
		t.Errorf("the fallback is missing:\n%s", s)
	}
	prospect := ana
	prospect.Prospect, prospect.External = true, ""
	if s := all(prospect, care.Bluesky, "es"); strings.Contains(s, "Ana") {
		t.Errorf("the name of a prospect is said:\n%s", s)
	}
	if s, err := Invitation(b, tuesday, "no-such", care.X, "en", "1", ana); err == nil || s != "" {
		t.Errorf("%q, %v", s, err)
	} else if care.CodeOf(err) != care.Invalid {
		t.Errorf("code %s", care.CodeOf(err))
	}
}

// fakes of the two ports.
type ports struct {
	bundle  *config.Bundle
	err     error
	saved   map[care.PostID]care.Plan
	saveErr error

	optedOut  []care.CustomerID
	optOutErr error
}

func (p *ports) OptOut(_ context.Context, id care.CustomerID) error {
	p.optedOut = append(p.optedOut, id)
	return p.optOutErr
}

func (p *ports) Current(context.Context) (*config.Bundle, error) { return p.bundle, p.err }

func (p *ports) SavePlan(_ context.Context, id care.PostID, plan care.Plan, _ *care.Triage) (care.Plan, bool, error) {
	if p.saveErr != nil {
		return care.Plan{}, false, p.saveErr
	}
	if old, ok := p.saved[id]; ok {
		return old, false, nil
	}
	p.saved[id] = plan
	return plan, true, nil
}

func TestServiceKeepsTheFirstPlan(t *testing.T) {
	p := &ports{bundle: with(t, fmt.Sprintf(oneRule, "question: true", ""), ""), saved: map[care.PostID]care.Plan{}}
	s := &Service{Bundles: p, Plans: p, Clock: func() time.Time { return tuesday }}
	in := question(nil)
	first, err := s.Handle(t.Context(), in)
	if err != nil || first.Action != care.ActionAnswer || first.Text == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	p.bundle = with(t, "rules: []\n", "") // the rule is gone, the plan stays
	again, err := s.Handle(t.Context(), in)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

func TestServiceErrors(t *testing.T) {
	p := &ports{bundle: with(t, "rules: []", ""), saved: map[care.PostID]care.Plan{}}
	s := &Service{Bundles: p, Plans: p, Consents: p, Clock: func() time.Time { return tuesday }}
	if _, err := s.Handle(t.Context(), In{}); care.CodeOf(err) != care.Invalid {
		t.Errorf("no post: %v", err)
	}
	p.saveErr = care.Errorf(care.Throttled, "slow down")
	if _, err := s.Handle(t.Context(), question(nil)); care.CodeOf(err) != care.Throttled {
		t.Errorf("the store is throttled: %v", err)
	}
	p.optOutErr = care.Errorf(care.Unavailable, "gone for a moment")
	in := question(nil)
	in.Post.Text, in.Match.Customer.ID = "stop", "cus_1"
	if _, err := s.Handle(t.Context(), in); care.CodeOf(err) != care.Unavailable {
		t.Errorf("the opt-out is not recorded: %v", err)
	}
	p.err = errors.New("no config")
	if _, err := s.Handle(t.Context(), question(nil)); err != p.err {
		t.Errorf("no config: %v", err)
	}
}

// storms is a fake of the counter.
type storms struct {
	posts          int
	err, countErr  error
	asked, counted []string
}

func (s *storms) Storm(_ context.Context, intent string, now time.Time, within time.Duration) (int, error) {
	s.asked = append(s.asked, fmt.Sprintf("%s %v %v", intent, now.Equal(tuesday), within))
	return s.posts, s.err
}

func (s *storms) CountStorm(_ context.Context, intent string, now time.Time) error {
	s.counted = append(s.counted, fmt.Sprintf("%s %v", intent, now.Equal(tuesday)))
	return s.countErr
}

func TestStorms(t *testing.T) {
	stormy := "- {name: off, enabled: false, when: {storm: true}, then: {action: watch}}\n- {name: one, when: {question: true, any: [{complaint: true}, {not: {storm: false}}]}, then: {action: answer, template: thanks}}"
	rows := []struct {
		name, rules, intent string
		storms              storms
		rule                string
		asks, counts        int
	}{
		{"no rule asks", "- {name: one, when: {question: true}, then: {action: answer, template: thanks}}", "roaming", storms{posts: 100}, "one", 0, 0},
		{"no intent", stormy, "", storms{posts: 100}, "", 0, 0},
		{"this post is the one that makes it a storm", stormy, "roaming", storms{posts: 19}, "one", 1, 1},
		{"one too few", stormy, "roaming", storms{posts: 18}, "", 1, 1},
		{"the count fails", stormy, "roaming", storms{posts: 100, err: errors.New("throttled"), countErr: errors.New("throttled")}, "", 1, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := ruled(t, row.rules)
			b.Storm = config.Storm{Posts: 20, Within: config.Duration(15 * time.Minute)}
			p := &ports{bundle: b, saved: map[care.PostID]care.Plan{}}
			var planned []care.Action
			s := &Service{Bundles: p, Plans: p, Storms: &row.storms, Consents: p, Clock: func() time.Time { return tuesday },
				Planned: func(_ context.Context, plan care.Plan) { planned = append(planned, plan.Action) }}
			in := question(nil)
			in.Triage.Intent = row.intent
			plan, err := s.Handle(t.Context(), in)
			if err != nil || plan.Rule != row.rule || plan.Seen.Storm != (row.rule == "one" && row.asks > 0) {
				t.Errorf("by %q, storm %v: %v", plan.Rule, plan.Seen.Storm, err)
			}
			if len(row.storms.asked) != row.asks || row.asks > 0 && row.storms.asked[0] != "roaming true 15m0s" {
				t.Errorf("asked: %v", row.storms.asked)
			}
			// A repeated step counts nothing.
			if _, err := s.Handle(t.Context(), in); err != nil {
				t.Error(err)
			}
			if len(row.storms.counted) != row.counts || row.counts > 0 && row.storms.counted[0] != "roaming true" {
				t.Errorf("counted: %v", row.storms.counted)
			}
			if len(planned) != 1 || planned[0] != plan.Action {
				t.Errorf("told of: %v", planned)
			}
		})
	}
}

func TestOptOutsAreRecorded(t *testing.T) {
	b := ruled(t, "[]")
	b.OptOut.Words = map[string][]string{"en": {"no robots"}}
	rows := []struct {
		name string
		set  func(*In)
		want bool
	}{
		{"the usual word", func(in *In) { in.Post.Text = "STOP!" }, true},
		{"the brand's own", func(in *In) { in.Post.Text = "No robots, please. Does it work?" }, true},
		{"the brand's own, and a person must have it", func(in *In) { in.Post.Text, in.Triage.Severity = "No robots!", care.SeverityCritical }, true},
		{"neither", func(in *In) {}, false},
		{"again", func(in *In) { in.Post.Text, in.Match.Customer.Consent.OptOut = "stop", true }, false},
		{"nobody is known", func(in *In) { in.Post.Text, in.Match.Customer.ID = "stop", "" }, false},
		{"our own post", func(in *In) { in.Post.Text, in.Post.Author.Own = "stop", true }, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := &ports{bundle: b, saved: map[care.PostID]care.Plan{}, optOutErr: care.Errorf(care.NotFound, "erased")}
			s := &Service{Bundles: p, Plans: p, Consents: p, Clock: func() time.Time { return tuesday }}
			in := question(nil)
			in.Match.Customer.ID = "cus_1"
			row.set(&in)
			if _, err := s.Handle(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if got := len(p.optedOut) == 1 && p.optedOut[0] == "cus_1"; got != row.want || len(p.saved) != 1 {
				t.Errorf("recorded for %v, %d plans", p.optedOut, len(p.saved))
			}
		})
	}
}

func TestTheEngineIsCompiledOncePerBundle(t *testing.T) {
	s := &Service{}
	a, b := ruled(t, "[]"), ruled(t, "[]")
	first := s.engineOf(a)
	if s.engineOf(a) != first || s.engineOf(b) == first || s.engineOf(b).bundle != b {
		t.Error("the engine is not that of the current bundle")
	}
}

func drawIn(t *rapid.T, b *config.Bundle) In {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	rarely := func(name string) bool { return rapid.IntRange(0, 9).Draw(t, name) == 7 } // else nothing is ever answered
	intents := []string{""}
	for _, i := range b.Brand.Intents {
		intents = append(intents, i.Name)
	}
	in := In{Bundle: b, Now: tuesday.Add(time.Duration(rapid.IntRange(0, 24*60*30).Draw(t, "minutes")) * time.Minute),
		Post: care.Post{
			Platform: rapid.SampledFrom(care.Platforms()).Draw(t, "platform"), NativeID: rapid.StringMatching(`[0-9]{1,9}`).Draw(t, "id"),
			Kind:    rapid.SampledFrom([]care.Kind{care.KindMention, care.KindComment, care.KindDirect, care.KindRepost, care.KindStoryMention}).Draw(t, "kind"),
			Private: flag("private"), Addressed: flag("addressed"), Text: "zq" + rapid.StringMatching(`[a-zA-Zñ 0-9@.]{0,60}`).Draw(t, "text") + "qz",
			Author: care.Author{ID: "9", Handle: rapid.SampledFrom([]string{"", "ana", "zq@evil qz", "ana@example.social"}).Draw(t, "handle"), Name: "zq qz", Own: rarely("own"), Bot: rarely("bot")}},
		Triage: care.Triage{
			Relevance: rapid.SampledFrom([]care.Relevance{care.RelevanceAddressed, care.RelevanceAddressed, care.RelevanceAddressed, care.RelevanceAbout, care.RelevanceCompetitor}).Draw(t, "relevance"),
			Lang:      rapid.SampledFrom([]string{"en", "es", "und", "pt", ""}).Draw(t, "lang"), Intent: rapid.SampledFrom(intents).Draw(t, "intent"),
			IntentScore: rapid.Float64Range(0, 1).Draw(t, "score"), Sentiment: rapid.Float64Range(-1, 1).Draw(t, "sentiment"),
			Severity: care.Severity(rapid.SampledFrom([]int{0, 1, 1, 2, 2, 3, 4}).Draw(t, "severity")), Praise: flag("praise"), Complaint: flag("complaint"), Question: flag("question")},
		Match: care.Match{Known: flag("known"), First: flag("first"), Grade: rapid.SampledFrom([]care.Grade{"", care.GradeProbable, care.GradeVerified, care.GradeAsserted}).Draw(t, "grade"),
			Customer: care.Customer{Name: rapid.SampledFrom([]string{"", "Ana Ruiz", "zq qz"}).Draw(t, "name"), Value: rapid.Float64Range(0, 20000).Draw(t, "value"), Consent: care.Consent{OptOut: rarely("opt out")}}},
	}
	if rarely("personal data") {
		in.Triage.PersonalData = []string{"phone"}
	}
	if rarely("unreadable") {
		in.Post.Unreadable = "encrypted"
	}
	if rarely("agent") {
		in.Match.Conversation.Agent = "Sam"
	}
	return in
}

func TestPlansAreSafe(t *testing.T) {
	b := standard(t)
	answered := 0
	check := func(t *rapid.T) {
		in := drawIn(t, b)
		plan := Decide(in)
		if again := Decide(in); !reflect.DeepEqual(plan, again) {
			t.Fatalf("twice the same post, two plans:\n%+v\n%+v", plan, again)
		}
		if len(plan.Reasons) == 0 || len(plan.Reasons) > 1+maxPassed {
			t.Fatalf("%d reasons", len(plan.Reasons))
		}
		for _, r := range plan.Reasons {
			if r.By == "" || !strings.HasSuffix(r.Text, ".") || strings.Contains(r.Text, "zq") {
				t.Fatalf("reason %+v", r)
			}
		}
		needs := in.Triage.Severity >= care.SeverityCritical || in.Post.Unreadable != "" || in.Triage.Intent == "self-harm" || in.Triage.Intent == "legal" || in.Triage.Intent == "safety"
		if needs && !in.Post.Author.Own && plan.Action != care.ActionEscalate {
			t.Fatalf("a person must have it, but %s", plan.Action)
		}
		if !config.Says(plan.Action) {
			if plan.Text != "" {
				t.Fatal("a text that nobody sends")
			}
			return
		}
		answered++
		if needs || in.Post.Author.Own || in.Post.Author.Bot || in.Match.Customer.Consent.OptOut || in.Match.Conversation.Agent != "" {
			t.Fatalf("must not be answered: %+v", in)
		}
		if strings.Contains(plan.Text, "{{") || strings.Contains(strings.ToLower(plan.Text), "zq") && !strings.Contains(in.Match.Customer.Name, "zq") {
			t.Fatalf("says what it must not: %q", plan.Text)
		}
		if l := text.Measure(in.Post.Platform, plan.Text, plan.Private); !l.Fits || plan.Text == "" {
			t.Fatalf("%q takes %+v", plan.Text, l)
		}
	}
	for range 20 { // few draws are answered: go on until some are
		if rapid.Check(t, check); answered >= 3 {
			break
		}
	}
	if answered == 0 {
		t.Error("no draw was answered, so nothing was tested")
	}
}

func FuzzFirstName(f *testing.F) {
	for _, s := range []string{"Ana Ruiz", "", "王 小明", "a\u0301\u0301", "<b>", "\xff\xfe", "Dr. No"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := FirstName(s)
		if ok && (name == "" || strings.ContainsAny(name, "<>@:/.&{}\n\t \"0123456789") || len([]rune(name)) > 24) {
			t.Errorf("%q is taken as %q", s, name)
		}
	})
}

// Our own invitations promise that one word ends them.
func TestOptOutWordsAreKeptAndNotAnswered(t *testing.T) {
	b := standard(t)
	for _, text := range []string{"STOP", "@VeloriaCare unsubscribe please", "Baja"} {
		in := In{Bundle: b, Now: tuesday, Post: care.Post{Platform: care.Mastodon, NativeID: "1", Kind: care.KindDirect, Private: true, Addressed: true, Text: text, Author: care.Author{ID: "9"}},
			Triage: care.Triage{Relevance: care.RelevanceAddressed, Question: true, Severity: care.SeverityMedium}}
		if plan := Decide(in); plan.Action != care.ActionWatch || plan.Else != care.ActionWatch || plan.Reasons[0].By != "consent" {
			t.Errorf("%q: %+v", text, plan)
		}
	}
}
