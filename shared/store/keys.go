package store

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// The table: string keys pk and sk, on demand, TTL attribute "expires" (epoch
// seconds), and one sparse index gsi1 (gsi1pk, gsi1sk, projection KEYS_ONLY).
// DynamoDB serves at most 1,000 WRU/s and 3,000 RRU/s per partition key
// ("Designing partition keys"), and an index that cannot keep up throttles the
// table's own writes; "bounded by" says why no key comes near that.
//
//	item           pk                     sk                        attributes                         bounded by
//	post           POST#<post id>         POST                      post, body, claimed, correlation,  one post: claim, plan, decision,
//	                                                                plan, planText, triage, outcome,   and its edits; a storm makes
//	                                                                decidedAt, decision, drives,       many posts, so many keys
//	                                                                edits, editedAt, reopened,
//	                                                                answered, deleted
//	  undecided    gsi1: UNDECIDED#<0..7> <received at, or later>   while it has no outcome            hash of the post id over 8 keys:
//	                                                                                                   one entry in, one out, so 4,000
//	                                                                                                   relevant posts/s
//	draft          DRAFT#<post id>        DRAFT                     doc, version                       one post: proposed, approved, sent
//	  due          gsi1: DRAFTS#<0..3>    <approve by>#<post id>    until it is closed                 hash of the post id over 4 keys: one
//	                                                                                                   entry in, one out, so 2,000 drafts/s;
//	                                                                                                   each opens an escalation, and those
//	                                                                                                   are at most 300/s
//	identity       IDENTITY#<scheme>#<v>  IDENTITY                  doc                                written when linked, not per post
//	customer       CUSTOMER#<id>          CUSTOMER                  doc, version, identities           edits of one record
//	  open conv.   CUSTOMER#<id>          CONVERSATION#<con id>     version                            one customer's conversations
//	  invitation   CUSTOMER#<id>          INVITATION#<inv id>       doc, day                           invitation caps
//	  timeline     CUSTOMER#<id>          TIMELINE#<at>#<id>        doc, edit, gone                    what one person can write (the
//	                                                                                                   platforms' own posting limits)
//	  unnamed      ANONYMOUS#<con>#<0..7> TIMELINE#<at>#<id>        doc, edit, gone                    hash of the interaction id over
//	                                                                                                   8 keys: 8,000 comments/s below
//	                                                                                                   one post of ours
//	interaction    INTERACTION#<id>       INTERACTION               customer, conversation, at, edit,  one interaction
//	                                                                gone
//	conversation   CONVERSATION#<con id>  CONVERSATION              doc, version                       one author in one thread; only
//	                                                                                                   where the platform hides authors
//	                                                                                                   do many share one, and those
//	                                                                                                   write at most once a minute
//	  queue        gsi1: QUEUE#<queue>    <due at>                  while escalated                    300 escalations/s, Step Functions'
//	                                                                                                   StartExecution quota; two
//	                                                                                                   entries' writes each
//	lock           LOCK#<name>            LOCK                      owner, until, expires              one conversation's sends
//	cursor         CURSOR#<name>          CURSOR                    cursor, owner, until               one poll
//	contact        CONTACT#<contact id>   CONTACT                   doc, expires                       one call or task
//	cap            CAP#<name>             <bucket>                  used, expires                      what the cap caps; one for all
//	                                                                                                   replies (a budget) by send's
//	                                                                                                   reserved concurrency, 10 at once
//	  taker        TAKER#<what takes>     TAKER                     expires                            one piece of work
//	invitations    INVITATIONS#<day>      <inv id>                  doc                                300 follow-ups/s (StartExecution)
//	counter        COUNTER#<day>#<0..7>   <name>                    n, expires                         random over 8 keys: 8,000/s
//	storm          STORM#<intent>#<0..3>  <minute>                  n, expires                         random over 4 keys: 4,000 posts/s
//	                                                                                                   about one intent
//	idempotency    WORK#<key>             WORK                      owner, deadline, phase, status,    one piece of work
//	                                                                result, since, attempts, expires
//
// A storm on one thread (an outage, a viral post) therefore spreads: posts by
// post id, conversations and timelines by author, the index by hash.
//
// Access patterns, and what answers each:
//
//	claim a post, its state, decision, tombstone   POST item: ClaimPost, Post, SavePlan, Decide, Tombstone
//	undecided posts older than N minutes           gsi1 UNDECIDED#*: Undecided, CountUndecided
//	a post's draft, claimed once                   DRAFT item: ProposeDraft, Draft, UpdateDraft
//	drafts by when they expire, paged              gsi1 DRAFTS#*: DueDrafts
//	identity by platform account, phone, e-mail    IDENTITY item: Identity, Find, CustomerByIdentity
//	customer with identities, consent, value       CUSTOMER item: Customer, CustomerRecord, Identities
//	timeline newest first, paged                   CUSTOMER#<id> TIMELINE#: Timeline
//	conversation by thread                         its id is a hash of the thread key: EnsureConversation
//	open conversations of a customer               CUSTOMER#<id> CONVERSATION#: OpenConversations
//	queue by due time                              gsi1 QUEUE#<queue>: DueConversations
//	whom a Connect contact is about                LinkContact, ContactLink
//	cursor with lease, send lock, caps             LeaseCursor, Lock, Take
//	invitation once per episode, ledger by day     ReserveInvitation, Invitations, InvitationsOfDay
//	KPI counters                                   Count, Counters
//	how many write about an intent right now       CountStorm, Storm
//	idempotency claim with owner and deadline      ClaimWork (shared/idempotency)
//	everything of one customer                     query CUSTOMER#<id>: its timeline names the INTERACTION
//	                                               and POST items (and the posts' DRAFT items), its
//	                                               identities the IDENTITY items
//
// The intake workflow's states Record and Postpone write the POST item themselves
// (a Step Functions service integration); they depend on these names: pk, sk,
// gsi1pk, gsi1sk, outcome, decidedAt, decision. Postpone moves an entry among the
// undecided to the end of a reply's wait, so that it is not overdue before.
const (
	attrPK         = "pk"
	attrSK         = "sk"
	attrGSI1PK     = "gsi1pk"
	attrGSI1SK     = "gsi1sk"
	attrVersion    = "version"
	attrExpires    = "expires"
	attrDoc        = "doc"
	attrWrote      = "wrote" // token of the attempt that wrote the item last, see table.go
	attrOwner      = "owner"
	attrUntil      = "until" // epoch milliseconds
	attrPost       = "post"  // JSON of the post without anything of its author
	attrBody       = "body"  // JSON of what a tombstone removes: text, author, thread, ...
	attrOutcome    = "outcome"
	attrDecidedAt  = "decidedAt"
	attrDecision   = "decision" // JSON list of reasons
	attrPlan       = "plan"     // JSON of the plan without its text
	attrPlanText   = "planText"
	attrTriage     = "triage"
	attrClaimed    = "claimed"
	attrCorrel     = "correlation"
	attrDrives     = "drives"
	attrDrivenAt   = "drivenAt"
	attrEdits      = "edits"
	attrEditedAt   = "editedAt"
	attrReopened   = "reopened"
	attrAnswered   = "answered" // one of our accounts was seen answering
	attrDeleted    = "deleted"
	attrIdentities = "identities" // JSON list of care.Identity
	attrCustomer   = "customer"
	attrConvers    = "conversation"
	attrAt         = "at"
	attrEdit       = "edit"
	attrGone       = "gone"
	attrDay        = "day"
	attrUsed       = "used"
	attrN          = "n"
	attrCursor     = "cursor"
	attrDeadline   = "deadline" // epoch milliseconds
	attrPhase      = "phase"
	attrStatus     = "status"
	attrResult     = "result"
	attrSince      = "since"
	attrAttempts   = "attempts"
)

