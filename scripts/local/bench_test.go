package local

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"os"

	"github.com/fielder-care/fielder/scripts/local/clock"
)

// BenchmarkChain measures one event through the bus, an Express workflow with a
// function, a DynamoDB update and an event: the stack's own share of a post.
func BenchmarkChain(b *testing.B) {
	template, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(b.Context(), Options{Template: template, Binaries: binaries, Addr: "127.0.0.1:0", Clock: clock.Stepped(day)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	began := time.Now()
	for i := range b.N {
		detail, err := json.Marshal(map[string]string{"do": "put", "key": fmt.Sprint("b", i)})
		if err != nil {
			b.Fatal(err)
		}
		s.publish(s.buses["bus"], newEvent("bench", "Run", nil, detail, s.clock.Now()))
		if i%50 == 49 { // as a player does: a batch, then rest
			if err := s.Idle(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Idle(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
	for _, e := range s.Executions("quick") {
		if e.Status != "SUCCEEDED" {
			b.Fatalf("%s: %s %s", e.Name, e.Error, e.Cause)
		}
	}
}
