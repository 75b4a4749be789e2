package mastodon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/platformtest"
)

// dialect is how a server differs from Mastodon 4.6.
type dialect struct {
	minID       string // "" honours it; "since" takes it for since_id; "ignore"
	types       string // "" honours them; "ignore"; "refuse" with 400
	ids         string // "" snowflakes; "small" numbers from 1; "ulid"; "flake"
	numericIDs  bool   // ids are JSON numbers
	maxPage     int    // cap of limit, 80 when 0
	ignoreKeys  bool   // Idempotency-Key means nothing
	bare        bool   // no Link, no rate-limit headers, null instead of empty lists, no /api/v2/instance, no source
	filterLate  bool   // pages are cut first, filtered by type after (GoToSocial)
	rewrites    bool   // content comes back with smart quotes and dashes
	maxChars    int
	tcp         bool // over a real connection
	statusPages int  // cap of the list of an account's statuses
}

const (
	ourID   = "7004001"
	ourAcct = "care"
)

// fake is a Mastodon-compatible server with real paging and idempotency.
type fake struct {
	t   testing.TB
	d   dialect
	srv *httptest.Server

	mu       sync.Mutex
	now      time.Time
	seq      int
	accounts map[string]map[string]any
	statuses []map[string]any // in order
	deleted  map[string]bool
	notes    []map[string]any
	keys     map[string]string
	faults   []fault // for reads
	wfaults  []fault // for writes
	down     bool
	posts    int // POST requests that reached the server
	requests []string
}

type fault struct {
	status int
	header http.Header
	lose   bool
}

func newFake(t testing.TB, d dialect) *fake {
	f := &fake{t: t, d: d, now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), accounts: map[string]map[string]any{}, deleted: map[string]bool{}, keys: map[string]string{}, seq: 8}
	f.accounts[ourID] = map[string]any{"id": ourID, "username": ourAcct, "acct": ourAcct, "display_name": "Veloria Care", "followers_count": 900, "url": "https://social.veloria.example/@care"}
	f.srv = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.srv.Close)
	return f
}

func (f *fake) own() platform.Account {
	return platform.Account{Platform: care.Mastodon, Account: ourID, Handle: ourAcct, BaseURL: f.srv.URL, Token: "tok"}
}

