package standin

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type blueskyState struct {
	notifications []m                  // newest first
	records       map[string]m         // of our repository, by at-uri
	messages      map[string][]m       // by person's DID, oldest first
	log           []m                  // of the chat, oldest first
	sessions      map[string]time.Time // access and refresh tokens, and when they expire
}

const blueskyPost = "app.bsky.feed.post"

func xrpcError(status int, name, message string) answer {
	return answer{status: status, body: m{"error": name, "message": message}}
}

// Lifetimes of session tokens (atproto PDS: access 2 hours, refresh 90 days).
const (
	accessFor  = 2 * time.Hour
	refreshFor = 90 * 24 * time.Hour
)

func (s *Standin) routeBluesky() {
	s.bluesky.records, s.bluesky.messages, s.bluesky.sessions = map[string]m{}, map[string][]m{}, map[string]time.Time{}
	limited := func(limit, left int, reset time.Time, a answer) answer {
		a = a.with("RateLimit-Limit", strconv.Itoa(limit)).with("RateLimit-Remaining", strconv.Itoa(left)).
			with("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10)).with("RateLimit-Policy", fmt.Sprintf("%d;w=300", limit))
		if a.status == http.StatusTooManyRequests {
			a = a.with("Retry-After", strconv.Itoa(max(1, int(reset.Sub(s.now()).Seconds()))))
		}
		return a
	}
	tooMany := func() answer {
		return xrpcError(http.StatusTooManyRequests, "RateLimitExceeded", "Rate Limit Exceeded")
	}
	on := surface{
		point: "platform:bluesky",
		allow: func(r *request) answer { return s.blueskySession(r, "access") },
		refuse: func(f Fault) answer {
			if f == Throttle {
				return limited(3000, 0, s.now().Add(time.Minute), tooMany())
			}
			return xrpcError(http.StatusBadGateway, "UpstreamFailure", "Upstream service unreachable")
		},
	}
	const at = "/standin/bluesky/xrpc/"
	op := func(on surface, pattern string, points int, work func(*request) answer) {
		s.api(on, pattern, func(r *request) answer {
			left, reset, ok := s.spend("bluesky", 1, 3000, 5*time.Minute)
			if !ok {
				return limited(3000, 0, reset, tooMany())
			}
			if points > 0 {
				if _, reset, ok := s.spend("bluesky writes", points, 5000, time.Hour); !ok {
					return limited(5000, 0, reset, tooMany())
				}
				if _, reset, ok := s.spend("bluesky writes a day", points, 35_000, 24*time.Hour); !ok {
					return limited(35_000, 0, reset, tooMany())
				}
			}
			return limited(3000, left, reset, work(r))
		})
	}
	open, refresh := on, on
	open.allow = func(*request) answer { return answer{} }
	refresh.allow = func(r *request) answer { return s.blueskySession(r, "refresh") }
	op(open, "POST "+at+"com.atproto.server.createSession", 0, func(r *request) answer {
		if _, reset, ok := s.spend("bluesky sessions", 1, 30, 5*time.Minute); !ok {
			return limited(30, 0, reset, tooMany())
		}
		if _, reset, ok := s.spend("bluesky sessions a day", 1, 300, 24*time.Hour); !ok {
			return limited(300, 0, reset, tooMany())
		}
		a := s.account(onBluesky)
		if a.Password == "" || str(r.body["password"]) != a.Password || str(r.body["identifier"]) != cmp.Or(a.Identifier, a.Handle) {
			return xrpcError(http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password")
		}
		return ok(s.blueskyTokens())
	})
	op(refresh, "POST "+at+"com.atproto.server.refreshSession", 0, func(r *request) answer {
		delete(s.bluesky.sessions, r.bearer())
		return ok(s.blueskyTokens())
	})
	op(on, "GET "+at+"com.atproto.server.getSession", 0, func(*request) answer {
		a := s.account(onBluesky)
		return ok(m{"did": a.ID, "handle": a.Handle, "active": true})
	})
	op(open, "GET "+at+"com.atproto.identity.resolveHandle", 0, func(r *request) answer {
		handle := r.query.Get("handle")
		if a := s.account(onBluesky); handle == a.Handle {
			return ok(m{"did": a.ID})
		}
		for _, who := range s.people[onBluesky] {
			if who.Handle == handle {
				return ok(m{"did": who.ID})
			}
		}
		return xrpcError(http.StatusBadRequest, "HandleNotFound", "Unable to resolve handle")
	})
	op(on, "GET "+at+"app.bsky.notification.listNotifications", 0, s.blueskyNotifications)
	op(on, "GET "+at+"app.bsky.actor.getProfiles", 0, s.blueskyProfiles)
	op(on, "GET "+at+"app.bsky.feed.getPosts", 0, s.blueskyPosts)
	op(on, "GET "+at+"app.bsky.feed.getPostThread", 0, s.blueskyThread)
	op(on, "POST "+at+"com.atproto.repo.createRecord", 3, s.blueskyCreate)
	op(on, "POST "+at+"com.atproto.repo.putRecord", 2, s.blueskyPut)
	op(on, "POST "+at+"com.atproto.repo.deleteRecord", 1, s.blueskyDelete)
	op(on, "GET "+at+"com.atproto.repo.getRecord", 0, s.blueskyRecord)
	op(on, "GET "+at+"com.atproto.repo.listRecords", 0, s.blueskyRecords)
	chat := func(pattern string, work func(*request) answer) {
		op(on, pattern, 0, func(r *request) answer {
			// The PDS proxies chat only when it is told where to.
			if r.Header.Get("atproto-proxy") != "did:web:api.bsky.chat#bsky_chat" {
				return xrpcError(http.StatusNotImplemented, "MethodNotImplemented", "Method Not Implemented")
			}
			return work(r)
		})
	}
	chat("GET "+at+"chat.bsky.convo.getConvoForMembers", s.blueskyConvo)
	chat("POST "+at+"chat.bsky.convo.sendMessage", s.blueskySend)
	chat("GET "+at+"chat.bsky.convo.getMessages", s.blueskyMessages)
	chat("GET "+at+"chat.bsky.convo.getLog", s.blueskyLog)
}

// blueskyTokens makes a session. The tokens look like JWTs, since clients read
// when they expire, but carry no signature.
func (s *Standin) blueskyTokens() m {
	a := s.account(onBluesky)
	token := func(scope string, life time.Duration) string {
		s.seq++
		expires := s.now().Add(life)
		part := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				panic(err) // maps of strings and numbers encode
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		t := part(m{"typ": "JWT", "alg": "none"}) + "." + part(m{"scope": scope, "sub": a.ID, "exp": expires.Unix(), "iat": s.now().Unix(), "jti": s.seq}) + ".c3RhbmRpbg"
		s.bluesky.sessions[t] = expires
		return t
	}
	return m{"accessJwt": token("com.atproto.access", accessFor), "refreshJwt": token("com.atproto.refresh", refreshFor), "handle": a.Handle, "did": a.ID, "active": true}
}

func (s *Standin) blueskySession(r *request, kind string) answer {
	t := r.bearer()
	if t == "" {
		return xrpcError(http.StatusUnauthorized, "AuthMissing", "Authentication Required")
	}
	expires, known := s.bluesky.sessions[t]
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(t+"..", ".")[1])
	claims, _ := readJSON(payload)
	if !known || str(dig(claims, "scope")) != "com.atproto."+kind {
		return xrpcError(http.StatusBadRequest, "InvalidToken", "Token could not be verified")
	}
	if !s.now().Before(expires) {
		return xrpcError(http.StatusBadRequest, "ExpiredToken", "Token has expired")
	}
	return answer{}
}

// blueskyNotifications is newest first; the cursor is the place of the last one
// given.
func (s *Standin) blueskyNotifications(r *request) answer {
	reasons := r.query["reasons"]
	var all []m
	for _, n := range s.bluesky.notifications {
		if p := s.find(onBluesky, str(n["uri"])); p != nil && p.deleted {
			continue
		}
		if len(reasons) == 0 || slices.Contains(reasons, str(n["reason"])) {
			all = append(all, n)
		}
	}
	page, next, no := blueskyCut(r, all, func(n m) string { return str(n["indexedAt"]) + "::" + str(n["cid"]) + "::" + str(n["uri"]) })
	if no.status != 0 {
		return no
	}
	body := m{"notifications": page, "seenAt": iso(s.now())}
	if next != "" {
		body["cursor"] = next
	}
	return ok(body)
}

// blueskyCut pages a list in descending order of place.
func blueskyCut(r *request, all []m, place func(m) string) (page []m, next string, no answer) {
	size, err := strconv.Atoi(cmp.Or(r.query.Get("limit"), "50"))
	if err != nil || size < 1 || size > 100 {
		return nil, "", xrpcError(http.StatusBadRequest, "InvalidRequest", "Error: limit must be between 1 and 100")
	}
	page = []m{}
	cursor := r.query.Get("cursor")
	for _, v := range all {
		if cursor != "" && place(v) >= cursor {
			continue
		}
		if len(page) == size {
			next = place(page[size-1])
			break
		}
		page = append(page, v)
	}
	return page, next, answer{}
}

func (s *Standin) blueskyProfiles(r *request) answer {
	actors := append(r.query["actors"], r.query["actors[]"]...)
	if len(actors) > 25 {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Error: actors must not have more than 25 elements")
	}
	profiles := []m{}
	for _, a := range actors {
		for _, who := range s.people[onBluesky] {
			if who.ID == a || who.Handle == a {
				profile := m{"did": who.ID, "handle": who.Handle, "displayName": who.Name}
				for k, v := range who.raw {
					profile[k] = v
				}
				profiles = append(profiles, profile)
			}
		}
	}
	return ok(m{"profiles": profiles})
}

// blueskyView is a postView.
func (s *Standin) blueskyView(p *post) m {
	return m{"uri": p.id, "cid": p.raw["cid"], "record": p.raw["record"], "indexedAt": iso(p.at), "likeCount": 0, "replyCount": 0, "repostCount": 0,
		"author": m{"did": p.by.ID, "handle": p.by.Handle, "displayName": p.by.Name}}
}

func (s *Standin) blueskyPosts(r *request) answer {
	uris := append(r.query["uris"], r.query["uris[]"]...)
	if len(uris) > 25 {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Error: uris must not have more than 25 elements")
	}
	posts := []m{}
	for _, uri := range uris {
		if p := s.visible(onBluesky, uri); p != nil {
			posts = append(posts, s.blueskyView(p))
		}
	}
	return ok(m{"posts": posts})
}

func (s *Standin) blueskyThread(r *request) answer {
	p := s.visible(onBluesky, r.query.Get("uri"))
	if p == nil {
		return xrpcError(http.StatusBadRequest, "NotFound", "Post not found: "+r.query.Get("uri"))
	}
	var down func(p *post, depth int) m
	down = func(p *post, depth int) m {
		replies := []m{}
		if depth > 0 {
			for _, c := range s.places[onBluesky].threads[p.thread] {
				if c.parent == p.id && !c.deleted && !c.private {
					replies = append(replies, down(c, depth-1))
				}
			}
		}
		return m{"$type": "app.bsky.feed.defs#threadViewPost", "post": s.blueskyView(p), "replies": replies}
	}
	thread := down(p, 6)
	at := thread
	for a := p; a.parent != ""; {
		if a = s.visible(onBluesky, a.parent); a == nil {
			at["parent"] = m{"$type": "app.bsky.feed.defs#notFoundPost", "notFound": true}
			break
		}
		up := m{"$type": "app.bsky.feed.defs#threadViewPost", "post": s.blueskyView(a)}
		at["parent"], at = up, up
	}
	return ok(m{"thread": thread})
}

// cid makes a content id: CIDv1, dag-cbor, SHA-256, over the record's JSON.
func cid(record any) string {
	b, err := json.Marshal(record)
	if err != nil {
		panic(err) // records come from JSON
	}
	sum := sha256.Sum256(b)
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append([]byte{0x01, 0x71, 0x12, 0x20}, sum[:]...)))
}

