package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/events/patterns"
)

// statement is one Allow of a role.
type statement struct {
	actions   []string
	resources []string // rendered, intrinsic functions included
}

// statementsOf lists what a role may do, and fails where something is allowed in
// a way that these tests do not read.
func (tpl template) statementsOf(t *testing.T, role string) []statement {
	t.Helper()
	r, ok := tpl.Resources[role]
	if !ok || r.Type != "AWS::IAM::Role" {
		t.Fatalf("%q is no role", role)
	}
	for _, property := range []string{"ManagedPolicyArns", "Policies"} {
		if r.Properties[property] != nil {
			t.Errorf("%s: %s; grants belong into a policy of their own", role, property)
		}
	}
	var found []statement
	for id, p := range tpl.of(t, "AWS::IAM::Policy") {
		attached := false
		for _, to := range list(p.Properties["Roles"]) {
			attached = attached || at(to, "Ref") == role
		}
		if !attached {
			continue
		}
		for _, s := range list(at(p.Properties, "PolicyDocument", "Statement")) {
			if at(s, "Effect") != "Allow" || at(s, "NotAction") != nil || at(s, "NotResource") != nil {
				t.Errorf("%s: %s is no plain Allow", id, text(s))
			}
			var one statement
			for _, a := range list(at(s, "Action")) {
				one.actions = append(one.actions, a.(string))
			}
			for _, res := range list(at(s, "Resource")) {
				one.resources = append(one.resources, text(res))
			}
			found = append(found, one)
		}
	}
	return found
}

// functionsByName maps a function's name to its resource.
func (tpl template) functionsByName(t *testing.T) map[string]resource {
	t.Helper()
	byName := map[string]resource{}
	for id, r := range tpl.of(t, "AWS::Lambda::Function") {
		name, _ := at(r.Metadata, metadataKey, "function").(string)
		if name == "" || byName[name].Type != "" {
			t.Fatalf("%s: function name %q", id, name)
		}
		byName[name] = r
	}
	return byName
}

// starResources are the actions that AWS offers for every resource or none, with
// the reason. An entry that nobody uses is an error too.
var starResources = map[string]string{
	"xray:PutTraceSegments":         "X-Ray knows no resource to name for it",
	"xray:PutTelemetryRecords":      "X-Ray knows no resource to name for it",
	"xray:GetSamplingRules":         "X-Ray knows no resource to name for it",
	"xray:GetSamplingTargets":       "X-Ray knows no resource to name for it",
	"logs:CreateLogDelivery":        "log delivery of Step Functions, account-wide by design",
	"logs:GetLogDelivery":           "log delivery of Step Functions, account-wide by design",
	"logs:UpdateLogDelivery":        "log delivery of Step Functions, account-wide by design",
	"logs:DeleteLogDelivery":        "log delivery of Step Functions, account-wide by design",
	"logs:ListLogDeliveries":        "log delivery of Step Functions, account-wide by design",
	"logs:PutResourcePolicy":        "log delivery of Step Functions, account-wide by design",
	"logs:DescribeResourcePolicies": "log delivery of Step Functions, account-wide by design",
	"logs:DescribeLogGroups":        "log delivery of Step Functions, account-wide by design",
}

func TestLeastPrivilege(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		used := map[string]bool{}
		for id := range tpl.of(t, "AWS::IAM::Role") {
			for _, s := range tpl.statementsOf(t, id) {
				for _, action := range s.actions {
					if strings.Contains(action, "*") {
						t.Errorf("%s: action %s", id, action)
					}
					for _, res := range s.resources {
						switch {
						case res == "*" && starResources[action] == "":
							t.Errorf("%s: %s on every resource without a stated reason", id, action)
						case res == "*":
							used[action] = true
						case strings.Contains(res, "*") && !strings.HasPrefix(action, "connect:"):
							// Contacts and flows of one instance are made at run time.
							t.Errorf("%s: %s on %s", id, action, res)
						}
					}
				}
			}
		}
		for action := range starResources {
			if !used[action] {
				t.Errorf("starResources lists %s, which no role has", action)
			}
		}
	})
}

