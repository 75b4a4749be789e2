package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Why a parser of our own: goccy/go-yaml 1.19 takes time that grows with the square
// of the text and worse (13 s for 32 KB of a block text of blank lines, 0.7 s for
// 32 KB of keys), so no bound on the size of a file bounds the time to a second; and
// its messages speak of tokens. This one takes time in proportion to the text
// (BenchmarkHostile). It reads what people write of YAML 1.2.2 and refuses by name
// what config files do without: anchors, aliases, merge keys, tags, directives,
// keys that are no plain words, several documents. The public YAML test suite says
// what is right (TestYAMLSuite).

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

// maxDepth bounds how deep values nest; the deepest that makes sense is 25.
const maxDepth = 40

// yamlParser reads one document. Between values of block style it stands at the first
// character of a line that holds something (li, i), or behind the last line.
type yamlParser struct {
	lines []string
	li, i int
	depth int
	tail  []string // from the line that ends the document on
	fails []fault

	// The column of byte seenByte in line seenLine: what is asked for next mostly
	// stands behind it.
	seenLine, seenByte, seenColumn int
}

// fault is a mistake in the syntax.
type fault struct {
	at      position
	message string
}

// parseYAML reads one document, which must be UTF-8. The node is nil when there is
// none, or when the syntax is so wrong that nothing is known; then the last fault
// says why.
func parseYAML(text string) (root *node, faults []fault) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	p := &yamlParser{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n"), seenLine: -1}
	defer func() {
		switch stop := recover().(type) {
		case nil:
		case fault:
			root, faults = nil, append(p.fails, stop)
		default:
			panic(stop)
		}
	}()
	return p.document(), p.fails
}

// stop ends the parsing: what follows cannot be understood.
func (p *yamlParser) stop(at position, format string, args ...any) {
	panic(fault{at, fmt.Sprintf(format, args...)})
}

func (p *yamlParser) fail(at position, format string, args ...any) {
	p.fails = append(p.fails, fault{at, fmt.Sprintf(format, args...)})
}

// place is the position of byte i in the current line; columns count characters.
func (p *yamlParser) place(i int) position {
	if p.li >= len(p.lines) {
		return position{max(1, len(p.lines)), 1}
	}
	line := p.lines[p.li]
	if p.seenLine != p.li || i < p.seenByte {
		p.seenLine, p.seenByte, p.seenColumn = p.li, 0, 1
	}
	p.seenColumn += utf8.RuneCountInString(line[p.seenByte:i])
	p.seenByte = i
	return position{p.li + 1, p.seenColumn}
}

func (p *yamlParser) here() position { return p.place(p.i) }

func (p *yamlParser) done() bool { return p.li >= len(p.lines) }

// rest is what is left of the current line.
func (p *yamlParser) rest() string { return p.lines[p.li][p.i:] }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (p *yamlParser) blanks() {
	for s := p.lines[p.li]; p.i < len(s) && isBlank(s[p.i]); {
		p.i++
	}
}

// atEnd is true where only a comment is left of the line.
func (p *yamlParser) atEnd() bool {
	s := p.lines[p.li]
	return p.i >= len(s) || s[p.i] == '#' && (p.i == 0 || isBlank(s[p.i-1]))
}

// begin goes to the next line that holds something.
func (p *yamlParser) begin() {
	for ; p.li < len(p.lines); p.li++ {
		s := p.lines[p.li]
		if marks(s, "---") || marks(s, "...") {
			p.lines, p.tail = p.lines[:p.li], p.lines[p.li:]
			return
		}
		p.i = indentation(s)
		if p.i == len(s) || s[p.i] == '#' {
			continue
		}
		if s[p.i] == '\t' {
			if t := strings.TrimLeft(s, " \t"); t == "" || t[0] == '#' {
				continue
			}
			p.stop(p.here(), "a tab stands here; YAML indents with spaces")
		}
		return
	}
}

