package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a story file: what is larger is no story.
const (
	maxFile  = 64 << 10
	maxCrowd = 500
)

// parser reads one file.
type parser struct {
	file  string
	names Names
	story Story
	out   Mistakes
	line  int
	last  time.Time // of the line above
	posts map[string]bool
	head  map[string]bool // headers that were given
}

// Parse reads one story. It gives every mistake of the file, in order of lines.
func Parse(file, text string, names Names) (Story, Mistakes) {
	p := &parser{file: file, names: names, story: Story{File: file}, posts: map[string]bool{}, head: map[string]bool{}}
	if len(text) > maxFile {
		p.line = 1
		p.fail("the file has %d bytes; a story has at most %d", len(text), maxFile)
		return p.story, p.out
	}
	if !utf8.ValidString(text) {
		p.line = 1
		p.fail("the file is not UTF-8")
		return p.story, p.out
	}
	people := false // below "People:"
	for line := range strings.Lines(text) {
		p.line++
		trimmed := strings.TrimSpace(line)
		indented := line != "" && unicode.IsSpace(rune(line[0])) && trimmed != ""
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case people && indented:
			p.person(trimmed)
		default:
			people = false
			if name, value, ok := header(trimmed); ok {
				people = p.header(name, value)
				continue
			}
			if p.begun() {
				p.step(trimmed)
			}
		}
	}
	p.line = max(p.line, 1)
	for _, name := range []string{"Story", "Why", "Starts"} {
		if !p.head[name] {
			p.fail("the story has no line %q", name+":")
		}
	}
	if len(p.story.Steps) == 0 {
		p.fail("nothing happens in the story")
	} else if !slices.ContainsFunc(p.story.Steps, func(s Step) bool { return strings.HasPrefix(s.Text, "expect ") }) {
		p.fail("the story expects nothing, so it cannot fail")
	}
	return p.story, p.out
}

func (p *parser) fail(format string, args ...any) {
	p.out = append(p.out, Mistake{p.file, p.line, fmt.Sprintf(format, args...)})
}

var headers = []string{"Story", "Why", "Starts", "People"}

var headerLine = regexp.MustCompile(`^([A-Z][A-Za-z]*):\s*(.*)$`)

func header(line string) (name, value string, ok bool) {
	m := headerLine.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], strings.TrimSpace(m[2]), true
}

// header takes a header line; true when people follow.
func (p *parser) header(name, value string) bool {
	if !slices.Contains(headers, name) {
		p.fail("unknown header %q%s; there are %s", name+":", meant(name, headers), strings.Join(headers, ", "))
		return false
	}
	if p.head[name] {
		p.fail("a second %q", name+":")
		return name == "People"
	}
	if len(p.story.Steps) > 0 {
		p.fail("%q stands below what happens; it belongs above", name+":")
	}
	p.head[name] = true
	if name != "People" && value == "" {
		p.fail("%q says nothing", name+":")
		return false
	}
	switch name {
	case "Story":
		p.story.Name = value
	case "Why":
		p.story.Why = value
	case "Starts":
		p.starts(value)
	case "People":
		if value != "" {
			p.fail("people stand one on a line below %q, indented: \"  Juno has 5000 followers\"", "People:")
		}
		return true
	}
	return false
}

const day = "2006-01-02 15:04"

func (p *parser) starts(value string) {
	form := func() { p.fail("%q is not of the form \"2026-11-24 12:00 Europe/Madrid\"", value) }
	i := strings.LastIndexByte(value, ' ')
	if i < 0 {
		form()
		return
	}
	zone, err := time.LoadLocation(value[i+1:])
	if err != nil || value[i+1:] == "" || value[i+1:] == "Local" {
		p.fail("unknown time zone %q", value[i+1:])
		return
	}
	at, err := time.ParseInLocation(day, strings.TrimSpace(value[:i]), zone)
	if err != nil {
		form()
		return
	}
	p.story.Start, p.last = at, at
}

