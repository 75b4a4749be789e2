package bluesky

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

const (
	// pageSize is the most that listNotifications gives (lexicon: maximum 100).
	pageSize = 100
	// FirstMost is how many notifications a poll with an empty cursor takes, newest
	// first: all of a new account, and not years of an old one.
	FirstMost = 1000
	// lookback is how many pages below its mark a poll looks through for
	// notifications that came late.
	lookback = 3
	// pagesPerPoll bounds one poll: a storm of likes on a server that ignores
	// reasons must not take a function's whole time.
	pagesPerPoll = 10
	// keepMarks notifications are remembered, and those of the last keepFor up to
	// keepMost: 22 bytes of cursor each.
	keepMarks = 200
	keepMost  = 1000
	keepFor   = time.Hour
	// maxRestarts bounds how often one sweep begins again because the server does
	// not take its own page cursor any more.
	maxRestarts = 3
	// chatRest and chatOff are the pauses after direct messages failed, or turned
	// out not to be available.
	chatRest = 5 * time.Minute
	chatOff  = 6 * time.Hour
	// maxProfiles is what getProfiles takes at once (lexicon: maximum 25).
	maxProfiles    = 25
	profileFor     = time.Hour
	keepProfiles   = 5000
	cursorVersion  = 1
	maxCursorBytes = 256 << 10
)

// cursor is where a poll stands.
//
// The AppView lists notifications newest first, by the earlier of the time that
// the author claims and the time it was indexed; a post that arrives late, or
// whose author's clock is slow, appears below newer ones. So one mark is not
// enough: everything above Top is new; between Floor and Top is new what Seen
// does not hold; below Floor all is done. A sweep runs from the newest
// notification down past Top, one page per poll, and carries its own state, so
// that it may be interrupted anywhere.
type cursor struct {
	V     int    `json:"v"`
	Top   int64  `json:"top,omitempty"`   // newest handed over, Unix microseconds
	Floor int64  `json:"floor,omitempty"` // nothing older is taken
	Seen  marks  `json:"seen,omitempty"`  // handed over at or above Floor
	Sweep *sweep `json:"sweep,omitempty"`
	// Chat is the rev of the last chat event; ChatPause until when chat rests, Unix
	// seconds; Chatting that its next page comes before notifications.
	Chat      string `json:"chat,omitempty"`
	ChatPause int64  `json:"chatPause,omitempty"`
	Chatting  bool   `json:"chatting,omitempty"`
}

// sweep is a walk down the list that has not ended.
type sweep struct {
	Page     string `json:"page,omitempty"`  // the server's cursor of the next page
	Top      int64  `json:"top,omitempty"`   // newest met
	Cut      int64  `json:"cut,omitempty"`   // newest that Fresh could not keep
	Fresh    marks  `json:"fresh,omitempty"` // handed over by this sweep
	Back     int    `json:"back,omitempty"`  // pages below the cursor's Top
	Left     int    `json:"left,omitempty"`  // bounds the first sweep; 0 means no bound
	Restarts int    `json:"restarts,omitempty"`
}

// mark remembers a notification.
type mark struct {
	at   int64
	hash uint64
}

type marks []mark

func (m marks) has(h uint64) bool {
	return slices.ContainsFunc(m, func(x mark) bool { return x.hash == h })
}

// MarshalText packs marks into 16 bytes each.
func (m marks) MarshalText() ([]byte, error) {
	var b []byte
	for _, x := range m {
		b = binary.BigEndian.AppendUint64(b, uint64(x.at))
		b = binary.BigEndian.AppendUint64(b, x.hash)
	}
	return []byte(base64.RawURLEncoding.EncodeToString(b)), nil
}

