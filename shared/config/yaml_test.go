package config

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
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
		{"7.10 plain texts", "- ::vector\n- - Up, up, and away!\n- -123\n- https://example.com/foo#bar\n- [-123, https://example.com/foo#bar]", l{"::vector", l{"Up, up, and away!"}, "-123", "https://example.com/foo#bar", l{"-123", "https://example.com/foo#bar"}}},
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
		{"tabs inside brackets", "a: [\n\t b,\n\tc ]", m{"a": l{"b", "c"}}},
		{"what YAML 1.1 reads as something else", "on: yes\nno: off\n1: 012\na: 1_000\nb: 12:30\nc: 0x1F\nd: 2026-11-24\ne: .nan\nf: 1e3\ng: +1\nh: =\ntrue: True",
			m{"on": "yes", "no": "off", "1": "012", "a": "1_000", "b": "12:30", "c": "0x1F", "d": "2026-11-24", "e": ".nan", "f": "1e3", "g": "+1", "h": "=", "true": "True"}},
		{"null as key", "null: a\n~: b", m{"null": "a", "~": "b"}},
		{"the merge key in quotes is a word", "\"<<\": a", m{"<<": "a"}},
		{"a longer key", "? a\n: b", m{"a": "b"}},
		{"a colon and a number sign inside", "a: 12:30#x", m{"a": "12:30#x"}},
		{"non-ASCII", "a: ¡Así! 💚 # ñ\nñ: [é, ü]", m{"a": "¡Así! 💚", "ñ": l{"é", "ü"}}},
		{"list in list in mapping", "a:\n  - - b: c\n      d: e\n    - f\n", m{"a": l{l{m{"b": "c", "d": "e"}, "f"}}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			root, faults := parseYAML(row.text)
			if len(faults) > 0 {
				t.Fatalf("refused: %v", faults)
			}
			if d := cmp.Diff(row.want, root.plain()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// Where the nodes stand: the decoder's mistakes are reported there.
func TestYAMLPlaces(t *testing.T) {
	root, faults := parseYAML("# c\nñ: {b: c, d}\ne:\n- f\n-\n  g: >\n    h\ni:\n")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	var walk func(n *node)
	walk = func(n *node) {
		got = append(got, fmt.Sprintf("%d:%d %s", n.at.line, n.at.column, strings.TrimSpace(n.text)))
		for i, x := range n.items {
			if n.kind == mappingNode {
				walk(n.keys[i])
			}
			walk(x)
		}
	}
	walk(root)
	want := []string{"2:1 ", "2:1 ñ", "2:5 ", "2:5 b", "2:8 c", "2:11 d", "2:11 ", "3:1 e", "4:1 ", "4:3 f", "6:3 ", "6:3 g", "6:6 h", "8:1 i", "8:1 "}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// All that is refused but is no error of the syntax is reported at once.
func TestYAMLReportsAllThatIsNotSupported(t *testing.T) {
	_, faults := parseYAML("a: &b c\nd: *b\n<<: e\nf: !g h\n[i]: j\nk: {{l}}\n---\nm: n\n")
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%d:%d %s", f.at.line, f.at.column, f.message))
	}
	want := []string{"7:1 " + oneOnly, "1:4 " + noAnchors, "2:4 " + noAnchors, "3:1 " + noAnchors, "4:4 " + noTags, "5:1 " + noKey, "6:4 " + noBraces}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("internal error") }

func TestPanicOfTheLibraryIsASyntaxError(t *testing.T) {
	d := yaml.NewDecoder(panicking{})
	err := decode(d, new(yaml.Node))
	if err == nil {
		t.Fatal("no error")
	}
	f := (&reader{lines: []string{""}}).explain(err)
	if want := (fault{position{1, 1}, "this cannot be read (internal error); write it in a simpler way"}); f != want {
		t.Errorf("got %+v, want %+v", f, want)
	}
}

// Whatever the text: the parser comes back, each mistake has a place in the text,
// and what is read without quotes stands where the parser says.
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
