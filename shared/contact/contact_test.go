package contact

import (
	"context"
	"os"
	"testing"
	"time"

	"encoding/json"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
)

type centre struct {
	links    map[string]care.ContactLink
	conv     care.Conversation
	timeline map[string]care.Interaction
	woken    []string
	calls    []int
	phone    string
	events   int
}

func (c *centre) ContactLink(_ context.Context, id string) (care.ContactLink, error) {
	l, ok := c.links[id]
	if !ok {
		return l, care.Errorf(care.NotFound, "no link")
	}
	return l, nil
}
func (c *centre) Conversation(context.Context, care.ConversationID) (care.Conversation, error) {
	return c.conv, nil
}
func (c *centre) UpdateConversation(_ context.Context, _ care.ConversationID, fn func(*care.Conversation) error) (care.Conversation, error) {
	return c.conv, fn(&c.conv)
}
func (c *centre) PutInteraction(_ context.Context, i care.Interaction) error {
	c.timeline[i.ID] = i
	return nil
}
func (c *centre) CustomerByIdentity(_ context.Context, _, v string) (care.Customer, care.Identity, error) {
	if v == "+12025550101" {
		return care.Customer{ID: "cus_9"}, care.Identity{}, nil
	}
	return care.Customer{}, care.Identity{}, care.Errorf(care.NotFound, "nobody")
}
func (c *centre) Caller(context.Context, string) (string, error) { return c.phone, nil }
func (c *centre) Succeed(_ context.Context, token, by, how string) error {
	c.woken = append(c.woken, token+"/"+by+"/"+how)
	return nil
}
func (c *centre) AfterCall(_ context.Context, _ string, _ care.CustomerID, _ string, seconds int, _ time.Time) error {
	c.calls = append(c.calls, seconds)
	return nil
}
func (c *centre) Publish(_ context.Context, d ...events.Detail) error { c.events += len(d); return nil }

func newCentre() (*centre, *Service) {
	c := &centre{links: map[string]care.ContactLink{"task1": {Conversation: "con_1"}, "call1": {Customer: "cus_1"}}, timeline: map[string]care.Interaction{},
		conv: care.Conversation{ID: "con_1", Customer: "cus_1", Escalation: &care.Escalation{Contact: "task1", TaskToken: "tok", Queue: "q"}}}
	return c, &Service{Store: c, Centre: c, Workflow: c, Followup: c, Bus: c}
}

func event(detail string) events.Envelope {
	return events.Envelope{ID: "e1", Time: time.Date(2026, 11, 17, 9, 10, 0, 0, time.UTC), Detail: json.RawMessage(detail)}
}

func TestTasks(t *testing.T) {
	rows := []struct {
		name, detail string
		conv         func(*care.Conversation)
		agent        string
		woken        int
		code         care.Code
	}{
		{"an agent takes it", `{"eventType":"CONNECTED_TO_AGENT","contactId":"task1","channel":"TASK","agentInfo":{"agentArn":"arn:aws:connect:x/instance/i/agent/ana"}}`, nil, "ana", 0, ""},
		{"keys in the other case", `{"EventType":"CONNECTED_TO_AGENT","ContactId":"task1","Channel":"Task","AgentInfo":{"AgentArn":"x/ana"}}`, nil, "ana", 0, ""},
		{"an agent is done", `{"eventType":"COMPLETED","contactId":"task1","channel":"TASK","agentInfo":{"agentArn":"x/ana"}}`, nil, "", 1, ""},
		{"a task of an earlier queue", `{"eventType":"DISCONNECTED","contactId":"task1","channel":"TASK"}`, func(c *care.Conversation) { c.Escalation.Contact = "task2" }, "", 0, ""},
		{"resolved already", `{"eventType":"COMPLETED","contactId":"task1","channel":"TASK"}`, func(c *care.Conversation) { c.Escalation = nil }, "", 0, ""},
		{"taken after it was resolved", `{"eventType":"CONNECTED_TO_AGENT","contactId":"task1","channel":"TASK","agentInfo":{"agentArn":"x/ana"}}`, func(c *care.Conversation) { c.Escalation = nil }, "", 0, ""},
		{"somebody else's task", `{"eventType":"COMPLETED","contactId":"other","channel":"TASK"}`, nil, "", 0, ""},
		{"quicker than the token", `{"eventType":"COMPLETED","contactId":"task1","channel":"TASK"}`, func(c *care.Conversation) { c.Escalation.TaskToken = "" }, "", 0, care.Busy},
		{"ErrNoContact", `{"eventType":"COMPLETED"}`, nil, "", 0, care.Invalid},
		{"ErrNotJSON", `{"eventType":`, nil, "", 0, care.Invalid},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			c, s := newCentre()
			if r.conv != nil {
				r.conv(&c.conv)
			}
			_, err := s.Handle(t.Context(), event(r.detail))
			if care.CodeOf(err) != r.code || c.conv.Agent != r.agent || len(c.woken) != r.woken {
				t.Errorf("err %v, agent %q, woken %v", err, c.conv.Agent, c.woken)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	ended := `{"eventType":"DISCONNECTED","contactId":"call1","channel":"VOICE","initiationMethod":"INBOUND","initiationTimestamp":"2026-11-17T09:00:00Z","disconnectTimestamp":"2026-11-17T09:07:00Z","agentInfo":{"agentArn":"x/ana","connectedToAgentTimestamp":"2026-11-17T09:01:00Z"}}`
	t.Run("OK joins the timeline and may be followed up", func(t *testing.T) {
		c, s := newCentre()
		for range 2 { // contact events come twice
			if _, err := s.Handle(t.Context(), event(ended)); err != nil {
				t.Fatal(err)
			}
		}
		i := c.timeline["contact:call1"]
		if len(c.timeline) != 1 || i.Customer != "cus_1" || i.Detail["seconds"] != "360" || i.Kind != care.InteractionCall || c.calls[0] != 360 {
			t.Errorf("timeline %+v, calls %v", c.timeline, c.calls)
		}
	})
	t.Run("OK by the number when no flow asked lookup", func(t *testing.T) {
		c, s := newCentre()
		delete(c.links, "call1")
		c.phone = "+12025550101"
		if _, err := s.Handle(t.Context(), event(ended)); err != nil || c.timeline["contact:call1"].Customer != "cus_9" {
			t.Errorf("err %v, timeline %+v", err, c.timeline)
		}
	})
	t.Run("OK a stranger leaves no trace", func(t *testing.T) {
		c, s := newCentre()
		delete(c.links, "call1")
		c.phone = "+12025550999"
		if _, err := s.Handle(t.Context(), event(ended)); err != nil || len(c.timeline) != 0 || len(c.calls) != 0 {
			t.Errorf("err %v, timeline %+v", err, c.timeline)
		}
	})
	t.Run("OK without an instance", func(t *testing.T) {
		c, s := newCentre()
		s.Centre = nil
		delete(c.links, "call1")
		if _, err := s.Handle(t.Context(), event(ended)); err != nil || len(c.timeline) != 0 {
			t.Errorf("err %v", err)
		}
	})
}

// The real samples of the contact events page are understood.
func TestRealSamples(t *testing.T) {
	for _, name := range []string{"contact_event_connected_to_agent_voice.json", "contact_event_contact_data_updated_chat.json"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			var env events.Envelope
			if err := json.Unmarshal(raw, &env); err != nil {
				t.Fatal(err)
			}
			_, s := newCentre()
			if _, err := s.Handle(t.Context(), env); err != nil {
				t.Error(err)
			}
		})
	}
}
