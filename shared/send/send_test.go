package send

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/idempotency"
)

// world is everything around the door, in memory. Its platform remembers what
// was really said, which is what counts.
type world struct {
	mu       sync.Mutex
	now      time.Time
	work     map[string]idempotency.Record
	locks    map[string]string
	lockEnd  map[string]time.Time
	conv     care.Conversation
	deleted  bool
	answered bool
	used     map[string]int64 // by name and bucket
	taken    map[string]bool
	keep     time.Time
	bundle   config.Bundle

	said      []care.Outgoing
	sendErrs  []error // what the next sends answer; "after" of them really said it
	after     []bool
	findErr   error
	timeline  map[string]care.Interaction
	events    []string
	cost      float64 // of the last ReplySent
	noAccount bool
	n         int
}

func newWorld() *world {
	return &world{now: time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC), work: map[string]idempotency.Record{}, locks: map[string]string{}, lockEnd: map[string]time.Time{},
		conv: care.Conversation{ID: "con_1", State: care.StateOpen}, timeline: map[string]care.Interaction{}, taken: map[string]bool{}, used: map[string]int64{},
		bundle: config.Bundle{Brand: config.Brand{Accounts: []config.Account{{Platform: care.X, ID: "7001001", Automated: true}, {Platform: care.Mastodon, ID: "7004001", Automated: true}}},
			Hours: config.Hours{TimeZone: "Europe/Madrid"}, Rules: []config.Rule{{Name: "hours"}}}}
}

func (w *world) ClaimWork(_ context.Context, key, owner string, deadline, expires time.Time) (idempotency.Record, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.work[key]
	if ok && (r.Done || r.Owner != "" && r.Deadline.After(w.now)) {
		return r, false, nil
	}
	if !ok {
		r = idempotency.Record{Key: key, Since: w.now}
	}
	r.Owner, r.Deadline, r.Expires, r.Attempts = owner, deadline, expires, r.Attempts+1
	w.work[key] = r
	return r, true, nil
}
func (w *world) SaveWork(_ context.Context, r idempotency.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if have := w.work[r.Key]; have.Owner != r.Owner || have.Done {
		return care.Errorf(care.Conflict, "lost")
	}
	w.work[r.Key] = r
	return nil
}
func (w *world) ReleaseWork(_ context.Context, r idempotency.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	have := w.work[r.Key]
	if have.Owner != r.Owner {
		return care.Errorf(care.Conflict, "lost")
	}
	have.Owner = ""
	w.work[r.Key] = have
	return nil
}
func (w *world) Lock(_ context.Context, name, owner string, until time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.locks[name] != "" && w.lockEnd[name].After(w.now) {
		return care.Errorf(care.Busy, "held")
	}
	w.locks[name], w.lockEnd[name] = owner, until
	return nil
}
func (w *world) Unlock(_ context.Context, name, owner string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.locks, name)
	return nil
}
func (w *world) Conversation(context.Context, care.ConversationID) (care.Conversation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conv, nil
}
func (w *world) UpdateConversation(_ context.Context, _ care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conv, fn(&w.conv)
}
func (w *world) PutInteraction(_ context.Context, i care.Interaction) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeline[i.ID] = i
	return nil
}
func (w *world) Take(_ context.Context, taker string, caps []care.Cap, expires time.Time) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken[taker] {
		return "", nil
	}
	for _, c := range caps {
		if w.used[c.Name+" "+c.Bucket]+c.Amount > c.Limit {
			return c.Name, nil
		}
	}
	for _, c := range caps {
		w.used[c.Name+" "+c.Bucket] += c.Amount
	}
	w.taken[taker], w.keep = true, expires
	return "", nil
}
func (w *world) Upstream(context.Context, care.PostID) (deleted, answered bool, err error) {
	return w.deleted, w.answered, nil
}
func (w *world) Open(context.Context, care.Platform, string) (Platform, error) {
	if w.noAccount {
		return nil, care.Errorf(care.NotFound, "none")
	}
	return w, nil
}
func (w *world) Send(_ context.Context, out care.Outgoing) (care.Sent, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sendErrs) > 0 {
		err, really := w.sendErrs[0], w.after[0]
		w.sendErrs, w.after = w.sendErrs[1:], w.after[1:]
		if really {
			w.said = append(w.said, out)
		}
		if err != nil {
			return care.Sent{}, err
		}
		return care.Sent{NativeID: "r1"}, nil
	}
	w.said = append(w.said, out)
	return care.Sent{NativeID: "r1", At: w.now}, nil
}
func (w *world) Find(_ context.Context, out care.Outgoing) (care.Sent, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.findErr != nil {
		return care.Sent{}, false, w.findErr
	}
	for _, s := range w.said {
		if s.Key == out.Key {
			return care.Sent{NativeID: "r1"}, true, nil
		}
	}
	return care.Sent{}, false, nil
}
func (w *world) Current(context.Context) (*config.Bundle, error) { return &w.bundle, nil }
func (w *world) Publish(_ context.Context, d ...events.Detail) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range d {
		w.events = append(w.events, e.Type())
		if sent, ok := e.(*events.ReplySent); ok {
			w.cost = sent.CostUSD
		}
	}
	return nil
}

