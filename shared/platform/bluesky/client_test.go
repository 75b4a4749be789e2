package bluesky

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func ids(b care.Batch) (list []string) {
	for _, i := range b.Items {
		list = append(list, i.Post.NativeID)
	}
	return list
}

// all polls until nothing is left.
func all(t *testing.T, c *Client, cursor string) ([]string, string) {
	t.Helper()
	var got []string
	for range 100 {
		p, err := c.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		got, cursor = append(got, ids(p.Batch)...), p.Cursor
		if !p.More {
			return got, cursor
		}
	}
	t.Fatal("no end")
	return nil, ""
}

// A post that is indexed late appears below newer ones, by the time that its
// author's clock claims.
func TestLateNotifications(t *testing.T) {
	f := newFake(t, dialect{chat: "501"})
	c := f.client()
	for i := range 150 {
		f.arrive(i, false)
	}
	_, cursor := all(t, c, "")
	for _, late := range []time.Duration{2 * time.Second, time.Minute, 100 * time.Second} {
		want := f.announce(3, "mention", f.now.Add(-late+500*time.Millisecond))
		fresh := f.arrive(0, false)
		got, next := all(t, f.client(), cursor)
		if !slices.Contains(got, want) || !slices.Contains(got, fresh) || len(got) != 2 {
			t.Fatalf("%v late: got %v, want %s and %s", late, got, want, fresh)
		}
		if got, _ := all(t, f.client(), next); len(got) != 0 {
			t.Fatalf("%v late: came again: %v", late, got)
		}
		cursor = next
	}
}

