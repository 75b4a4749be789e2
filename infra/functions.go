package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// shared is what functions are given to work with.
type shared struct {
	queues  queues
	table   awsdynamodb.Table
	secrets secrets
	bus     awsevents.EventBus
	config  config
}

// functions are the deployed functions by name.
type functions map[string]awslambda.Function

// names lists them in the order of a post's way through them.
func (f functions) names() []string {
	return slices.DeleteFunc(slices.Clone(functionNames), func(name string) bool { return f[name] == nil })
}

// functionSpec is what differs between functions.
type functionSpec struct {
	name        string
	description string
	memory      float64 // MB; Lambda gives CPU in proportion
	timeout     float64 // seconds
	// reserved is the most that may run at once. 0: not limited here, and
	// unlimited says why that is right.
	reserved  float64
	unlimited string
	// async is true where someone invokes it without waiting for the answer: what
	// fails for good then goes to the dead queue.
	async bool
	env   map[string]*string
	// unconfigured is true where the business users' config has no say.
	unconfigured bool
	// table are the item actions on the table; index says whether it queries gsi1.
	table  []string
	index  bool
	events bool // may put events on the bus
	grants []awsiam.PolicyStatement
}

// Item actions. A TransactWriteItems needs those of its parts ("Actions,
// resources, and condition keys for Amazon DynamoDB").
const (
	get      = "dynamodb:GetItem"
	batchGet = "dynamodb:BatchGetItem"
	query    = "dynamodb:Query"
	check    = "dynamodb:ConditionCheckItem"
	put      = "dynamodb:PutItem"
	update   = "dynamodb:UpdateItem"
	remove   = "dynamodb:DeleteItem"
)

