package meta

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// Normalise turns one webhook body into posts. It is pure and never panics.
// received is when the body came in; own lists our accounts, for the loop guard.
//
// Read are: {"object":"page"|"instagram","entry":[...]}, a list of such bodies,
// and a single messaging item. Ids may be any non-empty string.
//
// A body that is not JSON, nests too deep, is too large, or says something known
// in the wrong type is Invalid. Of a body with several updates the readable ones
// are returned beside the error, so that one broken update loses no other: publish
// the batch, then deal with the error. What Meta may send and care does not need,
// or what nobody has heard of yet, is Skipped and no error.
func Normalise(body []byte, received time.Time, own []platform.Account) (care.Batch, error) {
	doc, err := platform.Parse(body)
	if err != nil {
		return care.Batch{}, err
	}
	n := normaliser{received: received.UTC(), own: own}
	n.top(doc, true)
	return n.Result()
}

type normaliser struct {
	platform.Collector
	received time.Time
	own      []platform.Account
}

func (n *normaliser) top(v platform.Value, listAllowed bool) {
	switch {
	case v.IsList() && listAllowed:
		empty := true
		for _, each := range v.Elements() {
			if n.Full() {
				return
			}
			n.top(each, false)
			empty = false
		}
		if empty {
			n.Skip("", true, "the body is an empty list")
		}
	case !v.IsObject():
		n.Want(v, "a Meta webhook object")
	case v.Get("object").Exists():
		n.object(v)
	case isMessaging(v):
		n.bareMessaging(v)
	default:
		n.Skip("", false, "the body holds no Meta webhook event")
	}
}

// isMessaging recognises a messaging item by what only it has.
func isMessaging(v platform.Value) bool {
	return v.Get("sender").Exists() && v.Get("recipient").Exists()
}

// objects are the other things that an app can subscribe to at Meta (Graph API
// docs, Webhooks, objects).
var objects = map[string]bool{
	"user": true, "permissions": true, "application": true, "ad_account": true, "certificate_transparency": true,
	"whatsapp_business_account": true, "threads": true, "catalog": true, "group": true, "workplace_security": true,
	"business": true, "managed_meta_account": true, "commerce_shop": true,
}

func (n *normaliser) object(v platform.Value) {
	var r platform.Reader
	object := r.Text(v.Get("object"))
	if r.Fault() != nil {
		n.Bad(r.Fault())
		return
	}
	var p care.Platform
	switch object {
	case "page":
		p = care.Facebook
	case "instagram":
		p = care.Instagram
	default:
		reason := "an object that we have never heard of"
		if objects[object] {
			reason = "an object that care does not listen to"
		}
		n.Skip(object, objects[object], reason)
		return
	}
	entries := v.Get("entry")
	if entries.IsObject() {
		// Some senders forget the list around a single entry.
		n.entry(p, entries)
		return
	}
	if list := r.List(entries); !list.Exists() {
		if r.Fault() == nil {
			r.Missing(v, "entry")
		}
		n.Bad(r.Fault())
		return
	}
	for _, e := range entries.Elements() {
		if n.Full() {
			return
		}
		if !e.IsObject() {
			n.Want(e, "an entry object")
			continue
		}
		n.entry(p, e)
	}
}

// scope is what the updates of one entry share.
type scope struct {
	n        *normaliser
	platform care.Platform // of public posts: Facebook or Instagram
	account  string
	at       time.Time // when Meta sent it
}

func (n *normaliser) entry(p care.Platform, e platform.Value) {
	var r platform.Reader
	s := scope{n: n, platform: p, account: r.NeedID(e, "id"), at: r.Time(e.Get("time"), n.received)}
	messaging, standby, changes := r.List(e.Get("messaging")), r.List(e.Get("standby")), r.List(e.Get("changes"))
	field := r.Text(e.Get("field"))
	if r.Fault() != nil {
		n.Bad(r.Fault())
		return
	}
	// Instagram messages of old apps come under the object "page".
	if p == care.Facebook && platform.Own(n.own, care.Instagram, s.account, "") {
		s.platform = care.Instagram
	}
	known := false
	for _, list := range []struct {
		items   platform.Value
		standby bool
	}{{messaging, false}, {standby, true}} {
		for _, m := range list.items.Elements() {
			known = true
			if n.Full() {
				return
			}
			s.messaging(m, list.standby)
		}
	}
	for _, c := range changes.Elements() {
		known = true
		if n.Full() {
			return
		}
		if !c.IsObject() {
			n.Want(c, "a change object")
			continue
		}
		s.change(c)
	}
	if field != "" {
		known = true
		s.change(e)
	}
	if !known && !messaging.Exists() && !standby.Exists() && !changes.Exists() {
		n.Skip("entry", false, "an entry without messaging, standby, changes or field")
	}
}

