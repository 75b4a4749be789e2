package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/bluesky"
	"github.com/fielder-care/fielder/shared/platform/mastodon"
	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/platformtest"
	"github.com/fielder-care/fielder/shared/platform/x"
)

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// mention is an X Activity API body: somebody names us.
func mention(id, author, text string) string {
	return xEvent("post.mention.create", id, author, text, m{"entities": m{"mentions": []m{{"start": 0, "end": 12, "username": "VeloriaCare", "id": "7001001"}}}})
}

func xEvent(kind, id, author, text string, more m) string {
	payload := m{"id": id, "author_id": author, "created_at": "2026-11-17T08:59:00.000Z", "conversation_id": id, "text": text, "display_text_range": []int{0, len(text)}}
	for k, v := range more {
		payload[k] = v
	}
	return jsonOf(m{"data": m{"event_uuid": id, "event_type": kind, "filter": m{"user_id": "7001001"}, "payload": payload,
		"includes": m{"users": []m{{"id": author, "username": "ana_d", "name": "Ana Diaz", "public_metrics": m{"followers_count": 75}}}}}})
}

func xDirect(id, from, text string) string {
	return jsonOf(m{"data": m{"event_uuid": id, "event_type": "dm.received", "filter": m{"user_id": "7001001"}, "payload": m{
		"direct_message_events": []m{{"type": "message_create", "id": id, "created_timestamp": "1794905940000",
			"message_create": m{"target": m{"recipient_id": "7001001"}, "sender_id": from, "message_data": m{"text": text}}}},
		"users": m{from: m{"data": m{"id": from, "username": "ana_d", "name": "Ana Diaz"}}}}}})
}

// comment is a Facebook body: somebody comments below our post 7002001_9001.
func comment(id, author, text string) string {
	return jsonOf(m{"object": "page", "entry": []m{{"id": "7002001", "time": 1794905941, "changes": []m{{"field": "feed", "value": m{
		"from": m{"id": author, "name": "Ana Diaz"}, "post_id": "7002001_9001", "comment_id": id, "parent_id": "7002001_9001",
		"created_time": 1794905940, "item": "comment", "verb": "add", "message": text}}}}}})
}

func igComment(id, author, text string) string {
	return jsonOf(m{"object": "instagram", "entry": []m{{"id": "7003001", "time": 1794905940, "changes": []m{{"field": "comments", "value": m{
		"from": m{"id": author, "username": "ana.d"}, "comment_id": id, "text": text, "media": m{"id": "17919001", "media_product_type": "FEED"}}}}}}})
}

func metaDirect(object, account, id, from, text string, at time.Time) string {
	return jsonOf(m{"object": object, "entry": []m{{"id": account, "time": at.UnixMilli(), "messaging": []m{{"sender": m{"id": from}, "recipient": m{"id": account},
		"timestamp": at.UnixMilli(), "message": m{"mid": id, "text": text}}}}}})
}

func first(t *testing.T, b care.Batch, err error) care.Post {
	t.Helper()
	must(t, err)
	if len(b.Items) != 1 {
		t.Fatalf("%d items, %+v skipped", len(b.Items), b.Skipped)
	}
	return b.Items[0].Post
}

func (v *server) ask(p care.Platform, body string) care.Post {
	v.t.Helper()
	own := []platform.Account{v.acc(p)}
	if p == care.X {
		must(v.t, v.SeedX([]byte(body)))
		b, err := x.Normalise([]byte(body), v.clock(), own)
		return first(v.t, b, err)
	}
	must(v.t, v.SeedMeta([]byte(body)))
	b, err := meta.Normalise([]byte(body), v.clock(), own)
	return first(v.t, b, err)
}

func (v *server) sender(p care.Platform) platformtest.Sender {
	switch p {
	case care.X:
		return x.New(v.acc(p), v.client(), v.clock)
	case care.Mastodon:
		return mastodon.New(v.acc(p), v.client(), v.clock)
	case care.Bluesky:
		return bluesky.New(v.acc(p), v.client(), v.clock)
	}
	return meta.New(v.acc(p), v.client(), v.clock)
}

