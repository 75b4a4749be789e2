package store

import (
	"context"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// Claim is what ClaimPost found.
type Claim struct {
	// New is true for the one caller who brought the post in.
	New bool
	// Outcome is the post's decision, "" while there is none.
	Outcome care.Outcome
	// Deleted is true when the post was deleted upstream, perhaps before it got
	// here.
	Deleted bool
	// Claimed is when the post was brought in. A caller whose claim is not New
	// and has no Outcome may be repeating itself after a crash between claim and
	// event: sending the event again is right, every later step copes.
	Claimed time.Time
}

// PostRecord is everything stored about a post.
type PostRecord struct {
	ID care.PostID
	// Post has lost its text, author and thread when Deleted is set.
	Post        care.Post
	Claimed     time.Time
	Correlation string
	// Plan and Triage are nil until SavePlan.
	Plan      *care.Plan
	Triage    *care.Triage
	Outcome   care.Outcome
	DecidedAt time.Time
	Reasons   []care.Reason
	// Drives counts how often the ledger sent the post through intake again;
	// DrivenAt is when it last did.
	Drives   int
	DrivenAt time.Time
	// Edits counts how often its author changed it, EditedAt is when last.
	Edits    int
	EditedAt time.Time
	// Answered is when one of our accounts was last seen answering it.
	Answered time.Time
	Deleted  time.Time
}

// frame is what stays of a post when it is deleted upstream.
func frame(p care.Post) care.Post {
	return care.Post{
		Platform: p.Platform, NativeID: p.NativeID, Account: p.Account, Kind: p.Kind, Private: p.Private,
		CreatedAt: p.CreatedAt, ReceivedAt: p.ReceivedAt,
	}
}

// body is what a deletion removes. Its fields are a subset of care.Post's with
// the same JSON names, so that decoding it over the frame restores the post.
type body struct {
	Author      care.Author       `json:"author"`
	Text        string            `json:"text"`
	Truncated   bool              `json:"truncated,omitempty"`
	Lang        string            `json:"lang,omitempty"`
	Thread      string            `json:"thread"`
	ReplyTo     string            `json:"replyTo,omitempty"`
	InOurThread bool              `json:"inOurThread,omitempty"`
	Addressed   bool              `json:"addressed,omitempty"`
	Unreadable  string            `json:"unreadable,omitempty"`
	URL         string            `json:"url,omitempty"`
	Attachments []care.Attachment `json:"attachments,omitempty"`
	Ref         map[string]string `json:"ref,omitempty"`
}

func bodyOf(p care.Post) body {
	return body{
		Author: p.Author, Text: p.Text, Truncated: p.Truncated, Lang: p.Lang, Thread: p.Thread, ReplyTo: p.ReplyTo,
		InOurThread: p.InOurThread, Addressed: p.Addressed, Unreadable: p.Unreadable, URL: p.URL,
		Attachments: p.Attachments, Ref: p.Ref,
	}
}

func encodePost(p care.Post) (post, rest types.AttributeValue, err error) {
	if post, err = encode(frame(p)); err != nil {
		return nil, nil, err
	}
	rest, err = encode(bodyOf(p))
	return post, rest, err
}

// ClaimPost brings a post in, unless it is known already: of any number of
// callers, exactly one sees New. The post counts as undecided from then on.
// Errors: Invalid (no id, too large), Throttled, Unavailable.
//
// Costs 1 WRU per KB of post plus 1 for the index; 1 when it is known.
func (t *Table) ClaimPost(ctx context.Context, p care.Post, correlation string) (Claim, error) {
	if _, _, ok := p.ID().Split(); !ok {
		return Claim{}, care.Errorf(care.Invalid, "a post without platform or native id cannot be claimed")
	}
	now := t.clock()
	if p.ReceivedAt.IsZero() {
		p.ReceivedAt = now
	}
	post, rest, err := encodePost(p)
	if err != nil {
		return Claim{}, err
	}
	there, created, err := t.create(ctx, postKey(p.ID()), item{
		attrPost:    post,
		attrBody:    rest,
		attrClaimed: str(stamp(now)),
		attrCorrel:  str(correlation),
		attrGSI1PK:  str(undecidedPK(shardOf(string(p.ID()), undecidedShards))),
		attrGSI1SK:  str(stamp(p.ReceivedAt)),
	})
	if err != nil {
		return Claim{}, failed("claim a post", err)
	}
	return Claim{
		New:     created,
		Outcome: care.Outcome(getS(there, attrOutcome)),
		Deleted: has(there, attrDeleted),
		Claimed: parseStamp(getS(there, attrClaimed)),
	}, nil
}

// Post reads what is known of a post. Errors: NotFound, Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) Post(ctx context.Context, id care.PostID) (PostRecord, error) {
	it, err := t.get(ctx, postKey(id))
	if err != nil {
		return PostRecord{}, failed("read a post", err)
	}
	if it == nil {
		return PostRecord{}, care.Errorf(care.NotFound, "post %s is not known", id)
	}
	return postRecord(id, it)
}

