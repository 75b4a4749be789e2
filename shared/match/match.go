// Package match finds out who wrote a post and which conversation it belongs to,
// and puts it into the timeline.
//
// An author is recognised by the platform's own account id, or, the first time,
// by a handle that the brand's own records (the imported customers) name. What
// ties an account to a customer has a grade and its evidence. An author whom
// nothing ties to a customer becomes a prospect, with a timeline of its own. A
// guess never makes someone a known customer: what merely looks alike, or what
// may not be used without consent, is told as evidence, and the post stays with
// the prospect.
//
// Match may run any number of times for a post; each run finds the same.
package match

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// People is where customers and their identities are looked up.
type People interface {
	// Find looks identities up by Scheme and Value. What nobody has is left out
	// of found; owners holds the customers of those found.
	Find(ctx context.Context, keys ...care.Identity) (found []care.Identity, owners map[care.CustomerID]care.Customer, err error)
	// Identities lists a customer's identities.
	Identities(ctx context.Context, id care.CustomerID) ([]care.Identity, error)
}

// Links is where identities are tied to customers.
type Links interface {
	// EnsureProspect makes prospect the owner of an identity that nobody has; it
	// returns the owner, and whether that is new.
	EnsureProspect(ctx context.Context, identity care.Identity, prospect care.Customer) (owner care.Customer, created bool, err error)
	// LinkIdentity ties an identity to identity.Customer. from is its present
	// owner, "" for none; Conflict when that is not so.
	LinkIdentity(ctx context.Context, identity care.Identity, from care.CustomerID) error
}

// Conversations is where conversations are kept.
type Conversations interface {
	// EnsureConversation returns the conversation of a thread key, made from
	// fresh when there is none.
	EnsureConversation(ctx context.Context, threadKey string, fresh care.Conversation) (c care.Conversation, created bool, err error)
	// UpdateConversation applies fn, again when someone else was faster.
	UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error)
}

// Timeline is where interactions are kept.
type Timeline interface {
	// PutInteraction writes an interaction; idempotent by its ID.
	PutInteraction(ctx context.Context, i care.Interaction) error
}

// Service matches posts. It is safe for concurrent use.
type Service struct {
	people        People
	links         Links
	conversations Conversations
	timeline      Timeline
}

// New returns a service over its stores; one table may be all four.
func New(people People, links Links, conversations Conversations, timeline Timeline) *Service {
	return &Service{people: people, links: links, conversations: conversations, timeline: timeline}
}

// What evidence calls itself in Reason.By. The importer writes ByRecord, and
// takes ByHandle links back when the handle they came from leaves the record.
const (
	ByRecord   = "record"        // the brand's own record says so
	ByHandle   = "record-handle" // an account that was first seen under a handle of the record
	bySeen     = "first-post"    // when the account was first heard from
	byAuthor   = "author"        // what the platform says about the author
	byConsent  = "consent"       // what may not be used
	byPrivate  = "private-text"  // what a private message names
	byReused   = "handle-reused" // a handle that belonged to another account
	byProspect = "prospect"      // nothing known
)

// HandleScheme is the scheme of identities that the brand's record gives as a
// handle; such an identity is a claim about an account not seen yet. The scheme
// of an account that was seen is the platform's name, its value the author's id.
func HandleScheme(p care.Platform) string { return string(p) + "-handle" }

// unmatchedScheme is under which an account gets a prospect of its own although
// the brand's record names it, because the link must not be used.
func unmatchedScheme(p care.Platform) string { return string(p) + "-unmatched" }

// NormalHandle is how handles are compared: without "@", in lower case.
func NormalHandle(handle string) string {
	return strings.ToLower(strings.TrimPrefix(strings.TrimSpace(handle), "@"))
}