func (v *server) out(p care.Post, text string) care.Outgoing {
	return care.Outgoing{Key: "reply:" + string(p.ID()), Account: p.Account, Post: p, To: p.Author, Private: p.Private, Text: text, Since: v.clock()}
}

// The adapters against the stand-in, each on each kind of post: said once, where
// the customer sees it; found by a new process; lost answers found; nothing
// found that was not said.
func TestAdaptersSayAndFind(t *testing.T) {
	const text = "Sorry! A technician & a new VeloBox are on their way: https://veloria.example/t?a=1&b=2 <soon>"
	now := time.Date(2026, 11, 17, 8, 59, 0, 0, time.UTC)
	tests := []struct {
		name     string
		platform care.Platform
		body     string
		private  bool // asked for
		thread   string
		want     Reply
	}{
		{"XReply", care.X, mention("501", "81001", "@VeloriaCare dead again"), false, "501", Reply{Platform: "x", InReplyTo: "501"}},
		{"XQuote", care.X, xEvent("post.quote.create", "502", "81001", "look at that", m{"referenced_tweets": []m{{"type": "quoted", "id": "400"}}}), false, "502", Reply{Platform: "x", InReplyTo: "502"}},
		{"XDirect", care.X, xDirect("601", "81001", "dead again"), false, "81001", Reply{Platform: "x", Private: true, To: "81001"}},
		{"XPublicToPrivate", care.X, mention("503", "81001", "@VeloriaCare my number is ..."), true, "81001", Reply{Platform: "x", Private: true, To: "81001"}},
		{"FacebookComment", care.Facebook, comment("9001_1", "55", "dead again"), false, "7002001_9001", Reply{Platform: "facebook", InReplyTo: "9001_1"}},
		{"FacebookPrivateReply", care.Facebook, comment("9001_1", "55", "my number is ..."), true, "55", Reply{Platform: "messenger", InReplyTo: "9001_1", Private: true, To: "55"}},
		{"Messenger", care.Messenger, metaDirect("page", "7002001", "m_1", "55", "dead again", now), false, "55", Reply{Platform: "messenger", Private: true, To: "55"}},
		{"InstagramComment", care.Instagram, igComment("17881", "66", "dead again"), false, "17919001", Reply{Platform: "instagram", InReplyTo: "17881"}},
		{"InstagramPrivateReply", care.Instagram, igComment("17881", "66", "my number is ..."), true, "66", Reply{Platform: "instagram", InReplyTo: "17881", Private: true, To: "66"}},
		{"InstagramDirect", care.Instagram, metaDirect("instagram", "7003001", "aWdf", "66", "dead again", now), false, "66", Reply{Platform: "instagram", Private: true, To: "66"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := start(t, nil)
			p := v.ask(tt.platform, tt.body)
			out := v.out(p, text)
			out.Private = out.Private || tt.private
			if _, found, err := v.sender(tt.platform).Find(t.Context(), out); found || err != nil {
				t.Fatalf("found before it was said: %v %v", found, err)
			}
			v.order(order{}) // done, but the answer is lost
			if _, err := v.sender(tt.platform).Send(t.Context(), out); care.CodeOf(err) != care.Unknown {
				t.Fatalf("a lost answer is %v, want Unknown", err)
			}
			sent, found, err := v.sender(tt.platform).Find(t.Context(), out)
			if !found || err != nil {
				t.Fatalf("not found: %v", err)
			}
			replies := v.Replies()
			if len(replies) != 1 {
				t.Fatalf("said %v", replies)
			}
			got := replies[0]
			if got.ID != sent.NativeID || got.Text != text || got.Thread != tt.thread || got.At.IsZero() {
				t.Errorf("got %+v, found %+v, thread %s", got, sent, tt.thread)
			}
			got.ID, got.Text, got.Thread, got.At, got.Key = "", "", "", time.Time{}, ""
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			other := out
			other.Text = "Something else."
			if _, found, err := v.sender(tt.platform).Find(t.Context(), other); found || err != nil {
				t.Errorf("found what was not said: %v %v", found, err)
			}
			if status, page := v.page(ThreadPath(replies[0].Platform, tt.thread)); status != 200 || !strings.Contains(page, "ours, automated") {
				t.Errorf("the thread's page shows no answer: status %d", status)
			}
		})
	}
}

