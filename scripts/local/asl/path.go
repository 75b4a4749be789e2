package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path is a compiled JSONPath, in the dialect of Step Functions (Jayway):
// "$..." into the data, "$$..." into the context object, "$name..." into a
// variable.
type path struct {
	src      string
	context  bool
	variable string
	steps    []step
	// definite paths name one place; the others give a list of all that is found.
	definite bool
}

type stepKind int

const (
	stepNames stepKind = iota // .name, ['name'], ['a','b']
	stepIndexes
	stepSlice
	stepAll  // .* and [*]
	stepDeep // ..: every value below, then the next step
	stepFilter
)

type step struct {
	kind     stepKind
	names    []string
	indexes  []int
	from, to *int
	filter   filter
}

// data is what paths may look into.
type data struct {
	root    any
	context any
	vars    map[string]any
}

// missing says how far a definite path got.
type missing struct {
	path string // in bracket notation, up to the first step that failed
	leaf bool   // it was the last step
}

func (m *missing) Error() string {
	if m.leaf {
		return "No results for path: " + m.path
	}
	return "Missing property in path " + m.path
}

func (p *path) eval(d data) (any, error) {
	root := d.root
	if p.context {
		root = d.context
	}
	if p.variable != "" {
		v, ok := d.vars[p.variable]
		if !ok {
			return nil, fmt.Errorf("the variable $%s is not set", p.variable)
		}
		root = v
	}
	if !p.definite {
		found := []any{}
		collect(root, p.steps, d, &found)
		return found, nil
	}
	at := root
	for i, s := range p.steps {
		next, ok := s.one(at)
		if !ok {
			m := &missing{path: "$", leaf: i == len(p.steps)-1}
			for _, s := range p.steps[:i+1] {
				m.path += s.String()
			}
			return nil, m
		}
		at = next
	}
	return at, nil
}

// one takes a definite step.
func (s step) one(v any) (any, bool) {
	if s.kind == stepNames {
		m, _ := v.(map[string]any)
		out, ok := m[s.names[0]]
		return out, ok
	}
	l, _ := v.([]any)
	i := s.indexes[0]
	if i < 0 {
		i += len(l)
	}
	if i < 0 || i >= len(l) {
		return nil, false
	}
	return l[i], true
}

func (s step) String() string {
	if s.kind == stepNames {
		return "['" + s.names[0] + "']"
	}
	return fmt.Sprintf("[%d]", s.indexes[0])
}

// collect adds what the steps find below v; what is not there adds nothing.
func collect(v any, steps []step, d data, out *[]any) {
	if len(steps) == 0 {
		*out = append(*out, v)
		return
	}
	s, rest := steps[0], steps[1:]
	list, _ := v.([]any)
	object, isObject := v.(map[string]any)
	switch s.kind {
	case stepNames:
		for _, name := range s.names {
			if w, ok := object[name]; ok {
				collect(w, rest, d, out)
			}
		}
	case stepIndexes:
		for _, i := range s.indexes {
			if i < 0 {
				i += len(list)
			}
			if i >= 0 && i < len(list) {
				collect(list[i], rest, d, out)
			}
		}
	case stepSlice:
		from, to := 0, len(list)
		if s.from != nil {
			from = bound(*s.from, len(list))
		}
		if s.to != nil {
			to = bound(*s.to, len(list))
		}
		for i := from; i < to; i++ {
			collect(list[i], rest, d, out)
		}
	case stepAll:
		for _, w := range children(v) {
			collect(w, rest, d, out)
		}
	case stepDeep:
		collect(v, rest, d, out)
		for _, w := range children(v) {
			collect(w, steps, d, out)
		}
	case stepFilter:
		if isObject {
			list = []any{v}
		}
		for _, w := range list {
			if s.filter(w, d) {
				collect(w, rest, d, out)
			}
		}
	}
}

func bound(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

func children(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		out := make([]any, len(keys))
		for i, k := range keys {
			out[i] = v[k]
		}
		return out
	}
	return nil
}

// parsePath compiles a whole string.
func parsePath(s string) (*path, error) {
	r := &reader{s: s}
	p, err := r.path()
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", s, err)
	}
	if !r.done() {
		return nil, fmt.Errorf("path %q: unexpected %q", s, r.rest())
	}
	return p, nil
}

// parseReference compiles a path that names one place to write to.
func parseReference(s string) (*path, error) {
	p, err := parsePath(s)
	if err != nil {
		return nil, err
	}
	if !p.definite || p.context || p.variable != "" {
		return nil, fmt.Errorf("path %q: must be a reference path: $ and fields or indexes only", s)
	}
	return p, nil
}

// reader reads paths, filters and intrinsic functions.
type reader struct {
	s     string
	i     int
	depth int
}

func (r *reader) done() bool   { return r.i >= len(r.s) }
func (r *reader) rest() string { return r.s[r.i:] }
func (r *reader) peek() byte {
	if r.done() {
		return 0
	}
	return r.s[r.i]
}

func (r *reader) take(prefix string) bool {
	if strings.HasPrefix(r.rest(), prefix) {
		r.i += len(prefix)
		return true
	}
	return false
}

