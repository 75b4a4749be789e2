package platform_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func parse(t testing.TB, body string) platform.Value {
	t.Helper()
	v, err := platform.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%.80q): %v", body, err)
	}
	return v
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"Empty", "", "empty"},
		{"OnlySpace", " \n\t", "empty"},
		{"Truncated", `{"a":`, "unexpected end"},
		{"TwoValues", `{} {}`, "after top-level value"},
		{"RawControl", "{\"a\":\"\x00\"}", "invalid character"},
		{"NotJSON", "<html>", "invalid character"},
		{"BareWord", `{"a":nul}`, "invalid character"},
		{"TooDeep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "deeper than the limit of 64"},
		{"VeryDeep", strings.Repeat(`{"a":`, 1_000_000), "deeper than the limit of 64"},
		{"TooLarge", `"` + strings.Repeat("a", platform.MaxBody) + `"`, "more than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := platform.Parse([]byte(c.body))
			if care.CodeOf(err) != care.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want Invalid with %q", err, c.says)
			}
		})
	}
}

func TestParseTakesWhatIsAllowed(t *testing.T) {
	for _, body := range []string{
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
		`{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}`, // brackets in a string
		`{"a":"\"[{"}`, `5`, ` null `, "\n\t{ \"a\" : [ 1 , 2 ] }\r\n",
	} {
		if _, err := platform.Parse([]byte(body)); err != nil {
			t.Errorf("Parse(%.60q): %v", body, err)
		}
	}
}

func TestValueLooksUp(t *testing.T) {
	v := parse(t, ` { "a" : { "b" : [ 10 , {"c":"x\u0041\n"} , null ] } , "n":"12", "twice":1, "twice":2, "é\"k":true, "e":"" } `)
	if got := v.Get("a").Get("b"); !got.IsList() {
		t.Fatalf("a.b is %q", got.Raw())
	}
	var seen []string
	for i, each := range v.Get("a").Get("b").Elements() {
		seen = append(seen, string(rune('0'+i))+string(each.Kind()))
	}
	if strings.Join(seen, " ") != "00 1{ 2n" {
		t.Errorf("elements %v", seen)
	}
	for _, each := range v.Get("a").Get("b").Elements() {
		if each.IsObject() && each.Get("c").Str() != "xA\n" {
			t.Errorf("c is %q", each.Get("c").Str())
		}
	}
	if n, ok := v.Get("n").Number(); !ok || n != 12 {
		t.Errorf("n is %d, %v", n, ok)
	}
	if n, _ := v.Get("twice").Number(); n != 2 {
		t.Errorf("of two members the last must count, got %d", n)
	}
	if !v.Get(`é"k`).True() {
		t.Error("a key with an escape is not found")
	}
	if v.Get("no").Get("where").First("at", "all").Exists() {
		t.Error("what is not there exists")
	}
	if got := v.First("none", "e", "n").Str(); got != "" {
		t.Errorf("First skips an empty string: %q", got)
	}
}

