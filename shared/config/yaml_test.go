package config

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	suite "github.com/goccy/go-yaml/testdata/yaml-test-suite"
	"github.com/google/go-cmp/cmp"
)

// plain turns a node into what cmp can show: texts, nil, lists and mappings.
func (n *node) plain() any {
	switch n.kind {
	case nullNode:
		return nil
	case listNode:
		list := []any{}
		for _, x := range n.items {
			list = append(list, x.plain())
		}
		return list
	case mappingNode:
		m := map[string]any{}
		for i, k := range n.keys {
			m[k.text] = n.items[i].plain()
		}
		return m
	case brokenNode:
		return "BROKEN"
	}
	return n.text
}

// The expectations are by the YAML 1.2.2 specification; many are its examples.
func TestYAMLReads(t *testing.T) {
	type m = map[string]any
	type l = []any
	rows := []struct {
		name, text string
		want       any
	}{
		{"2.1 sequence of scalars", "- Mark McGwire\n- Sammy Sosa\n- Ken Griffey", l{"Mark McGwire", "Sammy Sosa", "Ken Griffey"}},
		{"2.2 mapping with comments", "hr:  65    # Home runs\navg: 0.278 # Batting average\nrbi: 147   # Runs Batted In", m{"hr": "65", "avg": "0.278", "rbi": "147"}},
		{"2.3 mapping to lists at its own indentation", "american:\n- Boston\n- Detroit\nnational:\n  - New York\n", m{"american": l{"Boston", "Detroit"}, "national": l{"New York"}}},
		{"2.4 list of mappings", "-\n  name: Mark\n  hr:   65\n-\n  name: Sammy\n  hr:   63\n", l{m{"name": "Mark", "hr": "65"}, m{"name": "Sammy", "hr": "63"}}},
		{"2.5 list of lists", "- [name        , hr, avg  ]\n- [Mark McGwire, 65, 0.278]", l{l{"name", "hr", "avg"}, l{"Mark McGwire", "65", "0.278"}}},
		{"2.6 mapping of mappings", "Mark McGwire: {hr: 65, avg: 0.278}\nSammy Sosa: {\n    hr: 63,\n    avg: 0.288,\n }\n", m{"Mark McGwire": m{"hr": "65", "avg": "0.278"}, "Sammy Sosa": m{"hr": "63", "avg": "0.288"}}},
		{"2.13 literal", "a: |\n  \\//||\\/||\n  // ||  ||__\n", m{"a": "\\//||\\/||\n// ||  ||__\n"}},
		{"2.14 folded", "a: >\n  Mark McGwire's\n  year was crippled\n  by a knee injury.\n", m{"a": "Mark McGwire's year was crippled by a knee injury.\n"}},
		{"2.15 folded keeps what is indented more", "a: >\n Sammy Sosa completed another\n fine season with great stats.\n\n   63 Home Runs\n   0.288 Batting Average\n\n What a year!\n", m{"a": "Sammy Sosa completed another fine season with great stats.\n\n  63 Home Runs\n  0.288 Batting Average\n\nWhat a year!\n"}},
		{"2.17 quoted", `unicode: "Sosa did fine.\u263A"` + "\n" + `control: "\b1998\t1999\t2000\n"` + "\n" + `hex esc: "\x0d\x0a is \r\n"` + "\n" + `single: '"Howdy!" he cried.'` + "\n" + `quoted: ' # Not a ''comment''.'` + "\n" + `tie-fighter: '|\-*-/|'`,
			m{"unicode": "Sosa did fine.☺", "control": "\b1998\t1999\t2000\n", "hex esc": "\r\n is \r\n", "single": `"Howdy!" he cried.`, "quoted": " # Not a 'comment'.", "tie-fighter": `|\-*-/|`}},
		{"2.18 texts over lines", "plain:\n  This unquoted scalar\n  spans many lines.\n\nquoted: \"So does this\n  quoted scalar.\\n\"\n", m{"plain": "This unquoted scalar spans many lines.", "quoted": "So does this quoted scalar.\n"}},
		{"7.4 quoted keys", "'implicit block key' : [\n  'implicit flow key' ,\n ]", m{"implicit block key": l{"implicit flow key"}}},
		{"7.5 folding in double quotes", "a: \"folded \n  to a space,\t\n \n  to a line feed, or \t\\\n   \\ \tnon-content\"", m{"a": "folded to a space,\nto a line feed, or \t \tnon-content"}},
		{"7.6 lines in double quotes", "a: \" 1st non-empty\n\n  2nd non-empty \n \t3rd non-empty \"", m{"a": " 1st non-empty\n2nd non-empty 3rd non-empty "}},
		{"7.12 plain lines", "a: 1st non-empty\n\n  2nd non-empty \n  \t3rd non-empty", m{"a": "1st non-empty\n2nd non-empty 3rd non-empty"}},
		{"7.10 plain texts", "- ::vector\n- - Up, up, and away!\n- -123\n- https://example.com/foo#bar\n- [::vector, -123, https://example.com/foo#bar]", l{"::vector", l{"Up, up, and away!"}, "-123", "https://example.com/foo#bar", l{"::vector", "-123", "https://example.com/foo#bar"}}},
		{"7.13 flow lists", "- [ one, two, ]\n- [three ,four]", l{l{"one", "two"}, l{"three", "four"}}},
		{"7.21 JSON", `{"a":[1,"b",{"c":null}],"d":true}`, m{"a": l{"1", "b", m{"c": nil}}, "d": "true"}},
		{"8.2 indicators", "- |1\n  explicit\n", l{" explicit\n"}},
		{"8.4 chomping", "strip: |-\n  text\n\nclip: |\n  text\n\nkeep: |+\n  text\n\n", m{"strip": "text", "clip": "text\n", "keep": "text\n\n"}},
		{"8.6 empty texts", "strip: >-\n\nclip: >\n\nkeep: |+\n\n", m{"strip": "", "clip": "", "keep": "\n"}},
		{"8.10 folding", "a: >\n\n folded\n line\n\n next\n line\n   * bullet\n\n   * list\n   * lines\n\n last\n line\n\n# Comment\n", m{"a": "\nfolded line\nnext line\n  * bullet\n\n  * list\n  * lines\n\nlast line\n"}},
		{"8.14 mapping in list", "block sequence:\n  - one\n  - two : three\n", m{"block sequence": l{"one", m{"two": "three"}}}},
		{"8.15 empty items", "- # Empty\n- |\n block node\n- - one # Compact\n  - two # sequence\n- one: two # Compact mapping\n", l{nil, "block node\n", l{"one", "two"}, m{"one": "two"}}},
		{"9.2 document markers", "---\na: 1\n...\n", m{"a": "1"}},
		{"null in four ways", "a:\nb: ~\nc: null\nd: [~, x]", m{"a": nil, "b": nil, "c": nil, "d": l{nil, "x"}}},
		{"quoted is never null", "a: ''\nb: \"null\"", m{"a": "", "b": "null"}},
		{"other line ends", "a: 1\r\nb:\r  - c\r\n", m{"a": "1", "b": l{"c"}}},
		{"comments everywhere", "# a\na: # b\n  # c\n  - x # d\n# e\n  - y\n", m{"a": l{"x", "y"}}},
		{"a tab between key and value", "a:\tb\t# c", m{"a": "b"}},
		{"a blank line of tabs", "a: b\n\t\nc: d", m{"a": "b", "c": "d"}},
		{"tabs inside brackets", "a: [\n\t b,\n\tc ]", nil}, // see below: refused
		{"surrogates as JSON writes them", `a: "\ud83d\udc9a"`, m{"a": "💚"}},
		{"a colon and a number sign inside", "a: 12:30#x", m{"a": "12:30#x"}},
		{"non-ASCII", "a: ¡Así! 💚 # ñ\nñ: [é, ü]", m{"a": "¡Así! 💚", "ñ": l{"é", "ü"}}},
		{"list in list in mapping", "a:\n  - - b: c\n      d: e\n    - f\n", m{"a": l{l{m{"b": "c", "d": "e"}, "f"}}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			root, faults := parseYAML(row.text)
			if row.want == nil {
				if len(faults) == 0 {
					t.Fatalf("taken as %v", root.plain())
				}
				return
			}
			if len(faults) > 0 {
				t.Fatalf("refused: %v", faults)
			}
			if d := cmp.Diff(row.want, root.plain()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// agrees holds a node against the suite's JSON.
func agrees(n *node, want any) bool {
	switch w := want.(type) {
	case nil:
		return n.kind == nullNode
	case bool:
		return n.kind == plainNode && n.text == strconv.FormatBool(w)
	case float64:
		f, err := strconv.ParseFloat(n.text, 64)
		return n.kind == plainNode && (err != nil || f == w) // 0o14, 0xC
	case string:
		return (n.kind == plainNode || n.kind == quotedNode) && n.text == w
	case []any:
		if n.kind != listNode || len(n.items) != len(w) {
			return false
		}
		for i := range w {
			if !agrees(n.items[i], w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if n.kind != mappingNode || len(n.keys) != len(w) {
			return false
		}
		for i, k := range n.keys {
			if v, ok := w[k.text]; !ok || !agrees(n.items[i], v) {
				return false
			}
		}
		return true
	}
	return false
}

// The public YAML test suite, which is part of goccy/go-yaml: what our parser
// takes it must read as the suite says, and it must take nothing that is no YAML.
// About half of the suite is what config files do without (anchors, tags, keys
// that are no words, texts as documents).
func TestYAMLSuite(t *testing.T) {
	cases, err := suite.TestSuites()
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, c := range cases {
		root, faults := parseYAML(string(c.InYAML))
		if len(faults) > 0 || root == nil {
			continue // by design, or because it is no YAML
		}
		taken++
		switch {
		case c.Error:
			t.Errorf("%s: takes what is no YAML, as %v", c.Name, root.plain())
		case len(c.InJSON) == 1 && !agrees(root, c.InJSON[0]):
			t.Errorf("%s: read as %#v, want %#v", c.Name, root.plain(), c.InJSON[0])
		}
	}
	if taken < 160 {
		t.Errorf("%d of %d cases are taken; it was 163", taken, len(cases))
	}
}

// Whatever the text: the parser comes back, each mistake has a place in the text,
// and what is read without quotes stands where the parser says. (The library is no
// oracle here: it reads "a:\n-\nb:" as a list of one mapping.)
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"a: b", "a:\n  - b: c\n    d: |\n      e\n", "a: {b: [c, 'd', \"e\\n\"]}", "- - a\n  - >-\n    b\n    c\n", "a: b # c\n\nd:\n- e", "a:\r\n  b", "---\na: 'x\n\n y'\n...\n", "a: &b [*c, !d e]\n<<: f", "ñ: {{x}}\n\tb", "a: |2-\n    b\n  c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, bad := utf8Text([]byte(s))
		if bad != nil {
			return
		}
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
		at := func(p position) (string, bool) {
			if p.line < 1 || p.line > len(lines) || p.column < 1 || p.column > utf8.RuneCountInString(lines[p.line-1])+1 {
				return "", false
			}
			return string([]rune(lines[p.line-1])[p.column-1:]), true
		}
		root, faults := parseYAML(text)
		for _, x := range faults {
			if _, ok := at(x.at); !ok || x.message == "" {
				t.Fatalf("no place to look at: %+v", x)
			}
		}
		var walk func(n *node)
		walk = func(n *node) {
			rest, ok := at(n.at)
			first, _, _ := strings.Cut(n.text, " ")
			first, _, _ = strings.Cut(first, "\n")
			if !ok || n.kind == plainNode && !strings.HasPrefix(rest, first) {
				t.Fatalf("%q is not at %v", n.text, n.at)
			}
			for _, k := range n.keys {
				walk(k)
			}
			for _, x := range n.items {
				walk(x)
			}
		}
		if root != nil {
			walk(root)
		}
	})
}
