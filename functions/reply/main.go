// Command reply evaluates the business rules and plans the answer.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/reply"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := reply.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
