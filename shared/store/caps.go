package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// maxCaps is how many caps one Take may ask for; each costs two units.
const maxCaps = 8

// Take takes from all of up to 8 caps or, when one of them has too little left,
// from none; full is then the name of the first such one. The same taker takes
// once: asking again finds what it took, also when the caps are full by now or
// have other limits, until expires. A taker that was turned away has taken
// nothing and may ask again.
//
// A cap's bucket is the period that it counts (a day, say), and is forgotten at
// expires, as is the taker; a bucket whose period may come again before that must
// be named otherwise.
//
// Takers of one bucket get in each other's way: a transaction that meets another
// is tried again up to 12 times. Errors: Invalid, Busy (still in the way),
// Throttled, Unavailable.
//
// Costs 2 WRU for the taker and 2 per cap, also when it is turned away.
func (t *Table) Take(ctx context.Context, taker string, caps []care.Cap, expires time.Time) (full string, err error) {
	now := t.clock()
	if err := checkCaps(taker, caps, expires, now); err != nil {
		return "", err
	}
	if len(caps) == 0 {
		return "", nil
	}
	restart := make([]bool, len(caps)) // its time is over; the TTL may be days late
	for attempt := 1; ; attempt++ {
		refused, err := t.transact(ctx, t.takeActions(taker, caps, restart, expires, now))
		if err == nil {
			return "", nil
		}
		if _, taken := refused[0]; taken {
			return "", nil
		}
		again := care.CodeOf(err) == care.Busy || care.CodeOf(err) == care.Throttled
		for n, c := range caps {
			old, no := refused[n+1]
			switch {
			case !no:
			case restart[n]: // it has been started anew, or is gone
				restart[n], again = false, true
			case has(old, attrExpires) && getN(old, attrExpires) <= now.Unix() && c.Amount <= c.Limit:
				restart[n], again = true, true
			case full == "":
				full = c.Name
			}
		}
		switch {
		case full != "":
			return full, nil
		case !again:
			return "", err
		case attempt == maxTries && care.CodeOf(err) == care.Conflict:
			return "", care.Errorf(care.Busy, "take from caps: others were faster %d times", attempt)
		case attempt == maxTries:
			return "", err
		}
		if err := backOff(ctx, attempt); err != nil {
			return "", err
		}
	}
}

// takeActions is the transaction: the taker first, then the caps in their order.
func (t *Table) takeActions(taker string, caps []care.Cap, restart []bool, expires, now time.Time) []types.TransactWriteItem {
	once := change{
		key:       takerKey(taker),
		update:    "SET #expires = :expires",
		condition: "attribute_not_exists(#expires) OR #expires <= :now",
		names:     names(attrExpires),
		values:    item{":expires": num(expires.Unix()), ":now": num(now.Unix())},
	}
	actions := []types.TransactWriteItem{t.updateAction(once)}
	for n, c := range caps {
		take := change{
			key:       capKey(c.Name, c.Bucket),
			update:    "SET #expires = :expires ADD #used :amount",
			condition: "#used <= :room AND #expires > :now",
			names:     names(attrExpires, attrUsed),
			values: item{":expires": num(expires.Unix()), ":now": num(now.Unix()), ":amount": num(c.Amount),
				":room": num(c.Limit - c.Amount)},
		}
		switch {
		case restart[n]:
			take.update, take.condition = "SET #expires = :expires, #used = :amount", "#expires <= :now"
			delete(take.values, ":room")
		case c.Amount <= c.Limit: // else not even an empty bucket has room
			take.condition = "attribute_not_exists(#used) OR (" + take.condition + ")"
		}
		actions = append(actions, t.updateAction(take))
	}
	return actions
}

func checkCaps(taker string, caps []care.Cap, expires, now time.Time) error {
	if !expires.After(now) {
		return care.Errorf(care.Invalid, "what is taken must expire in the future")
	}
	if len(caps) > maxCaps {
		return care.Errorf(care.Invalid, "%d caps at once are more than the %d that fit", len(caps), maxCaps)
	}
	if err := takerKey(taker).check(); err != nil {
		return err
	}
	seen := make(map[key]bool, len(caps))
	for _, c := range caps {
		k := capKey(c.Name, c.Bucket)
		if err := k.check(); err != nil {
			return err
		}
		if seen[k] || c.Amount < 1 {
			return care.Errorf(care.Invalid, "a cap is asked for once, and for at least 1 of it")
		}
		seen[k] = true
	}
	return nil
}

// updateAction is a change inside a transaction.
func (t *Table) updateAction(c change) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.name, Key: c.key.item(), UpdateExpression: &c.update, ConditionExpression: &c.condition,
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}
