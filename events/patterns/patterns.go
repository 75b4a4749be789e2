// Package patterns holds the EventBridge patterns of Fielder's rules as data,
// one JSON file per rule. The CDK app deploys them, the local stack runs them
// from the template, and tests hold them against samples of the events.
//
// A file is the pattern itself, in EventBridge's own syntax ("Amazon EventBridge
// event patterns"). Patterns name the contract's version, so that a new version
// of an event reaches nobody who does not know it.
package patterns

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.json
var files embed.FS

// The patterns.
const (
	PostReceived         = "post-received"         // a post that needs a decision
	PostChanged          = "post-changed"          // a post edited or deleted upstream
	ConversationResolved = "conversation-resolved" // nobody owes anything any more
	ContactEvent         = "contact-event"         // Amazon Connect: an agent took a contact, or it ended
	Archive              = "archive"               // what the bus's archive keeps
)

// Names lists the patterns, sorted.
func Names() []string {
	entries, err := fs.Glob(files, "*.json")
	if err != nil {
		panic(err) // the glob is a constant
	}
	for i, e := range entries {
		entries[i] = strings.TrimSuffix(e, ".json")
	}
	return entries
}

// Load returns a pattern by name. The error names a pattern that does not exist
// or is not a JSON object.
func Load(name string) (map[string]any, error) {
	data, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("event pattern %q: %w", name, err)
	}
	var pattern map[string]any
	if err := json.Unmarshal(data, &pattern); err != nil {
		return nil, fmt.Errorf("event pattern %q: %w", name, err)
	}
	return pattern, nil
}
