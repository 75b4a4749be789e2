// Package idempotencytest holds the test that every idempotency.Store must
// pass: random sequences of claims, marks, completions, releases and passing
// time, compared step by step with a model of the protocol.
package idempotencytest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
)

// Clock is a clock that only moves when told.
type Clock struct{ offset atomic.Int64 }

// start is on a whole millisecond: stores keep no finer times.
var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// Now is the clock's time.
func (c *Clock) Now() time.Time { return start.Add(time.Duration(c.offset.Load())) }

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// state is what the protocol says about one key; the model's only memory.
type state struct {
	held    string // owner
	until   time.Time
	expires time.Time
	since   time.Time
	phase   string
	tries   int
	done    bool
	result  string
}

var run atomic.Int64

// Run compares a store with the model. open returns the store under test, which
// must go by clock.
func Run(t *testing.T, open func(clock *Clock) idempotency.Store) {
	t.Run("model", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { sequence(t, open) })
	})
}

func sequence(t *rapid.T, open func(*Clock) idempotency.Store) {
	ctx, clock := context.Background(), new(Clock)
	store, prefix := open(clock), fmt.Sprintf("model-%d-%d-", time.Now().UnixNano(), run.Add(1))
	model := make(map[string]*state)
	owners := 0
	key := func() string { return prefix + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key") }
	// An owner token of any attempt so far, of this key or another one.
	owner := func() string { return fmt.Sprint("owner-", rapid.IntRange(1, max(owners, 1)).Draw(t, "owner")) }
	wantCode := func(what string, err error, want care.Code) {
		if got := care.CodeOf(err); got != want {
			t.Fatalf("%s: error %v, want code %q", what, err, want)
		}
	}

	t.Repeat(map[string]func(*rapid.T){
		"claim": func(t *rapid.T) {
			k, now := key(), clock.Now()
			owners++
			me := fmt.Sprint("owner-", owners)
			deadline := now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second)
			expires := now.Add(time.Duration(rapid.IntRange(2, 4).Draw(t, "minutes")) * time.Minute)
			got, won, err := store.ClaimWork(ctx, k, me, deadline, expires)
			wantCode("claim", err, "")
			s := model[k]
			if s != nil && !s.expires.After(now) {
				s = nil
			}
			if s == nil {
				s = &state{since: now}
			}
			free := !s.done && !s.until.After(now)
			if won != free {
				t.Fatalf("claim at %s: won %v, want %v (%+v)", now.Format(time.TimeOnly), won, free, *s)
			}
			if free {
				s.held, s.until, s.expires = me, deadline, expires
				s.tries++
				model[k] = s
			}
			want := idempotency.Record{Key: k, Owner: s.held, Deadline: s.until, Phase: s.phase, Since: s.since, Attempts: s.tries,
				Done: s.done, Expires: s.expires}
			if s.done {
				want.Result = json.RawMessage(s.result)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("claim: -want +got\n%s", diff)
			}
		},
		"save": func(t *rapid.T) {
			k, me := key(), owner()
			r := idempotency.Record{Key: k, Owner: me, Phase: rapid.SampledFrom([]string{"", "looking", "sending"}).Draw(t, "phase")}
			if r.Done = rapid.Bool().Draw(t, "done"); r.Done {
				r.Result = json.RawMessage(fmt.Sprintf(`{"by":%q}`, me))
			}
			err := store.SaveWork(ctx, r)
			s := model[k]
			if s != nil && s.done && s.held == me && r.Done && s.result == string(r.Result) {
				wantCode("save again", err, "")
				return
			}
			if s == nil || s.done || s.held != me {
				wantCode("save", err, care.Conflict)
				return
			}
			wantCode("save", err, "")
			s.phase = r.Phase
			if r.Done {
				s.done, s.result = true, string(r.Result)
			}
		},
		"release": func(t *rapid.T) {
			k, me := key(), owner()
			s := model[k]
			r := idempotency.Record{Key: k, Owner: me}
			if s != nil {
				r.Phase = s.phase
			}
			err := store.ReleaseWork(ctx, r)
			if s == nil || s.done || s.held != me {
				wantCode("release", err, care.Conflict)
				return
			}
			wantCode("release", err, "")
			if s.phase == "" {
				delete(model, k)
				return
			}
			s.held, s.until = "", time.Time{}
		},
		"time passes": func(t *rapid.T) {
			clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
		},
	})
}
