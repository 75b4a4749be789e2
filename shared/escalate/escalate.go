// Package escalate hands conversations to agents: it chooses the queue, sets
// the clock of the service level, opens an Amazon Connect task in the same
// queues that take the phone, warns before the clock runs out, passes the
// conversation on when it has, and closes it when an agent is done.
//
// The waiting itself is done by the escalation workflow; every operation here
// is short and may be repeated.
package escalate

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Operations of the function.
const (
	OpOpen    = "open"    // intake: put the conversation into a queue
	OpTask    = "task"    // escalation workflow: open the Connect task, keep the task token
	OpWarn    = "warn"    // escalation workflow: the first response is due soon
	OpBreach  = "breach"  // escalation workflow: it is late; the next queue takes over
	OpResolve = "resolve" // escalation workflow: an agent is done
)

// Request is the union of what the operations take.
type Request struct {
	Op          string      `json:"op"`
	Correlation string      `json:"correlation"`
	Post        care.Post   `json:"post,omitzero"`
	Triage      care.Triage `json:"triage,omitzero"`
	Match       care.Match  `json:"match,omitzero"`
	Plan        care.Plan   `json:"plan,omitzero"`
	// Sent is the door's answer when a refusal or a parked reply led here.
	Sent *struct {
		Status  string        `json:"status"`
		Reasons []care.Reason `json:"reasons"`
	} `json:"sent,omitempty"`

	Conversation care.ConversationID `json:"conversation,omitempty"`
	Episode      int                 `json:"episode,omitempty"`
	Token        string              `json:"token,omitempty"`
	// Step is how many fallbacks there will have been after OpBreach: 1, then 2.
	// It tells a repeat from the next breach; tokens differ between retries.
	Step int `json:"step,omitempty"`
	// Resolution is what the agent's side answered with the task token.
	Resolution *Done `json:"resolution,omitempty"`
}

// promised is by when the author was told to hear from us; zero when nothing was
// promised, or the door refused to say it. A parked reply may have been said.
func (r Request) promised() time.Time {
	if r.Sent == nil || r.Sent.Status != "sent" && r.Sent.Status != "parked" {
		return time.Time{}
	}
	return r.Plan.Promised
}

// Done is what wakes the workflow: who finished the task, and how.
type Done struct {
	By  string `json:"by"`
	How string `json:"how"` // completed, resolved, answered
}

// Opened is the answer of OpOpen: the escalation workflow to start.
type Opened struct {
	Conversation care.ConversationID `json:"conversation"`
	Queue        string              `json:"queue"`
	Priority     float64             `json:"priority"`
	Reasons      []care.Reason       `json:"reasons"`
	// Execution names the workflow's execution. The same episode has the same
	// name and input, so starting it twice starts it once.
	Execution string `json:"execution"`
	Input     Input  `json:"input"`
}

// Input is the escalation workflow's input.
type Input struct {
	Conversation care.ConversationID `json:"conversation"`
	Episode      int                 `json:"episode"`
	Correlation  string              `json:"correlation"`
	// WarnSeconds until the warning, BreachSeconds from there to the breach,
	// FallbackSeconds for the queue that takes over then; each at least 1.
	WarnSeconds     int `json:"warnSeconds"`
	BreachSeconds   int `json:"breachSeconds"`
	FallbackSeconds int `json:"fallbackSeconds"`
}

// Answer is what the workflow's other operations return.
type Answer struct {
	Conversation care.ConversationID `json:"conversation"`
	Queue        string              `json:"queue,omitempty"`
	Contact      string              `json:"contact,omitempty"`
}

// Store keeps conversations.
type Store interface {
	Conversation(ctx context.Context, id care.ConversationID) (care.Conversation, error)
	UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error)
	// LinkContact remembers which conversation a Connect contact belongs to.
	LinkContact(ctx context.Context, contact string, link care.ContactLink) error
}

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Centre is the contact centre: Amazon Connect, or nothing. Without one,
// agents work from the queue and tasks are not opened.
type Centre interface {
	// StartTask opens a task and returns its contact id. The same token gives
	// the same task.
	StartTask(ctx context.Context, t Task) (contact string, err error)
	// StopTask ends it; a task that is over already is fine.
	StopTask(ctx context.Context, contact string) error
}

// Task is a task to open.
type Task struct {
	Token       string // derived from post and step: at most 64 characters
	Flow        string // the queue's contact flow, "" for the default
	Name        string
	Description string
	URL         string // the post, where the agent can look at it
	Attributes  map[string]string
}

