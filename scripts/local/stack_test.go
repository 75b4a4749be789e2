package local

import (
	// The test worker of testdata/worker needs it; go mod does not look there.
	_ "github.com/aws/aws-sdk-go-v2/config"

	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/scripts/local/asl"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

var binaries string // folder with worker/bootstrap

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "local-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "worker", "bootstrap"), "./testdata/worker")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build worker: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testLog writes what the stack says into the test's log while the test runs.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

func start(t *testing.T, change func(*Options)) *Stack {
	t.Helper()
	template, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Template: template, Binaries: binaries, Addr: "127.0.0.1:0", Clock: clock.Stepped(day), Log: testLog{t}}
	if change != nil {
		change(&o)
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// run invokes a function and waits; the result is the payload.
func run(t *testing.T, s *Stack, function string, payload any) lambda.Result {
	t.Helper()
	body, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.lambda.Invoke(t.Context(), lambda.Request{Function: function, Payload: body})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type m = map[string]any

// operate calls an AWS API as the operator and returns the status and answer.
func operate(t *testing.T, s *Stack, target string, request any) (int, m) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.OperatorKey()+"/20260302/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out m
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

func publish(t *testing.T, s *Stack, kind, detail string) {
	t.Helper()
	status, out := operate(t, s, "AWSEvents.PutEvents", m{"Entries": []m{{"EventBusName": "bus", "Source": "test", "DetailType": kind, "Detail": detail}}})
	if status != 200 || out["FailedEntryCount"] != 0.0 {
		t.Fatalf("publish: %d %v", status, out)
	}
}

func idle(t *testing.T, s *Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

func advance(t *testing.T, s *Stack, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := s.Clock().AdvanceTo(ctx, s.Clock().Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

func messages(t *testing.T, s *Stack, queue string) []Message {
	t.Helper()
	out, err := s.Messages(queue)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// worked counts the log lines of finished work with a key.
func worked(s *Stack, key string) int { return len(s.Logs("worker", `"key":"`+key+`"`)) }

func TestFunctionRoundTrip(t *testing.T) {
	t.Setenv("LOCAL_TEST_SECRET", "must not pass")
	s := start(t, nil)
	run(t, s, "worker", m{"do": "crash"}) // the validator has had it started
	first := run(t, s, "worker", m{"do": "environment"})
	var got struct {
		Function, Home, Leak string
		Memory               int
		Seconds              float64
		Now                  time.Time
	}
	if err := json.Unmarshal(first.Payload, &got); err != nil {
		t.Fatal(err)
	}
	if got.Function != "worker" || got.Home != "yes" || got.Memory != 256 || got.Leak != "" {
		t.Errorf("environment: %+v", got)
	}
	if got.Seconds < 3 || got.Seconds > 5 {
		t.Errorf("the deadline is in %v seconds, the time-out is 5", got.Seconds)
	}
	if d := got.Now.Sub(day); d < 0 || d > time.Minute {
		t.Errorf("the function's time is %v, the stack's began at %v", got.Now, day)
	}
	if first.Init == 0 {
		t.Error("the first invocation should have started a process")
	}
	if second := run(t, s, "worker", m{"do": "echo"}); second.Init != 0 {
		t.Error("the second invocation should have found the process of the first")
	}
	lines := s.Logs("worker", `"do":"echo"`)
	if len(lines) != 1 || lines[0].RequestID == "" || !strings.Contains(lines[0].Text, lines[0].RequestID) {
		t.Errorf("log lines: %+v", lines)
	}
}

func TestFunctionFailures(t *testing.T) {
	s := start(t, nil)
	cases := []struct {
		name, function string
		payload        m
		kind, text     string
		newProcess     bool
	}{
		{"its own error", "worker", m{"do": "fail"}, "Throttled", "on purpose", false},
		{"a panic", "worker", m{"do": "panic"}, "string", "on purpose", true},
		{"exits", "worker", m{"do": "crash"}, "Runtime.ExitError", "exit status 3", true},
		{"too slow", "single", m{"do": "sleep", "n": 60_000}, "Sandbox.Timedout", "Task timed out after 1.00 seconds", true},
		{"cannot start", "broken", m{"do": "echo"}, "Runtime.ExitError", "exit status 2", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, s, c.function, c.payload)
			var e struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(r.Payload, &e); err != nil {
				t.Fatal(err)
			}
			if !r.Failed || e.ErrorType != c.kind || !strings.Contains(e.ErrorMessage, c.text) {
				t.Errorf("got %v %s", r.Failed, r.Payload)
			}
			if c.function == "broken" {
				return
			}
			if after := run(t, s, c.function, m{"do": "echo"}); after.Failed || (after.Init != 0) != c.newProcess {
				t.Errorf("after it: %s, init %v", after.Payload, after.Init)
			}
		})
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	s := start(t, nil)
	run(t, s, "single", m{"do": "echo"}) // so that the process is there
	done := make(chan lambda.Result)
	go func() {
		r, err := s.lambda.Invoke(context.Background(), lambda.Request{Function: "single", Payload: []byte(`{"do":"sleep","n":600}`)})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	time.Sleep(200 * time.Millisecond)
	if _, err := s.lambda.Invoke(t.Context(), lambda.Request{Function: "single", Payload: []byte(`{"do":"echo"}`)}); err != lambda.ErrThrottled {
		t.Errorf("got %v, want a throttle: one may run at once, and one does", err)
	}
	if r := <-done; string(r.Payload) != `"awake"` {
		t.Errorf("the first got %s", r.Payload)
	}
}

func TestPermissionsAreTheTemplates(t *testing.T) {
	contact := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"ContactId":"c-1"}`) })
	s := start(t, func(o *Options) { o.Connect = contact })
	cases := []struct {
		name    string
		payload m
		denied  []string // what the error names; nil: allowed
		result  string
	}{
		{"put is granted", m{"do": "put", "key": "a"}, nil, `"put"`},
		{"scan is not", m{"do": "scan"}, []string{"dynamodb:Scan", "table/care-table", "assumed-role/fielder-local-WorkerRole/worker"}, ""},
		{"a transaction needs its parts", m{"do": "transact", "key": "a"}, []string{"dynamodb:DeleteItem", "table/care-table"}, ""},
		{"queue", m{"do": "queue", "text": "hello"}, nil, `"sent"`},
		{"a task in the flow", m{"do": "task", "text": "good"}, nil, `"c-1"`},
		{"a task in another flow", m{"do": "task", "text": "other"}, []string{"connect:StartTaskContact", "contact-flow/other"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, s, "worker", c.payload)
			if c.denied == nil {
				if r.Failed || string(r.Payload) != c.result {
					t.Errorf("got %s", r.Payload)
				}
				return
			}
			for _, want := range append(c.denied, "AccessDenied", "is not authorized to perform") {
				if !strings.Contains(string(r.Payload), want) {
					t.Errorf("the error does not name %q: %s", want, r.Payload)
				}
			}
		})
	}
	if n := len(s.Denials()); n != 3 {
		t.Errorf("%d kinds of denials: %v", n, s.Denials())
	}
	if got := messages(t, s, "parked"); len(got) != 1 || got[0].Body != "hello" {
		t.Errorf("queue: %+v", got)
	}
}

func TestInvokeForAService(t *testing.T) {
	s := start(t, nil)
	rule := "arn:aws:events:us-east-1:000000000000:rule/bus/to-worker"
	if r, err := s.Invoke(t.Context(), "events.amazonaws.com", rule, "Worker", []byte(`{"do":"echo"}`)); err != nil || r.Failed {
		t.Errorf("%s %v", r.Payload, err)
	}
	for name, c := range map[string][2]string{"another service": {"connect.amazonaws.com", rule}, "another source": {"events.amazonaws.com", rule + "2"}} {
		if _, err := s.Invoke(t.Context(), c[0], c[1], "worker", []byte(`{"do":"echo"}`)); err == nil || !strings.Contains(err.Error(), "lambda:InvokeFunction") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A first version that its validator function refuses does not come up, as
// CloudFormation would not deploy it; nor one that it may not be asked about.
func TestFirstVersionIsValidated(t *testing.T) {
	template, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][3]string{
		"refused":     {`"Content": "{\"v\":1}"`, `"Content": "{\"v\":13}"`, "thirteen is bad luck"},
		"not allowed": {"appconfig.amazonaws.com", "events.amazonaws.com", "lambda:InvokeFunction"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(template), c[0], c[1], 1)
			if changed == string(template) {
				t.Fatal("nothing was changed")
			}
			s, err := Start(t.Context(), Options{Template: []byte(changed), Binaries: binaries, Addr: "127.0.0.1:0", Clock: clock.Stepped(day), Log: testLog{t}})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c[2]) {
				t.Errorf("got %v, want %q", err, c[2])
			}
		})
	}
}

func TestConfigurationAndSecrets(t *testing.T) {
	s := start(t, nil)
	if got := string(run(t, s, "worker", m{"do": "configuration"}).Payload); got != `["{\"v\":1}",""]` {
		t.Errorf("configuration and then nothing new: got %s", got)
	}
	if err := s.Deploy(t.Context(), "bundle", []byte(`{"v":"two"}`)); err == nil {
		t.Error("the validator's schema wants an integer")
	}
	if err := s.Deploy(t.Context(), "bundle", []byte(`{"v":13}`)); err == nil || !strings.Contains(err.Error(), "thirteen is bad luck") {
		t.Errorf("the validator function refuses thirteen, but: %v", err)
	}
	if err := s.Deploy(t.Context(), "", []byte(`{"v":2}`)); err != nil {
		t.Fatal(err)
	}
	if got := string(run(t, s, "worker", m{"do": "configuration"}).Payload); got != `["{\"v\":2}",""]` {
		t.Errorf("after a deployment: got %s", got)
	}
	var text string
	var made struct{ User, Password string }
	if err := json.Unmarshal(run(t, s, "worker", m{"do": "secret"}).Payload, &text); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.User != "u" || len(made.Password) != 20 {
		t.Errorf("generated secret: %q", text)
	}
	if err := s.SetSecret("Secret", "new"); err != nil {
		t.Fatal(err)
	}
	if got := string(run(t, s, "worker", m{"do": "secret"}).Payload); got != `"new"` {
		t.Errorf("got %s", got)
	}
	status, out := operate(t, s, "secretsmanager.GetSecretValue", m{"SecretId": "empty"})
	if status != 400 || out["__type"] != "ResourceNotFoundException" {
		t.Errorf("a secret without a value: %d %v", status, out)
	}
	// Fetched once per instance, not per post.
	for _, line := range s.Calls() {
		if (line.Service == "appconfig" || line.Service == "secretsmanager") && !line.Standing {
			t.Errorf("not standing: %+v", line)
		}
	}
}

func TestPutEventsFailsPerEntryAndRulesDeliver(t *testing.T) {
	s := start(t, nil)
	r := run(t, s, "worker", m{"do": "publish", "text": `{"name":"Ana \"A\""}`})
	if got := string(r.Payload); got != `{"codes":["ok","MalformedDetail","InvalidArgument"],"failed":2}` {
		t.Fatalf("got %s", got)
	}
	idle(t, s)
	if worked(s, "Good!") != 1 {
		t.Errorf("the rule did not deliver the transformed event: %v", s.Logs("", ""))
	}
	cases := map[string]struct {
		request m
		code    string
	}{
		"eleven entries": {m{"Entries": make([]m, 11)}, "ValidationException"},
		"a megabyte":     {m{"Entries": []m{{"Source": "s", "DetailType": "t", "Detail": `{"a":"` + strings.Repeat("x", 1<<20) + `"}`}}}, "ValidationException"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if status, out := operate(t, s, "AWSEvents.PutEvents", c.request); status != 400 || out["__type"] != c.code {
				t.Errorf("got %d %v", status, out)
			}
		})
	}
}

func TestDeadLetters(t *testing.T) {
	s := start(t, nil)
	// No permission lets this rule invoke its function: at once, without retries.
	publish(t, s, "Forbidden", `{"n":1}`)
	idle(t, s)
	dead := messages(t, s, "dead")
	if len(dead) != 1 || dead[0].Attributes["ERROR_CODE"] != "AccessDeniedException" || !strings.HasSuffix(dead[0].Attributes["RULE_ARN"], "rule/bus/forbidden") || !strings.Contains(dead[0].Body, `"detail-type":"Forbidden"`) {
		t.Fatalf("dead letters: %+v", dead)
	}
	// A function that fails is tried twice (one retry, a minute later), then the
	// on-failure destination has it.
	s.invokeAsync(s.functions["worker"], []byte(`{"do":"fail","key":"async"}`), false)
	idle(t, s)
	if n := worked(s, "async"); n != 1 {
		t.Errorf("%d attempts at once, want 1", n)
	}
	advance(t, s, 10*time.Minute)
	if n := worked(s, "async"); n != 2 {
		t.Errorf("%d attempts, want 2", n)
	}
	dead = messages(t, s, "Dead")
	var record struct {
		RequestContext  struct{ Condition string }
		RequestPayload  struct{ Key string }
		ResponsePayload struct{ ErrorType string }
	}
	if len(dead) != 2 {
		t.Fatalf("dead letters: %+v", dead)
	}
	if err := json.Unmarshal([]byte(dead[1].Body), &record); err != nil {
		t.Fatal(err)
	}
	if record.RequestContext.Condition != "RetriesExhausted" || record.RequestPayload.Key != "async" || record.ResponsePayload.ErrorType != "Throttled" {
		t.Errorf("record: %s", dead[1].Body)
	}
}

func item(t *testing.T, s *Stack, key string) m {
	t.Helper()
	status, out := operate(t, s, "DynamoDB_20120810.GetItem", m{"TableName": "care-table", "Key": m{"pk": m{"S": key}, "sk": m{"S": "x"}}})
	if status != 200 {
		t.Fatalf("GetItem: %d %v", status, out)
	}
	found, _ := out["Item"].(m)
	return found
}

func TestExpressWorkflow(t *testing.T) {
	s := start(t, nil)
	publish(t, s, "Run", `{"do":"put","key":"post-1"}`)
	idle(t, s)
	all := s.Executions("quick")
	if len(all) != 1 || all[0].Status != "SUCCEEDED" {
		t.Fatalf("executions: %+v", all)
	}
	if got := item(t, s, "post-1"); got["outcome"].(m)["S"] != "done" {
		t.Errorf("item: %v", got)
	}
	full, err := s.Execution(all[0].ARN)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, ev := range full.History {
		if strings.HasSuffix(ev.Type, "StateEntered") {
			states = append(states, ev.State)
		}
	}
	if strings.Join(states, " ") != "Work Record Tell" {
		t.Errorf("states: %v", states)
	}
	// A function that keeps failing: six retries, a minute apart, then parked.
	publish(t, s, "Run", `{"do":"fail","key":"post-2"}`)
	advance(t, s, 150*time.Second)
	if n := worked(s, "post-2"); n != 3 {
		t.Errorf("%d attempts in two and a half minutes, want 3", n)
	}
	if got := s.Executions("quick"); got[1].Status != "RUNNING" {
		t.Errorf("%+v", got[1])
	}
	// Express ends after five minutes, whatever is still to come.
	advance(t, s, 10*time.Minute)
	if got := s.Executions("quick"); got[1].Status != "TIMED_OUT" || got[1].Error != "States.Timeout" {
		t.Errorf("%+v", got[1])
	}
}

func TestTaskTokenAndSteppedTime(t *testing.T) {
	s := start(t, nil)
	began, err := s.StartExecution("waiting", "one", json.RawMessage(`{"key":"case"}`))
	if err != nil {
		t.Fatal(err)
	}
	status := func(arn string) string {
		e, err := s.Execution(arn)
		if err != nil {
			t.Fatal(err)
		}
		return e.Status + " " + e.State + " " + e.Error
	}
	if again, err := s.StartExecution("Waiting", "one", json.RawMessage(`{"key":"case"}`)); err != nil || again.ARN != began.ARN {
		t.Errorf("the same name and input: %v %v", again.ARN, err)
	}
	if _, err := s.StartExecution("waiting", "one", json.RawMessage(`{"key":"else"}`)); err == nil || !strings.Contains(err.Error(), "ExecutionAlreadyExists") {
		t.Errorf("the same name, another input: %v", err)
	}
	late, err := s.StartExecution("waiting", "late", json.RawMessage(`{"key":"late"}`))
	if err != nil {
		t.Fatal(err)
	}
	idle(t, s)
	advance(t, s, time.Hour)
	if got := status(began.ARN); got != "RUNNING Pause " {
		t.Errorf("after one hour of two: %s", got)
	}
	advance(t, s, time.Hour)
	if got := status(began.ARN); got != "RUNNING Ask " {
		t.Errorf("after two hours: %s", got)
	}
	token := item(t, s, "case")["token"]
	if token == nil {
		t.Fatal("the function got no token")
	}
	if r := run(t, s, "worker", m{"do": "give-token", "key": "case", "text": `{"answered":true}`}); r.Failed {
		t.Fatalf("give token: %s", r.Payload)
	}
	idle(t, s)
	e, err := s.Execution(began.ARN)
	if err != nil || e.Status != "SUCCEEDED" || !strings.Contains(string(e.Output), `"answered":true`) {
		t.Errorf("%s %s %v", e.Status, e.Output, err)
	}
	if r := run(t, s, "worker", m{"do": "give-token", "key": "case", "text": `{}`}); !strings.Contains(string(r.Payload), "TaskTimedOut") {
		t.Errorf("a token given twice: %s", r.Payload)
	}
	if got := s.Executions("quick"); len(got) != 1 || got[0].Status != "SUCCEEDED" {
		t.Errorf("the workflow started another: %+v", got)
	}
	advance(t, s, time.Hour)
	if got := status(late.ARN); got != "FAILED Late Late" {
		t.Errorf("nobody answered for an hour: %s", got)
	}
	// Three states each, Wait, Task, Task or Fail: what a Standard workflow costs.
	transitions := 0.0
	for _, line := range s.Calls() {
		transitions += line.Units[cost.Transition]
	}
	if transitions != 6 {
		t.Errorf("%v transitions, want 6", transitions)
	}
}

func TestSchedulesFollowTheClock(t *testing.T) {
	s := start(t, nil)
	advance(t, s, 5*time.Hour+time.Minute)
	if n := worked(s, "hourly"); n != 5 {
		t.Errorf("%d runs in five hours", n)
	}
	for _, line := range s.Calls() {
		if !line.Standing {
			t.Errorf("nothing but the schedule ran, yet this is not standing: %+v", line)
		}
	}
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(o *Options) { o.DataDir = dir })
	publish(t, s, "Good", `{"n":1}`)
	publish(t, s, "Other", `{"n":2}`)
	advance(t, s, time.Hour)
	publish(t, s, "Good", `{"n":3}`)
	idle(t, s)
	s.Close()
	s = start(t, func(o *Options) { o.DataDir = dir })
	n, err := s.Replay("", day, day.Add(30*time.Minute), "ToWorker")
	if err != nil || n != 2 {
		t.Fatalf("%d events, %v", n, err)
	}
	idle(t, s)
	if got := worked(s, "Good!"); got != 1 {
		t.Errorf("delivered %d times, want once: the first Good event", got)
	}
	if _, err := s.Replay("all", day, day, "Nobody"); err == nil {
		t.Error("a rule that is not there was replayed to")
	}
}

func TestDataSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(o *Options) { o.DataDir = dir })
	waiting, err := s.StartExecution("waiting", "w", json.RawMessage(`{"key":"kept"}`))
	if err != nil {
		t.Fatal(err)
	}
	idle(t, s)
	advance(t, s, 2*time.Hour) // in Ask now
	run(t, s, "worker", m{"do": "queue", "text": "parked before"})
	s.Close()

	s = start(t, func(o *Options) { o.DataDir = dir })
	idle(t, s)
	if item(t, s, "kept") == nil {
		t.Error("the table is empty")
	}
	if got := messages(t, s, "parked"); len(got) != 1 || got[0].Body != "parked before" {
		t.Errorf("queue: %+v", got)
	}
	if r := run(t, s, "worker", m{"do": "give-token", "key": "kept", "text": `{}`}); r.Failed {
		t.Fatalf("the task was not asked again after the restart: %s", r.Payload)
	}
	idle(t, s)
	if e, err := s.Execution(waiting.ARN); err != nil || e.Status != "SUCCEEDED" || !e.Started.Before(day.Add(time.Hour)) {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := s.StartExecution("waiting", "w", json.RawMessage(`{"key":"kept"}`)); err == nil {
		t.Error("the name of an execution that ended was taken again")
	}
}

func TestHTTPAPI(t *testing.T) {
	s := start(t, nil)
	request := func(method, path, contentType string, body []byte) (int, string, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		r.Header.Set("X-Hub-Signature-256", "sha256=00")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var text bytes.Buffer
		if _, err := text.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, text.String(), resp.Header
	}
	status, text, header := request("POST", "/hooks/x?a=1&a=2&b=%20", "application/json", []byte(`{"é":1}`))
	var event struct {
		Version, RouteKey, RawPath, RawQueryString, Body string
		IsBase64Encoded                                  bool
		Headers, QueryStringParameters, PathParameters   map[string]string
		RequestContext                                   struct {
			HTTP struct{ Method, Path, SourceIp string }
		}
	}
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatal(err)
	}
	if status != 201 || header.Get("X-Worker") != "yes" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", status, header)
	}
	if event.Version != "2.0" || event.RouteKey != "POST /hooks/{kind}" || event.RawPath != "/hooks/x" || event.RawQueryString != "a=1&a=2&b=%20" ||
		event.Body != `{"é":1}` || event.IsBase64Encoded || event.Headers["x-hub-signature-256"] != "sha256=00" ||
		event.QueryStringParameters["a"] != "1,2" || event.PathParameters["kind"] != "x" || event.RequestContext.HTTP.Method != "POST" || event.RequestContext.HTTP.SourceIp != "127.0.0.1" {
		t.Errorf("event: %s", text)
	}
	if _, text, _ := request("POST", "/hooks/x", "application/octet-stream", []byte{0xff, 0}); !strings.Contains(text, `"body":"/wA="`) || !strings.Contains(text, `"isBase64Encoded":true`) {
		t.Errorf("binary body: %s", text)
	}
	cases := []struct {
		name, method, path string
		body               []byte
		status             int
		answer             string
	}{
		{"no statusCode: the result is the body", "GET", "/plain", nil, 200, `{"plain":"json"}`},
		{"the function fails", "GET", "/fail", nil, 500, `{"message":"Internal Server Error"}`},
		{"no permission for this route", "GET", "/unpermitted", nil, 500, `{"message":"Internal Server Error"}`},
		{"no route", "GET", "/nowhere", nil, 404, `{"message":"Not Found"}`},
		{"another method", "DELETE", "/hooks/x", nil, 404, `{"message":"Not Found"}`},
		{"above 10 MB", "POST", "/hooks/x", make([]byte, 10<<20+1), 413, `{"message":"Request Entity Too Large"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if status, text, _ := request(c.method, c.path, "text/plain", c.body); status != c.status || text != c.answer {
				t.Errorf("got %d %.200s", status, text)
			}
		})
	}
	if got := s.Logs("api:Api", `"route":"GET /plain","status":"200"`); len(got) != 1 {
		t.Errorf("access log: %v", s.Logs("api:Api", ""))
	}
	// The stage lets 20 through at once and one more a second.
	for i := 0; ; i++ {
		status, text, _ := request("GET", "/plain", "", nil)
		if status == 429 && text == `{"message":"Too Many Requests"}` {
			break
		}
		if status != 200 || i > 30 {
			t.Fatalf("request %d: %d %s", i, status, text)
		}
	}
}

// With faults at every boundary, work that is retried often enough is done, once.
func TestFaultsAreRiddenOut(t *testing.T) {
	var rules []faults.Rule
	for _, r := range []struct {
		point string
		kinds []faults.Kind
	}{
		{"lambda:*", []faults.Kind{faults.Throttle, faults.Error, faults.Kill, faults.Timeout, faults.Duplicate}},
		{"aws:*:*", []faults.Kind{faults.Throttle, faults.Error, faults.Lost}},
		{"events", []faults.Kind{faults.Duplicate, faults.Delay, faults.Reorder}},
		{"sfn:*", []faults.Kind{faults.Duplicate}},
	} {
		for _, k := range r.kinds {
			rules = append(rules, faults.Rule{Point: r.point, Kind: k, Rate: 0.08, Delay: time.Minute})
		}
	}
	plan := faults.New(42, 2, rules...)
	s := start(t, func(o *Options) { o.Faults = plan })
	const n = 16
	for i := range n {
		publish(t, s, "Run", fmt.Sprintf(`{"do":"claim","key":"k%d"}`, i))
	}
	advance(t, s, 30*time.Minute)
	for i := range n {
		if got := item(t, s, fmt.Sprint("k", i)); got == nil || got["outcome"] == nil {
			t.Errorf("k%d was not done: %v", i, got)
		}
	}
	if dead, parked := messages(t, s, "dead"), messages(t, s, "parked"); len(dead)+len(parked) != 0 {
		t.Errorf("%d dead, %d parked: %+v %+v", len(dead), len(parked), dead, parked)
	}
	report := plan.Report()
	kinds := map[faults.Kind]bool{}
	for _, c := range report.Counts {
		kinds[c.Kind] = true
	}
	for _, k := range []faults.Kind{faults.Throttle, faults.Error, faults.Kill, faults.Lost, faults.Duplicate} {
		if !kinds[k] {
			t.Errorf("no %s among the faults: the run proves too little", k)
		}
	}
	if report.Total < n {
		t.Errorf("only %d faults for %d pieces of work", report.Total, n)
	}
}

// One event, one execution, one write: every call is there, in the units that
// AWS bills, worked out by hand.
func TestCallsAreCounted(t *testing.T) {
	s := start(t, nil)
	run(t, s, "worker", m{"do": "claim", "key": "k"}) // PutItem and PutEvents: rule ToWorker runs the function again
	idle(t, s)
	got := map[string]float64{}
	for _, line := range s.Calls() {
		if line.Standing { // the config's validator, when the stack started
			continue
		}
		for unit, n := range line.Units {
			got[line.Service+" "+string(unit)] += n
		}
	}
	want := map[string]float64{
		"dynamodb write-request-unit": 1, // a new item far below 1 KB, no index
		"events event-64KB":           1,
		"lambda request":              2,
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %v, want %v", name, got[name], n)
		}
	}
	// 256 MB: a quarter of a GB-second per second.
	if gb := got["lambda GB-second"]; gb <= 0 || gb > 2*0.25*5 {
		t.Errorf("lambda GB-seconds: %v", gb)
	}
	if got["logs log-GB"] <= 0 || got["events archived-GB"] <= 0 {
		t.Errorf("logs or archive not counted: %v", got)
	}
	operate(t, s, "DynamoDB_20120810.GetItem", m{"TableName": "care-table", "Key": m{"pk": m{"S": "k"}, "sk": m{"S": "x"}}})
	for _, line := range s.Calls() {
		if line.Operation == "GetItem" {
			t.Errorf("the operator's call was counted: %+v", line)
		}
	}
	bill := cost.Cost(s.Calls(), 1)
	// At least the event, the write and two requests: 1.00 + 0.625 + 0.40.
	if bill.PerMillionPosts < 2.02 || len(bill.Unpriced) != 0 {
		t.Errorf("bill: %+v", bill)
	}
}

func TestRealTime(t *testing.T) {
	s := start(t, func(o *Options) { o.Clock = nil })
	publish(t, s, "Good", `{"n":1}`)
	idle(t, s)
	if worked(s, "Good!") != 1 {
		t.Error("not delivered")
	}
	var got struct{ Now time.Time }
	if err := json.Unmarshal(run(t, s, "worker", m{"do": "environment"}).Payload, &got); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(got.Now); d < 0 || d > time.Minute {
		t.Errorf("the function's time is %v off", d)
	}
}

func TestControlAPI(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "stack.json")
	s := start(t, func(o *Options) { o.StateFile = file })
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var state State
	if err := json.Unmarshal(data, &state); err != nil || state.URL != s.URL() || state.PID != os.Getpid() || state.AccessKey != s.OperatorKey() {
		t.Errorf("state file: %s", data)
	}
	s.Tell("story", func() any { return m{"once": "upon a time"} })
	publish(t, s, "Run", `{"do":"echo","key":"c"}`)
	idle(t, s)
	arn := s.Executions("quick")[0].ARN
	cases := map[string]struct {
		method, path, body string
		status             int
		contains           string
	}{
		"status":       {"GET", "status", "", 200, `"inFlight":`},
		"resources":    {"GET", "resources", "", 200, `"logicalId":"Worker"`},
		"logs":         {"GET", "logs?function=worker&contains=worked", "", 200, `"requestId"`},
		"no logs":      {"GET", "logs?contains=never+written", "", 200, `[]`},
		"executions":   {"GET", "executions?machine=quick&status=SUCCEEDED", "", 200, arn},
		"execution":    {"GET", "execution?arn=" + arn, "", 200, `ExecutionSucceeded`},
		"no execution": {"GET", "execution?arn=x", "", 400, `Does Not Exist`},
		"calls":        {"GET", "calls?posts=1", "", 200, `"perMillionPosts"`},
		"clock":        {"GET", "clock", "", 200, `"stepped":true`},
		"faults":       {"GET", "faults", "", 200, `"total":0`},
		"queue":        {"GET", "queue?name=dead", "", 200, `[]`},
		"no queue":     {"GET", "queue?name=none", "", 400, `there is no queue none`},
		"denials":      {"GET", "denials", "", 200, `{}`},
		"replay":       {"POST", "replay", `{"from":"2026-03-01T00:00:00Z","to":"2027-01-01T00:00:00Z"}`, 200, `{"events":2}`},
		"outputs":      {"GET", "outputs", "", 200, `"ConfigStrategy"`},
		"told":         {"GET", "story", "", 200, `{"once":"upon a time"}`},
		"idle":         {"POST", "idle", "", 200, `"idle":true`},
		"unknown":      {"GET", "nothing", "", 404, `does not know`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL()+"/_fielder/"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var text bytes.Buffer
			if _, err := text.ReadFrom(resp.Body); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || !strings.Contains(text.String(), c.contains) {
				t.Errorf("got %d %.500s", resp.StatusCode, text.String())
			}
		})
	}
	s.Close()
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("the state file is still there after Close")
	}
}

