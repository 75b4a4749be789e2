package drafts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fielder-care/fielder/shared/care"
)

// described is the API's document.
type described struct {
	raw   any
	Paths map[string]map[string]struct {
		Responses map[string]struct{ Headers map[string]any }
	}
}

func describe(t testing.TB) described {
	t.Helper()
	b, err := os.ReadFile("../../events/panel.openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var d described
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return d
}

// schema compiles a schema of the document; its dialect is JSON Schema 2020-12,
// says OpenAPI 3.1.
func (d described) schema(t testing.TB, pointer string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("panel.json", d.raw); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("panel.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var ana = Agent{ID: "sub-1", Name: "ana", Groups: []string{"agent"}}

// ask sends a request to the API and holds the answer against the document.
func ask(t testing.TB, o *office, who Agent, method, path, match, body string) (int, map[string]any, http.Header) {
	t.Helper()
	h := Handler(o.desk(), func(context.Context) (Agent, error) { return who, nil })
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, path, w.Code, w.Body, err)
	}
	template := "/panel/drafts"
	if rest := strings.Split(strings.TrimPrefix(strings.Split(path, "?")[0], template), "/"); len(rest) > 1 {
		template += "/{id}" + strings.TrimSuffix("/"+strings.Join(rest[2:], "/"), "/")
	}
	d := describe(t)
	operation, ok := d.Paths[template][strings.ToLower(method)]
	if !ok {
		t.Fatalf("%s %s is not described", method, template)
	}
	response, ok := operation.Responses[fmt.Sprint(w.Code)]
	if !ok {
		t.Fatalf("%s %s answers %d, which is not described: %s", method, path, w.Code, w.Body)
	}
	pointer := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(template) + "/" + strings.ToLower(method) + "/responses/" + fmt.Sprint(w.Code) + "/content/application~1json/schema"
	if err := d.schema(t, pointer).Validate(answer); err != nil {
		t.Errorf("%s %s: %d %s breaks its schema: %v", method, path, w.Code, w.Body, err)
	}
	if _, promised := response.Headers["ETag"]; promised != (w.Header().Get("ETag") != "") {
		t.Errorf("%s %s: ETag %q, promised %v", method, path, w.Header().Get("ETag"), promised)
	}
	return w.Code, answer.(map[string]any), w.Header()
}

// TestRoutesAreDescribed: the handler answers every path and method that the
// document names, and no other.
func TestRoutesAreDescribed(t *testing.T) {
	var want []string
	for path, methods := range describe(t).Paths {
		for method := range methods {
			want = append(want, strings.ToUpper(method)+" "+path)
		}
	}
	sort.Strings(want)
	var got []string
	h := Handler(newOffice().desk(), func(context.Context) (Agent, error) { return Agent{}, nil })
	for _, path := range []string{"/panel", "/panel/drafts", "/panel/drafts/{id}", "/panel/drafts/{id}/approve", "/panel/drafts/{id}/reject", "/panel/drafts/{id}/send"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, strings.ReplaceAll(path, "{id}", "eDox"), nil))
			if w.Code == http.StatusUnauthorized { // it got as far as asking who that is
				got = append(got, method+" "+path)
			}
		}
	}
	sort.Strings(got)
	if !slices.Equal(got, want) {
		t.Errorf("the handler has %v, the document %v", got, want)
	}
}

func TestAPI(t *testing.T) {
	o := newOffice()
	o.propose(t, "1")
	status, page, _ := ask(t, o, ana, "GET", "/panel/drafts?queue=billing&platform=x", "", "")
	list := page["drafts"].([]any)
	if status != 200 || len(list) != 1 {
		t.Fatalf("%d %v", status, page)
	}
	id := list[0].(map[string]any)["id"].(string)
	status, draft, header := ask(t, o, ana, "GET", "/panel/drafts/"+id, "", "")
	if to := draft["to"].(map[string]any); status != 200 || to["text"] != "where is my refund?" || to["author"] != "Bill @bill_reads" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %v", status, draft, header)
	}
	tag := header.Get("ETag")
	status, draft, _ = ask(t, o, ana, "POST", "/panel/drafts/"+id+"/approve", tag, `{"text":"Your refund went out today."}`)
	if status != 200 || draft["status"] != "sent" || fmt.Sprint(o.said) != "[x:1 Your refund went out today.]" {
		t.Errorf("%d %v, said %v", status, draft, o.said)
	}
	if status, _, _ := ask(t, o, ana, "GET", "/panel/drafts", "", ""); status != 200 {
		t.Errorf("%d", status)
	}
}

