// Package lambda runs function binaries as AWS Lambda does: each instance is a
// process of the real `bootstrap` that asks a Runtime API server for work.
//
// Instances start on demand and are kept for the next invocation. A function
// without reserved concurrency has the whole account's on AWS; here it has a
// few processes, and further invocations wait for one. With reserved
// concurrency, what exceeds it is throttled, as on AWS. An invocation that runs
// out of time, or whose process dies, ends with the error that Lambda gives and
// its process is gone. Time-outs are real time, whatever clock the stack lives
// by.
//
// Source: Lambda developer guide, "Using the Lambda runtime API".
package lambda

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/faults"
)

// Function is one function's configuration.
type Function struct {
	Name     string
	ARN      string
	Role     string // role ARN
	Binary   string // path of its bootstrap
	Handler  string
	Env      map[string]string
	Timeout  time.Duration
	MemoryMB int
	Reserved int // reserved concurrency; -1 for none
	// LogFormat and SystemLogLevel are those of LoggingConfig; they decide how
	// many bytes of platform logs an invocation costs.
	LogFormat, AppLogLevel, SystemLogLevel string
}

// Options are what all functions share.
type Options struct {
	Endpoint  string // AWS_ENDPOINT_URL
	Region    string
	ClockFile string // FIELDER_CLOCK_FILE; "" for none
	Processes int    // per function without reserved concurrency; default 4
	Env       map[string]string
	Log       func(Line)
	Ended     func(function string, failed bool) // after every invocation; nil for nobody
	Meter     *cost.Meter
	Faults    *faults.Plan
}

// Line is one line that a function wrote to stdout or stderr.
type Line struct {
	Time      time.Time `json:"time"` // of the wall clock
	Function  string    `json:"function"`
	Instance  string    `json:"instance"`
	RequestID string    `json:"requestId,omitempty"`
	Text      string    `json:"text"`
}

// Errors of Invoke; every other failure is the function's own, in Result.
var (
	ErrThrottled = errors.New("TooManyRequestsException: Rate Exceeded")
	ErrService   = errors.New("ServiceException: injected fault")
	ErrUnknown   = errors.New("ResourceNotFoundException: Function not found")
	ErrClosed    = errors.New("the local stack is shutting down")
)

// Result is how an invocation ended.
type Result struct {
	RequestID string
	Payload   []byte
	Failed    bool // Payload is {"errorType", "errorMessage"}: FunctionError "Unhandled"
	Init      time.Duration
	Duration  time.Duration
}

// Server is the Runtime API and the processes behind it.
type Server struct {
	o        Options
	listener net.Listener
	http     *http.Server
	closed   chan struct{}
	logs     string // directory

	mu        sync.Mutex
	functions map[string]*function
	instances map[string]*instance // by id
	keys      map[string]*instance // by access key
	wait      sync.WaitGroup
}

type function struct {
	Function
	mu   sync.Mutex
	idle []*instance
	live int
	free chan struct{} // signalled when an instance becomes idle or dies
}

type instance struct {
	id, accessKey string
	f             *function
	cmd           *exec.Cmd
	work          chan *invocation // to the process's next poll
	ready         chan struct{}    // closed at the first poll
	dead          chan struct{}    // closed when the process is gone
	initError     atomic.Pointer[[]byte]
	current       atomic.Pointer[invocation]
	returned      chan struct{} // the process polled again after an invocation
	spare         bool          // new, and made for the invocation that started it

	logMu sync.Mutex
	log   *os.File // the process appends its stdout and stderr
	read  int64    // how much of it was read
	tail  []byte   // a line that is not complete yet
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan outcome // capacity 1
	doneOnce sync.Once
	killIn   atomic.Int64 // calls until the process is killed; 0: never

	mu        sync.Mutex
	scheduled bool // started by a schedule
	published bool // put an event on the bus
	ended     bool
	entries   []cost.Entry
}

type outcome struct {
	payload []byte
	failed  bool
}

func (inv *invocation) finish(o outcome) {
	inv.doneOnce.Do(func() { inv.done <- o })
}

