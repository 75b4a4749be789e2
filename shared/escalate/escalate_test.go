package escalate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

var nine = time.Date(2026, 11, 17, 9, 0, 0, 0, time.UTC) // a Tuesday

// house is everything around the service, in memory.
type house struct {
	now     time.Time
	conv    care.Conversation
	links   map[string]care.ContactLink
	tasks   map[string]Task // by token: Connect's own idempotency
	stopped []string
	woken   []string
	events  []events.Detail
	failing int // the next so many calls to the centre, or about drafts, fail

	proposed, withdrawn []string
}

func (h *house) Conversation(context.Context, care.ConversationID) (care.Conversation, error) {
	c := h.conv
	if c.Escalation != nil {
		e := *c.Escalation
		c.Escalation = &e
	}
	return c, nil
}
func (h *house) UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	c, _ := h.Conversation(ctx, id)
	if err := fn(&c); err != nil {
		return c, err
	}
	h.conv = c
	return h.Conversation(ctx, id)
}
func (h *house) LinkContact(_ context.Context, id string, l care.ContactLink) error {
	h.links[id] = l
	return nil
}
func (h *house) Current(context.Context) (*config.Bundle, error) {
	day := config.Duration(4 * time.Hour)
	return &config.Bundle{
		Hours: config.Hours{TimeZone: "UTC", Week: map[string][]string{"mon": {"08:00-20:00"}, "tue": {"08:00-20:00"}, "wed": {"08:00-20:00"}},
			Units: map[string]config.UnitHours{"Shop Larios": {Week: map[string][]string{"tue": {"08:00-10:00"}, "wed": {"08:00-20:00"}}}}},
		Routing: config.Routing{
			Queues: []config.Queue{{Name: "general", Fallback: "priority"}, {Name: "priority", Flow: "flow-p", Fallback: "manager"}, {Name: "manager"}, {Name: "spanish", Fallback: "general"}},
			Routes: []config.Route{{Queue: "priority", MinSeverity: "high"}, {Queue: "priority", MinPriority: 80}, {Queue: "spanish", Languages: []string{"es"}}},
			SLA: map[string]config.Target{
				"medium":   {FirstResponse: day, WarnBefore: config.Duration(time.Hour)},
				"critical": {FirstResponse: config.Duration(15 * time.Minute), WarnBefore: config.Duration(20 * time.Minute), AroundTheClock: true},
			},
		},
	}, nil
}
func (h *house) StartTask(_ context.Context, t Task) (string, error) {
	if h.failing > 0 {
		h.failing--
		return "", care.Errorf(care.Throttled, "2 per second")
	}
	h.tasks[t.Token] = t
	return "contact-" + t.Token, nil
}
func (h *house) StopTask(_ context.Context, id string) error {
	h.stopped = append(h.stopped, id)
	return nil
}
func (h *house) Succeed(_ context.Context, token string, d Done) error {
	h.woken = append(h.woken, token+":"+d.How)
	return nil
}
func (h *house) Publish(_ context.Context, d ...events.Detail) error {
	h.events = append(h.events, d...)
	return nil
}

func (h *house) Propose(_ context.Context, p care.Post, d care.Draft) error {
	if h.failing > 0 {
		h.failing--
		return care.Errorf(care.Throttled, "slow down")
	}
	h.proposed = append(h.proposed, string(p.ID())+" "+d.Text)
	return nil
}
func (h *house) Withdraw(_ context.Context, id care.PostID, _ string) error {
	if h.failing > 0 {
		h.failing--
		return care.Errorf(care.Throttled, "slow down")
	}
	h.withdrawn = append(h.withdrawn, string(id))
	return nil
}

func newHouse() (*house, *Service) {
	h := &house{now: nine, conv: care.Conversation{ID: "con_1", Customer: "cus_1", State: care.StateOpen}, links: map[string]care.ContactLink{}, tasks: map[string]Task{}}
	return h, &Service{Store: h, Bundles: h, Centre: h, Workflow: h, Drafts: h, Bus: h, Clock: func() time.Time { return h.now },
		Priority: func(t care.Triage, _ *care.Match, _ care.Post, _ config.Weights, repeat int) (float64, []care.Reason) {
			return t.Priority + float64(10*repeat), []care.Reason{{By: "severity", Text: "It is grave."}}
		}}
}