// Workflow wakes a waiting escalation.
type Workflow interface {
	Succeed(ctx context.Context, token string, done Done) error
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Priority weighs gravity, influence and customer value, with reasons.
type Priority func(t care.Triage, m *care.Match, p care.Post, w config.Weights, repeat int) (float64, []care.Reason)

// Service does the operations.
type Service struct {
	Store    Store
	Bundles  Bundles
	Centre   Centre
	Workflow Workflow
	Bus      Bus
	Priority Priority
	Clock    func() time.Time
}

// Handle does one operation.
func (s *Service) Handle(ctx context.Context, r Request) (any, error) {
	switch r.Op {
	case OpOpen:
		return s.Open(ctx, r)
	case OpTask:
		return s.task(ctx, r)
	case OpWarn:
		return s.warn(ctx, r)
	case OpBreach:
		return s.breach(ctx, r)
	case OpResolve:
		return s.resolve(ctx, r)
	}
	return nil, care.Errorf(care.Invalid, "escalate does not know the operation %q", r.Op)
}

// Open puts the conversation into a queue. A conversation that agents have
// already only rises: the new post joins it, and the running workflow goes on.
func (s *Service) Open(ctx context.Context, r Request) (Opened, error) {
	id := r.Match.Conversation.ID
	if id == "" {
		return Opened{}, care.Errorf(care.Invalid, "an escalation needs a conversation")
	}
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return Opened{}, err
	}
	now := s.Clock()
	var escalated bool
	conv, err := s.Store.UpdateConversation(ctx, id, func(c *care.Conversation) error {
		escalated = false
		if c.Escalation == nil && c.LastEscalated == r.Post.ID() {
			return nil // a repeat of a post whose episode is over: it reopens nothing
		}
		repeat := c.Episode
		priority, reasons := s.Priority(r.Triage, &r.Match, r.Post, bundle.Routing.Weights, repeat)
		if len(r.Plan.Reasons) > 0 { // why it comes to a person; the rules passed over are noise to an agent
			reasons = append(reasons, r.Plan.Reasons[0])
		}
		if r.Sent != nil {
			reasons = append(reasons, r.Sent.Reasons...)
		}
		c.State = c.State.Next(care.CustomerSpoke)
		if now.After(c.Last) {
			c.Last = now
		}
		c.Public = c.Public || !r.Post.Private
		if e := c.Escalation; e != nil {
			if e.Post != r.Post.ID() && priority > e.Priority {
				e.Priority, e.Reasons = priority, reasons
			}
			return nil
		}
		queue := r.Plan.Queue // the rule may name one
		if _, known := queueOf(bundle.Routing, queue); !known {
			queue = Route(bundle.Routing, r.Post, r.Triage, r.Match, priority)
		}
		target := bundle.Routing.SLA[r.Triage.Severity.String()]
		due := bundle.Hours.For(bundle.Hours.Who(r.Post, r.Triage)).Due(target, now)
		if at := r.promised(); !at.IsZero() && at.Before(due) {
			due = at
			reasons = append(reasons, care.Reason{By: "promise", Text: fmt.Sprintf("The author was told to hear from us by %s, which is sooner than the service level asks.",
				at.In(bundle.Hours.Location()).Format("15:04 on 2 January"))})
		}
		warn := due.Add(-time.Duration(target.WarnBefore))
		if warn.Before(now) {
			warn = now
		}
		c.Episode++
		c.LastEscalated = r.Post.ID()
		c.Escalation = &care.Escalation{Post: r.Post.ID(), Queue: queue, Priority: priority, Reasons: reasons,
			Opened: now, WarnAt: warn, DueAt: due, URL: r.Post.URL, Platform: r.Post.Platform,
			Severity: r.Triage.Severity, Intent: r.Triage.Intent, Correlation: r.Correlation}
		escalated = true
		return nil
	})
	if err != nil {
		return Opened{}, err
	}
	out := Opened{Conversation: id, Execution: Execution(id, conv.Episode)}
	e := conv.Escalation
	if e == nil { // a repeat of a finished episode: its execution has run, its name is taken
		out.Input = Input{Conversation: id, Episode: conv.Episode, Correlation: r.Correlation, WarnSeconds: 1, BreachSeconds: 1, FallbackSeconds: 1}
		return out, nil
	}
	out.Queue, out.Priority, out.Reasons = e.Queue, e.Priority, e.Reasons
	out.Input = Input{Conversation: id, Episode: conv.Episode, Correlation: e.Correlation,
		WarnSeconds: seconds(e.WarnAt.Sub(e.Opened)), BreachSeconds: seconds(e.DueAt.Sub(e.WarnAt)),
		FallbackSeconds: seconds(e.DueAt.Sub(e.Opened))}
	if escalated || e.Post == r.Post.ID() {
		err = s.Bus.Publish(ctx, &events.ConversationEscalated{Meta: events.Meta{Correlation: r.Correlation}, Conversation: id,
			Post: events.RefOf(r.Post), Queue: e.Queue, Priority: e.Priority, Severity: r.Triage.Severity, Intent: r.Triage.Intent,
			DueAt: e.DueAt, Reasons: e.Reasons})
	}
	return out, err
}

