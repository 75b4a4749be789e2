package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/shared/app/replay"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/store"
)

// rulesReplay runs stored posts through a draft of the config and prints what
// would change. Nothing is sent and nothing is written.
func rulesReplay(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules replay", errs)
	var at where
	at.flags(f)
	since := f.String("since", "30d", "posts that came in since then: 30d, 12h, 2026-11-01 or 2026-11-01T09:00:00Z")
	until := f.String("until", "", "and before then (default: now)")
	draftDir := f.String("config", "", "the draft, a directory of the six files (default: "+ownConfig+")")
	againstDir := f.String("against", "", "compare with this config (default: with what was really decided)")
	platform := f.String("platform", "", "posts of this platform only")
	samples := f.Int("samples", 10, "posts to show of each kind of change, 0 to 100")
	asJSON := f.Bool("json", false, "print the report as JSON, for machines (docs: shared/app/replay.Report)")
	if err := parse(f, args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return misuse(fmt.Sprintf("rules replay takes its draft with --config DIR, got %q", f.Arg(0)))
	case *platform != "" && !slices.Contains(care.Platforms(), care.Platform(*platform)):
		return misuse(fmt.Sprintf("--platform must be one of %s, not %q", platformNames(), *platform))
	case *samples < 0 || *samples > 100:
		return misuse("--samples must be 0 to 100")
	}
	draft, draftName, err := loadConfig(*draftDir, errs)
	if err != nil {
		return err
	}
	o := replay.Options{Draft: draft, Samples: *samples}
	againstName := "what was really decided"
	if *againstDir != "" {
		if o.Against, againstName, err = loadConfig(*againstDir, errs); err != nil {
			return err
		}
	}
	s, err := reach(ctx, at)
	if err != nil {
		return err
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	if o.Sweep, err = sweepOf(*since, *until, now); err != nil {
		return err
	}
	o.Sweep.Platform = care.Platform(*platform)
	if s.local != nil {
		o.Sweep.Segments = 1
	}
	began := time.Now()
	p := &ticker{out: errs, live: isTerminal(errs), began: began, last: began}
	o.Progress = p.posts
	// Only the archive gets to the table: it cannot write. A throttled page waits
	// for its turn, however long others keep the table busy.
	api := dynamodb.NewFromConfig(s.aws, func(o *dynamodb.Options) { o.RetryMaxAttempts = 12 })
	report, err := replay.Run(ctx, store.NewArchive(api, s.tableName), o)
	p.end()
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(report)
	}
	v := replayView{out: out, Report: report, draft: draftName, against: againstName, system: s.name, took: time.Since(began)}
	v.print()
	return nil
}

