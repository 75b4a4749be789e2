package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
)

var workflowNames = []string{intake, later, escalation, followup}

// machine is the part of the Amazon States Language that our workflows use. An
// unknown field is an error, so that no rule below overlooks one.
type machine struct {
	Comment        string
	StartAt        string
	TimeoutSeconds float64
	States         map[string]state
}

type state struct {
	Type, Comment, Next string
	Resource            string
	Parameters          any
	Result              any
	ResultPath          json.RawMessage
	TimeoutSeconds      float64
	TimeoutSecondsPath  string
	SecondsPath         string
	TimestampPath       string
	Retry               []retrier
	Catch               []catcher
	Choices             []choice
	Default             string
	Error, Cause        string
	End                 bool
}

type retrier struct {
	ErrorEquals     []string
	IntervalSeconds float64
	MaxAttempts     *int
	BackoffRate     float64
	MaxDelaySeconds float64
	JitterStrategy  string
}

type catcher struct {
	ErrorEquals []string
	ResultPath  json.RawMessage
	Next        string
}

type choice struct {
	And          []choice
	Variable     string
	StringEquals *string
	IsPresent    *bool
	Next         string
}

func parseMachine(t *testing.T, text string) machine {
	t.Helper()
	var m machine
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func eachWorkflow(t *testing.T, test func(t *testing.T, name string, m machine)) {
	t.Helper()
	for _, name := range workflowNames {
		t.Run(name, func(t *testing.T) { test(t, name, parseMachine(t, definition(name))) })
	}
}

// eachTask runs a test for every Task state, in order of name.
func eachTask(t *testing.T, test func(t *testing.T, workflow, name string, s state)) {
	t.Helper()
	eachWorkflow(t, func(t *testing.T, workflow string, m machine) {
		tasks := 0
		for _, name := range slices.Sorted(maps.Keys(m.States)) {
			if m.States[name].Type == "Task" {
				tasks++
				t.Run(name, func(t *testing.T) { test(t, workflow, name, m.States[name]) })
			}
		}
		if tasks == 0 {
			t.Error("no task")
		}
	})
}

// isFunction is true for a state that runs one of our functions, whose errors
// are our codes.
func isFunction(s state) bool {
	return strings.HasSuffix(s.Resource, "FunctionArn}") || strings.Contains(s.Resource, ":lambda:")
}

// waits is true for a state that waits for its task token.
func waits(s state) bool { return strings.HasSuffix(s.Resource, ".waitForTaskToken") }

// awsErrors are the names that AWS itself reports (Step Functions developer
// guide, "Error names", "Handle Lambda service exceptions", and the optimised
// integrations' pages).
var awsErrors = []string{
	"States.ALL", "States.Timeout",
	"Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
	"Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException", "Lambda.Unknown",
	"Sandbox.Timedout", "Runtime.ExitError",
	"DynamoDB.ConditionalCheckFailedException",
	"StepFunctions.ExecutionAlreadyExistsException",
}

func TestErrorNamesAreKnown(t *testing.T) {
	known := slices.Clone(awsErrors)
	for _, code := range care.Codes() {
		known = append(known, string(code))
	}
	eachTask(t, func(t *testing.T, _, _ string, s state) {
		for _, name := range errorNames(s) {
			if !slices.Contains(known, name) {
				t.Errorf("%q is neither one of our codes nor an AWS name", name)
			}
		}
	})
}

func errorNames(s state) []string {
	var names []string
	for _, r := range s.Retry {
		names = append(names, r.ErrorEquals...)
	}
	for _, c := range s.Catch {
		names = append(names, c.ErrorEquals...)
	}
	return names
}

func TestEveryTaskRetriesAndCatches(t *testing.T) {
	eachTask(t, func(t *testing.T, _, _ string, s state) {
		if len(s.Retry) == 0 {
			t.Error("no Retry")
		}
		if n := len(s.Catch); n == 0 || !slices.Equal(s.Catch[n-1].ErrorEquals, []string{"States.ALL"}) {
			t.Error("the last Catch is not States.ALL")
		}
		if s.TimeoutSeconds == 0 && s.TimeoutSecondsPath == "" {
			t.Error("no time-out: it would wait for ever")
		}
	})
	eachWorkflow(t, func(t *testing.T, _ string, m machine) {
		for name, s := range m.States {
			if s.Type == "Map" || s.Type == "Parallel" {
				t.Errorf("%s: a %s state can fail too; extend these tests before using one", name, s.Type)
			}
		}
	})
}

// TestFailuresAreParked: what goes wrong for good in a function reaches
// the parked queue, and only success or a named exception goes on as if nothing
// had happened.
func TestFailuresAreParked(t *testing.T) {
	eachTask(t, func(t *testing.T, workflow, name string, s state) {
		last := s.Catch[len(s.Catch)-1].Next
		m := parseMachine(t, definition(workflow))
		switch {
		case isFunction(s), strings.HasSuffix(s.Resource, "startExecution"):
			if last != "Park" {
				t.Errorf("States.ALL goes to %q, not Park", last)
			}
		default: // a failure to park, to record or to tell ends the execution as failed
			if m.States[last].Type != "Fail" {
				t.Errorf("States.ALL goes to %q, which does not fail", last)
			}
		}
		if name == "Park" && !strings.Contains(text(s.Parameters), `"state.$":"$"`) {
			t.Error("Park does not keep the whole state")
		}
	})
}

// TestFunctionRetries: what a second try can mend is tried again, what it cannot
// is not.
func TestFunctionRetries(t *testing.T) {
	again := []care.Code{care.Throttled, care.Unavailable, care.Busy, care.Conflict, care.Unknown}
	never := []care.Code{care.Invalid, care.NotFound, care.Denied, care.Refused, care.Internal}
	if len(again)+len(never) != len(care.Codes()) {
		t.Fatalf("%d codes are sorted here, care has %d", len(again)+len(never), len(care.Codes()))
	}
	eachTask(t, func(t *testing.T, _, _ string, s state) {
		if !isFunction(s) {
			return
		}
		var retried []string
		for _, r := range s.Retry {
			if r.attempts() > 0 {
				retried = append(retried, r.ErrorEquals...)
			}
		}
		for _, c := range again {
			if !slices.Contains(retried, string(c)) {
				t.Errorf("%s is not retried", c)
			}
		}
		for _, c := range never {
			if slices.Contains(retried, string(c)) {
				t.Errorf("%s is retried", c)
			}
		}
		for _, all := range []string{"States.ALL", "States.TaskFailed"} {
			if slices.Contains(retried, all) {
				t.Errorf("%s is retried, and with it what must not be", all)
			}
		}
		// A waiting state's time-out is the clock of the service level.
		if got := slices.Contains(retried, "States.Timeout"); got == waits(s) {
			t.Errorf("States.Timeout retried: %v, waits for a token: %v", got, waits(s))
		}
	})
}

// attempts is how often a retrier tries again; 3 when it does not say.
func (r retrier) attempts() int {
	if r.MaxAttempts == nil {
		return 3
	}
	return *r.MaxAttempts
}

// longest is the sum of the retrier's waits, each at its longest.
func (r retrier) longest() float64 {
	sum, wait := 0.0, r.IntervalSeconds
	for range r.attempts() {
		sum += min(wait, r.MaxDelaySeconds)
		wait *= r.BackoffRate
	}
	return sum
}

// TestRetriesOutlastLocks: a lock or claim of a killed function expires within 60
// seconds; whoever finds it Busy must still be there then. And in intake, which
// has five minutes, no error may use them all up alone.
func TestRetriesOutlastLocks(t *testing.T) {
	const lockSeconds, expressSeconds = 60, 300
	eachTask(t, func(t *testing.T, workflow, _ string, s state) {
		for _, r := range s.Retry {
			if r.attempts() == 0 {
				continue
			}
			if r.BackoffRate <= 1 || r.MaxDelaySeconds == 0 {
				t.Errorf("%v: no back-off, or one without end", r.ErrorEquals)
			}
			busy := slices.Contains(r.ErrorEquals, string(care.Busy))
			switch {
			case busy && (r.JitterStrategy != "NONE" || r.longest() <= lockSeconds):
				// With FULL jitter the waits may add up to nothing.
				t.Errorf("Busy is tried for %v s with jitter %q; a lock may last %d s", r.longest(), r.JitterStrategy, lockSeconds)
			case !busy && r.JitterStrategy != "FULL":
				t.Errorf("%v: no jitter: many would come back at once", r.ErrorEquals)
			}
			if workflow == intake {
				if worst := r.longest() + float64(r.attempts()+1)*s.TimeoutSeconds; worst >= expressSeconds {
					t.Errorf("%v: waits and time-outs can take %v s of %d", r.ErrorEquals, worst, expressSeconds)
				}
			}
		}
	})
}

// TestPathsExist walks each workflow with the least that can be there: the input
// as documented, every function's answer as the zero value of its type, and the
// intersection where ways meet. A path that is not there then would end an
// execution with States.Runtime, which nothing can catch.
func TestPathsExist(t *testing.T) {
	inputs := map[string]string{
		intake:     `{"version":"1","correlation":"","post":` + zero(t, care.Post{}) + `}`,
		later:      `{"correlation":"","post":"x:1","until":"2026-11-24T12:00:00Z"}`,
		escalation: `{"correlation":"","conversation":"","episode":1,"warnSeconds":1,"breachSeconds":1,"fallbackSeconds":1}`,
		followup:   `{"correlation":"","coolOffSeconds":1,"request":{}}`,
	}
	results := map[string]string{ // by workflow and state
		"intake/Known":            `{}`, // no item, or one without a decision
		"intake/Triage":           zero(t, care.Triage{}),
		"intake/Match":            zero(t, care.Match{}),
		"intake/Decide":           zero(t, care.Plan{}),
		"intake/Send":             `{"status":""}`,
		"intake/Escalate":         `{"execution":"","input":{}}`,
		"later/Resume":            `{}`,
		"escalation/OpenTask":     `{}`,
		"escalation/Warn":         `{}`,
		"escalation/Breach":       `{}`,
		"escalation/LastFallback": `{}`,
		"escalation/Resolve":      `{}`,
		"followup/Invite":         `{"status":"ready","send":{}}`, // Send is reached only then
		"followup/Send":           `{}`,
		"followup/Record":         `{}`,
	}
	eachWorkflow(t, func(t *testing.T, workflow string, m machine) {
		visited := walk(t, m, decode(t, inputs[workflow]), func(name string) any {
			text, ok := results[workflow+"/"+name]
			if !ok {
				t.Fatalf("no result for %s", name)
			}
			return decode(t, text)
		}, t.Errorf)
		for name := range m.States {
			if !visited[name] {
				t.Errorf("%s is never reached", name)
			}
		}
	})
}

// TestPathsExistFindsMissing shows that the walk above can fail.
func TestPathsExistFindsMissing(t *testing.T) {
	bads := map[string]struct{ edit, with string }{
		"omitted when empty":  {`"rule.$": "$.decision.plan.rule"`, `"rule.$": "$.plan.rule"`},
		"only on one branch":  {`"reasons.$": "States.Array($.triage.reasons[*],`, `"reasons.$": "States.Array($.escalation.execution,`},
		"unguarded condition": {`{ "Variable": "$.plan.else", "IsPresent": true },`, ``},
		"misspelt":            {`"$.post.account"`, `"$.post.acount"`},
	}
	for name, bad := range bads {
		t.Run(name, func(t *testing.T) {
			original := definition(intake)
			broken := strings.Replace(original, bad.edit, bad.with, 1)
			if broken == original {
				t.Fatalf("the workflow no longer says %s", bad.edit)
			}
			found := 0
			walk(t, parseMachine(t, broken), decode(t, `{"version":"1","correlation":"","post":`+zero(t, care.Post{})+`}`), func(state string) any {
				return decode(t, map[string]string{
					"Known": `{}`, "Triage": zero(t, care.Triage{}), "Match": zero(t, care.Match{}), "Decide": zero(t, care.Plan{}),
					"Send": `{"status":""}`, "Escalate": `{"execution":"","input":{}}`,
				}[state])
			}, func(string, ...any) { found++ })
			if found == 0 {
				t.Error("not found")
			}
		})
	}
}

func zero(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// walk follows every way through the machine until nothing changes, with the
// least document that can be there at each state.
func walk(t *testing.T, m machine, input any, result func(state string) any, report func(string, ...any)) map[string]bool {
	t.Helper()
	entry := map[string]any{}
	visited := map[string]bool{}
	var pending []string
	enter := func(name string, doc any) {
		if name == "" {
			return
		}
		if _, ok := m.States[name]; !ok {
			report("there is no state %q", name)
			return
		}
		if visited[name] {
			common := intersect(entry[name], doc)
			if text(common) == text(entry[name]) {
				return
			}
			doc = common
		}
		visited[name] = true
		entry[name] = doc
		pending = append(pending, name)
	}
	enter(m.StartAt, input)
	reported := map[string]bool{}
	for len(pending) > 0 {
		name := pending[0]
		pending = pending[1:]
		s, doc := m.States[name], entry[name]
		need := func(path string, guarded map[string]bool) {
			if guarded[path] || exists(doc, path) || reported[name+path] {
				return
			}
			reported[name+path] = true
			report("%s reads %s, which may not be there", name, path)
		}
		for _, path := range append(paths(s.Parameters), s.TimeoutSecondsPath, s.SecondsPath, s.TimestampPath) {
			if path != "" {
				need(path, nil)
			}
		}
		for _, c := range s.Choices {
			guarded := map[string]bool{}
			for _, part := range append([]choice{c}, c.And...) {
				switch {
				case part.IsPresent != nil && *part.IsPresent:
					guarded[part.Variable] = true
				case part.Variable != "":
					need(part.Variable, guarded)
				}
			}
			if c.IsPresent != nil && *c.IsPresent {
				enter(c.Next, with(doc, c.Variable)) // it is there on this way
				continue
			}
			enter(c.Next, doc)
		}
		enter(s.Default, doc)
		for _, c := range s.Catch {
			enter(c.Next, place(t, doc, c.ResultPath, map[string]any{"Error": "", "Cause": ""}))
		}
		var value any = doc
		switch s.Type {
		case "Task":
			if string(s.ResultPath) != "null" {
				value = result(name)
			}
		case "Pass":
			switch {
			case s.Parameters != nil:
				value = render(s.Parameters, doc)
			case s.Result != nil:
				value = s.Result
			}
		}
		enter(s.Next, place(t, doc, s.ResultPath, value))
	}
	return visited
}

// with is the document with a path in it.
func with(doc any, path string) any {
	m, ok := doc.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	out := maps.Clone(m)
	field, rest, deeper := strings.Cut(strings.TrimPrefix(path, "$."), ".")
	switch {
	case deeper:
		out[field] = with(m[field], rest)
	case out[field] == nil:
		out[field] = ""
	}
	return out
}

// place puts a result into the document as ResultPath says: null keeps the
// document, absent replaces it, "$.x" adds a field.
func place(t *testing.T, doc any, resultPath json.RawMessage, value any) any {
	t.Helper()
	switch string(resultPath) {
	case "null":
		return doc
	case "":
		return value
	}
	var path string
	if err := json.Unmarshal(resultPath, &path); err != nil {
		t.Fatal(err)
	}
	field, ok := strings.CutPrefix(path, "$.")
	if !ok || strings.ContainsAny(field, ".[") {
		t.Fatalf("ResultPath %s: the walk knows only $.field", path)
	}
	out := maps.Clone(doc.(map[string]any))
	out[field] = value
	return out
}

var pathPattern = regexp.MustCompile(`\$\$?[A-Za-z0-9_.\[\]*]*`)

// paths lists the paths that a payload template reads, those inside intrinsic
// functions too.
func paths(v any) []string {
	var found []string
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if s, ok := value.(string); ok && strings.HasSuffix(key, ".$") {
				found = append(found, pathPattern.FindAllString(s, -1)...)
				continue
			}
			found = append(found, paths(value)...)
		}
	case []any:
		for _, value := range v {
			found = append(found, paths(value)...)
		}
	}
	return found
}

