package lookup

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

var now = time.Date(2026, 11, 17, 13, 0, 0, 0, time.UTC)

func post(ago time.Duration, text string, sentiment float64, praise bool) care.Interaction {
	return care.Interaction{Kind: care.InteractionPost, Platform: care.X, At: now.Add(-ago), Text: text, Sentiment: sentiment, Praise: praise, Intent: "slow-internet"}
}

func TestCompose(t *testing.T) {
	bill := care.Customer{ID: "cus_1", Name: "Bill Harrow", Tier: "gold"}
	lucia := care.Customer{ID: "cus_2", Name: "Lucía Olmedo", Lang: "es"}
	rows := []struct {
		name string
		view View
		want map[string]string // value must contain
		not  string            // must appear nowhere
	}{
		{"unknown caller", View{Brand: "Veloria"}, map[string]string{"fielder_known": "false", "fielder_line": "this is Veloria", "fielder_history": "false"}, ""},
		{"verified, complained this morning", View{Customer: bill, Grade: care.GradeVerified, Recent: []care.Interaction{post(3*time.Hour, "no internet", -0.6, false)}},
			map[string]string{"fielder_line": "Hi Bill, I see that you wrote to us on X this morning about “slow internet”", "fielder_history": "true", "fielder_last_said": "no internet"}, ""},
		{"asked, answered, still open", View{Customer: lucia, Grade: care.GradeVerified, Open: make([]care.Conversation, 1), Recent: []care.Interaction{post(30*time.Minute, "¿cómo activo la SIM?", 0, false)}},
			map[string]string{"fielder_line": "hace menos de una hora por una consulta. ¿Quedó resuelto?"}, ""},
		{"asserted, praised", View{Customer: bill, Grade: care.GradeAsserted, Recent: []care.Interaction{post(25*time.Hour, "great", 0.8, true)}},
			map[string]string{"fielder_line": "thank you for the kind words on X yesterday", "fielder_praise": "great"}, ""},
		{"praise before the last post", View{Customer: bill, Grade: care.GradeVerified, Recent: []care.Interaction{post(2*time.Hour, "hm", 0, false), post(50*time.Hour, "great", 0.8, true)}},
			map[string]string{"fielder_praise": "great", "fielder_note": "thank you"}, ""},
		{"Spanish", View{Customer: lucia, Grade: care.GradeVerified, Recent: []care.Interaction{post(49*time.Hour, "sin internet", -0.6, false)}},
			map[string]string{"fielder_line": "Hola, Lucía, veo que nos escribió en X hace 2 días"}, ""},
		{"probable: nothing in the agent's mouth", View{Customer: bill, Grade: care.GradeProbable, Recent: []care.Interaction{post(time.Hour, "no internet", -0.6, false)}},
			map[string]string{"fielder_note": "confirm who is calling", "fielder_name": ""}, "Bill"},
		{"suggested: nothing in the agent's mouth", View{Customer: bill, Grade: care.GradeSuggested}, map[string]string{"fielder_name": ""}, "Bill"},
		{"too long ago", View{Customer: bill, Grade: care.GradeVerified, Recent: []care.Interaction{post(31*24*time.Hour, "an elderly post", -1, false)}},
			map[string]string{"fielder_history": "false", "fielder_line": "Hi Bill, how can I help"}, "elderly"},
		{"calls are not social", View{Customer: bill, Grade: care.GradeVerified, Recent: []care.Interaction{{Kind: care.InteractionCall, At: now}}},
			map[string]string{"fielder_history": "false"}, ""},
		{"open matters are counted", View{Customer: bill, Grade: care.GradeVerified, Open: make([]care.Conversation, 2)}, map[string]string{"fielder_open": "2", "fielder_note": "2 open"}, ""},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r.view.Now = now
			got := Compose(r.view)
			for k, want := range r.want {
				if v, ok := got[k]; !ok || !strings.Contains(v, want) || (want == "" && v != "") {
					t.Errorf("%s = %q, want %q", k, v, want)
				}
			}
			for k, v := range got {
				if r.not != "" && strings.Contains(v, r.not) && k != "fielder_last_said" {
					t.Errorf("%s says %q", k, v)
				}
			}
		})
	}
}

