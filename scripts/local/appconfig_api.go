package local

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cost"
)

// --- for readers: AppConfig's data API -------------------------------------

// configSession is a reader's place; its token changes with every answer.
type configSession struct {
	profile     *profile
	environment *environment
	arn         string
	seen        int
	share       float64 // 0 to below 100: when a gradual deployment reaches it
}

// pollSeconds is how soon a reader may ask again. AWS says 60; here somebody
// waits for the effect of an edit.
const pollSeconds = "1"

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
	c := s.config
	c.mu.Lock()
	defer c.mu.Unlock()
	of, in := c.profiles[r.ApplicationIdentifier+"/"+r.ConfigurationProfileIdentifier], c.environments[r.ApplicationIdentifier+"/"+r.EnvironmentIdentifier]
	if of == nil || in == nil {
		return nil, apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "no configuration is at %s", arn)
	}
	token := newID()
	h := fnv.New32a()
	h.Write([]byte(token))
	c.sessions[token] = &configSession{profile: of, environment: in, arn: arn, share: float64(h.Sum32()%10_000) / 100}
	return map[string]string{"InitialConfigurationToken": token}, nil
}

// serveLatest is GetLatestConfiguration: the content if the session has not seen
// this version, else nothing. Each token is good for one call; a lost answer
// makes the reader begin a new session.
func (s *Stack) serveLatest(w http.ResponseWriter, r *http.Request, p principal) {
	token, c := r.URL.Query().Get("configuration_token"), s.config
	c.mu.Lock()
	session := c.sessions[token]
	c.mu.Unlock()
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
	units := map[cost.Unit]float64{cost.Request: 1}
	served, content := &hosted{ContentType: "application/octet-stream"}, []byte(nil)
	c.mu.Lock()
	delete(c.sessions, token)
	c.sessions[next] = session
	s.watch(session.environment)
	if n := session.environment.serves(session.profile.ref, session.share, s.clock.Now()); n > 0 {
		served = session.profile.versions[n-1]
		if session.seen != n {
			content, units[cost.Configuration], session.seen = served.Content, 1, n
		}
	}
	c.mu.Unlock()
	s.count(p, false, "appconfig", "GetLatestConfiguration", units)
	if lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Next-Poll-Configuration-Token", next)
	w.Header().Set("Next-Poll-Interval-In-Seconds", pollSeconds)
	if served.Label != "" && content != nil {
		w.Header().Set("Version-Label", served.Label)
	}
	s.answer(w, p, http.StatusOK, served.ContentType, content)
}

// --- for people: AppConfig's control API -----------------------------------

// configCall is one call of the control API. The application is always there; of
// the others, those that the path names.
type configCall struct {
	*http.Request
	body        []byte
	answer      http.Header
	application string
	profile     *profile
	environment *environment
	deployment  *deployment
	version     *hosted
}

// configCalls are the calls that the stack knows: method, path, action, status of
// success, and what it does. In a path, a word in braces stands for an id.
var configCalls = []struct {
	method, path, action string
	status               int
	do                   func(*Stack, *configCall) (any, error)
}{
	{http.MethodPost, "/applications/{a}/configurationprofiles/{profile}/hostedconfigurationversions", "CreateHostedConfigurationVersion", 201, (*Stack).createHosted},
	{http.MethodGet, "/applications/{a}/configurationprofiles/{profile}/hostedconfigurationversions", "ListHostedConfigurationVersions", 200, (*Stack).listHosted},
	{http.MethodGet, "/applications/{a}/configurationprofiles/{profile}/hostedconfigurationversions/{version}", "GetHostedConfigurationVersion", 200, (*Stack).getHosted},
	{http.MethodPost, "/applications/{a}/configurationprofiles/{profile}/validators", "ValidateConfiguration", 204, (*Stack).validateConfiguration},
	{http.MethodPost, "/applications/{a}/environments/{environment}/deployments", "StartDeployment", 201, (*Stack).apiStartDeployment},
	{http.MethodGet, "/applications/{a}/environments/{environment}/deployments", "ListDeployments", 200, (*Stack).listDeployments},
	{http.MethodGet, "/applications/{a}/environments/{environment}/deployments/{deployment}", "GetDeployment", 200, (*Stack).getDeployment},
	{http.MethodDelete, "/applications/{a}/environments/{environment}/deployments/{deployment}", "StopDeployment", 202, (*Stack).apiStopDeployment},
	{http.MethodGet, "/deploymentstrategies", "ListDeploymentStrategies", 200, (*Stack).listStrategies},
	{http.MethodGet, "/deploymentstrategies/{strategy}", "GetDeploymentStrategy", 200, (*Stack).getStrategy},
}