// fields are webhook fields that care does not need, with the reason.
var fields = map[string]string{
	"leadgen":                       "a lead form belongs to marketing",
	"conversations":                 "the messages themselves come by another field",
	"story_insights":                "a story's figures need no care",
	"live_videos":                   "a live video of our own needs no care",
	"message_deliveries":            "a delivery receipt needs no care",
	"message_reads":                 "a read receipt needs no care",
	"message_reactions":             "a reaction needs no care",
	"messaging_seen":                "a read receipt needs no care",
	"messaging_handover":            "control of a conversation changed hands",
	"messaging_optins":              "an opt-in to marketing messages",
	"messaging_referrals":           "a link or advert was followed; nothing was said",
	"messaging_account_linking":     "an account was linked",
	"messaging_policy_enforcement":  "Meta warns the Page about its policy; a person has to look",
	"follow":                        "a follow needs no care",
	"name":                          "a change of our own Page",
	"picture":                       "a change of our own Page",
	"description":                   "a change of our own Page",
	"category":                      "a change of our own Page",
	"location":                      "a change of our own Page",
	"hours":                         "a change of our own Page",
	"phone":                         "a change of our own Page",
	"email":                         "a change of our own Page",
	"website":                       "a change of our own Page",
	"page_upcoming_change":          "a change of our own Page",
	"page_about_story":              "a change of our own Page",
	"page_change_proposal":          "a change of our own Page",
	"inbox_labels":                  "labels in the Page's inbox need no care",
	"feature_access_list":           "a list of features needs no care",
	"product_review":                "reviews of shop products are not read here",
	"video_text_question_responses": "answers to a video's questions are not read here",
	"messaging_feedback":            "a satisfaction survey of Meta's own",
	"response_feedback":             "a rating of an automated answer",
	"business_integrity":            "Meta's own check of the business",
	"group_feed":                    "a group of our Page is not read here",
}

// change takes {field, value}: an element of changes, or an entry that carries
// both itself (Instagram API with Instagram Login).
func (s *scope) change(c platform.Value) {
	var r platform.Reader
	field := r.Text(c.Get("field"))
	v := c.Get("value")
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	if reason, ok := fields[field]; ok {
		s.n.Skip(field, true, reason)
		return
	}
	var take func(platform.Value)
	switch {
	case field == "feed" && s.platform == care.Facebook:
		take = s.feed
	case field == "mention" && s.platform == care.Facebook:
		take = s.mention
	case field == "ratings" && s.platform == care.Facebook:
		take = s.rating
	case (field == "comments" || field == "live_comments") && s.platform == care.Instagram:
		take = func(v platform.Value) { s.comment(v, field) }
	case field == "mentions" && s.platform == care.Instagram:
		take = s.mentions
	case field == "messages" || field == "messaging_postbacks" || field == "message_edits" || field == "message_edit" || field == "message_echoes":
		take = func(v platform.Value) { s.messaging(v, false) }
	case field == "standby":
		take = func(v platform.Value) { s.messaging(v, true) }
	default:
		s.n.Skip(field, false, "a webhook field that we have never heard of")
		return
	}
	if v.IsList() {
		// "value set to an array that contains ..." (Instagram webhook examples).
		for _, each := range v.Elements() {
			if s.n.Full() {
				return
			}
			s.takeObject(c, each, take)
		}
		return
	}
	s.takeObject(c, v, take)
}

func (s *scope) takeObject(of, v platform.Value, take func(platform.Value)) {
	switch {
	case v.IsObject():
		take(v)
	case !v.Exists():
		var r platform.Reader
		r.Missing(of, "value")
		s.n.Bad(r.Fault())
	default:
		s.n.Want(v, "an object")
	}
}

