package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/platform/x"
)

// asked is the post of mention_opening_hours.json.
const asked = care.PostID("x:2095000000000000101")

// readMention reads it, from the repository's root, where it puts the test.
func readMention(t *testing.T) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs the whole system")
	}
	atRoot(t)
	body, err := os.ReadFile(filepath.Join(bodies, "x", "mention_opening_hours.json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// startPatient starts a stack of its own on a clock that stands still, with the
// rule for opening hours changed.
func startPatient(t *testing.T, plan *faults.Plan, change func(*config.Rule)) (*world, config.Bundle) {
	t.Helper()
	if _, err := os.Stat(binariesDir); err != nil {
		t.Fatalf("the function binaries are not in %s: run `make build` first", binariesDir)
	}
	w, err := startWorld(t.Context(), worldOptions{addr: "127.0.0.1:0", standinAddr: "127.0.0.1:0", clock: clock.Stepped(today), faults: plan, log: io.Discard, hidden: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	b, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	changed := *b
	changed.Rules = append([]config.Rule(nil), b.Rules...)
	found := 0
	for i, r := range changed.Rules {
		if r.Name == "opening-hours" {
			change(&changed.Rules[i])
			found++
		}
	}
	if found != 1 {
		t.Fatalf("%d rules are called opening-hours", found)
	}
	changed.Tests = nil // they expect what the rules do by default
	w.deploy(t, changed)
	return w, changed
}

// twoMinutes lets a rule wait.
func twoMinutes(r *config.Rule) { r.Guards.Delay = config.Duration(2 * time.Minute) }

func (w *world) deploy(t *testing.T, b config.Bundle) {
	t.Helper()
	content, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.stack.Deploy(t.Context(), "bundle", content); err != nil {
		t.Fatal(err)
	}
}

// deliver brings what X sends to the webhook, and waits until all is quiet.
func (w *world) deliver(t *testing.T, body []byte) {
	t.Helper()
	res, err := http.Post(w.pages+"/standin/seed/x", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for try := 1; ; try++ { // X tries again, too
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.stack.URL()+"/webhooks/x", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Twitter-Webhooks-Signature", x.Sign(w.ingest.X.ConsumerSecret, body))
		if res, err = http.DefaultClient.Do(req); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == http.StatusOK {
			break
		}
		if w.stack.Faults() == nil || try == 10 {
			t.Fatalf("the webhook answered %d: %s", res.StatusCode, text)
		}
	}
	settle(t, w)
}

func (w *world) after(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.stack.Clock().AdvanceTo(ctx, w.stack.Clock().Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	settle(t, w)
}

// because lists who gave the reasons of a post's decision.
func (w *world) because(t *testing.T) (care.Outcome, []string) {
	t.Helper()
	r, err := w.table.Post(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	var by []string
	for _, reason := range r.Reasons {
		by = append(by, reason.By)
	}
	return r.Outcome, by
}

// TestDelayedReply: a rule that waits two minutes answers after two minutes, and
// whatever happens meanwhile counts. Nothing is lost, and nothing counts as
// overdue while it waits.
func TestDelayedReply(t *testing.T) {
	mention := readMention(t)
	rows := []struct {
		name      string
		meanwhile func(*testing.T, *world, config.Bundle)
		outcome   care.Outcome
		by        string // one of the reasons
		replies   int
	}{
		{"nothing happens", func(*testing.T, *world, config.Bundle) {}, care.OutcomeAnswered, "door", 1},
		{"the event comes again", func(t *testing.T, w *world, _ config.Bundle) { w.deliver(t, mention) }, care.OutcomeAnswered, "door", 1},
		{"the author deletes the post", func(t *testing.T, w *world, _ config.Bundle) {
			w.deliver(t, []byte(`{"data":{"event_uuid":"2095000000000009999","filter":{"user_id":"7001001"},"event_type":"post.delete","tag":"care","payload":{"id":"2095000000000000101","author_id":"8100001"},"includes":{}}}`))
		}, care.OutcomeRecorded, "upstream", 0},
		{"a colleague answers on the platform itself", func(t *testing.T, w *world, _ config.Bundle) {
			w.deliver(t, []byte(`{"data":{"event_uuid":"2095000000000009997","filter":{"user_id":"7001001"},"event_type":"post.create","tag":"care","payload":{"id":"2095000000000000103","author_id":"7001001","created_at":"2026-11-24T11:00:20.000Z","text":"We open at nine on Saturday.","in_reply_to_user_id":"8100001","referenced_tweets":[{"type":"replied_to","id":"2095000000000000101"}],"conversation_id":"2095000000000000101"},"includes":{"users":[{"id":"7001001","username":"VeloriaCare","name":"Veloria Care"}]}}}`))
		}, care.OutcomeEscalated, "guard:answered", 0},
		{"the kill switch is thrown", func(t *testing.T, w *world, b config.Bundle) {
			b.Stop = config.Stop{Platforms: []care.Platform{care.X}, Reason: "An outage; we speak for ourselves."}
			w.deploy(t, b)
		}, care.OutcomeEscalated, "guard:stop", 0},
		{"the rule is switched off", func(t *testing.T, w *world, b config.Bundle) {
			b.Rules = append([]config.Rule(nil), b.Rules...)
			for i := range b.Rules {
				if b.Rules[i].Name == "opening-hours" {
					b.Rules[i].Enabled = new(bool)
				}
			}
			w.deploy(t, b)
		}, care.OutcomeEscalated, "guard:rule", 0},
		{"an agent takes the conversation", func(t *testing.T, w *world, _ config.Bundle) {
			r, err := w.table.Post(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.table.UpdateConversation(t.Context(), r.Plan.Seen.Conversation, func(c *care.Conversation) error { c.Agent = "ana"; return nil }); err != nil {
				t.Fatal(err)
			}
		}, care.OutcomeEscalated, "policy:agent-on-it", 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w, bundle := startPatient(t, nil, twoMinutes)
			w.deliver(t, mention)
			if outcome, _ := w.because(t); outcome != "" || len(w.standin.Replies()) != 0 {
				t.Fatalf("%s with %d replies before its time", outcome, len(w.standin.Replies()))
			}
			w.after(t, 30*time.Second)
			r.meanwhile(t, w, bundle)
			w.after(t, 80*time.Second)
			if outcome, by := w.because(t); outcome != "" || len(w.standin.Replies()) != 0 {
				t.Fatalf("after 1:50 it is %s (%v) with %d replies", outcome, by, len(w.standin.Replies()))
			}
			if n, err := w.table.CountUndecided(t.Context(), today.Add(119*time.Second)); err != nil || n != 0 {
				t.Errorf("%d posts count as undecided before the wait is over, %v", n, err)
			}
			w.after(t, 30*time.Second)
			outcome, by := w.because(t)
			if outcome != r.outcome || !slices.Contains(by, r.by) {
				t.Errorf("%s because of %v, want %s with %s", outcome, by, r.outcome, r.by)
			}
			replies := w.standin.Replies()
			if len(replies) != r.replies {
				t.Errorf("%d replies, want %d: %+v", len(replies), r.replies, replies)
			}
			if len(replies) == 1 && replies[0].At.Before(today.Add(2*time.Minute)) {
				t.Errorf("answered at %s, before the two minutes were over", replies[0].At)
			}
			for _, e := range w.stack.Executions("") {
				if e.Status != "SUCCEEDED" && e.Status != "RUNNING" {
					t.Errorf("execution %s of %s: %s %s", e.Name, e.Machine, e.Status, e.Error)
				}
				if e.Machine == stackName+"-later" && strings.Contains(string(e.Input)+string(e.StateInput), "opening hours") {
					t.Errorf("a Standard execution keeps what the author wrote: %s", e.Input)
				}
			}
			// The ledger has nothing to mend, then or later.
			w.after(t, 20*time.Minute)
			if n, err := w.table.CountUndecided(t.Context(), w.stack.Clock().Now()); err != nil || n != 0 || len(w.standin.Replies()) != r.replies {
				t.Errorf("later: %d undecided, %d replies, %v", n, len(w.standin.Replies()), err)
			}
		})
	}
}

// TestDelayedReplyAndEdits: what the author says now counts, not what the answer
// that waits was meant for.
func TestDelayedReplyAndEdits(t *testing.T) {
	mention := readMention(t)
	// edited is the same post as X sends it when its author changed it.
	edited := func(text string) []byte {
		var body map[string]any
		if err := json.Unmarshal(mention, &body); err != nil {
			t.Fatal(err)
		}
		data := body["data"].(map[string]any)
		payload := data["payload"].(map[string]any)
		data["event_uuid"], payload["text"] = "2095000000000009998", text
		payload["edit_history_tweet_ids"] = []string{string(asked)[2:], "2095000000000000102"}
		payload["id"] = "2095000000000000102"
		out, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, r := range []struct {
		name, text string
		outcome    care.Outcome
		wait       time.Duration // after the edit
		replies    int
	}{
		{"it is for a person now", "@VeloriaCare my router is on fire, there is smoke!", care.OutcomeEscalated, 0, 0},
		{"the same, spelt better", "@VeloriaCare what are your opening hours on Saturday, please?", care.OutcomeAnswered, 2 * time.Minute, 1},
	} {
		t.Run(r.name, func(t *testing.T) {
			w, _ := startPatient(t, nil, twoMinutes)
			w.deliver(t, mention)
			w.after(t, 30*time.Second)
			w.deliver(t, edited(r.text))
			if r.wait > 0 {
				w.after(t, r.wait-5*time.Second)
				if outcome, by := w.because(t); outcome != "" || len(w.standin.Replies()) != 0 {
					t.Fatalf("%s because of %v before its time", outcome, by)
				}
				w.after(t, 10*time.Second)
			}
			if outcome, by := w.because(t); outcome != r.outcome {
				t.Errorf("%q because of %v, want %s", outcome, by, r.outcome)
			}
			w.after(t, 20*time.Minute)
			if n, err := w.table.CountUndecided(t.Context(), w.stack.Clock().Now()); err != nil || n != 0 || len(w.standin.Replies()) != r.replies {
				t.Errorf("later: %d undecided, %d replies, %v", n, len(w.standin.Replies()), err)
			}
			if rec, err := w.table.Post(t.Context(), asked); err != nil || rec.Post.Text != r.text || rec.Outcome != r.outcome {
				t.Errorf("it ends as %+v, %v", rec, err)
			}
		})
	}
}

// TestDelayedReplyIsNotLost: the workflow that waits dies; the ledger finds the
// post ten minutes after the end of its wait, and it is answered once.
func TestDelayedReplyIsNotLost(t *testing.T) {
	mention := readMention(t)
	w, _ := startPatient(t, nil, twoMinutes)
	w.deliver(t, mention)
	states := sfn.NewFromConfig(operator(w.stack.URL(), w.stack.OperatorKey()))
	stopped := 0
	for _, e := range w.stack.Executions(stackName + "-later") {
		if _, err := states.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &e.ARN}); err != nil {
			t.Fatal(err)
		}
		stopped++
	}
	if stopped != 1 {
		t.Fatalf("%d executions wait", stopped)
	}
	w.after(t, 11*time.Minute)
	if n := len(w.standin.Replies()); n != 0 {
		t.Fatalf("%d replies: who sent them?", n)
	}
	w.after(t, 10*time.Minute)
	if outcome, by := w.because(t); outcome != care.OutcomeAnswered || len(w.standin.Replies()) != 1 {
		t.Errorf("%s because of %v, %d replies", outcome, by, len(w.standin.Replies()))
	}
}

// TestDelayedReplyWithFaults: whatever fails on the way, the delayed reply goes
// out exactly once, and not before its time.
func TestDelayedReplyWithFaults(t *testing.T) {
	mention := readMention(t)
	for seed := range int64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w, _ := startPatient(t, faults.Standard(seed), twoMinutes)
			w.deliver(t, mention)
			for range 8 {
				w.after(t, 15*time.Minute) // time for the ledger to mend what was lost
			}
			replies := w.standin.Replies()
			outcome, by := w.because(t)
			if len(replies) != 1 || outcome != care.OutcomeAnswered {
				t.Fatalf("%d replies, %s because of %v", len(replies), outcome, by)
			}
			if replies[0].At.Before(today.Add(2 * time.Minute)) {
				t.Errorf("answered at %s, before the two minutes were over", replies[0].At)
			}
		})
	}
}

// TestAcknowledged: the author hears at once that an answer will come, and a
// person has the post; both together make one decision.
func TestAcknowledged(t *testing.T) {
	mention := readMention(t)
	acknowledge := func(r *config.Rule) { r.Then.Action, r.Then.Template = care.ActionAcknowledge, "acknowledge" }
	w, _ := startPatient(t, nil, acknowledge)
	for range 2 {
		w.deliver(t, mention)
	}
	outcome, by := w.because(t)
	if replies := w.standin.Replies(); len(replies) != 1 || outcome != care.OutcomeEscalated || !slices.Contains(by, "rule:opening-hours") || !slices.Contains(by, "door") {
		t.Errorf("%s because of %v, %d replies", outcome, by, len(replies))
	}
	r, err := w.table.Post(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	con, err := w.table.Conversation(t.Context(), r.Plan.Seen.Conversation)
	if err != nil || con.State != care.StateOpen || con.Escalation == nil || len(w.standin.Contacts()) != 1 {
		t.Errorf("the conversation is %s, escalation %+v, %d tasks, %v", con.State, con.Escalation, len(w.standin.Contacts()), err)
	}

	// With the budget used up nothing is said, and the person has it all the same.
	w, bundle := startPatient(t, nil, acknowledge)
	bundle.Budgets = map[care.Platform]float64{care.X: 0.001}
	w.deploy(t, bundle)
	w.deliver(t, mention)
	if outcome, by := w.because(t); outcome != care.OutcomeEscalated || !slices.Contains(by, "guard:budget") || len(w.standin.Replies()) != 0 {
		t.Errorf("without a budget: %s because of %v, %d replies", outcome, by, len(w.standin.Replies()))
	}
}
