package replay

import (
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
