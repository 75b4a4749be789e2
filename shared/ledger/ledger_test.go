package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

var now = time.Date(2026, 11, 17, 12, 0, 0, 0, time.UTC)

// shelf is everything around the ledger, in memory.
type shelf struct {
	posts     map[care.PostID]*Undecided
	outcome   map[care.PostID]care.Outcome
	text      map[care.PostID]string
	gone      map[care.PostID]bool
	published []string
	parked    int
	decided   map[care.PostID]care.Outcome // by the recorder
	counts    map[string]float64
	failBus   int

	drafts              map[care.PostID]string
	overdue, failDrafts int
}

func newShelf() *shelf {
	return &shelf{posts: map[care.PostID]*Undecided{}, outcome: map[care.PostID]care.Outcome{}, text: map[care.PostID]string{},
		gone: map[care.PostID]bool{}, decided: map[care.PostID]care.Outcome{}, counts: map[string]float64{}, drafts: map[care.PostID]string{}}
}

func (s *shelf) Undecided(_ context.Context, before time.Time, _ int) ([]Undecided, error) {
	var out []Undecided
	for id, u := range s.posts {
		if s.outcome[id] == "" && u.Since.Before(before) {
			out = append(out, *u)
		}
	}
	return out, nil
}
func (s *shelf) MarkDriven(_ context.Context, id care.PostID) error {
	s.posts[id].Drives++
	s.posts[id].DrivenAt = now
	return nil
}
func (s *shelf) Waiting(_ context.Context, id care.PostID) (Undecided, bool, error) {
	u, ok := s.posts[id]
	if !ok || s.outcome[id] != "" && s.outcome[id] != care.OutcomeFailed {
		return Undecided{}, false, nil
	}
	return *u, true, nil
}
func (s *shelf) Decide(_ context.Context, d care.Decision) error {
	s.outcome[d.Post] = d.Outcome
	return nil
}
func (s *shelf) Outcome(_ context.Context, id care.PostID) (care.Outcome, error) {
	if _, ok := s.posts[id]; !ok {
		return "", care.Errorf(care.NotFound, "no such post")
	}
	return s.outcome[id], nil
}
func (s *shelf) Edit(_ context.Context, p care.Post) (bool, error) {
	s.text[p.ID()] = p.Text
	return p.Text == "not what waits", nil
}
func (s *shelf) Reopen(_ context.Context, p care.Post) error {
	delete(s.outcome, p.ID())
	s.text[p.ID()] = p.Text
	return nil
}
func (s *shelf) Claim(_ context.Context, p care.Post, c string) (bool, error) {
	s.posts[p.ID()] = &Undecided{Post: p, Correlation: c, Since: now}
	return true, nil
}
func (s *shelf) Tombstone(_ context.Context, id care.PostID, _ time.Time) error {
	s.gone[id] = true
	return nil
}
func (s *shelf) Triage(_ context.Context, p care.Post) (care.Triage, error) {
	if p.Text == "nice" {
		return care.Triage{Relevance: care.RelevanceChatter}, nil
	}
	return care.Triage{Relevance: care.RelevanceAddressed}, nil
}
func (s *shelf) Publish(_ context.Context, d ...events.Detail) error {
	if s.failBus > 0 {
		s.failBus--
		return care.Errorf(care.Unavailable, "no bus")
	}
	for _, e := range d {
		s.published = append(s.published, e.Type())
	}
	return nil
}
func (s *shelf) Park(context.Context, any) error { s.parked++; return nil }
func (s *shelf) Decided(_ context.Context, id care.PostID, _ care.Change, o care.Outcome, _ []care.Reason) {
	s.decided[id] = o
}
func (s *shelf) Counts(_ context.Context, v map[string]float64, _ string) {
	for k, n := range v {
		s.counts[k] = n
	}
}

func (s *shelf) about(id care.PostID, what string) error {
	if s.failDrafts > 0 {
		s.failDrafts--
		return care.Errorf(care.Unavailable, "no table")
	}
	s.drafts[id] = what
	return nil
}
func (s *shelf) Edited(_ context.Context, p care.Post) error  { return s.about(p.ID(), "edited") }
func (s *shelf) Gone(_ context.Context, id care.PostID) error { return s.about(id, "gone") }
func (s *shelf) Expire(context.Context) (int, error) {
	if s.failDrafts > 0 {
		s.failDrafts--
		return 0, care.Errorf(care.Unavailable, "no table")
	}
	return s.overdue, nil
}

