package storetest

import "reflect"

// zeroFields names the fields of a struct, and of the structs in it, that are
// not set: a test of a round trip through the store must set them all.
func zeroFields(v any) []string { return zeroFieldsAt("", reflect.ValueOf(v)) }

func zeroFieldsAt(path string, v reflect.Value) []string {
	if v.IsZero() {
		return []string{path}
	}
	if v.Kind() != reflect.Struct || v.Type().String() == "time.Time" {
		return nil
	}
	var zero []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if path != "" {
			name = path + "." + name
		}
		zero = append(zero, zeroFieldsAt(name, v.Field(i))...)
	}
	return zero
}
