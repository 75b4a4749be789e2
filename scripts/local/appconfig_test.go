package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/appconfig"
	"github.com/aws/aws-sdk-go-v2/service/appconfig/types"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/scripts/local/clock"
)

// desk speaks with AppConfig as a person's tools do: the AWS SDK, over the wire.
type desk struct {
	t    *testing.T
	s    *Stack
	api  *appconfig.Client
	data *appconfigdata.Client

	application, environment, profile, atOnce, slowly *string
}

func newDesk(t *testing.T, s *Stack) *desk {
	t.Helper()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s.OperatorKey(), "x", "")}
	d := &desk{t: t, s: s, api: appconfig.NewFromConfig(cfg), data: appconfigdata.NewFromConfig(cfg)}
	for id, to := range map[string]**string{"App": &d.application, "AppEnv": &d.environment, "Profile": &d.profile, "AtOnce": &d.atOnce, "Slowly": &d.slowly} {
		name, err := s.Name(id)
		if err != nil {
			t.Fatal(err)
		}
		*to = &name
	}
	return d
}

func (d *desk) create(content, label string, latest int32) (*appconfig.CreateHostedConfigurationVersionOutput, error) {
	in := &appconfig.CreateHostedConfigurationVersionInput{ApplicationId: d.application, ConfigurationProfileId: d.profile,
		Content: []byte(content), ContentType: aws.String("application/json"), Description: aws.String("by a test")}
	if label != "" {
		in.VersionLabel = &label
	}
	if latest != 0 {
		in.LatestVersionNumber = &latest
	}
	return d.api.CreateHostedConfigurationVersion(d.t.Context(), in)
}

func (d *desk) deploy(version string, strategy *string) (*appconfig.StartDeploymentOutput, error) {
	return d.api.StartDeployment(d.t.Context(), &appconfig.StartDeploymentInput{ApplicationId: d.application, EnvironmentId: d.environment,
		ConfigurationProfileId: d.profile, ConfigurationVersion: &version, DeploymentStrategyId: strategy, Description: aws.String("a test's")})
}

// write makes a version and deploys it.
func (d *desk) write(content, label string, strategy *string) int32 {
	d.t.Helper()
	if _, err := d.create(content, label, 0); err != nil {
		d.t.Fatal(err)
	}
	out, err := d.deploy(label, strategy)
	if err != nil {
		d.t.Fatal(err)
	}
	return out.DeploymentNumber
}

func (d *desk) stop(n int32, revert bool) error {
	_, err := d.api.StopDeployment(d.t.Context(), &appconfig.StopDeploymentInput{ApplicationId: d.application, EnvironmentId: d.environment,
		DeploymentNumber: &n, AllowRevert: &revert})
	return err
}

