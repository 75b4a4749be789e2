package x

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// DefaultBase is X's API when the account names no other.
const DefaultBase = "https://api.x.com"

// Client speaks as one account of ours through the X API v2. It makes one call
// per Send and never repeats one: repeating is for whoever reads back first.
type Client struct {
	account platform.Account
	call    platform.Caller
	clock   func() time.Time
}

// New makes a client. account.Token is an OAuth 2.0 user token with tweet.write,
// tweet.read, users.read, dm.write and dm.read. A nil httpClient gets
// platform.NewHTTPClient, a nil clock time.Now.
func New(account platform.Account, httpClient *http.Client, clock func() time.Time) *Client {
	if httpClient == nil {
		httpClient = platform.NewHTTPClient()
	}
	if clock == nil {
		clock = time.Now
	}
	base := strings.TrimRight(account.BaseURL, "/")
	if base == "" {
		base = DefaultBase
	}
	return &Client{account: account, call: platform.Caller{HTTP: httpClient, Base: base, Token: account.Token}, clock: clock}
}

// direct tells whether out goes by direct message: asked for, an answer to one,
// or out of the blue.
func direct(out care.Outgoing) bool {
	return out.Private || out.Post.Private || out.Post.NativeID == ""
}

// check refuses what cannot be right before anything is sent.
func (c *Client) check(out care.Outgoing) error {
	switch {
	case out.Account != "" && out.Account != c.account.Account:
		return care.Errorf(care.Invalid, "this client speaks as another account")
	case strings.TrimSpace(out.Text) == "":
		return care.Errorf(care.Invalid, "there is nothing to say")
	case out.Post.NativeID != "" && out.Post.Platform != care.X:
		return care.Errorf(care.Invalid, "the post is not from X")
	case direct(out) && recipient(out) == "":
		return care.Errorf(care.Invalid, "a direct message needs the id of whom it is for")
	case direct(out) && out.Post.Ref[RefEncrypted] == "true":
		return care.Errorf(care.Refused, "an encrypted chat cannot be answered in clear text")
	case direct(out) && out.Post.Ref[RefGroup] != "":
		return care.Errorf(care.Refused, "a group's conversation is not answered")
	}
	return nil
}

func recipient(out care.Outgoing) string {
	if out.To.ID != "" {
		return out.To.ID
	}
	return out.Post.Author.ID
}

// target is the post to answer: the newest version of an edited one.
func target(p care.Post) string { return firstOf(p.Ref[RefCurrent], p.NativeID) }

// Send says out.Text: as a reply to the post, or as a direct message when that is
// asked for, when the post was one, or when there is no post.
//
// Errors: Refused (not summoned, not allowed to write to this person, or the post
// is gone), Throttled with platform.RetryAfter, Denied (token, permission,
// balance), Invalid (too long, malformed), Unavailable (nothing was sent),
// Unknown (X may have it: call Find). X has no idempotency key; it answers the
// same text twice in a row with "duplicate content", which is Unknown too,
// because the first of the two may be ours. X docs, create post; rate limits.
func (c *Client) Send(ctx context.Context, out care.Outgoing) (care.Sent, error) {
	if err := c.check(out); err != nil {
		return care.Sent{}, err
	}
	if direct(out) {
		to, err := platform.Segment(recipient(out))
		if err != nil {
			return care.Sent{}, err
		}
		answer, err := c.call.Do(ctx, http.MethodPost, "/2/dm_conversations/with/"+to+"/messages", nil, map[string]any{"text": out.Text})
		if err != nil {
			return care.Sent{}, err
		}
		return c.sent(answer, "dm_event_id", false)
	}
	answer, err := c.call.Do(ctx, http.MethodPost, "/2/tweets", nil, map[string]any{
		"text":  out.Text,
		"reply": map[string]any{"in_reply_to_tweet_id": target(out.Post)},
	})
	if err != nil {
		return care.Sent{}, err
	}
	return c.sent(answer, "id", true)
}

