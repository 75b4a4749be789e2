// Package standin stands in for the platforms (X, Facebook, Messenger,
// Instagram, Mastodon, Bluesky) and Amazon Connect on a laptop: the parts of
// their APIs that the adapters use, with the rules that make sending hard
// (windows, summons, duplicates, limits, idempotency keys or their absence,
// deleted targets), and pages on which a person sees a thread with our reply in
// it, as a customer would.
//
// All state is in memory. What customers say is put in with Seed... and Add...,
// in the platform's own JSON; what we said comes out of Replies. Faults may be
// injected before or after the work is done. What is told here of the platforms
// follows their documentation; where that is silent the comment says so.
package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account is our account on one platform.
type Account struct {
	// ID is X's user id, the Facebook page id (Messenger too), the Instagram
	// account id, the Mastodon account id, the Bluesky DID.
	ID     string
	Handle string // without "@"
	Name   string
	// Token may read and write. ReadToken, when set, may only read.
	Token     string
	ReadToken string
	// Identifier and Password sign in at Bluesky.
	Identifier string
	Password   string
	// Enterprise lifts X's rule that self-serve apps answer only when summoned.
	Enterprise bool
	// IgnoreKeys makes Mastodon ignore Idempotency-Key, as some compatible servers
	// do.
	IgnoreKeys bool
}

// Fault is what goes wrong with one request.
type Fault string

// The faults.
const (
	NoFault  Fault = ""
	Throttle Fault = "throttle" // refused for the rate, nothing was done
	Failure  Fault = "error"    // refused with a server error, nothing was done
	Lost     Fault = "lost"     // done, but the answer never arrives
)

// Options are what a Standin needs to know.
type Options struct {
	// Clock is the time; nil is time.Now.
	Clock func() time.Time
	// Sleep waits on that clock; nil does not wait. Only Call uses it.
	Sleep func(context.Context, time.Duration) error
	// Begin counts work that goes on by itself, a call placed from the workspace
	// page, until the function that it returns is called; nil counts nothing.
	Begin func() (end func())
	// Fault decides the fate of a request: point is "platform:x",
	// "platform:facebook" (all of the Graph API), "platform:mastodon",
	// "platform:bluesky" or "connect"; key is the same for every try of the same
	// request. nil: all is well.
	Fault func(point, key string) Fault
	// BaseURL is where Handler is reached, for links: "http://127.0.0.1:8080".
	BaseURL string
	// Accounts are ours, by platform: "x", "facebook" (with Messenger),
	// "instagram", "mastodon", "bluesky".
	Accounts map[string]Account
	// Unlimited turns the platforms' rate limits off; the headers stay.
	Unlimited bool
	Connect   ConnectOptions
}