// TestRolesAreOwn: every function and workflow has a role that nobody else has,
// and every role trusts exactly one service.
func TestRolesAreOwn(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		owner := map[string]string{}
		for _, kind := range []string{"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"} {
			for id, r := range tpl.of(t, kind) {
				role := roleOf(r)
				if role == "" || owner[role] != "" {
					t.Errorf("%s: role %q also belongs to %q", id, role, owner[role])
				}
				owner[role] = id
			}
		}
		for id, r := range tpl.of(t, "AWS::IAM::Role") {
			trust := list(at(r.Properties, "AssumeRolePolicyDocument", "Statement"))
			if len(trust) != 1 {
				t.Errorf("%s trusts in %d statements", id, len(trust))
				continue
			}
			if _, ok := at(trust[0], "Principal", "Service").(string); !ok {
				t.Errorf("%s trusts %s", id, text(at(trust[0], "Principal")))
			}
		}
	})
}

// TestGrants holds every function's permissions against what its work needs. The
// list is written a second time on purpose: a new grant is a decision.
func TestGrants(t *testing.T) {
	table := map[string]string{
		webhook:  "PutItem",
		poller:   "PutItem UpdateItem",
		triage:   "",
		match:    "BatchGetItem DeleteItem GetItem PutItem UpdateItem",
		reply:    "GetItem Query UpdateItem",
		escalate: "DeleteItem GetItem UpdateItem",
		send:     "DeleteItem GetItem UpdateItem",
		invite:   "BatchGetItem DeleteItem GetItem Query UpdateItem",
		contact:  "BatchGetItem DeleteItem GetItem Query UpdateItem",
		lookup:   "BatchGetItem GetItem Query UpdateItem",
		ledger:   "BatchGetItem GetItem PutItem Query UpdateItem",
	}
	other := map[string][]string{
		webhook:  {"events:PutEvents", "secretsmanager:GetSecretValue"},
		poller:   {"events:PutEvents", "secretsmanager:GetSecretValue", "sqs:SendMessage"},
		escalate: {"events:PutEvents", "states:SendTaskSuccess"},
		send:     {"events:PutEvents", "secretsmanager:GetSecretValue"},
		invite:   {"events:PutEvents", "sqs:SendMessage", "states:StartExecution"},
		contact:  {"events:PutEvents", "sqs:SendMessage", "states:SendTaskSuccess", "states:StartExecution"},
		ledger:   {"events:PutEvents", "sqs:SendMessage"},
	}
	connect := map[string][]string{
		escalate: {"connect:StartTaskContact", "connect:StopContact"},
		contact:  {"connect:DescribeContact"},
	}
	unconfigured := []string{match, validate} // what the business users' config has no say in; what judges it before it holds
	configured := []string{"appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"}
	everyone := []string{
		"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
	}
	indexed := []string{ledger}
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		for name, f := range tpl.functionsByName(t) {
			want := slices.Concat(everyone, other[name])
			if !slices.Contains(unconfigured, name) {
				want = append(want, configured...)
			}
			for action := range strings.FieldsSeq(table[name]) {
				want = append(want, "dynamodb:"+action)
			}
			if stage == "local" { // the one stage with Amazon Connect by default
				want = append(want, connect[name]...)
			}
			var got []string
			index := false
			for _, s := range tpl.statementsOf(t, roleOf(f)) {
				got = append(got, s.actions...)
				for _, res := range s.resources {
					index = index || strings.Contains(res, dueIndex)
				}
			}
			slices.Sort(got)
			got = slices.Compact(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s may (-want +got):\n%s", name, diff)
			}
			if index != slices.Contains(indexed, name) {
				t.Errorf("%s may query the index: %v", name, index)
			}
		}
	})
}

