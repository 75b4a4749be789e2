package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/store"
)

func draftOf(id care.PostID) care.Draft {
	return care.Draft{Post: id, Conversation: "con_1", Customer: "cus_1", Platform: care.X, Rule: "refund", Template: "refund", Lang: "en",
		Text: "Your refund is on its way.", ConfigVersion: "7", Correlation: "cor", Status: care.DraftPending,
		Created: noon, Wording: noon, ApproveBy: noon.Add(2 * time.Hour), Reasons: []care.Reason{{By: "rule:refund", Text: "It asks for a refund."}}}
}

// claimed claims a post and gives a draft for it.
func (s *suite) claimed(t *testing.T) care.Draft {
	t.Helper()
	p := post()
	p.ReceivedAt = noon
	_, err := s.store.ClaimPost(ctx, p, "cor")
	must(t, err)
	return draftOf(p.ID())
}

func testProposeDraft(t *testing.T, s *suite) {
	d := s.claimed(t)
	_, err := s.store.Draft(ctx, d.Post)
	wantCode(t, err, care.NotFound)
	got, created, err := s.store.ProposeDraft(ctx, d)
	must(t, err)
	want := d
	want.Version = 1
	wantEqual(t, "proposed", got, want)
	wantEqual(t, "created", created, true)

	other := d
	other.Text, other.ApproveBy = "Something else.", noon.Add(9*time.Hour)
	got, created, err = s.store.ProposeDraft(ctx, other)
	must(t, err)
	wantEqual(t, "a repeat finds", got, want)
	wantEqual(t, "a repeat creates", created, false)

	for name, bad := range map[string]care.Draft{
		"no post": {ApproveBy: noon}, "no end": {Post: d.Post},
		"too long an id": {Post: care.PostID("x:" + string(make([]byte, 1100))), ApproveBy: noon},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := s.store.ProposeDraft(ctx, bad)
			wantCode(t, err, care.Invalid)
		})
	}
}

func testDraftFields(t *testing.T, s *suite) {
	d := s.claimed(t)
	d.Private, d.Approved, d.Status, d.Changed, d.By, d.Why, d.Confirmed = true, "Your refund is here. 🙃", care.DraftApproved, noon.Add(time.Minute), "ana", "It is right.", true
	d.Version = 1
	if zero := zeroFields(d); len(zero) > 0 {
		t.Fatalf("this test must set every field of care.Draft; it leaves %v", zero)
	}
	_, _, err := s.store.ProposeDraft(ctx, d)
	must(t, err)
	got, err := s.store.Draft(ctx, d.Post)
	must(t, err)
	wantEqual(t, "draft", got, d)
}

// testDraftOvertaken: what happened to the post before its draft came keeps the
// draft out, whatever the order in which we heard of it.
func testDraftOvertaken(t *testing.T, s *suite) {
	rows := map[string]struct {
		happens func(p care.Post) error
		wording time.Duration // when the draft's wording came in, after noon
		want    care.Code
	}{
		"deleted": {func(p care.Post) error { return s.store.Tombstone(ctx, p.ID(), noon) }, 0, care.Refused},
		"changed": {func(p care.Post) error {
			p.Text, p.ReceivedAt = "new", noon.Add(time.Second)
			return s.store.EditPost(ctx, p)
		}, 0, care.Refused},
		"changed, and the draft knows": {func(p care.Post) error {
			p.Text, p.ReceivedAt = "new", noon.Add(time.Second)
			return s.store.EditPost(ctx, p)
		}, time.Second, ""},
		"answered":               {func(p care.Post) error { return s.store.PostAnswered(ctx, p.ID(), noon.Add(time.Second)) }, 0, care.Refused},
		"answered, then changed": {func(p care.Post) error { return s.store.PostAnswered(ctx, p.ID(), noon) }, time.Second, ""},
		"answered twice": {func(p care.Post) error {
			_ = s.store.PostAnswered(ctx, p.ID(), noon)
			return s.store.PostAnswered(ctx, p.ID(), noon.Add(2*time.Second))
		}, time.Second, care.Refused},
		"answered twice, out of order": {func(p care.Post) error {
			_ = s.store.PostAnswered(ctx, p.ID(), noon.Add(2*time.Second))
			return s.store.PostAnswered(ctx, p.ID(), noon)
		}, time.Second, care.Refused},
		"nothing": {func(care.Post) error { return nil }, 0, ""},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			p := post()
			p.ReceivedAt = noon
			_, err := s.store.ClaimPost(ctx, p, "cor")
			must(t, err)
			must(t, r.happens(p))
			d := draftOf(p.ID())
			d.Wording = noon.Add(r.wording)
			_, created, err := s.store.ProposeDraft(ctx, d)
			wantCode(t, err, r.want)
			wantEqual(t, "created", created, r.want == "")
			_, err = s.store.Draft(ctx, d.Post)
			wantEqual(t, "is there", err == nil, r.want == "")
		})
	}
}

func testProposeDraftRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	d := s.claimed(t)
	var won, busy atomic.Int64
	race(racers, func(n int) {
		own := d
		own.Text = fmt.Sprint("text ", n)
		_, created, err := s.store.ProposeDraft(ctx, own)
		switch {
		case created:
			won.Add(1)
		case care.CodeOf(err) == care.Busy:
			busy.Add(1) // transactions on the same items: the caller repeats
		case err != nil:
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d callers created the draft (%d were told to repeat), want 1", won.Load(), busy.Load())
	}
}

// testApproveRace: agents, the author and the clock are at a draft at once;
// exactly one of them moves it out of pending.
func testApproveRace(t *testing.T, s *suite) {
	s.needsAtomic(t)
	d := s.claimed(t)
	_, _, err := s.store.ProposeDraft(ctx, d)
	must(t, err)
	to := []care.DraftStatus{care.DraftApproved, care.DraftRejected, care.DraftExpired, care.DraftWithdrawn}
	var won atomic.Int64
	var winner atomic.Value
	race(racers, func(n int) {
		by := fmt.Sprint("agent-", n)
		_, err := s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error {
			if d.Status != care.DraftPending {
				return care.Errorf(care.Refused, "too late")
			}
			return d.Move(to[n%len(to)], by, "raced", noon)
		})
		switch care.CodeOf(err) {
		case "":
			won.Add(1)
			winner.Store(by)
		case care.Refused, care.Conflict:
		default:
			t.Error(err)
		}
	})
	got, err := s.store.Draft(ctx, d.Post)
	must(t, err)
	if won.Load() != 1 || got.By != winner.Load() || got.Version != 2 {
		t.Errorf("%d callers moved the draft, %v says so, it is by %q in version %d", won.Load(), winner.Load(), got.By, got.Version)
	}
}

func testUpdateDraft(t *testing.T, s *suite) {
	d := s.claimed(t)
	_, err := s.store.UpdateDraft(ctx, d.Post, func(*care.Draft) error { return nil })
	wantCode(t, err, care.NotFound)
	_, _, err = s.store.ProposeDraft(ctx, d)
	must(t, err)
	got, err := s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error { return nil })
	must(t, err)
	wantEqual(t, "version after no change", got.Version, 1)
	got, err = s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error {
		d.Approved = "Your refund is here."
		d.Reasons[0].Text = "changed"
		return d.Move(care.DraftApproved, "ana", "", noon)
	})
	must(t, err)
	again, err := s.store.Draft(ctx, d.Post)
	must(t, err)
	wantEqual(t, "stored", again, got)
	wantEqual(t, "version", got.Version, 2)
	wantEqual(t, "proposed beside approved", []string{got.Text, got.Approved}, []string{d.Text, "Your refund is here."})
	wantEqual(t, "reason", got.Reasons[0].Text, "changed")
	_, err = s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error { return d.Move(care.DraftExpired, "fielder", "", noon) })
	wantCode(t, err, care.Conflict)

	got, err = s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error { d.Forget(); return nil })
	must(t, err)
	s.wantNowhere(t, draftPart(d.Post), "refund is on its way", "refund is here")
	wantEqual(t, "texts", got.Text+got.Approved, "")
}

func draftPart(id care.PostID) string { return "DRAFT#" + string(id) }

func testUpdateDraftAnswerLost(t *testing.T, s *suite) {
	d := s.claimed(t)
	table, l := s.lossy()
	l.arm("TransactWriteItems")
	_, created, err := table.ProposeDraft(ctx, d)
	must(t, err)
	wantEqual(t, "created although the answer was lost", created, true)
	l.arm("UpdateItem")
	got, err := table.UpdateDraft(ctx, d.Post, func(d *care.Draft) error { return d.Move(care.DraftApproved, "ana", "", noon) })
	must(t, err)
	wantEqual(t, "version", got.Version, 2)
	wantEqual(t, "answers lost", l.lost.Load(), int64(2))
}

