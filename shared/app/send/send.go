// Package send composes the send function, the one door out. It opens a client
// per account when there is something to say there, and keeps it: some hold a
// session.
package send

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/bluesky"
	"github.com/fielder-care/fielder/shared/platform/mastodon"
	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/x"
	"github.com/fielder-care/fielder/shared/secrets"
	"github.com/fielder-care/fielder/shared/send"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the send function, the one door out.
func New() (func(context.Context, send.Request) (send.Result, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	s := &send.Service{
		Once: idempotency.New(t, now), Locks: t, History: history{t},
		Door: &door{accounts: secrets.New[secrets.Accounts](secretsmanager.NewFromConfig(cfg), e.Must("FIELDER_SECRET_WRITE"), time.Now),
			now: now, open: map[platform.Account]send.Platform{}},
		Bundles: bundles.New(cfg, e.Must("FIELDER_CONFIG")),
		Bus:     bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function()),
		Clock:   now, Owner: app.Owner(now),
	}
	return func(ctx context.Context, r send.Request) (send.Result, error) {
		res, err := s.Handle(ctx, r)
		if err == nil && r.Kind == send.KindReply {
			name := map[string]string{send.StatusSent: "RepliesSent", send.StatusRefused: "RepliesRefused", send.StatusParked: "RepliesParked"}[res.Status]
			telemetry.Count(ctx, name, 1, string(r.Post.Platform))
		}
		return res, err
	}, e.Err()
}

// history is the store as the door sees it.
type history struct{ *store.Table }

// Upstream tells whether a post is gone, and whether one of our accounts was seen
// answering what it says now.
func (h history) Upstream(ctx context.Context, id care.PostID) (deleted, answered bool, err error) {
	r, err := h.Post(ctx, id)
	if care.CodeOf(err) == care.NotFound {
		return false, false, nil
	}
	return !r.Deleted.IsZero(), !r.Answered.IsZero() && !r.Answered.Before(r.EditedAt), err
}

// door opens platform clients and keeps them: some hold a session.
type door struct {
	accounts *secrets.Secret[secrets.Accounts]
	now      func() time.Time

	mu   sync.Mutex
	open map[platform.Account]send.Platform
}

// Open finds the client of one of our accounts.
func (d *door) Open(ctx context.Context, p care.Platform, account string) (send.Platform, error) {
	all, err := d.accounts.Get(ctx)
	if err != nil {
		return nil, err
	}
	acc, err := all.Find(p, account)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.open[acc]; c != nil {
		return c, nil
	}
	var c send.Platform
	switch p {
	case care.X:
		c = x.New(acc, platform.NewHTTPClient(), d.now)
	case care.Facebook, care.Messenger, care.Instagram:
		c = meta.New(acc, platform.NewHTTPClient(), d.now)
	case care.Mastodon:
		c = mastodon.New(acc, platform.NewHTTPClient(), d.now)
	case care.Bluesky:
		c = bluesky.New(acc, platform.NewHTTPClient(), d.now)
	default:
		return nil, care.Errorf(care.NotFound, "nothing can be said on %s", p)
	}
	d.open[acc] = c
	return c, nil
}
