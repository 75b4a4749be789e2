package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// feed is a comment below a post of our Facebook page.
func feed(verb, id, parent, name, text string, at time.Time) []byte {
	return []byte(jsonOf(m{"object": "page", "entry": []any{m{"id": "7002001", "time": at.Unix(), "changes": []any{m{"field": "feed", "value": m{
		"item": "comment", "verb": verb, "comment_id": id, "post_id": "7002001_1", "parent_id": parent, "message": text, "created_time": at.Unix(),
		"from": m{"id": "u" + id, "name": name}}}}}}}))
}

var headingLink = regexp.MustCompile(`<h2><a href="([^"]*)">(.*?)</a></h2>`)

// listed are the headings of an index page, in order.
func listed(page string) []string {
	out := []string{}
	for _, h := range headingLink.FindAllStringSubmatch(page, -1) {
		out = append(out, html.UnescapeString(tag.ReplaceAllString(h[2], "")))
	}
	return out
}

func TestIndexFilters(t *testing.T) {
	v := start(t, nil)
	begin := v.clock().Add(-time.Hour)
	for i, who := range []string{"Ann", "Bea", "Cat"} {
		id := fmt.Sprint(60 + i)
		must(t, v.SeedX([]byte(xEvent("post.mention.create", id, who, "@VeloriaCare question "+who, m{"created_at": iso(begin.Add(time.Duration(i) * time.Minute))}))))
	}
	for _, to := range []string{"61", "60"} { // Bea is answered before Ann
		if status, body, _ := v.call("POST", "/standin/x/2/tweets", "x-write", m{"text": "Answer to " + to, "reply": m{"in_reply_to_tweet_id": to}}); status != 201 {
			t.Fatal(status, body)
		}
	}
	must(t, v.SeedX([]byte(xDirect("900", "dora", "psst, my order"))))
	must(t, v.SeedMeta(feed("add", "c1", "7002001_1", "Eve Ortega", "lol", begin.Add(30*time.Minute))))

	_, all := v.page("/standin/?show=all")
	names := listed(all)
	if len(names) != 5 {
		t.Fatalf("all lists %q", names)
	}
	find := func(text string) string { // the heading of the thread with a text
		for _, part := range strings.Split(all, "<li ") {
			if strings.Contains(part, text) {
				return listed(part)[0]
			}
		}
		t.Fatalf("no thread says %q", text)
		return ""
	}
	ann, bea, cat, dora, eve := find("question Ann"), find("question Bea"), find("question Cat"), find("psst"), find(">lol<")
	tests := []struct {
		name, query string
		want        []string
	}{
		{"AnsweredIsFirst", "", []string{ann, bea}},
		{"Answered", "?show=answered", []string{ann, bea}},
		{"Private", "?show=private", []string{dora}},
		{"NotAnswered", "?show=unanswered", []string{dora, eve, cat}},
		{"Unknown", "?show=nonsense", []string{ann, bea}},
		{"Platform", "?show=all&platform=facebook", []string{eve}},
		{"PlatformWithNone", "?show=all&platform=bluesky", []string{}},
		{"UnknownPlatform", "?show=private&platform=orkut", []string{dora}},
		{"Words", "?show=all&q=QUESTION+cat", []string{cat}},
		{"AnswersWords", "?q=answer+to+61", []string{bea}},
		{"Name", "?show=all&q=eve+ort", []string{eve}},
		{"ID", "?show=all&q=7002001_1", []string{eve}},
		{"NoSuchWords", "?show=all&q=%3Cscript%3E", []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, page := v.page("/standin/" + tt.query)
			got := listed(page)
			if tt.name == "NotAnswered" { // their order depends on when things were said
				slices.Sort(got)
				slices.Sort(tt.want)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("listed %q, want %q", got, tt.want)
			}
			if strings.Contains(page, "<script") {
				t.Error("the query is in the page as markup")
			}
		})
	}
	// A deleted post is not found by what it said.
	v.Delete("x", "62")
	if _, page := v.page("/standin/?show=all&q=question+cat"); len(listed(page)) != 0 {
		t.Error("the words of a deleted post find it")
	}
}

