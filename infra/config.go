package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsappconfig"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// configSchema is what AppConfig holds a new bundle against before anyone gets
// it. AppConfig knows JSON Schema draft 4 only ("AppConfig, validators").
//
//go:embed config.schema.json
var configSchema string

// config is the AppConfig profile with the bundle that business users own.
type config struct {
	// path is "<application id>/<environment id>/<profile id>".
	path *string
	// arn is what functions may read.
	arn *string
	// validator is the function that AppConfig asks before it rolls a bundle out.
	validator awslambda.Function
}

// newConfig makes the profile and rolls its first version out. Later versions
// come from `fielder rules push`, not from here: a deployment of code does not
// touch what business users have pushed since, unless the defaults changed.
//
// In production a version reaches everyone over twenty minutes, and is taken back
// if the functions that decide begin to fail.
func newConfig(scope constructs.Construct, o Options, topic awssns.Topic) config {
	stack := awscdk.Stack_Of(scope)
	scope = constructs.NewConstruct(scope, jsii.String("Config"))
	application := awsappconfig.NewCfnApplication(scope, jsii.String("Application"), &awsappconfig.CfnApplicationProps{
		Name:        jsii.String(o.name()),
		Description: jsii.String("Brand, rules, templates, hours, routing, follow-up"),
	})
	validator := newFunction(scope, o, shared{}, functionSpec{
		name: validate, description: "reads a bundle as functions do, lints it and runs its tests, before AppConfig rolls it out",
		// AppConfig waits 15 seconds, the start included ("Understanding validators").
		memory: 512, timeout: 14, unconfigured: true,
		unlimited: "AppConfig asks once per deployment of config, and deploys one bundle at a time",
	})
	profile := awsappconfig.NewCfnConfigurationProfile(scope, jsii.String("Profile"), &awsappconfig.CfnConfigurationProfileProps{
		ApplicationId: application.Ref(),
		Name:          jsii.String("bundle"),
		LocationUri:   jsii.String("hosted"),
		Type:          jsii.String(appConfigKind),
		Validators: &[]any{&awsappconfig.CfnConfigurationProfile_ValidatorsProperty{
			Type: jsii.String("JSON_SCHEMA"), Content: jsii.String(configSchema),
		}, &awsappconfig.CfnConfigurationProfile_ValidatorsProperty{
			Type: jsii.String("LAMBDA"), Content: validator.FunctionArn(),
		}},
	})
	ask := awslambda.NewCfnPermission(scope, jsii.String("MayAskValidator"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  validator.FunctionArn(),
		Principal:     jsii.String("appconfig.amazonaws.com"),
		SourceAccount: awscdk.Aws_ACCOUNT_ID(),
		SourceArn: stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("appconfig"), Resource: jsii.String("application"),
			ResourceName: awscdk.Fn_Join(jsii.String("/configurationprofile/"), &[]*string{application.Ref(), profile.Ref()}),
		}),
	})
	version := awsappconfig.NewCfnHostedConfigurationVersion(scope, jsii.String("Version"), &awsappconfig.CfnHostedConfigurationVersionProps{
		ApplicationId:          application.Ref(),
		ConfigurationProfileId: profile.Ref(),
		ContentType:            jsii.String("application/json"),
		Description:            jsii.String("The defaults that came with this deployment"),
		Content:                jsii.String(o.Config),
	})

	watcher := awsiam.NewRole(scope, jsii.String("Watcher"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("appconfig.amazonaws.com"), nil),
		Description: jsii.String("AppConfig watches the rollback alarms"),
	})
	var monitors []any
	for _, alarm := range []awscloudwatch.Alarm{newRollbackAlarm(scope, o), newRefusedAlarm(scope, o)} {
		alarm.AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
		watcher.AddToPolicy(allow([]string{"cloudwatch:DescribeAlarms"}, alarm.AlarmArn()))
		monitors = append(monitors, &awsappconfig.CfnEnvironment_MonitorsProperty{AlarmArn: alarm.AlarmArn(), AlarmRoleArn: watcher.RoleArn()})
	}
	environment := awsappconfig.NewCfnEnvironment(scope, jsii.String("Environment"), &awsappconfig.CfnEnvironmentProps{
		ApplicationId: application.Ref(),
		Name:          jsii.String(o.Stage.Name),
		Monitors:      &monitors,
	})
	// AppConfig refuses a monitor that its role may not watch yet.
	environment.Node().AddDependency(watcher)
	minutes, bake, growth := 0.0, 0.0, 100.0
	if o.Stage.Production {
		minutes, bake, growth = 20, 10, 20
	}
	strategy := awsappconfig.NewCfnDeploymentStrategy(scope, jsii.String("Strategy"), &awsappconfig.CfnDeploymentStrategyProps{
		Name:                        jsii.String(o.name()),
		DeploymentDurationInMinutes: jsii.Number(minutes),
		FinalBakeTimeInMinutes:      jsii.Number(bake),
		GrowthFactor:                jsii.Number(growth),
		GrowthType:                  jsii.String("LINEAR"),
		ReplicateTo:                 jsii.String("NONE"),
	})
	deployment := awsappconfig.NewCfnDeployment(scope, jsii.String("Deployment"), &awsappconfig.CfnDeploymentProps{
		ApplicationId:          application.Ref(),
		EnvironmentId:          environment.Ref(),
		ConfigurationProfileId: profile.Ref(),
		ConfigurationVersion:   version.Ref(),
		DeploymentStrategyId:   strategy.Ref(),
	})
	// AppConfig asks the validator when a deployment starts, the first one too.
	deployment.Node().AddDependency(ask)
	path := awscdk.Fn_Join(jsii.String("/"), &[]*string{application.Ref(), environment.Ref(), profile.Ref()})
	output(stack, "ConfigPath", path, "AppConfig application, environment and profile")
	output(stack, "ConfigStrategy", strategy.Ref(), "how `fielder rules push` rolls a version out here")
	return config{
		path: path,
		arn: stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("appconfig"), Resource: jsii.String("application"),
			ResourceName: awscdk.Fn_Join(jsii.String(""), &[]*string{
				application.Ref(), jsii.String("/environment/"), environment.Ref(), jsii.String("/configuration/"), profile.Ref(),
			}),
		}),
		validator: validator,
	}
}

