package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the tool as a shell does, where no stack is needed.
func TestScripts(t *testing.T) {
	config, err := filepath.Abs(filepath.Join("..", "..", "shared", "config", "default"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			return os.CopyFS(filepath.Join(e.WorkDir, "good"), os.DirFS(config))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":   func(ts *testscript.TestScript, neg bool, args []string) { exits(ts, neg, args, 1) },
			"wrongly": func(ts *testscript.TestScript, neg bool, args []string) { exits(ts, neg, args, 2) },
			"edit":    edit,
		},
	})
}

// exits runs a command that must end with a status.
func exits(ts *testscript.TestScript, neg bool, args []string, want int) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fails|wrongly command [argument ...]")
	}
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("%v; want status %d", err, want)
	}
}

// edit replaces a text in a file: edit FILE OLD NEW.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit file old new")
	}
	name := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not say %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(name, []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
