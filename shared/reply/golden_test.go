package reply

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// goldenRules do something else for each thing that an example can say of its
// post.
const goldenRules = `
- {name: storm, when: {storm: true}, then: {action: watch, tags: [storm]}}
- {name: celebrity, when: {author: {minFollowers: 1000, verified: true}}, then: {action: escalate, queue: social-pr}}
- {name: influence, when: {author: {minInfluence: 0.5}}, then: {action: watch}}
- {name: first, when: {firstContact: true}, then: {action: watch}}
- {name: product, when: {products: [VeloBox]}, then: {action: watch}}
- {name: unit, when: {units: [Veloria Shop Larios]}, then: {action: watch}}
- {name: main, when: {question: true}, then: {action: watch}, guards: {account: main}}
- {name: gold, when: {customer: {tiers: [gold]}}, then: {action: escalate}}
- {name: ack, when: {complaint: true}, then: {action: acknowledge, template: promise, queue: care-billing}}
- {name: draft, when: {intents: [refund]}, then: {action: draft, template: fixed}}
- {name: move, when: {intents: [billing]}, then: {action: move-to-private, template: fixed}}
- {name: fixed, when: {question: true}, then: {action: answer, template: fixed, tags: [x]}}
`

// golden runs one example, written as YAML, and gives the first line of each
// difference.
func golden(t *testing.T, given, expect string, s Senses) []string {
	t.Helper()
	b := bundleOf(t, goldenRules)
	b.Templates = map[string]config.Template{
		"fixed":   one("en", config.Text{Variants: []string{"Like this."}}),
		"promise": one("en", config.Text{Variants: []string{"You hear from us {{expect}}."}}),
	}
	b.Brand.Accounts = append(slices.Clone(b.Brand.Accounts), config.Account{Platform: care.X, ID: "7009", Handle: "VeloriaNews", Tier: "self-serve"})
	src := fmt.Sprintf("[{name: it, given: {platform: x, text: Hello, at: \"2026-11-24 11:00\", %s}, expect: {%s}}]", given, expect)
	if err := yaml.Unmarshal([]byte(src), &b.Tests); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range RunTests(b, s) {
		for line := range strings.SplitSeq(f.Message, "\n") {
			if !strings.HasPrefix(line, "  because") {
				out = append(out, line)
			}
		}
	}
	return out
}

