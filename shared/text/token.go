package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// TokenKind says what a token is.
type TokenKind uint8

// The kinds of tokens.
const (
	Word    TokenKind = iota // letters, perhaps with digits: "internet", "5g"
	Number                   // "30", "29.99", "+1"
	Hashtag                  // whole tag without "#"; its words follow as Word tokens with InTag
	Mention                  // account without "@"; Mastodon's with its host
	URL                      // http://..., www...., or a bare domain
	Email                    // an e-mail address
	Emoji                    // one emoji or emoticon
	Mark                     // a run of one punctuation character, or a line break
)

// Flags of a token.
const (
	Upper     uint8 = 1 << iota // two or more letters, all upper case
	Title                       // begins with an upper-case letter
	Elongated                   // a letter is repeated three times or more ("sooo")
	InTag                       // a word inside the hashtag before it
)

// Token is a piece of a text. Start and End are byte offsets in the text.
type Token struct {
	Kind       TokenKind
	Flags      uint8
	Start, End int32
	from, to   int32 // folded form in Doc.fold
}

// Doc is a text taken apart. The zero value is ready for Parse; parsing again
// reuses the memory.
type Doc struct {
	Text   string
	Tokens []Token
	// Letters, Upper count letters and upper-case letters outside URLs.
	Letters, Uppers int
	// scripts counts letters by script, special those that tell Latin
	// languages apart; see language.go.
	scripts [numScripts]int
	special [numLangs]int
	fold    []byte
	hasAt   bool
}

// Parse takes s apart. Foreign bytes (invalid UTF-8) count as marks.
func Parse(s string) *Doc {
	d := new(Doc)
	d.Parse(s)
	return d
}

// Word gives the folded form of token i. For an Emoji it is the character
// itself or the emoticon, for a Mark its character. The bytes are good until
// the next Parse and must not be changed.
func (d *Doc) Word(i int) []byte {
	t := &d.Tokens[i]
	return d.fold[t.from:t.to:t.to]
}

// Raw gives the text of token i as it was written.
func (d *Doc) Raw(i int) string { return d.Text[d.Tokens[i].Start:d.Tokens[i].End] }

// Parse takes s apart, in one pass, linear in len(s).
func (d *Doc) Parse(s string) {
	*d = Doc{Text: s, Tokens: d.Tokens[:0], fold: d.fold[:0]}
	d.hasAt = strings.IndexByte(s, '@') >= 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			if n := urlAt(s, i); n > 0 {
				i = d.plain(URL, i, i+n)
			} else if n := d.emailAt(i); n > 0 {
				i = d.plain(Email, i, i+n)
			} else {
				i = d.word(i, 0)
			}
		case isDigit(c):
			if n := d.emailAt(i); n > 0 {
				i = d.plain(Email, i, i+n)
			} else {
				i = d.number(i, i)
			}
		case c == '+' && i+1 < len(s) && isDigit(s[i+1]):
			i = d.number(i, i+1)
		case c == '@' || c == '#':
			i = d.sigil(i, i+1, c)
		case c < utf8.RuneSelf:
			if n := emoticonAt(s, i); n > 0 {
				i = d.plain(Emoji, i, i+n)
			} else {
				i = d.mark(i, rune(c), 1)
			}
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case invisible(r):
				i += n
			case r == '＠':
				i = d.sigil(i, i+n, '@')
			case r == '＃':
				i = d.sigil(i, i+n, '#')
			case unicode.IsSpace(r):
				i += n
			case isEmoji(r):
				i = d.emoji(i)
			case wordRune(r):
				i = d.word(i, 0)
			default:
				i = d.mark(i, r, n)
			}
		}
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (d *Doc) add(t Token) { d.Tokens = append(d.Tokens, t) }

// plain adds a token whose folded form is its ASCII-lowered text.
func (d *Doc) plain(k TokenKind, start, end int) int {
	from := len(d.fold)
	d.lower(start, end)
	d.add(Token{Kind: k, Start: int32(start), End: int32(end), from: int32(from), to: int32(len(d.fold))})
	return end
}

func (d *Doc) lower(start, end int) {
	for i := start; i < end; i++ {
		c := d.Text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		d.fold = append(d.fold, c)
	}
}

// mark adds a run of one punctuation character.
func (d *Doc) mark(i int, r rune, n int) int {
	end := i + n
	unit := d.Text[i:end]
	for strings.HasPrefix(d.Text[end:], unit) {
		end += n
	}
	from := len(d.fold)
	d.fold = append(d.fold, unit...)
	d.add(Token{Kind: Mark, Start: int32(i), End: int32(end), from: int32(from), to: int32(len(d.fold))})
	return end
}

