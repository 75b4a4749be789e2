package standin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	measure "github.com/fielder-care/fielder/shared/text"
)

// X API v2. Limits: X docs, rate limits (platform facts, section 1e).
const (
	xWindow = 15 * time.Minute
	xDay    = 24 * time.Hour
)

const xProblems = "https://api.twitter.com/2/problems/"

func xProblem(status int, kind, title, detail string) answer {
	return answer{status: status, body: m{"title": title, "detail": detail, "type": kind, "status": status}}.
		with("Content-Type", "application/problem+json")
}

func xMissing(what string) answer {
	return xProblem(http.StatusNotFound, xProblems+"resource-not-found", "Not Found Error", "Could not find "+what+".")
}

func (s *Standin) routeX() {
	on := surface{
		point: "platform:x",
		allow: func(r *request) answer {
			a := s.account(onX)
			switch t := r.bearer(); {
			case t != "" && t == a.Token:
			case t != "" && t == a.ReadToken && !r.writes():
			case t != "" && t == a.ReadToken:
				return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.")
			default:
				return xProblem(http.StatusUnauthorized, "about:blank", "Unauthorized", "Unauthorized")
			}
			return answer{}
		},
		refuse: func(f Fault) answer {
			if f == Throttle {
				return s.xLimited(answer{}, 100, 0, s.now().Add(time.Minute))
			}
			return xProblem(http.StatusServiceUnavailable, "about:blank", "Service Unavailable", "Service Unavailable")
		},
	}
	const at = "/standin/x/2/"
	s.api(on, "POST "+at+"tweets", s.xLimit("tweets", 100, s.xTweet))
	s.api(on, "GET "+at+"tweets/{id}", s.xLimit("tweet", 900, s.xLookup))
	s.api(on, "DELETE "+at+"tweets/{id}", s.xLimit("delete", 50, s.xDelete))
	s.api(on, "GET "+at+"users/{id}", s.xLimit("user", 900, s.xUser))
	s.api(on, "GET "+at+"users/{id}/tweets", s.xLimit("timeline", 900, s.xTimeline))
	s.api(on, "GET "+at+"users/{id}/mentions", s.xLimit("mentions", 300, s.xMentions))
	s.api(on, "POST "+at+"dm_conversations/with/{id}/messages", s.xLimit("dm", 15, s.xMessage))
	s.api(on, "GET "+at+"dm_conversations/with/{id}/dm_events", s.xLimit("dm-read", 15, s.xMessages))
	s.api(on, "GET "+at+"dm_events", s.xLimit("dm-events", 15, s.xMessages))
}

func (s *Standin) xLimited(a answer, limit, left int, reset time.Time) answer {
	if a.status == 0 {
		a = xProblem(http.StatusTooManyRequests, "about:blank", "Too Many Requests", "Too Many Requests")
	}
	return a.with("x-rate-limit-limit", strconv.Itoa(limit)).with("x-rate-limit-remaining", strconv.Itoa(left)).
		with("x-rate-limit-reset", strconv.FormatInt(reset.Unix(), 10))
}

// xLimit counts an operation against its 15-minute window, and writes against
// the day's as well.
func (s *Standin) xLimit(name string, limit int, work func(*request) answer) func(*request) answer {
	day := map[string]int{"tweets": 10_000, "dm": 1440}[name]
	return func(r *request) answer {
		left, reset, ok := s.spend("x "+name, 1, limit, xWindow)
		if !ok {
			return s.xLimited(answer{}, limit, 0, reset)
		}
		if day > 0 {
			if dayLeft, dayReset, ok := s.spend("x day "+name, 1, day, xDay); !ok {
				return s.xLimited(answer{}, limit, left, reset).with("x-user-limit-24hour-limit", strconv.Itoa(day)).
					with("x-user-limit-24hour-remaining", strconv.Itoa(dayLeft)).with("x-user-limit-24hour-reset", strconv.FormatInt(dayReset.Unix(), 10))
			}
		}
		return s.xLimited(work(r), limit, left, reset)
	}
}

