// Package validate composes the validate function, which AppConfig asks whether a
// bundle may be rolled out (a validator of type LAMBDA), and Check, which is the
// same judgement for the command line.
//
// The function reads a bundle just as the others will, lints it, and runs its
// tests with the real triage and routing. It fails to say no. It builds no AWS
// clients, reads nothing else and writes nothing but logs.
package validate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/triage"
)

// Event is what AppConfig sends to a validator ("AWS AppConfig, Understanding
// validators").
type Event struct {
	ApplicationID          string `json:"applicationId"`
	ConfigurationProfileID string `json:"configurationProfileId"`
	ConfigurationVersion   string `json:"configurationVersion"`
	Content                []byte `json:"content"` // base64 in JSON
	URI                    string `json:"uri"`
}

// New builds the handler of the validate function. Its error is care.Invalid and
// lists the mistakes; what is only a warning is logged.
func New() (func(context.Context, Event) (struct{}, error), error) {
	return func(ctx context.Context, e Event) (struct{}, error) {
		bundle, err := config.Parse(e.Content)
		if err != nil {
			return struct{}{}, refusal(e, parseErrors(err))
		}
		var mistakes []string
		warnings := 0
		for _, f := range Check(bundle) {
			line := f.File + ": " + f.Path + ": " + f.Message
			if !f.Warning {
				mistakes = append(mistakes, line)
			} else if warnings++; warnings <= maxMistakes {
				slog.WarnContext(ctx, "config warning", "version", e.ConfigurationVersion, "bundle", bundle.Version, "warning", cut(line, maxMistake))
			}
		}
		if len(mistakes) > 0 {
			return struct{}{}, refusal(e, mistakes)
		}
		slog.InfoContext(ctx, "config accepted", "version", e.ConfigurationVersion, "bundle", bundle.Version, "rules", len(bundle.Rules), "tests", len(bundle.Tests), "warnings", warnings)
		return struct{}{}, nil
	}, nil
}

// Check lints a bundle and runs its tests, with the real triage and routing. What
// the lint found comes first, then the tests that fail, which are errors, unless
// they fail only because a rule is switched off.
func Check(b *config.Bundle) []config.Finding {
	findings := reply.Lint(b)
	switch {
	case b.Stop.Everything:
		findings = append(findings, config.Finding{File: "rules.yaml", Path: "stop.everything", Warning: true,
			Message: "the kill switch is on: nothing is said automatically; the tests run as if it were off"})
	case len(b.Stop.Platforms) > 0:
		findings = append(findings, config.Finding{File: "rules.yaml", Path: "stop.platforms", Warning: true,
			Message: "the kill switch is on: nothing is said automatically on these platforms; the tests run as if it were off"})
	}
	for _, f := range reply.RunTests(b, Senses(b)) {
		one := config.Finding{File: f.File, Path: f.Path, Message: fmt.Sprintf("test %q fails: %s", f.Test, f.Message)}
		if f.Off != "" {
			one.Warning, one.Message = true, fmt.Sprintf("test %q fails, but only because of what is switched off: %s", f.Test, f.Off)
		}
		findings = append(findings, one)
	}
	return findings
}

// Senses are the real triage of a bundle's brand, and the routing that escalation
// uses.
func Senses(b *config.Bundle) reply.Senses {
	return reply.Senses{
		Triage: triage.New(b.Brand, b.Routing).Triage,
		Route: func(b *config.Bundle, p care.Post, t care.Triage, m care.Match) string {
			priority, _ := triage.Priority(t, &m, p, b.Routing.Weights, 0)
			return escalate.Route(b.Routing, p, t, m, priority)
		},
	}
}

// Bounds of a refusal: whoever pushed the bundle reads it in a console or a
// terminal, and Lambda keeps an error well below its 6 MB.
const (
	maxMistakes = 20
	maxMistake  = 600 // bytes
)

// refusal lists mistakes, so many of them as somebody reads.
func refusal(e Event, mistakes []string) error {
	var out strings.Builder
	fmt.Fprintf(&out, "version %s of the config has %d mistakes:", e.ConfigurationVersion, len(mistakes))
	if len(mistakes) == 1 {
		out.Reset()
		fmt.Fprintf(&out, "version %s of the config has a mistake:", e.ConfigurationVersion)
	}
	for _, m := range mistakes[:min(maxMistakes, len(mistakes))] {
		out.WriteString("\n" + cut(m, maxMistake))
	}
	if n := len(mistakes) - maxMistakes; n > 0 {
		fmt.Fprintf(&out, "\nand %d more", n)
	}
	return care.Errorf(care.Invalid, "%s", out.String())
}

func parseErrors(err error) []string {
	var all config.Errors
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	list := make([]string, len(all))
	for i, e := range all {
		list[i] = e.Error()
	}
	return list
}

// cut shortens a text to so many bytes, between characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
