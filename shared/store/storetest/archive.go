package storetest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/store"
)

// Operations counts the requests for each operation that go through it.
type Operations struct {
	next   http.RoundTripper
	mu     sync.Mutex
	counts map[string]int
}

// NewOperations counts on the way to any engine.
func NewOperations() *Operations {
	return &Operations{next: sharedTransport(), counts: map[string]int{}}
}

// RoundTrip counts and passes on.
func (o *Operations) RoundTrip(r *http.Request) (*http.Response, error) {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	o.mu.Lock()
	o.counts[name]++
	o.mu.Unlock()
	return o.next.RoundTrip(r)
}

// Counts are the operations so far.
func (o *Operations) Counts() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]int{}
	for k, n := range o.counts {
		out[k] = n
	}
	return out
}

// sweep reads every segment and returns the posts by id.
func sweep(t *testing.T, a *store.Archive, q store.Sweep) (posts map[care.PostID]store.PostRecord, pages []store.Page) {
	t.Helper()
	posts = map[care.PostID]store.PostRecord{}
	for segment := range q.Segments {
		must(t, a.Read(ctx, q, segment, func(p store.Page) error {
			pages = append(pages, p)
			for _, r := range p.Posts {
				if _, twice := posts[r.ID]; twice {
					t.Errorf("%s came twice", r.ID)
				}
				posts[r.ID] = r
			}
			return nil
		}))
	}
	return posts, pages
}

// testArchive: a sweep finds the posts of its time, once, whole but for what a
// replay has no use for, among all that is in the table; and it only reads.
func testArchive(t *testing.T, s *suite) {
	operations := NewOperations()
	a := store.NewArchive(Client(s.endpoint, operations), s.table)
	s.clock.Advance(noon.Sub(s.clock.Now()))
	decided := post()
	_, err := s.store.ClaimPost(ctx, decided, "cor-1")
	must(t, err)
	plan := care.Plan{Action: care.ActionAnswer, Rule: "outage", Text: "We are on it.", Else: care.ActionEscalate, ConfigVersion: "7",
		Seen: &care.Seen{At: noon, Customer: "cus_1", Known: true, Value: 120.5, Attributes: map[string]string{"plan": "fibre"}}, Reasons: []care.Reason{{By: "rule:outage", Text: "It reports an outage."}}}
	_, _, err = s.store.SavePlan(ctx, decided.ID(), plan, &care.Triage{Intent: "outage"})
	must(t, err)
	reasons := []care.Reason{{By: "door", Text: "It was sent."}}
	must(t, s.store.Decide(ctx, care.Decision{Post: decided.ID(), Outcome: care.OutcomeAnswered, At: noon.Add(time.Minute), Reasons: reasons}))

	undecided, gone, other := post(), post(), post()
	other.Platform = care.Mastodon
	for _, p := range []care.Post{undecided, gone, other} {
		_, err = s.store.ClaimPost(ctx, p, "")
		must(t, err)
	}
	must(t, s.store.Tombstone(ctx, gone.ID(), noon.Add(time.Hour)))
	_, _, err = s.store.EnsureProspect(ctx, care.Identity{Scheme: "x", Value: unique("")}, care.Customer{ID: "cus_archive"})
	must(t, err) // what is no post is passed over
	s.clock.Advance(noon.Add(-time.Nanosecond).Sub(s.clock.Now()))
	early := post()
	_, err = s.store.ClaimPost(ctx, early, "")
	must(t, err)
	s.clock.Advance(noon.Add(time.Hour).Sub(s.clock.Now()))
	late := post()
	_, err = s.store.ClaimPost(ctx, late, "")
	must(t, err)

	q := store.Sweep{Since: noon, Until: noon.Add(time.Hour), Segments: 3}
	posts, pages := sweep(t, a, q)
	for _, p := range []care.Post{decided, undecided, gone, other} {
		if _, ok := posts[p.ID()]; !ok {
			t.Errorf("%s is missing", p.ID())
		}
	}
	if len(posts) != 4 {
		t.Errorf("%d posts, want 4", len(posts))
	}
	wantEqual(t, "the decided post", posts[decided.ID()], store.PostRecord{ID: decided.ID(), Post: decided, Claimed: noon, Plan: &plan,
		Outcome: care.OutcomeAnswered, DecidedAt: noon.Add(time.Minute), Reasons: reasons})
	if r := posts[gone.ID()]; r.Deleted.IsZero() || r.Post.Text != "" {
		t.Errorf("the deleted post is %+v", r)
	}
	items, units := 0, 0.0
	for _, p := range pages {
		items, units = items+p.Items, units+p.Units
	}
	// Six posts, a prospect's two items.
	if items < 8 || units < 1 {
		t.Errorf("%d items and %g units were read", items, units)
	}
	q.Platform = care.Mastodon
	posts, _ = sweep(t, a, q)
	if _, ok := posts[other.ID()]; !ok || len(posts) != 1 {
		t.Errorf("on mastodon there are %d posts", len(posts))
	}

	// An item that cannot be read is counted, and stops nothing.
	pk := "POST#x:" + unique("damaged")
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: map[string]types.AttributeValue{
		"pk": text(pk), "sk": text("POST"), "claimed": text("2026-03-01T12:00:01.000000000Z"), "post": text("{")}})
	must(t, err)
	q.Platform = ""
	posts, pages = sweep(t, a, q)
	damaged := 0
	for _, p := range pages {
		damaged += p.Damaged
	}
	if len(posts) != 4 || damaged != 1 {
		t.Errorf("%d posts and %d damaged ones, want 4 and 1", len(posts), damaged)
	}
	for name := range operations.Counts() {
		if name != "Scan" {
			t.Errorf("a sweep asks for %s", name)
		}
	}
	if operations.Counts()["Scan"] < 9 {
		t.Errorf("only %v were counted", operations.Counts())
	}

	stop := errors.New("enough")
	if err := a.Read(ctx, q, 0, func(store.Page) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
	wantCode(t, store.NewArchive(s.client, s.table+"-not").Read(ctx, q, 0, func(store.Page) error { return nil }), care.Internal)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantCode(t, a.Read(cancelled, q, 0, func(store.Page) error { return nil }), care.Unavailable)
}

// testArchivePages: posts that do not fit one answer of 1 MB all come.
func testArchivePages(t *testing.T, s *suite) {
	s.clock.Advance(noon.Sub(s.clock.Now()))
	const posts = 60
	race(4, func(i int) {
		for n := i; n < posts; n += 4 {
			p := post()
			p.Text = strings.Repeat("é", care.MaxTextBytes/2)
			if _, err := s.store.ClaimPost(ctx, p, ""); err != nil {
				t.Error(err)
			}
		}
	})
	found, pages := sweep(t, store.NewArchive(s.client, s.table), store.Sweep{Since: noon, Until: noon.Add(time.Second), Segments: 2})
	if len(found) != posts || len(pages) < 4 {
		t.Errorf("%d posts on %d pages, want %d on at least 4", len(found), len(pages), posts)
	}
}
