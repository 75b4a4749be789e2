package pattern

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// serviceLimit is the one recorded answer that is a limit of the service, not of
// the pattern language: EventBridge finds this wildcard too complex. AWS's own
// open-source matcher accepts it, and so do we.
const serviceLimit = "content_wildcard_complex_EXC"

type recorded struct {
	Name     string          `json:"name"`
	Expected string          `json:"expected"`
	Event    json.RawMessage `json:"event"`
	Pattern  json.RawMessage `json:"pattern"`
}

func recordings(tb testing.TB) []recorded {
	tb.Helper()
	data, err := os.ReadFile("testdata/eventbridge_patterns_aws_validated.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var out []recorded
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var r recorded
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func answer(pattern, event []byte) string {
	p, err := Compile(pattern)
	if err != nil {
		return "exception"
	}
	ok, err := p.Match(event)
	if err != nil {
		return "exception"
	}
	if ok {
		return "match"
	}
	return "no-match"
}

func TestAgreesWithAWS(t *testing.T) {
	all := recordings(t)
	if len(all) != 155 {
		t.Fatalf("%d recordings, want 155", len(all))
	}
	agree, limitSeen := 0, false
	for _, r := range all {
		got := answer(r.Pattern, r.Event)
		switch {
		case r.Name == serviceLimit:
			limitSeen = true
			if got == r.Expected {
				t.Errorf("%s: agrees with AWS now; drop the exception", r.Name)
			}
		case got != r.Expected:
			t.Errorf("%s: got %s, AWS says %s\npattern %s\nevent %s", r.Name, got, r.Expected, r.Pattern, r.Event)
		default:
			agree++
		}
	}
	if !limitSeen {
		t.Errorf("recording %s is missing", serviceLimit)
	}
	t.Logf("agrees with AWS on %d of %d; the other, %s, is a limit of the service", agree, len(all), serviceLimit)
}

// What the recordings leave open, from the README of aws/event-ruler and the
// EventBridge documentation.
func TestMatch(t *testing.T) {
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"ArrayElementsMustBeTheSameOne", `{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1,"c":3},{"b":4,"c":2}]}`, false},
		{"ArrayElementsTheSameOne", `{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1,"c":3},{"b":1,"c":2}]}`, true},
		{"TwoArraysAreIndependent", `{"a":{"x":[1]},"b":{"x":[2]}}`, `{"a":[{"x":0},{"x":1}],"b":[{"x":2}]}`, true},
		{"NestedArrays", `{"a":{"b":["x"]}}`, `{"a":[[{"b":"y"}],[{"b":["z","x"]}]]}`, true},
		{"AbsenceInTheSameElement", `{"a":{"b":[1],"c":[{"exists":false}]}}`, `{"a":[{"b":1},{"b":2,"c":3}]}`, true},
		{"AbsenceNotInTheSameElement", `{"a":{"b":[2],"c":[{"exists":false}]}}`, `{"a":[{"b":1},{"b":2,"c":3}]}`, false},
		{"AnythingButOneOfAnArray", `{"a":[{"anything-but":["x"]}]}`, `{"a":["x","y"]}`, true},
		{"AnythingButAllOfAnArray", `{"a":[{"anything-but":["x"]}]}`, `{"a":["x","x"]}`, false},
		{"OrWithCommonField", `{"k":[1],"$or":[{"a":[1]},{"b":[2]}]}`, `{"k":1,"b":2}`, true},
		{"OrWithCommonFieldWrong", `{"k":[1],"$or":[{"a":[1]},{"b":[2]}]}`, `{"k":2,"b":2}`, false},
		{"OrTwiceMultiplies", `{"x":{"$or":[{"a":[1]},{"a":[2]}]},"y":{"$or":[{"a":[3]},{"a":[4]}]}}`, `{"x":{"a":2},"y":{"a":3}}`, true},
		{"OrNested", `{"$or":[{"a":[1]},{"b":[1],"$or":[{"c":[1]},{"d":[1]}]}]}`, `{"b":1,"d":1}`, true},
		{"NumberByValue", `{"n":[300]}`, `{"n":3.0e2}`, true},
		{"NumberTooLongByText", `{"n":[12345678901234567890]}`, `{"n":12345678901234567890}`, true},
		{"NumberTooLongNotRounded", `{"n":[12345678901234567890]}`, `{"n":12345678901234567891}`, false},
		{"NumericTooLongNotCompared", `{"n":[{"numeric":[">",1]}]}`, `{"n":12345678901234567891}`, false},
		{"NegativeZero", `{"n":[{"numeric":["=",0]}]}`, `{"n":-0.0}`, true},
		{"IPLiteralOtherSpelling", `{"ip":["2001:db8::1"]}`, `{"ip":"2001:0db8:0:0:0:0:0:1"}`, true},
		{"CIDRv4NotV6", `{"ip":[{"cidr":"10.0.0.0/8"}]}`, `{"ip":"2001:db8::1"}`, false},
		{"WildcardEscapes", `{"s":[{"wildcard":"a\\*b*\\\\"}]}`, `{"s":"a*bcd\\"}`, true},
		{"WildcardOverlapNotCountedTwice", `{"s":[{"wildcard":"ab*ba"}]}`, `{"s":"aba"}`, false},
		{"WildcardMiddle", `{"s":[{"wildcard":"*ab*cd*"}]}`, `{"s":"xxabxxcdxx"}`, true},
		{"WildcardMiddleOrder", `{"s":[{"wildcard":"*cd*ab*"}]}`, `{"s":"xxabxxcdxx"}`, false},
		{"IgnoreCaseBeyondASCII", `{"s":[{"equals-ignore-case":"ÄRGER"}]}`, `{"s":"ärger"}`, true},
		{"ExistsTrueOnNull", `{"s":[{"exists":true}]}`, `{"s":null}`, true},
		{"PrefixNotOnNumber", `{"s":[{"prefix":"1"}]}`, `{"s":12}`, false},
		{"TrueIsNotTheWord", `{"s":["true"]}`, `{"s":true}`, false},
		{"AnythingButNumberOnString", `{"s":[{"anything-but":12}]}`, `{"s":"12"}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile([]byte(tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Match([]byte(tt.event))
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	bads := map[string]string{
		"Empty":                 `{}`,
		"NotObject":             `[]`,
		"NotJSON":               `{"a":[1]`,
		"TwoValues":             `{"a":[1]} {}`,
		"EmptyInner":            `{"a":{}}`,
		"NestedArray":           `{"a":[[1]]}`,
		"TwoOperators":          `{"a":[{"prefix":"x","suffix":"y"}]}`,
		"NoOperator":            `{"a":[{}]}`,
		"OrOneAlternative":      `{"$or":[{"a":[1]}]}`,
		"OrNotObjects":          `{"$or":[1,2]}`,
		"OrReserved":            `{"$or":[{"a":{"prefix":["x"]}},{"b":[1]}]}`,
		"AnythingButMixed":      `{"a":[{"anything-but":[1,"x"]}]}`,
		"AnythingButEmptyList":  `{"a":[{"anything-but":[]}]}`,
		"AnythingButBoolean":    `{"a":[{"anything-but":true}]}`,
		"AnythingButNumericInn": `{"a":[{"anything-but":{"numeric":["=",1]}}]}`,
		"NumericUpperFirst":     `{"a":[{"numeric":["<",5,">",1]}]}`,
		"NumericEmptyRange":     `{"a":[{"numeric":[">",5,"<",5]}]}`,
		"NumericUnknown":        `{"a":[{"numeric":["!=",5]}]}`,
		"CIDRMaskTooLong":       `{"a":[{"cidr":"10.0.0.0/33"}]}`,
		"ExistsWord":            `{"a":[{"exists":"true"}]}`,
		"Twice":                 `{"a":{"b":[1]},"a.b":[2]}`,
		"WildcardEscape":        `{"a":[{"wildcard":"a\\b"}]}`,
		"PrefixOtherInner":      `{"a":[{"prefix":{"suffix":"x"}}]}`,
	}
	for name, p := range bads {
		t.Run(name, func(t *testing.T) {
			if _, err := Compile([]byte(p)); err == nil {
				t.Errorf("%s compiles", p)
			} else if !strings.HasPrefix(err.Error(), "event pattern: ") {
				t.Errorf("error %q does not say what it is about", err)
			}
		})
	}
}

func TestOrCombinationsAreBounded(t *testing.T) {
	or := func(field string) string {
		alt := strings.TrimSuffix(strings.Repeat(`{"`+field+`":[1]},`, 11), ",")
		return `{"$or":[` + alt + `]}`
	}
	p := `{"x":` + or("a") + `,"y":` + or("b") + `,"z":` + or("c") + `}`
	if _, err := Compile([]byte(p)); err == nil {
		t.Error("1,331 combinations compile; EventBridge allows 1,000")
	}
}

func TestDeepNestingIsAnError(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	p, err := Compile([]byte(`{"a":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Match([]byte(deep)); err == nil {
		t.Error("an event of 5,000 levels is accepted")
	}
}

// A wildcard against the plain definition: try every split.
func TestWildcardProperty(t *testing.T) {
	var plain func(w, s string) bool
	plain = func(w, s string) bool {
		if w == "" {
			return s == ""
		}
		if w[0] == '*' {
			for i := 0; i <= len(s); i++ {
				if plain(w[1:], s[i:]) {
					return true
				}
			}
			return false
		}
		return s != "" && s[0] == w[0] && plain(w[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.StringMatching(`\*?([ab]{1,2}\*){0,3}[ab]{0,2}`).Draw(t, "wildcard")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		p, err := parseWildcard(w)
		if err != nil {
			t.Fatalf("%q: %v", w, err)
		}
		if got, want := p.match(s), plain(w, s); got != want {
			t.Errorf("%q on %q: got %v, want %v", w, s, got, want)
		}
	})
}

// anything-but is the complement of the value itself, for whatever is there.
func TestAnythingButProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{`"a"`, `"b"`, `1`, `1.0`, `-2`}).Draw(t, "excluded")
		event := []byte(`{"f":` + rapid.SampledFrom([]string{`"a"`, `"b"`, `1`, `1e0`, `-2.0`, `true`, `null`}).Draw(t, "value") + `}`)
		is := answer([]byte(`{"f":[`+value+`]}`), event)
		not := answer([]byte(`{"f":[{"anything-but":`+value+`}]}`), event)
		if is == not || is == "exception" || not == "exception" {
			t.Errorf("%s on %s: exact %s, anything-but %s", value, event, is, not)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add([]byte(r.Pattern), []byte(r.Event))
	}
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		p, err := Compile(pattern)
		if err != nil {
			return
		}
		first, err := p.Match(event)
		if err != nil {
			return
		}
		if !json.Valid(pattern) || !json.Valid(event) {
			t.Fatal("accepted what is not JSON")
		}
		if again, err := p.Match(event); err != nil || again != first {
			t.Fatalf("second answer %v %v, first %v", again, err, first)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := Compile([]byte(`{"source":["fielder.webhook","fielder.poller"],"detail-type":["PostReceived"]}`))
	if err != nil {
		b.Fatal(err)
	}
	event := []byte(`{"version":"0","source":"fielder.poller","detail-type":"PostReceived","detail":{"version":"1","post":{"platform":"mastodon","text":"hello","author":{"handle":"ana"}}}}`)
	for b.Loop() {
		if ok, err := p.Match(event); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}
