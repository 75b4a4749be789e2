package bluesky

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

const (
	// Limits of app.bsky.feed.post#text and chat.bsky.convo.defs#messageInput, in
	// their lexicons.
	maxGraphemes     = 300
	maxBytes         = 3000
	maxChatGraphemes = 1000
	maxChatBytes     = 10000

	postCollection = "app.bsky.feed.post"
	clockSkew      = 5 * time.Minute
	findPages      = 5 // of 100 direct messages
)

// Send posts an answer, or sends a direct message. Errors: Invalid (text too
// long or empty, nobody to speak to), Refused (the asked post is deleted, its
// author allows no answer, the person takes no direct messages), Denied,
// Throttled (with platform.RetryAfter), Unavailable (nothing happened), Unknown
// (it may have happened: Find it).
func (c *Client) Send(ctx context.Context, out care.Outgoing) (care.Sent, error) {
	own, err := c.account(ctx)
	if err != nil {
		return care.Sent{}, err
	}
	if out.Key == "" {
		return care.Sent{}, care.Errorf(care.Invalid, "nothing is sent without an idempotency key")
	}
	if out.Account != "" && out.Account != own.Account {
		return care.Sent{}, care.Errorf(care.Invalid, "the text is meant for another of our accounts")
	}
	text, err := compose(out)
	if err != nil {
		return care.Sent{}, err
	}
	if direct(out) {
		return c.sendDirect(ctx, out, text)
	}
	return c.sendPost(ctx, own, out, text)
}

// direct reports whether out is a direct message.
func direct(out care.Outgoing) bool {
	return out.Private || out.Post.Private || out.Post.NativeID == ""
}

// compose checks the text's limits.
func compose(out care.Outgoing) (string, error) {
	text, long := platform.Text(strings.TrimSpace(out.Text))
	if text == "" {
		return "", care.Errorf(care.Invalid, "there is no text to send")
	}
	g, b := maxGraphemes, maxBytes
	if direct(out) {
		g, b = maxChatGraphemes, maxChatBytes
	}
	if n := wire.Graphemes(text); long || n > g || len(text) > b {
		return "", care.Errorf(care.Invalid, "the text has %d characters and %d bytes, Bluesky allows %d and %d", n, len(text), g, b)
	}
	return text, nil
}

func (c *Client) sendPost(ctx context.Context, own platform.Account, out care.Outgoing, text string) (care.Sent, error) {
	asked, err := c.post(ctx, out.Post.NativeID)
	if care.CodeOf(err) == care.NotFound {
		return care.Sent{}, care.Errorf(care.Refused, "the post to answer is deleted or no longer visible to us")
	}
	if err != nil {
		return care.Sent{}, err
	}
	if asked.Viewer.ReplyDisabled {
		return care.Sent{}, care.Errorf(care.Refused, "the thread's author lets only some people answer, and not us")
	}
	parent := map[string]string{"uri": string(asked.URI), "cid": string(asked.CID)}
	root := parent
	if r := wire.Or(wire.Or(asked.Record).Reply).Root; r.URI != "" && r.CID != "" {
		root = map[string]string{"uri": string(r.URI), "cid": string(r.CID)}
	} else if u, cid := out.Post.Ref[refRootURI], out.Post.Ref[refRootCID]; asked.Record == nil && u != "" && cid != "" {
		root = map[string]string{"uri": u, "cid": cid}
	}
	now := c.http.Clock().UTC()
	rec := map[string]any{
		"$type":     postCollection,
		"text":      text,
		"createdAt": now.Format("2006-01-02T15:04:05.000Z"),
		"reply":     map[string]any{"root": root, "parent": parent},
	}
	if l := lang(out.Lang); l != "" {
		rec["langs"] = []string{l}
	}
	if f := c.facets(ctx, text, out); len(f) > 0 {
		rec["facets"] = f
	}
	rkey := recordKey(own.Account, out.Key)
	res, err := c.xrpc(ctx, call{method: http.MethodPost, nsid: "com.atproto.repo.createRecord", write: true, body: map[string]any{
		"repo": own.Account, "collection": postCollection, "rkey": rkey, "record": rec,
	}})
	switch care.CodeOf(err) {
	case "":
	case care.Unknown, care.Invalid, care.Conflict:
		// A PDS answers 500, or 400, when the record is there already: an earlier
		// attempt got through. The record itself tells.
		if sent, ok, ferr := c.findPost(ctx, own, rkey); ferr == nil && ok {
			return sent, nil
		}
		return care.Sent{}, err
	default:
		return care.Sent{}, err
	}
	var v strongRef
	decoded := wire.Object(res.Body, &v)
	if _, _, _, ok := splitURI(string(v.URI)); !decoded || !ok {
		return care.Sent{}, care.Errorf(care.Unknown, "the Bluesky server took the post but did not say what it became")
	}
	return c.sent(string(v.URI), now.Truncate(time.Millisecond)), nil
}

