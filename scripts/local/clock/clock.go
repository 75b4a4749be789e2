// Package clock is the time that the local stack lives by, and its count of the
// work in flight.
//
// Real time runs by itself. Stepped time is for playing a recorded day: every
// wait in the stack (workflow waits, retries, schedules, time-outs) is a timer
// on this clock, and AdvanceTo steps from one due timer to the next, letting
// the work that each sets off come to rest before it goes on. Between steps
// stepped time runs at the speed of the wall, so that function processes, which
// know only the wall clock and an offset (see WriteOffset), see the same time.
package clock

import (
	"container/heap"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Clock tells the time, runs timers and counts work in flight.
type Clock struct {
	mu      sync.Mutex
	stepped bool
	offset  time.Duration // stepped: this clock minus the wall clock
	file    string        // where the offset is written, "" for nowhere
	timers  timerHeap
	seq     int64
	busy    int
	epoch   int64         // changes whenever work begins
	quiet   chan struct{} // closed when busy falls to 0; nil while nobody waits
	flow    *time.Timer   // stepped and flowing: fires the next due timer
	flowing bool
}

// Real returns a clock that follows the wall.
func Real() *Clock { return &Clock{} }

// Stepped returns a clock that stands at start and whose timers fire in
// AdvanceTo only (or, after Flow, as the wall clock goes on).
func Stepped(start time.Time) *Clock {
	return &Clock{stepped: true, offset: time.Until(start)}
}

// IsStepped tells whether this is a stepped clock.
func (c *Clock) IsStepped() bool { return c.stepped }

// Now returns the time on this clock. It never goes back.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return time.Now().Add(c.offset).UTC().Round(0) }

// WriteOffset names the file that holds the offset of this clock from the wall
// clock: nanoseconds as a decimal number. The file is replaced in one step, so
// that a reader sees the old number or the new one.
func (c *Clock) WriteOffset(file string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.file = file
	return c.writeOffset()
}

func (c *Clock) writeOffset() error {
	if c.file == "" {
		return nil
	}
	temp := c.file + ".new"
	if err := os.WriteFile(temp, []byte(strconv.FormatInt(int64(c.offset), 10)), 0o644); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	if err := os.Rename(temp, c.file); err != nil {
		return fmt.Errorf("clock: replace %s: %w", filepath.Base(c.file), err)
	}
	return nil
}

// Timer is a pending call.
type Timer struct {
	clock *Clock
	at    time.Time
	seq   int64
	index int // in the heap; -1 once fired or stopped
	f     func()
	real  *time.Timer
}

// At returns when the timer is due.
func (t *Timer) At() time.Time { return t.at }

// AfterFunc calls f in its own goroutine once d has passed. The call counts as
// work in flight until f returns.
func (c *Clock) AfterFunc(d time.Duration, f func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	t := &Timer{clock: c, at: c.now().Add(d), seq: c.seq, index: -1, f: f}
	if !c.stepped {
		t.real = time.AfterFunc(d, func() { defer c.Begin()(); f() })
		return t
	}
	heap.Push(&c.timers, t)
	c.rearm()
	return t
}

// Stop cancels the timer; false if it has fired or was stopped already.
func (t *Timer) Stop() bool {
	if t.real != nil {
		return t.real.Stop()
	}
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&c.timers, t.index)
	return true
}

// Sleep waits for d to pass. The caller must hold exactly one unit of work
// (Begin): it is laid down for the wait, and held again on return.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	woken := make(chan struct{})
	t := c.AfterFunc(d, func() {
		c.Begin() // for the sleeper, before this timer's own unit ends
		close(woken)
	})
	c.end()
	select {
	case <-woken:
		return nil
	case <-ctx.Done():
		if t.Stop() {
			c.Begin()
		} else {
			<-woken
		}
		return ctx.Err()
	}
}

