package x

import (
	"html"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// Normalise turns one webhook body into posts. It is pure and never panics.
// received is when the body came in; own lists our accounts, for the loop guard
// and to tell whose posts are quoted and answered.
//
// A body that is not JSON, nests too deep, is too large, or says something known
// in the wrong type is Invalid. Of a body with several events the readable ones
// are returned beside the error, so that one broken event loses no other: publish
// the batch, then deal with the error. What X may send and care does not need, or
// what nobody has heard of yet, is Skipped and no error.
func Normalise(body []byte, received time.Time, own []platform.Account) (care.Batch, error) {
	doc, err := platform.Parse(body)
	if err != nil {
		return care.Batch{}, err
	}
	n := normaliser{received: received.UTC(), own: own}
	n.top(doc, true)
	return n.Result()
}

type normaliser struct {
	platform.Collector
	received time.Time
	own      []platform.Account
}

// orFirst gives a post that names no account of ours (a keyword filter does not)
// to the first one.
func (n *normaliser) orFirst(account string) string {
	if ours := platform.Of(n.own, care.X); account == "" && len(ours) > 0 {
		return ours[0].Account
	}
	return account
}

// top takes a whole body: an envelope, a list of envelopes, or an Account
// Activity body.
func (n *normaliser) top(v platform.Value, listAllowed bool) {
	switch {
	case v.IsList() && listAllowed:
		empty := true
		for _, each := range v.Elements() {
			if n.Full() {
				return
			}
			n.top(each, false)
			empty = false
		}
		if empty {
			n.Skip("", true, "the body is an empty list")
		}
	case !v.IsObject():
		n.Want(v, "an X event object")
	case v.Get("data").Exists():
		data := v.Get("data")
		switch {
		case data.IsList():
			for _, each := range data.Elements() {
				if n.Full() {
					return
				}
				if each.IsObject() {
					n.envelope(each)
				} else {
					n.Want(each, "an event object")
				}
			}
		case data.IsObject():
			n.envelope(data)
		default:
			n.Want(data, "an event object")
		}
	case v.Get("event_type").Exists():
		n.envelope(v)
	default:
		n.accountActivity(v)
	}
}

// skipped are the X Activity events that need no care, by name or by the part of
// the name up to and with the last dot of the key (X docs, X Activity API,
// supported event types).
var skipped = map[string]string{
	"like.create":            "a like needs no care",
	"follow.":                "a follow needs no care",
	"dm.read":                "a read receipt needs no care",
	"dm.indicate_typing":     "somebody typing needs no care",
	"chat.conversation_join": "joining a chat says nothing yet",
	"profile.":               "a profile update needs no care",
	"news.":                  "a news headline is not addressed to us",
	"spaces.":                "a Space needs no care",
	"broadcast.":             "a live broadcast needs no care",
	"mute.":                  "muting needs no care",
	"block.":                 "blocking needs no care",
	"oauth.revoke":           "an account withdrew our access; a person has to connect it again",
}

// envelope takes one X Activity event: {event_uuid, filter, event_type, tag?,
// payload, includes?}.
func (n *normaliser) envelope(e platform.Value) {
	var r platform.Reader
	event := r.Text(e.Get("event_type"))
	account := r.ID(r.Object(e.Get("filter")).Get("user_id"))
	payload := r.Object(e.Get("payload"))
	if r.Fault() != nil {
		n.Bad(r.Fault())
		return
	}
	if event == "" {
		n.Skip("", false, "the body holds no event type that we know")
		return
	}
	if reason, ok := skipped[event]; ok {
		n.Skip(event, true, reason)
		return
	}
	family, _, _ := strings.Cut(event, ".")
	if reason, ok := skipped[family+"."]; ok {
		n.Skip(event, true, reason)
		return
	}
	account = n.orFirst(account)
	s := scope{n: n, event: event, account: account, includes: e.Get("includes"), users: users(e.Get("includes").Get("users"), payload.Get("users"), payload.Get("includes").Get("users"))}
	need := func() bool {
		if !payload.Exists() {
			r.Missing(e, "payload")
			n.Bad(r.Fault())
		}
		return payload.Exists()
	}
	switch event {
	case "post.create", "post.mention.create", "post.reply.create", "post.quote.create", "post.repost.create":
		if need() {
			s.post(unwrap(payload))
		}
	case "post.delete":
		if need() {
			s.deletion(unwrap(payload), "id", "author_id")
		}
	case "dm.received", "dm.sent":
		if need() {
			s.directMessages(payload)
		}
	case "chat.received", "chat.sent":
		if need() {
			s.chat(payload)
		}
	default:
		n.Skip(event, false, "an X event type that we have never heard of")
	}
}

// accountSkips are the Account Activity events that need no care.
var accountSkips = map[string]string{
	"favorite_events":                       "a like needs no care",
	"follow_events":                         "a follow needs no care",
	"unfollow_events":                       "an unfollow needs no care",
	"block_events":                          "blocking needs no care",
	"unblock_events":                        "unblocking needs no care",
	"mute_events":                           "muting needs no care",
	"unmute_events":                         "unmuting needs no care",
	"direct_message_indicate_typing_events": "somebody typing needs no care",
	"direct_message_mark_read_events":       "a read receipt needs no care",
	"user_event":                            "an account withdrew our access; a person has to connect it again",
	"replay_job_status":                     "a replay job reports its end",
}

// accountActivity takes a body of the deprecated Account Activity API: an object
// with for_user_id and one list of events under its own name.
func (n *normaliser) accountActivity(v platform.Value) {
	var r platform.Reader
	account := r.ID(v.Get("for_user_id"))
	if r.Fault() != nil {
		n.Bad(r.Fault())
		return
	}
	s := scope{n: n, account: n.orFirst(account), users: users(v.Get("users"))}
	known := false
	for name, events := range v.Members() {
		s.event = name
		if reason, ok := accountSkips[name]; ok {
			n.Skip(name, true, reason)
			known = true
			continue
		}
		switch name {
		case "tweet_create_events", "tweet_delete_events":
			known = true
			var r platform.Reader
			list := r.List(events)
			n.Bad(r.Fault())
			for _, each := range list.Elements() {
				if n.Full() {
					return
				}
				switch {
				case !each.IsObject():
					n.Want(each, "an event object")
				case name == "tweet_create_events":
					s.post(each)
				default:
					status := r.Object(each.Get("status"))
					if r.Fault() == nil && !status.Exists() {
						r.Missing(each, "status")
					}
					if r.Fault() != nil {
						n.Bad(r.Fault())
						r = platform.Reader{}
						continue
					}
					s.when = each.Get("timestamp_ms")
					s.deletion(status, "id_str", "user_id")
				}
			}
		case "direct_message_events":
			known = true
			s.directMessages(v)
		default:
			if strings.HasSuffix(name, "_events") || strings.HasSuffix(name, "_event") {
				n.Skip(name, false, "an Account Activity event type that we have never heard of")
				known = true
			}
		}
	}
	if !known {
		n.Skip("", false, "the body holds no X event")
	}
}

// scope is what an event's objects share.
type scope struct {
	n        *normaliser
	event    string
	account  string
	includes platform.Value
	users    *directory
	when     platform.Value
}

// ours tells whether an id or handle is the account that the event is for, or
// any other of our accounts.
func (s *scope) ours(id, handle string) bool {
	return id != "" && id == s.account || platform.Own(s.n.own, care.X, id, handle)
}

// directory finds author objects by id in whatever X put them: lists or maps, of
// users or of {"data": user}. It is indexed on first use.
type directory struct {
	sources []platform.Value
	index   map[string]platform.Value
}

func users(sources ...platform.Value) *directory { return &directory{sources: sources} }

// unwrap takes a user out of {"data": user}.
func unwrap(v platform.Value) platform.Value {
	if data := v.Get("data"); data.IsObject() {
		return data
	}
	return v
}

func (d *directory) find(id string) platform.Value {
	if d.index == nil {
		d.index = map[string]platform.Value{}
		put := func(id string, user platform.Value) {
			if _, taken := d.index[id]; !taken && id != "" && user.IsObject() && len(d.index) < platform.MaxEvents {
				d.index[id] = user
			}
		}
		for _, source := range d.sources {
			for key, each := range source.Members() {
				put(key, unwrap(each))
			}
			if list := source.Get("data"); list.IsList() {
				source = list
			}
			for _, each := range source.Elements() {
				each = unwrap(each)
				put(text(each.First("id_str", "id")), each)
			}
		}
	}
	return d.index[id]
}

// text is a lenient id: a string, or a number's digits.
func text(v platform.Value) string {
	if v.Kind() == '0' {
		return string(v.Raw())
	}
	return v.Str()
}

// author fills what the author object says; unreadable decoration is left out.
func (s *scope) author(id string, u platform.Value) care.Author {
	a := care.Author{
		ID:     id,
		Handle: platform.Name(strings.TrimPrefix(u.First("username", "screen_name").Str(), "@")),
		Name:   platform.Name(html.UnescapeString(u.Get("name").Str())),
	}
	metrics := u.Get("public_metrics")
	for _, v := range []platform.Value{metrics.Get("followers_count"), metrics.Get("followers_count_str"), u.Get("followers_count")} {
		if count, ok := v.Number(); ok && count >= 0 && count < 1<<40 {
			followers := int(count)
			a.Followers = &followers
			break
		}
	}
	kind := u.Get("verified_type").Str()
	a.Verified = u.Get("verified").True() || kind != "" && kind != "none"
	// An automated account carries the label "Automated" as its affiliation.
	a.Bot = strings.EqualFold(u.Get("affiliation").Get("description").Str(), "Automated")
	var r platform.Reader
	a.Since = r.Time(u.First("created_at", "created_timestamp"), time.Time{})
	a.Own = s.ours(a.ID, a.Handle)
	return a
}

// deletion takes a deleted post: its id and author.
func (s *scope) deletion(v platform.Value, idKey, authorKey string) {
	var r platform.Reader
	id := r.NeedID(v, idKey, "id")
	by := r.ID(v.First(authorKey, "user_id_str", "user_id", "author_id"))
	thread := r.ID(v.Get("conversation_id"))
	when := r.Time(s.when, s.n.received)
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	s.n.Add(care.Deleted, care.Post{
		Platform: care.X, NativeID: id, Account: s.account, Kind: care.KindPost,
		Author: s.author(by, s.users.find(by)), Thread: firstOf(thread, id),
		CreatedAt: when, ReceivedAt: s.n.received,
		Ref: map[string]string{RefEvent: s.event},
	})
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// post takes a post object of either generation.
func (s *scope) post(v platform.Value) {
	var r platform.Reader
	// The old API's numeric ids lose digits in JavaScript; its *_str twins do not.
	id := r.NeedID(v, "id_str", "id")
	embedded := unwrap(v.First("user", "author"))
	by := r.ID(v.Get("author_id"))
	if by == "" {
		by = r.ID(embedded.First("id_str", "id"))
	}
	body, entities, shown := s.words(&r, v)
	thread := r.ID(v.Get("conversation_id"))
	answered := r.ID(v.First("in_reply_to_tweet_id", "in_reply_to_status_id_str", "in_reply_to_status_id"))
	answeredBy := r.ID(v.First("in_reply_to_user_id_str", "in_reply_to_user_id"))
	quoted := r.ID(v.First("quoted_status_id_str", "quoted_status_id"))
	var reposted string
	if inner := v.Get("retweeted_status"); inner.IsObject() {
		reposted = r.NeedID(inner, "id_str", "id")
	}
	for _, ref := range r.List(v.Get("referenced_tweets")).Elements() {
		switch kind := r.Text(ref.Get("type")); kind {
		case "replied_to":
			answered = firstOf(answered, r.ID(ref.Get("id")))
		case "quoted":
			quoted = firstOf(quoted, r.ID(ref.Get("id")))
		case "retweeted":
			reposted = firstOf(reposted, r.ID(ref.Get("id")))
		}
	}
	var versions []string
	for _, version := range r.List(v.Get("edit_history_tweet_ids")).Elements() {
		if version := r.ID(version); version != "" && len(versions) < 32 {
			versions = append(versions, version)
		}
	}
	created := r.Time(v.Get("created_at"), r.Time(v.Get("timestamp_ms"), s.n.received))
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}

	profile := s.users.find(by)
	if !profile.Exists() {
		profile = embedded
	}
	p := care.Post{
		Platform: care.X, NativeID: id, Account: s.account, Kind: care.KindPost,
		Author: s.author(by, profile), Lang: language(v.Get("lang").Str()),
		Thread: firstOf(thread, answered, id), CreatedAt: created, ReceivedAt: s.n.received,
		Ref: map[string]string{RefEvent: s.event},
	}
	p.Text, p.Truncated = platform.Text(unescape(body))
	p.URL = link(p.Author.Handle, id)
	p.Attachments = s.media(v)

	quotesUs := quoted != "" && (s.event == "post.quote.create" || s.wroteIt(v, quoted))
	answersUs := answered != "" && (s.event == "post.reply.create" || s.ours(answeredBy, "") || s.wroteIt(v, answered))
	named := s.event == "post.mention.create" || s.names(entities, shown, body, answered != "")
	switch {
	case reposted != "" || s.event == "post.repost.create":
		p.Kind, p.ReplyTo = care.KindRepost, reposted
		p.InOurThread = s.event == "post.repost.create" || s.wroteIt(v, reposted)
	case quotesUs:
		p.Kind, p.ReplyTo, p.InOurThread, p.Addressed = care.KindQuote, quoted, true, true
	case answersUs:
		p.Kind, p.ReplyTo, p.InOurThread, p.Addressed = care.KindReply, answered, true, named
	case named:
		p.Kind, p.ReplyTo, p.Addressed = care.KindMention, firstOf(answered, quoted), true
	default:
		p.ReplyTo = firstOf(answered, quoted)
	}
	if !p.InOurThread && thread != "" && thread != id && s.wroteIt(v, thread) {
		p.InOurThread = true
		if p.Kind == care.KindPost && answered != "" {
			p.Kind = care.KindReply
		}
	}
	change := care.Received
	if len(versions) > 1 {
		// An edit is a new post to X. For us it is the first version, changed.
		change = care.Edited
		p.NativeID = versions[0]
		p.Ref[RefVersions] = strings.Join(versions, ",")
		p.Ref[RefCurrent] = id
		if p.Thread == id {
			p.Thread = versions[0]
		}
	}
	s.n.Add(change, p)
}

// words picks a post's text and the entities and shown range that belong to it:
// the long text (note_tweet, extended_tweet) where there is one.
func (s *scope) words(r *platform.Reader, v platform.Value) (body string, entities, shown platform.Value) {
	body, entities, shown = r.Text(v.First("text", "full_text")), v.Get("entities"), v.Get("display_text_range")
	if long := v.Get("note_tweet"); long.IsObject() && long.Get("text").Exists() {
		body = r.Text(long.Get("text"))
		if long.Get("entities").Exists() {
			entities = long.Get("entities")
		}
	}
	if long := v.Get("extended_tweet"); long.IsObject() && long.Get("full_text").Exists() {
		body = r.Text(long.Get("full_text"))
		if long.Get("entities").Exists() {
			entities = long.Get("entities")
		}
		if long.Get("display_text_range").Exists() {
			shown = long.Get("display_text_range")
		}
	}
	return body, entities, shown
}

// names tells whether the author wrote our name on purpose. A reply carries the
// names of the people it answers in front of its text; X hides them from view
// (they stand before display_text_range), and they summon nobody. Where a reply
// comes without the range, every name in front counts as carried: better to leave
// an answer to a person than to be refused by X.
func (s *scope) names(entities, shown platform.Value, body string, reply bool) bool {
	start, known := int64(0), false
	for i, bound := range shown.Elements() {
		if i == 0 {
			start, known = bound.Number()
		}
	}
	if !known && reply {
		start = int64(len([]rune(body)) - len([]rune(strings.TrimLeft(afterNames(body), " "))))
	}
	mentions := entities.First("mentions", "user_mentions")
	for _, m := range mentions.Elements() {
		at, ok := m.First("start", "start_str").Number()
		if !ok {
			for i, bound := range m.Get("indices").Elements() {
				if i == 0 {
					at, ok = bound.Number()
				}
			}
		}
		id := text(m.First("id_str", "id"))
		handle := m.First("username", "screen_name").Str()
		if s.ours(id, handle) && (!ok || at >= start) {
			return true
		}
	}
	if mentions.IsList() {
		return false
	}
	// No entities at all: look for our handles in the text itself.
	shownText := body
	if skip := []rune(body); start > 0 && start <= int64(len(skip)) {
		shownText = string(skip[start:])
	}
	for _, account := range platform.Of(s.n.own, care.X) {
		if account.Handle != "" && mentionsHandle(shownText, account.Handle) {
			return true
		}
	}
	return false
}

// afterNames drops the run of @names that a text begins with.
func afterNames(s string) string {
	for {
		trimmed := strings.TrimLeft(s, " ")
		if !strings.HasPrefix(trimmed, "@") {
			return s
		}
		end := strings.IndexByte(trimmed, ' ')
		if end < 0 {
			return ""
		}
		s = trimmed[end:]
	}
}

// mentionsHandle finds "@handle" as a whole word, without case.
func mentionsHandle(text, handle string) bool {
	lower, want := strings.ToLower(text), "@"+strings.ToLower(strings.TrimPrefix(handle, "@"))
	for {
		i := strings.Index(lower, want)
		if i < 0 {
			return false
		}
		before, after := byte(' '), byte(' ')
		if i > 0 {
			before = lower[i-1]
		}
		if end := i + len(want); end < len(lower) {
			after = lower[end]
		}
		if !wordByte(before) && before != '@' && !wordByte(after) {
			return true
		}
		lower = lower[i+len(want):]
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
}

// wroteIt tells whether a post that v refers to is known to be ours: from the
// expanded posts of the event, or from the objects that the old API embeds.
func (s *scope) wroteIt(v platform.Value, id string) bool {
	if id == "" {
		return false
	}
	for _, tweet := range s.includes.Get("tweets").Elements() {
		tweet = unwrap(tweet)
		if text(tweet.First("id_str", "id")) == id {
			return s.ours(text(tweet.Get("author_id")), "")
		}
	}
	for _, key := range []string{"quoted_status", "retweeted_status"} {
		inner := v.Get(key)
		if text(inner.First("id_str", "id")) == id {
			user := inner.Get("user")
			return s.ours(text(user.First("id_str", "id")), user.Get("screen_name").Str())
		}
	}
	return false
}

// unescape undoes the three entities that X writes in texts (&amp; &lt; &gt;),
// and no others: X never escapes more.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace

// language drops X's codes for "no language" and maps the outdated ones.
func language(code string) string {
	switch code {
	case "", "und", "zxx", "art", "qam", "qct", "qht", "qme", "qst":
		return ""
	case "in":
		return "id"
	case "iw":
		return "he"
	}
	if len(code) > 35 || strings.ContainsFunc(code, func(r rune) bool {
		return r != '-' && !wordByte(byte(r|0x20)) || r > 0x7f
	}) {
		return ""
	}
	return code
}

// link is the post's address on the web. X forwards any handle to the post, so a
// missing or odd handle becomes "i".
func link(handle, id string) string {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r < '0' || r > '9' }) {
		return ""
	}
	if handle == "" || len(handle) > 15 || strings.ContainsFunc(strings.ToLower(handle), func(r rune) bool { return r > 0x7f || !wordByte(byte(r)) }) {
		return "https://x.com/i/status/" + id
	}
	return "https://x.com/" + handle + "/status/" + id
}

