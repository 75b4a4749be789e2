package local

import (
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Date(2026, 3, 2, 9, 30, 20, 0, time.UTC) // a Monday
	goods := []struct {
		text string
		zone *time.Location
		want string // RFC 3339 in UTC; "" for never again
	}{
		{"rate(1 minute)", time.UTC, "2026-03-02T09:31:20Z"},
		{"rate(5 minutes)", time.UTC, "2026-03-02T09:35:20Z"},
		{"rate(2 hours)", time.UTC, "2026-03-02T11:30:20Z"},
		{"rate(1 day)", time.UTC, "2026-03-03T09:30:20Z"},
		{"at(2026-03-02T10:00:00)", time.UTC, "2026-03-02T10:00:00Z"},
		{"at(2026-03-02T10:00:00)", madrid, ""}, // 09:00 UTC, gone
		{"cron(0/15 * * * ? *)", time.UTC, "2026-03-02T09:45:00Z"},
		{"cron(0 8 * * ? *)", time.UTC, "2026-03-03T08:00:00Z"},
		{"cron(0 11 * * ? *)", madrid, "2026-03-02T10:00:00Z"},
		{"cron(0 9 ? * MON-FRI *)", time.UTC, "2026-03-03T09:00:00Z"},
		{"cron(0 9 ? * 1 *)", time.UTC, "2026-03-08T09:00:00Z"}, // 1 is Sunday
		{"cron(30 9 31 JAN,MAR ? *)", time.UTC, "2026-03-31T09:30:00Z"},
		{"cron(0 0 29 2 ? *)", time.UTC, "2028-02-29T00:00:00Z"},
		{"cron(0 0 1 1 ? 2027)", time.UTC, "2027-01-01T00:00:00Z"},
		{"cron(0 0 1 1 ? 2020)", time.UTC, ""},
	}
	for _, c := range goods {
		t.Run(c.text, func(t *testing.T) {
			next, err := parseSchedule(c.text, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := next(after)
			text := ""
			if ok {
				text = got.UTC().Format(time.RFC3339)
			}
			if text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
	for _, bad := range []string{"", "rate()", "rate(0 minutes)", "rate(1 week)", "cron(* * * * *)", "cron(0 9 * * * *)", "cron(0 9 ? * ? *)", "cron(60 9 * * ? *)",
		"cron(0 9 L * ? *)", "cron(0 9 ? * 2#1 *)", "cron(0/0 9 * * ? *)", "at(tomorrow)", "every(1 minute)"} {
		if _, err := parseSchedule(bad, time.UTC); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestInputs(t *testing.T) {
	event := []byte(`{"detail-type":"Good","source":"s","detail":{"name":"A \"quoted\" é","n":1.50,"list":[{"x":"y"}],"deep":{"a-b":true},"none":null}}`)
	on := &target{rule: &rule{arn: "arn:aws:events:us-east-1:000000000000:rule/bus/r"}}
	goods := []struct {
		name, template string
		paths          map[string]string
		want           string
	}{
		{"an object outside of quotes", `{"d":<d>}`, map[string]string{"d": "$.detail.deep"}, `{"d":{"a-b":true}}`},
		{"a string outside of quotes", `{"d":<d>}`, map[string]string{"d": "$.detail.name"}, `{"d":"A \"quoted\" é"}`},
		{"a string inside of quotes", `{"d":"<d>!"}`, map[string]string{"d": "$.detail.name"}, `{"d":"A \"quoted\" é!"}`},
		{"a number keeps its digits", `{"d":<d>}`, map[string]string{"d": "$.detail.n"}, `{"d":1.50}`},
		{"an object inside of quotes", `{"d":"<d>"}`, map[string]string{"d": "$.detail.deep"}, `{"d":"{\"a-b\":true}"}`},
		{"an index and brackets", `<d>`, map[string]string{"d": "$['detail'].list[0].x"}, `"y"`},
		{"a field with a dash", `{"k":<k>}`, map[string]string{"k": "$.detail-type"}, `{"k":"Good"}`},
		{"nothing there", `{"a":<a>,"b":"<a>"}`, map[string]string{"a": "$.detail.absent.more"}, `{"a":null,"b":""}`},
		{"the rule", `{"r":<aws.events.rule-name>,"a":"<aws.events.rule-arn>"}`, nil, `{"r":"r","a":"arn:aws:events:us-east-1:000000000000:rule/bus/r"}`},
		{"not a variable", `{"a":"1 <2> 3"}`, nil, `{"a":"1 <2> 3"}`},
		{"an escaped quote in the template", `{"a":"\"<d>\""}`, map[string]string{"d": "$.source"}, `{"a":"\"s\""}`},
	}
	for _, c := range goods {
		t.Run(c.name, func(t *testing.T) {
			render, err := newTransformer(c.paths, c.template)
			if err != nil {
				t.Fatal(err)
			}
			got, err := render(on, event)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	for _, bad := range []string{"detail", "$.a[*]", "$..a", "$.a[?(@.b)]", "$.a[-1]", "$.a['b", "$.", "$x"} {
		if _, err := newInputPath(bad); err == nil {
			t.Errorf("the path %q was accepted", bad)
		}
	}
	for name, template := range map[string]string{"not JSON": `{"a":`, "an unknown service variable": `{"a":<aws.events.unknown>}`} {
		render, err := newTransformer(nil, template)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := render(on, event); err == nil {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// The most specific route wins, whatever the order they are written in.
func TestRouteSelection(t *testing.T) {
	keys := []string{"$default", "ANY /{proxy+}", "ANY /pets/{id}", "GET /pets/{id}", "GET /pets/dog/1", "POST /pets/{proxy+}"}
	for turn := range keys {
		a := &httpAPI{}
		for i := range keys {
			a.add(&route{key: keys[(i+turn)%len(keys)]})
		}
		for request, want := range map[string]string{
			"GET /pets/dog/1": "GET /pets/dog/1", // AWS's own example, "Routing API requests"
			"GET /pets/7":     "GET /pets/{id}",
			"PUT /pets/7":     "ANY /pets/{id}",
			"POST /pets/a/b":  "POST /pets/{proxy+}",
			"GET /other/x":    "ANY /{proxy+}",
			"GET /":           "$default", // a greedy variable stands for at least one segment
		} {
			method, path, _ := strings.Cut(request, " ")
			got, _ := a.find(method, path)
			if got == nil || got.key != want {
				t.Errorf("%s: got %+v, want %s", request, got, want)
			}
		}
	}
	a := &httpAPI{}
	a.add(&route{key: "GET /only"})
	if got, _ := a.find("GET", "/only/more"); got != nil {
		t.Errorf("got %s", got.key)
	}
}