func (f *fake) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) client() *Client {
	if !f.d.tcp {
		return New(f.own(), &http.Client{Transport: memory{f}}, f.clock)
	}
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		f.mu.Lock()
		down := f.down
		f.mu.Unlock()
		if down {
			return nil, errors.New("no route to host")
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	return New(f.own(), &http.Client{Transport: tr}, f.clock)
}

// memory is a connection without a network: much faster, and as strict.
type memory struct{ f *fake }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	m.f.mu.Lock()
	down := m.f.down
	m.f.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if down {
		return nil, errors.New("no route to host")
	}
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	m.f.serve(w, r)
	if w.lost {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

type recorder struct {
	*httptest.ResponseRecorder
	lost bool
}

// Hijack is how serve drops a connection.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.lost = true
	return nil, nil, errors.New("no network")
}

// id mints the next id.
func (f *fake) id() string {
	f.seq++
	switch f.d.ids {
	case "small":
		return strconv.Itoa(f.seq)
	case "ulid":
		return fmt.Sprintf("01JBQ%sKTVG", crock(f.seq, 17))
	case "flake":
		return fmt.Sprintf("AnS%s", base62(f.seq, 15))
	}
	return strconv.Itoa(117020565693913441 + f.seq*7919)
}

func crock(n, width int) string { return radix(n, width, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") }

func base62(n, width int) string {
	return radix(n, width, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}

func radix(n, width int, digits string) string {
	b := []byte(strings.Repeat(digits[:1], width))
	for i := width - 1; n > 0; i-- {
		b[i] = digits[n%len(digits)]
		n /= len(digits)
	}
	return string(b)
}

// person makes an account; each tenth is remote.
func (f *fake) person(i int) string {
	id := strconv.Itoa(9000000 + i)
	if f.accounts[id] == nil {
		name := fmt.Sprintf("lena%d", i)
		acct := name
		if i%10 == 0 {
			acct += "@chat.tandemo.example"
		}
		f.accounts[id] = map[string]any{"id": id, "username": name, "acct": acct, "display_name": "Lena " + strconv.Itoa(i), "followers_count": i, "bot": false, "created_at": "2024-02-03T00:00:00.000Z", "url": "https://social.veloria.example/@" + name}
	}
	return id
}

func (f *fake) status(author, content, visibility, replyTo string) map[string]any {
	f.now = f.now.Add(time.Second)
	id := f.id()
	s := map[string]any{
		"id": id, "created_at": f.now.Format("2006-01-02T15:04:05.000Z"), "content": content, "visibility": visibility,
		"uri": "https://social.veloria.example/statuses/" + id, "url": "https://social.veloria.example/@x/" + id,
		"account": f.accounts[author], "language": "en", "spoiler_text": "", "in_reply_to_id": nil, "in_reply_to_account_id": nil,
		"mentions": []any{}, "media_attachments": []any{}, "reblog": nil, "edited_at": nil,
	}
	if f.d.bare {
		s["mentions"], s["media_attachments"] = nil, nil
		delete(s, "spoiler_text")
	}
	if replyTo != "" {
		s["in_reply_to_id"] = replyTo
		if p := f.find(replyTo); p != nil {
			s["in_reply_to_account_id"] = p["account"].(map[string]any)["id"]
		}
	}
	f.statuses = append(f.statuses, s)
	return s
}

func (f *fake) find(id string) map[string]any {
	if f.deleted[id] {
		return nil
	}
	for _, s := range f.statuses {
		if s["id"] == id {
			return s
		}
	}
	return nil
}

func (f *fake) note(kind string, s map[string]any, account string) map[string]any {
	n := map[string]any{"id": f.id(), "type": kind, "created_at": f.now.Format(time.RFC3339Nano), "account": f.accounts[account], "status": s}
	if s == nil {
		n["status"] = nil
	}
	f.notes = append(f.notes, n)
	return n
}

const hello = `<p><span class="h-card" translate="no"><a href="https://social.veloria.example/@care" class="u-url mention">@<span>care</span></a></span> my VeloBox is dead</p>`

func (f *fake) ask(visibility string) map[string]any {
	who := f.person(len(f.notes) % 37)
	s := f.status(who, hello, visibility, "")
	f.note("mention", s, who)
	return s
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.String())
	if r.Header.Get("Authorization") != "Bearer tok" {
		f.answer(w, 401, map[string]any{"error": "The access token is invalid"})
		return
	}
	q := &f.faults
	if r.Method == http.MethodPost {
		q = &f.wfaults
		f.posts++
	}
	var ft *fault
	if len(*q) > 0 && (r.Method == http.MethodPost || r.URL.Path == "/api/v1/notifications") {
		v := (*q)[0]
		ft, *q = &v, (*q)[1:]
	}
	if ft != nil && !ft.lose {
		for k, v := range ft.header {
			w.Header()[k] = v
		}
		f.answer(w, ft.status, map[string]any{"error": "Oops: a sentence"})
		return
	}
	if !f.d.bare {
		w.Header().Set("X-RateLimit-Limit", "300")
		w.Header().Set("X-RateLimit-Remaining", "250")
		w.Header().Set("X-RateLimit-Reset", f.now.Add(5*time.Minute).Format(time.RFC3339Nano))
	}
	if ft != nil {
		f.route(httptest.NewRecorder(), r)
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
		return
	}
	f.route(w, r)
}

func (f *fake) answer(w http.ResponseWriter, status int, v any) {
	if f.d.numericIDs {
		v = numeric(v)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// numeric turns ids into JSON numbers, all the way down.
func numeric(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if s, ok := x.(string); ok && (k == "id" || strings.HasSuffix(k, "_id")) {
				m[k] = json.Number(s)
				continue
			}
			m[k] = numeric(x)
		}
		return m
	case []map[string]any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = numeric(x)
		}
		return l
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = numeric(x)
		}
		return l
	}
	return v
}

func (f *fake) route(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	seg := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	switch {
	case path == "/api/v1/notifications":
		f.notifications(w, r.URL.Query())
	case path == "/api/v1/accounts/verify_credentials":
		f.answer(w, 200, f.accounts[ourID])
	case path == "/api/v2/instance" && !f.d.bare:
		f.answer(w, 200, map[string]any{"configuration": map[string]any{"statuses": map[string]any{"max_characters": f.max(), "characters_reserved_per_url": 23}}})
	case path == "/api/v1/instance":
		f.answer(w, 200, map[string]any{"max_toot_chars": f.max()})
	case path == "/api/v1/statuses" && r.Method == http.MethodPost:
		f.post(w, r)
	case seg[0] == "accounts" && len(seg) == 3 && seg[2] == "statuses":
		f.account(w, seg[1], r.URL.Query())
	case seg[0] == "statuses" && len(seg) == 2 && f.find(seg[1]) != nil:
		f.answer(w, 200, f.find(seg[1]))
	case seg[0] == "statuses" && len(seg) == 3 && seg[2] == "source" && f.find(seg[1]) != nil && !f.d.bare:
		f.answer(w, 200, map[string]any{"id": seg[1], "text": f.find(seg[1])["_source"], "spoiler_text": ""})
	case seg[0] == "statuses" && len(seg) == 3 && seg[2] == "context" && f.find(seg[1]) != nil:
		f.context(w, seg[1])
	default:
		f.answer(w, 404, map[string]any{"error": "Record not found"})
	}
}

func (f *fake) max() int {
	if f.d.maxChars > 0 {
		return f.d.maxChars
	}
	return 500
}

// page is Mastodon's paginate_by_id: newest first, with min_id the page right
// after it.
func (f *fake) page(all []map[string]any, q url.Values, cap int, minID string) []map[string]any {
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit <= 0 || limit > cap {
		limit = cap
	}
	less := func(a, b string) bool {
		if f.d.ids == "" || f.d.ids == "small" {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return x < y
		}
		return a < b
	}
	var in []map[string]any
	for _, n := range all {
		id := n["id"].(string)
		if v := q.Get("max_id"); v != "" && !less(id, v) {
			continue
		}
		if v := q.Get("since_id"); v != "" && !less(v, id) {
			continue
		}
		if v := q.Get("min_id"); v != "" && minID != "ignore" && !less(v, id) {
			continue
		}
		in = append(in, n)
	}
	slices.SortFunc(in, func(a, b map[string]any) int {
		if less(a["id"].(string), b["id"].(string)) {
			return -1
		}
		return 1
	})
	if q.Get("min_id") != "" && minID == "" {
		in = in[:min(limit, len(in))]
	} else {
		in = in[max(0, len(in)-limit):]
	}
	slices.Reverse(in)
	return in
}

func (f *fake) notifications(w http.ResponseWriter, q url.Values) {
	types := q["types[]"]
	if f.d.types == "refuse" && len(types) > 0 {
		f.answer(w, 400, map[string]any{"error": "Bad Request: unknown type"})
		return
	}
	wanted := func(n map[string]any) bool {
		return f.d.types != "" || len(types) == 0 || slices.Contains(types, n["type"].(string))
	}
	all := f.notes
	if !f.d.filterLate {
		all = slices.DeleteFunc(slices.Clone(all), func(n map[string]any) bool { return !wanted(n) })
	}
	size := 80
	if f.d.maxPage > 0 {
		size = f.d.maxPage
	}
	in := f.page(all, q, size, f.d.minID)
	if len(in) > 0 && !f.d.bare {
		hi, lo := in[0]["id"], in[len(in)-1]["id"]
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v1/notifications?limit=40&max_id=%s>; rel="next", <%s/api/v1/notifications?limit=40&min_id=%s>; rel="prev"`, f.srv.URL, lo, f.srv.URL, hi))
	}
	if f.d.filterLate {
		in = slices.DeleteFunc(in, func(n map[string]any) bool { return !wanted(n) })
	}
	if in == nil && !f.d.bare {
		in = []map[string]any{}
	}
	f.answer(w, 200, in)
}

func (f *fake) post(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Status     string `json:"status"`
		InReplyTo  string `json:"in_reply_to_id"`
		Visibility string `json:"visibility"`
	}
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		f.answer(w, 422, map[string]any{"error": "no JSON"})
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if id := f.keys[key]; key != "" && id != "" && !f.d.ignoreKeys {
		f.answer(w, 200, f.find(id))
		return
	}
	if b.InReplyTo != "" && f.find(b.InReplyTo) == nil {
		f.answer(w, 404, map[string]any{"error": "The post you are trying to reply to does not appear to exist."})
		return
	}
	content := html.EscapeString(b.Status)
	if f.d.rewrites {
		content = strings.NewReplacer("!", " &#8211; ", "-", "—").Replace(content)
	}
	words := strings.Split(content, " ")
	var mentions []any
	for i, word := range words {
		if rest, ok := strings.CutPrefix(word, "@"); ok {
			name, _, _ := strings.Cut(rest, "@")
			addr := "https://social.veloria.example/@" + name
			words[i] = fmt.Sprintf(`<span class="h-card"><a href="%s" class="u-url mention">@<span>%s</span></a></span>`, addr, name)
			for _, a := range f.accounts {
				if a["acct"] == rest {
					mentions = append(mentions, map[string]any{"id": a["id"], "acct": rest, "username": name, "url": addr})
				}
			}
		}
		if strings.HasPrefix(word, "https://") {
			words[i] = fmt.Sprintf(`<a href="%s" rel="nofollow"><span class="invisible">https://</span><span class="ellipsis">%s</span><span class="invisible">%s</span></a>`, word, word[8:min(len(word), 20)], word[min(len(word), 20):])
		}
	}
	s := f.status(ourID, "<p>"+strings.Join(words, " ")+"</p>", b.Visibility, b.InReplyTo)
	s["_source"] = b.Status
	if !f.d.bare {
		s["mentions"] = mentions
	}
	f.keys[key] = s["id"].(string)
	f.answer(w, 200, s)
}

