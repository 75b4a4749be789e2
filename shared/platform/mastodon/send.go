package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

const (
	defaultMaxCharacters = 500 // Mastodon docs, Instance: max_characters
	defaultURLCharacters = 23  // characters_reserved_per_url
	limitsFor            = time.Hour
	// clockSkew is how much earlier than our clock a server may date our post.
	clockSkew = 5 * time.Minute
	// findPages bounds how many of our own posts Find reads back: 400.
	findPages = 10
)

// Send posts an answer, or a direct post out of the blue. Errors: Invalid (text
// too long or empty, nobody to speak to), Refused (the asked post is deleted or
// hidden from us), Denied, Throttled (see platform.RetryAfter), Unavailable (nothing
// happened),
// Unknown (it may have happened: Find it).
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
	lim := c.instance(ctx)
	if n := lim.count(text); n > lim.max {
		return care.Sent{}, care.Errorf(care.Invalid, "the text has %d characters with the mention, the server allows %d", n, lim.max)
	}
	body := map[string]any{
		"status":     text,
		"visibility": "direct",
		// GoToSocial and Pleroma may have Markdown as the account's default.
		"content_type": "text/plain",
	}
	if l := lang(out.Lang); l != "" {
		body["language"] = l
	}
	if out.Post.NativeID != "" {
		asked, err := c.status(ctx, out.Post.NativeID)
		if care.CodeOf(err) == care.NotFound {
			return care.Sent{}, care.Errorf(care.Refused, "the post to answer is deleted or no longer visible to us")
		}
		if err != nil {
			return care.Sent{}, err
		}
		body["in_reply_to_id"] = out.Post.NativeID
		body["visibility"] = visibility(out, string(asked.Visibility))
	}
	b, err := json.Marshal(body)
	if err != nil {
		return care.Sent{}, care.Errorf(care.Internal, "encode the status: %w", err)
	}
	sum := sha256.Sum256([]byte(own.Account + "\n" + out.Key))
	res, err := c.call(ctx, wire.Request{
		Method: http.MethodPost, Path: "/api/v1/statuses", Body: b, Write: true,
		Header: http.Header{"Idempotency-Key": {hex.EncodeToString(sum[:])}},
	})
	switch care.CodeOf(err) {
	case "":
	case care.NotFound:
		// Mastodon says 404 when the asked post went between our look and now.
		return care.Sent{}, care.Errorf(care.Refused, "the post to answer is deleted or no longer visible to us")
	default:
		return care.Sent{}, err
	}
	var s status
	if !wire.Object(res.Body, &s) || s.ID == "" {
		return care.Sent{}, care.Errorf(care.Unknown, "the Mastodon server took the post but did not say what it became")
	}
	return sent(s), nil
}

func sent(s status) care.Sent {
	return care.Sent{NativeID: string(s.ID), URL: platform.Link(string(s.URL)), At: s.CreatedAt.Time}
}

// compose writes the mention that makes the server notify the customer, unless
// the text has it.
func compose(out care.Outgoing) (string, error) {
	acct := out.Post.Ref[refAcct]
	if acct == "" {
		acct = out.Post.Author.Handle
	}
	if acct == "" || out.Post.NativeID == "" && out.To.Handle != "" {
		acct = out.To.Handle
	}
	if !validAcct().MatchString(acct) {
		return "", care.Errorf(care.Invalid, "there is nobody to mention: the customer's handle is missing or not one of Mastodon")
	}
	text, long := platform.Text(strings.TrimSpace(out.Text))
	if long {
		return "", care.Errorf(care.Invalid, "the text is longer than any server allows")
	}
	if text == "" {
		return "", care.Errorf(care.Invalid, "there is no text to send")
	}
	if mentions(text, acct) {
		return text, nil
	}
	return "@" + acct + " " + text, nil
}

// mentions reports whether the text holds "@acct" as a whole word.
func mentions(text, acct string) bool {
	text, want := strings.ToLower(text), "@"+strings.ToLower(acct)
	for from := 0; ; {
		i := strings.Index(text[from:], want)
		if i < 0 {
			return false
		}
		i += from
		from = i + len(want)
		left := i == 0 || !handleRune(text[i-1])
		right := from == len(text) || !handleRune(text[from]) && text[from] != '@'
		if !right && text[from] == '.' { // a full stop, not more of the host
			right = from+1 == len(text) || !handleRune(text[from+1])
		}
		if left && right {
			return true
		}
	}
}

