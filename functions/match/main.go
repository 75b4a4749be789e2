// Command match finds whose post it is and which conversation it belongs to.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := app.Match()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
