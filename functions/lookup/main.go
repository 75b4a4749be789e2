// Command lookup tells a contact flow who is calling.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/lookup"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := lookup.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
