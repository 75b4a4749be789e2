// Package iam decides whether a request is allowed, as AWS does: an explicit
// deny wins, then an allow, and what no statement names is denied.
//
// Identity policies (of a role), resource policies (of a queue) and trust
// policies share the language. What this package does not know (NotAction, an
// operator, a condition key that the local stack never fills) is refused when
// the policy is read, so that no statement is quietly skipped.
//
// Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy
// elements".
package iam

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Policy is one policy document.
type Policy struct {
	Name       string
	Statements []Statement
}

// Statement is one statement; Principals is nil in identity policies.
type Statement struct {
	Sid        string
	Deny       bool
	Actions    []string
	Resources  []string
	Principals []string // "Service:events.amazonaws.com", "AWS:arn:...", "AWS:*"
	conditions []condition
}

type condition struct {
	operator string // without prefix and suffix
	set      string // "", "ForAllValues", "ForAnyValue"
	ifExists bool
	key      string // lower case
	values   []string
}

// Request is one question. Context keys are lower case.
type Request struct {
	Action    string // "dynamodb:PutItem"
	Resource  string // an ARN
	Principal string // as in Statement.Principals; only resource policies ask
	Context   map[string][]string
}

// Effect is the answer of a set of policies.
type Effect int

// The effects: None means that no statement applies, which denies.
const (
	None Effect = iota
	Allow
	Deny
)

// keys are the condition keys that the local stack fills; a policy with any
// other would be evaluated wrongly, so it is refused.
var keys = []string{
	"aws:principalarn", "aws:securetransport", "aws:sourceaccount", "aws:sourcearn",
	"events:detail-type", "events:source",
}

var operators = []string{
	"stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase",
	"stringlike", "stringnotlike", "arnequals", "arnlike", "arnnotequals", "arnnotlike", "bool", "null",
}

// Parse reads a policy document that has been through json.Unmarshal; path
// names it in errors.
func Parse(path string, doc any) (Policy, error) {
	p := Policy{Name: path}
	root, ok := doc.(map[string]any)
	if !ok {
		return p, fmt.Errorf("%s: a policy document must be an object", path)
	}
	for key := range root {
		if key != "Version" && key != "Statement" && key != "Id" {
			return p, fmt.Errorf("%s.%s: not supported", path, key)
		}
	}
	statements, ok := root["Statement"].([]any)
	if !ok {
		statements = []any{root["Statement"]}
	}
	for i, raw := range statements {
		s, err := parseStatement(fmt.Sprintf("%s.Statement[%d]", path, i), raw)
		if err != nil {
			return p, err
		}
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

func parseStatement(path string, raw any) (Statement, error) {
	var s Statement
	fields, ok := raw.(map[string]any)
	if !ok {
		return s, fmt.Errorf("%s: a statement must be an object", path)
	}
	for key, value := range fields {
		var err error
		switch key {
		case "Sid":
			s.Sid, _ = value.(string)
		case "Effect":
			if value != "Allow" && value != "Deny" {
				err = fmt.Errorf("%s.Effect: %v is not Allow or Deny", path, value)
			}
			s.Deny = value == "Deny"
		case "Action":
			s.Actions, err = texts(path+".Action", value)
		case "Resource":
			s.Resources, err = texts(path+".Resource", value)
		case "Principal":
			s.Principals, err = principals(path+".Principal", value)
		case "Condition":
			s.conditions, err = conditions(path+".Condition", value)
		default:
			err = fmt.Errorf("%s.%s: not supported", path, key)
		}
		if err != nil {
			return s, err
		}
	}
	if len(s.Actions) == 0 {
		return s, fmt.Errorf("%s: no Action", path)
	}
	return s, nil
}

func texts(path string, value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case bool:
		return []string{fmt.Sprint(v)}, nil
	case []any:
		var out []string
		for i, item := range v {
			more, err := texts(fmt.Sprintf("%s[%d]", path, i), item)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: %v is neither a string nor a list of strings", path, value)
}

func principals(path string, value any) ([]string, error) {
	if value == "*" {
		return []string{"AWS:*"}, nil
	}
	kinds, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: %v is not a principal", path, value)
	}
	var out []string
	for kind, names := range kinds {
		if kind != "Service" && kind != "AWS" {
			return nil, fmt.Errorf("%s.%s: not supported", path, kind)
		}
		list, err := texts(path+"."+kind, names)
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			out = append(out, kind+":"+name)
		}
	}
	sort.Strings(out)
	return out, nil
}

func conditions(path string, value any) ([]condition, error) {
	byOperator, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: must be an object", path)
	}
	var out []condition
	for operator, raw := range byOperator {
		c := condition{operator: strings.ToLower(operator)}
		if set, rest, ok := strings.Cut(operator, ":"); ok {
			if set != "ForAllValues" && set != "ForAnyValue" {
				return nil, fmt.Errorf("%s.%s: not supported", path, operator)
			}
			c.set, c.operator = set, strings.ToLower(rest)
		}
		if bare, ok := strings.CutSuffix(c.operator, "ifexists"); ok {
			c.operator, c.ifExists = bare, true
		}
		if !slices.Contains(operators, c.operator) {
			return nil, fmt.Errorf("%s.%s: operator not supported", path, operator)
		}
		pairs, ok := raw.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s.%s: must be an object", path, operator)
		}
		for key, values := range pairs {
			one := c
			one.key = strings.ToLower(key)
			if !slices.Contains(keys, one.key) {
				return nil, fmt.Errorf("%s.%s: condition key %q not supported", path, operator, key)
			}
			var err error
			if one.values, err = texts(path+"."+operator+"."+key, values); err != nil {
				return nil, err
			}
			out = append(out, one)
		}
	}
	return out, nil
}

