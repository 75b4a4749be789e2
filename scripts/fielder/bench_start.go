package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// What a cold start may cost.
const (
	startRatio  = 1.5 // of the baseline that only builds the same AWS clients
	binaryLimit = 15 << 20
)

// The baselines are small functions under scripts/bench: bare is aws-lambda-go
// alone, the others build AWS clients and do nothing else.
const (
	baselineSources = "./scripts/bench/"
	baselineDir     = "build/bench"
	bareBaseline    = "bare"
)

// baselines says, per function, which one builds the same AWS clients.
var baselines = map[string]string{
	"triage": "config", "match": "table", "reply": "rules", "lookup": "rules",
	"webhook": "edge", "poller": "edge", "send": "edge",
	"invite": "workflow", "contact": "centre", "escalate": "centre", "ledger": "parked", "panel": "door", "validate": bareBaseline,
}

// start is what the cold starts of one binary came to.
type start struct {
	name   string
	took   []time.Duration // process start to the first request for work
	rss    []int64         // resident bytes then; empty where /proc is not
	binary int64           // bytes
}

// benchStarts measures cold starts, interleaved, so that whatever else the
// machine does falls on all alike.
func benchStarts(ctx context.Context, rounds int, out io.Writer) error {
	names, err := functionNames(binariesDir)
	if err != nil {
		return err
	}
	paths := map[string]string{}
	var order []string
	for _, name := range append([]string{bareBaseline}, wantedBaselines()...) {
		file, err := buildBaseline(ctx, name)
		if err != nil {
			return err
		}
		paths["("+name+")"] = file
		order = append(order, "("+name+")")
	}
	for _, name := range names {
		if baselines[name] == "" {
			return fmt.Errorf("function %s has no start-up baseline: say in bench_start.go which AWS clients it builds", name)
		}
		paths[name] = filepath.Join(binariesDir, name, "bootstrap")
		order = append(order, name)
	}
	api, err := newStartAPI()
	if err != nil {
		return err
	}
	defer api.close()
	all := map[string]*start{}
	for _, name := range order {
		info, err := os.Stat(paths[name])
		if err != nil {
			return err
		}
		all[name] = &start{name: name, binary: info.Size()}
	}
	for round := range rounds + 1 {
		for _, name := range order {
			one, err := api.start(ctx, name, paths[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if round == 0 {
				continue // the files come from the disk
			}
			s := all[name]
			s.took = append(s.took, one.took)
			if one.rss > 0 {
				s.rss = append(s.rss, one.rss)
			}
		}
	}
	printStarts(out, names, all, rounds)
	return nil
}

func wantedBaselines() []string {
	var out []string
	for _, name := range baselines {
		if name != bareBaseline && !slices.Contains(out, name) { // that one is always measured
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// functionNames lists the folders that hold a bootstrap.
func functionNames(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "bootstrap"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no function: run `make build` first", dir)
	}
	names := make([]string, 0, len(found))
	for _, f := range found {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	slices.Sort(names)
	return names, nil
}

// buildBaseline builds a baseline with the flags that the Makefile gives to
// functions.
func buildBaseline(ctx context.Context, name string) (string, error) {
	file := filepath.Join(baselineDir, name, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", file, baselineSources+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the baseline %s: %w\n%s", name, err, text)
	}
	return file, nil
}

// startAPI is as much of Lambda's Runtime API as a start needs: it notes when a
// process first asks for work, and never has any.
type startAPI struct {
	listener net.Listener
	http     *http.Server

	mu    sync.Mutex
	next  int
	asked map[string]chan time.Time // by instance
}

func newStartAPI() (*startAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &startAPI{listener: listener, asked: map[string]chan time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{instance}/2018-06-01/runtime/invocation/next", func(_ http.ResponseWriter, r *http.Request) {
		now := time.Now()
		a.mu.Lock()
		asked := a.asked[r.PathValue("instance")]
		a.mu.Unlock()
		if asked != nil {
			select {
			case asked <- now:
			default: // not the first time
			}
		}
		<-r.Context().Done()
	})
	a.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go a.http.Serve(listener)
	return a, nil
}

func (a *startAPI) close() { a.http.Close() }

// started is one cold start.
type started struct {
	took time.Duration
	rss  int64
}

// startLimit is Lambda's limit for the init phase.
const startLimit = 10 * time.Second

// start runs a binary until it asks for work, then kills it.
func (a *startAPI) start(ctx context.Context, name, binary string) (started, error) {
	asked := make(chan time.Time, 1)
	a.mu.Lock()
	a.next++
	id := strconv.Itoa(a.next)
	a.asked[id] = asked
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.asked, id)
		a.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = startEnv(a.listener.Addr().String()+"/"+id, name)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return started{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case at := <-asked:
		one := started{took: at.Sub(began)}
		one.rss = resident(cmd.Process.Pid)
		cancel()
		<-ended
		return one, nil
	case err := <-ended:
		if ctx.Err() != nil {
			return started{}, fmt.Errorf("did not ask for work within %s: %w", startLimit, ctx.Err())
		}
		return started{}, fmt.Errorf("ended (%v) before it asked for work: %.500s", err, said.String())
	}
}

// startEnv is what Lambda and the template put into a function's environment.
func startEnv(api, name string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=fielder-bench-" + strings.Trim(name, "()"),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_FORMAT=JSON", "_HANDLER=bootstrap",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "TZ=:UTC",
		"FIELDER_STAGE=bench", "FIELDER_TABLE=fielder-bench", "FIELDER_BUS=fielder-bench", "FIELDER_CONFIG=app/env/profile",
		"FIELDER_SECRET_INGEST=arn:aws:secretsmanager:us-east-1:111122223333:secret:ingest",
		"FIELDER_SECRET_READ=arn:aws:secretsmanager:us-east-1:111122223333:secret:read",
		"FIELDER_SECRET_WRITE=arn:aws:secretsmanager:us-east-1:111122223333:secret:write",
		"FIELDER_PARKED_QUEUE=https://sqs.us-east-1.amazonaws.com/111122223333/parked",
		"FIELDER_FOLLOWUP_MACHINE=arn:aws:states:us-east-1:111122223333:stateMachine:followup",
		"FIELDER_SEND_FUNCTION=arn:aws:lambda:us-east-1:111122223333:function:send", "FIELDER_PANEL_GROUPS_CLAIM=cognito:groups",
		"FIELDER_CONNECT_INSTANCE=00000000-0000-0000-0000-000000000001", "FIELDER_CONNECT_FLOW=00000000-0000-0000-0000-000000000002",
	}
}

// resident is a running process's resident memory in bytes; 0 where there is no
// /proc. (The rusage of a child that was just forked still holds its parent's
// peak.)
func resident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parseRSS(string(status))
}

