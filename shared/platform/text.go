package platform

import (
	"strings"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
)

// Text makes foreign text safe to keep: valid UTF-8 (bad bytes become U+FFFD),
// no control characters but tab and line feed (CRLF and CR become LF), and at
// most care.MaxTextBytes, cut on a rune boundary; truncated tells that it was.
func Text(s string) (clean string, truncated bool) { return clip(s, care.MaxTextBytes) }

// MaxNameBytes bounds display names, handles and labels, in bytes.
const MaxNameBytes = 256

// Name makes a foreign display name or handle safe to keep: as Text, on one
// line, at most MaxNameBytes.
func Name(s string) string {
	clean, _ := clip(s, MaxNameBytes)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, clean))
}

func clip(s string, limit int) (string, bool) {
	if !tidy(s) {
		// Cut first: a hostile body should not cost a copy of all of it. The
		// tail that goes can only shrink what is left.
		truncated := len(s) > 4*limit
		if truncated {
			s = string(cut([]byte(s), 4*limit))
		}
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\r':
				return '\n'
			case r == '\t' || r == '\n':
				return r
			case r < ' ' || r >= 0x7f && r <= 0x9f:
				return -1
			}
			return r
		}, s)
		if truncated && len(s) <= limit {
			return s, true
		}
	}
	if len(s) <= limit {
		return s, false
	}
	return string(cut([]byte(s), limit)), true
}

// tidy is the common case: nothing to repair.
func tidy(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == 0xc2 {
			// 0xc2 starts the C1 controls (U+0080 to U+009F), among others.
			return false
		}
	}
	return utf8.ValidString(s)
}

// cut shortens b to at most n bytes without splitting a rune.
func cut(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// Link keeps an absolute http or https URL of at most 2,048 bytes (signed media
// links are long) and drops anything else: a "javascript:" URL never reaches the
// agent's screen.
func Link(s string) string {
	if len(s) > 2048 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return ""
	}
	lower := strings.ToLower(s[:min(len(s), 8)])
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return s
	}
	return ""
}
