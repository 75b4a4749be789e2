package intake

import (
	"context"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Page is what one request to a polled platform brought.
type Page struct {
	Batch  care.Batch
	Cursor string        // where to go on after this page
	More   bool          // there is more right now
	Wait   time.Duration // the platform asks for a pause before the next request
}

// Source fetches what is new since a cursor; "" is the beginning.
type Source interface {
	Poll(ctx context.Context, cursor string) (Page, error)
}

// Cursors keeps how far each source was read, under a lease that one poller
// holds at a time.
type Cursors interface {
	// LeaseCursor returns the cursor, or care.Busy while another owner holds it.
	LeaseCursor(ctx context.Context, name, owner string, until time.Time) (string, error)
	// MoveCursor advances it; care.Conflict when the lease was lost.
	MoveCursor(ctx context.Context, name, owner, cursor string) error
	// ReleaseCursor gives the lease back; with a time, only from then on may
	// anybody take it (how a rate limit outlives this invocation).
	ReleaseCursor(ctx context.Context, name, owner string, until time.Time) error
}

// Back-off of a poll whose source fails: first pause, doubled each time, at most
// maxTries; the schedule's next run goes on from the same cursor.
const (
	firstPause = 200 * time.Millisecond
	maxTries   = 4
	// maxPages bounds one run, so that a source that always claims to have more
	// cannot keep a function busy for ever.
	maxPages = 50
	// minimumLeft is how much of the invocation must be left to begin a page.
	minimumLeft = 5 * time.Second
)

// Poller reads one source. The cursor moves only after everything before it is
// durable, so a crash anywhere repeats a page rather than losing one, and the
// claim makes the repeat harmless.
type Poller struct {
	Service *Service
	Cursors Cursors
	Clock   func() time.Time
	// Pause waits; it is replaced in tests.
	Pause func(context.Context, time.Duration) error
}

// PollReport says what one run did.
type PollReport struct {
	Source string `json:"source"`
	Pages  int    `json:"pages"`
	Report
	// Status is done, busy (another run holds the lease, or the platform's
	// rate limit does), waiting (rate limit met now), or failing.
	Status string    `json:"status"`
	Until  time.Time `json:"until,omitzero"`
}

// Run polls the source until nothing is new, the platform asks for a pause, or
// the invocation's time is nearly over. owner must be unique per run.
func (p *Poller) Run(ctx context.Context, name, owner, correlation string, src Source) (PollReport, error) {
	rep := PollReport{Source: name, Status: "done"}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	lease := p.Clock().Add(time.Until(deadline))
	cursor, err := p.Cursors.LeaseCursor(ctx, name, owner, lease)
	if care.CodeOf(err) == care.Busy {
		rep.Status = "busy"
		return rep, nil
	}
	if err != nil {
		return rep, err
	}
	err = p.pages(ctx, name, owner, correlation, src, cursor, deadline, &rep)
	if rel := p.Cursors.ReleaseCursor(ctx, name, owner, rep.Until); rel != nil && err == nil && care.CodeOf(rel) != care.Conflict {
		err = rel
	}
	return rep, err
}

func (p *Poller) pages(ctx context.Context, name, owner, correlation string, src Source, cursor string, deadline time.Time, rep *PollReport) error {
	pause, tries := firstPause, 0
	for rep.Pages < maxPages && time.Until(deadline) > minimumLeft {
		page, err := src.Poll(ctx, cursor)
		if err != nil {
			code := care.CodeOf(err)
			if code == care.Throttled { // without a time: a Source that knows one says so with Page.Wait
				rep.Status, rep.Until = "waiting", p.Clock().Add(defaultWait)
				return nil
			}
			if tries++; (code == care.Unavailable || code == care.Unknown) && tries < maxTries && time.Until(deadline) > minimumLeft+pause {
				if err := p.Pause(ctx, pause); err != nil {
					return err
				}
				pause *= 2
				continue
			}
			rep.Status = "failing"
			return err
		}
		pause, tries = firstPause, 0
		rep.Pages++
		took, err := p.Service.Take(ctx, page.Batch, correlation)
		rep.add(took)
		if err != nil {
			rep.Status = "failing"
			return err // the cursor stays: the page comes again
		}
		if page.Cursor != cursor && page.Cursor != "" {
			if err := p.Cursors.MoveCursor(ctx, name, owner, page.Cursor); err != nil {
				return err
			}
			cursor = page.Cursor
		}
		if page.Wait > 0 {
			rep.Status, rep.Until = "waiting", p.Clock().Add(page.Wait)
			return nil
		}
		if !page.More {
			return nil
		}
	}
	return nil
}

func (r *PollReport) add(o Report) {
	r.Received += o.Received
	r.Ignored += o.Ignored
	r.Published += o.Published
	r.Duplicates += o.Duplicates
	r.Skipped += o.Skipped
	r.Unknown += o.Unknown
}

// defaultWait is how long to stay away when a platform says "too many requests"
// without saying until when: both polled platforms count in windows of 5 minutes.
const defaultWait = 5 * time.Minute
