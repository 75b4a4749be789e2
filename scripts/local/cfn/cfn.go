// Package cfn reads a synthesised CloudFormation template and resolves its
// intrinsic functions, for the local stack.
//
// Physical names and ARNs are made up without creating anything (see names.go),
// so that references resolve in any order. A resource type, a property or an
// intrinsic function that is not known is an error that names the logical id
// and the path: nothing of a template is silently left out.
package cfn

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The pseudo parameters of the local stack.
const (
	Region    = "us-east-1"
	Account   = "000000000000"
	Partition = "aws"
)

// Template is a template whose values can be asked for.
type Template struct {
	stack      string
	parameters map[string]any
	imports    map[string]string
	mappings   map[string]any
	conditions map[string]any
	resources  map[string]Resource
	outputs    map[string]any
	resolving  map[string]bool // guards against reference cycles
}

// Resource is one resource; Properties is as written until Decode or Resolve.
type Resource struct {
	ID         string
	Type       string
	Properties map[string]any
	Metadata   map[string]any
	Deletion   string // DeletionPolicy
}

// Options fill what a deployment would.
type Options struct {
	Stack   string            // AWS::StackName; default "fielder-local"
	Params  map[string]string // over the parameters' defaults
	Imports map[string]string // for Fn::ImportValue
}

// sections that a template may have; Rules hold the CDK's check of the version
// of its bootstrap stack, which does not exist locally.
var sections = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules"}

var resourceFields = []string{"Type", "Properties", "Metadata", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy"}

// Parse reads a template in JSON.
func Parse(data []byte, o Options) (*Template, error) {
	var root map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	for section := range root {
		if !slices.Contains(sections, section) {
			return nil, fmt.Errorf("template: section %q is not supported", section)
		}
	}
	t := &Template{
		stack:      o.Stack,
		parameters: map[string]any{},
		imports:    o.Imports,
		mappings:   object(root["Mappings"]),
		conditions: object(root["Conditions"]),
		resources:  map[string]Resource{},
		outputs:    object(root["Outputs"]),
		resolving:  map[string]bool{},
	}
	if t.stack == "" {
		t.stack = "fielder-local"
	}
	for name, raw := range object(root["Parameters"]) {
		if value, ok := o.Params[name]; ok {
			t.parameters[name] = value
		} else if value, ok := object(raw)["Default"]; ok {
			t.parameters[name] = value
		} else {
			return nil, fmt.Errorf("template: parameter %s has no default and was not given", name)
		}
	}
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(object(root["Resources"]))) {
		if err := t.addResource(id, object(object(root["Resources"])[id])); err != nil {
			problems = append(problems, err)
		}
	}
	return t, errors.Join(problems...)
}

func (t *Template) addResource(id string, raw map[string]any) error {
	for field := range raw {
		if !slices.Contains(resourceFields, field) {
			return fmt.Errorf("%s.%s: not supported", id, field)
		}
	}
	if name, ok := raw["Condition"].(string); ok {
		holds, err := t.condition(name)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if !holds {
			return nil
		}
	}
	kind, _ := raw["Type"].(string)
	if _, ok := kinds[kind]; !ok {
		return fmt.Errorf("%s: resource type %q is not supported", id, kind)
	}
	deletion, _ := raw["DeletionPolicy"].(string)
	t.resources[id] = Resource{ID: id, Type: kind, Properties: object(raw["Properties"]), Metadata: object(raw["Metadata"]), Deletion: deletion}
	return nil
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// Resources lists the resources of a type, sorted by logical id; all of them
// for "".
func (t *Template) Resources(kind string) []Resource {
	var out []Resource
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		if r := t.resources[id]; kind == "" || r.Type == kind {
			out = append(out, r)
		}
	}
	return out
}

// Outputs resolves the template's outputs.
func (t *Template) Outputs() (map[string]string, error) {
	out := map[string]string{}
	for name, raw := range t.outputs {
		value, err := t.Resolve("Outputs."+name, object(raw)["Value"])
		if err != nil {
			return nil, err
		}
		out[name] = fmt.Sprint(value)
	}
	return out, nil
}

// noValue stands for AWS::NoValue: the property or list item is left out.
type noValue struct{}

// Resolve replaces the intrinsic functions in a value; path names it in errors.
func (t *Template) Resolve(path string, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || name == "Condition" && isText(arg) && t.conditions[arg.(string)] != nil || strings.HasPrefix(name, "Fn::") {
					out, err := t.call(path, name, arg)
					if err != nil {
						return nil, err
					}
					return out, nil
				}
			}
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			value, err := t.Resolve(path+"."+key, item)
			if err != nil {
				return nil, err
			}
			if value != (noValue{}) {
				out[key] = value
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			value, err := t.Resolve(fmt.Sprintf("%s[%d]", path, i), item)
			if err != nil {
				return nil, err
			}
			if value != (noValue{}) {
				out = append(out, value)
			}
		}
		return out, nil
	case string:
		if strings.Contains(v, "{{resolve:") {
			return nil, fmt.Errorf("%s: dynamic references are not supported", path)
		}
	}
	return v, nil
}

func isText(v any) bool { _, ok := v.(string); return ok }

