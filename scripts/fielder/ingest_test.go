package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/platform/meta"
	"github.com/fielder-care/fielder/shared/platform/x"
)

// Where the bodies lie, from the repository's root.
const (
	bodies      = "scripts/fielder/testdata/ingest"
	xSamples    = "shared/platform/x/testdata"
	metaSamples = "shared/platform/meta/testdata"
)

// item is what must become of one inbound item: the event that it is, its
// outcome, and words of one of the reasons that must stand there.
type item struct{ event, outcome, says string }

var (
	nothing = item{"none", "nothing", "The body holds nothing for us."}
	own     = item{"PostReceived", "ignored", "one of our own accounts"}
	deleted = item{"PostDeleted", "recorded", "its text is gone here too"}
	changed = item{"PostEdited", "recorded", "the timeline shows the new text"}
)

func answered(rule string) item   { return item{"PostReceived", "answered", "rule:" + rule + ": Rule"} }
func escalated(says string) item  { return item{"PostReceived", "escalated", says} }
func kept(says string) item       { return item{"PostReceived", "recorded", says} }
func ignored(says string) item    { return item{"PostReceived", "ignored", says} }
func nothingBut(says string) item { return item{"none", "nothing", says} }

// expectation is a body and what a care team would have become of it. The rows
// of a story build on one another, in their order.
type expectation struct {
	platform, name string
	want           []item
}