// The rules that make platforms say no.
func TestRefusals(t *testing.T) {
	now := time.Date(2026, 11, 17, 8, 59, 0, 0, time.UTC)
	tests := []struct {
		name     string
		platform care.Platform
		body     string
		prepare  func(v *server, out *care.Outgoing)
		code     care.Code
	}{
		{"XNotSummoned", care.X, xEvent("post.create", "505", "81001", "Veloria is slow", nil), nil, care.Refused},
		{"XImplicitMentionSummonsNobody", care.X, xEvent("post.reply.create", "506", "81001", "@VeloriaCare and again", m{"in_reply_to_tweet_id": "400", "display_text_range": []int{13, 22},
			"referenced_tweets": []m{{"type": "replied_to", "id": "400"}}, "entities": m{"mentions": []m{{"start": 0, "end": 12, "username": "VeloriaCare", "id": "7001001"}}}}), nil, care.Refused},
		{"XDeletedTarget", care.X, mention("507", "81001", "@VeloriaCare hi"), func(v *server, out *care.Outgoing) { v.Delete("x", "507") }, care.Refused},
		{"XSaidAlready", care.X, mention("508", "81001", "@VeloriaCare hi"), func(v *server, out *care.Outgoing) {
			if _, err := v.sender(care.X).Send(v.t.Context(), *out); err != nil {
				v.t.Fatal(err)
			}
		}, care.Unknown},
		{"XTooLong", care.X, mention("509", "81001", "@VeloriaCare hi"), func(v *server, out *care.Outgoing) { out.Text = strings.Repeat("日", 141) }, care.Invalid},
		{"XRefusesDirect", care.X, xDirect("602", "81001", "hi"), func(v *server, out *care.Outgoing) { v.RefuseDirect("x", "81001") }, care.Refused},
		{"FacebookDeletedTarget", care.Facebook, comment("9001_2", "55", "hi"), func(v *server, out *care.Outgoing) { v.Delete("facebook", "9001_2") }, care.Refused},
		{"FacebookPrivateReplyOnce", care.Facebook, comment("9001_3", "55", "hi"), func(v *server, out *care.Outgoing) {
			out.Private = true
			first := *out
			first.Text = "The first one."
			if _, err := v.sender(care.Facebook).Send(v.t.Context(), first); err != nil {
				v.t.Fatal(err)
			}
		}, care.Refused},
		{"FacebookPrivateReplyWithin7Days", care.Facebook, comment("9001_4", "55", "hi"), func(v *server, out *care.Outgoing) { out.Private = true; v.pass(8 * 24 * time.Hour) }, care.Refused},
		{"MessengerAfter24Hours", care.Messenger, metaDirect("page", "7002001", "m_2", "55", "hi", now), func(v *server, out *care.Outgoing) { v.pass(25 * time.Hour) }, care.Refused},
		{"MessengerToAStranger", care.Messenger, metaDirect("page", "7002001", "m_3", "55", "hi", now), func(v *server, out *care.Outgoing) { out.Post.Author.ID, out.To.ID = "56", "56" }, care.Refused},
		{"InstagramTooManyBytes", care.Instagram, metaDirect("instagram", "7003001", "aWdf", "66", "hi", now), func(v *server, out *care.Outgoing) { out.Text = strings.Repeat("é", 501) }, care.Invalid},
		{"InstagramPrivateReplyOnce", care.Instagram, igComment("17882", "66", "hi"), func(v *server, out *care.Outgoing) {
			out.Private = true
			first := *out
			first.Text = "The first one."
			if _, err := v.sender(care.Instagram).Send(v.t.Context(), first); err != nil {
				v.t.Fatal(err)
			}
		}, care.Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := start(t, nil)
			out := v.out(v.ask(tt.platform, tt.body), "Sorry to hear that.")
			before := 0
			if tt.prepare != nil {
				tt.prepare(v, &out)
				before = len(v.Replies())
			}
			if _, err := v.sender(tt.platform).Send(t.Context(), out); care.CodeOf(err) != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
			if got := v.Replies(); len(got) != before {
				t.Errorf("said %v all the same", said(got[before:]))
			}
		})
	}
}

