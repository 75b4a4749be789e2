package bluesky

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// Backoff is the spacing after failures. 3,000 requests per 5 minutes and IP
// address are Bluesky's limit ("Bluesky docs, Rate Limits").
var Backoff = platform.Backoff{First: 5 * time.Second, Most: 10 * time.Minute, Factor: 2, Jitter: 0.5}

const (
	// Bluesky allows 30 sign-ins in 5 minutes and 300 a day per account
	// (createSession, "Bluesky docs, Rate Limits"). Several processes share them,
	// so one takes a third at most.
	signInsShort = 10
	signInsDay   = 100
	// deniedFor is how long wrong credentials are not tried again: every try counts.
	deniedFor = 10 * time.Minute
	// sessionFor is taken as the lifetime of an access token that tells none.
	sessionFor = 30 * time.Minute
	// renewBefore is how long before its end a token is renewed.
	renewBefore = time.Minute

	chatProxy = "did:web:api.bsky.chat#bsky_chat"
)

// Client speaks for one of our accounts. It is safe for concurrent use; its
// memory only saves requests, a cursor and an Outgoing carry all that matters.
type Client struct {
	own  platform.Account
	http wire.Caller
	err  error // of New, returned by every call

	signing sync.Mutex // one sign-in at a time
	mu      sync.Mutex
	session session
	signIns []time.Time
	denied  error // of the last sign-in
	until   time.Time

	noReasons bool // the server refuses the reasons parameter
	profiles  map[string]known
}

type session struct {
	did, access, refresh string
	ends                 time.Time
}

// known is a profile that was looked up lately.
type known struct {
	profile profile
	until   time.Time
}

// New makes a client; h nil means http.DefaultClient, clock nil time.Now. A
// wrong base URL is reported by the first call. The account signs in with
// Identifier (or Handle) and Password, an app password; a Token is used as the
// access token when there is no password.
func New(own platform.Account, h *http.Client, clock func() time.Time) *Client {
	c := &Client{own: own, profiles: map[string]known{}}
	c.http, c.err = wire.NewCaller("Bluesky server", own.BaseURL, h, clock)
	if c.err == nil && own.Account != "" && !validDID(own.Account) {
		c.err = care.Errorf(care.Invalid, "the Bluesky account's id is not a DID")
	}
	return c
}

// call is one XRPC call.
type call struct {
	method string // GET for queries, POST for procedures
	nsid   string
	query  url.Values
	body   any
	chat   bool // proxied to the chat service
	write  bool
}

// problem is an XRPC error.
type problem struct {
	Name    wire.Str `json:"error"`
	Message wire.Str `json:"message"`
}

func problemOf(res wire.Response) problem {
	var p problem
	_ = wire.Object(res.Body, &p)
	return p
}

// xrpc makes a call as our account, and once more with a new session when the
// old one has ended: then nothing was done. Errors: those of wire.Caller.Fail;
// Denied for tokens that are not accepted and accounts that are closed.
func (c *Client) xrpc(ctx context.Context, r call) (wire.Response, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return wire.Response{}, care.Errorf(care.Internal, "encode %s: %w", r.nsid, err)
		}
	}
	for again := false; ; again = true {
		s, err := c.signedIn(ctx)
		if err != nil {
			return wire.Response{}, err
		}
		h := http.Header{"Authorization": {"Bearer " + s.access}}
		if r.chat {
			h.Set("Atproto-Proxy", chatProxy)
		}
		res, err := c.http.Do(ctx, wire.Request{Method: r.method, Path: "/xrpc/" + r.nsid, Query: r.query, Header: h, Body: body, Write: r.write})
		if err != nil || res.OK() {
			return res, err
		}
		p := problemOf(res)
		switch p.Name {
		case "ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired":
			// "Bad token scope" and "Bad token method" are about what an app password
			// may do, not about its age.
			if !again && !strings.HasPrefix(string(p.Message), "Bad token") && c.own.Password != "" {
				c.forget(s, p.Name != "ExpiredToken")
				continue
			}
			return res, platform.Fail(care.Denied, &platform.Failure{Status: res.Status, Type: wire.Token(string(p.Name))}, "the Bluesky server does not accept our session")
		case "AccountTakedown", "AccountDeactivated", "AccountSuspended", "RepoTakendown", "RepoSuspended", "RepoDeactivated":
			if !r.chat {
				return res, platform.Fail(care.Denied, &platform.Failure{Status: res.Status, Type: wire.Token(string(p.Name))}, "our Bluesky account is closed or suspended")
			}
		}
		if res.Status == http.StatusUnauthorized && !again && c.own.Password != "" {
			c.forget(s, true)
			continue
		}
		return res, c.http.Fail(res, r.write, string(p.Name))
	}
}

// read makes a query and decodes the answer; an answer that is no such JSON is
// Unavailable.
func (c *Client) read(ctx context.Context, nsid string, q url.Values, chat bool, v any) error {
	res, err := c.xrpc(ctx, call{method: http.MethodGet, nsid: nsid, query: q, chat: chat})
	if err != nil {
		return err
	}
	if !wire.Object(res.Body, v) {
		return care.Errorf(care.Unavailable, "the Bluesky server's answer is not the JSON that it should be")
	}
	return nil
}

// forget drops a session that was not accepted, its refresh token too when all
// is true, unless another call has renewed it already.
func (c *Client) forget(s session, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session.access != s.access {
		return
	}
	c.session.access = ""
	if all {
		c.session = session{}
	}
}

