package local

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// httpAPI is an API Gateway HTTP API with its stage $default.
type httpAPI struct {
	id, ref      string
	routes       []*route
	integrations map[string]*function   // by Ref
	authorizers  map[string]*authorizer // by Ref

	accessLog   string // format; "" for none
	rate, burst float64
	mu          sync.Mutex
	tokens      float64
	filled      time.Time
}

type route struct {
	key    string // "GET /webhooks/x"
	method string // "" for ANY
	path   []string
	f      *function

	authorizer *authorizer // nil: open to everybody
	scopes     []string    // the token must have one of them, if there are any
}

// Quotas for HTTP APIs: payload, integration time-out.
const (
	maxPayload         = 10 << 20
	integrationTimeout = 30 * time.Second
)

func (s *Stack) loadAPI(r cfn.Resource) error {
	var p struct {
		ProtocolType                     string
		Name, Description, Tags, Version cfn.Ignored `why:"for people"`
		DisableExecuteApiEndpoint        cfn.Ignored `why:"the stack has one address"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if p.ProtocolType != "HTTP" {
		return fmt.Errorf("%s.ProtocolType: %s is not supported", r.ID, p.ProtocolType)
	}
	if len(s.apis) > 0 {
		return fmt.Errorf("%s: a second HTTP API is not supported: the stack has one address", r.ID)
	}
	ref, err := s.template.Ref(r.ID)
	s.apis = append(s.apis, &httpAPI{id: r.ID, ref: ref, integrations: map[string]*function{}, authorizers: map[string]*authorizer{}, rate: 10_000, burst: 5_000, tokens: 5_000, filled: s.clock.Now()})
	return err
}

func (s *Stack) api(r cfn.Resource, ref string) (*httpAPI, error) {
	for _, a := range s.apis {
		if a.ref == ref {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%s.ApiId: %s is not in the template", r.ID, ref)
}

func (s *Stack) loadStage(r cfn.Resource) error {
	var p struct {
		ApiId, StageName     string
		AutoDeploy           bool
		DefaultRouteSettings struct{ ThrottlingBurstLimit, ThrottlingRateLimit float64 }
		AccessLogSettings    struct{ DestinationArn, Format string }
		Description, Tags    cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	a, err := s.api(r, p.ApiId)
	if err != nil {
		return err
	}
	if p.StageName != "$default" || !p.AutoDeploy {
		return fmt.Errorf("%s: only the stage $default with AutoDeploy is supported", r.ID)
	}
	if limits := p.DefaultRouteSettings; limits.ThrottlingRateLimit > 0 {
		a.rate, a.burst, a.tokens = limits.ThrottlingRateLimit, limits.ThrottlingBurstLimit, limits.ThrottlingBurstLimit
	}
	a.accessLog = p.AccessLogSettings.Format
	return nil
}

func (s *Stack) loadIntegration(r cfn.Resource) error {
	var p struct {
		ApiId, IntegrationType, IntegrationUri, PayloadFormatVersion, IntegrationMethod string
		Description                                                                     cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	a, err := s.api(r, p.ApiId)
	if err != nil {
		return err
	}
	if p.IntegrationType != "AWS_PROXY" || p.PayloadFormatVersion != "2.0" {
		return fmt.Errorf("%s: only AWS_PROXY integrations with payload format 2.0 are supported", r.ID)
	}
	f := s.functionOf(p.IntegrationUri)
	if f == nil {
		return fmt.Errorf("%s.IntegrationUri: %s is not a function of the template", r.ID, p.IntegrationUri)
	}
	ref, err := s.template.Ref(r.ID)
	a.integrations[ref] = f
	return err
}

func (s *Stack) loadRoute(r cfn.Resource) error {
	var p struct {
		ApiId, RouteKey, Target, AuthorizationType, AuthorizerId string
		AuthorizationScopes                                      []string
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	a, err := s.api(r, p.ApiId)
	if err != nil {
		return err
	}
	made := &route{key: p.RouteKey}
	switch p.AuthorizationType {
	case "", "NONE":
	case "JWT":
		if made.authorizer = a.authorizers[p.AuthorizerId]; made.authorizer == nil {
			return fmt.Errorf("%s.AuthorizerId: %s is not in the template", r.ID, p.AuthorizerId)
		}
		made.scopes = p.AuthorizationScopes
	default:
		return fmt.Errorf("%s.AuthorizationType: %s is not supported", r.ID, p.AuthorizationType)
	}
	made.f = a.integrations[tail(p.Target, "/")]
	if made.f == nil {
		return fmt.Errorf("%s.Target: %s is not an integration of the template", r.ID, p.Target)
	}
	if p.RouteKey != "$default" && !strings.Contains(p.RouteKey, " /") {
		return fmt.Errorf("%s.RouteKey: %q is not \"METHOD /path\"", r.ID, p.RouteKey)
	}
	a.add(made)
	return nil
}

// add keeps the routes in the order in which they are tried: a full match, then
// a greedy variable, then $default; within these more static segments, then a
// method before ANY ("Routing API requests").
func (a *httpAPI) add(made *route) {
	if key := made.key; key != "$default" {
		method, path, _ := strings.Cut(key, " ")
		if method != "ANY" {
			made.method = method
		}
		made.path = strings.Split(strings.Trim(path, "/"), "/")
	}
	a.routes = append(a.routes, made)
	sort.SliceStable(a.routes, func(i, j int) bool { return a.routes[i].rank() > a.routes[j].rank() })
}

// find selects the route of a request and reads its path variables.
func (a *httpAPI) find(method, path string) (*route, map[string]string) {
	for _, r := range a.routes {
		if vars, ok := r.match(method, path); ok {
			return r, vars
		}
	}
	return nil, nil
}

func (r *route) rank() int {
	if r.path == nil {
		return 0
	}
	n := 1000
	for i, segment := range r.path {
		switch {
		case strings.HasSuffix(segment, "+}"):
			n -= 900
		case !strings.HasPrefix(segment, "{"):
			n += 20 - i
		}
	}
	if r.method != "" {
		n++
	}
	return n
}

func (r *route) match(method, path string) (map[string]string, bool) {
	if r.path == nil {
		return nil, true
	}
	if r.method != "" && r.method != method {
		return nil, false
	}
	have := strings.Split(strings.Trim(path, "/"), "/")
	vars := map[string]string{}
	for i, segment := range r.path {
		if name, ok := strings.CutSuffix(segment, "+}"); ok {
			if i >= len(have) || have[i] == "" {
				return nil, false
			}
			vars[name[1:]] = strings.Join(have[i:], "/")
			return vars, true
		}
		if i >= len(have) {
			return nil, false
		}
		if strings.HasPrefix(segment, "{") {
			vars[strings.Trim(segment, "{}")] = have[i]
		} else if segment != have[i] {
			return nil, false
		}
	}
	return vars, len(have) == len(r.path)
}

// take is the token bucket of the stage's throttling, in the stack's time: a
// recorded day is let through as it came, however fast it is played.
func (a *httpAPI) take(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = min(a.burst, a.tokens+now.Sub(a.filled).Seconds()*a.rate)
	a.filled = now
	if a.tokens < 1 {
		return false
	}
	a.tokens--
	return true
}

// serveAPI answers a request to the HTTP API.
func (s *Stack) serveAPI(w http.ResponseWriter, r *http.Request) {
	defer s.clock.Begin()()
	if len(s.apis) == 0 {
		gatewayError(w, http.StatusNotFound, "Not Found")
		return
	}
	a := s.apis[0]
	began := time.Now()
	id := newID()
	log := map[string]string{"requestId": id, "requestTimeEpoch": strconv.FormatInt(s.clock.Now().UnixMilli(), 10), "httpMethod": r.Method, "path": r.URL.Path,
		"protocol": r.Proto, "integrationErrorMessage": "-", "routeKey": "-"}
	status, length := s.serveRoute(w, r, a, id, log)
	if a.accessLog != "" {
		log["status"], log["responseLength"], log["responseLatency"] = strconv.Itoa(status), strconv.Itoa(length), strconv.FormatInt(time.Since(began).Milliseconds(), 10)
		s.writeAccessLog(a, log)
	}
	if status == statusLost {
		panic(http.ErrAbortHandler)
	}
}

// statusLost marks an answer that an injected fault withholds.
const statusLost = -1

func (s *Stack) writeAccessLog(a *httpAPI, values map[string]string) {
	var pairs []string
	for _, name := range sortedKeys(values) {
		value, err := json.Marshal(values[name])
		if err != nil {
			continue // a string always marshals
		}
		// Longer names first: one may begin another.
		pairs = append([]string{"$context." + name, string(value[1 : len(value)-1])}, pairs...)
	}
	line := strings.NewReplacer(pairs...).Replace(a.accessLog)
	s.logs.add(lambda.Line{Time: time.Now(), Function: "api:" + a.id, RequestID: values["requestId"], Text: line})
	s.meter.Add(false, cost.Entry{Service: "logs", Operation: "API access lines", Units: map[cost.Unit]float64{cost.LogGB: float64(len(line)) / (1 << 30)}})
}

func gatewayError(w http.ResponseWriter, status int, message string) (int, int) {
	body := `{"message":"` + message + `"}`
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	n, _ := io.WriteString(w, body)
	return status, n
}

func (s *Stack) serveRoute(w http.ResponseWriter, r *http.Request, a *httpAPI, id string, log map[string]string) (int, int) {
	found, vars := a.find(r.Method, r.URL.Path)
	if found == nil {
		return gatewayError(w, http.StatusNotFound, "Not Found")
	}
	log["routeKey"] = found.key
	who := s.authorizeToken(r, found)
	if who.status != 0 {
		log["integrationErrorMessage"] = who.why
		return who.refuse(w)
	}
	if !a.take(s.clock.Now()) {
		return gatewayError(w, http.StatusTooManyRequests, "Too Many Requests")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return gatewayError(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		}
		return gatewayError(w, http.StatusBadRequest, "Bad Request")
	}
	// Billed per 512 KB.
	s.meter.Add(false, cost.Entry{Service: "apigateway", Operation: found.key, Units: map[cost.Unit]float64{cost.Request: max(1, float64((len(body)+512<<10-1)/(512<<10)))}})
	fault, _ := s.o.Faults.At("http:"+found.key, hash([]byte(r.URL.RawQuery), body), faults.Error, faults.Lost)
	if fault.Kind == faults.Error {
		log["integrationErrorMessage"] = "injected fault"
		return gatewayError(w, http.StatusServiceUnavailable, "Service Unavailable")
	}
	path := r.URL.Path
	if found.path != nil { // the route's own, variables as they are written there
		path = "/" + strings.Join(found.path, "/")
	}
	source := arnOf("execute-api", a.ref+"/$default/"+r.Method+path)
	if err := s.serviceMay(found.f.permissions, "apigateway.amazonaws.com", "lambda:InvokeFunction", found.f.arn, source); err != nil {
		log["integrationErrorMessage"] = err.Error()
		return gatewayError(w, http.StatusInternalServerError, "Internal Server Error")
	}
	payload, err := json.Marshal(s.proxyRequest(r, a, found, who, vars, id, body))
	if err != nil {
		return gatewayError(w, http.StatusInternalServerError, "Internal Server Error")
	}
	result, status, message := s.integrate(found.f, payload)
	if status != 0 {
		log["integrationErrorMessage"] = message
		return gatewayError(w, status, http.StatusText(status))
	}
	if fault.Kind == faults.Lost {
		return statusLost, 0
	}
	return writeProxyResponse(w, result, log)
}

// integrate invokes the function within the integration's time-out.
func (s *Stack) integrate(f *function, payload []byte) (result []byte, status int, message string) {
	type answer struct {
		r   lambda.Result
		err error
	}
	done := make(chan answer, 1)
	end := s.clock.Begin()
	s.loops.Go(func() {
		defer end()
		r, err := s.lambda.Invoke(s.ctx, lambda.Request{Function: f.name, Payload: payload})
		done <- answer{r, err}
	})
	timeout := time.NewTimer(integrationTimeout)
	defer timeout.Stop()
	select {
	case a := <-done:
		switch {
		case errors.Is(a.err, lambda.ErrThrottled):
			return nil, http.StatusServiceUnavailable, "Rate Exceeded."
		case a.err != nil:
			return nil, http.StatusInternalServerError, a.err.Error()
		case a.r.Failed:
			return nil, http.StatusInternalServerError, string(a.r.Payload)
		}
		return a.r.Payload, 0, ""
	case <-timeout.C:
		return nil, http.StatusServiceUnavailable, "Integration timed out"
	}
}

// proxyRequest is the event of payload format 2.0.
func (s *Stack) proxyRequest(r *http.Request, a *httpAPI, route *route, who verdict, vars map[string]string, id string, body []byte) map[string]any {
	headers := map[string]string{"host": r.Host}
	var cookies []string
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name == "cookie" {
			cookies = append(cookies, strings.Split(strings.Join(values, "; "), "; ")...)
			continue
		}
		headers[name] = strings.Join(values, ",")
	}
	if r.ContentLength >= 0 {
		headers["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	headers["x-forwarded-for"], headers["x-forwarded-port"], headers["x-forwarded-proto"] = ip, "443", "https"
	now := s.clock.Now()
	context := map[string]any{
		"accountId": cfn.Account, "apiId": a.ref, "domainName": r.Host, "domainPrefix": a.ref, "requestId": id, "routeKey": route.key, "stage": "$default",
		"time": now.Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": now.UnixMilli(),
		"http": map[string]string{"method": r.Method, "path": r.URL.Path, "protocol": r.Proto, "sourceIp": ip, "userAgent": r.UserAgent()},
	}
	if route.authorizer != nil {
		context["authorizer"] = map[string]any{"jwt": map[string]any{"claims": who.claims, "scopes": who.scopes}}
	}
	event := map[string]any{
		"version": "2.0", "routeKey": route.key, "rawPath": r.URL.Path, "rawQueryString": r.URL.RawQuery, "headers": headers,
		"requestContext": context, "isBase64Encoded": false,
	}
	if len(vars) > 0 {
		event["pathParameters"] = vars
	}
	if query := r.URL.Query(); len(query) > 0 {
		flat := map[string]string{}
		for name, values := range query {
			flat[name] = strings.Join(values, ",")
		}
		event["queryStringParameters"] = flat
	}
	if cookies != nil {
		event["cookies"] = cookies
	}
	if len(body) > 0 {
		if isText(headers["content-type"]) && utf8.Valid(body) {
			event["body"] = string(body)
		} else {
			event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return event
}

// isText tells whether an HTTP API hands a body of this type on as text: text/*,
// application/json, javascript and xml; everything else is base64 ("Working with
// AWS Lambda proxy integrations", payload format).
func isText(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/javascript" || kind == "application/xml"
}

// writeProxyResponse answers with what the function returned. Without a
// statusCode the whole result is a JSON body with status 200, says format 2.0.
func writeProxyResponse(w http.ResponseWriter, result []byte, log map[string]string) (int, int) {
	var p struct {
		StatusCode      *int           `json:"statusCode"`
		Headers         map[string]any `json:"headers"`
		Cookies         []string       `json:"cookies"`
		Body            string         `json:"body"`
		IsBase64Encoded bool           `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(result, &p); err != nil || p.StatusCode == nil {
		if !json.Valid(result) {
			log["integrationErrorMessage"] = "the function's result is not JSON"
			return gatewayError(w, http.StatusInternalServerError, "Internal Server Error")
		}
		w.Header().Set("Content-Type", "application/json")
		n, _ := w.Write(result)
		return http.StatusOK, n
	}
	body := []byte(p.Body)
	if p.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(p.Body)
		if err != nil {
			log["integrationErrorMessage"] = "the function's body is not base64"
			return gatewayError(w, http.StatusInternalServerError, "Internal Server Error")
		}
		body = decoded
	}
	for name, value := range p.Headers {
		w.Header().Set(name, fmt.Sprint(value))
	}
	for _, c := range p.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(*p.StatusCode)
	n, _ := w.Write(body)
	return *p.StatusCode, n
}
