package asl

import (
	"fmt"
	"strings"
)

// template is a payload template: JSON in which fields whose names end in ".$"
// are computed. The nil template is absent.
type template interface {
	eval(d data) (any, error)
}

type literal struct{ value any }

type arrayTemplate []template

type objectTemplate []member

type member struct {
	name  string // without ".$"
	expr  *expr  // or
	value template
}

// badPath is a path of a payload template that leads nowhere.
type badPath struct {
	path, field string
	where       any
}

func (b *badPath) Error() string {
	return fmt.Sprintf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", b.path, b.field, encode(b.where))
}

func parseTemplate(v any) (template, error) {
	switch v := v.(type) {
	case []any:
		out := make(arrayTemplate, len(v))
		for i, item := range v {
			t, err := parseTemplate(item)
			if err != nil {
				return nil, err
			}
			out[i] = t
		}
		return out, nil
	case map[string]any:
		out := make(objectTemplate, 0, len(v))
		for name, value := range v {
			bare, dynamic := strings.CutSuffix(name, ".$")
			if !dynamic {
				t, err := parseTemplate(value)
				if err != nil {
					return nil, err
				}
				out = append(out, member{name: name, value: t})
				continue
			}
			if _, twice := v[bare]; twice {
				return nil, fmt.Errorf("%q and %q are the same field", bare, name)
			}
			s, ok := value.(string)
			if !ok {
				return nil, fmt.Errorf("%q must be a string: a path or an intrinsic function", name)
			}
			e, err := parseExpr(s)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
			out = append(out, member{name: bare, expr: e})
		}
		return out, nil
	}
	return literal{v}, nil
}

func (l literal) eval(data) (any, error) { return l.value, nil }

func (t arrayTemplate) eval(d data) (any, error) {
	out := make([]any, len(t))
	for i, item := range t {
		var err error
		if out[i], err = item.eval(d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t objectTemplate) eval(d data) (any, error) {
	out := make(map[string]any, len(t))
	for _, m := range t {
		var err error
		if m.expr == nil {
			out[m.name], err = m.value.eval(d)
		} else {
			out[m.name], err = m.expr.evalField(m.name+".$", d)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// evalField computes a field of a template, with the error text of AWS.
func (e *expr) evalField(field string, d data) (any, error) {
	v, err := e.eval(d)
	if err == nil {
		return v, nil
	}
	if _, ok := err.(*failed); ok {
		return nil, err
	}
	where := d.root
	if e.path != nil && e.path.context {
		where = d.context
	}
	return nil, &badPath{e.src, field, where}
}
