package cost

import (
	"math"
	"testing"
)

// The design's own figure: one event, one invocation and one write per post are
// $1.86 per million (1.00 + 0.20 + 0.625, and 0.03 of GB-seconds at 128 MB and
// 20 ms, worked out by hand: 1e6 x 0.02 s x 0.125 GB x $0.0000133334 = $0.0333).
func TestOneEventOneInvocationOneWrite(t *testing.T) {
	var m Meter
	for range 1000 {
		m.Add(false,
			Entry{"events", "PutEvents", map[Unit]float64{EventChunk: 1}},
			Entry{"lambda", "Invoke", map[Unit]float64{Request: 1, GBSecond: 0.02 * 0.125}},
			Entry{"dynamodb", "PutItem", map[Unit]float64{WriteUnit: 1}})
	}
	m.Add(true, Entry{"appconfig", "GetLatestConfiguration", map[Unit]float64{Request: 1, Configuration: 1}})
	b := Cost(m.Lines(), 1000)
	if math.Abs(b.PerMillionPosts-1.8583) > 0.0005 {
		t.Errorf("$%.4f per million posts, want $1.8583", b.PerMillionPosts)
	}
	if math.Abs(b.StandingTotal-0.0008002) > 1e-9 || b.Standing["appconfig"] != b.StandingTotal {
		t.Errorf("standing $%v", b.StandingTotal)
	}
	if got := b.PerPost["events"]; math.Abs(got-0.001) > 1e-12 {
		t.Errorf("events $%v", got)
	}
}

func TestLinesKeepStandingApartAndSorted(t *testing.T) {
	var m Meter
	m.Add(true, Entry{"sqs", "SendMessage", map[Unit]float64{Request: 1}})
	m.Add(false, Entry{"sqs", "SendMessage", map[Unit]float64{Request: 1}}, Entry{"connect", "StartTaskContact", map[Unit]float64{Task: 1}})
	lines := m.Lines()
	if len(lines) != 3 || lines[0].Service != "connect" || lines[1].Standing || !lines[2].Standing {
		t.Errorf("got %+v", lines)
	}
	if b := Cost(lines, 0); len(b.Unpriced) != 1 || b.Unpriced[0] != "connect task" || b.PerMillionPosts != 0 {
		t.Errorf("got %+v", b)
	}
	m.Reset()
	if len(m.Lines()) != 0 {
		t.Error("reset kept something")
	}
}
