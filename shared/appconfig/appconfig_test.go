package appconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// fake is AppConfig as two functions.
type fake struct {
	start func(app, env, profile string) (string, error)
	get   func(token string) (next string, content []byte, label string, err error)
	every int32 // NextPollIntervalInSeconds
}

func (f fake) StartConfigurationSession(_ context.Context, in *appconfigdata.StartConfigurationSessionInput, _ ...func(*appconfigdata.Options)) (*appconfigdata.StartConfigurationSessionOutput, error) {
	token, err := f.start(aws.ToString(in.ApplicationIdentifier), aws.ToString(in.EnvironmentIdentifier), aws.ToString(in.ConfigurationProfileIdentifier))
	if err != nil {
		return nil, err
	}
	return &appconfigdata.StartConfigurationSessionOutput{InitialConfigurationToken: aws.String(token)}, nil
}

func (f fake) GetLatestConfiguration(_ context.Context, in *appconfigdata.GetLatestConfigurationInput, _ ...func(*appconfigdata.Options)) (*appconfigdata.GetLatestConfigurationOutput, error) {
	next, content, label, err := f.get(aws.ToString(in.ConfigurationToken))
	if err != nil {
		return nil, err
	}
	out := &appconfigdata.GetLatestConfigurationOutput{NextPollConfigurationToken: aws.String(next), Configuration: content, NextPollIntervalInSeconds: f.every}
	if label != "" {
		out.VersionLabel = aws.String(label)
	}
	return out, nil
}

// service behaves as AppConfig does: a token serves once, and content comes only
// when the session has not seen it (AppConfig docs, GetLatestConfiguration).
type service struct {
	content         []byte
	label           string
	down            bool
	lose            bool // the answer gets lost on the way; the token is spent
	every           int32
	starts, gets, n int
	valid           map[string]string // token: version seen
}

func (s *service) fake() fake {
	s.valid = map[string]string{}
	issue := func(seen string) string {
		s.n++
		token := fmt.Sprint("t", s.n)
		s.valid[token] = seen
		return token
	}
	return fake{
		every: s.every,
		start: func(app, env, profile string) (string, error) {
			s.starts++
			if app != "app" || env != "env" || profile != "prof" {
				return "", fmt.Errorf("started with %s, %s, %s", app, env, profile)
			}
			if s.down {
				return "", errors.New("down")
			}
			return issue(""), nil
		},
		get: func(token string) (string, []byte, string, error) {
			s.gets++
			seen, ok := s.valid[token]
			if !ok {
				return "", nil, "", errors.New("BadRequestException: token was used")
			}
			if s.down {
				return "", nil, "", errors.New("down")
			}
			delete(s.valid, token)
			if s.lose {
				return "", nil, "", errors.New("i/o timeout")
			}
			if seen == s.label {
				return issue(seen), nil, "", nil
			}
			return issue(s.label), s.content, s.label, nil
		},
	}
}

