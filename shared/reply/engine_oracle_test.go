package reply

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// oracle says what the rules mean, in the plainest way and as slowly as may be:
// no numbers for names, one rule after the other, everything looked up anew. It
// reads the same config as the engine and shares no code with it.
type oracle struct{ in In }

func (o oracle) local() time.Time {
	loc, err := time.LoadLocation(o.in.Bundle.Hours.TimeZone)
	if err != nil {
		panic(err)
	}
	return o.in.Now.In(loc)
}

// between says whether a clock, as text, is in a span such as "22:00-06:00".
func between(clock, span string) bool {
	from, to, _ := strings.Cut(span, "-")
	if from < to {
		return from <= clock && clock < to
	}
	return clock >= from || clock < to
}

// openBy reads a team's clock on its wall.
func openBy(now time.Time, zone string, week map[string][]string, holidays []config.Holiday) bool {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	now = now.In(loc)
	for _, holiday := range holidays {
		if holiday.Date == now.Format("2006-01-02") {
			return false
		}
	}
	return slices.ContainsFunc(week[strings.ToLower(now.Format("Mon"))], func(span string) bool { return between(now.Format("15:04"), span) })
}

// openAt says whether anybody answers the post: the first unit with hours that it
// names, else the main team or one that takes the platform and the language.
func (o oracle) openAt(now time.Time) bool {
	h := o.in.Bundle.Hours
	for _, name := range o.in.Triage.Units {
		if u, ok := h.Units[name]; ok { // the test's units say everything themselves
			return openBy(now, u.TimeZone, u.Week, u.Holidays)
		}
	}
	lang := o.in.Triage.Lang
	if lang == "" || lang == "und" {
		lang = o.in.Post.Lang
	}
	for _, team := range h.Teams {
		if inList(team.Platforms, o.in.Post.Platform) && inList(team.Languages, strings.Split(lang, "-")[0]) && openBy(now, team.TimeZone, team.Week, team.Holidays) {
			return true
		}
	}
	return openBy(now, h.TimeZone, h.Week, h.Holidays)
}

func (o oracle) open() bool { return o.openAt(o.in.Now) }

func severity(name string) int {
	return slices.Index([]string{"none", "low", "medium", "high", "critical"}, name)
}

func holdsWord(post string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return holdsNaively(post, w) })
}

func inList[T ~string](list []T, x T) bool { return len(list) == 0 || slices.Contains(list, x) }

func asked(want *bool, is bool) bool { return want == nil || *want == is }

