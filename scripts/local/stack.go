package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// DefaultAddr is where the stack listens unless told otherwise.
const DefaultAddr = "127.0.0.1:4747"

// Engine starts a DynamoDB engine that keeps its data in dataDir ("" for in
// memory) and returns its address. It ends with ctx at the latest.
type Engine func(ctx context.Context, dataDir string) (endpoint string, stop func(), err error)

// Options say what to run and how.
type Options struct {
	Template []byte // CloudFormation, JSON
	Binaries string // folder with <function>/bootstrap
	DataDir  string // where data survives a restart; "" for nowhere
	Addr     string // default DefaultAddr; port 0 takes any free one
	Engine   Engine // default dynamo.Start

	Clock  *clock.Clock // default real time
	Faults *faults.Plan // nil injects nothing
	Log    io.Writer    // what the stack itself has to say; nil for nobody

	Stack   string            // AWS::StackName
	Params  map[string]string // template parameters
	Imports map[string]string // Fn::ImportValue
	Env     map[string]string // further variables of every function
	// Secrets gives the values of secrets by logical id, or by its prefix without
	// the hash that the CDK appends. A secret that neither the template nor this
	// gives a value has none, as on AWS.
	Secrets map[string]string
	// Connect answers Amazon Connect's API (its REST paths) after the caller's role
	// was checked; nil: Connect calls fail.
	Connect http.Handler
	// Processes bounds the processes of a function without reserved concurrency.
	Processes int
	// Pages is the address of what stands around the stack, for the state file.
	Pages string
	// StateFile is written with the address and process id for other commands;
	// "" for none.
	StateFile string
}

// Stack is a running stack.
type Stack struct {
	o        Options
	url      string
	clock    *clock.Clock
	meter    *cost.Meter
	lambda   *lambda.Server
	template *cfn.Template
	listener net.Listener
	http     *http.Server
	logs     *logBook
	ctx      context.Context // ends with the stack
	cancel   context.CancelFunc
	stops    []func()
	loops    sync.WaitGroup
	started  time.Time

	operatorKey string
	operations  map[string]operation
	dynamoURL   string
	dynamo      *http.Client

	// From the template; read-only once started.
	roles     map[string]*role     // by ARN
	functions map[string]*function // by physical name
	buses     map[string]*bus      // by name
	archives  map[string]*archive  // by name
	queues    map[string]*queue    // by name
	machines  map[string]*machine  // by ARN
	secrets   map[string]*secret   // by ARN
	config    *appConfig
	metrics   *metrics
	schedules []*schedule
	apis      []*httpAPI
	ignored   map[string]string // resource type: why it has no local meaning
	signer    func() (signer, error)

	mu      sync.Mutex
	denials map[string]int
	tokens  map[string]*tokenWait // task tokens, see states.go
	told    map[string]func() any // what Tell added to the control API
}

