// Package contact brings Amazon Connect's calls, chats, e-mails and tasks into
// the customer's timeline, wakes the escalation whose task an agent finished,
// and lets followup consider an ended call.
//
// Contact events are best effort: they come late, twice, out of order, with keys
// in either case. Everything here is keyed by the contact id, so that a repeat
// changes nothing.
package contact

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// Event is the part of a contact event's detail that matters here. encoding/json
// matches keys regardless of case, which Connect's own samples need (contact
// events page: camelCase and PascalCase both appear).
type Event struct {
	EventType             string    `json:"eventType"`
	ContactID             string    `json:"contactId"`
	InitialContactID      string    `json:"initialContactId"`
	RelatedContactID      string    `json:"relatedContactId"`
	Channel               string    `json:"channel"`
	InitiationMethod      string    `json:"initiationMethod"`
	InitiationTimestamp   time.Time `json:"initiationTimestamp"`
	DisconnectTimestamp   time.Time `json:"disconnectTimestamp"`
	ConnectedToAgentStamp time.Time `json:"connectedToAgentTimestamp"`
	DisconnectReason      string    `json:"disconnectReason"`
	AgentInfo             struct {
		AgentArn                  string    `json:"agentArn"`
		ConnectedToAgentTimestamp time.Time `json:"connectedToAgentTimestamp"`
	} `json:"agentInfo"`
	QueueInfo struct {
		QueueArn string `json:"queueArn"`
	} `json:"queueInfo"`
}

// Store is what has to be known of contacts.
type Store interface {
	ContactLink(ctx context.Context, contact string) (care.ContactLink, error) // care.NotFound when it is not ours
	Conversation(ctx context.Context, id care.ConversationID) (care.Conversation, error)
	UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error)
	PutInteraction(ctx context.Context, i care.Interaction) error
	CustomerByIdentity(ctx context.Context, scheme, value string) (care.Customer, care.Identity, error)
}

// Centre tells whose call it was.
type Centre interface {
	// Caller returns the other side's phone number, "" when there is none.
	Caller(ctx context.Context, contact string) (phone string, err error)
}

// Workflow wakes a waiting escalation; a token that is spent is fine.
type Workflow interface {
	Succeed(ctx context.Context, token string, by, how string) error
}

