package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/drafts"
)

// draftCommand lists the drafts of the running stack, and approves or rejects
// one, through the same HTTP API as the panel.
func draftCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("drafts", errs)
	text := f.String("text", "", "approve: say this instead of what was proposed")
	confirm := f.Bool("confirm-personal-data", false, "approve: what looks like personal data may be public")
	reason := f.String("reason", "", "reject: why")
	queue := f.String("queue", "", "list: only this queue")
	as := f.String("as", "agent", "the agent's name")
	var words []string // flags may stand before and after the words
	for rest := args; len(rest) > 0; {
		if err := parse(f, rest); err != nil {
			return err
		}
		if rest = f.Args(); len(rest) > 0 {
			words, rest = append(words, rest[0]), rest[1:]
		}
	}
	do := "list"
	if len(words) > 0 {
		do, words = words[0], words[1:]
	}
	empty := false
	f.Visit(func(g *flag.Flag) { empty = empty || g.Name == "text" && strings.TrimSpace(*text) == "" })
	switch {
	case empty:
		return misuse("--text says nothing; leave it out to send what was proposed")
	case do != "list" && do != "approve" && do != "reject":
		return misuse(fmt.Sprintf("drafts knows list, approve and reject, not %q", do))
	case do == "list" && len(words) > 0:
		return misuse("drafts list takes no arguments, got " + strings.Join(words, " "))
	case do != "list" && len(words) != 1:
		return misuse("which draft? fielder drafts " + do + " x:2090000000000000101")
	case do == "reject" && *reason == "":
		return misuse("why? fielder drafts reject POST_ID --reason \"...\"")
	}
	r, err := findRunning(ctx)
	if err != nil {
		return err
	}
	p := panelAPI{url: r.URL}
	if p.token, err = r.agentToken(ctx, *as); err != nil {
		return err
	}
	if do == "list" {
		return p.list(ctx, *queue, out)
	}
	body := map[string]any{"reason": *reason}
	if do == "approve" {
		body = map[string]any{"confirmPersonalData": *confirm}
		if *text != "" {
			body["text"] = *text
		}
	}
	seen, err := p.settle(ctx, care.PostID(words[0]), do, body)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s", words[0], seen.Status)
	if seen.Status != care.DraftSent && seen.Why != "" {
		fmt.Fprintf(out, " (%s)", plain(seen.Why))
	}
	fmt.Fprintln(out)
	if do == "approve" && seen.Status != care.DraftSent {
		return errQuiet
	}
	return nil
}

// panelAPI is the panel's API of a running stack, asked by one agent.
type panelAPI struct{ url, token string }

// settle approves or rejects the draft of a post as it stands.
func (p panelAPI) settle(ctx context.Context, post care.PostID, do string, body map[string]any) (drafts.Shown, error) {
	path := "/panel/drafts/" + drafts.ID(post)
	var seen drafts.Shown
	tag, err := p.call(ctx, http.MethodGet, path, "", nil, &seen)
	if err == nil {
		_, err = p.call(ctx, http.MethodPost, path+"/"+do, tag, body, &seen)
	}
	return seen, err
}

// agentToken has the stack sign a token for an agent.
func (r *running) agentToken(ctx context.Context, name string) (string, error) {
	body, err := json.Marshal(map[string]any{"name": name, "groups": []string{"agent"}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/_fielder/token", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var out struct{ Token, Error string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return "", err
	}
	if out.Token == "" {
		return "", fmt.Errorf("the stack signs no token: %s", out.Error)
	}
	return out.Token, nil
}

// call does one request; tag is the ETag to name, or the one that came.
func (p panelAPI) call(ctx context.Context, method, path, tag string, body, into any) (string, error) {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, sent)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if tag != "" {
		req.Header.Set("If-Match", tag)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: 40 * time.Second}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var problem struct{ Error, Message string }
		if err := json.NewDecoder(res.Body).Decode(&problem); err != nil || problem.Error+problem.Message == "" {
			return "", fmt.Errorf("the panel's API answers %s", res.Status)
		}
		return "", fmt.Errorf("%s (%d)", plain(problem.Error+problem.Message), res.StatusCode)
	}
	return res.Header.Get("ETag"), json.NewDecoder(res.Body).Decode(into)
}

func (p panelAPI) list(ctx context.Context, queue string, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	n := 0
	for cursor := ""; ; {
		var page drafts.Page
		q := url.Values{"queue": {queue}, "cursor": {cursor}}
		if _, err := p.call(ctx, http.MethodGet, "/panel/drafts?"+q.Encode(), "", nil, &page); err != nil {
			return err
		}
		for _, d := range page.Drafts {
			fmt.Fprintf(w, "%s\t%s\tuntil %s\t%s\t%s\t%q\n", d.Post, d.Status, stampOf(d.ApproveBy), d.Queue, d.Rule, d.Text)
			n++
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if n == 0 {
		fmt.Fprintln(out, "No draft waits for approval.")
		return nil
	}
	return w.Flush()
}