func handleRune(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.' || b >= 0x80
}

// visibility is never wider than the asked post's: what the customer limited
// stays limited. asked is what the server says now, which counts beside what it
// said when the post came in.
func visibility(out care.Outgoing, asked string) string {
	if out.Private || out.Post.Private {
		return "direct"
	}
	v := rank(asked)
	if r := rank(out.Post.Ref[refVisibility]); r > v {
		return visible[r]
	}
	return visible[v]
}

// visible are the visibilities, widest first.
var visible = []string{"public", "unlisted", "private", "direct"}

// rank is the place in visible. A post whose server names no visibility gets a
// quiet answer; a visibility that we do not know (Pleroma: list, local) counts as
// the narrowest.
func rank(v string) int {
	switch v {
	case "public":
		return 0
	case "unlisted", "":
		return 1
	case "private":
		return 2
	}
	return 3
}

// limits are an instance's own.
type limits struct {
	max, perURL int
	until       time.Time
}

// count counts as Mastodon does: visible characters, every web address as
// perURL, the host of a mention not at all (Mastodon's StatusLengthValidator).
func (l limits) count(text string) int {
	n := 0
	text = webAddress().ReplaceAllStringFunc(text, func(string) string { n += l.perURL; return "" })
	text = mentionHost().ReplaceAllString(text, "$1")
	return n + wire.Graphemes(text)
}

var (
	webAddress  = wire.Pattern(`https?://[^\s<>"]+`)
	mentionHost = wire.Pattern(`(@[A-Za-z0-9_.-]+)@[\p{L}\p{N}.:-]*[\p{L}\p{N}]`)
)

// instance asks what the server allows, once an hour: /api/v2/instance, else
// /api/v1/instance (configuration, or Pleroma's max_toot_chars), else the
// defaults. It never fails: the server has the last word anyway.
func (c *Client) instance(ctx context.Context) limits {
	now := c.http.Clock()
	c.mu.Lock()
	l := c.limits
	c.mu.Unlock()
	if l.max > 0 && now.Before(l.until) {
		return l
	}
	l = limits{max: defaultMaxCharacters, perURL: defaultURLCharacters, until: now.Add(limitsFor)}
	for _, path := range []string{"/api/v2/instance", "/api/v1/instance"} {
		var i struct {
			Max           wire.Int `json:"max_toot_chars"`
			Configuration struct {
				Statuses struct {
					Max    wire.Int `json:"max_characters"`
					PerURL wire.Int `json:"characters_reserved_per_url"`
				} `json:"statuses"`
			} `json:"configuration"`
		}
		if err := c.get(ctx, path, nil, &i); err != nil {
			l.until = now.Add(time.Minute)
			continue
		}
		s := i.Configuration.Statuses
		if s.PerURL.Value > 0 {
			l.perURL = s.PerURL.Value
		}
		if m := max(s.Max.Value, i.Max.Value); m > 0 {
			l.max, l.until = m, now.Add(limitsFor)
			break
		}
	}
	c.mu.Lock()
	c.limits = l
	c.mu.Unlock()
	return l
}

// status reads one post. Errors: NotFound and those of every read.
func (c *Client) status(ctx context.Context, id string) (status, error) {
	if !validID().MatchString(id) {
		return status{}, care.Errorf(care.Invalid, "the id of the post is not one of Mastodon")
	}
	var s status
	if err := c.get(ctx, "/api/v1/statuses/"+url.PathEscape(id), nil, &s); err != nil {
		return status{}, err
	}
	if s.ID == "" {
		return status{}, care.Errorf(care.NotFound, "the Mastodon server has no such post")
	}
	return s, nil
}

