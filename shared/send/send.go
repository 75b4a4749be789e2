// Package send is the one door out. Nothing else holds platform write tokens.
// It takes the conversation's lock, asks policy, and sends at most once: a claim
// with an owner token guards every key, and an attempt that may have reached the
// platform is read back before anything is tried again. Where reading back
// cannot tell, it parks the post for a person rather than risk a double.
package send

import (
	"context"
	"log/slog"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/idempotency"
	"github.com/fielder-care/fielder/shared/policy"
	"github.com/fielder-care/fielder/shared/text"
)

// Kinds of things that go out.
const (
	KindReply      = "reply"      // an answer to a post, or its acknowledgement (Plan.Action)
	KindInvitation = "invitation" // an invitation to stay in touch
)

// Request is what intake and followup ask for.
type Request struct {
	Kind        string      `json:"kind"`
	Correlation string      `json:"correlation"`
	Post        care.Post   `json:"post"`
	Plan        care.Plan   `json:"plan"`
	Match       care.Match  `json:"match"`
	Triage      care.Triage `json:"triage"`
	// Agent approved the text and answers for it; "" for an automated reply. An
	// agent's reply has the same key as an automated one, so that a post gets one
	// reply whoever sends it. No machine's cap, budget or kill switch holds it.
	Agent string `json:"agent,omitempty"`
	// Confirmed: the agent looked at what seems to be personal data (our own
	// hotline, say) and lets it stand in public.
	Confirmed bool `json:"confirmed,omitempty"`
	// Send is set for KindInvitation.
	Send *Invitation `json:"send,omitempty"`
}

// Invitation is an invitation to send: what it says, which account of ours
// speaks, and who gets it.
type Invitation struct {
	Invitation care.Invitation `json:"invitation"`
	Customer   care.Customer   `json:"customer"`
	Account    string          `json:"account"`
	To         care.Author     `json:"to"`
}

// Statuses of a Result.
const (
	StatusSent    = "sent"
	StatusRefused = "refused" // policy or the platform said no, for good
	StatusParked  = "parked"  // it may have been said; a person must look
)

// Result is what became of a request. It is stored with the claim, so that a
// repeated request gets the same answer.
type Result struct {
	Status  string        `json:"status"`
	Reasons []care.Reason `json:"reasons"`
	Sent    care.Sent     `json:"sent"`
	// CostUSD is what the platform charges for it, at list price.
	CostUSD float64 `json:"costUsd,omitempty"`
}

// Locks is the send lock of a conversation.
type Locks interface {
	Lock(ctx context.Context, name, owner string, until time.Time) error
	Unlock(ctx context.Context, name, owner string) error
}

// History is what has to be known before and recorded after.
type History interface {
	Conversation(ctx context.Context, id care.ConversationID) (care.Conversation, error)
	UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error)
	PutInteraction(ctx context.Context, i care.Interaction) error
	// Take takes from every cap or, when one is full, from none and names it; the
	// same taker takes once.
	Take(ctx context.Context, taker string, caps []care.Cap, expires time.Time) (full string, err error)
	// Upstream says whether the post is gone there, and whether one of our accounts
	// was seen answering it.
	Upstream(ctx context.Context, id care.PostID) (deleted, answered bool, err error)
}

// Platform says things on one platform.
type Platform interface {
	// Send says it. care.Unavailable: surely not said. care.Unknown: maybe said.
	Send(ctx context.Context, out care.Outgoing) (care.Sent, error)
	// Find looks for it among what we said since out.Since.
	Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error)
}

// Door finds the platform client that speaks for one of our accounts.
type Door interface {
	Open(ctx context.Context, p care.Platform, account string) (Platform, error)
}

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Service is the door.
type Service struct {
	Once    *idempotency.Keeper
	Locks   Locks
	History History
	Door    Door
	Bundles Bundles
	Bus     Bus
	Clock   func() time.Time
	// Owner makes a token that no other invocation has.
	Owner func(context.Context) string
}

