package bluesky

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

var (
	received = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	veloria  = platform.Account{Platform: care.Bluesky, Account: ourDID, Handle: ourHandle, BaseURL: "https://pds.veloria.org"}
)

// recorded wraps a post captured from Jetstream (its own golden file) into a
// notification to the author of the post that it answers.
func recorded(t testing.TB) (page string, own platform.Account) {
	t.Helper()
	b, err := os.ReadFile("testdata/jetstream_v1_post_reply.json")
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		DID    string
		Commit struct {
			RKey, CID string
			Record    json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return `{"notifications":[{"uri":"at://` + e.DID + `/app.bsky.feed.post/` + e.Commit.RKey + `","cid":"` + e.Commit.CID + `","author":{"did":"` + e.DID + `","handle":"ana.tandemo.example"},"reason":"reply","record":` + string(e.Commit.Record) + `,"indexedAt":"2026-05-25T14:23:29.157Z"}]}`,
		platform.Account{Account: "did:plc:j76trmiofvaxxpvx2vnb2vwf", BaseURL: "https://bsky.social"}
}

func TestNormaliseRecordedReply(t *testing.T) {
	body, own := recorded(t)
	b, err := Normalise([]byte(body), own, received)
	if err != nil {
		t.Fatal(err)
	}
	const root = "at://did:plc:j76trmiofvaxxpvx2vnb2vwf/app.bsky.feed.post/3mmojbrjwbs26"
	const uri = "at://did:plc:q235v55g5unth4zjjdpacfdr/app.bsky.feed.post/3mmoojp4cd223"
	want := care.Batch{Items: []care.Inbound{{Change: care.Received, Post: care.Post{
		Platform: care.Bluesky, NativeID: uri, Account: own.Account, Kind: care.KindReply,
		Author: care.Author{ID: "did:plc:q235v55g5unth4zjjdpacfdr", Handle: "ana.tandemo.example"},
		Text:   "Try RSV for a good time !!", Lang: "en", Thread: root, ReplyTo: root, InOurThread: true, Addressed: true,
		URL:       "https://bsky.app/profile/did:plc:q235v55g5unth4zjjdpacfdr/post/3mmoojp4cd223",
		CreatedAt: time.Date(2026, 5, 25, 14, 23, 28, 757000000, time.UTC), ReceivedAt: received,
		Ref: map[string]string{
			"uri": uri, "cid": "bafyreicl7rzkxdrm4zz2ehbx52kuk3mvfow6p3gzfys72r5grvskxoswy4",
			"rootUri": root, "rootCid": "bafyreiainko5un5pbcdosvxpbisjnjzemojnry6nsgtdftdgslbu37kxai",
		},
	}}}}
	if d := cmp.Diff(want, b); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
}

func TestNormaliseItems(t *testing.T) {
	const uri = "at://did:plc:lena/app.bsky.feed.post/3kabc"
	const ours = "at://" + ourDID + "/app.bsky.feed.post/3kour"
	const other = "at://did:plc:ana/app.bsky.feed.post/3kana"
	note := func(reason, record string) string {
		return `{"uri":"` + uri + `","cid":"` + testCID + `","author":{"did":"did:plc:lena","handle":"lena.example.com"},"reason":"` + reason + `","record":` + record + `,"indexedAt":"2026-11-02T08:00:00Z"}`
	}
	ref := func(uri string) string { return `{"uri":"` + uri + `","cid":"` + testCID + `"}` }
	type want struct {
		kind            care.Kind
		thread, replyTo string
		ours, addressed bool
		own             bool
		text            string
		attached        []string
	}
	for name, tc := range map[string]struct {
		note string
		want want
	}{
		"mention":          {note("mention", `{"text":"hi","createdAt":"2026-11-02T07:00:00Z"}`), want{kind: care.KindMention, thread: uri, addressed: true, text: "hi"}},
		"reply to us":      {note("reply", `{"text":"hi","reply":{"root":`+ref(other)+`,"parent":`+ref(ours)+`}}`), want{kind: care.KindReply, thread: other, replyTo: ours, ours: true, addressed: true, text: "hi"}},
		"deeper below us":  {note("reply", `{"text":"hi","reply":{"root":`+ref(ours)+`,"parent":`+ref(other)+`}}`), want{kind: care.KindReply, thread: ours, replyTo: other, ours: true, text: "hi"}},
		"deeper, named us": {note("reply", `{"text":"hi","reply":{"root":`+ref(ours)+`,"parent":`+ref(other)+`},"facets":[{"features":[{"did":"`+ourDID+`"}]}]}`), want{kind: care.KindReply, thread: ours, replyTo: other, ours: true, addressed: true, text: "hi"}},
		"quote":            {note("quote", `{"text":"hi","embed":{"$type":"app.bsky.embed.record","record":`+ref(ours)+`}}`), want{kind: care.KindQuote, thread: uri, replyTo: ours, ours: true, addressed: true, text: "hi", attached: []string{"share:"}}},
		"quote with media": {note("quote", `{"text":"hi","embed":{"record":{"record":`+ref(ours)+`},"media":{"images":[{},{}]}}}`), want{kind: care.KindQuote, thread: uri, replyTo: ours, ours: true, addressed: true, text: "hi", attached: []string{"image:", "image:", "share:"}}},
		"links":            {note("mention", `{"text":"hi a.example/…","embed":{"external":{"uri":"https://a.example/b"}},"facets":[{"features":[{"uri":"https://a.example/b"},{"uri":"javascript:x"}]},{"features":[{"uri":"https://c.example"}]}]}`), want{kind: care.KindMention, thread: uri, addressed: true, text: "hi a.example/…", attached: []string{"link:https://a.example/b", "link:https://c.example"}}},
		"all of wrong type": {`{"uri":"` + uri + `","cid":7,"author":"me","reason":"mention","record":{"text":{},"createdAt":1,"langs":"en","reply":[],"embed":"x","facets":{"a":1}},"indexedAt":[]}`,
			want{kind: care.KindMention, thread: uri, addressed: true}},
		"ours": {`{"uri":"` + ours + `","reason":"reply","author":{},"record":{"text":"me"}}`, want{kind: care.KindReply, thread: ours, own: true, text: "me"}},
		"a root that is no record": {note("reply", `{"text":"hi","reply":{"root":{"uri":"https://evil.example"},"parent":{"uri":"at://handle.example/app.bsky.feed.post/1"}}}`),
			want{kind: care.KindReply, thread: uri, text: "hi"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Normalise([]byte(`{"notifications":[`+tc.note+`]}`), veloria, received)
			if err != nil || len(b.Items) != 1 {
				t.Fatalf("%+v %v", b, err)
			}
			p := b.Items[0].Post
			got := want{p.Kind, p.Thread, p.ReplyTo, p.InOurThread, p.Addressed, p.Author.Own, p.Text, nil}
			for _, a := range p.Attachments {
				got.attached = append(got.attached, a.Type+":"+a.URL)
			}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestCreatedAtIsNeverAfterIndexing(t *testing.T) {
	body := `{"notifications":[{"uri":"at://did:plc:a/app.bsky.feed.post/1","reason":"mention","record":{"createdAt":"2031-01-01T00:00:00Z"},"indexedAt":"2026-11-02T08:00:00Z"}]}`
	b, err := Normalise([]byte(body), veloria, received)
	if err != nil || !b.Items[0].Post.CreatedAt.Equal(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v %v", b, err)
	}
}

func TestNormaliseSkips(t *testing.T) {
	for name, tc := range map[string]struct {
		note, kind string
		known      bool
	}{
		"like":            {`{"uri":"at://did:plc:a/app.bsky.feed.like/1","reason":"like","record":{}}`, "like", true},
		"repost":          {`{"reason":"repost"}`, "repost", true},
		"like via repost": {`{"reason":"like-via-repost"}`, "like-via-repost", true},
		"starter pack":    {`{"reason":"starterpack-joined"}`, "starterpack-joined", true},
		"from the future": {`{"reason":"hologram"}`, "hologram", false},
		"words":           {`{"reason":"Call Lena, 555"}`, "unreadable", false},
		"no uri":          {`{"reason":"mention","record":{"text":"x"}}`, "mention", false},
		"a handle's uri":  {`{"uri":"at://lena.example/app.bsky.feed.post/1","reason":"mention","record":{}}`, "mention", false},
		"no record":       {`{"uri":"at://did:plc:a/app.bsky.feed.post/1","reason":"mention","record":null}`, "mention", false},
		"a number":        {`7`, "unreadable", false},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Normalise([]byte(`{"notifications":[`+tc.note+`]}`), veloria, received)
			if err != nil || len(b.Items) != 0 || len(b.Skipped) != 1 {
				t.Fatalf("%+v %v", b, err)
			}
			if s := b.Skipped[0]; s.Type != tc.kind || s.Known != tc.known || s.Reason == "" {
				t.Fatalf("%+v", s)
			}
		})
	}
}

func TestNormaliseLog(t *testing.T) {
	const msg = `"convoId":"c1","message":{"$type":"chat.bsky.convo.defs#messageView","id":"m1","text":"help","sender":{"did":"did:plc:lena"},"sentAt":"2026-11-02T08:00:00Z"}`
	for name, tc := range map[string]struct {
		entry   string
		change  care.Change
		skipped string
		known   bool
	}{
		"a message":          {`{"$type":"chat.bsky.convo.defs#logCreateMessage","rev":"r",` + msg + `}`, care.Received, "", false},
		"a deleted message":  {`{"$type":"chat.bsky.convo.defs#logDeleteMessage","rev":"r","convoId":"c1","message":{"$type":"chat.bsky.convo.defs#deletedMessageView","id":"m1","sender":{"did":"did:plc:lena"}}}`, care.Deleted, "", false},
		"deleted before":     {`{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c1","message":{"$type":"chat.bsky.convo.defs#deletedMessageView","id":"m1","sender":{"did":"did:plc:lena"}}}`, "", "logCreateMessage", true},
		"our own":            {`{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c1","message":{"id":"m1","sender":{"did":"` + ourDID + `"}}}`, "", "logCreateMessage", true},
		"a read mark":        {`{"$type":"chat.bsky.convo.defs#logReadMessage","convoId":"c1"}`, "", "logReadMessage", true},
		"from the future":    {`{"$type":"chat.bsky.convo.defs#logDance"}`, "", "logDance", false},
		"no sender":          {`{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c1","message":{"id":"m1"}}`, "", "logCreateMessage", false},
		"a path for a convo": {`{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"../x","message":{"id":"m1","sender":{"did":"did:plc:lena"}}}`, "", "logCreateMessage", false},
		"a string":           {`"x"`, "", "unreadable", false},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := NormaliseLog([]byte(`{"logs":[`+tc.entry+`]}`), veloria, received)
			if err != nil || len(b.Items)+len(b.Skipped) != 1 {
				t.Fatalf("%+v %v", b, err)
			}
			if tc.change == "" {
				if s := b.Skipped[0]; s.Type != tc.skipped || s.Known != tc.known {
					t.Fatalf("%+v", s)
				}
				return
			}
			i := b.Items[0]
			p := i.Post
			if i.Change != tc.change || p.NativeID != "c1/m1" || p.Thread != "did:plc:lena" || !p.Private || p.Kind != care.KindDirect || !p.Addressed || p.Ref["convo"] != "c1" {
				t.Fatalf("%+v", i)
			}
			if tc.change == care.Deleted && p.Text != "" {
				t.Fatal("a deleted message kept its text")
			}
		})
	}
}

// Goods and bads from the AT Protocol specifications.
func TestSyntax(t *testing.T) {
	check := func(what string, ok func(string) bool, goods, bads []string) {
		for _, s := range goods {
			if !ok(s) {
				t.Errorf("%s %q should be good", what, s)
			}
		}
		for _, s := range bads {
			if ok(s) {
				t.Errorf("%s %q should be bad", what, s)
			}
		}
	}
	check("DID", validDID,
		[]string{"did:plc:z72i7hdynmk6r22z27h6tvur", "did:web:blueskyweb.xyz", "did:method:val:two", "did:m:v", "did:method::::val", "did:method:-:_:.", "did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N"},
		[]string{"", "DID:plc:abc", "did:METHOD:val", "did:m123:val", "did:method:val?a=1", "did:method:val#x", "did:method:", "did:method:val/two", "did::x", "did:plc:a\n", "at://did:plc:a"})
	check("handle", validHandle,
		[]string{"jay.bsky.social", "8.cn", "name.t--t", "XX.LCS.MIT.EDU", "a.co", "xn--notarealidn.com", "xn--fiqa61au8b7zsevnm8ak20mc4a87e.xn--fiqs8s", "xn--ls8h.test"},
		[]string{"", "jo@hn.test", "john..test", "xn--bcher-.tld", "john.0", "cn.8", "org", "handle.invalid", ".a.com", "a.com.", "www.maseﬂ.com", strings.Repeat("a", 64) + ".com"})
	uri := func(s string) bool { _, _, _, ok := splitURI(s); return ok }
	check("AT URI", uri,
		[]string{"at://did:plc:asdf123/com.atproto.feed.post/record", "at://did:plc:a/app.bsky.feed.post/3jui7kd54zh2y", "at://did:plc:a/com.example.x/self", "at://did:plc:a/com.example.x/~:.-_"},
		[]string{"", "at://did:plc:a", "at://did:plc:a/app.bsky.feed.post", "at://name.com/app.bsky.feed.post/1", "http://did:plc:a/app.bsky.feed.post/1", "at://did:plc:a/app.bsky.feed.post/1/2", "at://did:plc:a/nodots/1", "at://did:plc:a/app.bsky.feed.post/..", "at://did:plc:a/app.bsky.feed.post/a b", "at://did:plc:a//1"})
	check("TID", tidSyntax().MatchString,
		[]string{"3jzfcijpj2z2a", "7777777777777", "3zzzzzzzzzzzz", "2222222222222"},
		[]string{"", "3jzfcijpj2z21", "0000000000000", "3jzfcijpj2z2aa", "3jzfcijpj2z2", "zzzzzzzzzzzzz", "kjzfcijpj2z2a"})
}

func TestRecordKey(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		got := recordKey(ourDID, key)
		if !tidSyntax().MatchString(got) {
			t.Fatalf("%q is no TID", got)
		}
		if got != recordKey(ourDID, key) {
			t.Fatal("not the same twice")
		}
		if other, ok := seen[got]; ok && other != key {
			t.Fatalf("%q and %q meet", key, other)
		}
		seen[got] = key
		if recordKey("did:plc:else", key) == got {
			t.Fatal("two accounts meet")
		}
		// The time in it: base 32, 5 bits each, microseconds above 10 bits.
		var v uint64
		for _, r := range got {
			v = v<<5 | uint64(strings.IndexRune("234567abcdefghijklmnopqrstuvwxyz", r))
		}
		if y := time.UnixMicro(int64(v >> 10)).UTC().Year(); y < 1990 || y > 2025 {
			t.Fatalf("the key's year is %d", y)
		}
	})
}

