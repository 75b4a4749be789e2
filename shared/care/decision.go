package care

import "time"

// Outcome is the one thing that happened with a post in the end.
type Outcome string

// Every post ends in exactly one of these.
const (
	OutcomeIgnored   Outcome = "ignored"   // chatter: nothing to do
	OutcomeAnswered  Outcome = "answered"  // an automated reply was sent
	OutcomeEscalated Outcome = "escalated" // an agent has it
	OutcomeRecorded  Outcome = "recorded"  // kept in the timeline, no answer needed
	OutcomeFailed    Outcome = "failed"    // parked for a person after every retry failed
)

// Reason is one signal, rule or guard that shaped a decision, in words that a
// business user understands.
type Reason struct {
	// By names what speaks: "relevance", "severity", "rule:where-is-my-order",
	// "guard:hours", "policy:x-summoned", ...
	By string `json:"by"`
	// Text is a whole sentence without the author's words or personal data.
	Text string `json:"text"`
	// Points is what it added to the priority, if it did.
	Points float64 `json:"points,omitempty"`
}

// Triage is what shared/triage found in a post.
type Triage struct {
	// Relevance is "addressed", "about", "competitor" or "chatter".
	Relevance Relevance `json:"relevance"`
	// Obvious is true when chatter is so plain that the edge may decide it.
	Obvious   bool    `json:"obvious,omitempty"`
	Lang      string  `json:"lang"`      // BCP 47 primary tag, "und" when unsure
	Sentiment float64 `json:"sentiment"` // -1 (very negative) .. 1 (very positive)
	Intent    string  `json:"intent"`    // an intent of brand config, "" when none
	// IntentScore is 0..1.
	IntentScore float64  `json:"intentScore,omitempty"`
	Severity    Severity `json:"severity"`
	// PersonalData lists the kinds found in the text (email, phone, card, iban,
	// order, address), never the values.
	PersonalData []string `json:"personalData,omitempty"`
	// Influence is 0..1, from followers and verification.
	Influence   float64  `json:"influence"`
	Competitors []string `json:"competitors,omitempty"`
	Products    []string `json:"products,omitempty"`
	Units       []string `json:"units,omitempty"`
	Praise      bool     `json:"praise,omitempty"`
	Complaint   bool     `json:"complaint,omitempty"`
	Question    bool     `json:"question,omitempty"`
	// Priority is 0..100 before the customer is known; escalation adds the
	// customer's value (triage.Priority does both, with reasons).
	Priority float64  `json:"priority"`
	Reasons  []Reason `json:"reasons"`
}

// Relevance says what a post has to do with the brand.
type Relevance string

// The classes of relevance.
const (
	RelevanceAddressed  Relevance = "addressed"  // the author turned to us
	RelevanceAbout      Relevance = "about"      // talks about us or a product, not to us
	RelevanceCompetitor Relevance = "competitor" // about a competitor, not about us
	RelevanceChatter    Relevance = "chatter"    // noise
)

// Severity is how grave the matter is.
type Severity int

// The severities, low to high.
const (
	SeverityNone     Severity = 0
	SeverityLow      Severity = 1 // an inconvenience, a plain question
	SeverityMedium   Severity = 2 // money, a delay, a defect
	SeverityHigh     Severity = 3 // fraud, data loss, legal threat, churn threat, many affected
	SeverityCritical Severity = 4 // safety of a person, self-harm, press crisis
)

func (s Severity) String() string {
	switch s {
	case SeverityNone:
		return "none"
	case SeverityLow:
		return "low"
	case SeverityMedium:
		return "medium"
	case SeverityHigh:
		return "high"
	case SeverityCritical:
		return "critical"
	}
	return "unknown"
}

// Action is what the reply rules want done with a post.
type Action string

// The actions.
const (
	ActionAnswer Action = "answer" // send Plan.Text through the one door
	ActionDraft  Action = "draft"  // give Plan.Text to an agent, who approves it
	// ActionAcknowledge sends Plan.Text, which says when an answer will come, and
	// gives the post to an agent.
	ActionAcknowledge Action = "acknowledge"
	ActionEscalate    Action = "escalate" // give it to an agent
	ActionWatch       Action = "watch"    // keep it in the timeline, say nothing
)

