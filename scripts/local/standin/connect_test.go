package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsconnect "github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/connect"
)

const instance = "11111111-2222-4333-8444-555555555555"

// centre is a stand-in of Connect with the real SDK client in front.
type centre struct {
	*server
	api    *awsconnect.Client
	mu     sync.Mutex
	events []map[string]any
}

func startCentre(t *testing.T, change func(*ConnectOptions)) *centre {
	t.Helper()
	c := &centre{}
	c.server = start(t, func(o *Options) {
		o.Connect = ConnectOptions{InstanceID: instance, Flows: map[string]string{"flow-1": "social", "flow-2": "billing"}, Emit: c.note}
		if change != nil {
			change(&o.Connect)
		}
	})
	c.api = awsconnect.New(awsconnect.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(c.http.URL + "/standin/connect"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDLOCAL", "secret", ""),
	})
	return c
}

func (c *centre) note(event json.RawMessage) {
	v, err := readJSON(event)
	if err != nil {
		c.t.Errorf("event %s: %v", event, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, object(v))
}

func (c *centre) kinds(contact string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, e := range c.events {
		if str(dig(e, "detail", "contactId")) == contact {
			out = append(out, str(dig(e, "detail", "eventType")))
		}
	}
	return out
}

func task(token string) *awsconnect.StartTaskContactInput {
	return &awsconnect.StartTaskContactInput{
		InstanceId: aws.String(instance), ContactFlowId: aws.String("flow-1"), ClientToken: aws.String(token), Name: aws.String("Ana: refund"), Description: aws.String("<b>dead again</b>"),
		Attributes: map[string]string{"fielder_post": "x:501", "fielder_line": "Hi Ana"},
		References: map[string]types.Reference{"post": {Type: types.ReferenceTypeUrl, Value: aws.String("https://x.com/ana_d/status/501")}},
	}
}

func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestTaskFromStartToEnd(t *testing.T) {
	c := startCentre(t, nil)
	first, err := c.api.StartTaskContact(t.Context(), task("token-1"))
	must(t, err)
	again, err := c.api.StartTaskContact(t.Context(), task("token-1"))
	must(t, err)
	id := aws.ToString(first.ContactId)
	if aws.ToString(again.ContactId) != id || len(c.Contacts()) != 1 {
		t.Fatalf("the same ClientToken started %s and %s", id, aws.ToString(again.ContactId))
	}
	must(t, c.AnswerTask(id, "agent-7"))
	if err := c.AnswerTask(id, "agent-8"); err == nil {
		t.Error("a second agent could take it")
	}
	described, err := c.api.DescribeContact(t.Context(), &awsconnect.DescribeContactInput{InstanceId: aws.String(instance), ContactId: first.ContactId})
	must(t, err)
	d := described.Contact
	if d.Channel != types.ChannelTask || d.InitiationMethod != types.ContactInitiationMethodApi || aws.ToString(d.QueueInfo.Id) != "social" || aws.ToString(d.AgentInfo.Id) != "agent-7" || d.AgentInfo.ConnectedToAgentTimestamp == nil || aws.ToString(d.Name) != "Ana: refund" {
		t.Errorf("described as %+v", d)
	}
	must(t, c.FinishTask(id))
	if want := []string{"INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"}; !slices.Equal(c.kinds(id), want) {
		t.Errorf("events %v, want %v", c.kinds(id), want)
	}
	if err := c.FinishTask(id); err == nil {
		t.Error("it could be ended twice")
	}
	_, err = c.api.StopContact(t.Context(), &awsconnect.StopContactInput{InstanceId: aws.String(instance), ContactId: first.ContactId})
	if errorCode(err) != "InvalidRequestException" {
		t.Errorf("stopping an ended task: %v", err)
	}
	_, page := c.page("/connect/")
	for _, want := range []string{"Ana: refund", "Hi Ana", "&lt;b&gt;dead again&lt;/b&gt;", "fielder_post", "https://x.com/ana_d/status/501", "agent-7"} {
		if !strings.Contains(page, want) {
			t.Errorf("the workspace lacks %q", want)
		}
	}
}

func TestAttributes(t *testing.T) {
	c := startCentre(t, nil)
	out, err := c.api.StartTaskContact(t.Context(), task("token-1"))
	must(t, err)
	update := func(attrs map[string]string) error {
		_, err := c.api.UpdateContactAttributes(t.Context(), &awsconnect.UpdateContactAttributesInput{InstanceId: aws.String(instance), InitialContactId: out.ContactId, Attributes: attrs})
		return err
	}
	must(t, update(map[string]string{"note": "x"}))
	got, err := c.api.GetContactAttributes(t.Context(), &awsconnect.GetContactAttributesInput{InstanceId: aws.String(instance), InitialContactId: out.ContactId})
	must(t, err)
	if got.Attributes["note"] != "x" || got.Attributes["fielder_post"] != "x:501" {
		t.Errorf("attributes %v", got.Attributes)
	}
	if err := update(map[string]string{"big": strings.Repeat("x", 32_768)}); errorCode(err) != "InvalidParameterException" {
		t.Errorf("more than 32 KB: %v", err)
	}
	if err := update(map[string]string{"no spaces": "x"}); errorCode(err) != "InvalidParameterException" {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestUpdateAndTransfer(t *testing.T) {
	c := startCentre(t, nil)
	out, err := c.api.StartTaskContact(t.Context(), task("token-1"))
	must(t, err)
	_, err = c.api.UpdateContact(t.Context(), &awsconnect.UpdateContactInput{InstanceId: aws.String(instance), ContactId: out.ContactId, Name: aws.String("Ana: urgent")})
	must(t, err)
	moved, err := c.api.TransferContact(t.Context(), &awsconnect.TransferContactInput{InstanceId: aws.String(instance), ContactId: out.ContactId, ContactFlowId: aws.String("flow-2"), QueueId: aws.String("billing")})
	must(t, err)
	if got, want := c.kinds(aws.ToString(out.ContactId)), []string{"INITIATED", "QUEUED", "CONTACT_DATA_UPDATED", "DISCONNECTED", "COMPLETED"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	all := c.Contacts()
	if next := all[len(all)-1]; next.ID != aws.ToString(moved.ContactId) || next.Queue != "billing" || next.Previous != aws.ToString(out.ContactId) || next.Name != "Ana: urgent" || next.Attributes["fielder_post"] != "x:501" {
		t.Errorf("transferred to %+v", next)
	}
	if _, err = c.api.StopContact(t.Context(), &awsconnect.StopContactInput{InstanceId: aws.String(instance), ContactId: moved.ContactId}); err != nil {
		t.Error(err)
	}
}

func TestConnectRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*awsconnect.StartTaskContactInput)
		code   string
	}{
		{"OtherInstance", func(in *awsconnect.StartTaskContactInput) { in.InstanceId = aws.String("other") }, "ResourceNotFoundException"},
		{"UnknownFlow", func(in *awsconnect.StartTaskContactInput) { in.ContactFlowId = aws.String("flow-9") }, "ResourceNotFoundException"},
		{"NoFlow", func(in *awsconnect.StartTaskContactInput) { in.ContactFlowId = nil }, "InvalidRequestException"},
		{"TwoWays", func(in *awsconnect.StartTaskContactInput) { in.TaskTemplateId = aws.String("t") }, "InvalidRequestException"},
		{"LongName", func(in *awsconnect.StartTaskContactInput) { in.Name = aws.String(strings.Repeat("n", 513)) }, "InvalidParameterException"},
		{"LargeAttributes", func(in *awsconnect.StartTaskContactInput) {
			in.Attributes = map[string]string{"a": strings.Repeat("x", 32_768)}
		}, "InvalidParameterException"},
		{"Scheduled", func(in *awsconnect.StartTaskContactInput) { in.ScheduledTime = aws.Time(time.Now()) }, "InvalidRequestException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := startCentre(t, nil)
			in := task("token-1")
			tt.change(in)
			if _, err := c.api.StartTaskContact(t.Context(), in); errorCode(err) != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
			if len(c.Contacts()) != 0 || len(c.events) != 0 {
				t.Error("a task was started all the same")
			}
		})
	}
}

