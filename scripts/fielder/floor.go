package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/shared/care"
)

// newStandin makes the platforms' and Amazon Connect's stand-ins, joined to the
// stack by what Connect itself would do: contact events onto the default bus,
// and a contact flow that asks the lookup function.
func (w *world) newStandin(o worldOptions) *standin.Standin {
	return standin.New(standin.Options{
		Clock: o.clock.Now, Sleep: o.clock.Sleep, Begin: o.clock.Begin, BaseURL: w.pages, Unlimited: o.unlimited || o.faults == nil && o.clock.IsStepped(),
		Fault: func(point, key string) standin.Fault {
			f, hit := o.faults.At(point, key, faults.Throttle, faults.Error, faults.Lost)
			if !hit {
				return standin.NoFault
			}
			return standin.Fault(f.Kind)
		},
		Accounts: map[string]standin.Account{
			"x":         {ID: "7001001", Handle: "VeloriaCare", Name: "Veloria Care", Token: localToken(care.X)},
			"facebook":  {ID: "7002001", Handle: "veloria", Name: "Veloria", Token: localToken(care.Facebook)},
			"instagram": {ID: "7003001", Handle: "veloria.care", Name: "Veloria", Token: localToken(care.Instagram)},
			"mastodon":  {ID: "7004001", Handle: "care", Name: "Veloria Care", Token: localToken(care.Mastodon)},
			"bluesky": {ID: "did:plc:veloriacare000000000000", Handle: "care.veloria.example", Name: "Veloria Care",
				Identifier: "care.veloria.example", Password: localPassword},
		},
		Connect: standin.ConnectOptions{
			InstanceID: localInstance, AccountID: cfn.Account, Region: cfn.Region,
			Flows:        map[string]string{localFlow: "care-general"},
			Emit:         w.emit,
			InvokeLookup: w.invokeLookup,
		},
	})
}

// The Amazon Connect instance and flow of stage local, as in its template
// (infra/connect.go).
const (
	localInstance = "10ca1000-0000-4000-8000-000000000001"
	localFlow     = "10ca1000-0000-4000-8000-000000000002"
)

// emit puts a contact event on the default bus and tells the agents.
func (w *world) emit(raw json.RawMessage) {
	var env events.Envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		panic("stand-in: contact event: " + err.Error())
	}
	if w.stack == nil {
		return // before the stack is up nobody calls
	}
	if err := w.stack.Emit(env.Source, env.DetailType, env.Resources, env.Detail); err != nil {
		w.note("contact event: %v", err)
	}
	if w.agents != nil {
		w.agents.hear(env)
	}
}

// invokeLookup runs the lookup function as a contact flow does.
func (w *world) invokeLookup(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	url := w.stack.URL() + "/2015-03-31/functions/" + stackName + "-lookup/invocations"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+w.stack.OperatorKey()+"/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=operator")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Amz-Function-Error") != "" {
		return nil, fmt.Errorf("lookup: status %d: %s", res.StatusCode, body)
	}
	var line map[string]string
	if err := json.Unmarshal(body, &line); err != nil {
		return nil, errors.New("lookup's answer is not a flat map of strings")
	}
	w.mu.Lock()
	w.lookups = append(w.lookups, line)
	w.mu.Unlock()
	return body, nil
}

// agents are the people on the floor of a demo: they take tasks after a while
// and finish them after some work; where a draft waits for them they approve it.
// One task in eleven lies longer than its service level, so that warning, breach
// and fallback are seen.
type agents struct {
	w        *world
	mu       sync.Mutex
	names    []string
	seen     map[string]bool
	taken    int
	approved int // drafts that went out
}

func newAgents(w *world) *agents {
	return &agents{w: w, names: []string{"ana", "jon", "lea"}, seen: map[string]bool{}}
}

// hear reacts to a contact event: a task that is queued gets an agent later.
func (a *agents) hear(env events.Envelope) {
	var d struct {
		EventType string `json:"eventType"`
		ContactID string `json:"contactId"`
		Channel   string `json:"channel"`
	}
	if json.Unmarshal(env.Detail, &d) != nil || d.EventType != "QUEUED" || d.Channel != "TASK" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen[d.ContactID] {
		return
	}
	a.seen[d.ContactID] = true
	post, step, priority := a.w.task(d.ContactID)
	h := fnv.New32a()
	io.WriteString(h, post)
	n := h.Sum32()
	wait, work := time.Duration(3+n%19)*time.Minute, time.Duration(4+n%9)*time.Minute
	switch {
	case priority >= 60:
		wait = 2 * time.Minute // what is urgent is taken first
	case n%11 == 0 && step == 0:
		wait = 9 * time.Hour // everybody is busy: the clock runs out
	}
	name := a.names[int(n)%len(a.names)]
	clock := a.w.stack.Clock()
	clock.AfterFunc(wait, func() {
		if a.w.standin.AnswerTask(d.ContactID, name) != nil {
			return // it moved to another queue meanwhile
		}
		a.mu.Lock()
		a.taken++
		a.mu.Unlock()
		clock.AfterFunc(work, func() {
			end := clock.Begin()
			go func() {
				defer end()
				if !a.approve(care.PostID(post), name) { // sending what was drafted ends the task, too
					_ = a.w.standin.FinishTask(d.ContactID)
				}
			}()
		})
	})
}

// approve sends the draft that waits for an agent's word on the post, as it was
// proposed; false when none does, or when it did not go out.
func (a *agents) approve(post care.PostID, name string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if draft, err := a.w.table.Draft(ctx, post); err != nil || draft.Status != care.DraftPending {
		return false
	}
	token, _, err := a.w.stack.Token(name, []string{"agent"})
	if err != nil {
		return false
	}
	seen, err := panelAPI{a.w.stack.URL(), token}.settle(ctx, post, "approve", map[string]any{})
	if err != nil || seen.Status != care.DraftSent {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.approved++
	return true
}

// task tells the post that a contact is about, after how many fallbacks, and how
// urgent it is.
func (w *world) task(contact string) (post string, step int, priority float64) {
	for _, c := range w.standin.Contacts() {
		if c.ID == contact {
			if i := strings.LastIndexByte(c.Token, '-'); i >= 0 {
				fmt.Sscan(c.Token[i+1:], &step)
			}
			fmt.Sscan(c.Attributes["fielder_priority"], &priority)
			return c.Attributes["fielder_post"], step, priority
		}
	}
	return contact, 0, 0
}
