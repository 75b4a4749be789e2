package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

const (
	// pageSize is the default of GET /api/v1/notifications; Mastodon allows 80,
	// GoToSocial and Pleroma 40.
	pageSize = 40
	// probeFrom is the smallest page that may have been cut by the server: no
	// known server caps pages below 15.
	probeFrom = 10
	// FirstMost is how many notifications a poll with an empty cursor takes, newest
	// first: all that a server still has of a new account, and not years of an old
	// one.
	FirstMost = 1000
	// maxRoots is how many threads one poll looks up, each for one request of the
	// 300 per 5 minutes.
	maxRoots = 40
	// keepRoots bounds the client's memory of threads.
	keepRoots = 5000
)

// cursor is where a poll stands. Everything up to and including Low is done.
// While Below is set a sweep runs backwards: everything from Below up to and
// including High is done too, what lies between Low and Below is not.
type cursor struct {
	Low   string `json:"low,omitempty"`
	Below string `json:"below,omitempty"`
	High  string `json:"high,omitempty"`
	// Left bounds the first sweep; 0 means no bound.
	Left int `json:"left,omitempty"`
}

func (c cursor) String() string {
	if c.Below == "" {
		return c.Low
	}
	b, _ := json.Marshal(c)
	return string(b)
}

// parseCursor reads what String wrote. Error: Invalid.
func parseCursor(s string) (cursor, error) {
	c := cursor{Low: s}
	if strings.HasPrefix(s, "{") {
		c = cursor{}
		if err := json.Unmarshal([]byte(s), &c); err != nil {
			return c, care.Errorf(care.Invalid, "the cursor is not one of Mastodon: %w", err)
		}
		if !validID().MatchString(c.Below) || !validID().MatchString(c.High) || c.Left < 0 {
			return c, care.Errorf(care.Invalid, "the cursor is not one of Mastodon")
		}
	}
	if c.Low != "" && !validID().MatchString(c.Low) {
		return c, care.Errorf(care.Invalid, "the cursor is not one of Mastodon")
	}
	return c, nil
}

// Poll fetches the next notifications after the cursor. With a cursor it walks
// forward, oldest first, with min_id. With an empty cursor, and wherever a
// server turns out not to honour min_id, it sweeps backwards page by page to
// where it was; the cursor carries the sweep, so that it may be interrupted
// anywhere. Errors: Invalid (cursor, base URL), Denied, Unavailable, Throttled
// (with platform.RetryAfter).
func (c *Client) Poll(ctx context.Context, from string) (platform.Page, error) {
	cur, err := parseCursor(from)
	if err != nil {
		return platform.Page{}, err
	}
	own, err := c.account(ctx)
	if err != nil {
		return platform.Page{}, err
	}
	var p platform.Page
	var ns []notification
	if cur.Low != "" && cur.Below == "" {
		p, ns, err = c.forward(ctx, cur)
	} else {
		if cur.Low == "" && cur.Below == "" {
			cur.Left = FirstMost
		}
		p, ns, err = c.sweep(ctx, cur)
	}
	if err != nil {
		return platform.Page{}, err
	}
	b := batch(ns, own, c.http.Clock())
	b.Skipped = append(b.Skipped, p.Batch.Skipped...)
	p.Batch = b
	c.threads(ctx, p.Batch.Items, own)
	return p, nil
}

// forward takes the page right after Low.
func (c *Client) forward(ctx context.Context, cur cursor) (platform.Page, []notification, error) {
	l, err := c.list(ctx, url.Values{"min_id": {cur.Low}}, c.page)
	if err != nil {
		return platform.Page{}, nil, err
	}
	fresh := l.within(cur.Low, "")
	p := platform.Page{Cursor: cur.String(), Wait: l.wait}
	if len(fresh) == 0 {
		p.Batch.Skipped = l.unreadable()
		// An empty page that was filtered after it was cut: its Link leads on.
		if len(l.items) == 0 && l.prev != "" && before(cur.Low, l.prev) {
			p.Cursor, p.More = l.prev, true
		}
		return p, nil, nil
	}
	oldest, newest := string(fresh[0].ID), string(fresh[len(fresh)-1].ID)
	if l.next != "" && before(l.next, oldest) && before(cur.Low, l.next) {
		oldest = l.next // of the page before it was filtered
	}
	p.Cursor, p.More = newest, true
	p.Batch.Skipped = l.unreadable()
	// A server that takes min_id for since_id, or ignores it, answers with its
	// newest page: what lies between our cursor and that page would be lost. When
	// the page reaches down to the cursor nothing can lie between; else ask.
	if len(fresh) >= min(probeFrom, c.page) && !l.reaches(cur.Low) {
		gap, err := c.list(ctx, url.Values{"max_id": {oldest}, "since_id": {cur.Low}}, 1)
		if err != nil {
			return platform.Page{}, nil, err
		}
		if len(gap.within(cur.Low, oldest)) > 0 {
			p.Cursor = cursor{Low: cur.Low, Below: oldest, High: newest}.String()
		}
	}
	return p, fresh, nil
}

