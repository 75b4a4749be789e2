package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
)

// Limits on foreign JSON. Larger or deeper input is refused before it is parsed.
const (
	// MaxBody is the largest body that is looked at, in bytes. A synchronous
	// Lambda invocation carries at most 6 MB (Lambda quotas), so nothing larger
	// can arrive in AWS.
	MaxBody = 6 << 20
	// MaxDepth is how deep arrays and objects may nest. The deepest body that a
	// platform documents has 11 levels.
	MaxDepth = 64
	// MaxIDBytes bounds a platform's id. The longest known are Instagram's
	// message ids, under 200 bytes; a DynamoDB sort key ends at 1,024.
	MaxIDBytes = 512
)

// Value is a piece of a JSON document, or nothing: looking up what is not there
// gives the absent Value, so that lookups chain. It points into the document and
// decodes nothing until asked: a webhook body is mostly fields that we do not
// need. Its methods never panic.
type Value struct {
	in       *document
	from, to int // in.body[from:to] is this value without surrounding space
}

// document is a checked body, and where the members of the objects looked into
// last stand: a normaliser asks one object for twenty members, and finding each
// by scanning was half of the time that a post took. Not for concurrent use.
type document struct {
	body  []byte
	slots [16]slot
	next  int
}

type slot struct {
	from    int // the object's place + 1; 0 when unused
	members []member
}

type member struct{ key, colon, from, to int32 } // body[key:colon] is the quoted key

// members returns an object's members, indexed at most once while it is in use.
func (d *document) members(v Value) []member {
	for i := range d.slots {
		if d.slots[i].from == v.from+1 {
			return d.slots[i].members
		}
	}
	s := &d.slots[d.next]
	d.next = (d.next + 1) % len(d.slots)
	s.from, s.members = v.from+1, s.members[:0]
	for i := space(d.body, v.from+1); i < v.to && d.body[i] == '"'; {
		m := member{key: int32(i)}
		i = skip(d.body, i)
		m.colon = int32(i)
		i = space(d.body, space(d.body, i)+1)
		m.from = int32(i)
		i = skip(d.body, i)
		m.to = int32(i)
		s.members = append(s.members, m)
		i = space(d.body, i)
		if i >= v.to || d.body[i] != ',' {
			break
		}
		i = space(d.body, i+1)
	}
	return s.members
}

// Parse checks size, nesting and syntax, and returns the document's value. Every
// failure is Invalid and says what is wrong and where.
func Parse(body []byte) (Value, error) {
	if len(body) > MaxBody {
		return Value{}, care.Errorf(care.Invalid, "the body has %d bytes, more than the limit of %d", len(body), MaxBody)
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return Value{}, care.Errorf(care.Invalid, "the body is empty")
	}
	if at, deep := tooDeep(body); deep {
		return Value{}, care.Errorf(care.Invalid, "the JSON nests deeper than the limit of %d levels at byte %d", MaxDepth, at)
	}
	if !json.Valid(body) {
		// Ask again for the words: Valid is the fast path, and says only no.
		var whole json.RawMessage
		err := json.Unmarshal(body, &whole)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return Value{}, care.Errorf(care.Invalid, "the body is not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
		}
		return Value{}, care.Errorf(care.Invalid, "the body is not JSON")
	}
	return root(&document{body: body}), nil
}

func root(in *document) Value {
	from := space(in.body, 0)
	return Value{in, from, skip(in.body, from)}
}

// tooDeep counts brackets outside strings in one cheap pass.
func tooDeep(body []byte) (at int, deep bool) {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if depth++; depth > MaxDepth {
				return i, true
			}
		case ']', '}':
			depth--
		}
	}
	return 0, false
}

