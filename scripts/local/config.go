package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// --- Secrets Manager -------------------------------------------------------

type secret struct {
	id, name, arn string
	value         *string // nil: none yet
	created       time.Time
}

// hashSuffix is what the CDK appends to a logical id.
var hashSuffix = regexp.MustCompile(`[0-9A-F]{8}$`)

func (s *Stack) loadSecret(r cfn.Resource) error {
	var p struct {
		Name                 string
		SecretString         *string
		GenerateSecretString *struct {
			SecretStringTemplate, GenerateStringKey, ExcludeCharacters string
			PasswordLength                                             int
			ExcludePunctuation                                         bool
		}
		KmsKeyId          cfn.Ignored `why:"nothing is encrypted at rest locally"`
		Description, Tags cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	made := &secret{id: r.ID, arn: arn, name: strings.TrimSuffix(tail(arn, ":"), "-local0"), value: p.SecretString, created: s.clock.Now()}
	s.secrets[arn] = made
	for _, name := range []string{r.ID, hashSuffix.ReplaceAllString(r.ID, "")} {
		if value, ok := s.o.Secrets[name]; ok {
			made.value = &value
			return nil
		}
	}
	if g := p.GenerateSecretString; g != nil {
		file := s.dataFile("secret-" + r.ID)
		if file != "" {
			if data, err := os.ReadFile(file); err == nil {
				text := string(data)
				made.value = &text
				return nil
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if g.PasswordLength == 0 {
			g.PasswordLength = 32
		}
		alphabet := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		if !g.ExcludePunctuation {
			alphabet += "!#$%&()*+,-./:;<=>?@[]^_{|}~"
		}
		text, err := randomText(g.PasswordLength, alphabet, g.ExcludeCharacters)
		if err != nil {
			return err
		}
		if g.GenerateStringKey != "" {
			fields := map[string]any{}
			if err := json.Unmarshal([]byte(g.SecretStringTemplate), &fields); err != nil {
				return fmt.Errorf("%s.GenerateSecretString.SecretStringTemplate: %w", r.ID, err)
			}
			fields[g.GenerateStringKey] = text
			data, err := json.Marshal(fields)
			if err != nil {
				return err
			}
			text = string(data)
		}
		made.value = &text
		if file != "" {
			return writeFile(file, []byte(text))
		}
	}
	return nil
}

func randomText(n int, alphabet, without string) (string, error) {
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(without, r) {
			return -1
		}
		return r
	}, alphabet)
	out := make([]byte, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", err
		}
		out[i] = letters[k.Int64()]
	}
	return string(out), nil
}

// SetSecret gives a secret a value, as a person does after a deployment; the
// secret is named by its logical id, with or without the CDK's hash.
func (s *Stack) SetSecret(id, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.secrets {
		if one.id == id || hashSuffix.ReplaceAllString(one.id, "") == id {
			one.value = &value
			return nil
		}
	}
	return fmt.Errorf("there is no secret %q in the template", id)
}

