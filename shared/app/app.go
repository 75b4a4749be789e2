// Package app is the composition root. Each function has a package below it,
// whose New reads the function's environment, builds the AWS clients that this
// function needs, and joins stores, adapters and services through the ports that
// the services declare. What they all share is here.
//
// Why a package per function: Go initialises every package that a binary
// imports, used or not, and an AWS client's package costs up to half a
// millisecond of cold start. With one package for all functions each paid for
// the clients of all. Nothing is fetched, parsed or compiled before the first
// request: cold start is a feature, and `make bench` holds it to its target.
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

// Step is what the first steps of intake get.
type Step struct {
	Correlation string      `json:"correlation"`
	Post        care.Post   `json:"post"`
	Triage      care.Triage `json:"triage,omitzero"`
}

// Env reads required settings and remembers what is missing. The zero value is
// ready.
type Env struct{ missing []string }

// Must reads a variable that must not be empty.
func (e *Env) Must(name string) string {
	v := os.Getenv(name)
	if v == "" {
		e.missing = append(e.missing, name)
	}
	return v
}

// Err names everything that was missing.
func (e *Env) Err() error {
	if len(e.missing) > 0 {
		return fmt.Errorf("the function's environment lacks %s", strings.Join(e.missing, ", "))
	}
	return nil
}

// AWSConfig builds the SDK's config from what Lambda puts into the environment.
// It does without the SDK's full loader, which brings profile files, SSO and
// instance metadata that a function never uses and that cost start-up time.
func AWSConfig() aws.Config {
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

// Clock tells the time. Where the local stack plays a recorded day, a small file
// holds how far its virtual time is from the wall clock, in nanoseconds; on AWS
// there is no such file and the clock is the wall clock.
func Clock() func() time.Time {
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

// RequestID names this invocation; it serves as owner token and correlation id.
func RequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		return lc.AwsRequestID
	}
	return "unknown-request"
}

// Owner is an owner token: the invocation plus the time, because Lambda may run
// the same asynchronous request twice at once under one id.
func Owner(clock func() time.Time) func(context.Context) string {
	var n sync.Mutex
	var last int64
	return func(ctx context.Context) string {
		n.Lock()
		defer n.Unlock()
		last = max(last+1, clock().UnixNano())
		return fmt.Sprintf("%s/%d/%d", RequestID(ctx), os.Getpid(), last)
	}
}

// Lazy builds something on first use and keeps it; a failure is tried again.
type Lazy[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

// Get gives the value, and builds it first if there is none yet.
func (l *Lazy[T]) Get(build func() (T, error)) (T, error) {
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

// Unavailable turns an SDK error into a care.Error unless it is one.
func Unavailable(op string, err error) error {
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
