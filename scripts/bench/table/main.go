// Command table is the start-up baseline of match: it builds
// the DynamoDB client and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(dynamodb.NewFromConfig(cfg))
}