func marks(line, marker string) bool {
	s, ok := strings.CutPrefix(line, marker)
	return ok && (s == "" || isBlank(s[0]))
}

func indentation(s string) int {
	return len(s) - len(strings.TrimLeft(s, " "))
}

// nextLine leaves a line of which nothing but a comment may be left.
func (p *yamlParser) nextLine(after string) {
	p.blanks()
	if !p.atEnd() {
		what := strings.TrimSpace(p.rest())
		if strings.HasPrefix(what, ":") {
			p.stop(p.here(), "a colon stands after %s; a key must be a plain word", after)
		}
		p.stop(p.here(), "%s stands after %s; if it is all one text, put the whole in quotes and write \\\" for a quote in it", quote(what), after)
	}
	p.li++
	p.begin()
}

func (p *yamlParser) document() *node {
	p.begin()
	if p.done() && len(p.tail) > 0 && marks(p.tail[0], "---") {
		if s := strings.TrimSpace(p.tail[0][3:]); s != "" && s[0] != '#' {
			p.stop(position{len(p.lines) + 1, 5}, "begin on a line of its own after \"---\"")
		}
		first := len(p.lines) + 1
		p.lines, p.tail = append(p.lines, p.tail...), nil
		p.li = first
		p.begin()
	}
	if p.done() {
		p.ended()
		return nil
	}
	if p.lines[p.li][0] == '%' {
		p.stop(p.here(), "directives are not supported: remove this line")
	}
	column := p.i
	root := p.block(-1)
	if !p.done() {
		p.badIndent(column)
	}
	p.ended()
	return root
}

// ended checks that nothing comes after the document.
func (p *yamlParser) ended() {
	for i, s := range p.tail {
		s = strings.TrimSpace(s)
		if i == 0 && marks(s, "...") {
			s = strings.TrimSpace(s[3:])
		}
		if s == "" || s[0] == '#' {
			continue
		}
		p.fail(position{len(p.lines) + 1 + i, 1}, "the file holds more than one document; remove the line \"---\"")
		return
	}
}

func (p *yamlParser) badIndent(want int) {
	p.stop(p.here(), "this line is indented by %s, the lines that it seems to belong to by %d; the same spaces on the left are needed", spaces(p.i), want)
}

func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return strconv.Itoa(n) + " spaces"
}

func isDash(s string) bool {
	return s == "-" || len(s) > 1 && s[0] == '-' && isBlank(s[1])
}

// deeper guards the stack; the caller goes back with p.depth--.
func (p *yamlParser) deeper() {
	if p.depth++; p.depth > 2*maxDepth {
		p.stop(p.here(), "this is nested too deeply")
	}
}

// block reads a value that begins here, inside something indented by parent.
func (p *yamlParser) block(parent int) *node {
	p.deeper()
	defer func() { p.depth-- }()
	if isDash(p.rest()) {
		return p.list(p.i)
	}
	if p.atKey() {
		return p.mapping(p.i)
	}
	return p.inline(parent)
}

// below reads a value of which nothing stands in this line: it is in the next
// ones, or there is none. A list may be indented like the key that it belongs to.
func (p *yamlParser) below(parent int, key position, listToo bool) *node {
	p.li++
	p.begin()
	switch {
	case !p.done() && p.i > parent:
		return p.block(parent)
	case !p.done() && p.i == parent && listToo && isDash(p.rest()):
		p.deeper()
		defer func() { p.depth-- }()
		return p.list(parent)
	}
	return &node{kind: nullNode, at: key}
}

func (p *yamlParser) list(column int) *node {
	n := &node{kind: listNode, at: p.here()}
	for {
		dash := p.here()
		p.i++
		p.blanks()
		if p.atEnd() {
			n.items = append(n.items, p.below(column, dash, false))
		} else {
			if i := strings.IndexByte(p.lines[p.li][:p.i], '\t'); i >= 0 {
				p.stop(p.place(i), "a tab stands here; YAML indents with spaces")
			}
			n.items = append(n.items, p.block(column))
		}
		switch {
		case p.done() || p.i < column || p.i == column && !isDash(p.rest()):
			return n
		case p.i > column:
			p.badIndent(column)
		}
	}
}

