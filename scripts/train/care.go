package train

import (
	"bufio"
	"bytes"
	_ "embed" // our own posts travel with the trainer
	"encoding/json"
	"fmt"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/triage"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// carePosts are posts to companies that do not exist, written for this purpose:
// the public sets are no posts to companies, and the last layer must know how
// people talk to one.
//
//go:embed care.jsonl
var carePosts []byte

// CarePost is a line of our own posts.
type CarePost struct {
	ID, Platform, Text, Language, Sentiment           string
	Complaint, Question, Request, Praise, Spam, Abuse bool
}

// CarePosts reads lines of CarePost.
func CarePosts(b []byte) ([]CarePost, error) {
	var all []CarePost
	in := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; in.Scan(); n++ {
		var p CarePost
		if err := json.Unmarshal(in.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, p)
	}
	return all, in.Err()
}

// answers in the order of triage's outputs.
func (p CarePost) answers() Answers {
	return Answers{
		Negative: answer(p.Sentiment == "negative"), Positive: answer(p.Sentiment == "positive"),
		Complaint: answer(p.Complaint), Praise: answer(p.Praise),
		Question: answer(p.Question), Request: answer(p.Request), Spam: answer(p.Spam),
	}
}

// Layers trains the last layer of triage on top of a table: for posts said to
// somebody from our own posts, for others from the held-out part of the sets.
func Layers(table []byte, list []Example) ([]byte, error) {
	m, err := linear.Open(string(table))
	if err != nil {
		return nil, err
	}
	posts, err := CarePosts(carePosts)
	if err != nil {
		return nil, err
	}
	// A brand without words of its own: nothing may hang on a name.
	t := triage.New(config.Brand{Name: "Nobody", Languages: []string{"en", "es", "fr", "de", "pt"}}, config.Routing{})
	var rows [triage.NumLayers][]signalRow
	for _, p := range posts {
		s, _ := t.Signals(m, care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Text: p.Text})
		rows[triage.Said] = append(rows[triage.Said], signalRow{s, p.answers()})
	}
	for _, e := range list {
		if e.Part != Hold || e.Set != "goemotions" && e.Set != "spam" {
			continue
		}
		s, _ := t.Signals(m, care.Post{Platform: care.X, Kind: care.KindPost, Text: e.Text})
		rows[triage.Loose] = append(rows[triage.Loose], signalRow{s, e.Says})
		if e.Set == "spam" {
			// Spam is spam, whoever it is said to; we have little of our own.
			rows[triage.Said] = append(rows[triage.Said], signalRow{s, Answers{Spam: e.Says[Spam]}})
		}
	}
	l := new(triage.Layers)
	for i := range l {
		for k := range l[i] {
			l[i][k] = fitLayer(rows[i], k)
		}
	}
	return l.Encode(), nil
}

type signalRow struct {
	signals triage.Signals
	says    Answers
}

// fitLayer fits one output by gradient descent on the logistic loss, with a pull
// towards zero that is worth one example for each weight. An output without
// examples of both answers stays near what little they say.
func fitLayer(rows []signalRow, k int) (w [triage.NumSignals]float64) {
	const steps, pull = 1500, 1.0
	n := 1.0
	for _, r := range rows {
		if r.says[k] != 0 {
			n++
		}
	}
	for range steps {
		var g [triage.NumSignals]float64
		for i := range rows {
			r := &rows[i]
			if r.says[k] == 0 {
				continue
			}
			x := 0.0
			for j, v := range &r.signals {
				x += float64(v * w[j])
			}
			d := logistic(x) - max(0, float64(r.says[k]))
			for j, v := range &r.signals {
				g[j] += float64(d * v)
			}
		}
		for j := range w {
			if j > 0 {
				g[j] += float64(pull * w[j])
			}
			w[j] -= float64(0.5 * g[j] / n)
		}
	}
	return w
}
