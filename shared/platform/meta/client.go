package meta

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// DefaultBase is the Graph API when the account names no other. Instagram
// accounts connected with Instagram Login need "https://graph.instagram.com".
const DefaultBase = "https://graph.facebook.com"

// Version is the Graph API version that is spoken. It is put behind the base URL
// unless that ends in a version already.
const Version = "v25.0"

var versionSegment = regexp.MustCompile(`^v\d+\.\d+$`)

// Client speaks as one account of ours through the Graph API: a Facebook Page, the
// same Page in Messenger, or an Instagram account. It makes one call per Send and
// never repeats one: repeating is for whoever reads back first.
type Client struct {
	account platform.Account
	call    platform.Caller
	clock   func() time.Time
}

// New makes a client. account.Token is the Page's (or, with Instagram Login, the
// Instagram account's) access token; it travels in the Authorization header, so
// that no URL holds it. A nil httpClient gets platform.NewHTTPClient, a nil clock
// time.Now.
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
	if !versionSegment.MatchString(path.Base(base)) {
		base += "/" + Version
	}
	return &Client{account: account, call: platform.Caller{HTTP: httpClient, Base: base, Token: account.Token}, clock: clock}
}

// way is how something is said.
type way int

const (
	wayComment      way = iota // below a Facebook post or comment, in public
	wayReply                   // below an Instagram comment, in public
	wayMention                 // where an Instagram post or comment named us, in public
	wayPrivateReply            // a private answer to a public post or comment
	wayMessage                 // a direct message
)

func (c *Client) way(out care.Outgoing) way {
	p := out.Post
	switch {
	case p.NativeID == "" || p.Private:
		return wayMessage
	case out.Private:
		return wayPrivateReply
	case p.Platform == care.Instagram && p.Ref[RefField] == "mentions":
		return wayMention
	case p.Platform == care.Instagram:
		return wayReply
	}
	return wayComment
}

// check refuses what cannot be right before anything is sent.
func (c *Client) check(out care.Outgoing) error {
	p := out.Post
	instagram := c.account.Platform == care.Instagram
	switch way := c.way(out); {
	case out.Account != "" && out.Account != c.account.Account:
		return care.Errorf(care.Invalid, "this client speaks as another account")
	case strings.TrimSpace(out.Text) == "":
		return care.Errorf(care.Invalid, "there is nothing to say")
	case p.NativeID != "" && p.Platform != care.Facebook && p.Platform != care.Messenger && p.Platform != care.Instagram:
		return care.Errorf(care.Invalid, "the post is not from a platform of Meta")
	case p.NativeID != "" && instagram != (p.Platform == care.Instagram):
		return care.Errorf(care.Invalid, "this client speaks on another platform than the post's")
	case way == wayMessage && recipient(out) == "":
		return care.Errorf(care.Invalid, "a direct message needs the id of whom it is for")
	case way == wayReply && p.Ref[RefLive] == "true":
		return care.Errorf(care.Refused, "a comment on a live video cannot be answered in public")
	case (way == wayReply || way == wayComment) && p.Ref[RefHidden] == "true":
		return care.Errorf(care.Refused, "a hidden comment cannot be answered in public")
	case way == wayPrivateReply && p.Platform == care.Instagram && p.Ref[RefField] == "mentions":
		return care.Errorf(care.Refused, "a mention elsewhere has no private reply")
	}
	return nil
}

func recipient(out care.Outgoing) string {
	if out.To.ID != "" {
		return out.To.ID
	}
	return out.Post.Author.ID
}

// maxMetadata bounds "metadata" (Messenger Platform docs, Send API: 1,000
// characters).
const maxMetadata = 1000