// contextPaths are those of the context object that we use; they always exist in
// the states that use them.
var contextPaths = []string{"$$.Execution.Name", "$$.State.EnteredTime", "$$.Task.Token"}

// exists is true when a path is surely there. A path with [*] is: AWS gives an
// empty list where there is nothing (recorded: a wildcard below a missing field
// yields []).
func exists(doc any, path string) bool {
	if strings.HasPrefix(path, "$$") {
		return slices.Contains(contextPaths, path)
	}
	if path == "$" || strings.Contains(path, "[*]") {
		return true
	}
	for field := range strings.SplitSeq(strings.TrimPrefix(path, "$."), ".") {
		m, ok := doc.(map[string]any)
		if !ok {
			return false
		}
		if doc, ok = m[field]; !ok {
			return false
		}
	}
	return true
}

// render gives the shape of a payload template: what a path finds is copied, what
// an intrinsic function makes is a scalar, except that JsonMerge has the fields of
// both its operands.
func render(v, doc any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			name, isPath := strings.CutSuffix(key, ".$")
			if !isPath {
				out[key] = render(value, doc)
				continue
			}
			expression := value.(string)
			switch {
			case strings.HasPrefix(expression, "States.JsonMerge("):
				merged := map[string]any{}
				for _, p := range pathPattern.FindAllString(expression, -1) {
					if part, ok := at(doc, strings.Split(strings.TrimPrefix(p, "$."), ".")...).(map[string]any); ok {
						maps.Copy(merged, part)
					}
				}
				out[name] = merged
			case strings.HasPrefix(expression, "$."):
				out[name] = at(doc, strings.Split(strings.TrimPrefix(expression, "$."), ".")...)
			default:
				out[name] = ""
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = render(v[i], doc)
		}
		return out
	}
	return v
}

