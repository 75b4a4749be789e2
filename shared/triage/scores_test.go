package triage

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

//go:embed models/SHA256SUMS
var modelSums string

// The models are the trainer's, whole: nobody edited them, no merge mixed them.
func TestModelsAreAsTrained(t *testing.T) {
	want := fmt.Sprintf("%x  posts.flm\n%x  layers.f32\n", sha256.Sum256([]byte(tableData)), sha256.Sum256([]byte(layersData)))
	if modelSums != want {
		t.Errorf("models/SHA256SUMS says\n%sthe files are\n%s", modelSums, want)
	}
	if n := len(tableData) + len(layersData); n > 4<<20 {
		t.Errorf("the models have %d bytes, at most 4 MiB are allowed", n)
	}
	m, err := linear.Open(tableData)
	if err != nil {
		t.Fatal(err)
	}
	names := [tabOutputs]string{tabNegative: "negative", tabPositive: "positive", tabComplaint: "complaint", tabPraise: "praise", tabQuestion: "question", tabRequest: "request", tabSpam: "spam"}
	if len(m.Outputs()) != len(names) {
		t.Fatalf("the table has %d outputs, the code reads %d", len(m.Outputs()), len(names))
	}
	for k, o := range m.Outputs() {
		if o.Name != names[k] {
			t.Errorf("output %d of the table is %q, the code takes it for %q", k, o.Name, names[k])
		}
	}
}

func TestLayersKeepTheirWeights(t *testing.T) {
	var l Layers
	l[Said][OutNegative][0], l[Loose][OutSpam][NumSignals-1] = 1.5, -0.25
	b := l.Encode()
	if len(b) != 2*7*NumSignals*4 {
		t.Fatalf("encoded in %d bytes", len(b))
	}
	if got := *DecodeLayers(string(b)); got != l {
		t.Error("the layers came back changed")
	}
	defer func() {
		if recover() == nil {
			t.Error("layers of another length were read")
		}
	}()
	DecodeLayers(string(b[1:]))
}

// What must come out high and low, for posts in which nothing is left to taste.
func TestScores(t *testing.T) {
	tr := New(testBrand(), testRouting())
	get := map[string]func(Scores) float64{
		"negative": func(s Scores) float64 { return s.Negative }, "positive": func(s Scores) float64 { return s.Positive },
		"neutral": func(s Scores) float64 { return s.Neutral }, "complaint": func(s Scores) float64 { return s.Complaint },
		"question": func(s Scores) float64 { return s.Question }, "praise": func(s Scores) float64 { return s.Praise },
		"spam": func(s Scores) float64 { return s.Spam }, "abuse": func(s Scores) float64 { return s.Abuse },
	}
	for _, row := range []struct{ text, high, low string }{
		{"@VeloriaCare down again for the third day and nobody answers, this is a disgrace", "negative complaint", "positive praise spam abuse"},
		{"@VeloriaCare thank you so much, the engineer was wonderful and fixed it in minutes", "positive praise", "negative complaint spam abuse"},
		{"@VeloriaCare what time does the shop in Valencia open on Saturdays?", "neutral question", "complaint praise spam abuse"},
		{"@VeloriaCare you are pathetic idiots, you useless morons", "negative abuse", "positive praise"},
		{"@VeloriaCare sois unos gilipollas y unos ladrones", "negative abuse", "positive praise"},
		{"@VeloriaCare muchas gracias, el técnico ha sido encantador y rapidísimo", "positive praise", "negative complaint abuse"},
		{"Congratulations! You won a FREE prize, call now 09061234567 to claim your cash reward. Txt WIN to 80086", "spam", "complaint praise"},
	} {
		_, s, _ := tr.Score(care.Post{Platform: care.X, Kind: care.KindMention, Text: row.text, Addressed: strings.Contains(row.text, "@")})
		for _, name := range strings.Fields(row.high) {
			if p := get[name](s); p < 0.5 {
				t.Errorf("%q: %s %.2f, want at least 0.5", row.text, name, p)
			}
		}
		for _, name := range strings.Fields(row.low) {
			if p := get[name](s); p > 0.4 {
				t.Errorf("%q: %s %.2f, want at most 0.4", row.text, name, p)
			}
		}
		if sum := s.Negative + s.Neutral + s.Positive; sum < 0.999999 || sum > 1.000001 {
			t.Errorf("%q: the three sentiments make %v", row.text, sum)
		}
	}
}

// Score and Triage say the same of a post.
func TestScoreIsTriage(t *testing.T) {
	tr := New(testBrand(), testRouting())
	for _, bp := range benchPosts {
		want := tr.Triage(bp.post)
		got, _, spans := tr.Score(bp.post)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: Score says %v, Triage %v", bp.name, got, want)
		}
		if (len(spans) > 0) != (len(want.PersonalData) > 0) {
			t.Errorf("%s: spans %v, kinds %v", bp.name, spans, want.PersonalData)
		}
	}
}

// BenchmarkScore is BenchmarkTriage with the probabilities.
func BenchmarkScore(b *testing.B) {
	tr := New(testBrand(), testRouting())
	for _, bp := range benchPosts {
		tr.Score(bp.post)
		b.Run(bp.name, func(b *testing.B) {
			b.ReportAllocs()
			n, before := 0, cpu(b)
			for b.Loop() {
				tr.Score(bp.post)
				n++
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/op")
		})
	}
}

// Complaints that name no trouble that the rules know, and posts beside them that
// are none. The sentence says where the finding comes from.
func TestImpliedComplaints(t *testing.T) {
	tr := New(testBrand(), testRouting())
	const why = "It reads like a complaint, although it names no trouble that we have words for."
	for _, row := range []struct {
		text string
		want bool
	}{
		{"@VeloriaCare the driver threw a box marked FRAGILE over a two metre fence. Is this training?", true},
		{"@VeloriaCare you sold more seats than the plane has and then acted like I was the problem", true},
		{"@VeloriaCare fifteen years a customer and you cannot waive one 12 euro fee. Message received", true},
		{"@VeloriaCare can I bring a cello as cabin baggage or do I need to buy it a seat?", false},
		{"@VeloriaCare please add my new number to my account", false},
		{"@VeloriaCare thank you for finding my parcel, my gran is over the moon", false},
		{"@VeloriaCare your new shop window looks lovely", false},
		{"@VeloriaCare DM sent", false},
	} {
		got := tr.Triage(care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Text: row.text})
		if got.Complaint != row.want {
			t.Errorf("%q: complaint %v, want %v", row.text, got.Complaint, row.want)
		}
		said := false
		for _, r := range got.Reasons {
			said = said || r.By == "complaint" && r.Text == why
		}
		if said && !row.want {
			t.Errorf("%q: it is said to read like a complaint", row.text)
		}
	}
}
