package bus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// api refuses the entries that refuse names, call by call.
type api struct {
	calls  [][]types.PutEventsRequestEntry
	refuse func(call, index int) bool
	err    error
}

func (a *api) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if a.err != nil {
		return nil, a.err
	}
	a.calls = append(a.calls, in.Entries)
	out := &eventbridge.PutEventsOutput{}
	for i := range in.Entries {
		r := types.PutEventsResultEntry{EventId: aws.String("id")}
		if a.refuse != nil && a.refuse(len(a.calls), i) {
			r = types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")}
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

func newBus(a *api) *Bus {
	b := New(a, "fielder-test", "webhook")
	b.pause = func(context.Context, time.Duration) error { return nil }
	return b
}

func posts(n, size int) []events.Detail {
	var out []events.Detail
	for range n {
		out = append(out, &events.PostReceived{Meta: events.Meta{Correlation: "c"}, Post: care.Post{Text: strings.Repeat("x", size)}})
	}
	return out
}

func TestPublish(t *testing.T) {
	t.Run("OK source, type and version", func(t *testing.T) {
		a := &api{}
		if err := newBus(a).Publish(t.Context(), posts(1, 1)...); err != nil {
			t.Fatal(err)
		}
		e := a.calls[0][0]
		if *e.Source != "fielder.webhook" || *e.DetailType != "PostReceived" || *e.EventBusName != "fielder-test" || !strings.Contains(*e.Detail, `"version":"1"`) {
			t.Errorf("got %s %s %s %s", *e.Source, *e.DetailType, *e.EventBusName, *e.Detail)
		}
	})
	t.Run("OK ten entries per call", func(t *testing.T) {
		a := &api{}
		if err := newBus(a).Publish(t.Context(), posts(23, 1)...); err != nil || len(a.calls) != 3 {
			t.Errorf("%d calls, %v", len(a.calls), err)
		}
	})
	t.Run("OK a call stays below 1 MB", func(t *testing.T) {
		a := &api{}
		if err := newBus(a).Publish(t.Context(), posts(10, 120_000)...); err != nil || len(a.calls) != 2 {
			t.Errorf("%d calls, %v", len(a.calls), err)
		}
	})
	t.Run("OK only refused entries are sent again", func(t *testing.T) {
		a := &api{refuse: func(call, i int) bool { return call == 1 && i%2 == 0 }}
		if err := newBus(a).Publish(t.Context(), posts(5, 1)...); err != nil || len(a.calls) != 2 || len(a.calls[1]) != 3 {
			t.Errorf("calls %d, %v", len(a.calls), err)
		}
	})
	t.Run("OK nothing to publish", func(t *testing.T) {
		a := &api{}
		if err := newBus(a).Publish(t.Context()); err != nil || len(a.calls) != 0 {
			t.Errorf("%d calls, %v", len(a.calls), err)
		}
	})
	t.Run("ErrUnavailable when an entry is refused again and again", func(t *testing.T) {
		a := &api{refuse: func(_, i int) bool { return i == 0 }}
		err := newBus(a).Publish(t.Context(), posts(2, 1)...)
		if care.CodeOf(err) != care.Unavailable || len(a.calls) != attempts {
			t.Errorf("%d calls, %v", len(a.calls), err)
		}
	})
	t.Run("ErrUnavailable when the call fails", func(t *testing.T) {
		if err := newBus(&api{err: errors.New("reset")}).Publish(t.Context(), posts(1, 1)...); care.CodeOf(err) != care.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrDenied", func(t *testing.T) {
		a := &api{err: &smithy.GenericAPIError{Code: "AccessDeniedException"}}
		if err := newBus(a).Publish(t.Context(), posts(1, 1)...); care.CodeOf(err) != care.Denied {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrInvalid too large, and nothing goes out", func(t *testing.T) {
		a := &api{}
		err := newBus(a).Publish(t.Context(), append(posts(1, 1), posts(1, events.MaxDetailBytes)...)...)
		if care.CodeOf(err) != care.Invalid || len(a.calls) != 0 {
			t.Errorf("%d calls, %v", len(a.calls), err)
		}
	})
}
