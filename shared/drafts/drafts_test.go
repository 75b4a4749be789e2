package drafts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// office is everything around drafts, in memory. Its door says a post's reply
// once, as the real one does; what was really said is what counts.
type office struct {
	mu       sync.Mutex
	now      time.Time
	drafts   map[care.PostID]care.Draft
	facts    map[care.PostID]Facts
	conv     map[care.ConversationID]care.Conversation
	answered map[care.PostID]time.Time
	events   []string

	said    []string // what reached the platform
	by      []string
	results map[care.PostID]Result
	next    []func() (Result, bool, error) // what the next answers are: result, really said, error
	during  func()                         // happens while the door is at it
	woken   []string
	fail    map[string]int // by method: the next so many calls fail
	busy    map[care.PostID]bool
}

func newOffice() *office {
	o := &office{now: noon, drafts: map[care.PostID]care.Draft{}, facts: map[care.PostID]Facts{}, conv: map[care.ConversationID]care.Conversation{},
		answered: map[care.PostID]time.Time{}, results: map[care.PostID]Result{}, fail: map[string]int{}, busy: map[care.PostID]bool{}}
	o.post("1", false)
	return o
}

// post puts a public mention, or a direct message, with its escalation there.
func (o *office) post(native string, private bool) care.Post {
	p := care.Post{Platform: care.X, NativeID: native, Account: "7001001", Kind: care.KindMention, Private: private, Thread: native, Text: "where is my refund?",
		Author: care.Author{ID: "2222", Handle: "bill_reads", Name: "Bill"}, CreatedAt: noon.Add(-time.Minute), ReceivedAt: noon.Add(-time.Minute)}
	id := care.ConversationID("con_" + native)
	if private {
		p.Kind, p.Thread = care.KindDirect, "2222"
		id = "con_direct"
	}
	o.facts[p.ID()] = Facts{Post: p, Plan: care.Plan{Action: care.ActionDraft, Rule: "refund", Text: "Your refund is on its way."}}
	c := o.conv[id]
	c.ID, c.Customer, c.State = id, "cus_1", care.StateOpen
	if c.Escalation == nil {
		c.Escalation = &care.Escalation{Post: p.ID(), Queue: "billing", TaskToken: "token-" + native}
	}
	c.Escalation.Drafts = append(c.Escalation.Drafts, p.ID())
	o.conv[id] = c
	return p
}

func (o *office) failing(method string) error {
	if o.fail[method] > 0 {
		o.fail[method]--
		return care.Errorf(care.Unavailable, "%s is down", method)
	}
	return nil
}