// Connect takes a flat map of strings below 32 KB, whatever people wrote.
func TestComposeIsBounded(t *testing.T) {
	keys := len(Compose(View{}))
	rapid.Check(t, func(t *rapid.T) {
		v := View{Now: now, Customer: care.Customer{ID: "c", Name: rapid.StringN(0, 50, 200).Draw(t, "name"), Lang: rapid.SampledFrom([]string{"", "es", "en"}).Draw(t, "lang")},
			Grade: rapid.SampledFrom([]care.Grade{care.GradeProbable, care.GradeVerified}).Draw(t, "grade")}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			v.Recent = append(v.Recent, post(time.Hour, strings.Repeat(rapid.String().Draw(t, "text"), 1000), 0.5, rapid.Bool().Draw(t, "praise")))
		}
		out := Compose(v)
		b, err := json.Marshal(out)
		if err != nil || len(b) > 32*1024 || len(out) != keys {
			t.Fatalf("%d bytes, %d keys, %v", len(b), len(out), err)
		}
		for k, s := range out {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\u202e") {
				t.Fatalf("%s = %q", k, s)
			}
		}
	})
}

type people struct {
	linked map[string]care.ContactLink
	grade  care.Grade
}

func (p *people) CustomerByIdentity(_ context.Context, scheme, value string) (care.Customer, care.Identity, error) {
	if scheme != "phone" || value != "+12025550101" {
		return care.Customer{}, care.Identity{}, care.Errorf(care.NotFound, "nobody")
	}
	return care.Customer{ID: "cus_1", Name: "Bill Harrow"}, care.Identity{Grade: p.grade}, nil
}
func (p *people) LinkContact(_ context.Context, id string, l care.ContactLink) error {
	p.linked[id] = l
	return nil
}
func (p *people) Timeline(context.Context, care.CustomerID, int, string) ([]care.Interaction, string, error) {
	return []care.Interaction{post(time.Hour, "no internet", -0.5, false)}, "", nil
}
func (p *people) OpenConversations(context.Context, care.CustomerID) ([]care.Conversation, error) {
	return nil, nil
}
func (p *people) Current(context.Context) (*config.Bundle, error) {
	return &config.Bundle{Brand: config.Brand{Name: "Veloria"}}, nil
}

func TestHandle(t *testing.T) {
	rows := []struct{ name, event, known string }{
		{"OK", `{"Name":"ContactFlowEvent","Details":{"ContactData":{"ContactId":"k1","Channel":"VOICE","CustomerEndpoint":{"Address":"+12025550101","Type":"TELEPHONE_NUMBER"}},"Parameters":{}}}`, "true"},
		{"OK phone as a parameter", `{"Details":{"ContactData":{"ContactId":"k1"},"Parameters":{"phone":"+12025550101"}}}`, "true"},
		{"unknown number", `{"Details":{"ContactData":{"ContactId":"k1","CustomerEndpoint":{"Address":"+12025550999"}}}}`, "false"},
		{"withheld number", `{"Details":{"ContactData":{"ContactId":"k1","CustomerEndpoint":{"Address":"anonymous"}}}}`, "false"},
		{"no endpoint", `{"Details":{"ContactData":{"ContactId":"k1","CustomerEndpoint":null}}}`, "false"},
		{"empty event", `{}`, "false"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p := &people{linked: map[string]care.ContactLink{}, grade: care.GradeVerified}
			s := &Service{People: p, Past: p, Bundles: p, Clock: func() time.Time { return now }}
			var ev FlowEvent
			if err := json.Unmarshal([]byte(r.event), &ev); err != nil {
				t.Fatal(err)
			}
			got, err := s.Handle(t.Context(), ev)
			if err != nil || got["fielder_known"] != r.known {
				t.Fatalf("got %v, %v", got, err)
			}
			if linked := len(p.linked) == 1; linked != (r.known == "true") {
				t.Errorf("linked %v", p.linked)
			}
		})
	}
}
