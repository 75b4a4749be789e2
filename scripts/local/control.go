package local

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cost"
)

// The control API, for the command line and the curious; all answers are JSON.
//
//	GET  /_fielder/status                       address, time, work in flight
//	GET  /_fielder/resources                    the template's resources
//	GET  /_fielder/outputs                      the template's outputs
//	GET  /_fielder/logs?function=&contains=     log lines of functions
//	GET  /_fielder/executions?machine=&status=  executions, without histories
//	GET  /_fielder/execution?arn=               one, with its history
//	GET  /_fielder/queue?name=                  messages of a queue
//	GET  /_fielder/calls?posts=                 AWS calls, and the bill for a number of posts
//	GET  /_fielder/denials                      what IAM refused
//	GET  /_fielder/clock                        time, offset, next timer
//	GET  /_fielder/faults                       injected faults
//	GET  /_fielder/<name>                       what Tell was given
//	POST /_fielder/replay                       {"archive","from","to","rules":[]}
//	POST /_fielder/token                        {"name","groups":[]}: a token for the API's JWT routes
//	POST /_fielder/idle                         waits until nothing is in flight
func (s *Stack) serveControl(w http.ResponseWriter, r *http.Request) {
	reply := func(v any, err error) {
		status := http.StatusOK
		if err != nil {
			status, v = http.StatusBadRequest, map[string]string{"error": err.Error()}
		}
		body, err := json.Marshal(v)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n'))
	}
	q := r.URL.Query()
	switch r.Method + " " + r.URL.Path {
	case "GET /_fielder/status":
		reply(map[string]any{"url": s.url, "started": s.started, "now": s.clock.Now(), "inFlight": s.clock.Busy(),
			"functions": len(s.functions), "workflows": len(s.machines), "rules": s.countRules(), "schedules": len(s.schedules)}, nil)
	case "GET /_fielder/resources":
		reply(s.Resources(), nil)
	case "GET /_fielder/outputs":
		out, err := s.Outputs()
		reply(out, err)
	case "GET /_fielder/logs":
		reply(emptyNotNull(s.Logs(q.Get("function"), q.Get("contains"))), nil)
	case "GET /_fielder/executions":
		var out []Execution
		for _, e := range s.Executions(q.Get("machine")) {
			if status := q.Get("status"); status == "" || status == e.Status {
				out = append(out, e)
			}
		}
		reply(emptyNotNull(out), nil)
	case "GET /_fielder/execution":
		e, err := s.Execution(q.Get("arn"))
		reply(map[string]any{"execution": e, "history": e.History}, err)
	case "GET /_fielder/queue":
		m, err := s.Messages(q.Get("name"))
		reply(emptyNotNull(m), err)
	case "GET /_fielder/calls":
		posts, err := strconv.Atoi("0" + q.Get("posts"))
		lines := s.Calls()
		reply(map[string]any{"calls": lines, "bill": cost.Cost(lines, posts), "prices": cost.Prices}, err)
	case "GET /_fielder/denials":
		reply(s.Denials(), nil)
	case "GET /_fielder/clock":
		now := s.clock.Now()
		out := map[string]any{"now": now, "stepped": s.clock.IsStepped(), "offset": time.Until(now).Round(time.Millisecond).String(), "inFlight": s.clock.Busy()}
		if next, ok := s.clock.Next(); ok {
			out["nextTimer"] = next
		}
		reply(out, nil)
	case "GET /_fielder/faults":
		reply(s.o.Faults.Report(), nil)
	case "POST /_fielder/replay":
		var in struct {
			Archive  string
			From, To time.Time
			Rules    []string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			reply(nil, err)
			return
		}
		n, err := s.Replay(in.Archive, in.From, in.To, in.Rules...)
		reply(map[string]int{"events": n}, err)
	case "POST /_fielder/token":
		var in struct {
			Name   string
			Groups []string
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
			reply(nil, err)
			return
		}
		token, expires, err := s.Token(in.Name, in.Groups)
		reply(map[string]any{"token": token, "expires": expires}, err)
	case "POST /_fielder/idle":
		reply(map[string]bool{"idle": true}, s.Idle(r.Context()))
	default:
		s.mu.Lock()
		f := s.told[strings.TrimPrefix(r.URL.Path, "/_fielder/")]
		s.mu.Unlock()
		if f != nil && r.Method == http.MethodGet {
			reply(f(), nil)
			return
		}
		http.Error(w, `{"error":"the control API does not know `+r.Method+` this path"}`, http.StatusNotFound)
	}
}

func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
