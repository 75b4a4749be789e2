package reply

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Engine is the rules of one bundle, compiled: names are numbers, lists are bit
// sets, and the keywords of all rules are found in one pass over a post. What it
// costs to decide a post grows with the rules in time only, never in memory
// that is allocated. It is safe for concurrent use.
type Engine struct {
	bundle *config.Bundle
	rules  []rule
	names  [numNames]map[string]int32
	words  finder
	// people and optOut are the sets of words that always bring a person, and by
	// which customers opt out.
	people, optOut int32
	// storms is true when a rule asks whether there is a storm.
	storms bool
	facts  sync.Pool
}

// rule is a compiled rule. It fires when all of its checks and guards hold.
type rule struct {
	*config.Rule
	off    bool
	says   bool // it has words for the author
	speaks bool // and a machine says them
	checks []check
	guards []check
}

// Compile prepares the rules of a bundle, in some microseconds per rule. The
// bundle must not change afterwards.
func Compile(b *config.Bundle) *Engine {
	e := &Engine{bundle: b, rules: make([]rule, len(b.Rules))}
	e.facts.New = func() any { return new(facts) }
	c := compiler{e}
	e.people = e.words.set(everyLanguage(b.People.Words))
	e.optOut = e.words.set(everyLanguage(b.OptOut.Words))
	for i := range b.Rules {
		r := &e.rules[i]
		r.Rule = &b.Rules[i]
		r.off = r.Enabled != nil && !*r.Enabled
		r.says = config.Says(r.Then.Action)
		r.speaks = r.says && r.Then.Action != care.ActionDraft
		r.checks = c.condition(&r.When)
		if r.Then.Action == config.ActionMove {
			r.checks = append(r.checks, check{op: opFlag, flag: flagPrivate, rest: &rest{words: "it is private already"}})
		}
		if r.says && !asksRelevance(&r.When) {
			k := among(c, opIn, nameRelevance, []care.Relevance{care.RelevanceAddressed})
			k.rest.words = "the author did not turn to us"
			r.checks = append(r.checks, k)
		}
		r.guards = c.guards(r.Rule)
	}
	return e
}

func everyLanguage(words map[string][]string) []string {
	var all []string
	for _, list := range words {
		all = append(all, list...)
	}
	return all
}

// facts are what the checks compare: what is known of one post, with names as
// numbers.
type facts struct {
	e     *Engine
	post  In // in points here: a copy that stays out of the heap
	in    *In
	one   [numNames]int32 // the post's name in each dimension, -1 for none that a rule asks for
	many  [2]set          // products and units
	found set             // sets of words of which the post holds one
	flags [flagShown + 1]bool
	open  int8 // 0: not asked yet
	// minute of the day, weekday and date are those of the brand's time zone.
	minute, weekday int
	date            [len(time.DateOnly)]byte
	person          string // why a person must have the post, "" when nothing says so
	silent          string // why a machine must not answer although the matter would allow it
	stopped         bool   // the kill switch holds back what a machine would say
	search          search
}

// look gathers the facts of a post.
func (e *Engine) look(post *In) *facts {
	f := e.facts.Get().(*facts)
	f.e, f.post, f.open = e, *post, 0
	f.in = &f.post
	in := f.in
	in.Bundle = e.bundle
	t, p, m := &in.Triage, &in.Post, &in.Match
	for n, s := range [...]string{nameIntent: t.Intent, namePlatform: string(p.Platform), nameKind: string(p.Kind), nameLanguage: primary(t.Lang),
		nameRelevance: string(t.Relevance), nameTier: m.Customer.Tier, nameGrade: string(m.Grade)} {
		f.one[n] = e.number(name(n), s)
	}
	if !m.Known {
		f.one[nameTier] = -1 // a prospect has none
	}
	for n, list := range [...][]string{t.Products, t.Units} {
		clear(f.many[n])
		for _, s := range list {
			if i := e.number(nameProduct+name(n), s); i >= 0 {
				f.many[n].add(i)
			}
		}
	}
	clear(f.found)
	e.words.find(&f.search, p.Text, &f.found)
	f.flags = [...]bool{flagPrivate: p.Private, flagQuestion: t.Question, flagComplaint: t.Complaint, flagPraise: t.Praise,
		flagPersonal: len(t.PersonalData) > 0, flagKnown: m.Known, flagFirst: m.First, flagVerified: p.Author.Verified, flagStorm: in.Storm,
		flagAutomated: automated(e.bundle, p), flagShown: !p.Private && len(t.PersonalData) > 0}
	local := in.Now.In(e.bundle.Hours.Location())
	f.minute, f.weekday = local.Hour()*60+local.Minute(), int(local.Weekday())
	local.AppendFormat(f.date[:0], time.DateOnly)
	f.person, f.silent, f.stopped = f.whyPerson(), whySilent(in), stopped(e.bundle, p.Platform)
	return f
}

// done gives the memory of the facts back.
func (f *facts) done() {
	f.post = In{} // keeps nothing of the post alive
	f.e.facts.Put(f)
}

// number is the number of a name, -1 when no rule asks for it.
func (e *Engine) number(n name, s string) int32 {
	if i, ok := e.names[n][s]; ok {
		return i
	}
	return -1
}

