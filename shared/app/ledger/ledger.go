// Package ledger composes the ledger function: a schedule's tick drives posts
// without a decision again, the workflow later those whose answer has waited;
// drafts whose time is over are closed, and PostEdited and PostDeleted from the
// bus are applied to what we hold.
package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/edge"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/ledger"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// Request is a schedule's tick, an event from the bus, or a post to resume.
type Request struct {
	events.Envelope
	// Resume is a post whose answer has waited long enough.
	Resume care.PostID `json:"resume,omitempty"`
}

// New builds the handler of the ledger function.
func New() (func(context.Context, Request) (ledger.Report, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	s := &ledger.Service{
		Books:    books{t},
		Posts:    editor{t, now},
		Drafts:   &drafts.Book{Store: t, Bus: b, Clock: now},
		Triager:  &edge.Triager{From: bundles.New(cfg, e.Must("FIELDER_CONFIG"))},
		Bus:      b,
		Parked:   parked{client: sqs.NewFromConfig(cfg), url: e.Must("FIELDER_PARKED_QUEUE")},
		Recorder: edge.Recorder{},
		Clock:    now,
	}
	return func(ctx context.Context, r Request) (ledger.Report, error) {
		switch {
		case r.Resume != "":
			return ledger.Report{}, s.Resume(ctx, r.Resume)
		case r.DetailType == "" || r.DetailType == "Scheduled Event":
			return s.Tick(ctx)
		}
		return ledger.Report{}, s.Handle(ctx, r.Envelope)
	}, e.Err()
}

// books is the store as the ledger's tick sees it.
type books struct{ *store.Table }

// Undecided lists posts without a decision.
func (b books) Undecided(ctx context.Context, before time.Time, limit int) ([]ledger.Undecided, error) {
	list, err := b.Table.Undecided(ctx, before, limit)
	out := make([]ledger.Undecided, 0, len(list))
	for _, r := range list {
		out = append(out, undecided(r))
	}
	return out, err
}

func undecided(r store.PostRecord) ledger.Undecided {
	return ledger.Undecided{Post: r.Post, Correlation: r.Correlation, Drives: r.Drives, DrivenAt: r.DrivenAt, Since: r.Post.ReceivedAt}
}

// Waiting finds a post that nobody has decided, or that failed.
func (b books) Waiting(ctx context.Context, id care.PostID) (ledger.Undecided, bool, error) {
	r, err := b.Table.Post(ctx, id)
	if care.CodeOf(err) == care.NotFound {
		return ledger.Undecided{}, false, nil
	}
	return undecided(r), r.Outcome == "" || r.Outcome == care.OutcomeFailed, err
}

// MarkDriven counts a drive.
func (b books) MarkDriven(ctx context.Context, id care.PostID) error {
	_, err := b.Table.MarkDriven(ctx, id)
	return err
}

// editor is the store as edits and deletions see it.
type editor struct {
	*store.Table
	now func() time.Time
}

// Outcome of a post.
func (x editor) Outcome(ctx context.Context, id care.PostID) (care.Outcome, error) {
	r, err := x.Table.Post(ctx, id)
	return r.Outcome, err
}

// Edit replaces the text; a post that is gone stays gone. A post that came to us
// first in this wording was not edited since. A plan that still waits was made for
// other words and is forgotten.
func (x editor) Edit(ctx context.Context, p care.Post) (again bool, err error) {
	known, err := x.Table.Post(ctx, p.ID())
	if err != nil {
		return false, err
	}
	if !p.ReceivedAt.IsZero() && !p.ReceivedAt.After(known.Post.ReceivedAt) {
		return false, nil
	}
	if known.Outcome == "" && known.Plan != nil && !known.Plan.Later(x.now()).IsZero() {
		err = x.Table.Rethink(ctx, p)
		again = err == nil
	} else {
		err = x.Table.EditPost(ctx, p)
	}
	if care.CodeOf(err) == care.Refused {
		return false, nil
	}
	return again, err
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
