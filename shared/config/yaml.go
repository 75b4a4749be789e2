package config

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// go.yaml.in/yaml/v4 reads the syntax, and takes time in proportion to the text
// (BenchmarkHostile). Three things are ours: its tree becomes nodes without
// following an alias; what config files do without is refused by name (anchors,
// aliases, merge keys, tags, directives, keys that are no words, several
// documents); and its messages, which speak of tokens, become sentences with a
// place and what to do.

type kind int

const (
	nullNode    kind = iota // nothing stands there, or null, or ~
	plainNode               // a single value as it stands
	quotedNode              // a single value in quotes or a block text
	mappingNode             // keys with values
	listNode
	brokenNode // something that was reported already
)

// node is one value of a file and where it begins.
type node struct {
	kind  kind
	at    position
	text  string
	keys  []*node // of a mapping
	items []*node // of a list, or the values of a mapping
}

// scalar is the text of a single value as it was written, without quotes.
func (n *node) scalar() (string, bool) {
	return n.text, n.kind == plainNode || n.kind == quotedNode
}

// fault is a mistake in the syntax.
type fault struct {
	at      position
	message string
}

// maxDepth bounds how deep values nest; the deepest that makes sense is 25.
const maxDepth = 40

const (
	noAnchors = "anchors, aliases and merge keys are not supported: write the value again"
	noTags    = "tags are not supported: write the value without one"
	noTabs    = "a tab stands here; YAML indents with spaces"
	noKey     = "expected a plain word as key"
	noBraces  = "a text that begins with \"{{\" must stand in quotes"
	oneOnly   = "the file holds more than one document; remove the line \"---\""
	tooDeep   = "this is nested too deeply"
)

// parseYAML reads one document, which must be UTF-8 as utf8Text gives it. The node
// is nil when there is none, or when the syntax is wrong; then the fault says why.
func parseYAML(text string) (root *node, faults []fault) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	r := &reader{lines: strings.Split(text, "\n")}
	for i, line := range r.lines {
		if strings.HasPrefix(line, "%") {
			return nil, []fault{{position{i + 1, 1}, "directives are not supported: remove this line"}}
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			break
		}
	}
	d := yaml.NewDecoder(strings.NewReader(text))
	var first, second yaml.Node
	switch err := decode(d, &first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, []fault{r.explain(err)}
	}
	switch err := decode(d, &second); {
	case err == nil:
		r.fail(r.place(second.Line, second.Column), oneOnly)
	case !errors.Is(err, io.EOF):
		return nil, []fault{r.explain(err)}
	}
	top := first.Content[0]
	if root = r.node(top, 0); root.kind == nullNode && top.Value == "" {
		root = nil // nothing but "---"
	}
	return root, r.faults
}

// decode reads the next document. A panic of the library is an error, too.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this cannot be read (%v); write it in a simpler way", p)
		}
	}()
	return d.Decode(into)
}

// reader turns the library's tree, or its error, into ours.
type reader struct {
	lines  []string
	faults []fault

	seen     position // the last place that was looked up, and its byte in the line
	seenByte int
}

func (r *reader) fail(at position, message string) {
	r.faults = append(r.faults, fault{at, message})
}

func (r *reader) broken(at position, message string) *node {
	r.fail(at, message)
	return &node{kind: brokenNode, at: at}
}