func bundle(t *testing.T) []byte {
	t.Helper()
	b, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := config.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestCurrent(t *testing.T) {
	s := &service{content: bundle(t), label: "v1"}
	src := New(s.fake(), "app/env/prof", nil)
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	src.now = func() time.Time { return now }
	if s.starts+s.gets != 0 {
		t.Error("it was fetched before it was needed")
	}
	check := func(name, version string, starts, gets int) *config.Bundle {
		t.Helper()
		b, err := src.Current(t.Context())
		if err != nil || b.Version != version || s.starts != starts || s.gets != gets {
			t.Fatalf("%s: version %v, %d sessions, %d polls, %v; want %s, %d, %d", name, b, s.starts, s.gets, err, version, starts, gets)
		}
		return b
	}
	first := check("first use", "v1", 1, 1)
	if first.Brand.Name != "Veloria" {
		t.Errorf("brand %q", first.Brand.Name)
	}
	check("at once again", "v1", 1, 1)
	now = now.Add(pollEvery)
	if second := check("nothing newer", "v1", 1, 2); second != first {
		t.Error("the same version is another bundle: what is built from it would be built again")
	}
	now = now.Add(pollEvery)
	s.label = "v2"
	check("a newer version", "v2", 1, 3)

	now = now.Add(pollEvery)
	s.lose, s.label = true, "v3"
	check("an answer gets lost", "v2", 1, 4)
	s.lose = false
	check("it is not asked again at once", "v2", 1, 4)
	now = now.Add(pollEvery)
	check("a new session after the lost token", "v3", 2, 5)

	now = now.Add(pollEvery)
	s.content, s.label = []byte(`{"brand":{"nme":"x"}}`), "v4"
	check("a broken version is not taken", "v3", 2, 6)
	now = now.Add(pollEvery)
	s.content, s.label = bundle(t), "v5"
	check("a mended one is", "v5", 2, 7)

	now = now.Add(pollEvery)
	s.down = true
	check("down", "v5", 2, 8)
	s.down = false
	now = now.Add(pollEvery)
	check("up again", "v5", 3, 9)
}

func TestCurrentWithoutAny(t *testing.T) {
	for _, r := range []struct {
		name, path string
		s          service
		want       care.Code
	}{
		{"ErrUnavailable", "app/env/prof", service{down: true}, care.Unavailable},
		{"ErrLost", "app/env/prof", service{content: []byte("{}"), label: "v1", lose: true}, care.Unavailable},
		{"ErrNoBundle", "app/env/prof", service{content: []byte("hello"), label: "v1"}, care.Invalid},
		{"ErrPath", "app/env", service{}, care.Invalid},
		{"ErrEmptyDeployment", "app/env/prof", service{}, care.Invalid},
	} {
		t.Run(r.name, func(t *testing.T) {
			b, err := New(r.s.fake(), r.path, nil).Current(t.Context())
			if b != nil || care.CodeOf(err) != r.want {
				t.Errorf("got %v, %v; want %s", b, err, r.want)
			}
		})
	}
}

// A failure at the start is tried again: an instance that began while AppConfig
// was down must not stay without config.
func TestRecovers(t *testing.T) {
	s := &service{content: bundle(t), label: "v1", down: true}
	src := New(s.fake(), "app/env/prof", nil)
	if _, err := src.Current(t.Context()); err == nil {
		t.Fatal("no error while it is down")
	}
	s.down = false
	if b, err := src.Current(t.Context()); err != nil || b.Version != "v1" {
		t.Errorf("got %v, %v", b, err)
	}
}

// AppConfig says how often it wants to be asked, within reason.
func TestPollInterval(t *testing.T) {
	for _, r := range []struct {
		name string
		says int32
		want time.Duration
	}{
		{"Unsaid", 0, time.Minute},
		{"AWS", 60, time.Minute},
		{"Local", 1, time.Second},
		{"Rare", 86_400, 5 * time.Minute},
		{"Negative", -3, time.Minute},
	} {
		t.Run(r.name, func(t *testing.T) {
			s := &service{content: bundle(t), label: "v1", every: r.says}
			src := New(s.fake(), "app/env/prof", nil)
			now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
			src.now = func() time.Time { return now }
			for _, at := range []struct {
				after time.Duration
				gets  int
			}{{0, 1}, {r.want - time.Millisecond, 1}, {time.Millisecond, 2}} {
				now = now.Add(at.after)
				if _, err := src.Current(t.Context()); err != nil || s.gets != at.gets {
					t.Errorf("after %s: %d polls, %v; want %d", at.after, s.gets, err, at.gets)
				}
			}
		})
	}
}

// A version that cannot be read is told once, however often it is met, without
// what stands in it; and so is that the next one can be read.
func TestRefusedVersion(t *testing.T) {
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(old)

	s := &service{content: bundle(t), label: "v1"}
	refusals := 0
	src := New(s.fake(), "app/env/prof", func(context.Context) { refusals++ })
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	src.now = func() time.Time { return now }
	broken := func(key string) []byte {
		return bytes.Replace(bundle(t), []byte(`"brand":{`), []byte(`"brand":{"`+key+`":"the secret of the house",`), 1)
	}
	for _, step := range []struct {
		name, label string
		content     []byte
		lose        bool // the answer before this step gets lost, so that a new session begins
		want        string
		refusals    int
	}{
		{"good", "v1", bundle(t), false, "v1", 0},
		{"broken", "v2", broken("nme"), false, "v1", 1},
		{"the same", "v2", broken("nme"), false, "v1", 1},
		{"the same in a new session", "v2", broken("nme"), true, "v1", 1},
		{"another broken one", "v3", broken("nmae"), false, "v1", 2},
		{"mended", "v4", bundle(t), false, "v4", 2},
		{"broken as before", "v2", broken("nme"), false, "v4", 3},
		{"mended again", "v4", bundle(t), false, "v4", 3},
	} {
		if step.lose {
			now = now.Add(time.Minute)
			s.lose = true
			if _, err := src.Current(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.lose = false
		}
		now = now.Add(time.Minute)
		s.label, s.content = step.label, step.content
		if b, err := src.Current(t.Context()); err != nil || b.Version != step.want || refusals != step.refusals {
			t.Errorf("%s: %v, %v, %d refusals; want %s, %d", step.name, b, err, refusals, step.want, step.refusals)
		}
	}
	var told []string
	for line := range strings.Lines(log.String()) {
		var l struct {
			Level, Msg, Version, Running string
			Mistakes                     []string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprintf("%s %s %s", l.Level, l.Msg, l.Version))
		if l.Level == "ERROR" && (len(l.Mistakes) != 1 || !strings.Contains(l.Mistakes[0], `"nm`)) {
			t.Errorf("the mistake is not told: %s", line)
		}
	}
	want := []string{"ERROR config refused v2", "WARN config not refreshed ", "ERROR config refused v3", "INFO config readable again v4", "ERROR config refused v2", "INFO config readable again v4"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if strings.Contains(log.String(), "secret of the house") {
		t.Error("the log holds what stands in the config")
	}
}

// Without any good version, a broken one is not fetched again for every post:
// each time would be paid for. When a good one comes, it is taken.
func TestRefusedFromTheStart(t *testing.T) {
	s := &service{content: []byte("hello"), label: "v1"}
	refusals := 0
	src := New(s.fake(), "app/env/prof", func(context.Context) { refusals++ })
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	src.now = func() time.Time { return now }
	for range 3 {
		if b, err := src.Current(t.Context()); b != nil || care.CodeOf(err) != care.Invalid || s.gets != 1 {
			t.Fatalf("got %v, %v after %d polls", b, err, s.gets)
		}
	}
	now = now.Add(time.Minute)
	if _, err := src.Current(t.Context()); care.CodeOf(err) != care.Invalid || s.gets != 2 || s.starts != 1 || refusals != 1 {
		t.Errorf("%v, %d polls, %d sessions, %d refusals", err, s.gets, s.starts, refusals)
	}
	now = now.Add(time.Minute)
	s.content, s.label = bundle(t), "v2"
	if b, err := src.Current(t.Context()); err != nil || b.Version != "v2" {
		t.Errorf("got %v, %v", b, err)
	}
}
