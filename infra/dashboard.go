package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newDashboards makes two: what business users ask (posts in, answers out,
// agents, invitations), and what the cloud team looks at when something is wrong.
func newDashboards(scope constructs.Construct, o Options, f functions, w workflows, q queues, api awsapigatewayv2.HttpStage) {
	metric := func(name, function string) awscloudwatch.IMetric { return o.businessMetric(name, function, "Sum") }
	row := func(graphs ...awscloudwatch.IWidget) *[]awscloudwatch.IWidget { return &graphs }

	awscloudwatch.NewDashboard(scope, jsii.String("BusinessDashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(o.name() + "-business"),
		Widgets: &[]*[]awscloudwatch.IWidget{
			row(
				graph("Posts received, by platform", o.perPlatform(metricReceived)),
				graph("Decided at the edge as chatter, by platform", o.perPlatform(metricIgnored)),
				graph("Posts without a decision after ten minutes (must be 0)", o.businessMetric(metricUnaccounted, ledger, "Maximum")),
			),
			row(
				graph("Automated replies sent, by platform", o.perPlatform(metricRepliesSent)),
				graph("Replies that the rules of a platform refused", o.perPlatform(metricRepliesRefused)),
				graph("Given to agents", metric(metricEscalated, escalate), metric(metricResolved, escalate)),
			),
			row(
				graph("Service level", metric(metricWarned, escalate), metric(metricBreached, escalate)),
				graph("Invitations", metric(metricInvited, invite), metric(metricWithheld, invite)),
				graph("Calls, and those with a history on social media", metric(metricLookups, lookup), metric(metricLookupHistory, lookup)),
			),
		},
	})

	var errors, throttles, durations, concurrent []awscloudwatch.IMetric
	for _, name := range f.names() {
		options := func(statistic string) *awscloudwatch.MetricOptions {
			return &awscloudwatch.MetricOptions{Statistic: jsii.String(statistic), Period: minutesOf(5), Label: jsii.String(name)}
		}
		errors = append(errors, f[name].MetricErrors(options("Sum")))
		throttles = append(throttles, f[name].MetricThrottles(options("Sum")))
		durations = append(durations, f[name].MetricDuration(options("p99")))
		concurrent = append(concurrent, f[name].Metric(jsii.String("ConcurrentExecutions"), options("Maximum")))
	}
	executions := func(machine awsstepfunctions.StateMachine) []awscloudwatch.IMetric {
		return []awscloudwatch.IMetric{machine.MetricStarted(nil), machine.MetricSucceeded(nil), failedExecutions(machine)}
	}
	awscloudwatch.NewDashboard(scope, jsii.String("OperationsDashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(o.name() + "-operations"),
		Widgets: &[]*[]awscloudwatch.IWidget{
			row(
				graph("API requests", api.MetricCount(nil), api.MetricClientError(nil), api.MetricServerError(nil)),
				graph("API latency, p99 (ms)", api.MetricLatency(&awscloudwatch.MetricOptions{Statistic: jsii.String("p99")})),
				graph("Requests rejected, by platform", o.perPlatform(metricRejected)),
			),
			row(
				graph("Function errors", errors...),
				graph("Function throttles", throttles...),
				graph("Function duration, p99 (ms)", durations...),
				graph("Functions running at once", concurrent...),
			),
			row(
				graph("intake", executions(w.intake)...),
				graph("later", executions(w.later)...),
				graph("escalation", executions(w.escalation)...),
				graph("followup", executions(w.followup)...),
			),
			row(
				graph("Parked for a person", queueDepth(q.parked)),
				graph("Could not be delivered", queueDepth(q.dead)),
				graph("Driven again by the ledger", metric(metricRedriven, ledger)),
				graph("Replies parked", o.perPlatform(metricRepliesParked)),
			),
		},
	})
}

func graph(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(title),
		Left:  &metrics,
		Width: jsii.Number(6), Height: jsii.Number(6),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}

// perPlatform is one line per platform; a search, so that a new platform appears
// by itself.
func (o Options) perPlatform(name string) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(fmt.Sprintf(`SEARCH('{%s/%s,%s,%s} MetricName="%s"', 'Sum', 300)`,
			metricNamespace, o.Stage.Name, dimensionFunction, dimensionPlatform, name)),
		UsingMetrics: &map[string]awscloudwatch.IMetric{},
		Label:        jsii.String(""),
		Period:       minutesOf(5),
	})
}
