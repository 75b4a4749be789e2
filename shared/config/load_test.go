package config

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
)

// small is the least that loads; tests change one file of it.
func small() map[string]string {
	return map[string]string{
		"brand.yaml": `name: Veloria
languages: [en, es]
accounts:
  - {platform: x, id: 7001001, handle: VeloriaCare, automated: true, tier: self-serve}
intents:
  - name: refund
    severity: medium
    examples:
      en: [money back]
  - name: legal
    severity: high
    people: true
    examples: {en: [lawyer]}
`,
		"rules.yaml": `rules:
  - name: refund
    when:
      intents: [refund]
    then: {action: answer, template: refund}
    owner: care
    reason: Refunds work the same for everybody.
tests:
  - name: refund
    given: {platform: x, text: money back, at: "2026-11-24 11:00"}
    expect: {rule: refund}
`,
		"templates.yaml": `templates:
  refund:
    fallback: en
    text:
      en:
        variants: ["Hi {{name}}!", "Refunds take 14 days; we answer {{expect}}."]
        short: Refunds take 14 days.
`,
		"hours.yaml": `timeZone: Europe/Madrid
week:
  mon: ["08:00-20:00"]
expect: {default: 4h}
`,
		"routing.yaml": `weights: {severity: 40, sentiment: 15, fullInfluence: 100000, fullValue: 10000}
queues:
  - {name: general}
routes:
  - {queue: general}
sla:
  critical: {firstResponse: 15m, warnBefore: 5m, aroundTheClock: true}
  high: {firstResponse: 1h, warnBefore: 15m}
  medium: {firstResponse: 4h, warnBefore: 30m}
  low: {firstResponse: 8h, warnBefore: 1h}
  none: {firstResponse: 2d, warnBefore: 2h}
`,
		"followup.yaml": "enabled: false\n",
	}
}

// loaded is Default, which must load.
func loaded(t testing.TB) *Bundle {
	t.Helper()
	b, err := Default()
	if err != nil {
		t.Fatalf("the built-in files are wrong:\n%v", err)
	}
	return b
}