// Match finds a post's author and conversation, and writes the post into the
// timeline. Errors: Invalid (a post of our own), and the stores'.
//
// With an author who was seen before it costs 2 to 3 identity reads in one round
// trip, one customer read, one conversation read, and the timeline's writes.
func (s *Service) Match(ctx context.Context, post care.Post, triage care.Triage) (care.Match, error) {
	if post.Author.Own {
		return care.Match{}, care.Errorf(care.Invalid, "a post of our own account has no customer to match")
	}
	m, err := s.author(ctx, post)
	// Two posts of a new author at once, or an import meanwhile: look again.
	for tries := 1; tries < 4 && care.CodeOf(err) == care.Conflict; tries++ {
		m, err = s.author(ctx, post)
	}
	if err != nil {
		return care.Match{}, err
	}
	if err := s.privateEvidence(ctx, post, &m); err != nil {
		return care.Match{}, err
	}
	if m.Conversation, err = s.stitch(ctx, post, triage, m.Customer.ID); err != nil {
		return care.Match{}, err
	}
	return m, s.timeline.PutInteraction(ctx, interaction(post, triage, m))
}

// author finds the customer or prospect, the grade, and whether this is the
// author's first post.
func (s *Service) author(ctx context.Context, post care.Post) (care.Match, error) {
	if post.Author.ID == "" {
		return care.Match{Evidence: []care.Reason{{By: byAuthor, Text: "The platform does not say who wrote this."}}}, nil
	}
	platform := string(post.Platform)
	handle := NormalHandle(post.Author.Handle)
	keys := []care.Identity{{Scheme: platform, Value: post.Author.ID}}
	if handle != "" {
		keys = append(keys, care.Identity{Scheme: HandleScheme(post.Platform), Value: handle})
	}
	if asksConsent(post.Platform) {
		keys = append(keys, care.Identity{Scheme: unmatchedScheme(post.Platform), Value: post.Author.ID})
	}
	found, owners, err := s.people.Find(ctx, keys...)
	if err != nil {
		return care.Match{}, err
	}
	var account, claim, unmatched *care.Identity
	for i := range found {
		f := &found[i]
		if _, there := owners[f.Customer]; !there {
			// Its customer is being erased. Linking it again fails until that is
			// done, and then it is nobody's.
			return care.Match{}, care.Errorf(care.Conflict, "an identity's customer is being erased")
		}
		switch f.Scheme {
		case platform:
			account = f
		case HandleScheme(post.Platform):
			claim = f
		case unmatchedScheme(post.Platform):
			unmatched = f
		}
	}

	if account != nil && !owners[account.Customer].Prospect {
		owner := owners[account.Customer]
		if reason, ok := usable(post.Platform, owner, account.Grade); !ok {
			m, err := s.prospect(ctx, post, unmatchedScheme(post.Platform), unmatched, owners)
			m.Grade, m.Evidence = care.GradeSuggested, []care.Reason{reason}
			return m, err
		}
		return s.known(ctx, post, *account, owner, owner.ID)
	}

	from := care.CustomerID("")
	if account != nil {
		from = account.Customer
	}
	var doubt *care.Reason
	if claim != nil && !owners[claim.Customer].Prospect {
		owner := owners[claim.Customer]
		if doubt, err = s.doubtClaim(ctx, post, *claim, owner); err != nil {
			return care.Match{}, err
		}
		if doubt == nil {
			link := care.Identity{
				Scheme: platform, Value: post.Author.ID, Handle: post.Author.Handle, Customer: owner.ID, Grade: claim.Grade,
				Evidence: append(slices.Clone(claim.Evidence), care.Reason{By: ByHandle,
					Text: "The account was first heard from under the very handle that the customer's record names."}),
			}
			return s.known(ctx, post, link, owner, from)
		}
	}
	m, err := s.prospect(ctx, post, platform, account, owners)
	if doubt != nil {
		m.Grade, m.Evidence = care.GradeSuggested, []care.Reason{*doubt}
	}
	return m, err
}

