package reply

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/policy"
)

// Lint finds what is wrong with rules that are each well-formed: rules that can
// never fire, that an earlier rule takes everything from, or that a platform's
// policy will always refuse; templates and variables that nobody uses, texts
// that some authors cannot be told, links that cost money, rules that no test
// tries. Those are warnings. A text that is too long for a platform, with the
// longest values that its variables may have, is an error: nobody would get it.
//
// A warning is never wrong: where Lint cannot be sure, it says nothing. It looks
// at today and later; what is expired never fires. Findings come in the order of
// the files.
func Lint(b *config.Bundle) []config.Finding { return lint(b, time.Now()) }

func lint(b *config.Bundle, now time.Time) []config.Finding {
	l := &linter{b: b, now: now, w: newWorld(b, now), rules: make([]linted, len(b.Rules)), refusals: map[string]string{}}
	for i := range b.Rules {
		l.rules[i] = l.look(&b.Rules[i])
	}
	for i := range l.rules {
		if l.rules[i].dead {
			l.neverFires(i)
			continue
		}
		l.shadowed(i)
		l.refused(i)
		l.partlyDead(i)
	}
	l.refusedEverywhere()
	l.untested()
	l.texts()
	l.unused()
	slices.SortStableFunc(l.findings, func(a, b config.Finding) int {
		return slices.Index(config.Files(), a.File) - slices.Index(config.Files(), b.File)
	})
	return l.findings
}

type linter struct {
	b        *config.Bundle
	now      time.Time
	w        *world
	rules    []linted
	refusals map[string]string // why policy refuses, by what is asked; see refusal
	silenced []silence
	words    map[any]string
	findings []config.Finding
}

// linted is what Lint knows of a rule.
type linted struct {
	*config.Rule
	demands []demand
	boxes   []box   // when it fires
	whole   bool    // boxes are known; there were not too many
	dead    bool    // it never fires
	surely  formula // what makes it fire, whatever the kill switch says
}

func (l *linter) look(r *config.Rule) linted {
	out := linted{Rule: r, demands: l.w.rule(l.b, r, false), surely: conjunction(l.w.rule(l.b, r, true))}
	out.boxes, out.whole = l.w.boxes(conjunction(out.demands))
	out.dead = out.whole && len(out.boxes) == 0
	return out
}

func (l *linter) warn(file, path, format string, args ...any) {
	l.findings = append(l.findings, config.Finding{File: file, Path: path, Message: fmt.Sprintf(format, args...), Warning: true})
}

// rulePath is the place of something in a rule.
func rulePath(i int, path string) string { return fmt.Sprintf("rules[%d].%s", i, path) }

// neverFires explains a dead rule by the least that makes it dead.
func (l *linter) neverFires(i int) {
	r := &l.rules[i]
	path, why := l.contradiction(r.demands)
	l.warn("rules.yaml", rulePath(i, path), "rule %s can never fire: %s", r.Name, why)
}

// contradiction says what of some demands excludes each other, and where the last
// of it stands.
func (l *linter) contradiction(list []demand) (path, why string) {
	for i := 0; i < len(list) && l.w.work <= maxWork; {
		without := slices.Delete(slices.Clone(list), i, i+1)
		if boxes, ok := l.w.boxes(conjunction(without)); ok && len(boxes) == 0 {
			list = without
		} else {
			i++
		}
	}
	var words []string
	for _, d := range list {
		words = append(words, d.words)
	}
	path = list[len(list)-1].path
	switch n := len(list); {
	case n > 5: // more than anybody takes in, or too much work to find the least
		return path, "what it asks excludes each other"
	case n > 1:
		return path, fmt.Sprintf("%s and %s exclude each other", strings.Join(words[:n-1], ", "), words[n-1])
	case strings.HasPrefix(words[0], "it "): // a whole sentence: it is switched off
		return path, words[0]
	default:
		return path, words[0] + " is impossible"
	}
}