func (c *Client) sent(answer platform.Answer, key string, public bool) (care.Sent, error) {
	if err := c.failed(answer, true); err != nil {
		return care.Sent{}, err
	}
	id := text(answer.Value().Get("data").Get(key))
	if id == "" {
		// 2xx with errors only: X refused in a polite voice.
		if first := firstError(answer.Value()); first.Exists() {
			return care.Sent{}, c.problem(answer, first, true)
		}
		return care.Sent{}, platform.Fail(care.Unknown, &platform.Failure{Status: answer.Status}, "X took it but did not say under which id")
	}
	sent := care.Sent{NativeID: id, At: c.clock().UTC()}
	if public {
		sent.URL = link(c.account.Handle, id)
	}
	return sent, nil
}

// Pages that Find reads at most. 100 posts a page at the limit of 100 posts per
// 15 minutes make one page more than enough; more means that something is wrong.
const maxPages = 5

// skew is how much earlier than Outgoing.Since a post may be dated and still be
// ours: X dates posts to the second, and clocks differ a little.
const skew = 2 * time.Second

// Find looks whether an earlier Send of the same thing reached X: it reads our
// own timeline (or the conversation, for a direct message) back to out.Since and
// looks for a reply to the same post, or a message to the same person, with the
// same text. false means that X does not show it now; a timeline may lag a few
// seconds behind. When it cannot be told, the error is Unknown.
func (c *Client) Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	if err := c.check(out); err != nil {
		return care.Sent{}, false, err
	}
	var path string
	query := url.Values{"max_results": {"100"}}
	own := c.account.Account
	if direct(out) {
		to, err := platform.Segment(recipient(out))
		if err != nil {
			return care.Sent{}, false, err
		}
		path = "/2/dm_conversations/with/" + to + "/dm_events"
		query.Set("dm_event.fields", "id,event_type,text,sender_id,created_at,entities")
		query.Set("event_types", "MessageCreate")
	} else {
		me, err := platform.Segment(own)
		if err != nil {
			return care.Sent{}, false, err
		}
		path = "/2/users/" + me + "/tweets"
		query.Set("exclude", "retweets")
		query.Set("tweet.fields", "created_at,entities,note_tweet,referenced_tweets")
		if !out.Since.IsZero() {
			query.Set("start_time", out.Since.Add(-skew).UTC().Truncate(time.Second).Format(time.RFC3339))
		}
	}
	want := sameWords(out.Text, platform.Value{})
	for range maxPages {
		answer, err := c.call.Do(ctx, http.MethodGet, path, query, nil)
		if err != nil {
			return care.Sent{}, false, err
		}
		if err := c.failed(answer, false); err != nil {
			// Somebody who never wrote with us has no conversation to read.
			if direct(out) && care.CodeOf(err) == care.NotFound {
				return care.Sent{}, false, nil
			}
			return care.Sent{}, false, err
		}
		page := answer.Value()
		if !page.IsObject() || page.Get("data").Exists() && !page.Get("data").IsList() {
			return care.Sent{}, false, platform.Fail(care.Unavailable, &platform.Failure{Status: answer.Status}, "X's list of what we said cannot be read")
		}
		past := false
		for _, each := range page.Get("data").Elements() {
			var r platform.Reader
			at := r.Time(each.Get("created_at"), time.Time{})
			if !out.Since.IsZero() && !at.IsZero() && at.Before(out.Since.Add(-skew)) {
				past = true
				continue
			}
			if direct(out) {
				if text(each.Get("sender_id")) != own {
					continue
				}
			} else if !answers(each, out.Post) {
				continue
			}
			said, entities := each.Get("text").Str(), each.Get("entities")
			if long := each.Get("note_tweet"); long.Get("text").Exists() {
				said, entities = long.Get("text").Str(), long.Get("entities")
			}
			if sameWords(said, entities) != want {
				continue
			}
			sent := care.Sent{NativeID: text(each.Get("id")), At: at}
			if !direct(out) {
				sent.URL = link(c.account.Handle, sent.NativeID)
			}
			return sent, true, nil
		}
		next := page.Get("meta").Get("next_token").Str()
		if next == "" || past {
			return care.Sent{}, false, nil
		}
		query.Set("pagination_token", next)
	}
	return care.Sent{}, false, care.Errorf(care.Unknown, "too much was said since to tell whether this was")
}

