package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fielder-care/fielder/scripts/day"
)

var committed = filepath.Join("..", "..", "events", "samples", "day")

// written makes the day and reads it as the demo does.
func written(t *testing.T) (map[string][]byte, []day.Line) {
	t.Helper()
	files, err := write()
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{}
	for name, data := range files {
		dir[name] = &fstest.MapFile{Data: data}
	}
	lines, err := day.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files, lines
}

// TestCommittedDay: the day in the repository is what this program writes.
func TestCommittedDay(t *testing.T) {
	files, _ := written(t)
	there, err := filepath.Glob(filepath.Join(committed, "*.jsonl"))
	if err != nil || len(there) != len(files) {
		t.Errorf("%d files are committed, %d are written: %v", len(there), len(files), err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what is written; run `go run ./scripts/samples` if that is meant", name)
		}
	}
}

// TestDay: what the recorded day must hold, counted from its bodies.
func TestDay(t *testing.T) {
	_, lines := written(t)
	posts, authors, platforms := map[string]int{}, map[string]bool{}, map[string]int{}
	changes, stories, repeats := map[string]int{}, map[string]int{}, 0
	calls, spanish, english := 0, 0, 0
	received := map[string]bool{}
	earlier := map[string]bool{} // changes of posts that came before their post
	for _, l := range lines {
		stories[l.Story]++
		p, ok, err := l.Post()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			calls++
			continue
		}
		changes[p.Change]++
		if p.Change != "received" {
			if !received[p.ID] {
				earlier[p.ID] = true
			}
			continue
		}
		received[p.ID] = true
		if posts[p.ID]++; posts[p.ID] > 1 {
			repeats++
			continue
		}
		authors[p.Author] = true
		platform, _, _ := strings.Cut(p.ID, ":")
		platforms[platform]++
		switch body := strings.ToLower(string(l.Body)); {
		case strings.Contains(body, `"lang":"es"`) || strings.ContainsAny(body, "¿¡ñ"):
			spanish++
		case strings.Contains(body, " the ") || strings.Contains(body, `"lang":"en"`):
			english++
		}
	}
	for _, r := range []struct {
		name      string
		got, want int
	}{
		{"posts", len(posts), 2000}, {"authors", len(authors), 500}, {"repeated deliveries", repeats, 20},
		{"edits", changes["edited"], 1}, {"deletions", changes["deleted"], 1}, {"calls", calls, 4},
		{"Spanish posts", spanish, 200}, {"English posts", english, 200}, {"stories", len(stories), 10},
		{"posts on X", platforms["x"], 200}, {"on Facebook", platforms["facebook"], 200}, {"on Instagram", platforms["instagram"], 200},
		{"in Messenger", platforms["messenger"], 20}, {"on Mastodon", platforms["mastodon"], 200}, {"on Bluesky", platforms["bluesky"], 200},
	} {
		if r.got < r.want {
			t.Errorf("%d %s, want at least %d", r.got, r.name, r.want)
		}
	}
	// A change of a post that never comes would be a mistake of the recording.
	for id := range earlier {
		if posts[id] == 0 {
			t.Errorf("%s is changed but never comes", id)
		}
	}
	expected := map[string]int{}
	for _, l := range lines {
		if l.Expect != "" {
			expected[l.Expect]++
		}
	}
	for _, outcome := range []string{"ignored", "answered", "escalated", "recorded"} {
		if expected[outcome] == 0 {
			t.Errorf("no scripted post is expected to be %s", outcome)
		}
	}
	for outcome := range expected {
		switch outcome {
		case "ignored", "answered", "escalated", "recorded":
		default:
			t.Errorf("a line expects %q, which is no outcome", outcome)
		}
	}
	// Only made-up people and brands: addresses under example domains, numbers
	// of the ranges kept for fiction.
	for _, l := range lines {
		for _, word := range strings.FieldsFunc(string(l.Body), func(r rune) bool { return strings.ContainsRune(" \"<>\\,;()", r) }) {
			_, host, mail := strings.Cut(word, "@")
			if mail && strings.Contains(host, ".") && !strings.HasPrefix(word, "@") && !strings.Contains(word, "://") && !strings.Contains(host, "example") {
				t.Errorf("%s: the address %s is not under an example domain", l.At, word)
			}
		}
	}
}

// TestWriteIsStable: the same day every time, whatever the order of Go's maps.
func TestWriteIsStable(t *testing.T) {
	first, err := write()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again, err := write()
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range first {
			if !bytes.Equal(again[name], data) {
				t.Fatalf("%s differs from one run to the next", name)
			}
		}
	}
}