func TestXEnterpriseNeedsNoSummons(t *testing.T) {
	v := start(t, func(o *Options) {
		a := o.Accounts["x"]
		a.Enterprise = true
		o.Accounts["x"] = a
	})
	out := v.out(v.ask(care.X, xEvent("post.create", "505", "81001", "Veloria is slow", nil)), "Sorry to hear that.")
	if _, err := v.sender(care.X).Send(t.Context(), out); err != nil {
		t.Error(err)
	}
}

func TestXTimelinePages(t *testing.T) {
	v := start(t, nil)
	for i := range 12 {
		if status, body, _ := v.call("POST", "/standin/x/2/tweets", "x-write", m{"text": fmt.Sprint("n", i)}); status != 201 {
			t.Fatalf("status %d %v", status, body)
		}
		v.pass(time.Second)
	}
	var got []string
	next := ""
	for {
		_, body, _ := v.call("GET", "/standin/x/2/users/7001001/tweets?max_results=5"+next, "x-read", nil)
		for _, p := range list(body["data"]) {
			got = append(got, str(dig(p, "text")))
		}
		token := str(dig(body, "meta", "next_token"))
		if token == "" {
			break
		}
		next = "&pagination_token=" + token
	}
	want := []string{"n11", "n10", "n9", "n8", "n7", "n6", "n5", "n4", "n3", "n2", "n1", "n0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want newest first", got)
	}
	if status, _, _ := v.call("GET", "/standin/x/2/users/7001001/tweets?max_results=101", "x-read", nil); status != 400 {
		t.Errorf("max_results 101: status %d", status)
	}
}

// A webhook's edits and removals are seen in the thread.
func TestMetaEditsAndRemovals(t *testing.T) {
	v := start(t, nil)
	must(t, v.SeedMeta([]byte(comment("9001_5", "55", "first words"))))
	must(t, v.SeedMeta([]byte(strings.Replace(comment("9001_5", "55", "better words"), `"add"`, `"edited"`, 1))))
	_, body, _ := v.call("GET", "/standin/graph/v25.0/9001_5?fields=id,message,can_reply_privately", "fb-read", nil)
	if body["message"] != "better words" || body["can_reply_privately"] != true {
		t.Errorf("got %v", body)
	}
	must(t, v.SeedMeta([]byte(strings.Replace(comment("9001_5", "55", ""), `"add"`, `"remove"`, 1))))
	_, body, _ = v.call("GET", "/standin/graph/v25.0/9001_5", "fb-read", nil)
	if e := object(body["error"]); e["code"] != 100.0 || e["error_subcode"] != 33.0 {
		t.Errorf("a removed comment: %v", body)
	}
}

func TestInstagramMention(t *testing.T) {
	v := start(t, nil)
	body := jsonOf(m{"object": "instagram", "entry": []m{{"id": "7003001", "time": 1794905940, "changes": []m{{"field": "mentions", "value": m{"comment_id": "17890", "media_id": "17910"}}}}}})
	v.SeedInstagramMention("17890", "17910", "66", "ana.d", "ask @veloria.care about it", v.clock())
	p := v.ask(care.Instagram, body)
	c := meta.New(v.acc(care.Instagram), v.client(), v.clock)
	full, err := c.Hydrate(t.Context(), p)
	if err != nil || full.Text != "ask @veloria.care about it" || full.Author.Handle != "ana.d" {
		t.Fatalf("hydrated %+v, %v", full, err)
	}
	if _, err := c.Send(t.Context(), v.out(full, "Here we are.")); err != nil {
		t.Fatal(err)
	}
	if got := v.Replies(); len(got) != 1 || got[0].InReplyTo != "17890" || got[0].Thread != "17910" {
		t.Errorf("said %+v", got)
	}
}