// account is our account with its DID.
func (c *Client) account(ctx context.Context) (platform.Account, error) {
	if c.err != nil {
		return platform.Account{}, c.err
	}
	own := c.own
	if own.Account == "" {
		s, err := c.signedIn(ctx)
		if err != nil {
			return own, err
		}
		own.Account = s.did
	}
	return own, nil
}

// signedIn returns a session that should still hold: the one at hand, renewed,
// or a new one.
func (c *Client) signedIn(ctx context.Context) (session, error) {
	c.signing.Lock()
	defer c.signing.Unlock()
	now := c.http.Clock()
	c.mu.Lock()
	s, denied, until := c.session, c.denied, c.until
	c.mu.Unlock()
	switch {
	case s.access != "" && now.Before(s.ends):
		return s, nil
	case c.own.Password == "" && c.own.Token != "":
		return session{did: c.own.Account, access: c.own.Token}, nil
	case denied != nil && now.Before(until):
		return session{}, denied
	}
	if s.refresh != "" {
		res, err := c.http.Do(ctx, wire.Request{Method: http.MethodPost, Path: "/xrpc/com.atproto.server.refreshSession", Header: http.Header{"Authorization": {"Bearer " + s.refresh}}})
		if err != nil {
			return session{}, err
		}
		if res.OK() {
			return c.keep(res, now)
		}
		if err := c.http.Fail(res, false, string(problemOf(res).Name)); care.CodeOf(err) == care.Throttled || care.CodeOf(err) == care.Unavailable {
			return session{}, err
		}
	}
	id := c.own.Identifier
	if id == "" {
		id = c.own.Handle
	}
	if id == "" || c.own.Password == "" {
		return session{}, care.Errorf(care.Denied, "the Bluesky account has no identifier or no app password")
	}
	if wait := c.maySignIn(now); wait > 0 {
		return session{}, platform.Fail(care.Throttled, &platform.Failure{Status: http.StatusTooManyRequests, RetryAfter: wait}, "Bluesky limits sign-ins, and we have made many")
	}
	body, err := json.Marshal(map[string]string{"identifier": id, "password": c.own.Password})
	if err != nil {
		return session{}, care.Errorf(care.Internal, "encode the sign-in: %w", err)
	}
	res, err := c.http.Do(ctx, wire.Request{Method: http.MethodPost, Path: "/xrpc/com.atproto.server.createSession", Body: body})
	if err != nil {
		return session{}, err
	}
	if res.OK() {
		return c.keep(res, now)
	}
	p := problemOf(res)
	err = c.http.Fail(res, false, string(p.Name))
	if code := care.CodeOf(err); code != care.Throttled && code != care.Unavailable {
		err = platform.Fail(care.Denied, &platform.Failure{Status: res.Status, Type: wire.Token(string(p.Name))}, "the Bluesky server does not accept our identifier and app password")
		c.mu.Lock()
		c.denied, c.until = err, now.Add(deniedFor)
		c.mu.Unlock()
	}
	return session{}, err
}

// keep stores the session of a createSession or refreshSession answer.
func (c *Client) keep(res wire.Response, now time.Time) (session, error) {
	var v struct {
		DID     wire.Str `json:"did"`
		Access  wire.Str `json:"accessJwt"`
		Refresh wire.Str `json:"refreshJwt"`
	}
	if !wire.Object(res.Body, &v) || v.Access == "" || !validDID(string(v.DID)) || strings.ContainsAny(string(v.Access+v.Refresh), "\r\n") {
		return session{}, care.Errorf(care.Unavailable, "the Bluesky server signed us in without a session")
	}
	if c.own.Account != "" && string(v.DID) != c.own.Account {
		return session{}, care.Errorf(care.Denied, "the Bluesky credentials belong to another account")
	}
	s := session{did: string(v.DID), access: string(v.Access), refresh: string(v.Refresh), ends: now.Add(lifetime(string(v.Access)) - renewBefore)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.denied = s, nil
	return s, nil
}

// lifetime reads how long a JWT holds from its own times, so that the server's
// clock does not matter.
func lifetime(jwt string) time.Duration {
	parts := strings.Split(jwt, ".")
	if len(parts) == 3 {
		var claims struct {
			Issued  wire.Int `json:"iat"`
			Expires wire.Int `json:"exp"`
		}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(b, &claims) == nil && claims.Issued.Known && claims.Expires.Value > claims.Issued.Value {
			return max(2*renewBefore, min(time.Duration(claims.Expires.Value-claims.Issued.Value)*time.Second, 24*time.Hour))
		}
	}
	return sessionFor
}

// maySignIn counts a sign-in, or says how long it must wait.
func (c *Client) maySignIn(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.signIns) > 0 && now.Sub(c.signIns[0]) >= 24*time.Hour {
		c.signIns = c.signIns[1:]
	}
	if n := len(c.signIns); n >= signInsDay {
		return c.signIns[n-signInsDay].Add(24 * time.Hour).Sub(now)
	} else if n >= signInsShort {
		if wait := c.signIns[n-signInsShort].Add(5 * time.Minute).Sub(now); wait > 0 {
			return wait
		}
	}
	c.signIns = append(c.signIns, now)
	return 0
}

// status is the HTTP status behind an error, 0 when there was no answer.
func status(err error) int {
	var f *platform.Failure
	if errors.As(err, &f) {
		return f.Status
	}
	return 0
}

// name is the XRPC error behind an error, "" when there is none.
func name(err error) string {
	var f *platform.Failure
	if errors.As(err, &f) {
		return f.Type
	}
	return ""
}
