package local

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/iam"
)

// queue is an SQS standard queue. Long polling returns at once, and nothing
// expires.
type queue struct {
	id, name, arn string
	policies      []iam.Policy
	visibility    time.Duration
	file          string // where its messages survive a restart; "" for nowhere

	mu       sync.Mutex
	messages []*Message
}

// Message is a message in a queue.
type Message struct {
	ID         string            `json:"id"`
	Body       string            `json:"body"`
	Attributes map[string]string `json:"attributes,omitempty"` // message attributes that are strings
	Sent       time.Time         `json:"sent"`
	Visible    time.Time         `json:"visible"` // received and not deleted: hidden until then
	Receives   int               `json:"receives"`

	receipt string
}

// maxMessage is the most that a message may be (SQS quotas: 1 MiB).
const maxMessage = 1 << 20

func (q *queue) url() string {
	return "https://sqs." + cfn.Region + ".amazonaws.com/" + cfn.Account + "/" + q.name
}

func (q *queue) send(now time.Time, body string, attributes map[string]string, delay time.Duration) error {
	_, err := q.put(now, body, attributes, delay)
	return err
}

func (q *queue) put(now time.Time, body string, attributes map[string]string, delay time.Duration) (*Message, error) {
	if body == "" || len(body) > maxMessage {
		return nil, apiErrorf(http.StatusBadRequest, "InvalidParameterValue", "a message must have 1 to %d bytes, not %d", maxMessage, len(body))
	}
	m := &Message{ID: newID(), Body: body, Attributes: attributes, Sent: now, Visible: now.Add(delay)}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, m)
	return m, q.write()
}

// write saves the queue; the caller holds the lock. The queues of this system
// are short: they hold what failed.
func (q *queue) write() error {
	if q.file == "" {
		return nil
	}
	data, err := json.Marshal(q.messages)
	if err != nil {
		return err
	}
	return writeFile(q.file, data)
}

func (q *queue) read() error {
	if q.file == "" {
		return nil
	}
	data, err := os.ReadFile(q.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, &q.messages)
}

// Messages returns what is in a queue, oldest first; the queue is given by name,
// ARN, URL or logical id.
func (s *Stack) Messages(name string) ([]Message, error) {
	for _, q := range s.queues {
		if name == q.name || name == q.arn || name == q.url() || name == q.id {
			q.mu.Lock()
			defer q.mu.Unlock()
			var out []Message
			for _, m := range q.messages {
				out = append(out, *m)
			}
			return out, nil
		}
	}
	return nil, apiErrorf(http.StatusBadRequest, "QueueDoesNotExist", "there is no queue %s; there are %v", name, sortedKeys(s.queues))
}

