package asl

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The errors that the language itself raises.
const (
	errRuntime     = "States.Runtime"
	errDataLimit   = "States.DataLimitExceeded"
	errTimeout     = "States.Timeout"
	errHeartbeat   = "States.HeartbeatTimeout"
	errTaskFailed  = "States.TaskFailed"
	errIntrinsic   = "States.IntrinsicFailure"
	errNoChoice    = "States.NoChoiceMatched"
	errResultPath  = "States.ResultPathMatchFailure"
	errTolerance   = "States.ExceedToleratedFailureThreshold"
	errAll         = "States.ALL"
	errUnsupported = "Local.Unsupported"
)

// Run executes the machine to its end. It returns when ctx is cancelled, too.
func (m *Machine) Run(ctx context.Context, exec Exec) Result {
	if exec.Clock == nil {
		exec.Clock = Real{}
	}
	if exec.NewToken == nil {
		exec.NewToken = rand.Text
	}
	if len(exec.Input) == 0 {
		exec.Input = json.RawMessage("{}")
	}
	r := &run{exec: exec}
	input, err := decode(exec.Input)
	if err != nil {
		return Result{Status: Failed, Error: errRuntime, Cause: "The input is not JSON: " + err.Error()}
	}
	top, err := contextObject(exec.Context, input)
	if err != nil {
		return Result{Status: Failed, Error: errRuntime, Cause: "The context object is not JSON: " + err.Error()}
	}
	r.emit(Event{Type: "ExecutionStarted", Input: exec.Input})

	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if m.timeout > 0 {
		r.after(inner, m.timeout, func() { cancel(errMachineTimeout) })
	}
	f := &frame{run: r, vars: map[string]any{}, context: top}
	output, failure := f.graph(inner, m.graph, input)
	switch {
	case failure == nil:
		out := encode(output)
		r.emit(Event{Type: "ExecutionSucceeded", Output: out})
		return Result{Status: Succeeded, Output: out}
	case errors.Is(context.Cause(inner), errMachineTimeout):
		r.emit(Event{Type: "ExecutionTimedOut", Error: errTimeout})
		return Result{Status: TimedOut, Error: errTimeout}
	case ctx.Err() != nil:
		r.emit(Event{Type: "ExecutionAborted"})
		return Result{Status: Aborted}
	}
	r.emit(Event{Type: "ExecutionFailed", Error: failure.Name, Cause: failure.Cause})
	return Result{Status: Failed, Error: failure.Name, Cause: failure.Cause}
}

var errMachineTimeout = errors.New("the state machine's TimeoutSeconds have passed")

// contextObject copies what the caller gives through JSON, so that paths see
// only JSON values.
func contextObject(given map[string]any, input any) (map[string]any, error) {
	data, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	v, err := decode(data)
	if err != nil {
		return nil, err
	}
	out, _ := v.(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	execution, _ := out["Execution"].(map[string]any)
	if execution == nil {
		execution = map[string]any{}
		out["Execution"] = execution
	}
	if _, ok := execution["Input"]; !ok {
		execution["Input"] = input
	}
	return out, nil
}

// run is one execution.
type run struct {
	exec Exec
	mu   sync.Mutex
	last int64
}

// emit numbers an event and hands it on.
func (r *run) emit(e Event) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	e.ID = r.last
	e.At = r.exec.Clock.Now()
	if r.exec.OnEvent != nil {
		r.exec.OnEvent(e)
	}
	return e.ID
}

// after calls then when d has passed, unless ctx ends first. The time counts
// from now, not from when the goroutine gets to run.
func (r *run) after(ctx context.Context, d time.Duration, then func()) {
	if c, ok := r.exec.Clock.(Timers); ok {
		stop := c.AfterFunc(d, then)
		context.AfterFunc(ctx, func() { stop() })
		return
	}
	deadline := r.exec.Clock.Now().Add(d)
	go func() {
		if r.exec.Clock.Sleep(ctx, deadline.Sub(r.exec.Clock.Now())) == nil {
			then()
		}
	}()
}

