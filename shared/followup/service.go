package followup

import (
	"context"
	"strings"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Operations of the invite function.
const (
	OpConsider = "consider" // ConversationResolved: start the workflow if there is hope
	OpInvite   = "invite"   // followup workflow, after the cool-off
	OpRecord   = "record"   // followup workflow, after the door answered
)

// Trigger is what ended and may be followed by an invitation.
type Trigger struct {
	After        string              `json:"after"` // call or conversation
	Episode      string              `json:"episode"`
	Customer     care.CustomerID     `json:"customer"`
	Conversation care.ConversationID `json:"conversation,omitempty"`
	CallSeconds  int                 `json:"callSeconds,omitempty"`
	At           time.Time           `json:"at"`
}

// ID names the ledger entry: an episode has one.
func (t Trigger) ID() string { return string(t.Customer) + ":" + t.Episode }

// Request is the union of what the operations take.
type Request struct {
	Op          string  `json:"op"`
	Correlation string  `json:"correlation"`
	Request     Trigger `json:"request"`
	Invitation  *Ready  `json:"invitation,omitempty"`
	Sent        *struct {
		Status  string        `json:"status"`
		Reasons []care.Reason `json:"reasons"`
	} `json:"sent,omitempty"`
}

// Ready is the answer of OpInvite: ready with what to send, or withheld.
type Ready struct {
	Status string   `json:"status"`
	Send   *Outward `json:"send,omitempty"`
}

// Outward is what the door needs.
type Outward struct {
	Invitation care.Invitation `json:"invitation"`
	Customer   care.Customer   `json:"customer"`
	Account    string          `json:"account"`
	To         care.Author     `json:"to"`
}

// People gives what is known of a customer.
type People interface {
	Customer(ctx context.Context, id care.CustomerID) (care.Customer, error)
	Identities(ctx context.Context, id care.CustomerID) ([]care.Identity, error)
}

// Past gives what happened with a customer.
type Past interface {
	OpenConversations(ctx context.Context, id care.CustomerID) ([]care.Conversation, error)
	Timeline(ctx context.Context, id care.CustomerID, limit int, cursor string) ([]care.Interaction, string, error)
	PutInteraction(ctx context.Context, i care.Interaction) error
}

// Ledger keeps invitations.
type Ledger interface {
	Invitations(ctx context.Context, id care.CustomerID) ([]care.Invitation, error)
	// SaveInvitation writes the entry; one that says "sent" is never overwritten.
	SaveInvitation(ctx context.Context, inv care.Invitation) error
	// Take takes from every cap or, when one is full, from none and names it; the
	// same taker takes once.
	Take(ctx context.Context, taker string, caps []care.Cap, expires time.Time) (full string, err error)
}

// Workflow starts the followup workflow; starting it twice under one name is fine.
type Workflow interface {
	Start(ctx context.Context, name string, input any) error
}

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Wording renders the invitation in the customer's language for a platform.
type Wording func(b *config.Bundle, now time.Time, template string, p care.Platform, lang, id string, c care.Customer) (string, error)

// Service does the operations.
type Service struct {
	People   People
	Past     Past
	Ledger   Ledger
	Workflow Workflow
	Bundles  Bundles
	Bus      Bus
	Wording  Wording
	Clock    func() time.Time
}

// recent is how many interactions are looked at for a complaint.
const recent = 25

// Handle does one operation of the workflow.
func (s *Service) Handle(ctx context.Context, r Request) (Ready, error) {
	switch r.Op {
	case OpInvite:
		return s.invite(ctx, r)
	case OpRecord:
		return s.record(ctx, r)
	}
	return Ready{}, care.Errorf(care.Invalid, "invite does not know the operation %q", r.Op)
}

// workflowInput is the followup workflow's input.
type workflowInput struct {
	Correlation    string  `json:"correlation"`
	CoolOffSeconds int     `json:"coolOffSeconds"`
	Request        Trigger `json:"request"`
}

// Consider starts the workflow for an ended episode, or records at once why
// there will be no invitation.
func (s *Service) Consider(ctx context.Context, correlation string, t Trigger) error {
	if t.Customer == "" || t.Episode == "" {
		return nil // nobody we know: there is no ledger to write in
	}
	f, _, err := s.facts(ctx, t)
	if err != nil {
		return err
	}
	if v := Eligible(f); !v.OK {
		return s.save(ctx, t, "withheld", v.Platform, "", v.Reasons)
	}
	return s.Workflow.Start(ctx, name(t), workflowInput{Correlation: correlation, CoolOffSeconds: int(Wait(f).Seconds()) + 1, Request: t})
}

func (s *Service) invite(ctx context.Context, r Request) (Ready, error) {
	t := r.Request
	f, bundle, err := s.facts(ctx, t)
	if err != nil {
		return Ready{}, err
	}
	for _, p := range f.Past {
		if p.ID == t.ID() && p.Status == "reserved" {
			// An earlier attempt of this very step got this far: it holds the
			// day's place already and goes on with the same words.
			return s.ready(f, bundle, p)
		}
	}
	v := Eligible(f)
	if v.OK {
		if _, isQuiet := quiet(f, f.Now); isQuiet {
			v.OK, v.Reasons = false, []care.Reason{{By: "followup:quiet", Text: "It is night where the customer is."}}
		}
	}
	if v.OK && f.Policy.PerDay > 0 {
		day := f.Now.UTC().Format("2006-01-02")
		full, err := s.Ledger.Take(ctx, "invitation:"+t.ID(), []care.Cap{{Name: "invitations", Bucket: day, Amount: 1, Limit: int64(f.Policy.PerDay)}}, f.Now.Add(48*time.Hour))
		if err != nil {
			return Ready{}, err
		}
		if full != "" {
			v.OK, v.Reasons = false, []care.Reason{{By: "followup:day-cap", Text: "Today's number of invitations is used up."}}
		}
	}
	if !v.OK {
		return Ready{Status: "withheld"}, s.save(ctx, t, "withheld", v.Platform, "", v.Reasons)
	}
	text, err := s.Wording(bundle, f.Now, f.Policy.Template, v.Platform, f.Customer.Lang, t.ID(), f.Customer)
	if err != nil {
		return Ready{}, err
	}
	inv := care.Invitation{ID: t.ID(), Customer: t.Customer, After: t.After, Episode: t.Episode, Platform: v.Platform,
		Status: "reserved", Text: text, Reasons: v.Reasons, At: f.Now}
	if err := s.Ledger.SaveInvitation(ctx, inv); err != nil {
		return Ready{}, err
	}
	return s.ready(f, bundle, inv)
}

func (s *Service) ready(f Facts, b *config.Bundle, inv care.Invitation) (Ready, error) {
	var to care.Author
	for _, id := range f.Identities {
		if id.Scheme == string(inv.Platform) && (id.Grade == care.GradeVerified || id.Grade == care.GradeAsserted) {
			to = care.Author{ID: id.Value, Handle: id.Handle}
			break
		}
	}
	account := ""
	for _, a := range b.Brand.Accounts {
		if a.Platform == inv.Platform {
			account = a.ID
			break
		}
	}
	if to.ID == "" {
		return Ready{}, care.Errorf(care.Refused, "the customer's account on %s is not linked any more", inv.Platform)
	}
	return Ready{Status: "ready", Send: &Outward{Invitation: inv, Customer: f.Customer, Account: account, To: to}}, nil
}

// record writes what the door answered.
func (s *Service) record(ctx context.Context, r Request) (Ready, error) {
	if r.Invitation == nil || r.Invitation.Send == nil || r.Sent == nil {
		return Ready{}, care.Errorf(care.Invalid, "recording an invitation needs the invitation and the door's answer")
	}
	inv := r.Invitation.Send.Invitation
	t := r.Request
	status := "withheld"
	if r.Sent.Status == "sent" {
		status = "sent"
	}
	if err := s.save(ctx, t, status, inv.Platform, inv.Text, r.Sent.Reasons); err != nil {
		return Ready{}, err
	}
	if status != "sent" {
		return Ready{Status: status}, nil
	}
	err := s.Past.PutInteraction(ctx, care.Interaction{ID: "invitation:" + inv.ID, Kind: care.InteractionInvitation,
		Customer: inv.Customer, Conversation: t.Conversation, Platform: inv.Platform, Private: true, At: s.Clock(), Text: inv.Text, By: "bot",
		Detail: map[string]string{"after": inv.After}})
	if err != nil {
		return Ready{}, err
	}
	return Ready{Status: status}, s.Bus.Publish(ctx, &events.InvitationSent{Meta: events.Meta{Correlation: r.Correlation},
		Invitation: inv.ID, Customer: inv.Customer, Platform: inv.Platform, After: inv.After})
}

func (s *Service) save(ctx context.Context, t Trigger, status string, p care.Platform, text string, reasons []care.Reason) error {
	return s.Ledger.SaveInvitation(ctx, care.Invitation{ID: t.ID(), Customer: t.Customer, After: t.After, Episode: t.Episode,
		Platform: p, Status: status, Text: text, Reasons: reasons, At: s.Clock()})
}

func (s *Service) facts(ctx context.Context, t Trigger) (Facts, *config.Bundle, error) {
	b, err := s.Bundles.Current(ctx)
	if err != nil {
		return Facts{}, nil, err
	}
	f := Facts{Now: s.Clock(), Policy: b.Followup, TimeZone: b.Hours.TimeZone, Episode: t.Episode, After: t.After, CallSeconds: t.CallSeconds}
	if f.Customer, err = s.People.Customer(ctx, t.Customer); err != nil {
		return Facts{}, nil, err
	}
	if f.Customer.Prospect {
		return f, b, nil // no invitation, whatever else is true: nothing more to read
	}
	if f.Identities, err = s.People.Identities(ctx, t.Customer); err != nil {
		return Facts{}, nil, err
	}
	if f.Open, err = s.Past.OpenConversations(ctx, t.Customer); err != nil {
		return Facts{}, nil, err
	}
	if f.Recent, _, err = s.Past.Timeline(ctx, t.Customer, recent, ""); err != nil {
		return Facts{}, nil, err
	}
	f.Past, err = s.Ledger.Invitations(ctx, t.Customer)
	return f, b, err
}

// name is the execution's name: letters, digits, "-" and "_", at most 80
// (Step Functions quotas).
func name(t Trigger) string {
	n := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, t.ID())
	if len(n) > 80 {
		n = n[len(n)-80:]
	}
	return n
}
