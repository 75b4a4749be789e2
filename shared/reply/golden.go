package reply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Failure is a golden example that does not come out as it should.
type Failure struct {
	Test string
	// File and Path say where the example stands: "rules.yaml", "tests[3].expect".
	File, Path string
	// Message is what was expected and what came instead, one difference per line,
	// and then why.
	Message string
	// Off names rules that are switched off; were they on, the example would come
	// out as it should. Then nothing is wrong, and nobody is kept from switching a
	// rule off in a hurry.
	Off string
}

func (f Failure) String() string { return f.Test + ": " + f.Message }

// Senses are what golden examples need beside the rules.
type Senses struct {
	// Triage reads a post. Without it, examples fail that do not assume what it
	// finds.
	Triage func(care.Post) care.Triage
	// Route names the queue of a post that a person gets and whose rule names none.
	// Without it, examples fail that expect the queue of such a post.
	Route func(b *config.Bundle, p care.Post, t care.Triage, m care.Match) string
}

// RunTests runs the golden examples of a bundle, those of all six files. They prove
// what the rules do when the kill switch is not on: else nobody could throw it
// without rewriting them all.
func RunTests(b *config.Bundle, s Senses) []Failure {
	unstopped := *b
	unstopped.Stop = config.Stop{}
	b = &unstopped
	var (
		failures []Failure
		engine   = Compile(b)
		count    = map[string]int{} // by file: a path counts within its file
		off      = switched{b, map[string]*Engine{}, map[string]string{}}
	)
	for i := range b.Tests {
		t := &b.Tests[i]
		if t.File == "" {
			t = &config.Test{Name: t.Name, File: "rules.yaml", Given: t.Given, Expect: t.Expect}
		}
		path := fmt.Sprintf("tests[%d]", count[t.File])
		count[t.File]++
		in, err := given(b, i, t.Given, s.Triage)
		if err != nil {
			failures = append(failures, Failure{Test: t.Name, File: t.File, Path: path + ".given", Message: err.Error()})
			continue
		}
		if message := differences(&t.Expect, in, engine.Decide(in), s); message != "" {
			failures = append(failures, Failure{t.Name, t.File, path + ".expect", message, off.why(&t.Expect, in, s)})
		}
	}
	return failures
}

// switched is a bundle's examples with rules on that are switched off.
type switched struct {
	bundle  *config.Bundle
	engines map[string]*Engine // by the rule that is expected
	names   map[string]string
}

// why names the switched-off rules for whose sake an example fails: the expected
// one, or any when none is, and those that would add their tags; "" when the
// example fails with them, too.
func (w *switched) why(x *config.Expect, in In, s Senses) string {
	if _, ok := w.engines[x.Rule]; !ok {
		on := *w.bundle
		on.Rules = slices.Clone(on.Rules)
		var off []string
		for i := range on.Rules {
			r := &on.Rules[i]
			if r.Enabled != nil && !*r.Enabled && (x.Rule == "" || x.Rule == r.Name || r.Then.Action == config.ActionTag) {
				r.Enabled, off = nil, append(off, r.Name)
			}
		}
		w.engines[x.Rule] = nil
		if len(off) > 0 {
			w.engines[x.Rule], w.names[x.Rule] = Compile(&on), few(off)
		}
	}
	e := w.engines[x.Rule]
	if e == nil || differences(x, in, e.Decide(in), s) != "" {
		return ""
	}
	return w.names[x.Rule]
}

// given builds the input of a golden example.
func given(b *config.Bundle, i int, g config.Given, triage func(care.Post) care.Triage) (In, error) {
	at, err := time.ParseInLocation(config.TestTime, g.At, b.Hours.Location())
	if err != nil {
		return In{}, fmt.Errorf("the time %q is not of the form %q", g.At, config.TestTime)
	}
	kind := g.Kind
	if kind == "" {
		switch {
		case g.Private:
			kind = care.KindDirect
		case g.NotAddressed:
			kind = care.KindPost
		case g.Platform == care.Facebook || g.Platform == care.Instagram:
			kind = care.KindComment
		default:
			kind = care.KindMention
		}
	}
	in := In{Now: at, Bundle: b, Storm: g.Storm, Post: care.Post{
		Platform: g.Platform, NativeID: fmt.Sprintf("test-%d", i), Thread: fmt.Sprintf("test-%d", i), Kind: kind, Private: g.Private,
		Author: care.Author{ID: "author", Handle: "author", Followers: g.Followers, Verified: g.Verified},
		Text:   g.Text, Lang: g.Lang, Addressed: !g.NotAddressed, CreatedAt: at, ReceivedAt: at,
	}}
	n := slices.IndexFunc(b.Brand.Accounts, func(a config.Account) bool {
		return a.Platform == g.Platform && (g.Account == "" || strings.EqualFold(a.Handle, strings.TrimPrefix(g.Account, "@")))
	})
	if n >= 0 {
		in.Post.Account = b.Brand.Accounts[n].ID
	} else if g.Account != "" {
		return In{}, fmt.Errorf("brand.yaml has no account %q on %s", g.Account, g.Platform)
	}
	in.Match.First = g.FirstContact
	if c := g.Customer; c != nil {
		in.Match.Known, in.Match.Grade = true, c.Grade
		in.Match.Customer = care.Customer{ID: "cus_test", External: "test", Name: c.Name, Tier: c.Tier, Value: c.Value, Attributes: c.Attributes, Consent: care.Consent{OptOut: c.OptOut}}
		if c.Grade == "" {
			in.Match.Grade = care.GradeAsserted
		}
	}
	if g.AgentOnIt {
		in.Match.Conversation = care.Conversation{ID: "con_test", Agent: "an agent"}
	}
	if a := g.Assume; a != nil {
		severity, _ := config.SeverityOf(a.Severity)
		in.Triage = care.Triage{Relevance: a.Relevance, Lang: a.Lang, Intent: a.Intent, IntentScore: a.IntentScore, Sentiment: a.Sentiment, Severity: severity,
			Influence: a.Influence, Products: a.Products, Units: a.Units, PersonalData: a.PersonalData, Praise: a.Praise, Complaint: a.Complaint, Question: a.Question}
		if in.Triage.Relevance == "" {
			in.Triage.Relevance = care.RelevanceAddressed
		}
		if in.Triage.Lang == "" {
			in.Triage.Lang = "und"
		}
		if a.Intent != "" && a.IntentScore == 0 {
			in.Triage.IntentScore = 1
		}
		return in, nil
	}
	if triage == nil {
		return In{}, errors.New("it assumes nothing and no triage is at hand")
	}
	in.Triage = triage(in.Post)
	return in, nil
}

