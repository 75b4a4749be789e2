package reply

import (
	"fmt"
	"slices"
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

// usual is n rules of the kind that brands write: the standard ones over and over,
// each time about other words, none of which fires for the post that asks returns.
func usual(t testing.TB, n int) *config.Bundle {
	b := *standard(t)
	var rules []config.Rule
	for i := 0; len(rules) < n; i++ {
		r := b.Rules[i%len(b.Rules)]
		r.Name = fmt.Sprintf("%s-%d", r.Name, i)
		r.When.All = append(slices.Clone(r.When.All), config.Condition{Keywords: []string{fmt.Sprintf("word%d", i), fmt.Sprintf("a phrase of number %d", i)}})
		rules = append(rules, r)
	}
	b.Rules = rules
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

// BenchmarkDecide is what deciding a post costs, as CPU time (cpu-ns/op): with the
// standard rules, with many of their kind, and with many of the worst kind, of which
// half hold but for a guard and none fires, or only the last. The bar is 20
// microseconds for 200 rules.
func BenchmarkDecide(b *testing.B) {
	type row struct {
		name   string
		in     In
		answer bool
	}
	rows := []row{{"standard", question(standard(b)), false}}
	for _, n := range []int{10, 200, 500} {
		rows = append(rows, row{fmt.Sprintf("%d usual rules", n), asks(usual(b, n)), false})
		rows = append(rows, row{fmt.Sprintf("%d rules", n), asks(many(b, n, keen("roaming"))), true},
			row{fmt.Sprintf("%d rules, none fires", n), asks(many(b, n)), false})
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			e := Compile(row.in.Bundle)
			if plan := e.Decide(row.in); row.answer != (plan.Rule == "keen" && plan.Text != "") {
				b.Fatalf("%s by %q", plan.Action, plan.Rule)
			}
			b.ReportAllocs()
			n, before := 0, cpu(b)
			for b.Loop() {
				e.Decide(row.in)
				n++
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/op")
		})
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