// Start runs the template until Close. It returns when HTTP is served and every
// table exists; functions start on their first invocation.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	key := make([]byte, 8)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	s := &Stack{o: o, clock: o.Clock, meter: &cost.Meter{}, logs: newLogBook(), started: time.Now(),
		operatorKey: "AKIA" + strings.ToUpper(hex.EncodeToString(key)), dynamo: newEngineClient(), operations: operations(),
		roles: map[string]*role{}, functions: map[string]*function{}, buses: map[string]*bus{}, archives: map[string]*archive{},
		queues: map[string]*queue{}, machines: map[string]*machine{}, secrets: map[string]*secret{}, config: newAppConfig(), metrics: &metrics{sums: map[string]map[int64]float64{}},
		signer: sync.OnceValues(newSigner), ignored: map[string]string{}, denials: map[string]int{}, tokens: map[string]*tokenWait{}, told: map[string]func() any{}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if o.DataDir != "" {
		if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
	}
	if s.listener, err = net.Listen("tcp", o.Addr); err != nil {
		return nil, fmt.Errorf("local stack: %w", err)
	}
	s.url = "http://" + s.listener.Addr().String()
	clockFile, err := s.clockFile()
	if err != nil {
		return nil, err
	}
	s.lambda, err = lambda.New(lambda.Options{Endpoint: s.url, Region: cfn.Region, ClockFile: clockFile, Processes: o.Processes,
		Env: o.Env, Log: s.Log, Meter: s.meter, Faults: o.Faults,
		Ended: func(function string, failed bool) {
			if failed {
				s.metrics.add(s.clock.Now(), metricKey("AWS/Lambda", "Errors", map[string]string{"FunctionName": function}), 1)
			}
		}})
	if err != nil {
		return nil, err
	}
	if s.template, err = cfn.Parse(o.Template, cfn.Options{Stack: o.Stack, Params: o.Params, Imports: o.Imports}); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.settleConfig(); err != nil {
		return nil, err
	}
	if err := s.startEngine(ctx); err != nil {
		return nil, err
	}
	// The largest body is the HTTP API's, 10 MB; its handler limits it.
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.loops.Go(func() { _ = s.http.Serve(s.listener) })
	if err := s.validateFirst(ctx); err != nil {
		return nil, err
	}
	if err := s.resumeExecutions(); err != nil {
		return nil, err
	}
	for _, one := range s.schedules {
		s.startSchedule(one)
	}
	if err := s.writeState(); err != nil {
		return nil, err
	}
	s.logf("up at %s: %d functions, %d workflows, %d rules, %d schedules", s.url, len(s.functions), len(s.machines), s.countRules(), len(s.schedules))
	return s, nil
}

// clockFile gives functions the offset of a stepped clock; real time needs none.
func (s *Stack) clockFile() (string, error) {
	if !s.clock.IsStepped() {
		return "", nil
	}
	dir, err := os.MkdirTemp("", "fielder-clock-")
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "offset")
	return file, s.clock.WriteOffset(file)
}

func (s *Stack) startEngine(ctx context.Context) error {
	tables := s.template.Resources("AWS::DynamoDB::Table")
	if len(tables) == 0 {
		return nil
	}
	start := s.o.Engine
	if start == nil {
		start = dynamo.Start
	}
	endpoint, stop, err := start(s.ctx, s.o.DataDir)
	if err != nil {
		return fmt.Errorf("DynamoDB: %w", err)
	}
	s.stops = append(s.stops, stop)
	if _, err := url.Parse(endpoint); err != nil {
		return fmt.Errorf("DynamoDB: %w", err)
	}
	s.dynamoURL = strings.TrimSuffix(endpoint, "/") + "/"
	for _, r := range tables {
		if err := s.createTable(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Close stops everything: it gives work in flight a moment to end, then kills
// the functions. Standard executions go on when a stack starts on the same data.
func (s *Stack) Close() {
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_ = s.clock.Idle(ctx)
		cancel()
	}
	s.cancel()
	if s.http != nil {
		_ = s.http.Close()
	} else if s.listener != nil {
		_ = s.listener.Close()
	}
	if s.lambda != nil {
		s.lambda.Close()
	}
	s.loops.Wait()
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
	s.stops = nil
	s.removeState()
}

// removeState takes the state file away, unless another stack has written it: a
// second one that did not come up must not hide the first.
func (s *Stack) removeState() {
	if s.o.StateFile == "" {
		return
	}
	raw, err := os.ReadFile(s.o.StateFile)
	var at State
	if err == nil && json.Unmarshal(raw, &at) == nil && at.AccessKey == s.operatorKey {
		_ = os.Remove(s.o.StateFile)
	}
}

// URL is the address of everything: the HTTP API of the template, the AWS APIs
// (AWS_ENDPOINT_URL) and the control API under /_fielder/.
func (s *Stack) URL() string { return s.url }

// Clock is the stack's time.
func (s *Stack) Clock() *clock.Clock { return s.clock }

// Faults is the stack's fault plan, for the stand-ins to share.
func (s *Stack) Faults() *faults.Plan { return s.o.Faults }

// Idle waits until nothing is in flight.
func (s *Stack) Idle(ctx context.Context) error { return s.clock.Idle(ctx) }

// Calls lists the AWS calls counted so far with their cost at list prices.
func (s *Stack) Calls() []cost.Line { return s.meter.Lines() }

// ResetCalls forgets the calls counted so far.
func (s *Stack) ResetCalls() { s.meter.Reset() }

// Denials counts the refusals of IAM by message.
func (s *Stack) Denials() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.denials)
}

