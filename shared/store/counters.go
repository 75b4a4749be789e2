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

// maxStorm bounds how far back a storm is looked for, and with it what one look
// reads: a counter per minute and shard.
const maxStorm = 24 * time.Hour

// minuteFormat names a minute (UTC) in keys; it sorts as time does.
const minuteFormat = "2006-01-02T15:04"

// CountStorm notes a post about an intent at a time. Like Count it may count a
// repeat twice. Errors: Invalid, Throttled, Unavailable.
//
// Costs 1 WRU.
func (t *Table) CountStorm(ctx context.Context, intent string, now time.Time) error {
	if intent == "" {
		return care.Errorf(care.Invalid, "a storm is about an intent")
	}
	_, err := t.update(ctx, change{
		key:    key{stormPK(intent, mrand.IntN(stormShards)), now.UTC().Format(minuteFormat)},
		update: "SET #expires = :expires ADD #n :one",
		names:  names(attrExpires, attrN),
		values: item{":one": num(1), ":expires": num(now.Add(maxStorm + time.Hour).Unix())},
	}, types.ReturnValueNone)
	return failed("count a storm", err)
}

// Storm says how many posts about an intent came within a time up to now, the
// minute in which it begins included; more than 24 hours back nothing is counted.
// What was counted in the last second may be missing. Errors: Throttled,
// Unavailable.
//
// Costs 4 queries of 0.5 RRU per 4 KB, which is about an hour.
func (t *Table) Storm(ctx context.Context, intent string, now time.Time, within time.Duration) (int, error) {
	from := now.Add(-min(within, maxStorm)).UTC().Format(minuteFormat)
	counts := make([]int64, stormShards)
	err := parallel(stormShards, func(shard int) error {
		condition := "#pk = :pk AND #sk BETWEEN :from AND :to"
		items, err := t.queryAll(ctx, &dynamodb.QueryInput{
			KeyConditionExpression: &condition, ExpressionAttributeNames: names(attrPK, attrSK),
			ExpressionAttributeValues: item{":pk": str(stormPK(intent, shard)), ":from": str(from), ":to": str(now.UTC().Format(minuteFormat))},
		}, 0)
		for _, it := range items {
			counts[shard] += getN(it, attrN)
		}
		return err
	})
	if err != nil {
		return 0, failed("count a storm's posts", err)
	}
	n := 0
	for _, c := range counts {
		n += int(c)
	}
	return n, nil
}
