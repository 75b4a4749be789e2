package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
	"github.com/fielder-care/fielder/shared/idempotency/idempotencytest"
	"github.com/fielder-care/fielder/shared/store"
)

// Features says what an engine can do.
type Features struct {
	// Atomic: conditional writes at the same moment are serialised. DynamoDB's
	// are, and so must be those of any engine that Fielder runs on; mocks may
	// not be, and then the suite checks sequences only.
	Atomic bool
}

// racers is how many callers take part in a race.
const racers = 32

type suite struct {
	client   *dynamodb.Client
	endpoint string
	table    string
	store    *store.Table
	clock    *idempotencytest.Clock
	features Features
}

// Run tests the store on the engine at an endpoint.
func Run(t *testing.T, endpoint string, features Features) {
	client := Client(endpoint, nil)
	shared := suite{client: client, endpoint: endpoint, table: CreateTable(t, client), clock: new(idempotencytest.Clock), features: features}
	shared.store = store.New(client, shared.table, shared.clock.Now)
	// Tests that look at the whole index, or move the clock, get a table of
	// their own.
	alone := func(test func(*testing.T, *suite)) func(*testing.T, *suite) {
		return func(t *testing.T, s *suite) {
			own := *s
			own.clock = new(idempotencytest.Clock)
			own.table = CreateTable(t, client)
			own.store = store.New(client, own.table, own.clock.Now)
			test(t, &own)
		}
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"Post/OK", testPost},
		{"Post/EveryFieldSurvives", testPostFields},
		{"Post/Errors", testPostErrors},
		{"Post/ClaimRace", testClaimRace},
		{"Post/ClaimAnswerLost", testClaimAnswerLost},
		{"Post/Plan", testPlan},
		{"Post/Decide", testDecide},
		{"Post/DecideByWorkflow", alone(testDecideByWorkflow)},
		{"Post/PostponedByWorkflow", alone(testPostponedByWorkflow)},
		{"Post/Undecided", alone(testUndecided)},
		{"Post/UndecidedPages", alone(testUndecidedPages)},
		{"Post/Edit", testEdit},
		{"Post/Reopen", alone(testReopen)},
		{"Post/Rethink", testRethink},
		{"Post/Tombstone", testTombstone},
		{"Post/TombstoneFirst", testTombstoneFirst},
		{"Post/TombstoneRace", testTombstoneRace},
		{"Archive", alone(testArchive)},
		{"Archive/Pages", alone(testArchivePages)},
		{"Customer/Prospect", testProspect},
		{"Customer/ProspectRace", testProspectRace},
		{"Customer/Put", testPutCustomer},
		{"Customer/PutTakesOverProspects", testPutTakesOver},
		{"Customer/PutRefusesOthers", testPutRefuses},
		{"Customer/Link", testLink},
		{"Customer/LinkRace", testLinkRace},
		{"Customer/UpdateRace", testUpdateCustomerRace},
		{"Customer/Find", testFind},
		{"Conversation/Ensure", testEnsureConversation},
		{"Conversation/EnsureRace", testEnsureConversationRace},
		{"Conversation/Update", testUpdateConversation},
		{"Conversation/UpdateRace", testUpdateConversationRace},
		{"Conversation/UpdateAnswerLost", testUpdateAnswerLost},
		{"Conversation/Open", testOpenConversations},
		{"Conversation/OpenRace", testOpenConversationsRace},
		{"Conversation/ResolvedAndReopened", testResolvedAndReopened},
		{"Conversation/Due", alone(testDue)},
		{"Draft/Propose", testProposeDraft},
		{"Draft/EveryFieldSurvives", testDraftFields},
		{"Draft/Overtaken", testDraftOvertaken},
		{"Draft/ProposeRace", testProposeDraftRace},
		{"Draft/ApproveRace", testApproveRace},
		{"Draft/Update", testUpdateDraft},
		{"Draft/UpdateAnswerLost", testUpdateDraftAnswerLost},
		{"Draft/Due", alone(testDueDrafts)},
		{"Draft/IndexLags", alone(testDueDraftsLag)},
		{"Draft/Answered", testAnswered},
		{"IndexLags", alone(testIndexLags)},
		{"Timeline/Pages", testTimelinePages},
		{"Timeline/Idempotent", testTimelineIdempotent},
		{"Timeline/Moves", testTimelineMoves},
		{"Timeline/Unnamed", testTimelineUnnamed},
		{"Timeline/Errors", testTimelineErrors},
		{"Timeline/MarksRace", testTimelineMarksRace},
		{"Lock", alone(testLock)},
		{"Lock/Race", testLockRace},
		{"Cursor", alone(testCursor)},
		{"Cap", alone(testCap)},
		{"Cap/AnswerLost", testCapAnswerLost},
		{"Cap/Race", testCapRace},
		{"Storm", testStorm},
		{"Invitation", testInvitation},
		{"Counter", testCounter},
		{"Work", testWork},
		{"Work/Race", testWorkRace},
		{"Errors", testErrorCodes},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			own := shared
			c.test(t, &own)
		})
	}
}

func (s *suite) needsAtomic(t *testing.T) {
	t.Helper()
	if !s.features.Atomic {
		t.Skip("this engine does not serialise conditional writes that happen at once")
	}
}

var ids atomic.Int64

// unique makes an id that no other test of any run uses.
func unique(prefix string) string {
	return fmt.Sprintf("%s%d-%d", prefix, time.Now().UnixNano(), ids.Add(1))
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func post() care.Post {
	id := unique("")
	return care.Post{
		Platform: care.X, NativeID: id, Account: "7001001", Kind: care.KindMention,
		Author: care.Author{ID: "a" + id, Handle: "nora_reads", Name: "Nora"},
		Text:   "@VeloriaCare my VeloBox is dead", Thread: id, Addressed: true,
		CreatedAt: noon, ReceivedAt: noon.Add(time.Second),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, want care.Code) {
	t.Helper()
	if got := care.CodeOf(err); got != want {
		t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: -want +got\n%s", what, diff)
	}
}

// race runs n callers at the same moment.
func race(n int, run func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	wg.Wait()
}

var ctx = context.Background()

// --- posts

func testPost(t *testing.T, s *suite) {
	p := post()
	claim, err := s.store.ClaimPost(ctx, p, "cor-1")
	must(t, err)
	wantEqual(t, "first claim", claim, store.Claim{New: true, Claimed: s.clock.Now()})
	claim, err = s.store.ClaimPost(ctx, p, "cor-2")
	must(t, err)
	wantEqual(t, "second claim", claim, store.Claim{Claimed: s.clock.Now()})
	got, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "record", got, store.PostRecord{ID: p.ID(), Post: p, Claimed: s.clock.Now(), Correlation: "cor-1"})
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeRecorded, At: noon}))
	claim, err = s.store.ClaimPost(ctx, p, "cor-3")
	must(t, err)
	wantEqual(t, "claim of a decided post", claim, store.Claim{Outcome: care.OutcomeRecorded, Claimed: s.clock.Now()})
}

func testPostFields(t *testing.T, s *suite) {
	p := post()
	followers := 5_000_000
	p.Platform, p.Private, p.Kind = care.Bluesky, true, care.KindDirect
	p.NativeID = "at://did:plc:nora/app.bsky.feed.post/" + p.NativeID
	p.Author.Followers, p.Author.Verified, p.Author.Bot, p.Author.Own = &followers, true, true, true
	p.Author.Since = noon.AddDate(-3, 0, 0)
	p.Text, p.Truncated, p.Lang = "¿Dónde está mi pedido? 🙃 \u0000 \"quoted\"", true, "es"
	p.ReplyTo, p.InOurThread, p.Unreadable, p.URL = "17", true, "end-to-end encrypted", "https://bsky.example/17"
	p.Attachments = []care.Attachment{{Type: "image", URL: "https://bsky.example/17.png"}}
	p.Ref = map[string]string{"cid": "bafy", "rootUri": "at://x"}
	p.ReceivedAt = time.Date(2026, 3, 1, 12, 0, 1, 123456789, time.UTC)
	if zero := zeroFields(p); len(zero) > 0 {
		t.Fatalf("this test must set every field of care.Post; it leaves %v", zero)
	}
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	got, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "post", got.Post, p)
}

func testPostErrors(t *testing.T, s *suite) {
	_, err := s.store.Post(ctx, "x:nobody-wrote-this")
	wantCode(t, err, care.NotFound)
	_, err = s.store.ClaimPost(ctx, care.Post{Platform: care.X}, "")
	wantCode(t, err, care.Invalid)
	long := post()
	long.NativeID = strings.Repeat("9", 3000)
	_, err = s.store.ClaimPost(ctx, long, "")
	wantCode(t, err, care.Invalid)
	huge := post()
	huge.Text = strings.Repeat("x", 500_000)
	_, err = s.store.ClaimPost(ctx, huge, "")
	wantCode(t, err, care.Invalid)
	_, err = s.store.MarkDriven(ctx, "x:nobody-wrote-this")
	wantCode(t, err, care.Conflict)
	_, _, err = s.store.SavePlan(ctx, "x:nobody-wrote-this", care.Plan{Action: care.ActionWatch}, nil)
	wantCode(t, err, care.NotFound)
	wantCode(t, s.store.EditPost(ctx, post()), care.NotFound)
	wantCode(t, s.store.Reopen(ctx, post()), care.NotFound)
	wantCode(t, s.store.Rethink(ctx, post()), care.NotFound)
	wantCode(t, s.store.Tombstone(ctx, "nonsense", noon), care.Invalid)
}

func testClaimRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	p := post()
	var won atomic.Int64
	race(racers, func(int) {
		claim, err := s.store.ClaimPost(ctx, p, "")
		if err != nil {
			t.Error(err)
		}
		if claim.New {
			won.Add(1)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d callers were told that the post is new, want 1", won.Load())
	}
}

// lossy returns the suite's table behind a connection that breaks.
func (s *suite) lossy() (*store.Table, *losing) {
	l := &losing{next: sharedTransport()}
	return store.New(Client(s.endpoint, l), s.table, s.clock.Now), l
}

func testClaimAnswerLost(t *testing.T, s *suite) {
	table, l := s.lossy()
	l.arm("PutItem")
	claim, err := table.ClaimPost(ctx, post(), "")
	must(t, err)
	if l.lost.Load() != 1 {
		t.Fatal("no answer was lost")
	}
	if !claim.New {
		t.Fatal("the caller who brought the post in was told that it is known")
	}
}

func testPlan(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	first := care.Plan{Action: care.ActionAnswer, Rule: "opening-hours", Text: "We are open until 8 pm, Nora.",
		ConfigVersion: "v1", Reasons: []care.Reason{{By: "rule:opening-hours", Text: "It asks for our hours."}}}
	triage := &care.Triage{Relevance: care.RelevanceAddressed, Lang: "en", Intent: "hours", Sentiment: -0.25}
	got, fresh, err := s.store.SavePlan(ctx, p.ID(), first, triage)
	must(t, err)
	wantEqual(t, "the first plan is fresh", fresh, true)
	wantEqual(t, "first plan", got, first)
	got, fresh, err = s.store.SavePlan(ctx, p.ID(), care.Plan{Action: care.ActionEscalate, ConfigVersion: "v2"}, nil)
	must(t, err)
	wantEqual(t, "the second plan is fresh", fresh, false)
	wantEqual(t, "second plan", got, first)
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "stored plan", r.Plan, &first)
	wantEqual(t, "stored triage", r.Triage, triage)

	gone := post()
	_, err = s.store.ClaimPost(ctx, gone, "")
	must(t, err)
	must(t, s.store.Tombstone(ctx, gone.ID(), noon))
	got, fresh, err = s.store.SavePlan(ctx, gone.ID(), first, triage)
	must(t, err)
	wantEqual(t, "the plan for a deleted post is fresh", fresh, false)
	if got.Action != care.ActionWatch || got.Text != "" || len(got.Reasons) != 1 || got.Reasons[0].By != "guard:deleted" {
		t.Fatalf("the plan for a deleted post is %+v, want to watch", got)
	}
}

func testDecide(t *testing.T, s *suite) {
	reasons := []care.Reason{{By: "severity", Text: "It reports an outage.", Points: 30}}
	for _, c := range []struct {
		name         string
		first, again care.Outcome
		want         care.Code
		ends         care.Outcome
	}{
		{"the same again", care.OutcomeAnswered, care.OutcomeAnswered, "", care.OutcomeAnswered},
		{"another one", care.OutcomeAnswered, care.OutcomeEscalated, care.Conflict, care.OutcomeAnswered},
		{"failed, then found a way", care.OutcomeFailed, care.OutcomeEscalated, "", care.OutcomeEscalated},
		{"escalated, then failed", care.OutcomeEscalated, care.OutcomeFailed, care.Conflict, care.OutcomeEscalated},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := post()
			_, err := s.store.ClaimPost(ctx, p, "")
			must(t, err)
			must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: c.first, At: noon, Reasons: reasons}))
			wantCode(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: c.again, At: noon.Add(time.Hour), Reasons: reasons}), c.want)
			r, err := s.store.Post(ctx, p.ID())
			must(t, err)
			wantEqual(t, "outcome", r.Outcome, c.ends)
			wantEqual(t, "reasons", r.Reasons, reasons)
			_, err = s.store.MarkDriven(ctx, p.ID())
			wantCode(t, err, care.Conflict)
		})
	}
}

// testDecideByWorkflow writes what the intake workflow's Record state writes, in
// its own words, and reads it through the store.
func testDecideByWorkflow(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table,
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "POST#" + string(p.ID())}, "sk": &types.AttributeValueMemberS{Value: "POST"}},
		UpdateExpression:    aws.String("SET outcome = :o, decidedAt = :t, decision = :d REMOVE gsi1pk, gsi1sk"),
		ConditionExpression: aws.String("attribute_not_exists(outcome) OR outcome = :f"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":o": &types.AttributeValueMemberS{Value: "escalated"}, ":f": &types.AttributeValueMemberS{Value: "failed"},
			":t": &types.AttributeValueMemberS{Value: "2026-03-01T12:00:05.25Z"},
			":d": &types.AttributeValueMemberS{Value: `[{"by":"severity","text":"It reports an outage."}]`}},
	})
	must(t, err)
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "outcome", r.Outcome, care.OutcomeEscalated)
	wantEqual(t, "time", r.DecidedAt, noon.Add(5250*time.Millisecond))
	wantEqual(t, "reasons", r.Reasons, []care.Reason{{By: "severity", Text: "It reports an outage."}})
	left, err := s.store.Undecided(ctx, noon.Add(time.Hour), 10)
	must(t, err)
	wantEqual(t, "undecided", len(left), 0)
	wantCode(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeIgnored}), care.Conflict)
}

// testPostponedByWorkflow: what the intake workflow's state Postpone writes.
func testPostponedByWorkflow(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	postpone := func() error {
		_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table,
			Key: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "POST#" + string(p.ID())}, "sk": &types.AttributeValueMemberS{Value: "POST"}},
			UpdateExpression: aws.String("SET gsi1sk = :later"), ConditionExpression: aws.String("attribute_exists(gsi1pk)"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":later": &types.AttributeValueMemberS{Value: "2026-03-01T18:00:00Z"}},
		})
		return err
	}
	must(t, postpone())
	for _, row := range []struct {
		before time.Duration
		want   int
	}{{5*time.Hour + 59*time.Minute, 0}, {6*time.Hour + time.Minute, 1}} {
		left, err := s.store.Undecided(ctx, noon.Add(row.before), 10)
		must(t, err)
		n, err := s.store.CountUndecided(ctx, noon.Add(row.before))
		must(t, err)
		if len(left) != row.want || n != row.want {
			t.Errorf("before noon + %v: %d listed, %d counted, want %d", row.before, len(left), n, row.want)
		}
	}
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeAnswered, At: noon}))
	var refused *types.ConditionalCheckFailedException
	if err := postpone(); !errors.As(err, &refused) {
		t.Errorf("a decided post was postponed: %v", err)
	}
}

func testUndecided(t *testing.T, s *suite) {
	var posts []care.Post
	for i := range 5 {
		p := post()
		p.ReceivedAt = noon.Add(time.Duration(i) * time.Minute)
		_, err := s.store.ClaimPost(ctx, p, "")
		must(t, err)
		posts = append(posts, p)
	}
	must(t, s.store.Decide(ctx, care.Decision{Post: posts[1].ID(), Outcome: care.OutcomeIgnored, At: noon}))
	must(t, s.store.Tombstone(ctx, posts[2].ID(), noon))
	list := func(before time.Time, limit int) []care.PostID {
		t.Helper()
		records, err := s.store.Undecided(ctx, before, limit)
		must(t, err)
		var got []care.PostID
		for _, r := range records {
			got = append(got, r.Post.ID())
		}
		return got
	}
	wantEqual(t, "all", list(noon.Add(time.Hour), 100), []care.PostID{posts[0].ID(), posts[2].ID(), posts[3].ID(), posts[4].ID()})
	wantEqual(t, "before the third minute", list(noon.Add(3*time.Minute), 100), []care.PostID{posts[0].ID(), posts[2].ID()})
	wantEqual(t, "the oldest two", list(noon.Add(time.Hour), 2), []care.PostID{posts[0].ID(), posts[2].ID()})
	n, err := s.store.CountUndecided(ctx, noon.Add(4*time.Minute))
	must(t, err)
	wantEqual(t, "count", n, 3)
	records, err := s.store.Undecided(ctx, noon.Add(3*time.Minute), 100)
	must(t, err)
	if records[1].Deleted.IsZero() {
		t.Error("the deleted post does not say so")
	}
	for want := 1; want <= 3; want++ {
		got, err := s.store.MarkDriven(ctx, posts[0].ID())
		must(t, err)
		wantEqual(t, "drives", got, want)
	}
	r, err := s.store.Post(ctx, posts[0].ID())
	must(t, err)
	wantEqual(t, "stored drives", r.Drives, 3)
	wantEqual(t, "driven at", r.DrivenAt, s.clock.Now())
}

func testUndecidedPages(t *testing.T, s *suite) {
	const n = 230 // more than two batches of 100 reads
	race(8, func(worker int) {
		for i := worker; i < n; i += 8 {
			p := post()
			p.ReceivedAt = noon.Add(time.Duration(i) * time.Second)
			if _, err := s.store.ClaimPost(ctx, p, ""); err != nil {
				t.Error(err)
			}
		}
	})
	records, err := s.store.Undecided(ctx, noon.Add(time.Hour), 210)
	must(t, err)
	wantEqual(t, "listed", len(records), 210)
	for i, r := range records {
		wantEqual(t, "order", r.Post.ReceivedAt, noon.Add(time.Duration(i)*time.Second))
	}
	count, err := s.store.CountUndecided(ctx, noon.Add(time.Hour))
	must(t, err)
	wantEqual(t, "count", count, n)
}

