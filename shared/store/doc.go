// Package store keeps everything that Fielder remembers in one DynamoDB table:
// posts and their decisions, customers and identities, conversations,
// timelines, locks, cursors, caps, invitations, counters and idempotency
// claims. keys.go describes the table, item by item.
//
// Every write that can race is conditional, so that callers in different
// processes need no other coordination. Errors are care.Errors: see errors.go
// for how DynamoDB's exceptions map to codes.
//
// Each method's comment states what it costs. WRU and RRU are DynamoDB's
// on-demand write and read request units (1 KB written, 4 KB read strongly
// consistent; $0.625 and $0.125 per million in us-east-1); the figures assume
// items of at most 1 KB unless they say otherwise. A refused conditional write
// costs as much as one that succeeds.
package store
