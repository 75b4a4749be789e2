package send

import (
	"context"
	"testing"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// TestAgentAnswers: a reply that an agent approved is the agent's. What holds
// machines back does not hold people back; what binds everybody does.
func TestAgentAnswers(t *testing.T) {
	full := func(w *world) {
		w.bundle.Stop = config.Stop{Everything: true}
		w.bundle.Budgets = map[care.Platform]float64{care.X: 0.000001}
		w.conv.Escalation, w.conv.Agent = &care.Escalation{Queue: "general"}, "ana"
		for n := range 20 { // the author's cap for machines is used up
			r := request()
			r.Post.NativeID = string(rune('a' + n))
			_, _ = w.service().Handle(t.Context(), r)
		}
		w.said, w.events = nil, nil
	}
	t.Run("machines' caps, budgets, kill switch and the escalation do not hold it", func(t *testing.T) {
		w := newWorld()
		full(w)
		r := request()
		if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != StatusRefused {
			t.Fatalf("the machine's own reply: %+v, %v; this test needs it refused", got, err)
		}
		r = request()
		r.Post.NativeID, r.Agent = "88", "ana"
		got, err := w.service().Handle(t.Context(), r)
		if err != nil || got.Status != StatusSent || len(w.said) != 1 {
			t.Fatalf("got %+v, %v, said %v", got, err, w.said)
		}
		if i := w.timeline["reply:x:88"]; r.Match.Customer.ID != "" && i.By != "ana" {
			t.Errorf("the timeline says it was by %q", i.By)
		}
		if w.conv.State != care.StateWaiting || w.conv.Escalation == nil {
			t.Errorf("conversation %+v; the agent answered, the workflow ends the escalation", w.conv)
		}
	})
	t.Run("automated is false", func(t *testing.T) {
		for agent, automated := range map[string]bool{"": true, "ana": false} {
			w := newWorld()
			r := request()
			r.Agent = agent
			var sent *events.ReplySent
			s := w.service()
			s.Bus = hears{w, &sent}
			if _, err := s.Handle(t.Context(), r); err != nil || sent == nil || sent.Automated != automated {
				t.Errorf("agent %q: %+v, %v", agent, sent, err)
			}
		}
	})
	t.Run("one reply to a post, whoever sends it", func(t *testing.T) {
		w := newWorld()
		for _, agent := range []string{"", "ana", "ben", "ana"} {
			r := request()
			r.Agent, r.Plan.Text = agent, "Words of "+agent
			if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != StatusSent {
				t.Fatalf("%q: %+v, %v", agent, got, err)
			}
		}
		if len(w.said) != 1 {
			t.Errorf("said %d times: %v", len(w.said), w.said)
		}
	})
	t.Run("what binds everybody", func(t *testing.T) {
		w := newWorld()
		w.deleted = true
		r := request()
		r.Agent = "ana"
		if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != StatusRefused {
			t.Errorf("a deleted post: %+v, %v", got, err)
		}
		w = newWorld()
		w.answered = true
		if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != StatusSent {
			t.Errorf("a second word, which an agent may well want: %+v, %v", got, err)
		}
		for confirmed, want := range map[bool]string{false: StatusRefused, true: StatusSent} {
			w := newWorld()
			r := request()
			r.Agent, r.Confirmed, r.Plan.Text = "ana", confirmed, "Call us: +34 900 123 456"
			if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != want {
				t.Errorf("personal data, confirmed %v: %+v, %v", confirmed, got, err)
			}
			w = newWorld()
			r.Agent = "" // a machine can confirm nothing
			if got, err := w.service().Handle(t.Context(), r); err != nil || got.Status != StatusRefused {
				t.Errorf("personal data by a machine, confirmed %v: %+v, %v", confirmed, got, err)
			}
		}
	})
}

// hears is the world with an ear for ReplySent.
type hears struct {
	*world
	sent **events.ReplySent
}

func (h hears) Publish(ctx context.Context, d ...events.Detail) error {
	for _, e := range d {
		if s, ok := e.(*events.ReplySent); ok {
			*h.sent = s
		}
	}
	return h.world.Publish(ctx, d...)
}
