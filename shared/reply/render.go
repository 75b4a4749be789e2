package reply

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// longestHandle stands for a handle that is not known yet: Mastodon's local part
// is at most 30 characters (Mastodon, Account::USERNAME_LENGTH_LIMIT).
var longestHandle = strings.Repeat("a", 30)

// decision is one post to be answered, when its words are chosen.
type decision struct {
	In
	at       time.Time // when it is said; zero: now
	promised time.Time // by when the rendered text says that the author hears from us; zero when it does not
}

// when is when the words are said.
func (d *decision) when() time.Time {
	if d.at.IsZero() {
		return d.Now
	}
	return d.at
}

// render puts a template into words for the post's platform, in the author's
// language or the template's fallback. On X, where a public post with a URL costs
// 13 times as much, variants without one go first. It never cuts a text: where the
// chosen variant is too long the short one must do. The error says in words why
// nothing can be said.
func (d *decision) render(name string, private bool) (said, lang string, err error) {
	tpl, ok := d.Bundle.Templates[name]
	if !ok {
		return "", "", fmt.Errorf("there is no template %s", name)
	}
	lang, ok = d.language(tpl)
	if !ok {
		return "", "", fmt.Errorf("template %s has no text in the author's language and no fallback", name)
	}
	t := tpl.Text[lang]
	variants, short := t.Variants, t.Short
	if tone, ok := t.Platforms[d.Post.Platform]; ok {
		variants = tone.Variants
		if tone.Short != "" {
			short = tone.Short
		}
	}
	var usable, plain []line
	for _, v := range variants {
		if w, ok := d.fill(v, lang); ok {
			usable = append(usable, w)
			if d.Post.Platform == care.X && !private && !text.HasURL(w.text) {
				plain = append(plain, w)
			}
		}
	}
	if len(plain) > 0 {
		usable = plain
	}
	if len(usable) == 0 {
		return "", lang, fmt.Errorf("no variant of template %s can be filled in", name)
	}
	chosen := usable[pick(d.Post.ID(), len(usable))]
	length := d.measure(chosen.text, private)
	if !length.Fits {
		w, ok := d.fill(short, lang)
		if short == "" || !ok || !d.measure(w.text, private).Fits {
			return "", lang, fmt.Errorf("template %s is too long for the platform (%d of %d %s) and has no short text that fits", name, length.Used, length.Limit, length.Unit)
		}
		chosen = w
	}
	d.promised = chosen.promised
	return chosen.text, lang, nil
}

// Invitation puts an invitation into words: template for a customer on a
// platform, in private, in lang or the template's fallback. The id picks the
// variant, so that a repeated step says the same. A prospect's name is not said.
// Returns care.Invalid when the template does not do; the loader and the golden
// examples find that before.
func Invitation(b *config.Bundle, now time.Time, template string, p care.Platform, lang, id string, c care.Customer) (string, error) {
	d := decision{In: In{Bundle: b, Now: now, Triage: care.Triage{Lang: lang},
		Post:  care.Post{Platform: p, NativeID: id, Private: true},
		Match: care.Match{Customer: c, Known: !c.Prospect, Grade: care.GradeAsserted}}}
	said, _, err := d.render(template, true)
	if err != nil {
		return "", care.Errorf(care.Invalid, "the invitation cannot be worded: %v", err)
	}
	return said, nil
}

// measure counts what will be sent: on Mastodon a mention of the author goes
// before the text.
func (d *decision) measure(said string, private bool) text.Length {
	if d.Post.Platform == care.Mastodon {
		at := "@" + d.Post.Author.Handle
		if at == "@" {
			at += longestHandle
		}
		if !strings.Contains(strings.ToLower(said), strings.ToLower(at)) {
			said = at + " " + said
		}
	}
	return text.Measure(d.Post.Platform, said, private)
}

// language chooses the language of the answer: what triage heard, else the
// platform's hint, else the customer's, each where the template has it; else the
// template's fallback.
func (d *decision) language(t config.Template) (string, bool) {
	for _, tag := range []string{d.Triage.Lang, d.Post.Lang, d.Match.Customer.Lang} {
		lang := primary(tag)
		if _, ok := t.Text[lang]; ok {
			return lang, true
		}
		if lang != "" && lang != "und" {
			break // the author's language is known, and is another one
		}
	}
	if _, ok := t.Text[t.Fallback]; ok {
		return t.Fallback, true
	}
	return "", false
}