// partlyDead finds the alternatives, intents and platforms of a rule for which
// it can never fire.
func (l *linter) partlyDead(i int) {
	r := &l.rules[i]
	for d, one := range r.demands {
		if l.w.work > maxWork {
			return
		}
		others := slices.Delete(slices.Clone(r.demands), d, d+1)
		for n, alternative := range one.alternatives {
			all := append(slices.Clone(others), alternative...)
			if boxes, ok := l.w.boxes(conjunction(all)); ok && len(boxes) == 0 {
				_, why := l.contradiction(all)
				l.warn("rules.yaml", rulePath(i, fmt.Sprintf("%s[%d]", one.path, n)), "this alternative of rule %s can never hold: %s", r.Name, why)
			}
		}
		about := factIntent
		if one.what == "platform" {
			about = factPlatform
		}
		for n, name := range one.names {
			if len(one.names) == 1 || !r.whole || slices.ContainsFunc(r.boxes, func(b box) bool { return l.w.of(&b, about).has(l.w.names[about][name]) }) {
				continue
			}
			all := append(slices.Clone(others), demand{words: "the " + one.what + " " + name, formula: l.w.oneOf(about, name)})
			_, why := l.contradiction(all)
			l.warn("rules.yaml", rulePath(i, fmt.Sprintf("%s[%d]", one.path, n)), "rule %s can never fire for the %s %s: %s", r.Name, one.what, name, why)
		}
	}
}

// shadowed finds rules, or intents of a rule, that earlier rules take away
// altogether.
func (l *linter) shadowed(i int) {
	r := &l.rules[i]
	if !r.whole {
		return
	}
	var rest []demand // what names the intents, if one thing does
	for _, d := range r.demands {
		if d.what == "intent" && len(d.names) > 1 {
			rest = append(rest, d)
		}
	}
	if len(rest) != 1 {
		if by := l.takers(i, r.boxes); len(by) > 0 {
			l.warn("rules.yaml", rulePath(i, "when"), "rule %s is never reached: %s before it", r.Name, takes(by, "everything that it would"))
		}
		return
	}
	var (
		intents = rest[0]
		all     []string
		taken   = map[int][]string{}
		alive   int
	)
	for n, name := range intents.names {
		only, _ := l.w.expand(r.boxes, l.w.oneOf(factIntent, name))
		if len(only) == 0 {
			continue // partlyDead has said so
		}
		alive++
		if by := l.takers(i, only); len(by) > 0 {
			taken[n] = by
			all = append(all, by...)
		}
	}
	if len(taken) == alive {
		slices.Sort(all)
		l.warn("rules.yaml", rulePath(i, "when"), "rule %s is never reached: %s before it", r.Name, takes(slices.Compact(all), "everything that it would"))
		return
	}
	for _, n := range slices.Sorted(maps.Keys(taken)) {
		l.warn("rules.yaml", rulePath(i, fmt.Sprintf("%s[%d]", intents.path, n)), "rule %s is never reached for the intent %s: %s before it", r.Name, intents.names[n], takes(taken[n], "it"))
	}
}

func takes(by []string, what string) string {
	verb := "takes"
	if len(by) > 1 {
		verb = "take"
	}
	return fmt.Sprintf("%s %s %s", and(by), verb, what)
}

// and lists names: "a, b and c".
func and(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}

// takers names the earlier rules that surely fire wherever one of the boxes of
// rule i would; none unless all of the boxes are taken.
func (l *linter) takers(i int, boxes []box) []string {
	var by []string
	for n := range boxes {
		j := slices.IndexFunc(l.rules[:i], func(r linted) bool {
			return r.Then.Action != config.ActionTag && l.w.implies(&boxes[n], &r.surely)
		})
		if j < 0 {
			return nil
		}
		if name := l.rules[j].Name; !slices.Contains(by, name) {
			by = append(by, name)
		}
	}
	return by
}

// silence is a platform on which policy refuses rules that name no platform.
type silence struct {
	platform care.Platform
	why      string
	rules    []string
}

// refused finds the platforms on which the door will always refuse what a rule
// says. Where the rule does not name its platforms, what is wrong is rather with
// our account, and is said once for all such rules.
func (l *linter) refused(i int) {
	r := &l.rules[i]
	if !config.Says(r.Then.Action) || !r.whole {
		return
	}
	named := slices.ContainsFunc(r.demands, func(d demand) bool { return d.what == "platform" })
	var open int
	var why []string
	var found []silence
	for _, p := range care.Platforms() {
		text, possible := l.refusal(r, p)
		switch {
		case !possible:
		case text == "":
			open++
		default:
			why = append(why, fmt.Sprintf("on %s: %s", p, text))
			found = append(found, silence{platform: p, why: text, rules: []string{r.Name}})
		}
	}
	switch {
	case len(why) > 0 && open == 0:
		l.warn("rules.yaml", rulePath(i, "then"), "policy will always refuse what rule %s says; %s", r.Name, strings.Join(why, " "))
	case named:
		for _, f := range found {
			l.warn("rules.yaml", rulePath(i, "then"), "on %s policy will always refuse what rule %s says: %s", f.platform, r.Name, f.why)
		}
	default:
		for _, f := range found {
			n := slices.IndexFunc(l.silenced, func(s silence) bool { return s.platform == f.platform && s.why == f.why })
			if n < 0 {
				l.silenced = append(l.silenced, f)
			} else {
				l.silenced[n].rules = append(l.silenced[n].rules, r.Name)
			}
		}
	}
}