// ids takes the ids out of a path that has the form of a pattern.
func ids(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	out := map[string]string{}
	for i, w := range want {
		if name, ok := strings.CutPrefix(w, "{"); ok {
			out[strings.TrimSuffix(name, "}")] = got[i]
		} else if w != got[i] {
			return nil, false
		}
	}
	return out, true
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
		return
	case r.Method == http.MethodGet && r.URL.Path == "/configuration":
		s.serveLatest(w, r, p)
		return
	}
	for _, call := range configCalls {
		path, ok := ids(call.path, r.URL.Path)
		if !ok || call.method != r.Method {
			continue
		}
		c := &configCall{Request: r, body: body, answer: w.Header()}
		err := s.authorize(p, "appconfig:"+call.action, arnOf("appconfig", strings.NewReplacer("applications/", "application/", "environments/", "environment/",
			"configurationprofiles/", "configurationprofile/", "deployments/", "deployment/").Replace(strings.TrimPrefix(r.URL.Path, "/"))), nil)
		if err == nil {
			err = s.find(c, path)
		}
		var out any
		if err == nil {
			out, err = call.do(s, c)
		}
		if err != nil {
			s.writeError(w, p, "appconfig", err)
			return
		}
		content, raw := out.([]byte)
		kind := w.Header().Get("Content-Type")
		if !raw && out != nil {
			kind = "application/json"
			if content, err = json.Marshal(out); err != nil {
				s.writeError(w, p, "appconfig", err)
				return
			}
		}
		s.answer(w, p, call.status, kind, content)
		return
	}
	s.writeError(w, p, "appconfig", unknownOperation("appconfig", r.Method+" "+r.URL.Path))
}

// find resolves what the path names.
func (s *Stack) find(c *configCall, path map[string]string) error {
	missing := func(what, id string) error {
		return apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "There is no %s %s", what, id)
	}
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	c.application = path["a"]
	if id, ok := path["profile"]; ok {
		if c.profile = s.config.profiles[c.application+"/"+id]; c.profile == nil {
			return missing("configuration profile", id)
		}
	}
	if id, ok := path["environment"]; ok {
		if c.environment = s.config.environments[c.application+"/"+id]; c.environment == nil {
			return missing("environment", id)
		}
		s.watch(c.environment)
	}
	if id, ok := path["version"]; ok {
		if n, err := strconv.Atoi(id); err == nil && n > 0 && n <= len(c.profile.versions) {
			c.version = c.profile.versions[n-1]
		} else {
			return missing("version", id)
		}
	}
	if id, ok := path["deployment"]; ok {
		if n, err := strconv.Atoi(id); err == nil && n > 0 && n <= len(c.environment.deployments) {
			c.deployment = c.environment.deployments[n-1]
		} else {
			return missing("deployment", id)
		}
	}
	if id, ok := path["strategy"]; ok {
		if _, ok := s.config.strategies[id]; !ok {
			return missing("deployment strategy", id)
		}
	}
	return nil
}

// page cuts a list as max_results and next_token say.
func page[T any](c *configCall, list []T) (any, error) {
	most, from := 50, 0
	for name, to := range map[string]*int{"max_results": &most, "next_token": &from} {
		if text := c.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || name == "max_results" && (n < 1 || n > 50) {
				return nil, apiErrorf(http.StatusBadRequest, "BadRequestException", "%s=%s is not valid", name, text)
			}
			*to = n
		}
	}
	list = list[min(from, len(list)):]
	out := map[string]any{"Items": list}
	if len(list) > most {
		out["Items"], out["NextToken"] = list[:most], strconv.Itoa(from+most)
	}
	return out, nil
}

// hosted is a version as the API tells it: in headers, with the content as body.
func (c *configCall) hosted(h *hosted) (any, error) {
	for name, value := range map[string]string{"Application-Id": c.application, "Configuration-Profile-Id": c.profile.ref, "Content-Type": h.ContentType,
		"Description": h.Description, "VersionLabel": h.Label, "Version-Number": strconv.Itoa(h.Number)} {
		if value != "" {
			c.answer.Set(name, value)
		}
	}
	return h.Content, nil
}

