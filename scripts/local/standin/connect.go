package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ConnectOptions describe the Amazon Connect instance.
type ConnectOptions struct {
	InstanceID string // a UUID; "" makes one up
	Region     string // "us-east-1" if empty
	AccountID  string // "111111111111" if empty
	// Phone is the number that customers call; "+18005550100" if empty.
	Phone string
	// Flows are the contact flows, by id, with the queue that each transfers to.
	Flows map[string]string
	// QueueAttribute names the attribute by which a flow picks the queue, if a
	// contact has it; "fielder_queue" if empty.
	QueueAttribute string
	// Emit gets each contact event, whole, as EventBridge delivers it. It is called
	// without locks, one event of a contact after the other.
	Emit func(event json.RawMessage)
	// InvokeLookup runs the function that the flow of a call invokes, with a
	// ContactFlowEvent; its answer must be a flat JSON object of strings. ctx ends
	// after 8 seconds.
	InvokeLookup func(ctx context.Context, event json.RawMessage) (json.RawMessage, error)
}

// Amazon Connect's limits (service quotas; API reference; platform facts, 13).
const (
	connectAttributes = 32_768 // bytes of attributes of one contact
	connectTasks      = 2500   // concurrent tasks of an instance
	connectName       = 512
	connectText       = 4096
	lookupLimit       = 8 * time.Second
	lookupAnswer      = 32 * 1024
)