// Send says out.Text: as a comment below a Facebook post or comment, as a reply
// below an Instagram comment or mention, as the one private reply that a public
// comment allows, or as a direct message. In Messenger, out.Key goes along as
// "metadata" and comes back with the echo (RefMetadata).
//
// Errors: Refused (the target is gone, the person cannot be written to, the
// window is closed, or the comment has its private reply already), Throttled with
// platform.RetryAfter, Denied (token, permission, block for policy), Invalid (too
// long, malformed), Unavailable (nothing was sent), Unknown (Meta may have it:
// call Find). When Meta says that the private reply was made already, Send looks
// whether it was this one, and then returns it. Graph API docs, handling errors.
func (c *Client) Send(ctx context.Context, out care.Outgoing) (care.Sent, error) {
	if err := c.check(out); err != nil {
		return care.Sent{}, err
	}
	own, err := platform.Segment(c.account.Account)
	if err != nil {
		return care.Sent{}, err
	}
	target := ""
	if out.Post.NativeID != "" {
		if target, err = platform.Segment(out.Post.NativeID); err != nil {
			return care.Sent{}, err
		}
	}
	message := map[string]any{"text": out.Text}
	if c.account.Platform != care.Instagram && out.Key != "" && len(out.Key) <= maxMetadata {
		message["metadata"] = out.Key
	}
	var address string
	var body map[string]any
	way := c.way(out)
	switch way {
	case wayComment:
		address, body = "/"+target+"/comments", map[string]any{"message": out.Text}
	case wayReply:
		address, body = "/"+target+"/replies", map[string]any{"message": out.Text}
	case wayMention:
		address, body = "/"+own+"/mentions", map[string]any{"message": out.Text, "media_id": firstOf(out.Post.Ref[RefMedia], out.Post.NativeID)}
		if comment := out.Post.Ref[RefComment]; comment != "" {
			body["comment_id"] = comment
		}
	case wayPrivateReply:
		// A visitor's post is answered by post_id, a comment by comment_id.
		key := "comment_id"
		if out.Post.Platform == care.Facebook && out.Post.Kind != care.KindComment && out.Post.Ref[RefItem] != "comment" {
			key = "post_id"
		}
		address, body = "/"+own+"/messages", map[string]any{"recipient": map[string]any{key: out.Post.NativeID}, "message": message}
	case wayMessage:
		address, body = "/"+own+"/messages", map[string]any{"recipient": map[string]any{"id": recipient(out)}, "message": message}
		if c.account.Platform != care.Instagram {
			// RESPONSE answers within the 24-hour window; UPDATE starts of itself.
			body["messaging_type"] = "RESPONSE"
			if out.Post.NativeID == "" {
				body["messaging_type"] = "UPDATE"
			}
		}
	}
	answer, err := c.call.Do(ctx, http.MethodPost, address, nil, body)
	if err != nil {
		return care.Sent{}, err
	}
	if err := c.failed(answer, true); err != nil {
		if way == wayPrivateReply && repliedAlready(answer) {
			if sent, found, findErr := c.Find(ctx, out); findErr == nil && found {
				return sent, nil
			}
		}
		return care.Sent{}, err
	}
	id := answer.Value().First("id", "message_id", "comment_id").Str()
	if id == "" {
		return care.Sent{}, platform.Fail(care.Unknown, &platform.Failure{Status: answer.Status}, "Meta took it but did not say under which id")
	}
	sent := care.Sent{NativeID: id, At: c.clock().UTC()}
	if way == wayComment {
		sent.URL = commentURL(out.Post.Thread, id)
	}
	return sent, nil
}

// commentURL is a comment's address on the web: both ids are joined with "_", and
// the web wants the last parts.
func commentURL(thread, id string) string {
	digits := func(s string) string {
		s = s[strings.LastIndex(s, "_")+1:]
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
			return ""
		}
		return s
	}
	page, _, _ := strings.Cut(thread, "_")
	if digits(page) == "" || digits(thread) == "" || digits(id) == "" {
		return ""
	}
	return "https://www.facebook.com/" + page + "/posts/" + digits(thread) + "?comment_id=" + digits(id)
}

// skew is how much earlier than Outgoing.Since something may be dated and still
// be ours: Meta dates to the second, and clocks differ a little.
const skew = 2 * time.Second

