package dynamo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestStartDynoxide(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	endpoint, stop, err := StartDynoxide(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	call(t, endpoint, "CreateTable", `{"TableName":"kept","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`)
	call(t, endpoint, "PutItem", `{"TableName":"kept","Item":{"pk":{"S":"a"},"word":{"S":"remembered"}}}`)
	stop()
	stop()
	if err := probe(ctx, endpoint); err == nil {
		t.Fatal("the engine still answers after stop")
	}

	again, stopAgain, err := StartDynoxide(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stopAgain()
	if got := call(t, again, "GetItem", `{"TableName":"kept","Key":{"pk":{"S":"a"}}}`); !strings.Contains(got, "remembered") {
		t.Errorf("after a restart the item is %s", got)
	}
}

func TestStartEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	endpoint, stop, err := StartDynoxide(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	cancel()
	for deadline := time.Now().Add(10 * time.Second); probe(context.Background(), endpoint) == nil; {
		if time.Now().After(deadline) {
			t.Fatal("the engine still answers long after its context ended")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestErrNotInstalled(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", t.TempDir())
	_, _, err := StartDynoxide(context.Background(), "")
	if !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("error %v does not say what to do", err)
	}
}

func TestErrBinaryThatEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/dynoxide", []byte("#!/bin/sh\necho no room >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	_, _, err := StartDynoxide(context.Background(), "")
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("error %v does not repeat what the engine printed", err)
	}
}

func TestStartUsesAnotherEngine(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "DynamoDB_20120810.ListTables" {
			t.Errorf("probed with %s", r.Header.Get("X-Amz-Target"))
		}
		w.Write([]byte(`{"TableNames":[]}`))
	}))
	defer other.Close()
	t.Setenv(EndpointEnv, other.URL)
	endpoint, stop, err := Start(context.Background(), "")
	if err != nil || endpoint != other.URL {
		t.Fatalf("endpoint %s, error %v; want %s", endpoint, err, other.URL)
	}
	stop()
}

func TestErrOtherEngineIsNoDynamoDB(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	t.Setenv(EndpointEnv, other.URL)
	if _, _, err := Start(ctx, ""); err == nil || !strings.Contains(err.Error(), EndpointEnv) {
		t.Errorf("error %v does not name %s", err, EndpointEnv)
	}
}

func call(t *testing.T, endpoint, operation, body string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("X-Amz-Date", "20260301T100000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/us-east-1/dynamodb/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature=00")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d: %s", operation, res.StatusCode, out.String())
	}
	return out.String()
}
