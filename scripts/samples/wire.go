package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
)

// Our own accounts, as in shared/config/default/brand.yaml.
const (
	xAccount   = "7001001"
	fbPage     = "7002001"
	igAccount  = "7003001"
	mastodonID = "7004001"
	blueskyDID = "did:plc:veloriacare000000000000"
)

// Shapes a post can have on the wire.
const (
	xMention  = "x.mention"
	xReply    = "x.reply"   // a direct reply to our post; the mention is implicit
	xQuote    = "x.quote"   // quotes our post
	xRepost   = "x.repost"  // a plain repost
	xKeyword  = "x.keyword" // found by a keyword subscription
	xOwn      = "x.own"     // our own post
	xDM       = "x.dm"
	xDMSent   = "x.dm.sent"
	xChat     = "x.chat" // end-to-end encrypted
	fbComment = "facebook.comment"
	fbPost    = "facebook.post"
	fbOwn     = "facebook.own"
	igComment = "instagram.comment"    // Facebook Login shape
	igLogin   = "instagram.login"      // Instagram Login shape
	igDM      = "instagram.dm"         // direct message
	igStory   = "instagram.storyreply" // direct message that answers our story
	msgDM     = "messenger.dm"
	msgEcho   = "messenger.echo"
	msgStand  = "messenger.standby"
	mastoPub  = "mastodon.public"
	mastoDM   = "mastodon.direct"
	bskyReply = "bluesky.reply"
	bskyNamed = "bluesky.mention"
	call      = "call"
)

// happening is one thing of the day, before it has ids and a wire format.
type happening struct {
	at     time.Duration // when it was written, after midnight UTC
	arrive time.Duration // when it arrives; zero: a second or two later
	shape  string
	change string // "" (new), "edit", "delete"
	by     person
	text   string
	of     *happening // what an edit or delete is about, or the call's subject
	story  string
	expect string
	call   *day.Call

	id, thread string // assigned in order of at
}

func stamp(d time.Duration) time.Time {
	base, _ := time.Parse("2006-01-02", day.Date)
	return base.Add(d)
}

func iso(d time.Duration) string { return stamp(d).Format("2006-01-02T15:04:05.000Z") }

type m = map[string]any

// identify gives the happening the ids that its platform would.
func (h *happening) identify(n int) {
	if h.change != "" && h.of != nil {
		h.id, h.thread = h.of.id, h.of.thread
		return
	}
	page := 9001 + n%12 // one of our twelve posts of the week
	switch strings.SplitN(h.shape, ".", 2)[0] {
	case "x":
		h.id = fmt.Sprint(2090000000000000000 + int64(n)*7919)
		h.thread = h.id
		if h.shape == xReply {
			h.thread = fmt.Sprint(2089990000000000000 + int64(page))
		}
	case "facebook":
		h.thread = fmt.Sprintf("%s_%d", fbPage, page)
		h.id = fmt.Sprintf("%d_%d", page, 500000+n)
		if h.shape == fbPost {
			h.id = fmt.Sprintf("%s_%d", fbPage, 600000+n)
			h.thread = h.id
		}
	case "instagram":
		h.id, h.thread = fmt.Sprintf("1788%d", 5000000+n), fmt.Sprintf("1791%d", page)
		if h.shape == igDM || h.shape == igStory {
			h.id = fmt.Sprintf("aWdfZAG1f%dZDZD", 100000+n)
		}
	case "messenger":
		h.id = fmt.Sprintf("m_%dkQ", 100000+n)
	case "mastodon":
		h.id = fmt.Sprint(115560000000000000 + int64(h.at.Milliseconds())*65536/1000*1000 + int64(n%1000))
	case "bluesky":
		h.id = fmt.Sprintf("at://%s/app.bsky.feed.post/3m%09dz2", h.by.did(), n)
	}
}

func (p person) did() string { return fmt.Sprintf("did:plc:author%018d", p.n) }

