package store_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/idempotency"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/store/storetest"
)

// meter asks the engine what every request costs, and adds it up.
type meter struct {
	*dynamodb.Client
	mu            sync.Mutex
	reads, writes float64
	trips         int
}

func (m *meter) read(c ...types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips++
	for _, c := range c {
		if c.CapacityUnits != nil {
			m.reads += *c.CapacityUnits
		}
	}
}

func (m *meter) write(c ...types.ConsumedCapacity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips++
	for _, c := range c {
		if c.CapacityUnits != nil {
			m.writes += *c.CapacityUnits
		}
	}
}

func one(c *types.ConsumedCapacity) types.ConsumedCapacity {
	if c == nil {
		return types.ConsumedCapacity{}
	}
	return *c
}

func (m *meter) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.GetItem(ctx, in, o...)
	if err == nil {
		m.read(one(out.ConsumedCapacity))
	}
	return out, err
}

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.Query(ctx, in, o...)
	if err == nil {
		m.read(one(out.ConsumedCapacity))
	}
	return out, err
}

func (m *meter) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.BatchGetItem(ctx, in, o...)
	if err == nil {
		m.read(out.ConsumedCapacity...)
	}
	return out, err
}

func (m *meter) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.PutItem(ctx, in, o...)
	if err == nil {
		m.write(one(out.ConsumedCapacity))
	}
	return out, err
}

func (m *meter) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.UpdateItem(ctx, in, o...)
	if err == nil {
		m.write(one(out.ConsumedCapacity))
	}
	return out, err
}

func (m *meter) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, o ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.DeleteItem(ctx, in, o...)
	if err == nil {
		m.write(one(out.ConsumedCapacity))
	}
	return out, err
}

func (m *meter) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.TransactWriteItems(ctx, in, o...)
	if err == nil {
		m.write(out.ConsumedCapacity...)
	}
	return out, err
}

