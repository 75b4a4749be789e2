package platform_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func caller(base string) platform.Caller {
	return platform.Caller{HTTP: platform.NewHTTPClient(), Base: base, Token: "tok-secret"}
}

func TestDoSendsOnceWithTokenAndBody(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
		w.WriteHeader(201)
		io.WriteString(w, `{"ok":true}`)
	}))
	defer server.Close()
	answer, err := caller(server.URL).Do(context.Background(), "POST", "/2/things", url.Values{"q": {"a b"}}, map[string]any{"text": "1 < 2 & ü"})
	if err != nil || answer.Status != 201 || !answer.OK() || !answer.Value().Get("ok").True() {
		t.Fatalf("%+v, %v", answer, err)
	}
	if got.Header.Get("Authorization") != "Bearer tok-secret" || got.Header.Get("Content-Type") != "application/json" || got.URL.String() != "/2/things?q=a+b" {
		t.Errorf("%s %v", got.URL, got.Header)
	}
	if body != `{"text":"1 < 2 & ü"}` {
		t.Errorf("body %s", body)
	}
}

// What the caller may conclude after a failure depends on whether anything was
// sent, and on whether the call writes.
func TestDoTellsUnsentFromUncertain(t *testing.T) {
	hang := make(chan struct{})
	cut := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}
	half := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"data":`)
	}
	away := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		method  string
		want    care.Code
	}{
		{"WriteConnectionCut", cut, "POST", care.Unknown},
		{"ReadConnectionCut", cut, "GET", care.Unavailable},
		{"WriteTimeOut", slow, "POST", care.Unknown},
		{"ReadTimeOut", slow, "GET", care.Unavailable},
		{"WriteHalfAnAnswer", half, "POST", care.Unknown},
		{"ReadHalfAnAnswer", half, "GET", care.Unavailable},
		{"Redirect", away, "POST", care.Denied},
		{"ConnectionRefused", nil, "POST", care.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			base := server.URL
			if c.handler == nil {
				server.Close()
			} else {
				defer server.Close()
			}
			ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
			defer cancel()
			var body any
			if c.method == "POST" {
				body = map[string]any{"text": "hello"}
			}
			_, err := caller(base).Do(ctx, c.method, "/x?secret=1", nil, body)
			if care.CodeOf(err) != c.want {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if strings.Contains(err.Error(), "tok-secret") || strings.Contains(err.Error(), "secret=1") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	close(hang)
}

func TestDoUnsentWhenTheHandshakeFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close() // no TLS here
		}
	}()
	_, err = caller("https://"+listener.Addr().String()).Do(context.Background(), "POST", "/", nil, map[string]any{})
	if care.CodeOf(err) != care.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestDoUnsentWhenTheDeadlineIsPast(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := caller("http://127.0.0.1:1").Do(ctx, "POST", "/", nil, map[string]any{})
	if care.CodeOf(err) != care.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDoBoundsTheAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("a", 1<<20))
		for range 6 {
			w.Write(chunk)
		}
	}))
	defer server.Close()
	if _, err := caller(server.URL).Do(context.Background(), "GET", "/", nil, nil); care.CodeOf(err) != care.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestDoRefusesABrokenBase(t *testing.T) {
	for _, base := range []string{"http://[::1", "://", "http://a b"} {
		if _, err := caller(base).Do(context.Background(), "GET", "/", nil, nil); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: got %v", base, err)
		}
	}
}

func TestCodeOfStatus(t *testing.T) {
	for _, c := range []struct {
		status      int
		write, read care.Code
	}{
		{400, care.Invalid, care.Invalid},
		{401, care.Denied, care.Denied},
		{402, care.Denied, care.Denied},
		{403, care.Denied, care.Denied},
		{404, care.Refused, care.NotFound},
		{408, care.Unknown, care.Unavailable},
		{410, care.Refused, care.NotFound},
		{422, care.Invalid, care.Invalid},
		{429, care.Throttled, care.Throttled},
		{500, care.Unknown, care.Unavailable},
		{503, care.Unknown, care.Unavailable},
	} {
		if got := platform.CodeOfStatus(c.status, true); got != c.write {
			t.Errorf("write %d: %s, want %s", c.status, got, c.write)
		}
		if got := platform.CodeOfStatus(c.status, false); got != c.read {
			t.Errorf("read %d: %s, want %s", c.status, got, c.read)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value string
		want  time.Duration
	}{
		{"", 0}, {"30", 30 * time.Second}, {"-5", 0}, {"999999", 24 * time.Hour}, {"soon", 0},
		{"Sat, 21 Nov 2026 12:02:00 GMT", 2 * time.Minute}, {"Sat, 21 Nov 2026 11:00:00 GMT", 0},
	} {
		if got := platform.RetryAfterHeader(http.Header{"Retry-After": {c.value}}, now); got != c.want {
			t.Errorf("%q: %s, want %s", c.value, got, c.want)
		}
	}
	err := platform.Fail(care.Throttled, &platform.Failure{Status: 429, RetryAfter: time.Minute}, "slow down")
	if wait, ok := platform.RetryAfter(err); !ok || wait != time.Minute || care.CodeOf(err) != care.Throttled {
		t.Errorf("%v, %v", wait, ok)
	}
	if _, ok := platform.RetryAfter(errors.New("other")); ok {
		t.Error("a plain error has a wait")
	}
}

func TestSegment(t *testing.T) {
	for in, want := range map[string]string{"123_456": "123_456", "a/../b": "a%2F..%2Fb", "{page-post-id}": "%7Bpage-post-id%7D", "did:plc:x": "did:plc:x"} {
		if got, err := platform.Segment(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", ".", ".."} {
		if _, err := platform.Segment(bad); care.CodeOf(err) != care.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestVerifySum(t *testing.T) {
	// RFC 4231, test case 2.
	const key, data = "Jefe", "what do ya want for nothing?"
	const good = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	for _, c := range []struct {
		name, secret, signature, body string
		want                          care.Code
	}{
		{"RFC4231", key, good, data, ""},
		{"UpperCaseHex", key, "sha256=" + strings.ToUpper(good[7:]), data, ""},
		{"ErrBody", key, good, data + " ", care.Denied},
		{"ErrSecret", "jefe", good, data, care.Denied},
		{"ErrMissing", key, "", data, care.Denied},
		{"ErrOtherHash", key, "sha1=" + good[7:47], data, care.Denied},
		{"ErrShort", key, good[:len(good)-2], data, care.Denied},
		{"ErrLong", key, good + "00", data, care.Denied},
		{"ErrNotHex", key, "sha256=" + strings.Repeat("zz", 32), data, care.Denied},
		{"ErrSpace", key, " " + good, data, care.Denied},
		{"ErrNoSecret", "", good, data, care.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := care.CodeOf(platform.VerifySum(c.secret, c.signature, []byte(c.body), hex.DecodeString)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if !platform.Same("a", "a") || platform.Same("a", "b") || platform.Same("", "") || platform.Same("a", "") {
		t.Error("Same")
	}
}
