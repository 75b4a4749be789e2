package pattern

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// matcher tests one leaf value of an event.
type matcher struct {
	// absent is {"exists": false}: not a test of a value, but that there is none.
	absent bool
	value  func(*node) bool
}

func compileValues(path string, n *node) ([]matcher, error) {
	if len(n.items) == 0 {
		return nil, fmt.Errorf("%s: empty arrays are not allowed", path)
	}
	out := make([]matcher, 0, len(n.items))
	for _, item := range n.items {
		m, err := compileValue(item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, m)
	}
	return out, nil
}

func compileValue(n *node) (matcher, error) {
	switch n.kind {
	case text:
		// A literal that is an IP address also equals its other spellings.
		if ip, ok := address(n.text); ok {
			return values(func(v *node) bool {
				other, ok := address(v.text)
				return v.kind == text && (v.text == n.text || ok && ip == other)
			}), nil
		}
		return values(func(v *node) bool { return v.kind == text && v.text == n.text }), nil
	case null, boolean:
		return values(func(v *node) bool { return v.kind == n.kind && v.text == n.text }), nil
	case number:
		x, comparable := parseNumber(n.text)
		return values(func(v *node) bool {
			if v.kind != number {
				return false
			}
			y, ok := parseNumber(v.text)
			return v.text == n.text || comparable && ok && x == y
		}), nil
	case object:
		return compileOperator(n)
	}
	return matcher{}, fmt.Errorf("a value must be a string, number, true, false, null or one operator, not an array")
}

func values(f func(*node) bool) matcher { return matcher{value: f} }

// onText makes a matcher of string values only: no operator on text matches a
// number, boolean or null.
func onText(f func(string) bool) matcher {
	return values(func(v *node) bool { return v.kind == text && f(v.text) })
}

func compileOperator(n *node) (matcher, error) {
	if len(n.names) != 1 {
		return matcher{}, fmt.Errorf("an operator must be an object with exactly one key")
	}
	name, arg := n.names[0], n.items[0]
	switch name {
	case "prefix", "suffix":
		test := strings.HasPrefix
		if name == "suffix" {
			test = strings.HasSuffix
		}
		if arg.kind == object {
			if len(arg.names) != 1 || arg.names[0] != "equals-ignore-case" || arg.items[0].kind != text {
				return matcher{}, fmt.Errorf("%s: must be a string or {\"equals-ignore-case\": string}", name)
			}
			want := fold(arg.items[0].text)
			return onText(func(s string) bool { return test(fold(s), want) }), nil
		}
		if arg.kind != text {
			return matcher{}, fmt.Errorf("%s: must be a string or {\"equals-ignore-case\": string}", name)
		}
		return onText(func(s string) bool { return test(s, arg.text) }), nil
	case "equals-ignore-case":
		if arg.kind != text {
			return matcher{}, fmt.Errorf("%s: must be a string", name)
		}
		want := fold(arg.text)
		return onText(func(s string) bool { return fold(s) == want }), nil
	case "wildcard":
		if arg.kind != text {
			return matcher{}, fmt.Errorf("%s: must be a string", name)
		}
		w, err := parseWildcard(arg.text)
		if err != nil {
			return matcher{}, err
		}
		return onText(w.match), nil
	case "anything-but":
		return compileAnythingBut(arg)
	case "numeric":
		return compileNumeric(arg)
	case "cidr":
		if arg.kind != text {
			return matcher{}, fmt.Errorf("%s: must be a string", name)
		}
		return compileCIDR(arg.text)
	case "exists":
		if arg.kind != boolean {
			return matcher{}, fmt.Errorf("%s: must be true or false", name)
		}
		if arg.text == "false" {
			return matcher{absent: true}, nil
		}
		return values(func(*node) bool { return true }), nil
	}
	return matcher{}, fmt.Errorf("unknown operator %q", name)
}

// compileAnythingBut matches every value that is there and not excluded. Text
// exclusions exclude only strings: 12 is anything but {"prefix": "1"}.
func compileAnythingBut(arg *node) (matcher, error) {
	if arg.kind != object {
		list := []*node{arg}
		if arg.kind == array {
			list = arg.items
		}
		if len(list) == 0 {
			return matcher{}, fmt.Errorf("anything-but: the list is empty")
		}
		var nums []float64
		for _, item := range list {
			switch {
			case item.kind != list[0].kind:
				return matcher{}, fmt.Errorf("anything-but: strings and numbers cannot be mixed")
			case item.kind == text:
			case item.kind == number:
				x, ok := parseNumber(item.text)
				if !ok {
					return matcher{}, fmt.Errorf("anything-but: cannot compare the number %s", item.text)
				}
				nums = append(nums, x)
			default:
				return matcher{}, fmt.Errorf("anything-but: must be a string, a number, a list of either, or one inner operator")
			}
		}
		return values(func(v *node) bool {
			if v.kind != list[0].kind {
				return true
			}
			if v.kind == number {
				x, ok := parseNumber(v.text)
				return !ok || !slices.Contains(nums, x)
			}
			return !slices.ContainsFunc(list, func(n *node) bool { return n.text == v.text })
		}), nil
	}
	if len(arg.names) != 1 {
		return matcher{}, fmt.Errorf("anything-but: must hold exactly one inner operator")
	}
	name, inner := arg.names[0], arg.items[0]
	if !slices.Contains([]string{"prefix", "suffix", "wildcard", "equals-ignore-case"}, name) {
		return matcher{}, fmt.Errorf("anything-but: unknown inner operator %q", name)
	}
	list := []*node{inner}
	if inner.kind == array {
		list = inner.items
	}
	if len(list) == 0 {
		return matcher{}, fmt.Errorf("anything-but: %s: the list is empty", name)
	}
	excluded := make([]matcher, 0, len(list))
	for _, item := range list {
		// Unlike a plain prefix, the inner one takes no equals-ignore-case and
		// may not be empty.
		if item.kind != text || item.text == "" && (name == "prefix" || name == "suffix") {
			return matcher{}, fmt.Errorf("anything-but: %s: must be a string or a list of strings, and not empty", name)
		}
		m, err := compileOperator(&node{kind: object, names: []string{name}, items: []*node{item}})
		if err != nil {
			return matcher{}, fmt.Errorf("anything-but: %w", err)
		}
		excluded = append(excluded, m)
	}
	return values(func(v *node) bool {
		return !slices.ContainsFunc(excluded, func(m matcher) bool { return m.value(v) })
	}), nil
}