// Limits of the protocol.
const (
	// hold is how long a lock outlives an invocation that died. It is longer
	// than the function's time-out and shorter than what the workflow's retries
	// span, so that a later retry can take over.
	hold = 30 * time.Second
	// dailyCap is how many automated replies one author gets per day at most.
	// It stops two bots from talking to each other for ever.
	dailyCap = 10
	// phaseSending marks a claim whose owner was about to call the platform.
	phaseSending = "sending"
)

// The door's word that something went out.
const (
	wasSent       = "It was sent."
	wasSentBefore = "It had been sent already; the first attempt's answer was lost."
)

// Handle sends one thing, at most once. It returns an error only when nothing
// final can be said yet (care.Busy, care.Throttled, care.Unavailable,
// care.Unknown: try again later) or when something is set up wrongly
// (care.Denied, care.Invalid).
func (s *Service) Handle(ctx context.Context, r Request) (Result, error) {
	key, lock, err := keys(r)
	if err != nil {
		return Result{}, err
	}
	attempt, err := s.Once.Begin(ctx, key)
	if err != nil {
		return Result{}, err
	}
	var res Result
	if attempt.Done() {
		if err := attempt.Result(&res); err != nil {
			return Result{}, err
		}
		return res, s.aftermath(ctx, r, res)
	}
	owner := s.Owner(ctx)
	if err := s.Locks.Lock(ctx, lock, owner, s.Clock().Add(hold)); err != nil {
		letGo(ctx, attempt)
		return Result{}, err
	}
	defer func() {
		if err := s.Locks.Unlock(context.WithoutCancel(ctx), lock, owner); err != nil && care.CodeOf(err) != care.Conflict {
			slog.WarnContext(ctx, "unlock", "code", string(care.CodeOf(err)))
		}
	}()
	res, err = s.once(ctx, r, key, attempt)
	if err != nil {
		letGo(ctx, attempt) // a marked phase stays known to the next attempt
		return Result{}, err
	}
	if err := attempt.Complete(ctx, res); err != nil {
		return Result{}, care.Errorf(care.Unknown, "it may have been sent, but that could not be recorded: %w", err)
	}
	return res, s.aftermath(ctx, r, res)
}

// once decides and sends.
func (s *Service) once(ctx context.Context, r Request, key string, attempt *idempotency.Attempt) (Result, error) {
	platform, account := r.Post.Platform, r.Post.Account
	out := care.Outgoing{Key: key, Post: r.Post, To: r.Post.Author, Private: r.Plan.Private || r.Post.Private, Text: r.Plan.Text, Lang: r.Plan.Lang}
	if r.Kind == KindInvitation {
		platform, account = r.Send.Invitation.Platform, r.Send.Account
		out.To, out.Private, out.Text, out.Lang = r.Send.To, true, r.Send.Invitation.Text, r.Send.Customer.Lang
	}
	out.Account, out.Since = account, attempt.Since()
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return Result{}, err
	}
	q := s.question(r, out, bundle)
	price := policy.Price(platform, q.Tier, out.Private, r.Post.Addressed, out.Text, q.Now)
	client, err := s.Door.Open(ctx, platform, account)
	if care.CodeOf(err) == care.NotFound {
		return refused("door", "No account of ours is set up to answer there; a person must answer on the platform."), nil
	}
	if err != nil {
		return Result{}, err
	}
	if phase, _ := attempt.Earlier(); phase == phaseSending {
		// An attempt died, or its answer was lost, after the platform may have
		// heard it. Look before saying anything.
		sent, found, err := client.Find(ctx, out)
		if found {
			return said(sent, price, wasSentBefore), nil
		}
		switch care.CodeOf(err) {
		case "": // surely not said: go on
		case care.Unavailable, care.Throttled, care.Unknown, care.Busy:
			return Result{}, err // look again later
		default:
			slog.WarnContext(ctx, "cannot read back", "platform", string(platform), "error", err.Error())
			return Result{Status: StatusParked, Reasons: []care.Reason{{By: "door",
				Text: "An earlier attempt may have been sent and the platform does not let us check; a person must look before anything is said again."}}}, nil
		}
	} else {
		verdict, err := s.allowed(ctx, r, q, bundle, price)
		if err != nil {
			return Result{}, err
		}
		if !verdict.Allowed {
			return Result{Status: StatusRefused, Reasons: verdict.Reasons}, nil
		}
		if err := attempt.Mark(ctx, phaseSending); err != nil {
			return Result{}, err
		}
	}
	sent, err := client.Send(ctx, out)
	switch code := care.CodeOf(err); code {
	case "":
		return said(sent, price, wasSent), nil
	case care.Refused, care.NotFound, care.Invalid:
		slog.WarnContext(ctx, "platform refused", "platform", string(platform), "code", string(code), "error", err.Error())
		return refused("platform:"+string(platform), refusal(err)), nil
	case care.Unknown:
		return Result{}, err // the mark stays: the next attempt reads back
	default:
		// Surely not said: the next attempt need not look.
		if markErr := attempt.Mark(ctx, ""); markErr != nil {
			slog.WarnContext(ctx, "unmark", "code", string(care.CodeOf(markErr)))
		}
		return Result{}, err
	}
}

