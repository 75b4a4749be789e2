package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/app/replay"
	"github.com/fielder-care/fielder/shared/care"
)

// TestRulesReplay: what the real functions decided comes out of a replay against
// the same rules as it is stored, a draft changes what it must, and the table is
// as it was. Then the decision of one post is told, by the deployed rules and by
// the draft.
func TestRulesReplay(t *testing.T) {
	w := startTestWorld(t)
	ids := map[care.PostID]bool{}
	for _, e := range expectations {
		switch e.name {
		case "mention_opening_hours", "comment_spanish_complaint", "dm_question", "text_opening_hours", "text_order_with_number", "keyword_about_us":
			for _, l := range ingestFiles(t, e.platform, filepath.Join(bodies, e.platform, e.name+".json")) {
				ids[care.PostID(l.ID)] = true
			}
		}
	}
	settle(t, w)
	if len(ids) < 4 {
		t.Fatalf("%d posts are too few to show anything", len(ids))
	}
	before, err := w.items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	since := today.Add(-time.Hour).Format(time.RFC3339)
	same := replayed(t, "--since", since)
	if same.Posts < len(ids) {
		t.Errorf("%d posts were replayed, at least %d are stored", same.Posts, len(ids))
	}
	for _, c := range same.Changes {
		for _, s := range c.Samples {
			if ids[s.ID] {
				t.Errorf("%s: %s, although the rules are the same: %+v", s.ID, c.Change, s)
			}
		}
	}

	draft := t.TempDir()
	if err := os.CopyFS(draft, os.DirFS(ownConfig)); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(draft, "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const rule = "  - name: opening-hours\n"
	text := strings.Replace(string(raw), rule, rule+"    enabled: false\n", 1)
	if text == string(raw) {
		t.Fatalf("rules.yaml has no %q", rule)
	}
	if err := os.WriteFile(filepath.Join(draft, "rules.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := replayed(t, "--since", since, "--config", draft)
	var lost int
	for _, r := range changed.Rules {
		if r.Rule == "opening-hours" {
			lost = r.Lost
		}
	}
	if lost < 2 || changed.Changed < lost {
		t.Errorf("rule opening-hours loses %d posts, %d change: %+v", lost, changed.Changed, changed.Rules)
	}

	out, stderr, err := fielder(t, "rules", "replay", "--since", since, "--config", draft)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, want := range []string{"Nothing was sent and nothing was written.", "would go another way", "cost of automated replies", "says in ", "decided at the edge and not stored",
		"in the order in which posts lie in the table", "read request units"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	out, stderr, err = fielder(t, "rules", "explain", "messenger:m_1", "--config", draft)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, want := range []string{`"what are your opening hours?"`, "It was answered", "Rule opening-hours decided (answer), by config ", "What the rules saw, ", "The door:", "door: It was sent.",
		"With " + draft, "opening-hours", "it is disabled"} {
		if !strings.Contains(out, want) {
			t.Errorf("explain does not say %q:\n%s", want, out)
		}
	}
	after, err := w.items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the table changed (-before +after):\n%s", diff)
	}
}

// replayed runs "fielder rules replay --json".
func replayed(t *testing.T, args ...string) replay.Report {
	t.Helper()
	out, stderr, err := fielder(t, append([]string{"rules", "replay", "--json", "--samples", "100"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	var r replay.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// TestMoment: how --since and --until are read.
func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"30d":                       now.AddDate(0, 0, -30),
		"12h":                       now.Add(-12 * time.Hour),
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01 09:30":          time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC),
		"2026-11-01T09:00:00+01:00": time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC),
	} {
		if got, err := moment("--since", in, now); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v; want %v", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "yesterday", "30", "-3d", "2026-13-01", "0h"} {
		if got, err := moment("--since", bad, now); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	if _, err := sweepOf("1h", "2h", now); err == nil {
		t.Error("a sweep may end before it begins")
	}
}