func (p *yamlParser) mapping(column int) *node {
	n := &node{kind: mappingNode, at: p.here()}
	for {
		key := p.key()
		n.keys = append(n.keys, key)
		p.blanks()
		if p.atEnd() {
			n.items = append(n.items, p.below(column, key.at, true))
		} else {
			n.items = append(n.items, p.inline(column))
		}
		switch {
		case p.done() || p.i < column:
			return n
		case p.i > column:
			p.badIndent(column)
		case !p.atKey():
			p.noKey()
		}
	}
}

// noKey explains why this line, among keys, is none.
func (p *yamlParser) noKey() {
	s := p.rest()
	switch {
	case isDash(s):
		p.stop(p.here(), "a list item stands here, among keys; is the key of the list missing above?")
	case s[0] == '?' || s[0] == '[' || s[0] == '{':
		p.stop(p.here(), "expected a plain word as key")
	case s[0] == '&' || s[0] == '*':
		p.stop(p.here(), noAnchors)
	case s[0] == '!':
		p.stop(p.here(), noTags)
	}
	if i := strings.IndexByte(s, ':'); i > 0 {
		p.stop(p.place(p.i+i), "a space is missing after the colon: write \"key: value\"")
	}
	p.stop(p.here(), "expected a key with a value, such as \"name: value\"; is a colon missing, or should this line be indented as part of the text above?")
}

const (
	noAnchors = "anchors, aliases and merge keys are not supported: write the value again"
	noTags    = "tags are not supported: write the value without one"
	// indicators cannot begin a text without quotes.
	indicators = "[]{},#&*!|>'\"%@`"
)

// keyEnd finds the colon that ends a key in s, which begins with it; -1 when s
// is no key.
func keyEnd(s string) int {
	if s == "" {
		return -1
	}
	i := 0
	if q := s[0]; q == '"' || q == '\'' {
		for i = 1; i < len(s) && s[i] != q; i++ {
			if q == '"' && s[i] == '\\' {
				i++
			} else if q == '\'' && strings.HasPrefix(s[i:], "''") {
				i++
			}
		}
		for i++; i < len(s) && isBlank(s[i]); {
			i++
		}
		if i < len(s) && s[i] == ':' && (i+1 == len(s) || isBlank(s[i+1])) {
			return i
		}
		return -1
	}
	if strings.IndexByte(indicators, s[0]) >= 0 || isDash(s) || s[0] == '?' && (len(s) == 1 || isBlank(s[1])) {
		return -1
	}
	return colon(s)
}

// colon finds the first ": " of a text without quotes, before any comment.
func colon(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '#' && i > 0 && isBlank(s[i-1]):
			return -1
		case s[i] == ':' && (i+1 == len(s) || isBlank(s[i+1])):
			return i
		}
	}
	return -1
}

func (p *yamlParser) atKey() bool { return keyEnd(p.rest()) >= 0 }

// key reads a key and its colon.
func (p *yamlParser) key() *node {
	s := p.rest()
	if s[0] == '"' || s[0] == '\'' {
		n := p.quoted(-1)
		p.blanks()
		p.i++ // the colon
		return n
	}
	end := keyEnd(s)
	n := &node{kind: plainNode, at: p.here(), text: strings.TrimRight(s[:end], " \t")}
	if n.text == "<<" {
		p.fail(n.at, noAnchors)
		n.kind = brokenNode
	}
	p.i += end + 1
	return n
}

