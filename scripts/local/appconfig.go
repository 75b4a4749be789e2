package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// appConfig is AWS AppConfig: what is written, what is deployed where, and who
// reads it. Its API is in appconfig_api.go.
type appConfig struct {
	mu           sync.Mutex
	profiles     map[string]*profile     // by "application/profile"
	environments map[string]*environment // by "application/environment"
	strategies   map[string]strategy     // by id
	sessions     map[string]*configSession
	file         string // where versions and deployments survive a restart, "" for nowhere
}

func newAppConfig() *appConfig {
	return &appConfig{profiles: map[string]*profile{}, environments: map[string]*environment{}, strategies: map[string]strategy{},
		sessions: map[string]*configSession{}}
}

// profile is a configuration profile with its hosted versions, oldest first.
type profile struct {
	id, ref, name, application string
	validators                 []validator
	template                   *hosted // the version that the template brings
	versions                   []*hosted
}

type validator struct{ Type, Content string }

// hosted is a version of a configuration. Versions are never changed or deleted.
type hosted struct {
	Number                          int
	Label, Description, ContentType string
	Content                         []byte
	Template                        bool // it came with the template
}

// environment is where configurations are deployed, one after the other.
type environment struct {
	ref, application string
	alarms           []*alarm
	template         *deployment // the deployment that the template brings
	deployments      []*deployment
}

// strategy is how a deployment reaches everyone.
type strategy struct {
	ID, Name, Description, GrowthType string
	Minutes, Bake, Growth             float64
}

// steps are the shares of readers (percent) that get the new version, each for
// the same time ("Working with deployment strategies").
func (s strategy) steps() []float64 {
	if s.Minutes == 0 {
		return []float64{100}
	}
	var out []float64
	for n, percent := 1.0, s.Growth; ; n++ {
		out = append(out, min(percent, 100))
		if percent >= 100 {
			return out
		}
		if s.GrowthType == "EXPONENTIAL" {
			percent *= 2 // G*(2^N)
		} else {
			percent = s.Growth * (n + 1)
		}
	}
}

// deployment is one roll-out of a version. Where it stands follows from the time,
// so nothing needs to run beside it.
type deployment struct {
	Number      int
	Profile     string // its id
	Version     int
	Before      int // the version that was served until then; 0 for none
	Strategy    strategy
	Description string
	Started     time.Time

	Ended time.Time // when it was taken back; zero if it was not
	End   string    // ROLLED_BACK or REVERTED
	By    string    // USER or CLOUDWATCH_ALARM
	Why   string
}

// deployed is when the new version has reached everyone.
func (d *deployment) deployed() time.Time {
	return d.Started.Add(time.Duration(d.Strategy.Minutes * float64(time.Minute)))
}

// complete is when alarms can no longer take it back.
func (d *deployment) complete() time.Time {
	return d.deployed().Add(time.Duration(d.Strategy.Bake * float64(time.Minute)))
}

// stepAt is when the i-th step of the strategy begins.
func (d *deployment) stepAt(i, steps int) time.Time {
	return d.Started.Add(d.deployed().Sub(d.Started) * time.Duration(i) / time.Duration(steps))
}

// at is the state and the share of readers, in percent, at a time.
func (d *deployment) at(now time.Time) (state string, percent float64) {
	switch {
	case !d.Ended.IsZero():
		return d.End, 0
	case now.Before(d.deployed()):
		steps := d.Strategy.steps()
		for i, share := range steps {
			if !now.Before(d.stepAt(i, len(steps))) {
				percent = share
			}
		}
		return "DEPLOYING", percent
	case now.Before(d.complete()):
		return "BAKING", 100
	}
	return "COMPLETE", 100
}

// rolling tells whether the deployment is still under way.
func (d *deployment) rolling(now time.Time) bool {
	return d.Ended.IsZero() && now.Before(d.complete())
}

// newest is the environment's last deployment, nil for none.
func (e *environment) newest() *deployment {
	if len(e.deployments) == 0 {
		return nil
	}
	return e.deployments[len(e.deployments)-1]
}