func (f *fake) account(w http.ResponseWriter, id string, q url.Values) {
	var all []map[string]any
	for _, s := range f.statuses {
		if !f.deleted[s["id"].(string)] && s["account"].(map[string]any)["id"] == id {
			all = append(all, s)
		}
	}
	size := 40
	if f.d.statusPages > 0 {
		size = f.d.statusPages
	}
	f.answer(w, 200, f.page(all, q, size, ""))
}

func (f *fake) context(w http.ResponseWriter, id string) {
	up := []map[string]any{}
	for s := f.find(id); s != nil && s["in_reply_to_id"] != nil; {
		s = f.find(s["in_reply_to_id"].(string))
		if s != nil {
			up = append([]map[string]any{s}, up...)
		}
	}
	under := map[string]bool{id: true}
	down := []map[string]any{}
	for _, s := range f.statuses {
		if p, ok := s["in_reply_to_id"].(string); ok && under[p] && !f.deleted[s["id"].(string)] {
			under[s["id"].(string)] = true
			down = append(down, s)
		}
	}
	f.answer(w, 200, map[string]any{"ancestors": up, "descendants": down})
}

// inbox and outbox show the fake to the conformance suites.

func (f *fake) inbox() platformtest.Inbox {
	return platformtest.Inbox{
		Open: func() platformtest.Poller { return f.client() },
		Arrive: func(n int) (ids []string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for i := range n {
				v := []string{"public", "unlisted", "private", "direct"}[i%4]
				ids = append(ids, f.ask(v)["id"].(string))
			}
			return ids
		},
		Noise: func(n int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for i := range n {
				f.note([]string{"favourite", "reblog", "follow"}[i%3], nil, f.person(i))
			}
		},
		Again: func(id string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.note("quote", f.find(id), f.person(1))
		},
		Fail: func(status int, h http.Header) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.faults = append(f.faults, fault{status: status, header: h})
		},
		Account: ourID,
		First:   FirstMost,
	}
}

