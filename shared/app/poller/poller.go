// Package poller composes the poller function, which reads the platforms that do
// not push: Mastodon and Bluesky. Its clients keep their sessions between runs.
package poller

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/claim"
	"github.com/fielder-care/fielder/shared/app/edge"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/intake"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/bluesky"
	"github.com/fielder-care/fielder/shared/platform/mastodon"
	"github.com/fielder-care/fielder/shared/secrets"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// Request is what a schedule sends: which of our accounts to read. An empty
// account means the platform's only one.
type Request struct {
	Platform care.Platform `json:"platform"`
	Account  string        `json:"account"`
}

// New builds the handler of the poller function.
func New() (func(context.Context, Request) (intake.PollReport, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	accounts := secrets.New[secrets.Accounts](secretsmanager.NewFromConfig(cfg), e.Must("FIELDER_SECRET_READ"), time.Now)
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	p := &intake.Poller{
		Service: &intake.Service{
			Answers:  &drafts.Book{Store: t, Sightings: t, Bus: b, Clock: now},
			Triager:  &edge.Triager{From: bundles.New(cfg, e.Must("FIELDER_CONFIG"))},
			Posts:    claim.Posts{Table: t},
			Bus:      b,
			Recorder: edge.Recorder{},
		},
		Cursors: cursors{t},
		Clock:   now,
		Pause:   pause,
	}
	token := app.Owner(now)
	var sources app.Lazy[map[platform.Account]pages] // sessions are kept between runs
	return func(ctx context.Context, r Request) (intake.PollReport, error) {
		all, err := accounts.Get(ctx)
		if err != nil {
			return intake.PollReport{}, err
		}
		acc, err := all.Find(r.Platform, r.Account)
		if err != nil {
			return intake.PollReport{}, err
		}
		known, err := sources.Get(func() (map[platform.Account]pages, error) { return map[platform.Account]pages{}, nil })
		if err != nil {
			return intake.PollReport{}, err
		}
		src, ok := known[acc]
		if !ok {
			switch acc.Platform {
			case care.Mastodon:
				src = pages{mastodon.New(acc, platform.NewHTTPClient(), now)}
			case care.Bluesky:
				src = pages{bluesky.New(acc, platform.NewHTTPClient(), now)}
			default:
				return intake.PollReport{}, care.Errorf(care.Invalid, "%s is not polled: it pushes", acc.Platform)
			}
			known[acc] = src
		}
		return p.Run(ctx, string(acc.Platform)+":"+acc.Account, token(ctx), app.RequestID(ctx), src)
	}, e.Err()
}

// pages is a platform's client as the poller sees it.
type pages struct {
	client interface {
		Poll(ctx context.Context, cursor string) (platform.Page, error)
	}
}

// Poll fetches one page. A rate limit with a known end is a page that asks to
// wait.
func (p pages) Poll(ctx context.Context, cursor string) (intake.Page, error) {
	got, err := p.client.Poll(ctx, cursor)
	if wait, limited := platform.RetryAfter(err); limited && care.CodeOf(err) == care.Throttled {
		return intake.Page{Cursor: cursor, Wait: wait}, nil
	}
	return intake.Page{Batch: got.Batch, Cursor: got.Cursor, More: got.More, Wait: got.Wait}, err
}

// cursors is the store as the poller sees it.
type cursors struct{ *store.Table }

// ReleaseCursor ends the lease, or keeps it until a rate limit is over.
func (c cursors) ReleaseCursor(ctx context.Context, name, owner string, until time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if until.IsZero() {
		return c.Table.ReleaseCursor(ctx, name, owner)
	}
	_, err := c.Table.LeaseCursor(ctx, name, owner, until)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
