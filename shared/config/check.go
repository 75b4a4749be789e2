package config

import (
	"fmt"
	"maps"
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
	// DefaultApproveWithin and MaxApproveWithin bound how long a draft waits.
	DefaultApproveWithin = 4 * time.Hour
	MaxApproveWithin     = 7 * Day
)

// problem is a mistake at a path of the decoded values.
type problem struct{ file, path, message string }

type checker struct {
	b        *Bundle
	broken   map[string]bool
	problems []problem
	file     string

	intents, queues, templates, rules []string
}

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, problem{c.file, path, fmt.Sprintf(format, args...)})
}

// check holds a bundle against every rule that one file or the files together
// must obey. Names that a broken file would define are not checked.
func check(b *Bundle, broken map[string]bool) []problem {
	c := &checker{b: b, broken: broken}
	for _, i := range b.Brand.Intents {
		c.intents = append(c.intents, i.Name)
	}
	for _, q := range b.Routing.Queues {
		c.queues = append(c.queues, q.Name)
	}
	for _, r := range b.Rules {
		c.rules = append(c.rules, r.Name)
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
	return c.problems
}

// known reports a name that is not one of a set.
func (c *checker) known(path, what, name string, set []string) {
	if name == "" {
		c.fail(path, "the %s is missing", what)
	} else if !slices.Contains(set, name) {
		c.fail(path, "unknown %s %s%s", what, quote(name), didYouMean(name, set))
	}
}

func (c *checker) knownIn(file, path, what, name string, set []string) {
	if !c.broken[file] {
		c.known(path, what, name, set)
	}
}

func each[T ~string](c *checker, path, what string, names []T, set []string) {
	c.most(path, len(names), MaxWords)
	for i, name := range names {
		c.known(item(path, i), what, string(name), set)
	}
}

func (c *checker) eachIn(file, path, what string, names, set []string) {
	if !c.broken[file] {
		each(c, path, what, names, set)
	}
}

func (c *checker) most(path string, n, most int) {
	if n > most {
		c.fail(path, "%d entries are more than the limit of %d", n, most)
	}
}

// words checks a list of free words.
func (c *checker) words(path string, words []string) {
	c.most(path, len(words), MaxWords)
	for i, w := range words {
		c.word(item(path, i), w)
	}
}

func (c *checker) word(path, w string) {
	switch {
	case strings.TrimSpace(w) == "":
		c.fail(path, "an empty text stands here")
	case len([]rune(w)) > MaxWord:
		c.fail(path, "the text is longer than %d characters", MaxWord)
	}
}

// name checks a new name: lower case, digits and hyphens, once in its list.
func (c *checker) name(path, what, name string, all []string, index int) {
	switch {
	case name == "":
		c.fail(path, "a %s needs a name", what)
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
	actionNames    = stringsOf([]care.Action{care.ActionAnswer, care.ActionEscalate, care.ActionWatch})
	severityNames  = []string{"none", "low", "medium", "high", "critical"}
	hoursNames     = []string{"open", "closed"}
	personalNames  = []string{"email", "phone", "card", "iban", "order", "address"}
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
		c.fail("name", "the brand needs a name")
	}
	if len(b.Languages) == 0 {
		c.fail("languages", "the brand needs at least one language")
	}
	for i, l := range b.Languages {
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
	c.most("accounts", len(b.Accounts), MaxWords)
	for i, a := range b.Accounts {
		p := item("accounts", i)
		c.known(p+".platform", "platform", string(a.Platform), platformNames)
		if a.ID == "" {
			c.fail(p, "an account needs its id on the platform")
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
			c.fail(p, "an X account needs its tier, self-serve or enterprise: what it may answer depends on it")
		}
	}
	named := func(path, name string, aliases []string) {
		if strings.TrimSpace(name) == "" {
			c.fail(path, "a name is missing")
		}
		c.words(path+".aliases", aliases)
	}
	for i, x := range b.Products {
		named(item("products", i), x.Name, x.Aliases)
	}
	for i, x := range b.Competitors {
		named(item("competitors", i), x.Name, x.Aliases)
		c.words(item("competitors", i)+".handles", x.Handles)
	}
	for i, x := range b.Units {
		named(item("units", i), x.Name, x.Aliases)
	}
	c.most("products", len(b.Products), MaxWords)
	c.most("competitors", len(b.Competitors), MaxWords)
	c.most("units", len(b.Units), MaxWords)
	c.most("orderNumbers", len(b.OrderNumbers), 20)
	for i, p := range b.OrderNumbers {
		c.pattern(item("orderNumbers", i), p)
	}
	c.most("intents", len(b.Intents), MaxIntents)
	for i, x := range b.Intents {
		p := item("intents", i)
		c.name(p, "intent", x.Name, c.intents, i)
		c.known(p+".severity", "severity", x.Severity, severityNames)
		if len(x.Examples) == 0 {
			c.fail(p, "intent %s needs examples", quote(x.Name))
		}
		for _, lang := range slices.Sorted(maps.Keys(x.Examples)) {
			c.known(p+".examples."+lang+"#key", "language", lang, b.Languages)
			c.words(p+".examples."+lang, x.Examples[lang])
		}
	}
	c.most("blocked", len(b.Blocked), 5000)
	for i, x := range b.Blocked {
		p := item("blocked", i)
		c.known(p+".platform", "platform", string(x.Platform), platformNames)
		if x.ID == "" {
			c.fail(p, "a blocked author needs the id on the platform")
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
	langs := c.b.Brand.Languages
	for _, lang := range slices.Sorted(maps.Keys(c.b.People.Words)) {
		c.knownIn("brand.yaml", "people.words."+lang+"#key", "language", lang, langs)
		c.words("people.words."+lang, c.b.People.Words[lang])
	}
	c.most("rules", len(c.b.Rules), MaxRules)
	for i, r := range c.b.Rules {
		c.rule(item("rules", i), i, r)
	}
	c.most("tests", len(c.b.Tests), MaxTests)
	for i, t := range c.b.Tests {
		c.test(item("tests", i), i, t)
	}
}

func (c *checker) rule(p string, i int, r Rule) {
	c.name(p, "rule", r.Name, c.rules, i)
	if r.Expires != "" {
		c.date(p+".expires", r.Expires)
	}
	c.known(p+".then.action", "action", string(r.Then.Action), actionNames)
	answers := r.Then.Action == care.ActionAnswer
	if answers {
		c.knownIn("templates.yaml", p+".then.template", "template", r.Then.Template, c.templates)
		if r.When.isEmpty() {
			c.fail(p+".when", "a rule that answers needs at least one condition; this one would answer everybody")
		}
	} else {
		if r.Then.Template != "" {
			c.fail(p+".then.template", "only a rule with action answer has a template")
		}
		if r.Then.Private {
			c.fail(p+".then.private", "only a rule with action answer can be private")
		}
	}
	if r.Then.Queue != "" {
		if r.Then.Action != care.ActionEscalate {
			c.fail(p+".then.queue", "only a rule with action escalate has a queue")
		}
		c.knownIn("routing.yaml", p+".then.queue", "queue", r.Then.Queue, c.queues)
	}
	c.most(p+".then.tags", len(r.Then.Tags), 20)
	for j, tag := range r.Then.Tags {
		if !isName(tag) {
			c.fail(item(p+".then.tags", j), "%s is no tag: use lower-case letters, digits and hyphens", quote(tag))
		}
	}
	c.condition(p+".when", r.When, 0, answers)

	g := p + ".guards"
	if r.Guards.Hours != "" {
		c.known(g+".hours", "opening state", r.Guards.Hours, hoursNames)
	}
	if n := r.Guards.NotIfNegativeAbove; n != nil && (*n < 0 || *n > 1) {
		c.fail(g+".notIfNegativeAbove", "must be between 0 and 1")
	}
	if s := r.Guards.NotIfSeverityAbove; s != "" {
		c.known(g+".notIfSeverityAbove", "severity", s, severityNames)
		if answers && s == "critical" {
			c.fail(g+".notIfSeverityAbove", "a critical matter is never answered automatically; the highest value here is high")
		}
	}
	if v := r.Guards.NotForKnownWithValueAbove; v != nil && *v < 0 {
		c.fail(g+".notForKnownWithValueAbove", "must not be negative")
	}
	if n := r.Guards.MaxPerCustomerPerDay; n < 0 || n > 100 {
		c.fail(g+".maxPerCustomerPerDay", "must be between 1 and 100")
	}
}

// isEmpty is true when nothing restricts the condition.
func (w Condition) isEmpty() bool {
	return len(w.Intents) == 0 && w.MinIntentScore == 0 && w.Sentiment == nil && w.Severity == nil &&
		len(w.Platforms) == 0 && len(w.Kinds) == 0 && w.Private == nil && len(w.Languages) == 0 &&
		len(w.Keywords) == 0 && len(w.Relevance) == 0 && w.Question == nil && w.Complaint == nil &&
		w.Praise == nil && w.PersonalData == nil && w.Hours == "" && w.Customer == nil &&
		w.FirstContact == nil && len(w.All) == 0 && len(w.Any) == 0 && w.Not == nil
}

func (c *checker) condition(p string, w Condition, depth int, answers bool) {
	if depth > MaxNesting {
		c.fail(p, "conditions are nested more than %d deep", MaxNesting)
		return
	}
	c.eachIn("brand.yaml", p+".intents", "intent", w.Intents, c.intents)
	if answers && !c.broken["brand.yaml"] {
		for i, name := range w.Intents {
			for _, in := range c.b.Brand.Intents {
				if in.Name == name && in.People {
					c.fail(item(p+".intents", i), "intent %s is for people only (brand.yaml); no rule may answer it", quote(name))
				}
			}
		}
	}
	if w.MinIntentScore < 0 || w.MinIntentScore > 1 {
		c.fail(p+".minIntentScore", "must be between 0 and 1")
	}
	if r := w.Sentiment; r != nil {
		for _, end := range []struct {
			key string
			v   *float64
		}{{"min", r.Min}, {"max", r.Max}} {
			if end.v != nil && (*end.v < -1 || *end.v > 1) {
				c.fail(p+".sentiment."+end.key, "must be between -1 (very negative) and 1 (very positive)")
			}
		}
		if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
			c.fail(p+".sentiment", "min is above max, so this never holds")
		}
		if r.Min == nil && r.Max == nil {
			c.fail(p+".sentiment", "min or max is needed")
		}
	}
	if r := w.Severity; r != nil {
		if r.Min == "" && r.Max == "" {
			c.fail(p+".severity", "min or max is needed")
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
		c.most(p+".customer.attributes", len(k.Attributes), 20)
		if k.MinValue != nil && *k.MinValue < 0 {
			c.fail(p+".customer.minValue", "must not be negative")
		}
		if k.Known == nil && len(k.Tiers) == 0 && k.MinValue == nil && len(k.Grades) == 0 && len(k.Attributes) == 0 {
			c.fail(p+".customer", "a condition is missing: known, tiers, minValue, grades or attributes")
		}
	}
	for _, list := range []struct {
		key string
		of  []Condition
	}{{"all", w.All}, {"any", w.Any}} {
		c.most(p+"."+list.key, len(list.of), 50)
		for i, sub := range list.of {
			q := item(p+"."+list.key, i)
			if sub.isEmpty() {
				c.fail(q, "the condition is empty")
			}
			c.condition(q, sub, depth+1, answers)
		}
	}
	if w.Not != nil {
		if w.Not.isEmpty() {
			c.fail(p+".not", "the condition is empty")
		}
		// Excluding an intent that is for people only is fine.
		c.condition(p+".not", *w.Not, depth+1, false)
	}
}

func (c *checker) test(p string, i int, t Test) {
	if strings.TrimSpace(t.Name) == "" {
		c.fail(p, "a test needs a name")
	}
	for _, other := range c.b.Tests[:i] {
		if t.Name != "" && t.Name == other.Name {
			c.fail(p+".name", "there is already a test named %s", quote(t.Name))
			break
		}
	}
	g := p + ".given"
	c.known(g+".platform", "platform", string(t.Given.Platform), platformNames)
	if t.Given.Kind != "" {
		c.known(g+".kind", "kind of post", string(t.Given.Kind), kindNames)
	}
	if len(t.Given.Text) > care.MaxTextBytes {
		c.fail(g+".text", "the text is longer than %d bytes", care.MaxTextBytes)
	}
	if _, err := time.Parse(TestTime, t.Given.At); err != nil {
		c.fail(g+".at", "the time of the post is needed, in the brand's time zone, such as \"2026-11-24 11:00\"")
	}
	if k := t.Given.Customer; k != nil && k.Grade != "" {
		c.known(g+".customer.grade", "grade", string(k.Grade), gradeNames)
	}
	if a := t.Given.Assume; a != nil {
		if a.Relevance != "" {
			c.known(g+".assume.relevance", "relevance", string(a.Relevance), relevanceNames)
		}
		if a.Intent != "" {
			c.knownIn("brand.yaml", g+".assume.intent", "intent", a.Intent, c.intents)
		}
		if a.Severity != "" {
			c.known(g+".assume.severity", "severity", a.Severity, severityNames)
		}
		if a.Sentiment < -1 || a.Sentiment > 1 {
			c.fail(g+".assume.sentiment", "must be between -1 and 1")
		}
		if a.IntentScore < 0 || a.IntentScore > 1 {
			c.fail(g+".assume.intentScore", "must be between 0 and 1")
		}
		each(c, g+".assume.personalData", "kind of personal data", a.PersonalData, personalNames)
	}
	e := p + ".expect"
	x := t.Expect
	if x.Relevance == "" && x.Intent == "" && x.Severity == "" && x.Action == "" && x.Rule == "" && !x.NoRule &&
		x.Template == "" && x.Lang == "" && x.Private == nil && x.Else == "" && len(x.Contains) == 0 && len(x.Lacks) == 0 && len(x.Tags) == 0 {
		c.fail(p, "test %s expects nothing", quote(t.Name))
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
		c.known(e+".action", "action", string(x.Action), actionNames)
	}
	if x.Else != "" {
		c.known(e+".else", "action", string(x.Else), actionNames)
	}
	if x.Rule != "" {
		c.known(e+".rule", "rule", x.Rule, c.rules)
		if x.NoRule {
			c.fail(e+".noRule", "expects a rule and none at once")
		}
	}
	if x.Template != "" {
		c.knownIn("templates.yaml", e+".template", "template", x.Template, c.templates)
	}
}

// TestTime is the form of Given.At.
const TestTime = "2006-01-02 15:04"

func (c *checker) date(path, s string) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		c.fail(path, "%s is not a date: write it as 2026-12-31", quote(s))
	}
}

func (c *checker) templatesFile() {
	c.most("templates", len(c.b.Templates), MaxTemplates)
	c.most("variables", len(c.b.Variables), 100)
	for _, name := range slices.Sorted(maps.Keys(c.b.Variables)) {
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
		if strings.Contains(c.b.Variables[name], "{{") {
			c.fail(p, "a variable cannot hold another one")
		}
	}
	variables := append(slices.Sorted(maps.Keys(c.b.Variables)), BuiltIn...)
	for _, name := range c.templates {
		t, p := c.b.Templates[name], "templates."+name
		if !isName(name) {
			c.fail(p+"#key", "%s is no name for a template: use lower-case letters, digits and hyphens", quote(name))
		}
		if len(t.Text) == 0 {
			c.fail(p, "template %s says nothing in any language", quote(name))
		}
		langs := slices.Sorted(maps.Keys(t.Text))
		if t.Fallback != "" {
			c.known(p+".fallback", "language", t.Fallback, langs)
		}
		for _, lang := range langs {
			q := p + ".text." + lang
			c.knownIn("brand.yaml", q+"#key", "language", lang, c.b.Brand.Languages)
			x := t.Text[lang]
			c.tone(q, lang, Tone{x.Variants, x.Short}, variables)
			for _, platform := range slices.Sorted(maps.Keys(x.Platforms)) {
				r := q + ".platforms." + string(platform)
				c.known(r+"#key", "platform", string(platform), platformNames)
				c.tone(r, lang, x.Platforms[platform], variables)
			}
		}
	}
}

func (c *checker) tone(p, lang string, t Tone, variables []string) {
	if len(t.Variants) == 0 {
		c.fail(p, "at least one variant is needed")
	}
	c.most(p+".variants", len(t.Variants), MaxVariants)
	anonymous := 0
	for i, v := range t.Variants {
		if !c.text(item(p+".variants", i), lang, v, variables) {
			anonymous++
		}
	}
	if anonymous == 0 && len(t.Variants) > 0 {
		c.fail(p+".variants", "every variant uses {{name}} or {{handle}}; one must do without, for authors whose name is not known")
	}
	if t.Short != "" && c.text(p+".short", lang, t.Short, variables) {
		c.fail(p+".short", "the short text must do without {{name}} and {{handle}}")
	}
}

// text checks one template text; true when it uses what may not be known of an
// author.
func (c *checker) text(p, lang, text string, variables []string) (personal bool) {
	if strings.TrimSpace(text) == "" {
		c.fail(p, "an empty text stands here")
	}
	if len([]rune(text)) > MaxText {
		c.fail(p, "the text is longer than %d characters", MaxText)
	}
	names, err := Placeholders(text)
	if err != nil {
		c.fail(p, "%v", err)
	}
	for _, name := range names {
		c.known(p, "variable", name, variables)
		personal = personal || name == "name" || name == "handle"
		if (name == "expect" || name == "hours") && !slices.Contains(WordedLanguages, lang) {
			c.fail(p, "{{%s}} cannot be put into words in language %s; it can in %s", name, quote(lang), strings.Join(WordedLanguages, ", "))
		}
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
		c.fail("weights", "all weights are 0; nothing would have a priority")
	}
	if r.Weights.FullInfluence <= 0 {
		c.fail("weights.fullInfluence", "the follower count of full influence must be above 0")
	}
	if r.Weights.FullValue <= 0 {
		c.fail("weights.fullValue", "the yearly value of a fully valuable customer must be above 0")
	}
	if len(r.Queues) == 0 {
		c.fail("queues", "at least one queue is needed")
	}
	c.most("queues", len(r.Queues), 100)
	for i, q := range r.Queues {
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
	c.most("routes", len(r.Routes), 200)
	catchAll := -1
	for i, x := range r.Routes {
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
		c.fail("routes", "the last route must take everything that is left: give it a queue and no conditions")
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
			c.fail("sla", "there is no target for severity %s", s)
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
			c.fail(need.key, "invitations are enabled but %s is missing", need.what)
		}
	}
}