// TestOneDoorOut: only send can read the secret with the write tokens, nobody
// reads more than its work needs, and no other action on a secret is granted.
func TestOneDoorOut(t *testing.T) {
	want := map[string][]string{
		webhook: {"SecretsIngest", "SecretsRead"}, poller: {"SecretsRead"}, send: {"SecretsWrite"},
	}
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		secrets := tpl.of(t, "AWS::SecretsManager::Secret")
		if len(secrets) != 3 {
			t.Errorf("%d secrets, want 3", len(secrets))
		}
		for id, s := range secrets {
			for _, property := range []string{"SecretString", "GenerateSecretString"} {
				if s.Properties[property] != nil {
					t.Errorf("%s has a %s in the template", id, property)
				}
			}
		}
		for id, r := range tpl.Resources {
			if strings.HasPrefix(r.Type, "AWS::SecretsManager::") && r.Type != "AWS::SecretsManager::Secret" {
				t.Errorf("%s: a %s could let others in", id, r.Type)
			}
		}
		owner := map[string]string{}
		for name, f := range tpl.functionsByName(t) {
			owner[roleOf(f)] = name
			var env []string
			for key, value := range at(f.Properties, "Environment", "Variables").(map[string]any) {
				if strings.HasPrefix(key, "FIELDER_SECRET_") {
					env = append(env, logicalPrefix(text(at(value, "Ref"))))
				}
			}
			slices.Sort(env)
			if !slices.Equal(env, want[name]) {
				t.Errorf("%s is told of %v, want %v", name, env, want[name])
			}
		}
		for role := range tpl.of(t, "AWS::IAM::Role") {
			var got []string
			for _, s := range tpl.statementsOf(t, role) {
				for _, action := range s.actions {
					if !strings.HasPrefix(action, "secretsmanager:") {
						continue
					}
					if action != "secretsmanager:GetSecretValue" {
						t.Errorf("%s: %s", role, action)
					}
					for _, res := range s.resources {
						var ref struct{ Ref string }
						if err := json.Unmarshal([]byte(res), &ref); err != nil || ref.Ref == "" {
							t.Errorf("%s: secret %s is not one by reference", role, res)
						}
						got = append(got, logicalPrefix(ref.Ref))
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want[owner[role]]) {
				t.Errorf("%s (%s) reads %v, want %v", role, owner[role], got, want[owner[role]])
			}
		}
	})
}

// logicalPrefix cuts the CDK's eight-digit hash off a logical id.
func logicalPrefix(id string) string {
	if len(id) > 8 {
		return id[:len(id)-8]
	}
	return id
}

func TestFunctions(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		functions := tpl.functionsByName(t)
		if got := slices.Sorted(maps.Keys(functions)); !slices.Equal(got, slices.Sorted(slices.Values(functionNames))) {
			t.Errorf("functions %v, want %v", got, functionNames)
		}
		logs := tpl.of(t, "AWS::Logs::LogGroup")
		for name, f := range functions {
			t.Run(name, func(t *testing.T) {
				p := f.Properties
				for path, want := range map[string]any{
					"Runtime": "provided.al2023", "Handler": "bootstrap",
					"LoggingConfig.LogFormat": "JSON", "TracingConfig.Mode": "Active",
					"FunctionName": product + "-" + stage + "-" + name,
				} {
					if got := at(p, strings.Split(path, ".")...); got != want {
						t.Errorf("%s is %v, want %v", path, got, want)
					}
				}
				if got := text(p["Architectures"]); got != `["arm64"]` {
					t.Errorf("architectures %s", got)
				}
				for _, path := range []string{"Timeout", "MemorySize"} {
					if n, _ := p[path].(float64); n <= 0 {
						t.Errorf("%s is not given", path)
					}
				}
				group, _ := at(p, "LoggingConfig", "LogGroup", "Ref").(string)
				if logs[group].Type == "" {
					t.Errorf("log group %q is not in the template: Lambda would make one that never ends", group)
				}
				_, limited := p["ReservedConcurrentExecutions"]
				reason, _ := at(f.Metadata, metadataKey, "unlimited").(string)
				if limited == (reason != "") {
					t.Errorf("reserved concurrency: %v, reason for none: %q; want exactly one", limited, reason)
				}
			})
		}
	})
}

// TestCallersWait: a contact flow waits at most 8 seconds for a function, X for a
// webhook 10, AppConfig for a validator 15, an HTTP API for an integration 30.
func TestCallersWait(t *testing.T) {
	limits := map[string]float64{lookup: 8, webhook: 10, validate: 15}
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		functions := tpl.functionsByName(t)
		for name, limit := range limits {
			if got := functions[name].Properties["Timeout"].(float64); got >= limit {
				t.Errorf("%s may take %v s, its caller waits %v", name, got, limit)
			}
		}
		if got := functions[poller].Properties["Timeout"].(float64); got >= 60 {
			t.Errorf("poller may take %v s, the next run comes after 60", got)
		}
	})
}

