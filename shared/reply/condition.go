package reply

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// check is one condition of a rule and, when it does not hold, why, in words
// that hold nothing of the author's.
type check struct {
	ok  bool
	why string
}

func firstFailure(checks []check) string {
	for _, c := range checks {
		if !c.ok {
			return c.why
		}
	}
	return ""
}

// when checks a rule's conditions.
func (d *decision) when(r *config.Rule) []check {
	checks := d.condition(&r.When)
	if r.Then.Action == care.ActionAnswer && !asksRelevance(&r.When) {
		checks = append(checks, check{d.Triage.Relevance == care.RelevanceAddressed, "the author did not turn to us"})
	}
	return checks
}

// asksRelevance is true when a condition says itself how relevant a post must be.
func asksRelevance(w *config.Condition) bool {
	ask := func(c config.Condition) bool { return asksRelevance(&c) }
	return len(w.Relevance) > 0 || slices.ContainsFunc(w.All, ask) || slices.ContainsFunc(w.Any, ask)
}

func (d *decision) condition(w *config.Condition) []check {
	t, p, m := d.Triage, d.Post, d.Match
	var checks []check
	add := func(ok bool, why string, args ...any) {
		c := check{ok: ok}
		if !ok {
			c.why = fmt.Sprintf(why, args...)
		}
		checks = append(checks, c)
	}
	if len(w.Intents) > 0 {
		intent := t.Intent
		if intent == "" {
			intent = "not known"
		}
		add(slices.Contains(w.Intents, t.Intent), "the intent is %s", intent)
	}
	if w.MinIntentScore > 0 {
		add(t.IntentScore >= w.MinIntentScore, "the intent is not sure enough (%.2f of %.2f)", t.IntentScore, w.MinIntentScore)
	}
	if s := w.Sentiment; s != nil {
		if s.Min != nil {
			add(t.Sentiment >= *s.Min, "the tone is too negative (%.2f, at least %.2f)", t.Sentiment, *s.Min)
		}
		if s.Max != nil {
			add(t.Sentiment <= *s.Max, "the tone is too positive (%.2f, at most %.2f)", t.Sentiment, *s.Max)
		}
	}
	if s := w.Severity; s != nil {
		if lo, ok := config.SeverityOf(s.Min); ok {
			add(t.Severity >= lo, "the severity is %s, below %s", t.Severity, lo)
		}
		if hi, ok := config.SeverityOf(s.Max); ok {
			add(t.Severity <= hi, "the severity is %s, above %s", t.Severity, hi)
		}
	}
	if len(w.Platforms) > 0 {
		add(slices.Contains(w.Platforms, p.Platform), "the platform is %s", p.Platform)
	}
	if len(w.Kinds) > 0 {
		add(slices.Contains(w.Kinds, p.Kind), "the kind of post is %s", p.Kind)
	}
	yes := func(want *bool, is bool, what string) {
		if want != nil {
			if *want {
				add(is, "it is not %s", what)
			} else {
				add(!is, "it is %s", what)
			}
		}
	}
	yes(w.Private, p.Private, "private")
	if len(w.Languages) > 0 {
		add(slices.Contains(w.Languages, primary(t.Lang)), "the language is %s", t.Lang)
	}
	if len(w.Keywords) > 0 {
		add(slices.ContainsFunc(w.Keywords, d.holds), "it holds none of the keywords")
	}
	if len(w.Relevance) > 0 {
		add(slices.Contains(w.Relevance, t.Relevance), "the relevance is %s", t.Relevance)
	}
	yes(w.Question, t.Question, "a question")
	yes(w.Complaint, t.Complaint, "a complaint")
	yes(w.Praise, t.Praise, "praise")
	yes(w.PersonalData, len(t.PersonalData) > 0, "a post with personal data")
	if w.Hours != "" {
		add(d.Bundle.Hours.Open(d.Now) == (w.Hours == "open"), "the hours are not %s now", w.Hours)
	}
	if k := w.Customer; k != nil {
		if k.Known != nil {
			if *k.Known {
				add(m.Known, "the author is not a known customer")
			} else {
				add(!m.Known, "the author is a known customer")
			}
		}
		if len(k.Tiers) > 0 {
			add(m.Known && slices.Contains(k.Tiers, m.Customer.Tier), "the customer's tier is another one")
		}
		if k.MinValue != nil {
			add(m.Known && m.Customer.Value >= *k.MinValue, "the customer's value is not known to be %.0f or more", *k.MinValue)
		}
		if len(k.Grades) > 0 {
			add(slices.Contains(k.Grades, m.Grade), "the match with a customer is of another grade")
		}
		for name, value := range k.Attributes {
			if got, has := m.Customer.Attributes[name]; !has || got != value {
				add(false, "the customer's attributes are others")
				break
			}
		}
	}
	if w.FirstContact != nil {
		if *w.FirstContact {
			add(m.First, "it is not the author's first post to us")
		} else {
			add(!m.First, "it is the author's first post to us")
		}
	}
	for i := range w.All {
		checks = append(checks, d.condition(&w.All[i])...)
	}
	if len(w.Any) > 0 {
		ok := false
		for i := range w.Any {
			ok = ok || firstFailure(d.condition(&w.Any[i])) == ""
		}
		add(ok, "none of its alternatives holds")
	}
	if w.Not != nil {
		add(firstFailure(d.condition(w.Not)) != "", "what it excludes is the case")
	}
	return checks
}

// guard is why a rule is held back although its conditions hold, "" when nothing
// holds it back. A rule that answers has two guards unless it says otherwise:
// nothing graver than medium, no personal data shown in public.
func (d *decision) guard(r *config.Rule) string {
	g, t := r.Guards, d.Triage
	answers := r.Then.Action == care.ActionAnswer
	if g.Hours != "" && d.Bundle.Hours.Open(d.Now) != (g.Hours == "open") {
		return fmt.Sprintf("it holds only while we are %s", g.Hours)
	}
	if n := g.NotIfNegativeAbove; n != nil && -t.Sentiment > *n {
		return fmt.Sprintf("the tone is too negative for it (%.2f, at least %.2f)", t.Sentiment, -*n)
	}
	most, limited := config.SeverityOf(g.NotIfSeverityAbove)
	if !limited && answers {
		most, limited = care.SeverityMedium, true
	}
	if limited && t.Severity > most {
		return fmt.Sprintf("the severity is %s, above %s", t.Severity, most)
	}
	personal := answers
	if g.NotIfPersonalData != nil {
		personal = *g.NotIfPersonalData
	}
	if personal && !d.Post.Private && len(t.PersonalData) > 0 {
		return "the post shows personal data in public"
	}
	if v := g.NotForKnownWithValueAbove; v != nil && d.Match.Known && d.Match.Customer.Value > *v {
		return fmt.Sprintf("customers worth more than %.0f a year get a person", *v)
	}
	return ""
}

// holds says whether the post holds a word or phrase, as whole words, whatever
// its case and accents.
func (d *decision) holds(word string) bool {
	w := strings.TrimSpace(fold(word))
	if w == "" {
		return false
	}
	for from := 0; ; {
		i := strings.Index(d.folded[from:], w)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(d.folded[:i])
		after, _ := utf8.DecodeRuneInString(d.folded[i+len(w):])
		if !partOfWord(before) && !partOfWord(after) {
			return true
		}
		from = i + 1
	}
}

func partOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// fold makes texts comparable: as text.Fold does, with single spaces and plain
// apostrophes.
func fold(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text.Fold(s)), " "), "’", "'")
}

// primary is the language of a tag: "es" of "es-MX".
func primary(tag string) string {
	lang, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(lang)
}
