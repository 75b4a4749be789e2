// Package edge is what the functions that triage have in common: a triager that
// follows the deployed config, and the record of what was decided before it cost
// anything. It builds no AWS clients.
package edge

import (
	"context"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/telemetry"
	"github.com/fielder-care/fielder/shared/triage"
)

// Bundles are the source of the current bundle.
type Bundles interface {
	Current(context.Context) (*config.Bundle, error)
}

// Triager triages with the current bundle; the engine is built once per bundle.
type Triager struct {
	From Bundles

	mu     sync.Mutex
	bundle *config.Bundle
	engine *triage.Triager
}

// Triage looks at a post.
func (t *Triager) Triage(ctx context.Context, p care.Post) (care.Triage, error) {
	b, err := t.From.Current(ctx)
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

// Recorder writes edge decisions and metrics.
type Recorder struct{}

// Decided logs what the edge decided.
func (Recorder) Decided(ctx context.Context, id care.PostID, change care.Change, outcome care.Outcome, reasons []care.Reason) {
	telemetry.Decided(ctx, id, change, outcome, reasons)
}

// Counts writes metrics.
func (Recorder) Counts(ctx context.Context, values map[string]float64, platform string) {
	telemetry.Counts(ctx, values, platform)
}
