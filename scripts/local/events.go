package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/pattern"
)

// bus is an event bus with its rules.
type bus struct {
	name, arn string
	rules     []*rule
	archives  []*archive
}

type rule struct {
	id, arn string
	enabled bool
	pattern *pattern.Pattern
	targets []*target
}

// target is where a rule delivers to. An input of nil delivers the whole event.
type target struct {
	rule       *rule
	id, arn    string
	roleARN    string
	input      func(t *target, event []byte) ([]byte, error)
	deadLetter string // ARN of a queue
	retries    int
	maxAge     time.Duration
}

// busEvent is an event as rules and targets see it.
type busEvent struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	ReplayName string          `json:"replay-name,omitempty"`
	Detail     json.RawMessage `json:"detail"`
}

const (
	maxEntries     = 10      // EventBridge quotas: entries per PutEvents
	maxEntriesSize = 1 << 20 // SDK documentation of PutEvents: must be less than 1 MB
	chunk          = 64 << 10
)

func (s *Stack) putEvents(_ context.Context, p principal, body []byte) (any, error) {
	type entry struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
		Time                                     *float64
		TraceHeader                              string
	}
	var request struct{ Entries []entry }
	if err := read(body, &request); err != nil {
		return nil, err
	}
	if n := len(request.Entries); n == 0 || n > maxEntries {
		return nil, apiErrorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to %d", maxEntries)
	}
	size := func(e entry) int {
		n := len(e.Source) + len(e.DetailType) + len(e.Detail)
		for _, r := range e.Resources {
			n += len(r)
		}
		if e.Time != nil {
			n += 14
		}
		return n
	}
	total := 0
	for _, e := range request.Entries {
		total += size(e)
	}
	if total >= maxEntriesSize {
		return nil, apiErrorf(http.StatusBadRequest, "ValidationException", "Total size of the entries in the request is over the limit.")
	}
	busOf := func(e entry) string {
		if e.EventBusName == "" {
			return "default"
		}
		return tail(e.EventBusName, "/")
	}
	for _, e := range request.Entries {
		if err := s.authorize(p, "events:PutEvents", arnOf("events", "event-bus/"+busOf(e)), map[string][]string{
			"events:source": {e.Source}, "events:detail-type": {e.DetailType}}); err != nil {
			return nil, err
		}
	}
	type result struct {
		EventId      string `json:",omitempty"`
		ErrorCode    string `json:",omitempty"`
		ErrorMessage string `json:",omitempty"`
	}
	results := make([]result, len(request.Entries))
	failed, chunks := 0, 0.0
	for i, e := range request.Entries {
		fail := func(code, message string) { results[i] = result{ErrorCode: code, ErrorMessage: message}; failed++ }
		var detail map[string]any
		on := s.buses[busOf(e)]
		switch {
		case e.Source == "":
			fail("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument.")
			continue
		case strings.HasPrefix(e.Source, "aws.") && !p.isOperator():
			fail("NotAuthorizedForSourceException", "Not authorized for the source.")
			continue
		case e.DetailType == "":
			fail("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument.")
			continue
		case e.Detail == "":
			fail("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument.")
			continue
		case json.Unmarshal([]byte(e.Detail), &detail) != nil:
			fail("MalformedDetail", "Detail is malformed.")
			continue
		case on == nil: // AWS takes such an event and drops it; here nothing is dropped in silence
			fail("ResourceNotFoundException", "Event bus "+e.EventBusName+" does not exist.")
			continue
		}
		if !p.isOperator() {
			if _, ok := s.o.Faults.At("aws:events:PutEvents", "entry "+hash([]byte(e.Source), []byte(e.DetailType), []byte(e.Detail)), faults.Throttle); ok {
				fail("ThrottlingException", "Rate exceeded (injected fault)")
				continue
			}
		}
		at := s.clock.Now()
		if e.Time != nil {
			at = time.UnixMilli(int64(*e.Time * 1000)).UTC()
		}
		ev := newEvent(e.Source, e.DetailType, e.Resources, json.RawMessage(e.Detail), at)
		results[i].EventId = ev.ID
		chunks += math.Ceil(float64(size(e)) / chunk)
		s.publish(on, ev)
	}
	s.count(p, failed < len(results), "events", "PutEvents", map[cost.Unit]float64{cost.EventChunk: chunks})
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

