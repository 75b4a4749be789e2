// Command send is the one door out.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := app.Send()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