// frame is one line of execution: the machine's, a branch's or an iteration's.
type frame struct {
	run     *run
	vars    map[string]any
	context map[string]any
	// quiet frames are children of a distributed Map: executions of their own,
	// whose events are not in our history.
	quiet bool
}

// child has its own variables and begins with ours.
func (f *frame) child() *frame {
	return &frame{run: f.run, vars: maps.Clone(f.vars), context: f.context, quiet: f.quiet}
}

func (f *frame) emit(e Event) int64 {
	if f.quiet {
		return 0
	}
	return f.run.emit(e)
}

// graph runs states from StartAt to an end.
func (f *frame) graph(ctx context.Context, g *graph, input any) (any, *Error) {
	name := g.start
	for {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		s := g.states[name]
		v := &visit{frame: f, state: s, raw: input, entered: f.run.exec.Clock.Now()}
		v.id = f.emit(Event{Type: s.kind + "StateEntered", State: s.name, Input: f.history(input), Transition: true})
		output, next, err := v.do(ctx)
		if err != nil {
			return nil, err
		}
		size := encode(output)
		if len(size) > maxBytes {
			return nil, tooLarge(s.name)
		}
		f.emit(Event{Type: s.kind + "StateExited", State: s.name, Output: size})
		if next == "" {
			return output, nil
		}
		name, input = next, output
	}
}

// history encodes a value for an event, if anyone listens.
func (f *frame) history(v any) json.RawMessage {
	if f.quiet || f.run.exec.OnEvent == nil {
		return nil
	}
	return encode(v)
}

func stopped(ctx context.Context) *Error {
	return &Error{Name: errRuntime, Cause: context.Cause(ctx).Error(), terminal: true}
}