func newEvent(source, detailType string, resources []string, detail json.RawMessage, at time.Time) busEvent {
	if resources == nil {
		resources = []string{}
	}
	return busEvent{Version: "0", ID: newID(), DetailType: detailType, Source: source, Account: cfn.Account,
		Time: at.UTC().Format(time.RFC3339), Region: cfn.Region, Resources: resources, Detail: detail}
}

// Emit puts an event on the default bus as an AWS service does (Amazon Connect's
// contact events); such events are free.
func (s *Stack) Emit(source, detailType string, resources []string, detail json.RawMessage) error {
	if !json.Valid(detail) {
		return errors.New("emit: detail is not JSON")
	}
	defer s.clock.Begin()()
	s.publish(s.buses["default"], newEvent(source, detailType, resources, detail, s.clock.Now()))
	return nil
}

// publish archives an event and starts its deliveries.
func (s *Stack) publish(on *bus, ev busEvent) {
	text, err := json.Marshal(ev)
	if err != nil {
		s.logf("event %s: %v", ev.ID, err) // detail was checked: cannot happen
		return
	}
	if ev.ReplayName == "" {
		for _, a := range on.archives {
			if a.pattern == nil || s.matches(a.pattern, text) {
				if err := a.add(ev.Time, text); err != nil {
					s.logf("archive %s: %v", a.name, err)
				}
				s.meter.Add(false, cost.Entry{Service: "events", Operation: "archive", Units: map[cost.Unit]float64{cost.ArchivedGB: float64(len(text)) / (1 << 30)}})
			}
		}
	}
	for _, r := range on.rules {
		if r.enabled && s.matches(r.pattern, text) {
			s.trigger(r, text, ev.Detail)
		}
	}
}

// matches asks a pattern; an event that it cannot read (nested too deep) matches
// nothing, and is said.
func (s *Stack) matches(p *pattern.Pattern, event []byte) bool {
	ok, err := p.Match(event)
	if err != nil {
		s.logf("event: %v", err)
	}
	return ok
}

func (s *Stack) trigger(r *rule, text []byte, detail json.RawMessage) {
	for _, t := range r.targets {
		end := s.clock.Begin()
		s.loops.Go(func() {
			defer end()
			// Event ids are random; the fault plan needs something that is not.
			f, _ := s.o.Faults.At("events", hash([]byte(r.id), []byte(t.id), detail), faults.Duplicate, faults.Delay, faults.Reorder)
			if f.Kind == faults.Delay || f.Kind == faults.Reorder {
				if s.clock.Sleep(s.ctx, f.Delay) != nil {
					return
				}
			}
			s.deliver(t, text)
			if f.Kind == faults.Duplicate {
				s.deliver(t, text)
			}
		})
	}
}

