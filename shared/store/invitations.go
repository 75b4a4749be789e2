package store

import (
	"context"
	"sort"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// dayFormat names a day (UTC) in keys.
const dayFormat = "2006-01-02"

// ReserveInvitation notes that an invitation is about to be decided. An id is
// reserved once: the second caller gets what is stored, and created is false.
// Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) ReserveInvitation(ctx context.Context, i care.Invitation) (stored care.Invitation, created bool, err error) {
	if i.ID == "" || i.Customer == "" {
		return care.Invitation{}, false, care.Errorf(care.Invalid, "an invitation needs an id and a customer")
	}
	if i.At.IsZero() {
		i.At = t.clock()
	}
	doc, err := encode(i)
	if err != nil {
		return care.Invitation{}, false, err
	}
	there, created, err := t.create(ctx, invitationKey(i.Customer, i.ID), item{attrDoc: doc, attrDay: str(i.At.UTC().Format(dayFormat))})
	if err != nil {
		return care.Invitation{}, false, failed("reserve an invitation", err)
	}
	return stored, created, decode(there, attrDoc, &stored)
}

// SaveInvitation stores what became of an invitation, in the customer's list
// and in the ledger of its day: the day (UTC) of its reservation or, if it was
// never reserved, of its At. Errors: Invalid, Throttled, Unavailable.
//
// Costs 2 WRU.
func (t *Table) SaveInvitation(ctx context.Context, i care.Invitation) error {
	if i.ID == "" || i.Customer == "" {
		return care.Errorf(care.Invalid, "an invitation needs an id and a customer")
	}
	if i.At.IsZero() {
		i.At = t.clock()
	}
	doc, err := encode(i)
	if err != nil {
		return err
	}
	there, err := t.update(ctx, change{
		key:    invitationKey(i.Customer, i.ID),
		update: "SET #doc = :doc, #day = if_not_exists(#day, :day)",
		names:  names(attrDoc, attrDay),
		values: item{":doc": doc, ":day": str(i.At.UTC().Format(dayFormat))},
	}, types.ReturnValueAllNew)
	if err != nil {
		return failed("save an invitation", err)
	}
	_, err = t.update(ctx, change{
		key:    invitationDayKey(getS(there, attrDay), i.ID),
		update: "SET #doc = :doc",
		names:  names(attrDoc),
		values: item{":doc": doc},
	}, types.ReturnValueNone)
	return failed("save an invitation", err)
}

// Invitations lists a customer's invitations, newest first, reserved ones
// included. Errors: Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB (about 8).
func (t *Table) Invitations(ctx context.Context, customer care.CustomerID) ([]care.Invitation, error) {
	if customer == "" {
		return nil, nil
	}
	return t.invitations(ctx, customerKey(customer).pk, prefixInvitation)
}

// InvitationsOfDay lists what was sent and withheld on a day (UTC,
// "2026-03-01"), newest first. Errors: Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB (about 8).
func (t *Table) InvitationsOfDay(ctx context.Context, day string) ([]care.Invitation, error) {
	return t.invitations(ctx, invitationDayKey(day, "").pk, "")
}

func (t *Table) invitations(ctx context.Context, pk, prefix string) ([]care.Invitation, error) {
	q := prefixQuery(pk, prefix)
	if prefix == "" { // begins_with takes no empty prefix
		condition := "#pk = :pk"
		q.KeyConditionExpression, q.ExpressionAttributeNames = &condition, names(attrPK)
		delete(q.ExpressionAttributeValues, ":prefix")
	}
	items, err := t.queryAll(ctx, q, 0)
	if err != nil {
		return nil, failed("list invitations", err)
	}
	list := make([]care.Invitation, len(items))
	for n, it := range items {
		if err := decode(it, attrDoc, &list[n]); err != nil {
			return nil, err
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].At.After(list[j].At) })
	return list, nil
}
