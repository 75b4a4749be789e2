package asl

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// condition is a Choice rule's test. An error is a path that leads nowhere.
type condition func(d data) (bool, error)

type choice struct {
	test   condition
	next   string
	assign template
}

// comparisons are the data-test operators that compare; each also has a form
// that ends in "Path" and takes the other side from the data.
var comparisons = map[string]func(a, b any) bool{
	"StringEquals":            ordered(onStrings, func(c int) bool { return c == 0 }),
	"StringLessThan":          ordered(onStrings, func(c int) bool { return c < 0 }),
	"StringGreaterThan":       ordered(onStrings, func(c int) bool { return c > 0 }),
	"StringLessThanEquals":    ordered(onStrings, func(c int) bool { return c <= 0 }),
	"StringGreaterThanEquals": ordered(onStrings, func(c int) bool { return c >= 0 }),

	"NumericEquals":            ordered(onNumbers, func(c int) bool { return c == 0 }),
	"NumericLessThan":          ordered(onNumbers, func(c int) bool { return c < 0 }),
	"NumericGreaterThan":       ordered(onNumbers, func(c int) bool { return c > 0 }),
	"NumericLessThanEquals":    ordered(onNumbers, func(c int) bool { return c <= 0 }),
	"NumericGreaterThanEquals": ordered(onNumbers, func(c int) bool { return c >= 0 }),

	"TimestampEquals":            ordered(onTimes, func(c int) bool { return c == 0 }),
	"TimestampLessThan":          ordered(onTimes, func(c int) bool { return c < 0 }),
	"TimestampGreaterThan":       ordered(onTimes, func(c int) bool { return c > 0 }),
	"TimestampLessThanEquals":    ordered(onTimes, func(c int) bool { return c <= 0 }),
	"TimestampGreaterThanEquals": ordered(onTimes, func(c int) bool { return c >= 0 }),

	"BooleanEquals": func(a, b any) bool {
		x, okX := a.(bool)
		y, okY := b.(bool)
		return okX && okY && x == y
	},
}

// ordered makes a comparison that is false when a side is of another type.
func ordered(order func(a, b any) (int, bool), want func(int) bool) func(a, b any) bool {
	return func(a, b any) bool {
		c, ok := order(a, b)
		return ok && want(c)
	}
}

func onStrings(a, b any) (int, bool) {
	x, okX := a.(string)
	y, okY := b.(string)
	return strings.Compare(x, y), okX && okY
}

func onNumbers(a, b any) (int, bool) {
	x, okX := a.(json.Number)
	y, okY := b.(json.Number)
	if !okX || !okY {
		return 0, false
	}
	return compareNumbers(x, y), true
}

func onTimes(a, b any) (int, bool) {
	x, okX := timestamp(a)
	y, okY := timestamp(b)
	return x.Compare(y), okX && okY
}

