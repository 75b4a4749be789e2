package mastodon

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func TestThreadRoots(t *testing.T) {
	f := newFake(t, dialect{})
	root := f.status(ourID, "<p>Outage in the north</p>", "public", "")
	mid := f.status(f.person(2), "<p>still down</p>", "public", root["id"].(string))
	leaf := f.status(f.person(3), "<p>@care same here</p>", "public", mid["id"].(string))
	f.note("mention", leaf, f.person(3))
	own := f.status(f.person(4), "<p>@care another matter</p>", "public", "")
	f.note("mention", own, f.person(4))
	orphan := f.status(f.person(5), "<p>@care me too</p>", "public", "777")
	f.note("mention", orphan, f.person(5))
	p, err := f.client().Poll(t.Context(), "")
	if err != nil || len(p.Batch.Items) != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	got := map[string]care.Post{}
	for _, i := range p.Batch.Items {
		got[i.Post.NativeID] = i.Post
	}
	if l := got[leaf["id"].(string)]; l.Thread != root["id"] || l.ReplyTo != mid["id"] || !l.InOurThread || l.Ref["thread"] != "" {
		t.Errorf("leaf: %+v", l)
	}
	if o := got[own["id"].(string)]; o.Thread != o.NativeID {
		t.Errorf("own root: %+v", o)
	}
	if o := got[orphan["id"].(string)]; o.Thread != "777" || o.Ref["thread"] != "parent" {
		t.Errorf("a thread that cannot be read keeps its parent: %+v", o)
	}
}

func TestWaitsWhenFewRequestsAreLeft(t *testing.T) {
	for name, tc := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"plenty":            {http.Header{"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"200"}, "X-Ratelimit-Reset": {"2026-11-02T09:02:00.123456Z"}}, 0},
		"few":               {http.Header{"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"3"}, "X-Ratelimit-Reset": {"2026-11-02T09:02:00.000000Z"}}, 2 * time.Minute},
		"none":              {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"2026-11-02T09:00:30Z"}}, 30 * time.Second},
		"a small window":    {http.Header{"X-Ratelimit-Limit": {"30"}, "X-Ratelimit-Remaining": {"5"}, "X-Ratelimit-Reset": {"2026-11-02T09:02:00Z"}}, 0},
		"no headers":        {http.Header{}, 0},
		"no reset":          {http.Header{"X-Ratelimit-Remaining": {"0"}}, 0},
		"nonsense":          {http.Header{"X-Ratelimit-Remaining": {"few"}, "X-Ratelimit-Reset": {"soon"}}, 0},
		"a reset in 2199":   {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"2199-01-01T00:00:00Z"}}, 24 * time.Hour},
		"a reset in 1999":   {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1999-01-01T00:00:00Z"}}, 0},
		"the server's time": {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"2026-11-02T10:00:30Z"}, "Date": {"Mon, 02 Nov 2026 10:00:00 GMT"}}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				for k, v := range tc.header {
					w.Header()[k] = v
				}
				_, _ = io.WriteString(w, "[]")
			}))
			defer srv.Close()
			p, err := New(platform.Account{Account: ourID, BaseURL: srv.URL}, srv.Client(), func() time.Time { return received }).Poll(t.Context(), "")
			if err != nil || p.Wait != tc.want {
				t.Fatalf("wait %v, %v; want %v", p.Wait, err, tc.want)
			}
		})
	}
}

// net/http sends a request with an Idempotency-Key again when a reused
// connection breaks. On a server that ignores the key the customer would read
// the answer twice.
func TestNoReplayOnABrokenConnection(t *testing.T) {
	var posts atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			_, _ = io.WriteString(w, `{"id":"5","visibility":"public"}`)
			return
		}
		if r.Header.Get("Idempotency-Key") == "" {
			t.Error("no Idempotency-Key")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		posts.Add(1)
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	}))
	defer srv.Close()
	c := New(platform.Account{Account: ourID, BaseURL: srv.URL}, srv.Client(), nil)
	_, err := c.Send(t.Context(), care.Outgoing{Key: "k", Text: "hi", Post: care.Post{NativeID: "5", Author: care.Author{Handle: "lena"}}})
	if care.CodeOf(err) != care.Unknown {
		t.Fatalf("got %v", err)
	}
	if n := posts.Load(); n != 1 {
		t.Fatalf("the post was sent %d times", n)
	}
}

