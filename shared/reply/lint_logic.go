package reply

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// What follows is how Lint reasons about rules without posts. Everything that a
// rule can ask about a post is a fact with finitely many values: names are
// values as they are, numbers and times are cut where some rule draws a line. A
// rule then is a formula over facts, and a box is a set of posts: for each fact
// the values that are possible. "Can this rule fire?" asks whether its formula
// has a box that is not empty; "does an earlier rule take all of it?" asks
// whether an earlier formula holds all over each of its boxes.
//
// Both answers may miss something, neither claims too much: where the formula is
// too large to be taken apart (maxBoxes) nothing is said.

// fact numbers what a rule can ask; the attributes of customers come after the
// last.
type fact int

const (
	factIntent fact = iota
	factScore
	factSentiment
	factSeverity
	factPlatform
	factKind
	factPrivate
	factLang
	factRelevance
	factQuestion
	factComplaint
	factPraise
	factPersonalData
	factOpen
	factKnown
	factTier
	factValue
	factGrade
	factFirst
	factCounted // the platform tells the author's followers
	factFollowers
	factVerified
	factInfluence
	factMinute
	factWeekday
	factDay
	factStorm
	factAutomated // the account that the post came in for is labelled automated
	factPerson    // the words or the form of the post demand a person
	factSilent    // no machine may speak: an agent has it, a bot wrote it, ...
	factCount
)

// bag numbers facts of which a post can have several.
type bag int

const (
	bagWords bag = iota
	bagProducts
	bagUnits
	bagCount
)

// bitset is a set of values by number. Sets of one fact have the same length.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bitset) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

func (b bitset) within(c bitset) bool {
	for i, w := range b {
		if w&^c[i] != 0 {
			return false
		}
	}
	return true
}

func (b bitset) meets(c bitset) bool {
	for i, w := range b {
		if w&c[i] != 0 {
			return true
		}
	}
	return false
}

func (b bitset) and(c bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] & c[i]
	}
	return out
}

func (b bitset) or(c bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] | c[i]
	}
	return out
}

func (b bitset) minus(c bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] &^ c[i]
	}
	return out
}

// formula is a condition with negation pushed down to its leaves.
type formula struct {
	form form
	fact fact // of formIs
	bag  bag  // of formSome and formNone
	set  bitset
	of   []formula // of formAll and formAny
}

type form byte

const (
	formAll  form = iota // every part holds; without parts: certain
	formAny              // some part holds; without parts: impossible
	formIs               // the fact's value is in the set
	formSome             // the post has something of the set
	formNone             // the post has nothing of the set
)

var certain, impossible = formula{form: formAll}, formula{form: formAny}

// world knows the values of every fact in one bundle.
type world struct {
	names      [factCount]map[string]int // of facts whose values are names; "" is a name
	cuts       [factCount][]float64      // of facts that are numbers
	full       []bitset                  // every possible value, by fact
	attributes map[string]fact
	values     []map[string]int // of attributes, by fact minus factCount
	bags       [bagCount]map[string]int
	steps      int      // of the current boxes
	work       int      // steps before that
	open       []bitset // minutes of the day, by weekday, at which somebody may be open
	// Messenger has direct messages and nothing else, and has all of those of
	// Facebook; kinds are of one sort or the other, but for story mentions; and a
	// direct message turns to us (triage).
	privatePlatforms, privateKinds, publicPlatforms, publicKinds, publicRelevance bitset
}

// other stands for every name that no rule mentions.
const otherName = "\x00"

var allKinds = []care.Kind{care.KindMention, care.KindReply, care.KindQuote, care.KindRepost, care.KindComment, care.KindPost, care.KindDirect, care.KindStoryReply, care.KindStoryMention}