// begun tells whether the story has a beginning; it complains once.
func (p *parser) begun() bool {
	if !p.story.Start.IsZero() {
		return true
	}
	if !p.head["Starts"] {
		p.fail(`something happens before the line "Starts:" says when`)
		p.head["Starts"] = true
	}
	return false
}

var personName = regexp.MustCompile(`^\p{Lu}\p{L}*$`)

func (p *parser) person(line string) {
	const forms = `"Juno has 5000 followers", "Rosa has 60 followers and writes Spanish", "Ada is customer C-1002"`
	words := strings.Fields(line)
	if !personName.MatchString(words[0]) {
		p.fail("%q is not a name: one word that begins with a capital letter", words[0])
		return
	}
	who := Person{Name: words[0]}
	if slices.ContainsFunc(p.story.People, func(q Person) bool { return q.Name == who.Name }) {
		p.fail("there is a %s already", who.Name)
		return
	}
	rest := strings.Join(words[1:], " ")
	rest, who.Spanish = strings.CutSuffix(rest, " and writes Spanish")
	if id, ok := strings.CutPrefix(rest, "is customer "); ok && id != "" && !strings.Contains(id, " ") {
		who.Customer = id
	} else if n, ok := strings.CutPrefix(rest, "has "); ok {
		count, err := strconv.Atoi(strings.TrimSuffix(n, " followers"))
		if err != nil || count < 0 || !strings.HasSuffix(n, " followers") {
			p.fail("%q is not understood; people are written like %s", line, forms)
			return
		}
		who.Followers = count
	} else {
		p.fail("%q is not understood; people are written like %s", line, forms)
		return
	}
	p.story.People = append(p.story.People, who)
}

// word is one word of a line, or one quoted text.
type word struct {
	text   string
	quoted bool
}

// split cuts a line into words and quoted texts.
func split(line string) ([]word, error) {
	var out []word
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t\"")
			if end < 0 {
				end = len(line)
			}
			out, line = append(out, word{text: line[:end]}), line[end:]
			continue
		}
		var b strings.Builder
		i, closed := 1, false
		for ; i < len(line) && !closed; i++ {
			switch {
			case line[i] == '\\' && i+1 < len(line):
				i++
				b.WriteByte(line[i])
			case line[i] == '"':
				closed = true
			default:
				b.WriteByte(line[i])
			}
		}
		if !closed {
			return nil, fmt.Errorf("the quotes that open before %q are never closed", first(line[1:], 20))
		}
		out, line = append(out, word{b.String(), true}), line[i:]
	}
	return out, nil
}

func first(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "..."
	}
	return s
}

// step reads a line of what happens.
func (p *parser) step(line string) {
	words, err := split(line)
	if err != nil {
		p.fail("%v", err)
		return
	}
	at, n, err := p.when(words)
	if err != nil {
		p.fail("%v", err)
		return
	}
	if at.Before(p.last) {
		p.fail("%s is before the line above (%s)", at.Format("Mon 2 Jan 15:04:05"), p.last.Format("Mon 2 Jan 15:04:05"))
		return
	}
	for range n {
		line = strings.TrimLeft(line[len(words[0].text):], " \t")
		words = words[1:]
	}
	p.last = at
	if len(words) == 0 {
		p.fail(`after the time it must say what happens; time passes with "nothing happens for 20m"`)
		return
	}
	verb, ok := p.match(words)
	if !ok {
		p.fail("this is not understood: %s%s", first(line, 80), near(words))
		return
	}
	s := Step{Line: p.line, Text: line, At: at, Verb: verb.Name, Args: map[string]string{}}
	good := true
	for i, part := range parts(verb.Pattern) {
		if part.slot == "" {
			continue
		}
		value, err := p.value(part, words[i].text, at)
		if err != nil {
			p.fail("%v", err)
			good = false
			continue
		}
		s.Args[part.slot] = value
	}
	if !good {
		return
	}
	p.define(s)
	if verb.Name == "wait" {
		d, _ := time.ParseDuration(s.Args["time"])
		p.last = at.Add(d)
	}
	p.story.Steps = append(p.story.Steps, s)
}