func TestHumanAgentTag(t *testing.T) {
	v := start(t, nil)
	v.ask(care.Messenger, metaDirect("page", "7002001", "m_9", "55", "hi", v.clock()))
	v.pass(3 * 24 * time.Hour)
	body := m{"recipient": m{"id": "55"}, "message": m{"text": "An agent writes."}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
	if status, got, _ := v.call("POST", "/standin/graph/v25.0/7002001/messages", "fb-write", body); status != 200 {
		t.Errorf("after 3 days with the tag: %d %v", status, got)
	}
	v.pass(5 * 24 * time.Hour)
	if status, got, _ := v.call("POST", "/standin/graph/v25.0/7002001/messages", "fb-write", body); status != 400 || dig(got, "error", "code") != 10.0 {
		t.Errorf("after 8 days with the tag: %d %v", status, got)
	}
}

// toot is a Mastodon notification; n makes its ids and time.
func toot(n int, private bool) []byte {
	visibility := "public"
	if private {
		visibility = "direct"
	}
	at := iso(time.Date(2026, 11, 17, 7, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second))
	id := fmt.Sprint(115560000000000000 + n*1000)
	account := m{"id": fmt.Sprint(66000 + n%7), "username": fmt.Sprint("ana", n%7), "acct": fmt.Sprint("ana", n%7, "@fedi.example"), "display_name": "Ana", "url": "https://fedi.example/@ana", "followers_count": 5}
	return []byte(jsonOf(m{"id": id, "type": "mention", "created_at": at, "account": account, "status": m{"id": id, "created_at": at, "in_reply_to_id": nil,
		"visibility": visibility, "language": "en", "uri": "https://fedi.example/" + id, "url": "https://fedi.example/" + id, "account": account,
		"content":  `<p><span class="h-card"><a href="https://social.veloria.example/@care" class="u-url mention">@<span>care</span></a></span> help</p>`,
		"mentions": []m{{"id": "7004001", "username": "care", "acct": "care", "url": "https://social.veloria.example/@care"}}}}))
}

// skeet is an item of Bluesky's listNotifications.
func skeet(n int) []byte {
	at := iso(time.Date(2026, 11, 17, 7, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second))
	return []byte(jsonOf(m{"uri": fmt.Sprintf("at://did:plc:author%018d/app.bsky.feed.post/3m%09dz2", n%7, n), "cid": cid(n), "reason": "mention", "isRead": false, "indexedAt": at,
		"author": m{"did": fmt.Sprintf("did:plc:author%018d", n%7), "handle": fmt.Sprint("ana", n%7, ".bsky.example"), "displayName": "Ana"},
		"record": m{"$type": "app.bsky.feed.post", "text": "@care.veloria.example help", "langs": []string{"en"}, "createdAt": at,
			"facets": []m{{"index": m{"byteStart": 0, "byteEnd": 21}, "features": []m{{"$type": "app.bsky.richtext.facet#mention", "did": ours["bluesky"].ID}}}}}}))
}

func (v *server) inbox(p care.Platform, open func() platformtest.Poller) platformtest.Inbox {
	n := 0
	return platformtest.Inbox{
		Open: open,
		Arrive: func(k int) (ids []string) {
			for range k {
				n++
				if p == care.Mastodon {
					must(v.t, v.AddMastodon(toot(n, false)))
					ids = append(ids, fmt.Sprint(115560000000000000+n*1000))
				} else {
					must(v.t, v.AddBluesky(skeet(n)))
					ids = append(ids, fmt.Sprintf("at://did:plc:author%018d/app.bsky.feed.post/3m%09dz2", n%7, n))
				}
			}
			v.pass(time.Duration(k)*time.Second + 5*time.Minute)
			return ids
		},
		Noise: func(k int) {
			for range k {
				n++
				if p == care.Mastodon {
					must(v.t, v.AddMastodon([]byte(strings.Replace(string(toot(n, false)), `"type":"mention"`, `"type":"favourite"`, 1))))
				} else {
					must(v.t, v.AddBluesky([]byte(strings.Replace(string(skeet(n)), `"reason":"mention"`, `"reason":"like"`, 1))))
				}
			}
		},
		Fail: func(status int, h http.Header) {
			v.order(order{status: status, header: h})
		},
		Account: ours[string(p)].ID,
	}
}

// The pollers' conformance suite, on the stand-in as the server.
func TestPollersConform(t *testing.T) {
	t.Run("mastodon", func(t *testing.T) {
		platformtest.TestPoller(t, func(t *testing.T) platformtest.Inbox {
			v := start(t, nil)
			in := v.inbox(care.Mastodon, func() platformtest.Poller { return mastodon.New(v.acc(care.Mastodon), v.readFaults(), v.clock) })
			in.First = mastodon.FirstMost
			return in
		})
	})
	t.Run("bluesky", func(t *testing.T) {
		platformtest.TestPoller(t, func(t *testing.T) platformtest.Inbox {
			v := start(t, func(o *Options) { o.Unlimited = true }) // the suite signs in more often than Bluesky allows
			in := v.inbox(care.Bluesky, func() platformtest.Poller { return bluesky.New(v.acc(care.Bluesky), v.readFaults(), v.clock) })
			in.First = bluesky.FirstMost
			return in
		})
	})
}

// readFaults is a client whose next request, of any kind but a sign-in, meets
// what was ordered: the suite of pollers fails reads.
func (v *server) readFaults() *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		v.mu.Lock()
		var o *order
		if len(v.next) > 0 && !strings.Contains(r.URL.Path, "com.atproto.server.") {
			o = &v.next[0]
			v.next = v.next[1:]
		}
		v.mu.Unlock()
		if o == nil {
			return v.RoundTrip(r)
		}
		h := o.header
		if h == nil {
			h = http.Header{}
		}
		return &http.Response{StatusCode: o.status, Header: h, Body: http.NoBody, Request: r}, nil
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// outbox lets the senders' conformance suite run against the stand-in.
func (v *server) outbox(p care.Platform, keyed bool, longest int) platformtest.Outbox {
	n := 0
	of := func(post care.Post, private bool) (texts []string) {
		for _, r := range v.Replies() {
			if r.Platform != string(p) || r.Private != private {
				continue
			}
			if r.InReplyTo == post.NativeID || private && r.To == post.Author.ID {
				texts = append(texts, r.Text)
			}
		}
		return texts
	}
	return platformtest.Outbox{
		Open: func() platformtest.Sender { return v.sender(p) },
		Ask: func(private bool) care.Post {
			n++
			if p == care.Mastodon {
				body := toot(n, private)
				must(v.t, v.AddMastodon(body))
				b, err := mastodon.Normalise([]byte("["+string(body)+"]"), v.acc(p), v.clock())
				return first(v.t, b, err)
			}
			if private {
				v.AddBlueskyMessage("did:plc:author000000000000000007", "ana7.bsky.example", "help", v.clock())
				v.Standin.mu.Lock()
				body := jsonOf(m{"logs": v.bluesky.log[len(v.bluesky.log)-1:]})
				v.Standin.mu.Unlock()
				b, err := bluesky.NormaliseLog([]byte(body), v.acc(p), v.clock())
				return first(v.t, b, err)
			}
			body := skeet(n)
			must(v.t, v.AddBluesky(body))
			b, err := bluesky.Normalise([]byte(`{"notifications":[`+string(body)+`]}`), v.acc(p), v.clock())
			return first(v.t, b, err)
		},
		Remove:  func(post care.Post) { v.Delete(string(p), post.NativeID) },
		Public:  func(post care.Post) []string { return of(post, false) },
		Private: func(post care.Post) []string { return of(post, true) },
		Chatter: func(post care.Post, text string) {
			if _, err := v.sender(p).Send(v.t.Context(), care.Outgoing{Key: "by hand", Account: ours[string(p)].ID, Post: post, To: post.Author, Private: post.Private, Text: text}); err != nil {
				v.t.Fatal(err)
			}
		},
		Lose: func() { v.order(order{}) },
		Fail: func(status int, h http.Header) { v.order(order{status: status, header: h}) },
		Down: func() func() {
			set := func(down bool) {
				v.mu.Lock()
				defer v.mu.Unlock()
				v.down = down
			}
			set(true)
			return func() { set(false) }
		},
		Longest: func(care.Post) int { return longest },
		Keyed:   keyed,
		Now:     v.clock,
		Account: ours[string(p)].ID,
	}
}

// The senders' conformance suite, on the stand-in as the server.
func TestSendersConform(t *testing.T) {
	t.Run("mastodon", func(t *testing.T) {
		platformtest.TestSender(t, func(t *testing.T) platformtest.Outbox {
			return start(t, nil).outbox(care.Mastodon, true, 500-len("@ana1 "))
		})
	})
	t.Run("mastodon without keys", func(t *testing.T) {
		platformtest.TestSender(t, func(t *testing.T) platformtest.Outbox {
			return start(t, func(o *Options) {
				a := o.Accounts["mastodon"]
				a.IgnoreKeys = true
				o.Accounts["mastodon"] = a
			}).outbox(care.Mastodon, false, 500-len("@ana1 "))
		})
	})
	t.Run("bluesky", func(t *testing.T) {
		platformtest.TestSender(t, func(t *testing.T) platformtest.Outbox {
			return start(t, nil).outbox(care.Bluesky, true, 300)
		})
	})
}

// Without keys, saying it again says it twice: the stand-in must show that, or a
// duplicate would go unseen.
func TestDuplicatesShow(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		v := start(t, func(o *Options) {
			a := o.Accounts["mastodon"]
			a.IgnoreKeys = ignore
			o.Accounts["mastodon"] = a
		})
		o := v.outbox(care.Mastodon, !ignore, 0)
		out := v.out(o.Ask(false), "Hello.")
		for range 2 {
			if _, err := v.sender(care.Mastodon).Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
		}
		if want := map[bool]int{false: 1, true: 2}[ignore]; len(v.Replies()) != want {
			t.Errorf("keys ignored: %v; said %v, want %d", ignore, said(v.Replies()), want)
		}
	}
}

