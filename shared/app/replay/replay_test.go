package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/triage"
)

// noon is a Tuesday in Madrid, when the made-up brand is open.
var noon = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)

// shelf is an archive in memory, in pages of three.
type shelf struct {
	posts []store.PostRecord
	err   error // of the last segment's second page
}

func (s *shelf) Read(ctx context.Context, q store.Sweep, segment int, each func(store.Page) error) error {
	var mine []store.PostRecord
	for i, p := range s.posts {
		if i%q.Segments == segment {
			mine = append(mine, p)
		}
	}
	for n := 0; len(mine) > 0; n++ {
		if s.err != nil && n == 1 && segment == q.Segments-1 {
			return s.err
		}
		k := min(3, len(mine))
		page := append([]store.PostRecord(nil), mine[:k]...)
		mine = mine[k:]
		if err := each(store.Page{Posts: page, Items: 2 * k, Units: 1.5}); err != nil {
			return err
		}
	}
	return nil
}

// rules is the made-up brand with rules that the tests can foresee.
func rules(t testing.TB) *config.Bundle {
	t.Helper()
	standard, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	b := *standard
	b.Version = "live"
	b.Stop, b.Budgets, b.Storm = config.Stop{}, nil, config.Storm{}
	b.Templates = map[string]config.Template{
		"hours": {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"We are open from nine to five."}}}},
		"named": {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"Hello {{name}}, we are open from nine to five.", "We are open."}}}},
	}
	b.Rules = []config.Rule{
		{Name: "opening-hours", When: config.Condition{Intents: []string{"opening-hours"}}, Then: config.Then{Action: care.ActionAnswer, Template: "hours"}},
		{Name: "thanks", When: config.Condition{Intents: []string{"praise"}}, Then: config.Then{Action: care.ActionWatch}},
	}
	return &b
}

// asks is a post about opening hours.
func asks(n int) care.Post {
	id := fmt.Sprint(1000 + n)
	return care.Post{Platform: care.X, NativeID: id, Account: "7001001", Kind: care.KindMention, Text: "@VeloriaCare what are your opening hours?", Thread: id,
		Addressed: true, Author: care.Author{ID: "a" + id, Handle: "bill_reads"}, CreatedAt: noon, ReceivedAt: noon}
}

// chatter names nothing of the brand's.
func chatter(n int) care.Post {
	p := asks(n)
	p.Text, p.Addressed, p.Kind = "what a lovely morning in the park", false, care.KindPost
	return p
}

// decided stores a post as a config decided it: the plan, what the rules saw, and
// the outcome that the plan leads to when the door lets it through.
func decided(b *config.Bundle, p care.Post, change func(*reply.In)) store.PostRecord {
	r := store.PostRecord{ID: p.ID(), Post: p, Claimed: p.ReceivedAt, DecidedAt: p.ReceivedAt.Add(time.Second)}
	in := reply.In{Post: p, Now: p.ReceivedAt, Bundle: b, Triage: triage.New(b.Brand, b.Routing).Triage(p)}
	in.Match.Customer.ID, in.Match.Customer.Prospect = "cus_"+care.CustomerID(p.Author.ID), true
	in.Match.Conversation.ID = "con_" + care.ConversationID(p.Thread)
	r.Reasons = in.Triage.Reasons
	if in.Triage.Relevance == care.RelevanceChatter {
		r.Outcome = care.OutcomeIgnored
		return r
	}
	if change != nil {
		change(&in)
	}
	plan := reply.Decide(in)
	r.Plan, r.Reasons = &plan, append(r.Reasons[:len(r.Reasons):len(r.Reasons)], plan.Reasons...)
	switch plan.Action {
	case care.ActionAnswer:
		r.Outcome = care.OutcomeAnswered
		r.Reasons = append(r.Reasons, care.Reason{By: "door", Text: "It was sent."})
	case care.ActionAcknowledge:
		r.Outcome = care.OutcomeEscalated
		r.Reasons = append(r.Reasons, care.Reason{By: "door", Text: "It was sent."})
	case care.ActionWatch:
		r.Outcome = care.OutcomeRecorded
	default:
		r.Outcome = care.OutcomeEscalated
	}
	return r
}

