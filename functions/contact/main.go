// Command contact brings Amazon Connect contacts into the timeline.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := app.Contact()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
