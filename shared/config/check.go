package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fielder-care/fielder/shared/care"
)

// Limits keep a bundle within what AppConfig delivers and a function reads in
// milliseconds.
const (
	MaxRules     = 500
	MaxTemplates = 500
	MaxIntents   = 300
	MaxTests     = 2000
	MaxWords     = 500   // members of any one list of names or words
	MaxVariants  = 20    // per text
	MaxText      = 10000 // characters of one template text: the longest that any platform takes
	MaxWord      = 200   // characters of one name, word or example
	MaxPattern   = 500   // characters of one regular expression
	MaxNesting   = 5     // all, any, not inside each other
	MaxCoolOff   = 30 * Day
	MaxDelay     = Day // an answer that comes later answers nobody
	MaxTeams     = 50
	MaxReason    = 1000 // characters of a rule's reason
	MaxLanguages = 50
	MaxBudget    = 100_000 // US dollars per platform and day
	MaxPerDay    = 100_000 // answers of one rule
	// MinStorm posts at least make a storm, within MinStormWithin to MaxStormWithin:
	// the store counts by the minute.
	MinStorm       = 2
	MaxStorm       = 1_000_000
	MinStormWithin = time.Minute
	MaxStormWithin = time.Hour
	// DefaultApproveWithin and MaxApproveWithin bound how long a draft waits.
	DefaultApproveWithin = 4 * time.Hour
	MinApproveWithin     = time.Minute
	MaxApproveWithin     = 7 * Day
)

// problem is a mistake at a path of the decoded values.
type problem struct {
	file, path, message string
	// missing: it is about something that is not there.
	missing bool
}

type checker struct {
	b      *Bundle
	broken map[string]bool
	// has is true when a file says something at a path, be it only 0: what is 0 in
	// the bundle may be missing or a mistake.
	has      func(file, path string) bool
	problems []problem
	file     string

	intents, queues, templates, rules, products, units []string

	people map[string]bool // the intents that are for people only
	// acknowledging maps a template to the first rule that acknowledges with it.
	acknowledging map[string]string
}

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, problem{c.file, path, fmt.Sprintf(format, args...), false})
}

// missing reports what is not there but must be.
func (c *checker) missing(path, format string, args ...any) {
	c.problems = append(c.problems, problem{c.file, path, fmt.Sprintf(format, args...), true})
}

func (c *checker) written(path string) bool { return c.has(c.file, path) }

// check holds a bundle against every rule that one file or the files together
// must obey. Names that a broken file would define are not checked.
func check(b *Bundle, broken map[string]bool, has func(file, path string) bool) []problem {
	c := &checker{b: b, broken: broken, has: has, people: map[string]bool{}, acknowledging: map[string]string{}}
	for _, i := range b.Brand.Intents {
		c.intents = append(c.intents, i.Name)
		c.people[i.Name] = i.People
	}
	for _, p := range b.Brand.Products {
		c.products = append(c.products, p.Name)
	}
	for _, u := range b.Brand.Units {
		c.units = append(c.units, u.Name)
	}
	for _, q := range b.Routing.Queues {
		c.queues = append(c.queues, q.Name)
	}
	for _, r := range b.Rules {
		c.rules = append(c.rules, r.Name)
		if t := r.Then.Template; r.Then.Action == care.ActionAcknowledge && c.acknowledging[t] == "" {
			c.acknowledging[t] = r.Name
		}
	}
	c.templates = slices.Sorted(maps.Keys(b.Templates))
	for _, part := range []struct {
		file  string
		check func()
	}{
		{"brand.yaml", c.brand}, {"rules.yaml", c.rulesFile}, {"templates.yaml", c.templatesFile},
		{"hours.yaml", c.hours}, {"routing.yaml", c.routing}, {"followup.yaml", c.followup},
	} {
		if c.file = part.file; !broken[part.file] {
			part.check()
		}
	}
	c.tests()
	return c.problems
}

// maxSuggestions bounds the search for what was meant: it takes time, and only
// the first maxErrors mistakes are shown.
const maxSuggestions = 2 * maxErrors

// known reports a name that is not one of a set.
func (c *checker) known(path, what, name string, set []string) {
	switch {
	case name == "":
		c.missing(path, "the %s is missing", what)
	case slices.Contains(set, name):
	case len(c.problems) < maxSuggestions:
		c.fail(path, "unknown %s %s%s", what, quote(name), suggestion(name, set))
	default:
		c.fail(path, "unknown %s %s", what, quote(name))
	}
}

// brandName reports a product or unit that brand.yaml does not name so.
func (c *checker) brandName(path, what, name string, names []string, aliases func(i int) []string) {
	if c.broken["brand.yaml"] || slices.Contains(names, name) {
		return
	}
	if len(c.problems) < maxSuggestions {
		for i, known := range names {
			if slices.ContainsFunc(append([]string{known}, aliases(i)...), func(a string) bool { return strings.EqualFold(a, name) }) {
				c.fail(path, "unknown %s %s, did you mean %q? Rules call it by its name in brand.yaml", what, quote(name), known)
				return
			}
		}
	}
	c.known(path, what+" (of brand.yaml)", name, names)
}

func (c *checker) productsAndUnits(path string, products, units []string) {
	for i, name := range products[:c.most(path+".products", len(products), MaxWords)] {
		c.brandName(item(path+".products", i), "product", name, c.products, func(i int) []string { return c.b.Brand.Products[i].Aliases })
	}
	for i, name := range units[:c.most(path+".units", len(units), MaxWords)] {
		c.brandName(item(path+".units", i), "unit", name, c.units, func(i int) []string { return c.b.Brand.Units[i].Aliases })
	}
}

