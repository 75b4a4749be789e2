package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform/x"
)

// What the chain is held to.
const (
	// answerTarget is the shortest patience of a platform whose webhooks we take:
	// Messenger waits 5 s, X 10 s (Messenger Platform docs, webhooks; X docs,
	// webhooks).
	answerTarget = 5 * time.Second
	// costTarget is dollars per million posts at 95 % chatter.
	costTarget = 4.0
)

// relevantEvery makes 5 % of the posts relevant.
const relevantEvery = 20

// warmUp is how many posts start the processes before the clock runs.
const warmUp = 40

// decideWithin bounds the wait for the last decision.
const decideWithin = 60 * time.Second

// benchChain pushes signed X webhooks through the whole local stack for a while
// and waits until every post is decided.
func benchChain(ctx context.Context, push time.Duration, atOnce int, out io.Writer) error {
	lines, err := day.Read(os.DirFS(dayDir))
	if err != nil {
		return fmt.Errorf("%s: %w", dayDir, err)
	}
	deck, err := newDeck(lines)
	if err != nil {
		return err
	}
	w, err := startWorld(ctx, worldOptions{addr: "127.0.0.1:0", standinAddr: "127.0.0.1:0", clock: clock.Real(), log: io.Discard,
		hidden: true, unlimited: true, template: liftThrottle})
	if err != nil {
		return err
	}
	defer w.close()
	r := &chainRun{w: w, deck: deck, posts: map[string]*chainPost{}, client: &http.Client{Timeout: 35 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, DisableCompression: true}}}
	stop := w.stack.OnLog(r.read)
	defer stop()

	if err := r.pushFor(ctx, 0, warmUp, atOnce); err != nil {
		return err
	}
	if err := r.wait(ctx); err != nil {
		return fmt.Errorf("while warming up: %w", err)
	}
	r.forget()
	w.stack.ResetCalls()
	began := time.Now()
	if err := r.pushFor(ctx, push, 0, atOnce); err != nil {
		return err
	}
	if err := r.wait(ctx); err != nil {
		return err
	}
	calls := w.stack.Calls()
	outcomes, err := r.outcomes(ctx)
	if err != nil {
		return err
	}
	return r.print(out, began, atOnce, outcomes, calls)
}

// chainPost is one post on its way; times are of the wall clock.
type chainPost struct {
	relevant       bool
	sent, answered time.Time
	decided        time.Time
	edge           bool // decided by the webhook
}

// chainRun pushes posts and hears what becomes of them.
type chainRun struct {
	w      *world
	deck   *deck
	client *http.Client

	mu    sync.Mutex
	posts map[string]*chainPost // by post id
}

// forget drops the posts of the warm-up.
func (r *chainRun) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = map[string]*chainPost{}
}

// read hears the edge's decisions.
func (r *chainRun) read(l lambda.Line) {
	d, ok := readDecided(l.Text)
	if !ok || d.Change != string(care.Received) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.posts[d.PostID]; p != nil && p.decided.IsZero() {
		p.decided, p.edge = l.Time, true
	}
}

