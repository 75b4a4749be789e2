// Package drafts keeps the answers that a rule worded and an agent approves.
// Book is what the chain does with them: they are proposed when a conversation
// is escalated, withdrawn when they are overtaken (the post changed or went,
// somebody answered elsewhere, the matter was resolved), and they expire. Desk
// is what an agent does: look, approve, reject. What is approved goes through
// the one door and is answered for by the agent.
//
// Whoever moves a draft out of pending first wins; everybody else is told who
// was quicker. Every operation may be repeated.
package drafts

import (
	"context"
	"log/slog"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

// Limits of one run of Expire.
const (
	// Unfinished is how long an approved draft may stay without an answer of the
	// door, after its time for approval is over. The door itself takes seconds.
	Unfinished = time.Hour
	page       = 100
	pages      = 20
)

// Fielder is who moves a draft when no agent does.
const Fielder = "fielder"

// Store keeps drafts.
type Store interface {
	// ProposeDraft stores it unless its post has one; care.Refused when the post
	// was deleted, changed or answered meanwhile.
	ProposeDraft(ctx context.Context, d care.Draft) (stored care.Draft, created bool, err error)
	UpdateDraft(ctx context.Context, id care.PostID, fn func(*care.Draft) error) (care.Draft, error)
	// DueDrafts lists open drafts by when they expire, in pages.
	DueDrafts(ctx context.Context, before time.Time, after string, limit int) (list []care.Draft, next string, err error)
}

// Sightings notes where our own accounts were seen answering.
type Sightings interface {
	PostAnswered(ctx context.Context, id care.PostID, at time.Time) error
	// ThreadAnswered returns the posts of a conversation whose drafts were
	// proposed.
	ThreadAnswered(ctx context.Context, conversationKey string, at time.Time) ([]care.PostID, error)
}

// Bus publishes facts.
type Bus interface {
	Publish(ctx context.Context, details ...events.Detail) error
}

// Book keeps the drafts in order.
type Book struct {
	Store     Store
	Sightings Sightings // for Answered only
	Bus       Bus
	Clock     func() time.Time
}

// Propose puts a draft before the agents, once per post: a repeat finds the
// first one, wherever that stands by now. A draft that was overtaken before it
// came is not stored; that is no error, for an agent has the post anyway.
func (b *Book) Propose(ctx context.Context, p care.Post, d care.Draft) error {
	d.Post, d.Platform, d.Status = p.ID(), p.Platform, care.DraftPending
	d.Created, d.Changed, d.Wording = b.Clock(), b.Clock(), p.ReceivedAt
	got, _, err := b.Store.ProposeDraft(ctx, d)
	if care.CodeOf(err) == care.Refused {
		slog.InfoContext(ctx, "no draft", "postId", string(d.Post), "reason", err.Error())
		return nil
	}
	if err != nil || got.Status != care.DraftPending {
		return err
	}
	return b.Bus.Publish(ctx, &events.ReplyDrafted{Meta: events.Meta{Correlation: got.Correlation}, Post: events.RefOf(p),
		Conversation: got.Conversation, Rule: got.Rule, ApproveBy: got.ApproveBy})
}

// Withdraw closes a pending draft that something overtook; why is a sentence. A
// post without a draft is fine, and so is a draft that is not pending any more.
func (b *Book) Withdraw(ctx context.Context, id care.PostID, why string) error {
	_, err := b.close(ctx, id, func(d *care.Draft) error {
		if d.Status != care.DraftPending {
			return nil
		}
		return d.Move(care.DraftWithdrawn, Fielder, why, b.Clock())
	})
	return err
}

// Edited withdraws the draft of a wording that its author changed since.
func (b *Book) Edited(ctx context.Context, p care.Post) error {
	_, err := b.close(ctx, p.ID(), func(d *care.Draft) error {
		if d.Status != care.DraftPending || !p.ReceivedAt.After(d.Wording) {
			return nil
		}
		return d.Move(care.DraftWithdrawn, Fielder, "The author changed the post, and the draft answers what it said before.", b.Clock())
	})
	return err
}

// Gone withdraws the draft of a post that was deleted upstream, and forgets
// every word that was to be said, whatever became of the draft.
func (b *Book) Gone(ctx context.Context, id care.PostID) error {
	_, err := b.close(ctx, id, func(d *care.Draft) error {
		d.Forget()
		if d.Status != care.DraftPending {
			return nil
		}
		return d.Move(care.DraftWithdrawn, Fielder, "The author deleted the post.", b.Clock())
	})
	return err
}

// Answered takes a post of our own account: whoever wrote it, what it answers
// needs no draft any more. Our own echo of an approved draft changes nothing,
// because that draft is not pending.
func (b *Book) Answered(ctx context.Context, p care.Post) error {
	const why = "Somebody answered from our account on the platform itself."
	at := p.CreatedAt
	if at.IsZero() {
		at = p.ReceivedAt
	}
	var posts []care.PostID
	if p.Private && p.Thread != "" { // a direct message's thread is the other person
		in, err := b.Sightings.ThreadAnswered(ctx, p.ConversationKey(p.Thread), at)
		if err != nil {
			return err
		}
		posts = in
	}
	for _, id := range posts {
		_, err := b.close(ctx, id, func(d *care.Draft) error {
			if d.Status != care.DraftPending || at.Before(d.Wording) {
				return nil // it answers something earlier
			}
			return d.Move(care.DraftWithdrawn, Fielder, why, b.Clock())
		})
		if err != nil {
			return err
		}
	}
	if p.ReplyTo == "" {
		return nil
	}
	// First the note, then the draft: a draft that comes in between meets the one
	// or the other.
	id := care.NewPostID(p.Platform, p.ReplyTo)
	if err := b.Sightings.PostAnswered(ctx, id, at); err != nil {
		return err
	}
	return b.Withdraw(ctx, id, why)
}

// Expire closes what nobody approved in time, and what was approved and never
// finished. The escalation goes on, so a person answers all the same.
func (b *Book) Expire(ctx context.Context) (closed int, err error) {
	now, after := b.Clock(), ""
	for range pages {
		list, next, err := b.Store.DueDrafts(ctx, now, after, page)
		if err != nil {
			return closed, err
		}
		for _, due := range list {
			d, err := b.close(ctx, due.Post, func(d *care.Draft) error { return b.overdue(d, now) })
			if err != nil {
				return closed, err
			}
			if d.Status.Closed() {
				closed++
			}
		}
		if next == "" {
			break
		}
		after = next
	}
	return closed, nil
}

func (b *Book) overdue(d *care.Draft, now time.Time) error {
	switch {
	case now.Before(d.ApproveBy):
	case d.Status == care.DraftPending:
		return d.Move(care.DraftExpired, Fielder, "Nobody approved it in time.", now)
	case d.Status == care.DraftApproved && !now.Before(d.Changed.Add(Unfinished)):
		return d.Move(care.DraftWithdrawn, Fielder, "It was approved by "+d.By+
			", and whether it went out was never known; look at the thread before anything is said again.", now)
	}
	return nil
}

// close applies fn to a draft and tells what became of it if Fielder closed it;
// a repeat tells it again. A post without a draft has an empty one.
func (b *Book) close(ctx context.Context, id care.PostID, fn func(*care.Draft) error) (care.Draft, error) {
	d, err := b.Store.UpdateDraft(ctx, id, fn)
	if care.CodeOf(err) == care.NotFound {
		return care.Draft{}, nil
	}
	if err != nil || !d.Status.Closed() || d.By != Fielder {
		return d, err
	}
	return d, b.closed(ctx, d)
}

// closed tells what became of a draft.
func (b *Book) closed(ctx context.Context, d care.Draft) error {
	slog.InfoContext(ctx, "draft closed", "postId", string(d.Post), "status", string(d.Status), "conversationId", string(d.Conversation))
	return b.Bus.Publish(ctx, &events.DraftClosed{Meta: events.Meta{Correlation: d.Correlation}, Post: d.Post, Platform: d.Platform,
		Conversation: d.Conversation, Rule: d.Rule, Status: d.Status, By: d.By,
		Edited: d.Edited()})
}