// number adds a number that starts at start and whose first digit is at i; a
// letter right behind it makes it a word ("5g", "2nd").
func (d *Doc) number(start, i int) int {
	s := d.Text
	for i < len(s) {
		c := s[i]
		if isDigit(c) || (c == '.' || c == ',' || c == ':') && i+1 < len(s) && isDigit(s[i+1]) && isDigit(s[i-1]) {
			i++
			continue
		}
		break
	}
	if i < len(s) {
		if r, _ := utf8.DecodeRuneInString(s[i:]); s[start] != '+' && wordRune(r) && !unicode.IsMark(r) && !isIdeographic(r) {
			return d.word(start, 0)
		}
	}
	return d.plain(Number, start, i)
}

// sigil adds a mention or hashtag whose name begins at i.
func (d *Doc) sigil(start, i int, c byte) int {
	s := d.Text
	end := i
	for end < len(s) {
		b := s[end]
		if b < utf8.RuneSelf {
			if 'a' <= b|0x20 && b|0x20 <= 'z' || isDigit(b) || b == '_' {
				end++
				continue
			}
			// Dots and hyphens are part of Instagram, Bluesky and Mastodon
			// names; a second "@" joins a Mastodon name to its host.
			if c == '@' && (b == '.' || b == '-' || b == '@' && end > i) && end+1 < len(s) && alnum(s[end+1]) {
				end++
				continue
			}
			break
		}
		r, n := utf8.DecodeRuneInString(s[end:])
		if c == '@' || !wordRune(r) {
			break
		}
		end += n
	}
	if end == i {
		return d.mark(start, rune(c), i-start)
	}
	if c == '@' {
		from := len(d.fold)
		d.lower(i, end)
		d.add(Token{Kind: Mention, Start: int32(start), End: int32(end), from: int32(from), to: int32(len(d.fold))})
		return end
	}
	at := len(d.Tokens)
	d.add(Token{Kind: Hashtag, Start: int32(start), End: int32(end)})
	from := len(d.fold)
	d.fold = append(d.fold, Fold(s[i:end])...)
	d.Tokens[at].from, d.Tokens[at].to = int32(from), int32(len(d.fold))
	// Its words: cut at "_", digits' edges and lower-to-upper edges.
	for j := i; j < end; {
		for j < end && s[j] == '_' {
			j++
		}
		k, prevLower, prevDigit := j, false, false
		for k < end && s[k] != '_' {
			r, n := utf8.DecodeRuneInString(s[k:end])
			digit := unicode.IsDigit(r)
			if k > j && (prevLower && unicode.IsUpper(r) || digit != prevDigit) {
				break
			}
			prevLower, prevDigit = unicode.IsLower(r), digit
			k += n
		}
		if k > j {
			d.letters(j, k, InTag)
		}
		j = k
	}
	return end
}

// word adds the word at start and gives the offset behind it.
func (d *Doc) word(start int, flags uint8) int {
	s := d.Text
	i := start
	ideo := -1
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf && c != '\'' && c != '`' {
			if !alnum(c) || ideo == 1 {
				break
			}
			ideo = 0
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if isApostrophe(r) {
			// Inside a word only.
			if i > start && i+n < len(s) {
				if q, _ := utf8.DecodeRuneInString(s[i+n:]); unicode.IsLetter(q) {
					if elision(s[start:i]) {
						break
					}
					i += n
					continue
				}
			}
			break
		}
		if invisible(r) {
			i += n
			continue
		}
		if !wordRune(r) {
			break
		}
		// Chinese and Japanese run on without spaces: cut where Latin begins.
		now := 0
		if isIdeographic(r) {
			now = 1
		}
		if ideo >= 0 && now != ideo && !unicode.IsMark(r) {
			break
		}
		if !unicode.IsMark(r) || ideo < 0 {
			ideo = now
		}
		i += n
	}
	if i == start { // cannot happen for a word rune; never stand still
		_, n := utf8.DecodeRuneInString(s[i:])
		i += n
	}
	d.letters(start, i, flags)
	return i
}

// elision reports French and Italian articles that stand before an apostrophe
// and are words of their own: l'internet, n'arrive, qu'il.
func elision(s string) bool {
	switch len(s) {
	case 1:
		switch s[0] | 0x20 {
		case 'l', 'd', 'j', 'n', 's', 'c', 'm', 't':
			return true
		}
	case 2:
		return strings.EqualFold(s, "qu")
	}
	return false
}

// contraction reports what may follow an English apostrophe without changing
// the word before it: Veloria's, we'll, you're, I've. "n't" does change it.
func contraction(s string) bool {
	switch len(s) {
	case 1:
		switch s[0] | 0x20 {
		case 's', 'd', 'm':
			return true
		}
	case 2:
		return strings.EqualFold(s, "ll") || strings.EqualFold(s, "re") || strings.EqualFold(s, "ve")
	}
	return false
}