func (s *Stack) createHosted(c *configCall) (any, error) {
	latest := 0
	if text := c.Header.Get("Latest-Version-Number"); text != "" {
		var err error
		if latest, err = strconv.Atoi(text); err != nil {
			return nil, apiErrorf(http.StatusBadRequest, "BadRequestException", "Latest-Version-Number %q is not a number", text)
		}
	}
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	h, err := s.config.write(c.profile, hosted{Label: c.Header.Get("VersionLabel"), Description: c.Header.Get("Description"),
		ContentType: c.Header.Get("Content-Type"), Content: slices.Clone(c.body)}, latest)
	if err != nil {
		return nil, err
	}
	return c.hosted(h)
}

func (s *Stack) getHosted(c *configCall) (any, error) { return c.hosted(c.version) }

type hostedSummary struct {
	ApplicationId, ConfigurationProfileId, ContentType string
	Description, VersionLabel                          string `json:",omitempty"`
	VersionNumber                                      int
}

func (s *Stack) listHosted(c *configCall) (any, error) {
	want, prefix := strings.CutSuffix(c.URL.Query().Get("version_label"), "*")
	list := []hostedSummary{}
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	for _, h := range slices.Backward(c.profile.versions) {
		if want == "" || h.Label == want || prefix && strings.HasPrefix(h.Label, want) {
			list = append(list, hostedSummary{ApplicationId: c.application, ConfigurationProfileId: c.profile.ref, ContentType: h.ContentType,
				Description: h.Description, VersionLabel: h.Label, VersionNumber: h.Number})
		}
	}
	return page(c, list)
}

func (s *Stack) validateConfiguration(c *configCall) (any, error) {
	s.config.mu.Lock()
	h := c.profile.version(c.URL.Query().Get("configuration_version"))
	s.config.mu.Unlock()
	if h == nil {
		return nil, apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "There is no version %q", c.URL.Query().Get("configuration_version"))
	}
	return nil, s.validate(c.Context(), c.profile, h)
}

func (s *Stack) apiStartDeployment(c *configCall) (any, error) {
	var r struct {
		ConfigurationProfileId, ConfigurationVersion, DeploymentStrategyId, Description string
	}
	if err := readStrict(c.body, &r); err != nil {
		return nil, err
	}
	s.config.mu.Lock()
	how, known := s.config.strategies[r.DeploymentStrategyId]
	of := s.config.profiles[c.application+"/"+r.ConfigurationProfileId]
	var h *hosted
	if of != nil {
		h = of.version(r.ConfigurationVersion)
	}
	s.config.mu.Unlock()
	if !known || h == nil {
		return nil, apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "There is no profile %q with a version %q, or no deployment strategy %q",
			r.ConfigurationProfileId, r.ConfigurationVersion, r.DeploymentStrategyId)
	}
	d, err := s.startDeployment(c.Context(), c.environment, of, h, how, r.Description)
	if err != nil {
		return nil, err
	}
	c.deployment = d
	return s.getDeployment(c)
}

func (s *Stack) apiStopDeployment(c *configCall) (any, error) {
	s.config.mu.Lock()
	err := s.stopDeployment(c.environment, c.deployment, c.Header.Get("Allow-Revert") == "true")
	s.config.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.getDeployment(c)
}

type deploymentEvent struct {
	EventType, Description, TriggeredBy string
	OccurredAt                          string
}