func TestFaultsNameTheirPlace(t *testing.T) {
	v := parse(t, `{"data":{"users":[{"id":"1"},{"id":{"x":1}}],"text":5,"big":1e400,"frac":1.5,"ctl":"a\u0001b","long":"`+strings.Repeat("a", 600)+`","odd\u0007key":[]}}`)
	data := v.Get("data")
	var second platform.Value
	for _, u := range data.Get("users").Elements() {
		second = u
	}
	for _, c := range []struct {
		name string
		read func(r *platform.Reader)
		want string
	}{
		{"NotText", func(r *platform.Reader) { r.Text(data.Get("text")) }, "data.text: want a string, got a number"},
		{"NotID", func(r *platform.Reader) { r.ID(second.Get("id")) }, "data.users[1].id: want a string or a whole number as id, got an object"},
		{"HugeNumberID", func(r *platform.Reader) { r.ID(data.Get("big")) }, "data.big: want a string or a whole number as id, got the number 1e400"},
		{"FractionID", func(r *platform.Reader) { r.ID(data.Get("frac")) }, "data.frac: want a string or a whole number as id, got the number 1.5"},
		{"ControlID", func(r *platform.Reader) { r.ID(data.Get("ctl")) }, "data.ctl: the id holds a control character"},
		{"LongID", func(r *platform.Reader) { r.ID(data.Get("long")) }, "data.long: the id has 600 bytes, more than the limit of 512"},
		{"Missing", func(r *platform.Reader) { r.NeedID(data, "id") }, `data: "id" is missing`},
		{"NotObject", func(r *platform.Reader) { r.Object(data.Get("users")) }, "data.users: want an object, got a list"},
		{"NotList", func(r *platform.Reader) { r.List(data) }, "data: want a list, got an object"},
		{"NotTime", func(r *platform.Reader) { r.Time(data, time.Time{}) }, "data: want a time, got an object"},
		{"OddKey", func(r *platform.Reader) { r.Text(data.Get("odd\akey")) }, "data.odd?key: want a string, got a list"},
		{"FirstOnly", func(r *platform.Reader) { r.Text(data.Get("text")); r.List(data) }, "data.text: want a string, got a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r platform.Reader
			c.read(&r)
			if r.Fault() == nil || r.Fault().Error() != c.want {
				t.Errorf("got  %v\nwant %s", r.Fault(), c.want)
			}
		})
	}
}

func TestAbsentIsHarmless(t *testing.T) {
	for _, v := range []platform.Value{{}, parse(t, `[1]`).Get("x"), parse(t, `{}`).Get("x").Get("y")} {
		var r platform.Reader
		for range v.Members() {
			t.Error("a member")
		}
		for range v.Elements() {
			t.Error("an element")
		}
		_, number := v.Number()
		if v.Exists() || v.IsObject() || v.IsList() || v.True() || number || v.Str() != "" || len(v.Raw()) != 0 || v.Kind() != 0 || v.Path() != "the body" || r.ID(v) != "" || r.Text(v) != "" {
			t.Errorf("%+v", v)
		}
	}
}

func TestStringsEndWhereTheyEnd(t *testing.T) {
	v := parse(t, `{"a":"\\","b":"\\\"","c":"\"","":"","d":["\\\\",{"e":"}\"]"}],"f":1}`)
	if v.Get("a").Str() != "\\" || v.Get("b").Str() != "\\\"" || v.Get("c").Str() != `"` || string(v.Get("f").Raw()) != "1" {
		t.Errorf("a %q b %q c %q f %q", v.Get("a").Str(), v.Get("b").Str(), v.Get("c").Str(), v.Get("f").Raw())
	}
}

// More objects than are kept indexed at a time are looked into in turns.
func TestManyObjectsInTurns(t *testing.T) {
	var body strings.Builder
	body.WriteString("[")
	for i := range 100 {
		if i > 0 {
			body.WriteString(",")
		}
		fmt.Fprintf(&body, `{"id":%d,"in":{"id":%d}}`, i, 1000+i)
	}
	body.WriteString("]")
	var all []platform.Value
	for _, v := range parse(t, body.String()).Elements() {
		all = append(all, v)
	}
	for range 3 {
		for i, v := range all {
			outer, _ := v.Get("id").Number()
			inner, _ := v.Get("in").Get("id").Number()
			if outer != int64(i) || inner != int64(1000+i) {
				t.Fatalf("%d: %d, %d", i, outer, inner)
			}
		}
	}
}

func TestNullIsAbsent(t *testing.T) {
	v := parse(t, `{"a":null}`)
	var r platform.Reader
	if r.Text(v.Get("a")) != "" || r.ID(v.Get("a")) != "" || r.List(v.Get("a")).Exists() || r.Object(v.Get("a")).Exists() {
		t.Error("null is read as something")
	}
	if r.Fault() != nil {
		t.Errorf("null is a fault: %v", r.Fault())
	}
}