// xID makes ids as X does: the time in milliseconds since X's epoch, then a
// counter, so that ids sort by time.
func (s *Standin) xID() string {
	s.seq++
	return strconv.FormatInt((s.now().UnixMilli()-1288834974657)<<22|s.seq&(1<<22-1), 10)
}

// xTweet is POST /2/tweets.
func (s *Standin) xTweet(r *request) answer {
	text := str(r.body["text"])
	if strings.TrimSpace(text) == "" {
		return xProblem(http.StatusBadRequest, xProblems+"invalid-request", "Invalid Request", "One or more parameters to your request was invalid.")
	}
	if l := measure.Measure(care.X, text, false); !l.Fits {
		// X's own words for this are not known.
		return xProblem(http.StatusBadRequest, xProblems+"invalid-request", "Invalid Request", fmt.Sprintf("Your Tweet text is too long: %d of %d.", l.Used, l.Limit))
	}
	p := &post{platform: onX, by: s.ours(onX), own: true, text: text, at: s.now().Truncate(time.Second)}
	if r.body["quote_tweet_id"] != nil {
		return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "Quoting is not available at your access level.")
	}
	if r.body["reply"] != nil {
		p.parent = str(dig(r.body, "reply", "in_reply_to_tweet_id"))
		target := s.visible(onX, p.parent)
		if target == nil || target.private {
			return xMissing("tweet with id: [" + p.parent + "]")
		}
		if !s.account(onX).Enterprise && !target.summons && !target.own {
			// The exact words are not known (platform facts, section 1d).
			return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "You are not permitted to perform this action: the author of the post has not mentioned or quoted you.")
		}
		p.thread = target.thread
	}
	// "Duplicate content" is the same text in the same place; what window X
	// applies is not known, a day is taken.
	for _, old := range s.places[onX].posts {
		if old.own && !old.private && !old.deleted && old.parent == p.parent && old.text == text && s.now().Sub(old.at) < xDay {
			return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
		}
	}
	p.id = s.xID()
	s.put(p)
	return answer{status: http.StatusCreated, body: m{"data": m{"id": p.id, "text": s.xShown(p)["text"], "edit_history_tweet_ids": []string{p.id}}}}
}

// xShown is a post as X gives it back: three characters escaped, addresses
// shortened, the person answered named in front.
func (s *Standin) xShown(p *post) m {
	if p.raw != nil {
		return p.raw
	}
	text := p.text
	if parent := s.find(onX, p.parent); parent != nil && !parent.own && parent.by.Handle != "" && !p.private {
		text = "@" + parent.by.Handle + " " + text
	}
	urls := []m{}
	text = webAddress.ReplaceAllStringFunc(text, func(long string) string {
		short := fmt.Sprintf("https://t.co/%s%02d", p.id[max(0, len(p.id)-8):], len(urls))
		urls = append(urls, m{"url": short, "expanded_url": long, "display_url": strings.TrimPrefix(strings.TrimPrefix(long, "https://"), "http://")})
		return short
	})
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	out := m{"id": p.id, "text": text, "author_id": p.by.ID, "created_at": iso(p.at), "conversation_id": p.thread, "edit_history_tweet_ids": []string{p.id}}
	if len(urls) > 0 {
		out["entities"] = m{"urls": urls}
	}
	if p.parent != "" {
		out["referenced_tweets"] = []m{{"type": "replied_to", "id": p.parent}}
	}
	return out
}

func (s *Standin) xLookup(r *request) answer {
	p := s.visible(onX, r.PathValue("id"))
	if p == nil || p.private {
		return ok(m{"errors": []m{{"title": "Not Found Error", "type": xProblems + "resource-not-found", "resource_type": "tweet",
			"resource_id": r.PathValue("id"), "detail": "Could not find tweet with id: [" + r.PathValue("id") + "]."}}})
	}
	return ok(m{"data": s.xShown(p)})
}

