package app

import (
	"context"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
)

// Step is what intake's first steps get.
type Step struct {
	Correlation string      `json:"correlation"`
	Post        care.Post   `json:"post"`
	Triage      care.Triage `json:"triage,omitzero"`
}

// Triage builds the handler of the triage function.
func Triage() (func(context.Context, Step) (care.Triage, error), error) {
	var e env
	t := &triager{bundles: bundles(&e, awsConfig())}
	return func(ctx context.Context, in Step) (care.Triage, error) {
		if _, _, ok := in.Post.ID().Split(); !ok {
			return care.Triage{}, care.Errorf(care.Invalid, "the input holds no post")
		}
		return t.Triage(ctx, in.Post)
	}, e.err()
}

// Match builds the handler of the match function.
func Match() (func(context.Context, Step) (care.Match, error), error) {
	var e env
	t := table(&e, awsConfig(), clock())
	s := match.New(t, t, t, t)
	return func(ctx context.Context, in Step) (care.Match, error) { return s.Match(ctx, in.Post, in.Triage) }, e.err()
}

// Reply builds the handler of the reply function.
func Reply() (func(context.Context, reply.In) (care.Plan, error), error) {
	var e env
	cfg, now := awsConfig(), clock()
	t, b := table(&e, cfg, now), bundles(&e, cfg)
	return func(ctx context.Context, in reply.In) (care.Plan, error) {
		s := &reply.Service{Bundles: b, Plans: plans{t, &in.Triage}, Clock: now}
		return s.Handle(ctx, in)
	}, e.err()
}

// plans is the store as reply sees it; it keeps what the plan was made from.
type plans struct {
	table  *store.Table
	triage *care.Triage
}

// SavePlan stores a post's plan once.
func (p plans) SavePlan(ctx context.Context, id care.PostID, plan care.Plan) (care.Plan, error) {
	return p.table.SavePlan(ctx, id, plan, p.triage)
}
