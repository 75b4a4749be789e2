// Command parked is the start-up baseline of ledger: it builds
// the AppConfig, DynamoDB, EventBridge and SQS clients and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(appconfigdata.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg))
}
