// Package telemetry is what every function says about itself: structured logs
// with the request's ids, metrics in CloudWatch's embedded metric format, and
// the one conversion of errors at the Lambda boundary.
//
// Logs never hold a body, a token, an e-mail address or a phone number: types
// that carry them redact themselves (slog.LogValuer). Metrics have bounded
// dimensions (stage, function, platform), never ids.
package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/fielder-care/fielder/shared/care"
)

// Function is the short name of the running function ("send"), for logs, metrics
// and event sources: Lambda tells the deployed name, "fielder-<stage>-send".
func Function() string {
	name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	return name[strings.LastIndexByte(name, '-')+1:]
}

// Setup makes the Lambda JSON logger the default. Call it once in main.
func Setup() {
	slog.SetDefault(lambdacontext.NewLogger())
}

// Wrap turns a service method into a Lambda handler: it sets up logging, and
// converts an error into one whose type is the care.Code, so that a workflow's
// Retry and Catch match it. (aws-lambda-go reports the Go type's name, which a
// wrapped error loses.) The full chain is logged here, once.
func Wrap[In, Out any](fn func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	Setup()
	return func(ctx context.Context, in In) (Out, error) {
		out, err := fn(ctx, in)
		if err == nil {
			return out, nil
		}
		code, level := care.CodeOf(err), slog.LevelError
		if code == care.Busy || code == care.Throttled || code == care.Conflict {
			level = slog.LevelWarn // the caller tries again; nothing is wrong
		}
		slog.Log(ctx, level, "failed", "code", string(code), "error", err.Error())
		Count(ctx, "Failures", 1, "")
		var zero Out
		return zero, AsInvokeError(err)
	}
}

// AsInvokeError makes the error that crosses the Lambda boundary: type = code,
// message = the safe sentence of the care.Error.
func AsInvokeError(err error) error {
	if err == nil {
		return nil
	}
	var already messages.InvokeResponse_Error
	if errors.As(err, &already) {
		return already
	}
	msg := "internal error"
	var e *care.Error
	if errors.As(err, &e) {
		msg = e.Message
	}
	return messages.InvokeResponse_Error{Type: string(care.CodeOf(err)), Message: msg}
}

// Decided logs the record of a post that the edge decided. It is the whole
// record of obvious chatter (design: noise costs next to nothing).
func Decided(ctx context.Context, id care.PostID, change care.Change, outcome care.Outcome, reasons []care.Reason) {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.By + ": " + r.Text
	}
	p, _, _ := id.Split()
	slog.InfoContext(ctx, "decided", "postId", string(id), "platform", string(p),
		"change", string(change), "outcome", string(outcome), "reasons", texts)
}