// newWorld walks every rule once and notes the values that it mentions.
func newWorld(b *config.Bundle, now time.Time) *world {
	s := &world{attributes: map[string]fact{}}
	today := now.In(b.Hours.Location()).Format(time.DateOnly)
	for _, f := range []fact{factIntent, factLang, factTier, factPlatform, factKind, factRelevance, factGrade, factDay} {
		s.names[f] = map[string]int{}
	}
	for i := range s.bags {
		s.bags[i] = map[string]int{}
	}
	closed := func(f fact, names ...string) {
		for _, n := range names {
			s.name(f, n)
		}
	}
	for _, p := range care.Platforms() {
		closed(factPlatform, string(p))
	}
	for _, k := range allKinds {
		closed(factKind, string(k))
	}
	closed(factRelevance, string(care.RelevanceAddressed), string(care.RelevanceAbout), string(care.RelevanceCompetitor), string(care.RelevanceChatter))
	closed(factGrade, "", string(care.GradeSuggested), string(care.GradeProbable), string(care.GradeVerified), string(care.GradeAsserted))
	closed(factIntent, "", otherName)
	closed(factLang, "", otherName)
	closed(factTier, "", otherName)
	for _, i := range b.Brand.Intents {
		closed(factIntent, i.Name)
	}
	for name := range peopleOnly {
		closed(factIntent, name)
	}
	s.cuts[factScore], s.cuts[factInfluence], s.cuts[factSentiment] = []float64{0, 1}, []float64{0, 1}, []float64{-1, 0, 1}
	days := []string{today}
	s.put(bagWords, everyLanguage(b.People.Words))
	for i := range b.Rules {
		r := &b.Rules[i]
		s.note(&r.When)
		if n := r.Guards.NotIfNegativeAbove; n != nil {
			s.cut(factSentiment, -*n)
		}
		if v := r.Guards.NotForKnownWithValueAbove; v != nil {
			s.cut(factValue, *v)
		}
		for _, d := range []string{r.Starts, r.Expires} {
			if d != "" {
				days = append(days, d)
			}
		}
	}
	slices.Sort(days)
	for _, d := range slices.Compact(days) { // the day itself, and those up to the next
		s.name(factDay, d)
		s.name(factDay, d+"+")
	}
	for f := range s.cuts {
		slices.Sort(s.cuts[f])
		s.cuts[f] = slices.Compact(s.cuts[f])
	}
	s.full = make([]bitset, int(factCount)+len(s.values))
	for f := range s.full {
		n := s.size(fact(f))
		set := newBitset(n)
		for i := range n {
			set.set(i)
		}
		s.full[f] = set
	}
	for _, bound := range []struct {
		fact   fact
		lo, hi float64
	}{{factScore, 0, 1}, {factInfluence, 0, 1}, {factSentiment, -1, 1}} {
		s.full[bound.fact] = s.atLeast(bound.fact, bound.lo).and(s.atMost(bound.fact, bound.hi))
	}
	toCome := newBitset(s.size(factDay))
	for d, i := range s.names[factDay] {
		if d >= today {
			toCome.set(i)
		}
	}
	s.full[factDay] = toCome
	s.open = openMinutes(b, now)
	s.privatePlatforms = s.oneOf(factPlatform, string(care.Messenger)).set
	s.publicPlatforms = s.oneOf(factPlatform, string(care.Facebook)).set
	s.privateKinds = s.oneOf(factKind, string(care.KindDirect), string(care.KindStoryReply)).set
	s.publicRelevance = s.oneOf(factRelevance, string(care.RelevanceAbout), string(care.RelevanceCompetitor)).set
	s.publicKinds = s.oneOf(factKind, string(care.KindMention), string(care.KindReply), string(care.KindQuote), string(care.KindRepost), string(care.KindComment), string(care.KindPost)).set
	return s
}

func (s *world) name(f fact, n string) {
	if _, ok := s.names[f][n]; !ok {
		s.names[f][n] = len(s.names[f])
	}
}

func (s *world) cut(f fact, at float64) { s.cuts[f] = append(s.cuts[f], at) }

func (s *world) put(b bag, names []string) {
	for _, n := range names {
		if b == bagWords {
			n = wordKey(n)
		}
		if _, ok := s.bags[b][n]; !ok {
			s.bags[b][n] = len(s.bags[b])
		}
	}
}

// wordKey is the same for words and phrases that the engine cannot tell apart.
func wordKey(phrase string) string {
	var key strings.Builder
	atoms([]byte(strings.TrimSpace(text.Fold(phrase))), func(atom []byte, _ bool) { key.Write(atom) })
	return key.String()
}

