package replay

import (
	"hash/fnv"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/send"
)

// MaxCounted bounds how many caps are counted, to about 50 MB. Beyond it new ones
// are not counted, and the report says so.
const MaxCounted = 1 << 20

// counts stands in for what the one door counts: replies to an author and of a
// rule per day, replies in a conversation, dollars. The order is that of the
// table, not that in which the posts came.
type counts struct {
	used      map[uint64]int64 // by hash of the cap
	uncounted int
}

// pass lets a verdict's reply through the door, or refuses it: it takes from all
// of its caps or from none.
func (c *counts) pass(v *verdict) {
	if len(v.caps) == 0 || len(v.refused) > 0 {
		return
	}
	if c.used == nil {
		c.used = map[uint64]int64{}
	}
	fresh := 0
	for _, cap := range v.caps {
		used, known := c.used[hash(cap)]
		if !known {
			fresh++
		}
		if used+cap.Amount > cap.Limit {
			v.refuse([]care.Reason{cap.Full})
			return
		}
	}
	if len(c.used)+fresh > MaxCounted {
		c.uncounted++
		return
	}
	for _, cap := range v.caps {
		c.used[hash(cap)] += cap.Amount
	}
}

func hash(c send.Cap) uint64 {
	h := fnv.New64a()
	h.Write([]byte(c.Name + "\x00" + c.Bucket)) // never fails
	return h.Sum64()
}
