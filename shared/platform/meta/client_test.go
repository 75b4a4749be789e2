package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/meta"
)

var now = time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC)

// graph answers like the Graph API and keeps what it was asked.
type graph struct {
	*httptest.Server
	requests []string
	header   http.Header
}

func serve(t *testing.T, account platform.Account, answer http.HandlerFunc) (*graph, *meta.Client) {
	t.Helper()
	g := &graph{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		uri, _ := url.QueryUnescape(r.URL.RequestURI())
		g.requests = append(g.requests, strings.TrimSpace(r.Method+" "+uri+" "+string(body)))
		g.header = r.Header
		answer(w, r)
	}))
	t.Cleanup(g.Close)
	account.Token, account.BaseURL = "tok", g.URL
	return g, meta.New(account, g.Client(), func() time.Time { return now })
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

var (
	pageAccount = platform.Account{Platform: care.Facebook, Account: "7002001"}
	messengerAs = platform.Account{Platform: care.Messenger, Account: "7002001"}
	instagramAs = platform.Account{Platform: care.Instagram, Account: "7003001", Handle: "veloria.care"}

	fbComment = care.Post{Platform: care.Facebook, NativeID: "800_900", Account: "7002001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "7002001_800", ReplyTo: "7002001_800", Ref: map[string]string{"field": "feed", "item": "comment"}}
	fbReply   = care.Post{Platform: care.Facebook, NativeID: "800_901", Account: "7002001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "7002001_800", ReplyTo: "800_900", Ref: map[string]string{"field": "feed", "item": "comment"}}
	fbVisitor = care.Post{Platform: care.Facebook, NativeID: "7002001_802", Account: "7002001", Kind: care.KindPost, Author: care.Author{ID: "31"}, Thread: "7002001_802", Ref: map[string]string{"field": "feed", "item": "post"}}
	dm        = care.Post{Platform: care.Messenger, NativeID: "m1", Account: "7002001", Kind: care.KindDirect, Private: true, Author: care.Author{ID: "31"}, Thread: "31"}
	igComment = care.Post{Platform: care.Instagram, NativeID: "900", Account: "7003001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "800", ReplyTo: "800", Ref: map[string]string{"field": "comments", "media": "800"}}
	igReply   = care.Post{Platform: care.Instagram, NativeID: "901", Account: "7003001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "800", ReplyTo: "900", Ref: map[string]string{"field": "comments", "media": "800"}}
	igMention = care.Post{Platform: care.Instagram, NativeID: "910", Account: "7003001", Kind: care.KindMention, Author: care.Author{Handle: "ana_m"}, Thread: "810", Ref: map[string]string{"field": "mentions", "media": "810", "comment": "910"}}
	igCaption = care.Post{Platform: care.Instagram, NativeID: "810", Account: "7003001", Kind: care.KindMention, Thread: "810", Ref: map[string]string{"field": "mentions", "media": "810"}}
	igDM      = care.Post{Platform: care.Instagram, NativeID: "m1", Account: "7003001", Kind: care.KindStoryReply, Private: true, Author: care.Author{ID: "31"}, Thread: "31"}
	igLive    = care.Post{Platform: care.Instagram, NativeID: "900", Account: "7003001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "800", Ref: map[string]string{"field": "live_comments", "live": "true"}}
	fbHidden  = care.Post{Platform: care.Facebook, NativeID: "800_900", Account: "7002001", Kind: care.KindComment, Author: care.Author{ID: "31"}, Thread: "7002001_800", Ref: map[string]string{"field": "feed", "hidden": "true"}}
)

func answerTo(p care.Post, private bool) care.Outgoing {
	return care.Outgoing{Key: "reply:" + string(p.ID()), Post: p, To: p.Author, Private: private, Text: "Hola & sorry: restart the VeloBox", Since: now.Add(-time.Minute)}
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name    string
		account platform.Account
		out     care.Outgoing
		answer  string
		request string
		want    care.Sent
	}{
		{"FacebookComment", pageAccount, answerTo(fbComment, false), `{"id":"800_950"}`,
			`POST /v25.0/800_900/comments {"message":"Hola & sorry: restart the VeloBox"}`,
			care.Sent{NativeID: "800_950", URL: "https://www.facebook.com/7002001/posts/800?comment_id=950", At: now}},
		{"FacebookVisitorPost", pageAccount, answerTo(fbVisitor, false), `{"id":"802_1"}`,
			`POST /v25.0/7002001_802/comments {"message":"Hola & sorry: restart the VeloBox"}`,
			care.Sent{NativeID: "802_1", URL: "https://www.facebook.com/7002001/posts/802?comment_id=1", At: now}},
		{"FacebookPrivateReply", pageAccount, answerTo(fbComment, true), `{"recipient_id":"99","message_id":"m_9"}`,
			`POST /v25.0/7002001/messages {"message":{"metadata":"reply:facebook:800_900","text":"Hola & sorry: restart the VeloBox"},"recipient":{"comment_id":"800_900"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"FacebookPrivateReplyToPost", pageAccount, answerTo(fbVisitor, true), `{"recipient_id":"99","message_id":"m_9"}`,
			`POST /v25.0/7002001/messages {"message":{"metadata":"reply:facebook:7002001_802","text":"Hola & sorry: restart the VeloBox"},"recipient":{"post_id":"7002001_802"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"Messenger", messengerAs, answerTo(dm, false), `{"recipient_id":"31","message_id":"m_9"}`,
			`POST /v25.0/7002001/messages {"message":{"metadata":"reply:messenger:m1","text":"Hola & sorry: restart the VeloBox"},"messaging_type":"RESPONSE","recipient":{"id":"31"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"MessengerInvitation", messengerAs, care.Outgoing{Key: "inv:1", To: care.Author{ID: "31"}, Text: "hi"}, `{"recipient_id":"31","message_id":"m_9"}`,
			`POST /v25.0/7002001/messages {"message":{"metadata":"inv:1","text":"hi"},"messaging_type":"UPDATE","recipient":{"id":"31"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"InstagramComment", instagramAs, answerTo(igComment, false), `{"id":"17873440459141029"}`,
			`POST /v25.0/900/replies {"message":"Hola & sorry: restart the VeloBox"}`,
			care.Sent{NativeID: "17873440459141029", At: now}},
		{"InstagramMention", instagramAs, answerTo(igMention, false), `{"id":"5"}`,
			`POST /v25.0/7003001/mentions {"comment_id":"910","media_id":"810","message":"Hola & sorry: restart the VeloBox"}`,
			care.Sent{NativeID: "5", At: now}},
		{"InstagramCaption", instagramAs, answerTo(igCaption, false), `{"id":"5"}`,
			`POST /v25.0/7003001/mentions {"media_id":"810","message":"Hola & sorry: restart the VeloBox"}`,
			care.Sent{NativeID: "5", At: now}},
		{"InstagramPrivateReply", instagramAs, answerTo(igComment, true), `{"recipient_id":"31","message_id":"m_9"}`,
			`POST /v25.0/7003001/messages {"message":{"text":"Hola & sorry: restart the VeloBox"},"recipient":{"comment_id":"900"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"InstagramLivePrivately", instagramAs, answerTo(igLive, true), `{"recipient_id":"31","message_id":"m_9"}`,
			`POST /v25.0/7003001/messages {"message":{"text":"Hola & sorry: restart the VeloBox"},"recipient":{"comment_id":"900"}}`,
			care.Sent{NativeID: "m_9", At: now}},
		{"InstagramDirect", instagramAs, answerTo(igDM, false), `{"recipient_id":"31","message_id":"m_9"}`,
			`POST /v25.0/7003001/messages {"message":{"text":"Hola & sorry: restart the VeloBox"},"recipient":{"id":"31"}}`,
			care.Sent{NativeID: "m_9", At: now}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, client := serve(t, c.account, says(200, c.answer))
			sent, err := client.Send(context.Background(), c.out)
			if err != nil || sent != c.want {
				t.Errorf("%+v, %v", sent, err)
			}
			if len(g.requests) != 1 || g.requests[0] != c.request || g.header.Get("Authorization") != "Bearer tok" {
				t.Errorf("asked %q\nwant  %q", g.requests, c.request)
			}
		})
	}
}

func TestSendChecksFirst(t *testing.T) {
	elsewhere := answerTo(fbComment, false)
	elsewhere.Account = "9"
	silent := answerTo(fbComment, false)
	silent.Text = " "
	dots := answerTo(fbComment, false)
	dots.Post.NativeID = ".."
	foreign := fbComment
	foreign.Platform = care.X
	for _, c := range []struct {
		name    string
		account platform.Account
		out     care.Outgoing
		want    care.Code
	}{
		{"ErrOtherAccount", pageAccount, elsewhere, care.Invalid},
		{"ErrNothing", pageAccount, silent, care.Invalid},
		{"ErrDotDot", pageAccount, dots, care.Invalid},
		{"ErrOtherCompany", pageAccount, answerTo(foreign, false), care.Invalid},
		{"ErrInstagramPostToThePage", pageAccount, answerTo(igComment, false), care.Invalid},
		{"ErrPagePostToInstagram", instagramAs, answerTo(fbComment, false), care.Invalid},
		{"ErrNobody", messengerAs, care.Outgoing{Text: "x"}, care.Invalid},
		{"ErrLiveInPublic", instagramAs, answerTo(igLive, false), care.Refused},
		{"ErrHiddenInPublic", pageAccount, answerTo(fbHidden, false), care.Refused},
		{"ErrMentionInPrivate", instagramAs, answerTo(igMention, true), care.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, client := serve(t, c.account, says(200, `{"id":"1"}`))
			if _, err := client.Send(context.Background(), c.out); care.CodeOf(err) != c.want {
				t.Errorf("Send: %v, want %s", err, c.want)
			}
			if _, _, err := client.Find(context.Background(), c.out); care.CodeOf(err) != c.want {
				t.Errorf("Find: %v, want %s", err, c.want)
			}
			if len(g.requests) != 0 {
				t.Errorf("asked Meta: %q", g.requests)
			}
		})
	}
}

func graphError(status, code, subcode int, more string) http.HandlerFunc {
	return says(status, fmt.Sprintf(`{"error":{"message":"(#%d) words","type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"Az8or2yhqkZfEZ-_4Qn_Bam"%s}}`, code, code, subcode, more))
}

func TestErrors(t *testing.T) {
	busy := func(header, value string, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(header, value)
			answer(w, r)
		}
	}
	for _, c := range []struct {
		name        string
		answer      http.HandlerFunc
		write, read care.Code // "" for a read that finds nothing
		wait        time.Duration
	}{
		{"Deleted", graphError(400, 100, 33, ""), care.Refused, "", 0},
		{"AliasGone", graphError(404, 803, 0, ""), care.Refused, "", 0},
		{"NoSuchPerson", graphError(400, 100, 2018001, ""), care.Refused, "", 0},
		{"BadParameter", graphError(400, 100, 0, ""), care.Invalid, care.Invalid, 0},
		{"TokenExpired", graphError(400, 190, 463, ""), care.Denied, care.Denied, 0},
		{"TokenInvalid", graphError(401, 190, 0, ""), care.Denied, care.Denied, 0},
		{"SessionGone", graphError(400, 102, 0, ""), care.Denied, care.Denied, 0},
		{"NoPermission", graphError(403, 200, 0, ""), care.Denied, care.Denied, 0},
		{"NoPermission10", graphError(403, 10, 0, ""), care.Denied, care.Denied, 0},
		{"WindowClosed", graphError(400, 10, 2018278, ""), care.Refused, care.Refused, 0},
		{"InstagramWindowClosed", graphError(400, 10, 2534022, ""), care.Refused, care.Refused, 0},
		{"NotAvailable", graphError(400, 551, 1545041, ""), care.Refused, care.Refused, 0},
		{"CannotBeWrittenTo", graphError(400, 10903, 0, ""), care.Refused, care.Refused, 0},
		{"Blocked", graphError(403, 368, 0, ""), care.Denied, care.Denied, 0},
		{"AppThrottle", graphError(400, 4, 0, ""), care.Throttled, care.Throttled, 5 * time.Minute},
		{"UserThrottle", graphError(400, 17, 0, ""), care.Throttled, care.Throttled, 5 * time.Minute},
		{"PageThrottle", busy("X-Business-Use-Case-Usage", `{"7002001":[{"type":"pages","call_count":100,"estimated_time_to_regain_access":19},{"type":"messenger","estimated_time_to_regain_access":3}]}`, graphError(403, 32, 0, "")), care.Throttled, care.Throttled, 19 * time.Minute},
		{"PageThrottleOddHeader", busy("X-Business-Use-Case-Usage", `{"7002001":[{"estimated_time_to_regain_access":-1},5],"x":7`, graphError(400, 80001, 0, "")), care.Throttled, care.Throttled, 5 * time.Minute},
		{"CallsThrottle", busy("Retry-After", "90", graphError(400, 613, 0, "")), care.Throttled, care.Throttled, 90 * time.Second},
		{"Throttle500", graphError(500, 4, 0, ""), care.Throttled, care.Throttled, 5 * time.Minute},
		{"Status429", says(429, `slow down`), care.Throttled, care.Throttled, 5 * time.Minute},
		{"Unknown1", graphError(500, 1, 0, ""), care.Unknown, care.Unavailable, 0},
		{"Service2", graphError(503, 2, 0, `,"is_transient":true`), care.Unknown, care.Unavailable, 0},
		{"TransientOther", graphError(400, 5555, 0, `,"is_transient":true`), care.Unknown, care.Unavailable, 0},
		{"DuplicatePost", graphError(400, 506, 0, ""), care.Unknown, care.Invalid, 0},
		{"ErrorIn200", says(200, `{"error":{"message":"x"}}`), care.Unknown, care.Unavailable, 0},
		{"HTML502", says(502, `<html>`), care.Unknown, care.Unavailable, 0},
		{"Empty404", says(404, ``), care.Refused, "", 0},
		{"Empty400", says(400, ``), care.Invalid, care.Invalid, 0},
		{"CodeAsText", says(400, `{"error":{"code":"190"}}`), care.Denied, care.Denied, 0},
		{"ErrorAsText", says(400, `{"error":"nope"}`), care.Invalid, care.Invalid, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, client := serve(t, pageAccount, c.answer)
			sent, err := client.Send(context.Background(), answerTo(fbComment, false))
			if care.CodeOf(err) != c.write || sent != (care.Sent{}) {
				t.Errorf("Send: %+v, %v, want %s", sent, err, c.write)
			}
			if wait, _ := platform.RetryAfter(err); wait != c.wait {
				t.Errorf("wait %s, want %s", wait, c.wait)
			}
			if len(g.requests) != 1 {
				t.Errorf("asked %d times", len(g.requests))
			}
			_, found, err := client.Find(context.Background(), answerTo(fbComment, false))
			if care.CodeOf(err) != c.read || found {
				t.Errorf("Find: %v, %v, want %s", found, err, c.read)
			}
		})
	}
	t.Run("TookItSilently", func(t *testing.T) {
		for _, body := range []string{`{}`, `{"success":true}`, `<html>`, ``} {
			_, client := serve(t, pageAccount, says(200, body))
			if _, err := client.Send(context.Background(), answerTo(fbComment, false)); care.CodeOf(err) != care.Unknown {
				t.Errorf("%q: %v", body, err)
			}
		}
	})
	t.Run("Failure", func(t *testing.T) {
		_, client := serve(t, pageAccount, graphError(400, 100, 33, ""))
		_, err := client.Send(context.Background(), answerTo(fbComment, false))
		if !strings.Contains(err.Error(), "code 100/33") || !strings.Contains(err.Error(), "Az8or2yhqkZfEZ-_4Qn_Bam") || strings.Contains(err.Error(), "VeloBox") || strings.Contains(err.Error(), "tok") {
			t.Errorf("%v", err)
		}
	})
}

func TestSendUncertain(t *testing.T) {
	done := make(chan struct{})
	_, client := serve(t, pageAccount, func(w http.ResponseWriter, r *http.Request) { <-done })
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Send(ctx, answerTo(fbComment, false)); care.CodeOf(err) != care.Unknown {
		t.Errorf("time-out: %v", err)
	}
	gone := meta.New(platform.Account{Platform: care.Facebook, Account: "7002001", BaseURL: "http://127.0.0.1:1/v26.0"}, nil, nil)
	if _, err := gone.Send(context.Background(), answerTo(fbComment, false)); care.CodeOf(err) != care.Unavailable {
		t.Errorf("connection refused: %v", err)
	}
}

func TestBaseURLMayNameTheVersion(t *testing.T) {
	for _, c := range []struct{ suffix, want string }{
		{"", "POST /v25.0/"}, {"/", "POST /v25.0/"}, {"/v26.0", "POST /v26.0/"}, {"/meta", "POST /meta/v25.0/"}, {"/v25.0/", "POST /v25.0/"},
	} {
		g, _ := serve(t, pageAccount, says(200, `{"id":"1"}`))
		client := meta.New(platform.Account{Platform: care.Facebook, Account: "7002001", BaseURL: g.URL + c.suffix}, g.Client(), nil)
		if _, err := client.Send(context.Background(), answerTo(fbComment, false)); err != nil || !strings.HasPrefix(g.requests[0], c.want+"800_900") {
			t.Errorf("%q: %q, %v", c.suffix, g.requests, err)
		}
	}
}

func TestFindBelow(t *testing.T) {
	const at, text = "2026-11-21T12:29:40+0000", "Hola & sorry: restart the VeloBox"
	fb := func(id, from, at, text string) string {
		return fmt.Sprintf(`{"id":%q,"from":{"id":%q,"name":"x"},"message":%q,"created_time":%q}`, id, from, text, at)
	}
	ig := func(id, username, at, text string) string {
		return fmt.Sprintf(`{"id":%q,"username":%q,"text":%q,"timestamp":%q}`, id, username, text, at)
	}
	list := func(items ...string) string { return `{"data":[` + strings.Join(items, ",") + `]}` }
	for _, c := range []struct {
		name    string
		account platform.Account
		post    care.Post
		pages   map[string]string // path -> answer
		want    string
	}{
		{"Found", pageAccount, fbComment, map[string]string{"/v25.0/800_900/comments": list(fb("800_960", "44", at, text), fb("800_950", "7002001", at, text+" "))}, "800_950"},
		{"OurOtherAnswer", pageAccount, fbComment, map[string]string{"/v25.0/800_900/comments": list(fb("800_950", "7002001", at, "Please write to us"))}, ""},
		{"SaidLongAgo", pageAccount, fbComment, map[string]string{"/v25.0/800_900/comments": list(fb("800_950", "7002001", "2026-11-21T12:20:00+0000", text))}, ""},
		{"SaidByTheCustomer", pageAccount, fbComment, map[string]string{"/v25.0/800_900/comments": list(fb("800_950", "31", at, text))}, ""},
		{"AuthorNotShown", pageAccount, fbComment, map[string]string{"/v25.0/800_900/comments": list(fmt.Sprintf(`{"id":"800_950","message":%q,"created_time":%q}`, text, at))}, "800_950"},
		{"HungBelowTheTopComment", pageAccount, fbReply, map[string]string{"/v25.0/800_901/comments": list(), "/v25.0/800_900/comments": list(fb("800_950", "7002001", at, text))}, "800_950"},
		{"Nothing", pageAccount, fbVisitor, map[string]string{"/v25.0/7002001_802/comments": list()}, ""},
		{"Instagram", instagramAs, igComment, map[string]string{"/v25.0/900/replies": list(ig("950", "veloria.care", at, text))}, "950"},
		{"InstagramByAnother", instagramAs, igComment, map[string]string{"/v25.0/900/replies": list(ig("950", "ana_m", at, text))}, ""},
		{"InstagramTopComment", instagramAs, igReply, map[string]string{"/v25.0/901/replies": list(), "/v25.0/900/replies": list(ig("950", "veloria.care", at, text))}, "950"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			_, client := serve(t, c.account, func(w http.ResponseWriter, r *http.Request) {
				asked++
				page, ok := c.pages[r.URL.Path]
				if !ok || r.Method != http.MethodGet {
					t.Errorf("asked for %s %s", r.Method, r.URL)
				}
				says(200, page)(w, r)
			})
			sent, found, err := client.Find(context.Background(), answerTo(c.post, false))
			if err != nil || sent.NativeID != c.want || found != (c.want != "") {
				t.Errorf("%+v, %v, %v", sent, found, err)
			}
			if asked != len(c.pages) {
				t.Errorf("asked %d times, want %d", asked, len(c.pages))
			}
		})
	}
}

func TestFindTurnsPages(t *testing.T) {
	g, client := serve(t, instagramAs, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "c1" {
			says(200, `{"data":[{"id":"950","username":"veloria.care","text":"Hola & sorry: restart the VeloBox","timestamp":"2026-11-21T12:29:40+0000"}]}`)(w, r)
			return
		}
		says(200, `{"data":[{"id":"951","username":"ana_m","text":"x","timestamp":"2026-11-21T12:29:50+0000"}],"paging":{"cursors":{"after":"c1"},"next":"https://graph.example/next"}}`)(w, r)
	})
	sent, found, err := client.Find(context.Background(), answerTo(igComment, false))
	if err != nil || !found || sent.NativeID != "950" || len(g.requests) != 2 {
		t.Errorf("%+v, %v, %v, %q", sent, found, err, g.requests)
	}
}

func TestFindStopsBehindSince(t *testing.T) {
	g, client := serve(t, pageAccount, says(200, `{"data":[{"id":"1","from":{"id":"31"},"message":"x","created_time":"2026-11-20T00:00:00+0000"}],"paging":{"cursors":{"after":"c"},"next":"https://graph.example/next"}}`))
	if _, found, err := client.Find(context.Background(), answerTo(fbComment, false)); found || err != nil || len(g.requests) != 1 {
		t.Errorf("%v, %v, %q", found, err, g.requests)
	}
}

func TestFindGivesUpHonestly(t *testing.T) {
	g, client := serve(t, pageAccount, says(200, `{"data":[{"id":"1","from":{"id":"31"},"message":"x","created_time":"2026-11-21T12:29:50+0000"}],"paging":{"cursors":{"after":"c"},"next":"https://graph.example/next"}}`))
	if _, found, err := client.Find(context.Background(), answerTo(fbComment, false)); found || care.CodeOf(err) != care.Unknown || len(g.requests) > 10 {
		t.Errorf("%v, %v, asked %d times", found, err, len(g.requests))
	}
	_, client = serve(t, instagramAs, says(200, `{}`))
	if _, _, err := client.Find(context.Background(), answerTo(igMention, false)); care.CodeOf(err) != care.Unknown {
		t.Errorf("a mention's answer: %v", err)
	}
	for _, body := range []string{`{}`, `[]`, `{"data":5}`, `<html>`} {
		_, client = serve(t, pageAccount, says(200, body))
		if _, _, err := client.Find(context.Background(), answerTo(fbComment, false)); care.CodeOf(err) != care.Unavailable {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFindMessage(t *testing.T) {
	message := func(id, from, at, text string) string {
		return fmt.Sprintf(`{"id":%q,"from":{"id":%q},"message":%q,"created_time":%q}`, id, from, text, at)
	}
	const text, at = "Hola & sorry: restart the VeloBox", "2026-11-21T12:29:40+0000"
	conversation := func(more string, messages ...string) string {
		return `{"messages":{"data":[` + strings.Join(messages, ",") + `]` + more + `},"id":"t_1"}`
	}
	const next = `,"paging":{"next":"https://graph.example/next"}`
	for _, c := range []struct {
		name    string
		account platform.Account
		out     care.Outgoing
		request string
		answer  string
		want    string
		code    care.Code
	}{
		{"Messenger", messengerAs, answerTo(dm, false), "GET /v25.0/7002001/conversations?fields=messages.limit(50){id,message,from,created_time}&platform=messenger&user_id=31",
			`{"data":[` + conversation("", message("m_8", "31", at, text), message("m_9", "7002001", at, text)) + `]}`, "m_9", ""},
		{"Instagram", instagramAs, answerTo(igDM, false), "GET /v25.0/7003001/conversations?fields=messages.limit(50){id,message,from,created_time}&platform=instagram&user_id=31",
			`{"data":[` + conversation("", message("m_9", "7003001", at, text)) + `]}`, "m_9", ""},
		{"InstagramPrivateReply", instagramAs, answerTo(igComment, true), "GET /v25.0/7003001/conversations?fields=messages.limit(50){id,message,from,created_time}&platform=instagram&user_id=31",
			`{"data":[` + conversation("", message("m_9", "7003001", at, text)) + `]}`, "m_9", ""},
		{"FacebookPrivateReply", pageAccount, answerTo(fbComment, true), "GET /v25.0/800_900?fields=id,private_reply_conversation{messages.limit(50){id,message,from,created_time}}",
			`{"id":"800_900","private_reply_conversation":` + conversation("", message("m_9", "7002001", at, text)) + `}`, "m_9", ""},
		{"NoPrivateReplyYet", pageAccount, answerTo(fbComment, true), "GET /v25.0/800_900?fields=id,private_reply_conversation{messages.limit(50){id,message,from,created_time}}",
			`{"id":"800_900"}`, "", ""},
		{"NoConversation", messengerAs, answerTo(dm, false), "", `{"data":[]}`, "", ""},
		{"OlderTooOld", messengerAs, answerTo(dm, false), "", `{"data":[` + conversation(next, message("m_9", "7002001", "2026-11-21T12:00:00+0000", text)) + `]}`, "", ""},
		{"MoreBehind", messengerAs, answerTo(dm, false), "", `{"data":[` + conversation(next, message("m_9", "31", at, "hello?")) + `]}`, "", care.Unknown},
		{"ErrGarbled", messengerAs, answerTo(dm, false), "", `{"data":{}}`, "", care.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, client := serve(t, c.account, says(200, c.answer))
			sent, found, err := client.Find(context.Background(), c.out)
			if care.CodeOf(err) != c.code || sent.NativeID != c.want || found != (c.want != "") {
				t.Errorf("%+v, %v, %v", sent, found, err)
			}
			if c.request != "" && (len(g.requests) != 1 || g.requests[0] != c.request) {
				t.Errorf("asked %q\nwant  %q", g.requests, c.request)
			}
		})
	}
}

// "Activity already replied to" is the end of it: ours if it is there, somebody
// else's if not.
func TestPrivateReplyTwice(t *testing.T) {
	for _, c := range []struct {
		name    string
		account platform.Account
		post    care.Post
		err     http.HandlerFunc
		ours    bool
	}{
		{"FacebookOurs", pageAccount, fbComment, graphError(400, 10900, 0, ""), true},
		{"FacebookAnothers", pageAccount, fbComment, graphError(400, 10900, 0, ""), false},
		{"InstagramOurs", instagramAs, igComment, graphError(400, 100, 2534014, ""), true},
		{"InstagramAnothers", instagramAs, igComment, graphError(400, 100, 2534014, ""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			posts := 0
			_, client := serve(t, c.account, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts++
					c.err(w, r)
					return
				}
				text := "something else"
				if c.ours {
					text = "Hola & sorry: restart the VeloBox"
				}
				conversation := fmt.Sprintf(`{"messages":{"data":[{"id":"m_9","from":{"id":%q},"message":%q,"created_time":"2026-11-21T12:29:40+0000"}]}}`, c.account.Account, text)
				if c.account.Platform == care.Facebook {
					says(200, `{"private_reply_conversation":`+conversation+`}`)(w, r)
				} else {
					says(200, `{"data":[`+conversation+`]}`)(w, r)
				}
			})
			sent, err := client.Send(context.Background(), answerTo(c.post, true))
			if posts != 1 {
				t.Errorf("posted %d times", posts)
			}
			if c.ours && (err != nil || sent.NativeID != "m_9") || !c.ours && care.CodeOf(err) != care.Refused {
				t.Errorf("%+v, %v", sent, err)
			}
		})
	}
}

// A send whose answer is lost is found again, and is not said twice.
func TestSendThenFind(t *testing.T) {
	var said []string
	g, client := serve(t, pageAccount, nil)
	g.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			says(200, `{"data":[`+strings.Join(said, ",")+`]}`)(w, r)
			return
		}
		var in struct{ Message string }
		json.NewDecoder(r.Body).Decode(&in)
		said = append(said, fmt.Sprintf(`{"id":"800_950","from":{"id":"7002001"},"message":%q,"created_time":"2026-11-21T12:30:00+0000"}`, in.Message))
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	if _, err := client.Send(context.Background(), answerTo(fbComment, false)); care.CodeOf(err) != care.Unknown {
		t.Fatalf("got %v", err)
	}
	sent, found, err := client.Find(context.Background(), answerTo(fbComment, false))
	if err != nil || !found || sent.NativeID != "800_950" || len(said) != 1 {
		t.Errorf("%+v, %v, %v, said %d times", sent, found, err, len(said))
	}
}

func TestHydrate(t *testing.T) {
	pointed := igMention
	pointed.Text, pointed.Author = "", care.Author{}
	pointed.Ref = map[string]string{"field": "mentions", "media": "810", "comment": "910", "hydrate": "true"}
	pointed.CreatedAt = now
	g, client := serve(t, instagramAs, says(200, `{"mentioned_comment":{"id":"910","text":"@veloria.care help\u0000","timestamp":"2026-11-21T12:00:00+0000","username":"ana_m","media":{"id":"810","permalink":"https://www.instagram.com/p/x/"}},"id":"7003001"}`))
	p, err := client.Hydrate(context.Background(), pointed)
	if err != nil || p.Text != "@veloria.care help" || p.Author.Handle != "ana_m" || p.Author.Own || p.URL != "https://www.instagram.com/p/x/" || !p.CreatedAt.Equal(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, still := p.Ref["hydrate"]; still || p.Ref["comment"] != "910" || pointed.Ref["hydrate"] != "true" {
		t.Errorf("%v, %v", p.Ref, pointed.Ref)
	}
	if !strings.HasPrefix(g.requests[0], "GET /v25.0/7003001?fields=mentioned_comment.comment_id(910){id,text,") {
		t.Errorf("%q", g.requests)
	}
	if again, err := client.Hydrate(context.Background(), p); err != nil || again.Text != p.Text || len(g.requests) != 1 {
		t.Errorf("read again: %q, %v", g.requests, err)
	}

	caption := igCaption
	caption.Ref = map[string]string{"field": "mentions", "media": "810", "hydrate": "true"}
	g, client = serve(t, instagramAs, says(200, `{"mentioned_media":{"id":"810","caption":"thanks @veloria.care","username":"veloria.care","media_type":"VIDEO","media_url":"https://cdn.example/v.mp4","permalink":"https://www.instagram.com/p/y/","timestamp":"2026-11-21T12:00:00+0000"}}`))
	p, err = client.Hydrate(context.Background(), caption)
	if err != nil || p.Text != "thanks @veloria.care" || !p.Author.Own || len(p.Attachments) != 1 || p.Attachments[0].Type != "video" || !strings.Contains(g.requests[0], "mentioned_media.media_id(810){") {
		t.Errorf("%+v, %v, %q", p, err, g.requests)
	}

	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   care.Code
	}{
		{"Gone", graphError(400, 100, 33, ""), care.NotFound},
		{"NotShown", says(200, `{"id":"7003001"}`), care.NotFound},
		{"Garbled", says(200, `{"mentioned_comment":{"text":5}}`), care.Unavailable},
		{"Server", says(500, ``), care.Unavailable},
		{"Token", graphError(401, 190, 0, ""), care.Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := serve(t, instagramAs, c.answer)
			if p, err := client.Hydrate(context.Background(), pointed); care.CodeOf(err) != c.want || p.Text != "" || p.Ref["hydrate"] != "true" {
				t.Errorf("%+v, %v, want %s", p, err, c.want)
			}
		})
	}
	hostile := pointed
	hostile.Ref = map[string]string{"hydrate": "true", "comment": "1){id},me(2"}
	if _, err := client.Hydrate(context.Background(), hostile); care.CodeOf(err) != care.Invalid {
		t.Errorf("an id that is a field list: %v", err)
	}
}