func postRecord(id care.PostID, it item) (PostRecord, error) {
	r := PostRecord{
		ID:          id,
		Claimed:     parseStamp(getS(it, attrClaimed)),
		Correlation: getS(it, attrCorrel),
		Outcome:     care.Outcome(getS(it, attrOutcome)),
		DecidedAt:   parseStamp(getS(it, attrDecidedAt)),
		Drives:      int(getN(it, attrDrives)),
		DrivenAt:    parseStamp(getS(it, attrDrivenAt)),
		Edits:       int(getN(it, attrEdits)),
		EditedAt:    parseStamp(getS(it, attrEditedAt)),
		Answered:    parseStamp(getS(it, attrAnswered)),
		Deleted:     parseStamp(getS(it, attrDeleted)),
	}
	if err := decode(it, attrPost, &r.Post); err != nil {
		return r, err
	}
	if err := decode(it, attrBody, &r.Post); err != nil {
		return r, err
	}
	if err := decode(it, attrDecision, &r.Reasons); err != nil {
		return r, err
	}
	if has(it, attrPlan) {
		r.Plan = new(care.Plan)
		if err := decode(it, attrPlan, r.Plan); err != nil {
			return r, err
		}
		r.Plan.Text = getS(it, attrPlanText)
	}
	if has(it, attrTriage) {
		r.Triage = new(care.Triage)
		if err := decode(it, attrTriage, r.Triage); err != nil {
			return r, err
		}
	}
	return r, nil
}

// SavePlan stores the first plan made for a post, with the triage it was made
// from (nil leaves it out), and returns the plan that is stored: the given one,
// with fresh, or an earlier one, which the caller must follow instead.
//
// For a post that was deleted upstream nothing is stored, and the plan returned
// says to watch: nobody answers a post that is gone.
// Errors: NotFound (never claimed), Throttled, Unavailable.
//
// Costs 1 WRU per KB of the whole item (post, plan, triage; usually 2 to 3).
func (t *Table) SavePlan(ctx context.Context, id care.PostID, plan care.Plan, triage *care.Triage) (saved care.Plan, fresh bool, err error) {
	stripped := plan
	stripped.Text = ""
	doc, err := encode(stripped)
	if err != nil {
		return care.Plan{}, false, err
	}
	c := change{
		key:       postKey(id),
		update:    "SET #plan = :plan, #planText = :text, #wrote = :token",
		condition: "attribute_exists(#pk) AND attribute_not_exists(#plan) AND attribute_not_exists(#deleted)",
		names:     names(attrPK, attrPlan, attrPlanText, attrWrote, attrDeleted),
		values:    item{":plan": doc, ":text": str(plan.Text), ":token": str(newToken())},
	}
	if triage != nil {
		if c.values[":triage"], err = encode(triage); err != nil {
			return care.Plan{}, false, err
		}
		c.update += ", #triage = :triage"
		c.names["#triage"] = attrTriage
	}
	_, err = t.update(ctx, c, types.ReturnValueNone)
	if err == nil {
		return plan, true, nil
	}
	old, refused := refusedItem(err)
	switch {
	case !refused:
		return care.Plan{}, false, failed("save a plan", err)
	case len(old) == 0:
		return care.Plan{}, false, care.Errorf(care.NotFound, "post %s was never claimed", id)
	case has(old, attrDeleted):
		return care.Plan{Action: care.ActionWatch, ConfigVersion: plan.ConfigVersion, Reasons: []care.Reason{{
			By: "guard:deleted", Text: "The post was deleted where it was written, so there is nothing to answer.",
		}}}, false, nil
	}
	r, err := postRecord(id, old)
	if err != nil {
		return care.Plan{}, false, err
	}
	return *r.Plan, false, nil
}