// timestamp reads RFC 3339 with upper-case T and Z, as the language demands.
func timestamp(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok || strings.ContainsAny(s, "tz") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// typeTests are the operators that ask what a value is.
var typeTests = map[string]func(v any) bool{
	"IsNull":      func(v any) bool { return v == nil },
	"IsNumeric":   func(v any) bool { _, ok := v.(json.Number); return ok },
	"IsString":    func(v any) bool { _, ok := v.(string); return ok },
	"IsBoolean":   func(v any) bool { _, ok := v.(bool); return ok },
	"IsTimestamp": func(v any) bool { _, ok := timestamp(v); return ok },
}

// parseCondition reads one rule; top-level rules have more fields than nested
// ones, which the caller lists in extra.
func parseCondition(f *fields, extra ...string) (condition, error) {
	allowed := append([]string{"Comment"}, extra...)
	for _, op := range []string{"And", "Or"} {
		if !f.has(op) {
			continue
		}
		if err := f.only(append(allowed, op)...); err != nil {
			return nil, err
		}
		rules, err := f.objects(op)
		if err != nil {
			return nil, err
		}
		if len(rules) == 0 {
			return nil, f.errorf(op, "must not be empty")
		}
		tests := make([]condition, len(rules))
		for i, rule := range rules {
			if tests[i], err = parseCondition(rule); err != nil {
				return nil, err
			}
		}
		stop := op == "Or"
		return func(d data) (bool, error) {
			for _, test := range tests {
				if ok, err := test(d); err != nil || ok == stop {
					return ok, err
				}
			}
			return !stop, nil
		}, nil
	}
	if f.has("Not") {
		if err := f.only(append(allowed, "Not")...); err != nil {
			return nil, err
		}
		rule, err := f.object("Not")
		if err != nil {
			return nil, err
		}
		test, err := parseCondition(rule)
		if err != nil {
			return nil, err
		}
		return func(d data) (bool, error) { ok, err := test(d); return !ok, err }, nil
	}
	return parseTest(f, allowed)
}

func parseTest(f *fields, allowed []string) (condition, error) {
	variable, err := f.path("Variable")
	if err != nil {
		return nil, err
	}
	if variable == nil {
		return nil, f.errorf("Variable", "is missing")
	}
	var op string
	for name := range f.raw {
		if name == "Variable" || slices.Contains(allowed, name) {
			continue
		}
		if op != "" {
			return nil, f.errorf(min(op, name), "only one operator is allowed, but there is also %s", max(op, name))
		}
		op = name
	}
	value := func(d data) (any, error) {
		v, err := variable.eval(d)
		if err != nil {
			return nil, noSuchPath(variable.src)
		}
		return v, nil
	}
	switch {
	case op == "":
		return nil, f.errorf("Variable", "the rule has no operator")
	case op == "IsPresent":
		want, err := f.boolean(op)
		if err != nil {
			return nil, err
		}
		return func(d data) (bool, error) {
			v, err := variable.eval(d)
			present := err == nil
			if found, ok := v.([]any); ok && !variable.definite {
				present = len(found) > 0
			}
			return present == want, nil
		}, nil
	case typeTests[op] != nil:
		want, err := f.boolean(op)
		if err != nil {
			return nil, err
		}
		return func(d data) (bool, error) {
			v, err := value(d)
			return err == nil && typeTests[op](v) == want, err
		}, nil
	case op == "StringMatches":
		pattern, err := f.str(op)
		if err != nil {
			return nil, err
		}
		return func(d data) (bool, error) {
			v, err := value(d)
			s, ok := v.(string)
			return ok && matches(pattern, s), err
		}, nil
	}
	name, fromPath := strings.CutSuffix(op, "Path")
	compare := comparisons[name]
	if compare == nil {
		return nil, f.errorf(op, "unknown operator")
	}
	var other func(d data) (any, error)
	if fromPath {
		p, err := f.path(op)
		if err != nil {
			return nil, err
		}
		other = func(d data) (any, error) {
			v, err := p.eval(d)
			if err != nil {
				return nil, noSuchPath(p.src)
			}
			return v, nil
		}
	} else {
		literal, err := decode(f.raw[op])
		if err != nil {
			return nil, f.errorf(op, "%v", err)
		}
		if !compare(literal, literal) && !compareStrictly(name, literal) {
			return nil, f.errorf(op, "%s is of the wrong type", f.raw[op])
		}
		other = func(data) (any, error) { return literal, nil }
	}
	return func(d data) (bool, error) {
		a, errA := value(d)
		b, errB := other(d)
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
		return compare(a, b), nil
	}, nil
}

// noSuchPath is a rule's path that leads nowhere, in AWS's words.
type noSuchPath string

func (p noSuchPath) Error() string {
	return "Invalid path '" + string(p) + "': The choice state's condition path references an invalid value."
}

// compareStrictly tells whether a literal has the type that its operator needs,
// for operators that do not hold between a value and itself.
func compareStrictly(name string, literal any) bool {
	for _, kind := range []string{"String", "Numeric", "Timestamp"} {
		if strings.HasPrefix(name, kind) {
			return comparisons[kind+"Equals"](literal, literal)
		}
	}
	return false
}

// matches is StringMatches: * stands for any text, \* and \\ for themselves.
func matches(pattern, s string) bool {
	pieces := []string{""}
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '*':
			pieces = append(pieces, "")
			continue
		case pattern[i] == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
		}
		pieces[len(pieces)-1] += pattern[i : i+1]
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(pieces) == 1 {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return true
}