func (w *world) service() *Service {
	clock := func() time.Time { return w.now }
	return &Service{Once: idempotency.New(w, clock), Locks: w, History: w, Door: w, Bundles: w, Bus: w, Clock: clock,
		Owner: func(context.Context) string { w.n++; return fmt.Sprint("o", w.n) }}
}

func request() Request {
	return Request{Kind: KindReply, Correlation: "c",
		Post: care.Post{Platform: care.X, NativeID: "1", Account: "7001001", Thread: "1", Kind: care.KindMention, Addressed: true, Text: "when do you open?",
			Author: care.Author{ID: "9"}, CreatedAt: time.Date(2026, 11, 17, 8, 59, 0, 0, time.UTC)},
		Plan:  care.Plan{Action: care.ActionAnswer, Rule: "hours", Text: "We open at nine."},
		Match: care.Match{Customer: care.Customer{ID: "cus_1"}, Conversation: care.Conversation{ID: "con_1"}}}
}

func TestSendsOnce(t *testing.T) {
	w := newWorld()
	s := w.service()
	for range 3 {
		res, err := s.Handle(t.Context(), request())
		if err != nil || res.Status != StatusSent || res.Sent.NativeID != "r1" {
			t.Fatalf("got %+v, %v", res, err)
		}
	}
	if len(w.said) != 1 || len(w.timeline) != 1 || w.conv.State != care.StateWaiting {
		t.Errorf("said %d times, timeline %v, state %s", len(w.said), w.timeline, w.conv.State)
	}
	if w.events[0] != "ReplySent" {
		t.Errorf("events %v", w.events)
	}
	if w.said[0].Key != "reply:x:1" || w.said[0].Text != "We open at nine." {
		t.Errorf("said %+v", w.said[0])
	}
}

