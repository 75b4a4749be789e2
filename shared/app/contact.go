package app

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/contact"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/followup"
	"github.com/fielder-care/fielder/shared/lookup"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// Contact builds the handler of the contact function.
func Contact() (func(context.Context, events.Envelope) (contact.Outcome, error), error) {
	var e env
	cfg, now := awsConfig(), clock()
	t, b := table(&e, cfg, now), eventBus(&e, cfg)
	w := workflows{sfn.NewFromConfig(cfg)}
	f := &followup.Service{
		People: t, Past: t, Ledger: t, Workflow: followups{w, e.must("FIELDER_FOLLOWUP_MACHINE")},
		Bundles: bundles(&e, cfg), Bus: b, Wording: reply.Invitation, Clock: now,
	}
	s := &contact.Service{Store: t, Workflow: taskEnded{w}, Followup: afterCall{f}, Bus: b}
	if c := centre(cfg); c != nil {
		s.Centre = c
	}
	return s.Handle, e.err()
}

// Invite builds the handler of the invite function: a step of the followup
// workflow, or ConversationResolved from the bus.
func Invite() (func(context.Context, InviteRequest) (followup.Ready, error), error) {
	var e env
	cfg, now := awsConfig(), clock()
	t := table(&e, cfg, now)
	s := &followup.Service{
		People: t, Past: t, Ledger: t, Workflow: followups{workflows{sfn.NewFromConfig(cfg)}, e.must("FIELDER_FOLLOWUP_MACHINE")},
		Bundles: bundles(&e, cfg), Bus: eventBus(&e, cfg), Wording: reply.Invitation, Clock: now,
	}
	return func(ctx context.Context, r InviteRequest) (followup.Ready, error) {
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
	}, e.err()
}

// InviteRequest is a workflow step's request or an event.
type InviteRequest struct {
	followup.Request
	events.Envelope
}

// Lookup builds the handler of the lookup function.
func Lookup() (func(context.Context, lookup.FlowEvent) (map[string]string, error), error) {
	var e env
	cfg, now := awsConfig(), clock()
	t := table(&e, cfg, now)
	s := &lookup.Service{People: t, Past: t, Bundles: bundles(&e, cfg), Clock: now}
	return func(ctx context.Context, ev lookup.FlowEvent) (map[string]string, error) {
		out, err := s.Handle(ctx, ev)
		if err == nil {
			counts := map[string]float64{"Lookups": 1}
			if out["fielder_history"] == "true" {
				counts["LookupsWithHistory"] = 1
			}
			telemetry.Counts(ctx, counts, "")
		}
		return out, err
	}, e.err()
}

// followups is the workflow as followup sees it.
type followups struct {
	workflows
	machine string
}

// Start starts it.
func (f followups) Start(ctx context.Context, name string, input any) error {
	return f.start(ctx, f.machine, name, input)
}

// taskEnded is the workflow as contact sees it.
type taskEnded struct{ workflows }

// Succeed wakes the escalation whose task ended.
func (t taskEnded) Succeed(ctx context.Context, token, by, how string) error {
	return t.wake(ctx, token, escalate.Done{By: by, How: how})
}

// afterCall is followup as contact sees it.
type afterCall struct{ *followup.Service }

// AfterCall considers an invitation.
func (a afterCall) AfterCall(ctx context.Context, correlation string, customer care.CustomerID, id string, seconds int, at time.Time) error {
	return a.Consider(ctx, correlation, followup.Trigger{After: "call", Episode: id, Customer: customer, CallSeconds: seconds, At: at})
}
