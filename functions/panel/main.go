// Command panel is the agent panel's API: drafts that wait for approval.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/panel"
)

func main() {
	h, err := panel.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(h)
}
