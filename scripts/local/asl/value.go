package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
)

// decode reads one JSON value; numbers stay json.Number. Values are shared
// between states and must never be changed in place.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// encode writes compact JSON without escaping <, > and &.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		// Only values made by decode get here, and those encode.
		panic("asl: encode: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// asText shows a value inside a string: strings bare, the rest as JSON.
func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(encode(v))
}

// compareNumbers orders two JSON numbers exactly: -1, 0 or 1.
func compareNumbers(a, b json.Number) int {
	x, errX := a.Float64()
	y, errY := b.Float64()
	// Rounding to float64 keeps the order, so that only a tie needs more care.
	if x < y {
		return -1
	}
	if x > y {
		return 1
	}
	if errX != nil || errY != nil || len(a) > 400 || len(b) > 400 || hugeExponent(string(a)) || hugeExponent(string(b)) {
		return strings.Compare(string(a), string(b))
	}
	p, okP := new(big.Rat).SetString(string(a))
	q, okQ := new(big.Rat).SetString(string(b))
	if !okP || !okQ {
		return strings.Compare(string(a), string(b))
	}
	return p.Cmp(q)
}

func hugeExponent(s string) bool {
	i := strings.IndexAny(s, "eE")
	return i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 3
}

// equal compares two JSON values; numbers by value.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		return ok && compareNumbers(a, n) == 0
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !equal(a[i], l[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for k, v := range a {
			w, ok := m[k]
			if !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// integer reads a JSON number, or a string that holds one, that is whole.
func integer(v any) (int64, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return 0, false
	}
	n, err := json.Number(s).Int64()
	return n, err == nil
}