func (d *desk) deployment(n int32) *appconfig.GetDeploymentOutput {
	d.t.Helper()
	out, err := d.api.GetDeployment(d.t.Context(), &appconfig.GetDeploymentInput{ApplicationId: d.application, EnvironmentId: d.environment, DeploymentNumber: &n})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// reader is one function's session.
type reader struct {
	d     *desk
	token *string
	got   string // the newest content
	label string
}

func (d *desk) reader() *reader {
	d.t.Helper()
	out, err := d.data.StartConfigurationSession(d.t.Context(), &appconfigdata.StartConfigurationSessionInput{ApplicationIdentifier: d.application,
		EnvironmentIdentifier: d.environment, ConfigurationProfileIdentifier: d.profile})
	if err != nil {
		d.t.Fatal(err)
	}
	return &reader{d: d, token: out.InitialConfigurationToken}
}

// read asks for what is new; "" when nothing is.
func (r *reader) read() string {
	r.d.t.Helper()
	out, err := r.d.data.GetLatestConfiguration(r.d.t.Context(), &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: r.token})
	if err != nil {
		r.d.t.Fatal(err)
	}
	if out.NextPollIntervalInSeconds != 1 {
		r.d.t.Errorf("poll again in %d s", out.NextPollIntervalInSeconds)
	}
	r.token = out.NextPollConfigurationToken
	if len(out.Configuration) > 0 {
		r.got, r.label = string(out.Configuration), aws.ToString(out.VersionLabel)
	}
	return string(out.Configuration)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestHostedVersions(t *testing.T) {
	d := newDesk(t, start(t, nil))
	made, err := d.create(`{"v":2}`, "two", 1)
	if err != nil || made.VersionNumber != 2 || aws.ToString(made.VersionLabel) != "two" || string(made.Content) != `{"v":2}` || aws.ToString(made.Description) != "by a test" {
		t.Fatalf("created %+v, %v", made, err)
	}
	for _, c := range []struct {
		name, content, label string
		latest               int32
		want                 string
	}{
		{"ErrLabelTaken", `{"v":3}`, "two", 0, "ConflictException"},
		{"ErrLabelIsNumber", `{"v":3}`, "17", 0, "BadRequestException"},
		{"ErrLabelTooLong", `{"v":3}`, strings.Repeat("a", 65), 0, "BadRequestException"},
		{"ErrOvertaken", `{"v":3}`, "three", 1, "ConflictException"},
		{"ErrTooLarge", strings.Repeat(" ", maxHosted+1), "three", 0, "PayloadTooLargeException"},
		{"Unlabelled", `{"v":3}`, "", 2, "<nil>"},
		{"LongestLabel", `{"v":4}`, strings.Repeat("a", 64), 3, "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := d.create(c.content, c.label, c.latest); codeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	got, err := d.api.GetHostedConfigurationVersion(t.Context(), &appconfig.GetHostedConfigurationVersionInput{ApplicationId: d.application,
		ConfigurationProfileId: d.profile, VersionNumber: aws.Int32(2)})
	if err != nil || string(got.Content) != `{"v":2}` || aws.ToString(got.VersionLabel) != "two" || aws.ToString(got.ContentType) != "application/json" {
		t.Errorf("version 2: %+v, %v", got, err)
	}
	if _, err := d.api.GetHostedConfigurationVersion(t.Context(), &appconfig.GetHostedConfigurationVersionInput{ApplicationId: d.application,
		ConfigurationProfileId: d.profile, VersionNumber: aws.Int32(9)}); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("version 9: %v", err)
	}
	// Newest first, in pages; by label, and by the beginning of one.
	var numbers []int32
	pages := appconfig.NewListHostedConfigurationVersionsPaginator(d.api, &appconfig.ListHostedConfigurationVersionsInput{ApplicationId: d.application,
		ConfigurationProfileId: d.profile, MaxResults: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			numbers = append(numbers, i.VersionNumber)
		}
	}
	if fmt.Sprint(numbers) != "[4 3 2 1]" {
		t.Errorf("listed %v", numbers)
	}
	for label, want := range map[string]int{"two": 1, "tw*": 1, "t": 0, "*": 4} {
		list, err := d.api.ListHostedConfigurationVersions(t.Context(), &appconfig.ListHostedConfigurationVersionsInput{ApplicationId: d.application,
			ConfigurationProfileId: d.profile, VersionLabel: &label})
		if err != nil || len(list.Items) != want {
			t.Errorf("label %s: %d versions, %v", label, len(list.Items), err)
		}
	}
}

func TestValidatorsRefuse(t *testing.T) {
	d := newDesk(t, start(t, nil))
	for _, c := range []struct{ label, content, location, reason string }{
		{"schema", `{"v":"many"}`, "/v", "want integer"},
		{"function", `{"v":13}`, "", "thirteen is bad luck"},
		{"nothing-like-it", `hello`, "", "not JSON"},
	} {
		t.Run(c.label, func(t *testing.T) {
			if _, err := d.create(c.content, c.label, 0); err != nil {
				t.Fatal(err) // anything may be stored; what is deployed must be valid
			}
			_, err := d.deploy(c.label, d.atOnce)
			_, err2 := d.api.ValidateConfiguration(t.Context(), &appconfig.ValidateConfigurationInput{ApplicationId: d.application,
				ConfigurationProfileId: d.profile, ConfigurationVersion: &c.label})
			for _, err := range []error{err, err2} {
				var bad *types.BadRequestException
				if !errors.As(err, &bad) || bad.Reason != types.BadRequestReasonInvalidConfiguration || !strings.Contains(bad.ErrorMessage(), c.reason) {
					t.Fatalf("got %v", err)
				}
				details, _ := bad.Details.(*types.BadRequestDetailsMemberInvalidConfiguration)
				if details == nil || aws.ToString(details.Value[0].Location) != c.location || !strings.Contains(aws.ToString(details.Value[0].Reason), c.reason) {
					t.Errorf("details %+v", bad.Details)
				}
			}
		})
	}
	if out, err := d.api.ListDeployments(t.Context(), &appconfig.ListDeploymentsInput{ApplicationId: d.application, EnvironmentId: d.environment}); err != nil || len(out.Items) != 1 {
		t.Errorf("a refused version began a deployment: %+v, %v", out, err)
	}
	if r := d.reader(); r.read() != `{"v":1}` {
		t.Errorf("readers get %s", r.got)
	}
	if _, err := d.api.ValidateConfiguration(t.Context(), &appconfig.ValidateConfigurationInput{ApplicationId: d.application,
		ConfigurationProfileId: d.profile, ConfigurationVersion: aws.String("1")}); err != nil {
		t.Errorf("the template's version is valid: %v", err)
	}
}

