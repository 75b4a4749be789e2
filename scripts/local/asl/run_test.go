package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func mustParse(t *testing.T, def string) *Machine {
	t.Helper()
	m, err := Parse([]byte(def))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// one makes a machine of one state named S; body is its JSON without braces.
func one(body string) string { return `{"StartAt":"S","States":{"S":{` + body + `}}}` }

const fn = `"Resource":"arn:aws:lambda:us-east-1:111111111111:function:f"`

func sequence(errs ...error) (TaskFunc, *[]Task) {
	var calls []Task
	return func(_ context.Context, t Task) (json.RawMessage, error) {
		calls = append(calls, t)
		if err := errs[min(len(calls), len(errs))-1]; err != nil {
			return nil, err
		}
		return json.RawMessage(`{"ok":true}`), nil
	}, &calls
}

func TestRetryWaits(t *testing.T) {
	boom, other := &Error{Name: "Throttled"}, &Error{Name: "Refused", Cause: "deleted"}
	tests := []struct {
		name, retry string
		errs        []error
		slept       []time.Duration
		status      Status
		err         string
	}{
		{"DefaultsThreeTimesDoubling", `{"ErrorEquals":["Throttled"]}`, []error{boom}, []time.Duration{1e9, 2e9, 4e9}, Failed, "Throttled"},
		{"SucceedsInTheEnd", `{"ErrorEquals":["Throttled"],"IntervalSeconds":5,"BackoffRate":1}`, []error{boom, boom, nil}, []time.Duration{5e9, 5e9}, Succeeded, ""},
		{"MaxDelay", `{"ErrorEquals":["States.ALL"],"IntervalSeconds":2,"BackoffRate":10,"MaxDelaySeconds":7,"MaxAttempts":4}`, []error{boom}, []time.Duration{2e9, 7e9, 7e9, 7e9}, Failed, "Throttled"},
		{"FractionalRate", `{"ErrorEquals":["Throttled"],"BackoffRate":1.5,"MaxAttempts":3}`, []error{boom}, []time.Duration{1e9, 1.5e9, 2.25e9}, Failed, "Throttled"},
		{"ZeroAttempts", `{"ErrorEquals":["Throttled"],"MaxAttempts":0}`, []error{boom}, nil, Failed, "Throttled"},
		{"NotListed", `{"ErrorEquals":["Throttled"]}`, []error{other}, nil, Failed, "Refused"},
		{"TaskFailedMatchesNames", `{"ErrorEquals":["States.TaskFailed"],"MaxAttempts":1}`, []error{other}, []time.Duration{1e9}, Failed, "Refused"},
		{"TaskFailedNotTimeouts", `{"ErrorEquals":["States.TaskFailed"]}`, []error{&Error{Name: "States.Timeout"}}, nil, Failed, "States.Timeout"},
		{"TimeoutMatchesHeartbeats", `{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}`, []error{&Error{Name: "States.HeartbeatTimeout"}}, []time.Duration{1e9}, Failed, "States.HeartbeatTimeout"},
		{"EachRetrierCountsForItself", `{"ErrorEquals":["Throttled"],"MaxAttempts":1},{"ErrorEquals":["Refused"],"MaxAttempts":2,"IntervalSeconds":3}`, []error{boom, other, other, boom}, []time.Duration{1e9, 3e9, 6e9}, Failed, "Throttled"},
		{"RuntimeIsFinal", `{"ErrorEquals":["States.ALL"]}`, []error{&Error{Name: "States.Runtime"}}, nil, Failed, "States.Runtime"},
		{"PlainErrorsAreTaskFailed", `{"ErrorEquals":["States.TaskFailed"],"MaxAttempts":1}`, []error{errors.New("no such thing")}, []time.Duration{1e9}, Failed, "States.TaskFailed"},
		{"HugeBackoffDoesNotOverflow", `{"ErrorEquals":["Throttled"],"IntervalSeconds":99999999,"BackoffRate":1000,"MaxAttempts":3,"MaxDelaySeconds":100000000}`, nil, nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			def := one(`"Type":"Task",` + fn + `,"End":true,"Retry":[` + tt.retry + `]`)
			if tt.errs == nil {
				if _, err := Parse([]byte(def)); err == nil {
					t.Error("MaxDelaySeconds above a year is accepted")
				}
				return
			}
			m := mustParse(t, def)
			f, calls := sequence(tt.errs...)
			clock := newJumpClock()
			res := m.Run(t.Context(), Exec{Tasks: f, Clock: clock})
			if res.Status != tt.status || res.Error != tt.err {
				t.Errorf("got %s %q, want %s %q", res.Status, res.Error, tt.status, tt.err)
			}
			if !slices.Equal(clock.slept, tt.slept) {
				t.Errorf("slept %v, want %v", clock.slept, tt.slept)
			}
			for i, c := range *calls {
				if c.Attempt != i {
					t.Errorf("attempt %d says %d", i, c.Attempt)
				}
			}
		})
	}
}