// ours is the loop guard: the account that the webhook is for, or any other
// account of ours. A Page is the same account on Facebook and in Messenger.
func (s *scope) ours(p care.Platform, id, handle string) bool {
	if id != "" && id == s.account || platform.Own(s.n.own, p, id, handle) {
		return true
	}
	switch p {
	case care.Facebook:
		return platform.Own(s.n.own, care.Messenger, id, "")
	case care.Messenger:
		return platform.Own(s.n.own, care.Facebook, id, "")
	}
	return false
}

// author reads {id, name, username}; Facebook leaves it out when the author's
// settings say so.
func (s *scope) author(r *platform.Reader, from platform.Value) care.Author {
	from = r.Object(from)
	a := care.Author{
		ID:     r.ID(from.Get("id")),
		Name:   platform.Name(from.Get("name").Str()),
		Handle: platform.Name(strings.TrimPrefix(from.Get("username").Str(), "@")),
	}
	a.Own = s.ours(s.platform, a.ID, a.Handle)
	return a
}

// feedItems are the things of a Page's feed that say something (Graph API docs,
// Webhooks, Page, feed).
var feedItems = map[string]bool{
	"post": true, "status": true, "photo": true, "video": true, "share": true, "comment": true, "link": true,
	"album": true, "note": true, "event": true, "milestone": true,
}

// verb maps what happened; ok is false for verbs that change nothing that was
// said.
func verb(v string) (change care.Change, ok bool) {
	switch v {
	case "", "add":
		return care.Received, true
	case "edit", "edited", "update":
		return care.Edited, true
	case "remove", "delete":
		return care.Deleted, true
	}
	return "", false
}

// verbSkips are the verbs that are known and need no care.
var verbSkips = map[string]string{
	"hide":    "a moderator or filter hid it; what was said stays the same",
	"unhide":  "a moderator showed it again; what was said stays the same",
	"block":   "a moderator blocked somebody",
	"unblock": "a moderator unblocked somebody",
	"follow":  "a follow needs no care",
	"mute":    "muting needs no care",
}

// verbOf reads the verb, and skips what it makes needless.
func (s *scope) verbOf(r *platform.Reader, v platform.Value, kind string) (care.Change, bool) {
	name := r.Text(v.Get("verb"))
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return "", false
	}
	change, ok := verb(name)
	if ok {
		return change, true
	}
	if reason, known := verbSkips[name]; known {
		s.n.Skip(kind+"/"+name, true, reason)
	} else {
		s.n.Skip(kind+"/"+name, false, "a verb that we have never heard of")
	}
	return "", false
}

// feed takes a change of the Page's feed: a post or a comment on it.
func (s *scope) feed(v platform.Value) {
	var r platform.Reader
	item := r.Text(v.Get("item"))
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	switch {
	case item == "reaction" || item == "like":
		s.n.Skip("feed/"+item, true, "a reaction needs no care")
		return
	case item == "" && v.Get("comment_id").Exists():
		item = "comment"
	case item == "" && v.Get("post_id").Exists():
		item = "post"
	case !feedItems[item]:
		s.n.Skip("feed/"+item, false, "a feed item that we have never heard of")
		return
	}
	change, ok := s.verbOf(&r, v, "feed/"+item)
	if !ok {
		return
	}
	embedded := r.Object(v.Get("post"))
	post := r.ID(v.Get("post_id"))
	if post == "" {
		post = r.ID(embedded.Get("id"))
	}
	p := care.Post{
		Platform: care.Facebook, Account: s.account, Addressed: true,
		Author: s.author(&r, v.Get("from")), CreatedAt: r.Time(v.Get("created_time"), s.at), ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: "feed", RefItem: item},
	}
	if p.Author == (care.Author{}) {
		// Older subscriptions name the author in flat fields.
		p.Author = s.flatAuthor(&r, v)
	}
	if item == "comment" {
		p.Kind = care.KindComment
		p.NativeID = r.NeedID(v, "comment_id")
		p.ReplyTo = r.ID(v.Get("parent_id"))
		p.Thread = firstOf(post, p.ReplyTo, p.NativeID)
		if p.ReplyTo == "" {
			p.ReplyTo = post
		}
		// A Page's own posts carry its id in front: "<page id>_<post id>".
		p.InOurThread = strings.HasPrefix(post, s.account+"_")
	} else {
		p.Kind = care.KindPost
		p.NativeID = firstOf(post, r.ID(v.Get("share_id")), r.ID(v.Get("photo_id")), r.ID(v.Get("video_id")), r.ID(v.Get("album_id")), r.ID(v.Get("event_id")))
		if p.NativeID == "" {
			r.NeedID(v, "post_id")
		}
		p.Thread = p.NativeID
	}
	s.finish(&r, change, p, v, embedded)
}

