package match

import (
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// mostDetails bounds how many contact details of one post are looked up.
const mostDetails = 4

// contactDetails finds e-mail addresses and international phone numbers in a
// text, as identities to look up: e-mail addresses in lower case, phone numbers
// in E.164. National numbers are left alone: which country they belong to would
// be a guess.
func contactDetails(text string) []care.Identity {
	var found []care.Identity
	add := func(scheme, value string) {
		i := care.Identity{Scheme: scheme, Value: value}
		for _, f := range found {
			if f.Scheme == scheme && f.Value == value {
				return
			}
		}
		if len(found) < mostDetails {
			found = append(found, i)
		}
	}
	for pos := range len(text) {
		switch text[pos] {
		case '@':
			if e := emailAt(text, pos); e != "" {
				add("email", e)
			}
		case '+':
			if p := phoneAt(text, pos); p != "" {
				add("phone", p)
			}
		}
	}
	return found
}

// emailAt returns the address around an "@", "" when there is none. Lengths are
// those of RFC 5321, section 4.5.3.1: 64 before, 255 after.
func emailAt(text string, at int) string {
	isLocal := func(c byte) bool { return isAlnum(c) || strings.IndexByte("._%+-", c) >= 0 }
	isDomain := func(c byte) bool { return isAlnum(c) || c == '.' || c == '-' }
	start, end := at, at+1
	for start > 0 && at-start <= 64 && isLocal(text[start-1]) {
		start--
	}
	for end < len(text) && end-at <= 256 && isDomain(text[end]) {
		end++
	}
	local := strings.TrimLeft(text[start:at], ".")
	domain := strings.TrimRight(text[at+1:end], ".-") // the end of a sentence
	dot := strings.LastIndexByte(domain, '.')
	if local == "" || len(local) > 64 || len(domain) > 255 || dot < 1 || len(domain)-dot < 3 || strings.Contains(domain, "..") {
		return ""
	}
	return strings.ToLower(local + "@" + domain)
}

// phoneAt returns the number that begins with a "+", "" when there is none.
// E.164 numbers have at most 15 digits; none in use has fewer than 7.
func phoneAt(text string, plus int) string {
	if plus > 0 && isAlnum(text[plus-1]) {
		return "" // "a+1", or the middle of an e-mail address
	}
	digits := make([]byte, 1, 16)
	digits[0] = '+'
	for _, c := range []byte(text[plus+1:]) {
		switch {
		case c >= '0' && c <= '9':
			if digits = append(digits, c); len(digits) > 16 {
				return ""
			}
			continue
		case strings.IndexByte(" -./()", c) >= 0:
			continue
		}
		break
	}
	if len(digits) < 8 || digits[1] == '0' {
		return ""
	}
	return string(digits)
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