// maxAttachments bounds a post's attachments; X allows four.
const maxAttachments = 16

func attachment(kind, address string) care.Attachment {
	switch kind {
	case "photo", "image":
		kind = "image"
	case "video", "animated_gif":
		kind = "video"
	case "audio":
	default:
		kind = "other"
	}
	return care.Attachment{Type: kind, URL: platform.Link(address)}
}

// media lists what came with a post: by media keys and includes, or embedded.
func (s *scope) media(v platform.Value) []care.Attachment {
	var found []care.Attachment
	for i, key := range v.Get("attachments").Get("media_keys").Elements() {
		if i >= maxAttachments {
			break
		}
		for j, m := range s.includes.Get("media").Elements() {
			if j >= 4*maxAttachments {
				break
			}
			m = unwrap(m)
			if m.Get("media_key").Str() == key.Str() && key.Str() != "" && len(found) < maxAttachments {
				found = append(found, attachment(m.Get("type").Str(), m.First("url", "preview_image_url").Str()))
			}
		}
	}
	for _, from := range []platform.Value{v.Get("extended_tweet").Get("extended_entities"), v.Get("extended_entities")} {
		for _, m := range from.Get("media").Elements() {
			if len(found) >= maxAttachments {
				break
			}
			found = append(found, attachment(m.Get("type").Str(), m.First("media_url_https", "media_url").Str()))
		}
		if len(found) > 0 {
			break
		}
	}
	return found
}