// newFunctions makes every function with its own role. A grant that is missing
// here fails by name in the local stack, as it would in AWS.
func newFunctions(scope constructs.Construct, o Options, s shared) functions {
	connectEnv := func() map[string]*string {
		return map[string]*string{
			envConnectInstance: jsii.String(o.Connect.Instance),
			envConnectFlow:     jsii.String(o.Connect.Flow),
		}
	}
	const intakeOnly = "called by intake alone, whose rate the API's throttling bounds; a limit here would only turn a storm into retries"

	specs := []functionSpec{
		{
			name: webhook, description: "receives what platforms push: handshake, signature, normalise, claim, publish",
			memory: 512, timeout: 8,
			unlimited: "platforms unsubscribe a webhook that fails; the API's throttling bounds it",
			// The read tokens fetch what a webhook leaves out (Instagram sends ids only).
			env: map[string]*string{envSecretIngest: s.secrets.ingest.Ref(), envSecretRead: s.secrets.read.Ref()},
			// Beside the claim: what our own accounts answer withdraws drafts.
			table: []string{get, put, update}, events: true,
			grants: []awsiam.PolicyStatement{readSecret(s.secrets.ingest.Ref()), readSecret(s.secrets.read.Ref())},
		},
		{
			name: poller, description: "fetches what is new on one account: lease, fetch, publish, move the cursor",
			memory: 256, timeout: 50,
			// One per account and one to spare; the lease keeps two from the same account.
			reserved: float64(len(o.Accounts) + 1), async: true,
			env:   map[string]*string{envSecretRead: s.secrets.read.Ref()},
			table: []string{get, put, update}, events: true,
			grants: []awsiam.PolicyStatement{readSecret(s.secrets.read.Ref())},
		},
		{
			name: triage, description: "what a post is about, how grave, how urgent",
			memory: 256, timeout: 5, unlimited: intakeOnly,
		},
		{
			name: match, description: "author to identity to customer, and the conversation it belongs to",
			memory: 256, timeout: 10, unlimited: intakeOnly, unconfigured: true,
			table: []string{get, batchGet, put, update, remove},
		},
		{
			name: reply, description: "the business rules: answer, escalate or watch; the plan is stored once",
			memory: 256, timeout: 10, unlimited: intakeOnly,
			table: []string{get, query, update},
		},
		{
			name: escalate, description: "queue, priority, SLA clock and the agent's task in Amazon Connect",
			memory: 256, timeout: 15,
			// Amazon Connect takes 2 requests per second, burst 5 ("Amazon Connect
			// service quotas"); more at once would only be throttled there.
			reserved: 5,
			env:      connectEnv(),
			// A draft is proposed in one transaction with a look at its post.
			table: []string{check, get, put, update, remove}, events: true,
			grants: append(connectGrants(scope, o, "connect:StartTaskContact", "connect:StopContact"),
				returnToken(scope, o)),
		},
		{
			name: send, description: "the one door out: policy, lock, send once, record",
			memory: 256, timeout: 25,
			// Platforms allow a few hundred writes in minutes ("X API, rate limits":
			// 100 posts in 15 minutes per account).
			reserved: 10,
			env:      map[string]*string{envSecretWrite: s.secrets.write.Ref()},
			table:    []string{get, update, remove}, events: true,
			grants: []awsiam.PolicyStatement{readSecret(s.secrets.write.Ref())},
		},
		{
			name: invite, description: "who may be invited to stay in touch, and the ledger of invitations",
			memory: 256, timeout: 10, async: true,
			unlimited: "called by followup and once per resolved conversation; both are rare",
			env:       map[string]*string{envFollowupMachine: o.machineARN(scope, followup)},
			table:     []string{get, batchGet, query, update, remove}, events: true,
			grants: []awsiam.PolicyStatement{allow([]string{"states:StartExecution"}, o.machineARN(scope, followup))},
		},
		{
			name: contact, description: "calls, chats and tasks of Amazon Connect into the timeline; wakes escalations, starts follow-ups",
			memory: 256, timeout: 15,
			// DescribeContact takes 10 requests per second, burst 15.
			reserved: 10, async: true,
			env: mergeEnv(connectEnv(), map[string]*string{
				envFollowupMachine: o.machineARN(scope, followup),
			}),
			table: []string{get, batchGet, query, update, remove}, events: true,
			grants: append(connectGrants(scope, o, "connect:DescribeContact"),
				allow([]string{"states:StartExecution"}, o.machineARN(scope, followup)),
				returnToken(scope, o)),
		},
		{
			name: lookup, description: "who is calling and what they said elsewhere, for a contact flow",
			memory: 512, timeout: 7, // a flow waits 8 seconds at most
			unlimited: "a caller waits, and only as many call as there are lines",
			table:     []string{get, batchGet, query, update},
		},
		{
			name: ledger, description: "every post accounted for: drives the undecided again, and what has waited; edits and deletions",
			memory: 256, timeout: 60,
			// The sweep, and changes beside it.
			reserved: 5, async: true,
			env:   map[string]*string{envParkedQueue: s.queues.parked.QueueUrl()},
			table: []string{get, batchGet, query, put, update}, index: true, events: true,
			grants: []awsiam.PolicyStatement{allow([]string{"sqs:SendMessage"}, s.queues.parked.QueueArn())},
		},
	}
	if o.Panel.Issuer != "" {
		sender := awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("lambda"), Resource: jsii.String("function"),
			ResourceName: jsii.String(o.functionName(send)), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
		})
		specs = append(specs, functionSpec{
			name: panel, description: "the agent panel's API: drafts that wait for approval",
			// It waits for send, which takes up to 25 s; the HTTP API waits 30.
			memory: 256, timeout: 29,
			unlimited: "as many as there are agents; the API's throttling bounds it",
			env:       map[string]*string{envSendFunction: sender, envGroupsClaim: jsii.String(o.Panel.Groups)},
			table:     []string{get, batchGet, update}, index: true, events: true,
			grants: []awsiam.PolicyStatement{allow([]string{"lambda:InvokeFunction"}, sender), returnToken(scope, o)},
		})
	}
	made := functions{validate: s.config.validator} // the config needs it, and the others need the config
	scope = constructs.NewConstruct(scope, jsii.String("Functions"))
	for _, spec := range specs {
		made[spec.name] = newFunction(scope, o, s, spec)
	}
	return made
}

