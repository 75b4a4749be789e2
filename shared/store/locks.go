package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// Holder is the cause of a Busy error: who has the lock or lease, and until
// when. errors.As finds it.
type Holder struct {
	Owner string
	Until time.Time
}

func (h *Holder) Error() string { return "held until " + h.Until.UTC().Format(time.RFC3339) }

func busy(what string, old item) error {
	return care.Errorf(care.Busy, "%s: %w", what, &Holder{Owner: getS(old, attrOwner), Until: time.UnixMilli(getN(old, attrUntil)).UTC()})
}

// grace is how long after its end the TTL removes an item that nobody needs any
// more; until then it explains what happened.
const grace = 24 * time.Hour

// take is the change that makes owner the holder of a lock or lease that is
// free, has run out, or is the owner's already.
func (t *Table) take(k key, owner string, until time.Time) change {
	return change{
		key:       k,
		update:    "SET #owner = :owner, #until = :until",
		condition: "attribute_not_exists(#owner) OR #until <= :now OR #owner = :owner",
		names:     names(attrOwner, attrUntil),
		values:    item{":owner": str(owner), ":until": num(millis(until)), ":now": num(millis(t.clock()))},
	}
}

// Lock takes a named lock until a time, for whoever calls itself owner; the
// owner may take it again to hold it longer. A lock that ran out is free; its
// former owner must not rely on it, so until should be later than anything the
// owner may still do. Errors: Busy (with a *Holder), Invalid, Throttled,
// Unavailable.
//
// Costs 1 WRU.
func (t *Table) Lock(ctx context.Context, name, owner string, until time.Time) error {
	if owner == "" || !until.After(t.clock()) {
		return care.Errorf(care.Invalid, "a lock needs an owner and an end in the future")
	}
	c := t.take(lockKey(name), owner, until)
	c.update += ", #expires = :expires"
	c.names["#expires"] = attrExpires
	c.values[":expires"] = num(until.Add(grace).Unix())
	_, err := t.update(ctx, c, types.ReturnValueNone)
	if old, refused := refusedItem(err); refused {
		return busy("the lock is taken", old)
	}
	return failed("take a lock", err)
}

// Unlock gives a lock back. A lock that nobody has is fine. Errors: Conflict
// (it ran out and someone else has it now), Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) Unlock(ctx context.Context, name, owner string) error {
	k, condition := lockKey(name), "attribute_not_exists(#owner) OR #owner = :owner"
	if err := k.check(); err != nil {
		return err
	}
	_, err := t.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: k.item(), ConditionExpression: &condition,
		ExpressionAttributeNames: names(attrOwner), ExpressionAttributeValues: item{":owner": str(owner)},
	})
	if _, refused := refusedItem(err); refused {
		return care.Errorf(care.Conflict, "the lock ran out and belongs to someone else now")
	}
	return failed("give a lock back", err)
}

// LeaseCursor makes owner the only one to move a cursor until a time, and
// returns where it stands, "" when it never moved. Errors: Busy (with a
// *Holder), Invalid, Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) LeaseCursor(ctx context.Context, name, owner string, until time.Time) (cursor string, err error) {
	if owner == "" || !until.After(t.clock()) {
		return "", care.Errorf(care.Invalid, "a lease needs an owner and an end in the future")
	}
	there, err := t.update(ctx, t.take(cursorKey(name), owner, until), types.ReturnValueAllNew)
	if old, refused := refusedItem(err); refused {
		return "", busy("the cursor is leased", old)
	}
	if err != nil {
		return "", failed("lease a cursor", err)
	}
	return getS(there, attrCursor), nil
}

// MoveCursor stores where the cursor stands now. Only the holder of the lease
// may, also after its end as long as nobody else took it. Errors: Conflict
// (the lease is someone else's), Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) MoveCursor(ctx context.Context, name, owner, cursor string) error {
	_, err := t.update(ctx, change{
		key:       cursorKey(name),
		update:    "SET #cursor = :cursor",
		condition: "#owner = :owner",
		names:     names(attrCursor, attrOwner),
		values:    item{":cursor": str(cursor), ":owner": str(owner)},
	}, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return care.Errorf(care.Conflict, "the lease of the cursor was lost")
	}
	return failed("move a cursor", err)
}

// ReleaseCursor ends a lease; the cursor stays where it is. A lease that nobody
// has is fine. Errors: Conflict (the lease is someone else's), Throttled,
// Unavailable.
//
// Costs 1 WRU.
func (t *Table) ReleaseCursor(ctx context.Context, name, owner string) error {
	_, err := t.update(ctx, change{
		key:       cursorKey(name),
		update:    "REMOVE #owner, #until",
		condition: "attribute_not_exists(#owner) OR #owner = :owner",
		names:     names(attrOwner, attrUntil),
		values:    item{":owner": str(owner)},
	}, types.ReturnValueNone)
	if _, refused := refusedItem(err); refused {
		return care.Errorf(care.Conflict, "the lease of the cursor was lost")
	}
	return failed("release a cursor", err)
}