func TestUnsupportedIsAnErrorByName(t *testing.T) {
	base, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(resources m)
		names  string
	}{
		"a resource type": {func(r m) { r["Box"] = m{"Type": "AWS::S3::Bucket"} }, `Box: resource type "AWS::S3::Bucket" is not supported`},
		"a property":      {func(r m) { r["Dead"].(m)["Properties"].(m)["RedrivePolicy"] = m{} }, "Dead.RedrivePolicy: property not supported"},
		"a target": {func(r m) {
			r["Forbidden"].(m)["Properties"].(m)["Targets"].([]any)[0].(m)["Arn"] = "arn:aws:sns:us-east-1:000000000000:t"
		}, "Forbidden.Targets[0].Arn: arn:aws:sns"},
		"a pattern operator": {func(r m) { r["Forbidden"].(m)["Properties"].(m)["EventPattern"] = m{"source": []any{m{"like": "a"}}} }, "Forbidden.EventPattern"},
		"a policy operator": {func(r m) {
			doc := r["WorkerRole"].(m)["Properties"].(m)["Policies"].([]any)[0].(m)["PolicyDocument"].(m)
			doc["Statement"].([]any)[0].(m)["Condition"] = m{"DateLessThan": m{"aws:CurrentTime": "2026"}}
		}, "WorkerRole.Policies[0].Statement[0].Condition.DateLessThan"},
		"a workflow's resource": {func(r m) {
			p := r["Quick"].(m)["Properties"].(m)
			p["DefinitionString"] = strings.Replace(p["DefinitionString"].(string), "states:::sqs:sendMessage", "states:::sns:publish", 1)
		}, "Quick: the service integration arn:aws:states:::sns:publish is not supported"},
		"an alarm that AppConfig watches": {func(r m) { r["ErrorsAlarm"].(m)["Properties"].(m)["ComparisonOperator"] = "LessThanThreshold" }, "AppEnv.Monitors[0]: ErrorsAlarm: only alarms on a threshold"},
		"a metric's statistic":            {func(r m) { r["RefusedAlarm"].(m)["Properties"].(m)["Statistic"] = "Average" }, "AppEnv.Monitors[1]: RefusedAlarm: only sums over 60 seconds"},
		"an expression": {func(r m) {
			r["ErrorsAlarm"].(m)["Properties"].(m)["Metrics"].([]any)[0].(m)["Expression"] = "worker / single"
		}, "only the sum of all its metrics"},
		"an alarm that nobody may look at": {func(r m) { r["WatcherRole"].(m)["Properties"].(m)["Policies"] = []any{} }, "not authorized to perform: cloudwatch:DescribeAlarms"},
		"a runtime":                        {func(r m) { r["Worker"].(m)["Properties"].(m)["Runtime"] = "nodejs22.x" }, "Worker.Runtime: nodejs22.x"},
		"a schedule":                       {func(r m) { r["Hourly"].(m)["Properties"].(m)["ScheduleExpression"] = "cron(0 9 L * ? *)" }, "Hourly.ScheduleExpression"},
		"a role's trust":                   {func(r m) { r["Worker"].(m)["Properties"].(m)["Role"] = m{"Fn::GetAtt": []any{"QuickRole", "Arn"}} }, "lambda.amazonaws.com is not authorized to assume role"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var template m
			if err := json.Unmarshal(base, &template); err != nil {
				t.Fatal(err)
			}
			c.change(template["Resources"].(m))
			data, err := json.Marshal(template)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), Options{Template: data, Binaries: binaries, Addr: "127.0.0.1:0"})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v, want an error that names %q", err, c.names)
			}
		})
	}
	s := start(t, nil)
	if status, out := operate(t, s, "AWSEvents.ListRules", m{}); status != 400 || out["__type"] != "UnknownOperationException" || !strings.Contains(out["message"].(string), "events ListRules") {
		t.Errorf("an unknown call: %d %v", status, out)
	}
	if status, out := operate(t, s, "AmazonKinesis.PutRecord", m{}); status != 400 || out["__type"] != "UnknownOperationException" {
		t.Errorf("an unknown service: %d %v", status, out)
	}
}

