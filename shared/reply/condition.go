package reply

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// op is what a check compares.
type op uint8

const (
	opIn               op = iota // one of the post's names is in a set
	opHasAny                     // several of the post's names; one must be in a set
	opFlag                       // something is so, or is not
	opKeywords                   // the post holds a word or phrase
	opScoreMin                   // the intent is sure enough
	opSentimentMin               // not too negative
	opSentimentMax               // not too positive
	opSeverityMin                // grave enough
	opSeverityMax                // not too grave
	opValueMin                   // of a known customer
	opValueMax                   // guard: of a known customer
	opAttributes                 // of the customer
	opFollowersMin               // where the platform tells
	opFollowersMax               // where the platform tells
	opInfluenceMin               // of the author
	opTime                       // of day
	opDays                       // of the week
	opNegativeSeverity           // guard: not negative, or not that grave
	opAny                        // one of several lists of checks holds
	opNot                        // a list of checks does not hold
)

// name is a dimension of names that rules ask for; every name of it gets a
// number when the rules are compiled.
type name uint8

const (
	nameIntent name = iota
	namePlatform
	nameKind
	nameLanguage
	nameRelevance
	nameTier
	nameGrade
	nameProduct
	nameUnit
	numNames // how many dimensions there are
)

// flag is a question about a post with yes or no for an answer.
type flag uint8

const (
	flagPrivate flag = iota
	flagQuestion
	flagComplaint
	flagPraise
	flagPersonal
	flagOpen
	flagKnown
	flagFirst
	flagVerified
	flagStorm
	flagAutomated
	flagShown // a public post shows personal data
)

// set is a set of numbered names.
type set []uint64

func (s set) has(i int32) bool {
	return i >= 0 && int(i>>6) < len(s) && s[i>>6]&(1<<(i&63)) != 0
}

