package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
)

// items reads the whole table: "pk | sk" to attributes.
func (w *world) items(ctx context.Context) (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	p := dynamodb.NewScanPaginator(w.dynamo, &dynamodb.ScanInput{TableName: aws.String(w.name), ConsistentRead: aws.Bool(true)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, raw := range page.Items {
			var item map[string]any
			if err := attributevalue.UnmarshalMap(raw, &item); err != nil {
				return nil, err
			}
			out[fmt.Sprint(item["pk"], " | ", item["sk"])] = item
		}
	}
	return out, nil
}

// settle waits until nothing is in flight.
func settle(t *testing.T, w *world) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.stack.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestReplayChangesNothing: every event that ever was on the bus comes again, all
// at once, as after a disaster. Nobody is answered a second time, no second task
// is opened, and what is recorded stays as it is.
func TestReplayChangesNothing(t *testing.T) {
	w := startTestWorld(t)
	for _, e := range expectations {
		switch e.name {
		case "mention_opening_hours", "story_edit_1_create", "story_edit_2_edited", "story_edit_3_deleted", "comment_spanish_complaint",
			"several_entries_and_changes", "dm_question", "story_message_1_text", "story_message_2_edited", "two_messages", "keyword_about_us":
			ingestFiles(t, e.platform, filepath.Join(bodies, e.platform, e.name+".json"))
		}
	}
	settle(t, w)
	before, err := w.items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replies, contacts := w.standin.Replies(), len(w.standin.Contacts())
	if len(replies) < 4 || contacts < 4 {
		t.Fatalf("%d replies and %d contacts are too few to show anything", len(replies), contacts)
	}

	request, err := json.Marshal(map[string]any{"from": today.Add(-time.Hour), "to": today.Add(24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(w.stack.URL()+"/_fielder/replay", "application/json", bytes.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var sent struct{ Events int }
	if err := json.NewDecoder(res.Body).Decode(&sent); err != nil || res.StatusCode != http.StatusOK || sent.Events < 10 {
		t.Fatalf("status %d, %d events, %v", res.StatusCode, sent.Events, err)
	}
	settle(t, w)

	if diff := cmp.Diff(replies, w.standin.Replies()); diff != "" {
		t.Errorf("what the platforms show changed (-before +after):\n%s", diff)
	}
	if n := len(w.standin.Contacts()); n != contacts {
		t.Errorf("%d tasks, there were %d", n, contacts)
	}
	after, err := w.items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, item := range after {
		old, ok := before[key]
		if !ok {
			t.Errorf("a new item %s: %v", key, item)
			continue
		}
		if diff := cmp.Diff(old, item); diff != "" {
			t.Errorf("%s changed (-before +after):\n%s", key, diff)
		}
		delete(before, key)
	}
	for key := range before {
		t.Errorf("%s is gone", key)
	}
}
