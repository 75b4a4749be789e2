package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fielder-care/fielder/scripts/local/clock"
)

// today is a Tuesday, noon in Madrid: the brand's shops and phones are open.
var today = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)

var shared struct {
	once  sync.Once
	world *world
	err   error
}

// TestMain gives the tests a state file of their own, so that a stack that
// somebody works with is left alone, and scripts the tool itself.
func TestMain(m *testing.M) { testscript.Main(tests{m}, map[string]func(){"fielder": main}) }

type tests struct{ m *testing.M }

func (t tests) Run() int {
	dir, err := os.MkdirTemp("", "fielder-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	stateFile = filepath.Join(dir, "stack.json")
	defer func() {
		if shared.world != nil {
			shared.world.close()
		}
	}()
	return t.m.Run()
}

// atRoot puts a test into the repository's root, where the tool is used.
func atRoot(t *testing.T) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
}

// startTestWorld starts the whole system once for all tests: the deployed
// template, the real binaries, the real engine. It puts the test into the
// repository's root.
func startTestWorld(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs the whole system")
	}
	atRoot(t)
	shared.once.Do(func() {
		binaries, err := filepath.Glob(filepath.Join(binariesDir, "*", "bootstrap"))
		if err != nil || len(binaries) == 0 {
			shared.err = fmt.Errorf("the function binaries are not in %s: run `make build` first", binariesDir)
			return
		}
		c := clock.Stepped(today)
		shared.world, shared.err = startWorld(context.Background(), worldOptions{addr: "127.0.0.1:0", standinAddr: "127.0.0.1:0", clock: c, log: io.Discard})
		if shared.err == nil {
			c.Flow()
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.world
}

// fielder runs the tool and returns what it printed.
func fielder(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	err = run(ctx, args, &out, &errs)
	return out.String(), errs.String(), err
}

// ingestFiles runs "fielder ingest" and reads its lines.
func ingestFiles(t *testing.T, platform string, files ...string) []ingested {
	t.Helper()
	stdout, stderr, err := fielder(t, append([]string{"ingest", "--platform", platform}, files...)...)
	if err != nil {
		t.Fatalf("fielder ingest: %v\n%s", err, stderr)
	}
	var out []ingested
	for line := range strings.Lines(stdout) {
		var l ingested
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("a line of output is not what was promised: %v: %s", err, line)
		}
		out = append(out, l)
	}
	return out
}