// line encodes the happening as it arrives.
func (h *happening) line(n int) day.Line {
	via, body := h.encode(n)
	arrive := h.arrive
	if arrive == 0 {
		arrive = h.at + time.Second
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return day.Line{At: stamp(arrive).Format("15:04:05"), Via: via, Body: raw, Story: h.story, Expect: h.expect}
}

func (h *happening) encode(n int) (via string, body any) {
	switch strings.SplitN(h.shape, ".", 2)[0] {
	case "x":
		return day.ViaX, h.x(n)
	case "facebook":
		return day.ViaMeta, m{"object": "page", "entry": []m{{"id": fbPage, "time": stamp(h.at).Unix() + 1, "changes": []m{{"field": "feed", "value": h.feed()}}}}}
	case "messenger":
		key := "messaging"
		if h.shape == msgStand {
			key = "standby"
		}
		return day.ViaMeta, m{"object": "page", "entry": []m{{"id": fbPage, "time": stamp(h.at).UnixMilli() + 300, key: []m{h.direct(fbPage)}}}}
	case "instagram":
		switch h.shape {
		case igComment:
			return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": igAccount, "time": stamp(h.at).Unix(), "changes": []m{{"field": "comments",
				"value": m{"from": m{"id": h.by.igID(), "username": h.by.handle()}, "comment_id": h.id, "text": h.text,
					"media": m{"id": h.thread, "media_product_type": "FEED"}}}}}}}
		case igLogin:
			return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": igAccount, "time": stamp(h.at).Unix(), "field": "comments",
				"value": m{"id": h.id, "from": m{"id": h.by.igID(), "username": h.by.handle()}, "text": h.text,
					"media": m{"id": h.thread, "media_product_type": "REELS"}}}}}
		}
		return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": igAccount, "time": stamp(h.at).UnixMilli() + 300, "messaging": []m{h.direct(igAccount)}}}}
	case "mastodon":
		return day.ViaMastodon, h.mastodon()
	case "bluesky":
		return day.ViaBluesky, h.bluesky()
	}
	return day.ViaCall, h.call
}

func (p person) xID() string { return fmt.Sprint(81000 + p.n) }
func (p person) fbID() string {
	return fmt.Sprint(2426000000000000 + int64(p.n))
}
func (p person) igID() string { return fmt.Sprint(1790000000000 + int64(p.n)) }

func xUser(id, handle, name string, followers int) m {
	return m{"id": id, "username": handle, "name": name, "verified": false, "verified_type": "none", "protected": false,
		"created_at": "2019-03-05T10:00:00.000Z", "public_metrics": m{"followers_count": followers, "followers_count_str": fmt.Sprint(followers), "following_count": 180}}
}

