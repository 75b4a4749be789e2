package cfn

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// kind says how a resource type is named. In the formats, {name} is the
// physical name, {id} a short identifier derived from the logical id, and any
// other {Property} is that property's value.
type kind struct {
	name       string            // the property that gives the physical name, "" if none does
	ref        string            // format of what Ref returns; default "{name}"
	attributes map[string]string // formats of what Fn::GetAtt returns
}

const arn = "arn:aws:%s:" + Region + ":" + Account + ":%s"

func arnOf(service, rest string) string { return fmt.Sprintf(arn, service, rest) }

// kinds are the resource types that the loader can name. Which of them mean
// something locally, and which are only listed, is the business of the local
// stack.
var kinds = map[string]kind{
	"AWS::ApiGatewayV2::Api": {ref: "{id}", attributes: map[string]string{
		"ApiId": "{id}", "ApiEndpoint": "https://{id}.execute-api." + Region + ".amazonaws.com"}},
	"AWS::ApiGatewayV2::Authorizer":  {ref: "{id}", attributes: map[string]string{"AuthorizerId": "{id}"}},
	"AWS::ApiGatewayV2::Integration": {ref: "{id}"},
	"AWS::ApiGatewayV2::Route":       {ref: "{id}", attributes: map[string]string{"RouteId": "{id}"}},
	"AWS::ApiGatewayV2::Stage":       {name: "StageName"},

	"AWS::AppConfig::Application":                {ref: "{id}", attributes: map[string]string{"ApplicationId": "{id}"}},
	"AWS::AppConfig::Environment":                {ref: "{id}", attributes: map[string]string{"EnvironmentId": "{id}"}},
	"AWS::AppConfig::ConfigurationProfile":       {ref: "{id}", attributes: map[string]string{"ConfigurationProfileId": "{id}"}},
	"AWS::AppConfig::HostedConfigurationVersion": {ref: "1", attributes: map[string]string{"VersionNumber": "1"}},
	"AWS::AppConfig::DeploymentStrategy":         {ref: "{id}", attributes: map[string]string{"Id": "{id}"}},
	"AWS::AppConfig::Deployment":                 {ref: "1", attributes: map[string]string{"DeploymentNumber": "1"}},

	"AWS::CDK::Metadata":              {},
	"AWS::CloudWatch::Alarm":          {name: "AlarmName", attributes: map[string]string{"Arn": arnOf("cloudwatch", "alarm:{name}")}},
	"AWS::CloudWatch::CompositeAlarm": {name: "AlarmName", attributes: map[string]string{"Arn": arnOf("cloudwatch", "alarm:{name}")}},
	"AWS::CloudWatch::Dashboard":      {name: "DashboardName"},

	"AWS::Connect::IntegrationAssociation": {ref: "{id}", attributes: map[string]string{"IntegrationAssociationId": "{id}"}},

	"AWS::DynamoDB::Table": {name: "TableName", attributes: map[string]string{
		"Arn": arnOf("dynamodb", "table/{name}")}},

	"AWS::Events::Archive": {name: "ArchiveName", attributes: map[string]string{"Arn": arnOf("events", "archive/{name}")}},
	"AWS::Events::EventBus": {name: "Name", attributes: map[string]string{
		"Arn": arnOf("events", "event-bus/{name}"), "Name": "{name}"}},
	"AWS::Events::EventBusPolicy": {ref: "{id}"},
	"AWS::Events::Rule":           {name: "Name", attributes: map[string]string{"Arn": ""}}, // the bus is part of it: see ruleARN

	"AWS::IAM::ManagedPolicy": {name: "ManagedPolicyName", ref: "arn:aws:iam::" + Account + ":policy/{name}"},
	"AWS::IAM::Policy":        {name: "PolicyName"},
	"AWS::IAM::Role": {name: "RoleName", attributes: map[string]string{
		"Arn": "arn:aws:iam::" + Account + ":role/{name}", "RoleId": "{id}"}},

	"AWS::KMS::Alias": {name: "AliasName"},
	"AWS::KMS::Key":   {ref: "{id}", attributes: map[string]string{"Arn": arnOf("kms", "key/{id}"), "KeyId": "{id}"}},

	"AWS::Lambda::Alias":             {name: "Name", ref: arnOf("lambda", "function:{FunctionName}:{name}"), attributes: map[string]string{"AliasArn": arnOf("lambda", "function:{FunctionName}:{name}")}},
	"AWS::Lambda::EventInvokeConfig": {ref: "{id}"},
	"AWS::Lambda::EventSourceMapping": {ref: "{id}", attributes: map[string]string{
		"Id": "{id}", "EventSourceMappingArn": arnOf("lambda", "event-source-mapping:{id}")}},
	"AWS::Lambda::Function": {name: "FunctionName", attributes: map[string]string{
		"Arn": arnOf("lambda", "function:{name}")}},
	"AWS::Lambda::Permission": {ref: "{id}"},
	"AWS::Lambda::Version":    {ref: arnOf("lambda", "function:{FunctionName}:1"), attributes: map[string]string{"Version": "1", "FunctionArn": arnOf("lambda", "function:{FunctionName}:1")}},

	"AWS::Logs::LogGroup":       {name: "LogGroupName", attributes: map[string]string{"Arn": arnOf("logs", "log-group:{name}:*")}},
	"AWS::Logs::MetricFilter":   {ref: "{id}"},
	"AWS::Logs::ResourcePolicy": {ref: "{id}"},

	"AWS::SNS::Subscription": {ref: "{id}"},
	"AWS::SNS::Topic": {name: "TopicName", ref: arnOf("sns", "{name}"), attributes: map[string]string{
		"TopicArn": arnOf("sns", "{name}"), "TopicName": "{name}"}},
	"AWS::SNS::TopicPolicy": {ref: "{id}"},

	"AWS::SQS::Queue": {name: "QueueName", ref: "https://sqs." + Region + ".amazonaws.com/" + Account + "/{name}", attributes: map[string]string{
		"Arn": arnOf("sqs", "{name}"), "QueueName": "{name}", "QueueUrl": "https://sqs." + Region + ".amazonaws.com/" + Account + "/{name}"}},
	"AWS::SQS::QueuePolicy": {ref: "{id}"},

	"AWS::Scheduler::Schedule":      {name: "Name", attributes: map[string]string{"Arn": arnOf("scheduler", "schedule/{GroupName}/{name}")}},
	"AWS::Scheduler::ScheduleGroup": {name: "Name", attributes: map[string]string{"Arn": arnOf("scheduler", "schedule-group/{name}")}},

	"AWS::SecretsManager::Secret": {name: "Name", ref: arnOf("secretsmanager", "secret:{name}-local0"), attributes: map[string]string{
		"Id": arnOf("secretsmanager", "secret:{name}-local0")}},
	"AWS::SecretsManager::ResourcePolicy": {ref: "{id}"},

	"AWS::StepFunctions::StateMachine": {name: "StateMachineName", ref: arnOf("states", "stateMachine:{name}"), attributes: map[string]string{
		"Arn": arnOf("states", "stateMachine:{name}"), "Name": "{name}"}},
}

