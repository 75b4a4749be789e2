// Package ledger keeps the books: every inbound post ends in exactly one
// decision, and the number of those that have none after ten minutes is a metric
// that should read 0. Undecided posts are driven again through the same chain,
// which is idempotent; after several tries they are parked for a person, with
// that as their decision. It also applies what authors change and delete
// upstream.
package ledger

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// Limits of the ledger.
const (
	// Grace is how long a post may be without a decision; the intake workflow
	// itself ends within 5 minutes (Express workflow quota).
	Grace = 10 * time.Minute
	// MaxDrives is how often a post is driven again before it is parked.
	MaxDrives = 5
	// page is how many undecided posts one run looks at.
	page = 500
)

// Undecided is a post without a decision.
type Undecided struct {
	Post        care.Post
	Correlation string
	Drives      int
	DrivenAt    time.Time // of the latest drive; zero before the first
	Since       time.Time
}

// Books is the store's view of undecided posts.
type Books interface {
	// Undecided lists posts received before a time that have no decision.
	Undecided(ctx context.Context, before time.Time, limit int) ([]Undecided, error)
	// MarkDriven counts a drive; care.Conflict when it is decided by now.
	MarkDriven(ctx context.Context, id care.PostID) error
	// Waiting finds a post whose answer was to wait; ok is false when it is
	// decided by now, or not there any more.
	Waiting(ctx context.Context, id care.PostID) (u Undecided, ok bool, err error)
	// Decide records a decision unless there is one.
	Decide(ctx context.Context, d care.Decision) error
}

// Posts changes stored posts.
type Posts interface {
	// Outcome is "" for an undecided post; care.NotFound when it is not there.
	Outcome(ctx context.Context, id care.PostID) (care.Outcome, error)
	// Edit replaces the text, in the post and in the timeline. again is true when an
	// answer to the earlier text was still to go out and is given up for this one.
	Edit(ctx context.Context, p care.Post) (again bool, err error)
	// Reopen makes an ignored post undecided again, with its new text.
	Reopen(ctx context.Context, p care.Post) error
	// Claim records a post that was not there as undecided.
	Claim(ctx context.Context, p care.Post, correlation string) (isNew bool, err error)
	// Tombstone removes text and author and keeps that there was a post.
	Tombstone(ctx context.Context, id care.PostID, at time.Time) error
}

// Triager looks at an edited post's new text.
type Triager interface {
	Triage(ctx context.Context, p care.Post) (care.Triage, error)
}

// Drafts are the answers that wait for an agent's approval.
type Drafts interface {
	// Edited withdraws the draft of an earlier wording; a post without one is fine.
	Edited(ctx context.Context, p care.Post) error
	// Gone withdraws the draft of a deleted post and forgets what it said.
	Gone(ctx context.Context, id care.PostID) error
	// Expire closes what nobody approved in time.
	Expire(ctx context.Context) (closed int, err error)
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Parked keeps what a person must look at.
type Parked interface {
	Park(ctx context.Context, what any) error
}

// Recorder writes records and counts.
type Recorder interface {
	Decided(ctx context.Context, id care.PostID, change care.Change, outcome care.Outcome, reasons []care.Reason)
	Counts(ctx context.Context, values map[string]float64, platform string)
}

// Service is the ledger.
type Service struct {
	Books    Books
	Posts    Posts
	Drafts   Drafts
	Triager  Triager
	Bus      Bus
	Parked   Parked
	Recorder Recorder
	Clock    func() time.Time
}

// Report is what one run found.
type Report struct {
	Unaccounted int `json:"unaccounted"` // without a decision after Grace
	Redriven    int `json:"redriven"`
	Parked      int `json:"parked"`
	Expired     int `json:"expired"` // drafts that nobody approved in time
}

// Tick finds undecided posts and drives them again, and closes drafts whose time
// is over. The one does not wait for the other.
func (s *Service) Tick(ctx context.Context) (Report, error) {
	expired, late := s.Drafts.Expire(ctx)
	rep, err := s.sweep(ctx)
	rep.Expired = expired
	s.Recorder.Counts(ctx, map[string]float64{"DraftsExpired": float64(expired)}, "")
	return rep, cmp.Or(err, late)
}

func (s *Service) sweep(ctx context.Context) (Report, error) {
	now := s.Clock()
	list, err := s.Books.Undecided(ctx, now.Add(-Grace), page)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Unaccounted: len(list)}
	oldest := time.Duration(0)
	for _, u := range list {
		if d := now.Sub(u.Since); d > oldest {
			oldest = d
		}
		if now.Sub(u.DrivenAt) < Grace {
			continue // it is on its way again
		}
		if u.Drives >= MaxDrives {
			if err := s.park(ctx, u, now); err != nil {
				return rep, err
			}
			rep.Parked++
			continue
		}
		// Publish before marking: should this die in between, the post is driven
		// twice, which the chain bears; the other way round it would wait.
		err := s.Bus.Publish(ctx, &events.PostReceived{Meta: events.Meta{Correlation: u.Correlation}, Post: u.Post, Redriven: u.Drives + 1})
		if err != nil {
			return rep, err
		}
		if err := s.Books.MarkDriven(ctx, u.Post.ID()); err != nil && care.CodeOf(err) != care.Conflict {
			return rep, err
		}
		rep.Redriven++
	}
	s.Recorder.Counts(ctx, map[string]float64{"PostsUnaccounted": float64(rep.Unaccounted), "PostsRedriven": float64(rep.Redriven),
		"PostsParked": float64(rep.Parked), "OldestUndecidedSeconds": oldest.Seconds()}, "")
	if rep.Unaccounted > 0 {
		slog.WarnContext(ctx, "unaccounted posts", "count", rep.Unaccounted, "redriven", rep.Redriven, "parked", rep.Parked)
	}
	return rep, nil
}

