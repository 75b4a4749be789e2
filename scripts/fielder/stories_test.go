package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/scripts/scenarios"
	"github.com/fielder-care/fielder/shared/config"
)

// TestStories tells the whole suite, each story on a stack of its own.
func TestStories(t *testing.T) {
	all, bundle := suite(t)
	for _, s := range all {
		t.Run(s.ID(), func(t *testing.T) {
			t.Parallel()
			var transcript bytes.Buffer
			if err := tell(t.Context(), s, bundle, 0, &transcript); err != nil {
				t.Errorf("%v\n\n%s", err, transcript.String())
			}
			if n := strings.Count(transcript.String(), "  "+s.Steps[0].Text); n == 0 {
				t.Error("the transcript does not tell how the story begins")
			}
		})
	}
}

// TestStoriesCanFail: a story that says what is not so fails, at the line that
// says it.
func TestStoriesCanFail(t *testing.T) {
	_, bundle := suite(t)
	const begin = `Story: It cannot be
Why: A suite that holds whatever happens shows nothing.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Gwen has 140 followers
  Bill is customer C-1001
Gwen posts on x "what are your opening hours?" as question
Bill posts on x "I am furious, my bill is wrong for the third time" as complaint
`
	names := scenarios.Names{Rules: []string{"opening-hours", "outage"}, Queues: []string{"care-billing", "care-general"}}
	for _, r := range []struct{ line, want string }{
		{"expect question is escalated", "it is answered"},
		{"expect question is answered by rule outage", `rule "opening-hours" made the decision`},
		{"expect question is undecided", "it is answered"},
		{`expect a reply to question with "no idea"`, "we said"},
		{`expect a private reply to question with "8:00"`, "private false"},
		{`expect a reply to complaint with "sorry"`, "we said nothing"},
		{"expect no reply to question", "we said"},
		{`expect no reply to question says "8:00"`, "we said"},
		{"expect 3 replies in all", "there are 1"},
		{"expect nothing is said at all", "there are 1"},
		{"expect complaint in queue care-general", "it is in care-billing"},
		{"expect question in queue care-general", "not escalated"},
		{"expect complaint due at 12:30", "it is due at Tue 24 Nov 16:0"},
		{"expect complaint before complaint", "the priorities are"},
		{"expect the conversation of complaint is resolved", "it is open"},
		{"expect question and complaint in one conversation", "they are in con_"},
		{"expect complaint and complaint in two conversations", "they are in con_"},
		{"expect the task of complaint is none", "it is waiting"},
		{"expect the draft of complaint is pending", "draft"},
		{"expect the draft of complaint says nothing", "draft"},
		{`expect the timeline of Bill holds "thank you"`, "it holds"},
		{`expect the timeline of Bill lacks "furious"`, "it holds"},
		{`expect the reasons of complaint hold "weather"`, "the reasons are"},
		{`expect lookup says "Bill"`, "nobody has called"},
		{"ana finishes the task of question", "no task"},
		{"Bill deletes question", "only Gwen"},
	} {
		t.Run(r.line, func(t *testing.T) {
			t.Parallel()
			s, mistakes := scenarios.Parse("no.story", begin+r.line+"\nexpect nothing lost and nothing said twice\n", names)
			if len(mistakes) > 0 {
				t.Fatal(mistakes)
			}
			var transcript bytes.Buffer
			err := tell(t.Context(), s, bundle, 0, &transcript)
			if err == nil || !strings.HasPrefix(err.Error(), "no.story:9: "+r.line+": ") || !strings.Contains(err.Error(), r.want) {
				t.Errorf("got %v, want %q\n%s", err, r.want, transcript.String())
			}
		})
	}
}

// TestEveryVerbRuns: what can be written can be told, and nothing else.
func TestEveryVerbRuns(t *testing.T) {
	known := map[string]bool{}
	for _, v := range scenarios.Verbs {
		known[v.Name] = true
		expects := strings.HasPrefix(v.Pattern, "expect ")
		if (looks[v.Name] != nil) != expects || (doings[v.Name] != nil) == expects {
			t.Errorf("%q: looks %v, does %v", v.Pattern, looks[v.Name] != nil, doings[v.Name] != nil)
		}
	}
	for name := range looks {
		if !known[name] {
			t.Errorf("no sentence is for %q", name)
		}
	}
	for name := range doings {
		if !known[name] {
			t.Errorf("no sentence is for %q", name)
		}
	}
}

// TestStoriesCommand: the suite is listed, explained, chosen from and told.
func TestStoriesCommand(t *testing.T) {
	all, _ := suite(t)
	out, _, err := fielder(t, "stories", "--list")
	if err != nil || strings.Count(out, "\n") != len(all) || !strings.Contains(out, "repeated-webhook ") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err = fielder(t, "stories", "--verbs"); err != nil || !strings.Contains(out, "expect {post} is {outcome}\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err = fielder(t, "stories", "repeated-webhook", "repeated-*"); err != nil || !strings.Contains(out, "1 stories, 0 failed.") || !strings.Contains(out, "Tue 24 Nov 12:00:00 CET  Gwen posts on x") {
		t.Errorf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	if _, _, err := fielder(t, "stories", "--dir", dir); err == nil || !strings.Contains(err.Error(), "holds no *.story") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.story"), []byte("Story: Mine\nWhy: It is.\nStarts: 2026-11-24 12:00 Europe/Madrid\nexpect nothing is sayd at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fielder(t, "stories", "--dir", dir); err == nil || !strings.Contains(err.Error(), "mine.story:4: this is not understood: expect nothing is sayd at all; did you mean: expect nothing is said at all") {
		t.Errorf("a mistake: %v", err)
	}
	if _, stderr, err := fielder(t, "stories", "repeated-wehbook"); err == nil || status(err, &bytes.Buffer{}) != 2 {
		t.Errorf("an unknown story: %v %s", err, stderr)
	}
}

// suite reads the stories, from the repository's root, where it puts the test.
func suite(t *testing.T) (all []scenarios.Story, bundle *config.Bundle) {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs the whole system")
	}
	atRoot(t)
	if _, err := os.Stat(binariesDir); err != nil {
		t.Fatalf("the function binaries are not in %s: run `make build` first", binariesDir)
	}
	all, bundle, err := readStories("")
	if err != nil {
		t.Fatal(err)
	}
	return all, bundle
}
