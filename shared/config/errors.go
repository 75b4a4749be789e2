package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is what a person should know about a bundle whose files load: a warning,
// or a mistake that shows only when the rules run.
type Finding struct {
	// File is one of Files, Path the place in it, such as rules[2].when.intents[0]:
	// what Places.Locate takes.
	File, Path string
	Message    string
	Warning    bool
}

// Error is one mistake in one file.
type Error struct {
	File string
	// Line and Column count from 1; 0 when the mistake has no place, such as a
	// missing file.
	Line, Column int
	Message      string
}

func (e Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors is every mistake found, by file and line. Load and Parse return it as
// their error, so that a person mends all of them in one go.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// maxErrors bounds a report: nobody reads more, and hostile input could make
// millions.
const maxErrors = 100

// sorted orders by file as listed in files, then by place, drops repetitions and
// bounds the report.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	e = slices.Compact(e)
	if n := len(e); n > maxErrors {
		e = append(e[:maxErrors:maxErrors], Error{File: "config", Message: fmt.Sprintf("%d more mistakes are not shown", n-maxErrors)})
	}
	return e
}

// maxAllowed bounds the list of allowed names in an error, in bytes.
const maxAllowed = 120

// suggestion is what was probably meant, and what is allowed where that is a
// short list: `, did you mean "low"? allowed: none, low, medium`.
func suggestion(wrong string, known []string) string {
	out, allowed := didYouMean(wrong, known), strings.Join(known, ", ")
	switch {
	case allowed == "" || len(allowed) > maxAllowed:
		return out
	case out == "":
		return "; allowed: " + allowed
	case len(known) == 1:
		return out
	}
	return out + " allowed: " + allowed
}

// didYouMean suggests the known name that is closest to a wrong one: ", did you
// mean "refund"?", or "" when nothing is close.
func didYouMean(wrong string, known []string) string {
	if meant := closest(wrong, known); meant != "" {
		return fmt.Sprintf(", did you mean %q?", meant)
	}
	return ""
}

// closest is the known name that was probably meant, "" when nothing is close.
func closest(wrong string, known []string) string {
	if len(wrong) < 3 || len(wrong) > 64 {
		return "" // two letters are close to any other two
	}
	best, bestDistance := "", max(1, len([]rune(wrong))/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(wrong), strings.ToLower(k)); d < bestDistance || d == bestDistance && best != "" && k < best {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 {
		return 1000
	}
	before, last, now := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		now[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(t)]
}