func (c *checker) knownIn(file, path, what, name string, set []string) {
	if !c.broken[file] {
		c.known(path, what, name, set)
	}
}

func each[T ~string](c *checker, path, what string, names []T, set []string) {
	for i, name := range names[:c.most(path, len(names), MaxWords)] {
		c.known(item(path, i), what, string(name), set)
	}
}

func (c *checker) eachIn(file, path, what string, names, set []string) {
	if !c.broken[file] {
		each(c, path, what, names, set)
	}
}

// most reports more than most entries, and gives how many to look at.
func (c *checker) most(path string, n, most int) int {
	if n > most {
		c.fail(path, "%d entries are more than the limit of %d", n, most)
	}
	return min(n, most)
}

// words checks a list of free words.
func (c *checker) words(path string, words []string) {
	for i, w := range words[:c.most(path, len(words), MaxWords)] {
		c.word(item(path, i), w)
	}
}

func (c *checker) word(path, w string) {
	switch {
	case strings.TrimSpace(w) == "":
		c.fail(path, "an empty text stands here")
	case len([]rune(w)) > MaxWord:
		c.fail(path, "the text is longer than %d characters", MaxWord)
	case control(w):
		c.fail(path, "the text holds an invisible control character")
	}
}

// control finds characters that stand for nothing that can be read.
func control(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) >= 0
}

// name checks a new name: lower case, digits and hyphens, once in its list.
func (c *checker) name(path, what, name string, all []string, index int) {
	switch {
	case name == "":
		c.missing(path, "a %s needs a name", what)
	case !isName(name):
		c.fail(path+".name", "%s is no name for a %s: use lower-case letters, digits and hyphens", quote(name), what)
	case slices.Index(all, name) < index:
		c.fail(path+".name", "there is already a %s named %s", what, quote(name))
	}
}