// TestAsynchronousFailuresAreKept: whatever a rule or a schedule invokes has a
// place for events that fail for good.
func TestAsynchronousFailuresAreKept(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		kept := map[string]bool{}
		for id, c := range tpl.of(t, "AWS::Lambda::EventInvokeConfig") {
			if !strings.HasPrefix(text(at(c.Properties, "DestinationConfig", "OnFailure", "Destination")), `{"Fn::GetAtt":["QueuesDead`) {
				t.Errorf("%s keeps failures elsewhere", id)
			}
			if c.Properties["MaximumRetryAttempts"] == nil || c.Properties["MaximumEventAgeInSeconds"] == nil {
				t.Errorf("%s has no retry policy", id)
			}
			kept[text(at(c.Properties, "FunctionName", "Ref"))] = true
		}
		invoked := map[string]bool{}
		note := func(target any) {
			if parts, ok := at(target, "Arn", "Fn::GetAtt").([]any); ok && tpl.Resources[parts[0].(string)].Type == "AWS::Lambda::Function" {
				invoked[parts[0].(string)] = true
			}
		}
		for _, r := range tpl.of(t, "AWS::Events::Rule") {
			for _, target := range list(r.Properties["Targets"]) {
				note(target)
			}
		}
		for _, s := range tpl.of(t, "AWS::Scheduler::Schedule") {
			note(s.Properties["Target"])
		}
		if len(invoked) < 3 {
			t.Errorf("only %v are invoked asynchronously", invoked)
		}
		for id := range invoked {
			if !kept[id] {
				t.Errorf("%s is invoked asynchronously, and its failures are lost", id)
			}
		}
	})
}

func TestDeliveries(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		check := func(id string, target any, age, attempts string) {
			parts, _ := at(target, "DeadLetterConfig", "Arn", "Fn::GetAtt").([]any)
			if len(parts) == 0 || tpl.Resources[parts[0].(string)].Type != "AWS::SQS::Queue" {
				t.Errorf("%s: no dead-letter queue", id)
			}
			for _, field := range []string{age, attempts} {
				if n, _ := at(target, "RetryPolicy", field).(float64); n <= 0 {
					t.Errorf("%s: no %s", id, field)
				}
			}
		}
		var mayWrite []string
		for _, p := range tpl.of(t, "AWS::SQS::QueuePolicy") {
			for _, s := range list(at(p.Properties, "PolicyDocument", "Statement")) {
				if at(s, "Effect") == "Allow" && at(s, "Principal", "Service") == "events.amazonaws.com" {
					if parts, ok := at(s, "Condition", "ArnEquals", "aws:SourceArn", "Fn::GetAtt").([]any); ok {
						mayWrite = append(mayWrite, parts[0].(string))
					}
				}
			}
		}
		rules := tpl.of(t, "AWS::Events::Rule")
		for id, r := range rules {
			targets := list(r.Properties["Targets"])
			if len(targets) == 0 {
				t.Errorf("%s has no target", id)
			}
			for _, target := range targets {
				check(id, target, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
			}
			if !slices.Contains(mayWrite, id) {
				t.Errorf("%s may not write to its dead-letter queue", id)
			}
		}
		for id, s := range tpl.of(t, "AWS::Scheduler::Schedule") {
			check(id, s.Properties["Target"], "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
		}
		if want := map[bool]int{true: 4, false: 3}[stage == "local"]; len(rules) != want {
			t.Errorf("%d rules, want %d", len(rules), want)
		}
	})
}

// TestPatternsAreTheFiles: a rule's pattern is the file of events/patterns, not
// what the CDK made of it.
func TestPatternsAreTheFiles(t *testing.T) {
	files := map[string]string{
		"PostReceivedRule": patterns.PostReceived, "PostChangedRule": patterns.PostChanged,
		"ConversationResolvedRule": patterns.ConversationResolved, "ConnectContactRule": patterns.ContactEvent,
	}
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		for id, r := range tpl.of(t, "AWS::Events::Rule") {
			want, err := patterns.Load(files[logicalPrefix(id)])
			if err != nil {
				t.Fatal(err)
			}
			got := maps.Clone(r.Properties["EventPattern"].(map[string]any))
			if logicalPrefix(id) == "ConnectContactRule" {
				if !strings.Contains(text(got["resources"]), "instance/"+localConnect.Instance) {
					t.Errorf("%s hears every instance of the account: %s", id, text(got["resources"]))
				}
				delete(got, "resources")
			}
			if text(got) != text(want) {
				t.Errorf("%s: %s, want %s", id, text(got), text(want))
			}
		}
	})
}

