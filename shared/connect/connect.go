// Package connect is the Amazon Connect adapter: it opens and ends tasks and
// asks whose call it was. Connect's own limits are kept here: attributes of at
// most 32,768 bytes, names of 512 and descriptions of 4,096 characters, and a
// ClientToken that makes StartTaskContact idempotent.
package connect

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/care"
)

// maxAttributes bounds a contact's attributes (StartTaskContact API reference).
const maxAttributes = 32_768

// API is the part of the Connect client that is used.
type API interface {
	StartTaskContact(context.Context, *connect.StartTaskContactInput, ...func(*connect.Options)) (*connect.StartTaskContactOutput, error)
	StopContact(context.Context, *connect.StopContactInput, ...func(*connect.Options)) (*connect.StopContactOutput, error)
	DescribeContact(context.Context, *connect.DescribeContactInput, ...func(*connect.Options)) (*connect.DescribeContactOutput, error)
}

// Centre is one Connect instance.
type Centre struct {
	client   API
	instance string
	flow     string
}

// New makes a Centre; flow is the contact flow of queues that name none.
func New(client API, instance, flow string) *Centre {
	return &Centre{client: client, instance: instance, flow: flow}
}

// Task is a task to open.
type Task struct {
	Token, Flow, Name, Description, URL string
	Attributes                          map[string]string
}

// StartTask opens a task and returns its contact id; the same token returns the
// same task. care.Throttled above 2 requests per second or 2,500 open tasks.
func (c *Centre) StartTask(ctx context.Context, t Task) (string, error) {
	flow := t.Flow
	if flow == "" {
		flow = c.flow
	}
	in := &connect.StartTaskContactInput{
		InstanceId: aws.String(c.instance), ContactFlowId: aws.String(flow), ClientToken: aws.String(t.Token),
		Name: aws.String(cut(t.Name, 512)), Description: aws.String(cut(t.Description, 4096)), Attributes: bound(t.Attributes),
	}
	if t.URL != "" {
		in.References = map[string]types.Reference{"post": {Type: types.ReferenceTypeUrl, Value: aws.String(cut(t.URL, 4096))}}
	}
	out, err := c.client.StartTaskContact(ctx, in)
	if err != nil {
		return "", translate("StartTaskContact", err)
	}
	return aws.ToString(out.ContactId), nil
}

// StopTask ends a task; one that has ended already is fine.
func (c *Centre) StopTask(ctx context.Context, contact string) error {
	_, err := c.client.StopContact(ctx, &connect.StopContactInput{InstanceId: aws.String(c.instance), ContactId: aws.String(contact)})
	err = translate("StopContact", err)
	if code := care.CodeOf(err); code == care.NotFound || code == care.Invalid {
		return nil
	}
	return err
}

// Caller returns the other side's phone number, "" when Connect tells none.
func (c *Centre) Caller(ctx context.Context, contact string) (string, error) {
	out, err := c.client.DescribeContact(ctx, &connect.DescribeContactInput{InstanceId: aws.String(c.instance), ContactId: aws.String(contact)})
	if err != nil {
		return "", translate("DescribeContact", err)
	}
	if out.Contact == nil || out.Contact.CustomerEndpoint == nil {
		return "", nil
	}
	return aws.ToString(out.Contact.CustomerEndpoint.Address), nil
}

func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return care.Errorf(care.Unavailable, "%s: %w", op, err)
	}
	code := care.Unavailable
	switch api.ErrorCode() {
	case "ThrottlingException", "TooManyRequestsException", "LimitExceededException", "ServiceQuotaExceededException":
		code = care.Throttled
	case "ResourceNotFoundException", "ContactNotFoundException":
		code = care.NotFound
	case "InvalidParameterException", "InvalidRequestException":
		code = care.Invalid
	case "AccessDeniedException":
		code = care.Denied
	}
	return care.Errorf(code, "%s: %w", op, err)
}

// bound drops the largest values until the attributes fit.
func bound(in map[string]string) map[string]string {
	out, size := make(map[string]string, len(in)), 0
	for k, v := range in {
		if v == "" {
			continue
		}
		out[k] = v
		size += len(k) + len(v)
	}
	for size > maxAttributes {
		largest := ""
		for k, v := range out {
			if largest == "" || len(v) > len(out[largest]) || len(v) == len(out[largest]) && k < largest {
				largest = k
			}
		}
		size -= len(largest) + len(out[largest])
		delete(out, largest)
	}
	return out
}

func cut(s string, max int) string {
	s = strings.ToValidUTF8(s, "")
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return string([]rune(s)[:max-1]) + "…"
}
