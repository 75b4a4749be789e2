package store

import (
	"context"
	"encoding/base64"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// A timeline entry is two items. INTERACTION#<id> says, per interaction id,
// whose timeline it is in and at what time: the first time given stays, so that
// writing an interaction twice cannot list it twice. The TIMELINE# item is the
// entry. Edits and deletions may overtake the writing of the entry, and must
// not be undone by a repeat of it; therefore they leave a mark on both items,
// and the entry's document is only ever shown through its marks.

// edit is the mark that an author's edit leaves.
type edit struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// PutInteraction writes an entry of a customer's timeline, or of its
// conversation's when Customer is empty. It is idempotent by ID: the last
// writer's facts stay, at the first writer's time, and an entry whose customer
// changed moves to the new customer's timeline. What was edited or deleted
// upstream meanwhile stays so. Errors: Invalid (no id, no time, neither
// customer nor conversation), Throttled, Unavailable.
//
// Costs 2 WRU (more for texts over 1 KB); a move costs 3 WRU more.
func (t *Table) PutInteraction(ctx context.Context, i care.Interaction) error {
	if i.ID == "" || i.At.IsZero() || i.Customer == "" && i.Conversation == "" {
		return care.Errorf(care.Invalid, "an interaction needs an id, a time, and a customer or a conversation")
	}
	pointer := change{
		key:    interactionKey(i.ID),
		update: "SET #customer = :customer, #conversation = :conversation, #at = if_not_exists(#at, :at)",
		// A pointer made by an edit or deletion has no place yet.
		condition: "attribute_not_exists(#at) OR (#customer = :customer AND (#conversation = :conversation OR #customer <> :none))",
		names:     names(attrCustomer, attrConvers, attrAt),
		values: item{
			":customer": str(string(i.Customer)), ":conversation": str(string(i.Conversation)),
			":at": str(stamp(i.At)), ":none": str(""),
		},
	}
	there, err := t.update(ctx, pointer, types.ReturnValueAllNew)
	if old, refused := refusedItem(err); refused {
		return t.moveInteraction(ctx, i, old)
	}
	if err != nil {
		return failed("write an interaction", err)
	}
	return t.writeEntry(ctx, i, there)
}

// writeEntry puts the entry where the pointer says, with the pointer's marks.
func (t *Table) writeEntry(ctx context.Context, i care.Interaction, pointer item) error {
	at := getS(pointer, attrAt)
	i.At = parseStamp(at)
	k := timelineKey(i.Customer, i.Conversation, at, i.ID)
	if has(pointer, attrGone) {
		return t.buryEntry(ctx, k, i, getS(pointer, attrGone))
	}
	doc, err := encode(i)
	if err != nil {
		return err
	}
	c := change{
		key:       k,
		update:    "SET #doc = :doc",
		condition: "attribute_not_exists(#gone)",
		names:     names(attrDoc, attrGone),
		values:    item{":doc": doc},
	}
	if has(pointer, attrEdit) {
		c.update += ", #edit = :edit"
		c.names["#edit"] = attrEdit
		c.values[":edit"] = pointer[attrEdit]
	}
	_, err = t.update(ctx, c, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return nil // deleted since
	}
	return failed("write an interaction", err)
}

// moveInteraction changes whose timeline an entry is in. The pointer is moved
// last, so that a crash half-way leaves the entry twice for the moment and the
// repeat repairs it.
func (t *Table) moveInteraction(ctx context.Context, i care.Interaction, old item) error {
	if err := t.writeEntry(ctx, i, old); err != nil {
		return err
	}
	from := timelineKey(care.CustomerID(getS(old, attrCustomer)), care.ConversationID(getS(old, attrConvers)), getS(old, attrAt), i.ID)
	to := timelineKey(i.Customer, i.Conversation, getS(old, attrAt), i.ID)
	if from != to {
		if _, err := t.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.name, Key: from.item()}); err != nil {
			return failed("move an interaction", err)
		}
	}
	there, err := t.update(ctx, change{
		key:       interactionKey(i.ID),
		update:    "SET #customer = :customer, #conversation = :conversation",
		condition: "#customer = :oldCustomer AND #conversation = :oldConversation",
		names:     names(attrCustomer, attrConvers),
		values: item{
			":customer": str(string(i.Customer)), ":conversation": str(string(i.Conversation)),
			":oldCustomer": str(getS(old, attrCustomer)), ":oldConversation": str(getS(old, attrConvers)),
		},
	}, types.ReturnValueAllNew)
	if _, refused := refusedItem(err); refused {
		return care.Errorf(care.Conflict, "an interaction was moved twice at once")
	}
	if err != nil {
		return failed("move an interaction", err)
	}
	if getS(there, attrEdit) != getS(old, attrEdit) || getS(there, attrGone) != getS(old, attrGone) {
		return t.writeEntry(ctx, i, there) // edited or deleted while it moved
	}
	return nil
}