func shared(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// met says whether a condition holds.
func (o oracle) met(w config.Condition) bool {
	p, t, m := o.in.Post, o.in.Triage, o.in.Match
	lang := strings.ToLower(strings.Split(t.Lang, "-")[0])
	if !inList(w.Intents, t.Intent) || !inList(w.Platforms, p.Platform) || !inList(w.Kinds, p.Kind) || !inList(w.Relevance, t.Relevance) || !inList(w.Languages, lang) {
		return false
	}
	if t.IntentScore < w.MinIntentScore {
		return false
	}
	if s := w.Sentiment; s != nil && (s.Min != nil && t.Sentiment < *s.Min || s.Max != nil && t.Sentiment > *s.Max) {
		return false
	}
	if s := w.Severity; s != nil && (s.Min != "" && int(t.Severity) < severity(s.Min) || s.Max != "" && int(t.Severity) > severity(s.Max)) {
		return false
	}
	if len(w.Keywords) > 0 && !holdsWord(p.Text, w.Keywords) {
		return false
	}
	if !asked(w.Private, p.Private) || !asked(w.Question, t.Question) || !asked(w.Complaint, t.Complaint) || !asked(w.Praise, t.Praise) ||
		!asked(w.PersonalData, len(t.PersonalData) != 0) || !asked(w.FirstContact, m.First) || !asked(w.Storm, o.in.Storm) {
		return false
	}
	if w.Hours == "open" && !o.open() || w.Hours == "closed" && o.open() {
		return false
	}
	if len(w.Products) > 0 && !shared(w.Products, t.Products) || len(w.Units) > 0 && !shared(w.Units, t.Units) {
		return false
	}
	if w.Time != "" && !between(o.local().Format("15:04"), w.Time) {
		return false
	}
	if len(w.Days) > 0 && !slices.Contains(w.Days, strings.ToLower(o.local().Format("Mon"))) {
		return false
	}
	if k := w.Customer; k != nil {
		if !asked(k.Known, m.Known) || len(k.Tiers) > 0 && !(m.Known && slices.Contains(k.Tiers, m.Customer.Tier)) ||
			k.MinValue != nil && !(m.Known && m.Customer.Value >= *k.MinValue) || !inList(k.Grades, m.Grade) {
			return false
		}
		for name, value := range k.Attributes {
			if got, ok := m.Customer.Attributes[name]; !ok || got != value {
				return false
			}
		}
	}
	if a := w.Author; a != nil {
		n := p.Author.Followers
		if a.MinFollowers != nil && (n == nil || *n < *a.MinFollowers) || a.MaxFollowers != nil && (n == nil || *n > *a.MaxFollowers) ||
			!asked(a.Verified, p.Author.Verified) || a.MinInfluence != nil && t.Influence < *a.MinInfluence {
			return false
		}
	}
	for _, sub := range w.All {
		if !o.met(sub) {
			return false
		}
	}
	if len(w.Any) > 0 && !slices.ContainsFunc(w.Any, o.met) {
		return false
	}
	return w.Not == nil || !o.met(*w.Not)
}

func saysRelevance(w config.Condition) bool {
	return len(w.Relevance) > 0 || slices.ContainsFunc(w.All, saysRelevance) || slices.ContainsFunc(w.Any, saysRelevance)
}

func hasWords(a care.Action) bool {
	return a == "answer" || a == "draft" || a == "acknowledge" || a == "move-to-private"
}

// fits says whether a rule's conditions hold, with those that it has unsaid.
func (o oracle) fits(r config.Rule) bool {
	day := o.local().Format("2006-01-02")
	if r.Enabled != nil && !*r.Enabled || r.Starts != "" && day < r.Starts || r.Expires != "" && day > r.Expires {
		return false
	}
	if r.Then.Action == "move-to-private" && o.in.Post.Private {
		return false
	}
	if hasWords(r.Then.Action) && !saysRelevance(r.When) && o.in.Triage.Relevance != "addressed" {
		return false
	}
	return o.met(r.When)
}

// guarded says whether a guard of the rule holds it back.
func (o oracle) guarded(r config.Rule) bool {
	g, t, p := r.Guards, o.in.Triage, o.in.Post
	limit, personal := g.NotIfSeverityAbove, false
	if hasWords(r.Then.Action) {
		personal = true
		if limit == "" {
			limit = "medium"
		}
	}
	if g.NotIfPersonalData != nil {
		personal = *g.NotIfPersonalData
	}
	automated := false
	for _, a := range o.in.Bundle.Brand.Accounts {
		automated = automated || a.Platform == p.Platform && a.ID == p.Account && a.Automated
	}
	switch {
	case g.Hours == "open" && !o.open(), g.Hours == "closed" && o.open():
	case g.NotIfNegativeAbove != nil && t.Sentiment < -*g.NotIfNegativeAbove:
	case limit != "" && int(t.Severity) > severity(limit):
	case g.NotIfNegativeAboveSeverity != "" && t.Sentiment < 0 && int(t.Severity) > severity(g.NotIfNegativeAboveSeverity):
	case personal && !p.Private && len(t.PersonalData) > 0:
	case g.NotForKnownWithValueAbove != nil && o.in.Match.Known && o.in.Match.Customer.Value > *g.NotForKnownWithValueAbove:
	case g.Account == "automated" && !automated, g.Account == "main" && automated:
	default:
		return false
	}
	return true
}

func (o oracle) needsPerson() bool {
	p, t, b := o.in.Post, o.in.Triage, o.in.Bundle
	for _, i := range b.Brand.Intents {
		if i.Name == t.Intent && i.People {
			return true
		}
	}
	for _, words := range b.People.Words {
		if holdsWord(p.Text, words) {
			return true
		}
	}
	return p.Unreadable != "" || t.Severity >= 4 || slices.Contains([]string{"self-harm", "legal", "safety"}, t.Intent)
}

func (o oracle) mustBeSilent() bool {
	m := o.in.Match
	return o.in.Post.Author.Bot || o.in.Post.Kind == care.KindRepost || m.Customer.Consent.OptOut || m.Conversation.Agent != "" || m.Conversation.Escalation != nil
}

func (o oracle) stopped() bool {
	s := o.in.Bundle.Stop
	return s.Everything || slices.Contains(s.Platforms, o.in.Post.Platform)
}

// leftAlone says whether no rule is asked at all.
func (o oracle) leftAlone() bool {
	if o.in.Post.Author.Own || o.in.Post.Ref["standby"] != "" {
		return true
	}
	// Of the usual words, which stand alone but for signs, the test draws this one.
	if strings.Trim(o.in.Post.Text, " ,?") == "stop" {
		return true
	}
	for _, words := range o.in.Bundle.OptOut.Words {
		if holdsWord(o.in.Post.Text, words) && !o.needsPerson() {
			return true
		}
	}
	return false
}

// mayFire says whether a rule that fits is held back by nothing.
func (o oracle) mayFire(r config.Rule) bool {
	words := hasWords(r.Then.Action)
	switch {
	case (words || r.Then.Action == "watch") && o.needsPerson(), words && o.mustBeSilent():
		return false
	case words && r.Then.Action != "draft" && o.stopped():
		return false
	}
	return !o.guarded(r)
}

// winner is the rule that wins, if one does, the tags of those before it, and
// which rules after it want something else.
func (o oracle) winner() (won *config.Rule, tags []string, also int) {
	if o.leftAlone() {
		return nil, nil, 0
	}
	for i := range o.in.Bundle.Rules {
		r := &o.in.Bundle.Rules[i]
		if !o.fits(*r) || !o.mayFire(*r) {
			continue
		}
		switch {
		case won != nil && r.Then.Action != "tag" && (r.Then.Action != won.Then.Action || r.Then.Template != won.Then.Template):
			also++
		case won == nil && r.Then.Action == "tag":
			tags = append(tags, r.Then.Tags...)
		case won == nil:
			won, tags = r, append(tags, r.Then.Tags...)
		}
	}
	return won, tags, also
}

// waits says whether the author waits for an answer.
func (o oracle) waits() bool {
	p, t := o.in.Post, o.in.Triage
	ours := t.Relevance == "addressed" || t.Relevance == "about" || p.Private || p.Addressed
	written := strings.TrimSpace(p.Text) != "" || len(p.Attachments) > 0
	return p.Unreadable != "" || ours && (t.Complaint || t.Question || t.Severity >= 2 || p.Private && p.Kind != care.KindStoryMention && !t.Praise && written)
}

// fitsPlatform measures a text by what the platforms document, for the few kinds
// of characters that the test draws: no mark combines, and every URL begins with
// https and ends at white space.
func fitsPlatform(p care.Post, said string, private bool) bool {
	count := func(weigh func(r rune) int, s string) (n int) {
		for _, r := range s {
			n += weigh(r)
		}
		return n
	}
	one := func(rune) int { return 1 }
	utf16 := func(r rune) int {
		if r > 0xFFFF {
			return 2
		}
		return 1
	}
	url := regexp.MustCompile(`https://\S+`)
	switch p.Platform {
	case care.X:
		if private {
			return count(one, said) <= 10000
		}
		// twitter-text, configuration 3.
		light := func(r rune) int {
			if r <= 4351 || r >= 8192 && r <= 8205 || r >= 8208 && r <= 8223 || r >= 8242 && r <= 8247 {
				return 1
			}
			return 2
		}
		return 23*len(url.FindAllString(said, -1))+count(light, url.ReplaceAllString(said, "")) <= 280
	case care.Facebook, care.Messenger:
		limit := 8000
		if private || p.Platform == care.Messenger {
			limit = 2000
		}
		return count(utf16, said) <= limit
	case care.Instagram:
		if private {
			return len(said) <= 1000
		}
		return count(utf16, said) <= 2200
	case care.Mastodon: // the author is mentioned; a host does not count
		at := "@" + p.Author.Handle
		if !strings.Contains(said, at) {
			said = at + " " + said
		}
		local, _, _ := strings.Cut(p.Author.Handle, "@")
		said = strings.ReplaceAll(url.ReplaceAllString(said, strings.Repeat("x", 23)), at, "@"+local)
		return count(one, said) <= 500
	case care.Bluesky:
		if private {
			return count(one, said) <= 1000 && len(said) <= 10000
		}
		return count(one, said) <= 300 && len(said) <= 3000
	}
	return false
}

// Drawing rule sets: from few names, so that rules fit often.
var (
	oddIntents   = []string{"roaming", "billing", "refund"}
	oddWords     = []string{"router", "opening hours", "e-sim", "avería", "furious", "#outage"}
	oddTemplates = []string{"plain", "plain", "a", "b", "c", "d", "missing"}
	oddWeek      = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	oddActions   = []care.Action{"answer", "answer", "draft", "acknowledge", "move-to-private", "move-to-private", "escalate", "watch", "tag", "tag"}
	severities   = []string{"none", "low", "medium", "high", "critical"}
	oddKinds     = []care.Kind{care.KindMention, care.KindComment, care.KindDirect, care.KindRepost, care.KindStoryMention}
	relevances   = []care.Relevance{"addressed", "addressed", "addressed", "about", "competitor", "chatter"}
	grades       = []care.Grade{"", care.GradeSuggested, care.GradeProbable, care.GradeVerified, care.GradeAsserted}
)

func pickOne[T any](t *rapid.T, label string, of []T) T { return rapid.SampledFrom(of).Draw(t, label) }

func some[T any](t *rapid.T, label string, of []T) []T {
	return rapid.SliceOfN(rapid.SampledFrom(of), 1, 3).Draw(t, label)
}

func oneIn(t *rapid.T, n int, label string) bool { return rapid.IntRange(1, n).Draw(t, label) == 1 }

func maybe[T any](t *rapid.T, n int, label string, draw func() T) *T {
	if !oneIn(t, n, label) {
		return nil
	}
	v := draw()
	return &v
}

func drawCondition(t *rapid.T, depth int) config.Condition {
	var w config.Condition
	yes := func(label string) *bool {
		return maybe(t, 9, label, func() bool { return rapid.Bool().Draw(t, label+" is") })
	}
	between := func(label string, lo, hi float64) *float64 {
		return maybe(t, 2, label, func() float64 { return float64(rapid.IntRange(int(lo*4), int(hi*4)).Draw(t, label+" at")) / 4 })
	}
	if oneIn(t, 4, "intents") {
		w.Intents = some(t, "intent", oddIntents)
	}
	if oneIn(t, 9, "score") {
		w.MinIntentScore = pickOne(t, "at least", []float64{0.25, 0.5, 0.75})
	}
	if oneIn(t, 9, "sentiment") {
		w.Sentiment = &config.Range{Min: between("min", -1, 1), Max: between("max", -1, 1)}
	}
	if oneIn(t, 9, "severity") {
		w.Severity = &config.SeverityRange{Min: pickOne(t, "from", append(severities[:3:3], "")), Max: pickOne(t, "to", append(severities[1:4:4], ""))}
	}
	if oneIn(t, 9, "platforms") {
		w.Platforms = some(t, "platform", care.Platforms())
	}
	if oneIn(t, 9, "kinds") {
		w.Kinds = some(t, "kind", oddKinds)
	}
	if oneIn(t, 9, "languages") {
		w.Languages = some(t, "language", []string{"en", "es"})
	}
	if oneIn(t, 5, "keywords") {
		w.Keywords = some(t, "keyword", oddWords)
	}
	if oneIn(t, 6, "relevance") {
		w.Relevance = some(t, "relevant", relevances)
	}
	if oneIn(t, 9, "hours") {
		w.Hours = pickOne(t, "state", []string{"open", "closed"})
	}
	if oneIn(t, 9, "customer") {
		w.Customer = &config.CustomerCondition{Known: yes("known"), MinValue: maybe(t, 3, "value", func() float64 { return 100 })}
		if oneIn(t, 3, "tiers") {
			w.Customer.Tiers = some(t, "tier", []string{"gold", "silver", ""})
		}
		if oneIn(t, 3, "grades") {
			w.Customer.Grades = some(t, "grade", grades[1:])
		}
		if oneIn(t, 3, "attributes") {
			w.Customer.Attributes = map[string]string{"plan": "fiber"}
		}
	}
	if oneIn(t, 9, "products") {
		w.Products = some(t, "product", []string{"VeloBox", "VeloTV"})
	}
	if oneIn(t, 9, "units") {
		w.Units = some(t, "unit", []string{"Veloria Shop Larios", "Veloria Shop Gran Vía"})
	}
	if oneIn(t, 9, "author") {
		w.Author = &config.AuthorCondition{MinFollowers: maybe(t, 2, "most followers", func() int { return 10 }), MaxFollowers: maybe(t, 2, "least followers", func() int { return 100 }),
			Verified: yes("verified"), MinInfluence: maybe(t, 3, "influence", func() float64 { return 0.5 })}
	}
	if oneIn(t, 12, "time") {
		w.Time = pickOne(t, "span", []string{"09:00-17:00", "22:00-06:00", "00:00-24:00", "12:00-12:01"})
	}
	if oneIn(t, 12, "days") {
		w.Days = some(t, "day", oddWeek)
	}
	w.Private, w.Question, w.Complaint, w.Praise = yes("private"), yes("question"), yes("complaint"), yes("praise")
	w.PersonalData, w.FirstContact, w.Storm = yes("personal data"), yes("first contact"), yes("storm")
	if depth > 0 {
		for range rapid.IntRange(0, 6).Draw(t, "all") - 4 {
			w.All = append(w.All, drawCondition(t, depth-1))
		}
		for range rapid.IntRange(0, 6).Draw(t, "any") - 4 {
			w.Any = append(w.Any, drawCondition(t, depth-1))
		}
		w.Not = maybe(t, 6, "not", func() config.Condition { return drawCondition(t, depth-1) })
	}
	return w
}

func drawRule(t *rapid.T, i int) config.Rule {
	r := config.Rule{Name: fmt.Sprintf("rule-%d", i), When: drawCondition(t, 2), Then: config.Then{Action: pickOne(t, "action", oddActions), Tags: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2).Draw(t, "tags")}}
	if hasWords(r.Then.Action) {
		r.Then.Template = pickOne(t, "template", oddTemplates)
	}
	r.Then.Private = oneIn(t, 6, "in private")
	if oneIn(t, 3, "queue") {
		r.Then.Queue = "care-priority"
	}
	if r.Then.Action == "draft" && oneIn(t, 2, "within") {
		r.Then.ApproveWithin = config.Duration(2 * time.Hour)
	}
	if oneIn(t, 12, "off") {
		r.Enabled = maybe(t, 1, "enabled", func() bool { return rapid.Bool().Draw(t, "is on") })
	}
	days := []string{"2026-11-23", "2026-11-24", "2026-12-05", "2026-12-24", ""}
	if oneIn(t, 9, "dates") {
		r.Starts, r.Expires = pickOne(t, "starts", days), pickOne(t, "expires", days)
	}
	g := &r.Guards
	if oneIn(t, 8, "guard hours") {
		g.Hours = pickOne(t, "guard state", []string{"open", "closed"})
	}
	g.NotIfNegativeAbove = maybe(t, 6, "negative", func() float64 { return 0.5 })
	if oneIn(t, 6, "guard severity") {
		g.NotIfSeverityAbove = pickOne(t, "most severe", severities[:4])
	}
	if oneIn(t, 6, "guard negative severity") {
		g.NotIfNegativeAboveSeverity = pickOne(t, "most severe when negative", severities[:4])
	}
	g.NotIfPersonalData = maybe(t, 4, "guard personal", func() bool { return rapid.Bool().Draw(t, "is personal") })
	g.NotForKnownWithValueAbove = maybe(t, 8, "guard value", func() float64 { return 100 })
	if oneIn(t, 8, "guard account") {
		g.Account = pickOne(t, "account", []string{"automated", "main"})
	}
	if oneIn(t, 5, "delay") {
		g.Delay = config.Duration(pickOne(t, "waits", []time.Duration{time.Millisecond, time.Minute, 24 * time.Hour}))
	}
	g.OncePerConversation = oneIn(t, 5, "once")
	g.MaxPerCustomerPerDay, g.MaxPerDay = rapid.IntRange(0, 3).Draw(t, "per customer"), rapid.IntRange(0, 3).Draw(t, "per day")
	return r
}