// Contact is a contact as the workspace shows it.
type Contact struct {
	ID           string            `json:"id"`
	Channel      string            `json:"channel"` // VOICE or TASK
	Method       string            `json:"method"`  // API, INBOUND, TRANSFER
	State        string            `json:"state"`   // the last event's type
	Name         string            `json:"name,omitempty"`
	Description  string            `json:"description,omitempty"`
	Queue        string            `json:"queue,omitempty"`
	Agent        string            `json:"agent,omitempty"`
	Customer     string            `json:"customer,omitempty"` // phone number
	Flow         string            `json:"flow,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	References   map[string]Ref    `json:"references,omitempty"`
	Started      time.Time         `json:"started"`
	Queued       time.Time         `json:"queued,omitzero"`
	Answered     time.Time         `json:"answered,omitzero"`
	Disconnected time.Time         `json:"disconnected,omitzero"`
	Reason       string            `json:"reason,omitempty"`
	Related      string            `json:"related,omitempty"`
	Previous     string            `json:"previous,omitempty"`
	// Lookup is what the flow got from the function: "ok", or why its error branch
	// was taken; empty for a task.
	Lookup string `json:"lookup,omitempty"`
	// Token is the ClientToken it was started with.
	Token string `json:"token,omitempty"`
}

// Ref is a reference of a contact.
type Ref struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type connectState struct {
	opt      ConnectOptions
	contacts map[string]*Contact
	order    []string
	tokens   map[string]string // ClientToken -> contact
	buckets  map[string]*bucket
}

func newConnect(o ConnectOptions) *connectState {
	o.InstanceID = cmp.Or(o.InstanceID, "8f1c2d3e-4b5a-4c6d-8e7f-901a2b3c4d5e")
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.AccountID = cmp.Or(o.AccountID, "111111111111")
	o.Phone = cmp.Or(o.Phone, "+18005550100")
	o.QueueAttribute = cmp.Or(o.QueueAttribute, "fielder_queue")
	return &connectState{opt: o, contacts: map[string]*Contact{}, tokens: map[string]string{}, buckets: map[string]*bucket{}}
}

// bucket is a token bucket, as AWS throttles.
type bucket struct {
	tokens float64
	at     time.Time
}

func (s *Standin) take(name string, perSecond, burst float64) bool {
	if s.opt.Unlimited {
		return true
	}
	now := s.now()
	b := s.connect.buckets[name]
	if b == nil {
		b = &bucket{tokens: burst, at: now}
		s.connect.buckets[name] = b
	}
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func awsError(status int, name, message string) answer {
	return answer{status: status, body: m{"Message": message}}.with("X-Amzn-Errortype", name).with("X-Amzn-Requestid", "standin")
}

func invalidParameter(format string, args ...any) answer {
	return awsError(http.StatusBadRequest, "InvalidParameterException", fmt.Sprintf(format, args...))
}

// routeConnect serves the API below /standin/connect. Who the caller is and what
// it may do is checked by whoever stands in front, as for every AWS API.
func (s *Standin) routeConnect() {
	s.mux.Handle("/standin/connect/", http.StripPrefix("/standin/connect", s.ConnectAPI()))
}

// ConnectAPI serves Amazon Connect's API at the root, for an AWS endpoint.
func (s *Standin) ConnectAPI() http.Handler {
	on := surface{
		point: "connect",
		allow: func(*request) answer { return answer{} },
		refuse: func(f Fault) answer {
			if f == Throttle {
				return awsError(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")
			}
			return awsError(http.StatusInternalServerError, "InternalServiceException", "Request processing failed because of an error or failure with the service.")
		},
	}
	mux := http.NewServeMux()
	op := func(pattern, name string, rate, burst float64, work func(*request) (answer, []event)) {
		var pending []event
		h := s.serve(on, func(r *request) answer {
			instance := cmp.Or(str(r.body["InstanceId"]), r.PathValue("instance"))
			if id := instance[strings.LastIndex(instance, "/")+1:]; id != s.connect.opt.InstanceID {
				return awsError(http.StatusNotFound, "ResourceNotFoundException", "Instance not found: "+instance)
			}
			if !s.take(name, rate, burst) {
				return on.refuse(Throttle)
			}
			a, events := work(r)
			pending = append(pending, events...)
			return a
		})
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			// The events leave even when the answer is lost.
			defer func() {
				s.mu.Lock()
				out := pending
				pending = nil
				s.mu.Unlock()
				s.emit(out)
			}()
			h.ServeHTTP(w, r)
		})
	}
	// 2 requests a second, 5 at once, is the default; StartTaskContact is not among
	// the exceptions of the quota page.
	op("PUT /contact/task", "StartTaskContact", 2, 5, s.startTask)
	op("POST /contact/stop", "StopContact", 10, 15, s.stopContact)
	op("POST /contacts/{instance}/{contact}", "UpdateContact", 10, 15, s.updateContact)
	op("POST /contact/transfer", "TransferContact", 2, 5, s.transferContact)
	op("GET /contacts/{instance}/{contact}", "DescribeContact", 10, 15, s.describeContact)
	op("GET /contact/attributes/{instance}/{contact}", "GetContactAttributes", 10, 15, s.getAttributes)
	op("POST /contact/attributes", "UpdateContactAttributes", 10, 15, s.updateAttributes)
	return mux
}

// event is a contact event before it is written.
type event struct {
	kind    string
	contact Contact // as it was then
	at      time.Time
	updated []string
}

func (s *Standin) instanceARN() string {
	o := s.connect.opt
	return "arn:aws:connect:" + o.Region + ":" + o.AccountID + ":instance/" + o.InstanceID
}

// note moves a contact on and remembers the event; it runs under the lock.
func (c *Contact) note(kind string, at time.Time, updated ...string) event {
	if kind != "CONTACT_DATA_UPDATED" {
		c.State = kind
	}
	copied := *c
	copied.Attributes, copied.References = maps.Clone(c.Attributes), maps.Clone(c.References)
	return event{kind, copied, at.UTC(), updated}
}

// emit writes events in the form of the contact-events page and hands them on.
func (s *Standin) emit(events []event) {
	emit := s.connect.opt.Emit
	if emit == nil {
		return
	}
	for _, e := range events {
		b, err := json.Marshal(s.contactEvent(e))
		if err != nil {
			panic("standin: contact event: " + err.Error()) // maps of strings encode
		}
		emit(b)
	}
}

func (s *Standin) contactEvent(e event) m {
	o, c := s.connect.opt, e.contact
	instance := s.instanceARN()
	detail := m{
		"eventType": e.kind, "contactId": c.ID, "channel": c.Channel, "instanceArn": instance, "initiationMethod": c.Method,
		"initiationTimestamp": iso(c.Started),
		"tags":                m{"aws:connect:instanceId": o.InstanceID},
	}
	if c.Channel == "VOICE" {
		detail["tags"] = m{"aws:connect:instanceId": o.InstanceID, "aws:connect:systemEndpoint": o.Phone}
		detail["segmentAttributes"] = m{"connect:Subtype": m{"valueString": "connect:Telephony"}}
	} else {
		detail["segmentAttributes"] = m{"connect:Subtype": m{"valueString": "connect:Task"}}
	}
	for name, v := range map[string]string{"previousContactId": c.Previous, "relatedContactId": c.Related} {
		if v != "" {
			detail[name] = v
		}
	}
	if c.Previous != "" {
		detail["initialContactId"] = s.initial(c)
	}
	if !c.Queued.IsZero() && c.Queue != "" {
		detail["queueInfo"] = m{"queueType": "STANDARD", "queueArn": instance + "/queue/" + c.Queue, "enqueueTimestamp": iso(c.Queued)}
	}
	if !c.Answered.IsZero() {
		detail["agentInfo"] = m{"agentArn": instance + "/agent/" + c.Agent, "connectedToAgentTimestamp": iso(c.Answered)}
	}
	if !c.Disconnected.IsZero() {
		detail["disconnectTimestamp"], detail["disconnectReason"] = iso(c.Disconnected), c.Reason
	}
	if len(e.updated) > 0 {
		detail["updatedProperties"] = e.updated
	}
	s.mu.Lock()
	id := s.uuid()
	s.mu.Unlock()
	return m{
		"version": "0", "id": id, "detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "account": o.AccountID,
		"time": e.at.Format("2006-01-02T15:04:05Z"), "region": o.Region, "resources": []string{instance, instance + "/contact/" + c.ID}, "detail": detail,
	}
}

// initial follows a chain of transfers to its first contact.
func (s *Standin) initial(c Contact) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.Previous
	for range 12 { // the longest chain that Connect allows
		p := s.connect.contacts[id]
		if p == nil || p.Previous == "" {
			break
		}
		id = p.Previous
	}
	return id
}

// uuid makes ids that are unique here and the same in every run.
func (s *Standin) uuid() string {
	s.seq++
	return fmt.Sprintf("%08x-5a5a-4000-8000-%012x", s.now().Unix()&0xffffffff, s.seq)
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// attributes reads a flat map of strings within Connect's limits.
func attributes(v any, have map[string]string) (map[string]string, answer) {
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	for k, raw := range object(v) {
		value, isText := raw.(string)
		if !isText || !attributeName.MatchString(k) {
			return nil, invalidParameter("Attribute %q: names are letters, digits, _ and -, values are strings", k)
		}
		out[k] = value
	}
	size := 0
	for k, value := range out {
		size += len(k) + len(value)
	}
	if size > connectAttributes {
		return nil, invalidParameter("Attributes have %d bytes, at most %d are allowed", size, connectAttributes)
	}
	return out, answer{}
}

func references(v any) (map[string]Ref, answer) {
	out := map[string]Ref{}
	for name, raw := range object(v) {
		r := Ref{Type: str(dig(raw, "Type")), Value: str(dig(raw, "Value"))}
		if !slices.Contains([]string{"URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"}, r.Type) || len([]rune(r.Value)) > connectText {
			return nil, invalidParameter("Reference %q: type %q is unknown or the value is too long", name, r.Type)
		}
		out[name] = r
	}
	return out, answer{}
}

func (s *Standin) startTask(r *request) (answer, []event) {
	if id, again := s.connect.tokens[str(r.body["ClientToken"])]; again && str(r.body["ClientToken"]) != "" {
		return ok(m{"ContactId": id}), nil
	}
	name, description := str(r.body["Name"]), str(r.body["Description"])
	if name == "" || len([]rune(name)) > connectName || len([]rune(description)) > connectText {
		return invalidParameter("Name must have 1 to %d characters, Description at most %d", connectName, connectText), nil
	}
	given := 0
	for _, k := range []string{"ContactFlowId", "QuickConnectId", "TaskTemplateId"} {
		if str(r.body[k]) != "" {
			given++
		}
	}
	if given != 1 {
		return awsError(http.StatusBadRequest, "InvalidRequestException", "Exactly one of ContactFlowId, QuickConnectId and TaskTemplateId is needed"), nil
	}
	flow := str(r.body["ContactFlowId"])
	if flow == "" || r.body["ScheduledTime"] != nil || r.body["Attachments"] != nil {
		return awsError(http.StatusBadRequest, "InvalidRequestException", "The stand-in knows neither quick connects, task templates, scheduled tasks nor attachments"), nil
	}
	if _, known := s.connect.opt.Flows[flow]; !known {
		return awsError(http.StatusNotFound, "ResourceNotFoundException", "Contact flow not found: "+flow), nil
	}
	attrs, no := attributes(r.body["Attributes"], nil)
	if no.status != 0 {
		return no, nil
	}
	refs, no := references(r.body["References"])
	if no.status != 0 {
		return no, nil
	}
	open := 0
	for _, c := range s.connect.contacts {
		if c.Channel == "TASK" && c.Disconnected.IsZero() {
			open++
		}
	}
	if open >= connectTasks {
		return awsError(http.StatusPaymentRequired, "ServiceQuotaExceededException", "The quota of concurrent tasks is reached"), nil
	}
	related := str(r.body["RelatedContactId"])
	if rel := s.connect.contacts[related]; rel != nil {
		for k, v := range rel.Attributes {
			if _, set := attrs[k]; !set {
				attrs[k] = v
			}
		}
	}
	c := &Contact{ID: s.uuid(), Channel: "TASK", Method: "API", Name: name, Description: description, Flow: flow, Attributes: attrs, References: refs,
		Started: s.now(), Related: related, Previous: str(r.body["PreviousContactId"]), Token: str(r.body["ClientToken"])}
	s.addContact(c)
	if c.Token != "" {
		s.connect.tokens[c.Token] = c.ID
	}
	return ok(m{"ContactId": c.ID}), append([]event{c.note("INITIATED", c.Started)}, s.enqueue(c, c.Started))
}

func (s *Standin) addContact(c *Contact) {
	s.connect.contacts[c.ID] = c
	s.connect.order = append(s.connect.order, c.ID)
}

// enqueue does what the flow does: the attribute names the queue, else the flow.
func (s *Standin) enqueue(c *Contact, at time.Time) event {
	c.Queue = cmp.Or(c.Attributes[s.connect.opt.QueueAttribute], s.connect.opt.Flows[c.Flow], "default")
	c.Queued = at
	return c.note("QUEUED", at)
}

func (s *Standin) contact(r *request) *Contact {
	return s.connect.contacts[cmp.Or(str(r.body["ContactId"]), str(r.body["InitialContactId"]), r.PathValue("contact"))]
}

var noContact = awsError(http.StatusNotFound, "ResourceNotFoundException", "Contact not found")

func (s *Standin) stopContact(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return awsError(http.StatusGone, "ContactNotFoundException", "Contact not found"), nil
	}
	if !c.Disconnected.IsZero() {
		return awsError(http.StatusBadRequest, "InvalidRequestException", "The contact has ended already"), nil
	}
	return ok(m{}), c.end(s.now(), "API")
}

// end disconnects a contact; COMPLETED follows at once, since agents here do no
// after-contact work.
func (c *Contact) end(at time.Time, reason string) []event {
	c.Disconnected, c.Reason = at.UTC(), reason
	return []event{c.note("DISCONNECTED", at), c.note("COMPLETED", at)}
}

func (s *Standin) updateContact(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return noContact, nil
	}
	var changed []string
	if v, set := r.body["Name"]; set {
		if str(v) == "" || len([]rune(str(v))) > connectName {
			return invalidParameter("Name must have 1 to %d characters", connectName), nil
		}
		c.Name, changed = str(v), append(changed, "Name")
	}
	if v, set := r.body["Description"]; set {
		if len([]rune(str(v))) > connectText {
			return invalidParameter("Description must have at most %d characters", connectText), nil
		}
		c.Description, changed = str(v), append(changed, "Description")
	}
	if r.body["References"] != nil {
		refs, no := references(r.body["References"])
		if no.status != 0 {
			return no, nil
		}
		maps.Copy(c.References, refs)
		changed = append(changed, "References")
	}
	if len(changed) == 0 {
		return ok(m{}), nil
	}
	return ok(m{}), []event{c.note("CONTACT_DATA_UPDATED", s.now(), changed...)}
}

func (s *Standin) transferContact(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return noContact, nil
	}
	token := "transfer " + str(r.body["ClientToken"])
	if id, again := s.connect.tokens[token]; again && token != "transfer " {
		return ok(m{"ContactId": id, "ContactArn": s.instanceARN() + "/contact/" + id}), nil
	}
	queue := str(r.body["QueueId"])
	queue = queue[strings.LastIndex(queue, "/")+1:]
	if c.Channel != "TASK" || !c.Disconnected.IsZero() || queue == "" && str(r.body["UserId"]) == "" {
		return awsError(http.StatusBadRequest, "InvalidRequestException", "Only an open task can be transferred, to a queue or an agent"), nil
	}
	if _, known := s.connect.opt.Flows[str(r.body["ContactFlowId"])]; !known {
		return awsError(http.StatusNotFound, "ResourceNotFoundException", "Contact flow not found"), nil
	}
	next := &Contact{ID: s.uuid(), Channel: c.Channel, Method: "TRANSFER", Name: c.Name, Description: c.Description, Flow: str(r.body["ContactFlowId"]),
		Attributes: maps.Clone(c.Attributes), References: maps.Clone(c.References), Started: s.now(), Previous: c.ID, Related: c.Related}
	if queue != "" {
		next.Attributes[s.connect.opt.QueueAttribute] = queue
	}
	s.addContact(next)
	s.connect.tokens[token] = next.ID
	events := append(c.end(s.now(), "TRANSFERRED"), next.note("INITIATED", next.Started), s.enqueue(next, next.Started))
	return ok(m{"ContactId": next.ID, "ContactArn": s.instanceARN() + "/contact/" + next.ID}), events
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Standin) describeContact(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return noContact, nil
	}
	v := m{"Arn": s.instanceARN() + "/contact/" + c.ID, "Id": c.ID, "Channel": c.Channel, "InitiationMethod": c.Method, "InitiationTimestamp": epoch(c.Started),
		"LastUpdateTimestamp": epoch(c.Started), "Name": c.Name, "Description": c.Description, "Attributes": c.Attributes, "Tags": m{"aws:connect:instanceId": s.connect.opt.InstanceID}}
	if c.Previous != "" {
		v["PreviousContactId"] = c.Previous
	}
	if c.Related != "" {
		v["RelatedContactId"] = c.Related
	}
	if !c.Queued.IsZero() {
		v["QueueInfo"] = m{"Id": c.Queue, "EnqueueTimestamp": epoch(c.Queued)}
	}
	if !c.Answered.IsZero() {
		v["AgentInfo"] = m{"Id": c.Agent, "ConnectedToAgentTimestamp": epoch(c.Answered)}
	}
	if !c.Disconnected.IsZero() {
		v["DisconnectTimestamp"], v["DisconnectReason"] = epoch(c.Disconnected), c.Reason
	}
	if c.Customer != "" {
		v["CustomerEndpoint"] = m{"Type": "TELEPHONE_NUMBER", "Address": c.Customer}
		v["SystemEndpoint"] = m{"Type": "TELEPHONE_NUMBER", "Address": s.connect.opt.Phone}
	}
	return ok(m{"Contact": v}), nil
}

func (s *Standin) getAttributes(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return noContact, nil
	}
	return ok(m{"Attributes": maps.Clone(c.Attributes)}), nil
}

func (s *Standin) updateAttributes(r *request) (answer, []event) {
	c := s.contact(r)
	if c == nil {
		return noContact, nil
	}
	attrs, no := attributes(r.body["Attributes"], c.Attributes)
	if no.status != 0 {
		return no, nil
	}
	c.Attributes = attrs
	return ok(m{}), nil
}

// Contacts lists every contact, oldest first.
func (s *Standin) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Contact, len(s.connect.order))
	for i, id := range s.connect.order {
		c := *s.connect.contacts[id]
		c.Attributes, c.References = maps.Clone(c.Attributes), maps.Clone(c.References)
		out[i] = c
	}
	return out
}

// AnswerTask lets an agent take a waiting contact: CONNECTED_TO_AGENT.
func (s *Standin) AnswerTask(contact, agent string) error {
	return s.step(contact, func(c *Contact) ([]event, error) {
		if !c.Answered.IsZero() || c.Queued.IsZero() {
			return nil, fmt.Errorf("standin: contact %s is not waiting, but %s", contact, c.State)
		}
		c.Agent, c.Answered = cmp.Or(agent, "agent-1"), s.now()
		return []event{c.note("CONNECTED_TO_AGENT", c.Answered)}, nil
	})
}

// FinishTask lets the agent end a contact that they have: DISCONNECTED and
// COMPLETED.
func (s *Standin) FinishTask(contact string) error {
	return s.step(contact, func(c *Contact) ([]event, error) {
		if c.Answered.IsZero() {
			return nil, fmt.Errorf("standin: nobody has answered contact %s", contact)
		}
		reason := "AGENT_DISCONNECT"
		if c.Channel == "TASK" {
			reason = "AGENT_COMPLETED"
		}
		return c.end(s.now(), reason), nil
	})
}

func (s *Standin) step(contact string, do func(*Contact) ([]event, error)) error {
	s.mu.Lock()
	c := s.connect.contacts[contact]
	var events []event
	err := fmt.Errorf("standin: there is no contact %q", contact)
	if c != nil {
		if err = fmt.Errorf("standin: contact %s has ended", contact); c.Disconnected.IsZero() {
			events, err = do(c)
		}
	}
	s.mu.Unlock()
	s.emit(events)
	return err
}

// CallOptions describe a phone call.
type CallOptions struct {
	Contact string        // its id; "" makes one up
	From    string        // the customer's number, E.164
	Flow    string        // "" is the first of ConnectOptions.Flows by id
	Agent   string        // who answers; "" is "agent-1"
	Ring    time.Duration // in the queue
	Talk    time.Duration // with the agent; 0: the caller hangs up before anyone answers
}

// Call plays a phone call from the first ring to the end: INITIATED, the flow
// that asks the lookup function who is calling, QUEUED, CONNECTED_TO_AGENT,
// DISCONNECTED, COMPLETED. Between the steps it waits with Options.Sleep; without
// one the times are told as if it had. It returns the contact as it ended.
func (s *Standin) Call(ctx context.Context, o CallOptions) (Contact, error) {
	c, err := s.ring(ctx, o)
	if err != nil {
		return Contact{}, err
	}
	return s.talk(ctx, c, o)
}

// ring begins a call and goes as far as the queue: lookup has been asked.
func (s *Standin) ring(ctx context.Context, o CallOptions) (*Contact, error) {
	s.mu.Lock()
	if o.Contact == "" {
		o.Contact = s.uuid()
	}
	if o.From == "" || s.connect.contacts[o.Contact] != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("standin: call %s: it needs a caller and an id of its own", o.Contact)
	}
	if o.Flow == "" && len(s.connect.opt.Flows) > 0 {
		o.Flow = slices.Sorted(maps.Keys(s.connect.opt.Flows))[0]
	}
	c := &Contact{ID: o.Contact, Channel: "VOICE", Method: "INBOUND", Customer: o.From, Flow: o.Flow, Started: s.now(), Attributes: map[string]string{}, References: map[string]Ref{}}
	s.addContact(c)
	events := []event{c.note("INITIATED", c.Started)}
	input := s.flowEvent(*c)
	s.mu.Unlock()
	s.emit(events)

	attrs, outcome := s.askLookup(ctx, input)
	s.during(c, 0, func(at time.Time) []event {
		c.Lookup = outcome
		maps.Copy(c.Attributes, attrs)
		return []event{s.enqueue(c, at)}
	})
	return c, nil
}

// talk goes on with a call that rings, to its end.
func (s *Standin) talk(ctx context.Context, c *Contact, o CallOptions) (Contact, error) {
	skipped := time.Duration(0) // what nobody slept for
	wait := func(d time.Duration) error {
		if s.opt.Sleep == nil {
			skipped += d
			return nil
		}
		return s.opt.Sleep(ctx, d)
	}
	err := wait(o.Ring)
	if err == nil && o.Talk > 0 {
		s.during(c, skipped, func(at time.Time) []event {
			c.Agent, c.Answered = cmp.Or(o.Agent, "agent-1"), at
			return []event{c.note("CONNECTED_TO_AGENT", at)}
		})
		err = wait(o.Talk)
	}
	s.during(c, skipped, func(at time.Time) []event { return c.end(at, "CUSTOMER_DISCONNECT") })
	s.mu.Lock()
	defer s.mu.Unlock()
	return *c, err
}

// during takes a step of a call, unless it has ended meanwhile: the agent may
// hang up, and StopContact ends calls too.
func (s *Standin) during(c *Contact, skipped time.Duration, do func(at time.Time) []event) {
	s.mu.Lock()
	var events []event
	if c.Disconnected.IsZero() {
		events = do(s.now().Add(skipped))
	}
	s.mu.Unlock()
	s.emit(events)
}

// flowEvent is the ContactFlowEvent that a flow sends to a function.
func (s *Standin) flowEvent(c Contact) json.RawMessage {
	b, err := json.Marshal(m{"Name": "ContactFlowEvent", "Details": m{
		"ContactData": m{
			"Attributes": c.Attributes, "Channel": c.Channel, "ContactId": c.ID, "InitialContactId": c.ID, "PreviousContactId": c.ID,
			"CustomerEndpoint": m{"Address": c.Customer, "Type": "TELEPHONE_NUMBER"},
			"SystemEndpoint":   m{"Address": s.connect.opt.Phone, "Type": "TELEPHONE_NUMBER"},
			"InitiationMethod": c.Method, "InstanceARN": s.instanceARN(), "Queue": nil,
		},
		"Parameters": m{},
	}})
	if err != nil {
		panic("standin: flow event: " + err.Error()) // maps of strings encode
	}
	return b
}

// askLookup runs the function as a flow does; anything but a flat map of strings
// below 32 KB within 8 seconds takes the error branch, and the call goes on
// without attributes.
func (s *Standin) askLookup(ctx context.Context, input json.RawMessage) (map[string]string, string) {
	if s.connect.opt.InvokeLookup == nil {
		return nil, "no function"
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	type result struct {
		output json.RawMessage
		err    error
	}
	done := make(chan result, 1)
	go func() {
		out, err := s.connect.opt.InvokeLookup(ctx, input)
		done <- result{out, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = errors.New("no answer within 8 seconds")
	}
	if r.err != nil {
		return nil, "error branch: " + r.err.Error()
	}
	if len(r.output) >= lookupAnswer {
		return nil, "error branch: the answer has " + strconv.Itoa(len(r.output)) + " bytes, at most 32 KB are allowed"
	}
	var flat map[string]any
	if err := json.Unmarshal(r.output, &flat); err != nil || flat == nil {
		return nil, "error branch: the answer is no JSON object"
	}
	out := map[string]string{}
	for k, v := range flat {
		text, isText := v.(string)
		if !isText {
			return nil, "error branch: the answer is not a flat map of strings: " + k
		}
		out[k] = text
	}
	return out, "ok"
}
