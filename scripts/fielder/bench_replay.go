package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/shared/app/replay"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/triage"
)

// What a replay of 100,000 posts on two cores is held to.
const (
	replayTarget = 60 * time.Second
	replayMemory = 300 << 20 // bytes
)

// replayAuthors write the posts of the benchmark.
const replayAuthors = 20_000

// benchReplay fills a table with posts as they are stored and replays them
// against a draft: the deployed rules with every third one switched off.
func benchReplay(ctx context.Context, posts int, out io.Writer) error {
	endpoint, stop, err := dynamo.Start(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}})
	bundle, err := config.Default()
	if err != nil {
		return err
	}
	began := time.Now()
	until := began.UTC().Truncate(time.Hour)
	since := until.Add(-30 * 24 * time.Hour)
	name, err := fillReplay(ctx, client, bundle, posts, since, until)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nReplay of stored posts against a draft (%s posts, stored in %.0f s)\n", thousands(float64(posts)), time.Since(began).Seconds())

	draft := *bundle
	draft.Rules = slices.Clone(bundle.Rules)
	for i := 0; i < len(draft.Rules); i += 3 {
		draft.Rules[i].Enabled = new(bool)
	}
	peak := watchMemory()
	began = time.Now()
	report, err := replay.Run(ctx, store.NewArchive(client, name), replay.Options{
		Sweep: store.Sweep{Since: since, Until: until, Segments: 1}, Draft: &draft, Samples: 10})
	took := time.Since(began)
	if err != nil {
		return err
	}
	if report.Posts != posts {
		return fmt.Errorf("%d posts were replayed, %d are stored", report.Posts, posts)
	}
	fmt.Fprintf(out, "  time       %6.1f s   target %2.0f s    %s   engine, reading and deciding on the same cores\n", took.Seconds(), replayTarget.Seconds(), verdict(took <= replayTarget))
	if bytes := peak(); bytes > 0 {
		fmt.Fprintf(out, "  memory     %6d MB  target %3d MB  %s   peak of this process; it does not grow with the posts\n", bytes>>20, replayMemory>>20, verdict(bytes <= replayMemory))
	}
	fmt.Fprintf(out, "  read       %s items, %s read request units\n", thousands(float64(report.Read.Items)), thousands(report.Read.Units))
	fmt.Fprintf(out, "  changed    %s posts\n", thousands(float64(report.Changed)))
	return nil
}

// fillReplay stores posts made of the config's own examples: one of each kind
// through the store, the others as copies of its items.
func fillReplay(ctx context.Context, client *dynamodb.Client, b *config.Bundle, posts int, since, until time.Time) (string, error) {
	name := "fielder-bench"
	if err := createTable(ctx, client, name); err != nil {
		return "", err
	}
	table := store.New(client, name, func() time.Time { return since })
	triager := triage.New(b.Brand, b.Routing)
	var kinds []map[string]types.AttributeValue
	for i, t := range b.Tests {
		id := fmt.Sprintf("native%04d", i)
		p := care.Post{Platform: t.Given.Platform, NativeID: id, Account: "1", Kind: care.KindMention, Private: t.Given.Private, Text: t.Given.Text, Thread: id,
			Addressed: !t.Given.NotAddressed, Author: care.Author{ID: "author-id", Handle: "author_handle", Name: "Somebody"}, CreatedAt: since, ReceivedAt: since}
		in := reply.In{Post: p, Triage: triager.Triage(p), Now: since, Bundle: b}
		if in.Triage.Relevance == care.RelevanceChatter {
			continue
		}
		in.Match.Customer.ID, in.Match.Conversation.ID = "cus_1", "con_1"
		plan := reply.Decide(in)
		plan.Seen = &care.Seen{At: since, Customer: "cus_1", Conversation: "con_1"}
		if _, err := table.ClaimPost(ctx, p, "bench"); err != nil {
			return "", err
		}
		if _, _, err := table.SavePlan(ctx, p.ID(), plan, &in.Triage); err != nil {
			return "", err
		}
		outcome := map[care.Action]care.Outcome{care.ActionAnswer: care.OutcomeAnswered, care.ActionWatch: care.OutcomeRecorded}[plan.Action]
		if outcome == "" {
			outcome = care.OutcomeEscalated
		}
		if err := table.Decide(ctx, care.Decision{Post: p.ID(), Outcome: outcome, At: since, Reasons: slices.Concat(in.Triage.Reasons, plan.Reasons)}); err != nil {
			return "", err
		}
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return "", err
			}
			for _, item := range page.Items {
				kinds = append(kinds, item)
				if _, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &name, Key: map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]}}); err != nil {
					return "", err
				}
			}
		}
	}
	if len(kinds) == 0 {
		return "", errors.New("the config has no examples to make posts of")
	}
	return name, copies(ctx, client, name, kinds, posts, since, until)
}

