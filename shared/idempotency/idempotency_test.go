package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
	"github.com/fielder-care/fielder/shared/idempotency/idempotencytest"
)

// memory is a store for these tests only.
type memory struct {
	mu      sync.Mutex
	clock   func() time.Time
	records map[string]idempotency.Record
	// saveErr makes SaveWork fail when it says so.
	saveErr func(idempotency.Record) error
}

func newMemory(clock func() time.Time) *memory {
	return &memory{clock: clock, records: make(map[string]idempotency.Record)}
}

func (m *memory) ClaimWork(_ context.Context, key, owner string, deadline, expires time.Time) (idempotency.Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	r, ok := m.records[key]
	if ok && r.Expires.After(now) && (r.Done || r.Deadline.After(now)) {
		return r, false, nil
	}
	if !ok || !r.Expires.After(now) {
		r = idempotency.Record{Key: key, Since: now}
	}
	r.Owner, r.Deadline, r.Expires = owner, deadline, expires
	r.Attempts++
	m.records[key] = r
	return r, true, nil
}

func (m *memory) own(r idempotency.Record) (idempotency.Record, error) {
	there, ok := m.records[r.Key]
	if !ok || there.Done || there.Owner != r.Owner {
		return there, care.Errorf(care.Conflict, "not the owner's any more")
	}
	return there, nil
}