// A deployment reaches the readers step by step, one deployment at a time, and
// stopping it gives everyone the old version again.
func TestGradualDeployment(t *testing.T) {
	s := start(t, nil)
	d := newDesk(t, s)
	readers := make([]*reader, 200)
	count := func(content string) (n int) {
		for _, r := range readers {
			r.read()
			if r.got == content {
				n++
			}
		}
		return n
	}
	for i := range readers {
		readers[i] = d.reader()
	}
	if n := count(`{"v":1}`); n != len(readers) {
		t.Fatalf("%d of %d readers have the template's version", n, len(readers))
	}
	n := d.write(`{"v":2}`, "two", d.slowly)
	if n != 2 {
		t.Errorf("deployment %d; the template's is 1", n)
	}
	if _, err := d.deploy("1", d.atOnce); codeOf(err) != "ConflictException" {
		t.Errorf("a second deployment at the same time: %v", err)
	}
	// 20 minutes in steps of a quarter each 5 minutes, then 10 minutes of baking.
	before := 0
	for _, step := range []struct {
		minutes  int
		state    types.DeploymentState
		percent  float32
		from, to int // readers with the new version, of 200
	}{
		{0, types.DeploymentStateDeploying, 25, 30, 70},
		{5, types.DeploymentStateDeploying, 50, 75, 125},
		{10, types.DeploymentStateDeploying, 75, 130, 170},
		{15, types.DeploymentStateDeploying, 100, 200, 200},
		{20, types.DeploymentStateBaking, 100, 200, 200},
		{30, types.DeploymentStateComplete, 100, 200, 200},
	} {
		advance(t, s, day.Add(time.Duration(step.minutes)*time.Minute+30*time.Second).Sub(s.Clock().Now()))
		got, now := d.deployment(n), count(`{"v":2}`)
		if got.State != step.state || aws.ToFloat32(got.PercentageComplete) != step.percent {
			t.Errorf("after %d minutes: %s, %v%%", step.minutes, got.State, aws.ToFloat32(got.PercentageComplete))
		}
		if now < step.from || now > step.to || now < before {
			t.Errorf("after %d minutes: %d readers have it, before %d", step.minutes, now, before)
		}
		before = now
		if step.state == types.DeploymentStateBaking {
			if err := d.stop(n, false); codeOf(err) != "BadRequestException" {
				t.Errorf("stopped while baking without Allow-Revert: %v", err)
			}
		}
	}
	var kinds []string
	for _, e := range d.deployment(n).EventLog {
		kinds = append(kinds, string(e.EventType))
	}
	if got := strings.Join(kinds, " "); got != "DEPLOYMENT_COMPLETED BAKE_TIME_STARTED PERCENTAGE_UPDATED PERCENTAGE_UPDATED PERCENTAGE_UPDATED PERCENTAGE_UPDATED DEPLOYMENT_STARTED" {
		t.Errorf("events, newest first: %s", got)
	}
	if readers[0].label != "two" {
		t.Errorf("label %q", readers[0].label)
	}

	n = d.write(`{"v":3}`, "three", d.slowly)
	advance(t, s, 6*time.Minute)
	if got := count(`{"v":3}`); got == 0 || got == len(readers) {
		t.Errorf("%d readers have the third", got)
	}
	if err := d.stop(n, false); err != nil {
		t.Fatal(err)
	}
	if got := d.deployment(n); got.State != types.DeploymentStateRolledBack || got.EventLog[1].TriggeredBy != types.TriggeredByUser {
		t.Errorf("stopped: %s, %+v", got.State, got.EventLog)
	}
	if got := count(`{"v":2}`); got != len(readers) {
		t.Errorf("rolled back: %d readers have the second", got)
	}
	if err := d.stop(n, true); codeOf(err) != "BadRequestException" {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestRevert(t *testing.T) {
	s := start(t, nil)
	d := newDesk(t, s)
	r := d.reader()
	if err := d.stop(1, true); codeOf(err) != "BadRequestException" {
		t.Errorf("nothing is before the first: %v", err)
	}
	two := d.write(`{"v":2}`, "two", d.atOnce)
	three := d.write(`{"v":3}`, "three", d.atOnce)
	if r.read(); r.got != `{"v":3}` {
		t.Fatalf("got %s", r.got)
	}
	if err := d.stop(two, true); codeOf(err) != "BadRequestException" {
		t.Errorf("one that was replaced: %v", err)
	}
	if err := d.stop(three, false); codeOf(err) != "BadRequestException" {
		t.Errorf("without Allow-Revert: %v", err)
	}
	if err := d.stop(three, true); err != nil {
		t.Fatal(err)
	}
	if got := d.deployment(three); r.read() != `{"v":2}` || got.State != types.DeploymentStateReverted || got.EventLog[0].EventType != types.DeploymentEventTypeRevertCompleted {
		t.Errorf("reverted: %s, readers get %s", got.State, r.got)
	}
	four := d.write(`{"v":4}`, "four", d.atOnce)
	advance(t, s, 73*time.Hour)
	if err := d.stop(four, true); codeOf(err) != "BadRequestException" || !strings.Contains(err.Error(), "72 hours") {
		t.Errorf("after three days: %v", err)
	}
	if r.read(); r.got != `{"v":4}` {
		t.Errorf("got %s", r.got)
	}
}

// An alarm of the environment takes a deployment back while it is under way, at
// the end of the minute in which it rang, and not afterwards.
func TestAlarmRollsBack(t *testing.T) {
	errs := func(n int) func(*testing.T, *Stack) {
		return func(t *testing.T, s *Stack) {
			for range n {
				run(t, s, "worker", m{"do": "fail"})
			}
		}
	}
	metric := func(name string) func(*testing.T, *Stack) {
		return func(t *testing.T, s *Stack) { run(t, s, "worker", m{"do": "metric", "text": name, "n": 1}) }
	}
	calm := func(*testing.T, *Stack) {}
	for _, c := range []struct {
		name    string
		minutes []func(*testing.T, *Stack) // what happens in each minute of the deployment
		want    types.DeploymentState
	}{
		{"ErrorsInTwoMinutes", []func(*testing.T, *Stack){errs(3), errs(4), calm}, types.DeploymentStateRolledBack},
		{"ErrorsInOneMinute", []func(*testing.T, *Stack){errs(6), calm, errs(2), calm}, types.DeploymentStateDeploying},
		{"TooFewErrors", []func(*testing.T, *Stack){errs(2), errs(2), calm}, types.DeploymentStateDeploying},
		{"OneRefusal", []func(*testing.T, *Stack){calm, metric("Refused"), calm}, types.DeploymentStateRolledBack},
		{"AnotherMetric", []func(*testing.T, *Stack){metric("Accepted"), calm}, types.DeploymentStateDeploying},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, nil)
			d := newDesk(t, s)
			r := d.reader()
			for r.share() >= 25 { // one that has the new version from the beginning
				r = d.reader()
			}
			n := d.write(`{"v":2}`, "two", d.slowly)
			if r.read() != `{"v":2}` {
				t.Fatalf("got %s", r.got)
			}
			for i, happens := range c.minutes {
				advance(t, s, day.Add(time.Duration(i)*time.Minute+10*time.Second).Sub(s.Clock().Now()))
				happens(t, s)
			}
			advance(t, s, time.Minute)
			got := d.deployment(n)
			if got.State != c.want {
				t.Errorf("got %s, want %s: %+v", got.State, c.want, got.EventLog)
			}
			r.read()
			if c.want == types.DeploymentStateRolledBack && (r.got != `{"v":1}` || got.EventLog[1].TriggeredBy != types.TriggeredByCloudwatchAlarm) {
				t.Errorf("readers have %s; %+v", r.got, got.EventLog)
			}
		})
	}
	t.Run("AfterIt", func(t *testing.T) {
		s := start(t, nil)
		d := newDesk(t, s)
		n := d.write(`{"v":2}`, "two", d.atOnce)
		metric("Refused")(t, s)
		advance(t, s, 3*time.Minute)
		if got := d.deployment(n); got.State != types.DeploymentStateComplete {
			t.Errorf("got %s", got.State)
		}
	})
}