func fsOf(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestLoadOK(t *testing.T) {
	b, err := Load(fsOf(small()))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Brand.Accounts[0].ID; got != "7001001" {
		t.Errorf("an id written as a number is %q, want its digits", got)
	}
	if b.Rules[0].Then.Action != care.ActionAnswer || b.Rules[0].When.Intents[0] != "refund" {
		t.Errorf("rule read as %+v", b.Rules[0])
	}
	if b.Hours.Expect["default"] != Duration(4*60*60*1e9) {
		t.Errorf("4h read as %v", b.Hours.Expect["default"])
	}
	if !b.Routing.SLA["critical"].AroundTheClock || b.Routing.Weights.FullInfluence != 100000 {
		t.Errorf("routing read as %+v", b.Routing)
	}
	if !strings.HasPrefix(b.Version, "sha256-") || len(b.Version) != 23 {
		t.Errorf("version %q", b.Version)
	}
}

func TestVersionFollowsTheFiles(t *testing.T) {
	one, _ := Load(fsOf(small()))
	same, _ := Load(fsOf(small()))
	files := small()
	files["hours.yaml"] += "# a comment is a change, too: the version names the very files\n"
	other, _ := Load(fsOf(files))
	if one.Version != same.Version || one.Version == other.Version {
		t.Errorf("versions %s %s %s", one.Version, same.Version, other.Version)
	}
}

// Each row replaces old by new in one file and expects exactly these errors.
func TestLoadErrors(t *testing.T) {
	rows := []struct {
		name, file, old, new string
		want                 []string
	}{
		{"unknown intent with a suggestion", "rules.yaml", "intents: [refund]", "intents: [refnud]",
			[]string{`rules.yaml:4:17: unknown intent "refnud", did you mean "refund"? allowed: refund, legal`}},
		{"unknown intent without", "rules.yaml", "intents: [refund]", "intents: [weather]",
			[]string{`rules.yaml:4:17: unknown intent "weather"; allowed: refund, legal`}},
		{"unknown key", "rules.yaml", "    when:", "    wehn:",
			[]string{`rules.yaml:3:5: unknown key "wehn", did you mean "when"? allowed: name, owner, reason, enabled, starts, expires, when, then, guards`}},
		{"unknown template", "rules.yaml", "template: refund", "template: refunds",
			[]string{`rules.yaml:5:38: unknown template "refunds", did you mean "refund"?`}},
		{"missing template", "rules.yaml", "{action: answer, template: refund}", "{action: answer}",
			[]string{`rules.yaml:5:12: the template is missing`}},
		{"template on escalate", "rules.yaml", "action: answer", "action: escalate",
			[]string{`rules.yaml:5:40: a rule with action escalate has no template; that is for answer, draft, acknowledge, move-to-private`}},
		{"unknown action", "rules.yaml", "action: answer", "action: reply",
			[]string{`rules.yaml:5:20: unknown action "reply"; allowed: answer, draft, acknowledge, move-to-private, escalate, watch, tag`}},
		{"people only", "rules.yaml", "intents: [refund]", "intents: [refund, legal]",
			[]string{`rules.yaml:4:25: intent "legal" is for people only (brand.yaml); no rule may answer it`}},
		{"sentiment out of range", "rules.yaml", "      intents: [refund]", "      sentiment: {min: -2, max: 0.5}",
			[]string{`rules.yaml:4:24: must be between -1 (very negative) and 1 (very positive)`}},
		{"sentiment never holds", "rules.yaml", "      intents: [refund]", "      sentiment: {min: 0.5, max: 0.1}",
			[]string{`rules.yaml:4:19: min is above max, so this never holds`}},
		{"unknown severity", "rules.yaml", "      intents: [refund]", "      severity: {max: hi}",
			[]string{`rules.yaml:4:23: unknown severity "hi"; allowed: none, low, medium, high, critical`}},
		{"unknown platform", "rules.yaml", "      intents: [refund]", "      platforms: [x, blusky]",
			[]string{`rules.yaml:4:22: unknown platform "blusky", did you mean "bluesky"? allowed: x, facebook, messenger, instagram, mastodon, bluesky`}},
		{"unknown language", "rules.yaml", "      intents: [refund]", "      languages: [de]",
			[]string{`rules.yaml:4:19: unknown language "de"; allowed: en, es`}},
		{"list expected", "rules.yaml", "intents: [refund]", "intents: refund",
			[]string{`rules.yaml:4:16: expected a list, such as [a, b]`}},
		{"number expected", "rules.yaml", "      intents: [refund]", "      intents: [refund]\n      minIntentScore: high",
			[]string{`rules.yaml:5:23: expected a number`}},
		{"a boolean is no text", "rules.yaml", "owner: care", "owner: true",
			[]string{`rules.yaml:6:12: expected a text; put true in quotes if you mean the word`}},
		{"key twice", "rules.yaml", "      intents: [refund]", "      intents: [refund]\n      intents: [refund]",
			[]string{`rules.yaml:5:7: "intents" is here twice; the first is in line 4`}},
		{"rule twice", "rules.yaml", "tests:", "  - {name: refund, owner: care, reason: None., when: {question: true}, then: {action: watch}}\ntests:",
			[]string{`rules.yaml:8:12: there is already a rule named "refund"`}},
		{"expected rule unknown", "rules.yaml", "expect: {rule: refund}", "expect: {rule: refnd}",
			[]string{`rules.yaml:11:20: unknown rule "refnd", did you mean "refund"?`}},
		{"test expects nothing", "rules.yaml", "expect: {rule: refund}", "expect: {}",
			[]string{`rules.yaml:9:5: test "refund" expects nothing`}},
		{"test without time", "rules.yaml", `, at: "2026-11-24 11:00"`, "",
			[]string{`rules.yaml:10:13: the time of the post is needed, in the brand's time zone, such as "2026-11-24 11:00"`}},
		{"critical is never answered", "rules.yaml", "tests:", "    guards: {notIfSeverityAbove: critical}\ntests:",
			[]string{`rules.yaml:8:34: a critical matter is never answered automatically; the highest value here is high`}},
		{"expires", "rules.yaml", "    when:", "    expires: 31.12.2026\n    when:",
			[]string{`rules.yaml:3:14: "31.12.2026" is not a date: write it as 2026-12-31`}},
		{"not too deep", "rules.yaml", "intents: [refund]", "not: {not: {not: {not: {not: {not: {question: true}}}}}}",
			[]string{`rules.yaml:4:43: conditions are nested more than 5 deep`}},
		{"unknown variable", "templates.yaml", "{{expect}}", "{{expct}}",
			[]string{`templates.yaml:6:36: unknown variable "expct", did you mean "expect"? allowed: name, handle, brand, expect, hours, until`}},
		{"open variable", "templates.yaml", "{{expect}}", "{{expect",
			[]string{`templates.yaml:6:36: "{{" is never closed with "}}"`}},
		{"every variant needs a name", "templates.yaml", "we answer {{expect}}", "we answer {{name}}",
			[]string{`templates.yaml:6:19: every variant uses {{name}} or {{handle}}; one must do without, for authors whose name is not known`}},
		{"short with a name", "templates.yaml", "short: Refunds", "short: Hi {{name}}! Refunds",
			[]string{`templates.yaml:7:16: the short text must do without {{name}} and {{handle}}`}},
		{"fallback not there", "templates.yaml", "fallback: en", "fallback: es",
			[]string{`templates.yaml:3:15: unknown language "es"; allowed: en`}},
		{"template language", "templates.yaml", "      en:", "      eng:",
			[]string{`templates.yaml:3:15: unknown language "en"; allowed: eng`,
				`templates.yaml:5:7: unknown language "eng", did you mean "en"? allowed: en, es`,
				`templates.yaml:6:36: {{expect}} cannot be put into words in language "eng"; it can in de, en, es, fr, pt`}},
		{"time zone", "hours.yaml", "Europe/Madrid", "Europe/Madird",
			[]string{`hours.yaml:1:11: unknown time zone "Europe/Madird", did you mean "Europe/Madrid"?`}},
		{"day", "hours.yaml", "  mon:", "  monday:",
			[]string{`hours.yaml:3:3: unknown day "monday", did you mean "mon"? allowed: sun, mon, tue, wed, thu, fri, sat`}},
		{"span", "hours.yaml", `"08:00-20:00"`, `"8-20"`,
			[]string{`hours.yaml:3:9: "8-20" is not a time span: write it as "08:00-20:00"`, `hours.yaml:3:3: the week has no open hours at all`}},
		{"spans overlap", "hours.yaml", `["08:00-20:00"]`, `["08:00-12:00", "11:59-20:00"]`,
			[]string{`hours.yaml:3:24: "11:59-20:00" overlaps another span of the same day`}},
		{"duration", "hours.yaml", "default: 4h", "default: 4 hours",
			[]string{`hours.yaml:4:19: "4 hours" is not a duration: write a number and a unit, such as 30m, 4h or 2d`}},
		{"holiday", "hours.yaml", "expect:", "holidays: [{date: 2026-02-30, name: None}]\nexpect:",
			[]string{`hours.yaml:4:19: "2026-02-30" is not a date: write it as 2026-12-31`}},
		{"queue unknown", "routing.yaml", "{queue: general}", "{queue: genral}",
			[]string{`routing.yaml:5:13: unknown queue "genral", did you mean "general"?`}},
		{"fallback circle", "routing.yaml", "  - {name: general}", "  - {name: general, fallback: other}\n  - {name: other, fallback: general}",
			[]string{`routing.yaml:3:31: the fallbacks of "general" lead in a circle: general, other, general`,
				`routing.yaml:4:29: the fallbacks of "other" lead in a circle: other, general, other`}},
		{"no last route", "routing.yaml", "{queue: general}", "{queue: general, languages: [es]}",
			[]string{`routing.yaml:5:3: the last route must take everything that is left: give it a queue and no conditions`}},
		{"route never reached", "routing.yaml", "sla:", "  - {queue: general, languages: [es]}\nsla:",
			[]string{`routing.yaml:6:6: this route is never reached: route 1 takes everything`}},
		{"sla missing", "routing.yaml", "  low: {firstResponse: 8h, warnBefore: 1h}\n", "",
			[]string{`routing.yaml:7:3: there is no target for severity low`}},
		{"warning after breach", "routing.yaml", "firstResponse: 8h, warnBefore: 1h", "firstResponse: 1h, warnBefore: 1h",
			[]string{`routing.yaml:10:40: must be shorter than firstResponse`}},
		{"pattern", "brand.yaml", "intents:", "orderNumbers: ['VL-(', 'x*']\nintents:",
			[]string{"brand.yaml:5:16: not a regular expression (RE2): missing closing ): `VL-(`",
				`brand.yaml:5:24: the pattern matches nothing at all, so it would be found everywhere`}},
		{"x account without tier", "brand.yaml", ", tier: self-serve", "",
			[]string{`brand.yaml:4:6: an X account needs its tier, self-serve or enterprise: what it may answer depends on it`}},
		{"invitations need a policy", "followup.yaml", "enabled: false", "enabled: true",
			[]string{`followup.yaml:1:1: invitations are enabled but a template is missing`,
				`followup.yaml:1:1: invitations are enabled but at least one platform is missing`,
				`followup.yaml:1:1: invitations are enabled but a cap per customer above 0 is missing`,
				`followup.yaml:1:1: invitations are enabled but the time for which the cap per customer counts is missing`,
				`followup.yaml:1:1: invitations are enabled but a cap per day above 0 is missing`}},
		{"anchors", "followup.yaml", "enabled: false", "enabled: &a false",
			[]string{`followup.yaml:1:10: anchors, aliases and merge keys are not supported: write the value again`}},
		{"two documents", "followup.yaml", "enabled: false\n", "enabled: false\n---\nenabled: true\n",
			[]string{`followup.yaml:2:1: the file holds more than one document; remove the line "---"`}},
		{"not UTF-8", "followup.yaml", "enabled: false", "# ok\n\xff",
			[]string{`followup.yaml:2:1: this is not UTF-8 text, perhaps Latin-1 (Windows-1252); save the file as UTF-8`}},
		{"empty", "followup.yaml", "enabled: false", "# nothing",
			[]string{`followup.yaml: the file is empty`}},
		{"not a mapping", "followup.yaml", "enabled: false", "- enabled",
			[]string{`followup.yaml:1:1: expected keys with values, such as "name: value"`}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := small()
			if !strings.Contains(files[row.file], row.old) {
				t.Fatalf("%s does not hold %q", row.file, row.old)
			}
			files[row.file] = strings.Replace(files[row.file], row.old, row.new, 1)
			b, err := Load(fsOf(files))
			if b != nil {
				t.Error("a bundle came with the error")
			}
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("error is %v, want Errors", err)
			}
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			if d := cmp.Diff(sorted(row.want), sorted(got)); d != "" {
				t.Errorf("errors differ (-want +got):\n%s", d)
			}
		})
	}
}