// UnmarshalText unpacks them.
func (m *marks) UnmarshalText(t []byte) error {
	b, err := base64.RawURLEncoding.DecodeString(string(t))
	if err != nil || len(b)%16 != 0 {
		return care.Errorf(care.Invalid, "the cursor's marks are damaged")
	}
	for ; len(b) > 0; b = b[16:] {
		*m = append(*m, mark{at: int64(binary.BigEndian.Uint64(b)), hash: binary.BigEndian.Uint64(b[8:])})
	}
	return nil
}

func hashOf(uri string) uint64 {
	sum := sha256.Sum256([]byte(uri))
	return binary.BigEndian.Uint64(sum[:8])
}

func (c cursor) String() string {
	if c.Top == 0 && c.Sweep == nil && c.Chat == "" && c.ChatPause == 0 && !c.Chatting {
		return ""
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // only strings and numbers
	}
	return string(b)
}

// parseCursor reads what String wrote. Error: Invalid.
func parseCursor(s string) (cursor, error) {
	c := cursor{V: cursorVersion}
	if s == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(s), &c); err != nil || len(s) > maxCursorBytes || c.V != cursorVersion || !strings.Contains(s, `"v":`) {
		return c, care.Errorf(care.Invalid, "the cursor is not one of Bluesky")
	}
	return c, nil
}

// Poll fetches the next page with anything new: of notifications, and when their
// sweep ends with it, of direct messages. With an empty cursor it takes the newest FirstMost. Within a
// page the oldest comes first. Errors: Invalid (cursor, base URL), Denied,
// Unavailable, Throttled (with platform.RetryAfter). Failing direct messages are
// no error: they rest for a while, and that is counted in Skipped.
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
	if !cur.Chatting {
		// Pages with nothing new are no reason to come back.
		for range pagesPerPoll {
			if err := c.notifications(ctx, own, &cur, &p); err != nil {
				return platform.Page{}, err
			}
			if cur.Sweep == nil || len(p.Batch.Items) > 0 {
				break
			}
		}
	}
	if cur.Sweep == nil {
		c.chat(ctx, own, &cur, &p)
	}
	c.fill(ctx, p.Batch.Items, own)
	p.Cursor = cur.String()
	p.More = cur.Sweep != nil || cur.Chatting
	return p, nil
}

// notifications takes the next page of the sweep.
func (c *Client) notifications(ctx context.Context, own platform.Account, cur *cursor, p *platform.Page) error {
	if cur.Sweep == nil {
		cur.Sweep = &sweep{}
		if cur.Top == 0 {
			cur.Sweep.Left = FirstMost
		}
	}
	s := cur.Sweep
	list, wait, err := c.list(ctx, s.Page)
	if err != nil {
		if s.Page != "" && care.CodeOf(err) == care.Invalid && s.Restarts < maxRestarts {
			s.Page, s.Restarts = "", s.Restarts+1
			return nil
		}
		return err
	}
	p.Wait = wait
	received := c.http.Clock()
	seen := map[string]bool{}
	fresh := map[uint64]bool{}
	for _, m := range s.Fresh {
		fresh[m.hash] = true
	}
	at, oldest := max(cur.Top, s.Top), int64(0)
	for _, n := range list.Notifications {
		if t := n.IndexedAt.Time; !t.IsZero() {
			at = t.UnixMicro()
		} // else as the one before it: the list is in order
		s.Top = max(s.Top, at)
		if oldest == 0 || at < oldest {
			oldest = at
		}
		h := hashOf(string(n.URI))
		if fresh[h] && !seen[string(n.URI)] {
			continue // an interrupted sweep began again
		}
		if at > cur.Top || at >= cur.Floor && !cur.Seen.has(h) {
			before := len(p.Batch.Items)
			skipped := len(p.Batch.Skipped)
			add(&p.Batch, seen, n, own, received)
			if len(p.Batch.Items) > before {
				fresh[h] = true
				s.Fresh = append(s.Fresh, mark{at, h})
			} else if at <= cur.Top {
				p.Batch.Skipped = p.Batch.Skipped[:skipped] // was counted when it was new
			}
		}
	}
	slices.Reverse(p.Batch.Items)
	s.Fresh, s.Cut = newest(s.Fresh, keepMost, s.Cut)

	done := false
	switch {
	case list.Cursor == "":
		done = true
	case string(list.Cursor) == s.Page:
		done = true
		p.Batch.Skipped = append(p.Batch.Skipped, care.Skipped{Type: "paging", Reason: "the server gives the same page again, so that older notifications cannot be read", Known: false})
	case s.Left > 0:
		if s.Left -= max(1, len(list.Notifications)); s.Left <= 0 {
			// What lies below was there before us.
			done, s.Cut = true, max(s.Cut, oldest-1)
		}
	case len(list.Notifications) > 0 && oldest < cur.Floor:
		done = true
	case len(list.Notifications) == 0 || oldest < cur.Top:
		s.Back++
		done = s.Back >= lookback
	}
	s.Page = string(list.Cursor)
	if done {
		cur.finish()
	}
	return nil
}

