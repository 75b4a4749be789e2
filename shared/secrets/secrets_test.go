package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// vault is Secrets Manager as a function.
type vault func(id string) (*string, error)

func (v vault) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	text, err := v(aws.ToString(in.SecretId))
	if err != nil {
		return nil, err
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: text}, nil
}

// hand is a clock that a test moves.
type hand struct{ at time.Time }

func (h *hand) now() time.Time { return h.at }

func newHand() *hand { return &hand{time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)} }

const signing = `{"x":{"consumerSecret":"cs"},"meta":{"appSecret":"as","verifyToken":"vt"}}`

func TestGetIsRefreshed(t *testing.T) {
	calls, clock := 0, newHand()
	s := New[Ingest](vault(func(id string) (*string, error) {
		calls++
		if id != "arn:one" {
			t.Errorf("asked for %q", id)
		}
		return aws.String(strings.ReplaceAll(signing, `"as"`, fmt.Sprintf("%q", fmt.Sprint("as", calls)))), nil
	}), "arn:one", clock.now)
	if calls != 0 {
		t.Error("it was fetched before it was needed")
	}
	for _, step := range []struct {
		name string
		pass time.Duration
		want string
	}{
		{"first use fetches", 0, "as1"},
		{"a while later it is the same", maxAge - time.Second, "as1"},
		{"then it is fetched again", time.Second, "as2"},
		{"a clock that was set back does not keep it for ever", -2 * time.Hour, "as3"},
	} {
		clock.at = clock.at.Add(step.pass)
		got, err := s.Get(t.Context())
		if err != nil || got.Meta.AppSecret != step.want || got.X.ConsumerSecret != "cs" || got.Meta.VerifyToken != "vt" {
			t.Errorf("%s: %s %q, %v; want %q", step.name, got.X.ConsumerSecret, got.Meta.AppSecret, err, step.want)
		}
	}
}

func TestFailures(t *testing.T) {
	for _, r := range []struct {
		name   string
		answer vault
		code   care.Code
	}{
		{"ErrUnavailable", func(string) (*string, error) { return nil, errors.New("no route") }, care.Unavailable},
		{"ErrNotJSON", func(string) (*string, error) { return aws.String("hunter2-top-secret"), nil }, care.Denied},
		{"ErrWrongType", func(string) (*string, error) {
			return aws.String(`{"x":{"consumerSecret":{"hunter2-top-secret":1}}}`), nil
		}, care.Denied},
		{"ErrTruncated", func(string) (*string, error) {
			return aws.String(`{"x":{"consumerSecret":"hunter2-top-secret"`), nil
		}, care.Denied},
		{"ErrBinary", func(string) (*string, error) { return nil, nil }, care.Denied},
	} {
		t.Run(r.name, func(t *testing.T) {
			var logged strings.Builder
			old := slog.Default()
			slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
			defer slog.SetDefault(old)

			clock := newHand()
			_, err := New[Ingest](r.answer, "arn", clock.now).Get(t.Context())
			if care.CodeOf(err) != r.code {
				t.Errorf("got %v, want %s", err, r.code)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}

			// With an older value at hand, the same failure keeps it.
			bad := false
			s := New[Ingest](vault(func(id string) (*string, error) {
				if bad {
					return r.answer(id)
				}
				return aws.String(signing), nil
			}), "arn", clock.now)
			if _, err := s.Get(t.Context()); err != nil {
				t.Fatal(err)
			}
			bad = true
			clock.at = clock.at.Add(time.Hour)
			if got, err := s.Get(t.Context()); err != nil || got.Meta.AppSecret != "as" {
				t.Errorf("the value at hand was lost: %q, %v", got.Meta.AppSecret, err)
			}
			bad = false
			if _, err := s.Get(t.Context()); err != nil {
				t.Errorf("it does not recover: %v", err)
			}
			if strings.Contains(logged.String(), "hunter2") {
				t.Errorf("the log shows the secret: %s", logged.String())
			}
		})
	}
}

// While the secret cannot be refreshed, Secrets Manager is not asked with every
// request: a webhook under load would be throttled and billed for it.
func TestFailedRefreshIsNotRepeatedAtOnce(t *testing.T) {
	calls, clock := 0, newHand()
	s := New[Ingest](vault(func(string) (*string, error) {
		calls++
		if calls > 1 {
			return nil, errors.New("down")
		}
		return aws.String(signing), nil
	}), "arn", clock.now)
	for i := range 100 {
		if i == 1 {
			clock.at = clock.at.Add(time.Hour)
		}
		if _, err := s.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls, want 2", calls)
	}
	clock.at = clock.at.Add(retryAfter)
	if _, err := s.Get(t.Context()); err != nil || calls != 3 {
		t.Errorf("%d calls, %v; want a third one after %s", calls, err, retryAfter)
	}
}

func TestFind(t *testing.T) {
	a := Accounts{Accounts: []platform.Account{
		{Platform: care.X, Account: "1"},
		{Platform: care.Mastodon, Account: "2", Token: "a"}, {Platform: care.Mastodon, Account: "3", Token: "b"},
	}}
	for _, r := range []struct {
		name string
		p    care.Platform
		id   string
		want string // "" for NotFound
	}{
		{"OK by id", care.Mastodon, "3", "3"},
		{"OK the only one", care.X, "", "1"},
		{"ErrNotFound several and no id", care.Mastodon, "", ""},
		{"ErrNotFound another id", care.X, "9", ""},
		{"ErrNotFound platform", care.Bluesky, "", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			got, err := a.Find(r.p, r.id)
			if got.Account != r.want || (r.want == "") != (care.CodeOf(err) == care.NotFound) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestNothingIsPrinted(t *testing.T) {
	var in Ingest
	in.X.ConsumerSecret, in.Meta.AppSecret, in.Meta.VerifyToken = "hunter2", "hunter2", "hunter2"
	acc := Accounts{Accounts: []platform.Account{{Platform: care.X, Account: "1", Token: "hunter2", Password: "hunter2"}}}
	var log strings.Builder
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("x", "ingest", in, "accounts", acc, "pointer", &in)
	all := log.String()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		all += fmt.Sprintf(format, in) + fmt.Sprintf(format, acc) + fmt.Sprintf(format, &in)
	}
	if strings.Contains(all, "hunter2") {
		t.Errorf("a secret is printed: %s", all)
	}
}