func (t *Template) attribute(path, id, name string) (any, error) {
	r, ok := t.resources[id]
	if !ok {
		return nil, fmt.Errorf("%s: there is no resource or parameter %q", path, id)
	}
	if t.resolving[id+"."+name] {
		return nil, fmt.Errorf("%s: %s.%s refers to itself", path, id, name)
	}
	t.resolving[id+"."+name] = true
	defer delete(t.resolving, id+"."+name)

	k := kinds[r.Type]
	format, ok := k.attributes[name]
	switch {
	case name == "Ref":
		format = k.ref
		if format == "" {
			format = "{name}"
		}
		if r.Type == "AWS::Events::Rule" {
			format = "{bus}{name}"
		}
	case r.Type == "AWS::Events::Rule" && name == "Arn":
		format = arnOf("events", "rule/{bus}{name}")
	case !ok:
		return nil, fmt.Errorf("%s: attribute %s of %s is not supported", path, name, r.Type)
	}
	return t.format(r, k, format)
}

// format fills a format; see kind.
func (t *Template) format(r Resource, k kind, format string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(format, "{")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		field, after, _ := strings.Cut(rest, "}")
		value, err := t.field(r, k, field)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		format = after
	}
}

func (t *Template) field(r Resource, k kind, field string) (string, error) {
	switch field {
	case "id":
		sum := sha256.Sum256([]byte(t.stack + "/" + r.ID))
		return hex.EncodeToString(sum[:])[:10], nil
	case "name":
		if raw, ok := r.Properties[k.name]; ok && k.name != "" {
			value, err := t.Resolve(r.ID+"."+k.name, raw)
			return fmt.Sprint(value), err
		}
		// CloudFormation appends random letters; local names repeat.
		return t.stack + "-" + r.ID, nil
	case "bus":
		raw, ok := r.Properties["EventBusName"]
		if !ok {
			return "", nil
		}
		value, err := t.Resolve(r.ID+".EventBusName", raw)
		bus := fmt.Sprint(value)
		bus = bus[strings.LastIndex(bus, "/")+1:]
		if bus == "default" {
			return "", err
		}
		return bus + "/", err
	case "GroupName":
		raw, ok := r.Properties["GroupName"]
		if !ok {
			return "default", nil
		}
		value, err := t.Resolve(r.ID+".GroupName", raw)
		return fmt.Sprint(value), err
	default:
		value, err := t.Resolve(r.ID+"."+field, r.Properties[field])
		// A function may be named by its ARN.
		text := fmt.Sprint(value)
		return text[strings.LastIndex(text, ":")+1:], err
	}
}
