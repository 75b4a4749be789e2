// Package bundles joins the source of the config bundle with what a function
// tells about itself. It is apart from app because the function that needs no
// config must not pay for AppConfig's client at its start.
package bundles

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"

	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New makes the source of "<application>/<environment>/<profile>". A version that
// the function cannot read counts as ConfigRefused, over all functions too: the
// alarm on it takes the version back while it still rolls out.
func New(cfg aws.Config, path string) *appconfig.Source {
	return appconfig.New(appconfigdata.NewFromConfig(cfg), path, func(ctx context.Context) {
		telemetry.CountStage(ctx, "ConfigRefused", 1)
	})
}
