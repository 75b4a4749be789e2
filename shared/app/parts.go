package app

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/intake"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
	"github.com/fielder-care/fielder/shared/triage"
)

// What several functions are made of.

func table(e *env, cfg aws.Config, now func() time.Time) *store.Table {
	return store.New(dynamodb.NewFromConfig(cfg), e.must("FIELDER_TABLE"), now)
}

func eventBus(e *env, cfg aws.Config) *bus.Bus {
	return bus.New(eventbridge.NewFromConfig(cfg), e.must("FIELDER_BUS"), telemetry.Function())
}

func bundles(e *env, cfg aws.Config) *appconfig.Source {
	return appconfig.New(appconfigdata.NewFromConfig(cfg), e.must("FIELDER_CONFIG"))
}

// source of the current bundle.
type source interface {
	Current(context.Context) (*config.Bundle, error)
}

// triager triages with the current bundle; the engine is built once per bundle.
type triager struct {
	bundles source

	mu     sync.Mutex
	bundle *config.Bundle
	engine *triage.Triager
}

// Triage looks at a post.
func (t *triager) Triage(ctx context.Context, p care.Post) (care.Triage, error) {
	b, err := t.bundles.Current(ctx)
	if err != nil {
		return care.Triage{}, err
	}
	t.mu.Lock()
	if t.bundle != b {
		t.bundle, t.engine = b, triage.New(b.Brand, b.Routing)
	}
	engine := t.engine
	t.mu.Unlock()
	return engine.Triage(p), nil
}

// recorder writes edge decisions and metrics.
type recorder struct{}

func (recorder) Decided(ctx context.Context, id care.PostID, change care.Change, outcome care.Outcome, reasons []care.Reason) {
	telemetry.Decided(ctx, id, change, outcome, reasons)
}

func (recorder) Counts(ctx context.Context, values map[string]float64, platform string) {
	telemetry.Counts(ctx, values, platform)
}

// claims is the store as intake sees it.
type claims struct{ *store.Table }

// ClaimPost claims a post.
func (c claims) ClaimPost(ctx context.Context, p care.Post, correlation string) (intake.Claim, error) {
	got, err := c.Table.ClaimPost(ctx, p, correlation)
	return intake.Claim{New: got.New, Outcome: got.Outcome, Deleted: got.Deleted}, err
}

// optional is an environment variable that may be empty.
func optional(name string) string { return os.Getenv(name) }
