package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/fielder-care/fielder/shared/care"
)

func TestWrapKeepsTheCode(t *testing.T) {
	rows := []struct {
		name          string
		err           error
		typ, contains string
	}{
		{"a care error", care.Errorf(care.Throttled, "slow down"), "Throttled", "slow down"},
		{"a wrapped care error", fmt.Errorf("post reply: %w", care.Errorf(care.Unknown, "timed out")), "Unknown", "timed out"},
		{"a joined care error", errors.Join(errors.New("a"), care.Errorf(care.Denied, "no token")), "Denied", "no token"},
		{"any other error tells nothing", errors.New("secret detail"), "Internal", "internal error"},
		{"converted already", messages.InvokeResponse_Error{Type: "Busy", Message: "later"}, "Busy", "later"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			_, err := Wrap(func(context.Context, int) (int, error) { return 1, r.err })(t.Context(), 1)
			got, ok := err.(messages.InvokeResponse_Error) // aws-lambda-go looks for the value by type assertion
			if !ok || got.Type != r.typ || got.Message != r.contains {
				t.Errorf("got %#v", err)
			}
		})
	}
	t.Run("OK", func(t *testing.T) {
		out, err := Wrap(func(_ context.Context, in int) (int, error) { return in + 1, nil })(t.Context(), 1)
		if out != 2 || err != nil {
			t.Errorf("got %d, %v", out, err)
		}
	})
}

func TestMetricsAreEMF(t *testing.T) {
	var buf bytes.Buffer
	old := metricsOut
	metricsOut = &buf
	t.Cleanup(func() { metricsOut = old })
	t.Setenv("FIELDER_STAGE", "dev")
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "fielder-dev-webhook")
	Counts(t.Context(), map[string]float64{"PostsReceived": 3, "not ok": 1}, "x")
	Count(t.Context(), "OldestUndecidedSeconds", 7, "")
	Counts(t.Context(), nil, "x")
	CountStage(t.Context(), "ConfigRefused", 1)

	lines := bytes.Split(bytes.TrimSpace(buf.Bytes()), []byte("\n"))
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), buf.Bytes())
	}
	type line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
		Function, Platform     string
		PostsReceived          float64
		OldestUndecidedSeconds float64
	}
	var first, second, third line
	if err := json.Unmarshal(lines[0], &first); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(lines[1], &second); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(lines[2], &third); err != nil {
		t.Fatal(err)
	}
	m := first.AWS.CloudWatchMetrics[0]
	if m.Namespace != "Fielder/dev" || fmt.Sprint(m.Dimensions) != "[[function] [function platform]]" || len(m.Metrics) != 1 ||
		first.Function != "webhook" || first.Platform != "x" || first.PostsReceived != 3 || first.AWS.Timestamp == 0 {
		t.Errorf("got %s", lines[0])
	}
	if m := second.AWS.CloudWatchMetrics[0]; fmt.Sprint(m.Dimensions) != "[[function]]" || m.Metrics[0].Unit != "Seconds" || second.OldestUndecidedSeconds != 7 {
		t.Errorf("got %s", lines[1])
	}
	if m := third.AWS.CloudWatchMetrics[0]; fmt.Sprint(m.Dimensions) != "[[function] []]" || third.Function != "webhook" {
		t.Errorf("got %s", lines[2])
	}
}
