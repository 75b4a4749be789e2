package connect

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/care"
)

type api struct {
	task *connect.StartTaskContactInput
	err  error
	out  *connect.DescribeContactOutput
}

func (a *api) StartTaskContact(_ context.Context, in *connect.StartTaskContactInput, _ ...func(*connect.Options)) (*connect.StartTaskContactOutput, error) {
	a.task = in
	return &connect.StartTaskContactOutput{ContactId: aws.String("k1")}, a.err
}
func (a *api) StopContact(context.Context, *connect.StopContactInput, ...func(*connect.Options)) (*connect.StopContactOutput, error) {
	return &connect.StopContactOutput{}, a.err
}
func (a *api) DescribeContact(context.Context, *connect.DescribeContactInput, ...func(*connect.Options)) (*connect.DescribeContactOutput, error) {
	return a.out, a.err
}

func TestStartTask(t *testing.T) {
	a := &api{}
	c := New(a, "inst", "flow0")
	id, err := c.StartTask(t.Context(), Task{Token: "tok", Name: strings.Repeat("é", 600), Description: strings.Repeat("d", 5000), URL: "https://x.example/1",
		Attributes: map[string]string{"a": "1", "empty": "", "big": strings.Repeat("x", 33_000)}})
	if err != nil || id != "k1" {
		t.Fatal(id, err)
	}
	in := a.task
	if *in.ClientToken != "tok" || *in.ContactFlowId != "flow0" || len([]rune(*in.Name)) != 512 || len([]rune(*in.Description)) != 4096 {
		t.Errorf("token %s, flow %s, name %d, description %d", *in.ClientToken, *in.ContactFlowId, len([]rune(*in.Name)), len([]rune(*in.Description)))
	}
	if in.References["post"].Type != types.ReferenceTypeUrl {
		t.Errorf("references %v", in.References)
	}
	if _, big := in.Attributes["big"]; big || in.Attributes["a"] != "1" || len(in.Attributes) != 1 {
		t.Errorf("attributes %d", len(in.Attributes))
	}
	if _, err := c.StartTask(t.Context(), Task{Flow: "flow7"}); err != nil || *a.task.ContactFlowId != "flow7" {
		t.Errorf("the queue's own flow was not used: %v", err)
	}
}

func TestErrors(t *testing.T) {
	rows := map[string]care.Code{
		"ThrottlingException": care.Throttled, "LimitExceededException": care.Throttled, "ServiceQuotaExceededException": care.Throttled,
		"ResourceNotFoundException": care.NotFound, "InvalidParameterException": care.Invalid, "AccessDeniedException": care.Denied,
		"InternalServiceException": care.Unavailable, "": care.Unavailable,
	}
	for code, want := range rows {
		t.Run(code, func(t *testing.T) {
			a := &api{err: errors.New("reset")}
			if code != "" {
				a.err = &smithy.GenericAPIError{Code: code}
			}
			c := New(a, "i", "f")
			if _, err := c.StartTask(t.Context(), Task{}); care.CodeOf(err) != want {
				t.Errorf("got %v, want %s", err, want)
			}
			err := c.StopTask(t.Context(), "k")
			if gone := want == care.NotFound || want == care.Invalid; gone != (err == nil) {
				t.Errorf("stopping: %v", err)
			}
		})
	}
}

func TestCaller(t *testing.T) {
	a := &api{out: &connect.DescribeContactOutput{}}
	if p, err := New(a, "i", "f").Caller(t.Context(), "k"); p != "" || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
	a.out.Contact = &types.Contact{CustomerEndpoint: &types.EndpointInfo{Address: aws.String("+12025550101")}}
	if p, err := New(a, "i", "f").Caller(t.Context(), "k"); p != "+12025550101" || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
}
