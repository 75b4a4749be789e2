package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// What the API lets through, in requests per second. A webhook request carries
// one to a thousand items; platforms deliver again what they got a 429 for.
const (
	apiRate  = 200
	apiBurst = 400
)

// routes are the API's that platforms call, all answered by webhook.
var routes = map[string][]awsapigatewayv2.HttpMethod{
	"/webhooks/x":    {awsapigatewayv2.HttpMethod_GET, awsapigatewayv2.HttpMethod_POST},
	"/webhooks/meta": {awsapigatewayv2.HttpMethod_GET, awsapigatewayv2.HttpMethod_POST},
	"/health":        {awsapigatewayv2.HttpMethod_GET},
}

// panelRoutes are the ones that agents call, all answered by panel;
// events/panel.openapi.json describes them.
var panelRoutes = []struct {
	path   string
	method awsapigatewayv2.HttpMethod
}{
	{"/panel/drafts", awsapigatewayv2.HttpMethod_GET},
	{"/panel/drafts/{id}", awsapigatewayv2.HttpMethod_GET},
	{"/panel/drafts/{id}/approve", awsapigatewayv2.HttpMethod_POST},
	{"/panel/drafts/{id}/reject", awsapigatewayv2.HttpMethod_POST},
}

// newAPI makes the HTTP API. Of platforms it authorises nobody itself: webhook
// checks each one's signature over the raw bytes. Agents come with a token of the
// deployment's identity provider, which the API checks; without a provider there
// are no routes for them.
func newAPI(scope constructs.Construct, o Options, f functions) awsapigatewayv2.HttpStage {
	api := awsapigatewayv2.NewHttpApi(scope, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:            jsii.String(o.name()),
		Description:        jsii.String("What platforms push, and what agents do"),
		CreateDefaultStage: jsii.Bool(false),
	})
	integration := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Webhook"), f[webhook], nil)
	for _, path := range []string{"/webhooks/x", "/webhooks/meta", "/health"} {
		methods := routes[path]
		api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
			Path: jsii.String(path), Methods: &methods, Integration: integration,
		})
	}
	if o.Panel.Issuer != "" {
		authorizer := awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Agents"), jsii.String(o.Panel.Issuer),
			&awsapigatewayv2authorizers.HttpJwtAuthorizerProps{
				AuthorizerName: jsii.String("agents"),
				JwtAudience:    jsii.Strings(o.Panel.Audience),
			})
		integration := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String("Panel"), f[panel], nil)
		for _, r := range panelRoutes {
			api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
				Path: jsii.String(r.path), Methods: &[]awsapigatewayv2.HttpMethod{r.method}, Integration: integration, Authorizer: authorizer,
			})
		}
	}
	stage := awsapigatewayv2.NewHttpStage(scope, jsii.String("ApiStage"), &awsapigatewayv2.HttpStageProps{
		HttpApi:    api,
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		Throttle: &awsapigatewayv2.ThrottleSettings{
			RateLimit: jsii.Number(apiRate), BurstLimit: jsii.Number(apiBurst),
		},
	})
	logs := awslogs.NewLogGroup(scope, jsii.String("ApiLogs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/vendedlogs/api/" + o.name()),
		Retention:     o.Stage.Retention,
		RemovalPolicy: o.Stage.Removal,
	})
	// No address, no query string: Meta's handshake carries its token there.
	format, err := json.Marshal(map[string]string{
		"requestId": "$context.requestId",
		"time":      "$context.requestTimeEpoch",
		"route":     "$context.routeKey",
		"status":    "$context.status",
		"bytes":     "$context.responseLength",
		"latency":   "$context.responseLatency",
		"error":     "$context.integrationErrorMessage",
	})
	if err != nil {
		panic(err) // strings only
	}
	stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetAccessLogSettings(&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: logs.LogGroupArn(), Format: jsii.String(string(format)),
	})
	output(scope, "ApiUrl", api.ApiEndpoint(), "where platforms push to")
	return stage
}