func (s *shelf) service() *Service {
	return &Service{Books: s, Posts: s, Drafts: s, Triager: s, Bus: s, Parked: s, Recorder: s, Clock: func() time.Time { return now }}
}

func (s *shelf) add(id string, since time.Duration, drives int, driven time.Duration) {
	u := &Undecided{Post: care.Post{Platform: care.X, NativeID: id}, Drives: drives, Since: now.Add(-since)}
	if drives > 0 {
		u.DrivenAt = now.Add(-driven)
	}
	s.posts[u.Post.ID()] = u
}

func TestTick(t *testing.T) {
	rows := []struct {
		name          string
		since         time.Duration
		drives        int
		driven        time.Duration
		want          Report
		failed, again bool
	}{
		{"young posts are left alone", 9 * time.Minute, 0, 0, Report{}, false, false},
		{"old posts are driven again", 11 * time.Minute, 0, 0, Report{Unaccounted: 1, Redriven: 1}, false, true},
		{"driven a moment ago: wait", 30 * time.Minute, 1, 5 * time.Minute, Report{Unaccounted: 1}, false, false},
		{"driven long ago: again", 30 * time.Minute, 1, 12 * time.Minute, Report{Unaccounted: 1, Redriven: 1}, false, true},
		{"too often: parked with a decision", 2 * time.Hour, MaxDrives, 12 * time.Minute, Report{Unaccounted: 1, Parked: 1}, true, false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			s := newShelf()
			s.add("1", r.since, r.drives, r.driven)
			got, err := s.service().Tick(t.Context())
			if err != nil || got != r.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, r.want)
			}
			if (len(s.published) == 1) != r.again || (s.outcome["x:1"] == care.OutcomeFailed) != r.failed || (s.parked == 1) != r.failed {
				t.Errorf("published %v, outcome %q, parked %d", s.published, s.outcome["x:1"], s.parked)
			}
			if s.counts["PostsUnaccounted"] != float64(r.want.Unaccounted) {
				t.Errorf("metric %v", s.counts)
			}
		})
	}
}

func TestTickDrivesBeforeItMarks(t *testing.T) {
	s := newShelf()
	s.add("1", time.Hour, 0, 0)
	s.failBus = 1
	if _, err := s.service().Tick(t.Context()); err == nil || s.posts["x:1"].Drives != 0 {
		t.Fatalf("err %v, drives %d", err, s.posts["x:1"].Drives)
	}
	if rep, err := s.service().Tick(t.Context()); err != nil || rep.Redriven != 1 {
		t.Errorf("got %+v, %v", rep, err)
	}
}

func TestResume(t *testing.T) {
	rows := []struct {
		name    string
		id      care.PostID
		outcome care.Outcome
		again   int
		code    care.Code
	}{
		{"its time has come", "x:1", "", 1, ""},
		{"an earlier run failed", "x:1", care.OutcomeFailed, 1, ""},
		{"an agent was quicker", "x:1", care.OutcomeEscalated, 0, ""},
		{"answered by a second run", "x:1", care.OutcomeAnswered, 0, ""},
		{"erased with its author", "x:2", "", 0, ""},
		{"no post", "", "", 0, care.Invalid},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			s := newShelf()
			s.add("1", time.Hour, 0, 0)
			s.outcome["x:1"] = r.outcome
			if err := s.service().Resume(t.Context(), r.id); care.CodeOf(err) != r.code {
				t.Fatal(err)
			}
			if len(s.published) != r.again || s.posts["x:1"].Drives != 0 {
				t.Errorf("published %v, %d drives counted; waiting is no failure", s.published, s.posts["x:1"].Drives)
			}
		})
	}
	t.Run("the bus is down: try again", func(t *testing.T) {
		s := newShelf()
		s.add("1", time.Hour, 0, 0)
		s.failBus = 1
		if err := s.service().Resume(t.Context(), "x:1"); care.CodeOf(err) != care.Unavailable {
			t.Error(err)
		}
	})
}

func envelope(t *testing.T, d events.Detail) events.Envelope {
	t.Helper()
	raw, err := events.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return events.Envelope{DetailType: d.Type(), Detail: json.RawMessage(raw)}
}