// Begin counts one unit of work as in flight until the function that it returns
// is called (calling it again does nothing).
func (c *Clock) Begin() (end func()) {
	c.mu.Lock()
	c.busy++
	c.epoch++
	c.mu.Unlock()
	var once sync.Once
	return func() { once.Do(c.end) }
}

func (c *Clock) end() {
	c.mu.Lock()
	c.busy--
	if c.busy < 0 {
		c.mu.Unlock()
		panic("clock: more work ended than began")
	}
	if c.busy == 0 && c.quiet != nil {
		close(c.quiet)
		c.quiet = nil
	}
	c.mu.Unlock()
}

// Busy returns the number of units of work in flight.
func (c *Clock) Busy() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy
}

// settle is how long nothing may begin before the stack counts as at rest. Work
// is handed over, never dropped and picked up, except where a context is
// cancelled: this covers the gap until the goroutine that waited on it wakes.
const settle = 500 * time.Microsecond

// Idle waits until no work is in flight: everything that runs has ended or
// waits for a timer, a task token or input from outside.
func (c *Clock) Idle(ctx context.Context) error {
	for {
		c.mu.Lock()
		epoch, busy := c.epoch, c.busy
		if busy > 0 {
			if c.quiet == nil {
				c.quiet = make(chan struct{})
			}
			quiet := c.quiet
			c.mu.Unlock()
			select {
			case <-quiet:
				continue
			case <-ctx.Done():
				return fmt.Errorf("clock: %d units of work still in flight: %w", busy, ctx.Err())
			}
		}
		c.mu.Unlock()
		time.Sleep(settle)
		c.mu.Lock()
		rest := c.busy == 0 && c.epoch == epoch
		c.mu.Unlock()
		if rest {
			return nil
		}
	}
}

// AdvanceTo moves a stepped clock to t: it waits for the stack to come to rest,
// then fires each timer that is due by t, in order of time, each followed by
// rest. Timers that this sets within the span fire too. Time that has passed t
// already (the work took longer than the gap) does not go back.
func (c *Clock) AdvanceTo(ctx context.Context, t time.Time) error {
	if !c.stepped {
		return fmt.Errorf("clock: real time cannot be advanced")
	}
	for {
		if err := c.Idle(ctx); err != nil {
			return err
		}
		more, err := c.step(t)
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// step fires the first timer due by t, or moves the clock to t and returns
// false if there is none.
func (c *Clock) step(t time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(t) {
		return false, c.moveTo(t)
	}
	next := heap.Pop(&c.timers).(*Timer)
	if err := c.moveTo(next.at); err != nil {
		return false, err
	}
	c.fire(next)
	return true, nil
}

func (c *Clock) moveTo(t time.Time) error {
	if d := t.Sub(c.now()); d > 0 {
		c.offset += d
		return c.writeOffset()
	}
	return nil
}

func (c *Clock) fire(t *Timer) {
	c.busy++
	c.epoch++
	go func() { defer c.end(); t.f() }()
}

// Next returns when the next timer of a stepped clock is due; false if none is.
func (c *Clock) Next() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 {
		return time.Time{}, false
	}
	return c.timers[0].at, true
}

// Flow lets the timers of a stepped clock fire by themselves from now on, as
// the wall clock goes on; the offset stays. For a stack that stays up after its
// day was played.
func (c *Clock) Flow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stepped {
		c.flowing = true
		c.rearm()
	}
}

func (c *Clock) rearm() {
	if !c.flowing || len(c.timers) == 0 {
		return
	}
	if c.flow != nil {
		c.flow.Stop()
	}
	c.flow = time.AfterFunc(c.timers[0].at.Sub(c.now()), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for len(c.timers) > 0 && !c.timers[0].at.After(c.now()) {
			c.fire(heap.Pop(&c.timers).(*Timer))
		}
		c.rearm()
	})
}

type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *timerHeap) Push(x any)   { t := x.(*Timer); t.index = len(*h); *h = append(*h, t) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	t.index = -1
	*h = old[:len(old)-1]
	return t
}