// space returns the first index from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skip returns the index behind the value that starts at i. The document is
// known to be valid JSON; the length checks only keep a mistake from panicking.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		for i++; i < len(b); i++ {
			quote := bytes.IndexByte(b[i:], '"')
			if quote < 0 {
				break
			}
			i += quote
			// A quote behind an odd number of backslashes is part of the string.
			slashes := 0
			for b[i-1-slashes] == '\\' {
				slashes++
			}
			if slashes%2 == 0 {
				return i + 1
			}
		}
		return len(b)
	case '{', '[':
		depth := 0
		for ; i < len(b); i++ {
			switch b[i] {
			case '"':
				i = skip(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(b)
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return i
}

// Kind is the value's first byte class: '{', '[', '"', '0' for numbers, 't' for
// true and false, 'n' for null, and 0 when absent.
func (v Value) Kind() byte {
	if v.from >= v.to {
		return 0
	}
	switch c := v.in.body[v.from]; {
	case c == '{' || c == '[' || c == '"' || c == 'n':
		return c
	case c == 't' || c == 'f':
		return 't'
	default:
		return '0'
	}
}

// Exists is false for an absent value and for null: a platform that sends null
// means "not there".
func (v Value) Exists() bool { k := v.Kind(); return k != 0 && k != 'n' }

// IsObject and IsList tell the container kinds.
func (v Value) IsObject() bool { return v.Kind() == '{' }

// IsList is true for an array.
func (v Value) IsList() bool { return v.Kind() == '[' }

// Raw is the value's bytes as they came.
func (v Value) Raw() []byte {
	if v.in == nil {
		return nil
	}
	return v.in.body[v.from:v.to]
}

// Members yields an object's members in order, and nothing for anything else.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != '{' {
			return
		}
		for i := space(v.in.body, v.from+1); i < v.to && v.in.body[i] == '"'; {
			end := skip(v.in.body, i)
			key := unquote(v.in.body[i:end])
			i = space(v.in.body, end) + 1 // the colon
			i = space(v.in.body, i)
			end = skip(v.in.body, i)
			if !yield(key, Value{v.in, i, end}) {
				return
			}
			i = space(v.in.body, end)
			if i >= v.to || v.in.body[i] != ',' {
				return
			}
			i = space(v.in.body, i+1)
		}
	}
}

// Elements yields an array's elements in order, and nothing for anything else.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != '[' {
			return
		}
		for i, n := space(v.in.body, v.from+1), 0; i < v.to && v.in.body[i] != ']'; n++ {
			end := skip(v.in.body, i)
			if !yield(n, Value{v.in, i, end}) {
				return
			}
			i = space(v.in.body, end)
			if i >= v.to || v.in.body[i] != ',' {
				return
			}
			i = space(v.in.body, i+1)
		}
	}
}

// Get looks up a member. Of several with one name the last counts, as in
// encoding/json.
func (v Value) Get(key string) Value {
	if v.Kind() != '{' {
		return Value{}
	}
	members := v.in.members(v)
	for i := len(members) - 1; i >= 0; i-- {
		if m := members[i]; isKey(v.in.body[m.key:m.colon], key) {
			return Value{v.in, int(m.from), int(m.to)}
		}
	}
	return Value{}
}

// isKey compares a quoted key without decoding it, unless it holds an escape or
// may hold repaired bytes.
func isKey(quoted []byte, key string) bool {
	if len(quoted) == len(key)+2 && string(quoted[1:len(quoted)-1]) == key {
		return true
	}
	return (bytes.IndexByte(quoted, '\\') >= 0 || strings.Contains(key, "\uFFFD")) && unquote(quoted) == key
}

// First returns the first of the named members that exists.
func (v Value) First(keys ...string) Value {
	for _, key := range keys {
		if found := v.Get(key); found.Exists() {
			return found
		}
	}
	return Value{}
}

// unquote decodes a JSON string. Invalid UTF-8 and lone surrogates become
// U+FFFD, as encoding/json has it.
func unquote(quoted []byte) string {
	if len(quoted) < 2 {
		return ""
	}
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}

// Str is a lenient read for decoration: the string, or "" for anything else.
func (v Value) Str() string {
	if v.Kind() != '"' {
		return ""
	}
	return unquote(v.Raw())
}

// True is a lenient read of a flag: true or "true".
func (v Value) True() bool {
	return v.Kind() != 0 && (string(v.Raw()) == "true" || string(v.Raw()) == `"true"`)
}

// Number is a lenient read of a whole number that may come as a string; ok is
// false for anything else and for what does not fit.
func (v Value) Number() (n int64, ok bool) {
	text := ""
	switch v.Kind() {
	case '0':
		text = string(v.Raw())
	case '"':
		text = v.Str()
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// Path says where in its document the value stands, "data.payload.users[2].id",
// or "the body" for the whole of it. Only error messages need it, so it is found
// by walking again instead of being kept.
func (v Value) Path() string {
	if v.in == nil {
		return "the body"
	}
	var path strings.Builder
	for at := root(v.in); at.from != v.from; {
		next := Value{}
		switch at.Kind() {
		case '{':
			for key, child := range at.Members() {
				if child.from <= v.from && v.from < child.to {
					next = child
					if path.Len() > 0 {
						path.WriteByte('.')
					}
					path.WriteString(plainKey(key))
				}
			}
		case '[':
			for i, child := range at.Elements() {
				if child.from <= v.from && v.from < child.to {
					next = child
					path.WriteString("[" + strconv.Itoa(i) + "]")
				}
			}
		}
		if next.Kind() == 0 {
			break
		}
		at = next
	}
	if path.Len() == 0 {
		return "the body"
	}
	return path.String()
}

// plainKey keeps foreign keys harmless and short in an error message.
func plainKey(key string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, key)
	if len(plain) > 40 {
		plain = string(cut([]byte(plain), 40)) + "..."
	}
	return plain
}

// words names the kinds in error messages.
func (v Value) words() string {
	switch v.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't':
		return "true or false"
	case 'n':
		return "null"
	}
	return "nothing"
}