func (r *reader) node(y *yaml.Node, depth int) *node {
	n := &node{at: r.place(y.Line, y.Column)}
	switch {
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		return r.broken(n.at, noAnchors)
	// The library keeps no trace of the tag "!" but where it stands.
	case y.Style&yaml.TaggedStyle != 0, y.Kind == yaml.ScalarNode && strings.HasPrefix(r.from(n.at), "!"):
		return r.broken(n.at, noTags)
	case depth > maxDepth:
		return r.broken(n.at, tooDeep)
	}
	switch y.Kind {
	case yaml.ScalarNode:
		n.text = y.Value
		switch {
		case y.Style != 0:
			n.kind = quotedNode
		case isNull(y.Value):
			n.kind = nullNode
		default:
			n.kind = plainNode
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, item := range y.Content {
			n.items = append(n.items, r.node(item, depth+1))
		}
	case yaml.MappingNode:
		n.kind = mappingNode
		if strings.HasPrefix(r.from(n.at), "{{") {
			return r.broken(n.at, noBraces)
		}
		for i := 0; i < len(y.Content); i += 2 {
			key := r.key(y.Content[i])
			if i == 0 {
				n.at = key.at
			}
			value := r.node(y.Content[i+1], depth+1)
			if value.kind == nullNode && y.Content[i+1].Value == "" {
				value.at = key.at // there is nothing to point at
			}
			n.keys, n.items = append(n.keys, key), append(n.items, value)
		}
	}
	return n
}

// key is a word, whatever YAML takes it for: null and 1 are words here.
func (r *reader) key(y *yaml.Node) *node {
	at := r.place(y.Line, y.Column)
	switch {
	case y.Tag == "!!merge":
		return r.broken(at, noAnchors)
	case y.Kind == yaml.SequenceNode, y.Kind == yaml.MappingNode, y.Kind == yaml.ScalarNode && y.Value == "":
		return r.broken(at, noKey)
	}
	n := r.node(y, 0)
	if n.kind == nullNode {
		n.kind = plainNode
	}
	return n
}

func isNull(s string) bool {
	return s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL"
}

// line is a line of the text, counted from 1; "" past the end.
func (r *reader) line(i int) string {
	if i < 1 || i > len(r.lines) {
		return ""
	}
	return r.lines[i-1]
}

// place is where the library says, but for the end of a text without a last line
// break, which it takes for a line of its own.
func (r *reader) place(line, column int) position {
	if last := len(r.lines); line > last {
		return position{last, utf8.RuneCountInString(r.lines[last-1]) + 1}
	}
	return position{line, column}
}

// split gives what stands before and after a place in its line. Columns count
// characters; what is asked for next mostly stands behind the last.
func (r *reader) split(at position) (before, after string) {
	line := r.line(at.line)
	if at.line != r.seen.line || at.column < r.seen.column {
		r.seen, r.seenByte = position{at.line, 1}, 0
	}
	for r.seen.column < at.column && r.seenByte < len(line) {
		_, size := utf8.DecodeRuneInString(line[r.seenByte:])
		r.seen.column, r.seenByte = r.seen.column+1, r.seenByte+size
	}
	return line[:r.seenByte], line[r.seenByte:]
}

// from is the rest of the line at a place, char its first character.
func (r *reader) from(at position) string {
	_, after := r.split(at)
	return after
}

func (r *reader) char(at position) string {
	after := r.from(at)
	_, size := utf8.DecodeRuneInString(after)
	return after[:size]
}

// explain says a syntax error in words.
func (r *reader) explain(err error) fault {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		return fault{position{1, 1}, err.Error()}
	}
	problem, begin, wrong := e.Message, position{e.ContextMark.Line, e.ContextMark.Column}, r.place(e.Mark.Line, e.Mark.Column)
	before, after := r.split(wrong)
	word := r.char(wrong)
	if i := bareVariable(r.line(wrong.line)); i >= 0 {
		return fault{position{wrong.line, utf8.RuneCountInString(r.line(wrong.line)[:i]) + 1}, noBraces}
	}
	switch problem {
	case "found character that cannot start any token":
		if word == "\t" {
			return fault{wrong, noTabs}
		}
		return fault{wrong, fmt.Sprintf("a text cannot begin with %q; put it in quotes", word)}
	case "found a tab character where an indentation space is expected", "found a tab character that violates indentation":
		return fault{wrong, noTabs}
	case "found unexpected end of stream", "found unexpected document indicator":
		return fault{begin, "the quote that opens here is never closed"}
	case "found unknown escape character":
		return fault{wrong, fmt.Sprintf("%s means nothing; write \\\\ for a backslash, or use single quotes", quote(string([]rune(after + " ")[:2])))}
	case "did not find expected hexadecimal number":
		return fault{wrong, "\\x, \\u and \\U need hexadecimal digits; write \\\\ for a backslash, or use single quotes"}
	case "found invalid Unicode character escape code":
		return fault{wrong, "this number is no character; write the character itself"}
	case "mapping values are not allowed in this context":
		if strings.Contains(before, ": ") {
			return fault{wrong, "a second \": \" stands in this line; put the text in quotes"}
		}
		wrong.column = 1 + indentation(before)
		return fault{wrong, "a key stands here, but the line above it has a value already; are the spaces on the left right, or are quotes missing around the text?"}
	case "mapping keys are not allowed in this context":
		return fault{wrong, noKey + ", without \"?\""}
	case "block sequence entries are not allowed in this context":
		return fault{wrong, "a list begins on a line of its own: put \"- ...\" below, or write [a, b]"}
	case "could not find expected ':'":
		if start, text := r.split(begin); strings.Contains(text, ":") {
			text, _, _ = strings.Cut(text, ":")
			return fault{position{begin.line, utf8.RuneCountInString(start+text) + 1}, "a space is missing after the colon: write \"key: value\""}
		}
		return fault{begin, "expected a key with a value, such as \"name: value\"; is a colon missing, or should this line be indented as part of the text above?"}
	case "did not find expected key", "did not find expected '-' indicator", "did not find expected <document start>":
		return r.misplaced(problem, begin, wrong)
	case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
		open, shut := r.char(begin), problem[len(problem)-2:len(problem)-1]
		if wrong.line > begin.line && r.blankFrom(wrong) {
			return fault{begin, fmt.Sprintf("%q is never closed with %q", open, shut)}
		}
		message := fmt.Sprintf("expected \",\" or %q before this; if it is all one text, put it in quotes", shut)
		if wrong.line > begin.line {
			message += fmt.Sprintf("; the %q of line %d is still open here", open, begin.line)
		}
		return fault{wrong, message}
	case "did not find expected node content":
		switch {
		case r.blankFrom(wrong):
			return fault{wrong, "the file ends here, but a bracket above is never closed"}
		case strings.ContainsAny(word, ",:]}") && strings.ContainsAny(before, "[{"):
			return fault{wrong, fmt.Sprintf("a value is missing before %q", word)}
		}
		return fault{wrong, fmt.Sprintf("a text cannot begin with %q; put it in quotes", word)}
	case "did not find expected comment or line break", "found an indentation indicator equal to 0":
		if strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\t") {
			return fault{wrong, "the text of a block begins on the next line; or put it in quotes"}
		}
		return fault{begin, fmt.Sprintf("a text that begins with %q must stand in quotes", r.char(begin))}
	case "did not find expected alphabetic or numeric character":
		return fault{begin, noAnchors}
	}
	switch {
	case strings.HasPrefix(problem, "unknown anchor"):
		return fault{wrong, noAnchors}
	case strings.HasPrefix(problem, "exceeded max depth"):
		return fault{wrong, tooDeep}
	case strings.HasPrefix(r.from(begin), "!"):
		return fault{begin, noTags}
	}
	return fault{wrong, problem}
}