// Exists reports whether a post is still there for us to see. It costs one
// request.
func (c *Client) Exists(ctx context.Context, p care.Post) (bool, error) {
	if c.err != nil {
		return false, c.err
	}
	_, err := c.status(ctx, p.NativeID)
	if care.CodeOf(err) == care.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Find reads back whether out was already said: a post of ours, in answer to the
// asked post, with the same text, since the first attempt. It looks below the
// asked post first and then through our own posts. Errors: Unknown when it had
// to stop before it could be sure; and those of every read.
func (c *Client) Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	own, err := c.account(ctx)
	if err != nil {
		return care.Sent{}, false, err
	}
	text, err := compose(out)
	if err != nil {
		return care.Sent{}, false, err
	}
	want := wire.Fingerprint(withoutMentions(text))
	since := out.Since
	if since.Before(out.Post.CreatedAt) {
		since = out.Post.CreatedAt // an answer is never older than its question
	}
	if !since.IsZero() {
		since = since.Add(-clockSkew)
	}
	checked := map[string]bool{}
	ours := func(s status) (bool, error) {
		switch {
		case s.Account.ID != "" && string(s.Account.ID) != own.Account,
			s.Reblog != nil, string(s.InReplyTo) != out.Post.NativeID, s.ID == "", checked[string(s.ID)],
			!s.CreatedAt.IsZero() && s.CreatedAt.Before(since),
			out.Post.NativeID == "" && s.Visibility != "" && s.Visibility != "direct",
			out.Private && s.Visibility != "" && s.Visibility != "direct":
			return false, nil
		}
		checked[string(s.ID)] = true
		return c.says(ctx, s, want)
	}
	if out.Post.NativeID != "" && validID().MatchString(out.Post.NativeID) {
		var t struct {
			Descendants []status `json:"descendants"`
		}
		err := c.get(ctx, "/api/v1/statuses/"+url.PathEscape(out.Post.NativeID)+"/context", nil, &t)
		if err != nil && care.CodeOf(err) != care.NotFound {
			return care.Sent{}, false, err
		}
		for _, s := range t.Descendants {
			if yes, err := ours(s); err != nil || yes {
				return sent(s), yes, err
			}
		}
	}
	below := ""
	for range findPages {
		q := url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}
		if below != "" {
			q.Set("max_id", below)
		}
		res, err := c.call(ctx, wire.Request{Method: http.MethodGet, Path: "/api/v1/accounts/" + url.PathEscape(own.Account) + "/statuses", Query: q})
		if err != nil {
			return care.Sent{}, false, err
		}
		list, ok := wire.List[status](res.Body)
		if !ok {
			return care.Sent{}, false, care.Errorf(care.Unavailable, "the Mastodon server's list of our posts is not a JSON list")
		}
		lowest, older := below, false
		for _, s := range list {
			if yes, err := ours(s); err != nil || yes {
				return sent(s), yes, err
			}
			if id := string(s.ID); validID().MatchString(id) && (lowest == "" || before(id, lowest)) {
				lowest = id
				older = !s.CreatedAt.IsZero() && s.CreatedAt.Before(since)
			}
		}
		if lowest == below || older {
			return care.Sent{}, false, nil
		}
		below = lowest
	}
	return care.Sent{}, false, care.Errorf(care.Unknown, "whether it was sent cannot be told from our last %d posts", findPages*40)
}

// says compares a post of ours with the wanted fingerprint: as rendered, and
// where a server rewrites text, by the source that it keeps.
func (c *Client) says(ctx context.Context, s status, want string) (bool, error) {
	accts := map[string]string{}
	for _, m := range s.Mentions {
		accts[string(m.URL)] = string(m.Acct)
	}
	if wire.Fingerprint(withoutMentions(plain(string(s.Content), accts, false))) == want {
		return true, nil
	}
	var src struct {
		Text wire.Str `json:"text"`
	}
	err := c.get(ctx, "/api/v1/statuses/"+url.PathEscape(string(s.ID))+"/source", nil, &src)
	switch care.CodeOf(err) {
	case "":
		return src.Text != "" && wire.Fingerprint(withoutMentions(string(src.Text))) == want, nil
	case care.NotFound, care.Denied, care.Invalid: // a server without that endpoint
		return false, nil
	}
	return false, err
}

// withoutMentions drops "@acct" words: servers add and drop their hosts.
func withoutMentions(s string) string {
	return mentionWord().ReplaceAllString(s, " ")
}

var mentionWord = wire.Pattern(`@[A-Za-z0-9_.-]+(@[\p{L}\p{N}.:-]*[\p{L}\p{N}])?`)
