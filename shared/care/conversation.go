package care

import "time"

// ConversationID is Fielder's id of a conversation ("con_...").
type ConversationID string

// State is where a conversation stands. It has no clear end: a resolved one
// reopens when the customer comes back.
type State string

// The states. Transitions are in Next.
const (
	StateOpen     State = "open"     // we owe the customer something
	StateWaiting  State = "waiting"  // the customer owes us something
	StateResolved State = "resolved" // nobody owes anything, until someone speaks
)

// Happening is what moves a conversation from state to state.
type Happening string

// The happenings.
const (
	CustomerSpoke  Happening = "customer-spoke"  // relevant post that needs an answer
	AnsweredFully  Happening = "answered-fully"  // automated answer that settles the matter
	AgentAnswered  Happening = "agent-answered"  // an agent said something
	MatterResolved Happening = "matter-resolved" // an agent or the customer closed it
)

// Next gives the state after a happening; every pair is allowed.
func (s State) Next(h Happening) State {
	switch h {
	case CustomerSpoke:
		return StateOpen
	case AnsweredFully, AgentAnswered:
		if s == StateResolved {
			return StateResolved
		}
		return StateWaiting
	case MatterResolved:
		return StateResolved
	}
	return s
}

// Conversation is the interactions about one matter, across platforms.
type Conversation struct {
	ID       ConversationID `json:"id"`
	Customer CustomerID     `json:"customer"`
	Thread   string         `json:"thread"` // Post.ThreadKey of its first post
	Platform Platform       `json:"platform"`
	State    State          `json:"state"`
	// Public is true while something was said in public that is not closed there.
	Public bool      `json:"public,omitempty"`
	Opened time.Time `json:"opened"`
	Last   time.Time `json:"last"`
	// Escalation is set while an agent has it.
	Escalation *Escalation `json:"escalation,omitempty"`
	// Episode counts how often it was escalated; it names workflow executions.
	Episode int `json:"episode,omitempty"`
	// LastEscalated is the post that opened the latest episode, so that a
	// repeated workflow does not open another one.
	LastEscalated PostID `json:"lastEscalated,omitempty"`
	// Spoke is when one of our accounts was last seen writing in it, whoever wrote;
	// kept for direct messages, where an answer does not name what it answers.
	Spoke time.Time `json:"spoke,omitzero"`
	// Agent is who is answering right now; bots stand down.
	Agent   string `json:"agent,omitempty"`
	Version int    `json:"version"`
}

// Escalation is a conversation in an agent's queue.
type Escalation struct {
	Post     PostID    `json:"post"`
	Queue    string    `json:"queue"`
	Priority float64   `json:"priority"` // 0..100
	Reasons  []Reason  `json:"reasons"`
	Opened   time.Time `json:"opened"`
	WarnAt   time.Time `json:"warnAt"`
	DueAt    time.Time `json:"dueAt"` // first response due
	// Contact is the Amazon Connect task's contact id, once open.
	Contact string `json:"contact,omitempty"`
	// TaskToken wakes the escalation workflow.
	TaskToken string `json:"taskToken,omitempty"`
	// Step counts fallbacks to the next queue.
	Step     int  `json:"step,omitempty"`
	Warned   bool `json:"warned,omitempty"`
	Breached bool `json:"breached,omitempty"`
	// What the agent's task says about the post.
	URL         string   `json:"url,omitempty"`
	Platform    Platform `json:"platform,omitempty"`
	Severity    Severity `json:"severity,omitempty"`
	Intent      string   `json:"intent,omitempty"`
	Correlation string   `json:"correlation,omitempty"`
	// Latest is the last post that joined after Post, "" when none did.
	Latest PostID `json:"latest,omitempty"`
	// Drafts are the posts whose drafts were proposed to the agent.
	Drafts []PostID `json:"drafts,omitempty"`
}

// ContactLink says whom an Amazon Connect contact is about.
type ContactLink struct {
	Conversation ConversationID `json:"conversation,omitempty"`
	Customer     CustomerID     `json:"customer,omitempty"`
	// Phone is the other side's number, when a call's flow told us.
	Phone string `json:"phone,omitempty"`
}

// InteractionKind is what sort of timeline entry it is.
type InteractionKind string

// The kinds of interactions.
const (
	InteractionPost       InteractionKind = "post"
	InteractionReply      InteractionKind = "reply"
	InteractionCall       InteractionKind = "call"
	InteractionChat       InteractionKind = "chat"
	InteractionTask       InteractionKind = "task"
	InteractionEmail      InteractionKind = "email"
	InteractionInvitation InteractionKind = "invitation"
	InteractionNote       InteractionKind = "note"
	InteractionTombstone  InteractionKind = "tombstone" // a post deleted upstream: that it was, not what it said
)

// Interaction is one entry in a customer's timeline. ID is stable, so that
// writing it twice changes nothing: the post id, "reply:<post id>",
// "contact:<contact id>", "invitation:<id>".
type Interaction struct {
	ID           string          `json:"id"`
	Kind         InteractionKind `json:"kind"`
	Customer     CustomerID      `json:"customer"`
	Conversation ConversationID  `json:"conversation,omitempty"`
	Platform     Platform        `json:"platform"`
	Private      bool            `json:"private,omitempty"`
	At           time.Time       `json:"at"`
	Text         string          `json:"text,omitempty"`
	URL          string          `json:"url,omitempty"`
	By           string          `json:"by,omitempty"` // customer, bot, agent name
	Sentiment    float64         `json:"sentiment,omitempty"`
	Intent       string          `json:"intent,omitempty"`
	Praise       bool            `json:"praise,omitempty"`
	// Detail holds a kind's own facts: a call's seconds and queue, an
	// invitation's status, an edit's earlier time.
	Detail map[string]string `json:"detail,omitempty"`
}

// Invitation is one entry in the invitation ledger: sent, or withheld and why.
type Invitation struct {
	ID       string     `json:"id"` // "<customer>:<episode>"; an episode is invited at most once
	Customer CustomerID `json:"customer"`
	After    string     `json:"after"` // "call" or "conversation"
	Episode  string     `json:"episode"`
	Platform Platform   `json:"platform,omitempty"`
	Status   string     `json:"status"` // reserved, sent, withheld
	Text     string     `json:"text,omitempty"`
	Reasons  []Reason   `json:"reasons"`
	At       time.Time  `json:"at"`
}
