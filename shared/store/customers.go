package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// A customer's item lists its identities, so that one read shows both; the
// IDENTITY items find the customer from outside. Both change in one
// transaction, conditional on the customer's version and on each identity's
// owner.

// mostIdentities bounds a customer's identities: a transaction has 100 actions,
// and taking one over from a prospect needs two.
const mostIdentities = 40

// Identity finds whose platform account, phone number or e-mail address this
// is. Errors: NotFound, Invalid, Throttled, Unavailable.
//
// Costs 1 RRU.
func (t *Table) Identity(ctx context.Context, scheme, value string) (care.Identity, error) {
	it, err := t.get(ctx, identityKey(scheme, value))
	if err != nil {
		return care.Identity{}, failed("read an identity", err)
	}
	if it == nil {
		return care.Identity{}, care.Errorf(care.NotFound, "no customer has this %s identity", scheme)
	}
	return identity(it)
}

func identity(it item) (i care.Identity, err error) { return i, decode(it, attrDoc, &i) }

// Customer reads a customer. Errors: NotFound, Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) Customer(ctx context.Context, id care.CustomerID) (care.Customer, error) {
	c, _, err := t.CustomerRecord(ctx, id)
	return c, err
}

// CustomerRecord reads a customer with all its identities. Errors: NotFound,
// Throttled, Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) CustomerRecord(ctx context.Context, id care.CustomerID) (care.Customer, []care.Identity, error) {
	it, err := t.get(ctx, customerKey(id))
	if err != nil {
		return care.Customer{}, nil, failed("read a customer", err)
	}
	if it == nil {
		return care.Customer{}, nil, care.Errorf(care.NotFound, "customer %s is not known", id)
	}
	return customer(it)
}

func customer(it item) (c care.Customer, ids []care.Identity, err error) {
	if err = decode(it, attrDoc, &c); err != nil {
		return c, nil, err
	}
	c.Version = int(getN(it, attrVersion))
	return c, ids, decode(it, attrIdentities, &ids)
}

// Identities lists a customer's identities. Errors: NotFound, Throttled,
// Unavailable.
//
// Costs 1 RRU per 4 KB.
func (t *Table) Identities(ctx context.Context, id care.CustomerID) ([]care.Identity, error) {
	_, ids, err := t.CustomerRecord(ctx, id)
	return ids, err
}

// CustomerByIdentity finds a customer by one of its identities, in two reads.
// Errors: NotFound, Invalid, Throttled, Unavailable.
//
// Costs 2 RRU in 2 round trips.
func (t *Table) CustomerByIdentity(ctx context.Context, scheme, value string) (care.Customer, care.Identity, error) {
	i, err := t.Identity(ctx, scheme, value)
	if err != nil {
		return care.Customer{}, care.Identity{}, err
	}
	c, err := t.Customer(ctx, i.Customer)
	return c, i, err
}

// Find looks several identities up at once; only Scheme and Value of keys are
// read. What nobody has is left out of found; owners holds the customers of
// those found. Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 RRU per key and 1 per customer, in 2 round trips at most.
func (t *Table) Find(ctx context.Context, keys ...care.Identity) (found []care.Identity, owners map[care.CustomerID]care.Customer, err error) {
	want := make([]key, len(keys))
	for n, k := range keys {
		want[n] = identityKey(k.Scheme, k.Value)
	}
	items, err := t.getAll(ctx, want)
	if err != nil {
		return nil, nil, failed("look identities up", err)
	}
	owners = make(map[care.CustomerID]care.Customer)
	var customers []key
	for _, k := range want {
		it, ok := items[k]
		if !ok {
			continue
		}
		i, err := identity(it)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, i)
		customers = append(customers, customerKey(i.Customer))
	}
	if len(customers) == 0 {
		return nil, owners, nil
	}
	if items, err = t.getAll(ctx, customers); err != nil {
		return nil, nil, failed("look identities up", err)
	}
	for _, it := range items {
		c, _, err := customer(it)
		if err != nil {
			return nil, nil, err
		}
		owners[c.ID] = c
	}
	return found, owners, nil
}

