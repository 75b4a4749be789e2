package clock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func TestAdvanceFiresInOrderAndWaitsForTheWorkOfEach(t *testing.T) {
	c := Stepped(day)
	var mu sync.Mutex
	var got []string
	note := func(s string) { mu.Lock(); got = append(got, s); mu.Unlock() }
	c.AfterFunc(2*time.Hour, func() { note("second") })
	c.AfterFunc(time.Hour, func() {
		time.Sleep(20 * time.Millisecond) // slow work: the second timer must wait for it
		note("first")
		c.AfterFunc(30*time.Minute, func() { note("set by first") })
	})
	c.AfterFunc(4*time.Hour, func() { note("too late") })
	stopped := c.AfterFunc(time.Minute, func() { note("stopped") })
	if !stopped.Stop() || stopped.Stop() {
		t.Fatal("Stop: want true, then false")
	}
	if err := c.AdvanceTo(t.Context(), day.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := []string{"first", "set by first", "second"}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("fired %v, want %v", got, want)
	}
	if d := c.Now().Sub(day.Add(3 * time.Hour)); d < 0 || d > time.Minute {
		t.Errorf("the clock is %v off", d)
	}
	if next, ok := c.Next(); !ok || next.Sub(day.Add(4*time.Hour)) > time.Minute {
		t.Errorf("next timer at %v, %v", next, ok)
	}
}

func TestSleepLaysDownItsWork(t *testing.T) {
	c := Stepped(day)
	woke := make(chan time.Time, 1)
	end := c.Begin()
	go func() {
		defer end()
		if err := c.Sleep(context.Background(), 6*time.Hour); err != nil {
			t.Error(err)
		}
		woke <- c.Now()
	}()
	if err := c.AdvanceTo(t.Context(), day.Add(5*time.Hour)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woke:
		t.Fatal("woke an hour early")
	default:
	}
	if err := c.AdvanceTo(t.Context(), day.Add(7*time.Hour)); err != nil {
		t.Fatal(err)
	}
	at := <-woke // AdvanceTo returned at rest, so it is there
	if d := at.Sub(day.Add(6 * time.Hour)); d < 0 || d > time.Minute {
		t.Errorf("woke at %v", at)
	}
	if c.Busy() != 0 {
		t.Errorf("%d units of work left", c.Busy())
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	for name, c := range map[string]*Clock{"real": Real(), "stepped": Stepped(day)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			end := c.Begin()
			go func() { err := c.Sleep(ctx, time.Hour); end(); done <- err }()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if c.Busy() != 0 {
				t.Errorf("%d units of work left", c.Busy())
			}
		})
	}
}

func TestIdleTimesOutWithTheCount(t *testing.T) {
	c := Real()
	defer c.Begin()()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOffsetFileFollows(t *testing.T) {
	c := Stepped(day)
	file := filepath.Join(t.TempDir(), "offset")
	if err := c.WriteOffset(file); err != nil {
		t.Fatal(err)
	}
	read := func() time.Time {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseInt(string(data), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Now().Add(time.Duration(n))
	}
	for _, want := range []time.Time{day, day.Add(26 * time.Hour)} {
		if err := c.AdvanceTo(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if d := read().Sub(want); d < 0 || d > time.Minute {
			t.Errorf("a function would see %v, want %v", read(), want)
		}
	}
	if err := Real().AdvanceTo(t.Context(), day); err == nil {
		t.Error("real time was advanced")
	}
}

func TestFlowFiresByItself(t *testing.T) {
	c := Stepped(day)
	fired := make(chan struct{})
	c.AfterFunc(time.Hour, func() {})
	if err := c.AdvanceTo(t.Context(), day.Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.Flow()
	c.AfterFunc(5*time.Millisecond, func() { close(fired) })
	select {
	case <-fired:
	case <-time.After(5 * time.Second):
		t.Fatal("the timer did not fire")
	}
}

// Whatever the set of timers, all those due by the target fire, once, in order
// of time, and none of the others.
func TestAdvanceProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SliceOfN(rapid.IntRange(1, 40), 0, 12).Draw(t, "hours")
		target := rapid.IntRange(0, 40).Draw(t, "target")
		c := Stepped(day)
		var mu sync.Mutex
		var fired []int
		due := 0
		for _, h := range hours {
			c.AfterFunc(time.Duration(h)*time.Hour-30*time.Minute, func() { mu.Lock(); fired = append(fired, h); mu.Unlock() })
			if h <= target {
				due++
			}
		}
		if err := c.AdvanceTo(context.Background(), day.Add(time.Duration(target)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if len(fired) != due {
			t.Fatalf("%d fired, want %d", len(fired), due)
		}
		for i := 1; i < len(fired); i++ {
			if fired[i] < fired[i-1] {
				t.Fatalf("out of order: %v", fired)
			}
		}
	})
}
