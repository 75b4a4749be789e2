// Command send is the one door out.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/send"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := send.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
