package reply

import (
	"fmt"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Trace is a plan, and what every rule had to say to it.
type Trace struct {
	Plan care.Plan `json:"plan"`
	// Rules are all rules in their order.
	Rules []Verdict `json:"rules"`
	// Also are the conflicts: rules whose conditions and guards hold but lose to
	// the winner although they want something else, each in a sentence.
	Also []string `json:"also,omitempty"`
}

// Verdict is what became of one rule.
type Verdict struct {
	Rule   string      `json:"rule"`
	Action care.Action `json:"action"`
	// Status is fired, tagged, passed, held, off or after.
	Status string `json:"status"`
	// Why holds every reason, in words that a business user understands.
	Why string `json:"why"`
}

// What can become of a rule.
const (
	Fired  = "fired"  // it won
	Tagged = "tagged" // it added its tags, and the rules after it were tried
	Passed = "passed" // a condition did not hold
	Held   = "held"   // its conditions held, but something held it back
	Off    = "off"    // it is disabled, not on yet, or expired
	After  = "after"  // a rule before it won
)

// Trace decides a post as Decide does, and says for each rule in order why it
// did or did not fire.
func (e *Engine) Trace(in In) Trace {
	plan, optsOut := e.decide(in)
	t := Trace{Plan: plan, Rules: make([]Verdict, 0, len(e.rules))}
	f := e.look(&in)
	defer f.done()
	_, never := f.never(optsOut)
	var winner *rule
	for i := range e.rules {
		r := &e.rules[i]
		v := Verdict{Rule: r.Name, Action: r.Then.Action}
		fits := f.on(r) && f.all(r.checks)
		fires := fits && never == "" && f.held(r) == holdNone
		switch {
		case !f.on(r):
			v.Status, v.Why = Off, f.whyOff(r)
		case winner != nil:
			v.Status, v.Why = After, "rule "+winner.Name+" comes first"
			switch {
			case fires && r.Then.Action == config.ActionTag:
				v.Why += ", so its tags are not added"
			case fires:
				v.Why += "; it would fire, too"
				if r.Then.Action != winner.Then.Action || r.Then.Template != winner.Then.Template {
					t.Also = append(t.Also, fmt.Sprintf("Rule %s would fire, too, and %s, but rule %s comes first.", r.Name, r.does(), winner.Name))
				}
			case fits:
				v.Why += "; it would be held back in any case: " + f.whyHeld(r, true)
			default:
				v.Why += "; it would be passed over in any case: " + f.whyPassed(r, true)
			}
		case !fits:
			v.Status, v.Why = Passed, f.whyPassed(r, true)
		case never != "":
			v.Status, v.Why = Held, clause(never)
		case !fires:
			v.Status, v.Why = Held, f.whyHeld(r, true)
		case r.Then.Action == config.ActionTag:
			v.Status, v.Why = Tagged, "it "+r.does()+", and the rules after it are tried"
		default:
			winner = r
			v.Status, v.Why = Fired, "it is the first rule whose conditions and guards all hold, and it "+r.does()
			if _, but, fails := strings.Cut(t.Plan.Reasons[0].Text, " fits, but "); fails && r.says && t.Plan.Text == "" {
				v.Why = "its conditions and guards hold, but " + strings.TrimSuffix(but, ".")
			}
		}
		t.Rules = append(t.Rules, v)
	}
	return t
}

// whyOff says why a rule is off today.
func (f *facts) whyOff(r *rule) string {
	switch {
	case r.off:
		return "it is disabled"
	case r.Starts != "" && string(f.date[:]) < r.Starts:
		return "it holds from " + r.Starts + " on"
	}
	return "it expired after " + r.Expires
}
