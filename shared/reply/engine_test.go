package reply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// ruled is the standard bundle with other rules, as rules.yaml writes them, which
// the loader has not checked.
func ruled(t testing.TB, rules string) *config.Bundle {
	t.Helper()
	b := *standard(t)
	b.Rules = nil
	if err := strictly(rules, &b.Rules); err != nil {
		t.Fatalf("%v", err)
	}
	b.Templates = map[string]config.Template{
		"thanks": {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"Thank you."}}}},
		"soon":   {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"You hear from us {{expect}}."}}}},
		"until":  {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"We answer {{until}}."}, Short: "x"}}},
	}
	return &b
}

func TestMoreConditions(t *testing.T) {
	followers := func(n int) func(*In) { return func(in *In) { in.Post.Author.Followers = &n } }
	at := func(s string) func(*In) {
		return func(in *In) {
			loc, _ := time.LoadLocation("Europe/Madrid")
			now, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
			if err != nil {
				t.Fatal(err)
			}
			in.Now = now
		}
	}
	rows := []struct {
		name, when string
		holds      bool
		change     func(*In)
	}{
		{"product", "products: [VeloBox, Veloria Fiber]", true, func(in *In) { in.Triage.Products = []string{"Veloria Mobile", "VeloBox"} }},
		{"other product", "products: [VeloBox]", false, func(in *In) { in.Triage.Products = []string{"Veloria Mobile"} }},
		{"no product", "products: [VeloBox]", false, nil},
		{"unit", "units: [Veloria Shop Larios]", true, func(in *In) { in.Triage.Units = []string{"Veloria Shop Larios"} }},
		{"a product of the same name is no unit", "units: [VeloBox]", false, func(in *In) { in.Triage.Products = []string{"VeloBox"} }},
		{"followers at least", "author: {minFollowers: 10}", true, followers(10)},
		{"followers below", "author: {minFollowers: 10}", false, followers(9)},
		{"followers at most", "author: {maxFollowers: 10}", true, followers(10)},
		{"followers above", "author: {maxFollowers: 10}", false, followers(11)},
		{"followers that nobody tells, at least", "author: {minFollowers: 0}", false, nil},
		{"followers that nobody tells, at most", "author: {maxFollowers: 10}", false, nil},
		{"verified", "author: {verified: true}", true, func(in *In) { in.Post.Author.Verified = true }},
		{"not verified", "author: {verified: true}", false, nil},
		{"influence", "author: {minInfluence: 0.5}", true, func(in *In) { in.Triage.Influence = 0.5 }},
		{"less influence", "author: {minInfluence: 0.5}", false, func(in *In) { in.Triage.Influence = 0.49 }},
		{"time of day", "time: 11:00-11:01", true, nil},
		{"its end is outside", "time: 10:00-11:00", false, nil},
		{"over midnight, before", "time: 22:00-06:00", true, at("2026-11-24 22:00")},
		{"over midnight, after", "time: 22:00-06:00", true, at("2026-11-24 05:59")},
		{"over midnight, outside", "time: 22:00-06:00", false, at("2026-11-24 06:00")},
		{"the clock of summer", "time: 10:00-11:00", true, at("2026-07-07 10:30")},
		{"day", "days: [mon, tue]", true, nil},
		{"other day", "days: [wed]", false, nil},
		{"Sunday", "days: [sun]", true, at("2026-11-29 00:00")},
		{"storm", "storm: true", true, func(in *In) { in.Storm = true }},
		{"no storm", "storm: true", false, nil},
		{"only without a storm", "storm: false", false, func(in *In) { in.Storm = true }},
		{"more names than fit one word of bits", "any: [" + strings.TrimSuffix(strings.Repeat("{intents: [a%d, b%d, c%d]}, ", 30), ", ") + ", {intents: [roaming]}]", true, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			when := row.when
			if n := strings.Count(when, "%d"); n > 0 {
				args := make([]any, n)
				for i := range args {
					args[i] = i
				}
				when = fmt.Sprintf(when, args...)
			}
			in := question(ruled(t, "- {name: one, when: {"+when+"}, then: {action: answer, template: thanks}}"))
			if row.change != nil {
				row.change(&in)
			}
			if plan := Decide(in); (plan.Rule == "one") != row.holds {
				t.Errorf("holds: %v, want %v (%v)", !row.holds, row.holds, plan.Reasons)
			}
		})
	}
}

