package asl

import (
	"crypto/md5"  // States.Hash offers it
	"crypto/rand" // for States.UUID
	"crypto/sha1" // States.Hash offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

// expr is the value of a field whose name ends in ".$": a path or an intrinsic
// function.
type expr struct {
	src  string
	path *path
	call *call
}

type call struct {
	name string
	args []arg
}

// arg is a literal, a path or a nested call.
type arg struct {
	literal any
	raw     string // a string literal as written between its quotes, for Format
	quoted  bool
	path    *path
	call    *call
}

// maxNesting bounds intrinsic functions inside one another (Step Functions docs,
// "Intrinsic functions": up to 10 nested).
const maxNesting = 10

func parseExpr(s string) (*expr, error) {
	if strings.HasPrefix(s, "$") {
		p, err := parsePath(s)
		if err != nil {
			return nil, err
		}
		return &expr{src: s, path: p}, nil
	}
	if !strings.HasPrefix(s, "States.") {
		return nil, fmt.Errorf("%q must be a path or an intrinsic function", s)
	}
	r := &reader{s: s}
	c, err := r.call(1)
	if err != nil {
		return nil, fmt.Errorf("intrinsic function %q: %w", s, err)
	}
	if r.spaces(); !r.done() {
		return nil, fmt.Errorf("intrinsic function %q: unexpected %q", s, r.rest())
	}
	return &expr{src: s, call: c}, nil
}

// arity is the least and most arguments of each function; -1 is no limit.
var arity = map[string][2]int{
	"States.Format": {1, -1}, "States.StringToJson": {1, 1}, "States.JsonToString": {1, 1},
	"States.Array": {0, -1}, "States.ArrayPartition": {2, 2}, "States.ArrayContains": {2, 2},
	"States.ArrayRange": {3, 3}, "States.ArrayGetItem": {2, 2}, "States.ArrayLength": {1, 1},
	"States.ArrayUnique": {1, 1}, "States.Base64Encode": {1, 1}, "States.Base64Decode": {1, 1},
	"States.Hash": {2, 2}, "States.JsonMerge": {3, 3}, "States.MathRandom": {2, 2},
	"States.MathAdd": {2, 2}, "States.StringSplit": {2, 2}, "States.UUID": {0, 0},
}

func (r *reader) call(depth int) (*call, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("nested deeper than %d", maxNesting)
	}
	start := r.i
	for !r.done() && (isNameByte(r.s[r.i]) || r.s[r.i] == '.') {
		r.i++
	}
	c := &call{name: r.s[start:r.i]}
	limits, ok := arity[c.name]
	if !ok {
		return nil, fmt.Errorf("unknown function %q", c.name)
	}
	if r.spaces(); !r.take("(") {
		return nil, fmt.Errorf("( is missing after %s", c.name)
	}
	for r.spaces(); !r.take(")"); r.spaces() {
		if len(c.args) > 0 {
			if !r.take(",") {
				return nil, fmt.Errorf(", or ) is missing before %q", r.rest())
			}
			r.spaces()
		}
		a, err := r.arg(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
	}
	if c.name == "States.MathRandom" && len(c.args) == 3 {
		return nil, errors.New("a seed for States.MathRandom is not supported: AWS does not say what numbers follow from it")
	}
	if len(c.args) < limits[0] || limits[1] >= 0 && len(c.args) > limits[1] {
		return nil, fmt.Errorf("%s has %d arguments", c.name, len(c.args))
	}
	return c, nil
}

func (r *reader) arg(depth int) (arg, error) {
	switch {
	case r.peek() == '\'':
		start := r.i + 1
		for r.i++; !r.done(); r.i++ {
			if r.s[r.i] == '\\' {
				r.i++
				continue
			}
			if r.s[r.i] == '\'' {
				raw := r.s[start:r.i]
				r.i++
				return arg{raw: raw, quoted: true, literal: unescape(raw)}, nil
			}
		}
		return arg{}, errors.New("a string is not closed")
	case r.peek() == '$':
		p, err := r.path()
		return arg{path: p}, err
	case strings.HasPrefix(r.rest(), "States."):
		c, err := r.call(depth + 1)
		return arg{call: c}, err
	}
	start := r.i
	for !r.done() && strings.IndexByte(",) \t\n\r", r.s[r.i]) < 0 {
		r.i++
	}
	v, err := decode([]byte(r.s[start:r.i]))
	switch v.(type) {
	case json.Number, bool, nil:
		if err == nil {
			return arg{literal: v}, nil
		}
	}
	return arg{}, fmt.Errorf("%q is neither a string in single quotes, a number, true, false, null, a path nor a function", r.s[start:])
}

// unescape removes the backslash of \', \{, \} and \\.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`'{}\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// failed is an intrinsic function that could not be computed; it may be caught.
type failed struct{ text string }

func (f *failed) Error() string { return f.text }

func (e *expr) eval(d data) (any, error) {
	if e.path != nil {
		return e.path.eval(d)
	}
	return e.call.eval(d)
}

func (c *call) eval(d data) (any, error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		var err error
		switch {
		case a.path != nil:
			args[i], err = a.path.eval(d)
		case a.call != nil:
			args[i], err = a.call.eval(d)
		default:
			args[i] = a.literal
		}
		if err != nil {
			return nil, err
		}
	}
	v, err := c.apply(args)
	if err != nil {
		return nil, &failed{fmt.Sprintf("%s: %s", c.name, err)}
	}
	return v, nil
}

