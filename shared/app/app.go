// Package app is the composition root: it reads a function's environment, builds
// the AWS clients that this function needs and no others, and joins stores,
// adapters and services through the ports that the services declare.
//
// Each function has one file here, whose builder returns the Lambda handler.
// Nothing is fetched or parsed before the first request: cold start is a feature.
package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/fielder-care/fielder/shared/care"
)

// env reads required settings and remembers what is missing.
type env struct{ missing []string }

func (e *env) must(name string) string {
	v := os.Getenv(name)
	if v == "" {
		e.missing = append(e.missing, name)
	}
	return v
}

func (e *env) err() error {
	if len(e.missing) > 0 {
		return fmt.Errorf("the function's environment lacks %s", strings.Join(e.missing, ", "))
	}
	return nil
}

// awsConfig builds the SDK's config from what Lambda puts into the environment.
// It does without the SDK's full loader, which brings profile files, SSO and
// instance metadata that a function never uses and that cost start-up time.
func awsConfig() aws.Config {
	cfg := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment"}
			if !c.HasKeys() {
				return c, errors.New("no AWS credentials in the environment")
			}
			return c, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 4; o.Backoff = retry.BackoffDelayerFunc(backOff) })
		},
	}
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = aws.String(url)
	}
	return cfg
}

// backOff is the pause before a repeated AWS call: 50 ms doubled each time, with
// full jitter. The SDK's own begins at a second, which is long for a function
// that somebody waits for and that is billed while it sleeps; behind it stand the
// workflow's retries with longer pauses.
func backOff(attempt int, _ error) (time.Duration, error) {
	limit := 50 * time.Millisecond << min(attempt, 5)
	return time.Duration(rand.Int64N(int64(limit))), nil
}

// clock tells the time. Where the local stack plays a recorded day, a small file
// holds how far its virtual time is from the wall clock, in nanoseconds; on AWS
// there is no such file and the clock is the wall clock.
func clock() func() time.Time {
	file := os.Getenv("FIELDER_CLOCK_FILE")
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		raw, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		ns, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		if err != nil {
			return time.Now()
		}
		return time.Now().Add(time.Duration(ns))
	}
}

// requestID names this invocation; it serves as owner token and correlation id.
func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		return lc.AwsRequestID
	}
	return "unknown-request"
}

// owner is an owner token: the invocation plus the time, because Lambda may run
// the same asynchronous request twice at once under one id.
func owner(clock func() time.Time) func(context.Context) string {
	var n sync.Mutex
	var last int64
	return func(ctx context.Context) string {
		n.Lock()
		defer n.Unlock()
		last = max(last+1, clock().UnixNano())
		return fmt.Sprintf("%s/%d/%d", requestID(ctx), os.Getpid(), last)
	}
}

// lazy builds something on first use and keeps it; a failure is tried again.
type lazy[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

func (l *lazy[T]) get(build func() (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return l.value, nil
	}
	v, err := build()
	if err != nil {
		var zero T
		return zero, err
	}
	l.value, l.done = v, true
	return v, nil
}

// unavailable turns an SDK error into a care.Error unless it is one.
func unavailable(op string, err error) error {
	var e *care.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		switch code := api.ErrorCode(); {
		case code == "AccessDeniedException":
			return care.Errorf(care.Denied, "%s: %w", op, err)
		case code == "ResourceNotFoundException":
			return care.Errorf(care.NotFound, "%s: %w", op, err)
		case strings.Contains(code, "Throttl") || code == "TooManyRequestsException" || code == "ProvisionedThroughputExceededException":
			return care.Errorf(care.Throttled, "%s: %w", op, err)
		}
	}
	return care.Errorf(care.Unavailable, "%s: %w", op, err)
}
