// Command edge is the start-up baseline of webhook, poller and send: it builds
// the AppConfig, DynamoDB, EventBridge and Secrets Manager clients and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(appconfigdata.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), secretsmanager.NewFromConfig(cfg))
}
