package reply

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Plans keeps plans.
type Plans interface {
	// SavePlan stores a post's plan once, with the triage it was made from. When
	// there is one already it returns that one, changes nothing, and fresh is false.
	SavePlan(ctx context.Context, id care.PostID, plan care.Plan, triage *care.Triage) (saved care.Plan, fresh bool, err error)
}

// Storms counts posts per intent.
type Storms interface {
	// Storm is how many posts of an intent were counted within a time before now.
	Storm(ctx context.Context, intent string, now time.Time, within time.Duration) (posts int, err error)
	// CountStorm counts one.
	CountStorm(ctx context.Context, intent string, now time.Time) error
}

// Consents keeps who wants no automated messages.
type Consents interface {
	// OptOut records it; again changes nothing.
	OptOut(ctx context.Context, id care.CustomerID) error
}

// Service decides posts. It is safe for concurrent use.
type Service struct {
	Bundles Bundles
	Plans   Plans
	Storms  Storms
	// Consents is told before the plan is kept, so that one word ends every
	// automated message from this moment on.
	Consents Consents
	Clock    func() time.Time
	// Planned is told of every new plan.
	Planned func(ctx context.Context, plan care.Plan)

	engine atomic.Pointer[Engine]
}

// Handle decides a post and stores the plan. A repeated step gets the plan of
// the first one, even when the config or the time has changed since: what was
// said and what was recorded stay the same. That posts cannot be counted for a
// storm is logged and stops nothing: then there is none. Returns care.Invalid
// for an input without a post, and the other ports' errors.
func (s *Service) Handle(ctx context.Context, in In) (care.Plan, error) {
	id := in.Post.ID()
	if _, _, ok := id.Split(); !ok {
		return care.Plan{}, care.Errorf(care.Invalid, "the input holds no post")
	}
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return care.Plan{}, err
	}
	e := s.engineOf(bundle)
	in.Now = s.Clock()
	counts := e.storms && in.Triage.Intent != "" && bundle.Storm.Posts > 0
	if counts {
		// This post is not counted yet.
		earlier, err := s.Storms.Storm(ctx, in.Triage.Intent, in.Now, time.Duration(bundle.Storm.Within))
		if err != nil {
			slog.WarnContext(ctx, "cannot tell whether there is a storm", "post", id, "code", care.CodeOf(err), "error", err)
		}
		in.Storm = err == nil && earlier+1 >= bundle.Storm.Posts
	}
	plan, optsOut := e.decide(in)
	if c := in.Match.Customer; optsOut && c.ID != "" && !c.Consent.OptOut {
		// An erased customer has nothing to record.
		if err := s.Consents.OptOut(ctx, c.ID); err != nil && care.CodeOf(err) != care.NotFound {
			return care.Plan{}, err
		}
	}
	plan, fresh, err := s.Plans.SavePlan(ctx, id, plan, &in.Triage)
	if err != nil || !fresh {
		return plan, err
	}
	if counts {
		if err := s.Storms.CountStorm(ctx, in.Triage.Intent, in.Now); err != nil {
			slog.WarnContext(ctx, "a post is not counted for a storm", "post", id, "code", care.CodeOf(err), "error", err)
		}
	}
	if s.Planned != nil {
		s.Planned(ctx, plan)
	}
	return plan, nil
}

// engineOf compiles a bundle once.
func (s *Service) engineOf(b *config.Bundle) *Engine {
	if e := s.engine.Load(); e != nil && e.bundle == b {
		return e
	}
	e := Compile(b)
	s.engine.Store(e)
	return e
}
