package config

import (
	"slices"
	"strings"
	"testing"
)

// full is small with everything that rules can speak of.
func full() map[string]string {
	return map[string]string{
		"brand.yaml": `name: Veloria
languages: [en, es]
accounts:
  - {platform: x, id: 7001001, handle: VeloriaCare, automated: true, tier: self-serve}
  - {platform: facebook, id: 7002001, handle: veloria}
products:
  - {name: Veloria Fiber, aliases: [Velofiber]}
units:
  - {name: Veloria Shop Colón, aliases: [tienda Colón]}
intents:
  - {name: refund, severity: medium, examples: {en: [money back]}}
  - {name: legal, severity: high, people: true, examples: {en: [lawyer]}}
tests: []
`,
		"rules.yaml": `optOut: {words: {en: [leave me alone]}}
stop: {everything: false, platforms: []}
budgets: {x: 5}
storm: {posts: 20, within: 10m}
rules:
  - name: one
    owner: care
    reason: Why it is there.
    when: {question: true}
    then: {action: answer, template: refund}
    guards: {hours: open}
tests:
  - name: one
    given: {platform: x, at: "2026-11-24 11:00", assume: {}}
    expect: {action: answer}
`,
		"templates.yaml": `templates:
  refund:
    text: {en: {variants: [Refunds take 14 days.], short: 14 days.}}
  soon:
    text: {en: {variants: ["We answer {{expect}}.", "You hear from us {{expect}}, {{name}}."], short: "We answer {{expect}}."}}
`,
		"hours.yaml":    small()["hours.yaml"] + "tests: []\n",
		"routing.yaml":  small()["routing.yaml"],
		"followup.yaml": small()["followup.yaml"],
	}
}

const (
	when   = "when: {question: true}"
	then   = "then: {action: answer, template: refund}"
	guards = "guards: {hours: open}"
	rule   = when + "\n    " + then + "\n    " + guards
	given  = `given: {platform: x, at: "2026-11-24 11:00", assume: {}}`
	expect = "expect: {action: answer}"
	allTop = "optOut: {words: {en: [leave me alone]}}"
)

func replaced(t *testing.T, file, old, text string) map[string]string {
	t.Helper()
	f := full()
	if old == "" {
		f[file] += text
		return f
	}
	if strings.Count(f[file], old) != 1 {
		t.Fatalf("%q is not once in %s", old, file)
	}
	f[file] = strings.Replace(f[file], old, text, 1)
	return f
}

