package care

import (
	"testing"
	"time"
)

func TestLater(t *testing.T) {
	at := time.Date(2026, 11, 24, 11, 0, 0, 250_000_000, time.FixedZone("CET", 3600))
	end := time.Date(2026, 11, 24, 10, 2, 1, 0, time.UTC) // two minutes on, the next whole second
	rows := []struct {
		name   string
		change func(*Plan)
		now    time.Time
		want   time.Time
	}{
		{"just decided", func(*Plan) {}, at, end},
		{"half of it is over", func(*Plan) {}, at.Add(time.Minute), end},
		{"an acknowledgement", func(p *Plan) { p.Action = ActionAcknowledge }, at, end},
		{"over", func(*Plan) {}, end, time.Time{}},
		{"long over: a re-drive does not wait again", func(*Plan) {}, end.Add(time.Hour), time.Time{}},
		{"over but for a clock that lags", func(*Plan) {}, end.Add(-999 * time.Millisecond), time.Time{}},
		{"no delay", func(p *Plan) { p.DelaySeconds = 0 }, at, time.Time{}},
		{"nothing to send", func(p *Plan) { p.Action = ActionEscalate }, at, time.Time{}},
		{"a draft is a person's", func(p *Plan) { p.Action = ActionDraft }, at, time.Time{}},
		{"nobody knows when it was decided: better now than never", func(p *Plan) { p.Seen = nil }, at, time.Time{}},
		{"a whole second", func(p *Plan) { p.Seen.At = at.Truncate(time.Second) }, at, end.Add(-time.Second)},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p := Plan{Action: ActionAnswer, DelaySeconds: 120, Seen: &Seen{At: at}}
			r.change(&p)
			if got := p.Later(r.now); !got.Equal(r.want) || !got.IsZero() && got.Location() != time.UTC {
				t.Errorf("%s, want %s", got, r.want)
			}
		})
	}
}
