package local

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/iam"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// role is an IAM role of the template.
type role struct {
	name, arn string
	trust     iam.Policy
	policies  []iam.Policy
}

// principal is who calls: a role, in a session; or the operator, who may do
// everything and whose calls cost nothing (tools and tests).
type principal struct {
	role     *role
	session  string
	caller   lambda.Caller // of a function's calls
	function bool
}

var operator = principal{}

func (p principal) isOperator() bool { return p.role == nil }

// arn is the principal as AWS writes it in messages.
func (p principal) arn() string {
	if p.isOperator() {
		return "arn:aws:iam::" + cfn.Account + ":root"
	}
	return "arn:aws:sts::" + cfn.Account + ":assumed-role/" + p.role.name + "/" + p.session
}

// apiError is an error as an AWS API gives it.
type apiError struct {
	Status  int
	Code    string // "AccessDeniedException"
	Message string
	lost    bool   // the work was done, the answer gets lost
	body    []byte // as the DynamoDB engine wrote it
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func apiErrorf(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// authorize asks the principal's policies; the error is what AWS says.
func (s *Stack) authorize(p principal, action, resource string, context map[string][]string) error {
	if p.isOperator() {
		return nil
	}
	if context == nil {
		context = map[string][]string{}
	}
	context["aws:principalarn"] = []string{p.role.arn}
	context["aws:securetransport"] = []string{"true"} // loopback stands for TLS
	request := iam.Request{Action: action, Resource: resource, Context: context}
	effect := iam.Evaluate(p.role.policies, request)
	if effect == iam.Allow {
		return nil
	}
	why := "because no identity-based policy allows the " + action + " action"
	if effect == iam.Deny {
		why = "with an explicit deny in an identity-based policy"
	}
	err := apiErrorf(http.StatusBadRequest, "AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", p.arn(), action, resource, why)
	s.deny(err.Message)
	return err
}

// assume checks that a role of the template trusts a service, and returns it.
func (s *Stack) assume(arn, service, source string) (principal, error) {
	r := s.roles[arn]
	if r == nil {
		return principal{}, fmt.Errorf("role %s is not in the template", arn)
	}
	request := iam.Request{Action: "sts:AssumeRole", Principal: "Service:" + service, Context: map[string][]string{
		"aws:sourceaccount": {cfn.Account}, "aws:sourcearn": {source}}}
	if iam.Evaluate([]iam.Policy{r.trust}, request) != iam.Allow {
		message := fmt.Sprintf("%s is not authorized to assume role %s (source %s)", service, arn, source)
		s.deny(message)
		return principal{}, apiErrorf(http.StatusForbidden, "AccessDeniedException", "%s", message)
	}
	return principal{role: r, session: service}, nil
}

// serviceMay asks a resource's own policy whether a service may act on it for a
// source (a rule, an API, a schedule).
func (s *Stack) serviceMay(policies []iam.Policy, service, action, resource, source string) error {
	request := iam.Request{Action: action, Resource: resource, Principal: "Service:" + service, Context: map[string][]string{
		"aws:sourcearn": {source}, "aws:sourceaccount": {cfn.Account}, "aws:securetransport": {"true"}}}
	if iam.Evaluate(policies, request) == iam.Allow {
		return nil
	}
	message := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s (source %s) because no resource-based policy allows the %s action", service, action, resource, source, action)
	s.deny(message)
	return apiErrorf(http.StatusForbidden, "AccessDeniedException", "%s", message)
}

// deny remembers a refusal, so that a run can list what its roles lack.
func (s *Stack) deny(message string) {
	s.mu.Lock()
	s.denials[message]++
	first := s.denials[message] == 1
	s.mu.Unlock()
	if first {
		s.logf("denied: %s", message)
	}
}

// count charges a call to whatever caused it.
func (s *Stack) count(p principal, published bool, service, operation string, units map[cost.Unit]float64) {
	e := cost.Entry{Service: service, Operation: operation, Units: units}
	switch {
	case p.isOperator():
	case service == "appconfig" || service == "secretsmanager":
		s.meter.Add(true, e) // once per instance, not per post
	case p.function:
		p.caller.Count(s.meter, published, e)
	default:
		s.meter.Add(false, e)
	}
}

// caller finds the principal of a request by the access key in its signature's
// credential scope.
func (s *Stack) principalOf(r *http.Request) (principal, string, error) {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if !ok || len(parts) != 5 {
		return principal{}, "", apiErrorf(http.StatusForbidden, "MissingAuthenticationTokenException", "The request has no AWS signature")
	}
	key, service := parts[0], parts[3]
	if key == s.operatorKey {
		return operator, service, nil
	}
	caller, ok := s.lambda.Caller(key)
	if !ok {
		return principal{}, "", apiErrorf(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	r2 := s.roles[caller.Role]
	return principal{role: r2, session: caller.Function, caller: caller, function: true}, service, nil
}
