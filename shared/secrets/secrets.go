// Package secrets reads the deployment's secrets: signing secrets of webhooks
// and the accounts that speak and listen on platforms. A secret is fetched on
// first use and again after a while, so that a rotated token is picked up
// without a deployment. Nothing here prints its content.
package secrets

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// maxAge is how long a fetched secret is used: one call per instance and five
// minutes costs next to nothing ($0.05 per 10,000 calls).
const maxAge = 5 * time.Minute

// retryAfter is how long a secret that could not be refreshed is used before it
// is asked for again: not with every request, which would add to the trouble.
const retryAfter = 30 * time.Second

// API is the part of the Secrets Manager client that is used.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Ingest is what webhook needs: the secrets that platforms sign with.
type Ingest struct {
	X struct {
		ConsumerSecret string `json:"consumerSecret"`
	} `json:"x"`
	Meta struct {
		AppSecret   string `json:"appSecret"`
		VerifyToken string `json:"verifyToken"`
	} `json:"meta"`
}

const hidden = "[secret]"

// LogValue hides everything, as do String and GoString.
func (Ingest) LogValue() slog.Value { return slog.StringValue(hidden) }

func (Ingest) String() string   { return hidden }
func (Ingest) GoString() string { return hidden }

// Accounts is what poller and send need: accounts with their tokens.
type Accounts struct {
	Accounts []platform.Account `json:"accounts"`
}

// LogValue hides everything, as do String and GoString.
func (Accounts) LogValue() slog.Value { return slog.StringValue(hidden) }

func (Accounts) String() string   { return hidden }
func (Accounts) GoString() string { return hidden }

// Find returns our account on a platform; care.NotFound when there is none. An
// empty id finds the platform's only account.
func (a Accounts) Find(p care.Platform, id string) (platform.Account, error) {
	var only []platform.Account
	for _, acc := range a.Accounts {
		if acc.Platform != p {
			continue
		}
		if acc.Account == id {
			return acc, nil
		}
		only = append(only, acc)
	}
	if id == "" && len(only) == 1 {
		return only[0], nil
	}
	return platform.Account{}, care.Errorf(care.NotFound, "no account of ours on %s is set up for this", p)
}

// Secret is one secret of type T.
type Secret[T any] struct {
	client API
	arn    string
	clock  func() time.Time

	mu    sync.Mutex
	value T
	at    time.Time // of the last fetch, zero without a value
	tried time.Time // of the last failed refresh
}

// New makes a Secret; nothing is fetched yet.
func New[T any](client API, arn string, clock func() time.Time) *Secret[T] {
	return &Secret[T]{client: client, arn: arn, clock: clock}
}

// Get returns the secret. When it cannot be fetched again, the one at hand is
// used on, and it is tried again after a while; without one, the error is care.Unavailable, Denied or NotFound.
func (s *Secret[T]) Get(ctx context.Context) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && s.clock().Sub(s.at).Abs() < maxAge {
		return s.value, nil
	}
	if !s.at.IsZero() && s.clock().Sub(s.tried).Abs() < retryAfter {
		return s.value, nil
	}
	v, err := s.fetch(ctx)
	if err != nil && !s.at.IsZero() {
		s.tried = s.clock()
		slog.WarnContext(ctx, "secret not refreshed", "code", string(care.CodeOf(err)))
		return s.value, nil
	}
	if err != nil {
		return v, err
	}
	s.value, s.at = v, s.clock()
	return v, nil
}

func (s *Secret[T]) fetch(ctx context.Context) (T, error) {
	var v T
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.arn)})
	if err != nil {
		return v, care.Errorf(care.Unavailable, "the secret cannot be read: %w", err)
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &v); err != nil {
		// The JSON error could quote the secret: it is not passed on.
		return v, care.Errorf(care.Denied, "the secret is not the JSON that README.md describes")
	}
	return v, nil
}