func (c *Client) sent(uri string, at time.Time) care.Sent {
	s := care.Sent{NativeID: uri, At: at}
	if did, _, rkey, ok := splitURI(uri); ok && web(c.own.BaseURL) {
		s.URL = webURL(did, rkey)
	}
	return s
}

// post reads one post as we see it. Errors: NotFound (deleted, blocked), Invalid
// (no AT URI), and those of every read.
func (c *Client) post(ctx context.Context, uri string) (postView, error) {
	if _, _, _, ok := splitURI(uri); !ok {
		return postView{}, care.Errorf(care.Invalid, "the id of the post is not an AT URI")
	}
	var v struct {
		Posts []postView `json:"posts"`
	}
	if err := c.read(ctx, "app.bsky.feed.getPosts", url.Values{"uris": {uri}}, false, &v); err != nil {
		return postView{}, err
	}
	for _, p := range v.Posts {
		if _, _, _, ok := splitURI(string(p.URI)); ok && validCID(string(p.CID)) {
			return p, nil
		}
	}
	return postView{}, care.Errorf(care.NotFound, "the Bluesky server has no such post")
}

// Exists reports whether a public post is still there for us to see; of a direct
// message it says yes, its deletion comes with Poll. It costs one request.
func (c *Client) Exists(ctx context.Context, p care.Post) (bool, error) {
	if c.err != nil {
		return false, c.err
	}
	if p.Private {
		return true, nil
	}
	_, err := c.post(ctx, p.NativeID)
	if care.CodeOf(err) == care.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Find reads back whether out was already said. A post is found by its record
// key, whatever became of its text; a direct message by its text among ours
// since the first attempt. Errors: Unknown when it had to stop before it could
// be sure; and those of every read.
func (c *Client) Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	own, err := c.account(ctx)
	if err != nil {
		return care.Sent{}, false, err
	}
	if out.Key == "" {
		return care.Sent{}, false, care.Errorf(care.Invalid, "nothing is found without an idempotency key")
	}
	if direct(out) {
		return c.findDirect(ctx, own, out)
	}
	return c.findPost(ctx, own, recordKey(own.Account, out.Key))
}

func (c *Client) findPost(ctx context.Context, own platform.Account, rkey string) (care.Sent, bool, error) {
	res, err := c.xrpc(ctx, call{method: http.MethodGet, nsid: "com.atproto.repo.getRecord", query: url.Values{
		"repo": {own.Account}, "collection": {postCollection}, "rkey": {rkey},
	}})
	if err != nil {
		p := problemOf(res)
		// Older servers: InvalidRequest, "Could not locate record: at://...".
		if p.Name == "RecordNotFound" || res.Status/100 == 4 && strings.HasPrefix(string(p.Message), "Could not locate record") {
			return care.Sent{}, false, nil
		}
		return care.Sent{}, false, err
	}
	var v struct {
		URI   wire.Str `json:"uri"`
		Value record   `json:"value"`
	}
	if !wire.Object(res.Body, &v) || v.URI == "" {
		return care.Sent{}, false, care.Errorf(care.Unavailable, "the Bluesky server's record is not the JSON that it should be")
	}
	return c.sent("at://"+own.Account+"/"+postCollection+"/"+rkey, v.Value.CreatedAt.Time), true, nil
}