// define remembers the posts that a line names.
func (p *parser) define(s Step) {
	for _, slot := range []string{"new", "newer"} {
		name := s.Args[slot]
		if name == "" {
			continue
		}
		if p.posts[name] {
			p.fail("there is a post called %q already", name)
		}
		p.posts[name] = true
		if s.Verb == "crowd" {
			delete(p.posts, name)
			n, err := strconv.Atoi(s.Args["count"])
			if err != nil || n < 1 || n > maxCrowd {
				p.fail("a crowd has 1 to %d people", maxCrowd)
				return
			}
			for i := range n {
				p.posts[fmt.Sprintf("%s.%d", name, i+1)] = true
			}
		}
	}
}

var clock = regexp.MustCompile(`^\d{1,2}:\d{2}(:\d{2})?$`)

// when reads the time at the beginning of a line, and how many words it has.
func (p *parser) when(words []word) (time.Time, int, error) {
	if len(words) == 0 || words[0].quoted {
		return p.last, 0, nil
	}
	of := func(d time.Time, at string) (time.Time, error) {
		layout := "2006-01-02 15:04"
		if strings.Count(at, ":") == 2 {
			layout += ":05"
		}
		t, err := time.ParseInLocation(layout, d.Format("2006-01-02")+" "+at, p.story.Start.Location())
		if err != nil {
			return t, fmt.Errorf("%q is not a time of day", at)
		}
		return t, nil
	}
	head := words[0].text
	if d, ok := strings.CutPrefix(head, "+"); ok {
		span, err := time.ParseDuration(d)
		if err != nil || span < 0 {
			return p.last, 1, fmt.Errorf("%q is not a time span such as +90s, +20m or +4h", head)
		}
		return p.last.Add(span), 1, nil
	}
	if clock.MatchString(head) {
		t, err := of(p.last, head)
		return t, 1, err
	}
	date, err := time.ParseInLocation("2006-01-02", head, p.story.Start.Location())
	if head == "tomorrow" {
		date, err = p.last.AddDate(0, 0, 1), nil
	}
	if err != nil {
		return p.last, 0, nil
	}
	if len(words) < 2 || !clock.MatchString(words[1].text) {
		return p.last, 1, fmt.Errorf("after %q stands a time of day: %s 09:30", head, head)
	}
	t, err := of(date, words[1].text)
	return t, 2, err
}

// part is one word of a pattern.
type part struct{ literal, slot, kind string }

func parts(pattern string) []part {
	var out []part
	for f := range strings.FieldsSeq(pattern) {
		inner, ok := strings.CutPrefix(f, "{")
		if !ok {
			out = append(out, part{literal: f})
			continue
		}
		slot, kind, given := strings.Cut(strings.TrimSuffix(inner, "}"), ":")
		if !given {
			kind = slot
		}
		out = append(out, part{slot: slot, kind: kind})
	}
	return out
}

// fits tells whether a word may stand at a part, whatever its value.
func (t part) fits(w word) bool {
	if t.literal != "" {
		return !w.quoted && w.text == t.literal
	}
	return w.quoted == (t.kind == "text")
}

// match finds the verb whose words these are. Where two fit, as with a value that
// is no value ("expect a is undecided"), the one with more words of its own wins.
func (p *parser) match(words []word) (Verb, bool) {
	var best Verb
	most := -1
	for _, v := range Verbs {
		ps := parts(v.Pattern)
		if len(ps) != len(words) {
			continue
		}
		literals, ok := 0, true
		for i, t := range ps {
			ok = ok && t.fits(words[i])
			if t.literal != "" {
				literals++
			}
		}
		if ok && literals > most {
			best, most = v, literals
		}
	}
	return best, most >= 0
}

// near says which sentence was probably meant: the one with the least to change.
func near(words []word) string {
	best, least := "", 0
	for _, v := range Verbs {
		ps := parts(v.Pattern)
		if d := apart(words, ps); best == "" || d < least {
			best, least = v.Pattern, d
		}
	}
	if least > 4*len(words) {
		return `; "fielder stories --verbs" lists what can be said`
	}
	return "; did you mean: " + best
}