// tid makes a record key as atproto does: microseconds in sortable base 32.
func (s *Standin) tid() string {
	const letters = "234567abcdefghijklmnopqrstuvwxyz"
	s.seq++
	n := uint64(s.now().UnixMicro())<<10 | uint64(s.seq&1023)
	out := make([]byte, 13)
	for i := 12; i >= 0; i-- {
		out[i] = letters[n&31]
		n >>= 5
	}
	return string(out)
}

func (s *Standin) blueskyCreate(r *request) answer {
	rkey := cmp.Or(str(r.body["rkey"]), s.tid())
	uri := s.blueskyURI(r, rkey)
	if uri == "" {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Could not find repo, or a parameter is missing")
	}
	if s.bluesky.records[uri] != nil {
		// How servers word this differs.
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Record already exists")
	}
	return s.blueskyStore(r, uri, rkey)
}

func (s *Standin) blueskyPut(r *request) answer {
	rkey := str(r.body["rkey"])
	uri := s.blueskyURI(r, rkey)
	if uri == "" || rkey == "" {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Could not find repo, or a parameter is missing")
	}
	return s.blueskyStore(r, uri, rkey)
}

// blueskyURI is the record's address, "" when it is not in our repository.
func (s *Standin) blueskyURI(r *request, rkey string) string {
	a := s.account(onBluesky)
	repo, collection := str(r.body["repo"]), str(r.body["collection"])
	if repo != a.ID && repo != a.Handle || collection == "" || strings.ContainsAny(rkey, "/ ") {
		return ""
	}
	return "at://" + a.ID + "/" + collection + "/" + rkey
}