func TestRefusals(t *testing.T) {
	rows := []struct {
		name   string
		change func(*world, *Request)
		by     string
	}{
		{"not summoned on X", func(_ *world, r *Request) { r.Post.Addressed = false }, "policy:x-summoned"},
		{"opted out", func(_ *world, r *Request) { r.Match.Customer.Consent.OptOut = true }, "policy:opt-out"},
		{"an agent took it meanwhile", func(w *world, _ *Request) { w.conv.Agent = "ana" }, "policy:agent-on-it"},
		{"an agent has the conversation", func(w *world, _ *Request) { w.conv.Escalation = &care.Escalation{} }, "policy:agent-on-it"},
		{"a colleague answered on the platform itself", func(w *world, _ *Request) { w.answered = true }, "guard:answered"},
		{"deleted meanwhile", func(w *world, _ *Request) { w.deleted = true }, "upstream"},
		{"our own post", func(_ *world, r *Request) { r.Post.Author.Own = true }, "policy:own-account"},
		{"daily cap", func(w *world, _ *Request) { w.used["reply:x:9 2026-11-17"] = 10 }, "guard:daily-cap"},
		{"the rule's cap per author", func(w *world, r *Request) {
			r.Plan.Limits.PerCustomerPerDay = 2
			w.used["rule:hours:x:9 2026-11-17"] = 2
		}, "guard:per-customer-per-day"},
		{"the rule's cap per day", func(w *world, r *Request) { r.Plan.Limits.PerDay = 50; w.used["rule:hours 2026-11-17"] = 50 }, "guard:per-day"},
		{"once per conversation", func(w *world, r *Request) {
			r.Plan.Limits.OncePerConversation = true
			w.used["once:hours:con_1 once"] = 1
		}, "guard:once-per-conversation"},
		{"budget is used up", func(w *world, _ *Request) {
			w.bundle.Budgets = map[care.Platform]float64{care.X: 1.50}
			w.used["budget:x 2026-11-17"] = 1_495_000
		}, "guard:budget"},
		{"budget too small for a link", func(w *world, r *Request) {
			w.bundle.Budgets = map[care.Platform]float64{care.X: 0.19}
			r.Plan.Text = "We open at nine: https://veloria.com/hours"
		}, "guard:budget"},
		{"no budget at all", func(w *world, _ *Request) { w.bundle.Budgets = map[care.Platform]float64{care.X: 0} }, "guard:budget"},
		{"kill switch for everything", func(w *world, _ *Request) { w.bundle.Stop.Everything = true }, "guard:stop"},
		{"kill switch for the platform", func(w *world, _ *Request) { w.bundle.Stop.Platforms = []care.Platform{care.Facebook, care.X} }, "guard:stop"},
		{"kill switch for the rule", func(w *world, _ *Request) { w.bundle.Rules[0].Enabled = new(bool) }, "guard:rule"},
		{"the rule is over", func(w *world, _ *Request) { w.bundle.Rules[0].Expires = "2026-11-16" }, "guard:rule"},
		{"the rule was taken out during the delay", func(w *world, r *Request) { w.bundle.Rules = nil; r.Plan.DelaySeconds = 60 }, "guard:rule"},
		{"no account of ours", func(w *world, _ *Request) { w.noAccount = true }, "door"},
		{"personal data in public", func(_ *world, r *Request) { r.Plan.Text = "We wrote to anna@example.com." }, "policy:personal-data"},
		{"deleted on the platform", func(w *world, _ *Request) {
			w.sendErrs, w.after = []error{care.Errorf(care.Refused, "404")}, []bool{false}
		}, "platform:x"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			req := request()
			r.change(w, &req)
			for range 2 { // a refusal is as final as a reply
				res, err := w.service().Handle(t.Context(), req)
				if err != nil || res.Status != StatusRefused || res.Reasons[0].By != r.by {
					t.Fatalf("got %+v, %v; want %s", res, err, r.by)
				}
				if res.CostUSD != 0 {
					t.Errorf("a refusal costs $%g", res.CostUSD)
				}
			}
			if len(w.taken) != 0 && !strings.HasPrefix(r.by, "platform:") {
				t.Errorf("refused, and yet took from the caps: %v", w.used)
			}
			if len(w.said) != 0 || w.events[0] != "ReplyRefused" {
				t.Errorf("said %v, events %v", w.said, w.events)
			}
		})
	}
}

func TestUncertainSends(t *testing.T) {
	unknown, unavailable := care.Errorf(care.Unknown, "timed out"), care.Errorf(care.Unavailable, "refused")
	rows := []struct {
		name   string
		err    error
		really bool
		find   error
		first  care.Code
		then   string // status of the second attempt
		said   int
	}{
		{"timed out, was said: read back", unknown, true, nil, care.Unknown, StatusSent, 1},
		{"timed out, was not said: said now", unknown, false, nil, care.Unknown, StatusSent, 1},
		{"surely not said: said now", unavailable, false, nil, care.Unavailable, StatusSent, 1},
		{"throttled: said later", care.Errorf(care.Throttled, "429"), false, nil, care.Throttled, StatusSent, 1},
		{"token died: nothing hidden", care.Errorf(care.Denied, "401"), false, nil, care.Denied, StatusSent, 1},
		{"timed out and cannot be read back: a person looks", unknown, true, care.Errorf(care.Denied, "no scope"), care.Unknown, StatusParked, 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			w.sendErrs, w.after, w.findErr = []error{r.err}, []bool{r.really}, r.find
			s := w.service()
			if _, err := s.Handle(t.Context(), request()); care.CodeOf(err) != r.first {
				t.Fatalf("first attempt: %v", err)
			}
			res, err := s.Handle(t.Context(), request())
			if err != nil || res.Status != r.then || len(w.said) != r.said {
				t.Errorf("second attempt: %+v, %v, said %d", res, err, len(w.said))
			}
		})
	}
	t.Run("read-back itself is down: wait", func(t *testing.T) {
		w := newWorld()
		w.sendErrs, w.after, w.findErr = []error{unknown}, []bool{true}, unavailable
		s := w.service()
		for range 3 {
			if _, err := s.Handle(t.Context(), request()); err == nil {
				t.Fatal("an uncertain send was settled without looking")
			}
		}
		w.findErr = nil
		if res, err := s.Handle(t.Context(), request()); err != nil || res.Status != StatusSent || len(w.said) != 1 {
			t.Errorf("got %+v, %v, said %d", res, err, len(w.said))
		}
	})
}