// Decide records what became of a post and takes it off the undecided. A post
// is decided once; only "failed" may be replaced. Saying the same outcome again
// changes nothing. It is the twin of the intake workflow's Record state, with
// the same condition. Errors: Conflict (decided otherwise), Throttled,
// Unavailable.
//
// Costs 1 WRU per KB of the whole item plus 1 for the index.
func (t *Table) Decide(ctx context.Context, d care.Decision) error {
	if d.At.IsZero() {
		d.At = t.clock()
	}
	reasons, err := encode(d.Reasons)
	if err != nil {
		return err
	}
	_, err = t.update(ctx, change{
		key:       postKey(d.Post),
		update:    "SET #outcome = :outcome, #decidedAt = :at, #decision = :reasons REMOVE #gsi1pk, #gsi1sk",
		condition: "attribute_not_exists(#outcome) OR #outcome = :failed",
		names:     names(attrOutcome, attrDecidedAt, attrDecision, attrGSI1PK, attrGSI1SK),
		values: item{
			":outcome": str(string(d.Outcome)), ":at": str(stamp(d.At)), ":reasons": reasons,
			":failed": str(string(care.OutcomeFailed)),
		},
	}, types.ReturnValueNone)
	if old, refused := refusedItem(err); refused {
		if have := getS(old, attrOutcome); have != string(d.Outcome) {
			return care.Errorf(care.Conflict, "post %s is already %s, so it cannot become %s", d.Post, have, d.Outcome)
		}
		return nil
	}
	return failed("record a decision", err)
}