func (s *Standin) xDelete(r *request) answer {
	p := s.visible(onX, r.PathValue("id"))
	if p == nil || !p.own {
		return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "You are not authorized to delete this Tweet.")
	}
	p.deleted = true
	return ok(m{"data": m{"deleted": true}})
}

func (s *Standin) xUser(r *request) answer {
	id := r.PathValue("id")
	if a := s.account(onX); id == a.ID {
		return ok(m{"data": m{"id": a.ID, "username": a.Handle, "name": cmp.Or(a.Name, a.Handle)}})
	}
	p := s.people[onX][id]
	if p == nil || p.raw == nil {
		return ok(m{"errors": []m{{"title": "Not Found Error", "type": xProblems + "resource-not-found", "resource_type": "user",
			"resource_id": id, "detail": "Could not find user with id: [" + id + "]."}}})
	}
	return ok(m{"data": p.raw})
}

// xPage gives posts newest first, with X's paging.
func (s *Standin) xPage(r *request, all []*post, show func(*post) m, least int) answer {
	size := 10
	if v := r.query.Get("max_results"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > 100 {
			return xProblem(http.StatusBadRequest, xProblems+"invalid-request", "Invalid Request", fmt.Sprintf("The `max_results` query parameter value [%s] is not between %d and 100", v, least))
		}
		size = n
	}
	from := parseTime(r.query.Get("start_time"))
	since, _ := strconv.ParseInt(r.query.Get("since_id"), 10, 64)
	var fit []*post
	for _, p := range all {
		id, _ := strconv.ParseInt(p.id, 10, 64)
		if !p.deleted && !p.at.Before(from) && (since == 0 || id > since) {
			fit = append(fit, p)
		}
	}
	slices.SortFunc(fit, func(a, b *post) int { return cmp.Or(cmp.Compare(len(b.id), len(a.id)), cmp.Compare(b.id, a.id)) })
	skip := 0
	if t := r.query.Get("pagination_token"); t != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(t, "page-"))
		if err != nil || n < 0 {
			return xProblem(http.StatusBadRequest, xProblems+"invalid-request", "Invalid Request", "The `pagination_token` query parameter value ["+t+"] is not valid")
		}
		skip = min(n, len(fit))
	}
	page := fit[skip:min(skip+size, len(fit))]
	meta := m{"result_count": len(page)}
	body := m{"meta": meta}
	if len(page) > 0 {
		data := make([]m, len(page))
		for i, p := range page {
			data[i] = show(p)
		}
		body["data"] = data
		meta["newest_id"], meta["oldest_id"] = page[0].id, page[len(page)-1].id
	}
	if skip+size < len(fit) {
		meta["next_token"] = fmt.Sprintf("page-%d", skip+size)
	}
	return ok(body)
}

func (s *Standin) xTimeline(r *request) answer {
	var all []*post
	for _, p := range s.places[onX].posts {
		if p.by.ID == r.PathValue("id") && !p.private {
			all = append(all, p)
		}
	}
	return s.xPage(r, all, s.xShown, 5)
}

func (s *Standin) xMentions(r *request) answer {
	var all []*post
	for _, p := range s.places[onX].posts {
		if p.mentions && !p.own && !p.private {
			all = append(all, p)
		}
	}
	return s.xPage(r, all, s.xShown, 5)
}

// xConversation names a conversation of two, lower id first.
func xConversation(a, b string) string {
	if len(a) > len(b) || len(a) == len(b) && a > b {
		a, b = b, a
	}
	return a + "-" + b
}

