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
	s := &reply.Service{Bundles: b, Plans: t, Storms: t, Consents: consents{t, now}, Clock: now, Planned: count}
	return func(ctx context.Context, in reply.In) (Answer, error) {
		plan, err := s.Handle(ctx, in)
		return Answer{plan, plan.Later(now())}, err
	}, e.Err()
}

// consents are the table's customers as reply sees them.
type consents struct {
	table *store.Table
	now   func() time.Time
}

// OptOut records that a customer wants no automated messages.
func (c consents) OptOut(ctx context.Context, id care.CustomerID) error {
	_, err := c.table.UpdateCustomer(ctx, id, func(x *care.Customer) error {
		if !x.Consent.OptOut {
			x.Consent.OptOut, x.Consent.At, x.Consent.Source = true, c.now(), "opt-out word"
		}
		return nil
	})
	return err
}

// count counts plans by action: PlansAnswer, PlansEscalate, ... By rule they are
// in the decisions: rules come and go, and every name of a metric costs.
func count(ctx context.Context, plan care.Plan) {
	a := string(plan.Action)
	telemetry.Count(ctx, "Plans"+strings.ToUpper(a[:1])+a[1:], 1, "")
}
