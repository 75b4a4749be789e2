// Command triage looks at a post: relevance, language, sentiment, intent, severity, priority.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/triage"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := triage.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
