package care

import "time"

// Outgoing is something to be said on a platform. Only the send function makes
// one, and only after policy allowed it.
type Outgoing struct {
	// Key is the idempotency key: the same for every attempt at the same thing.
	Key     string
	Account string // our account that speaks
	// Post is what is answered; its zero value means a direct message out of
	// the blue (an invitation) to To.
	Post Post
	To   Author
	// Private asks for a direct message or the platform's private reply.
	Private bool
	Text    string
	Lang    string
	// Since is when the first attempt began; Find looks no further back.
	Since time.Time
}

// Sent is what the platform says about something that we said.
type Sent struct {
	NativeID string    `json:"nativeId"`
	URL      string    `json:"url,omitempty"`
	At       time.Time `json:"at,omitzero"`
}

// Cap is what one thing that goes out takes from a limit.
type Cap struct {
	// Name is what is capped, Bucket the period that is counted ("2026-11-24").
	Name, Bucket string
	// Amount is taken of Limit; money counts in millionths of a US dollar.
	Amount, Limit int64
}
