package triage

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

func ptr(n int) *int { return &n }

func TestInfluence(t *testing.T) {
	const full = 1_000_000
	for _, c := range []struct {
		name      string
		followers *int
		verified  bool
		low, high float64
	}{
		{"unknown", nil, false, 0, 0},
		{"none", ptr(0), false, 0, 0},
		{"negative", ptr(-5), false, 0, 0},
		{"seventy-five", ptr(75), false, 0.01, 0.1},
		{"a thousand", ptr(1000), false, 0.2, 0.35},
		{"ten thousand", ptr(10_000), false, 0.45, 0.55},
		{"full", ptr(full), false, 1, 1},
		{"five million", ptr(5_000_000), true, 1, 1},
		{"verified only", nil, true, 0.05, 0.1},
		{"as many as can be", ptr(math.MaxInt), false, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Influence(c.followers, c.verified, full); got < c.low || got > c.high {
				t.Errorf("got %v, want %v..%v", got, c.low, c.high)
			}
		})
	}
}

func TestPriorityOrder(t *testing.T) {
	tr := New(testBrand(), testRouting())
	w := testRouting().Weights
	rate := func(kind care.Kind, followers int, value float64, repeat int, text string) float64 {
		p := care.Post{Platform: care.X, Kind: kind, Addressed: true, Private: kind == care.KindDirect, Text: text, Author: care.Author{ID: "1", Followers: ptr(followers)}}
		var m *care.Match
		if value > 0 {
			m = &care.Match{Known: true, Customer: care.Customer{Value: value}}
		}
		v, _ := Priority(tr.Triage(p), m, p, w, repeat)
		return v
	}
	const complaint = "@VeloriaCare my internet is down again"
	ordinary := rate(care.KindMention, 150, 0, 0, complaint)
	millionaire := rate(care.KindMention, 75, 3_000_000, 0, complaint)
	influencer := rate(care.KindMention, 5_000_000, 0, 0, complaint)
	lawyer := rate(care.KindMention, 150, 0, 0, "@VeloriaCare my lawyer will contact you, internet is down again")
	again := rate(care.KindMention, 150, 0, 3, complaint)
	private := rate(care.KindDirect, 150, 0, 0, complaint)
	praise := rate(care.KindMention, 150, 0, 0, "@VeloriaCare thank you, great service")
	question := rate(care.KindMention, 150, 0, 0, "@VeloriaCare how do I set up my router?")
	danger := rate(care.KindDirect, 0, 0, 0, "the router caught fire and my hand is burned")
	chat := rate(care.KindMention, 5_000_000, 0, 0, "@VeloriaCare +1")

	for _, c := range []struct {
		name      string
		more, les float64
	}{
		{"a millionaire with 75 followers before anyone", millionaire, ordinary + 15},
		{"a millionaire before an ordinary legal threat", millionaire, lawyer - 5},
		{"an influencer before anyone", influencer, ordinary + 15},
		{"a legal threat before an outage", lawyer, ordinary + 3},
		{"a repeated contact before a first one", again, ordinary + 5},
		{"public before private", ordinary, private + 1},
		{"a complaint before a question", ordinary, question + 10},
		{"a question before praise", question, praise + 5},
		{"danger before money and fame", danger, math.Max(millionaire, influencer) + 5},
		{"anything before chatter", praise, chat + 0.1},
	} {
		if c.more < c.les {
			t.Errorf("%s: %v < %v", c.name, c.more, c.les)
		}
	}
	if millionaire < 55 || influencer < 55 {
		t.Errorf("millionaire %v and influencer %v must come out near the top", millionaire, influencer)
	}
	if math.Abs(millionaire-influencer) > 10 {
		t.Errorf("millionaire %v and influencer %v must come out alike", millionaire, influencer)
	}
	if chat != 0 {
		t.Errorf("chatter has priority %v", chat)
	}
	t.Logf("ordinary %v, millionaire %v, influencer %v, lawyer %v, again %v, private %v, praise %v, question %v, danger %v", ordinary, millionaire, influencer, lawyer, again, private, praise, question, danger)
}

