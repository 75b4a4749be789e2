package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/contact"
	"github.com/fielder-care/fielder/shared/app/escalate"
	"github.com/fielder-care/fielder/shared/app/invite"
	"github.com/fielder-care/fielder/shared/app/ledger"
	"github.com/fielder-care/fielder/shared/app/lookup"
	"github.com/fielder-care/fielder/shared/app/match"
	"github.com/fielder-care/fielder/shared/app/panel"
	"github.com/fielder-care/fielder/shared/app/poller"
	"github.com/fielder-care/fielder/shared/app/reply"
	"github.com/fielder-care/fielder/shared/app/send"
	"github.com/fielder-care/fielder/shared/app/triage"
	"github.com/fielder-care/fielder/shared/app/validate"
	"github.com/fielder-care/fielder/shared/app/webhook"
	"github.com/fielder-care/fielder/shared/care"
)

// builders are every function of the deployment.
var builders = map[string]func() error{
	"webhook":  func() error { _, err := webhook.New(); return err },
	"poller":   func() error { _, err := poller.New(); return err },
	"triage":   func() error { _, err := triage.New(); return err },
	"match":    func() error { _, err := match.New(); return err },
	"reply":    func() error { _, err := reply.New(); return err },
	"escalate": func() error { _, err := escalate.New(); return err },
	"send":     func() error { _, err := send.New(); return err },
	"invite":   func() error { _, err := invite.New(); return err },
	"contact":  func() error { _, err := contact.New(); return err },
	"lookup":   func() error { _, err := lookup.New(); return err },
	"ledger":   func() error { _, err := ledger.New(); return err },
	"panel":    func() error { _, err := panel.New(); return err },
	"validate": func() error { _, err := validate.New(); return err },
}

// optionalSettings may be empty: without an instance of Amazon Connect there are
// no tasks.
var optionalSettings = map[string][]string{
	"escalate": {"FIELDER_CONNECT_INSTANCE", "FIELDER_CONNECT_FLOW"},
	"contact":  {"FIELDER_CONNECT_INSTANCE", "FIELDER_CONNECT_FLOW"},
}

// everywhere is read by telemetry in every function.
const everywhere = "FIELDER_STAGE"

// clearSettings takes every setting of Fielder out of the environment.
func clearSettings(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "FIELDER_") {
			t.Setenv(name, "") // so that it comes back
			os.Unsetenv(name)
		}
	}
}

var named = regexp.MustCompile(`FIELDER_[A-Z_]+`)

// deployed reads the environment of each function from the template that runs on
// a laptop; the other stages' are made by the same code.
func deployed(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "infra", "testdata", "local.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				FunctionName any
				Environment  struct{ Variables map[string]any }
			}
		}
	}
	if err := json.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range template.Resources {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		name, ok := r.Properties.FunctionName.(string)
		if !ok {
			t.Fatalf("a function without a plain name: %v", r.Properties.FunctionName)
		}
		out[name[strings.LastIndexByte(name, '-')+1:]] = slices.Sorted(maps.Keys(r.Properties.Environment.Variables))
	}
	return out
}

// TestEnvironment: what a function's builder asks for is what the template gives
// it, and nothing besides.
func TestEnvironment(t *testing.T) {
	clearSettings(t)
	given := deployed(t)
	for name, build := range builders {
		t.Run(name, func(t *testing.T) {
			err := build()
			var asked []string
			if err != nil {
				asked = named.FindAllString(err.Error(), -1)
			}
			want := slices.Concat(asked, optionalSettings[name], []string{everywhere})
			slices.Sort(want)
			if got := given[name]; !slices.Equal(want, got) {
				t.Errorf("the function reads %v, the template sets %v", want, got)
			}
		})
		delete(given, name)
	}
	for name := range given {
		t.Errorf("the template has a function %s that nothing builds", name)
	}
}

// TestMissingEnvironmentIsNamed: one setting missing, one setting named.
func TestMissingEnvironmentIsNamed(t *testing.T) {
	for name, settings := range deployed(t) {
		t.Run(name, func(t *testing.T) {
			clearSettings(t)
			for _, s := range settings {
				t.Setenv(s, "app/env/profile")
			}
			if err := builders[name](); err != nil {
				t.Fatalf("with everything set: %v", err)
			}
			for _, s := range settings {
				if s == everywhere || slices.Contains(optionalSettings[name], s) {
					continue
				}
				t.Setenv(s, "")
				want := "the function's environment lacks " + s
				if err := builders[name](); err == nil || err.Error() != want {
					t.Errorf("got %v, want %q", err, want)
				}
				t.Setenv(s, "app/env/profile")
			}
		})
	}
}

