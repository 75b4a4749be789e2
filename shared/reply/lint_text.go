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
	plain := l.plain(variants, a)
	for i, v := range variants {
		n, usable := l.longest(v, a)
		if !usable || n.Fits || short != "" && brief.Fits || plain && l.holdsLink(v, a) {
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

// plain says whether a public post on X can always do without a link: then the
// variants with one are never said there.
func (l *linter) plain(variants []string, a audience) bool {
	return a.platform == care.X && !a.private && slices.ContainsFunc(variants, func(v string) bool {
		names, _ := config.Placeholders(v)
		sure := !slices.ContainsFunc(names, func(n string) bool { return n == "name" || n == "handle" || n == "until" })
		return sure && !l.holdsLink(v, a)
	})
}

func (l *linter) holdsLink(v string, a audience) bool {
	said, usable := l.fill(v, a)
	return usable && text.HasURL(said)
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
	if slices.ContainsFunc(variants, func(v string) bool { return !l.holdsLink(v, a) }) {
		return
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
		case "expect", "until", "hours":
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
	for _, s := range l.everyWord(name, a) {
		if longest == "" || text.Measure(a.platform, s, a.private).Used > text.Measure(a.platform, longest, a.private).Used {
			longest = s
		}
	}
	l.words[key{name, a}] = longest
	return longest, longest != ""
}

// everyWord lists the words to which a variable about time can come for an
// audience; for {{expect}} and {{until}} as if any time could be meant.
func (l *linter) everyWord(name string, a audience) []string {
	w, ok := wording[a.lang]
	if !ok {
		return nil
	}
	var list []string
	switch name {
	case "hours":
		add := func(who config.Who, weeks int) {
			c := l.b.Hours.For(who)
			for n := range weeks {
				if s, ok := weekWords(a.lang, l.now.AddDate(0, 0, 7*n), c); ok {
					list = append(list, s)
				}
			}
		}
		for name := range l.b.Hours.Units {
			add(config.Who{Unit: name}, 1)
		}
		weeks := 1
		if len(l.b.Hours.Teams) > 0 {
			// While another team's clock is changed and ours is not, its hours are others
			// here: for a week at least.
			weeks = 53
		}
		for _, lang := range append([]string{""}, l.b.Brand.Languages...) {
			add(config.Who{Platform: a.platform, Lang: lang}, weeks)
		}
	case "until":
		list = l.everyTime(w, w.until)
		if !l.overMidnight() {
			list = list[:3] // today, at one, at half past eleven and at midnight
		}
	case "expect":
		list = l.everyTime(w, w.by)
		for m := 1; m <= 120; m++ {
			list = append(list, w.minutes(m))
		}
		for h := 1; h <= 24; h++ {
			list = append(list, w.hours(h))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// everyTime says times of day, of which the first three are today.
func (l *linter) everyTime(w *words, way [4]string) []string {
	clocks := []string{w.clock("1:30"), w.clock("23:30"), w.midnight}
	var list []string
	for _, c := range clocks {
		list = append(list, fmt.Sprintf(way[0], c))
	}
	for _, c := range clocks {
		list = append(list, fmt.Sprintf(way[1], c))
		for _, d := range w.weekdays {
			list = append(list, fmt.Sprintf(way[2], c, d))
		}
		for m := time.January; m <= time.December; m++ {
			list = append(list, fmt.Sprintf(way[3], c, w.date(1, m)), fmt.Sprintf(way[3], c, w.date(28, m)))
		}
	}
	return list
}

// overMidnight says whether anybody's open time may go on into another day.
func (l *linter) overMidnight() bool {
	h := &l.b.Hours
	late := func(week map[string][]string) bool {
		for _, spans := range week {
			if slices.ContainsFunc(spans, func(s string) bool { return strings.HasSuffix(strings.TrimSpace(s), "24:00") }) {
				return true
			}
		}
		return false
	}
	for _, u := range h.Units {
		if late(u.Week) {
			return true
		}
	}
	return late(h.Week) || slices.ContainsFunc(h.Teams, func(t config.Team) bool {
		return t.TimeZone != h.TimeZone || late(t.Week)
	})
}
