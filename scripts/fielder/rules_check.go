package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/fielder-care/fielder/shared/app/validate"
	"github.com/fielder-care/fielder/shared/config"
)

// checkReport is what rules check --json prints.
type checkReport struct {
	Config   string  `json:"config"`            // the directory
	Version  string  `json:"version,omitempty"` // none with errors in the files
	Errors   int     `json:"errors"`
	Warnings int     `json:"warnings"`
	Findings []found `json:"findings"`
}

// found is one error or warning.
type found struct {
	Severity string `json:"severity"` // error or warning
	File     string `json:"file"`
	// Line and Column count from 1; 0 when it has no place, such as a missing file.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path is the value that it is about, such as rules[2].when.intents[0]; empty
	// for errors of the form.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
}

func (f found) String() string {
	what := ""
	if f.Severity == severityWarning {
		what = "warning: "
	}
	e := config.Error{File: f.File, Line: f.Line, Column: f.Column, Message: what + f.Message}
	return e.Error()
}

const (
	severityError   = "error"
	severityWarning = "warning"
)

// rulesCheck prints everything that is wrong or doubtful about a config.
func rulesCheck(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules check", errs)
	asJSON := f.Bool("json", false, "print one JSON document, for machines: config, version, errors, warnings, findings (severity, file, line, column, path, message)")
	dir, err := parseDir(f, args)
	if err != nil {
		return err
	}
	r, err := check(dir)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(r)
	} else {
		for _, x := range r.Findings {
			fmt.Fprintln(out, x)
		}
		fmt.Fprintf(out, "%s: %s, %s\n", r.Config, plural(r.Errors, "error"), plural(r.Warnings, "warning"))
	}
	if err == nil && r.Errors > 0 {
		return errQuiet
	}
	return err
}

// check reads a config, lints it and runs its tests.
func check(dir string) (checkReport, error) {
	dir, files, err := configFiles(dir)
	if err != nil {
		return checkReport{}, err
	}
	_, r := judge(dir, files)
	return r, nil
}

// judge is check for files that are open, and gives the bundle too: nil when they
// cannot be read as one.
func judge(name string, files fs.FS) (*config.Bundle, checkReport) {
	r := checkReport{Config: name, Findings: []found{}}
	bundle, places, mistakes := config.Read(files)
	for _, e := range mistakes {
		r.Findings = append(r.Findings, found{Severity: severityError, File: e.File, Line: e.Line, Column: e.Column, Message: e.Message})
	}
	if bundle != nil {
		r.Version = bundle.Version
		for _, x := range validate.Check(bundle) {
			one := found{Severity: severityError, File: x.File, Path: x.Path, Message: x.Message}
			if x.Warning {
				one.Severity = severityWarning
			}
			one.Line, one.Column = places.Locate(x.File, x.Path)
			r.Findings = append(r.Findings, one)
		}
	}
	order := func(f found) int {
		if i := slices.Index(config.Files(), f.File); i >= 0 {
			return i
		}
		return len(config.Files())
	}
	slices.SortStableFunc(r.Findings, func(a, b found) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
	for _, x := range r.Findings {
		if x.Severity == severityWarning {
			r.Warnings++
		} else {
			r.Errors++
		}
	}
	return bundle, r
}
