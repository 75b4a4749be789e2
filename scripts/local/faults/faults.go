// Package faults decides where the local stack fails on purpose.
//
// A plan names points ("lambda:send", "aws:dynamodb:PutItem", "events",
// "platform:mastodon") and a rate per kind of fault. Whether the n-th try of one
// piece of work at one point fails depends on the seed, the point, the work's
// key and n only, never on the order in which goroutines happen to run. No key
// is failed more often than the plan's bound, so that whatever is retried often
// enough succeeds: a plan makes work hard, never impossible.
package faults

import (
	"encoding/binary"
	"hash/fnv"
	"path"
	"slices"
	"sort"
	"sync"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds. Not every point knows every kind; see Standard.
const (
	Throttle  Kind = "throttle"  // refused for the rate, nothing was done
	Error     Kind = "error"     // refused with a server error, nothing was done
	Lost      Kind = "lost"      // done, but the answer never arrives
	Kill      Kind = "kill"      // the process dies in the middle
	Timeout   Kind = "timeout"   // done or not, the caller is told that time ran out
	Delay     Kind = "delay"     // arrives late
	Duplicate Kind = "duplicate" // arrives twice
	Reorder   Kind = "reorder"   // arrives after what came later
)

// Rule makes a kind of fault happen at the points that match, at a rate between
// 0 and 1 per try.
type Rule struct {
	Point string // as path.Match; "lambda:*"
	Kind  Kind
	Rate  float64
	Delay time.Duration // Delay and Reorder: at most this
}

// Plan is a seeded set of rules. A nil plan injects nothing.
type Plan struct {
	seed  int64
	bound int
	rules []Rule

	mu     sync.Mutex
	broken []broken
	tries  map[string]*tries
	counts map[Count]int64
	recent []Fault
}

type tries struct{ n, failed int }

// broken is what Break asked for; left is how many tries are still to fail, below
// 0 for all of them.
type broken struct {
	point string
	kind  Kind
	left  int
}

// Fault is one injected fault.
type Fault struct {
	Point string        `json:"point"`
	Key   string        `json:"key"`
	Kind  Kind          `json:"kind"`
	Try   int           `json:"try"` // 1 is the first try of this key
	Delay time.Duration `json:"delay,omitempty"`
}

// Count names a counter.
type Count struct {
	Point string `json:"point"`
	Kind  Kind   `json:"kind"`
}

// keep is how many injected faults Recent remembers.
const keep = 500

// New makes a plan. No key is failed more than bound times (2 if 0).
func New(seed int64, bound int, rules ...Rule) *Plan {
	if bound == 0 {
		bound = 2
	}
	return &Plan{seed: seed, bound: bound, rules: rules, tries: map[string]*tries{}, counts: map[Count]int64{}}
}

// Standard is a plan with faults at every boundary of the stack. The rates are
// per try; the SDK's own three attempts and the workflows' retries must ride
// them out.
func Standard(seed int64) *Plan {
	return New(seed, 2,
		Rule{Point: "lambda:*", Kind: Throttle, Rate: 0.02},
		Rule{Point: "lambda:*", Kind: Error, Rate: 0.02},
		Rule{Point: "lambda:*", Kind: Kill, Rate: 0.03},
		Rule{Point: "lambda:*", Kind: Timeout, Rate: 0.02},
		Rule{Point: "lambda:*", Kind: Duplicate, Rate: 0.03},
		Rule{Point: "lambda:*", Kind: Delay, Rate: 0.02, Delay: 20 * time.Millisecond},
		Rule{Point: "aws:*:*", Kind: Throttle, Rate: 0.02},
		Rule{Point: "aws:*:*", Kind: Error, Rate: 0.02},
		Rule{Point: "aws:*:*", Kind: Lost, Rate: 0.02},
		Rule{Point: "events", Kind: Duplicate, Rate: 0.05},
		Rule{Point: "events", Kind: Delay, Rate: 0.03, Delay: 30 * time.Second},
		Rule{Point: "events", Kind: Reorder, Rate: 0.05, Delay: 5 * time.Second},
		Rule{Point: "sfn:*", Kind: Duplicate, Rate: 0.02},
		Rule{Point: "http:*", Kind: Error, Rate: 0.02},
		Rule{Point: "http:*", Kind: Lost, Rate: 0.02},
		Rule{Point: "platform:*", Kind: Throttle, Rate: 0.03},
		Rule{Point: "platform:*", Kind: Error, Rate: 0.03},
		Rule{Point: "platform:*", Kind: Lost, Rate: 0.03},
		Rule{Point: "connect", Kind: Throttle, Rate: 0.03},
		Rule{Point: "connect", Kind: Error, Rate: 0.03},
		Rule{Point: "connect", Kind: Lost, Rate: 0.03},
	)
}

// Break makes every try fail at the points that match, from now on and whatever
// the plan's rates and bound: the next times of them, or below 0 all until Mend.
func (p *Plan) Break(point string, kind Kind, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = append(p.broken, broken{point, kind, times})
}

// Mend takes back every Break of the point; false if there was none.
func (p *Plan) Mend(point string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.broken)
	p.broken = slices.DeleteFunc(p.broken, func(b broken) bool { return b.point == point })
	return len(p.broken) < before
}