func TestMastodonKeysLastAnHour(t *testing.T) {
	v := start(t, nil)
	o := v.outbox(care.Mastodon, true, 0)
	out := v.out(o.Ask(false), "Hello.")
	for range 2 {
		if _, err := v.sender(care.Mastodon).Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		v.pass(61 * time.Minute)
	}
	if len(v.Replies()) != 2 {
		t.Errorf("said %v; after an hour the key is forgotten", said(v.Replies()))
	}
}

func TestBlueskySessionsEnd(t *testing.T) {
	v := start(t, nil)
	_, session, _ := v.call("POST", "/standin/bluesky/xrpc/com.atproto.server.createSession", "", m{"identifier": "care.veloria.example", "password": "abcd-efgh-ijkl-mnop"})
	const path = "/standin/bluesky/xrpc/app.bsky.notification.listNotifications"
	if status, _, _ := v.call("GET", path, str(session["accessJwt"]), nil); status != 200 {
		t.Fatalf("status %d", status)
	}
	v.pass(2 * time.Hour)
	if status, body, _ := v.call("GET", path, str(session["accessJwt"]), nil); status != 400 || body["error"] != "ExpiredToken" {
		t.Errorf("after 2 hours: %d %v", status, body)
	}
	status, next, _ := v.call("POST", "/standin/bluesky/xrpc/com.atproto.server.refreshSession", str(session["refreshJwt"]), nil)
	if status != 200 {
		t.Fatalf("refresh: %d %v", status, next)
	}
	if status, _, _ := v.call("GET", path, str(next["accessJwt"]), nil); status != 200 {
		t.Errorf("after a refresh: status %d", status)
	}
	if status, _, _ := v.call("GET", path, str(next["refreshJwt"]), nil); status != 400 {
		t.Errorf("a refresh token opens other doors: status %d", status)
	}
}

