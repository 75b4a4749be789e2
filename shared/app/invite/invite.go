// Package invite composes the invite function, which invites customers to stay
// in touch or withholds it: steps of the followup workflow, and
// ConversationResolved from the bus.
package invite

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/workflow"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/followup"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the invite function: a step of the followup
// workflow, or ConversationResolved from the bus.
func New() (func(context.Context, Request) (followup.Ready, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	s := &followup.Service{
		People: t, Past: t, Ledger: t,
		Workflow: workflow.Followups{Client: workflow.Client{API: sfn.NewFromConfig(cfg)}, Machine: e.Must("FIELDER_FOLLOWUP_MACHINE")},
		Bundles:  bundles.New(cfg, e.Must("FIELDER_CONFIG")),
		Bus:      bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function()),
		Wording:  reply.Invitation,
		Clock:    now,
	}
	return func(ctx context.Context, r Request) (followup.Ready, error) {
		if r.DetailType == "" {
			out, err := s.Handle(ctx, r.Request)
			if name := map[string]string{"sent": "InvitationsSent", "withheld": "InvitationsWithheld"}[out.Status]; err == nil && name != "" {
				telemetry.Count(ctx, name, 1, "")
			}
			return out, err
		}
		var d events.ConversationResolved
		if err := events.Decode(r.Detail, &d); err != nil {
			return followup.Ready{}, err
		}
		return followup.Ready{Status: "considered"}, s.Consider(ctx, d.Correlation, followup.Trigger{
			After: "conversation", Episode: escalate.Execution(d.Conversation, d.Episode), Customer: d.Customer, Conversation: d.Conversation, At: now(),
		})
	}, e.Err()
}

// Request is a workflow step's request or an event.
type Request struct {
	followup.Request
	events.Envelope
}