func open(id string, severity care.Severity, priority float64) Request {
	return Request{Op: OpOpen, Correlation: "c", Post: care.Post{Platform: care.X, NativeID: id, URL: "https://x.example/" + id},
		Triage: care.Triage{Severity: severity, Priority: priority, Lang: "en", Intent: "outage"}, Match: care.Match{Conversation: care.Conversation{ID: "con_1"}}}
}

func TestOpen(t *testing.T) {
	h, s := newHouse()
	got, err := s.Open(t.Context(), open("1", care.SeverityMedium, 40))
	if err != nil {
		t.Fatal(err)
	}
	// Due at 13:00, four business hours after 9; warned an hour before.
	if got.Queue != "general" || got.Execution != "con_1-1" || got.Input.WarnSeconds != 3*3600 || got.Input.BreachSeconds != 3600 || got.Input.FallbackSeconds != 4*3600 {
		t.Errorf("got %+v", got)
	}
	if e := h.conv.Escalation; h.conv.State != care.StateOpen || e.Post != "x:1" || !e.DueAt.Equal(nine.Add(4*time.Hour)) || len(h.events) != 1 {
		t.Errorf("conversation %+v, %d events", h.conv, len(h.events))
	}

	t.Run("a repeat gives the same execution and input", func(t *testing.T) {
		h.now = nine.Add(20 * time.Minute)
		again, err := s.Open(t.Context(), open("1", care.SeverityMedium, 40))
		if err != nil || fmt.Sprint(again.Input) != fmt.Sprint(got.Input) || again.Execution != got.Execution || h.conv.Episode != 1 {
			t.Errorf("got %+v, %v", again, err)
		}
	})
	t.Run("a second post joins and may raise the priority", func(t *testing.T) {
		again, err := s.Open(t.Context(), open("2", care.SeverityMedium, 70))
		if err != nil || again.Execution != "con_1-1" || h.conv.Escalation.Priority != 80 || fmt.Sprint(again.Input) != fmt.Sprint(got.Input) {
			t.Errorf("got %+v, %v, priority %v", again, err, h.conv.Escalation.Priority)
		}
	})
	t.Run("a repeat after it was resolved opens nothing", func(t *testing.T) {
		if _, err := s.Handle(t.Context(), Request{Op: OpResolve, Conversation: "con_1", Episode: 1}); err != nil {
			t.Fatal(err)
		}
		again, err := s.Open(t.Context(), open("1", care.SeverityMedium, 40))
		if err != nil || h.conv.Escalation != nil || again.Execution != "con_1-1" || h.conv.State != care.StateResolved {
			t.Errorf("got %+v, %v", again, err)
		}
	})
	t.Run("a new post opens the next episode", func(t *testing.T) {
		again, err := s.Open(t.Context(), open("3", care.SeverityMedium, 40))
		if err != nil || again.Execution != "con_1-2" {
			t.Errorf("got %+v, %v", again, err)
		}
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		if _, err := s.Open(t.Context(), Request{Op: OpOpen}); care.CodeOf(err) != care.Invalid {
			t.Errorf("got %v", err)
		}
		if _, err := s.Handle(t.Context(), Request{Op: "sing"}); care.CodeOf(err) != care.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

// What was promised to the author binds us where it is sooner than the service
// level, once it was said.
func TestPromise(t *testing.T) {
	const words = "The author was told to hear from us by 11:30 on 17 November, which is sooner than the service level asks."
	rows := []struct {
		name     string
		promised time.Time
		status   string
		due      time.Time
		reason   string
	}{
		{"sooner", nine.Add(150 * time.Minute), "sent", nine.Add(150 * time.Minute), words},
		{"sooner, in another zone", nine.Add(150 * time.Minute).In(time.FixedZone("EST", -5*3600)), "sent", nine.Add(150 * time.Minute), words},
		{"it may have been said", nine.Add(150 * time.Minute), "parked", nine.Add(150 * time.Minute), words},
		{"later", nine.Add(5 * time.Hour), "sent", nine.Add(4 * time.Hour), ""},
		{"the door refused to say it", nine.Add(150 * time.Minute), "refused", nine.Add(4 * time.Hour), ""},
		{"a draft, not said yet", nine.Add(150 * time.Minute), "", nine.Add(4 * time.Hour), ""},
		{"nothing promised", time.Time{}, "sent", nine.Add(4 * time.Hour), ""},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			h, s := newHouse()
			req := open("1", care.SeverityMedium, 40)
			req.Plan = care.Plan{Action: care.ActionAcknowledge, Promised: r.promised}
			req.Sent = &struct {
				Status  string        `json:"status"`
				Reasons []care.Reason `json:"reasons"`
			}{Status: r.status}
			got, err := s.Open(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			e := h.conv.Escalation
			if !e.DueAt.Equal(r.due) || got.Input.WarnSeconds+got.Input.BreachSeconds != int(r.due.Sub(nine).Seconds()) {
				t.Errorf("due at %s, want %s; %+v", e.DueAt, r.due, got.Input)
			}
			var reason string
			for _, why := range e.Reasons {
				if why.By == "promise" {
					reason = why.Text
				}
			}
			if reason != r.reason {
				t.Errorf("reason %q, want %q", reason, r.reason)
			}
		})
	}
	t.Run("the warning comes at once when the promise is near", func(t *testing.T) {
		h, s := newHouse()
		req := open("1", care.SeverityMedium, 40) // warned an hour before
		req.Plan = care.Plan{Promised: nine.Add(30 * time.Minute)}
		req.Sent = &struct {
			Status  string        `json:"status"`
			Reasons []care.Reason `json:"reasons"`
		}{Status: "sent"}
		got, err := s.Open(t.Context(), req)
		if err != nil || got.Input.WarnSeconds != 1 || got.Input.BreachSeconds != 1800 || !h.conv.Escalation.WarnAt.Equal(nine) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestRouteAndDue(t *testing.T) {
	h, _ := newHouse()
	b, _ := h.Current(t.Context())
	routes := []struct {
		name     string
		triage   care.Triage
		priority float64
		want     string
	}{
		{"by severity", care.Triage{Severity: care.SeverityHigh, Lang: "es"}, 10, "priority"},
		{"by priority", care.Triage{Severity: care.SeverityLow}, 80, "priority"},
		{"by language", care.Triage{Severity: care.SeverityLow, Lang: "es"}, 10, "spanish"},
		{"else the first queue", care.Triage{Lang: "en"}, 10, "general"},
	}
	for _, r := range routes {
		t.Run(r.name, func(t *testing.T) {
			if got := Route(b.Routing, care.Post{}, r.triage, care.Match{}, r.priority); got != r.want {
				t.Errorf("got %s, want %s", got, r.want)
			}
		})
	}
	dues := []struct {
		name, severity string
		now, want      time.Time
	}{
		{"within the day", "medium", nine, nine.Add(4 * time.Hour)},
		{"over the evening", "medium", time.Date(2026, 11, 17, 18, 0, 0, 0, time.UTC), time.Date(2026, 11, 18, 10, 0, 0, 0, time.UTC)},
		{"before opening", "medium", time.Date(2026, 11, 17, 5, 0, 0, 0, time.UTC), time.Date(2026, 11, 17, 12, 0, 0, 0, time.UTC)},
		{"around the clock", "critical", time.Date(2026, 11, 17, 23, 55, 0, 0, time.UTC), time.Date(2026, 11, 18, 0, 10, 0, 0, time.UTC)},
		{"no target", "none", nine, nine.Add(24 * time.Hour)},
	}
	for _, r := range dues {
		t.Run(r.name, func(t *testing.T) {
			if got := b.Hours.For(config.Who{}).Due(b.Routing.SLA[r.severity], r.now); !got.Equal(r.want) {
				t.Errorf("got %s, want %s", got, r.want)
			}
		})
	}
}

func TestDueByTheHoursOfTheUnitThatThePostNames(t *testing.T) {
	h, s := newHouse()
	r := open("1", care.SeverityMedium, 50) // 4 hours, from nine on Tuesday
	r.Triage.Units = []string{"Shop Larios"}
	if _, err := s.Open(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 18, 11, 0, 0, 0, time.UTC); !h.conv.Escalation.DueAt.Equal(want) {
		t.Errorf("due %s, want %s: one hour on Tuesday, three on Wednesday", h.conv.Escalation.DueAt, want)
	}
}

func TestWarningNeverLiesInThePast(t *testing.T) {
	h, s := newHouse()
	got, err := s.Open(t.Context(), open("1", care.SeverityCritical, 90)) // due in 15 minutes, warn 20 before
	if err != nil || got.Input.WarnSeconds != 1 || h.conv.Escalation.WarnAt.Before(nine) || got.Queue != "priority" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// step runs one operation of the escalation workflow.
func step(t *testing.T, s *Service, op, token string) error {
	t.Helper()
	r := Request{Op: op, Conversation: "con_1", Episode: 1, Token: token, Correlation: "c"}
	if op == OpBreach { // "t3-1": the first breach
		r.Step = int(token[len(token)-1] - '0')
	}
	_, err := s.Handle(t.Context(), r)
	return err
}

func TestWholeEscalation(t *testing.T) {
	h, s := newHouse()
	if _, err := s.Open(t.Context(), open("1", care.SeverityMedium, 40)); err != nil {
		t.Fatal(err)
	}
	h.failing = 1
	if err := step(t, s, OpTask, "t1"); care.CodeOf(err) != care.Throttled {
		t.Fatalf("a throttled Connect: %v", err)
	}
	for range 2 { // the workflow tries again, and the function may run twice
		if err := step(t, s, OpTask, "t1"); err != nil {
			t.Fatal(err)
		}
	}
	e := h.conv.Escalation
	if len(h.tasks) != 1 || e.Contact != "contact-con_1-1-0" || e.TaskToken != "t1" || h.links[e.Contact].Conversation != "con_1" {
		t.Fatalf("tasks %v, escalation %+v", h.tasks, e)
	}
	if task := h.tasks["con_1-1-0"]; task.URL == "" || task.Attributes["fielder_post"] != "x:1" || !strings.Contains(task.Description, "It is grave.") {
		t.Errorf("task %+v", task)
	}
	if err := step(t, s, OpWarn, "t2"); err != nil || !h.conv.Escalation.Warned || h.conv.Escalation.TaskToken != "t2" {
		t.Fatalf("warn: %v, %+v", err, h.conv.Escalation)
	}
	for _, token := range []string{"t3-1", "t4-1"} { // retried under a new token: the conversation moves on once
		if err := step(t, s, OpBreach, token); err != nil {
			t.Fatal(err)
		}
	}
	e = h.conv.Escalation
	if e.Queue != "priority" || e.Step != 1 || !e.Breached || len(h.tasks) != 2 || h.tasks["con_1-1-1"].Flow != "flow-p" || h.stopped[0] != "contact-con_1-1-0" {
		t.Fatalf("breach: %+v, tasks %v, stopped %v", e, h.tasks, h.stopped)
	}
	if err := step(t, s, OpBreach, "t5-2"); err != nil || h.conv.Escalation.Queue != "manager" {
		t.Fatalf("second breach: %v, %+v", err, h.conv.Escalation)
	}
	if err := step(t, s, OpBreach, "t6-3"); err != nil || h.conv.Escalation.Queue != "manager" {
		t.Fatalf("no further queue: %v, %+v", err, h.conv.Escalation)
	}
	if err := step(t, s, OpResolve, ""); err != nil || h.conv.State != care.StateResolved || h.conv.Escalation != nil {
		t.Fatalf("resolve: %v, %+v", err, h.conv)
	}
	last := h.events[len(h.events)-1]
	if r, ok := last.(*events.ConversationResolved); !ok || r.Episode != 1 || r.Customer != "cus_1" {
		t.Errorf("last event %#v", last)
	}
}

// Whatever step comes after an agent was quicker finds nothing to do and lets
// the workflow end.
func TestResolvedMeanwhile(t *testing.T) {
	for _, op := range []string{OpTask, OpWarn, OpBreach} {
		t.Run(op, func(t *testing.T) {
			h, s := newHouse()
			h.conv.Episode = 1
			if err := step(t, s, op, "tok-1"); err != nil || len(h.woken) != 1 || len(h.tasks) != 0 {
				t.Errorf("err %v, woken %v, tasks %v", err, h.woken, h.tasks)
			}
		})
	}
}

func TestWithoutACentre(t *testing.T) {
	h, s := newHouse()
	s.Centre = nil
	if _, err := s.Open(t.Context(), open("1", care.SeverityMedium, 40)); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{OpTask, OpWarn, OpBreach, OpResolve} {
		if err := step(t, s, op, "tok-1"); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if h.conv.State != care.StateResolved {
		t.Errorf("%+v", h.conv)
	}
}

// TestDraft: a plan that drafts is proposed once, to the escalation that its post
// opened or joined, and withdrawn when an agent resolves the matter without it.
func TestDraft(t *testing.T) {
	drafts := func(id string) Request {
		r := open(id, care.SeverityMedium, 40)
		r.Plan = care.Plan{Action: care.ActionDraft, Rule: "refund", Text: "About " + id + ".", ApproveBy: nine.Add(time.Hour)}
		return r
	}
	t.Run("proposed, joined, resolved", func(t *testing.T) {
		h, s := newHouse()
		for _, r := range []Request{drafts("1"), drafts("1"), drafts("2"), open("3", care.SeverityMedium, 40)} {
			if _, err := s.Open(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(h.proposed); got != "[x:1 About 1. x:1 About 1. x:2 About 2.]" {
			t.Errorf("proposed %s", got)
		}
		if e := h.conv.Escalation; fmt.Sprint(e.Drafts) != "[x:1 x:2]" || e.Latest != "x:3" {
			t.Errorf("escalation %+v", e)
		}
		h.failing = 1
		if err := step(t, s, OpResolve, ""); care.CodeOf(err) != care.Throttled || h.conv.Escalation == nil {
			t.Fatalf("%v, escalation %v; the repeat must still find the drafts", err, h.conv.Escalation)
		}
		if err := step(t, s, OpResolve, ""); err != nil || fmt.Sprint(h.withdrawn) != "[x:1 x:2]" || h.conv.Escalation != nil {
			t.Errorf("%v, withdrawn %v, escalation %v", err, h.withdrawn, h.conv.Escalation)
		}
		h.proposed = nil
		if _, err := s.Open(t.Context(), drafts("1")); err != nil || h.proposed != nil {
			t.Errorf("a repeat after the end proposed %v, %v", h.proposed, err)
		}
	})
	t.Run("a failed proposal is repeated", func(t *testing.T) {
		h, s := newHouse()
		h.failing = 1
		if _, err := s.Open(t.Context(), drafts("1")); care.CodeOf(err) != care.Throttled {
			t.Fatal(err)
		}
		if _, err := s.Open(t.Context(), drafts("1")); err != nil || len(h.proposed) != 1 || h.conv.Episode != 1 {
			t.Errorf("proposed %v, %v", h.proposed, err)
		}
	})
	t.Run("a late resolve leaves the next episode's drafts alone", func(t *testing.T) {
		h, s := newHouse()
		h.conv.Episode = 1
		if _, err := s.Open(t.Context(), drafts("1")); err != nil {
			t.Fatal(err)
		}
		if err := step(t, s, OpResolve, ""); err != nil || len(h.withdrawn) != 0 {
			t.Errorf("withdrawn %v, %v", h.withdrawn, err)
		}
	})
	for name, r := range map[string]struct {
		spoke time.Duration // before or after the direct message came in
		want  int
	}{"our account has written since": {time.Second, 0}, "our account wrote before": {-time.Second, 1}} {
		t.Run(name, func(t *testing.T) {
			h, s := newHouse()
			h.conv.Spoke = nine.Add(r.spoke)
			dm := drafts("1")
			dm.Post.Private, dm.Post.ReceivedAt = true, nine
			if _, err := s.Open(t.Context(), dm); err != nil || len(h.proposed) != r.want || h.conv.Escalation == nil {
				t.Errorf("proposed %v, %v, escalation %v", h.proposed, err, h.conv.Escalation)
			}
		})
	}
	t.Run("approved before the task was opened", func(t *testing.T) {
		h, s := newHouse()
		if _, err := s.Open(t.Context(), drafts("1")); err != nil {
			t.Fatal(err)
		}
		h.conv.Escalation = nil // what the desk does without a token
		if err := step(t, s, OpTask, "t1"); err != nil || fmt.Sprint(h.woken) != "[t1:resolved]" || len(h.tasks) != 0 {
			t.Errorf("%v, woken %v, tasks %v", err, h.woken, h.tasks)
		}
	})
}
