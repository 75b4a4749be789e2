// Command infra is Fielder's CDK app: it turns the constructs of this folder
// into one CloudFormation template per stage.
//
//	npx cdk deploy -c stage=dev fielder-dev     deploys one stage
//	npx cdk synth                               writes every stage to cdk.out
//	CDK_OUTDIR=cdk.out go run ./infra           the same without the CDK CLI
//
// stack.go composes; each capability has a file of its own. The workflows are
// plain Amazon States Language in workflow/, the event patterns plain JSON in
// events/patterns. The template of the stage "local" is what the local stack
// runs (infra/testdata/local.json; a test keeps it equal to this app's output).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		jsii.Close()
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	context, err := readContext(func(key string) any { return app.Node().TryGetContext(jsii.String(key)) })
	if err != nil {
		return err
	}
	build := os.Getenv("FIELDER_BUILD")
	if build == "" {
		build = "build"
	}
	if err := checkBuild(build); err != nil {
		return err
	}
	for _, name := range context.Stages {
		options, err := context.options(name)
		if err != nil {
			return err
		}
		options.Code = func(function string) awslambda.Code {
			return awslambda.Code_FromAsset(jsii.String(filepath.Join(build, function)), nil)
		}
		newStack(app, options)
	}
	app.Synth(nil)
	return nil
}

// checkBuild says which binaries are missing, all at once; the CDK would stop at
// the first with a stack trace.
func checkBuild(dir string) error {
	var missing []error
	for _, name := range functionNames {
		path := filepath.Join(dir, name, "bootstrap")
		if _, err := os.Stat(path); err != nil {
			missing = append(missing, fmt.Errorf("%s is not there; `make build` makes it", path))
		}
	}
	return errors.Join(missing...)
}

// settings is what the CDK context (cdk.json, -c key=value) says.
type settings struct {
	Stages   []string
	Accounts []Account
	Connect  Connect
	Panel    Panel
}

// readContext reads and checks the context; get returns nil for an absent key.
//
//	stage            one stage; default all
//	accounts         [{"platform": "mastodon", "account": "..."}]: what the poller polls
//	connectInstance  id of the Amazon Connect instance; default none
//	connectFlow      id of the contact flow of tasks; needed with connectInstance
//	panelIssuer      OpenID Connect issuer that vouches for agents, exactly as its
//	                 tokens name it; default none, and then no panel
//	panelAudience    audience of its tokens; needed with panelIssuer
//	panelGroups      claim that lists an agent's groups; default cognito:groups
func readContext(get func(string) any) (settings, error) {
	s := settings{Stages: stageNames(), Accounts: sampleAccounts()}
	if v := get("stage"); v != nil {
		name, ok := v.(string)
		if !ok || !slices.Contains(stageNames(), name) {
			return s, fmt.Errorf("context stage: %v is not one of %v", v, stageNames())
		}
		s.Stages = []string{name}
	}
	if v := get("accounts"); v != nil {
		accounts, err := parseAccounts(v)
		if err != nil {
			return s, err
		}
		s.Accounts = accounts
	}
	for key, to := range map[string]*string{
		"connectInstance": &s.Connect.Instance, "connectFlow": &s.Connect.Flow,
		"panelIssuer": &s.Panel.Issuer, "panelAudience": &s.Panel.Audience, "panelGroups": &s.Panel.Groups,
	} {
		if v := get(key); v != nil {
			text, ok := v.(string)
			if !ok {
				return s, fmt.Errorf("context %s: %v is not a string", key, v)
			}
			*to = text
		}
	}
	if (s.Connect.Instance == "") != (s.Connect.Flow == "") {
		return s, errors.New("context connectInstance and connectFlow: give both or none")
	}
	switch {
	case (s.Panel.Issuer == "") != (s.Panel.Audience == ""):
		return s, errors.New("context panelIssuer and panelAudience: give both or none")
	case s.Panel.Issuer == "" && s.Panel.Groups != "":
		return s, errors.New("context panelGroups: it means nothing without panelIssuer")
	case s.Panel.Issuer != "" && !strings.HasPrefix(s.Panel.Issuer, "https://"):
		return s, fmt.Errorf("context panelIssuer: %s is not an https address", s.Panel.Issuer)
	case s.Panel.Issuer != "" && s.Panel.Groups == "":
		s.Panel.Groups = "cognito:groups"
	}
	return s, nil
}

// options makes one stage's options, without Code.
func (s settings) options(stage string) (Options, error) {
	found, ok := stageByName(stage)
	if !ok {
		return Options{}, fmt.Errorf("stage %q is not one of %v", stage, stageNames())
	}
	connect := s.Connect
	if found.Local && connect.Instance == "" {
		connect = localConnect
	}
	panel := s.Panel
	if found.Local { // whoever vouches elsewhere, the local stack cannot ask
		panel = localPanel
	}
	var bundle bytes.Buffer
	if err := json.Compact(&bundle, defaultConfig); err != nil {
		return Options{}, fmt.Errorf("infra/config.json: %w", err)
	}
	return Options{Stage: found, Accounts: s.Accounts, Connect: connect, Panel: panel, Config: bundle.String()}, nil
}

// parseAccounts reads the context's list; a string (from -c) is not one.
func parseAccounts(v any) ([]Account, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("context accounts: a list of {platform, account} is needed, not %T", v)
	}
	var accounts []Account
	for i, item := range list {
		fields, _ := item.(map[string]any)
		platform, _ := fields["platform"].(string)
		account, _ := fields["account"].(string)
		a := Account{Platform: platform, Account: account}
		switch {
		case !slices.Contains(polledPlatforms, platform):
			return nil, fmt.Errorf("context accounts[%d]: platform %q is not one of %v", i, platform, polledPlatforms)
		case account == "":
			return nil, fmt.Errorf("context accounts[%d]: account is empty", i)
		case slices.Contains(accounts, a):
			return nil, fmt.Errorf("context accounts[%d]: %s %s is there twice", i, platform, account)
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}