// differences says what did not come out as expected, and the reasons of the
// plan; "" when everything did.
func differences(x *config.Expect, in In, plan care.Plan, s Senses) string {
	var out []string
	fail := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	differ := func(what, want, got string) {
		if want != "" && want != got {
			fail("expected %s %s, got %s", what, want, orNone(got))
		}
	}
	yes := func(what string, want *bool, got bool) {
		if want != nil && *want != got {
			fail("expected %s %v, got %v", what, *want, got)
		}
	}
	open, promise, loc := clockOf(in)

	differ("relevance", string(x.Relevance), string(in.Triage.Relevance))
	differ("intent", x.Intent, in.Triage.Intent)
	differ("severity", x.Severity, in.Triage.Severity.String())
	differ("action", string(x.Action), string(plan.Action))
	differ("rule", x.Rule, plan.Rule)
	if x.NoRule && plan.Rule != "" {
		fail("expected no rule, but %s fired", plan.Rule)
	}
	differ("template", x.Template, plan.Template)
	differ("language", x.Lang, plan.Lang)
	differ("else", string(x.Else), string(plan.Else))
	if x.Queue != "" {
		if queue, err := queueOf(in, plan, s); err != nil {
			fail("expected queue %s, but %v", x.Queue, err)
		} else {
			differ("queue", x.Queue, queue)
		}
	}
	yes("private", x.Private, plan.Private)
	yes("open", x.Open, open)
	if x.Promise != "" {
		if !plan.Promised.IsZero() { // the text says it
			promise = plan.Promised
		}
		differ("promise", x.Promise, promise.In(loc).Format(config.TestTime))
	}
	if x.Text != "" && x.Text != plan.Text {
		fail("expected the text %q, got %q", x.Text, plan.Text)
	}
	for _, piece := range x.Contains {
		if !strings.Contains(plan.Text, piece) {
			fail("the text does not hold %q: %q", piece, plan.Text)
		}
	}
	for _, piece := range x.Lacks {
		if strings.Contains(plan.Text, piece) {
			fail("the text must not hold %q: %q", piece, plan.Text)
		}
	}
	for _, tag := range x.Tags {
		if !slices.Contains(plan.Tags, tag) {
			fail("the tag %s is missing; there are %s", tag, orNone(strings.Join(plan.Tags, ", ")))
		}
	}
	if len(out) == 0 {
		return ""
	}
	for _, r := range plan.Reasons {
		out = append(out, "  because "+r.By+": "+r.Text)
	}
	return strings.Join(out, "\n")
}

// clockOf is whether people answer a post when it comes, by when its author may be
// told to hear from us, and in which time zone that is told.
func clockOf(in In) (open bool, promise time.Time, loc *time.Location) {
	who := whoOf(in.Bundle, &in.Post, &in.Triage)
	calendar := in.Bundle.Hours.For(who)
	return calendar.Open(in.Now), in.Bundle.Hours.Promise(in.Bundle.Routing.SLA, who, in.Triage.Severity, in.Now), calendar.Location()
}

// queueOf is the queue in which a person finds a post; "" when none gets it.
func queueOf(in In, plan care.Plan, s Senses) (string, error) {
	switch plan.Action {
	case care.ActionEscalate, care.ActionDraft, care.ActionAcknowledge:
	default:
		return "", nil
	}
	if plan.Queue != "" {
		return plan.Queue, nil
	}
	if s.Route == nil {
		return "", errors.New("no routing is at hand")
	}
	return s.Route(in.Bundle, in.Post, in.Triage, in.Match), nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