func (r *reader) spaces() {
	for !r.done() && strings.IndexByte(" \t\n\r", r.s[r.i]) >= 0 {
		r.i++
	}
}

// path reads from "$" to the first byte that cannot belong to it.
func (r *reader) path() (*path, error) {
	start := r.i
	if !r.take("$") {
		return nil, errors.New("must begin with $")
	}
	p := &path{definite: true}
	switch {
	case r.take("$"):
		p.context = true
	case isNameByte(r.peek()):
		p.variable = r.name()
	}
	if err := r.steps(p); err != nil {
		return nil, err
	}
	p.src = r.s[start:r.i]
	return p, nil
}

func isNameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (r *reader) name() string {
	start := r.i
	for !r.done() && isNameByte(r.s[r.i]) {
		r.i++
	}
	return r.s[start:r.i]
}

func (r *reader) steps(p *path) error {
	for {
		switch {
		case r.take(".."):
			p.definite = false
			p.steps = append(p.steps, step{kind: stepDeep})
			if r.peek() == '[' {
				continue
			}
			if err := r.dotStep(p); err != nil {
				return err
			}
		case r.take("."):
			if err := r.dotStep(p); err != nil {
				return err
			}
		case r.take("["):
			s, err := r.bracket()
			if err != nil {
				return err
			}
			p.definite = p.definite && (s.kind == stepNames && len(s.names) == 1 || s.kind == stepIndexes && len(s.indexes) == 1)
			p.steps = append(p.steps, s)
		default:
			return nil
		}
	}
}

func (r *reader) dotStep(p *path) error {
	if r.take("*") {
		p.definite = false
		p.steps = append(p.steps, step{kind: stepAll})
		return nil
	}
	name := r.name()
	if name == "" {
		return fmt.Errorf("a field name is missing before %q", r.rest())
	}
	if r.peek() == '(' {
		return fmt.Errorf("the path function %s() is not supported", name)
	}
	p.steps = append(p.steps, step{kind: stepNames, names: []string{name}})
	return nil
}

func (r *reader) bracket() (step, error) {
	r.spaces()
	switch c := r.peek(); {
	case r.take("*"):
		return step{kind: stepAll}, r.closing()
	case r.take("?("):
		if r.depth++; r.depth > 20 {
			return step{}, errors.New("filters are nested too deeply")
		}
		defer func() { r.depth-- }()
		f, err := r.or()
		if err != nil {
			return step{}, err
		}
		if r.spaces(); !r.take(")") {
			return step{}, fmt.Errorf("the filter is not closed before %q", r.rest())
		}
		return step{kind: stepFilter, filter: f}, r.closing()
	case c == '\'' || c == '"':
		s := step{kind: stepNames}
		for {
			r.spaces()
			name, err := r.quoted()
			if err != nil {
				return step{}, err
			}
			s.names = append(s.names, name)
			if r.spaces(); !r.take(",") {
				return s, r.closing()
			}
		}
	default:
		return r.numbers()
	}
}

func (r *reader) closing() error {
	if r.spaces(); !r.take("]") {
		return fmt.Errorf("] is missing before %q", r.rest())
	}
	return nil
}

// quoted reads a quoted name. Only the quote itself and nothing else is
// unescaped; that is what AWS does.
func (r *reader) quoted() (string, error) {
	quote := r.peek()
	if quote != '\'' && quote != '"' {
		return "", fmt.Errorf("a quoted name is missing before %q", r.rest())
	}
	r.i++
	var b strings.Builder
	for !r.done() {
		c := r.s[r.i]
		r.i++
		if c == quote {
			return b.String(), nil
		}
		if c == '\\' && r.peek() == quote {
			c = quote
			r.i++
		}
		b.WriteByte(c)
	}
	return "", errors.New("a quoted name is not closed")
}

func (r *reader) numbers() (step, error) {
	s := step{kind: stepIndexes}
	first, ok, err := r.number()
	if err != nil {
		return s, err
	}
	r.spaces()
	if r.take(":") {
		s = step{kind: stepSlice}
		if ok {
			s.from = &first
		}
		r.spaces()
		last, ok, err := r.number()
		if err != nil {
			return s, err
		}
		if ok {
			s.to = &last
		}
		if r.spaces(); r.peek() == ':' {
			return s, errors.New("a slice with a step is not supported")
		}
		return s, r.closing()
	}
	if !ok {
		return s, fmt.Errorf("an index, a name, a slice, * or a filter is missing before %q", r.rest())
	}
	s.indexes = append(s.indexes, first)
	for r.take(",") {
		r.spaces()
		n, ok, err := r.number()
		if err != nil || !ok {
			return s, fmt.Errorf("an index is missing before %q", r.rest())
		}
		s.indexes = append(s.indexes, n)
		r.spaces()
	}
	return s, r.closing()
}

func (r *reader) number() (int, bool, error) {
	start := r.i
	r.take("-")
	for !r.done() && r.s[r.i] >= '0' && r.s[r.i] <= '9' {
		r.i++
	}
	if r.i == start {
		return 0, false, nil
	}
	n, err := strconv.Atoi(r.s[start:r.i])
	return n, err == nil, err
}