// misplaced explains what stands where the next key or list item should.
func (r *reader) misplaced(problem string, begin, wrong position) fault {
	before, after := r.split(wrong)
	if last := strings.TrimRight(before, " \t"); last != "" {
		what := "the closing quote"
		if strings.ContainsAny(last[len(last)-1:], "]}") {
			what = "the closing bracket"
		}
		return fault{wrong, fmt.Sprintf("%s stands after %s; if it is all one text, put the whole in quotes and write \\\" for a quote in it", quote(strings.TrimSpace(after)), what)}
	}
	dash := after == "-" || strings.HasPrefix(after, "- ")
	switch {
	case problem == "did not find expected <document start>":
		return fault{wrong, oneOnly}
	case wrong.column != begin.column:
		return fault{wrong, fmt.Sprintf("this line is indented by %s, the lines that it seems to belong to by %d; the same spaces on the left are needed", spaces(wrong.column-1), begin.column-1)}
	case dash:
		return fault{wrong, "a list item stands here, among keys; is the key of the list missing above?"}
	case problem == "did not find expected '-' indicator":
		return fault{wrong, "a list item, such as \"- name: value\", is expected here; is a dash missing, or are the spaces on the left wrong?"}
	}
	return fault{wrong, "expected a key with a value, such as \"name: value\""}
}

// bareVariable finds a "{{" that begins a text; -1 when there is none.
func bareVariable(line string) int {
	for i := 0; ; i += 2 {
		next := strings.Index(line[i:], "{{")
		if next < 0 {
			return -1
		}
		i += next
		before := strings.TrimRight(line[:i], " \t")
		if before == "" || before == "-" || strings.ContainsAny(before[len(before)-1:], ":[,") || strings.HasSuffix(before, " -") {
			return i
		}
	}
}

// blankFrom is true when nothing but blanks and comments follows.
func (r *reader) blankFrom(at position) bool {
	rest := r.from(at)
	for i := at.line; ; i++ {
		if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
			return false
		}
		if i >= len(r.lines) {
			return true
		}
		rest = r.lines[i]
	}
}

func indentation(s string) int {
	return len(s) - len(strings.TrimLeft(s, " "))
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return strconv.Itoa(n) + " spaces"
}
