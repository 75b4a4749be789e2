package reply

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// TestRivals: the names that Rivals gives are those of Trace, by status.
func TestRivals(t *testing.T) {
	off := false
	b := &config.Bundle{
		Rules: []config.Rule{
			{Name: "mark", When: config.Condition{Languages: []string{"en"}}, Then: config.Then{Action: config.ActionTag, Tags: []string{"english"}}},
			{Name: "not this", When: config.Condition{Languages: []string{"es"}}, Then: config.Then{Action: care.ActionWatch}},
			{Name: "switched off", Enabled: &off, Then: config.Then{Action: care.ActionWatch}},
			{Name: "wins", When: config.Condition{Languages: []string{"en"}}, Then: config.Then{Action: care.ActionEscalate}},
			{Name: "wants the same", Then: config.Then{Action: care.ActionEscalate}},
			{Name: "marks too late", Then: config.Then{Action: config.ActionTag, Tags: []string{"late"}}},
			{Name: "wants silence", Then: config.Then{Action: care.ActionWatch}},
			{Name: "wants silence while closed", Then: config.Then{Action: care.ActionWatch}, Guards: config.Guards{Hours: "open"}},
		},
	}
	in := In{Now: time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), Triage: care.Triage{Lang: "en", Relevance: care.RelevanceAddressed},
		Post: care.Post{Platform: care.X, NativeID: "1", Text: "hello"}}
	for _, r := range []struct {
		name           string
		change         func(*In)
		rivals, tagged []string
	}{
		{"a winner and its rivals", func(*In) {}, []string{"wants silence"}, []string{"mark"}},
		{"another winner", func(in *In) { in.Triage.Lang = "es" }, []string{"wants the same"}, nil},
		{"nothing is to be done at all", func(in *In) { in.Post.Author.Own = true }, nil, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			in := in
			r.change(&in)
			plan, rivals, tagged := Compile(b).Rivals(in)
			if diff := cmp.Diff([][]string{r.rivals, r.tagged}, [][]string{rivals, tagged}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			trace := Compile(b).Trace(in)
			if diff := cmp.Diff(trace.Plan, plan); diff != "" {
				t.Errorf("another plan than Trace's:\n%s", diff)
			}
			if len(trace.Also) != len(rivals) {
				t.Errorf("Trace tells of %v", trace.Also)
			}
		})
	}
}