// is answers a question about the post.
func (f *facts) is(x flag) bool {
	if x != flagOpen {
		return f.flags[x]
	}
	if f.open == 0 { // costs more than all the rest, and few rules ask
		f.open = 1
		if isOpen(f.in, f.e.bundle) {
			f.open = 2
		}
	}
	return f.open == 2
}

// automated is true when the post came in for an account of ours that is
// labelled automated.
func automated(b *config.Bundle, p *care.Post) bool {
	for i := range b.Brand.Accounts {
		if a := &b.Brand.Accounts[i]; a.Platform == p.Platform && a.ID == p.Account {
			return a.Automated
		}
	}
	return false
}

// stopped is true when the kill switch holds back what a machine would say.
func stopped(b *config.Bundle, p care.Platform) bool {
	return b.Stop.Everything || slices.Contains(b.Stop.Platforms, p)
}

// on says whether a rule is on today.
func (f *facts) on(r *rule) bool {
	return !r.off && (r.Starts == "" || r.Starts <= string(f.date[:])) && (r.Expires == "" || string(f.date[:]) <= r.Expires)
}

// tally is the share of the checks of a rule that hold, 1 when all do. It gives
// up with 0 as soon as the share cannot be above atLeast any more.
func (f *facts) tally(r *rule, atLeast float64) float64 {
	held := len(r.checks)
	for i := range r.checks {
		c := &r.checks[i]
		var ok bool
		if c.op == opIn { // as most are: worth a short way
			ok = c.holdsName(f.one[c.name])
		} else {
			ok = f.holds(c)
		}
		if !ok {
			if held--; share(held, r) <= atLeast {
				return 0
			}
		}
	}
	return share(held, r)
}

func share(held int, r *rule) float64 {
	if held == len(r.checks) {
		return 1
	}
	return float64(held) / float64(len(r.checks))
}

// hold is what holds a rule back although its conditions hold.
type hold uint8

const (
	holdNone   hold = iota
	holdPerson      // a person must have the post
	holdSilent      // no machine may answer
	holdStop        // the kill switch
	holdGuard       // a guard of the rule
)

// held says what holds a rule back.
func (f *facts) held(r *rule) hold {
	switch {
	case f.person != "" && (r.says || r.Then.Action == care.ActionWatch):
		return holdPerson
	case f.silent != "" && r.says:
		return holdSilent
	case f.stopped && r.speaks:
		return holdStop
	case !f.all(r.guards):
		return holdGuard
	}
	return holdNone
}

// whyHeld says in words what holds a rule back, the first thing only or all.
func (f *facts) whyHeld(r *rule, all bool) string {
	var out []string
	if f.person != "" && (r.says || r.Then.Action == care.ActionWatch) {
		out = append(out, clause(f.person))
	}
	if f.silent != "" && r.says {
		out = append(out, clause(f.silent))
	}
	if f.stopped && r.speaks {
		out = append(out, whyStopped(f.e.bundle, f.in.Post.Platform))
	}
	return list(append(out, f.fails(r.guards)...), all)
}

// whyPassed says in words why the conditions of a rule do not hold, the first
// one that fails only or all.
func (f *facts) whyPassed(r *rule, all bool) string { return list(f.fails(r.checks), all) }

// fails says of every check that does not hold why.
func (f *facts) fails(checks []check) []string {
	var out []string
	for i := range checks {
		if c := &checks[i]; !f.holds(c) {
			out = append(out, f.why(c))
		}
	}
	return out
}

func list(whys []string, all bool) string {
	if !all && len(whys) > 1 {
		whys = whys[:1]
	}
	return strings.Join(whys, "; ")
}

// clause makes a sentence of ours a part of another one.
func clause(sentence string) string {
	s := strings.TrimSuffix(sentence, ".")
	if s == "" {
		return ""
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func whyStopped(b *config.Bundle, p care.Platform) string {
	why := "automatic replies are stopped on " + string(p)
	if b.Stop.Everything {
		why = "all automatic replies are stopped"
	}
	if r := strings.TrimRight(strings.TrimSpace(b.Stop.Reason), "."); r != "" {
		why += " (" + r + ")"
	}
	return why
}

// near are the rules that came nearest to firing, nearest first: those that were
// held back, then those of which most conditions held; earlier rules first.
type near struct {
	n     int
	rules [maxPassed]struct {
		rule  *rule
		share float64 // of its conditions that held, or heldBack
	}
}

// heldBack is the share of a rule that something held back although all of its
// conditions held: it comes nearest.
const heldBack = 2

// least is what a rule must be above to come nearer than the last of them.
func (n *near) least() float64 {
	if n.n < maxPassed {
		return 0 // where nothing fits, no word is worth it
	}
	return n.rules[maxPassed-1].share
}

func (n *near) add(r *rule, share float64) {
	i := n.n
	for i > 0 && n.rules[i-1].share < share {
		i--
	}
	if i == maxPassed {
		return
	}
	n.n = min(n.n+1, maxPassed)
	copy(n.rules[i+1:n.n], n.rules[i:])
	n.rules[i].rule, n.rules[i].share = r, share
}
