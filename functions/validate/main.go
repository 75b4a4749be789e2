// Command validate judges a config bundle before AppConfig rolls it out.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/validate"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := validate.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
