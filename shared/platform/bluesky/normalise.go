package bluesky

import (
	"bytes"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// Keys of Post.Ref.
const (
	refURI     = "uri"     // of the post, the same as its native id
	refCID     = "cid"     // its content id, part of every strong reference
	refRootURI = "rootUri" // of the thread's root; the post itself when it starts one
	refRootCID = "rootCid"
	refConvo   = "convo" // of a direct message: the conversation in the chat service
)

// Normalise makes a batch of one page of app.bsky.notification.listNotifications,
// in the page's order. It is pure. Error: Invalid when body is no such page.
func Normalise(body []byte, own platform.Account, received time.Time) (care.Batch, error) {
	p, ok := decodePage(body)
	if !ok {
		return care.Batch{}, care.Errorf(care.Invalid, "the page of notifications is not a JSON object with a list")
	}
	var b care.Batch
	seen := map[string]bool{}
	for _, n := range p.Notifications {
		add(&b, seen, n, own, received)
	}
	return b, nil
}

// add appends a notification to the batch; a post comes once, however many
// notifications name it.
func add(b *care.Batch, seen map[string]bool, n notification, own platform.Account, received time.Time) {
	in, skip := normalise(n, own, received)
	switch {
	case skip != nil:
		b.Skipped = append(b.Skipped, *skip)
	case seen[in.Post.NativeID]:
		b.Skipped = append(b.Skipped, care.Skipped{Type: typeName(string(n.Reason)), Reason: "a second notification about the same post", Known: true})
	default:
		seen[in.Post.NativeID] = true
		b.Items = append(b.Items, in)
	}
}

type page struct {
	Notifications []notification `json:"notifications"`
	Cursor        wire.Str       `json:"cursor"`
}

// decodePage reads a page; an element that is no object is kept as its zero
// value, so that it is counted. A null list is an empty one, a missing list means
// that body is something else.
func decodePage(body []byte) (page, bool) {
	var p page
	ok := wire.Object(body, &p) && (p.Notifications != nil || bytes.Contains(body, []byte(`"notifications"`)))
	return p, ok
}

// notForUs are the reasons that need no care (lexicon
// app.bsky.notification.listNotifications, reason).
var notForUs = map[string]string{
	"like":               "a like needs no care",
	"repost":             "a repost says nothing of its own",
	"follow":             "a new follower needs no care",
	"like-via-repost":    "a like needs no care",
	"repost-via-repost":  "a repost says nothing of its own",
	"starterpack-joined": "somebody joined through a starter pack",
	"verified":           "the account was verified",
	"unverified":         "the account lost its verification",
	"subscribed-post":    "a post of an account that we subscribed to is not addressed to us",
	"contact-match":      "a contact joined",
}

func typeName(s string) string {
	if s == "" || wire.Token(strings.NewReplacer("-", "_", "#", ".").Replace(s)) == "" {
		return "unreadable"
	}
	return s
}

func normalise(n notification, own platform.Account, received time.Time) (care.Inbound, *care.Skipped) {
	var kind care.Kind
	switch n.Reason {
	case "mention":
		kind = care.KindMention
	case "reply":
		kind = care.KindReply
	case "quote":
		kind = care.KindQuote
	default:
		reason, known := notForUs[string(n.Reason)]
		if !known {
			reason = "a reason that we have never heard of"
		}
		return care.Inbound{}, &care.Skipped{Type: typeName(string(n.Reason)), Reason: reason, Known: known}
	}
	did, _, rkey, ok := splitURI(string(n.URI))
	if !ok || n.Record == nil {
		return care.Inbound{}, &care.Skipped{Type: typeName(string(n.Reason)), Reason: "it names no post", Known: false}
	}
	r := *n.Record
	p := care.Post{
		Platform:   care.Bluesky,
		NativeID:   string(n.URI),
		Account:    own.Account,
		Kind:       kind,
		Author:     author(n.Author, did, own),
		Thread:     string(n.URI),
		CreatedAt:  r.CreatedAt.Time,
		ReceivedAt: received,
		Ref:        map[string]string{refURI: string(n.URI), refRootURI: string(n.URI)},
	}
	if cid := string(n.CID); validCID(cid) {
		p.Ref[refCID], p.Ref[refRootCID] = cid, cid
	}
	// The author's clock may claim anything; nothing is written after it is indexed.
	if at := n.IndexedAt.Time; p.CreatedAt.IsZero() || !at.IsZero() && p.CreatedAt.After(at) {
		p.CreatedAt = at
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = received
	}
	p.Text, p.Truncated = platform.Text(string(r.Text))
	for _, l := range r.Langs {
		if p.Lang = lang(string(l)); p.Lang != "" {
			break
		}
	}
	ours := func(uri string) bool {
		did, _, _, ok := splitURI(uri)
		return ok && did == own.Account
	}
	if r.Reply != nil {
		root, parent := r.Reply.Root, r.Reply.Parent
		if _, _, _, ok := splitURI(string(parent.URI)); ok {
			p.ReplyTo = string(parent.URI)
		}
		if _, _, _, ok := splitURI(string(root.URI)); ok {
			p.Thread, p.Ref[refRootURI] = string(root.URI), string(root.URI)
			delete(p.Ref, refRootCID)
			if validCID(string(root.CID)) {
				p.Ref[refRootCID] = string(root.CID)
			}
		}
		p.InOurThread = ours(p.ReplyTo) || ours(p.Thread)
	}
	switch kind {
	case care.KindQuote:
		p.InOurThread, p.Addressed = true, true
		if q := quoted(r.Embed); p.ReplyTo == "" && q != "" {
			p.ReplyTo = q
		}
	case care.KindMention:
		p.Addressed = true
	case care.KindReply:
		// Replies further down a thread of ours are announced too; their author
		// turned to somebody else.
		p.Addressed = ours(p.ReplyTo) || names(r.Facets, own.Account)
	}
	p.Attachments = attachments(r)
	if web(own.BaseURL) {
		p.URL = webURL(did, rkey)
	}
	return care.Inbound{Change: care.Received, Post: p}, nil
}

func author(a profile, did string, own platform.Account) care.Author {
	h := string(a.Handle)
	if !validHandle(h) {
		h = ""
	}
	v := a.Verification
	bot := false
	for _, l := range a.Labels {
		bot = bot || l.Val == "bot" && string(l.Src) == did // labelled by itself
	}
	return care.Author{
		ID:        did,
		Handle:    h,
		Name:      platform.Name(string(a.DisplayName)),
		Followers: a.Followers.Pointer(),
		Verified:  v.Status == "valid" || v.Trusted == "valid",
		Bot:       bot,
		Since:     a.CreatedAt.Time,
		Own:       did == own.Account,
	}
}

func quoted(e embed) string {
	for _, uri := range []wire.Str{e.Record.URI, e.Record.Record.URI} {
		if _, _, _, ok := splitURI(string(uri)); ok {
			return string(uri)
		}
	}
	return ""
}

func names(facets []facet, did string) bool {
	for _, f := range facets {
		for _, x := range f.Features {
			if x.DID != "" && string(x.DID) == did {
				return true
			}
		}
	}
	return false
}

// maxAttachments bounds what one post may carry; the lexicon allows 4 images.
const maxAttachments = 20

// attachments lists media, the quoted post and the links: their addresses are in
// facets, the text may show them shortened.
func attachments(r record) []care.Attachment {
	var list []care.Attachment
	seen := map[string]bool{}
	put := func(kind, uri string) {
		if kind == "link" {
			if uri = platform.Link(uri); uri == "" || seen[uri] {
				return
			}
			seen[uri] = true
		}
		if len(list) < maxAttachments {
			list = append(list, care.Attachment{Type: kind, URL: uri})
		}
	}
	e := r.Embed
	for range len(e.Images) + len(e.Media.Images) {
		put("image", "")
	}
	if e.Video != nil || e.Media.Video != nil {
		put("video", "")
	}
	if quoted(e) != "" {
		put("share", "")
	}
	put("link", string(e.External.URI))
	put("link", string(e.Media.External.URI))
	for _, f := range r.Facets {
		for _, x := range f.Features {
			put("link", string(x.URI))
		}
	}
	return list
}

// lang keeps what looks like a BCP 47 tag, else "".
func lang(s string) string {
	if len(s) < 2 || len(s) > 35 || s == "und" {
		return ""
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			return ""
		}
	}
	return s
}