func (s *Standin) xMessage(r *request) answer {
	text, to := str(r.body["text"]), r.PathValue("id")
	if strings.TrimSpace(text) == "" || len([]rune(text)) > 10_000 {
		return xProblem(http.StatusBadRequest, xProblems+"invalid-request", "Invalid Request", "The message must have 1 to 10000 characters.")
	}
	if s.people[onX][to] == nil {
		return xMissing("user with id: [" + to + "]")
	}
	if s.refusing[onX+" "+to] {
		return xProblem(http.StatusForbidden, "about:blank", "Forbidden", "You cannot send messages to this user.")
	}
	p := s.put(&post{platform: onX, id: s.xID(), thread: to, by: s.ours(onX), own: true, private: true, to: to, text: text, at: s.now()})
	return answer{status: http.StatusCreated, body: m{"data": m{"dm_conversation_id": xConversation(to, s.account(onX).ID), "dm_event_id": p.id}}}
}

func (s *Standin) xMessages(r *request) answer {
	with := r.PathValue("id")
	var all []*post
	for _, p := range s.places[onX].posts {
		if p.private && (with == "" || p.thread == with) {
			all = append(all, p)
		}
	}
	return s.xPage(r, all, func(p *post) m {
		return m{"id": p.id, "event_type": "MessageCreate", "text": p.text, "sender_id": p.by.ID, "created_at": iso(p.at), "dm_conversation_id": xConversation(p.thread, s.account(onX).ID)}
	}, 1)
}