// newFunction makes one function: arm64, JSON logs that end, traces, a role that
// holds the spec's grants and nothing else.
func newFunction(scope constructs.Construct, o Options, s shared, spec functionSpec) awslambda.Function {
	id := strings.ToUpper(spec.name[:1]) + spec.name[1:]
	logs := awslogs.NewLogGroup(scope, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + o.functionName(spec.name)),
		Retention:     o.Stage.Retention,
		RemovalPolicy: o.Stage.Removal,
	})
	role := awsiam.NewRole(scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("what " + spec.name + " may do"),
	})
	role.AddToPolicy(allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.LogGroupArn()))
	if !spec.unconfigured {
		role.AddToPolicy(allow([]string{"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}, s.config.arn))
	}
	if len(spec.table) > 0 {
		role.AddToPolicy(allow(spec.table, s.table.TableArn()))
	}
	if spec.index {
		role.AddToPolicy(allow([]string{query}, awscdk.Fn_Join(jsii.String("/index/"), &[]*string{s.table.TableArn(), jsii.String(dueIndex)})))
	}
	if spec.events {
		role.AddToPolicy(allow([]string{"events:PutEvents"}, s.bus.EventBusArn()))
	}
	for _, grant := range spec.grants {
		role.AddToPolicy(grant)
	}

	env := map[string]*string{envStage: jsii.String(o.Stage.Name)}
	if !spec.unconfigured {
		env[envConfig] = s.config.path
	}
	if len(spec.table) > 0 {
		env[envTable] = s.table.TableName()
	}
	if spec.events {
		env[envBus] = s.bus.EventBusName()
	}
	env = mergeEnv(env, spec.env)

	props := &awslambda.FunctionProps{
		// The name is a contract: contact flows and the rollback alarm call it so.
		FunctionName:          jsii.String(o.functionName(spec.name)),
		Description:           jsii.String(spec.description),
		Runtime:               awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:          awslambda.Architecture_ARM_64(),
		Handler:               jsii.String("bootstrap"),
		Code:                  o.Code(spec.name),
		MemorySize:            jsii.Number(spec.memory),
		Timeout:               awscdk.Duration_Seconds(jsii.Number(spec.timeout)),
		Environment:           &env,
		Role:                  role,
		LogGroup:              logs,
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO,
		SystemLogLevelV2:      awslambda.SystemLogLevel_WARN,
		Tracing:               awslambda.Tracing_ACTIVE,
	}
	if spec.reserved > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(spec.reserved)
	}
	f := awslambda.NewFunction(scope, jsii.String(id), props)
	if spec.async {
		// Not by FunctionProps.OnFailure, which also grants what nobody needs.
		role.AddToPolicy(allow([]string{"sqs:SendMessage"}, s.queues.dead.QueueArn()))
		config := awslambda.NewCfnEventInvokeConfig(scope, jsii.String(id+"Async"), &awslambda.CfnEventInvokeConfigProps{
			FunctionName:             f.FunctionName(),
			Qualifier:                jsii.String("$LATEST"),
			MaximumRetryAttempts:     jsii.Number(2),
			MaximumEventAgeInSeconds: jsii.Number(deliverFor * 3600),
			DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
				OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.queues.dead.QueueArn()},
			},
		})
		// Lambda refuses a destination that the role may not write to yet.
		config.Node().AddDependency(role)
	}
	about := map[string]any{"function": spec.name}
	if spec.unlimited != "" {
		about["unlimited"] = spec.unlimited
	}
	f.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String(metadataKey), about)
	return f
}

// functionName is a function's physical name.
func (o Options) functionName(name string) string { return o.name() + "-" + name }

// machineARN is a state machine's ARN, made from its physical name: workflows
// need the functions, and some functions start or wake a workflow, which would be
// a circle if each referred to the other.
func (o Options) machineARN(scope constructs.Construct, workflow string) *string {
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("states"), Resource: jsii.String("stateMachine"),
		ResourceName: jsii.String(o.machineName(workflow)), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

func (o Options) machineName(workflow string) string { return o.name() + "-" + workflow }

// returnToken lets a function give an escalation's task token back.
func returnToken(scope constructs.Construct, o Options) awsiam.PolicyStatement {
	return allow([]string{"states:SendTaskSuccess"}, o.machineARN(scope, escalation))
}

func readSecret(arn *string) awsiam.PolicyStatement {
	return allow([]string{"secretsmanager:GetSecretValue"}, arn)
}

// connectGrants allows actions on the instance, its flows and its contacts; none
// without an instance.
func connectGrants(scope constructs.Construct, o Options, actions ...string) []awsiam.PolicyStatement {
	if o.Connect.Instance == "" {
		return nil
	}
	instance := o.instanceARN(scope)
	return []awsiam.PolicyStatement{allow(actions, instance,
		awscdk.Fn_Join(jsii.String(""), &[]*string{instance, jsii.String("/contact/*")}),
		awscdk.Fn_Join(jsii.String(""), &[]*string{instance, jsii.String("/contact-flow/*")}))}
}

// allow is a policy statement; actions and resources are always lists of names.
func allow(actions []string, resources ...*string) awsiam.PolicyStatement {
	if len(actions) == 0 || len(resources) == 0 {
		panic(fmt.Sprintf("a grant of %v on %d resources", actions, len(resources)))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(slices.Sorted(slices.Values(actions))...),
		Resources: &resources,
	})
}

func mergeEnv(parts ...map[string]*string) map[string]*string {
	all := map[string]*string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// output makes a stack output.
func output(scope constructs.Construct, id string, value *string, description string) {
	awscdk.NewCfnOutput(awscdk.Stack_Of(scope), jsii.String(id), &awscdk.CfnOutputProps{
		Value: value, Description: jsii.String(description),
	})
}

func minutesOf(n float64) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }
