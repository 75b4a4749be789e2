package reply

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// many is the default bundle with n rules, none of which fires for question but
// each of which takes some looking at, and with last behind them.
func many(t testing.TB, n int, last ...config.Rule) *config.Bundle {
	b := *standard(t)
	b.Rules = nil
	no, low := false, -0.9
	for i := range n {
		r := config.Rule{Name: fmt.Sprintf("rule-%d", i), Then: config.Then{Action: care.ActionAnswer, Template: "thanks"}, When: config.Condition{
			Intents: []string{"roaming", "billing"}, MinIntentScore: 0.5, Complaint: &no, Platforms: []care.Platform{care.X, care.Mastodon}, Languages: []string{"en", "es"},
			Sentiment: &config.Range{Min: &low}, Severity: &config.SeverityRange{Max: "medium"},
			Any: []config.Condition{{Products: []string{"VeloBox"}}, {Keywords: []string{fmt.Sprintf("word%d", i), fmt.Sprintf("a phrase of number %d", i), "e-sim", "roaming charge"}}},
			Not: &config.Condition{Keywords: []string{"furious", "days without"}},
		}}
		if i%2 == 0 { // half of them hold but for a guard
			r.When.Any, r.Guards.Hours = nil, "closed"
		}
		b.Rules = append(b.Rules, r)
	}
	b.Rules = append(b.Rules, last...)
	return &b
}

// asks is a post of usual length.
func asks(b *config.Bundle) In {
	in := question(b)
	in.Post.Text = "@VeloriaCare Hi! I'm off to Lisbon on Friday, and I'd like to know whether my plan works there: do I pay for data, or is it included? Café & beach need it :) Thanks, Ana"
	return in
}

// keen fires for question.
func keen(template string) config.Rule {
	yes := true
	return config.Rule{Name: "keen", When: config.Condition{Question: &yes}, Then: config.Then{Action: care.ActionAnswer, Template: template}}
}

// BenchmarkEngine is what deciding a post costs with many rules, as CPU time
// (cpu-ns/op); the bar is 20 microseconds for 200 rules.
func BenchmarkEngine(b *testing.B) {
	for _, n := range []int{10, 200, 500} {
		for _, c := range []struct {
			name string
			last []config.Rule
		}{{"none fires", nil}, {"the last answers", []config.Rule{keen("roaming")}}} {
			b.Run(fmt.Sprintf("%d rules, %s", n, c.name), func(b *testing.B) {
				bundle := many(b, n, c.last...)
				e, in := Compile(bundle), asks(bundle)
				if plan := e.Decide(in); (plan.Rule == "keen") != (c.last != nil) || (plan.Text != "") != (c.last != nil) {
					b.Fatalf("%s by %q", plan.Action, plan.Rule)
				}
				b.ReportAllocs()
				n, before := 0, cpu(b)
				for b.Loop() {
					e.Decide(in)
					n++
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/op")
			})
		}
	}
}

// cpu is the process's CPU time so far, in nanoseconds, which whatever else the
// machine is doing blurs less.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkCompile(b *testing.B) {
	bundle := many(b, 200)
	b.ReportAllocs()
	for b.Loop() {
		Compile(bundle)
	}
}