// deliver tries until the retry policy is exhausted, then uses the dead-letter
// queue. The caller holds a unit of work.
func (s *Stack) deliver(t *target, event []byte) {
	began := s.clock.Now()
	input := event
	if t.input != nil {
		var err error
		if input, err = t.input(t, event); err != nil {
			s.deadLetter(t.deadLetter, "events.amazonaws.com", t.rule.arn, event, map[string]string{
				"RULE_ARN": t.rule.arn, "TARGET_ARN": t.arn, "ERROR_CODE": "INVALID_INPUT", "ERROR_MESSAGE": err.Error()})
			return
		}
	}
	for attempt := 0; ; attempt++ {
		err := s.hand(t, input)
		if err == nil {
			return
		}
		condition := ""
		wait := backoff(attempt)
		switch {
		case !retryable(err):
		case attempt >= t.retries:
			condition = "MaximumRetryAttempts"
		case s.clock.Now().Add(wait).Sub(began) > t.maxAge:
			condition = "MaximumEventAgeInSeconds"
		default:
			if s.clock.Sleep(s.ctx, wait) != nil {
				return
			}
			continue
		}
		code, message := "INTERNAL_ERROR", err.Error()
		var e *apiError
		if errors.As(err, &e) {
			code, message = e.Code, e.Message
		}
		s.deadLetter(t.deadLetter, "events.amazonaws.com", t.rule.arn, event, map[string]string{
			"RULE_ARN": t.rule.arn, "TARGET_ARN": t.arn, "ERROR_CODE": code, "ERROR_MESSAGE": message,
			"RETRY_ATTEMPTS": strconv.Itoa(attempt), "EXHAUSTED_RETRY_CONDITION": condition})
		return
	}
}

// backoff is 1, 2, 4 ... seconds, at most 5 minutes. AWS adds jitter; without it
// a run repeats.
func backoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt, 20), 5*time.Minute)
}

// retryable tells whether trying again may help: not for a permission or a
// target that is wrong.
func retryable(err error) bool {
	var e *apiError
	return !errors.As(err, &e) || e.lost || e.Status >= 500 || e.Code == "ThrottlingException" || e.Code == "TooManyRequestsException"
}

// hand gives a target its input.
func (s *Stack) hand(t *target, input []byte) error {
	return s.handTo(t.arn, t.roleARN, "events.amazonaws.com", t.rule.arn, input, false)
}

// handTo delivers for a service: to a function through its resource policy or
// the role, to a queue likewise, to a state machine through the role.
func (s *Stack) handTo(arn, roleARN, service, source string, input []byte, scheduled bool) error {
	var who principal
	if roleARN != "" {
		var err error
		if who, err = s.assume(roleARN, service, source); err != nil {
			return err
		}
	}
	if f := s.functionOf(arn); f != nil {
		var err error
		if roleARN != "" {
			err = s.authorize(who, "lambda:InvokeFunction", f.arn, nil)
		} else {
			err = s.serviceMay(f.permissions, service, "lambda:InvokeFunction", f.arn, source)
		}
		if err != nil {
			return err
		}
		s.invokeAsync(f, input, scheduled)
		return nil
	}
	if q := s.queues[tail(arn, ":")]; q != nil {
		if roleARN == "" {
			if err := s.serviceMay(q.policies, service, "sqs:SendMessage", q.arn, source); err != nil {
				return err
			}
			s.meter.Add(false, cost.Entry{Service: "sqs", Operation: "SendMessage", Units: map[cost.Unit]float64{cost.Request: 1}})
			return q.send(s.clock.Now(), string(input), nil, 0)
		}
		body, err := json.Marshal(map[string]string{"QueueUrl": q.url(), "MessageBody": string(input)})
		if err != nil {
			return err
		}
		_, err = s.call(s.ctx, who, "sqs", "SendMessage", body)
		return err
	}
	body, err := json.Marshal(map[string]string{"stateMachineArn": arn, "input": string(input), "name": newID()})
	if err != nil {
		return err
	}
	_, err = s.call(s.ctx, who, "states", "StartExecution", body)
	return err
}

// deadLetter puts what could not be delivered into a queue, for a service that
// the queue's policy must allow. Without a queue it is dropped, as on AWS, and
// said so.
func (s *Stack) deadLetter(queueARN, service, source string, body []byte, attributes map[string]string) {
	what := attributes["TARGET_ARN"] + ": " + attributes["ERROR_CODE"] + ": " + attributes["ERROR_MESSAGE"]
	q := s.queues[tail(queueARN, ":")]
	if queueARN == "" || q == nil {
		s.logf("dropped (no dead-letter queue): %s", what)
		return
	}
	if err := s.serviceMay(q.policies, service, "sqs:SendMessage", q.arn, source); err != nil {
		s.logf("dropped (%v): %s", err, what)
		return
	}
	s.logf("dead letter: %s", what)
	s.meter.Add(false, cost.Entry{Service: "sqs", Operation: "SendMessage", Units: map[cost.Unit]float64{cost.Request: 1}})
	if err := q.send(s.clock.Now(), string(body), attributes, 0); err != nil {
		s.logf("dropped (%v): %s", err, what)
	}
}

