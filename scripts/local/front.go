package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// ServeHTTP is the one address of the stack: signed requests are AWS calls,
// /_fielder/ is the control API, everything else is the template's HTTP API.
func (s *Stack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_fielder/"):
		s.serveControl(w, r)
	case strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		s.serveAWS(w, r)
	default:
		s.serveAPI(w, r)
	}
}

// jsonServices are the services that name the operation in X-Amz-Target.
var jsonServices = map[string]string{
	"DynamoDB_20120810": "dynamodb",
	"AWSEvents":         "events",
	"AWSStepFunctions":  "states",
	"AmazonSQS":         "sqs",
	"secretsmanager":    "secretsmanager",
}

// operation is what an API call does; body and result are JSON.
type operation func(s *Stack, ctx context.Context, p principal, body []byte) (any, error)

// operations are the calls of the JSON services that the stack knows. DynamoDB's
// are in dynamodb.go.
func operations() map[string]operation {
	return map[string]operation{
		"events:PutEvents":                    (*Stack).putEvents,
		"states:StartExecution":               (*Stack).apiStartExecution,
		"states:DescribeExecution":            (*Stack).apiDescribeExecution,
		"states:StopExecution":                (*Stack).apiStopExecution,
		"states:SendTaskSuccess":              (*Stack).apiSendTaskSuccess,
		"states:SendTaskFailure":              (*Stack).apiSendTaskFailure,
		"states:SendTaskHeartbeat":            (*Stack).apiSendTaskHeartbeat,
		"sqs:SendMessage":                     (*Stack).apiSendMessage,
		"sqs:ReceiveMessage":                  (*Stack).apiReceiveMessage,
		"sqs:DeleteMessage":                   (*Stack).apiDeleteMessage,
		"sqs:GetQueueAttributes":              (*Stack).apiQueueAttributes,
		"secretsmanager:GetSecretValue":       (*Stack).apiGetSecretValue,
		"appconfig:StartConfigurationSession": (*Stack).apiStartConfiguration,
	}
}

// maxBody bounds a request to the AWS APIs (BatchWriteItem, the largest: 16 MB).
const maxBody = 16 << 20

func (s *Stack) serveAWS(w http.ResponseWriter, r *http.Request) {
	defer s.clock.Begin()()
	p, service, err := s.principalOf(r)
	var body []byte
	if err == nil {
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			err = apiErrorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "%v", err)
		}
	}
	if err != nil {
		s.writeError(w, p, service, err)
		return
	}
	if prefix, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		service, ok = jsonServices[prefix]
		if !ok {
			s.writeError(w, p, prefix, unknownOperation(prefix, name))
			return
		}
		out, err := s.call(r.Context(), p, service, name, body)
		if err != nil {
			s.writeError(w, p, service, err)
			return
		}
		s.answer(w, p, http.StatusOK, "application/x-amz-json-1.0", out)
		return
	}
	switch service {
	case "appconfig":
		s.serveAppConfig(w, r, p, body)
	case "lambda":
		s.serveInvoke(w, r, p, body)
	case "connect":
		s.serveConnect(w, r, p, body)
	case "sts":
		s.serveSTS(w, p, body)
	default:
		s.writeError(w, p, service, unknownOperation(service, r.Method+" "+r.URL.Path))
	}
}

func unknownOperation(service, name string) error {
	return apiErrorf(http.StatusBadRequest, "UnknownOperationException", "the local stack does not know %s %s", service, name)
}

// answer writes a result, unless the caller was killed meanwhile.
func (s *Stack) answer(w http.ResponseWriter, p principal, status int, contentType string, body []byte) {
	if p.function && !p.caller.Called() {
		panic(http.ErrAbortHandler) // nobody is there any more
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", newID())
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Stack) writeError(w http.ResponseWriter, p principal, service string, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		s.logf("%s: %v", service, err)
		e = apiErrorf(http.StatusInternalServerError, "InternalFailure", "%v", err)
	}
	if e.lost {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	// Both spellings: the services do not agree on one.
	body, merr := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message, "Message": e.Message})
	if merr != nil {
		panic(merr) // strings always marshal
	}
	if e.body != nil {
		body = e.body
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	s.answer(w, p, e.Status, "application/x-amz-json-1.0", body)
}

