package reply

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// longestName is the longest first name that FirstName lets pass, in letters
// that count the most on every platform (Adlam: two of X's weighted characters
// and of UTF-16, four bytes).
var longestName = strings.Repeat("\U0001E900", 20)

// longestHandles are the longest handles, without "@", by platform. The others
// have none that may be said.
var longestHandles = map[care.Platform]string{
	care.X:         strings.Repeat("a", 15), // X, About usernames
	care.Instagram: strings.Repeat("a", 30), // Instagram, username limits
	care.Mastodon:  longestHandle,
	// A domain name, at most 253 characters (atproto, Handle); a longer one than
	// the form of handles that we repeat (handleForm) is not said.
	care.Bluesky: strings.Repeat("a", 64),
}

// audience is where one language of a template may be said.
type audience struct {
	platform care.Platform
	private  bool
	lang     string
}

// texts checks the length of every template text wherever a rule or an
// invitation may say it, and finds those that cost a link on X.
func (l *linter) texts() {
	uses := map[string]map[audience]string{} // by template; who uses it
	use := func(template string, a audience, by string) {
		if uses[template] == nil {
			uses[template] = map[audience]string{}
		}
		if _, ok := uses[template][a]; !ok {
			uses[template][a] = by
		}
	}
	for i := range l.rules {
		if r := &l.rules[i]; config.Says(r.Then.Action) {
			for _, a := range l.audiences(r) {
				use(r.Then.Template, a, "rule "+r.Name)
			}
		}
	}
	if f := l.b.Followup; f.Enabled {
		for _, p := range f.Platforms {
			for lang := range l.b.Templates[f.Template].Text {
				use(f.Template, audience{p, true, lang}, "the invitation")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		for _, lang := range slices.Sorted(maps.Keys(l.b.Templates[name].Text)) {
			for _, p := range care.Platforms() {
				for _, private := range []bool{false, true} {
					if by, ok := uses[name][audience{p, private, lang}]; ok {
						l.length(name, audience{p, private, lang}, by)
						l.link(name, audience{p, private, lang}, by)
					}
				}
			}
		}
	}
}

// audiences lists where a rule may say its template. Days and the rule's own
// switch do not count: a text must be right when the rule comes back.
func (l *linter) audiences(r *linted) []audience {
	lasting := slices.DeleteFunc(slices.Clone(r.demands), func(d demand) bool { return d.path == "enabled" || d.path == "starts" || d.path == "expires" })
	boxes, ok := l.w.boxes(conjunction(lasting))
	if !ok { // too many: what is asked plainly must do
		plain := slices.DeleteFunc(lasting, func(d demand) bool { return d.formula.form == formAny })
		boxes, _ = l.w.boxes(conjunction(plain))
	}
	t := l.b.Templates[r.Then.Template]
	var list []audience
	seen := map[audience]bool{}
	for i := range boxes {
		b := &boxes[i]
		langs := l.languages(b, t)
		for _, p := range care.Platforms() {
			here, ok := l.w.narrow(*b, l.w.oneOf(factPlatform, string(p)))
			if !ok {
				continue
			}
			for private := range 2 {
				if _, ok := l.w.narrow(here, l.w.yes(factPrivate, private == 1)); !ok {
					continue
				}
				for _, lang := range langs {
					a := audience{p, goesPrivate(&r.Then, p, private == 1), lang}
					if !seen[a] {
						seen[a] = true
						list = append(list, a)
					}
				}
			}
		}
	}
	return list
}

// languages are those of a template that authors in a box may be answered in: their
// own where the template has it, else its fallback. Where the language may be
// any, or is not known, it may be all of them.
func (l *linter) languages(b *box, t config.Template) []string {
	var out []string
	set := l.w.of(b, factLang)
	for name, i := range l.w.names[factLang] {
		if !set.has(i) {
			continue
		}
		_, has := t.Text[name]
		switch {
		case name == "" || name == otherName || name == "und":
			return slices.Sorted(maps.Keys(t.Text))
		case has:
			out = append(out, name)
		case t.Fallback != "":
			out = append(out, t.Fallback)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// length holds every variant of a text, and its short form, against the
// platform's limit. A variant that is too long is fine where the short form fits.
func (l *linter) length(template string, a audience, by string) {
	path, variants, short, shortPath := toneOf(l.b.Templates[template], template, a)
	var brief text.Length
	if short != "" {
		brief, _ = l.longest(short, a)
	}
	for i, v := range variants {
		n, usable := l.longest(v, a)
		if !usable || n.Fits || short != "" && brief.Fits {
			continue
		}
		at, what, over, help := fmt.Sprintf("%s.variants[%d]", path, i), "this text", n, "shorten it or add a short text"
		if short != "" {
			at, what, over, help = shortPath, "the short text", brief, "shorten it"
		}
		where := string(a.platform)
		if a.private {
			where += " in private"
		}
		f := config.Finding{File: "templates.yaml", Path: at, Message: fmt.Sprintf("%s of template %s is too long for %s, where %s may say it: %d %s with the longest values, the limit is %d; %s", what, template, where, by, over.Used, over.Unit, over.Limit, help)}
		if !slices.Contains(l.findings, f) {
			l.findings = append(l.findings, f)
		}
	}
}

// toneOf is what a template says to an audience, and where that stands.
func toneOf(t config.Template, name string, a audience) (path string, variants []string, short, shortPath string) {
	x := t.Text[a.lang]
	path = "templates." + name + ".text." + a.lang
	variants, short, shortPath = x.Variants, x.Short, path+".short"
	if tone, ok := x.Platforms[a.platform]; ok {
		path += ".platforms." + string(a.platform)
		variants = tone.Variants
		if tone.Short != "" {
			short, shortPath = tone.Short, path+".short"
		}
	}
	return path, variants, short, shortPath
}

// link finds public texts on X of which every variant holds a link.
func (l *linter) link(template string, a audience, by string) {
	if a.platform != care.X || a.private {
		return
	}
	path, variants, _, _ := toneOf(l.b.Templates[template], template, a)
	for _, v := range variants {
		if said, usable := l.fill(v, a); !usable || !text.HasURL(said) {
			return
		}
	}
	l.warn("templates.yaml", path, "every variant of template %s holds a link when %s says it on x, where a post with a link costs $0.20 instead of $0.01: add a variant without one, or texts for x", template, by)
}

// longest measures a text with the longest values that its variables may have
// there; usable is false when it can never be said there.
func (l *linter) longest(said string, a audience) (n text.Length, usable bool) {
	said, usable = l.fill(said, a)
	if a.platform == care.Mastodon { // a mention of the author goes before it
		if at := "@" + longestHandle; !strings.Contains(said, at) {
			said = at + " " + said
		}
	}
	return text.Measure(a.platform, said, a.private), usable
}

// fill puts the longest values into a text.
func (l *linter) fill(said string, a audience) (string, bool) {
	return config.Fill(said, func(name string) (string, bool) {
		switch name {
		case "brand":
			return l.b.Brand.Name, true
		case "name":
			return longestName, true
		case "handle":
			h, ok := longestHandles[a.platform]
			return "@" + h, ok
		case "expect", "hours":
			return l.longestWords(name, a)
		}
		v, ok := l.b.Variables[name]
		return v, ok
	})
}

// longestWords is the longest that a variable about time can come to.
func (l *linter) longestWords(name string, a audience) (string, bool) {
	type key struct {
		name string
		audience
	}
	if l.words == nil {
		l.words = map[any]string{}
	}
	if s, ok := l.words[key{name, a}]; ok {
		return s, s != ""
	}
	longest := ""
	for _, s := range everyWord(name, a.lang, l.b) {
		if longest == "" || text.Measure(a.platform, s, a.private).Used > text.Measure(a.platform, longest, a.private).Used {
			longest = s
		}
	}
	l.words[key{name, a}] = longest
	return longest, longest != ""
}

// everyWord lists the candidates for the longest words of a variable about time.
func everyWord(name, lang string, b *config.Bundle) []string {
	if name == "hours" {
		s, _ := week(lang, b.Hours)
		return []string{s}
	}
	w, ok := wording[lang]
	if !ok {
		return nil
	}
	var list []string
	for _, clock := range []string{"1:30", "23:30"} { // las and la differ
		list = append(list, w.today(clock), w.tomorrow(clock))
		for d := range time.Weekday(7) {
			list = append(list, w.weekday(clock, d))
		}
		for m := time.January; m <= time.December; m++ {
			list = append(list, w.date(clock, 1, m), w.date(clock, 30, m))
		}
	}
	return append(list, w.minutes(119), w.hours(365*24))
}