// What must load.
func TestGoods(t *testing.T) {
	goods := []struct{ file, old, new string }{
		{"rules.yaml", "", ""},
		{"rules.yaml", "owner: care", "owner: 24/7 care team"},
		{"rules.yaml", "reason: Why it is there.", "reason: " + strings.Repeat("w", MaxReason)},
		{"rules.yaml", when, when + "\n    starts: 2026-12-01\n    expires: 2026-12-01"},
		{"rules.yaml", when, "enabled: false\n    " + when},
		{"rules.yaml", when, "when: {products: [Veloria Fiber], units: [Veloria Shop Colón]}"},
		{"rules.yaml", when, "when: {author: {minFollowers: 0, maxFollowers: 0}}"},
		{"rules.yaml", when, "when: {author: {verified: false}}"},
		{"rules.yaml", when, "when: {author: {minInfluence: 1}}"},
		{"rules.yaml", when, `when: {time: "22:00-06:00"}`},
		{"rules.yaml", when, `when: {time: "00:00-24:00"}`},
		{"rules.yaml", when, "when: {days: [mon, sun]}"},
		{"rules.yaml", when, "when: {storm: false}"},
		{"rules.yaml", when, "when: {not: {storm: true}}"},
		{"rules.yaml", when, "when: {not: {intents: [legal]}}"},
		{"rules.yaml", when, "when: {all: [{any: [{not: {days: [tue]}}]}]}"},
		{"rules.yaml", then, "then: {action: answer, template: refund, private: true, tags: [a, b-2]}"},
		{"rules.yaml", then, "then: {action: draft, template: refund, private: true, queue: general, approveWithin: 1m}"},
		{"rules.yaml", then, "then: {action: draft, template: refund, approveWithin: 7d}"},
		{"rules.yaml", then, "then: {action: acknowledge, template: soon, queue: general}"},
		{"rules.yaml", then, "then: {action: move-to-private, template: refund}"},
		{"rules.yaml", then, "then: {action: escalate, queue: general}"},
		{"rules.yaml", then, "then: {action: watch}"},
		{"rules.yaml", then, "then: {action: tag, tags: [vip]}"},
		{"rules.yaml", when + "\n    " + then, "then: {action: escalate}"},
		{"rules.yaml", guards, "guards: {delay: 1d, oncePerConversation: true, maxPerCustomerPerDay: 100, maxPerDay: 100000}"},
		{"rules.yaml", guards, "guards: {delay: 0}"},
		{"rules.yaml", guards, "guards: {notIfNegativeAboveSeverity: high}"},
		{"rules.yaml", guards, "guards: {notIfNegativeAbove: 1, notForKnownWithValueAbove: 0}"},
		{"rules.yaml", guards, "guards: {account: automated}"},
		{"rules.yaml", guards, "guards: {account: main}"},
		{"rules.yaml", rule, "when: {platforms: [x, facebook]}\n    " + then + "\n    guards: {account: main}"},
		{"rules.yaml", "budgets: {x: 5}", "budgets: {x: 0.01, facebook: 100000}"},
		{"rules.yaml", "budgets: {x: 5}", "budgets: {}"},
		{"rules.yaml", "stop: {everything: false, platforms: []}", "stop: {everything: true, platforms: [x], reason: The mail went wrong.}"},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 2, within: 1h}"},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 1000000, within: 1m}"},
		{"rules.yaml", "storm: {posts: 20, within: 10m}\n", ""},
		{"rules.yaml", given, `given: {platform: x, at: "2026-11-24 11:00", account: VeloriaCare, followers: 0, verified: true, firstContact: true, storm: true, agentOnIt: true}`},
		{"rules.yaml", "assume: {}", "assume: {influence: 1, products: [Veloria Fiber], units: [Veloria Shop Colón]}"},
		{"rules.yaml", expect, `expect: {queue: general, open: false, promise: "2026-11-25 09:30", else: watch, text: Refunds take 14 days.}`},
		{"rules.yaml", expect, "expect: {open: false}"},
		{"rules.yaml", expect, "expect: {private: false}"},
		{"rules.yaml", expect, "expect: {tags: [a]}"},
		{"templates.yaml", "[Refunds take 14 days.]", "[\"{{until}}, {{hours}}\"]"},
		{"hours.yaml", "tests: []", "tests: [{name: Open on Monday, given: {platform: x, at: \"2026-11-23 11:00\"}, expect: {open: true}}]"},
		{"routing.yaml", "", "tests: [{name: To the only queue, given: {platform: x, at: \"2026-11-23 11:00\"}, expect: {queue: general}}]\n"},
		{"followup.yaml", "", "tests: []\n"},
	}
	for _, row := range goods {
		t.Run(row.file+" "+row.new, func(t *testing.T) {
			f := replaced(t, row.file, row.old, row.new)
			b, err := Load(fsOf(f))
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, row.file, f[row.file]); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
			data, err := Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(data); err != nil {
				t.Errorf("loads but does not parse: %v", err)
			}
		})
	}
}

