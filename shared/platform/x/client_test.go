package x_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/x"
)

var now = time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC)

// server answers like X and keeps what it was asked.
type server struct {
	*httptest.Server
	requests []string // "METHOD path?query body"
	header   http.Header
}

func serve(t *testing.T, answer http.HandlerFunc) (*server, *x.Client) {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		s.header = r.Header
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	client := x.New(platform.Account{Platform: care.X, Account: "7001001", Handle: "VeloriaCare", Token: "tok", BaseURL: s.URL + "/"}, s.Client(), func() time.Time { return now })
	return s, client
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

var mention = care.Post{Platform: care.X, NativeID: "900", Account: "7001001", Kind: care.KindMention, Author: care.Author{ID: "31", Handle: "ana_m"}, Thread: "900"}

func answerTo(p care.Post) care.Outgoing {
	return care.Outgoing{Key: "reply:x:" + p.NativeID, Account: "7001001", Post: p, To: p.Author, Text: "Sorry about that! Restart the VeloBox & see https://veloria.example/help", Since: now.Add(-time.Minute)}
}

func TestSendReply(t *testing.T) {
	s, client := serve(t, says(201, `{"data":{"id":"1445880548472328192","text":"..."}}`))
	sent, err := client.Send(context.Background(), answerTo(mention))
	if err != nil {
		t.Fatal(err)
	}
	want := care.Sent{NativeID: "1445880548472328192", URL: "https://x.com/VeloriaCare/status/1445880548472328192", At: now}
	if sent != want {
		t.Errorf("%+v", sent)
	}
	request := `POST /2/tweets {"reply":{"in_reply_to_tweet_id":"900"},"text":"Sorry about that! Restart the VeloBox & see https://veloria.example/help"}`
	if len(s.requests) != 1 || s.requests[0] != request || s.header.Get("Authorization") != "Bearer tok" {
		t.Errorf("%q %v", s.requests, s.header)
	}
}

func TestSendAnswersTheNewestVersion(t *testing.T) {
	s, client := serve(t, says(201, `{"data":{"id":"1"}}`))
	edited := mention
	edited.Ref = map[string]string{x.RefVersions: "900,902", x.RefCurrent: "902"}
	if _, err := client.Send(context.Background(), answerTo(edited)); err != nil || !strings.Contains(s.requests[0], `"in_reply_to_tweet_id":"902"`) {
		t.Errorf("%q, %v", s.requests, err)
	}
}

func TestSendDirect(t *testing.T) {
	dm := care.Post{Platform: care.X, NativeID: "5", Kind: care.KindDirect, Private: true, Author: care.Author{ID: "31"}, Thread: "31"}
	private := answerTo(mention)
	private.Private = true
	for _, c := range []struct {
		name string
		out  care.Outgoing
	}{
		{"AnswerToDirect", answerTo(dm)},
		{"PrivatelyToAMention", private},
		{"Invitation", care.Outgoing{Account: "7001001", To: care.Author{ID: "31"}, Text: "hello"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := serve(t, says(201, `{"data":{"dm_conversation_id":"31-7001001","dm_event_id":"77"}}`))
			sent, err := client.Send(context.Background(), c.out)
			if err != nil || sent.NativeID != "77" || sent.URL != "" {
				t.Fatalf("%+v, %v", sent, err)
			}
			if len(s.requests) != 1 || !strings.HasPrefix(s.requests[0], `POST /2/dm_conversations/with/31/messages {"text":"`) {
				t.Errorf("%q", s.requests)
			}
		})
	}
}

func TestSendChecksFirst(t *testing.T) {
	encrypted := care.Post{Platform: care.X, NativeID: "5", Private: true, Author: care.Author{ID: "31"}, Ref: map[string]string{x.RefEncrypted: "true"}}
	group := care.Post{Platform: care.X, NativeID: "5", Private: true, Author: care.Author{ID: "31"}, Ref: map[string]string{x.RefGroup: "g1"}}
	other := mention
	other.Platform = care.Mastodon
	for _, c := range []struct {
		name string
		out  care.Outgoing
		want care.Code
	}{
		{"ErrOtherAccount", care.Outgoing{Account: "9", Post: mention, Text: "x"}, care.Invalid},
		{"ErrNothing", care.Outgoing{Account: "7001001", Post: mention, Text: " \n"}, care.Invalid},
		{"ErrOtherPlatform", care.Outgoing{Account: "7001001", Post: other, Text: "x"}, care.Invalid},
		{"ErrNobody", care.Outgoing{Account: "7001001", Text: "x"}, care.Invalid},
		{"ErrDotDot", care.Outgoing{Account: "7001001", To: care.Author{ID: ".."}, Text: "x"}, care.Invalid},
		{"ErrEncrypted", care.Outgoing{Account: "7001001", Post: encrypted, Text: "x"}, care.Refused},
		{"ErrGroup", care.Outgoing{Account: "7001001", Post: group, Text: "x"}, care.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := serve(t, says(201, `{"data":{"id":"1"}}`))
			if _, err := client.Send(context.Background(), c.out); care.CodeOf(err) != c.want {
				t.Errorf("Send: %v, want %s", err, c.want)
			}
			if _, _, err := client.Find(context.Background(), c.out); care.CodeOf(err) != c.want {
				t.Errorf("Find: %v, want %s", err, c.want)
			}
			if len(s.requests) != 0 {
				t.Errorf("asked X: %q", s.requests)
			}
		})
	}
}