func isName(s string) bool {
	for i, r := range s {
		if !(r >= 'a' && r <= 'z' || i > 0 && (r >= '0' && r <= '9' || r == '-')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

var (
	platformNames  = stringsOf(care.Platforms())
	kindNames      = stringsOf([]care.Kind{care.KindMention, care.KindReply, care.KindQuote, care.KindRepost, care.KindComment, care.KindPost, care.KindDirect, care.KindStoryReply, care.KindStoryMention})
	relevanceNames = stringsOf([]care.Relevance{care.RelevanceAddressed, care.RelevanceAbout, care.RelevanceCompetitor, care.RelevanceChatter})
	gradeNames     = stringsOf([]care.Grade{care.GradeSuggested, care.GradeProbable, care.GradeVerified, care.GradeAsserted})
	// actionNames are what a rule may do, plannedNames what comes of it, elseNames
	// what is done when the door refuses.
	actionNames   = stringsOf([]care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, ActionMove, care.ActionEscalate, care.ActionWatch, ActionTag})
	plannedNames  = stringsOf([]care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, care.ActionEscalate, care.ActionWatch})
	elseNames     = stringsOf([]care.Action{care.ActionEscalate, care.ActionWatch})
	severityNames = []string{"none", "low", "medium", "high", "critical"}
	hoursNames    = []string{"open", "closed"}
	dayNames      = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	accountNames  = []string{AccountAutomated, AccountMain}
	personalNames = []string{"email", "phone", "card", "iban", "order", "address"}
)

func stringsOf[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

// SeverityOf reads a severity's name.
func SeverityOf(name string) (care.Severity, bool) {
	i := slices.Index(severityNames, name)
	return care.Severity(max(0, i)), i >= 0
}

func (c *checker) brand() {
	b := c.b.Brand
	if strings.TrimSpace(b.Name) == "" {
		c.missing("name", "the brand needs a name")
	}
	if len(b.Languages) == 0 {
		c.missing("languages", "the brand needs at least one language")
	}
	for i, l := range b.Languages[:c.most("languages", len(b.Languages), MaxLanguages)] {
		if !isLanguage(l) {
			c.fail(item("languages", i), "%s is no language: write two or three small letters, such as en", quote(l))
		}
		if slices.Index(b.Languages, l) < i {
			c.fail(item("languages", i), "%s is here twice", quote(l))
		}
	}
	c.words("aliases", b.Aliases)
	c.words("context", b.Context)
	c.words("namesakes", b.Namesakes)
	for i, a := range b.Accounts[:c.most("accounts", len(b.Accounts), MaxWords)] {
		p := item("accounts", i)
		c.known(p+".platform", "platform", string(a.Platform), platformNames)
		if a.ID == "" {
			c.missing(p, "an account needs its id on the platform")
		}
		for _, other := range b.Accounts[:i] {
			if a.Platform == other.Platform && a.ID == other.ID {
				c.fail(p+".id", "this account is here twice")
			}
		}
		if a.Tier != "" {
			c.known(p+".tier", "tier", a.Tier, []string{"self-serve", "enterprise"})
		}
		if a.Platform == care.X && a.Tier == "" {
			c.missing(p, "an X account needs its tier, self-serve or enterprise: what it may answer depends on it")
		}
	}
	named := func(path, what, name string, aliases []string, earlier []string) {
		if strings.TrimSpace(name) == "" {
			c.missing(path, "a name is missing")
		} else if c.word(path+".name", name); slices.Contains(earlier, name) {
			c.fail(path+".name", "there is already a %s named %s", what, quote(name))
		}
		c.words(path+".aliases", aliases)
	}
	for i, x := range b.Products[:c.most("products", len(b.Products), MaxWords)] {
		named(item("products", i), "product", x.Name, x.Aliases, c.products[:i])
	}
	for i, x := range b.Competitors[:c.most("competitors", len(b.Competitors), MaxWords)] {
		named(item("competitors", i), "competitor", x.Name, x.Aliases, nil)
		c.words(item("competitors", i)+".handles", x.Handles)
	}
	for i, x := range b.Units[:c.most("units", len(b.Units), MaxWords)] {
		named(item("units", i), "unit", x.Name, x.Aliases, c.units[:i])
	}
	for i, p := range b.OrderNumbers[:c.most("orderNumbers", len(b.OrderNumbers), 20)] {
		c.pattern(item("orderNumbers", i), p)
	}
	for i, x := range b.Intents[:c.most("intents", len(b.Intents), MaxIntents)] {
		p := item("intents", i)
		c.name(p, "intent", x.Name, c.intents, i)
		c.known(p+".severity", "severity", x.Severity, severityNames)
		if len(x.Examples) == 0 {
			c.missing(p, "intent %s needs examples", quote(x.Name))
		}
		for _, lang := range slices.Sorted(maps.Keys(x.Examples)) {
			c.known(p+".examples."+lang+"#key", "language", lang, b.Languages)
			c.words(p+".examples."+lang, x.Examples[lang])
		}
	}
	for i, x := range b.Blocked[:c.most("blocked", len(b.Blocked), 5000)] {
		p := item("blocked", i)
		c.known(p+".platform", "platform", string(x.Platform), platformNames)
		if x.ID == "" {
			c.missing(p, "a blocked author needs the id on the platform")
		}
	}
}

func isLanguage(s string) bool {
	if len(s) < 2 || len(s) > 3 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

func (c *checker) pattern(path, p string) {
	if len(p) > MaxPattern {
		c.fail(path, "the pattern is longer than %d characters", MaxPattern)
		return
	}
	re, err := regexp.Compile(p)
	if err != nil {
		c.fail(path, "not a regular expression (RE2): %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	if re.MatchString("") {
		c.fail(path, "the pattern matches nothing at all, so it would be found everywhere")
	}
}

func (c *checker) rulesFile() {
	b := c.b
	c.wordsByLanguage("people.words", b.People.Words)
	c.wordsByLanguage("optOut.words", b.OptOut.Words)
	each(c, "stop.platforms", "platform", b.Stop.Platforms, platformNames)
	c.short("stop.reason", b.Stop.Reason)
	for _, platform := range slices.Sorted(maps.Keys(b.Budgets)) {
		p := "budgets." + string(platform)
		c.known(p+"#key", "platform", string(platform), platformNames)
		if d := b.Budgets[platform]; !(d > 0) {
			c.fail(p, "a budget must be above 0 dollars; to say nothing on a platform, use stop: {platforms: [...]}")
		} else if d > MaxBudget {
			c.fail(p, "a budget must be at most %d dollars a day", MaxBudget)
		}
	}
	if b.Storm != (Storm{}) || c.written("storm") {
		if n := b.Storm.Posts; n == 0 && !c.written("storm.posts") {
			c.missing("storm", "how many posts are a storm? Write posts: 20")
		} else if n < MinStorm || n > MaxStorm {
			c.fail("storm.posts", "must be between %d and %d", MinStorm, MaxStorm)
		}
		if d := time.Duration(b.Storm.Within); d == 0 && !c.written("storm.within") {
			c.missing("storm", "within what time are they a storm? Write within: 10m")
		} else if d < MinStormWithin || d > MaxStormWithin {
			c.fail("storm.within", "must be between %s and %s", Duration(MinStormWithin), Duration(MaxStormWithin))
		}
	}
	for i, r := range b.Rules[:c.most("rules", len(b.Rules), MaxRules)] {
		c.rule(item("rules", i), i, r)
	}
}

func (c *checker) wordsByLanguage(path string, words map[string][]string) {
	for _, lang := range slices.Sorted(maps.Keys(words)) {
		c.knownIn("brand.yaml", path+"."+lang+"#key", "language", lang, c.b.Brand.Languages)
		c.words(path+"."+lang, words[lang])
	}
}

// short checks an explanation for people.
func (c *checker) short(path, s string) {
	if len([]rune(s)) > MaxReason {
		c.fail(path, "the text is longer than %d characters", MaxReason)
	} else if control(s) {
		c.fail(path, "the text holds an invisible control character")
	}
}

// takes says which actions take a key of then or guards; nil: every one.
var takes = []struct {
	key string
	set func(r Rule) bool
	by  []care.Action
}{
	{"then.template", func(r Rule) bool { return r.Then.Template != "" }, []care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, ActionMove}},
	{"then.private", func(r Rule) bool { return r.Then.Private }, []care.Action{care.ActionAnswer, care.ActionDraft}},
	{"then.queue", func(r Rule) bool { return r.Then.Queue != "" }, []care.Action{care.ActionEscalate, care.ActionDraft, care.ActionAcknowledge}},
	{"then.approveWithin", func(r Rule) bool { return r.Then.ApproveWithin != 0 }, []care.Action{care.ActionDraft}},
	// Who is acknowledged waits for a person already: the post reaches people only
	// when the text goes out.
	{"guards.delay", func(r Rule) bool { return r.Guards.Delay != 0 }, []care.Action{care.ActionAnswer, ActionMove}},
	{"guards.oncePerConversation", func(r Rule) bool { return r.Guards.OncePerConversation }, []care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, ActionMove}},
	{"guards.maxPerCustomerPerDay", func(r Rule) bool { return r.Guards.MaxPerCustomerPerDay != 0 }, []care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, ActionMove}},
	{"guards.maxPerDay", func(r Rule) bool { return r.Guards.MaxPerDay != 0 }, []care.Action{care.ActionAnswer, care.ActionDraft, care.ActionAcknowledge, ActionMove}},
}

func (c *checker) rule(p string, i int, r Rule) {
	c.name(p, "rule", r.Name, c.rules, i)
	if strings.TrimSpace(r.Owner) == "" {
		c.missing(p+".owner", "rule %s needs an owner: the team or role to ask about it", quote(r.Name))
	} else {
		c.word(p+".owner", r.Owner)
	}
	if strings.TrimSpace(r.Reason) == "" {
		c.missing(p+".reason", "rule %s needs a reason: a sentence that says why it is there", quote(r.Name))
	} else {
		c.short(p+".reason", r.Reason)
	}
	if r.Starts != "" {
		c.date(p+".starts", r.Starts)
	}
	if r.Expires != "" {
		c.date(p+".expires", r.Expires)
	}
	if isDate(r.Starts) && isDate(r.Expires) && r.Expires < r.Starts {
		c.fail(p+".expires", "the rule expires on %s, before it starts on %s", r.Expires, r.Starts)
	}
	a := r.Then.Action
	if c.known(p+".then.action", "action", string(a), actionNames); slices.Contains(actionNames, string(a)) {
		c.actionKeys(p, r)
	}
	answers := Says(a)
	c.most(p+".then.tags", len(r.Then.Tags), 20)
	for j, tag := range r.Then.Tags {
		if !isName(tag) {
			c.fail(item(p+".then.tags", j), "%s is no tag: use lower-case letters, digits and hyphens", quote(tag))
		}
	}
	c.condition(p+".when", r.When, 0, answers)
	c.guards(p+".guards", r, answers)
}

// actionKeys checks that a rule has what its action needs, and nothing that it
// would ignore.
func (c *checker) actionKeys(p string, r Rule) {
	a := r.Then.Action
	for _, t := range takes {
		if t.set(r) && !slices.Contains(t.by, a) {
			_, key, _ := strings.Cut(t.key, ".")
			c.fail(p+"."+t.key, "a rule with action %s has no %s; that is for %s", a, key, strings.Join(stringsOf(t.by), ", "))
		}
	}
	switch {
	case Says(a):
		c.knownIn("templates.yaml", p+".then.template", "template", r.Then.Template, c.templates)
		if r.When.isEmpty() {
			c.missing(p+".when", "a rule that answers needs at least one condition; this one would answer everybody")
		}
	case a == ActionTag && len(r.Then.Tags) == 0:
		c.missing(p+".then.tags", "a rule with action tag needs tags")
	}
	if r.Then.Queue != "" {
		c.knownIn("routing.yaml", p+".then.queue", "queue", r.Then.Queue, c.queues)
	}
	if d := time.Duration(r.Then.ApproveWithin); a == care.ActionDraft && (d != 0 || c.written(p+".then.approveWithin")) && (d < MinApproveWithin || d > MaxApproveWithin) {
		c.fail(p+".then.approveWithin", "must be between %s and %s", Duration(MinApproveWithin), Duration(MaxApproveWithin))
	}
}

// What Guards.Account may say.
const (
	AccountAutomated = "automated"
	AccountMain      = "main"
)

func (c *checker) guards(g string, r Rule, answers bool) {
	x := r.Guards
	if x.Hours != "" {
		c.known(g+".hours", "opening state", x.Hours, hoursNames)
	}
	if n := x.NotIfNegativeAbove; n != nil && !(*n >= 0 && *n <= 1) {
		c.fail(g+".notIfNegativeAbove", "must be between 0 and 1")
	}
	if s := x.NotIfSeverityAbove; s != "" {
		c.known(g+".notIfSeverityAbove", "severity", s, severityNames)
		if answers && s == "critical" {
			c.fail(g+".notIfSeverityAbove", "a critical matter is never answered automatically; the highest value here is high")
		}
	}
	if s := x.NotIfNegativeAboveSeverity; s != "" {
		c.known(g+".notIfNegativeAboveSeverity", "severity", s, severityNames)
		if s == "critical" {
			c.fail(g+".notIfNegativeAboveSeverity", "nothing is graver than critical, so this never holds back; the highest value here is high")
		}
	}
	if v := x.NotForKnownWithValueAbove; v != nil && !(*v >= 0) {
		c.fail(g+".notForKnownWithValueAbove", "must not be negative")
	}
	if x.Account != "" {
		c.account(g+".account", r)
	}
	if d := time.Duration(x.Delay); d < 0 || d > MaxDelay {
		c.fail(g+".delay", "must be at most %s: an answer that comes later answers nobody", Duration(MaxDelay))
	}
	c.limit(g+".maxPerCustomerPerDay", x.MaxPerCustomerPerDay, 100)
	c.limit(g+".maxPerDay", x.MaxPerDay, MaxPerDay)
}

// limit checks a cap, where 0 is none, which nobody writes who means it.
func (c *checker) limit(path string, n, most int) {
	if n < 0 || n > most || n == 0 && c.written(path) {
		c.fail(path, "must be between 1 and %d; leave it out for no limit, and write enabled: false to stop the rule", most)
	}
}

// account checks that a rule for one kind of account can meet one.
func (c *checker) account(path string, r Rule) {
	want := r.Guards.Account
	c.known(path, "kind of account", want, accountNames)
	if c.broken["brand.yaml"] || !slices.Contains(accountNames, want) {
		return
	}
	for _, a := range c.b.Brand.Accounts {
		if a.Automated == (want == AccountAutomated) && (len(r.When.Platforms) == 0 || slices.Contains(r.When.Platforms, a.Platform)) {
			return
		}
	}
	where := "any platform"
	if len(r.When.Platforms) > 0 {
		where = strings.Join(stringsOf(r.When.Platforms), ", ")
	}
	kind := "labelled automated"
	if want == AccountMain {
		kind = "not labelled automated"
	}
	c.fail(path, "no account of ours on %s is %s (brand.yaml), so this rule never fires", quote(where), kind)
}

// isEmpty is true when nothing restricts the condition.
func (w Condition) isEmpty() bool {
	return len(w.Intents) == 0 && w.MinIntentScore == 0 && w.Sentiment == nil && w.Severity == nil &&
		len(w.Platforms) == 0 && len(w.Kinds) == 0 && w.Private == nil && len(w.Languages) == 0 &&
		len(w.Keywords) == 0 && len(w.Relevance) == 0 && w.Question == nil && w.Complaint == nil &&
		w.Praise == nil && w.PersonalData == nil && w.Hours == "" && w.Customer == nil &&
		w.FirstContact == nil && len(w.Products) == 0 && len(w.Units) == 0 && w.Author == nil &&
		w.Time == "" && len(w.Days) == 0 && w.Storm == nil &&
		len(w.All) == 0 && len(w.Any) == 0 && w.Not == nil
}

func (c *checker) condition(p string, w Condition, depth int, answers bool) {
	if depth > MaxNesting {
		c.fail(p, "conditions are nested more than %d deep", MaxNesting)
		return
	}
	c.eachIn("brand.yaml", p+".intents", "intent", w.Intents, c.intents)
	if answers && !c.broken["brand.yaml"] {
		for i, name := range w.Intents {
			if c.people[name] {
				c.fail(item(p+".intents", i), "intent %s is for people only (brand.yaml); no rule may answer it", quote(name))
			}
		}
	}
	for _, list := range []struct {
		key string
		n   int
	}{{"intents", len(w.Intents)}, {"platforms", len(w.Platforms)}, {"kinds", len(w.Kinds)}, {"languages", len(w.Languages)}, {"keywords", len(w.Keywords)},
		{"relevance", len(w.Relevance)}, {"products", len(w.Products)}, {"units", len(w.Units)}, {"days", len(w.Days)}, {"all", len(w.All)}, {"any", len(w.Any)}} {
		if list.n == 0 && c.written(p+"."+list.key) {
			c.missing(p+"."+list.key, "the list is empty; name at least one, or leave %s out if it does not matter", list.key)
		}
	}
	if !(w.MinIntentScore >= 0 && w.MinIntentScore <= 1) {
		c.fail(p+".minIntentScore", "must be between 0 and 1")
	}
	if r := w.Sentiment; r != nil {
		for _, end := range []struct {
			key string
			v   *float64
		}{{"min", r.Min}, {"max", r.Max}} {
			if end.v != nil && !(*end.v >= -1 && *end.v <= 1) {
				c.fail(p+".sentiment."+end.key, "must be between -1 (very negative) and 1 (very positive)")
			}
		}
		if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
			c.fail(p+".sentiment", "min is above max, so this never holds")
		}
		if r.Min == nil && r.Max == nil {
			c.missing(p+".sentiment", "min or max is needed")
		}
	}
	if r := w.Severity; r != nil {
		if r.Min == "" && r.Max == "" {
			c.missing(p+".severity", "min or max is needed")
		}
		if r.Min != "" {
			c.known(p+".severity.min", "severity", r.Min, severityNames)
		}
		if r.Max != "" {
			c.known(p+".severity.max", "severity", r.Max, severityNames)
		}
		lo, okLo := SeverityOf(r.Min)
		hi, okHi := SeverityOf(r.Max)
		if okLo && okHi && lo > hi {
			c.fail(p+".severity", "min is above max, so this never holds")
		}
	}
	each(c, p+".platforms", "platform", w.Platforms, platformNames)
	each(c, p+".kinds", "kind of post", w.Kinds, kindNames)
	c.eachIn("brand.yaml", p+".languages", "language", w.Languages, c.b.Brand.Languages)
	c.words(p+".keywords", w.Keywords)
	for i, k := range w.Keywords {
		if strings.TrimSpace(k) != "" && strings.IndexFunc(k, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
			c.fail(item(p+".keywords", i), "a keyword needs a letter or a digit")
		}
	}
	each(c, p+".relevance", "relevance", w.Relevance, relevanceNames)
	if w.Hours != "" {
		c.known(p+".hours", "opening state", w.Hours, hoursNames)
	}
	if k := w.Customer; k != nil {
		each(c, p+".customer.grades", "grade", k.Grades, gradeNames)
		c.words(p+".customer.tiers", k.Tiers)
		c.attributes(p+".customer.attributes", k.Attributes)
		if k.MinValue != nil && *k.MinValue < 0 {
			c.fail(p+".customer.minValue", "must not be negative")
		}
		if k.Known == nil && len(k.Tiers) == 0 && k.MinValue == nil && len(k.Grades) == 0 && len(k.Attributes) == 0 {
			c.missing(p+".customer", "a condition is missing: known, tiers, minValue, grades or attributes")
		}
	}
	c.productsAndUnits(p, w.Products, w.Units)
	if a := w.Author; a != nil {
		c.author(p+".author", *a)
	}
	if w.Time != "" {
		if _, err := ParseSpan(w.Time, true); err != nil {
			c.fail(p+".time", "%v", err)
		}
	}
	each(c, p+".days", "day", w.Days, dayNames)
	if w.Storm != nil && c.b.Storm == (Storm{}) && !c.written("storm") {
		c.fail(p+".storm", "what a storm is must be said at the top of rules.yaml, such as storm: {posts: 20, within: 10m}")
	}
	for _, list := range []struct {
		key string
		of  []Condition
	}{{"all", w.All}, {"any", w.Any}} {
		for i, sub := range list.of[:c.most(p+"."+list.key, len(list.of), 50)] {
			q := item(p+"."+list.key, i)
			if sub.isEmpty() {
				c.missing(q, "the condition is empty")
			}
			c.condition(q, sub, depth+1, answers)
		}
	}
	if w.Not != nil {
		if w.Not.isEmpty() {
			c.missing(p+".not", "the condition is empty")
		}
		// Excluding an intent that is for people only is fine.
		c.condition(p+".not", *w.Not, depth+1, false)
	}
}

