// Package cost counts the AWS calls of a local run and says what they would
// cost at list prices.
//
// Nothing here knows what a call is: the local stack adds units (write request
// units, 64 KB event chunks, GB-seconds) under a service and an operation, and
// the price table below turns units into dollars. What has no price here is
// listed by Unpriced, so that no cost is quietly left out.
package cost

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Unit is what a service bills by.
type Unit string

// The units.
const (
	WriteUnit      Unit = "write-request-unit"
	ReadUnit       Unit = "read-request-unit"
	EventChunk     Unit = "event-64KB"
	ArchivedGB     Unit = "archived-GB"
	Request        Unit = "request"
	GBSecond       Unit = "GB-second"
	Transition     Unit = "state-transition"
	ExpressRequest Unit = "express-request"
	ExpressGBSec   Unit = "express-GB-second"
	Configuration  Unit = "configuration-received"
	LogGB          Unit = "log-GB"
	Invocation     Unit = "invocation"
	Task           Unit = "task"
)

// Price is a list price of us-east-1 without free tiers and volume discounts.
type Price struct {
	Service string
	Unit    Unit
	USD     float64 // per one unit
	Source  string
}

const (
	snapshot = "infracost price goldens, us-east-1, 2026-08-21"
	appConf  = "AWS AppConfig pricing page, as quoted 2026"
	pages    = "AWS pricing page; not in the price snapshot, check before you rely on it"
)

// Prices is the table. Lambda is arm64.
var Prices = []Price{
	{"apigateway", Request, 1.00e-6, snapshot},
	{"appconfig", Request, 2e-7, appConf},
	{"appconfig", Configuration, 8e-4, appConf},
	{"dynamodb", WriteUnit, 0.625e-6, snapshot},
	{"dynamodb", ReadUnit, 0.125e-6, snapshot},
	{"events", EventChunk, 1.00e-6, snapshot},
	{"events", ArchivedGB, 0.10, snapshot},
	{"lambda", Request, 0.20e-6, snapshot},
	{"lambda", GBSecond, 0.0000133334, snapshot},
	{"logs", LogGB, 0.50, snapshot},
	{"scheduler", Invocation, 1.00e-6, pages},
	{"secretsmanager", Request, 0.05 / 10_000, snapshot},
	{"sns", Request, 0.50e-6, snapshot},
	{"sqs", Request, 0.40e-6, snapshot},
	{"states", Transition, 0.025 / 1000, snapshot},
	{"states", ExpressRequest, 1.00e-6, snapshot},
	{"states", ExpressGBSec, 0.00001667, snapshot},
}

// Key names a counter. Standing work runs whether or not a post comes in:
// schedules that found nothing, configuration and secrets fetched by a new
// instance.
type Key struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Standing  bool   `json:"standing,omitempty"`
}

// Line is a counter.
type Line struct {
	Key
	Calls int64            `json:"calls"`
	Units map[Unit]float64 `json:"units,omitempty"`
	USD   float64          `json:"usd"`
}

// Meter counts. The zero value is ready.
type Meter struct {
	mu    sync.Mutex
	lines map[Key]*Line
}

// Entry is one call to be counted.
type Entry struct {
	Service, Operation string
	Units              map[Unit]float64
}

// Add counts calls.
func (m *Meter) Add(standing bool, entries ...Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines == nil {
		m.lines = map[Key]*Line{}
	}
	for _, e := range entries {
		key := Key{e.Service, e.Operation, standing}
		line := m.lines[key]
		if line == nil {
			line = &Line{Key: key, Units: map[Unit]float64{}}
			m.lines[key] = line
		}
		line.Calls++
		for u, n := range e.Units {
			line.Units[u] += n
		}
	}
}

// Reset forgets everything that was counted.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = nil
}

// Lines returns the counters with their cost, sorted by service and operation.
func (m *Meter) Lines() []Line {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Line, 0, len(m.lines))
	for _, line := range m.lines {
		one := Line{Key: line.Key, Calls: line.Calls, Units: maps.Clone(line.Units)}
		for unit, n := range line.Units {
			if p, ok := price(line.Service, unit); ok {
				one.USD += n * p.USD
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Line) int {
		standing := func(l Line) int {
			if l.Standing {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), standing(a)-standing(b))
	})
	return out
}

func price(service string, unit Unit) (Price, bool) {
	for _, p := range Prices {
		if p.Service == service && p.Unit == unit {
			return p, true
		}
	}
	return Price{}, false
}

// Bill is what a run would have cost, in US dollars.
type Bill struct {
	PerPost         map[string]float64 `json:"perPost"`  // by service: work that posts caused
	Standing        map[string]float64 `json:"standing"` // by service: work that runs anyway
	PerPostTotal    float64            `json:"perPostTotal"`
	StandingTotal   float64            `json:"standingTotal"`
	PerMillionPosts float64            `json:"perMillionPosts,omitempty"` // PerPostTotal scaled; 0 without posts
	Unpriced        []string           `json:"unpriced,omitempty"`        // "service unit" that the table does not have
}

// Cost makes the bill of these counters for a number of posts.
func Cost(lines []Line, posts int) Bill {
	b := Bill{PerPost: map[string]float64{}, Standing: map[string]float64{}}
	for _, line := range lines {
		for unit, n := range line.Units {
			p, ok := price(line.Service, unit)
			if !ok {
				b.Unpriced = append(b.Unpriced, line.Service+" "+string(unit))
				continue
			}
			if line.Standing {
				b.Standing[line.Service] += n * p.USD
				b.StandingTotal += n * p.USD
			} else {
				b.PerPost[line.Service] += n * p.USD
				b.PerPostTotal += n * p.USD
			}
		}
	}
	slices.Sort(b.Unpriced)
	b.Unpriced = slices.Compact(b.Unpriced)
	if posts > 0 {
		b.PerMillionPosts = b.PerPostTotal / float64(posts) * 1e6
	}
	return b
}
