package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// queues is where things wait that could not go on; both have an alarm at the
// first entry.
type queues struct {
	// parked holds posts and workflow states that a person must look at.
	parked awssqs.Queue
	// dead holds what could not be delivered: events that a rule, a schedule or
	// an asynchronous invocation gave up on. The entry's attributes say which.
	dead awssqs.Queue
}

func newQueues(scope constructs.Construct) queues {
	scope = constructs.NewConstruct(scope, jsii.String("Queues"))
	queue := func(id string) awssqs.Queue {
		return awssqs.NewQueue(scope, jsii.String(id), &awssqs.QueueProps{
			Encryption: awssqs.QueueEncryption_SQS_MANAGED,
			EnforceSSL: jsii.Bool(true),
			// The most that SQS keeps.
			RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
		})
	}
	return queues{parked: queue("Parked"), dead: queue("Dead")}
}
