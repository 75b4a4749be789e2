// Package policy decides whether something may be said: MaySend, a pure function
// over dated rules as data. Each rule names its platform, from when until when
// it holds, what it says and where that is written; a rule that changes next
// month is entered today.
//
// It refuses rather than guesses: a platform, sender or kind that it does not
// know may not be spoken to. What has to be looked up (locks, caps, consent,
// windows) is looked up by the caller and handed in.
package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Sender is who speaks.
type Sender string

// The senders.
const (
	Bot   Sender = "bot"   // nobody has read the text before it goes out
	Agent Sender = "agent" // a person wrote or approved the text
)

// Kind is what is said.
type Kind string

// The kinds.
const (
	Reply      Kind = "reply"      // answers a post
	Invitation Kind = "invitation" // asks a customer to stay in touch
	Closing    Kind = "closing"    // ends in public what went on in private
)

// Request is everything that a verdict may depend on.
type Request struct {
	Now      time.Time
	Platform care.Platform
	// Tier is our access tier where rules differ by it (X: "enterprise"; anything
	// else counts as self-serve).
	Tier   string
	Sender Sender
	Kind   Kind
	// Private: a direct message or the platform's private reply.
	Private bool
	// Post is what is answered; for an invitation the customer's latest post
	// there, or zero.
	Post care.Post
	// Consent is the customer's. Absent consent is no consent.
	Consent care.Consent
	// AgentOnIt: an agent has the conversation or holds its send lock.
	AgentOnIt bool
	// AutomatedRepliesToPost and PrivateRepliesToPost count what was sent before.
	AutomatedRepliesToPost int
	PrivateRepliesToPost   int
	// RepliesToAuthorToday and MaxPerAuthorPerDay are a cap; 0 is no cap.
	RepliesToAuthorToday int
	MaxPerAuthorPerDay   int
	// LastCustomerPost is when the customer last wrote to us in private there;
	// zero takes Post's time when Post is private.
	LastCustomerPost time.Time
	// TextHasPersonalData and TextHasURL are about what is to be said.
	TextHasPersonalData bool
	TextHasURL          bool
	// TextByAI: a language model wrote the text, rather than a template.
	TextByAI bool
	// AccountAutomated: our account carries the platform's bot label.
	AccountAutomated bool
	// Blocked: the author is on the brand's block list.
	Blocked bool
	// Deleted: the post is gone upstream.
	Deleted bool
	// Visibility of what is to be said, on Mastodon: public, unlisted, private or
	// direct. Empty: the same as the post's.
	Visibility string
}

// Verdict is the answer, with its reasons.
type Verdict struct {
	Allowed bool
	// Reasons are the refusals, or for an allowed request what is worth knowing
	// (a cost, a window that closes).
	Reasons []care.Reason
	// Rule is the first rule that refused, "" when allowed.
	Rule string
	// Until is when an allowed request stops being allowed, or when a refusal
	// ends by itself; zero: not at a known time.
	Until time.Time
	// Tag must be sent along for the platform to take it: "HUMAN_AGENT" on
	// Messenger and Instagram outside the 24 hours.
	Tag string
}

// Confidence says how well a rule's source is known.
type Confidence string

// The confidences.
const (
	Verified Confidence = "verified" // read in the platform's own documents
	Reported Confidence = "reported" // several others cite the platform's documents
	House    Confidence = "house"    // our own rule, stricter than any platform's
)

// Rule is one dated rule.
type Rule struct {
	ID string
	// Platforms it is about; empty: all of them.
	Platforms []care.Platform
	// From and Until bound when it holds, [From, Until); zero: unbounded.
	From, Until time.Time
	// Text is the rule in words.
	Text       string
	Source     string
	Confidence Confidence

	check func(Request) finding
}

// finding is what one rule says to one request.
type finding struct {
	refuse string // a sentence: why not
	note   string // a sentence: what is worth knowing
	until  time.Time
	tag    string
}

// Rules lists every rule, in the order in which they are asked.
func Rules() []Rule { return slices.Clone(rules) }

// On says whether the rule holds on a platform at a time.
func (r Rule) On(p care.Platform, t time.Time) bool {
	return (len(r.Platforms) == 0 || slices.Contains(r.Platforms, p)) &&
		(r.From.IsZero() || !t.Before(r.From)) && (r.Until.IsZero() || t.Before(r.Until))
}

// MaySend says whether something may be said now, and why. It has no memory and
// no side effects: the same request gets the same verdict.
func MaySend(r Request) Verdict {
	if why := r.malformed(); why != "" {
		return Verdict{Rule: "request", Reasons: []care.Reason{{By: "policy:request", Text: why}}}
	}
	allowed := Verdict{Allowed: true}
	var refused Verdict
	for _, rule := range rules {
		if !rule.On(r.Platform, r.Now) {
			continue
		}
		f := rule.check(r)
		by := "policy:" + rule.ID
		if f.refuse != "" {
			if refused.Rule == "" {
				refused.Rule, refused.Until = rule.ID, f.until
			} else if refused.Until.IsZero() || f.until.IsZero() {
				refused.Until = time.Time{} // one of them never ends
			} else if f.until.After(refused.Until) {
				refused.Until = f.until
			}
			refused.Reasons = append(refused.Reasons, care.Reason{By: by, Text: f.refuse})
			continue
		}
		if f.note != "" {
			allowed.Reasons = append(allowed.Reasons, care.Reason{By: by, Text: f.note})
		}
		if !f.until.IsZero() && (allowed.Until.IsZero() || f.until.Before(allowed.Until)) {
			allowed.Until = f.until
		}
		if f.tag != "" {
			allowed.Tag = f.tag
		}
	}
	if refused.Rule != "" {
		return refused
	}
	return allowed
}

// malformed is why a request cannot be judged, "" when it can.
func (r Request) malformed() string {
	switch {
	case r.Now.IsZero():
		return "The time is missing, so no window can be judged."
	case !slices.Contains(care.Platforms(), r.Platform):
		return "No rules are known for this platform, so nothing is said there."
	case r.Sender != Bot && r.Sender != Agent:
		return "It is not clear whether a person or a machine speaks."
	case r.Kind != Reply && r.Kind != Invitation && r.Kind != Closing:
		return "It is not clear what kind of thing is to be said."
	case r.Kind != Invitation && r.Post.NativeID == "":
		return "A reply needs a post that it answers."
	case r.Post.Platform != "" && r.Post.Platform != r.Platform:
		return fmt.Sprintf("The post is from %s, the answer would go to %s.", r.Post.Platform, r.Platform)
	}
	return ""
}

// direct is true when what is said is private, whatever the request says:
// Messenger knows nothing else.
func (r Request) direct() bool { return r.Private || r.Platform == care.Messenger }

// engaged is true when the author turned to us, or answered us.
func (r Request) engaged() bool { return r.Post.Addressed || r.Post.InOurThread || r.Post.Private }

// lastPrivate is when the customer last wrote to us in private on the platform.
func (r Request) lastPrivate() time.Time {
	if r.LastCustomerPost.IsZero() && r.Post.Private {
		return r.Post.CreatedAt
	}
	return r.LastCustomerPost
}