func TestBusy(t *testing.T) {
	t.Run("another attempt is at it", func(t *testing.T) {
		w := newWorld()
		w.work["reply:x:1"] = idempotency.Record{Key: "reply:x:1", Owner: "other", Deadline: w.now.Add(time.Minute)}
		if _, err := w.service().Handle(t.Context(), request()); care.CodeOf(err) != care.Busy {
			t.Errorf("got %v", err)
		}
	})
	t.Run("somebody speaks in the thread", func(t *testing.T) {
		w := newWorld()
		w.locks["send:x:7001001:1"], w.lockEnd["send:x:7001001:1"] = "agent", w.now.Add(time.Minute)
		if _, err := w.service().Handle(t.Context(), request()); care.CodeOf(err) != care.Busy {
			t.Errorf("got %v", err)
		}
		w.now = w.now.Add(2 * time.Minute)
		if res, err := w.service().Handle(t.Context(), request()); err != nil || res.Status != StatusSent {
			t.Errorf("after the lock: %+v, %v", res, err)
		}
	})
}

// An attempt that failed before it said anything has used up nothing: the next
// one finds its place under the cap.
func TestRetriesTakeOnePlaceUnderTheCap(t *testing.T) {
	w := newWorld()
	r := request()
	r.Plan.Limits.PerCustomerPerDay = 1
	for range 3 {
		w.sendErrs, w.after = append(w.sendErrs, care.Errorf(care.Unavailable, "down")), append(w.after, false)
	}
	s := w.service()
	for range 3 {
		if _, err := s.Handle(t.Context(), r); care.CodeOf(err) != care.Unavailable {
			t.Fatal(err)
		}
	}
	if res, err := s.Handle(t.Context(), r); err != nil || res.Status != StatusSent {
		t.Errorf("got %+v, %v", res, err)
	}
}

// An attempt that died while sending, at any point, never makes a second reply.
func TestKilledAttempts(t *testing.T) {
	for _, really := range []bool{true, false} {
		t.Run(fmt.Sprintf("really said %v", really), func(t *testing.T) {
			w := newWorld()
			w.work["reply:x:1"] = idempotency.Record{Key: "reply:x:1", Owner: "dead", Phase: phaseSending, Since: w.now.Add(-time.Minute), Deadline: w.now.Add(-time.Second)}
			if really {
				w.said = append(w.said, care.Outgoing{Key: "reply:x:1"})
			}
			res, err := w.service().Handle(t.Context(), request())
			if err != nil || res.Status != StatusSent || len(w.said) != 1 {
				t.Errorf("got %+v, %v, said %d", res, err, len(w.said))
			}
		})
	}
}

// Whatever errors come in whatever order, a post gets at most one reply, and
// exactly one once the platform works again.
func TestNeverTwice(t *testing.T) {
	errs := []error{nil, care.Errorf(care.Unknown, "u"), care.Errorf(care.Unavailable, "a"), care.Errorf(care.Throttled, "t"), care.Errorf(care.Denied, "d")}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(0, 6).Draw(rt, "n") {
			err := rapid.SampledFrom(errs).Draw(rt, "err")
			really := err == nil || care.CodeOf(err) == care.Unknown && rapid.Bool().Draw(rt, "really")
			w.sendErrs, w.after = append(w.sendErrs, err), append(w.after, really)
		}
		s := w.service()
		r := request()
		if rapid.Bool().Draw(rt, "limits") {
			w.bundle.Budgets = map[care.Platform]float64{care.X: 0.01}
			r.Plan.Limits = care.Limits{PerCustomerPerDay: 1, PerDay: 1, OncePerConversation: true}
		}
		if rapid.Bool().Draw(rt, "acknowledge") {
			r.Plan.Action = care.ActionAcknowledge
		}
		var res Result
		var err error
		for range 10 {
			w.now = w.now.Add(time.Minute)
			if res, err = s.Handle(t.Context(), r); err == nil {
				break
			}
		}
		if err != nil || res.Status != StatusSent || len(w.said) != 1 {
			rt.Fatalf("got %+v, %v, said %d", res, err, len(w.said))
		}
	})
}

