package bluesky

import (
	"context"
	"net/url"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// outFacet marks a stretch of text as a link or a mention. Without facets
// Bluesky shows both as plain text (lexicon app.bsky.richtext.facet).
type outFacet struct {
	Index    byteSlice    `json:"index"`
	Features []outFeature `json:"features"`
}

// byteSlice counts bytes of UTF-8, the end exclusive.
type byteSlice struct {
	Start int `json:"byteStart"`
	End   int `json:"byteEnd"`
}

type outFeature struct {
	Type string `json:"$type"`
	URI  string `json:"uri,omitempty"`
	DID  string `json:"did,omitempty"`
}

// maxResolve bounds how many handles of one text are looked up.
const maxResolve = 3

var (
	linkText    = wire.Pattern(`https?://[^\s<>"]+`)
	mentionText = wire.Pattern(`(?:^|[\s(])(@[a-zA-Z0-9.-]+)`)
)

// facets finds the links and mentions of a text. The handles of the people
// spoken to are known; another is looked up, and stays plain text when it does
// not resolve.
func (c *Client) facets(ctx context.Context, text string, out care.Outgoing) []outFacet {
	left := maxResolve
	return facetsOf(text, func(handle string) string {
		for _, a := range []care.Author{out.Post.Author, out.To} {
			if a.Handle != "" && strings.EqualFold(a.Handle, handle) && validDID(a.ID) {
				return a.ID
			}
		}
		if left == 0 {
			return ""
		}
		left--
		var v struct {
			DID wire.Str `json:"did"`
		}
		if c.read(ctx, "com.atproto.identity.resolveHandle", url.Values{"handle": {handle}}, false, &v) != nil || !validDID(string(v.DID)) {
			return ""
		}
		return string(v.DID)
	})
}

// facetsOf is the pure part; didOf gives "" for a handle that is nobody's.
func facetsOf(text string, didOf func(handle string) string) []outFacet {
	var list []outFacet
	var links [][]int
	for _, m := range linkText().FindAllStringIndex(text, -1) {
		end := m[0] + len(trimLink(text[m[0]:m[1]]))
		u, err := url.Parse(text[m[0]:end])
		if err != nil || u.Host == "" {
			continue
		}
		links = append(links, []int{m[0], end})
		list = append(list, outFacet{byteSlice{m[0], end}, []outFeature{{Type: "app.bsky.richtext.facet#link", URI: text[m[0]:end]}}})
	}
	for _, m := range mentionText().FindAllStringSubmatchIndex(text, -1) {
		start := m[2]
		handle := strings.TrimRight(text[start+1:m[3]], ".-")
		if !validHandle(handle) {
			continue
		}
		end := start + 1 + len(handle)
		inLink := false
		for _, l := range links {
			inLink = inLink || start < l[1] && end > l[0]
		}
		if inLink {
			continue
		}
		if did := didOf(handle); did != "" {
			list = append(list, outFacet{byteSlice{start, end}, []outFeature{{Type: "app.bsky.richtext.facet#mention", DID: did}}})
		}
	}
	return list
}

// trimLink drops the punctuation of the sentence around a link, and a closing
// bracket that the link did not open.
func trimLink(s string) string {
	for s != "" {
		switch s[len(s)-1] {
		case '.', ',', ';', ':', '!', '?', '\'', '*':
		case ')':
			if strings.Count(s, "(") >= strings.Count(s, ")") {
				return s
			}
		case ']':
			if strings.Contains(s, "[") {
				return s
			}
		default:
			return s
		}
		s = s[:len(s)-1]
	}
	return s
}
