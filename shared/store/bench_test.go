package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
	"github.com/fielder-care/fielder/shared/store/storetest"
)

var counter atomic.Int64

// BenchmarkStore measures round trips to the local engine: what the SDK and our
// encoding cost, not what DynamoDB takes.
func BenchmarkStore(b *testing.B) {
	ctx := context.Background()
	table := storetest.Open(b, time.Now)
	next := func() care.Post {
		id := fmt.Sprint(counter.Add(1))
		return care.Post{Platform: care.X, NativeID: id, Account: "7001001", Kind: care.KindMention, Author: care.Author{ID: "a" + id, Handle: "bill_reads"},
			Text: "@VeloriaCare my VeloBox is dead since Monday, can anyone help?", Thread: id, CreatedAt: time.Now(), ReceivedAt: time.Now()}
	}
	known := next()
	if _, err := table.ClaimPost(ctx, known, ""); err != nil {
		b.Fatal(err)
	}
	service := match.New(table, table, table, table)
	triage := care.Triage{Relevance: care.RelevanceAddressed, Complaint: true}
	if _, err := service.Match(ctx, known, triage); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"claim", func() error { _, err := table.ClaimPost(ctx, next(), "cor"); return err }},
		{"claim-duplicate", func() error { _, err := table.ClaimPost(ctx, known, "cor"); return err }},
		{"read-post", func() error { _, err := table.Post(ctx, known.ID()); return err }},
		{"timeline", func() error { _, _, err := table.Timeline(ctx, "cus_nobody", 20, ""); return err }},
		{"match-new-author", func() error { _, err := service.Match(ctx, next(), triage); return err }},
		{"match-known-author", func() error { _, err := service.Match(ctx, known, triage); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