// New starts the Runtime API on a loopback port.
func New(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	if o.Processes == 0 {
		o.Processes = 4
	}
	logs, err := os.MkdirTemp("", "fielder-logs-")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	s := &Server{o: o, listener: listener, logs: logs, closed: make(chan struct{}),
		functions: map[string]*function{}, instances: map[string]*instance{}, keys: map[string]*instance{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{instance}/2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /{instance}/2018-06-01/runtime/invocation/{request}/response", s.response)
	mux.HandleFunc("POST /{instance}/2018-06-01/runtime/invocation/{request}/error", s.invocationError)
	mux.HandleFunc("POST /{instance}/2018-06-01/runtime/init/error", s.initError)
	s.http = &http.Server{Handler: mux}
	s.wait.Go(func() { _ = s.http.Serve(listener) })
	return s, nil
}

// Add makes a function known.
func (s *Server) Add(f Function) error {
	if info, err := os.Stat(f.Binary); err != nil || info.IsDir() {
		return fmt.Errorf("function %s: no binary at %s (run the build first)", f.Name, f.Binary)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[f.Name] = &function{Function: f, free: make(chan struct{}, 1)}
	return nil
}

// Close kills every process and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	for _, in := range s.instances {
		in.kill()
	}
	s.mu.Unlock()
	_ = s.http.Close()
	s.wait.Wait()
	_ = os.RemoveAll(s.logs)
}

// Caller is who holds an access key: an instance and what it is working on.
type Caller struct {
	Function, Role, Instance string
	inv                      *invocation
	in                       *instance
}

// Caller finds the instance that an access key was given to.
func (s *Server) Caller(accessKey string) (Caller, bool) {
	s.mu.Lock()
	in := s.keys[accessKey]
	s.mu.Unlock()
	if in == nil {
		return Caller{}, false
	}
	return Caller{Function: in.f.Name, Role: in.f.Role, Instance: in.id, inv: in.current.Load(), in: in}, true
}

// Count charges units to what the caller is working on; published says that the
// call put an event on the bus.
func (c Caller) Count(m *cost.Meter, published bool, e cost.Entry) {
	if c.inv == nil {
		m.Add(true, e) // during initialisation
		return
	}
	c.inv.mu.Lock()
	defer c.inv.mu.Unlock()
	if c.inv.ended { // a call of a process that was killed
		m.Add(c.inv.scheduled && !c.inv.published, e)
		return
	}
	c.inv.published = c.inv.published || published
	c.inv.entries = append(c.inv.entries, e)
}

// Called tells the server that a call of the caller's was carried out. It
// returns false if the process was killed for it (an injected fault): then
// nobody waits for the answer.
func (c Caller) Called() bool {
	if c.inv != nil && c.inv.killIn.Load() > 0 && c.inv.killIn.Add(-1) == 0 {
		c.in.kill()
		return false
	}
	return true
}

// Request is one invocation.
type Request struct {
	Function  string
	Payload   []byte
	Scheduled bool // started by a schedule or a roll-out: costs are standing unless it publishes
	TraceID   string
}

// Invoke runs a function and waits for its end. The error is one of the Err
// values, or ctx's while it waits for a process.
func (s *Server) Invoke(ctx context.Context, r Request) (Result, error) {
	s.mu.Lock()
	f := s.functions[r.Function]
	s.mu.Unlock()
	if f == nil {
		return Result{}, fmt.Errorf("%w: %s", ErrUnknown, f.arn(r.Function))
	}
	fault, _ := s.o.Faults.At("lambda:"+shortName(f), faultKey(r.Payload),
		faults.Throttle, faults.Error, faults.Kill, faults.Timeout, faults.Delay, faults.Duplicate)
	switch fault.Kind {
	case faults.Throttle:
		return Result{}, ErrThrottled
	case faults.Error:
		return Result{}, ErrService
	case faults.Delay:
		time.Sleep(fault.Delay)
	case faults.Duplicate:
		if first, err := s.invoke(ctx, f, r, faults.Fault{}); err != nil {
			return first, err
		}
	}
	return s.invoke(ctx, f, r, fault)
}

func (f *function) arn(name string) string {
	if f == nil {
		return name
	}
	return f.ARN
}

// shortName is the folder of the function's binary: "lambda:send" reads better
// in a fault plan than a physical name does.
func shortName(f *function) string { return filepath.Base(filepath.Dir(f.Binary)) }

func (s *Server) invoke(ctx context.Context, f *function, r Request, fault faults.Fault) (Result, error) {
	in, err := s.acquire(ctx, f)
	if err != nil {
		return Result{}, err
	}
	inv := &invocation{id: requestID(), payload: r.Payload, done: make(chan outcome, 1), scheduled: r.Scheduled}
	result := Result{RequestID: inv.id}
	if in.spare {
		in.spare = false
		began := time.Now()
		init := time.NewTimer(10 * time.Second) // Lambda's limit for the init phase
		defer init.Stop()
		select {
		case <-in.ready:
		case <-in.dead:
		case <-init.C:
			in.kill()
			<-in.dead
		}
		result.Init = time.Since(began)
		if payload := in.initError.Load(); payload != nil {
			in.kill()
			<-in.dead
			return s.ended(f, inv, result, outcome{*payload, true}), nil
		}
	}
	if fault.Kind == faults.Kill {
		inv.killIn.Store(1 + int64(len(fault.Key)+fault.Try)%3)
	}
	inv.deadline = time.Now().Add(f.Timeout)
	in.current.Store(inv)
	began := time.Now()
	timeout := time.NewTimer(f.Timeout)
	defer timeout.Stop()
	var out outcome
	died := func() outcome {
		select {
		case out := <-inv.done: // it answered, then died
			return out
		default:
			return failure("Runtime.ExitError", "RequestId: "+inv.id+" Error: Runtime exited with error: "+in.exit())
		}
	}
	select {
	case in.work <- inv:
		select {
		case out = <-inv.done:
		case <-in.dead:
			out = died()
		case <-timeout.C:
			in.kill()
			<-in.dead
			out = failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, f.Timeout.Seconds()))
		}
	case <-in.dead:
		out = died()
	case <-timeout.C:
		in.kill()
		<-in.dead
		out = failure("Runtime.ExitError", "RequestId: "+inv.id+" Error: the runtime did not ask for work")
	}
	result.Duration = time.Since(began)
	if fault.Kind == faults.Timeout || inv.killIn.Load() > 0 {
		in.kill()
		<-in.dead
		out = failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, f.Timeout.Seconds()))
		if fault.Kind == faults.Kill {
			out = failure("Runtime.ExitError", "RequestId: "+inv.id+" Error: Runtime exited with error: signal: killed")
		}
	}
	s.release(in)
	return s.ended(f, inv, result, out), nil
}

