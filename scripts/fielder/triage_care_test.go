package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
)

// The made-up posts of testdata/care/test.jsonl, of companies and trades that
// training has not seen. They were written to be hard: most complaints there only
// imply. Each floor is a little below what was measured; whoever makes it worse
// must say why.
func TestCareFloors(t *testing.T) {
	for _, row := range []struct {
		task            string
		accuracy, macro float64
	}{
		{"sentiment", 0.72, 0.66},
		{"complaint", 0.77, 0.77},
		{"question", 0.95, 0.94},
		{"praise", 0.86, 0.70},
		{"spam", 0.97, 0.85},
		{"abuse", 0.97, 0.75},
		{"language", 0.97, 0.95},
	} {
		var out bytes.Buffer
		if err := evaluate(context.Background(), []string{"--data", "testdata/care/test.jsonl", "--task", row.task, "--json"}, &out, &out); err != nil {
			t.Fatalf("%s: %v\n%s", row.task, err, &out)
		}
		var m metrics
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m.Posts != 106 {
			t.Errorf("%s: measured on %d posts, there are 106", row.task, m.Posts)
		}
		if m.Accuracy < row.accuracy || m.Macro.F1 < row.macro {
			t.Errorf("%s: accuracy %.3f and macro F1 %.3f, want at least %.2f and %.2f", row.task, m.Accuracy, m.Macro.F1, row.accuracy, row.macro)
		}
	}
}