// Undecided lists posts received before a time that nobody has decided yet,
// oldest first, at most limit; where a reply waits, the end of its wait counts. A post deleted upstream is among them (Deleted
// set) until someone decides it.
//
// Costs 8 queries of 0.5 RRU at least, and 1 RRU per post listed.
func (t *Table) Undecided(ctx context.Context, before time.Time, limit int) ([]PostRecord, error) {
	entries, err := t.undecidedEntries(ctx, before, limit, types.SelectAllProjectedAttributes)
	if err != nil {
		return nil, failed("list undecided posts", err)
	}
	var all []item
	for _, e := range entries {
		all = append(all, e.items...)
	}
	sort.SliceStable(all, func(i, j int) bool { return getS(all[i], attrGSI1SK) < getS(all[j], attrGSI1SK) })
	if len(all) > limit {
		all = all[:limit]
	}
	keys := make([]key, len(all))
	for i, it := range all {
		keys[i] = keyOf(it)
	}
	items, err := t.getAll(ctx, keys)
	if err != nil {
		return nil, failed("list undecided posts", err)
	}
	records := make([]PostRecord, 0, len(keys))
	for _, k := range keys {
		it, ok := items[k]
		if !ok || !has(it, attrGSI1PK) { // decided since: the index lags a little
			continue
		}
		r, err := postRecord(care.PostID(k.pk[len("POST#"):]), it)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// CountUndecided counts the posts received before a time that nobody has
// decided yet. The index lags the table by up to seconds.
//
// Costs 8 queries of 0.5 RRU per 4 KB of index entries (about 30 entries).
func (t *Table) CountUndecided(ctx context.Context, before time.Time) (int, error) {
	entries, err := t.undecidedEntries(ctx, before, 0, types.SelectCount)
	if err != nil {
		return 0, failed("count undecided posts", err)
	}
	n := 0
	for _, e := range entries {
		n += e.count
	}
	return n, nil
}

type shardEntries struct {
	items []item
	count int
}

func (t *Table) undecidedEntries(ctx context.Context, before time.Time, limit int, sel types.Select) ([]shardEntries, error) {
	out := make([]shardEntries, undecidedShards)
	err := parallel(undecidedShards, func(shard int) error {
		condition, index := "#gsi1pk = :pk AND #gsi1sk < :before", Index
		in := &dynamodb.QueryInput{
			TableName: &t.name, IndexName: &index, Select: sel,
			KeyConditionExpression:    &condition,
			ExpressionAttributeNames:  names(attrGSI1PK, attrGSI1SK),
			ExpressionAttributeValues: item{":pk": str(undecidedPK(shard)), ":before": str(stamp(before))},
		}
		if sel != types.SelectCount {
			items, err := t.queryAll(ctx, in, limit)
			out[shard].items = items
			return err
		}
		for {
			page, err := t.api.Query(ctx, in)
			if err != nil {
				return err
			}
			out[shard].count += int(page.Count)
			if len(page.LastEvaluatedKey) == 0 {
				return nil
			}
			in.ExclusiveStartKey = page.LastEvaluatedKey
		}
	})
	return out, err
}

// parallel runs n jobs at once and returns the first error.
func parallel(n int, job func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = job(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// MarkDriven notes that an undecided post is being sent through intake again,
// and returns how often that has happened, this time included. Errors: Conflict
// (decided, or not known), Throttled, Unavailable.
//
// Costs 1 WRU per KB of the whole item. A repeat inside the SDK may count twice.
func (t *Table) MarkDriven(ctx context.Context, id care.PostID) (int, error) {
	it, err := t.update(ctx, change{
		key:       postKey(id),
		update:    "SET #drivenAt = :now ADD #drives :one",
		condition: "attribute_exists(#gsi1pk)",
		names:     names(attrDrives, attrDrivenAt, attrGSI1PK),
		values:    item{":one": num(1), ":now": str(stamp(t.clock()))},
	}, types.ReturnValueUpdatedNew)
	if _, refused := refusedItem(err); refused {
		return 0, care.Errorf(care.Conflict, "post %s is not undecided", id)
	}
	if err != nil {
		return 0, failed("count a re-drive", err)
	}
	return int(getN(it, attrDrives)), nil
}

// EditPost replaces what a post says by what its author made of it, in the post
// and in the timeline. An edit older than one already known (by ReceivedAt)
// changes nothing, nor does the same edit again; a deleted post stays deleted.
// Errors: NotFound (never claimed: claim it instead), Refused (deleted),
// Throttled, Unavailable.
//
// Costs 1 WRU per KB of the whole item for the post, 2 for the timeline.
func (t *Table) EditPost(ctx context.Context, p care.Post) error {
	return t.edit(ctx, p, keepPlan)
}

// Rethink is EditPost for a post without an outcome whose answer still waits: its
// plan was made for other words and is forgotten, so that intake decides afresh.
// The post keeps its place among the undecided. Errors: NotFound, Refused
// (deleted), Conflict (it has an outcome), Throttled, Unavailable.
//
// Costs EditPost's units.
func (t *Table) Rethink(ctx context.Context, p care.Post) error {
	return t.edit(ctx, p, dropPlan)
}

// Reopen is EditPost for a post whose earlier wording was ignored: the post
// counts as undecided again, and its plan and decision are forgotten, so that
// intake starts afresh. Errors: NotFound, Refused (deleted), Conflict (it has
// an outcome other than ignored), Throttled, Unavailable.
//
// Costs EditPost's units plus 1 WRU for the index.
func (t *Table) Reopen(ctx context.Context, p care.Post) error {
	return t.edit(ctx, p, dropDecision)
}

// What becomes of a plan and a decision when a post is edited.
const (
	keepPlan = iota
	dropPlan
	dropDecision
)

func (t *Table) edit(ctx context.Context, p care.Post, what int) error {
	if p.ReceivedAt.IsZero() {
		p.ReceivedAt = t.clock()
	}
	_, rest, err := encodePost(p)
	if err != nil {
		return err
	}
	at := stamp(p.ReceivedAt)
	c := change{
		key:       postKey(p.ID()),
		update:    "SET #body = :body, #editedAt = :at",
		condition: "attribute_exists(#body) AND attribute_not_exists(#deleted) AND (attribute_not_exists(#editedAt) OR #editedAt < :at)",
		names:     names(attrBody, attrEditedAt, attrDeleted, attrEdits),
		values:    item{":body": rest, ":at": str(at), ":one": num(1)},
	}
	switch what {
	case dropPlan:
		c.update += " REMOVE #plan, #planText, #triage"
		c.condition += " AND attribute_not_exists(#outcome)"
		for _, a := range []string{attrOutcome, attrPlan, attrPlanText, attrTriage} {
			c.names["#"+a] = a
		}
	case dropDecision:
		c.update += ", #gsi1pk = :shard, #gsi1sk = :at REMOVE #outcome, #decidedAt, #decision, #plan, #planText, #triage"
		// The same edit may have been noted by EditPost, before the old wording
		// was ignored; it reopens the post once.
		c.update = strings.Replace(c.update, "SET ", "SET #reopened = :at, ", 1)
		c.condition = "attribute_exists(#body) AND attribute_not_exists(#deleted) AND (attribute_not_exists(#editedAt) OR #editedAt <= :at)" +
			" AND (attribute_not_exists(#reopened) OR #reopened < :at) AND #outcome = :ignored"
		for _, a := range []string{attrReopened, attrGSI1PK, attrGSI1SK, attrOutcome, attrDecidedAt, attrDecision, attrPlan, attrPlanText, attrTriage} {
			c.names["#"+a] = a
		}
		c.values[":shard"] = str(undecidedPK(shardOf(string(p.ID()), undecidedShards)))
		c.values[":ignored"] = str(string(care.OutcomeIgnored))
	}
	c.update += " ADD #edits :one"
	_, err = t.update(ctx, c, types.ReturnValueNone)
	if old, refused := refusedItem(err); refused {
		switch {
		case len(old) == 0:
			return care.Errorf(care.NotFound, "post %s was never claimed", p.ID())
		case has(old, attrDeleted):
			return care.Errorf(care.Refused, "post %s was deleted upstream", p.ID())
		case getS(old, attrEditedAt) > at:
			return nil // a newer edit is known
		case what == keepPlan, what == dropPlan && getS(old, attrEditedAt) == at, what == dropDecision && getS(old, attrReopened) == at:
			// This very edit, again. The attempt that wrote it may have died
			// before the timeline.
		case what == dropPlan:
			return care.Errorf(care.Conflict, "post %s is %s, so its plan stays", p.ID(), outcomeWord(getS(old, attrOutcome)))
		default:
			return care.Errorf(care.Conflict, "post %s is %s, not ignored, so it cannot be reopened", p.ID(), outcomeWord(getS(old, attrOutcome)))
		}
	} else if err != nil {
		return failed("edit a post", err)
	}
	return t.editInteraction(ctx, string(p.ID()), edit{Text: p.Text, At: p.ReceivedAt})
}

func outcomeWord(outcome string) string {
	if outcome == "" {
		return "undecided"
	}
	return outcome
}

// Tombstone forgets what a post said and who wrote it, in the post and in the
// timeline, and keeps that it was. A post that has not arrived yet is recorded
// as deleted and ignored, so that a later ClaimPost sees Deleted. A post still
// undecided stays so: whoever decides it sees Deleted and says why. Repeating
// it changes nothing. Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 WRU per KB of the whole item for the post, 2 for the timeline.
func (t *Table) Tombstone(ctx context.Context, id care.PostID, at time.Time) error {
	platform, native, ok := id.Split()
	if !ok {
		return care.Errorf(care.Invalid, "a post id has the form platform:native")
	}
	empty, err := encode(care.Post{Platform: platform, NativeID: native})
	if err != nil {
		return err
	}
	reasons, err := encode([]care.Reason{{By: "deleted", Text: "The post was deleted where it was written before it reached us."}})
	if err != nil {
		return err
	}
	now := str(stamp(t.clock()))
	unseen := change{
		key:       postKey(id),
		update:    "SET #post = :post, #deleted = :at, #claimed = :now, #outcome = :ignored, #decidedAt = :now, #decision = :reasons",
		condition: "attribute_not_exists(#pk)",
		names:     names(attrPK, attrPost, attrDeleted, attrClaimed, attrOutcome, attrDecidedAt, attrDecision),
		values:    item{":post": empty, ":at": str(stamp(at)), ":now": now, ":ignored": str(string(care.OutcomeIgnored)), ":reasons": reasons},
	}
	seen := change{
		key:       postKey(id),
		update:    "SET #deleted = if_not_exists(#deleted, :at) REMOVE #body, #planText",
		condition: "attribute_exists(#pk)",
		names:     names(attrPK, attrDeleted, attrBody, attrPlanText),
		values:    item{":at": str(stamp(at))},
	}
	// Most deletions are of posts that we know. One that is not there can be
	// claimed in between, hence the second look.
	for _, c := range []change{seen, unseen, seen} {
		_, err = t.update(ctx, c, types.ReturnValueNone)
		if _, refused := refusedItem(err); !refused {
			break
		}
	}
	if err != nil {
		return failed("record a deletion", err)
	}
	return t.tombstoneInteraction(ctx, string(id), at)
}
