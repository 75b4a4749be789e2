// Command contact brings Amazon Connect contacts into the timeline.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/contact"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := contact.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
