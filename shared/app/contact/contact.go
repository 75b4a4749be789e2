// Package contact composes the contact function, which brings Amazon Connect
// contacts into the timeline. It joins the store, the workflows, the bus and, when
// an instance is named, Connect itself.
package contact

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/centre"
	"github.com/fielder-care/fielder/shared/app/workflow"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/contact"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/followup"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the contact function.
func New() (func(context.Context, events.Envelope) (contact.Outcome, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	w := workflow.Client{API: sfn.NewFromConfig(cfg)}
	f := &followup.Service{
		People: t, Past: t, Ledger: t, Workflow: workflow.Followups{Client: w, Machine: e.Must("FIELDER_FOLLOWUP_MACHINE")},
		Bundles: bundles.New(cfg, e.Must("FIELDER_CONFIG")), Bus: b, Wording: reply.Invitation, Clock: now,
	}
	s := &contact.Service{Store: t, Workflow: taskEnded{w}, Followup: afterCall{f}, Bus: b}
	if c := centre.New(cfg); c != nil {
		s.Centre = c
	}
	return s.Handle, e.Err()
}

// taskEnded is the workflow as contact sees it.
type taskEnded struct{ workflow.Client }

// Succeed wakes the escalation whose task ended.
func (t taskEnded) Succeed(ctx context.Context, token, by, how string) error {
	return t.Wake(ctx, token, escalate.Done{By: by, How: how})
}

// afterCall is followup as contact sees it.
type afterCall struct{ *followup.Service }

// AfterCall considers an invitation.
func (a afterCall) AfterCall(ctx context.Context, correlation string, customer care.CustomerID, id string, seconds int, at time.Time) error {
	return a.Consider(ctx, correlation, followup.Trigger{After: "call", Episode: id, Customer: customer, CallSeconds: seconds, At: at})
}