// compileNumeric reads ["=", n], [">", n], [">=", n, "<", m] and so on: a lower
// bound may be followed by an upper bound, nothing else may be combined.
func compileNumeric(arg *node) (matcher, error) {
	if arg.kind != array || len(arg.items) != 2 && len(arg.items) != 4 {
		return matcher{}, fmt.Errorf("numeric: must be a list of an operator and a number, twice for a range")
	}
	type bound struct {
		op string
		x  float64
	}
	var bounds []bound
	for i := 0; i < len(arg.items); i += 2 {
		op, n := arg.items[i], arg.items[i+1]
		if op.kind != text || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, op.text) {
			return matcher{}, fmt.Errorf("numeric: unknown operator %q", op.text)
		}
		if n.kind != number {
			return matcher{}, fmt.Errorf("numeric: the value of %s must be a number", op.text)
		}
		x, ok := parseNumber(n.text)
		if !ok {
			return matcher{}, fmt.Errorf("numeric: cannot compare the number %s", n.text)
		}
		bounds = append(bounds, bound{op.text, x})
	}
	if len(bounds) == 2 {
		if bounds[0].op[0] != '>' || bounds[1].op[0] != '<' {
			return matcher{}, fmt.Errorf("numeric: a range is a lower bound (> or >=), then an upper one (< or <=)")
		}
		if bounds[0].x >= bounds[1].x {
			return matcher{}, fmt.Errorf("numeric: the lower bound must be less than the upper one")
		}
	}
	return values(func(v *node) bool {
		if v.kind != number {
			return false
		}
		x, ok := parseNumber(v.text)
		if !ok {
			return false
		}
		for _, b := range bounds {
			if !map[string]bool{"=": x == b.x, "<": x < b.x, "<=": x <= b.x, ">": x > b.x, ">=": x >= b.x}[b.op] {
				return false
			}
		}
		return true
	}), nil
}

func compileCIDR(s string) (matcher, error) {
	ip, mask, ok := strings.Cut(s, "/")
	if !ok {
		return matcher{}, fmt.Errorf("cidr: %q must be an address, a slash and a mask", s)
	}
	a, ok := address(ip)
	if !ok {
		return matcher{}, fmt.Errorf("cidr: %q is no IP address", ip)
	}
	bits, err := strconv.Atoi(mask)
	if err != nil || bits < 0 || bits >= a.BitLen() {
		return matcher{}, fmt.Errorf("cidr: the mask %q must be 0 to %d", mask, a.BitLen()-1)
	}
	prefix := netip.PrefixFrom(a, bits).Masked()
	return onText(func(s string) bool {
		other, ok := address(s)
		return ok && prefix.Contains(other)
	}), nil
}

func address(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}

// fold makes strings that differ only in case equal, character by character (no
// length change, so that a prefix stays a prefix).
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// wildcard is the literal pieces between the stars.
type wildcard []string

func parseWildcard(s string) (wildcard, error) {
	w := wildcard{}
	var piece strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '*':
			if i+1 < len(s) && s[i+1] == '*' {
				return nil, fmt.Errorf("wildcard: consecutive stars at position %d", i)
			}
			w = append(w, piece.String())
			piece.Reset()
		case s[i] == '\\':
			if i+1 == len(s) || s[i+1] != '*' && s[i+1] != '\\' {
				return nil, fmt.Errorf(`wildcard: only \* and \\ may be escaped (position %d)`, i)
			}
			i++
			piece.WriteByte(s[i])
		default:
			piece.WriteByte(s[i])
		}
	}
	return append(w, piece.String()), nil
}

func (w wildcard) match(s string) bool {
	first, last := w[0], w[len(w)-1]
	if len(w) == 1 {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, piece := range w[1 : len(w)-1] {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return true
}

// parseNumber gives a number that can be compared: one that a float64 holds
// without loss (event-ruler, ComparableNumber). Others match by their text only.
func parseNumber(s string) (float64, bool) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	if x == 0 {
		x = 0 // no negative zero
	}
	return x, decimal(s) == decimal(strconv.FormatFloat(x, 'e', -1, 64))
}

// decimal writes a JSON number in one normal form: digits without outer zeros
// and the exponent of the first digit.
func decimal(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return s // an exponent beyond int: equal only to itself
		}
		mantissa, exp = s[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	exp += len(whole)
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	if trimmed = strings.TrimRight(trimmed, "0"); trimmed == "" {
		return "0"
	}
	return sign + trimmed + "e" + strconv.Itoa(exp)
}
