package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// Our accounts in the tests.
var ours = map[string]Account{
	"x":         {ID: "7001001", Handle: "VeloriaCare", Name: "Veloria Care", Token: "x-write", ReadToken: "x-read"},
	"facebook":  {ID: "7002001", Handle: "veloria", Name: "Veloria", Token: "fb-write", ReadToken: "fb-read"},
	"instagram": {ID: "7003001", Handle: "veloria.care", Name: "Veloria", Token: "ig-write"},
	"mastodon":  {ID: "7004001", Handle: "care", Name: "Veloria Care", Token: "m-write", ReadToken: "m-read"},
	"bluesky":   {ID: "did:plc:veloriacare000000000000", Handle: "care.veloria.example", Name: "Veloria Care", Identifier: "care.veloria.example", Password: "abcd-efgh-ijkl-mnop"},
}

// server is a stand-in behind HTTP, with a clock that the test moves and faults
// that the test orders.
type server struct {
	*Standin
	t     *testing.T
	http  *httptest.Server
	mu    sync.Mutex
	now   time.Time
	next  []order
	down  bool
	fault func(point, key string) Fault
}

// order is what happens to one of the next writes.
type order struct {
	status int // 0: done, but no answer
	header http.Header
}

func start(t *testing.T, change func(*Options)) *server {
	t.Helper()
	v := &server{t: t, now: time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC)}
	v.http = httptest.NewUnstartedServer(http.HandlerFunc(v.serve))
	// The aborted answers are meant; net/http need not tell of them.
	v.http.Config.ErrorLog = nil
	v.http.Start()
	t.Cleanup(v.http.Close)
	opt := Options{Clock: v.clock, BaseURL: v.http.URL, Accounts: map[string]Account{}, Fault: func(point, key string) Fault {
		if v.fault == nil {
			return NoFault
		}
		return v.fault(point, key)
	}}
	for k, a := range ours {
		opt.Accounts[k] = a
	}
	if change != nil {
		change(&opt)
	}
	v.Standin = New(opt)
	return v
}

// clock goes on a little with every look at it, as time does.
func (v *server) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(time.Millisecond)
	return v.now
}

