// Command door is the start-up baseline of panel: it builds the AppConfig,
// DynamoDB, EventBridge, Lambda and Step Functions clients and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(appconfigdata.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), lambda.NewFromConfig(cfg), sfn.NewFromConfig(cfg))
}