func (o *office) ProposeDraft(_ context.Context, d care.Draft) (care.Draft, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if there, ok := o.drafts[d.Post]; ok {
		return there, false, nil
	}
	if at, ok := o.answered[d.Post]; ok && !at.Before(d.Wording) || o.facts[d.Post].Deleted {
		return care.Draft{}, false, care.Errorf(care.Refused, "overtaken")
	}
	d.Version = 1
	o.drafts[d.Post] = d
	return d, true, nil
}
func (o *office) UpdateDraft(_ context.Context, id care.PostID, fn func(*care.Draft) error) (care.Draft, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.drafts[id]
	if !ok {
		return d, care.Errorf(care.NotFound, "none")
	}
	if err := o.failing("UpdateDraft"); err != nil {
		return care.Draft{}, err
	}
	before := fmt.Sprint(d)
	if err := fn(&d); err != nil {
		return care.Draft{}, err
	}
	if fmt.Sprint(d) != before {
		d.Version++
	}
	o.drafts[id] = d
	return d, nil
}
func (o *office) Draft(_ context.Context, id care.PostID) (care.Draft, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.drafts[id]
	if !ok {
		return d, care.Errorf(care.NotFound, "none")
	}
	return d, nil
}
func (o *office) DueDrafts(_ context.Context, before time.Time, after string, limit int) (list []care.Draft, next string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := func(d care.Draft) string { return d.ApproveBy.UTC().Format(time.RFC3339) + "#" + string(d.Post) }
	for _, d := range o.drafts {
		if !d.Status.Closed() && d.ApproveBy.Before(before) && key(d) > after {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b care.Draft) int { return strings.Compare(key(a), key(b)) })
	if len(list) >= limit {
		list = list[:limit]
		next = key(list[limit-1])
	}
	return list, next, nil
}
func (o *office) PostAnswered(_ context.Context, id care.PostID, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answered[id] = at
	return o.failing("PostAnswered")
}
func (o *office) ThreadAnswered(_ context.Context, key string, _ time.Time) ([]care.PostID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.conv["con_direct"]; key == "x:7001001:2222#2222" && c.Escalation != nil {
		return c.Escalation.Drafts, nil
	}
	return nil, nil
}
func (o *office) Facts(_ context.Context, id care.PostID) (Facts, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.facts[id], nil
}
func (o *office) Customer(_ context.Context, id care.CustomerID) (care.Customer, error) {
	return care.Customer{ID: id}, nil
}
func (o *office) ConversationsOf(_ context.Context, list []care.Draft) (map[care.ConversationID]care.Conversation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[care.ConversationID]care.Conversation{}
	for _, d := range list {
		if c, ok := o.conv[d.Conversation]; ok {
			out[c.ID] = c
		}
	}
	return out, nil
}
func (o *office) UpdateConversation(_ context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.conv[id]
	err := fn(&c)
	o.conv[id] = c
	return c, err
}
func (o *office) Succeed(_ context.Context, token, by, how string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.failing("Succeed"); err != nil {
		return err
	}
	o.woken = append(o.woken, token+" "+by+" "+how)
	return nil
}
func (o *office) Current(context.Context) (*config.Bundle, error) { return &config.Bundle{}, nil }
func (o *office) Publish(_ context.Context, list ...events.Detail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.failing("Publish"); err != nil {
		return err
	}
	for _, e := range list {
		what := e.Type()
		if c, ok := e.(*events.DraftClosed); ok {
			what += " " + string(c.Status)
			if c.Edited {
				what += " edited"
			}
		}
		o.events = append(o.events, what)
	}
	return nil
}

