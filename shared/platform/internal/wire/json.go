package wire

import (
	"bytes"
	"encoding/json"
	"errors"
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

// List decodes a JSON array, Object a JSON object, as far as their parts have the
// types that v wants: encoding/json leaves out what does not fit and goes on. ok
// is false when body is no JSON, or not an array or object at all. Some servers
// write an empty array as null.
func List[T any](body []byte) (v []T, ok bool) {
	if string(bytes.TrimSpace(body)) == "null" {
		return nil, true
	}
	ok = decode(body, '[', &v)
	return v, ok
}

// Object is like List.
func Object(body []byte, v any) (ok bool) { return decode(body, '{', v) }

func decode(body []byte, open byte, v any) bool {
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != open {
		return false
	}
	err := json.Unmarshal(body, v)
	var mismatch *json.UnmarshalTypeError
	return err == nil || errors.As(err, &mismatch)
}

// Or is what p points to, or the zero value.
func Or[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
