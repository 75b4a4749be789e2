package text

import (
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"golang.org/x/text/unicode/norm"

	"github.com/fielder-care/fielder/shared/care"
)

// Length says how much of a platform's limit a text takes. Where a platform has
// two limits it is the one that the text comes closer to.
type Length struct {
	Used  int
	Limit int
	// Unit is what is counted: "weighted characters", "characters", "graphemes"
	// or "bytes".
	Unit string
	Fits bool
}

// Limits of the platforms. Verified means: in the platform's own documentation
// or source; the others are the figures that its developers commonly state, and
// a text beyond them fails at the platform with a clear error.
const (
	xLimit             = 280   // verified: twitter-text config v3
	xDirectLimit       = 10000 // X direct messages; not verified
	facebookLimit      = 8000  // comments; not verified
	messengerLimit     = 2000  // Messenger Send API, text; not verified
	instagramLimit     = 2200  // comments; not verified
	instagramDirect    = 1000  // bytes, Instagram messaging; not verified
	mastodonLimit      = 500   // verified: the default of status_length_validator; servers may allow more
	mastodonURL        = 23    // verified: characters_reserved_per_url
	blueskyLimit       = 300   // verified: lexicon app.bsky.feed.post, maxGraphemes
	blueskyBytes       = 3000  // verified: the same, maxLength
	blueskyDirect      = 1000  // verified: lexicon chat.bsky.convo.defs, maxGraphemes
	blueskyDirectBytes = 10000 // verified: the same, maxLength
)

// Measure counts a text as the platform does, for a public reply or, with
// private, for a direct message or private reply there. It counts what is given:
// the mention that a platform wants in front of a reply is part of it. A platform
// that it does not know takes no text at all (Limit 0).
func Measure(p care.Platform, text string, private bool) Length {
	switch p {
	case care.X:
		if private {
			return lengthOf(utf8.RuneCountInString(text), xDirectLimit, "characters")
		}
		return lengthOf(weighted(text), xLimit, "weighted characters")
	case care.Facebook:
		if private { // a private reply opens a Messenger thread
			return lengthOf(utf16Units(text), messengerLimit, "characters")
		}
		return lengthOf(utf16Units(text), facebookLimit, "characters")
	case care.Messenger:
		return lengthOf(utf16Units(text), messengerLimit, "characters")
	case care.Instagram:
		if private {
			return lengthOf(len(text), instagramDirect, "bytes")
		}
		return lengthOf(utf16Units(text), instagramLimit, "characters")
	case care.Mastodon: // a direct message is a status, too
		return lengthOf(mastodonLength(text), mastodonLimit, "characters")
	case care.Bluesky:
		most, bytes := blueskyLimit, blueskyBytes
		if private {
			most, bytes = blueskyDirect, blueskyDirectBytes
		}
		byGrapheme := lengthOf(countGraphemes(text), most, "graphemes")
		if byByte := lengthOf(len(text), bytes, "bytes"); byByte.Used*byGrapheme.Limit > byGrapheme.Used*byByte.Limit {
			return byByte
		}
		return byGrapheme
	}
	return lengthOf(utf8.RuneCountInString(text), 0, "characters")
}

// MeasureReply counts what a reply to a post will take, with what its platform
// puts in front: on Mastodon a mention of the author, whose handle is taken to be
// as long as Mastodon allows (30 characters) when it is not known.
func MeasureReply(p care.Post, said string, private bool) Length {
	if p.Platform == care.Mastodon {
		at := "@" + p.Author.Handle
		if at == "@" {
			at += strings.Repeat("a", 30)
		}
		if !strings.Contains(strings.ToLower(said), strings.ToLower(at)) {
			said = at + " " + said
		}
	}
	return Measure(p.Platform, said, private)
}

func lengthOf(used, limit int, unit string) Length {
	return Length{Used: used, Limit: limit, Unit: unit, Fits: used <= limit}
}

func countGraphemes(text string) int {
	n := 0
	for g := graphemes.FromString(text); g.Next(); {
		n++
	}
	return n
}

