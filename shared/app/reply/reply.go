// Package reply composes the reply function, intake's third step: the business
// rules of the deployed config plan what to do, and the plan is stored once.
package reply

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
)

// New builds the handler of the reply function.
func New() (func(context.Context, reply.In) (care.Plan, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bundles.New(cfg, e.Must("FIELDER_CONFIG"))
	return func(ctx context.Context, in reply.In) (care.Plan, error) {
		s := &reply.Service{Bundles: b, Plans: plans{t, &in.Triage}, Clock: now}
		return s.Handle(ctx, in)
	}, e.Err()
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