var expectations = []expectation{
	// X: X Activity API.
	{"x", "mention_opening_hours", []item{answered("opening-hours")}},
	{"x", "mention_opening_hours_spanish", []item{answered("opening-hours")}},
	{"x", "mention_portuguese", []item{answered("opening-hours")}},
	{"x", "reply_not_summoned", []item{escalated("policy:x-summoned")}},
	{"x", "quote_outage", []item{answered("outage")}},
	{"x", "story_edit_1_create", []item{answered("esim-activation")}},
	{"x", "story_edit_2_edited", []item{changed}},
	{"x", "story_edit_3_deleted", []item{deleted}},
	{"x", "edit_of_unknown", []item{{"PostEdited", "recorded", "of which no record was kept"}}},
	{"x", "delete_of_unknown", []item{deleted}},
	{"x", "keyword_about_us", []item{kept("praise")}},
	{"x", "keyword_outage_not_addressed", []item{escalated("intent")}},
	{"x", "keyword_competitor", []item{ignored("competitor: It names Tandemo")}},
	{"x", "keyword_namesake", []item{ignored("means something else")}},
	{"x", "repost", []item{ignored("repeats another post")}},
	{"x", "nothing_like", []item{nothingBut("like.create")}},
	{"x", "nothing_unfollow", []item{nothingBut("follow.unfollow")}},
	{"x", "nothing_dm_read", []item{nothingBut("dm.read")}},
	{"x", "nothing_dm_typing", []item{nothingBut("dm.indicate_typing")}},
	{"x", "nothing_chat_join", []item{nothingBut("chat.conversation_join")}},
	{"x", "nothing_profile_update", []item{nothingBut("profile.update.bio")}},
	{"x", "nothing_space_start", []item{nothingBut("spaces.start")}},
	{"x", "nothing_unheard_of_event", []item{nothingBut("never heard of")}},
	{"x", "dm_opening_hours", []item{answered("opening-hours")}},
	{"x", "dm_photo_only", []item{escalated("in private")}},
	{"x", "dm_quick_reply", []item{escalated("billing")}},
	{"x", "dm_group", []item{escalated("")}},
	{"x", "dm_listed_form", []item{escalated("personal-data: It holds personal data (order) in private.")}},
	{"x", "dm_sent_by_us", []item{own}},
	{"x", "chat_encrypted_group", []item{escalated("only a person can deal with it")}},
	{"x", "several_events_in_one_body", []item{answered("thanks"), deleted}},
	{"x", "list_of_envelopes", []item{answered("roaming")}},
	{"x", "long_post_complaint", []item{escalated("complaint: It complains")}},
	{"x", "mention_without_author_object", []item{answered("billing-in-public")}},
	{"x", "mention_personal_data", []item{answered("personal-data-in-public")}},
	{"x", "mention_lawyer", []item{escalated("legal")}},
	{"x", "mention_smoke", []item{escalated("a machine never answers that")}},
	{"x", "mention_hostile_text", []item{answered("outage")}},
	{"x", "mention_by_ourselves", []item{own}},
	{"x", "mention_of_friend", []item{ignored("points a friend")}},
	{"x", "mention_blocked_author", []item{ignored("blocked authors")}},
	{"x", "mention_with_photo", []item{kept("expects nothing")}},
	{"x", "one_of_two_broken", []item{answered("router-setup"), {"none", "unreadable", "data[1].payload"}}},
	// X: Account Activity API.
	{"x", "aaa_mention_extended", []item{escalated("complaint")}},
	{"x", "aaa_retweet", []item{ignored("repeats another post")}},
	{"x", "aaa_favourite", []item{nothingBut("favorite_events")}},
	{"x", "aaa_typing", []item{nothingBut("direct_message_indicate_typing_events")}},
	{"x", "aaa_revoked", []item{nothingBut("withdrew our access")}},
	{"x", "aaa_replay_status", []item{nothingBut("replay_job_status")}},

	// Facebook: Page feed, mention, ratings.
	{"facebook", "comment_outage", []item{answered("outage")}},
	{"facebook", "comment_nested_reply", []item{escalated("complaint")}},
	{"facebook", "comment_by_page", []item{own}},
	{"facebook", "comment_without_author", []item{answered("opening-hours")}},
	{"facebook", "comment_emoji", []item{ignored("says nothing that needs care")}},
	{"facebook", "comment_tags_friend", []item{kept("expects nothing")}},
	{"facebook", "comment_spam", []item{ignored("spam")}},
	{"facebook", "comment_photo_only", []item{kept("expects nothing")}},
	{"facebook", "comment_spanish_complaint", []item{escalated("rule:unhappy-with-agent")}},
	{"facebook", "comment_personal_data", []item{answered("personal-data-in-public")}},
	{"facebook", "story_comment_1_add", []item{answered("router-setup")}},
	{"facebook", "story_comment_2_edited", []item{changed}},
	{"facebook", "story_comment_3_hidden", []item{nothingBut("hid it")}},
	{"facebook", "story_comment_4_removed", []item{deleted}},
	{"facebook", "remove_of_unknown", []item{deleted}},
	{"facebook", "edited_of_unknown_chatter", []item{{"PostEdited", "ignored", "says nothing that needs care"}}},
	{"facebook", "reaction", []item{nothingBut("feed/reaction")}},
	{"facebook", "like", []item{nothingBut("feed/like")}},
	{"facebook", "visitor_post_cancel", []item{escalated("rule:churn-risk")}},
	{"facebook", "visitor_status_praise", []item{answered("thanks")}},
	{"facebook", "visitor_photo_complaint", []item{escalated("question")}},
	{"facebook", "page_own_status", []item{own}},
	{"facebook", "page_own_photos", []item{own}},
	{"facebook", "page_own_video", []item{own}},
	{"facebook", "page_event", []item{own}},
	{"facebook", "share_without_words", []item{kept("expects nothing")}},
	{"facebook", "mention_in_post", []item{escalated("complaint")}},
	{"facebook", "mention_in_comment_ids_only", []item{escalated("only a person can deal with it")}},
	{"facebook", "rating_negative", []item{escalated("rule:fraud-report")}},
	{"facebook", "rating_positive_no_words", []item{ignored("says nothing that needs care")}},
	{"facebook", "leadgen", []item{nothingBut("leadgen")}},
	{"facebook", "page_changes", []item{nothingBut("picture")}},
	{"facebook", "unheard_of_field", []item{nothingBut("page_horoscope")}},
	{"facebook", "unheard_of_item", []item{nothingBut("feed/hologram")}},
	{"facebook", "several_entries_and_changes", []item{answered("sim-activation"), ignored("says nothing"), escalated("fraud")}},
	{"facebook", "messaging_and_changes_in_one_entry", []item{answered("outage"), answered("coverage")}},

	// Messenger.
	{"messenger", "text_opening_hours", []item{answered("opening-hours")}},
	{"messenger", "text_order_with_number", []item{escalated("in private")}},
	{"messenger", "text_reply_to", []item{escalated("complaint")}},
	{"messenger", "text_after_advert", []item{answered("coverage")}},
	{"messenger", "image_only", []item{escalated("in private")}},
	{"messenger", "voice_only", []item{escalated("in private")}},
	{"messenger", "sticker_like", []item{ignored("says nothing that needs care")}},
	{"messenger", "location", []item{escalated("in private")}},
	{"messenger", "shared_link", []item{escalated("rule:fraud-report")}},
	{"messenger", "unsupported", []item{escalated("only a person can deal with it")}},
	{"messenger", "postback_get_started", []item{ignored("says nothing that needs care")}},
	{"messenger", "postback_menu_without_mid", []item{answered("opening-hours")}},
	{"messenger", "quick_reply", []item{escalated("in private")}},
	{"messenger", "echo_of_our_app", []item{own}},
	{"messenger", "echo_of_an_agent_in_the_inbox", []item{own}},
	{"messenger", "standby", []item{kept("Another app has this thread")}},
	{"messenger", "story_message_1_text", []item{escalated("complaint")}},
	{"messenger", "story_message_2_edited", []item{changed}},
	{"messenger", "story_message_3_unsent", []item{deleted}},
	{"messenger", "receipts_and_reactions", []item{nothingBut("reaction")}},
	{"messenger", "referral_and_optin", []item{nothingBut("referral")}},
	{"messenger", "handover", []item{nothingBut("control of a conversation")}},
	{"messenger", "policy_and_feedback", []item{nothingBut("policy_enforcement")}},
	{"messenger", "two_messages", []item{escalated("in private"), escalated("rule:churn-risk")}},
	{"messenger", "two_people_two_entries", []item{answered("esim-activation"), answered("roaming")}},
	{"messenger", "self_harm", []item{escalated("a person must look at once")}},
	{"messenger", "bare_item", []item{answered("thanks")}},
	{"messenger", "empty_messaging_list", []item{nothing}},
	{"messenger", "feature_unheard_of", []item{nothingBut("telepathy")}},

	// Instagram.
	{"instagram", "comment_opening_hours", []item{answered("opening-hours")}},
	{"instagram", "comment_instagram_login_shape", []item{answered("sim-activation")}},
	{"instagram", "comment_reply", []item{answered("billing-in-public")}},
	{"instagram", "comment_by_ourselves", []item{own}},
	{"instagram", "comment_tags_friend", []item{ignored("points a friend")}},
	{"instagram", "comment_emoji", []item{ignored("says nothing")}},
	{"instagram", "comment_spanish_praise", []item{answered("thanks")}},
	{"instagram", "comment_on_reel", []item{escalated("complaint")}},
	{"instagram", "comment_on_ad", []item{answered("coverage")}},
	{"instagram", "live_comment", []item{escalated("policy:instagram-live")}},
	{"instagram", "mention_in_caption", []item{escalated("only a person can deal with it")}},
	{"instagram", "mention_in_comment", []item{escalated("only a person can deal with it")}},
	{"instagram", "story_insights", []item{nothingBut("story_insights")}},
	{"instagram", "dm_question", []item{answered("roaming")}},
	{"instagram", "dm_story_reply", []item{escalated("question")}},
	{"instagram", "dm_story_reply_emoji", []item{ignored("says nothing")}},
	{"instagram", "dm_story_mention", []item{kept("expects nothing")}},
	{"instagram", "dm_unsent_unknown", []item{deleted}},
	{"instagram", "dm_echo", []item{own}},
	{"instagram", "dm_to_ourselves", []item{own}},
	{"instagram", "dm_seen_and_reaction", []item{nothingBut("read")}},
	{"instagram", "dm_shared_reel", []item{escalated("in private")}},
	{"instagram", "dm_ice_breaker", []item{answered("router-setup")}},
	{"instagram", "dm_standby", []item{kept("Another app has this thread")}},
	{"instagram", "story_dm_1_text", []item{escalated("complaint")}},
	{"instagram", "story_dm_2_edited", []item{changed}},
	{"instagram", "story_dm_3_unsent", []item{deleted}},
	{"instagram", "dm_in_changes_form", []item{answered("sim-activation")}},
	{"instagram", "dm_under_object_page", []item{escalated("rule:churn-risk")}},
	{"instagram", "comments_and_messages_mixed", []item{escalated("complaint-agent"), answered("thanks"), ignored("says nothing")}},
}

