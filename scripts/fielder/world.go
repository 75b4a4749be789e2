package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/scripts/local"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/secrets"
	"github.com/fielder-care/fielder/shared/store"
)

// Where things lie, from the repository's root.
const (
	templateFile = "infra/testdata/local.json"
	binariesDir  = "build/local"
	stackName    = "fielder-local"
	// standinAddr is where the stand-ins of the platforms and of Amazon Connect
	// are, and the pages on which one sees what a customer would see.
	standinAddr = "127.0.0.1:4748"
)

// stateFile tells other commands where the running stack is.
var stateFile = ".fielder/stack.json"

// world is a running stack with everything around it.
type world struct {
	stack   *local.Stack
	standin *standin.Standin
	pages   string // the stand-ins' address
	table   *store.Table
	dynamo  *dynamodb.Client
	name    string // of the table
	ingest  secrets.Ingest
	agents  *agents // nil: people answer, in the workspace page
	stops   []func()

	mu      sync.Mutex
	lookups []map[string]string // what lookup told contact flows
}

// worldOptions say how a world is made.
type worldOptions struct {
	addr, data, accounts string
	clock                *clock.Clock
	faults               *faults.Plan
	log                  io.Writer
	standinAddr          string
	template             func([]byte) ([]byte, error) // nil: as it was synthesised
	hidden               bool                         // other commands do not find this stack
	unlimited            bool                         // the stand-ins have no rate limits
}

// Local secrets: made up, valid on this machine only.
const (
	localConsumerSecret = "local-consumer-secret"
	localAppSecret      = "local-app-secret"
	localVerifyToken    = "local-verify-token"
	localPassword       = "local-app-password"
)

// localToken is our token on a platform's stand-in. Each has its own: the Graph
// API tells Page and Instagram account apart by the token.
func localToken(p care.Platform) string { return "local-token-" + string(p) }

// startWorld starts the stand-ins and the stack.
func startWorld(ctx context.Context, o worldOptions) (_ *world, err error) {
	w := &world{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	template, err := os.ReadFile(templateFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is not here: run fielder from the repository's root", templateFile)
	}
	if err != nil {
		return nil, err
	}
	if o.template != nil {
		if template, err = o.template(template); err != nil {
			return nil, err
		}
	}
	// The functions are started later, wherever the caller is by then.
	binaries, err := filepath.Abs(binariesDir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binariesDir); err != nil {
		return nil, fmt.Errorf("%s is not here: run `make build` first", binariesDir)
	}
	if o.clock == nil {
		o.clock = clock.Real()
	}
	if o.standinAddr == "" {
		o.standinAddr = standinAddr
	}
	listener, err := net.Listen("tcp", o.standinAddr)
	if err != nil {
		return nil, fmt.Errorf("the stand-ins: %w", err)
	}
	w.pages = "http://" + listener.Addr().String()
	w.standin = w.newStandin(o)
	server := &http.Server{Handler: w.standin.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	w.stops = append(w.stops, func() { server.Close() })

	accounts, err := w.accounts(o.accounts)
	if err != nil {
		return nil, err
	}
	w.ingest.X.ConsumerSecret = localConsumerSecret
	w.ingest.Meta.AppSecret, w.ingest.Meta.VerifyToken = localAppSecret, localVerifyToken
	signing, err := json.Marshal(w.ingest)
	if err != nil {
		return nil, err
	}
	tokens, err := json.Marshal(secrets.Accounts{Accounts: accounts})
	if err != nil {
		return nil, err
	}
	state := stateFile
	if o.hidden {
		state = ""
	}
	w.stack, err = local.Start(ctx, local.Options{
		Template: template, Binaries: binaries, DataDir: o.data, Addr: o.addr, Engine: dynamo.Start, Clock: o.clock, Faults: o.faults,
		Log: o.log, Stack: stackName, StateFile: state, Pages: w.pages,
		Secrets: map[string]string{"SecretsIngest": string(signing), "SecretsRead": string(tokens), "SecretsWrite": string(tokens)},
		Connect: w.standin.ConnectAPI(),
	})
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, w.stack.Close)
	cfg := operator(w.stack.URL(), w.stack.OperatorKey())
	w.dynamo = dynamodb.NewFromConfig(cfg)
	if w.name, err = tableName(w.stack.Resources()); err != nil {
		return nil, err
	}
	w.table = store.New(w.dynamo, w.name, w.stack.Clock().Now)
	return w, nil
}

func (w *world) close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
	w.stops = nil
}

