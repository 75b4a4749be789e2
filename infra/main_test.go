package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestReadContext(t *testing.T) {
	everything := settings{Stages: []string{"local", "dev", "prod"}, Accounts: sampleAccounts()}
	goods := map[string]struct {
		context map[string]any
		want    settings
	}{
		"nothing": {nil, everything},
		"one stage": {map[string]any{"stage": "dev"},
			settings{Stages: []string{"dev"}, Accounts: sampleAccounts()}},
		"accounts": {map[string]any{"accounts": []any{map[string]any{"platform": "bluesky", "account": "did:plc:abc"}}},
			settings{Stages: everything.Stages, Accounts: []Account{{Platform: "bluesky", Account: "did:plc:abc"}}}},
		"connect": {map[string]any{"connectInstance": "i", "connectFlow": "f"},
			settings{Stages: everything.Stages, Accounts: sampleAccounts(), Connect: Connect{Instance: "i", Flow: "f"}}},
		"panel": {map[string]any{"panelIssuer": "https://id.example", "panelAudience": "a"},
			settings{Stages: everything.Stages, Accounts: sampleAccounts(), Panel: Panel{Issuer: "https://id.example", Audience: "a", Groups: "cognito:groups"}}},
		"panel with its own claim": {map[string]any{"panelIssuer": "https://id.example", "panelAudience": "a", "panelGroups": "roles"},
			settings{Stages: everything.Stages, Accounts: sampleAccounts(), Panel: Panel{Issuer: "https://id.example", Audience: "a", Groups: "roles"}}},
	}
	for name, good := range goods {
		t.Run(name, func(t *testing.T) {
			got, err := readContext(func(key string) any { return good.context[key] })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(good.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	bads := map[string]struct {
		context map[string]any
		says    string
	}{
		"unknown stage":    {map[string]any{"stage": "test"}, "test is not one of"},
		"accounts as text": {map[string]any{"accounts": `[{"platform":"bluesky"}]`}, "not string"},
		"pushed platform":  {map[string]any{"accounts": []any{map[string]any{"platform": "x", "account": "1"}}}, `"x" is not one of`},
		"no account":       {map[string]any{"accounts": []any{map[string]any{"platform": "mastodon"}}}, "account is empty"},
		"twice": {map[string]any{"accounts": []any{
			map[string]any{"platform": "mastodon", "account": "1"}, map[string]any{"platform": "mastodon", "account": "1"}}}, "there twice"},
		"instance without flow": {map[string]any{"connectInstance": "i"}, "both or none"},
		"flow without instance": {map[string]any{"connectFlow": "f"}, "both or none"},
		"instance as number":    {map[string]any{"connectInstance": 7.0}, "not a string"},
		"issuer alone":          {map[string]any{"panelIssuer": "https://id.example"}, "both or none"},
		"audience alone":        {map[string]any{"panelAudience": "a"}, "both or none"},
		"claim alone":           {map[string]any{"panelGroups": "roles"}, "without panelIssuer"},
		"issuer over http":      {map[string]any{"panelIssuer": "http://id.example", "panelAudience": "a"}, "https address"},
	}
	for name, bad := range bads {
		t.Run(name, func(t *testing.T) {
			_, err := readContext(func(key string) any { return bad.context[key] })
			if err == nil || !strings.Contains(err.Error(), bad.says) {
				t.Errorf("error %v, want one that says %q", err, bad.says)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	s, err := readContext(func(string) any { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for stage, want := range map[string]Connect{"local": localConnect, "dev": {}, "prod": {}} {
		o, err := s.options(stage)
		if err != nil {
			t.Fatal(err)
		}
		if o.Connect != want {
			t.Errorf("%s: Amazon Connect %v, want %v", stage, o.Connect, want)
		}
		if o.name() != "fielder-"+stage {
			t.Errorf("%s: name %s", stage, o.name())
		}
	}
	if _, err := s.options("nowhere"); err == nil {
		t.Error("a stage that does not exist has options")
	}
}

func TestCheckBuild(t *testing.T) {
	dir := t.TempDir()
	for _, name := range functionNames {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "bootstrap"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkBuild(dir); err != nil {
		t.Error(err)
	}
	for _, gone := range []string{webhook, ledger} {
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	err := checkBuild(dir)
	for _, want := range []string{webhook, ledger, "make build"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
}

// TestConfigSchema: AppConfig takes the bundle that we deploy, and refuses ones
// that no function could work with.
func TestConfigSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(configSchema))
	if err != nil {
		t.Fatal(err)
	}
	if got := at(doc, "$schema"); got != "http://json-schema.org/draft-04/schema#" {
		t.Errorf("schema of %v; AppConfig knows draft 4", got)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	fresh := func(t *testing.T) map[string]any {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(defaultConfig))
		if err != nil {
			t.Fatal(err)
		}
		return v.(map[string]any)
	}
	if err := schema.Validate(fresh(t)); err != nil {
		t.Errorf("the default bundle: %v", err)
	}
	bads := map[string]func(b map[string]any){
		"no version":      func(b map[string]any) { delete(b, "version") },
		"empty version":   func(b map[string]any) { b["version"] = "" },
		"no brand":        func(b map[string]any) { delete(b, "brand") },
		"nameless brand":  func(b map[string]any) { b["brand"].(map[string]any)["name"] = "" },
		"no language":     func(b map[string]any) { b["brand"].(map[string]any)["languages"] = []any{} },
		"no intent":       func(b map[string]any) { b["brand"].(map[string]any)["intents"] = []any{} },
		"rules as object": func(b map[string]any) { b["rules"] = map[string]any{} },
		"nameless rule":   func(b map[string]any) { b["rules"] = []any{map[string]any{"reply": "x"}} },
		"no queue":        func(b map[string]any) { b["routing"].(map[string]any)["queues"] = []any{} },
		"no time zone":    func(b map[string]any) { delete(b["hours"].(map[string]any), "timeZone") },
		"unknown platform": func(b map[string]any) {
			b["brand"].(map[string]any)["accounts"] = []any{map[string]any{"platform": "icq", "id": "1"}}
		},
	}
	for name, spoil := range bads {
		t.Run(name, func(t *testing.T) {
			b := fresh(t)
			spoil(b)
			if schema.Validate(b) == nil {
				t.Error("accepted")
			}
		})
	}
}

// TestConfigFits: AppConfig delivers at most 2,048 KB ("AppConfig quotas"), and
// CloudFormation takes a template of at most 1 MB ("CloudFormation quotas").
func TestConfigFits(t *testing.T) {
	eachStage(t, func(t *testing.T, stage string, tpl template) {
		data, err := json.Marshal(tpl.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 1_000_000 {
			t.Errorf("the template has %d bytes", len(data))
		}
		for id, v := range tpl.of(t, "AWS::AppConfig::HostedConfigurationVersion") {
			var got, want any
			if err := json.Unmarshal([]byte(v.Properties["Content"].(string)), &got); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			if err := json.Unmarshal(defaultConfig, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})
}