func TestJitterStaysBelowTheDelay(t *testing.T) {
	m := mustParse(t, one(`"Type":"Task",`+fn+`,"End":true,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":10,"BackoffRate":1,"MaxAttempts":200,"JitterStrategy":"FULL"}]`))
	f, _ := sequence(&Error{Name: "Busy"})
	clock := newJumpClock()
	m.Run(t.Context(), Exec{Tasks: f, Clock: clock})
	var sum time.Duration
	for _, d := range clock.slept {
		if d < 0 || d >= 10*time.Second {
			t.Fatalf("waited %v, want 0 to 10 s", d)
		}
		sum += d
	}
	// The mean of 200 uniform values lies within 5 +- 1.5 s but for one run in
	// many millions (7 standard errors).
	if mean := sum / time.Duration(len(clock.slept)); len(clock.slept) != 200 || mean < 3500*time.Millisecond || mean > 6500*time.Millisecond {
		t.Errorf("%d waits of %v on average", len(clock.slept), mean)
	}
}

func TestCatch(t *testing.T) {
	tests := []struct {
		name, fields string
		fail         error
		want         string // output of the whole machine
	}{
		{"ReplacesTheInput", `"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`, &Error{Name: "Refused", Cause: "gone"}, `{"Error":"Refused","Cause":"gone"}`},
		{"BesideTheInput", `"Catch":[{"ErrorEquals":["Refused"],"ResultPath":"$.error","Next":"Caught"}]`, &Error{Name: "Refused", Cause: "gone"}, `{"n":1,"error":{"Error":"Refused","Cause":"gone"}}`},
		{"Discarded", `"Catch":[{"ErrorEquals":["Refused"],"ResultPath":null,"Next":"Caught"}]`, &Error{Name: "Refused"}, `{"n":1}`},
		{"FirstThatMatches", `"Catch":[{"ErrorEquals":["Busy"],"Next":"Other"},{"ErrorEquals":["Refused"],"ResultPath":"$.e","Next":"Caught"},{"ErrorEquals":["States.ALL"],"Next":"Other"}]`, &Error{Name: "Refused"}, `{"n":1,"e":{"Error":"Refused","Cause":""}}`},
		{"OutputPathIsNotApplied", `"OutputPath":"$.nowhere","Catch":[{"ErrorEquals":["Refused"],"Next":"Caught"}]`, &Error{Name: "Refused"}, `{"Error":"Refused","Cause":""}`},
		{"RawInputNotInputPath", `"InputPath":"$.n","Catch":[{"ErrorEquals":["Refused"],"ResultPath":"$.e","Next":"Caught"}]`, &Error{Name: "Refused"}, `{"n":1,"e":{"Error":"Refused","Cause":""}}`},
		{"FailedFunction", `"Parameters":{"x.$":"States.ArrayGetItem($.n, 0)"},"Catch":[{"ErrorEquals":["States.IntrinsicFailure"],"ResultPath":null,"Next":"Caught"}]`, nil, `{"n":1}`},
		{"ResultPathThatDoesNotFit", `"ResultPath":"$.n.deep","Catch":[{"ErrorEquals":["States.ResultPathMatchFailure"],"ResultPath":null,"Next":"Caught"}]`, nil, `{"n":1}`},
		{"Variables", `"Catch":[{"ErrorEquals":["Refused"],"Assign":{"why.$":"$.Cause"},"ResultPath":null,"Next":"Other"}]`, &Error{Name: "Refused", Cause: "gone"}, `{"why":"gone"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			other := `"Other":{"Type":"Pass","Parameters":{"why.$":"$why"},"End":true}`
			if !strings.Contains(tt.fields, `"Other"`) {
				other = ""
			}
			caught := `"Caught":{"Type":"Pass","End":true}`
			if !strings.Contains(tt.fields, `"Caught"`) {
				caught = ""
			}
			states := strings.Trim(strings.Join([]string{`"S":{"Type":"Task",` + fn + `,` + tt.fields + `,"End":true}`, caught, other}, ","), ",")
			m := mustParse(t, `{"StartAt":"S","States":{`+strings.ReplaceAll(states, ",,", ",")+`}}`)
			f, _ := sequence(tt.fail)
			var events []string
			res := m.Run(t.Context(), Exec{Input: []byte(`{"n":1}`), Tasks: f, Clock: newJumpClock(), OnEvent: func(e Event) { events = append(events, e.Type) }})
			if res.Status != Succeeded {
				t.Fatalf("%s %s %s", res.Status, res.Error, res.Cause)
			}
			sameJSON(t, res.Output, tt.want)
			if !slices.Contains(events, "TaskStateExited") {
				t.Errorf("a caught state is left, too: %v", events)
			}
		})
	}
}

func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	g, err := decode(got)
	if err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	w, err := decode([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	if !equal(g, w) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Time-outs, heartbeats and waits, in a bubble of virtual time.
func TestTime(t *testing.T) {
	token := `"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken"`
	tests := []struct {
		name, def string
		task      TaskFunc
		took      time.Duration
		status    Status
		err       string
	}{
		{"TaskTimesOut", one(`"Type":"Task",` + fn + `,"TimeoutSeconds":30,"End":true`), forever, 30 * time.Second, Failed, "States.Timeout"},
		{"TimeoutFromTheData", one(`"Type":"Task",` + fn + `,"TimeoutSecondsPath":"$.limit","End":true`), forever, 90 * time.Second, Failed, "States.Timeout"},
		{"TimeoutOfZeroIsWrong", one(`"Type":"Task",` + fn + `,"TimeoutSecondsPath":"$.zero","End":true`), forever, 0, Failed, "States.Runtime"},
		{"NoBeat", one(`"Type":"Task",` + token + `,"TimeoutSeconds":600,"HeartbeatSeconds":60,"End":true`), forever, time.Minute, Failed, "States.HeartbeatTimeout"},
		{"BeatsThenSilence", one(`"Type":"Task",` + token + `,"TimeoutSeconds":600,"HeartbeatSeconds":60,"End":true`), func(ctx context.Context, t Task) (json.RawMessage, error) {
			for range 3 {
				time.Sleep(50 * time.Second)
				t.Beat()
			}
			return forever(ctx, t)
		}, 210 * time.Second, Failed, "States.HeartbeatTimeout"},
		{"TokenCompletedInTime", one(`"Type":"Task",` + token + `,"TimeoutSeconds":600,"HeartbeatSeconds":60,"End":true`), func(context.Context, Task) (json.RawMessage, error) {
			time.Sleep(59 * time.Second)
			return json.RawMessage(`{}`), nil
		}, 59 * time.Second, Succeeded, ""},
		{"TimeoutIsRetried", one(`"Type":"Task",` + fn + `,"TimeoutSeconds":10,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":2,"IntervalSeconds":5}],"End":true`), forever, 45 * time.Second, Failed, "States.Timeout"},
		{"MachineTimesOut", `{"TimeoutSeconds":20,` + one(`"Type":"Wait","Seconds":3600,"End":true`)[1:], nil, 20 * time.Second, TimedOut, "States.Timeout"},
		{"MachineTimesOutInATask", `{"TimeoutSeconds":20,` + one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true`)[1:], forever, 20 * time.Second, TimedOut, "States.Timeout"},
		{"WaitAYear", one(`"Type":"Wait","Seconds":31536000,"End":true`), nil, 365 * 24 * time.Hour, Succeeded, ""},
		{"WaitUntil", one(`"Type":"Wait","TimestampPath":"$.at","End":true`), nil, 3 * time.Hour, Succeeded, ""},
		{"WaitUntilNonsense", one(`"Type":"Wait","TimestampPath":"$.limit","End":true`), nil, 0, Failed, "States.Runtime"},
		{"BranchesWaitTogether", one(`"Type":"Parallel","End":true,"Branches":[{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":10,"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":30,"End":true}}}]`), nil, 30 * time.Second, Succeeded, ""},
		{"AFailingBranchStopsTheOthers", one(`"Type":"Parallel","End":true,"Branches":[{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}},{"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":5,"Next":"C"},"C":{"Type":"Fail","Error":"Nope"}}}]`), nil, 5 * time.Second, Failed, "Nope"},
		{"AllItemsAtOnce", one(`"Type":"Map","ItemsPath":"$.items","End":true,"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$","End":true}}}`), nil, 30 * time.Second, Succeeded, ""},
		{"TwoItemsAtATime", one(`"Type":"Map","ItemsPath":"$.items","MaxConcurrency":2,"End":true,"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$","End":true}}}`), nil, 40 * time.Second, Succeeded, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := mustParse(t, tt.def)
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				in := fmt.Sprintf(`{"limit":90,"zero":0,"items":[10,20,30,20],"at":%q}`, begin.Add(3*time.Hour).UTC().Format(time.RFC3339))
				res := m.Run(t.Context(), Exec{Input: []byte(in), Tasks: tt.task})
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if res.Status != tt.status || res.Error != tt.err {
					t.Errorf("got %s %q (%s), want %s %q", res.Status, res.Error, res.Cause, tt.status, tt.err)
				}
			})
		})
	}
}

func TestCancelAborts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mustParse(t, one(`"Type":"Wait","Seconds":3600,"End":true`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last string
		res := m.Run(ctx, Exec{OnEvent: func(e Event) { last = e.Type }})
		if res.Status != Aborted || last != "ExecutionAborted" {
			t.Errorf("status %s, last event %s", res.Status, last)
		}
	})
}

