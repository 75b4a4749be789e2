package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/x"
)

const benchOutput = `goos: linux
goarch: amd64
pkg: github.com/fielder-care/fielder/shared/platform/mastodon
cpu: Some CPU @ 2.10GHz
BenchmarkNormalise         	     120	   2000000 ns/op	  44.55 MB/s	        50.00 posts/op	   80000 B/op	     400 allocs/op
PASS
ok  	github.com/fielder-care/fielder/shared/platform/mastodon	1.5s
pkg: github.com/fielder-care/fielder/shared/triage
BenchmarkTriage/unknown_language   	   10000	     90000 ns/op	     70000 cpu-ns/op	     480 B/op	       1 allocs/op
BenchmarkTriage/unknown_language   	   10000	     95000 ns/op	     40000 cpu-ns/op	     480 B/op	       1 allocs/op
PASS
`

func TestParseBenchmarks(t *testing.T) {
	got, err := parseBenchmarks(benchOutput)
	if err != nil || len(got) != 3 {
		t.Fatalf("%d results, %v", len(got), err)
	}
	got = fastest(got)
	if len(got) != 2 {
		t.Fatalf("%d results after merging", len(got))
	}
	m, tr := got[0], got[1]
	if m.name != "Normalise" || !strings.HasSuffix(m.pkg, "/platform/mastodon") || m.perPost("ns/op") != 40000 || m.perPost("B/op") != 1600 ||
		m.perPost("allocs/op") != 8 || m.cpu() != 40*time.Microsecond {
		t.Errorf("got %+v", m)
	}
	if tr.name != "Triage/unknown_language" || !strings.HasSuffix(tr.pkg, "/triage") || tr.posts() != 1 || tr.cpu() != 40*time.Microsecond {
		t.Errorf("the run with the least CPU time was not kept: %+v", tr)
	}
	for _, bad := range []string{
		"BenchmarkX fast 12 ns/op\n",
		"BenchmarkX 12 12 ns/op extra\n",
		"BenchmarkX 12 much ns/op\n",
	} {
		if _, err := parseBenchmarks(bad); err == nil {
			t.Errorf("%q was taken for a result", bad)
		}
	}
	if got, err := parseBenchmarks("BenchmarkX\nok x 1s\n\n"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

// fabricated are results of all steps, alike but for their names.
func fabricated(cpu float64) []benchmark {
	var out []benchmark
	for _, s := range steps {
		out = append(out, benchmark{pkg: "example.com/shared/" + s.pkg, name: s.bench,
			values: map[string]float64{"ns/op": 20_000, "cpu-ns/op": cpu, "B/op": 1234, "allocs/op": 7}})
	}
	return out
}

func TestPrintSteps(t *testing.T) {
	rows := []struct {
		name           string
		cpu            float64 // of a step that took 20,000 ns by the clock
		wants, unwants string
	}{
		{"within the targets", 20_000, "50 µs met", "MISSED"},
		{"over one of them", 40_000, "20 µs MISSED", "50 µs MISSED"},
		{"over all of them", 50_001, "50 µs MISSED", "met"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := printSteps(&out, fabricated(r.cpu)); err != nil {
				t.Fatal(err)
			}
			if s := out.String(); !strings.Contains(s, r.wants) || strings.Contains(s, r.unwants) ||
				!strings.Contains(s, thousands(r.cpu)) || !strings.Contains(s, "1,234") || !strings.Contains(s, thousands(1e9/r.cpu)) {
				t.Errorf("got\n%s", s)
			}
		})
	}
	if err := printSteps(&bytes.Buffer{}, fabricated(1)[1:]); err == nil || !strings.Contains(err.Error(), steps[0].bench) {
		t.Errorf("a missing benchmark: %v", err)
	}
}

// Every row names a benchmark that exists; a renamed one must not wait for
// `make bench` to be missed.
func TestStepsExist(t *testing.T) {
	for _, s := range steps {
		name, _, _ := strings.Cut(s.bench, "/")
		files, err := filepath.Glob("../../shared/" + s.pkg + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("shared/%s has no tests (%v)", s.pkg, err)
		}
		found := false
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(text, []byte("func Benchmark"+name+"(b *testing.B)"))
		}
		if !found {
			t.Errorf("shared/%s has no Benchmark%s", s.pkg, name)
		}
	}
}

// The comparison is fair: a baseline links exactly the AWS clients of its
// functions, no fewer (it would be too fast to be met) and no more (a function
// could hide behind it).
func TestBaselinesHaveTheirFunctionsClients(t *testing.T) {
	found, err := filepath.Glob("../../functions/*")
	if err != nil || len(found) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	for _, dir := range found {
		name := filepath.Base(dir)
		base := baselines[name]
		if base == "" {
			t.Errorf("function %s has no baseline", name)
			continue
		}
		if own, his := clients(t, "./functions/"+name), clients(t, "./scripts/bench/"+base); !slices.Equal(own, his) {
			t.Errorf("%s links the clients of %v, its baseline %s those of %v", name, own, base, his)
		}
	}
	if len(baselines) != len(found) {
		t.Errorf("%d baselines for %d functions", len(baselines), len(found))
	}
}