// inline reads a value that begins in this line and is neither a mapping nor a
// list of block style, and goes to the next line.
func (p *yamlParser) inline(parent int) *node {
	s := p.rest()
	switch s[0] {
	case '"', '\'':
		n := p.quoted(parent)
		p.nextLine("the closing quote")
		return n
	case '[', '{':
		if strings.HasPrefix(s, "{{") {
			p.fail(p.here(), "a text that begins with \"{{\" must stand in quotes")
			p.li++
			p.begin()
			return &node{kind: brokenNode, at: position{p.li, 1}}
		}
		n := p.flow(parent)
		p.nextLine("the closing bracket")
		return n
	case '|', '>':
		return p.text(parent)
	case '&', '*', '!':
		return p.unsupported(parent)
	case '-', '?', ':':
		if len(s) == 1 || isBlank(s[1]) {
			switch s[0] {
			case '?':
				p.stop(p.here(), "expected a plain word as key, without \"?\"")
			case '-':
				p.stop(p.here(), "a list begins on a line of its own: put \"- ...\" below, or write [a, b]")
			}
			p.stop(p.here(), "a text cannot be or begin with %q; put it in quotes", s[:1])
		}
	case '%', '@', '`', ',', ']', '}':
		p.fail(p.here(), "a text cannot begin with %q; put it in quotes", s[:1])
	}
	return p.plain(parent)
}

// unsupported skips an anchor, alias or tag.
func (p *yamlParser) unsupported(parent int) *node {
	at, c := p.here(), p.rest()[0]
	if c == '!' {
		p.fail(at, noTags)
	} else {
		p.fail(at, noAnchors)
	}
	for s := p.lines[p.li]; p.i < len(s) && !isBlank(s[p.i]); {
		p.i++
	}
	p.blanks()
	switch {
	case p.atEnd():
		p.below(parent, at, true)
	case strings.IndexByte("&*!", p.rest()[0]) >= 0:
		p.stop(p.here(), "%s", map[bool]string{true: noTags, false: noAnchors}[p.rest()[0] == '!'])
	default:
		p.inline(parent)
	}
	return &node{kind: brokenNode, at: at}
}

// plain reads a text without quotes, which may go on in lines that are indented
// more than parent.
func (p *yamlParser) plain(parent int) *node {
	n := &node{kind: plainNode, at: p.here()}
	var out strings.Builder
	breaks := 0
	for first := true; ; first = false {
		s := p.rest()
		if i := colon(s); i >= 0 {
			if first {
				p.stop(p.place(p.i+i), "a second \": \" stands in this line; put the text in quotes")
			}
			p.stop(p.here(), "a key stands here, but the line above it has a value already; are the spaces on the left right, or are quotes missing around the text?")
		}
		if !first && isDash(s) {
			p.stop(p.here(), "a list item stands here, but the line above it has a value already; are the spaces on the left right, or are quotes missing around the text?")
		}
		comment := false
		for i := 1; i < len(s); i++ {
			if s[i] == '#' && isBlank(s[i-1]) {
				s, comment = s[:i], true
				break
			}
		}
		fold(&out, first, breaks)
		out.WriteString(strings.TrimRight(s, " \t"))
		// Does it go on?
		p.li++
		breaks = 1
		more := false
		for at := p.li; !comment && at < len(p.lines); at++ {
			line := p.lines[at]
			t := strings.TrimLeft(line, " \t")
			if t == "" {
				breaks++
				continue
			}
			if more = indentation(line) > parent && t[0] != '#' && !marks(line, "---") && !marks(line, "..."); more {
				p.li, p.i = at, len(line)-len(t)
			}
			break
		}
		if !more {
			p.begin()
			break
		}
	}
	if n.text = out.String(); isNull(n.text) {
		n.kind = nullNode
	}
	return n
}

func isNull(s string) bool {
	return s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL"
}

// fold writes what line breaks inside a text stand for: one is a space, more are
// all but one kept.
func fold(out *strings.Builder, first bool, breaks int) {
	if first {
		return
	}
	if breaks == 1 {
		out.WriteByte(' ')
	}
	for range breaks - 1 {
		out.WriteByte('\n')
	}
}

