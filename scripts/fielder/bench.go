package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The parts of bench, in the order in which they run.
const (
	benchPartSteps  = "steps"
	benchPartStarts = "starts"
	benchPartChain  = "chain"
	benchPartReplay = "replay"
)

// bench measures what Fielder costs in time and prints each number with what it
// means and the target beside it. A missed target is printed, not an error: a
// busy machine is no fault of the code. What cannot run is an error.
func bench(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("bench", errs)
	only := f.String("only", "", "steps, starts, chain or replay: that part alone")
	rounds := f.Int("rounds", 40, "cold starts per function")
	push := f.Duration("push", 15*time.Second, "how long posts are pushed through the chain")
	posts := f.Int("posts", 100_000, "stored posts that are replayed against a draft")
	atOnce := f.Int("at-once", 4, "deliveries on their way at the same time; the local stack runs 4 processes per function")
	if err := parse(f, args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("bench takes no arguments, got %q", f.Arg(0))
	case !slices.Contains([]string{"", benchPartSteps, benchPartStarts, benchPartChain, benchPartReplay}, *only):
		return fmt.Errorf("--only must be %s, %s, %s or %s, not %q", benchPartSteps, benchPartStarts, benchPartChain, benchPartReplay, *only)
	case *rounds < 1 || *push < time.Second || *atOnce < 1 || *posts < 1:
		return errors.New("--rounds, --at-once and --posts must be at least 1, --push at least 1s")
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return errors.New("go.mod is not here: run fielder from the repository's root")
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("the benchmarks need the Go toolchain: %w", err)
	}
	fmt.Fprintf(out, "Measured on %s/%s, %d CPUs, %s. Numbers of a busy machine are worse.\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	began := time.Now()
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{benchPartSteps, func() error { return benchSteps(ctx, out) }},
		{benchPartStarts, func() error { return benchStarts(ctx, *rounds, out) }},
		{benchPartChain, func() error { return benchChain(ctx, *push, *atOnce, out) }},
		{benchPartReplay, func() error { return benchReplay(ctx, *posts, out) }},
	} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.run(); err != nil {
			return fmt.Errorf("bench %s: %w", part.name, err)
		}
	}
	fmt.Fprintf(out, "\nMeasured in %.0f s.\n", time.Since(began).Seconds())
	return nil
}

// verdict says in one word whether a target is met.
func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// percentile is the nearest-rank percentile (0 < p <= 100) of a list; 0 of an
// empty one.
func percentile[T int64 | float64 | time.Duration](list []T, p float64) T {
	if len(list) == 0 {
		return 0
	}
	s := slices.Clone(list)
	slices.Sort(s)
	return s[min(len(s), max(1, int(math.Ceil(p/100*float64(len(s))))))-1]
}

// median of a list; 0 of an empty one.
func median[T int64 | float64 | time.Duration](list []T) T { return percentile(list, 50) }

// thousands writes a number with commas.
func thousands(n float64) string {
	s := fmt.Sprintf("%.0f", math.Abs(n))
	var b strings.Builder
	if n < 0 && s != "0" {
		b.WriteByte('-')
	}
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