func TestBlueskyPutTwiceIsOnePost(t *testing.T) {
	v := start(t, nil)
	_, session, _ := v.call("POST", "/standin/bluesky/xrpc/com.atproto.server.createSession", "", m{"identifier": "care.veloria.example", "password": "abcd-efgh-ijkl-mnop"})
	body := m{"repo": ours["bluesky"].ID, "collection": "app.bsky.feed.post", "rkey": "3mabcdefghijk", "record": m{"$type": "app.bsky.feed.post", "text": "Hello.", "createdAt": "2026-11-17T09:00:00.000Z"}}
	var ids []string
	for range 2 {
		status, got, _ := v.call("POST", "/standin/bluesky/xrpc/com.atproto.repo.putRecord", str(session["accessJwt"]), body)
		if status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		ids = append(ids, str(got["uri"])+str(got["cid"]))
	}
	if ids[0] != ids[1] || len(v.Replies()) != 1 {
		t.Errorf("ids %v, said %v", ids, said(v.Replies()))
	}
	if status, got, _ := v.call("POST", "/standin/bluesky/xrpc/com.atproto.repo.createRecord", str(session["accessJwt"]), body); status != 400 {
		t.Errorf("createRecord on an existing key: %d %v", status, got)
	}
	uri := "at://" + ours["bluesky"].ID + "/app.bsky.feed.post/3mabcdefghijk"
	if _, thread, _ := v.call("GET", "/standin/bluesky/xrpc/app.bsky.feed.getPostThread?uri="+uri, str(session["accessJwt"]), nil); str(dig(thread, "thread", "post", "record", "text")) != "Hello." {
		t.Errorf("thread %v", thread)
	}
}

