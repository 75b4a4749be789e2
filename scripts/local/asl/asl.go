// Package asl runs workflows written in the Amazon States Language, in its
// JSONPath query language, for the local stack. It supports what the language
// defines for Task, Choice, Wait, Pass, Succeed, Fail, Parallel and Map states:
// paths, payload templates, intrinsic functions, variables, the context object,
// Retry, Catch, timeouts, heartbeats and task tokens. What it does not support
// (JSONata, activities, .sync, item readers and writers of a distributed Map) is
// an error of Parse that names the state and the field; it is never ignored.
// Sources: the Amazon States Language specification, the Step Functions
// developer guide, and 159 machines recorded on AWS, which the tests hold it
// against. Time comes from a Clock, so that a year of waiting takes a test
// nothing. Numbers keep the digits they came with.
package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Clock is the time that waits, retries and timeouts go by.
type Clock interface {
	Now() time.Time
	// Sleep returns nil once d has passed, or ctx's error if that comes first. A
	// d of zero or less returns at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// Timers is what a Clock may offer besides: then time-outs are timers of its own
// instead of goroutines that sleep, and Sleep is called only by an execution (or
// a branch) that waits. A clock that counts who is waiting needs to tell the two
// apart.
type Timers interface {
	// AfterFunc calls f in a goroutine of its own once d has passed. stop prevents
	// that; it returns false if it is too late.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Real is the clock on the wall.
type Real struct{}

// Now is time.Now.
func (Real) Now() time.Time { return time.Now() }

// Sleep waits for d or for ctx.
func (Real) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Error is an error as Step Functions names it: what Retry and Catch match.
type Error struct {
	Name  string // e.g. "States.Timeout", "Throttled"
	Cause string

	terminal bool // nothing can catch it
	announce func()
}

func (e *Error) Error() string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Name + ": " + e.Cause
}

// Task is one attempt at the work of a Task state.
type Task struct {
	State      string          // name of the state
	Resource   string          // as written in the definition
	Parameters json.RawMessage // effective input: after InputPath and Parameters
	// Token is not empty for ".waitForTaskToken": the function then returns when
	// the token is completed, with the output or error it was completed with.
	Token   string
	Attempt int           // 0 for the first try
	Timeout time.Duration // 0: none given. The interpreter itself enforces it, by cancelling ctx
	// Submitted is to be called, once at most, when the service has accepted a
	// request that waits for a token; it records TaskSubmitted.
	Submitted func(output json.RawMessage)
	// Beat is to be called on a heartbeat; it restarts HeartbeatSeconds.
	Beat func()
}

// TaskFunc does a task's work. An *Error keeps its name; any other error is
// States.TaskFailed with the error's text as the cause. It must return soon after
// ctx is cancelled (a time-out, a sibling that failed, the end of the execution);
// an error then counts as that time-out, an answer without error still counts.
type TaskFunc func(ctx context.Context, t Task) (json.RawMessage, error)

// Exec is one execution.
type Exec struct {
	// Input is any JSON; empty means {}.
	Input json.RawMessage
	// Context is the context object's own part: Execution and StateMachine. The
	// interpreter adds Execution.Input (when absent), State, Task and Map.
	Context map[string]any
	Tasks   TaskFunc
	Clock   Clock // nil: Real
	// OnEvent gets the history events, one at a time, in order. It must not block.
	OnEvent func(Event)
	// NewToken makes task tokens; nil: random ones.
	NewToken func() string
}

// Status is how an execution ended.
type Status string

// The statuses (DescribeExecution).
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED" // the context was cancelled
)

// Result is the end of an execution.
type Result struct {
	Status Status
	Output json.RawMessage // when Succeeded
	Error  string          // when Failed or TimedOut; may be empty for a Fail state without one
	Cause  string
}

// Event is one entry of the execution's history (GetExecutionHistory).
type Event struct {
	ID   int64  // 1, 2, 3 ...
	Type string // HistoryEventType: "TaskStateEntered", "LambdaFunctionFailed", ...
	At   time.Time
	// State is the state that the event belongs to; empty for events of the
	// execution.
	State    string
	Resource string          // of task events
	Input    json.RawMessage // of ...Entered, ...Scheduled and ExecutionStarted
	Output   json.RawMessage // of ...Exited, ...Succeeded, TaskSubmitted
	Error    string
	Cause    string
	Index    int // of MapIteration... events
	// Transition marks what a Standard workflow pays for: every state entered
	// and every retry of one.
	Transition bool
}

// maxBytes bounds a state's input and output (Step Functions quotas, "maximum
// input or output size for a task, state, or execution": 256 KiB).
const maxBytes = 256 * 1024

// Parse reads a definition. Its errors name the state and the field.
func Parse(def []byte) (*Machine, error) {
	m, err := parseMachine(def)
	if err != nil {
		return nil, fmt.Errorf("state machine: %w", err)
	}
	return m, nil
}