// refused makes a stored reply one that the door would not send.
func refused(r store.PostRecord, by, text string) store.PostRecord {
	r.Reasons = append(r.Reasons[:len(r.Reasons)-1:len(r.Reasons)-1], care.Reason{By: by, Text: text})
	r.Outcome = care.OutcomeEscalated
	return r
}

func run(t testing.TB, a Archive, o Options) *Report {
	t.Helper()
	o.Sweep.Since, o.Sweep.Until = noon.Add(-time.Hour), noon.Add(time.Hour)
	r, err := Run(context.Background(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReplay: a handful of posts, each of which a draft treats otherwise.
func TestReplay(t *testing.T) {
	live := rules(t)
	edit := func(change func(*config.Bundle)) *config.Bundle {
		b := rules(t)
		b.Version = "draft"
		change(b)
		return b
	}
	acknowledging := edit(func(b *config.Bundle) { b.Rules[0].Then.Action = care.ActionAcknowledge })
	gone := decided(live, asks(90), nil)
	gone.Deleted, gone.Post = noon, care.Post{Platform: care.X, NativeID: gone.Post.NativeID}
	edited := decided(live, asks(91), nil)
	edited.Edits, edited.EditedAt = 1, noon.Add(time.Minute)
	waiting := decided(live, asks(92), nil)
	waiting.Outcome = ""

	for _, r := range []struct {
		name    string
		posts   []store.PostRecord
		draft   *config.Bundle
		against *config.Bundle
		want    Report // what is not looked at is left out
	}{
		{
			name:  "nothing changes",
			posts: []store.PostRecord{decided(live, asks(1), nil), decided(live, chatter(2), nil)},
			draft: edit(func(*config.Bundle) {}),
			want: Report{Posts: 2, Outcomes: []Outcome{{Answered, 1, 1}, {Ignored, 1, 1}}, Rules: []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name:  "a rule is switched off",
			posts: []store.PostRecord{decided(live, asks(1), nil), decided(live, asks(2), nil)},
			draft: edit(func(b *config.Bundle) { b.Rules[0].Enabled = new(bool) }),
			want: Report{Posts: 2, Changed: 2, Outcomes: []Outcome{{Answered, 2, 0}, {Escalated, 0, 2}},
				Rules:   []Rule{{"", 0, 2, 2, 0, 0}, {"opening-hours", 2, 0, 0, 2, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes: []Change{{Change: "answered → escalated", Posts: 2}}, Cost: []Cost{{care.X, 0.02, 0}}},
		},
		{
			name:  "a rule becomes a draft for approval, which costs nothing by itself",
			posts: []store.PostRecord{decided(live, asks(1), nil)},
			draft: edit(func(b *config.Bundle) { b.Rules[0].Then.Action = care.ActionDraft }),
			want: Report{Posts: 1, Changed: 1, Outcomes: []Outcome{{Answered, 1, 0}, {Drafted, 0, 1}},
				Rules:   []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes: []Change{{Change: "answered → drafted", Posts: 1}}, Cost: []Cost{{care.X, 0.01, 0}}},
		},
		{
			name:  "other words, with a link that costs more on X",
			posts: []store.PostRecord{decided(live, asks(1), nil)},
			draft: edit(func(b *config.Bundle) {
				b.Templates["hours"] = config.Template{Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"See https://example.com/hours"}}}}
			}),
			want: Report{Posts: 1, Changed: 1, Outcomes: []Outcome{{Answered, 1, 1}}, Rules: []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes: []Change{{Change: "answered in other words", Posts: 1}}, Cost: []Cost{{care.X, 0.01, 0.2}}},
		},
		{
			name:  "two rules want the same posts",
			posts: []store.PostRecord{decided(live, asks(1), nil)},
			draft: edit(func(b *config.Bundle) {
				b.Rules = append(b.Rules, config.Rule{Name: "questions", When: config.Condition{Question: ptr(true)}, Then: config.Then{Action: care.ActionEscalate}})
			}),
			want: Report{Posts: 1, Outcomes: []Outcome{{Answered, 1, 1}},
				Rules:    []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"questions", 0, 0, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Conflict: []Conflict{{"opening-hours", "questions", 1}}, Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name:  "a rule that only tags",
			posts: []store.PostRecord{decided(live, asks(1), nil)},
			draft: edit(func(b *config.Bundle) {
				b.Rules = append([]config.Rule{{Name: "mark", When: config.Condition{Question: ptr(true)}, Then: config.Then{Action: config.ActionTag, Tags: []string{"asked"}}}}, b.Rules...)
			}),
			want: Report{Posts: 1, Changed: 1, Outcomes: []Outcome{{Answered, 1, 1}}, Changes: []Change{{Change: "answered with other tags", Posts: 1}},
				Rules: []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"mark", 0, 0, 0, 0, 1}, {"thanks", 0, 0, 0, 0, 0}}, Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name:  "an acknowledgement is said, and the post is escalated in the end",
			posts: []store.PostRecord{decided(acknowledging, asks(1), nil), refused(decided(acknowledging, asks(2), nil), "guard:stop", "The kill switch is on.")},
			draft: acknowledging,
			want: Report{Posts: 2, Outcomes: []Outcome{{Acknowledged, 1, 1}, {Escalated, 1, 1}}, Refusals: []Refusal{{By: "guard:stop", Text: "x", Before: 1, After: 1}},
				Rules: []Rule{{"opening-hours", 2, 2, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}}, Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name:  "deleted, edited and undecided posts are left out",
			posts: []store.PostRecord{decided(live, asks(1), nil), gone, edited, waiting},
			draft: edit(func(*config.Bundle) {}),
			want: Report{Posts: 1, Skipped: Skipped{Deleted: 1, Edited: 1, Undecided: 1}, Outcomes: []Outcome{{Answered, 1, 1}},
				Rules: []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}}, Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name: "an agent has the conversation, and the draft would have answered",
			posts: []store.PostRecord{decided(live, asks(1), func(in *reply.In) { in.Match.Conversation.Agent = "Ana" }),
				decided(live, asks(2), nil)},
			draft: edit(func(*config.Bundle) {}),
			want: Report{Posts: 2, Outcomes: []Outcome{{Answered, 1, 1}, {Escalated, 1, 1}}, Agent: Agent{Posts: 1, Silent: 1},
				Rules: []Rule{{"", 1, 1, 0, 0, 0}, {"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}}, Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
		{
			name:  "policy refuses what nobody summoned us for",
			posts: []store.PostRecord{decided(live, unsummoned(1), nil)},
			draft: edit(func(b *config.Bundle) {
				b.Rules = []config.Rule{{Name: "pushy", When: config.Condition{Relevance: []care.Relevance{care.RelevanceAbout}}, Then: config.Then{Action: care.ActionAnswer, Template: "hours"}}}
			}),
			want: Report{Posts: 1, Changed: 1, Outcomes: []Outcome{{Escalated, 1, 1}}, Rules: []Rule{{"", 1, 0, 0, 1, 0}, {"pushy", 0, 1, 1, 0, 0}},
				Changes:  []Change{{Change: "escalated by another rule", Posts: 1}},
				Refusals: []Refusal{{By: "policy:x-summoned", Text: "x", After: 1}}},
		},
		{
			name: "what the platform refused, it refuses whatever the rules say; what the door refused, while the plan stays",
			posts: []store.PostRecord{refused(decided(live, asks(1), nil), "platform:x", "The platform does not let us answer there."),
				refused(decided(live, asks(2), nil), "guard:daily-cap", "This author has had as many automated replies today as one person may get.")},
			draft: edit(func(b *config.Bundle) { b.Rules[0].Name = "renamed" }),
			want: Report{Posts: 2, Changed: 2, Outcomes: []Outcome{{Answered, 0, 1}, {Escalated, 2, 1}},
				Rules:    []Rule{{"opening-hours", 2, 0, 0, 2, 0}, {"renamed", 0, 2, 2, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes:  []Change{{Change: "escalated by another rule", Posts: 1}, {Change: "escalated → answered", Posts: 1}},
				Refusals: []Refusal{{By: "guard:daily-cap", Text: "x", Before: 1}, {By: "platform:x", Text: "x", Before: 1, After: 1}},
				Cost:     []Cost{{care.X, 0, 0.01}}},
		},
		{
			name:  "a budget lets through what it pays for",
			posts: []store.PostRecord{decided(live, asks(1), nil), decided(live, asks(2), nil), decided(live, asks(3), nil)},
			draft: edit(func(b *config.Bundle) { b.Budgets = map[care.Platform]float64{care.X: 0.025} }),
			want: Report{Posts: 3, Changed: 1, Outcomes: []Outcome{{Answered, 3, 2}, {Escalated, 0, 1}}, Rules: []Rule{{"opening-hours", 3, 3, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes:  []Change{{Change: "answered → escalated", Posts: 1}},
				Refusals: []Refusal{{By: "guard:budget", Text: "x", After: 1}}, Cost: []Cost{{care.X, 0.03, 0.02}}},
		},
		{
			name:  "a rule that may answer once a day",
			posts: []store.PostRecord{decided(live, asks(1), nil), decided(live, asks(2), nil)},
			draft: edit(func(b *config.Bundle) { b.Rules[0].Guards.MaxPerDay = 1 }),
			want: Report{Posts: 2, Changed: 1, Outcomes: []Outcome{{Answered, 2, 1}, {Escalated, 0, 1}}, Rules: []Rule{{"opening-hours", 2, 2, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes:  []Change{{Change: "answered → escalated", Posts: 1}},
				Refusals: []Refusal{{By: "guard:per-day", Text: "x", After: 1}}, Cost: []Cost{{care.X, 0.02, 0.01}}},
		},
		{
			name:    "two configs side by side, whatever was decided then",
			posts:   []store.PostRecord{refused(decided(live, asks(1), nil), "guard:stop", "The kill switch is on.")},
			draft:   edit(func(b *config.Bundle) { b.Rules[0].Then.Action = care.ActionWatch }),
			against: edit(func(b *config.Bundle) { b.Rules[0].Name = "other" }),
			want: Report{Posts: 1, Changed: 1, Outcomes: []Outcome{{Answered, 1, 0}, {Recorded, 0, 1}},
				Rules:   []Rule{{"opening-hours", 0, 1, 1, 0, 0}, {"other", 1, 0, 0, 1, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Changes: []Change{{Change: "answered → recorded", Posts: 1}}, Cost: []Cost{{care.X, 0.01, 0}}},
		},
		{
			name:  "what the rules saw was not kept",
			posts: []store.PostRecord{unseen(decided(live, asks(1), nil)), unseen(decided(live, chatter(2), nil))},
			draft: edit(func(*config.Bundle) {}),
			want: Report{Posts: 2, Unseen: 1, Outcomes: []Outcome{{Answered, 1, 1}, {Ignored, 1, 1}}, Rules: []Rule{{"opening-hours", 1, 1, 0, 0, 0}, {"thanks", 0, 0, 0, 0, 0}},
				Cost: []Cost{{care.X, 0.01, 0.01}}},
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			got := *run(t, &shelf{posts: r.posts}, Options{Draft: r.draft, Against: r.against, Samples: 10})
			for i := range got.Changes {
				if len(got.Changes[i].Samples) != got.Changes[i].Posts {
					t.Errorf("%q has %d samples of %d posts", got.Changes[i].Change, len(got.Changes[i].Samples), got.Changes[i].Posts)
				}
				got.Changes[i].Samples = nil
			}
			for i := range got.Refusals {
				if got.Refusals[i].Text == "" {
					t.Errorf("the refusal by %s has no words", got.Refusals[i].By)
				}
				got.Refusals[i].Text = "x"
			}
			r.want.Since, r.want.Until, r.want.Draft = got.Since, got.Until, "draft"
			if r.against != nil {
				r.want.Against = "draft"
			}
			got.Read = Read{}
			if diff := cmp.Diff(r.want, got, approximately, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// approximately: a sum of cents is not exact.
var approximately = cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })

func ptr[T any](v T) *T { return &v }

// unsummoned is a complaint about the brand that is not addressed to it.
func unsummoned(n int) care.Post {
	p := asks(n)
	p.Text, p.Addressed, p.Kind = "Veloria internet is down again, this is a terrible service", false, care.KindPost
	return p
}

func unseen(r store.PostRecord) store.PostRecord {
	if r.Plan != nil {
		plan := *r.Plan
		plan.Seen = nil
		r.Plan = &plan
	}
	return r
}

// TestNames: what was said held a customer's first name, which is not kept with
// what the rules saw. That is no change of words; other words are.
func TestNames(t *testing.T) {
	live := rules(t)
	live.Rules[0].Then.Template = "named"
	for _, r := range []struct {
		name, customer string
		draft          string // the template's first variant
		changed        int
	}{
		{"the same words", "Ana Example", "Hello {{name}}, we are open from nine to five.", 0},
		{"the same words, a name with an accent and a hyphen", "José-María Example", "Hello {{name}}, we are open from nine to five.", 0},
		{"a record without a name that can be said", "Mr. 5", "Hello {{name}}, we are open from nine to five.", 0},
		{"other words around the name", "Ana Example", "Dear {{name}}, we are open from nine to five.", 1},
		{"the name is gone", "Ana Example", "Hello, we are open from nine to five.", 1},
	} {
		t.Run(r.name, func(t *testing.T) {
			draft := rules(t)
			draft.Rules[0].Then.Template = "named"
			draft.Templates["named"] = config.Template{Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{r.draft, "We are open."}}}}
			var posts []store.PostRecord
			said := 0
			for n := range 20 {
				p := decided(live, asks(n), func(in *reply.In) {
					in.Match.Known, in.Match.Grade, in.Match.Customer.Prospect, in.Match.Customer.Name = true, care.GradeAsserted, false, r.customer
				})
				if p.Plan.Text != "We are open." { // the other variant says no name
					said++
				}
				posts = append(posts, p)
			}
			report := run(t, &shelf{posts: posts}, Options{Draft: draft, Samples: 3})
			want := said * r.changed
			if report.Changed != want || r.changed > 0 && want == 0 {
				t.Errorf("%d of %d posts changed, want %d", report.Changed, report.Posts, want)
			}
			for _, c := range report.Changes {
				for _, s := range c.Samples {
					if strings.Contains(s.After.Says, somebody) {
						t.Errorf("the stand-in for a name is shown: %q", s.After.Says)
					}
				}
			}
		})
	}
}

// TestAgainstItself: no config changes anything against itself, nor against what
// it decided.
func TestAgainstItself(t *testing.T) {
	standard, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := *standard
		b.Version = "generated"
		b.Budgets = map[care.Platform]float64{}
		b.Rules = append([]config.Rule(nil), standard.Rules...)
		for i := range b.Rules {
			if rapid.IntRange(0, 3).Draw(rt, "off") == 0 {
				b.Rules[i].Enabled = new(bool)
			}
		}
		var posts []store.PostRecord
		for i, n := range rapid.SliceOfN(rapid.IntRange(0, len(b.Tests)-1), 1, 40).Draw(rt, "posts") {
			g := b.Tests[n].Given
			p := asks(i)
			p.Platform, p.Text, p.Private, p.Addressed, p.Author.ID = g.Platform, g.Text, g.Private, !g.NotAddressed, fmt.Sprint(i)
			for _, a := range b.Brand.Accounts {
				if a.Platform == p.Platform {
					p.Account = a.ID
				}
			}
			known, agent, first := rapid.Bool().Draw(rt, "known"), rapid.IntRange(0, 5).Draw(rt, "agent") == 0, rapid.Bool().Draw(rt, "first")
			r := decided(&b, p, func(in *reply.In) {
				in.Match.First, in.Match.Known, in.Match.Customer.Prospect = first, known, !known
				if known {
					in.Match.Grade, in.Match.Customer.Name = care.GradeVerified, rapid.SampledFrom([]string{"Ana Example", "", "Dr. No"}).Draw(rt, "name")
				}
				if agent {
					in.Match.Conversation.Escalation = &care.Escalation{}
				}
			})
			// The door would have said no to some of it.
			if r.Plan != nil && speaks(*r.Plan) {
				if v := newSide(&b).look(reply.In{Post: p, Match: care.Match{Conversation: care.Conversation{ID: "c"}}, Now: r.Plan.Seen.At}, *r.Plan).Verdict; !v.Allowed {
					r = refused(r, v.Reasons[0].By, v.Reasons[0].Text)
					if r.Plan.Else == care.ActionWatch {
						r.Outcome = care.OutcomeRecorded
					}
				}
			}
			posts = append(posts, r)
		}
		for _, against := range []*config.Bundle{nil, &b} {
			report, err := Run(context.Background(), &shelf{posts: posts}, Options{Draft: &b, Against: against, Samples: 1})
			if err != nil {
				rt.Fatal(err)
			}
			if report.Posts != len(posts) || report.Changed != 0 {
				raw, _ := json.MarshalIndent(report.Changes, "", " ") // it was one before
				rt.Fatalf("%d of %d posts changed: %s", report.Changed, report.Posts, raw)
			}
		}
	})
}

// TestSameReport: the same run prints the same, whichever goroutine is faster, and
// shows the posts with the smallest hashes.
func TestSameReport(t *testing.T) {
	live, draft := rules(t), rules(t)
	draft.Rules[0].Enabled = new(bool)
	live.Budgets = map[care.Platform]float64{care.X: 1} // bites: the order matters
	var posts []store.PostRecord
	for n := range 500 {
		posts = append(posts, decided(live, asks(n), nil))
	}
	first := run(t, &shelf{posts: posts}, Options{Draft: draft, Against: live, Samples: 10})
	if first.Refusals[0].Before != 400 {
		t.Fatalf("the budget of a dollar refused %d of 500 replies at a cent, want 400", first.Refusals[0].Before)
	}
	for range 10 {
		again := run(t, &shelf{posts: posts}, Options{Draft: draft, Against: live, Samples: 10})
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(Sample{})); diff != "" {
			t.Fatalf("another report (-first +again):\n%s", diff)
		}
	}
	if n := len(first.Changes[0].Samples); n != 10 {
		t.Errorf("%d samples", n)
	}
}

func TestErrors(t *testing.T) {
	live := rules(t)
	var posts []store.PostRecord
	for n := range 200 {
		posts = append(posts, decided(live, asks(n), nil))
	}
	broken := errors.New("the table is gone")
	if _, err := Run(t.Context(), &shelf{posts: posts, err: broken}, Options{Draft: live}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, &shelf{posts: posts}, Options{Draft: live, Progress: func(int) { cancel() }})
	if care.CodeOf(err) != care.Unavailable {
		t.Errorf("stopped: %v", err)
	}
}

// TestCountsAreBounded: more authors than can be counted are let through, and the
// report says so.
func TestCountsAreBounded(t *testing.T) {
	var c counts
	c.used = make(map[uint64]int64, MaxCounted)
	for n := range uint64(MaxCounted) {
		c.used[n] = 1
	}
	side := newSide(rules(t))
	in := reply.In{Post: asks(1), Now: noon}
	v := side.judge(side.in(in.Post, side.triager.Triage(in.Post), care.Seen{At: noon}), verdict{})
	c.pass(&v)
	if v.outcome != Answered || c.uncounted != 1 || len(c.used) != MaxCounted {
		t.Errorf("outcome %s, %d uncounted, %d counted", v.outcome, c.uncounted, len(c.used))
	}
}

// TestNothingToReplay: a machine that reads the report finds lists, also empty
// ones, and never null.
func TestNothingToReplay(t *testing.T) {
	raw, err := json.Marshal(run(t, &shelf{}, Options{Draft: &config.Bundle{Version: "none"}}))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "null") {
		t.Errorf("%s", raw)
	}
}
