package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	bundles "github.com/fielder-care/fielder/shared/config"
)

var updateGolden = flag.Bool("update", false, "rewrite config.json and testdata/<stage>.json")

func TestMain(m *testing.M) {
	// A matter of who deploys, not of what is tested.
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")
	flag.Parse()
	if *updateGolden { // first, because the templates hold it
		data, err := bundle()
		if err == nil {
			err = os.WriteFile("config.json", data, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		defaultConfig = data
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// bundle is shared/config/default as AppConfig delivers it, laid out for reading.
func bundle() ([]byte, error) {
	bundle, err := bundles.Default()
	if err != nil {
		return nil, err
	}
	data, err := bundles.Encode(bundle)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// TestConfigIsTheDefault: the bundle that a deployment brings is made of the files
// that business users start from.
func TestConfigIsTheDefault(t *testing.T) {
	want, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(defaultConfig), "\n")); diff != "" {
		t.Errorf("infra/config.json is not shared/config/default any more; run `go test ./infra -update` (-default +config.json):\n%s", diff)
	}
}

// template is a synthesised CloudFormation template.
type template struct {
	Raw       map[string]any
	Resources map[string]resource
}

// resource is one resource of a template.
type resource struct {
	Type           string
	Properties     map[string]any
	Metadata       map[string]any
	DependsOn      any
	DeletionPolicy string
}

// synthesise makes every stage's template, once per test binary: jsii starts a
// Node process, which is most of this package's test time.
var synthesise = sync.OnceValues(func() (templates map[string]template, err error) {
	// The CDK throws by panicking across jsii.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the CDK refused: %v", r)
		}
	}()
	dir, err := os.MkdirTemp("", "fielder-infra")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	app := awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(filepath.Join(dir, "cdk.out")),
	})
	context, err := readContext(func(string) any { return nil })
	if err != nil {
		return nil, err
	}
	for _, name := range context.Stages {
		options, err := context.options(name)
		if err != nil {
			return nil, err
		}
		options.Code = func(function string) awslambda.Code {
			path := filepath.Join(dir, function)
			if err := os.MkdirAll(path, 0o755); err != nil {
				panic(err)
			}
			if err := os.WriteFile(filepath.Join(path, "bootstrap"), []byte(function), 0o755); err != nil {
				panic(err)
			}
			return awslambda.Code_FromAsset(jsii.String(path), nil)
		}
		newStack(app, options)
	}
	app.Synth(nil)
	templates = map[string]template{}
	for _, name := range context.Stages {
		data, err := os.ReadFile(filepath.Join(dir, "cdk.out", product+"-"+name+".template.json"))
		if err != nil {
			return nil, err
		}
		t, err := parseTemplate(data)
		if err != nil {
			return nil, err
		}
		templates[name] = t
	}
	return templates, nil
})

func parseTemplate(data []byte) (template, error) {
	var t template
	if err := json.Unmarshal(data, &t); err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t.Raw)
}

// eachStage runs a test against every stage's template.
func eachStage(t *testing.T, test func(t *testing.T, stage string, tpl template)) {
	t.Helper()
	templates, err := synthesise()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range stageNames() {
		t.Run(stage, func(t *testing.T) { test(t, stage, templates[stage]) })
	}
}

// of gives the resources of a type by logical id, and fails when there is none:
// a rule about nothing proves nothing.
func (tpl template) of(t *testing.T, kind string) map[string]resource {
	t.Helper()
	found := map[string]resource{}
	for id, r := range tpl.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	if len(found) == 0 {
		t.Fatalf("no %s in the template", kind)
	}
	return found
}

// at walks nested maps; nil where a step is missing.
func at(v any, path ...string) any {
	for _, step := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text renders a value, intrinsic functions included, for matching.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

var assetKey = regexp.MustCompile(`^[0-9a-f]{64}\.zip$`)

// normalise replaces what depends on the binaries' content: a function's asset
// key becomes "<function>.zip".
func normalise(t *testing.T, tpl template) []byte {
	t.Helper()
	for id, r := range tpl.Raw["Resources"].(map[string]any) {
		if at(r, "Type") != "AWS::Lambda::Function" {
			continue
		}
		code := at(r, "Properties", "Code").(map[string]any)
		name, _ := at(r, "Metadata", metadataKey, "function").(string)
		key, _ := code["S3Key"].(string)
		if name == "" || (!assetKey.MatchString(key) && key != name+".zip") {
			t.Fatalf("%s: code %v of function %q is no asset", id, code, name)
		}
		code["S3Key"] = name + ".zip"
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(tpl.Raw); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

// TestGolden shows in review what a change does to each stage, and keeps the
// template that the local stack runs equal to what this app deploys.
func TestGolden(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		path := filepath.Join("testdata", stage+".json")
		got := normalise(t, tpl)
		if *updateGolden {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("the template differs from %s; if that is meant, run `go test ./infra -update` and review the change (-golden +synthesised):\n%s", path, diff)
		}
	})
}