// Find looks whether an earlier Send of the same thing reached Meta: it reads the
// comments below the target, or the conversation, back to out.Since and looks for
// something of ours with the same text. false means that Meta does not show it
// now; so does a target that is gone, because its answers went with it and Meta
// takes no new ones. The answer to a mention on somebody else's media cannot be read back: that
// is Unknown, and a person has to look. So is a comment with more answers since
// than Find reads.
func (c *Client) Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	if err := c.check(out); err != nil {
		return care.Sent{}, false, err
	}
	sent, found, err := c.find(ctx, out)
	if care.CodeOf(err) == care.NotFound {
		return care.Sent{}, false, nil
	}
	return sent, found, err
}

func (c *Client) find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	switch c.way(out) {
	case wayComment:
		// An answer to a reply is hung below the top comment.
		places := []string{out.Post.NativeID}
		if out.Post.Kind == care.KindComment && out.Post.ReplyTo != "" && out.Post.ReplyTo != out.Post.Thread {
			places = append(places, out.Post.ReplyTo)
		}
		return c.findBelow(ctx, out, places, "/comments", "id,from,message,created_time", "message", "created_time")
	case wayReply:
		places := []string{out.Post.NativeID}
		if out.Post.ReplyTo != "" && out.Post.ReplyTo != out.Post.Thread {
			places = append(places, out.Post.ReplyTo)
		}
		return c.findBelow(ctx, out, places, "/replies", "id,from,username,text,timestamp", "text", "timestamp")
	case wayPrivateReply:
		if out.Post.Platform == care.Facebook && out.Post.Kind == care.KindComment {
			// The commenter's id is not the id that a conversation knows.
			return c.findPrivateReply(ctx, out)
		}
		return c.findMessage(ctx, out, recipient(out))
	case wayMessage:
		return c.findMessage(ctx, out, recipient(out))
	}
	return care.Sent{}, false, care.Errorf(care.Unknown, "Instagram does not show answers to mentions on other people's media")
}

// maxPages bounds what Find reads of one place, 100 things a page.
const maxPages = 5

func (c *Client) findBelow(ctx context.Context, out care.Outgoing, places []string, edge, fields, textKey, timeKey string) (care.Sent, bool, error) {
	for _, place := range places {
		sent, found, err := c.findIn(ctx, out, place, edge, fields, textKey, timeKey)
		if found || err != nil {
			return sent, found, err
		}
	}
	return care.Sent{}, false, nil
}

func (c *Client) findIn(ctx context.Context, out care.Outgoing, place, edge, fields, textKey, timeKey string) (care.Sent, bool, error) {
	segment, err := platform.Segment(place)
	if err != nil {
		return care.Sent{}, false, err
	}
	query := url.Values{"fields": {fields}, "limit": {"100"}}
	if edge == "/comments" {
		query.Set("order", "reverse_chronological")
		query.Set("filter", "stream")
	}
	for range maxPages {
		answer, err := c.call.Do(ctx, http.MethodGet, "/"+segment+edge, query, nil)
		if err != nil {
			return care.Sent{}, false, err
		}
		if err := c.failed(answer, false); err != nil {
			return care.Sent{}, false, err
		}
		page := answer.Value()
		if !page.Get("data").IsList() {
			return care.Sent{}, false, platform.Fail(care.Unavailable, &platform.Failure{Status: answer.Status}, "Meta's list of answers cannot be read")
		}
		past := false
		for _, each := range page.Get("data").Elements() {
			var r platform.Reader
			at := r.Time(each.Get(timeKey), time.Time{})
			// Comments come newest first; what follows is older still.
			past = past || edge == "/comments" && !out.Since.IsZero() && !at.IsZero() && at.Before(out.Since.Add(-skew))
			if sent, ok := c.isIt(out, each, textKey, timeKey); ok {
				if edge == "/comments" {
					sent.URL = commentURL(out.Post.Thread, sent.NativeID)
				}
				return sent, true, nil
			}
		}
		after := page.Get("paging").Get("cursors").Get("after").Str()
		if past || after == "" || page.Get("paging").Get("next").Str() == "" {
			return care.Sent{}, false, nil
		}
		query.Set("after", after)
	}
	return care.Sent{}, false, care.Errorf(care.Unknown, "too many answers to tell whether this was given")
}