// textLimit bounds the text for Base64 and Hash (Step Functions docs: 10,000
// characters); arrayLimit what ArrayRange makes (1,000 elements).
const (
	textLimit  = 10_000
	arrayLimit = 1000
)

func (c *call) apply(args []any) (any, error) {
	switch c.name {
	case "States.Format":
		return c.format(args)
	case "States.StringToJson":
		s, err := text(args[0])
		if err != nil {
			return nil, err
		}
		v, err := decode([]byte(s))
		if err != nil {
			return nil, fmt.Errorf("the text is not JSON: %w", err)
		}
		return v, nil
	case "States.JsonToString":
		return string(encode(args[0])), nil
	case "States.Array":
		return args, nil
	case "States.ArrayPartition":
		l, err := list(args[0])
		if err != nil {
			return nil, err
		}
		n, err := rounded(args[1])
		if err != nil || n < 1 {
			return nil, errors.New("the size of a chunk must be a positive integer")
		}
		out := []any{}
		for i := int64(0); i < int64(len(l)); i += n {
			out = append(out, l[i:min(i+n, int64(len(l)))])
		}
		return out, nil
	case "States.ArrayContains":
		l, err := list(args[0])
		if err != nil {
			return nil, err
		}
		for _, v := range l {
			if equal(v, args[1]) {
				return true, nil
			}
		}
		return false, nil
	case "States.ArrayRange":
		return arrayRange(args)
	case "States.ArrayGetItem":
		l, err := list(args[0])
		if err != nil {
			return nil, err
		}
		i, err := rounded(args[1])
		if err != nil || i < 0 || i >= int64(len(l)) {
			return nil, fmt.Errorf("the index %s is outside the array of %d", asText(args[1]), len(l))
		}
		return l[i], nil
	case "States.ArrayLength":
		l, err := list(args[0])
		return json.Number(strconv.Itoa(len(l))), err
	case "States.ArrayUnique":
		l, err := list(args[0])
		if err != nil {
			return nil, err
		}
		out := []any{}
	next:
		for _, v := range l {
			for _, seen := range out {
				if equal(v, seen) {
					continue next
				}
			}
			out = append(out, v)
		}
		return out, nil
	case "States.Base64Encode":
		s, err := shortText(args[0])
		return base64.StdEncoding.EncodeToString([]byte(s)), err
	case "States.Base64Decode":
		s, err := shortText(args[0])
		if err != nil {
			return nil, err
		}
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, errors.New("the text is not Base64")
		}
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	case "States.Hash":
		return hash(args)
	case "States.JsonMerge":
		return merge(args)
	case "States.MathAdd":
		a, errA := rounded(args[0])
		b, errB := rounded(args[1])
		if errA != nil || errB != nil || outside32(a) || outside32(b) || outside32(a+b) {
			return nil, errors.New("needs integers from -2147483648 to 2147483647")
		}
		return json.Number(strconv.FormatInt(a+b, 10)), nil
	case "States.MathRandom":
		from, errA := rounded(args[0])
		to, errB := rounded(args[1])
		if errA != nil || errB != nil || outside32(from) || outside32(to) || from >= to {
			return nil, errors.New("needs a start that is less than the end")
		}
		return json.Number(strconv.FormatInt(from+mathrand.Int64N(to-from), 10)), nil
	case "States.StringSplit":
		s, errA := text(args[0])
		by, errB := text(args[1])
		if errA != nil || errB != nil {
			return nil, errors.New("needs two strings")
		}
		// Every character of the second string separates; empty pieces vanish.
		out := []any{}
		for _, piece := range strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(by, c) }) {
			out = append(out, piece)
		}
		return out, nil
	case "States.UUID":
		var b [16]byte
		rand.Read(b[:])
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
	}
	return nil, errors.New("is unknown") // arity and this switch list the same names; a test holds them together
}

