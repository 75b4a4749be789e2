package reply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/text"
)

// holdsNaively looks for one phrase after the other, letter by letter: the rule
// for keywords as a person would state it. It shares only text.Fold with the
// finder.
func holdsNaively(post, phrase string) bool {
	plain := func(s string) []rune { return []rune(strings.Join(strings.Fields(text.Fold(s)), " ")) }
	in, w := plain(post), plain(phrase)
	letter := func(i int) bool {
		return i >= 0 && i < len(in) && (unicode.IsLetter(in[i]) || unicode.IsDigit(in[i]))
	}
	for i := 0; len(w) > 0 && i+len(w) <= len(in); i++ {
		// Neither the letter before nor the one behind may be part of a word.
		if slices.Equal(in[i:i+len(w)], w) && !letter(i-1) && !letter(i+len(w)) {
			return true
		}
	}
	return false
}

// foundIn is which of the sets the finder finds.
func foundIn(post string, sets ...[]string) []bool {
	var w finder
	for _, s := range sets {
		w.set(s)
	}
	var found set
	w.find(new(search), post, &found)
	out := make([]bool, len(sets))
	for i := range sets {
		out[i] = found.has(int32(i))
	}
	return out
}

func TestKeywords(t *testing.T) {
	rows := []struct {
		name, post, phrase string
		want               bool
	}{
		{"a word", "my router is off", "router", true},
		{"part of a word", "my routers are off", "router", false},
		{"at the end of a word", "a microphone", "phone", false},
		{"case", "My ROUTER", "router", true},
		{"accents in the post", "una AVERÍA", "averia", true},
		{"accents in the keyword", "una averia", "Avería", true},
		{"decomposed accents", "una averi\u0301a", "avería", true},
		{"wide letters", "ｒｏｕｔｅｒ", "router", true},
		{"look-alike letters", "rоuter", "router", true}, // a Cyrillic o
		{"invisible characters", "rou\u200bter", "router", true},
		{"a phrase", "your opening hours please", "opening hours", true},
		{"a phrase over a line break and a tab", "your opening\n\t hours?", "opening hours", true},
		{"a phrase whose spaces are odd", "opening\u00a0hours", " opening   hours ", true},
		{"a phrase in pieces", "opening the hours", "opening hours", false},
		{"half a phrase", "opening", "opening hours", false},
		{"a phrase that ends in part of a word", "opening hourss", "opening hours", false},
		{"before a hyphen", "sim-card", "sim", true},
		{"a hyphen in the keyword", "my e-sim fails", "e-sim", true},
		{"a hyphen that is a space", "my e sim fails", "e-sim", false},
		{"plus signs", "I write c++ daily", "c++", true},
		{"plus signs before a word", "c++ish", "c++", false},
		{"a plus sign more", "c+++", "c++", true},
		{"a hashtag", "so #outage again", "#outage", true},
		{"a hashtag's word", "so #outage again", "outage", true},
		{"a hashtag behind a word", "so#outage", "#outage", false},
		{"digits touch", "5ghz", "5g", false},
		{"digits", "is it 5G?", "5g", true},
		{"an underscore", "my_router", "router", true},
		{"apostrophes of any kind", "I can’t log in", "can't", true},
		{"the first of two ends inside a word, the second does not", "simple sim", "sim", true},
		{"overlapping", "aba aba", "aba aba", true},
		{"a phrase that begins like itself", "no no repair", "no repair", true},
		{"Chinese runs on", "我的路由器坏了", "路由器", false},
		{"Chinese between signs", "我的「路由器」坏了", "路由器", true},
		{"an emoji", "this is bad 😡😡", "😡", true},
		{"nothing in the keyword", "hello", "\u200b", false},
		{"nothing in the post", "", "hello", false},
		{"broken UTF-8", "router\xff!", "router", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := foundIn(row.post, []string{"zzz", row.phrase})[0]; got != row.want {
				t.Errorf("%q in %q: %v, want %v", row.phrase, row.post, got, row.want)
			}
			if got := holdsNaively(row.post, row.phrase); got != row.want {
				t.Errorf("the oracle says %v, want %v", got, row.want)
			}
		})
	}
}

// pieces make texts in which phrases begin, end, overlap and nearly match.
var pieces = []string{"a", "b", "ab", "aba", "A", "á", "ä", "ss", "ß", "5", "5g", "sim", "SIM", "card", "no", "repair", " ", " ", " ", "  ", "\n", "\t", "\u00a0", "-", "+", "++", "#", "@", "_", "'", "’", ".", "!", "?", "\u200b", "\u0301", "о", "ｒ", "路", "由", "😡", "\xff", "ﬁ", "İ", "ı", "क", "ि", "\x00"}

func TestKeywordsOfManySetsAreFoundAsIfEachWereAlone(t *testing.T) {
	hits := 0
	check := func(t *rapid.T) {
		words := func(most int, label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, most).Draw(t, label), "")
		}
		var sets [][]string
		for i := range rapid.IntRange(1, 8).Draw(t, "sets") {
			var s []string
			for j := range rapid.IntRange(0, 4).Draw(t, "phrases") {
				s = append(s, words(4, fmt.Sprintf("phrase %d of %d", j, i)))
			}
			sets = append(sets, s)
		}
		post := words(25, "post")
		for i, got := range foundIn(post, sets...) {
			want := slices.ContainsFunc(sets[i], func(p string) bool { return holdsNaively(post, p) })
			if got != want {
				t.Fatalf("%q in %q: %v, want %v", sets[i], post, got, want)
			}
			if got {
				hits++
			}
		}
	}
	for n := 0; n < 200 && hits < 100; n++ { // few phrases are found: go on until some are
		rapid.Check(t, check)
	}
	if hits < 100 {
		t.Errorf("only %d sets were found at all, so little was tested", hits)
	}
}

func FuzzKeywords(f *testing.F) {
	for _, s := range [][2]string{{"my router is off", "router"}, {"c+++ c++", "c++"}, {"Una AVERÍA\nya", "averia ya"}, {"\xff\xfe", "\xff"}, {"İstanbul", "istanbul"}, {"ǅ", "dz"}, {"a a a", "a a"}, {"#a#a", "#a"}, {"ﬁ", "fi"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, post, phrase string) {
		if len(post) > 4000 || len(phrase) > 1000 {
			t.Skip("the oracle takes as long as one is long times the other")
		}
		// A second set, made of the post itself, must not hide the first.
		var other []string
		if utf8.RuneCountInString(post) < 50 {
			other = strings.Fields(post)
		}
		got := foundIn(post, other, []string{phrase})
		if want := holdsNaively(post, phrase); got[1] != want {
			t.Errorf("%q in %q: %v, want %v", phrase, post, got[1], want)
		}
		if want := slices.ContainsFunc(other, func(p string) bool { return holdsNaively(post, p) }); got[0] != want {
			t.Errorf("%q in %q: %v, want %v", other, post, got[0], want)
		}
	})
}