func tooLarge(state string) *Error {
	return &Error{Name: errDataLimit, Cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", state), terminal: true}
}

// visit is one stay in a state.
type visit struct {
	*frame
	state   *state
	raw     any // the state's input
	input   any // after InputPath
	entered time.Time
	id      int64
	retries int
	token   string
}

// data is what the state's paths look into, with root as "$".
func (v *visit) data(root any) data {
	c := maps.Clone(v.context)
	c["State"] = map[string]any{
		"Name":        v.state.name,
		"EnteredTime": v.entered.UTC().Format("2006-01-02T15:04:05.000Z"),
		"RetryCount":  json.Number(strconv.Itoa(v.retries)),
	}
	if v.token != "" {
		c["Task"] = map[string]any{"Token": v.token}
	}
	return data{root: root, context: c, vars: v.vars}
}

// problem turns an evaluation's error into the language's: a function that
// failed may be caught, a path that leads nowhere ends the execution.
func (v *visit) problem(err error) *Error {
	var f *failed
	if errors.As(err, &f) {
		return &Error{Name: errIntrinsic, Cause: v.prefix() + f.text}
	}
	return v.runtime("%s", err)
}

func (v *visit) prefix() string {
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", v.state.name, v.id)
}

func (v *visit) runtime(format string, args ...any) *Error {
	return &Error{Name: errRuntime, Cause: v.prefix() + fmt.Sprintf(format, args...), terminal: true}
}

// at evaluates a path field.
func (v *visit) at(p *path, root any) (any, *Error) {
	out, err := p.eval(v.data(root))
	if err != nil {
		return nil, v.runtime("Invalid path '%s' : %s", p.src, err)
	}
	return out, nil
}

func (v *visit) optional(p *optionalPath, root any) (any, *Error) {
	switch {
	case p == nil:
		return root, nil
	case p.path == nil:
		return map[string]any{}, nil
	}
	return v.at(p.path, root)
}

func (v *visit) do(ctx context.Context) (output any, next string, err *Error) {
	s := v.state
	if v.input, err = v.optional(s.input, v.raw); err != nil {
		return nil, "", err
	}
	switch s.kind {
	case "Task", "Map", "Parallel":
		return v.handled(ctx)
	case "Fail":
		return nil, "", v.fail()
	case "Choice":
		return v.choose()
	case "Wait":
		if err := v.wait(ctx); err != nil {
			return nil, "", err
		}
	}
	result := v.input
	if s.kind == "Pass" {
		if result, err = v.parameters(v.input); err != nil {
			return nil, "", err
		}
		if s.result != nil {
			result = *s.result
		}
	}
	output, err = v.finish(result, result)
	return output, s.next, err
}

// parameters computes the effective input of Task, Pass and Parallel.
func (v *visit) parameters(root any) (any, *Error) {
	if v.state.parameters == nil {
		return root, nil
	}
	out, err := v.state.parameters.eval(v.data(root))
	if err != nil {
		return nil, v.problem(err)
	}
	return out, nil
}

// finish assigns variables, puts the result into the input and selects the
// output. assignFrom is "$" for Assign.
func (v *visit) finish(result, assignFrom any) (any, *Error) {
	vars, err := v.assign(v.state.assign, assignFrom)
	if err != nil {
		return nil, err
	}
	out, err := v.place(v.state.resultPath, result)
	if err != nil {
		return nil, err
	}
	if out, err = v.optional(v.state.output, out); err != nil {
		return nil, err
	}
	maps.Copy(v.vars, vars)
	return out, nil
}

// assign computes variables; they take effect only when the state is left, so
// that every expression of the state sees the old ones.
func (v *visit) assign(t template, root any) (map[string]any, *Error) {
	if t == nil {
		return nil, nil
	}
	out, err := t.eval(v.data(root))
	if err != nil {
		return nil, v.problem(err)
	}
	vars := out.(map[string]any)
	if len(encode(vars)) > maxBytes {
		return nil, tooLarge(v.state.name)
	}
	return vars, nil
}

func (v *visit) place(p *optionalPath, result any) (any, *Error) {
	switch {
	case p == nil:
		return result, nil
	case p.path == nil:
		return v.raw, nil
	}
	out, err := p.path.set(v.raw, result)
	if err != nil {
		return nil, &Error{Name: errResultPath, Cause: v.prefix() + err.Error()}
	}
	return out, nil
}

func (v *visit) fail() *Error {
	e := &Error{Name: v.state.err, Cause: v.state.cause}
	for _, field := range []struct {
		name string
		expr *expr
		to   *string
	}{{"ErrorPath", v.state.errPath, &e.Name}, {"CausePath", v.state.causePath, &e.Cause}} {
		if field.expr == nil {
			continue
		}
		out, err := field.expr.evalField(field.name, v.data(v.input))
		if err != nil {
			return v.problem(err)
		}
		s, ok := out.(string)
		if !ok {
			return v.runtime("The value of the field '%s' must be a string", field.name)
		}
		*field.to = s
	}
	return e
}

func (v *visit) choose() (any, string, *Error) {
	s := v.state
	next, assign := s.fallback, s.assign
	for _, c := range s.choices {
		ok, err := c.test(v.data(v.input))
		if err != nil {
			return nil, "", v.runtime("%s", err)
		}
		if ok {
			next, assign = c.next, c.assign
			break
		}
	}
	if next == "" {
		return nil, "", &Error{Name: errNoChoice, Cause: v.prefix() + "No choice matched and there is no Default."}
	}
	vars, err := v.assign(assign, v.input)
	if err != nil {
		return nil, "", err
	}
	out, err := v.optional(s.output, v.input)
	if err != nil {
		return nil, "", err
	}
	maps.Copy(v.vars, vars)
	return out, next, nil
}

func (v *visit) wait(ctx context.Context) *Error {
	s, clock := v.state, v.run.exec.Clock
	var d time.Duration
	switch {
	case s.seconds != nil:
		d = time.Duration(*s.seconds) * time.Second
	case s.until != nil:
		d = s.until.Sub(clock.Now())
	case s.secondsPath != nil:
		x, err := v.at(s.secondsPath, v.input)
		if err != nil {
			return err
		}
		n, ok := x.(json.Number)
		seconds, bad := n.Int64()
		if !ok || bad != nil {
			return v.runtime("The SecondsPath parameter cannot be parsed as a long value: %s == %s", s.secondsPath.src, asText(x))
		}
		if seconds < 0 {
			return v.runtime("The SecondsPath parameter references a negative value: %s == %d", s.secondsPath.src, seconds)
		}
		if seconds > maxSeconds {
			return v.runtime("The SecondsPath parameter references a value above %d: %s == %d", maxSeconds, s.secondsPath.src, seconds)
		}
		d = time.Duration(seconds) * time.Second
	default:
		x, err := v.at(s.untilPath, v.input)
		if err != nil {
			return err
		}
		t, ok := timestamp(x)
		if !ok {
			return v.runtime("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", s.untilPath.src, asText(x))
		}
		d = t.Sub(clock.Now())
	}
	if clock.Sleep(ctx, d) != nil {
		return stopped(ctx)
	}
	return nil
}

// handled runs a state that may retry and catch.
func (v *visit) handled(ctx context.Context) (any, string, *Error) {
	s := v.state
	used := make([]int64, len(s.retry))
	for {
		result, err := v.attempt(ctx)
		if err == nil {
			selected := result
			if s.selector != nil {
				var bad error
				if selected, bad = s.selector.eval(v.data(result)); bad != nil {
					err = v.problem(bad)
				}
			}
			var out any
			if err == nil {
				if out, err = v.finish(selected, result); err == nil {
					return out, s.next, nil
				}
			}
			return v.caught(err)
		}
		if ctx.Err() != nil {
			return nil, "", stopped(ctx)
		}
		delay, again := v.delay(err, used)
		if !again {
			if err.announce != nil {
				err.announce()
			}
			return v.caught(err)
		}
		if v.run.exec.Clock.Sleep(ctx, delay) != nil {
			return nil, "", stopped(ctx)
		}
		v.retries++
	}
}

// delay finds the retrier for an error and how long it waits; used counts each
// retrier's attempts.
func (v *visit) delay(err *Error, used []int64) (time.Duration, bool) {
	for i, r := range v.state.retry {
		if !catches(r.errors, err) {
			continue
		}
		if used[i] >= r.attempts {
			return 0, false
		}
		seconds := r.interval.Seconds() * math.Pow(r.rate, float64(used[i]))
		used[i]++
		d := time.Duration(math.MaxInt64)
		if seconds < float64(math.MaxInt64/int64(time.Second)) {
			d = time.Duration(seconds * float64(time.Second))
		}
		if r.maxDelay > 0 {
			d = min(d, r.maxDelay)
		}
		if r.jitter {
			d = time.Duration(mathrand.Float64() * float64(d))
		}
		return d, true
	}
	return 0, false
}

func (v *visit) caught(err *Error) (any, string, *Error) {
	for _, c := range v.state.catch {
		if !catches(c.errors, err) {
			continue
		}
		output := map[string]any{"Error": err.Name, "Cause": err.Cause}
		vars, bad := v.assign(c.assign, output)
		if bad != nil {
			return nil, "", bad
		}
		out, bad := v.place(c.resultPath, output)
		if bad != nil {
			return nil, "", bad
		}
		maps.Copy(v.vars, vars)
		return out, c.next, nil
	}
	return nil, "", err
}

// catches says whether an ErrorEquals matches (Step Functions docs, "Error
// names"): States.ALL everything that can be caught, States.TaskFailed
// everything but time-outs, States.Timeout missed heartbeats as well.
func catches(names []string, err *Error) bool {
	if err.terminal || err.Name == errRuntime || err.Name == errDataLimit {
		return false
	}
	timedOut := err.Name == errTimeout || err.Name == errHeartbeat
	return slices.ContainsFunc(names, func(name string) bool {
		return name == err.Name || name == errAll || name == errTaskFailed && !timedOut || name == errTimeout && timedOut
	})
}

func (v *visit) attempt(ctx context.Context) (any, *Error) {
	switch v.state.kind {
	case "Task":
		return v.task(ctx)
	case "Parallel":
		return v.parallel(ctx)
	}
	return v.mapItems(ctx)
}

// taskEvents are the history's names for what happens to a task.
type taskEvents struct{ scheduled, started, succeeded, failed, timedOut string }

func (s *state) events() taskEvents {
	prefix := "Task"
	if strings.Contains(s.resource, ":lambda:") && strings.Contains(s.resource, ":function:") {
		prefix = "LambdaFunction" // the function's own ARN, not the service integration
	}
	return taskEvents{prefix + "Scheduled", prefix + "Started", prefix + "Succeeded", prefix + "Failed", prefix + "TimedOut"}
}

// task makes one attempt at the work.
func (v *visit) task(ctx context.Context) (any, *Error) {
	s, clock := v.state, v.run.exec.Clock
	if v.run.exec.Tasks == nil {
		return nil, v.runtime("No function to run tasks was given")
	}
	if s.token {
		v.token = v.run.exec.NewToken()
	}
	timeout, err := v.limit("TimeoutSecondsPath", s.timeout, s.timeoutPath)
	if err != nil {
		return nil, err
	}
	heartbeat, err := v.limit("HeartbeatSecondsPath", s.heartbeat, s.heartbeatPath)
	if err != nil {
		return nil, err
	}
	params, err := v.parameters(v.input)
	if err != nil {
		return nil, err
	}
	encoded := encode(params)
	if len(encoded) > maxBytes {
		return nil, tooLarge(s.name)
	}
	names := s.events()
	event := Event{State: s.name, Resource: s.resource}
	emit := func(kind string, change func(*Event)) {
		e := event
		e.Type = kind
		if change != nil {
			change(&e)
		}
		v.emit(e)
	}
	emit(names.scheduled, func(e *Event) { e.Input, e.Transition = encoded, v.retries > 0 })
	emit(names.started, nil)

	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	beat := clock.Now()
	over := false // nothing may be recorded for the attempt any more
	if timeout > 0 {
		v.run.after(inner, timeout, func() { cancel(&Error{Name: errTimeout}) })
	}
	if heartbeat > 0 {
		var check func()
		check = func() {
			mu.Lock()
			left := heartbeat - clock.Now().Sub(beat)
			mu.Unlock()
			if left <= 0 {
				cancel(&Error{Name: errHeartbeat})
				return
			}
			v.run.after(inner, left, check)
		}
		check()
	}
	output, failed := v.run.exec.Tasks(inner, Task{
		State: s.name, Resource: s.resource, Parameters: encoded, Token: v.token, Attempt: v.retries, Timeout: timeout,
		Submitted: func(output json.RawMessage) {
			mu.Lock()
			defer mu.Unlock()
			if !over {
				emit("TaskSubmitted", func(e *Event) { e.Output = output })
			}
		},
		Beat: func() {
			mu.Lock()
			defer mu.Unlock()
			beat = clock.Now()
		},
	})
	mu.Lock()
	over = true
	mu.Unlock()
	// An answer that came just before a time-out counts: whoever completed the
	// token was told so.
	var late *Error
	switch {
	case failed == nil:
	case ctx.Err() != nil:
		return nil, stopped(ctx)
	case errors.As(context.Cause(inner), &late):
		emit(names.timedOut, func(e *Event) { e.Error = late.Name })
		return nil, late
	}
	if failed == nil {
		result, bad := decode(output)
		if bad == nil && len(output) <= maxBytes {
			emit(names.succeeded, func(e *Event) { e.Output = output })
			return result, nil
		}
		failed = &Error{Name: errRuntime, Cause: v.prefix() + "The task's answer is not JSON.", terminal: true}
		if bad == nil {
			failed = tooLarge(s.name)
		}
	}
	failure := &Error{Name: errTaskFailed, Cause: failed.Error()}
	var named *Error
	if errors.As(failed, &named) {
		failure = &Error{Name: named.Name, Cause: named.Cause, terminal: named.terminal}
	}
	emit(names.failed, func(e *Event) { e.Error, e.Cause = failure.Name, failure.Cause })
	return nil, failure
}

// limit reads TimeoutSeconds or HeartbeatSeconds or their Path; 0 is none.
func (v *visit) limit(field string, n *int64, p *path) (time.Duration, *Error) {
	if n != nil {
		return time.Duration(*n) * time.Second, nil
	}
	if p == nil {
		return 0, nil
	}
	x, err := v.at(p, v.input)
	if err != nil {
		return 0, err
	}
	number, _ := x.(json.Number)
	seconds, bad := number.Int64()
	if bad != nil || seconds < 1 || seconds > maxSeconds {
		return 0, v.runtime("The %s field must refer to a positive integer: %s == %s", field, p.src, asText(x))
	}
	return time.Duration(seconds) * time.Second, nil
}

func (v *visit) parallel(ctx context.Context) (any, *Error) {
	s := v.state
	input, err := v.parameters(v.input)
	if err != nil {
		return nil, err
	}
	v.emit(Event{Type: "ParallelStateStarted", State: s.name, Transition: v.retries > 0})
	results := make([]any, len(s.branches))
	err = v.each(ctx, len(s.branches), len(s.branches), func(ctx context.Context, i int) *Error {
		var err *Error
		results[i], err = v.child().graph(ctx, s.branches[i], input)
		return err
	})
	if err != nil {
		return nil, v.announced(err, "ParallelStateFailed")
	}
	v.emit(Event{Type: "ParallelStateSucceeded", State: s.name})
	return results, nil
}

// announced makes a Map or Parallel record its failure once no retry is left.
func (v *visit) announced(err *Error, kind string) *Error {
	out := *err
	out.announce = func() {
		v.emit(Event{Type: kind, State: v.state.name, Error: err.Name, Cause: err.Cause})
	}
	return &out
}

// each runs n things, at most width at once, and stops all at the first error.
func (v *visit) each(ctx context.Context, n, width int, do func(ctx context.Context, i int) *Error) *Error {
	if width == 1 {
		for i := range n {
			if err := do(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first *Error
		slots = make(chan struct{}, width)
	)
	for i := range n {
		slots <- struct{}{}
		if inner.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(inner, i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
					cancel(errSibling)
				}
			}
		})
	}
	wg.Wait()
	return first
}

