package patterns

import (
	"slices"
	"testing"
)

func TestLoad(t *testing.T) {
	want := []string{Archive, ContactEvent, ConversationResolved, PostChanged, PostReceived}
	if got := Names(); !slices.Equal(got, want) {
		t.Fatalf("patterns %v, want %v", got, want)
	}
	for _, name := range Names() {
		pattern, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		// Without a source a rule would hear everyone on the bus.
		if sources, _ := pattern["source"].([]any); len(sources) == 0 {
			t.Errorf("%s names no source", name)
		}
	}
	if _, err := Load("nothing"); err == nil {
		t.Error("a pattern that does not exist was loaded")
	}
}
