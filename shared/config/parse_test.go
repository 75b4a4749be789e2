package config

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

// draw makes bundles that are right, with everything that rules can say.
type draw struct{ *rapid.T }

func (d draw) yes(label string) bool { return rapid.Bool().Draw(d.T, label) }

func (d draw) maybe(label string) *bool {
	if d.yes(label + "?") {
		v := d.yes(label)
		return &v
	}
	return nil
}

func (d draw) number(label string, lo, hi float64) *float64 {
	if d.yes(label + "?") {
		v := rapid.Float64Range(lo, hi).Draw(d.T, label)
		return &v
	}
	return nil
}

func (d draw) text(label string) string {
	return rapid.StringMatching(`[A-Za-zñé<>&"'{}: 0-9\n💚]{0,20}[a-z]`).Draw(d.T, label)
}

func pick[T any](d draw, label string, from []T) T { return rapid.SampledFrom(from).Draw(d.T, label) }

func some[T any](d draw, label string, from []T) []T {
	return rapid.SliceOfN(rapid.SampledFrom(from), 0, 3).Draw(d.T, label)
}

func (d draw) duration(label string, lo, hi time.Duration) Duration {
	return Duration(time.Duration(rapid.Int64Range(int64(lo/time.Second), int64(hi/time.Second)).Draw(d.T, label)) * time.Second)
}

