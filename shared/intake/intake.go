// Package intake is the front door: it takes what an adapter found in a webhook
// body or a page of a poll, decides obvious chatter on the spot, claims every
// other post exactly once, and puts it on the bus.
//
// Nothing is acknowledged before it is durable: a post that was claimed but not
// published stays in the undecided index, where the ledger finds it. Publishing
// twice is harmless; the chain behind the bus is idempotent.
package intake

import (
	"context"
	"log/slog"
	"sync"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// workers bounds how many posts of one body are claimed at the same time: a
// Meta body may hold 1,000 updates, and one after the other would take longer
// than the platform waits.
const workers = 16

// Triager looks at a post.
type Triager interface {
	Triage(context.Context, care.Post) (care.Triage, error)
}

// Posts claims posts.
type Posts interface {
	// ClaimPost records the post as undecided unless it is known already.
	ClaimPost(ctx context.Context, p care.Post, correlation string) (Claim, error)
}

// Claim is what is known about a post that was claimed.
type Claim struct {
	New     bool         // this call claimed it
	Outcome care.Outcome // "" while undecided
	Deleted bool         // a deletion was seen, before or after the post
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Recorder writes the record of what the edge decided, and counts.
type Recorder interface {
	Decided(ctx context.Context, id care.PostID, change care.Change, outcome care.Outcome, reasons []care.Reason)
	Counts(ctx context.Context, values map[string]float64, platform string)
}

// Hydrator reads what a platform's webhook leaves out (an Instagram mention
// comes without its text). It returns the post unchanged when nothing is missing.
type Hydrator interface {
	Hydrate(ctx context.Context, p care.Post) (care.Post, error)
}

// Answers hears of posts of our own accounts that answer somebody, whoever wrote
// them: what waits to be said there may be said already.
type Answers interface {
	Answered(ctx context.Context, own care.Post) error
}

// Service takes batches.
type Service struct {
	Hydrator Hydrator // nil: nothing is ever missing
	Answers  Answers
	Triager  Triager
	Posts    Posts
	Bus      Bus
	Recorder Recorder
}

// Report counts what became of a batch.
type Report struct {
	Received   int `json:"received"`   // items for us
	Ignored    int `json:"ignored"`    // decided at the edge
	Published  int `json:"published"`  // on the bus now
	Duplicates int `json:"duplicates"` // decided or deleted before; nothing to do
	Skipped    int `json:"skipped"`    // known event types that care does not need
	Unknown    int `json:"unknown"`    // event types that we have never heard of
}

// Take handles a batch. When it returns nil, every item is ignored with a record,
// known from before, or durably on the bus. On an error (care.Unavailable,
// care.Throttled) the caller must have the batch delivered again.
func (s *Service) Take(ctx context.Context, batch care.Batch, correlation string) (Report, error) {
	var (
		mu      sync.Mutex
		rep     = Report{Received: len(batch.Items)}
		details = make([]events.Detail, len(batch.Items))
		counts  = map[string]map[string]float64{}
		firstEr error
		wg      sync.WaitGroup
		slots   = make(chan struct{}, workers)
	)
	count := func(p care.Platform, name string) {
		m := counts[string(p)]
		if m == nil {
			m = map[string]float64{}
			counts[string(p)] = m
		}
		m[name]++
	}
	for _, sk := range batch.Skipped {
		if sk.Known {
			rep.Skipped++
			continue
		}
		rep.Unknown++
		slog.WarnContext(ctx, "unknown event type", "type", sk.Type, "reason", sk.Reason)
	}
	for i, item := range batch.Items {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; wg.Done() }()
			detail, fate, err := s.take(ctx, item, correlation)
			mu.Lock()
			defer mu.Unlock()
			count(item.Post.Platform, "PostsReceived")
			switch {
			case err != nil:
				if firstEr == nil {
					firstEr = err
				}
			case fate == fateIgnored:
				rep.Ignored++
				count(item.Post.Platform, "PostsIgnored")
			case fate == fateDuplicate:
				rep.Duplicates++
				count(item.Post.Platform, "Duplicates")
			default:
				details[i] = detail
			}
		}()
	}
	wg.Wait()
	if rep.Unknown > 0 {
		m := counts[""]
		if m == nil {
			m = map[string]float64{}
			counts[""] = m
		}
		m["UnknownEventTypes"] = float64(rep.Unknown)
	}
	defer func() {
		for p, m := range counts {
			s.Recorder.Counts(ctx, m, p)
		}
	}()

	// What could be claimed goes out even when something else failed: the
	// redelivery then finds less to do.
	var out []events.Detail
	for _, d := range details {
		if d != nil {
			out = append(out, d)
		}
	}
	if len(out) > 0 {
		if err := s.Bus.Publish(ctx, out...); err != nil {
			return rep, err
		}
		rep.Published = len(out)
	}
	return rep, firstEr
}

type fate int

const (
	fatePublish fate = iota
	fateIgnored
	fateDuplicate
)

func (s *Service) take(ctx context.Context, item care.Inbound, correlation string) (events.Detail, fate, error) {
	meta := events.Meta{Correlation: correlation}
	p := item.Post
	switch item.Change {
	case care.Deleted:
		if p.Author.Own {
			s.Recorder.Decided(ctx, p.ID(), item.Change, care.OutcomeIgnored, ownReason)
			return nil, fateIgnored, nil
		}
		return &events.PostDeleted{Meta: meta, Post: events.RefOf(p), At: p.ReceivedAt}, fatePublish, nil
	case care.Edited:
		if p.Author.Own {
			s.Recorder.Decided(ctx, p.ID(), item.Change, care.OutcomeIgnored, ownReason)
			return nil, fateIgnored, nil
		}
		return &events.PostEdited{Meta: meta, Post: p}, fatePublish, nil
	}
	if p.Author.Own && (p.ReplyTo != "" || p.Private) {
		if err := s.Answers.Answered(ctx, p); err != nil {
			return nil, 0, err // it is delivered again
		}
	}
	if s.Hydrator != nil {
		whole, err := s.Hydrator.Hydrate(ctx, p)
		switch {
		case err == nil:
			p = whole
		case care.CodeOf(err) == care.Refused || care.CodeOf(err) == care.NotFound:
			p.Unreadable = "the platform does not show it to us"
		default: // a person can read it on the platform; waiting would risk losing it
			p.Unreadable = "the platform did not give its text"
			slog.WarnContext(ctx, "not hydrated", "postId", string(p.ID()), "code", string(care.CodeOf(err)))
		}
	}
	t, err := s.Triager.Triage(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	if t.Obvious {
		s.Recorder.Decided(ctx, p.ID(), item.Change, care.OutcomeIgnored, t.Reasons)
		return nil, fateIgnored, nil
	}
	claim, err := s.Posts.ClaimPost(ctx, p, correlation)
	if err != nil {
		return nil, 0, err
	}
	if !claim.New && (claim.Outcome != "" || claim.Deleted) {
		return nil, fateDuplicate, nil
	}
	// Known but undecided: the first delivery may have died between claim and
	// publish. Sending it again is cheap and safe.
	return &events.PostReceived{Meta: meta, Post: p}, fatePublish, nil
}

var ownReason = []care.Reason{{By: "loop-guard", Text: "It is our own post; we never answer ourselves."}}