// sweep takes the page right below Below, or the newest page.
func (c *Client) sweep(ctx context.Context, cur cursor) (platform.Page, []notification, error) {
	q := url.Values{}
	if cur.Below != "" {
		q.Set("max_id", cur.Below)
	}
	if cur.Low != "" {
		q.Set("since_id", cur.Low)
	}
	size := c.page
	if cur.Left > 0 {
		size = min(size, cur.Left)
	}
	l, err := c.list(ctx, q, size)
	if err != nil {
		return platform.Page{}, nil, err
	}
	p := platform.Page{Wait: l.wait}
	p.Batch.Skipped = l.unreadable()
	fresh := l.within(cur.Low, cur.Below)
	if len(fresh) > 0 {
		if cur.High == "" {
			cur.High = string(fresh[len(fresh)-1].ID)
		}
		cur.Below = string(fresh[0].ID)
	}
	done := len(fresh) == 0 || cur.Low != "" && l.reaches(cur.Low)
	switch {
	case len(l.items) == 0 && l.next != "" && (cur.Below == "" || before(l.next, cur.Below)):
		// GoToSocial cuts the page before it filters it; its Link then leads on.
		if cur.High == "" {
			if cur.High = l.prev; cur.High == "" || before(cur.High, l.next) {
				cur.High = l.next
			}
		}
		cur.Below, done = l.next, cur.Low != "" && !before(cur.Low, l.next)
	case len(fresh) == 0 && cur.Below != "" && len(l.items) > 0 && !l.reaches(cur.Below):
		p.Batch.Skipped = append(p.Batch.Skipped, care.Skipped{Type: "paging", Reason: "the server ignores max_id, so that older notifications cannot be read", Known: false})
	}
	if cur.Left > 0 {
		if cur.Left -= len(fresh); cur.Left <= 0 {
			done = true
		}
	}
	if done {
		cur = cursor{Low: cur.High}
	}
	p.Cursor, p.More = cur.String(), !done
	return p, fresh, nil
}

// listing is one answer of the server.
type listing struct {
	items      []notification
	prev, next string // ids in the Link header
	wait       time.Duration
}

// within are the items with low < id < below in ascending order; "" is no bound.
func (l listing) within(low, below string) []notification {
	var in []notification
	for _, n := range l.items {
		id := string(n.ID)
		if validID().MatchString(id) && (low == "" || before(low, id)) && (below == "" || before(id, below)) {
			in = append(in, n)
		}
	}
	slices.SortStableFunc(in, func(a, b notification) int {
		switch {
		case before(string(a.ID), string(b.ID)):
			return -1
		case before(string(b.ID), string(a.ID)):
			return 1
		}
		return 0
	})
	return slices.CompactFunc(in, func(a, b notification) bool { return a.ID == b.ID && a.ID != "" })
}

// reaches reports whether the listing holds an id at or below low.
func (l listing) reaches(low string) bool {
	for _, n := range l.items {
		if id := string(n.ID); validID().MatchString(id) && !before(low, id) {
			return true
		}
	}
	return false
}

// unreadable counts the items without a usable id: they have no place in the
// order, so that they can only be counted.
func (l listing) unreadable() []care.Skipped {
	var s []care.Skipped
	for _, n := range l.items {
		if !validID().MatchString(string(n.ID)) {
			s = append(s, care.Skipped{Type: typeName(n), Reason: "a notification without a readable id", Known: false})
		}
	}
	return s
}

