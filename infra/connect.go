package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsconnect"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/fielder-care/fielder/events/patterns"
)

// newConnect ties an Amazon Connect instance to Fielder: its contact events
// reach contact, and its flows may ask lookup. Without an instance there is
// nothing to do; escalations then wait in Fielder's own queues.
func newConnect(scope constructs.Construct, o Options, f functions, q queues) {
	if o.Connect.Instance == "" {
		return
	}
	instance := o.instanceARN(scope)
	scope = constructs.NewConstruct(scope, jsii.String("Connect"))

	// AWS services publish on the default bus; an account may have several
	// instances there, and their events name theirs among the resources.
	pattern := mustPattern(patterns.ContactEvent)
	pattern["resources"] = []*string{instance}
	rule(scope, "ContactRule", nil, pattern,
		"an agent took a contact, or it ended", functionTarget(f, contact, q))

	f[lookup].AddPermission(jsii.String("Connect"), &awslambda.Permission{
		Principal:     awsiam.NewServicePrincipal(jsii.String("connect.amazonaws.com"), nil),
		SourceArn:     instance,
		SourceAccount: awscdk.Aws_ACCOUNT_ID(),
	})
	awsconnect.NewCfnIntegrationAssociation(scope, jsii.String("LookupInFlows"), &awsconnect.CfnIntegrationAssociationProps{
		InstanceId:      instance,
		IntegrationType: jsii.String("LAMBDA_FUNCTION"),
		IntegrationArn:  f[lookup].FunctionArn(),
	})
}

func (o Options) instanceARN(scope constructs.Construct) *string {
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("connect"), Resource: jsii.String("instance"), ResourceName: jsii.String(o.Connect.Instance),
	})
}