// isIt compares one thing that Meta shows with what we meant to say. An author
// that Meta leaves out (Instagram shows "from" only to some apps) does not speak
// against it; the same text in the same place within the time is ours.
func (c *Client) isIt(out care.Outgoing, each platform.Value, textKey, timeKey string) (care.Sent, bool) {
	var r platform.Reader
	at := r.Time(each.Get(timeKey), time.Time{})
	if !out.Since.IsZero() && !at.IsZero() && at.Before(out.Since.Add(-skew)) {
		return care.Sent{}, false
	}
	from := each.Get("from")
	id, handle := from.Get("id").Str(), firstOf(from.Get("username").Str(), each.Get("username").Str())
	if (id != "" || handle != "") && !platform.Own([]platform.Account{c.account}, c.account.Platform, id, handle) {
		return care.Sent{}, false
	}
	if sameWords(each.Get(textKey).Str()) != sameWords(out.Text) {
		return care.Sent{}, false
	}
	return care.Sent{NativeID: each.Get("id").Str(), At: at}, true
}

func sameWords(s string) string {
	clean, _ := platform.Text(s)
	return strings.Join(strings.Fields(clean), " ")
}

const messageFields = "messages.limit(50){id,message,from,created_time}"

// findMessage reads the conversation with one person.
func (c *Client) findMessage(ctx context.Context, out care.Outgoing, with string) (care.Sent, bool, error) {
	if with == "" {
		return care.Sent{}, false, care.Errorf(care.Unknown, "nobody is known whose conversation could be read")
	}
	own, err := platform.Segment(c.account.Account)
	if err != nil {
		return care.Sent{}, false, err
	}
	name := "messenger"
	if c.account.Platform == care.Instagram {
		name = "instagram"
	}
	answer, err := c.call.Do(ctx, http.MethodGet, "/"+own+"/conversations", url.Values{
		"platform": {name}, "user_id": {with}, "fields": {messageFields},
	}, nil)
	if err != nil {
		return care.Sent{}, false, err
	}
	if err := c.failed(answer, false); err != nil {
		return care.Sent{}, false, err
	}
	data := answer.Value().Get("data")
	if !data.IsList() {
		return care.Sent{}, false, platform.Fail(care.Unavailable, &platform.Failure{Status: answer.Status}, "Meta's list of conversations cannot be read")
	}
	for _, conversation := range data.Elements() {
		if sent, found, err := c.inConversation(out, conversation); found || err != nil {
			return sent, found, err
		}
	}
	return care.Sent{}, false, nil
}

// findPrivateReply reads the conversation that a comment's private reply opened.
func (c *Client) findPrivateReply(ctx context.Context, out care.Outgoing) (care.Sent, bool, error) {
	segment, err := platform.Segment(out.Post.NativeID)
	if err != nil {
		return care.Sent{}, false, err
	}
	answer, err := c.call.Do(ctx, http.MethodGet, "/"+segment, url.Values{"fields": {"id,private_reply_conversation{" + messageFields + "}"}}, nil)
	if err != nil {
		return care.Sent{}, false, err
	}
	if err := c.failed(answer, false); err != nil {
		return care.Sent{}, false, err
	}
	v := answer.Value()
	if !v.IsObject() {
		return care.Sent{}, false, platform.Fail(care.Unavailable, &platform.Failure{Status: answer.Status}, "Meta's comment cannot be read")
	}
	return c.inConversation(out, v.Get("private_reply_conversation"))
}

// inConversation looks through the newest messages. When all of them are younger
// than out.Since there may be more behind them, and nobody can tell.
func (c *Client) inConversation(out care.Outgoing, conversation platform.Value) (care.Sent, bool, error) {
	messages, complete := conversation.Get("messages"), false
	for _, each := range messages.Get("data").Elements() {
		if sent, ok := c.isIt(out, each, "message", "created_time"); ok {
			return sent, true, nil
		}
		var r platform.Reader
		if at := r.Time(each.Get("created_time"), time.Time{}); !at.IsZero() && at.Before(out.Since.Add(-skew)) {
			complete = true
		}
	}
	if !complete && !out.Since.IsZero() && messages.Get("paging").Get("next").Str() != "" {
		return care.Sent{}, false, care.Errorf(care.Unknown, "too much was said since to tell whether this was")
	}
	return care.Sent{}, false, nil
}