// SeedX puts in what an X Activity API body (X docs, event payloads) tells of:
// posts, their authors, deletions and direct messages. Other events change
// nothing.
func (s *Standin) SeedX(body []byte) error {
	v, err := readJSON(body)
	if err != nil {
		return fmt.Errorf("standin: X body: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bodies := list(v)
	if bodies == nil {
		bodies = []any{v}
	}
	for _, each := range bodies {
		if object(each)["event_type"] != nil {
			s.seedXEvent(each)
			continue
		}
		if data := dig(each, "data"); data != nil {
			events := list(data)
			if events == nil {
				events = []any{data}
			}
			for _, e := range events {
				s.seedXEvent(e)
			}
			continue
		}
		s.seedXAccountActivity(each)
	}
	return nil
}

// seedXEvent takes one event of the X Activity API.
func (s *Standin) seedXEvent(event any) {
	payload := object(dig(event, "payload"))
	for _, u := range list(dig(event, "includes", "users")) {
		s.meetX(u)
	}
	for _, u := range object(payload["users"]) {
		s.meetX(u)
	}
	kind := str(dig(event, "event_type"))
	switch {
	case strings.HasPrefix(kind, "dm."):
		for _, e := range list(payload["direct_message_events"]) {
			s.seedXMessage(object(e))
		}
		if from := str(payload["sender_id"]); from != "" && str(payload["id"]) != "" { // as the v2 API lists them
			to := strings.Trim(strings.Replace(str(payload["dm_conversation_id"]), from, "", 1), "-:")
			s.seedXDirect(str(payload["id"]), from, to, str(payload["text"]), parseTime(payload["created_at"]))
		}
	case kind == "post.delete":
		if p := s.find(onX, str(payload["id"])); p != nil {
			p.deleted = true
		}
	case strings.HasPrefix(kind, "post.") && str(payload["id"]) != "":
		s.seedXPost(kind, payload)
	}
}

// seedXAccountActivity takes a body of the deprecated Account Activity API,
// whose posts have the form of the v1.1 API.
func (s *Standin) seedXAccountActivity(body any) {
	for _, u := range object(dig(body, "users")) {
		s.meetX(u)
	}
	for _, e := range list(dig(body, "direct_message_events")) {
		s.seedXMessage(object(e))
	}
	for _, e := range list(dig(body, "tweet_delete_events")) {
		if p := s.find(onX, str(dig(e, "status", "id"))); p != nil {
			p.deleted = true
		}
	}
	for _, e := range list(dig(body, "tweet_create_events")) {
		old := object(e)
		if str(old["id_str"]) == "" {
			continue
		}
		long := object(old["extended_tweet"])
		if long == nil {
			long = old
		}
		var mentions []any
		for _, m := range list(dig(long, "entities", "user_mentions")) {
			at := list(dig(m, "indices"))
			if len(at) == 0 {
				at = []any{json.Number("0")}
			}
			mentions = append(mentions, map[string]any{"id": dig(m, "id_str"), "username": dig(m, "screen_name"), "start": at[0]})
		}
		user := object(old["user"])
		s.meetX(map[string]any{"id": user["id_str"], "username": user["screen_name"], "name": user["name"]})
		post := map[string]any{"id": old["id_str"], "author_id": user["id_str"], "text": cmp.Or(str(long["full_text"]), str(old["text"])),
			"in_reply_to_tweet_id": old["in_reply_to_status_id_str"], "conversation_id": cmp.Or(str(old["in_reply_to_status_id_str"]), str(old["id_str"])),
			"created_at": s.opt.Clock().UTC().Format(time.RFC3339), "entities": map[string]any{"mentions": mentions}, "display_text_range": long["display_text_range"]}
		if ms, err := strconv.ParseInt(str(old["timestamp_ms"]), 10, 64); err == nil {
			post["created_at"] = time.UnixMilli(ms).UTC().Format(time.RFC3339)
		}
		s.seedXPost("post.create", post)
	}
}

// meetX reads a user, wrapped in "data" or not.
func (s *Standin) meetX(v any) {
	u := object(v)
	if inner := object(u["data"]); inner != nil {
		u = inner
	}
	s.meet(onX, person{ID: str(u["id"]), Handle: str(u["username"]), Name: str(u["name"]), raw: u})
}

func (s *Standin) seedXPost(kind string, payload map[string]any) {
	us := s.account(onX)
	p := &post{platform: onX, id: str(payload["id"]), thread: str(payload["conversation_id"]), parent: str(payload["in_reply_to_tweet_id"]),
		text: entities.Replace(str(payload["text"])), at: parseTime(payload["created_at"]), raw: payload}
	p.by = s.meet(onX, person{ID: str(payload["author_id"])})
	p.own = p.by.ID == us.ID
	if p.own {
		p.by, p.key = s.ours(onX), seeded
	}
	// Names that a reply carries along stand before the displayed text; they
	// summon nobody (X docs: no post.mention.create for implicit mentions).
	var shown int64
	if r := list(payload["display_text_range"]); len(r) > 0 {
		shown, _ = json.Number(str(r[0])).Int64()
	}
	for _, each := range list(dig(payload, "entities", "mentions")) {
		start, _ := json.Number(str(dig(each, "start"))).Int64()
		if str(dig(each, "id")) == us.ID || strings.EqualFold(str(dig(each, "username")), us.Handle) {
			p.mentions = true
			p.summons = p.summons || start >= shown
		}
	}
	p.mentions = p.mentions || kind == "post.mention.create"
	p.summons = p.summons || kind == "post.mention.create" || kind == "post.quote.create"
	stored := s.put(p)
	stored.summons = stored.summons || p.summons
	stored.mentions = stored.mentions || p.mentions
}

func (s *Standin) seedXMessage(e map[string]any) {
	s.seedXDirect(str(e["id"]), str(dig(e, "message_create", "sender_id")), str(dig(e, "message_create", "target", "recipient_id")),
		str(dig(e, "message_create", "message_data", "text")), parseTime(e["created_timestamp"]))
}

func (s *Standin) seedXDirect(id, from, to, text string, at time.Time) {
	if id == "" || from == "" {
		return
	}
	p := &post{platform: onX, id: id, private: true, at: at, text: text}
	if p.own = from == s.account(onX).ID; p.own {
		p.thread, p.to, p.by, p.key = to, to, s.ours(onX), seeded
	} else {
		p.thread, p.by = from, s.meet(onX, person{ID: from, lastWrote: at})
	}
	s.put(p)
}