// answers tells whether one of our posts replies to p, in any of its versions.
func answers(ours platform.Value, p care.Post) bool {
	for _, ref := range ours.Get("referenced_tweets").Elements() {
		if ref.Get("type").Str() != "replied_to" {
			continue
		}
		id := text(ref.Get("id"))
		if id == p.NativeID || id == target(p) {
			return true
		}
		for _, version := range strings.Split(p.Ref[RefVersions], ",") {
			if version != "" && version == id {
				return true
			}
		}
	}
	return false
}

// sameWords makes what we sent and what X shows equal when they are the same: X
// escapes three characters, shortens links, trims, and puts the names of the
// people answered in front.
func sameWords(said string, entities platform.Value) string {
	said = html.UnescapeString(said)
	for _, u := range entities.Get("urls").Elements() {
		if short, long := u.Get("url").Str(), u.Get("expanded_url").Str(); short != "" && long != "" {
			said = strings.ReplaceAll(said, short, long)
		}
	}
	words := strings.Fields(said)
	for len(words) > 1 && strings.HasPrefix(words[0], "@") {
		words = words[1:]
	}
	for i, word := range words {
		// X adds a scheme to a bare domain when it expands it.
		words[i] = strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(word, "https://"), "http://"), "/")
	}
	return strings.Join(words, " ")
}

// Author reads who somebody is: X leaves the author out of some events
// ("includes":{}). One call is billed as one user read (X docs, pricing).
// NotFound when the account is gone or suspended.
func (c *Client) Author(ctx context.Context, id string) (care.Author, error) {
	segment, err := platform.Segment(id)
	if err != nil {
		return care.Author{}, err
	}
	answer, err := c.call.Do(ctx, http.MethodGet, "/2/users/"+segment, url.Values{
		"user.fields": {"affiliation,created_at,name,public_metrics,username,verified,verified_type"},
	}, nil)
	if err != nil {
		return care.Author{}, err
	}
	if err := c.failed(answer, false); err != nil {
		return care.Author{}, err
	}
	data := answer.Value().Get("data")
	if !data.IsObject() {
		if first := firstError(answer.Value()); first.Exists() {
			return care.Author{}, c.problem(answer, first, false)
		}
		return care.Author{}, platform.Fail(care.NotFound, &platform.Failure{Status: answer.Status}, "X knows no such account")
	}
	s := scope{n: &normaliser{own: []platform.Account{c.account}}, account: c.account.Account}
	return s.author(firstOf(text(data.Get("id")), id), data), nil
}

// Hydrate fills in what the webhook left out: the author's handle and figures
// when they are missing. Anything else comes back as it was. Errors are Author's;
// the post is returned unchanged beside them.
func (c *Client) Hydrate(ctx context.Context, p care.Post) (care.Post, error) {
	if p.Author.ID == "" || p.Author.Handle != "" || p.Author.Own {
		return p, nil
	}
	author, err := c.Author(ctx, p.Author.ID)
	if err != nil {
		return p, err
	}
	author.Own = author.Own || p.Author.Own
	p.Author = author
	if !p.Private {
		p.URL = link(author.Handle, target(p))
	}
	return p, nil
}

// failed turns a non-2xx answer into an error.
func (c *Client) failed(answer platform.Answer, writes bool) error {
	if answer.OK() {
		return nil
	}
	body := answer.Value()
	problem := body
	if first := firstError(body); first.Exists() && !body.Get("detail").Exists() {
		problem = first
	}
	return c.problem(answer, problem, writes)
}

