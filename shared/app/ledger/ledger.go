// Package ledger composes the ledger function: a schedule's tick drives posts
// without a decision again and closes drafts whose time is over, and PostEdited and PostDeleted from the bus are
// applied to what we hold.
package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/edge"
	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/ledger"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the ledger function: a schedule's tick, or
// PostEdited and PostDeleted from the bus.
func New() (func(context.Context, events.Envelope) (ledger.Report, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	s := &ledger.Service{
		Books:    books{t},
		Posts:    editor{t},
		Drafts:   &drafts.Book{Store: t, Bus: b, Clock: now},
		Triager:  &edge.Triager{From: appconfig.New(appconfigdata.NewFromConfig(cfg), e.Must("FIELDER_CONFIG"))},
		Bus:      b,
		Parked:   parked{client: sqs.NewFromConfig(cfg), url: e.Must("FIELDER_PARKED_QUEUE")},
		Recorder: edge.Recorder{},
		Clock:    now,
	}
	return func(ctx context.Context, env events.Envelope) (ledger.Report, error) {
		if env.DetailType == "" || env.DetailType == "Scheduled Event" {
			return s.Tick(ctx)
		}
		return ledger.Report{}, s.Handle(ctx, env)
	}, e.Err()
}

// books is the store as the ledger's tick sees it.
type books struct{ *store.Table }

// Undecided lists posts without a decision.
func (b books) Undecided(ctx context.Context, before time.Time, limit int) ([]ledger.Undecided, error) {
	list, err := b.Table.Undecided(ctx, before, limit)
	out := make([]ledger.Undecided, 0, len(list))
	for _, r := range list {
		out = append(out, ledger.Undecided{Post: r.Post, Correlation: r.Correlation, Drives: r.Drives, DrivenAt: r.DrivenAt, Since: r.Post.ReceivedAt})
	}
	return out, err
}

// MarkDriven counts a drive.
func (b books) MarkDriven(ctx context.Context, id care.PostID) error {
	_, err := b.Table.MarkDriven(ctx, id)
	return err
}

// editor is the store as edits and deletions see it.
type editor struct{ *store.Table }

// Outcome of a post.
func (x editor) Outcome(ctx context.Context, id care.PostID) (care.Outcome, error) {
	r, err := x.Table.Post(ctx, id)
	return r.Outcome, err
}

// Edit replaces the text; a post that is gone stays gone.
// A post that came to us first in this wording was not edited since.
func (x editor) Edit(ctx context.Context, p care.Post) error {
	known, err := x.Table.Post(ctx, p.ID())
	if err != nil {
		return err
	}
	if !p.ReceivedAt.IsZero() && !p.ReceivedAt.After(known.Post.ReceivedAt) {
		return nil
	}
	err = x.Table.EditPost(ctx, p)
	if care.CodeOf(err) == care.Refused {
		return nil
	}
	return err
}

// Claim records an unknown post.
func (x editor) Claim(ctx context.Context, p care.Post, correlation string) (bool, error) {
	c, err := x.Table.ClaimPost(ctx, p, correlation)
	return c.New, err
}

// parked is the queue of what a person must look at.
type parked struct {
	client *sqs.Client
	url    string
}

// Park puts something there.
func (p parked) Park(ctx context.Context, what any) error {
	b, err := json.Marshal(what)
	if err != nil {
		return care.Errorf(care.Internal, "encode what is parked: %w", err)
	}
	_, err = p.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(p.url), MessageBody: aws.String(string(b))})
	return app.Unavailable("park", err)
}