// min_id begins at the oldest that is newer, since_id at the newest (Mastodon
// docs, pagination); Link leads on both ways.
func TestMastodonPaging(t *testing.T) {
	v := start(t, nil)
	for n := 1; n <= 9; n++ {
		must(t, v.AddMastodon(toot(n, false)))
	}
	id := func(n int) string { return fmt.Sprint(115560000000000000 + n*1000) }
	for query, want := range map[string][]int{
		"limit=3":                                {9, 8, 7},
		"limit=3&min_id=" + id(2):                {5, 4, 3},
		"limit=3&since_id=" + id(2):              {9, 8, 7},
		"limit=3&max_id=" + id(5):                {4, 3, 2},
		"since_id=" + id(2) + "&max_id=" + id(5): {4, 3},
		"min_id=" + id(9):                        {},
		"types[]=favourite":                      {},
	} {
		r, err := http.NewRequest("GET", v.http.URL+"/standin/mastodon/api/v1/notifications?"+query, nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer m-read")
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		var page []struct{ ID string }
		must(t, json.NewDecoder(res.Body).Decode(&page))
		res.Body.Close()
		got, ids := []string{}, []string{}
		for _, n := range page {
			got = append(got, n.ID)
		}
		for _, n := range want {
			ids = append(ids, id(n))
		}
		if !slices.Equal(got, ids) {
			t.Errorf("%s: got %v, want %v", query, got, ids)
		}
		link := res.Header.Get("Link")
		if len(want) == 0 {
			if link != "" {
				t.Errorf("%s: an empty page leads to %s", query, link)
			}
			continue
		}
		if !strings.Contains(link, "max_id="+ids[len(ids)-1]) || !strings.Contains(link, "min_id="+ids[0]) {
			t.Errorf("%s: Link %s", query, link)
		}
	}
}
