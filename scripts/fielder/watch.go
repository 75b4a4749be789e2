package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/shared/config"
)

// How the files of a config are watched: they are read every watchEvery, and an
// edit counts when two readings in a row agree, because editors write in pieces.
const (
	watchEvery = 300 * time.Millisecond
	editsName  = "config" // /_fielder/config
	// editsAs is the name under which edits are in the stack's logs and metrics.
	editsAs = "fielder-local-edits"
)

// edits is what became of the last edit.
type edits struct {
	Dir      string    `json:"dir"`
	At       time.Time `json:"at"` // of the stack's clock
	Version  string    `json:"version,omitempty"`
	Refused  bool      `json:"refused"`
	Mistakes []string  `json:"mistakes,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
}

func (e edits) what() string {
	if e.Refused {
		return "refused"
	}
	return "taken"
}

// watcher rolls every good edit of a directory's files out to the stack of the
// same process, and says what is wrong with the others.
type watcher struct {
	w        *world
	dir      string
	files    fs.FS
	releases *releases
	out      io.Writer

	mu   sync.Mutex
	last edits
}

// inOrder checks the config that a person named before anything is started with
// it: a stack that comes up for a moment would take the place of one that runs.
func inOrder(dir string, errs io.Writer) error {
	if dir == "" {
		return nil
	}
	files, err := configDir(dir)
	if err != nil {
		return err
	}
	c, err := checkConfig(dir, files)
	if err != nil || len(c.mistakes) == 0 {
		return err
	}
	fmt.Fprintf(errs, "%s has mistakes, so nothing is started:\n", dir)
	printFindings(errs, "  ", c.mistakes)
	return errQuiet
}

// watchConfig brings a directory's config to the stack, and watches the directory
// from then on if it should. given says that a person named it: then a mistake is
// an error; else the config that is deployed goes on.
func (w *world) watchConfig(ctx context.Context, dir string, given, stay bool, out io.Writer) error {
	files, err := configDir(dir)
	if err != nil {
		return err
	}
	r, err := w.releases()
	if err != nil {
		return err
	}
	t := &watcher{w: w, dir: dir, files: files, releases: r, out: out}
	seen := t.read()
	t.bring(ctx)
	if t.last.Refused && given {
		return errQuiet
	}
	if !stay {
		return nil
	}
	w.stack.Tell(editsName, func() any {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.last
	})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.run(ctx, seen)
	}()
	w.stops = append(w.stops, func() { cancel(); <-done })
	return nil
}

// releases are those of the world's own stack.
func (w *world) releases() (*releases, error) {
	outputs, err := w.stack.Outputs()
	if err != nil {
		return nil, err
	}
	s, err := newSystem("the local stack", operator(w.stack.URL(), w.stack.OperatorKey()), outputs)
	if err != nil {
		return nil, err
	}
	return newReleases(s), nil
}

// read is a fingerprint of the files as they are now.
func (t *watcher) read() [sha256.Size]byte {
	h := sha256.New()
	for _, name := range config.Files() {
		data, err := fs.ReadFile(t.files, name)
		fmt.Fprintf(h, "%s %d %v\n", name, len(data), err)
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// run watches until the context ends; seen is what was brought already.
func (t *watcher) run(ctx context.Context, seen [sha256.Size]byte) {
	before := seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
		now := t.read()
		if settled := now == before; settled && now != seen {
			seen = now
			t.bring(ctx)
		}
		before = now
	}
}

// bring checks the files and rolls them out, and remembers and tells what became
// of them.
func (t *watcher) bring(ctx context.Context) {
	began := time.Now()
	last := edits{Dir: t.dir, At: t.w.stack.Clock().Now()}
	c, err := checkConfig(t.dir, t.files)
	if err == nil {
		last.Mistakes, last.Warnings = c.mistakes, c.warnings
		if len(c.mistakes) == 0 {
			_, err = t.releases.push(ctx, c, "saved in "+t.dir)
		}
	}
	unchanged := errors.Is(err, errUnchanged)
	if err != nil && !unchanged {
		if ctx.Err() != nil {
			return // the stack stops
		}
		last.Mistakes = append(last.Mistakes, err.Error())
	}
	if last.Refused = len(last.Mistakes) > 0; !last.Refused {
		last.Version = c.bundle.Version
	}
	t.mu.Lock()
	recovered := t.last.Refused && !last.Refused
	t.last = last
	t.mu.Unlock()
	switch {
	case last.Refused:
		t.log("ERROR", "config refused", last)
		t.count()
		fmt.Fprintf(t.out, "%s is refused, the config before goes on:\n", t.dir)
		printFindings(t.out, "  ", last.Mistakes)
	case !unchanged || recovered:
		t.log("INFO", "config taken", last)
		fmt.Fprintf(t.out, "%s is live: %s, %s, after %d ms\n", t.dir, last.Version, plural(len(c.bundle.Rules), "rule"), time.Since(began).Milliseconds())
		if n := len(last.Warnings); n > 0 {
			fmt.Fprintf(t.out, "  %s: fielder rules check %s\n", plural(n, "warning"), t.dir)
		}
	}
}

// printFindings prints findings, of which one may have several lines.
func printFindings(out io.Writer, indent string, findings []string) {
	for _, f := range findings {
		for line := range strings.Lines(f) {
			fmt.Fprintln(out, indent+plain(strings.TrimRight(line, "\n")))
		}
	}
}

// log leaves a line beside those of the functions.
func (t *watcher) log(level, message string, e edits) {
	line := map[string]any{"time": time.Now().UTC(), "level": level, "msg": message, "version": e.Version}
	if e.Refused {
		line["mistakes"] = e.Mistakes
	}
	t.line(line)
}

// count writes the metric that a function writes when it refuses a version; only
// for this edit, which never reached a function, so that no roll-out is blamed.
func (t *watcher) count() {
	t.line(map[string]any{"function": "edits", "ConfigRefused": 1, "_aws": map[string]any{"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{"Namespace": "Fielder/local", "Dimensions": [][]string{{"function"}},
			"Metrics": []any{map[string]string{"Name": "ConfigRefused", "Unit": "Count"}}}}}})
}

func (t *watcher) line(fields map[string]any) {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings, numbers and a time always marshal
	}
	t.w.stack.Log(lambda.Line{Time: time.Now(), Function: editsAs, Text: string(text)})
}

// ownConfigDir is the directory that up and demo watch when none is named: this
// repository's, where the tool is run from its root; "" elsewhere.
func ownConfigDir() string {
	if info, err := os.Stat(ownConfig); err != nil || !info.IsDir() {
		return ""
	}
	return ownConfig
}
