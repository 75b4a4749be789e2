package standin

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"golang.org/x/text/unicode/norm"
)

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// weight is X's length of a text (twitter-text, configuration v3): NFC, every
// address 23, every emoji 2, the listed ranges 1 a character, the rest 2. An
// address without "https://" is not recognised here.
func weight(text string) int {
	n := 0
	text = webAddress.ReplaceAllStringFunc(norm.NFC.String(text), func(string) string { n += 23; return "" })
	for g := graphemes.FromString(text); g.Next(); {
		cluster := g.Value()
		if emoji(cluster) {
			n += 2
			continue
		}
		for _, r := range cluster {
			switch {
			case r <= 4351, r >= 8192 && r <= 8205, r >= 8208 && r <= 8223, r >= 8242 && r <= 8247:
				n++
			default:
				n += 2
			}
		}
	}
	return n
}

// emoji tells whether a grapheme cluster is drawn as one.
func emoji(cluster string) bool {
	for _, r := range cluster {
		if r >= 0x1F000 && r <= 0x1FAFF || r == 0xFE0F || r == 0x20E3 {
			return true
		}
	}
	return false
}

func graphemeCount(text string) int {
	n := 0
	for g := graphemes.FromString(text); g.Next(); {
		n++
	}
	return n
}

var mentionHost = regexp.MustCompile(`(@[A-Za-z0-9_.-]+)@[\p{L}\p{N}.:-]*[\p{L}\p{N}]`)

// mastodonLength counts as Mastodon does: characters, addresses as perURL, the
// host of a mention not at all.
func mastodonLength(text string, perURL int) int {
	n := 0
	text = webAddress.ReplaceAllStringFunc(text, func(string) string { n += perURL; return "" })
	return n + graphemeCount(mentionHost.ReplaceAllString(text, "$1"))
}

var (
	lineBreak = regexp.MustCompile(`(?i)<br\s*/?>|</p>\s*<p>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	entities  = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&amp;", "&")
)

// plain takes the tags off Mastodon's HTML, for display; the pages escape it
// again.
func plain(html string) string {
	s := tag.ReplaceAllString(lineBreak.ReplaceAllString(html, "\n"), "")
	return strings.TrimFunc(entities.Replace(s), unicode.IsSpace)
}