// serves is the version of a profile that a reader gets; share, 0 to below 100,
// is the reader's place in a gradual deployment. 0: none is deployed.
func (e *environment) serves(profile string, share float64, now time.Time) int {
	for _, d := range slices.Backward(e.deployments) {
		if d.Profile != profile {
			continue
		}
		if state, percent := d.at(now); d.Ended.IsZero() && (state != "DEPLOYING" || share < percent) {
			return d.Version
		}
		return d.Before
	}
	return 0
}

// --- from the template -----------------------------------------------------

func (s *Stack) loadProfile(r cfn.Resource) error {
	var p struct {
		ApplicationId, Name, LocationUri, Type string
		Validators                             []validator
		Description, Tags                      cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if p.LocationUri != "hosted" {
		return fmt.Errorf("%s.LocationUri: %s is not supported, only hosted", r.ID, p.LocationUri)
	}
	ref, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	for i, v := range p.Validators {
		path := fmt.Sprintf("%s.Validators[%d]", r.ID, i)
		switch v.Type {
		case "JSON_SCHEMA":
			if _, err := compileSchema(v.Content); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		case "LAMBDA":
			if s.functionOf(v.Content) == nil {
				return fmt.Errorf("%s.Content: %s is not a function of the template", path, v.Content)
			}
		default:
			return fmt.Errorf("%s.Type: %s is not supported", path, v.Type)
		}
	}
	s.config.profiles[p.ApplicationId+"/"+ref] = &profile{id: r.ID, ref: ref, name: p.Name, application: p.ApplicationId, validators: p.Validators}
	return nil
}

func (s *Stack) loadEnvironment(r cfn.Resource) error {
	var p struct {
		ApplicationId, Name string
		Monitors            []struct{ AlarmArn, AlarmRoleArn string }
		Description, Tags   cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	ref, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	made := &environment{ref: ref, application: p.ApplicationId}
	for i, m := range p.Monitors {
		a, err := s.loadAlarm(m.AlarmArn)
		if err != nil {
			return fmt.Errorf("%s.Monitors[%d]: %w", r.ID, i, err)
		}
		// AppConfig looks at the alarm with this role, and refuses one that may not.
		who, err := s.assume(m.AlarmRoleArn, "appconfig.amazonaws.com", arnOf("appconfig", "application/"+p.ApplicationId+"/environment/"+ref))
		if err == nil {
			err = s.authorize(who, "cloudwatch:DescribeAlarms", m.AlarmArn, nil)
		}
		if err != nil {
			return fmt.Errorf("%s.Monitors[%d].AlarmRoleArn: %w", r.ID, i, err)
		}
		made.alarms = append(made.alarms, a)
	}
	s.config.environments[p.ApplicationId+"/"+ref] = made
	return nil
}

func (s *Stack) loadStrategy(r cfn.Resource) error {
	var p struct {
		Name, Description, GrowthType string
		DeploymentDurationInMinutes   float64
		FinalBakeTimeInMinutes        float64
		GrowthFactor                  float64
		ReplicateTo                   cfn.Ignored `why:"a copy for other services"`
		Tags                          cfn.Ignored `why:"for people"`
	}
	p.GrowthType = "LINEAR"
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if p.GrowthType != "LINEAR" && p.GrowthType != "EXPONENTIAL" {
		return fmt.Errorf("%s.GrowthType: %s is not supported", r.ID, p.GrowthType)
	}
	if p.GrowthFactor < 1 || p.GrowthFactor > 100 {
		return fmt.Errorf("%s.GrowthFactor: %v is not between 1 and 100", r.ID, p.GrowthFactor)
	}
	ref, err := s.template.Ref(r.ID)
	s.config.strategies[ref] = strategy{ID: ref, Name: p.Name, Description: p.Description, GrowthType: p.GrowthType,
		Minutes: p.DeploymentDurationInMinutes, Bake: p.FinalBakeTimeInMinutes, Growth: p.GrowthFactor}
	return err
}

func (s *Stack) loadHostedVersion(r cfn.Resource) error {
	var p struct {
		ApplicationId, ConfigurationProfileId, Content, ContentType, Description, VersionLabel string
		LatestVersionNumber                                                                    cfn.Ignored `why:"a guard against concurrent writers"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	to := s.config.profiles[p.ApplicationId+"/"+p.ConfigurationProfileId]
	if to == nil {
		return fmt.Errorf("%s.ConfigurationProfileId: %s is not in the template", r.ID, p.ConfigurationProfileId)
	}
	if to.template != nil {
		return fmt.Errorf("%s: the profile %s has a second version in the template", r.ID, p.ConfigurationProfileId)
	}
	to.template = &hosted{Number: 1, Label: p.VersionLabel, Description: p.Description, ContentType: p.ContentType, Content: []byte(p.Content), Template: true}
	return nil
}

func (s *Stack) loadDeployment(r cfn.Resource) error {
	var p struct {
		ApplicationId, EnvironmentId, ConfigurationProfileId, ConfigurationVersion, DeploymentStrategyId, Description string
		Tags                                                                                                          cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	of := s.config.profiles[p.ApplicationId+"/"+p.ConfigurationProfileId]
	to := s.config.environments[p.ApplicationId+"/"+p.EnvironmentId]
	how, known := s.config.strategies[p.DeploymentStrategyId]
	switch {
	case of == nil || of.template == nil:
		return fmt.Errorf("%s: the profile %s has no version in the template", r.ID, p.ConfigurationProfileId)
	case to == nil:
		return fmt.Errorf("%s.EnvironmentId: %s is not in the template", r.ID, p.EnvironmentId)
	case to.template != nil:
		return fmt.Errorf("%s: the environment %s has a second deployment in the template", r.ID, p.EnvironmentId)
	case !known:
		return fmt.Errorf("%s.DeploymentStrategyId: %s is not in the template", r.ID, p.DeploymentStrategyId)
	}
	for _, v := range of.validators {
		if v.Type == "JSON_SCHEMA" { // functions cannot run yet, see validateFirst
			if err := checkSchema(v.Content, of.template.Content); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
		}
	}
	to.template = &deployment{Number: 1, Profile: of.ref, Version: 1, Strategy: how, Description: p.Description}
	return nil
}

// validateFirst asks the validator functions about the versions that the template
// newly brings, as AppConfig does when CloudFormation starts the deployment.
func (s *Stack) validateFirst(ctx context.Context) error {
	for _, key := range sortedKeys(s.config.environments) {
		e := s.config.environments[key]
		if e.template == nil || e.newest() != e.template {
			continue
		}
		p := s.config.profiles[e.application+"/"+e.template.Profile]
		if err := s.validate(ctx, p, p.template); err != nil {
			return fmt.Errorf("%s: %w", p.id, err)
		}
	}
	return nil
}

// savedConfig is what the data directory holds of AppConfig.
type savedConfig struct {
	Versions    map[string][]*hosted
	Deployments map[string][]*deployment
}

// settleConfig brings the template's versions and deployments in, as deploying
// the template does: the first time, and whenever the template's configuration is
// another than the last that a template brought. CloudFormation waits until its
// deployment is complete.
func (s *Stack) settleConfig() error {
	c := s.config
	c.file = s.dataFile("appconfig")
	var saved savedConfig
	if c.file != "" {
		data, err := os.ReadFile(c.file)
		if err == nil {
			err = json.Unmarshal(data, &saved)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", c.file, err)
		}
	}
	fresh := map[string]bool{} // profiles whose template version is new
	for key, p := range c.profiles {
		p.versions = saved.Versions[key]
		if p.template == nil {
			continue
		}
		last := slices.IndexFunc(p.versions, func(h *hosted) bool { return h.Template && bytes.Equal(h.Content, p.template.Content) })
		if later := slices.IndexFunc(p.versions[last+1:], func(h *hosted) bool { return h.Template }); last < 0 || later >= 0 {
			p.template.Number = len(p.versions) + 1
			p.versions = append(p.versions, p.template)
			fresh[p.ref] = true
		}
	}
	now := s.clock.Now()
	for key, e := range c.environments {
		e.deployments = saved.Deployments[key]
		d := e.template
		if d == nil || !fresh[d.Profile] && len(e.deployments) > 0 {
			continue
		}
		if last := e.newest(); last != nil && last.rolling(now) {
			last.Ended, last.End, last.By, last.Why = now, "ROLLED_BACK", "USER", "The stack was deployed again"
		}
		d.Number, d.Version, d.Before = len(e.deployments)+1, c.profiles[e.application+"/"+d.Profile].template.Number, e.serves(d.Profile, 0, now)
		d.Started = now
		d.Started = now.Add(-d.complete().Sub(now))
		e.deployments = append(e.deployments, d)
	}
	return c.save()
}

// save writes what must survive a restart; the caller holds the lock, or is alone.
func (c *appConfig) save() error {
	if c.file == "" {
		return nil
	}
	out := savedConfig{Versions: map[string][]*hosted{}, Deployments: map[string][]*deployment{}}
	for key, p := range c.profiles {
		out.Versions[key] = p.versions
	}
	for key, e := range c.environments {
		out.Deployments[key] = e.deployments
	}
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return writeFile(c.file, data)
}

// --- versions --------------------------------------------------------------

// version finds a version by number or label, as StartDeployment takes them.
func (p *profile) version(name string) *hosted {
	for _, h := range p.versions {
		if strconv.Itoa(h.Number) == name || h.Label != "" && h.Label == name {
			return h
		}
	}
	return nil
}

// maxHosted is the quota for one hosted configuration, in bytes.
const maxHosted = 2048 * 1024

// notNumeric is what a label must hold: else it would read as a number.
var notNumeric = regexp.MustCompile(`[^0-9]`)

// write adds a version. latest, if not 0, must be the number of the last version;
// the caller holds the lock.
func (c *appConfig) write(p *profile, h hosted, latest int) (*hosted, error) {
	switch {
	case len(h.Content) > maxHosted:
		return nil, apiErrorf(http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "The configuration is %d bytes large; the limit is %d", len(h.Content), maxHosted)
	case h.ContentType == "":
		return nil, apiErrorf(http.StatusBadRequest, "BadRequestException", "Content-Type must be given")
	case len(h.Description) > 1024:
		return nil, apiErrorf(http.StatusBadRequest, "BadRequestException", "The description is longer than 1024 characters")
	case h.Label != "" && (len(h.Label) > 64 || !notNumeric.MatchString(h.Label)):
		return nil, apiErrorf(http.StatusBadRequest, "BadRequestException", "The version label %q must have 1 to 64 characters, at least one of them not a digit", h.Label)
	case h.Label != "" && p.version(h.Label) != nil:
		return nil, apiErrorf(http.StatusConflict, "ConflictException", "The version label %q belongs to version %d", h.Label, p.version(h.Label).Number)
	case latest != 0 && latest != len(p.versions):
		return nil, apiErrorf(http.StatusConflict, "ConflictException", "The latest version is %d, not %d", len(p.versions), latest)
	}
	h.Number = len(p.versions) + 1
	p.versions = append(p.versions, &h)
	return &h, c.save()
}

// compileSchema reads a JSON Schema; AppConfig takes draft 4.
func compileSchema(text string) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("validator.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("validator.json")
}

func checkSchema(schema string, content []byte) error {
	compiled, err := compileSchema(schema)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("the content is not JSON: %w", err)
	}
	return compiled.Validate(doc)
}

// invalidDetail is one reason why a validator refuses, as the API gives it.
type invalidDetail struct{ Constraint, Location, Reason, Type, Value string }

// validate asks a profile's validators about a version. What they refuse is a
// BadRequestException with the reasons.
func (s *Stack) validate(ctx context.Context, p *profile, h *hosted) error {
	var details []invalidDetail
	for _, v := range p.validators {
		if v.Type == "JSON_SCHEMA" {
			err := checkSchema(v.Content, h.Content)
			var bad *jsonschema.ValidationError
			if errors.As(err, &bad) {
				details = append(details, schemaDetails(bad)...)
			} else if err != nil {
				details = append(details, invalidDetail{Reason: err.Error(), Type: v.Type})
			}
			continue
		}
		why, err := s.validateByFunction(ctx, p, v.Content, h)
		if err != nil {
			return err
		}
		if why != "" {
			details = append(details, invalidDetail{Reason: why, Type: v.Type})
		}
	}
	if len(details) == 0 {
		return nil
	}
	text := "the configuration is not valid"
	for _, d := range details {
		text += "; " + strings.TrimPrefix(d.Location+": ", ": ") + d.Reason
	}
	e := apiErrorf(http.StatusBadRequest, "BadRequestException", "%s", text)
	body, err := json.Marshal(map[string]any{"__type": e.Code, "Message": text, "Reason": "InvalidConfiguration",
		"Details": map[string]any{"InvalidConfiguration": details}})
	e.body = body
	return errors.Join(err, e)
}

// schemaDetails lists the leaves of a schema's refusal.
func schemaDetails(e *jsonschema.ValidationError) []invalidDetail {
	if len(e.Causes) == 0 {
		return []invalidDetail{{Constraint: strings.Join(e.ErrorKind.KeywordPath(), "/"), Location: "/" + strings.Join(e.InstanceLocation, "/"),
			Reason: e.ErrorKind.LocalizedString(message.NewPrinter(language.English)), Type: "JSON_SCHEMA"}}
	}
	var out []invalidDetail
	for _, cause := range e.Causes {
		out = append(out, schemaDetails(cause)...)
	}
	return out
}

// asks is how often a validator function is asked that does not answer.
const asks = 3

// validateByFunction returns why the function refuses, "" if it does not. One that
// is throttled, dies or runs out of time has not refused: it is asked again.
func (s *Stack) validateByFunction(ctx context.Context, to *profile, function string, h *hosted) (string, error) {
	f := s.functionOf(function)
	arn := arnOf("appconfig", "application/"+to.application+"/configurationprofile/"+to.ref)
	if err := s.serviceMay(f.permissions, "appconfig.amazonaws.com", "lambda:InvokeFunction", f.arn, arn); err != nil {
		return "", err
	}
	payload, err := json.Marshal(map[string]string{"applicationId": to.application, "configurationProfileId": to.ref,
		"configurationVersion": strconv.Itoa(h.Number), "content": base64.StdEncoding.EncodeToString(h.Content), "uri": "hosted"})
	if err != nil {
		return "", err
	}
	defer s.clock.Begin()()
	for ask := 1; ; ask++ {
		result, err := s.lambda.Invoke(ctx, lambda.Request{Function: f.name, Payload: payload, Scheduled: true})
		if err == nil && !result.Failed {
			return "", nil
		}
		var said struct{ ErrorType, ErrorMessage string }
		if err == nil && (json.Unmarshal(result.Payload, &said) != nil || said.ErrorMessage == "") {
			said.ErrorMessage = string(result.Payload)
		}
		answered := err == nil && !strings.HasPrefix(said.ErrorType, "Runtime.") && !strings.HasPrefix(said.ErrorType, "Sandbox.")
		if answered || ask == asks || ctx.Err() != nil {
			return said.ErrorMessage, err
		}
	}
}

// --- deployments -----------------------------------------------------------

// start begins the deployment of a version, after the validators agreed.
func (s *Stack) startDeployment(ctx context.Context, e *environment, p *profile, h *hosted, how strategy, description string) (*deployment, error) {
	busy := func() error {
		s.watch(e)
		if d := e.newest(); d != nil && d.rolling(s.clock.Now()) {
			return apiErrorf(http.StatusConflict, "ConflictException", "Deployment %d is in progress", d.Number)
		}
		return nil
	}
	s.config.mu.Lock()
	err := busy()
	s.config.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := s.validate(ctx, p, h); err != nil {
		return nil, err
	}
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	if err := busy(); err != nil { // another may have begun meanwhile
		return nil, err
	}
	now := s.clock.Now()
	d := &deployment{Number: len(e.deployments) + 1, Profile: p.ref, Version: h.Number, Before: e.serves(p.ref, 0, now), Strategy: how,
		Description: description, Started: now}
	e.deployments = append(e.deployments, d)
	s.logf("config: deployment %d of version %d", d.Number, d.Version)
	return d, s.config.save()
}

// revertWithin is how long a completed deployment can be reverted.
const revertWithin = 72 * time.Hour

// stopDeployment rolls one that is under way back, or reverts a completed one;
// the caller holds the lock. Only the newest completed deployment can be
// reverted: what an older one replaced is not what is served.
func (s *Stack) stopDeployment(e *environment, d *deployment, revert bool) error {
	now := s.clock.Now()
	state, _ := d.at(now)
	switch {
	case state == "DEPLOYING", state == "BAKING" && revert:
		d.End = "ROLLED_BACK"
	case state != "COMPLETE":
		return apiErrorf(http.StatusBadRequest, "BadRequestException", "Deployment %d is %s and cannot be stopped", d.Number, state)
	case !revert:
		return apiErrorf(http.StatusBadRequest, "BadRequestException", "Deployment %d is complete; Allow-Revert is not given", d.Number)
	case now.Sub(d.complete()) > revertWithin:
		return apiErrorf(http.StatusBadRequest, "BadRequestException", "Deployment %d was completed more than 72 hours ago", d.Number)
	case e.newest() != d || d.Before == 0:
		return apiErrorf(http.StatusBadRequest, "BadRequestException", "Deployment %d has no previous version to go back to", d.Number)
	default:
		d.End = "REVERTED"
	}
	d.Ended, d.By, d.Why = now, "USER", "Stopped by StopDeployment"
	s.logf("config: deployment %d is %s", d.Number, d.End)
	return s.config.save()
}

// watch takes the newest deployment back if one of the environment's alarms rang
// while it was under way; the caller holds the lock.
func (s *Stack) watch(e *environment) {
	d, now := e.newest(), s.clock.Now()
	if d == nil || !d.Ended.IsZero() {
		return
	}
	until := d.complete()
	if now.Before(until) {
		until = now
	}
	for _, a := range e.alarms {
		at, rang := a.rang(s.metrics, d.Started, until)
		if !rang || !d.Ended.IsZero() && !at.Before(d.Ended) {
			continue
		}
		d.Ended, d.End, d.By, d.Why = at, "ROLLED_BACK", "CLOUDWATCH_ALARM", "The alarm "+a.name+" rang"
	}
	if !d.Ended.IsZero() {
		s.logf("config: deployment %d is rolled back: %s", d.Number, d.Why)
		if err := s.config.save(); err != nil {
			s.logf("config: %v", err)
		}
	}
}

// Deploy writes a new version of a configuration profile and deploys it the way
// the template does, wherever the template deploys the profile. The profile is
// given by name; "" is the only one.
func (s *Stack) Deploy(ctx context.Context, name string, content []byte) error {
	var of *profile
	for _, p := range s.config.profiles {
		if p.name == name || p.id == name || name == "" && len(s.config.profiles) == 1 {
			of = p
		}
	}
	if of == nil {
		return fmt.Errorf("there is no configuration profile %q", name)
	}
	s.config.mu.Lock()
	h, err := s.config.write(of, hosted{ContentType: "application/json", Content: content}, 0)
	s.config.mu.Unlock()
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(s.config.environments) {
		e := s.config.environments[key]
		if e.template == nil || e.template.Profile != of.ref {
			continue
		}
		if _, err := s.startDeployment(ctx, e, of, h, e.template.Strategy, ""); err != nil {
			return err
		}
	}
	return nil
}
