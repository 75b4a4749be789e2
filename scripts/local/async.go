package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// Invoke runs a function for an AWS service that waits for the answer, as an
// Amazon Connect flow does ("connect.amazonaws.com", the instance's ARN). The
// function, given by name, ARN or logical id, must permit it.
func (s *Stack) Invoke(ctx context.Context, service, source, name string, payload json.RawMessage) (lambda.Result, error) {
	f := s.functionOf(name)
	if f == nil {
		if ref, err := s.template.Ref(name); err == nil {
			f = s.functions[ref]
		}
	}
	if f == nil {
		return lambda.Result{}, fmt.Errorf("there is no function %s; there are %v", name, sortedKeys(s.functions))
	}
	if err := s.serviceMay(f.permissions, service, "lambda:InvokeFunction", f.arn, source); err != nil {
		return lambda.Result{}, err
	}
	defer s.clock.Begin()()
	return s.lambda.Invoke(ctx, lambda.Request{Function: f.name, Payload: payload})
}

// invokeAsync is Lambda's asynchronous invocation: the caller is done, the
// function is tried until it succeeds, its retries are used up or the event is
// too old. ("Asynchronous invocation": two retries after function errors, one
// and two minutes later; throttles and system errors are retried with back-off
// from 1 second to 5 minutes until the event's maximum age.)
func (s *Stack) invokeAsync(f *function, payload []byte, scheduled bool) {
	end := s.clock.Begin()
	s.loops.Go(func() {
		defer end()
		began := s.clock.Now()
		failures := 0
		for attempt := 0; ; attempt++ {
			result, err := s.lambda.Invoke(s.ctx, lambda.Request{Function: f.name, Payload: payload, Scheduled: scheduled})
			if err == nil && !result.Failed {
				return
			}
			if s.ctx.Err() != nil {
				return
			}
			wait, condition := backoff(attempt), ""
			if err == nil {
				failures++
				wait = time.Duration(failures) * time.Minute
				if failures > f.retries {
					condition = "RetriesExhausted"
				}
			} else if errors.Is(err, lambda.ErrUnknown) {
				s.logf("%s: %v", f.name, err)
				return
			}
			if condition == "" && s.clock.Now().Add(wait).Sub(began) > f.maxAge {
				condition = "EventAgeExceeded"
			}
			if condition != "" {
				s.asyncFailed(f, payload, result, err, condition, attempt+1)
				return
			}
			if s.clock.Sleep(s.ctx, wait) != nil {
				return
			}
		}
	})
}

// asyncFailed hands a lost invocation to the function's on-failure destination
// and its dead-letter queue, with the function's own rights, as Lambda does.
func (s *Stack) asyncFailed(f *function, payload []byte, result lambda.Result, err error, condition string, attempts int) {
	who := principal{role: f.role, session: f.name}
	s.logf("%s: asynchronous invocation lost after %d attempts (%s): %.300s %v", f.name, attempts, condition, result.Payload, errText(err))
	send := func(queueARN, body string, attributes map[string]string) {
		q := s.queues[tail(queueARN, ":")]
		if err := s.authorize(who, "sqs:SendMessage", q.arn, nil); err != nil {
			s.logf("%s: %v", f.name, err)
			return
		}
		s.count(who, false, "sqs", "SendMessage", nil)
		if err := q.send(s.clock.Now(), body, attributes, 0); err != nil {
			s.logf("%s: %v", f.name, err)
		}
	}
	if f.onFailure != "" {
		record := map[string]any{
			"version": "1.0", "timestamp": s.clock.Now().Format(time.RFC3339Nano),
			"requestContext": map[string]any{"requestId": result.RequestID, "functionArn": f.arn + ":$LATEST", "condition": condition, "approximateInvokeCount": attempts},
			"requestPayload": asJSON(payload),
		}
		if result.Failed {
			record["responseContext"] = map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
			record["responsePayload"] = asJSON(result.Payload)
		}
		body, err := json.Marshal(record)
		if err != nil {
			s.logf("%s: %v", f.name, err)
			return
		}
		send(f.onFailure, string(body), nil)
	}
	if f.deadLetter != "" {
		send(f.deadLetter, string(payload), map[string]string{"RequestID": result.RequestID, "ErrorCode": "200", "ErrorMessage": firstBytes(string(result.Payload), 1024)})
	}
}

// asJSON keeps a payload as it is if it is JSON, or makes it a string.
func asJSON(data []byte) any {
	if json.Valid(data) {
		return json.RawMessage(data)
	}
	return string(data)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func firstBytes(text string, n int) string { return text[:min(n, len(text))] }
