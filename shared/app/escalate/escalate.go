// Package escalate composes the escalate function, which hands conversations to
// agents and keeps their clocks. Without a Connect instance nobody is called;
// the conversation waits in its queue all the same.
package escalate

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/centre"
	"github.com/fielder-care/fielder/shared/app/workflow"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/connect"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
	"github.com/fielder-care/fielder/shared/triage"
)

// New builds the handler of the escalate function.
func New() (func(context.Context, escalate.Request) (any, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	s := &escalate.Service{
		Store:    t,
		Bundles:  bundles.New(cfg, e.Must("FIELDER_CONFIG")),
		Workflow: agentDone{workflow.Client{API: sfn.NewFromConfig(cfg)}},
		Drafts:   &drafts.Book{Store: t, Bus: b, Clock: now},
		Bus:      b,
		Priority: triage.Priority,
		Clock:    now,
	}
	if c := centre.New(cfg); c != nil {
		s.Centre = tasks{c}
	}
	return func(ctx context.Context, r escalate.Request) (any, error) {
		out, err := s.Handle(ctx, r)
		if name := escalationMetrics[r.Op]; err == nil && name != "" {
			telemetry.Count(ctx, name, 1, "")
		}
		return out, err
	}, e.Err()
}

var escalationMetrics = map[string]string{
	escalate.OpOpen: "Escalated", escalate.OpWarn: "SLAWarned", escalate.OpBreach: "SLABreached", escalate.OpResolve: "Resolved",
}

// tasks is Connect as escalate sees it.
type tasks struct{ *connect.Centre }

// StartTask opens a task.
func (t tasks) StartTask(ctx context.Context, task escalate.Task) (string, error) {
	return t.Centre.StartTask(ctx, connect.Task(task))
}

// agentDone is the workflow as escalate sees it.
type agentDone struct{ workflow.Client }

// Succeed wakes an escalation.
func (a agentDone) Succeed(ctx context.Context, token string, done escalate.Done) error {
	return a.Wake(ctx, token, done)
}
