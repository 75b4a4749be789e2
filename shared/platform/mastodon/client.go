package mastodon

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// Backoff is the spacing after failures. 300 requests per 5 minutes and account
// are Mastodon's default ("Mastodon docs, Rate limits"), so a first retry after
// seconds is polite.
var Backoff = platform.Backoff{First: 5 * time.Second, Most: 10 * time.Minute, Factor: 2, Jitter: 0.5}

// Client speaks for one of our accounts. It is safe for concurrent use; its
// memory only saves requests, a cursor and an Outgoing carry all that matters.
type Client struct {
	own  platform.Account
	http wire.Caller
	err  error // of New, returned by every call
	page int   // notifications asked for at once

	mu      sync.Mutex
	noTypes bool              // the server refuses types[]
	limits  limits            // of the instance
	roots   map[string]string // post id -> id of its thread's root
}

// New makes a client; h nil means http.DefaultClient, clock nil time.Now. A
// wrong base URL is reported by the first call. Account may be empty: then the
// server is asked who the token belongs to.
func New(own platform.Account, h *http.Client, clock func() time.Time) *Client {
	c := &Client{own: own, page: pageSize, roots: map[string]string{}}
	c.http, c.err = wire.NewCaller("Mastodon server", own.BaseURL, h, clock)
	return c
}

// call makes a request and returns the answer when it is 2xx.
func (c *Client) call(ctx context.Context, r wire.Request) (wire.Response, error) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if c.own.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.own.Token)
	}
	res, err := c.http.Do(ctx, r)
	if err != nil {
		return res, err
	}
	if !res.OK() {
		var e struct {
			Error wire.Str `json:"error"`
		}
		_ = wire.Object(res.Body, &e)
		return res, c.http.Fail(res, r.Write, string(e.Error))
	}
	return res, nil
}

// get reads a JSON entity into v; an answer that is no such JSON is Unavailable
// (a proxy's page, a cut body).
func (c *Client) get(ctx context.Context, path string, q url.Values, v any) error {
	res, err := c.call(ctx, wire.Request{Method: http.MethodGet, Path: path, Query: q})
	if err != nil {
		return err
	}
	if !wire.Object(res.Body, v) {
		return care.Errorf(care.Unavailable, "the Mastodon server's answer is not the JSON that it should be")
	}
	return nil
}

// account is our account with its id.
func (c *Client) account(ctx context.Context) (platform.Account, error) {
	if c.err != nil {
		return platform.Account{}, c.err
	}
	c.mu.Lock()
	own := c.own
	c.mu.Unlock()
	if own.Account != "" {
		return own, nil
	}
	var a account
	if err := c.get(ctx, "/api/v1/accounts/verify_credentials", nil, &a); err != nil {
		return own, err
	}
	if !validID().MatchString(string(a.ID)) {
		return own, care.Errorf(care.Unavailable, "the Mastodon server does not say whose token it is")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.Account = string(a.ID)
	return c.own, nil
}
