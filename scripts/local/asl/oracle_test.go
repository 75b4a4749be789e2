package asl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type recorded struct {
	Name       string          `json:"name"`
	Hermetic   bool            `json:"hermetic"`
	StateTypes []string        `json:"stateTypes"`
	Definition json.RawMessage `json:"definition"`
	Input      json.RawMessage `json:"input"`
	Expected   struct {
		Status string          `json:"status"`
		Output json.RawMessage `json:"output"`
		Error  string          `json:"error"`
		Cause  json.RawMessage `json:"cause"`
	} `json:"expected"`
	EventTypes []string `json:"eventTypes"`
}

func recordings(tb testing.TB) []recorded {
	tb.Helper()
	data, err := os.ReadFile("testdata/stepfunctions_jsonpath_recorded.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var out []recorded
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var r recorded
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// refused are the recorded machines that Parse refuses, with the part of its
// error that says why. There is none at present.
var refused = map[string]string{}

// lambdas stand in for the functions and services that the recorded machines
// with tasks called on AWS: what they answered is in the recording's source, how
// the machine goes on is AWS's.
var lambdas = map[string]TaskFunc{
	"TestTaskLambda::test_invoke_bytes_payload":                                                     constant(`"HelloWorld!"`),
	"TestTaskLambda::test_invoke_pipe":                                                              constant(`{"Return":"HelloWorld"}`),
	"TestTaskServiceAwsSdk::test_list_secrets":                                                      constant(`{"SecretList":[]}`),
	"TestBaseScenarios::test_lambda_empty_retry":                                                    raising,
	"TestBaseScenarios::test_retry_interval_features":                                               raising,
	"TestBaseScenarios::test_retry_interval_features_jitter_none":                                   raising,
	"TestTaskServiceAwsSdk::test_sfn_send_task_outcome_with_no_such_token[state_machine_template0]": invalidToken,
	"TestTaskServiceAwsSdk::test_sfn_send_task_outcome_with_no_such_token[state_machine_template1]": invalidToken,
	"TestTimeouts::test_fixed_timeout_lambda":                                                       forever,
}

func echo(_ context.Context, t Task) (json.RawMessage, error) { return t.Parameters, nil }

func constant(s string) TaskFunc {
	return func(context.Context, Task) (json.RawMessage, error) { return json.RawMessage(s), nil }
}

func raising(context.Context, Task) (json.RawMessage, error) {
	return nil, &Error{Name: "Exception", Cause: `{"errorMessage":"Some exception was raised.","errorType":"Exception","requestId":"9f2b","stackTrace":["  File \"/var/task/handler.py\", line 2, in handler\n    raise Exception(\"Some exception was raised.\")\n"]}`}
}

func invalidToken(context.Context, Task) (json.RawMessage, error) {
	return nil, &Error{Name: "Sfn.InvalidTokenException", Cause: "Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: 9f2b) (SDK Attempt Count: 1)"}
}

func forever(ctx context.Context, _ Task) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// placeholder is what the recorder wrote for values that differ between runs.
var placeholder = regexp.MustCompile(`<[^<>]*>`)

// like compares JSON, with placeholders in the strings of want.
func like(want, got any) bool {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		if !ok {
			return false
		}
		var re strings.Builder
		for i, piece := range placeholder.Split(w, -1) {
			if i > 0 {
				re.WriteString(".*")
			}
			re.WriteString(regexp.QuoteMeta(piece))
		}
		return regexp.MustCompile("(?s)^" + re.String() + "$").MatchString(g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !like(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k := range w {
			v, ok := g[k]
			if !ok || !like(w[k], v) {
				return false
			}
		}
		return true
	}
	return equal(want, got)
}

func TestAgreesWithAWS(t *testing.T) {
	var agree, hermetic, hermeticAgree int
	all := recordings(t)
	if len(all) != 159 {
		t.Fatalf("%d recordings, want 159", len(all))
	}
	for _, r := range all {
		if r.Hermetic {
			hermetic++
		}
		t.Run(r.Name, func(t *testing.T) {
			m, err := Parse(r.Definition)
			if why, ok := refused[r.Name]; ok {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("is to be refused because of %q; Parse says %v", why, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tasks := TaskFunc(echo)
			if f, ok := lambdas[r.Name]; ok {
				tasks = f
			}
			var events []string
			res := m.Run(t.Context(), Exec{
				Input: r.Input, Tasks: tasks, Clock: newJumpClock(),
				Context: map[string]any{"Execution": map[string]any{"Id": "arn:aws:states:us-east-1:111111111111:execution:m:e", "Name": "e"}, "StateMachine": map[string]any{"Name": "m"}},
				OnEvent: func(e Event) { events = append(events, e.Type) },
			})
			statuses := map[Status]string{Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut", Aborted: "ExecutionAborted"}
			if got := statuses[res.Status]; got != r.Expected.Status {
				t.Fatalf("status %s (%s: %s), AWS says %s", got, res.Error, res.Cause, r.Expected.Status)
			}
			if res.Status == Succeeded {
				want, err := decode(r.Expected.Output)
				if err != nil {
					t.Fatal(err)
				}
				got, err := decode(res.Output)
				if err != nil || !like(want, got) {
					t.Errorf("output %s, AWS says %s", res.Output, r.Expected.Output)
				}
			}
			if res.Error != r.Expected.Error {
				t.Errorf("error %q, AWS says %q", res.Error, r.Expected.Error)
			}
			checkCause(t, r, res.Cause)
			checkEvents(t, r, events)
			if !t.Failed() {
				agree++
				if r.Hermetic {
					hermeticAgree++
				}
			}
		})
	}
	t.Logf("agrees with AWS on %d of %d machines (%d of %d without tasks); refuses %d", agree, len(all), hermeticAgree, hermetic, len(refused))
}

func checkCause(t *testing.T, r recorded, got string) {
	t.Helper()
	if len(r.Expected.Cause) == 0 {
		if got != "" {
			t.Errorf("cause %q, AWS gives none", got)
		}
		return
	}
	want, err := decode(r.Expected.Cause)
	if err != nil {
		t.Fatal(err)
	}
	var have any = got
	if _, ok := want.(string); !ok { // the recorder decoded causes that were JSON
		if have, err = decode([]byte(got)); err != nil {
			t.Errorf("cause %q is not JSON: %v", got, err)
			return
		}
	}
	if !like(want, have) {
		t.Errorf("cause %s\nAWS says %s", got, r.Expected.Cause)
	}
}

// checkEvents compares the history. Branches of a Parallel state run side by
// side, so their recordings come sorted; and the recorder dropped
// ParallelStateSucceeded and the exit of an inner Parallel. Such histories are
// compared without order and without these.
func checkEvents(t *testing.T, r recorded, got []string) {
	t.Helper()
	want := r.EventTypes
	if slices.Contains(r.StateTypes, "Parallel") {
		strip := func(l []string) []string {
			l = slices.DeleteFunc(slices.Clone(l), func(s string) bool { return s == "ParallelStateSucceeded" || s == "ParallelStateExited" })
			slices.Sort(l)
			return l
		}
		got, want = strip(got), strip(want)
	}
	if !slices.Equal(got, want) {
		t.Errorf("events  %s\nAWS has %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// jumpClock is a virtual clock that jumps as soon as someone sleeps: with one
// sleeper at a time nothing else could happen in between.
type jumpClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newJumpClock() *jumpClock {
	return &jumpClock{now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
}

func (c *jumpClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *jumpClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	if d > 0 {
		c.now = c.now.Add(d)
	}
	return ctx.Err()
}
