// Package wire is the plumbing that the polled platforms share: bounded HTTP
// calls whose failures say whether the other side can have acted, rate-limit
// headers in both dialects, JSON that forgives what foreign servers leave out or
// send in another type, and text measured and compared.
package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

const (
	// MaxBody bounds a response. A full page of the largest posts that servers
	// allow by default (Akkoma and GoToSocial: 5,000 characters) stays below 1 MB.
	MaxBody = 8 << 20
	// Timeout bounds one request; a function's own deadline may be nearer.
	Timeout = 10 * time.Second
	// DefaultRetry is the wait after a 429 that names no time. The windows of
	// both platforms are five minutes.
	DefaultRetry = time.Minute
)

// ErrTooLarge is the cause of the error for a response above MaxBody.
var ErrTooLarge = errors.New("response too large")

// Caller makes requests to one server.
type Caller struct {
	Base  *url.URL
	HTTP  *http.Client
	Clock func() time.Time
	// Name is how the server is called in errors ("Mastodon").
	Name string
}

// NewCaller checks the base URL. http is allowed: servers on loopback and behind
// a mesh have no certificate.
func NewCaller(name, base string, c *http.Client, clock func() time.Time) (Caller, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Caller{}, care.Errorf(care.Invalid, "the base URL of the %s account is not of the form https://host", name)
	}
	if c == nil {
		c = http.DefaultClient
	}
	if clock == nil {
		clock = time.Now
	}
	own := *c
	// A redirect is a wrong base URL. Following one could carry a write to
	// another host or turn it into a GET.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return Caller{Base: u, HTTP: &own, Clock: clock, Name: name}, nil
}

// Request is one call. Path starts with "/"; its segments are already escaped.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte // JSON
	// Write is true when the call changes something: a failure after the request
	// may have reached the server is then care.Unknown.
	Write bool
}

// Response is a whole answer, whatever its status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK is true for a 2xx.
func (r Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// onceBody hides the reader's type, so that net/http sets no GetBody and can
// never send it twice on its own: it replays a request with an Idempotency-Key
// on a broken connection, and some servers ignore that header.
type onceBody struct{ io.Reader }

// Do makes the call. Errors: Unavailable when nothing can have happened or it
// was only a read, Unknown when a write may have happened. Status codes are the
// caller's to judge (see Fail).
func (c Caller) Do(ctx context.Context, r Request) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	// From the moment a connection is ours, bytes may flow.
	var reached atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { reached.Store(true) },
	})
	u := *c.Base
	raw := u.EscapedPath() + r.Path
	u.RawPath = raw
	p, err := url.PathUnescape(raw)
	if err != nil {
		return Response{}, care.Errorf(care.Invalid, "path for %s: %w", c.Name, err)
	}
	u.Path = p
	u.RawQuery = r.Query.Encode()
	var body io.Reader
	if r.Body != nil {
		body = onceBody{bytes.NewReader(r.Body)}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return Response{}, care.Errorf(care.Invalid, "request to %s: %w", c.Name, err)
	}
	if r.Body != nil {
		req.ContentLength = int64(len(r.Body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "fielder (+https://github.com/fielder-care/fielder)")
	for k, v := range r.Header {
		req.Header[k] = v
	}
	fail := func(err error) (Response, error) {
		code := care.Unavailable
		if r.Write && reached.Load() {
			code = care.Unknown
		}
		return Response{}, care.Errorf(code, "%s did not answer: %w", c.Name, redact(err))
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	if err != nil {
		return fail(err)
	}
	if len(b) > MaxBody {
		code := care.Invalid
		if r.Write {
			code = care.Unknown
		}
		return Response{}, care.Errorf(code, "%s: %w", c.Name, ErrTooLarge)
	}
	return Response{Status: res.StatusCode, Header: res.Header, Body: b}, nil
}

// redact drops the URL from an error of net/http: queries and paths can name
// people.
func redact(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return context.DeadlineExceeded
	}
	return err
}

// Fail turns a status outside 2xx into an error: 429 -> Throttled with platform.RetryAfter,
// 401 and 403 -> Denied, 404 and 410 -> NotFound, 409 -> Conflict, 5xx and 408 ->
// Unavailable, or Unknown for a write (a proxy's 502 or 504 says nothing about
// what happened behind it), 3xx and every other 4xx -> Invalid. detail is the
// server's own error name; anything else it says may quote people and is left
// out.
func (c Caller) Fail(r Response, write bool, detail string) error {
	f := &platform.Failure{Status: r.Status, Type: Token(detail)}
	code, said := care.Invalid, c.Name+" will not do it"
	switch s := r.Status; {
	case s == http.StatusTooManyRequests:
		code, said = care.Throttled, c.Name+" wants fewer requests"
		if f.RetryAfter = c.RetryAfter(r.Header); f.RetryAfter <= 0 {
			f.RetryAfter = DefaultRetry
		}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		code, said = care.Denied, c.Name+" does not let this account do it"
	case s == http.StatusNotFound, s == http.StatusGone:
		code, said = care.NotFound, c.Name+" does not have it"
	case s == http.StatusConflict:
		code, said = care.Conflict, c.Name+" reports a conflict"
	case s >= 500, s == http.StatusRequestTimeout:
		code, said = care.Unavailable, c.Name+" failed"
		if write {
			code = care.Unknown
		}
	case s >= 300 && s < 400:
		said = c.Name + " redirects: the base URL must be the one that does not"
	}
	return platform.Fail(code, f, said)
}

// Token keeps s when it looks like an error name ("ExpiredToken"), else "".
func Token(s string) string {
	if len(s) > 64 {
		return ""
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '.' {
			return ""
		}
	}
	return s
}