func (h *happening) x(n int) any {
	env := func(event, tag string, payload, includes any) m {
		d := m{"event_uuid": fmt.Sprint(int64(n)*104729 - 4000000), "filter": m{"user_id": xAccount}, "event_type": event, "tag": tag, "payload": payload}
		if includes != nil {
			d["includes"] = includes
		}
		return m{"data": d}
	}
	switch h.shape {
	case xDM, xDMSent:
		from, to, event := h.by.xID(), xAccount, "dm.received"
		if h.shape == xDMSent {
			from, to, event = to, from, "dm.sent"
		}
		return env(event, "dm", m{"direct_message_events": []m{{"type": "message_create", "id": h.id, "created_timestamp": fmt.Sprint(stamp(h.at).UnixMilli()),
			"message_create": m{"target": m{"recipient_id": to}, "sender_id": from, "message_data": m{"text": h.text, "entities": m{"urls": []m{}}}}}},
			"users": m{h.by.xID(): m{"data": xUser(h.by.xID(), h.by.handle(), h.by.name(), h.by.followers)},
				xAccount: m{"data": xUser(xAccount, "VeloriaCare", "Veloria Care", 48210)}}}, nil)
	case xChat:
		return env("chat.received", "chat", m{"id": h.id, "created_at_msec": fmt.Sprint(stamp(h.at).UnixMilli()), "sender_id": h.by.xID(),
			"conversation_id": h.by.xID() + ":" + xAccount, "conversation_key_version": "1768236281331", "encoded_event": "CwABAAAAEzIwODA0MDA4MjUyMjcxMDAxNjA"}, nil)
	}
	author := xUser(h.by.xID(), h.by.handle(), h.by.name(), h.by.followers)
	if h.shape == xOwn {
		author = xUser(xAccount, "VeloriaCare", "Veloria Care", 48210)
	}
	text := h.text
	payload := m{"id": h.id, "author_id": author["id"], "created_at": iso(h.at), "conversation_id": h.thread, "edit_history_tweet_ids": []string{h.id},
		"lang": "und", "reply_settings": "everyone", "possibly_sensitive": false}
	if spanish(text) {
		payload["lang"] = "es"
	} else if strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") {
		payload["lang"] = "en"
	}
	event, tag := "post.mention.create", "mentions"
	switch h.shape {
	case xReply:
		event, tag = "post.reply.create", "replies"
		text = "@VeloriaCare " + text
		payload["in_reply_to_user_id"] = xAccount
		payload["in_reply_to_tweet_id"] = h.thread
		payload["referenced_tweets"] = []m{{"type": "replied_to", "id": h.thread}}
		payload["display_text_range"] = []int{13, len([]rune(text))}
	case xQuote:
		event, tag = "post.quote.create", "quotes"
		payload["referenced_tweets"] = []m{{"type": "quoted", "id": fmt.Sprint(2089990000000000000 + int64(9001+n%12))}}
	case xRepost:
		event, tag = "post.repost.create", "reposts"
		text = "RT @VeloriaCare: " + text
		payload["referenced_tweets"] = []m{{"type": "retweeted", "id": fmt.Sprint(2089990000000000000 + int64(9001+n%12))}}
	case xKeyword, xOwn:
		event, tag = "post.create", "keyword"
	}
	payload["text"] = text
	if _, set := payload["display_text_range"]; !set {
		payload["display_text_range"] = []int{0, len([]rune(text))}
	}
	if i := strings.Index(text, "@VeloriaCare"); i >= 0 {
		start := len([]rune(text[:i]))
		payload["entities"] = m{"mentions": []m{{"start": start, "end": start + 12, "username": "VeloriaCare", "id": xAccount}}}
	}
	return env(event, tag, payload, m{"users": []m{author}})
}

// spanish says whether a recorded text is Spanish, as a platform's own language
// hint would; it needs to be right for the texts of this program only.
func spanish(text string) bool {
	words := " " + strings.ToLower(text) + " "
	for _, sign := range []string{"¿", "ñ", "jaja", " el ", " la ", " los ", " las ", " que ", " para ", " con ", " y ", " sin ", " mi ", " de ", " tal cual", " eso mismo", " total", "madre mía", " mira", " gracias", " primero", " sorteo", " baja "} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return false
}

func (h *happening) feed() m {
	v := m{"from": m{"id": h.by.fbID(), "name": h.by.name()}, "post_id": h.thread, "created_time": stamp(h.at).Unix(), "verb": "add", "message": h.text}
	if h.shape == fbOwn {
		v["from"] = m{"id": fbPage, "name": "Veloria"}
	}
	switch h.change {
	case "edit":
		v["verb"] = "edited"
	case "delete":
		v["verb"] = "remove"
		delete(v, "message")
	}
	if h.shape == fbPost {
		v["item"], v["post_id"] = "post", h.id
		return v
	}
	v["item"], v["comment_id"], v["parent_id"] = "comment", h.id, h.thread
	v["post"] = m{"id": h.thread, "status_type": "added_photos", "is_published": true, "permalink_url": "https://www.facebook.com/" + strings.ReplaceAll(h.thread, "_", "/posts/")}
	return v
}