// Index is the name of the sparse index.
const Index = "gsi1"

// How many keys share the load of one hot spot; see the table above.
const (
	undecidedShards = 8
	anonymousShards = 8
	counterShards   = 8
	draftShards     = 4
	stormShards     = 4
)

// Limits of DynamoDB ("Quotas", partition key and sort key length).
const (
	maxPK = 2048
	maxSK = 1024
)

type key struct{ pk, sk string }

const (
	skPost         = "POST"
	skDraft        = "DRAFT"
	skIdentity     = "IDENTITY"
	skCustomer     = "CUSTOMER"
	skConversation = "CONVERSATION"
	skInteraction  = "INTERACTION"
	skLock         = "LOCK"
	skCursor       = "CURSOR"
	skWork         = "WORK"

	prefixOpen       = "CONVERSATION#"
	prefixInvitation = "INVITATION#"
	prefixTimeline   = "TIMELINE#"
)

func postKey(id care.PostID) key { return key{"POST#" + string(id), skPost} }

func draftKey(id care.PostID) key { return key{"DRAFT#" + string(id), skDraft} }

func draftsPK(shard int) string { return "DRAFTS#" + strconv.Itoa(shard) }

func draftSort(d care.Draft) string { return stamp(d.ApproveBy) + "#" + string(d.Post) }