// What must not, with all that must be said about it, and whether an editor sees it
// too, by the schema.
func TestBads(t *testing.T) {
	const platforms = "allowed: x, facebook, messenger, instagram, mastodon, bluesky"
	const severities = "allowed: none, low, medium, high, critical"
	const says = "answer, draft, acknowledge, move-to-private"
	const ed, none = true, false
	bads := []struct {
		file, old, new string
		editor         bool
		want           []string
	}{
		// rules
		{"rules.yaml", "    owner: care\n", "", ed, []string{`rules.yaml:6:5: rule "one" needs an owner: the team or role to ask about it`}},
		{"rules.yaml", "owner: care", "owner: '  '", none, []string{`rules.yaml:7:12: rule "one" needs an owner: the team or role to ask about it`}},
		{"rules.yaml", "owner: care", "owner: " + strings.Repeat("w", MaxWord+1), ed, []string{"rules.yaml:7:12: the text is longer than 200 characters"}},
		{"rules.yaml", "owner: care", "ownr: care", ed, []string{`rules.yaml:7:5: unknown key "ownr", did you mean "owner"? allowed: name, owner, reason, enabled, starts, expires, when, then, guards`}},
		{"rules.yaml", "    reason: Why it is there.\n", "", ed, []string{`rules.yaml:6:5: rule "one" needs a reason: a sentence that says why it is there`}},
		{"rules.yaml", "reason: Why it is there.", "reason: " + strings.Repeat("w", MaxReason+1), ed, []string{"rules.yaml:8:13: the text is longer than 1000 characters"}},
		{"rules.yaml", when, "starts: 1 December\n    " + when, ed, []string{`rules.yaml:9:13: "1 December" is not a date: write it as 2026-12-31`}},
		{"rules.yaml", when, "expires: 2026-02-30\n    " + when, none, []string{`rules.yaml:9:14: "2026-02-30" is not a date: write it as 2026-12-31`}},
		{"rules.yaml", when, "starts: 2026-12-02\n    expires: 2026-12-01\n    " + when, none, []string{"rules.yaml:10:14: the rule expires on 2026-12-01, before it starts on 2026-12-02"}},

		// conditions
		{"rules.yaml", when, "when: {}", none, []string{"rules.yaml:9:11: a rule that answers needs at least one condition; this one would answer everybody"}},
		{"rules.yaml", when, "when: {products: [Velofiber]}", none, []string{`rules.yaml:9:23: unknown product "Velofiber", did you mean "Veloria Fiber"? Rules call it by its name in brand.yaml`}},
		{"rules.yaml", when, "when: {products: [Cheese]}", none, []string{`rules.yaml:9:23: unknown product (of brand.yaml) "Cheese"; allowed: Veloria Fiber`}},
		{"rules.yaml", when, "when: {units: [Veloria Shop Colon]}", none, []string{`rules.yaml:9:20: unknown unit (of brand.yaml) "Veloria Shop Colon", did you mean "Veloria Shop Colón"?`}},
		{"rules.yaml", when, "when: {author: {}}", ed, []string{"rules.yaml:9:20: a condition is missing: minFollowers, maxFollowers, verified or minInfluence"}},
		{"rules.yaml", when, "when: {author: {minFollowers: -1}}", ed, []string{"rules.yaml:9:35: must not be negative"}},
		{"rules.yaml", when, "when: {author: {maxFollowers: 1.5}}", ed, []string{"rules.yaml:9:35: expected a whole number"}},
		{"rules.yaml", when, "when: {author: {minFollowers: 2, maxFollowers: 1}}", none, []string{"rules.yaml:9:35: minFollowers is above maxFollowers, so this never holds"}},
		{"rules.yaml", when, "when: {author: {minInfluence: 2}}", ed, []string{"rules.yaml:9:35: must be between 0 and 1"}},
		{"rules.yaml", when, "when: {time: 22-6}", ed, []string{`rules.yaml:9:18: "22-6" is not a time span: write it as "08:00-20:00"`}},
		{"rules.yaml", when, `when: {time: "09:00-09:00"}`, none, []string{`rules.yaml:9:18: "09:00-09:00" ends as it begins`}},
		{"rules.yaml", when, "when: {days: [mon, friday]}", ed, []string{`rules.yaml:9:24: unknown day "friday"; allowed: mon, tue, wed, thu, fri, sat, sun`}},
		{"rules.yaml", when, "when: {days: [tues]}", ed, []string{`rules.yaml:9:19: unknown day "tues", did you mean "tue"? allowed: mon, tue, wed, thu, fri, sat, sun`}},
		{"rules.yaml", when, "when: {platforms: [], question: true}", ed, []string{"rules.yaml:9:23: the list is empty; name at least one, or leave platforms out if it does not matter"}},
		{"rules.yaml", when, "when: {any: [], question: true}", ed, []string{"rules.yaml:9:17: the list is empty; name at least one, or leave any out if it does not matter"}},
		{"rules.yaml", when, "when: {any: [{}]}", none, []string{"rules.yaml:9:18: the condition is empty"}},
		{"rules.yaml", when, "when: {keywords: ['!?']}", none, []string{"rules.yaml:9:23: a keyword needs a letter or a digit"}},
		{"rules.yaml", when, "when: {customer: {attributes: {plan: " + strings.Repeat("w", 201) + "}}}", ed, []string{"rules.yaml:9:36: the name or value of an attribute is longer than 200 characters"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}\nrules:\n  - name: one\n    owner: care\n    reason: Why it is there.\n    " + when,
			"rules:\n  - name: one\n    owner: care\n    reason: Why it is there.\n    when: {question: true, storm: true}", none,
			[]string{"rules.yaml:8:35: what a storm is must be said at the top of rules.yaml, such as storm: {posts: 20, within: 10m}"}},

		// actions
		{"rules.yaml", "action: answer, template", "action: anser, template", ed, []string{`rules.yaml:10:20: unknown action "anser", did you mean "answer"? allowed: answer, draft, acknowledge, move-to-private, escalate, watch, tag`}},
		{"rules.yaml", then, "then: {template: refund}", ed, []string{"rules.yaml:10:12: the action is missing"}},
		{"rules.yaml", then, "then: {action: draft}", ed, []string{"rules.yaml:10:12: the template is missing"}},
		{"rules.yaml", then, "then: {action: acknowledge, template: son}", none, []string{`rules.yaml:10:43: unknown template "son", did you mean "soon"? allowed: refund, soon`}},
		{"rules.yaml", then, "then: {action: watch, template: refund}", ed, []string{"rules.yaml:10:37: a rule with action watch has no template; that is for " + says}},
		{"rules.yaml", then, "then: {action: tag, tags: [a], template: refund}", ed, []string{"rules.yaml:10:46: a rule with action tag has no template; that is for " + says}},
		{"rules.yaml", then, "then: {action: acknowledge, template: soon, private: true}", ed, []string{"rules.yaml:10:58: a rule with action acknowledge has no private; that is for answer, draft"}},
		{"rules.yaml", then, "then: {action: move-to-private, template: refund, private: true}", ed, []string{"rules.yaml:10:64: a rule with action move-to-private has no private; that is for answer, draft"}},
		{"rules.yaml", then, "then: {action: answer, template: refund, queue: general}", ed, []string{"rules.yaml:10:53: a rule with action answer has no queue; that is for escalate, draft, acknowledge"}},
		{"rules.yaml", then, "then: {action: escalate, queue: genral}", none, []string{`rules.yaml:10:37: unknown queue "genral", did you mean "general"?`}},
		{"rules.yaml", then, "then: {action: answer, template: refund, approveWithin: 1h}", ed, []string{"rules.yaml:10:61: a rule with action answer has no approveWithin; that is for draft"}},
		{"rules.yaml", then, "then: {action: draft, template: refund, approveWithin: 8d}", none, []string{"rules.yaml:10:60: must be between 1m and 7d"}},
		{"rules.yaml", then, "then: {action: draft, template: refund, approveWithin: 59s}", none, []string{"rules.yaml:10:60: must be between 1m and 7d"}},
		{"rules.yaml", then, "then: {action: draft, template: refund, approveWithin: 0}", none, []string{"rules.yaml:10:60: must be between 1m and 7d"}},
		{"rules.yaml", then, "then: {action: tag}", ed, []string{"rules.yaml:10:12: a rule with action tag needs tags"}},
		{"rules.yaml", then, "then: {action: tag, tags: [V I P]}", ed, []string{`rules.yaml:10:32: "V I P" is no tag: use lower-case letters, digits and hyphens`}},
		{"rules.yaml", rule, "when: {intents: [legal]}\n    then: {action: draft, template: refund}", none, []string{`rules.yaml:9:22: intent "legal" is for people only (brand.yaml); no rule may answer it`}},
		{"rules.yaml", then, "then: {action: acknowledge, template: refund}", none, []string{
			`templates.yaml:3:28: {{expect}} is missing: rule "one" acknowledges with this text, which must say when an answer comes`,
			`templates.yaml:3:59: {{expect}} is missing: rule "one" acknowledges with this text, which must say when an answer comes`}},

		// guards
		{"rules.yaml", guards, "guards: {delay: 25h}", none, []string{"rules.yaml:11:21: must be at most 1d: an answer that comes later answers nobody"}},
		{"rules.yaml", then + "\n    " + guards, "then: {action: acknowledge, template: soon}\n    guards: {delay: 5m}", none, []string{"rules.yaml:11:21: a rule with action acknowledge has no delay; that is for answer, move-to-private"}},
		{"rules.yaml", then + "\n    " + guards, "then: {action: watch}\n    guards: {maxPerDay: 5, maxPerCustomerPerDay: 1, oncePerConversation: true}", none, []string{
			"rules.yaml:11:25: a rule with action watch has no maxPerDay; that is for " + says,
			"rules.yaml:11:50: a rule with action watch has no maxPerCustomerPerDay; that is for " + says,
			"rules.yaml:11:74: a rule with action watch has no oncePerConversation; that is for " + says}},
		{"rules.yaml", guards, "guards: {maxPerDay: 100001}", ed, []string{"rules.yaml:11:25: must be between 1 and 100000; leave it out for no limit, and write enabled: false to stop the rule"}},
		{"rules.yaml", guards, "guards: {maxPerDay: -1}", ed, []string{"rules.yaml:11:25: must be between 1 and 100000; leave it out for no limit, and write enabled: false to stop the rule"}},
		{"rules.yaml", guards, "guards: {maxPerDay: 0}", ed, []string{"rules.yaml:11:25: must be between 1 and 100000; leave it out for no limit, and write enabled: false to stop the rule"}},
		{"rules.yaml", guards, "guards: {maxPerCustomerPerDay: 0}", ed, []string{"rules.yaml:11:36: must be between 1 and 100; leave it out for no limit, and write enabled: false to stop the rule"}},
		{"rules.yaml", guards, "guards: {account: automatic}", ed, []string{`rules.yaml:11:23: unknown kind of account "automatic", did you mean "automated"? allowed: automated, main`}},
		{"rules.yaml", rule, "when: {platforms: [x]}\n    " + then + "\n    guards: {account: main}", none, []string{`rules.yaml:11:23: no account of ours on "x" is not labelled automated (brand.yaml), so this rule never fires`}},
		{"rules.yaml", rule, "when: {platforms: [facebook, bluesky]}\n    " + then + "\n    guards: {account: automated}", none, []string{`rules.yaml:11:23: no account of ours on "facebook, bluesky" is labelled automated (brand.yaml), so this rule never fires`}},
		{"rules.yaml", guards, "guards: {notIfNegativeAboveSeverity: grave}", ed, []string{`rules.yaml:11:42: unknown severity "grave"; ` + severities}},
		{"rules.yaml", guards, "guards: {notIfNegativeAboveSeverity: critical}", ed, []string{"rules.yaml:11:42: nothing is graver than critical, so this never holds back; the highest value here is high"}},
		{"rules.yaml", guards, "guards: {notIfSeverityAbove: critical}", none, []string{"rules.yaml:11:34: a critical matter is never answered automatically; the highest value here is high"}},

		// the other top levels
		{"rules.yaml", "budgets: {x: 5}", "budgets: {x: 0}", ed, []string{"rules.yaml:3:14: a budget must be above 0 dollars; to say nothing on a platform, use stop: {platforms: [...]}"}},
		{"rules.yaml", "budgets: {x: 5}", "budgets: {x: 100000.5}", ed, []string{"rules.yaml:3:14: a budget must be at most 100000 dollars a day"}},
		{"rules.yaml", "budgets: {x: 5}", "budgets: {facebok: 5}", ed, []string{`rules.yaml:3:11: unknown platform "facebok", did you mean "facebook"? ` + platforms}},
		{"rules.yaml", "budgets: {x: 5}", "budgets: {x: $5}", ed, []string{"rules.yaml:3:14: expected a number"}},
		{"rules.yaml", "platforms: []}", "platforms: [twitter]}", ed, []string{`rules.yaml:2:39: unknown platform "twitter"; ` + platforms}},
		{"rules.yaml", "platforms: []}", "platform: [x]}", ed, []string{`rules.yaml:2:27: unknown key "platform", did you mean "platforms"? allowed: everything, platforms, reason`}},
		{"rules.yaml", "everything: false", "everything: yes", ed, []string{"rules.yaml:2:20: expected true or false"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 1, within: 10m}", ed, []string{"rules.yaml:4:16: must be between 2 and 1000000"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 0, within: 10m}", ed, []string{"rules.yaml:4:16: must be between 2 and 1000000"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 20, within: 2h}", none, []string{"rules.yaml:4:28: must be between 1m and 1h"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {posts: 20}", ed, []string{"rules.yaml:4:9: within what time are they a storm? Write within: 10m"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {within: 10m}", ed, []string{"rules.yaml:4:9: how many posts are a storm? Write posts: 20"}},
		{"rules.yaml", "storm: {posts: 20, within: 10m}", "storm: {}", ed, []string{"rules.yaml:4:8: how many posts are a storm? Write posts: 20", "rules.yaml:4:8: within what time are they a storm? Write within: 10m"}},
		{"rules.yaml", "{en: [leave me alone]}", "{de: [lass mich]}", none, []string{`rules.yaml:1:18: unknown language "de"; allowed: en, es`}},
		{"rules.yaml", "[leave me alone]", "['']", ed, []string{"rules.yaml:1:23: an empty text stands here"}},
		{"rules.yaml", allTop, "optout: {words: {}}", ed, []string{`rules.yaml:1:1: unknown key "optout", did you mean "optOut"? allowed: people, optOut, stop, budgets, storm, rules, tests`}},
		{"brand.yaml", "  - {name: Veloria Fiber, aliases: [Velofiber]}", "  - {name: Veloria Fiber}\n  - {name: Veloria Fiber}", none, []string{`brand.yaml:8:12: there is already a product named "Veloria Fiber"`}},

		// tests
		{"rules.yaml", given, `given: {platform: x, at: "2026-11-24 11:00", account: VeloriaCar}`, none, []string{`rules.yaml:14:59: unknown account of ours on x "VeloriaCar", did you mean "VeloriaCare"?`}},
		{"rules.yaml", given, `given: {platform: facebook, at: "2026-11-24 11:00", account: VeloriaCare}`, none, []string{`rules.yaml:14:66: unknown account of ours on facebook "VeloriaCare"; allowed: veloria`}},
		{"rules.yaml", given, `given: {platform: x, at: "2026-11-24 11:00", followers: -1}`, ed, []string{"rules.yaml:14:61: must not be negative"}},
		{"rules.yaml", given, `given: {platform: x, at: "2026-11-24 11:00", customer: {value: -1}}`, ed, []string{"rules.yaml:14:68: must not be negative"}},
		{"rules.yaml", given, `given: {platform: x, at: "2026-11-24 25:00"}`, none, []string{`rules.yaml:14:30: the time of the post is needed, in the brand's time zone, such as "2026-11-24 11:00"`}},
		{"rules.yaml", "assume: {}", "assume: {influence: -0.1}", ed, []string{"rules.yaml:14:70: must be between 0 and 1"}},
		{"rules.yaml", "assume: {}", "assume: {products: [velofiber]}", none, []string{`rules.yaml:14:70: unknown product "velofiber", did you mean "Veloria Fiber"? Rules call it by its name in brand.yaml`}},
		{"rules.yaml", "assume: {}", "assume: {units: [Shop]}", none, []string{`rules.yaml:14:67: unknown unit (of brand.yaml) "Shop"; allowed: Veloria Shop Colón`}},
		{"rules.yaml", expect, "expect: {}", ed, []string{`rules.yaml:13:5: test "one" expects nothing`}},
		{"rules.yaml", expect, "expect: {tags: []}", none, []string{`rules.yaml:13:5: test "one" expects nothing`}},
		{"rules.yaml", expect, "expect: {action: move-to-private}", ed, []string{`rules.yaml:15:22: unknown planned action "move-to-private"; allowed: answer, draft, acknowledge, escalate, watch`}},
		{"rules.yaml", expect, "expect: {else: answer}", ed, []string{`rules.yaml:15:20: unknown action instead "answer"; allowed: escalate, watch`}},
		{"rules.yaml", expect, "expect: {queue: generl}", none, []string{`rules.yaml:15:21: unknown queue "generl", did you mean "general"?`}},
		{"rules.yaml", expect, "expect: {promise: tomorrow}", ed, []string{`rules.yaml:15:23: "tomorrow" is no time: write it as "2026-11-25 09:30"`}},
		{"rules.yaml", expect, "expect: {contains: ['']}", ed, []string{"rules.yaml:15:25: an empty text stands here"}},
		{"rules.yaml", expect, "expect: {rule: one, noRule: true}", none, []string{"rules.yaml:15:33: expects a rule and none at once"}},
		{"hours.yaml", "tests: []", "tests: [{name: one, given: {platform: x, at: \"2026-11-23 11:00\"}, expect: {open: true}}]", none, []string{`hours.yaml:5:16: there is already a test named "one", in rules.yaml`}},
		{"hours.yaml", "tests: []", "tests: [{name: two, given: {platform: x}, expect: {rule: on}}]", ed, []string{
			`hours.yaml:5:29: the time of the post is needed, in the brand's time zone, such as "2026-11-24 11:00"`,
			`hours.yaml:5:58: unknown rule "on"; allowed: one`}},
		{"brand.yaml", "tests: []", "tests: [{given: {platform: x, at: \"2026-11-23 11:00\"}, expect: {open: true}}]", ed, []string{"brand.yaml:13:10: a test needs a name"}},
		{"followup.yaml", "", "tests: [{name: two, file: rules.yaml, given: {platform: x, at: \"2026-11-23 11:00\"}, expect: {open: true}}]\n", ed, []string{
			`followup.yaml:2:21: unknown key "file"; allowed: name, given, expect`}},
		{"templates.yaml", "[Refunds take 14 days.]", "[\"{{util}}\"]", none, []string{`templates.yaml:3:28: unknown variable "util", did you mean "until"? allowed: name, handle, brand, expect, hours, until`}},
	}
	for _, row := range bads {
		t.Run(row.file+" "+row.new[:min(len(row.new), 100)], func(t *testing.T) {
			f := replaced(t, row.file, row.old, row.new)
			b, places, errs := Read(fsOf(f))
			if b != nil {
				t.Error("a bundle came with the errors")
			}
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			want := slices.Clone(row.want)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if err := validate(t, row.file, f[row.file]); (err != nil) != row.editor {
				t.Errorf("the schema says %v", err)
			}
			if line, _ := places.Locate(row.file, ""); line == 0 {
				t.Error("no places came with the errors")
			}
		})
	}
}