func sorted(s []string) []string {
	s = append([]string(nil), s...)
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
	return s
}

func TestLoadReportsAllMistakesOfAllFilesInOrder(t *testing.T) {
	files := small()
	files["rules.yaml"] = strings.Replace(files["rules.yaml"], "[refund]", "[refnud]", 1)
	files["rules.yaml"] = strings.Replace(files["rules.yaml"], "template: refund", "template: rfund", 1)
	files["hours.yaml"] = strings.Replace(files["hours.yaml"], "4h", "4x", 1)
	files["brand.yaml"] = strings.Replace(files["brand.yaml"], "severity: medium", "severity: mediun", 1)
	_, err := Load(fsOf(files))
	want := `brand.yaml:7:15: unknown severity "mediun", did you mean "medium"? allowed: none, low, medium, high, critical
rules.yaml:4:17: unknown intent "refnud", did you mean "refund"? allowed: refund, legal
rules.yaml:5:38: unknown template "rfund", did you mean "refund"?
hours.yaml:4:19: "4x" is not a duration: write a number and a unit, such as 30m, 4h or 2d`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestLoadMissingAndBrokenFilesDoNotAccuseOthers(t *testing.T) {
	files := small()
	delete(files, "templates.yaml")
	files["templates.yml"] = "templates: {}"
	files["brand.yaml"] = "name: [Veloria\nlanguages: [en\n"
	_, err := Load(fsOf(files))
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 2 {
		t.Fatalf("got %v, want two errors", err)
	}
	if errs[0].File != "brand.yaml" || errs[0].Line == 0 {
		t.Errorf("first error is %v, want a place in brand.yaml", errs[0])
	}
	if got := errs[1].Error(); got != "templates.yaml: the file is missing; rename templates.yml to templates.yaml" {
		t.Errorf("second error is %q", got)
	}
}

func TestLoadLimits(t *testing.T) {
	rows := []struct {
		name, text, want string
	}{
		{"size", "# " + strings.Repeat("x", MaxFileBytes), "the file is larger than 1048576 bytes"},
		{"brackets", "enabled: " + strings.Repeat("[", 200000), "this is nested too deeply"},
		{"dashes", strings.Repeat("- ", 200000), "this is nested too deeply"},
		{"braces over lines", strings.Repeat("[\n", 100000), "this is nested too deeply"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := small()
			files["followup.yaml"] = row.text
			if _, err := Load(fsOf(files)); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %.200v, want %q", err, row.want)
			}
		})
	}
	t.Run("errors", func(t *testing.T) {
		files := small()
		files["followup.yaml"] = "platforms: [" + strings.Repeat("a, ", 400) + "]"
		_, err := Load(fsOf(files))
		var errs Errors
		if !errors.As(err, &errs) || len(errs) != maxErrors+1 || errs[maxErrors].Message != "300 more mistakes are not shown" {
			t.Errorf("%d errors, last %v", len(errs), errs[len(errs)-1])
		}
	})
}

