package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/shared/match/importer"
	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/x"
)

// Where the recorded day and its customers lie.
const (
	dayDir       = "events/samples/day"
	customersCSV = "events/samples/customers.csv"
	// decisionsFile holds how the day was decided; with or without faults, every
	// play must come to the same.
	decisionsFile = "events/samples/decisions.json"
)

// demo plays a recorded day through the whole chain.
func demo(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("demo", errs)
	once := f.Bool("once", false, "exit when the day is played; status 0 only if everything held that must hold")
	withFaults := f.Bool("faults", false, "inject throttles, errors, time-outs, duplicates, reordering and killed processes at every boundary")
	seed := f.Int64("seed", 1, "seed of the faults")
	dir := f.String("day", dayDir, "the recorded day")
	accept := f.Bool("accept", false, "write the day's decisions to "+decisionsFile+" instead of comparing with it (after a change of rules)")
	addr := f.String("addr", "", "address of the stack (default 127.0.0.1:4747)")
	pages := f.String("pages", "", "address of the stand-ins (default "+standinAddr+")")
	config := f.String("config", "", "the config to play with, watched for edits unless --once (default: "+ownConfig+", where it is; with --once the one that is deployed)")
	if err := parse(f, args); err != nil {
		return err
	}
	if *accept && *config != "" {
		return misuse("--accept records how the deployed config decides the day; --config is another")
	}
	lines, err := day.Read(os.DirFS(*dir))
	if err != nil {
		return fmt.Errorf("%s: %w", *dir, err)
	}
	first, err := lines[0].Time()
	if err != nil {
		return err
	}
	var plan *faults.Plan
	if *withFaults {
		plan = faults.Standard(*seed)
	}
	p := &player{out: out, lines: lines, plan: plan, live: isTerminal(out), started: time.Now()}
	if err := inOrder(*config, errs); err != nil {
		return err
	}
	fmt.Fprintf(out, "Starting the local stack: the deployed template, the real binaries, a real DynamoDB engine ...\n")
	w, err := startWorld(ctx, worldOptions{addr: *addr, clock: clock.Stepped(first.Add(-5 * time.Minute)), faults: plan, log: io.Discard, standinAddr: *pages})
	if err != nil {
		return err
	}
	defer w.close()
	p.w = w
	w.agents = newAgents(w)
	stop := w.stack.OnLog(p.read)
	defer stop()
	given := *config != ""
	if !given && !*once && !*accept {
		*config = ownConfigDir()
	}
	if *config != "" {
		if err := w.watchConfig(ctx, *config, given, !*once, errs); err != nil {
			return err
		}
	}

	if err := p.importCustomers(ctx); err != nil {
		return err
	}
	w.stack.ResetCalls() // the import is not part of the day
	if err := p.play(ctx); err != nil {
		return err
	}
	r, err := p.report(ctx)
	if err != nil {
		return err
	}
	releases, err := w.releases()
	if err != nil {
		return err
	}
	deployed, err := releases.deployments(ctx)
	if err != nil {
		return err
	}
	if *accept {
		err = r.record(decisionsFile)
	} else if len(deployed) > 1 {
		fmt.Fprintln(out, "The decisions are not compared with the recorded ones: the day was played with another config.")
	} else if *dir == dayDir {
		var want recorded
		var raw []byte
		if raw, err = os.ReadFile(decisionsFile); err == nil {
			err = json.Unmarshal(raw, &want)
		}
		r.compare(want)
	}
	if err != nil {
		return err
	}
	r.print(out)
	broken := r.broken()
	if *once {
		for _, b := range broken {
			fmt.Fprintln(out, "NOT HELD: "+b)
		}
		if err := json.NewEncoder(out).Encode(r.summary()); err != nil {
			return err
		}
		if len(broken) > 0 {
			return errQuiet
		}
		return nil
	}
	for _, b := range broken {
		fmt.Fprintln(out, "NOT HELD: "+b)
	}
	w.stack.Clock().Flow()
	fmt.Fprintf(out, `
The stack stays up. Where to look:
  %s/standin/            the threads as customers see them, with our replies
  %s/connect/            the agents' workspace: tasks, calls, what lookup told
  %s/_fielder/status     the stack; also /_fielder/calls, /executions, /logs?contains=, /faults
  build/fielder explain %s
                                        why we did or did not answer
  build/fielder ingest --platform x FILE.json
                                        send a platform's body
%sCtrl-C stops it.
`, w.pages, w.pages, w.stack.URL(), r.example(), watched(*config))
	<-ctx.Done()
	fmt.Fprintln(out)
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// player plays a day.
type player struct {
	w       *world
	out     io.Writer
	lines   []day.Line
	plan    *faults.Plan
	live    bool // a terminal: one line that changes
	started time.Time

	delivered atomic.Int64
	again     atomic.Int64 // deliveries that had to be repeated

	mu      sync.Mutex
	edge    map[string]decided // by post id: decided by log line
	changes map[string]decided // by "change post id"
}

// read collects the records of the edge and the ledger.
func (p *player) read(l lambda.Line) {
	d, ok := readDecided(l.Text)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.edge == nil {
		p.edge, p.changes = map[string]decided{}, map[string]decided{}
	}
	if d.Change == "received" {
		p.edge[d.PostID] = d
	} else {
		p.changes[d.Change+" "+d.PostID] = d
	}
}

func (p *player) importCustomers(ctx context.Context) error {
	f, err := os.Open(customersCSV)
	if err != nil {
		return err
	}
	defer f.Close()
	rep, err := importer.ImportCustomers(ctx, f, importer.Options{Store: p.w.table, File: filepath.Base(customersCSV), Now: p.w.stack.Clock().Now()})
	if err != nil {
		return err
	}
	if len(rep.Errors) > 0 {
		return rep.Errors[0]
	}
	fmt.Fprintf(p.out, "Imported %d customers.\n", rep.Created)
	return nil
}

// play delivers every line at its time and lets the rest of the evening pass.
func (p *player) play(ctx context.Context) error {
	clock := p.w.stack.Clock()
	shown := ""
	for i := 0; i < len(p.lines); {
		// What came in within the same minute is delivered at once, as platforms do,
		// when the last of it has been written.
		j := i
		for j < len(p.lines) && p.lines[j].At[:5] == p.lines[i].At[:5] {
			j++
		}
		at, err := p.lines[j-1].Time()
		if err != nil {
			return err
		}
		if err := clock.AdvanceTo(ctx, at); err != nil {
			return err
		}
		if err := p.deliver(ctx, p.lines[i:j]); err != nil {
			return err
		}
		i = j
		if hour := p.lines[j-1].At[:2]; p.live || hour != shown {
			shown = hour
			p.progress(p.lines[j-1].At[:5], i)
		}
	}
	// The evening: agents finish, cool-offs end, clocks run out.
	end, err := time.Parse("2006-01-02", day.Date)
	if err != nil {
		return err
	}
	if err := clock.AdvanceTo(ctx, end.Add(24*time.Hour)); err != nil {
		return err
	}
	if err := clock.AdvanceTo(ctx, end.Add(34*time.Hour)); err != nil { // next morning, 10:00
		return err
	}
	p.progress("24:00", len(p.lines))
	if p.live {
		fmt.Fprintln(p.out)
	}
	return p.w.stack.Idle(ctx)
}

func (p *player) progress(at string, done int) {
	p.mu.Lock()
	edge := len(p.edge)
	p.mu.Unlock()
	line := fmt.Sprintf("  %s  %4d of %d delivered (%d%%), %d decided at the edge, %d replies, %d contacts, %.0f s", at, done, len(p.lines),
		100*done/len(p.lines), edge, len(p.w.standin.Replies()), len(p.w.standin.Contacts()), time.Since(p.started).Seconds())
	if p.live {
		fmt.Fprintf(p.out, "\r%-110s", line)
	} else {
		fmt.Fprintln(p.out, line)
	}
}

// workers is how many deliveries are on their way at the same time.
const workers = 6

// deliver sends lines side by side and waits until all are taken.
func (p *player) deliver(ctx context.Context, lines []day.Line) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, workers)
	errs := make(chan error, len(lines))
	for _, l := range lines {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; wg.Done() }()
			errs <- p.one(ctx, l)
		}()
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		if err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

