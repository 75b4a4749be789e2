package drafts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// ErrStale is in the chain of an error when the draft is not the version that
// the agent looked at.
var ErrStale = errors.New("the draft has changed since you looked at it; look again")

// MaxReason bounds what an agent writes about a rejected draft, in characters.
const MaxReason = 500

// Shelf reads drafts and what they are about.
type Shelf interface {
	Draft(ctx context.Context, id care.PostID) (care.Draft, error)
	// Facts are what is stored about a post; care.NotFound.
	Facts(ctx context.Context, id care.PostID) (Facts, error)
	Customer(ctx context.Context, id care.CustomerID) (care.Customer, error)
	// ConversationsOf reads the conversations of at most 100 drafts.
	ConversationsOf(ctx context.Context, drafts []care.Draft) (map[care.ConversationID]care.Conversation, error)
	UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error)
}

// Facts are a post, what triage made of it, and the plan that holds the draft.
type Facts struct {
	Post    care.Post
	Triage  care.Triage
	Plan    care.Plan
	Deleted bool
}

// Answer is an approved answer on its way to the door.
type Answer struct {
	Correlation string
	Facts       Facts // its plan holds the approved text
	Match       care.Match
	Agent       string // who answers for it
	// Confirmed: the agent says that what looks like personal data may be public.
	Confirmed bool
}

// Result is what the door made of it, for good.
type Result struct {
	Sent    bool
	Reasons []care.Reason
}

// Door is the one door out. An error means that nothing final is known: the
// same answer given again goes on where it stopped, and is never said twice.
type Door interface {
	Answer(ctx context.Context, a Answer) (Result, error)
}

// Workflow wakes a waiting escalation; a token that is spent is fine.
type Workflow interface {
	Succeed(ctx context.Context, token string, by, how string) error
}

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Desk is where agents deal with drafts.
type Desk struct {
	*Book
	Shelf    Shelf
	Door     Door
	Workflow Workflow
	Bundles  Bundles
}

// Filter selects drafts; empty fields select all.
type Filter struct {
	Queue    string
	Platform care.Platform
	// After is where the page before ended.
	After string
}

// Listed is a draft and the queue that its conversation is in by now.
type Listed struct {
	care.Draft
	Queue string `json:"queue,omitempty"`
}

// List gives the drafts that wait for an agent, the most urgent first, and
// where the page ends ("" at the end). Approved ones are among them while it is
// not known whether they went out.
func (d *Desk) List(ctx context.Context, f Filter) (list []Listed, next string, err error) {
	const most = 50
	next = f.After
	for range pages {
		found, end, err := d.Store.DueDrafts(ctx, endless, next, most-len(list))
		if err != nil {
			return nil, "", err
		}
		next = end
		queues, err := d.Shelf.ConversationsOf(ctx, found)
		if err != nil {
			return nil, "", err
		}
		for _, one := range found {
			l := Listed{Draft: one}
			if e := queues[one.Conversation].Escalation; e != nil {
				l.Queue = e.Queue
			}
			if f.Platform != "" && f.Platform != one.Platform || f.Queue != "" && f.Queue != l.Queue || d.expired(one) {
				continue
			}
			list = append(list, l)
		}
		if next == "" || len(list) == most {
			break
		}
	}
	return list, next, nil
}

// endless is later than any draft expires.
var endless = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// expired is true for a draft that nobody can approve any more, though its
// status may not say so yet.
func (d *Desk) expired(one care.Draft) bool {
	return one.Status == care.DraftPending && !d.Clock().Before(one.ApproveBy)
}

// Get gives a draft with the post that it answers. Errors: NotFound.
func (d *Desk) Get(ctx context.Context, id care.PostID) (Listed, care.Post, error) {
	one, err := d.Shelf.Draft(ctx, id)
	if err != nil {
		return Listed{}, care.Post{}, err
	}
	facts, err := d.Shelf.Facts(ctx, id)
	if err != nil {
		return Listed{}, care.Post{}, err
	}
	conv, err := d.Shelf.ConversationsOf(ctx, []care.Draft{one})
	l := Listed{Draft: one}
	if e := conv[one.Conversation].Escalation; e != nil {
		l.Queue = e.Queue
	}
	return l, facts.Post, err
}

