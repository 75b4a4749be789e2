package main

import (
	"embed"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

//go:embed workflow/*.asl.json
var definitions embed.FS

// workflows are the four state machines.
type workflows struct {
	intake, later, escalation, followup awsstepfunctions.StateMachine
}

// definition returns a workflow's text; a test reads every one.
func definition(name string) string {
	data, err := definitions.ReadFile("workflow/" + name + ".asl.json")
	if err != nil {
		panic(err)
	}
	return string(data)
}

// newWorkflows makes the state machines. intake is Express, because it runs once
// per post and a Standard workflow of its size would cost over $150 per million;
// the others wait for hours and must run once, so they are Standard.
func newWorkflows(scope constructs.Construct, o Options, f functions, table awsdynamodb.Table, bus awsevents.EventBus, q queues) workflows {
	scope = constructs.NewConstruct(scope, jsii.String("Workflows"))
	arn := func(name string) *string { return f[name].FunctionArn() }
	invoke := func(names ...string) awsiam.PolicyStatement {
		var arns []*string
		for _, n := range names {
			arns = append(arns, arn(n))
		}
		return allow([]string{"lambda:InvokeFunction"}, arns...)
	}
	park := allow([]string{"sqs:SendMessage"}, q.parked.QueueArn())
	parked := q.parked.QueueUrl()

	return workflows{
		intake: newMachine(scope, o, intake, awsstepfunctions.StateMachineType_EXPRESS,
			map[string]*string{
				"TriageFunctionArn":    arn(triage),
				"MatchFunctionArn":     arn(match),
				"ReplyFunctionArn":     arn(reply),
				"SendFunctionArn":      arn(send),
				"EscalateFunctionArn":  arn(escalate),
				"EscalationMachineArn": o.machineARN(scope, escalation),
				"LaterMachineArn":      o.machineARN(scope, later),
				"Table":                table.TableName(),
				"Bus":                  bus.EventBusName(),
				"ParkedQueueUrl":       parked,
			},
			invoke(triage, match, reply, send, escalate), park,
			allow([]string{"states:StartExecution"}, o.machineARN(scope, escalation), o.machineARN(scope, later)),
			allow([]string{get, update}, table.TableArn()),
			allow([]string{"events:PutEvents"}, bus.EventBusArn())),
		later: newMachine(scope, o, later, awsstepfunctions.StateMachineType_STANDARD,
			map[string]*string{"LedgerFunctionArn": arn(ledger), "ParkedQueueUrl": parked},
			invoke(ledger), park),
		escalation: newMachine(scope, o, escalation, awsstepfunctions.StateMachineType_STANDARD,
			map[string]*string{"EscalateFunctionArn": arn(escalate), "ParkedQueueUrl": parked},
			invoke(escalate), park),
		followup: newMachine(scope, o, followup, awsstepfunctions.StateMachineType_STANDARD,
			map[string]*string{"InviteFunctionArn": arn(invite), "SendFunctionArn": arn(send), "ParkedQueueUrl": parked},
			invoke(invite, send), park),
	}
}

// newMachine makes one state machine. Its log has names and errors, never the
// execution's data: that is what customers wrote.
func newMachine(scope constructs.Construct, o Options, name string, kind awsstepfunctions.StateMachineType, substitutions map[string]*string, grants ...awsiam.PolicyStatement) awsstepfunctions.StateMachine {
	id := map[string]string{intake: "Intake", later: "Later", escalation: "Escalation", followup: "Followup"}[name]
	role := awsiam.NewRole(scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("states.amazonaws.com"), nil),
		Description: jsii.String("what the workflow " + name + " may do"),
	})
	for _, grant := range grants {
		role.AddToPolicy(grant)
	}
	return awsstepfunctions.NewStateMachine(scope, jsii.String(id), &awsstepfunctions.StateMachineProps{
		// The name is a contract: see machineARN.
		StateMachineName:        jsii.String(o.machineName(name)),
		StateMachineType:        kind,
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromString(jsii.String(definition(name))),
		DefinitionSubstitutions: &substitutions,
		Role:                    role,
		TracingEnabled:          jsii.Bool(true),
		Logs: &awsstepfunctions.LogOptions{
			Level:                awsstepfunctions.LogLevel_ERROR,
			IncludeExecutionData: jsii.Bool(false),
			Destination: awslogs.NewLogGroup(scope, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
				// The prefix keeps the account's log resource policy from growing
				// beyond its limit ("Step Functions, logging").
				LogGroupName:  jsii.String("/aws/vendedlogs/states/" + o.machineName(name)),
				Retention:     o.Stage.Retention,
				RemovalPolicy: o.Stage.Removal,
			}),
		},
	})
}