// drawText makes a template text of plain words, long runs of light and heavy
// characters, URLs and variables.
func drawText(t *rapid.T, label string) string {
	var parts []string
	for range rapid.IntRange(1, 4).Draw(t, label) {
		piece := pickOne(t, label+" piece", []string{"Hello.", "Hello.", "We look into it.", "https://example.com/help?a=b", "see {{link}} there", "Dear {{name}},", "{{handle}}", "promise: {{expect}}", "({{hours}})", "open: {{until}}", "{{unheard-of}}", "é", "漢", "😀", "x"})
		if utf8.RuneCountInString(piece) == 1 {
			piece = strings.Repeat(piece, pickOne(t, label+" length", []int{10, 130, 139, 141, 250, 281, 290, 480, 499, 990, 1001, 2150, 8001, 9990}))
		}
		parts = append(parts, piece)
	}
	return strings.Join(parts, " ")
}

func drawTemplate(t *rapid.T, name string) config.Template {
	tpl := config.Template{Text: map[string]config.Text{}}
	if oneIn(t, 2, "fallback of "+name) {
		tpl.Fallback = "en"
	}
	for _, lang := range []string{"en", "es"} {
		if lang == "es" && oneIn(t, 2, "no Spanish "+name) {
			continue
		}
		x := config.Text{}
		for range rapid.IntRange(1, 3).Draw(t, "variants") {
			x.Variants = append(x.Variants, drawText(t, name+" "+lang))
		}
		if oneIn(t, 2, "short of "+name) {
			x.Short = drawText(t, "short "+name)
		}
		if oneIn(t, 3, "tone of "+name) {
			x.Platforms = map[care.Platform]config.Tone{pickOne(t, "toned", care.Platforms()): {Variants: []string{drawText(t, "tone")}, Short: drawText(t, "short tone")}}
		}
		tpl.Text[lang] = x
	}
	return tpl
}