// Plan is what the reply rules decided, before anything is sent. It is stored
// once per post, so that a repeated workflow follows the first decision.
type Plan struct {
	Action Action `json:"action"`
	// Rule is the name of the rule that fired; "" for the default.
	Rule     string `json:"rule,omitempty"`
	Template string `json:"template,omitempty"`
	Text     string `json:"text,omitempty"` // what to say, rendered for the platform
	Lang     string `json:"lang,omitempty"`
	// Private asks for the answer in private (direct message, private reply).
	Private bool `json:"private,omitempty"`
	// Else is what to do when the door refuses: escalate or watch.
	Else Action   `json:"else,omitempty"`
	Tags []string `json:"tags,omitempty"`
	// Queue is where a person finds it, when the rule names one.
	Queue string `json:"queue,omitempty"`
	// DelaySeconds is how long to wait before Text goes out.
	DelaySeconds int `json:"delaySeconds,omitempty"`
	// Promised is by when Text says that the author will hear from us.
	Promised time.Time `json:"promised,omitzero"`
	// ApproveBy is when a draft expires.
	ApproveBy time.Time `json:"approveBy,omitzero"`
	// Limits are counted at the one door.
	Limits Limits `json:"limits,omitzero"`
	// Seen is what the rules saw beside the post and its triage.
	Seen          *Seen    `json:"seen,omitempty"`
	ConfigVersion string   `json:"configVersion"`
	Reasons       []Reason `json:"reasons"`
}

// Later is until when Text has to wait, on a whole second; zero when it need not,
// or no longer. It counts from when the rules decided, so that a post that comes
// round again does not wait twice.
func (p Plan) Later(now time.Time) time.Time {
	if p.DelaySeconds <= 0 || p.Seen == nil || p.Action != ActionAnswer && p.Action != ActionAcknowledge {
		return time.Time{}
	}
	end := p.Seen.At.UTC().Add(time.Duration(p.DelaySeconds) * time.Second)
	if whole := end.Truncate(time.Second); whole.Before(end) {
		end = whole.Add(time.Second)
	}
	// Clocks differ a little: who comes back after the wait must not find a rest.
	if end.Sub(now) < time.Second {
		return time.Time{}
	}
	return end
}

// Limits travel with a plan to the one door: only there is it known what was
// sent meanwhile.
type Limits struct {
	// PerCustomerPerDay and PerDay cap the rule's replies to one author, and to
	// all, per day; 0: no cap of its own.
	PerCustomerPerDay int `json:"perCustomerPerDay,omitempty"`
	PerDay            int `json:"perDay,omitempty"`
	// OncePerConversation: the rule replies to a conversation once.
	OncePerConversation bool `json:"oncePerConversation,omitempty"`
}

// Seen is what the rules saw of the author and the conversation when they
// decided, kept with the plan so that a draft of the rules can be replayed
// against the same facts. It holds no name and nothing that the author wrote.
type Seen struct {
	At           time.Time         `json:"at"`
	Customer     CustomerID        `json:"customer,omitempty"`
	Known        bool              `json:"known,omitempty"`
	Grade        Grade             `json:"grade,omitempty"`
	Tier         string            `json:"tier,omitempty"`
	Value        float64           `json:"value,omitempty"`
	Lang         string            `json:"lang,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	OptOut       bool              `json:"optOut,omitempty"`
	First        bool              `json:"first,omitempty"`
	Conversation ConversationID    `json:"conversation,omitempty"`
	AgentOnIt    bool              `json:"agentOnIt,omitempty"`
	Storm        bool              `json:"storm,omitempty"`
}

// Decision is what Fielder did with a post, and why. Written once.
type Decision struct {
	Post    PostID    `json:"post"`
	Outcome Outcome   `json:"outcome"`
	At      time.Time `json:"at"`
	Reasons []Reason  `json:"reasons"`
}