// Approval is an agent's decision to let a draft go out.
type Approval struct {
	Post  care.PostID
	Agent string
	// Version is the one that the agent looked at.
	Version int
	// Text replaces what was proposed; nil: as it was proposed.
	Text *string
	// Confirmed lets personal data stand in public.
	Confirmed bool
}

// Approve lets a draft go out in the agent's name, once. The draft is approved
// first, so that of two agents one is told who was quicker, and then said
// through the door. Until the door has said yes or no for good the draft stays
// approved, and the same agent approving again goes on.
//
// Errors: NotFound; Invalid (the text will not do); Conflict (ErrStale, or
// somebody or something was quicker: the message says who); Busy, Throttled,
// Unavailable, Unknown, Denied (approve again: nothing is said twice).
func (d *Desk) Approve(ctx context.Context, a Approval) (care.Draft, error) {
	one, err := d.Shelf.Draft(ctx, a.Post)
	if err != nil {
		return care.Draft{}, err
	}
	if one.Status.Closed() {
		if one.Status == care.DraftSent && one.By == a.Agent && (a.Text == nil || *a.Text == one.Approved) {
			return one, d.closed(ctx, one) // a repeat after an answer got lost
		}
		return one, care.Errorf(care.Conflict, "%s", one.Stands())
	}
	facts, err := d.Shelf.Facts(ctx, a.Post)
	if err != nil {
		return one, err
	}
	if facts.Deleted {
		if err := d.Gone(ctx, a.Post); err != nil {
			return one, err
		}
		return one, care.Errorf(care.Conflict, "The author has deleted the post; nobody answers it any more.")
	}
	if one.Status == care.DraftPending {
		if one, err = d.approve(ctx, a, one, facts); err != nil {
			return one, err
		}
	}
	if one.By != a.Agent || a.Text != nil && *a.Text != one.Approved {
		return one, care.Errorf(care.Conflict, "%s", one.Stands())
	}
	return d.say(ctx, one, facts)
}

// approve moves a pending draft to approved, unless something is wrong with the
// text or it was overtaken.
func (d *Desk) approve(ctx context.Context, a Approval, one care.Draft, facts Facts) (care.Draft, error) {
	said := one.Text
	if a.Text != nil {
		said = *a.Text
	}
	if err := d.check(ctx, facts.Post, said, one.Private || facts.Post.Private, a.Confirmed); err != nil {
		return one, err
	}
	conv, err := d.Shelf.ConversationsOf(ctx, []care.Draft{one})
	if err != nil {
		return one, err
	}
	if e := conv[one.Conversation].Escalation; e == nil || !slices.Contains(e.Drafts, a.Post) {
		const why = "The matter was resolved without it."
		if err := d.Withdraw(ctx, a.Post, why); err != nil {
			return one, err
		}
		return one, care.Errorf(care.Conflict, "The draft was withdrawn: %s", why)
	}
	now := d.Clock()
	one, err = d.close(ctx, a.Post, func(it *care.Draft) error {
		switch {
		case it.Status != care.DraftPending:
			return nil // somebody was quicker; it may have been this agent's first click
		case d.expired(*it):
			return it.Move(care.DraftExpired, Fielder, "Nobody approved it in time.", now)
		case it.Version != a.Version:
			return care.Errorf(care.Conflict, "%w", ErrStale)
		}
		it.Approved, it.Confirmed = said, a.Confirmed
		return it.Move(care.DraftApproved, a.Agent, "", now)
	})
	if err == nil && one.Status.Closed() && (one.Status != care.DraftSent || one.By != a.Agent) {
		err = care.Errorf(care.Conflict, "%s", one.Stands())
	}
	return one, err
}

// check says what is wrong with a text that is to go out.
func (d *Desk) check(ctx context.Context, p care.Post, said string, private, confirmed bool) error {
	if strings.TrimSpace(said) == "" {
		return care.Errorf(care.Invalid, "The text is empty.")
	}
	if !utf8.ValidString(said) || strings.ContainsFunc(said, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return care.Errorf(care.Invalid, "The text holds characters that cannot be shown.")
	}
	if l := text.MeasureReply(p, said, private); !l.Fits {
		return care.Errorf(care.Invalid, "The text is too long for %s: %d of %d %s.", p.Platform, l.Used, l.Limit, l.Unit)
	}
	if private || confirmed {
		return nil
	}
	bundle, err := d.Bundles.Current(ctx)
	if err != nil {
		return err
	}
	if kinds := text.NewDetector(bundle.Brand.OrderNumbers).Kinds(said); len(kinds) > 0 {
		return care.Errorf(care.Invalid, "Everybody would see what looks like personal data (%s). Take it out, or confirm that it may be public.", strings.Join(kinds, ", "))
	}
	return nil
}

