package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Options is what one stage's stack is made of.
type Options struct {
	Stage Stage
	// Code gives a function's code. The app gives build/<name>; tests give
	// something small, so that they need no binaries.
	Code func(function string) awslambda.Code
	// Config is the first version of the config bundle, JSON.
	Config string
	// Accounts are what the poller polls.
	Accounts []Account
	Connect  Connect
	Panel    Panel
}

// Panel names who vouches for agents: an OpenID Connect issuer, the audience that
// its tokens must be for, and the claim that lists an agent's groups. Empty: this
// deployment has no panel, neither routes nor function.
type Panel struct {
	Issuer   string
	Audience string
	Groups   string
}

// Account is one of our own accounts that is polled.
type Account struct {
	Platform string `json:"platform"`
	Account  string `json:"account"` // the platform's id of it
}

// Connect names an Amazon Connect instance and the flow of our tasks. Empty:
// this deployment has no Amazon Connect.
type Connect struct {
	Instance string
	Flow     string
}

// Stage is one deployment of everything.
type Stage struct {
	Name string
	// Production keeps data when the stack goes, and rolls config out slowly.
	Production bool
	// Local is the template that the local stack runs.
	Local bool
	// Retention of every log group.
	Retention awslogs.RetentionDays
	// Removal of what holds data or logs.
	Removal awscdk.RemovalPolicy
}

func stages() []Stage {
	return []Stage{
		{Name: "local", Local: true, Retention: awslogs.RetentionDays_ONE_WEEK, Removal: awscdk.RemovalPolicy_DESTROY},
		{Name: "dev", Retention: awslogs.RetentionDays_ONE_WEEK, Removal: awscdk.RemovalPolicy_DESTROY},
		{Name: "prod", Production: true, Retention: awslogs.RetentionDays_THREE_MONTHS, Removal: awscdk.RemovalPolicy_RETAIN},
	}
}

func stageNames() []string {
	var names []string
	for _, s := range stages() {
		names = append(names, s.Name)
	}
	return names
}

func stageByName(name string) (Stage, bool) {
	for _, s := range stages() {
		if s.Name == name {
			return s, true
		}
	}
	return Stage{}, false
}

// polledPlatforms have a poller; the others push to the webhook.
var polledPlatforms = []string{"mastodon", "bluesky"}

// sampleAccounts are the sample brand's, used where the context names none.
func sampleAccounts() []Account {
	return []Account{
		{Platform: "mastodon", Account: "7004001"},
		{Platform: "bluesky", Account: "did:plc:veloriacare000000000000"},
	}
}

// localConnect is the local stack's stand-in for Amazon Connect.
var localConnect = Connect{
	Instance: "10ca1000-0000-4000-8000-000000000001",
	Flow:     "10ca1000-0000-4000-8000-000000000002",
}

// localPanel is the local stack's own issuer, which signs with a key of its own.
var localPanel = Panel{Issuer: "https://identity.fielder.example/local", Audience: "fielder-panel", Groups: "groups"}

// defaultConfig is shared/config/default as AppConfig delivers it. It is kept in
// the repository, so that a review shows what a deployment would bring and this
// app needs none of the service's packages; a test keeps the two equal.
//
//go:embed config.json
var defaultConfig []byte

// newStack composes one stage. The order is the order of need; what a capability
// needs from another is an argument.
func newStack(scope constructs.Construct, o Options) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(o.name()), &awscdk.StackProps{
		Description:        jsii.String("Fielder: social customer care (" + o.Stage.Name + ")"),
		AnalyticsReporting: jsii.Bool(false),
		// The table and its neighbours hold customers' words.
		TerminationProtection: jsii.Bool(o.Stage.Production),
		Synthesizer: awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			GenerateBootstrapVersionRule: jsii.Bool(false),
		}),
	})
	awscdk.Tags_Of(stack).Add(jsii.String("app"), jsii.String(product), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("stage"), jsii.String(o.Stage.Name), nil)

	queues := newQueues(stack)
	table := newTable(stack, o)
	secrets := newSecrets(stack, o)
	bus := newBus(stack, o)
	topic := newAlarmTopic(stack)
	config := newConfig(stack, o, topic)
	functions := newFunctions(stack, o, shared{
		queues: queues, table: table, secrets: secrets, bus: bus, config: config,
	})
	workflows := newWorkflows(stack, o, functions, table, bus, queues)
	newRules(stack, bus, workflows, functions, queues)
	newConnect(stack, o, functions, queues)
	newSchedules(stack, o, functions, queues)
	api := newAPI(stack, o, functions)
	newAlarms(stack, o, topic, functions, workflows, queues, api)
	newDashboards(stack, o, functions, workflows, queues, api)
	return stack
}

// name is the stack's, and the prefix of every physical name in it.
func (o Options) name() string { return product + "-" + o.Stage.Name }
