package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/scenarios"
	"github.com/fielder-care/fielder/shared/config"
)

// storyLimit bounds one story, in real time.
const storyLimit = 2 * time.Minute

// mending is how long the system has, after a story with faults, until all is as
// it must be: the ledger drives what was lost after ten minutes, up to five times.
const mending = 90 * time.Minute

// stories tells the scenario suite: each story on a stack of its own, with a
// transcript in which every line has its time.
func stories(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("stories", errs)
	seed := f.Int64("faults", 0, "tell them with faults at every boundary, of this seed (0: without): nothing is expected on the way, but in the end all must hold that must hold in every story")
	list := f.Bool("list", false, "list the stories")
	dir := f.String("dir", "", "tell the stories of a folder instead of the suite's")
	verbs := f.Bool("verbs", false, "explain the language in which they are written")
	if err := parse(f, args); err != nil {
		return err
	}
	if *verbs {
		fmt.Fprint(out, scenarios.Help())
		return nil
	}
	all, bundle, err := readStories(*dir)
	if err != nil {
		return err
	}
	if *list {
		for _, s := range all {
			fmt.Fprintf(out, "%-36s %s\n", s.ID(), s.Name)
		}
		return nil
	}
	chosen, err := choose(all, f.Args())
	if err != nil {
		return err
	}
	failed := 0
	for _, s := range chosen {
		began := time.Now()
		if err := tell(ctx, s, bundle, *seed, out); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failed++
			fmt.Fprintf(out, "FAILED  %s: %v\n\n", s.ID(), err)
			continue
		}
		fmt.Fprintf(out, "Held. (%.1f s)\n\n", time.Since(began).Seconds())
	}
	fmt.Fprintf(out, "%d stories, %d failed.\n", len(chosen), failed)
	if failed > 0 {
		return errQuiet
	}
	return nil
}

// readStories reads the suite, or the stories of a folder, and the config that
// they are told with: the default.
func readStories(dir string) ([]scenarios.Story, *config.Bundle, error) {
	b, err := config.Default()
	if err != nil {
		return nil, nil, err
	}
	var names scenarios.Names
	for _, r := range b.Rules {
		names.Rules = append(names.Rules, r.Name)
	}
	for _, q := range b.Routing.Queues {
		names.Queues = append(names.Queues, q.Name)
	}
	if dir == "" {
		all, err := scenarios.Read(names)
		return all, b, err
	}
	all, err := scenarios.ReadFrom(os.DirFS(dir), names)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s holds no *.story", dir)
	}
	return all, b, err
}

// choose picks stories by name, or by a pattern such as "draft-*"; none: all.
func choose(all []scenarios.Story, names []string) ([]scenarios.Story, error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []scenarios.Story
	for _, name := range names {
		found := false
		for _, s := range all {
			ok, err := path.Match(name, s.ID())
			if err != nil {
				return nil, misuse(fmt.Sprintf("%q is no pattern: %v", name, err))
			}
			found = found || ok
			if ok && !slices.ContainsFunc(out, func(t scenarios.Story) bool { return t.File == s.File }) {
				out = append(out, s)
			}
		}
		if !found {
			return nil, misuse(fmt.Sprintf("no story is called %q; fielder stories --list", name))
		}
	}
	return out, nil
}

// tell runs one story and writes its transcript. The error is the first thing
// that was not as the story says, with its line.
//
// With a seed there are faults at every boundary: things come late, so the story
// cannot say what is seen when; it is told for what must hold in the end.
func tell(ctx context.Context, s scenarios.Story, bundle *config.Bundle, seed int64, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, storyLimit, fmt.Errorf("the story takes longer than %s", storyLimit))
	defer cancel()
	t, err := begin(ctx, s, bundle, seed, out)
	if err != nil {
		return err
	}
	defer t.w.close()
	fmt.Fprintf(out, "%s\n%s\n", s.Name, strings.Repeat("=", len([]rune(s.Name))))
	fmt.Fprintf(out, "%s (%s)\n\n", s.Why, s.File)
	for _, step := range s.Steps {
		if err := t.step(ctx, step); err != nil {
			if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
				err = cause
			}
			return fmt.Errorf("%s:%d: %s: %w", s.File, step.Line, step.Text, err)
		}
	}
	if seed != 0 {
		if err := t.to(ctx, t.w.stack.Clock().Now().Add(mending)); err != nil {
			return fmt.Errorf("%s: at the end: %w", s.File, err)
		}
	}
	if err := t.clean(ctx); err != nil {
		return fmt.Errorf("%s: at the end: %w", s.File, err)
	}
	return nil
}