// copies writes posts that differ in their ids, authors and times.
func copies(ctx context.Context, client *dynamodb.Client, name string, kinds []map[string]types.AttributeValue, posts int, since, until time.Time) error {
	const batch, atOnce = 25, 8 // 25 is the most that BatchWriteItem takes
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	slots := make(chan struct{}, atOnce)
	for first := 0; first < posts && ctx.Err() == nil; first += batch {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			var writes []types.WriteRequest
			for i := first; i < min(first+batch, posts); i++ {
				at := since.Add(until.Sub(since) / time.Duration(posts) * time.Duration(i))
				writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: copyPost(kinds[i%len(kinds)], i, since, at)}})
			}
			for len(writes) > 0 {
				res, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: writes}})
				if err != nil {
					once.Do(func() { failed = err })
					return
				}
				writes = res.UnprocessedItems[name]
			}
		})
	}
	wg.Wait()
	return errors.Join(failed, ctx.Err())
}

// copyPost is a stored post under another id, by another author, at another time.
func copyPost(item map[string]types.AttributeValue, i int, since, at time.Time) map[string]types.AttributeValue {
	pk := item["pk"].(*types.AttributeValueMemberS).Value
	const stamp = "2006-01-02T15:04:05.000000000Z"
	r := strings.NewReplacer(pk[strings.LastIndex(pk, ":")+1:], strconv.Itoa(2090000000000000000+i),
		"author-id", strconv.Itoa(5000+i%replayAuthors), "cus_1", "cus_"+strconv.Itoa(i%replayAuthors),
		since.Format(stamp), at.Format(stamp), since.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano))
	out := make(map[string]types.AttributeValue, len(item))
	for k, v := range item {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			v = &types.AttributeValueMemberS{Value: r.Replace(s.Value)}
		}
		out[k] = v
	}
	return out
}

// createTable makes a table as the stack defines it.
func createTable(ctx context.Context, client *dynamodb.Client, name string) error {
	keys := func(pk, sk string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange}}
	}
	var attributes []types.AttributeDefinition
	for _, a := range []string{"pk", "sk", "gsi1pk", "gsi1sk"} {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: aws.String(a), AttributeType: types.ScalarAttributeTypeS})
	}
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keys("pk", "sk"),
		AttributeDefinitions: attributes, GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String(store.Index),
			KeySchema: keys("gsi1pk", "gsi1sk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}}})
	if err != nil {
		return err
	}
	return dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second)
}

// watchMemory begins to watch this process's memory; the function that it returns
// says the most that it has had since, in bytes, or 0 where the system does not
// tell (only Linux does).
func watchMemory() func() uint64 {
	debug.FreeOSMemory()
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil { // resets VmHWM: proc(5)
		return func() uint64 { return 0 }
	}
	return func() uint64 {
		raw, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return 0
		}
		_, rest, _ := strings.Cut(string(raw), "VmHWM:")
		kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		n, err := strconv.ParseUint(kb, 10, 64)
		if err != nil {
			return 0
		}
		return n << 10
	}
}