// Reply is something that we said.
type Reply struct {
	Platform string `json:"platform"`
	ID       string `json:"id"`
	// InReplyTo is the id of the post answered; empty for a plain direct message.
	InReplyTo string `json:"inReplyTo,omitempty"`
	// Thread is the thread's root on the platform; for a direct message the other
	// person's id.
	Thread  string    `json:"thread"`
	Text    string    `json:"text"`
	Private bool      `json:"private"`
	To      string    `json:"to,omitempty"` // the person a private one is for
	At      time.Time `json:"at"`
	// Key is the idempotency key, record key or metadata it was sent with.
	Key     string `json:"key,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
}

// The platforms, as in Reply.Platform and the pages' addresses.
const (
	onX         = "x"
	onFacebook  = "facebook"
	onMessenger = "messenger"
	onInstagram = "instagram"
	onMastodon  = "mastodon"
	onBluesky   = "bluesky"
)

var platforms = []string{onX, onFacebook, onMessenger, onInstagram, onMastodon, onBluesky}

// Standin is the stand-in. Its methods may be called from several goroutines.
type Standin struct {
	opt Options
	mux *http.ServeMux

	mu       sync.Mutex
	seq      int64
	places   map[string]*place
	people   map[string]map[string]*person // platform -> id
	refusing map[string]bool               // platform + id: takes no direct messages
	windows  map[string]*window

	mastodon mastodonState
	bluesky  blueskyState
	connect  *connectState
}

// place holds what was said on one platform.
type place struct {
	posts   map[string]*post
	threads map[string][]*post
	order   []string // threads, in the order in which they began
}

type person struct {
	ID, Handle, Name string
	raw              map[string]any
	// lastWrote is when they last sent us a direct message: it opens a window.
	lastWrote time.Time
}

type post struct {
	platform, id, thread, parent string
	by                           person
	own, private                 bool
	to                           string // of a private post of ours
	text                         string // as people read it
	at                           time.Time
	key                          string
	deleted, edited, hidden      bool

	raw      map[string]any // the platform's own JSON, where it is served back
	summons  bool           // X: the author turned to us
	answered bool           // Meta: the one private reply was given
	mentions bool           // names our account
	n        int64          // order of arrival
}

// New makes a Standin.
func New(opt Options) *Standin {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	opt.BaseURL = strings.TrimRight(opt.BaseURL, "/")
	s := &Standin{
		opt: opt, mux: http.NewServeMux(),
		places: map[string]*place{}, people: map[string]map[string]*person{},
		refusing: map[string]bool{}, windows: map[string]*window{},
	}
	for _, p := range platforms {
		s.places[p] = &place{posts: map[string]*post{}, threads: map[string][]*post{}}
		s.people[p] = map[string]*person{}
	}
	s.connect = newConnect(opt.Connect)
	s.routeX()
	s.routeGraph()
	s.routeMastodon()
	s.routeBluesky()
	s.routeConnect()
	s.routePages()
	return s
}

// Handler serves /standin/... and /connect/.
func (s *Standin) Handler() http.Handler { return s.mux }

// Replies lists what we said, in the order in which we said it.
func (s *Standin) Replies() []Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ours []*post
	for _, p := range s.places {
		for _, post := range p.posts {
			if post.own && post.n > 0 && post.key != seeded {
				ours = append(ours, post)
			}
		}
	}
	slices.SortFunc(ours, func(a, b *post) int { return cmp.Compare(a.n, b.n) })
	out := make([]Reply, len(ours))
	for i, p := range ours {
		out[i] = Reply{Platform: p.platform, ID: p.id, InReplyTo: p.parent, Thread: p.thread, Text: p.text, Private: p.private, To: p.to, At: p.at, Key: p.key, Deleted: p.deleted}
	}
	return out
}

// seeded marks posts of our own accounts that were put in from outside (echoes,
// posts by a colleague): they are in the threads, but Fielder did not say them.
const seeded = "\x00seeded"

// Delete lets the author of a post delete it, on the platform only.
func (s *Standin) Delete(platform, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(platform, id)
	if p == nil {
		return false
	}
	p.deleted = true
	return true
}

// RefuseDirect makes a person take no direct messages from us.
func (s *Standin) RefuseDirect(platform, person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing[platform+" "+person] = true
}

func (s *Standin) find(platform, id string) *post {
	if p := s.places[platform]; p != nil {
		return p.posts[id]
	}
	return nil
}

// visible is find without what is deleted.
func (s *Standin) visible(platform, id string) *post {
	if p := s.find(platform, id); p != nil && !p.deleted {
		return p
	}
	return nil
}

// put stores a post, or changes the one with its id.
func (s *Standin) put(p *post) *post {
	at := s.places[p.platform]
	if old := at.posts[p.id]; old != nil {
		if old.text != p.text {
			old.text, old.edited = p.text, true
		}
		old.raw = p.raw
		return old
	}
	s.seq++
	p.n = s.seq
	if p.thread == "" {
		p.thread = p.id
	}
	at.posts[p.id] = p
	if at.threads[p.thread] == nil {
		at.order = append(at.order, p.thread)
	}
	at.threads[p.thread] = append(at.threads[p.thread], p)
	return p
}

// meet remembers a person; what is not known stays as it was.
func (s *Standin) meet(platform string, p person) person {
	if p.ID == "" {
		return p
	}
	old := s.people[platform][p.ID]
	if old == nil {
		old = &person{ID: p.ID}
		s.people[platform][p.ID] = old
	}
	old.Handle, old.Name = cmp.Or(p.Handle, old.Handle), cmp.Or(p.Name, old.Name)
	if p.raw != nil {
		old.raw = p.raw
	}
	if p.lastWrote.After(old.lastWrote) {
		old.lastWrote = p.lastWrote
	}
	return *old
}

// ours is our account as the author of a post.
func (s *Standin) ours(platform string) person {
	a := s.account(platform)
	return person{ID: a.ID, Handle: a.Handle, Name: cmp.Or(a.Name, a.Handle)}
}

func (s *Standin) account(platform string) Account {
	if platform == onMessenger {
		platform = onFacebook
	}
	return s.opt.Accounts[platform]
}

func (s *Standin) now() time.Time { return s.opt.Clock().UTC() }

// window counts requests in a fixed window, as X and Mastodon do.
type window struct {
	start time.Time
	used  int
}

// spend counts n against a limit per window; ok is false when it is used up.
func (s *Standin) spend(key string, n, limit int, per time.Duration) (left int, reset time.Time, ok bool) {
	now := s.now()
	w := s.windows[key]
	if w == nil || !now.Before(w.start.Add(per)) {
		w = &window{start: now}
		s.windows[key] = w
	}
	reset = w.start.Add(per)
	if w.used+n > limit && !s.opt.Unlimited {
		return 0, reset, false
	}
	w.used += n
	return max(limit-w.used, 0), reset, true
}

// Values of foreign JSON, read without trust in their types.

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []any { l, _ := v.([]any); return l }

func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// dig follows names into nested objects.
func dig(v any, names ...string) any {
	for _, name := range names {
		v = object(v)[name]
	}
	return v
}

func readJSON(data []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// parseTime reads the times of the platforms: ISO 8601, or Unix seconds or
// milliseconds.
func parseTime(v any) time.Time {
	switch v := v.(type) {
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC()
			}
		}
		return parseTime(json.Number(v))
	case json.Number:
		n, err := v.Int64()
		switch {
		case err != nil:
		case n > 1e11:
			return time.UnixMilli(n).UTC()
		case n > 0:
			return time.Unix(n, 0).UTC()
		}
	}
	return time.Time{}
}

const isoMillis = "2006-01-02T15:04:05.000Z"

func iso(t time.Time) string { return t.UTC().Format(isoMillis) }
