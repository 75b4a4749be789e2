package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// world is everything around intake, in memory.
type world struct {
	mu        sync.Mutex
	claimed   map[care.PostID]care.Outcome
	published []events.Detail
	decided   []care.PostID
	counts    map[string]float64
	failClaim int // the next so many claims fail
	failBus   int

	answers     []string // own posts that drafts were told of
	failAnswers int
}

func newWorld() *world {
	return &world{claimed: map[care.PostID]care.Outcome{}, counts: map[string]float64{}}
}

// Triage calls chatter whatever says "noise".
func (w *world) Triage(_ context.Context, p care.Post) (care.Triage, error) {
	noise := strings.Contains(p.Text, "noise")
	return care.Triage{Obvious: noise, Reasons: []care.Reason{{By: "relevance", Text: "It says so."}}}, nil
}

func (w *world) ClaimPost(_ context.Context, p care.Post, _ string) (Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failClaim > 0 {
		w.failClaim--
		return Claim{}, care.Errorf(care.Throttled, "slow down")
	}
	outcome, known := w.claimed[p.ID()]
	if !known {
		w.claimed[p.ID()] = ""
	}
	return Claim{New: !known, Outcome: outcome}, nil
}

func (w *world) Publish(_ context.Context, d ...events.Detail) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failBus > 0 {
		w.failBus--
		return care.Errorf(care.Unavailable, "no bus")
	}
	w.published = append(w.published, d...)
	return nil
}

func (w *world) Decided(_ context.Context, id care.PostID, _ care.Change, _ care.Outcome, _ []care.Reason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decided = append(w.decided, id)
}

func (w *world) Counts(_ context.Context, v map[string]float64, p string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, n := range v {
		w.counts[k] += n
	}
}

func (w *world) Answered(_ context.Context, p care.Post) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failAnswers > 0 {
		w.failAnswers--
		return care.Errorf(care.Throttled, "slow down")
	}
	w.answers = append(w.answers, string(p.ID()))
	return nil
}

func (w *world) service() *Service {
	return &Service{Triager: w, Answers: w, Posts: w, Bus: w, Recorder: w}
}

func received(id, text string) care.Inbound {
	return care.Inbound{Change: care.Received, Post: care.Post{Platform: care.X, NativeID: id, Account: "a", Text: text}}
}

func TestTake(t *testing.T) {
	own := received("9", "ours")
	own.Change, own.Post.Author.Own = care.Deleted, true
	rows := []struct {
		name  string
		known map[care.PostID]care.Outcome
		items []care.Inbound
		want  Report
		types []string
	}{
		{"OK new post goes on the bus", nil, []care.Inbound{received("1", "help")}, Report{Received: 1, Published: 1}, []string{"PostReceived"}},
		{"OK chatter is decided here", nil, []care.Inbound{received("1", "noise")}, Report{Received: 1, Ignored: 1}, nil},
		{"OK decided before", map[care.PostID]care.Outcome{"x:1": care.OutcomeAnswered}, []care.Inbound{received("1", "help")}, Report{Received: 1, Duplicates: 1}, nil},
		{"OK claimed but undecided goes again", map[care.PostID]care.Outcome{"x:1": ""}, []care.Inbound{received("1", "help")}, Report{Received: 1, Published: 1}, []string{"PostReceived"}},
		{"OK edit and deletion are events of their own", nil,
			[]care.Inbound{{Change: care.Edited, Post: received("1", "new").Post}, {Change: care.Deleted, Post: received("2", "").Post}},
			Report{Received: 2, Published: 2}, []string{"PostEdited", "PostDeleted"}},
		{"OK our own deletion is ignored", nil, []care.Inbound{own}, Report{Received: 1, Ignored: 1}, nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			for id, o := range r.known {
				w.claimed[id] = o
			}
			got, err := w.service().Take(t.Context(), care.Batch{Items: r.items}, "c")
			if err != nil || got != r.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, r.want)
			}
			var types []string
			for _, d := range w.published {
				types = append(types, d.Type())
				if d.Head().Correlation != "c" {
					t.Errorf("%s lost its correlation", d.Type())
				}
			}
			if fmt.Sprint(types) != fmt.Sprint(r.types) {
				t.Errorf("published %v, want %v", types, r.types)
			}
		})
	}
}