// finish turns a sweep that reached its end into marks.
func (c *cursor) finish() {
	s := c.Sweep
	c.Sweep = nil
	c.Top = max(c.Top, s.Top)
	all := append(slices.Clone(c.Seen), s.Fresh...)
	slices.SortFunc(all, byTime)
	keep := 0
	for keep < len(all) && keep < keepMost && (keep < keepMarks || c.Top-all[keep].at <= keepFor.Microseconds()) {
		keep++
	}
	cut := s.Cut
	all, cut = newest(all, keep, cut)
	if cut > 0 {
		c.Floor = max(c.Floor, cut+1)
	}
	// Below the floor nothing is asked any more.
	c.Seen = slices.DeleteFunc(all, func(m mark) bool { return m.at < c.Floor })
}

func byTime(a, b mark) int {
	switch {
	case a.at > b.at:
		return -1
	case a.at < b.at:
		return 1
	}
	return 0
}

// newest keeps the n newest marks; cut becomes the time of the newest that goes.
func newest(m marks, n int, cut int64) (marks, int64) {
	if len(m) <= n {
		return m, cut
	}
	slices.SortStableFunc(m, byTime)
	return m[:n], max(cut, m[n].at)
}

// list fetches one page. A server that does not know reasons is asked without.
// The page size varies with the minute: an AppView whose page cursor is a bare
// time leaves out notifications of that very time, and another cut shows them.
func (c *Client) list(ctx context.Context, at string) (page, time.Duration, error) {
	c.mu.Lock()
	plain := c.noReasons
	c.mu.Unlock()
	q := url.Values{"limit": {strconv.Itoa(pageSize - c.http.Clock().Minute()%5)}}
	if at != "" {
		q.Set("cursor", at)
	}
	if !plain {
		q["reasons"] = []string{"mention", "reply", "quote"}
	}
	res, err := c.xrpc(ctx, call{method: http.MethodGet, nsid: "app.bsky.notification.listNotifications", query: q})
	if err != nil {
		if !plain && res.Status == http.StatusBadRequest && care.CodeOf(err) == care.Invalid {
			q.Del("reasons")
			if res, err = c.xrpc(ctx, call{method: http.MethodGet, nsid: "app.bsky.notification.listNotifications", query: q}); err == nil {
				c.mu.Lock()
				c.noReasons = true
				c.mu.Unlock()
			}
		}
		if err != nil {
			return page{}, 0, err
		}
	}
	l, ok := decodePage(res.Body)
	if !ok {
		return page{}, 0, care.Errorf(care.Unavailable, "the Bluesky server's page of notifications is not the JSON that it should be")
	}
	return l, c.http.Wait(res.Header), nil
}

