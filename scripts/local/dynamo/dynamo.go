// Package dynamo runs a DynamoDB engine on this machine, for tests and for the
// local stack: Dynoxide, a native binary that speaks the DynamoDB protocol and
// keeps its data in SQLite (npm package @dynoxide/<os>-<cpu>, installed by
// `npm ci`).
//
// Where Dynoxide has no binary, FIELDER_DYNAMODB_ENDPOINT names any other
// engine (DynamoDB Local, LocalStack, ...), which Start then uses instead.
package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// EndpointEnv names an engine to use instead of Dynoxide.
const EndpointEnv = "FIELDER_DYNAMODB_ENDPOINT"

// readyWithin is how long an engine may take to answer its first request.
const readyWithin = 20 * time.Second

// ErrNotInstalled is returned when the engine's binary is not there.
var ErrNotInstalled = errors.New("the local DynamoDB engine (Dynoxide) is not installed: run `npm ci` in the repository's root, " +
	"or set " + EndpointEnv + " to another engine's endpoint")

// Start returns the endpoint of a DynamoDB engine that is ready for requests:
// the one that FIELDER_DYNAMODB_ENDPOINT names, else a Dynoxide of its own. The
// engine's data is in dataDir and survives stop, or in memory when dataDir is
// "". stop ends the engine and waits for it; it may be called twice. The engine
// also ends with ctx and, on Linux, with this process.
func Start(ctx context.Context, dataDir string) (endpoint string, stop func(), err error) {
	if endpoint := os.Getenv(EndpointEnv); endpoint != "" {
		if err := ready(ctx, endpoint, nil); err != nil {
			return "", nil, fmt.Errorf("%s: %w", EndpointEnv, err)
		}
		return endpoint, func() {}, nil
	}
	return StartDynoxide(ctx, dataDir)
}

// StartDynoxide is Start without a look at FIELDER_DYNAMODB_ENDPOINT.
func StartDynoxide(ctx context.Context, dataDir string) (endpoint string, stop func(), err error) {
	binary, err := find()
	if err != nil {
		return "", nil, err
	}
	args := []string{"serve", "--host", "127.0.0.1"}
	if dataDir != "" {
		if err := os.MkdirAll(dataDir, 0o755); err != nil {
			return "", nil, fmt.Errorf("data of the DynamoDB engine: %w", err)
		}
		args = append(args, "--db-path", filepath.Join(dataDir, "dynamodb.sqlite"))
	}
	// Someone else may take the free port before the engine does.
	for range 3 {
		if endpoint, stop, err = run(ctx, binary, args); err == nil || ctx.Err() != nil {
			break
		}
	}
	return endpoint, stop, err
}

func run(ctx context.Context, binary string, args []string) (string, func(), error) {
	port, err := FreePort()
	if err != nil {
		return "", nil, err
	}
	output := new(tail)
	cmd := exec.CommandContext(ctx, binary, append(args, "--port", fmt.Sprint(port))...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	endWithUs(cmd)
	exited := make(chan struct{})
	if err := start(cmd, exited); err != nil {
		return "", nil, fmt.Errorf("start %s: %w", binary, err)
	}
	stop := func() {
		select {
		case <-exited:
			return
		default:
		}
		_ = cmd.Process.Signal(os.Interrupt) // it may be gone already
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
	}
	endpoint := fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := ready(ctx, endpoint, exited); err != nil {
		stop()
		return "", nil, fmt.Errorf("%s: %w%s", filepath.Base(binary), err, output)
	}
	return endpoint, stop, nil
}

// FreePort finds a TCP port of the loopback interface that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ready waits until the engine lists its tables. exited, if not nil, is closed
// when the engine's process is gone.
func ready(ctx context.Context, endpoint string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := probe(ctx, endpoint)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errors.New("it ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w", endpoint, err)
		case <-time.After(wait):
		}
	}
}

func probe(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	// Local engines check the form of the signature at most.
	req.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/"+time.Now().UTC().Format("20060102")+
		"/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature="+strings.Repeat("0", 64))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("TableNames")) {
		return fmt.Errorf("it answers with status %d, not like DynamoDB", res.StatusCode)
	}
	return nil
}

// find looks for the binary in node_modules of the working directory and its
// parents, then in PATH.
func find() (string, error) {
	name := "dynoxide"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, "node_modules", "@dynoxide", npmPlatform(), name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", ErrNotInstalled
}

// npmPlatform is what npm calls this operating system and processor.
func npmPlatform() string {
	system, cpu := runtime.GOOS, runtime.GOARCH
	if system == "windows" {
		system = "win32"
	}
	if cpu == "amd64" {
		cpu = "x64"
	}
	return system + "-" + cpu
}

// tail keeps the last of what the engine prints, for error messages.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buf) == 0 {
		return ""
	}
	return "; it printed: " + strings.TrimSpace(string(t.buf))
}
