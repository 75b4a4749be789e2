package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// A customer's open conversations are listed by pointers in the customer's
// collection. A pointer is written before its conversation opens and deleted
// after it is resolved, without a transaction: there may be a pointer too many
// for a moment, never one too few, and readers look at the conversation itself.
// A pointer carries the version that it was written for, so that a slow
// deletion cannot hit the pointer of a later reopening.

// EnsureConversation returns the conversation of a thread, and makes it from
// fresh when there is none. Its id is derived from the thread key; fresh.ID is
// ignored. Of any number of callers at once, one creates. Errors: Invalid,
// Throttled, Unavailable.
//
// Costs 1 RRU when it exists, else 1 RRU and 2 WRU.
func (t *Table) EnsureConversation(ctx context.Context, threadKey string, fresh care.Conversation) (c care.Conversation, created bool, err error) {
	if threadKey == "" {
		return care.Conversation{}, false, care.Errorf(care.Invalid, "a conversation needs a thread")
	}
	k := conversationKey(ConversationID(threadKey))
	there, err := t.get(ctx, k)
	if err != nil {
		return care.Conversation{}, false, failed("read a conversation", err)
	}
	if there == nil {
		fresh.ID, fresh.Version = ConversationID(threadKey), 1
		if err := t.pointAt(ctx, fresh); err != nil {
			return care.Conversation{}, false, err
		}
		it := item{attrVersion: num(1)}
		if it[attrDoc], err = encode(fresh); err != nil {
			return care.Conversation{}, false, err
		}
		if pk, sk, queued := queueEntry(fresh); queued {
			it[attrGSI1PK], it[attrGSI1SK] = str(pk), str(sk)
		}
		if there, created, err = t.create(ctx, k, it); err != nil {
			return care.Conversation{}, false, failed("create a conversation", err)
		}
	}
	c, err = conversation(there)
	return c, created, err
}

func conversation(it item) (c care.Conversation, err error) {
	err = decode(it, attrDoc, &c)
	c.Version = int(getN(it, attrVersion))
	return c, err
}

// queueEntry says where a conversation stands in the index, if an agent has it.
func queueEntry(c care.Conversation) (pk, sk string, queued bool) {
	if c.Escalation == nil || c.State == care.StateResolved {
		return "", "", false
	}
	return queuePK(c.Escalation.Queue), stamp(c.Escalation.DueAt), true
}

// Conversation reads a conversation. Errors: NotFound, Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) Conversation(ctx context.Context, id care.ConversationID) (care.Conversation, error) {
	it, err := t.get(ctx, conversationKey(id))
	if err != nil {
		return care.Conversation{}, failed("read a conversation", err)
	}
	if it == nil {
		return care.Conversation{}, care.Errorf(care.NotFound, "conversation %s is not known", id)
	}
	return conversation(it)
}

// UpdateConversation applies fn to a conversation and stores the result, again
// when someone else was faster; so fn may run several times and must have no
// effects of its own. An error of fn ends it and is returned as it is. A fn
// that changes nothing writes nothing. Errors: NotFound, Conflict (lost 12
// races), Throttled, Unavailable.
//
// Costs 1 RRU and 1 WRU per KB, per attempt; 1 WRU more when it opens, is
// resolved, or moves in or out of a queue (2 from one place there to another).
func (t *Table) UpdateConversation(ctx context.Context, id care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	for attempt := 1; ; attempt++ {
		it, err := t.get(ctx, conversationKey(id))
		if err != nil {
			return care.Conversation{}, failed("read a conversation", err)
		}
		if it == nil {
			return care.Conversation{}, care.Errorf(care.NotFound, "conversation %s is not known", id)
		}
		before, err := conversation(it)
		if err != nil {
			return care.Conversation{}, err
		}
		after, err := conversation(it) // decoded again: shares nothing with before
		if err != nil {
			return care.Conversation{}, err
		}
		if err := fn(&after); err != nil {
			return care.Conversation{}, err
		}
		after.ID, after.Version = id, before.Version
		if same(before, after) {
			return before, nil
		}
		after.Version++
		if err = t.writeConversation(ctx, before, after); err == nil {
			return after, nil
		}
		if care.CodeOf(err) != care.Conflict || attempt == maxTries {
			return care.Conversation{}, failed("update a conversation", err)
		}
		if err := backOff(ctx, attempt); err != nil {
			return care.Conversation{}, err
		}
	}
}

