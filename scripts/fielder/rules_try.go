package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/match/importer"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/send"
	measure "github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage"
)

// attempt is what rules try finds out; its JSON form is what --json prints.
type attempt struct {
	Config   string          `json:"config"`
	At       time.Time       `json:"at"`
	Post     care.Post       `json:"post"`
	Triage   care.Triage     `json:"triage"`
	Priority float64         `json:"priority"` // 0..100, with the customer
	Match    care.Match      `json:"match"`
	Plan     care.Plan       `json:"plan"`
	Outcome  string          `json:"outcome"`         // what the post would end as
	Queue    string          `json:"queue,omitempty"` // where a person finds it
	Rules    []reply.Verdict `json:"rules"`
	// Conflicts are rules that would do something else were the winner not first.
	Conflicts []string `json:"conflicts,omitempty"`
	Answer    *answer  `json:"answer,omitempty"`

	detail string // the config, for people
	zone   *time.Location
}

// answer is what would be said.
type answer struct {
	As      string `json:"as"` // our handle
	Private bool   `json:"private"`
	// Shown is the text as the platform shows it, which may begin with a mention.
	Shown   string  `json:"shown"`
	Used    int     `json:"used"` // of Limit, in Unit
	Limit   int     `json:"limit"`
	Unit    string  `json:"unit"`
	CostUSD float64 `json:"costUsd"`
	// Allowed is whether the door would send it now; Door is its reasons. Caps
	// are what it would count, whether or not they are used up.
	Allowed bool          `json:"allowed"`
	Door    []care.Reason `json:"door,omitempty"`
	Caps    []care.Cap    `json:"caps,omitempty"`
}

// rulesTry shows what the rules would do with a post, and why.
func rulesTry(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules try", errs)
	var at where
	at.flags(f)
	dir := f.String("config", "", "a directory of the six files (default: "+ownConfig+")")
	platform := f.String("platform", "", "where it is written: "+platformNames())
	words := f.String("text", "", "what it says; - reads it from the standard input")
	private := f.Bool("private", false, "it is a direct message")
	kind := f.String("kind", "", "what sort of post it is (default: direct when private, post when not addressed, comment on Facebook and Instagram, else mention)")
	lang := f.String("lang", "", "the platform's language hint, for example es")
	account := f.String("account", "", "handle of the account of ours that it came in for (default: the first one there)")
	notAddressed := f.Bool("not-addressed", false, "the author did not turn to us")
	followers := f.Int("author-followers", -1, "the author's followers (default: the platform does not tell)")
	verified := f.Bool("author-verified", false, "the platform vouches for the author")
	first := f.Bool("first-contact", false, "it is the author's first post to us")
	agent := f.Bool("agent-on-it", false, "an agent has the conversation")
	storm := f.Bool("storm", false, "many write about the same right now")
	when := f.String("at", "", "when, in the brand's time zone: 2026-11-24 11:00, or 11:00 today (default: now)")
	customer := f.String("customer", "", "a customer of the running system, by our id (cus_...) or the one in your CRM")
	name := f.String("customer-name", "", "a known customer's name")
	value := f.Float64("customer-value", 0, "a known customer's yearly value")
	tier := f.String("tier", "", "a known customer's tier, for example gold")
	grade := f.String("grade", "", "how sure we are who it is: suggested, probable, verified or asserted (default: asserted)")
	optOut := f.Bool("opt-out", false, "a known customer who asked for no automated messages")
	asJSON := f.Bool("json", false, "print it as JSON, for machines")
	if err := parse(f, args); err != nil {
		return err
	}
	inline := *name != "" || *value != 0 || *tier != "" || *optOut
	grades := []care.Grade{"", care.GradeSuggested, care.GradeProbable, care.GradeVerified, care.GradeAsserted}
	switch {
	case f.NArg() > 0:
		return misuse(fmt.Sprintf("rules try takes the post with --text and the config with --config, got %q", f.Arg(0)))
	case !slices.Contains(care.Platforms(), care.Platform(*platform)):
		return misuse(fmt.Sprintf("--platform must be one of %s, not %q", platformNames(), *platform))
	case *words == "":
		return misuse(`what does the post say? fielder rules try --platform x --text "when do you open?"`)
	case *customer != "" && inline:
		return misuse("--customer looks the customer up; leave it out to say --customer-name, --customer-value, --tier or --opt-out yourself")
	case *customer == "" && !at.isLocal():
		return misuse("--stage says where to look a --customer up, and there is none")
	case *grade != "" && *customer == "" && !inline:
		return misuse("--grade is about a customer: say --customer, --customer-name, --customer-value or --tier, too")
	case !slices.Contains(grades, care.Grade(*grade)):
		return misuse(fmt.Sprintf("--grade must be suggested, probable, verified or asserted, not %q", *grade))
	case *kind != "" && !slices.Contains(kinds, care.Kind(*kind)):
		return misuse(fmt.Sprintf("--kind must be one of %s, not %q", join(kinds), *kind))
	case *private && *notAddressed:
		return misuse("--not-addressed and --private do not go together: who writes a direct message turns to us")
	case *followers < -1:
		return misuse("--author-followers cannot be negative")
	case *value < 0:
		return misuse("--customer-value cannot be negative")
	}
	if *words == "-" {
		raw, err := io.ReadAll(io.LimitReader(os.Stdin, care.MaxTextBytes+1))
		if err != nil {
			return err
		}
		if len(raw) > care.MaxTextBytes {
			return fmt.Errorf("the text has more than %d bytes, which no platform allows", care.MaxTextBytes)
		}
		*words = strings.TrimRight(string(raw), "\r\n")
	}
	if !utf8.ValidString(*words) {
		return fmt.Errorf("the text is not UTF-8")
	}
	bundle, detail, err := loadConfig(*dir, errs)
	if err != nil {
		return err
	}
	zone := bundle.Hours.Location()
	now, err := clockTime(*when, zone)
	if err != nil {
		return err
	}
	given := config.Given{Platform: care.Platform(*platform), Kind: care.Kind(*kind), Private: *private || care.Platform(*platform) == care.Messenger, Text: *words,
		Lang: *lang, At: now.Format(config.TestTime), NotAddressed: *notAddressed, Account: *account, Verified: *verified, FirstContact: *first, Storm: *storm, AgentOnIt: *agent}
	if *followers >= 0 {
		given.Followers = followers
	}
	if inline {
		given.Customer = &config.GivenCustomer{Name: *name, Tier: *tier, Value: *value, Grade: care.Grade(*grade), OptOut: *optOut}
	}
	var known *care.Customer
	if *customer != "" {
		if known, err = findCustomer(ctx, at, *customer); err != nil {
			return err
		}
	}
	in, err := reply.Input(bundle, given, triage.New(bundle.Brand, bundle.Routing).Triage)
	if err != nil {
		return err
	}
	if known != nil {
		in.Match.Customer, in.Match.Known, in.Match.Grade = *known, !known.Prospect, care.Grade(cmp.Or(*grade, string(care.GradeAsserted)))
	}
	a := try(bundle, in)
	a.detail, a.zone = detail, zone
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(a)
	}
	a.print(out)
	return nil
}