func TestRunTests(t *testing.T) {
	routed := Senses{Route: func(_ *config.Bundle, p care.Post, t care.Triage, m care.Match) string {
		return fmt.Sprintf("%s-%s-%s", p.Platform, t.Intent, m.Customer.Tier)
	}}
	rows := []struct {
		name, given, expect string
		want                []string
	}{
		// What an example can say of its post.
		{"a storm", "storm: true, assume: {}", "rule: storm, tags: [storm]", nil},
		{"no storm", "assume: {}", "rule: storm", []string{"expected rule storm, got none"}},
		{"followers and verified", "followers: 1000, verified: true, assume: {}", "rule: celebrity, queue: social-pr", nil},
		{"too few followers", "followers: 999, verified: true, assume: {}", "noRule: true", nil},
		{"followers that are not told", "verified: true, assume: {}", "noRule: true", nil},
		{"influence", "assume: {influence: 0.5}", "rule: influence", nil},
		{"first contact", "firstContact: true, assume: {}", "rule: first", nil},
		{"product", "assume: {products: [VeloBox]}", "rule: product", nil},
		{"unit", "assume: {units: [Veloria Shop Larios]}", "rule: unit", nil},
		{"our first account is the automated one", "assume: {question: true}", "rule: fixed", nil},
		{"another account", `account: "@velorianews", assume: {question: true}`, "rule: main", nil},
		{"an account that is none of ours", "account: Veloria, assume: {question: true}", "rule: fixed", []string{`brand.yaml has no account "Veloria" on x`}},
		{"an agent is on it", "agentOnIt: true, assume: {question: true, severity: low}", "action: escalate, noRule: true", nil},
		{"nobody is on it", "assume: {question: true, severity: low}", "action: answer", nil},
		{"customer", "customer: {tier: gold}, assume: {intent: outage}", "rule: gold, queue: x-outage-gold", nil},
		{"opted out", "customer: {optOut: true}, assume: {question: true}", "noRule: true", nil},

		// What it can expect.
		{"queue of the rule", "assume: {complaint: true}", "queue: care-billing", nil},
		{"another queue", "assume: {complaint: true}", "queue: care-general", []string{"expected queue care-general, got care-billing"}},
		{"queue of the routes, for a draft", "assume: {intent: refund}", "action: draft, queue: x-refund-, text: Like this.", nil},
		{"no queue for what no person gets", "assume: {question: true}", "queue: care-general", []string{"expected queue care-general, got none"}},
		{"open", "assume: {}", "open: true", nil},
		{"closed", `assume: {}`, "open: false", []string{"expected open false, got true"}},
		// One hour of open time on X.
		{"promise of the text", "assume: {complaint: true}", `promise: "2026-11-24 12:00", contains: [within 1 hour]`, nil},
		{"promise without a text", "assume: {}", `promise: "2026-11-24 12:00"`, nil},
		{"another promise", "assume: {}", `promise: "2026-11-24 12:30"`, []string{"expected promise 2026-11-24 12:30, got 2026-11-24 12:00"}},
		{"text", "assume: {question: true}", "text: Like this.", nil},
		{"another text", "assume: {question: true}", "text: Like that.", []string{`expected the text "Like that.", got "Like this."`}},
		{"a piece of the text", "assume: {question: true}", "contains: [Like], lacks: [that]", nil},
		{"everything else", "assume: {question: true}",
			"relevance: about, intent: refund, severity: high, action: watch, rule: gold, template: promise, lang: es, else: watch, private: true, contains: [that], lacks: [this], tags: [y]",
			[]string{"expected relevance about, got addressed", "expected intent refund, got none", "expected severity high, got none", "expected action watch, got answer",
				"expected rule gold, got fixed", "expected template promise, got fixed", "expected language es, got en", "expected else watch, got escalate", "expected private true, got false",
				`the text does not hold "that": "Like this."`, `the text must not hold "this": "Like this."`, "the tag y is missing; there are x"}},
		{"no rule", "assume: {question: true}", "noRule: true", []string{"expected no rule, but fixed fired"}},
		{"moved to private on X", "assume: {intent: billing}", "action: answer, private: false, tags: [moved-to-private]", nil},
		{"nothing assumed and no triage", "private: false", "noRule: true", []string{"it assumes nothing and no triage is at hand"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if d := cmp.Diff(r.want, golden(t, r.given, r.expect, routed)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Run("no routing", func(t *testing.T) {
		want := []string{"expected queue care-general, but no routing is at hand"}
		if d := cmp.Diff(want, golden(t, "assume: {intent: refund}", "queue: care-general", Senses{})); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("triage", func(t *testing.T) {
		var got care.Post
		triage := func(p care.Post) care.Triage {
			got = p
			return care.Triage{Relevance: care.RelevanceAddressed, Intent: "refund"}
		}
		if d := golden(t, "followers: 7, lang: es, kind: reply", "action: draft, intent: refund", Senses{Triage: triage}); d != nil {
			t.Error(d)
		}
		if got.Text != "Hello" || got.Account != "7001001" || got.Kind != care.KindReply || !got.Addressed || got.Lang != "es" || *got.Author.Followers != 7 {
			t.Errorf("triage was given %+v", got)
		}
	})
}

// An example's place counts within its file, and its failure names the reasons.
func TestFailuresSayWhere(t *testing.T) {
	b := bundleOf(t, goldenRules)
	pass, fail := config.Expect{NoRule: true}, config.Expect{Rule: "gold"}
	assumed := config.Given{Platform: care.X, At: "2026-11-24 11:00", Assume: &config.Assume{}}
	b.Tests = []config.Test{
		{Name: "a", File: "brand.yaml", Given: assumed, Expect: pass},
		{Name: "b", File: "brand.yaml", Given: assumed, Expect: fail},
		{Name: "c", File: "hours.yaml", Given: assumed, Expect: fail},
		{Name: "d", File: "hours.yaml", Given: config.Given{Platform: care.X, At: "noon"}, Expect: fail},
		{Name: "e", Given: assumed, Expect: fail},
	}
	var got []string
	for _, f := range RunTests(b, Senses{}) {
		got = append(got, f.Test+" "+f.File+" "+f.Path)
		if f.Test == "b" && !strings.Contains(f.Message, "because default: No rule fired and the author expects nothing") {
			t.Errorf("it does not say why: %s", f.Message)
		}
	}
	if d := cmp.Diff([]string{"b brand.yaml tests[1].expect", "c hours.yaml tests[0].expect", "d hours.yaml tests[1].given", "e rules.yaml tests[0].expect"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Who throws the kill switch, or switches a rule off, is in a hurry: no example
// that proves what is said otherwise may stand in the way.
func TestExamplesLetSwitchesBeThrown(t *testing.T) {
	off := false
	question := config.Given{Platform: care.X, At: "2026-11-24 11:00", Assume: &config.Assume{Question: true}}
	for _, r := range []struct {
		name   string
		edit   func(*config.Bundle)
		expect config.Expect
		want   []string // of failures: the rule that is off, "none" for none
	}{
		{"all is on", func(*config.Bundle) {}, config.Expect{Rule: "fixed"}, nil},
		{"everything is stopped", func(b *config.Bundle) { b.Stop.Everything = true }, config.Expect{Rule: "fixed", Action: care.ActionAnswer}, nil},
		{"a platform is stopped", func(b *config.Bundle) { b.Stop.Platforms = []care.Platform{care.X} }, config.Expect{Rule: "fixed"}, nil},
		{"what is wrong in any case, though stopped", func(b *config.Bundle) { b.Stop.Everything = true }, config.Expect{Rule: "gold"}, []string{"none"}},
		{"its rule is off", func(b *config.Bundle) { b.Rules[ruleAt(b, "fixed")].Enabled = &off }, config.Expect{Rule: "fixed"}, []string{"fixed"}},
		{"its rule is off, and named by its words only", func(b *config.Bundle) { b.Rules[ruleAt(b, "fixed")].Enabled = &off },
			config.Expect{Contains: []string{"Like this."}}, []string{"fixed"}},
		{"its rule is off, and its words are wrong", func(b *config.Bundle) { b.Rules[ruleAt(b, "fixed")].Enabled = &off },
			config.Expect{Rule: "fixed", Contains: []string{"Like that."}}, []string{"none"}},
		{"a rule with its tag is off", func(b *config.Bundle) {
			b.Rules = append([]config.Rule{{Name: "tagger", Enabled: &off, Then: config.Then{Action: config.ActionTag, Tags: []string{"y"}}}}, b.Rules...)
		}, config.Expect{Rule: "fixed", Tags: []string{"y"}}, []string{"tagger"}},
		{"another rule is off", func(b *config.Bundle) { b.Rules[ruleAt(b, "gold")].Enabled = &off }, config.Expect{Lacks: []string{"Like this."}}, []string{"none"}},
		{"what takes the place of a rule that is off", func(b *config.Bundle) { b.Rules[ruleAt(b, "fixed")].Enabled = &off }, config.Expect{NoRule: true}, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			b := bundleOf(t, goldenRules)
			b.Templates = map[string]config.Template{"fixed": one("en", config.Text{Variants: []string{"Like this."}})}
			r.edit(b)
			stop := b.Stop
			b.Tests = []config.Test{{Name: "it", Given: question, Expect: r.expect}}
			var got []string
			for _, f := range RunTests(b, Senses{}) {
				got = append(got, orNone(f.Off))
			}
			if d := cmp.Diff(r.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if d := cmp.Diff(stop, b.Stop); d != "" {
				t.Errorf("the bundle was changed: %s", d)
			}
		})
	}
}

func ruleAt(b *config.Bundle, name string) int {
	return slices.IndexFunc(b.Rules, func(r config.Rule) bool { return r.Name == name })
}
