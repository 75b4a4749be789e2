package standin

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// webAddress is an address in a text that is shown.
var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

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