// editInteraction marks an entry as edited.
func (t *Table) editInteraction(ctx context.Context, id string, e edit) error {
	mark, err := encode(e)
	if err != nil {
		return err
	}
	pointer, err := t.update(ctx, change{
		key:       interactionKey(id),
		update:    "SET #edit = :edit",
		condition: "attribute_not_exists(#gone)",
		names:     names(attrEdit, attrGone),
		values:    item{":edit": mark},
	}, types.ReturnValueAllNew)
	if _, refused := refusedItem(err); refused {
		return nil
	}
	if err != nil {
		return failed("edit an interaction", err)
	}
	if !has(pointer, attrAt) {
		return nil // not written yet; PutInteraction will find the mark
	}
	_, err = t.update(ctx, change{
		key:       pointerTarget(id, pointer),
		update:    "SET #edit = :edit",
		condition: "attribute_not_exists(#gone)",
		names:     names(attrEdit, attrGone),
		values:    item{":edit": mark},
	}, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return nil
	}
	return failed("edit an interaction", err)
}

// tombstoneInteraction marks an entry as gone.
func (t *Table) tombstoneInteraction(ctx context.Context, id string, at time.Time) error {
	pointer, err := t.update(ctx, change{
		key:    interactionKey(id),
		update: "SET #gone = if_not_exists(#gone, :at) REMOVE #edit",
		names:  names(attrGone, attrEdit),
		values: item{":at": str(stamp(at))},
	}, types.ReturnValueAllNew)
	if err != nil {
		return failed("bury an interaction", err)
	}
	if !has(pointer, attrAt) {
		return nil
	}
	k := pointerTarget(id, pointer)
	there, err := t.get(ctx, k)
	if err != nil {
		return failed("bury an interaction", err)
	}
	i := care.Interaction{ID: id, Customer: care.CustomerID(getS(pointer, attrCustomer)),
		Conversation: care.ConversationID(getS(pointer, attrConvers)), At: parseStamp(getS(pointer, attrAt))}
	if err := decode(there, attrDoc, &i); err != nil {
		return err
	}
	if i.Platform == "" { // the entry is being written this moment
		i.Platform, _, _ = care.PostID(id).Split()
	}
	return t.buryEntry(ctx, k, i, getS(pointer, attrGone))
}

// buryEntry replaces an entry by a tombstone: where, when and that it was.
func (t *Table) buryEntry(ctx context.Context, k key, i care.Interaction, gone string) error {
	doc, err := encode(care.Interaction{
		ID: i.ID, Kind: care.InteractionTombstone, Customer: i.Customer, Conversation: i.Conversation,
		Platform: i.Platform, Private: i.Private, At: i.At, By: i.By,
		Detail: map[string]string{"deletedAt": parseStamp(gone).Format(time.RFC3339)},
	})
	if err != nil {
		return err
	}
	_, err = t.update(ctx, change{
		key:    k,
		update: "SET #doc = :doc, #gone = :gone REMOVE #edit",
		names:  names(attrDoc, attrGone, attrEdit),
		values: item{":doc": doc, ":gone": str(gone)},
	}, types.ReturnValueNone)
	return failed("bury an interaction", err)
}

func pointerTarget(id string, pointer item) key {
	return timelineKey(care.CustomerID(getS(pointer, attrCustomer)), care.ConversationID(getS(pointer, attrConvers)), getS(pointer, attrAt), id)
}

// Timeline pages through a customer's interactions, newest first. next is "" on
// the last page, else the cursor of the next one. Its cost does not depend on
// the length of the history. Errors: Invalid (a cursor not of ours), Throttled,
// Unavailable.
//
// Costs one query, 1 RRU per 4 KB (about 8 entries).
func (t *Table) Timeline(ctx context.Context, customer care.CustomerID, limit int, cursor string) (entries []care.Interaction, next string, err error) {
	if customer == "" {
		return nil, "", care.Errorf(care.Invalid, "a timeline needs a customer")
	}
	return t.timeline(ctx, []string{customerKey(customer).pk}, limit, cursor)
}