func TestTaskToken(t *testing.T) {
	m := mustParse(t, one(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"token.$":"$$.Task.Token","try.$":"$$.State.RetryCount","state.$":"$$.State.Name","id.$":"$$.Execution.Id","input.$":"$$.Execution.Input.n"},"Retry":[{"ErrorEquals":["Busy"]}],"End":true`))
	var seen []Task
	var events []Event
	res := m.Run(t.Context(), Exec{
		Input: []byte(`{"n":12345678901234567890.10}`), Clock: newJumpClock(),
		Context: map[string]any{"Execution": map[string]any{"Id": "arn:e"}},
		OnEvent: func(e Event) { events = append(events, e) },
		Tasks: func(_ context.Context, t Task) (json.RawMessage, error) {
			seen = append(seen, t)
			t.Submitted(json.RawMessage(`{"StatusCode":202}`))
			if len(seen) == 1 {
				return nil, &Error{Name: "Busy"}
			}
			return t.Parameters, nil
		},
	})
	if res.Status != Succeeded || len(seen) != 2 {
		t.Fatalf("%+v after %d attempts", res, len(seen))
	}
	if seen[0].Token == "" || seen[0].Token == seen[1].Token {
		t.Errorf("tokens %q and %q: each attempt needs its own", seen[0].Token, seen[1].Token)
	}
	// The number keeps its digits, the last zero included.
	want := fmt.Sprintf(`{"id":"arn:e","input":12345678901234567890.10,"state":"S","token":%q,"try":1}`, seen[1].Token)
	if string(res.Output) != want {
		t.Errorf("got %s\nwant %s", res.Output, want)
	}
	var types []string
	var ids []int64
	transitions := 0
	for _, e := range events {
		types = append(types, e.Type)
		ids = append(ids, e.ID)
		if e.Transition {
			transitions++
		}
	}
	if want := "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskFailed TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited ExecutionSucceeded"; strings.Join(types, " ") != want {
		t.Errorf("events %v", types)
	}
	if !slices.Equal(ids, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) {
		t.Errorf("ids %v", ids)
	}
	// The state and its one retry are what a Standard workflow pays for.
	if transitions != 2 {
		t.Errorf("%d transitions, want 2", transitions)
	}
	if got := m.TokenStates(); !slices.Equal(got, []string{"S"}) {
		t.Errorf("token states %v", got)
	}
}

func TestAnswersOfTasks(t *testing.T) {
	big := json.RawMessage(`"` + strings.Repeat("x", maxBytes) + `"`)
	for name, tt := range map[string]struct {
		output json.RawMessage
		err    string
	}{
		"NotJSON":  {json.RawMessage(`{`), "States.Runtime"},
		"Empty":    {nil, "States.Runtime"},
		"TooLarge": {big, "States.DataLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mustParse(t, one(`"Type":"Task",`+fn+`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"N"}],"Next":"N"},"N":{"Type":"Succeed"`))
			res := m.Run(t.Context(), Exec{Tasks: func(context.Context, Task) (json.RawMessage, error) { return tt.output, nil }})
			if res.Status != Failed || res.Error != tt.err {
				t.Errorf("got %s %s, want %s, which nothing can catch", res.Status, res.Error, tt.err)
			}
		})
	}
}

func TestAssignTakesEffectAfterTheState(t *testing.T) {
	m := mustParse(t, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Assign":{"x":1,"y":2},"Next":"B"},
		"B":{"Type":"Pass","Assign":{"x.$":"$y","y.$":"$x"},"Next":"C"},
		"C":{"Type":"Task",`+fn+`,"ResultSelector":{"r.$":"$.ok"},"Assign":{"raw.$":"$"},"Next":"D"},
		"D":{"Type":"Pass","Parameters":{"x.$":"$x","y.$":"$y","raw.$":"$raw","in.$":"$"},"End":true}}}`)
	f, _ := sequence(nil)
	res := m.Run(t.Context(), Exec{Tasks: f})
	if res.Status != Succeeded {
		t.Fatal(res)
	}
	sameJSON(t, res.Output, `{"x":2,"y":1,"raw":{"ok":true},"in":{"r":true}}`)
}