// TestIngest sends one body after the other through the running system, as a
// person at a terminal does.
func TestIngest(t *testing.T) {
	w := startTestWorld(t)
	for _, e := range expectations {
		t.Run(e.platform+"/"+e.name, func(t *testing.T) {
			checkIngest(t, e.platform, filepath.Join(bodies, e.platform, e.name+".json"), e.want)
		})
	}
	t.Run("every answer is in a thread, once", func(t *testing.T) {
		want := 0
		for _, e := range expectations {
			for _, i := range e.want {
				if i.outcome == "answered" {
					want++
				}
			}
		}
		keys := map[string]int{}
		for _, r := range w.standin.Replies() {
			keys[r.Platform+" "+r.Thread+" "+r.InReplyTo+" "+r.Key+" "+r.Text]++
			if strings.ContainsAny(r.Text, "{}<") {
				t.Errorf("a reply with something left over: %q", r.Text)
			}
		}
		if len(keys) < want {
			t.Errorf("%d posts count as answered, the platforms show %d replies", want, len(keys))
		}
		for key, n := range keys {
			if n > 1 {
				t.Errorf("said %d times: %s", n, key)
			}
		}
	})
	t.Run("no role lacks a grant", func(t *testing.T) {
		for denial := range w.stack.Denials() {
			t.Error(denial)
		}
	})
}

