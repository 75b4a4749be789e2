package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/fielder-care/fielder/events/patterns"
)

// How long a rule tries to deliver an event before the event goes to the dead
// queue. Shorter than EventBridge's own 24 hours: a post that is an hour late
// needs a person, and the ledger has found it long before.
const (
	deliverFor      = 1 // hour
	deliverAttempts = 30
)

// archiveDays is how long the bus's archive keeps events for a replay. Posts
// must be gone within 24 hours of their deletion upstream and an archive cannot
// forget single events, so one day is also the most that it may keep.
const archiveDays = 1

// newBus makes the bus. Its name is a contract: other departments subscribe to
// it with rules of their own.
func newBus(scope constructs.Construct, o Options) awsevents.EventBus {
	bus := awsevents.NewEventBus(scope, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: jsii.String(o.name()),
		Description:  jsii.String("Facts about posts, conversations and customers"),
	})
	awsevents.NewCfnArchive(scope, jsii.String("BusArchive"), &awsevents.CfnArchiveProps{
		SourceArn:     bus.EventBusArn(),
		Description:   jsii.String("Everything of the last day, for a replay"),
		EventPattern:  mustPattern(patterns.Archive),
		RetentionDays: jsii.Number(archiveDays),
	})
	output(scope, "BusName", bus.EventBusName(), "the event bus")
	return bus
}

// newRules connects the bus to what acts on its events.
func newRules(scope constructs.Construct, bus awsevents.EventBus, w workflows, f functions, q queues) {
	rule(scope, "PostReceivedRule", bus, mustPattern(patterns.PostReceived),
		"a post that needs a decision starts intake",
		awseventstargets.NewSfnStateMachine(w.intake, &awseventstargets.SfnStateMachineProps{
			Input:           awsevents.RuleTargetInput_FromEventPath(jsii.String("$.detail")),
			DeadLetterQueue: q.dead,
			MaxEventAge:     awscdk.Duration_Hours(jsii.Number(deliverFor)),
			RetryAttempts:   jsii.Number(deliverAttempts),
		}))
	rule(scope, "PostChangedRule", bus, mustPattern(patterns.PostChanged),
		"what was edited or deleted upstream is so here", functionTarget(f, ledger, q))
	rule(scope, "ConversationResolvedRule", bus, mustPattern(patterns.ConversationResolved),
		"after a resolved conversation the customer may be invited", functionTarget(f, invite, q))
}

// rule makes a rule on a bus (nil: the account's default bus) with one target.
func rule(scope constructs.Construct, id string, bus awsevents.IEventBus, pattern map[string]any, description string, target awsevents.IRuleTarget) awsevents.Rule {
	r := awsevents.NewRule(scope, jsii.String(id), &awsevents.RuleProps{
		Description: jsii.String(description),
		EventBus:    bus,
		// The pattern's JSON is given as it stands: EventPattern would rename keys.
		EventPattern: &awsevents.EventPattern{Source: jsii.Strings("replaced")},
	})
	r.Node().DefaultChild().(awsevents.CfnRule).SetEventPattern(pattern)
	r.AddTarget(target)
	return r
}

// functionTarget invokes a function with the whole event.
func functionTarget(f functions, name string, q queues) awsevents.IRuleTarget {
	return awseventstargets.NewLambdaFunction(f[name], &awseventstargets.LambdaFunctionProps{
		DeadLetterQueue: q.dead,
		MaxEventAge:     awscdk.Duration_Hours(jsii.Number(deliverFor)),
		RetryAttempts:   jsii.Number(deliverAttempts),
	})
}

// mustPattern loads a pattern that is built in; a test loads every one.
func mustPattern(name string) map[string]any {
	p, err := patterns.Load(name)
	if err != nil {
		panic(err)
	}
	return p
}
