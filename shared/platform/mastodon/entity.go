package mastodon

import (
	"strings"

	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// The entities, with only the fields that care needs (Mastodon docs, Entities).
// Every field may be missing, null or of another type.

type notification struct {
	ID        wire.Str  `json:"id"`
	Type      wire.Str  `json:"type"`
	CreatedAt wire.Time `json:"created_at"`
	Account   account   `json:"account"`
	Status    status    `json:"status"`
}

type account struct {
	ID          wire.Str  `json:"id"`
	Username    wire.Str  `json:"username"`
	Acct        wire.Str  `json:"acct"`
	DisplayName wire.Str  `json:"display_name"`
	Bot         wire.Bool `json:"bot"`
	Followers   wire.Int  `json:"followers_count"`
	CreatedAt   wire.Time `json:"created_at"`
}

type status struct {
	ID          wire.Str   `json:"id"`
	URI         wire.Str   `json:"uri"`
	URL         wire.Str   `json:"url"`
	CreatedAt   wire.Time  `json:"created_at"`
	InReplyTo   wire.Str   `json:"in_reply_to_id"`
	InReplyToBy wire.Str   `json:"in_reply_to_account_id"`
	Spoiler     wire.Str   `json:"spoiler_text"`
	Visibility  wire.Str   `json:"visibility"`
	Language    wire.Str   `json:"language"`
	Content     wire.Str   `json:"content"`
	Account     account    `json:"account"`
	Mentions    []mention  `json:"mentions"`
	Media       []media    `json:"media_attachments"`
	Quote       *quoteInfo `json:"quote"`
	Reblog      *struct{}  `json:"reblog"`
}

type mention struct {
	ID       wire.Str `json:"id"`
	Username wire.Str `json:"username"`
	Acct     wire.Str `json:"acct"`
	URL      wire.Str `json:"url"`
}

type media struct {
	Type      wire.Str `json:"type"`
	URL       wire.Str `json:"url"`
	RemoteURL wire.Str `json:"remote_url"`
}

// quoteInfo is Mastodon 4.4's Quote or ShallowQuote.
type quoteInfo struct {
	ShallowID wire.Str `json:"quoted_status_id"`
	Status    struct {
		ID wire.Str `json:"id"`
	} `json:"quoted_status"`
}

func (q quoteInfo) id() string {
	if q.ShallowID != "" {
		return string(q.ShallowID)
	}
	return string(q.Status.ID)
}

// before orders ids as servers mint them: numbers by value, ULIDs (GoToSocial)
// and flake ids (Pleroma) by text; all of one server have one length or are
// numbers, so length first, then text, is right for each.
func before(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) && digits(a) && digits(b) {
		return len(a) < len(b)
	}
	return a < b
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// validID bounds what we send back to a server as an id.
var validID = wire.Pattern(`^[A-Za-z0-9_-]{1,64}$`)

// validAcct is a name as it stands after "@": local, or with the host. It goes
// into the text of our posts, so nothing else may.
var validAcct = wire.Pattern(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?(@[\p{L}\p{N}]([\p{L}\p{N}.-]{0,250}[\p{L}\p{N}])?(:[0-9]{1,5})?)?$`)