func firstError(body platform.Value) platform.Value {
	for _, e := range body.Get("errors").Elements() {
		if e.IsObject() {
			return e
		}
	}
	return platform.Value{}
}

// problem maps one problem object (title, detail, type, status) to a code. The
// words of detail decide only where status and type leave it open; they are
// matched without case, and X does not promise them.
func (c *Client) problem(answer platform.Answer, problem platform.Value, writes bool) error {
	status := answer.Status
	if n, ok := problem.Get("status").Number(); ok && answer.OK() && n >= 400 && n < 600 {
		status = int(n)
	}
	kind := problem.Get("type").Str()
	detail := strings.ToLower(firstOf(problem.Get("detail").Str(), problem.Get("message").Str()) + " " + problem.Get("title").Str())
	f := &platform.Failure{Status: status, Type: platform.Name(kind[strings.LastIndex(kind, "/")+1:]), Trace: platform.Name(answer.Header.Get("x-transaction-id"))}
	fail := func(code care.Code, message string) error { return platform.Fail(code, f, message) }
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(detail, w) {
				return true
			}
		}
		return false
	}
	gone := func(message string) error {
		if writes {
			return fail(care.Refused, message)
		}
		return fail(care.NotFound, message)
	}
	switch {
	case status == http.StatusTooManyRequests || strings.HasSuffix(kind, "/usage-capped"):
		f.RetryAfter = c.wait(answer.Header)
		return fail(care.Throttled, "X's rate limit is reached")
	case status == http.StatusPaymentRequired || says("creditsdepleted", "does not have any credits"):
		return fail(care.Denied, "the X account's balance is used up")
	case status >= 500:
		return fail(platform.CodeOfStatus(status, writes), "X has a problem of its own")
	case says("duplicate content") && writes:
		return fail(care.Unknown, "X says that this was said already")
	case strings.HasSuffix(kind, "/resource-not-found") || status == http.StatusNotFound || status == http.StatusGone ||
		says("deleted or not visible", "could not find"):
		return gone("the post or account on X is gone or not visible to us")
	case status == http.StatusUnauthorized:
		return fail(care.Denied, "X does not accept the token")
	case strings.HasSuffix(kind, "/not-authorized-for-resource"):
		return gone("X does not show this to us")
	case status == http.StatusForbidden:
		if strings.HasSuffix(kind, "/client-forbidden") || strings.HasSuffix(kind, "/unsupported-authentication") ||
			strings.HasSuffix(kind, "/oauth1-permissions") || says("your account is suspended", "temporarily locked", "your client app", "oauth") {
			return fail(care.Denied, "X does not let this app or account do that")
		}
		if writes {
			return fail(care.Refused, "X does not allow this answer: the author did not turn to us, or does not want it")
		}
		return fail(care.Denied, "X does not let this app or account read that")
	case status == http.StatusBadRequest && says("too long", "exceeds"):
		return fail(care.Invalid, "the text is too long for X")
	}
	code := platform.CodeOfStatus(status, writes)
	return fail(code, fmt.Sprintf("X answered with status %d", status))
}

// wait is the longest of the limits that are used up: 15-minute window and day
// (headers x-rate-limit-*, x-app-limit-24hour-*, x-user-limit-24hour-*), times in
// Unix seconds. A minute when X says nothing.
func (c *Client) wait(h http.Header) time.Duration {
	now := c.clock()
	wait := platform.RetryAfterHeader(h, now)
	for _, name := range []string{"x-rate-limit", "x-app-limit-24hour", "x-user-limit-24hour"} {
		if left := h.Get(name + "-remaining"); left != "" && left != "0" {
			continue
		}
		if reset, err := strconv.ParseInt(h.Get(name+"-reset"), 10, 64); err == nil {
			wait = max(wait, platform.Wait(time.Unix(reset, 0).Sub(now)))
		}
	}
	if wait == 0 {
		wait = time.Minute
	}
	return wait
}