// share is the reader's place in a gradual deployment.
func (r *reader) share() float64 {
	r.d.s.config.mu.Lock()
	defer r.d.s.config.mu.Unlock()
	return r.d.s.config.sessions[*r.token].share
}

func TestConfigSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	later := time.Duration(0)
	inDir := func(o *Options) {
		o.DataDir, o.Clock = dir, clock.Stepped(day.Add(later))
		later += time.Hour
	}
	s := start(t, inDir)
	newDesk(t, s).write(`{"v":2}`, "two", newDesk(t, s).atOnce)
	s.Close()

	s = start(t, inDir)
	d := newDesk(t, s)
	if r := d.reader(); r.read() != `{"v":2}` || r.label != "two" {
		t.Errorf("after a restart readers get %s", r.got)
	}
	s.Close()

	// A template with another configuration is deployed over it, as CloudFormation does.
	s = start(t, func(o *Options) {
		inDir(o)
		o.Template = []byte(strings.Replace(string(o.Template), `{\"v\":1}`, `{\"v\":5}`, 1))
	})
	d = newDesk(t, s)
	if r := d.reader(); r.read() != `{"v":5}` {
		t.Errorf("after another template readers get %s", r.got)
	}
	out, err := d.api.ListDeployments(t.Context(), &appconfig.ListDeploymentsInput{ApplicationId: d.application, EnvironmentId: d.environment})
	if err != nil || len(out.Items) != 3 || out.Items[0].State != types.DeploymentStateComplete || aws.ToString(out.Items[0].ConfigurationVersion) != "3" {
		t.Errorf("deployments: %+v, %v", out, err)
	}
}

