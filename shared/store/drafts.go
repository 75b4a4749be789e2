package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// ProposeDraft stores a draft unless its post has one already, and returns the
// one that is stored. Nothing is stored for a post that was deleted, changed
// after d.Wording, or answered by our own account, however early or late that
// was noted: then the error is Refused and says which. Errors: Invalid, Refused,
// Busy (a transaction on the post), Throttled, Unavailable.
//
// Costs 2 WRU per KB of draft, 2 for the index, 2 per KB of post (a transaction
// counts twice).
func (t *Table) ProposeDraft(ctx context.Context, d care.Draft) (stored care.Draft, created bool, err error) {
	k := draftKey(d.Post)
	if _, _, ok := d.Post.Split(); !ok || d.ApproveBy.IsZero() {
		return care.Draft{}, false, care.Errorf(care.Invalid, "a draft needs a post and a time by which it is approved")
	}
	if err := (key{k.pk, draftSort(d)}).check(); err != nil {
		return care.Draft{}, false, err
	}
	d.Version = 1
	it := k.item()
	if it[attrDoc], err = encode(d); err != nil {
		return care.Draft{}, false, err
	}
	token := newToken() // the SDK's repeat after a lost answer meets its own item
	it[attrVersion], it[attrWrote] = num(1), str(token)
	it[attrGSI1PK], it[attrGSI1SK] = str(draftsPK(shardOf(string(d.Post), draftShards))), str(draftSort(d))
	post := postKey(d.Post)
	absent := "attribute_not_exists(#pk)"
	untouched := "attribute_not_exists(#deleted) AND (attribute_not_exists(#answered) OR #answered < :wording) AND (attribute_not_exists(#editedAt) OR #editedAt <= :wording)"
	refused, err := t.transact(ctx, []types.TransactWriteItem{
		{Put: &types.Put{TableName: &t.name, Item: it, ConditionExpression: &absent, ExpressionAttributeNames: names(attrPK),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
		{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: post.item(), ConditionExpression: &untouched,
			ExpressionAttributeNames:            names(attrDeleted, attrAnswered, attrEditedAt),
			ExpressionAttributeValues:           item{":wording": str(stamp(d.Wording))},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
	})
	known, exists := refused[0]
	there, overtaken := refused[1]
	switch {
	case exists:
		stored, err = draft(known)
		return stored, getS(known, attrWrote) == token, err
	case overtaken && has(there, attrDeleted):
		return care.Draft{}, false, care.Errorf(care.Refused, "post %s was deleted upstream", d.Post)
	case overtaken && getS(there, attrAnswered) >= stamp(d.Wording):
		return care.Draft{}, false, care.Errorf(care.Refused, "post %s was answered by our own account", d.Post)
	case overtaken:
		return care.Draft{}, false, care.Errorf(care.Refused, "post %s was changed by its author", d.Post)
	case err != nil:
		return care.Draft{}, false, failed("propose a draft", err)
	}
	return d, true, nil
}

// Draft reads a post's draft. Errors: NotFound, Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) Draft(ctx context.Context, id care.PostID) (care.Draft, error) {
	it, err := t.get(ctx, draftKey(id))
	if err != nil {
		return care.Draft{}, failed("read a draft", err)
	}
	if it == nil {
		return care.Draft{}, care.Errorf(care.NotFound, "post %s has no draft", id)
	}
	return draft(it)
}

func draft(it item) (d care.Draft, err error) {
	err = decode(it, attrDoc, &d)
	d.Version = int(getN(it, attrVersion))
	return d, err
}

// UpdateDraft applies fn to a draft and stores the result, again when someone
// else was faster; so fn may run several times and must have no effects of its
// own. An error of fn ends it and is returned as it is. A fn that changes
// nothing writes nothing. A closed draft leaves the index. Errors: NotFound,
// Conflict (lost 12 races), Throttled, Unavailable.
//
// Costs 1 RRU and 1 WRU per KB, per attempt; 1 WRU more when it closes.
func (t *Table) UpdateDraft(ctx context.Context, id care.PostID, fn func(*care.Draft) error) (care.Draft, error) {
	for attempt := 1; ; attempt++ {
		before, err := t.Draft(ctx, id)
		if err != nil {
			return care.Draft{}, err
		}
		after := before
		after.Reasons = slices.Clone(before.Reasons)
		if err := fn(&after); err != nil {
			return care.Draft{}, err
		}
		after.Post, after.ApproveBy, after.Version = id, before.ApproveBy, before.Version
		if same(before, after) {
			return before, nil
		}
		after.Version++
		more, values := " REMOVE #gsi1pk, #gsi1sk", item(nil)
		if !after.Status.Closed() {
			more = ", #gsi1pk = :gsi1pk, #gsi1sk = :gsi1sk"
			values = item{":gsi1pk": str(draftsPK(shardOf(string(id), draftShards))), ":gsi1sk": str(draftSort(after))}
		}
		if err = t.replaceDoc(ctx, draftKey(id), after, before.Version, more, values); err == nil {
			return after, nil
		}
		if care.CodeOf(err) != care.Conflict || attempt == maxTries {
			return care.Draft{}, failed("update a draft", err)
		}
		if err := backOff(ctx, attempt); err != nil {
			return care.Draft{}, err
		}
	}
}

// DueDrafts lists the drafts that are not closed and to be approved before a
// time, the most urgent first, at most limit. after is where the page before
// ended, "" for the first page; next is where this one ends, "" at the end. The
// index lags the table by up to seconds; what was closed meanwhile is left out,
// so a page may be short although there is a next one. Errors: Throttled,
// Unavailable.
//
// Costs 4 queries of 0.5 RRU per 4 KB of index entries (about 30), and 1 RRU for
// each draft.
func (t *Table) DueDrafts(ctx context.Context, before time.Time, after string, limit int) (list []care.Draft, next string, err error) {
	// "!" is less than "#", which follows the time: nothing due at that very moment
	// is among them, nor is the entry at which the page before ended.
	from, to := after+"!", stamp(before)+"!"
	if from > to {
		return nil, "", nil // DynamoDB refuses such a range
	}
	found := make([][]item, draftShards)
	err = parallel(draftShards, func(shard int) (err error) {
		condition, index := "#gsi1pk = :pk AND #gsi1sk BETWEEN :after AND :before", Index
		found[shard], err = t.queryAll(ctx, &dynamodb.QueryInput{
			IndexName: &index, KeyConditionExpression: &condition,
			ExpressionAttributeNames:  names(attrGSI1PK, attrGSI1SK),
			ExpressionAttributeValues: item{":pk": str(draftsPK(shard)), ":after": str(from), ":before": str(to)},
		}, limit)
		return err
	})
	if err != nil {
		return nil, "", failed("list due drafts", err)
	}
	entries := slices.Concat(found...)
	slices.SortFunc(entries, func(a, b item) int { return strings.Compare(getS(a, attrGSI1SK), getS(b, attrGSI1SK)) })
	if len(entries) >= limit {
		entries = entries[:limit]
		next = getS(entries[limit-1], attrGSI1SK)
	}
	keys := make([]key, len(entries))
	for n, e := range entries {
		keys[n] = keyOf(e)
	}
	items, err := t.getAll(ctx, keys)
	if err != nil {
		return nil, "", failed("list due drafts", err)
	}
	for _, k := range keys {
		it, ok := items[k]
		if !ok || !has(it, attrGSI1PK) { // closed since
			continue
		}
		d, err := draft(it)
		if err != nil {
			return nil, "", err
		}
		list = append(list, d)
	}
	return list, next, nil
}

// ConversationsOf reads the conversations of drafts, at most 100 at once.
// Absent ones are absent from the map. Errors: Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB of each.
func (t *Table) ConversationsOf(ctx context.Context, drafts []care.Draft) (map[care.ConversationID]care.Conversation, error) {
	keys := make([]key, len(drafts))
	for n, d := range drafts {
		keys[n] = conversationKey(d.Conversation)
	}
	list, err := t.conversations(ctx, keys, func(care.Conversation) bool { return true })
	out := make(map[care.ConversationID]care.Conversation, len(list))
	for _, c := range list {
		out[c.ID] = c
	}
	return out, err
}

// PostAnswered notes that one of our accounts was seen answering a post. A post
// that is not known, or was answered later still, stays as it is. Errors: Throttled,
// Unavailable.
//
// Costs 1 WRU per KB of the whole item; 1 when there is nothing to note.
func (t *Table) PostAnswered(ctx context.Context, id care.PostID, at time.Time) error {
	_, err := t.update(ctx, change{
		key:       postKey(id),
		update:    "SET #answered = :at",
		condition: "attribute_exists(#pk) AND (attribute_not_exists(#answered) OR #answered < :at)",
		names:     names(attrPK, attrAnswered),
		values:    item{":at": str(stamp(at))},
	}, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return nil
	}
	return failed("note an answer", err)
}

// ThreadAnswered notes that one of our accounts was seen writing in the
// conversation of a key (care.Post.ConversationKey), and returns the posts of it
// whose drafts were proposed. A conversation that is not known has none.
// Errors: Throttled, Unavailable.
//
// Costs 1 RRU, and 1 WRU per KB when it is known.
func (t *Table) ThreadAnswered(ctx context.Context, conversationKey string, at time.Time) ([]care.PostID, error) {
	c, err := t.UpdateConversation(ctx, ConversationID(conversationKey), func(c *care.Conversation) error {
		if at.After(c.Spoke) {
			c.Spoke = at
		}
		return nil
	})
	if care.CodeOf(err) == care.NotFound || err == nil && c.Escalation == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.Escalation.Drafts, nil
}