func identityKey(scheme, value string) key {
	return key{"IDENTITY#" + scheme + "#" + value, skIdentity}
}

func customerKey(id care.CustomerID) key { return key{"CUSTOMER#" + string(id), skCustomer} }

func openKey(customer care.CustomerID, id care.ConversationID) key {
	return key{customerKey(customer).pk, prefixOpen + string(id)}
}

func conversationKey(id care.ConversationID) key {
	return key{"CONVERSATION#" + string(id), skConversation}
}

func interactionKey(id string) key { return key{"INTERACTION#" + id, skInteraction} }

// timelineKey places an interaction: below its customer, or, when nobody is
// known, below its conversation.
func timelineKey(customer care.CustomerID, conversation care.ConversationID, at, id string) key {
	sk := prefixTimeline + at + "#" + id
	if customer != "" {
		return key{customerKey(customer).pk, sk}
	}
	return key{anonymousPK(conversation, shardOf(id, anonymousShards)), sk}
}

func anonymousPK(conversation care.ConversationID, shard int) string {
	return "ANONYMOUS#" + string(conversation) + "#" + strconv.Itoa(shard)
}

func invitationKey(customer care.CustomerID, id string) key {
	return key{customerKey(customer).pk, prefixInvitation + id}
}

func invitationDayKey(day, id string) key { return key{"INVITATIONS#" + day, id} }

func lockKey(name string) key   { return key{"LOCK#" + name, skLock} }
func cursorKey(name string) key { return key{"CURSOR#" + name, skCursor} }
func workKey(name string) key   { return key{"WORK#" + name, skWork} }

func contactKey(contact string) key { return key{"CONTACT#" + contact, "CONTACT"} }

func capKey(name, bucket string) key { return key{"CAP#" + name, bucket} }

func takerKey(taker string) key { return key{"TAKER#" + taker, "TAKER"} }

func stormPK(intent string, shard int) string { return "STORM#" + intent + "#" + strconv.Itoa(shard) }

func counterPK(day string, shard int) string { return "COUNTER#" + day + "#" + strconv.Itoa(shard) }

func undecidedPK(shard int) string { return "UNDECIDED#" + strconv.Itoa(shard) }

func queuePK(queue string) string { return "QUEUE#" + queue }

func shardOf(s string, shards int) int {
	h := fnv.New32a()
	h.Write([]byte(s)) // never fails
	return int(h.Sum32() % uint32(shards))
}

// check refuses keys that DynamoDB would refuse, or that would mix up items.
func (k key) check() error {
	switch {
	case len(k.pk) > maxPK:
		return care.Errorf(care.Invalid, "a key of %d bytes is longer than the table allows (%d)", len(k.pk), maxPK)
	case len(k.sk) > maxSK:
		return care.Errorf(care.Invalid, "a sort key of %d bytes is longer than the table allows (%d)", len(k.sk), maxSK)
	case k.sk == "", strings.HasSuffix(k.pk, "#"):
		return care.Errorf(care.Invalid, "an id is empty")
	}
	return nil
}

// stampFormat sorts like time does; time.RFC3339Nano does not, because it drops
// trailing zeros.
const stampFormat = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampFormat) }

// parseStamp also reads what Step Functions writes ("2026-03-01T10:00:00.123Z").
func parseStamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// ConversationID derives a conversation's id from its thread key, so that two
// posts of one thread find the same conversation without an index or a lock.
func ConversationID(threadKey string) care.ConversationID {
	sum := sha256.Sum256([]byte(threadKey))
	return care.ConversationID("con_" + hex.EncodeToString(sum[:12]))
}