func testEdit(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	must(t, s.store.PutInteraction(ctx, interactionOf(p, "cus_edit"+p.NativeID)))
	second, third := p, p
	second.Text, second.ReceivedAt = "@VeloriaCare my VeloBox is slow", noon.Add(time.Minute)
	third.Text, third.ReceivedAt = "@VeloriaCare my VeloBox works again", noon.Add(2*time.Minute)
	must(t, s.store.EditPost(ctx, third))
	must(t, s.store.EditPost(ctx, second)) // overtaken by the third
	must(t, s.store.EditPost(ctx, third))  // delivered twice
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "text", r.Post.Text, third.Text)
	wantEqual(t, "received", r.Post.ReceivedAt, p.ReceivedAt)
	wantEqual(t, "edits", r.Edits, 1)
	wantEqual(t, "edited at", r.EditedAt, third.ReceivedAt)
	i, err := s.store.Interaction(ctx, string(p.ID()))
	must(t, err)
	wantEqual(t, "timeline", i.Text, third.Text)
	wantEqual(t, "timeline's note", i.Detail["editedAt"], "2026-03-01T12:02:00Z")
	// A repeat of the workflow writes the old wording again.
	must(t, s.store.PutInteraction(ctx, interactionOf(p, "cus_edit"+p.NativeID)))
	i, err = s.store.Interaction(ctx, string(p.ID()))
	must(t, err)
	wantEqual(t, "timeline after a repeat", i.Text, third.Text)
}

func testReopen(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	_, _, err = s.store.SavePlan(ctx, p.ID(), care.Plan{Action: care.ActionWatch}, nil)
	must(t, err)
	edited := p
	edited.Text, edited.ReceivedAt = "@VeloriaCare it caught fire!", noon.Add(time.Minute)
	wantCode(t, s.store.Reopen(ctx, edited), care.Conflict) // nothing to reopen: not decided yet
	must(t, s.store.EditPost(ctx, edited))                  // noted, but intake read the old wording
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeIgnored, At: noon}))
	must(t, s.store.Reopen(ctx, edited))
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	if r.Outcome != "" || r.Plan != nil || r.Post.Text != edited.Text || !r.DecidedAt.IsZero() {
		t.Fatalf("the reopened post is %+v", r)
	}
	n, err := s.store.CountUndecided(ctx, noon.Add(time.Hour))
	must(t, err)
	wantEqual(t, "undecided", n, 1)
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeIgnored, At: noon}))
	must(t, s.store.Reopen(ctx, edited)) // the same edit, delivered again
	if r, err = s.store.Post(ctx, p.ID()); err != nil || r.Outcome != care.OutcomeIgnored {
		t.Fatalf("a repeated edit reopened the post: %+v, %v", r, err)
	}
	answered := post()
	_, err = s.store.ClaimPost(ctx, answered, "")
	must(t, err)
	must(t, s.store.Decide(ctx, care.Decision{Post: answered.ID(), Outcome: care.OutcomeAnswered, At: noon}))
	wantCode(t, s.store.Reopen(ctx, answered), care.Conflict)
}

// testRethink changes a post whose answer waits: the plan goes, once, and the post
// stays undecided from when it was. A decided post keeps its plan.
func testRethink(t *testing.T, s *suite) {
	p := post()
	_, err := s.store.ClaimPost(ctx, p, "cor")
	must(t, err)
	plan := care.Plan{Action: care.ActionAnswer, Rule: "hours", Text: "We open at nine."}
	_, _, err = s.store.SavePlan(ctx, p.ID(), plan, &care.Triage{Intent: "opening-hours"})
	must(t, err)
	edited := p
	edited.Text, edited.ReceivedAt = "@VeloriaCare it caught fire!", noon.Add(time.Minute)
	must(t, s.store.Rethink(ctx, edited))
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	if r.Plan != nil || r.Triage != nil || r.Outcome != "" || r.Post.Text != edited.Text || r.Edits != 1 || r.Correlation != "cor" {
		t.Fatalf("after the edit: %+v", r)
	}
	wantEqual(t, "received", r.Post.ReceivedAt, p.ReceivedAt)
	plan.Rule, plan.Text = "", ""
	plan.Action = care.ActionEscalate
	_, fresh, err := s.store.SavePlan(ctx, p.ID(), plan, nil)
	must(t, err)
	wantEqual(t, "a fresh plan", fresh, true)
	must(t, s.store.Rethink(ctx, edited)) // delivered again: the plan for this wording stays
	older := edited
	older.ReceivedAt = noon.Add(30 * time.Second)
	must(t, s.store.Rethink(ctx, older)) // overtaken
	r, err = s.store.Post(ctx, p.ID())
	must(t, err)
	if r.Plan == nil || r.Plan.Action != care.ActionEscalate {
		t.Fatalf("a repeat took the plan of this wording: %+v", r.Plan)
	}
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeEscalated, At: noon}))
	later := edited
	later.ReceivedAt = noon.Add(time.Hour)
	wantCode(t, s.store.Rethink(ctx, later), care.Conflict)
	if r, err = s.store.Post(ctx, p.ID()); err != nil || r.Plan == nil || r.Edits != 1 {
		t.Fatalf("a decided post: %+v, %v", r, err)
	}
}

func testTombstone(t *testing.T, s *suite) {
	p := post()
	p.Private, p.Thread = true, p.Author.ID // as in a direct message
	_, err := s.store.ClaimPost(ctx, p, "cor")
	must(t, err)
	_, _, err = s.store.SavePlan(ctx, p.ID(), care.Plan{Action: care.ActionAnswer, Rule: "hours", Text: "Hello Nora"}, nil)
	must(t, err)
	must(t, s.store.PutInteraction(ctx, interactionOf(p, "cus_gone"+p.NativeID)))
	must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeAnswered, At: noon}))
	at := noon.Add(time.Hour)
	must(t, s.store.Tombstone(ctx, p.ID(), at))
	must(t, s.store.Tombstone(ctx, p.ID(), at.Add(time.Hour))) // delivered twice
	edited := p
	edited.ReceivedAt = at.Add(time.Minute)
	wantCode(t, s.store.EditPost(ctx, edited), care.Refused)
	wantCode(t, s.store.Reopen(ctx, edited), care.Refused)
	must(t, s.store.PutInteraction(ctx, interactionOf(p, "cus_gone"+p.NativeID))) // a repeat of the workflow

	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "what is left of the post", r.Post, care.Post{Platform: p.Platform, NativeID: p.NativeID, Account: p.Account,
		Kind: p.Kind, Private: true, CreatedAt: p.CreatedAt, ReceivedAt: p.ReceivedAt})
	wantEqual(t, "deleted at", r.Deleted, at)
	wantEqual(t, "outcome", r.Outcome, care.OutcomeAnswered)
	wantEqual(t, "plan", r.Plan, &care.Plan{Action: care.ActionAnswer, Rule: "hours"})
	entries, _, err := s.store.Timeline(ctx, care.CustomerID("cus_gone"+p.NativeID), 10, "")
	must(t, err)
	wantEqual(t, "timeline", entries, []care.Interaction{{ID: string(p.ID()), Kind: care.InteractionTombstone,
		Customer: care.CustomerID("cus_gone" + p.NativeID), Conversation: "con_1", Platform: p.Platform, Private: true,
		At: p.CreatedAt, By: "customer", Detail: map[string]string{"deletedAt": "2026-03-01T13:00:00Z"}}})
	s.wantNowhere(t, p.NativeID, "VeloBox", "Nora", "nora_reads", p.Author.ID)
}

// wantNowhere reads every item whose key has a part in it, as it is stored, and
// looks for words that must be gone.
func (s *suite) wantNowhere(t *testing.T, part string, words ...string) {
	t.Helper()
	items := 0
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, it := range page.Items {
			b, err := json.Marshal(it)
			must(t, err)
			if !strings.Contains(string(b), part) {
				continue
			}
			items++
			for _, w := range words {
				if strings.Contains(string(b), w) {
					t.Errorf("%q is still stored: %s", w, b)
				}
			}
		}
	}
	if items == 0 {
		t.Fatal("nothing is stored at all")
	}
}

func testTombstoneFirst(t *testing.T, s *suite) {
	p := post()
	must(t, s.store.Tombstone(ctx, p.ID(), noon))
	claim, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	wantEqual(t, "claim", claim, store.Claim{Outcome: care.OutcomeIgnored, Deleted: true, Claimed: s.clock.Now()})
	must(t, s.store.PutInteraction(ctx, interactionOf(p, "cus_first"+p.NativeID)))
	i, err := s.store.Interaction(ctx, string(p.ID()))
	must(t, err)
	if i.Kind != care.InteractionTombstone || i.Text != "" {
		t.Fatalf("the timeline has %+v, want a tombstone", i)
	}
	s.wantNowhere(t, p.NativeID, "VeloBox", "Nora")
}

func testTombstoneRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	for range 20 {
		p := post()
		race(2, func(i int) {
			var err error
			if i == 0 {
				_, err = s.store.ClaimPost(ctx, p, "")
			} else {
				err = s.store.Tombstone(ctx, p.ID(), noon)
			}
			if err != nil {
				t.Error(err)
			}
		})
		r, err := s.store.Post(ctx, p.ID())
		must(t, err)
		if r.Post.Text != "" || r.Deleted.IsZero() {
			t.Fatalf("deleted and claimed at once, the post is %+v", r)
		}
	}
}

// --- customers

func account(scheme string) care.Identity {
	return care.Identity{Scheme: scheme, Value: unique(""), Handle: "nora_reads", Linked: noon}
}

