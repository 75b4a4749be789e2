package reply

import (
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Rivals decides a post as Decide does, and names the rules that would fire and
// do something else were the winner not before them: Trace's conflicts without
// the words, for whoever asks about many posts. tagged names the rules that added
// tags.
func (e *Engine) Rivals(in In) (plan care.Plan, rivals, tagged []string) {
	plan, optsOut := e.decide(in)
	in.Bundle = e.bundle
	f := e.look(&in)
	defer f.done()
	if _, why := f.never(optsOut); why != "" {
		return plan, nil, nil
	}
	var winner *rule
	for i := range e.rules {
		r := &e.rules[i]
		if !f.on(r) || !f.all(r.checks) || f.held(r) != holdNone {
			continue
		}
		switch {
		case r.Then.Action == config.ActionTag && winner == nil:
			tagged = append(tagged, r.Name)
		case r.Then.Action == config.ActionTag:
		case winner == nil:
			winner = r
		case r.Then.Action != winner.Then.Action || r.Then.Template != winner.Then.Template:
			rivals = append(rivals, r.Name)
		}
	}
	return plan, rivals, tagged
}
