package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/asl"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// machine is a state machine and its executions.
type machine struct {
	id, name, arn string
	who           principal // its role
	definition    string
	machine       *asl.Machine
	express       bool

	mu         sync.Mutex
	executions map[string]*Execution // by ARN
	order      []string
}

// Execution is one execution. Standard ones are also what is written to the data
// directory, with State and StateInput to go on from.
type Execution struct {
	ARN     string          `json:"arn"`
	Name    string          `json:"name"`
	Machine string          `json:"machine"` // name
	Express bool            `json:"express,omitempty"`
	Status  string          `json:"status"` // RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED
	Input   json.RawMessage `json:"input"`
	Output  json.RawMessage `json:"output,omitempty"`
	Error   string          `json:"error,omitempty"`
	Cause   string          `json:"cause,omitempty"`
	Started time.Time       `json:"started"`
	Stopped time.Time       `json:"stopped,omitzero"`

	State      string          `json:"state,omitempty"` // the one that it is in, or ended in
	StateInput json.RawMessage `json:"stateInput,omitempty"`

	History []asl.Event `json:"-"`

	cancel  context.CancelCauseFunc
	started bool // by this process
}

const (
	maxInput     = 256 << 10       // Step Functions quotas: input or output
	maxExpress   = 5 * time.Minute // likewise: an Express execution
	expressGB    = 64.0 / 1024     // memory is billed in chunks of 64 MB; ours use less than one
	maxHistory   = 25_000          // likewise: events of a Standard execution
	keepFinished = 20_000          // executions of a machine that are remembered
)

var errStopped = errors.New("the execution was stopped")