func testProspect(t *testing.T, s *suite) {
	i := account("x")
	fresh := care.Customer{ID: care.CustomerID(unique("cus_")), Name: "Nora", Created: noon}
	_, err := s.store.Identity(ctx, i.Scheme, i.Value)
	wantCode(t, err, care.NotFound)
	_, _, err = s.store.CustomerByIdentity(ctx, i.Scheme, i.Value)
	wantCode(t, err, care.NotFound)
	c, created, err := s.store.EnsureProspect(ctx, i, fresh)
	must(t, err)
	want := fresh
	want.Prospect, want.Version = true, 1
	wantEqual(t, "created", created, true)
	wantEqual(t, "prospect", c, want)
	c, created, err = s.store.EnsureProspect(ctx, i, care.Customer{ID: care.CustomerID(unique("cus_"))})
	must(t, err)
	wantEqual(t, "created again", created, false)
	wantEqual(t, "prospect again", c, want)
	i.Customer = fresh.ID
	c, got, err := s.store.CustomerByIdentity(ctx, i.Scheme, i.Value)
	must(t, err)
	wantEqual(t, "customer by identity", c, want)
	wantEqual(t, "identity", got, i)
	list, err := s.store.Identities(ctx, fresh.ID)
	must(t, err)
	wantEqual(t, "identities", list, []care.Identity{i})
	for _, bad := range []care.Identity{{Scheme: "x"}, {Value: "1"}} {
		_, _, err = s.store.EnsureProspect(ctx, bad, fresh)
		wantCode(t, err, care.Invalid)
	}
	_, err = s.store.Customer(ctx, "cus_nobody")
	wantCode(t, err, care.NotFound)
	_, err = s.store.Identity(ctx, "email", "")
	wantCode(t, err, care.Invalid)
}

func testProspectRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	i := account("x")
	var created atomic.Int64
	got := make([]care.CustomerID, racers)
	race(racers, func(n int) {
		c, first, err := s.store.EnsureProspect(ctx, i, care.Customer{ID: care.CustomerID(fmt.Sprint("cus_", n, i.Value))})
		if err != nil {
			t.Error(err)
		}
		if first {
			created.Add(1)
		}
		got[n] = c.ID
	})
	if created.Load() != 1 {
		t.Errorf("%d prospects were created, want 1", created.Load())
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 1 {
		t.Errorf("callers got the customers %v, want one", got)
	}
}

func testPutCustomer(t *testing.T, s *suite) {
	c := care.Customer{ID: care.CustomerID(unique("cus_")), External: "K-1", Name: "Bill", Tier: "gold", Value: 1200, Created: noon,
		Attributes: map[string]string{"plan": "Veloria Fiber"}, Consent: care.Consent{Invite: true}}
	email, phone := account("email"), account("phone")
	refused, err := s.store.PutCustomer(ctx, c, []care.Identity{email, phone, email})
	must(t, err)
	wantEqual(t, "refused", len(refused), 0)
	got, list, err := s.store.CustomerRecord(ctx, c.ID)
	must(t, err)
	c.Version, email.Customer, phone.Customer = 1, c.ID, c.ID
	wantEqual(t, "customer", got, c)
	wantEqual(t, "identities", list, []care.Identity{phone, email})

	refused, err = s.store.PutCustomer(ctx, got, list) // imported again
	must(t, err)
	wantEqual(t, "refused", len(refused), 0)
	if got, _, err = s.store.CustomerRecord(ctx, c.ID); err != nil || got.Version != 1 {
		t.Fatalf("an import that changes nothing wrote version %d, error %v", got.Version, err)
	}

	got.Tier, email.Grade = "platinum", care.GradeAsserted
	_, err = s.store.PutCustomer(ctx, got, []care.Identity{email}) // the phone is gone
	must(t, err)
	after, list, err := s.store.CustomerRecord(ctx, c.ID)
	must(t, err)
	wantEqual(t, "version", after.Version, 2)
	wantEqual(t, "tier", after.Tier, "platinum")
	wantEqual(t, "identities", list, []care.Identity{email})
	_, err = s.store.Identity(ctx, phone.Scheme, phone.Value)
	wantCode(t, err, care.NotFound)
	i, err := s.store.Identity(ctx, email.Scheme, email.Value)
	must(t, err)
	wantEqual(t, "grade", i.Grade, care.GradeAsserted)

	_, err = s.store.PutCustomer(ctx, got, nil) // version 1 is history
	wantCode(t, err, care.Conflict)
	_, err = s.store.PutCustomer(ctx, care.Customer{ID: c.ID}, nil)
	wantCode(t, err, care.Conflict)
	_, err = s.store.PutCustomer(ctx, care.Customer{ID: care.CustomerID(unique("cus_"))}, manyIdentities(41))
	wantCode(t, err, care.Invalid)
	full := care.Customer{ID: care.CustomerID(unique("cus_"))}
	_, err = s.store.PutCustomer(ctx, full, manyIdentities(40))
	must(t, err)
}

func manyIdentities(n int) []care.Identity {
	list := make([]care.Identity, n)
	for i := range list {
		list[i] = account("email")
	}
	return list
}

func testPutTakesOver(t *testing.T, s *suite) {
	x, mastodon := account("x"), account("mastodon")
	one, two := care.Customer{ID: care.CustomerID(unique("cus_p"))}, care.Customer{ID: care.CustomerID(unique("cus_p"))}
	_, _, err := s.store.EnsureProspect(ctx, x, one)
	must(t, err)
	_, _, err = s.store.EnsureProspect(ctx, mastodon, two)
	must(t, err)
	bluesky := account("bluesky") // the first prospect has two accounts
	bluesky.Customer = one.ID
	must(t, s.store.LinkIdentity(ctx, bluesky, ""))
	c := care.Customer{ID: care.CustomerID(unique("cus_"))}
	refused, err := s.store.PutCustomer(ctx, c, []care.Identity{x, mastodon, account("email"), bluesky})
	must(t, err)
	wantEqual(t, "refused", len(refused), 0)
	for _, i := range []care.Identity{x, mastodon, bluesky} {
		owner, _, err := s.store.CustomerByIdentity(ctx, i.Scheme, i.Value)
		must(t, err)
		wantEqual(t, "owner", owner.ID, c.ID)
	}
	for _, p := range []care.CustomerID{one.ID, two.ID} {
		list, err := s.store.Identities(ctx, p)
		must(t, err)
		wantEqual(t, "the prospect's identities", len(list), 0)
	}
	// The prospect gets it back when nobody has it any more.
	got, err := s.store.Customer(ctx, c.ID)
	must(t, err)
	_, err = s.store.PutCustomer(ctx, got, nil)
	must(t, err)
	back, created, err := s.store.EnsureProspect(ctx, x, one)
	must(t, err)
	wantEqual(t, "created", created, false)
	wantEqual(t, "owner", back.ID, one.ID)
	list, err := s.store.Identities(ctx, one.ID)
	must(t, err)
	wantEqual(t, "identities", len(list), 1)
}

func testPutRefuses(t *testing.T, s *suite) {
	shared := account("phone") // a family's phone number
	first, second := care.Customer{ID: care.CustomerID(unique("cus_"))}, care.Customer{ID: care.CustomerID(unique("cus_"))}
	_, err := s.store.PutCustomer(ctx, first, []care.Identity{shared})
	must(t, err)
	own := account("email")
	refused, err := s.store.PutCustomer(ctx, second, []care.Identity{shared, own})
	must(t, err)
	if len(refused) != 1 || refused[0].Value != shared.Value || refused[0].Customer != first.ID {
		t.Fatalf("refused %+v, want the phone number, which is %s's", refused, first.ID)
	}
	list, err := s.store.Identities(ctx, second.ID)
	must(t, err)
	if len(list) != 1 || list[0].Value != own.Value {
		t.Fatalf("the second customer has %+v, want its own e-mail address only", list)
	}
	i, err := s.store.Identity(ctx, shared.Scheme, shared.Value)
	must(t, err)
	wantEqual(t, "owner", i.Customer, first.ID)
}

func testLink(t *testing.T, s *suite) {
	x := account("x")
	prospect, known := care.Customer{ID: care.CustomerID(unique("cus_p"))}, care.Customer{ID: care.CustomerID(unique("cus_"))}
	_, _, err := s.store.EnsureProspect(ctx, x, prospect)
	must(t, err)
	email := account("email")
	_, err = s.store.PutCustomer(ctx, known, []care.Identity{email})
	must(t, err)
	x.Customer, x.Grade = known.ID, care.GradeVerified
	wantCode(t, s.store.LinkIdentity(ctx, x, ""), care.Conflict)
	wantCode(t, s.store.LinkIdentity(ctx, x, "cus_someone-else"), care.Conflict)
	must(t, s.store.LinkIdentity(ctx, x, prospect.ID))
	must(t, s.store.LinkIdentity(ctx, x, prospect.ID)) // repeated
	owner, i, err := s.store.CustomerByIdentity(ctx, "x", x.Value)
	must(t, err)
	wantEqual(t, "owner", owner.ID, known.ID)
	wantEqual(t, "identity", i, x)
	list, err := s.store.Identities(ctx, known.ID)
	must(t, err)
	email.Customer = known.ID
	wantEqual(t, "identities", list, []care.Identity{email, x})
	list, err = s.store.Identities(ctx, prospect.ID)
	must(t, err)
	wantEqual(t, "the prospect's identities", len(list), 0)
	x.Customer = "cus_nobody"
	wantCode(t, s.store.LinkIdentity(ctx, x, known.ID), care.NotFound)
}

func testLinkRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	x := account("x")
	customers := make([]care.Customer, 4)
	for n := range customers {
		customers[n].ID = care.CustomerID(unique("cus_"))
		_, err := s.store.PutCustomer(ctx, customers[n], nil)
		must(t, err)
	}
	var won atomic.Int64
	race(len(customers), func(n int) {
		i := x
		i.Customer = customers[n].ID
		switch err := s.store.LinkIdentity(ctx, i, ""); care.CodeOf(err) {
		case "":
			won.Add(1)
		case care.Conflict:
		default:
			t.Error(err)
		}
	})
	wantEqual(t, "winners", won.Load(), int64(1))
	owner, err := s.store.Identity(ctx, x.Scheme, x.Value)
	must(t, err)
	for _, c := range customers {
		list, err := s.store.Identities(ctx, c.ID)
		must(t, err)
		if has := len(list) == 1; has != (owner.Customer == c.ID) {
			t.Errorf("%s lists %d identities, the owner is %s", c.ID, len(list), owner.Customer)
		}
	}
}

func testUpdateCustomerRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	c := care.Customer{ID: care.CustomerID(unique("cus_")), Attributes: map[string]string{}}
	email := account("email")
	_, err := s.store.PutCustomer(ctx, c, []care.Identity{email})
	must(t, err)
	race(8, func(n int) {
		if _, err := s.store.UpdateCustomer(ctx, c.ID, func(c *care.Customer) error {
			if c.Attributes == nil {
				c.Attributes = make(map[string]string)
			}
			c.Attributes[fmt.Sprint("note", n)] = "seen"
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	got, list, err := s.store.CustomerRecord(ctx, c.ID)
	must(t, err)
	wantEqual(t, "notes", len(got.Attributes), 8)
	wantEqual(t, "version", got.Version, 9)
	wantEqual(t, "identities", len(list), 1)
	boom := errors.New("changed my mind")
	if _, err := s.store.UpdateCustomer(ctx, c.ID, func(*care.Customer) error { return boom }); err != boom {
		t.Errorf("error %v, want the caller's own", err)
	}
	same, err := s.store.UpdateCustomer(ctx, c.ID, func(*care.Customer) error { return nil })
	must(t, err)
	wantEqual(t, "version after no change", same.Version, 9)
	_, err = s.store.UpdateCustomer(ctx, "cus_nobody", func(*care.Customer) error { return nil })
	wantCode(t, err, care.NotFound)
}

func testFind(t *testing.T, s *suite) {
	c := care.Customer{ID: care.CustomerID(unique("cus_")), Name: "Bill"}
	x, email := account("x"), account("email")
	_, err := s.store.PutCustomer(ctx, c, []care.Identity{x, email})
	must(t, err)
	found, owners, err := s.store.Find(ctx, account("x"), email, account("mastodon"), x, email)
	must(t, err)
	email.Customer, x.Customer, c.Version = c.ID, c.ID, 1
	wantEqual(t, "found", found, []care.Identity{email, x, email})
	wantEqual(t, "owners", owners, map[care.CustomerID]care.Customer{c.ID: c})
	found, owners, err = s.store.Find(ctx, account("x"))
	must(t, err)
	wantEqual(t, "found", len(found)+len(owners), 0)
}

// --- conversations

func conversation(customer care.CustomerID) care.Conversation {
	return care.Conversation{Customer: customer, Thread: "x:7001001:" + unique(""), Platform: care.X, State: care.StateOpen,
		Public: true, Opened: noon, Last: noon}
}

func testEnsureConversation(t *testing.T, s *suite) {
	fresh := conversation("")
	c, created, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	want := fresh
	want.ID, want.Version = store.ConversationID(fresh.Thread), 1
	wantEqual(t, "created", created, true)
	wantEqual(t, "conversation", c, want)
	again := fresh
	again.Opened = noon.Add(time.Hour)
	c, created, err = s.store.EnsureConversation(ctx, fresh.Thread, again)
	must(t, err)
	wantEqual(t, "created again", created, false)
	wantEqual(t, "conversation again", c, want)
	c, err = s.store.Conversation(ctx, want.ID)
	must(t, err)
	wantEqual(t, "conversation by id", c, want)
	_, err = s.store.Conversation(ctx, "con_nothing")
	wantCode(t, err, care.NotFound)
	_, _, err = s.store.EnsureConversation(ctx, "", fresh)
	wantCode(t, err, care.Invalid)
}

func testEnsureConversationRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	fresh := conversation(care.CustomerID(unique("cus_")))
	var created atomic.Int64
	opened := make([]time.Time, racers)
	race(racers, func(n int) {
		mine := fresh
		mine.Opened = noon.Add(time.Duration(n) * time.Second)
		c, first, err := s.store.EnsureConversation(ctx, fresh.Thread, mine)
		if err != nil {
			t.Error(err)
		}
		if first {
			created.Add(1)
		}
		opened[n] = c.Opened
	})
	wantEqual(t, "creators", created.Load(), int64(1))
	for _, o := range opened {
		wantEqual(t, "what each caller sees", o, opened[0])
	}
	open, err := s.store.OpenConversations(ctx, fresh.Customer)
	must(t, err)
	wantEqual(t, "open conversations", len(open), 1)
}

func testUpdateConversation(t *testing.T, s *suite) {
	fresh := conversation("")
	c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	got, err := s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error {
		c.State, c.Agent, c.ID, c.Version = care.StateWaiting, "Ana", "con_forged", 77
		return nil
	})
	must(t, err)
	want := c
	want.State, want.Agent, want.Version = care.StateWaiting, "Ana", 2
	wantEqual(t, "conversation", got, want)
	got, err = s.store.Conversation(ctx, c.ID)
	must(t, err)
	wantEqual(t, "stored conversation", got, want)
	got, err = s.store.UpdateConversation(ctx, c.ID, func(*care.Conversation) error { return nil })
	must(t, err)
	wantEqual(t, "version after no change", got.Version, 2)
	boom := errors.New("changed my mind")
	if _, err = s.store.UpdateConversation(ctx, c.ID, func(*care.Conversation) error { return boom }); err != boom {
		t.Errorf("error %v, want the caller's own", err)
	}
	_, err = s.store.UpdateConversation(ctx, "con_nothing", func(*care.Conversation) error { return nil })
	wantCode(t, err, care.NotFound)
}

func testUpdateConversationRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	fresh := conversation("")
	c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	var failed atomic.Int64
	race(racers, func(int) {
		_, err := s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error { c.Episode++; return nil })
		if care.CodeOf(err) == care.Conflict {
			failed.Add(1) // too many at once: the caller repeats
		} else if err != nil {
			t.Error(err)
		}
	})
	c, err = s.store.Conversation(ctx, c.ID)
	must(t, err)
	wantEqual(t, "increments that were reported", c.Episode, racers-int(failed.Load()))
	if failed.Load() > racers/4 {
		t.Errorf("%d of %d callers lost every race", failed.Load(), racers)
	}
}

func testUpdateAnswerLost(t *testing.T, s *suite) {
	table, l := s.lossy()
	fresh := conversation("")
	c, _, err := table.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	l.arm("UpdateItem")
	c, err = table.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error { c.Episode++; return nil })
	must(t, err)
	wantEqual(t, "answers lost", l.lost.Load(), int64(1))
	wantEqual(t, "episode", c.Episode, 1)
	c, err = s.store.Conversation(ctx, c.ID)
	must(t, err)
	wantEqual(t, "stored episode", c.Episode, 1)
}

func testOpenConversations(t *testing.T, s *suite) {
	customer, other := care.CustomerID(unique("cus_")), care.CustomerID(unique("cus_"))
	var all []care.Conversation
	for _, state := range []care.State{care.StateOpen, care.StateWaiting, care.StateResolved} {
		fresh := conversation(customer)
		fresh.State = state
		c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
		must(t, err)
		all = append(all, c)
	}
	want := func(of care.CustomerID, want ...int) {
		t.Helper()
		list, err := s.store.OpenConversations(ctx, of)
		must(t, err)
		var got []int
		for _, c := range list {
			got = append(got, slices.IndexFunc(all, func(o care.Conversation) bool { return o.ID == c.ID }))
		}
		slices.Sort(got)
		wantEqual(t, "open conversations", got, want)
	}
	set := func(n int, fn func(*care.Conversation)) {
		t.Helper()
		_, err := s.store.UpdateConversation(ctx, all[n].ID, func(c *care.Conversation) error { fn(c); return nil })
		must(t, err)
	}
	want(customer, 0, 1)
	set(0, func(c *care.Conversation) { c.State = care.StateResolved })
	want(customer, 1)
	set(0, func(c *care.Conversation) { c.State = care.StateOpen })
	set(2, func(c *care.Conversation) { c.State = care.StateWaiting })
	want(customer, 0, 1, 2)
	set(1, func(c *care.Conversation) { c.Customer = other })
	want(customer, 0, 2)
	want(other, 1)
	set(1, func(c *care.Conversation) { c.Customer, c.State = customer, care.StateResolved })
	want(customer, 0, 2)
	want(other)
	want("")
}

// testOpenConversationsRace resolves and reopens from many sides: an open
// conversation must never be missing from its customer's list.
func testOpenConversationsRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	customer := care.CustomerID(unique("cus_"))
	fresh := conversation(customer)
	c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	for range 15 {
		race(6, func(n int) {
			state := care.StateResolved
			if n%2 == 0 {
				state = care.StateOpen
			}
			if _, err := s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error { c.State = state; return nil }); err != nil {
				t.Error(err)
			}
		})
		now, err := s.store.Conversation(ctx, c.ID)
		must(t, err)
		list, err := s.store.OpenConversations(ctx, customer)
		must(t, err)
		if open := now.State == care.StateOpen; open != (len(list) == 1) {
			t.Fatalf("the conversation is %s, and %d are listed as open", now.State, len(list))
		}
	}
}

// between is a client that lets something happen just before a request.
type between struct {
	*dynamodb.Client
	del, batch func()
}

func (b *between) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	if happen := b.del; happen != nil {
		b.del = nil
		happen()
	}
	return b.Client.DeleteItem(ctx, in, o...)
}

func (b *between) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if happen := b.batch; happen != nil {
		b.batch = nil
		happen()
	}
	return b.Client.BatchGetItem(ctx, in, o...)
}

