// Command worker is the function of the local stack's tests: one binary that
// does what its payload says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// request is a payload; an event of the bus has it in its detail, a request of
// the HTTP API has it in its body or path.
type request struct {
	Do     string          `json:"do"`
	Key    string          `json:"key"`
	Text   string          `json:"text"`
	N      int             `json:"n"`
	Token  string          `json:"token"`
	Detail json.RawMessage `json:"detail"`

	ConfigurationVersion string `json:"configurationVersion"` // AppConfig asks about Content
	Content              []byte `json:"content"`

	RequestContext *struct{ HTTP struct{ Method, Path string } } `json:"requestContext"`
}

var instance = time.Now().UnixNano() // tells one process from another

func main() {
	if os.Getenv("BROKEN") != "" {
		panic("this function cannot start")
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	if r.ConfigurationVersion != "" {
		if strings.Contains(string(r.Content), "13") && !strings.Contains(string(r.Content), "brand") {
			return nil, errors.New("thirteen is bad luck")
		}
		return nil, nil
	}
	if r.RequestContext != nil {
		return answerHTTP(ctx, r, raw)
	}
	if r.Do == "" && len(r.Detail) > 0 {
		if err := json.Unmarshal(r.Detail, &r); err != nil {
			return nil, err
		}
	}
	lc, _ := lambdacontext.FromContext(ctx)
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).Info("worked", "do", r.Do, "key", r.Key, "requestId", lc.AwsRequestID)
	return do(ctx, r, raw)
}

func do(ctx context.Context, r request, raw json.RawMessage) (any, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	table := os.Getenv("TABLE")
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: r.Key}, "sk": &types.AttributeValueMemberS{Value: "x"}}
	switch r.Do {
	case "echo":
		return map[string]any{"instance": instance, "got": raw}, nil
	case "environment":
		deadline, _ := ctx.Deadline()
		return map[string]any{"function": lambdacontext.FunctionName, "memory": lambdacontext.MemoryLimitInMB, "home": os.Getenv("FROM_TEMPLATE"),
			"leak": os.Getenv("LOCAL_TEST_SECRET"), "seconds": time.Until(deadline).Seconds(), "now": now()}, nil
	case "fail":
		return nil, messages.InvokeResponse_Error{Type: "Throttled", Message: "on purpose"}
	case "panic":
		panic("on purpose")
	case "crash":
		os.Exit(3)
	case "metric": // embedded metric format, without dimensions
		fmt.Printf(`{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"Test","Dimensions":[[]],"Metrics":[{"Name":%q}]}]},%q:%d}`+"\n", r.Text, r.Text, r.N)
		return nil, nil
	case "sleep":
		time.Sleep(time.Duration(r.N) * time.Millisecond)
		return "awake", nil
	case "put":
		_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: key})
		return "put", err
	case "claim": // idempotent: a second claim by the same text is the first
		client := dynamodb.NewFromConfig(cfg)
		condition := "attribute_not_exists(pk) OR #o = :o"
		item := map[string]types.AttributeValue{"pk": key["pk"], "sk": key["sk"], "owner": &types.AttributeValueMemberS{Value: r.Text}}
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item, ConditionExpression: &condition,
			ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: map[string]types.AttributeValue{":o": item["owner"]}})
		if err != nil {
			return nil, err
		}
		_, err = eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entry("Claimed", `{"key":"`+r.Key+`"}`)}})
		return "claimed", err
	case "scan":
		_, err := dynamodb.NewFromConfig(cfg).Scan(ctx, &dynamodb.ScanInput{TableName: &table})
		return nil, plain(err)
	case "transact":
		_, err := dynamodb.NewFromConfig(cfg).TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: &table, Item: key}},
			{Delete: &types.Delete{TableName: &table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "other"}, "sk": key["sk"]}}}}})
		return nil, plain(err)
	case "publish":
		out, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
			entry("Good", r.Text), entry("Bad", "not JSON"), entry("", "{}")}})
		if err != nil {
			return nil, err
		}
		var codes []string
		for _, e := range out.Entries {
			code := "ok"
			if e.ErrorCode != nil {
				code = *e.ErrorCode
			}
			codes = append(codes, code)
		}
		return map[string]any{"failed": out.FailedEntryCount, "codes": codes}, nil
	case "keep-token":
		_, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
			"pk": key["pk"], "sk": key["sk"], "token": &types.AttributeValueMemberS{Value: r.Token}}})
		return nil, err
	case "give-token":
		out, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key})
		if err != nil {
			return nil, err
		}
		token, ok := out.Item["token"].(*types.AttributeValueMemberS)
		if !ok {
			return nil, errors.New("no token is kept")
		}
		_, err = sfn.NewFromConfig(cfg).SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token.Value, Output: &r.Text})
		return nil, plain(err)
	case "secret":
		id := os.Getenv("SECRET")
		out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			return nil, plain(err)
		}
		return *out.SecretString, nil
	case "configuration":
		parts := strings.Split(os.Getenv("CONFIG"), "/")
		client := appconfigdata.NewFromConfig(cfg)
		session, err := client.StartConfigurationSession(ctx, &appconfigdata.StartConfigurationSessionInput{ApplicationIdentifier: &parts[0], EnvironmentIdentifier: &parts[1], ConfigurationProfileIdentifier: &parts[2]})
		if err != nil {
			return nil, plain(err)
		}
		first, err := client.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: session.InitialConfigurationToken})
		if err != nil {
			return nil, plain(err)
		}
		second, err := client.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: first.NextPollConfigurationToken})
		if err != nil {
			return nil, plain(err)
		}
		return []string{string(first.Configuration), string(second.Configuration)}, nil
	case "queue":
		url := os.Getenv("QUEUE")
		_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &r.Text})
		return "sent", plain(err)
	case "task":
		instance, flow, name := "10ca1000-0000-4000-8000-000000000001", r.Text, "task"
		out, err := connect.NewFromConfig(cfg).StartTaskContact(ctx, &connect.StartTaskContactInput{InstanceId: &instance, ContactFlowId: &flow, Name: &name})
		if err != nil {
			return nil, plain(err)
		}
		return *out.ContactId, nil
	}
	return nil, fmt.Errorf("do %q?", r.Do)
}

// plain makes an error a result, so that a test reads its text without retries.
func plain(err error) error {
	if err == nil {
		return nil
	}
	return messages.InvokeResponse_Error{Type: "Refused", Message: err.Error()}
}

func entry(kind, detail string) ebtypes.PutEventsRequestEntry {
	source, bus := "test.worker", os.Getenv("BUS")
	e := ebtypes.PutEventsRequestEntry{Source: &source, Detail: &detail, EventBusName: &bus}
	if kind != "" {
		e.DetailType = &kind
	}
	return e
}

// now is the time that the stack's clock gives its functions.
func now() time.Time {
	data, err := os.ReadFile(os.Getenv("FIELDER_CLOCK_FILE"))
	if err != nil {
		return time.Now()
	}
	offset, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(offset))
}

func answerHTTP(ctx context.Context, r request, raw json.RawMessage) (any, error) {
	switch r.RequestContext.HTTP.Path {
	case "/fail":
		return nil, errors.New("on purpose")
	case "/plain":
		return map[string]string{"plain": "json"}, nil
	case "/slow":
		time.Sleep(time.Second)
	}
	return map[string]any{"statusCode": 201, "headers": map[string]string{"content-type": "application/json", "x-worker": "yes"}, "body": string(raw)}, nil
}
