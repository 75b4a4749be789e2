package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/fielder-care/fielder/shared/appconfig"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
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
	if err := parse(f, args); err != nil {
		return err
	}
	route := map[string]string{"x": "x", "facebook": "meta", "instagram": "meta", "messenger": "meta"}[*name]
	if route == "" {
		return misuse(fmt.Sprintf("--platform must be x, facebook, instagram or messenger, not %q", *name))
	}
	if f.NArg() == 0 {
		return misuse("no file given: fielder ingest --platform " + *name + " FILE.json ... (- is standard input)")
	}
	r, err := findRunning(ctx)
	if err != nil {
		return err
	}
	signing, err := r.signing(ctx)
	if err != nil {
		return err
	}
	own, err := r.ourAccounts(ctx)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	failed := false
	for _, file := range f.Args() {
		lines, err := r.ingestFile(ctx, own, *name, route, file, signing)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		if err != nil {
			fmt.Fprintf(errs, "fielder: %s: %v\n", file, err)
			failed = true
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
	for _, res := range r.resources {
		if res.Type != "AWS::SecretsManager::Secret" || !strings.Contains(res.LogicalID, "Ingest") {
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

func (r *running) ingestFile(ctx context.Context, own []platform.Account, name, route, file string, signing secrets.Ingest) ([]ingested, error) {
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
	// The same body read here tells which items to wait for. Its parts that cannot
	// be read are no reason to lose sight of the others.
	batch, faulty := normalise(body, time.Now(), own)
	before, err := r.seen(ctx, batch)
	if err != nil {
		return nil, err
	}
	if faulty == nil || len(batch.Items) > 0 {
		if err := r.seed(ctx, route, body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/webhooks/"+route, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(header, signature)
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: 35 * time.Second}).Do(req)
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
	var out []ingested
	for _, item := range batch.Items {
		l, err := r.await(ctx, item, before)
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	if faulty != nil {
		out = append(out, ingested{Platform: name, Event: "none", Outcome: "unreadable", Reasons: []string{"Part of the body cannot be read: " + messageOf(faulty)}})
	}
	if len(out) == 0 {
		l := ingested{Platform: name, Event: "none", Outcome: "nothing", Reasons: []string{"The body holds nothing for us."}}
		for _, s := range batch.Skipped {
			l.Reasons = append(l.Reasons, strings.TrimPrefix(s.Type+": "+s.Reason, ": "))
		}
		out = append(out, l)
	}
	return out, nil
}

// seed makes the stand-in of the platform know what the body tells about, as the
// real platform would: nothing can be answered that is not there.
func (r *running) seed(ctx context.Context, route string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Pages+"/standin/seed/"+route, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("the stand-in: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("the stand-in answered %d: %s", res.StatusCode, bytes.TrimSpace(text))
	}
	return nil
}

// ourAccounts are our accounts as the deployed config names them: what the
// webhook itself goes by.
func (r *running) ourAccounts(ctx context.Context) ([]platform.Account, error) {
	var ids [3]string
	for _, res := range r.resources {
		switch res.Type {
		case "AWS::AppConfig::Application":
			ids[0] = res.Name
		case "AWS::AppConfig::Environment":
			ids[1] = res.Name
		case "AWS::AppConfig::ConfigurationProfile":
			ids[2] = res.Name
		}
	}
	b, err := appconfig.New(r.appconfig, strings.Join(ids[:], "/"), nil).Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("the deployed config: %w", err)
	}
	own := make([]platform.Account, 0, len(b.Brand.Accounts))
	for _, a := range b.Brand.Accounts {
		own = append(own, platform.Account{Platform: a.Platform, Account: a.ID, Handle: a.Handle})
	}
	return own, nil
}

var eventOf = map[care.Change]string{care.Received: "PostReceived", care.Edited: "PostEdited", care.Deleted: "PostDeleted"}

// change of a post, the key under which its records are counted.
type change struct {
	post care.PostID
	kind care.Change
}

// seen counts the records that the items of a batch have already, so that an
// older record is not taken for the answer to this delivery.
func (r *running) seen(ctx context.Context, batch care.Batch) (map[change]int, error) {
	counts := map[change]int{}
	for _, item := range batch.Items {
		key := change{item.Post.ID(), item.Change}
		if _, ok := counts[key]; ok {
			continue
		}
		list, err := r.logged(ctx, key)
		if err != nil {
			return nil, err
		}
		counts[key] = len(list)
	}
	return counts, nil
}

// await waits until the item has its record: a new log line from the edge or the
// ledger, or a decision in the table.
func (r *running) await(ctx context.Context, item care.Inbound, before map[change]int) (ingested, error) {
	key := change{item.Post.ID(), item.Change}
	l := ingested{Platform: string(item.Post.Platform), ID: string(key.post), Event: eventOf[item.Change], Reasons: []string{}}
	deadline := time.Now().Add(patience)
	for {
		list, err := r.logged(ctx, key)
		if err != nil {
			return l, err
		}
		if len(list) > before[key] {
			d := list[len(list)-1]
			l.Outcome, l.Reasons = d.Outcome, d.Reasons
			return l, nil
		}
		if item.Change == care.Received {
			rec, err := r.table.Post(ctx, key.post)
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
			return l, fmt.Errorf("%s has no decision after %s", key.post, patience)
		}
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// logged finds the "decided" lines of a change, oldest first.
func (r *running) logged(ctx context.Context, key change) ([]decided, error) {
	all, err := r.records(ctx, key.post)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(d decided) bool { return d.Change != string(key.kind) }), nil
}

// messageOf is an error's sentence without its code.
func messageOf(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
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