type deploymentOut struct {
	ApplicationId, EnvironmentId, ConfigurationProfileId, DeploymentStrategyId string `json:",omitempty"`
	ConfigurationName, ConfigurationVersion, GrowthType, State                 string
	ConfigurationLocationUri, VersionLabel, Description                        string `json:",omitempty"`
	DeploymentNumber                                                           int
	DeploymentDurationInMinutes, FinalBakeTimeInMinutes, GrowthFactor          float64
	PercentageComplete                                                         float64
	StartedAt                                                                  string
	CompletedAt                                                                string            `json:",omitempty"`
	EventLog                                                                   []deploymentEvent `json:",omitempty"`
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// describe tells a deployment as it stands; the caller holds the lock.
func (c *configCall) describe(d *deployment, now time.Time, of *profile) deploymentOut {
	state, percent := d.at(now)
	out := deploymentOut{ConfigurationName: of.name, ConfigurationVersion: strconv.Itoa(d.Version), VersionLabel: of.versions[d.Version-1].Label,
		DeploymentNumber: d.Number, DeploymentDurationInMinutes: d.Strategy.Minutes, FinalBakeTimeInMinutes: d.Strategy.Bake,
		GrowthFactor: d.Strategy.Growth, GrowthType: d.Strategy.GrowthType, PercentageComplete: percent, StartedAt: stamp(d.Started), State: state}
	switch {
	case !d.Ended.IsZero():
		out.CompletedAt = stamp(d.Ended)
	case state == "COMPLETE":
		out.CompletedAt = stamp(d.complete())
	}
	return out
}

// events are what has happened to a deployment, newest first.
func (d *deployment) events(now time.Time) []deploymentEvent {
	var out []deploymentEvent
	add := func(at time.Time, kind, by, description string) {
		if !now.Before(at) && (d.Ended.IsZero() || !d.Ended.Before(at)) {
			out = append(out, deploymentEvent{EventType: kind, TriggeredBy: by, Description: description, OccurredAt: stamp(at)})
		}
	}
	add(d.Started, "DEPLOYMENT_STARTED", "USER", "Deployment started")
	steps := d.Strategy.steps()
	for i, share := range steps {
		add(d.stepAt(i, len(steps)), "PERCENTAGE_UPDATED", "APPCONFIG", "The configuration is available to "+strconv.FormatFloat(share, 'f', -1, 64)+"% of readers")
	}
	add(d.deployed(), "BAKE_TIME_STARTED", "APPCONFIG", "Watched for "+strconv.FormatFloat(d.Strategy.Bake, 'f', -1, 64)+" more minutes")
	if d.End != "ROLLED_BACK" {
		add(d.complete(), "DEPLOYMENT_COMPLETED", "APPCONFIG", "Deployment completed")
	}
	switch d.End {
	case "ROLLED_BACK":
		add(d.Ended, "ROLLBACK_STARTED", d.By, d.Why)
		add(d.Ended, "ROLLBACK_COMPLETED", "APPCONFIG", "Rollback completed")
	case "REVERTED":
		add(d.Ended, "REVERT_COMPLETED", d.By, d.Why)
	}
	slices.Reverse(out)
	return out
}

func (s *Stack) getDeployment(c *configCall) (any, error) {
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	d, now := c.deployment, s.clock.Now()
	out := c.describe(d, now, s.config.profiles[c.application+"/"+d.Profile])
	out.ApplicationId, out.EnvironmentId, out.ConfigurationProfileId, out.DeploymentStrategyId = c.application, c.environment.ref, d.Profile, d.Strategy.ID
	out.ConfigurationLocationUri, out.Description, out.EventLog = "hosted", d.Description, d.events(now)
	return out, nil
}

func (s *Stack) listDeployments(c *configCall) (any, error) {
	s.config.mu.Lock()
	defer s.config.mu.Unlock()
	list := []deploymentOut{}
	for _, d := range slices.Backward(c.environment.deployments) {
		list = append(list, c.describe(d, s.clock.Now(), s.config.profiles[c.application+"/"+d.Profile]))
	}
	return page(c, list)
}

type strategyOut struct {
	Id, Name, Description, GrowthType, ReplicateTo                    string
	DeploymentDurationInMinutes, FinalBakeTimeInMinutes, GrowthFactor float64
}

func (st strategy) describe() strategyOut {
	return strategyOut{Id: st.ID, Name: st.Name, Description: st.Description, GrowthType: st.GrowthType, ReplicateTo: "NONE",
		DeploymentDurationInMinutes: st.Minutes, FinalBakeTimeInMinutes: st.Bake, GrowthFactor: st.Growth}
}

func (s *Stack) listStrategies(c *configCall) (any, error) {
	list := []strategyOut{}
	for _, id := range sortedKeys(s.config.strategies) {
		list = append(list, s.config.strategies[id].describe())
	}
	return page(c, list)
}

func (s *Stack) getStrategy(c *configCall) (any, error) {
	return s.config.strategies[c.URL.Path[strings.LastIndex(c.URL.Path, "/")+1:]].describe(), nil
}