// Reader reads the fields that decide who said what to whom, strictly: a field
// of the wrong type is a Fault, never a guess. The first fault is kept, so that
// a normaliser reads all fields of an item and asks once.
type Reader struct{ fault *Fault }

// Fault is the first thing that was wrong, nil when nothing was.
func (r *Reader) Fault() error {
	if r.fault == nil {
		return nil
	}
	return r.fault
}

func (r *Reader) fail(at Value, text string) {
	if r.fault == nil {
		r.fault = &Fault{at, text}
	}
}

// Missing records that a member which must be there is not.
func (r *Reader) Missing(of Value, key string) {
	r.fail(of, strconv.Quote(key)+" is missing")
}

// Text reads a string; absent and null give "".
func (r *Reader) Text(v Value) string {
	switch v.Kind() {
	case 0, 'n':
		return ""
	case '"':
		return v.Str()
	}
	r.fail(v, "want a string, got "+v.words())
	return ""
}

// ID reads an id: a non-empty string, or a whole number. Absent, null and ""
// give "". Control characters and more than MaxIDBytes are faults: ids become
// keys and parts of URLs.
func (r *Reader) ID(v Value) string {
	id := ""
	switch v.Kind() {
	case 0, 'n':
		return ""
	case '"':
		id = v.Str()
	case '0':
		id = string(v.Raw())
		if strings.ContainsAny(id, ".eE") || len(id) > 32 {
			r.fail(v, "want a string or a whole number as id, got the number "+string(cut([]byte(id), 40)))
			return ""
		}
	default:
		r.fail(v, "want a string or a whole number as id, got "+v.words())
		return ""
	}
	if len(id) > MaxIDBytes {
		r.fail(v, fmt.Sprintf("the id has %d bytes, more than the limit of %d", len(id), MaxIDBytes))
		return ""
	}
	for _, c := range id {
		if c < ' ' || c == 0x7f {
			r.fail(v, "the id holds a control character")
			return ""
		}
	}
	return id
}

// NeedID reads the first of the named members as an id that must be there.
func (r *Reader) NeedID(of Value, keys ...string) string {
	for _, key := range keys {
		if id := r.ID(of.Get(key)); id != "" {
			return id
		}
	}
	if r.fault == nil {
		r.Missing(of, keys[0])
	}
	return ""
}

// Object checks that v is an object or absent; null counts as absent.
func (r *Reader) Object(v Value) Value {
	if !v.Exists() {
		return Value{}
	}
	if !v.IsObject() {
		r.fail(v, "want an object, got "+v.words())
		return Value{}
	}
	return v
}

// List checks that v is a list or absent; null counts as absent.
func (r *Reader) List(v Value) Value {
	if !v.Exists() {
		return Value{}
	}
	if !v.IsList() {
		r.fail(v, "want a list, got "+v.words())
		return Value{}
	}
	return v
}

// Time reads a time in any of the forms that the platforms use: Unix seconds,
// milliseconds or microseconds as number or string, RFC 3339 with or without a
// colon in the zone, and X's old "Wed Oct 10 20:19:24 +0000 2018". Absent, zero
// and unreadable times give the fallback; an object, list or flag is a fault.
func (r *Reader) Time(v Value, fallback time.Time) time.Time {
	switch v.Kind() {
	case 0, 'n':
		return fallback
	case '{', '[', 't':
		r.fail(v, "want a time, got "+v.words())
		return fallback
	}
	if n, ok := v.Number(); ok {
		return unixTime(n, fallback)
	}
	text := v.Str()
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", time.RubyDate} {
		if t, err := time.Parse(layout, text); err == nil {
			return plausible(t.UTC(), fallback)
		}
	}
	return fallback
}

// unixTime tells the unit by size: seconds reach 1e11 in the year 5138.
func unixTime(n int64, fallback time.Time) time.Time {
	switch {
	case n <= 0:
		return fallback
	case n < 1e11:
		return plausible(time.Unix(n, 0).UTC(), fallback)
	case n < 1e14:
		return plausible(time.UnixMilli(n).UTC(), fallback)
	case n < 1e17:
		return plausible(time.UnixMicro(n).UTC(), fallback)
	}
	return fallback
}

// plausible refuses times before the oldest platform and after the year 2199:
// time.Time marshals years up to 9999 only, and no post is from the year 4000.
func plausible(t, fallback time.Time) time.Time {
	if t.Year() < 1990 || t.Year() >= 2200 {
		return fallback
	}
	return t
}