func (p *player) one(ctx context.Context, l day.Line) error {
	p.delivered.Add(1)
	switch l.Via {
	case day.ViaX:
		if err := p.w.standin.SeedX(l.Body); err != nil {
			return err
		}
		return p.post(ctx, "/webhooks/x", "X-Twitter-Webhooks-Signature", x.Sign(localConsumerSecret, l.Body), l.Body)
	case day.ViaMeta:
		if err := p.w.standin.SeedMeta(l.Body); err != nil {
			return err
		}
		return p.post(ctx, "/webhooks/meta", "X-Hub-Signature-256", meta.Sign(localAppSecret, l.Body), l.Body)
	case day.ViaMastodon:
		return p.w.standin.AddMastodon(l.Body)
	case day.ViaBluesky:
		return p.w.standin.AddBluesky(l.Body)
	case day.ViaCall:
		var c day.Call
		if err := json.Unmarshal(l.Body, &c); err != nil {
			return err
		}
		end := p.w.stack.Clock().Begin()
		go func() {
			defer end()
			_, err := p.w.standin.Call(ctx, standin.CallOptions{Contact: c.Contact, From: c.From, Agent: strings.ToLower(c.Agent),
				Ring: 20 * time.Second, Talk: time.Duration(c.Seconds) * time.Second})
			if err != nil {
				p.w.note("call: %v", err)
			}
		}()
		return nil
	}
	return fmt.Errorf("a recorded line comes via %q, which nothing knows", l.Via)
}

// redeliveries bounds how often a platform tries again; Meta goes on for 36
// hours, X has a replay job.
const redeliveries = 12

// post delivers a webhook as a platform does: until it is acknowledged.
func (p *player) post(ctx context.Context, path, header, signature string, body []byte) error {
	client := &http.Client{Timeout: 35 * time.Second}
	var last string
	for try := range redeliveries {
		if try > 0 {
			p.again.Add(1)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.w.stack.URL()+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set(header, signature)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			last = err.Error()
			continue
		}
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
		last = fmt.Sprintf("%d %s", res.StatusCode, answer)
		if res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
			return fmt.Errorf("%s refused a recorded body: %s: %.200s", path, last, body)
		}
	}
	return fmt.Errorf("%s did not take a body in %d deliveries: %s", path, redeliveries, last)
}