// utf16Units counts as JavaScript and Java do. Meta does not say what it calls a
// character; of the likely meanings this is the strictest.
func utf16Units(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// mastodonLength counts graphemes, every URL with a protocol as 23, and of a
// mention only the local part: @ana@example.social is 4
// (app/validators/status_length_validator.rb).
func mastodonLength(text string) int {
	runes := []rune(text)
	var out strings.Builder
	at := 0
	for _, u := range extractURLs(runes, false) {
		withoutHosts(&out, runes[at:u.start])
		out.WriteString(strings.Repeat("x", mastodonURL))
		at = u.end
	}
	withoutHosts(&out, runes[at:])
	return countGraphemes(out.String())
}

// withoutHosts writes the text with every @name@host cut to @name.
func withoutHosts(out *strings.Builder, runes []rune) {
	word := func(r rune) bool {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	host := func(r rune) bool { return word(r) && r != '_' || r == '.' || r == '-' }
	for i := 0; i < len(runes); {
		r := runes[i]
		out.WriteRune(r)
		i++
		if r != '@' || i > 1 && (word(runes[i-2]) || runes[i-2] == '/' || runes[i-2] == '=' || runes[i-2] == '@') {
			continue
		}
		j := i
		for j < len(runes) && (word(runes[j]) || (runes[j] == '.' || runes[j] == '-') && j > i) {
			j++
		}
		if j == i || j >= len(runes) || runes[j] != '@' || runes[j-1] == '.' || runes[j-1] == '-' {
			continue
		}
		k := j + 1
		for k < len(runes) && host(runes[k]) {
			k++
		}
		for k > j+1 && (runes[k-1] == '.' || runes[k-1] == '-') { // the host ends in a letter or digit
			k--
		}
		if k < j+3 { // no host
			continue
		}
		for ; i < j; i++ {
			out.WriteRune(runes[i])
		}
		i = k
	}
}

// weighted is the length of a post as X counts it (twitter-text, configuration
// version 3): after normalisation to NFC a URL is 23, an emoji sequence 2,
// characters of most alphabets 1, everything else 2. An invalid emoji sequence
// may count a little less than X counts it: the sequences are recognised by their
// form, not by the list of those that exist.
func weighted(text string) int {
	runes := []rune(norm.NFC.String(text))
	urls := extractURLs(runes, true)
	n := 0
	for i := 0; i < len(runes); {
		if len(urls) > 0 && urls[0].start == i {
			n += 23
			i, urls = urls[0].end, urls[1:]
			continue
		}
		if k := emojiAt(runes[i:]); k > 0 {
			n += 2
			i += k
			continue
		}
		switch r := runes[i]; {
		case r <= 4351, r >= 8192 && r <= 8205, r >= 8208 && r <= 8223, r >= 8242 && r <= 8247:
			n++
		default:
			n += 2
		}
		i++
	}
	return n
}

const (
	textStyle  = 0xFE0E
	emojiStyle = 0xFE0F
	joiner     = 0x200D
	keycap     = 0x20E3
)

// emojiAt is how many runes the emoji sequence at the beginning of r has, 0 when
// there is none (Unicode Technical Standard 51, section 1.4.9).
func emojiAt(r []rune) int {
	if len(r) == 0 {
		return 0
	}
	at := func(i int) rune {
		if i < len(r) {
			return r[i]
		}
		return 0
	}
	regional := func(c rune) bool { return c >= 0x1F1E6 && c <= 0x1F1FF }
	switch c := r[0]; {
	case c >= '0' && c <= '9' || c == '#' || c == '*':
		if at(1) == keycap {
			return 2
		}
		if at(1) == emojiStyle && at(2) == keycap {
			return 3
		}
		return 0
	case regional(c):
		if regional(at(1)) {
			return 2
		}
		return 0
	case (c == 0xA9 || c == 0xAE || c == 0x2122 || c == 0x265F) && at(1) != emojiStyle:
		return 0 // ©, ®, ™ and the pawn are text unless styled
	}
	i := 0
	for {
		if !pictographic(at(i)) || at(i+1) == textStyle {
			if i == 0 {
				return 0
			}
			return i - 1 // the joiner before joins nothing
		}
		i++
		if at(i) == emojiStyle || at(i) >= 0x1F3FB && at(i) <= 0x1F3FF {
			i++
		}
		if at(i) == keycap {
			i++
		}
		if at(i) >= 0xE0020 && at(i) <= 0xE007E {
			j := i
			for at(j) >= 0xE0020 && at(j) <= 0xE007E {
				j++
			}
			if at(j) == 0xE007F {
				i = j + 1
			}
		}
		if at(i) != joiner {
			return i
		}
		i++
	}
}

// pictographic is Extended_Pictographic of Unicode 15 (emoji-data.txt), and the
// skin tones.
func pictographic(r rune) bool {
	if r < 0xA9 {
		return false
	}
	lo, hi := 0, len(pictographs)
	for lo < hi {
		m := (lo + hi) / 2
		if pictographs[m][1] < r {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo < len(pictographs) && pictographs[lo][0] <= r
}

var pictographs = [...][2]rune{
	{0xA9, 0xA9}, {0xAE, 0xAE}, {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2122, 0x2122}, {0x2139, 0x2139},
	{0x2194, 0x2199}, {0x21A9, 0x21AA}, {0x231A, 0x231B}, {0x2328, 0x2328}, {0x2388, 0x2388}, {0x23CF, 0x23CF},
	{0x23E9, 0x23F3}, {0x23F8, 0x23FA}, {0x24C2, 0x24C2}, {0x25AA, 0x25AB}, {0x25B6, 0x25B6}, {0x25C0, 0x25C0},
	{0x25FB, 0x25FE}, {0x2600, 0x2605}, {0x2607, 0x2612}, {0x2614, 0x2685}, {0x2690, 0x2705}, {0x2708, 0x2712},
	{0x2714, 0x2714}, {0x2716, 0x2716}, {0x271D, 0x271D}, {0x2721, 0x2721}, {0x2728, 0x2728}, {0x2733, 0x2734},
	{0x2744, 0x2744}, {0x2747, 0x2747}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757},
	{0x2763, 0x2767}, {0x2795, 0x2797}, {0x27A1, 0x27A1}, {0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2934, 0x2935},
	{0x2B05, 0x2B07}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x3030, 0x3030}, {0x303D, 0x303D},
	{0x3297, 0x3297}, {0x3299, 0x3299}, {0x1F000, 0x1F0FF}, {0x1F10D, 0x1F10F}, {0x1F12F, 0x1F12F},
	{0x1F16C, 0x1F171}, {0x1F17E, 0x1F17F}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F1AD, 0x1F1E5},
	{0x1F201, 0x1F20F}, {0x1F21A, 0x1F21A}, {0x1F22F, 0x1F22F}, {0x1F232, 0x1F23A}, {0x1F23C, 0x1F23F},
	{0x1F249, 0x1F53D}, {0x1F546, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F774, 0x1F77F}, {0x1F7D5, 0x1F7FF},
	{0x1F80C, 0x1F80F}, {0x1F848, 0x1F84F}, {0x1F85A, 0x1F85F}, {0x1F888, 0x1F88F}, {0x1F8AE, 0x1F8FF},
	{0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1FAFF}, {0x1FC00, 0x1FFFD},
}
