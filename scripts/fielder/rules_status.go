package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fielder-care/fielder/shared/config"
)

// shownVersions is how many of the last versions a status lists.
const shownVersions = 5

// standing is where a system's config stands.
type standing struct {
	System   string       `json:"system"`
	Deployed *deployment  `json:"deployed,omitempty"` // what everyone has, or would fall back to
	Describe string       `json:"describe,omitempty"` // of what is deployed
	Rolling  *deployment  `json:"rolling,omitempty"`  // what is under way
	Events   []happened   `json:"events,omitempty"`   // of the newest deployment, newest first
	Versions []versionRow `json:"versions"`           // the last ones, newest first
	Served   served       `json:"served"`
	Edits    *edits       `json:"edits,omitempty"` // what became of saved files, where they are watched
	Problems []string     `json:"problems"`
}

type happened struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	By   string    `json:"by,omitempty"`
}

type versionRow struct {
	Number int    `json:"number"`
	Label  string `json:"label,omitempty"`
	Last   string `json:"last,omitempty"` // its last deployment
}

// served is what a function that starts now gets.
type served struct {
	Version  string   `json:"version"`
	Mistakes []string `json:"mistakes,omitempty"` // why a function of this release could not read it
}

// rulesStatus tells what is deployed, what rolls out and what was refused. Status
// 1 says that something is wrong with the config: a roll-out was taken back, an
// edit refused, or a version cannot be read.
func rulesStatus(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules status", errs)
	var at where
	at.flags(f)
	asJSON := f.Bool("json", false, "for machines")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return misuse(fmt.Sprintf("rules status takes no arguments, got %q", f.Arg(0)))
	}
	s, err := reach(ctx, at)
	if err != nil {
		return err
	}
	now, err := newReleases(s).standing(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(now)
	} else {
		now.print(out)
	}
	if err == nil && len(now.Problems) > 0 {
		return errQuiet
	}
	return err
}

// standing asks AppConfig, and the local stack for what became of edits.
func (r *releases) standing(ctx context.Context) (standing, error) {
	now := standing{System: r.name, Versions: []versionRow{}, Problems: []string{}}
	list, err := r.deployments(ctx)
	if err != nil {
		return now, err
	}
	if d, ok := settled(list); ok {
		now.Deployed = &d
		full, err := r.get(ctx, d.Number)
		if err != nil {
			return now, err
		}
		now.Describe = aws.ToString(full.Description)
	} else {
		now.Problems = append(now.Problems, "Nothing is deployed to everyone.")
	}
	if len(list) > 0 {
		last := list[0]
		full, err := r.get(ctx, last.Number)
		if err != nil {
			return now, err
		}
		for _, e := range full.EventLog {
			now.Events = append(now.Events, happened{aws.ToTime(e.OccurredAt), aws.ToString(e.Description), string(e.TriggeredBy)})
		}
		switch {
		case last.rolling():
			now.Rolling = &last
		case last.State != "COMPLETE":
			now.Problems = append(now.Problems, fmt.Sprintf("Deployment %d of %s was taken back: %s.", last.Number, last.name(), whyTaken(full.EventLog)))
		}
	}
	versions, err := r.versions(ctx, "")
	if err != nil {
		return now, err
	}
	for _, v := range versions[:min(len(versions), shownVersions)] {
		row := versionRow{Number: int(v.VersionNumber), Label: aws.ToString(v.VersionLabel)}
		if i := slices.IndexFunc(list, func(d deployment) bool { return d.Version == row.Number }); i >= 0 {
			row.Last = fmt.Sprintf("deployment %d, %s, %s", list[i].Number, stampOf(list[i].Started), words(list[i].State))
		}
		now.Versions = append(now.Versions, row)
	}
	content, label, err := r.served(ctx)
	if err != nil {
		return now, err
	}
	bundle, err := config.Parse(content)
	var mistakes config.Errors
	switch {
	case errors.As(err, &mistakes):
		now.Served = served{Version: orNone(label), Mistakes: lines(mistakes)}
		now.Problems = append(now.Problems, "A function that starts now cannot read the config that it is given.")
	case err != nil:
		return now, err
	default:
		now.Served.Version = bundle.Version
		if label != "" {
			now.Served.Version = label
		}
	}
	if r.local != nil {
		var e edits
		err := r.local.get(ctx, "/_fielder/"+editsName, &e)
		if err == nil {
			now.Edits = &e
			if e.Refused {
				now.Problems = append(now.Problems, fmt.Sprintf("The files in %s were refused %s; the config before goes on.", e.Dir, stampOf(e.At)))
			}
		}
	}
	return now, nil
}

func lines(list config.Errors) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Error())
	}
	return out
}

// words makes AppConfig's constants readable.
func words(constant string) string { return strings.ToLower(strings.ReplaceAll(constant, "_", " ")) }

func (s standing) print(out io.Writer) {
	fmt.Fprintf(out, "Config of %s\n", s.System)
	if d := s.Deployed; d != nil {
		fmt.Fprintf(out, "  deployed     %s, by deployment %d, %s", d.name(), d.Number, stampOf(d.Started))
		if s.Describe != "" {
			fmt.Fprintf(out, ": %s", plain(s.Describe))
		}
		fmt.Fprintln(out)
	}
	if d := s.Rolling; d != nil {
		fmt.Fprintf(out, "  rolling out  %s, by deployment %d, %s, %.0f%%\n", d.name(), d.Number, words(d.State), d.Percent)
	}
	fmt.Fprintf(out, "  served       %s\n", s.Served.Version)
	printFindings(out, "               ", s.Served.Mistakes)
	if e := s.Edits; e != nil {
		fmt.Fprintf(out, "  edits        %s, watched; %s %s\n", e.Dir, e.what(), stampOf(e.At))
		printFindings(out, "               ", e.Mistakes)
	}
	if len(s.Events) > 0 {
		fmt.Fprintln(out, "The newest deployment")
		for _, e := range s.Events {
			by := ""
			if e.By != "" {
				by = " (" + words(e.By) + ")"
			}
			fmt.Fprintf(out, "  %s  %s%s\n", stampOf(e.At), plain(e.What), by)
		}
	}
	fmt.Fprintln(out, "The last versions")
	for _, v := range s.Versions {
		fmt.Fprintf(out, "  %-40s %s\n", versionName(v.Number, v.Label), orNone(v.Last))
	}
	for _, p := range s.Problems {
		fmt.Fprintln(out, "PROBLEM: "+p)
	}
}