func TestAPIRefuses(t *testing.T) {
	id := ID("x:1")
	rows := []struct {
		name, method, path, match, body string
		who                             Agent
		status                          int
		code                            string
		prepare                         func(*office)
	}{
		{"nobody", "GET", "/panel/drafts", "", "", Agent{Groups: []string{"agent"}}, 401, "unauthorized", nil},
		{"no group", "GET", "/panel/drafts", "", "", Agent{ID: "s", Name: "eve"}, 403, "forbidden", nil},
		{"another group", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "", Agent{ID: "s", Name: "eve", Groups: []string{"agents", "marketing"}}, 403, "forbidden", nil},
		{"platform", "GET", "/panel/drafts?platform=icq", "", "", ana, 400, "malformed", nil},
		{"cursor", "GET", "/panel/drafts?cursor=%25", "", "", ana, 400, "malformed", nil},
		{"id", "GET", "/panel/drafts/x:1", "", "", ana, 400, "malformed", nil},
		{"id without a platform", "GET", "/panel/drafts/" + ID("1"), "", "", ana, 400, "malformed", nil},
		{"no draft", "GET", "/panel/drafts/" + ID("x:9"), "", "", ana, 404, "not-found", nil},
		{"no If-Match", "POST", "/panel/drafts/" + id + "/approve", "", "", ana, 428, "if-match-missing", nil},
		{"If-Match of others", "POST", "/panel/drafts/" + id + "/approve", "*", "", ana, 400, "malformed", nil},
		{"stale", "POST", "/panel/drafts/" + id + "/approve", `"2"`, "", ana, 412, "stale", nil},
		{"not JSON", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "text", ana, 400, "malformed", nil},
		{"two objects", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "{}{}", ana, 400, "malformed", nil},
		{"unknown field", "POST", "/panel/drafts/" + id + "/approve", `"1"`, `{"txt":"x"}`, ana, 400, "malformed", nil},
		{"too large", "POST", "/panel/drafts/" + id + "/approve", `"1"`, `{"text":"` + strings.Repeat("x", maxRequest) + `"}`, ana, 400, "malformed", nil},
		{"too long", "POST", "/panel/drafts/" + id + "/approve", `"1"`, `{"text":"` + strings.Repeat("x", 281) + `"}`, ana, 422, "unsuitable", nil},
		{"too late", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "", ana, 409, "conflict", func(o *office) { o.now = noon.Add(3 * time.Hour) }},
		{"no reason", "POST", "/panel/drafts/" + id + "/reject", `"1"`, "{}", ana, 422, "unsuitable", nil},
		{"not finished", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "", ana, 503, "unfinished", func(o *office) {
			o.next = append(o.next, func() (Result, bool, error) { return Result{}, true, care.Errorf(care.Unknown, "no answer") })
		}},
		{"a defect", "POST", "/panel/drafts/" + id + "/approve", `"1"`, "", ana, 500, "internal", func(o *office) {
			o.next = append(o.next, func() (Result, bool, error) { return Result{}, false, care.Errorf(care.Denied, "no grant") })
		}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := newOffice()
			o.propose(t, "1")
			if r.prepare != nil {
				r.prepare(o)
			}
			status, problem, header := ask(t, o, r.who, r.method, r.path, r.match, r.body)
			if status != r.status || problem["code"] != r.code {
				t.Errorf("%d %v, want %d %s", status, problem, r.status, r.code)
			}
			if (header.Get("Retry-After") != "") != (status == 503) {
				t.Errorf("Retry-After %q", header.Get("Retry-After"))
			}
		})
	}
}

// TestAudit: reads and writes leave a line with who and which post, and none
// holds a word of what was said, a name or a handle.
func TestAudit(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	o := newOffice()
	o.propose(t, "1")
	id := ID("x:1")
	ask(t, o, ana, "GET", "/panel/drafts", "", "")
	ask(t, o, ana, "GET", "/panel/drafts/"+id, "", "")
	ask(t, o, Agent{ID: "sub-9", Name: "eve"}, "GET", "/panel/drafts/"+id, "", "")
	ask(t, o, ana, "POST", "/panel/drafts/"+id+"/reject", `"1"`, `{"reason":"Bill is angry."}`)
	ask(t, o, ana, "POST", "/panel/drafts/"+id+"/approve", `"1"`, ``)
	var did []string
	for line := range strings.Lines(log.String()) {
		var l struct {
			Msg, Agent, Did string
			PostIds         []string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Msg == "audit" {
			did = append(did, l.Agent+" "+l.Did+" "+strings.Join(l.PostIds, ","))
		}
	}
	want := "sub-1 list x:1; sub-1 read x:1; sub-9 denied ; sub-1 reject rejected x:1; sub-1 approve Conflict x:1"
	if got := strings.Join(did, "; "); got != want {
		t.Errorf("audit %s\nwant  %s", got, want)
	}
	for _, word := range []string{"refund is", "Bill", "bill_reads", "angry", "\"ana\""} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log says %q: %s", word, log.String())
		}
	}
}

func FuzzAPI(f *testing.F) {
	f.Add("POST", ID("x:1"), "approve", `"1"`, `{"text":"x"}`)
	f.Add("GET", "", "", "", "")
	f.Add("POST", "%2e%2e", "reject", `W/"1"`, `{"reason":"no"}`)
	f.Fuzz(func(t *testing.T, method, id, do, match, body string) {
		r, err := http.NewRequest(method, "https://api.example/panel/drafts/"+id+"/"+do, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header["If-Match"] = []string{match}
		o := newOffice()
		o.propose(t, "1")
		w := httptest.NewRecorder()
		Handler(o.desk(), func(context.Context) (Agent, error) { return ana, nil }).ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