// pushFor delivers posts for d, or count of them if d is 0, with atOnce
// deliveries on their way at any time.
func (r *chainRun) pushFor(ctx context.Context, d time.Duration, count, atOnce int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	until := time.Now().Add(d)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range atOnce {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				if (d > 0 && !time.Now().Before(until)) || (d == 0 && count == 0) {
					mu.Unlock()
					return
				}
				count--
				id, relevant, body, err := r.deck.next(time.Now())
				mu.Unlock()
				if err == nil {
					err = r.deliver(ctx, id, relevant, body)
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// deliver posts one signed body.
func (r *chainRun) deliver(ctx context.Context, id string, relevant bool, body []byte) error {
	if err := r.w.standin.SeedX(body); err != nil { // the post exists on X before we hear of it
		return err
	}
	p := &chainPost{relevant: relevant}
	signature := x.Sign(localConsumerSecret, body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.w.stack.URL()+"/webhooks/x", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Twitter-Webhooks-Signature", signature)
	req.Header.Set("Content-Type", "application/json")
	r.mu.Lock()
	r.posts[id] = p
	p.sent = time.Now()
	r.mu.Unlock()
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	res.Body.Close()
	r.mu.Lock()
	p.answered = time.Now()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook answered %d %s", res.StatusCode, answer)
	}
	return nil
}

// wait returns when every post has a decision.
func (r *chainRun) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, decideWithin)
	defer cancel()
	for {
		open, err := r.undecided()
		if err != nil {
			return err
		}
		if len(open) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d posts have no decision after %s: %s", len(open), decideWithin, first(open))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// undecided marks what the intake workflow decided and lists the rest.
func (r *chainRun) undecided() ([]string, error) {
	executions := r.w.stack.Executions(stackName + "-intake")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range executions {
		if e.Stopped.IsZero() {
			continue
		}
		var in struct {
			Post care.Post `json:"post"`
		}
		if err := json.Unmarshal(e.Input, &in); err != nil {
			return nil, fmt.Errorf("execution %s: %w", e.Name, err)
		}
		p := r.posts[string(in.Post.ID())]
		if p == nil || !p.decided.IsZero() {
			continue
		}
		if e.Status != "SUCCEEDED" {
			return nil, fmt.Errorf("intake of %s: %s %s", in.Post.ID(), e.Error, e.Cause)
		}
		p.decided = e.Stopped
	}
	var open []string
	for id, p := range r.posts {
		if p.decided.IsZero() {
			open = append(open, id)
		}
	}
	slices.Sort(open)
	return open, nil
}

// outcomes counts what became of the posts: what the table says, and ignored for
// those that the edge dropped.
func (r *chainRun) outcomes(ctx context.Context) (map[care.Outcome]int, error) {
	items, err := r.w.scan(ctx)
	if err != nil {
		return nil, err
	}
	out := map[care.Outcome]int{}
	for id, p := range r.posts {
		switch kept, ok := items.posts[id]; {
		case ok && kept.outcome != "":
			out[kept.outcome]++
		case p.edge:
			out[care.OutcomeIgnored]++
		default:
			return nil, fmt.Errorf("%s went through intake and has no outcome", id)
		}
	}
	return out, nil
}

func (r *chainRun) print(out io.Writer, began time.Time, atOnce int, outcomes map[care.Outcome]int, lines []cost.Line) error {
	var answers, edge, chain []float64 // milliseconds
	last, relevant := began, 0
	for _, p := range r.posts {
		answers = append(answers, ms(p.answered.Sub(p.sent)))
		took := ms(p.decided.Sub(p.sent))
		if p.edge {
			edge = append(edge, took)
		} else {
			chain = append(chain, took)
		}
		if p.relevant {
			relevant++
		}
		if p.decided.After(last) {
			last = p.decided
		}
	}
	n := len(r.posts)
	if n == 0 || len(edge) == 0 || len(chain) == 0 {
		return errors.New("too few posts came through to say anything")
	}
	seconds := last.Sub(began).Seconds()
	fmt.Fprintf(out, "\nThe whole chain on this machine: signed X webhooks, the real binaries, workflows and a real DynamoDB engine.\n")
	fmt.Fprintf(out, "  %d posts, %.1f %% chatter, %d at once: all decided in %.1f s, %.0f posts/s. AWS runs the functions side by side; here they share the CPUs with the stack itself.\n",
		n, 100*(1-float64(relevant)/float64(n)), atOnce, seconds, float64(n)/seconds)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  \tposts\tp50 ms\tp99 ms\ttarget\tmeaning")
	row := func(name string, list []float64, target, means string) {
		fmt.Fprintf(t, "  %s\t%d\t%.1f\t%.1f\t%s\t%s\n", name, len(list), percentile(list, 50), percentile(list, 99), target, means)
	}
	row("webhook's answer", answers, fmt.Sprintf("p99 %.0f s %s", answerTarget.Seconds(), verdict(percentile(answers, 99) <= ms(answerTarget))),
		"How long the platform waits for us.")
	row("decided at the edge", edge, "-", "From the delivery to the record that it was noise.")
	row("decided by intake", chain, "-", "From the delivery to the end of its workflow: replied on X, in an agent's queue, or on record.")
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprint(out, "  Outcomes:")
	for _, o := range slices.Sorted(maps.Keys(outcomes)) {
		fmt.Fprintf(out, " %s %d", o, outcomes[o])
	}
	fmt.Fprintln(out, ".")

	calls, standing := callsByService(lines)
	fmt.Fprintln(out, "  AWS calls per post:")
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	bill := cost.Cost(lines, n)
	var all int64
	for _, service := range slices.Sorted(maps.Keys(calls)) {
		all += calls[service]
		fmt.Fprintf(t, "    %s\t%.3f\t$%.3f per million posts\n", service, float64(calls[service])/float64(n), bill.PerPost[service]/float64(n)*1e6)
	}
	fmt.Fprintf(t, "    logs\t\t$%.3f per million posts\n", bill.PerPost["logs"]/float64(n)*1e6)
	fmt.Fprintf(t, "    all\t%.3f\t$%.2f per million posts (target: at most $%.0f, %s)\n", float64(all)/float64(n), bill.PerMillionPosts, costTarget,
		verdict(bill.PerMillionPosts <= costTarget))
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "  Besides %d calls that no post caused: schedules, config and secrets of new instances.\n", standing)
	if len(r.w.stack.Denials()) > 0 {
		return fmt.Errorf("a role lacks a grant: %s", first(slices.Sorted(maps.Keys(r.w.stack.Denials()))))
	}
	return nil
}

// callsByService counts the calls that posts caused, and those that nobody did.
// Log lines are written, not called.
func callsByService(lines []cost.Line) (calls map[string]int64, standing int64) {
	calls = map[string]int64{}
	for _, l := range lines {
		switch {
		case l.Service == "logs":
		case l.Standing:
			standing += l.Calls
		default:
			calls[l.Service] += l.Calls
		}
	}
	return calls, standing
}

// deck deals posts: bodies of the recorded day, each time as a new post, and the
// relevant ones by a new author, so that nothing is a duplicate.
type deck struct {
	chatter, relevant []json.RawMessage
	dealt             int
}

// newDeck sorts the recorded X bodies: scripted mentions are relevant, lines
// without a story are chatter. Left out is what names a customer (an e-mail
// address, an order): a hundred new authors would all be the same person.
func newDeck(lines []day.Line) (*deck, error) {
	d := &deck{}
	for _, l := range lines {
		if l.Via != day.ViaX {
			continue
		}
		var b struct {
			Data struct {
				EventType string `json:"event_type"`
				Payload   struct {
					Text string `json:"text"`
				} `json:"payload"`
			} `json:"data"`
		}
		if err := json.Unmarshal(l.Body, &b); err != nil {
			return nil, fmt.Errorf("a recorded line at %s: %w", l.At, err)
		}
		text := b.Data.Payload.Text
		switch {
		case !strings.HasPrefix(b.Data.EventType, "post.") || text == "":
		case l.Story == "":
			d.chatter = append(d.chatter, l.Body)
		case b.Data.EventType == "post.mention.create" && !strings.Contains(text, "VL-") && strings.Count(text, "@") == 1:
			d.relevant = append(d.relevant, l.Body)
		}
	}
	if len(d.chatter) == 0 || len(d.relevant) == 0 {
		return nil, errors.New("the recorded day has no X chatter or no scripted X mentions")
	}
	return d, nil
}

// firstID is the first post id that a deck deals, above those of the recorded day.
const firstID = 2_091_000_000_000_000_000

// next deals a post written now.
func (d *deck) next(now time.Time) (id string, relevant bool, body []byte, err error) {
	n := d.dealt
	d.dealt++
	relevant = n%relevantEvery == relevantEvery/2
	recorded := d.chatter[n%len(d.chatter)]
	if relevant {
		recorded = d.relevant[n/relevantEvery%len(d.relevant)]
	}
	native := strconv.Itoa(firstID + n)
	body, err = again(recorded, native, relevant, n, now)
	return string(care.X) + ":" + native, relevant, body, err
}

// again makes a new post of a recorded body.
func again(recorded []byte, native string, newAuthor bool, n int, now time.Time) ([]byte, error) {
	var b map[string]any
	dec := json.NewDecoder(bytes.NewReader(recorded))
	dec.UseNumber()
	if err := dec.Decode(&b); err != nil {
		return nil, err
	}
	data, _ := b["data"].(map[string]any)
	payload, _ := data["payload"].(map[string]any)
	if payload == nil {
		return nil, errors.New("a recorded X body has no payload")
	}
	data["event_uuid"] = native
	payload["created_at"] = now.UTC().Format("2006-01-02T15:04:05.000Z")
	payload["edit_history_tweet_ids"] = []string{native}
	if payload["conversation_id"] == payload["id"] {
		payload["conversation_id"] = native
	}
	payload["id"] = native
	if newAuthor {
		old, author := payload["author_id"], strconv.Itoa(90_000_000+n)
		includes, _ := data["includes"].(map[string]any)
		users, _ := includes["users"].([]any)
		for _, u := range users {
			if u, ok := u.(map[string]any); ok && u["id"] == old {
				u["id"], u["username"] = author, "bench_"+author
			}
		}
		payload["author_id"] = author
	}
	return json.Marshal(b)
}

// liftThrottle takes the flood limit off the template's HTTP API: it is a setting
// (200 requests/s), not what the chain can do.
func liftThrottle(template []byte) ([]byte, error) {
	var t map[string]any
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, err
	}
	resources, _ := t["Resources"].(map[string]any)
	lifted := false
	for _, r := range resources {
		r, _ := r.(map[string]any)
		properties, _ := r["Properties"].(map[string]any)
		settings, ok := properties["DefaultRouteSettings"].(map[string]any)
		if r["Type"] == "AWS::ApiGatewayV2::Stage" && ok {
			settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"] = 1e6, 1e6
			lifted = true
		}
	}
	if !lifted {
		return nil, errors.New("the template has no HTTP API stage with a throttle")
	}
	return json.Marshal(t)
}