// --- inputs ----------------------------------------------------------------

func constantInput(text string) func(*target, []byte) ([]byte, error) {
	return func(*target, []byte) ([]byte, error) { return []byte(text), nil }
}

// step is one step of a path: a field or an index.
type step struct {
	field string
	index int // -1 for a field
}

// parsePath reads the JSONPath that EventBridge takes: $, .field, ['field'] and
// [n].
func parsePath(text string) ([]step, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", text)
	}
	var steps []step
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "['"):
			name, after, ok := strings.Cut(rest[2:], "']")
			if !ok {
				return nil, fmt.Errorf("path %q: [' without ']", text)
			}
			steps, rest = append(steps, step{name, -1}), after
		case strings.HasPrefix(rest, "["):
			number, after, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(number)
			if !ok || err != nil || n < 0 {
				return nil, fmt.Errorf("path %q: only [n] is supported in brackets", text)
			}
			steps, rest = append(steps, step{"", n}), after
		case strings.HasPrefix(rest, "."):
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			name := rest[1 : 1+end]
			if name == "" || strings.ContainsAny(name, "*@?()") {
				return nil, fmt.Errorf("path %q: only plain fields are supported", text)
			}
			steps, rest = append(steps, step{name, -1}), rest[1+end:]
		default:
			return nil, fmt.Errorf("path %q: what is %q?", text, rest)
		}
	}
	return steps, nil
}

// follow finds what a path leads to; nil if nothing is there.
func follow(doc json.RawMessage, steps []step) json.RawMessage {
	for _, st := range steps {
		if st.index >= 0 {
			var list []json.RawMessage
			if json.Unmarshal(doc, &list) != nil || st.index >= len(list) {
				return nil
			}
			doc = list[st.index]
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(doc, &fields) != nil {
			return nil
		}
		var ok bool
		if doc, ok = fields[st.field]; !ok {
			return nil
		}
	}
	return doc
}

func newInputPath(text string) (func(*target, []byte) ([]byte, error), error) {
	steps, err := parsePath(text)
	if err != nil {
		return nil, err
	}
	return func(_ *target, event []byte) ([]byte, error) {
		found := follow(event, steps)
		if found == nil {
			return nil, fmt.Errorf("the event has no %s", text)
		}
		return found, nil
	}, nil
}

// newTransformer compiles an InputTransformer. Outside of quotes a variable
// stands for its JSON, inside for its text; a path that leads nowhere gives null
// or nothing.
func newTransformer(paths map[string]string, template string) (func(*target, []byte) ([]byte, error), error) {
	compiled := map[string][]step{}
	for name, text := range paths {
		steps, err := parsePath(text)
		if err != nil {
			return nil, err
		}
		compiled[name] = steps
	}
	value := func(t *target, event []byte, name string) (json.RawMessage, bool) {
		quote := func(s string) json.RawMessage { return json.RawMessage(strconv.Quote(s)) }
		switch name {
		case "aws.events.rule-arn":
			return quote(t.rule.arn), true
		case "aws.events.rule-name":
			return quote(tail(t.rule.arn, "/")), true
		case "aws.events.event.json":
			return event, true
		case "aws.events.event":
			return event, true
		}
		steps, ok := compiled[name]
		return follow(event, steps), ok
	}
	render := func(t *target, event []byte) ([]byte, error) {
		var out bytes.Buffer
		quoted := false
		for i := 0; i < len(template); i++ {
			c := template[i]
			if c == '<' {
				if name, _, ok := strings.Cut(template[i+1:], ">"); ok {
					if v, known := value(t, event, name); known {
						out.Write(placed(v, quoted))
						i += len(name) + 1
						continue
					}
					if strings.HasPrefix(name, "aws.events.") {
						return nil, fmt.Errorf("input transformer: <%s> is not supported", name)
					}
				}
			}
			if c == '\\' && quoted && i+1 < len(template) {
				out.WriteByte(c)
				i++
				c = template[i]
			} else if c == '"' {
				quoted = !quoted
			}
			out.WriteByte(c)
		}
		if !json.Valid(out.Bytes()) {
			return nil, fmt.Errorf("input transformer: the result is not JSON")
		}
		return out.Bytes(), nil
	}
	return render, nil
}

// placed is a variable's value as the template takes it.
func placed(v json.RawMessage, quoted bool) []byte {
	if v == nil {
		if quoted {
			return nil
		}
		return []byte("null")
	}
	if !quoted {
		return v
	}
	var text string
	if json.Unmarshal(v, &text) != nil {
		text = string(v)
	}
	escaped, err := json.Marshal(text)
	if err != nil {
		return nil // a string always marshals
	}
	return escaped[1 : len(escaped)-1]
}

// --- archive and replay ----------------------------------------------------

type archived struct {
	at   time.Time
	text json.RawMessage
}

type archive struct {
	name    string
	bus     *bus
	pattern *pattern.Pattern
	file    string // JSON lines

	mu     sync.Mutex
	events []archived
}

func (a *archive) add(at string, text []byte) error {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, archived{t, text})
	if a.file == "" {
		return nil
	}
	f, err := os.OpenFile(a.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(slices.Clip(text), '\n'))
	return errors.Join(err, f.Close())
}