// finish adds what all public Facebook posts have.
func (s *scope) finish(r *platform.Reader, change care.Change, p care.Post, v, embedded platform.Value) {
	p.Text, p.Truncated = platform.Text(r.Text(v.First("message", "review_text")))
	p.URL = platform.Link(firstOf(v.Get("permalink_url").Str(), embedded.Get("permalink_url").Str()))
	if v.Get("is_hidden").True() {
		p.Ref[RefHidden] = "true"
	}
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	p.Attachments = feedAttachments(v)
	if p.Text == "" && len(p.Attachments) == 0 && p.Ref[RefField] == "mention" {
		p.Unreadable = "Facebook tells that we were named, not what was said"
	}
	if change == care.Deleted {
		p.Text, p.Attachments, p.Unreadable = "", nil, ""
	}
	s.n.Add(change, p)
}

// maxAttachments bounds a post's attachments; Meta's platforms allow ten.
const maxAttachments = 16

func feedAttachments(v platform.Value) []care.Attachment {
	var found []care.Attachment
	add := func(kind, address string) {
		if address = platform.Link(address); address != "" && len(found) < maxAttachments {
			found = append(found, care.Attachment{Type: kind, URL: address})
		}
	}
	add("image", v.Get("photo").Str())
	add("video", v.Get("video").Str())
	for _, photo := range v.Get("photos").Elements() {
		add("image", photo.Str())
	}
	kind := "link"
	switch v.Get("item").Str() {
	case "photo":
		kind = "image"
	case "video":
		kind = "video"
	case "share":
		kind = "share"
	}
	add(kind, v.Get("link").Str())
	return found
}

func (s *scope) flatAuthor(r *platform.Reader, v platform.Value) care.Author {
	a := care.Author{
		ID:   r.ID(v.First("sender_id", "reviewer_id")),
		Name: platform.Name(v.First("sender_name", "reviewer_name").Str()),
	}
	a.Own = s.ours(care.Facebook, a.ID, "")
	return a
}

// mention takes a post or comment elsewhere that names our Page. Its author comes
// as sender_id and sender_name, or as from.
func (s *scope) mention(v platform.Value) {
	var r platform.Reader
	change, ok := s.verbOf(&r, v, "mention")
	if !ok {
		return
	}
	post, comment := r.ID(v.Get("post_id")), r.ID(v.Get("comment_id"))
	if post == "" && comment == "" {
		r.NeedID(v, "post_id")
	}
	p := care.Post{
		Platform: care.Facebook, NativeID: firstOf(comment, post), Account: s.account, Kind: care.KindMention, Addressed: true,
		Author: s.author(&r, v.Get("from")), Thread: firstOf(post, comment), ReplyTo: r.ID(v.Get("parent_id")),
		CreatedAt: r.Time(v.Get("created_time"), s.at), ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: "mention", RefItem: platform.Name(v.Get("item").Str())},
	}
	if p.Author == (care.Author{}) {
		p.Author = s.flatAuthor(&r, v)
	}
	p.InOurThread = strings.HasPrefix(post, s.account+"_")
	s.finish(&r, change, p, v, v.Get("post"))
}

// rating takes a recommendation of our Page, which can be answered like a post.
func (s *scope) rating(v platform.Value) {
	var r platform.Reader
	item := r.Text(v.Get("item"))
	if r.Fault() == nil && item != "" && item != "rating" && item != "comment" {
		s.n.Skip("ratings/"+item, item == "reaction" || item == "like", "a reaction to a recommendation needs no care")
		return
	}
	change, ok := s.verbOf(&r, v, "ratings")
	if !ok {
		return
	}
	story, comment := r.ID(v.First("open_graph_story_id", "post_id")), r.ID(v.Get("comment_id"))
	p := care.Post{
		Platform: care.Facebook, NativeID: firstOf(comment, story), Account: s.account, Kind: care.KindPost, Addressed: true,
		Author: s.author(&r, v.Get("from")), Thread: firstOf(story, comment),
		CreatedAt: r.Time(v.Get("created_time"), s.at), ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: "ratings", RefItem: firstOf(item, "rating")},
	}
	if p.NativeID == "" {
		r.NeedID(v, "open_graph_story_id")
	}
	if comment != "" {
		p.Kind, p.ReplyTo = care.KindComment, story
	}
	if p.Author == (care.Author{}) {
		p.Author = s.flatAuthor(&r, v)
	}
	s.finish(&r, change, p, v, platform.Value{})
}