// checkMachine finds resources that no task could run.
func (s *Stack) checkMachine(m *machine) error {
	var doc any
	if err := json.Unmarshal([]byte(m.definition), &doc); err != nil {
		return err
	}
	var problems []error
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if resource, ok := v["Resource"].(string); ok && v["Type"] == "Task" {
				if strings.HasPrefix(resource, "arn:aws:lambda:") {
					if s.functionOf(resource) == nil {
						problems = append(problems, fmt.Errorf("%s: function %s is not in the template", m.id, resource))
					}
				} else if _, ok := integrations[strings.TrimSuffix(resource, ".waitForTaskToken")]; !ok {
					problems = append(problems, fmt.Errorf("%s: the service integration %s is not supported", m.id, resource))
				} else if m.express && strings.HasSuffix(resource, ".waitForTaskToken") {
					problems = append(problems, fmt.Errorf("%s: %s: Express workflows have no task tokens", m.id, resource))
				}
			}
			for _, item := range v {
				walk(item)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	return errors.Join(problems...)
}

var badName = regexp.MustCompile("[\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x9f]")

// startExecution is StartExecution. A Standard execution's name is unique: the
// same name with the same input while it runs is the same execution, anything
// else ExecutionAlreadyExists.
func (s *Stack) startExecution(m *machine, name, input string) (*Execution, error) {
	if input == "" {
		input = "{}"
	}
	switch {
	case !json.Valid([]byte(input)) || len(input) > maxInput:
		return nil, apiErrorf(http.StatusBadRequest, "InvalidExecutionInput", "Invalid State Machine Execution Input: not JSON, or above %d bytes", maxInput)
	case len(name) > 80 || badName.MatchString(name):
		return nil, apiErrorf(http.StatusBadRequest, "InvalidName", "Invalid Name: '%s'", name)
	case name == "":
		name = newID()
	}
	e := &Execution{Name: name, Machine: m.name, Express: m.express, Status: "RUNNING", Input: json.RawMessage(input), Started: s.clock.Now()}
	kind := "execution:"
	if m.express {
		kind = "express:"
	}
	e.ARN = arnOf("states", kind+m.name+":"+name)
	if m.express {
		e.ARN += ":" + newID()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.executions[e.ARN]; have != nil {
		if have.Status == "RUNNING" && string(have.Input) == input {
			return have, nil
		}
		return nil, apiErrorf(http.StatusBadRequest, "ExecutionAlreadyExists", "Execution Already Exists: '%s'", e.ARN)
	}
	m.executions[e.ARN] = e
	m.order = append(m.order, e.ARN)
	for len(m.order) > keepFinished && m.executions[m.order[0]].Status != "RUNNING" {
		delete(m.executions, m.order[0])
		m.order = m.order[1:]
	}
	if err := s.saveExecution(e); err != nil {
		return nil, err
	}
	s.runExecution(m, e, m.machine, e.Input)
	return e, nil
}

// runExecution runs an execution in the background; the caller holds m.mu.
func (s *Stack) runExecution(m *machine, e *Execution, definition *asl.Machine, input json.RawMessage) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	e.cancel, e.started = cancel, true
	track := &tracker{clock: s.clock, end: s.clock.Begin()}
	exec := asl.Exec{
		Input: input,
		Context: map[string]any{
			"Execution": map[string]any{"Id": e.ARN, "Name": e.Name, "RoleArn": m.who.role.arn, "Input": e.Input,
				"StartTime": e.Started.Format("2006-01-02T15:04:05.000Z"), "RedriveCount": 0},
			"StateMachine": map[string]any{"Id": m.arn, "Name": m.name},
		},
		Clock:   execClock{track},
		Tasks:   func(ctx context.Context, t asl.Task) (json.RawMessage, error) { return s.task(ctx, m, e, track, t) },
		OnEvent: func(ev asl.Event) { s.record(m, e, ev) },
	}
	var limit *clock.Timer
	if m.express {
		limit = s.clock.AfterFunc(maxExpress, func() { cancel(errExpress) })
	}
	s.loops.Go(func() {
		defer track.finish()
		result := definition.Run(ctx, exec)
		if limit != nil {
			limit.Stop()
		}
		s.finished(ctx, m, e, result)
		cancel(nil)
	})
}

var errExpress = errors.New("an Express execution may take 5 minutes")

// record keeps the history and, of a Standard execution, the place to go on.
func (s *Stack) record(m *machine, e *Execution, ev asl.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(e.History) < maxHistory {
		e.History = append(e.History, ev)
	}
	if ev.Transition && !m.express {
		s.meter.Add(false, cost.Entry{Service: "states", Operation: "transition " + m.name, Units: map[cost.Unit]float64{cost.Transition: 1}})
	}
	if strings.HasSuffix(ev.Type, "StateEntered") {
		e.State, e.StateInput = ev.State, ev.Input
		if err := s.saveExecution(e); err != nil {
			s.logf("execution %s: %v", e.Name, err)
		}
	}
}

func (s *Stack) finished(ctx context.Context, m *machine, e *Execution, r asl.Result) {
	if s.ctx.Err() != nil {
		return // the stack closes: a Standard execution goes on the next time
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e.Status, e.Output, e.Error, e.Cause, e.Stopped = string(r.Status), r.Output, r.Error, r.Cause, s.clock.Now()
	switch context.Cause(ctx) {
	case errExpress:
		e.Status, e.Error, e.Cause = "TIMED_OUT", "States.Timeout", errExpress.Error()
	case errStopped:
		e.Status = "ABORTED"
	}
	if m.express {
		seconds := math.Ceil(e.Stopped.Sub(e.Started).Seconds()*10) / 10 // billed per 100 ms
		s.meter.Add(false, cost.Entry{Service: "states", Operation: "express " + m.name, Units: map[cost.Unit]float64{cost.ExpressRequest: 1, cost.ExpressGBSec: max(seconds, 0.1) * expressGB}})
		if e.Status == "SUCCEEDED" { // by far the most: keep what happened, not the data
			for i := range e.History {
				e.History[i].Input, e.History[i].Output = nil, nil
			}
		}
		e.StateInput = nil
	}
	if e.Status != "SUCCEEDED" {
		s.logf("execution %s of %s: %s %s: %.300s", e.Name, m.name, e.Status, e.Error, e.Cause)
	}
	if err := s.saveExecution(e); err != nil {
		s.logf("execution %s: %v", e.Name, err)
	}
}

// saveExecution writes a Standard execution to the data directory.
func (s *Stack) saveExecution(e *Execution) error {
	if s.o.DataDir == "" || e.Express {
		return nil
	}
	dir := filepath.Join(s.o.DataDir, "executions", e.Machine)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, e.Name+".json"), data)
}

