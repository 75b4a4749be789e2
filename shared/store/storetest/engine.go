// Package storetest holds the conformance suite of the store: what every
// DynamoDB engine that Fielder runs on must do, among it the races between
// processes. It also opens tables for the tests of other packages.
package storetest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/shared/store"
)

// Client returns a client of the engine at an endpoint. transport may be nil.
func Client(endpoint string, transport http.RoundTripper) *dynamodb.Client {
	if transport == nil {
		transport = sharedTransport()
	}
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: transport},
	})
}

// sharedTransport keeps enough connections open for the suite's races.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
	}).GetTransport()
})

var tables atomic.Int64

// CreateTable makes a table as the stack defines it, and returns its name.
func CreateTable(tb testing.TB, client *dynamodb.Client) string {
	tb.Helper()
	name := fmt.Sprintf("fielder-test-%d-%d", time.Now().UnixNano(), tables.Add(1))
	text := types.ScalarAttributeTypeS
	keys := func(pk, sk string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &pk, KeyType: types.KeyTypeHash},
			{AttributeName: &sk, KeyType: types.KeyTypeRange},
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keys("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: text}, {AttributeName: aws.String("sk"), AttributeType: text},
			{AttributeName: aws.String("gsi1pk"), AttributeType: text}, {AttributeName: aws.String("gsi1sk"), AttributeType: text},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(store.Index), KeySchema: keys("gsi1pk", "gsi1sk"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		tb.Fatalf("create table: %v", err)
	}
	if err := dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second); err != nil {
		tb.Fatalf("wait for table: %v", err)
	}
	tb.Cleanup(func() {
		// The engine is thrown away in the end, or its tables are its owner's.
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
	})
	return name
}

// engine is the default engine, while any test uses it.
var engine struct {
	sync.Mutex
	users    int
	endpoint string
	stop     func()
}

// Endpoint returns where the default engine is. Tests that run at the same time
// share one; it ends with the last of them.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	engine.Lock()
	defer engine.Unlock()
	if engine.users == 0 {
		var err error
		if engine.endpoint, engine.stop, err = dynamo.Start(context.Background(), ""); err != nil {
			tb.Fatal(err)
		}
	}
	engine.users++
	tb.Cleanup(func() {
		engine.Lock()
		defer engine.Unlock()
		if engine.users--; engine.users == 0 {
			engine.stop()
		}
	})
	return engine.endpoint
}

// Open returns a new table on the default engine, for tests of what is built on
// the store.
func Open(tb testing.TB, clock func() time.Time) *store.Table {
	tb.Helper()
	client := Client(Endpoint(tb), nil)
	return store.New(client, CreateTable(tb, client), clock)
}

// losing loses the answer to the first request for an operation after arm: the
// engine does the work, and the caller is told that the connection broke.
type losing struct {
	next      http.RoundTripper
	operation atomic.Pointer[string]
	lost      atomic.Int64
}

func (l *losing) arm(operation string) { l.operation.Store(&operation) }

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	op := l.operation.Load()
	if err != nil || op == nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+*op) || !l.operation.CompareAndSwap(op, nil) {
		return res, err
	}
	res.Body.Close()
	l.lost.Add(1)
	return nil, fmt.Errorf("the connection broke after the request")
}