func TestMapKeepsOrderAndLimitsWidth(t *testing.T) {
	m := mustParse(t, one(`"Type":"Map","MaxConcurrency":3,"End":true,"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Task",`+fn+`,"Parameters":{"i.$":"$$.Map.Item.Index","v.$":"$"},"End":true}}}`))
	var running, most atomic.Int32
	var mu sync.Mutex
	synctest.Test(t, func(t *testing.T) {
		res := m.Run(t.Context(), Exec{Input: []byte(`["a","b","c","d","e","f","g"]`), Tasks: func(_ context.Context, task Task) (json.RawMessage, error) {
			n := running.Add(1)
			mu.Lock()
			most.Store(max(most.Load(), n))
			mu.Unlock()
			defer running.Add(-1)
			var p struct {
				I int
				V string
			}
			if err := json.Unmarshal(task.Parameters, &p); err != nil {
				return nil, err
			}
			time.Sleep(time.Duration(10-p.I) * time.Second) // later items finish first
			return json.Marshal(fmt.Sprintf("%d%s", p.I, p.V))
		}})
		if string(res.Output) != `["0a","1b","2c","3d","4e","5f","6g"]` {
			t.Errorf("output %s (%s %s)", res.Output, res.Error, res.Cause)
		}
		if most.Load() != 3 {
			t.Errorf("%d at once, want 3", most.Load())
		}
	})
}