// TestEnvironmentIsReadHere: a setting that is read elsewhere, past the check at
// the start, would be missed by the tests above.
func TestEnvironmentIsReadHere(t *testing.T) {
	allowed := map[string][]string{
		"app":       nil, // everything
		"telemetry": {"FIELDER_STAGE"},
		"appconfig": {"FIELDER_CONFIG"}, // in the words of an error
	}
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pkg := filepath.Base(filepath.Dir(path))
		if filepath.Base(filepath.Dir(filepath.Dir(path))) == "app" {
			pkg = "app"
		}
		list, ok := allowed[pkg]
		for _, s := range named.FindAllString(string(raw), -1) {
			if !ok || list != nil && !slices.Contains(list, s) {
				t.Errorf("%s names %s", path, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offset")
	near := func(t *testing.T, got time.Time, offset time.Duration) {
		t.Helper()
		if d := got.Sub(time.Now().Add(offset)).Abs(); d > 5*time.Second {
			t.Errorf("the clock is %s off", d)
		}
	}
	t.Run("OK the wall clock without a file", func(t *testing.T) {
		t.Setenv("FIELDER_CLOCK_FILE", "")
		near(t, app.Clock()(), 0)
	})
	t.Setenv("FIELDER_CLOCK_FILE", file)
	now := app.Clock()
	for _, r := range []struct {
		name, content string
		offset        time.Duration
	}{
		{"OK the file is not there yet", "", 0},
		{"OK ahead", fmt.Sprint(int64(90 * time.Hour)), 90 * time.Hour},
		{"OK it moved", fmt.Sprint(int64(-3*time.Hour)) + "\n", -3 * time.Hour},
		{"OK nonsense is the wall clock", "soon", 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.content != "" {
				if err := os.WriteFile(file, []byte(r.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			near(t, now(), r.offset)
		})
	}
}

// TestOwnerIsUnique: two invocations under one request id (Lambda repeats
// asynchronous ones) must not take each other's claims, even at one moment.
func TestOwnerIsUnique(t *testing.T) {
	still := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	token := app.Owner(func() time.Time { return still })
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				s := token(ctx)
				mu.Lock()
				if seen[s] {
					t.Errorf("%s was given twice", s)
				}
				seen[s] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for s := range seen {
		if !strings.HasPrefix(s, "req-1/") {
			t.Fatalf("%s does not name the invocation", s)
		}
	}
	if len(seen) != 4000 {
		t.Errorf("%d tokens", len(seen))
	}
	if s := token(context.Background()); !strings.HasPrefix(s, "unknown-request/") {
		t.Errorf("outside of Lambda: %s", s)
	}
}

func TestLazy(t *testing.T) {
	var l app.Lazy[int]
	calls := 0
	build := func() (int, error) {
		if calls++; calls == 1 {
			return 7, errors.New("not yet")
		}
		return calls, nil
	}
	for i, want := range []struct {
		value int
		fails bool
	}{{0, true}, {2, false}, {2, false}} {
		if got, err := l.Get(build); got != want.value || (err != nil) != want.fails {
			t.Errorf("try %d: %d, %v; want %d", i, got, err, want.value)
		}
	}
}

func TestUnavailable(t *testing.T) {
	for _, r := range []struct {
		name string
		err  error
		want care.Code
	}{
		{"ErrDenied", &smithy.GenericAPIError{Code: "AccessDeniedException"}, care.Denied},
		{"ErrNotFound", &smithy.GenericAPIError{Code: "ResourceNotFoundException"}, care.NotFound},
		{"ErrThrottled", &smithy.GenericAPIError{Code: "ThrottlingException"}, care.Throttled},
		{"ErrThrottled too many", &smithy.GenericAPIError{Code: "TooManyRequestsException"}, care.Throttled},
		{"ErrThrottled throughput", &smithy.GenericAPIError{Code: "ProvisionedThroughputExceededException"}, care.Throttled},
		{"ErrUnavailable", &smithy.GenericAPIError{Code: "InternalServerError"}, care.Unavailable},
		{"ErrUnavailable network", errors.New("connection reset"), care.Unavailable},
		{"ours is kept", care.Errorf(care.Conflict, "x"), care.Conflict},
		{"ours is kept inside", fmt.Errorf("y: %w", care.Errorf(care.Busy, "x")), care.Busy},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := app.Unavailable("op", r.err); care.CodeOf(got) != r.want || !errors.Is(got, r.err) {
				t.Errorf("got %v", got)
			}
		})
	}
	if app.Unavailable("op", nil) != nil {
		t.Error("no error became one")
	}
}

// TestWebhookRefusesWithoutAWS: what needs no AWS answers without it; what does
// need it asks the platform to come again.
func TestWebhookWithoutAWS(t *testing.T) {
	clearSettings(t)
	for _, s := range deployed(t)["webhook"] {
		t.Setenv(s, "app/env/profile")
	}
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	h, err := webhook.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name, method, path string
		want               int
	}{
		{"OK health", "GET", "/health", http.StatusOK},
		{"ErrNotFound", "GET", "/webhooks/myspace", http.StatusNotFound},
		{"ErrMethod", "PUT", "/webhooks/x", http.StatusMethodNotAllowed},
		{"ErrInvalid no token", "GET", "/webhooks/x", http.StatusBadRequest},
		{"ErrUnavailable no secrets for a check", "GET", "/webhooks/x?crc_token=1", http.StatusServiceUnavailable},
		{"ErrUnavailable no secrets for a post", "POST", "/webhooks/meta", http.StatusServiceUnavailable},
	} {
		t.Run(r.name, func(t *testing.T) {
			path, query, _ := strings.Cut(r.path, "?")
			req := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, Body: "{}"}
			req.RequestContext.HTTP.Method, req.RequestContext.HTTP.Path = r.method, path
			res, err := h(t.Context(), req)
			if err != nil || res.StatusCode != r.want {
				t.Errorf("got %d %s, %v; want %d", res.StatusCode, res.Body, err, r.want)
			}
			if strings.Contains(res.Body, "credentials") {
				t.Errorf("the answer tells of our inside: %s", res.Body)
			}
		})
	}
}