// task opens the Connect task of the escalation's current step and keeps the
// token that wakes the workflow.
func (s *Service) task(ctx context.Context, r Request) (Answer, error) {
	conv, err := s.Store.Conversation(ctx, r.Conversation)
	if err != nil {
		return Answer{}, err
	}
	if conv.Escalation == nil || conv.Episode != r.Episode {
		// It was resolved before the workflow came to open it.
		return Answer{Conversation: r.Conversation}, s.Workflow.Succeed(ctx, r.Token, Done{By: "fielder", How: "resolved"})
	}
	return s.openTask(ctx, r, conv)
}

func (s *Service) openTask(ctx context.Context, r Request, conv care.Conversation) (Answer, error) {
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return Answer{}, err
	}
	e := *conv.Escalation
	queue, _ := queueOf(bundle.Routing, e.Queue)
	// The token is kept before the task is opened: an agent may be quicker than
	// this function.
	conv, err = s.Store.UpdateConversation(ctx, conv.ID, func(c *care.Conversation) error {
		if c.Escalation != nil {
			c.Escalation.TaskToken = r.Token
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	contact := e.Contact
	if s.Centre != nil && contact == "" {
		contact, err = s.Centre.StartTask(ctx, task(conv, e, queue))
		if err != nil {
			return Answer{}, err
		}
		if err := s.Store.LinkContact(ctx, contact, care.ContactLink{Conversation: conv.ID, Customer: conv.Customer}); err != nil {
			return Answer{}, err
		}
		_, err = s.Store.UpdateConversation(ctx, conv.ID, func(c *care.Conversation) error {
			if c.Escalation != nil {
				c.Escalation.Contact = contact
			}
			return nil
		})
	}
	return Answer{Conversation: conv.ID, Queue: e.Queue, Contact: contact}, err
}

// warn says that the response is due soon, and waits on under a new token.
func (s *Service) warn(ctx context.Context, r Request) (Answer, error) {
	conv, err := s.Store.UpdateConversation(ctx, r.Conversation, func(c *care.Conversation) error {
		if c.Escalation != nil && c.Episode == r.Episode {
			c.Escalation.TaskToken = r.Token
			c.Escalation.Warned = true
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	e := conv.Escalation
	if e == nil || conv.Episode != r.Episode {
		return Answer{Conversation: r.Conversation}, s.Workflow.Succeed(ctx, r.Token, Done{By: "fielder", How: "resolved"})
	}
	return Answer{Conversation: conv.ID, Queue: e.Queue, Contact: e.Contact}, s.Bus.Publish(ctx, &events.SLAWarned{
		Meta: events.Meta{Correlation: r.Correlation}, Conversation: conv.ID, Queue: e.Queue, DueAt: e.DueAt})
}

// breach passes the conversation on to the fallback queue: the old task ends, a
// new one opens there.
func (s *Service) breach(ctx context.Context, r Request) (Answer, error) {
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return Answer{}, err
	}
	var old, from, next string
	conv, err := s.Store.UpdateConversation(ctx, r.Conversation, func(c *care.Conversation) error {
		old, from, next = "", "", ""
		e := c.Escalation
		if e == nil || c.Episode != r.Episode {
			return nil
		}
		from, next = e.Queue, e.Queue
		e.Breached, e.TaskToken = true, r.Token
		if e.Step >= r.Step {
			return nil // a repeat of this very step
		}
		e.Step = r.Step
		if q, ok := queueOf(bundle.Routing, e.Queue); ok && q.Fallback != "" {
			next = q.Fallback
			old, e.Contact = e.Contact, ""
			e.Queue = next
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	if conv.Escalation == nil || conv.Episode != r.Episode {
		return Answer{Conversation: r.Conversation}, s.Workflow.Succeed(ctx, r.Token, Done{By: "fielder", How: "resolved"})
	}
	if s.Centre != nil && old != "" {
		if err := s.Centre.StopTask(ctx, old); err != nil {
			return Answer{}, err
		}
	}
	ans, err := s.openTask(ctx, r, conv)
	if err != nil {
		return Answer{}, err
	}
	return ans, s.Bus.Publish(ctx, &events.SLABreached{Meta: events.Meta{Correlation: r.Correlation},
		Conversation: conv.ID, Queue: from, Next: next, DueAt: conv.Escalation.DueAt})
}

// resolve closes the conversation.
func (s *Service) resolve(ctx context.Context, r Request) (Answer, error) {
	done := Done{By: "agent", How: "completed"}
	if r.Resolution != nil {
		done = *r.Resolution
	}
	var queue, contact string
	conv, err := s.Store.UpdateConversation(ctx, r.Conversation, func(c *care.Conversation) error {
		queue, contact = "", ""
		if c.Episode != r.Episode {
			return nil // the customer came back and a new episode has begun
		}
		if e := c.Escalation; e != nil {
			queue, contact = e.Queue, e.Contact
		}
		c.Escalation = nil
		c.Agent = ""
		c.State = c.State.Next(care.MatterResolved)
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	if conv.Episode != r.Episode {
		return Answer{Conversation: conv.ID}, nil
	}
	if s.Centre != nil && contact != "" {
		if err := s.Centre.StopTask(ctx, contact); err != nil {
			return Answer{}, err
		}
	}
	return Answer{Conversation: conv.ID, Queue: queue, Contact: contact}, s.Bus.Publish(ctx, &events.ConversationResolved{
		Meta: events.Meta{Correlation: r.Correlation}, Conversation: conv.ID, Customer: conv.Customer,
		Platform: conv.Platform, Episode: conv.Episode, By: done.By})
}

// Route finds the queue: the first route whose conditions all hold, else the
// first queue.
func Route(routing config.Routing, p care.Post, t care.Triage, m care.Match, priority float64) string {
	for _, r := range routing.Routes {
		least, _ := config.SeverityOf(r.MinSeverity)
		if oneOf(r.Intents, t.Intent) && oneOf(r.Languages, t.Lang) && oneOf(r.Platforms, string(p.Platform)) &&
			oneOf(r.Tiers, m.Customer.Tier) && t.Severity >= least && priority >= r.MinPriority {
			return r.Queue
		}
	}
	if len(routing.Queues) > 0 {
		return routing.Queues[0].Name
	}
	return "default"
}

func queueOf(r config.Routing, name string) (config.Queue, bool) {
	for _, q := range r.Queues {
		if q.Name == name {
			return q, true
		}
	}
	return config.Queue{}, false
}

func oneOf(allowed []string, v string) bool {
	if len(allowed) == 0 {
		return true
	}
	for _, a := range allowed {
		if a == v {
			return true
		}
	}
	return false
}

func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// Execution names the workflow's execution; names are unique for 90 days and
// may have 80 characters (Step Functions quotas).
func Execution(id care.ConversationID, episode int) string {
	return fmt.Sprintf("%s-%d", id, episode)
}

// Bounds of a Connect task (StartTaskContact API reference).
const (
	maxName        = 512
	maxDescription = 4096
)

func task(conv care.Conversation, e care.Escalation, q config.Queue) Task {
	what := e.Intent
	if what == "" {
		what = "a post that needs a person"
	}
	name := fmt.Sprintf("%s: %s (%s, priority %.0f)", e.Platform, what, e.Severity, e.Priority)
	desc := "Why this came to you:\n"
	for _, r := range e.Reasons {
		line := "- " + r.Text + "\n"
		if len(desc)+len(line) > maxDescription {
			break
		}
		desc += line
	}
	if len(name) > maxName {
		name = name[:maxName]
	}
	return Task{
		Token: fmt.Sprintf("%s-%d-%d", conv.ID, conv.Episode, e.Step), Flow: q.Flow,
		Name: name, Description: desc, URL: e.URL,
		Attributes: map[string]string{
			"fielder_conversation": string(conv.ID), "fielder_customer": string(conv.Customer), "fielder_post": string(e.Post),
			"fielder_platform": string(e.Platform), "fielder_queue": e.Queue, "fielder_priority": fmt.Sprintf("%.0f", e.Priority),
			"fielder_severity": e.Severity.String(), "fielder_intent": e.Intent, "fielder_due": e.DueAt.UTC().Format(time.RFC3339),
		},
	}
}
