// Package claim joins the store with intake, for the functions through which
// posts come in.
package claim

import (
	"context"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/intake"
	"github.com/fielder-care/fielder/shared/store"
)

// Posts is the store as intake sees it.
type Posts struct{ *store.Table }

// ClaimPost claims a post.
func (c Posts) ClaimPost(ctx context.Context, p care.Post, correlation string) (intake.Claim, error) {
	got, err := c.Table.ClaimPost(ctx, p, correlation)
	return intake.Claim{New: got.New, Outcome: got.Outcome, Deleted: got.Deleted}, err
}