func (c *call) format(args []any) (any, error) {
	template, err := text(args[0])
	if err != nil {
		return nil, err
	}
	if c.args[0].quoted {
		template = c.args[0].raw
	}
	var b strings.Builder
	values := args[1:]
	for i := 0; i < len(template); i++ {
		switch {
		case template[i] == '\\' && i+1 < len(template) && strings.IndexByte(`'{}\`, template[i+1]) >= 0:
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if len(values) == 0 {
				return nil, errors.New("the template has more {} than there are values")
			}
			b.WriteString(asText(values[0]))
			values = values[1:]
			i++
		default:
			b.WriteByte(template[i])
		}
	}
	if len(values) > 0 {
		return nil, errors.New("the template has fewer {} than there are values")
	}
	return b.String(), nil
}

func arrayRange(args []any) (any, error) {
	var n [3]int64
	for i, a := range args {
		v, err := rounded(a)
		if err != nil {
			return nil, err
		}
		if outside32(v) {
			return nil, errors.New("needs integers from -2147483648 to 2147483647")
		}
		n[i] = v
	}
	from, to, by := n[0], n[1], n[2]
	if by == 0 {
		return nil, errors.New("the increment must not be 0")
	}
	out := []any{}
	for x := from; by > 0 && x <= to || by < 0 && x >= to; x += by {
		if len(out) == arrayLimit {
			return nil, fmt.Errorf("makes more than %d elements", arrayLimit)
		}
		out = append(out, json.Number(strconv.FormatInt(x, 10)))
	}
	return out, nil
}

func hash(args []any) (any, error) {
	data := asText(args[0])
	if utf8.RuneCountInString(data) > textLimit {
		return nil, fmt.Errorf("the data are longer than %d characters", textLimit)
	}
	var sum []byte
	switch name, _ := text(args[1]); name {
	case "MD5":
		s := md5.Sum([]byte(data))
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum([]byte(data))
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256([]byte(data))
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384([]byte(data))
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512([]byte(data))
		sum = s[:]
	default:
		return nil, errors.New("the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512")
	}
	return hex.EncodeToString(sum), nil
}

func merge(args []any) (any, error) {
	a, okA := args[0].(map[string]any)
	b, okB := args[1].(map[string]any)
	if !okA || !okB {
		return nil, errors.New("needs two objects")
	}
	if args[2] != false {
		return nil, errors.New("the third argument must be false: there is no deep merge")
	}
	out := make(map[string]any, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out, nil
}

func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("needs a string, not %s", encode(v))
	}
	return s, nil
}

func shortText(v any) (string, error) {
	s, err := text(v)
	if err == nil && utf8.RuneCountInString(s) > textLimit {
		err = fmt.Errorf("the text is longer than %d characters", textLimit)
	}
	return s, err
}

func list(v any) ([]any, error) {
	l, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("needs an array, not %s", encode(v))
	}
	return l, nil
}

func outside32(n int64) bool { return n < math.MinInt32 || n > math.MaxInt32 }

// rounded reads a number as the nearest integer (Step Functions docs: "if you
// specify a non-integer value, it is rounded off to the nearest integer").
func rounded(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("needs a number, not %s", encode(v))
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("the number %s is out of range", n)
	}
	return int64(math.Round(f)), nil
}
