package bluesky

import "github.com/fielder-care/fielder/shared/platform/internal/wire"

// The views and records, with only the fields that care needs (AT Protocol
// lexicons app.bsky.notification.listNotifications, app.bsky.feed.post,
// app.bsky.feed.defs, app.bsky.actor.defs, chat.bsky.convo.defs). Every field may
// be missing, null or of another type: a record is whatever its author wrote.

type notification struct {
	URI           wire.Str  `json:"uri"`
	CID           wire.Str  `json:"cid"`
	Author        profile   `json:"author"`
	Reason        wire.Str  `json:"reason"`
	ReasonSubject wire.Str  `json:"reasonSubject"`
	Record        *record   `json:"record"`
	IndexedAt     wire.Time `json:"indexedAt"`
}

type profile struct {
	DID          wire.Str  `json:"did"`
	Handle       wire.Str  `json:"handle"`
	DisplayName  wire.Str  `json:"displayName"`
	CreatedAt    wire.Time `json:"createdAt"`
	Followers    wire.Int  `json:"followersCount"`
	Labels       []label   `json:"labels"`
	Verification struct {
		Status  wire.Str `json:"verifiedStatus"`
		Trusted wire.Str `json:"trustedVerifierStatus"`
	} `json:"verification"`
}

type label struct {
	Src wire.Str `json:"src"`
	Val wire.Str `json:"val"`
}

type record struct {
	Type      wire.Str   `json:"$type"`
	Text      wire.Str   `json:"text"`
	CreatedAt wire.Time  `json:"createdAt"`
	Langs     []wire.Str `json:"langs"`
	Reply     *replyRef  `json:"reply"`
	Embed     embed      `json:"embed"`
	Facets    []facet    `json:"facets"`
}

type replyRef struct {
	Root   strongRef `json:"root"`
	Parent strongRef `json:"parent"`
}

type strongRef struct {
	URI wire.Str `json:"uri"`
	CID wire.Str `json:"cid"`
}

type embed struct {
	Type   wire.Str    `json:"$type"`
	Images []struct{}  `json:"images"`
	Video  *struct{}   `json:"video"`
	Record embedRecord `json:"record"`
	Media  struct {
		Images   []struct{} `json:"images"`
		Video    *struct{}  `json:"video"`
		External external   `json:"external"`
	} `json:"media"`
	External external `json:"external"`
}

type external struct {
	URI wire.Str `json:"uri"`
}

// embedRecord is a strong reference, or holds one (recordWithMedia).
type embedRecord struct {
	strongRef
	Record strongRef `json:"record"`
}

type facet struct {
	Features []struct {
		Type wire.Str `json:"$type"`
		URI  wire.Str `json:"uri"`
		DID  wire.Str `json:"did"`
	} `json:"features"`
}

// postView is a post as getPosts shows it.
type postView struct {
	URI    wire.Str `json:"uri"`
	CID    wire.Str `json:"cid"`
	Record *record  `json:"record"`
	Viewer struct {
		ReplyDisabled wire.Bool `json:"replyDisabled"`
	} `json:"viewer"`
}

// logEntry is one event of chat.bsky.convo.getLog.
type logEntry struct {
	Type     wire.Str  `json:"$type"`
	Rev      wire.Str  `json:"rev"`
	Convo    wire.Str  `json:"convoId"`
	Message  message   `json:"message"`
	Profiles []profile `json:"relatedProfiles"`
}

type message struct {
	Type   wire.Str `json:"$type"`
	ID     wire.Str `json:"id"`
	Text   wire.Str `json:"text"`
	Sender struct {
		DID wire.Str `json:"did"`
	} `json:"sender"`
	SentAt wire.Time `json:"sentAt"`
	Embed  *struct{} `json:"embed"`
}