// Evaluate asks the policies. A statement with principals applies only to
// those.
func Evaluate(policies []Policy, r Request) Effect {
	effect := None
	for _, p := range policies {
		for _, s := range p.Statements {
			if !s.applies(r) {
				continue
			}
			if s.Deny {
				return Deny
			}
			effect = Allow
		}
	}
	return effect
}

func (s Statement) applies(r Request) bool {
	if s.Principals != nil && !slices.ContainsFunc(s.Principals, func(p string) bool {
		return p == "AWS:*" || p == r.Principal || accountRoot(p, r.Principal)
	}) {
		return false
	}
	action := strings.ToLower(r.Action)
	if !slices.ContainsFunc(s.Actions, func(p string) bool { return Glob(strings.ToLower(p), action) }) {
		return false
	}
	// Trust policies and some resource policies name no resource: it is the
	// thing that they are attached to.
	if s.Resources != nil && !slices.ContainsFunc(s.Resources, func(p string) bool { return MatchARN(p, r.Resource) }) {
		return false
	}
	for _, c := range s.conditions {
		if !c.holds(r.Context) {
			return false
		}
	}
	return true
}

// accountRoot tells whether pattern names the whole account of the principal.
func accountRoot(pattern, principal string) bool {
	account, ok := strings.CutSuffix(pattern, ":root")
	if !ok {
		return false
	}
	parts := strings.Split(principal, ":")
	return strings.HasPrefix(principal, "AWS:") && len(parts) > 5 && strings.HasSuffix(account, ":"+parts[5])
}

func (c condition) holds(context map[string][]string) bool {
	have, ok := context[c.key]
	if c.operator == "null" {
		return (len(c.values) == 1 && c.values[0] == "true") == !ok
	}
	if !ok {
		// Negated operators hold for a missing key; ForAllValues holds for the empty
		// set.
		return c.ifExists || c.set == "ForAllValues" || strings.Contains(c.operator, "not")
	}
	one := func(value string) bool {
		negated := strings.Contains(c.operator, "not")
		match := slices.ContainsFunc(c.values, func(want string) bool { return c.equal(want, value) })
		return match != negated
	}
	if c.set == "ForAllValues" {
		return !slices.ContainsFunc(have, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(have, one)
}

func (c condition) equal(want, value string) bool {
	switch strings.Replace(c.operator, "not", "", 1) {
	case "stringequalsignorecase", "bool":
		return strings.EqualFold(want, value)
	case "stringlike":
		return Glob(want, value)
	case "arnequals", "arnlike": // the two are the same, says the IAM User Guide
		return MatchARN(want, value)
	default:
		return want == value
	}
}

// MatchARN matches an ARN against a pattern, each of the first five segments by
// itself: a wildcard there does not reach across a colon.
func MatchARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	want, have := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(want) != 6 || len(have) != 6 {
		return pattern == arn
	}
	for i := range want {
		if !Glob(want[i], have[i]) {
			return false
		}
	}
	return true
}

// Glob matches text against a pattern in which * stands for any run of
// characters and ? for any one.
func Glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