func drawBundle(t *rapid.T, base *config.Bundle) *config.Bundle {
	b := *base
	b.Rules = nil
	for i := range rapid.IntRange(0, 12).Draw(t, "rules") {
		b.Rules = append(b.Rules, drawRule(t, i))
	}
	b.Templates = map[string]config.Template{"plain": {Fallback: "en", Text: map[string]config.Text{"en": {Variants: []string{"Hello."}}}}}
	for _, name := range []string{"a", "b", "c", "d"} {
		b.Templates[name] = drawTemplate(t, name)
	}
	b.Variables = map[string]string{"link": "https://example.com/more"}
	b.People.Words = map[string][]string{"en": {"lawyer"}}
	b.OptOut.Words = map[string][]string{"es": {"no más robots"}}
	if oneIn(t, 8, "stop") {
		b.Stop = config.Stop{Everything: rapid.Bool().Draw(t, "everything"), Platforms: some(t, "stopped", care.Platforms()), Reason: "A test of the switch."}
	}
	b.Brand.Accounts = []config.Account{{Platform: care.X, ID: "1", Automated: true, Tier: "enterprise"}, {Platform: care.X, ID: "2", Tier: "enterprise"}, {Platform: care.Mastodon, ID: "1", Automated: true}}
	return &b
}