func (l *linter) refusedEverywhere() {
	for _, s := range l.silenced {
		path := "accounts"
		if n := slices.IndexFunc(l.b.Brand.Accounts, func(a config.Account) bool { return a.Platform == s.platform }); n >= 0 {
			path = fmt.Sprintf("accounts[%d]", n)
		}
		rules := "rule " + and(s.rules)
		if n := len(s.rules); n > 3 {
			rules = fmt.Sprintf("rules %s and %d others", strings.Join(s.rules[:2], ", "), n-2)
		} else if n > 1 {
			rules = "rules " + and(s.rules)
		}
		l.warn("brand.yaml", path, "on %s policy will always refuse what %s say: %s", s.platform, rules, s.why)
	}
}

// refusal is why policy refuses what a rule says on a platform even in the best
// case that its conditions allow, "" when it may say it; possible is false when
// the rule cannot fire there, or no account of ours is known there.
func (l *linter) refusal(r *linted, p care.Platform) (why string, possible bool) {
	kinds, relevance, privacy, labels := newBitset(l.w.size(factKind)), newBitset(l.w.size(factRelevance)), newBitset(2), newBitset(2)
	for n := range r.boxes {
		b := &r.boxes[n]
		if !l.w.of(b, factPlatform).has(l.w.names[factPlatform][string(p)]) {
			continue
		}
		here, ok := l.w.narrow(*b, l.w.oneOf(factPlatform, string(p)))
		if !ok {
			continue
		}
		possible = true
		kinds, relevance = kinds.or(l.w.of(&here, factKind)), relevance.or(l.w.of(&here, factRelevance))
		labels = labels.or(l.w.of(&here, factAutomated))
		for private := range 2 {
			if _, ok := l.w.narrow(here, l.w.yes(factPrivate, private == 1)); ok {
				privacy.set(private)
			}
		}
	}
	if !possible {
		return "", false
	}
	key := fmt.Sprint(p, r.Then.Action, r.Then.Private, kinds, relevance, privacy, labels)
	if why, ok := l.refusals[key]; ok {
		return strings.TrimPrefix(why, "?"), why != "?"
	}
	why, possible = l.ask(r, p, kinds, relevance, privacy, labels)
	l.refusals[key] = why
	if !possible {
		l.refusals[key] = "?"
	}
	return why, possible
}

// ask tries every post that a rule might answer on a platform until policy
// allows one. Everything that no condition can ask is as good as it may be.
func (l *linter) ask(r *linted, p care.Platform, kinds, relevance, privacy, labels bitset) (why string, possible bool) {
	sender := policy.Bot
	if r.Then.Action == care.ActionDraft {
		sender = policy.Agent
	}
	// Who turned to us is addressed, or chatter; the others neither addressed us
	// nor wrote in our thread (triage).
	engaged := relevance.has(l.w.names[factRelevance][string(care.RelevanceAddressed)]) || relevance.has(l.w.names[factRelevance][string(care.RelevanceChatter)])
	for _, account := range l.b.Brand.Accounts {
		label := 0
		if account.Automated {
			label = 1
		}
		if account.Platform != p || !labels.has(label) {
			continue
		}
		possible = true
		for private := range 2 {
			if !privacy.has(private) {
				continue
			}
			for _, kind := range allKinds {
				if !kinds.has(l.w.names[factKind][string(kind)]) {
					continue
				}
				for _, last := range []time.Time{{}, l.now} {
					v := policy.MaySend(policy.Request{Now: l.now, Platform: p, Tier: account.Tier, Sender: sender, Kind: policy.Reply,
						Private: goesPrivate(&r.Then, p, private == 1), AccountAutomated: account.Automated, LastCustomerPost: last,
						Post: care.Post{Platform: p, NativeID: "1", Account: account.ID, Kind: kind, Private: private == 1,
							Addressed: engaged, InOurThread: engaged, CreatedAt: l.now}})
					if v.Allowed {
						return "", true
					}
					if why == "" {
						why = v.Reasons[0].Text
					}
				}
			}
		}
	}
	return why, possible
}