func TestConnectThrottlesAndHasAQuota(t *testing.T) {
	c := startCentre(t, nil)
	codes := map[string]int{}
	for i := range 10 {
		_, err := c.api.StartTaskContact(t.Context(), task(fmt.Sprint("token-", i)))
		if err != nil {
			codes[errorCode(err)]++
		}
	}
	// 5 at once, 2 a second after that; the clock hardly moved.
	if codes["ThrottlingException"] != 5 || len(c.Contacts()) != 5 {
		t.Errorf("10 at once: %v, %d started", codes, len(c.Contacts()))
	}
	c.pass(time.Second)
	if _, err := c.api.StartTaskContact(t.Context(), task("token-9")); err != nil {
		t.Errorf("a second later: %v", err)
	}

	q := startCentre(t, nil)
	q.opt.Unlimited = true
	for i := range connectTasks {
		if _, err := q.api.StartTaskContact(t.Context(), task(fmt.Sprint("token-", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.api.StartTaskContact(t.Context(), task("one more")); errorCode(err) != "ServiceQuotaExceededException" {
		t.Errorf("beyond the quota: %v", err)
	}
}

// The adapter against the stand-in, with a lost answer: the token keeps it one.
func TestAdapterAndLostAnswer(t *testing.T) {
	c := startCentre(t, nil)
	faults := []Fault{Lost, Throttle, Failure}
	c.fault = func(point, _ string) Fault {
		if point != "connect" {
			t.Errorf("point %q", point)
		}
		if len(faults) == 0 {
			return NoFault
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
	desk := connect.New(c.api, instance, "flow-1")
	in := connect.Task{Token: "post-x-501", Name: "Ana", Attributes: map[string]string{"fielder_queue": "vip"}, URL: "https://x.com/ana_d/status/501"}
	var codes []care.Code
	id := ""
	for id == "" {
		var err error
		if id, err = desk.StartTask(t.Context(), in); err != nil {
			codes = append(codes, care.CodeOf(err))
		}
	}
	if want := []care.Code{care.Unavailable, care.Throttled, care.Unavailable}; !slices.Equal(codes, want) {
		t.Errorf("failures %v, want %v", codes, want)
	}
	all := c.Contacts()
	if len(all) != 1 || all[0].ID != id || all[0].Queue != "vip" || all[0].References["post"].Value != in.URL {
		t.Errorf("contacts %+v", all)
	}
	if got := c.kinds(id); len(got) != 2 {
		t.Errorf("events %v: one start, also when its answer is lost", got)
	}
	must(t, desk.StopTask(t.Context(), id))
	must(t, desk.StopTask(t.Context(), id))
}

// shape lists the paths of a JSON value.
func shape(v any, at string, out map[string]bool) {
	for name, w := range object(v) {
		out[at+name] = true
		if name != "tags" {
			shape(w, at+name+".", out)
		}
	}
}

// Every field of AWS's own sample of a call that an agent answers must be there.
func TestEventsHaveTheShapeOfAWS(t *testing.T) {
	c := startCentre(t, nil)
	contact, err := c.Call(t.Context(), CallOptions{From: "+14155550101", Ring: 20 * time.Second, Talk: 3 * time.Minute})
	must(t, err)
	for file, kind := range map[string]string{"contact_event_connected_to_agent_voice.json": "CONNECTED_TO_AGENT"} {
		data, err := os.ReadFile("testdata/" + file)
		must(t, err)
		sample, err := readJSON(data)
		must(t, err)
		want, got := map[string]bool{}, map[string]bool{}
		shape(sample, "", want)
		for _, e := range c.events {
			if str(dig(e, "detail", "eventType")) == kind {
				shape(e, "", got)
			}
		}
		for path := range want {
			if !got[path] {
				t.Errorf("%s: the event lacks %s", kind, path)
			}
		}
	}
	last := c.events[len(c.events)-1]
	begin, end := parseTime(dig(last, "detail", "agentInfo", "connectedToAgentTimestamp")), parseTime(dig(last, "detail", "disconnectTimestamp"))
	if talk := end.Sub(begin).Round(time.Second); talk != 3*time.Minute {
		t.Errorf("the agent talked %v, want 3 minutes", talk)
	}
	if str(dig(last, "source")) != "aws.connect" || str(dig(last, "detail-type")) != "Amazon Connect Contact Event" {
		t.Errorf("envelope %v", last)
	}
	if contact.State != "COMPLETED" || contact.Lookup != "no function" {
		t.Errorf("contact %+v", contact)
	}
}

func TestCallAsksLookup(t *testing.T) {
	tests := []struct {
		name   string
		answer string
		err    error
		lookup string // prefix of Contact.Lookup
		line   string
	}{
		{"Known", `{"fielder_known":"true","fielder_line":"Hi Ana, about your router ..."}`, nil, "ok", "Hi Ana, about your router ..."},
		{"Fails", ``, errors.New("Unavailable"), "error branch: Unavailable", ""},
		{"NotFlat", `{"fielder_line":"Hi","more":{"a":"b"}}`, nil, "error branch: the answer is not a flat map of strings: more", ""},
		{"Number", `{"fielder_open":1}`, nil, "error branch: the answer is not a flat map", ""},
		{"NoObject", `["a"]`, nil, "error branch: the answer is no JSON object", ""},
		{"TooLarge", `{"a":"` + strings.Repeat("x", 32*1024) + `"}`, nil, "error branch: the answer has", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var input json.RawMessage
			c := startCentre(t, func(o *ConnectOptions) {
				o.InvokeLookup = func(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
					input = event
					return json.RawMessage(tt.answer), tt.err
				}
			})
			contact, err := c.Call(t.Context(), CallOptions{Contact: "call-1", From: "+14155550101", Talk: time.Minute})
			must(t, err)
			if !strings.HasPrefix(contact.Lookup, tt.lookup) || contact.Attributes["fielder_line"] != tt.line {
				t.Errorf("lookup %q, attributes %v", contact.Lookup, contact.Attributes)
			}
			if want := []string{"INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"}; !slices.Equal(c.kinds("call-1"), want) {
				t.Errorf("the call went on as %v", c.kinds("call-1"))
			}
			v, err := readJSON(input)
			must(t, err)
			if str(dig(v, "Name")) != "ContactFlowEvent" || str(dig(v, "Details", "ContactData", "CustomerEndpoint", "Address")) != "+14155550101" || str(dig(v, "Details", "ContactData", "ContactId")) != "call-1" {
				t.Errorf("the function got %s", input)
			}
			data, err := os.ReadFile("testdata/flow_lambda_event_official.json")
			must(t, err)
			sample, err := readJSON(data)
			must(t, err)
			got, want := map[string]bool{}, map[string]bool{}
			shape(dig(v, "Details", "ContactData"), "", got)
			shape(dig(sample, "Details", "ContactData"), "", want)
			for path := range want {
				if !got[path] {
					t.Errorf("the flow's event lacks %s", path)
				}
			}
		})
	}
}

func TestLookupHasEightSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Accounts: ours, Connect: ConnectOptions{InvokeLookup: func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
			time.Sleep(9 * time.Second) // a function that does not mind its context
			return json.RawMessage(`{"fielder_line":"too late"}`), nil
		}}})
		begin := time.Now()
		contact, err := s.Call(t.Context(), CallOptions{From: "+14155550101"})
		must(t, err)
		if took := time.Since(begin); took != 8*time.Second {
			t.Errorf("the caller waited %v", took)
		}
		if contact.Lookup != "error branch: no answer within 8 seconds" || len(contact.Attributes) != 0 {
			t.Errorf("contact %+v", contact)
		}
		time.Sleep(2 * time.Second)
	})
}