func testDueDrafts(t *testing.T, s *suite) {
	const many = 57
	order := rand.Perm(many)
	ids := make([]care.PostID, many)
	for _, n := range order {
		d := s.claimed(t)
		d.ApproveBy = noon.Add(time.Duration(n/2) * time.Minute) // pairs are due at the same moment
		_, _, err := s.store.ProposeDraft(ctx, d)
		must(t, err)
		ids[n] = d.Post
	}
	for n := 0; n+1 < many; n += 2 { // among those, by id
		if ids[n] > ids[n+1] {
			ids[n], ids[n+1] = ids[n+1], ids[n]
		}
	}
	all := func(before time.Time, page int) []care.PostID {
		t.Helper()
		var got []care.PostID
		for after := ""; ; {
			list, next, err := s.store.DueDrafts(ctx, before, after, page)
			must(t, err)
			for _, d := range list {
				got = append(got, d.Post)
			}
			if next == "" {
				return got
			}
			after = next
		}
	}
	later := noon.Add(24 * time.Hour)
	for _, page := range []int{1, 7, many, 100} {
		wantEqual(t, fmt.Sprintf("due in pages of %d", page), all(later, page), ids)
	}
	wantEqual(t, "before the third pair", all(noon.Add(2*time.Minute), 3), ids[:4])
	wantEqual(t, "before the first", len(all(noon, 3)), 0)

	// A page that begins after its end is empty, not an error.
	list, next, err := s.store.DueDrafts(ctx, noon, "2027-01-01T00:00:00.000000000Z#x:1", 5)
	must(t, err)
	wantEqual(t, "nothing", len(list) == 0 && next == "", true)

	move := func(id care.PostID, to care.DraftStatus) {
		t.Helper()
		_, err := s.store.UpdateDraft(ctx, id, func(d *care.Draft) error { return d.Move(to, "ana", "", noon) })
		must(t, err)
	}
	move(ids[0], care.DraftApproved)
	wantEqual(t, "an approved draft is still open", all(later, 10), ids)
	move(ids[0], care.DraftSent)
	move(ids[1], care.DraftExpired)
	move(ids[3], care.DraftWithdrawn)
	move(ids[5], care.DraftRejected)
	wantEqual(t, "closed drafts are gone", all(later, 10), slices.Concat([]care.PostID{ids[2], ids[4]}, ids[6:]))
}

func testDueDraftsLag(t *testing.T, s *suite) {
	slow := new(between)
	slow.Client = s.client
	table := store.New(slow, s.table, s.clock.Now)
	d := s.claimed(t)
	_, _, err := s.store.ProposeDraft(ctx, d)
	must(t, err)
	slow.batch = func() {
		_, err := s.store.UpdateDraft(ctx, d.Post, func(d *care.Draft) error { return d.Move(care.DraftRejected, "ana", "no", noon) })
		must(t, err)
	}
	list, next, err := table.DueDrafts(ctx, noon.Add(24*time.Hour), "", 1)
	must(t, err)
	wantEqual(t, "due", len(list), 0)
	wantEqual(t, "says that there may be more", next != "", true)
}

func testAnswered(t *testing.T, s *suite) {
	must(t, s.store.PostAnswered(ctx, "x:nobody-wrote-this", noon))
	_, err := s.store.Post(ctx, "x:nobody-wrote-this")
	wantCode(t, err, care.NotFound)

	p := post()
	_, err = s.store.ClaimPost(ctx, p, "")
	must(t, err)
	must(t, s.store.PostAnswered(ctx, p.ID(), noon))
	must(t, s.store.PostAnswered(ctx, p.ID(), noon.Add(-time.Minute))) // seen later, said earlier
	r, err := s.store.Post(ctx, p.ID())
	must(t, err)
	wantEqual(t, "answered", r.Answered, noon)
	key := p.ConversationKey("2222")
	posts, err := s.store.ThreadAnswered(ctx, key, noon)
	must(t, err)
	wantEqual(t, "drafts of an unknown conversation", len(posts), 0)
	c, _, err := s.store.EnsureConversation(ctx, key, care.Conversation{Customer: "cus_1", Thread: p.ThreadKey(), State: care.StateOpen})
	must(t, err)
	posts, err = s.store.ThreadAnswered(ctx, key, noon)
	must(t, err)
	wantEqual(t, "drafts without an escalation", len(posts), 0)
	_, err = s.store.UpdateConversation(ctx, c.ID, func(c *care.Conversation) error {
		c.Escalation = &care.Escalation{Queue: "support", DueAt: noon, Drafts: []care.PostID{"x:1", "x:2"}}
		return nil
	})
	must(t, err)
	posts, err = s.store.ThreadAnswered(ctx, key, noon.Add(-time.Minute))
	must(t, err)
	wantEqual(t, "drafts", posts, []care.PostID{"x:1", "x:2"})
	c, err = s.store.Conversation(ctx, c.ID)
	must(t, err)
	wantEqual(t, "last word", c.Spoke, noon)

	found, err := s.store.ConversationsOf(ctx, []care.Draft{{Conversation: c.ID}, {Conversation: "con_nowhere"}, {Conversation: c.ID}})
	must(t, err)
	wantEqual(t, "conversations", []any{len(found), found[c.ID].Spoke}, []any{1, noon})
}