// testResolvedAndReopened reopens a conversation while someone slow is still
// taking it off the list of open ones.
func testResolvedAndReopened(t *testing.T, s *suite) {
	fresh := conversation(care.CustomerID(unique("cus_")))
	c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	set := func(table *store.Table, state care.State) {
		t.Helper()
		_, err := table.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error { c.State = state; return nil })
		must(t, err)
	}
	slow := &between{Client: s.client, del: func() { set(s.store, care.StateOpen) }}
	set(store.New(slow, s.table, s.clock.Now), care.StateResolved)
	if slow.del != nil {
		t.Fatal("nothing was taken off the list")
	}
	list, err := s.store.OpenConversations(ctx, fresh.Customer)
	must(t, err)
	wantEqual(t, "open conversations", len(list), 1)
}

// testIndexLags changes what the index listed before it is read: the lists must
// go by the items, not by the index.
func testIndexLags(t *testing.T, s *suite) {
	slow := new(between)
	slow.Client = s.client
	table := store.New(slow, s.table, s.clock.Now)

	p := post()
	_, err := s.store.ClaimPost(ctx, p, "")
	must(t, err)
	slow.batch = func() {
		must(t, s.store.Decide(ctx, care.Decision{Post: p.ID(), Outcome: care.OutcomeIgnored, At: noon}))
	}
	records, err := table.Undecided(ctx, noon.Add(time.Hour), 10)
	must(t, err)
	wantEqual(t, "undecided", len(records), 0)

	fresh := conversation("")
	fresh.Escalation = &care.Escalation{Queue: "support", DueAt: noon}
	c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
	must(t, err)
	due, err := table.DueConversations(ctx, "support", noon.Add(time.Hour), 10)
	must(t, err)
	wantEqual(t, "due", len(due), 1)
	slow.batch = func() {
		_, err := s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error { c.Escalation.Queue = "billing"; return nil })
		must(t, err)
	}
	due, err = table.DueConversations(ctx, "support", noon.Add(time.Hour), 10)
	must(t, err)
	wantEqual(t, "due after it left the queue", len(due), 0)
}

func testDue(t *testing.T, s *suite) {
	var all []care.Conversation
	for n := range 3 {
		fresh := conversation("")
		c, _, err := s.store.EnsureConversation(ctx, fresh.Thread, fresh)
		must(t, err)
		c, err = s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error {
			c.Escalation = &care.Escalation{Queue: "support", DueAt: noon.Add(time.Duration(3-n) * time.Hour)}
			return nil
		})
		must(t, err)
		all = append(all, c)
	}
	want := func(queue string, before time.Time, limit int, want ...int) {
		t.Helper()
		list, err := s.store.DueConversations(ctx, queue, before, limit)
		must(t, err)
		var got []int
		for _, c := range list {
			got = append(got, slices.IndexFunc(all, func(o care.Conversation) bool { return o.ID == c.ID }))
		}
		wantEqual(t, "due", got, want)
	}
	later := noon.Add(24 * time.Hour)
	want("support", later, 10, 2, 1, 0)
	want("support", later, 2, 2, 1)
	want("support", noon.Add(150*time.Minute), 10, 2, 1)
	want("billing", later, 10)
	set := func(n int, fn func(*care.Conversation)) {
		t.Helper()
		_, err := s.store.UpdateConversation(ctx, all[n].ID, func(c *care.Conversation) error { fn(c); return nil })
		must(t, err)
	}
	set(2, func(c *care.Conversation) { c.Escalation.Queue = "billing" })
	set(1, func(c *care.Conversation) { c.State = care.StateResolved })
	set(0, func(c *care.Conversation) { c.Escalation.Warned = true })
	want("support", later, 10, 0)
	want("billing", later, 10, 2)
	set(0, func(c *care.Conversation) { c.Escalation = nil })
	want("support", later, 10)
}

// --- timelines

func interactionOf(p care.Post, customer string) care.Interaction {
	return care.Interaction{ID: string(p.ID()), Kind: care.InteractionPost, Customer: care.CustomerID(customer), Conversation: "con_1",
		Platform: p.Platform, Private: p.Private, At: p.CreatedAt, Text: p.Text, By: "customer",
		Detail: map[string]string{"handle": p.Author.Handle}}
}

func testTimelinePages(t *testing.T, s *suite) {
	customer := care.CustomerID(unique("cus_"))
	// Other items of the customer must not show up in its timeline.
	_, err := s.store.PutCustomer(ctx, care.Customer{ID: customer}, nil)
	must(t, err)
	open := conversation(customer)
	_, _, err = s.store.EnsureConversation(ctx, open.Thread, open)
	must(t, err)
	_, _, err = s.store.ReserveInvitation(ctx, care.Invitation{ID: unique("inv"), Customer: customer})
	must(t, err)
	const n = 25
	var want []string
	for i := range n {
		at := noon.Add(time.Duration(i/2) * time.Hour) // two at the same time
		if i%2 == 1 {
			at = at.In(time.FixedZone("elsewhere", 7200))
		}
		id := fmt.Sprintf("note:%s:%02d", customer, i)
		must(t, s.store.PutInteraction(ctx, care.Interaction{ID: id, Kind: care.InteractionNote, Customer: customer, At: at}))
		want = append(want, id)
	}
	slices.Reverse(want)
	for _, size := range []int{1, 4, 24, 25, 26, 200} {
		var got []string
		pages, cursor := 0, ""
		for {
			page, next, err := s.store.Timeline(ctx, customer, size, cursor)
			must(t, err)
			if len(page) > size || len(page) == 0 && pages > 0 {
				t.Fatalf("a page of %d entries when at most %d were asked for", len(page), size)
			}
			for _, i := range page {
				got = append(got, i.ID)
			}
			pages++
			if next == "" {
				break
			}
			cursor = next
		}
		wantEqual(t, fmt.Sprint("pages of ", size), got, want)
		wantEqual(t, fmt.Sprint("number of pages of ", size), pages, (n+size-1)/size)
	}
	empty, next, err := s.store.Timeline(ctx, "cus_nobody", 10, "")
	must(t, err)
	wantEqual(t, "an empty timeline", len(empty)+len(next), 0)
}

func testTimelineIdempotent(t *testing.T, s *suite) {
	customer := care.CustomerID(unique("cus_"))
	i := care.Interaction{ID: unique("contact:"), Kind: care.InteractionCall, Customer: customer, Platform: care.Phone, At: noon, By: "Ana"}
	must(t, s.store.PutInteraction(ctx, i))
	ended := i
	ended.At, ended.Detail = noon.Add(7*time.Minute), map[string]string{"seconds": "420"} // a later fact about the same call
	must(t, s.store.PutInteraction(ctx, ended))
	must(t, s.store.PutInteraction(ctx, ended))
	list, _, err := s.store.Timeline(ctx, customer, 10, "")
	must(t, err)
	ended.At = noon
	wantEqual(t, "timeline", list, []care.Interaction{ended})
}

func testTimelineMoves(t *testing.T, s *suite) {
	from, to := care.CustomerID(unique("cus_p")), care.CustomerID(unique("cus_"))
	i := care.Interaction{ID: unique("x:"), Kind: care.InteractionPost, Conversation: care.ConversationID(unique("con_")), Platform: care.X, At: noon, Text: "hi"}
	for _, owner := range []care.CustomerID{"", from, to, from} {
		i.Customer = owner
		must(t, s.store.PutInteraction(ctx, i))
		for _, c := range []care.CustomerID{from, to} {
			list, _, err := s.store.Timeline(ctx, c, 10, "")
			must(t, err)
			if has := len(list) == 1; has != (c == owner) {
				t.Fatalf("moved to %q: %q lists %d entries", owner, c, len(list))
			}
		}
		list, _, err := s.store.Unnamed(ctx, i.Conversation, 10, "")
		must(t, err)
		if has := len(list) == 1; has != (owner == "") {
			t.Fatalf("moved to %q: the conversation lists %d entries without an author", owner, len(list))
		}
	}
}