// intersect keeps the fields that both have.
func intersect(a, b any) any {
	x, ok1 := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok1 || !ok2 {
		return a
	}
	out := map[string]any{}
	for key, value := range x {
		if other, ok := y[key]; ok {
			out[key] = intersect(value, other)
		}
	}
	return out
}

// TestAslValidator holds the workflows against npm's asl-validator, and a broken
// one to see that it looks.
func TestAslValidator(t *testing.T) {
	tool, err := filepath.Abs("../node_modules/.bin/asl-validator")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		t.Skip("asl-validator is not installed; `npm ci` in the repository's root installs it")
	}
	validate := func(t *testing.T, definition string) (string, error) {
		path := filepath.Join(t.TempDir(), "workflow.asl.json")
		if err := os.WriteFile(path, []byte(definition), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "--json-path", path).CombinedOutput()
		return string(out), err
	}
	// What CloudFormation substitutes, so that resources are ARNs.
	substitute := regexp.MustCompile(`\$\{(\w+)\}`)
	for _, name := range workflowNames {
		t.Run(name, func(t *testing.T) {
			out, err := validate(t, substitute.ReplaceAllString(definition(name), "arn:aws:lambda:eu-west-1:111111111111:function:$1"))
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("broken", func(t *testing.T) {
		broken := strings.Replace(definition(intake), `"Next": "Decide"`, `"Next": "Nowhere"`, 1)
		if broken == definition(intake) {
			t.Fatal("the workflow has no step to Decide any more")
		}
		if out, err := validate(t, broken); err == nil {
			t.Errorf("a step to a state that does not exist passed:\n%s", out)
		}
	})
}

// TestWorkflowsFitTheTemplate: what the workflows name is what the stack gives
// them, and their roles may do what the states do, no more.
func TestWorkflowsFitTheTemplate(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		machines := tpl.of(t, "AWS::StepFunctions::StateMachine")
		if len(machines) != len(workflowNames) {
			t.Errorf("%d state machines, want %d", len(machines), len(workflowNames))
		}
		functions := tpl.of(t, "AWS::Lambda::Function")
		for _, r := range machines {
			name := strings.TrimPrefix(r.Properties["StateMachineName"].(string), product+"-"+stage+"-")
			t.Run(name, func(t *testing.T) {
				text := r.Properties["DefinitionString"].(string)
				if text != definition(name) {
					t.Error("the definition is not the file's")
				}
				if want := map[bool]string{true: "EXPRESS", false: "STANDARD"}[name == intake]; r.Properties["StateMachineType"] != want {
					t.Errorf("type %v, want %s", r.Properties["StateMachineType"], want)
				}
				given := at(r.Properties, "DefinitionSubstitutions").(map[string]any)
				var used []string
				for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
					used = append(used, m[1])
				}
				slices.Sort(used)
				used = slices.Compact(used)
				if got := slices.Sorted(maps.Keys(given)); !slices.Equal(got, used) {
					t.Errorf("substitutions %v, the workflow uses %v", got, used)
				}

				m := parseMachine(t, text)
				want := map[string]bool{}
				for stateName, s := range m.States {
					if s.Type != "Task" {
						continue
					}
					for _, action := range actionsOf(t, s, given) {
						want[action] = true
					}
					// The function ends before the state gives it up.
					if isFunction(s) && !waits(s) {
						key := strings.Trim(s.Resource, "${}")
						f := functions[at(given[key], "Fn::GetAtt").([]any)[0].(string)]
						if limit := f.Properties["Timeout"].(float64); s.TimeoutSeconds <= limit {
							t.Errorf("%s waits %v s, its function may run %v s", stateName, s.TimeoutSeconds, limit)
						}
					}
				}
				got := map[string]bool{}
				for _, s := range tpl.statementsOf(t, roleOf(r)) {
					for _, action := range s.actions {
						if strings.HasPrefix(action, "logs:") || strings.HasPrefix(action, "xray:") {
							continue
						}
						for _, res := range s.resources {
							got[action+" "+res] = true
						}
					}
				}
				for w := range want {
					if !got[w] {
						t.Errorf("the role lacks %s", w)
					}
				}
				for g := range got {
					if !want[g] {
						t.Errorf("the role may do what no state does: %s", g)
					}
				}
			})
		}
	})
}

