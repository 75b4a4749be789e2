package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/events/patterns"
	"github.com/fielder-care/fielder/scripts/local/asl"
	"github.com/fielder-care/fielder/scripts/local/pattern"
	"github.com/fielder-care/fielder/shared/care"
)

// The workflows themselves, run by the local stack's interpreter in virtual time
// with functions and services that answer as each case says.

// answers gives what a state's work answers to its nth attempt (from 0); a state
// that is not named answers {}.
type answers map[string]func(attempt int) (string, error)

func always(answer string) func(int) (string, error) {
	return func(int) (string, error) { return answer, nil }
}

func failing(name string) func(int) (string, error) {
	return func(int) (string, error) { return "", &asl.Error{Name: name, Cause: "as the test wants it"} }
}

// silent never answers, as a task token that nobody gives back.
var silent func(int) (string, error)

// failingFor fails until so many attempts are made.
func failingFor(n int, name, answer string) func(int) (string, error) {
	return func(attempt int) (string, error) {
		if attempt < n {
			return "", &asl.Error{Name: name}
		}
		return answer, nil
	}
}

// ran is what happened in one execution.
type ran struct {
	asl.Result
	took        time.Duration
	transitions int
	states      []string // the tasks attempted, in order
	inputs      map[string]json.RawMessage
	attempts    map[string]int
}

var substitution = regexp.MustCompile(`\$\{(\w+)\}`)

