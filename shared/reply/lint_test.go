package reply

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// bundleOf is the default bundle with other rules, plain hours, and no tests.
func bundleOf(t testing.TB, rules string) *config.Bundle {
	t.Helper()
	b := *standard(t)
	b.Rules, b.Tests = nil, nil
	day := []string{"08:00-20:00"}
	b.Hours = config.Hours{TimeZone: "Europe/Madrid", Expect: map[string]config.Duration{"x": config.Duration(time.Hour), "default": config.Duration(4 * time.Hour)},
		Week: map[string][]string{"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": {"09:00-14:00"}}}
	if err := yaml.Unmarshal([]byte(rules), &b.Rules); err != nil {
		t.Fatal(err)
	}
	return &b
}

// about lints, and leaves out what is found about tests and about the default
// templates that nobody uses now.
func about(b *config.Bundle) []string {
	var out []string
	for _, f := range lint(b, tuesday) {
		if strings.HasPrefix(f.Message, "no test expects") || strings.HasPrefix(f.Message, "nothing uses") || strings.HasPrefix(f.Message, "no template uses") {
			continue
		}
		kind := "error"
		if f.Warning {
			kind = "warning"
		}
		out = append(out, kind+" "+f.File+" "+f.Path+": "+f.Message)
	}
	return out
}

const saysThanks = "{action: answer, template: thanks}"