func TestInvitation(t *testing.T) {
	r := Request{Kind: KindInvitation, Send: &Invitation{Invitation: care.Invitation{ID: "cus_1:e1", Customer: "cus_1", Platform: care.Mastodon, Text: "Stay in touch?"},
		Customer: care.Customer{ID: "cus_1", Consent: care.Consent{Invite: true}}, Account: "7004001", To: care.Author{ID: "66503", Handle: "c@fedi.example"}}}
	w := newWorld()
	for range 2 {
		if res, err := w.service().Handle(t.Context(), r); err != nil || res.Status != StatusSent {
			t.Fatalf("got %+v, %v", res, err)
		}
	}
	if len(w.taken) != 0 {
		t.Errorf("an invitation took from the caps of replies: %v", w.used)
	}
	if len(w.said) != 1 || !w.said[0].Private || w.said[0].To.ID != "66503" || w.said[0].Key != "invitation:cus_1:e1" {
		t.Errorf("said %+v", w.said)
	}
	r.Send.Invitation.ID, r.Send.Customer.Consent.Invite = "cus_1:e2", false
	if res, err := w.service().Handle(t.Context(), r); err != nil || res.Status != StatusRefused {
		t.Errorf("without consent: %+v, %v", res, err)
	}
	r.Send.Invitation.ID, r.Send.Customer.Consent.Invite = "cus_1:e3", true
	w.bundle.Stop = config.Stop{Platforms: []care.Platform{care.Mastodon}}
	if res, err := w.service().Handle(t.Context(), r); err != nil || res.Status != StatusRefused || res.Reasons[0].By != "guard:stop" || len(w.said) != 1 {
		t.Errorf("with the kill switch on: %+v, %v", res, err)
	}
}

func TestInvalid(t *testing.T) {
	noText, noPost := request(), request()
	noText.Plan.Text = ""
	noPost.Post.NativeID = ""
	for name, r := range map[string]Request{"no kind": {}, "no text": noText, "no post": noPost, "no invitation": {Kind: KindInvitation}} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			if _, err := newWorld().service().Handle(t.Context(), r); care.CodeOf(err) != care.Invalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What a reply takes, and how it is counted: by the day of the brand, in millionths
// of a dollar, the rule's own caps beside everybody's.
func TestTakes(t *testing.T) {
	all := care.Limits{PerCustomerPerDay: 3, PerDay: 100, OncePerConversation: true}
	rows := []struct {
		name   string
		change func(*world, *Request)
		want   map[string]int64
		keep   time.Duration
		cost   float64
	}{
		{"a plain reply", func(*world, *Request) {}, map[string]int64{"reply:x:9 2026-11-17": 1}, 48 * time.Hour, 0.010},
		{"everything", func(w *world, r *Request) {
			r.Plan.Limits, w.bundle.Budgets = all, map[care.Platform]float64{care.X: 5}
			r.Plan.Text = "See https://veloria.com/hours"
		}, map[string]int64{"reply:x:9 2026-11-17": 1, "rule:hours:x:9 2026-11-17": 1, "rule:hours 2026-11-17": 1, "once:hours:con_1 once": 1, "budget:x 2026-11-17": 200_000},
			90 * 24 * time.Hour, 0.200},
		{"after midnight where the brand is", func(w *world, r *Request) {
			w.now = time.Date(2026, 11, 17, 23, 30, 0, 0, time.UTC) // 00:30 in Madrid
		}, map[string]int64{"reply:x:9 2026-11-18": 1}, 48 * time.Hour, 0.010},
		{"a platform that charges nothing has no use for its budget", func(w *world, r *Request) {
			r.Post.Platform, r.Post.Account, w.bundle.Budgets = care.Mastodon, "7004001", map[care.Platform]float64{care.Mastodon: 0}
		}, map[string]int64{"reply:mastodon:9 2026-11-17": 1}, 48 * time.Hour, 0},
		{"the platform hides the author", func(w *world, r *Request) { r.Post.Author, r.Plan.Limits = care.Author{}, all },
			map[string]int64{"rule:hours 2026-11-17": 1, "once:hours:con_1 once": 1}, 90 * 24 * time.Hour, 0.010},
		{"no conversation: the thread", func(w *world, r *Request) {
			r.Match.Conversation, r.Plan.Limits.OncePerConversation = care.Conversation{}, true
		}, map[string]int64{"reply:x:9 2026-11-17": 1, "once:hours:x:7001001:1 once": 1}, 90 * 24 * time.Hour, 0.010},
		{"a rule that the door does not know yet", func(w *world, r *Request) { w.bundle.Rules = nil }, map[string]int64{"reply:x:9 2026-11-17": 1}, 48 * time.Hour, 0.010},
		{"another platform is stopped", func(w *world, r *Request) { w.bundle.Stop.Platforms = []care.Platform{care.Mastodon} }, map[string]int64{"reply:x:9 2026-11-17": 1}, 48 * time.Hour, 0.010},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			req := request()
			r.change(w, &req)
			for range 2 {
				if res, err := w.service().Handle(t.Context(), req); err != nil || res.Status != StatusSent || res.CostUSD != r.cost {
					t.Fatalf("got %+v, %v", res, err)
				}
			}
			if !maps.Equal(w.used, r.want) {
				t.Errorf("took %v, want %v", w.used, r.want)
			}
			if got := w.keep.Sub(w.now); got != r.keep {
				t.Errorf("remembered for %v, want %v", got, r.keep)
			}
			if w.cost != r.cost {
				t.Errorf("ReplySent says $%g, want $%g", w.cost, r.cost)
			}
		})
	}
}