// clients lists the AWS services whose clients a command links.
func clients(t *testing.T, command string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", command)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", command, err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "github.com/aws/aws-sdk-go-v2/service/"); ok && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	rows := []struct {
		name string
		list []float64
		p    float64
		want float64
	}{
		{"empty", nil, 50, 0},
		{"one", []float64{7}, 99, 7},
		{"middle of three", []float64{9, 1, 5}, 50, 5},
		{"lower middle of two", []float64{2, 1}, 50, 1},
		{"99 of 100", hundred, 99, 99},
		{"all of 100", hundred, 100, 100},
	}
	for _, r := range rows {
		if got := percentile(r.list, r.p); got != r.want {
			t.Errorf("%s: got %v, want %v", r.name, got, r.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the list was sorted in place")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 7.4: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -0.2: "0"} {
		if got := thousands(n); got != want {
			t.Errorf("%v: got %s, want %s", n, got, want)
		}
	}
}

func TestParseRSS(t *testing.T) {
	rows := []struct {
		name, status string
		want         int64
	}{
		{"a process", "Name:\tbootstrap\nVmHWM:\t   12000 kB\nVmRSS:\t   10240 kB\nThreads:\t5\n", 10 << 20},
		{"a kernel thread has none", "Name:\tkthreadd\nThreads:\t1\n", 0},
		{"no number", "VmRSS:\tmuch kB\n", 0},
		{"empty", "", 0},
	}
	for _, r := range rows {
		if got := parseRSS(r.status); got != r.want {
			t.Errorf("%s: got %d, want %d", r.name, got, r.want)
		}
	}
}

// A start ends when the process asks for work; a process that ends before is an
// error with what it said.
func TestStartAPI(t *testing.T) {
	api, err := newStartAPI()
	if err != nil {
		t.Fatal(err)
	}
	defer api.close()
	bin := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bin, "./scripts/bench/bare")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	one, err := api.start(t.Context(), "bare", bin)
	if err != nil || one.took <= 0 || one.took > startLimit {
		t.Errorf("got %+v, %v", one, err)
	}
	if _, err := os.Stat("/proc/self/status"); err == nil && one.rss < 1<<20 {
		t.Errorf("a Go process in %d bytes", one.rss)
	}
	broken := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no table >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := api.start(t.Context(), "broken", broken); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("got %v", err)
	}
}

func TestDeck(t *testing.T) {
	lines, err := day.Read(os.DirFS("../../" + dayDir))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDeck(lines)
	if err != nil {
		t.Fatal(err)
	}
	own := []platform.Account{{Platform: care.X, Account: "7001001", Handle: "VeloriaCare"}}
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	const n = 600
	ids, authors, relevant := map[string]bool{}, map[string]bool{}, 0
	for range n {
		id, is, body, err := d.next(now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Normalise(body, now, own)
		if err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if ids[id] {
			t.Fatalf("%s was dealt twice", id)
		}
		ids[id] = true
		if !is {
			continue
		}
		relevant++
		if len(got.Items) != 1 {
			t.Fatalf("%d items: %s", len(got.Items), body)
		}
		p := got.Items[0].Post
		if string(p.ID()) != id || !p.CreatedAt.Equal(now) || !p.Addressed || p.Author.Handle == "" || authors[p.Author.ID] {
			t.Fatalf("%s by %s (%s) at %s", p.ID(), p.Author.ID, p.Author.Handle, p.CreatedAt)
		}
		authors[p.Author.ID] = true
	}
	if relevant != n/20 {
		t.Errorf("%d of %d are relevant", relevant, n)
	}
	if _, err := newDeck(nil); err == nil {
		t.Error("a deck of nothing")
	}
}

func TestLiftThrottle(t *testing.T) {
	template, err := os.ReadFile("../../" + templateFile)
	if err != nil {
		t.Fatal(err)
	}
	lifted, err := liftThrottle(template)
	if err != nil {
		t.Fatal(err)
	}
	var before, after struct{ Resources map[string]json.RawMessage }
	if json.Unmarshal(template, &before) != nil || json.Unmarshal(lifted, &after) != nil || len(before.Resources) != len(after.Resources) {
		t.Errorf("%d resources became %d", len(before.Resources), len(after.Resources))
	}
	if bytes.Contains(lifted, []byte(`"ThrottlingRateLimit":200`)) || !bytes.Contains(lifted, []byte(`"ThrottlingRateLimit":1000000`)) {
		t.Error("the throttle is still there")
	}
	for _, bad := range []string{`{`, `{}`, `{"Resources":{"A":{"Type":"AWS::SQS::Queue"}}}`} {
		if _, err := liftThrottle([]byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestCallsByService(t *testing.T) {
	calls, standing := callsByService([]cost.Line{
		{Key: cost.Key{Service: "dynamodb", Operation: "PutItem"}, Calls: 3},
		{Key: cost.Key{Service: "dynamodb", Operation: "GetItem"}, Calls: 2},
		{Key: cost.Key{Service: "dynamodb", Operation: "Query", Standing: true}, Calls: 5},
		{Key: cost.Key{Service: "logs", Operation: "platform lines"}, Calls: 100},
		{Key: cost.Key{Service: "logs", Operation: "platform lines", Standing: true}, Calls: 100},
	})
	if len(calls) != 1 || calls["dynamodb"] != 5 || standing != 5 {
		t.Errorf("got %v, %d", calls, standing)
	}
}

func TestBenchArguments(t *testing.T) {
	for _, bad := range [][]string{{"now"}, {"--only", "everything"}, {"--rounds", "0"}, {"--push", "1ms"}, {"--at-once", "0"}, {"--fast"}} {
		var out bytes.Buffer
		err := bench(t.Context(), bad, &out, &bytes.Buffer{})
		if err == nil || strings.Contains(err.Error(), "go.mod") || out.Len() > 0 { // go.mod is looked for when the arguments are fine
			t.Errorf("%v: %v", bad, err)
		}
	}
}
