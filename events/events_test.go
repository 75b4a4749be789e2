package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fielder-care/fielder/shared/care"
)

// schemas compiles every schema in schema/.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob("schema/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, f := range files {
		doc, err := readJSON(f)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if err := c.AddResource(filepath.Base(f), doc); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	out := map[string]*jsonschema.Schema{}
	for _, f := range files {
		s, err := c.Compile(filepath.Base(f))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[filepath.Base(f)] = s
	}
	return out
}

func readJSON(file string) (any, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

func TestContractsAgree(t *testing.T) {
	all := schemas(t)
	for _, empty := range All() {
		name := empty.Type()
		t.Run(name, func(t *testing.T) {
			schema := all[name+".v1.json"]
			if schema == nil {
				t.Fatalf("schema/%s.v1.json is missing", name)
			}
			raw, err := os.ReadFile("samples/events/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("the sample breaks the schema: %v", err)
			}
			d := reflect.New(reflect.TypeOf(empty).Elem()).Interface().(Detail)
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.DisallowUnknownFields()
			if err := dec.Decode(d); err != nil {
				t.Fatalf("the sample has what the Go type has not: %v", err)
			}
			again, err := Encode(d)
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(again, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the sample does not survive the Go type (-want +got):\n%s", diff)
			}
			// Every field of the Go type is a property of the schema and the
			// other way round.
			if diff := cmp.Diff(jsonFields(reflect.TypeOf(d).Elem()), properties(t, "schema/"+name+".v1.json", "")); diff != "" {
				t.Errorf("Go type and schema have different fields (-go +schema):\n%s", diff)
			}
		})
	}
	shared := map[string]reflect.Type{
		"reason": reflect.TypeFor[care.Reason](), "author": reflect.TypeFor[care.Author](), "attachment": reflect.TypeFor[care.Attachment](),
		"post": reflect.TypeFor[care.Post](), "postRef": reflect.TypeFor[PostRef](), "sent": reflect.TypeFor[care.Sent](),
	}
	for def, typ := range shared {
		t.Run("care/"+def, func(t *testing.T) {
			if diff := cmp.Diff(jsonFields(typ), properties(t, "schema/care.json", def)); diff != "" {
				t.Errorf("Go type and schema have different fields (-go +schema):\n%s", diff)
			}
		})
	}
}

// jsonFields lists the JSON names of a struct's fields, embedded ones included.
func jsonFields(typ reflect.Type) []string {
	var out []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			out = append(out, jsonFields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func properties(t *testing.T, file, def string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Defs       map[string]object          `json:"$defs"`
	}
	var s object
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if def != "" {
		s = s.Defs[def]
	}
	var out []string
	for name := range s.Properties {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func TestSchemasRefuse(t *testing.T) {
	all := schemas(t)
	bads := map[string]string{
		"PostReceived without a post":        `{"version":"1","correlation":"c"}`,
		"PostReceived of another version":    `{"version":"2","correlation":"c","post":{}}`,
		"PostDecided with a made-up outcome": `{"version":"1","correlation":"c","post":{"id":"x:1","platform":"x","account":"a","thread":"t"},"outcome":"maybe","relevance":"about","intent":"","sentiment":0,"severity":0,"priority":0,"rule":"","customer":""}`,
		"PostDeleted without a time":         `{"version":"1","correlation":"c","post":{"id":"x:1","platform":"x","account":"a","thread":"t"}}`,
		"ReplyDrafted without an end":        `{"version":"1","correlation":"c","post":{"id":"x:1","platform":"x","account":"a","thread":"t"},"conversation":"k","rule":"r"}`,
		"DraftClosed that is still open":     `{"version":"1","correlation":"c","post":"x:1","platform":"x","conversation":"k","rule":"r","status":"approved","by":"ana","edited":false}`,
		"InvitationSent with a field more":   `{"version":"1","correlation":"c","invitation":"i","customer":"c","platform":"x","after":"call","extra":1}`,
	}
	for name, body := range bads {
		t.Run(name, func(t *testing.T) {
			typ, _, _ := strings.Cut(name, " ")
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if all[typ+".v1.json"].Validate(doc) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Run("OK fills in the version", func(t *testing.T) {
		raw, err := Encode(&SLAWarned{Meta: Meta{Correlation: "c"}})
		if err != nil || !bytes.Contains(raw, []byte(`"version":"1"`)) {
			t.Errorf("got %s, %v", raw, err)
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		_, err := Encode(&PostReceived{Post: care.Post{Text: strings.Repeat("x", MaxDetailBytes)}})
		var e *care.Error
		if !errors.As(err, &e) || e.Code != care.Invalid {
			t.Errorf("got %v, want Invalid", err)
		}
	})
}

func TestDecode(t *testing.T) {
	rows := []struct {
		name, raw string
		want      care.Code
	}{
		{"OK", `{"version":"1","correlation":"c","conversation":"k","queue":"q","dueAt":"2026-01-02T03:04:05Z"}`, ""},
		{"ErrVersion", `{"version":"2","correlation":"c"}`, care.Invalid},
		{"ErrNoVersion", `{"correlation":"c"}`, care.Invalid},
		{"ErrNotJSON", `{"version":`, care.Invalid},
		{"ErrWrongType", `{"version":"1","dueAt":7}`, care.Invalid},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var d SLAWarned
			if got := care.CodeOf(Decode(json.RawMessage(r.raw), &d)); got != r.want {
				t.Errorf("got %q, want %q", got, r.want)
			}
		})
	}
}
