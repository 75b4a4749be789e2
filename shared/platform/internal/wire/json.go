package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types below read JSON of servers that we do not know: a value of another
// type than the documented one counts as absent, or is converted where that is
// safe, and never fails the item around it.

// Str reads a string; a number or boolean becomes its text (ids), anything else
// "".
type Str string

// UnmarshalJSON never fails.
func (s *Str) UnmarshalJSON(b []byte) error {
	*s = ""
	switch {
	case len(b) == 0:
	case b[0] == '"':
		var v string
		if json.Unmarshal(b, &v) == nil {
			*s = Str(v)
		}
	case b[0] == '-', b[0] >= '0' && b[0] <= '9', b[0] == 't', b[0] == 'f':
		*s = Str(b)
	}
	return nil
}

// Bool reads true, "true" and 1; anything else is false.
type Bool bool

// UnmarshalJSON never fails.
func (v *Bool) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	*v = s == "true" || s == "1"
	return nil
}

// Int reads a number or its text; Known is false for anything else and for
// negative or huge values.
type Int struct {
	Value int
	Known bool
}

// UnmarshalJSON never fails.
func (v *Int) UnmarshalJSON(b []byte) error {
	*v = Int{}
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	if err == nil && f >= 0 && f <= math.MaxInt32 {
		*v = Int{Value: int(f), Known: true}
	}
	return nil
}

// Pointer is nil when the value is not known.
func (v Int) Pointer() *int {
	if !v.Known {
		return nil
	}
	n := v.Value
	return &n
}

// Time reads an ISO 8601 time, in UTC; zero when it is none.
type Time struct{ time.Time }

// UnmarshalJSON never fails.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s string
	if json.Unmarshal(b, &s) == nil {
		if v, ok := ParseTime(s); ok {
			t.Time = v
		}
	}
	return nil
}

// ParseTime reads the ISO 8601 times that servers send: with or without
// fraction, zone and time of day. A year outside 1970..2200 is no time.
func ParseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			return t, t.Year() >= 1970 && t.Year() <= 2200
		}
	}
	return time.Time{}, false
}

// List reads an array; null, a missing or another value is an empty list, and
// elements that cannot be read are left out.
type List[T any] []T

// UnmarshalJSON never fails.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	var raw []json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		return nil
	}
	for _, r := range raw {
		var v Opt[T]
		_ = v.UnmarshalJSON(r)
		if v.Known {
			*l = append(*l, v.Value)
		}
	}
	return nil
}

// Opt reads an object; null and anything unreadable is not Known.
type Opt[T any] struct {
	Value T
	Known bool
}

// UnmarshalJSON never fails.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	*o = Opt[T]{}
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return nil
	}
	var v T
	if json.Unmarshal(b, &v) == nil {
		*o = Opt[T]{Value: v, Known: true}
	}
	return nil
}
