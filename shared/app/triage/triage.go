// Package triage composes the triage function, intake's first step: how a post is
// to be read. It needs the config only, so no other AWS client is linked in.
package triage

import (
	"context"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/edge"
	"github.com/fielder-care/fielder/shared/care"
)

// New builds the handler of the triage function.
func New() (func(context.Context, app.Step) (care.Triage, error), error) {
	var e app.Env
	cfg := app.AWSConfig()
	t := &edge.Triager{From: bundles.New(cfg, e.Must("FIELDER_CONFIG"))}
	return func(ctx context.Context, in app.Step) (care.Triage, error) {
		if _, _, ok := in.Post.ID().Split(); !ok {
			return care.Triage{}, care.Errorf(care.Invalid, "the input holds no post")
		}
		return t.Triage(ctx, in.Post)
	}, e.Err()
}