func (m *memory) SaveWork(ctx context.Context, r idempotency.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saveErr != nil {
		if err := m.saveErr(r); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	there, err := m.own(r)
	if err != nil {
		if there.Done && there.Owner == r.Owner && r.Done && string(there.Result) == string(r.Result) {
			return nil
		}
		return err
	}
	there.Phase, there.Done, there.Result = r.Phase, r.Done, r.Result
	m.records[r.Key] = there
	return nil
}

func (m *memory) ReleaseWork(ctx context.Context, r idempotency.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	there, err := m.own(r)
	if err != nil {
		return err
	}
	if r.Phase == "" {
		delete(m.records, r.Key)
		return nil
	}
	there.Owner, there.Deadline = "", time.Time{}
	m.records[r.Key] = there
	return nil
}

func TestMemory(t *testing.T) {
	idempotencytest.Run(t, func(clock *idempotencytest.Clock) idempotency.Store { return newMemory(clock.Now) })
}

func setUp() (*idempotency.Keeper, *memory, *idempotencytest.Clock) {
	clock := new(idempotencytest.Clock)
	m := newMemory(clock.Now)
	return idempotency.New(m, clock.Now), m, clock
}

var ctx = context.Background()

func wantCode(t *testing.T, err error, want care.Code) {
	t.Helper()
	if got := care.CodeOf(err); got != want {
		t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func TestDo(t *testing.T) {
	keeper, _, _ := setUp()
	runs := 0
	do := func() (string, bool, error) {
		return idempotency.Do(ctx, keeper, "reply:x:1", func(context.Context, *idempotency.Attempt) (string, error) {
			runs++
			return "reply 9001", nil
		})
	}
	for i, wantRepeated := range []bool{false, true, true} {
		got, repeated, err := do()
		if err != nil || got != "reply 9001" || repeated != wantRepeated {
			t.Fatalf("call %d: %q, repeated %v, error %v", i, got, repeated, err)
		}
	}
	if runs != 1 {
		t.Errorf("the work ran %d times", runs)
	}
	_, _, err := idempotency.Do(ctx, keeper, "", func(context.Context, *idempotency.Attempt) (int, error) { return 0, nil })
	wantCode(t, err, care.Invalid)
}

// TestErrAttempts follows one piece of work through attempts that go wrong, and
// checks what each next attempt is told.
func TestErrAttempts(t *testing.T) {
	boom := care.Errorf(care.Throttled, "slow down")
	for _, c := range []struct {
		name string
		// first is what the first attempt does; it ends with the error given,
		// or is killed when it returns nil.
		first       func(context.Context, *idempotency.Attempt) error
		wait        time.Duration
		wantCode    care.Code
		wantPhase   string
		wantAttempt int
	}{
		{"fails before it does anything", func(context.Context, *idempotency.Attempt) error { return boom }, 0, "", "", 1},
		{"fails while sending", func(ctx context.Context, a *idempotency.Attempt) error { a.Mark(ctx, "sending"); return boom }, 0, "", "sending", 2},
		{"fails while sending, knows that nothing happened", func(ctx context.Context, a *idempotency.Attempt) error {
			a.Mark(ctx, "sending")
			a.Mark(ctx, "")
			return boom
		}, 0, "", "", 1},
		{"killed, retried at once", func(context.Context, *idempotency.Attempt) error { return nil }, 0, care.Busy, "", 0},
		{"killed while sending, retried at once", func(ctx context.Context, a *idempotency.Attempt) error { a.Mark(ctx, "sending"); return nil }, 0, care.Busy, "", 0},
		{"killed, retried before the deadline", func(context.Context, *idempotency.Attempt) error { return nil }, 14 * time.Minute, care.Busy, "", 0},
		{"killed, retried after the deadline", func(context.Context, *idempotency.Attempt) error { return nil }, 15 * time.Minute, "", "", 2},
		{"killed while sending, retried after the deadline", func(ctx context.Context, a *idempotency.Attempt) error { a.Mark(ctx, "sending"); return nil }, 16 * time.Minute, "", "sending", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			keeper, _, clock := setUp()
			began := clock.Now()
			first, err := keeper.Begin(ctx, "k")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.first(ctx, first); err != nil {
				if err := first.Release(ctx); err != nil {
					t.Fatal(err)
				}
			}
			clock.Advance(c.wait)
			second, err := keeper.Begin(ctx, "k")
			wantCode(t, err, c.wantCode)
			if c.wantCode != "" {
				return
			}
			phase, since := second.Earlier()
			if phase != c.wantPhase || second.Attempts() != c.wantAttempt || second.Done() {
				t.Errorf("the second attempt is told phase %q, attempt %d, done %v; want %q, %d, false",
					phase, second.Attempts(), second.Done(), c.wantPhase, c.wantAttempt)
			}
			if phase != "" && !since.Equal(began) {
				t.Errorf("the first attempt began at %s, want %s", since, began)
			}
		})
	}
}

func TestDeadlineOfContext(t *testing.T) {
	keeper, _, clock := setUp()
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := keeper.Begin(short, "k"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(31 * time.Second) // the request may still be on the wire
	_, err := keeper.Begin(ctx, "k")
	wantCode(t, err, care.Busy)
	clock.Advance(5 * time.Second)
	if _, err := keeper.Begin(ctx, "k"); err != nil {
		t.Fatal(err)
	}
}

// TestErrOutlived is the lesson of unconditional updates: an attempt that
// outlived its deadline must not touch the work of its successor.
func TestErrOutlived(t *testing.T) {
	keeper, _, clock := setUp()
	old, err := keeper.Begin(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	next, err := keeper.Begin(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, old.Mark(ctx, "sending"), care.Conflict)
	wantCode(t, old.Release(ctx), care.Conflict)
	wantCode(t, old.Complete(ctx, "old"), care.Conflict)
	if err := next.Complete(ctx, "next"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, old.Complete(ctx, "old"), care.Conflict)
	var result string
	again, err := keeper.Begin(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Result(&result); err != nil || result != "next" {
		t.Errorf("the stored result is %q, error %v", result, err)
	}
}

func TestErrNotRecorded(t *testing.T) {
	keeper, m, clock := setUp()
	down := care.Errorf(care.Unavailable, "the table is away")
	m.saveErr = func(r idempotency.Record) error {
		if r.Done {
			return down
		}
		return nil
	}
	send := func(ctx context.Context, a *idempotency.Attempt) (string, error) {
		return "sent", a.Mark(ctx, "sending")
	}
	got, _, err := idempotency.Do(ctx, keeper, "k", send)
	wantCode(t, err, care.Unknown)
	if got != "sent" || !errors.Is(err, down) {
		t.Errorf("result %q, error %v", got, err)
	}
	m.saveErr = nil
	clock.Advance(time.Hour)
	next, err := keeper.Begin(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	if phase, _ := next.Earlier(); phase != "sending" {
		t.Errorf("the next attempt is told phase %q, want sending: it must look before it sends", phase)
	}
}

func TestErrCannotMark(t *testing.T) {
	keeper, m, _ := setUp()
	m.saveErr = func(idempotency.Record) error { return care.Errorf(care.Throttled, "slow down") }
	sent := false
	_, _, err := idempotency.Do(ctx, keeper, "k", func(ctx context.Context, a *idempotency.Attempt) (string, error) {
		if err := a.Mark(ctx, "sending"); err != nil {
			return "", err
		}
		sent = true
		return "sent", nil
	})
	wantCode(t, err, care.Throttled)
	if sent {
		t.Error("it was sent without a mark")
	}
	if _, err := keeper.Begin(ctx, "k"); err != nil {
		t.Errorf("after the failure the key is not free: %v", err)
	}
}

// TestContextEnds: the work is done when its context runs out, and must still be
// recorded; and work that failed because of that must still be released.
func TestContextEnds(t *testing.T) {
	keeper, _, _ := setUp()
	ending, cancel := context.WithCancel(ctx)
	_, _, err := idempotency.Do(ending, keeper, "done", func(context.Context, *idempotency.Attempt) (string, error) {
		cancel()
		return "sent", nil
	})
	wantCode(t, err, "")
	ending, cancel = context.WithCancel(ctx)
	_, _, err = idempotency.Do(ending, keeper, "failed", func(ctx context.Context, _ *idempotency.Attempt) (string, error) {
		cancel()
		return "", care.Errorf(care.Unavailable, "timed out")
	})
	wantCode(t, err, care.Unavailable)
	if _, err := keeper.Begin(ctx, "failed"); err != nil {
		t.Errorf("the failed work was not released: %v", err)
	}
}
