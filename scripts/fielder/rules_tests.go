package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/fielder-care/fielder/shared/app/validate"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
)

// testReport is what rules test --json prints.
type testReport struct {
	Config   string       `json:"config"`
	Version  string       `json:"version"`
	Tests    int          `json:"tests"` // that were run
	Failed   int          `json:"failed"`
	Failures []testFailed `json:"failures"`
}

// testFailed is a golden example that does not come out as it should.
type testFailed struct {
	Test    string `json:"test"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	// Off are the switched-off rules for whose sake it fails; then it does not count.
	Off string `json:"switchedOff,omitempty"`
}

// rulesTest runs the golden examples of a config.
func rulesTest(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules test", errs)
	run := f.String("run", "", "only tests whose name holds this regular expression")
	asJSON := f.Bool("json", false, "print one JSON document, for machines: config, version, tests, failed, failures (test, file, line, column, message, switchedOff)")
	dir, err := parseDir(f, args)
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(*run)
	if err != nil {
		return misuse(fmt.Sprintf("--run is no regular expression: %v", err))
	}
	dir, files, err := configFiles(dir)
	if err != nil {
		return err
	}
	bundle, places, mistakes := config.Read(files)
	if bundle == nil {
		fmt.Fprintf(errs, "%s has mistakes, so its tests cannot be run:\n", dir)
		return told(mistakes, errs)
	}
	r := testReport{Config: dir, Version: bundle.Version, Failures: []testFailed{}}
	for _, t := range bundle.Tests {
		if wanted.MatchString(t.Name) {
			r.Tests++
		}
	}
	if r.Tests == 0 && *run != "" {
		return fmt.Errorf("no test of %s has %q in its name; it has %s", dir, *run, plural(len(bundle.Tests), "test"))
	}
	names := map[string]bool{}
	for _, failure := range reply.RunTests(bundle, validate.Senses(bundle)) {
		if !wanted.MatchString(failure.Test) {
			continue
		}
		one := testFailed{Test: failure.Test, File: failure.File, Message: failure.Message, Off: failure.Off}
		one.Line, one.Column = places.Locate(failure.File, failure.Path)
		r.Failures = append(r.Failures, one)
		if one.Off == "" {
			names[failure.File+"\x00"+failure.Test] = true
		}
	}
	r.Failed = len(names)
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(r)
	} else {
		for _, x := range r.Failures {
			e := config.Error{File: x.File, Line: x.Line, Column: x.Column, Message: fmt.Sprintf("test %q fails", x.Test)}
			if x.Off != "" {
				e.Message += ", but only because of what is switched off: " + x.Off
				fmt.Fprintln(out, e)
				continue
			}
			fmt.Fprintln(out, e)
			for line := range strings.SplitSeq(x.Message, "\n") {
				fmt.Fprintln(out, "    "+plain(strings.TrimSpace(line)))
			}
		}
		fmt.Fprintf(out, "%s: %s, %d failed\n", dir, plural(r.Tests, "test"), r.Failed)
	}
	if err == nil && r.Failed > 0 {
		return errQuiet
	}
	return err
}