// goesPrivate says whether what a rule says goes out in private.
func goesPrivate(t *config.Then, p care.Platform, private bool) bool {
	return private || t.Private || t.Action == config.ActionMove && (p == care.Facebook || p == care.Instagram)
}

// untested finds rules and outcomes that no test expects.
func (l *linter) untested() {
	rules, actions, tags := map[string]bool{}, map[care.Action]bool{}, map[string]bool{}
	none := false
	for _, t := range l.b.Tests {
		rules[t.Expect.Rule], actions[t.Expect.Action] = true, true
		none = none || t.Expect.NoRule
		for _, tag := range t.Expect.Tags {
			tags[tag] = true
		}
		if r, ok := l.b.Rule(t.Expect.Rule); ok { // whoever expects a rule expects what it does
			actions[outcome(r.Then.Action)] = true
		}
	}
	said := map[care.Action]bool{}
	for i := range l.rules {
		r := &l.rules[i]
		if r.dead {
			continue // no test can expect it
		}
		tested := rules[r.Name]
		if r.Then.Action == config.ActionTag {
			tested = slices.ContainsFunc(r.Then.Tags, func(t string) bool { return tags[t] })
		}
		if !tested {
			l.warn("rules.yaml", fmt.Sprintf("rules[%d]", i), "no test expects rule %s", r.Name)
		}
		if a := outcome(r.Then.Action); a != "" && !actions[a] && !said[a] {
			said[a] = true
			l.warn("rules.yaml", rulePath(i, "then.action"), "no test expects the action %s", a)
		}
	}
	if len(l.b.Rules) > 0 && !none {
		l.warn("rules.yaml", "tests", "no test expects that no rule fires (noRule: true)")
	}
}

// outcome is the action of a plan that a rule's action comes down to, "" for
// none.
func outcome(a care.Action) care.Action {
	switch a {
	case config.ActionMove:
		return care.ActionAnswer
	case config.ActionTag:
		return ""
	}
	return a
}

// unused finds templates and variables that nobody uses, and templates that lack
// one of the brand's languages.
func (l *linter) unused() {
	used := map[string]bool{l.b.Followup.Template: true}
	for _, r := range l.b.Rules {
		used[r.Then.Template] = true
	}
	variables := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(l.b.Templates)) {
		t := l.b.Templates[name]
		if !used[name] {
			l.warn("templates.yaml", "templates."+name+"#key", "nothing uses template %s", name)
		}
		var missing []string
		for _, lang := range l.b.Brand.Languages {
			if _, ok := t.Text[lang]; !ok {
				missing = append(missing, lang)
			}
		}
		if t.Fallback == "" && len(missing) > 0 {
			l.warn("templates.yaml", "templates."+name, "template %s has no text in %s and no fallback: authors who write that get a person instead", name, and(missing))
		}
		eachText(t, func(_, _, said string) {
			list, err := config.Placeholders(said)
			if err != nil {
				return // refused by Load and Parse
			}
			for _, v := range list {
				variables[v] = true
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(l.b.Variables)) {
		if !variables[name] {
			l.warn("templates.yaml", "variables."+name+"#key", "no template uses variable %s", name)
		}
	}
}

// eachText visits every text of a template: its language, its place below the
// template, and what it says.
func eachText(t config.Template, visit func(lang, path, said string)) {
	for _, lang := range slices.Sorted(maps.Keys(t.Text)) {
		one := func(path string, tone config.Tone) {
			for i, v := range tone.Variants {
				visit(lang, fmt.Sprintf("%s.variants[%d]", path, i), v)
			}
			if tone.Short != "" {
				visit(lang, path+".short", tone.Short)
			}
		}
		x := t.Text[lang]
		one("text."+lang, config.Tone{Variants: x.Variants, Short: x.Short})
		for _, p := range slices.Sorted(maps.Keys(x.Platforms)) {
			one("text."+lang+".platforms."+string(p), x.Platforms[p])
		}
	}
}
