package day

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestRead(t *testing.T) {
	lines, err := Read(fstest.MapFS{
		"b.jsonl":   file(`{"at":"08:00:01","via":"webhook:x","body":{"n":3}}` + "\n\n" + `{"at":"07:59:59","via":"call","body":{"n":1},"story":"s","expect":"answered"}` + "\n"),
		"a.jsonl":   file(`{"at":"08:00:01","via":"webhook:meta","body":{"n":2}}`),
		"notes.txt": file("not a line"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, l.At+" "+l.Via+" "+string(l.Body))
	}
	want := []string{`07:59:59 call {"n":1}`, `08:00:01 webhook:meta {"n":2}`, `08:00:01 webhook:x {"n":3}`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
	if lines[0].Story != "s" || lines[0].Expect != "answered" {
		t.Errorf("got %+v", lines[0])
	}
	if at, err := lines[0].Time(); err != nil || !at.Equal(time.Date(2026, 11, 17, 7, 59, 59, 0, time.UTC)) {
		t.Errorf("got %s, %v", at, err)
	}
}

func TestReadErrors(t *testing.T) {
	ok := `{"at":"08:00:01","via":"webhook:x","body":{}}` + "\n"
	for _, r := range []struct{ name, text, want string }{
		{"ErrNotJSON", ok + "hello\n", "day.jsonl:2: invalid character"},
		{"ErrTruncated", ok + "\n" + `{"at":"08:00:01","via":`, "day.jsonl:3: unexpected end of JSON input"},
		{"ErrType", `{"at":8}`, "day.jsonl:1: "},
		{"ErrNoTime", ok + ok + `{"via":"webhook:x","body":{}}`, `day.jsonl:3: at "" is not a time of day such as 07:42:10`},
		{"ErrTime", `{"at":"25:00:00","via":"webhook:x","body":{}}`, `day.jsonl:1: at "25:00:00"`},
		{"ErrDate", `{"at":"2026-11-17T08:00:00","via":"webhook:x","body":{}}`, `day.jsonl:1: at "2026-11-17T08:00:00"`},
		{"ErrTooLong", ok + `{"at":"08:00:01","body":"` + strings.Repeat("a", maxLine) + `"}`, "day.jsonl:2: "},
	} {
		t.Run(r.name, func(t *testing.T) {
			lines, err := Read(fstest.MapFS{"day.jsonl": file(r.text)})
			if err == nil || !strings.HasPrefix(err.Error(), r.want) || lines != nil {
				t.Errorf("%d lines, %v; want %q", len(lines), err, r.want)
			}
		})
	}
	if _, err := Read(fstest.MapFS{"day.json": file("{}")}); err == nil || !strings.Contains(err.Error(), "no *.jsonl files") {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestPost(t *testing.T) {
	const meta = `{"object":"page","entry":[{"id":"7002001","changes":[{"field":"feed","value":%}]}]}`
	for _, r := range []struct {
		name, via, body string
		want            Post
	}{
		{"OK X post", ViaX, `{"data":{"event_type":"post.create","payload":{"id":"11","author_id":"22"}}}`, Post{"x:11", "x:22", "received"}},
		{"OK X direct message", ViaX, `{"data":{"payload":{"direct_message_events":[{"id":"12","message_create":{"sender_id":"23"}}]}}}`, Post{"x:12", "x:23", "received"}},
		{"OK X encrypted", ViaX, `{"data":{"payload":{"id":"13","sender_id":"24"}}}`, Post{"x:13", "x:24", "received"}},
		{"OK Facebook comment", ViaMeta, strings.Replace(meta, "%", `{"item":"comment","verb":"add","comment_id":"1_2","post_id":"7002001_1","from":{"id":"31"}}`, 1), Post{"facebook:1_2", "facebook:31", "received"}},
		{"OK Facebook post", ViaMeta, strings.Replace(meta, "%", `{"item":"post","verb":"add","post_id":"7002001_1","from":{"id":"31"}}`, 1), Post{"facebook:7002001_1", "facebook:31", "received"}},
		{"OK Facebook edit", ViaMeta, strings.Replace(meta, "%", `{"item":"comment","verb":"edited","comment_id":"1_2","from":{"id":"31"}}`, 1), Post{"facebook:1_2", "facebook:31", "edited"}},
		{"OK Facebook removal", ViaMeta, strings.Replace(meta, "%", `{"item":"comment","verb":"remove","comment_id":"1_2"}`, 1), Post{"facebook:1_2", "facebook:", "deleted"}},
		{"OK Messenger", ViaMeta, `{"object":"page","entry":[{"messaging":[{"sender":{"id":"41"},"message":{"mid":"m1"}}]}]}`, Post{"messenger:m1", "messenger:41", "received"}},
		{"OK Messenger unsent", ViaMeta, `{"object":"page","entry":[{"messaging":[{"sender":{"id":"41"},"message":{"mid":"m1","is_deleted":true}}]}]}`, Post{"messenger:m1", "messenger:41", "deleted"}},
		{"OK Instagram comment", ViaMeta, `{"object":"instagram","entry":[{"changes":[{"field":"comments","value":{"id":"c1","from":{"id":"51"}}}]}]}`, Post{"instagram:c1", "instagram:51", "received"}},
		{"OK Instagram Login", ViaMeta, `{"object":"instagram","entry":[{"field":"comments","value":{"id":"c2","from":{"id":"51"}}}]}`, Post{"instagram:c2", "instagram:51", "received"}},
		{"OK Instagram direct message", ViaMeta, `{"object":"instagram","entry":[{"messaging":[{"sender":{"id":"52"},"message":{"mid":"i1"}}]}]}`, Post{"instagram:i1", "instagram:52", "received"}},
		{"OK Instagram standby", ViaMeta, `{"object":"instagram","entry":[{"standby":[{"sender":{"id":"52"},"message":{"mid":"i2"}}]}]}`, Post{"instagram:i2", "instagram:52", "received"}},
		{"OK Mastodon", ViaMastodon, `{"id":"n1","type":"mention","status":{"id":"61","account":{"id":"62"}}}`, Post{"mastodon:61", "mastodon:62", "received"}},
		{"OK Bluesky", ViaBluesky, `{"uri":"at://did:plc:a/app.bsky.feed.post/3k","author":{"did":"did:plc:a"}}`, Post{"bluesky:at://did:plc:a/app.bsky.feed.post/3k", "bluesky:did:plc:a", "received"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			got, ok, err := Line{At: "08:00:00", Via: r.via, Body: []byte(r.body)}.Post()
			if err != nil || !ok || got != r.want {
				t.Errorf("got %+v, %v, %v; want %+v", got, ok, err, r.want)
			}
		})
	}
	if _, ok, err := (Line{Via: ViaCall, Body: []byte(`{"from":"+34600000000"}`)}).Post(); ok || err != nil {
		t.Errorf("a call is a post: %v", err)
	}
	for _, bad := range []struct{ name, via, body string }{
		{"ErrNotJSON", ViaX, `{`},
		{"ErrNoID", ViaX, `{"data":{"payload":{}}}`},
		{"ErrNoID Mastodon", ViaMastodon, `{"status":{}}`},
		{"ErrTwoEntries", ViaMeta, `{"object":"page","entry":[{},{}]}`},
		{"ErrNoEntry", ViaMeta, `{"object":"page"}`},
		{"ErrNoCommentID", ViaMeta, strings.Replace(meta, "%", `{"item":"reaction","post_id":"1_1"}`, 1)},
	} {
		t.Run(bad.name, func(t *testing.T) {
			if got, _, err := (Line{At: "08:00:00", Via: bad.via, Body: []byte(bad.body)}).Post(); err == nil {
				t.Errorf("got %+v", got)
			} else if bad.name != "ErrNotJSON" && !strings.Contains(err.Error(), "08:00:00") {
				t.Errorf("the error does not say which line: %v", err)
			}
		})
	}
}
