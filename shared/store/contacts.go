package store

import (
	"context"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// contactLife is how long a contact's link is kept: an Amazon Connect task lives
// at most 90 days (StartTaskContact, contact expiry).
const contactLife = 91 * 24 * time.Hour

// LinkContact remembers whom an Amazon Connect contact is about. Linking the
// same contact again replaces the link. Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) LinkContact(ctx context.Context, contact string, link care.ContactLink) error {
	if contact == "" {
		return care.Errorf(care.Invalid, "a link needs a contact")
	}
	doc, err := encode(link)
	if err != nil {
		return err
	}
	_, err = t.update(ctx, change{
		key:    contactKey(contact),
		update: "SET #doc = :doc, #expires = :expires",
		names:  names(attrDoc, attrExpires),
		values: item{":doc": doc, ":expires": num(t.clock().Add(contactLife).Unix())},
	}, "NONE")
	return failed("link a contact", err)
}

// ContactLink says whom a contact is about. Errors: NotFound, Throttled,
// Unavailable.
//
// Costs 1 RRU.
func (t *Table) ContactLink(ctx context.Context, contact string) (care.ContactLink, error) {
	var link care.ContactLink
	if contact == "" {
		return link, care.Errorf(care.NotFound, "no contact named")
	}
	it, err := t.get(ctx, contactKey(contact))
	if err != nil {
		return link, err
	}
	if it == nil {
		return link, care.Errorf(care.NotFound, "the contact is not one of ours")
	}
	return link, decode(it, attrDoc, &link)
}