// say sends an approved draft and wakes the escalation.
func (d *Desk) say(ctx context.Context, one care.Draft, facts Facts) (care.Draft, error) {
	if one.Status == care.DraftSent {
		return one, nil // this agent's other click was quicker
	}
	if one.Approved == "" {
		return one, care.Errorf(care.Conflict, "The author has deleted the post; nobody answers it any more.")
	}
	match := care.Match{Conversation: care.Conversation{ID: one.Conversation}}
	if one.Customer != "" {
		c, err := d.Shelf.Customer(ctx, one.Customer)
		if err != nil && care.CodeOf(err) != care.NotFound {
			return one, err
		}
		match.Customer = c
	}
	facts.Plan.Text, facts.Plan.Private = one.Approved, one.Private
	res, err := d.Door.Answer(ctx, Answer{Correlation: one.Correlation, Facts: facts, Match: match, Agent: one.By, Confirmed: one.Confirmed})
	if err != nil {
		return one, err
	}
	to, why := care.DraftRefused, "It could not be sent."
	if len(res.Reasons) > 0 {
		why = res.Reasons[0].Text
	}
	if res.Sent {
		to, why = care.DraftSent, ""
		if err := d.wake(ctx, one); err != nil {
			return one, err
		}
	}
	by := one.By
	one, err = d.Store.UpdateDraft(ctx, one.Post, func(now *care.Draft) error {
		if now.Status != care.DraftApproved {
			return nil
		}
		now.Reasons = res.Reasons
		return now.Move(to, by, why, d.Clock())
	})
	if err != nil {
		return one, err
	}
	return one, d.closed(ctx, one)
}

// wake ends the escalation that an answer settles: the one that the draft
// belongs to, unless the customer has written again since. Before the workflow
// has stored its token it is told by the conversation, which it reads first.
func (d *Desk) wake(ctx context.Context, one care.Draft) error {
	token := ""
	_, err := d.Shelf.UpdateConversation(ctx, one.Conversation, func(c *care.Conversation) error {
		token = ""
		e := c.Escalation
		switch {
		case e == nil || e.Post != one.Post:
			return nil
		case e.Latest != "":
			slog.InfoContext(ctx, "answered, but the customer has written again", "postId", string(one.Post), "conversationId", string(c.ID))
			return nil
		case e.TaskToken != "":
			token = e.TaskToken
			return nil
		}
		c.Escalation, c.Agent = nil, ""
		return nil
	})
	if care.CodeOf(err) == care.NotFound || err == nil && token == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return d.Workflow.Succeed(ctx, token, one.By, "answered")
}

// Reject closes a draft: the agent deals with the matter without it, and says
// why, for those who own the rule. Errors: NotFound, Invalid (no reason),
// Conflict as for Approve.
func (d *Desk) Reject(ctx context.Context, id care.PostID, agent string, version int, reason string) (care.Draft, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > MaxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return care.Draft{}, care.Errorf(care.Invalid, "A reason is needed, on one line of at most %d characters.", MaxReason)
	}
	now := d.Clock()
	one, err := d.Store.UpdateDraft(ctx, id, func(one *care.Draft) error {
		switch {
		case one.Status == care.DraftRejected && one.By == agent:
			return nil
		case one.Status == care.DraftPending && one.Version != version:
			return care.Errorf(care.Conflict, "%w", ErrStale)
		}
		if one.Status == care.DraftRejected {
			return care.Errorf(care.Conflict, "%s", one.Stands())
		}
		return one.Move(care.DraftRejected, agent, reason, now)
	})
	if err != nil {
		return one, err
	}
	return one, d.closed(ctx, one)
}

// String names the filter in logs, without anybody's data.
func (f Filter) String() string { return fmt.Sprintf("queue=%s platform=%s", f.Queue, f.Platform) }