// TestCost holds the methods to the units that their comments state, as the
// engine counts them. It is what the cost of a million posts rests on.
func TestCost(t *testing.T) {
	ctx := context.Background()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	endpoint, stop, err := dynamo.StartDynoxide(ctx, "") // which counts as AWS does
	if err != nil && os.Getenv(dynamo.EndpointEnv) != "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	client := storetest.Client(endpoint, nil)
	m := &meter{Client: client}
	table := store.New(m, storetest.CreateTable(t, client), func() time.Time { return noon })
	post := care.Post{Platform: care.X, NativeID: "9001", Account: "7001001", Kind: care.KindMention,
		Author: care.Author{ID: "2222", Handle: "bill_reads", Name: "Bill"}, Text: "@VeloriaCare my VeloBox is dead since Monday, can anyone help?",
		Thread: "9001", Addressed: true, CreatedAt: noon, ReceivedAt: noon}
	identity := care.Identity{Scheme: "x", Value: "2222", Handle: "bill_reads", Linked: noon}
	conversation := care.Conversation{Customer: "cus_1", Thread: post.ThreadKey(), Platform: care.X, State: care.StateOpen, Opened: noon, Last: noon}
	var con care.ConversationID
	plan := care.Plan{Action: care.ActionEscalate, Rule: "outage", ConfigVersion: "1", Reasons: []care.Reason{{By: "rule:outage", Text: "It reports an outage."}}}
	keeper := idempotency.New(table, func() time.Time { return noon })
	var attempt *idempotency.Attempt
	for _, c := range []struct {
		name          string
		run           func() error
		reads, writes float64
		trips         int // requests, those at once counted one by one
	}{
		{"ClaimPost", func() error { _, err := table.ClaimPost(ctx, post, "cor"); return err }, 0, 2, 1},
		{"Find, nobody", func() error {
			_, _, err := table.Find(ctx, identity, care.Identity{Scheme: "x-handle", Value: "bill_reads"})
			return err
		}, 2, 0, 1},
		{"EnsureProspect", func() error { _, _, err := table.EnsureProspect(ctx, identity, care.Customer{ID: "cus_1"}); return err }, 0, 4, 1},
		{"Find, known", func() error {
			_, _, err := table.Find(ctx, identity, care.Identity{Scheme: "x-handle", Value: "bill_reads"})
			return err
		}, 3, 0, 2},
		{"CustomerByIdentity", func() error { _, _, err := table.CustomerByIdentity(ctx, "x", "2222"); return err }, 2, 0, 2},
		{"UpdateCustomer", func() error {
			_, err := table.UpdateCustomer(ctx, "cus_1", func(c *care.Customer) error { c.Lang = "en"; return nil })
			return err
		}, 1, 1, 2},
		{"EnsureConversation, new", func() error {
			c, _, err := table.EnsureConversation(ctx, post.ThreadKey(), conversation)
			con = c.ID
			return err
		}, 1, 2, 3},
		{"EnsureConversation, known", func() error { _, _, err := table.EnsureConversation(ctx, post.ThreadKey(), conversation); return err }, 1, 0, 1},
		{"UpdateConversation", func() error {
			_, err := table.UpdateConversation(ctx, con, func(c *care.Conversation) error { c.Episode++; return nil })
			return err
		}, 1, 1, 2},
		{"PutInteraction", func() error {
			return table.PutInteraction(ctx, care.Interaction{ID: "x:9001", Kind: care.InteractionPost, Customer: "cus_1", At: noon, Text: post.Text})
		}, 0, 2, 2},
		{"SavePlan", func() error { _, _, err := table.SavePlan(ctx, post.ID(), plan, nil); return err }, 0, 1, 1},
		{"Decide", func() error {
			return table.Decide(ctx, care.Decision{Post: post.ID(), Outcome: care.OutcomeEscalated, At: noon})
		}, 0, 2, 1},
		{"Post", func() error { _, err := table.Post(ctx, post.ID()); return err }, 1, 0, 1},
		{"Timeline", func() error { _, _, err := table.Timeline(ctx, "cus_1", 20, ""); return err }, 1, 0, 1},
		{"OpenConversations", func() error { _, err := table.OpenConversations(ctx, "cus_1"); return err }, 2, 0, 2},
		{"Lock", func() error { return table.Lock(ctx, "con", "me", noon.Add(time.Minute)) }, 0, 1, 1},
		{"Unlock", func() error { return table.Unlock(ctx, "con", "me") }, 0, 1, 1},
		{"LeaseCursor", func() error { _, err := table.LeaseCursor(ctx, "c", "me", noon.Add(time.Minute)); return err }, 0, 1, 1},
		{"MoveCursor", func() error { return table.MoveCursor(ctx, "c", "me", "1") }, 0, 1, 1},
		{"Take", func() error {
			_, err := table.Take(ctx, "t", []care.Cap{{Name: "c", Bucket: "b", Amount: 1, Limit: 1}, {Name: "d", Bucket: "b", Amount: 1, Limit: 1}}, noon.Add(time.Hour))
			return err
		}, 0, 6, 1},
		{"CountStorm", func() error { return table.CountStorm(ctx, "outage", noon) }, 0, 1, 1},
		{"Storm", func() error { _, err := table.Storm(ctx, "outage", noon, time.Hour); return err }, 2, 0, 4},
		{"ReserveInvitation", func() error {
			_, _, err := table.ReserveInvitation(ctx, care.Invitation{ID: "i", Customer: "cus_1", At: noon})
			return err
		}, 0, 1, 1},
		{"SaveInvitation", func() error { return table.SaveInvitation(ctx, care.Invitation{ID: "i", Customer: "cus_1", At: noon}) }, 0, 2, 2},
		{"Count", func() error { return table.Count(ctx, "2026-03-01", "received", 1) }, 0, 1, 1},
		{"Begin", func() (err error) { attempt, err = keeper.Begin(ctx, "reply:x:9001"); return err }, 0, 1, 1},
		{"Mark", func() error { return attempt.Mark(ctx, "sending") }, 0, 1, 1},
		{"Complete", func() error { return attempt.Complete(ctx, care.Sent{NativeID: "1"}) }, 0, 1, 1},
	} {
		m.reads, m.writes, m.trips = 0, 0, 0
		if err := c.run(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, want := fmt.Sprintf("%g RRU, %g WRU, %d requests", m.reads, m.writes, m.trips),
			fmt.Sprintf("%g RRU, %g WRU, %d requests", c.reads, c.writes, c.trips); got != want {
			t.Errorf("%s costs %s, want %s", c.name, got, want)
		}
	}
}
