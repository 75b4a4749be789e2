package faults

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNoPlanInjectsNothing(t *testing.T) {
	var p *Plan
	if _, ok := p.At("lambda:send", "k", Kill); ok {
		t.Error("a nil plan injected a fault")
	}
	if r := p.Report(); r.Total != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestRateAndCounts(t *testing.T) {
	p := New(7, 2, Rule{Point: "aws:*:*", Kind: Throttle, Rate: 0.1}, Rule{Point: "aws:*:*", Kind: Delay, Rate: 0.1, Delay: time.Second})
	const n = 20000
	got := map[Kind]int{}
	for i := range n {
		f, ok := p.At("aws:sqs:SendMessage", fmt.Sprint(i), Throttle, Delay, Lost)
		if ok {
			got[f.Kind]++
		}
		if f.Delay < 0 || f.Delay > time.Second {
			t.Fatalf("delay %v", f.Delay)
		}
	}
	for _, k := range []Kind{Throttle, Delay} {
		// Five standard deviations of a binomial with p = 0.1.
		if diff := math.Abs(float64(got[k]) - 0.1*n); diff > 5*math.Sqrt(n*0.1*0.9) {
			t.Errorf("%s: %d of %d", k, got[k], n)
		}
	}
	r := p.Report()
	if r.Total != int64(got[Throttle]+got[Delay]) || len(r.Counts) != 2 || len(r.Recent) != keep {
		t.Errorf("report: total %d, %d counts, %d recent; injected %v", r.Total, len(r.Counts), len(r.Recent), got)
	}
	if _, ok := p.At("platform:x", "k", Throttle); ok {
		t.Error("a point without a rule failed")
	}
	if _, ok := New(1, 2, Rule{Point: "events", Kind: Kill, Rate: 1}).At("events", "k", Delay); ok {
		t.Error("a kind that the point cannot do was injected")
	}
}

// However many rules at whatever rates: a key fails at most bound times, and the
// same seed fails the same tries whatever happens between them.
func TestBoundedAndRepeatable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(1, 4).Draw(t, "bound")
		seed := rapid.Int64().Draw(t, "seed")
		rules := []Rule{{Point: "*", Kind: Error, Rate: rapid.Float64Range(0, 1).Draw(t, "rate")}, {Point: "*", Kind: Lost, Rate: 1}}
		one, other := New(seed, bound, rules...), New(seed, bound, rules...)
		failed := 0
		for i := range 20 {
			other.At("connect", fmt.Sprint("noise ", i), Error, Lost)
			f, ok := one.At("connect", "k", Error, Lost)
			g, also := other.At("connect", "k", Error, Lost)
			if f != g || ok != also {
				t.Fatalf("try %d: %+v and %+v", i, f, g)
			}
			if ok {
				failed++
			}
		}
		if failed > bound {
			t.Fatalf("%d faults, bound %d", failed, bound)
		}
		if failed != bound {
			t.Fatalf("rates add up to 1 and more, yet only %d of %d", failed, bound)
		}
	})
}

// TestBreak: what is broken fails every try, of the kinds that the point knows,
// as often as was asked for, until it is mended.
func TestBreak(t *testing.T) {
	p := New(1, 1) // no rules: nothing else fails
	hits := func(point string, kinds ...Kind) (n int) {
		for range 5 {
			if f, ok := p.At(point, "the same work", kinds...); ok {
				if n++; f.Kind != kinds[0] || f.Point != point {
					t.Errorf("%s: %+v", point, f)
				}
			}
		}
		return n
	}
	p.Break("platform:x", Throttle, -1)
	p.Break("lambda:send", Kill, 3)
	for _, r := range []struct {
		name, point string
		kind        Kind
		want        int
	}{
		{"broken until it is mended, beyond the bound", "platform:x", Throttle, 5},
		{"a kind that was not asked for", "platform:x", Lost, 0},
		{"another point", "platform:mastodon", Throttle, 0},
		{"three times", "lambda:send", Kill, 3},
		{"and not again", "lambda:send", Kill, 0},
	} {
		if got := hits(r.point, r.kind); got != r.want {
			t.Errorf("%s: %d of 5 tries failed, want %d", r.name, got, r.want)
		}
	}
	if !p.Mend("platform:x") || hits("platform:x", Throttle) != 0 {
		t.Error("it was mended and fails")
	}
	if p.Mend("platform:x") {
		t.Error("nothing was broken any more")
	}
	if got := p.Report().Total; got != 8 {
		t.Errorf("%d faults were counted", got)
	}
}
