package bluesky

import "github.com/fielder-care/fielder/shared/platform/internal/wire"

// The views and records, with only the fields that care needs (AT Protocol
// lexicons app.bsky.notification.listNotifications, app.bsky.feed.post,
// app.bsky.feed.defs, app.bsky.actor.defs, chat.bsky.convo.defs). Every field may
// be missing, null or of another type: a record is whatever its author wrote.

type notification struct {
	URI           wire.Str          `json:"uri"`
	CID           wire.Str          `json:"cid"`
	Author        wire.Opt[profile] `json:"author"`
	Reason        wire.Str          `json:"reason"`
	ReasonSubject wire.Str          `json:"reasonSubject"`
	Record        wire.Opt[record]  `json:"record"`
	IndexedAt     wire.Time         `json:"indexedAt"`
}

type profile struct {
	DID          wire.Str         `json:"did"`
	Handle       wire.Str         `json:"handle"`
	DisplayName  wire.Str         `json:"displayName"`
	CreatedAt    wire.Time        `json:"createdAt"`
	Followers    wire.Int         `json:"followersCount"`
	Labels       wire.List[label] `json:"labels"`
	Verification wire.Opt[struct {
		Status  wire.Str `json:"verifiedStatus"`
		Trusted wire.Str `json:"trustedVerifierStatus"`
	}] `json:"verification"`
}

type label struct {
	Src wire.Str `json:"src"`
	Val wire.Str `json:"val"`
}

type record struct {
	Type      wire.Str            `json:"$type"`
	Text      wire.Str            `json:"text"`
	CreatedAt wire.Time           `json:"createdAt"`
	Langs     wire.List[wire.Str] `json:"langs"`
	Reply     wire.Opt[replyRef]  `json:"reply"`
	Embed     wire.Opt[embed]     `json:"embed"`
	Facets    wire.List[facet]    `json:"facets"`
}

type replyRef struct {
	Root   wire.Opt[strongRef] `json:"root"`
	Parent wire.Opt[strongRef] `json:"parent"`
}

type strongRef struct {
	URI wire.Str `json:"uri"`
	CID wire.Str `json:"cid"`
}

type embed struct {
	Type   wire.Str              `json:"$type"`
	Images wire.List[struct{}]   `json:"images"`
	Video  wire.Opt[struct{}]    `json:"video"`
	Record wire.Opt[embedRecord] `json:"record"`
	Media  wire.Opt[struct {
		Images   wire.List[struct{}] `json:"images"`
		Video    wire.Opt[struct{}]  `json:"video"`
		External wire.Opt[external]  `json:"external"`
	}] `json:"media"`
	External wire.Opt[external] `json:"external"`
}

type external struct {
	URI wire.Str `json:"uri"`
}

// embedRecord is a strong reference, or holds one (recordWithMedia).
type embedRecord struct {
	strongRef
	Record wire.Opt[strongRef] `json:"record"`
}

type facet struct {
	Features wire.List[struct {
		Type wire.Str `json:"$type"`
		URI  wire.Str `json:"uri"`
		DID  wire.Str `json:"did"`
	}] `json:"features"`
}

// postView is a post as getPosts shows it.
type postView struct {
	URI    wire.Str         `json:"uri"`
	CID    wire.Str         `json:"cid"`
	Record wire.Opt[record] `json:"record"`
	Viewer wire.Opt[struct {
		ReplyDisabled wire.Bool `json:"replyDisabled"`
	}] `json:"viewer"`
}

// logEntry is one event of chat.bsky.convo.getLog.
type logEntry struct {
	Type     wire.Str           `json:"$type"`
	Rev      wire.Str           `json:"rev"`
	Convo    wire.Str           `json:"convoId"`
	Message  wire.Opt[message]  `json:"message"`
	Profiles wire.List[profile] `json:"relatedProfiles"`
}

type message struct {
	Type   wire.Str `json:"$type"`
	ID     wire.Str `json:"id"`
	Text   wire.Str `json:"text"`
	Sender wire.Opt[struct {
		DID wire.Str `json:"did"`
	}] `json:"sender"`
	SentAt wire.Time          `json:"sentAt"`
	Embed  wire.Opt[struct{}] `json:"embed"`
}