// comment takes an Instagram comment in either shape: with Facebook Login its id
// is "comment_id", with Instagram Login "id". With Instagram Login a mention in a
// comment on somebody else's media arrives here too, and nothing tells it apart.
func (s *scope) comment(v platform.Value, field string) {
	var r platform.Reader
	change, ok := s.verbOf(&r, v, field)
	if !ok {
		return
	}
	media := r.Object(v.Get("media"))
	id := r.ID(v.Get("comment_id"))
	if id == "" {
		id = r.NeedID(v, "id")
	}
	p := care.Post{
		Platform: care.Instagram, NativeID: id, Account: s.account, Kind: care.KindComment, Addressed: true, InOurThread: true,
		Author: s.author(&r, v.Get("from")), ReplyTo: r.ID(v.Get("parent_id")),
		CreatedAt: r.Time(v.First("timestamp", "created_time"), s.at), ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: field},
	}
	mediaID := firstOf(r.ID(media.Get("id")), r.ID(v.Get("media_id")))
	p.Thread = firstOf(mediaID, p.ReplyTo, id)
	p.ReplyTo = firstOf(p.ReplyTo, mediaID)
	if mediaID != "" {
		p.Ref[RefMedia] = mediaID
	}
	if field == "live_comments" {
		p.Ref[RefLive] = "true"
	}
	p.Text, p.Truncated = platform.Text(r.Text(v.First("text", "message")))
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	if change == care.Deleted {
		p.Text = ""
	}
	s.n.Add(change, p)
}

// mentions takes an Instagram mention in a comment or caption of somebody else's
// media. The webhook has ids only: no text, no author. Client.Hydrate reads them.
func (s *scope) mentions(v platform.Value) {
	var r platform.Reader
	media := r.ID(v.Get("media_id"))
	comment := r.ID(v.Get("comment_id"))
	if media == "" && comment == "" {
		r.NeedID(v, "media_id")
	}
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	p := care.Post{
		Platform: care.Instagram, NativeID: firstOf(comment, media), Account: s.account, Kind: care.KindMention, Addressed: true,
		Thread: firstOf(media, comment), CreatedAt: s.at, ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: "mentions", RefHydrate: "true"},
	}
	if media != "" {
		p.Ref[RefMedia] = media
	}
	if comment != "" {
		p.Ref[RefComment] = comment
		p.ReplyTo = media
	}
	s.n.Add(care.Received, p)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// bareMessaging takes a single messaging item without a body around it. Whoever
// is ours of the two is the account; with neither known, the recipient is.
func (n *normaliser) bareMessaging(v platform.Value) {
	var r platform.Reader
	sender, recipient := r.ID(r.Object(v.Get("sender")).Get("id")), r.ID(r.Object(v.Get("recipient")).Get("id"))
	if r.Fault() != nil {
		n.Bad(r.Fault())
		return
	}
	s := scope{n: n, platform: care.Facebook, account: recipient, at: r.Time(v.Get("timestamp"), n.received)}
	if v.Get("message").Get("is_echo").True() {
		s.account = sender
	}
	if platform.Own(n.own, care.Instagram, s.account, "") {
		s.platform = care.Instagram
	}
	s.messaging(v, false)
}

