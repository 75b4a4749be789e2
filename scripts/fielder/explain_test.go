package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestExplain: the whole story of a post, whichever way it went.
func TestExplain(t *testing.T) {
	startTestWorld(t)
	for _, r := range []struct {
		name, platform, body, id string
		says                     []string // in this order
		never                    []string
	}{
		{"answered", "messenger", "text_opening_hours", "messenger:m_1",
			[]string{"direct on messenger, in private", `"what are your opening hours?"`, "Triage: addressed, en, intent opening-hours", "Plan: answer, rule opening-hours",
				"Decision: answered", "Author: prospect", "Timeline, newest first:", "reply", "post", "waiting"},
			[]string{"Not decided yet"}},
		{"escalated", "messenger", "text_order_with_number", "messenger:m_2",
			[]string{"Plan: acknowledge", "Decision: escalated", "Conversation", "in queue", "first response due"}, nil},
		{"decided at the edge", "facebook", "comment_emoji", "facebook:810000000000001_900000000000035",
			[]string{"ignored at the edge", "says nothing that needs care"}, []string{"Triage:", "😍"}},
		{"edited and taken back", "facebook", "story_comment_", "facebook:810000000000001_5001",
			[]string{"deleted upstream", "Decision: answered", "Then edited:", "Then deleted:"}, []string{"how do I set up"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(bodies, r.platform, r.body+"*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no bodies: %v", err)
			}
			ingestFiles(t, r.platform, files...)
			stdout, stderr, err := fielder(t, "explain", r.id)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			rest := stdout
			for _, want := range r.says {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("it does not say %q (any more):\n%s", want, stdout)
					break
				}
				rest = after
			}
			for _, no := range r.never {
				if strings.Contains(stdout, no) {
					t.Errorf("it says %q:\n%s", no, stdout)
				}
			}
		})
	}
	if _, _, err := fielder(t, "explain", "x:404"); err == nil || !strings.Contains(err.Error(), "nothing is known about x:404") {
		t.Errorf("an unknown post: %v", err)
	}
}
