package care

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDraftMoves(t *testing.T) {
	// Written a second time on purpose: a new transition is a decision.
	goods := map[DraftStatus][]DraftStatus{
		DraftPending:  {DraftApproved, DraftRejected, DraftExpired, DraftWithdrawn},
		DraftApproved: {DraftSent, DraftRefused, DraftWithdrawn},
	}
	at := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	for _, from := range DraftStatuses() {
		for _, to := range DraftStatuses() {
			t.Run(string(from+" to "+to), func(t *testing.T) {
				d := Draft{Status: from, By: "ana", Why: "before"}
				err := d.Move(to, "ben", "after", at)
				switch {
				case from == to:
					if err != nil || d.By != "ana" || d.Why != "before" || !d.Changed.IsZero() {
						t.Errorf("a repeat changed it: %+v, %v", d, err)
					}
				case slices.Contains(goods[from], to):
					if err != nil || d.Status != to || d.By != "ben" || d.Why != "after" || !d.Changed.Equal(at) {
						t.Errorf("got %+v, %v", d, err)
					}
				default:
					if CodeOf(err) != Conflict || d.Status != from || d.By != "ana" {
						t.Errorf("got %+v, %v; want Conflict and no change", d, err)
					}
				}
			})
		}
		if want := len(goods[from]) == 0; from.Closed() != want {
			t.Errorf("%s closed: %v", from, !want)
		}
	}
}

// TestDraftLife: however it is pushed about, a draft is sent only after somebody
// approved it, what is closed stays as it is, and it gets there in two moves.
func TestDraftLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Draft{Status: DraftPending}
		path := []DraftStatus{d.Status}
		for range rapid.IntRange(0, 12).Draw(t, "pushes") {
			before := d
			to := rapid.SampledFrom(DraftStatuses()).Draw(t, "to")
			err := d.Move(to, "ana", "because", time.Unix(int64(len(path)), 0))
			if before.Status.Closed() && d.Status != before.Status {
				t.Fatalf("%s was closed and became %s", before.Status, d.Status)
			}
			if (err == nil) != (d.Status == to) {
				t.Fatalf("asked for %s, is %s, error %v", to, d.Status, err)
			}
			if d.Status != before.Status {
				path = append(path, d.Status)
			}
		}
		if len(path) > 3 {
			t.Fatalf("too long a life: %v", path)
		}
		if i := slices.Index(path, DraftSent); i >= 0 && !slices.Contains(path[:i], DraftApproved) {
			t.Fatalf("sent without approval: %v", path)
		}
	})
}

func TestDraftStands(t *testing.T) {
	by := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
	for want, d := range map[string]Draft{
		"The draft waits for approval until 2026-11-24T13:00:00Z.":                          {Status: DraftPending, ApproveBy: by},
		"The draft was approved by ana and is on its way.":                                  {Status: DraftApproved, By: "ana"},
		"The draft expired at 2026-11-24T13:00:00Z; answer the customer in your own words.": {Status: DraftExpired, ApproveBy: by, By: "fielder"},
		"The draft was rejected by ben: The tone is wrong.":                                 {Status: DraftRejected, By: "ben", Why: "The tone is wrong."},
		"The draft was withdrawn: The author deleted the post.":                             {Status: DraftWithdrawn, By: "fielder", Why: "The author deleted the post."},
		"The draft was sent by ana.":                                                        {Status: DraftSent, By: "ana"},
	} {
		if got := d.Stands(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