func tableName(resources []local.Resource) (string, error) {
	for _, r := range resources {
		if r.Type == "AWS::DynamoDB::Table" || r.Type == "AWS::DynamoDB::GlobalTable" {
			return r.Name, nil
		}
	}
	return "", errors.New("the template has no table")
}

// operator is an AWS config whose calls are neither counted nor checked.
func operator(url, key string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider(key, "operator", "")}
}

// accounts are our accounts on the stand-ins, or those of a file: the same form
// as the secret's ({"accounts": [...]}), to speak with real servers.
func (w *world) accounts(file string) ([]platform.Account, error) {
	own := []platform.Account{
		{Platform: care.X, Account: "7001001", Handle: "VeloriaCare", BaseURL: w.pages + "/standin/x", Token: localToken(care.X), Tier: "self-serve"},
		{Platform: care.Facebook, Account: "7002001", Handle: "veloria", BaseURL: w.pages + "/standin/graph/v25.0", Token: localToken(care.Facebook)},
		{Platform: care.Messenger, Account: "7002001", Handle: "veloria", BaseURL: w.pages + "/standin/graph/v25.0", Token: localToken(care.Facebook)},
		{Platform: care.Instagram, Account: "7003001", Handle: "veloria.care", BaseURL: w.pages + "/standin/graph/v25.0", Token: localToken(care.Instagram)},
		{Platform: care.Mastodon, Account: "7004001", Handle: "care", BaseURL: w.pages + "/standin/mastodon", Token: localToken(care.Mastodon)},
		{Platform: care.Bluesky, Account: "did:plc:veloriacare000000000000", Handle: "care.veloria.example", BaseURL: w.pages + "/standin/bluesky",
			Identifier: "care.veloria.example", Password: localPassword},
	}
	if file == "" {
		return own, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var given secrets.Accounts
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	for _, g := range given.Accounts {
		for i := range own {
			if own[i].Platform == g.Platform {
				own[i] = g
			}
		}
	}
	return own, nil
}

// running is the stack of another process, found by its state file.
type running struct {
	local.State
	table     *store.Table
	dynamo    *dynamodb.Client
	name      string // of the table
	sm        *secretsmanager.Client
	appconfig *appconfigdata.Client
	resources []local.Resource
}

// findRunning connects to the stack that `fielder up` or `fielder demo` keeps.
func findRunning(ctx context.Context) (*running, error) {
	raw, err := os.ReadFile(stateFile)
	if err != nil {
		return nil, errors.New("no stack is running here: start one with `fielder up` (or `make up`)")
	}
	r := &running{}
	if err := json.Unmarshal(raw, &r.State); err != nil {
		return nil, fmt.Errorf("%s: %w", stateFile, err)
	}
	if err := r.get(ctx, "/_fielder/resources", &r.resources); err != nil {
		return nil, fmt.Errorf("the stack of %s does not answer (%w): start one with `fielder up`", stateFile, err)
	}
	if r.name, err = tableName(r.resources); err != nil {
		return nil, err
	}
	cfg := operator(r.URL, r.AccessKey)
	r.dynamo, r.sm, r.appconfig = dynamodb.NewFromConfig(cfg), secretsmanager.NewFromConfig(cfg), appconfigdata.NewFromConfig(cfg)
	r.table = store.New(r.dynamo, r.name, time.Now)
	return r, nil
}

// get fetches JSON from the control API.
func (r *running) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+path, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", path, res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