// parseRSS finds VmRSS in /proc/PID/status, in bytes; 0 when it is not there.
func parseRSS(status string) int64 {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kb << 10
	}
	return 0
}

func printStarts(out io.Writer, names []string, all map[string]*start, rounds int) {
	bare := all["("+bareBaseline+")"]
	fmt.Fprintf(out, "\nCold starts: process start to the first request for work, median of %d, all functions in turn.\n", rounds)
	fmt.Fprintln(out, "\"Clients\" is a function that builds the same AWS clients and does nothing else; a ratio of 1.00 means that our own code adds nothing.")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  function\tms\tclients ms\tratio\ttarget\tx bare\tbinary MB\ttarget\tresident MB\n")
	row := func(s *start, clients, ratio, target, size string) {
		rss := "-"
		if len(s.rss) > 0 {
			rss = fmt.Sprintf("%.1f", float64(median(s.rss))/(1<<20))
		}
		fmt.Fprintf(t, "  %s\t%.2f\t%s\t%s\t%s\t%.2f\t%.1f\t%s\t%s\n", s.name, ms(median(s.took)), clients, ratio, target,
			float64(median(s.took))/float64(median(bare.took)), float64(s.binary)/(1<<20), size, rss)
	}
	for _, name := range names {
		s, base := all[name], all["("+baselines[name]+")"]
		ratio := float64(median(s.took)) / float64(median(base.took))
		row(s, fmt.Sprintf("%.2f (%s)", ms(median(base.took)), baselines[name]), fmt.Sprintf("%.2f", ratio),
			fmt.Sprintf("%.1f %s", startRatio, verdict(ratio <= startRatio)), fmt.Sprintf("%d %s", binaryLimit>>20, verdict(s.binary <= binaryLimit)))
	}
	row(bare, "-", "-", "-", "-")
	t.Flush()
	fmt.Fprintln(out, "  bare is aws-lambda-go alone. Lambda adds its own time to place the code; what a start costs beyond this is the first request's reading of config.")
}
