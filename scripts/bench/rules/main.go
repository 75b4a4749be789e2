// Command rules is the start-up baseline of reply and lookup: it builds
// the AppConfig and DynamoDB clients and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(appconfigdata.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg))
}
