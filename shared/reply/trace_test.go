package reply

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

func TestTrace(t *testing.T) {
	b := ruled(t, `
- {name: disabled, enabled: false, when: {question: true}, then: {action: watch}}
- {name: early, starts: 2026-11-25, when: {question: true}, then: {action: watch}}
- {name: late, expires: 2026-11-23, when: {question: true}, then: {action: watch}}
- {name: tagger, when: {question: true}, then: {action: tag, tags: [a, b]}}
- {name: passed, when: {intents: [refund, billing, outage, cancel, fraud], complaint: true, private: false, any: [{praise: true}, {storm: true}], not: {platforms: [x]}}, then: {action: watch}}
- {name: guarded, when: {question: true}, then: {action: answer, template: thanks}, guards: {hours: closed, account: automated}}
- {name: winner, when: {intents: [roaming]}, then: {action: acknowledge, template: soon}, guards: {delay: 5m}}
- {name: rival, when: {question: true}, then: {action: answer, template: thanks}}
- {name: twin, when: {question: true}, then: {action: acknowledge, template: soon}}
- {name: late-tagger, when: {question: true}, then: {action: tag, tags: [c]}}
- {name: late-guarded, when: {question: true}, then: {action: escalate}, guards: {hours: closed}}
- {name: late-passed, when: {complaint: true}, then: {action: escalate}}
- {name: late-disabled, enabled: false, when: {question: true}, then: {action: escalate}}
`)
	want := []Verdict{
		{"disabled", "watch", "off", "it is disabled"},
		{"early", "watch", "off", "it holds from 2026-11-25 on"},
		{"late", "watch", "off", "it expired after 2026-11-23"},
		{"tagger", "tag", "tagged", "it adds its tags (a, b), and the rules after it are tried"},
		{"passed", "watch", "passed", "the intent is roaming, not one of refund, billing, outage and 2 more; it is not a complaint; none of its alternatives holds (it is not praise; or not many write about the same right now); what it excludes is the case (platforms)"},
		{"guarded", "answer", "held", "it holds only while we are closed; it holds only for posts to an account of ours that is labelled automated"},
		{"winner", "acknowledge", "fired", "it is the first rule whose conditions and guards all hold, and it acknowledges it with template soon and gives it to a person after waiting 5m"},
		{"rival", "answer", "after", "rule winner comes first; it would fire, too"},
		{"twin", "acknowledge", "after", "rule winner comes first; it would fire, too"},
		{"late-tagger", "tag", "after", "rule winner comes first, so its tags are not added"},
		{"late-guarded", "escalate", "after", "rule winner comes first; it would be held back in any case: it holds only while we are closed"},
		{"late-passed", "escalate", "after", "rule winner comes first; it would be passed over in any case: it is not a complaint"},
		{"late-disabled", "escalate", "off", "it is disabled"},
	}
	got := Compile(b).Trace(question(b))
	if d := cmp.Diff(want, got.Rules); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"Rule rival would fire, too, and answers with template thanks, but rule winner comes first."}, got.Also); d != "" {
		t.Errorf("conflicts (-want +got):\n%s", d)
	}
	if got.Plan.Rule != "winner" || len(got.Plan.Tags) != 2 {
		t.Errorf("%+v", got.Plan)
	}
}