// newRollbackAlarm rings when the functions that a bundle can break begin to
// fail. It names them by their physical names, because the functions need the
// environment that needs this alarm.
func newRollbackAlarm(scope constructs.Construct, o Options) awscloudwatch.Alarm {
	metrics := map[string]awscloudwatch.IMetric{}
	for _, name := range []string{triage, reply} {
		metrics[name] = awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace:     jsii.String("AWS/Lambda"),
			MetricName:    jsii.String("Errors"),
			DimensionsMap: &map[string]*string{"FunctionName": jsii.String(o.functionName(name))},
			Statistic:     jsii.String("Sum"),
			Period:        minutesOf(1),
		})
	}
	return awscloudwatch.NewAlarm(scope, jsii.String("RollbackAlarm"), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String("Triage or reply fail: the newest config is suspect and is rolled back if it is still rolling out."),
		Metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression:   jsii.String(triage + " + " + reply),
			UsingMetrics: &metrics,
			Label:        jsii.String("errors of triage and reply"),
			Period:       minutesOf(1),
		}),
		Threshold:          jsii.Number(3),
		EvaluationPeriods:  jsii.Number(2),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}

// newRefusedAlarm rings when a function cannot read the bundle that is deployed;
// it goes on with the one before, but an instance that starts has none. One
// function is enough, and it tells once.
func newRefusedAlarm(scope constructs.Construct, o Options) awscloudwatch.Alarm {
	return awscloudwatch.NewAlarm(scope, jsii.String("RefusedAlarm"), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String("A function cannot read the newest config and goes on with the one before; it is rolled back if it is still rolling out, else `fielder rules rollback` does it. The function's log names the mistakes."),
		Metric: awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace:  jsii.String(metricNamespace + "/" + o.Stage.Name),
			MetricName: jsii.String(metricRefusedConfig),
			Statistic:  jsii.String("Sum"),
			Period:     minutesOf(1),
		}),
		Threshold:          jsii.Number(1),
		EvaluationPeriods:  jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
