// Package reply composes the reply function, intake's third step: the business
// rules of the deployed config plan what to do, and the plan is stored once.
package reply

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
)

// Answer is the plan, and until when its text has to wait, which the workflow
// cannot work out itself.
type Answer struct {
	care.Plan
	Later time.Time `json:"later,omitzero"`
}

// New builds the handler of the reply function.
func New() (func(context.Context, reply.In) (Answer, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := appconfig.New(appconfigdata.NewFromConfig(cfg), e.Must("FIELDER_CONFIG"))
	return func(ctx context.Context, in reply.In) (Answer, error) {
		s := &reply.Service{Bundles: b, Plans: plans{t, &in.Triage}, Clock: now}
		plan, err := s.Handle(ctx, in)
		return Answer{plan, plan.Later(now())}, err
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