// errSibling stops what runs beside a branch or iteration that failed.
var errSibling = errors.New("a sibling failed")

// inlineConcurrency is how many iterations of an inline Map run at once when
// MaxConcurrency is 0 (Step Functions docs: up to 40).
const inlineConcurrency = 40

func (v *visit) mapItems(ctx context.Context) (any, *Error) {
	s := v.state
	items := v.input
	var err *Error
	if s.items != nil {
		if items, err = v.at(s.items, v.input); err != nil {
			return nil, err
		}
	}
	list, ok := items.([]any)
	if !ok {
		src := "$"
		if s.items != nil {
			src = s.items.src
		}
		return nil, v.runtime("Reference path \"%s\" must point to array.", src)
	}
	width := s.concurrency
	if s.concurrencyPath != nil {
		x, err := v.at(s.concurrencyPath, v.input)
		if err != nil {
			return nil, err
		}
		if width, ok = integer(x); !ok {
			return nil, v.runtime("The MaxConcurrencyPath field refers to value \"%s\" which is not a valid integer: %s", asText(x), s.concurrencyPath.src)
		}
		if width < 0 {
			return nil, v.runtime("MaxConcurrency cannot be negative.")
		}
	}
	if width == 0 || width > inlineConcurrency {
		width = inlineConcurrency
	}
	v.emit(Event{Type: "MapStateStarted", State: s.name, Transition: v.retries > 0})
	tolerant := s.tolerant
	if s.distributed {
		t, err := v.tolerance()
		if err != nil {
			return nil, err
		}
		tolerant = tolerant || t
		v.emit(Event{Type: "MapRunStarted", State: s.name})
	}
	results := make([]any, len(list))
	err = v.each(ctx, len(list), int(width), func(ctx context.Context, i int) *Error {
		out, err := v.iteration(ctx, i, list[i])
		results[i] = out
		return err
	})
	if err != nil {
		if s.distributed && !err.terminal {
			if tolerant {
				return nil, &Error{Name: errUnsupported, Cause: v.prefix() + "A child failed, and what AWS makes of a tolerated failure is not supported here.", terminal: true}
			}
			v.emit(Event{Type: "MapRunFailed", State: s.name, Error: errTolerance})
			err = &Error{Name: errTolerance, Cause: "The specified tolerated failure threshold was exceeded"}
		}
		if err.terminal {
			return nil, err
		}
		return nil, v.announced(err, "MapStateFailed")
	}
	if s.distributed {
		v.emit(Event{Type: "MapRunSucceeded", State: s.name})
	}
	v.emit(Event{Type: "MapStateSucceeded", State: s.name})
	return results, nil
}