// allowed asks the brand's switches, policy, and the caps, with what only the
// store knows. Nothing is taken from a cap before all else is in order.
func (s *Service) allowed(ctx context.Context, r Request, q policy.Request, b *config.Bundle, price float64) (policy.Verdict, error) {
	if r.Agent == "" {
		if why, ok := stopped(r, q.Platform, b, q.Now); !ok {
			return why, nil
		}
	}
	if r.Kind == KindReply {
		gone, answered, err := s.History.Upstream(ctx, r.Post.ID())
		switch {
		case err != nil:
			return policy.Verdict{}, err
		case gone:
			return deny("upstream", "The author has deleted the post; answering it would surprise everyone."), nil
		case answered && r.Agent == "":
			return deny("guard:answered", "Somebody answered from our account on the platform itself; two answers are one too many."), nil
		}
	}
	conv := r.Match.Conversation
	if conv.ID != "" { // read it afresh: an agent may have taken it meanwhile
		var err error
		if conv, err = s.History.Conversation(ctx, conv.ID); err != nil {
			return policy.Verdict{}, err
		}
	}
	q.AgentOnIt = conv.Agent != "" || conv.Escalation != nil
	verdict := policy.MaySend(q)
	if !verdict.Allowed || r.Kind != KindReply || r.Agent != "" {
		return verdict, nil
	}
	list, expires := limits(r, b, price, q.Now)
	caps := make([]care.Cap, len(list))
	for n, l := range list {
		caps[n] = l.Cap
	}
	full, err := s.History.Take(ctx, "reply:"+string(r.Post.ID()), caps, expires)
	if err != nil {
		return policy.Verdict{}, err
	}
	for _, l := range list {
		if l.Name == full {
			return deny(l.by, l.text), nil
		}
	}
	return verdict, nil
}