func TestIndexPages(t *testing.T) {
	v := start(t, nil)
	begin := v.clock().Add(-time.Hour)
	for i := range 123 {
		must(t, v.SeedX([]byte(xEvent("post.mention.create", fmt.Sprint(1000+i), fmt.Sprint("p", i), fmt.Sprintf("@VeloriaCare n%03d", i), m{"created_at": iso(begin.Add(time.Duration(i) * time.Second))}))))
	}
	number := regexp.MustCompile(`n\d\d\d<`)
	tests := []struct {
		name, page         string
		want               int
		first, last, sheet string
	}{
		{"First", "", 50, "n122<", "n073<", "1 to 50 of 123"},
		{"Second", "&page=2", 50, "n072<", "n023<", "51 to 100 of 123"},
		{"Last", "&page=3", 23, "n022<", "n000<", "101 to 123 of 123"},
		{"Beyond", "&page=99", 23, "n022<", "n000<", "101 to 123 of 123"},
		{"Negative", "&page=-4", 50, "n122<", "n073<", "1 to 50 of 123"},
		{"NoNumber", "&page=x", 50, "n122<", "n073<", "1 to 50 of 123"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, page := v.page("/standin/?show=unanswered" + tt.page)
			got := number.FindAllString(page, -1)
			if len(got) != tt.want || got[0] != tt.first || got[len(got)-1] != tt.last || !strings.Contains(page, tt.sheet) {
				t.Errorf("%d threads, %v", len(got), got)
			}
		})
	}
	_, page := v.page("/standin/?show=unanswered&page=2")
	for _, want := range []string{`href="?page=1&amp;show=unanswered" rel="prev"`, `href="?page=3&amp;show=unanswered" rel="next"`, `href="?show=answered"`} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %s", want)
		}
	}
}

// 3,000 comments, of which one was answered: the exchange is on the first page,
// the answer below its question whatever the clocks say, and every other post can
// be paged to.
func TestLongThread(t *testing.T) {
	v := start(t, nil)
	begin := v.clock().Add(-time.Hour)
	for i := range 3000 {
		must(t, v.SeedMeta(feed("add", fmt.Sprint("c", i), "7002001_1", fmt.Sprint("Person ", i), fmt.Sprintf("chatter-%04d.", i), begin.Add(time.Duration(i)*time.Second))))
	}
	must(t, v.SeedMeta(feed("add", "c-later", "7002001_1", "Nora Quill", "Where is my order?", v.clock().Add(time.Minute)))) // their clock is ahead
	if status, body, _ := v.call("POST", "/standin/graph/v25.0/c-later/comments", "fb-write", m{"message": "On its way."}); status != 200 {
		t.Fatal(status, body)
	}
	must(t, v.SeedMeta(feed("add", "c-after", "7002001_1", "Late Larry", "me too", v.clock().Add(2*time.Minute))))
	path := ThreadPath("facebook", "7002001_1")
	_, page := v.page(path)
	if n := strings.Count(page, "<article"); n != 3 { // our post, the question, the answer
		t.Errorf("%d posts on the first page", n)
	}
	question, answer := strings.Index(page, "Where is my order?"), strings.Index(page, "On its way.")
	if question < 0 || answer < question || !strings.Contains(page, "ours, automated") || !regexp.MustCompile(`answers <a href="#p-\d+"><bdi>Nora Quill`).MatchString(page) {
		t.Errorf("question at %d, answer at %d", question, answer)
	}
	seen, pages := map[string]bool{}, 0
	for next := "?show=all"; next != ""; pages++ {
		_, page := v.page(path + next)
		if len(page) > 200_000 {
			t.Errorf("page %s has %d bytes", next, len(page))
		}
		for _, c := range regexp.MustCompile(`chatter-\d{4}\.|me too|Where is|On its way`).FindAllString(page, -1) {
			if seen[c] {
				t.Errorf("%s is there twice", c)
			}
			seen[c] = true
		}
		next = ""
		if found := regexp.MustCompile(`href="(\?[^"]*)" rel="next"`).FindStringSubmatch(page); found != nil {
			next = html.UnescapeString(found[1])
		}
	}
	if len(seen) != 3003 || pages != 61 {
		t.Errorf("%d posts on %d pages, want 3003 on 61", len(seen), pages)
	}
}