// directMessages takes v.direct_message_events, or v itself when it is an event
// as the v2 API lists them: {id, event_type, text, sender_id, dm_conversation_id}.
func (s *scope) directMessages(v platform.Value) {
	var r platform.Reader
	if !v.Get("direct_message_events").Exists() && v.Get("sender_id").Exists() {
		s.listed(v)
		return
	}
	if !v.Get("direct_message_events").Exists() {
		r.Missing(v, "direct_message_events")
	}
	events := r.List(v.Get("direct_message_events"))
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	for _, e := range events.Elements() {
		if s.n.Full() {
			return
		}
		s.directMessage(e)
	}
}

func (s *scope) directMessage(e platform.Value) {
	var r platform.Reader
	if !e.IsObject() {
		s.n.Want(e, "an event object")
		return
	}
	if kind := r.Text(e.Get("type")); r.Fault() == nil && kind != "" && kind != "message_create" {
		s.n.Skip(s.event+"/"+kind, false, "a direct message event that says nothing")
		return
	}
	id := r.NeedID(e, "id", "id_str")
	create := r.Object(e.Get("message_create"))
	if r.Fault() == nil && !create.Exists() {
		r.Missing(e, "message_create")
	}
	sender := r.NeedID(create, "sender_id")
	target := r.Object(create.Get("target"))
	recipient := r.ID(target.Get("recipient_id"))
	data := r.Object(create.Get("message_data"))
	words := r.Text(data.Get("text"))
	created := r.Time(e.First("created_timestamp", "created_at"), s.n.received)
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	p := s.direct(id, sender, recipient, created)
	p.Text, p.Truncated = platform.Text(unescape(words))
	if a := data.Get("attachment"); a.Get("type").Str() == "media" {
		m := a.Get("media")
		p.Attachments = append(p.Attachments, attachment(m.Get("type").Str(), m.First("media_url_https", "media_url").Str()))
	}
	if group := text(target.First("conversation_id", "dm_conversation_id")); recipient == "" && group != "" {
		s.group(&p, group)
	}
	s.n.Add(care.Received, p)
}