// aftermath records what was said. It runs again when a result is fetched a
// second time, because the first run may have died before it; every write in it
// is idempotent.
func (s *Service) aftermath(ctx context.Context, r Request, res Result) error {
	meta := events.Meta{Correlation: r.Correlation}
	conv := r.Match.Conversation.ID
	if r.Kind == KindInvitation {
		return nil // invite records invitations in its own ledger
	}
	if res.Status != StatusSent {
		return s.Bus.Publish(ctx, &events.ReplyRefused{Meta: meta, Post: events.RefOf(r.Post), Conversation: conv,
			Rule: r.Plan.Rule, Reasons: res.Reasons})
	}
	at := res.Sent.At
	if at.IsZero() {
		at = s.Clock()
	}
	by := "bot"
	if r.Agent != "" {
		by = r.Agent
	}
	if c := r.Match.Customer.ID; c != "" {
		err := s.History.PutInteraction(ctx, care.Interaction{
			ID: "reply:" + string(r.Post.ID()), Kind: care.InteractionReply, Customer: c, Conversation: conv,
			Platform: r.Post.Platform, Private: r.Plan.Private || r.Post.Private, At: at, Text: r.Plan.Text,
			URL: res.Sent.URL, By: by, Detail: map[string]string{"rule": r.Plan.Rule, "post": string(r.Post.ID())},
		})
		if err != nil {
			return err
		}
	}
	if conv != "" {
		_, err := s.History.UpdateConversation(ctx, conv, func(c *care.Conversation) error {
			switch {
			case r.Agent != "":
				c.State = c.State.Next(care.AgentAnswered)
			case c.Escalation == nil && r.Plan.Action != care.ActionAcknowledge: // after that we still owe the answer
				c.State = c.State.Next(care.AnsweredFully)
			}
			if at.After(c.Last) {
				c.Last = at
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Bus.Publish(ctx, &events.ReplySent{Meta: meta, Post: events.RefOf(r.Post), Conversation: conv,
		Rule: r.Plan.Rule, Private: r.Plan.Private || r.Post.Private, Automated: r.Agent == "", Sent: res.Sent, CostUSD: res.CostUSD})
}

// letGo gives the claim back; failing to costs the next attempt a wait.
func letGo(ctx context.Context, a *idempotency.Attempt) {
	if err := a.Release(ctx); err != nil && care.CodeOf(err) != care.Conflict {
		slog.WarnContext(ctx, "release claim", "code", string(care.CodeOf(err)))
	}
}

// keys checks the request and names its claim and its lock.
func keys(r Request) (claim, lock string, err error) {
	switch r.Kind {
	case KindReply:
		if _, _, ok := r.Post.ID().Split(); !ok {
			return "", "", care.Errorf(care.Invalid, "a reply needs a post")
		}
		if r.Plan.Text == "" {
			return "", "", care.Errorf(care.Invalid, "a reply needs a text")
		}
		return "reply:" + string(r.Post.ID()), "send:" + r.Post.ThreadKey(), nil
	case KindInvitation:
		if r.Send == nil || r.Send.Invitation.Text == "" || r.Send.To.ID == "" {
			return "", "", care.Errorf(care.Invalid, "an invitation needs a text and somebody to go to")
		}
		return "invitation:" + r.Send.Invitation.ID, "send:customer:" + string(r.Send.Invitation.Customer), nil
	}
	return "", "", care.Errorf(care.Invalid, "send does not know the kind %q", r.Kind)
}

func said(sent care.Sent, price float64, text string) Result {
	return Result{Status: StatusSent, Sent: sent, CostUSD: price, Reasons: []care.Reason{{By: "door", Text: text}}}
}

func refused(by, text string) Result {
	return Result{Status: StatusRefused, Reasons: []care.Reason{{By: by, Text: text}}}
}

func deny(by, text string) policy.Verdict {
	return policy.Verdict{Reasons: []care.Reason{{By: by, Text: text}}, Rule: by}
}

func refusal(err error) string {
	switch care.CodeOf(err) {
	case care.NotFound:
		return "The platform says that the post is not there any more."
	case care.Invalid:
		return "The platform does not accept the text."
	}
	return "The platform does not let us answer there."
}

// question puts a request into policy's words.
func (s *Service) question(r Request, out care.Outgoing, b *config.Bundle) policy.Request {
	q := policy.Request{
		Now: s.Clock(), Platform: r.Post.Platform, Sender: policy.Bot, Kind: policy.Reply, Private: out.Private, Post: r.Post,
		Consent:             r.Match.Customer.Consent,
		TextHasPersonalData: len(text.NewDetector(b.Brand.OrderNumbers).Kinds(out.Text)) > 0,
		TextHasURL:          text.HasURL(out.Text),
	}
	if r.Agent != "" {
		q.Sender, q.TextHasPersonalData = policy.Agent, q.TextHasPersonalData && !r.Confirmed
	}
	if r.Kind == KindInvitation {
		q.Platform, q.Kind, q.Post = r.Send.Invitation.Platform, policy.Invitation, care.Post{}
		q.Consent = r.Send.Customer.Consent
	}
	for _, a := range b.Brand.Accounts {
		if a.Platform == q.Platform && (a.ID == out.Account || out.Account == "") {
			q.Tier, q.AccountAutomated = a.Tier, a.Automated
		}
	}
	for _, blocked := range b.Brand.Blocked {
		if blocked.Platform == q.Platform && blocked.ID == out.To.ID {
			q.Blocked = true
		}
	}
	return q
}