func TestMoreGuards(t *testing.T) {
	rows := []struct {
		name, guards string
		why          string // it is held back, "" when not
		change       func(*In)
	}{
		{"negative and graver", "notIfNegativeAboveSeverity: low", "the tone is negative and the severity is medium, above low", func(in *In) { in.Triage.Sentiment, in.Triage.Severity = -0.01, 2 }},
		{"negative and as grave as allowed", "notIfNegativeAboveSeverity: low", "", func(in *In) { in.Triage.Sentiment, in.Triage.Severity = -1, 1 }},
		{"graver but not negative", "notIfNegativeAboveSeverity: low", "", func(in *In) { in.Triage.Severity = 2 }},
		{"the automated account", "account: automated", "", func(in *In) { in.Post.Account = "bot" }},
		{"not the automated account", "account: automated", "it holds only for posts to an account of ours that is labelled automated", func(in *In) { in.Post.Account = "main" }},
		{"an account of the same id elsewhere", "account: automated", "it holds only for posts to an account of ours that is labelled automated", func(in *In) { in.Post.Account, in.Post.Platform = "bot", care.Bluesky }},
		{"the main account", "account: main", "", func(in *In) { in.Post.Account = "main" }},
		{"not the main account", "account: main", "it does not hold for posts to an account of ours that is labelled automated", func(in *In) { in.Post.Account = "bot" }},
		{"the unit is closed", "hours: open", "it holds only while we are open", func(in *In) { in.Triage.Units = []string{"Veloria Shop Colón", "Veloria Shop Larios"} }},
		{"a unit without hours of its own", "hours: open", "", func(in *In) { in.Triage.Units = []string{"Veloria Shop Colón"} }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := ruled(t, "- {name: one, when: {question: true}, then: {action: answer, template: thanks}, guards: {"+row.guards+"}}")
			b.Brand.Accounts = []config.Account{{Platform: care.X, ID: "main"}, {Platform: care.X, ID: "bot", Automated: true}}
			b.Hours = config.Hours{TimeZone: "Europe/Madrid", Week: map[string][]string{"tue": {"00:00-24:00"}}, Units: map[string]config.UnitHours{"Veloria Shop Larios": {Week: map[string][]string{"wed": {"08:00-09:00"}}}}}
			in := question(b)
			row.change(&in)
			plan := Decide(in)
			if row.why == "" {
				if plan.Rule != "one" {
					t.Errorf("it is held back: %v", plan.Reasons)
				}
				return
			}
			if want := "Rule one was held back: " + row.why + "."; plan.Rule != "" || plan.Reasons[len(plan.Reasons)-1].Text != want {
				t.Errorf("by %q: %v; want %q", plan.Rule, plan.Reasons, want)
			}
		})
	}
}