// list fetches notifications. Old GoToSocial versions answer 4xx to types that
// they do not know: then all types are asked for, here and from then on. A page
// too large to hold is asked for again, one at a time.
func (c *Client) list(ctx context.Context, q url.Values, size int) (listing, error) {
	q.Set("limit", strconv.Itoa(size))
	c.mu.Lock()
	plain := c.noTypes
	c.mu.Unlock()
	q.Del("types[]")
	if !plain {
		q["types[]"] = []string{"mention", "quote", "update"}
	}
	res, err := c.call(ctx, wire.Request{Method: http.MethodGet, Path: "/api/v1/notifications", Query: q})
	switch {
	case err == nil:
	case !plain && (res.Status == http.StatusBadRequest || res.Status == http.StatusUnprocessableEntity):
		c.mu.Lock()
		c.noTypes = true
		c.mu.Unlock()
		return c.list(ctx, q, size)
	case errors.Is(err, wire.ErrTooLarge) && size > 1:
		return c.list(ctx, q, 1)
	default:
		return listing{}, err
	}
	items, ok := wire.List[notification](res.Body)
	if !ok {
		return listing{}, care.Errorf(care.Unavailable, "the Mastodon server's page of notifications is not a JSON list")
	}
	l := listing{items: items, wait: c.http.Wait(res.Header)}
	l.next, l.prev = links(res.Header)
	return l, nil
}

// links reads max_id of rel="next" and min_id or since_id of rel="prev" from the
// Link header (RFC 8288), "" where there is none.
func links(h http.Header) (next, prev string) {
	for _, part := range strings.Split(strings.Join(h.Values("Link"), ","), ",") {
		addr, params, ok := strings.Cut(part, ";")
		addr = strings.TrimSpace(addr)
		if !ok || !strings.HasPrefix(addr, "<") || !strings.HasSuffix(addr, ">") {
			continue
		}
		u, err := url.Parse(addr[1 : len(addr)-1])
		if err != nil {
			continue
		}
		q := u.Query()
		rel := strings.Trim(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(params), "rel=")), `"`)
		id := ""
		switch rel {
		case "next":
			id = q.Get("max_id")
		case "prev":
			id = q.Get("min_id")
		}
		if !validID().MatchString(id) {
			continue
		}
		if rel == "next" {
			next = id
		} else {
			prev = id
		}
	}
	return next, prev
}

// threads replaces a reply's parent by the root of its thread, best effort: a
// thread that cannot be read keeps the parent, marked so in Ref.
func (c *Client) threads(ctx context.Context, items []care.Inbound, own platform.Account) {
	left := maxRoots
	for i := range items {
		p := &items[i].Post
		if p.Ref[refThread] != "parent" {
			continue
		}
		c.mu.Lock()
		root, known := c.roots[p.ReplyTo]
		c.mu.Unlock()
		if !known {
			if left == 0 {
				continue
			}
			left--
			var t struct {
				Ancestors []status `json:"ancestors"`
			}
			err := c.get(ctx, "/api/v1/statuses/"+url.PathEscape(p.NativeID)+"/context", nil, &t)
			if code := care.CodeOf(err); code == care.Throttled || code == care.Denied {
				left = 0
			}
			if err != nil {
				continue
			}
			root = rootOf(t.Ancestors)
			if root == "" {
				continue
			}
			c.mu.Lock()
			if len(c.roots) >= keepRoots {
				clear(c.roots)
			}
			c.roots[p.ReplyTo] = root
			for _, a := range t.Ancestors {
				c.roots[string(a.ID)] = root
			}
			c.mu.Unlock()
			for _, a := range t.Ancestors {
				if string(a.ID) == root && a.Account.ID != "" && string(a.Account.ID) == own.Account {
					p.InOurThread = true
				}
			}
		}
		p.Thread = root
		delete(p.Ref, refThread)
	}
}

// rootOf is the ancestor that answers nothing; when the top of the thread is not
// visible to us, the first ancestor.
func rootOf(ancestors []status) string {
	for _, a := range ancestors {
		if a.InReplyTo == "" && validID().MatchString(string(a.ID)) {
			return string(a.ID)
		}
	}
	for _, a := range ancestors {
		if validID().MatchString(string(a.ID)) {
			return string(a.ID)
		}
	}
	return ""
}
