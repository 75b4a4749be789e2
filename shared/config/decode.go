package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	// wrong are the paths of values that could not be read.
	wrong []string
	// within are the types of the mappings around the value, outermost first.
	within []reflect.Type
}

func (d *decoder) fail(at position, path, format string, args ...any) {
	d.errs = append(d.errs, Error{File: d.file, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)})
	d.wrong = append(d.wrong, path)
}

// value fills v, which must be addressable, from n.
func (d *decoder) value(n *node, v reflect.Value, path string) {
	d.where[path] = n.at
	if n.kind == brokenNode {
		d.wrong = append(d.wrong, path)
		return
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := n.scalar()
		switch {
		case n.kind == nullNode:
			d.fail(n.at, path, "there is no value here")
			return
		case !ok:
			d.fail(n.at, path, "expected a single value")
			return
		}
		if err := t.UnmarshalText([]byte(s)); err != nil {
			d.fail(n.at, path, "%v", err)
		}
		return
	}
	if n.kind == nullNode {
		switch v.Kind() {
		case reflect.Slice, reflect.Map, reflect.Struct: // "holidays:" with nothing below: none
		default:
			d.fail(n.at, path, "there is no value here")
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		if n.kind != listNode {
			d.fail(n.at, path, "expected a list, such as [a, b]")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, one := range n.items {
			d.value(one, v.Index(i), item(path, i))
		}
	case reflect.String:
		s, ok := n.scalar()
		if !ok {
			d.fail(n.at, path, "expected a text")
			return
		}
		if _, isBool := truth(n); isBool {
			d.fail(n.at, path, "expected a text; put %s in quotes if you mean the word", s)
			return
		}
		v.SetString(s)
	case reflect.Bool:
		b, ok := truth(n)
		if !ok {
			d.fail(n.at, path, "expected true or false")
			return
		}
		v.SetBool(b)
	case reflect.Int:
		s := number(n)
		k, err := strconv.ParseInt(s, 10, 64)
		if s == "" || err != nil {
			d.fail(n.at, path, "expected a whole number%s", unquoted(n))
			return
		}
		v.SetInt(k)
	case reflect.Float64:
		s := number(n)
		f, err := strconv.ParseFloat(s, 64)
		if s == "" || err != nil {
			d.fail(n.at, path, "expected a number%s", unquoted(n))
			return
		}
		v.SetFloat(f)
	default:
		panic("config: no decoding for " + v.Type().String())
	}
}

// truth reads true and false as YAML does.
func truth(n *node) (value, ok bool) {
	if n.kind != plainNode {
		return false, false
	}
	switch n.text {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	}
	return false, false
}

// number is the text of a decimal number as strconv reads it, "" for anything
// else; underscores between digits are left out.
func number(n *node) string {
	if n.kind != plainNode || strings.Trim(n.text, "0123456789+-._eE") != "" || strings.HasPrefix(n.text, "_") || strings.HasSuffix(n.text, "_") {
		return ""
	}
	return strings.ReplaceAll(n.text, "_", "")
}

func unquoted(n *node) string {
	if n.kind == quotedNode {
		return ", without quotes"
	}
	return ""
}

// pairs gives the keys and values of a mapping, and refuses everything that is
// not a plain, unrepeated key.
func (d *decoder) pairs(n *node, path string) (keys, values []*node) {
	if n.kind != mappingNode {
		d.fail(n.at, path, "expected keys with values, such as \"name: value\"")
		return nil, nil
	}
	seen := make(map[string]position, len(n.keys))
	for i, key := range n.keys {
		if key.kind == brokenNode {
			continue
		}
		if first, twice := seen[key.text]; twice {
			d.fail(key.at, join(path, key.text), "%s is here twice; the first is in line %d", quote(key.text), first.line)
			continue
		}
		seen[key.text] = key.at
		keys, values = append(keys, key), append(values, n.items[i])
	}
	return keys, values
}

func (d *decoder) structure(n *node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	keys, values := d.pairs(n, path)
	d.within = append(d.within, v.Type())
	for i, key := range keys {
		child := join(path, key.text)
		index, known := fields.index[key.text]
		if !known {
			if len(d.errs) < maxErrors {
				d.unknown(key, path, fields.names)
			} else {
				d.fail(key.at, child, "unknown key %s", quote(key.text))
			}
			continue
		}
		d.where[child+"#key"] = key.at
		d.value(values[i], v.FieldByIndex(index), child)
	}
	d.within = d.within[:len(d.within)-1]
}

// unknown explains a key that a mapping does not have: misspelt, or one that
// belongs a step further in or out.
func (d *decoder) unknown(key *node, path string, names []string) {
	child := join(path, key.text)
	if meant := closest(key.text, names); meant != "" {
		d.wrong = append(d.wrong, join(path, meant))
		d.fail(key.at, child, "unknown key %s%s", quote(key.text), suggestion(key.text, names))
		return
	}
	own := d.within[len(d.within)-1]
	for _, name := range names {
		t := own.FieldByIndex(fieldsOf(own).index[name]).Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if _, inside := fieldsOf(t).index[key.text]; inside && t != own {
			d.fail(key.at, child, "unknown key %s; it belongs under %q", quote(key.text), name)
			return
		}
	}
	for _, t := range slices.Backward(d.within[:len(d.within)-1]) {
		if _, outside := fieldsOf(t).index[key.text]; outside && t != own {
			d.fail(key.at, child, "unknown key %s; it belongs further out: indent it less", quote(key.text))
			return
		}
	}
	d.fail(key.at, child, "unknown key %s%s", quote(key.text), suggestion(key.text, names))
}

func (d *decoder) mapping(n *node, v reflect.Value, path string) {
	keys, values := d.pairs(n, path)
	v.Set(reflect.MakeMapWithSize(v.Type(), len(keys)))
	for i, key := range keys {
		child := join(path, key.text)
		d.where[child+"#key"] = key.at
		one := reflect.New(v.Type().Elem()).Elem()
		d.value(values[i], one, child)
		v.SetMapIndex(reflect.ValueOf(key.text).Convert(v.Type().Key()), one)
	}
}

// fields are the keys of a struct's YAML form, in their order, and the fields
// that they fill. An embedded struct adds its own.
type fields struct {
	names []string
	index map[string][]int
}

var fieldsByType sync.Map // reflect.Type -> fields

func fieldsOf(t reflect.Type) fields {
	if t.Kind() != reflect.Struct {
		return fields{}
	}
	if known, ok := fieldsByType.Load(t); ok {
		return known.(fields)
	}
	f := fields{index: map[string][]int{}}
	for _, field := range reflect.VisibleFields(t) {
		if key := field.Tag.Get("yaml"); key != "" && key != "-" {
			f.names = append(f.names, key)
			f.index[key] = field.Index
		}
	}
	fieldsByType.Store(t, f)
	return f
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
