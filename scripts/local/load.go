package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/asl"
	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/iam"
	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/scripts/local/pattern"
)

// noLocalMeaning are the resource types that the local stack accepts and does
// nothing with, and why.
var noLocalMeaning = map[string]string{
	"AWS::CDK::Metadata":                   "tells AWS which CDK version synthesised the template",
	"AWS::CloudWatch::Alarm":               "nobody is woken by a laptop, the metrics are in the function logs; but AppConfig looks at the alarms that it is told to",
	"AWS::CloudWatch::CompositeAlarm":      "nobody is woken by a laptop",
	"AWS::CloudWatch::Dashboard":           "there is no CloudWatch console",
	"AWS::Connect::IntegrationAssociation": "lets flows choose a function in the console; the function's permission is what is checked",
	"AWS::KMS::Alias":                      "nothing is encrypted at rest locally",
	"AWS::KMS::Key":                        "nothing is encrypted at rest locally",
	"AWS::Logs::LogGroup":                  "function logs are kept in memory, see Stack.Logs",
	"AWS::Logs::MetricFilter":              "there is no CloudWatch",
	"AWS::Logs::ResourcePolicy":            "there is no CloudWatch Logs",
	"AWS::SNS::Topic":                      "only alarms use it, and they do not ring; a function that publishes gets an error",
	"AWS::SNS::TopicPolicy":                "see the topic",
	"AWS::Scheduler::ScheduleGroup":        "only names its schedules",
	"AWS::AppConfig::Application":          "only names its profiles",
	"AWS::Lambda::Version":                 "there is one version, $LATEST",
	"AWS::DynamoDB::Table":                 "", // the engine's: see startEngine
}

// loaders read the resource types that mean something, in this order: what is
// referred to comes before what refers to it.
var loaders = []struct {
	kind string
	load func(*Stack, cfn.Resource) error
}{
	{"AWS::IAM::Role", (*Stack).loadRole},
	{"AWS::IAM::Policy", (*Stack).loadPolicy},
	{"AWS::SQS::Queue", (*Stack).loadQueue},
	{"AWS::SQS::QueuePolicy", (*Stack).loadQueuePolicy},
	{"AWS::Lambda::Function", (*Stack).loadFunction},
	{"AWS::Lambda::Permission", (*Stack).loadPermission},
	{"AWS::Lambda::EventInvokeConfig", (*Stack).loadInvokeConfig},
	{"AWS::SecretsManager::Secret", (*Stack).loadSecret},
	{"AWS::AppConfig::ConfigurationProfile", (*Stack).loadProfile},
	{"AWS::AppConfig::Environment", (*Stack).loadEnvironment},
	{"AWS::AppConfig::DeploymentStrategy", (*Stack).loadStrategy},
	{"AWS::AppConfig::HostedConfigurationVersion", (*Stack).loadHostedVersion},
	{"AWS::AppConfig::Deployment", (*Stack).loadDeployment},
	{"AWS::StepFunctions::StateMachine", (*Stack).loadMachine},
	{"AWS::Events::EventBus", (*Stack).loadBus},
	{"AWS::Events::Archive", (*Stack).loadArchive},
	{"AWS::Events::Rule", (*Stack).loadRule},
	{"AWS::Scheduler::Schedule", (*Stack).loadSchedule},
	{"AWS::ApiGatewayV2::Api", (*Stack).loadAPI},
	{"AWS::ApiGatewayV2::Stage", (*Stack).loadStage},
	{"AWS::ApiGatewayV2::Integration", (*Stack).loadIntegration},
	{"AWS::ApiGatewayV2::Authorizer", (*Stack).loadAuthorizer},
	{"AWS::ApiGatewayV2::Route", (*Stack).loadRoute},
}