func (v *server) pass(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

func (v *server) serve(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	var o *order
	if r.Method != http.MethodGet && len(v.next) > 0 && !strings.Contains(r.URL.Path, "com.atproto.server.") {
		o = &v.next[0]
		v.next = v.next[1:]
	}
	v.mu.Unlock()
	switch {
	case o == nil:
		v.Handler().ServeHTTP(w, r)
	case o.status != 0:
		for k, values := range o.header {
			w.Header()[k] = values
		}
		w.WriteHeader(o.status)
	default:
		v.Handler().ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

func (v *server) order(o order) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.next = append(v.next, o)
}

// RoundTrip is the network: down, it carries nothing.
func (v *server) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	down := v.down
	v.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (v *server) client() *http.Client { return &http.Client{Transport: v} }

func (v *server) acc(p care.Platform) platform.Account {
	key := string(p)
	path := map[care.Platform]string{care.X: "x", care.Facebook: "graph", care.Messenger: "graph", care.Instagram: "graph", care.Mastodon: "mastodon", care.Bluesky: "bluesky"}[p]
	if p == care.Messenger {
		key = "facebook"
	}
	a := ours[key]
	return platform.Account{Platform: p, Account: a.ID, Handle: a.Handle, BaseURL: v.http.URL + "/standin/" + path, Token: a.Token, Identifier: a.Identifier, Password: a.Password}
}

// call makes a plain request and gives the status and the decoded answer.
func (v *server) call(method, path, token string, body any) (int, map[string]any, http.Header) {
	v.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, v.http.URL+path, in)
	if err != nil {
		v.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil
	}
	defer res.Body.Close()
	var out map[string]any
	// Lists and empty answers are of no interest here.
	_ = json.NewDecoder(res.Body).Decode(&out)
	return res.StatusCode, out, res.Header
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// said are the texts of our replies, in order.
func said(replies []Reply) []string {
	out := []string{}
	for _, r := range replies {
		out = append(out, r.Text)
	}
	return out
}

func (v *server) page(path string) (int, string) {
	v.t.Helper()
	res, err := http.Get(v.http.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestWrongTokens(t *testing.T) {
	v := start(t, nil)
	tests := []struct {
		name, method, path, token string
		body                      any
		status                    int
	}{
		{"XNoToken", "GET", "/standin/x/2/users/7001001", "", nil, 401},
		{"XOtherToken", "GET", "/standin/x/2/users/7001001", "fb-write", nil, 401},
		{"XReadTokenReads", "GET", "/standin/x/2/users/7001001", "x-read", nil, 200},
		{"XReadTokenDoesNotWrite", "POST", "/standin/x/2/tweets", "x-read", map[string]any{"text": "hi"}, 403},
		{"GraphNoToken", "GET", "/standin/graph/v25.0/7002001_1", "", nil, 400},
		{"GraphReadTokenDoesNotWrite", "POST", "/standin/graph/v25.0/7002001_1/comments", "fb-read", map[string]any{"message": "hi"}, 400},
		{"GraphNoVersion", "GET", "/standin/graph/latest/7002001_1", "fb-write", nil, 400},
		{"MastodonNoToken", "GET", "/standin/mastodon/api/v1/notifications", "", nil, 401},
		{"MastodonReadTokenDoesNotWrite", "POST", "/standin/mastodon/api/v1/statuses", "m-read", map[string]any{"status": "hi"}, 403},
		{"MastodonInstanceIsPublic", "GET", "/standin/mastodon/api/v2/instance", "", nil, 200},
		{"BlueskyNoSession", "GET", "/standin/bluesky/xrpc/app.bsky.notification.listNotifications", "", nil, 401},
		{"BlueskyMadeUpSession", "GET", "/standin/bluesky/xrpc/app.bsky.notification.listNotifications", "a.b.c", nil, 400},
		{"BlueskyWrongPassword", "POST", "/standin/bluesky/xrpc/com.atproto.server.createSession", "", map[string]any{"identifier": "care.veloria.example", "password": "no"}, 401},
		{"NotJSON", "POST", "/standin/x/2/tweets", "x-write", json.RawMessage(`"text"`), 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, body, _ := v.call(tt.method, tt.path, tt.token, tt.body); status != tt.status {
				t.Errorf("status %d, want %d: %v", status, tt.status, body)
			}
		})
	}
	if got := v.Replies(); len(got) != 0 {
		t.Errorf("something was said all the same: %v", got)
	}
}

// Every boundary fails in three ways; after a lost answer the work is done.
func TestFaults(t *testing.T) {
	status := `{"id":"900","created_at":"2026-11-17T08:00:00.000Z","visibility":"public","content":"<p>hi</p>","account":{"id":"5","acct":"ana@fedi.example","display_name":"Ana"}}`
	points := []struct {
		name, point, path, token string
		body                     any
		throttled                int
	}{
		{"X", "platform:x", "/standin/x/2/tweets", "x-write", map[string]any{"text": "hello"}, 429},
		{"Graph", "platform:facebook", "/standin/graph/v25.0/7002001_9/comments", "fb-write", map[string]any{"message": "hello"}, 400},
		{"Mastodon", "platform:mastodon", "/standin/mastodon/api/v1/statuses", "m-write", map[string]any{"status": "hello", "in_reply_to_id": "900"}, 429},
	}
	for _, p := range points {
		t.Run(p.name, func(t *testing.T) {
			v := start(t, nil)
			must(t, v.AddMastodonStatus([]byte(status)))
			var seen []string
			faults := []Fault{Throttle, Failure, Lost}
			v.fault = func(point, key string) Fault {
				if point != p.point {
					t.Errorf("point %q, want %q", point, p.point)
				}
				seen = append(seen, key)
				if len(seen) > len(faults) {
					return NoFault
				}
				return faults[len(seen)-1]
			}
			got, _, _ := v.call("POST", p.path, p.token, p.body)
			if got != p.throttled || len(v.Replies()) != 0 {
				t.Errorf("throttled: status %d, said %v", got, said(v.Replies()))
			}
			got, _, _ = v.call("POST", p.path, p.token, p.body)
			if got < 500 || len(v.Replies()) != 0 {
				t.Errorf("failed: status %d, said %v", got, said(v.Replies()))
			}
			got, _, _ = v.call("POST", p.path, p.token, p.body)
			if got != 0 || len(v.Replies()) != 1 {
				t.Errorf("lost: status %d, said %v; want no answer, and it said once", got, said(v.Replies()))
			}
			if seen[0] != seen[1] || seen[1] != seen[2] {
				t.Errorf("the tries of one request have different keys: %v", seen)
			}
			v.call("POST", p.path, p.token, map[string]any{"text": "other", "message": "other", "status": "other"})
			if seen[3] == seen[0] {
				t.Error("another request has the same key")
			}
		})
	}
}

func TestPages(t *testing.T) {
	v := start(t, nil)
	evil := `<script>alert("x")</script>`
	must(t, v.SeedX([]byte(mention("501", "81001", "@VeloriaCare "+evil))))
	uri := "at://did:plc:author1/app.bsky.feed.post/3mabc"
	must(t, v.AddBluesky([]byte(`{"uri":"`+uri+`","cid":"bafy1","reason":"mention","indexedAt":"2026-11-17T08:00:00.000Z","author":{"did":"did:plc:author1","handle":"ana.example","displayName":"Ana"},"record":{"$type":"app.bsky.feed.post","text":"hello","createdAt":"2026-11-17T08:00:00.000Z"}}`)))
	if status, _, _ := v.call("POST", "/standin/x/2/tweets", "x-write", map[string]any{"text": "We are on it & <b>sorry</b>", "reply": map[string]any{"in_reply_to_tweet_id": "501"}}); status != 201 {
		t.Fatalf("status %d", status)
	}
	_, index := v.page("/standin/")
	for _, want := range []string{"1 thread, newest first", "/standin/x/thread/501", "We are on it &amp; &lt;b&gt;sorry&lt;/b&gt;", "&lt;script&gt;"} {
		if !strings.Contains(index, want) {
			t.Errorf("the index lacks %q", want)
		}
	}
	status, thread := v.page("/standin/x/thread/501")
	if status != 200 || !strings.Contains(thread, "ours, automated") || !strings.Contains(thread, "Ana Diaz") || strings.Contains(thread, "<script>") {
		t.Errorf("status %d, thread page: %s", status, thread)
	}
	if strings.Index(thread, "alert") > strings.Index(thread, "We are on it") {
		t.Error("the answer stands before the question")
	}
	status, thread = v.page(ThreadPath("bluesky", uri))
	if status != 200 || !strings.Contains(thread, "hello") {
		t.Errorf("a thread whose id has slashes: status %d", status)
	}
	v.Delete("x", "501")
	_, thread = v.page("/standin/x/thread/501")
	if strings.Contains(thread, "alert") || !strings.Contains(thread, "This post was deleted") {
		t.Error("a deleted post is still shown")
	}
	if status, _ := v.page("/standin/x/thread/nope"); status != 404 {
		t.Errorf("no such thread: status %d", status)
	}
}

func TestRateLimits(t *testing.T) {
	v := start(t, nil)
	for i := range 101 {
		status, _, h := v.call("POST", "/standin/x/2/tweets", "x-write", map[string]any{"text": fmt.Sprint("hello ", i)})
		if want := map[bool]int{true: 201, false: 429}[i < 100]; status != want {
			t.Fatalf("post %d: status %d, want %d", i, status, want)
		}
		if left := h.Get("x-rate-limit-remaining"); i < 100 && left != fmt.Sprint(99-i) {
			t.Fatalf("post %d: %s left", i, left)
		}
	}
	v.pass(16 * time.Minute)
	if status, _, _ := v.call("POST", "/standin/x/2/tweets", "x-write", map[string]any{"text": "later"}); status != 201 {
		t.Errorf("after the window: status %d", status)
	}
	for i := range 301 {
		status, _, h := v.call("GET", "/standin/mastodon/api/v1/notifications", "m-read", nil)
		if want := map[bool]int{true: 200, false: 429}[i < 300]; status != want {
			t.Fatalf("read %d: status %d, want %d", i, status, want)
		}
		if _, err := time.Parse(time.RFC3339Nano, h.Get("X-RateLimit-Reset")); err != nil {
			t.Fatalf("Mastodon's reset is an ISO time: %v", err)
		}
	}
}

// Whatever a platform sends must not break the stand-in.
func FuzzSeeds(f *testing.F) {
	f.Add([]byte(mention("1", "2", "hello")))
	f.Add([]byte(comment("9001_1", "55", "hello")))
	f.Add([]byte(`{"object":"instagram","entry":[{"id":"7003001","messaging":[{"sender":{"id":"1"},"recipient":{"id":"7003001"},"timestamp":1,"message":{"mid":"a","text":"b"}}]}]}`))
	f.Add([]byte(`{"id":"1","type":"mention","status":{"id":"1","content":"<p>hi"},"account":{"id":"2"}}`))
	f.Add([]byte(`{"uri":"at://a/b/c","indexedAt":"2026-11-17T08:00:00.000Z","record":{"$type":"app.bsky.feed.post","reply":{"root":{"uri":"at://a/b/c"},"parent":{"uri":"at://a/b/c"}}},"author":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := New(Options{Accounts: ours})
		// Errors are fine; what counts is that the pages and lists still work.
		_ = s.SeedX(body)
		_ = s.SeedMeta(body)
		_ = s.AddMastodon(body)
		_ = s.AddMastodonStatus(body)
		_ = s.AddBluesky(body)
		_ = s.AddBlueskyProfile(body)
		if got := s.Replies(); len(got) != 0 {
			t.Errorf("seeds count as replies: %+v", got)
		}
		for _, path := range []string{"/standin/", "/connect/"} {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", path, nil))
			if w.Code != 200 {
				t.Errorf("%s: status %d", path, w.Code)
			}
		}
	})
}