// Every resource type that is accepted without meaning says why.
func TestIgnoredResourcesSayWhy(t *testing.T) {
	s := start(t, nil)
	seen := false
	for _, r := range s.Resources() {
		if r.Type == "AWS::Logs::LogGroup" {
			seen = r.Ignored != ""
		}
		if r.Type == "AWS::Lambda::Function" && r.Ignored != "" {
			t.Errorf("%+v", r)
		}
	}
	if !seen {
		t.Error("the log group does not say why it is ignored")
	}
}

// The golden template of the stage "local" loads: nothing in it is unknown here.
func TestGoldenTemplateLoads(t *testing.T) {
	template, err := os.ReadFile("../../infra/testdata/local.json")
	if err != nil {
		t.Fatal(err)
	}
	worker, err := os.ReadFile(filepath.Join(binaries, "worker", "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"webhook", "poller", "triage", "match", "reply", "escalate", "send", "invite", "contact", "lookup", "ledger", "panel", "validate"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "bootstrap"), worker, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Start(t.Context(), Options{Template: template, Binaries: dir, Addr: "127.0.0.1:0", Clock: clock.Stepped(day), Log: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.functions) != 13 || len(s.machines) != 4 || len(s.schedules) != 3 || s.countRules() != 4 {
		t.Errorf("%d functions, %d workflows, %d schedules, %d rules", len(s.functions), len(s.machines), len(s.schedules), s.countRules())
	}
	if len(s.Denials()) != 0 {
		t.Errorf("denials: %v", s.Denials())
	}
}

var _ asl.Timers = execClock{} // or time-outs would sleep and be taken for waiting

// TestStateFileIsItsWriters: a stack that does not come up, or one that ends after
// another took its place, leaves the other's state file alone.
func TestStateFileIsItsWriters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stack.json")
	url := func() string {
		data, err := os.ReadFile(file)
		if err != nil {
			return ""
		}
		var state State
		if err := json.Unmarshal(data, &state); err != nil {
			t.Fatal(err)
		}
		return state.URL
	}
	first := start(t, func(o *Options) { o.StateFile = file })
	template, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Template: template, Binaries: binaries, Addr: strings.TrimPrefix(first.URL(), "http://"), StateFile: file}); err == nil {
		t.Fatal("two stacks have one address")
	}
	if got := url(); got != first.URL() {
		t.Errorf("after a stack that did not come up: %q, want %q", got, first.URL())
	}
	second := start(t, func(o *Options) { o.StateFile = file })
	first.Close()
	if got := url(); got != second.URL() {
		t.Errorf("after the first ended: %q, want %q", got, second.URL())
	}
	second.Close()
	if got := url(); got != "" {
		t.Errorf("after both ended: %q", got)
	}
}