func (c *checker) attributes(path string, attributes map[string]string) {
	c.most(path, len(attributes), 20)
	for name, value := range attributes {
		if len([]rune(name)) > MaxWord || len([]rune(value)) > MaxWord {
			c.fail(path, "the name or value of an attribute is longer than %d characters", MaxWord)
			return
		}
	}
}

func (c *checker) author(p string, a AuthorCondition) {
	if a == (AuthorCondition{}) {
		c.missing(p, "a condition is missing: minFollowers, maxFollowers, verified or minInfluence")
	}
	for _, end := range []struct {
		key string
		n   *int
	}{{"minFollowers", a.MinFollowers}, {"maxFollowers", a.MaxFollowers}} {
		if end.n != nil && *end.n < 0 {
			c.fail(p+"."+end.key, "must not be negative")
		}
	}
	if a.MinFollowers != nil && a.MaxFollowers != nil && *a.MinFollowers > *a.MaxFollowers {
		c.fail(p+".minFollowers", "minFollowers is above maxFollowers, so this never holds")
	}
	if f := a.MinInfluence; f != nil && !(*f >= 0 && *f <= 1) {
		c.fail(p+".minInfluence", "must be between 0 and 1")
	}
}

// tests checks the golden examples of all files, whose names must differ.
func (c *checker) tests() {
	paths, first := c.b.TestPaths(), map[string]string{}
	for i, t := range c.b.Tests {
		if c.file = t.File; !slices.Contains(files, t.File) {
			c.file = "rules.yaml"
			c.fail(paths[i], "test %s belongs to no file; allowed: %s", quote(t.Name), strings.Join(files, ", "))
		}
		if i == MaxTests {
			c.fail("tests", "%d tests in all files are more than the limit of %d", len(c.b.Tests), MaxTests)
			return
		}
		if strings.TrimSpace(t.Name) == "" {
			c.missing(paths[i], "a test needs a name")
		} else if file, twice := first[t.Name]; twice {
			c.fail(paths[i]+".name", "there is already a test named %s, in %s", quote(t.Name), file)
		} else {
			first[t.Name] = t.File
			c.word(paths[i]+".name", t.Name)
		}
		c.given(paths[i]+".given", t.Given)
		c.expected(paths[i], t.Name, t.Expect)
	}
}

