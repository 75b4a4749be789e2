package store

import (
	"context"
	mrand "math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// counterLife is how long a day's counters are kept.
const counterLife = 400 * 24 * time.Hour

// Count adds n to a named counter of a day (UTC, "2026-03-01"). It is for
// figures on a dashboard: a repeat inside the SDK may count twice, so what must
// be exact is counted from decisions. Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) Count(ctx context.Context, day, name string, n int64) error {
	date, err := time.Parse(dayFormat, day)
	if err != nil || name == "" {
		return care.Errorf(care.Invalid, "a counter needs a name and a day like 2026-03-01")
	}
	_, err = t.update(ctx, change{
		key:    key{counterPK(day, mrand.IntN(counterShards)), name},
		update: "SET #expires = :expires ADD #n :n",
		names:  names(attrExpires, attrN),
		values: item{":n": num(n), ":expires": num(date.Add(counterLife).Unix())},
	}, types.ReturnValueNone)
	return failed("count", err)
}

// Counters reads all counters of a day. Errors: Throttled, Unavailable.
//
// Costs 8 queries of 0.5 RRU per 4 KB.
func (t *Table) Counters(ctx context.Context, day string) (map[string]int64, error) {
	pages := make([][]item, counterShards)
	err := parallel(counterShards, func(shard int) (err error) {
		condition := "#pk = :pk"
		pages[shard], err = t.queryAll(ctx, &dynamodb.QueryInput{
			KeyConditionExpression: &condition, ExpressionAttributeNames: names(attrPK),
			ExpressionAttributeValues: item{":pk": str(counterPK(day, shard))},
		}, 0)
		return err
	})
	if err != nil {
		return nil, failed("read counters", err)
	}
	counters := make(map[string]int64)
	for _, page := range pages {
		for _, it := range page {
			counters[getS(it, attrSK)] += getN(it, attrN)
		}
	}
	return counters, nil
}
