// Package meta speaks with Meta's platforms: comments and posts on a Facebook
// Page, Messenger, and Instagram comments, mentions and direct messages. All of
// them arrive at one webhook, told apart by "object" and by which key an entry
// has. The package checks and answers webhook calls, turns bodies into posts,
// says things, and reads back what was said.
//
// Meta signs the raw body, sends up to 1,000 updates in one call in no promised
// order, repeats for 36 hours what is not acknowledged, and takes an app off a
// page whose Messenger webhooks fail for an hour. No Graph API write takes an
// idempotency key.
//
// Sources: developers.facebook.com, Graph API Webhooks, Pages API, Messenger
// Platform, Instagram Platform (v25.0).
package meta

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// SignatureHeader carries "sha256=" and the hex HMAC-SHA256 of the raw body under
// the app secret (Graph API docs, Webhooks, validate payloads).
const SignatureHeader = "X-Hub-Signature-256"

// The keys of care.Post.Ref that this package writes and reads.
const (
	// RefField is the webhook field that brought the post: feed, mention,
	// ratings, comments, live_comments, mentions, messages, ...
	RefField = "field"
	// RefItem is what a Page's feed calls the thing: comment, status, photo, ...
	RefItem = "item"
	// RefStandby is "true" when another app (a person in the Page inbox, another
	// vendor) has control of the conversation: never answer such a post by itself.
	RefStandby = "standby"
	// RefHidden is "true" when the comment came in hidden: it cannot be answered
	// in public.
	RefHidden = "hidden"
	// RefLive is "true" for a comment on a live video: only a private reply is
	// possible, and only during the broadcast.
	RefLive = "live"
	// RefMedia is the Instagram media id that a comment or mention belongs to.
	RefMedia = "media"
	// RefComment is the comment's id when an Instagram mention stands in a
	// comment; without it the mention stands in the media's caption.
	RefComment = "comment"
	// RefHydrate is "true" when the webhook says that there is a post but not
	// what it says: Client.Hydrate fills in text, author and time.
	RefHydrate = "hydrate"
	// RefMetadata is what the sender of an echo put into "metadata": our own
	// care.Outgoing.Key when the echo is of something that we sent.
	RefMetadata = "metadata"
	// RefPayload is the payload of a postback or quick reply: what the button
	// that the author pressed means to whoever made it.
	RefPayload = "payload"
	// RefStory is the id of the Instagram story that a direct message answers.
	RefStory = "story"
)

// Verify checks the signature of a webhook call over the bytes as they came:
// Meta escapes non-ASCII characters, so a body that was decoded and encoded
// again does not match. Wrong, malformed or missing is Denied; an empty secret
// is Internal.
func Verify(secret string, header http.Header, body []byte) error {
	return platform.VerifySum(secret, header.Get(SignatureHeader), body, hex.DecodeString)
}

// Sign makes the header value that Verify accepts, as Meta makes it. Tests and
// the command-line tool play Meta with it.
func Sign(secret string, body []byte) string {
	return "sha256=" + hex.EncodeToString(platform.Sum(secret, body))
}

// Challenge answers the handshake GET ?hub.mode=subscribe&hub.verify_token=...
// &hub.challenge=...: it returns what to send back as the body, in plain text. A
// wrong token is Denied; a request that is no handshake is Invalid.
func Challenge(verifyToken string, query url.Values) (string, error) {
	if mode := query.Get("hub.mode"); mode != "subscribe" {
		return "", care.Errorf(care.Invalid, "hub.mode is not subscribe")
	}
	if verifyToken == "" {
		return "", care.Errorf(care.Internal, "no verify token is configured")
	}
	if !platform.Same(verifyToken, query.Get("hub.verify_token")) {
		return "", care.Errorf(care.Denied, "hub.verify_token is wrong")
	}
	challenge := query.Get("hub.challenge")
	// Meta sends a whole number. Nothing that a browser could read as a page is
	// ever echoed.
	if challenge == "" || len(challenge) > 128 || strings.ContainsFunc(challenge, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.')
	}) {
		return "", care.Errorf(care.Invalid, "hub.challenge is missing or not a plain word")
	}
	return challenge, nil
}