// At asks whether this try of the work named by key fails at the point, and
// how; kinds are those that the caller can do. The key should be the same for
// every try of the same work (a hash of the request will do).
func (p *Plan) At(point, key string, kinds ...Kind) (Fault, bool) {
	if p == nil {
		return Fault{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := point + "\x00" + key
	t := p.tries[id]
	if t == nil {
		t = &tries{}
		p.tries[id] = t
	}
	t.n++
	for i := range p.broken {
		b := &p.broken[i]
		if ok, _ := path.Match(b.point, point); !ok || b.left == 0 || !contains(kinds, b.kind) {
			continue
		}
		if b.left > 0 {
			b.left--
		}
		f := Fault{Point: point, Key: key, Kind: b.kind, Try: t.n}
		p.note(f)
		return f, true
	}
	if t.failed >= p.bound {
		return Fault{}, false
	}
	dice := p.dice(id, t.n)
	for _, r := range p.rules {
		if ok, _ := path.Match(r.Point, point); !ok || !contains(kinds, r.Kind) {
			continue
		}
		if dice -= r.Rate; dice >= 0 {
			continue
		}
		t.failed++
		f := Fault{Point: point, Key: key, Kind: r.Kind, Try: t.n}
		if r.Delay > 0 {
			f.Delay = time.Duration(float64(r.Delay) * (-dice / r.Rate))
		}
		p.note(f)
		return f, true
	}
	return Fault{}, false
}

// note counts and remembers an injected fault.
func (p *Plan) note(f Fault) {
	p.counts[Count{f.Point, f.Kind}]++
	if p.recent = append(p.recent, f); len(p.recent) > keep {
		p.recent = p.recent[1:]
	}
}

// dice returns a number in [0, 1).
func (p *Plan) dice(id string, n int) float64 {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], uint64(p.seed))
	binary.LittleEndian.PutUint64(b[8:], uint64(n))
	h.Write(b[:])
	h.Write([]byte(id))
	// FNV's high bits are weak for short inputs: mix them (the finaliser of
	// splitmix64).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}

func contains(kinds []Kind, k Kind) bool {
	for _, have := range kinds {
		if have == k {
			return true
		}
	}
	return false
}

// Report is what was injected.
type Report struct {
	Total  int64       `json:"total"`
	Counts []CountLine `json:"counts"`
	Recent []Fault     `json:"recent"` // the last 500
}

// CountLine is a counter and its value.
type CountLine struct {
	Count
	N int64 `json:"n"`
}

// Report returns the counts, sorted by point and kind.
func (p *Plan) Report() Report {
	r := Report{Counts: []CountLine{}, Recent: []Fault{}}
	if p == nil {
		return r
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, n := range p.counts {
		r.Total += n
		r.Counts = append(r.Counts, CountLine{c, n})
	}
	sort.Slice(r.Counts, func(i, j int) bool {
		a, b := r.Counts[i], r.Counts[j]
		return a.Point < b.Point || a.Point == b.Point && a.Kind < b.Kind
	})
	r.Recent = append(r.Recent, p.recent...)
	return r
}
