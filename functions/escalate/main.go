// Command escalate hands conversations to agents and keeps their clocks.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/escalate"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := escalate.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
