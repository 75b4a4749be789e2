package asl

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPaths(t *testing.T) {
	const doc = `{"a":{"b":[1,2,3,{"c":"x"}],"d-e":null,"q's":1},"items":[{"n":1,"s":"a"},{"n":2,"s":"b"},{"n":3}],"empty":[],"big":123456789012345678901234567890}`
	tests := []struct{ path, want string }{ // want "" is an error
		{"$", doc},
		{"$.a.b[0]", "1"},
		{"$.a.b[-1].c", `"x"`},
		{"$['a']['b'][1]", "2"},
		{"$.a['d-e']", "null"},
		{"$.a.d-e", "null"},
		{`$.a['q\'s']`, "1"},
		{"$.big", "123456789012345678901234567890"},
		{"$.a.b[0,2]", "[1,3]"},
		{"$.a.b[1:3]", "[2,3]"},
		{"$.a.b[-2:]", `[3,{"c":"x"}]`},
		{"$.a.b[:-2]", "[1,2]"},
		{"$.a.b[5:9]", "[]"},
		{"$.items[*].n", "[1,2,3]"},
		{"$.items[*].s", `["a","b"]`},
		{"$..c", `["x"]`},
		{"$..n", "[1,2,3]"},
		{"$.items[?(@.n > 1)].n", "[2,3]"},
		{"$.items[?(@.n >= 2 && @.s == 'b')].n", "[2]"},
		{"$.items[?(@.s)].n", "[1,2]"},
		{"$.items[?(!(@.s))].n", "[3]"},
		{"$.items[?(@.s != 'a' || @.n < 2)].n", "[1,2,3]"},
		{"$.items[?(@.n == $.a.b[0])].s", `["a"]`},
		{"$.items[?(@.n == '1')].s", "[]"},
		{"$$.State.Name", `"now"`},
		{"$v.x", "7"},
		{"$.nope", ""},
		{"$.a.b[4]", ""},
		{"$.a.b.c", ""},
		{"$.items.n", ""},
		{"$w", ""},
	}
	root, err := decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	seven, _ := decode([]byte("7"))
	d := data{root: root, context: map[string]any{"State": map[string]any{"Name": "now"}}, vars: map[string]any{"v": map[string]any{"x": seven}}}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := parsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.eval(d)
			if tt.want == "" {
				if err == nil {
					t.Errorf("got %s, want an error", encode(got))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, encode(got), tt.want)
		})
	}
}

