// Package appconfig gives functions the current config bundle from AWS
// AppConfig. It is fetched on first use; later calls ask at most once a minute
// whether there is a newer version, which is free of charge until there is one.
// A function that cannot reach AppConfig goes on with the version it has.
package appconfig

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// pollEvery is how often a newer version is asked for (AppConfig's own agent
// asks every 45 s).
const pollEvery = time.Minute

// API is the part of the AppConfig data client that is used.
type API interface {
	StartConfigurationSession(context.Context, *appconfigdata.StartConfigurationSessionInput, ...func(*appconfigdata.Options)) (*appconfigdata.StartConfigurationSessionOutput, error)
	GetLatestConfiguration(context.Context, *appconfigdata.GetLatestConfigurationInput, ...func(*appconfigdata.Options)) (*appconfigdata.GetLatestConfigurationOutput, error)
}

// Source is one configuration profile.
type Source struct {
	client API
	name   string
	now    func() time.Time

	mu     sync.Mutex
	token  string
	asked  time.Time
	bundle *config.Bundle
}

// New makes a Source for "<application>/<environment>/<profile>"; nothing is
// fetched yet.
func New(client API, name string) *Source {
	return &Source{client: client, name: name, now: time.Now}
}

// Current returns the newest bundle known. Without any: care.Unavailable when
// AppConfig does not answer, care.Invalid when what it answers is no bundle.
func (s *Source) Current(ctx context.Context) (*config.Bundle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bundle != nil && s.now().Sub(s.asked) < pollEvery {
		return s.bundle, nil
	}
	b, err := s.fetch(ctx)
	if err != nil && s.bundle == nil {
		return nil, err
	}
	s.asked = s.now()
	if err != nil {
		slog.WarnContext(ctx, "config not refreshed", "code", string(care.CodeOf(err)), "version", s.bundle.Version)
		return s.bundle, nil
	}
	if b != nil {
		s.bundle = b
	}
	if s.bundle == nil {
		s.token = "" // a new session asks for everything again
		return nil, care.Errorf(care.Invalid, "no config is deployed yet")
	}
	return s.bundle, nil
}

// fetch returns nil when nothing is newer.
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
	s.token = aws.ToString(out.NextPollConfigurationToken)
	if len(out.Configuration) == 0 {
		return nil, nil
	}
	b, err := config.Parse(out.Configuration)
	if err != nil {
		return nil, care.Errorf(care.Invalid, "the deployed config: %w", err)
	}
	if v := aws.ToString(out.VersionLabel); v != "" {
		c := *b
		c.Version = v
		b = &c
	}
	return b, nil
}