func TestData(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		production := stage == "prod"
		for id, table := range tpl.of(t, "AWS::DynamoDB::Table") {
			p := table.Properties
			for path, want := range map[string]any{
				"BillingMode": "PAY_PER_REQUEST",
				"PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": true,
				"TimeToLiveSpecification.Enabled":                             true,
				"TimeToLiveSpecification.AttributeName":                       "expires",
				"DeletionProtectionEnabled":                                   production,
			} {
				if got := at(p, strings.Split(path, ".")...); got != want {
					t.Errorf("%s: %s is %v, want %v", id, path, got, want)
				}
			}
			if got, want := text(p["KeySchema"]), `[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]`; got != want {
				t.Errorf("%s: keys %s, want %s", id, got, want)
			}
			want := `[{"IndexName":"gsi1","KeySchema":[{"AttributeName":"gsi1pk","KeyType":"HASH"},{"AttributeName":"gsi1sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]`
			if got := text(p["GlobalSecondaryIndexes"]); got != want {
				t.Errorf("%s: index %s, want %s", id, got, want)
			}
		}
		for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"} {
			for id, r := range tpl.of(t, kind) {
				if want := map[bool]string{true: "Retain", false: "Delete"}[production]; r.DeletionPolicy != want {
					t.Errorf("%s: %q when the stack goes, want %s", id, r.DeletionPolicy, want)
				}
			}
		}
		for id, q := range tpl.of(t, "AWS::SQS::Queue") {
			if q.Properties["SqsManagedSseEnabled"] != true && q.Properties["KmsMasterKeyId"] == nil {
				t.Errorf("%s is not encrypted", id)
			}
			if q.Properties["MessageRetentionPeriod"] != 14.0*24*3600 {
				t.Errorf("%s keeps entries for %v s", id, q.Properties["MessageRetentionPeriod"])
			}
		}
		for id, a := range tpl.of(t, "AWS::Events::Archive") {
			// What is deleted upstream is deleted here within 24 hours.
			if a.Properties["RetentionDays"] != 1.0 {
				t.Errorf("%s keeps posts for %v days", id, a.Properties["RetentionDays"])
			}
		}
		for id, g := range tpl.of(t, "AWS::Logs::LogGroup") {
			if days, _ := g.Properties["RetentionInDays"].(float64); days <= 0 {
				t.Errorf("%s never ends", id)
			}
		}
		for id, m := range tpl.of(t, "AWS::StepFunctions::StateMachine") {
			if at(m.Properties, "TracingConfiguration", "Enabled") != true {
				t.Errorf("%s is not traced", id)
			}
			if at(m.Properties, "LoggingConfiguration", "IncludeExecutionData") != false || len(list(at(m.Properties, "LoggingConfiguration", "Destinations"))) == 0 {
				t.Errorf("%s logs %s; it must log, and never what customers wrote", id, text(m.Properties["LoggingConfiguration"]))
			}
		}
	})
}

func TestAPI(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		var keys []string
		for _, r := range tpl.of(t, "AWS::ApiGatewayV2::Route") {
			keys = append(keys, r.Properties["RouteKey"].(string))
		}
		slices.Sort(keys)
		want := []string{"GET /health", "GET /webhooks/meta", "GET /webhooks/x", "POST /webhooks/meta", "POST /webhooks/x"}
		if !slices.Equal(keys, want) {
			t.Errorf("routes %v, want %v", keys, want)
		}
		for id, s := range tpl.of(t, "AWS::ApiGatewayV2::Stage") {
			for _, limit := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
				if n, _ := at(s.Properties, "DefaultRouteSettings", limit).(float64); n <= 0 {
					t.Errorf("%s: no %s", id, limit)
				}
			}
			format, _ := at(s.Properties, "AccessLogSettings", "Format").(string)
			if format == "" {
				t.Errorf("%s has no access log", id)
			}
			for _, secret := range []string{"$context.identity.sourceIp", "$context.path", "querystring"} {
				if strings.Contains(format, secret) {
					t.Errorf("%s logs %s", id, secret)
				}
			}
		}
		for id, i := range tpl.of(t, "AWS::ApiGatewayV2::Integration") {
			if i.Properties["PayloadFormatVersion"] != "2.0" {
				t.Errorf("%s: payload format %v", id, i.Properties["PayloadFormatVersion"])
			}
		}
	})
}