// queueFor finds the queue of a call and checks that the caller may: the role's
// policies allow, and no policy of the queue denies.
func (s *Stack) queueFor(p principal, url, action string) (*queue, error) {
	q := s.queues[tail(url, "/")]
	if q == nil {
		// AWS hides whether a queue that one has no rights on exists.
		if err := s.authorize(p, action, arnOf("sqs", tail(url, "/")), nil); err != nil {
			return nil, err
		}
		return nil, apiErrorf(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist: %s", url)
	}
	if err := s.authorize(p, action, q.arn, nil); err != nil {
		return nil, err
	}
	if !p.isOperator() {
		request := iam.Request{Action: action, Resource: q.arn, Principal: "AWS:" + p.role.arn, Context: map[string][]string{"aws:securetransport": {"true"}}}
		if iam.Evaluate(q.policies, request) == iam.Deny {
			err := apiErrorf(http.StatusForbidden, "AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s with an explicit deny in a resource-based policy", p.arn(), action, q.arn)
			s.deny(err.Message)
			return nil, err
		}
	}
	return q, nil
}

func sum(text string) string {
	h := md5.Sum([]byte(text)) // what SQS answers with; no security hangs on it
	return hex.EncodeToString(h[:])
}

func (s *Stack) apiSendMessage(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		QueueUrl, MessageBody string
		DelaySeconds          int
		MessageAttributes     map[string]struct{ DataType, StringValue string }
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	q, err := s.queueFor(p, r.QueueUrl, "sqs:SendMessage")
	if err != nil {
		return nil, err
	}
	var attributes map[string]string
	for name, a := range r.MessageAttributes {
		if a.DataType == "Binary" {
			return nil, apiErrorf(http.StatusBadRequest, "InvalidParameterValue", "binary message attributes are not supported locally")
		}
		if attributes == nil {
			attributes = map[string]string{}
		}
		attributes[name] = a.StringValue
	}
	m, err := q.put(s.clock.Now(), r.MessageBody, attributes, time.Duration(r.DelaySeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	// Billed per 64 KB (SQS pricing page).
	s.count(p, false, "sqs", "SendMessage", map[cost.Unit]float64{cost.Request: float64((len(r.MessageBody) + chunk - 1) / chunk)})
	return map[string]string{"MessageId": m.ID, "MD5OfMessageBody": sum(r.MessageBody)}, nil
}

func (s *Stack) apiReceiveMessage(_ context.Context, p principal, body []byte) (any, error) {
	var r struct {
		QueueUrl            string
		MaxNumberOfMessages int
		VisibilityTimeout   *int
	}
	if err := read(body, &r); err != nil {
		return nil, err
	}
	q, err := s.queueFor(p, r.QueueUrl, "sqs:ReceiveMessage")
	if err != nil {
		return nil, err
	}
	s.count(p, false, "sqs", "ReceiveMessage", map[cost.Unit]float64{cost.Request: 1})
	hide := q.visibility
	if r.VisibilityTimeout != nil {
		hide = time.Duration(*r.VisibilityTimeout) * time.Second
	}
	now := s.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	out := []map[string]any{}
	for _, m := range q.messages {
		if len(out) == max(r.MaxNumberOfMessages, 1) {
			break
		}
		if m.Visible.After(now) {
			continue
		}
		m.Visible, m.receipt = now.Add(hide), newID()
		m.Receives++
		attributes := map[string]any{}
		for name, value := range m.Attributes {
			attributes[name] = map[string]string{"DataType": "String", "StringValue": value}
		}
		out = append(out, map[string]any{"MessageId": m.ID, "ReceiptHandle": m.receipt, "Body": m.Body, "MD5OfBody": sum(m.Body), "MessageAttributes": attributes,
			"Attributes": map[string]string{"SentTimestamp": strconv.FormatInt(m.Sent.UnixMilli(), 10), "ApproximateReceiveCount": strconv.Itoa(m.Receives)}})
	}
	return map[string]any{"Messages": out}, q.write()
}

func (s *Stack) apiDeleteMessage(_ context.Context, p principal, body []byte) (any, error) {
	var r struct{ QueueUrl, ReceiptHandle string }
	if err := read(body, &r); err != nil {
		return nil, err
	}
	q, err := s.queueFor(p, r.QueueUrl, "sqs:DeleteMessage")
	if err != nil {
		return nil, err
	}
	s.count(p, false, "sqs", "DeleteMessage", map[cost.Unit]float64{cost.Request: 1})
	q.mu.Lock()
	defer q.mu.Unlock()
	// An unknown receipt is not an error: the message may be deleted already.
	q.messages = slices.DeleteFunc(q.messages, func(m *Message) bool { return r.ReceiptHandle != "" && m.receipt == r.ReceiptHandle })
	return map[string]string{}, q.write()
}

func (s *Stack) apiQueueAttributes(_ context.Context, p principal, body []byte) (any, error) {
	var r struct{ QueueUrl string }
	if err := read(body, &r); err != nil {
		return nil, err
	}
	q, err := s.queueFor(p, r.QueueUrl, "sqs:GetQueueAttributes")
	if err != nil {
		return nil, err
	}
	s.count(p, false, "sqs", "GetQueueAttributes", map[cost.Unit]float64{cost.Request: 1})
	now := s.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	visible := 0
	for _, m := range q.messages {
		if !m.Visible.After(now) {
			visible++
		}
	}
	return map[string]any{"Attributes": map[string]string{"QueueArn": q.arn, "ApproximateNumberOfMessages": strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(len(q.messages) - visible)}}, nil
}
