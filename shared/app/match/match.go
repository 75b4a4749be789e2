// Package match composes the match function, intake's second step: whose post it
// is and which conversation it belongs to. It needs the table only.
package match

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
	"github.com/fielder-care/fielder/shared/store"
)

// New builds the handler of the match function.
func New() (func(context.Context, app.Step) (care.Match, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	s := match.New(t, t, t, t)
	return func(ctx context.Context, in app.Step) (care.Match, error) {
		return s.Match(ctx, in.Post, in.Triage)
	}, e.Err()
}