// resumeExecutions reads the executions of the last run and lets those that did
// not end go on from the state that they were in.
func (s *Stack) resumeExecutions() error {
	if s.o.DataDir == "" {
		return nil
	}
	for _, m := range s.machines {
		files, err := os.ReadDir(filepath.Join(s.o.DataDir, "executions", m.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".json") {
				continue
			}
			data, err := os.ReadFile(filepath.Join(s.o.DataDir, "executions", m.name, f.Name()))
			if err != nil {
				return err
			}
			e := &Execution{}
			if err := json.Unmarshal(data, e); err != nil {
				return fmt.Errorf("execution %s: %w", f.Name(), err)
			}
			if err := s.resume(m, e); err != nil {
				return fmt.Errorf("execution %s: %w", f.Name(), err)
			}
		}
	}
	return nil
}

func (s *Stack) resume(m *machine, e *Execution) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.executions[e.ARN] = e
	m.order = append(m.order, e.ARN)
	if e.Status != "RUNNING" {
		return nil
	}
	if e.State == "" {
		s.runExecution(m, e, m.machine, e.Input)
		return nil
	}
	text, err := startAt(m.definition, e.State)
	if err != nil {
		return err
	}
	from, err := asl.Parse(text)
	if err != nil {
		return fmt.Errorf("the state %s is not in the workflow any more: %w", e.State, err)
	}
	s.logf("execution %s of %s goes on in %s", e.Name, m.name, e.State)
	s.runExecution(m, e, from, e.StateInput)
	return nil
}

// startAt changes a definition to begin in another state, without the states that
// cannot be reached from there.
func startAt(definition, state string) ([]byte, error) {
	var top map[string]any
	if err := json.Unmarshal([]byte(definition), &top); err != nil {
		return nil, err
	}
	all, _ := top["States"].(map[string]any)
	kept := map[string]any{}
	var reach func(name string)
	reach = func(name string) {
		if _, done := kept[name]; done || all[name] == nil {
			return
		}
		kept[name] = all[name]
		s, _ := all[name].(map[string]any)
		next := []any{s}
		for _, field := range []string{"Choices", "Catch"} {
			list, _ := s[field].([]any)
			next = append(next, list...)
		}
		for _, from := range next {
			fields, _ := from.(map[string]any)
			for _, field := range []string{"Next", "Default"} {
				if to, ok := fields[field].(string); ok {
					reach(to)
				}
			}
		}
	}
	reach(state)
	top["StartAt"], top["States"] = state, kept
	return json.Marshal(top)
}

// tracker counts an execution as work in flight unless it waits for a timer or a
// task token. In a Parallel state one waiting branch is enough to count as
// waiting: what the others do counts by itself (invocations, calls).
type tracker struct {
	clock   *clock.Clock
	mu      sync.Mutex
	blocked int
	woken   int
	end     func()
}

func (t *tracker) block() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.blocked++; t.blocked == 1 {
		t.end()
	}
}

func (t *tracker) unblock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.woken++
	if t.blocked--; t.blocked == 0 {
		t.end = t.clock.Begin()
	}
}

func (t *tracker) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
}

// execClock is the stack's clock as an execution sees it.
type execClock struct{ track *tracker }

func (c execClock) Now() time.Time { return c.track.clock.Now() }

// Sleep lays the execution's work down for the wait.
func (c execClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	woken := make(chan struct{})
	c.track.block()
	timer := c.track.clock.AfterFunc(d, func() {
		c.track.unblock() // for the sleeper, before this timer's own work ends
		close(woken)
	})
	select {
	case <-woken:
		return nil
	case <-ctx.Done():
		if timer.Stop() {
			c.track.unblock()
		} else {
			<-woken
		}
		return ctx.Err()
	}
}

