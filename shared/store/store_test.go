package store_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/fielder-care/fielder/scripts/local/dynamo"
	"github.com/fielder-care/fielder/shared/store/storetest"
)

// TestDynoxide runs the conformance suite on the default engine.
func TestDynoxide(t *testing.T) {
	endpoint, stop, err := dynamo.StartDynoxide(context.Background(), "")
	if err != nil {
		if os.Getenv(dynamo.EndpointEnv) != "" {
			t.Skipf("%v; the suite runs on %s alone", err, os.Getenv(dynamo.EndpointEnv))
		}
		t.Fatal(err)
	}
	t.Cleanup(stop)
	storetest.Run(t, endpoint, storetest.Features{Atomic: true})
}

// TestGivenEngine runs it on any other engine.
func TestGivenEngine(t *testing.T) {
	endpoint := os.Getenv(dynamo.EndpointEnv)
	if endpoint == "" {
		t.Skipf("%s names no other engine to test", dynamo.EndpointEnv)
	}
	storetest.Run(t, endpoint, storetest.Features{Atomic: true})
}

// TestMoto runs it on moto's server, a second opinion on what our expressions
// mean. moto keeps items in Python objects without locks, so races are left out.
func TestMoto(t *testing.T) {
	if testing.Short() {
		t.Skip("moto is slow")
	}
	binary, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed (pip install 'moto[server]')")
	}
	port, err := dynamo.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
	if err := cmd.Start(); err != nil {
		t.Skipf("moto_server does not start: %v", err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Logf("end moto_server: %v", err)
		}
		_ = cmd.Wait() // killed, as we wanted
	})
	endpoint := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(endpoint + "/moto-api/")
		if err == nil {
			res.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Skipf("moto_server is installed but does not answer: %v", err)
		}
	}
	// A request takes moto 100 times as long as Dynoxide: fewer random
	// sequences. No other test runs meanwhile.
	checks := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", "6"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", checks) }) // it was valid before
	storetest.Run(t, endpoint, storetest.Features{})
}
