package cfn

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Ignored is the type of a property that has no meaning locally. The field's
// tag `why` must say why.
type Ignored struct{}

var ignoredType = reflect.TypeFor[Ignored]()

// Decode resolves a resource's properties and reads them into a struct whose
// field names are the property names. A property that the struct does not have
// is an error with its path. Strings are read as numbers and booleans where the
// field is one, as CloudFormation does.
func (t *Template) Decode(r Resource, into any) error {
	resolved, err := t.Resolve(r.ID, r.Properties)
	if err != nil {
		return err
	}
	if r.Properties == nil {
		resolved = map[string]any{}
	}
	if err := decode(r.ID, resolved, reflect.ValueOf(into).Elem()); err != nil {
		return fmt.Errorf("%s (%s)", err, r.Type)
	}
	return nil
}

func decode(path string, value any, into reflect.Value) error {
	wrong := func() error { return fmt.Errorf("%s: %v is not a %s", path, value, into.Kind()) }
	if into.Type() == ignoredType {
		return nil
	}
	switch into.Kind() {
	case reflect.Interface:
		into.Set(reflect.ValueOf(value))
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decode(path, value, into.Elem())
	case reflect.Struct:
		fields, ok := value.(map[string]any)
		if !ok {
			return wrong()
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			field := into.FieldByName(name)
			if !field.IsValid() {
				return fmt.Errorf("%s.%s: property not supported", path, name)
			}
			if err := decode(path+"."+name, fields[name], field); err != nil {
				return err
			}
		}
	case reflect.Map:
		fields, ok := value.(map[string]any)
		if !ok {
			return wrong()
		}
		into.Set(reflect.MakeMap(into.Type()))
		for name, item := range fields {
			one := reflect.New(into.Type().Elem()).Elem()
			if err := decode(path+"."+name, item, one); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(name), one)
		}
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			return wrong()
		}
		into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
		for i, item := range items {
			if err := decode(fmt.Sprintf("%s[%d]", path, i), item, into.Index(i)); err != nil {
				return err
			}
		}
	case reflect.String:
		switch v := value.(type) {
		case string:
			into.SetString(v)
		case json.Number, bool:
			into.SetString(fmt.Sprint(v))
		default:
			return wrong()
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(fmt.Sprint(value))
		if err != nil {
			return wrong()
		}
		into.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(fmt.Sprint(value))
		if err != nil {
			return wrong()
		}
		into.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(fmt.Sprint(value), 64)
		if err != nil {
			return wrong()
		}
		into.SetFloat(f)
	default:
		return fmt.Errorf("%s: cannot read into a %s", path, strings.ToLower(into.Kind().String()))
	}
	return nil
}