// messagingSkips are the messaging events that say nothing (Messenger Platform
// docs, webhook events; Instagram Platform docs, webhooks).
var messagingSkips = []struct{ key, reason string }{
	{"read", "a read receipt needs no care"},
	{"delivery", "a delivery receipt needs no care"},
	{"reaction", "a reaction needs no care"},
	{"typing", "somebody typing needs no care"},
	{"sender_action", "somebody typing needs no care"},
	{"optin", "an opt-in to marketing messages"},
	{"referral", "a link or advert was followed; nothing was said"},
	{"account_linking", "an account was linked"},
	{"pass_thread_control", "control of a conversation changed hands"},
	{"take_thread_control", "control of a conversation changed hands"},
	{"request_thread_control", "another app asks for control of a conversation"},
	{"app_roles", "the roles of apps changed"},
	{"policy_enforcement", "Meta warns the Page about its policy; a person has to look"},
	{"policy-enforcement", "Meta warns the Page about its policy; a person has to look"},
	{"messaging_feedback", "a satisfaction survey of Meta's own"},
	{"response_feedback", "a rating of an automated answer"},
	{"message_context", "context of a conversation; nothing was said"},
	{"game_play", "a game was played"},
	{"order", "a shop order is not read here"},
	{"payment", "a payment is not read here"},
	{"pre_checkout", "a payment is not read here"},
	{"checkout_update", "a payment is not read here"},
	{"call", "a Messenger call is not read here"},
	{"calls", "a Messenger call is not read here"},
	{"business_disclosure", "a notice of Meta's own"},
}

// messaging takes one item of messaging or standby.
func (s *scope) messaging(m platform.Value, standby bool) {
	if !m.IsObject() {
		s.n.Want(m, "a messaging object")
		return
	}
	for _, skip := range messagingSkips {
		if m.Get(skip.key).Exists() && !m.Get("message").Exists() && !m.Get("postback").Exists() {
			s.n.Skip(skip.key, true, skip.reason)
			return
		}
	}
	var r platform.Reader
	p := care.Post{
		Platform: care.Messenger, Account: s.account, Kind: care.KindDirect, Private: true, Addressed: true,
		CreatedAt: r.Time(m.Get("timestamp"), s.at), ReceivedAt: s.n.received,
		Ref: map[string]string{RefField: "messages"},
	}
	if s.platform == care.Instagram {
		p.Platform = care.Instagram
	}
	sender := r.Object(m.Get("sender"))
	p.Author.ID = r.ID(sender.Get("id"))
	// Checkbox plug-ins and private replies name a person without an id yet.
	if p.Author.ID == "" {
		p.Author.ID = r.ID(sender.Get("user_ref"))
	}
	p.Author.Handle = platform.Name(sender.Get("username").Str())
	p.Author.Name = platform.Name(sender.Get("name").Str())
	recipient := r.Object(m.Get("recipient"))
	other := firstOf(r.ID(recipient.Get("id")), r.ID(recipient.Get("user_ref")), r.ID(recipient.Get("comment_id")))
	if standby {
		p.Ref[RefStandby] = "true"
	}
	change := care.Received
	message, postback, edit := r.Object(m.Get("message")), r.Object(m.Get("postback")), r.Object(m.First("message_edit", "message_edits"))
	switch {
	case r.Fault() != nil:
	case message.Exists():
		change = s.message(&r, &p, message)
	case postback.Exists():
		p.Ref[RefField] = "messaging_postbacks"
		p.Text, p.Truncated = platform.Text(r.Text(postback.Get("title")))
		s.payload(&p, postback.Get("payload"))
		p.NativeID = r.ID(postback.Get("mid"))
		if p.NativeID == "" && p.Author.ID != "" {
			// Old postbacks have no id of their own. Sender and millisecond name
			// the press of a button well enough to know it again.
			p.NativeID = "postback:" + p.Author.ID + ":" + strconv.FormatInt(p.CreatedAt.UnixMilli(), 10)
		}
	case edit.Exists():
		change = care.Edited
		p.Ref[RefField] = "message_edits"
		p.NativeID = r.NeedID(edit, "mid")
		p.Text, p.Truncated = platform.Text(r.Text(edit.Get("text")))
	default:
		s.n.Skip("messaging", false, "a messaging event that we have never heard of: "+keys(m))
		return
	}
	if r.Fault() == nil && p.Author.ID == "" {
		r.Missing(m, "sender.id")
	}
	if r.Fault() != nil {
		s.n.Bad(r.Fault())
		return
	}
	p.Author.Own = p.Author.Own || s.ours(p.Platform, p.Author.ID, p.Author.Handle)
	p.Thread = p.Author.ID
	if p.Author.Own {
		// The thread is the other person, whoever of the two speaks.
		p.Thread, p.Addressed = firstOf(other, p.Author.ID), false
	}
	s.n.Add(change, p)
}