func failure(kind, message string) outcome {
	payload, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	if err != nil {
		panic(err) // two strings always marshal
	}
	return outcome{payload, true}
}

// ended charges for the invocation.
func (s *Server) ended(f *function, inv *invocation, r Result, out outcome) Result {
	r.Payload, r.Failed = out.payload, out.failed
	if s.o.Ended != nil {
		s.o.Ended(f.Name, out.failed)
	}
	billed := math.Ceil(float64(r.Init+r.Duration)/float64(time.Millisecond)) / 1000
	inv.mu.Lock()
	defer inv.mu.Unlock()
	entries := append(inv.entries,
		cost.Entry{Service: "lambda", Operation: "Invoke " + f.Name, Units: map[cost.Unit]float64{
			cost.Request: 1, cost.GBSecond: billed * float64(f.MemoryMB) / 1024}},
		cost.Entry{Service: "logs", Operation: "platform lines", Units: map[cost.Unit]float64{cost.LogGB: f.platformLog() / (1 << 30)}})
	inv.entries, inv.ended = nil, true
	if s.o.Meter != nil {
		s.o.Meter.Add(inv.scheduled && !inv.published, entries...)
	}
	return r
}

// platformLog estimates the bytes that Lambda itself logs per invocation: START,
// END and REPORT as text; platform.start, .runtimeDone and .report as JSON;
// nothing when the system log level leaves them out.
func (f *function) platformLog() float64 {
	switch {
	case f.LogFormat != "JSON":
		return 285
	case f.SystemLogLevel == "WARN":
		return 0
	default:
		return 800
	}
}

// acquire finds an idle instance, or starts one, or waits for one.
func (s *Server) acquire(ctx context.Context, f *function) (*instance, error) {
	limit := f.Reserved
	if limit < 0 {
		limit = s.o.Processes
	}
	for {
		f.mu.Lock()
		for len(f.idle) > 0 {
			in := f.idle[len(f.idle)-1]
			f.idle = f.idle[:len(f.idle)-1]
			select {
			case <-in.dead:
				continue
			default:
			}
			f.mu.Unlock()
			return in, nil
		}
		if f.live < limit {
			f.live++
			f.mu.Unlock()
			in, err := s.start(f)
			if err != nil {
				f.mu.Lock()
				f.live--
				f.mu.Unlock()
			}
			return in, err
		}
		f.mu.Unlock()
		if f.Reserved >= 0 {
			return nil, ErrThrottled
		}
		select {
		case <-f.free:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, ErrClosed
		}
	}
}