// Unnamed pages through the interactions of a conversation whose authors the
// platform hides, newest first, like Timeline.
//
// Costs 8 queries of 0.5 RRU at least.
func (t *Table) Unnamed(ctx context.Context, conversation care.ConversationID, limit int, cursor string) (entries []care.Interaction, next string, err error) {
	if conversation == "" {
		return nil, "", care.Errorf(care.Invalid, "a timeline needs a conversation")
	}
	partitions := make([]string, anonymousShards)
	for shard := range partitions {
		partitions[shard] = anonymousPK(conversation, shard)
	}
	return t.timeline(ctx, partitions, limit, cursor)
}

// pageMost is the most entries that one page of a timeline may have.
const pageMost = 200

func (t *Table) timeline(ctx context.Context, partitions []string, limit int, cursor string) ([]care.Interaction, string, error) {
	if limit < 1 || limit > pageMost {
		return nil, "", care.Errorf(care.Invalid, "a page has 1 to %d entries, not %d", pageMost, limit)
	}
	upper := prefixTimeline + "~" // after every time
	if cursor != "" {
		sk, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || !strings.HasPrefix(string(sk), prefixTimeline) || len(sk) > maxSK {
			return nil, "", care.Errorf(care.Invalid, "the cursor is not one that a timeline gave")
		}
		upper = string(sk)
	}
	pages := make([][]item, len(partitions))
	err := parallel(len(partitions), func(n int) (err error) {
		// BETWEEN includes its bounds, so a page with a cursor asks for one more.
		condition, forward, consistent := "#pk = :pk AND #sk BETWEEN :lower AND :upper", false, true
		pages[n], err = t.queryAll(ctx, &dynamodb.QueryInput{
			KeyConditionExpression:    &condition,
			ExpressionAttributeNames:  names(attrPK, attrSK),
			ExpressionAttributeValues: item{":pk": str(partitions[n]), ":lower": str(prefixTimeline), ":upper": str(upper)},
			ScanIndexForward:          &forward, ConsistentRead: &consistent,
		}, limit+2)
		return err
	})
	if err != nil {
		return nil, "", failed("read a timeline", err)
	}
	var all []item
	for _, page := range pages {
		for _, it := range page {
			if cursor == "" || getS(it, attrSK) != upper {
				all = append(all, it)
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return getS(all[i], attrSK) > getS(all[j], attrSK) })
	next := ""
	if len(all) > limit {
		all = all[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(getS(all[limit-1], attrSK)))
	}
	entries := make([]care.Interaction, 0, len(all))
	for _, it := range all {
		if !has(it, attrDoc) {
			continue // edited this moment, its entry is still being written
		}
		i, err := interaction(it)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, i)
	}
	return entries, next, nil
}

// interaction shows an entry through its marks.
func interaction(it item) (care.Interaction, error) {
	var i care.Interaction
	if err := decode(it, attrDoc, &i); err != nil {
		return i, err
	}
	if has(it, attrEdit) && !has(it, attrGone) {
		var e edit
		if err := decode(it, attrEdit, &e); err != nil {
			return i, err
		}
		i.Text = e.Text
		if i.Detail == nil {
			i.Detail = make(map[string]string, 1)
		}
		i.Detail["editedAt"] = e.At.UTC().Format(time.RFC3339)
	}
	return i, nil
}

// Interaction reads one entry by its id. Errors: NotFound, Throttled,
// Unavailable.
//
// Costs 2 RRU in 2 round trips.
func (t *Table) Interaction(ctx context.Context, id string) (care.Interaction, error) {
	pointer, err := t.get(ctx, interactionKey(id))
	if err != nil {
		return care.Interaction{}, failed("read an interaction", err)
	}
	var it item
	if has(pointer, attrAt) {
		if it, err = t.get(ctx, pointerTarget(id, pointer)); err != nil {
			return care.Interaction{}, failed("read an interaction", err)
		}
	}
	if !has(it, attrDoc) {
		return care.Interaction{}, care.Errorf(care.NotFound, "no interaction has the id %s", strconv.Quote(id))
	}
	return interaction(it)
}
