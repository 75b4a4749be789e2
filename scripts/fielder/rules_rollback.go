package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// rulesRollback takes the last roll-out back. It asks nothing: who calls it is in
// a hurry, and what it does can itself be undone with push.
func rulesRollback(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules rollback", errs)
	var at where
	at.flags(f)
	to := f.String("to", "", "the version to go back to: its label or number (default: the one before)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return misuse(fmt.Sprintf("rules rollback takes no arguments, got %q; a version goes with --to", f.Arg(0)))
	}
	s, err := reach(ctx, at)
	if err != nil {
		return err
	}
	r := newReleases(s)
	target := 0
	if *to != "" {
		if target, err = r.find(ctx, *to); err != nil {
			return err
		}
	}
	list, err := r.deployments(ctx)
	if err != nil {
		return err
	}
	if len(list) > 0 && list[0].rolling() {
		if err := r.stop(ctx, list[0].Number); err != nil {
			return err
		}
		fmt.Fprintf(out, "Deployment %d of %s is stopped", list[0].Number, list[0].name())
		list = list[1:]
		if before, ok := settled(list); ok {
			fmt.Fprintf(out, ": everyone gets %s again", before.name())
		}
		fmt.Fprintln(out, ".")
		if target == 0 {
			return nil
		}
	}
	now, ok := settled(list)
	if !ok {
		return fmt.Errorf("nothing was ever deployed to %s: there is nothing to go back to", s.name)
	}
	if target == now.Version {
		fmt.Fprintf(out, "%s has %s already.\n", s.name, now.name())
		return nil
	}
	before, ok := previous(list, now)
	if target == 0 && !ok {
		return fmt.Errorf("%s is the first that was deployed to %s: there is none to go back to", now.name(), s.name)
	}
	// Reverting reaches everyone at once, where it is possible and leads there.
	was, _ := settled(list[1:])
	if ok && (target == 0 || target == before.Version) && list[0].Number == now.Number && was.Version == before.Version && r.revertible(now) {
		if err := r.stop(ctx, now.Number); err != nil {
			return err
		}
		fmt.Fprintf(out, "Deployment %d of %s is reverted: everyone gets %s again.\n", now.Number, now.name(), before.name())
		return nil
	}
	if target == 0 {
		target = before.Version
	}
	d, err := r.deploy(ctx, target, fmt.Sprintf("rollback from %s", now.name()))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Deployment %d goes from %s back to %s.\n", d.Number, now.name(), d.name())
	if d.rolling() {
		fmt.Fprintf(out, "fielder rules status%s    shows how it goes\n", at.args())
	}
	return nil
}

// previous finds the newest deployment before one that reached everyone with
// another version.
func previous(list []deployment, now deployment) (deployment, bool) {
	for i, d := range list {
		if d.Number >= now.Number || d.Version == now.Version {
			continue
		}
		return settled(list[i:])
	}
	return deployment{}, false
}

// revertible tells whether AppConfig still reverts a complete deployment: within
// 72 hours, less an hour for clocks that differ.
func (r *releases) revertible(d deployment) bool {
	return r.local != nil || time.Since(d.Ended) < 71*time.Hour
}

// find gives the number of a version named by number or label.
func (r *releases) find(ctx context.Context, name string) (int, error) {
	list, err := r.versions(ctx, "")
	if err != nil {
		return 0, err
	}
	for _, v := range list {
		if strconv.Itoa(int(v.VersionNumber)) == name || aws.ToString(v.VersionLabel) == name {
			return int(v.VersionNumber), nil
		}
	}
	return 0, fmt.Errorf("there is no version %q; `fielder rules status` lists the last ones", name)
}
