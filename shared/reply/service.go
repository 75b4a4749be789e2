package reply

import (
	"context"
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
	// SavePlan stores a post's plan once. When there is one already it returns
	// that one and changes nothing.
	SavePlan(ctx context.Context, id care.PostID, plan care.Plan) (care.Plan, error)
}

// Service decides posts.
type Service struct {
	Bundles Bundles
	Plans   Plans
	Clock   func() time.Time
}

// Handle decides a post and stores the plan. A repeated step gets the plan of
// the first one, even when the config or the time has changed since: what was
// said and what was recorded stay the same. Returns care.Invalid for an input
// without a post, and the ports' errors.
func (s *Service) Handle(ctx context.Context, in In) (care.Plan, error) {
	id := in.Post.ID()
	if _, _, ok := id.Split(); !ok {
		return care.Plan{}, care.Errorf(care.Invalid, "the input holds no post")
	}
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return care.Plan{}, err
	}
	in.Now, in.Bundle = s.Clock(), bundle
	return s.Plans.SavePlan(ctx, id, Decide(in))
}