// Answer is the door: one attempt at a time, one reply per post, and the result
// of the first for every later one.
func (o *office) Answer(_ context.Context, a Answer) (Result, error) {
	id := a.Facts.Post.ID()
	o.mu.Lock()
	if r, ok := o.results[id]; ok {
		o.mu.Unlock()
		return r, nil
	}
	if o.busy[id] {
		o.mu.Unlock()
		return Result{}, care.Errorf(care.Busy, "another attempt is at it")
	}
	o.busy[id] = true
	during := o.during
	o.mu.Unlock()
	if during != nil {
		during()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy[id] = false
	res, really, err := Result{Sent: true, Reasons: []care.Reason{{By: "door", Text: "It was sent."}}}, true, error(nil)
	if len(o.next) > 0 {
		res, really, err = o.next[0]()
		o.next = o.next[1:]
	}
	if really && !slices.Contains(o.said, string(id)+" "+a.Facts.Plan.Text) { // it reads back before it repeats
		o.said = append(o.said, string(id)+" "+a.Facts.Plan.Text)
		o.by = append(o.by, a.Agent)
	}
	if err == nil {
		o.results[id] = res
	}
	return res, err
}

func (o *office) book() *Book {
	return &Book{Store: o, Sightings: o, Bus: o, Clock: func() time.Time { return o.now }}
}
func (o *office) desk() *Desk {
	return &Desk{Book: o.book(), Shelf: o, Door: o, Workflow: o, Bundles: o}
}

// propose puts the draft of a post there and fails the test if it is not pending.
func (o *office) propose(t interface{ Fatal(...any) }, native string) care.Draft {
	id := care.NewPostID(care.X, native)
	f := o.facts[id]
	conv := care.ConversationID("con_" + native)
	if f.Post.Private {
		conv = "con_direct"
	}
	err := o.book().Propose(context.Background(), f.Post, care.Draft{Conversation: conv, Customer: "cus_1", Private: f.Post.Private,
		Rule: "refund", Text: f.Plan.Text, ApproveBy: noon.Add(2 * time.Hour), Correlation: "cor"})
	if err != nil {
		t.Fatal(err)
	}
	return o.drafts[id]
}

func approval(agent string, version int) Approval {
	return Approval{Post: "x:1", Agent: agent, Version: version}
}

func TestApprove(t *testing.T) {
	o := newOffice()
	d := o.propose(t, "1")
	o.propose(t, "1") // a repeat changes nothing
	text := "Your refund of last week is on its way."
	a := approval("ana", d.Version)
	a.Text = &text
	got, err := o.desk().Approve(t.Context(), a)
	if err != nil || got.Status != care.DraftSent || got.By != "ana" {
		t.Fatalf("%+v, %v", got, err)
	}
	if fmt.Sprint(o.said, o.by) != "[x:1 "+text+"] [ana]" || fmt.Sprint(o.woken) != "[token-1 ana answered]" {
		t.Errorf("said %v by %v, woken %v", o.said, o.by, o.woken)
	}
	if got.Text != "Your refund is on its way." || got.Approved != text || got.Reasons[0].By != "door" {
		t.Errorf("what was proposed and what was approved: %+v", got)
	}
	if fmt.Sprint(o.events) != "[ReplyDrafted ReplyDrafted DraftClosed sent edited]" {
		t.Errorf("events %v", o.events)
	}
	again, err := o.desk().Approve(t.Context(), a)
	if err != nil || again.Status != care.DraftSent || len(o.said) != 1 {
		t.Errorf("a repeat by the same agent: %+v, %v, said %v", again, err, o.said)
	}
	other := "Something else."
	a.Text = &other
	if _, err := o.desk().Approve(t.Context(), a); care.CodeOf(err) != care.Conflict || !strings.Contains(err.Error(), "sent by ana") || len(o.said) != 1 {
		t.Errorf("the same agent with other words, which nobody will hear: %v, said %v", err, o.said)
	}
	if _, err := o.desk().Approve(t.Context(), approval("ben", again.Version)); care.CodeOf(err) != care.Conflict || !strings.Contains(err.Error(), "sent by ana") {
		t.Errorf("another agent: %v", err)
	}
}

func TestApproveRefuses(t *testing.T) {
	long, empty, personal, odd := strings.Repeat("a", 281), " \n ", "Write to nora@veloria.example", "bell \a"
	rows := []struct {
		name    string
		prepare func(*office, *Approval)
		code    care.Code
		says    string
		status  care.DraftStatus
	}{
		{"empty", func(_ *office, a *Approval) { a.Text = &empty }, care.Invalid, "empty", care.DraftPending},
		{"too long", func(_ *office, a *Approval) { a.Text = &long }, care.Invalid, "281 of 280", care.DraftPending},
		{"personal data in public", func(_ *office, a *Approval) { a.Text = &personal }, care.Invalid, "email", care.DraftPending},
		{"control characters", func(_ *office, a *Approval) { a.Text = &odd }, care.Invalid, "cannot be shown", care.DraftPending},
		{"another version", func(_ *office, a *Approval) { a.Version = 7 }, care.Conflict, "changed since", care.DraftPending},
		{"no draft", func(_ *office, a *Approval) { a.Post = "x:9" }, care.NotFound, "", care.DraftPending},
		{"too late", func(o *office, _ *Approval) { o.now = noon.Add(2 * time.Hour) }, care.Conflict, "expired at 2026-11-24T14:00:00Z", care.DraftExpired},
		{"rejected", func(o *office, _ *Approval) {
			_, _ = o.desk().Reject(context.Background(), "x:1", "ben", 1, "The tone.")
		}, care.Conflict, "rejected by ben: The tone.", care.DraftRejected},
		{"resolved meanwhile", func(o *office, _ *Approval) { c := o.conv["con_1"]; c.Escalation = nil; o.conv["con_1"] = c }, care.Conflict, "resolved without it", care.DraftWithdrawn},
		{"escalated anew", func(o *office, _ *Approval) { o.conv["con_1"].Escalation.Drafts = nil }, care.Conflict, "resolved without it", care.DraftWithdrawn},
		{"deleted", func(o *office, _ *Approval) { f := o.facts["x:1"]; f.Deleted = true; o.facts["x:1"] = f }, care.Conflict, "deleted", care.DraftWithdrawn},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := newOffice()
			a := approval("ana", o.propose(t, "1").Version)
			r.prepare(o, &a)
			_, err := o.desk().Approve(t.Context(), a)
			if care.CodeOf(err) != r.code || !strings.Contains(err.Error(), r.says) {
				t.Errorf("got %v, want %s with %q", err, r.code, r.says)
			}
			if d := o.drafts["x:1"]; d.Status != r.status || len(o.said) != 0 || len(o.woken) != 0 {
				t.Errorf("%s, said %v, woken %v", d.Status, o.said, o.woken)
			}
		})
	}
	t.Run("confirmed personal data goes out", func(t *testing.T) {
		o := newOffice()
		a := approval("ana", o.propose(t, "1").Version)
		a.Text, a.Confirmed = &personal, true
		if d, err := o.desk().Approve(t.Context(), a); err != nil || d.Status != care.DraftSent || !d.Confirmed {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("and in private without a question", func(t *testing.T) {
		o := newOffice()
		o.post("5", true)
		a := approval("ana", o.propose(t, "5").Version)
		a.Post, a.Text = "x:5", &personal
		if d, err := o.desk().Approve(t.Context(), a); err != nil || d.Status != care.DraftSent {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// TestUncertain: until the door has said yes or no for good the draft stays
// approved; the same agent goes on, nobody else can, and nothing is said twice.
func TestUncertain(t *testing.T) {
	unknown := func(really bool) func() (Result, bool, error) {
		return func() (Result, bool, error) { return Result{}, really, care.Errorf(care.Unknown, "no answer") }
	}
	rows := map[string]struct {
		prepare func(*office)
		first   care.Code
		status  care.DraftStatus
		said    int
	}{
		"the answer got lost":  {func(o *office) { o.next = append(o.next, unknown(true)) }, care.Unknown, care.DraftSent, 1},
		"nothing was said yet": {func(o *office) { o.next = append(o.next, unknown(false)) }, care.Unknown, care.DraftSent, 1},
		"the wake-up failed":   {func(o *office) { o.fail["Succeed"] = 1 }, care.Unavailable, care.DraftSent, 1},
		"the table is down": {func(o *office) {
			o.during = func() { o.during = nil; o.mu.Lock(); o.fail["UpdateDraft"] = 1; o.mu.Unlock() }
		}, care.Unavailable, care.DraftSent, 1},
		"the bus is down": {func(o *office) { o.fail["Publish"] = 1 }, care.Unavailable, care.DraftSent, 1},
		"then the door says no": {func(o *office) {
			o.next = append(o.next, unknown(false), func() (Result, bool, error) {
				return Result{Reasons: []care.Reason{{By: "policy:window", Text: "The window is closed."}}}, false, nil
			})
		}, care.Unknown, care.DraftRefused, 0},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			o := newOffice()
			a := approval("ana", o.propose(t, "1").Version)
			r.prepare(o)
			if _, err := o.desk().Approve(t.Context(), a); care.CodeOf(err) != r.first {
				t.Fatalf("first: %v, want %s", err, r.first)
			}
			if s := o.drafts["x:1"].Status; s == care.DraftApproved {
				other := "Something else."
				b := approval("ana", o.drafts["x:1"].Version)
				b.Text = &other
				for who, wrong := range map[string]Approval{"ben": approval("ben", o.drafts["x:1"].Version), "ana in other words": b} {
					if _, err := o.desk().Approve(t.Context(), wrong); care.CodeOf(err) != care.Conflict || !strings.Contains(err.Error(), "approved by ana") {
						t.Errorf("%s: %v", who, err)
					}
				}
				if _, err := o.desk().Reject(t.Context(), "x:1", "ana", o.drafts["x:1"].Version, "Changed my mind."); care.CodeOf(err) != care.Conflict {
					t.Errorf("rejecting what may be said already: %v", err)
				}
				if list, _, err := o.desk().List(t.Context(), Filter{}); err != nil || len(list) != 1 {
					t.Errorf("it must stay on the list: %v, %v", list, err)
				}
			}
			d, err := o.desk().Approve(t.Context(), a)
			if err != nil || d.Status != r.status || len(o.said) != r.said {
				t.Errorf("second: %+v, %v, said %v", d, err, o.said)
			}
			if r.status == care.DraftSent && (len(o.woken) == 0 || o.woken[0] != "token-1 ana answered") || r.status == care.DraftRefused && (len(o.woken) != 0 || d.Why != "The window is closed." || d.By != "ana") {
				t.Errorf("woken %v, %+v", o.woken, d)
			}
			if len(o.events) == 0 || o.events[len(o.events)-1] != "DraftClosed "+string(r.status) {
				t.Errorf("events %v", o.events)
			}
		})
	}
}

// TestManyApprove: however many agents click at once, one of them sends, once.
func TestManyApprove(t *testing.T) {
	for range 50 {
		o := newOffice()
		d := o.propose(t, "1")
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := map[string]int{}
		for n := range 8 {
			agent := fmt.Sprint("agent-", n%4) // each clicks twice
			wg.Go(func() {
				text := "In the words of " + agent
				a := approval(agent, d.Version)
				a.Text = &text
				got, err := o.desk().Approve(context.Background(), a)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && got.Status == care.DraftSent {
					won[agent]++
				} else if c := care.CodeOf(err); c != care.Conflict && c != care.Busy {
					t.Errorf("%s: %+v, %v", agent, got, err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 || len(o.said) != 1 || !strings.HasSuffix(o.said[0], o.drafts["x:1"].By) {
			t.Fatalf("won %v, said %v, draft by %s", won, o.said, o.drafts["x:1"].By)
		}
	}
}

// TestOvertaken: what comes between an agent's look and click, and what comes
// while the door is at it.
func TestOvertaken(t *testing.T) {
	reply := care.Post{Platform: care.X, NativeID: "90", Account: "7001001", ReplyTo: "1", Author: care.Author{Own: true}, CreatedAt: noon}
	edit := care.Post{Platform: care.X, NativeID: "1", Text: "never mind", ReceivedAt: noon}
	rows := map[string]func(o *office) error{
		"deleted":          func(o *office) error { return o.book().Gone(context.Background(), "x:1") },
		"changed":          func(o *office) error { return o.book().Edited(context.Background(), edit) },
		"answered by hand": func(o *office) error { return o.book().Answered(context.Background(), reply) },
		"resolved": func(o *office) error {
			return o.book().Withdraw(context.Background(), "x:1", "The matter was resolved without it.")
		},
	}
	for name, happens := range rows {
		t.Run(name+", then approved", func(t *testing.T) {
			o := newOffice()
			a := approval("ana", o.propose(t, "1").Version)
			for range 2 { // and repeated
				if err := happens(o); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := o.desk().Approve(t.Context(), a); care.CodeOf(err) != care.Conflict || !strings.Contains(err.Error(), "withdrawn") {
				t.Errorf("got %v", err)
			}
			if len(o.said) != 0 || o.drafts["x:1"].Status != care.DraftWithdrawn || o.events[1] != "DraftClosed withdrawn" {
				t.Errorf("said %v, %s, %v", o.said, o.drafts["x:1"].Status, o.events)
			}
		})
		t.Run(name+", while it is sent", func(t *testing.T) {
			o := newOffice()
			a := approval("ana", o.propose(t, "1").Version)
			o.during = func() {
				if err := happens(o); err != nil {
					t.Error(err)
				}
			}
			d, err := o.desk().Approve(t.Context(), a)
			if err != nil || d.Status != care.DraftSent || len(o.said) != 1 {
				t.Errorf("%+v, %v, said %v", d, err, o.said)
			}
			if gone := d.Text+d.Approved == ""; gone != (name == "deleted") {
				t.Errorf("texts %q, %q", d.Text, d.Approved)
			}
			if fmt.Sprint(o.events) != "[ReplyDrafted DraftClosed sent]" {
				t.Errorf("events %v", o.events)
			}
		})
	}
	t.Run("deleted while nobody knows, then again", func(t *testing.T) {
		o := newOffice()
		a := approval("ana", o.propose(t, "1").Version)
		o.next = append(o.next, func() (Result, bool, error) { return Result{}, false, care.Errorf(care.Unknown, "no answer") })
		_, _ = o.desk().Approve(t.Context(), a)
		if err := o.book().Gone(t.Context(), "x:1"); err != nil {
			t.Fatal(err)
		}
		if d := o.drafts["x:1"]; d.Status != care.DraftApproved || d.Text+d.Approved != "" {
			t.Fatalf("%+v", d)
		}
		if _, err := o.desk().Approve(t.Context(), a); care.CodeOf(err) != care.Conflict || len(o.said) != 0 {
			t.Errorf("%v, said %v", err, o.said)
		}
	})
	t.Run("a rejected draft's reason goes with the post", func(t *testing.T) {
		o := newOffice()
		o.propose(t, "1")
		if _, err := o.desk().Reject(t.Context(), "x:1", "ana", 1, "Bill has moved away."); err != nil {
			t.Fatal(err)
		}
		if err := o.book().Gone(t.Context(), "x:1"); err != nil || o.drafts["x:1"].Why != "" || o.drafts["x:1"].Status != care.DraftRejected {
			t.Errorf("%+v, %v", o.drafts["x:1"], err)
		}
	})
}

// TestAnswered: which posts of our own withdraw what, in any order.
func TestAnswered(t *testing.T) {
	own := func(change func(*care.Post)) care.Post {
		p := care.Post{Platform: care.X, NativeID: "90", Account: "7001001", Author: care.Author{Own: true}, CreatedAt: noon}
		change(&p)
		return p
	}
	rows := []struct {
		name    string
		private bool
		own     care.Post
		want    care.DraftStatus
	}{
		{"a reply", false, own(func(p *care.Post) { p.ReplyTo = "1" }), care.DraftWithdrawn},
		{"a reply in the draft's very words", false, own(func(p *care.Post) { p.ReplyTo, p.Text = "1", "Your refund is on its way." }), care.DraftWithdrawn},
		{"a reply to another post", false, own(func(p *care.Post) { p.ReplyTo = "2" }), care.DraftPending},
		{"a reply elsewhere with the same id", false, own(func(p *care.Post) { p.Platform, p.ReplyTo = care.Mastodon, "1" }), care.DraftPending},
		{"a direct message", true, own(func(p *care.Post) { p.Private, p.Thread = true, "2222" }), care.DraftWithdrawn},
		{"a direct message from before", true, own(func(p *care.Post) { p.Private, p.Thread, p.CreatedAt = true, "2222", noon.Add(-time.Hour) }), care.DraftPending},
		{"a direct message to somebody else", true, own(func(p *care.Post) { p.Private, p.Thread = true, "3333" }), care.DraftPending},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := newOffice()
			p := o.post("1", r.private)
			o.propose(t, "1")
			for range 2 {
				if err := o.book().Answered(t.Context(), r.own); err != nil {
					t.Fatal(err)
				}
			}
			if got := o.drafts[p.ID()].Status; got != r.want {
				t.Errorf("%s, want %s", got, r.want)
			}
		})
	}
	t.Run("seen before the draft came", func(t *testing.T) {
		o := newOffice()
		if err := o.book().Answered(t.Context(), rows[0].own); err != nil {
			t.Fatal(err)
		}
		if d := o.propose(t, "1"); d.Status != "" || len(o.events) != 0 {
			t.Errorf("%+v, %v", d, o.events)
		}
	})
	t.Run("a failed note comes again", func(t *testing.T) {
		o := newOffice()
		o.propose(t, "1")
		o.fail["PostAnswered"] = 1
		if err := o.book().Answered(t.Context(), rows[0].own); care.CodeOf(err) != care.Unavailable || o.drafts["x:1"].Status != care.DraftPending {
			t.Errorf("%v, %s", err, o.drafts["x:1"].Status)
		}
	})
}

func TestExpire(t *testing.T) {
	o := newOffice()
	for n := range 250 {
		native := fmt.Sprint(1000 + n)
		o.post(native, false)
		o.propose(t, native)
	}
	late := o.propose(t, "1")
	set := func(id care.PostID, change func(*care.Draft)) {
		d := o.drafts[id]
		change(&d)
		o.drafts[id] = d
	}
	set("x:1000", func(d *care.Draft) { _ = d.Move(care.DraftApproved, "ana", "", noon.Add(90*time.Minute)) })
	set("x:1001", func(d *care.Draft) { d.ApproveBy = noon.Add(3 * time.Hour) })
	o.now = noon.Add(2*time.Hour - time.Second)
	if n, err := o.book().Expire(t.Context()); err != nil || n != 0 {
		t.Fatalf("before its time: %d, %v", n, err)
	}
	o.now = late.ApproveBy.Add(time.Second)
	if n, err := o.book().Expire(t.Context()); err != nil || n != 249 {
		t.Errorf("%d, %v", n, err)
	}
	if a, b := o.drafts["x:1000"].Status, o.drafts["x:1001"].Status; a != care.DraftApproved || b != care.DraftPending {
		t.Errorf("approved %s, later %s", a, b)
	}
	o.now = noon.Add(90*time.Minute + Unfinished)
	if n, err := o.book().Expire(t.Context()); err != nil || n != 1 || o.drafts["x:1000"].Status != care.DraftWithdrawn || !strings.Contains(o.drafts["x:1000"].Why, "approved by ana") {
		t.Errorf("%d, %v, %+v", n, err, o.drafts["x:1000"])
	}
}

// TestWake: which escalations an answer ends.
func TestWake(t *testing.T) {
	rows := map[string]struct {
		prepare func(*care.Escalation)
		woken   string
		open    bool
	}{
		"its own":                        {func(*care.Escalation) {}, "[token-1 ana answered]", true},
		"the customer has written again": {func(e *care.Escalation) { e.Latest = "x:2" }, "[]", true},
		"another post opened it":         {func(e *care.Escalation) { e.Post = "x:2" }, "[]", true},
		"no token yet":                   {func(e *care.Escalation) { e.TaskToken = "" }, "[]", false},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			o := newOffice()
			a := approval("ana", o.propose(t, "1").Version)
			r.prepare(o.conv["con_1"].Escalation)
			if _, err := o.desk().Approve(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if open := o.conv["con_1"].Escalation != nil; fmt.Sprint(o.woken) != r.woken || open != r.open || len(o.said) != 1 {
				t.Errorf("woken %v, escalation open %v, said %v", o.woken, open, o.said)
			}
		})
	}
}

func TestReject(t *testing.T) {
	o := newOffice()
	d := o.propose(t, "1")
	for name, reason := range map[string]string{"none": " ", "long": strings.Repeat("x", MaxReason+1), "two lines": "a\nb"} {
		if _, err := o.desk().Reject(t.Context(), "x:1", "ana", d.Version, reason); care.CodeOf(err) != care.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.desk().Reject(t.Context(), "x:1", "ana", 9, "No."); care.CodeOf(err) != care.Conflict {
		t.Errorf("another version: %v", err)
	}
	for range 2 {
		if got, err := o.desk().Reject(t.Context(), "x:1", "ana", d.Version, "The tone is wrong."); err != nil || got.Status != care.DraftRejected || got.Why != "The tone is wrong." {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := o.desk().Reject(t.Context(), "x:1", "ben", d.Version, "Me too."); care.CodeOf(err) != care.Conflict || o.drafts["x:1"].By != "ana" {
		t.Errorf("another agent: %v", err)
	}
	if len(o.said) != 0 || len(o.woken) != 0 {
		t.Errorf("said %v, woken %v; the agent still has it", o.said, o.woken)
	}
}

func TestList(t *testing.T) {
	o := newOffice()
	o.propose(t, "1")
	for n := range 120 {
		native := fmt.Sprint(1000 + n)
		o.post(native, false)
		o.propose(t, native)
		if n%10 == 0 {
			o.conv[care.ConversationID("con_"+native)].Escalation.Queue = "priority"
		}
	}
	count := func(f Filter) (total, pages int) {
		for {
			list, next, err := o.desk().List(t.Context(), f)
			if err != nil || pages > 9 {
				t.Fatal(err, pages)
			}
			total, pages = total+len(list), pages+1
			if next == "" {
				return total, pages
			}
			f.After = next
		}
	}
	for _, r := range []struct {
		f           Filter
		total, most int
	}{{Filter{}, 121, 3}, {Filter{Queue: "priority"}, 12, 1}, {Filter{Queue: "nowhere"}, 0, 1}, {Filter{Platform: care.X}, 121, 3}, {Filter{Platform: care.Bluesky}, 0, 1}} {
		if total, pages := count(r.f); total != r.total || pages > r.most {
			t.Errorf("%s: %d in %d pages, want %d in at most %d", r.f, total, pages, r.total, r.most)
		}
	}
	o.now = noon.Add(2 * time.Hour)
	if total, _ := count(Filter{}); total != 0 {
		t.Errorf("%d drafts listed that nobody can approve any more", total)
	}
}

// TestNeverTwice: whatever happens, in whatever order and however often, a post's
// reply is said once at most, never after the draft was closed otherwise, and
// what is closed stays closed.
func TestNeverTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOffice()
		ctx := context.Background()
		f := o.facts["x:1"]
		closed := care.DraftStatus("")
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			agent := rapid.SampledFrom([]string{"ana", "ben"}).Draw(t, "agent")
			version := rapid.IntRange(1, 5).Draw(t, "version")
			said := len(o.said)
			if rapid.IntRange(0, 4).Draw(t, "trouble") == 0 {
				o.fail[rapid.SampledFrom([]string{"Publish", "Succeed", "UpdateDraft", "PostAnswered"}).Draw(t, "fails")] = 1
			}
			switch rapid.IntRange(0, 8).Draw(t, "step") {
			case 0, 1, 2:
				a := approval(agent, version)
				if text := rapid.SampledFrom([]string{"", "One way.", "Another way."}).Draw(t, "text"); text != "" {
					a.Text = &text
				}
				if rapid.Bool().Draw(t, "lost") {
					really := rapid.Bool().Draw(t, "really")
					o.next = []func() (Result, bool, error){func() (Result, bool, error) { return Result{}, really, care.Errorf(care.Unknown, "lost") }}
				}
				_, _ = o.desk().Approve(ctx, a)
				o.next = nil
			case 3:
				_, _ = o.desk().Reject(ctx, "x:1", agent, version, "No.")
			case 4:
				_ = o.book().Gone(ctx, "x:1")
			case 5:
				_ = o.book().Answered(ctx, care.Post{Platform: care.X, ReplyTo: "1", CreatedAt: o.now, Author: care.Author{Own: true}})
			case 6:
				o.now = o.now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes")) * time.Minute)
				_, _ = o.book().Expire(ctx)
			default:
				_ = o.book().Propose(ctx, f.Post, care.Draft{Conversation: "con_1", Rule: "refund", Text: f.Plan.Text, ApproveBy: noon.Add(2 * time.Hour)})
			}
			d := o.drafts["x:1"]
			if len(o.said) > 1 {
				t.Fatalf("said %v", o.said)
			}
			if len(o.said) > said && closed != "" {
				t.Fatalf("said %v after it was %s", o.said, closed)
			}
			if closed != "" && d.Status != closed {
				t.Fatalf("%s after it was %s", d.Status, closed)
			}
			if d.Status.Closed() && d.Post != "" {
				closed = d.Status
			}
			if d.Status == care.DraftSent && len(o.said) != 1 {
				t.Fatal("sent, and nothing was said")
			}
		}
	})
}