// web reports whether posts behind this PDS are to be seen on bsky.app: not
// those of a private network.
func web(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	h := strings.ToLower(u.Hostname())
	if net.ParseIP(h) != nil || !strings.Contains(h, ".") {
		return false
	}
	switch h[strings.LastIndexByte(h, '.')+1:] {
	case "localhost", "local", "internal", "test", "example", "invalid", "lan":
		return false
	}
	return true
}

func webURL(did, rkey string) string {
	return "https://bsky.app/profile/" + did + "/post/" + url.PathEscape(rkey)
}

// logTypes are the chat events that are no message (lexicon
// chat.bsky.convo.getLog).
var logTypes = map[string]bool{
	"logBeginConvo": true, "logAcceptConvo": true, "logLeaveConvo": true, "logMuteConvo": true, "logUnmuteConvo": true,
	"logReadMessage": true, "logReadConvo": true, "logAddReaction": true, "logRemoveReaction": true,
	"logAddMember": true, "logRemoveMember": true, "logMemberJoin": true, "logMemberLeave": true,
	"logLockConvo": true, "logUnlockConvo": true, "logLockConvoPermanently": true, "logEditGroup": true,
	"logCreateJoinLink": true, "logEditJoinLink": true, "logEnableJoinLink": true, "logDisableJoinLink": true,
	"logIncomingJoinRequest": true, "logApproveJoinRequest": true, "logRejectJoinRequest": true, "logOutgoingJoinRequest": true, "logWithdrawJoinRequest": true,
}

