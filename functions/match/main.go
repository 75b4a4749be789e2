// Command match finds whose post it is and which conversation it belongs to.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/match"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := match.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