func drawOddIn(t *rapid.T, b *config.Bundle) In {
	in := drawIn(t, b)
	in.Post.Text = strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"stop", "router", "Routers", "opening", "hours", "e-sim", "AVERÍA", "furious", "#outage", "well", "thanks", ",", "?"}), 0, 6).Draw(t, "words"), " ")
	if oneIn(t, 15, "person word") {
		in.Post.Text += " LAWYER!"
	}
	if oneIn(t, 15, "opt-out word") {
		in.Post.Text += " No más\nrobots."
	}
	in.Post.Kind = pickOne(t, "kind of post", oddKinds)
	in.Post.Account = pickOne(t, "for account", []string{"1", "2", ""})
	in.Post.Author.Handle = pickOne(t, "handle", []string{"ana", "a.rather_long-handle_of_somebody_", "ana@social.example"})
	in.Post.Author.Followers = maybe(t, 2, "followers", func() int { return pickOne(t, "count", []int{0, 10, 11, 100, 101}) })
	in.Post.Author.Verified = rapid.Bool().Draw(t, "is verified")
	if oneIn(t, 20, "standby") {
		in.Post.Ref = map[string]string{"standby": "true"}
	}
	in.Triage.Intent = pickOne(t, "intent of post", append(oddIntents[:3:3], "", "legal", "data-protection"))
	in.Triage.Relevance = pickOne(t, "relevance of post", relevances)
	in.Triage.Sentiment = float64(rapid.IntRange(-4, 4).Draw(t, "tone")) / 4
	in.Triage.IntentScore = float64(rapid.IntRange(0, 4).Draw(t, "sure")) / 4
	in.Triage.Influence = float64(rapid.IntRange(0, 4).Draw(t, "influential")) / 4
	in.Triage.Products = rapid.SliceOfN(rapid.SampledFrom([]string{"VeloBox", "VeloTV", "VeloFon"}), 0, 2).Draw(t, "products of post")
	in.Triage.Units = rapid.SliceOfN(rapid.SampledFrom([]string{"Veloria Shop Larios", "Veloria Shop Gran Vía", "Veloria Shop Colón"}), 0, 2).Draw(t, "units of post")
	in.Match.Customer.Tier = pickOne(t, "tier of customer", []string{"", "gold", "bronze"})
	in.Match.Customer.Value = pickOne(t, "value of customer", []float64{0, 99, 100, 101})
	in.Match.Customer.Attributes = pickOne(t, "attributes of customer", []map[string]string{nil, {"plan": "fiber"}, {"plan": "mobile"}})
	in.Storm = rapid.Bool().Draw(t, "there is a storm")
	return in
}

