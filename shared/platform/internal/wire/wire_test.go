package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func caller(t *testing.T, h http.HandlerFunc) Caller {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := NewCaller("test server", srv.URL, srv.Client(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What may have happened decides the code: a write that reached the server is
// Unknown, all else is Unavailable.
func TestDoTellsWhatMayHaveHappened(t *testing.T) {
	drop := func(w http.ResponseWriter, r *http.Request) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	}
	huge := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(w, zeros{}, MaxBody+10)
	}
	for name, tc := range map[string]struct {
		h           http.HandlerFunc
		write, read care.Code
	}{
		"dropped":  {drop, care.Unknown, care.Unavailable},
		"hanging":  {hang, care.Unknown, care.Unavailable},
		"cut":      {cut, care.Unknown, care.Unavailable},
		"too long": {huge, care.Unknown, care.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			c := caller(t, tc.h)
			for write, want := range map[bool]care.Code{true: tc.write, false: tc.read} {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				_, err := c.Do(ctx, Request{Method: http.MethodPost, Path: "/x", Body: []byte("{}"), Write: write})
				cancel()
				if care.CodeOf(err) != want {
					t.Errorf("write %v: got %v, want %s", write, err, want)
				}
				if strings.Contains(err.Error(), "127.0.0.1") && strings.Contains(err.Error(), "/x") {
					t.Errorf("the error shows the address: %v", err)
				}
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		srv := httptest.NewServer(nil)
		base := srv.URL
		srv.Close()
		c, err := NewCaller("test server", base, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), Request{Method: http.MethodPost, Path: "/", Body: []byte("{}"), Write: true}); care.CodeOf(err) != care.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestFail(t *testing.T) {
	c := Caller{Name: "test server", Clock: func() time.Time { return now }}
	for status, want := range map[int][2]care.Code{ // read, write
		301: {care.Invalid, care.Invalid}, 400: {care.Invalid, care.Invalid}, 401: {care.Denied, care.Denied}, 403: {care.Denied, care.Denied},
		404: {care.NotFound, care.NotFound}, 408: {care.Unavailable, care.Unknown}, 409: {care.Conflict, care.Conflict}, 410: {care.NotFound, care.NotFound},
		413: {care.Invalid, care.Invalid}, 422: {care.Invalid, care.Invalid}, 429: {care.Throttled, care.Throttled},
		500: {care.Unavailable, care.Unknown}, 502: {care.Unavailable, care.Unknown}, 503: {care.Unavailable, care.Unknown}, 504: {care.Unavailable, care.Unknown},
	} {
		for i, write := range []bool{false, true} {
			err := c.Fail(Response{Status: status, Header: http.Header{}}, write, "SomeName")
			var f *platform.Failure
			if care.CodeOf(err) != want[i] || !errors.As(err, &f) || f.Status != status || f.Type != "SomeName" {
				t.Errorf("%d, write %v: got %v, want %s", status, write, err, want[i])
			}
		}
	}
	if err := c.Fail(Response{Status: 400}, false, "Lena said: call me"); strings.Contains(err.Error(), "Lena") {
		t.Errorf("the server's words are in %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	c := Caller{Clock: func() time.Time { return now }}
	for name, tc := range map[string]struct {
		h    http.Header
		want time.Duration
	}{
		"seconds":              {http.Header{"Retry-After": {"17"}}, 17 * time.Second},
		"a date":               {http.Header{"Retry-After": {"Mon, 02 Nov 2026 09:01:30 GMT"}}, 90 * time.Second},
		"a date, by its clock": {http.Header{"Retry-After": {"Mon, 02 Nov 2026 11:01:30 GMT"}, "Date": {"Mon, 02 Nov 2026 11:01:00 GMT"}}, 30 * time.Second},
		"Mastodon's reset":     {http.Header{"X-Ratelimit-Reset": {"2026-11-02T09:05:00.000000Z"}}, 5 * time.Minute},
		"Bluesky's reset":      {http.Header{"Ratelimit-Reset": {"1793610060"}}, time.Minute}, // date -u -d 2026-11-02T09:01:00Z +%s
		"the draft's reset":    {http.Header{"Ratelimit-Reset": {"45"}}, 45 * time.Second},
		"both: the first wins": {http.Header{"Retry-After": {"3"}, "Ratelimit-Reset": {"45"}}, 3 * time.Second},
		"a year":               {http.Header{"Retry-After": {"31536000"}}, 24 * time.Hour},
		"huge":                 {http.Header{"Retry-After": {"9223372036854775807"}}, 24 * time.Hour},
		"huge reset":           {http.Header{"Ratelimit-Reset": {"9223372036854775807"}}, 24 * time.Hour},
		"negative":             {http.Header{"Retry-After": {"-5"}}, 0},
		"nonsense":             {http.Header{"Retry-After": {"soon"}, "X-Ratelimit-Reset": {"later"}}, 0},
		"nothing":              {http.Header{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.RetryAfter(tc.h); got != tc.want {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestLenientTypes(t *testing.T) {
	type all struct {
		S Str
		B Bool
		I Int
		T Time
	}
	for name, tc := range map[string]struct {
		in   string
		want all
	}{
		"as documented":  {`{"S":"a","B":true,"I":5,"T":"2026-11-02T09:00:00.000Z"}`, all{"a", true, Int{5, true}, Time{now}}},
		"numbers for":    {`{"S":117020565693913441,"B":1,"I":"5","T":1793610000}`, all{"117020565693913441", true, Int{5, true}, Time{}}},
		"null":           {`{"S":null,"B":null,"I":null,"T":null}`, all{}},
		"objects, lists": {`{"S":{},"B":[],"I":{"a":1},"T":[1]}`, all{}},
		"out of range":   {`{"S":-1,"B":"yes","I":-3,"T":"0001-01-01"}`, all{S: "-1"}},
		"too large":      {`{"I":1e300,"T":"2026-13-45T00:00:00Z"}`, all{}},
		"fraction":       {`{"I":4.9}`, all{I: Int{4, true}}},
		"no zone":        {`{"T":"2026-11-02T09:00:00"}`, all{T: Time{now}}},
		"another zone":   {`{"T":"2026-11-02T10:00:00+01:00"}`, all{T: Time{now}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got all
			if !Object([]byte(tc.in), &got) {
				t.Fatal("not read")
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Fatalf("(-want +got)\n%s", d)
			}
		})
	}
}

// One wrong part costs that part, not what is beside it.
func TestPartsThatDoNotFit(t *testing.T) {
	type inner struct{ A Str }
	type outer struct {
		One  inner
		Many []inner
		Ptr  *inner
		Last Str
	}
	for in, want := range map[string]outer{
		`{"One":7,"Many":"x","Ptr":null,"Last":"z"}`:                {Last: "z"},
		`{"One":[],"Many":{"a":1},"Last":"z"}`:                      {Last: "z"},
		`{"One":{"A":1},"Many":[{"A":"b"},3,null],"Last":"z"}`:      {One: inner{"1"}, Many: []inner{{"b"}, {}, {}}, Last: "z"},
		`{"One":null,"Many":null,"Ptr":{"A":"c"},"Last":"z","X":1}`: {Ptr: &inner{"c"}, Last: "z"},
	} {
		var got outer
		if !Object([]byte(in), &got) {
			t.Fatalf("%s: not read", in)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", in, d)
		}
	}
	for _, bad := range []string{"", " ", "null", "[]", "7", `{"a"`, `{}{}`, strings.Repeat(`{"a":`, 20_000)} {
		if Object([]byte(bad), new(map[string]json.RawMessage)) {
			t.Errorf("%.20q is no object", bad)
		}
	}
	for _, bad := range []string{"", "nul", "{}", "[1", strings.Repeat("[", 20_000)} {
		if _, ok := List[inner]([]byte(bad)); ok {
			t.Errorf("%.20q is no list", bad)
		}
	}
	for _, good := range []string{" \n[] ", "null\n"} {
		if l, ok := List[inner]([]byte(good)); !ok || len(l) != 0 {
			t.Errorf("%q is an empty list", good)
		}
	}
}

func TestFingerprint(t *testing.T) {
	same := [][2]string{
		{"Thanks! It's done – see https://a.example/x", "thanks. It’s done - see https://a.example/x"},
		{"a  b\nc", "abc"}, {"**bold** text", "bold text"}, {"¡Hola!", "¡hola!"}, {"?!", "?!"},
	}
	for _, p := range same {
		if Fingerprint(p[0]) != Fingerprint(p[1]) {
			t.Errorf("%q and %q say the same", p[0], p[1])
		}
	}
	differ := [][2]string{{"yes", "no"}, {"order 12", "order 13"}, {"日本", "日曜"}, {"😀", "😡"}, {"?", "!"}, {"", "a"}}
	for _, p := range differ {
		if Fingerprint(p[0]) == Fingerprint(p[1]) {
			t.Errorf("%q and %q differ", p[0], p[1])
		}
	}
}

// From Unicode's GraphemeBreakTest (16.0): clusters counted there.
func TestGraphemes(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "e\u0301": 1, "\r\n": 1, "👨‍👩‍👧‍👦": 1, "🇩🇪🇪🇸": 2, "क्ष": 1, "각": 1, "a\u0308\u200db": 2,
	} {
		if got := Graphemes(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}
