// Package wire writes what platforms send in their own wire formats: the bodies of
// X's and Meta's webhooks, and what polls of Mastodon and Bluesky give. The
// recorded day (scripts/samples) and the stories (scripts/stories) are made with
// it; all accounts but the brand's own are made up. The forms are those of the
// platforms' documentation (see the adapters' own comments); a shape that a
// platform does not have is a bug of the caller.
package wire

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
)

// Our own accounts, as in shared/config/default/brand.yaml.
const (
	XAccount         = "7001001"
	FacebookPage     = "7002001"
	InstagramAccount = "7003001"
	MastodonAccount  = "7004001"
	BlueskyDID       = "did:plc:veloriacare000000000000"
)

// Shapes a post can have on the wire.
const (
	XMention         = "x.mention"
	XReply           = "x.reply"   // a direct reply to our post; the mention is implicit
	XQuote           = "x.quote"   // quotes our post
	XRepost          = "x.repost"  // a plain repost
	XKeyword         = "x.keyword" // found by a keyword subscription
	XOwn             = "x.own"     // our own post
	XDirect          = "x.dm"
	XDirectSent      = "x.dm.sent"
	XChat            = "x.chat" // end-to-end encrypted
	FacebookComment  = "facebook.comment"
	FacebookPost     = "facebook.post"
	FacebookOwn      = "facebook.own"
	InstagramComment = "instagram.comment"    // Facebook Login shape
	InstagramLogin   = "instagram.login"      // Instagram Login shape
	InstagramDirect  = "instagram.dm"         // direct message
	InstagramStory   = "instagram.storyreply" // direct message that answers our story
	MessengerDirect  = "messenger.dm"
	MessengerEcho    = "messenger.echo"
	MessengerStandby = "messenger.standby"
	MastodonPublic   = "mastodon.public"
	MastodonDirect   = "mastodon.direct"
	BlueskyReply     = "bluesky.reply"
	BlueskyMention   = "bluesky.mention"
)

// Post is something that somebody says, changes or deletes, before it has a wire
// format.
type Post struct {
	At     time.Time // when it was written
	Shape  string
	Change string // "" (new), Edit, Delete
	By     Person
	Text   string
	// ID and Thread are the platform's own: Thread is the root of a public thread.
	ID, Thread string
	// Parent is the post that it answers, if that is not Thread itself.
	Parent string
	// Serial numbers what is delivered: X gives each event an id of its own.
	Serial int
}

// The changes of a post.
const (
	Edit   = "edit"
	Delete = "delete"
)

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type m = map[string]any

func (p Person) DID() string { return fmt.Sprintf("did:plc:author%018d", p.N) }

// Encode gives the way by which it reaches us (day.ViaX, ...) and the body there.
func (h Post) Encode() (via string, body any) {
	switch strings.SplitN(h.Shape, ".", 2)[0] {
	case "x":
		return day.ViaX, h.x()
	case "facebook":
		return day.ViaMeta, m{"object": "page", "entry": []m{{"id": FacebookPage, "time": h.At.Unix() + 1, "changes": []m{{"field": "feed", "value": h.feed()}}}}}
	case "messenger":
		key := "messaging"
		if h.Shape == MessengerStandby {
			key = "standby"
		}
		return day.ViaMeta, m{"object": "page", "entry": []m{{"id": FacebookPage, "time": h.At.UnixMilli() + 300, key: []m{h.direct(FacebookPage)}}}}
	case "instagram":
		switch h.Shape {
		case InstagramComment:
			return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": InstagramAccount, "time": h.At.Unix(), "changes": []m{{"field": "comments",
				"value": m{"from": m{"id": h.By.InstagramID(), "username": h.By.Handle()}, "comment_id": h.ID, "text": h.Text,
					"media": m{"id": h.Thread, "media_product_type": "FEED"}}}}}}}
		case InstagramLogin:
			return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": InstagramAccount, "time": h.At.Unix(), "field": "comments",
				"value": m{"id": h.ID, "from": m{"id": h.By.InstagramID(), "username": h.By.Handle()}, "text": h.Text,
					"media": m{"id": h.Thread, "media_product_type": "REELS"}}}}}
		}
		return day.ViaMeta, m{"object": "instagram", "entry": []m{{"id": InstagramAccount, "time": h.At.UnixMilli() + 300, "messaging": []m{h.direct(InstagramAccount)}}}}
	case "mastodon":
		return day.ViaMastodon, h.mastodon()
	case "bluesky":
		return day.ViaBluesky, h.bluesky()
	}
	panic("wire: there is no shape " + h.Shape)
}

// XID is the person's id on X; the others are theirs elsewhere.
func (p Person) XID() string { return fmt.Sprint(81000 + p.N) }
func (p Person) FacebookID() string {
	return fmt.Sprint(2426000000000000 + int64(p.N))
}
func (p Person) InstagramID() string { return fmt.Sprint(1790000000000 + int64(p.N)) }

