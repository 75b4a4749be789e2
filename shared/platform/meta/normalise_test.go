package meta_test

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
	"github.com/fielder-care/fielder/shared/platform/meta"
)

var received = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var own = []platform.Account{
	{Platform: care.Facebook, Account: "7002001"},
	{Platform: care.Messenger, Account: "7002001"},
	{Platform: care.Instagram, Account: "7003001", Handle: "veloria.care"},
}

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

func item(change care.Change, p care.Post) care.Batch {
	p.ReceivedAt = received
	return care.Batch{Items: []care.Inbound{{Change: change, Post: p}}}
}

// Sample bodies of Meta's docs, a log and a public test suite, every field.
func TestNormaliseSamples(t *testing.T) {
	dm := care.Post{
		Platform: care.Instagram, NativeID: "message-id-1", Account: "instagram-message-id-123", Kind: care.KindDirect, Private: true,
		Author: care.Author{ID: "Sender-id-1"}, Thread: "Sender-id-1", Addressed: true, CreatedAt: at("2021-09-08T06:34:04Z"),
		Ref: map[string]string{"field": "messages"},
	}
	text := dm
	text.Text = "This is the first message from the customer"
	standby := dm
	standby.Text, standby.Ref = "This is the first standby message from the customer, after 24 hours.", map[string]string{"field": "messages", "standby": "true"}
	story := dm
	story.Kind, story.Attachments = care.KindStoryMention, []care.Attachment{{Type: "story", URL: "https://www.example.com/test.jpeg"}}
	echo := story
	echo.Author.Own, echo.Thread, echo.Addressed = true, "chatwoot-app-user-id-1", false
	for _, c := range []struct {
		file string
		want care.Batch
	}{
		{"facebook_page_feed_comment_add_real_log.json", item(care.Received, care.Post{
			Platform: care.Facebook, NativeID: "712750021053074_1063824911537852", Account: "206070979425408", Kind: care.KindComment,
			Author: care.Author{ID: "24266381753005180", Name: "Example Commenter"}, Text: "+1",
			Thread: "206070979425408_712750021053074", ReplyTo: "206070979425408_712750021053074", InOurThread: true, Addressed: true,
			URL:       "https://www.facebook.com/710090817985661/posts/pfbid02kicXeLy3yWi95UN9BdtvcWzqp7rxsjT8J7hSiF3MCkuoAuFdU1NAaE97Yso8Kky3l",
			CreatedAt: at("2024-02-06T09:31:16Z"), Ref: map[string]string{"field": "feed", "item": "comment"},
		})},
		{"facebook_page_feed_post_add.json", item(care.Received, care.Post{
			Platform: care.Facebook, NativeID: "{page-post-id}", Account: "{page-id}", Kind: care.KindPost,
			Author: care.Author{ID: "{user-id}", Name: "Cinderella Hoover"}, Text: "It's Thursday and I want to eat cake.",
			Thread: "{page-post-id}", Addressed: true, CreatedAt: at("2018-03-08T21:33:34Z"), Ref: map[string]string{"field": "feed", "item": "post"},
		})},
		{"instagram_comments_facebook_login.json", item(care.Received, care.Post{
			Platform: care.Instagram, NativeID: "<COMMENT_ID>", Account: "<YOUR_APP_USERS_INSTAGRAM_ACCOUNT_ID>", Kind: care.KindComment,
			Author: care.Author{ID: "<INSTAGRAM_USER_SCOPED_ID>", Handle: "<INSTAGRAM_USER_USERNAME>"}, Text: "<TEXT_ID>",
			Thread: "<MEDIA_ID>", ReplyTo: "<PARENT_COMMENT_ID>", InOurThread: true, Addressed: true, CreatedAt: received,
			Ref: map[string]string{"field": "comments", "media": "<MEDIA_ID>"},
		})},
		{"instagram_mentions_comment.json", item(care.Received, care.Post{
			Platform: care.Instagram, NativeID: "17894227972186120", Account: "17841405726653026", Kind: care.KindMention,
			Thread: "17918195224117851", ReplyTo: "17918195224117851", Addressed: true, CreatedAt: at("2018-03-09T19:16:08Z"),
			Ref: map[string]string{"field": "mentions", "media": "17918195224117851", "comment": "17894227972186120", "hydrate": "true"},
		})},
		{"instagram_dm_text.json", item(care.Received, text)},
		{"instagram_dm_standby.json", item(care.Received, standby)},
		{"instagram_dm_story_mention.json", item(care.Received, story)},
		{"instagram_dm_echo_story_mention.json", item(care.Received, echo)},
		{"messenger_message_text.json", item(care.Received, care.Post{
			Platform: care.Messenger, NativeID: "mid.1457764197618:41d102a3e1ae206a38", Account: "<PAGE_ID>", Kind: care.KindDirect, Private: true,
			Author: care.Author{ID: "<PSID>"}, Text: "hello, world!", Thread: "<PSID>", Addressed: true, CreatedAt: at("2020-03-02T18:27:46.767Z"),
			Ref: map[string]string{"field": "messages"},
		})},
		{"messenger_message_quick_reply_official_messaging_item.json", item(care.Received, care.Post{
			Platform: care.Messenger, NativeID: "mid.1457764197618:41d102a3e1ae206a38", Account: "<PAGE_ID>", Kind: care.KindDirect, Private: true,
			Author: care.Author{ID: "<PSID>"}, Text: "hello, world!", Thread: "<PSID>", Addressed: true, CreatedAt: at("2016-03-23T00:25:52.478Z"),
			Ref: map[string]string{"field": "messages", "payload": "<DEVELOPER_DEFINED_PAYLOAD>"},
		})},
		{"instagram_comment_reply_response.json", care.Batch{Skipped: []care.Skipped{{Reason: "the body holds no Meta webhook event"}}}},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, err := meta.Normalise(fixture(t, c.file), received, own)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func page(value string) string {
	return `{"object":"page","entry":[{"id":"7002001","time":1763719200,"changes":[{"field":"feed","value":{` + value + `}}]}]}`
}

func pageField(field, value string) string {
	return strings.Replace(page(value), `"feed"`, `"`+field+`"`, 1)
}

func instagram(entry string) string {
	return `{"object":"instagram","entry":[{"id":"7003001","time":1763719200,` + entry + `}]}`
}

func messenger(items string) string {
	return `{"object":"page","entry":[{"id":"7002001","time":1763719200123,"messaging":[` + items + `]}]}`
}

func from(more string) string {
	return `{"sender":{"id":"31"},"recipient":{"id":"7002001"},"timestamp":1763719199000,` + more + `}`
}

const comment = `"from":{"id":"31","name":"Ana Marín"},"item":"comment","verb":"add","post_id":"7002001_800","comment_id":"800_900","parent_id":"7002001_800","created_time":1763719190,"message":"still no internet"`

// One post comes out; the row says what matters about it.
func TestNormalisePosts(t *testing.T) {
	type expect struct {
		change          care.Change
		platform        care.Platform
		id, thread      string
		replyTo         string
		kind            care.Kind
		text            string
		author          string
		own             bool
		inOur, stranger bool // stranger: not addressed
		ref             string
	}
	for _, c := range []struct {
		name, body string
		want       expect
	}{
		{"Comment", page(comment), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", author: "31", inOur: true, ref: "field=feed item=comment"}},
		{"CommentOnComment", page(strings.Replace(comment, `"parent_id":"7002001_800"`, `"parent_id":"800_850"`, 1)), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "800_850", kind: care.KindComment, text: "still no internet", author: "31", inOur: true, ref: "field=feed item=comment"}},
		{"CommentEdited", page(strings.Replace(comment, `"add"`, `"edited"`, 1)), expect{change: care.Edited, platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", author: "31", inOur: true, ref: "field=feed item=comment"}},
		{"CommentRemoved", page(strings.Replace(comment, `"add"`, `"remove"`, 1)), expect{change: care.Deleted, platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, author: "31", inOur: true, ref: "field=feed item=comment"}},
		{"CommentAuthorHidden", page(strings.Replace(comment, `"from":{"id":"31","name":"Ana Marín"},`, ``, 1)), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", inOur: true, ref: "field=feed item=comment"}},
		{"CommentByThePage", page(strings.Replace(comment, `"id":"31"`, `"id":"7002001"`, 1)), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", author: "7002001", own: true, inOur: true, ref: "field=feed item=comment"}},
		{"CommentHiddenByAFilter", page(comment + `,"is_hidden":true`), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", author: "31", inOur: true, ref: "field=feed hidden=true item=comment"}},
		{"CommentNumbers", page(`"item":"comment","verb":"add","from":{"id":31},"post_id":7002001,"comment_id":900,"created_time":"1763719190","message":"x"`), expect{platform: care.Facebook, id: "900", thread: "7002001", replyTo: "7002001", kind: care.KindComment, text: "x", author: "31", ref: "field=feed item=comment"}},
		{"Status", page(`"item":"status","verb":"add","post_id":"7002001_801","from":{"id":"7002001"},"message":"Good morning"`), expect{platform: care.Facebook, id: "7002001_801", thread: "7002001_801", kind: care.KindPost, text: "Good morning", author: "7002001", own: true, ref: "field=feed item=status"}},
		{"VisitorPhoto", page(`"item":"photo","verb":"add","post_id":"7002001_802","photo_id":"77","link":"https://cdn.example/p.jpg","from":{"id":"31"},"message":"the cable"`), expect{platform: care.Facebook, id: "7002001_802", thread: "7002001_802", kind: care.KindPost, text: "the cable", author: "31", ref: "field=feed item=photo"}},
		{"PhotoWithoutPost", page(`"item":"photo","verb":"add","photo_id":"77","from":{"id":"31"}`), expect{platform: care.Facebook, id: "77", thread: "77", kind: care.KindPost, author: "31", ref: "field=feed item=photo"}},
		{"Share", page(`"item":"share","verb":"add","post_id":"7002001_803","share_id":"5","from":{"id":"31"},"message":"read this"`), expect{platform: care.Facebook, id: "7002001_803", thread: "7002001_803", kind: care.KindPost, text: "read this", author: "31", ref: "field=feed item=share"}},
		{"PostRemoved", page(`"item":"post","verb":"remove","post_id":"7002001_803","from":{"id":"31"}`), expect{change: care.Deleted, platform: care.Facebook, id: "7002001_803", thread: "7002001_803", kind: care.KindPost, author: "31", ref: "field=feed item=post"}},
		{"OldFlatAuthor", page(`"item":"comment","verb":"add","sender_id":31,"sender_name":"Ana","post_id":"7002001_800","comment_id":"1_2","message":"x"`), expect{platform: care.Facebook, id: "1_2", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "x", author: "31", inOur: true, ref: "field=feed item=comment"}},
		{"MentionInPost", pageField("mention", `"item":"post","verb":"add","post_id":"31_500","sender_id":"31","sender_name":"Ana","created_time":1763719190,"message":"@Veloria is down"`), expect{platform: care.Facebook, id: "31_500", thread: "31_500", kind: care.KindMention, text: "@Veloria is down", author: "31", ref: "field=mention item=post"}},
		{"MentionInComment", pageField("mention", `"item":"comment","verb":"add","post_id":"44_500","comment_id":"500_2","from":{"id":"31"},"message":"ask @Veloria"`), expect{platform: care.Facebook, id: "500_2", thread: "44_500", kind: care.KindMention, text: "ask @Veloria", author: "31", ref: "field=mention item=comment"}},
		{"Recommendation", pageField("ratings", `"item":"rating","verb":"add","open_graph_story_id":"600","reviewer_id":"31","reviewer_name":"Ana","recommendation_type":"negative","review_text":"slow","created_time":1763719190`), expect{platform: care.Facebook, id: "600", thread: "600", kind: care.KindPost, text: "slow", author: "31", ref: "field=ratings item=rating"}},
		{"SingleEntryObject", strings.NewReplacer(`[{"id":"7002001"`, `{"id":"7002001"`, `}]}]}`, `}]}}`).Replace(page(comment)), expect{platform: care.Facebook, id: "800_900", thread: "7002001_800", replyTo: "7002001_800", kind: care.KindComment, text: "still no internet", author: "31", inOur: true, ref: "field=feed item=comment"}},

		{"InstagramComment", instagram(`"changes":[{"field":"comments","value":{"from":{"id":"31","username":"ana_m"},"comment_id":"900","media":{"id":"800"},"text":"¿y mi pedido?"}}]`), expect{platform: care.Instagram, id: "900", thread: "800", replyTo: "800", kind: care.KindComment, text: "¿y mi pedido?", author: "31", inOur: true, ref: "field=comments media=800"}},
		{"InstagramLoginComment", `[` + instagram(`"field":"comments","value":{"id":"900","from":{"id":"31","username":"ana_m"},"text":"hello","media":{"id":"800","media_product_type":"FEED"}}`) + `]`, expect{platform: care.Instagram, id: "900", thread: "800", replyTo: "800", kind: care.KindComment, text: "hello", author: "31", inOur: true, ref: "field=comments media=800"}},
		{"InstagramValueList", instagram(`"field":"comments","value":[{"id":"900","from":{"id":"31"},"text":"hello","media":{"id":"800"}}]`), expect{platform: care.Instagram, id: "900", thread: "800", replyTo: "800", kind: care.KindComment, text: "hello", author: "31", inOur: true, ref: "field=comments media=800"}},
		{"InstagramLive", instagram(`"changes":[{"field":"live_comments","value":{"id":"900","from":{"id":"31"},"text":"hi","media":{"id":"800"}}}]`), expect{platform: care.Instagram, id: "900", thread: "800", replyTo: "800", kind: care.KindComment, text: "hi", author: "31", inOur: true, ref: "field=live_comments live=true media=800"}},
		{"InstagramOwnByHandle", instagram(`"changes":[{"field":"comments","value":{"id":"900","from":{"id":"9","username":"Veloria.Care"},"text":"thanks","media":{"id":"800"},"parent_id":"890"}}]`), expect{platform: care.Instagram, id: "900", thread: "800", replyTo: "890", kind: care.KindComment, text: "thanks", author: "9", own: true, inOur: true, ref: "field=comments media=800"}},
		{"InstagramCaptionMention", instagram(`"changes":[{"field":"mentions","value":{"media_id":"555"}}]`), expect{platform: care.Instagram, id: "555", thread: "555", kind: care.KindMention, ref: "field=mentions hydrate=true media=555"}},
		{"InstagramStoryReply", instagram(`"messaging":[{"sender":{"id":"31"},"recipient":{"id":"7003001"},"timestamp":1763719199000,"message":{"mid":"m1","text":"nice","reply_to":{"story":{"url":"https://cdn.example/s.mp4","id":"s9"}}}}]`), expect{platform: care.Instagram, id: "m1", thread: "31", replyTo: "s9", kind: care.KindStoryReply, text: "nice", author: "31", inOur: true, ref: "field=messages story=s9"}},
		{"InstagramUnsent", instagram(`"messaging":[{"sender":{"id":"31"},"recipient":{"id":"7003001"},"timestamp":1763719199000,"message":{"mid":"m1","is_deleted":true}}]`), expect{change: care.Deleted, platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, author: "31", ref: "field=messages"}},
		{"InstagramOwnEcho", instagram(`"messaging":[{"sender":{"id":"7003001"},"recipient":{"id":"31"},"timestamp":1763719199000,"message":{"mid":"m1","is_echo":true,"text":"we look into it"}}]`), expect{platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, text: "we look into it", author: "7003001", own: true, stranger: true, ref: "field=messages"}},
		{"InstagramOwnWithoutEchoFlag", instagram(`"messaging":[{"sender":{"id":"7003001"},"recipient":{"id":"31"},"message":{"mid":"m1","text":"x"}}]`), expect{platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, text: "x", author: "7003001", own: true, stranger: true, ref: "field=messages"}},
		{"InstagramUnderPage", `{"object":"page","entry":[{"id":"7003001","messaging":[{"sender":{"id":"31"},"recipient":{"id":"7003001"},"message":{"mid":"m1","text":"x"}}]}]}`, expect{platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, text: "x", author: "31", ref: "field=messages"}},
		{"InstagramDashboardTest", instagram(`"changes":[{"field":"messages","value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1527459824","message":{"mid":"random_mid","text":"random_text"}}}]`), expect{platform: care.Instagram, id: "random_mid", thread: "12334", kind: care.KindDirect, text: "random_text", author: "12334", ref: "field=messages"}},
		{"InstagramEdit", instagram(`"messaging":[{"sender":{"id":"31"},"recipient":{"id":"7003001"},"timestamp":1763719199000,"message_edit":{"mid":"m1","text":"fixed","num_edit":1}}]`), expect{change: care.Edited, platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, text: "fixed", author: "31", ref: "field=message_edits"}},

		{"Message", messenger(from(`"message":{"mid":"m1","text":"where is my order?"}`)), expect{platform: care.Messenger, id: "m1", thread: "31", kind: care.KindDirect, text: "where is my order?", author: "31", ref: "field=messages"}},
		{"MessageReply", messenger(from(`"message":{"mid":"m2","text":"yes","reply_to":{"mid":"m1"}}`)), expect{platform: care.Messenger, id: "m2", thread: "31", replyTo: "m1", kind: care.KindDirect, text: "yes", author: "31", ref: "field=messages"}},
		{"MessageEdit", messenger(from(`"message_edit":{"mid":"m1","text":"where is my order VL-12345678?","num_edit":1}`)), expect{change: care.Edited, platform: care.Messenger, id: "m1", thread: "31", kind: care.KindDirect, text: "where is my order VL-12345678?", author: "31", ref: "field=message_edits"}},
		{"Postback", messenger(from(`"postback":{"mid":"m3","title":"Talk to a person","payload":"HUMAN"}`)), expect{platform: care.Messenger, id: "m3", thread: "31", kind: care.KindDirect, text: "Talk to a person", author: "31", ref: "field=messaging_postbacks payload=HUMAN"}},
		{"PostbackWithReferral", messenger(from(`"postback":{"mid":"m3","title":"Get started","payload":"START","referral":{"ref":"x"}},"referral":{"ref":"x"}`)), expect{platform: care.Messenger, id: "m3", thread: "31", kind: care.KindDirect, text: "Get started", author: "31", ref: "field=messaging_postbacks payload=START"}},
		{"PostbackWithoutID", messenger(from(`"postback":{"title":"Start","payload":"GO"}`)), expect{platform: care.Messenger, id: "postback:31:1763719199000", thread: "31", kind: care.KindDirect, text: "Start", author: "31", ref: "field=messaging_postbacks payload=GO"}},
		{"Echo", messenger(`{"sender":{"id":"7002001"},"recipient":{"id":"31"},"timestamp":1763719199000,"message":{"is_echo":true,"app_id":15,"metadata":"reply:facebook:800_900","mid":"m4","text":"Thank you"}}`), expect{platform: care.Messenger, id: "m4", thread: "31", kind: care.KindDirect, text: "Thank you", author: "7002001", own: true, stranger: true, ref: "field=messages metadata=reply:facebook:800_900"}},
		{"EchoInStandby", strings.Replace(messenger(`{"sender":{"id":"7002001"},"recipient":{"id":"31"},"message":{"is_echo":true,"mid":"m4","text":"Thank you"}}`), "messaging", "standby", 1), expect{platform: care.Messenger, id: "m4", thread: "31", kind: care.KindDirect, text: "Thank you", author: "7002001", own: true, stranger: true, ref: "field=messages standby=true"}},
		{"BareInstagramItem", `{"sender":{"id":"31"},"recipient":{"id":"7003001"},"timestamp":1763719199000,"message":{"mid":"m1","text":"x"}}`, expect{platform: care.Instagram, id: "m1", thread: "31", kind: care.KindDirect, text: "x", author: "31", ref: "field=messages"}},
		{"BareEcho", `{"sender":{"id":"7002001"},"recipient":{"id":"31"},"timestamp":1763719199000,"message":{"mid":"m1","text":"x","is_echo":true}}`, expect{platform: care.Messenger, id: "m1", thread: "31", kind: care.KindDirect, text: "x", author: "7002001", own: true, stranger: true, ref: "field=messages"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(c.body), received, own)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Items) != 1 || len(got.Skipped) != 0 {
				t.Fatalf("%+v", got)
			}
			in, p := got.Items[0], got.Items[0].Post
			if c.want.change == "" {
				c.want.change = care.Received
			}
			have := expect{in.Change, p.Platform, p.NativeID, p.Thread, p.ReplyTo, p.Kind, p.Text, p.Author.ID, p.Author.Own, p.InOurThread, !p.Addressed, refs(p.Ref)}
			if diff := cmp.Diff(c.want, have, cmp.AllowUnexported(expect{})); diff != "" {
				t.Error(diff)
			}
			if p.CreatedAt.Year() < 2018 || !p.ReceivedAt.Equal(received) || p.Private != (p.Kind == care.KindDirect || p.Kind == care.KindStoryReply) {
				t.Errorf("%+v", p)
			}
		})
	}
}

func refs(ref map[string]string) string {
	var all []string
	for _, key := range []string{"comment", "field", "hidden", "hydrate", "item", "live", "media", "metadata", "payload", "standby", "story"} {
		if v, ok := ref[key]; ok {
			all = append(all, key+"="+v)
		}
	}
	if len(all) != len(ref) {
		all = append(all, fmt.Sprint(ref))
	}
	return strings.Join(all, " ")
}

// Messenger's like button sends a sticker; what it says is a thumb.
func TestNormaliseLike(t *testing.T) {
	for _, c := range []struct{ name, message, want string }{
		{"OKSmall", `"attachments":[{"type":"image","payload":{"url":"https://cdn.example/s.png","sticker_id":369239263222822}}]`, "👍"},
		{"OKMedium", `"sticker_id":369239343222814,"attachments":[{"type":"image","payload":{"url":"https://cdn.example/s.png"}}]`, "👍"},
		{"OKLarge", `"sticker":{"id":"369239383222810","url":"https://cdn.example/s.png"}`, "👍"},
		{"AnotherSticker", `"attachments":[{"type":"image","payload":{"url":"https://cdn.example/s.png","sticker_id":184571475493841}}]`, ""},
		{"WithWords", `"text":"look","attachments":[{"type":"image","payload":{"url":"https://cdn.example/s.png","sticker_id":369239263222822}}]`, "look"},
		{"OddID", `"attachments":[{"type":"image","payload":{"url":"https://cdn.example/s.png","sticker_id":{"a":[]}}}]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(messenger(from(`"message":{"mid":"m1",`+c.message+`}`))), received, own)
			if err != nil || len(got.Items) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			p := got.Items[0].Post
			if p.Text != c.want || (len(p.Attachments) == 0) != (c.want == "👍") {
				t.Errorf("text %q with %d attachments, want %q", p.Text, len(p.Attachments), c.want)
			}
		})
	}
}

// A mention of which Facebook tells only where it is needs a person's eyes.
func TestNormaliseMentionWithoutWords(t *testing.T) {
	for _, c := range []struct {
		name, value string
		unreadable  bool
	}{
		{"IDsOnly", `"verb":"add","item":"comment","post_id":"1_2","comment_id":"2_3","sender_id":"9"`, true},
		{"WithWords", `"verb":"add","item":"post","post_id":"1_2","sender_id":"9","message":"hey Veloria"`, false},
		{"WithPhoto", `"verb":"add","item":"post","post_id":"1_2","sender_id":"9","photo":"https://cdn.example/p.jpg"`, false},
		{"Removed", `"verb":"remove","item":"post","post_id":"1_2","sender_id":"9"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := `{"object":"page","entry":[{"id":"7002001","time":1795517000,"changes":[{"field":"mention","value":{` + c.value + `}}]}]}`
			got, err := meta.Normalise([]byte(body), received, own)
			if err != nil || len(got.Items) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if p := got.Items[0].Post; (p.Unreadable != "") != c.unreadable {
				t.Errorf("unreadable: %q, want it %v", p.Unreadable, c.unreadable)
			}
		})
	}
}

func TestNormaliseAttachments(t *testing.T) {
	for _, c := range []struct {
		name, message string
		kind          care.Kind
		want          []care.Attachment
		unreadable    bool
	}{
		{"Image", `"attachments":[{"type":"image","payload":{"url":"https://cdn.example/1.jpg"}}]`, care.KindDirect, []care.Attachment{{Type: "image", URL: "https://cdn.example/1.jpg"}}, false},
		{"StickerNew", `"sticker":{"id":"184571475493841","url":"https://cdn.example/s.png"}`, care.KindDirect, []care.Attachment{{Type: "image", URL: "https://cdn.example/s.png"}}, false},
		{"LinkShared", `"attachments":[{"type":"fallback","title":"Veloria","url":"https://veloria.example/help"}]`, care.KindDirect, []care.Attachment{{Type: "link", URL: "https://veloria.example/help"}}, false},
		{"Location", `"attachments":[{"type":"location","payload":{"coordinates":{"lat":1,"long":2}}}]`, care.KindDirect, []care.Attachment{{Type: "other"}}, false},
		{"Reel", `"attachments":[{"type":"ig_reel","payload":{"url":"https://cdn.example/r"}}]`, care.KindDirect, []care.Attachment{{Type: "video", URL: "https://cdn.example/r"}}, false},
		{"ScriptURL", `"attachments":[{"type":"file","payload":{"url":"javascript:alert(1)"}}]`, care.KindDirect, []care.Attachment{{Type: "file"}}, false},
		{"StoryMention", `"attachments":[{"type":"story_mention","payload":{"url":"https://cdn.example/s"}}]`, care.KindStoryMention, []care.Attachment{{Type: "story", URL: "https://cdn.example/s"}}, false},
		{"Unsupported", `"is_unsupported":true`, care.KindDirect, nil, true},
		{"OddTypes", `"attachments":[5,{"type":7,"payload":"x"},null]`, care.KindDirect, []care.Attachment{{Type: "other"}, {Type: "other"}, {Type: "other"}}, false},
		{"TooMany", `"attachments":[` + strings.TrimSuffix(strings.Repeat(`{"type":"audio"},`, 1000), ",") + `]`, care.KindDirect, slicesOf(16, care.Attachment{Type: "audio"}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(messenger(from(`"message":{"mid":"m1",`+c.message+`}`))), received, own)
			if err != nil || len(got.Items) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			p := got.Items[0].Post
			if p.Kind != c.kind || (p.Unreadable != "") != c.unreadable {
				t.Errorf("%+v", p)
			}
			if diff := cmp.Diff(c.want, p.Attachments); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func slicesOf[T any](n int, v T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestNormaliseSkips(t *testing.T) {
	for _, c := range []struct {
		body, kind string
		known      bool
	}{
		{page(`"item":"reaction","verb":"add","reaction_type":"love","post_id":"7002001_1"`), "feed/reaction", true},
		{page(`"item":"like","verb":"add"`), "feed/like", true},
		{page(`"item":"comment","verb":"hide","comment_id":"1_2"`), "feed/comment/hide", true},
		{page(`"item":"comment","verb":"unhide","comment_id":"1_2"`), "feed/comment/unhide", true},
		{page(`"item":"comment","verb":"sparkle","comment_id":"1_2"`), "feed/comment/sparkle", false},
		{page(`"item":"hologram","verb":"add"`), "feed/hologram", false},
		{pageField("leadgen", `"leadgen_id":"1"`), "leadgen", true},
		{pageField("telepathy", ``), "telepathy", false},
		{messenger(from(`"read":{"watermark":1}`)), "read", true},
		{messenger(from(`"delivery":{"mids":["m"],"watermark":1}`)), "delivery", true},
		{messenger(from(`"reaction":{"mid":"m","action":"react","emoji":"❤"}`)), "reaction", true},
		{messenger(from(`"pass_thread_control":{"new_owner_app_id":"1"}`)), "pass_thread_control", true},
		{messenger(from(`"optin":{"type":"x"}`)), "optin", true},
		{messenger(from(`"referral":{"ref":"x"}`)), "referral", true},
		{messenger(from(`"policy_enforcement":{"action":"warning"}`)), "policy_enforcement", true},
		{messenger(from(`"smell":{}`)), "messaging", false},
		{messenger(`{"sender":null,"recipient":null,"message":null}`), "messaging", false},
		{instagram(`"changes":[{"field":"story_insights","value":{}}]`), "story_insights", true},
		{instagram(`"changes":[{"field":"feed","value":{}}]`), "feed", false},
		{`{"object":"page","entry":[{"id":"1"}]}`, "entry", false},
		{`{"object":"user","entry":[{"id":"1"}]}`, "user", true},
		{`{"object":"permissions","entry":[]}`, "permissions", true},
		{`{"object":"whatsapp_business_account","entry":[]}`, "whatsapp_business_account", true},
		{`{"object":"refrigerator"}`, "refrigerator", false},
		{`{"app_id":"1","topic":"moderate","values":{"field":"replies","value":{}}}`, "", false},
		{`{}`, "", false},
		{`[]`, "", true},
	} {
		got, err := meta.Normalise([]byte(c.body), received, own)
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
		{"Truncated", `{"object":"page","entry":[{"id`, "not JSON"},
		{"Text", `"page"`, "the body: want a Meta webhook object, got a string"},
		{"Null", `null`, "want a Meta webhook object, got null"},
		{"ListOfNulls", `[null]`, "[0]: want a Meta webhook object, got null"},
		{"ObjectNumber", `{"object":5}`, "object: want a string, got a number"},
		{"EntryMissing", `{"object":"page"}`, `"entry" is missing`},
		{"EntryNull", `{"object":"page","entry":null}`, `"entry" is missing`},
		{"EntryText", `{"object":"page","entry":"x"}`, "entry: want a list, got a string"},
		{"EntryOfNumbers", `{"object":"page","entry":[1]}`, "entry[0]: want an entry object, got a number"},
		{"EntryWithoutID", `{"object":"page","entry":[{"messaging":[]}]}`, `entry[0]: "id" is missing`},
		{"EntryIDObject", `{"object":"page","entry":[{"id":{}}]}`, "entry[0].id: want a string or a whole number as id, got an object"},
		{"MessagingObject", `{"object":"page","entry":[{"id":"1","messaging":{}}]}`, "entry[0].messaging: want a list, got an object"},
		{"MessagingNumber", messenger(`7`), "entry[0].messaging[0]: want a messaging object, got a number"},
		{"ChangesText", `{"object":"page","entry":[{"id":"1","changes":"x"}]}`, "entry[0].changes: want a list"},
		{"ChangeNull", `{"object":"page","entry":[{"id":"1","changes":[null]}]}`, "entry[0].changes[0]: want a change object, got null"},
		{"ValueMissing", `{"object":"page","entry":[{"id":"1","changes":[{"field":"feed"}]}]}`, `entry[0].changes[0]: "value" is missing`},
		{"ValueText", `{"object":"page","entry":[{"id":"1","changes":[{"field":"feed","value":"x"}]}]}`, "entry[0].changes[0].value: want an object, got a string"},
		{"CommentWithoutID", page(`"item":"comment","verb":"add","post_id":"1","message":"x"`), `value: "comment_id" is missing`},
		{"PostWithoutID", page(`"item":"status","verb":"add","message":"x"`), `value: "post_id" is missing`},
		{"MessageNumber", page(`"item":"comment","verb":"add","comment_id":"1","message":5`), "value.message: want a string, got a number"},
		{"VerbObject", page(`"item":"comment","verb":{}`), "value.verb: want a string, got an object"},
		{"FromText", page(`"item":"comment","verb":"add","comment_id":"1","from":"Ana"`), "value.from: want an object, got a string"},
		{"MidMissing", messenger(from(`"message":{"text":"x"}`)), `message: "mid" is missing`},
		{"MidNull", messenger(from(`"message":{"mid":null,"text":null}`)), `message: "mid" is missing`},
		{"TextObject", messenger(from(`"message":{"mid":"m","text":{}}`)), "message.text: want a string, got an object"},
		{"MessageText", messenger(from(`"message":"hello"`)), "messaging[0].message: want an object, got a string"},
		{"SenderMissing", messenger(`{"recipient":{"id":"7002001"},"message":{"mid":"m","text":"x"}}`), `messaging[0]: "sender.id" is missing`},
		{"SenderText", messenger(`{"sender":"31","recipient":{"id":"7002001"},"message":{"mid":"m"}}`), "messaging[0].sender: want an object, got a string"},
		{"AttachmentsText", messenger(from(`"message":{"mid":"m","attachments":"x"}`)), "message.attachments: want a list, got a string"},
		{"TimestampObject", messenger(`{"sender":{"id":"31"},"recipient":{"id":"1"},"timestamp":{},"message":{"mid":"m"}}`), "timestamp: want a time, got an object"},
		{"InstagramNoID", instagram(`"changes":[{"field":"comments","value":{"text":"x"}}]`), `"id" is missing`},
		{"MentionNoID", instagram(`"changes":[{"field":"mentions","value":{}}]`), `"media_id" is missing`},
		{"HugeNumberID", messenger(from(`"message":{"mid":123456789012345678901234567890123456789}`)), "want a string or a whole number as id"},
		{"NULInID", messenger(from(`"message":{"mid":"a\u0000b"}`)), "control character"},
		{"BareSenderNumber", `{"sender":5,"recipient":{"id":"1"}}`, "sender: want an object, got a number"},
		{"TenMegabytes", `{"object":"page","entry":"` + strings.Repeat("x", 10<<20) + `"}`, "more than the limit"},
		{"Deep", `{"object":"page","entry":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`, "nests deeper than the limit of 64"},
		{"ManyTinyItems", messenger(strings.TrimSuffix(strings.Repeat(`{},`, 50_000), ",")), "more events than the limit of 5000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := meta.Normalise([]byte(c.body), received, own)
			if care.CodeOf(err) != care.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want Invalid with %q", err, c.says)
			}
		})
	}
}

// A call carries many updates of many kinds; one broken update loses no other.
func TestNormaliseKeepsTheReadable(t *testing.T) {
	body := `{"object":"page","entry":[
		{"id":"7002001","time":1,"messaging":[` + from(`"message":{"mid":"m1","text":"one"}`) + `,` + from(`"message":{"mid":[]}`) + `,` + from(`"read":{}`) + `]},
		{"time":2},
		{"id":"7002001","changes":[{"field":"feed","value":{` + comment + `}},{"field":"feed","value":7}]}]}`
	got, err := meta.Normalise([]byte(body), received, own)
	if care.CodeOf(err) != care.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, place := range []string{"entry[0].messaging[1].message.mid", `entry[1]: "id" is missing`, "entry[2].changes[1].value"} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("the error does not name %s: %v", place, err)
		}
	}
	if len(got.Items) != 2 || got.Items[0].Post.NativeID != "m1" || got.Items[1].Post.NativeID != "800_900" || len(got.Skipped) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestNormaliseCleansText(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		truncated      bool
	}{
		{"Escapes", `se\u00f1al \ud83d\ude21`, "señal 😡", false},
		{"LoneSurrogate", `a\ud83db`, "a\uFFFDb", false},
		{"NUL", `a\u0000b`, "ab", false},
		{"BadBytes", "a\xffb", "a\uFFFDb", false},
		{"Long", strings.Repeat("字", care.MaxTextBytes), strings.Repeat("字", care.MaxTextBytes/3), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(messenger(from(`"message":{"mid":"m1","text":"`+c.in+`"}`))), received, own)
			if err != nil {
				t.Fatal(err)
			}
			if p := got.Items[0].Post; p.Text != c.want || p.Truncated != c.truncated {
				t.Errorf("%.60q, truncated %v", p.Text, p.Truncated)
			}
		})
	}
}

func TestNormaliseTimes(t *testing.T) {
	for _, c := range []struct{ name, stamp, want string }{
		{"Millis", `1583173666767`, "2020-03-02T18:27:46.767Z"},
		{"Seconds", `1583173666`, "2020-03-02T18:27:46Z"},
		{"SecondsText", `"1583173666"`, "2020-03-02T18:27:46Z"},
		{"ISO", `"2021-09-08T06:34:04+0000"`, "2021-09-08T06:34:04Z"},
		{"Zero", `0`, "2025-11-21T10:00:00.123Z"},
		{"Null", `null`, "2025-11-21T10:00:00.123Z"},
		{"Nonsense", `"soon"`, "2025-11-21T10:00:00.123Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(strings.Replace(messenger(from(`"message":{"mid":"m1"}`)), "1763719199000", c.stamp, 1)), received, own)
			if err != nil {
				t.Fatal(err)
			}
			if at := got.Items[0].Post.CreatedAt.Format(time.RFC3339Nano); at != c.want {
				t.Errorf("got %s, want %s", at, c.want)
			}
		})
	}
}

// The loop guard must hold even when nobody told us which accounts are ours.
func TestOwnWithoutAccounts(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		{"CommentByThePage", page(strings.Replace(comment, `"id":"31"`, `"id":"7002001"`, 1)), true},
		{"MessageOfThePage", messenger(`{"sender":{"id":7002001},"recipient":{"id":"31"},"message":{"mid":"m"}}`), true},
		{"EchoUnderAnotherID", messenger(`{"sender":{"id":"5"},"recipient":{"id":"31"},"message":{"mid":"m","is_echo":true}}`), true},
		{"InstagramComment", instagram(`"field":"comments","value":{"id":"1","from":{"id":"7003001"}}`), true},
		{"Stranger", page(comment), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := meta.Normalise([]byte(c.body), received, nil)
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
	f.Add([]byte(page(comment)))
	f.Add([]byte(pageField("mention", `"post_id":"1"`)))
	f.Add([]byte(pageField("ratings", `"open_graph_story_id":"1"`)))
	f.Add([]byte(messenger(from(`"message_edit":{"mid":"m1"}`))))
	f.Add([]byte(messenger(from(`"postback":{"title":"x"}`))))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := meta.Normalise(body, received, own)
		if err != nil && care.CodeOf(err) != care.Invalid {
			t.Fatalf("code %s", care.CodeOf(err))
		}
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Fatalf("the error is not text: %q", err)
		}
		for _, in := range got.Items {
			p := in.Post
			if p.NativeID == "" || p.Thread == "" || p.Account == "" || p.Kind == "" || in.Change == "" || p.CreatedAt.IsZero() {
				t.Fatalf("half a post: %+v", in)
			}
			if p.Platform != care.Facebook && p.Platform != care.Messenger && p.Platform != care.Instagram {
				t.Fatalf("platform %q", p.Platform)
			}
			if len(p.Text) > care.MaxTextBytes || !utf8.ValidString(p.Text) || strings.ContainsRune(p.Text, 0) {
				t.Fatalf("unsafe text: %q", p.Text)
			}
			if p.Author.ID == p.Account && !p.Author.Own {
				t.Fatal("our own post is not recognised")
			}
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	for _, file := range []string{"facebook_page_feed_comment_add_real_log.json", "instagram_comments_facebook_login.json", "messenger_message_text.json"} {
		b.Run(strings.TrimSuffix(file, ".json"), func(b *testing.B) {
			body := fixture(b, file)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if got, err := meta.Normalise(body, received, own); err != nil || len(got.Items) != 1 {
					b.Fatal(err)
				}
			}
		})
	}
}
