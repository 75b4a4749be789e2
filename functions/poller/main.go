// Command poller reads the platforms that do not push: Mastodon and Bluesky.
package main

import (
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/fielder-care/fielder/shared/app/poller"
	"github.com/fielder-care/fielder/shared/telemetry"
)

func main() {
	h, err := poller.New()
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartHandlerFunc(telemetry.Wrap(h))
}