// known matches an account with a known customer. An account that was never
// heard from is linked now, with the time of this post, by which a repeat knows
// that this is still the first post; from is who has the account at present.
func (s *Service) known(ctx context.Context, post care.Post, account care.Identity, owner care.Customer, from care.CustomerID) (care.Match, error) {
	if !slices.ContainsFunc(account.Evidence, func(r care.Reason) bool { return r.By == bySeen }) {
		account.Linked, account.Handle = post.ReceivedAt, post.Author.Handle
		account.Evidence = append(slices.Clone(account.Evidence), care.Reason{By: bySeen,
			Text: "First heard from on " + post.ReceivedAt.UTC().Format("2 January 2006") + "."})
		if err := s.links.LinkIdentity(ctx, account, from); err != nil {
			return care.Match{}, err
		}
	}
	return care.Match{
		Customer: owner, Known: true, Grade: account.Grade, Evidence: account.Evidence,
		First: account.Linked.Equal(post.ReceivedAt),
	}, nil
}

// prospect matches an account with its prospect, made now if there is none.
func (s *Service) prospect(ctx context.Context, post care.Post, scheme string, account *care.Identity, owners map[care.CustomerID]care.Customer) (care.Match, error) {
	m := care.Match{Evidence: []care.Reason{{By: byProspect, Text: "Nothing ties this account to a customer yet."}}}
	if account != nil {
		m.Customer, m.First = owners[account.Customer], account.Linked.Equal(post.ReceivedAt)
		return m, nil
	}
	owner, created, err := s.links.EnsureProspect(ctx, care.Identity{
		Scheme: scheme, Value: post.Author.ID, Handle: post.Author.Handle, Linked: post.ReceivedAt,
		Evidence: []care.Reason{{By: bySeen, Text: "First heard from on " + post.ReceivedAt.UTC().Format("2 January 2006") + "."}},
	}, care.Customer{
		ID: prospectID(scheme, post.Author.ID), Prospect: true, Name: post.Author.Name, Created: post.ReceivedAt,
	})
	if err != nil {
		return care.Match{}, err
	}
	if !created {
		return care.Match{}, care.Errorf(care.Conflict, "the author was met by another post at the same moment")
	}
	m.Customer, m.First = owner, true
	return m, nil
}

// prospectID derives a prospect's id from the account, so that an account that
// loses its customer finds its own prospect again.
func prospectID(scheme, value string) care.CustomerID {
	sum := sha256.Sum256([]byte("prospect:" + scheme + ":" + value))
	return care.CustomerID("cus_" + hex.EncodeToString(sum[:12]))
}

// asksConsent: X's developer guidelines ("off-X matching") allow an X account to
// be tied to a person only with their express consent, or by information that
// they gave for it.
func asksConsent(p care.Platform) bool { return p == care.X }

// usable says whether a link between an account and a known customer may be
// used, and if not, why. A verified link was made by the customer, for this.
func usable(p care.Platform, owner care.Customer, grade care.Grade) (care.Reason, bool) {
	if asksConsent(p) && !owner.Consent.Match && grade != care.GradeVerified {
		return care.Reason{By: byConsent, Text: "A customer record names this account, but the customer has not agreed that it is matched; " +
			"X's developer guidelines forbid to use that."}, false
	}
	return care.Reason{}, true
}

// doubtClaim says why a handle on a customer's record must not be taken for this
// account, nil when it may.
func (s *Service) doubtClaim(ctx context.Context, post care.Post, claim care.Identity, owner care.Customer) (*care.Reason, error) {
	if reason, ok := usable(post.Platform, owner, claim.Grade); !ok {
		return &reason, nil
	}
	// Handles can be given up and taken by someone else. The first account seen
	// under it is the customer's, a later one is not.
	linked, err := s.people.Identities(ctx, owner.ID)
	if err != nil {
		return nil, err
	}
	for _, i := range linked {
		if i.Scheme == string(post.Platform) && i.Value != post.Author.ID && NormalHandle(i.Handle) == claim.Value {
			return &care.Reason{By: byReused, Text: "A customer record names this handle, but it was another account's when that customer used it."}, nil
		}
	}
	return nil, nil
}

