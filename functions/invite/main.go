// Command invite invites customers to stay in touch, or withholds it.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/invite"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := invite.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