func TestEdited(t *testing.T) {
	rows := []struct {
		name, text string
		known      bool
		outcome    care.Outcome
		record     care.Outcome
		published  int
		edited     bool
	}{
		{"answered: the text changes, the decision stays", "now angry", true, care.OutcomeAnswered, care.OutcomeRecorded, 0, true},
		{"still undecided: the text changes", "now angry", true, "", care.OutcomeRecorded, 0, true},
		{"its answer waits: a fresh look", "not what waits", true, "", care.OutcomeRecorded, 1, true},
		{"ignored and now relevant: a fresh look", "now angry", true, care.OutcomeIgnored, care.OutcomeRecorded, 1, true},
		{"ignored and still chatter", "nice", true, care.OutcomeIgnored, care.OutcomeIgnored, 0, false},
		{"decided at the edge and now relevant", "now angry", false, "", care.OutcomeRecorded, 1, false},
		{"decided at the edge and still chatter", "nice", false, "", care.OutcomeIgnored, 0, false},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			s := newShelf()
			if r.known {
				s.add("1", time.Hour, 0, 0)
				s.outcome["x:1"] = r.outcome
			}
			p := care.Post{Platform: care.X, NativeID: "1", Text: r.text}
			if err := s.service().Handle(t.Context(), envelope(t, &events.PostEdited{Post: p})); err != nil {
				t.Fatal(err)
			}
			if s.decided["x:1"] != r.record || len(s.published) != r.published || (s.text["x:1"] == r.text) != r.edited {
				t.Errorf("record %q, published %v, text %q", s.decided["x:1"], s.published, s.text["x:1"])
			}
			if r.published == 1 && s.outcome["x:1"] != "" {
				t.Error("a post that is looked at again must be undecided")
			}
		})
	}
}

func TestDeleted(t *testing.T) {
	s := newShelf()
	err := s.service().Handle(t.Context(), envelope(t, &events.PostDeleted{Post: events.PostRef{ID: "x:1"}}))
	if err != nil || !s.gone["x:1"] || s.decided["x:1"] != care.OutcomeRecorded {
		t.Errorf("err %v, gone %v, decided %v", err, s.gone, s.decided)
	}
}

func TestHandleRefuses(t *testing.T) {
	for _, env := range []events.Envelope{{DetailType: "PostSung"}, {DetailType: "PostEdited", Detail: []byte(`{"version":"9"}`)}, {DetailType: "PostDeleted", Detail: []byte(`[`)}} {
		t.Run(fmt.Sprint(env.DetailType, string(env.Detail)), func(t *testing.T) {
			if err := newShelf().service().Handle(t.Context(), env); care.CodeOf(err) != care.Invalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestDrafts: edits and deletions reach the drafts, a tick closes those whose
// time is over, and nothing is lost when the drafts cannot be reached.
func TestDrafts(t *testing.T) {
	changes := map[string]struct {
		detail events.Detail
		want   string
	}{
		"edited":  {&events.PostEdited{Post: care.Post{Platform: care.X, NativeID: "1", Text: "now angry"}}, "edited"},
		"deleted": {&events.PostDeleted{Post: events.PostRef{ID: "x:1"}}, "gone"},
	}
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			s.add("1", time.Hour, 0, 0)
			s.outcome["x:1"] = care.OutcomeEscalated
			s.failDrafts = 1
			if err := s.service().Handle(t.Context(), envelope(t, c.detail)); care.CodeOf(err) != care.Unavailable || s.decided["x:1"] != "" {
				t.Fatalf("%v, recorded as %q; the event must come again", err, s.decided["x:1"])
			}
			if err := s.service().Handle(t.Context(), envelope(t, c.detail)); err != nil || s.drafts["x:1"] != c.want {
				t.Errorf("drafts %v, %v", s.drafts, err)
			}
		})
	}
	t.Run("tick", func(t *testing.T) {
		s := newShelf()
		s.overdue = 3
		if rep, err := s.service().Tick(t.Context()); err != nil || rep.Expired != 3 || s.counts["DraftsExpired"] != 3 {
			t.Errorf("%+v, %v, counted %v", rep, err, s.counts)
		}
	})
	t.Run("posts are driven although drafts cannot be reached", func(t *testing.T) {
		s := newShelf()
		s.add("1", time.Hour, 0, 0)
		s.failDrafts = 1
		rep, err := s.service().Tick(t.Context())
		if care.CodeOf(err) != care.Unavailable || rep.Redriven != 1 {
			t.Errorf("%+v, %v", rep, err)
		}
	})
}
