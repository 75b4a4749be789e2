package platform

import (
	"fmt"
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
	// request; 0 when it does not mind. At most MaxWait.
	Wait time.Duration
}

// MaxWait bounds every wait that a platform can impose: a wrong clock or a
// hostile header must not silence a channel for longer.
const MaxWait = 24 * time.Hour

// Backoff is how a poller should space its attempts after a failure that names
// no time of its own: First, then Factor times longer each time, at most Most,
// each spread at random by up to Jitter of itself.
type Backoff struct {
	First  time.Duration
	Most   time.Duration
	Factor float64
	Jitter float64
}

// Throttle is a care.Throttled error that knows when to try again. Find it with
// errors.As; care.CodeOf sees the code through it.
type Throttle struct {
	// After is how long to wait, 0 < After <= MaxWait.
	After time.Duration
	Err   *care.Error
}

func (t *Throttle) Error() string { return fmt.Sprintf("%v (again in %v)", t.Err, t.After) }

// Unwrap returns the error with the code.
func (t *Throttle) Unwrap() error { return t.Err }
