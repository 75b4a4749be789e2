package triage

import (
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/text"
)

// Words of the lexica must be written as Fold leaves them, or they never match.
func TestLexicaAreFolded(t *testing.T) {
	check := func(where, w string) {
		if w == "" || w == "~" || w[0] == '$' {
			return
		}
		w = strings.TrimPrefix(w, "=")
		d := text.Parse(w)
		ok := false
		for i := range d.Tokens {
			if string(d.Word(i)) == w && len(d.Tokens) == 1 {
				ok = true
			}
		}
		if !ok {
			t.Errorf("%s: %q can never match; it reads as %q", where, w, text.Fold(w))
		}
	}
	for _, v := range valences {
		for _, w := range strings.Fields(v.words) {
			check("valences", w)
		}
	}
	for c, l := range classWords {
		for _, w := range strings.Fields(l) {
			check("class "+classNames[c], w)
		}
	}
	for _, n := range negators {
		for _, w := range strings.Fields(n.words) {
			check("negators", w)
		}
	}
	for _, b := range boosters {
		for _, w := range strings.Fields(b.words) {
			check("boosters", w)
		}
	}
	for _, w := range strings.Fields(emptyWords) {
		check("empty words", w)
	}
	for _, c := range cues {
		for _, p := range strings.Split(c.text, "|") {
			if strings.TrimSpace(p) == "" {
				t.Errorf("an empty phrase in the cues of tag %d", c.tag)
			}
			for _, w := range strings.Fields(p) {
				check("cue "+p, w)
			}
		}
	}
	for _, c := range concepts {
		for _, part := range c {
			for _, p := range strings.Split(part.text, "|") {
				for _, w := range strings.Fields(p) {
					check("concept "+p, w)
				}
			}
		}
	}
	if len(concepts) > 63 {
		t.Errorf("%d concepts do not fit the bits of a reading", len(concepts))
	}
}

// Building every language proves that every class that a cue names exists
// (classNamed panics), and that the tables hold what was put in.
func TestLexicaBuild(t *testing.T) {
	for l := en; l <= pt; l <<= 1 {
		lex := buildLexicon(l)
		if len(lex.cues) < 20 || lex.vocab.Len() < 500 {
			t.Errorf("language %b: %d cues, %d words", l, len(lex.cues), lex.vocab.Len())
		}
		t.Logf("language %b: %d words, %d cue groups", l, lex.vocab.Len(), len(lex.cues))
	}
}

func TestEmoji(t *testing.T) {
	for _, c := range []struct {
		emoji string
		sign  int
	}{{"😍", 1}, {"👍", 1}, {":)", 1}, {"<3", 1}, {"😡", -1}, {":(", -1}, {"💩", -1}, {"👎", -1}, {"🚲", 0}, {"x", 0}} {
		v := emojiValue([]byte(c.emoji))
		if c.sign > 0 && v <= 0 || c.sign < 0 && v >= 0 || c.sign == 0 && v != 0 {
			t.Errorf("%s has valence %d", c.emoji, v)
		}
	}
}

func TestOneEdit(t *testing.T) {
	for _, c := range []struct {
		a    string
		want bool
	}{
		{"veloria", true}, {"velria", true}, {"vveloria", true}, {"velorai", true}, {"veloriaa", true}, {"valoria", true}, {"veloira", true},
		{"velor", false}, {"gloria", false}, {"victoria", false}, {"velodrome", false}, {"", false},
	} {
		if got := oneEdit([]byte(c.a), "veloria"); got != c.want {
			t.Errorf("oneEdit(%q) = %v", c.a, got)
		}
	}
}