func (s *Stack) apiGetSecretValue(_ context.Context, p principal, body []byte) (any, error) {
	var r struct{ SecretId, VersionId, VersionStage string }
	if err := read(body, &r); err != nil {
		return nil, err
	}
	var found *secret
	for _, one := range s.secrets {
		if r.SecretId == one.arn || r.SecretId == one.name {
			found = one
		}
	}
	resource := r.SecretId
	if found != nil {
		resource = found.arn
	} else if !strings.HasPrefix(resource, "arn:") {
		resource = arnOf("secretsmanager", "secret:"+resource)
	}
	if err := s.authorize(p, "secretsmanager:GetSecretValue", resource, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "secretsmanager", "GetSecretValue", map[cost.Unit]float64{cost.Request: 1})
	if found == nil {
		return nil, apiErrorf(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	s.mu.Lock()
	value := found.value
	s.mu.Unlock()
	if value == nil {
		return nil, apiErrorf(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	}
	return map[string]any{"ARN": found.arn, "Name": found.name, "SecretString": *value, "VersionId": "00000000-0000-4000-8000-000000000001",
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": float64(found.created.UnixMilli()) / 1000}, nil
}

// --- AppConfig -------------------------------------------------------------

// profile is a configuration profile with what is deployed of it.
type profile struct {
	id, ref, name, application string
	validators                 []validator
	hosted                     []byte // the version of the template, not deployed yet
	hostedType                 string

	environments map[string]bool // where it is deployed
	content      []byte
	contentType  string
	version      int
}

type validator struct{ Type, Content string }

// configSession is a reader's place; token changes with every answer.
type configSession struct {
	profile *profile
	arn     string
	seen    int
}

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
	s.profiles[p.ApplicationId+"/"+ref] = &profile{id: r.ID, ref: ref, name: p.Name, application: p.ApplicationId, validators: p.Validators, environments: map[string]bool{}}
	return nil
}

func (s *Stack) loadHostedVersion(r cfn.Resource) error {
	var p struct {
		ApplicationId, ConfigurationProfileId, Content, ContentType string
		LatestVersionNumber                                         cfn.Ignored `why:"a guard against concurrent writers"`
		Description, VersionLabel                                   cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	to := s.profiles[p.ApplicationId+"/"+p.ConfigurationProfileId]
	if to == nil {
		return fmt.Errorf("%s.ConfigurationProfileId: %s is not in the template", r.ID, p.ConfigurationProfileId)
	}
	to.hosted, to.hostedType = []byte(p.Content), p.ContentType
	return nil
}

func (s *Stack) loadDeployment(r cfn.Resource) error {
	var p struct {
		ApplicationId, EnvironmentId, ConfigurationProfileId, ConfigurationVersion, DeploymentStrategyId string
		Description, Tags                                                                                cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	to := s.profiles[p.ApplicationId+"/"+p.ConfigurationProfileId]
	if to == nil || to.hosted == nil {
		return fmt.Errorf("%s: the profile %s has no version in the template", r.ID, p.ConfigurationProfileId)
	}
	to.environments[p.EnvironmentId] = true
	to.content, to.contentType, to.version = to.hosted, to.hostedType, 1
	for _, v := range to.validators {
		if v.Type == "JSON_SCHEMA" { // functions cannot run yet, see validateFirst
			if err := checkSchema(v.Content, to.content); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
		}
	}
	return nil
}

// validateFirst asks the validator functions about the versions that the template
// itself deploys, as AppConfig does when CloudFormation starts the deployment. A
// function that a fault hits is asked again.
func (s *Stack) validateFirst(ctx context.Context) error {
	for _, p := range s.profiles {
		if p.version == 0 {
			continue
		}
		for _, v := range p.validators {
			if v.Type != "LAMBDA" {
				continue
			}
			err := s.validateByFunction(ctx, p, v.Content, p.version, p.content)
			for range 2 {
				if err != nil {
					err = s.validateByFunction(ctx, p, v.Content, p.version, p.content)
				}
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.id, err)
			}
		}
	}
	return nil
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

// Deploy makes a new version of a configuration profile the current one, after
// its validators agree; a deployment strategy's minutes are not waited for. The
// profile is given by name; "" is the only one.
func (s *Stack) Deploy(ctx context.Context, name string, content []byte) error {
	var to *profile
	for _, p := range s.profiles {
		if p.name == name || p.id == name || name == "" && len(s.profiles) == 1 {
			to = p
		}
	}
	if to == nil {
		return fmt.Errorf("there is no configuration profile %q", name)
	}
	s.mu.Lock()
	version := to.version + 1
	s.mu.Unlock()
	for _, v := range to.validators {
		if v.Type == "JSON_SCHEMA" {
			if err := checkSchema(v.Content, content); err != nil {
				return err
			}
			continue
		}
		if err := s.validateByFunction(ctx, to, v.Content, version, content); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to.content, to.version = content, version
	if to.contentType == "" {
		to.contentType = "application/json"
	}
	return nil
}

func (s *Stack) validateByFunction(ctx context.Context, to *profile, function string, version int, content []byte) error {
	f := s.functionOf(function)
	arn := arnOf("appconfig", "application/"+to.application+"/configurationprofile/"+to.ref)
	if err := s.serviceMay(f.permissions, "appconfig.amazonaws.com", "lambda:InvokeFunction", f.arn, arn); err != nil {
		return err
	}
	payload, err := json.Marshal(map[string]string{"applicationId": to.application, "configurationProfileId": to.ref,
		"configurationVersion": fmt.Sprint(version), "content": base64.StdEncoding.EncodeToString(content), "uri": "hosted"})
	if err != nil {
		return err
	}
	defer s.clock.Begin()()
	result, err := s.lambda.Invoke(ctx, lambda.Request{Function: f.name, Payload: payload})
	if err != nil {
		return err
	}
	if result.Failed {
		return fmt.Errorf("the validator %s refuses: %s", f.name, result.Payload)
	}
	return nil
}

func (s *Stack) apiStartConfiguration(_ context.Context, p principal, body []byte) (any, error) {
	var r struct{ ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier string }
	if err := read(body, &r); err != nil {
		return nil, err
	}
	arn := arnOf("appconfig", "application/"+r.ApplicationIdentifier+"/environment/"+r.EnvironmentIdentifier+"/configuration/"+r.ConfigurationProfileIdentifier)
	if err := s.authorize(p, "appconfig:StartConfigurationSession", arn, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "appconfig", "StartConfigurationSession", map[cost.Unit]float64{cost.Request: 1})
	found := s.profiles[r.ApplicationIdentifier+"/"+r.ConfigurationProfileIdentifier]
	if found == nil || !found.environments[r.EnvironmentIdentifier] {
		return nil, apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "no configuration is deployed at %s", arn)
	}
	token := newID()
	s.mu.Lock()
	s.session[token] = &configSession{profile: found, arn: arn}
	s.mu.Unlock()
	return map[string]string{"InitialConfigurationToken": token}, nil
}

func (s *Stack) serveAppConfig(w http.ResponseWriter, r *http.Request, p principal, body []byte) {
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/configurationsessions":
		out, err := s.call(r.Context(), p, "appconfig", "StartConfigurationSession", body)
		if err != nil {
			s.writeError(w, p, "appconfig", err)
			return
		}
		s.answer(w, p, http.StatusCreated, "application/json", out)
	case r.Method == http.MethodGet && r.URL.Path == "/configuration":
		s.serveLatest(w, r, p)
	default:
		s.writeError(w, p, "appconfig", unknownOperation("appconfig", r.Method+" "+r.URL.Path))
	}
}

// serveLatest is GetLatestConfiguration: the content if the session has not seen
// this version, else nothing. Each token is good for one call; a lost answer
// makes the reader begin a new session.
func (s *Stack) serveLatest(w http.ResponseWriter, r *http.Request, p principal) {
	token := r.URL.Query().Get("configuration_token")
	s.mu.Lock()
	session := s.session[token]
	s.mu.Unlock()
	if session == nil {
		s.writeError(w, p, "appconfig", apiErrorf(http.StatusBadRequest, "BadRequestException", "Request token is invalid or was used already"))
		return
	}
	if err := s.authorize(p, "appconfig:GetLatestConfiguration", session.arn, nil); err != nil {
		s.writeError(w, p, "appconfig", err)
		return
	}
	lost, err := s.fault(p, "appconfig", "GetLatestConfiguration", []byte(session.arn+p.session))
	if err != nil {
		s.writeError(w, p, "appconfig", err)
		return
	}
	next := newID()
	s.mu.Lock()
	delete(s.session, token)
	s.session[next] = session
	version, contentType := session.profile.version, session.profile.contentType
	var content []byte
	units := map[cost.Unit]float64{cost.Request: 1}
	if session.seen != version {
		content, units[cost.Configuration] = session.profile.content, 1
	}
	session.seen = version
	s.mu.Unlock()
	s.count(p, false, "appconfig", "GetLatestConfiguration", units)
	if lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Next-Poll-Configuration-Token", next)
	w.Header().Set("Next-Poll-Interval-In-Seconds", "60")
	s.answer(w, p, http.StatusOK, contentType, content)
}