func TestLintRules(t *testing.T) {
	rows := []struct {
		name, rules string
		want        []string
	}{
		// Never fires.
		{"off", `[{name: a, enabled: false, when: {question: true}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].enabled: rule a can never fire: it is switched off"}},
		{"expired", `[{name: a, expires: 2026-11-23, when: {question: true}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].expires: rule a can never fire: it expired on 2026-11-23"}},
		{"expires today", `[{name: a, expires: 2026-11-24, when: {question: true}, then: ` + saysThanks + `}]`, nil},
		{"ends before it starts", `[{name: a, starts: 2026-12-24, expires: 2026-12-01, when: {question: true}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].expires: rule a can never fire: a day from 2026-12-24 and a day until 2026-12-01 exclude each other"}},
		{"nested conditions contradict each other", `[{name: a, when: {intents: [refund], all: [{question: true}, {intents: [outage, roaming]}]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].when.all[1].intents: rule a can never fire: the intent refund and the intent outage or roaming exclude each other"}},
		{"not takes everything", `[{name: a, when: {intents: [refund], not: {intents: [refund, outage]}}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].when.not: rule a can never fire: the intent refund and what \"not\" leaves over exclude each other"}},
		{"sentiment", `[{name: a, when: {sentiment: {min: 0.2}, all: [{sentiment: {max: 0.1}}]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].when.all[0].sentiment.max: rule a can never fire: a sentiment of at least 0.2 and a sentiment of at most 0.1 exclude each other"}},
		{"sentiment at one point", `[{name: a, when: {sentiment: {min: 0.2}, all: [{sentiment: {max: 0.2}}]}, then: ` + saysThanks + `}]`, nil},
		{"severity above the usual guard", `[{name: a, when: {severity: {min: high}}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].guards.notIfSeverityAbove: rule a can never fire: a severity of at least high and the guard notIfSeverityAbove (at most medium, unless it says otherwise) exclude each other"}},
		{"severity above, guard lifted", `[{name: a, when: {severity: {min: high}}, then: ` + saysThanks + `, guards: {notIfSeverityAbove: high}}]`, nil},
		{"personal data that the usual guard holds back", `[{name: a, when: {personalData: true, private: false}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].guards.notIfPersonalData: rule a can never fire: a public post, personal data in the post and the guard notIfPersonalData (no personal data in public, unless it says otherwise) exclude each other"}},
		{"personal data in private", `[{name: a, when: {personalData: true}, then: ` + saysThanks + `}]`, nil},
		{"guard against the condition", `[{name: a, when: {hours: open}, then: {action: escalate}, guards: {hours: closed}}]`,
			[]string{"rules[0].guards.hours: rule a can never fire: open hours and the guard hours (only while we are closed) exclude each other"}},
		{"nobody is ever open then", `[{name: a, when: {hours: open, time: "21:00-05:00"}, then: {action: escalate}}]`,
			[]string{"rules[0].when.time: rule a can never fire: open hours and the time 21:00-05:00 exclude each other"}},
		{"nobody is ever open that day", `[{name: a, when: {hours: open, days: [sun]}, then: {action: escalate}}]`,
			[]string{"rules[0].when.days: rule a can never fire: open hours and the day sun exclude each other"}},
		{"Saturday morning is open", `[{name: a, when: {hours: open, days: [sat, sun], time: "13:30-18:00"}, then: {action: escalate}}]`, nil},
		{"watching what is for people", `[{name: a, when: {intents: [legal, self-harm]}, then: {action: watch}}]`,
			[]string{"rules[0].then.action: rule a can never fire: the intent legal or self-harm and an intent that is not for people only exclude each other"}},
		{"one of its intents is for people", `[{name: a, when: {intents: [refund, legal]}, then: {action: watch}}]`,
			[]string{"rules[0].when.intents[1]: rule a can never fire for the intent legal: an intent that is not for people only and the intent legal exclude each other"}},
		{"words that bring a person", `[{name: a, when: {keywords: [Lawyer]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].then.action: rule a can never fire: the keyword Lawyer and no word that always brings a person exclude each other"}},
		{"reposts are not answered", `[{name: a, when: {kinds: [repost]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].then.action: rule a can never fire: the kind repost and a post with words of its own (no machine answers a repost) exclude each other"}},
		{"private already", `[{name: a, when: {platforms: [messenger]}, then: {action: move-to-private, template: thanks}}]`,
			[]string{"rules[0].then.action: rule a can never fire: the platform messenger and a public post (what is private already is not moved) exclude each other"}},
		{"no account with the label there", `[{name: a, when: {platforms: [facebook, x]}, then: ` + saysThanks + `, guards: {account: automated}}]`,
			[]string{"rules[0].when.platforms[0]: rule a can never fire for the platform facebook: the guard account (only accounts labelled automated, which we have on bluesky and mastodon and x) and the platform facebook exclude each other"}},
		{"an alternative that never holds", `[{name: a, when: {intents: [refund], any: [{question: true}, {intents: [outage]}]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].when.any[1]: this alternative of rule a can never hold: the intent refund and the intent outage exclude each other"}},
		{"followers", `[{name: a, when: {author: {minFollowers: 100}, all: [{author: {maxFollowers: 99}}]}, then: {action: escalate}}]`,
			[]string{"rules[0].when.all[0].author.maxFollowers: rule a can never fire: at least 100 followers and at most 99 followers exclude each other"}},
		{"attributes", `[{name: a, when: {customer: {attributes: {plan: fiber}}, all: [{customer: {attributes: {plan: mobile}}}]}, then: {action: escalate}}]`,
			[]string{"rules[0].when.all[0].customer.attributes.plan: rule a can never fire: a customer with plan \"fiber\" and a customer with plan \"mobile\" exclude each other"}},
		{"a customer who is none", `[{name: a, when: {customer: {known: false}, all: [{customer: {tiers: [gold]}}]}, then: {action: escalate}}]`,
			[]string{"rules[0].when.all[0].customer.tiers: rule a can never fire: an author who is no known customer and a customer of tier gold exclude each other"}},

		// Never reached.
		{"the same twice", `[{name: a, when: {intents: [refund]}, then: {action: escalate}}, {name: b, when: {intents: [refund]}, then: ` + saysThanks + `}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},
		{"a narrower one after a wider one", `[{name: a, when: {keywords: [slow, lag]}, then: {action: watch}}, {name: b, when: {keywords: [Lag], question: true, languages: [es]}, then: ` + saysThanks + `}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},
		{"a wider one after a narrower one", `[{name: a, when: {intents: [refund], question: true}, then: {action: escalate}}, {name: b, when: {intents: [refund]}, then: ` + saysThanks + `}]`, nil},
		{"two together", `[{name: a, when: {intents: [refund]}, then: {action: escalate}}, {name: b, when: {intents: [outage]}, then: {action: escalate}}, {name: c, when: {intents: [outage, refund]}, then: ` + saysThanks + `}]`,
			[]string{"rules[2].when: rule c is never reached: a and b take everything that it would before it"}},
		{"for one intent", `[{name: a, when: {intents: [refund]}, then: {action: escalate}}, {name: c, when: {intents: [outage, refund]}, then: ` + saysThanks + `}]`,
			[]string{"rules[1].when.intents[1]: rule c is never reached for the intent refund: a takes it before it"}},
		{"a guard of the first lets some through", `[{name: a, when: {intents: [refund]}, then: ` + saysThanks + `}, {name: b, when: {intents: [refund]}, then: {action: escalate}}]`, nil},
		{"the same guards let nothing through", `[{name: a, when: {intents: [refund]}, then: ` + saysThanks + `}, {name: b, when: {intents: [refund]}, then: {action: draft, template: thanks}}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},
		{"a rule that only tags takes nothing", `[{name: a, when: {intents: [refund]}, then: {action: tag, tags: [x]}}, {name: b, when: {intents: [refund]}, then: {action: escalate}}]`, nil},
		{"a rule that is off takes nothing", `[{name: a, starts: 2026-12-01, when: {intents: [refund]}, then: {action: escalate}}, {name: b, when: {intents: [refund]}, then: {action: escalate}}]`, nil},
		{"a rule for some days", `[{name: a, when: {intents: [refund]}, then: {action: escalate}}, {name: b, starts: 2026-12-01, expires: 2026-12-24, when: {intents: [refund]}, then: {action: escalate}}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},
		{"night is part of the evening and night", `[{name: a, when: {time: "20:00-08:00"}, then: {action: escalate}}, {name: b, when: {time: "23:00-05:00"}, then: {action: watch}}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},
		{"night is not part of the evening", `[{name: a, when: {time: "20:00-23:59"}, then: {action: escalate}}, {name: b, when: {time: "23:00-05:00"}, then: {action: watch}}]`, nil},
		{"always true conditions take everything", `[{name: a, when: {sentiment: {min: -1}}, then: {action: escalate}}, {name: b, when: {question: true}, then: {action: watch}}]`,
			[]string{"rules[1].when: rule b is never reached: a takes everything that it would before it"}},

		// Refused by policy.
		{"who did not turn to us", `[{name: a, when: {relevance: [about], platforms: [x, facebook]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].then: on x policy will always refuse what rule a says: The author did not mention or quote us; X lets only enterprise apps reply then."}},
		{"who did not turn to us, nowhere", `[{name: a, when: {relevance: [about], platforms: [bluesky, mastodon]}, then: ` + saysThanks + `}]`,
			[]string{"rules[0].then: policy will always refuse what rule a says; on mastodon: The author did not turn to us; bots do not join in uninvited. on bluesky: The author did not turn to us; on Bluesky bots speak only when spoken to."}},
		{"a person may", `[{name: a, when: {relevance: [about], platforms: [bluesky]}, then: {action: draft, template: thanks}}]`, nil},
		{"a private reply to a mention on Instagram", `[{name: a, when: {platforms: [instagram], kinds: [mention]}, then: {action: answer, template: thanks, private: true}}]`,
			[]string{"rules[0].then: policy will always refuse what rule a says; on instagram: Instagram takes private replies to comments only."}},
		{"a private reply to a comment", `[{name: a, when: {platforms: [instagram], kinds: [mention, comment]}, then: {action: answer, template: thanks, private: true}}]`, nil},
		{"only from accounts without a label", `[{name: a, when: {platforms: [instagram, facebook]}, then: ` + saysThanks + `, guards: {account: main}}]`, nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var want []string
			for _, w := range r.want {
				want = append(want, "warning rules.yaml "+w)
			}
			if d := cmp.Diff(want, about(bundleOf(t, r.rules))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// An account without the label that a platform wants is said once, not for every
// rule.
func TestLintAccountWithoutLabel(t *testing.T) {
	b := bundleOf(t, `[{name: a, when: {intents: [refund]}, then: `+saysThanks+`}, {name: b, when: {intents: [roaming]}, then: `+saysThanks+`}, {name: c, when: {intents: [cancel]}, then: {action: draft, template: thanks}}]`)
	b.Brand.Accounts = []config.Account{{Platform: care.Facebook, ID: "1"}, {Platform: care.Mastodon, ID: "2"}}
	want := []string{"warning brand.yaml accounts[1]: on mastodon policy will always refuse what rules a and b say: Our account is not marked as a bot."}
	if d := cmp.Diff(want, about(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLintTemplates(t *testing.T) {
	const rule = `[{name: a, when: {%s}, then: {action: %s, template: t}}]`
	long := strings.Repeat("a", 277)
	rows := []struct {
		name, when, action string
		template           config.Template
		want               []string
	}{
		{"fits to the letter", "platforms: [x]", "answer", one("en", config.Text{Variants: []string{long + "aaa"}}), nil},
		{"one too many", "platforms: [x]", "answer", one("en", config.Text{Variants: []string{"short", long + "aaaa"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"a short text fits", "platforms: [x]", "answer", one("en", config.Text{Variants: []string{long + "aaaa"}, Short: long + "aaa"}), nil},
		{"the short text is too long, too", "platforms: [x]", "answer", one("en", config.Text{Variants: []string{long + "aaaa"}, Short: long + "aaaaa"}),
			[]string{"error templates.yaml templates.t.text.en.short: the short text of template t is too long for x, where rule a may say it: 282 weighted characters with the longest values, the limit is 280; shorten it"}},
		{"a text for the platform", "platforms: [x, facebook]", "answer", one("en", config.Text{Variants: []string{long + long}, Platforms: map[care.Platform]config.Tone{care.X: {Variants: []string{"ok"}}}}), nil},
		{"a text for the platform is too long", "platforms: [x, facebook]", "answer", one("en", config.Text{Variants: []string{"ok"}, Platforms: map[care.Platform]config.Tone{care.X: {Variants: []string{long + long}}}}),
			[]string{"error templates.yaml templates.t.text.en.platforms.x.variants[0]: this text of template t is too long for x, where rule a may say it: 554 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"not where it is never said", "platforms: [facebook]", "answer", one("en", config.Text{Variants: []string{long + long}}), nil},
		{"in private there is room", "platforms: [x], private: true", "answer", one("en", config.Text{Variants: []string{long + long}}), nil},
		{"the longest name", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{strings.Repeat("a", 239) + " {{name}}", strings.Repeat("a", 240) + " {{name}}"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"the longest handle", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{strings.Repeat("a", 264) + "{{handle}}", strings.Repeat("a", 265) + "{{handle}}"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"Mastodon's mention goes before", "platforms: [mastodon]", "answer", one("en", config.Text{Variants: []string{strings.Repeat("a", 468), strings.Repeat("a", 469)}}),
			[]string{
				"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for mastodon, where rule a may say it: 501 characters with the longest values, the limit is 500; shorten it or add a short text",
				"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for mastodon in private, where rule a may say it: 501 characters with the longest values, the limit is 500; shorten it or add a short text",
			}},
		{"the mention counts once", "platforms: [mastodon], private: false", "answer", one("en", config.Text{Variants: []string{strings.Repeat("a", 468) + " {{handle}}"}}), nil},
		{"a handle is nothing for Facebook", "platforms: [facebook]", "answer", one("en", config.Text{Variants: []string{strings.Repeat("a", 9000) + "{{handle}}", "ok"}}), nil},
		{"the longest promise in Spanish", "platforms: [x], private: false, languages: [es]", "answer",
			// "el 28 de septiembre antes de medianoche" has 39 characters.
			one("es", config.Text{Variants: []string{strings.Repeat("a", 241) + "{{expect}}", strings.Repeat("a", 242) + "{{expect}}"}}),
			[]string{"error templates.yaml templates.t.text.es.variants[1]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"until when", "platforms: [x], private: false", "answer", // "until midnight" has 14 characters
			one("en", config.Text{Variants: []string{"ok", strings.Repeat("a", 266) + "{{until}}", strings.Repeat("a", 267) + "{{until}}"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[2]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"the week's hours", "platforms: [x], private: false", "answer",
			// "Mon-Fri 8:00-20:00, Sat 9:00-14:00" has 34 characters.
			one("en", config.Text{Variants: []string{strings.Repeat("a", 246) + "{{hours}}", strings.Repeat("a", 247) + "{{hours}}"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[1]: this text of template t is too long for x, where rule a may say it: 281 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"a language that the rule excludes", "platforms: [x], languages: [en]", "answer", config.Template{Text: map[string]config.Text{"en": {Variants: []string{"ok"}}, "es": {Variants: []string{long + long}}}}, nil},
		{"a language as fallback", "platforms: [x], languages: [en], private: false", "answer", config.Template{Fallback: "es", Text: map[string]config.Text{"es": {Variants: []string{long + long}}}},
			[]string{"error templates.yaml templates.t.text.es.variants[0]: this text of template t is too long for x, where rule a may say it: 554 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"bytes in Instagram's private replies", "platforms: [instagram], kinds: [comment]", "move-to-private", one("en", config.Text{Variants: []string{strings.Repeat("é", 501)}}),
			[]string{"error templates.yaml templates.t.text.en.variants[0]: this text of template t is too long for instagram in private, where rule a may say it: 1002 bytes with the longest values, the limit is 1000; shorten it or add a short text"}},
		{"a language without a text", "platforms: [facebook]", "answer", config.Template{Text: map[string]config.Text{"en": {Variants: []string{"ok"}}}},
			[]string{"warning templates.yaml templates.t: template t has no text in es and no fallback: authors who write that get a person instead"}},
		{"links only, on X", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{"See https://veloria.com/help", "or veloria.com/x"}}),
			[]string{"warning templates.yaml templates.t.text.en: every variant of template t holds a link when rule a says it on x, where a post with a link costs $0.20 instead of $0.01: add a variant without one, or texts for x"}},
		{"what is never said for its link", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{"See veloria.com/help " + long, "ok"}}), nil},
		{"what is said for want of a name", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{"See veloria.com/help " + long, "ok, {{name}}"}}),
			[]string{"error templates.yaml templates.t.text.en.variants[0]: this text of template t is too long for x, where rule a may say it: 305 weighted characters with the longest values, the limit is 280; shorten it or add a short text"}},
		{"one without a link", "platforms: [x], private: false", "answer", one("en", config.Text{Variants: []string{"See veloria.com/help", "ok"}}), nil},
		{"links in private", "platforms: [x], private: true", "answer", one("en", config.Text{Variants: []string{"See veloria.com/help"}}), nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			b := bundleOf(t, fmt.Sprintf(rule, r.when, r.action))
			b.Templates = map[string]config.Template{"t": r.template, "invitation": b.Templates["invitation"]}
			if d := cmp.Diff(r.want, about(b)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// one is a template in one language, which is the fallback of the others.
func one(lang string, x config.Text) config.Template {
	return config.Template{Fallback: lang, Text: map[string]config.Text{lang: x}}
}

func TestLintUnusedAndUntested(t *testing.T) {
	b := bundleOf(t, `[{name: a, when: {intents: [refund]}, then: `+saysThanks+`},
		{name: b, when: {intents: [cancel]}, then: {action: escalate}},
		{name: c, when: {intents: [fraud]}, then: {action: escalate}},
		{name: d, when: {question: true}, then: {action: tag, tags: [q]}},
		{name: e, when: {praise: true}, then: {action: tag, tags: [p]}},
		{name: f, enabled: false, when: {praise: true}, then: {action: watch}}]`)
	b.Templates = map[string]config.Template{"thanks": one("en", config.Text{Variants: []string{"Thanks! {{used}}"}}), "spare": one("en", config.Text{Variants: []string{"Hm"}})}
	b.Variables = map[string]string{"used": "x", "idle": "y"}
	b.Followup = config.Followup{}
	b.Tests = []config.Test{{Name: "1", Expect: config.Expect{Rule: "b"}}, {Name: "2", Expect: config.Expect{Tags: []string{"q"}}}}
	want := []config.Finding{
		{File: "rules.yaml", Path: "rules[5].enabled", Message: "rule f can never fire: it is switched off", Warning: true},
		{File: "rules.yaml", Path: "rules[0]", Message: "no test expects rule a", Warning: true},
		{File: "rules.yaml", Path: "rules[0].then.action", Message: "no test expects the action answer", Warning: true},
		{File: "rules.yaml", Path: "rules[2]", Message: "no test expects rule c", Warning: true},
		{File: "rules.yaml", Path: "rules[4]", Message: "no test expects rule e", Warning: true},
		{File: "rules.yaml", Path: "tests", Message: "no test expects that no rule fires (noRule: true)", Warning: true},
		{File: "templates.yaml", Path: "templates.spare#key", Message: "nothing uses template spare", Warning: true},
		{File: "templates.yaml", Path: "variables.idle#key", Message: "no template uses variable idle", Warning: true},
	}
	if d := cmp.Diff(want, lint(b, tuesday)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The default files are there to be copied: nothing is wrong with them.
func TestLintOfTheDefaultFiles(t *testing.T) {
	for _, f := range lint(standard(t), tuesday) {
		t.Errorf("%s %s: %s (warning %v)", f.File, f.Path, f.Message, f.Warning)
	}
}

// crowd is a bundle with 500 rules of the kinds that people write.
func crowd(t testing.TB) *config.Bundle {
	b := *standard(t)
	base := b.Rules
	b.Rules = nil
	for i := range config.MaxRules {
		r := base[i%len(base)]
		r.Name = fmt.Sprintf("r%d", i)
		r.When.Keywords = append([]string{fmt.Sprintf("word%d", i), fmt.Sprintf("other%d", i%50)}, r.When.Keywords...)
		if i%3 == 0 {
			r.When.Any = append([]config.Condition{{Languages: []string{"es"}}, {Severity: &config.SeverityRange{Min: "low"}, Question: ptr(true)}}, r.When.Any...)
		}
		b.Rules = append(b.Rules, r)
	}
	return &b
}

func BenchmarkLint500Rules(b *testing.B) {
	bundle := crowd(b)
	for b.Loop() {
		lint(bundle, tuesday)
	}
}

// Rules that nobody would write, as many and as tangled as the loader takes, are
// linted in seconds all the same.
func TestLintOfTangledRulesEnds(t *testing.T) {
	b := *standard(t)
	b.Rules = nil
	tangle := func(i int) config.Condition {
		var w config.Condition
		for k := range 4 {
			var c config.Condition
			for n := range 8 {
				c.Any = append(c.Any, config.Condition{Intents: []string{thinIntents[(i+k+n)%4]}, Keywords: []string{fmt.Sprintf("w%d", n*k)},
					Not: &config.Condition{Any: []config.Condition{{Question: ptr(n%2 == 0)}, {Languages: []string{"en"}}}}})
			}
			w.All = append(w.All, c)
		}
		return w
	}
	for i := range config.MaxRules {
		b.Rules = append(b.Rules, config.Rule{Name: fmt.Sprintf("r%d", i), When: tangle(i), Then: config.Then{Action: care.ActionAnswer, Template: "thanks"}})
	}
	if data, err := config.Encode(&b); err != nil || len(data) < config.MaxBundleBytes*3/4 {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	begin := time.Now()
	lint(&b, tuesday)
	if took := time.Since(begin); took > 60*time.Second {
		t.Errorf("took %v", took)
	} else {
		t.Log(took)
	}
}