func TestBaseURL(t *testing.T) {
	for _, bad := range []string{"", "social.example", "ftp://x.example", "https://", "https://u:p@x.example", "https://x.example?a=1", "https://x.example#f", "://"} {
		c := New(platform.Account{Account: ourID, BaseURL: bad}, nil, nil)
		if _, err := c.Poll(t.Context(), ""); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: poll got %v", bad, err)
		}
		if _, err := c.Send(t.Context(), care.Outgoing{Key: "k", Text: "t"}); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: send got %v", bad, err)
		}
	}
	t.Run("a path before the API", func(t *testing.T) {
		f := newFake(t, dialect{})
		srv := httptest.NewServer(http.StripPrefix("/sub/dir", http.HandlerFunc(f.serve)))
		defer srv.Close()
		own := f.own()
		own.BaseURL = srv.URL + "/sub/dir/"
		if _, err := New(own, srv.Client(), nil).Poll(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a redirect is a wrong base URL, and nobody else gets the token", func(t *testing.T) {
		var leaked atomic.Bool
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Store(true) }))
		defer other.Close()
		srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
		defer srv.Close()
		_, err := New(platform.Account{Account: ourID, BaseURL: srv.URL, Token: "tok"}, nil, nil).Poll(t.Context(), "")
		if care.CodeOf(err) != care.Invalid || leaked.Load() {
			t.Fatalf("got %v, leaked %v", err, leaked.Load())
		}
	})
}

func TestWhoseToken(t *testing.T) {
	f := newFake(t, dialect{})
	f.ask("public")
	own := f.own()
	own.Account = ""
	p, err := New(own, nil, f.clock).Poll(t.Context(), "")
	if err != nil || len(p.Batch.Items) != 1 || p.Batch.Items[0].Post.Account != ourID {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestErrorsTellNothingPrivate(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(422)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "Validation failed: Lena's text \"call 555 0100\" is bad"})
	}))
	defer srv.Close()
	_, err := New(platform.Account{Account: ourID, BaseURL: srv.URL, Token: "tok-secret"}, nil, nil).Poll(t.Context(), "")
	if s := err.Error(); strings.Contains(s, "555") || strings.Contains(s, "secret") || strings.Contains(s, srv.URL) {
		t.Fatalf("%s", s)
	}
}