func TestIntrinsics(t *testing.T) {
	const doc = `{"l":[1,2,3,4,5],"dup":[1,1.0,"1",{"a":1},{"a":1}],"o":{"a":1,"b":2},"s":"x","n":4.5,"t":"This.is+a,test=string","nul":null}`
	tests := []struct{ expr, want string }{ // want "" is an error
		{`States.Format('Hello, {}: {} {} {}', $.s, $.n, true, $.nul)`, `"Hello, x: 4.5 true null"`},
		{`States.Format('\{\} it\'s {} \\', 'a')`, `"{} it's a \\"`},
		{`States.Format('{}', $.o)`, `"{\"a\":1,\"b\":2}"`},
		{`States.Format('{} {}', 1)`, ""},
		{`States.Format('{}', 1, 2)`, ""},
		{`States.Format($.l)`, ""},
		{`States.JsonToString($.o)`, `"{\"a\":1,\"b\":2}"`},
		{`States.JsonToString('a<b>&')`, `"\"a<b>&\""`},
		{`States.StringToJson('{"a": [1, 2.50]}')`, `{"a":[1,2.5]}`},
		{`States.StringToJson('{')`, ""},
		{`States.StringToJson(1)`, ""},
		{`States.Array()`, `[]`},
		{`States.Array(1, 'a', null, $.o)`, `[1,"a",null,{"a":1,"b":2}]`},
		{`States.ArrayPartition($.l, 2)`, `[[1,2],[3,4],[5]]`},
		{`States.ArrayPartition($.l, 0)`, ""},
		{`States.ArrayContains($.l, 5)`, `true`},
		{`States.ArrayContains($.l, '5')`, `false`},
		{`States.ArrayContains($.dup, $.dup[3])`, `true`},
		{`States.ArrayRange(1, 9, 2)`, `[1,3,5,7,9]`},
		{`States.ArrayRange(3, 1, -1)`, `[3,2,1]`},
		{`States.ArrayRange(3, 1, 1)`, `[]`},
		{`States.ArrayRange(1, 9, 0)`, ""},
		{`States.ArrayRange(1, 1001, 1)`, ""},
		{`States.ArrayGetItem($.l, 4)`, `5`},
		{`States.ArrayGetItem($.l, 5)`, ""},
		{`States.ArrayGetItem($.l, -1)`, ""},
		{`States.ArrayLength($.l)`, `5`},
		{`States.ArrayLength($.o)`, ""},
		{`States.ArrayUnique($.dup)`, `[1,"1",{"a":1}]`},
		{`States.Base64Encode('Data to encode')`, `"RGF0YSB0byBlbmNvZGU="`}, // the example of AWS's docs
		{`States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`, `"Data to encode"`},
		{`States.Base64Decode('***')`, ""},
		{`States.Hash('input data', 'SHA-1')`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`}, // the example of AWS's docs
		{`States.Hash('abc', 'MD5')`, `"900150983cd24fb0d6963f7d28e17f72"`},                  // RFC 1321
		{`States.Hash('abc', 'SHA-256')`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`States.Hash('abc', 'SHA-384')`, `"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"`},
		{`States.Hash('abc', 'SHA-512')`, `"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"`},
		{`States.Hash('abc', 'SHA-3')`, ""},
		{`States.JsonMerge($.o, States.StringToJson('{"b":3,"c":4}'), false)`, `{"a":1,"b":3,"c":4}`},
		{`States.JsonMerge($.o, $.o, true)`, ""},
		{`States.MathAdd(111, -1)`, `110`},
		{`States.MathAdd($.n, 1)`, `6`}, // 4.5 is rounded first
		{`States.MathAdd(2147483647, 1)`, ""},
		{`States.MathAdd('1', 1)`, ""},
		{`States.MathRandom(5, 6)`, `5`},
		{`States.MathRandom(6, 5)`, ""},
		{`States.StringSplit('1,2,3,4,5', ',')`, `["1","2","3","4","5"]`},
		{`States.StringSplit($.t, '.+,=')`, `["This","is","a","test","string"]`}, // the example of AWS's docs
		{`States.Format('{}', States.ArrayGetItem(States.StringSplit('a-b', '-'), 1))`, `"b"`},
	}
	root, err := decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{"States.UUID": true} // its own test is below
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			e, err := parseExpr(tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			covered[e.call.name] = true
			got, err := e.eval(data{root: root})
			if tt.want == "" {
				if _, ok := err.(*failed); !ok {
					t.Errorf("got %v %v, want a failure that can be caught", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, encode(got), tt.want)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(arity)) {
		if !covered[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestUUID(t *testing.T) {
	e, err := parseExpr("States.UUID()")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := e.eval(data{})
	b, _ := e.eval(data{})
	s, _ := a.(string)
	if a == b || len(s) != 36 || s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) {
		t.Errorf("%v and %v are not two version 4 UUIDs", a, b)
	}
}

func TestChoiceOperators(t *testing.T) {
	const doc = `{"s":"m","n":5,"big":9007199254740993,"b":true,"t":"2026-11-20T10:00:00Z","t2":"2026-11-20T11:00:00+01:00","nul":null,"o":{},"path":"m"}`
	tests := []struct {
		name, rule string
		want       string // "yes", "no" or "error"
	}{
		{"StringEquals", `"Variable":"$.s","StringEquals":"m"`, "yes"},
		{"StringEqualsNumber", `"Variable":"$.n","StringEquals":"5"`, "no"},
		{"StringLessThan", `"Variable":"$.s","StringLessThan":"n"`, "yes"},
		{"StringLessThanSelf", `"Variable":"$.s","StringLessThan":"m"`, "no"},
		{"StringLessThanEquals", `"Variable":"$.s","StringLessThanEquals":"m"`, "yes"},
		{"StringGreaterThan", `"Variable":"$.s","StringGreaterThan":"M"`, "yes"},
		{"StringGreaterThanEquals", `"Variable":"$.s","StringGreaterThanEquals":"n"`, "no"},
		{"StringEqualsPath", `"Variable":"$.s","StringEqualsPath":"$.path"`, "yes"},
		{"StringMatches", `"Variable":"$.t","StringMatches":"2026-*T*Z"`, "yes"},
		{"StringMatchesNot", `"Variable":"$.t","StringMatches":"2025-*"`, "no"},
		{"StringMatchesEscaped", `"Variable":"$.s","StringMatches":"\\*"`, "no"},
		{"NumericEquals", `"Variable":"$.n","NumericEquals":5.0`, "yes"},
		{"NumericEqualsExact", `"Variable":"$.big","NumericEquals":9007199254740992`, "no"},
		{"NumericGreaterExact", `"Variable":"$.big","NumericGreaterThan":9007199254740992`, "yes"},
		{"NumericLessThan", `"Variable":"$.n","NumericLessThan":5`, "no"},
		{"NumericLessThanEqualsPath", `"Variable":"$.n","NumericLessThanEqualsPath":"$.n"`, "yes"},
		{"NumericOnString", `"Variable":"$.s","NumericLessThan":5`, "no"},
		{"BooleanEquals", `"Variable":"$.b","BooleanEquals":true`, "yes"},
		{"BooleanEqualsFalse", `"Variable":"$.b","BooleanEquals":false`, "no"},
		{"BooleanEqualsNull", `"Variable":"$.nul","BooleanEquals":false`, "no"},
		{"TimestampEqualsOtherZone", `"Variable":"$.t","TimestampEqualsPath":"$.t2"`, "yes"},
		{"TimestampLessThan", `"Variable":"$.t","TimestampLessThan":"2026-11-20T10:00:00.001Z"`, "yes"},
		{"TimestampGreaterThanEquals", `"Variable":"$.t","TimestampGreaterThanEquals":"2026-11-20T10:00:01Z"`, "no"},
		{"IsNull", `"Variable":"$.nul","IsNull":true`, "yes"},
		{"IsNullFalse", `"Variable":"$.s","IsNull":false`, "yes"},
		{"IsNullMissing", `"Variable":"$.nope","IsNull":true`, "error"},
		{"IsPresent", `"Variable":"$.nul","IsPresent":true`, "yes"},
		{"IsPresentNot", `"Variable":"$.nope.deeper","IsPresent":false`, "yes"},
		{"IsNumeric", `"Variable":"$.n","IsNumeric":true`, "yes"},
		{"IsString", `"Variable":"$.n","IsString":true`, "no"},
		{"IsBoolean", `"Variable":"$.b","IsBoolean":true`, "yes"},
		{"IsTimestamp", `"Variable":"$.t","IsTimestamp":true`, "yes"},
		{"IsTimestampNot", `"Variable":"$.s","IsTimestamp":true`, "no"},
		{"And", `"And":[{"Variable":"$.n","IsNumeric":true},{"Variable":"$.n","NumericGreaterThan":4}]`, "yes"},
		{"AndStopsEarly", `"And":[{"Variable":"$.nope","IsPresent":true},{"Variable":"$.nope","StringEquals":"x"}]`, "no"},
		{"Or", `"Or":[{"Variable":"$.n","NumericEquals":4},{"Variable":"$.s","StringEquals":"m"}]`, "yes"},
		{"OrStopsEarly", `"Or":[{"Variable":"$.s","StringEquals":"m"},{"Variable":"$.nope","StringEquals":"x"}]`, "yes"},
		{"Not", `"Not":{"Variable":"$.n","NumericEquals":4}`, "yes"},
		{"Missing", `"Variable":"$.nope","StringEquals":"m"`, "error"},
		{"MissingOther", `"Variable":"$.s","StringEqualsPath":"$.nope"`, "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := mustParse(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{`+tt.rule+`,"Next":"yes"}],"Default":"no"},"yes":{"Type":"Pass","Result":"yes","End":true},"no":{"Type":"Pass","Result":"no","End":true}}}`)
			res := m.Run(t.Context(), Exec{Input: []byte(doc)})
			got := strings.Trim(string(res.Output), `"`)
			if res.Status == Failed && res.Error == "States.Runtime" {
				got = "error"
			}
			if got != tt.want {
				t.Errorf("got %s (%s), want %s", got, res.Cause, tt.want)
			}
		})
	}
}

