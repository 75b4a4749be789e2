package platform

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// maxAnswer bounds an API answer, in bytes. A page of 100 posts with all fields
// stays below 1 MB.
const maxAnswer = 4 << 20

// NewHTTPClient returns the client that the adapters use in production: a whole
// call takes at most 12 s, so that a function with a 30 s limit has time to read
// back after an uncertain send; redirects are not followed, because an API that
// redirects is not the API that the token is for.
func NewHTTPClient() *http.Client {
	return &http.Client{
		Timeout: 12 * time.Second,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   4 * time.Second,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout: 10 * time.Second,
			IdleConnTimeout:       60 * time.Second,
			MaxIdleConnsPerHost:   4,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Failure is what a platform said when it would not do something. It is the
// cause of the care.Error that the adapters return, for errors.As and logs; it
// holds no text of a post and no token.
type Failure struct {
	Status int // HTTP status
	// Code and Subcode are the platform's own numbers (Meta), 0 without.
	Code, Subcode int
	// Type is the platform's own name of the problem (X: the problem type).
	Type string
	// Trace is the platform's id of the call, for its support.
	Trace string
	// RetryAfter is how long the platform asks us to wait, 0 when it does not say.
	RetryAfter time.Duration
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "status %d", f.Status)
	if f.Code != 0 || f.Subcode != 0 {
		fmt.Fprintf(&b, ", code %d/%d", f.Code, f.Subcode)
	}
	if f.Type != "" {
		b.WriteString(", " + f.Type)
	}
	if f.Trace != "" {
		b.WriteString(", trace " + f.Trace)
	}
	if f.RetryAfter > 0 {
		b.WriteString(", retry after " + f.RetryAfter.String())
	}
	return b.String()
}

// RetryAfter is how long the platform asked us to wait, if err says so.
func RetryAfter(err error) (time.Duration, bool) {
	var f *Failure
	if errors.As(err, &f) && f.RetryAfter > 0 {
		return f.RetryAfter, true
	}
	return 0, false
}

// Fail makes the care.Error for a failure. message is for people: whole words,
// no personal data.
func Fail(code care.Code, f *Failure, message string) *care.Error {
	return &care.Error{Code: code, Message: message, Cause: f}
}

// Caller makes API calls for one account.
type Caller struct {
	HTTP  *http.Client
	Base  string // scheme, host and path prefix, without a final slash
	Token string // sent as "Authorization: Bearer"
}

// Answer is an API's answer, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request with an optional JSON body and returns the answer with
// whatever status it has. It never repeats a request.
//
// Errors: Unavailable when nothing was sent, or when the call only reads;
// Unknown when a write was sent and no whole answer came back: the platform may
// or may not have done it. Invalid when the request cannot be built. Denied for
// a redirect: the base URL is wrong and a person must mend it.
func (c Caller) Do(ctx context.Context, method, path string, query url.Values, body any) (Answer, error) {
	target := c.Base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var payload io.Reader
	if body != nil {
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(body); err != nil {
			return Answer{}, care.Errorf(care.Invalid, "the request cannot be written as JSON: %w", err)
		}
		payload = bytes.NewReader(bytes.TrimSpace(buffer.Bytes()))
	}
	// Bytes on the wire are what makes an outcome uncertain. WroteHeaders comes
	// first of all signs, so that nothing sent is ever called unsent.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { sent.Store(true) },
		WroteHeaders:     func() { sent.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, method, target, payload)
	if err != nil {
		return Answer{}, care.Errorf(care.Invalid, "the request's address is wrong; check the account's base URL")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "fielder/1 (+https://github.com/fielder-care/fielder)")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	writes := method != http.MethodGet && method != http.MethodHead
	lost := func(err error) error {
		// url.Error prints the whole URL; only its inner error is kept.
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		if writes && sent.Load() {
			return care.Errorf(care.Unknown, "the platform gave no answer after the request was sent: %w", err)
		}
		return care.Errorf(care.Unavailable, "the platform cannot be reached: %w", err)
	}
	client := c.HTTP
	if client == nil {
		return Answer{}, care.Errorf(care.Internal, "no HTTP client is configured")
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, lost(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, lost(err)
	}
	if len(data) > maxAnswer {
		return Answer{}, lost(fmt.Errorf("the answer has more than %d bytes", maxAnswer))
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		return Answer{}, Fail(care.Denied, &Failure{Status: response.StatusCode}, "the platform redirects; check the account's base URL")
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: data}, nil
}

// OK is true for a 2xx answer.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Value parses the answer's body; the absent Value when it is no JSON.
func (a Answer) Value() Value {
	v, err := Parse(a.Body)
	if err != nil {
		return Value{}
	}
	return v
}

// CodeOfStatus maps an HTTP status that nothing more precise explains. writes
// tells whether the call could have changed something: then a server error is
// Unknown, because it may have struck after the change.
func CodeOfStatus(status int, writes bool) care.Code {
	switch {
	case status == http.StatusTooManyRequests:
		return care.Throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPaymentRequired:
		return care.Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		if writes {
			return care.Refused
		}
		return care.NotFound
	case status >= 500, status == http.StatusRequestTimeout, status < 400:
		if writes {
			return care.Unknown
		}
		return care.Unavailable
	}
	return care.Invalid
}

// RetryAfterHeader reads the standard Retry-After header, seconds or HTTP date.
// At most a day is believed.
func RetryAfterHeader(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return Wait(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return Wait(at.Sub(now))
	}
	return 0
}

// Wait bounds a wait that a platform asked for to 0..24 h.
func Wait(d time.Duration) time.Duration { return min(max(d, 0), 24*time.Hour) }

// Segment escapes an id for use as one path segment of a URL. "", "." and ".."
// would name another resource and are Invalid.
func Segment(id string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", care.Errorf(care.Invalid, "an id is empty or no id at all")
	}
	return url.PathEscape(id), nil
}