// note takes down what a condition mentions.
func (s *world) note(w *config.Condition) {
	for _, n := range w.Intents {
		s.name(factIntent, n)
	}
	for _, n := range w.Languages {
		s.name(factLang, n)
	}
	s.put(bagWords, w.Keywords)
	s.put(bagProducts, w.Products)
	s.put(bagUnits, w.Units)
	s.cut(factScore, w.MinIntentScore)
	if r := w.Sentiment; r != nil {
		for _, end := range []*float64{r.Min, r.Max} {
			if end != nil {
				s.cut(factSentiment, *end)
			}
		}
	}
	if k := w.Customer; k != nil {
		for _, n := range k.Tiers {
			s.name(factTier, n)
		}
		if k.MinValue != nil {
			s.cut(factValue, *k.MinValue)
		}
		for name, value := range k.Attributes {
			if _, ok := s.attributes[name]; !ok {
				s.attributes[name] = factCount + fact(len(s.values))
				s.values = append(s.values, map[string]int{otherName: 0})
			}
			of := s.values[s.attributes[name]-factCount]
			if _, ok := of[value]; !ok {
				of[value] = len(of)
			}
		}
	}
	if a := w.Author; a != nil {
		for _, n := range []*int{a.MinFollowers, a.MaxFollowers} {
			if n != nil {
				s.cut(factFollowers, float64(*n))
			}
		}
		if a.MinInfluence != nil {
			s.cut(factInfluence, *a.MinInfluence)
		}
	}
	for i := range w.All {
		s.note(&w.All[i])
	}
	for i := range w.Any {
		s.note(&w.Any[i])
	}
	if w.Not != nil {
		s.note(w.Not)
	}
}

// size is how many values a fact has.
func (s *world) size(f fact) int {
	switch {
	case f >= factCount:
		return len(s.values[f-factCount])
	case s.names[f] != nil:
		return len(s.names[f])
	case f == factScore || f == factSentiment || f == factValue || f == factFollowers || f == factInfluence:
		return 2*len(s.cuts[f]) + 1
	case f == factSeverity:
		return int(care.SeverityCritical) + 1
	case f == factMinute:
		return 24 * 60
	case f == factWeekday:
		return 7
	}
	return 2
}

// is says that a fact's value is in a set.
func (s *world) is(f fact, set bitset) formula {
	switch set = set.and(s.full[f]); {
	case set.empty():
		return impossible
	case s.full[f].within(set):
		return certain
	}
	return formula{form: formIs, fact: f, set: set}
}

func (s *world) oneOf(f fact, names ...string) formula {
	var of map[string]int
	if f < factCount {
		of = s.names[f]
	} else {
		of = s.values[f-factCount]
	}
	set := newBitset(s.size(f))
	for _, n := range names {
		if i, ok := of[n]; ok {
			set.set(i)
		}
	}
	return s.is(f, set)
}

// yes says that a fact with two values is, or is not, the case.
func (s *world) yes(f fact, is bool) formula {
	set := newBitset(2)
	if is {
		set.set(1)
	} else {
		set.set(0)
	}
	return s.is(f, set)
}

// A number's values are, in order: below the first cut, the first cut, between
// it and the second, the second, and so on.

func (s *world) atLeast(f fact, x float64) bitset {
	set := newBitset(s.size(f))
	for i := 2*sort.SearchFloat64s(s.cuts[f], x) + 1; i < s.size(f); i++ {
		set.set(i)
	}
	return set
}

func (s *world) atMost(f fact, x float64) bitset {
	set := newBitset(s.size(f))
	for i := range 2*sort.SearchFloat64s(s.cuts[f], x) + 2 {
		set.set(i)
	}
	return set
}

func (s *world) severity(lo, hi care.Severity) formula {
	set := newBitset(s.size(factSeverity))
	for i := lo; i <= hi; i++ {
		set.set(int(i))
	}
	return s.is(factSeverity, set)
}

// days says that the day is within two dates; empty: open.
func (s *world) days(from, until string) formula {
	set := newBitset(s.size(factDay))
	for d, i := range s.names[factDay] {
		if (from == "" || d >= from) && (until == "" || d <= until) {
			set.set(i)
		}
	}
	return s.is(factDay, set)
}

func (s *world) some(b bag, names []string) formula {
	set := newBitset(len(s.bags[b]))
	for _, n := range names {
		if b == bagWords {
			n = wordKey(n)
		}
		set.set(s.bags[b][n])
	}
	if set.empty() {
		return impossible
	}
	return formula{form: formSome, bag: b, set: set}
}

