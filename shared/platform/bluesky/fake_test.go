package bluesky

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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

// dialect is how a server differs from a PDS with Bluesky's AppView and chat.
type dialect struct {
	reasons   string // "" honours them; "ignore"; "refuse" with 400
	keyset    bool   // page cursors are time and cid, not a bare time
	chat      string // "" works; "501", "404", "token", "proxy": the ways of having none
	overwrite bool   // createRecord of a record that exists replaces it, instead of failing
	exists    string // how a failing createRecord says so: "" 500; "400"; "409"
	missing   string // how getRecord says no: "" RecordNotFound; "old" InvalidRequest
	maxPage   int    // cap of limit, 100 when 0
	lifetime  time.Duration
	bare      bool // no rate-limit headers, no profiles, nulls where lists were
	tcp       bool // over a real connection
}

const (
	ourDID    = "did:plc:veloriacare000000000000"
	ourHandle = "care.veloria.example"
	testCID   = "bafyreib25swk3a6waplk2ie75u4a3qfejnkoiezfowuz7sa74i7tief3di"
)

type fake struct {
	t   testing.TB
	d   dialect
	srv *httptest.Server

	mu       sync.Mutex
	now      time.Time
	seq      int
	tokens   map[string]time.Time // access token -> its end
	refresh  map[string]bool
	signIns  int
	renewals int
	password string
	records  map[string]map[string]any // uri -> record
	order    []string
	notes    []map[string]any
	convos   map[string]string // did -> convo id
	messages map[string][]map[string]any
	log      []map[string]any
	gates    map[string]bool // uri -> answers not allowed
	noDMs    map[string]bool
	faults   []fault
	wfaults  []fault
	down     bool
	calls    []string
}

type fault struct {
	status int
	header http.Header
	lose   bool
}

func newFake(t testing.TB, d dialect) *fake {
	if d.lifetime == 0 {
		d.lifetime = 2 * time.Hour
	}
	f := &fake{
		t: t, d: d, now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), password: "abcd-efgh-ijkl-mnop",
		tokens: map[string]time.Time{}, refresh: map[string]bool{}, records: map[string]map[string]any{},
		convos: map[string]string{}, messages: map[string][]map[string]any{}, gates: map[string]bool{}, noDMs: map[string]bool{},
	}
	f.srv = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.srv.Close)
	f.put(f.uri(ourDID, "3kourpost2222"), map[string]any{"$type": postCollection, "text": "News from Veloria", "createdAt": f.stamp()})
	return f
}

func (f *fake) own() platform.Account {
	return platform.Account{Platform: care.Bluesky, Account: ourDID, Handle: ourHandle, BaseURL: f.srv.URL, Identifier: ourHandle, Password: "abcd-efgh-ijkl-mnop"}
}

func (f *fake) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) client() *Client {
	h := &http.Client{Transport: memory{f}}
	if f.d.tcp {
		h.Transport = gate{f, &http.Transport{DisableKeepAlives: true}}
	}
	return New(f.own(), h, f.clock)
}

