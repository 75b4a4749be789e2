package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// BuiltIn are the variables that every template may use: the author's first
// name and handle (only where they may be said), the brand, the response time
// that may be promised now, in words, the opening hours of the week, and until
// when we answer today (only while open).
var BuiltIn = []string{"name", "handle", "brand", "expect", "hours", "until"}

// worded are the variables that are whole phrases.
var worded = []string{"expect", "hours", "until"}

// WordedLanguages are the languages in which {{expect}}, {{hours}} and {{until}}
// can be put into words.
var WordedLanguages = []string{"de", "en", "es", "fr", "pt"}

// Placeholders lists the names between {{ and }} in a text, in order.
func Placeholders(text string) ([]string, error) {
	var names []string
	for rest := text; ; {
		i := strings.Index(rest, "{{")
		if stray := strings.Index(rest, "}}"); stray >= 0 && (i < 0 || stray < i) {
			return names, errors.New("\"}}\" stands without \"{{\" before it")
		}
		if i < 0 {
			return names, nil
		}
		rest = rest[i+2:]
		j := strings.Index(rest, "}}")
		if j < 0 {
			return names, errors.New("\"{{\" is never closed with \"}}\"")
		}
		name := strings.TrimSpace(rest[:j])
		if name == "" || strings.ContainsAny(name, "{} \n") {
			return names, fmt.Errorf("%s is no variable: write {{name}}", quote("{{"+rest[:j]+"}}"))
		}
		names = append(names, name)
		rest = rest[j+2:]
	}
}

// Fill replaces every {{name}} by what value gives; false when value knows no
// such name.
func Fill(text string, value func(name string) (string, bool)) (string, bool) {
	var out strings.Builder
	for {
		i := strings.Index(text, "{{")
		if i < 0 {
			out.WriteString(text)
			return out.String(), true
		}
		j := strings.Index(text[i:], "}}")
		if j < 0 {
			return "", false
		}
		v, ok := value(strings.TrimSpace(text[i+2 : i+j]))
		if !ok {
			return "", false
		}
		out.WriteString(text[:i])
		out.WriteString(v)
		text = text[i+j+2:]
	}
}

// Rule finds a rule by name.
func (b *Bundle) Rule(name string) (Rule, bool) {
	for _, r := range b.Rules {
		if r.Name == name {
			return r, true
		}
	}
	return Rule{}, false
}

// On says whether the rule holds at t: it is enabled, and t is neither before its
// first day nor past its last, in loc.
func (r Rule) On(t time.Time, loc *time.Location) bool {
	if r.Enabled != nil && !*r.Enabled {
		return false
	}
	if r.Starts == "" && r.Expires == "" {
		return true
	}
	day := t.In(loc).Format(time.DateOnly)
	return r.Starts <= day && (r.Expires == "" || day <= r.Expires)
}
