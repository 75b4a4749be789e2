package main

import (
	"encoding/json"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// decided is the edge's record of a post: one structured log line.
type decided struct {
	Message  string   `json:"message"`
	Msg      string   `json:"msg"`
	PostID   string   `json:"postId"`
	Platform string   `json:"platform"`
	Change   string   `json:"change"`
	Outcome  string   `json:"outcome"`
	Reasons  []string `json:"reasons"`
}

// readDecided reads such a line; false for any other.
func readDecided(text string) (decided, bool) {
	if !strings.Contains(text, `"decided"`) {
		return decided{}, false
	}
	var d decided
	if json.Unmarshal([]byte(text), &d) != nil || d.PostID == "" || (d.Message != "decided" && d.Msg != "decided") {
		return decided{}, false
	}
	return d, true
}

// texts turns reasons into sentences with their source.
func texts(reasons []care.Reason) []string {
	out := make([]string, 0, len(reasons))
	for _, r := range reasons {
		out = append(out, r.By+": "+r.Text)
	}
	return out
}