// call is one call of a JSON service, from wherever it comes: over HTTP or from
// a workflow's service integration. Fault, permission, work and count are here.
func (s *Stack) call(ctx context.Context, p principal, service, name string, body []byte) ([]byte, error) {
	lost, err := s.fault(p, service, name, body)
	if err != nil {
		return nil, err
	}
	var out []byte
	if service == "dynamodb" {
		out, err = s.callDynamoDB(ctx, p, name, body)
	} else {
		do, ok := s.operations[service+":"+name]
		if !ok {
			return nil, unknownOperation(service, name)
		}
		var result any
		if result, err = do(s, ctx, p, body); err == nil {
			out, err = json.Marshal(result)
		}
	}
	if lost {
		return nil, &apiError{Code: "SdkClientException", Message: "the answer got lost (injected fault)", lost: true}
	}
	return out, err
}

// fault injects what the plan has for a call: an error before the work, or lost
// for an answer that will not arrive.
func (s *Stack) fault(p principal, service, name string, body []byte) (lost bool, err error) {
	if p.isOperator() {
		return false, nil
	}
	f, ok := s.o.Faults.At("aws:"+service+":"+name, p.role.name+" "+hash(body), faults.Throttle, faults.Error, faults.Lost)
	switch {
	case !ok:
		return false, nil
	case f.Kind == faults.Throttle:
		return false, apiErrorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded (injected fault)")
	case f.Kind == faults.Error:
		return false, apiErrorf(http.StatusInternalServerError, "InternalServerError", "Internal server error (injected fault)")
	}
	return true, nil
}

func hash(parts ...[]byte) string {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write(p)
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// newID makes an identifier in the form of a UUID.
func newID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // never fails, says crypto/rand
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// read decodes a request body; what AWS calls a SerializationException.
func read(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return apiErrorf(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	return nil
}

// readStrict is read for bodies whose every field must mean something here.
func readStrict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return apiErrorf(http.StatusBadRequest, "BadRequestException", "the local stack cannot read this request: %v", err)
	}
	return nil
}

// --- Lambda's Invoke -------------------------------------------------------

