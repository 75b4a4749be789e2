package replay

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/policy"
)

// Report is what a draft would change. Lists are sorted; the same posts and the
// same configs give the same report.
type Report struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Draft and Against are config versions; Against is empty where the draft is
	// compared with what was really decided.
	Draft   string `json:"draft"`
	Against string `json:"against,omitempty"`
	// Posts were compared, Changed of them would go another way.
	Posts   int     `json:"posts"`
	Changed int     `json:"changed"`
	Skipped Skipped `json:"skipped"`
	// Unseen posts were decided when what the rules saw of author and
	// conversation was not kept: the author is taken to be unknown.
	Unseen   int        `json:"unseen"`
	Outcomes []Outcome  `json:"outcomes"`
	Changes  []Change   `json:"changes"`
	Rules    []Rule     `json:"rules"`
	Conflict []Conflict `json:"conflicts"`
	Refusals []Refusal  `json:"refusals"`
	Agent    Agent      `json:"agent"`
	Cost     []Cost     `json:"cost"`
	// Uncounted replies went without a look at the caps, because there were more
	// authors and conversations to count than MaxCounted.
	Uncounted int  `json:"uncounted,omitempty"`
	Read      Read `json:"read"`
}

// Skipped are posts that were read and not compared.
type Skipped struct {
	Deleted   int `json:"deleted"`   // upstream: what they said is gone
	Edited    int `json:"edited"`    // since they were decided: what they said then is gone
	Undecided int `json:"undecided"` // there is nothing to compare with yet
	Damaged   int `json:"damaged"`   // the stored item cannot be read
}

// Outcome is how many posts became what.
type Outcome struct {
	Outcome string `json:"outcome"`
	Before  int    `json:"before"`
	After   int    `json:"after"`
}

// Change is one kind of change.
type Change struct {
	Change  string   `json:"change"` // "escalated → answered", "answered in other words", ...
	Posts   int      `json:"posts"`
	Samples []Sample `json:"samples"`
}

// Sample is a post that would go another way.
type Sample struct {
	ID       care.PostID   `json:"id"`
	Platform care.Platform `json:"platform"`
	Private  bool          `json:"private,omitempty"`
	At       time.Time     `json:"at"`
	// Text is the beginning of what the author wrote.
	Text   string `json:"text"`
	Before Side   `json:"before"`
	After  Side   `json:"after"`

	hash uint64
}