// withHours is the standard bundle with a unit and a team that keep hours of their
// own.
func withHours(t testing.TB) *config.Bundle {
	b := *standard(t)
	b.Hours.Units = map[string]config.UnitHours{"Veloria Shop Gran Vía": {TimeZone: "Atlantic/Canary", Week: map[string][]string{"tue": {"08:00-12:00"}, "sun": {"10:00-24:00"}}, Holidays: []config.Holiday{{Date: "2026-11-29"}}}}
	b.Hours.Teams = []config.Team{{Name: "overseas", TimeZone: "America/Bogota", Week: map[string][]string{"mon": {"00:00-24:00"}, "sat": {"09:00-18:00"}}, Platforms: []care.Platform{care.X, care.Facebook}, Languages: []string{"es"}}}
	data, err := config.Encode(&b)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// No rule set, however odd, and no post makes anything but the plan that the
// oracle expects, a text that its platform does not take, or a panic; and the
// trace says the same as the plan.
func TestArbitraryRulesAgainstTheOracle(t *testing.T) {
	base := withHours(t)
	seen := map[care.Action]int{}
	firedActions := map[care.Action]int{}
	check := func(t *rapid.T) {
		b := drawBundle(t, base)
		e := Compile(b)
		for range 4 {
			in := drawOddIn(t, b)
			plan := e.Decide(in)
			if d := cmp.Diff(plan, e.Decide(in)); d != "" {
				t.Fatalf("twice the same post, two plans:\n%s", d)
			}
			if d := cmp.Diff(plan, Decide(in)); d != "" {
				t.Fatalf("compiled again, another plan:\n%s", d)
			}
			seen[plan.Action]++
			if plan.Rule != "" {
				won, _ := b.Rule(plan.Rule)
				firedActions[won.Then.Action]++
			}
			holdPlan(t, in, plan)
			holdTrace(t, in, plan, e.Trace(in))
		}
	}
	for range 100 { // few rule sets fire with the rarer actions: go on until all have
		rapid.Check(t, check)
		if len(firedActions) == 6 {
			break
		}
	}
	for _, a := range []care.Action{"answer", "draft", "acknowledge", "move-to-private", "escalate", "watch"} {
		if firedActions[a] == 0 {
			t.Errorf("no rule with action %s ever fired, so it was not tested", a)
		}
	}
	if seen["answer"] == 0 || seen["tag"] != 0 || seen["move-to-private"] != 0 {
		t.Errorf("plans: %v", seen)
	}
}

// holdPlan holds a plan against the oracle.
func holdPlan(t *rapid.T, in In, plan care.Plan) {
	o := oracle{in}
	won, tags, _ := o.winner()
	want := care.Plan{Action: "watch", Else: "watch", Tags: slices.Compact(slices.Clone(tags))}
	if o.waits() {
		want.Else = "escalate"
	}
	want.Action = want.Else
	switch {
	case o.leftAlone():
		want.Action, want.Else = "watch", "watch"
	case won == nil && o.needsPerson():
		want.Action, want.Else = "escalate", "escalate"
	}
	if won != nil {
		want.Rule, want.Action, want.Queue, want.Template = won.Name, won.Then.Action, won.Then.Queue, won.Then.Template
	}
	if won != nil && hasWords(won.Then.Action) {
		want.Text, want.Lang = plan.Text, plan.Lang // held against other rules below
		if plan.Text == "" {
			want.Action = "escalate"
			if won.Then.Template == "plain" {
				t.Fatalf("the plain template is not said: %+v", plan.Reasons)
			}
			if !strings.HasSuffix(plan.Reasons[0].Text, "a person answers.") {
				t.Fatalf("nothing is said, and not why: %+v", plan.Reasons)
			}
		} else {
			holdText(t, in, plan)
			want.Private = in.Post.Private || won.Then.Private
			want.Limits = care.Limits{PerCustomerPerDay: won.Guards.MaxPerCustomerPerDay, PerDay: won.Guards.MaxPerDay, OncePerConversation: won.Guards.OncePerConversation}
			want.DelaySeconds = map[time.Duration]int{0: 0, time.Millisecond: 1, time.Minute: 60, 24 * time.Hour: 86400}[time.Duration(won.Guards.Delay)]
			switch won.Then.Action {
			case "draft":
				want.Limits, want.DelaySeconds, want.Else = care.Limits{}, 0, "escalate"
				want.ApproveBy = in.Now.Add(4 * time.Hour)
				if won.Then.ApproveWithin != 0 {
					want.ApproveBy = in.Now.Add(2 * time.Hour)
				}
			case "acknowledge":
				want.Else = "escalate"
			case "move-to-private":
				want.Action, want.Private = "answer", in.Post.Platform == "facebook" || in.Post.Platform == "instagram"
				want.Tags = append(want.Tags, "moved-to-private")
			}
		}
	}
	c, agent := in.Match.Customer, in.Match.Conversation.Agent != ""
	want.Seen = &care.Seen{At: in.Now, Known: in.Match.Known, Grade: in.Match.Grade, Tier: c.Tier, Value: c.Value, Attributes: c.Attributes,
		OptOut: c.Consent.OptOut, First: in.Match.First, AgentOnIt: agent, Storm: in.Storm}
	want.ConfigVersion, want.Reasons, want.Promised = in.Bundle.Version, plan.Reasons, plan.Promised
	slices.Sort(want.Tags)
	got := plan
	got.Tags = slices.Sorted(slices.Values(plan.Tags))
	want.Tags = slices.Compact(want.Tags)
	if len(want.Tags) == 0 {
		want.Tags = nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("the plan is not as the oracle says (-want +got):\n%s\n%+v", d, plan.Reasons)
	}
	for i, r := range plan.Reasons {
		if r.By == "" || !strings.HasSuffix(r.Text, ".") || i > 1+maxPassed {
			t.Fatalf("reasons %+v", plan.Reasons)
		}
	}
}

// holdText holds what is said against what may be said.
func holdText(t *rapid.T, in In, plan care.Plan) {
	said := plan.Text
	if !fitsPlatform(in.Post, said, plan.Private) {
		t.Fatalf("%d characters are too many for %s (private: %v): %q", utf8.RuneCountInString(said), in.Post.Platform, plan.Private, said)
	}
	if l := text.Measure(in.Post.Platform, said, plan.Private); !l.Fits || strings.TrimSpace(said) == "" || strings.Contains(said, "{{") || plan.Lang == "" {
		t.Fatalf("%s: %+v: %q", plan.Lang, l, said)
	}
	// It promises something if, and only if, the plan knows it.
	if promises := strings.Contains(said, "promise: "); promises == plan.Promised.IsZero() || promises && !plan.Promised.After(in.Now) {
		t.Fatalf("%q is said to promise %v", said, plan.Promised)
	}
	if goesOut := in.Now.Add(time.Duration(plan.DelaySeconds) * time.Second); strings.Contains(said, "open: ") && !(oracle{in}).openAt(goesOut) {
		t.Fatalf("%q is said to go out at %v, when nobody answers", said, goesOut)
	}
	if strings.Contains(said, "Dear ") && !(in.Match.Known && (in.Match.Grade == "asserted" || in.Match.Grade == "verified")) {
		t.Fatalf("a name is said of somebody not known: %q", said)
	}
}

// holdTrace holds a trace against the oracle and the plan.
func holdTrace(t *rapid.T, in In, plan care.Plan, trace Trace) {
	if !reflect.DeepEqual(trace.Plan, plan) || len(trace.Rules) != len(in.Bundle.Rules) {
		t.Fatalf("the trace has %d rules of %d, and a plan of its own:\n%s", len(trace.Rules), len(in.Bundle.Rules), cmp.Diff(plan, trace.Plan))
	}
	o := oracle{in}
	won, _, also := o.winner()
	if len(trace.Also) != also {
		t.Fatalf("%d conflicts, want %d: %q", len(trace.Also), also, trace.Also)
	}
	after := false
	for i, v := range trace.Rules {
		r := in.Bundle.Rules[i]
		day := o.local().Format("2006-01-02")
		want := ""
		switch {
		case r.Enabled != nil && !*r.Enabled, r.Starts != "" && day < r.Starts, r.Expires != "" && day > r.Expires:
			want = "off"
		case after:
			want = "after"
		case !o.fits(r):
			want = "passed"
		case o.leftAlone() || !o.mayFire(r):
			want = "held"
		case r.Then.Action == "tag":
			want = "tagged"
		default:
			want, after = "fired", true
			if won == nil || won.Name != r.Name {
				t.Fatalf("the oracle contradicts itself about %s", r.Name)
			}
		}
		if v.Rule != r.Name || v.Action != r.Then.Action || v.Status != want || v.Why == "" {
			t.Fatalf("%+v, want %s of %s", v, want, r.Name)
		}
		if (v.Status == "fired") != (plan.Rule == r.Name) {
			t.Fatalf("%+v, but the plan is by %q", v, plan.Rule)
		}
	}
}