func TestDistributedMap(t *testing.T) {
	def := func(extra string) string {
		return one(`"Type":"Map","End":true,` + extra + `"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Nope"}}}`)
	}
	for name, tt := range map[string]struct{ extra, err string }{
		"NoneTolerated":      {``, "States.ExceedToleratedFailureThreshold"},
		"ToleratedIsRefused": {`"ToleratedFailureCount":1,`, "Local.Unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			res := mustParse(t, def(tt.extra)).Run(t.Context(), Exec{Input: []byte(`[1]`)})
			if res.Status != Failed || res.Error != tt.err {
				t.Errorf("got %s %s", res.Status, res.Error)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	pass := `"Type":"Pass","End":true`
	bads := map[string]struct{ def, names string }{
		"NotJSON":            {`{`, "JSON object"},
		"Null":               {`null`, "is null"},
		"UnknownTopField":    {`{"Foo":1,` + one(pass)[1:], `field "Foo"`},
		"UnknownStateField":  {one(pass + `,"Foo":1`), `state "S": field "Foo"`},
		"UnknownType":        {one(`"Type":"Jump","End":true`), `"Jump"`},
		"JSONata":            {one(pass + `,"QueryLanguage":"JSONata"`), `field "QueryLanguage"`},
		"JSONataFields":      {one(`"Type":"Task",` + fn + `,"Arguments":{},"End":true`), `field "Arguments"`},
		"NoStart":            {`{"States":{"S":{` + pass + `}}}`, `"StartAt"`},
		"WrongStart":         {`{"StartAt":"X","States":{"S":{` + pass + `}}}`, `"X"`},
		"WrongNext":          {one(`"Type":"Pass","Next":"X"`), `no state "X"`},
		"Unreachable":        {`{"StartAt":"S","States":{"S":{` + pass + `},"T":{` + pass + `}}}`, `state "T": is not reachable`},
		"NextAndEnd":         {one(`"Type":"Pass","Next":"S","End":true`), "Next"},
		"NeitherNextNorEnd":  {one(`"Type":"Pass"`), "Next"},
		"NameTwice":          {one(`"Type":"Parallel","End":true,"Branches":[{"StartAt":"S","States":{"S":{` + pass + `}}}]`), "used twice"},
		"Activity":           {one(`"Type":"Task","Resource":"arn:aws:states:us-east-1:1:activity:a","End":true`), "activity"},
		"Sync":               {one(`"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true`), "sync"},
		"Credentials":        {one(`"Type":"Task",` + fn + `,"Credentials":{},"End":true`), `"Credentials"`},
		"ItemReader":         {one(`"Type":"Map","ItemReader":{},"ItemProcessor":{"StartAt":"P","States":{"P":{` + pass + `}}},"End":true`), `"ItemReader"`},
		"BadPath":            {one(pass + `,"InputPath":"$.a["`), `field "InputPath"`},
		"PathFunction":       {one(pass + `,"InputPath":"$.a.length()"`), "length()"},
		"ResultPathNotPlace": {one(pass + `,"ResultPath":"$.a[*]"`), "reference path"},
		"ResultPathContext":  {one(pass + `,"ResultPath":"$$.a"`), "reference path"},
		"BadTemplate":        {one(pass + `,"Parameters":{"a":{"b.$":"c"}}`), `"b.$"`},
		"TemplateNotString":  {one(pass + `,"Parameters":{"b.$":1}`), `"b.$"`},
		"SameFieldTwice":     {one(pass + `,"Parameters":{"b.$":"$","b":1}`), "same field"},
		"UnknownFunction":    {one(pass + `,"Parameters":{"b.$":"States.Foo()"}`), "States.Foo"},
		"FunctionArguments":  {one(pass + `,"Parameters":{"b.$":"States.UUID(1)"}`), "States.UUID"},
		"RandomSeed":         {one(pass + `,"Parameters":{"b.$":"States.MathRandom(1,2,3)"}`), "seed"},
		"DeepFunctions":      {one(pass + `,"Parameters":{"b.$":"` + strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11) + `"}`), "deeper"},
		"ChoiceNoRules":      {one(`"Type":"Choice","Choices":[]`), `"Choices"`},
		"ChoiceUnknownOp":    {one(`"Type":"Choice","Choices":[{"Variable":"$.a","Equals":1,"Next":"S"}]`), `"Equals"`},
		"ChoiceTwoOps":       {one(`"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"IsString":true,"Next":"S"}]`), `"IsNull"`},
		"ChoiceWrongLiteral": {one(`"Type":"Choice","Choices":[{"Variable":"$.a","NumericLessThan":"1","Next":"S"}]`), "wrong type"},
		"ChoiceNestedNext":   {one(`"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true,"Next":"S"},"Next":"S"}]`), "Next"},
		"WaitTwo":            {one(`"Type":"Wait","Seconds":1,"SecondsPath":"$.a","End":true`), "exactly one"},
		"WaitNegative":       {one(`"Type":"Wait","Seconds":-1,"End":true`), `"Seconds"`},
		"WaitBadTime":        {one(`"Type":"Wait","Timestamp":"2026-01-01","End":true`), "RFC 3339"},
		"RetryUnknownField":  {one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":["A"],"Foo":1}],"End":true`), `"Foo"`},
		"RetryAllNotLast":    {one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}],"End":true`), "States.ALL"},
		"RetryAllNotAlone":   {one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":["States.ALL","A"]}],"End":true`), "States.ALL"},
		"RetryNoErrors":      {one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":[]}],"End":true`), "ErrorEquals"},
		"BackoffBelowOne":    {one(`"Type":"Task",` + fn + `,"Retry":[{"ErrorEquals":["A"],"BackoffRate":0.5}],"End":true`), "BackoffRate"},
		"HeartbeatTooLong":   {one(`"Type":"Task",` + fn + `,"TimeoutSeconds":5,"HeartbeatSeconds":5,"End":true`), "HeartbeatSeconds"},
		"TimeoutTwice":       {one(`"Type":"Task",` + fn + `,"TimeoutSeconds":5,"TimeoutSecondsPath":"$.a","End":true`), "TimeoutSeconds"},
		"RetryOnPass":        {one(pass + `,"Retry":[]`), `"Retry"`},
		"FailWithNext":       {one(`"Type":"Fail","Next":"S"`), `"Next"`},
		"AssignReserved":     {one(pass + `,"Assign":{"states":1}`), `"states"`},
		"AssignInnerHides":   {`{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":1},"Next":"S"},"S":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Assign":{"x.$":"$"},"End":true}}}}}}`, "outer scope"},
		"TolerateInline":     {one(`"Type":"Map","ToleratedFailureCount":1,"ItemProcessor":{"StartAt":"P","States":{"P":{` + pass + `}}},"End":true`), "DISTRIBUTED"},
		"TwoProcessors":      {one(`"Type":"Map","Iterator":{"StartAt":"P","States":{"P":{` + pass + `}}},"ItemProcessor":{"StartAt":"P","States":{"P":{` + pass + `}}},"End":true`), "Iterator"},
		"StateNull":          {`{"StartAt":"S","States":{"S":null}}`, `state "S"`},
		"LongName":           {`{"StartAt":"S","States":{"S":{"Type":"Pass","Next":"` + strings.Repeat("n", 81) + `"},"` + strings.Repeat("n", 81) + `":{` + pass + `}}}`, "80 characters"},
	}
	for name, tt := range bads {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.def))
			if err == nil {
				t.Fatalf("%s is accepted", tt.def)
			}
			if !strings.Contains(err.Error(), tt.names) || !strings.HasPrefix(err.Error(), "state machine: ") {
				t.Errorf("error %q does not name %s", err, tt.names)
			}
		})
	}
}

