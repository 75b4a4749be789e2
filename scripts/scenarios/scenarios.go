// Package scenarios reads stories: small text files that say who does what when,
// and what must be seen then. They are written for people who know the product,
// not its code:
//
//	Story: The angry influencer goes to PR
//	Why: Many read what she writes, so the people who answer must be the right ones.
//	Starts: 2026-11-24 12:00 Europe/Madrid
//	People:
//	  Juno has 5000000 followers
//	  Bill is customer C-1001
//
//	12:00 Juno posts on x "four days without internet" as complaint
//	+1m   expect complaint in queue social-pr
//
// A line begins with its time (12:05, +20m after the line above, tomorrow 09:30,
// 2026-11-26 09:30; none: at once) in the story's zone, and then says one of
// Verbs. "#" begins a comment line. Everything that is not understood is an error
// with its place and, if something is near, what was probably meant; so are
// people, posts, rules and queues that nobody knows, and times that go back.
//
// The stories lie beside scripts/local, not in it: the local stack runs any
// template and knows nothing of posts and customers. "fielder stories" runs them.
package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
)

// Story is one file.
type Story struct {
	File   string
	Name   string
	Why    string
	Start  time.Time // its location is the story's zone
	People []Person
	Steps  []Step
}

// Person is somebody in a story. Customer is the external id of a customer of
// events/samples/customers.csv, "" for a stranger.
type Person struct {
	Name      string
	Followers int
	Customer  string
	Spanish   bool
}

// Step is one line of what happens or must be seen.
type Step struct {
	Line int
	// Text is the line as it stands, without its time.
	Text string
	At   time.Time
	Verb string
	// Args are the values by slot; times are RFC 3339.
	Args map[string]string
}

// Names are what the config gives names to.
type Names struct{ Rules, Queues []string }

//go:embed stories/*.story
var stories embed.FS

// Read reads all the stories that come with the program, in the order of their
// files' names.
func Read(names Names) ([]Story, error) {
	dir, err := fs.Sub(stories, "stories")
	if err != nil {
		return nil, err
	}
	return ReadFrom(dir, names)
}

// ReadFrom reads every *.story of a folder. The error lists every mistake of
// every file.
func ReadFrom(dir fs.FS, names Names) ([]Story, error) {
	files, err := fs.Glob(dir, "*.story")
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var out []Story
	var all Mistakes
	for _, f := range files {
		b, err := fs.ReadFile(dir, f)
		if err != nil {
			return nil, err
		}
		s, mistakes := Parse(f, string(b), names)
		out, all = append(out, s), append(all, mistakes...)
	}
	if len(all) > 0 {
		return nil, all
	}
	return out, nil
}

// ID is the file's name without its ending: what "fielder stories" calls it.
func (s Story) ID() string { return strings.TrimSuffix(path.Base(s.File), ".story") }

// Mistake is something that cannot be understood.
type Mistake struct {
	File    string
	Line    int
	Message string
}

func (m Mistake) String() string { return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Message) }

// Mistakes is an error of one line for each.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Help explains the language: every sentence and every kind of value.
func Help() string {
	var b strings.Builder
	for _, v := range Verbs {
		fmt.Fprintf(&b, "%s\n    %s\n", v.Pattern, v.Help)
	}
	b.WriteString("\n")
	kinds := make([]string, 0, len(slots)+len(fixed))
	for k, help := range slots {
		kinds = append(kinds, fmt.Sprintf("{%s}  %s", k, help))
	}
	for k, values := range fixed {
		kinds = append(kinds, fmt.Sprintf("{%s}  %s", k, strings.Join(values, ", ")))
	}
	kinds = append(kinds, "{rule}, {queue}  as the config calls them")
	slices.Sort(kinds)
	b.WriteString(strings.Join(kinds, "\n") + "\n")
	return b.String()
}
