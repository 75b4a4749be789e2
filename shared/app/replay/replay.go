// Package replay runs stored posts through a draft of the config and says what
// would change: what would be answered, escalated or ignored instead, by which
// rule, at what cost. Nothing is sent and nothing is written: it holds neither a
// door nor a store that can write.
//
// It composes what decides a post in the running system (triage, the rules,
// policy) and stands in for the door's counting alone. Memory does not grow with
// the number of posts: they stream by, and what is counted is bounded.
package replay

import (
	"context"
	"errors"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/store"
)

// Archive is the stored posts; *store.Archive is one.
type Archive interface {
	Read(ctx context.Context, s store.Sweep, segment int, each func(store.Page) error) error
}

// Options say what to replay.
type Options struct {
	Sweep store.Sweep // Segments 0: DefaultSegments
	// Draft is the config to try; Against is what it is compared with, nil for
	// what was really decided.
	Draft, Against *config.Bundle
	// Samples is how many posts to show of each kind of change.
	Samples int
	// Progress is told now and then how many posts have been read; may be nil.
	Progress func(posts int)
}

// DefaultSegments keeps two cores and a table in AWS busy. Each segment holds at
// most pagesAhead and two more pages of 1 MB, whatever the number of posts.
const (
	DefaultSegments = 6
	pagesAhead      = 2
)

// batch is a page of posts, judged.
type batch struct {
	posts   []judged
	skipped Skipped
	items   int
	units   float64
}

// Run replays. The same posts, draft and options give the same report. Returns
// the archive's errors and ctx's.
func Run(ctx context.Context, a Archive, o Options) (*Report, error) {
	if o.Sweep.Segments == 0 {
		o.Sweep.Segments = DefaultSegments
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j := newJudge(o.Draft, o.Against)
	segments := make([]chan chan batch, o.Sweep.Segments)
	var wg sync.WaitGroup
	for i := range segments {
		segments[i] = make(chan chan batch, pagesAhead)
		wg.Go(func() {
			defer close(segments[i])
			err := a.Read(ctx, o.Sweep, i, func(p store.Page) error {
				judged := make(chan batch, 1)
				select {
				case segments[i] <- judged:
					go func() { judged <- j.page(p) }() // while the next page is read
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	defer wg.Wait()
	// One batch of every segment in turn: which goroutine is faster must not
	// change what the caps let through, nor which posts are shown.
	t := newTally(o)
	for open := len(segments); open > 0; {
		for i, c := range segments {
			if c == nil {
				continue
			}
			judged, more := <-c
			if !more {
				segments[i] = nil
				open--
				continue
			}
			t.add(<-judged)
			if o.Progress != nil {
				o.Progress(t.report.Posts)
			}
		}
	}
	if err := context.Cause(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, care.Errorf(care.Unavailable, "the replay was stopped")
		}
		return nil, err
	}
	return t.done(), nil
}