// TestPaths are the places of Tests in their files, such as tests[3].
func (b *Bundle) TestPaths() []string {
	paths, n := make([]string, len(b.Tests)), map[string]int{}
	for i, t := range b.Tests {
		paths[i] = item("tests", n[t.File])
		n[t.File]++
	}
	return paths
}

func (c *checker) given(g string, t Given) {
	c.known(g+".platform", "platform", string(t.Platform), platformNames)
	if t.Kind != "" {
		c.known(g+".kind", "kind of post", string(t.Kind), kindNames)
	}
	if len(t.Text) > care.MaxTextBytes {
		c.fail(g+".text", "the text is longer than %d bytes", care.MaxTextBytes)
	}
	if !isTestTime(t.At) {
		c.missing(g+".at", "the time of the post is needed, in the brand's time zone, such as \"2026-11-24 11:00\"")
	}
	if t.Account != "" && !c.broken["brand.yaml"] {
		var handles []string
		for _, a := range c.b.Brand.Accounts {
			if a.Platform == t.Platform && a.Handle != "" {
				handles = append(handles, a.Handle)
			}
		}
		c.known(g+".account", "account of ours on "+string(t.Platform), t.Account, handles)
	}
	if n := t.Followers; n != nil && *n < 0 {
		c.fail(g+".followers", "must not be negative")
	}
	if k := t.Customer; k != nil {
		if k.Grade != "" {
			c.known(g+".customer.grade", "grade", string(k.Grade), gradeNames)
		}
		if !(k.Value >= 0) {
			c.fail(g+".customer.value", "must not be negative")
		}
		c.attributes(g+".customer.attributes", k.Attributes)
	}
	a := t.Assume
	if a == nil {
		return
	}
	if a.Relevance != "" {
		c.known(g+".assume.relevance", "relevance", string(a.Relevance), relevanceNames)
	}
	if a.Intent != "" {
		c.knownIn("brand.yaml", g+".assume.intent", "intent", a.Intent, c.intents)
	}
	if a.Severity != "" {
		c.known(g+".assume.severity", "severity", a.Severity, severityNames)
	}
	if !(a.Sentiment >= -1 && a.Sentiment <= 1) {
		c.fail(g+".assume.sentiment", "must be between -1 and 1")
	}
	if !(a.IntentScore >= 0 && a.IntentScore <= 1) {
		c.fail(g+".assume.intentScore", "must be between 0 and 1")
	}
	if !(a.Influence >= 0 && a.Influence <= 1) {
		c.fail(g+".assume.influence", "must be between 0 and 1")
	}
	c.productsAndUnits(g+".assume", a.Products, a.Units)
	each(c, g+".assume.personalData", "kind of personal data", a.PersonalData, personalNames)
}