// Resume drives a post whose answer has waited as long as its rule wanted: the
// whole chain looks at it again, at what it says now and at who has it now. One
// that was decided meanwhile is left alone.
func (s *Service) Resume(ctx context.Context, id care.PostID) error {
	if _, _, ok := id.Split(); !ok {
		return care.Errorf(care.Invalid, "no post is named whose answer has waited")
	}
	u, ok, err := s.Books.Waiting(ctx, id)
	if err != nil || !ok {
		return err
	}
	return s.Bus.Publish(ctx, &events.PostReceived{Meta: events.Meta{Correlation: u.Correlation}, Post: u.Post, Redriven: u.Drives + 1})
}

func (s *Service) park(ctx context.Context, u Undecided, now time.Time) error {
	reasons := []care.Reason{{By: "ledger", Text: "The post was driven through the chain several times without a decision; it waits in the parked queue for a person."}}
	if err := s.Parked.Park(ctx, map[string]any{"workflow": "ledger", "post": u.Post, "drives": u.Drives, "at": now}); err != nil {
		return err
	}
	return s.Books.Decide(ctx, care.Decision{Post: u.Post.ID(), Outcome: care.OutcomeFailed, At: now, Reasons: reasons})
}

// Handle applies PostEdited and PostDeleted.
func (s *Service) Handle(ctx context.Context, env events.Envelope) error {
	switch env.DetailType {
	case "PostEdited":
		var d events.PostEdited
		if err := events.Decode(env.Detail, &d); err != nil {
			return err
		}
		return s.edited(ctx, d)
	case "PostDeleted":
		var d events.PostDeleted
		if err := events.Decode(env.Detail, &d); err != nil {
			return err
		}
		if err := s.Posts.Tombstone(ctx, d.Post.ID, s.Clock()); err != nil {
			return err
		}
		if err := s.Drafts.Gone(ctx, d.Post.ID); err != nil {
			return err
		}
		s.Recorder.Decided(ctx, d.Post.ID, care.Deleted, care.OutcomeRecorded,
			[]care.Reason{{By: "upstream", Text: "The author deleted the post; its text is gone here too, and the timeline keeps that there was one."}})
		return nil
	}
	return care.Errorf(care.Invalid, "the ledger does not know the event %q", env.DetailType)
}

// edited handles a changed text. A post that was answered, escalated or recorded
// keeps its one decision and shows the new text; one that was chatter, at the
// edge or later, gets a fresh look, because "nice" may have become "nice, but
// it burns".
func (s *Service) edited(ctx context.Context, d events.PostEdited) error {
	p := d.Post
	outcome, err := s.Posts.Outcome(ctx, p.ID())
	missing := care.CodeOf(err) == care.NotFound
	if err != nil && !missing {
		return err
	}
	if !missing && outcome != care.OutcomeIgnored {
		again, err := s.Posts.Edit(ctx, p)
		if err != nil {
			return err
		}
		if err := s.Drafts.Edited(ctx, p); err != nil {
			return err
		}
		why := "The author changed the post; the timeline shows the new text."
		if again {
			// Should this get lost, the end of the wait brings the post round.
			if err := s.Bus.Publish(ctx, &events.PostReceived{Meta: d.Meta, Post: p}); err != nil {
				return err
			}
			why = "The author changed the post before its answer went out; it is looked at again."
		}
		s.Recorder.Decided(ctx, p.ID(), care.Edited, care.OutcomeRecorded, []care.Reason{{By: "upstream", Text: why}})
		return nil
	}
	t, err := s.Triager.Triage(ctx, p)
	if err != nil {
		return err
	}
	if t.Relevance == care.RelevanceChatter {
		s.Recorder.Decided(ctx, p.ID(), care.Edited, care.OutcomeIgnored, t.Reasons)
		return nil
	}
	why := "The author changed a post that had been chatter; it is looked at again."
	if missing { // chatter of the edge leaves no record, nor does what never came in
		why = "The author changed a post of which no record was kept; it is looked at."
		if _, err := s.Posts.Claim(ctx, p, d.Correlation); err != nil {
			return err
		}
	} else if err := s.Posts.Reopen(ctx, p); err != nil {
		return err
	}
	s.Recorder.Decided(ctx, p.ID(), care.Edited, care.OutcomeRecorded,
		[]care.Reason{{By: "upstream", Text: why}})
	return s.Bus.Publish(ctx, &events.PostReceived{Meta: d.Meta, Post: p})
}
