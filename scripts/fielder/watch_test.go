package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// screen is a terminal that a watcher writes to from beside the test.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// await waits until the screen shows a text once more than before.
func (s *screen) await(t *testing.T, text string, times int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(s.String(), text) < times; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the terminal does not show %q %d times:\n%s", text, times, s)
		}
	}
}

// editFile edits a file of a config, as an editor saves.
func editFile(t *testing.T, dir, file, from, to string) {
	t.Helper()
	name := filepath.Join(dir, file)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(from)) {
		t.Fatalf("%s does not say %q", file, from)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(raw, []byte(from), []byte(to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// asker asks for the opening hours again and again, each time as somebody else.
type asker struct {
	w *world
	n int
}

// ask sends the question and returns the answer, and the version that decided.
func (a *asker) ask(t *testing.T) (answer, version string) {
	t.Helper()
	a.n++
	raw, err := os.ReadFile(filepath.Join(bodies, "x", "mention_opening_hours.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("20950000000077%05d", a.n)
	for from, to := range map[string]string{"2095000000000000101": id, "2095000000000000202": id + "9", "8100001": fmt.Sprintf("81077%05d", a.n)} {
		raw = bytes.ReplaceAll(raw, []byte(from), []byte(to))
	}
	file := filepath.Join(t.TempDir(), "ask.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	// A function asks AppConfig at most once a second.
	time.Sleep(1100 * time.Millisecond)
	checkIngest(t, "x", file, []item{answered("opening-hours")})
	rec, err := a.w.table.Post(t.Context(), care.PostID("x:"+id))
	if err != nil || rec.Plan == nil {
		t.Fatalf("%v, plan %v", err, rec.Plan)
	}
	for _, r := range a.w.standin.Replies() {
		if r.InReplyTo == id {
			return r.Text, rec.Plan.ConfigVersion
		}
	}
	t.Fatalf("no reply to %s", id)
	return "", ""
}

// status runs `fielder rules status --json`; bad is what its exit status says.
func statusOf(t *testing.T) (s standing, bad bool) {
	t.Helper()
	stdout, stderr, err := fielder(t, "rules", "status", "--json")
	if err != nil && !errors.Is(err, errQuiet) {
		t.Fatalf("rules status: %v\n%s", err, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return s, err != nil
}

// Saving a rule changes the next answer; a broken edit changes nothing and is
// told wherever somebody looks; rolling back brings the old answer.
func TestReloadOnSave(t *testing.T) {
	w := startTestWorld(t)
	a := &asker{w: w}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(ownConfig)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	terminal := &screen{}
	if err := w.watchConfig(ctx, dir, true, true, terminal); err != nil {
		t.Fatalf("%v\n%s", err, terminal)
	}
	if terminal.String() != "" {
		t.Errorf("the files are what is deployed, but: %s", terminal)
	}
	before, first := a.ask(t)
	if !strings.Contains(before, "Mon-Fri") {
		t.Errorf("the first answer: %s", before)
	}
	if s, bad := statusOf(t); bad || s.Deployed == nil || s.Served.Version != first || s.Edits == nil || s.Edits.Refused {
		t.Errorf("status %+v", s)
	}

	for _, variant := range []string{
		"Hi {{name}}, we're here for you {{hours}}. Our shops keep the same hours.", "We're here {{hours}}, and so are our shops. See you soon!",
		"Good question! You'll reach us {{hours}}. The shops keep the same hours.",
	} {
		editFile(t, dir, "templates.yaml", variant, "Right now: "+variant)
	}
	terminal.await(t, "is live", 1)
	answer, second := a.ask(t)
	if !strings.Contains(answer, "Right now: ") || second == first {
		t.Errorf("after the edit: %q by %s", answer, second)
	}
	if s, bad := statusOf(t); bad || s.Deployed.Label != second || s.Served.Version != second || s.Describe != "saved in "+dir {
		t.Errorf("status %+v", s)
	}

	// Broken: a position, a suggestion, and the last good version goes on.
	editFile(t, dir, "rules.yaml", "intents: [refund]", "intents: [refnud]")
	terminal.await(t, "is refused", 1)
	place := regexp.MustCompile(`rules\.yaml:[0-9]+:[0-9]+: .*"refnud".*"refund"`)
	if !place.MatchString(terminal.String()) {
		t.Errorf("the terminal says %s", terminal)
	}
	if answer, version := a.ask(t); !strings.Contains(answer, "Right now: ") || version != second {
		t.Errorf("while it is broken: %q by %s", answer, version)
	}
	s, bad := statusOf(t)
	if !bad || !s.Edits.Refused || len(s.Edits.Mistakes) == 0 || !place.MatchString(s.Edits.Mistakes[0]) || s.Served.Version != second {
		t.Errorf("status %+v", s)
	}
	if lines := w.stack.Logs(editsAs, `"config refused"`); len(lines) != 1 || !strings.Contains(lines[0].Text, "refnud") {
		t.Errorf("log: %+v", lines)
	}
	if lines := w.stack.Logs(editsAs, `"ConfigRefused"`); len(lines) != 1 {
		t.Errorf("metric: %+v", lines)
	}
	stdout, _, err := fielder(t, "rules", "status")
	if !errors.Is(err, errQuiet) || !place.MatchString(stdout) || !strings.Contains(stdout, "PROBLEM: The files in "+dir+" were refused") {
		t.Errorf("status for people: %v\n%s", err, stdout)
	}

	// A test of the config that fails refuses it, too.
	editFile(t, dir, "rules.yaml", "intents: [refnud]", "intents: [refund]")
	terminal.await(t, "is live", 2)
	editFile(t, dir, "rules.yaml", `"Mon-Fri 8:00-20:00"`, `"Mon-Fri 8:00-21:00"`)
	terminal.await(t, "is refused", 2)
	editFile(t, dir, "rules.yaml", `"Mon-Fri 8:00-21:00"`, `"Mon-Fri 8:00-20:00"`)
	terminal.await(t, "is live", 3)
	if s, bad := statusOf(t); bad || s.Edits.Refused || s.Served.Version != second {
		t.Errorf("mended: %+v", s)
	}
	stop()

	stdout, stderr, err := fielder(t, "rules", "rollback")
	if err != nil || !strings.Contains(stdout, "is reverted: everyone gets version ") {
		t.Fatalf("rollback: %v\n%s%s", err, stdout, stderr)
	}
	if answer, version := a.ask(t); strings.Contains(answer, "Right now: ") || version != first {
		t.Errorf("after the rollback: %q by %s", answer, version)
	}
	if s, bad := statusOf(t); !bad || !strings.Contains(strings.Join(s.Problems, " "), "was taken back") {
		t.Errorf("a roll-out that was taken back is a problem until the next: %+v", s.Problems)
	}
}

// A person pushes, looks, goes back to a version by its name, and pushes the same
// again.
func TestPushAndRollback(t *testing.T) {
	w := startTestWorld(t)
	a := &asker{w: w, n: 100}
	good := func(args ...string) string {
		t.Helper()
		stdout, stderr, err := fielder(t, append([]string{"rules"}, args...)...)
		if err != nil {
			t.Fatalf("fielder rules %v: %v\n%s%s", args, err, stdout, stderr)
		}
		return stdout
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(ownConfig)); err != nil {
		t.Fatal(err)
	}
	good("push") // whatever was there, the default is deployed now
	if got := good("push"); !strings.Contains(got, "has it already") {
		t.Errorf("the same again: %s", got)
	}
	_, was := a.ask(t)
	editFile(t, dir, "templates.yaml", "Good question! You'll", "Good question, friend! You'll")
	pushed := good("push", dir, "--wait", "--describe", "Más amable: «friend»")
	for _, want := range []string{"all in order", "complete, 100%", "Everyone has it.", "fielder rules rollback  takes it back"} {
		if !strings.Contains(pushed, want) {
			t.Errorf("push does not say %q: %s", want, pushed)
		}
	}
	s, bad := statusOf(t)
	if bad || s.Describe != "Más amable: «friend»" || s.Deployed.Label == was {
		t.Errorf("status %+v", s)
	}
	label := s.Deployed.Label
	if _, version := a.ask(t); version != label {
		t.Errorf("decided by %s, pushed %s", version, label)
	}
	if got := good("rollback"); !strings.Contains(got, "is reverted") {
		t.Errorf("rollback: %s", got)
	}
	if _, version := a.ask(t); version != was {
		t.Errorf("decided by %s after the rollback, was %s", version, was)
	}
	versions := len(s.Versions)
	if got := good("rollback", "--to", label); !strings.Contains(got, "back to version") {
		t.Errorf("to a label: %s", got)
	}
	if s, _ := statusOf(t); s.Deployed.Label != label || len(s.Versions) != versions {
		t.Errorf("status %+v", s)
	}
	good("push") // the default again, for the other tests; no version more
	if s, bad := statusOf(t); bad || len(s.Versions) != versions {
		t.Errorf("status %+v", s)
	}

	for _, bad := range []struct {
		name string
		args []string
		says string
	}{
		{"ErrNoVersion", []string{"rollback", "--to", "nothing"}, `there is no version "nothing"`},
		{"ErrArgument", []string{"rollback", "two"}, "a version goes with --to"},
		{"ErrRegion", []string{"status", "--region", "eu-west-1"}, "--region goes with --stage"},
		{"ErrTwoDirectories", []string{"push", dir, "--wait", ownConfig}, "takes one directory"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			if _, stderr, err := fielder(t, append([]string{"rules"}, bad.args...)...); err == nil || !strings.Contains(fmt.Sprint(err, stderr), bad.says) {
				t.Errorf("%v\n%s", err, stderr)
			}
		})
	}
	t.Run("ErrBroken", func(t *testing.T) {
		editFile(t, dir, "hours.yaml", "timeZone: Europe/Madrid", "timeZone: Europe/Madird")
		stdout, stderr, err := fielder(t, "rules", "push", dir)
		if !errors.Is(err, errQuiet) || !strings.Contains(stderr, "hours.yaml:") || !strings.Contains(stderr, "Nothing was pushed") || stdout != "" {
			t.Errorf("%v\n%s%s", err, stdout, stderr)
		}
	})
}

// A stage in AWS is found by the outputs of its CloudFormation stack; from there
// on it is the same as here. The local stack stands for AppConfig.
func TestStageInAWS(t *testing.T) {
	w := startTestWorld(t)
	outputs, err := w.stack.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	behind, err := url.Parse(w.stack.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	old := false // the stack was deployed before it had all outputs
	cloud := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/cloudformation/aws4_request") {
			proxy.ServeHTTP(rw, r)
			return
		}
		if r.FormValue("StackName") != "fielder-dev" {
			rw.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(rw, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, r.FormValue("StackName"))
			return
		}
		members := ""
		for key, value := range outputs {
			if key != "ConfigStrategy" || !old {
				members += "<member><OutputKey>" + key + "</OutputKey><OutputValue>" + value + "</OutputValue></member>"
			}
		}
		fmt.Fprintf(rw, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>fielder-dev</StackName><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, members)
	}))
	defer cloud.Close()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": cloud.URL, "AWS_ACCESS_KEY_ID": w.stack.OperatorKey(), "AWS_SECRET_ACCESS_KEY": "x",
		"AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
	stdout, stderr, err := fielder(t, "rules", "status", "--stage", "dev", "--json")
	var s standing
	if jsonErr := json.Unmarshal([]byte(stdout), &s); jsonErr != nil || err != nil && !errors.Is(err, errQuiet) {
		t.Fatalf("%v, %v: %s%s", err, jsonErr, stdout, stderr)
	}
	if s.System != "fielder-dev in eu-west-1" || s.Deployed == nil || s.Edits != nil {
		t.Errorf("status %+v", s)
	}
	for _, r := range []struct {
		name  string
		args  []string
		old   bool
		wants string
	}{
		{"ErrNoStack", []string{"--stage", "prod"}, false, "there is no stack fielder-prod in eu-west-1"},
		{"ErrOldStack", []string{"--stage", "dev"}, true, "it was deployed by an older version"},
	} {
		old = r.old
		if _, _, err := fielder(t, append([]string{"rules", "status"}, r.args...)...); err == nil || !strings.Contains(err.Error(), r.wants) {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}
