// Package reply composes the reply function, intake's third step: the business
// rules of the deployed config plan what to do, and the plan is stored once.
package reply

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
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
	s := &reply.Service{Bundles: b, Plans: t, Storms: t, Clock: now, Planned: count}
	return func(ctx context.Context, in reply.In) (Answer, error) {
		plan, err := s.Handle(ctx, in)
		return Answer{plan, plan.Later(now())}, err
	}, e.Err()
}

// count counts plans by action: PlansAnswer, PlansEscalate, ... By rule they are
// in the decisions: rules come and go, and every name of a metric costs.
func count(ctx context.Context, plan care.Plan) {
	a := string(plan.Action)
	telemetry.Count(ctx, "Plans"+strings.ToUpper(a[:1])+a[1:], 1, "")
}