func (h *happening) direct(account string) m {
	id := h.by.fbID()
	if strings.HasPrefix(h.shape, "instagram") {
		id = h.by.igID()
	}
	from, to := id, account
	msg := m{"mid": h.id, "text": h.text}
	if h.shape == msgEcho {
		from, to = to, from
		msg["is_echo"], msg["app_id"] = true, 1517776481860111
	}
	if h.shape == igStory {
		msg["reply_to"] = m{"story": m{"id": "1800" + h.thread, "url": "https://cdn.example/story.jpg"}}
	}
	if h.change == "delete" {
		msg = m{"mid": h.id, "is_deleted": true}
	}
	return m{"sender": m{"id": from}, "recipient": m{"id": to}, "timestamp": stamp(h.at).UnixMilli(), "message": msg}
}

func (h *happening) mastodon() m {
	host := []string{"fedi.example", "toot.example", "social.example"}[h.by.n%3]
	acct := h.by.handle() + "@" + host
	lang, visibility := "en", "public"
	if spanish(h.text) {
		lang = "es"
	}
	if h.shape == mastoDM {
		visibility = "direct"
	}
	text := strings.ReplaceAll(h.text, "@VeloriaCare", "")
	content := `<p><span class="h-card" translate="no"><a href="https://social.veloria.example/@care" class="u-url mention">@<span>care</span></a></span> ` +
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(strings.TrimSpace(text)) + `</p>`
	account := m{"id": fmt.Sprint(66000 + h.by.n), "username": h.by.handle(), "acct": acct, "display_name": h.by.name(), "locked": false, "bot": false,
		"created_at": "2022-11-06T00:00:00.000Z", "url": "https://" + host + "/@" + h.by.handle(), "followers_count": h.by.followers, "following_count": 120, "statuses_count": 900}
	return m{"id": h.id, "type": "mention", "created_at": iso(h.at + time.Second), "account": account,
		"status": m{"id": h.id, "created_at": iso(h.at), "in_reply_to_id": nil, "in_reply_to_account_id": nil, "sensitive": false, "spoiler_text": "",
			"visibility": visibility, "language": lang, "uri": "https://" + host + "/users/" + h.by.handle() + "/statuses/" + h.id,
			"url": "https://" + host + "/@" + h.by.handle() + "/" + h.id, "content": content, "edited_at": nil, "reblog": nil, "account": account,
			"media_attachments": []any{}, "tags": []any{}, "emojis": []any{},
			"mentions": []m{{"id": mastodonID, "username": "care", "url": "https://social.veloria.example/@care", "acct": "care"}}}}
}

func (h *happening) bluesky() m {
	text := strings.TrimSpace(strings.ReplaceAll(h.text, "@VeloriaCare", ""))
	lang := "en"
	if spanish(h.text) {
		lang = "es"
	}
	rec := m{"$type": "app.bsky.feed.post", "createdAt": iso(h.at), "langs": []string{lang}}
	reason := "mention"
	if h.shape == bskyReply {
		reason = "reply"
		root := m{"uri": "at://" + blueskyDID + "/app.bsky.feed.post/3mveloria00" + fmt.Sprint(1+h.by.n%6), "cid": "bafyreiveloriacarepost" + fmt.Sprint(1+h.by.n%6)}
		rec["reply"] = m{"root": root, "parent": root}
	} else {
		text = "@care.veloria.example " + text
		rec["facets"] = []m{{"index": m{"byteStart": 0, "byteEnd": 21}, "features": []m{{"$type": "app.bsky.richtext.facet#mention", "did": blueskyDID}}}}
	}
	rec["text"] = text
	return m{"uri": h.id, "cid": fmt.Sprintf("bafyreiauthor%018d", h.by.n), "reason": reason, "isRead": false, "indexedAt": iso(h.at + time.Second), "record": rec,
		"author": m{"did": h.by.did(), "handle": strings.ReplaceAll(h.by.handle(), "_", "-") + ".bsky.example", "displayName": h.by.name(), "createdAt": "2024-02-09T00:00:00.000Z"}}
}