func (f *fake) outbox() platformtest.Outbox {
	said := func(p care.Post, direct bool) (texts []string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, s := range f.statuses {
			if s["account"].(map[string]any)["id"] == ourID && s["in_reply_to_id"] == p.NativeID && (s["visibility"] == "direct") == direct && s["_source"] != nil {
				texts = append(texts, s["_source"].(string))
			}
		}
		return texts
	}
	return platformtest.Outbox{
		Open: func() platformtest.Sender { return f.client() },
		Ask: func(private bool) care.Post {
			f.mu.Lock()
			v := "public"
			if private {
				v = "direct"
			}
			f.ask(v)
			b, err := json.Marshal(f.notes[len(f.notes)-1:])
			f.mu.Unlock()
			if err != nil {
				f.t.Fatal(err)
			}
			batch, err := Normalise(b, f.own(), f.clock())
			if err != nil || len(batch.Items) != 1 {
				f.t.Fatalf("normalise: %+v %v", batch, err)
			}
			return batch.Items[0].Post
		},
		Remove: func(p care.Post) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.deleted[p.NativeID] = true
		},
		Public:  func(p care.Post) []string { return said(p, false) },
		Private: func(p care.Post) []string { return said(p, true) },
		Chatter: func(p care.Post, text string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			v := "public"
			if p.Private {
				v = "direct"
			}
			s := f.status(ourID, "<p>@"+p.Author.Handle+" "+text+"</p>", v, p.NativeID)
			s["_source"] = "@" + p.Author.Handle + " " + text
		},
		Lose: func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wfaults = append(f.wfaults, fault{lose: true})
		},
		Fail: func(status int, h http.Header) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wfaults = append(f.wfaults, fault{status: status, header: h})
		},
		Down: func() func() {
			set := func(v bool) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.down = v
			}
			set(true)
			return func() { set(false) }
		},
		Longest: func(p care.Post) int {
			name, _, _ := strings.Cut(p.Author.Handle, "@")
			return f.max() - len("@"+name+" ")
		},
		Keyed:   !f.d.ignoreKeys,
		Now:     f.clock,
		Account: ourID,
	}
}

// dialects are the servers that the suites run against.
var dialects = map[string]dialect{
	"Mastodon":                {},
	"Mastodon over TCP":       {tcp: true},
	"GoToSocial":              {ids: "ulid", maxPage: 40, filterLate: true, maxChars: 5000, ignoreKeys: true},
	"GoToSocial, types":       {ids: "ulid", maxPage: 40, types: "refuse", ignoreKeys: true},
	"Pleroma":                 {ids: "flake", minID: "since", maxPage: 40, types: "ignore", bare: true, ignoreKeys: true, maxChars: 5000},
	"Pixelfed":                {ids: "small", numericIDs: true, maxPage: 20, minID: "ignore", types: "ignore", bare: true, ignoreKeys: true},
	"small pages, min_id off": {ids: "small", maxPage: 15, minID: "since"},
	"rewriting":               {rewrites: true, statusPages: 5, ignoreKeys: true},
}

func TestPollerSuite(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			platformtest.TestPoller(t, func(t *testing.T) platformtest.Inbox { return newFake(t, d).inbox() })
		})
	}
}

func TestSenderSuite(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			platformtest.TestSender(t, func(t *testing.T) platformtest.Outbox { return newFake(t, d).outbox() })
		})
	}
}
