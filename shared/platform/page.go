package platform

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Page is what one poll found. Its Cursor says that everything in its Batch is
// done: save it only after the batch is durably published. A page whose cursor
// was not saved comes again, whole.
type Page struct {
	Batch  care.Batch
	Cursor string
	// More is true when the platform probably has more right now.
	More bool
	// Wait is how long the platform wants us to leave it alone before the next
	// request; 0 when it does not mind, at most 24 h. (An error that names such a
	// time is read with RetryAfter.)
	Wait time.Duration
}

// Backoff is how a poller should space its attempts after a failure that names
// no time of its own: First, then Factor times longer each time, at most Most,
// each spread at random by up to Jitter of itself.
type Backoff struct {
	First  time.Duration
	Most   time.Duration
	Factor float64
	Jitter float64
}