func TestActions(t *testing.T) {
	madrid, _ := time.LoadLocation("Europe/Madrid")
	rows := []struct {
		name, then, guards string
		change             func(*In)
		want               care.Plan // without rule, template, language, reasons, what was seen
	}{
		{"answer", "action: answer, template: thanks", "maxPerCustomerPerDay: 2, maxPerDay: 50, oncePerConversation: true, delay: 90s", nil,
			care.Plan{Action: "answer", Text: "Thank you.", Else: "escalate", DelaySeconds: 90, Limits: care.Limits{PerCustomerPerDay: 2, PerDay: 50, OncePerConversation: true}}},
		{"answer in private", "action: answer, template: thanks, private: true", "", nil,
			care.Plan{Action: "answer", Text: "Thank you.", Else: "escalate", Private: true}},
		{"answer with a promise", "action: answer, template: soon", "", nil,
			care.Plan{Action: "answer", Text: "You hear from us within 1 hour.", Else: "escalate", Promised: tuesday.Add(time.Hour)}},
		{"a promise counts from when it is said", "action: answer, template: soon", "delay: 30m", nil,
			care.Plan{Action: "answer", Text: "You hear from us within 1 hour.", Else: "escalate", Promised: tuesday.Add(90 * time.Minute), DelaySeconds: 1800}},
		{"open when it is said", "action: answer, template: until", "delay: 30m", func(in *In) { in.Now = time.Date(2026, 11, 24, 7, 30, 0, 0, madrid) },
			care.Plan{Action: "answer", Text: "We answer until 20:00.", Else: "escalate", DelaySeconds: 1800}},
		{"closed when it is said", "action: answer, template: until", "delay: 30m", func(in *In) { in.Now = time.Date(2026, 11, 24, 19, 30, 0, 0, madrid) },
			care.Plan{Action: "escalate", Else: "escalate"}},
		{"draft", "action: draft, template: thanks, queue: care-en, tags: [b, a]", "maxPerDay: 3, delay: 90s", nil,
			care.Plan{Action: "draft", Text: "Thank you.", Else: "escalate", Queue: "care-en", Tags: []string{"b", "a"}, ApproveBy: tuesday.Add(4 * time.Hour)}},
		{"draft for a while", "action: draft, template: thanks, approveWithin: 30m", "", func(in *In) { in.Triage.Question, in.Triage.Praise = false, true },
			care.Plan{Action: "draft", Text: "Thank you.", Else: "escalate", ApproveBy: tuesday.Add(30 * time.Minute)}},
		{"acknowledge", "action: acknowledge, template: soon, queue: care-en", "delay: 1m", nil,
			care.Plan{Action: "acknowledge", Text: "You hear from us within 1 hour.", Else: "escalate", Queue: "care-en", Promised: tuesday.Add(time.Hour + time.Minute), DelaySeconds: 60}},
		{"acknowledge praise", "action: acknowledge, template: thanks", "", func(in *In) { in.Triage.Question, in.Triage.Praise = false, true },
			care.Plan{Action: "acknowledge", Text: "Thank you.", Else: "escalate"}},
		{"move on X", "action: move-to-private, template: thanks, tags: [a]", "maxPerDay: 3", nil,
			care.Plan{Action: "answer", Text: "Thank you.", Else: "escalate", Tags: []string{"a", "moved-to-private"}, Limits: care.Limits{PerDay: 3}}},
		{"move on Facebook", "action: move-to-private, template: thanks", "", func(in *In) { in.Post.Platform = care.Facebook },
			care.Plan{Action: "answer", Text: "Thank you.", Else: "escalate", Private: true, Tags: []string{"moved-to-private"}}},
		{"move on Instagram", "action: move-to-private, template: thanks", "", func(in *In) { in.Post.Platform = care.Instagram },
			care.Plan{Action: "answer", Text: "Thank you.", Else: "escalate", Private: true, Tags: []string{"moved-to-private"}}},
		{"escalate", "action: escalate, queue: care-en", "delay: 1m, maxPerDay: 3", nil,
			care.Plan{Action: "escalate", Else: "escalate", Queue: "care-en"}},
		{"watch", "action: watch, tags: [a, a]", "", nil,
			care.Plan{Action: "watch", Else: "escalate", Tags: []string{"a"}}},
		{"the words do not do", "action: acknowledge, template: nothing, queue: care-en, tags: [a]", "delay: 1m, maxPerDay: 3", nil,
			care.Plan{Action: "escalate", Else: "escalate", Queue: "care-en", Tags: []string{"a"}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := ruled(t, "- {name: one, when: {private: false}, then: {"+row.then+"}, guards: {"+row.guards+"}}")
			in := question(b)
			if row.change != nil {
				row.change(&in)
			}
			plan := Decide(in)
			if plan.Rule != "one" {
				t.Fatalf("it does not fire: %v", plan.Reasons)
			}
			plan.Rule, plan.Template, plan.Lang, plan.Reasons, plan.Seen, plan.ConfigVersion = "", "", "", nil, nil, ""
			if d := cmp.Diff(row.want, plan); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsPrivateIsNotMoved(t *testing.T) {
	in := question(ruled(t, "- {name: move, when: {question: true}, then: {action: move-to-private, template: thanks}}\n- {name: next, when: {question: true}, then: {action: answer, template: thanks}}"))
	in.Post.Private = true
	plan := Decide(in)
	if plan.Rule != "next" || len(plan.Tags) > 0 || plan.Reasons[1].Text != "Rule move was passed over: it is private already." {
		t.Errorf("%+v", plan)
	}
}

func TestTagsAreAddedUntilARuleWins(t *testing.T) {
	rules := `
- {name: t1, when: {question: true}, then: {action: tag, tags: [one]}}
- {name: t2, when: {complaint: true}, then: {action: tag, tags: [two]}}
- {name: t3, when: {question: true}, then: {action: tag, tags: [three]}, guards: {hours: closed}}
- {name: t4, when: {question: true}, then: {action: tag, tags: [one, four]}}
- {name: win, when: {%s}, then: {action: answer, template: thanks, tags: [five]}}
- {name: t6, when: {question: true}, then: {action: tag, tags: [six]}}`
	plan := Decide(question(ruled(t, fmt.Sprintf(rules, "question: true"))))
	if d := cmp.Diff([]string{"one", "four", "five"}, plan.Tags); d != "" || plan.Rule != "win" {
		t.Errorf("by %q:\n%s", plan.Rule, d)
	}
	if want := (care.Reason{By: "tags", Text: "Tags were added by the rules t1, t4."}); plan.Reasons[1] != want {
		t.Errorf("%+v", plan.Reasons)
	}
	in := question(ruled(t, fmt.Sprintf(rules, "complaint: true")))
	plan = Decide(in)
	if d := cmp.Diff([]string{"one", "four", "six"}, plan.Tags); d != "" || plan.Rule != "" || plan.Action != care.ActionEscalate {
		t.Errorf("no rule wins, and %s by %q:\n%s", plan.Action, plan.Rule, d)
	}
	in.Triage.Severity = care.SeverityCritical
	if plan := Decide(in); len(plan.Tags) != 3 || plan.Reasons[0].By != "safety" {
		t.Errorf("a person gets it, with its tags: %+v", plan)
	}
}

func TestKillSwitch(t *testing.T) {
	for _, action := range []care.Action{"answer", "acknowledge", "move-to-private", "draft", "escalate", "watch"} {
		then := "action: " + string(action)
		if config.Says(action) {
			then += ", template: thanks"
		}
		b := ruled(t, "- {name: one, when: {question: true}, then: {"+then+"}}")
		for _, row := range []struct {
			name string
			stop config.Stop
			why  string // it says why it is held back
		}{
			{"not stopped", config.Stop{Reason: "x"}, ""},
			{"everything", config.Stop{Everything: true, Reason: "The price list is wrong."}, "all automatic replies are stopped (The price list is wrong)"},
			{"the platform", config.Stop{Platforms: []care.Platform{care.Bluesky, care.X}}, "automatic replies are stopped on x"},
			{"another platform", config.Stop{Platforms: []care.Platform{care.Bluesky}}, ""},
		} {
			t.Run(string(action)+", "+row.name, func(t *testing.T) {
				b.Stop = row.stop
				plan := Decide(question(b))
				speaks := action == "answer" || action == "acknowledge" || action == "move-to-private"
				if row.why == "" || !speaks {
					if plan.Rule != "one" {
						t.Errorf("it is held back: %v", plan.Reasons)
					}
					return
				}
				if plan.Rule != "" || plan.Action != "escalate" || plan.Text != "" || plan.Reasons[1].Text != "Rule one was held back: "+row.why+"." {
					t.Errorf("%s by %q: %v", plan.Action, plan.Rule, plan.Reasons)
				}
			})
		}
	}
}

func TestTheBrandsOwnOptOutWords(t *testing.T) {
	b := ruled(t, "- {name: one, when: {question: true}, then: {action: answer, template: thanks, tags: [a]}}\n- {name: two, when: {question: true}, then: {action: escalate, queue: care-priority}}")
	b.OptOut.Words = map[string][]string{"es": {"nada de máquinas"}}
	e := Compile(b)
	in := question(b)
	in.Post.Text = "¡NADA de maquinas! ¿Funciona?"
	if plan := e.Decide(in); plan.Action != care.ActionWatch || plan.Else != care.ActionWatch || plan.Rule != "" || plan.Reasons[0].By != "consent" || len(plan.Tags) > 0 {
		t.Errorf("%+v", plan)
	}
	in.Post.Text = "nada de máquinasx"
	if plan := e.Decide(in); plan.Action != care.ActionAnswer {
		t.Errorf("a part of a word: %+v", plan)
	}
	// A post that says more may need a person, and gets one.
	in.Post.Text, in.Triage.Severity = "Nada de máquinas, huele a quemado", care.SeverityCritical
	if plan := e.Decide(in); plan.Action != care.ActionEscalate || plan.Rule != "two" || plan.Queue != "care-priority" {
		t.Errorf("%+v", plan)
	}
}

func TestOnXVariantsWithoutALinkGoFirst(t *testing.T) {
	b := ruled(t, "- {name: one, when: {question: true}, then: {action: answer, template: t}}")
	said := func(p care.Platform, private bool, variants ...string) []string {
		b.Templates["t"] = config.Template{Fallback: "en", Text: map[string]config.Text{"en": {Variants: variants}}}
		b.Variables = map[string]string{"page": "https://example.com/help"}
		e, in := Compile(b), question(b)
		in.Post.Platform, in.Post.Private = p, private
		var out []string
		for i := range 60 {
			in.Post.NativeID = fmt.Sprint(i)
			if s := e.Decide(in).Text; !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		slices.Sort(out)
		return out
	}
	link, bare, plain, other := "See {{page}}.", "See example.com now.", "See the app.", "Look at the app. Now."
	linked, bared := "See https://example.com/help.", "See example.com now."
	rows := []struct {
		name    string
		p       care.Platform
		private bool
		in, out []string
	}{
		{"only those without", care.X, false, []string{link, plain, bare, other}, []string{other, plain}},
		{"all have one", care.X, false, []string{link, bare}, []string{bared, linked}},
		{"in private a link costs no more", care.X, true, []string{link, plain}, []string{linked, plain}},
		{"elsewhere neither", care.Mastodon, false, []string{link, plain}, []string{linked, plain}},
		{"what cannot be filled in does not count", care.X, false, []string{link, "Dear {{name}}, see the app."}, []string{linked}},
	}
	for _, row := range rows {
		if d := cmp.Diff(row.out, said(row.p, row.private, row.in...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, d)
		}
	}
}

func TestSeen(t *testing.T) {
	b := ruled(t, "[]")
	in := question(b)
	in.Storm = true
	in.Match = care.Match{Known: true, Grade: care.GradeVerified, First: true, Conversation: care.Conversation{ID: "con_1", Agent: "Sam"},
		Customer: care.Customer{ID: "cus_1", External: "C-1", Name: "Ana Ruiz", Lang: "es", Tier: "gold", Value: 12, Attributes: map[string]string{"plan": "fiber"}, Consent: care.Consent{OptOut: true}}}
	want := &care.Seen{At: tuesday, Customer: "cus_1", Known: true, Grade: care.GradeVerified, Tier: "gold", Value: 12, Lang: "es", Attributes: map[string]string{"plan": "fiber"},
		OptOut: true, First: true, Conversation: "con_1", AgentOnIt: true, Storm: true}
	if d := cmp.Diff(want, Decide(in).Seen); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	in.Post.Author.Own = true
	in.Match.Conversation = care.Conversation{Escalation: &care.Escalation{}}
	if got := Decide(in).Seen; got == nil || !got.AgentOnIt || got.Conversation != "" {
		t.Errorf("an escalated conversation, our own post: %+v", got)
	}
}

// How many rules there are costs time, but not one allocation more.
func TestAllocationsDoNotGrowWithTheRules(t *testing.T) {
	allocs := func(n int, last ...config.Rule) float64 {
		b := many(t, n, last...)
		e, in := Compile(b), asks(b)
		if plan := e.Decide(in); (plan.Rule == "keen") != (len(last) > 0) {
			t.Fatalf("by %q", plan.Rule)
		}
		return testing.AllocsPerRun(200, func() { e.Decide(in) })
	}
	if few, lots := allocs(10), allocs(500); few != lots {
		t.Errorf("10 rules that do not fire: %v allocations, 500: %v", few, lots)
	}
	if few, lots := allocs(10, keen("thanks")), allocs(500, keen("thanks")); few != lots {
		t.Errorf("with one that fires behind 10 others: %v allocations, behind 500: %v", few, lots)
	}
}

func TestAnEngineIsSafeForConcurrentUse(t *testing.T) {
	b := many(t, 50, keen("roaming"))
	e := Compile(b)
	want := map[string]string{}
	for i := range 8 {
		in := asks(b)
		in.Post.NativeID = fmt.Sprint(i)
		want[in.Post.NativeID] = Compile(b).Decide(in).Text
	}
	done := make(chan string)
	for i := range 8 {
		go func() {
			in := asks(b)
			in.Post.NativeID = fmt.Sprint(i)
			for range 100 {
				if got := e.Decide(in).Text; got != want[in.Post.NativeID] {
					done <- got
					return
				}
			}
			done <- ""
		}()
	}
	for range 8 {
		if got := <-done; got != "" {
			t.Errorf("unexpected: %q", got)
		}
	}
}