// release gives an instance back once its process asks for more work.
func (s *Server) release(in *instance) {
	// The next invocation may be sent before the process polls: it waits in the
	// channel. But an invocation counts as over only when the process polled
	// again, so that a process that dies after its answer takes nothing with it.
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-in.returned:
	case <-in.dead:
		return
	case <-grace.C:
		in.kill()
		<-in.dead
		return
	}
	s.readLog(in, false)
	in.current.Store(nil)
	in.f.mu.Lock()
	in.f.idle = append(in.f.idle, in)
	in.f.mu.Unlock()
	in.f.signal()
}

func (f *function) signal() {
	select {
	case f.free <- struct{}{}:
	default:
	}
}

func (s *Server) start(f *function) (*instance, error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	id := hex.EncodeToString(random)
	in := &instance{id: id, accessKey: "ASIA" + strings.ToUpper(id), f: f, spare: true,
		work: make(chan *invocation), ready: make(chan struct{}), dead: make(chan struct{}), returned: make(chan struct{}, 1)}
	cmd := exec.Command(f.Binary)
	cmd.Dir = filepath.Dir(f.Binary)
	cmd.Env = s.environment(in)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A file, not a pipe: at the end of an invocation everything that it wrote is
	// there to be read, with nothing still on its way.
	log, err := os.OpenFile(filepath.Join(s.logs, id), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	in.log = log
	cmd.Stdout, cmd.Stderr = log, log
	in.cmd = cmd
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		log.Close()
		return nil, ErrClosed
	default:
	}
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("function %s: %w", f.Name, err)
	}
	s.instances[id] = in
	s.keys[in.accessKey] = in
	s.wait.Go(func() {
		_ = cmd.Wait() // its state says how it ended
		s.readLog(in, true)
		log.Close()
		_ = os.Remove(log.Name())
		s.mu.Lock()
		delete(s.instances, id)
		s.mu.Unlock()
		f.mu.Lock()
		f.live--
		f.mu.Unlock()
		close(in.dead)
		f.signal()
		// Calls that it made before it died may still be on their way in.
		time.AfterFunc(time.Minute, func() { s.mu.Lock(); delete(s.keys, in.accessKey); s.mu.Unlock() })
	})
	return in, nil
}

// environment is what Lambda sets ("Defined runtime environment variables"),
// the function's own variables, and where the local AWS is. Nothing of this
// process's environment passes.
func (s *Server) environment(in *instance) []string {
	f := in.f
	env := map[string]string{
		"AWS_REGION": s.o.Region, "AWS_DEFAULT_REGION": s.o.Region,
		"AWS_ACCESS_KEY_ID": in.accessKey, "AWS_SECRET_ACCESS_KEY": "local-" + in.id, "AWS_SESSION_TOKEN": "local-" + in.id,
		"AWS_EXECUTION_ENV":        "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_RUNTIME_API":   s.listener.Addr().String() + "/" + in.id,
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME": in.id,
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"LAMBDA_TASK_ROOT":               filepath.Dir(f.Binary), "LAMBDA_RUNTIME_DIR": filepath.Dir(f.Binary),
		"_HANDLER": f.Handler, "TZ": ":UTC", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin", "HOME": os.TempDir(), "TMPDIR": os.TempDir(),
		"AWS_ENDPOINT_URL": s.o.Endpoint,
		// Everything is on loopback: a proxy or the instance metadata service would
		// only get in the way.
		"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*",
	}
	if f.LogFormat != "" {
		env["AWS_LAMBDA_LOG_FORMAT"] = f.LogFormat
	}
	if f.AppLogLevel != "" {
		env["AWS_LAMBDA_LOG_LEVEL"] = f.AppLogLevel
	}
	if s.o.ClockFile != "" {
		env["FIELDER_CLOCK_FILE"] = s.o.ClockFile
	}
	for _, more := range []map[string]string{f.Env, s.o.Env} {
		for k, v := range more {
			env[k] = v
		}
	}
	var list []string
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	return list
}

// maxLine bounds a log line (CloudWatch Logs: an event is at most 1 MB).
const maxLine = 1 << 20