// gate is a real connection that can be down.
type gate struct {
	f  *fake
	tr *http.Transport
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.f.mu.Lock()
	down := g.f.down
	g.f.mu.Unlock()
	if down {
		return nil, errors.New("no route to host")
	}
	return g.tr.RoundTrip(r)
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

func (f *fake) stamp() string { return f.now.UTC().Format("2006-01-02T15:04:05.000Z") }

func (f *fake) uri(did, rkey string) string { return "at://" + did + "/" + postCollection + "/" + rkey }

func (f *fake) put(uri string, rec map[string]any) {
	if f.records[uri] == nil {
		f.order = append(f.order, uri)
	}
	f.records[uri] = rec
}

// tid mints ids that sort in time.
func (f *fake) tid() string {
	f.seq++
	b := []byte("3l22222222222")
	for i, n := len(b)-1, f.seq; n > 0; i-- {
		b[i] = tidDigits[n%32]
		n /= 32
	}
	return string(b)
}

func person(i int) (did, handle string) {
	return fmt.Sprintf("did:plc:lena%020d", i), fmt.Sprintf("lena%d.bsky.example", i)
}

func view(i int) map[string]any {
	did, handle := person(i)
	return map[string]any{"did": did, "handle": handle, "displayName": "Lena " + strconv.Itoa(i), "createdAt": "2024-01-01T00:00:00.000Z"}
}

// announce writes a post of person i and its notification, sorted at the time at.
func (f *fake) announce(i int, reason string, at time.Time) string {
	did, _ := person(i)
	uri := f.uri(did, f.tid())
	rec := map[string]any{"$type": postCollection, "text": "my VeloBox is dead @" + ourHandle, "createdAt": at.Format("2006-01-02T15:04:05.000Z"), "langs": []any{"en"}}
	n := map[string]any{"uri": uri, "cid": testCID, "author": view(i), "reason": reason, "record": rec, "isRead": false, "indexedAt": at.Format("2006-01-02T15:04:05.000Z"), "labels": []any{}}
	ours := map[string]any{"uri": f.uri(ourDID, "3kourpost2222"), "cid": testCID}
	switch reason {
	case "reply":
		rec["reply"] = map[string]any{"root": ours, "parent": ours}
		n["reasonSubject"] = ours["uri"]
	case "quote":
		rec["embed"] = map[string]any{"$type": "app.bsky.embed.record", "record": ours}
		n["reasonSubject"] = ours["uri"]
	case "mention":
	default:
		n["record"] = map[string]any{"$type": "app.bsky.feed.like", "createdAt": rec["createdAt"]}
		n["uri"] = "at://" + did + "/app.bsky.feed.like/" + f.tid()
	}
	f.put(uri, rec)
	f.notes = append(f.notes, n)
	return n["uri"].(string)
}

func (f *fake) convo(did string) string {
	if f.convos[did] == "" {
		f.convos[did] = f.tid()
	}
	return f.convos[did]
}

// write puts a direct message into the conversation with the customer did.
func (f *fake) write(did, from, text string) map[string]any {
	c := f.convo(did)
	m := map[string]any{"$type": "chat.bsky.convo.defs#messageView", "id": f.tid(), "rev": f.tid(), "text": text, "sender": map[string]any{"did": from}, "sentAt": f.stamp()}
	f.messages[c] = append(f.messages[c], m)
	f.log = append(f.log, map[string]any{"$type": "chat.bsky.convo.defs#logCreateMessage", "rev": m["rev"], "convoId": c, "message": m})
	return m
}

func (f *fake) tick() { f.now = f.now.Add(time.Second) }

func (f *fake) arrive(i int, withChat bool) string {
	f.tick()
	who := f.seq % 41
	if withChat && i%5 == 4 {
		did, _ := person(who)
		m := f.write(did, did, "in private: my VeloBox is dead")
		return f.convo(did) + "/" + m["id"].(string)
	}
	return f.announce(who, []string{"mention", "reply", "quote"}[i%3], f.now)
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	nsid := strings.TrimPrefix(r.URL.Path, "/xrpc/")
	f.calls = append(f.calls, nsid)
	q := &f.faults
	hit := nsid == "app.bsky.notification.listNotifications"
	if nsid == "com.atproto.repo.createRecord" || nsid == "chat.bsky.convo.sendMessage" {
		q, hit = &f.wfaults, true
	}
	var ft *fault
	if hit && len(*q) > 0 {
		v := (*q)[0]
		ft, *q = &v, (*q)[1:]
	}
	if ft != nil && !ft.lose {
		for k, v := range ft.header {
			w.Header()[k] = v
		}
		f.fail(w, ft.status, "SomethingWrong", "a sentence")
		return
	}
	if !f.d.bare {
		w.Header().Set("RateLimit-Limit", "3000")
		w.Header().Set("RateLimit-Remaining", "2990")
		w.Header().Set("RateLimit-Reset", strconv.FormatInt(f.now.Add(5*time.Minute).Unix(), 10))
		w.Header().Set("RateLimit-Policy", "3000;w=300")
	}
	if ft != nil {
		f.route(httptest.NewRecorder(), r, nsid)
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
		return
	}
	f.route(w, r, nsid)
}

func (f *fake) fail(w http.ResponseWriter, status int, name, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": name, "message": text})
}

func (f *fake) ok(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) signIn(w http.ResponseWriter) {
	f.seq++
	claims := fmt.Sprintf(`{"iat":%d,"exp":%d,"n":%d}`, f.now.Unix(), f.now.Add(f.d.lifetime).Unix(), f.seq)
	access := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".sig"
	refresh := fmt.Sprintf("refresh-%d", f.seq)
	f.tokens[access] = f.now.Add(f.d.lifetime)
	f.refresh[refresh] = true
	f.ok(w, map[string]any{"did": ourDID, "handle": ourHandle, "accessJwt": access, "refreshJwt": refresh})
}

func (f *fake) route(w http.ResponseWriter, r *http.Request, nsid string) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch nsid {
	case "com.atproto.server.createSession":
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.signIns++
		if in["identifier"] != ourHandle || in["password"] != f.password {
			f.fail(w, 401, "AuthenticationRequired", "Invalid identifier or password")
			return
		}
		f.signIn(w)
		return
	case "com.atproto.server.refreshSession":
		f.renewals++
		if !f.refresh[token] {
			f.fail(w, 400, "ExpiredToken", "Token has been revoked")
			return
		}
		delete(f.refresh, token)
		f.signIn(w)
		return
	}
	if end, ok := f.tokens[token]; !ok {
		f.fail(w, 401, "AuthMissing", "Authentication Required")
		return
	} else if !f.now.Before(end) {
		f.fail(w, 400, "ExpiredToken", "Token has expired")
		return
	}
	q := r.URL.Query()
	if strings.HasPrefix(nsid, "chat.") {
		if r.Header.Get("Atproto-Proxy") != "did:web:api.bsky.chat#bsky_chat" {
			f.fail(w, 501, "MethodNotImplemented", "not proxied")
			return
		}
		switch f.d.chat {
		case "501":
			f.fail(w, 501, "MethodNotImplemented", "Method Not Implemented")
			return
		case "404":
			http.NotFound(w, r)
			return
		case "token":
			f.fail(w, 400, "InvalidToken", "Bad token method")
			return
		case "proxy":
			f.fail(w, 400, "InvalidRequest", "could not resolve proxy did service url")
			return
		}
	}
	switch nsid {
	case "app.bsky.notification.listNotifications":
		f.list(w, q)
	case "app.bsky.actor.getProfiles":
		if f.d.bare {
			f.fail(w, 502, "UpstreamFailure", "no AppView for that")
			return
		}
		out := []any{}
		for _, did := range q["actors"] {
			for i := range 60 {
				if d, _ := person(i); d == did {
					v := view(i)
					v["followersCount"] = 10 * i
					out = append(out, v)
				}
			}
		}
		if len(q["actors"]) > 25 {
			f.fail(w, 400, "InvalidRequest", "too many actors")
			return
		}
		f.ok(w, map[string]any{"profiles": out})
	case "app.bsky.feed.getPosts":
		out := []any{}
		for _, uri := range q["uris"] {
			if rec := f.records[uri]; rec != nil {
				out = append(out, map[string]any{"uri": uri, "cid": testCID, "record": rec, "viewer": map[string]any{"replyDisabled": f.gates[uri]}})
			}
		}
		f.ok(w, map[string]any{"posts": out})
	case "com.atproto.identity.resolveHandle":
		for i := range 60 {
			if did, h := person(i); h == q.Get("handle") {
				f.ok(w, map[string]any{"did": did})
				return
			}
		}
		f.fail(w, 400, "InvalidRequest", "Unable to resolve handle")
	case "com.atproto.repo.getRecord":
		uri := "at://" + q.Get("repo") + "/" + q.Get("collection") + "/" + q.Get("rkey")
		rec := f.records[uri]
		if rec == nil {
			name := "RecordNotFound"
			if f.d.missing == "old" {
				name = "InvalidRequest"
			}
			f.fail(w, 400, name, "Could not locate record: "+uri)
			return
		}
		f.ok(w, map[string]any{"uri": uri, "cid": testCID, "value": rec})
	case "com.atproto.repo.createRecord":
		f.create(w, r)
	case "chat.bsky.convo.getLog":
		f.getLog(w, q)
	case "chat.bsky.convo.getConvoForMembers":
		did := q.Get("members")
		if f.noDMs[did] {
			f.fail(w, 400, "InvalidRequest", "recipient has disabled incoming messages")
			return
		}
		f.ok(w, map[string]any{"convo": map[string]any{"id": f.convo(did), "rev": "x", "members": []any{}}})
	case "chat.bsky.convo.getMessages":
		all := slices.Clone(f.messages[q.Get("convoId")])
		slices.Reverse(all)
		from, _ := strconv.Atoi(q.Get("cursor"))
		end := min(len(all), from+20)
		out := map[string]any{"messages": all[min(from, len(all)):end]}
		if end < len(all) {
			out["cursor"] = strconv.Itoa(end)
		}
		f.ok(w, out)
	case "chat.bsky.convo.sendMessage":
		var in struct {
			ConvoID string `json:"convoId"`
			Message struct {
				Text string `json:"text"`
			} `json:"message"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		for did, c := range f.convos {
			if c == in.ConvoID {
				f.tick()
				f.ok(w, f.write(did, ourDID, in.Message.Text))
				return
			}
		}
		f.fail(w, 400, "InvalidConvo", "no such convo")
	default:
		f.fail(w, 501, "MethodNotImplemented", "Method Not Implemented")
	}
}

// list pages like the AppView's data plane: newest first by sortAt, from a cursor
// that is a bare time (or time and id) of the last row.
func (f *fake) list(w http.ResponseWriter, q url.Values) {
	reasons := q["reasons"]
	if f.d.reasons == "refuse" && len(reasons) > 0 {
		f.fail(w, 400, "InvalidRequest", "Error: Params must not have the property reasons")
		return
	}
	rows := slices.Clone(f.notes)
	if f.d.reasons == "" && len(reasons) > 0 {
		rows = slices.DeleteFunc(rows, func(n map[string]any) bool { return !slices.Contains(reasons, n["reason"].(string)) })
	}
	key := func(n map[string]any) string {
		if f.d.keyset {
			return n["indexedAt"].(string) + "__" + n["uri"].(string)
		}
		return n["indexedAt"].(string)
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int { return strings.Compare(key(b), key(a)) })
	if at := q.Get("cursor"); at != "" {
		if !strings.HasPrefix(at, "20") {
			f.fail(w, 400, "InvalidRequest", "Malformed cursor")
			return
		}
		rows = slices.DeleteFunc(rows, func(n map[string]any) bool { return key(n) >= at })
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	if limit < 1 || limit > 100 {
		f.fail(w, 400, "InvalidRequest", "limit out of range")
		return
	}
	if f.d.maxPage > 0 {
		limit = min(limit, f.d.maxPage)
	}
	rows = rows[:min(limit, len(rows))]
	out := map[string]any{"notifications": rows, "seenAt": f.stamp(), "priority": false}
	if len(rows) > 0 {
		out["cursor"] = key(rows[len(rows)-1])
	} else if f.d.bare {
		out["notifications"] = nil
	}
	f.ok(w, out)
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Repo       string         `json:"repo"`
		Collection string         `json:"collection"`
		Rkey       string         `json:"rkey"`
		Record     map[string]any `json:"record"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Repo != ourDID || in.Collection != postCollection {
		f.fail(w, 400, "InvalidRequest", "bad input")
		return
	}
	if !tidSyntax().MatchString(in.Rkey) {
		f.fail(w, 400, "InvalidRequest", "Invalid rkey")
		return
	}
	uri := f.uri(ourDID, in.Rkey)
	if f.records[uri] != nil && !f.d.overwrite {
		switch f.d.exists {
		case "400":
			f.fail(w, 400, "InvalidRequest", "Record already exists")
		case "409":
			f.fail(w, 409, "RecordExists", "Record already exists")
		default:
			f.fail(w, 500, "InternalServerError", "Internal Server Error")
		}
		return
	}
	f.tick()
	f.put(uri, in.Record)
	f.ok(w, map[string]any{"uri": uri, "cid": testCID, "commit": map[string]any{"cid": testCID, "rev": "x"}, "validationStatus": "valid"})
}

func (f *fake) getLog(w http.ResponseWriter, q url.Values) {
	at := q.Get("cursor")
	out := []map[string]any{}
	for _, e := range f.log {
		if e["rev"].(string) > at && len(out) < 30 {
			out = append(out, e)
			at = e["rev"].(string)
		}
	}
	f.ok(w, map[string]any{"logs": out, "cursor": at})
}

// inbox and outbox show the fake to the conformance suites.

func (f *fake) inbox() platformtest.Inbox {
	return platformtest.Inbox{
		Open: func() platformtest.Poller { return f.client() },
		Arrive: func(n int) (ids []string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for i := range n {
				ids = append(ids, f.arrive(i, f.d.chat == "" && n < 900))
			}
			return ids
		},
		Noise: func(n int) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for i := range n {
				f.tick()
				f.announce(i%41, []string{"like", "repost", "follow"}[i%3], f.now)
			}
		},
		Again: func(id string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, n := range f.notes {
				if n["uri"] == id {
					c := map[string]any{}
					for k, v := range n {
						c[k] = v
					}
					c["reason"] = "reply"
					f.notes = append(f.notes, c)
					return
				}
			}
		},
		Fail: func(status int, h http.Header) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.faults = append(f.faults, fault{status: status, header: h})
		},
		Account: ourDID,
		First:   FirstMost,
	}
}

