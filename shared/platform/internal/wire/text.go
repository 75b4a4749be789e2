package wire

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

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
	if b.Len() == 0 { // "?!": nothing but what is dropped
		return strings.Join(strings.Fields(s), " ")
	}
	return b.String()
}
