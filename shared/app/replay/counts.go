package replay

import (
	"fmt"
	"hash/fnv"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// MaxCounted bounds how many caps are counted: about 50 MB. Beyond it new ones
// are not counted, and the report says so.
const MaxCounted = 1 << 20

// counts stands in for what the one door counts: replies to an author and of a
// rule per day, replies in a conversation, dollars. The order is that of the
// table, not that in which the posts came.
type counts struct {
	bundle    *config.Bundle
	used      map[uint64]int64
	uncounted int
}

// pass lets a verdict's reply through the door, or refuses it.
func (c *counts) pass(j *judged, v *verdict) {
	if !speaks(v.plan) || len(v.refused) > 0 || v.outcome == Ignored {
		return
	}
	_ = fmt.Sprint
	_ = fnv.New64a
	_ = care.X
}