func (f *fake) outbox() platformtest.Outbox {
	return platformtest.Outbox{
		Open: func() platformtest.Sender { return f.client() },
		Ask: func(private bool) care.Post {
			var b care.Batch
			var err error
			f.mu.Lock()
			f.tick()
			if private {
				did, _ := person(7)
				f.write(did, did, "in private: my VeloBox is dead")
				body, _ := json.Marshal(map[string]any{"logs": f.log[len(f.log)-1:]})
				f.mu.Unlock()
				b, err = NormaliseLog(body, f.own(), f.clock())
			} else {
				f.announce(7, "mention", f.now)
				body, _ := json.Marshal(map[string]any{"notifications": f.notes[len(f.notes)-1:]})
				f.mu.Unlock()
				b, err = Normalise(body, f.own(), f.clock())
			}
			if err != nil || len(b.Items) != 1 {
				f.t.Fatalf("normalise: %+v %v", b, err)
			}
			return b.Items[0].Post
		},
		Remove: func(p care.Post) {
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.records, p.NativeID)
		},
		Public: func(p care.Post) (texts []string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, uri := range f.order {
				rec := f.records[uri]
				if rep, ok := rec["reply"].(map[string]any); ok && strings.HasPrefix(uri, "at://"+ourDID) && rep["parent"].(map[string]any)["uri"] == p.NativeID {
					texts = append(texts, rec["text"].(string))
				}
			}
			return texts
		},
		Private: func(p care.Post) (texts []string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, m := range f.messages[f.convos[p.Author.ID]] {
				if m["sender"].(map[string]any)["did"] == ourDID {
					texts = append(texts, m["text"].(string))
				}
			}
			return texts
		},
		Chatter: func(p care.Post, text string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.tick()
			if p.Private {
				f.write(p.Author.ID, ourDID, text)
				return
			}
			ref := map[string]any{"uri": p.NativeID, "cid": testCID}
			f.put(f.uri(ourDID, f.tid()), map[string]any{"text": text, "createdAt": f.stamp(), "reply": map[string]any{"root": ref, "parent": ref}})
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
		Longest: func(care.Post) int { return 300 },
		Keyed:   true,
		Now:     f.clock,
		Account: ourDID,
	}
}

// dialects are the servers that the suites run against.
var dialects = map[string]dialect{
	"PDS, AppView and chat":       {},
	"the same over TCP":           {tcp: true},
	"dev-env without chat":        {chat: "501", keyset: true, reasons: "ignore"},
	"self-hosted, chat not found": {chat: "404", bare: true, reasons: "ignore", maxPage: 50},
	"password without chat":       {chat: "token", reasons: "refuse"},
	"old, short sessions":         {chat: "proxy", missing: "old", lifetime: 130 * time.Second},
}

func TestPollerSuite(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			platformtest.TestPoller(t, func(t *testing.T) platformtest.Inbox { return newFake(t, d).inbox() })
		})
	}
}

func TestSenderSuite(t *testing.T) {
	for name, d := range map[string]dialect{
		"PDS, AppView and chat":     {},
		"the same over TCP":         {tcp: true},
		"an existing record is 400": {exists: "400", missing: "old"},
		"an existing record is 409": {exists: "409", bare: true},
		"createRecord overwrites":   {overwrite: true},
		"sessions of two minutes":   {lifetime: 121 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			platformtest.TestSender(t, func(t *testing.T) platformtest.Outbox { return newFake(t, d).outbox() })
		})
	}
}
