package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/triage"
)

// task is a signal that can be measured: the class that triage gives, and the
// probability that it gives to the class.
type task struct {
	name string
	// classes are those that count in averages; nil: those of the labels.
	classes []string
	guess   func(care.Triage, triage.Scores) (class string, p float64)
	// label reads another spelling of a label; it returns "" for nonsense.
	label func(string) string
}

var yesNo = []string{"no", "yes"}

// sureSpam is where spam is called spam: a post that is hidden wrongly costs more
// than one that is looked at for nothing.
const sureSpam = 0.4

func binary(name string, at float64, p func(triage.Scores) float64) task {
	return task{name: name, classes: yesNo, label: truth, guess: func(_ care.Triage, s triage.Scores) (string, float64) {
		if q := p(s); q >= at {
			return "yes", q
		} else {
			return "no", 1 - q
		}
	}}
}

var tasks = []task{
	{name: "sentiment", classes: []string{"negative", "neutral", "positive"}, label: oneOf("negative", "neutral", "positive"),
		guess: func(_ care.Triage, s triage.Scores) (string, float64) { m := mood(s); return m.Class, m.Score }},
	binary("complaint", 0.5, func(s triage.Scores) float64 { return s.Complaint }),
	binary("question", 0.5, func(s triage.Scores) float64 { return s.Question }),
	binary("request", 0.5, func(s triage.Scores) float64 { return s.Request }),
	binary("praise", 0.5, func(s triage.Scores) float64 { return s.Praise }),
	{name: "relevance", classes: []string{"irrelevant", "relevant"}, label: relevant,
		guess: func(t care.Triage, s triage.Scores) (string, float64) {
			return relevant(string(t.Relevance)), s.Relevance
		}},
	{name: "intent", label: func(s string) string { return s },
		guess: func(t care.Triage, _ triage.Scores) (string, float64) { return cmp.Or(t.Intent, "none"), t.IntentScore }},
	binary("spam", sureSpam, func(s triage.Scores) float64 { return s.Spam }),
	binary("abuse", 0.5, func(s triage.Scores) float64 { return s.Abuse }),
	{name: "language", label: func(s string) string { return strings.ToLower(s) },
		guess: func(t care.Triage, s triage.Scores) (string, float64) { return t.Lang, s.Language }},
	{name: "pii"},
}

func taskNames() string {
	var names []string
	for _, t := range tasks {
		names = append(names, t.name)
	}
	return strings.Join(names, "|")
}

func oneOf(classes ...string) func(string) string {
	return func(s string) string {
		if s = strings.ToLower(s); slices.Contains(classes, s) {
			return s
		}
		return ""
	}
}

// truth reads the labels that data sets use for yes and no.
func truth(s string) string {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "spam", "complaint", "abuse", "abusive", "question", "request", "praise":
		return "yes"
	case "false", "no", "0", "ham", "none", "not", "other":
		return "no"
	}
	return ""
}

func relevant(s string) string {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "relevant", "addressed", "about", "mentioned":
		return "relevant"
	case "false", "no", "0", "irrelevant", "competitor", "chatter", "noise":
		return "irrelevant"
	}
	return ""
}

// evaluate measures one signal on labelled posts: lines as classify reads them,
// with a label under the task's name, or under "label".
func evaluate(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("triage eval", errs)
	file := f.String("data", "", "posts, a JSON object on each line, with a label under the task's name or under \"label\"")
	name := f.String("task", "", taskNames())
	brandFile := f.String("brand", "", "a brand.yaml; without it, this repository's own")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	k := slices.IndexFunc(tasks, func(t task) bool { return t.name == *name })
	if *file == "" || k < 0 || f.NArg() > 0 {
		return misuse("triage eval needs --data FILE and --task " + taskNames())
	}
	brand, routing, err := brandOf(*brandFile, errs)
	if err != nil {
		return err
	}
	in, err := os.Open(*file)
	if err != nil {
		return err
	}
	defer in.Close()
	t, tk := triage.New(brand, routing), tasks[k]
	t.Score(care.Post{Text: "warm up", Kind: care.KindPost}) // lexica are built once, not for each post
	var (
		guesses []guess
		spans   spanCounts
		spent   time.Duration
		posts   int
	)
	err = eachLine(ctx, in, func(n int, line []byte) error {
		var p textPost
		var fields map[string]json.RawMessage
		problem := readPost(line, &p)
		if problem == "" {
			_ = json.Unmarshal(line, &fields) // it was read just now
		}
		raw, ok := fields[tk.name]
		if !ok {
			raw, ok = fields["label"]
		}
		switch {
		case problem != "":
		case !ok:
			problem = fmt.Sprintf("it has no %q and no \"label\"", tk.name)
		}
		if problem != "" {
			return fmt.Errorf("%s:%d: %s", *file, n, problem)
		}
		post := p.post(&brand)
		if tk.name == "language" {
			post.Lang = "" // the platform's hint would be the answer
		}
		began := time.Now()
		got, scores, found := t.Score(post)
		spent += time.Since(began)
		posts++
		if tk.name == "pii" {
			var want []piece
			if err := json.Unmarshal(raw, &want); err != nil {
				return fmt.Errorf("%s:%d: its pieces of personal data are not [{\"type\",\"start\",\"end\"}]", *file, n)
			}
			spans.add(want, pieces(post.Text, found))
			return nil
		}
		label := tk.label(strings.TrimSpace(string(bytes.Trim(raw, `"`))))
		if label == "" {
			return fmt.Errorf("%s:%d: label %s is none of %s", *file, n, raw, strings.Join(tk.classes, ", "))
		}
		class, sure := tk.guess(got, scores)
		guesses = append(guesses, guess{label, class, sure})
		return nil
	})
	if err != nil {
		return err
	}
	if posts == 0 {
		return fmt.Errorf("%s holds no posts", *file)
	}
	m := measured(guesses, tk.classes)
	if tk.name == "pii" {
		m = spans.metrics()
	}
	m.Task, m.Posts, m.PerSecond = tk.name, posts, float64(posts)/spent.Seconds()
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	}
	m.print(out)
	return nil
}
