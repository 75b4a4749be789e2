// Command webhook takes what platforms push: X and Meta webhooks.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/webhook"
)

func main() {
	h, err := webhook.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(h)
}
