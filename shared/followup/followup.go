// Package followup invites a customer to stay in touch after a good call or a
// resolved conversation, and knows when not to: without consent, inside a
// cool-off, in quiet hours, while anything is open, after a complaint, above a
// cap, or twice for the same episode. Every invitation, sent or withheld, is one
// entry in a ledger with its reasons.
package followup

import (
	"fmt"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Facts is all that the decision to invite rests on.
type Facts struct {
	Now        time.Time
	Policy     config.Followup
	TimeZone   string // the brand's, for customers whose own is unknown
	Customer   care.Customer
	Identities []care.Identity
	// Open are the customer's conversations in which somebody owes something.
	Open []care.Conversation
	// Recent are the newest interactions, newest first.
	Recent []care.Interaction
	// Past are the customer's invitations.
	Past []care.Invitation
	// Episode is what just ended; CallSeconds its length when it was a call.
	Episode     string
	After       string // call or conversation
	CallSeconds int
}

// Verdict says whether to invite, and where.
type Verdict struct {
	OK       bool
	Reasons  []care.Reason
	Platform care.Platform
	Identity care.Identity
}

// Eligible decides. It is pure, and asked twice: when the episode ends, so that
// hopeless ones cost no workflow, and after the cool-off.
func Eligible(f Facts) Verdict {
	var v Verdict
	no := func(by, format string, args ...any) {
		v.Reasons = append(v.Reasons, care.Reason{By: "followup:" + by, Text: fmt.Sprintf(format, args...)})
	}
	c := f.Customer
	if !f.Policy.Enabled {
		no("off", "Invitations are switched off.")
	}
	if c.Prospect {
		no("prospect", "We do not know this person as a customer yet.")
		return v
	}
	if c.Consent.OptOut {
		no("opt-out", "The customer asked for no automated messages.")
	}
	if !c.Consent.Invite {
		no("consent", "The customer has not agreed to be invited.")
	}
	if f.After == "call" && f.CallSeconds < f.Policy.MinCallSeconds {
		no("short-call", "The call took %d seconds; below %d it was hardly a conversation.", f.CallSeconds, f.Policy.MinCallSeconds)
	}
	for _, o := range f.Open {
		if o.State == care.StateOpen || o.Escalation != nil {
			no("open", "A matter of this customer is still open.")
			break
		}
	}
	if within := time.Duration(f.Policy.NotAfterComplaint); within > 0 {
		for _, i := range f.Recent {
			if i.Kind == care.InteractionPost && f.Now.Sub(i.At) < within && i.Sentiment <= unhappy {
				no("complaint", "The customer complained less than %s ago.", words(within))
				break
			}
		}
	}
	invited := 0
	for _, p := range f.Past {
		if p.Episode == f.Episode && p.Status == "sent" {
			no("once", "The customer was invited after this very %s already.", f.After)
		}
		if p.Status == "sent" && f.Now.Sub(p.At) < time.Duration(f.Policy.PerCustomerWindow) {
			invited++
		}
	}
	if invited >= f.Policy.PerCustomer {
		no("cap", "The customer was invited %d time(s) within %s; more would be a nuisance.", invited, words(time.Duration(f.Policy.PerCustomerWindow)))
	}
	v.Platform, v.Identity = channel(f)
	if v.Platform == "" {
		no("channel", "We have no account of the customer that is sure enough to write to.")
	}
	v.OK = len(v.Reasons) == 0
	if v.OK {
		v.Reasons = []care.Reason{
			{By: "followup:consent", Text: "The customer agreed to be invited."},
			{By: "followup:clear", Text: "Nothing is open, no recent complaint, and the caps leave room."},
		}
	}
	return v
}

// unhappy is the sentiment at and below which a post counts as a complaint.
const unhappy = -0.35

// channel picks the first platform of the policy on which the customer has an
// asserted or verified identity; a probable one is never written to.
func channel(f Facts) (care.Platform, care.Identity) {
	for _, p := range f.Policy.Platforms {
		for _, id := range f.Identities {
			if id.Scheme == string(p) && (id.Grade == care.GradeVerified || id.Grade == care.GradeAsserted) {
				return p, id
			}
		}
	}
	return "", care.Identity{}
}

// Wait is how long to hold back: the cool-off, and on until quiet hours in the
// customer's own time zone are over.
func Wait(f Facts) time.Duration {
	d := time.Duration(f.Policy.CoolOff)
	at := f.Now.Add(d)
	if until, quiet := quiet(f, at); quiet {
		return until.Sub(f.Now)
	}
	return d
}

// quiet says whether t is in quiet hours, and when they end.
func quiet(f Facts, t time.Time) (time.Time, bool) {
	span, err := config.ParseSpan(f.Policy.QuietHours, true)
	if err != nil {
		return time.Time{}, false // no quiet hours; the loader refuses wrong ones
	}
	loc := zone(f.Customer.TimeZone, f.TimeZone)
	local := t.In(loc)
	minute := local.Hour()*60 + local.Minute()
	if !span.Holds(minute) {
		return time.Time{}, false
	}
	end := time.Date(local.Year(), local.Month(), local.Day(), 0, span.Close, 0, 0, loc)
	if minute >= span.Close { // before midnight: they end tomorrow
		end = time.Date(local.Year(), local.Month(), local.Day()+1, 0, span.Close, 0, 0, loc)
	}
	return end, true
}

func zone(names ...string) *time.Location {
	for _, n := range names {
		if n == "" {
			continue
		}
		if loc, err := time.LoadLocation(n); err == nil {
			return loc
		}
	}
	return time.UTC
}

// words says a duration as people do.
func words(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}