func (a *archive) read() error {
	if a.file == "" {
		return nil
	}
	f, err := os.Open(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var ev busEvent
		if json.Unmarshal(lines.Bytes(), &ev) != nil {
			continue // the line that a crash cut off
		}
		at, err := time.Parse(time.RFC3339, ev.Time)
		if err != nil {
			return fmt.Errorf("archive %s: %w", a.name, err)
		}
		a.events = append(a.events, archived{at, slices.Clone(lines.Bytes())})
	}
	return lines.Err()
}

// Replay sends the archived events from one time (included) to another
// (excluded) to the archive's bus again, for the rules given by ARN or logical
// id (all for none), and returns how many events it sent. An archive of "" is
// the only one. Replayed events carry replay-name, as on AWS.
func (s *Stack) Replay(name string, from, to time.Time, rules ...string) (int, error) {
	if name == "" && len(s.archives) == 1 {
		name = sortedKeys(s.archives)[0]
	}
	a := s.archives[name]
	if a == nil {
		return 0, fmt.Errorf("replay: there is no archive %q; there are %v", name, sortedKeys(s.archives))
	}
	for _, want := range rules {
		if !slices.ContainsFunc(a.bus.rules, func(r *rule) bool { return r.arn == want || r.id == want }) {
			return 0, fmt.Errorf("replay: the bus %s has no rule %q", a.bus.name, want)
		}
	}
	a.mu.Lock()
	events := slices.Clone(a.events)
	a.mu.Unlock()
	replay := "replay-" + newID()[:8]
	n := 0
	defer s.clock.Begin()()
	for _, e := range events {
		if e.at.Before(from) || !e.at.Before(to) {
			continue
		}
		var ev busEvent
		if err := json.Unmarshal(e.text, &ev); err != nil {
			return n, err
		}
		ev.ReplayName = replay
		text, err := json.Marshal(ev)
		if err != nil {
			return n, err
		}
		n++
		for _, r := range a.bus.rules {
			if (len(rules) == 0 || slices.Contains(rules, r.arn) || slices.Contains(rules, r.id)) && r.enabled && s.matches(r.pattern, text) {
				s.trigger(r, text, ev.Detail)
			}
		}
	}
	return n, nil
}