func (t *Table) writeConversation(ctx context.Context, before, after care.Conversation) error {
	wasOpen := before.State != care.StateResolved
	isOpen := after.State != care.StateResolved
	moved := before.Customer != after.Customer
	if isOpen && (!wasOpen || moved) {
		if err := t.pointAt(ctx, after); err != nil {
			return err
		}
	}
	more, values := " REMOVE #gsi1pk, #gsi1sk", item(nil)
	if pk, sk, queued := queueEntry(after); queued {
		more, values = ", #gsi1pk = :gsi1pk, #gsi1sk = :gsi1sk", item{":gsi1pk": str(pk), ":gsi1sk": str(sk)}
	}
	if err := t.replaceDoc(ctx, conversationKey(after.ID), after, before.Version, more, values); err != nil {
		return err
	}
	if wasOpen && (!isOpen || moved) && before.Customer != "" {
		condition := "#version <= :version"
		_, err := t.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &t.name, Key: openKey(before.Customer, before.ID).item(), ConditionExpression: &condition,
			ExpressionAttributeNames:  names(attrVersion),
			ExpressionAttributeValues: item{":version": num(after.Version)},
		})
		if _, refused := refusedItem(err); !refused && err != nil {
			// The conversation is written, and readers see through a pointer
			// too many: failing now would make the caller repeat fn.
			return nil
		}
	}
	return nil
}

// pointAt lists a conversation among its customer's open ones.
func (t *Table) pointAt(ctx context.Context, c care.Conversation) error {
	if c.Customer == "" || c.State == care.StateResolved {
		return nil
	}
	_, err := t.update(ctx, change{
		key:       openKey(c.Customer, c.ID),
		update:    "SET #version = :version",
		condition: "attribute_not_exists(#version) OR #version < :version",
		names:     names(attrVersion),
		values:    item{":version": num(c.Version)},
	}, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return nil // listed by someone ahead of us
	}
	return failed("list an open conversation", err)
}

// OpenConversations lists a customer's conversations that are open or waiting,
// in no particular order. Errors: Throttled, Unavailable.
//
// Costs 1 RRU for the list and 1 for each, in 2 round trips.
func (t *Table) OpenConversations(ctx context.Context, customer care.CustomerID) ([]care.Conversation, error) {
	if customer == "" {
		return nil, nil
	}
	pointers, err := t.queryAll(ctx, prefixQuery(customerKey(customer).pk, prefixOpen), 0)
	if err != nil {
		return nil, failed("list open conversations", err)
	}
	keys := make([]key, len(pointers))
	for n, p := range pointers {
		keys[n] = conversationKey(care.ConversationID(getS(p, attrSK)[len(prefixOpen):]))
	}
	return t.conversations(ctx, keys, func(c care.Conversation) bool {
		return c.State != care.StateResolved && c.Customer == customer
	})
}

func (t *Table) conversations(ctx context.Context, keys []key, keep func(care.Conversation) bool) ([]care.Conversation, error) {
	items, err := t.getAll(ctx, keys)
	if err != nil {
		return nil, failed("read conversations", err)
	}
	var list []care.Conversation
	for _, k := range keys {
		it, ok := items[k]
		if !ok {
			continue
		}
		c, err := conversation(it)
		if err != nil {
			return nil, err
		}
		if keep(c) {
			list = append(list, c)
		}
	}
	return list, nil
}

// DueConversations lists the conversations in a queue that are due before a
// time, the most urgent first, at most limit. The index lags the table by up to
// seconds; what left the queue meanwhile is left out. Errors: Throttled,
// Unavailable.
//
// Costs 0.5 RRU per 4 KB of index entries (about 30), and 1 RRU for each.
func (t *Table) DueConversations(ctx context.Context, queue string, before time.Time, limit int) ([]care.Conversation, error) {
	condition, index := "#gsi1pk = :pk AND #gsi1sk < :before", Index
	entries, err := t.queryAll(ctx, &dynamodb.QueryInput{
		IndexName: &index, KeyConditionExpression: &condition,
		ExpressionAttributeNames:  names(attrGSI1PK, attrGSI1SK),
		ExpressionAttributeValues: item{":pk": str(queuePK(queue)), ":before": str(stamp(before))},
	}, limit)
	if err != nil {
		return nil, failed("list due conversations", err)
	}
	keys := make([]key, len(entries))
	for n, e := range entries {
		keys[n] = keyOf(e)
	}
	return t.conversations(ctx, keys, func(c care.Conversation) bool {
		pk, _, queued := queueEntry(c)
		return queued && pk == queuePK(queue)
	})
}