// A sweep over many pages is interrupted after each page, by a new process each
// time, while new posts arrive on top.
func TestInterruptedSweep(t *testing.T) {
	f := newFake(t, dialect{chat: "501", maxPage: 30})
	f.arrive(0, false)
	_, cursor := all(t, f.client(), "")
	var want []string
	for i := range 1500 { // more than a sweep remembers
		want = append(want, f.arrive(i, false))
	}
	got := map[string]int{}
	for range 300 {
		p, err := f.client().Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids(p.Batch) {
			got[id]++
		}
		cursor = p.Cursor
		if len(cursor) > 64<<10 {
			t.Fatalf("a cursor of %d bytes", len(cursor))
		}
		if len(want) < 1520 {
			want = append(want, f.arrive(1, false))
		}
		if !p.More && len(got) == len(want) {
			break
		}
	}
	for _, id := range want {
		if got[id] != 1 {
			t.Fatalf("%s came %d times", id, got[id])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d came, %d were written", len(got), len(want))
	}
}

// Two notifications of one millisecond, cut apart by a page whose cursor is a
// bare time: the server leaves one out, and a page of another size shows it.
func TestTiesAtAPageBreak(t *testing.T) {
	f := newFake(t, dialect{chat: "501"})
	var want []string
	for range 60 {
		f.tick()
		want = append(want, f.announce(1, "mention", f.now), f.announce(2, "mention", f.now), f.announce(3, "mention", f.now))
	}
	cursor := ""
	got := map[string]int{}
	for range 5 {
		list, next := all(t, f.client(), cursor)
		for _, id := range list {
			got[id]++
		}
		cursor = next
		f.now = f.now.Add(time.Minute)
	}
	for _, id := range want {
		if got[id] != 1 {
			t.Fatalf("%s came %d times", id, got[id])
		}
	}
}

func TestNoiseIsCountedOnce(t *testing.T) {
	f := newFake(t, dialect{chat: "501", reasons: "ignore"})
	f.inbox().Noise(50)
	cursor, n := "", 0
	for range 4 {
		p, err := f.client().Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Batch.Skipped {
			if s.Type == "like" || s.Type == "repost" || s.Type == "follow" {
				n++
			}
		}
		cursor = p.Cursor
	}
	if n != 50 {
		t.Fatalf("50 likes and the like were counted %d times", n)
	}
}

func TestProfilesAreFilled(t *testing.T) {
	f := newFake(t, dialect{})
	f.announce(4, "mention", f.now)
	did, _ := person(5)
	f.write(did, did, "hello")
	c := f.client()
	p, err := c.Poll(t.Context(), "")
	if err != nil || !p.More {
		t.Fatalf("%+v %v", p, err)
	}
	q, err := c.Poll(t.Context(), p.Cursor)
	if err != nil {
		t.Fatal(err)
	}
	items := append(p.Batch.Items, q.Batch.Items...)
	if len(items) != 2 {
		t.Fatalf("%+v", items)
	}
	for i, want := range []struct {
		handle    string
		followers int
	}{{"lena4.bsky.example", 40}, {"lena5.bsky.example", 50}} {
		a := items[i].Post.Author
		if a.Handle != want.handle || a.Followers == nil || *a.Followers != want.followers || a.Name == "" || a.Since.IsZero() {
			t.Errorf("%+v", a)
		}
	}
}

func TestChatIsOffOnceAndComesBack(t *testing.T) {
	for _, how := range []string{"501", "404", "token", "proxy"} {
		t.Run(how, func(t *testing.T) {
			f := newFake(t, dialect{chat: how})
			notes, tries, cursor := 0, 0, ""
			c := f.client()
			for range 10 {
				p, err := c.Poll(t.Context(), cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range p.Batch.Skipped {
					if s.Type == "chat.bsky.convo.getLog" {
						notes++
					}
				}
				cursor = p.Cursor
				f.now = f.now.Add(time.Minute)
			}
			for _, call := range f.calls {
				if call == "chat.bsky.convo.getLog" {
					tries++
				}
			}
			if notes != 1 || tries != 1 || f.signIns != 1 {
				t.Fatalf("noted %d, tried %d, signed in %d times", notes, tries, f.signIns)
			}
			f.d.chat = ""
			f.now = f.now.Add(chatOff)
			did, _ := person(1)
			f.write(did, did, "hello")
			if got, _ := all(t, c, cursor); len(got) != 1 {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func TestDeletedDirectMessage(t *testing.T) {
	f := newFake(t, dialect{})
	did, _ := person(1)
	m := f.write(did, did, "hello")
	c := f.client()
	_, cursor := all(t, c, "")
	f.log = append(f.log, map[string]any{"$type": "chat.bsky.convo.defs#logDeleteMessage", "rev": f.tid(), "convoId": f.convo(did), "message": map[string]any{"$type": "chat.bsky.convo.defs#deletedMessageView", "id": m["id"], "sender": map[string]any{"did": did}, "sentAt": f.stamp()}})
	p, err := c.Poll(t.Context(), cursor)
	if err != nil || len(p.Batch.Items) != 1 || p.Batch.Items[0].Change != care.Deleted || p.Batch.Items[0].Post.NativeID != f.convo(did)+"/"+m["id"].(string) {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestSessions(t *testing.T) {
	t.Run("one sign-in, then renewals", func(t *testing.T) {
		f := newFake(t, dialect{lifetime: 10 * time.Minute, chat: "501"})
		c, cursor := f.client(), ""
		for range 60 {
			f.now = f.now.Add(time.Minute)
			p, err := c.Poll(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			cursor = p.Cursor
		}
		if f.signIns != 1 || f.renewals < 5 || f.renewals > 8 {
			t.Fatalf("%d sign-ins, %d renewals in an hour", f.signIns, f.renewals)
		}
	})
	t.Run("a token that ends early is renewed within the call", func(t *testing.T) {
		f := newFake(t, dialect{})
		c := f.client()
		_, cursor := all(t, c, "")
		for token := range f.tokens {
			f.tokens[token] = f.now
		}
		id := f.arrive(0, false)
		if got, _ := all(t, c, cursor); len(got) != 1 || got[0] != id || f.signIns != 1 || f.renewals != 1 {
			t.Fatalf("got %v, %d sign-ins, %d renewals", got, f.signIns, f.renewals)
		}
	})
	t.Run("everything revoked: signs in again", func(t *testing.T) {
		f := newFake(t, dialect{})
		c := f.client()
		_, cursor := all(t, c, "")
		clear(f.tokens)
		clear(f.refresh)
		if _, err := c.Poll(t.Context(), cursor); err != nil || f.signIns != 2 {
			t.Fatalf("%v, %d sign-ins", err, f.signIns)
		}
	})
	t.Run("a wrong password is not tried all day", func(t *testing.T) {
		f := newFake(t, dialect{})
		f.password = "changed"
		c := f.client()
		for range 9 {
			if _, err := c.Poll(t.Context(), ""); care.CodeOf(err) != care.Denied {
				t.Fatal(err)
			}
			f.now = f.now.Add(time.Minute)
		}
		if f.signIns != 1 {
			t.Fatalf("%d tries", f.signIns)
		}
		f.now = f.now.Add(deniedFor)
		f.password = "abcd-efgh-ijkl-mnop"
		if _, err := c.Poll(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("sign-ins are rationed", func(t *testing.T) {
		f := newFake(t, dialect{})
		c := f.client()
		var err error
		for range signInsShort + 1 {
			clear(f.tokens)
			clear(f.refresh)
			if _, err = c.Poll(t.Context(), ""); err != nil {
				break
			}
		}
		after, ok := platform.RetryAfter(err)
		if care.CodeOf(err) != care.Throttled || !ok || after > 5*time.Minute || f.signIns != signInsShort {
			t.Fatalf("%v, wait %v, %d sign-ins", err, after, f.signIns)
		}
		f.now = f.now.Add(after)
		if _, err := c.Poll(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("somebody else's credentials", func(t *testing.T) {
		f := newFake(t, dialect{})
		own := f.own()
		own.Account = "did:plc:somebodyelse"
		if _, err := New(own, nil, f.clock).Poll(t.Context(), ""); care.CodeOf(err) != care.Denied {
			t.Fatal(err)
		}
	})
	t.Run("no credentials", func(t *testing.T) {
		f := newFake(t, dialect{})
		own := f.own()
		own.Password = ""
		if _, err := New(own, nil, f.clock).Poll(t.Context(), ""); care.CodeOf(err) != care.Denied {
			t.Fatal(err)
		}
	})
}

// The record as the PDS gets it.
func TestRecordOfAReply(t *testing.T) {
	f := newFake(t, dialect{})
	root := map[string]any{"uri": "at://did:plc:ana/app.bsky.feed.post/3kroot", "cid": "bafyreirootroot"}
	uri := f.announce(7, "mention", f.now)
	f.records[uri]["reply"] = map[string]any{"root": root, "parent": map[string]any{"uri": "at://did:plc:ana/app.bsky.feed.post/3kmid", "cid": "bafyreimidmid"}}
	did, handle := person(7)
	out := care.Outgoing{
		Key: "reply:1", Account: ourDID, Lang: "es", To: care.Author{ID: did, Handle: handle},
		Post: care.Post{NativeID: uri, Author: care.Author{ID: did, Handle: handle}},
		Text: "¡Hola @" + handle + "! Mira https://veloria.example/ñ.",
	}
	sent, err := f.client().Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(f.records[sent.NativeID])
	if err != nil {
		t.Fatal(err)
	}
	// Byte offsets counted by hand: "¡" and "ñ" are two bytes.
	want := fmt.Sprintf(`{"$type":"app.bsky.feed.post","createdAt":"2026-11-02T08:00:00.000Z","facets":[`+
		`{"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://veloria.example/ñ"}],"index":{"byteEnd":59,"byteStart":33}},`+
		`{"features":[{"$type":"app.bsky.richtext.facet#mention","did":%q}],"index":{"byteEnd":26,"byteStart":7}}],`+
		`"langs":["es"],"reply":{"parent":{"cid":%q,"uri":%q},"root":{"cid":"bafyreirootroot","uri":"at://did:plc:ana/app.bsky.feed.post/3kroot"}},`+
		`"text":"¡Hola @lena7.bsky.example! Mira https://veloria.example/ñ."}`, did, testCID, uri)
	if string(got) != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestLimits(t *testing.T) {
	family := "👨‍👩‍👧‍👦" // one character, 25 bytes
	for name, tc := range map[string]struct {
		text    string
		private bool
		ok      bool
	}{
		"300 letters":                 {strings.Repeat("a", 300), false, true},
		"301 letters":                 {strings.Repeat("a", 301), false, false},
		"120 families, 3,000 bytes":   {strings.Repeat(family, 120), false, true},
		"121 families are too heavy":  {strings.Repeat(family, 121), false, false},
		"300 two-part accents":        {strings.Repeat("e\u0301", 300), false, true},
		"1,000 letters, directly":     {strings.Repeat("a", 1000), true, true},
		"1,001 letters, directly":     {strings.Repeat("a", 1001), true, false},
		"400 families, 10,000 bytes":  {strings.Repeat(family, 400), true, true},
		"401 families, directly":      {strings.Repeat(family, 401), true, false},
		"spaces around do not matter": {"  " + strings.Repeat("a", 300) + "\n", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := compose(care.Outgoing{Text: tc.text, Private: tc.private, Post: care.Post{NativeID: "x"}})
			if (err == nil) != tc.ok || err != nil && care.CodeOf(err) != care.Invalid {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	f := newFake(t, dialect{})
	uri := f.announce(7, "mention", f.now)
	did, _ := person(7)
	p := care.Post{NativeID: uri, Author: care.Author{ID: did}}
	f.gates[uri] = true
	if _, err := f.client().Send(t.Context(), care.Outgoing{Key: "k", Post: p, Text: "hi"}); care.CodeOf(err) != care.Refused {
		t.Errorf("a closed thread: %v", err)
	}
	f.noDMs[did] = true
	if _, err := f.client().Send(t.Context(), care.Outgoing{Key: "k", Post: p, Text: "hi", Private: true}); care.CodeOf(err) != care.Refused {
		t.Errorf("no direct messages: %v", err)
	}
	for how, want := range map[string]care.Code{"501": care.Refused, "404": care.Refused, "token": care.Denied} {
		f.d.chat = how
		if _, err := f.client().Send(t.Context(), care.Outgoing{Key: "k", To: care.Author{ID: "did:plc:x"}, Text: "hi"}); care.CodeOf(err) != want {
			t.Errorf("chat %s: %v", how, err)
		}
	}
	if _, err := f.client().Send(t.Context(), care.Outgoing{Key: "k", Post: care.Post{NativeID: "https://x"}, Text: "hi"}); care.CodeOf(err) != care.Invalid {
		t.Errorf("no AT URI: %v", err)
	}
}

func TestExists(t *testing.T) {
	f := newFake(t, dialect{})
	p := care.Post{NativeID: f.announce(1, "mention", f.now)}
	if ok, err := f.client().Exists(t.Context(), p); !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	delete(f.records, p.NativeID)
	if ok, err := f.client().Exists(t.Context(), p); ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
}

// Many direct messages of ours since the first attempt: Find reads on to the
// next pages, and never calls "too many to tell" a no.
func TestFindAmongManyDirectMessages(t *testing.T) {
	f := newFake(t, dialect{})
	o := f.outbox()
	p := o.Ask(true)
	out := care.Outgoing{Key: "k", Account: ourDID, Post: p, Text: "the one", Since: p.CreatedAt}
	if _, err := f.client().Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		o.Chatter(p, "another")
	}
	if _, ok, err := f.client().Find(t.Context(), out); !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	for range 100 {
		o.Chatter(p, "another")
	}
	if _, ok, err := f.client().Find(t.Context(), out); ok || care.CodeOf(err) != care.Unknown {
		t.Fatalf("%v %v", ok, err)
	}
}

func TestThrottledUntilTheWindowEnds(t *testing.T) {
	f := newFake(t, dialect{})
	c := f.client()
	_, cursor := all(t, c, "")
	f.faults = append(f.faults, fault{status: 429, header: http.Header{"Ratelimit-Reset": {fmt.Sprint(f.now.Add(77 * time.Second).Unix())}}})
	_, err := c.Poll(t.Context(), cursor)
	if after, ok := platform.RetryAfter(err); !ok || after != 77*time.Second {
		t.Fatalf("%v, wait %v", err, after)
	}
}

func TestBaseURLAndRedirect(t *testing.T) {
	for _, bad := range []string{"", "pds.example", "https://u:p@x.example", "https://x.example?a"} {
		if _, err := New(platform.Account{Account: ourDID, BaseURL: bad}, nil, nil).Poll(t.Context(), ""); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if _, err := New(platform.Account{Account: "7004001", BaseURL: "https://x.example"}, nil, nil).Poll(t.Context(), ""); care.CodeOf(err) != care.Invalid {
		t.Errorf("an account that is no DID: got %v", err)
	}
}

// A server that gives one page for ever must not hold the poller, and says so.
func TestEndlessPage(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "createSession") {
			_, _ = io.WriteString(w, `{"did":"`+ourDID+`","accessJwt":"a","refreshJwt":"r"}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "listNotifications") {
			_, _ = io.WriteString(w, `{"notifications":[{"uri":"at://did:plc:a/app.bsky.feed.post/1","reason":"mention","record":{"text":"x"},"indexedAt":"2026-11-02T08:00:00Z"}],"cursor":"same"}`)
			return
		}
		w.WriteHeader(http.StatusNotImplemented)
	}))
	defer srv.Close()
	c := New(platform.Account{Account: ourDID, Identifier: "i", Password: "p", BaseURL: srv.URL}, nil, nil)
	got, cursor := all(t, c, "")
	if len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	if got, _ := all(t, c, cursor); len(got) != 0 {
		t.Fatalf("again %v", got)
	}
}