// message reads the message of a messaging item.
func (s *scope) message(r *platform.Reader, p *care.Post, message platform.Value) care.Change {
	p.NativeID = r.NeedID(message, "mid", "id")
	if message.Get("is_echo").True() {
		p.Author.Own = true
		if metadata := platform.Name(message.Get("metadata").Str()); metadata != "" {
			p.Ref[RefMetadata] = metadata
		}
	}
	if message.Get("is_deleted").True() {
		return care.Deleted
	}
	p.Text, p.Truncated = platform.Text(r.Text(message.Get("text")))
	s.payload(p, message.Get("quick_reply").Get("payload"))
	if message.Get("is_unsupported").True() && p.Text == "" {
		p.Unreadable = "a kind of direct message that Meta does not deliver"
	}
	reply := r.Object(message.Get("reply_to"))
	p.ReplyTo = r.ID(reply.Get("mid"))
	if story := r.Object(reply.Get("story")); story.Exists() {
		p.Kind = care.KindStoryReply
		p.ReplyTo = r.ID(story.Get("id"))
		if p.ReplyTo != "" {
			p.Ref[RefStory] = p.ReplyTo
		}
		p.InOurThread = !p.Author.Own
		p.Attachments = append(p.Attachments, care.Attachment{Type: "story", URL: platform.Link(story.Get("url").Str())})
	}
	for _, a := range r.List(message.Get("attachments")).Elements() {
		if len(p.Attachments) >= maxAttachments {
			break
		}
		kind := a.Get("type").Str()
		payload := a.Get("payload")
		if kind == "story_mention" {
			p.Kind = care.KindStoryMention
		}
		p.Attachments = append(p.Attachments, care.Attachment{
			Type: attachmentType(kind),
			URL:  platform.Link(firstOf(payload.Get("url").Str(), a.Get("url").Str(), payload.Get("link").Str(), payload.Get("reel_video_url").Str())),
		})
	}
	if p.Text == "" && likeSticker(message) {
		p.Text, p.Attachments = "👍", nil
	} else if sticker := message.Get("sticker"); sticker.Exists() && len(p.Attachments) == 0 {
		// Since 2026-08-30 a sticker is no image attachment any more.
		p.Attachments = append(p.Attachments, care.Attachment{Type: "image", URL: platform.Link(sticker.Get("url").Str())})
	}
	return care.Received
}

// likeSticker recognises the thumb that Messenger's like button sends, in its
// three sizes. It comes as a sticker's picture, but says no more than a thumb.
func likeSticker(message platform.Value) bool {
	ids := []platform.Value{message.Get("sticker_id"), message.Get("sticker").Get("id"), message.Get("sticker").Get("sticker_id")}
	for _, a := range message.Get("attachments").Elements() {
		ids = append(ids, a.Get("payload").Get("sticker_id"))
		if len(ids) > 4 {
			return false
		}
	}
	for _, id := range ids {
		switch string(bytes.Trim(id.Raw(), `"`)) {
		case "369239263222822", "369239343222814", "369239383222810":
			return true
		}
	}
	return false
}

func attachmentType(kind string) string {
	switch kind {
	case "image", "video", "audio", "file", "story", "share":
		return kind
	case "story_mention", "ig_story":
		return "story"
	case "fallback", "link":
		return "link"
	case "ig_reel", "reel":
		return "video"
	case "ig_post", "post":
		return "share"
	case "sticker", "animated_image":
		return "image"
	}
	return "other"
}

// payload keeps what a pressed button means.
func (s *scope) payload(p *care.Post, v platform.Value) {
	if payload := platform.Name(v.Str()); payload != "" {
		p.Ref[RefPayload] = payload
	}
}

// keys lists the first few member names of an unknown item, for the log.
func keys(v platform.Value) string {
	var names []string
	for key := range v.Members() {
		if key != "sender" && key != "recipient" && key != "timestamp" && len(names) < 4 {
			names = append(names, platform.Name(key))
		}
	}
	if len(names) == 0 {
		return "no event in it"
	}
	return strings.Join(names, ", ")
}
