package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newSchedules polls every account once a minute, the least that EventBridge
// Scheduler can, and sweeps the ledger every five.
func newSchedules(scope constructs.Construct, o Options, f functions, q queues) {
	scope = constructs.NewConstruct(scope, jsii.String("Schedules"))
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			// Against the confused deputy ("EventBridge Scheduler, security").
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
		Description: jsii.String("schedules invoke poller and ledger"),
	})
	role.AddToPolicy(allow([]string{"lambda:InvokeFunction"}, f[poller].FunctionArn(), f[ledger].FunctionArn()))
	role.AddToPolicy(allow([]string{"sqs:SendMessage"}, q.dead.QueueArn()))

	schedule := func(id, description, rate, function string, age float64, input any) {
		text, err := json.Marshal(input)
		if err != nil {
			panic(err) // strings only
		}
		awsscheduler.NewCfnSchedule(scope, jsii.String(id), &awsscheduler.CfnScheduleProps{
			Description:        jsii.String(description),
			ScheduleExpression: jsii.String(rate),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:              f[function].FunctionArn(),
				RoleArn:          role.RoleArn(),
				Input:            jsii.String(string(text)),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: q.dead.QueueArn()},
				// The next run does the work of a lost one: no point in trying long.
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumEventAgeInSeconds: jsii.Number(age), MaximumRetryAttempts: jsii.Number(2),
				},
			},
		})
	}
	for i, a := range o.Accounts {
		id := fmt.Sprintf("Poll%s%d", strings.ToUpper(a.Platform[:1])+a.Platform[1:], i+1)
		schedule(id, "what is new on "+a.Platform, "rate(1 minute)", poller, 60, a)
	}
	schedule("Sweep", "posts without a decision", "rate(5 minutes)", ledger, 300, map[string]string{"op": "sweep"})
}