func TestFacets(t *testing.T) {
	didOf := func(h string) string { return map[string]string{"lena.bsky.example": "did:plc:lena"}[h] }
	for name, tc := range map[string]struct {
		text string
		want []string // kind:covered text:target
	}{
		"none":                  {"hello", nil},
		"link":                  {"see https://veloria.example/a?b=c now", []string{"link|https://veloria.example/a?b=c|https://veloria.example/a?b=c"}},
		"after wide characters": {"日本 👨‍👩‍👧 é https://veloria.example", []string{"link|https://veloria.example|https://veloria.example"}},
		"at the sentence's end": {"(see https://veloria.example/a.) or https://veloria.example/b!", []string{"link|https://veloria.example/a|https://veloria.example/a", "link|https://veloria.example/b|https://veloria.example/b"}},
		"with brackets":         {"https://veloria.example/a_(b)", []string{"link|https://veloria.example/a_(b)|https://veloria.example/a_(b)"}},
		"no host":               {"https://", nil},
		"mention":               {"Hola @lena.bsky.example, gracias", []string{"mention|@lena.bsky.example|did:plc:lena"}},
		"mention at the end":    {"(@lena.bsky.example).", []string{"mention|@lena.bsky.example|did:plc:lena"}},
		"nobody":                {"@nobody.bsky.example", nil},
		"an e-mail address":     {"write to a@lena.bsky.example", nil},
		"within a link":         {"https://x.example/(@lena.bsky.example)", []string{"link|https://x.example/(@lena.bsky.example)|https://x.example/(@lena.bsky.example)"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range facetsOf(tc.text, didOf) {
				x := f.Features[0]
				_, kind, _ := strings.Cut(x.Type, "#")
				got = append(got, kind+"|"+tc.text[f.Index.Start:f.Index.End]+"|"+x.URI+x.DID)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		for _, f := range facetsOf(text, func(string) string { return "did:plc:x" }) {
			if s := text[f.Index.Start:f.Index.End]; !utf8.ValidString(s) || s == "" {
				t.Fatalf("%v covers %q", f.Index, s)
			}
		}
	})
}

func TestWeb(t *testing.T) {
	for base, want := range map[string]bool{
		"https://bsky.social": true, "https://pds.veloria.org": true, "http://127.0.0.1:2583": false, "http://localhost:2583": false,
		"http://[::1]:2583": false, "http://pds": false, "https://pds.internal": false, "https://social.veloria.example": false,
	} {
		if got := web(base); got != want {
			t.Errorf("%s: %v", base, got)
		}
	}
}

// hostile are bodies that a broken or evil server, or a record's author, may
// make us read.
func hostile() map[string]string {
	note := func(record string) string {
		return `{"notifications":[{"uri":"at://did:plc:a/app.bsky.feed.post/1","cid":"` + testCID + `","reason":"mention","author":{"did":"did:plc:a"},"record":` + record + `,"indexedAt":"2026-11-02T08:00:00Z"}],"cursor":7}`
	}
	return map[string]string{
		"empty": "", "not JSON": "<html>", "list": "[]", "null": "null", "no list": `{"cursor":"x"}`, "null list": `{"notifications":null}`, "cut": `{"notifications":[{"uri":`,
		"deep": strings.Repeat(`{"notifications":[`, 50_000), "deep record": note(strings.Repeat(`{"reply":`, 4000) + "1" + strings.Repeat("}", 4000)),
		"10 MB": note(`{"text":"` + strings.Repeat("lorem ipsum ", 850_000) + `"}`), "NULs": note(`{"text":"a\u0000b\u0001\u202ec\r\nd"}`),
		"bad UTF-8": note("{\"text\":\"a\xff\xfeb\"}"), "half surrogates": note(`{"text":"\ud83d x \udc00"}`),
		"script": note(`{"text":"<script>alert(1)</script>","embed":{"external":{"uri":"javascript:alert(1)"}}}`),
		"many":   note(`{"facets":[` + strings.Repeat(`{"features":[{"uri":"https://a.example"}]},`, 20_000) + `1]}`),
		"names":  `{"notifications":[{"uri":"at://did:plc:a/app.bsky.feed.post/1","reason":"mention","author":{"did":"did:plc:a","handle":"a b\nc","displayName":"\u0000\u0007x\u202e\r\n"},"record":{}}]}`,
		"times":  `{"notifications":[{"uri":"at://did:plc:a/app.bsky.feed.post/1","reason":"mention","record":{"createdAt":"-99999"},"indexedAt":"9999-12-31T00:00:00Z"}]}`,
	}
}

func TestNormaliseHostile(t *testing.T) {
	for name, body := range hostile() {
		t.Run(name, func(t *testing.T) {
			b, err := Normalise([]byte(body), veloria, received)
			if err != nil && care.CodeOf(err) != care.Invalid {
				t.Fatalf("got %v", err)
			}
			sound(t, b)
		})
	}
}

// sound holds a batch against what every post promises.
func sound(t testing.TB, b care.Batch) {
	t.Helper()
	for _, i := range b.Items {
		p := i.Post
		all, err := json.Marshal(p)
		switch {
		case err != nil:
			t.Fatal(err)
		case p.NativeID == "" || p.Thread == "" || p.Platform != care.Bluesky || p.Kind == "" || !validDID(p.Author.ID):
			t.Fatalf("a post misses an id: %+v", p)
		case !utf8.ValidString(p.Text) || len(p.Text) > care.MaxTextBytes || strings.ContainsAny(p.Text, "\x00\x01\x07\r"):
			t.Fatalf("unfit text of %s", p.NativeID)
		case strings.ContainsAny(p.Author.Name+p.Author.Handle, "\x00\n\r") || !utf8.ValidString(p.Author.Name):
			t.Fatalf("unfit author %+v", p.Author)
		case p.CreatedAt.IsZero() || p.CreatedAt.Year() > 2200:
			t.Fatalf("unfit time %v", p.CreatedAt)
		case len(all) > 150_000:
			t.Fatalf("a post of %d bytes", len(all))
		}
		for _, a := range p.Attachments {
			if a.URL != "" && !strings.HasPrefix(a.URL, "http") {
				t.Fatalf("unfit attachment %+v", a)
			}
		}
	}
	for _, s := range b.Skipped {
		if s.Type == "" || s.Reason == "" || len(s.Type) > 64 {
			t.Fatalf("unfit skip %+v", s)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	body, _ := recorded(f)
	f.Add([]byte(body))
	for _, body := range hostile() {
		if len(body) < 1024 {
			f.Add([]byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Normalise(body, veloria, received)
		if err != nil && care.CodeOf(err) != care.Invalid {
			t.Fatalf("got %v", err)
		}
		sound(t, b)
	})
}

func FuzzNormaliseLog(f *testing.F) {
	f.Add([]byte(`{"logs":[{"$type":"chat.bsky.convo.defs#logCreateMessage","rev":"3l2","convoId":"c1","message":{"id":"m1","text":"help","sender":{"did":"did:plc:lena"},"sentAt":"2026-11-02T08:00:00Z"}}],"cursor":"3l2"}`))
	f.Add([]byte(`{"logs":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := NormaliseLog(body, veloria, received)
		if err != nil && care.CodeOf(err) != care.Invalid {
			t.Fatalf("got %v", err)
		}
		sound(t, b)
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(`{"v":1,"top":5,"seen":"AAAAAAAAAAUAAAAAAAAABQ","sweep":{"page":"x","left":3}}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			if care.CodeOf(err) != care.Invalid {
				t.Fatalf("got %v", err)
			}
			return
		}
		again, err := parseCursor(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q reads back as %q, %v", c.String(), again.String(), err)
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	body, own := recorded(b)
	one := strings.TrimSuffix(strings.TrimPrefix(body, `{"notifications":[`), `]}`)
	var list []string
	for i := range 100 {
		list = append(list, strings.Replace(one, "3mmoojp4cd223", "3mmoojp4cd2"+string(rune('a'+i/10))+string(rune('a'+i%10)), 1))
	}
	page := []byte(`{"notifications":[` + strings.Join(list, ",") + `]}`)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := Normalise(page, own, received)
		if err != nil || len(got.Items) != 100 {
			b.Fatalf("%d items, %v", len(got.Items), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*100), "µs/post")
	b.ReportMetric(100, "posts/op")
}