func (s *Standin) blueskyStore(r *request, uri, rkey string) answer {
	record := object(r.body["record"])
	if record == nil {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Input must have the property \"record\"")
	}
	id := cid(record)
	stored := m{"uri": uri, "cid": id, "value": record}
	if str(r.body["collection"]) == blueskyPost {
		text := str(record["text"])
		if str(record["$type"]) != blueskyPost || str(record["createdAt"]) == "" {
			return xrpcError(http.StatusBadRequest, "InvalidRequest", "Invalid app.bsky.feed.post record: $type and createdAt are needed")
		}
		if graphemeCount(text) > 300 || len(text) > 3000 {
			return xrpcError(http.StatusBadRequest, "InvalidRequest", "Invalid app.bsky.feed.post record: Record/text must not be longer than 300 graphemes")
		}
		p := &post{platform: onBluesky, id: uri, by: s.ours(onBluesky), own: true, text: text, at: s.now(), key: rkey, raw: m{"cid": id, "record": record}}
		p.parent = str(dig(record, "reply", "parent", "uri"))
		// A deleted parent is no obstacle: it is a record like any other.
		p.thread = cmp.Or(str(dig(record, "reply", "root", "uri")), uri)
		s.put(p).deleted = false
	}
	s.bluesky.records[uri] = stored
	return ok(m{"uri": uri, "cid": id, "commit": m{"cid": id, "rev": s.tid()}, "validationStatus": "valid"})
}