// Who says what they like about parents harms nothing.
func TestArrange(t *testing.T) {
	p := func(n int, id, parent string) *post {
		return &post{n: int64(n), id: id, parent: parent, at: time.Unix(int64(n), 0)}
	}
	ids := func(posts []*post) (out []string) {
		for _, p := range posts {
			out = append(out, p.id)
		}
		return out
	}
	tests := []struct {
		name  string
		posts []*post
		want  []string
		deep  map[string]int
	}{
		{"Below", []*post{p(1, "a", ""), p(2, "b", "a"), p(3, "c", "a"), p(4, "d", "b")}, []string{"a", "b", "d", "c"}, map[string]int{"b": 1, "d": 2, "c": 1}},
		{"BeforeItsQuestion", []*post{p(1, "a", ""), p(2, "answer", "question"), p(3, "question", "a")}, []string{"a", "question", "answer"}, map[string]int{"answer": 2}},
		{"Orphan", []*post{p(1, "a", ""), p(2, "b", "gone")}, []string{"a", "b"}, map[string]int{"b": 1}},
		{"Itself", []*post{p(1, "a", "a"), p(2, "b", "a")}, []string{"a", "b"}, map[string]int{"b": 1}},
		{"Circle", []*post{p(1, "a", "c"), p(2, "b", "a"), p(3, "c", "b"), p(4, "d", "")}, []string{"d", "a", "b", "c"}, map[string]int{"d": 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, depth := arrange(tt.posts)
			if !slices.Equal(ids(got), tt.want) {
				t.Errorf("order %v, want %v", ids(got), tt.want)
			}
			for id, want := range tt.deep {
				if depth[id] != want {
					t.Errorf("%s is %d deep, want %d", id, depth[id], want)
				}
			}
		})
	}
	t.Run("Deep", func(t *testing.T) {
		var chain []*post
		for i := range 20_000 {
			chain = append(chain, p(i+1, fmt.Sprint(i), fmt.Sprint(i-1)))
		}
		got, depth := arrange(chain)
		if len(got) != 20_000 || depth["19999"] != maxDepth {
			t.Errorf("%d posts, the last %d deep", len(got), depth["19999"])
		}
	})
	t.Run("Private", func(t *testing.T) {
		ask, reply, more := p(1, "ask", ""), p(2, "reply", ""), p(3, "more", "")
		ask.at, reply.own, more.at = time.Unix(50, 0), true, time.Unix(60, 0) // the platform's clock is ahead of ours
		for _, q := range []*post{ask, reply, more} {
			q.private = true
		}
		if got, _ := arrange([]*post{ask, reply, more}); !slices.Equal(ids(got), []string{"ask", "reply", "more"}) {
			t.Errorf("order %v", ids(got))
		}
	})
}

func TestThreadShowsWhatHappened(t *testing.T) {
	v := start(t, nil)
	at := v.clock().Add(-time.Hour)
	must(t, v.SeedMeta(feed("add", "c1", "7002001_1", "Ana", "where?", at)))
	must(t, v.SeedMeta(feed("edited", "c1", "7002001_1", "Ana", "where is it?", at)))
	must(t, v.SeedMeta(feed("add", "c2", "7002001_1", "Ben", "a secret number", at)))
	must(t, v.SeedMeta(feed("remove", "c2", "7002001_1", "Ben", "", at)))
	must(t, v.SeedMeta(feed("add", "c3", "7002001_1", "Cy", "rude", at)))
	must(t, v.SeedMeta(feed("hide", "c3", "7002001_1", "Cy", "", at)))
	if status, body, _ := v.call("POST", "/standin/graph/v25.0/7002001/messages", "fb-write", m{"recipient": m{"comment_id": "c1"}, "message": m{"text": "Let us talk here."}}); status != 200 {
		t.Fatal(status, body)
	}
	_, page := v.page(ThreadPath("facebook", "7002001_1"))
	parts := strings.Split(page, "<article")
	if len(parts) != 5 {
		t.Fatalf("%d posts: %s", len(parts)-1, page)
	}
	private := v.Replies()[0]
	there := ThreadPath("messenger", private.Thread)
	for i, want := range [][]string{
		1: {"ours, not automated"},
		2: {"where is it?", ">edited<", "We answered this in private", html.EscapeString(there)},
		3: {">deleted<", "This post was deleted"},
		4: {"rude", ">hidden by us<"},
	} {
		for _, w := range want {
			if !strings.Contains(parts[i], w) {
				t.Errorf("post %d lacks %q: %s", i, w, parts[i])
			}
		}
	}
	if strings.Contains(page, "secret") {
		t.Error("what was deleted is still there")
	}
	if _, page = v.page(there); !strings.Contains(page, "This answers a public comment of theirs") || !strings.Contains(page, ThreadPath("facebook", "7002001_1")) || !strings.Contains(page, ">private<") {
		t.Errorf("the private half: %s", page)
	}
	if _, page = v.page("/standin/?show=private"); !strings.Contains(page, "where is it?") || !strings.Contains(page, "Let us talk here.") {
		t.Errorf("the index does not pair the answer with its question: %s", page)
	}
}

