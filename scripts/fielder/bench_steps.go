package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// triageTarget is the CPU time that triage may take per post.
const triageTarget = 50 * time.Microsecond

// decideTarget is the CPU time that 200 rules may take per post.
const decideTarget = 20 * time.Microsecond

// step is one benchmark of what happens to a post.
type step struct {
	pkg, bench string // package below shared/, benchmark without "Benchmark"
	name       string
	means      string
	target     time.Duration // CPU per post; 0: none
}

// steps are the rows of the first table, in the order of the chain.
var steps = []step{
	{"platform/x", "Normalise/xaa_post_mention_create", "X mention", "One pushed body becomes a post, in the webhook.", 0},
	{"platform/x", "Normalise/xaa_post_repost_create", "X repost", "Most of what X pushes; it is dropped right after.", 0},
	{"platform/x", "Normalise/xaa_dm_received", "X direct message", "A private body becomes a post.", 0},
	{"platform/meta", "Normalise/facebook_page_feed_comment_add_real_log", "Facebook comment", "One change of a Page's feed becomes a post.", 0},
	{"platform/meta", "Normalise/instagram_comments_facebook_login", "Instagram comment", "One change of an Instagram account becomes a post.", 0},
	{"platform/meta", "Normalise/messenger_message_text", "Messenger message", "One message event becomes a post.", 0},
	{"platform/mastodon", "Normalise", "Mastodon mention", "A page of notifications, HTML parsed, per post of it.", 0},
	{"platform/bluesky", "Normalise", "Bluesky mention", "A page of notifications, facets read, per post of it.", 0},
	{"triage", "Triage/chatter", "triage, chatter", "What 19 of 20 posts cost: seen to be noise and dropped.", triageTarget},
	{"triage", "Triage/complaint", "triage, complaint", "Language, sentiment, intent, severity and priority of an English complaint.", triageTarget},
	{"triage", "Triage/queja", "triage, Spanish", "The same in Spanish.", triageTarget},
	{"triage", "Triage/question", "triage, question", "A short question.", triageTarget},
	{"triage", "Triage/unknown_language", "triage, no language", "Too little text to tell the language: every lexicon is asked.", triageTarget},
	{"match", "Match/known", "match, known author", "Whose post and which conversation, without the database's time.", 0},
	{"match", "Match/new", "match, new author", "The same, and a customer is created.", 0},
	{"reply", "Decide/standard", "decide", "The rules of the demo brand, the template filled in, the text measured.", 0},
	{"reply", "Decide/200_usual_rules", "decide, 200 rules", "200 rules of the usual kind, none of which fires.", decideTarget},
	{"reply", "Decide/200_rules", "decide, 200 odd rules", "The worst: a guard holds half of them back, and the last one answers.", decideTarget},
	{"policy", "MaySend", "policy", "Whether the platform's rules and ours let us say it.", 0},
}

// benchmark is a line of `go test -bench`.
type benchmark struct {
	pkg, name string
	values    map[string]float64 // by unit: "ns/op", "B/op", ...
}

// posts is how many posts one operation of the benchmark handles.
func (b benchmark) posts() float64 {
	if n := b.values["posts/op"]; n > 0 {
		return n
	}
	return 1
}

// perPost is a value of the benchmark per post.
func (b benchmark) perPost(unit string) float64 { return b.values[unit] / b.posts() }

// cpu is the CPU time per post: what the benchmark counted itself, else the time.
func (b benchmark) cpu() time.Duration {
	if v, ok := b.values["cpu-ns/op"]; ok {
		return time.Duration(v / b.posts())
	}
	return time.Duration(b.perPost("ns/op"))
}

