package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/shared/care"
)

// draftsRule changes the deployed config: the rule about SIM cards words a draft
// instead of answering.
func draftsRule(template []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(template, &doc); err != nil {
		return nil, err
	}
	changed := 0
	for _, r := range doc["Resources"].(map[string]any) {
		res := r.(map[string]any)
		if res["Type"] != "AWS::AppConfig::HostedConfigurationVersion" {
			continue
		}
		props := res["Properties"].(map[string]any)
		var bundle map[string]any
		if err := json.Unmarshal([]byte(props["Content"].(string)), &bundle); err != nil {
			return nil, err
		}
		for _, rule := range bundle["rules"].([]any) {
			if rule := rule.(map[string]any); rule["name"] == "sim-activation" {
				rule["then"].(map[string]any)["action"] = "draft"
				delete(rule["guards"].(map[string]any), "maxPerCustomerPerDay")
				changed++
			}
		}
		delete(bundle, "tests") // they expect what the rule does by default
		content, err := json.Marshal(bundle)
		if err != nil {
			return nil, err
		}
		props["Content"] = string(content)
	}
	if changed != 1 {
		return nil, fmt.Errorf("%d rules changed", changed)
	}
	return json.Marshal(doc)
}

// xPost is a body of X's: a mention, our own reply, or a deletion.
func xPost(t *testing.T, kind, id, author, text, replyTo string) string {
	t.Helper()
	payload := map[string]any{"id": id, "author_id": author, "text": text, "conversation_id": id, "created_at": today.Add(-time.Minute).Format("2006-01-02T15:04:05.000Z"),
		"edit_history_tweet_ids": []string{id}, "lang": "en"}
	if replyTo != "" {
		payload["referenced_tweets"] = []any{map[string]string{"type": "replied_to", "id": replyTo}}
		payload["conversation_id"] = replyTo
	}
	if strings.HasPrefix(text, "@VeloriaCare") {
		payload["entities"] = map[string]any{"mentions": []any{map[string]any{"start": 0, "end": 12, "username": "VeloriaCare", "id": "7001001"}}}
	}
	body, err := json.Marshal(map[string]any{"data": map[string]any{"event_uuid": kind + id, "event_type": kind, "filter": map[string]any{"user_id": "7001001"}, "payload": payload,
		"includes": map[string]any{"users": []any{map[string]any{"id": author, "username": "user" + author, "name": "Gwen Oak"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDrafts runs drafts through the whole system: the deployed template, the
// real binaries, the HTTP API with its authorizer.
func TestDrafts(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs the whole system")
	}
	atRoot(t)
	before := stateFile
	stateFile = filepath.Join(t.TempDir(), "stack.json")
	t.Cleanup(func() { stateFile = before })
	c := clock.Stepped(today)
	w, err := startWorld(t.Context(), worldOptions{addr: "127.0.0.1:0", standinAddr: "127.0.0.1:0", clock: c, log: io.Discard, template: draftsRule})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.agents = nil // the test is the agent
	c.Flow()

	drafted := func(t *testing.T, id string) care.PostID {
		t.Helper()
		got := ingestFiles(t, "x", xPost(t, "post.mention.create", id, "81"+id[len(id)-5:], "@VeloriaCare how do I activate my new sim card?", ""))
		if len(got) != 1 || got[0].Outcome != "escalated" {
			t.Fatalf("ingest: %+v", got)
		}
		post := care.NewPostID(care.X, id)
		out, stderr, err := fielder(t, "drafts")
		if err != nil || !strings.Contains(out, string(post)+"  pending") || !strings.Contains(out, "sim-activation") {
			t.Fatalf("fielder drafts: %v\n%s%s", err, out, stderr)
		}
		return post
	}
	status := func(t *testing.T, post care.PostID, want care.DraftStatus) care.Draft {
		t.Helper()
		var d care.Draft
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if d, err = w.table.Draft(t.Context(), post); err == nil && d.Status == want {
				return d
			}
			if time.Now().After(deadline) {
				t.Fatalf("the draft is %+v, %v; want %s", d, err, want)
			}
		}
	}
	replies := func(to string) (texts []string) {
		for _, r := range w.standin.Replies() {
			if r.InReplyTo == to {
				texts = append(texts, r.Text)
			}
		}
		return texts
	}

	t.Run("approved, sent once, and the matter is resolved", func(t *testing.T) {
		const id = "2095300000000000101"
		post := drafted(t, id)
		if said := replies(id); len(said) != 0 {
			t.Fatalf("said before anybody approved: %v", said)
		}
		const text = "Open Settings, choose Mobile data, then Add eSIM. ^ana"
		for range 2 { // the second click finds it done
			out, stderr, err := fielder(t, "drafts", "approve", string(post), "--text", text, "--as", "ana")
			if err != nil || !strings.Contains(out, "sent") {
				t.Fatalf("%v\n%s%s", err, out, stderr)
			}
		}
		if said := replies(id); len(said) != 1 || !strings.Contains(said[0], text) {
			t.Errorf("said %q", said)
		}
		d := status(t, post, care.DraftSent)
		if d.By != "ana" || d.Approved != text || d.Text == text || d.Text == "" {
			t.Errorf("draft %+v", d)
		}
		if out, stderr, err := fielder(t, "rules", "explain", string(post)); err != nil || !strings.Contains(out, "What became of the draft: The draft was sent by ana.\n  with other words: \""+text) {
			t.Errorf("explain: %v\n%s%s", err, out, stderr)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			conv, err := w.table.Conversation(t.Context(), d.Conversation)
			if err == nil && conv.State == care.StateResolved && conv.Escalation == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("conversation %+v, %v", conv, err)
			}
		}
		for _, e := range w.stack.Executions(stackName + "-escalation") {
			if strings.HasPrefix(e.Name, string(d.Conversation)) && e.Status != "SUCCEEDED" {
				for deadline := time.Now().Add(10 * time.Second); e.Status == "RUNNING" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
					e, _ = w.stack.Execution(e.ARN)
				}
				if e.Status != "SUCCEEDED" {
					t.Errorf("escalation %s: %s", e.Name, e.Status)
				}
			}
		}
		list, _, err := w.table.Timeline(t.Context(), d.Customer, 10, "")
		if err != nil || len(list) == 0 || list[0].Kind != care.InteractionReply || list[0].By != "ana" {
			t.Errorf("timeline %+v, %v", list, err)
		}
		if _, _, err := fielder(t, "drafts", "approve", string(post), "--as", "ben"); err == nil || !strings.Contains(err.Error(), "sent by ana") {
			t.Errorf("another agent: %v", err)
		}
	})
	t.Run("deleted upstream: withdrawn and forgotten", func(t *testing.T) {
		const id = "2095300000000000202"
		post := drafted(t, id)
		ingestFiles(t, "x", xPost(t, "post.delete", id, "8100202", "", ""))
		if d := status(t, post, care.DraftWithdrawn); d.Text+d.Approved != "" {
			t.Errorf("the draft still says %q", d.Text)
		}
		if _, _, err := fielder(t, "drafts", "approve", string(post)); err == nil || !strings.Contains(err.Error(), "withdrawn") {
			t.Errorf("approving it: %v", err)
		}
		if said := replies(id); len(said) != 0 {
			t.Errorf("said %q", said)
		}
	})
	t.Run("answered by hand on the platform: withdrawn", func(t *testing.T) {
		const id = "2095300000000000303"
		post := drafted(t, id)
		ingestFiles(t, "x", xPost(t, "post.create", "2095300000000000304", "7001001", "In Settings, under eSIM.", id))
		if d := status(t, post, care.DraftWithdrawn); !strings.Contains(d.Why, "on the platform itself") {
			t.Errorf("why: %s", d.Why)
		}
	})
	t.Run("rejected: the agent still has it", func(t *testing.T) {
		const id = "2095300000000000404"
		post := drafted(t, id)
		if out, stderr, err := fielder(t, "drafts", "reject", "--reason", "They ask about a broken card.", string(post), "--as", "ana"); err != nil || !strings.Contains(out, "rejected") {
			t.Fatalf("%v\n%s%s", err, out, stderr)
		}
		d := status(t, post, care.DraftRejected)
		if conv, err := w.table.Conversation(t.Context(), d.Conversation); err != nil || conv.Escalation == nil {
			t.Errorf("conversation %+v, %v", conv, err)
		}
	})
	t.Run("expired: closed by the ledger, the agent still has it", func(t *testing.T) {
		const id = "2095300000000000505"
		post := drafted(t, id)
		if err := c.AdvanceTo(t.Context(), c.Now().Add(4*time.Hour+10*time.Minute)); err != nil {
			t.Fatal(err)
		}
		d := status(t, post, care.DraftExpired)
		if conv, err := w.table.Conversation(t.Context(), d.Conversation); err != nil || conv.Escalation == nil {
			t.Errorf("conversation %+v, %v", conv, err)
		}
		if out, _, err := fielder(t, "drafts"); err != nil || !strings.Contains(out, "No draft waits") {
			t.Errorf("%s, %v", out, err)
		}
	})
	t.Run("nobody gets in without a token, nor in the wrong group", func(t *testing.T) {
		for name, groups := range map[string][]string{"no token": nil, "marketing": {"marketing"}} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.stack.URL()+"/panel/drafts", nil)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusUnauthorized
			if groups != nil {
				token, _, err := w.stack.Token("eve", groups)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				want = http.StatusForbidden
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s: %d, want %d", name, res.StatusCode, want)
			}
		}
	})
	if denials := w.stack.Denials(); len(denials) > 0 {
		t.Errorf("IAM refused %v", denials)
	}
}