func testTimelineUnnamed(t *testing.T, s *suite) {
	conversation := care.ConversationID(unique("con_"))
	const n = 30
	var want []string
	for i := range n {
		id := fmt.Sprintf("facebook:%s_%02d", conversation, i)
		must(t, s.store.PutInteraction(ctx, care.Interaction{ID: id, Kind: care.InteractionPost, Conversation: conversation,
			Platform: care.Facebook, At: noon.Add(time.Duration(i) * time.Minute)}))
		want = append(want, id)
	}
	slices.Reverse(want)
	var got []string
	for cursor, pages := "", 0; pages < n; pages++ {
		page, next, err := s.store.Unnamed(ctx, conversation, 7, cursor)
		must(t, err)
		for _, i := range page {
			got = append(got, i.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	wantEqual(t, "entries", got, want)
	partitions := make(map[string]bool)
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table, ProjectionExpression: aws.String("pk")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		for _, it := range page.Items {
			if pk := it["pk"].(*types.AttributeValueMemberS).Value; strings.HasPrefix(pk, "ANONYMOUS#"+string(conversation)) {
				partitions[pk] = true
			}
		}
	}
	if len(partitions) < 4 {
		t.Errorf("%d comments of one thread are on %d keys, want them spread", n, len(partitions))
	}
}

func testTimelineErrors(t *testing.T, s *suite) {
	for _, bad := range []care.Interaction{
		{Kind: care.InteractionNote, Customer: "cus_1", At: noon},
		{ID: "note:1", Kind: care.InteractionNote, At: noon},
		{ID: "note:1", Kind: care.InteractionNote, Customer: "cus_1"},
		{ID: "note:" + strings.Repeat("x", 1024), Kind: care.InteractionNote, Customer: "cus_1", At: noon},
	} {
		wantCode(t, s.store.PutInteraction(ctx, bad), care.Invalid)
	}
	for _, cursor := range []string{"x", "!!", "UEFHRQ", strings.Repeat("A", 4000)} {
		_, _, err := s.store.Timeline(ctx, "cus_1", 10, cursor)
		wantCode(t, err, care.Invalid)
	}
	for _, limit := range []int{0, -1, 201} {
		_, _, err := s.store.Timeline(ctx, "cus_1", limit, "")
		wantCode(t, err, care.Invalid)
	}
	_, _, err := s.store.Timeline(ctx, "", 10, "")
	wantCode(t, err, care.Invalid)
	_, err = s.store.Interaction(ctx, unique("note:"))
	wantCode(t, err, care.NotFound)
}

// testTimelineMarksRace writes, edits and deletes one post at the same moment.
func testTimelineMarksRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	for round := range 40 {
		p := post()
		customer := "cus_race" + p.NativeID
		_, err := s.store.ClaimPost(ctx, p, "")
		must(t, err)
		edited := p
		edited.Text, edited.ReceivedAt = "edited wording", noon.Add(time.Minute)
		steps := []func() error{
			func() error { return s.store.PutInteraction(ctx, interactionOf(p, customer)) },
			func() error { return s.store.PutInteraction(ctx, interactionOf(p, customer)) },
			func() error { return s.store.EditPost(ctx, edited) },
		}
		deleted := round%2 == 0
		if deleted {
			steps = append(steps, func() error { return s.store.Tombstone(ctx, p.ID(), noon) })
		}
		rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		race(len(steps), func(n int) {
			if err := steps[n](); err != nil && care.CodeOf(err) != care.Refused {
				t.Error(err)
			}
		})
		list, _, err := s.store.Timeline(ctx, care.CustomerID(customer), 10, "")
		must(t, err)
		if len(list) != 1 {
			t.Fatalf("the timeline has %d entries, want 1", len(list))
		}
		if deleted && (list[0].Kind != care.InteractionTombstone || list[0].Text != "") {
			t.Fatalf("a deleted post's entry is %+v", list[0])
		}
		if !deleted && list[0].Text != edited.Text {
			t.Fatalf("an edited post's entry says %q", list[0].Text)
		}
		if deleted {
			s.wantNowhere(t, p.NativeID, "VeloBox", "edited wording")
		}
	}
}

// --- locks, cursors, caps

func testLock(t *testing.T, s *suite) {
	name := "con_1"
	now := s.clock.Now()
	must(t, s.store.Lock(ctx, name, "bot", now.Add(time.Minute)))
	must(t, s.store.Lock(ctx, name, "bot", now.Add(2*time.Minute)))
	err := s.store.Lock(ctx, name, "Ana", now.Add(time.Minute))
	wantCode(t, err, care.Busy)
	var holder *store.Holder
	if !errors.As(err, &holder) || holder.Owner != "bot" || !holder.Until.Equal(now.Add(2*time.Minute)) {
		t.Errorf("the holder is %+v, want bot until %s", holder, now.Add(2*time.Minute))
	}
	must(t, s.store.Unlock(ctx, name, "bot"))
	must(t, s.store.Unlock(ctx, name, "bot"))
	must(t, s.store.Lock(ctx, name, "Ana", now.Add(time.Minute)))
	wantCode(t, s.store.Unlock(ctx, name, "bot"), care.Conflict)
	s.clock.Advance(59 * time.Second)
	wantCode(t, s.store.Lock(ctx, name, "bot", now.Add(time.Hour)), care.Busy)
	s.clock.Advance(time.Second) // it ran out
	must(t, s.store.Lock(ctx, name, "bot", now.Add(time.Hour)))
	wantCode(t, s.store.Unlock(ctx, name, "Ana"), care.Conflict)
	wantCode(t, s.store.Lock(ctx, name, "", now.Add(time.Hour)), care.Invalid)
	wantCode(t, s.store.Lock(ctx, "con_2", "bot", s.clock.Now()), care.Invalid)
}

func testLockRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	name := unique("con_")
	var held, won atomic.Int64
	race(racers, func(n int) {
		me := fmt.Sprint("owner", n)
		err := s.store.Lock(ctx, name, me, s.clock.Now().Add(time.Minute))
		if care.CodeOf(err) == care.Busy {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		won.Add(1)
		if held.Add(1) > 1 {
			t.Error("two have the lock")
		}
		held.Add(-1)
		if err := s.store.Unlock(ctx, name, me); err != nil {
			t.Error(err)
		}
	})
	if won.Load() == 0 {
		t.Error("nobody got the lock")
	}
}

func testCursor(t *testing.T, s *suite) {
	name := "mastodon:7004001"
	until := s.clock.Now().Add(time.Minute)
	cursor, err := s.store.LeaseCursor(ctx, name, "run-1", until)
	must(t, err)
	wantEqual(t, "cursor", cursor, "")
	_, err = s.store.LeaseCursor(ctx, name, "run-2", until)
	wantCode(t, err, care.Busy)
	wantCode(t, s.store.MoveCursor(ctx, name, "run-2", "99"), care.Conflict)
	must(t, s.store.MoveCursor(ctx, name, "run-1", "10"))
	must(t, s.store.ReleaseCursor(ctx, name, "run-1"))
	must(t, s.store.ReleaseCursor(ctx, name, "run-1"))
	wantCode(t, s.store.MoveCursor(ctx, name, "run-1", "11"), care.Conflict)
	cursor, err = s.store.LeaseCursor(ctx, name, "run-2", until)
	must(t, err)
	wantEqual(t, "cursor", cursor, "10")
	s.clock.Advance(time.Minute) // run-2 was killed
	cursor, err = s.store.LeaseCursor(ctx, name, "run-3", s.clock.Now().Add(time.Minute))
	must(t, err)
	wantEqual(t, "cursor", cursor, "10")
	wantCode(t, s.store.MoveCursor(ctx, name, "run-2", "12"), care.Conflict)
	wantCode(t, s.store.ReleaseCursor(ctx, name, "run-2"), care.Conflict)
	must(t, s.store.MoveCursor(ctx, name, "run-3", "13"))
	_, err = s.store.LeaseCursor(ctx, name, "", until)
	wantCode(t, err, care.Invalid)
}

// taking is one call of Take in a table of them.
type taking struct {
	taker string
	caps  []care.Cap
	full  string
}

func (s *suite) take(t *testing.T, steps ...taking) {
	t.Helper()
	for n, step := range steps {
		full, err := s.store.Take(ctx, step.taker, step.caps, s.clock.Now().Add(time.Hour))
		must(t, err)
		if full != step.full {
			t.Fatalf("step %d, %s: full is %q, want %q", n+1, step.taker, full, step.full)
		}
	}
}

func testCap(t *testing.T, s *suite) {
	one := func(name string, amount, limit int64) care.Cap {
		return care.Cap{Name: name, Bucket: "2026-03-01", Amount: amount, Limit: limit}
	}
	of := func(caps ...care.Cap) []care.Cap { return caps }
	s.take(t,
		taking{"a", of(one("author", 1, 2)), ""},
		taking{"a", of(one("author", 1, 2)), ""}, // takes nothing more
		taking{"b", of(one("author", 1, 2)), ""},
		taking{"c", of(one("author", 1, 2)), "author"},
		taking{"a", of(one("author", 1, 2)), ""},       // keeps its place when it is full
		taking{"a", of(one("author", 1, 0)), ""},       // and when the limit was lowered
		taking{"c", of(one("author", 1, 1)), "author"}, // lowered
		taking{"c", of(one("author", 1, 3)), ""},       // raised: who was turned away may ask again
		taking{"d", of(one("author", 1, 0)), "author"},
		taking{"d", of(one("nobody took yet", 1, 0)), "nobody took yet"},
		taking{"d", nil, ""},
	)
	// Money: what is left is too little for the dear, and enough for the cheap.
	s.take(t,
		taking{"m1", of(one("budget", 200_000, 410_000)), ""},
		taking{"m2", of(one("budget", 200_000, 410_000)), ""},
		taking{"m3", of(one("budget", 200_000, 410_000)), "budget"},
		taking{"m4", of(one("budget", 10_000, 410_000)), ""},
		taking{"m5", of(one("budget", 10_000, 410_000)), "budget"},
		taking{"m6", of(one("another budget", 500_000, 410_000)), "another budget"}, // more than there ever is
	)
	// All or none: the free ones are not touched when one is full.
	s.take(t,
		taking{"x1", of(one("p", 1, 1)), ""},
		taking{"x2", of(one("o", 1, 2), one("p", 1, 1), one("q", 1, 1)), "p"},
		taking{"x3", of(one("q", 1, 1)), ""},                                  // x2 left it alone
		taking{"x4", of(one("o", 1, 2), one("q", 1, 1), one("p", 1, 1)), "q"}, // the first of two full ones
		taking{"x5", of(one("o", 1, 2)), ""},
		taking{"x6", of(one("o", 1, 2)), ""},
		taking{"x7", of(one("o", 1, 2)), "o"},
	)
	var most []care.Cap
	for n := range 8 {
		most = append(most, one(fmt.Sprint("one of eight ", n), 1, 1))
	}
	s.take(t, taking{"y1", most, ""}, taking{"y1", most, ""}, taking{"y2", most, "one of eight 0"}, taking{"y3", most[7:], "one of eight 7"})

	// The time of buckets and takers is over, though the TTL has not removed them.
	s.clock.Advance(time.Hour)
	s.take(t,
		taking{"a", of(one("author", 1, 2), one("fresh", 1, 1)), ""},
		taking{"b", of(one("author", 1, 2)), ""},
		taking{"c", of(one("author", 1, 2)), "author"},
		taking{"d", of(one("budget", 500_000, 410_000)), "budget"},
	)
	other := one("author", 1, 2)
	other.Bucket = "2026-03-02"
	s.take(t, taking{"c", of(other), ""})

	in := s.clock.Now().Add(time.Hour)
	for name, bad := range map[string]struct {
		taker   string
		caps    []care.Cap
		expires time.Time
	}{
		"no taker":         {"", of(one("author", 1, 2)), in},
		"over already":     {"z", of(one("author", 1, 2)), s.clock.Now()},
		"nothing taken":    {"z", of(one("author", 0, 2)), in},
		"less than none":   {"z", of(one("author", -1, 2)), in},
		"the same twice":   {"z", of(one("author", 1, 2), one("author", 1, 3)), in},
		"no name":          {"z", of(one("", 1, 2)), in},
		"no bucket":        {"z", of(care.Cap{Name: "author", Amount: 1, Limit: 2}), in},
		"more than 8 caps": {"z", append(most[:8:8], one("author", 1, 2)), in},
	} {
		if _, err := s.store.Take(ctx, bad.taker, bad.caps, bad.expires); care.CodeOf(err) != care.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

// testCapAnswerLost: the transaction happened, its answer got lost, the SDK sends
// it again: it counts once.
func testCapAnswerLost(t *testing.T, s *suite) {
	breaking := &losing{next: sharedTransport()}
	table := store.New(Client(s.endpoint, breaking), s.table, s.clock.Now)
	budget := []care.Cap{{Name: unique("budget:"), Bucket: "today", Amount: 1, Limit: 2}}
	breaking.arm("TransactWriteItems")
	for _, step := range []taking{{"a", budget, ""}, {"b", budget, ""}, {"c", budget, budget[0].Name}} {
		full, err := table.Take(ctx, unique("")+step.taker, step.caps, s.clock.Now().Add(time.Hour))
		must(t, err)
		wantEqual(t, "full", full, step.full)
	}
	wantEqual(t, "answers lost", breaking.lost.Load(), int64(1))
}

// testCapRace: fifty at once, ten places, and each of them asks twice.
func testCapRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	name := unique("reply:")
	caps := []care.Cap{
		{Name: name, Bucket: "today", Amount: 1, Limit: 10},
		{Name: name + ":budget", Bucket: "today", Amount: 10_000, Limit: 1_000_000},
	}
	var taken atomic.Int64
	race(50, func(n int) {
		var before string
		for again := range 2 {
			full, err := s.store.Take(ctx, fmt.Sprint(name, n), caps, s.clock.Now().Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			if again == 1 && full != before {
				t.Errorf("%d: full is %q, then %q", n, before, full)
			}
			before = full
		}
		if before == "" {
			taken.Add(1)
		}
	})
	wantEqual(t, "taken of 10", taken.Load(), int64(10))
	// The other cap was taken from by those ten only: 90 times 10,000 are left.
	rest := []care.Cap{{Name: name + ":budget", Bucket: "today", Amount: 900_000, Limit: 1_000_000}}
	s.take(t, taking{name + " rest", rest, ""})
	rest[0].Amount = 1
	s.take(t, taking{name + " no more", rest, name + ":budget"})
}

// testStorm: the minutes of a storm, by hand.
func testStorm(t *testing.T, s *suite) {
	intent := unique("outage-")
	start := time.Date(2026, 3, 1, 11, 58, 30, 0, time.UTC)
	for _, at := range []time.Duration{0, 10 * time.Second, 29 * time.Second, 2 * time.Minute, 2 * time.Minute, 10 * time.Minute} {
		must(t, s.store.CountStorm(ctx, intent, start.Add(at)))
	}
	must(t, s.store.CountStorm(ctx, unique("refund-"), start))
	for _, row := range []struct {
		name        string
		now, within time.Duration
		want        int
	}{
		{"at once", 29 * time.Second, time.Minute, 3},
		{"what comes later is not seen", time.Minute, 10 * time.Minute, 3},
		{"the minute in which it begins counts whole", 10 * time.Minute, 10 * time.Minute, 6},
		{"after it", 11 * time.Minute, 10 * time.Minute, 3},
		{"the last minute", 10 * time.Minute, 59 * time.Second, 1},
		{"long after", time.Hour, 10 * time.Minute, 0},
		{"a day back", 24 * time.Hour, 24 * time.Hour, 6},
		{"never more than a day back", 25 * time.Hour, 48 * time.Hour, 0},
	} {
		n, err := s.store.Storm(ctx, intent, start.Add(row.now), row.within)
		must(t, err)
		if n != row.want {
			t.Errorf("%s: %d posts, want %d", row.name, n, row.want)
		}
	}
	race(racers, func(int) {
		if err := s.store.CountStorm(ctx, intent, start.Add(time.Hour)); err != nil {
			t.Error(err)
		}
	})
	n, err := s.store.Storm(ctx, intent, start.Add(time.Hour), 0)
	must(t, err)
	if s.features.Atomic {
		wantEqual(t, "posts at once", n, racers)
	}
	wantCode(t, s.store.CountStorm(ctx, "", start), care.Invalid)
}

// --- invitations, counters, work

func testInvitation(t *testing.T, s *suite) {
	customer := care.CustomerID(unique("cus_"))
	day := fmt.Sprintf("19%02d-01-0%d", rand.IntN(90)+10, rand.IntN(9)+1) // this test's own
	at, err := time.Parse("2006-01-02", day)
	must(t, err)
	i := care.Invitation{ID: unique("inv:"), Customer: customer, After: "call", Episode: "contact-1", Status: "reserved", At: at.Add(23 * time.Hour)}
	stored, created, err := s.store.ReserveInvitation(ctx, i)
	must(t, err)
	wantEqual(t, "created", created, true)
	wantEqual(t, "reserved", stored, i)
	other := i
	other.After = "conversation"
	stored, created, err = s.store.ReserveInvitation(ctx, other)
	must(t, err)
	wantEqual(t, "created again", created, false)
	wantEqual(t, "reserved again", stored, i)
	i.Status, i.At = "sent", at.Add(25*time.Hour) // after midnight: still the day of its reservation
	i.Reasons = []care.Reason{{By: "consent", Text: "The customer agreed to be invited."}}
	must(t, s.store.SaveInvitation(ctx, i))
	must(t, s.store.SaveInvitation(ctx, i))
	withheld := care.Invitation{ID: unique("inv:"), Customer: customer, Status: "withheld", At: at.Add(time.Hour)}
	must(t, s.store.SaveInvitation(ctx, withheld))
	for what, list := range map[string]func() ([]care.Invitation, error){
		"of the customer": func() ([]care.Invitation, error) { return s.store.Invitations(ctx, customer) },
		"of the day":      func() ([]care.Invitation, error) { return s.store.InvitationsOfDay(ctx, day) },
	} {
		got, err := list()
		must(t, err)
		wantEqual(t, "invitations "+what, got, []care.Invitation{i, withheld})
	}
	_, _, err = s.store.ReserveInvitation(ctx, care.Invitation{ID: "inv"})
	wantCode(t, err, care.Invalid)
	wantCode(t, s.store.SaveInvitation(ctx, care.Invitation{Customer: customer}), care.Invalid)
}

func testCounter(t *testing.T, s *suite) {
	day := fmt.Sprintf("18%02d-01-0%d", rand.IntN(90)+10, rand.IntN(9)+1)
	race(16, func(n int) {
		if err := s.store.Count(ctx, day, "received:x", int64(n)); err != nil {
			t.Error(err)
		}
		if err := s.store.Count(ctx, day, "ignored", 1); err != nil {
			t.Error(err)
		}
	})
	got, err := s.store.Counters(ctx, day)
	must(t, err)
	if s.features.Atomic {
		wantEqual(t, "counters", got, map[string]int64{"received:x": 120, "ignored": 16})
	}
	wantCode(t, s.store.Count(ctx, "yesterday", "ignored", 1), care.Invalid)
	wantCode(t, s.store.Count(ctx, day, "", 1), care.Invalid)
}

func testWork(t *testing.T, s *suite) {
	idempotencytest.Run(t, func(clock *idempotencytest.Clock) idempotency.Store {
		return store.New(s.client, s.table, clock.Now)
	})
}

func testWorkRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	keeper := idempotency.New(s.store, s.clock.Now)
	key := unique("reply:")
	var ran atomic.Int64
	results := make([]string, racers)
	race(racers, func(n int) {
		for {
			result, _, err := idempotency.Do(ctx, keeper, key, func(ctx context.Context, a *idempotency.Attempt) (string, error) {
				if err := a.Mark(ctx, "sending"); err != nil {
					return "", err
				}
				ran.Add(1)
				return fmt.Sprint("sent by ", n), nil
			})
			if care.CodeOf(err) == care.Busy {
				time.Sleep(time.Millisecond)
				continue
			}
			if err != nil {
				t.Error(err)
			}
			results[n] = result
			return
		}
	})
	wantEqual(t, "runs", ran.Load(), int64(1))
	for _, r := range results {
		wantEqual(t, "result", r, results[0])
	}
}

func testErrorCodes(t *testing.T, s *suite) {
	missing := store.New(s.client, "no-such-table", s.clock.Now)
	_, err := missing.Post(ctx, "x:1")
	wantCode(t, err, care.Internal)
	nobody := store.New(Client("http://127.0.0.1:1", nil), s.table, s.clock.Now)
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = nobody.Post(short, "x:1")
	wantCode(t, err, care.Unavailable)
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.store.Post(done, "x:1")
	wantCode(t, err, care.Unavailable)
}