// With a clock that can wait, the events come when they happen.
func TestCallTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var came []string
		s := New(Options{Accounts: ours, Sleep: func(ctx context.Context, d time.Duration) error {
			time.Sleep(d)
			return ctx.Err()
		}, Connect: ConnectOptions{Emit: func(e json.RawMessage) {
			v, err := readJSON(e)
			must(t, err)
			came = append(came, fmt.Sprint(str(dig(v, "detail", "eventType")), " ", time.Since(begin)))
		}}})
		contact, err := s.Call(t.Context(), CallOptions{From: "+14155550101", Agent: "agent-3", Ring: 30 * time.Second, Talk: 2 * time.Minute})
		must(t, err)
		if want := []string{"INITIATED 0s", "QUEUED 0s", "CONNECTED_TO_AGENT 30s", "DISCONNECTED 2m30s", "COMPLETED 2m30s"}; !slices.Equal(came, want) {
			t.Errorf("events %v, want %v", came, want)
		}
		if contact.Agent != "agent-3" || contact.Disconnected.Sub(contact.Answered) != 2*time.Minute {
			t.Errorf("contact %+v", contact)
		}
	})
}

func TestMissedCall(t *testing.T) {
	c := startCentre(t, nil)
	contact, err := c.Call(t.Context(), CallOptions{Contact: "call-2", From: "+14155550101", Ring: time.Minute})
	must(t, err)
	if want := []string{"INITIATED", "QUEUED", "DISCONNECTED", "COMPLETED"}; !slices.Equal(c.kinds("call-2"), want) {
		t.Errorf("events %v", c.kinds("call-2"))
	}
	if contact.Reason != "CUSTOMER_DISCONNECT" || !contact.Answered.IsZero() {
		t.Errorf("contact %+v", contact)
	}
	if _, err := c.Call(t.Context(), CallOptions{Contact: "call-2", From: "+14155550101"}); err == nil {
		t.Error("the same contact id twice")
	}
}