// EnsureProspect makes a prospect of an author whom nobody knows. When the
// identity has an owner already, it returns that customer, and created is
// false; of any number of callers at once, one creates. Errors: Invalid,
// Conflict or Busy (lost several races, try again), Throttled, Unavailable.
//
// Costs 4 WRU (two items in a transaction); 4 WRU and 2 RRU when known.
func (t *Table) EnsureProspect(ctx context.Context, identity care.Identity, prospect care.Customer) (c care.Customer, created bool, err error) {
	if prospect.ID == "" || identity.Scheme == "" || identity.Value == "" {
		return care.Customer{}, false, care.Errorf(care.Invalid, "a prospect needs an id and an identity")
	}
	prospect.Prospect, prospect.Version = true, 1
	identity.Customer = prospect.ID
	for attempt := 1; ; attempt++ {
		actions, err := t.ownerActions(prospect, 0, []care.Identity{identity})
		if err != nil {
			return care.Customer{}, false, err
		}
		actions = append(actions, t.claimIdentity(identity, ""))
		if actions[1].Put.Item[attrDoc], err = encode(identity); err != nil {
			return care.Customer{}, false, err
		}
		refused, err := t.transact(ctx, actions)
		switch {
		case err == nil:
			return prospect, true, nil
		case refused == nil && care.CodeOf(err) != care.Busy:
			return care.Customer{}, false, failed("create a prospect", err)
		}
		c, _, lookup := t.CustomerByIdentity(ctx, identity.Scheme, identity.Value)
		if lookup == nil {
			return c, false, nil
		}
		if care.CodeOf(lookup) != care.NotFound {
			return care.Customer{}, false, lookup
		}
		if _, there := refused[0]; there {
			// The prospect exists and lost this identity earlier: give it back.
			if err := t.LinkIdentity(ctx, identity, ""); err != nil {
				return care.Customer{}, false, err
			}
			c, err := t.Customer(ctx, prospect.ID)
			return c, false, err
		}
		if attempt == maxTries {
			return care.Customer{}, false, failed("create a prospect", err)
		}
		if err := backOff(ctx, attempt); err != nil {
			return care.Customer{}, false, err
		}
	}
}

// PutCustomer makes a customer and all its identities what they are given as;
// identities that it had and that are not given are unlinked. c.Version must be
// the version read before (0 for a new customer). Identities of prospects are
// taken over; refused lists those that stay with another known customer (whose
// id is in them). Errors: Conflict (the customer was changed meanwhile), Invalid
// (too many identities), Busy, Throttled, Unavailable.
//
// Costs 1 RRU and 2 WRU for the customer and 2 for each identity that changes,
// nothing is written when nothing changes; an identity taken over costs 2 WRU
// and 1 RRU more.
func (t *Table) PutCustomer(ctx context.Context, c care.Customer, identities []care.Identity) (refused []care.Identity, err error) {
	return t.putCustomer(ctx, c, identities, false, func(owner care.Customer) bool { return owner.Prospect })
}

// LinkIdentity links an identity to identity.Customer, who must exist. from is
// its present owner, "" when it has none. Linking it again is the way to change
// its grade or evidence. Errors: NotFound (no such customer), Conflict (the
// identity belongs to someone else than from), Invalid, Busy, Throttled,
// Unavailable.
//
// Costs 2 RRU and 4 WRU; 1 RRU and 2 WRU more when it had another owner.
func (t *Table) LinkIdentity(ctx context.Context, identity care.Identity, from care.CustomerID) error {
	for attempt := 1; ; attempt++ {
		c, list, err := t.CustomerRecord(ctx, identity.Customer)
		if err != nil {
			return err
		}
		kept := make([]care.Identity, 0, len(list)+1)
		for _, i := range list {
			if i.Scheme != identity.Scheme || i.Value != identity.Value {
				kept = append(kept, i)
			}
		}
		refused, err := t.putCustomer(ctx, c, append(kept, identity), from != "", func(owner care.Customer) bool { return owner.ID == from })
		if len(refused) > 0 {
			return care.Errorf(care.Conflict, "the %s identity belongs to another customer by now", identity.Scheme)
		}
		if care.CodeOf(err) != care.Conflict || attempt == maxTries {
			return err
		}
		if err := backOff(ctx, attempt); err != nil {
			return err
		}
	}
}

// UpdateCustomer applies fn to a customer and stores the result, again when
// someone else was faster; so fn may run several times and must have no effects
// of its own. An error of fn ends it and is returned as it is. A fn that
// changes nothing writes nothing. Errors: NotFound, Conflict (lost 12 races),
// Throttled, Unavailable.
//
// Costs 1 RRU and 1 WRU per KB, per attempt.
func (t *Table) UpdateCustomer(ctx context.Context, id care.CustomerID, fn func(*care.Customer) error) (care.Customer, error) {
	for attempt := 1; ; attempt++ {
		before, err := t.Customer(ctx, id)
		if err != nil {
			return care.Customer{}, err
		}
		it, err := encode(before)
		if err != nil {
			return care.Customer{}, err
		}
		after, _, err := customer(item{attrDoc: it, attrVersion: num(before.Version)}) // a deep copy
		if err != nil {
			return care.Customer{}, err
		}
		if err := fn(&after); err != nil {
			return care.Customer{}, err
		}
		after.ID, after.Version = id, before.Version
		if same(before, after) {
			return before, nil
		}
		after.Version++
		err = t.replaceDoc(ctx, customerKey(id), after, before.Version, "", nil)
		if err == nil {
			return after, nil
		}
		if care.CodeOf(err) != care.Conflict || attempt == maxTries {
			return care.Customer{}, failed("update a customer", err)
		}
		if err := backOff(ctx, attempt); err != nil {
			return care.Customer{}, err
		}
	}
}