// Hydrate reads what a webhook only pointed at: the text, author and time of an
// Instagram mention (Ref[RefHydrate]). Any other post comes back as it was. The
// post is returned unchanged beside an error: NotFound when the comment or media
// is gone, otherwise as for Find.
//
// GET /{ig-user}?fields=mentioned_comment.comment_id(..){..} or
// mentioned_media.media_id(..){..} (Instagram Platform docs, mentions).
func (c *Client) Hydrate(ctx context.Context, p care.Post) (care.Post, error) {
	if p.Ref[RefHydrate] != "true" {
		return p, nil
	}
	own, err := platform.Segment(c.account.Account)
	if err != nil {
		return p, err
	}
	key, fields := "mentioned_comment", "mentioned_comment.comment_id("+p.Ref[RefComment]+"){id,text,timestamp,username,from,media{id,permalink,owner}}"
	id := p.Ref[RefComment]
	if id == "" {
		id = firstOf(p.Ref[RefMedia], p.NativeID)
		key, fields = "mentioned_media", "mentioned_media.media_id("+id+"){id,caption,timestamp,username,media_type,media_url,permalink,owner}"
	}
	if strings.ContainsAny(id, "(){},.") {
		return p, care.Errorf(care.Invalid, "the id of the mention cannot be asked for")
	}
	answer, err := c.call.Do(ctx, http.MethodGet, "/"+own, url.Values{"fields": {fields}}, nil)
	if err != nil {
		return p, err
	}
	if err := c.failed(answer, false); err != nil {
		return p, err
	}
	v := answer.Value().Get(key)
	if !v.IsObject() {
		return p, platform.Fail(care.NotFound, &platform.Failure{Status: answer.Status}, "Instagram does not show the mention")
	}
	var r platform.Reader
	full := p
	full.Text, full.Truncated = platform.Text(r.Text(v.First("text", "caption")))
	full.CreatedAt = r.Time(v.Get("timestamp"), p.CreatedAt)
	author := care.Author{
		ID:     firstOf(r.ID(v.Get("from").Get("id")), p.Author.ID),
		Handle: platform.Name(firstOf(v.Get("username").Str(), v.Get("from").Get("username").Str())),
	}
	if key == "mentioned_media" {
		author.ID = firstOf(author.ID, r.ID(v.Get("owner").Get("id")))
	}
	author.Own = p.Author.Own || platform.Own([]platform.Account{c.account}, care.Instagram, author.ID, author.Handle)
	if r.Fault() != nil {
		return p, care.Errorf(care.Unavailable, "Instagram's answer cannot be read: %w", r.Fault())
	}
	full.Author = author
	full.URL = platform.Link(firstOf(v.Get("permalink").Str(), v.Get("media").Get("permalink").Str()))
	if media := platform.Link(v.Get("media_url").Str()); media != "" {
		kind := "image"
		if v.Get("media_type").Str() == "VIDEO" {
			kind = "video"
		}
		full.Attachments = []care.Attachment{{Type: kind, URL: media}}
	}
	full.Ref = map[string]string{}
	for k, value := range p.Ref {
		if k != RefHydrate {
			full.Ref[k] = value
		}
	}
	return full, nil
}

// repliedAlready: 10900 "Activity already replied to" on Facebook, subcode
// 2534014 on Instagram.
func repliedAlready(answer platform.Answer) bool {
	e := answer.Value().Get("error")
	code, _ := e.Get("code").Number()
	subcode, _ := e.Get("error_subcode").Number()
	return code == 10900 || subcode == 2534014
}