func allOf(of ...formula) formula {
	var parts []formula
	for _, f := range of {
		switch {
		case f.form == formAll:
			parts = append(parts, f.of...)
		case f.form == formAny && len(f.of) == 0:
			return impossible
		default:
			parts = append(parts, f)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return formula{form: formAll, of: parts}
}

func (s *world) anyOf(of ...formula) formula {
	var parts []formula
	for _, f := range of {
		switch {
		case f.form == formAny:
			parts = append(parts, f.of...)
		case f.form == formAll && len(f.of) == 0:
			return certain
		default:
			parts = append(parts, f)
		}
	}
	// Alternatives about the same fact are one.
	var out []formula
	for _, f := range parts {
		i := -1
		if f.form == formIs {
			i = slices.IndexFunc(out, func(o formula) bool { return o.form == formIs && o.fact == f.fact })
		} else if f.form == formSome {
			i = slices.IndexFunc(out, func(o formula) bool { return o.form == formSome && o.bag == f.bag })
		}
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].set = out[i].set.or(f.set)
		if f.form == formIs && s.full[f.fact].within(out[i].set) {
			return certain
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return formula{form: formAny, of: out}
}

func (s *world) not(f formula) formula {
	switch f.form {
	case formIs:
		return s.is(f.fact, s.full[f.fact].minus(f.set))
	case formSome:
		f.form = formNone
		return f
	case formNone:
		f.form = formSome
		return f
	}
	parts := make([]formula, len(f.of))
	for i := range f.of {
		parts[i] = s.not(f.of[i])
	}
	if f.form == formAll {
		return s.anyOf(parts...)
	}
	return allOf(parts...)
}

// box is a set of posts: those that have, for every fact, one of its values, and
// of every bag something of each of its sets and nothing of what is excluded.
type box struct {
	is   []bitset // by fact; nil: any value
	some [bagCount][]bitset
	none [bagCount]bitset
}

// Bounds of the work, so that odd bundles are linted within seconds: into how many
// boxes a rule is taken apart, in how many steps, and how many steps all of the
// finer questions may take.
const (
	maxBoxes = 64
	maxSteps = 4000
	maxWork  = 1_000_000
)

// boxes takes a formula apart; false when that is too much work.
func (s *world) boxes(f formula) ([]box, bool) {
	s.work += s.steps
	s.steps = 0
	return s.expand([]box{{is: make([]bitset, len(s.full))}}, f)
}

// expand narrows boxes to where the formula holds. A box that turns out empty is
// dropped.
func (s *world) expand(from []box, f formula) ([]box, bool) {
	switch f.form {
	case formAll:
		// What is certain first: it empties boxes before they are taken apart.
		for _, apart := range []bool{false, true} {
			for _, part := range f.of {
				if (part.form == formAny) != apart {
					continue
				}
				var ok bool
				if from, ok = s.expand(from, part); !ok {
					return nil, false
				}
			}
		}
		return from, true
	case formAny:
		var out []box
		for _, part := range f.of {
			some, ok := s.expand(from, part)
			if out = append(out, some...); !ok || len(out) > maxBoxes {
				return nil, false
			}
		}
		return out, true
	}
	var out []box
	for _, b := range from {
		if b, ok := s.narrow(b, f); ok {
			out = append(out, b)
		}
	}
	s.steps += len(from)
	return out, s.steps <= maxSteps
}

// narrow applies one leaf to a box; false when nothing is left of it.
func (s *world) narrow(b box, f formula) (box, bool) {
	switch f.form {
	case formIs:
		set := f.set
		if old := b.is[f.fact]; old != nil {
			set = set.and(old)
		}
		b.is = slices.Clone(b.is)
		b.is[f.fact] = set
		if set.empty() {
			return b, false
		}
		switch f.fact {
		case factPlatform, factKind, factPrivate, factRelevance, factOpen, factMinute, factWeekday:
			return b, s.possible(&b)
		}
	case formSome:
		b.some[f.bag] = append(slices.Clip(b.some[f.bag]), f.set)
		if none := b.none[f.bag]; none != nil && f.set.within(none) {
			return b, false
		}
	case formNone:
		if old := b.none[f.bag]; old != nil {
			b.none[f.bag] = old.or(f.set)
		} else {
			b.none[f.bag] = f.set
		}
		for _, set := range b.some[f.bag] {
			if set.within(b.none[f.bag]) {
				return b, false
			}
		}
	}
	return b, true
}

// possible applies what is true of every post, whatever the rules: where posts
// are private, and when somebody is open.
func (s *world) possible(b *box) bool {
	private := s.of(b, factPrivate)
	inPrivate := s.of(b, factPlatform).within(s.privatePlatforms) || s.of(b, factKind).within(s.privateKinds)
	inPublic := s.of(b, factPlatform).within(s.publicPlatforms) || s.of(b, factKind).within(s.publicKinds) || s.of(b, factRelevance).within(s.publicRelevance)
	if inPrivate && !private.has(1) || inPublic && !private.has(0) || inPrivate && inPublic {
		return false
	}
	if s.of(b, factOpen).has(0) {
		return true
	}
	minutes, days := s.of(b, factMinute), s.of(b, factWeekday)
	for d, open := range s.open {
		if days.has(d) && open.meets(minutes) {
			return true
		}
	}
	return false
}

// of is the set of a fact's possible values in a box.
func (s *world) of(b *box, f fact) bitset {
	if set := b.is[f]; set != nil {
		return set
	}
	return s.full[f]
}

// implies says whether a formula surely holds for every post in a box.
func (s *world) implies(b *box, f *formula) bool {
	switch f.form {
	case formIs:
		set := b.is[f.fact]
		return set != nil && set.within(f.set)
	case formSome:
		for _, set := range b.some[f.bag] {
			if none := b.none[f.bag]; none != nil {
				set = set.minus(none)
			}
			if set.within(f.set) {
				return true
			}
		}
		return false
	case formNone:
		return b.none[f.bag] != nil && f.set.within(b.none[f.bag])
	case formAll:
		for i := range f.of {
			if !s.implies(b, &f.of[i]) {
				return false
			}
		}
		return true
	}
	for i := range f.of {
		if s.implies(b, &f.of[i]) {
			return true
		}
	}
	return false
}

// demand is one thing that a rule asks, where it stands in the rule, and what it
// asks in words.
type demand struct {
	path, words string
	formula     formula
	// alternatives are what each member of "any" asks.
	alternatives [][]demand
	// what and names are set for lists of intents and platforms: "intent", and the
	// intents.
	what  string
	names []string
}

// parts lists what a condition asks, one part per key; nested "all" are taken
// apart, "any" and "not" are one part each.
func (s *world) parts(path string, w *config.Condition) []demand {
	var list []demand
	add := func(key, words string, f formula) {
		list = append(list, demand{path: path + "." + key, words: words, formula: f})
	}
	flag := func(key string, f fact, want *bool, yes, no string) {
		if want != nil {
			words := no
			if *want {
				words = yes
			}
			add(key, words, s.yes(f, *want))
		}
	}
	if len(w.Intents) > 0 {
		list = append(list, demand{path: path + ".intents", words: "the intent " + either(w.Intents), formula: s.oneOf(factIntent, w.Intents...), what: "intent", names: w.Intents})
	}
	if w.MinIntentScore > 0 {
		add("minIntentScore", fmt.Sprintf("an intent score of at least %v", w.MinIntentScore), s.is(factScore, s.atLeast(factScore, w.MinIntentScore)))
	}
	if r := w.Sentiment; r != nil {
		if r.Min != nil {
			add("sentiment.min", fmt.Sprintf("a sentiment of at least %v", *r.Min), s.is(factSentiment, s.atLeast(factSentiment, *r.Min)))
		}
		if r.Max != nil {
			add("sentiment.max", fmt.Sprintf("a sentiment of at most %v", *r.Max), s.is(factSentiment, s.atMost(factSentiment, *r.Max)))
		}
	}
	if r := w.Severity; r != nil {
		if lo, ok := config.SeverityOf(r.Min); ok {
			add("severity.min", "a severity of at least "+r.Min, s.severity(lo, care.SeverityCritical))
		}
		if hi, ok := config.SeverityOf(r.Max); ok {
			add("severity.max", "a severity of at most "+r.Max, s.severity(care.SeverityNone, hi))
		}
	}
	if len(w.Platforms) > 0 {
		list = append(list, demand{path: path + ".platforms", words: "the platform " + either(w.Platforms), formula: s.oneOf(factPlatform, plain(w.Platforms)...), what: "platform", names: plain(w.Platforms)})
	}
	if len(w.Kinds) > 0 {
		add("kinds", "the kind "+either(w.Kinds), s.oneOf(factKind, plain(w.Kinds)...))
	}
	flag("private", factPrivate, w.Private, "a private post", "a public post")
	if len(w.Languages) > 0 {
		add("languages", "the language "+either(w.Languages), s.oneOf(factLang, w.Languages...))
	}
	if len(w.Keywords) > 0 {
		add("keywords", "the keyword "+either(w.Keywords), s.some(bagWords, w.Keywords))
	}
	if len(w.Relevance) > 0 {
		add("relevance", "the relevance "+either(w.Relevance), s.oneOf(factRelevance, plain(w.Relevance)...))
	}
	flag("question", factQuestion, w.Question, "a question", "no question")
	flag("complaint", factComplaint, w.Complaint, "a complaint", "no complaint")
	flag("praise", factPraise, w.Praise, "praise", "no praise")
	flag("personalData", factPersonalData, w.PersonalData, "personal data in the post", "no personal data in the post")
	if w.Hours != "" {
		add("hours", w.Hours+" hours", s.yes(factOpen, w.Hours == "open"))
	}
	if k := w.Customer; k != nil {
		known := s.yes(factKnown, true)
		flag("customer.known", factKnown, k.Known, "a known customer", "an author who is no known customer")
		if len(k.Tiers) > 0 {
			add("customer.tiers", "a customer of tier "+either(k.Tiers), allOf(known, s.oneOf(factTier, k.Tiers...)))
		}
		if k.MinValue != nil {
			add("customer.minValue", fmt.Sprintf("a customer worth at least %v a year", *k.MinValue), allOf(known, s.is(factValue, s.atLeast(factValue, *k.MinValue))))
		}
		if len(k.Grades) > 0 {
			add("customer.grades", "a match of grade "+either(k.Grades), s.oneOf(factGrade, plain(k.Grades)...))
		}
		for _, name := range slices.Sorted(maps.Keys(k.Attributes)) {
			add("customer.attributes."+name, fmt.Sprintf("a customer with %s %q", name, k.Attributes[name]), s.oneOf(s.attributes[name], k.Attributes[name]))
		}
	}
	flag("firstContact", factFirst, w.FirstContact, "an author's first post", "an author who wrote before")
	if len(w.Products) > 0 {
		add("products", "the product "+either(w.Products), s.some(bagProducts, w.Products))
	}
	if len(w.Units) > 0 {
		add("units", "the unit "+either(w.Units), s.some(bagUnits, w.Units))
	}
	if a := w.Author; a != nil {
		counted := s.yes(factCounted, true)
		if a.MinFollowers != nil {
			add("author.minFollowers", fmt.Sprintf("at least %d followers", *a.MinFollowers), allOf(counted, s.is(factFollowers, s.atLeast(factFollowers, float64(*a.MinFollowers)))))
		}
		if a.MaxFollowers != nil {
			add("author.maxFollowers", fmt.Sprintf("at most %d followers", *a.MaxFollowers), allOf(counted, s.is(factFollowers, s.atMost(factFollowers, float64(*a.MaxFollowers)))))
		}
		flag("author.verified", factVerified, a.Verified, "a verified author", "an author who is not verified")
		if a.MinInfluence != nil {
			add("author.minInfluence", fmt.Sprintf("an influence of at least %v", *a.MinInfluence), s.is(factInfluence, s.atLeast(factInfluence, *a.MinInfluence)))
		}
	}
	if w.Time != "" {
		span, _ := config.ParseSpan(w.Time, true) // the loader refuses what is none
		minutes := newBitset(24 * 60)
		for m := range 24 * 60 {
			if span.Holds(m) {
				minutes.set(m)
			}
		}
		add("time", "the time "+w.Time, s.is(factMinute, minutes))
	}
	if len(w.Days) > 0 {
		days := newBitset(7)
		for d, name := range weekdays {
			if slices.Contains(w.Days, name) {
				days.set(d)
			}
		}
		add("days", "the day "+either(w.Days), s.is(factWeekday, days))
	}
	flag("storm", factStorm, w.Storm, "a storm", "no storm")
	for i := range w.All {
		list = append(list, s.parts(fmt.Sprintf("%s.all[%d]", path, i), &w.All[i])...)
	}
	if len(w.Any) > 0 {
		d := demand{path: path + ".any", words: "its alternatives"}
		var of []formula
		for i := range w.Any {
			parts := s.parts(fmt.Sprintf("%s.any[%d]", path, i), &w.Any[i])
			d.alternatives = append(d.alternatives, parts)
			of = append(of, conjunction(parts))
		}
		d.formula = s.anyOf(of...)
		list = append(list, d)
	}
	if w.Not != nil {
		add("not", "what \"not\" leaves over", s.not(conjunction(s.parts("", w.Not))))
	}
	return list
}

// conjunction is the formula of all demands together.
func conjunction(list []demand) formula {
	of := make([]formula, len(list))
	for i := range list {
		of[i] = list[i].formula
	}
	return allOf(of...)
}

func plain[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// either lists names as a choice, the first few of them.
func either[T ~string](list []T) string {
	const most = 4
	out := strings.Join(plain(list[:min(most, len(list))]), " or ")
	if n := len(list) - most; n > 0 {
		out += fmt.Sprintf(" or %d others", n)
	}
	return out
}

// rule lists all that must be the case for a rule to fire. With strict it also
// lists what holds a rule back for a while only, such as the kill switch: what
// an earlier rule needs to be sure to take a post away from a later one.
func (s *world) rule(b *config.Bundle, r *config.Rule, strict bool) []demand {
	var list []demand
	add := func(path, words string, f formula) { list = append(list, demand{path: path, words: words, formula: f}) }
	if r.Enabled != nil && !*r.Enabled {
		add("enabled", "it is switched off", impossible)
	}
	if r.Starts != "" {
		add("starts", "a day from "+r.Starts, s.days(r.Starts, ""))
	}
	if r.Expires != "" {
		f := s.days("", r.Expires)
		words := "a day until " + r.Expires
		if f.form == formAny && len(f.of) == 0 {
			words = "it expired on " + r.Expires
		}
		add("expires", words, f)
	}
	list = append(list, s.parts("when", &r.When)...)
	says := config.Says(r.Then.Action)
	if says && !asksRelevance(&r.When) {
		add("when", "an author who turned to us (a rule that says something asks for that unless it names a relevance)", s.oneOf(factRelevance, string(care.RelevanceAddressed)))
	}
	if r.Then.Action == config.ActionMove {
		add("then.action", "a public post (what is private already is not moved)", s.yes(factPrivate, false))
	}
	if says || r.Then.Action == care.ActionWatch {
		add("then.action", "a matter that is not critical (those are for people)", s.severity(care.SeverityNone, care.SeverityHigh))
		people := slices.Collect(maps.Keys(peopleOnly))
		for _, i := range b.Brand.Intents {
			if i.People {
				people = append(people, i.Name)
			}
		}
		add("then.action", "an intent that is not for people only", s.not(s.oneOf(factIntent, people...)))
		if words := everyLanguage(b.People.Words); len(words) > 0 {
			add("then.action", "no word that always brings a person", s.not(s.some(bagWords, words)))
		}
		add("then.action", "", s.yes(factPerson, false))
	}
	if says {
		add("then.action", "a post with words of its own (no machine answers a repost)", s.not(s.oneOf(factKind, string(care.KindRepost))))
		add("then.action", "", s.yes(factSilent, false))
	}
	if says && r.Then.Action != care.ActionDraft {
		if strict && b.Stop.Everything {
			add("then.action", "", impossible)
		} else if strict && len(b.Stop.Platforms) > 0 {
			add("then.action", "", s.not(s.oneOf(factPlatform, plain(b.Stop.Platforms)...)))
		}
	}
	return append(list, s.guards(b, r)...)
}

// guards lists what a rule's guards let pass.
func (s *world) guards(b *config.Bundle, r *config.Rule) []demand {
	var list []demand
	add := func(key, words string, f formula) {
		list = append(list, demand{path: "guards." + key, words: "the guard " + key + " (" + words + ")", formula: f})
	}
	g, says := r.Guards, config.Says(r.Then.Action)
	if g.Hours != "" {
		add("hours", "only while we are "+g.Hours, s.yes(factOpen, g.Hours == "open"))
	}
	if n := g.NotIfNegativeAbove; n != nil {
		add("notIfNegativeAbove", fmt.Sprintf("a sentiment of at least %v", -*n), s.is(factSentiment, s.atLeast(factSentiment, -*n)))
	}
	if most, ok := config.SeverityOf(g.NotIfSeverityAbove); ok {
		add("notIfSeverityAbove", "at most "+g.NotIfSeverityAbove, s.severity(care.SeverityNone, most))
	} else if says {
		add("notIfSeverityAbove", "at most medium, unless it says otherwise", s.severity(care.SeverityNone, care.SeverityMedium))
	}
	if most, ok := config.SeverityOf(g.NotIfNegativeAboveSeverity); ok {
		add("notIfNegativeAboveSeverity", "nothing negative above "+g.NotIfNegativeAboveSeverity,
			s.anyOf(s.is(factSentiment, s.atLeast(factSentiment, 0)), s.severity(care.SeverityNone, most)))
	}
	personal, words := says, "no personal data in public, unless it says otherwise"
	if g.NotIfPersonalData != nil {
		personal, words = *g.NotIfPersonalData, "no personal data in public"
	}
	if personal {
		add("notIfPersonalData", words, s.anyOf(s.yes(factPrivate, true), s.yes(factPersonalData, false)))
	}
	if v := g.NotForKnownWithValueAbove; v != nil {
		add("notForKnownWithValueAbove", fmt.Sprintf("no customer worth more than %v a year", *v),
			s.anyOf(s.yes(factKnown, false), s.is(factValue, s.atMost(factValue, *v))))
	}
	if g.Account != "" {
		var automated []string
		for _, a := range b.Brand.Accounts {
			if a.Automated {
				automated = append(automated, string(a.Platform))
			}
		}
		f, words := s.yes(factAutomated, false), "only accounts that are not labelled automated"
		if g.Account == "automated" {
			f = allOf(s.yes(factAutomated, true), s.oneOf(factPlatform, automated...))
			words = "only accounts labelled automated; brand.yaml has none there"
			if len(automated) > 0 {
				words = "only accounts labelled automated, which we have on " + strings.Join(slices.Compact(slices.Sorted(slices.Values(automated))), " and ")
			}
		}
		add("account", words, f)
	}
	return list
}

// openMinutes gives, for every weekday, the minutes of the day, by the brand's
// clock, at which the main team, another team or a unit may be open. Other time
// zones count with every distance that they have from the brand's in two years.
func openMinutes(b *config.Bundle, now time.Time) []bitset {
	open := make([]bitset, 7)
	for d := range open {
		open[d] = newBitset(24 * 60)
	}
	home := b.Hours.Location()
	mark := func(week map[string][]string, zone string) {
		shifts := map[int]bool{0: true}
		if zone != "" && zone != b.Hours.TimeZone {
			shifts = map[int]bool{}
			away := config.Hours{TimeZone: zone}.Location()
			for day := range 2 * 366 {
				t := now.AddDate(0, 0, day)
				_, a := t.In(home).Zone()
				_, o := t.In(away).Zone()
				shifts[(a-o)/60] = true
			}
		}
		for d, name := range weekdays {
			for _, text := range week[name] {
				span, err := config.ParseSpan(text, false)
				if err != nil {
					continue // refused by Load and Parse
				}
				for shift := range shifts {
					for m := span.Open; m < span.Close; m++ {
						at := ((d*24*60+m+shift)%(7*24*60) + 7*24*60) % (7 * 24 * 60)
						open[at/(24*60)].set(at % (24 * 60))
					}
				}
			}
		}
	}
	mark(b.Hours.Week, "")
	for _, t := range b.Hours.Teams {
		mark(t.Week, t.TimeZone)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Hours.Units)) {
		u := b.Hours.Units[name]
		week, zone := u.Week, u.TimeZone
		if len(week) == 0 {
			week = b.Hours.Week
		}
		mark(week, zone)
	}
	return open
}