// apart is the edit distance of a line and a pattern, in letters of the pattern's
// own words; what is missing or too much counts 4, a value in the wrong place 3.
func apart(words []word, ps []part) int {
	const gap = 4
	row := make([]int, len(ps)+1)
	for j := range ps {
		row[j+1] = row[j] + gap
	}
	for _, w := range words {
		before := row[0]
		row[0] += gap
		for j, t := range ps {
			cost := 0
			switch {
			case t.fits(w):
			case t.slot != "" || w.quoted:
				cost = 3
			default:
				cost = min(distance(w.text, t.literal), 5)
			}
			next := min(before+cost, row[j]+gap, row[j+1]+gap)
			before, row[j+1] = row[j+1], next
		}
	}
	return row[len(ps)]
}

var (
	postName  = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	agentName = regexp.MustCompile(`^[a-z]+$`)
)

// value reads a value of a kind.
func (p *parser) value(t part, text string, at time.Time) (string, error) {
	if of, ok := fixed[t.kind]; ok {
		return text, p.oneOf(t.kind, text, of)
	}
	switch t.kind {
	case "text":
		if text == "" {
			return "", fmt.Errorf("the quotes are empty")
		}
	case "person":
		var known []string
		for _, q := range p.story.People {
			known = append(known, q.Name)
		}
		if !slices.Contains(known, text) {
			return "", fmt.Errorf("nobody is called %q%s; people stand below \"People:\"", text, meant(text, known))
		}
	case "new":
		if !postName.MatchString(text) {
			return "", fmt.Errorf("%q is not a name for a post: small letters, digits and -", text)
		}
	case "post":
		if !p.posts[text] {
			var known []string
			for name := range p.posts {
				known = append(known, name)
			}
			slices.Sort(known)
			return "", fmt.Errorf("no post is called %q yet%s", text, meant(text, known))
		}
	case "agent":
		if !agentName.MatchString(text) {
			return "", fmt.Errorf("%q is not an agent's name: small letters", text)
		}
	case "rule":
		return text, p.oneOf("rule", text, p.names.Rules)
	case "queue":
		return text, p.oneOf("queue", text, p.names.Queues)
	case "number":
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n >= 0 && n <= 1e6) {
			return "", fmt.Errorf("%q is not a number", text)
		}
		if t.slot == "count" {
			if _, err := strconv.Atoi(text); err != nil {
				return "", fmt.Errorf("%q is not a whole number", text)
			}
		}
	case "duration":
		if d, err := time.ParseDuration(text); err != nil || d <= 0 {
			return "", fmt.Errorf("%q is not a time span such as 90s, 20m or 4h", text)
		}
	case "moment":
		full := text
		if !strings.Contains(text, "T") {
			full = at.Format("2006-01-02") + "T" + text
		}
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
			if m, err := time.ParseInLocation(layout, full, p.story.Start.Location()); err == nil {
				return m.Format(time.RFC3339), nil
			}
		}
		return "", fmt.Errorf("%q is not a moment such as 09:30 or 2026-11-25T09:30", text)
	default:
		panic("scenarios: the pattern of a verb has the unknown kind " + t.kind)
	}
	return text, nil
}

func (p *parser) oneOf(kind, text string, of []string) error {
	if kind == "public" || kind == "private" {
		kind = "place to write in " + kind
	}
	if slices.Contains(of, text) {
		return nil
	}
	listed := ""
	if len(of) <= 12 {
		listed = "; there are " + strings.Join(of, ", ")
	}
	return fmt.Errorf("unknown %s %q%s%s", kind, text, meant(text, of), listed)
}

// meant says what was probably meant, if anything is near.
func meant(wrong string, known []string) string {
	best, least := "", 0
	for _, k := range known {
		if d := distance(strings.ToLower(wrong), strings.ToLower(k)); best == "" || d < least {
			best, least = k, d
		}
	}
	if best == "" || least > max(1, len([]rune(wrong))/3) {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before := row[0]
		row[0] = i + 1
		for j := range y {
			cost := before
			if x[i] != y[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