func TestVisibility(t *testing.T) {
	for name, tc := range map[string]struct {
		private       bool
		before, asked string
		want          string
	}{
		"public":                {false, "public", "public", "public"},
		"unlisted":              {false, "unlisted", "unlisted", "unlisted"},
		"followers only":        {false, "private", "private", "private"},
		"a private wish":        {true, "public", "public", "direct"},
		"narrower meanwhile":    {false, "public", "private", "private"},
		"wider meanwhile":       {false, "private", "public", "private"},
		"unknown kind":          {false, "public", "list", "direct"},
		"the server says none":  {false, "", "", "unlisted"},
		"local to the instance": {false, "local", "local", "direct"},
	} {
		t.Run(name, func(t *testing.T) {
			out := care.Outgoing{Private: tc.private, Post: care.Post{Ref: map[string]string{"visibility": tc.before}}}
			if got := visibility(out, tc.asked); got != tc.want {
				t.Fatalf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	for name, tc := range map[string]struct{ acct, text, want string }{
		"adds the mention":         {"lena@chat.example", "Hi there", "@lena@chat.example Hi there"},
		"keeps one that is there":  {"lena@chat.example", "Hi @Lena@chat.example, hello", "Hi @Lena@chat.example, hello"},
		"another host is another":  {"lena@chat.example", "Hi @lena@chat.example.org", "@lena@chat.example Hi @lena@chat.example.org"},
		"a longer name is another": {"lena", "Hi @lena2", "@lena Hi @lena2"},
		"local, not remote":        {"lena", "Hi @lena@chat.example", "@lena Hi @lena@chat.example"},
		"before a full stop":       {"lena", "Thanks @lena.", "Thanks @lena."},
		"within an address":        {"lena", "mail x@lena now", "@lena mail x@lena now"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := compose(care.Outgoing{Text: tc.text, Post: care.Post{NativeID: "1", Ref: map[string]string{"acct": tc.acct}}})
			if err != nil || got != tc.want {
				t.Fatalf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
	for _, bad := range []string{"", "a b", "a\nb", "@a", "a@", "a@b@c", "a/../b", "a@b/c", strings.Repeat("a", 100)} {
		if got, err := compose(care.Outgoing{Text: "hi", To: care.Author{Handle: bad}}); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: got %q, %v", bad, got, err)
		}
	}
}

// The rule is Mastodon's: 23 for any address, hosts of mentions are free,
// characters as a reader sees them.
func TestCount(t *testing.T) {
	l := limits{max: 500, perURL: 23}
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"letters":       {"hello", 5},
		"family emoji":  {"👨‍👩‍👧‍👦", 1},
		"accents":       {"e\u0301", 1},
		"short link":    {"https://a.example", 23},
		"long link":     {"see https://veloria.example/a/very/long/path?with=many&arguments=1234567890", 4 + 23},
		"two links":     {"http://a.example http://b.example", 47},
		"mention":       {"@lena@chat.tandemo.example hi", 8},
		"local mention": {"@lena hi", 8},
	} {
		t.Run(name, func(t *testing.T) {
			if got := l.count(tc.text); got != tc.want {
				t.Fatalf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// A server without /api/v2/instance, and one without either.
func TestInstanceFallback(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body string
		want       limits
	}{
		"v2":           {"/api/v2/instance", `{"configuration":{"statuses":{"max_characters":1000,"characters_reserved_per_url":30}}}`, limits{max: 1000, perURL: 30}},
		"v1":           {"/api/v1/instance", `{"configuration":{"statuses":{"max_characters":"2000"}}}`, limits{max: 2000, perURL: 23}},
		"Pleroma":      {"/api/v1/instance", `{"max_toot_chars":5000}`, limits{max: 5000, perURL: 23}},
		"neither":      {"/nowhere", ``, limits{max: 500, perURL: 23}},
		"v2 says none": {"/api/v2/instance", `{"configuration":null}`, limits{max: 500, perURL: 23}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != tc.path {
					http.NotFound(w, r)
					return
				}
				_, _ = io.WriteString(w, tc.body)
			}))
			defer srv.Close()
			got := New(platform.Account{Account: ourID, BaseURL: srv.URL}, nil, nil).instance(t.Context())
			if got.max != tc.want.max || got.perURL != tc.want.perURL {
				t.Fatalf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestExists(t *testing.T) {
	f := newFake(t, dialect{})
	s := f.ask("public")
	p := care.Post{NativeID: s["id"].(string)}
	if ok, err := f.client().Exists(t.Context(), p); !ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	f.deleted[p.NativeID] = true
	if ok, err := f.client().Exists(t.Context(), p); ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
}

// Find must not give up at its page bound and call that "not said".
func TestFindIsUnsureWhenItMustStop(t *testing.T) {
	f := newFake(t, dialect{statusPages: 2})
	p := f.outbox().Ask(false)
	for range 2*findPages + 5 {
		f.status(ourID, "<p>another answer</p>", "public", "")
	}
	out := care.Outgoing{Key: "k", Account: ourID, Post: p, Text: "hello", Since: p.CreatedAt}
	if _, ok, err := f.client().Find(t.Context(), out); ok || care.CodeOf(err) != care.Unknown {
		t.Fatalf("%v %v", ok, err)
	}
}

// A page above the bound is fetched again in smaller pieces, so that one huge
// post does not stop the channel.
func TestHugePage(t *testing.T) {
	f := newFake(t, dialect{})
	var ids []string
	for range 3 {
		s := f.ask("public")
		s["content"] = "<p>" + strings.Repeat("lorem ipsum dolor sit amet. ", 110_000)
		ids = append(ids, s["id"].(string))
	}
	cursor, got := "8", []string{}
	for range 6 {
		p, err := f.client().Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range p.Batch.Items {
			if !i.Post.Truncated || len(i.Post.Text) > care.MaxTextBytes {
				t.Fatalf("%d bytes, truncated %v", len(i.Post.Text), i.Post.Truncated)
			}
			got = append(got, i.Post.NativeID)
		}
		cursor = p.Cursor
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Fatalf("got %v, want %v", got, ids)
	}
}