func (t *Template) call(path, name string, arg any) (any, error) {
	fail := func(format string, args ...any) (any, error) {
		return nil, fmt.Errorf("%s: %s: %s", path, name, fmt.Sprintf(format, args...))
	}
	switch name {
	case "Ref":
		id, ok := arg.(string)
		if !ok {
			return fail("needs a name")
		}
		return t.ref(path, id)
	case "Fn::GetAtt":
		id, attribute, ok := "", "", false
		switch arg := arg.(type) {
		case string:
			id, attribute, ok = strings.Cut(arg, ".")
		case []any:
			if len(arg) == 2 {
				id, _ = arg[0].(string)
				attribute, ok = arg[1].(string)
			}
		}
		if !ok {
			return fail("needs a logical id and an attribute")
		}
		return t.attribute(path, id, attribute)
	case "Fn::If":
		list, _ := arg.([]any)
		if len(list) != 3 || !isText(list[0]) {
			return fail("needs a condition and two values")
		}
		holds, err := t.condition(list[0].(string))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if holds {
			return t.Resolve(path, list[1])
		}
		return t.Resolve(path, list[2])
	case "Fn::Sub":
		return t.sub(path, arg)
	case "Condition":
		return t.condition(arg.(string))
	}
	resolved, err := t.Resolve(path, arg)
	if err != nil {
		return nil, err
	}
	list, _ := resolved.([]any)
	switch name {
	case "Fn::Join":
		if len(list) != 2 || !isText(list[0]) {
			return fail("needs a separator and a list")
		}
		items, ok := list[1].([]any)
		if !ok {
			return fail("needs a list")
		}
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, list[0].(string)), nil
	case "Fn::Split":
		if len(list) != 2 || !isText(list[0]) || !isText(list[1]) {
			return fail("needs a separator and a string")
		}
		var out []any
		for _, part := range strings.Split(list[1].(string), list[0].(string)) {
			out = append(out, part)
		}
		return out, nil
	case "Fn::Select":
		if len(list) != 2 {
			return fail("needs an index and a list")
		}
		var index int
		items, _ := list[1].([]any)
		if _, err := fmt.Sscan(fmt.Sprint(list[0]), &index); err != nil || index < 0 || index >= len(items) {
			return fail("index %v is outside of a list of %d", list[0], len(items))
		}
		return items[index], nil
	case "Fn::FindInMap":
		if len(list) != 3 {
			return fail("needs three names")
		}
		value, ok := object(object(t.mappings[fmt.Sprint(list[0])])[fmt.Sprint(list[1])])[fmt.Sprint(list[2])]
		if !ok {
			return fail("%v is not in the mappings", list)
		}
		return value, nil
	case "Fn::ImportValue":
		value, ok := t.imports[fmt.Sprint(resolved)]
		if !ok {
			return fail("%v was not given (Options.Imports)", resolved)
		}
		return value, nil
	case "Fn::Base64":
		return base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(resolved))), nil
	case "Fn::Equals":
		if len(list) != 2 {
			return fail("needs two values")
		}
		return fmt.Sprint(list[0]) == fmt.Sprint(list[1]), nil
	case "Fn::Not":
		if len(list) != 1 {
			return fail("needs one condition")
		}
		return list[0] != true, nil
	case "Fn::And", "Fn::Or":
		for _, item := range list {
			if (item == true) == (name == "Fn::Or") {
				return name == "Fn::Or", nil
			}
		}
		return name == "Fn::And", nil
	}
	return fail("not supported")
}

func (t *Template) condition(name string) (bool, error) {
	raw, ok := t.conditions[name]
	if !ok {
		return false, fmt.Errorf("condition %q does not exist", name)
	}
	if t.resolving["Conditions."+name] {
		return false, fmt.Errorf("condition %q refers to itself", name)
	}
	t.resolving["Conditions."+name] = true
	defer delete(t.resolving, "Conditions."+name)
	value, err := t.Resolve("Conditions."+name, raw)
	return value == true, err
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

func (t *Template) sub(path string, arg any) (any, error) {
	text, ok := arg.(string)
	var given map[string]any
	if list, isList := arg.([]any); isList && len(list) == 2 {
		text, ok = list[0].(string)
		given = object(list[1])
	}
	if !ok {
		return nil, fmt.Errorf("%s: Fn::Sub: needs a string, or a string and a map", path)
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.TrimSpace(found[2 : len(found)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var value any
		var err error
		if raw, ok := given[name]; ok {
			value, err = t.Resolve(path, raw)
		} else if id, attribute, ok := strings.Cut(name, "."); ok {
			value, err = t.attribute(path, id, attribute)
		} else {
			value, err = t.ref(path, name)
		}
		failed = errors.Join(failed, err)
		return fmt.Sprint(value)
	})
	return out, failed
}

func (t *Template) ref(path, name string) (any, error) {
	switch name {
	case "AWS::Region":
		return Region, nil
	case "AWS::AccountId":
		return Account, nil
	case "AWS::Partition":
		return Partition, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return t.stack, nil
	case "AWS::StackId":
		return "arn:aws:cloudformation:" + Region + ":" + Account + ":stack/" + t.stack + "/local", nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if value, ok := t.parameters[name]; ok {
		return value, nil
	}
	return t.attribute(path, name, "Ref")
}

// Ref returns what {"Ref": id} gives.
func (t *Template) Ref(id string) (string, error) { return t.Attribute(id, "Ref") }

// Attribute returns what {"Fn::GetAtt": [id, name]} gives.
func (t *Template) Attribute(id, name string) (string, error) {
	v, err := t.attribute(id, id, name)
	return fmt.Sprint(v), err
}
