package x_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/x"
)

var received = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var own = []platform.Account{{Platform: care.X, Account: "7001001", Handle: "VeloriaCare"}}

// sample owns the account that X's own samples use.
var sample = []platform.Account{{Platform: care.X, Account: "1111111111111111111", Handle: "ExampleUser"}}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func count(n int) *int { return &n }

func item(change care.Change, p care.Post) []care.Inbound {
	p.Platform, p.ReceivedAt = care.X, received
	return []care.Inbound{{Change: change, Post: p}}
}

var otherUser = care.Author{ID: "2222222222222222222", Handle: "OtherUser", Name: "OtherUser", Followers: count(97), Bot: true, Since: at("2026-04-20T19:55:59Z")}

func exampleUser() care.Author {
	return care.Author{ID: "1111111111111111111", Handle: "ExampleUser", Name: "Example User", Verified: true, Since: at("2023-10-23T13:44:53Z"), Own: true}
}

func withFollowers(a care.Author, n int) care.Author { a.Followers = count(n); return a }

// X's own sample bodies, every field of every post.
func TestNormaliseSamples(t *testing.T) {
	for _, c := range []struct {
		file string
		want care.Batch
	}{
		{"xaa_post_mention_create.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "2080765813578191303", Account: "1111111111111111111", Kind: care.KindMention, Author: otherUser,
			Text: "hey @ExampleUser", Thread: "2080765813578191303", Addressed: true,
			URL: "https://x.com/OtherUser/status/2080765813578191303", CreatedAt: at("2026-07-24T21:23:23Z"),
			Ref: map[string]string{"event": "post.mention.create"},
		})}},
		{"xaa_post_create.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "2080761390344937796", Account: "1111111111111111111", Kind: care.KindPost, Author: withFollowers(exampleUser(), 5502),
			Text: "Hello from the Activity API", Lang: "en", Thread: "2080761390344937796",
			URL: "https://x.com/ExampleUser/status/2080761390344937796", CreatedAt: at("2026-07-24T21:05:48Z"),
			Ref: map[string]string{"event": "post.create"},
		})}},
		{"xaa_post_repost_create.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "2090000000000000003", Account: "1111111111111111111", Kind: care.KindRepost, Author: care.Author{ID: "2222222222222222222"},
			Text: "RT @ExampleUser: Hello from the Activity API", Lang: "en", Thread: "2090000000000000003", ReplyTo: "2080761390344937796", InOurThread: true,
			URL: "https://x.com/i/status/2090000000000000003", CreatedAt: at("2026-08-12T18:10:00Z"),
			Ref: map[string]string{"event": "post.repost.create"},
		})}},
		{"xaa_post_delete.json", care.Batch{Items: item(care.Deleted, care.Post{
			NativeID: "2080761269309813134", Account: "1111111111111111111", Kind: care.KindPost, Author: withFollowers(exampleUser(), 5502),
			Thread: "2080761269309813134", CreatedAt: received, Ref: map[string]string{"event": "post.delete"},
		})}},
		{"xaa_dm_received.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "2080765901528535096", Account: "1111111111111111111", Kind: care.KindDirect, Private: true, Author: otherUser,
			Text: "hello!", Thread: "2222222222222222222", Addressed: true, CreatedAt: at("2026-07-24T21:23:44.372Z"),
			Ref: map[string]string{"event": "dm.received"},
		})}},
		{"xaa_dm_sent.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "2080763914820927863", Account: "1111111111111111111", Kind: care.KindDirect, Private: true, Author: withFollowers(exampleUser(), 5502),
			Text: "Thanks for the update!", Thread: "2244994945", CreatedAt: at("2026-07-24T21:15:50.704Z"),
			Ref: map[string]string{"event": "dm.sent"},
		})}},
		{"xaa_chat_received.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "e4f4d3fc-8bbf-4928-92eb-e5058d6bb6f6", Account: "1111111111111111111", Kind: care.KindDirect, Private: true,
			Author: care.Author{ID: "2222222222222222222"}, Thread: "2222222222222222222", Addressed: true, Unreadable: "end-to-end encrypted",
			CreatedAt: at("2026-07-23T21:13:03.37Z"), Ref: map[string]string{"event": "chat.received", "encrypted": "true"},
		})}},
		{"aaa_direct_message_events.json", care.Batch{Items: item(care.Received, care.Post{
			NativeID: "954491830116155396", Account: "4337869213", Kind: care.KindDirect, Private: true,
			Author: care.Author{ID: "3001969357", Handle: "furiouscamper", Name: "Jordan Brinks", Followers: count(22), Since: at("2015-01-29T18:27:49.34Z")},
			Text:   "Hello World!", Thread: "3001969357", Addressed: true, CreatedAt: at("2018-01-19T23:12:40.557Z"),
			Ref: map[string]string{"event": "direct_message_events"},
		})}},
		{"aaa_tweet_delete_events.json", care.Batch{Items: item(care.Deleted, care.Post{
			NativeID: "1045405559317569537", Account: "930524282358325248", Kind: care.KindPost, Author: care.Author{ID: "930524282358325248", Own: true},
			Thread: "1045405559317569537", CreatedAt: at("2015-05-21T17:09:15.593Z"), Ref: map[string]string{"event": "tweet_delete_events"},
		})}},
		{"xaa_follow_follow.json", care.Batch{Skipped: []care.Skipped{{Type: "follow.follow", Known: true, Reason: "a follow needs no care"}}}},
		{"xaa_oauth_revoke.json", care.Batch{Skipped: []care.Skipped{{Type: "oauth.revoke", Known: true, Reason: "an account withdrew our access; a person has to connect it again"}}}},
		{"crc_vector.json", care.Batch{Skipped: []care.Skipped{{Reason: "the body holds no X event"}}}},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, err := x.Normalise(fixture(t, c.file), received, sample)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// envelope writes an X Activity body for our account; more adds payload members.