// quoted reads a text in quotes, over lines that are indented more than parent.
func (p *yamlParser) quoted(parent int) *node {
	n := &node{kind: quotedNode, at: p.here()}
	q := p.rest()[0]
	unclosed := func() { p.stop(n.at, "the quote that opens here is never closed") }
	var out []byte
	p.i++
	for {
		s := p.lines[p.li]
		kept := len(out) // blanks at the end of a line are kept only if escaped
		escaped := false
		for {
			if p.i >= len(s) {
				break
			}
			c := s[p.i]
			if c == q {
				if q == '\'' && strings.HasPrefix(s[p.i:], "''") {
					out = append(out, '\'')
					p.i += 2
					kept = len(out)
					continue
				}
				p.i++
				n.text = string(out)
				return n
			}
			if q == '"' && c == '\\' {
				if p.i+1 == len(s) {
					p.i++
					escaped = true
					kept = len(out)
					break
				}
				out = p.escape(out)
				kept = len(out)
				continue
			}
			out = append(out, c)
			p.i++
			if !isBlank(c) {
				kept = len(out)
			}
		}
		out = out[:kept]
		breaks := 0
		for {
			p.li++
			breaks++
			if p.done() {
				unclosed()
			}
			s = p.lines[p.li]
			p.i = len(s) - len(strings.TrimLeft(s, " \t"))
			if p.i < len(s) {
				break
			}
		}
		if indentation(s) <= parent || marks(s, "---") || marks(s, "...") {
			unclosed()
		}
		if breaks == 1 && !escaped {
			out = append(out, ' ')
		}
		for range breaks - 1 {
			out = append(out, '\n')
		}
	}
}

var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': "\"", '/': "/", '\\': "\\", 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// escape reads what stands after a backslash in double quotes.
func (p *yamlParser) escape(out []byte) []byte {
	s := p.rest()
	if text, ok := escapes[s[1]]; ok {
		p.i += 2
		return append(out, text...)
	}
	hex := func(s string) (rune, int, bool) {
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
		if digits == 0 || len(s) < 2+digits {
			return 0, 0, false
		}
		r, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		return rune(r), 2 + digits, err == nil && r <= utf8.MaxRune
	}
	r, n, ok := hex(s)
	if ok && utf16.IsSurrogate(r) {
		ok = false
		if next := s[n:]; strings.HasPrefix(next, `\u`) {
			if low, m, good := hex(next); good {
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					n, ok = n+m, true
				}
			}
		}
	}
	if !ok {
		_, size := utf8.DecodeRuneInString(s[1:])
		p.stop(p.here(), "%s means nothing; write \\\\ for a backslash, or use single quotes", quote(s[:1+size]))
	}
	p.i += n
	return utf8.AppendRune(out, r)
}

