package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	tokens "github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage"
)

// stdin is what classify reads; tests put their own.
var stdin io.Reader = os.Stdin

// triageCommand looks at posts without a stack.
func triageCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "classify":
			return classify(ctx, args[1:], out, errs)
		case "eval":
			return evaluate(ctx, args[1:], out, errs)
		}
	}
	return misuse("what about triage? fielder triage classify, or fielder triage eval")
}

// maxLine bounds one line of input, in bytes.
const maxLine = 1 << 20

// textPost is a line of input. Only text is needed.
type textPost struct {
	ID       json.RawMessage `json:"id"`
	Text     *string         `json:"text"`
	Platform care.Platform   `json:"platform"`
	Lang     string          `json:"lang"`
	Author   textAuthor      `json:"author"`
	Thread   textThread      `json:"thread"`
}

// textAuthor is an author: a handle, or an object as in an event.
type textAuthor struct{ care.Author }

func (a *textAuthor) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'"'}) {
		return json.Unmarshal(b, &a.Handle)
	}
	return json.Unmarshal(b, &a.Author)
}

// textThread is where a post stands: a thread's id, or an object that says
// whether the thread is ours.
type textThread struct {
	ID   string `json:"id"`
	Ours bool   `json:"ours"`
}

func (t *textThread) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'"'}) {
		return json.Unmarshal(b, &t.ID)
	}
	type plain textThread
	return json.Unmarshal(b, (*plain)(t))
}

// post is the post as an adapter would have made it for brand: it counts as
// addressed when it names an account of the brand's.
func (p *textPost) post(brand *config.Brand) care.Post {
	post := care.Post{Platform: p.Platform, Kind: care.KindPost, Author: p.Author.Author, Text: *p.Text, Lang: p.Lang, Thread: p.Thread.ID, InOurThread: p.Thread.Ours}
	if post.Platform == "" {
		post.Platform = care.X
	}
	if p.Thread.Ours {
		post.Kind = care.KindReply
	}
	d := tokens.Parse(post.Text)
	for i := range d.Tokens {
		if d.Tokens[i].Kind != tokens.Mention {
			continue
		}
		for _, a := range brand.Accounts {
			if strings.EqualFold(strings.TrimPrefix(d.Raw(i), "@"), strings.TrimPrefix(a.Handle, "@")) {
				post.Kind, post.Addressed = care.KindMention, true
			}
		}
	}
	for _, a := range brand.Accounts {
		if a.Platform == post.Platform && post.Author.Handle != "" && strings.EqualFold(strings.TrimPrefix(post.Author.Handle, "@"), a.Handle) {
			post.Author.Own = true
		}
	}
	return post
}

// sighting is a line of output.
type sighting struct {
	ID        json.RawMessage    `json:"id"`
	Relevance graded             `json:"relevance"`
	Kind      map[string]float64 `json:"kind"`
	Sentiment graded             `json:"sentiment"`
	Intent    graded             `json:"intent"`
	Severity  string             `json:"severity"`
	Language  struct {
		Code  string  `json:"code"`
		Score float64 `json:"score"`
	} `json:"language"`
	Spam     float64       `json:"spam"`
	Abuse    float64       `json:"abuse"`
	PII      []piece       `json:"pii"`
	Priority float64       `json:"priority"`
	Reasons  []care.Reason `json:"reasons"`
}

// graded is a class and how sure we are of it.
type graded struct {
	Class string  `json:"class"`
	Score float64 `json:"score"`
}