// failed turns a Graph API error into a care error. The platform's code decides,
// not the HTTP status: Meta sends throttles as 400 and 403.
func (c *Client) failed(answer platform.Answer, writes bool) error {
	e := answer.Value().Get("error")
	if answer.OK() && !e.Exists() {
		return nil
	}
	code64, _ := e.Get("code").Number()
	subcode64, _ := e.Get("error_subcode").Number()
	code, subcode := int(code64), int(subcode64)
	f := &platform.Failure{
		Status: answer.Status, Code: code, Subcode: subcode,
		Type: platform.Name(e.Get("type").Str()), Trace: platform.Name(firstOf(e.Get("fbtrace_id").Str(), answer.Header.Get("x-fb-trace-id"))),
	}
	fail := func(code care.Code, message string) error { return platform.Fail(code, f, message) }
	refusedOr := func(message string) error {
		if writes {
			return fail(care.Refused, message)
		}
		return fail(care.NotFound, message)
	}
	switch subcode {
	case 2018278, 2534022, 2018065, 2018109:
		return fail(care.Refused, "the time window for direct messages to this person is closed")
	case 1545041, 2018108, 2534037, 2534021:
		return fail(care.Refused, "this person does not take direct messages now")
	case 2534014:
		return fail(care.Refused, "the comment has its one private reply already")
	case 2018001, 2534015:
		return refusedOr("Meta knows no such person")
	case 463, 467, 460, 458, 459, 464, 492:
		return fail(care.Denied, "the account's access token is no longer valid")
	case 33:
		return refusedOr("the post is gone or not visible to us")
	}
	switch {
	case code == 4 || code == 17 || code == 32 || code == 613 || code == 341 || code >= 80000 && code <= 80014,
		answer.Status == http.StatusTooManyRequests:
		f.RetryAfter = c.wait(answer.Header)
		return fail(care.Throttled, "Meta's rate limit is reached")
	case code == 190 || code == 102 || code == 0 && answer.Status == http.StatusUnauthorized:
		return fail(care.Denied, "the account's access token is no longer valid")
	case code == 10900:
		return fail(care.Refused, "the comment has its one private reply already")
	case code == 10901 || code == 10903:
		return fail(care.Refused, "this comment can no longer be answered in private")
	case code == 551:
		return fail(care.Refused, "this person does not take direct messages now")
	case code == 803:
		return refusedOr("the post is gone or not visible to us")
	case code == 368:
		return fail(care.Denied, "Meta has blocked the account from doing that for breaking its rules")
	case code == 3 || code == 10 || code >= 200 && code <= 299:
		return fail(care.Denied, "the account lacks a permission for that")
	case code == 506 && writes:
		return fail(care.Unknown, "Meta says that this was said already")
	case code == 1 || code == 2 || code == 1200 || e.Get("is_transient").True():
		if writes {
			return fail(care.Unknown, "Meta has a problem of its own")
		}
		return fail(care.Unavailable, "Meta has a problem of its own")
	case code == 100:
		return fail(care.Invalid, "Meta does not accept the request")
	case answer.OK():
		return fail(platform.CodeOfStatus(http.StatusInternalServerError, writes), "Meta answered with an error and no code")
	}
	return fail(platform.CodeOfStatus(answer.Status, writes), "Meta answered with status "+strconv.Itoa(answer.Status))
}

// wait reads how long Meta wants to be left alone: the longest
// estimated_time_to_regain_access, in minutes, of X-Business-Use-Case-Usage
// (Graph API docs, rate limits), or Retry-After. Five minutes when it does not
// say: its windows are an hour long and rolling.
func (c *Client) wait(h http.Header) time.Duration {
	wait := platform.RetryAfterHeader(h, c.clock())
	if usage, err := platform.Parse([]byte(h.Get("X-Business-Use-Case-Usage"))); err == nil {
		for _, uses := range usage.Members() {
			for _, use := range uses.Elements() {
				if minutes, ok := use.Get("estimated_time_to_regain_access").Number(); ok && minutes > 0 && minutes < 1<<20 {
					wait = max(wait, platform.Wait(time.Duration(minutes)*time.Minute))
				}
			}
		}
	}
	if wait == 0 {
		wait = 5 * time.Minute
	}
	return wait
}