// privateEvidence looks for e-mail addresses and phone numbers of known
// customers in a private message. In public anyone may write anyone's; in
// private too, so it is evidence for a person to check: the customer of the
// match stays who it is.
func (s *Service) privateEvidence(ctx context.Context, post care.Post, m *care.Match) error {
	if !post.Private || m.Customer.ID == "" {
		return nil
	}
	keys := contactDetails(post.Text)
	if len(keys) == 0 {
		return nil
	}
	found, owners, err := s.people.Find(ctx, keys...)
	if err != nil {
		return err
	}
	kind := map[string]string{"email": "an e-mail address", "phone": "a phone number"}
	for _, f := range found {
		owner, there := owners[f.Customer]
		if !there || owner.Prospect {
			continue
		}
		switch {
		case m.Known && owner.ID == m.Customer.ID:
			m.Evidence = append(m.Evidence, care.Reason{By: byPrivate, Text: "The message names " + kind[f.Scheme] + " of this customer's record."})
		case m.Known:
			m.Evidence = append(m.Evidence, care.Reason{By: byPrivate, Text: "The message names " + kind[f.Scheme] +
				" of another customer's record (" + string(owner.ID) + "): ask whose matter it is."})
		default:
			m.Grade = care.GradeProbable
			m.Evidence = append(m.Evidence, care.Reason{By: byPrivate, Text: "The message names " + kind[f.Scheme] +
				" of the record of customer " + string(owner.ID) + ": probably the same person, to be verified."})
		}
	}
	return nil
}

// lastStep is how exactly a conversation's last time is kept. Where the platform
// hides authors, a whole thread is one conversation, and a storm on it must not
// write it with every post.
const lastStep = time.Minute

// stitch finds or makes the post's conversation and brings it up to date.
//
// A conversation is one author's in one thread: a storm of comments below one
// post is many conversations. The author counts, not the customer, because an
// account may be linked to a customer in the middle of it.
func (s *Service) stitch(ctx context.Context, post care.Post, triage care.Triage, customer care.CustomerID) (care.Conversation, error) {
	key := post.ConversationKey(post.Author.ID)
	at := spokenAt(post)
	apply := func(c *care.Conversation) error {
		if needsAnswer(post, triage) {
			c.State = c.State.Next(care.CustomerSpoke)
			c.Public = c.Public || !post.Private
		}
		if customer != "" {
			c.Customer = customer
		}
		if at.Sub(c.Last) >= lastStep {
			c.Last = at
		}
		return nil
	}
	fresh := care.Conversation{
		Customer: customer, Thread: post.ThreadKey(), Platform: post.Platform,
		State: care.StateResolved, Opened: at, Last: at,
	}
	_ = apply(&fresh) // never fails
	c, created, err := s.conversations.EnsureConversation(ctx, key, fresh)
	if err != nil || created {
		return c, err
	}
	after := c
	_ = apply(&after) // never fails
	if after == c {
		return c, nil
	}
	return s.conversations.UpdateConversation(ctx, c.ID, apply)
}

// needsAnswer says whether a post leaves us owing something. Thanks and praise
// do not reopen what is settled.
func needsAnswer(post care.Post, triage care.Triage) bool {
	if post.Unreadable != "" {
		return true // only a person can tell
	}
	if triage.Relevance != care.RelevanceAddressed && triage.Relevance != care.RelevanceAbout {
		return false
	}
	return triage.Question || triage.Complaint || !triage.Praise
}

// spokenAt is when the author wrote, as far as that can be believed.
func spokenAt(post care.Post) time.Time {
	if post.CreatedAt.IsZero() || post.CreatedAt.After(post.ReceivedAt) && !post.ReceivedAt.IsZero() {
		return post.ReceivedAt
	}
	return post.CreatedAt
}

func interaction(post care.Post, triage care.Triage, m care.Match) care.Interaction {
	detail := map[string]string{"kind": string(post.Kind)}
	if post.Author.Handle != "" {
		detail["handle"] = post.Author.Handle
	}
	if post.Unreadable != "" {
		detail["unreadable"] = post.Unreadable
	}
	return care.Interaction{
		ID: string(post.ID()), Kind: care.InteractionPost, Customer: m.Customer.ID, Conversation: m.Conversation.ID,
		Platform: post.Platform, Private: post.Private, At: spokenAt(post), Text: post.Text, URL: post.URL, By: "customer",
		Sentiment: triage.Sentiment, Intent: triage.Intent, Praise: triage.Praise, Detail: detail,
	}
}