// convo finds or opens the conversation with the one person. Errors: Refused
// when they take no direct messages, or there are none on this server.
func (c *Client) convo(ctx context.Context, out care.Outgoing) (string, error) {
	to := out.Post.Author.ID
	if out.Post.NativeID == "" || to == "" {
		to = out.To.ID
	}
	if !validDID(to) {
		return "", care.Errorf(care.Invalid, "there is nobody to send it to: the customer's DID is missing")
	}
	var v struct {
		Convo struct {
			ID wire.Str `json:"id"`
		} `json:"convo"`
	}
	if err := c.read(ctx, "chat.bsky.convo.getConvoForMembers", url.Values{"members": {to}}, true, &v); err != nil {
		return "", chatError(err)
	}
	if !chatID().MatchString(string(v.Convo.ID)) {
		return "", care.Errorf(care.Unavailable, "the Bluesky server's conversation has no id")
	}
	return string(v.Convo.ID), nil
}

// chatError makes Refused of what will not change by trying again: 4xx of the
// chat service are about the other person's settings, blocks and closed
// conversations, except for our own missing permission.
func chatError(err error) error {
	switch name(err) {
	case "InvalidToken", "ExpiredToken", "AuthMissing":
		return err
	}
	f := &platform.Failure{Status: status(err), Type: name(err)}
	switch care.CodeOf(err) {
	case care.Invalid, care.NotFound, care.Conflict:
		return platform.Fail(care.Refused, f, "the person or the chat service takes no direct message from us")
	}
	if status(err) == http.StatusNotImplemented {
		return platform.Fail(care.Refused, f, "this server has no direct messages")
	}
	return err
}

func (c *Client) sendDirect(ctx context.Context, out care.Outgoing, text string) (care.Sent, error) {
	id, err := c.convo(ctx, out)
	if err != nil {
		return care.Sent{}, err
	}
	msg := map[string]any{"text": text}
	if f := c.facets(ctx, text, out); len(f) > 0 {
		msg["facets"] = f
	}
	res, err := c.xrpc(ctx, call{method: http.MethodPost, nsid: "chat.bsky.convo.sendMessage", chat: true, write: true, body: map[string]any{"convoId": id, "message": msg}})
	if err != nil {
		return care.Sent{}, chatError(err)
	}
	var m message
	if !wire.Object(res.Body, &m) || !chatID().MatchString(string(m.ID)) {
		return care.Sent{}, care.Errorf(care.Unknown, "the Bluesky server took the direct message but did not say what it became")
	}
	return care.Sent{NativeID: id + "/" + string(m.ID), At: m.SentAt.Time}, nil
}

func (c *Client) findDirect(ctx context.Context, own platform.Account, out care.Outgoing) (care.Sent, bool, error) {
	text, err := compose(out)
	if err != nil {
		return care.Sent{}, false, err
	}
	id, err := c.convo(ctx, out)
	if err != nil {
		return care.Sent{}, false, err
	}
	since := out.Since
	if since.Before(out.Post.CreatedAt) {
		since = out.Post.CreatedAt // an answer is never older than its question
	}
	if !since.IsZero() {
		since = since.Add(-clockSkew)
	}
	want := wire.Fingerprint(text)
	at := ""
	for range findPages {
		q := url.Values{"convoId": {id}, "limit": {"100"}}
		if at != "" {
			q.Set("cursor", at)
		}
		var v struct {
			Messages []message `json:"messages"`
			Cursor   wire.Str  `json:"cursor"`
		}
		if err := c.read(ctx, "chat.bsky.convo.getMessages", q, true, &v); err != nil {
			return care.Sent{}, false, chatError(err)
		}
		older := false
		for _, m := range v.Messages {
			if !m.SentAt.IsZero() && m.SentAt.Before(since) {
				older = true
				continue
			}
			if string(m.Sender.DID) == own.Account && m.Text != "" && wire.Fingerprint(string(m.Text)) == want {
				return care.Sent{NativeID: id + "/" + string(m.ID), At: m.SentAt.Time}, true, nil
			}
		}
		if older || v.Cursor == "" || string(v.Cursor) == at || len(v.Messages) == 0 {
			return care.Sent{}, false, nil
		}
		at = string(v.Cursor)
	}
	return care.Sent{}, false, care.Errorf(care.Unknown, "whether it was sent cannot be told from the last %d direct messages", findPages*100)
}