func TestTraceOfWhatNoRuleDecides(t *testing.T) {
	b := ruled(t, `
- {name: fits, when: {question: true}, then: {action: answer, template: thanks}}
- {name: fits-not, when: {complaint: true}, then: {action: answer, template: thanks}}
- {name: tagger, when: {question: true}, then: {action: tag, tags: [a]}}
- {name: person, when: {question: true}, then: {action: escalate}}
`)
	rows := []struct {
		name string
		set  func(*In)
		want []string // status: why, of every rule
	}{
		{"our own", func(in *In) { in.Post.Author.Own = true }, []string{"held: the post is our own", "passed: it is not a complaint", "held: the post is our own", "held: the post is our own"}},
		{"opted out", func(in *In) { in.Post.Text = "STOP" }, []string{"held: the author asks for no more automated messages: that is recorded, and nothing is said", "passed: it is not a complaint",
			"held: the author asks for no more automated messages: that is recorded, and nothing is said", "held: the author asks for no more automated messages: that is recorded, and nothing is said"}},
		{"critical, by a bot", func(in *In) { in.Triage.Severity, in.Post.Author.Bot = care.SeverityCritical, true }, []string{
			"held: the matter is critical; a machine never answers that; an automated account wrote it; two machines would talk for ever; the severity is critical, above medium",
			"passed: it is not a complaint", "tagged: it adds its tags (a), and the rules after it are tried", "fired: it is the first rule whose conditions and guards all hold, and it gives it to a person"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			in := question(b)
			row.set(&in)
			var got []string
			for _, v := range Compile(b).Trace(in).Rules {
				got = append(got, v.Status+": "+v.Why)
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestTraceSaysWhyTheWordsDoNotDo(t *testing.T) {
	b := ruled(t, "- {name: one, when: {question: true}, then: {action: answer, template: none}}")
	got := Compile(b).Trace(question(b))
	if v := got.Rules[0]; v.Status != Fired || v.Why != "its conditions and guards hold, but there is no template none; a person answers" {
		t.Errorf("%+v", v)
	}
}

// Every kind of check that may fail says so in words that make sense, and none of
// them holds what the author wrote.
func TestEveryConditionAndGuardHasWords(t *testing.T) {
	rules := `
- {name: when, when: {intents: [refund], minIntentScore: 0.9, sentiment: {min: 0.5}, severity: {min: high}, platforms: [mastodon], kinds: [direct], private: true, languages: [es], keywords: [zzz], relevance: [about],
    question: false, complaint: true, praise: true, personalData: true, hours: closed, customer: {known: true, tiers: [gold], minValue: 1, grades: [verified], attributes: {a: b}}, firstContact: true, products: [VeloBox], units: [a, b],
    author: {minFollowers: 1, verified: true, minInfluence: 0.5}, time: "12:00-13:00", days: [sat, sun], storm: true}, then: {action: watch}}
- {name: guards, when: {private: false}, then: {action: answer, template: thanks}, guards: {hours: closed, notIfNegativeAbove: 0, notIfNegativeAboveSeverity: none, notIfSeverityAbove: none, notForKnownWithValueAbove: 1, account: automated}}
- {name: more, when: {sentiment: {max: -1}, severity: {max: none}, author: {maxFollowers: 1}, customer: {known: false}}, then: {action: watch}}
`
	b := ruled(t, rules)
	in := question(b)
	in.Triage.Sentiment, in.Triage.PersonalData = -0.5, []string{"phone"}
	in.Match.Known, in.Match.Customer.Value = false, 2
	e := Compile(b)
	got := e.Trace(in)
	for i, n := range []int{28, 6, 3} { // all but personalData, the value of who is not known, and that he is not
		if whys := strings.Split(got.Rules[i].Why, "; "); len(whys) != n {
			t.Errorf("%s: %d reasons, want %d:\n%s", got.Rules[i].Rule, len(whys), n, strings.Join(whys, "\n"))
		}
	}
	followers := 5
	in.Match.Known, in.Post.Author.Followers = true, &followers
	for _, v := range append(got.Rules, e.Trace(in).Rules...) {
		for why := range strings.SplitSeq(v.Why, "; ") {
			if why == "" || why == "a condition does not hold" || strings.Contains(why, in.Post.Text) || strings.Contains(why, "%!") {
				t.Errorf("%s: %q", v.Rule, why)
			}
		}
	}
}

func TestNearestRulesAreThoseOfWhichMostHolds(t *testing.T) {
	yes := true
	held := func(n, of int) config.Rule { // n of its conditions hold
		r := config.Rule{Name: string(rune('a'+n)) + "-" + string(rune('a'+of)), Then: config.Then{Action: care.ActionWatch}}
		for i := range of {
			c := config.Condition{Question: &yes}
			if i >= n {
				c = config.Condition{Complaint: &yes}
			}
			r.When.All = append(r.When.All, c)
		}
		return r
	}
	b := *standard(t)
	b.Rules = []config.Rule{held(1, 4), held(0, 1), held(2, 4), held(1, 2), held(3, 4), held(1, 3), held(2, 3), held(4, 5)}
	var got []string
	for _, r := range Decide(question(&b)).Reasons[1:] {
		got = append(got, strings.TrimPrefix(r.By, "rule:"))
	}
	if d := cmp.Diff([]string{"e-f", "d-e", "c-d"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