func (s *Standin) blueskyDelete(r *request) answer {
	uri := s.blueskyURI(r, str(r.body["rkey"]))
	delete(s.bluesky.records, uri)
	if p := s.find(onBluesky, uri); p != nil {
		p.deleted = true
	}
	return ok(m{})
}

func (s *Standin) blueskyRecord(r *request) answer {
	uri := "at://" + r.query.Get("repo") + "/" + r.query.Get("collection") + "/" + r.query.Get("rkey")
	if v := s.bluesky.records[uri]; v != nil {
		return ok(v)
	}
	if p := s.visible(onBluesky, uri); p != nil {
		return ok(m{"uri": uri, "cid": p.raw["cid"], "value": p.raw["record"]})
	}
	return xrpcError(http.StatusBadRequest, "RecordNotFound", "Could not locate record: "+uri)
}

func (s *Standin) blueskyRecords(r *request) answer {
	prefix := "at://" + r.query.Get("repo") + "/" + r.query.Get("collection") + "/"
	all := []m{}
	for uri, v := range s.bluesky.records {
		if strings.HasPrefix(uri, prefix) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b m) int { return strings.Compare(str(b["uri"]), str(a["uri"])) })
	page, next, no := blueskyCut(r, all, func(v m) string { return str(v["uri"])[len(prefix):] })
	if no.status != 0 {
		return no
	}
	body := m{"records": page}
	if next != "" {
		body["cursor"] = next
	}
	return ok(body)
}