func (c *checker) expected(p, name string, x Expect) {
	e := p + ".expect"
	if reflect.ValueOf(x).IsZero() || len(x.Contains)+len(x.Lacks)+len(x.Tags) == 0 && reflect.DeepEqual(x, Expect{Contains: x.Contains, Lacks: x.Lacks, Tags: x.Tags}) {
		c.missing(p, "test %s expects nothing", quote(name))
	}
	if x.Relevance != "" {
		c.known(e+".relevance", "relevance", string(x.Relevance), relevanceNames)
	}
	if x.Intent != "" {
		c.knownIn("brand.yaml", e+".intent", "intent", x.Intent, c.intents)
	}
	if x.Severity != "" {
		c.known(e+".severity", "severity", x.Severity, severityNames)
	}
	if x.Action != "" {
		c.known(e+".action", "planned action", string(x.Action), plannedNames)
	}
	if x.Else != "" {
		c.known(e+".else", "action instead", string(x.Else), elseNames)
	}
	if x.Rule != "" {
		c.knownIn("rules.yaml", e+".rule", "rule", x.Rule, c.rules)
		if x.NoRule {
			c.fail(e+".noRule", "expects a rule and none at once")
		}
	}
	if x.Template != "" {
		c.knownIn("templates.yaml", e+".template", "template", x.Template, c.templates)
	}
	if x.Queue != "" {
		c.knownIn("routing.yaml", e+".queue", "queue", x.Queue, c.queues)
	}
	if x.Promise != "" && !isTestTime(x.Promise) {
		c.fail(e+".promise", "%s is no time: write it as \"2026-11-25 09:30\"", quote(x.Promise))
	}
	for _, list := range []struct {
		key string
		of  []string
	}{{"contains", x.Contains}, {"lacks", x.Lacks}} {
		for i, s := range list.of[:c.most(e+"."+list.key, len(list.of), MaxWords)] {
			if s == "" {
				c.fail(item(e+"."+list.key, i), "an empty text stands here")
			}
		}
	}
}

