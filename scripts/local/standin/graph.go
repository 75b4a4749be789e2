package standin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Meta's windows (Messenger and Instagram messaging docs).
const (
	metaWindow      = 24 * time.Hour     // after the person's last message
	metaAgentWindow = 7 * 24 * time.Hour // with the tag HUMAN_AGENT
	privateReplyFor = 7 * 24 * time.Hour // after the comment
)

func graphError(status, code, subcode int, message string) answer {
	e := m{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Astandin"}
	if subcode != 0 {
		e["error_subcode"] = subcode
	}
	return answer{status: status, body: m{"error": e}}
}

func graphGone(id string) answer {
	return graphError(http.StatusBadRequest, 100, 33, "Unsupported request. Object with ID '"+id+"' does not exist, cannot be loaded due to missing permissions, or does not support this operation.")
}

var graphVersion = regexp.MustCompile(`^v\d+\.\d+$`)

func (s *Standin) routeGraph() {
	on := surface{
		point: "platform:facebook",
		allow: func(r *request) answer {
			if !graphVersion.MatchString(r.PathValue("version")) {
				return graphError(http.StatusBadRequest, 2500, 0, "Unknown path components: /"+r.PathValue("version"))
			}
			if s.graphCaller(r) == "" {
				return graphError(http.StatusBadRequest, 190, 0, "Invalid OAuth access token - Cannot parse access token")
			}
			return answer{}
		},
		refuse: func(f Fault) answer {
			if f == Throttle {
				return graphUsage(graphError(http.StatusBadRequest, 32, 0, "(#32) Page request limit reached"), 100, 1)
			}
			return graphError(http.StatusInternalServerError, 2, 0, "An unexpected error has occurred. Please retry your request later.")
		},
	}
	const at = "/standin/graph/{version}/{id}"
	op := func(pattern string, work func(*request) answer) {
		s.api(on, pattern, func(r *request) answer {
			left, _, ok := s.spend("graph", 1, 4800, time.Hour)
			if !ok {
				return on.refuse(Throttle)
			}
			return graphUsage(work(r), 100-left*100/4800, 0)
		})
	}
	op("GET "+at, s.graphNode)
	op("POST "+at, s.graphHide)
	op("DELETE "+at, s.graphDelete)
	op("POST "+at+"/comments", s.graphComment)
	op("GET "+at+"/comments", s.graphComments)
	op("POST "+at+"/replies", s.graphReply)
	op("GET "+at+"/replies", s.graphReplies)
	op("POST "+at+"/mentions", s.graphMention)
	op("POST "+at+"/messages", s.graphMessage)
	op("GET "+at+"/conversations", s.graphConversations)
}

// graphUsage puts on the headers that tell how much of the limit is used.
func graphUsage(a answer, percent, minutes int) answer {
	a = a.with("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_cputime":0,"total_time":0}`, percent))
	return a.with("X-Business-Use-Case-Usage", fmt.Sprintf(`{"standin":[{"type":"pages","call_count":%d,"total_cputime":0,"total_time":0,"estimated_time_to_regain_access":%d}]}`, percent, minutes))
}

// graphCaller is the platform whose token the request carries, "" without.
func (s *Standin) graphCaller(r *request) string {
	t := cmp.Or(r.bearer(), r.param("access_token"))
	for _, p := range []string{onFacebook, onInstagram} {
		a := s.account(p)
		if t != "" && (t == a.Token || t == a.ReadToken && !r.writes()) {
			return p
		}
	}
	return ""
}

// graphPost finds a post or comment that the caller may see.
func (s *Standin) graphPost(r *request, id string) *post {
	p := s.visible(s.graphCaller(r), id)
	if p == nil || p.private {
		return nil
	}
	return p
}

// graphTime is how the Graph API writes times.
func graphTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

// graphID makes an id that is larger than every one before.
func (s *Standin) graphID() string {
	s.seq++
	return strconv.FormatInt(s.now().UnixMilli()*1000+s.seq%1000, 10)
}

// graphComment is POST /{post or comment}/comments: public, on Facebook.
func (s *Standin) graphComment(r *request) answer {
	id := r.PathValue("id")
	target := s.graphPost(r, id)
	if target == nil && s.graphCaller(r) == onFacebook && strings.HasPrefix(id, s.account(onFacebook).ID+"_") {
		target = s.ownPost(onFacebook, id) // a post of the Page that nobody seeded
	}
	if target == nil || target.platform != onFacebook {
		return graphGone(id)
	}
	text := r.param("message")
	if no := graphText(text, len([]rune(text)), 8000); no.status != 0 {
		return no
	}
	object := target.thread[strings.LastIndex(target.thread, "_")+1:]
	p := s.put(&post{platform: onFacebook, id: object + "_" + s.graphID(), thread: target.thread, parent: target.id, by: s.ours(onFacebook), own: true, text: text, at: s.now().Truncate(time.Second)})
	return ok(m{"id": p.id})
}

// ownPost makes a post of ours known that the recorded day only points at.
func (s *Standin) ownPost(platform, id string) *post {
	if p := s.find(platform, id); p != nil {
		if p.deleted {
			return nil
		}
		return p
	}
	return s.put(&post{platform: platform, id: id, by: s.ours(platform), own: true, key: seeded, at: s.now()})
}

func graphText(text string, length, limit int) answer {
	if strings.TrimSpace(text) == "" {
		return graphError(http.StatusBadRequest, 100, 0, "(#100) The parameter message is required")
	}
	if length > limit {
		return graphError(http.StatusBadRequest, 100, 0, fmt.Sprintf("(#100) The message must not be longer than %d", limit))
	}
	return answer{}
}

// graphComments is GET /{post or comment}/comments.
func (s *Standin) graphComments(r *request) answer {
	if s.graphPost(r, r.PathValue("id")) == nil {
		return graphGone(r.PathValue("id"))
	}
	below := s.below(onFacebook, r.PathValue("id"))
	if r.query.Get("order") == "reverse_chronological" {
		slices.Reverse(below)
	}
	return s.graphPage(r, below, func(p *post) m {
		return m{"id": p.id, "from": m{"id": p.by.ID, "name": p.by.Name}, "message": p.text, "created_time": graphTime(p.at)}
	})
}

// below lists what answers a post directly, oldest first; below the root of a
// thread that is everything that answers nothing else.
func (s *Standin) below(platform, id string) []*post {
	at := s.places[platform]
	root := at.posts[id]
	var out []*post
	for _, p := range at.threads[root.thread] {
		if !p.deleted && !p.private && p.id != id && p.parent == id {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b *post) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) })
	return out
}

// graphPage cuts a list as the Graph API does: cursors that are opaque, "next"
// only when there is more.
func (s *Standin) graphPage(r *request, all []*post, show func(*post) m) answer {
	size, err := strconv.Atoi(cmp.Or(r.query.Get("limit"), "25"))
	if err != nil || size < 1 {
		return graphError(http.StatusBadRequest, 100, 0, "(#100) limit must be a positive number")
	}
	from := 0
	if after := r.query.Get("after"); after != "" {
		if i := slices.IndexFunc(all, func(p *post) bool { return p.id == after }); i >= 0 {
			from = i + 1
		}
	}
	data := []m{}
	page := all[from:min(from+min(size, 100), len(all))]
	for _, p := range page {
		data = append(data, show(p))
	}
	body := m{"data": data}
	if len(page) > 0 {
		paging := m{"cursors": m{"before": page[0].id, "after": page[len(page)-1].id}}
		if from+len(page) < len(all) {
			q := url.Values{}
			for k, v := range r.query {
				if k != "access_token" {
					q[k] = v
				}
			}
			q.Set("after", page[len(page)-1].id)
			paging["next"] = s.opt.BaseURL + r.URL.Path + "?" + q.Encode()
		}
		body["paging"] = paging
	}
	return ok(body)
}

// graphReply is POST /{comment}/replies: public, on Instagram. An answer to a
// reply hangs below the top comment.
func (s *Standin) graphReply(r *request) answer {
	target := s.graphPost(r, r.PathValue("id"))
	if target == nil || target.platform != onInstagram {
		return graphGone(r.PathValue("id"))
	}
	if target.hidden {
		return graphError(http.StatusBadRequest, 100, 0, "(#100) Cannot reply to a hidden comment")
	}
	text := r.param("message")
	if no := graphText(text, len([]rune(text)), 2200); no.status != 0 {
		return no
	}
	parent := target.id
	if top := s.find(onInstagram, target.parent); top != nil && target.parent != target.thread {
		parent = top.id
	}
	p := s.put(&post{platform: onInstagram, id: "179" + s.graphID(), thread: target.thread, parent: parent, by: s.ours(onInstagram), own: true, text: text, at: s.now().Truncate(time.Second)})
	return ok(m{"id": p.id})
}

func (s *Standin) graphReplies(r *request) answer {
	if s.graphPost(r, r.PathValue("id")) == nil {
		return graphGone(r.PathValue("id"))
	}
	return s.graphPage(r, s.below(onInstagram, r.PathValue("id")), func(p *post) m {
		return m{"id": p.id, "from": m{"id": p.by.ID, "username": p.by.Handle}, "username": p.by.Handle, "text": p.text, "timestamp": graphTime(p.at)}
	})
}

// graphMention is POST /{ig-user}/mentions: an answer where somebody named us.
func (s *Standin) graphMention(r *request) answer {
	if s.graphCaller(r) != onInstagram || r.PathValue("id") != s.account(onInstagram).ID {
		return graphGone(r.PathValue("id"))
	}
	id := cmp.Or(r.param("comment_id"), r.param("media_id"))
	target := s.graphPost(r, id)
	if target == nil {
		return graphGone(id)
	}
	text := r.param("message")
	if no := graphText(text, len([]rune(text)), 2200); no.status != 0 {
		return no
	}
	p := s.put(&post{platform: onInstagram, id: "179" + s.graphID(), thread: target.thread, parent: target.id, by: s.ours(onInstagram), own: true, text: text, at: s.now().Truncate(time.Second)})
	return ok(m{"id": p.id})
}

// graphMessage is POST /{page or ig-user}/messages: a direct message, or the one
// private reply that a comment allows.
func (s *Standin) graphMessage(r *request) answer {
	caller := s.graphCaller(r)
	if r.PathValue("id") != s.account(caller).ID {
		return graphGone(r.PathValue("id"))
	}
	text := str(dig(r.body, "message", "text"))
	length, limit := len([]rune(text)), 2000
	direct := onMessenger
	if caller == onInstagram {
		length, limit, direct = len(text), 1000, onInstagram
	}
	if no := graphText(text, length, limit); no.status != 0 {
		return no
	}
	p := &post{platform: direct, by: s.ours(direct), own: true, private: true, text: text, at: s.now(), key: str(dig(r.body, "message", "metadata"))}
	recipient := object(r.body["recipient"])
	target := cmp.Or(str(recipient["comment_id"]), str(recipient["post_id"]))
	if target != "" {
		asked := s.graphPost(r, target)
		if asked == nil {
			return graphGone(target)
		}
		switch {
		case asked.answered && caller == onInstagram:
			return graphError(http.StatusBadRequest, 100, 2534014, "The comment has been replied to already")
		case asked.answered:
			return graphError(http.StatusBadRequest, 10900, 0, "(#10900) Activity already replied to")
		case s.now().Sub(asked.at) > privateReplyFor, s.refusing[caller+" "+asked.by.ID], asked.by.ID == "":
			return graphError(http.StatusBadRequest, 10903, 0, "(#10903) This user cannot reply to this activity")
		}
		asked.answered = true
		p.to, p.thread, p.parent = asked.by.ID, asked.by.ID, asked.id
	} else {
		p.to = str(recipient["id"])
		p.thread = p.to
		if no := s.graphWindow(r, direct, p.to); no.status != 0 {
			return no
		}
	}
	p.id = "m_" + s.graphID()
	s.put(p)
	return ok(m{"recipient_id": p.to, "message_id": p.id})
}

// graphWindow says whether a person may be written to now.
func (s *Standin) graphWindow(r *request, platform, id string) answer {
	who := s.people[platform][id]
	if who == nil {
		return graphError(http.StatusBadRequest, 100, 2018001, "(#100) No matching user found")
	}
	if s.refusing[platform+" "+id] {
		return graphError(http.StatusBadRequest, 551, 2018108, "(#551) This person isn't available right now.")
	}
	open := metaWindow
	if str(r.body["messaging_type"]) == "MESSAGE_TAG" && str(r.body["tag"]) == "HUMAN_AGENT" {
		open = metaAgentWindow
	}
	if s.now().Sub(who.lastWrote) > open {
		return graphError(http.StatusBadRequest, 10, 2018278, "(#10) This message is sent outside of allowed window.")
	}
	return answer{}
}

// graphConversations is GET /{page or ig-user}/conversations: the conversation
// with one person, newest message first.
func (s *Standin) graphConversations(r *request) answer {
	caller := s.graphCaller(r)
	if r.PathValue("id") != s.account(caller).ID {
		return graphGone(r.PathValue("id"))
	}
	platform := cmp.Or(r.query.Get("platform"), onMessenger)
	if platform == onMessenger && caller != onFacebook || platform == onInstagram && caller != onInstagram {
		return graphError(http.StatusBadRequest, 100, 0, "(#100) platform "+platform+" does not belong to this account")
	}
	data := []m{}
	for _, thread := range s.places[platform].order {
		if id := r.query.Get("user_id"); id != "" && id != thread {
			continue
		}
		if c := s.graphConversation(r, platform, thread); c != nil {
			data = append(data, c)
		}
	}
	return ok(m{"data": data})
}

var messageLimit = regexp.MustCompile(`messages\.limit\((\d+)\)`)

// graphConversation is nil when nothing private was said in the thread.
func (s *Standin) graphConversation(r *request, platform, thread string) m {
	limit := 25
	if found := messageLimit.FindStringSubmatch(r.query.Get("fields")); found != nil {
		limit, _ = strconv.Atoi(found[1])
	}
	var said []*post
	for _, p := range s.places[platform].threads[thread] {
		if p.private && !p.deleted {
			said = append(said, p)
		}
	}
	if len(said) == 0 {
		return nil
	}
	slices.Reverse(said)
	data := []m{}
	for _, p := range said[:min(limit, len(said))] {
		from := m{"id": p.by.ID}
		if p.by.Name != "" {
			from["name"] = p.by.Name
		}
		if platform == onInstagram {
			from = m{"id": p.by.ID, "username": p.by.Handle}
		}
		data = append(data, m{"id": p.id, "message": p.text, "from": from, "created_time": graphTime(p.at)})
	}
	messages := m{"data": data}
	if len(said) > limit {
		messages["paging"] = m{"next": s.opt.BaseURL + r.URL.Path + "?after=" + said[limit-1].id, "cursors": m{"after": said[limit-1].id}}
	}
	return m{"id": "t_" + thread, "messages": messages}
}

var mentioned = regexp.MustCompile(`mentioned_(comment|media)\.(?:comment|media)_id\(([^)]*)\)`)

// graphNode is GET /{id}: a comment or post, a person, or a mention of ours.
func (s *Standin) graphNode(r *request) answer {
	id, fields, caller := r.PathValue("id"), r.query.Get("fields"), s.graphCaller(r)
	if found := mentioned.FindStringSubmatch(fields); found != nil && id == s.account(caller).ID {
		p := s.graphPost(r, found[2])
		if p == nil || !p.mentions {
			return graphGone(found[2])
		}
		v := m{"id": p.id, "timestamp": graphTime(p.at), "username": p.by.Handle}
		if found[1] == "comment" {
			v["text"], v["from"], v["media"] = p.text, m{"id": p.by.ID, "username": p.by.Handle}, m{"id": p.thread}
		} else {
			v["caption"], v["media_type"] = p.text, "IMAGE"
		}
		return ok(m{"mentioned_" + found[1]: v, "id": id})
	}
	if p := s.graphPost(r, id); p != nil {
		if caller == onInstagram {
			return ok(m{"id": p.id, "text": p.text, "username": p.by.Handle, "from": m{"id": p.by.ID, "username": p.by.Handle}, "timestamp": graphTime(p.at), "hidden": p.hidden})
		}
		v := m{"id": p.id, "message": p.text, "from": m{"id": p.by.ID, "name": p.by.Name}, "created_time": graphTime(p.at), "is_hidden": p.hidden,
			"can_reply_privately": !p.own && !p.answered && s.now().Sub(p.at) <= privateReplyFor}
		if strings.Contains(fields, "private_reply_conversation") {
			if c := s.privateReplyTo(r, p); c != nil {
				v["private_reply_conversation"] = c
			}
		}
		return ok(v)
	}
	for _, platform := range []string{onMessenger, onInstagram, onFacebook} {
		if who := s.people[platform][id]; who != nil && (platform == onInstagram) == (caller == onInstagram) {
			first, last, _ := strings.Cut(who.Name, " ")
			return ok(m{"id": id, "first_name": first, "last_name": last, "name": who.Name, "username": who.Handle})
		}
	}
	return graphGone(id)
}

// privateReplyTo is the conversation that a comment's private reply opened.
func (s *Standin) privateReplyTo(r *request, asked *post) m {
	for _, p := range s.places[onMessenger].posts {
		if p.parent == asked.id && p.private && !p.deleted {
			return s.graphConversation(r, onMessenger, p.thread)
		}
	}
	return nil
}

// graphHide is POST /{comment}?hide=true.
func (s *Standin) graphHide(r *request) answer {
	p := s.graphPost(r, r.PathValue("id"))
	if p == nil {
		return graphGone(r.PathValue("id"))
	}
	hide, err := strconv.ParseBool(cmp.Or(r.param("hide"), r.param("is_hidden")))
	if err != nil {
		return graphError(http.StatusBadRequest, 100, 0, "(#100) hide must be true or false")
	}
	p.hidden = hide
	return ok(m{"success": true})
}

func (s *Standin) graphDelete(r *request) answer {
	p := s.graphPost(r, r.PathValue("id"))
	if p == nil {
		return graphGone(r.PathValue("id"))
	}
	p.deleted = true
	return ok(m{"success": true})
}

// SeedMeta puts in what a webhook body of Facebook, Messenger or Instagram tells
// of: posts, comments, edits, removals and direct messages. Other fields change
// nothing. A body may be wrapped in a list, as one of Meta's own samples is.
func (s *Standin) SeedMeta(body []byte) error {
	v, err := readJSON(body)
	if err != nil {
		return fmt.Errorf("standin: Meta body: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bodies := list(v)
	if bodies == nil {
		bodies = []any{v}
	}
	for _, b := range bodies {
		for _, e := range list(dig(b, "entry")) {
			s.seedEntry(str(dig(b, "object")), object(e))
		}
		if object(b)["sender"] != nil { // one messaging item without a body around it
			s.seedDirect(onMessenger, object(b))
		}
	}
	return nil
}

func (s *Standin) seedEntry(kind string, entry map[string]any) {
	at := parseTime(entry["time"])
	direct := append(list(entry["messaging"]), list(entry["standby"])...)
	for _, c := range append(list(entry["changes"]), any(entry)) { // Instagram Login puts field and value into the entry
		field, value := str(dig(c, "field")), object(dig(c, "value"))
		switch {
		case value == nil:
		case field == "feed" || field == "mention" || field == "ratings":
			s.seedFeed(value)
		case field == "messages" || field == "messaging_postbacks":
			direct = append(direct, value)
		case field == "comments" || field == "live_comments" || field == "mentions" && value["text"] != nil:
			s.seedComment(field, value, at)
		}
	}
	platform := onMessenger
	if kind == "instagram" || str(entry["id"]) == s.account(onInstagram).ID {
		platform = onInstagram
	}
	for _, each := range direct {
		s.seedDirect(platform, object(each))
	}
}

func (s *Standin) seedFeed(v map[string]any) {
	id := cmp.Or(str(v["comment_id"]), str(v["post_id"]), str(v["open_graph_story_id"]))
	switch verb := str(v["verb"]); {
	case id == "":
	case verb == "remove":
		if p := s.find(onFacebook, id); p != nil {
			p.deleted = true
		}
	case verb == "hide" || verb == "unhide":
		if p := s.find(onFacebook, id); p != nil {
			p.hidden = verb == "hide"
		}
	case verb == "add" || verb == "edited" || verb == "edit":
		if item := str(v["item"]); item == "reaction" || item == "like" {
			return
		}
		p := &post{platform: onFacebook, id: id, thread: str(v["post_id"]), parent: str(v["parent_id"]), text: cmp.Or(str(v["message"]), str(v["review_text"])), at: parseTime(v["created_time"])}
		who := person{ID: cmp.Or(str(dig(v, "from", "id")), str(v["sender_id"]), str(v["reviewer_id"])),
			Name: cmp.Or(str(dig(v, "from", "name")), str(v["sender_name"]), str(v["reviewer_name"]))}
		if p.own = who.ID != "" && who.ID == s.account(onFacebook).ID; p.own {
			p.by, p.key = s.ours(onFacebook), seeded
		} else {
			p.by = s.meet(onFacebook, who)
			// The same person is known to Messenger once they were privately answered.
			s.meet(onMessenger, who)
		}
		if p.thread != p.id {
			s.ownPost(onFacebook, p.thread)
		}
		s.put(p)
	}
}

func (s *Standin) seedComment(field string, v map[string]any, at time.Time) {
	id := cmp.Or(str(v["comment_id"]), str(v["id"]))
	media := str(dig(v, "media", "id"))
	if media == "" {
		media = str(v["media_id"])
	}
	if id == "" {
		if id = media; field != "mentions" || id == "" {
			return
		}
	}
	p := &post{platform: onInstagram, id: id, thread: cmp.Or(media, id), parent: cmp.Or(str(v["parent_id"]), media), text: str(v["text"]), at: at, mentions: field == "mentions"}
	who := person{ID: str(dig(v, "from", "id")), Handle: str(dig(v, "from", "username"))}
	if p.own = who.ID != "" && who.ID == s.account(onInstagram).ID; p.own {
		p.by, p.key = s.ours(onInstagram), seeded
	} else {
		p.by = s.meet(onInstagram, who)
	}
	if p.thread != p.id && field == "comments" {
		s.ownPost(onInstagram, p.thread)
	}
	s.put(p)
}

func (s *Standin) seedDirect(platform string, e map[string]any) {
	message := object(e["message"])
	if message == nil { // a pressed button counts as something the person wrote
		message = map[string]any{"mid": dig(e, "postback", "mid"), "text": dig(e, "postback", "title")}
	}
	id := str(message["mid"])
	if id == "" {
		if from := str(dig(e, "sender", "id")); from != "" && e["postback"] != nil {
			s.meet(platform, person{ID: from, lastWrote: parseTime(e["timestamp"])})
		}
		return
	}
	if deleted, _ := message["is_deleted"].(bool); deleted {
		if p := s.find(platform, id); p != nil {
			p.deleted = true
		}
		return
	}
	from, to := str(dig(e, "sender", "id")), str(dig(e, "recipient", "id"))
	p := &post{platform: platform, id: id, private: true, text: str(message["text"]), at: parseTime(e["timestamp"])}
	echo, _ := message["is_echo"].(bool)
	if p.own = echo || from == s.account(platform).ID; p.own {
		p.thread, p.to, p.by, p.key = to, to, s.ours(platform), seeded
	} else {
		p.thread, p.by = from, s.meet(platform, person{ID: from, lastWrote: p.at})
	}
	s.put(p)
}

// SeedInstagramMention puts in a comment (or, with an empty comment, a caption)
// of somebody else's that names us; the webhook for it carries only the ids.
func (s *Standin) SeedInstagramMention(comment, media, authorID, handle, text string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(&post{platform: onInstagram, id: cmp.Or(comment, media), thread: media, parent: media, text: text, at: at.UTC(), mentions: true,
		by: s.meet(onInstagram, person{ID: authorID, Handle: handle})})
}