// Side is what became of a sample, or what would.
type Side struct {
	Outcome string `json:"outcome"`
	Rule    string `json:"rule,omitempty"`
	Queue   string `json:"queue,omitempty"`
	Private bool   `json:"private,omitempty"`
	// Says is what is sent, or waits for approval.
	Says string `json:"says,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Rule is how many posts a rule decides. The rule "" is none: the default.
type Rule struct {
	Rule   string `json:"rule"`
	Before int    `json:"before"`
	After  int    `json:"after"`
	Gained int    `json:"gained"`
	Lost   int    `json:"lost"`
	// Tagged posts get its tags from the draft, whichever rule decides them.
	Tagged int `json:"tagged,omitempty"`
}

// Conflict is a pair of rules of the draft that both fit the same posts and want
// something else; Wins is the one that comes first.
type Conflict struct {
	Wins  string `json:"wins"`
	Loses string `json:"loses"`
	Posts int    `json:"posts"`
}

// Refusal is how often the door would not say what a rule wanted.
type Refusal struct {
	By     string `json:"by"`   // "policy:x-summoned", "guard:budget", ...
	Text   string `json:"text"` // the rule in words, or the reason of one post
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// Agent is about conversations that an agent had.
type Agent struct {
	Posts int `json:"posts"`
	// Silent of them the draft would have answered had there been no agent.
	Silent int `json:"silent"`
}

// Cost is what automated replies cost on a platform at list prices, in US dollars.
type Cost struct {
	Platform care.Platform `json:"platform"`
	Before   float64       `json:"before"`
	After    float64       `json:"after"`
}

// Read is what reading the posts took: items of the table looked at, and read
// request units.
type Read struct {
	Items int     `json:"items"`
	Units float64 `json:"units"`
}

// Limits of a report.
const (
	maxText   = 140 // characters of a sample's text
	maxPaired = 200 // conflicts, the most frequent
)

// tally adds up batches. It is used by one goroutine.
type tally struct {
	o         Options
	report    *Report
	outcomes  map[string]*Outcome
	changes   map[string]*Change
	rules     map[string]*Rule
	conflicts map[[2]string]int
	refusals  map[string]*Refusal
	cost      map[care.Platform]*Cost
	doors     [2]counts // before, after
}

func newTally(o Options) *tally {
	t := &tally{o: o, report: &Report{Since: o.Sweep.Since, Until: o.Sweep.Until, Draft: o.Draft.Version,
		Outcomes: []Outcome{}, Changes: []Change{}, Rules: []Rule{}, Conflict: []Conflict{}, Refusals: []Refusal{}, Cost: []Cost{}}, // in JSON: a list, not null
		outcomes: map[string]*Outcome{}, changes: map[string]*Change{}, rules: map[string]*Rule{}, conflicts: map[[2]string]int{},
		refusals: map[string]*Refusal{}, cost: map[care.Platform]*Cost{}}
	if o.Against != nil {
		t.report.Against = o.Against.Version
	}
	for _, r := range o.Draft.Rules {
		entry(t.rules, r.Name).Rule = r.Name
	}
	return t
}

func entry[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
}

func (t *tally) add(b batch) {
	r := t.report
	r.Skipped.Deleted += b.skipped.Deleted
	r.Skipped.Edited += b.skipped.Edited
	r.Skipped.Undecided += b.skipped.Undecided
	r.Skipped.Damaged += b.skipped.Damaged
	r.Read.Items += b.items
	r.Read.Units += b.units
	for i := range b.posts {
		t.post(&b.posts[i])
	}
}

func (t *tally) post(j *judged) {
	r := t.report
	r.Posts++
	if t.o.Against != nil {
		t.doors[0].pass(&j.before)
	}
	t.doors[1].pass(&j.after)
	if j.unseen && (j.before.outcome != Ignored || j.after.outcome != Ignored) {
		r.Unseen++
	}
	entry(t.outcomes, j.before.outcome).Before++
	entry(t.outcomes, j.after.outcome).After++
	if j.seen.AgentOnIt {
		r.Agent.Posts++
		if j.silent {
			r.Agent.Silent++
		}
	}
	t.rule(j)
	for _, name := range j.after.tagged {
		entry(t.rules, name).Tagged++
	}
	for _, loser := range j.after.rivals {
		t.conflicts[[2]string{j.after.plan.Rule, loser}]++
	}
	if why := j.before.refused; len(why) > 0 {
		t.refusal(why[0]).Before++
	}
	if why := j.after.refused; len(why) > 0 {
		t.refusal(why[0]).After++
	}
	if j.before.usd > 0 || j.after.usd > 0 {
		c := entry(t.cost, j.post.Platform)
		c.Before += j.before.usd
		c.After += j.after.usd
	}
	if kind := j.change(); kind != "" {
		r.Changed++
		c := entry(t.changes, kind)
		c.Posts++
		c.sample(j, t.o.Samples)
	}
}

func (t *tally) rule(j *judged) {
	before, after := j.before.outcome != Ignored, j.after.outcome != Ignored // chatter meets no rule
	was, is := j.before.plan.Rule, j.after.plan.Rule
	if before {
		entry(t.rules, was).Before++
		if !after || was != is {
			entry(t.rules, was).Lost++
		}
	}
	if after {
		entry(t.rules, is).After++
		if !before || was != is {
			entry(t.rules, is).Gained++
		}
	}
}

func (t *tally) refusal(why care.Reason) *Refusal {
	f := entry(t.refusals, why.By)
	if f.Text == "" {
		f.Text = why.Text
	}
	return f
}

// change names what is different, "" when nothing is.
func (j *judged) change() string {
	b, a := &j.before, &j.after
	switch {
	case b.outcome != a.outcome:
		return b.outcome + " → " + a.outcome
	case a.outcome == Ignored, a.outcome == Failed:
		return ""
	case b.plan.Rule != a.plan.Rule:
		return a.outcome + " by another rule"
	case len(a.refused) == 0 && (speaks(a.plan) || a.outcome == Drafted):
		switch {
		case b.plan.Private != a.plan.Private && a.plan.Private:
			return a.outcome + " in private, not in public"
		case b.plan.Private != a.plan.Private:
			return a.outcome + " in public, not in private"
		case j.words:
			return a.outcome + " in other words"
		case b.plan.DelaySeconds != a.plan.DelaySeconds:
			return a.outcome + " after another delay"
		}
	}
	switch {
	case b.plan.Queue != a.plan.Queue && a.outcome != Answered && a.outcome != Recorded:
		return a.outcome + " to another queue"
	case !sameTags(b.plan.Tags, a.plan.Tags):
		return a.outcome + " with other tags"
	}
	return ""
}

func sameTags(a, b []string) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

// sample keeps the post if it is among the n with the smallest hashes: a choice
// that is spread over all of them and the same in every run.
func (c *Change) sample(j *judged, n int) {
	id := j.post.ID()
	h := fnv.New64a()
	h.Write([]byte(id)) // never fails
	hash := h.Sum64()
	i, _ := slices.BinarySearchFunc(c.Samples, hash, func(s Sample, h uint64) int { return cmp.Compare(s.hash, h) })
	if i >= n {
		return
	}
	c.Samples = slices.Insert(c.Samples, i, Sample{ID: id, Platform: j.post.Platform, Private: j.post.Private, At: j.post.CreatedAt,
		Text: cut(j.post.Text), Before: j.before.side(), After: j.after.side(), hash: hash})
	c.Samples = c.Samples[:min(n, len(c.Samples))]
}

func (v *verdict) side() Side {
	s := Side{Outcome: v.outcome, Rule: v.plan.Rule, Queue: v.plan.Queue}
	switch {
	case len(v.refused) > 0:
		s.Why = v.refused[0].Text
	case len(v.plan.Reasons) > 0:
		s.Why = v.plan.Reasons[0].Text
	}
	if v.plan.Text != "" && len(v.refused) == 0 {
		s.Says, s.Private = v.plan.Text, v.plan.Private
	}
	return s
}

// cut takes the beginning of a text, in one line.
func cut(s string) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > maxText {
		runes = append(runes[:maxText-1:maxText-1], '…')
	}
	return string(runes)
}

// done sorts what was added up.
func (t *tally) done() *Report {
	r := t.report
	r.Uncounted = t.doors[0].uncounted + t.doors[1].uncounted
	for _, name := range outcomes {
		if o := t.outcomes[name]; o != nil {
			o.Outcome = name
			r.Outcomes = append(r.Outcomes, *o)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.changes)) {
		c := t.changes[name]
		c.Change = name
		r.Changes = append(r.Changes, *c)
	}
	slices.SortStableFunc(r.Changes, func(a, b Change) int { return cmp.Compare(b.Posts, a.Posts) })
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		rule := t.rules[name]
		rule.Rule = name
		r.Rules = append(r.Rules, *rule)
	}
	slices.SortStableFunc(r.Rules, func(a, b Rule) int {
		return cmp.Compare(max(b.Before, b.After), max(a.Before, a.After))
	})
	for pair, n := range t.conflicts {
		r.Conflict = append(r.Conflict, Conflict{pair[0], pair[1], n})
	}
	slices.SortFunc(r.Conflict, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(b.Posts, a.Posts), cmp.Compare(a.Wins, b.Wins), cmp.Compare(a.Loses, b.Loses))
	})
	r.Conflict = r.Conflict[:min(maxPaired, len(r.Conflict))]
	words := map[string]string{}
	for _, rule := range policy.Rules() {
		words["policy:"+rule.ID] = rule.Text
	}
	for _, by := range slices.Sorted(maps.Keys(t.refusals)) {
		f := t.refusals[by]
		f.By, f.Text = by, cmp.Or(words[by], f.Text)
		r.Refusals = append(r.Refusals, *f)
	}
	slices.SortStableFunc(r.Refusals, func(a, b Refusal) int { return cmp.Compare(max(b.Before, b.After), max(a.Before, a.After)) })
	for _, p := range care.Platforms() {
		if c := t.cost[p]; c != nil {
			c.Platform = p
			r.Cost = append(r.Cost, *c)
		}
	}
	return r
}
