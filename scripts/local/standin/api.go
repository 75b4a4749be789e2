package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds a request: no text that any platform takes comes near it.
const maxBody = 1 << 20

// request is one API request, its body read.
type request struct {
	*http.Request
	query url.Values
	body  map[string]any // JSON object, or form fields
	raw   []byte
}

// param reads a field from the body, else from the query.
func (r *request) param(name string) string {
	if v, ok := r.body[name]; ok {
		return str(v)
	}
	return r.query.Get(name)
}

func (r *request) bearer() string {
	t, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return t
}

func (r *request) writes() bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

// answer is what a handler answers; body is encoded as JSON, nil is empty.
type answer struct {
	status int
	header http.Header
	body   any
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func (a answer) with(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	// As it is on the wire, not in Go's spelling.
	a.header[name] = []string{value}
	return a
}

// surface is one platform's API: how it says no, and to whom it listens.
type surface struct {
	point string
	// allow checks the caller; a zero status means welcome. It runs under the lock.
	allow func(*request) answer
	// refuse makes the answers to throttled and failed requests.
	refuse func(Fault) answer
}

// api serves one operation: the fault first, then the caller, then the work,
// which runs under the lock.
func (s *Standin) api(on surface, pattern string, work func(*request) answer) {
	s.mux.Handle(pattern, s.serve(on, work))
}

func (s *Standin) serve(on surface, work func(*request) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, status := readRequest(w, r)
		if status != 0 {
			http.Error(w, http.StatusText(status), status)
			return
		}
		fault := NoFault
		if s.opt.Fault != nil {
			fault = s.opt.Fault(on.point, requestKey(q))
		}
		if fault == Throttle || fault == Failure {
			reply(w, on.refuse(fault))
			return
		}
		a := func() answer {
			s.mu.Lock()
			defer s.mu.Unlock()
			if no := on.allow(q); no.status != 0 {
				return no
			}
			return work(q)
		}()
		if fault == Lost {
			// The connection ends without an answer; net/http knows this panic.
			panic(http.ErrAbortHandler)
		}
		reply(w, a)
	})
}

func readRequest(w http.ResponseWriter, r *http.Request) (*request, int) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, http.StatusRequestEntityTooLarge
	}
	q := &request{Request: r, query: r.URL.Query(), raw: data}
	if len(data) == 0 {
		return q, 0
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(data))
		if err != nil {
			return nil, http.StatusBadRequest
		}
		q.body = map[string]any{}
		for name, values := range form {
			q.body[name] = values[0]
		}
		return q, 0
	}
	v, err := readJSON(data)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	q.body = object(v)
	return q, 0
}

// requestKey names a request by what it asks, so that its tries share a name.
func requestKey(q *request) string {
	h := sha256.New()
	io.WriteString(h, q.Method+" "+q.URL.RequestURI()+"\n")
	h.Write(q.raw)
	return q.Method + " " + q.URL.Path + " " + hex.EncodeToString(h.Sum(nil)[:8])
}

func reply(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(a.status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// The answer is on its way: an error here is the caller's connection.
	_ = e.Encode(a.body)
}

type m = map[string]any