// AfterFunc runs a time-out of the interpreter's. Where it ends a wait, it stays
// in flight until the waiting goroutine is awake, so that the clock does not
// move between the two.
func (c execClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	timer := c.track.clock.AfterFunc(d, func() {
		c.track.mu.Lock()
		waiting, woken := c.track.blocked > 0, c.track.woken
		c.track.mu.Unlock()
		f()
		for deadline := time.Now().Add(100 * time.Millisecond); waiting && time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
			c.track.mu.Lock()
			waiting = c.track.woken == woken
			c.track.mu.Unlock()
		}
	})
	return timer.Stop
}

// --- tasks -----------------------------------------------------------------

// integration turns a task's parameters into a call and its answer into the
// task's result.
type integration struct {
	service, operation, prefix string // prefix of error names
	request                    func(e *Execution, m *machine, params map[string]any) error
	response                   func(out map[string]any) (map[string]any, error)
}

var integrations = map[string]*integration{
	"arn:aws:states:::lambda:invoke":         nil, // see invokeTask
	"arn:aws:states:::dynamodb:getItem":      {service: "dynamodb", operation: "GetItem", prefix: "DynamoDB"},
	"arn:aws:states:::dynamodb:putItem":      {service: "dynamodb", operation: "PutItem", prefix: "DynamoDB"},
	"arn:aws:states:::dynamodb:updateItem":   {service: "dynamodb", operation: "UpdateItem", prefix: "DynamoDB"},
	"arn:aws:states:::dynamodb:deleteItem":   {service: "dynamodb", operation: "DeleteItem", prefix: "DynamoDB"},
	"arn:aws:states:::sqs:sendMessage":       {service: "sqs", operation: "SendMessage", prefix: "SQS", request: stringField("MessageBody")},
	"arn:aws:states:::events:putEvents":      {service: "events", operation: "PutEvents", prefix: "EventBridge", request: eventEntries, response: failedEntries},
	"arn:aws:states:::states:startExecution": {service: "states", operation: "StartExecution", prefix: "StepFunctions", request: startParameters, response: startResult},
}

// stringField makes a parameter that may be any JSON the text that the API
// wants.
func stringField(name string) func(*Execution, *machine, map[string]any) error {
	return func(_ *Execution, _ *machine, params map[string]any) error { return toText(params, name) }
}

func toText(fields map[string]any, name string) error {
	v, ok := fields[name]
	if _, text := v.(string); !ok || text {
		return nil
	}
	data, err := json.Marshal(v)
	fields[name] = string(data)
	return err
}

// eventEntries makes each Detail a text and names the execution among the
// resources, as the service integration does.
func eventEntries(e *Execution, m *machine, params map[string]any) error {
	entries, _ := params["Entries"].([]any)
	for _, raw := range entries {
		entry, ok := raw.(map[string]any)
		if !ok {
			return errors.New("the Entries must be objects")
		}
		if err := toText(entry, "Detail"); err != nil {
			return err
		}
		resources, _ := entry["Resources"].([]any)
		entry["Resources"] = append(resources, e.ARN, m.arn)
	}
	return nil
}

func failedEntries(out map[string]any) (map[string]any, error) {
	if n, _ := out["FailedEntryCount"].(float64); n > 0 {
		text, err := json.Marshal(out["Entries"])
		if err != nil {
			return nil, err
		}
		return nil, &asl.Error{Name: "EventBridge.FailedEntry", Cause: string(text)}
	}
	return out, nil
}

func startParameters(_ *Execution, _ *machine, params map[string]any) error {
	if err := toText(params, "Input"); err != nil {
		return err
	}
	for from, to := range map[string]string{"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"} {
		if v, ok := params[from]; ok {
			params[to] = v
			delete(params, from)
		}
	}
	return nil
}

func startResult(out map[string]any) (map[string]any, error) {
	return map[string]any{"ExecutionArn": out["executionArn"], "StartDate": out["startDate"]}, nil
}

// tokenWait is a task that waits for its token.
type tokenWait struct {
	machine *machine
	track   *tracker
	beat    func()
	done    chan tokenResult // capacity 1

	mu      sync.Mutex
	blocked bool
}