// text reads a block text: "|" keeps its lines, ">" folds them.
func (p *yamlParser) text(parent int) *node {
	n := &node{kind: quotedNode, at: p.here()}
	sign := p.rest()[:1]
	folded := sign == ">"
	p.i++
	chomp, indent := byte(0), 0
	for s := p.lines[p.li]; p.i < len(s) && !isBlank(s[p.i]); p.i++ {
		switch c := s[p.i]; {
		case (c == '-' || c == '+') && chomp == 0:
			chomp = c
		case c >= '1' && c <= '9' && indent == 0:
			indent = max(parent, 0) + int(c-'0')
		default:
			p.stop(n.at, "a text that begins with %q must stand in quotes", sign)
		}
	}
	p.blanks()
	if !p.atEnd() {
		p.stop(p.here(), "the text of a block begins on the next line; or put it in quotes")
	}
	p.li++
	// The first line that is not blank says how far the text is indented.
	widest := 0
	for at := p.li; indent == 0 && at < len(p.lines); at++ {
		s := p.lines[at]
		n := indentation(s)
		if n == len(s) {
			widest = max(widest, n)
			continue
		}
		indent = max(n, parent+1, 1)
		p.li, at = at, p.li
		switch p.i = n; {
		case s[n] == '\t' && n <= parent:
			p.stop(p.here(), "a tab stands here; YAML indents with spaces")
		case widest > indent:
			p.stop(p.here(), "a blank line above has more spaces than this, the first line of the text; remove them")
		}
		p.li = at
		break
	}
	if indent == 0 { // nothing but blank lines
		indent = math.MaxInt
	}
	var lines []string
	for ; p.li < len(p.lines); p.li++ {
		s := p.lines[p.li]
		switch {
		case len(s) > indent && indentation(s) >= indent:
			lines = append(lines, s[indent:])
			continue
		case strings.TrimLeft(s, " ") == "":
			lines = append(lines, "")
			continue
		}
		break
	}
	blank := 0
	for blank < len(lines) && lines[len(lines)-1-blank] == "" {
		blank++
	}
	body := lines[:len(lines)-blank]
	var out strings.Builder
	loose := func(s string) bool { return s != "" && isBlank(s[0]) }
	for i := 0; i < len(body); i++ {
		out.WriteString(body[i])
		if i+1 == len(body) {
			break
		}
		if !folded || body[i] == "" || loose(body[i]) {
			out.WriteByte('\n')
			continue
		}
		j := i + 1
		for body[j] == "" {
			j++
		}
		switch {
		case loose(body[j]):
			out.WriteByte('\n') // the blank lines between count one by one
		case j == i+1:
			out.WriteByte(' ')
		default:
			for range j - i - 1 {
				out.WriteByte('\n')
			}
			i = j - 1
		}
	}
	if chomp != '-' && len(body) > 0 {
		out.WriteByte('\n')
	}
	if chomp == '+' {
		out.WriteString(strings.Repeat("\n", blank))
	}
	n.text = out.String()
	p.begin()
	return n
}

// flow reads [a, b] or {a: b} and what stands in it, over lines that are indented
// more than parent.
func (p *yamlParser) flow(parent int) *node {
	p.deeper()
	defer func() { p.depth-- }()
	open := p.here()
	c := p.rest()[0]
	n := &node{kind: listNode, at: open}
	shut := byte(']')
	if c == '{' {
		n.kind, shut = mappingNode, '}'
	}
	p.i++
	for {
		if p.skip(parent, open, c); p.rest()[0] == shut {
			p.i++
			return n
		}
		if c == '{' {
			key := p.flowKey(parent, open)
			if len(n.keys) == 0 {
				n.at = key.at
			}
			n.keys = append(n.keys, key)
			p.skip(parent, open, c)
			if next := p.rest()[0]; next == ',' || next == shut {
				n.items = append(n.items, &node{kind: nullNode, at: key.at})
			} else {
				n.items = append(n.items, p.flowValue(parent, open, c))
			}
		} else {
			item := p.flowValue(parent, open, c)
			n.items = append(n.items, item)
			if p.skip(parent, open, c); p.rest()[0] == ':' {
				p.stop(item.at, "a key with a value in a list needs braces: [{key: value}]; or put the text in quotes")
			}
		}
		switch p.skip(parent, open, c); p.rest()[0] {
		case ',':
			p.i++
		case shut:
		default:
			p.stop(p.here(), "expected \",\" or %q before this; if it is all one text, put it in quotes", string(shut))
		}
	}
}

// skip goes to what comes next inside brackets, over blanks, comments and lines.
func (p *yamlParser) skip(parent int, open position, bracket byte) {
	for {
		p.blanks()
		if !p.atEnd() {
			return
		}
		for p.li++; ; p.li++ {
			if p.done() {
				p.unclosed(open, bracket)
			}
			s := p.lines[p.li]
			p.i = len(s) - len(strings.TrimLeft(s, " \t"))
			if p.i < len(s) && s[p.i] != '#' {
				if c := s[p.i]; indentation(s) <= parent && c != ']' && c != '}' || marks(s, "---") || marks(s, "...") {
					p.unclosed(open, bracket)
				}
				break
			}
		}
	}
}

