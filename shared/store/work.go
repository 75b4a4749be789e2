package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
)

var _ idempotency.Store = (*Table)(nil)

// Values of the attribute "status".
const (
	statusInProgress = "INPROGRESS"
	statusCompleted  = "COMPLETED"
)

// ClaimWork claims a key of the idempotency protocol; see idempotency.Store.
//
//	time --->      claim           deadline               expires
//	no item        [ in progress   | may be taken over    | starts afresh
//	completed      [ the result is returned to everyone   | starts afresh
//	released       | may be claimed at once               | starts afresh
//
// Costs 1 WRU.
func (t *Table) ClaimWork(ctx context.Context, name, owner string, deadline, expires time.Time) (idempotency.Record, bool, error) {
	now := t.clock()
	k := workKey(name)
	values := func(more item) item {
		more[":owner"], more[":deadline"] = str(owner), num(millis(deadline))
		more[":expires"], more[":expiresMs"] = num(expires.Unix()), num(millis(expires))
		more[":now"], more[":stamp"], more[":one"] = num(millis(now)), str(stamp(now)), num(1)
		more[":inprogress"] = str(statusInProgress)
		return more
	}
	const set = "SET #owner = :owner, #deadline = :deadline, #expires = :expires, #until = :expiresMs, #status = :inprogress, "
	claim := change{
		key:    k,
		update: set + "#since = if_not_exists(#since, :stamp) ADD #attempts :one",
		condition: "attribute_not_exists(#status) OR " +
			"(#status = :inprogress AND #until > :now AND (#deadline <= :now OR #owner = :owner))",
		names:  names(attrOwner, attrDeadline, attrExpires, attrUntil, attrStatus, attrSince, attrAttempts),
		values: values(item{}),
	}
	// What has expired is as good as gone, though the TTL may be days late.
	restart := change{
		key:       k,
		update:    set + "#since = :stamp, #attempts = :one REMOVE #phase, #result",
		condition: "#until <= :now",
		names:     names(attrOwner, attrDeadline, attrExpires, attrUntil, attrStatus, attrSince, attrAttempts, attrPhase, attrResult),
		values:    values(item{}),
	}
	for attempt := 1; ; attempt++ {
		it, err := t.update(ctx, claim, types.ReturnValueAllNew)
		if err == nil {
			return workRecord(name, it), true, nil
		}
		old, refused := refusedItem(err)
		if !refused {
			return idempotency.Record{}, false, failed("claim work", err)
		}
		if getN(old, attrUntil) > millis(now) {
			return workRecord(name, old), false, nil
		}
		it, err = t.update(ctx, restart, types.ReturnValueAllNew)
		if err == nil {
			return workRecord(name, it), true, nil
		}
		if _, overtaken := refusedItem(err); !overtaken || attempt == maxTries {
			return idempotency.Record{}, false, failed("claim work", err)
		}
	}
}

func workRecord(name string, it item) idempotency.Record {
	r := idempotency.Record{
		Key: name, Owner: getS(it, attrOwner), Phase: getS(it, attrPhase), Since: parseStamp(getS(it, attrSince)),
		Attempts: int(getN(it, attrAttempts)), Done: getS(it, attrStatus) == statusCompleted,
		Expires: time.UnixMilli(getN(it, attrUntil)).UTC(),
	}
	if has(it, attrResult) {
		r.Result = json.RawMessage(getS(it, attrResult))
	}
	if ms := getN(it, attrDeadline); ms != 0 {
		r.Deadline = time.UnixMilli(ms).UTC()
	}
	return r
}

// SaveWork marks a phase or completes a key; see idempotency.Store.
//
// Costs 1 WRU, more for results over 1 KB.
func (t *Table) SaveWork(ctx context.Context, r idempotency.Record) error {
	c := change{
		key:       workKey(r.Key),
		update:    "SET #phase = :phase, #status = :status",
		condition: "#owner = :owner AND #status = :inprogress",
		names:     names(attrPhase, attrStatus, attrOwner),
		values: item{":phase": str(r.Phase), ":owner": str(r.Owner), ":status": str(statusInProgress),
			":inprogress": str(statusInProgress)},
	}
	if r.Done {
		c.update += ", #result = :result"
		c.names["#result"] = attrResult
		c.values[":result"], c.values[":status"] = str(string(r.Result)), str(statusCompleted)
	}
	_, err := t.update(ctx, c, types.ReturnValueNone)
	if old, refused := refusedItem(err); refused {
		if r.Done && getS(old, attrOwner) == r.Owner && getS(old, attrStatus) == statusCompleted && getS(old, attrResult) == string(r.Result) {
			return nil // the SDK repeated a write whose answer got lost
		}
		return care.Errorf(care.Conflict, "the work belongs to another attempt by now")
	}
	return failed("save work", err)
}

// ReleaseWork gives a key back; see idempotency.Store.
//
// Costs 1 WRU.
func (t *Table) ReleaseWork(ctx context.Context, r idempotency.Record) error {
	k := workKey(r.Key)
	if err := k.check(); err != nil {
		return err
	}
	var err error
	if r.Phase == "" {
		condition := "#owner = :owner AND #status = :inprogress"
		_, err = t.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &t.name, Key: k.item(), ConditionExpression: &condition,
			ExpressionAttributeNames:  names(attrOwner, attrStatus),
			ExpressionAttributeValues: item{":owner": str(r.Owner), ":inprogress": str(statusInProgress)},
		})
	} else {
		_, err = t.update(ctx, change{
			key:       k,
			update:    "SET #deadline = :never REMOVE #owner",
			condition: "#owner = :owner AND #status = :inprogress",
			names:     names(attrDeadline, attrOwner, attrStatus),
			values:    item{":owner": str(r.Owner), ":never": num(0), ":inprogress": str(statusInProgress)},
		}, types.ReturnValueNone)
	}
	if _, refused := refusedItem(err); refused {
		return care.Errorf(care.Conflict, "the work belongs to another attempt by now")
	}
	return failed("release work", err)
}