// NormaliseLog makes a batch of one answer of chat.bsky.convo.getLog. It is pure.
// Error: Invalid when body is no such answer.
func NormaliseLog(body []byte, own platform.Account, received time.Time) (care.Batch, error) {
	l, ok := decodeLog(body)
	if !ok {
		return care.Batch{}, care.Errorf(care.Invalid, "the log of direct messages is not a JSON object with a list")
	}
	var b care.Batch
	for _, e := range l.Logs {
		addLog(&b, e, own, received)
	}
	return b, nil
}

type chatLog struct {
	Logs   []logEntry `json:"logs"`
	Cursor wire.Str   `json:"cursor"`
}

func decodeLog(body []byte) (chatLog, bool) {
	var l chatLog
	ok := wire.Object(body, &l) && (l.Logs != nil || bytes.Contains(body, []byte(`"logs"`)))
	return l, ok
}

func addLog(b *care.Batch, e logEntry, own platform.Account, received time.Time) {
	_, name, _ := strings.Cut(string(e.Type), "#")
	skip := func(reason string, known bool) {
		b.Skipped = append(b.Skipped, care.Skipped{Type: typeName(name), Reason: reason, Known: known})
	}
	change := care.Received
	switch {
	case name == "logCreateMessage":
	case name == "logDeleteMessage":
		change = care.Deleted
	case logTypes[name]:
		skip("nothing was said", true)
		return
	default:
		skip("a chat event that we have never heard of", false)
		return
	}
	m := e.Message
	from := string(m.Sender.DID)
	switch {
	case !chatID().MatchString(string(e.Convo)) || !chatID().MatchString(string(m.ID)) || !validDID(from):
		skip("a direct message without a readable id or sender", false)
		return
	case from == own.Account:
		skip("our own direct message", true)
		return
	case change == care.Received && strings.HasSuffix(string(m.Type), "#deletedMessageView"):
		skip("a direct message that was deleted before we read it", true)
		return
	}
	var who profile
	for _, p := range e.Profiles {
		if string(p.DID) == from {
			who = p
		}
	}
	p := care.Post{
		Platform:   care.Bluesky,
		NativeID:   string(e.Convo) + "/" + string(m.ID),
		Account:    own.Account,
		Kind:       care.KindDirect,
		Private:    true,
		Addressed:  true,
		Author:     author(who, from, own),
		Thread:     from,
		CreatedAt:  m.SentAt.Time,
		ReceivedAt: received,
		Ref:        map[string]string{refConvo: string(e.Convo)},
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = received
	}
	if change == care.Received {
		p.Text, p.Truncated = platform.Text(string(m.Text))
		if m.Embed != nil {
			p.Attachments = []care.Attachment{{Type: "share"}}
		}
	}
	b.Items = append(b.Items, care.Inbound{Change: change, Post: p})
}