// parseBenchmarks reads the output of `go test -bench -cpu 1`, whose names have
// no "-GOMAXPROCS" suffix. Lines that are no results are skipped.
func parseBenchmarks(output string) ([]benchmark, error) {
	var out []benchmark
	pkg := ""
	for line := range strings.Lines(output) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "pkg:":
			pkg = f[1]
		case len(f) >= 4 && strings.HasPrefix(f[0], "Benchmark"):
			if _, err := strconv.Atoi(f[1]); err != nil || len(f)%2 != 0 {
				return nil, fmt.Errorf("not a benchmark's result: %q", strings.TrimSpace(line))
			}
			b := benchmark{pkg: pkg, name: strings.TrimPrefix(f[0], "Benchmark"), values: map[string]float64{}}
			for i := 2; i < len(f); i += 2 {
				v, err := strconv.ParseFloat(f[i], 64)
				if err != nil {
					return nil, fmt.Errorf("not a benchmark's result: %q: %w", strings.TrimSpace(line), err)
				}
				b.values[f[i+1]] = v
			}
			out = append(out, b)
		}
	}
	return out, nil
}

// fastest keeps one result per benchmark: of several runs the fastest is the one
// that the rest of the machine disturbed least.
func fastest(all []benchmark) []benchmark {
	var out []benchmark
	for _, b := range all {
		i := slices.IndexFunc(out, func(o benchmark) bool { return o.pkg == b.pkg && o.name == b.name })
		switch {
		case i < 0:
			out = append(out, b)
		case b.cpu() < out[i].cpu():
			out[i] = b
		}
	}
	return out
}

// stepRuns is how often each benchmark runs.
const stepRuns = 3

// benchSteps runs the packages' own benchmarks, one package after the other, on
// one CPU as a small Lambda function has.
func benchSteps(ctx context.Context, out io.Writer) error {
	args := []string{"test", "-run", "^$", "-bench", "^Benchmark(Normalise|Triage|Match|Decide|MaySend)$", "-benchmem", "-benchtime", "150ms", "-count", strconv.Itoa(stepRuns), "-cpu", "1", "-p", "1", "-timeout", "3m"}
	for _, s := range steps {
		if p := "./shared/" + s.pkg; !slices.Contains(args, p) {
			args = append(args, p)
		}
	}
	fmt.Fprintf(out, "\nEach step of a post: our own code, one CPU, no network; the fastest of %d runs.\n", stepRuns)
	cmd := exec.CommandContext(ctx, "go", args...)
	var said, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &failed
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go test -bench: %w\n%s%s", err, said.String(), failed.String())
	}
	found, err := parseBenchmarks(said.String())
	if err != nil {
		return err
	}
	return printSteps(out, fastest(found))
}

func printSteps(out io.Writer, found []benchmark) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  step\tCPU ns\tB/post\tallocs\tposts/s\ttarget\tmeaning")
	cpu := map[string]time.Duration{}
	for _, s := range steps {
		i := slices.IndexFunc(found, func(b benchmark) bool { return strings.HasSuffix(b.pkg, "/shared/"+s.pkg) && b.name == s.bench })
		if i < 0 {
			return fmt.Errorf("shared/%s has no Benchmark%s", s.pkg, s.bench)
		}
		b := found[i]
		ns := float64(b.cpu()) // what the target is about, and what other work on the machine does not stretch
		if ns <= 0 {
			return fmt.Errorf("shared/%s: Benchmark%s has no ns/op", s.pkg, s.bench)
		}
		target := "-"
		if s.target > 0 {
			target = fmt.Sprintf("%d µs %s", s.target.Microseconds(), verdict(b.cpu() <= s.target))
		}
		cpu[s.name] = b.cpu()
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.name, thousands(ns), thousands(b.perPost("B/op")), thousands(b.perPost("allocs/op")),
			thousands(1e9/ns), target, s.means)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	chatter := cpu["X mention"] + cpu["triage, chatter"]
	relevant := cpu["X mention"] + 2*cpu["triage, complaint"] + cpu["match, known author"] + cpu["decide"] + cpu["policy"]
	fmt.Fprintf(out, "  Together a chatter post needs %d µs of our own CPU time, an answered one %d µs (triage at the edge and again in the workflow).\n",
		chatter.Microseconds(), relevant.Microseconds())
	return nil
}
