package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns s as it is compared: compatibility forms replaced (NFKC),
// lower case, without accents and invisible characters, look-alike letters of
// other scripts inside Latin words replaced by the letter that they imitate.
// White space and punctuation stay. "Ｖéｌоria" folds to "veloria".
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	word, latin, foreign := 0, false, false
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if invisible(r) { // does not even end a word
			i += n
			continue
		}
		if wordRune(r) {
			var l, f bool
			b, l, f = foldRune(b, s[i:i+n], r)
			latin, foreign = latin || l, foreign || f
		} else {
			if latin && foreign {
				b = unmask(b, word)
			}
			b = appendOther(b, r)
			word, latin, foreign = len(b), false, false
		}
		i += n
	}
	if latin && foreign {
		b = unmask(b, word)
	}
	return string(b)
}

func isFolded(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// appendOther appends a rune that is no letter, digit or mark; odd spaces become
// a space.
func appendOther(b []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		return append(b, byte(r))
	case unicode.IsSpace(r):
		return append(b, ' ')
	case isApostrophe(r):
		return append(b, '\'')
	}
	return utf8.AppendRune(b, r)
}

// foldRune appends the folded letter, digit or mark r, whose bytes are s.
// latin reports a plain Latin letter, foreign one that imitates a Latin letter.
func foldRune(b []byte, s string, r rune) (out []byte, latin, foreign bool) {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(b, byte(r)), 'a' <= r && r <= 'z', false
	}
	if dec := norm.NFKD.PropertiesString(s).Decomposition(); len(dec) > 0 {
		for len(dec) > 0 {
			q, n := utf8.DecodeRune(dec)
			dec = dec[n:]
			var l, f bool
			b, l, f = foldSimple(b, q)
			latin, foreign = latin || l, foreign || f
		}
		return b, latin, foreign
	}
	return foldSimple(b, r)
}

func foldSimple(b []byte, r rune) (out []byte, latin, foreign bool) {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(b, byte(r)), 'a' <= r && r <= 'z', false
	}
	switch r { // letters without a decomposition
	case 'ß', 'ẞ':
		return append(b, "ss"...), true, false
	case 'æ', 'Æ':
		return append(b, "ae"...), true, false
	case 'œ', 'Œ':
		return append(b, "oe"...), true, false
	case 'ø', 'Ø':
		return append(b, 'o'), true, false
	case 'ł', 'Ł':
		return append(b, 'l'), true, false
	case 'đ', 'Đ':
		return append(b, 'd'), true, false
	case 'ı':
		return append(b, 'i'), true, false
	}
	if unicode.Is(unicode.Mn, r) || invisible(r) {
		return b, false, false
	}
	if c := smallCapital(r); c != 0 {
		return append(b, c), true, false
	}
	r = unicode.ToLower(r)
	return utf8.AppendRune(b, r), false, lookAlike(r) != 0
}

// unmask rewrites b[from:], one word that mixes Latin with look-alikes.
func unmask(b []byte, from int) []byte {
	w := from
	for i := from; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if c := lookAlike(r); c != 0 {
			b[w] = c
			w++
		} else {
			w += copy(b[w:], b[i:i+n])
		}
		i += n
	}
	return b[:w]
}

// lookAlike gives the Latin letter that a lower-case letter of another script
// imitates, 0 for none. The pairs are the single-letter ones of Unicode's
// confusables (UTS #39) that occur in brand impersonation; only words that also
// hold a Latin letter are rewritten, so Russian stays Russian.
func lookAlike(r rune) byte {
	switch r {
	case 'а', 'α', 'ɑ':
		return 'a'
	case 'ь', 'β', 'в':
		return 'b'
	case 'с', 'ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'ε', 'є':
		return 'e'
	case 'ɡ', 'ց':
		return 'g'
	case 'н', 'һ', 'հ':
		return 'h'
	case 'і', 'ι', 'ɩ':
		return 'i'
	case 'ј':
		return 'j'
	case 'к', 'κ':
		return 'k'
	case 'ӏ', 'ǀ':
		return 'l'
	case 'м':
		return 'm'
	case 'п', 'η', 'ո':
		return 'n'
	case 'о', 'ο', 'օ':
		return 'o'
	case 'р', 'ρ':
		return 'p'
	case 'ԛ':
		return 'q'
	case 'г', 'ꭇ':
		return 'r'
	case 'ѕ':
		return 's'
	case 'т', 'τ':
		return 't'
	case 'υ', 'ս':
		return 'u'
	case 'ν', 'ѵ', 'ʋ':
		return 'v'
	case 'ԝ', 'ω', 'ɯ':
		return 'w'
	case 'х', 'χ':
		return 'x'
	case 'у', 'γ', 'ү':
		return 'y'
	}
	return 0
}