func runWorkflow(t *testing.T, name, input string, a answers) ran {
	t.Helper()
	m, err := asl.Parse([]byte(substitution.ReplaceAllString(definition(name), "arn:aws:lambda:eu-west-1:111111111111:function:$1")))
	if err != nil {
		t.Fatal(err)
	}
	r := ran{inputs: map[string]json.RawMessage{}, attempts: map[string]int{}}
	begin := time.Now()
	r.Result = m.Run(t.Context(), asl.Exec{
		Input:   json.RawMessage(input),
		Context: map[string]any{"Execution": map[string]any{"Name": "execution-1"}},
		OnEvent: func(e asl.Event) {
			if e.Transition {
				r.transitions++
			}
		},
		Tasks: func(ctx context.Context, task asl.Task) (json.RawMessage, error) {
			r.states = append(r.states, task.State)
			r.inputs[task.State] = task.Parameters
			attempt := r.attempts[task.State]
			r.attempts[task.State]++
			answer, ok := a[task.State]
			if !ok {
				return json.RawMessage(`{}`), nil
			}
			if answer == nil {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			out, err := answer(attempt)
			return json.RawMessage(out), err
		},
	})
	r.took = time.Since(begin)
	return r
}

func sample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../events/samples/events/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func reasons(by ...string) []care.Reason {
	var list []care.Reason
	for _, b := range by {
		list = append(list, care.Reason{By: b, Text: "Said by " + b + "."})
	}
	return list
}

const opened = `{"conversation":"con_1","execution":"con_1-1","input":{"conversation":"con_1","warnSeconds":60}}`

func TestIntake(t *testing.T) {
	triaged := func(r care.Relevance) func(int) (string, error) {
		return always(zero(t, care.Triage{Relevance: r, Intent: "outage", Severity: care.SeverityMedium, Sentiment: -0.5, Priority: 41, Reasons: reasons("relevance")}))
	}
	planned := func(p care.Plan) func(int) (string, error) { return always(zero(t, p)) }
	answer := care.Plan{Action: care.ActionAnswer, Rule: "outage", Text: "We are on it.", Reasons: reasons("rule:outage")}
	orWatch := answer
	orWatch.Else = care.ActionWatch
	orEscalate := answer
	orEscalate.Else = care.ActionEscalate
	acknowledge := orWatch
	acknowledge.Action = care.ActionAcknowledge
	draft := answer
	draft.Action = care.ActionDraft
	// delayed is what the reply function answers for a plan that has to wait.
	delayed := func(p care.Plan) func(int) (string, error) {
		return always(zero(t, struct {
			care.Plan
			Later time.Time `json:"later"`
		}{p, time.Date(2026, 11, 17, 7, 44, 0, 0, time.UTC)}))
	}
	said := func(status string) func(int) (string, error) {
		return always(`{"status":"` + status + `","reasons":` + zero(t, reasons("policy:"+status)) + `}`)
	}
	with := func(more answers) answers {
		a := answers{
			"Triage":   triaged(care.RelevanceAddressed),
			"Match":    always(zero(t, care.Match{Customer: care.Customer{ID: "cus_1"}})),
			"Decide":   planned(answer),
			"Send":     said("sent"),
			"Escalate": always(opened),
		}
		for state, f := range more {
			a[state] = f
		}
		return a
	}
	tests := []struct {
		name    string
		answers answers
		outcome care.Outcome // recorded; "" when nothing may be
		by      []string     // who gave the reasons
		rule    string
		parked  bool
		told    bool
		waits   bool   // ends without a decision, and later was started
		err     string // how the execution fails; "" when it succeeds
	}{
		{name: "Chatter", answers: with(answers{"Triage": triaged(care.RelevanceChatter)}),
			outcome: care.OutcomeIgnored, by: []string{"relevance"}},
		{name: "Answered", answers: with(nil),
			outcome: care.OutcomeAnswered, by: []string{"relevance", "rule:outage", "policy:sent"}, rule: "outage", told: true},
		{name: "Watched", answers: with(answers{"Decide": planned(care.Plan{Action: care.ActionWatch, Reasons: reasons("default")})}),
			outcome: care.OutcomeRecorded, by: []string{"relevance", "default"}, told: true},
		{name: "ReasonsLeftOut", answers: with(answers{"Decide": planned(care.Plan{Action: care.ActionWatch})}),
			outcome: care.OutcomeRecorded, by: []string{"relevance"}, told: true},
		{name: "Escalated", answers: with(answers{"Decide": planned(care.Plan{Action: care.ActionEscalate, Reasons: reasons("rule:angry"), Rule: "angry"})}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:angry"}, rule: "angry", told: true},
		{name: "ActionUnknown", answers: with(answers{"Decide": planned(care.Plan{Action: "dance"})}),
			outcome: care.OutcomeEscalated, by: []string{"relevance"}, told: true},
		{name: "RefusedThenWatched", answers: with(answers{"Decide": planned(orWatch), "Send": said("refused")}),
			outcome: care.OutcomeRecorded, by: []string{"relevance", "rule:outage", "policy:refused"}, rule: "outage", told: true},
		{name: "RefusedThenEscalated", answers: with(answers{"Decide": planned(orEscalate), "Send": said("refused")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:refused"}, rule: "outage", told: true},
		{name: "RefusedWithoutElse", answers: with(answers{"Send": said("refused")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:refused"}, rule: "outage", told: true},
		{name: "ParkedByTheDoorGoesToAPersonEvenIfElseIsWatch", answers: with(answers{"Decide": planned(orWatch), "Send": said("parked")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:parked"}, rule: "outage", told: true},
		{name: "EscalationRunsAlready", answers: with(answers{"Send": said("refused"), "StartEscalation": failing("StepFunctions.ExecutionAlreadyExistsException")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:refused"}, rule: "outage", told: true},
		{name: "Acknowledged", answers: with(answers{"Decide": planned(acknowledge)}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:sent"}, rule: "outage", told: true},
		{name: "AcknowledgementRefused", answers: with(answers{"Decide": planned(acknowledge), "Send": said("refused")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:refused"}, rule: "outage", told: true},
		{name: "AcknowledgementParkedByTheDoor", answers: with(answers{"Decide": planned(acknowledge), "Send": said("parked")}),
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage", "policy:parked"}, rule: "outage", told: true},
		{name: "Drafted", answers: with(answers{"Decide": planned(draft), "Send": failing("Internal")}), // nothing is sent
			outcome: care.OutcomeEscalated, by: []string{"relevance", "rule:outage"}, rule: "outage", told: true},
		{name: "Waits", answers: with(answers{"Decide": delayed(answer)}), waits: true},
		{name: "AcknowledgementWaits", answers: with(answers{"Decide": delayed(acknowledge)}), waits: true},
		{name: "WaitsAlready", answers: with(answers{"Decide": delayed(answer), "StartLater": failing("StepFunctions.ExecutionAlreadyExistsException")}), waits: true},
		{name: "WaitsAndIsNotAmongTheUndecided", answers: with(answers{"Decide": delayed(answer), "Postpone": failing("DynamoDB.ConditionalCheckFailedException")}), waits: true},
		{name: "CannotBePostponed", answers: with(answers{"Decide": delayed(answer), "Postpone": failing("DynamoDB.ThrottlingException")}), err: "Undecided"},
		{name: "CannotWait", answers: with(answers{"Decide": delayed(answer), "StartLater": failing("StepFunctions.ExecutionLimitExceededException")}),
			outcome: care.OutcomeFailed, by: []string{"relevance", "rule:outage", "workflow"}, rule: "outage", parked: true, told: true},
		{name: "TriageIsBroken", answers: with(answers{"Triage": failing("Internal")}),
			outcome: care.OutcomeFailed, by: []string{"workflow"}, parked: true, told: true},
		{name: "MatchFindsNothingToDoWith", answers: with(answers{"Match": failing("Invalid")}),
			outcome: care.OutcomeFailed, by: []string{"relevance", "workflow"}, parked: true, told: true},
		{name: "SendIsDenied", answers: with(answers{"Send": failing("Denied")}),
			outcome: care.OutcomeFailed, by: []string{"relevance", "rule:outage", "workflow"}, rule: "outage", parked: true, told: true},
		{name: "SendHangs", answers: with(answers{"Send": silent}),
			outcome: care.OutcomeFailed, by: []string{"relevance", "rule:outage", "workflow"}, rule: "outage", parked: true, told: true},
		{name: "PlatformStaysThrottled", answers: with(answers{"Send": failing("Throttled")}),
			outcome: care.OutcomeFailed, by: []string{"relevance", "rule:outage", "workflow"}, rule: "outage", parked: true, told: true},
		{name: "KilledTwiceThenSent", answers: with(answers{"Send": failingFor(2, "Runtime.ExitError", `{"status":"sent","reasons":[]}`)}),
			outcome: care.OutcomeAnswered, by: []string{"relevance", "rule:outage"}, rule: "outage", told: true},
		{name: "CannotBeParked", answers: with(answers{"Match": failing("Invalid"), "Park": failing("SQS.SdkClientException")}),
			err: "Undecided"},
		{name: "CannotBeRecorded", answers: with(answers{"Record": failing("DynamoDB.ThrottlingException")}),
			outcome: care.OutcomeAnswered, by: []string{"relevance", "rule:outage", "policy:sent"}, err: "Undecided"},
		{name: "DecidedAlready", answers: with(answers{"Record": failing("DynamoDB.ConditionalCheckFailedException")}),
			outcome: care.OutcomeAnswered, by: []string{"relevance", "rule:outage", "policy:sent"}},
		{name: "CannotBeTold", answers: with(answers{"Tell": failing("EventBridge.FailedEntry")}),
			outcome: care.OutcomeAnswered, by: []string{"relevance", "rule:outage", "policy:sent"}, rule: "outage", told: true, err: "Untold"},
	}
	input := sample(t, "PostReceived")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runWorkflow(t, intake, input, tt.answers)
				if r.Error != tt.err || (tt.err == "") != (r.Status == asl.Succeeded) {
					t.Fatalf("%s %q (%s), want error %q", r.Status, r.Error, r.Cause, tt.err)
				}
				if r.took >= 300*time.Second {
					t.Errorf("took %v; Express allows five minutes", r.took)
				}
				outcome, given := recordedOf(t, r)
				if outcome != tt.outcome {
					t.Errorf("recorded %q, want %q", outcome, tt.outcome)
				}
				var by []string
				for _, reason := range given {
					by = append(by, reason.By)
				}
				if !slices.Equal(by, tt.by) {
					t.Errorf("reasons of %v, want %v", by, tt.by)
				}
				if got := r.Status == asl.Succeeded && r.attempts["StartLater"] > 0 && tt.outcome == ""; got != tt.waits {
					t.Errorf("waits: %v, want %v", got, tt.waits)
				}
				if tt.waits {
					if r.attempts["Send"]+r.attempts["Escalate"] > 0 || r.attempts["Postpone"] != 1 {
						t.Errorf("attempts %v", r.attempts)
					}
					postponedOf(t, r)
				}
				if tt.outcome == care.OutcomeIgnored && r.attempts["Match"] > 0 {
					t.Error("chatter was matched")
				}
				if got := r.attempts["Park"] > 0 && tt.err == ""; got != tt.parked {
					t.Errorf("parked: %v, want %v", got, tt.parked)
				}
				if tt.parked {
					body := string(r.inputs["Park"])
					for _, want := range []string{`"post"`, `"error"`, `"correlation"`, `"workflow":"intake"`, "Mara Quell"} {
						if !strings.Contains(body, want) {
							t.Errorf("the parked entry lacks %s: %s", want, body)
						}
					}
				}
				if got := r.attempts["Tell"] > 0; got != tt.told {
					t.Fatalf("told: %v, want %v", got, tt.told)
				}
				if tt.told {
					d := decidedOf(t, r)
					if d.Outcome != tt.outcome || d.Rule != tt.rule || d.Post.ID != "x:2090000000000000101" {
						t.Errorf("told %+v", d)
					}
				}
				if tt.outcome == care.OutcomeEscalated {
					want := `{"Input":{"conversation":"con_1","warnSeconds":60},"Name":"con_1-1","StateMachineArn":"arn:aws:lambda:eu-west-1:111111111111:function:EscalationMachineArn"}`
					if diff := cmp.Diff(decode(t, want), decode(t, string(r.inputs["StartEscalation"]))); diff != "" {
						t.Errorf("StartEscalation (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// recordedOf reads what Record asked DynamoDB to write.
func recordedOf(t *testing.T, r ran) (care.Outcome, []care.Reason) {
	t.Helper()
	raw, ok := r.inputs["Record"]
	if !ok {
		return "", nil
	}
	var in struct {
		Key struct {
			PK struct{ S string } `json:"pk"`
			SK struct{ S string } `json:"sk"`
		}
		ExpressionAttributeValues map[string]struct{ S string }
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	if in.Key.PK.S != "POST#x:2090000000000000101" || in.Key.SK.S != "POST" {
		t.Errorf("records under %+v", in.Key)
	}
	v := in.ExpressionAttributeValues
	if _, err := time.Parse(time.RFC3339, v[":at"].S); err != nil {
		t.Errorf("decided at %q", v[":at"].S)
	}
	if v[":by"].S != "execution-1" || v[":failed"].S != string(care.OutcomeFailed) {
		t.Errorf("values %v", v)
	}
	var given []care.Reason
	if err := json.Unmarshal([]byte(v[":decision"].S), &given); err != nil {
		t.Fatalf("decision %q: %v", v[":decision"].S, err)
	}
	return care.Outcome(v[":outcome"].S), given
}

// postponedOf checks what a wait is started with: the end of it among the
// undecided, a name that Step Functions takes, and nothing that the author wrote.
func postponedOf(t *testing.T, r ran) {
	t.Helper()
	const until = "2026-11-17T07:44:00Z"
	wantUpdate := `{"TableName":"arn:aws:lambda:eu-west-1:111111111111:function:Table","Key":{"pk":{"S":"POST#x:2090000000000000101"},"sk":{"S":"POST"}},
		"UpdateExpression":"SET gsi1sk = :later","ConditionExpression":"attribute_exists(gsi1pk)","ExpressionAttributeValues":{":later":{"S":"` + until + `"}}}`
	if diff := cmp.Diff(decode(t, wantUpdate), decode(t, string(r.inputs["Postpone"]))); diff != "" {
		t.Errorf("Postpone (-want +got):\n%s", diff)
	}
	sum := sha256.Sum256([]byte("x:2090000000000000101@" + until))
	wantStart := map[string]any{
		"StateMachineArn": "arn:aws:lambda:eu-west-1:111111111111:function:LaterMachineArn",
		"Name":            "later-" + hex.EncodeToString(sum[:]),
		"Input":           map[string]any{"correlation": "5f0c2a31-demo", "post": "x:2090000000000000101", "until": until},
	}
	if diff := cmp.Diff(any(wantStart), decode(t, string(r.inputs["StartLater"]))); diff != "" {
		t.Errorf("StartLater (-want +got):\n%s", diff)
	}
	if n := len(wantStart["Name"].(string)); n > 80 { // Step Functions quotas
		t.Errorf("a name of %d characters", n)
	}
}

// TestLater: the wait ends when it was meant to, and nothing is lost after it.
func TestLater(t *testing.T) {
	tests := []struct {
		name    string
		wait    time.Duration
		answers answers
		states  []string
		err     string
	}{
		{name: "TwoMinutes", wait: 2 * time.Minute, states: []string{"Resume"}},
		{name: "OverAlready", wait: -time.Hour, states: []string{"Resume"}},
		{name: "LedgerIsBusyFirst", wait: time.Minute, answers: answers{"Resume": failingFor(2, "Lambda.TooManyRequestsException", `{}`)}, states: []string{"Resume", "Resume", "Resume"}},
		{name: "LedgerIsBroken", wait: time.Minute, answers: answers{"Resume": failing("Internal")}, states: []string{"Resume", "Park"}, err: "Parked"},
		{name: "CannotBeParked", wait: time.Minute, answers: answers{"Resume": failing("Internal"), "Park": silent}, err: "Unparked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				until := time.Now().Add(tt.wait).UTC().Truncate(time.Second)
				begin := time.Now()
				r := runWorkflow(t, later, `{"correlation":"c1","post":"x:1","until":"`+until.Format(time.RFC3339)+`"}`, tt.answers)
				if r.Error != tt.err {
					t.Errorf("error %q (%s), want %q", r.Error, r.Cause, tt.err)
				}
				if tt.states != nil && !slices.Equal(r.states, tt.states) {
					t.Errorf("states %v, want %v", r.states, tt.states)
				}
				if end := begin.Add(r.took); end.Before(until) {
					t.Errorf("resumed at %s, before %s", end, until)
				}
				if diff := cmp.Diff(decode(t, `{"correlation":"c1","resume":"x:1"}`), decode(t, string(r.inputs["Resume"]))); diff != "" {
					t.Errorf("Resume (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// decidedOf reads the event that Tell published.
func decidedOf(t *testing.T, r ran) events.PostDecided {
	t.Helper()
	var in struct {
		Entries []struct {
			Source, DetailType string
			Detail             json.RawMessage
		}
	}
	if err := json.Unmarshal(r.inputs["Tell"], &in); err != nil {
		t.Fatal(err)
	}
	var d events.PostDecided
	if len(in.Entries) != 1 || in.Entries[0].Source != "fielder.intake" || in.Entries[0].DetailType != d.Type() {
		t.Fatalf("told %s", r.inputs["Tell"])
	}
	if err := events.Decode(in.Entries[0].Detail, &d); err != nil {
		t.Fatalf("%v: %s", err, in.Entries[0].Detail)
	}
	// Neither a field too many nor one too few.
	if diff := cmp.Diff(keysOf(decode(t, zero(t, d))), keysOf(decode(t, string(in.Entries[0].Detail)))); diff != "" {
		t.Errorf("fields of PostDecided (-type +workflow):\n%s", diff)
	}
	return d
}

func keysOf(v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	keys := map[string]any{}
	for key, value := range m {
		keys[key] = keysOf(value)
	}
	return keys
}

// TestIntakeWaitsForLocks: a send that finds the thread locked by a function that
// was killed gets its turn when the lock has expired after 60 seconds.
func TestIntakeWaitsForLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := time.Now().Add(60 * time.Second)
		r := runWorkflow(t, intake, sample(t, "PostReceived"), answers{
			"Triage": always(zero(t, care.Triage{Relevance: care.RelevanceAddressed})),
			"Match":  always(zero(t, care.Match{})),
			"Decide": always(zero(t, care.Plan{Action: care.ActionAnswer})),
			"Send": func(int) (string, error) {
				if time.Now().Before(free) {
					return "", &asl.Error{Name: string(care.Busy)}
				}
				return `{"status":"sent","reasons":[]}`, nil
			},
		})
		if outcome, _ := recordedOf(t, r); outcome != care.OutcomeAnswered {
			t.Errorf("%s %s: recorded %q after %d attempts in %v", r.Status, r.Error, outcome, r.attempts["Send"], r.took)
		}
	})
}

// TestRetriedCodes: the codes that say that trying again changes
// nothing cost one attempt, the others more.
func TestRetriedCodes(t *testing.T) {
	for _, code := range care.Codes() {
		t.Run(string(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runWorkflow(t, intake, sample(t, "PostReceived"), answers{"Triage": failing(string(code))})
				once := slices.Contains([]care.Code{care.Invalid, care.NotFound, care.Denied, care.Refused, care.Internal}, code)
				if got := r.attempts["Triage"]; (got == 1) != once {
					t.Errorf("%d attempts", got)
				}
				if r.attempts["Park"] != 1 {
					t.Errorf("parked %d times", r.attempts["Park"])
				}
			})
		})
	}
}

func TestEscalation(t *testing.T) {
	const input = `{"correlation":"c1","conversation":"con_1","episode":2,"warnSeconds":600,"breachSeconds":300,"fallbackSeconds":900}`
	done := always(`{"by":"agent","how":"completed"}`)
	tests := []struct {
		name        string
		answers     answers
		states      []string
		took        time.Duration
		transitions int
		err         string
	}{
		{name: "InTime", answers: answers{"OpenTask": done},
			states: []string{"OpenTask", "Resolve"}, transitions: 2},
		{name: "AfterTheWarning", answers: answers{"OpenTask": silent, "Warn": done},
			states: []string{"OpenTask", "Warn", "Resolve"}, took: 600 * time.Second, transitions: 3},
		{name: "InTheFirstFallback", answers: answers{"OpenTask": silent, "Warn": silent, "Breach": done},
			states: []string{"OpenTask", "Warn", "Breach", "Resolve"}, took: 900 * time.Second, transitions: 4},
		{name: "InTheLastQueue", answers: answers{"OpenTask": silent, "Warn": silent, "Breach": silent, "LastFallback": done},
			states: []string{"OpenTask", "Warn", "Breach", "LastFallback", "Resolve"}, took: 1800 * time.Second, transitions: 5},
		{name: "Never", answers: answers{"OpenTask": silent, "Warn": silent, "Breach": silent, "LastFallback": silent},
			states: []string{"OpenTask", "Warn", "Breach", "LastFallback", "Park"}, took: 1800*time.Second + 7*24*time.Hour, transitions: 7, err: "Parked"},
		{name: "ConnectDenies", answers: answers{"OpenTask": failing("Denied")},
			states: []string{"OpenTask", "Park"}, transitions: 3, err: "Parked"},
		{name: "ResolveIsBroken", answers: answers{"OpenTask": done, "Resolve": failing("Internal")},
			states: []string{"OpenTask", "Resolve", "Park"}, transitions: 4, err: "Parked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runWorkflow(t, escalation, input, tt.answers)
				if r.Error != tt.err {
					t.Errorf("error %q (%s), want %q", r.Error, r.Cause, tt.err)
				}
				if !slices.Equal(r.states, tt.states) {
					t.Errorf("states %v, want %v", r.states, tt.states)
				}
				if r.took != tt.took {
					t.Errorf("took %v, want %v", r.took, tt.took)
				}
				if r.transitions != tt.transitions {
					t.Errorf("%d transitions, want %d", r.transitions, tt.transitions)
				}
				for state, op := range map[string]string{"OpenTask": "task", "Warn": "warn", "Breach": "breach", "LastFallback": "breach"} {
					raw, ok := r.inputs[state]
					if !ok {
						continue
					}
					payload := at(decode(t, string(raw)), "Payload")
					if at(payload, "op") != op || at(payload, "conversation") != "con_1" || at(payload, "episode") != 2.0 {
						t.Errorf("%s: payload %v", state, payload)
					}
					if token, _ := at(payload, "token").(string); token == "" {
						t.Errorf("%s got no token", state)
					}
				}
				if raw, ok := r.inputs["Resolve"]; ok {
					want := `{"op":"resolve","correlation":"c1","conversation":"con_1","episode":2,"resolution":{"by":"agent","how":"completed"}}`
					if diff := cmp.Diff(decode(t, want), decode(t, string(raw))); diff != "" {
						t.Errorf("Resolve (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

func TestFollowup(t *testing.T) {
	const input = `{"correlation":"c1","coolOffSeconds":1800,"request":{"customer":"cus_1","episode":"con_1-1"}}`
	ready := always(`{"status":"ready","send":{"account":"7001001"}}`)
	tests := []struct {
		name        string
		answers     answers
		states      []string
		transitions int
		err         string
	}{
		{name: "Withheld", answers: answers{"Invite": always(`{"status":"withheld"}`)}, states: []string{"Invite"}, transitions: 4},
		{name: "Sent", answers: answers{"Invite": ready, "Send": always(`{"status":"sent","reasons":[]}`)}, states: []string{"Invite", "Send", "Record"}, transitions: 5},
		{name: "RefusedIsRecordedToo", answers: answers{"Invite": ready, "Send": always(`{"status":"refused","reasons":[]}`)}, states: []string{"Invite", "Send", "Record"}, transitions: 5},
		{name: "SendIsBroken", answers: answers{"Invite": ready, "Send": failing("Internal")}, states: []string{"Invite", "Send", "Park"}, transitions: 6, err: "Parked"},
		{name: "CannotBeParked", answers: answers{"Invite": failing("Denied"), "Park": silent}, err: "Unparked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runWorkflow(t, followup, input, tt.answers)
				if r.Error != tt.err {
					t.Errorf("error %q (%s), want %q", r.Error, r.Cause, tt.err)
				}
				if tt.states != nil && !slices.Equal(r.states, tt.states) {
					t.Errorf("states %v, want %v", r.states, tt.states)
				}
				if tt.transitions > 0 && r.transitions != tt.transitions {
					t.Errorf("%d transitions, want %d", r.transitions, tt.transitions)
				}
				if r.took < 1800*time.Second {
					t.Errorf("invited after %v", r.took)
				}
				if raw, ok := r.inputs["Send"]; ok {
					want := `{"kind":"invitation","correlation":"c1","send":{"account":"7001001"}}`
					if diff := cmp.Diff(decode(t, want), decode(t, string(raw))); diff != "" {
						t.Errorf("Send (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestPatterns: each event of the samples reaches the rules that are meant for
// it, and no other.
func TestPatterns(t *testing.T) {
	compiled := map[string]*pattern.Pattern{}
	for _, name := range patterns.Names() {
		p, err := patterns.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if compiled[name], err = pattern.Compile([]byte(text(p))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	envelope := func(source, detailType, detail string) string {
		return fmt.Sprintf(`{"version":"0","id":"1","source":%q,"detail-type":%q,"account":"111111111111","time":"2026-11-17T07:42:12Z","region":"eu-west-1","resources":[],"detail":%s}`, source, detailType, detail)
	}
	tests := map[string]struct {
		event string
		want  []string
	}{
		"received, version 2": {envelope("fielder.webhook", "PostReceived", `{"version":"2"}`), []string{patterns.Archive}},
		"someone else's":      {envelope("marketing", "PostReceived", `{"version":"1"}`), nil},
		"call ended":          {envelope("aws.connect", "Amazon Connect Contact Event", `{"eventType":"DISCONNECTED","contactId":"1"}`), []string{patterns.ContactEvent}},
		"task completed":      {envelope("aws.connect", "Amazon Connect Contact Event", `{"eventType":"COMPLETED"}`), []string{patterns.ContactEvent}},
		"agent took it":       {envelope("aws.connect", "Amazon Connect Contact Event", `{"eventType":"CONNECTED_TO_AGENT"}`), []string{patterns.ContactEvent}},
		"in AWS's other case": {envelope("aws.connect", "Amazon Connect Contact Event", `{"EventType":"COMPLETED"}`), []string{patterns.ContactEvent}},
		"call waits":          {envelope("aws.connect", "Amazon Connect Contact Event", `{"eventType":"QUEUED"}`), nil},
		"agent event":         {envelope("aws.connect", "Amazon Connect Agent Event", `{"eventType":"COMPLETED"}`), nil},
	}
	for _, d := range events.All() {
		want := []string{patterns.Archive}
		switch d.Type() {
		case "PostReceived":
			want = append(want, patterns.PostReceived)
		case "PostEdited", "PostDeleted":
			want = append(want, patterns.PostChanged)
		case "ConversationResolved":
			want = append(want, patterns.ConversationResolved)
		}
		tests[d.Type()] = struct {
			event string
			want  []string
		}{envelope("fielder.webhook", d.Type(), sample(t, d.Type())), want}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range patterns.Names() {
				matches, err := compiled[p].Match([]byte(tt.event))
				if err != nil {
					t.Fatal(err)
				}
				if matches {
					got = append(got, p)
				}
			}
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("matches %v, want %v", got, tt.want)
			}
		})
	}
}