func TestPriorityExplains(t *testing.T) {
	tri := care.Triage{Relevance: care.RelevanceAddressed, Severity: care.SeverityMedium, Sentiment: -0.5, Complaint: true, Influence: 0.05}
	m := &care.Match{Customer: care.Customer{Value: 5_000_000}}
	p := care.Post{Author: care.Author{Followers: ptr(75)}}
	_, reasons := Priority(tri, m, p, testRouting().Weights, 2)
	want := map[string]string{
		"priority:severity":  "medium gravity",
		"priority:sentiment": "unhappy",
		"priority:value":     "among the most valuable ones of the brand, although few people follow",
		"priority:public":    "public",
		"priority:repeat":    "2 times before",
	}
	for by, text := range want {
		found := false
		for _, r := range reasons {
			found = found || r.By == by && strings.Contains(r.Text, text) && r.Points > 0
		}
		if !found {
			t.Errorf("no reason %s with %q in %v", by, text, reasons)
		}
	}
	_, reasons = Priority(care.Triage{Relevance: care.RelevanceAbout, Influence: 1}, nil, care.Post{Author: care.Author{Followers: ptr(5_230_000), Verified: true}}, testRouting().Weights, 0)
	if len(reasons) == 0 || reasons[0].Text != "About 5.2 million people follow the author, whose account is verified." {
		t.Errorf("influence is explained as %v", reasons)
	}
}

// The points add up, stay within bounds, and no signal adds more than its weight.
func TestPriorityProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 100))
		w := config.Weights{
			Severity: weight.Draw(t, "severity"), Sentiment: weight.Draw(t, "sentiment"), Influence: weight.Draw(t, "influence"),
			Value: weight.Draw(t, "value"), Public: weight.Draw(t, "public"), Repeat: weight.Draw(t, "repeat"),
			FullInfluence: rapid.IntRange(-1, 10_000_000).Draw(t, "fullInfluence"), FullValue: rapid.Float64Range(-1, 1e7).Draw(t, "fullValue"),
		}
		tri := care.Triage{
			Relevance: rapid.SampledFrom([]care.Relevance{care.RelevanceAddressed, care.RelevanceAbout}).Draw(t, "relevance"),
			Severity:  care.Severity(rapid.IntRange(0, 4).Draw(t, "grave")),
			Sentiment: rapid.Float64Range(-1, 1).Draw(t, "mood"),
			Influence: rapid.Float64Range(0, 1).Draw(t, "reach"),
			Complaint: rapid.Bool().Draw(t, "complaint"),
		}
		m := &care.Match{Customer: care.Customer{Value: rapid.Float64Range(-10, 1e9).Draw(t, "worth")}}
		p := care.Post{Private: rapid.Bool().Draw(t, "private"), Author: care.Author{Followers: ptr(rapid.IntRange(0, 1e8).Draw(t, "followers"))}}
		v, reasons := Priority(tri, m, p, w, rapid.IntRange(0, 20).Draw(t, "repeatedly"))
		sum := 0.0
		for _, r := range reasons {
			sum += r.Points
			if r.Points <= 0 || r.Text == "" || !strings.HasSuffix(r.Text, ".") {
				t.Fatalf("bad reason %+v", r)
			}
		}
		if v < 0 || v > 100 || math.Abs(sum-v) > 0.06 {
			t.Fatalf("priority %v, points %v: %v", v, sum, reasons)
		}
		if tri.Severity == care.SeverityCritical && len(reasons) > 0 && v < criticalFloor {
			t.Fatalf("danger at %v", v)
		}
	})
}

func TestPriorityOfNoiseIsZero(t *testing.T) {
	for _, r := range []care.Relevance{care.RelevanceChatter, care.RelevanceCompetitor} {
		if v, reasons := Priority(care.Triage{Relevance: r, Severity: care.SeverityCritical, Sentiment: -1, Influence: 1}, nil, care.Post{}, testRouting().Weights, 5); v != 0 || reasons != nil {
			t.Errorf("%s: %v %v", r, v, reasons)
		}
	}
}
