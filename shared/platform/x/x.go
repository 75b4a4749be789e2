// Package x speaks with X: it checks and answers X's webhook calls, turns
// webhook bodies into posts, says things on X, and reads back what was said.
//
// Two generations of webhook bodies are read: X Activity API envelopes and the
// deprecated Account Activity API, which existing subscribers still get. X signs
// the raw body but neither dates nor numbers it, promises no order, and documents
// no retry: the same post may come twice, also under two event types (a mention
// that is a reply), always with the same native id.
//
// Sources: docs.x.com, X Activity API, Account Activity API, Webhooks, Manage
// Posts, Direct Messages.
package x

import (
	"encoding/base64"
	"net/http"

	"github.com/fielder-care/fielder/shared/platform"
)

// SignatureHeader carries "sha256=" and the base64 HMAC-SHA256 of the raw body
// under the app's consumer secret (X docs, Webhooks, securing webhooks).
const SignatureHeader = "x-twitter-webhooks-signature"

// The keys of care.Post.Ref that this package writes and reads.
const (
	// RefVersions lists the ids of all versions of an edited post, oldest first,
	// separated by commas. The first is the post's NativeID.
	RefVersions = "versions"
	// RefCurrent is the id of the newest version, the one to answer.
	RefCurrent = "current"
	// RefEvent is the X event that brought the post, e.g. "post.mention.create".
	RefEvent = "event"
	// RefEncrypted is "true" for XChat: it cannot be answered in clear text.
	RefEncrypted = "encrypted"
	// RefGroup is the conversation's id when a direct message came from a group.
	RefGroup = "group"
)

// Verify checks the signature of a webhook call over the bytes as they came.
// Wrong, malformed or missing is Denied; an empty secret is Internal.
func Verify(secret string, header http.Header, body []byte) error {
	return platform.VerifySum(secret, header.Get(SignatureHeader), body, base64.StdEncoding.DecodeString)
}

// Sign makes the header value that Verify accepts, as X makes it. Tests and the
// command-line tool play X with it.
func Sign(secret string, body []byte) string {
	return "sha256=" + base64.StdEncoding.EncodeToString(platform.Sum(secret, body))
}

// CRC is the response_token that answers a challenge-response check:
// GET <webhook>?crc_token=... wants {"response_token": CRC(secret, token)}.
func CRC(secret, token string) string { return Sign(secret, []byte(token)) }