func TestMachineLists(t *testing.T) {
	m := mustParse(t, `{"StartAt":"A","States":{"A":{"Type":"Task",`+fn+`,"Retry":[{"ErrorEquals":["Throttled","Busy"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"Next":"B"},"B":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"C","States":{"C":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}}]}}}`)
	if got, want := m.Resources(), []string{"arn:aws:lambda:us-east-1:111111111111:function:f", "arn:aws:states:::sqs:sendMessage"}; !slices.Equal(got, want) {
		t.Errorf("resources %v", got)
	}
	if got, want := m.ErrorNames(), []string{"Busy", "States.ALL", "Throttled"}; !slices.Equal(got, want) {
		t.Errorf("error names %v", got)
	}
	if got := m.TokenStates(); len(got) != 0 {
		t.Errorf("token states %v", got)
	}
}

// The workflows that we deploy use nothing that is not supported.
func TestOurWorkflowsParse(t *testing.T) {
	files, err := filepath.Glob("../../../infra/workflow/*.asl.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d workflows, want at least 3: %v", len(files), err)
	}
	// The deployment puts ARNs and names where the definitions have ${Name}.
	substitution := regexp.MustCompile(`\$\{[A-Za-z0-9]+\}`)
	for _, file := range files {
		def, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(substitution.ReplaceAll(def, []byte("arn:aws:lambda:us-east-1:111111111111:function:f"))); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

// Whatever parses must also run to an end without a panic, and give JSON.
func FuzzParse(f *testing.F) {
	for _, r := range recordings(f) {
		if len(r.Definition) < 4000 {
			f.Add([]byte(r.Definition), []byte(r.Input))
		}
	}
	f.Add([]byte(one(`"Type":"Pass","Parameters":{"a.$":"$..b[?(@.c >= 1 && !(@.d) || @ == 'x')]"},"End":true`)), []byte(`{"b":[{"c":1}]}`))
	f.Fuzz(func(t *testing.T, def, input []byte) {
		m, err := Parse(def)
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var n atomic.Int32
		res := m.Run(ctx, Exec{Input: input, Tasks: echo, Clock: newJumpClock(), OnEvent: func(Event) {
			if n.Add(1) > 200 { // a loop without an end
				cancel()
			}
		}})
		if res.Status == Succeeded && !json.Valid(res.Output) {
			t.Errorf("output %q is not JSON", res.Output)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	m, err := Parse([]byte(`{"StartAt":"T","States":{"T":{"Type":"Task",` + fn + `,"ResultPath":"$.triage","Next":"C"},"C":{"Type":"Choice","Choices":[{"Variable":"$.triage.relevance","StringEquals":"chatter","Next":"I"}],"Default":"E"},"I":{"Type":"Pass","Result":"ignored","ResultPath":"$.outcome","Next":"E"},"E":{"Type":"Succeed"}}}`))
	if err != nil {
		b.Fatal(err)
	}
	f := constant(`{"relevance":"chatter","reasons":[{"by":"relevance","text":"Names nothing of ours."}]}`)
	for b.Loop() {
		if res := m.Run(b.Context(), Exec{Input: []byte(`{"post":{"platform":"x","text":"hello"}}`), Tasks: f, OnEvent: func(Event) {}}); res.Status != Succeeded {
			b.Fatal(res)
		}
	}
}
