package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	mrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// client is the part of *dynamodb.Client that the store uses.
type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Table is Fielder's memory. It is safe for concurrent use.
type Table struct {
	api   client
	name  string
	clock func() time.Time
}

// New returns the table called name. clock says what time it is (time.Now in
// production); leases, locks and caps run out by it.
func New(api client, name string, clock func() time.Time) *Table {
	return &Table{api: api, name: name, clock: clock}
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func getS(it item, attr string) string {
	if v, ok := it[attr].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func getN(it item, attr string) int64 {
	if v, ok := it[attr].(*types.AttributeValueMemberN); ok {
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

func has(it item, attr string) bool { _, ok := it[attr]; return ok }

func (k key) item() item { return item{attrPK: str(k.pk), attrSK: str(k.sk)} }

func keyOf(it item) key { return key{getS(it, attrPK), getS(it, attrSK)} }

// encode writes a value as a JSON document.
func encode(v any) (types.AttributeValue, error) {
	b, err := json.Marshal(v)
	if err != nil { // a NaN or an infinity
		return nil, care.Errorf(care.Invalid, "a value cannot be stored: %w", err)
	}
	return str(string(b)), nil
}

// decode reads a JSON document; a missing attribute leaves v as it is.
func decode(it item, attr string, v any) error {
	s := getS(it, attr)
	if s == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return care.Errorf(care.Internal, "the stored %s cannot be read: %w", attr, err)
	}
	return nil
}

// same compares two values as they would be stored, so that a time's zone
// pointer or an empty list in place of none makes no difference.
func same(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

// get reads one item, strongly consistent: 1 RRU per 4 KB (also when nothing is
// there). It returns nil when there is no such item.
func (t *Table) get(ctx context.Context, k key) (item, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	consistent := true
	out, err := t.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: k.item(), ConsistentRead: &consistent})
	if err != nil {
		return nil, failed("read", err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// getAll reads many items, strongly consistent, in as few round trips as the
// limit of 100 keys per request allows. Absent items are absent from the map.
func (t *Table) getAll(ctx context.Context, keys []key) (map[key]item, error) {
	found := make(map[key]item, len(keys))
	pending := make([]item, 0, len(keys))
	seen := make(map[key]bool, len(keys))
	for _, k := range keys {
		if err := k.check(); err != nil {
			return nil, err
		}
		if !seen[k] { // BatchGetItem refuses duplicates
			seen[k] = true
			pending = append(pending, k.item())
		}
	}
	consistent := true
	for attempt := 0; len(pending) > 0; {
		n := min(len(pending), 100)
		out, err := t.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			t.name: {Keys: pending[:n], ConsistentRead: &consistent},
		}})
		if err != nil {
			return nil, failed("read a batch", err)
		}
		for _, it := range out.Responses[t.name] {
			found[keyOf(it)] = it
		}
		left := out.UnprocessedKeys[t.name].Keys
		pending = append(left, pending[n:]...)
		if len(left) > 0 {
			attempt++
			if attempt > maxTries {
				return nil, care.Errorf(care.Throttled, "read a batch: DynamoDB left keys unprocessed %d times", attempt)
			}
			if err := backOff(ctx, attempt); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// change is an UpdateItem or, inside a transaction, an Update.
type change struct {
	key       key
	update    string
	condition string
	names     map[string]string
	values    item
}

// names maps placeholders to attributes; every expression of this package names
// its attributes "#attribute", so that no reserved word can get in the way.
func names(attrs ...string) map[string]string {
	m := make(map[string]string, len(attrs))
	for _, a := range attrs {
		m["#"+a] = a
	}
	return m
}

// update runs a change. The returned item is what ret asks for. A refused
// condition comes back as the SDK's own error, see refusedItem.
func (t *Table) update(ctx context.Context, c change, ret types.ReturnValue) (item, error) {
	if err := c.key.check(); err != nil {
		return nil, err
	}
	in := &dynamodb.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 c.key.item(),
		UpdateExpression:                    &c.update,
		ExpressionAttributeNames:            c.names,
		ExpressionAttributeValues:           c.values,
		ReturnValues:                        ret,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if c.condition != "" {
		in.ConditionExpression = &c.condition
	}
	out, err := t.api.UpdateItem(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// create puts an item unless its key is taken; then it returns what is there,
// and created is false. The SDK repeats a request whose answer got lost, and
// the repeat then meets its own item: the token tells.
func (t *Table) create(ctx context.Context, k key, it item) (there item, created bool, err error) {
	if err := k.check(); err != nil {
		return nil, false, err
	}
	it[attrPK], it[attrSK] = str(k.pk), str(k.sk)
	token := newToken()
	it[attrWrote] = str(token)
	condition := "attribute_not_exists(#pk)"
	_, err = t.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.name, Item: it,
		ConditionExpression: &condition, ExpressionAttributeNames: names(attrPK),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if old, refused := refusedItem(err); refused {
		if getS(old, attrWrote) == token {
			return it, true, nil
		}
		return old, false, nil
	}
	if err != nil {
		return nil, false, failed("write", err)
	}
	return it, true, nil
}

// queryAll reads every page of a query, or at most limit items when limit > 0.
func (t *Table) queryAll(ctx context.Context, in *dynamodb.QueryInput, limit int) ([]item, error) {
	in.TableName = &t.name
	var items []item
	for {
		if limit > 0 {
			n := int32(limit - len(items))
			in.Limit = &n
		}
		out, err := t.api.Query(ctx, in)
		if err != nil {
			return nil, failed("query", err)
		}
		items = append(items, out.Items...)
		if len(out.LastEvaluatedKey) == 0 || limit > 0 && len(items) >= limit {
			return items, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// prefixQuery selects the items of one partition whose sort key begins with
// prefix, strongly consistent.
func prefixQuery(pk, prefix string) *dynamodb.QueryInput {
	condition, consistent := "#pk = :pk AND begins_with(#sk, :prefix)", true
	return &dynamodb.QueryInput{
		KeyConditionExpression:    &condition,
		ExpressionAttributeNames:  names(attrPK, attrSK),
		ExpressionAttributeValues: item{":pk": str(pk), ":prefix": str(prefix)},
		ConsistentRead:            &consistent,
	}
}

// maxTries bounds optimistic retries: with full jitter, 32 writers of one item
// all get through (see the conformance suite).
const maxTries = 12

// backOff waits a random time below 10 ms * 2^attempt, at most 400 ms.
func backOff(ctx context.Context, attempt int) error {
	limit := min(10*time.Millisecond<<attempt, 400*time.Millisecond)
	timer := time.NewTimer(mrand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return failed("wait", ctx.Err())
	}
}

// newToken marks one attempt at a write.
func newToken() string { return rand.Text()[:12] }

func millis(t time.Time) int64 { return t.UnixMilli() }
