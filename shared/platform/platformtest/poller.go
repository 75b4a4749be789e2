package platformtest

import (
	"context"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// Poller is the port of whoever polls.
type Poller interface {
	Poll(ctx context.Context, cursor string) (platform.Page, error)
}

// Inbox is a server with an account of ours, as its operator and our customers
// see it.
type Inbox struct {
	// Open makes a client that remembers nothing, as a new process does.
	Open func() Poller
	// Arrive lets customers write n posts to us; it returns their native ids.
	Arrive func(n int) []string
	// Noise lets n things happen that need no care (likes, boosts). May be nil.
	Noise func(n int)
	// Again makes the server announce a post a second time. May be nil.
	Again func(id string)
	// Fail makes the next request fail with the status and header.
	Fail func(status int, h http.Header)
	// Account is our id, which every post must carry.
	Account string
	// First is how many things a first poll takes at most.
	First int
}

// T is what *testing.T and *rapid.T have in common.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// TestPoller runs the suite of pollers. open starts a fresh server.
func TestPoller(t *testing.T, open func(t *testing.T) Inbox) {
	ctx := t.Context()
	t.Run("an empty account has nothing and stays so", func(t *testing.T) {
		in := open(t)
		ids, cursor := drain(t, in, in.Open(), "")
		if len(ids) != 0 {
			t.Fatalf("got %v from an empty account", ids)
		}
		if ids, _ = drain(t, in, in.Open(), cursor); len(ids) != 0 {
			t.Fatalf("got %v from an empty account", ids)
		}
	})
	t.Run("the first poll takes what is there", func(t *testing.T) {
		in := open(t)
		want := in.Arrive(137)
		ids, _ := drain(t, in, in.Open(), "")
		once(t, ids, want)
	})
	t.Run("the first poll is bounded and takes the newest", func(t *testing.T) {
		in := open(t)
		want := in.Arrive(in.First + 150)
		ids, cursor := drain(t, in, in.Open(), "")
		if len(ids) < in.First || len(ids) > in.First+100 {
			t.Fatalf("took %d, the bound is %d", len(ids), in.First)
		}
		once(t, ids, want[len(want)-len(ids):])
		more := in.Arrive(3)
		ids, _ = drain(t, in, in.Open(), cursor)
		once(t, ids, more)
	})
	t.Run("each poll takes what is new, once", func(t *testing.T) {
		in := open(t)
		cursor := ""
		for _, n := range []int{1, 0, 9, 10, 11, 1, 39, 40, 41, 0, 99, 100, 101, 230, 2} {
			want := in.Arrive(n)
			var ids []string
			ids, cursor = drain(t, in, in.Open(), cursor)
			once(t, ids, want)
		}
	})
	t.Run("noise hides nothing", func(t *testing.T) {
		in := open(t)
		if in.Noise == nil {
			t.Skip("this server makes no noise")
		}
		in.Noise(130)
		want := in.Arrive(2)
		in.Noise(95)
		want = append(want, in.Arrive(60)...)
		ids, cursor := drain(t, in, in.Open(), "")
		once(t, ids, want)
		in.Noise(130)
		want = in.Arrive(1)
		in.Noise(90)
		ids, _ = drain(t, in, in.Open(), cursor)
		once(t, ids, want)
	})
	t.Run("an idle poll asks for no more", func(t *testing.T) {
		in := open(t)
		in.Arrive(5)
		_, cursor := drain(t, in, in.Open(), "")
		p, err := in.Open().Poll(ctx, cursor)
		if err != nil || len(p.Batch.Items) != 0 || p.More || p.Cursor != cursor {
			t.Fatalf("idle poll: %d items, more %v, cursor changed %v, %v", len(p.Batch.Items), p.More, p.Cursor != cursor, err)
		}
	})
	t.Run("a page whose cursor was lost comes again", func(t *testing.T) {
		in := open(t)
		_, cursor := drain(t, in, in.Open(), "")
		want := in.Arrive(25)
		first, err := in.Open().Poll(ctx, cursor)
		if err != nil {
			t.Fatalf("poll: %v", err)
		}
		ids, _ := drain(t, in, in.Open(), cursor)
		once(t, ids, want)
		if len(first.Batch.Items) == 0 {
			t.Fatalf("the lost page was empty")
		}
	})
	t.Run("a second announcement repeats nothing within a page", func(t *testing.T) {
		in := open(t)
		if in.Again == nil {
			t.Skip("this server announces once")
		}
		_, cursor := drain(t, in, in.Open(), "")
		want := in.Arrive(3)
		in.Again(want[1])
		ids, _ := drain(t, in, in.Open(), cursor)
		once(t, ids, want)
	})
	t.Run("throttled says for how long", func(t *testing.T) {
		in := open(t)
		_, cursor := drain(t, in, in.Open(), "")
		want := in.Arrive(2)
		for _, h := range []http.Header{{"Retry-After": {"7"}}, {}} {
			p := in.Open()
			warm(ctx, p)
			in.Fail(http.StatusTooManyRequests, h)
			_, err := p.Poll(ctx, cursor)
			after, ok := platform.RetryAfter(err)
			if care.CodeOf(err) != care.Throttled || !ok || after <= 0 || after > 24*time.Hour {
				t.Fatalf("got %v, wait %v", err, after)
			}
			if h.Get("Retry-After") != "" && after != 7*time.Second {
				t.Fatalf("the server asked for 7 s, got %v", after)
			}
		}
		ids, _ := drain(t, in, in.Open(), cursor)
		once(t, ids, want)
	})
	t.Run("a failing server loses nothing", func(t *testing.T) {
		in := open(t)
		_, cursor := drain(t, in, in.Open(), "")
		want := in.Arrive(2)
		for status, code := range map[int]care.Code{500: care.Unavailable, 502: care.Unavailable, 503: care.Unavailable, 401: care.Denied, 403: care.Denied} {
			p := in.Open()
			warm(ctx, p)
			in.Fail(status, nil)
			if status == 401 { // a client may try once more with new credentials
				in.Fail(status, nil)
				in.Fail(status, nil)
				in.Fail(status, nil)
			}
			if _, err := p.Poll(ctx, cursor); care.CodeOf(err) != code {
				t.Fatalf("status %d: got %v, want %s", status, err, code)
			}
			for range 4 { // swallow what is left of the faults
				warm(ctx, in.Open())
			}
		}
		ids, _ := drain(t, in, in.Open(), cursor)
		once(t, ids, want)
	})
	t.Run("a cursor of another world is Invalid", func(t *testing.T) {
		in := open(t)
		for _, cursor := range []string{"{", "{}x", "a b", "\x00", "{\"below\":\"../..\"}", `{"v":99}`, `[1]`} {
			if _, err := in.Open().Poll(ctx, cursor); care.CodeOf(err) != care.Invalid {
				t.Errorf("cursor %q: got %v", cursor, err)
			}
		}
	})
	t.Run("a cancelled poll fails cleanly", func(t *testing.T) {
		in := open(t)
		in.Arrive(1)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := in.Open().Poll(gone, ""); care.CodeOf(err) != care.Unavailable {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("any order of arrivals, crashes and failures", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			in := open(t)
			var want []string
			got := map[string]int{}
			lost := map[string]int{} // deliveries whose cursor was not saved
			cursor, p := "", in.Open()
			poll := func(save bool) bool {
				page, err := p.Poll(ctx, cursor)
				if err != nil {
					return true
				}
				for _, i := range page.Batch.Items {
					got[i.Post.NativeID]++
					if !save {
						lost[i.Post.NativeID]++
					}
				}
				if save {
					cursor = page.Cursor
				} else {
					p = in.Open()
				}
				return page.More
			}
			for range rapid.IntRange(1, 20).Draw(rt, "steps") {
				switch rapid.SampledFrom([]string{"arrive", "burst", "noise", "poll", "poll", "drain", "crash", "fail", "restart"}).Draw(rt, "do") {
				case "arrive":
					want = append(want, in.Arrive(rapid.IntRange(1, 12).Draw(rt, "n"))...)
				case "burst":
					want = append(want, in.Arrive(rapid.IntRange(20, 90).Draw(rt, "n"))...)
				case "noise":
					if in.Noise != nil {
						in.Noise(rapid.IntRange(1, 50).Draw(rt, "n"))
					}
				case "poll":
					poll(true)
				case "drain":
					for range 100 {
						if !poll(true) {
							break
						}
					}
				case "crash":
					poll(false)
				case "fail":
					in.Fail(rapid.SampledFrom([]int{429, 500, 503}).Draw(rt, "status"), http.Header{"Retry-After": {"1"}})
					poll(true)
				case "restart":
					p = in.Open()
				}
			}
			if len(want) > in.First {
				return
			}
			idle := 0
			for range 200 {
				if !poll(true) {
					if idle++; idle == 3 {
						break
					}
				}
			}
			for _, id := range want {
				switch n := got[id]; {
				case n == 0:
					rt.Fatalf("%s was lost", id)
				case n > 1+lost[id]:
					rt.Fatalf("%s came %d times, although only %d cursors were lost", id, n, lost[id])
				}
				delete(got, id)
			}
			for id := range got {
				rt.Fatalf("%s came, but nobody wrote it", id)
			}
		})
	})
}

// warm signs the client in, so that the next request is the poll itself.
func warm(ctx context.Context, p Poller) { _, _ = p.Poll(ctx, "") }

// drain polls until nothing is left and checks each post on the way.
func drain(t T, in Inbox, p Poller, cursor string) (ids []string, last string) {
	t.Helper()
	for range 200 {
		page, err := p.Poll(context.Background(), cursor)
		if err != nil {
			t.Fatalf("poll: %v", err)
		}
		for _, i := range page.Batch.Items {
			check(t, in, i)
			ids = append(ids, i.Post.NativeID)
		}
		cursor = page.Cursor
		if !page.More {
			return ids, cursor
		}
	}
	t.Fatalf("200 polls, and still more")
	return nil, ""
}

// check holds a post against the promises of care.Post.
func check(t T, in Inbox, i care.Inbound) {
	t.Helper()
	p := i.Post
	switch {
	case i.Change != care.Received:
		t.Fatalf("%s: change %q", p.NativeID, i.Change)
	case p.NativeID == "" || p.Thread == "" || p.Account != in.Account || p.Kind == "" || p.Author.ID == "":
		t.Fatalf("a post misses an id: %+v", p)
	case p.CreatedAt.IsZero() || p.ReceivedAt.IsZero():
		t.Fatalf("%s: a time is missing", p.NativeID)
	case !utf8.ValidString(p.Text) || len(p.Text) > care.MaxTextBytes:
		t.Fatalf("%s: the text is not fit to store", p.NativeID)
	case p.Private != (p.Kind == care.KindDirect):
		t.Fatalf("%s: private %v and kind %s", p.NativeID, p.Private, p.Kind)
	}
}

// once checks that got holds every wanted id exactly once and nothing else.
func once(t T, got, want []string) {
	t.Helper()
	n := map[string]int{}
	for _, id := range got {
		n[id]++
	}
	for _, id := range want {
		if n[id] != 1 {
			t.Fatalf("%s came %d times (%d of %d came)", id, n[id], len(got), len(want))
		}
		delete(n, id)
	}
	for id := range n {
		t.Fatalf("%s came, but is not new", id)
	}
}
