// Package webhook composes the webhook function, which takes what X and Meta
// push: signatures, handshakes, the accounts that are ours, and what a webhook
// leaves out.
package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/fielder-care/fielder/shared/app"
	"github.com/fielder-care/fielder/shared/app/bundles"
	"github.com/fielder-care/fielder/shared/app/claim"
	"github.com/fielder-care/fielder/shared/app/edge"
	"github.com/fielder-care/fielder/shared/bus"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
	"github.com/fielder-care/fielder/shared/intake"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/x"
	"github.com/fielder-care/fielder/shared/secrets"
	"github.com/fielder-care/fielder/shared/store"
	"github.com/fielder-care/fielder/shared/telemetry"
)

// New builds the handler of the webhook function.
func New() (func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error), error) {
	var e app.Env
	cfg, now := app.AWSConfig(), app.Clock()
	sm := secretsmanager.NewFromConfig(cfg)
	signing := secrets.New[secrets.Ingest](sm, e.Must("FIELDER_SECRET_INGEST"), time.Now)
	accounts := secrets.New[secrets.Accounts](sm, e.Must("FIELDER_SECRET_READ"), time.Now)
	src := bundles.New(cfg, e.Must("FIELDER_CONFIG"))
	t := store.New(dynamodb.NewFromConfig(cfg), e.Must("FIELDER_TABLE"), now)
	b := bus.New(eventbridge.NewFromConfig(cfg), e.Must("FIELDER_BUS"), telemetry.Function())
	svc := &intake.Service{
		Hydrator: &hydrator{accounts: accounts, now: now},
		Answers:  &drafts.Book{Store: t, Sightings: t, Bus: b, Clock: now},
		Triager:  &edge.Triager{From: src},
		Posts:    claim.Posts{Table: t},
		Bus:      b,
		Recorder: edge.Recorder{},
	}
	own := func(ctx context.Context) ([]platform.Account, error) { return ownAccounts(ctx, src) }
	handler := intake.Handler(svc, edge.Recorder{}, now, app.RequestID, xWebhook(signing, own), metaWebhook(signing, own))
	telemetry.Setup()
	return httpadapter.NewV2(handler).ProxyWithContext, e.Err()
}

// ownAccounts are our accounts as the brand's config names them.
func ownAccounts(ctx context.Context, src edge.Bundles) ([]platform.Account, error) {
	b, err := src.Current(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]platform.Account, 0, len(b.Brand.Accounts))
	for _, a := range b.Brand.Accounts {
		out = append(out, platform.Account{Platform: a.Platform, Account: a.ID, Handle: a.Handle, Tier: a.Tier})
	}
	return out, nil
}

type owners func(context.Context) ([]platform.Account, error)

func xWebhook(signing *secrets.Secret[secrets.Ingest], own owners) intake.Webhook {
	return intake.Webhook{
		Name: "x",
		Handshake: func(ctx context.Context, r *http.Request) (string, []byte, error) {
			token := r.URL.Query().Get("crc_token")
			if token == "" {
				return "", nil, care.Errorf(care.Invalid, "crc_token is missing")
			}
			s, err := signing.Get(ctx)
			if err != nil {
				return "", nil, err
			}
			if s.X.ConsumerSecret == "" {
				return "", nil, care.Errorf(care.Internal, "no consumer secret is configured")
			}
			// The token is base64 of our own HMAC: safe inside JSON.
			return "application/json", []byte(`{"response_token":"` + x.CRC(s.X.ConsumerSecret, token) + `"}`), nil
		},
		Verify: func(ctx context.Context, h http.Header, body []byte) error {
			s, err := signing.Get(ctx)
			if err != nil {
				return err
			}
			return x.Verify(s.X.ConsumerSecret, h, body)
		},
		Normalise: func(ctx context.Context, body []byte, received time.Time) (care.Batch, error) {
			accounts, err := own(ctx)
			if err != nil {
				return care.Batch{}, err
			}
			return x.Normalise(body, received, accounts)
		},
	}
}

func metaWebhook(signing *secrets.Secret[secrets.Ingest], own owners) intake.Webhook {
	return intake.Webhook{
		Name: "meta",
		Handshake: func(ctx context.Context, r *http.Request) (string, []byte, error) {
			s, err := signing.Get(ctx)
			if err != nil {
				return "", nil, err
			}
			challenge, err := meta.Challenge(s.Meta.VerifyToken, r.URL.Query())
			return "text/plain; charset=utf-8", []byte(challenge), err
		},
		Verify: func(ctx context.Context, h http.Header, body []byte) error {
			s, err := signing.Get(ctx)
			if err != nil {
				return err
			}
			return meta.Verify(s.Meta.AppSecret, h, body)
		},
		Normalise: func(ctx context.Context, body []byte, received time.Time) (care.Batch, error) {
			accounts, err := own(ctx)
			if err != nil {
				return care.Batch{}, err
			}
			return meta.Normalise(body, received, accounts)
		},
	}
}

// hydrator reads what webhooks leave out.
type hydrator struct {
	accounts *secrets.Secret[secrets.Accounts]
	now      func() time.Time
}

// Hydrate completes an Instagram mention, whose webhook brings ids only.
func (h *hydrator) Hydrate(ctx context.Context, p care.Post) (care.Post, error) {
	if p.Platform != care.Instagram || p.Kind != care.KindMention || p.Text != "" {
		return p, nil
	}
	all, err := h.accounts.Get(ctx)
	if err != nil {
		return p, err
	}
	acc, err := all.Find(p.Platform, p.Account)
	if err != nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second) // Meta waits 5 s for our answer
	defer cancel()
	return meta.New(acc, platform.NewHTTPClient(), h.now).Hydrate(ctx, p)
}