func TestSendErrors(t *testing.T) {
	problem := func(status int, kind, detail string) http.HandlerFunc {
		return says(status, fmt.Sprintf(`{"title":"T","detail":%q,"type":"https://api.twitter.com/2/problems/%s","status":%d}`, detail, kind, status))
	}
	headers := func(status int, pairs ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				w.Header().Set(pairs[i], pairs[i+1])
			}
			says(status, `{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}`)(w, r)
		}
	}
	unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   care.Code
		wait   time.Duration
	}{
		{"NotSummoned", problem(403, "", "You are not permitted to reply to this conversation: the author has not mentioned or quoted you."), care.Refused, 0},
		{"ReplySettings", says(403, `{"detail":"Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.","type":"about:blank","title":"Forbidden","status":403}`), care.Refused, 0},
		{"CannotMessage", problem(403, "", "You cannot send messages to this user."), care.Refused, 0},
		{"NoDMPermission", says(403, `{"detail":"You do not have permission to DM one or more participants.","title":"Forbidden","type":"about:blank","status":403}`), care.Refused, 0},
		{"Duplicate", problem(403, "", "You are not allowed to create a Tweet with duplicate content."), care.Unknown, 0},
		{"AppNotAllowed", problem(403, "client-forbidden", "This endpoint needs another access level."), care.Denied, 0},
		{"WrongKindOfToken", problem(403, "unsupported-authentication", "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint."), care.Denied, 0},
		{"OAuth1Permissions", problem(403, "oauth1-permissions", "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."), care.Denied, 0},
		{"Suspended", problem(403, "", "Your account is suspended and is not permitted to access this feature."), care.Denied, 0},
		{"Deleted", problem(404, "resource-not-found", "Could not find tweet with id: [900]."), care.Refused, 0},
		{"DeletedAs400", says(400, `{"errors":[{"message":"You attempted to reply to a Tweet that is deleted or not visible to you."}],"title":"Invalid Request","detail":"You attempted to reply to a Tweet that is deleted or not visible to you.","type":"https://api.twitter.com/2/problems/invalid-request"}`), care.Refused, 0},
		{"DeletedAs200", says(200, `{"errors":[{"title":"Not Found Error","detail":"Could not find tweet","type":"https://api.twitter.com/2/problems/resource-not-found","status":404}]}`), care.Refused, 0},
		{"Unauthorized", says(401, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`), care.Denied, 0},
		{"Balance", says(402, `{"title":"CreditsDepleted","detail":"Your enrolled account does not have any credits to fulfill this request.","type":"https://api.twitter.com/2/problems/credits"}`), care.Denied, 0},
		{"Malformed", problem(400, "invalid-request", "One or more parameters to your request was invalid."), care.Invalid, 0},
		{"TooLong", problem(400, "invalid-request", "The text is too long."), care.Invalid, 0},
		{"Throttled", headers(429, "x-rate-limit-limit", "100", "x-rate-limit-remaining", "0", "x-rate-limit-reset", unix(7*time.Minute)), care.Throttled, 7 * time.Minute},
		{"ThrottledForTheDay", headers(429, "x-rate-limit-remaining", "40", "x-rate-limit-reset", unix(7*time.Minute), "x-app-limit-24hour-remaining", "0", "x-app-limit-24hour-reset", unix(5*time.Hour)), care.Throttled, 5 * time.Hour},
		{"ThrottledRetryAfter", headers(429, "Retry-After", "30"), care.Throttled, 30 * time.Second},
		{"ThrottledSilently", headers(429), care.Throttled, time.Minute},
		{"ThrottledInThePast", headers(429, "x-rate-limit-reset", unix(-time.Hour)), care.Throttled, time.Minute},
		{"ThrottledNonsense", headers(429, "x-rate-limit-reset", "soon"), care.Throttled, time.Minute},
		{"ServerError", says(500, `{"title":"Internal"}`), care.Unknown, 0},
		{"Unavailable", says(503, `over capacity`), care.Unknown, 0},
		{"GatewayTimeOut", says(504, ``), care.Unknown, 0},
		{"CreatedButMute", says(201, `{"data":{}}`), care.Unknown, 0},
		{"CreatedButGarbled", says(201, `{"data":`), care.Unknown, 0},
		{"CreatedButHTML", says(200, `<html>`), care.Unknown, 0},
		{"HTMLForbidden", says(403, `<html>`), care.Refused, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := serve(t, c.answer)
			sent, err := client.Send(context.Background(), answerTo(mention))
			if care.CodeOf(err) != c.want || sent != (care.Sent{}) {
				t.Fatalf("%+v, %v, want %s", sent, err, c.want)
			}
			if wait, _ := platform.RetryAfter(err); wait != c.wait {
				t.Errorf("wait %s, want %s", wait, c.wait)
			}
			if len(s.requests) != 1 {
				t.Errorf("asked %d times", len(s.requests))
			}
			if strings.Contains(err.Error(), "tok") && !strings.Contains(err.Error(), "token") {
				t.Errorf("shows the token: %v", err)
			}
		})
	}
}

func TestSendUncertain(t *testing.T) {
	done := make(chan struct{})
	_, client := serve(t, func(w http.ResponseWriter, r *http.Request) { <-done })
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Send(ctx, answerTo(mention)); care.CodeOf(err) != care.Unknown {
		t.Errorf("time-out: %v", err)
	}
	gone := x.New(platform.Account{Account: "7001001", BaseURL: "http://127.0.0.1:1"}, nil, nil)
	if _, err := gone.Send(context.Background(), answerTo(mention)); care.CodeOf(err) != care.Unavailable {
		t.Errorf("connection refused: %v", err)
	}
}

// timeline writes our own posts as X lists them.
func timeline(next string, posts ...string) string {
	return fmt.Sprintf(`{"data":[%s],"meta":{"result_count":%d%s}}`, strings.Join(posts, ","), len(posts), next)
}

func ours(id, replied, created, text, entities string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"id":%q,"created_at":%q,"text":%s,"referenced_tweets":[{"type":"replied_to","id":%q}]%s}`, id, created, quoted, replied, entities)
}

func TestFindReply(t *testing.T) {
	const shown = "@ana_m Sorry about that! Restart the VeloBox &amp; see https://t.co/abc"
	const links = `,"entities":{"urls":[{"url":"https://t.co/abc","expanded_url":"https://veloria.example/help/"}]}`
	edited := mention
	edited.Ref = map[string]string{x.RefVersions: "900,902,903", x.RefCurrent: "903"}
	for _, c := range []struct {
		name string
		post care.Post
		page string
		want string // id found
	}{
		{"Found", mention, timeline("", ours("76", "901", "2026-11-21T12:29:50.000Z", shown, links), ours("77", "900", "2026-11-21T12:29:40.000Z", shown, links)), "77"},
		{"FoundAtTheSameSecond", mention, timeline("", ours("77", "900", "2026-11-21T12:29:00.000Z", shown, links)), "77"},
		{"AnswersAnEarlierVersion", edited, timeline("", ours("77", "902", "2026-11-21T12:29:40.000Z", shown, links)), "77"},
		{"LongPost", mention, timeline("", ours("77", "900", "2026-11-21T12:29:40.000Z", "@ana_m Sorry about…", `,"note_tweet":{"text":"Sorry about that! Restart the VeloBox &amp; see https://t.co/abc","entities":{"urls":[{"url":"https://t.co/abc","expanded_url":"https://veloria.example/help"}]}}`)), "77"},
		{"OtherText", mention, timeline("", ours("77", "900", "2026-11-21T12:29:40.000Z", "@ana_m Please send us a direct message", "")), ""},
		{"OtherPost", mention, timeline("", ours("77", "901", "2026-11-21T12:29:40.000Z", shown, links)), ""},
		{"TooOld", mention, timeline("", ours("77", "900", "2026-11-21T12:20:00.000Z", shown, links)), ""},
		{"NoReplyAtAll", mention, `{"data":[{"id":"77","created_at":"2026-11-21T12:29:40.000Z","text":"x"}],"meta":{}}`, ""},
		{"Nothing", mention, `{"meta":{"result_count":0}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := serve(t, says(200, c.page))
			sent, found, err := client.Find(context.Background(), answerTo(c.post))
			if err != nil || found != (c.want != "") || sent.NativeID != c.want {
				t.Fatalf("%+v, %v, %v", sent, found, err)
			}
			if found && (sent.URL != "https://x.com/VeloriaCare/status/77" || sent.At.IsZero()) {
				t.Errorf("%+v", sent)
			}
			if !strings.HasPrefix(s.requests[0], "GET /2/users/7001001/tweets?") || !strings.Contains(s.requests[0], "start_time=2026-11-21T12%3A28%3A58Z") || len(s.requests) != 1 {
				t.Errorf("%q", s.requests)
			}
		})
	}
}

func TestFindTurnsPages(t *testing.T) {
	text := "@ana_m " + answerTo(mention).Text
	s, client := serve(t, nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests = append(s.requests, r.URL.RequestURI())
		if r.URL.Query().Get("pagination_token") == "p2" {
			says(200, timeline("", ours("77", "900", "2026-11-21T12:29:30.000Z", text, "")))(w, r)
			return
		}
		says(200, timeline(`,"next_token":"p2"`, ours("78", "950", "2026-11-21T12:29:40.000Z", "other", "")))(w, r)
	})
	sent, found, err := client.Find(context.Background(), answerTo(mention))
	if err != nil || !found || sent.NativeID != "77" || len(s.requests) != 2 {
		t.Errorf("%+v, %v, %v, %q", sent, found, err, s.requests)
	}
}

func TestFindGivesUpHonestly(t *testing.T) {
	s, client := serve(t, says(200, timeline(`,"next_token":"again"`, ours("78", "950", "2026-11-21T12:29:40.000Z", "other", ""))))
	if _, found, err := client.Find(context.Background(), answerTo(mention)); found || care.CodeOf(err) != care.Unknown {
		t.Errorf("%v, %v", found, err)
	}
	if len(s.requests) > 10 {
		t.Errorf("asked %d times", len(s.requests))
	}
}

func TestFindDirect(t *testing.T) {
	dm := answerTo(care.Post{Platform: care.X, NativeID: "5", Private: true, Author: care.Author{ID: "31"}, Thread: "31"})
	event := func(id, sender, at, text string) string {
		return fmt.Sprintf(`{"id":%q,"event_type":"MessageCreate","sender_id":%q,"created_at":%q,"text":%q}`, id, sender, at, text)
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		code   care.Code
	}{
		{"Found", says(200, timeline("", event("78", "31", "2026-11-21T12:29:50.000Z", dm.Text), event("77", "7001001", "2026-11-21T12:29:40.000Z", dm.Text))), "77", ""},
		{"TheCustomerSaidIt", says(200, timeline("", event("78", "31", "2026-11-21T12:29:50.000Z", dm.Text))), "", ""},
		{"SaidLongAgo", says(200, timeline(`,"next_token":"p2"`, event("70", "7001001", "2026-11-20T12:29:50.000Z", dm.Text))), "", ""},
		{"NoConversationYet", says(404, `{"title":"Not Found"}`), "", ""},
		{"ErrServer", says(500, ``), "", care.Unavailable},
		{"ErrThrottled", says(429, ``), "", care.Throttled},
		{"ErrToken", says(401, ``), "", care.Denied},
		{"ErrForbidden", says(403, ``), "", care.Denied},
		{"ErrGarbled", says(200, `[`), "", care.Unavailable},
		{"ErrOddList", says(200, `{"data":{}}`), "", care.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, client := serve(t, c.answer)
			sent, found, err := client.Find(context.Background(), dm)
			if care.CodeOf(err) != c.code || sent.NativeID != c.want || found != (c.want != "") {
				t.Fatalf("%+v, %v, %v", sent, found, err)
			}
			if !strings.HasPrefix(s.requests[0], "GET /2/dm_conversations/with/31/dm_events?") {
				t.Errorf("%q", s.requests)
			}
		})
	}
}

func TestAuthor(t *testing.T) {
	s, client := serve(t, says(200, `{"data":{"id":"31","username":"ana_m","name":"Ana M\u0000","created_at":"2015-01-30T00:00:00.000Z","verified":false,"verified_type":"blue","affiliation":{"description":"Automated"},"public_metrics":{"followers_count":81000}}}`))
	a, err := client.Author(context.Background(), "31")
	if err != nil || a.ID != "31" || a.Handle != "ana_m" || a.Name != "Ana M" || a.Followers == nil || *a.Followers != 81000 || !a.Verified || !a.Bot || a.Own {
		t.Errorf("%+v, %v", a, err)
	}
	if !strings.HasPrefix(s.requests[0], "GET /2/users/31?user.fields=") || !strings.Contains(s.requests[0], "public_metrics") {
		t.Errorf("%q", s.requests)
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   care.Code
	}{
		{"GoneAs200", says(200, `{"errors":[{"title":"Not Found Error","type":"https://api.twitter.com/2/problems/resource-not-found","detail":"Could not find user with id: [31]."}]}`), care.NotFound},
		{"Suspended", says(200, `{"errors":[{"title":"Forbidden","type":"https://api.twitter.com/2/problems/resource-not-found","detail":"User has been suspended: [31]."}]}`), care.NotFound},
		{"Empty", says(200, `{}`), care.NotFound},
		{"Gone", says(404, ``), care.NotFound},
		{"Server", says(500, ``), care.Unavailable},
		{"Throttled", says(429, ``), care.Throttled},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := serve(t, c.answer)
			if _, err := client.Author(context.Background(), "31"); care.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestHydrate(t *testing.T) {
	s, client := serve(t, says(200, `{"data":{"id":"31","username":"ana_m","public_metrics":{"followers_count":10}}}`))
	bare := mention
	bare.Author = care.Author{ID: "31"}
	p, err := client.Hydrate(context.Background(), bare)
	if err != nil || p.Author.Handle != "ana_m" || p.URL != "https://x.com/ana_m/status/900" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := client.Hydrate(context.Background(), mention); err != nil || len(s.requests) != 1 {
		t.Errorf("read a known author again: %q, %v", s.requests, err)
	}
	_, broken := serve(t, says(503, ``))
	if p, err := broken.Hydrate(context.Background(), bare); care.CodeOf(err) != care.Unavailable || p.NativeID != "900" || p.Author.ID != "31" {
		t.Errorf("%+v, %v", p, err)
	}
}

// A send whose answer is lost is found again, and is not said twice.
func TestSendThenFind(t *testing.T) {
	var said []string
	s, client := serve(t, nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			says(200, timeline("", said...))(w, r)
			return
		}
		var in struct {
			Text  string
			Reply struct {
				To string `json:"in_reply_to_tweet_id"`
			}
		}
		json.NewDecoder(r.Body).Decode(&in)
		said = append(said, ours("77", in.Reply.To, now.Format(time.RFC3339), "@ana_m "+strings.ReplaceAll(in.Text, "&", "&amp;"), ""))
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	if _, err := client.Send(context.Background(), answerTo(mention)); care.CodeOf(err) != care.Unknown {
		t.Fatalf("got %v", err)
	}
	sent, found, err := client.Find(context.Background(), answerTo(mention))
	if err != nil || !found || sent.NativeID != "77" || len(said) != 1 {
		t.Errorf("%+v, %v, %v, said %d times", sent, found, err, len(said))
	}
}