func xUser(id, handle, name string, followers int) m {
	return m{"id": id, "username": handle, "name": name, "verified": false, "verified_type": "none", "protected": false,
		"created_at": "2019-03-05T10:00:00.000Z", "public_metrics": m{"followers_count": followers, "followers_count_str": fmt.Sprint(followers), "following_count": 180}}
}

func (h Post) x() any {
	env := func(event, tag string, payload, includes any) m {
		d := m{"event_uuid": fmt.Sprint(int64(h.Serial)*104729 - 4000000), "filter": m{"user_id": XAccount}, "event_type": event, "tag": tag, "payload": payload}
		if includes != nil {
			d["includes"] = includes
		}
		return m{"data": d}
	}
	if h.Change == Delete {
		return env("post.delete", "care", m{"id": h.ID, "author_id": h.By.XID()}, m{})
	}
	switch h.Shape {
	case XDirect, XDirectSent:
		from, to, event := h.By.XID(), XAccount, "dm.received"
		if h.Shape == XDirectSent {
			from, to, event = to, from, "dm.sent"
		}
		return env(event, "dm", m{"direct_message_events": []m{{"type": "message_create", "id": h.ID, "created_timestamp": fmt.Sprint(h.At.UnixMilli()),
			"message_create": m{"target": m{"recipient_id": to}, "sender_id": from, "message_data": m{"text": h.Text, "entities": m{"urls": []m{}}}}}},
			"users": m{h.By.XID(): m{"data": xUser(h.By.XID(), h.By.Handle(), h.By.Name(), h.By.Followers)},
				XAccount: m{"data": xUser(XAccount, "VeloriaCare", "Veloria Care", 48210)}}}, nil)
	case XChat:
		return env("chat.received", "chat", m{"id": h.ID, "created_at_msec": fmt.Sprint(h.At.UnixMilli()), "sender_id": h.By.XID(),
			"conversation_id": h.By.XID() + ":" + XAccount, "conversation_key_version": "1768236281331", "encoded_event": "CwABAAAAEzIwODA0MDA4MjUyMjcxMDAxNjA"}, nil)
	}
	author := xUser(h.By.XID(), h.By.Handle(), h.By.Name(), h.By.Followers)
	if h.Shape == XOwn {
		author = xUser(XAccount, "VeloriaCare", "Veloria Care", 48210)
	}
	text := h.Text
	payload := m{"id": h.ID, "author_id": author["id"], "created_at": iso(h.At), "conversation_id": h.Thread, "edit_history_tweet_ids": []string{h.ID},
		"lang": "und", "reply_settings": "everyone", "possibly_sensitive": false}
	if spanish(text) {
		payload["lang"] = "es"
	} else if strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") {
		payload["lang"] = "en"
	}
	if h.Change == Edit { // a post of its own, with the ids of all versions
		payload["id"] = h.ID + "1"
		payload["edit_history_tweet_ids"] = []string{h.ID, h.ID + "1"}
	}
	event, tag := "post.mention.create", "mentions"
	switch h.Shape {
	case XReply:
		event, tag = "post.reply.create", "replies"
		text = "@VeloriaCare " + text
		payload["in_reply_to_user_id"] = XAccount
		payload["in_reply_to_tweet_id"] = h.Thread
		payload["referenced_tweets"] = []m{{"type": "replied_to", "id": h.Thread}}
		payload["display_text_range"] = []int{13, len([]rune(text))}
	case XQuote:
		event, tag = "post.quote.create", "quotes"
		payload["referenced_tweets"] = []m{{"type": "quoted", "id": fmt.Sprint(2089990000000000000 + int64(9001+h.Serial%12))}}
	case XRepost:
		event, tag = "post.repost.create", "reposts"
		text = "RT @VeloriaCare: " + text
		payload["referenced_tweets"] = []m{{"type": "retweeted", "id": fmt.Sprint(2089990000000000000 + int64(9001+h.Serial%12))}}
	case XKeyword, XOwn:
		event, tag = "post.create", "keyword"
	}
	if h.Parent != "" { // an answer in a thread
		payload["in_reply_to_tweet_id"] = h.Parent
		payload["referenced_tweets"] = []m{{"type": "replied_to", "id": h.Parent}}
	}
	payload["text"] = text
	if _, set := payload["display_text_range"]; !set {
		payload["display_text_range"] = []int{0, len([]rune(text))}
	}
	if i := strings.Index(text, "@VeloriaCare"); i >= 0 {
		start := len([]rune(text[:i]))
		payload["entities"] = m{"mentions": []m{{"start": start, "end": start + 12, "username": "VeloriaCare", "id": XAccount}}}
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

func (h Post) feed() m {
	v := m{"from": m{"id": h.By.FacebookID(), "name": h.By.Name()}, "post_id": h.Thread, "created_time": h.At.Unix(), "verb": "add", "message": h.Text}
	if h.Shape == FacebookOwn {
		v["from"] = m{"id": FacebookPage, "name": "Veloria"}
	}
	switch h.Change {
	case "edit":
		v["verb"] = "edited"
	case "delete":
		v["verb"] = "remove"
		delete(v, "message")
	}
	if h.Shape == FacebookPost {
		v["item"], v["post_id"] = "post", h.ID
		return v
	}
	v["item"], v["comment_id"], v["parent_id"] = "comment", h.ID, cmp.Or(h.Parent, h.Thread)
	v["post"] = m{"id": h.Thread, "status_type": "added_photos", "is_published": true, "permalink_url": "https://www.facebook.com/" + strings.ReplaceAll(h.Thread, "_", "/posts/")}
	return v
}

func (h Post) direct(account string) m {
	id := h.By.FacebookID()
	if strings.HasPrefix(h.Shape, "instagram") {
		id = h.By.InstagramID()
	}
	from, to := id, account
	msg := m{"mid": h.ID, "text": h.Text}
	if h.Shape == MessengerEcho {
		from, to = to, from
		msg["is_echo"], msg["app_id"] = true, 1517776481860111
	}
	if h.Shape == InstagramStory {
		msg["reply_to"] = m{"story": m{"id": "1800" + h.Thread, "url": "https://cdn.example/story.jpg"}}
	}
	if h.Change == "delete" {
		msg = m{"mid": h.ID, "is_deleted": true}
	}
	return m{"sender": m{"id": from}, "recipient": m{"id": to}, "timestamp": h.At.UnixMilli(), "message": msg}
}

func (h Post) mastodon() m {
	host := []string{"fedi.example", "toot.example", "social.example"}[h.By.N%3]
	acct := h.By.Handle() + "@" + host
	lang, visibility := "en", "public"
	if spanish(h.Text) {
		lang = "es"
	}
	if h.Shape == MastodonDirect {
		visibility = "direct"
	}
	text := strings.ReplaceAll(h.Text, "@VeloriaCare", "")
	content := `<p><span class="h-card" translate="no"><a href="https://social.veloria.example/@care" class="u-url mention">@<span>care</span></a></span> ` +
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(strings.TrimSpace(text)) + `</p>`
	account := m{"id": fmt.Sprint(66000 + h.By.N), "username": h.By.Handle(), "acct": acct, "display_name": h.By.Name(), "locked": false, "bot": false,
		"created_at": "2022-11-06T00:00:00.000Z", "url": "https://" + host + "/@" + h.By.Handle(), "followers_count": h.By.Followers, "following_count": 120, "statuses_count": 900}
	kind, id, edited, parent := "mention", h.ID, any(nil), any(nil)
	if h.Change == Edit { // a notification of its own about the same post
		kind, id, edited = "update", fmt.Sprint(h.At.UnixMilli()<<16|int64(h.Serial)), iso(h.At)
	}
	if h.Parent != "" {
		parent = h.Parent
	}
	return m{"id": id, "type": kind, "created_at": iso(h.At.Add(time.Second)), "account": account,
		"status": m{"id": h.ID, "created_at": iso(h.At), "in_reply_to_id": parent, "in_reply_to_account_id": nil, "sensitive": false, "spoiler_text": "",
			"visibility": visibility, "language": lang, "uri": "https://" + host + "/users/" + h.By.Handle() + "/statuses/" + h.ID,
			"url": "https://" + host + "/@" + h.By.Handle() + "/" + h.ID, "content": content, "edited_at": edited, "reblog": nil, "account": account,
			"media_attachments": []any{}, "tags": []any{}, "emojis": []any{},
			"mentions": []m{{"id": MastodonAccount, "username": "care", "url": "https://social.veloria.example/@care", "acct": "care"}}}}
}

func (h Post) bluesky() m {
	text := strings.TrimSpace(strings.ReplaceAll(h.Text, "@VeloriaCare", ""))
	lang := "en"
	if spanish(h.Text) {
		lang = "es"
	}
	rec := m{"$type": "app.bsky.feed.post", "createdAt": iso(h.At), "langs": []string{lang}}
	reason := "mention"
	if h.Shape == BlueskyReply {
		reason = "reply"
		root := m{"uri": "at://" + BlueskyDID + "/app.bsky.feed.post/3mveloria00" + fmt.Sprint(1+h.By.N%6), "cid": "bafyreiveloriacarepost" + fmt.Sprint(1+h.By.N%6)}
		rec["reply"] = m{"root": root, "parent": root}
	} else {
		text = "@care.veloria.example " + text
		rec["facets"] = []m{{"index": m{"byteStart": 0, "byteEnd": 21}, "features": []m{{"$type": "app.bsky.richtext.facet#mention", "did": BlueskyDID}}}}
	}
	rec["text"] = text
	return m{"uri": h.ID, "cid": fmt.Sprintf("bafyreiauthor%018d", h.By.N), "reason": reason, "isRead": false, "indexedAt": iso(h.At.Add(time.Second)), "record": rec,
		"author": m{"did": h.By.DID(), "handle": strings.ReplaceAll(h.By.Handle(), "_", "-") + ".bsky.example", "displayName": h.By.Name(), "createdAt": "2024-02-09T00:00:00.000Z"}}
}
