// Command bare is the least that a Go function on Lambda can be: aws-lambda-go
// and a handler that gives its input back.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.StartHandlerFunc(func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
}
