package care

import (
	"fmt"
	"slices"
	"time"
)

// DraftStatus is where a draft stands.
type DraftStatus string

// The statuses.
const (
	DraftPending  DraftStatus = "pending"  // waits for an agent
	DraftApproved DraftStatus = "approved" // an agent approved it; whether it went out is not known yet
	DraftSent     DraftStatus = "sent"
	// DraftRefused: approved, but policy or the platform said no, or nobody can
	// tell whether it was heard.
	DraftRefused DraftStatus = "refused"
	// DraftRejected: an agent deals with the matter without it.
	DraftRejected  DraftStatus = "rejected"
	DraftExpired   DraftStatus = "expired"   // nobody approved it in time
	DraftWithdrawn DraftStatus = "withdrawn" // overtaken: the post changed or went, or somebody answered elsewhere
)

// draftMoves is every transition there is. A status that leads nowhere is
// closed. An approved draft is withdrawn only when nobody finished it: what was
// approved may be on its way, and the door alone knows.
var draftMoves = map[DraftStatus][]DraftStatus{
	DraftPending:   {DraftApproved, DraftRejected, DraftExpired, DraftWithdrawn},
	DraftApproved:  {DraftSent, DraftRefused, DraftWithdrawn},
	DraftSent:      nil,
	DraftRefused:   nil,
	DraftRejected:  nil,
	DraftExpired:   nil,
	DraftWithdrawn: nil,
}

// DraftStatuses lists every status, in the order of a draft's life.
func DraftStatuses() []DraftStatus {
	return []DraftStatus{DraftPending, DraftApproved, DraftSent, DraftRefused, DraftRejected, DraftExpired, DraftWithdrawn}
}

// Closed is true when nothing can happen to the draft any more.
func (s DraftStatus) Closed() bool { return len(draftMoves[s]) == 0 }

// Draft is an answer that waits for an agent's approval. There is at most one
// for a post.
type Draft struct {
	Post         PostID         `json:"post"`
	Conversation ConversationID `json:"conversation"`
	Customer     CustomerID     `json:"customer,omitempty"`
	Platform     Platform       `json:"platform"`
	Private      bool           `json:"private,omitempty"`
	Rule         string         `json:"rule,omitempty"`
	Template     string         `json:"template,omitempty"`
	Lang         string         `json:"lang,omitempty"`
	// Text is what the rule proposed, Approved what the agent let go out: the
	// same, unless the agent changed it. Both go when the post is deleted.
	Text          string      `json:"text,omitempty"`
	Approved      string      `json:"approved,omitempty"`
	ConfigVersion string      `json:"configVersion"`
	Correlation   string      `json:"correlation"`
	Status        DraftStatus `json:"status"`
	Created       time.Time   `json:"created"`
	// Wording is when the wording came in that the draft answers.
	Wording   time.Time `json:"wording"`
	ApproveBy time.Time `json:"approveBy"`
	// Changed is when Status last changed, By who changed it (an agent, or
	// "fielder"), Why in a sentence.
	Changed time.Time `json:"changed"`
	By      string    `json:"by,omitempty"`
	Why     string    `json:"why,omitempty"`
	// Confirmed: the agent let personal data stand in public on purpose.
	Confirmed bool `json:"confirmed,omitempty"`
	// Reasons are the rules' while it waits, the door's once it was sent or
	// refused.
	Reasons []Reason `json:"reasons"`
	Version int      `json:"version"`
}

// Move changes the status. Moving where the draft is already changes nothing, so
// that a repeat is harmless. Conflict when it cannot get there.
func (d *Draft) Move(to DraftStatus, by, why string, at time.Time) error {
	if d.Status == to {
		return nil
	}
	if !slices.Contains(draftMoves[d.Status], to) {
		return Errorf(Conflict, "%s", d.Stands())
	}
	d.Status, d.By, d.Why, d.Changed = to, by, why, at
	return nil
}

// Stands says in a sentence where the draft stands.
func (d *Draft) Stands() string {
	by := ""
	if d.By != "" && d.By != "fielder" {
		by = " by " + d.By
	}
	switch d.Status {
	case DraftPending:
		return "The draft waits for approval until " + d.ApproveBy.UTC().Format(time.RFC3339) + "."
	case DraftApproved:
		return "The draft was approved" + by + " and is on its way."
	case DraftExpired:
		return "The draft expired at " + d.ApproveBy.UTC().Format(time.RFC3339) + "; answer the customer in your own words."
	}
	if d.Why == "" {
		return fmt.Sprintf("The draft was %s%s.", d.Status, by)
	}
	return fmt.Sprintf("The draft was %s%s: %s", d.Status, by, d.Why)
}

// Edited is true when the agent approved other words than were proposed.
func (d *Draft) Edited() bool { return d.Approved != "" && d.Approved != d.Text }

// Forget removes what a deleted post leaves no right to keep: what was to be
// said, and what an agent wrote about it.
func (d *Draft) Forget() {
	d.Text, d.Approved = "", ""
	if d.Status == DraftRejected {
		d.Why = ""
	}
}