// Refusals say in words what held a reply back; the kill switch gives the reason
// that whoever threw it wrote down.
func TestReasonsInWords(t *testing.T) {
	rows := []struct {
		name   string
		change func(*world, *Request)
		want   string
	}{
		{"everything stopped", func(w *world, _ *Request) {
			w.bundle.Stop = config.Stop{Everything: true, Reason: "Outage in the north."}
		},
			"The kill switch is on: nothing is said automatically everywhere. Its reason: Outage in the north."},
		{"one platform stopped", func(w *world, _ *Request) { w.bundle.Stop.Platforms = []care.Platform{care.X} },
			"The kill switch is on: nothing is said automatically on x."},
		{"rule switched off", func(w *world, _ *Request) { w.bundle.Rules[0].Enabled = new(bool) },
			"Rule hours was switched off, or its time was over, before its reply went out."},
		{"budget", func(w *world, r *Request) {
			w.bundle.Budgets, r.Plan.Text = map[care.Platform]float64{care.X: 0.19}, "See veloria.com"
		}, "Today's budget for automated replies on x, $0.19, has too little left for this one, which costs $0.200."},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld()
			req := request()
			r.change(w, &req)
			res, err := w.service().Handle(t.Context(), req)
			if err != nil || len(res.Reasons) != 1 || res.Reasons[0].Text != r.want {
				t.Errorf("got %+v, %v", res, err)
			}
		})
	}
}

// An acknowledgement is a reply after which we still owe the answer.
func TestAcknowledge(t *testing.T) {
	w := newWorld()
	r := request()
	r.Plan.Action = care.ActionAcknowledge
	for range 2 {
		if res, err := w.service().Handle(t.Context(), r); err != nil || res.Status != StatusSent {
			t.Fatalf("got %+v, %v", res, err)
		}
	}
	if len(w.said) != 1 || w.conv.State != care.StateOpen || w.events[0] != "ReplySent" {
		t.Errorf("said %d times, the conversation is %s, events %v", len(w.said), w.conv.State, w.events)
	}
}

// Many posts at once, few places: never more replies than places, and none of
// them for nothing.
func TestCapsHoldUnderRace(t *testing.T) {
	w := newWorld()
	s := w.service()
	var owners atomic.Int64
	s.Owner = func(context.Context) string { return fmt.Sprint("o", owners.Add(1)) }
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			r := request()
			r.Post.NativeID, r.Post.Thread, r.Post.Author.ID = fmt.Sprint(n), fmt.Sprint(n), fmt.Sprint("author", n)
			r.Plan.Limits.PerDay = 7
			if _, err := s.Handle(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(w.said) != 7 || w.used["rule:hours 2026-11-17"] != 7 {
		t.Errorf("said %d times, %d places taken, of 7", len(w.said), w.used["rule:hours 2026-11-17"])
	}
}
