// Package workflow joins the workflows (AWS Step Functions) with the services
// that start and wake them.
package workflow

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/shared/app"
)

// Client starts and wakes workflow executions.
type Client struct{ API *sfn.Client }

// Wake gives a task token back. A token that is spent or timed out is fine: the
// workflow has moved on.
func (w Client) Wake(ctx context.Context, token string, output any) error {
	b, err := json.Marshal(output)
	if err != nil {
		return err
	}
	_, err = w.API.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String(token), Output: aws.String(string(b))})
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && (api.ErrorCode() == "TaskTimedOut" || api.ErrorCode() == "TaskDoesNotExist") {
		return nil
	}
	return app.Unavailable("SendTaskSuccess", err)
}

// Start starts an execution under a name; one that runs or ran is fine.
func (w Client) Start(ctx context.Context, machine, name string, input any) error {
	b, err := json.Marshal(input)
	if err != nil {
		return err
	}
	_, err = w.API.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(machine), Name: aws.String(name), Input: aws.String(string(b))})
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && api.ErrorCode() == "ExecutionAlreadyExists" {
		return nil
	}
	return app.Unavailable("StartExecution", err)
}

// Followups is the workflow as followup sees it.
type Followups struct {
	Client  Client
	Machine string // ARN
}

// Start starts it under a name; one that runs or ran is fine.
func (f Followups) Start(ctx context.Context, name string, input any) error {
	return f.Client.Start(ctx, f.Machine, name, input)
}