// blueskyConvo is the conversation with one person; its id is made from theirs.
func (s *Standin) blueskyConvo(r *request) answer {
	members := append(r.query["members"], r.query["members[]"]...)
	us := s.account(onBluesky).ID
	members = slices.DeleteFunc(members, func(d string) bool { return d == us })
	if len(members) != 1 || s.people[onBluesky][members[0]] == nil {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "A member could not be found")
	}
	if s.refusing[onBluesky+" "+members[0]] {
		return xrpcError(http.StatusBadRequest, "MessagesDisabled", "recipient has disabled incoming messages")
	}
	return ok(m{"convo": m{"id": "convo-" + members[0], "rev": s.tid(), "muted": false, "unreadCount": 0, "members": []m{{"did": us}, {"did": members[0]}}}})
}

func (s *Standin) blueskyWith(convo string) string {
	with, isConvo := strings.CutPrefix(convo, "convo-")
	if !isConvo || s.people[onBluesky][with] == nil {
		return ""
	}
	return with
}

func (s *Standin) blueskySend(r *request) answer {
	with := s.blueskyWith(str(r.body["convoId"]))
	if with == "" {
		return xrpcError(http.StatusBadRequest, "InvalidConvo", "convo not found")
	}
	text := str(dig(r.body, "message", "text"))
	if strings.TrimSpace(text) == "" || graphemeCount(text) > 1000 || len(text) > 10_000 {
		return xrpcError(http.StatusBadRequest, "InvalidRequest", "Input/message/text must have 1 to 1000 graphemes")
	}
	if s.refusing[onBluesky+" "+with] {
		return xrpcError(http.StatusBadRequest, "MessagesDisabled", "recipient has disabled incoming messages")
	}
	view := s.blueskySay(s.account(onBluesky).ID, with, text, s.now())
	s.put(&post{platform: onBluesky, id: str(view["id"]), thread: with, by: s.ours(onBluesky), own: true, private: true, to: with, text: text, at: s.now()})
	return ok(view)
}

// blueskySay adds a message to the conversation and to the log.
func (s *Standin) blueskySay(from, with, text string, at time.Time) m {
	rev := s.tid()
	view := m{"$type": "chat.bsky.convo.defs#messageView", "id": rev, "rev": rev, "text": text, "sender": m{"did": from}, "sentAt": iso(at)}
	s.bluesky.messages[with] = append(s.bluesky.messages[with], view)
	s.bluesky.log = append(s.bluesky.log, m{"$type": "chat.bsky.convo.defs#logCreateMessage", "rev": rev, "convoId": "convo-" + with, "message": view})
	return view
}