// letters folds s[start:end] as one word and counts its letters.
func (d *Doc) letters(start, end int, flags uint8) {
	s := d.Text
	from := len(d.fold)
	latin, foreign := false, false
	letters, uppers := 0, 0
	for i := start; i < end; {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case 'a' <= c && c <= 'z':
				letters++
			case 'A' <= c && c <= 'Z':
				c += 'a' - 'A'
				letters++
				uppers++
				if i-1 == start {
					flags |= Title
				}
			case c == '\'' || c == '`':
				if contraction(s[i:end]) {
					i = end
				}
				continue
			}
			if c >= 'a' {
				latin = true
			}
			d.fold = append(d.fold, c)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if isApostrophe(r) {
			i += n
			if contraction(s[i:end]) {
				i = end
			}
			continue
		}
		if invisible(r) {
			i += n
			continue
		}
		if unicode.IsLetter(r) {
			letters++
			if unicode.IsUpper(r) {
				uppers++
				if i == start {
					flags |= Title
				}
			}
			d.countLetter(r, flags&Title != 0)
		}
		var l, f bool
		d.fold, l, f = foldRune(d.fold, s[i:i+n], r)
		latin, foreign = latin || l, foreign || f
		i += n
	}
	if latin && foreign {
		d.fold = unmask(d.fold, from)
	}
	if latin {
		d.scripts[scriptLatin] += letters
	}
	d.Letters += letters
	d.Uppers += uppers
	if letters >= 2 && letters == uppers {
		flags |= Upper
	}
	most := 2
	if oneLetter(d.fold[from:]) {
		most = 3 // "kkk" laughs, "bbb" is a name: no elongation of anything
	}
	if shrunk := squeeze(d.fold[from:], most); shrunk < len(d.fold)-from {
		d.fold = d.fold[:from+shrunk]
		flags |= Elongated
	}
	d.add(Token{Kind: Word, Flags: flags, Start: int32(start), End: int32(end), from: int32(from), to: int32(len(d.fold))})
}

func oneLetter(w []byte) bool {
	for _, c := range w {
		if c != w[0] {
			return false
		}
	}
	return true
}

// squeeze shortens, in place, every run of more than most equal letters to most
// letters; it gives the new length. Digits stay.
func squeeze(w []byte, most int) int {
	out, run := 0, 0
	for i, c := range w {
		if i > 0 && c == w[i-1] && 'a' <= c && c <= 'z' {
			run++
		} else {
			run = 1
		}
		if run <= most {
			w[out] = c
			out++
		}
	}
	return out
}

func alnum(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigit(c) }

// urlAt gives the length of the URL at i, 0 for none.
func urlAt(s string, i int) int {
	rest := s[i:]
	if len(rest) < 5 {
		return 0
	}
	scheme := 0
	switch rest[0] | 0x20 {
	case 'h':
		if hasFold(rest, "http://") {
			scheme = 7
		} else if hasFold(rest, "https://") {
			scheme = 8
		}
	case 'w':
		if hasFold(rest, "www.") {
			scheme = 4
		}
	}
	n := scheme
	if scheme == 0 {
		// A bare domain: labels of letters, digits, hyphens, and a known end.
		for n < len(rest) && (alnum(rest[n]) || rest[n] == '-' || rest[n] == '.' && n+1 < len(rest) && alnum(rest[n+1])) {
			n++
		}
		dot := strings.LastIndexByte(rest[:n], '.')
		if dot <= 0 || n < len(rest) && rest[n] == '@' {
			return 0
		}
		slash := n < len(rest) && rest[n] == '/'
		if !knownDomain(rest[dot+1:n], slash) {
			return 0
		}
		if !slash {
			return n
		}
	}
	for n < len(rest) {
		c := rest[n]
		if c <= ' ' || c == '<' || c == '>' || c == '"' || c >= utf8.RuneSelf && urlEnd(rest[n:]) {
			break
		}
		n++
	}
	for n > scheme && strings.IndexByte(".,;:!?)'*]", rest[n-1]) >= 0 {
		n--
	}
	if n == scheme {
		return 0
	}
	return n
}

func urlEnd(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r) || isEmoji(r) || r == '…' || r == '”' || r == '»' || r == utf8.RuneError || invisible(r)
}

// knownDomain reports ends of domains. Those that are also words at the end of
// a sentence count only before a slash.
func knownDomain(tld string, slash bool) bool {
	if len(tld) > 8 {
		return false
	}
	var b [8]byte
	n := copy(b[:], tld)
	for i := range b[:n] {
		b[i] |= 0x20
	}
	switch string(b[:n]) {
	case "com", "net", "org", "io", "gov", "edu", "example", "app", "dev", "xyz", "info", "shop", "online", "site", "top", "club", "biz", "store", "vip", "tv", "gl", "ly":
		return true
	case "me", "es", "de", "us", "co", "uk", "fr", "it", "pt", "br", "eu", "ca", "mx", "ar", "cl", "in", "to", "be", "link", "live", "gg", "cc", "ru", "cn", "jp", "au", "nl", "ch", "at", "bio":
		return slash
	}
	return false
}

func hasFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := 0; i < len(lower); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// emailAt gives the length of the e-mail address that begins at i, 0 for none.
func (d *Doc) emailAt(i int) int {
	if !d.hasAt {
		return 0
	}
	n, _ := emailLen(d.Text[i:])
	return n
}

// emailLen matches an address at the start of s; ok is false when none begins
// there. RFC 5321 allows 64 bytes of local part and 255 of domain.
func emailLen(s string) (n int, ok bool) {
	for n < len(s) && n <= 64 && (alnum(s[n]) || strings.IndexByte("._%+-", s[n]) >= 0) {
		n++
	}
	if n == 0 || n > 64 || n >= len(s) || s[n] != '@' || s[n-1] == '.' {
		return 0, false
	}
	n++
	host, dot := n, -1
	for n < len(s) && n-host < 255 && (alnum(s[n]) || (s[n] == '-' || s[n] == '.') && n > host && n+1 < len(s) && alnum(s[n+1])) {
		if s[n] == '.' {
			dot = n
		}
		n++
	}
	if dot < 0 || n-dot < 3 {
		return 0, false
	}
	for _, c := range []byte(s[dot+1 : n]) {
		if isDigit(c) {
			return 0, false
		}
	}
	return n, true
}

// emoji adds one emoji with its modifiers.
func (d *Doc) emoji(start int) int {
	s := d.Text
	r, n := utf8.DecodeRuneInString(s[start:])
	i := start + n
	if isFlag(r) {
		if q, m := utf8.DecodeRuneInString(s[i:]); isFlag(q) {
			i += m
		}
	} else {
		for i < len(s) {
			q, m := utf8.DecodeRuneInString(s[i:])
			if q == 0x200D {
				p, k := utf8.DecodeRuneInString(s[i+m:])
				if !isEmoji(p) {
					i += m
					break
				}
				i += m + k
				continue
			}
			if q == 0xFE0F || 0x1F3FB <= q && q <= 0x1F3FF || 0xE0020 <= q && q <= 0xE007F {
				i += m
				continue
			}
			break
		}
	}
	from := len(d.fold)
	d.fold = utf8.AppendRune(d.fold, r)
	d.add(Token{Kind: Emoji, Start: int32(start), End: int32(i), from: int32(from), to: int32(len(d.fold))})
	return i
}

func isFlag(r rune) bool { return 0x1F1E6 <= r && r <= 0x1F1FF }

// isEmoji reports pictographs. It errs towards yes for symbols that people use
// as such (Unicode's Emoji property without digits and letter-like signs).
func isEmoji(r rune) bool {
	switch {
	case r < 0x203C:
		return false
	case 0x1F300 <= r && r <= 0x1FAFF, 0x1F000 <= r && r <= 0x1F0FF, isFlag(r),
		0x2600 <= r && r <= 0x27BF, 0x2B05 <= r && r <= 0x2B55, 0x231A <= r && r <= 0x23FF,
		r == 0x203C, r == 0x2049, 0x1F170 <= r && r <= 0x1F19A, 0x1F200 <= r && r <= 0x1F2FF:
		return true
	}
	return false
}

// isIdeographic reports scripts written without spaces.
func isIdeographic(r rune) bool {
	switch {
	case r < 0xE00:
		return false
	case r <= 0xE7F, 0x3040 <= r && r <= 0x30FF, 0x3400 <= r && r <= 0x9FFF, 0xF900 <= r && r <= 0xFAFF, 0x20000 <= r && r <= 0x3FFFF:
		return true
	}
	return false
}

// emoticonAt gives the length of the emoticon at i, 0 for none.
func emoticonAt(s string, i int) int {
	if i > 0 && alnum(s[i-1]) && s[i] != '<' {
		return 0
	}
	switch s[i] {
	case ':', ';', '=', '<', '>', 'x':
	default:
		return 0
	}
	for _, e := range [...]string{":'(", ":-(", ":-)", ">:(", ":-/", ":')", ";-)", ":(", ":)", ":D", ":/", ";)", "=)", "=(", "<3", ":P", ":O", ":|"} {
		if strings.HasPrefix(s[i:], e) {
			end := i + len(e)
			if e[len(e)-1] == '/' && end < len(s) && s[end] == '/' { // "://"
				return 0
			}
			if c := e[len(e)-1]; (alnum(c)) && end < len(s) && alnum(s[end]) {
				return 0
			}
			for end < len(s) && (e[len(e)-1] == ')' || e[len(e)-1] == '(') && s[end] == e[len(e)-1] {
				end++
			}
			return end - i
		}
	}
	return 0
}
