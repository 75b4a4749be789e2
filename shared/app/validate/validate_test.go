package validate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
)

// changed is the default bundle with something else in it.
func changed(t testing.TB, change func(*config.Bundle)) []byte {
	t.Helper()
	b, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	data, err := config.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if change == nil {
		return data
	}
	var own config.Bundle // a copy: the default is everybody's
	if err := json.Unmarshal(data, &own); err != nil {
		t.Fatal(err)
	}
	change(&own)
	if data, err = config.Encode(&own); err != nil {
		t.Fatal(err)
	}
	return data
}

// ask sends what AppConfig sends, as JSON.
func ask(t testing.TB, content []byte) error {
	t.Helper()
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	raw := fmt.Sprintf(`{"applicationId":"abc1234","configurationProfileId":"ur8hx2f","configurationVersion":"17","content":%q,"uri":"hosted"}`, base64.StdEncoding.EncodeToString(content))
	if err := json.Unmarshal([]byte(raw), &e); err != nil {
		t.Fatal(err)
	}
	_, err = h(t.Context(), e)
	return err
}

// The version that a deployment brings passes.
func TestDefaultBundlePasses(t *testing.T) {
	if err := ask(t, changed(t, nil)); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	bads := []struct {
		name    string
		content []byte
		want    []string
	}{
		{"nothing", nil, []string{"version 17 of the config has a mistake:", "bundle.json"}},
		{"no JSON", []byte("rules:\n  - name: x"), []string{"bundle.json"}},
		{"cut short", changed(t, nil)[:5000], []string{"bundle.json", "unexpected EOF"}},
		{"an unknown key", []byte(`{"version":"1","surprise":true}`), []string{"surprise"}},
		{"an unknown template", changed(t, func(b *config.Bundle) { b.Rules[6].Then.Template = "outrage" }), []string{`rules.yaml: rules[6].then.template: unknown template "outrage", did you mean "outage"?`}},
		{"a test that fails", changed(t, func(b *config.Bundle) {
			b.Tests = []config.Test{{Name: "Smoke", File: "brand.yaml", Given: config.Given{Platform: care.X, Text: "@VeloriaCare my router is smoking!", At: "2026-11-24 11:00"},
				Expect: config.Expect{Rule: "thanks", Queue: "care-general"}}}
		}), []string{"has a mistake:\nbrand.yaml: tests[0].expect: test \"Smoke\" fails: expected rule thanks, got none\nexpected queue care-general, got care-priority\n  because safety: "}},
		{"a text that is too long", changed(t, func(b *config.Bundle) {
			x := b.Templates["thanks"]
			x.Text = map[string]config.Text{"en": {Variants: []string{strings.Repeat("thanks ", 300)}}}
			x.Fallback = "en"
			b.Templates["thanks"] = x
		}), []string{"templates.yaml: templates.thanks.text.en.variants[0]: this text of template thanks is too long for x", "2100 weighted characters"}},
	}
	for _, r := range bads {
		t.Run(r.name, func(t *testing.T) {
			err := ask(t, r.content)
			if care.CodeOf(err) != care.Invalid {
				t.Fatalf("code %q: %v", care.CodeOf(err), err)
			}
			for _, want := range r.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q: %v", want, err)
				}
			}
		})
	}
}

// However much is wrong, the refusal can be read.
func TestRefusalIsBounded(t *testing.T) {
	err := ask(t, changed(t, func(b *config.Bundle) {
		one := b.Tests[0]
		b.Tests = nil
		for i := range config.MaxTests {
			one.Name, one.Expect = fmt.Sprintf("%0150d", i), config.Expect{Action: care.ActionAnswer, Contains: []string{strings.Repeat("ñ", 150)}}
			b.Tests = append(b.Tests, one)
		}
	}))
	msg := fmt.Sprint(err)
	if !strings.Contains(msg, "has 2000 mistakes") || !strings.Contains(msg, "and 1980 more") || len(msg) > 16000 || !strings.Contains(msg, "...") {
		t.Errorf("%d bytes: %.300s ... %s", len(msg), msg, msg[max(0, len(msg)-100):])
	}
}

// busy is the largest bundle that may be deployed: 500 rules and 2,000 tests that
// triage has to read.
func busy(t testing.TB) []byte {
	return changed(t, func(b *config.Bundle) {
		rules, tests := b.Rules, b.Tests
		b.Rules, b.Tests = nil, nil
		for i := range config.MaxRules {
			r := rules[i%len(rules)]
			r.Name = fmt.Sprintf("r%d", i)
			r.When.Keywords = append([]string{fmt.Sprintf("word%d", i)}, r.When.Keywords...)
			b.Rules = append(b.Rules, r)
		}
		for i := range config.MaxTests {
			x := tests[i%len(tests)]
			x.Name, x.Expect = fmt.Sprintf("t%d", i), config.Expect{Lacks: []string{"{{"}}
			x.Given.Assume = nil
			x.Given.Text = fmt.Sprintf("%s word%d", x.Given.Text, i%config.MaxRules)
			b.Tests = append(b.Tests, x)
		}
	})
}

// The largest bundle is judged at all.
func TestLargestBundle(t *testing.T) {
	if err := ask(t, busy(t)); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkLargestBundle must stay well within AppConfig's 15 seconds and the
// function's 512 MB, of which Lambda gives a third of a processor.
func BenchmarkLargestBundle(b *testing.B) {
	content := busy(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := ask(b, content); err != nil {
			b.Fatal(err)
		}
	}
}

// The kill switches of the default config can be thrown as they are: its many
// examples warn, and let it pass.
func TestSwitchesCanBeThrown(t *testing.T) {
	off := false
	load := func() *config.Bundle {
		b, err := config.Default()
		if err != nil {
			t.Fatal(err)
		}
		c := *b
		c.Rules = slices.Clone(b.Rules)
		return &c
	}
	check := func(name string, b *config.Bundle) (warnings int) {
		for _, f := range Check(b) {
			if !f.Warning {
				t.Errorf("%s: %s: %s: %s", name, f.File, f.Path, f.Message)
			}
			warnings++
		}
		return warnings
	}
	b := load()
	b.Stop = config.Stop{Everything: true, Reason: "a wrong price is out"}
	if check("everything is stopped", b) == 0 {
		t.Error("nothing says that everything is stopped")
	}
	b = load()
	b.Stop = config.Stop{Platforms: []care.Platform{care.X, care.Mastodon}}
	if check("two platforms are stopped", b) == 0 {
		t.Error("nothing says that platforms are stopped")
	}
	for i := range load().Rules {
		b := load()
		b.Rules[i].Enabled = &off
		failures := reply.RunTests(b, Senses(b))
		if len(failures) == 0 {
			t.Errorf("rule %s is off, and no example misses it", b.Rules[i].Name)
		}
		for _, f := range failures {
			if f.Off != b.Rules[i].Name {
				t.Errorf("rule %s is off, and an example fails for the sake of %q: %s", b.Rules[i].Name, f.Off, f)
			}
		}
	}
}