// smallCapital maps the phonetic small capitals that people use as a font.
func smallCapital(r rune) byte {
	switch r {
	case 'ᴀ':
		return 'a'
	case 'ʙ':
		return 'b'
	case 'ᴄ':
		return 'c'
	case 'ᴅ':
		return 'd'
	case 'ᴇ':
		return 'e'
	case 'ꜰ':
		return 'f'
	case 'ɢ':
		return 'g'
	case 'ʜ':
		return 'h'
	case 'ɪ':
		return 'i'
	case 'ᴊ':
		return 'j'
	case 'ᴋ':
		return 'k'
	case 'ʟ':
		return 'l'
	case 'ᴍ':
		return 'm'
	case 'ɴ':
		return 'n'
	case 'ᴏ':
		return 'o'
	case 'ᴘ':
		return 'p'
	case 'ʀ':
		return 'r'
	case 'ꜱ':
		return 's'
	case 'ᴛ':
		return 't'
	case 'ᴜ':
		return 'u'
	case 'ᴠ':
		return 'v'
	case 'ᴡ':
		return 'w'
	case 'ʏ':
		return 'y'
	case 'ᴢ':
		return 'z'
	}
	return 0
}

// invisible reports characters that take no room and carry no meaning for us:
// zero-width spaces and joiners, bidi controls, soft hyphen, variation
// selectors, tags.
func invisible(r rune) bool {
	switch {
	case r < 0xAD:
		return false
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x180E, r == 0xFEFF,
		0x200B <= r && r <= 0x200F, 0x202A <= r && r <= 0x202E,
		0x2060 <= r && r <= 0x206F, 0xFE00 <= r && r <= 0xFE0F,
		0xE0000 <= r && r <= 0xE0FFF:
		return true
	}
	return false
}

func isApostrophe(r rune) bool {
	switch r {
	case '\'', '’', '‘', 'ʼ', '´', '`', '′', '＇':
		return true
	}
	return false
}

// wordRune reports a rune that belongs inside a word.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	if invisible(r) {
		return false
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || styledLetter(r)
}

// styledLetter reports enclosed letters, which Unicode files under symbols but
// people use as a font (circled and squared alphabets). They fold by NFKD.
func styledLetter(r rune) bool {
	return 0x24B6 <= r && r <= 0x24E9 || 0x1F130 <= r && r <= 0x1F149
}

// Stem cuts the inflection off a folded word and returns the part that stays.
// It knows English and Spanish endings (Portuguese and French profit), and uses
// one set of rules for all of them, so that it needs no language. It serves to
// compare words with each other; a stem need not be a word.
func Stem(w []byte) []byte {
	n := len(w)
	if n <= 3 || w[n-1] >= utf8.RuneSelf {
		return w
	}
	if w[n-1] == 's' && w[n-2] != 's' && w[n-2] != 'u' && w[n-2] != 'i' {
		w = w[:n-1]
	}
	for range 3 {
		m := strip(w)
		if m == len(w) {
			break
		}
		w = w[:m]
	}
	if n = len(w); n > 3 && w[n-1] == w[n-2] {
		w = w[:n-1]
	}
	return w
}

// strip gives the length of w without one ending.
func strip(w []byte) int {
	n := len(w)
	has := func(suffix string, stay int) bool {
		m := len(suffix)
		return n >= m+stay && string(w[n-m:]) == suffix
	}
	switch w[n-1] {
	case 'g':
		if has("ating", 4) {
			return n - 5
		}
		if has("ing", 3) {
			return n - 3
		}
	case 'd':
		if has("ated", 4) {
			return n - 4
		}
		if has("ed", 3) && w[n-3] != 'e' {
			return n - 2
		}
	case 'y':
		if has("ly", 4) {
			return n - 2
		}
		if n > 4 {
			return n - 1
		}
	case 'i':
		if n > 4 {
			return n - 1
		}
	case 'n':
		switch {
		case has("cacion", 3), has("ations", 4):
			return n - 5
		case has("acion", 3), has("ation", 4), has("ieron", 3):
			return n - 5
		case has("cion", 4), has("aron", 3):
			return n - 4
		case has("ion", 4), has("ian", 4), has("aba", 4):
			return n - 3
		case has("aban", 3):
			return n - 4
		case has("an", 4), has("en", 4):
			return n - 2
		}
	case 't':
		if has("ment", 4) {
			return n - 4
		}
	case 'r':
		if has("ar", 4) || has("ir", 4) || has("er", 4) {
			return n - 2
		}
	case 'o':
		switch {
		case has("amiento", 3), has("imiento", 3):
			return n - 7
		case has("iendo", 4):
			return n - 5
		case has("ando", 4):
			return n - 4
		case has("ado", 4), has("ido", 4), has("rlo", 4):
			return n - 3
		}
		if n > 4 {
			return n - 1
		}
	case 'a':
		switch {
		case has("ada", 4), has("ida", 4), has("aba", 4), has("rla", 4):
			return n - 3
		case has("ia", 4):
			return n - 2
		}
		if n > 4 {
			return n - 1
		}
	case 'e':
		switch {
		case has("mente", 4):
			return n - 5
		case has("ate", 4), has("rme", 4), has("rse", 5), has("rle", 4):
			return n - 3
		}
		if n > 4 {
			return n - 1
		}
	case 's':
		switch {
		case has("ciones", 3):
			return n - 6
		case has("rnos", 4):
			return n - 4
		case has("os", 4), has("as", 4), has("es", 4):
			return n - 2
		}
	}
	return n
}