// TestAlarms: whatever can go wrong where nobody looks has an alarm that rings
// somewhere.
func TestAlarms(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		alarms := tpl.of(t, "AWS::CloudWatch::Alarm")
		var watched strings.Builder
		for id, a := range alarms {
			if len(list(a.Properties["AlarmActions"])) == 0 {
				t.Errorf("%s rings nowhere", id)
			}
			if s, _ := a.Properties["AlarmDescription"].(string); s == "" {
				t.Errorf("%s does not say what to do", id)
			}
			if a.Properties["TreatMissingData"] == nil {
				t.Errorf("%s does not say what silence means", id)
			}
			fmt.Fprintln(&watched, text(a.Properties))
		}
		all := watched.String()
		expect := func(what, needle string) {
			if !strings.Contains(all, needle) {
				t.Errorf("no alarm on %s", what)
			}
		}
		for id := range tpl.of(t, "AWS::SQS::Queue") {
			expect("queue "+id, fmt.Sprintf(`{"Fn::GetAtt":[%q,"QueueName"]}`, id))
		}
		for id := range tpl.of(t, "AWS::StepFunctions::StateMachine") {
			expect("workflow "+id, fmt.Sprintf(`"Name":"StateMachineArn","Value":{"Ref":%q}`, id))
		}
		for id, f := range tpl.of(t, "AWS::Lambda::Function") {
			for _, metric := range []string{"Errors", "Throttles"} {
				// Its errors are refused bundles, and whoever pushed one is told.
				found := metric == "Errors" && at(f.Metadata, metadataKey, "function") == validate
				for _, a := range alarms {
					p := a.Properties
					found = found || p["MetricName"] == metric && strings.Contains(text(p["Dimensions"]), fmt.Sprintf(`{"Ref":%q}`, id))
				}
				if !found {
					t.Errorf("no alarm on %s of %v", metric, f.Properties["FunctionName"])
				}
			}
		}
		expect("webhook errors", `"MetricName":"5xx"`)
		expect("webhook latency", `"ExtendedStatistic":"p99"`)
		expect("unaccounted posts", `"MetricName":"`+metricUnaccounted+`","Namespace":"Fielder/`+stage+`"`)
		for id, a := range alarms {
			if strings.Contains(text(a.Properties), metricUnaccounted) && a.Properties["TreatMissingData"] != "breaching" {
				t.Errorf("%s: a ledger that does not run must ring", id)
			}
		}
		if n := len(tpl.of(t, "AWS::CloudWatch::Dashboard")); n != 2 {
			t.Errorf("%d dashboards, want 2", n)
		}
	})
}

func TestConfigRollsOut(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		for id, p := range tpl.of(t, "AWS::AppConfig::ConfigurationProfile") {
			if !strings.Contains(text(p.Properties["Validators"]), "JSON_SCHEMA") {
				t.Errorf("%s takes anything", id)
			}
			askedFirst(t, tpl, id, list(p.Properties["Validators"]))
		}
		for id, e := range tpl.of(t, "AWS::AppConfig::Environment") {
			watched := ""
			for _, m := range list(e.Properties["Monitors"]) {
				for alarm, a := range tpl.of(t, "AWS::CloudWatch::Alarm") {
					if text(at(m, "AlarmArn")) == `{"Fn::GetAtt":["`+alarm+`","Arn"]}` {
						watched += text(a.Properties)
					}
				}
			}
			for what, metric := range map[string]string{"triage fails": `"Value":"fielder-` + stage + `-triage"`, "reply fails": `"Value":"fielder-` + stage + `-reply"`,
				"a function cannot read the bundle": `"MetricName":"` + metricRefusedConfig + `","Namespace":"Fielder/` + stage + `"`} {
				if !strings.Contains(watched, metric) {
					t.Errorf("%s does not roll back when %s", id, what)
				}
			}
		}
		for id, s := range tpl.of(t, "AWS::AppConfig::DeploymentStrategy") {
			gradual := s.Properties["DeploymentDurationInMinutes"].(float64) > 0 && s.Properties["FinalBakeTimeInMinutes"].(float64) > 0
			if gradual != (stage == "prod") {
				t.Errorf("%s is gradual: %v", id, gradual)
			}
		}
		tpl.of(t, "AWS::AppConfig::Deployment")
	})
}

// askedFirst: the profile's validator function is asked before any deployment,
// the first one too, by this profile and nobody else.
func askedFirst(t *testing.T, tpl template, profile string, validators []any) {
	t.Helper()
	var validator string
	for id, f := range tpl.of(t, "AWS::Lambda::Function") {
		if at(f.Metadata, metadataKey, "function") == validate {
			validator = id
		}
	}
	asked := slices.ContainsFunc(validators, func(v any) bool {
		return at(v, "Type") == "LAMBDA" && text(at(v, "Content")) == `{"Fn::GetAtt":["`+validator+`","Arn"]}`
	})
	if !asked {
		t.Errorf("%s does not ask %s", profile, validator)
	}
	var permission string
	for id, p := range tpl.of(t, "AWS::Lambda::Permission") {
		if text(at(p.Properties["FunctionName"], "Fn::GetAtt")) != `["`+validator+`","Arn"]` {
			continue
		}
		if permission != "" {
			t.Errorf("more than one may ask %s", validator)
		}
		permission = id
		source := text(p.Properties["SourceArn"])
		if p.Properties["Principal"] != "appconfig.amazonaws.com" || p.Properties["Action"] != "lambda:InvokeFunction" ||
			!strings.Contains(source, `":application/",{"Fn::Join":["/configurationprofile/",[{"Ref":"ConfigApplication`) || !strings.Contains(source, `{"Ref":"`+profile+`"}`) {
			t.Errorf("%s lets others ask: %s", id, text(p.Properties))
		}
	}
	for id, d := range tpl.of(t, "AWS::AppConfig::Deployment") {
		if permission == "" || !strings.Contains(text(d.DependsOn), `"`+permission+`"`) {
			t.Errorf("%s may begin before AppConfig may ask the validator: it depends on %s", id, text(d.DependsOn))
		}
	}
}

// TestNames: stages share an account, so that every physical name says its stage;
// and nothing of a template is left unresolved or outside what the local stack
// and a reader know.
func TestNames(t *testing.T) {
	ordinary := []string{
		"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
		"AWS::AppConfig::Application", "AWS::AppConfig::ConfigurationProfile", "AWS::AppConfig::Deployment",
		"AWS::AppConfig::DeploymentStrategy", "AWS::AppConfig::Environment", "AWS::AppConfig::HostedConfigurationVersion",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Connect::IntegrationAssociation",
		"AWS::DynamoDB::Table", "AWS::Events::Archive", "AWS::Events::EventBus", "AWS::Events::Rule",
		"AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function", "AWS::Lambda::Permission",
		"AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
		"AWS::Scheduler::Schedule", "AWS::SecretsManager::Secret", "AWS::StepFunctions::StateMachine",
	}
	named := []string{"FunctionName", "StateMachineName", "LogGroupName", "DashboardName", "Name"}
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		for id, r := range tpl.Resources {
			if !slices.Contains(ordinary, r.Type) {
				t.Errorf("%s is a %s; teach the local stack before using one", id, r.Type)
			}
			for _, property := range named {
				name, ok := r.Properties[property].(string)
				if !ok || strings.Contains(name, stage) || r.Type == "AWS::AppConfig::ConfigurationProfile" {
					continue
				}
				t.Errorf("%s: the %s %q would be taken by the other stages", id, property, name)
			}
		}
		if strings.Contains(text(tpl.Raw), "${Token[") {
			t.Error("a token of the CDK is left unresolved")
		}
	})
}