func (d draw) date(label string) string {
	return time.Date(2026, 1, rapid.IntRange(1, 700).Draw(d.T, label), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (d draw) condition(depth int) Condition {
	yes := true
	w := Condition{
		Question: &yes, Complaint: d.maybe("complaint"), Praise: d.maybe("praise"), PersonalData: d.maybe("personalData"), Private: d.maybe("private"),
		FirstContact: d.maybe("firstContact"), Storm: d.maybe("storm"),
		Intents: some(d, "intents", []string{"refund"}), MinIntentScore: rapid.Float64Range(0, 1).Draw(d.T, "score"),
		Platforms: some(d, "platforms", care.Platforms()), Kinds: some(d, "kinds", []care.Kind{care.KindMention, care.KindDirect}),
		Languages: some(d, "languages", []string{"en", "es"}), Keywords: some(d, "keywords", []string{"money", "¿dónde está?", "a & b"}),
		Relevance: some(d, "relevance", []care.Relevance{care.RelevanceAddressed, care.RelevanceAbout}),
		Products:  some(d, "products", []string{"Veloria Fiber"}), Units: some(d, "units", []string{"Veloria Shop Colón"}),
		Days: some(d, "days", dayNames), Hours: pick(d, "hours", []string{"", "open", "closed"}), Time: pick(d, "time", []string{"", "22:00-06:00", "08:00-24:00"}),
	}
	if d.yes("sentiment") {
		w.Sentiment = &Range{Min: d.number("min", -1, 0), Max: new(float64)}
	}
	if d.yes("severity") {
		w.Severity = &SeverityRange{Min: "low", Max: pick(d, "max", []string{"", "low", "high"})}
	}
	if d.yes("customer") {
		w.Customer = &CustomerCondition{Known: &yes, Tiers: some(d, "tiers", []string{"gold"}), MinValue: d.number("value", 0, math.MaxFloat64),
			Grades: some(d, "grades", []care.Grade{care.GradeVerified}), Attributes: map[string]string{"plan": d.text("plan")}}
	}
	if d.yes("author") {
		few, many := rapid.IntRange(0, 10).Draw(d.T, "few"), rapid.IntRange(10, math.MaxInt).Draw(d.T, "many")
		w.Author = &AuthorCondition{MinFollowers: &few, MaxFollowers: &many, Verified: d.maybe("verified"), MinInfluence: d.number("influence", 0, 1)}
	}
	if depth > 0 && d.yes("nest") {
		w.All, w.Any = []Condition{d.condition(depth - 1)}, []Condition{d.condition(depth - 1)}
		not := d.condition(depth - 1)
		w.Not = &not
	}
	return w
}

func (d draw) rule(name string) Rule {
	r := Rule{Name: name, Owner: d.text("owner"), Reason: d.text("reason"), Enabled: d.maybe("enabled"), When: d.condition(2)}
	if d.yes("dates") {
		r.Starts, r.Expires = d.date("starts"), d.date("expires")
		if r.Expires < r.Starts {
			r.Starts, r.Expires = r.Expires, r.Starts
		}
	}
	a := care.Action(pick(d, "action", actionNames))
	r.Then = Then{Action: a, Tags: some(d, "tags", []string{"a", "b-2"})}
	if Says(a) {
		r.Then.Template = "soon"
		r.Guards.OncePerConversation = d.yes("once")
		r.Guards.MaxPerCustomerPerDay = rapid.IntRange(0, 100).Draw(d.T, "perCustomer")
		r.Guards.MaxPerDay = rapid.IntRange(0, MaxPerDay).Draw(d.T, "perDay")
	}
	switch a {
	case care.ActionAnswer, ActionMove:
		r.Guards.Delay = d.duration("delay", 0, MaxDelay)
		r.Then.Private = a == care.ActionAnswer && d.yes("inPrivate")
	case care.ActionDraft:
		r.Then.Private, r.Then.Queue = d.yes("inPrivate"), "general"
		r.Then.ApproveWithin = d.duration("approve", MinApproveWithin, MaxApproveWithin)
	case care.ActionAcknowledge, care.ActionEscalate:
		r.Then.Queue = pick(d, "queue", []string{"", "general"})
	case ActionTag:
		r.Then.Tags = []string{"a"}
	}
	r.Guards.Hours = pick(d, "guard hours", []string{"", "open", "closed"})
	r.Guards.NotIfNegativeAbove = d.number("negative", 0, 1)
	r.Guards.NotIfSeverityAbove = pick(d, "above", []string{"", "none", "high"})
	r.Guards.NotIfNegativeAboveSeverity = pick(d, "negative above", []string{"", "low", "high"})
	r.Guards.NotIfPersonalData = d.maybe("notPersonal")
	r.Guards.NotForKnownWithValueAbove = d.number("worth", 0, 1e9)
	if len(r.When.Platforms) == 0 {
		r.Guards.Account = pick(d, "account", []string{"", AccountAutomated, AccountMain})
	}
	return r
}

func (d draw) test(name string) Test {
	n := rapid.IntRange(0, 1e9).Draw(d.T, "followers")
	return Test{Name: name, File: pick(d, "file", files),
		Given: Given{Platform: care.X, Text: d.text("text"), At: "2026-11-24 11:00", Account: pick(d, "handle", []string{"", "VeloriaCare"}), Followers: &n,
			Verified: d.yes("verified"), FirstContact: d.yes("first"), Storm: d.yes("inStorm"), AgentOnIt: d.yes("agent"),
			Customer: &GivenCustomer{Name: d.text("name"), Value: rapid.Float64Range(0, 1e9).Draw(d.T, "value"), OptOut: d.yes("optOut")},
			Assume: &Assume{Intent: "refund", Influence: rapid.Float64Range(0, 1).Draw(d.T, "influence"), Sentiment: rapid.Float64Range(-1, 1).Draw(d.T, "sentiment"),
				Products: some(d, "products", []string{"Veloria Fiber"}), Units: some(d, "units", []string{"Veloria Shop Colón"})}},
		Expect: Expect{Action: care.Action(pick(d, "planned", plannedNames)), Queue: pick(d, "queue", []string{"", "general"}), Open: d.maybe("open"),
			Promise: pick(d, "promise", []string{"", "2026-11-25 09:30"}), Private: d.maybe("private"), Text: d.text("whole")}}
}

func TestWhatIsEncodedIsParsed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		b, err := Load(fsOf(full()))
		if err != nil {
			rt.Fatal(err)
		}
		b.Version = d.text("version")
		b.OptOut.Words = map[string][]string{"es": some(d, "optOut", []string{"déjame", "no más"})}
		b.Stop = Stop{Everything: d.yes("everything"), Platforms: some(d, "stop", care.Platforms()), Reason: d.text("why")}
		b.Budgets = map[care.Platform]float64{care.X: rapid.Float64Range(0.001, MaxBudget).Draw(rt, "budget")}
		b.Storm = Storm{Posts: rapid.IntRange(MinStorm, MaxStorm).Draw(rt, "posts"), Within: d.duration("within", MinStormWithin, MaxStormWithin)}
		for i := range rapid.IntRange(1, 5).Draw(rt, "rules") {
			b.Rules = append(b.Rules, d.rule(fmt.Sprintf("rule-%d", i)))
			b.Tests = append(b.Tests, d.test(fmt.Sprintf("test %d", i)))
		}
		data, err := Encode(b)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := Parse(data)
		if err != nil {
			rt.Fatalf("what is right is refused: %v", err)
		}
		if d := cmp.Diff(b, got, equateEmpty); d != "" {
			rt.Fatalf("-encoded +parsed:\n%s", d)
		}
	})
}

