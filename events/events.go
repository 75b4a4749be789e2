// Package events holds Fielder's contracts as data: the events that its
// functions put on the bus (Go types here, JSON Schemas in schema/, EventBridge
// patterns in patterns/, one sample of each in samples/events/) and the recorded
// day that the demo plays (samples/day/).
//
// An event is a fact in the past tense; commands never go on the bus. Its detail
// carries a schema version; a consumer that meets a version it does not know
// must refuse it. Tests hold types, schemas, patterns and samples against each
// other.
package events

import (
	"encoding/json"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Version is the schema version of every event in this package.
const Version = "1"

// MaxDetailBytes bounds an event's detail. EventBridge takes up to 1 MB per
// PutEvents call (PutEvents API reference, 2026-01), but Step Functions takes at
// most 256 KiB as input and adds its own results to it, so 128 KiB is where we
// stop. A post is at most care.MaxTextBytes of text and some fields, so only a
// defect could reach it.
const MaxDetailBytes = 128 * 1024

// Meta is the head of every detail.
type Meta struct {
	Version string `json:"version"`
	// Correlation is set once, where the post came in, and copied to every
	// event and log line that follows from it.
	Correlation string `json:"correlation"`
}

// Detail is implemented by every event's detail.
type Detail interface {
	// Type is the detail-type: PascalCase, past tense.
	Type() string
	// Head gives access to version and correlation.
	Head() *Meta
}

// Head returns the detail's head.
func (m *Meta) Head() *Meta { return m }

// PostRef names a post in events that do not carry it.
type PostRef struct {
	ID       care.PostID   `json:"id"`
	Platform care.Platform `json:"platform"`
	Account  string        `json:"account"`
	Thread   string        `json:"thread"`
}

// RefOf makes a PostRef.
func RefOf(p care.Post) PostRef {
	return PostRef{ID: p.ID(), Platform: p.Platform, Account: p.Account, Thread: p.Thread}
}

// PostReceived says that a new post came in and was claimed. It starts intake.
type PostReceived struct {
	Meta
	Post care.Post `json:"post"`
	// Redriven counts how often the ledger sent it again.
	Redriven int `json:"redriven,omitempty"`
}

// PostEdited says that the author changed a post upstream.
type PostEdited struct {
	Meta
	Post care.Post `json:"post"`
}

// PostDeleted says that a post is gone upstream: its text must go here within
// 24 hours.
type PostDeleted struct {
	Meta
	Post PostRef   `json:"post"`
	At   time.Time `json:"at"`
}

// PostDecided says how a post ended. It comes from the intake workflow.
type PostDecided struct {
	Meta
	Post      PostRef        `json:"post"`
	Outcome   care.Outcome   `json:"outcome"`
	Relevance care.Relevance `json:"relevance"`
	Intent    string         `json:"intent"`
	Sentiment float64        `json:"sentiment"`
	Severity  care.Severity  `json:"severity"`
	Priority  float64        `json:"priority"`
	Rule      string         `json:"rule"`
	Customer  string         `json:"customer"`
}

// ReplySent says that something was said on a platform.
type ReplySent struct {
	Meta
	Post         PostRef             `json:"post"`
	Conversation care.ConversationID `json:"conversation,omitempty"`
	Rule         string              `json:"rule,omitempty"`
	Private      bool                `json:"private"`
	Automated    bool                `json:"automated"`
	Sent         care.Sent           `json:"sent"`
	// CostUSD is what the platform charges for it, in US dollars at list price.
	CostUSD float64 `json:"costUsd,omitempty"`
}

// ReplyRefused says that the door stayed shut, and why.
type ReplyRefused struct {
	Meta
	Post         PostRef             `json:"post"`
	Conversation care.ConversationID `json:"conversation,omitempty"`
	Rule         string              `json:"rule,omitempty"`
	Reasons      []care.Reason       `json:"reasons"`
}

// ReplyDrafted says that an answer waits for an agent's approval.
type ReplyDrafted struct {
	Meta
	Post         PostRef             `json:"post"`
	Conversation care.ConversationID `json:"conversation"`
	Rule         string              `json:"rule"`
	ApproveBy    time.Time           `json:"approveBy"`
}

// DraftClosed says what became of a draft: sent, refused, rejected, expired or
// withdrawn.
type DraftClosed struct {
	Meta
	Post         care.PostID         `json:"post"`
	Platform     care.Platform       `json:"platform"`
	Conversation care.ConversationID `json:"conversation"`
	Rule         string              `json:"rule"`
	Status       care.DraftStatus    `json:"status"`
	By           string              `json:"by"`
	// Edited is true when the agent approved other words than were proposed.
	Edited bool `json:"edited"`
}

// ConversationEscalated says that agents have a conversation now.
type ConversationEscalated struct {
	Meta
	Conversation care.ConversationID `json:"conversation"`
	Post         PostRef             `json:"post"`
	Queue        string              `json:"queue"`
	Priority     float64             `json:"priority"`
	Severity     care.Severity       `json:"severity"`
	Intent       string              `json:"intent"`
	DueAt        time.Time           `json:"dueAt"`
	Reasons      []care.Reason       `json:"reasons"`
}

// SLAWarned says that the first response is due soon.
type SLAWarned struct {
	Meta
	Conversation care.ConversationID `json:"conversation"`
	Queue        string              `json:"queue"`
	DueAt        time.Time           `json:"dueAt"`
}

// SLABreached says that the first response is late, and who has it next.
type SLABreached struct {
	Meta
	Conversation care.ConversationID `json:"conversation"`
	Queue        string              `json:"queue"`
	Next         string              `json:"next"`
	DueAt        time.Time           `json:"dueAt"`
}

// ConversationResolved says that nobody owes anything any more, for now.
type ConversationResolved struct {
	Meta
	Conversation care.ConversationID `json:"conversation"`
	Customer     care.CustomerID     `json:"customer"`
	Platform     care.Platform       `json:"platform"`
	Episode      int                 `json:"episode"`
	By           string              `json:"by"`
}

// InteractionRecorded says that a call, chat or task joined a timeline.
type InteractionRecorded struct {
	Meta
	Interaction string               `json:"interaction"`
	Kind        care.InteractionKind `json:"kind"`
	Customer    care.CustomerID      `json:"customer"`
	At          time.Time            `json:"at"`
}

// InvitationSent says that a customer was invited to stay in touch.
type InvitationSent struct {
	Meta
	Invitation string          `json:"invitation"`
	Customer   care.CustomerID `json:"customer"`
	Platform   care.Platform   `json:"platform"`
	After      string          `json:"after"`
}

// The detail types.

// Type returns "PostReceived".
func (*PostReceived) Type() string { return "PostReceived" }

// Type returns "PostEdited".
func (*PostEdited) Type() string { return "PostEdited" }

// Type returns "PostDeleted".
func (*PostDeleted) Type() string { return "PostDeleted" }

// Type returns "PostDecided".
func (*PostDecided) Type() string { return "PostDecided" }

// Type returns "ReplySent".
func (*ReplySent) Type() string { return "ReplySent" }

// Type returns "ReplyRefused".
func (*ReplyRefused) Type() string { return "ReplyRefused" }

// Type returns "ReplyDrafted".
func (*ReplyDrafted) Type() string { return "ReplyDrafted" }

// Type returns "DraftClosed".
func (*DraftClosed) Type() string { return "DraftClosed" }

// Type returns "ConversationEscalated".
func (*ConversationEscalated) Type() string { return "ConversationEscalated" }

// Type returns "SLAWarned".
func (*SLAWarned) Type() string { return "SLAWarned" }

// Type returns "SLABreached".
func (*SLABreached) Type() string { return "SLABreached" }

// Type returns "ConversationResolved".
func (*ConversationResolved) Type() string { return "ConversationResolved" }

// Type returns "InteractionRecorded".
func (*InteractionRecorded) Type() string { return "InteractionRecorded" }

// Type returns "InvitationSent".
func (*InvitationSent) Type() string { return "InvitationSent" }

// All returns one empty detail of every type, in the order of a post's life.
func All() []Detail {
	return []Detail{
		&PostReceived{}, &PostEdited{}, &PostDeleted{}, &PostDecided{},
		&ReplyDrafted{}, &DraftClosed{}, &ReplySent{}, &ReplyRefused{},
		&ConversationEscalated{}, &SLAWarned{}, &SLABreached{}, &ConversationResolved{},
		&InteractionRecorded{}, &InvitationSent{},
	}
}

// Encode makes the detail's JSON. It fills in the version and refuses a detail
// larger than MaxDetailBytes with care.Invalid.
func Encode(d Detail) (json.RawMessage, error) {
	d.Head().Version = Version
	b, err := json.Marshal(d)
	if err != nil {
		return nil, care.Errorf(care.Internal, "encode %s: %w", d.Type(), err)
	}
	if len(b) > MaxDetailBytes {
		return nil, care.Errorf(care.Invalid, "%s is %d bytes; an event's detail may have %d", d.Type(), len(b), MaxDetailBytes)
	}
	return b, nil
}

// Decode reads a detail and refuses a version that this package does not know.
func Decode(raw json.RawMessage, d Detail) error {
	if err := json.Unmarshal(raw, d); err != nil {
		return care.Errorf(care.Invalid, "%s is not what its schema says: %w", d.Type(), err)
	}
	if v := d.Head().Version; v != Version {
		return care.Errorf(care.Invalid, "%s has schema version %q; this function knows %q", d.Type(), v, Version)
	}
	return nil
}

// Envelope is what EventBridge hands to a Lambda target.
type Envelope struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
	// ReplayName is set on events that come out of an archive.
	ReplayName string `json:"replay-name,omitempty"`
}
