package main

import (
	"math"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// Ten guesses, counted by hand:
//
//	label \ said   neg  neutral  pos
//	negative        3      1      0
//	neutral         1      2      1
//	positive        0      1      1
func TestMeasured(t *testing.T) {
	var list []guess
	add := func(label, class string, sure float64, n int) {
		for range n {
			list = append(list, guess{label, class, sure})
		}
	}
	add("negative", "negative", 0.95, 3)
	add("negative", "neutral", 0.45, 1)
	add("neutral", "negative", 0.65, 1)
	add("neutral", "neutral", 0.65, 2)
	add("neutral", "positive", 0.45, 1)
	add("positive", "neutral", 0.45, 1)
	add("positive", "positive", 0.95, 1)
	m := measured(list, []string{"negative", "neutral", "positive"})

	if !near(m.Accuracy, 0.6) {
		t.Errorf("accuracy %v, want 6 of 10", m.Accuracy)
	}
	for i, want := range []classMetrics{
		{"negative", 4, rates{3.0 / 4, 3.0 / 4, 3.0 / 4}},
		{"neutral", 4, rates{2.0 / 4, 2.0 / 4, 2.0 / 4}},
		{"positive", 2, rates{1.0 / 2, 1.0 / 2, 1.0 / 2}},
	} {
		got := m.Classes[i]
		if got.Class != want.Class || got.Support != want.Support || !near(got.Precision, want.Precision) || !near(got.Recall, want.Recall) || !near(got.F1, want.F1) {
			t.Errorf("class %d is %+v, want %+v", i, got, want)
		}
	}
	if want := (0.75 + 0.5 + 0.5) / 3; !near(m.Macro.F1, want) || !near(m.Macro.Precision, want) || !near(m.Macro.Recall, want) {
		t.Errorf("macro %+v, want %v throughout", m.Macro, want)
	}
	// Bins: 0.4 holds 3 posts, none right, sure 0.45; 0.6 holds 3, two right, sure
	// 0.65; 0.9 holds 4, all right, sure 0.95.
	if want := 0.3*0.45 + 0.3*(2.0/3-0.65) + 0.4*0.05; !near(m.Calibration, want) {
		t.Errorf("calibration error %v, want %v", m.Calibration, want)
	}
	if len(m.Bins) != 3 || m.Bins[1].Posts != 3 || !near(m.Bins[1].Right, 2.0/3) || !near(m.Bins[1].From, 0.6) {
		t.Errorf("bins %+v", m.Bins)
	}
	if m.Confusion["neutral"]["positive"] != 1 || m.Confusion["negative"]["negative"] != 3 {
		t.Errorf("confusion %v", m.Confusion)
	}
}

// Precision and recall of one class differ: 2 of 3 given are right, 2 of 4 found.
// F1 is 2*(2/3)*(1/2)/(2/3+1/2) = 4/7.
func TestRates(t *testing.T) {
	r := ratesOf(2, 3, 4)
	if !near(r.Precision, 2.0/3) || !near(r.Recall, 0.5) || !near(r.F1, 4.0/7) {
		t.Errorf("rates %+v, want 2/3, 1/2 and 4/7", r)
	}
	if r := ratesOf(0, 0, 0); r != (rates{}) {
		t.Errorf("rates of nothing are %+v", r)
	}
	m := measured([]guess{{"a", "b", 1}}, nil)
	if len(m.Classes) != 1 || m.Classes[0].Class != "a" || m.Macro.Recall != 0 || !near(m.Calibration, 1) {
		t.Errorf("one wrong guess measures as %+v", m)
	}
}

func TestSpanCounts(t *testing.T) {
	var c spanCounts
	c.add([]piece{{"email", 0, 5}, {"phone", 10, 19}}, []piece{{"email", 0, 5}, {"phone", 10, 18}})
	c.add([]piece{{"email", 3, 9}}, []piece{{"email", 3, 9}, {"card", 20, 36}})
	m := c.metrics()
	for i, want := range []classMetrics{
		{"card", 0, rates{}},
		{"email", 2, rates{1, 1, 1}},
		{"phone", 1, rates{}},
	} {
		if m.Classes[i] != want {
			t.Errorf("type %d is %+v, want %+v", i, m.Classes[i], want)
		}
	}
	if !near(m.Accuracy, 2.0/3) || !near(m.Macro.F1, 1.0/3) {
		t.Errorf("found %v of all, macro F1 %v; want 2/3 and 1/3", m.Accuracy, m.Macro.F1)
	}
}

func TestTruth(t *testing.T) {
	for in, want := range map[string]string{"true": "yes", "Spam": "yes", "1": "yes", "ham": "no", "false": "no", "perhaps": "", "": ""} {
		if got := truth(in); got != want {
			t.Errorf("truth(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"about": "relevant", "addressed": "relevant", "chatter": "irrelevant", "competitor": "irrelevant", "false": "irrelevant", "?": ""} {
		if got := relevant(in); got != want {
			t.Errorf("relevant(%q) = %q, want %q", in, got, want)
		}
	}
}