// filter is the condition of [?(...)].
type filter func(at any, d data) bool

func (r *reader) or() (filter, error) {
	return r.chain("||", r.and, func(a, b filter) filter {
		return func(at any, d data) bool { return a(at, d) || b(at, d) }
	})
}

func (r *reader) and() (filter, error) {
	return r.chain("&&", r.comparison, func(a, b filter) filter {
		return func(at any, d data) bool { return a(at, d) && b(at, d) }
	})
}

func (r *reader) chain(op string, next func() (filter, error), join func(a, b filter) filter) (filter, error) {
	left, err := next()
	for err == nil {
		if r.spaces(); !r.take(op) {
			return left, nil
		}
		var right filter
		if right, err = next(); err == nil {
			left = join(left, right)
		}
	}
	return nil, err
}

func (r *reader) comparison() (filter, error) {
	r.spaces()
	if strings.HasPrefix(r.rest(), "!") && !strings.HasPrefix(r.rest(), "!=") || r.peek() == '(' {
		not := r.take("!")
		if r.depth++; r.depth > 20 {
			return nil, errors.New("filters are nested too deeply")
		}
		defer func() { r.depth-- }()
		var inner filter
		var err error
		if r.spaces(); r.take("(") {
			if inner, err = r.or(); err != nil {
				return nil, err
			}
			if r.spaces(); !r.take(")") {
				return nil, fmt.Errorf(") is missing before %q", r.rest())
			}
		} else if inner, err = r.comparison(); err != nil {
			return nil, err
		}
		if not {
			return func(at any, d data) bool { return !inner(at, d) }, nil
		}
		return inner, nil
	}
	left, err := r.operand()
	if err != nil {
		return nil, err
	}
	r.spaces()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if !r.take(op) {
			continue
		}
		right, err := r.operand()
		if err != nil {
			return nil, err
		}
		return func(at any, d data) bool {
			a, okA := left(at, d)
			b, okB := right(at, d)
			return compare(op, a, okA, b, okB)
		}, nil
	}
	if c := r.peek(); c != ')' && c != '&' && c != '|' {
		return nil, fmt.Errorf("the filter operator at %q is not supported", r.rest())
	}
	return func(at any, d data) bool { _, ok := left(at, d); return ok }, nil
}

func compare(op string, a any, okA bool, b any, okB bool) bool {
	same := okA && okB && equal(a, b)
	switch op {
	case "==":
		return same
	case "!=":
		return !same
	}
	if !okA || !okB {
		return false
	}
	var c int
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		if !ok {
			return false
		}
		c = compareNumbers(a, n)
	case string:
		s, ok := b.(string)
		if !ok {
			return false
		}
		c = strings.Compare(a, s)
	default:
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// operand gives a value, and false when a path finds nothing.
func (r *reader) operand() (func(at any, d data) (any, bool), error) {
	r.spaces()
	switch c := r.peek(); {
	case c == '@' || c == '$':
		p := &path{definite: true}
		var err error
		if r.take("@") {
			err = r.steps(p)
		} else {
			p, err = r.path()
		}
		if err != nil {
			return nil, err
		}
		return func(at any, d data) (any, bool) {
			if c == '@' {
				d.root = at
			}
			v, err := p.eval(d)
			return v, err == nil
		}, nil
	case c == '\'' || c == '"':
		s, err := r.quoted()
		if err != nil {
			return nil, err
		}
		return func(any, data) (any, bool) { return s, true }, nil
	}
	start := r.i
	for !r.done() && (isNameByte(r.s[r.i]) || r.s[r.i] == '.' || r.s[r.i] == '+') {
		r.i++
	}
	v, err := decode([]byte(r.s[start:r.i]))
	if err != nil {
		return nil, fmt.Errorf("the filter has no value at %q", r.s[start:])
	}
	return func(any, data) (any, bool) { return v, true }, nil
}

// set puts value at a reference path of root and gives the new root; what lies
// on the way is copied, and made where it is absent.
func (p *path) set(root, value any) (any, error) {
	return setSteps(root, p.steps, value, p.src)
}

func setSteps(at any, steps []step, value any, src string) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	s := steps[0]
	if s.kind == stepNames {
		m, ok := at.(map[string]any)
		if !ok && at != nil {
			return nil, fmt.Errorf("unable to apply step %q to input %s", s.names[0], encode(at))
		}
		out := make(map[string]any, len(m)+1)
		for k, v := range m {
			out[k] = v
		}
		next, err := setSteps(m[s.names[0]], steps[1:], value, src)
		if err != nil {
			return nil, err
		}
		out[s.names[0]] = next
		return out, nil
	}
	l, ok := at.([]any)
	i := s.indexes[0]
	if !ok || i < 0 || i >= len(l) {
		return nil, fmt.Errorf("unable to apply step \"%d\" to input %s", i, encode(at))
	}
	out := slices.Clone(l)
	next, err := setSteps(l[i], steps[1:], value, src)
	if err != nil {
		return nil, err
	}
	out[i] = next
	return out, nil
}