// pick chooses among n by the post's id: the same post gets the same words,
// however often it is decided, and different posts get different ones.
func pick(id care.PostID, n int) int {
	h := fnv.New64a()
	h.Write([]byte(id))
	return int(h.Sum64() % uint64(n))
}

// line is a template text with its variables filled in.
type line struct {
	text     string
	promised time.Time // of {{expect}}
}

// fill fills a text in; false when a variable has no value or nothing is left to
// say. A name or handle that may not be said has none, so that variants with it
// drop out.
func (d *decision) fill(template, lang string) (line, bool) {
	var l line
	said, ok := config.Fill(template, func(name string) (string, bool) {
		switch name {
		case "brand":
			return d.Bundle.Brand.Name, true
		case "name":
			return d.firstName()
		case "handle":
			return d.handle()
		case "expect":
			due := d.Bundle.Hours.Promise(d.Bundle.Routing.SLA, d.who(), d.Triage.Severity, d.when())
			words, ok := expectWords(lang, due, d.when(), d.calendar())
			l.promised = due
			return words, ok
		case "until":
			return untilWords(lang, d.when(), d.calendar())
		case "hours":
			return weekWords(lang, d.when(), d.calendar())
		}
		v, ok := d.Bundle.Variables[name]
		return v, ok
	})
	l.text = said
	return l, ok && strings.TrimSpace(said) != ""
}

// who is whose hours hold for the post.
func (d *decision) who() config.Who { return whoOf(d.Bundle, &d.Post, &d.Triage) }

func (d *decision) calendar() config.Calendar { return d.Bundle.Hours.For(d.who()) }

// whoOf is whose hours hold for the post.
func whoOf(b *config.Bundle, p *care.Post, t *care.Triage) config.Who { return b.Hours.Who(*p, *t) }

// isOpen says whether people answer now.
func isOpen(in *In, b *config.Bundle) bool {
	return b.Hours.For(whoOf(b, &in.Post, &in.Triage)).Open(in.Now)
}

// primary is the language of a tag: "es" of "es-MX".
func primary(tag string) string {
	lang, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(lang)
}

// firstName is the first name of the customer's record, where the match is sure
// enough to say it. What an author calls himself on the platform is never said.
func (d *decision) firstName() (string, bool) {
	if !d.Match.Known || d.Match.Grade != care.GradeAsserted && d.Match.Grade != care.GradeVerified {
		return "", false
	}
	return FirstName(d.Match.Customer.Name)
}

// titles are not first names.
var titles = map[string]bool{"mr": true, "mrs": true, "ms": true, "miss": true, "dr": true, "prof": true, "sir": true, "sr": true, "sra": true, "srta": true, "don": true, "doña": true, "señor": true, "señora": true, "herr": true, "frau": true, "the": true, "customer": true, "cliente": true, "test": true}

// FirstName takes the first name from a full name; false when it is not plainly
// one: a title, an initial, anything with digits or signs, or a script that
// writes the family name first.
func FirstName(full string) (string, bool) {
	first, _, _ := strings.Cut(strings.TrimSpace(full), " ")
	runes := []rune(first)
	if len(runes) < 2 || len(runes) > 20 || titles[strings.ToLower(first)] || strings.Contains(full, ",") {
		return "", false
	}
	for i, r := range runes {
		inner := i > 0 && i < len(runes)-1
		switch {
		case unicode.Is(unicode.Han, r), unicode.Is(unicode.Hangul, r), unicode.Is(unicode.Hiragana, r), unicode.Is(unicode.Katakana, r):
			return "", false
		case unicode.IsLetter(r), i > 0 && unicode.Is(unicode.Mn, r), inner && (r == '-' || r == '\'' || r == '’'):
		default:
			return "", false
		}
	}
	lower, upper := strings.ToLower(first), strings.ToUpper(first)
	if first == lower || first == upper { // typed in one case only
		l := []rune(lower)
		first = string(unicode.ToUpper(l[0])) + string(l[1:])
	}
	return first, true
}

// handleForm is compiled when the first template with {{handle}} is filled in.
var handleForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,100}[A-Za-z0-9])?)?$`)
})

// handle is "@" and the author's handle, where the platform has handles and it
// looks like one.
func (d *decision) handle() (string, bool) {
	switch d.Post.Platform {
	case care.X, care.Instagram, care.Mastodon, care.Bluesky:
		if h := d.Post.Author.Handle; handleForm().MatchString(h) {
			return "@" + h, true
		}
	}
	return "", false
}