// load builds everything from the template and reports every problem at once.
func (s *Stack) load() error {
	known := map[string]bool{}
	for _, l := range loaders {
		known[l.kind] = true
	}
	var problems []error
	for _, r := range s.template.Resources("") {
		why, ok := noLocalMeaning[r.Type]
		switch {
		case ok && why != "":
			s.ignored[r.Type] = why
		case !ok && !known[r.Type]:
			problems = append(problems, fmt.Errorf("%s: resource type %s is not supported by the local stack", r.ID, r.Type))
		}
	}
	s.buses["default"] = &bus{name: "default", arn: arnOf("events", "event-bus/default")}
	for _, l := range loaders {
		for _, r := range s.template.Resources(l.kind) {
			if err := l.load(s, r); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("the template cannot run locally:\n%w", errors.Join(problems...))
	}
	// Workflows name functions, queues and each other: check once all are there.
	for _, m := range s.machines {
		if err := s.checkMachine(m); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func arnOf(service, resource string) string {
	return "arn:" + cfn.Partition + ":" + service + ":" + cfn.Region + ":" + cfn.Account + ":" + resource
}

// tail is the part of an ARN, URL or name after the last separator.
func tail(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }

// --- IAM -------------------------------------------------------------------

type inlinePolicy struct {
	PolicyName     string
	PolicyDocument any
}

func (s *Stack) loadRole(r cfn.Resource) error {
	var p struct {
		RoleName                 string
		AssumeRolePolicyDocument any
		Policies                 []inlinePolicy
		ManagedPolicyArns        []string
		Path                     string
		MaxSessionDuration       cfn.Ignored `why:"local sessions do not expire"`
		Description, Tags        cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	made := &role{name: tail(arn, "/"), arn: arn}
	if made.trust, err = iam.Parse(r.ID+".AssumeRolePolicyDocument", p.AssumeRolePolicyDocument); err != nil {
		return err
	}
	for i, inline := range p.Policies {
		policy, err := iam.Parse(fmt.Sprintf("%s.Policies[%d]", r.ID, i), inline.PolicyDocument)
		if err != nil {
			return err
		}
		made.policies = append(made.policies, policy)
	}
	for i, managed := range p.ManagedPolicyArns {
		policy, ok := managedPolicies[tail(managed, "/")]
		if !ok {
			return fmt.Errorf("%s.ManagedPolicyArns[%d]: %s is not supported", r.ID, i, managed)
		}
		made.policies = append(made.policies, policy)
	}
	s.roles[arn] = made
	return nil
}

// managedPolicies are AWS's own that a template may attach.
var managedPolicies = map[string]iam.Policy{
	"AWSLambdaBasicExecutionRole": {Name: "AWSLambdaBasicExecutionRole", Statements: []iam.Statement{{
		Actions: []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{"*"}}}},
}

func (s *Stack) loadPolicy(r cfn.Resource) error {
	var p struct {
		PolicyName     string
		PolicyDocument any
		Roles          []string
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	policy, err := iam.Parse(r.ID+".PolicyDocument", p.PolicyDocument)
	if err != nil {
		return err
	}
	for _, name := range p.Roles {
		found := false
		for _, one := range s.roles {
			if one.name == name {
				one.policies = append(one.policies, policy)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("%s.Roles: %s is not in the template", r.ID, name)
		}
	}
	return nil
}

// --- Lambda ----------------------------------------------------------------

// function is a function and who may invoke it, and what becomes of
// asynchronous invocations.
type function struct {
	name, arn   string
	folder      string
	role        *role
	permissions []iam.Policy
	retries     int           // of asynchronous invocations
	maxAge      time.Duration // likewise
	onFailure   string        // ARN of a queue or bus
	deadLetter  string        // ARN of a queue
}

func (s *Stack) loadFunction(r cfn.Resource) error {
	var p struct {
		FunctionName                 string
		Handler, Role, Runtime       string
		MemorySize, Timeout          int
		ReservedConcurrentExecutions *int
		Environment                  struct{ Variables map[string]string }
		DeadLetterConfig             struct{ TargetArn string }
		LoggingConfig                struct{ LogFormat, ApplicationLogLevel, SystemLogLevel, LogGroup string }
		Code                         cfn.Ignored `why:"the binary is taken from the build folder"`
		Architectures                cfn.Ignored `why:"the binary is built for this machine"`
		TracingConfig                cfn.Ignored `why:"there is no X-Ray; its cost is not counted"`
		Description, Tags            cfn.Ignored `why:"for people"`
	}
	p.MemorySize, p.Timeout = 128, 3 // Lambda's defaults
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if !strings.HasPrefix(p.Runtime, "provided.") {
		return fmt.Errorf("%s.Runtime: %s is not supported, only provided.* with a bootstrap binary", r.ID, p.Runtime)
	}
	about, _ := r.Metadata["fielder"].(map[string]any)
	folder, _ := about["function"].(string)
	if folder == "" {
		return fmt.Errorf(`%s.Metadata.fielder.function: the folder of the function's binary is not named`, r.ID)
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	role := s.roles[p.Role]
	if role == nil {
		return fmt.Errorf("%s.Role: %s is not in the template", r.ID, p.Role)
	}
	if _, err := s.assume(p.Role, "lambda.amazonaws.com", arn); err != nil {
		return fmt.Errorf("%s.Role: %w", r.ID, err)
	}
	binary, err := filepath.Abs(filepath.Join(s.o.Binaries, folder, "bootstrap"))
	if err != nil {
		return err
	}
	f := &function{name: tail(arn, ":"), arn: arn, folder: folder, role: role, retries: 2, maxAge: 6 * time.Hour, deadLetter: p.DeadLetterConfig.TargetArn}
	reserved := -1
	if p.ReservedConcurrentExecutions != nil {
		reserved = *p.ReservedConcurrentExecutions
	}
	s.functions[f.name] = f
	return s.lambda.Add(lambda.Function{Name: f.name, ARN: arn, Role: role.arn, Binary: binary, Handler: p.Handler,
		Env: p.Environment.Variables, Timeout: time.Duration(p.Timeout) * time.Second, MemoryMB: p.MemorySize, Reserved: reserved,
		LogFormat: p.LoggingConfig.LogFormat, AppLogLevel: p.LoggingConfig.ApplicationLogLevel, SystemLogLevel: p.LoggingConfig.SystemLogLevel})
}

// functionOf finds a function by name or ARN, without its qualifier.
func (s *Stack) functionOf(name string) *function {
	if strings.HasPrefix(name, "arn:") {
		parts := strings.Split(name, ":")
		if len(parts) < 7 {
			return nil
		}
		name = parts[6]
	}
	name, _, _ = strings.Cut(name, ":")
	return s.functions[name]
}

func (s *Stack) loadPermission(r cfn.Resource) error {
	var p struct{ Action, FunctionName, Principal, SourceArn, SourceAccount string }
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	f := s.functionOf(p.FunctionName)
	if f == nil {
		return fmt.Errorf("%s.FunctionName: %s is not in the template", r.ID, p.FunctionName)
	}
	statement := map[string]any{"Effect": "Allow", "Action": p.Action, "Principal": map[string]any{"Service": p.Principal}}
	condition := map[string]any{}
	if p.SourceArn != "" {
		condition["ArnLike"] = map[string]any{"aws:SourceArn": p.SourceArn}
	}
	if p.SourceAccount != "" {
		condition["StringEquals"] = map[string]any{"aws:SourceAccount": p.SourceAccount}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	policy, err := iam.Parse(r.ID, map[string]any{"Statement": []any{statement}})
	f.permissions = append(f.permissions, policy)
	return err
}

func (s *Stack) loadInvokeConfig(r cfn.Resource) error {
	type destination struct{ Destination string }
	var p struct {
		FunctionName             string
		MaximumRetryAttempts     *int
		MaximumEventAgeInSeconds *int
		DestinationConfig        struct{ OnFailure destination }
		Qualifier                cfn.Ignored `why:"there is one version"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	f := s.functionOf(p.FunctionName)
	if f == nil {
		return fmt.Errorf("%s.FunctionName: %s is not in the template", r.ID, p.FunctionName)
	}
	if p.MaximumRetryAttempts != nil {
		f.retries = *p.MaximumRetryAttempts
	}
	if p.MaximumEventAgeInSeconds != nil {
		f.maxAge = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
	}
	f.onFailure = p.DestinationConfig.OnFailure.Destination
	if f.onFailure != "" && s.queues[tail(f.onFailure, ":")] == nil {
		return fmt.Errorf("%s.DestinationConfig.OnFailure.Destination: %s is not a queue of the template; other destinations are not supported", r.ID, f.onFailure)
	}
	return nil
}

// --- SQS -------------------------------------------------------------------

func (s *Stack) loadQueue(r cfn.Resource) error {
	var p struct {
		QueueName                                                                string
		VisibilityTimeout                                                        *int
		MessageRetentionPeriod                                                   cfn.Ignored `why:"a local queue keeps everything"`
		SqsManagedSseEnabled, KmsMasterKeyId, KmsDataKeyReusePeriodSeconds, Tags cfn.Ignored `why:"nothing is encrypted at rest locally"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	q := &queue{id: r.ID, name: tail(arn, ":"), arn: arn, visibility: 30 * time.Second, file: s.dataFile("queue-" + tail(arn, ":"))}
	if p.VisibilityTimeout != nil {
		q.visibility = time.Duration(*p.VisibilityTimeout) * time.Second
	}
	s.queues[q.name] = q
	return q.read()
}

// dataFile names a file of the data directory, "" without one.
func (s *Stack) dataFile(name string) string {
	if s.o.DataDir == "" {
		return ""
	}
	return filepath.Join(s.o.DataDir, name+".json")
}

func (s *Stack) loadQueuePolicy(r cfn.Resource) error {
	var p struct {
		Queues         []string
		PolicyDocument any
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	policy, err := iam.Parse(r.ID+".PolicyDocument", p.PolicyDocument)
	if err != nil {
		return err
	}
	for _, url := range p.Queues {
		q := s.queues[tail(url, "/")]
		if q == nil {
			return fmt.Errorf("%s.Queues: %s is not in the template", r.ID, url)
		}
		q.policies = append(q.policies, policy)
	}
	return nil
}

// queueARN checks that an ARN is a queue of the template.
func (s *Stack) queueARN(path, arn string) error {
	if arn != "" && s.queues[tail(arn, ":")] == nil {
		return fmt.Errorf("%s: %s is not a queue of the template", path, arn)
	}
	return nil
}

// --- Step Functions --------------------------------------------------------

func (s *Stack) loadMachine(r cfn.Resource) error {
	var p struct {
		StateMachineName, StateMachineType, RoleArn, DefinitionString string
		DefinitionSubstitutions                                       map[string]string
		LoggingConfiguration                                          cfn.Ignored `why:"the history of every execution is kept in memory"`
		TracingConfiguration                                          cfn.Ignored `why:"there is no X-Ray; its cost is not counted"`
		Tags                                                          cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	definition := p.DefinitionString
	for name, value := range p.DefinitionSubstitutions {
		definition = strings.ReplaceAll(definition, "${"+name+"}", value)
	}
	if _, rest, ok := strings.Cut(definition, "${"); ok {
		name, _, _ := strings.Cut(rest, "}")
		return fmt.Errorf("%s.DefinitionSubstitutions: nothing for ${%s}", r.ID, name)
	}
	parsed, err := asl.Parse([]byte(definition))
	if err != nil {
		return fmt.Errorf("%s.DefinitionString: %w", r.ID, err)
	}
	who, err := s.assume(p.RoleArn, "states.amazonaws.com", arn)
	if err != nil {
		return fmt.Errorf("%s.RoleArn: %w", r.ID, err)
	}
	who.session = tail(arn, ":")
	s.machines[arn] = &machine{id: r.ID, name: tail(arn, ":"), arn: arn, who: who, definition: definition, machine: parsed,
		express: p.StateMachineType == "EXPRESS", executions: map[string]*Execution{}}
	return nil
}

// --- EventBridge -----------------------------------------------------------

func (s *Stack) loadBus(r cfn.Resource) error {
	var p struct {
		Name              string
		Description, Tags cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	s.buses[tail(arn, "/")] = &bus{name: tail(arn, "/"), arn: arn}
	return nil
}

func compilePattern(path string, v any) (*pattern.Pattern, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	p, err := pattern.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func (s *Stack) loadArchive(r cfn.Resource) error {
	var p struct {
		ArchiveName, SourceArn string
		EventPattern           any
		RetentionDays          cfn.Ignored `why:"a local archive keeps everything"`
		Description            cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	name, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	from := s.buses[tail(p.SourceArn, "/")]
	if from == nil {
		return fmt.Errorf("%s.SourceArn: %s is not in the template", r.ID, p.SourceArn)
	}
	a := &archive{name: name, bus: from, file: s.dataFile("archive-" + name)}
	if p.EventPattern != nil {
		if a.pattern, err = compilePattern(r.ID+".EventPattern", p.EventPattern); err != nil {
			return err
		}
	}
	from.archives = append(from.archives, a)
	s.archives[name] = a
	return a.read()
}

func (s *Stack) loadRule(r cfn.Resource) error {
	type retry struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds *int }
	var p struct {
		Name, EventBusName, State, ScheduleExpression string
		EventPattern                                  any
		Targets                                       []struct {
			Id, Arn, RoleArn, InputPath, Input string
			InputTransformer                   *struct {
				InputPathsMap map[string]string
				InputTemplate string
			}
			RetryPolicy      retry
			DeadLetterConfig struct{ Arn string }
		}
		Description, Tags cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if p.ScheduleExpression != "" {
		return fmt.Errorf("%s.ScheduleExpression: not supported on rules, use AWS::Scheduler::Schedule", r.ID)
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	on := s.buses["default"]
	if p.EventBusName != "" {
		if on = s.buses[tail(p.EventBusName, "/")]; on == nil {
			return fmt.Errorf("%s.EventBusName: %s is not in the template", r.ID, p.EventBusName)
		}
	}
	made := &rule{id: r.ID, arn: arn, enabled: p.State != "DISABLED"}
	if made.pattern, err = compilePattern(r.ID+".EventPattern", p.EventPattern); err != nil {
		return err
	}
	for i, t := range p.Targets {
		path := fmt.Sprintf("%s.Targets[%d]", r.ID, i)
		one := &target{rule: made, id: t.Id, arn: t.Arn, roleARN: t.RoleArn, deadLetter: t.DeadLetterConfig.Arn, retries: 185, maxAge: 24 * time.Hour}
		if n := t.RetryPolicy.MaximumRetryAttempts; n != nil {
			one.retries = *n
		}
		if n := t.RetryPolicy.MaximumEventAgeInSeconds; n != nil {
			one.maxAge = time.Duration(*n) * time.Second
		}
		switch {
		case t.InputTransformer != nil:
			one.input, err = newTransformer(t.InputTransformer.InputPathsMap, t.InputTransformer.InputTemplate)
		case t.Input != "":
			one.input = constantInput(t.Input)
		case t.InputPath != "":
			one.input, err = newInputPath(t.InputPath)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := errors.Join(s.checkTarget(path, t.Arn, t.RoleArn), s.queueARN(path+".DeadLetterConfig", t.DeadLetterConfig.Arn)); err != nil {
			return err
		}
		made.targets = append(made.targets, one)
	}
	on.rules = append(on.rules, made)
	return nil
}

// checkTarget finds out at the start what would fail at the first delivery.
func (s *Stack) checkTarget(path, arn, roleARN string) error {
	switch {
	case s.functionOf(arn) != nil:
	case s.queues[tail(arn, ":")] != nil && strings.Contains(arn, ":sqs:"):
	case s.machines[arn] != nil:
		if s.roles[roleARN] == nil {
			return fmt.Errorf("%s.RoleArn: a state machine needs a role of the template", path)
		}
	default:
		return fmt.Errorf("%s.Arn: %s is not a function, queue or state machine of the template; other targets are not supported", path, arn)
	}
	return nil
}

// --- Scheduler -------------------------------------------------------------

func (s *Stack) loadSchedule(r cfn.Resource) error {
	var p struct {
		Name, GroupName, ScheduleExpression, ScheduleExpressionTimezone, State string
		FlexibleTimeWindow                                                     struct {
			Mode                   string
			MaximumWindowInMinutes int
		}
		Target struct {
			Arn, RoleArn, Input string
			RetryPolicy         struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds *int }
			DeadLetterConfig    struct{ Arn string }
		}
		Description cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Attribute(r.ID, "Arn")
	if err != nil {
		return err
	}
	made := &schedule{id: r.ID, arn: arn, target: p.Target.Arn, roleARN: p.Target.RoleArn, input: p.Target.Input,
		deadLetter: p.Target.DeadLetterConfig.Arn, retries: 185, maxAge: 24 * time.Hour, disabled: p.State == "DISABLED"}
	if n := p.Target.RetryPolicy.MaximumRetryAttempts; n != nil {
		made.retries = *n
	}
	if n := p.Target.RetryPolicy.MaximumEventAgeInSeconds; n != nil {
		made.maxAge = time.Duration(*n) * time.Second
	}
	zone := time.UTC
	if p.ScheduleExpressionTimezone != "" {
		if zone, err = time.LoadLocation(p.ScheduleExpressionTimezone); err != nil {
			return fmt.Errorf("%s.ScheduleExpressionTimezone: %w", r.ID, err)
		}
	}
	if made.next, err = parseSchedule(p.ScheduleExpression, zone); err != nil {
		return fmt.Errorf("%s.ScheduleExpression: %w", r.ID, err)
	}
	if _, err := s.assume(p.Target.RoleArn, "scheduler.amazonaws.com", arn); err != nil {
		return fmt.Errorf("%s.Target.RoleArn: %w", r.ID, err)
	}
	s.schedules = append(s.schedules, made)
	return errors.Join(s.checkTarget(r.ID+".Target", p.Target.Arn, p.Target.RoleArn), s.queueARN(r.ID+".Target.DeadLetterConfig", made.deadLetter))
}