// chat takes the next chat events. An account without direct messages (no chat
// service behind the server, an app password without the permission) is noted
// once and asked again after chatOff.
func (c *Client) chat(ctx context.Context, own platform.Account, cur *cursor, p *platform.Page) {
	now := c.http.Clock()
	if cur.ChatPause > now.Unix() {
		cur.Chatting = false
		return
	}
	q := url.Values{}
	if cur.Chat != "" {
		q.Set("cursor", cur.Chat)
	}
	rest := func(d time.Duration, reason string, known bool) {
		cur.Chatting, cur.ChatPause = false, now.Add(d).Unix()
		p.Batch.Skipped = append(p.Batch.Skipped, care.Skipped{Type: "chat.bsky.convo.getLog", Reason: reason, Known: known})
	}
	res, err := c.xrpc(ctx, call{method: http.MethodGet, nsid: "chat.bsky.convo.getLog", query: q, chat: true})
	if err != nil {
		if noChat(err) {
			rest(chatOff, "direct messages are not available to this account", true)
		} else {
			d := chatRest
			if after, ok := platform.RetryAfter(err); ok {
				d = max(d, after)
			}
			rest(d, "direct messages could not be read this time", false)
		}
		return
	}
	l, ok := decodeLog(res.Body)
	if !ok {
		rest(chatRest, "direct messages could not be read this time", false)
		return
	}
	cur.ChatPause = 0
	received := c.http.Clock()
	last := cur.Chat
	for _, e := range l.Logs {
		rev := string(e.Rev)
		if rev != "" && rev <= cur.Chat {
			continue
		}
		addLog(&p.Batch, e, own, received)
		last = max(last, rev)
	}
	if tidSyntax().MatchString(string(l.Cursor)) || cur.Chat == "" {
		last = max(last, string(l.Cursor))
	}
	// More only when it led on: a log without revs must not loop.
	cur.Chatting = len(l.Logs) > 0 && last > cur.Chat
	cur.Chat = last
	p.Wait = max(p.Wait, c.http.Wait(res.Header))
}

// noChat reports whether an error means that there are no direct messages here,
// rather than not now.
func noChat(err error) bool {
	switch care.CodeOf(err) {
	case care.Denied, care.NotFound, care.Invalid, care.Refused:
		return true
	}
	return status(err) == http.StatusNotImplemented || name(err) == "MethodNotImplemented" || name(err) == "XRPCNotSupported"
}

// fill adds what listNotifications leaves out of its authors, best effort.
func (c *Client) fill(ctx context.Context, items []care.Inbound, own platform.Account) {
	now := c.http.Clock()
	var ask []string
	have := map[string]profile{}
	c.mu.Lock()
	for _, i := range items {
		did := i.Post.Author.ID
		if k, ok := c.profiles[did]; ok && now.Before(k.until) {
			have[did] = k.profile
		} else if did != own.Account && !slices.Contains(ask, did) {
			ask = append(ask, did)
		}
	}
	c.mu.Unlock()
	for dids := range slices.Chunk(ask, maxProfiles) {
		var v struct {
			Profiles []profile `json:"profiles"`
		}
		if err := c.read(ctx, "app.bsky.actor.getProfiles", url.Values{"actors": dids}, false, &v); err != nil {
			break
		}
		c.mu.Lock()
		if len(c.profiles) > keepProfiles {
			clear(c.profiles)
		}
		for _, p := range v.Profiles {
			have[string(p.DID)] = p
			c.profiles[string(p.DID)] = known{profile: p, until: now.Add(profileFor)}
		}
		c.mu.Unlock()
	}
	for i := range items {
		a := &items[i].Post.Author
		p, ok := have[a.ID]
		if !ok {
			continue
		}
		full := author(p, a.ID, own)
		a.Followers = full.Followers
		a.Verified = a.Verified || full.Verified
		a.Bot = a.Bot || full.Bot
		if a.Handle == "" {
			a.Handle = full.Handle
		}
		if a.Name == "" {
			a.Name = full.Name
		}
		if a.Since.IsZero() {
			a.Since = full.Since
		}
	}
}