func isTestTime(s string) bool {
	_, err := time.Parse(TestTime, s)
	return err == nil
}

// TestTime is the form of Given.At and Expect.Promise.
const TestTime = "2006-01-02 15:04"

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func (c *checker) date(path, s string) {
	if !isDate(s) {
		c.fail(path, "%s is not a date: write it as 2026-12-31", quote(s))
	}
}

func (c *checker) templatesFile() {
	own := slices.Sorted(maps.Keys(c.b.Variables))
	own = own[:c.most("variables", len(own), 100)]
	for _, name := range own {
		p := "variables." + name
		switch {
		case !isName(name):
			c.fail(p+"#key", "%s is no name for a variable: use lower-case letters, digits and hyphens", quote(name))
		case slices.Contains(BuiltIn, name):
			c.fail(p+"#key", "%s is built in; choose another name", quote(name))
		}
		if strings.TrimSpace(c.b.Variables[name]) == "" || len(c.b.Variables[name]) > MaxText {
			c.fail(p, "a variable needs a text of at most %d bytes", MaxText)
		}
		if control(c.b.Variables[name]) {
			c.fail(p, "the text holds an invisible control character")
		}
		if strings.Contains(c.b.Variables[name], "{{") {
			c.fail(p, "a variable cannot hold another one")
		}
	}
	variables := append(own, BuiltIn...)
	for _, name := range c.templates[:c.most("templates", len(c.templates), MaxTemplates)] {
		t, p := c.b.Templates[name], "templates."+name
		if !isName(name) {
			c.fail(p+"#key", "%s is no name for a template: use lower-case letters, digits and hyphens", quote(name))
		}
		if len(t.Text) == 0 {
			c.missing(p, "template %s says nothing in any language", quote(name))
		}
		langs := slices.Sorted(maps.Keys(t.Text))
		if t.Fallback != "" {
			c.known(p+".fallback", "language", t.Fallback, langs)
		}
		for _, lang := range langs {
			q := p + ".text." + lang
			c.knownIn("brand.yaml", q+"#key", "language", lang, c.b.Brand.Languages)
			x := t.Text[lang]
			c.tone(q, lang, Tone{x.Variants, x.Short}, variables, c.acknowledging[name])
			for _, platform := range slices.Sorted(maps.Keys(x.Platforms)) {
				r := q + ".platforms." + string(platform)
				c.known(r+"#key", "platform", string(platform), platformNames)
				c.tone(r, lang, x.Platforms[platform], variables, c.acknowledging[name])
			}
		}
	}
}

// tone checks the texts of one language and tone; by names the rule that
// acknowledges with them, if one does.
func (c *checker) tone(p, lang string, t Tone, variables []string, by string) {
	if len(t.Variants) == 0 {
		c.missing(p, "at least one variant is needed")
	}
	anonymous := false
	for i, v := range t.Variants[:c.most(p+".variants", len(t.Variants), MaxVariants)] {
		anonymous = !c.text(item(p+".variants", i), lang, v, variables, by) || anonymous
	}
	if !anonymous && len(t.Variants) > 0 {
		c.fail(p+".variants", "every variant uses {{name}} or {{handle}}; one must do without, for authors whose name is not known")
	}
	if t.Short != "" && c.text(p+".short", lang, t.Short, variables, by) {
		c.fail(p+".short", "the short text must do without {{name}} and {{handle}}")
	}
}

