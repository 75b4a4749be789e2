// Package appconfig gives functions the current config bundle from AWS
// AppConfig. It is fetched on first use; later calls ask as often as AppConfig
// says (every minute) whether there is a newer version, which is free of charge
// until there is one. A function that cannot reach AppConfig, or that cannot read
// what it gets, goes on with the last good version that it has; a version that it
// cannot read is told once, in the log and to the function's own hook.
package appconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// How often a newer version is asked for, where AppConfig does not say (its own
// default), and the bounds of what it may say.
const (
	pollEvery   = time.Minute
	pollFastest = time.Second
	pollSlowest = 5 * time.Minute
)

// toldMistakes is how many mistakes of a refused version go into the log.
const toldMistakes = 3

// API is the part of the AppConfig data client that is used.
type API interface {
	StartConfigurationSession(context.Context, *appconfigdata.StartConfigurationSessionInput, ...func(*appconfigdata.Options)) (*appconfigdata.StartConfigurationSessionOutput, error)
	GetLatestConfiguration(context.Context, *appconfigdata.GetLatestConfigurationInput, ...func(*appconfigdata.Options)) (*appconfigdata.GetLatestConfigurationOutput, error)
}

// Source is one configuration profile.
type Source struct {
	client  API
	name    string
	refused func(context.Context)
	now     func() time.Time

	mu     sync.Mutex
	token  string
	asked  time.Time
	every  time.Duration
	bundle *config.Bundle
	bad    string // the refused version that is deployed, "" for none
	badErr error
}

// New makes a Source for "<application>/<environment>/<profile>"; nothing is
// fetched yet. refused is called once for each version that cannot be read.
func New(client API, name string, refused func(context.Context)) *Source {
	return &Source{client: client, name: name, refused: refused, now: time.Now, every: pollEvery}
}

// Current returns the newest bundle that could be read. Without any:
// care.Unavailable when AppConfig does not answer, care.Invalid when what it
// answers is no bundle; then it is asked again only when a poll is due, because
// every version that AppConfig hands out is paid for.
func (s *Source) Current(ctx context.Context) (*config.Bundle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Sub(s.asked) < s.every {
		if s.bundle != nil {
			return s.bundle, nil
		}
		if s.bad != "" {
			return nil, s.badErr
		}
	}
	b, err := s.fetch(ctx)
	if err != nil && s.bundle == nil && s.bad == "" {
		return nil, err
	}
	s.asked = s.now()
	if err != nil {
		slog.WarnContext(ctx, "config not refreshed", "code", string(care.CodeOf(err)), "running", s.running())
	}
	if b != nil {
		if s.bad != "" {
			slog.InfoContext(ctx, "config readable again", "version", b.Version, "refused", s.bad)
		}
		s.bundle, s.bad, s.badErr = b, "", nil
	}
	switch {
	case s.bundle != nil:
		return s.bundle, nil
	case s.bad != "":
		return nil, s.badErr
	}
	s.token = "" // a new session asks for everything again
	return nil, care.Errorf(care.Invalid, "no config is deployed yet")
}

// fetch returns nil when nothing is newer, or nothing newer can be read.
func (s *Source) fetch(ctx context.Context) (*config.Bundle, error) {
	if s.token == "" {
		ids := strings.Split(s.name, "/")
		if len(ids) != 3 {
			return nil, care.Errorf(care.Invalid, "FIELDER_CONFIG must be application/environment/profile")
		}
		out, err := s.client.StartConfigurationSession(ctx, &appconfigdata.StartConfigurationSessionInput{
			ApplicationIdentifier: aws.String(ids[0]), EnvironmentIdentifier: aws.String(ids[1]), ConfigurationProfileIdentifier: aws.String(ids[2]),
		})
		if err != nil {
			return nil, care.Errorf(care.Unavailable, "AppConfig session: %w", err)
		}
		s.token = aws.ToString(out.InitialConfigurationToken)
	}
	out, err := s.client.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: aws.String(s.token)})
	if err != nil {
		s.token = "" // tokens serve once; a lost answer loses the session
		return nil, care.Errorf(care.Unavailable, "AppConfig: %w", err)
	}
	s.token, s.every = aws.ToString(out.NextPollConfigurationToken), pollEvery
	if n := out.NextPollIntervalInSeconds; n > 0 {
		s.every = min(max(time.Duration(n)*time.Second, pollFastest), pollSlowest)
	}
	if len(out.Configuration) == 0 {
		return nil, nil
	}
	label := aws.ToString(out.VersionLabel)
	b, err := config.Parse(out.Configuration)
	if err != nil {
		s.refuse(ctx, label, out.Configuration, err)
		return nil, nil
	}
	if label != "" {
		c := *b
		c.Version = label
		b = &c
	}
	return b, nil
}

// refuse remembers that the deployed version cannot be read, and tells it once:
// a new session is handed the same version again.
func (s *Source) refuse(ctx context.Context, label string, content []byte, err error) {
	version := label
	if version == "" {
		sum := sha256.Sum256(content)
		version = "unlabelled-" + hex.EncodeToString(sum[:4])
	}
	if version == s.bad {
		return
	}
	s.bad, s.badErr = version, care.Errorf(care.Invalid, "the deployed config %s: %w", version, err)
	mistakes := []string{err.Error()}
	var list config.Errors
	if errors.As(err, &list) {
		mistakes = mistakes[:0]
		for _, e := range list[:min(len(list), toldMistakes)] {
			mistakes = append(mistakes, e.Error())
		}
	}
	slog.ErrorContext(ctx, "config refused", "version", version, "running", s.running(), "mistakes", mistakes, "count", max(1, len(list)))
	if s.refused != nil {
		s.refused(ctx)
	}
}

// running is the version that goes on.
func (s *Source) running() string {
	if s.bundle == nil {
		return "none"
	}
	return s.bundle.Version
}
