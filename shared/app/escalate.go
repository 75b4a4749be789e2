package app

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconnect "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/shared/connect"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/telemetry"
	"github.com/fielder-care/fielder/shared/triage"
)

// Escalate builds the handler of the escalate function.
func Escalate() (func(context.Context, escalate.Request) (any, error), error) {
	var e env
	cfg, now := awsConfig(), clock()
	s := &escalate.Service{
		Store: table(&e, cfg, now), Bundles: bundles(&e, cfg), Workflow: agentDone{workflows{sfn.NewFromConfig(cfg)}},
		Bus: eventBus(&e, cfg), Priority: triage.Priority, Clock: now,
	}
	if c := centre(cfg); c != nil {
		s.Centre = tasks{c}
	}
	return func(ctx context.Context, r escalate.Request) (any, error) {
		out, err := s.Handle(ctx, r)
		if name := escalationMetrics[r.Op]; err == nil && name != "" {
			telemetry.Count(ctx, name, 1, "")
		}
		return out, err
	}, e.err()
}

var escalationMetrics = map[string]string{
	escalate.OpOpen: "Escalated", escalate.OpWarn: "SLAWarned", escalate.OpBreach: "SLABreached", escalate.OpResolve: "Resolved",
}

// centre is the Connect instance, nil when none is named.
func centre(cfg aws.Config) *connect.Centre {
	instance, flow := optional("FIELDER_CONNECT_INSTANCE"), optional("FIELDER_CONNECT_FLOW")
	if instance == "" || flow == "" {
		return nil
	}
	return connect.New(awsconnect.NewFromConfig(cfg), instance, flow)
}

// tasks is Connect as escalate sees it.
type tasks struct{ *connect.Centre }

// StartTask opens a task.
func (t tasks) StartTask(ctx context.Context, task escalate.Task) (string, error) {
	return t.Centre.StartTask(ctx, connect.Task(task))
}

// workflows starts and wakes workflow executions.
type workflows struct{ client *sfn.Client }

// wake gives a task token back. A token that is spent or timed out is fine: the
// workflow has moved on.
func (w workflows) wake(ctx context.Context, token string, output any) error {
	b, err := json.Marshal(output)
	if err != nil {
		return err
	}
	_, err = w.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(string(b))})
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && (api.ErrorCode() == "TaskTimedOut" || api.ErrorCode() == "TaskDoesNotExist") {
		return nil
	}
	return unavailable("SendTaskSuccess", err)
}

// start starts an execution under a name; one that runs or ran is fine.
func (w workflows) start(ctx context.Context, machine, name string, input any) error {
	b, err := json.Marshal(input)
	if err != nil {
		return err
	}
	_, err = w.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machine), Name: aws.String(name), Input: aws.String(string(b))})
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && api.ErrorCode() == "ExecutionAlreadyExists" {
		return nil
	}
	return unavailable("StartExecution", err)
}

// agentDone is the workflow as escalate sees it.
type agentDone struct{ workflows }

// Succeed wakes an escalation.
func (a agentDone) Succeed(ctx context.Context, token string, done escalate.Done) error {
	return a.wake(ctx, token, done)
}
