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

// render puts a template into words for the post's platform, in the author's
// language or the template's fallback. It never cuts a text: where the chosen
// variant is too long the short one must do. The error says in words why nothing
// can be said.
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
	value := d.values(lang)
	var usable []string
	for _, v := range variants {
		if filled, ok := config.Fill(v, value); ok {
			usable = append(usable, filled)
		}
	}
	if len(usable) == 0 {
		return "", lang, fmt.Errorf("no variant of template %s can be filled in", name)
	}
	said = usable[pick(d.Post.ID(), len(usable))]
	length := d.measure(said, private)
	if length.Fits {
		return said, lang, nil
	}
	if short != "" {
		if filled, ok := config.Fill(short, value); ok {
			if l := d.measure(filled, private); l.Fits {
				return filled, lang, nil
			}
		}
	}
	return "", lang, fmt.Errorf("template %s is too long for the platform (%d of %d %s) and has no short text that fits", name, length.Used, length.Limit, length.Unit)
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

// values gives the variables of a text; a name or handle that may not be said is
// not given, so that variants with it drop out.
func (d *decision) values(lang string) func(string) (string, bool) {
	b := d.Bundle
	return func(name string) (string, bool) {
		switch name {
		case "brand":
			return b.Brand.Name, true
		case "name":
			return d.firstName()
		case "handle":
			return d.handle()
		case "expect":
			return expect(lang, b.Hours, d.Now, b.Hours.ExpectFor(d.Post.Platform))
		case "hours":
			return week(lang, b.Hours)
		}
		v, ok := b.Variables[name]
		return v, ok
	}
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
