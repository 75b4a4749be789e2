// Package archtest holds the direction of imports, so that the code stays
// readable: the domain knows nothing of AWS, capabilities know nothing of
// adapters, adapters know nothing of capabilities, and only app joins them.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/fielder-care/fielder/"

// Groups of packages below shared/.
var (
	capabilities = []string{"triage", "match", "reply", "escalate", "followup", "policy", "send", "intake", "ledger", "lookup", "contact", "drafts"}
	adapters     = []string{"store", "platform", "connect", "bus", "secrets", "appconfig"}
	helpers      = []string{"care", "config", "text", "idempotency"}
	// leaves are capabilities that others may call: pure functions.
	leaves = []string{"policy"}
)

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./shared/...", "./events/...", "./functions/...", "./infra/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 20 {
		t.Fatalf("only %d packages listed", len(list))
	}
	return list
}

// area is the first path element below shared/, "" outside of it.
func area(path string) string {
	rest, ok := strings.CutPrefix(path, module+"shared/")
	if !ok {
		return ""
	}
	a, _, _ := strings.Cut(rest, "/")
	return a
}

func in(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func TestImportDirection(t *testing.T) {
	for _, p := range packages(t) {
		from := area(p.ImportPath)
		for _, to := range p.Imports {
			if why := wrong(p.ImportPath, from, to); why != "" {
				t.Errorf("%s imports %s: %s", strings.TrimPrefix(p.ImportPath, module), strings.TrimPrefix(to, module), why)
			}
		}
	}
}

func wrong(path, from, to string) string {
	target := area(to)
	switch {
	case from == "care":
		if !standard(to) {
			return "the domain imports the standard library only"
		}
	case path == module+"events":
		if !standard(to) && target != "care" {
			return "events import the standard library and care only"
		}
	case in(capabilities, from):
		switch {
		case strings.Contains(to, "/aws-"):
			return "a capability never touches AWS"
		case in(adapters, target) || target == "app" || target == "telemetry":
			return "a capability declares a port instead"
		case in(capabilities, target) && target != from && !in(leaves, target):
			return "capabilities do not know each other; app joins them"
		}
	case in(adapters, from):
		if in(capabilities, target) || target == "app" {
			return "an adapter serves ports, it does not know who asks"
		}
	case in(helpers, from):
		if in(capabilities, target) || in(adapters, target) || target == "app" || strings.Contains(to, "/aws-") {
			return "a helper is at the bottom"
		}
	case strings.HasPrefix(path, module+"functions/"):
		if !standard(to) && target != "app" && target != "telemetry" && !strings.HasPrefix(to, "github.com/aws/aws-lambda-go/") {
			return "a main only starts what app builds"
		}
	case path == module+"infra":
		if target != "" {
			return "infra deploys what is built; it does not import it"
		}
	}
	if from != "" && strings.HasPrefix(to, module+"scripts/") && !strings.HasSuffix(path, "test") {
		return "the service does not know its tools"
	}
	return ""
}

// The rules above bite.
func TestWrong(t *testing.T) {
	bads := [][2]string{
		{"shared/care", "github.com/google/go-cmp/cmp"},
		{"events", module + "shared/config"},
		{"shared/send", "github.com/aws/aws-sdk-go-v2/aws"},
		{"shared/send", module + "shared/store"},
		{"shared/send", module + "shared/reply"},
		{"shared/platform/x", module + "shared/send"},
		{"shared/text", module + "shared/triage"},
		{"functions/send", module + "shared/store"},
		{"infra", module + "shared/app"},
	}
	goods := [][2]string{
		{"shared/care", "strings"},
		{"shared/send", module + "shared/policy"},
		{"shared/send", module + "shared/idempotency"},
		{"shared/platform/x", module + "shared/platform"},
		{"shared/app", module + "shared/store"},
		{"functions/send", "github.com/aws/aws-lambda-go/lambda"},
	}
	for _, b := range bads {
		if wrong(module+b[0], area(module+b[0]), b[1]) == "" {
			t.Errorf("%s may import %s", b[0], b[1])
		}
	}
	for _, g := range goods {
		if why := wrong(module+g[0], area(module+g[0]), g[1]); why != "" {
			t.Errorf("%s may not import %s: %s", g[0], g[1], why)
		}
	}
}
