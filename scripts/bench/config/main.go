// Command config is the start-up baseline of triage: it builds
// the AppConfig client and does nothing else.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"

	"github.com/fielder-care/fielder/scripts/bench/base"
)

func main() {
	cfg := base.Config()
	base.Serve(appconfigdata.NewFromConfig(cfg))
}