// replaceDoc stores version+1 of a versioned document. more and remove are
// further parts of the update, with values for more.
func (t *Table) replaceDoc(ctx context.Context, k key, doc any, version int, more string, values item) error {
	v, err := encode(doc)
	if err != nil {
		return err
	}
	token := newToken()
	c := change{
		key:       k,
		update:    "SET #doc = :doc, #version = :next, #wrote = :token" + more,
		condition: "#version = :version",
		names:     names(attrDoc, attrVersion, attrWrote),
		values:    item{":doc": v, ":next": num(version + 1), ":version": num(version), ":token": str(token)},
	}
	if more != "" {
		c.names["#gsi1pk"], c.names["#gsi1sk"] = attrGSI1PK, attrGSI1SK
	}
	for name, value := range values {
		c.values[name] = value
	}
	_, err = t.update(ctx, c, types.ReturnValueNone)
	if old, refused := refusedItem(err); refused && getS(old, attrWrote) == token {
		return nil // the SDK repeated a write whose answer got lost
	}
	return failed("write a document", err)
}

// putCustomer is PutCustomer; mayTake says whose identities may be taken over,
// and expectOwner that some have an owner.
func (t *Table) putCustomer(ctx context.Context, c care.Customer, identities []care.Identity, expectOwner bool, mayTake func(owner care.Customer) bool) (refused []care.Identity, err error) {
	if len(identities) > mostIdentities {
		return nil, care.Errorf(care.Invalid, "a customer has at most %d identities, not %d", mostIdentities, len(identities))
	}
	before, had, err := t.CustomerRecord(ctx, c.ID)
	fresh := care.CodeOf(err) == care.NotFound
	if err != nil && !fresh {
		return nil, err
	}
	if before.Version != c.Version {
		return nil, care.Errorf(care.Conflict, "the customer is at version %d by now, not %d", before.Version, c.Version)
	}
	want := make([]care.Identity, 0, len(identities))
	for _, i := range identities {
		i.Customer = c.ID
		want = append(without(want, i), i)
	}
	// owners are those from whom identities are taken.
	owners := make(map[key]owned)
	if expectOwner { // saves a transaction that would fail
		put, _ := diff(had, want)
		if want, refused, err = t.contest(ctx, c.ID, want, put, nil, owners, mayTake); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		put, drop := diff(had, want)
		if !fresh && len(put) == 0 && len(drop) == 0 && same(before, c) {
			return refused, nil
		}
		next := c
		next.Version++
		actions, err := t.ownerActions(next, c.Version, want)
		if err != nil {
			return nil, err
		}
		losing := make(map[care.CustomerID]owned)
		for _, i := range put {
			k := identityKey(i.Scheme, i.Value)
			if err := k.check(); err != nil {
				return nil, err
			}
			action := t.claimIdentity(i, owners[k].identity.Customer)
			if action.Put.Item[attrDoc], err = encode(i); err != nil {
				return nil, err
			}
			actions = append(actions, action)
			if o, taken := owners[k]; taken && o.customer.ID != "" {
				if earlier, ok := losing[o.customer.ID]; ok { // loses more than one
					o = earlier
				}
				o.list = without(o.list, i)
				losing[o.customer.ID] = o
			}
		}
		for _, i := range drop {
			k := identityKey(i.Scheme, i.Value)
			condition := "attribute_not_exists(#pk) OR #customer = :customer"
			actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &t.name, Key: k.item(), ConditionExpression: &condition,
				ExpressionAttributeNames:  names(attrPK, attrCustomer),
				ExpressionAttributeValues: item{":customer": str(string(c.ID))},
			}})
		}
		for _, o := range losing {
			owner := o.customer
			owner.Version++
			more, err := t.ownerActions(owner, o.customer.Version, o.list)
			if err != nil {
				return nil, err
			}
			actions = append(actions, more...)
		}
		failures, err := t.transact(ctx, actions)
		if err == nil {
			return refused, nil
		}
		if failures == nil && care.CodeOf(err) != care.Busy || attempt == maxTries {
			return nil, failed("write a customer", err)
		}
		if there, lost := failures[0]; lost {
			return nil, care.Errorf(care.Conflict, "the customer is at version %d by now, not %d", getN(there, attrVersion), c.Version)
		}
		// Someone else has some of the identities: see who, and go on without
		// those that may not be taken.
		clear(owners)
		if want, refused, err = t.contest(ctx, c.ID, want, put, refused, owners, mayTake); err != nil {
			return nil, err
		}
		if err := backOff(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// owned is an identity that another customer has, with all of that customer's
// identities. customer is zero when the owner no longer exists.
type owned struct {
	identity care.Identity
	customer care.Customer
	list     []care.Identity
}

// contest looks up who has the identities that are to be put. It fills owners
// with those that may be taken, and moves the others from want to refused.
func (t *Table) contest(ctx context.Context, id care.CustomerID, want, put, refused []care.Identity, owners map[key]owned,
	mayTake func(care.Customer) bool) (left, nowRefused []care.Identity, err error) {
	for _, i := range put {
		there, err := t.Identity(ctx, i.Scheme, i.Value)
		if care.CodeOf(err) == care.NotFound || err == nil && there.Customer == id {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		o := owned{identity: there}
		o.customer, o.list, err = t.CustomerRecord(ctx, there.Customer)
		switch {
		case care.CodeOf(err) == care.NotFound: // erased half-way: nobody's
			o.customer = care.Customer{}
		case err != nil:
			return nil, nil, err
		case !mayTake(o.customer):
			want = without(want, i)
			refused = append(refused, there)
			continue
		}
		owners[identityKey(i.Scheme, i.Value)] = o
	}
	return want, refused, nil
}

// ownerActions writes a customer with its identities, on condition that its
// version is as it was (0: it was not there).
func (t *Table) ownerActions(c care.Customer, version int, identities []care.Identity) ([]types.TransactWriteItem, error) {
	k := customerKey(c.ID)
	if err := k.check(); err != nil {
		return nil, err
	}
	doc, err := encode(c)
	if err != nil {
		return nil, err
	}
	list, err := encode(identities)
	if err != nil {
		return nil, err
	}
	it := k.item()
	it[attrDoc], it[attrIdentities], it[attrVersion] = doc, list, num(version+1)
	put := &types.Put{
		TableName: &t.name, Item: it,
		ExpressionAttributeNames:            names(attrPK),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	condition := "attribute_not_exists(#pk)"
	if version > 0 {
		condition = "#version = :version"
		put.ExpressionAttributeNames = names(attrVersion)
		put.ExpressionAttributeValues = item{":version": num(version)}
	}
	put.ConditionExpression = &condition
	return []types.TransactWriteItem{{Put: put}}, nil
}

// claimIdentity writes an identity (its document is still missing) on condition
// that nobody, its own customer or from has it.
func (t *Table) claimIdentity(i care.Identity, from care.CustomerID) types.TransactWriteItem {
	it := identityKey(i.Scheme, i.Value).item()
	it[attrCustomer] = str(string(i.Customer))
	condition := "attribute_not_exists(#pk) OR #customer = :customer OR #customer = :from"
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.name, Item: it, ConditionExpression: &condition,
		ExpressionAttributeNames:            names(attrPK, attrCustomer),
		ExpressionAttributeValues:           item{":customer": str(string(i.Customer)), ":from": str(string(from))},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// transact runs a transaction. When a condition was not met, refused holds the
// items that failed theirs, by the action's position.
func (t *Table) transact(ctx context.Context, actions []types.TransactWriteItem) (refused map[int]item, err error) {
	_, err = t.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for n, r := range cancelled.CancellationReasons {
			if deref(r.Code) == "ConditionalCheckFailed" {
				if refused == nil {
					refused = make(map[int]item)
				}
				refused[n] = r.Item
			}
		}
	}
	return refused, failed("transaction", err)
}

// diff says which identities must be written and which deleted.
func diff(had, want []care.Identity) (put, drop []care.Identity) {
	type name struct{ scheme, value string }
	old := make(map[name]care.Identity, len(had))
	for _, i := range had {
		old[name{i.Scheme, i.Value}] = i
	}
	for _, i := range want {
		k := name{i.Scheme, i.Value}
		if o, ok := old[k]; !ok || !same(o, i) {
			put = append(put, i)
		}
		delete(old, k)
	}
	for _, i := range had { // in order, so that repeats send equal requests
		if _, gone := old[name{i.Scheme, i.Value}]; gone {
			drop = append(drop, i)
		}
	}
	return put, drop
}

func without(list []care.Identity, i care.Identity) []care.Identity {
	kept := make([]care.Identity, 0, len(list))
	for _, o := range list {
		if o.Scheme != i.Scheme || o.Value != i.Value {
			kept = append(kept, o)
		}
	}
	return kept
}
