package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/scripts/local"
	"github.com/fielder-care/fielder/scripts/local/lambda"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/x"
	"github.com/fielder-care/fielder/shared/secrets"
)

// patience is how long ingest waits for a decision: the intake workflow ends
// within 5 minutes (Express workflow quota); locally it takes a second.
const patience = 90 * time.Second

// ingested is one line of ingest's output.
type ingested struct {
	Platform string   `json:"platform"`
	ID       string   `json:"id"`
	Event    string   `json:"event"`
	Outcome  string   `json:"outcome"`
	Reasons  []string `json:"reasons"`
}

// ingest signs raw provider bodies as the platform would, posts them to the
// running stack's webhook and prints what became of each inbound item.
func ingest(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("ingest", errs)
	name := f.String("platform", "", "x, facebook, instagram or messenger")
	if err := f.Parse(args); err != nil {
		return err
	}
	route := map[string]string{"x": "x", "facebook": "meta", "instagram": "meta", "messenger": "meta"}[*name]
	if route == "" {
		return fmt.Errorf("--platform must be x, facebook, instagram or messenger, not %q", *name)
	}
	if f.NArg() == 0 {
		return errors.New("no file given: fielder ingest --platform " + *name + " FILE.json ... (- is standard input)")
	}
	r, err := findRunning(ctx)
	if err != nil {
		return err
	}
	signing, err := r.signing(ctx)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	failed := false
	for _, file := range f.Args() {
		lines, err := r.ingestFile(ctx, *name, route, file, signing)
		if err != nil {
			fmt.Fprintf(errs, "fielder: %s: %v\n", file, err)
			failed = true
			continue
		}
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
	}
	if failed {
		return errQuiet
	}
	return nil
}

// signing reads the secrets with which the platforms sign, from the stack.
func (r *running) signing(ctx context.Context) (secrets.Ingest, error) {
	var s secrets.Ingest
	var resources []local.Resource
	if err := r.get(ctx, "/_fielder/resources", &resources); err != nil {
		return s, err
	}
	for _, res := range resources {
		if res.Type != "AWS::SecretsManager::Secret" || !bytes.Contains([]byte(res.LogicalID), []byte("Ingest")) {
			continue
		}
		got, err := r.sm.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(res.Name)})
		if err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(aws.ToString(got.SecretString)), &s)
	}
	return s, errors.New("the stack has no ingest secret")
}

func (r *running) ingestFile(ctx context.Context, name, route, file string, signing secrets.Ingest) ([]ingested, error) {
	var body []byte
	var err error
	if file == "-" {
		body, err = io.ReadAll(os.Stdin)
	} else {
		body, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	header, signature := "X-Hub-Signature-256", meta.Sign(signing.Meta.AppSecret, body)
	normalise := meta.Normalise
	if route == "x" {
		header, signature, normalise = "X-Twitter-Webhooks-Signature", x.Sign(signing.X.ConsumerSecret, body), x.Normalise
	}
	began := time.Now().Add(-time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/webhooks/"+route, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(header, signature)
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the webhook answered %d: %s", res.StatusCode, bytes.TrimSpace(answer))
	}
	// The same body read here tells which items to wait for.
	batch, err := normalise(body, time.Now(), nil)
	if err != nil {
		return nil, err
	}
	if len(batch.Items) == 0 {
		l := ingested{Platform: name, Event: "none", Outcome: "nothing", Reasons: []string{"The body holds nothing for us."}}
		for _, s := range batch.Skipped {
			l.Reasons = append(l.Reasons, s.Type+": "+s.Reason)
		}
		return []ingested{l}, nil
	}
	var out []ingested
	for _, item := range batch.Items {
		l, err := r.await(ctx, item, began)
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

var eventOf = map[care.Change]string{care.Received: "PostReceived", care.Edited: "PostEdited", care.Deleted: "PostDeleted"}

// await waits until the item has its record: a log line from the edge or the
// ledger, or a decision in the table.
func (r *running) await(ctx context.Context, item care.Inbound, since time.Time) (ingested, error) {
	id := item.Post.ID()
	l := ingested{Platform: string(item.Post.Platform), ID: string(id), Event: eventOf[item.Change], Reasons: []string{}}
	deadline := time.Now().Add(patience)
	for {
		if d, ok, err := r.logged(ctx, id, item.Change, since); err != nil {
			return l, err
		} else if ok {
			l.Outcome, l.Reasons = d.Outcome, d.Reasons
			return l, nil
		}
		if item.Change == care.Received {
			rec, err := r.table.Post(ctx, id)
			if err == nil && !rec.Deleted.IsZero() && rec.Outcome == "" {
				l.Outcome, l.Reasons = "recorded", []string{"upstream: It was deleted before it came in."}
				return l, nil
			}
			if err == nil && rec.Outcome != "" {
				l.Outcome, l.Reasons = string(rec.Outcome), texts(rec.Reasons)
				return l, nil
			}
			if err != nil && care.CodeOf(err) != care.NotFound {
				return l, err
			}
		}
		if time.Now().After(deadline) {
			return l, fmt.Errorf("%s has no decision after %s", id, patience)
		}
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// logged finds the newest "decided" line of a post and change.
func (r *running) logged(ctx context.Context, id care.PostID, change care.Change, since time.Time) (decided, bool, error) {
	var lines []lambda.Line
	if err := r.get(ctx, "/_fielder/logs?contains="+url.QueryEscape(jsonText(string(id))), &lines); err != nil {
		return decided{}, false, err
	}
	for i := len(lines) - 1; i >= 0; i-- {
		d, ok := readDecided(lines[i].Text)
		if ok && d.PostID == string(id) && d.Change == string(change) && lines[i].Time.After(since) {
			return d, true, nil
		}
	}
	return decided{}, false, nil
}

// jsonText is how a text looks inside a JSON log line.
func jsonText(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return s
	}
	text := strings.TrimSpace(b.String())
	return text[1 : len(text)-1]
}
