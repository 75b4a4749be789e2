// Command ledger finds posts without a decision, and applies edits and deletions.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/ledger"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := ledger.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
