package care

import (
	"strings"
	"time"
)

// Platform names the place where a post was written. Messenger is a platform of
// its own because its rules, ids and windows differ from Facebook comments.
type Platform string

// The platforms with an adapter, and PlatformPhone for calls in a timeline.
const (
	X         Platform = "x"
	Facebook  Platform = "facebook"
	Messenger Platform = "messenger"
	Instagram Platform = "instagram"
	Mastodon  Platform = "mastodon"
	Bluesky   Platform = "bluesky"
	Phone     Platform = "phone"
)

// Platforms lists every platform that posts can come from, in display order.
func Platforms() []Platform {
	return []Platform{X, Facebook, Messenger, Instagram, Mastodon, Bluesky}
}

// Kind says what sort of post it is, as its platform tells it.
type Kind string

// The kinds of posts.
const (
	KindMention      Kind = "mention"       // names our account in public
	KindReply        Kind = "reply"         // answers a post of ours, or a post in our thread
	KindQuote        Kind = "quote"         // quotes a post of ours
	KindRepost       Kind = "repost"        // repeats a post without a word of its own
	KindComment      Kind = "comment"       // a comment below our post, photo or video
	KindPost         Kind = "post"          // a post that stands alone (on our page, or found by keyword)
	KindDirect       Kind = "direct"        // a direct message
	KindStoryReply   Kind = "story_reply"   // a direct message that answers our story
	KindStoryMention Kind = "story_mention" // the author named us in a story
)

// MaxTextBytes bounds the text of one post. The longest text that any supported
// platform allows is 10,000 characters (X direct messages, Facebook 8,000), at
// most 40,000 bytes of UTF-8; a longer one is cut by the adapter with
// Post.Truncated set. It keeps an event and a workflow's state far below Step
// Functions' 256 KiB (quota "maximum input or output size").
const MaxTextBytes = 48 * 1024

// Author is who wrote a post, as far as the platform says.
type Author struct {
	// ID is the platform's stable id; empty where the platform hides it.
	ID     string `json:"id,omitempty"`
	Handle string `json:"handle,omitempty"` // without "@"; Mastodon: acct, with the host for remote accounts
	Name   string `json:"name,omitempty"`   // display name: untrusted text
	// Followers is nil when the platform does not tell.
	Followers *int      `json:"followers,omitempty"`
	Verified  bool      `json:"verified,omitempty"`
	Bot       bool      `json:"bot,omitempty"` // the platform labels the account automated
	Since     time.Time `json:"since,omitzero"`
	// Own is set by the adapter when the author is one of our own accounts
	// (loop guard): such a post is never answered.
	Own bool `json:"own,omitempty"`
}

// Attachment is something that came with a post. Its content is not fetched.
type Attachment struct {
	Type string `json:"type"` // image, video, audio, file, link, story, share, other
	URL  string `json:"url,omitempty"`
}

// Post is anything inbound. Adapters fill it; it is what PostReceived carries.
type Post struct {
	Platform Platform `json:"platform"`
	// NativeID is the platform's own id of the post.
	NativeID string `json:"nativeId"`
	// Account is the id of OUR account the post came in for (X: filter.user_id,
	// Meta: entry.id, Mastodon: account id, Bluesky: DID).
	Account string `json:"account"`
	Kind    Kind   `json:"kind"`
	Private bool   `json:"private"`
	Author  Author `json:"author"`
	// Text is plain text (HTML removed), valid UTF-8, at most MaxTextBytes.
	Text      string `json:"text"`
	Truncated bool   `json:"truncated,omitempty"`
	// Lang is the platform's own language hint (BCP 47), empty when unknown.
	Lang string `json:"lang,omitempty"`
	// Thread is the id of the thread's root on the platform. For a direct
	// message it is the other person's id, so that one person is one thread.
	Thread string `json:"thread"`
	// ReplyTo is the native id of the post answered or quoted, if any.
	ReplyTo string `json:"replyTo,omitempty"`
	// InOurThread is true when ReplyTo or Thread is known to be a post of ours.
	InOurThread bool `json:"inOurThread,omitempty"`
	// Addressed is true when the author turned to our account on purpose: an
	// explicit mention or quote of it, a comment on our page, a direct message.
	// X calls this "summoned" and lets self-serve apps answer only then.
	Addressed bool `json:"addressed,omitempty"`
	// Unreadable says why there is no text although there is a post, e.g.
	// "end-to-end encrypted". Only a person can deal with such a post.
	Unreadable  string       `json:"unreadable,omitempty"`
	URL         string       `json:"url,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	CreatedAt   time.Time    `json:"createdAt"`
	ReceivedAt  time.Time    `json:"receivedAt"`
	// Ref holds what the platform's adapter needs to answer, under keys that it
	// alone documents and reads (Bluesky: cid, root uri and cid; Mastodon: acct,
	// visibility; Facebook: page id).
	Ref map[string]string `json:"ref,omitempty"`
}

// PostID is the id of a post in Fielder: "<platform>:<native id>". It is unique
// across platforms and is the key of everything stored about the post.
type PostID string

// NewPostID joins a platform and its native id.
func NewPostID(p Platform, native string) PostID { return PostID(string(p) + ":" + native) }

// ID is the post's id in Fielder.
func (p Post) ID() PostID { return NewPostID(p.Platform, p.NativeID) }

// Split returns the platform and the native id; ok is false when the id has not
// the form "<platform>:<native id>".
func (id PostID) Split() (p Platform, native string, ok bool) {
	a, b, found := strings.Cut(string(id), ":")
	if !found || a == "" || b == "" {
		return "", "", false
	}
	return Platform(a), b, true
}

// ThreadKey names a thread across platforms: "<platform>:<account>:<thread>".
func (p Post) ThreadKey() string {
	return string(p.Platform) + ":" + p.Account + ":" + p.Thread
}

// ConversationKey names the conversation of one author in the post's thread; ""
// where the platform hides authors, and a whole thread is one conversation.
func (p Post) ConversationKey(author string) string {
	if author == "" {
		return p.ThreadKey()
	}
	return p.ThreadKey() + "#" + author
}

// Change is what happened to a post upstream.
type Change string

// The changes a platform can tell us about.
const (
	Received Change = "received"
	Edited   Change = "edited"
	Deleted  Change = "deleted"
)

// Inbound is one item that an adapter found in a webhook body or a page of a
// poll: a post and what happened to it. For Deleted only Platform, NativeID,
// Account, Author.ID and Thread of the post are promised.
type Inbound struct {
	Change Change `json:"change"`
	Post   Post   `json:"post"`
}

// Skipped is something in a body that is not for us: a known event type that
// care does not need (a like, a typing indicator), or an unknown one. It is
// counted and acknowledged, never an error.
type Skipped struct {
	Type   string `json:"type"`   // the platform's own event type or field
	Reason string `json:"reason"` // in words, e.g. "a like needs no care"
	Known  bool   `json:"known"`  // false: an event type we have never heard of
}

// Batch is what an adapter made of one body or page.
type Batch struct {
	Items   []Inbound
	Skipped []Skipped
}