// piece is personal data at code points start (first) to end (after the last).
type piece struct {
	Type  string `json:"type"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

func lookAt(id json.RawMessage, post care.Post, t *triage.Triager) sighting {
	got, s, spans := t.Score(post)
	v := sighting{ID: id, Severity: got.Severity.String(), Spam: round(s.Spam), Abuse: round(s.Abuse), Priority: got.Priority, Reasons: got.Reasons, PII: []piece{}}
	v.Relevance = graded{string(got.Relevance), s.Relevance}
	v.Kind = map[string]float64{"complaint": round(s.Complaint), "question": round(s.Question), "request": round(s.Request), "praise": round(s.Praise)}
	v.Sentiment = mood(s)
	v.Intent = graded{got.Intent, round(got.IntentScore)}
	v.Language.Code, v.Language.Score = got.Lang, round(s.Language)
	v.PII = append(v.PII, pieces(post.Text, spans)...)
	return v
}

// pieces turns byte offsets into code points.
func pieces(s string, spans []tokens.Span) (list []piece) {
	for _, span := range spans {
		start := utf8.RuneCountInString(s[:span.Start])
		list = append(list, piece{span.Kind, start, start + utf8.RuneCountInString(s[span.Start:span.End])})
	}
	return list
}

// mood is the likeliest sentiment.
func mood(s triage.Scores) graded {
	best := graded{"neutral", s.Neutral}
	if s.Negative > best.Score {
		best = graded{"negative", s.Negative}
	}
	if s.Positive > best.Score {
		best = graded{"positive", s.Positive}
	}
	best.Score = round(best.Score)
	return best
}

// round keeps four digits, enough for any probability of ours.
func round(p float64) float64 { return float64(int(p*10000+0.5)) / 10000 }

// classify reads posts, a JSON object on each line, and says of each what it is.
// A line that is no post gives a line with its error, and status 1 in the end.
func classify(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("triage classify", errs)
	brandFile := f.String("brand", "", "a brand.yaml; without it, this repository's own")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return misuse("triage classify reads posts from its input, not from " + f.Arg(0))
	}
	brand, routing, err := brandOf(*brandFile, errs)
	if err != nil {
		return err
	}
	t := triage.New(brand, routing)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	bad := 0
	err = eachLine(ctx, stdin, func(n int, line []byte) error {
		var p textPost
		if problem := readPost(line, &p); problem != "" {
			bad++
			fmt.Fprintf(errs, "line %d: %s\n", n, problem)
			return enc.Encode(struct {
				ID    json.RawMessage `json:"id"`
				Line  int             `json:"line"`
				Error string          `json:"error"`
			}{p.ID, n, problem})
		}
		if err := enc.Encode(lookAt(p.ID, p.post(&brand), t)); err != nil {
			return err
		}
		return w.Flush() // whoever waits for one post gets it at once
	})
	if e := w.Flush(); err == nil {
		err = e
	}
	if err == nil && bad > 0 {
		return errQuiet
	}
	return err
}

// readPost reads a line; problem says what is wrong with it.
func readPost(line []byte, p *textPost) (problem string) {
	err := json.Unmarshal(line, p)
	switch {
	case err != nil:
		return "it is no post: " + strings.TrimPrefix(err.Error(), "json: ")
	case p.Text == nil:
		return `it has no "text"`
	case len(*p.Text) > care.MaxTextBytes:
		return fmt.Sprintf("its text has %d bytes, at most %d are allowed", len(*p.Text), care.MaxTextBytes)
	}
	return ""
}

// brandOf reads a brand; "" is that of the repository's config.
func brandOf(file string, errs io.Writer) (config.Brand, config.Routing, error) {
	own, _, err := loadConfig("", errs)
	if err != nil || file == "" {
		if err != nil {
			return config.Brand{}, config.Routing{}, err
		}
		return own.Brand, own.Routing, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return config.Brand{}, config.Routing{}, err
	}
	brand, list := config.ReadBrand(filepath.Base(file), data)
	if len(list) > 0 {
		return config.Brand{}, config.Routing{}, told(list, errs)
	}
	return brand, own.Routing, nil
}

// eachLine calls f with each line that is not blank, counted from 1.
func eachLine(ctx context.Context, in io.Reader, f func(n int, line []byte) error) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for s.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return err
		}
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := f(n, line); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d has more than %d bytes", n+1, maxLine)
	}
	return s.Err()
}