// platformNames lists the platforms for people.
func platformNames() string {
	var names []string
	for _, p := range care.Platforms() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// now is the system's time: the local stack may be playing a recorded day.
func (s *system) now(ctx context.Context) (time.Time, error) {
	if s.local == nil {
		return time.Now(), nil
	}
	var clock struct{ Now time.Time }
	err := s.local.get(ctx, "/_fielder/clock", &clock)
	return clock.Now, err
}

// sweepOf reads --since and --until.
func sweepOf(since, until string, now time.Time) (store.Sweep, error) {
	q := store.Sweep{Until: now}
	var err error
	if until != "" {
		if q.Until, err = moment("--until", until, now); err != nil {
			return q, err
		}
	}
	if q.Since, err = moment("--since", since, now); err != nil {
		return q, err
	}
	if !q.Since.Before(q.Until) {
		return q, misuse(fmt.Sprintf("--since (%s) must be before --until (%s)", stampOf(q.Since), stampOf(q.Until)))
	}
	return q, nil
}

// moment reads a time, or how long ago it was.
func moment(name, s string, now time.Time) (time.Time, error) {
	var ago config.Duration
	if err := ago.UnmarshalText([]byte(s)); err == nil && ago > 0 {
		return now.Add(-time.Duration(ago)), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, misuse(fmt.Sprintf("%s must be a time ago (30d, 12h) or a time (2026-11-01, 2026-11-01T09:00:00Z, UTC), not %q", name, s))
}

// ticker tells now and then how far the replay is: one line that changes, or
// lines when nobody looks.
type ticker struct {
	out         io.Writer
	live        bool
	began, last time.Time
	shown       bool
}

func (t *ticker) posts(n int) {
	pause := 5 * time.Second
	if t.live {
		pause = 200 * time.Millisecond
	}
	if time.Since(t.last) < pause {
		return
	}
	t.last, t.shown = time.Now(), true
	line := fmt.Sprintf("%s posts replayed, %.0f s", thousands(float64(n)), time.Since(t.began).Seconds())
	if t.live {
		fmt.Fprintf(t.out, "\r%-60s", line)
	} else {
		fmt.Fprintln(t.out, line)
	}
}

func (t *ticker) end() {
	if t.live && t.shown {
		fmt.Fprintf(t.out, "\r%-60s\r", "")
	}
}

// replayView prints a report for people.
type replayView struct {
	*replay.Report
	out                    io.Writer
	draft, against, system string
	took                   time.Duration
}

func (v *replayView) line(format string, args ...any) { fmt.Fprintf(v.out, format+"\n", args...) }

func (v *replayView) print() {
	v.line("Replay of %s posts of %s, %s to %s", thousands(float64(v.Posts)), v.system, stampOf(v.Since), stampOf(v.Until))
	v.line("  before: %s", v.against)
	v.line("  after:  %s (%s)", v.draft, v.Draft)
	v.line("Nothing was sent and nothing was written.")
	if v.Posts == 0 {
		v.line("\nNo decided post came in then.")
	} else {
		v.changes()
	}
	v.notes()
}

func (v *replayView) changes() {
	v.line("\n%s of %s posts would go another way.", thousands(float64(v.Changed)), thousands(float64(v.Posts)))
	v.table("outcome", len(v.Outcomes), func(row func(string, ...any)) {
		for _, o := range v.Outcomes {
			row(o.Outcome, o.Before, o.After, signed(o.After-o.Before))
		}
	}, "before", "after", "change")
	var idle, tag []string
	v.table("rule", len(v.Rules), func(row func(string, ...any)) {
		for _, r := range v.Rules {
			name := r.Rule
			switch {
			case name == "":
				name = "(none)"
			case r.Before == 0 && r.After == 0 && r.Tagged > 0:
				tag = append(tag, fmt.Sprintf("%s (%s)", name, plural(r.Tagged, "post")))
				continue
			case r.Before == 0 && r.After == 0:
				idle = append(idle, name)
				continue
			}
			row(plain(name), r.Before, r.After, signed(r.Gained), signed(-r.Lost))
		}
	}, "before", "after", "gained", "lost")
	if len(tag) > 0 {
		v.line("Tags only: %s", plain(strings.Join(tag, ", ")))
	}
	if len(idle) > 0 {
		v.line("No post for: %s", plain(strings.Join(idle, ", ")))
	}
	v.table("cost of automated replies, list prices", len(v.Cost), func(row func(string, ...any)) {
		var before, after float64
		for _, c := range v.Cost {
			row(string(c.Platform), dollars(c.Before), dollars(c.After), signedDollars(c.After-c.Before))
			before, after = before+c.Before, after+c.After
		}
		row("together", dollars(before), dollars(after), signedDollars(after-before))
	}, "before", "after", "change")
	v.table("not said, because", len(v.Refusals), func(row func(string, ...any)) {
		for _, r := range v.Refusals {
			row(r.By, r.Before, r.After, plain(r.Text))
		}
	}, "before", "after", "what it says")
	v.table("conflicts: both rules fit, the first one wins", len(v.Conflict), func(row func(string, ...any)) {
		for _, c := range v.Conflict {
			row(plain(c.Wins), plain(c.Loses), c.Posts)
		}
	}, "it comes before", "posts")
	if v.Agent.Posts > 0 {
		v.line("\nAn agent had the conversation of %s posts; but for that the draft would have answered %s of them.", thousands(float64(v.Agent.Posts)), thousands(float64(v.Agent.Silent)))
	}
	for _, c := range v.Changes {
		v.line("\n%s: %s", c.Change, plural(c.Posts, "post"))
		for _, s := range c.Samples {
			v.sample(s)
		}
		if rest := c.Posts - len(c.Samples); rest > 0 && len(c.Samples) > 0 {
			v.line("  and %s more", thousands(float64(rest)))
		}
	}
}

func (v *replayView) sample(s replay.Sample) {
	v.line("  %s  %s, %s  %q", plain(string(s.ID)), placeOf(s.Private), stampOf(s.At), plain(s.Text))
	v.side("before", s.Before)
	v.side("after ", s.After)
}

func (v *replayView) side(when string, s replay.Side) {
	by := "no rule"
	if s.Rule != "" {
		by = "rule " + plain(s.Rule)
	}
	switch {
	case s.Outcome == replay.Ignored:
		by = "chatter"
	case s.Queue != "":
		by += ", queue " + plain(s.Queue)
	}
	v.line("    %s  %s (%s)", when, s.Outcome, by)
	if s.Says != "" {
		v.line("            says %s: %q", placeOf(s.Private), plain(s.Says))
	} else if s.Why != "" {
		v.line("            %s", plain(s.Why))
	}
}

func placeOf(private bool) string {
	if private {
		return "in private"
	}
	return "in public"
}

// notes say what the numbers leave out.
func (v *replayView) notes() {
	v.line("\nWhat to know:")
	for _, n := range []struct {
		posts int
		text  string
	}{
		{v.Skipped.Deleted, "left out: their authors deleted them"},
		{v.Skipped.Edited, "left out: their authors changed them since, and what was decided about is gone"},
		{v.Skipped.Undecided, "left out: they are not decided yet"},
		{v.Skipped.Damaged, "left out: what is stored about them cannot be read"},
		{v.Unseen, "decided before what the rules saw was kept: their authors are taken to be unknown, and their conversations new"},
		{v.Uncounted, "answered without a look at the caps: there were more to count than fit in memory"},
	} {
		if n.posts > 0 {
			v.line("  %s %s.", plural(n.posts, "post"), n.text)
		}
	}
	v.line("  Obvious chatter is decided at the edge and not stored, so it is in no number here.")
	v.line("  Caps and budgets are counted in the order in which posts lie in the table, not in which they came.")
	v.line("  Whether an agent had the conversation, or many wrote about the same, is as it was then.")
	v.line("  Read: %s items in %.0f s, %s read request units ($%.4f at list price in AWS).", thousands(float64(v.Read.Items)), v.took.Seconds(), thousands(v.Read.Units), readPrice()*v.Read.Units)
}

// readPrice is what a read request unit costs.
func readPrice() float64 {
	for _, p := range cost.Prices {
		if p.Service == "dynamodb" && p.Unit == cost.ReadUnit {
			return p.USD
		}
	}
	return 0
}

// table prints rows below a heading; none when there are none.
func (v *replayView) table(title string, rows int, fill func(row func(name string, cells ...any)), columns ...string) {
	if rows == 0 {
		return
	}
	fmt.Fprintln(v.out)
	w := tabwriter.NewWriter(v.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\t%s\n", title, strings.Join(columns, "\t"))
	fill(func(name string, cells ...any) {
		fmt.Fprintf(w, "  %s", name)
		for _, c := range cells {
			if n, ok := c.(int); ok {
				c = thousands(float64(n))
			}
			fmt.Fprintf(w, "\t%v", c)
		}
		fmt.Fprintln(w)
	})
	w.Flush()
}

func signed(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%+d", n)
}

func dollars(usd float64) string { return fmt.Sprintf("$%.2f", usd) }

func signedDollars(usd float64) string {
	switch {
	case usd < -0.005:
		return fmt.Sprintf("-$%.2f", -usd)
	case usd > 0.005:
		return fmt.Sprintf("+$%.2f", usd)
	}
	return "0"
}