// actionsOf is what a state's resource needs, as "action resource".
func actionsOf(t *testing.T, s state, given map[string]any) []string {
	t.Helper()
	of := func(key string) string { return text(given[strings.Trim(key, "${}")]) }
	parameter := func(name string) string {
		p, _ := at(s.Parameters, name).(string)
		return of(p)
	}
	switch resource := s.Resource; {
	case strings.HasSuffix(resource, "FunctionArn}"):
		return []string{"lambda:InvokeFunction " + of(resource)}
	case resource == "arn:aws:states:::lambda:invoke.waitForTaskToken":
		return []string{"lambda:InvokeFunction " + parameter("FunctionName")}
	case resource == "arn:aws:states:::states:startExecution":
		return []string{"states:StartExecution " + parameter("StateMachineArn")}
	case resource == "arn:aws:states:::sqs:sendMessage":
		return []string{"sqs:SendMessage " + arnOfRef(parameter("QueueUrl"))}
	case resource == "arn:aws:states:::dynamodb:getItem":
		return []string{"dynamodb:GetItem " + arnOfRef(parameter("TableName"))}
	case resource == "arn:aws:states:::dynamodb:updateItem":
		return []string{"dynamodb:UpdateItem " + arnOfRef(parameter("TableName"))}
	case resource == "arn:aws:states:::events:putEvents":
		bus, _ := at(s.Parameters, "Entries").([]any)[0].(map[string]any)["EventBusName"].(string)
		return []string{"events:PutEvents " + arnOfRef(of(bus))}
	}
	t.Fatalf("no rule for the resource %s", s.Resource)
	return nil
}

// arnOfRef turns {"Ref":"X"} (a name or URL) into {"Fn::GetAtt":["X","Arn"]}.
func arnOfRef(ref string) string {
	var r struct{ Ref string }
	if err := json.Unmarshal([]byte(ref), &r); err != nil || r.Ref == "" {
		return ref
	}
	return fmt.Sprintf(`{"Fn::GetAtt":[%q,"Arn"]}`, r.Ref)
}

// roleOf is the logical id of the role that a resource runs under.
func roleOf(r resource) string {
	role := at(r.Properties, "RoleArn")
	if role == nil {
		role = at(r.Properties, "Role")
	}
	parts, _ := at(role, "Fn::GetAtt").([]any)
	if len(parts) == 0 {
		return ""
	}
	return parts[0].(string)
}
