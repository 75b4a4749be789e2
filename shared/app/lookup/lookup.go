// Package lookup composes the lookup function, which tells a contact flow who is
// calling. A person waits on the line: it reads the table and the config, and
// nothing else.
package lookup

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/lookup"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the lookup function.
func New() (func(context.Context, lookup.FlowEvent) (map[string]string, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	s := &lookup.Service{People: t, Past: t, Bundles: bundles.New(cfg, e.Must("FIELDER_CONFIG")), Clock: now}
	return func(ctx context.Context, ev lookup.FlowEvent) (map[string]string, error) {
		out, err := s.Handle(ctx, ev)
		if err == nil {
			counts := map[string]float64{"Lookups": 1}
			if out["fielder_history"] == "true" {
				counts["LookupsWithHistory"] = 1
			}
			telemetry.Counts(ctx, counts, "")
		}
		return out, err
	}, e.Err()
}
