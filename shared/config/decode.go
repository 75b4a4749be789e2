package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// position is a place in a file, counted from 1.
type position struct{ line, column int }

// decoder turns the syntax tree of one file into Go values. Unlike a plain YAML
// decoder it goes on after a mistake, refuses every key that it does not know,
// and remembers where each value stood, so that later checks can point at it.
type decoder struct {
	file  string
	errs  []Error
	where map[string]position // by path, such as rules[2].when.intents[0]
}

// maxDepth bounds how deep values nest; the deepest that makes sense is 25.
const maxDepth = 40

func (d *decoder) fail(n ast.Node, format string, args ...any) {
	p := at(n)
	d.errs = append(d.errs, Error{File: d.file, Line: p.line, Column: p.column, Message: fmt.Sprintf(format, args...)})
}

// at is where a node begins.
func at(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key // a block mapping's own token is its first colon
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = m.Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{1, 1}
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

// decode fills v, which must be addressable, from n.
func (d *decoder) decode(n ast.Node, v reflect.Value, path string) {
	d.value(n, v, path, 0)
}

func (d *decoder) value(n ast.Node, v reflect.Value, path string, depth int) {
	d.where[path] = at(n)
	if depth > maxDepth {
		d.fail(n, "this is nested too deeply")
		return
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		d.fail(n, "anchors, aliases and merge keys are not supported: write the value again")
		return
	case *ast.TagNode:
		d.fail(n, "tags are not supported: write the value without one")
		return
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := scalar(n)
		if !ok {
			d.fail(n, "expected a single value")
			return
		}
		if err := t.UnmarshalText([]byte(s)); err != nil {
			d.fail(n, "%v", err)
		}
		return
	}
	if _, null := n.(*ast.NullNode); null {
		switch v.Kind() {
		case reflect.Slice, reflect.Map, reflect.Struct: // "holidays:" with nothing below: none
		default:
			d.fail(n, "there is no value here")
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, depth)
	case reflect.Struct:
		d.structure(n, v, path, depth)
	case reflect.Map:
		d.mapping(n, v, path, depth)
	case reflect.Slice:
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			d.fail(n, "expected a list, such as [a, b]")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
		for i, item := range s.Values {
			d.value(item, v.Index(i), path+"["+strconv.Itoa(i)+"]", depth+1)
		}
	case reflect.String:
		s, ok := scalar(n)
		if !ok {
			d.fail(n, "expected a text")
			return
		}
		if _, isBool := n.(*ast.BoolNode); isBool {
			d.fail(n, "expected a text; put %s in quotes if you mean the word", s)
			return
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.fail(n, "expected true or false")
			return
		}
		v.SetBool(b.Value)
	case reflect.Int:
		i, ok := n.(*ast.IntegerNode)
		if !ok {
			d.fail(n, "expected a whole number")
			return
		}
		k, err := strconv.ParseInt(strings.ReplaceAll(i.GetToken().Value, "_", ""), 10, 64)
		if err != nil {
			d.fail(n, "expected a whole number, written in digits")
			return
		}
		v.SetInt(k)
	case reflect.Float64:
		s, ok := scalar(n)
		_, isInt := n.(*ast.IntegerNode)
		_, isFloat := n.(*ast.FloatNode)
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if !ok || !(isInt || isFloat) || err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			d.fail(n, "expected a number")
			return
		}
		v.SetFloat(f)
	default:
		panic("config: no decoding for " + v.Type().String())
	}
}

// pairs gives the keys and values of a mapping, and refuses everything that is
// not a plain, unrepeated key.
func (d *decoder) pairs(n ast.Node) (keys []string, nodes []*ast.MappingValueNode, ok bool) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.fail(n, "expected keys with values, such as \"name: value\"")
		return nil, nil, false
	}
	seen := make(map[string]position, len(values))
	for _, pair := range values {
		key, plain := scalar(pair.Key)
		if !plain || pair.Key.IsMergeKey() {
			d.fail(pair.Key, "expected a plain word as key")
			continue
		}
		if first, twice := seen[key]; twice {
			d.fail(pair.Key, "%s is here twice; the first is in line %d", quote(key), first.line)
			continue
		}
		seen[key] = at(pair.Key)
		keys, nodes = append(keys, key), append(nodes, pair)
	}
	return keys, nodes, true
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string, depth int) {
	keys, nodes, ok := d.pairs(n)
	if !ok {
		return
	}
	fields := fieldsOf(v.Type())
	for i, key := range keys {
		index, known := fields[key]
		child := join(path, key)
		if !known {
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			d.fail(nodes[i].Key, "unknown key %s%s", quote(key), didYouMean(key, names))
			continue
		}
		d.where[child+"#key"] = at(nodes[i].Key)
		d.value(nodes[i].Value, v.Field(index), child, depth+1)
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string, depth int) {
	keys, nodes, ok := d.pairs(n)
	if !ok {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(keys)))
	for i, key := range keys {
		child := join(path, key)
		d.where[child+"#key"] = at(nodes[i].Key)
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(nodes[i].Value, item, child, depth+1)
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	}
}

// fieldsOf maps the keys of a struct's YAML form to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			fields[key] = i
		}
	}
	return fields
}

// scalar is the text of a single value as it was written, without quotes.
func scalar(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return s.GetToken().Value, true
	}
	return "", false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