// Texts that try to be more than text. Whether the layout holds is for eyes (and
// overflow rules); that nothing becomes markup, and nothing escapes its element,
// is tested here.
var hostile = []struct{ name, text string }{
	{"Script", `<script>alert(1)</script>`},
	{"Quotes", `" onmouseover="alert(1)" x='`},
	{"CloseTags", `</p></article></main></body><h1>gotcha`},
	{"Comment", `<!-- --><style>*{display:none}</style>`},
	{"Template", `{{.Contact}} {{template "head"}}`},
	{"Entities", `&lt;b&gt; &amp; &#x3c;script&#x3e;`},
	{"RightToLeft", "\u202ereversed\u202d \u2067isolate \u200f"},
	{"LongWord", strings.Repeat("w", 10_000)},
	{"Emoji", strings.Repeat("👩‍👩‍👧‍👦", 2000) + strings.Repeat("🎉", 8000)},
	{"Marks", "z" + strings.Repeat("\u0301\u0489", 5000)},
	{"Lines", strings.Repeat("\n", 5000) + "end"},
	{"Control", "\x00\x07\x1b[2J \ufeff\u2028 x"},
	{"NotUTF8", "\xff\xfe ok"},
}

var element = regexp.MustCompile(`<(/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>`)

// handler finds an attribute, not a value, that would run something.
var handler = regexp.MustCompile(`^(?:\s+[a-z-]+(?:="[^"]*")?)*?\s+on`)

// wellFormed tells what is wrong with a page of ours: every "<" must belong to a
// tag that the templates have, and the tags must nest.
func wellFormed(page string) error {
	page = strings.TrimPrefix(page, "<!doctype html>")
	if n, m := strings.Count(page, "<"), len(element.FindAllString(page, -1)); n != m {
		return fmt.Errorf("%d of %d tags are none of ours", n-m, n)
	}
	void := []string{"meta", "link", "input"}
	var open []string
	for _, e := range element.FindAllStringSubmatch(page, -1) {
		switch name := e[2]; {
		case name == "script" || name == "style" || name == "b" && strings.Contains(e[3], "="), handler.MatchString(e[3]):
			return fmt.Errorf("the page has %s", e[0])
		case e[1] == "" && !slices.Contains(void, name):
			open = append(open, name)
		case e[1] != "":
			if len(open) == 0 || open[len(open)-1] != name {
				return fmt.Errorf("%s closes %v", e[0], open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%v stay open", open)
	}
	return nil
}

func TestHostileText(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			c := startCentre(t, func(o *ConnectOptions) {
				o.InvokeLookup = func(context.Context, json.RawMessage) (json.RawMessage, error) {
					return json.RawMessage(jsonOf(m{"fielder_line": h.text, "fielder_note": h.text, "fielder_name": h.text, h.text: h.text})), nil
				}
			})
			must(t, c.SeedMeta(feed("add", "c1", "7002001_1", h.text, h.text, c.clock())))
			if status, body, _ := c.call("POST", "/standin/graph/v25.0/c1/comments", "fb-write", m{"message": "Sorry: " + clipped(h.text)}); status != 200 {
				t.Fatal(status, body)
			}
			_, err := c.Call(t.Context(), CallOptions{From: h.text, Agent: h.text, Ring: time.Second, Talk: time.Second})
			must(t, err)
			attrs := map[string]string{"fielder_post": "facebook:c1", "fielder_due": h.text, "fielder_priority": h.text, "fielder_intent": clipped(h.text)}
			c.Standin.mu.Lock()
			c.addContact(&Contact{ID: "task " + h.text, Channel: "TASK", Name: h.text, Description: "Why:\n- " + h.text, Queue: h.text, Attributes: attrs, Queued: c.clock(),
				References: map[string]Ref{h.text: {"URL", h.text}, "js": {"URL", "javascript:alert(1)"}, "web": {"URL", "https://x.example/?a=1&b=2"}}})
			c.Standin.mu.Unlock()
			for _, path := range []string{"/standin/?show=all", "/standin/?q=" + url.QueryEscape(clipped(h.text)), ThreadPath("facebook", "7002001_1"), ThreadPath("facebook", clipped(h.text)),
				"/connect/", "/connect/?show=calls", "/connect/?show=" + url.QueryEscape(clipped(h.text)) + "&queue=" + url.QueryEscape(clipped(h.text))} {
				_, page := c.page(path)
				if err := wellFormed(page); err != nil {
					t.Errorf("%.80s: %v", path, err)
				}
				if strings.Contains(page, `href="javascript`) || strings.Contains(page, "ZgotmplZ") {
					t.Errorf("%.80s: a link that is none", path)
				}
			}
			_, page := c.page("/connect/")
			if !strings.Contains(page, `href="https://x.example/?a=1&amp;b=2"`) {
				t.Error("a real link is not there")
			}
			// It is all there, as text.
			_, page = c.page(ThreadPath("facebook", "7002001_1"))
			want := html.EscapeString(strings.ReplaceAll(strings.ToValidUTF8(h.text, "\ufffd"), "\x00", "\ufffd"))
			if plain := html.EscapeString(html.UnescapeString(page)); !strings.Contains(plain, want) {
				t.Errorf("the text is not shown as it is")
			}
			// Outside of what is folded nothing is long.
			for _, path := range []string{"/standin/?show=all", "/connect/", ThreadPath("facebook", "7002001_1")} {
				_, page := c.page(path)
				for _, piece := range tag.Split(foldedAway.ReplaceAllString(page, ""), -1) {
					if n := graphemeCount(html.UnescapeString(piece)); n > foldCharacters+1 {
						t.Errorf("%s shows %d characters at once: %.80q", path, n, piece)
					}
				}
			}
			folds := map[string]bool{"LongWord": true, "Emoji": true, "Lines": true, "Marks": true}
			if got := strings.Contains(page, "<details"); got != folds[h.name] {
				t.Errorf("folded: %v", got)
			}
		})
	}
}