func (s set) meets(other set) bool {
	for i := range min(len(s), len(other)) {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

func (s *set) add(i int32) {
	for int(i>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[i>>6] |= 1 << (i & 63)
}

// check is one condition or guard of a rule, ready to be compared. It is small,
// so that the checks of hundreds of rules lie close together; what is seldom
// looked at is in rest.
type check struct {
	op    op
	name  name
	flag  flag
	want  bool    // of a flag
	level int32   // a bound that is a whole number, or the number of a set of keywords
	num   float64 // a bound
	set   uint64  // the names with numbers below 64, or the days of the week
	rest  *rest
}

// rest is what only some checks need, and what words are made of.
type rest struct {
	names set         // the numbers of all the names
	pairs [][2]string // attributes
	span  config.Span // minutes of the day
	subs  [][]check   // of any and not
	not   *config.Condition
	list  []string // the names as the rule has them
	words string   // said instead of the usual words when it does not hold
}

// holdsName says whether the name with number i is among those asked for.
func (c *check) holdsName(i int32) bool {
	if uint32(i) < 64 {
		return c.set&(1<<i) != 0
	}
	return c.rest.names.has(i)
}

// holds says whether a check is met. It allocates nothing.
func (f *facts) holds(c *check) bool {
	t := &f.in.Triage
	switch c.op {
	case opIn:
		return c.holdsName(f.one[c.name])
	case opHasAny:
		return c.rest.names.meets(f.many[c.name-nameProduct])
	case opFlag:
		return f.is(c.flag) == c.want
	case opKeywords:
		return f.found.has(c.level)
	case opScoreMin:
		return t.IntentScore >= c.num
	case opSentimentMin:
		return t.Sentiment >= c.num
	case opSentimentMax:
		return t.Sentiment <= c.num
	case opSeverityMin:
		return int32(t.Severity) >= c.level
	case opSeverityMax:
		return int32(t.Severity) <= c.level
	case opValueMin:
		return f.in.Match.Known && f.in.Match.Customer.Value >= c.num
	case opValueMax:
		return !f.in.Match.Known || f.in.Match.Customer.Value <= c.num
	case opAttributes:
		for _, p := range c.rest.pairs {
			if got, has := f.in.Match.Customer.Attributes[p[0]]; !has || got != p[1] {
				return false
			}
		}
		return true
	case opFollowersMin:
		n := f.in.Post.Author.Followers
		return n != nil && float64(*n) >= c.num
	case opFollowersMax:
		n := f.in.Post.Author.Followers
		return n != nil && float64(*n) <= c.num
	case opInfluenceMin:
		return t.Influence >= c.num
	case opTime:
		return c.rest.span.Holds(f.minute)
	case opDays:
		return c.set&(1<<f.weekday) != 0
	case opNegativeSeverity:
		return t.Sentiment >= 0 || int32(t.Severity) <= c.level
	case opAny:
		for _, sub := range c.rest.subs {
			if f.all(sub) {
				return true
			}
		}
		return false
	case opNot:
		return !f.all(c.rest.subs[0])
	}
	return false
}

func (f *facts) all(checks []check) bool {
	for i := range checks {
		if !f.holds(&checks[i]) {
			return false
		}
	}
	return true
}

// compiler turns conditions into checks.
type compiler struct{ e *Engine }

// number gives a name its number.
func (c compiler) number(n name, s string) int32 {
	m := c.e.names[n]
	if m == nil {
		m = map[string]int32{}
		c.e.names[n] = m
	}
	i, ok := m[s]
	if !ok {
		i = int32(len(m))
		m[s] = i
	}
	return i
}

func among[T ~string](c compiler, o op, n name, list []T) check {
	k := check{op: o, name: n, rest: &rest{}}
	for _, s := range list {
		i := c.number(n, string(s))
		if i < 64 {
			k.set |= 1 << i
		}
		k.rest.names.add(i)
		k.rest.list = append(k.rest.list, string(s))
	}
	return k
}

func yes(f flag, want bool) check { return check{op: opFlag, flag: f, want: want} }

// condition compiles a condition: all of the checks must hold.
func (c compiler) condition(w *config.Condition) []check {
	var out []check
	add := func(k check) { out = append(out, k) }
	ask := func(f flag, want *bool) {
		if want != nil {
			add(yes(f, *want))
		}
	}
	if len(w.Intents) > 0 {
		add(among(c, opIn, nameIntent, w.Intents))
	}
	if w.MinIntentScore > 0 {
		add(check{op: opScoreMin, num: w.MinIntentScore})
	}
	if s := w.Sentiment; s != nil {
		if s.Min != nil {
			add(check{op: opSentimentMin, num: *s.Min})
		}
		if s.Max != nil {
			add(check{op: opSentimentMax, num: *s.Max})
		}
	}
	if s := w.Severity; s != nil {
		if lo, ok := config.SeverityOf(s.Min); ok {
			add(check{op: opSeverityMin, level: int32(lo)})
		}
		if hi, ok := config.SeverityOf(s.Max); ok {
			add(check{op: opSeverityMax, level: int32(hi)})
		}
	}
	if len(w.Platforms) > 0 {
		add(among(c, opIn, namePlatform, w.Platforms))
	}
	if len(w.Kinds) > 0 {
		add(among(c, opIn, nameKind, w.Kinds))
	}
	ask(flagPrivate, w.Private)
	if len(w.Languages) > 0 {
		add(among(c, opIn, nameLanguage, w.Languages))
	}
	if len(w.Keywords) > 0 {
		add(check{op: opKeywords, level: c.e.words.set(w.Keywords)})
	}
	if len(w.Relevance) > 0 {
		add(among(c, opIn, nameRelevance, w.Relevance))
	}
	ask(flagQuestion, w.Question)
	ask(flagComplaint, w.Complaint)
	ask(flagPraise, w.Praise)
	ask(flagPersonal, w.PersonalData)
	if w.Hours != "" {
		add(yes(flagOpen, w.Hours == "open"))
	}
	if k := w.Customer; k != nil {
		ask(flagKnown, k.Known)
		if len(k.Tiers) > 0 {
			add(among(c, opIn, nameTier, k.Tiers))
		}
		if k.MinValue != nil {
			add(check{op: opValueMin, num: *k.MinValue})
		}
		if len(k.Grades) > 0 {
			add(among(c, opIn, nameGrade, k.Grades))
		}
		if len(k.Attributes) > 0 {
			a := check{op: opAttributes, rest: &rest{}}
			for _, key := range slices.Sorted(maps.Keys(k.Attributes)) {
				a.rest.pairs = append(a.rest.pairs, [2]string{key, k.Attributes[key]})
			}
			add(a)
		}
	}
	ask(flagFirst, w.FirstContact)
	if len(w.Products) > 0 {
		add(among(c, opHasAny, nameProduct, w.Products))
	}
	if len(w.Units) > 0 {
		add(among(c, opHasAny, nameUnit, w.Units))
	}
	if a := w.Author; a != nil {
		if a.MinFollowers != nil {
			add(check{op: opFollowersMin, num: float64(*a.MinFollowers)})
		}
		if a.MaxFollowers != nil {
			add(check{op: opFollowersMax, num: float64(*a.MaxFollowers)})
		}
		ask(flagVerified, a.Verified)
		if a.MinInfluence != nil {
			add(check{op: opInfluenceMin, num: *a.MinInfluence})
		}
	}
	if w.Time != "" {
		span, _ := config.ParseSpan(w.Time, true) // the loader refuses what is none; it never holds
		add(check{op: opTime, rest: &rest{span: span, list: []string{w.Time}}})
	}
	if len(w.Days) > 0 {
		k := check{op: opDays, rest: &rest{list: w.Days}}
		for _, d := range w.Days {
			if i := slices.Index(weekdays[:], d); i >= 0 {
				k.set |= 1 << i
			}
		}
		add(k)
	}
	if w.Storm != nil {
		add(yes(flagStorm, *w.Storm))
		c.e.storms = true
	}
	for i := range w.All {
		out = append(out, c.condition(&w.All[i])...)
	}
	if len(w.Any) > 0 {
		k := check{op: opAny, rest: &rest{}}
		for i := range w.Any {
			k.rest.subs = append(k.rest.subs, c.condition(&w.Any[i]))
		}
		add(k)
	}
	if w.Not != nil {
		add(check{op: opNot, rest: &rest{subs: [][]check{c.condition(w.Not)}, not: w.Not}})
	}
	return out
}

// asksAbout lists what a condition asks about, as its file calls it.
func asksAbout(w *config.Condition) []string {
	var out []string
	for v, i := reflect.ValueOf(*w), 0; i < v.NumField(); i++ {
		if !v.Field(i).IsZero() {
			key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			out = append(out, key)
		}
	}
	return out
}

// weekdays are the names of Condition.Days, by time.Weekday.
var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// asksRelevance is true when a condition says itself how relevant a post must be.
func asksRelevance(w *config.Condition) bool {
	ask := func(c config.Condition) bool { return asksRelevance(&c) }
	return len(w.Relevance) > 0 || slices.ContainsFunc(w.All, ask) || slices.ContainsFunc(w.Any, ask)
}

// guards compiles what holds a rule back: it fires when all of the checks hold. A
// rule with words for the author has two guards unless it says otherwise:
// nothing graver than medium, no personal data shown in public.
func (c compiler) guards(r *config.Rule) []check {
	var out []check
	add := func(k check, why string) {
		if why != "" {
			k.rest = &rest{words: why}
		}
		out = append(out, k)
	}
	g, says := r.Guards, config.Says(r.Then.Action)
	if g.Hours != "" {
		add(yes(flagOpen, g.Hours == "open"), "it holds only while we are "+g.Hours)
	}
	if n := g.NotIfNegativeAbove; n != nil {
		add(check{op: opSentimentMin, num: -*n}, "")
	}
	most, limited := config.SeverityOf(g.NotIfSeverityAbove)
	if !limited && says {
		most, limited = care.SeverityMedium, true
	}
	if limited {
		add(check{op: opSeverityMax, level: int32(most)}, "")
	}
	if most, ok := config.SeverityOf(g.NotIfNegativeAboveSeverity); ok {
		add(check{op: opNegativeSeverity, level: int32(most)}, "")
	}
	personal := says
	if g.NotIfPersonalData != nil {
		personal = *g.NotIfPersonalData
	}
	if personal {
		add(yes(flagShown, false), "the post shows personal data in public")
	}
	if v := g.NotForKnownWithValueAbove; v != nil {
		add(check{op: opValueMax, num: *v}, "")
	}
	switch g.Account {
	case "automated":
		add(yes(flagAutomated, true), "it holds only for posts to an account of ours that is labelled automated")
	case "main":
		add(yes(flagAutomated, false), "it does not hold for posts to an account of ours that is labelled automated")
	}
	return out
}

// flagWords say what a post is not, or is, when a flag is not as it should be.
var flagWords = [...][2]string{ // wanted and missing; not wanted and there
	flagPrivate:   {"it is not private", "it is private"},
	flagQuestion:  {"it is not a question", "it is a question"},
	flagComplaint: {"it is not a complaint", "it is a complaint"},
	flagPraise:    {"it is not praise", "it is praise"},
	flagPersonal:  {"it is not a post with personal data", "it is a post with personal data"},
	flagOpen:      {"the hours are not open now", "the hours are not closed now"},
	flagKnown:     {"the author is not a known customer", "the author is a known customer"},
	flagFirst:     {"it is not the author's first post to us", "it is the author's first post to us"},
	flagVerified:  {"the author's account is not verified by the platform", "the author's account is verified by the platform"},
	flagStorm:     {"not many write about the same right now", "many write about the same right now"},
	flagAutomated: {"our account is not labelled automated", "our account is labelled automated"},
	flagShown:     {"it shows no personal data in public", "it shows personal data in public"},
}

// why says in words why a check does not hold; nothing of the author's is in it.
func (f *facts) why(c *check) string {
	if c.rest != nil && c.rest.words != "" {
		return c.rest.words
	}
	t, m := &f.in.Triage, &f.in.Match
	switch c.op {
	case opIn:
		is := func(what, now string) string {
			if now == "" {
				now = "not known"
			}
			return what + " is " + now + ", " + notOneOf(c.rest.list)
		}
		switch c.name {
		case nameIntent:
			return is("the intent", t.Intent)
		case namePlatform:
			return is("the platform", string(f.in.Post.Platform))
		case nameKind:
			return is("the kind of post", string(f.in.Post.Kind))
		case nameLanguage:
			return is("the language", t.Lang)
		case nameRelevance:
			return is("the relevance", string(t.Relevance))
		case nameTier:
			if !m.Known {
				return "the author is not a known customer, so no tier is known"
			}
			return "the customer's tier is " + notOneOf(c.rest.list)
		case nameGrade:
			return "the match with a customer is " + notOneOf(c.rest.list)
		}
	case opHasAny:
		what := map[name]string{nameProduct: "product", nameUnit: "unit"}[c.name]
		if len(c.rest.list) == 1 {
			return "it does not name the " + what + " " + c.rest.list[0]
		}
		return "it names no " + what + " of " + few(c.rest.list)
	case opFlag:
		i := 0
		if !c.want {
			i = 1
		}
		return flagWords[c.flag][i]
	case opKeywords:
		return "it holds none of the keywords"
	case opScoreMin:
		return fmt.Sprintf("the intent is not sure enough (%.2f of %.2f)", t.IntentScore, c.num)
	case opSentimentMin:
		return fmt.Sprintf("the tone is too negative (%.2f, at least %.2f)", t.Sentiment, c.num)
	case opSentimentMax:
		return fmt.Sprintf("the tone is too positive (%.2f, at most %.2f)", t.Sentiment, c.num)
	case opSeverityMin:
		return fmt.Sprintf("the severity is %s, below %s", t.Severity, care.Severity(c.level))
	case opSeverityMax:
		return fmt.Sprintf("the severity is %s, above %s", t.Severity, care.Severity(c.level))
	case opNegativeSeverity:
		return fmt.Sprintf("the tone is negative and the severity is %s, above %s", t.Severity, care.Severity(c.level))
	case opValueMin:
		return fmt.Sprintf("the customer's value is not known to be %.0f or more", c.num)
	case opValueMax:
		return fmt.Sprintf("customers worth more than %.0f a year get a person", c.num)
	case opAttributes:
		return "the customer's attributes are others"
	case opFollowersMin, opFollowersMax:
		n := f.in.Post.Author.Followers
		switch {
		case n == nil:
			return "the platform does not tell how many followers the author has"
		case c.op == opFollowersMin:
			return fmt.Sprintf("the author has %d followers, fewer than %.0f", *n, c.num)
		}
		return fmt.Sprintf("the author has %d followers, more than %.0f", *n, c.num)
	case opInfluenceMin:
		return fmt.Sprintf("the author's influence is %.2f, below %.2f", t.Influence, c.num)
	case opTime:
		return fmt.Sprintf("the time of day is %02d:%02d, outside %s", f.minute/60, f.minute%60, c.rest.list[0])
	case opDays:
		return "the day is " + weekdays[f.weekday] + ", " + notOneOf(c.rest.list)
	case opAny:
		var each []string
		for _, sub := range c.rest.subs {
			each = append(each, list(f.fails(sub), true))
		}
		if n := len(each); n > 3 {
			each = append(each[:2], fmt.Sprintf("%d more do not hold either", n-2))
		}
		return "none of its alternatives holds (" + strings.Join(each, "; or ") + ")"
	case opNot:
		return "what it excludes is the case (" + few(asksAbout(c.rest.not)) + ")"
	}
	return "a condition does not hold"
}

// notOneOf words a list that something is not in.
func notOneOf(list []string) string {
	if len(list) == 1 {
		return "not " + list[0]
	}
	return "not one of " + few(list)
}

// few is a list in words, cut to what a person reads.
func few(list []string) string {
	const most = 4
	if len(list) > most {
		return strings.Join(list[:most-1], ", ") + fmt.Sprintf(" and %d more", len(list)-most+1)
	}
	return strings.Join(list, ", ")
}
