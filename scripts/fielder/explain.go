package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/store"
)

// explain prints a post's whole story: what it said, what triage saw, who wrote
// it, which rule spoke, what went out, and why.
func explain(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("explain", errs)
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return misuse("which post? fielder explain x:2090000000000000101")
	}
	id, err := postID(f.Arg(0))
	if err != nil {
		return err
	}
	r, err := findRunning(ctx)
	if err != nil {
		return err
	}
	rec, err := r.table.Post(ctx, id)
	logged, logErr := r.records(ctx, id)
	if logErr != nil {
		return logErr
	}
	if care.CodeOf(err) == care.NotFound {
		if len(logged) == 0 {
			return fmt.Errorf("nothing is known about %s: it never came in, or its log line is gone", id)
		}
		explainEdge(out, id, logged)
		return nil
	}
	if err != nil {
		return err
	}
	explainPost(out, rec)
	if t := rec.Triage; t != nil {
		fmt.Fprintf(out, "\nTriage: %s, %s, intent %s, sentiment %+.2f, severity %s, priority %.0f\n", t.Relevance, orNone(t.Lang), orNone(t.Intent), t.Sentiment, t.Severity, t.Priority)
		say(out, t.Reasons)
	}
	if plan := rec.Plan; plan != nil {
		fmt.Fprintf(out, "\nPlan: %s, rule %s, config %s\n", plan.Action, orNone(plan.Rule), plan.ConfigVersion)
		if plan.Text != "" {
			fmt.Fprintf(out, "  %q\n", plan.Text)
		}
		say(out, plan.Reasons)
	}
	if rec.Outcome == "" {
		fmt.Fprintf(out, "\nNot decided yet; the ledger has driven it again %d time(s).\n", rec.Drives)
	} else {
		fmt.Fprintf(out, "\nDecision: %s, %s\n", rec.Outcome, stampOf(rec.DecidedAt))
		say(out, rec.Reasons)
	}
	for _, d := range logged {
		if d.Change != "received" {
			fmt.Fprintf(out, "\nThen %s: %s\n", d.Change, strings.Join(d.Reasons, " "))
		}
	}
	return r.story(ctx, out, rec.Post)
}

// postID reads a post's id.
func postID(s string) (care.PostID, error) {
	id := care.PostID(s)
	if platform, _, ok := id.Split(); !ok || !slices.Contains(care.Platforms(), platform) {
		return "", misuse(fmt.Sprintf("%q is not a post id: it reads <platform>:<id on the platform>, for example x:2090000000000000101", id))
	}
	return id, nil
}

// explainEdge prints what was decided at the edge, of which there are log lines
// alone.
func explainEdge(out io.Writer, id care.PostID, logged []decided) {
	platform, _, _ := id.Split()
	for _, d := range logged {
		fmt.Fprintf(out, "%s\n  on %s, %s\n  %s at the edge, before it cost anything:\n", id, platform, d.Change, d.Outcome)
		for _, reason := range d.Reasons {
			fmt.Fprintln(out, "    - "+reason)
		}
	}
}

// explainPost prints what a post is and says.
func explainPost(out io.Writer, rec store.PostRecord) {
	p := rec.Post
	fmt.Fprintf(out, "%s\n", rec.ID)
	where := "in public"
	if p.Private {
		where = "in private"
	}
	fmt.Fprintf(out, "  %s on %s, %s, written %s, received %s\n", p.Kind, p.Platform, where, stampOf(p.CreatedAt), stampOf(p.ReceivedAt))
	if !rec.Deleted.IsZero() {
		fmt.Fprintf(out, "  deleted upstream %s; its text is gone here too\n", stampOf(rec.Deleted))
	} else {
		author := p.Author.Name
		if p.Author.Handle != "" {
			author += " @" + p.Author.Handle
		}
		followers := ""
		if p.Author.Followers != nil {
			followers = fmt.Sprintf(", %d followers", *p.Author.Followers)
		}
		fmt.Fprintf(out, "  by %s%s\n  %q\n", plain(strings.TrimSpace(author)), followers, p.Text)
		if p.URL != "" {
			fmt.Fprintln(out, "  "+plain(p.URL))
		}
	}
	if rec.Edits > 0 {
		fmt.Fprintf(out, "  changed by its author %d time(s), last %s\n", rec.Edits, stampOf(rec.EditedAt))
	}
}

// story prints the author's timeline around the post.
func (r *running) story(ctx context.Context, out io.Writer, p care.Post) error {
	if p.Author.ID == "" {
		return nil
	}
	customer, identity, err := r.table.CustomerByIdentity(ctx, string(p.Platform), p.Author.ID)
	if care.CodeOf(err) == care.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	who := "prospect"
	if !customer.Prospect {
		who = "customer " + plain(customer.Name)
	}
	fmt.Fprintf(out, "\nAuthor: %s (%s), %s\n", who, customer.ID, orNone(string(identity.Grade)))
	say(out, identity.Evidence)
	list, _, err := r.table.Timeline(ctx, customer.ID, 20, "")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nTimeline, newest first:")
	for _, i := range list {
		text := plain(i.Text)
		if len([]rune(text)) > 100 {
			text = string([]rune(text)[:99]) + "…"
		}
		fmt.Fprintf(out, "  %s  %-10s %-9s %s %s\n", stampOf(i.At), i.Kind, i.Platform, i.By, text)
	}
	open, err := r.table.OpenConversations(ctx, customer.ID)
	if err != nil {
		return err
	}
	for _, c := range open {
		fmt.Fprintf(out, "\nConversation %s: %s, since %s\n", c.ID, c.State, stampOf(c.Opened))
		if e := c.Escalation; e != nil {
			fmt.Fprintf(out, "  in queue %s with priority %.0f, first response due %s\n", e.Queue, e.Priority, stampOf(e.DueAt))
			say(out, e.Reasons)
		}
	}
	return nil
}

// records finds every "decided" line of a post.
func (r *running) records(ctx context.Context, id care.PostID) ([]decided, error) {
	var lines []lambda.Line
	if err := r.get(ctx, "/_fielder/logs?contains="+url.QueryEscape(jsonText(string(id))), &lines); err != nil {
		return nil, err
	}
	var out []decided
	for _, l := range lines {
		if d, ok := readDecided(l.Text); ok && d.PostID == string(id) {
			out = append(out, d)
		}
	}
	return out, nil
}

func say(out io.Writer, reasons []care.Reason) {
	for _, r := range reasons {
		points := ""
		if r.Points != 0 {
			points = fmt.Sprintf(" (%+.1f)", r.Points)
		}
		fmt.Fprintf(out, "    - %s: %s%s\n", r.By, plain(r.Text), points)
	}
}

// plain makes foreign text fit for one line of a terminal: no control characters,
// which could move the cursor, and none that turn the direction of writing.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