func (s *Standin) blueskyMessages(r *request) answer {
	with := s.blueskyWith(r.query.Get("convoId"))
	if with == "" {
		return xrpcError(http.StatusBadRequest, "InvalidConvo", "convo not found")
	}
	all := slices.Clone(s.bluesky.messages[with])
	slices.Reverse(all)
	page, next, no := blueskyCut(r, all, func(v m) string { return str(v["rev"]) })
	if no.status != 0 {
		return no
	}
	body := m{"messages": page}
	if next != "" {
		body["cursor"] = next
	}
	return ok(body)
}

// blueskyLog is everything after the cursor, oldest first, 100 events at most.
func (s *Standin) blueskyLog(r *request) answer {
	cursor := r.query.Get("cursor")
	logs := []m{}
	last := cursor
	for _, e := range s.bluesky.log {
		if rev := str(e["rev"]); rev > cursor {
			if len(logs) == 100 {
				break
			}
			logs = append(logs, e)
			last = rev
		}
	}
	body := m{"logs": logs}
	if last != "" {
		body["cursor"] = last
	}
	return ok(body)
}

// AddBluesky puts in one item of listNotifications' "notifications", with its
// post and author.
func (s *Standin) AddBluesky(notification []byte) error {
	v, err := readJSON(notification)
	if err != nil {
		return fmt.Errorf("standin: Bluesky notification: %w", err)
	}
	n := object(v)
	uri := str(n["uri"])
	if uri == "" || str(n["indexedAt"]) == "" {
		return fmt.Errorf("standin: Bluesky notification: it has no uri or indexedAt")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// What was indexed at the same moment keeps one order, by address.
	order := func(n m) string { return str(n["indexedAt"]) + "::" + str(n["cid"]) + "::" + str(n["uri"]) }
	at, found := slices.BinarySearchFunc(s.bluesky.notifications, order(n), func(have m, want string) int { return strings.Compare(want, order(have)) })
	if found {
		s.bluesky.notifications[at] = n
	} else {
		s.bluesky.notifications = slices.Insert(s.bluesky.notifications, at, n)
	}
	author := object(n["author"])
	who := s.meet(onBluesky, person{ID: str(author["did"]), Handle: str(author["handle"]), Name: str(author["displayName"])})
	record := object(n["record"])
	if str(record["$type"]) != blueskyPost {
		return nil
	}
	for _, ref := range []any{dig(record, "reply", "root"), dig(record, "reply", "parent")} {
		// A post of ours that the recorded day only points at.
		if id := str(dig(ref, "uri")); strings.HasPrefix(id, "at://"+s.account(onBluesky).ID+"/") && s.find(onBluesky, id) == nil {
			s.ownPost(onBluesky, id).raw = m{"cid": str(dig(ref, "cid")), "record": m{"$type": blueskyPost, "text": "", "createdAt": iso(s.now())}}
		}
	}
	s.put(&post{platform: onBluesky, id: uri, parent: str(dig(record, "reply", "parent", "uri")), thread: str(dig(record, "reply", "root", "uri")), by: who,
		text: str(record["text"]), at: parseTime(n["indexedAt"]), raw: m{"cid": str(n["cid"]), "record": record}})
	return nil
}

// AddBlueskyMessage lets a person write us a direct message.
func (s *Standin) AddBlueskyMessage(did, handle, text string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.meet(onBluesky, person{ID: did, Handle: handle, lastWrote: at})
	view := s.blueskySay(did, did, text, at)
	s.put(&post{platform: onBluesky, id: str(view["id"]), thread: did, by: who, private: true, text: text, at: at.UTC()})
}

// AddBlueskyProfile puts in what getProfiles knows of a person beyond the
// notification: followersCount, description and so on.
func (s *Standin) AddBlueskyProfile(profile []byte) error {
	v, err := readJSON(profile)
	if err != nil || str(dig(v, "did")) == "" {
		return fmt.Errorf("standin: Bluesky profile: it is no profile (%v)", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := object(v)
	s.meet(onBluesky, person{ID: str(p["did"]), Handle: str(p["handle"]), Name: str(p["displayName"]), raw: p})
	return nil
}
