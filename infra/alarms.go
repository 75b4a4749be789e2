package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newAlarmTopic makes the topic that every alarm rings; the team subscribes what
// it uses. Not encrypted with a key of its own: alarms name resources and
// numbers, no customer's data.
func newAlarmTopic(scope constructs.Construct) awssns.Topic {
	topic := awssns.NewTopic(scope, jsii.String("Alarms"), &awssns.TopicProps{
		DisplayName: jsii.String("Fielder alarms"),
		EnforceSSL:  jsii.Bool(true),
	})
	output(scope, "AlarmTopic", topic.TopicArn(), "subscribe whoever should hear the alarms")
	return topic
}

// limit says when an alarm rings: at least `at` in `of` of the last `periods`.
type limit struct {
	at, of, periods float64
	missingRings    bool
}

// newAlarms makes the alarms, the ones that a customer or an agent would feel
// first. Each description says what to do.
func newAlarms(scope constructs.Construct, o Options, topic awssns.Topic, f functions, w workflows, q queues, api awsapigatewayv2.HttpStage) {
	scope = constructs.NewConstruct(scope, jsii.String("AlarmSet"))
	action := awscloudwatchactions.NewSnsAction(topic)
	alarm := func(id, description string, metric awscloudwatch.IMetric, l limit) {
		missing := awscloudwatch.TreatMissingData_NOT_BREACHING
		if l.missingRings {
			missing = awscloudwatch.TreatMissingData_BREACHING
		}
		a := awscloudwatch.NewAlarm(scope, jsii.String(id), &awscloudwatch.AlarmProps{
			AlarmDescription:   jsii.String(description),
			Metric:             metric,
			Threshold:          jsii.Number(l.at),
			DatapointsToAlarm:  jsii.Number(l.of),
			EvaluationPeriods:  jsii.Number(l.periods),
			ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
			TreatMissingData:   missing,
		})
		a.AddAlarmAction(action)
		a.AddOkAction(action)
	}
	once := limit{at: 1, of: 1, periods: 1}

	alarm("Unaccounted", "Posts have had no decision for ten minutes, or the ledger does not run. `fielder explain` tells a post's story.",
		o.businessMetric(metricUnaccounted, ledger, "Maximum"), limit{at: 1, of: 2, periods: 3, missingRings: true})
	alarm("Parked", "A post or a workflow waits for a person in the parked queue; its entry holds the whole state and the error.",
		queueDepth(q.parked), once)
	alarm("Dead", "An event could not be delivered; the entry's attributes say by which rule, schedule or function.",
		queueDepth(q.dead), once)
	alarm("ApiErrors", "Webhook requests end in 5xx. Meta unsubscribes an app after an hour of failures.",
		api.MetricServerError(&awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutesOf(1)}), limit{at: 1, of: 3, periods: 5})
	alarm("ApiSlow", "One webhook request in a hundred takes over 3 seconds; Meta waits 5, X 10.",
		api.MetricLatency(&awscloudwatch.MetricOptions{Statistic: jsii.String("p99"), Period: minutesOf(5)}), limit{at: 3000, of: 3, periods: 3})
	for _, machine := range []struct {
		id string
		awsstepfunctions.StateMachine
	}{{"Intake", w.intake}, {"Later", w.later}, {"Escalation", w.escalation}, {"Followup", w.followup}} {
		alarm(machine.id+"Failed", "Executions of the workflow fail or run out of time; its log says in which state.",
			failedExecutions(machine.StateMachine), once)
	}
	for _, name := range f.names() {
		id := strings.ToUpper(name[:1]) + name[1:]
		if name != validate { // it fails to refuse a bundle, which whoever pushed it is told
			alarm(id+"Errors", "The function fails more often than retries should have to mend.",
				f[name].MetricErrors(&awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutesOf(5)}), limit{at: 5, of: 2, periods: 3})
		}
		alarm(id+"Throttles", "The function may not run as often as it is asked to; raise its reserved concurrency or the account's limit.",
			f[name].MetricThrottles(&awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutesOf(5)}), limit{at: 5, of: 2, periods: 3})
	}
}

// failedExecutions counts executions that failed or ran out of time.
func failedExecutions(machine awsstepfunctions.StateMachine) awscloudwatch.IMetric {
	options := &awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutesOf(5)}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("failed + late"),
		Label:      jsii.String("failed or out of time"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"failed": machine.MetricFailed(options), "late": machine.MetricTimedOut(options),
		},
		Period: minutesOf(5),
	})
}

func queueDepth(q awssqs.Queue) awscloudwatch.IMetric {
	return q.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum"), Period: minutesOf(1)})
}

// businessMetric is a metric that a function writes, over all platforms.
func (o Options) businessMetric(name, function, statistic string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(metricNamespace + "/" + o.Stage.Name),
		MetricName:    jsii.String(name),
		DimensionsMap: &map[string]*string{dimensionFunction: jsii.String(function)},
		Statistic:     jsii.String(statistic),
		Period:        minutesOf(5),
		Label:         jsii.String(name),
	})
}
