package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// compiled keeps the schemas, by file: compiling one takes longer than using it.
var compiled sync.Map

func schemaOf(t testing.TB, file string) *jsonschema.Schema {
	t.Helper()
	if s, ok := compiled.Load(file); ok {
		return s.(*jsonschema.Schema)
	}
	c := jsonschema.NewCompiler()
	main := strings.TrimSuffix(file, ".yaml") + ".schema.json"
	for _, name := range []string{main, "test.schema.json"} {
		data, err := os.ReadFile("schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.AddResource("https://fielder.example/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://fielder.example/" + main)
	if err != nil {
		t.Fatal(err)
	}
	compiled.Store(file, s)
	return s
}

// validate holds a YAML text against a file's schema, as an editor does.
func validate(t testing.TB, file, text string) error {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return err
	}
	var dates func(n *yaml.Node)
	dates = func(n *yaml.Node) {
		if n.Tag == "!!timestamp" { // of YAML 1.1; editors take it for a text
			n.Tag = "!!str"
		}
		for _, c := range n.Content {
			dates(c)
		}
	}
	dates(&root)
	var value any
	if err := root.Decode(&value); err != nil {
		return err
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schemaOf(t, file).Validate(doc)
}

func TestSchemasTakeWhatTheLoaderTakes(t *testing.T) {
	for _, file := range files {
		data, err := os.ReadFile("default/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if want := "# yaml-language-server: $schema=../schema/" + strings.TrimSuffix(file, ".yaml") + ".schema.json\n"; !strings.HasPrefix(string(data), want) {
			t.Errorf("%s does not name its schema in the first line", file)
		}
		if err := validate(t, file, string(data)); err != nil {
			t.Errorf("default/%s: %v", file, err)
		}
		if err := validate(t, file, small()[file]); err != nil {
			t.Errorf("small %s: %v", file, err)
		}
	}
}

// What an editor can see, the schema must refuse; the loader refuses it, too.
func TestSchemasRefuseWhatTheLoaderRefuses(t *testing.T) {
	rows := []struct{ file, old, new string }{
		{"brand.yaml", "name: Veloria", "nam: Veloria"},
		{"brand.yaml", "languages: [en, es]", "languages: []"},
		{"brand.yaml", "languages: [en, es]", "languages: [English]"},
		{"brand.yaml", "platform: x", "platform: twitter"},
		{"brand.yaml", "tier: self-serve", "tier: pro"},
		{"brand.yaml", "severity: medium", "severity: hot"},
		{"brand.yaml", "name: refund", "name: Money Back"},
		{"rules.yaml", "intents: [refund]", "intents: refund"},
		{"rules.yaml", "intents: [refund]", "intent: [refund]"},
		{"rules.yaml", "intents: [refund]", "minIntentScore: 2"},
		{"rules.yaml", "intents: [refund]", "sentiment: {}"},
		{"rules.yaml", "intents: [refund]", "sentiment: {max: 3}"},
		{"rules.yaml", "intents: [refund]", "platforms: [myspace]"},
		{"rules.yaml", "intents: [refund]", "any: [{questoin: true}]"},
		{"rules.yaml", "action: answer", "action: reply"},
		{"rules.yaml", "action: answer", "action: watch"},
		{"rules.yaml", "{action: answer, template: refund}", "{action: answer}"},
		{"rules.yaml", "expect: {rule: refund}", "expect: {}"},
		{"rules.yaml", `at: "2026-11-24 11:00"`, `at: noon`},
		{"templates.yaml", "variants:", "variant:"},
		{"templates.yaml", "fallback: en", "fallback: english"},
		{"templates.yaml", "      en:", "      english:"},
		{"hours.yaml", "mon:", "monday:"},
		{"hours.yaml", "08:00-20:00", "8-20"},
		{"hours.yaml", "08:00-20:00", "08:00-25:00"},
		{"hours.yaml", "default: 4h", "default: 4 hours"},
		{"routing.yaml", "severity: 40", "severity: -1"},
		{"routing.yaml", "fullValue: 10000", "fullValue: 0"},
		{"routing.yaml", "  low: {firstResponse: 8h, warnBefore: 1h}\n", ""},
		{"routing.yaml", "- {queue: general}", "- {queues: general}"},
		{"followup.yaml", "enabled: false", "enabled: true"},
		{"followup.yaml", "enabled: false", "enabled: maybe"},
		{"followup.yaml", "enabled: false", "platforms: [fax]"},
	}
	for _, row := range rows {
		t.Run(row.file+" "+row.new, func(t *testing.T) {
			files := small()
			if !strings.Contains(files[row.file], row.old) {
				t.Fatalf("no %q in %s", row.old, row.file)
			}
			files[row.file] = strings.Replace(files[row.file], row.old, row.new, 1)
			var bad *jsonschema.ValidationError
			if err := validate(t, row.file, files[row.file]); !errors.As(err, &bad) {
				t.Errorf("the schema takes it: %v", err)
			}
			if _, err := Load(fsOf(files)); err == nil {
				t.Error("the loader takes it")
			}
		})
	}
}

// The schemas know every key that the loader knows, and no other.
func TestSchemasAndTypesHaveTheSameKeys(t *testing.T) {
	for file, v := range map[string]any{"brand.yaml": brandFile{}, "rules.yaml": rulesFile{}, "templates.yaml": templatesFile{}, "hours.yaml": hoursFile{}, "routing.yaml": routingFile{}, "followup.yaml": followupFile{}} {
		same(t, file, schemaOf(t, file), reflect.TypeOf(v), map[reflect.Type]bool{})
	}
}

func same(t *testing.T, path string, s *jsonschema.Schema, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	for s != nil && s.Ref != nil {
		s = s.Ref
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if s == nil {
		t.Errorf("%s: the schema says nothing about it", path)
		return
	}
	items := func() *jsonschema.Schema {
		if one, ok := s.Items.(*jsonschema.Schema); ok {
			return one
		}
		return s.Items2020
	}
	switch typ.Kind() {
	case reflect.Struct:
		if seen[typ] {
			return
		}
		seen[typ] = true
		var want, got []string
		for key, index := range fieldsOf(typ).index {
			want = append(want, key)
			if sub := s.Properties[key]; sub != nil {
				same(t, path+"."+key, sub, typ.FieldByIndex(index).Type, seen)
			}
		}
		for key := range s.Properties {
			got = append(got, key)
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: keys of the type and of the schema differ (-type +schema):\n%s", path, d)
		}
		if s.AdditionalProperties != false {
			t.Errorf("%s: the schema takes unknown keys", path)
		}
	case reflect.Slice:
		same(t, path+"[]", items(), typ.Elem(), seen)
	case reflect.Map:
		if len(s.Properties) > 0 { // a map with known keys
			for key, sub := range s.Properties {
				same(t, path+"."+key, sub, typ.Elem(), seen)
			}
			return
		}
		sub, _ := s.AdditionalProperties.(*jsonschema.Schema)
		same(t, path+".*", sub, typ.Elem(), seen)
	}
}
