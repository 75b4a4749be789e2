package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/fielder-care/fielder/shared/care"
)

// Clean makes foreign text safe to store: valid UTF-8, line feeds only, no other
// control characters (NUL breaks stores and terminals). Direction marks stay:
// they belong to the language.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return '\n'
		case control(r) && r != '\n' && r != '\t':
			return -1
		}
		return r
	}, s)
}

func control(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

// Line is Clean for a name: one line, at most 200 characters.
func Line(s string) string {
	s = strings.Join(strings.Fields(Clean(s)), " ")
	if utf8.RuneCountInString(s) > 200 {
		r := []rune(s)
		s = string(r[:200])
	}
	return s
}

// Cut shortens text to care.MaxTextBytes without splitting a character.
func Cut(s string) (string, bool) {
	if len(s) <= care.MaxTextBytes {
		return s, false
	}
	n := care.MaxTextBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

// Graphemes counts what a reader sees as characters (UAX #29).
func Graphemes(s string) int {
	n := 0
	for it := graphemes.FromString(s); it.Next(); {
		n++
	}
	return n
}

// Fingerprint is what is left of a text when everything that servers rewrite is
// dropped: case, spaces, punctuation, markup signs. Two texts with one
// fingerprint say the same thing.
func Fingerprint(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f && !strings.ContainsRune("\u00a0\u200b\u2009\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022", r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