// text checks one template text; true when it uses what may not be known of an
// author.
func (c *checker) text(p, lang, text string, variables []string, by string) (personal bool) {
	if strings.TrimSpace(text) == "" {
		c.fail(p, "an empty text stands here")
	}
	if len([]rune(text)) > MaxText {
		c.fail(p, "the text is longer than %d characters", MaxText)
	}
	if control(text) {
		c.fail(p, "the text holds an invisible control character")
	}
	names, err := Placeholders(text)
	if err != nil {
		c.fail(p, "%v", err)
	}
	for _, name := range names {
		c.known(p, "variable", name, variables)
		personal = personal || name == "name" || name == "handle"
		if slices.Contains(worded, name) && !slices.Contains(WordedLanguages, lang) {
			c.fail(p, "{{%s}} cannot be put into words in language %s; it can in %s", name, quote(lang), strings.Join(WordedLanguages, ", "))
		}
	}
	if by != "" && err == nil && !slices.Contains(names, "expect") {
		c.fail(p, "{{expect}} is missing: rule %s acknowledges with this text, which must say when an answer comes", quote(by))
	}
	return personal
}

func (c *checker) routing() {
	r := c.b.Routing
	sum := 0.0
	for _, w := range []struct {
		key string
		v   float64
	}{{"severity", r.Weights.Severity}, {"sentiment", r.Weights.Sentiment}, {"influence", r.Weights.Influence}, {"value", r.Weights.Value}, {"public", r.Weights.Public}, {"repeat", r.Weights.Repeat}} {
		if w.v < 0 {
			c.fail("weights."+w.key, "must not be negative")
		}
		sum += w.v
	}
	if sum <= 0 {
		c.missing("weights", "all weights are 0; nothing would have a priority")
	}
	if r.Weights.FullInfluence <= 0 {
		c.fail("weights.fullInfluence", "the follower count of full influence must be above 0")
	}
	if r.Weights.FullValue <= 0 {
		c.fail("weights.fullValue", "the yearly value of a fully valuable customer must be above 0")
	}
	if len(r.Queues) == 0 {
		c.missing("queues", "at least one queue is needed")
	}
	for i, q := range r.Queues[:c.most("queues", len(r.Queues), 100)] {
		p := item("queues", i)
		c.name(p, "queue", q.Name, c.queues, i)
		if q.Fallback != "" {
			c.known(p+".fallback", "queue", q.Fallback, c.queues)
		}
		seen := []string{q.Name}
		for next := q.Fallback; next != ""; {
			if next == q.Name {
				c.fail(p+".fallback", "the fallbacks of %s lead in a circle: %s", quote(q.Name), strings.Join(append(seen, next), ", "))
				break
			}
			if slices.Contains(seen, next) {
				break // a circle further on, reported where it closes
			}
			seen = append(seen, next)
			j := slices.Index(c.queues, next)
			if j < 0 {
				break
			}
			next = r.Queues[j].Fallback
		}
	}
	catchAll := -1
	for i, x := range r.Routes[:c.most("routes", len(r.Routes), 200)] {
		p := item("routes", i)
		if catchAll >= 0 {
			c.fail(p, "this route is never reached: route %d takes everything", catchAll+1)
			break
		}
		c.known(p+".queue", "queue", x.Queue, c.queues)
		c.eachIn("brand.yaml", p+".intents", "intent", x.Intents, c.intents)
		c.eachIn("brand.yaml", p+".languages", "language", x.Languages, c.b.Brand.Languages)
		each(c, p+".platforms", "platform", x.Platforms, platformNames)
		if x.MinSeverity != "" {
			c.known(p+".minSeverity", "severity", x.MinSeverity, severityNames)
		}
		if x.MinPriority < 0 || x.MinPriority > 100 {
			c.fail(p+".minPriority", "must be between 0 and 100")
		}
		c.words(p+".tiers", x.Tiers)
		if len(x.Intents)+len(x.Languages)+len(x.Platforms)+len(x.Tiers) == 0 && (x.MinSeverity == "" || x.MinSeverity == "none") && x.MinPriority == 0 {
			catchAll = i
		}
	}
	if catchAll < 0 {
		c.missing("routes", "the last route must take everything that is left: give it a queue and no conditions")
	}
	for _, key := range slices.Sorted(maps.Keys(r.SLA)) {
		p := "sla." + key
		c.known(p+"#key", "severity", key, severityNames)
		t := r.SLA[key]
		if t.FirstResponse <= 0 {
			c.fail(p+".firstResponse", "must be longer than 0")
		} else if t.WarnBefore < 0 || t.WarnBefore >= t.FirstResponse {
			c.fail(p+".warnBefore", "must be shorter than firstResponse")
		}
	}
	for _, s := range severityNames {
		if _, ok := r.SLA[s]; !ok {
			c.missing("sla", "there is no target for severity %s", s)
		}
	}
}

func (c *checker) followup() {
	f := c.b.Followup
	if f.QuietHours != "" {
		if _, err := ParseSpan(f.QuietHours, true); err != nil {
			c.fail("quietHours", "%v", err)
		}
	}
	each(c, "platforms", "platform", f.Platforms, platformNames)
	if f.Template != "" {
		c.knownIn("templates.yaml", "template", "template", f.Template, c.templates)
	}
	if f.CoolOff < 0 || time.Duration(f.CoolOff) > MaxCoolOff {
		c.fail("coolOff", "must be at most %s", Duration(MaxCoolOff))
	}
	if f.MinCallSeconds < 0 {
		c.fail("minCallSeconds", "must not be negative")
	}
	if !f.Enabled {
		return
	}
	for _, need := range []struct {
		missing   bool
		key, what string
	}{
		{f.Template == "", "template", "a template"},
		{len(f.Platforms) == 0, "platforms", "at least one platform"},
		{f.PerCustomer <= 0, "perCustomer", "a cap per customer above 0"},
		{f.PerCustomerWindow <= 0, "perCustomerWindow", "the time for which the cap per customer counts"},
		{f.PerDay <= 0, "perDay", "a cap per day above 0"},
	} {
		if need.missing {
			c.missing(need.key, "invitations are enabled but %s is missing", need.what)
		}
	}
}
