// Package bus puts facts on the EventBridge bus. PutEvents may take some entries
// of a call and refuse others; those are sent again, each by itself, and only
// when every entry is in has Publish succeeded. An event may arrive twice, so
// every consumer is idempotent.
package bus

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// Limits of PutEvents (EventBridge quotas, 2026): entries and bytes per call.
const (
	MaxEntries = 10
	MaxBytes   = 1_000_000 // under the 1 MB (1,048,576 bytes) that AWS allows
)

// attempts bounds how often refused entries are sent again within one Publish.
const attempts = 4

// API is the part of the EventBridge client that the bus needs.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Bus publishes events with one source.
type Bus struct {
	client API
	name   string
	source string
	pause  func(context.Context, time.Duration) error
}

// New makes a Bus that publishes to the named bus as "fielder.<function>".
func New(client API, name, function string) *Bus {
	return &Bus{client: client, name: name, source: "fielder." + function, pause: sleep}
}

// Publish sends the details and returns nil only when all of them are durably
// on the bus. It returns care.Invalid for an event that is too large and
// care.Unavailable when EventBridge keeps refusing; some of the events may then
// be on the bus already.
func (b *Bus) Publish(ctx context.Context, details ...events.Detail) error {
	entries := make([]types.PutEventsRequestEntry, 0, len(details))
	for _, d := range details {
		raw, err := events.Encode(d)
		if err != nil {
			return err
		}
		entries = append(entries, types.PutEventsRequestEntry{
			EventBusName: aws.String(b.name),
			Source:       aws.String(b.source),
			DetailType:   aws.String(d.Type()),
			Detail:       aws.String(string(raw)),
		})
	}
	for len(entries) > 0 {
		n := fit(entries)
		if err := b.put(ctx, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// fit returns how many of the entries go into one call.
func fit(entries []types.PutEventsRequestEntry) int {
	size := 0
	for i, e := range entries {
		size += len(*e.Source) + len(*e.DetailType) + len(*e.Detail)
		if i == MaxEntries || (i > 0 && size > MaxBytes) {
			return i
		}
	}
	return len(entries)
}

func (b *Bus) put(ctx context.Context, entries []types.PutEventsRequestEntry) error {
	var last string
	for try := 0; try < attempts; try++ {
		if try > 0 {
			if err := b.pause(ctx, 50*time.Millisecond<<try); err != nil {
				break
			}
		}
		out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			var denied interface{ ErrorCode() string }
			if errors.As(err, &denied) && denied.ErrorCode() == "AccessDeniedException" {
				return care.Errorf(care.Denied, "PutEvents: %w", err)
			}
			return care.Errorf(care.Unavailable, "PutEvents: %w", err) // the SDK has retried already
		}
		if out.FailedEntryCount == 0 {
			return nil
		}
		var again []types.PutEventsRequestEntry
		for i, r := range out.Entries {
			if r.ErrorCode != nil && i < len(entries) {
				again = append(again, entries[i])
				last = *r.ErrorCode
			}
		}
		entries = again
	}
	return care.Errorf(care.Unavailable, "EventBridge refused %d events, last with %s", len(entries), last)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