func checkIngest(t *testing.T, platform, file string, want []item) {
	t.Helper()
	got := ingestFiles(t, platform, file)
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(got), len(want), got)
	}
	for i, g := range got {
		if g.Event != want[i].event || g.Outcome != want[i].outcome {
			t.Errorf("item %d (%s) is %s, %s; want %s, %s. Reasons:\n  %s", i, g.ID, g.Event, g.Outcome, want[i].event, want[i].outcome, strings.Join(g.Reasons, "\n  "))
			continue
		}
		if !slices.ContainsFunc(g.Reasons, func(r string) bool { return strings.Contains(r, want[i].says) }) {
			t.Errorf("item %d (%s): no reason says %q:\n  %s", i, g.ID, want[i].says, strings.Join(g.Reasons, "\n  "))
		}
		if (g.ID == "") != (g.Event == "none") {
			t.Errorf("item %d: id %q with event %s", i, g.ID, g.Event)
		}
	}
}

// TestEveryBodyIsExpected keeps files and rows together.
func TestEveryBodyIsExpected(t *testing.T) {
	atRoot(t)
	files, err := filepath.Glob(filepath.Join(bodies, "*", "*.json"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d bodies: %v", len(files), err)
	}
	rows := map[string]int{}
	for _, e := range expectations {
		rows[filepath.Join(bodies, e.platform, e.name+".json")]++
	}
	for _, f := range files {
		if rows[f] != 1 {
			t.Errorf("%s has %d rows", f, rows[f])
		}
		delete(rows, f)
	}
	for f := range rows {
		t.Errorf("%s is expected but not there", f)
	}
}

// TestIngestSamples: the platforms' own samples. They are about accounts that are
// not ours, and several share one id.
func TestIngestSamples(t *testing.T) {
	startTestWorld(t)
	for _, r := range []struct {
		platform, file string
		want           []item
	}{
		{"x", xSamples + "/aaa_direct_message_events.json", []item{escalated("in private")}},
		{"x", xSamples + "/aaa_tweet_delete_events.json", []item{{"PostDeleted", "ignored", "our own post"}}},
		{"x", xSamples + "/crc_vector.json", []item{nothing}},
		{"x", xSamples + "/xaa_chat_received.json", []item{escalated("only a person")}},
		{"x", xSamples + "/xaa_dm_received.json", []item{escalated("in private")}},
		{"x", xSamples + "/xaa_dm_sent.json", []item{own}},
		{"x", xSamples + "/xaa_follow_follow.json", []item{nothingBut("follow.follow")}},
		{"x", xSamples + "/xaa_oauth_revoke.json", []item{nothingBut("withdrew our access")}},
		{"x", xSamples + "/xaa_post_create.json", []item{own}},
		{"x", xSamples + "/xaa_post_delete.json", []item{{"PostDeleted", "ignored", "our own post"}}},
		{"x", xSamples + "/xaa_post_mention_create.json", []item{ignored("points a friend")}},
		{"x", xSamples + "/xaa_post_repost_create.json", []item{ignored("repeats another post")}},
		{"facebook", metaSamples + "/facebook_page_feed_comment_add_real_log.json", []item{ignored("says nothing")}},
		{"facebook", metaSamples + "/facebook_page_feed_post_add.json", []item{kept("expects nothing")}},
		{"instagram", metaSamples + "/instagram_comment_reply_response.json", []item{nothing}},
		{"instagram", metaSamples + "/instagram_comments_facebook_login.json", []item{kept("expects nothing")}},
		// An echo, and then a direct message with the same id: each has its own record.
		{"instagram", metaSamples + "/instagram_dm_echo_story_mention.json", []item{own}},
		{"instagram", metaSamples + "/instagram_dm_text.json", []item{escalated("in private")}},
		{"instagram", metaSamples + "/instagram_dm_standby.json", []item{escalated("in private")}},
		{"instagram", metaSamples + "/instagram_dm_story_mention.json", []item{escalated("in private")}},
		{"instagram", metaSamples + "/instagram_mentions_comment.json", []item{escalated("only a person")}},
		{"messenger", metaSamples + "/messenger_message_text.json", []item{escalated("in private")}},
		{"messenger", metaSamples + "/messenger_message_quick_reply_official_messaging_item.json", []item{escalated("in private")}},
	} {
		t.Run(filepath.Base(r.file), func(t *testing.T) { checkIngest(t, r.platform, r.file, r.want) })
	}
}

// TestIngestSignsRawBytes: what is signed is the file as it is, whatever its
// white space and escapes.
func TestIngestSignsRawBytes(t *testing.T) {
	startTestWorld(t)
	body := []byte("\n{ \"object\" :\"page\",\n\t\"entry\":[{\"id\":\"7002001\",\"time\":1795517000,\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":\"comment\",\"verb\":\"add\",\"comment_id\":\"81_raw\",\"post_id\":\"7002001_81\",\"parent_id\":\"7002001_81\",\"created_time\":1795517000,\"from\":{\"id\":\"9100900\",\"name\":\"Zo\\u00eb \\ud83d\\ude00\"},\"message\":\"\\u00bfa qu\\u00e9 hora abr\\u00eds?\"}}]}]}\r\n")
	if !json.Valid(body) {
		t.Fatal("the body is not JSON")
	}
	file := filepath.Join(t.TempDir(), "raw.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	checkIngest(t, "facebook", file, []item{answered("opening-hours")})
	if sum := meta.Sign("s", body); sum == meta.Sign("s", bytes.TrimSpace(body)) || x.Sign("s", body) == x.Sign("s", bytes.TrimSpace(body)) {
		t.Error("the signature does not cover every byte")
	}
}