func (s *scope) listed(v platform.Value) {
	var r platform.Reader
	if kind := r.Text(v.Get("event_type")); kind != "" && kind != "MessageCreate" {
		s.n.Skip(s.event+"/"+kind, false, "a direct message event that says nothing")
		return
	}
	id, sender := r.NeedID(v, "id"), r.NeedID(v, "sender_id")
	conversation := r.ID(v.Get("dm_conversation_id"))
	words := r.Text(v.Get("text"))
	created := r.Time(v.Get("created_at"), s.n.received)
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	recipient, group := other(conversation, sender)
	p := s.direct(id, sender, recipient, created)
	p.Text, p.Truncated = platform.Text(unescape(words))
	if group != "" {
		s.group(&p, group)
	}
	s.n.Add(care.Received, p)
}

// other reads a conversation's id: "a:b" or "a-b" names two people, and the
// sender's partner is the other; anything else is a group.
func other(conversation, sender string) (recipient, group string) {
	for _, sep := range []string{":", "-"} {
		if a, b, two := strings.Cut(conversation, sep); two && a != "" && b != "" {
			if a == sender {
				return b, ""
			}
			return a, ""
		}
	}
	return "", conversation
}

// direct makes a direct message whose thread is the other person.
func (s *scope) direct(id, sender, recipient string, created time.Time) care.Post {
	p := care.Post{
		Platform: care.X, NativeID: id, Account: s.account, Kind: care.KindDirect, Private: true,
		Author: s.author(sender, s.users.find(sender)), Thread: sender, Addressed: true,
		CreatedAt: created, ReceivedAt: s.n.received,
		Ref: map[string]string{RefEvent: s.event},
	}
	if s.event == "dm.sent" || s.event == "chat.sent" {
		p.Author.Own = true
	}
	if p.Author.Own {
		p.Thread, p.Addressed = firstOf(recipient, sender), false
	}
	return p
}

// group marks a message that several people read: its thread is the group's, and
// it does not turn to us.
func (s *scope) group(p *care.Post, id string) {
	id = platform.Name(id)
	p.Thread, p.Addressed, p.Ref[RefGroup] = id, false, id
}

// chat takes an XChat message. It is end-to-end encrypted: that somebody wrote,
// and who, is all there is to see.
func (s *scope) chat(v platform.Value) {
	var r platform.Reader
	id := r.NeedID(v, "id")
	sender := r.NeedID(v, "sender_id")
	conversation := r.ID(v.Get("conversation_id"))
	created := r.Time(v.First("created_at_msec", "created_at"), s.n.received)
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	recipient, group := other(conversation, sender)
	p := s.direct(id, sender, recipient, created)
	p.Unreadable = "end-to-end encrypted"
	p.Ref[RefEncrypted] = "true"
	if group != "" {
		s.group(&p, group)
	}
	s.n.Add(care.Received, p)
}