// Followup considers an invitation after a call.
type Followup interface {
	AfterCall(ctx context.Context, correlation string, customer care.CustomerID, contact string, seconds int, at time.Time) error
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Service handles contact events.
type Service struct {
	Store    Store
	Centre   Centre // nil without an instance
	Workflow Workflow
	Followup Followup
	Bus      Bus
}

// Outcome says what an event led to, for logs.
type Outcome struct {
	Contact string `json:"contact"`
	Did     string `json:"did"`
}

// Handle takes one event from the default bus.
func (s *Service) Handle(ctx context.Context, env events.Envelope) (Outcome, error) {
	var e Event
	if err := json.Unmarshal(env.Detail, &e); err != nil {
		return Outcome{}, care.Errorf(care.Invalid, "the contact event cannot be read: %w", err)
	}
	if e.ContactID == "" || e.EventType == "" {
		return Outcome{}, care.Errorf(care.Invalid, "a contact event needs contactId and eventType")
	}
	if e.DisconnectTimestamp.IsZero() {
		e.DisconnectTimestamp = env.Time
	}
	did := "nothing to do for " + e.EventType
	var err error
	switch strings.ToUpper(e.Channel) {
	case "TASK":
		did, err = s.task(ctx, e, did)
	case "VOICE", "CHAT", "EMAIL":
		if strings.EqualFold(e.EventType, "DISCONNECTED") {
			did, err = s.ended(ctx, env.ID, e)
		}
	}
	return Outcome{Contact: e.ContactID, Did: did}, err
}

func (s *Service) task(ctx context.Context, e Event, did string) (string, error) {
	link, err := s.Store.ContactLink(ctx, e.ContactID)
	if care.CodeOf(err) == care.NotFound || (err == nil && link.Conversation == "") {
		return "a task that is not ours", nil
	}
	if err != nil {
		return "", err
	}
	agent := last(e.AgentInfo.AgentArn)
	switch strings.ToUpper(e.EventType) {
	case "CONNECTED_TO_AGENT":
		_, err := s.Store.UpdateConversation(ctx, link.Conversation, func(c *care.Conversation) error {
			if c.Escalation != nil && c.Escalation.Contact == e.ContactID {
				c.Agent = agent
			}
			return nil
		})
		return "an agent has it", err
	case "DISCONNECTED", "COMPLETED":
		conv, err := s.Store.Conversation(ctx, link.Conversation)
		if err != nil {
			return "", err
		}
		esc := conv.Escalation
		if esc == nil || esc.Contact != e.ContactID {
			return "a task of an earlier step", nil
		}
		if conv.Customer != "" {
			err = s.Store.PutInteraction(ctx, care.Interaction{ID: "contact:" + e.ContactID, Kind: care.InteractionTask,
				Customer: conv.Customer, Conversation: conv.ID, Platform: conv.Platform, At: e.DisconnectTimestamp, By: agent,
				Detail: map[string]string{"queue": esc.Queue, "post": string(esc.Post)}})
			if err != nil {
				return "", err
			}
		}
		if esc.TaskToken == "" {
			// The workflow has not stored its token yet; EventBridge tries again.
			return "", care.Errorf(care.Busy, "the escalation is just being opened")
		}
		return "woke the escalation", s.Workflow.Succeed(ctx, esc.TaskToken, agent, "completed")
	}
	return did, nil
}

func (s *Service) ended(ctx context.Context, correlation string, e Event) (string, error) {
	customer, err := s.caller(ctx, e)
	if err != nil {
		return "", err
	}
	if customer == "" {
		return "a contact of somebody we do not know", nil
	}
	from := e.AgentInfo.ConnectedToAgentTimestamp
	if from.IsZero() {
		from = e.InitiationTimestamp
	}
	seconds := 0
	if !from.IsZero() && e.DisconnectTimestamp.After(from) {
		seconds = int(e.DisconnectTimestamp.Sub(from).Seconds())
	}
	kind := map[string]care.InteractionKind{"VOICE": care.InteractionCall, "CHAT": care.InteractionChat, "EMAIL": care.InteractionEmail}[strings.ToUpper(e.Channel)]
	i := care.Interaction{ID: "contact:" + e.ContactID, Kind: kind, Customer: customer, Platform: care.Phone, Private: true,
		At: e.DisconnectTimestamp, By: last(e.AgentInfo.AgentArn),
		Detail: map[string]string{"seconds": strconv.Itoa(seconds), "queue": last(e.QueueInfo.QueueArn), "method": e.InitiationMethod}}
	if err := s.Store.PutInteraction(ctx, i); err != nil {
		return "", err
	}
	if err := s.Bus.Publish(ctx, &events.InteractionRecorded{Meta: events.Meta{Correlation: correlation}, Interaction: i.ID,
		Kind: i.Kind, Customer: customer, At: i.At}); err != nil {
		return "", err
	}
	if kind != care.InteractionCall || from.IsZero() {
		return "recorded", nil
	}
	return "recorded, invitation considered", s.Followup.AfterCall(ctx, correlation, customer, e.ContactID, seconds, e.DisconnectTimestamp)
}

// caller finds whose contact it was: by what lookup stored when the call came
// in, else by the number that Connect tells us.
func (s *Service) caller(ctx context.Context, e Event) (care.CustomerID, error) {
	for _, id := range []string{e.ContactID, e.InitialContactID} {
		if id == "" {
			continue
		}
		link, err := s.Store.ContactLink(ctx, id)
		if err == nil && link.Customer != "" {
			return link.Customer, nil
		}
		if err != nil && care.CodeOf(err) != care.NotFound {
			return "", err
		}
	}
	if s.Centre == nil || !strings.EqualFold(e.Channel, "VOICE") {
		return "", nil
	}
	phone, err := s.Centre.Caller(ctx, e.ContactID)
	if care.CodeOf(err) == care.NotFound || phone == "" && err == nil {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c, _, err := s.Store.CustomerByIdentity(ctx, "phone", phone)
	if care.CodeOf(err) == care.NotFound {
		return "", nil
	}
	return c.ID, err
}

// last is the last segment of an ARN: an agent's or queue's id.
func last(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