type tokenResult struct {
	output json.RawMessage
	err    *asl.Error
}

// task does a Task state's work with the state machine's own rights.
func (s *Stack) task(ctx context.Context, m *machine, e *Execution, track *tracker, t asl.Task) (json.RawMessage, error) {
	if strings.HasPrefix(t.Resource, "arn:aws:lambda:") {
		return s.perform(ctx, m, e, t.Resource, t.Parameters)
	}
	resource, waits := strings.CutSuffix(t.Resource, ".waitForTaskToken")
	if !waits {
		return s.perform(ctx, m, e, resource, t.Parameters)
	}
	w := &tokenWait{machine: m, track: track, beat: t.Beat, done: make(chan tokenResult, 1)}
	s.mu.Lock()
	s.tokens[t.Token] = w
	s.mu.Unlock()
	out, err := s.perform(ctx, m, e, resource, t.Parameters)
	if err != nil {
		s.mu.Lock()
		s.tokens[t.Token] = nil // known, but over
		s.mu.Unlock()
		return nil, err
	}
	t.Submitted(out)
	return s.waitToken(ctx, t.Token, w)
}

// waitToken waits until the token is given back or the task is cancelled.
func (s *Stack) waitToken(ctx context.Context, token string, w *tokenWait) (json.RawMessage, error) {
	w.mu.Lock()
	if len(w.done) == 0 {
		w.blocked = true
		w.track.block()
	}
	w.mu.Unlock()
	select {
	case r := <-w.done:
		if r.err != nil {
			return nil, r.err
		}
		return r.output, nil
	case <-ctx.Done():
		s.mu.Lock()
		s.tokens[token] = nil
		s.mu.Unlock()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.blocked {
			w.blocked = false
			w.track.unblock()
		}
		return nil, ctx.Err()
	}
}

// complete gives a token back.
func (w *tokenWait) complete(r tokenResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blocked {
		w.blocked = false
		w.track.unblock() // on the waiting task's behalf: no moment without work
	}
	w.done <- r
}

