package wire

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/platform"
)

// Low is how few requests may be left in a window before a poll asks for a
// pause: the rest belongs to sending.
const Low = 20

// Wait is how long a poll should pause after a successful answer: until the
// window ends when Low or fewer requests are left of a window that allows more
// than that, else 0. Missing and unreadable headers mean 0.
func (c Caller) Wait(h http.Header) time.Duration {
	left, ok := number(first(h, "X-RateLimit-Remaining", "RateLimit-Remaining"))
	if !ok {
		return 0
	}
	low := int64(Low)
	if limit, ok := number(first(h, "X-RateLimit-Limit", "RateLimit-Limit")); ok && limit <= 2*Low {
		low = 0
	}
	if left > low {
		return 0
	}
	return c.reset(h)
}

// RetryAfter is how long a 429 asks us to wait: Retry-After (seconds or a date,
// RFC 9110), else the end of the window; 0 when neither is readable.
func (c Caller) RetryAfter(h http.Header) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if n, ok := number(v); ok {
			return platform.Wait(seconds(n))
		}
		if t, err := http.ParseTime(v); err == nil {
			return platform.Wait(t.Sub(c.now(h)))
		}
	}
	return c.reset(h)
}

// reset reads X-RateLimit-Reset (Mastodon: an ISO 8601 time) or RateLimit-Reset
// (Bluesky: Unix seconds; the IETF draft: seconds from now).
func (c Caller) reset(h http.Header) time.Duration {
	v := first(h, "X-RateLimit-Reset", "RateLimit-Reset")
	if v == "" {
		return 0
	}
	if n, ok := number(v); ok {
		if n < 1e9 {
			return platform.Wait(seconds(n))
		}
		return platform.Wait(time.Unix(min(n, 1<<40), 0).Sub(c.now(h)))
	}
	if t, ok := ParseTime(v); ok {
		return platform.Wait(t.Sub(c.now(h)))
	}
	return 0
}

// now is the server's own clock when it tells, so that a difference between the
// clocks does not become a wait.
func (c Caller) now(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return c.Clock()
}

func seconds(n int64) time.Duration {
	return time.Duration(min(n, 1<<30)) * time.Second
}

func first(h http.Header, names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(h.Get(n)); v != "" {
			return v
		}
	}
	return ""
}

func number(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0
}
