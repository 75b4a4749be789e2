package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newTable makes the one table. On demand, because social traffic comes in
// storms; the index holds keys only and is sparse, so that a decided post costs
// it nothing.
func newTable(scope constructs.Construct, o Options) awsdynamodb.Table {
	text := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
	}
	table := awsdynamodb.NewTable(scope, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey:        text(partitionKey),
		SortKey:             text(sortKey),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		TimeToLiveAttribute: jsii.String(ttlAttribute),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(o.Stage.Production),
		RemovalPolicy:      o.Stage.Removal,
	})
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:      jsii.String(dueIndex),
		PartitionKey:   text(duePartition),
		SortKey:        text(dueSort),
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	})
	output(scope, "TableName", table.TableName(), "the table")
	return table
}