func TestConfigCallsThatAreNotThere(t *testing.T) {
	d := newDesk(t, start(t, nil))
	bad := aws.String("nowhere")
	for name, call := range map[string]func(context.Context) error{
		"ErrEnvironment": func(ctx context.Context) error {
			_, err := d.api.ListDeployments(ctx, &appconfig.ListDeploymentsInput{ApplicationId: d.application, EnvironmentId: bad})
			return err
		},
		"ErrProfile": func(ctx context.Context) error {
			_, err := d.api.ListHostedConfigurationVersions(ctx, &appconfig.ListHostedConfigurationVersionsInput{ApplicationId: d.application, ConfigurationProfileId: bad})
			return err
		},
		"ErrVersion":    func(context.Context) error { _, err := d.deploy("nothing", d.atOnce); return err },
		"ErrStrategy":   func(context.Context) error { _, err := d.deploy("1", bad); return err },
		"ErrDeployment": func(context.Context) error { return d.stop(7, true) },
		"ErrGetStrategy": func(ctx context.Context) error {
			_, err := d.api.GetDeploymentStrategy(ctx, &appconfig.GetDeploymentStrategyInput{DeploymentStrategyId: bad})
			return err
		},
	} {
		if err := call(t.Context()); codeOf(err) != "ResourceNotFoundException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.api.ListApplications(t.Context(), &appconfig.ListApplicationsInput{}); codeOf(err) != "UnknownOperationException" {
		t.Errorf("a call that the stack does not know: %v", err)
	}
	got, err := d.api.GetDeploymentStrategy(t.Context(), &appconfig.GetDeploymentStrategyInput{DeploymentStrategyId: d.slowly})
	if err != nil || got.DeploymentDurationInMinutes != 20 || got.FinalBakeTimeInMinutes != 10 || aws.ToFloat32(got.GrowthFactor) != 25 {
		t.Errorf("strategy: %+v, %v", got, err)
	}
	list, err := d.api.ListDeploymentStrategies(t.Context(), &appconfig.ListDeploymentStrategiesInput{})
	if err != nil || len(list.Items) != 2 {
		t.Errorf("strategies: %+v, %v", list, err)
	}
}

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		strategy
		want string
	}{
		{strategy{GrowthType: "LINEAR", Minutes: 20, Growth: 20}, "[20 40 60 80 100]"},
		{strategy{GrowthType: "LINEAR", Minutes: 20, Growth: 30}, "[30 60 90 100]"},
		{strategy{GrowthType: "EXPONENTIAL", Minutes: 20, Growth: 10}, "[10 20 40 80 100]"},
		{strategy{GrowthType: "LINEAR", Minutes: 0, Growth: 20}, "[100]"},
		{strategy{GrowthType: "LINEAR", Minutes: 5, Growth: 100}, "[100]"},
	} {
		if got := fmt.Sprint(c.steps()); got != c.want {
			t.Errorf("%+v: %s, want %s", c.strategy, got, c.want)
		}
	}
}
