// Package pattern matches events against EventBridge event patterns the way
// AWS does: exact values, prefix, suffix, equals-ignore-case, wildcard,
// anything-but (with every inner form), numeric, cidr, exists and $or, with
// arrays matched by intersection and array elements kept consistent between
// fields. Sources: EventBridge docs ("Creating event patterns", "Comparison
// operators"), the README of AWS's own open-source matcher aws/event-ruler, and
// 155 answers recorded from AWS, which the tests hold it against.
//
// One limit of the service is not reproduced: EventBridge refuses a wildcard it
// judges too complex ("*:*:*:*:*:event-bus/*") by a formula it does not publish.
package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxRules bounds the alternatives that $or may multiply out to (EventBridge
// docs, "$or": a pattern of more than 1,000 combinations is refused).
const maxRules = 1000

// maxDepth bounds the nesting of patterns and events (EventBridge docs: JSON of
// at most 1,000 levels).
const maxDepth = 1000

// Pattern is a compiled event pattern. It may be used by several goroutines.
type Pattern struct {
	// rules are the alternatives: $or multiplied out. An event matches when one
	// of them does.
	rules []rule
}

// rule is a conjunction over paths, in the order of the paths.
type rule []condition

type condition struct {
	path   string // field names joined with dots, as EventBridge flattens them
	values []matcher
}

// Compile reads a pattern. A pattern that EventBridge would refuse is an error
// that names the field.
func Compile(pattern []byte) (*Pattern, error) {
	n, err := parse(pattern)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	if n.kind != object {
		return nil, errors.New("event pattern: must be a JSON object")
	}
	sets, err := compileObject([]map[string][]matcher{{}}, "", n, false)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	p := &Pattern{rules: make([]rule, 0, len(sets))}
	for _, set := range sets {
		r := make(rule, 0, len(set))
		for path, values := range set {
			r = append(r, condition{path, values})
		}
		// The order decides which array element an absence is judged in.
		slices.SortFunc(r, func(a, b condition) int { return strings.Compare(a.path, b.path) })
		p.rules = append(p.rules, r)
	}
	return p, nil
}

// reserved are the words that may not name a field inside $or.
var reserved = []string{"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr", "=", "<", "<=", ">", ">="}

// compileObject adds the object's conditions to every rule so far and returns
// the rules, which $or multiplies.
func compileObject(rules []map[string][]matcher, path string, n *node, inOr bool) ([]map[string][]matcher, error) {
	if len(n.names) == 0 {
		return nil, fmt.Errorf("%s: empty objects are not allowed", where(path))
	}
	for i, name := range n.names {
		child := n.items[i]
		full := name
		if path != "" {
			full = path + "." + name
		}
		var err error
		switch {
		case name == "$or":
			rules, err = compileOr(rules, path, child)
		case inOr && slices.Contains(reserved, name):
			err = fmt.Errorf("%s: %q is a reserved word and cannot name a field inside $or", where(path), name)
		case child.kind == object:
			rules, err = compileObject(rules, full, child, inOr)
		case child.kind == array:
			var values []matcher
			if values, err = compileValues(full, child); err == nil {
				for _, r := range rules {
					if _, twice := r[full]; twice {
						return nil, fmt.Errorf("%s: is given twice", full)
					}
					r[full] = values
				}
			}
		default:
			err = fmt.Errorf("%s: must be an object or an array", full)
		}
		if err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func compileOr(rules []map[string][]matcher, path string, n *node) ([]map[string][]matcher, error) {
	if n.kind != array || len(n.items) < 2 {
		return nil, fmt.Errorf("%s: $or must be an array of at least 2 objects", where(path))
	}
	if len(rules)*len(n.items) > maxRules {
		return nil, fmt.Errorf("%s: $or makes more than %d combinations", where(path), maxRules)
	}
	var out []map[string][]matcher
	for _, alternative := range n.items {
		if alternative.kind != object {
			return nil, fmt.Errorf("%s: $or may hold only objects", where(path))
		}
		fork := make([]map[string][]matcher, len(rules))
		for i, r := range rules {
			fork[i] = make(map[string][]matcher, len(r)+1)
			for k, v := range r {
				fork[i][k] = v
			}
		}
		fork, err := compileObject(fork, path, alternative, true)
		if err != nil {
			return nil, err
		}
		if out = append(out, fork...); len(out) > maxRules {
			return nil, fmt.Errorf("%s: $or makes more than %d combinations", where(path), maxRules)
		}
	}
	return out, nil
}

func where(path string) string {
	if path == "" {
		return "top level"
	}
	return path
}

// Match says whether the event matches. The event must be one JSON object.
func (p *Pattern) Match(event []byte) (bool, error) {
	n, err := parse(event)
	if err != nil {
		return false, fmt.Errorf("event: %w", err)
	}
	if n.kind != object {
		return false, errors.New("event: must be a JSON object")
	}
	f := flattener{fields: map[string][]field{}}
	f.object("", n)
	for _, r := range p.rules {
		if r.match(f.fields, nil) {
			return true, nil
		}
	}
	return false, nil
}

// membership says for each array (by number) which of its elements is meant.
type membership map[int]int

// with joins two memberships; ok is false when they mean different elements of
// the same array.
func (m membership) with(other membership) (membership, bool) {
	fresh := false
	for a, i := range other {
		j, seen := m[a]
		if seen && i != j {
			return nil, false
		}
		fresh = fresh || !seen
	}
	if !fresh {
		return m, true
	}
	out := make(membership, len(m)+len(other))
	for a, i := range m {
		out[a] = i
	}
	for a, i := range other {
		out[a] = i
	}
	return out, true
}

type field struct {
	value *node
	in    membership
}

// match tries the conditions in order, going back where array elements disagree.
func (r rule) match(fields map[string][]field, in membership) bool {
	if len(r) == 0 {
		return true
	}
	c := r[0]
	for _, m := range c.values {
		if !m.absent {
			continue
		}
		if !slices.ContainsFunc(fields[c.path], func(f field) bool { _, ok := in.with(f.in); return ok }) && r[1:].match(fields, in) {
			return true
		}
	}
	for _, f := range fields[c.path] {
		next, ok := in.with(f.in)
		if !ok || !slices.ContainsFunc(c.values, func(m matcher) bool { return !m.absent && m.value(f.value) }) {
			continue
		}
		if r[1:].match(fields, next) {
			return true
		}
	}
	return false
}

// flattener turns an event into paths and leaf values, as EventBridge does: an
// empty array or object has no leaf, so that even {"exists": true} misses it.
type flattener struct {
	fields map[string][]field
	arrays int
	in     membership
}

func (f *flattener) object(path string, n *node) {
	for i, name := range n.names {
		full := name
		if path != "" {
			full = path + "." + name
		}
		f.value(full, n.items[i])
	}
}

func (f *flattener) value(path string, n *node) {
	switch n.kind {
	case object:
		f.object(path, n)
	case array:
		id := f.arrays
		f.arrays++
		outer := f.in
		for i, item := range n.items {
			// Only what lies inside an element belongs to it; plain values of
			// one array are all alike.
			if f.in = outer; item.kind == object || item.kind == array {
				f.in, _ = outer.with(membership{id: i})
			}
			f.value(path, item)
		}
		f.in = outer
	default:
		f.fields[path] = append(f.fields[path], field{n, f.in})
	}
}

type kind int

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// node is a JSON value that keeps the order of names and the text of numbers.
type node struct {
	kind  kind
	text  string // string value, or a number's or boolean's literal
	names []string
	items []*node
}

func parse(data []byte) (*node, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	n, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err == nil || err.Error() != "EOF" {
		return nil, errors.New("more than one JSON value")
	}
	return n, nil
}

func parseValue(d *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case nil:
		return &node{kind: null, text: "null"}, nil
	case bool:
		return &node{kind: boolean, text: fmt.Sprint(t)}, nil
	case json.Number:
		return &node{kind: number, text: t.String()}, nil
	case string:
		return &node{kind: text, text: t}, nil
	case json.Delim:
		n := &node{kind: array}
		if t == '{' {
			n.kind = object
		}
		for d.More() {
			if n.kind == object {
				name, err := d.Token()
				if err != nil {
					return nil, err
				}
				n.names = append(n.names, name.(string))
			}
			item, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		return n, nil
	}
	return nil, fmt.Errorf("unexpected %v", t)
}
