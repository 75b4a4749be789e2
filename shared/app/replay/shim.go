package replay

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
)

type engine struct{ b *config.Bundle }

type trace struct {
	Plan care.Plan
	Also []string
}

func compile(b *config.Bundle) engine         { return engine{b} }
func (e engine) Decide(in reply.In) care.Plan { in.Bundle = e.b; return reply.Decide(in) }
func (e engine) Trace(in reply.In) trace      { return trace{Plan: e.Decide(in)} }

func price(p care.Platform, tier string, private, summoned bool, text string, at time.Time) float64 {
	return 0.01
}