// perform runs a function or calls a service for a task.
func (s *Stack) perform(ctx context.Context, m *machine, e *Execution, resource string, parameters json.RawMessage) (json.RawMessage, error) {
	defer s.clock.Begin()() // counts even where another branch waits
	if strings.HasPrefix(resource, "arn:aws:lambda:") {
		out, err := s.invokeTask(ctx, m, resource, parameters)
		return out, err
	}
	if resource == "arn:aws:states:::lambda:invoke" {
		var p struct {
			FunctionName string
			Payload      json.RawMessage
		}
		if err := json.Unmarshal(parameters, &p); err != nil {
			return nil, err
		}
		if p.Payload == nil {
			p.Payload = json.RawMessage("{}")
		}
		out, err := s.invokeTask(ctx, m, p.FunctionName, p.Payload)
		if err != nil {
			return nil, err
		}
		return json.Marshal(map[string]any{"ExecutedVersion": "$LATEST", "Payload": asJSON(out), "StatusCode": 200})
	}
	in := integrations[resource]
	if in == nil {
		return nil, &asl.Error{Name: "States.Runtime", Cause: "the local stack does not know " + resource}
	}
	params := map[string]any{}
	if err := json.Unmarshal(parameters, &params); err != nil {
		return nil, err
	}
	if in.request != nil {
		if err := in.request(e, m, params); err != nil {
			return nil, &asl.Error{Name: "States.Runtime", Cause: err.Error()}
		}
	}
	body, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	who := m.who
	who.session = e.Name
	out, err := s.call(ctx, who, in.service, in.operation, body)
	var failure *apiError
	if errors.As(err, &failure) {
		name := failure.Code
		if !strings.HasSuffix(name, "Exception") && !strings.HasSuffix(name, "Error") {
			name += "Exception"
		}
		return nil, &asl.Error{Name: in.prefix + "." + name, Cause: failure.Message}
	}
	if err != nil {
		return nil, &asl.Error{Name: in.prefix + ".SdkClientException", Cause: err.Error()}
	}
	if in.response == nil {
		return out, nil
	}
	var fields map[string]any
	if err := json.Unmarshal(out, &fields); err != nil {
		return nil, err
	}
	if fields, err = in.response(fields); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// invokeTask invokes a function; errors have the names that Step Functions gives
// ("Error names"; a function's own error keeps its type).
func (s *Stack) invokeTask(ctx context.Context, m *machine, name string, payload []byte) (json.RawMessage, error) {
	f := s.functionOf(name)
	if f == nil {
		return nil, &asl.Error{Name: "Lambda.ResourceNotFoundException", Cause: "Function not found: " + name}
	}
	if err := s.authorize(m.who, "lambda:InvokeFunction", f.arn, nil); err != nil {
		return nil, &asl.Error{Name: "Lambda.AWSLambdaException", Cause: err.Error()}
	}
	result, err := s.lambda.Invoke(ctx, lambda.Request{Function: f.name, Payload: payload})
	switch {
	case errors.Is(err, lambda.ErrThrottled):
		return nil, &asl.Error{Name: "Lambda.TooManyRequestsException", Cause: err.Error()}
	case err != nil:
		return nil, &asl.Error{Name: "Lambda.ServiceException", Cause: err.Error()}
	case result.Failed:
		var e struct {
			Type string `json:"errorType"`
		}
		if json.Unmarshal(result.Payload, &e) != nil || e.Type == "" {
			e.Type = "Lambda.Unknown"
		}
		return nil, &asl.Error{Name: e.Type, Cause: string(result.Payload)}
	}
	return result.Payload, nil
}

// --- API -------------------------------------------------------------------

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Stack) apiStartExecution(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		StateMachineArn string `json:"stateMachineArn"`
		Name            string `json:"name"`
		Input           string `json:"input"`
		TraceHeader     string `json:"traceHeader"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	if err := s.authorize(p, "states:StartExecution", r.StateMachineArn, nil); err != nil {
		return nil, err
	}
	m := s.machines[r.StateMachineArn]
	if m == nil {
		return nil, apiErrorf(http.StatusBadRequest, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", r.StateMachineArn)
	}
	s.count(p, false, "states", "StartExecution", nil)
	e, err := s.startExecution(m, r.Name, r.Input)
	if err != nil {
		return nil, err
	}
	if m.express && !p.isOperator() {
		// Express executions run at least once.
		if _, twice := s.o.Faults.At("sfn:"+m.name, hash([]byte(r.Input)), faults.Duplicate); twice {
			if _, err := s.startExecution(m, r.Name, r.Input); err != nil {
				return nil, err
			}
		}
	}
	return map[string]any{"executionArn": e.ARN, "startDate": epoch(e.Started)}, nil
}

// StartExecution starts an execution of a state machine given by ARN, name or
// logical id, as the operator.
func (s *Stack) StartExecution(machine, name string, input json.RawMessage) (Execution, error) {
	for _, m := range s.machines {
		if machine == m.arn || machine == m.name || machine == m.id {
			e, err := s.startExecution(m, name, string(input))
			if err != nil {
				return Execution{}, err
			}
			return s.Execution(e.ARN)
		}
	}
	return Execution{}, fmt.Errorf("there is no state machine %s; there are %v", machine, sortedKeys(s.machines))
}

func (s *Stack) executionOf(arn string) (*machine, *Execution) {
	for _, m := range s.machines {
		m.mu.Lock()
		e := m.executions[arn]
		m.mu.Unlock()
		if e != nil {
			return m, e
		}
	}
	return nil, nil
}

// Execution returns an execution with its history.
func (s *Stack) Execution(arn string) (Execution, error) {
	m, e := s.executionOf(arn)
	if e == nil {
		return Execution{}, apiErrorf(http.StatusBadRequest, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := *e
	out.History = slices.Clone(e.History)
	return out, nil
}

// Executions lists the executions of a state machine (by name or logical id; all
// for ""), oldest first, without their histories. The last 20,000 of each are
// kept.
func (s *Stack) Executions(machine string) []Execution {
	var out []Execution
	for _, arn := range sortedKeys(s.machines) {
		m := s.machines[arn]
		if machine != "" && machine != m.name && machine != m.id && machine != m.arn {
			continue
		}
		m.mu.Lock()
		for _, arn := range m.order {
			e := *m.executions[arn]
			e.History = nil
			out = append(out, e)
		}
		m.mu.Unlock()
	}
	return out
}

func (s *Stack) apiDescribeExecution(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		ExecutionArn string `json:"executionArn"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	if err := s.authorize(p, "states:DescribeExecution", r.ExecutionArn, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "states", "DescribeExecution", nil)
	e, err := s.Execution(r.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"executionArn": e.ARN, "stateMachineArn": arnOf("states", "stateMachine:"+e.Machine), "name": e.Name, "status": e.Status,
		"startDate": epoch(e.Started), "input": string(e.Input)}
	if !e.Stopped.IsZero() {
		out["stopDate"] = epoch(e.Stopped)
	}
	if e.Output != nil {
		out["output"] = string(e.Output)
	}
	if e.Status == "FAILED" || e.Status == "TIMED_OUT" || e.Status == "ABORTED" {
		out["error"], out["cause"] = e.Error, e.Cause
	}
	return out, nil
}