var kinds = []care.Kind{care.KindMention, care.KindReply, care.KindQuote, care.KindRepost, care.KindComment, care.KindPost, care.KindDirect, care.KindStoryReply, care.KindStoryMention}

func join[T ~string](list []T) string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// clockTime reads a time of the brand's clock.
func clockTime(s string, zone *time.Location) (time.Time, error) {
	now := time.Now().In(zone).Truncate(time.Minute)
	if s == "" {
		return now, nil
	}
	if t, err := time.ParseInLocation("15:04", s, zone); err == nil {
		return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, zone), nil
	}
	for _, layout := range []string{config.TestTime, "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(zone), nil
	}
	return time.Time{}, misuse(fmt.Sprintf("--at must be a time like 2026-11-24 11:00 (in %s), 11:00 or 2026-11-24T10:00:00Z, not %q", zone, s))
}

// findCustomer looks a customer up in the running system.
func findCustomer(ctx context.Context, at where, id string) (*care.Customer, error) {
	s, err := reach(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, id := range []care.CustomerID{care.CustomerID(id), importer.CustomerID(id)} {
		c, err := s.table.Customer(ctx, id)
		if err == nil {
			return &c, nil
		}
		if care.CodeOf(err) != care.NotFound {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s knows no customer %q, neither by our id nor by the one in your CRM", s.name, id)
}

// try decides a post and asks the door.
func try(b *config.Bundle, in reply.In) attempt {
	trace := reply.Compile(b).Trace(in)
	a := attempt{Config: b.Version, At: in.Now, Post: in.Post, Triage: in.Triage, Match: in.Match, Plan: trace.Plan, Rules: trace.Rules, Conflicts: trace.Also}
	a.Priority, _ = triage.Priority(in.Triage, &in.Match, in.Post, b.Routing.Weights, 0)
	a.Outcome = string(care.OutcomeEscalated)
	switch {
	case in.Triage.Relevance == care.RelevanceChatter:
		// Intake never asks the rules about chatter.
		a.Outcome, a.Plan, a.Rules, a.Conflicts = string(care.OutcomeIgnored), care.Plan{}, nil, nil
		return a
	case a.Plan.Action == care.ActionWatch:
		a.Outcome = string(care.OutcomeRecorded)
	case a.Plan.Action == care.ActionAnswer:
		a.Outcome = string(care.OutcomeAnswered)
	}
	if a.Plan.Text != "" {
		a.Answer = answerOf(b, in, a.Plan)
		if a.Plan.Action == care.ActionAnswer && !a.Answer.Allowed {
			a.Outcome = string(care.OutcomeEscalated)
			if a.Plan.Else == care.ActionWatch {
				a.Outcome = string(care.OutcomeRecorded)
			}
		}
	}
	if a.Outcome == string(care.OutcomeEscalated) {
		a.Queue = cmp.Or(a.Plan.Queue, escalate.Route(b.Routing, in.Post, in.Triage, in.Match, a.Priority))
	}
	return a
}

func answerOf(b *config.Bundle, in reply.In, plan care.Plan) *answer {
	// A draft waits; whether the door lets it out is asked as if it were now, and
	// as for a machine, which is stricter than for the person who approves it.
	door := send.Look(send.Request{Kind: send.KindReply, Post: in.Post, Plan: plan, Match: in.Match, Triage: in.Triage}, b, in.Now)
	a := &answer{Private: plan.Private || in.Post.Private, Shown: plan.Text, CostUSD: door.CostUSD, Allowed: door.Verdict.Allowed, Door: door.Verdict.Reasons}
	for _, c := range door.Caps {
		a.Caps = append(a.Caps, c.Cap)
	}
	for _, own := range b.Brand.Accounts {
		if own.Platform == in.Post.Platform && own.ID == in.Post.Account {
			a.As = own.Handle
		}
	}
	if at := "@" + in.Post.Author.Handle; in.Post.Platform == care.Mastodon && !strings.Contains(strings.ToLower(plan.Text), strings.ToLower(at)) {
		a.Shown = at + " " + plan.Text // a mention reaches the author
	}
	l := measure.Measure(in.Post.Platform, a.Shown, a.Private)
	a.Used, a.Limit, a.Unit = l.Used, l.Limit, l.Unit
	return a
}

// print shows an attempt to people.
func (a *attempt) print(out io.Writer) {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	p, t := a.Post, a.Triage
	say("Post      %s on %s, %s, %s", p.Kind, p.Platform, placeOf(p.Private), a.At.In(a.zone).Format("Mon 2006-01-02 15:04 MST"))
	say("          %q", plain(p.Text))
	say("Config    %s (%s)", a.detail, a.Config)
	say("Customer  %s", customerLine(a.Match))

	found := []string{string(t.Relevance), orNone(t.Lang), "intent " + orNone(t.Intent)}
	if t.Intent != "" {
		found[2] += fmt.Sprintf(" (%.2f)", t.IntentScore)
	}
	found = append(found, fmt.Sprintf("sentiment %+.2f", t.Sentiment), "severity "+t.Severity.String(), fmt.Sprintf("priority %.0f", a.Priority))
	for _, x := range []struct {
		is   bool
		name string
	}{{t.Question, "question"}, {t.Complaint, "complaint"}, {t.Praise, "praise"}, {len(t.PersonalData) > 0, "personal data: " + strings.Join(t.PersonalData, ", ")},
		{len(t.Products) > 0, "products: " + strings.Join(t.Products, ", ")}, {len(t.Units) > 0, "units: " + strings.Join(t.Units, ", ")},
		{len(t.Competitors) > 0, "competitors: " + strings.Join(t.Competitors, ", ")}} {
		if x.is {
			found = append(found, x.name)
		}
	}
	say("\nTriage    %s", plain(strings.Join(found, ", ")))
	reasons(out, t.Reasons)
	if a.Outcome == string(care.OutcomeIgnored) {
		say("\nDecision  ignored: it is chatter, and the rules are not asked about chatter")
		return
	}
	decision := string(a.Plan.Action)
	if a.Plan.Rule != "" {
		decision += ", by rule " + plain(a.Plan.Rule)
	} else {
		decision += ", by no rule"
	}
	decision += "; it ends " + a.Outcome
	if a.Queue != "" {
		decision += " in queue " + plain(a.Queue)
	}
	if len(a.Plan.Tags) > 0 {
		decision += "; tags: " + plain(strings.Join(a.Plan.Tags, ", "))
	}
	say("\nDecision  %s", decision)
	reasons(out, a.Plan.Reasons)
	if a.Answer != nil {
		a.printAnswer(out)
	}
	printRules(out, a.Rules)
	if len(a.Conflicts) > 0 {
		say("\nConflicts")
		for _, c := range a.Conflicts {
			say("  %s", plain(c))
		}
	}
}

func (a *attempt) printAnswer(out io.Writer) {
	w := a.Answer
	head := "Answer"
	switch a.Plan.Action {
	case care.ActionDraft:
		head = "Draft"
	case care.ActionAcknowledge:
		head = "First"
	}
	cost := "free of charge"
	if w.CostUSD > 0 {
		cost = fmt.Sprintf("$%.3f at list price", w.CostUSD)
	}
	fmt.Fprintf(out, "\n%-9s %s, %d of %d %s, %s\n", head, placeOf(w.Private), w.Used, w.Limit, w.Unit, cost)
	box(out, "@"+w.As, w.Shown)
	if n := a.Plan.DelaySeconds; n > 0 {
		fmt.Fprintf(out, "          it waits %s before it goes out, and everything is asked again then\n", time.Duration(n)*time.Second)
	}
	if !a.Plan.Promised.IsZero() {
		fmt.Fprintf(out, "          it promises to be heard from by %s\n", a.Plan.Promised.In(a.zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	if !a.Plan.ApproveBy.IsZero() {
		fmt.Fprintf(out, "          it waits for a person's approval until %s\n", a.Plan.ApproveBy.In(a.zone).Format("Mon 2006-01-02 15:04 MST"))
	}
	verdict := "would send it now"
	if !w.Allowed {
		verdict = "would refuse it"
	}
	fmt.Fprintf(out, "Door      %s\n", verdict)
	reasons(out, w.Door)
	for _, c := range w.Caps {
		fmt.Fprintf(out, "    - counts as %s\n", plain(capLine(c, a.Plan.Rule)))
	}
}

// capLine says in words what a cap caps.
func capLine(c care.Cap, rule string) string {
	kind, rest, _ := strings.Cut(c.Name, ":")
	switch {
	case kind == "budget":
		return fmt.Sprintf("$%.3f of the $%.2f that automated replies on %s may cost per day", float64(c.Amount)/1e6, float64(c.Limit)/1e6, rest)
	case kind == "once":
		return "the one answer of the rule in this conversation"
	case c.Name == "rule:"+rule:
		return fmt.Sprintf("one of the rule's %d answers per day", c.Limit)
	case kind == "rule":
		return fmt.Sprintf("one of the rule's %d answers to this author per day", c.Limit)
	}
	return fmt.Sprintf("one of %d automated replies to this author per day", c.Limit)
}

func customerLine(m care.Match) string {
	var notes []string
	c := m.Customer
	if m.First {
		notes = append(notes, "first contact")
	}
	if m.Conversation.Agent != "" {
		notes = append(notes, "an agent has the conversation")
	}
	if !m.Known {
		return strings.Join(append([]string{"unknown"}, notes...), ", ")
	}
	line := []string{plain(cmp.Or(c.Name, "known, without a name")), "match " + string(m.Grade)}
	if c.Tier != "" {
		line = append(line, plain(c.Tier))
	}
	if c.Value != 0 {
		line = append(line, fmt.Sprintf("worth %.0f a year", c.Value))
	}
	for _, k := range slices.Sorted(maps.Keys(c.Attributes)) {
		line = append(line, plain(k+"="+c.Attributes[k]))
	}
	if c.Consent.OptOut {
		line = append(line, "wants no automated messages")
	}
	return strings.Join(append(line, notes...), ", ")
}

func reasons(out io.Writer, list []care.Reason) {
	for _, r := range list {
		fmt.Fprintf(out, "    - %s: %s\n", plain(r.By), plain(r.Text))
	}
}

// box draws a text as a platform shows it: below the name of who speaks.
func box(out io.Writer, head, body string) {
	const width = 66
	var lines []string
	for para := range strings.SplitSeq(strings.ReplaceAll(body, "\r", ""), "\n") {
		line := ""
		for _, word := range strings.Fields(plain(para)) {
			for utf8.RuneCountInString(word) > width { // a link, or no spaces at all
				runes := []rune(word)
				if line != "" {
					lines, line = append(lines, line), ""
				}
				lines, word = append(lines, string(runes[:width])), string(runes[width:])
			}
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
				lines, line = append(lines, line), word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	head = plain(head)
	fmt.Fprintf(out, "  ┌─ %s %s┐\n", head, strings.Repeat("─", max(1, width-1-utf8.RuneCountInString(head))))
	for _, l := range lines {
		fmt.Fprintf(out, "  │ %s%s │\n", l, strings.Repeat(" ", width-utf8.RuneCountInString(l)))
	}
	fmt.Fprintf(out, "  └%s┘\n", strings.Repeat("─", width+2))
}
