package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/app/replay"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
)

// rulesExplain tells why a post was or was not answered, from the decision that
// is stored; with --config, what another config would do with the same facts.
func rulesExplain(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules explain", errs)
	var at where
	at.flags(f)
	dir := f.String("config", "", "show what this config, a directory of the six files, would do with the same facts")
	arg, err := parseOne(f, args, "post")
	if err != nil {
		return err
	}
	if arg == "" {
		return misuse("which post? fielder rules explain x:2090000000000000101")
	}
	id, err := postID(arg)
	if err != nil {
		return err
	}
	var draft *config.Bundle
	var draftName string
	if *dir != "" {
		if draft, draftName, err = loadConfig(*dir, errs); err != nil {
			return err
		}
	}
	s, err := reach(ctx, at)
	if err != nil {
		return err
	}
	rec, err := s.table.Post(ctx, id)
	switch {
	case care.CodeOf(err) == care.NotFound && s.local == nil:
		return fmt.Errorf("nothing is stored about %s: it never came in, or it was obvious chatter. Chatter is decided at the edge and its record is a log line, "+
			"which fielder does not read in AWS: look for %q in the log groups of webhook and poller", id, id)
	case care.CodeOf(err) == care.NotFound:
		logged, err := s.local.records(ctx, id)
		if err != nil {
			return err
		}
		if len(logged) == 0 {
			return fmt.Errorf("nothing is known about %s: it never came in, or its log line is gone", id)
		}
		explainEdge(out, id, logged)
		return nil
	case err != nil:
		return err
	}
	explainPost(out, rec)
	explainDecision(out, rec)
	if rec.Plan != nil && rec.Plan.Action == care.ActionDraft {
		if err := explainDraft(ctx, out, s.table, id); err != nil {
			return err
		}
	}
	switch {
	case draft == nil:
	case !rec.Deleted.IsZero():
		fmt.Fprintln(out, "\nIts author deleted it, so no config can be tried on it any more.")
	default:
		explainRetrial(out, draftName, draft.Version, replay.Retry(rec, draft))
	}
	return nil
}

// explainDraft tells what became of the draft that the rules left.
func explainDraft(ctx context.Context, out io.Writer, table *store.Table, id care.PostID) error {
	d, err := table.Draft(ctx, id)
	if care.CodeOf(err) == care.NotFound {
		return nil // not there yet
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "What became of the draft:", plain(d.Stands()))
	if d.Edited() {
		fmt.Fprintf(out, "  with other words: %q\n", plain(d.Approved))
	}
	return nil
}

// explainDecision prints what was decided, and why.
func explainDecision(out io.Writer, rec store.PostRecord) {
	switch {
	case rec.Outcome == "" && rec.Plan == nil:
		fmt.Fprintln(out, "\nIt is not decided yet.")
		return
	case rec.Outcome == "":
		fmt.Fprintln(out, "\nIt is planned but not decided yet.")
	default:
		fmt.Fprintf(out, "\nIt was %s, %s.\n", rec.Outcome, stampOf(rec.DecidedAt))
	}
	plan := rec.Plan
	if plan == nil {
		fmt.Fprintln(out, "The rules were not asked:")
		say(out, rec.Reasons)
		return
	}
	rule := "No rule fired"
	if plan.Rule != "" {
		rule = "Rule " + plain(plan.Rule) + " decided"
	}
	fmt.Fprintf(out, "%s (%s), by config %s:\n", rule, plan.Action, plain(plan.ConfigVersion))
	say(out, plan.Reasons)
	if plan.Text != "" {
		fmt.Fprintf(out, "  %s: %q\n", placeOf(plan.Private || rec.Post.Private), plain(plan.Text))
	}
	if seen := plan.Seen; seen != nil {
		fmt.Fprintf(out, "What the rules saw, %s: %s\n", stampOf(seen.At), plain(seenLine(*seen)))
	}
	if t := rec.Triage; t != nil {
		fmt.Fprintf(out, "How the post was read: %s, %s, intent %s, sentiment %+.2f, severity %s\n", t.Relevance, orNone(t.Lang), orNone(t.Intent), t.Sentiment, t.Severity)
		say(out, t.Reasons)
	}
	if door := replay.Door(rec); len(door) > 0 {
		fmt.Fprintln(out, "The door:")
		say(out, door)
	}
}

// seenLine says in words what the rules saw of author and conversation.
func seenLine(s care.Seen) string {
	list := []string{"an author whom we do not know"}
	if s.Known {
		list[0] = "a known customer (" + orNone(string(s.Grade)) + ")"
		if s.Tier != "" {
			list = append(list, "tier "+s.Tier)
		}
		if s.Value != 0 {
			list = append(list, fmt.Sprintf("worth %.0f a year", s.Value))
		}
	}
	for _, x := range []struct {
		is   bool
		text string
	}{{s.OptOut, "who wants no automated messages"}, {s.First, "first contact"}, {s.AgentOnIt, "an agent had the conversation"}, {s.Storm, "many wrote about the same"}} {
		if x.is {
			list = append(list, x.text)
		}
	}
	return strings.Join(list, ", ")
}

// explainRetrial prints what another config would do.
func explainRetrial(out io.Writer, name, version string, r replay.Retrial) {
	by := "by no rule"
	switch {
	case r.Outcome == replay.Ignored:
		by = "as chatter, which meets no rule"
	case r.Plan.Rule != "":
		by = "by rule " + plain(r.Plan.Rule)
	}
	fmt.Fprintf(out, "\nWith %s (%s) it would be %s, %s.\n", name, version, r.Outcome, by)
	if r.Unseen {
		fmt.Fprintln(out, "What the rules saw of the author was not kept then: the author is taken to be unknown.")
	}
	say(out, r.Plan.Reasons)
	if len(r.Refused) > 0 {
		fmt.Fprintln(out, "The door would refuse it:")
		say(out, r.Refused)
	} else if r.Plan.Text != "" {
		fmt.Fprintf(out, "  %s: %q\n", placeOf(r.Plan.Private), plain(r.Plan.Text))
	}
	printRules(out, r.Rules)
}

// printRules prints what every rule had to say.
func printRules(out io.Writer, rules []reply.Verdict) {
	if len(rules) == 0 {
		return
	}
	fmt.Fprintln(out, "\nRules, in their order")
	width := 0
	for _, r := range rules {
		width = max(width, utf8.RuneCountInString(r.Rule))
	}
	for i, r := range rules {
		fmt.Fprintf(out, "  %3d  %-6s  %-*s  %s\n", i+1, r.Status, width, plain(r.Rule), plain(r.Why))
	}
}
