// Package base is what the start-up baselines share. A baseline is a function
// that builds AWS clients, from the same config as every real function, and does
// nothing else; `fielder bench` measures each function against the baseline with
// the same clients, so that what is left is what the function's own code adds to
// a cold start.
package base

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fielder-care/fielder/shared/app"
)

// Config is the config that functions build their clients from.
func Config() aws.Config { return app.AWSConfig() }

// Serve asks the Runtime API for work and gives every input back. It keeps the
// clients, as a function does.
func Serve(clients ...any) {
	lambda.StartHandlerFunc(func(_ context.Context, in json.RawMessage) (json.RawMessage, error) {
		if len(clients) == 0 {
			return nil, errors.New("a baseline without clients")
		}
		return in, nil
	})
}
