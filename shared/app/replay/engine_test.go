package replay

import (
	"context"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/store/storetest"
)

// TestOnTable replays posts from a real engine, as the store wrote them: nothing
// changes against the config that decided them, and nothing but Scan is asked of
// the table.
func TestOnTable(t *testing.T) {
	ctx := context.Background()
	endpoint := storetest.Endpoint(t)
	client := storetest.Client(endpoint, nil)
	name := storetest.CreateTable(t, client)
	table := store.New(client, name, func() time.Time { return noon })
	live := rules(t)
	const posts = 60
	for n := range posts {
		p := asks(n)
		if n%3 == 0 {
			p = chatter(n)
		}
		r := decided(live, p, nil)
		if _, err := table.ClaimPost(ctx, p, ""); err != nil {
			t.Fatal(err)
		}
		if r.Plan != nil {
			if _, _, err := table.SavePlan(ctx, p.ID(), *r.Plan, &care.Triage{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.Decide(ctx, care.Decision{Post: p.ID(), Outcome: r.Outcome, At: r.DecidedAt, Reasons: r.Reasons}); err != nil {
			t.Fatal(err)
		}
	}
	operations := storetest.NewOperations()
	archive := store.NewArchive(storetest.Client(endpoint, operations), name)
	report := run(t, archive, Options{Draft: live})
	if report.Posts != posts || report.Changed != 0 || report.Unseen != 0 {
		t.Errorf("%d of %d posts changed, %d of them unseen: %+v", report.Changed, report.Posts, report.Unseen, report.Changes)
	}
	draft := rules(t)
	draft.Rules[0].Enabled = new(bool)
	if report = run(t, archive, Options{Draft: draft, Samples: 2}); report.Changed != posts*2/3 {
		t.Errorf("%d posts changed, want %d", report.Changed, posts*2/3)
	}
	if report.Read.Items < posts || report.Read.Units < 1 {
		t.Errorf("read %+v", report.Read)
	}
	counts := operations.Counts()
	if counts["Scan"] < DefaultSegments || len(counts) != 1 {
		t.Errorf("the table was asked for %v", counts)
	}
}