func envelope(event, more string) string {
	return fmt.Sprintf(`{"data":{"event_uuid":"-1","filter":{"user_id":"7001001"},"event_type":%q,"payload":{%s}}}`, event, more)
}

const base = `"id":"900","author_id":"31","created_at":"2026-11-20T10:00:00.000Z","conversation_id":"900","edit_history_tweet_ids":["900"]`

// One post comes out; the row says what matters about it.
func TestNormalisePosts(t *testing.T) {
	reply := `"id":"901","author_id":"31","conversation_id":"800","in_reply_to_user_id":"7001001","referenced_tweets":[{"type":"replied_to","id":"800"}]`
	for _, c := range []struct {
		name, body string
		check      func(t *testing.T, in care.Inbound)
	}{
		{"ImplicitMentionDoesNotSummon", envelope("post.reply.create", reply+`,"display_text_range":[13,40],"text":"@VeloriaCare still no signal","entities":{"mentions":[{"start":0,"end":12,"username":"VeloriaCare","id":"7001001"}]}`),
			want(care.KindReply, "800", "800", true, false)},
		{"ExplicitMentionInReplySummons", envelope("post.reply.create", reply+`,"display_text_range":[13,60],"text":"@VeloriaCare still no signal @veloriacare","entities":{"mentions":[{"start":0,"username":"VeloriaCare","id":"7001001"},{"start":29,"username":"VeloriaCare","id":"7001001"}]}`),
			want(care.KindReply, "800", "800", true, true)},
		{"PositionsAsText", envelope("post.reply.create", reply+`,"display_text_range":["13","60"],"text":"@VeloriaCare x @VeloriaCare","entities":{"mentions":[{"start_str":"15","username":"VeloriaCare","id":7001001}]}`),
			want(care.KindReply, "800", "800", true, true)},
		{"ReplyWithoutRange", envelope("post.reply.create", reply+`,"text":"@someone @VeloriaCare still dead","entities":{"mentions":[{"start":9,"username":"VeloriaCare","id":"7001001"}]}`),
			want(care.KindReply, "800", "800", true, false)},
		{"ReplyWithoutEntities", envelope("post.reply.create", reply+`,"text":"@VeloriaCare hello again @VeloriaCare"`),
			want(care.KindReply, "800", "800", true, true)},
		{"ReplyWithoutEntitiesImplicit", envelope("post.reply.create", reply+`,"text":"@VeloriaCare hello again"`),
			want(care.KindReply, "800", "800", true, false)},
		{"ReplyInSomeoneElsesThread", envelope("post.create", `"id":"901","author_id":"31","conversation_id":"700","in_reply_to_user_id":"44","referenced_tweets":[{"type":"replied_to","id":"702"}],"display_text_range":[5,30],"text":"@bob ask @VeloriaCare","entities":{"mentions":[{"start":9,"username":"VeloriaCare","id":"7001001"}]}`),
			want(care.KindMention, "702", "700", false, true)},
		{"ReplyInOurThreadToAStranger", strings.Replace(envelope("post.create", `"id":"901","author_id":"31","conversation_id":"800","in_reply_to_user_id":"44","referenced_tweets":[{"type":"replied_to","id":"802"}],"text":"@bob same here"`), `"payload"`, `"includes":{"tweets":[{"id":"800","author_id":"7001001"}]},"payload"`, 1),
			want(care.KindReply, "802", "800", true, false)},
		{"MentionEvent", envelope("post.mention.create", base+`,"text":"hey @VeloriaCare"`), want(care.KindMention, "", "900", false, true)},
		{"MentionByHandleOnly", envelope("post.create", base+`,"text":"hey @veloriacare!","entities":{"mentions":[{"start":4,"username":"veloriacare"}]}`), want(care.KindMention, "", "900", false, true)},
		{"MentionWithoutEntities", envelope("post.create", base+`,"text":"thanks for nothing, @VELORIACARE."`), want(care.KindMention, "", "900", false, true)},
		{"LongerHandleIsNotOurs", envelope("post.create", base+`,"text":"@VeloriaCareers is hiring, mail a@VeloriaCare"`), want(care.KindPost, "", "900", false, false)},
		{"Quote", envelope("post.quote.create", base+`,"text":"really? https://t.co/x","referenced_tweets":[{"type":"quoted","id":"800"}]`), want(care.KindQuote, "800", "900", true, true)},
		{"MentionThatQuotesUs", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare this","referenced_tweets":[{"type":"quoted","id":"800"}]`), `"payload"`, `"includes":{"tweets":[{"data":{"id":"800","author_id":7001001}}]},"payload"`, 1), want(care.KindQuote, "800", "900", true, true)},
		{"QuoteOfSomeoneElse", envelope("post.create", base+`,"text":"ha","referenced_tweets":[{"type":"quoted","id":"555"}]`), want(care.KindPost, "555", "900", false, false)},
		{"RepostOfUs", envelope("post.repost.create", base+`,"text":"RT @VeloriaCare: hi","referenced_tweets":[{"type":"retweeted","id":"800"}],"entities":{"mentions":[{"start":3,"username":"VeloriaCare","id":"7001001"}]}`), want(care.KindRepost, "800", "900", true, false)},
		{"RepostOfAnother", envelope("post.create", base+`,"text":"RT @bob: hi","referenced_tweets":[{"type":"retweeted","id":"555"}]`), want(care.KindRepost, "555", "900", false, false)},
		{"Edit", envelope("post.mention.create", `"id":"903","author_id":"31","conversation_id":"903","edit_history_tweet_ids":["900","902","903"],"text":"@VeloriaCare router (edited)"`), func(t *testing.T, in care.Inbound) {
			if in.Change != care.Edited || in.Post.NativeID != "900" || in.Post.Ref[x.RefVersions] != "900,902,903" || in.Post.Ref[x.RefCurrent] != "903" || in.Post.Thread != "900" {
				t.Errorf("%+v", in)
			}
		}},
		{"OwnByFilter", envelope("post.create", `"id":"900","author_id":"7001001","text":"Good morning!"`), isOwn(true)},
		{"OwnByAccounts", strings.Replace(envelope("post.create", `"id":"900","author_id":"7001001","text":"x"`), `"user_id":"7001001"`, `"user_id":"5"`, 1), isOwn(true)},
		{"NumericIDs", strings.NewReplacer(`"user_id":"7001001"`, `"user_id":7001001`).Replace(envelope("post.mention.create", `"id":2080765813578191303,"author_id":31,"conversation_id":2080765813578191303,"text":"@VeloriaCare"`)), func(t *testing.T, in care.Inbound) {
			if in.Post.NativeID != "2080765813578191303" || in.Post.Author.ID != "31" || in.Post.Account != "7001001" {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"KeywordFilter", `{"data":{"filter":{"keyword":"velobox"},"event_type":"post.create","payload":{` + base + `,"text":"my velobox"}}}`, func(t *testing.T, in care.Inbound) {
			if in.Post.Account != "7001001" || in.Post.Addressed || in.Post.Author.Own {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"NoWrapper", `{"event_type":"post.mention.create","filter":{"user_id":"7001001"},"payload":{` + base + `,"text":"@VeloriaCare"}}`, want(care.KindMention, "", "900", false, true)},
		{"ListOfEnvelopes", `[` + envelope("post.mention.create", base+`,"text":"@VeloriaCare"`) + `]`, want(care.KindMention, "", "900", false, true)},
		{"DataList", `{"data":[{"event_type":"post.mention.create","filter":{"user_id":"7001001"},"payload":{` + base + `,"text":"@VeloriaCare"}}]}`, want(care.KindMention, "", "900", false, true)},
		{"IncludesMapOfWrappedUsers", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare"`), `"payload"`, `"includes":{"users":{"31":{"data":{"id":"31","username":"ana_m","public_metrics":{"followers_count_str":"1200"}}}}},"payload"`, 1), author("ana_m", count(1200))},
		{"IncludesWrappedList", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare"`), `"payload"`, `"includes":{"users":{"data":[{"id":31,"username":"ana_m","public_metrics":{"followers_count":"1200"}}]}},"payload"`, 1), author("ana_m", count(1200))},
		{"IncludesEmpty", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare"`), `"payload"`, `"includes":{},"payload"`, 1), author("", nil)},
		{"IncludesOddTypes", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare"`), `"payload"`, `"includes":{"users":"none","tweets":5,"media":{}},"payload"`, 1), author("", nil)},
		{"FollowersNonsense", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare"`), `"payload"`, `"includes":{"users":[{"id":"31","username":"ana_m","public_metrics":{"followers_count":-5}}]},"payload"`, 1), author("ana_m", nil)},
		{"MillisecondTime", envelope("post.mention.create", `"id":"900","author_id":"31","created_at":1784928224372,"text":"@VeloriaCare"`), func(t *testing.T, in care.Inbound) {
			if !in.Post.CreatedAt.Equal(at("2026-07-24T21:23:44.372Z")) {
				t.Error(in.Post.CreatedAt)
			}
		}},
		{"Escapes", envelope("post.mention.create", base+`,"text":"@VeloriaCare 5 &lt; 10 &amp;amp; &quot;x&quot;"`), func(t *testing.T, in care.Inbound) {
			if in.Post.Text != `@VeloriaCare 5 < 10 &amp; &quot;x&quot;` {
				t.Errorf("%q", in.Post.Text)
			}
		}},
		{"LongPost", envelope("post.mention.create", base+`,"text":"@VeloriaCare it began…","note_tweet":{"text":"@VeloriaCare it began on Monday and went on"}`), func(t *testing.T, in care.Inbound) {
			if in.Post.Text != "@VeloriaCare it began on Monday and went on" {
				t.Errorf("%q", in.Post.Text)
			}
		}},
		{"Hostile", envelope("post.mention.create", base+`,"text":"a\u0000b\ud800c \u202e<script>"`), func(t *testing.T, in care.Inbound) {
			if in.Post.Text != "ab\uFFFDc \u202e<script>" || !utf8.ValidString(in.Post.Text) {
				t.Errorf("%q", in.Post.Text)
			}
		}},
		{"TooLongText", envelope("post.mention.create", base+`,"text":"`+strings.Repeat("ñ", care.MaxTextBytes)+`"`), func(t *testing.T, in care.Inbound) {
			if !in.Post.Truncated || len(in.Post.Text) > care.MaxTextBytes || !utf8.ValidString(in.Post.Text) {
				t.Errorf("%d bytes, truncated %v", len(in.Post.Text), in.Post.Truncated)
			}
		}},
		{"NoLanguage", envelope("post.mention.create", base+`,"lang":"qme","text":"@VeloriaCare"`), lang("")},
		{"OldLanguage", envelope("post.mention.create", base+`,"lang":"iw","text":"@VeloriaCare"`), lang("he")},
		{"Language", envelope("post.mention.create", base+`,"lang":"es","text":"@VeloriaCare"`), lang("es")},
		{"LanguageNonsense", envelope("post.mention.create", base+`,"lang":"<b>","text":"@VeloriaCare"`), lang("")},
		{"Media", strings.Replace(envelope("post.mention.create", base+`,"text":"@VeloriaCare","attachments":{"media_keys":["3_1","7_2","3_9"]}`), `"payload"`, `"includes":{"media":[{"media_key":"3_1","type":"photo","url":"https://pbs.twimg.com/1.jpg"},{"media_key":"7_2","type":"video","preview_image_url":"https://pbs.twimg.com/2.jpg"}]},"payload"`, 1), func(t *testing.T, in care.Inbound) {
			want := []care.Attachment{{Type: "image", URL: "https://pbs.twimg.com/1.jpg"}, {Type: "video", URL: "https://pbs.twimg.com/2.jpg"}}
			if diff := cmp.Diff(want, in.Post.Attachments); diff != "" {
				t.Error(diff)
			}
		}},
		{"OldMention", old(`"text":"short…","truncated":true,"extended_tweet":{"full_text":"@VeloriaCare my router is dead","display_text_range":[0,30],"entities":{"user_mentions":[{"screen_name":"VeloriaCare","id_str":"7001001","indices":[0,12]}]}},"user":{"id_str":"31","screen_name":"ana_m","followers_count":12,"created_at":"Wed Oct 10 20:19:24 +0000 2018"}`), func(t *testing.T, in care.Inbound) {
			p := in.Post
			if p.NativeID != "1924465506158878979" || p.Text != "@VeloriaCare my router is dead" || p.Kind != care.KindMention || !p.Addressed || p.Author.Handle != "ana_m" || *p.Author.Followers != 12 || !p.Author.Since.Equal(at("2018-10-10T20:19:24Z")) || !p.CreatedAt.Equal(at("2025-05-19T14:01:46Z")) {
				t.Errorf("%+v", p)
			}
		}},
		{"OldImplicitReply", old(`"text":"@VeloriaCare no","in_reply_to_status_id":800,"in_reply_to_status_id_str":"800","in_reply_to_user_id_str":"7001001","display_text_range":[13,15],"entities":{"user_mentions":[{"screen_name":"VeloriaCare","id_str":"7001001","indices":[0,12]}]},"user":{"id_str":"31","screen_name":"ana_m"}`),
			want(care.KindReply, "800", "800", true, false)},
		{"OldQuoteOfUs", old(`"text":"look","is_quote_status":true,"quoted_status_id_str":"800","quoted_status":{"id_str":"800","user":{"id_str":"7001001","screen_name":"VeloriaCare"}},"user":{"id_str":"31","screen_name":"ana_m"}`),
			want(care.KindQuote, "800", "1924465506158878979", true, true)},
		{"OldRepostOfUs", old(`"text":"RT @VeloriaCare: x","retweeted_status":{"id_str":"800","user":{"id_str":"7001001"}},"user":{"id_str":"31"}`),
			want(care.KindRepost, "800", "1924465506158878979", true, false)},
		{"OldOwn", old(`"text":"hi","user":{"id_str":"7001001","screen_name":"VeloriaCare"}`), isOwn(true)},
		{"OldMedia", old(`"text":"@VeloriaCare","user":{"id_str":"31"},"extended_entities":{"media":[{"type":"animated_gif","media_url_https":"https://pbs.twimg.com/g.jpg"}]}`), func(t *testing.T, in care.Inbound) {
			if diff := cmp.Diff([]care.Attachment{{Type: "video", URL: "https://pbs.twimg.com/g.jpg"}}, in.Post.Attachments); diff != "" {
				t.Error(diff)
			}
		}},
		{"DirectWithMedia", envelope("dm.received", `"direct_message_events":[{"type":"message_create","id":"1","created_timestamp":1784928224372,"message_create":{"target":{"recipient_id":"7001001"},"sender_id":"31","message_data":{"text":"see &amp; fix https://t.co/x","attachment":{"type":"media","media":{"type":"photo","media_url_https":"https://ton.twitter.com/1.jpg"}}}}}],"users":[{"id":"31","username":"ana_m"}]`), func(t *testing.T, in care.Inbound) {
			p := in.Post
			if p.Kind != care.KindDirect || !p.Private || p.Thread != "31" || p.Text != "see & fix https://t.co/x" || p.Author.Handle != "ana_m" || len(p.Attachments) != 1 || p.Attachments[0].URL != "https://ton.twitter.com/1.jpg" {
				t.Errorf("%+v", p)
			}
		}},
		{"DirectListed", envelope("dm.received", `"id":"5","event_type":"MessageCreate","text":"hola","sender_id":"31","dm_conversation_id":"31-7001001","created_at":"2026-11-20T10:00:00Z"`), func(t *testing.T, in care.Inbound) {
			if in.Post.Thread != "31" || in.Post.Text != "hola" || !in.Post.Addressed {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"ChatSent", envelope("chat.sent", `"id":"m1","created_at_msec":"1784841183370","sender_id":"7001001","conversation_id":"7001001:31"`), func(t *testing.T, in care.Inbound) {
			if !in.Post.Author.Own || in.Post.Thread != "31" || in.Post.Unreadable == "" || in.Post.Addressed {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"ChatGroup", envelope("chat.received", `"id":"m1","sender_id":"31","conversation_id":"g2012345"`), func(t *testing.T, in care.Inbound) {
			if in.Post.Thread != "g2012345" || in.Post.Addressed || in.Post.Ref[x.RefGroup] != "g2012345" {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"PlaceholderIDs", envelope("post.mention.create", `"id":"{post-id}","author_id":"<USER>","text":"@VeloriaCare"`), func(t *testing.T, in care.Inbound) {
			if in.Post.NativeID != "{post-id}" || in.Post.URL != "" {
				t.Errorf("%+v", in.Post)
			}
		}},
		{"AuthorEmbedded", envelope("post.mention.create", `"id":"900","text":"@VeloriaCare","author":{"data":{"id":"31","username":"ana_m"}}`), author("ana_m", nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := x.Normalise([]byte(c.body), received, own)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Items) != 1 || len(got.Skipped) != 0 {
				t.Fatalf("%+v", got)
			}
			p := got.Items[0].Post
			if p.Platform != care.X || !p.ReceivedAt.Equal(received) || p.Thread == "" {
				t.Errorf("%+v", p)
			}
			c.check(t, got.Items[0])
		})
	}
}

func old(more string) string {
	return `{"for_user_id":"7001001","user_has_blocked":"false","tweet_create_events":[{"created_at":"Mon May 19 14:01:46 +0000 2025","id":1924465506158879000,"id_str":"1924465506158878979",` + more + `}]}`
}

func want(kind care.Kind, replyTo, thread string, inOur, addressed bool) func(*testing.T, care.Inbound) {
	return func(t *testing.T, in care.Inbound) {
		p := in.Post
		if in.Change != care.Received || p.Kind != kind || p.ReplyTo != replyTo || p.Thread != thread || p.InOurThread != inOur || p.Addressed != addressed || p.Author.Own {
			t.Errorf("%s %s, reply to %q, thread %q, in our thread %v, addressed %v, own %v", in.Change, p.Kind, p.ReplyTo, p.Thread, p.InOurThread, p.Addressed, p.Author.Own)
		}
	}
}

func isOwn(is bool) func(*testing.T, care.Inbound) {
	return func(t *testing.T, in care.Inbound) {
		if in.Post.Author.Own != is {
			t.Errorf("%+v", in.Post.Author)
		}
	}
}

func lang(code string) func(*testing.T, care.Inbound) {
	return func(t *testing.T, in care.Inbound) {
		if in.Post.Lang != code {
			t.Errorf("%q", in.Post.Lang)
		}
	}
}

func author(handle string, followers *int) func(*testing.T, care.Inbound) {
	return func(t *testing.T, in care.Inbound) {
		a := in.Post.Author
		if a.ID != "31" || a.Handle != handle || !cmp.Equal(a.Followers, followers) {
			t.Errorf("%+v", a)
		}
	}
}

func TestNormaliseSkips(t *testing.T) {
	for _, c := range []struct {
		body, kind string
		known      bool
	}{
		{envelope("like.create", ``), "like.create", true},
		{envelope("follow.unfollow", ``), "follow.unfollow", true},
		{envelope("profile.update.bio", ``), "profile.update.bio", true},
		{envelope("dm.read", ``), "dm.read", true},
		{envelope("dm.indicate_typing", ``), "dm.indicate_typing", true},
		{envelope("chat.conversation_join", ``), "chat.conversation_join", true},
		{envelope("broadcast.chat", ``), "broadcast.chat", true},
		{envelope("news.new", ``), "news.new", true},
		{envelope("post.bookmark.create", ``), "post.bookmark.create", false},
		{envelope("dm.reaction", ``), "dm.reaction", false},
		{envelope("", ``), "", false},
		{`{}`, "", false},
		{`{"data":{"id":"1","text":"an API answer"}}`, "", false},
		{`{"for_user_id":"7001001","favorite_events":[{}]}`, "favorite_events", true},
		{`{"for_user_id":"7001001","direct_message_mark_read_events":[{}]}`, "direct_message_mark_read_events", true},
		{`{"for_user_id":"7001001","poll_events":[{}]}`, "poll_events", false},
		{`{"user_event":{"revoke":{}}}`, "user_event", true},
		{`{"replay_job_status":{"job_state":"Complete"}}`, "replay_job_status", true},
		{`{"for_user_id":"7001001","direct_message_events":[{"type":"participants_join","id":"1"}]}`, "direct_message_events/participants_join", false},
		{`[]`, "", true},
	} {
		got, err := x.Normalise([]byte(c.body), received, own)
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if len(got.Items) != 0 || len(got.Skipped) != 1 || got.Skipped[0].Type != c.kind || got.Skipped[0].Known != c.known || got.Skipped[0].Reason == "" {
			t.Errorf("%s: %+v", c.body, got)
		}
	}
}

func TestNormaliseRefuses(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"Empty", ``, "empty"},
		{"Truncated", `{"data":{"event_type":"post.cre`, "not JSON"},
		{"Number", `5`, "the body: want an X event object, got a number"},
		{"Null", `null`, "want an X event object, got null"},
		{"ListOfNumbers", `[1]`, "[0]: want an X event object, got a number"},
		{"ListInList", `[[]]`, "[0]: want an X event object, got a list"},
		{"DataNumber", `{"data":5}`, "data: want an event object, got a number"},
		{"EventTypeNumber", `{"data":{"event_type":5}}`, "data.event_type: want a string, got a number"},
		{"FilterList", `{"data":{"event_type":"post.create","filter":[]}}`, "data.filter: want an object, got a list"},
		{"PayloadMissing", `{"data":{"event_type":"post.create"}}`, `data: "payload" is missing`},
		{"PayloadNull", `{"data":{"event_type":"post.create","payload":null}}`, `data: "payload" is missing`},
		{"PayloadText", `{"data":{"event_type":"post.create","payload":"x"}}`, "data.payload: want an object, got a string"},
		{"NoID", envelope("post.create", `"text":"x"`), `data.payload: "id_str" is missing`},
		{"NullID", envelope("post.create", `"id":null,"text":"x"`), "is missing"},
		{"EmptyID", envelope("post.create", `"id":"","text":"x"`), "is missing"},
		{"HugeNumber", envelope("post.create", `"id":1e400,"text":"x"`), "data.payload.id: want a string or a whole number as id"},
		{"HugeID", envelope("post.create", `"id":"`+strings.Repeat("9", 5000)+`"`), "the id has 5000 bytes"},
		{"NULInID", envelope("post.create", `"id":"1\u0000"`), "control character"},
		{"TextNumber", envelope("post.create", `"id":"1","text":5`), "data.payload.text: want a string, got a number"},
		{"ReferencesObject", envelope("post.create", `"id":"1","referenced_tweets":{}`), "data.payload.referenced_tweets: want a list"},
		{"VersionsText", envelope("post.create", `"id":"1","edit_history_tweet_ids":"1"`), "edit_history_tweet_ids: want a list"},
		{"TimeList", envelope("post.create", `"id":"1","created_at":[]`), "created_at: want a time, got a list"},
		{"DeleteWithoutID", envelope("post.delete", `"author_id":"31"`), `data.payload: "id" is missing`},
		{"DirectWithoutEvents", envelope("dm.received", ``), `"direct_message_events" is missing`},
		{"DirectNumber", envelope("dm.received", `"direct_message_events":[7]`), "direct_message_events[0]: want an event object, got a number"},
		{"DirectWithoutSender", envelope("dm.received", `"direct_message_events":[{"id":"1","message_create":{}}]`), `"sender_id" is missing`},
		{"DirectWithoutMessage", envelope("dm.received", `"direct_message_events":[{"id":"1"}]`), `"message_create" is missing`},
		{"ChatWithoutSender", envelope("chat.received", `"id":"1"`), `"sender_id" is missing`},
		{"OldListNumber", `{"for_user_id":"1","tweet_create_events":[1]}`, "tweet_create_events[0]: want an event object"},
		{"OldNotAList", `{"for_user_id":"1","tweet_create_events":{}}`, "tweet_create_events: want a list"},
		{"OldDeleteEmpty", `{"for_user_id":"1","tweet_delete_events":[{}]}`, `tweet_delete_events[0]: "status" is missing`},
		{"OldForUser", `{"for_user_id":{},"tweet_create_events":[]}`, "for_user_id: want a string or a whole number"},
		{"TenMegabytes", `{"data":"` + strings.Repeat("x", 10<<20) + `"}`, "more than the limit"},
		{"Deep", strings.Repeat(`{"data":`, 100) + `1` + strings.Repeat(`}`, 100), "nests deeper than the limit of 64"},
		{"ManyTinyEvents", `[` + strings.TrimSuffix(strings.Repeat(`{},`, 100_000), ",") + `]`, "more events than the limit of 5000"},
		{"ManyFaults", `[` + strings.TrimSuffix(strings.Repeat(`1,`, 4000), ",") + `]`, "and 3995 more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := x.Normalise([]byte(c.body), received, own)
			if care.CodeOf(err) != care.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want Invalid with %q", err, c.says)
			}
		})
	}
}

func TestNormaliseKeepsTheReadable(t *testing.T) {
	body := `[` + envelope("post.mention.create", base+`,"text":"@VeloriaCare one"`) + `,` + envelope("post.mention.create", `"id":[]`) + `,` + envelope("like.create", ``) + `]`
	got, err := x.Normalise([]byte(body), received, own)
	if care.CodeOf(err) != care.Invalid || !strings.Contains(err.Error(), "[1].data.payload.id") {
		t.Errorf("got %v", err)
	}
	if len(got.Items) != 1 || got.Items[0].Post.NativeID != "900" || len(got.Skipped) != 1 {
		t.Errorf("%+v", got)
	}
}

// The same post comes under two event types; it must be the same post.
func TestNormaliseAgreesAcrossEvents(t *testing.T) {
	payload := `"id":"901","author_id":"31","conversation_id":"800","in_reply_to_user_id":"7001001","referenced_tweets":[{"type":"replied_to","id":"800"}],"display_text_range":[13,60],"text":"@VeloriaCare no, @VeloriaCare","entities":{"mentions":[{"start":0,"id":"7001001"},{"start":17,"id":"7001001"}]}`
	var posts []care.Post
	for _, event := range []string{"post.mention.create", "post.reply.create"} {
		got, err := x.Normalise([]byte(envelope(event, payload)), received, own)
		if err != nil {
			t.Fatal(err)
		}
		p := got.Items[0].Post
		p.Ref = nil
		posts = append(posts, p)
	}
	if diff := cmp.Diff(posts[0], posts[1]); diff != "" {
		t.Error(diff)
	}
}

// The loop guard must hold even when nobody told us which accounts are ours.
func TestOwnWithoutAccounts(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		{"AuthorIsTheFilter", envelope("post.create", `"id":"1","author_id":"7001001"`), true},
		{"SentWithoutFilter", `{"data":{"filter":{},"event_type":"dm.sent","payload":{"direct_message_events":[{"id":"1","message_create":{"sender_id":"5","target":{"recipient_id":"6"}}}]}}}`, true},
		{"OldForUser", old(`"text":"x","user":{"id":7001001}`), true},
		{"Stranger", envelope("post.create", `"id":"1","author_id":"31"`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := x.Normalise([]byte(c.body), received, nil)
			if err != nil || len(got.Items) != 1 || got.Items[0].Post.Author.Own != c.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func FuzzNormalise(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 10 {
		f.Fatal("the seeds are missing")
	}
	for _, file := range files {
		f.Add(fixture(f, filepath.Base(file)))
	}
	f.Add([]byte(envelope("post.reply.create", base+`,"text":"@VeloriaCare","display_text_range":[9999999999,-4]`)))
	f.Add([]byte(old(`"text":"@VeloriaCare","user":{}`)))
	f.Add([]byte(envelope("dm.received", `"sender_id":"1","id":"1"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := x.Normalise(body, received, own)
		if err != nil && care.CodeOf(err) != care.Invalid {
			t.Fatalf("code %s", care.CodeOf(err))
		}
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Fatalf("the error is not text: %q", err)
		}
		for _, in := range got.Items {
			p := in.Post
			if p.NativeID == "" || p.Thread == "" || p.Platform != care.X || p.Kind == "" || in.Change == "" || p.CreatedAt.IsZero() {
				t.Fatalf("half a post: %+v", in)
			}
			if len(p.Text) > care.MaxTextBytes || !utf8.ValidString(p.Text) || strings.ContainsRune(p.Text, 0) || !utf8.ValidString(p.NativeID) {
				t.Fatalf("unsafe text: %q", p.Text)
			}
			if p.Author.ID == "7001001" && !p.Author.Own {
				t.Fatal("our own post is not recognised")
			}
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	for _, file := range []string{"xaa_post_mention_create.json", "xaa_dm_received.json", "xaa_post_repost_create.json"} {
		b.Run(strings.TrimSuffix(file, ".json"), func(b *testing.B) {
			body := fixture(b, file)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if got, err := x.Normalise(body, received, sample); err != nil || len(got.Items) != 1 {
					b.Fatal(err)
				}
			}
		})
	}
}