// Whatever fails, delivering the batch again until it succeeds puts every post
// that is not chatter on the bus.
func TestTakeLosesNothing(t *testing.T) {
	for failClaim := range 4 {
		for failBus := range 3 {
			t.Run(fmt.Sprintf("%d claims and %d publishes fail", failClaim, failBus), func(t *testing.T) {
				w := newWorld()
				w.failClaim, w.failBus = failClaim, failBus
				var items []care.Inbound
				for i := range 40 {
					items = append(items, received(fmt.Sprint(i), []string{"help", "noise"}[i%2]))
				}
				var err error
				for range 10 {
					if _, err = w.service().Take(t.Context(), care.Batch{Items: items}, "c"); err == nil {
						break
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				seen := map[care.PostID]bool{}
				for _, d := range w.published {
					seen[d.(*events.PostReceived).Post.ID()] = true
				}
				if len(seen) != 20 {
					t.Errorf("%d of 20 posts reached the bus", len(seen))
				}
			})
		}
	}
}

func TestTakeReportsSkipped(t *testing.T) {
	w := newWorld()
	rep, err := w.service().Take(t.Context(), care.Batch{Skipped: []care.Skipped{{Type: "like.create", Known: true}, {Type: "poke.create"}}}, "c")
	if err != nil || rep.Skipped != 1 || rep.Unknown != 1 || w.counts["UnknownEventTypes"] != 1 {
		t.Errorf("got %+v, %v, counts %v", rep, err, w.counts)
	}
}

type hydrate func(care.Post) (care.Post, error)

func (h hydrate) Hydrate(_ context.Context, p care.Post) (care.Post, error) { return h(p) }

func TestTakeHydrates(t *testing.T) {
	rows := []struct {
		name       string
		h          hydrate
		text, unre string
	}{
		{"OK", func(p care.Post) (care.Post, error) { p.Text = "whole"; return p, nil }, "whole", ""},
		{"ErrRefused becomes a person's matter", func(p care.Post) (care.Post, error) { return p, care.Errorf(care.Refused, "no") }, "", "the platform does not show it to us"},
		{"ErrUnavailable becomes a person's matter", func(p care.Post) (care.Post, error) { return p, errors.New("down") }, "", "the platform did not give its text"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			s := w.service()
			s.Hydrator = r.h
			if _, err := s.Take(t.Context(), care.Batch{Items: []care.Inbound{received("1", "")}}, "c"); err != nil {
				t.Fatal(err)
			}
			p := w.published[0].(*events.PostReceived).Post
			if p.Text != r.text || p.Unreadable != r.unre {
				t.Errorf("got text %q, unreadable %q", p.Text, p.Unreadable)
			}
		})
	}
}

// feed is a source of numbered posts; its cursor is the number of the last one.
type feed struct {
	n, size  int
	failures int
	wait     time.Duration
	err      error
}

func (f *feed) Poll(_ context.Context, cursor string) (Page, error) {
	if f.failures > 0 {
		f.failures--
		return Page{}, care.Errorf(care.Unavailable, "down")
	}
	if f.err != nil {
		return Page{}, f.err
	}
	at := 0
	fmt.Sscan(cursor, &at)
	p := Page{Cursor: cursor, Wait: f.wait}
	for i := at + 1; i <= f.n && i <= at+f.size; i++ {
		p.Batch.Items = append(p.Batch.Items, received(fmt.Sprint(i), "help"))
		p.Cursor = fmt.Sprint(i)
	}
	p.More = len(p.Batch.Items) == f.size
	return p, nil
}

// leases is a cursor store in memory.
type leases struct {
	cursor, owner string
	until         time.Time
	now           func() time.Time
	failMove      int
}

func (l *leases) LeaseCursor(_ context.Context, _, owner string, until time.Time) (string, error) {
	if l.owner != "" && l.owner != owner && l.until.After(l.now()) {
		return "", care.Errorf(care.Busy, "held")
	}
	l.owner, l.until = owner, until
	return l.cursor, nil
}

func (l *leases) MoveCursor(_ context.Context, _, owner, cursor string) error {
	if l.failMove > 0 {
		l.failMove--
		return care.Errorf(care.Unavailable, "crash")
	}
	if l.owner != owner {
		return care.Errorf(care.Conflict, "lost")
	}
	l.cursor = cursor
	return nil
}

func (l *leases) ReleaseCursor(_ context.Context, _, owner string, until time.Time) error {
	if l.owner != owner {
		return care.Errorf(care.Conflict, "lost")
	}
	if l.until = until; until.IsZero() {
		l.owner = ""
	}
	return nil
}

func poller(w *world, l *leases) *Poller {
	now := time.Date(2026, 11, 17, 8, 0, 0, 0, time.UTC)
	l.now = func() time.Time { return now }
	return &Poller{Service: w.service(), Cursors: l, Clock: l.now, Pause: func(context.Context, time.Duration) error { return nil }}
}

func TestPoller(t *testing.T) {
	t.Run("OK reads every page once", func(t *testing.T) {
		w, l := newWorld(), &leases{}
		rep, err := poller(w, l).Run(t.Context(), "m", "o1", "c", &feed{n: 25, size: 10})
		if err != nil || rep.Pages != 3 || rep.Published != 25 || l.cursor != "25" || l.owner != "" {
			t.Errorf("got %+v, %v, cursor %q, owner %q", rep, err, l.cursor, l.owner)
		}
	})
	t.Run("OK a crash between publish and cursor repeats, never loses", func(t *testing.T) {
		w, l := newWorld(), &leases{failMove: 1}
		p := poller(w, l)
		if _, err := p.Run(t.Context(), "m", "o1", "c", &feed{n: 12, size: 10}); err == nil {
			t.Fatal("the crash was swallowed")
		}
		for id := range w.claimed { // the chain decides what was published
			w.claimed[id] = care.OutcomeRecorded
		}
		rep, err := p.Run(t.Context(), "m", "o2", "c", &feed{n: 12, size: 10})
		if err != nil || rep.Duplicates != 10 || rep.Published != 2 || len(w.claimed) != 12 {
			t.Errorf("got %+v, %v, %d claimed", rep, err, len(w.claimed))
		}
	})
	t.Run("OK nothing moves when intake fails", func(t *testing.T) {
		w, l := newWorld(), &leases{}
		w.failBus = 1
		_, err := poller(w, l).Run(t.Context(), "m", "o1", "c", &feed{n: 3, size: 10})
		if care.CodeOf(err) != care.Unavailable || l.cursor != "" {
			t.Errorf("got %v, cursor %q", err, l.cursor)
		}
	})
	t.Run("OK a source that fails twice is asked again", func(t *testing.T) {
		w, l := newWorld(), &leases{}
		rep, err := poller(w, l).Run(t.Context(), "m", "o1", "c", &feed{n: 3, size: 10, failures: 2})
		if err != nil || rep.Published != 3 {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("ErrUnavailable after every try", func(t *testing.T) {
		rep, err := poller(newWorld(), &leases{}).Run(t.Context(), "m", "o1", "c", &feed{failures: 99})
		if care.CodeOf(err) != care.Unavailable || rep.Status != "failing" {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("OK busy while another run holds the lease", func(t *testing.T) {
		w, l := newWorld(), &leases{owner: "other", until: time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC)}
		rep, err := poller(w, l).Run(t.Context(), "m", "o1", "c", &feed{n: 3, size: 10})
		if err != nil || rep.Status != "busy" || len(w.published) != 0 {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
	t.Run("OK a rate limit keeps everyone away until it is over", func(t *testing.T) {
		w, l := newWorld(), &leases{}
		p := poller(w, l)
		rep, err := p.Run(t.Context(), "m", "o1", "c", &feed{n: 30, size: 10, wait: time.Minute})
		if err != nil || rep.Status != "waiting" || rep.Pages != 1 {
			t.Fatalf("got %+v, %v", rep, err)
		}
		if rep, _ := p.Run(t.Context(), "m", "o2", "c", &feed{n: 30, size: 10}); rep.Status != "busy" {
			t.Errorf("a second run got %+v", rep)
		}
	})
	t.Run("OK throttled without a time waits five minutes", func(t *testing.T) {
		w, l := newWorld(), &leases{}
		rep, err := poller(w, l).Run(t.Context(), "m", "o1", "c", &feed{err: care.Errorf(care.Throttled, "429")})
		if err != nil || rep.Until.Sub(l.now()) != 5*time.Minute {
			t.Errorf("got %+v, %v", rep, err)
		}
	})
}

func TestHandler(t *testing.T) {
	w := newWorld()
	hook := Webhook{
		Name: "x",
		Handshake: func(_ context.Context, r *http.Request) (string, []byte, error) {
			if r.URL.Query().Get("crc_token") == "" {
				return "", nil, care.Errorf(care.Invalid, "crc_token is missing")
			}
			return "application/json", []byte(`{}`), nil
		},
		Verify: func(_ context.Context, h http.Header, _ []byte) error {
			if h.Get("X-Sig") != "good" {
				return care.Errorf(care.Denied, "the signature is wrong")
			}
			return nil
		},
		Normalise: func(_ context.Context, body []byte, _ time.Time) (care.Batch, error) {
			var in struct{ ID, Text string }
			if err := json.Unmarshal(body, &in); err != nil {
				return care.Batch{}, care.Errorf(care.Invalid, "not JSON")
			}
			return care.Batch{Items: []care.Inbound{received(in.ID, in.Text)}}, nil
		},
	}
	h := Handler(w.service(), w, time.Now, func(context.Context) string { return "c" }, hook)
	rows := []struct {
		name, method, path, sig, body string
		failBus                       int
		status                        int
		says                          string
	}{
		{"OK", "POST", "/webhooks/x", "good", `{"ID":"1","Text":"help"}`, 0, 200, `"published":1`},
		{"OK health", "GET", "/health", "", "", 0, 200, "ok"},
		{"OK handshake", "GET", "/webhooks/x?crc_token=t", "", "", 0, 200, "{}"},
		{"ErrHandshake", "GET", "/webhooks/x", "", "", 0, 400, "crc_token"},
		{"ErrSignature", "POST", "/webhooks/x", "bad", `{"ID":"2"}`, 0, 401, "signature"},
		{"ErrSignature before the body is read", "POST", "/webhooks/x", "", `{{{`, 0, 401, "signature"},
		{"ErrTruncated", "POST", "/webhooks/x", "good", `{"ID":`, 0, 400, "not JSON"},
		{"ErrTooLarge", "POST", "/webhooks/x", "good", strings.Repeat("x", 10<<20), 0, 413, "4 MiB"},
		{"ErrNotDurable", "POST", "/webhooks/x", "good", `{"ID":"3","Text":"help"}`, 1, 503, "send it again"},
		{"ErrUnknownPath", "POST", "/webhooks/y", "good", `{}`, 0, 404, ""},
		{"ErrMethod", "PUT", "/webhooks/x", "good", `{}`, 0, 405, ""},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w.failBus = r.failBus
			req := httptest.NewRequest(r.method, r.path, bytes.NewBufferString(r.body))
			req.Header.Set("X-Sig", r.sig)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if rec.Code != r.status || !strings.Contains(rec.Body.String(), r.says) {
				t.Errorf("got %d %s", rec.Code, rec.Body)
			}
		})
	}
}

// TestOwnAnswers: what our own accounts answer is told to the drafts, before the
// post is decided; nothing else is.
func TestOwnAnswers(t *testing.T) {
	post := func(change func(*care.Post)) care.Inbound {
		in := received("5", "noise, our own words")
		in.Post.Author.Own = true
		change(&in.Post)
		return in
	}
	rows := []struct {
		name string
		in   care.Inbound
		want int
	}{
		{"our reply", post(func(p *care.Post) { p.ReplyTo = "1" }), 1},
		{"our direct message", post(func(p *care.Post) { p.Private, p.Thread = true, "2222" }), 1},
		{"our post that answers nobody", post(func(p *care.Post) {}), 0},
		{"a customer's reply", post(func(p *care.Post) { p.ReplyTo, p.Author.Own = "1", false }), 0},
		{"our reply, deleted", care.Inbound{Change: care.Deleted, Post: post(func(p *care.Post) { p.ReplyTo = "1" }).Post}, 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			rep, err := w.service().Take(t.Context(), care.Batch{Items: []care.Inbound{r.in}}, "c")
			if err != nil || len(w.answers) != r.want || rep.Ignored != 1 {
				t.Errorf("told of %v, %+v, %v", w.answers, rep, err)
			}
		})
	}
	t.Run("ErrNotTold", func(t *testing.T) {
		w := newWorld()
		w.failAnswers = 1
		batch := care.Batch{Items: []care.Inbound{rows[0].in, received("6", "help")}}
		rep, err := w.service().Take(t.Context(), batch, "c")
		if care.CodeOf(err) != care.Throttled || rep.Published != 1 || len(w.decided) != 0 {
			t.Fatalf("%+v, %v, decided %v; the batch must come again", rep, err, w.decided)
		}
		if _, err := w.service().Take(t.Context(), batch, "c"); err != nil || len(w.answers) != 1 {
			t.Errorf("told of %v, %v", w.answers, err)
		}
	})
}