func (v *visit) iteration(ctx context.Context, i int, item any) (any, *Error) {
	s := v.state
	inner := v.child()
	inner.context = maps.Clone(v.context)
	inner.context["Map"] = map[string]any{"Item": map[string]any{"Index": json.Number(strconv.Itoa(i)), "Value": item}}
	if s.distributed {
		// A child execution sees no variable of its parent.
		inner.quiet, inner.vars = true, map[string]any{}
	}
	event := Event{State: s.name, Index: i}
	note := func(kind string) {
		if !s.distributed {
			event.Type = kind
			v.emit(event)
		}
	}
	input := item
	if s.parameters != nil {
		d := v.data(v.input)
		d.context.(map[string]any)["Map"] = inner.context["Map"]
		var bad error
		if input, bad = s.parameters.eval(d); bad != nil {
			return nil, v.problem(bad)
		}
	}
	note("MapIterationStarted")
	out, err := inner.graph(ctx, s.branches[0], input)
	switch {
	case err == nil:
		note("MapIterationSucceeded")
	case errors.Is(context.Cause(ctx), errSibling):
		note("MapIterationAborted")
	case !err.terminal:
		event.Error, event.Cause = err.Name, err.Cause
		note("MapIterationFailed")
	}
	return out, err
}

// tolerance reads the tolerated failures of a distributed Map from the data and
// says whether there may be any.
func (v *visit) tolerance() (tolerant bool, err *Error) {
	if p := v.state.tolerateCount; p != nil {
		x, err := v.at(p, v.input)
		if err != nil {
			return false, err
		}
		n, ok := integer(x)
		if !ok {
			return false, v.runtime("The ToleratedFailureCountPath field refers to value \"%s\" which is not a valid integer: %s", asText(x), p.src)
		}
		if n < 0 {
			return false, v.runtime("ToleratedFailureCount cannot be negative.")
		}
		tolerant = n > 0
	}
	if p := v.state.toleratePercent; p != nil {
		x, err := v.at(p, v.input)
		if err != nil {
			return false, err
		}
		percent, bad := strconv.ParseFloat(strings.Trim(asText(x), `"`), 64)
		if bad != nil {
			return false, v.runtime("The ToleratedFailurePercentagePath field refers to value \"%s\" which is not a valid float: %s", asText(x), p.src)
		}
		if percent < 0 || percent > 100 || math.IsNaN(percent) {
			return false, v.runtime("ToleratedFailurePercentage must be between 0 and 100.")
		}
		tolerant = tolerant || percent > 0
	}
	return tolerant, nil
}