func (s *Stack) serveInvoke(w http.ResponseWriter, r *http.Request, p principal, body []byte) {
	name, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/")
	name, ok2 := strings.CutSuffix(name, "/invocations")
	if !ok || !ok2 || r.Method != http.MethodPost {
		s.writeError(w, p, "lambda", unknownOperation("lambda", r.Method+" "+r.URL.Path))
		return
	}
	if unescaped, err := url.PathUnescape(name); err == nil {
		name = unescaped
	}
	f := s.functionOf(name)
	if f == nil {
		s.writeError(w, p, "lambda", apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", name))
		return
	}
	if err := s.authorize(p, "lambda:InvokeFunction", f.arn, nil); err != nil {
		s.writeError(w, p, "lambda", err)
		return
	}
	if len(body) == 0 {
		body = []byte("null")
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "Event":
		s.invokeAsync(f, body, false)
		s.answer(w, p, http.StatusAccepted, "application/json", nil)
	case "", "RequestResponse":
		result, err := s.lambda.Invoke(r.Context(), lambda.Request{Function: f.name, Payload: body})
		if err != nil {
			s.writeError(w, p, "lambda", invokeError(err))
			return
		}
		if result.Failed {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		s.answer(w, p, http.StatusOK, "application/json", result.Payload)
	default:
		s.writeError(w, p, "lambda", apiErrorf(http.StatusBadRequest, "InvalidParameterValueException", "InvocationType %s is not supported", kind))
	}
}

// invokeError is how Lambda's API words what kept a function from running.
func invokeError(err error) error {
	switch {
	case errors.Is(err, lambda.ErrThrottled):
		return apiErrorf(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	case errors.Is(err, lambda.ErrUnknown):
		return apiErrorf(http.StatusNotFound, "ResourceNotFoundException", "%v", err)
	case errors.Is(err, context.Canceled):
		return apiErrorf(http.StatusInternalServerError, "ServiceException", "the caller went away")
	}
	return apiErrorf(http.StatusInternalServerError, "ServiceException", "%v", err)
}

// --- Amazon Connect --------------------------------------------------------

// connectCall is a REST call of Amazon Connect: its action and the resource that
// the action is checked on ("Actions, resources, and condition keys for Amazon
// Connect").
type connectCall struct {
	method, path, action string
	resource             func(path []string, body map[string]any) string
}

func connectContact(field string) func([]string, map[string]any) string {
	return func(path []string, body map[string]any) string {
		// POST bodies carry the ids, GET paths do: /contacts/{instance}/{contact}
		instance, _ := body["InstanceId"].(string)
		contact, _ := body[field].(string)
		if instance == "" && len(path) > 2 {
			instance, contact = path[len(path)-2], path[len(path)-1]
		}
		return "instance/" + tail(instance, "/") + "/contact/" + contact
	}
}

var connectCalls = []connectCall{
	{http.MethodPut, "/contact/task", "connect:StartTaskContact", func(_ []string, body map[string]any) string {
		instance, _ := body["InstanceId"].(string)
		flow, _ := body["ContactFlowId"].(string)
		return "instance/" + tail(instance, "/") + "/contact-flow/" + tail(flow, "/")
	}},
	{http.MethodPost, "/contact/stop", "connect:StopContact", connectContact("ContactId")},
	{http.MethodPost, "/contact/attributes", "connect:UpdateContactAttributes", connectContact("InitialContactId")},
	{http.MethodGet, "/contact/attributes/", "connect:GetContactAttributes", connectContact("InitialContactId")},
	{http.MethodGet, "/contacts/", "connect:DescribeContact", connectContact("ContactId")},
	{http.MethodPost, "/contacts/", "connect:UpdateContact", connectContact("ContactId")},
}

func (s *Stack) serveConnect(w http.ResponseWriter, r *http.Request, p principal, body []byte) {
	var found *connectCall
	for i, c := range connectCalls {
		if c.method == r.Method && (c.path == r.URL.Path || strings.HasSuffix(c.path, "/") && strings.HasPrefix(r.URL.Path, c.path)) {
			found = &connectCalls[i]
			break
		}
	}
	if found == nil {
		s.writeError(w, p, "connect", unknownOperation("connect", r.Method+" "+r.URL.Path))
		return
	}
	fields := map[string]any{}
	if len(body) > 0 {
		if err := read(body, &fields); err != nil {
			s.writeError(w, p, "connect", err)
			return
		}
	}
	resource := arnOf("connect", found.resource(strings.Split(strings.Trim(r.URL.Path, "/"), "/"), fields))
	if err := s.authorize(p, found.action, resource, nil); err != nil {
		s.writeError(w, p, "connect", err)
		return
	}
	if s.o.Connect == nil {
		s.writeError(w, p, "connect", apiErrorf(http.StatusInternalServerError, "InternalServiceException", "this stack runs without an Amazon Connect stand-in"))
		return
	}
	name := tail(found.action, ":")
	units := map[cost.Unit]float64{}
	if name == "StartTaskContact" {
		units[cost.Task] = 1
	}
	s.count(p, false, "connect", name, units)
	lost, err := s.fault(p, "connect", name, append([]byte(r.URL.Path), body...))
	if err != nil {
		s.writeError(w, p, "connect", err)
		return
	}
	forward := r.Clone(r.Context())
	forward.Body = io.NopCloser(strings.NewReader(string(body)))
	if lost {
		s.o.Connect.ServeHTTP(discard{http.Header{}}, forward)
		panic(http.ErrAbortHandler)
	}
	s.o.Connect.ServeHTTP(w, forward)
	if p.function && !p.caller.Called() {
		panic(http.ErrAbortHandler)
	}
}

// discard is a ResponseWriter for an answer that gets lost.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// --- STS -------------------------------------------------------------------

func (s *Stack) serveSTS(w http.ResponseWriter, p principal, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "GetCallerIdentity" {
		s.writeError(w, p, "sts", unknownOperation("sts", form.Get("Action")))
		return
	}
	s.count(p, false, "sts", "GetCallerIdentity", nil) // allowed to everyone, says the API reference
	s.answer(w, p, http.StatusOK, "text/xml", []byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>`+
		p.arn()+`</Arn><UserId>AROALOCAL:`+hex.EncodeToString([]byte(p.session))+`</UserId><Account>`+cfn.Account+`</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`))
}
