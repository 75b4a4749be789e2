package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDescribe is how much AppConfig keeps of a deployment's description, in
// characters (API reference, StartDeployment).
const maxDescribe = 1024

// rulesPush checks a config as a whole and rolls it out: to the local stack at
// once, in AWS as the stage does it.
func rulesPush(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules push", errs)
	var at where
	at.flags(f)
	describe := f.String("describe", "", "what changed and why, for the others (default: where it was pushed from)")
	wait := f.Bool("wait", false, "wait until everyone has it; status 1 if it is taken back")
	dir, err := parseDir(f, args)
	if err != nil {
		return err
	}
	if n := utf8.RuneCountInString(*describe); n > maxDescribe {
		return misuse(fmt.Sprintf("--describe takes at most %d characters, got %d", maxDescribe, n))
	}
	dir, files, err := configFiles(dir)
	if err != nil {
		return err
	}
	c, err := checkConfig(dir, files)
	if err != nil {
		return err
	}
	for _, w := range c.warnings {
		fmt.Fprintln(errs, w)
	}
	if len(c.mistakes) > 0 {
		for _, m := range c.mistakes {
			fmt.Fprintln(errs, m)
		}
		fmt.Fprintf(errs, "Nothing was pushed: %s in %s.\n", plural(len(c.mistakes), "mistake"), dir)
		return errQuiet
	}
	fmt.Fprintf(out, "%s: %s, %s, %s, all in order: %s\n", dir, plural(len(c.bundle.Rules), "rule"), plural(len(c.bundle.Templates), "template"),
		plural(len(c.bundle.Tests), "test"), c.bundle.Version)
	s, err := reach(ctx, at)
	if err != nil {
		return err
	}
	if *describe == "" {
		*describe = "pushed from " + dir
	}
	r := newReleases(s)
	d, err := r.push(ctx, c, *describe)
	if errors.Is(err, errUnchanged) {
		if !d.rolling() {
			fmt.Fprintf(out, "%s has it already: %s, since deployment %d.\n", s.name, d.name(), d.Number)
			return nil
		}
		fmt.Fprintf(out, "%s is rolling it out already: deployment %d of %s.\n", s.name, d.Number, d.name())
	} else if err != nil {
		return err
	} else {
		fmt.Fprintf(out, "Deployment %d of %s to %s has begun.\n", d.Number, d.name(), s.name)
	}
	if *wait {
		err := r.wait(ctx, d.Number, out)
		if err != nil && ctx.Err() != nil {
			fmt.Fprintf(errs, "Nobody waits any more, but the roll-out goes on: fielder rules status%s shows how, fielder rules rollback%s takes it back.\n", at.args(), at.args())
			return errQuiet
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "Everyone has it.")
	} else if d.rolling() {
		fmt.Fprintf(out, "fielder rules status%s    shows how it goes\n", at.args())
	}
	fmt.Fprintf(out, "fielder rules rollback%s  takes it back\n", at.args())
	return nil
}

// args are the flags that name the same system again.
func (w where) args() string {
	var b strings.Builder
	if w.stage != "" {
		b.WriteString(" --stage " + w.stage)
	}
	if w.region != "" {
		b.WriteString(" --region " + w.region)
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