func (s *Stack) apiStopExecution(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		ExecutionArn string `json:"executionArn"`
		Error        string `json:"error"`
		Cause        string `json:"cause"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	if err := s.authorize(p, "states:StopExecution", r.ExecutionArn, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "states", "StopExecution", nil)
	m, e := s.executionOf(r.ExecutionArn)
	if e == nil {
		return nil, apiErrorf(http.StatusBadRequest, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", r.ExecutionArn)
	}
	m.mu.Lock()
	if e.Status == "RUNNING" {
		e.cancel(errStopped)
	}
	m.mu.Unlock()
	return map[string]any{"stopDate": epoch(s.clock.Now())}, nil
}

// token finds the task that waits for a token and takes the token off; keep
// leaves it (a heartbeat).
func (s *Stack) token(p principal, action, token string, keep bool) (*tokenWait, error) {
	s.mu.Lock()
	w, known := s.tokens[token]
	s.mu.Unlock()
	if w == nil {
		if known {
			return nil, apiErrorf(http.StatusBadRequest, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
		}
		return nil, apiErrorf(http.StatusBadRequest, "InvalidToken", "Invalid Token: 'Invalid token'")
	}
	if err := s.authorize(p, "states:"+action, w.machine.arn, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "states", action, nil)
	if !keep {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.tokens[token] == nil { // someone was faster
			return nil, apiErrorf(http.StatusBadRequest, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
		}
		s.tokens[token] = nil
	}
	return w, nil
}

func (s *Stack) apiSendTaskSuccess(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		TaskToken string `json:"taskToken"`
		Output    string `json:"output"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	if !json.Valid([]byte(r.Output)) || len(r.Output) > maxInput {
		return nil, apiErrorf(http.StatusBadRequest, "InvalidOutput", "Invalid Output: not JSON, or above %d bytes", maxInput)
	}
	w, err := s.token(p, "SendTaskSuccess", r.TaskToken, false)
	if err != nil {
		return nil, err
	}
	w.complete(tokenResult{output: json.RawMessage(r.Output)})
	return map[string]string{}, nil
}

func (s *Stack) apiSendTaskFailure(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		TaskToken string `json:"taskToken"`
		Error     string `json:"error"`
		Cause     string `json:"cause"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	w, err := s.token(p, "SendTaskFailure", r.TaskToken, false)
	if err != nil {
		return nil, err
	}
	w.complete(tokenResult{err: &asl.Error{Name: r.Error, Cause: r.Cause}})
	return map[string]string{}, nil
}

func (s *Stack) apiSendTaskHeartbeat(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		TaskToken string `json:"taskToken"`
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	w, err := s.token(p, "SendTaskHeartbeat", r.TaskToken, true)
	if err != nil {
		return nil, err
	}
	w.beat()
	return map[string]string{}, nil
}