func TestNoChoiceMatched(t *testing.T) {
	m := mustParse(t, one(`"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":1,"Next":"E"}]},"E":{"Type":"Succeed"`))
	if res := m.Run(t.Context(), Exec{Input: []byte(`{"a":2}`)}); res.Error != "States.NoChoiceMatched" {
		t.Errorf("got %s %s", res.Status, res.Error)
	}
}

// What ResultPath puts somewhere, a path finds there; the input stays as it was.
func TestSetThenGet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 4).Draw(t, "names")
		p, err := parseReference("$." + strings.Join(names, "."))
		if err != nil {
			t.Fatal(err)
		}
		const before = `{"a":{"b":{}},"x":1}`
		root, _ := decode([]byte(before))
		after, err := p.set(root, "new")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.eval(data{root: after}); err != nil || got != "new" {
			t.Errorf("%s: got %v %v", p.src, got, err)
		}
		if string(encode(root)) != before {
			t.Errorf("the input became %s", encode(root))
		}
		if after.(map[string]any)["x"] == nil {
			t.Error("a sibling is lost")
		}
	})
}

func TestNumbersCompareExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64().Draw(t, "a")
		b := rapid.OneOf(rapid.Int64(), rapid.Just(a), rapid.Just(a+1)).Draw(t, "b")
		want := 0
		if a < b {
			want = -1
		} else if a > b {
			want = 1
		}
		x, _ := decode(encode(a))
		y, _ := decode(encode(b))
		if got, _ := onNumbers(x, y); got != want {
			t.Errorf("%d and %d compare as %d, want %d", a, b, got, want)
		}
	})
}
