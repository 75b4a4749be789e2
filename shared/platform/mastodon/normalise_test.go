package mastodon

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
	veloria  = platform.Account{Platform: care.Mastodon, Account: ourID, Handle: ourAcct, BaseURL: "https://social.veloria.example"}
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The page was recorded on a Mastodon 4.6 server (Mastodon.py's test cassettes).
func TestNormaliseRecordedPage(t *testing.T) {
	b, err := Normalise(read(t, "notifications_types_mention.json"), platform.Account{Account: "117020566092212359"}, received)
	if err != nil {
		t.Fatal(err)
	}
	one := 1
	want := care.Batch{Items: []care.Inbound{{Change: care.Received, Post: care.Post{
		Platform: care.Mastodon, NativeID: "117020577157693549", Account: "117020566092212359", Kind: care.KindMention,
		Author:    care.Author{ID: "117020565693913441", Handle: "admin", Followers: &one, Since: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)},
		Text:      "@mastodonpy_test hello!",
		Lang:      "en",
		Thread:    "117020577157693549",
		Addressed: true,
		URL:       "http://localhost:3000/@admin/117020577157693549",
		CreatedAt: time.Date(2026, 8, 1, 13, 51, 42, 823000000, time.UTC), ReceivedAt: received,
		Ref: map[string]string{
			"acct": "admin", "visibility": "public", "notification": "21",
			"uri": "http://localhost:3000/ap/users/117020565693913441/statuses/117020577157693549",
		},
	}}}}
	if d := cmp.Diff(want, b); d != "" {
		t.Fatalf("(-want +got)\n%s", d)
	}
}

// A reply by another account, as the server answered it (same cassettes), seen
// by the account that was answered.
func TestNormaliseRecordedReply(t *testing.T) {
	body := `[{"id":"22","type":"mention","status":` + string(read(t, "status_reply_response.json")) + `}]`
	b, err := Normalise([]byte(body), platform.Account{Account: "117020566092212359"}, received)
	if err != nil || len(b.Items) != 1 {
		t.Fatalf("%+v %v", b, err)
	}
	p := b.Items[0].Post
	if p.Kind != care.KindReply || p.ReplyTo != "117020583245459824" || !p.InOurThread || !p.Addressed || p.Text != "@mastodonpy_test_2 same!" {
		t.Fatalf("%+v", p)
	}
}