func TestTime(t *testing.T) {
	fallback := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, in, want string }{
		{"Seconds", `1707211876`, "2024-02-06T09:31:16Z"},
		{"SecondsText", `"1707211876"`, "2024-02-06T09:31:16Z"},
		{"Millis", `1583173666767`, "2020-03-02T18:27:46.767Z"},
		{"MillisText", `"1784928224372"`, "2026-07-24T21:23:44.372Z"},
		{"Micros", `1583173666767000`, "2020-03-02T18:27:46.767Z"},
		{"RFC3339", `"2026-07-24T21:23:23.000Z"`, "2026-07-24T21:23:23Z"},
		{"ZoneWithColon", `"2026-07-23T23:44:05+02:00"`, "2026-07-23T21:44:05Z"},
		{"ZoneWithoutColon", `"2021-09-08T06:34:04+0000"`, "2021-09-08T06:34:04Z"},
		{"Ruby", `"Mon May 19 14:01:46 +0000 2025"`, "2025-05-19T14:01:46Z"},
		{"Zero", `0`, "2026-11-21T00:00:00Z"},
		{"Negative", `-5`, "2026-11-21T00:00:00Z"},
		{"Huge", `99999999999999999999`, "2026-11-21T00:00:00Z"},
		{"Exponent", `1e300`, "2026-11-21T00:00:00Z"},
		{"Year9999", `"9999-01-01T00:00:00Z"`, "2026-11-21T00:00:00Z"},
		{"Words", `"yesterday"`, "2026-11-21T00:00:00Z"},
		{"Null", `null`, "2026-11-21T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r platform.Reader
			got := r.Time(parse(t, c.in), fallback)
			if got.Format(time.RFC3339Nano) != c.want || got.Location() != time.UTC {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339Nano), c.want)
			}
			if r.Fault() != nil {
				t.Error(r.Fault())
			}
		})
	}
}

// FuzzValue holds the reader against encoding/json: the same documents are valid,
// and walking gives the same tree.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":[1,"x",null,true,{"c":[]}]},"a":2}`, `[[],{},"\u00e9\ud800",-1.5e3]`, `"\"\\"`, ` { "k" : "v" , "k2" : [ ] } `,
		"{\"\xff\":\"\xfe\"}", `{"\u0061":1,"a":2}`, `[1,]`, `{"a" 1}`, `nul`, `{"":{"":""}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := platform.Parse(body)
		var want any
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		if err != nil {
			if care.CodeOf(err) != care.Invalid {
				t.Fatalf("code %s", care.CodeOf(err))
			}
			if json.Valid(body) && !strings.Contains(err.Error(), "limit") {
				t.Fatalf("refused valid JSON %q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("took invalid JSON %q", body)
		}
		if decoder.Decode(&want) != nil {
			return
		}
		same(t, v, want)
		if len(body) < 500 {
			paths(t, v, v.Path())
		}
	})
}

// paths checks that every place has a path of its own that begins with its
// parent's.
func paths(t *testing.T, v platform.Value, path string) {
	t.Helper()
	for _, each := range v.Elements() {
		if p := each.Path(); path != "the body" && !strings.HasPrefix(p, path) || p == path {
			t.Fatalf("%q in %q has the path %q", each.Raw(), path, p)
		} else {
			paths(t, each, p)
		}
	}
}

func same(t *testing.T, v platform.Value, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		count := map[string]bool{}
		for key := range v.Members() {
			count[key] = true
		}
		if !v.IsObject() || len(count) != len(want) {
			t.Fatalf("%q: %d members, want %d", v.Raw(), len(count), len(want))
		}
		for key, member := range want {
			same(t, v.Get(key), member)
		}
	case []any:
		n := 0
		for i, each := range v.Elements() {
			if i < len(want) {
				same(t, each, want[i])
			}
			n++
		}
		if !v.IsList() || n != len(want) {
			t.Fatalf("%q: %d elements, want %d", v.Raw(), n, len(want))
		}
	case string:
		if v.Str() != want || !utf8.ValidString(v.Str()) {
			t.Fatalf("%q reads %q, want %q", v.Raw(), v.Str(), want)
		}
	case json.Number:
		if v.Kind() != '0' || string(v.Raw()) != want.String() {
			t.Fatalf("%q, want number %s", v.Raw(), want)
		}
	case bool:
		if v.Kind() != 't' || v.True() != want {
			t.Fatalf("%q, want %v", v.Raw(), want)
		}
	case nil:
		if v.Exists() {
			t.Fatalf("%q, want null", v.Raw())
		}
	}
}