func (p *yamlParser) unclosed(open position, bracket byte) {
	p.stop(open, "%q is never closed with %q", string(bracket), map[byte]string{'[': "]", '{': "}"}[bracket])
}

func (p *yamlParser) flowKey(parent int, open position) *node {
	var key *node
	at := p.here()
	switch c := p.rest()[0]; c {
	case '"', '\'':
		key = p.quoted(parent)
	case '{':
		p.stop(at, "expected a plain word as key; a text with \"{{\" must stand in quotes")
	case '[', '?':
		p.stop(at, "expected a plain word as key")
	default:
		key = p.flowPlain(parent, open, '{')
		if key.kind == nullNode {
			key.kind = plainNode
		}
		if key.text == "<<" {
			p.fail(at, noAnchors)
			key.kind = brokenNode
		}
	}
	if p.skip(parent, open, '{'); p.rest()[0] != ':' {
		if strings.Contains(key.text, ":") && key.kind == plainNode {
			p.stop(at, "a space is missing after the colon: write \"key: value\"")
		}
		p.stop(at, "expected a key with a value, such as {name: value}")
	}
	p.i++
	return key
}

// flowValue reads one value inside brackets.
func (p *yamlParser) flowValue(parent int, open position, bracket byte) *node {
	switch c := p.rest()[0]; c {
	case '"', '\'':
		return p.quoted(parent)
	case '[':
		return p.flow(parent)
	case '{':
		if strings.HasPrefix(p.rest(), "{{") {
			p.stop(p.here(), "a text that begins with \"{{\" must stand in quotes")
		}
		return p.flow(parent)
	}
	return p.flowPlain(parent, open, bracket)
}

// flowPlain reads a text without quotes inside brackets.
func (p *yamlParser) flowPlain(parent int, open position, bracket byte) *node {
	n := &node{kind: plainNode, at: p.here()}
	switch s := p.rest(); s[0] {
	case ',', ']', '}', ':':
		if s[0] != ':' || len(s) == 1 || strings.IndexByte(" \t,[]{}", s[1]) >= 0 {
			p.stop(n.at, "a value is missing before %q", s[:1])
		}
	case '&', '*':
		p.stop(n.at, noAnchors)
	case '!':
		p.stop(n.at, noTags)
	case '|', '>', '%', '@', '`', '#':
		p.fail(n.at, "a text cannot begin with %q; put it in quotes", s[:1])
	case '-', '?':
		if len(s) == 1 || strings.IndexByte(" \t,[]{}", s[1]) >= 0 {
			p.stop(n.at, "a text cannot be or begin with %q; put it in quotes", s[:1])
		}
	}
	var out strings.Builder
	breaks := 0
	for first := true; ; first = false {
		s := p.lines[p.li]
		start := p.i
		for ; p.i < len(s) && !p.atEnd(); p.i++ {
			c := s[p.i]
			if c == ',' || c == ']' || c == '}' || c == ':' && (p.i+1 == len(s) || strings.IndexByte(" \t,[]{}", s[p.i+1]) >= 0) {
				break
			}
			if c == '[' || c == '{' {
				p.stop(p.here(), "%q stands in a text; put the text in quotes", string(c))
			}
		}
		fold(&out, first, breaks)
		out.WriteString(strings.TrimRight(s[start:p.i], " \t"))
		if p.i < len(s) { // a separator or a comment
			break
		}
		line := p.li
		p.skip(parent, open, bracket)
		breaks = p.li - line
		if c := p.rest()[0]; c == ',' || c == ']' || c == '}' || c == ':' && (len(p.rest()) == 1 || strings.IndexByte(" \t,[]{}", p.rest()[1]) >= 0) {
			break
		}
		for _, between := range p.lines[line+1 : p.li] {
			if strings.TrimLeft(between, " \t") != "" {
				p.stop(p.here(), "expected \",\" before this; a comment stands in the middle of the text")
			}
		}
	}
	if n.text = out.String(); isNull(n.text) {
		n.kind = nullNode
	}
	return n
}
