// Package panel composes the panel function, the agent panel's API. The HTTP
// API's authorizer has checked the caller's token; who that is stands in the
// claims. What an agent approves is said by the send function, which alone can.
package panel

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/workflow"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/escalate"
	"github.com/fielder-care/fielder/shared/send"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the panel function.
func New() (func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	invoke := lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		// One attempt: the door takes up to 25 of the 29 s that there are, and the
		// agent's next click goes on where this one stopped.
		o.Retryer = retry.AddWithMaxAttempts(retry.NewStandard(), 1)
	})
	desk := &drafts.Desk{
		Book:  &drafts.Book{Store: t, Bus: bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function()), Clock: now},
		Shelf: shelf{t}, Door: door{invoke, e.Must("FIELDER_SEND_FUNCTION")},
		Workflow: agentAnswered{workflow.Client{API: sfn.NewFromConfig(cfg)}},
		Bundles:  bundles.New(cfg, e.Must("FIELDER_CONFIG")),
	}
	groups := e.Must("FIELDER_PANEL_GROUPS_CLAIM")
	telemetry.Setup()
	return httpadapter.NewV2(drafts.Handler(desk, func(ctx context.Context) (drafts.Agent, error) { return caller(ctx, groups) })).ProxyWithContext, e.Err()
}

// caller is who the token is of. The subject is opaque and goes into the audit
// log; the user name is unique in its directory, and colleagues know it.
func caller(ctx context.Context, groups string) (drafts.Agent, error) {
	rc, ok := core.GetAPIGatewayV2ContextFromContext(ctx)
	if !ok || rc.Authorizer == nil || rc.Authorizer.JWT == nil {
		return drafts.Agent{}, care.Errorf(care.Denied, "the request came past the authorizer")
	}
	claims := rc.Authorizer.JWT.Claims
	a := drafts.Agent{ID: claims["sub"], Groups: listClaim(claims[groups])}
	// An id token of Amazon Cognito calls it the one, an access token the other.
	for _, name := range []string{"cognito:username", "username", "sub"} {
		if a.Name == "" {
			a.Name = claims[name]
		}
	}
	if a.ID == "" {
		return drafts.Agent{}, care.Errorf(care.Denied, "the token names nobody")
	}
	return a, nil
}

// listClaim reads a claim that is a list: an HTTP API hands it on as one string,
// "[agent supervisor]".
func listClaim(s string) []string {
	return strings.FieldsFunc(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), func(r rune) bool { return r == ' ' || r == ',' })
}

// shelf is the store as the desk sees it.
type shelf struct{ *store.Table }

// Facts of a post.
func (s shelf) Facts(ctx context.Context, id care.PostID) (drafts.Facts, error) {
	r, err := s.Table.Post(ctx, id)
	f := drafts.Facts{Post: r.Post, Deleted: !r.Deleted.IsZero()}
	if r.Triage != nil {
		f.Triage = *r.Triage
	}
	if r.Plan != nil {
		f.Plan = *r.Plan
	}
	return f, err
}

// door is the send function as the desk sees it.
type door struct {
	client   *lambda.Client
	function string
}

// Answer has an approved answer sent and waits for what became of it.
func (d door) Answer(ctx context.Context, a drafts.Answer) (drafts.Result, error) {
	payload, err := json.Marshal(send.Request{Kind: send.KindReply, Correlation: a.Correlation, Post: a.Facts.Post, Plan: a.Facts.Plan,
		Match: a.Match, Triage: a.Facts.Triage, Agent: a.Agent, Confirmed: a.Confirmed})
	if err != nil {
		return drafts.Result{}, care.Errorf(care.Internal, "encode what is to be sent: %w", err)
	}
	out, err := d.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(d.function), Payload: payload})
	if err != nil {
		return drafts.Result{}, app.Unavailable("invoke send", err)
	}
	if out.FunctionError != nil {
		return drafts.Result{}, failure(out.Payload)
	}
	var res send.Result
	if err := json.Unmarshal(out.Payload, &res); err != nil || res.Status == "" {
		return drafts.Result{}, care.Errorf(care.Unknown, "send answered what cannot be read: %v", err)
	}
	return drafts.Result{Sent: res.Status == send.StatusSent, Reasons: res.Reasons}, nil
}

// failure is the error that the send function ended with. One that is not of
// ours (a time-out, a crash) tells nothing of what was said.
func failure(payload []byte) error {
	var f struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(payload, &f); err == nil {
		for _, code := range care.Codes() {
			if string(code) == f.Type {
				return care.Errorf(code, "send: %s", f.Message)
			}
		}
	}
	return care.Errorf(care.Unknown, "send ended without an answer (%s)", f.Type)
}

// agentAnswered is the workflow as the desk sees it.
type agentAnswered struct{ workflow.Client }

// Succeed wakes the escalation that an answer settles.
func (a agentAnswered) Succeed(ctx context.Context, token, by, how string) error {
	return a.Wake(ctx, token, escalate.Done{By: by, How: how})
}