// OperatorKey is an access key that may do everything and whose calls are not
// counted: for tools (an import, a test), not for functions. The secret may be
// anything.
func (s *Stack) OperatorKey() string { return s.operatorKey }

// Name gives the physical name of a resource by its logical id (what Ref gives).
func (s *Stack) Name(logicalID string) (string, error) { return s.template.Ref(logicalID) }

// Outputs are the template's outputs.
func (s *Stack) Outputs() (map[string]string, error) { return s.template.Outputs() }

// Resource is one resource of the template.
type Resource struct {
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Ignored   string `json:"ignored,omitempty"` // why it has no local meaning
}

// Resources lists the template's resources.
func (s *Stack) Resources() []Resource {
	var out []Resource
	for _, r := range s.template.Resources("") {
		name, err := s.template.Ref(r.ID)
		if err != nil {
			name = err.Error()
		}
		out = append(out, Resource{LogicalID: r.ID, Type: r.Type, Name: name, Ignored: s.ignored[r.Type]})
	}
	return out
}

func (s *Stack) countRules() int {
	n := 0
	for _, b := range s.buses {
		n += len(b.rules)
	}
	return n
}

// State is what the state file holds.
type State struct {
	URL       string    `json:"url"`
	PID       int       `json:"pid"`
	AccessKey string    `json:"accessKey"` // the operator's, valid while the stack runs
	Pages     string    `json:"pages,omitempty"`
	Started   time.Time `json:"started"`
}

func (s *Stack) writeState() error {
	if s.o.StateFile == "" {
		return nil
	}
	data, err := json.Marshal(State{URL: s.url, PID: os.Getpid(), AccessKey: s.operatorKey, Pages: s.o.Pages, Started: s.started})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.o.StateFile), 0o755); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return writeFile(s.o.StateFile, data)
}

// writeFile replaces a file in one step.
func writeFile(name string, data []byte) error {
	temp := name + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, name)
}

func (s *Stack) logf(format string, args ...any) {
	fmt.Fprintf(s.o.Log, "local: "+format+"\n", args...)
}

// --- logs ------------------------------------------------------------------

// keepLines is how many log lines the stack remembers, of all functions.
const keepLines = 100_000

type logBook struct {
	mu    sync.Mutex
	lines []lambda.Line
	first int // of the ring
	subs  map[int]func(lambda.Line)
	next  int
}

func newLogBook() *logBook { return &logBook{subs: map[int]func(lambda.Line){}} }

func (b *logBook) add(line lambda.Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) < keepLines {
		b.lines = append(b.lines, line)
	} else {
		b.lines[b.first] = line
		b.first = (b.first + 1) % keepLines
	}
	for _, f := range b.subs {
		f(line)
	}
}

// Log adds a line, as if a function had written it: of what stands beside the
// stack and belongs to the same story.
func (s *Stack) Log(line lambda.Line) {
	s.logs.add(line)
	s.metrics.read(s.clock.Now(), line)
}

// Tell answers GET /_fielder/<name> with what f returns, as JSON.
func (s *Stack) Tell(name string, f func() any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[name] = f
}

// Logs returns the lines that functions wrote, oldest first, of one function
// (physical name; "" for all) and containing a text ("" for all). The last
// 100,000 lines are kept. Lines of an invocation are there when it has ended.
func (s *Stack) Logs(function, contains string) []lambda.Line {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	var out []lambda.Line
	for i := range s.logs.lines {
		line := s.logs.lines[(s.logs.first+i)%len(s.logs.lines)]
		if (function == "" || line.Function == function) && strings.Contains(line.Text, contains) {
			out = append(out, line)
		}
	}
	return out
}

// OnLog calls f with every further line, one at a time, until the function that
// it returns is called. f must not block and must not call Logs.
func (s *Stack) OnLog(f func(lambda.Line)) (stop func()) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	id := s.logs.next
	s.logs.next++
	s.logs.subs[id] = f
	return func() {
		s.logs.mu.Lock()
		defer s.logs.mu.Unlock()
		delete(s.logs.subs, id)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
