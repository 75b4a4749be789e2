package mastodon

import (
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// Keys of Post.Ref.
const (
	refAcct         = "acct"         // the author as we must mention them
	refVisibility   = "visibility"   // of the post: public, unlisted, private, direct, or a server's own
	refURI          = "uri"          // ActivityPub id, the same on every server
	refNotification = "notification" // id of the notification that brought it
	refThread       = "thread"       // "parent" while Thread is the parent, not the root
)

// Normalise makes a batch of one page of GET /api/v1/notifications, in the
// page's order. It is pure; a reply's Thread is its parent until Poll has asked
// for the root. Error: Invalid when body is not a JSON list.
func Normalise(body []byte, own platform.Account, received time.Time) (care.Batch, error) {
	ns, ok := wire.List[notification](body)
	if !ok {
		return care.Batch{}, care.Errorf(care.Invalid, "the page of notifications is not a JSON list")
	}
	return batch(ns, own, received), nil
}

// batch keeps a post once, however many notifications name it.
func batch(ns []notification, own platform.Account, received time.Time) care.Batch {
	var b care.Batch
	seen := map[string]bool{}
	for _, n := range ns {
		in, skip := normalise(n, own, received)
		if skip != nil {
			b.Skipped = append(b.Skipped, *skip)
			continue
		}
		k := string(in.Change) + in.Post.NativeID
		if seen[k] {
			b.Skipped = append(b.Skipped, care.Skipped{Type: typeName(n), Reason: "a second notification about the same post", Known: true})
			continue
		}
		seen[k] = true
		b.Items = append(b.Items, in)
	}
	return b
}

// notForUs are the notification types that need no care, with the reason
// (Mastodon docs, Notification#type; GoToSocial and Pleroma sources).
var notForUs = map[string]string{
	"favourite":              "a favourite needs no care",
	"reblog":                 "a boost says nothing of its own",
	"follow":                 "a new follower needs no care",
	"follow_request":         "a follow request is for the account's owner",
	"poll":                   "the end of a poll needs no care",
	"status":                 "a post of an account that we follow is not addressed to us",
	"quoted_update":          "an edit of a post that we quoted ourselves",
	"admin.sign_up":          "a sign-up is for the server's moderators",
	"admin.report":           "a report is for the server's moderators",
	"severed_relationships":  "a moderation notice",
	"moderation_warning":     "a moderation notice",
	"annual_report":          "the server's yearly report",
	"move":                   "an account that moved",
	"reaction":               "an emoji reaction needs no care",
	"pleroma:emoji_reaction": "an emoji reaction needs no care",
	"pleroma:report":         "a report is for the server's moderators",
	"pleroma:chat_mention":   "a Pleroma chat, which cannot be answered through this API",
	"pending.favourite":      "waits for the account's owner to approve it",
	"pending.reply":          "waits for the account's owner to approve it",
	"pending.reblog":         "waits for the account's owner to approve it",
}

func typeName(n notification) string {
	if t := strings.ReplaceAll(string(n.Type), ":", "."); wire.Token(t) == "" {
		return "unreadable"
	}
	return string(n.Type)
}

// normalise makes an inbound item of a notification, or says why not.
func normalise(n notification, own platform.Account, received time.Time) (care.Inbound, *care.Skipped) {
	kind := care.KindMention
	change := care.Received
	switch n.Type {
	case "mention":
	case "quote":
		kind = care.KindQuote
	case "update":
		change = care.Edited
	default:
		reason, known := notForUs[string(n.Type)]
		if !known {
			reason = "a type of notification that we have never heard of"
		}
		return care.Inbound{}, &care.Skipped{Type: typeName(n), Reason: reason, Known: known}
	}
	s := n.Status
	if s.ID == "" {
		return care.Inbound{}, &care.Skipped{Type: typeName(n), Reason: "its post is gone or hidden from us", Known: true}
	}
	if !validID().MatchString(string(s.ID)) {
		return care.Inbound{}, &care.Skipped{Type: typeName(n), Reason: "the id of its post is not one", Known: false}
	}
	a := s.Account
	if a.ID == "" && a.Acct == "" {
		a = n.Account
	}
	p := care.Post{
		Platform:   care.Mastodon,
		NativeID:   string(s.ID),
		Account:    own.Account,
		Kind:       kind,
		Author:     author(a, own),
		Lang:       lang(string(s.Language)),
		URL:        platform.Link(string(s.URL)),
		CreatedAt:  s.CreatedAt.Time,
		ReceivedAt: received,
		Addressed:  n.Type != "update",
		Ref:        map[string]string{refVisibility: wire.Token(string(s.Visibility)), refURI: platform.Name(string(s.URI))},
	}
	if acct := string(a.Acct); validAcct().MatchString(acct) {
		p.Ref[refAcct] = acct
	}
	if validID().MatchString(string(n.ID)) {
		p.Ref[refNotification] = string(n.ID)
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = n.CreatedAt.Time
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = received
	}
	accts := map[string]string{}
	for _, m := range s.Mentions {
		if m.ID != "" && string(m.ID) == own.Account {
			p.Addressed = true
		}
		if validAcct().MatchString(string(m.Acct)) && m.URL != "" {
			accts[string(m.URL)] = string(m.Acct)
		}
	}
	text := plain(string(s.Content), accts, s.Quote != nil)
	if w := strings.TrimSpace(string(s.Spoiler)); w != "" {
		text = strings.TrimSpace(w + "\n\n" + text)
	}
	p.Text, p.Truncated = platform.Text(text)

	p.Thread = p.NativeID
	if parent := string(s.InReplyTo); validID().MatchString(parent) {
		p.ReplyTo, p.Thread = parent, parent
		p.Ref[refThread] = "parent"
		if by := string(s.InReplyToBy); by != "" && by == own.Account {
			p.InOurThread = true
			if p.Kind == care.KindMention {
				p.Kind = care.KindReply
			}
		}
	} else if q := wire.Or(s.Quote).id(); kind == care.KindQuote {
		p.InOurThread = true
		if validID().MatchString(q) {
			p.ReplyTo = q
		}
	}
	if s.Visibility == "direct" {
		p.Private, p.Kind, p.Addressed = true, care.KindDirect, true
		delete(p.Ref, refThread)
		if p.Author.ID != "" {
			p.Thread = p.Author.ID
		}
	}
	for _, m := range s.Media {
		if m == (media{}) {
			continue
		}
		p.Attachments = append(p.Attachments, attachment(m))
		if len(p.Attachments) == maxAttachments {
			break
		}
	}
	return care.Inbound{Change: change, Post: p}, nil
}

// maxAttachments bounds what one post may carry; servers allow 4 to 20.
const maxAttachments = 20

func author(a account, own platform.Account) care.Author {
	id := ""
	if validID().MatchString(string(a.ID)) {
		id = string(a.ID)
	}
	handle := string(a.Acct)
	if handle == "" {
		handle = string(a.Username)
	}
	if !validAcct().MatchString(handle) {
		handle = ""
	}
	return care.Author{
		ID:        id,
		Handle:    handle,
		Name:      platform.Name(string(a.DisplayName)),
		Followers: a.Followers.Pointer(),
		Bot:       bool(a.Bot),
		Since:     a.CreatedAt.Time,
		Own:       id != "" && id == own.Account,
	}
}

func attachment(m media) care.Attachment {
	t := "other"
	switch m.Type {
	case "image", "video", "audio":
		t = string(m.Type)
	case "gifv":
		t = "video"
	}
	u := platform.Link(string(m.URL))
	if u == "" {
		u = platform.Link(string(m.RemoteURL))
	}
	return care.Attachment{Type: t, URL: u}
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