// Parse holds a bundle against the same checks, and says where in words: file and
// path.
func TestParseChecks(t *testing.T) {
	rows := []struct {
		name   string
		change func(b *Bundle)
		want   string
	}{
		{"owner", func(b *Bundle) { b.Rules[0].Owner = "" }, `rules.yaml: rules[0].owner: rule "one" needs an owner: the team or role to ask about it`},
		{"template", func(b *Bundle) { b.Rules[0].Then.Template = "refnd" }, `rules.yaml: rules[0].then.template: unknown template "refnd", did you mean "refund"? allowed: refund, soon`},
		{"budget", func(b *Bundle) { b.Budgets[care.X] = -1 }, `rules.yaml: budgets.x: a budget must be above 0 dollars; to say nothing on a platform, use stop: {platforms: [...]}`},
		{"budget of no platform", func(b *Bundle) { b.Budgets["fax"] = 1 }, `rules.yaml: budgets.fax: unknown platform "fax"; allowed: x, facebook, messenger, instagram, mastodon, bluesky`},
		{"storm", func(b *Bundle) { b.Storm.Posts = 1 }, "rules.yaml: storm.posts: must be between 2 and 1000000"},
		{"delay", func(b *Bundle) { b.Rules[0].Guards.Delay = Duration(2 * Day) }, "rules.yaml: rules[0].guards.delay: must be at most 1d: an answer that comes later answers nobody"},
		{"control character in a word", func(b *Bundle) { b.Rules[0].When.Keywords = []string{"a\x00b"} }, "rules.yaml: rules[0].when.keywords[0]: the text holds an invisible control character"},
		{"control character in a text", func(b *Bundle) { b.Templates["refund"].Text["en"].Variants[0] = "a\ab" }, "templates.yaml: templates.refund.text.en.variants[0]: the text holds an invisible control character"},
		{"test of no file", func(b *Bundle) { b.Tests[0].File = "" }, `rules.yaml: tests[0]: test "one" belongs to no file; allowed: brand.yaml, rules.yaml, templates.yaml, hours.yaml, routing.yaml, followup.yaml`},
		{"second test of a file", func(b *Bundle) {
			b.Tests = append(b.Tests, Test{Name: "two", File: "hours.yaml", Given: b.Tests[0].Given, Expect: Expect{NoRule: true}},
				Test{Name: "three", File: "hours.yaml", Given: b.Tests[0].Given})
		}, `hours.yaml: tests[1]: test "three" expects nothing`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b, err := Load(fsOf(full()))
			if err != nil {
				t.Fatal(err)
			}
			row.change(b)
			data, err := Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := Parse(data); b != nil || err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

// What is no bundle at all is refused with the place in the document.
func TestParseSaysWhere(t *testing.T) {
	rows := []struct{ text, want string }{
		{`{"version": 1}`, "bundle.json:1:14: cannot unmarshal number into Go struct field Bundle.version of type string"},
		{"{\"version\":\n\"1\"}}", "bundle.json:2:5: something follows the document"},
		{`{"version":"1",`, "bundle.json:1:1: unexpected EOF"},
	}
	for _, row := range rows {
		_, err := Parse([]byte(row.text))
		var errs Errors
		if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Error() != row.want {
			t.Errorf("%s: got %v, want %s", row.text, err, row.want)
		}
	}
}

func TestLocate(t *testing.T) {
	f := full()
	f["rules.yaml"] = strings.Replace(f["rules.yaml"], "when: {question: true}", "when:\n      any:\n        - intents: [refund]\n        - question: true", 1)
	_, places, errs := Read(fsOf(f))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	rows := []struct {
		file, path   string
		line, column int
	}{
		{"rules.yaml", "rules[0].when.any[1].question", 12, 21},
		{"rules.yaml", "rules[0].when.any[0].intents[0]", 11, 21},
		{"rules.yaml", "rules[0].when.any[0].intents#key", 11, 11},
		{"rules.yaml", "rules[0].when.any[0].keywords[3]", 11, 11}, // missing: where its parent stands
		{"rules.yaml", "rules[9]", 6, 3},
		{"rules.yaml", "tests[0].expect", 18, 14},
		{"rules.yaml", "", 1, 1},
		{"templates.yaml", "templates.soon.text.en.variants[1]", 5, 53},
		{"brand.yaml", "units[0].name", 9, 12},
		{"other.yaml", "a", 0, 0},
	}
	for _, row := range rows {
		if line, column := places.Locate(row.file, row.path); line != row.line || column != row.column {
			t.Errorf("%s %s is at %d:%d, want %d:%d", row.file, row.path, line, column, row.line, row.column)
		}
	}
	if line, column := (Places{}).Locate("rules.yaml", "rules[0]"); line != 0 || column != 0 {
		t.Errorf("no places, yet %d:%d", line, column)
	}
}

func TestRuleOn(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	off := false
	rows := []struct {
		name string
		rule Rule
		at   string // UTC; Madrid is an hour ahead
		want bool
	}{
		{"always", Rule{}, "2026-12-01T00:00:00Z", true},
		{"switched off", Rule{Enabled: &off, Starts: "2026-01-01"}, "2026-12-01T00:00:00Z", false},
		{"the evening before in Madrid", Rule{Starts: "2026-12-02"}, "2026-12-01T22:59:59Z", false},
		{"its first minute in Madrid", Rule{Starts: "2026-12-02"}, "2026-12-01T23:00:00Z", true},
		{"its last minute in Madrid", Rule{Starts: "2026-12-01", Expires: "2026-12-02"}, "2026-12-02T22:59:59Z", true},
		{"after its last day", Rule{Expires: "2026-12-02"}, "2026-12-02T23:00:00Z", false},
	}
	for _, row := range rows {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.rule.On(at, madrid); got != row.want {
			t.Errorf("%s: on is %t", row.name, got)
		}
	}
}