// foldedAway is what is seen only when somebody opens it.
var foldedAway = regexp.MustCompile(`(?s)<option.*?</option>|</summary><p class="text" dir="auto">.*?</p></details>`)

// clipped makes a text short enough for an address line or a platform.
func clipped(s string) string {
	s = strings.ToValidUTF8(s, "")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, text string
		chars      int
		lines      int
		want       string
	}{
		{"Whole", "hello", 5, 1, "hello"},
		{"Cut", "hello there", 6, 1, "hello…"},
		{"Family", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 5, 1, "👩‍👩‍👧‍👦👩‍👩‍👧‍👦…"},
		{"Lines", "a\nb\nc", 99, 2, "a\nb…"},
		{"Marks", "abz" + strings.Repeat("\u0301", 500), 20, 1, "ab…"},
		{"Empty", "", 3, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, more := cut(tt.text, tt.chars, tt.lines); got != tt.want || more != (got != tt.text) {
				t.Errorf("got %q, %v", got, more)
			}
		})
	}
}

// browser submits forms as a browser does: with cookies, and saying where from.
type browser struct {
	c      *centre
	client *http.Client
}

func (c *centre) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(c.t, err)
	return &browser{c, &http.Client{Jar: jar}}
}

func (b *browser) submit(path string, header http.Header, form url.Values) (int, string) {
	b.c.t.Helper()
	r, err := http.NewRequest("POST", b.c.http.URL+path, strings.NewReader(form.Encode()))
	must(b.c.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for k, v := range header {
		if r.Header[k] = v; k == "Host" {
			r.Host = v[0]
		}
	}
	res, err := b.client.Do(r)
	must(b.c.t, err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	must(b.c.t, err)
	if err := wellFormed(string(page)); err != nil {
		b.c.t.Errorf("%s: %v", path, err)
	}
	return res.StatusCode, string(page)
}

var own = http.Header{"Sec-Fetch-Site": {"same-origin"}}

func TestTaskForms(t *testing.T) {
	c := startCentre(t, nil)
	in := task("token-1")
	in.Attributes["fielder_priority"], in.Attributes["fielder_due"] = "43", "2026-11-17T09:30:00Z"
	_, err := c.api.StartTaskContact(t.Context(), in)
	must(t, err)
	id := c.Contacts()[0].ID
	_, page := c.page("/connect/")
	for _, want := range []string{"Waiting tasks", "<dt>Priority</dt><dd dir=\"auto\">43</dd>", "17 Nov 2026, 09:30:00", "in 29 min", "queue <bdi>social</bdi>", `action="/connect/contacts/` + id + `/take"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the waiting task lacks %q", want)
		}
	}
	ann, ben := c.browser(), c.browser()
	if status, page := ann.submit("/connect/agent", own, url.Values{"agent": {"ann"}}); status != 200 || !strings.Contains(page, "as <b>ann</b>") {
		t.Fatalf("status %d: %s", status, page)
	}
	for _, bad := range []string{"", " ", "a/b", "<b>", strings.Repeat("a", 41), "é"} {
		if status, _ := ben.submit("/connect/agent", own, url.Values{"agent": {bad}}); status != 400 {
			t.Errorf("agent %q: status %d", bad, status)
		}
	}
	steps := []struct {
		name   string
		who    *browser
		path   string
		status int
		says   string
		kinds  int // events so far
	}{
		{"FinishTooEarly", ann, "/connect/contacts/" + id + "/finish", 409, "nobody has taken it", 2},
		{"NoSuch", ann, "/connect/contacts/nope/take", 404, "There is no contact", 2},
		{"NoSuchToFinish", ann, "/connect/contacts/nope/finish", 404, "There is no contact", 2},
		{"Take", ann, "/connect/contacts/" + id + "/take", 200, "With ann", 3},
		{"TakenAlready", ben, "/connect/contacts/" + id + "/take", 409, "ann was quicker", 3},
		{"Finish", ann, "/connect/contacts/" + id + "/finish", 200, "Finished by ann", 5},
		{"FinishTwice", ann, "/connect/contacts/" + id + "/finish", 409, "has ended already", 5},
	}
	for _, tt := range steps {
		status, page := tt.who.submit(tt.path, own, nil)
		if status != tt.status || !strings.Contains(page, tt.says) || len(c.kinds(id)) != tt.kinds {
			t.Errorf("%s: status %d, events %v, page says %q: %v", tt.name, status, c.kinds(id), tt.says, strings.Contains(page, tt.says))
		}
	}
	if got := c.Contacts()[0]; got.Agent != "ann" || got.Reason != "AGENT_COMPLETED" {
		t.Errorf("contact %+v", got)
	}
	if status, _ := c.page("/connect/contacts/" + id + "/take"); status != 405 {
		t.Errorf("GET takes a task: status %d", status)
	}
}

func TestFormsListenOnlyToOwnPages(t *testing.T) {
	c := startCentre(t, nil)
	_, err := c.api.StartTaskContact(t.Context(), task("token-1"))
	must(t, err)
	id := c.Contacts()[0].ID
	forms := map[string]url.Values{
		"/connect/agent":                      {"agent": {"eve"}},
		"/connect/calls":                      {"from": {"+12025550101"}, "seconds": {"1"}},
		"/connect/contacts/" + id + "/take":   nil,
		"/connect/contacts/" + id + "/finish": nil,
	}
	for _, h := range []struct {
		name   string
		header http.Header
	}{
		{"CrossSite", http.Header{"Sec-Fetch-Site": {"cross-site"}}},
		{"SameSite", http.Header{"Sec-Fetch-Site": {"same-site"}}}, // another port of this machine
		{"OtherOrigin", http.Header{"Origin": {"http://evil.example"}}},
		{"NullOrigin", http.Header{"Origin": {"null"}}},
		{"OtherPort", http.Header{"Origin": {"http://127.0.0.1:1"}}},
		{"Rebound", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Host": {"evil.example:4748"}}},
		{"ReboundOrigin", http.Header{"Origin": {"http://evil.example"}, "Host": {"evil.example"}}},
	} {
		for path, form := range forms {
			status, page := c.browser().submit(path, h.header, form)
			if status != 403 || !strings.Contains(page, "role=\"alert\"") {
				t.Errorf("%s %s: status %d", h.name, path, status)
			}
		}
	}
	if len(c.Contacts()) != 1 || len(c.kinds(id)) != 2 {
		t.Errorf("something happened all the same: %v", c.kinds(id))
	}
	for _, h := range []http.Header{own, {"Origin": {c.http.URL}}, {"Host": {"localhost:4748"}}, {"Host": {"[::1]:4748"}}} {
		if status, _ := c.browser().submit("/connect/agent", h, url.Values{"agent": {"ann"}}); status >= 400 {
			t.Errorf("%v: status %d", h, status)
		}
	}
	big := url.Values{"agent": {"ann"}, "more": {strings.Repeat("x", 5000)}}
	if status, _ := c.browser().submit("/connect/agent", own, big); status != 400 {
		t.Errorf("a form of 5,000 bytes: status %d", status)
	}
}

func TestPagesForbidMuch(t *testing.T) {
	v := start(t, nil)
	for _, path := range []string{"/standin/", "/connect/", "/standin/x/thread/none"} {
		res, err := http.Get(v.http.URL + path)
		must(t, err)
		res.Body.Close()
		policy := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || res.Header.Get("Referrer-Policy") != "same-origin" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}

func TestCallForm(t *testing.T) {
	asked := make(chan string, 9)
	c := startCentre(t, func(o *ConnectOptions) {
		o.InvokeLookup = func(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
			v, err := readJSON(event)
			if err != nil {
				return nil, err
			}
			from := str(dig(v, "Details", "ContactData", "CustomerEndpoint", "Address"))
			asked <- from
			if from == "+12025550199" {
				return nil, errors.New("Unavailable")
			}
			return json.RawMessage(`{"fielder_line":"Hi Ana, is it still so?","fielder_note":"Gold customer.","fielder_tier":"gold","fielder_last_platform":"x"}`), nil
		}
	})
	b := c.browser()
	for _, bad := range []struct{ name, from, seconds, says string }{
		{"NoNumber", "", "5", "country code"},
		{"NoCountry", "2025550101", "5", "country code"},
		{"Letters", "+1202CALLNOW", "5", "country code"},
		{"TooLong", "+1234567890123456", "5", "country code"},
		{"NoSeconds", "+12025550101", "", "0 to 3600"},
		{"Negative", "+12025550101", "-1", "0 to 3600"},
		{"AllDay", "+12025550101", "3601", "0 to 3600"},
	} {
		if status, page := b.submit("/connect/calls", own, url.Values{"from": {bad.from}, "seconds": {bad.seconds}}); status != 400 || !strings.Contains(page, bad.says) {
			t.Errorf("%s: status %d, %s", bad.name, status, page)
		}
	}
	if len(c.Contacts()) != 0 || len(asked) != 0 {
		t.Fatal("a refused form placed a call")
	}
	status, page := b.submit("/connect/calls", own, url.Values{"from": {"+1 (202) 555-0101"}, "seconds": {"20"}})
	if status != 200 || <-asked != "+12025550101" {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{"Call from <bdi>&#43;12025550101</bdi>", `<p class="line" dir="auto">Hi Ana, is it still so?</p>`, "Gold customer.", "<dt>Tier</dt>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the call's card lacks %q", want)
		}
	}
	_, page = b.submit("/connect/calls", own, url.Values{"from": {"+12025550199"}, "seconds": {"0"}})
	if !strings.Contains(page, "Lookup told nothing: error branch: Unavailable") {
		t.Error("a lookup that failed is not told")
	}
}

// By a clock that waits, the call rings, talks and ends by itself; or the agent
// hangs up, and nothing comes after that.
func TestCallGoesOn(t *testing.T) {
	for _, hangUp := range []bool{false, true} {
		t.Run(fmt.Sprint("HangUp=", hangUp), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var mu sync.Mutex // events come from the form and from the call
				var came []string
				var busy atomic.Int64
				s := New(Options{Accounts: ours, Begin: func() func() { busy.Add(1); return func() { busy.Add(-1) } },
					Sleep: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
					Connect: ConnectOptions{Emit: func(e json.RawMessage) {
						v, err := readJSON(e)
						must(t, err)
						mu.Lock()
						defer mu.Unlock()
						came = append(came, fmt.Sprint(str(dig(v, "detail", "eventType")), " ", time.Since(begin)))
					}}})
				r, err := http.NewRequest("POST", "/connect/calls", nil)
				must(t, err)
				r.PostForm = url.Values{"from": {"+12025550101"}, "seconds": {"30"}}
				next, err := s.callForm(nil, r)
				must(t, err)
				id := strings.TrimPrefix(next, "/connect/#c-")
				if busy.Load() != 1 {
					t.Error("the call does not count as work")
				}
				time.Sleep(15 * time.Second)
				want := []string{"INITIATED 0s", "QUEUED 0s", "CONNECTED_TO_AGENT 5s", "DISCONNECTED 35s", "COMPLETED 35s"}
				if hangUp {
					r.SetPathValue("contact", id)
					_, err := s.finishForm(nil, r)
					must(t, err)
					want = append(want[:3], "DISCONNECTED 15s", "COMPLETED 15s")
				}
				time.Sleep(time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(came, want) || busy.Load() != 0 {
					t.Errorf("events %v, want %v; %d still at work", came, want, busy.Load())
				}
			})
		})
	}
}

func TestWorkspaceOrder(t *testing.T) {
	c := startCentre(t, nil)
	now := c.clock()
	add := func(id, channel string, change func(*Contact)) {
		k := &Contact{ID: id, Channel: channel, Name: "name-" + id, Customer: "+1", Started: now, Queued: now, Queue: "care", Attributes: map[string]string{}}
		change(k)
		c.Standin.mu.Lock()
		c.addContact(k)
		c.Standin.mu.Unlock()
	}
	due := func(after time.Duration, priority int) func(*Contact) {
		return func(k *Contact) {
			k.Attributes["fielder_due"], k.Attributes["fielder_priority"] = now.Add(after).Format(time.RFC3339), strconv.Itoa(priority)
		}
	}
	add("later", "TASK", due(2*time.Hour, 90))
	add("nodue", "TASK", func(*Contact) {})
	add("minor", "TASK", due(time.Hour, 10))
	add("major", "TASK", due(time.Hour, 80))
	add("over", "TASK", due(-time.Hour, 1))
	add("mine", "TASK", func(k *Contact) { k.Agent, k.Answered, k.Queue = "ann", now, "billing" })
	add("old", "TASK", func(k *Contact) { k.Disconnected, k.Reason = now.Add(-time.Hour), "API" })
	add("new", "TASK", func(k *Contact) { k.Disconnected, k.Reason = now, "TRANSFERRED" })
	add("call", "VOICE", func(*Contact) {})
	add("talked", "VOICE", func(k *Contact) {
		k.Answered, k.Agent, k.Disconnected, k.Reason = now.Add(-time.Minute), "ben", now.Add(time.Second), "CUSTOMER_DISCONNECT"
	})
	card := regexp.MustCompile(`<article[^>]* id="c-([a-z]+)"`)
	tests := []struct {
		name, query string
		want        []string
	}{
		{"Now", "", []string{"call", "over", "major", "minor", "later", "nodue", "mine", "talked", "new", "old"}},
		{"Waiting", "?show=waiting", []string{"over", "major", "minor", "later", "nodue"}},
		{"Taken", "?show=taken", []string{"mine"}},
		{"Calls", "?show=calls", []string{"talked", "call"}},
		{"Ended", "?show=ended", []string{"talked", "new", "old"}},
		{"Queue", "?queue=billing", []string{"mine"}},
		{"NoSuchQueue", "?show=taken&queue=none", []string{"mine"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, page := c.page("/connect/" + tt.query)
			var got []string
			for _, found := range card.FindAllStringSubmatch(page, -1) {
				got = append(got, found[1])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("cards %v, want %v", got, tt.want)
			}
		})
	}
	_, page := c.page("/connect/")
	for _, want := range []string{"late by 1 h 00 min", "Passed on to another queue", "The caller hung up after 1 min with ben", "Taken off the queue"} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(page, "http-equiv") {
		t.Error("the page loads itself again without being asked")
	}
	if _, page = c.page("/connect/?live=1"); !strings.Contains(page, `http-equiv="refresh"`) {
		t.Error("the page does not load itself again when asked")
	}
}

// What is read must be readable: 4.5 to 1 (WCAG 2.2, 1.4.3) in both schemes.
func TestContrast(t *testing.T) {
	colour := regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`)
	light, dark, found := strings.Cut(pagesCSS, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark scheme")
	}
	pairs := [][2]string{{"fore", "back"}, {"dim", "back"}, {"link", "back"}, {"fore", "soft"}, {"fore", "ours"}, {"dim", "ours"}, {"link", "ours"}, {"us-text", "us"},
		{"private-text", "private"}, {"mark-text", "mark"}, {"warn-text", "warn"}}
	for name, css := range map[string]string{"Light": light, "Dark": dark} {
		t.Run(name, func(t *testing.T) {
			value := map[string]float64{}
			for _, c := range colour.FindAllStringSubmatch(css, -1) {
				value[c[1]] = luminance(t, c[2])
			}
			for _, p := range pairs {
				a, b := value[p[0]], value[p[1]]
				if a == 0 && b == 0 {
					t.Errorf("%v are not defined", p)
				}
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Errorf("%s on %s: %.2f", p[0], p[1], ratio)
				}
			}
		})
	}
}

// luminance is the relative luminance of a colour (WCAG 2.2, definitions).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	must(t, err)
	l := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		v := float64(n>>(8*i)&0xff) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}