func TestDefaultRoundTripsThroughJSON(t *testing.T) {
	want := loaded(t)
	data, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, equateEmpty); d != "" {
		t.Errorf("-loaded +parsed:\n%s", d)
	}
}

// An empty list and none mean the same.
var equateEmpty = cmp.FilterValues(func(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.IsValid() && y.IsValid() && (x.Kind() == reflect.Slice || x.Kind() == reflect.Map) && y.Kind() == x.Kind() && x.Len() == 0 && y.Len() == 0
}, cmp.Comparer(func(any, any) bool { return true }))

func TestParseRefuses(t *testing.T) {
	good, err := Encode(loaded(t))
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct{ name, text, want string }{
		{"not JSON", "rules: []", "invalid character"},
		{"unknown key", strings.Replace(string(good), `"guards":{}`, `"guards":{"notIfFullMoon":true}`, 1), `unknown field "notIfFullMoon"`},
		{"unknown intent", strings.Replace(string(good), `"intents":["cancel"]`, `"intents":["cancle"]`, 1), `unknown intent "cancle", did you mean "cancel"?`},
		{"no version", strings.Replace(string(good), `"version":"sha256-`, `"version":"","x":"`, 1), "unknown field"},
		{"empty version", `{}`, "the version is missing"},
		{"two documents", string(good) + "{}", "something follows the document"},
		{"too large", strings.Repeat(" ", MaxBundleBytes+1), "larger than"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.text == string(good) {
				t.Fatal("the row changes nothing")
			}
			b, err := Parse([]byte(row.text))
			if b != nil || err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, %v; want %q", b != nil, err, row.want)
			}
			var errs Errors
			if !errors.As(err, &errs) {
				t.Errorf("%T is not Errors", err)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"refund", "roaming", "outage", "billing"}
	rows := []struct{ wrong, want string }{
		{"refnud", `, did you mean "refund"?`},
		{"Refund", `, did you mean "refund"?`},
		{"bilings", `, did you mean "billing"?`},
		{"outtage", `, did you mean "outage"?`},
		{"x", ""},
		{"", ""},
		{"something-else", ""},
		{strings.Repeat("refund", 20), ""},
	}
	for _, row := range rows {
		if got := didYouMean(row.wrong, known); got != row.want {
			t.Errorf("didYouMean(%q) = %q, want %q", row.wrong, got, row.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range files {
		data, err := os.ReadFile("default/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, data)
		f.Add(name, []byte(small()[name]))
		f.Add(name, []byte(full()[name]))
	}
	for _, s := range []string{"", "\x00", "a: [", "a: {b: *c}", "&a [*a]", "? a", "- - - a", "a: !!binary x", "<<: {a: b}", "a: |\n b\nc", "\ufeffenabled: true", "a:\tb", "{", "---\n...\n---", "%YAML 1.2\n---\na: 1", "name: 'x\n\n", ": :", "a: .inf\nb: 0x10", "[]: 1", "{a: 1}: 2"} {
		f.Add("brand.yaml", []byte(s))
		f.Add("rules.yaml", []byte(s))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		files := small()
		if _, ok := files[name]; !ok {
			return
		}
		files[name] = string(data)
		var b *Bundle
		var err error
		done := make(chan struct{})
		go func() { b, err = Load(fsOf(files)); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("Load does not come back")
		}
		if (b == nil) == (err == nil) {
			t.Fatal("either a bundle or an error")
		}
		if err != nil {
			var errs Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("%T is not Errors", err)
			}
			for _, e := range errs {
				if e.File == "" || e.Message == "" || e.Line < 0 || e.Line > strings.Count(files[e.File], "\n")+strings.Count(files[e.File], "\r")+2 {
					t.Fatalf("no place to look at: %+v", e)
				}
			}
			return
		}
		out, err := Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(out); err != nil {
			t.Fatalf("loads but does not parse: %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	good, err := Encode(loaded(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, dir := range []map[string]string{small(), full()} {
		b, err := Load(fsOf(dir))
		if err != nil {
			f.Fatal(err)
		}
		data, err := Encode(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{`{"version":"1"}`, `{"version":"1","rules":[{"when":{"not":{"not":{"not":{}}}}}]}`, `{"version":"1","budgets":{"x":1e308},"storm":{"posts":-1,"within":"365d"}}`, `[`, `null`, ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if (b == nil) == (err == nil) {
			t.Fatal("either a bundle or an error")
		}
		if err != nil {
			return
		}
		again, err := Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := Parse(again); err != nil || !cmp.Equal(b, same, equateEmpty) {
			t.Fatalf("what is encoded again is another bundle: %v\n%s", err, cmp.Diff(b, same, equateEmpty))
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(DefaultFiles()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data, err := Encode(loaded(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadBrand(t *testing.T) {
	data, err := fs.ReadFile(DefaultFiles(), "brand.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, errs := ReadBrand("mine.yaml", data)
	if len(errs) > 0 || b.Name != "Veloria" {
		t.Fatalf("brand %q, errors %v", b.Name, errs)
	}
	for _, row := range []struct{ name, text, want string }{
		{"an unknown key", "name: A\nlanguages: [en]\nalias: [B]\n", "mine.yaml:3:1:"},
		{"a broken pattern", "name: A\nlanguages: [en]\norderNumbers: ['(']\n", "mine.yaml:3:"},
		{"no name", "languages: [en]\n", "mine.yaml:"},
		{"no YAML", "name: [", "mine.yaml:1:"},
		{"too much", strings.Repeat("#", MaxFileBytes+1), "more than"},
	} {
		if _, errs := ReadBrand("mine.yaml", []byte(row.text)); len(errs) == 0 || !strings.Contains(errs.Error(), row.want) {
			t.Errorf("%s: errors %v, want one with %q", row.name, errs, row.want)
		}
	}
}