func TestNormaliseItems(t *testing.T) {
	const base = `"id":"5","account":{"id":"9","acct":"lena@chat.tandemo.example","display_name":"Lena"},"content":"<p>hi</p>","created_at":"2026-11-02T08:00:00Z"`
	type want struct {
		change   care.Change
		kind     care.Kind
		private  bool
		thread   string
		replyTo  string
		ours     bool
		address  bool
		own      bool
		text     string
		acct     string
		attached int
	}
	for name, tc := range map[string]struct {
		note string
		want want
	}{
		"mention":                   {`{"id":"1","type":"mention","status":{` + base + `,"visibility":"public"}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"direct":                    {`{"id":"1","type":"mention","status":{` + base + `,"visibility":"direct","in_reply_to_id":"4","in_reply_to_account_id":"7004001"}}`, want{change: care.Received, kind: care.KindDirect, private: true, thread: "9", replyTo: "4", ours: true, address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"reply to us":               {`{"id":"1","type":"mention","status":{` + base + `,"in_reply_to_id":"4","in_reply_to_account_id":"7004001"}}`, want{change: care.Received, kind: care.KindReply, thread: "4", replyTo: "4", ours: true, address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"reply to somebody":         {`{"id":"1","type":"mention","status":{` + base + `,"in_reply_to_id":4,"in_reply_to_account_id":8}}`, want{change: care.Received, kind: care.KindMention, thread: "4", replyTo: "4", address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"quote":                     {`{"id":"1","type":"quote","status":{` + base + `,"quote":{"state":"accepted","quoted_status":{"id":"3"}}}}`, want{change: care.Received, kind: care.KindQuote, thread: "5", replyTo: "3", ours: true, address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"edited":                    {`{"id":"1","type":"update","status":{` + base + `,"mentions":[{"id":7004001,"acct":"care","url":"https://social.veloria.example/@care"}]}}`, want{change: care.Edited, kind: care.KindMention, thread: "5", address: true, text: "hi", acct: "lena@chat.tandemo.example"}},
		"edited, not to us":         {`{"id":"1","type":"update","status":{` + base + `}}`, want{change: care.Edited, kind: care.KindMention, thread: "5", text: "hi", acct: "lena@chat.tandemo.example"}},
		"ours":                      {`{"id":"1","type":"mention","status":{"id":"5","account":{"id":7004001,"acct":"care"},"content":"x"}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, own: true, text: "x", acct: "care"}},
		"spoiler":                   {`{"id":"1","type":"mention","status":{` + base + `,"spoiler_text":"rant & more"}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, text: "rant & more\n\nhi", acct: "lena@chat.tandemo.example"}},
		"media":                     {`{"id":"1","type":"mention","status":{` + base + `,"media_attachments":[{"type":"gifv","url":"https://a.example/b"},{"type":"unknown","url":null,"remote_url":"javascript:x"},7]}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, text: "hi", acct: "lena@chat.tandemo.example", attached: 2}},
		"author only outside":       {`{"id":"1","type":"mention","account":{"id":"9","acct":"lena"},"status":{"id":"5","content":"hi"}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, text: "hi", acct: "lena"}},
		"an acct that would inject": {`{"id":"1","type":"mention","status":{"id":"5","account":{"id":"9","acct":"x @everyone\nhello"},"content":"hi"}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true, text: "hi"}},
		"everything null":           {`{"id":"1","type":"mention","created_at":null,"account":null,"status":{"id":"5","account":null,"content":null,"mentions":null,"media_attachments":null,"visibility":null,"language":null,"url":null}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true}},
		"everything of wrong type":  {`{"id":1,"type":"mention","created_at":12,"account":[],"status":{"id":5,"account":"me","content":["a"],"mentions":{"a":1},"media_attachments":"no","visibility":3,"language":{},"url":7,"quote":"x","reblog":1,"spoiler_text":{}}}`, want{change: care.Received, kind: care.KindMention, thread: "5", address: true}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Normalise([]byte("["+tc.note+"]"), veloria, received)
			if err != nil || len(b.Items) != 1 {
				t.Fatalf("%+v %v", b, err)
			}
			i := b.Items[0]
			p := i.Post
			got := want{i.Change, p.Kind, p.Private, p.Thread, p.ReplyTo, p.InOurThread, p.Addressed, p.Author.Own, p.Text, p.Ref["acct"], len(p.Attachments)}
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
			if p.CreatedAt.IsZero() {
				t.Fatal("no time")
			}
		})
	}
}

func TestNormaliseSkips(t *testing.T) {
	for name, tc := range map[string]struct {
		note  string
		kind  string
		known bool
	}{
		"favourite":         {`{"id":"1","type":"favourite","status":{"id":"2"}}`, "favourite", true},
		"boost":             {`{"id":"1","type":"reblog","status":{"id":"2"}}`, "reblog", true},
		"follow":            {`{"id":"1","type":"follow"}`, "follow", true},
		"Pleroma reaction":  {`{"id":"1","type":"pleroma:emoji_reaction","status":{"id":"2"}}`, "pleroma:emoji_reaction", true},
		"deleted meanwhile": {`{"id":"1","type":"mention","status":null}`, "mention", true},
		"no status at all":  {`{"id":"1","type":"quote"}`, "quote", true},
		"from the future":   {`{"id":"1","type":"hologram","status":{"id":"2"}}`, "hologram", false},
		"a type with words": {`{"id":"1","type":"Call Lena on 555"}`, "unreadable", false},
		"a path for an id":  {`{"id":"1","type":"mention","status":{"id":"../../admin"}}`, "mention", false},
		"a number":          {`7`, "unreadable", false},
		"a string":          {`"mention"`, "unreadable", false},
		"null":              {`null`, "unreadable", false},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Normalise([]byte("["+tc.note+"]"), veloria, received)
			if err != nil || len(b.Items) != 0 || len(b.Skipped) != 1 {
				t.Fatalf("%+v %v", b, err)
			}
			if s := b.Skipped[0]; s.Type != tc.kind || s.Known != tc.known || s.Reason == "" {
				t.Fatalf("%+v", s)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	accts := map[string]string{"https://tandemo.example/@ana": "ana@tandemo.example"}
	for name, tc := range map[string]struct{ html, want string }{
		"paragraphs":          {"<p>One</p><p>Two</p>", "One\n\nTwo"},
		"breaks":              {"One<br>Two<br />Three<br><br><br><br>Four", "One\nTwo\nThree\n\nFour"},
		"entities, once":      {"<p>&lt;b&gt; &amp;amp; &quot;q&quot; &#39;s&#39; &nbsp;x</p>", "<b> &amp; \"q\" 's' \u00a0x"},
		"spaces collapse":     {"<p>  a \n\t b  </p>", "a b"},
		"mention":             {`<p><span class="h-card"><a href="https://tandemo.example/@ana" class="u-url mention">@<span>ana</span></a></span> hi</p>`, "@ana@tandemo.example hi"},
		"unlisted mention":    {`<a class="mention" href="https://else.example/@x">@<span>x</span></a>!`, "@x!"},
		"hashtag":             {`<a href="https://m.example/tags/velobox" class="mention hashtag" rel="tag">#<span>VeloBox</span></a>`, "#VeloBox"},
		"shortened link":      {`<a href="https://veloria.example/status/outage/2026"><span class="invisible">https://</span><span class="ellipsis">veloria.example/status/out</span><span class="invisible">age/2026</span></a>`, "https://veloria.example/status/outage/2026"},
		"whole link":          {`<a href="https://veloria.example/">https://veloria.example</a>`, "https://veloria.example/"},
		"named link":          {`see <a href="https://veloria.example/x">this page</a>.`, "see this page (https://veloria.example/x)."},
		"a lying link":        {`<a href="https://evil.example/">https://veloria.example</a>`, "https://veloria.example (https://evil.example/)"},
		"script link":         {`<a href="javascript:alert(1)">click</a>`, "click"},
		"link without end":    {`<p>a <a href="https://x.example/">x.example`, "a https://x.example/"},
		"links within links":  {`<a href="https://a.example">a.example<a href="https://b.example">b.example</a></a>`, "https://a.example" + "https://b.example"},
		"script":              {"a<script>alert('<p>x</p>')</script>b<style>p{}</style>c", "abc"},
		"script without end":  {"a<script>alert(1)", "a"},
		"comment and doctype": {"<!doctype html>a<!-- secret -->b", "ab"},
		"template":            {"a<template><p>x</p><template>y</template></template>b", "ab"},
		"unclosed tags":       {"<p><b><i>a", "a"},
		"closing too many":    {"</p></span></a></script>a", "a"},
		"list":                {"<ul><li>one</li><li>two</li></ul>", "- one\n- two"},
		"code keeps lines":    {"<pre><code>a\nb</code></pre>", "a\nb"},
		"custom emoji":        {`hi <img src="x" alt=":velo:" />!`, "hi :velo:!"},
		"not html":            {"price < 3 and > 2 & more <3", "price < 3 and > 2 & more <3"},
		"right to left":       {"<p>\u202bשלום\u202c \u200f!</p>", "\u202bשלום\u202c \u200f!"},
		"hidden elsewhere":    {`a <span class="invisible">b <span>c</span> d</span>e`, "a e"},
		"empty":               {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := plain(tc.html, accts, false); got != tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("the copy of a quote", func(t *testing.T) {
		const in = `<p class="quote-inline">RE: <a href="https://m.example/1">m.example/1</a></p><p>Right!</p>`
		if got := plain(in, nil, true); got != "Right!" {
			t.Fatalf("got %q", got)
		}
		if got := plain(in, nil, false); got != "RE: https://m.example/1\n\nRight!" {
			t.Fatalf("got %q", got)
		}
	})
}

// Whatever words are said come through: HTML written from text reads back as the
// text.
func TestPlainKeepsWords(t *testing.T) {
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z<>&"'éß日]{1,8}`), 1, 30).Draw(t, "words")
		want := strings.Join(words, " ")
		if got := plain("<p>"+esc.Replace(want)+"</p>", nil, false); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestBefore(t *testing.T) {
	for _, asc := range [][]string{
		{"0", "1", "9", "10", "99", "100", "103270115826048975", "117020565693913441"},
		{"01BX5ZZKBKACTAV9WEVGEMMVRY", "01BX5ZZKBKACTAV9WEVGEMMVRZ", "01BX5ZZKBKACTAV9WEVGEMMVS0", "01JBQ00000000000000009KTVG"},
		{"9umDrYheeY451cQnEe", "9umDrYheeY451cQnEf", "AnS000000000000009", "AnS00000000000000a"},
	} {
		for i := range asc {
			for j := range asc {
				if got := before(asc[i], asc[j]); got != (i < j) {
					t.Errorf("before(%s, %s) = %v", asc[i], asc[j], got)
				}
			}
		}
	}
}

// hostile are bodies that a broken or evil server may send.
func hostile() map[string]string {
	deep := strings.Repeat(`[`, 200_000)
	big := `[{"id":"1","type":"mention","status":{"id":"2","account":{"id":"3","acct":"a"},"content":"` + strings.Repeat("<p>lorem ipsum</p>", 600_000) + `"}}]`
	tags := `[{"id":"1","type":"mention","status":{"id":"2","content":"` + strings.Repeat("<div><span class='invisible'><a href='x'>", 50_000) + `"}}]`
	return map[string]string{
		"empty": "", "not JSON": "<html>502</html>", "object": `{"a":1}`, "null": "null", "cut": `[{"id":"1","type":"men`,
		"deep": deep, "deep object": strings.Repeat(`[{"status":`, 50_000), "10 MB": big, "tags": tags,
		"deep but closed": strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"NULs":            `[{"id":"1","type":"mention","status":{"id":"2","account":{"id":"3","acct":"a\u0000b","display_name":"\u0000\u0007x\u202e\r\n"},"content":"a\u0000b\u0001\u009fc","spoiler_text":"\u0000"}}]`,
		"bad UTF-8":       "[{\"id\":\"1\",\"type\":\"mention\",\"status\":{\"id\":\"2\",\"content\":\"a\xff\xfeb\",\"url\":\"https://x/\xff\"}}]",
		"half surrogates": `[{"id":"1","type":"mention","status":{"id":"2","content":"\ud83d \udc00 \ud83d\ude00"}}]`,
		"huge numbers":    `[{"id":1e400,"type":"mention","status":{"id":123456789012345678901234567890,"account":{"id":-1,"followers_count":1e99}}}]`,
		"far times":       `[{"id":"1","type":"mention","created_at":"9999-99-99T00:00:00Z","status":{"id":"2","created_at":"9999-01-01T00:00:00Z"}}]`,
		"many keys":       `[{` + strings.Repeat(`"a":1,`, 100_000) + `"id":"1"}]`,
		"script":          `[{"id":"1","type":"mention","status":{"id":"2","url":"javascript:alert(1)","content":"<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=1>x</svg>y"}}]`,
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
		case p.NativeID == "" || p.Thread == "" || p.Platform != care.Mastodon || p.Kind == "":
			t.Fatalf("a post misses an id: %+v", p)
		case !utf8.ValidString(p.Text) || len(p.Text) > care.MaxTextBytes || strings.ContainsAny(p.Text, "\x00\x01\x07\r"):
			t.Fatalf("unfit text of %s", p.NativeID)
		case strings.ContainsAny(p.Author.Name+p.Author.Handle+p.Ref["acct"], "\x00\n\r") || !utf8.ValidString(p.Author.Name):
			t.Fatalf("unfit author %+v", p.Author)
		case p.URL != "" && !strings.HasPrefix(p.URL, "http"):
			t.Fatalf("unfit URL %q", p.URL)
		case p.CreatedAt.IsZero() || p.CreatedAt.Year() > 2200:
			t.Fatalf("unfit time %v", p.CreatedAt)
		case len(all) > 150_000:
			t.Fatalf("a post of %d bytes", len(all))
		}
	}
	for _, s := range b.Skipped {
		if s.Type == "" || s.Reason == "" || len(s.Type) > 64 {
			t.Fatalf("unfit skip %+v", s)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, name := range []string{"notifications_types_mention.json", "status_404.json"} {
		f.Add(read(f, name))
	}
	f.Add([]byte(`[{"id":"22","type":"mention","status":` + string(read(f, "status_reply_response.json")) + `}]`))
	f.Add([]byte(`[{"id":"23","type":"quote","status":` + string(read(f, "entity_status.json")) + `}]`))
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

func BenchmarkNormalise(b *testing.B) {
	one := strings.TrimSpace(string(read(b, "notifications_types_mention.json")))
	one = one[1 : len(one)-1]
	var page []string
	for i := range 40 {
		page = append(page, strings.ReplaceAll(one, "117020577157693549", "1170205771576"+string(rune('0'+i/10))+string(rune('0'+i%10))))
	}
	body := []byte("[" + strings.Join(page, ",") + "]")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := Normalise(body, veloria, received)
		if err != nil || len(got.Items) != 40 {
			b.Fatalf("%d items, %v", len(got.Items), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*40), "µs/post")
	b.ReportMetric(40, "posts/op")
}