// readLog passes on the lines that the process has written since the last time;
// last passes on an unfinished line too.
func (s *Server) readLog(in *instance, last bool) {
	in.logMu.Lock()
	defer in.logMu.Unlock()
	// The process shares the file's own offset, so ours is kept here.
	fresh, err := io.ReadAll(io.NewSectionReader(in.log, in.read, math.MaxInt64-in.read))
	if err != nil {
		return // closed: the last lines were read when the process ended
	}
	in.read += int64(len(fresh))
	data := append(in.tail, fresh...)
	in.tail = nil
	for len(data) > 0 {
		text, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole && !last {
			in.tail = append([]byte(nil), text...)
			return
		}
		data = rest
		if len(text) > maxLine {
			text = text[:maxLine]
		}
		if text = bytes.TrimRight(text, "\r"); len(text) > 0 {
			s.logLine(in, string(text))
		}
	}
}

func (s *Server) logLine(in *instance, text string) {
	line := Line{Time: time.Now(), Function: in.f.Name, Instance: in.id, Text: text}
	if inv := in.current.Load(); inv != nil {
		line.RequestID = inv.id
	}
	if s.o.Meter != nil {
		Caller{inv: in.current.Load()}.Count(s.o.Meter, false, cost.Entry{Service: "logs", Operation: "function lines",
			Units: map[cost.Unit]float64{cost.LogGB: float64(len(text)) / (1 << 30)}})
	}
	if s.o.Log != nil {
		s.o.Log(line)
	}
}

func (in *instance) kill() {
	// The group: a function may have children. The process may be gone already.
	_ = syscall.Kill(-in.cmd.Process.Pid, syscall.SIGKILL)
}

// exit says how the process ended, as Lambda words it.
func (in *instance) exit() string {
	if in.cmd.ProcessState == nil {
		return "signal: killed"
	}
	return in.cmd.ProcessState.String()
}

func requestID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // never fails, says crypto/rand
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// faultKey is the same for every try of the same work.
func faultKey(payload []byte) string {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range payload {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return strconv.FormatUint(h, 16)
}

// --- the Runtime API -------------------------------------------------------

func (s *Server) instance(w http.ResponseWriter, r *http.Request) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.instances[r.PathValue("instance")]
	if in == nil {
		http.Error(w, `{"errorType":"InvalidInstance","errorMessage":"this instance is gone"}`, http.StatusForbidden)
	}
	return in
}

func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	in := s.instance(w, r)
	if in == nil {
		return
	}
	select {
	case <-in.ready:
		select {
		case in.returned <- struct{}{}:
		default:
		}
	default:
		close(in.ready)
	}
	select {
	case inv := <-in.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", in.f.ARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-"+fmt.Sprintf("%08x", inv.deadline.Unix())+"-"+strings.ReplaceAll(inv.id, "-", "")[:24]+";Sampled=0")
		_, _ = w.Write(inv.payload) // if the process is gone, Wait notices
	case <-in.dead:
	case <-s.closed:
	case <-r.Context().Done():
	}
}

// maxResponse is the limit of a synchronous response (Lambda quotas: 6 MB).
const maxResponse = 6<<20 + 100<<10

func (s *Server) answer(w http.ResponseWriter, r *http.Request, failed bool) {
	in := s.instance(w, r)
	if in == nil {
		return
	}
	inv := in.current.Load()
	if inv == nil || inv.id != r.PathValue("request") {
		http.Error(w, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`, http.StatusBadRequest)
		return
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil {
		http.Error(w, `{"errorType":"ReadError","errorMessage":"the body broke off"}`, http.StatusBadRequest)
		return
	}
	if len(payload) > maxResponse {
		inv.finish(failure("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."))
		http.Error(w, `{"errorType":"RequestEntityTooLarge","errorMessage":"too large"}`, http.StatusRequestEntityTooLarge)
		return
	}
	inv.finish(outcome{payload, failed})
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func (s *Server) response(w http.ResponseWriter, r *http.Request)        { s.answer(w, r, false) }
func (s *Server) invocationError(w http.ResponseWriter, r *http.Request) { s.answer(w, r, true) }

func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	in := s.instance(w, r)
	if in == nil {
		return
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil || !json.Valid(payload) {
		payload = failure("Runtime.InitError", "the function failed to start").payload
	}
	in.initError.Store(&payload)
	w.WriteHeader(http.StatusAccepted)
	// The first invocation waits for ready or death; a process that reported an
	// error exits on its own.
}
