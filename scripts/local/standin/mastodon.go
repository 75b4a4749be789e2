package standin

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type mastodonState struct {
	notifications []m // as given, in ascending order of id
	keys          map[string]mastodonKey
}

// mastodonKey remembers an Idempotency-Key, for up to an hour (Mastodon docs,
// POST /api/v1/statuses).
type mastodonKey struct {
	id string
	at time.Time
}

const (
	mastodonMax    = 500
	mastodonPerURL = 23
)

func mastodonError(status int, text string) answer {
	return answer{status: status, body: m{"error": text}}
}

var mastodonMissing = mastodonError(http.StatusNotFound, "Record not found")

func (s *Standin) routeMastodon() {
	s.mastodon.keys = map[string]mastodonKey{}
	limited := func(limit, left int, reset time.Time, a answer) answer {
		return a.with("X-RateLimit-Limit", strconv.Itoa(limit)).with("X-RateLimit-Remaining", strconv.Itoa(left)).
			with("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
	on := surface{
		point: "platform:mastodon",
		allow: func(r *request) answer {
			a := s.account(onMastodon)
			switch t := r.bearer(); {
			case t != "" && (t == a.Token || t == a.ReadToken && !r.writes()):
			case t != "" && t == a.ReadToken:
				return mastodonError(http.StatusForbidden, "This action is outside the authorized scopes")
			default:
				return mastodonError(http.StatusUnauthorized, "The access token is invalid")
			}
			return answer{}
		},
		refuse: func(f Fault) answer {
			if f == Throttle {
				return limited(300, 0, s.now().Add(time.Minute), mastodonError(http.StatusTooManyRequests, "Too many requests"))
			}
			return mastodonError(http.StatusServiceUnavailable, "Remote data could not be fetched")
		},
	}
	const at = "/standin/mastodon/api/"
	op := func(pattern string, work func(*request) answer) {
		s.api(on, pattern, func(r *request) answer {
			left, reset, ok := s.spend("mastodon", 1, 300, 5*time.Minute)
			if !ok {
				return limited(300, 0, reset, mastodonError(http.StatusTooManyRequests, "Too many requests"))
			}
			return limited(300, left, reset, work(r))
		})
	}
	op("GET "+at+"v1/notifications", s.mastodonNotifications)
	op("GET "+at+"v1/accounts/verify_credentials", func(*request) answer { return ok(s.mastodonOurs()) })
	op("GET "+at+"v1/accounts/{id}/statuses", s.mastodonTimeline)
	op("GET "+at+"v1/statuses/{id}", s.mastodonRead)
	op("GET "+at+"v1/statuses/{id}/context", s.mastodonContext)
	op("GET "+at+"v1/statuses/{id}/source", s.mastodonSource)
	op("DELETE "+at+"v1/statuses/{id}", s.mastodonDelete)
	s.api(on, "POST "+at+"v1/statuses", func(r *request) answer {
		// A limit of its own, which the rate-limit page does not list.
		left, reset, ok := s.spend("mastodon statuses", 1, 300, 3*time.Hour)
		if !ok {
			return limited(300, 0, reset, mastodonError(http.StatusTooManyRequests, "Too many requests"))
		}
		return limited(300, left, reset, s.mastodonSay(r))
	})
	// The instance is public.
	open := on
	open.allow = func(*request) answer { return answer{} }
	s.api(open, "GET "+at+"v2/instance", func(*request) answer {
		return ok(m{"domain": "social.veloria.example", "title": "Stand-in", "version": "4.6.0", "configuration": m{
			"statuses": m{"max_characters": mastodonMax, "characters_reserved_per_url": mastodonPerURL, "max_media_attachments": 4}}})
	})
}

func (s *Standin) mastodonOurs() m {
	a := s.account(onMastodon)
	return m{"id": a.ID, "username": a.Handle, "acct": a.Handle, "display_name": cmp.Or(a.Name, a.Handle), "locked": false, "bot": true,
		"created_at": "2022-11-06T00:00:00.000Z", "url": s.opt.BaseURL + "/@" + a.Handle, "followers_count": 0, "following_count": 0, "statuses_count": len(s.mastodonOwn())}
}

func (s *Standin) mastodonOwn() []*post {
	var out []*post
	for _, p := range s.places[onMastodon].posts {
		if p.own && !p.deleted {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *post) int { return -compareIDs(a.id, b.id) })
	return out
}

// compareIDs orders ids that are numbers.
func compareIDs(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// mastodonCut pages a list that is in descending order. min_id begins at the
// oldest that is newer; since_id only bounds (Mastodon docs, pagination).
func mastodonCut[T any](r *request, all []T, id func(T) string, most int) ([]T, answer) {
	size := 40
	if v := r.query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, mastodonError(http.StatusUnprocessableEntity, "limit must be a positive number")
		}
		size = n
	}
	size = min(size, most)
	least, since, below := r.query.Get("min_id"), r.query.Get("since_id"), r.query.Get("max_id")
	var fit []T
	for _, v := range all {
		if (least == "" || compareIDs(id(v), least) > 0) && (since == "" || compareIDs(id(v), since) > 0) && (below == "" || compareIDs(id(v), below) < 0) {
			fit = append(fit, v)
		}
	}
	if len(fit) > size {
		if least != "" {
			fit = fit[len(fit)-size:]
		} else {
			fit = fit[:size]
		}
	}
	return fit, answer{}
}

// mastodonLink adds the Link header of a page.
func (s *Standin) mastodonLink(r *request, a answer, newest, oldest string) answer {
	address := func(name, id string) string {
		q := url.Values{}
		for k, v := range r.query {
			if k != "min_id" && k != "max_id" && k != "since_id" {
				q[k] = v
			}
		}
		q.Set(name, id)
		return s.opt.BaseURL + r.URL.Path + "?" + q.Encode()
	}
	return a.with("Link", fmt.Sprintf(`<%s>; rel="next", <%s>; rel="prev"`, address("max_id", oldest), address("min_id", newest)))
}

func (s *Standin) mastodonNotifications(r *request) answer {
	types := append(r.query["types[]"], r.query["types"]...)
	var all []m
	for _, n := range slices.Backward(s.mastodon.notifications) {
		if status := str(dig(n, "status", "id")); status != "" && s.visible(onMastodon, status) == nil {
			continue // the server takes a deleted post's notification away
		}
		if len(types) == 0 || slices.Contains(types, str(n["type"])) {
			all = append(all, n)
		}
	}
	page, no := mastodonCut(r, all, func(n m) string { return str(n["id"]) }, 80)
	if no.status != 0 {
		return no
	}
	if len(page) == 0 {
		return ok([]m{})
	}
	return s.mastodonLink(r, ok(page), str(page[0]["id"]), str(page[len(page)-1]["id"]))
}

func (s *Standin) mastodonTimeline(r *request) answer {
	if r.PathValue("id") != s.account(onMastodon).ID {
		if s.people[onMastodon][r.PathValue("id")] == nil {
			return mastodonMissing
		}
		return ok([]m{})
	}
	page, no := mastodonCut(r, s.mastodonOwn(), func(p *post) string { return p.id }, 40)
	if no.status != 0 || len(page) == 0 {
		if no.status != 0 {
			return no
		}
		return ok([]m{})
	}
	out := make([]m, len(page))
	for i, p := range page {
		out[i] = p.raw
	}
	return s.mastodonLink(r, ok(out), page[0].id, page[len(page)-1].id)
}

func (s *Standin) mastodonRead(r *request) answer {
	p := s.visible(onMastodon, r.PathValue("id"))
	if p == nil {
		return mastodonMissing
	}
	return ok(p.raw)
}

func (s *Standin) mastodonSource(r *request) answer {
	p := s.visible(onMastodon, r.PathValue("id"))
	if p == nil || !p.own {
		return mastodonMissing
	}
	return ok(m{"id": p.id, "text": p.text, "spoiler_text": ""})
}

func (s *Standin) mastodonContext(r *request) answer {
	p := s.visible(onMastodon, r.PathValue("id"))
	if p == nil {
		return mastodonMissing
	}
	up, down := []m{}, []m{}
	for a := s.visible(onMastodon, p.parent); a != nil; a = s.visible(onMastodon, a.parent) {
		up = append(up, a.raw)
	}
	slices.Reverse(up)
	var walk func(id string)
	walk = func(id string) {
		for _, c := range s.places[onMastodon].threads[p.thread] {
			if c.parent == id && c.id != id && !c.deleted {
				down = append(down, c.raw)
				walk(c.id)
			}
		}
	}
	walk(p.id)
	return ok(m{"ancestors": up, "descendants": down})
}

func (s *Standin) mastodonDelete(r *request) answer {
	p := s.visible(onMastodon, r.PathValue("id"))
	if p == nil || !p.own {
		return mastodonMissing
	}
	p.deleted = true
	return ok(p.raw)
}

var acctWord = regexp.MustCompile(`@([A-Za-z0-9_.-]*[A-Za-z0-9_])(@[\p{L}\p{N}.:-]*[\p{L}\p{N}])?`)

// mastodonSay is POST /api/v1/statuses.
func (s *Standin) mastodonSay(r *request) answer {
	key := r.Header.Get("Idempotency-Key")
	if k, seen := s.mastodon.keys[key]; seen && key != "" && !s.account(onMastodon).IgnoreKeys && s.now().Sub(k.at) <= time.Hour {
		if p := s.visible(onMastodon, k.id); p != nil {
			return ok(p.raw)
		}
	}
	text := r.param("status")
	if strings.TrimSpace(text) == "" {
		return mastodonError(http.StatusUnprocessableEntity, "Validation failed: Text can't be blank")
	}
	if mastodonLength(text, mastodonPerURL) > mastodonMax {
		return mastodonError(http.StatusUnprocessableEntity, fmt.Sprintf("Validation failed: Text character limit of %d exceeded", mastodonMax))
	}
	visibility := cmp.Or(r.param("visibility"), "public")
	if !slices.Contains([]string{"public", "unlisted", "private", "direct"}, visibility) {
		return mastodonError(http.StatusUnprocessableEntity, "Validation failed: Visibility is not included in the list")
	}
	s.seq++
	p := &post{platform: onMastodon, id: strconv.FormatInt(s.now().UnixMilli()<<16|s.seq&0xffff, 10), by: s.ours(onMastodon), own: true, text: text, at: s.now(), key: key, private: visibility == "direct"}
	var parentBy any
	var parent any
	if id := r.param("in_reply_to_id"); id != "" {
		asked := s.visible(onMastodon, id)
		if asked == nil {
			return mastodonMissing
		}
		p.parent, p.thread = id, asked.thread
		parent, parentBy = id, asked.by.ID
	}
	// Who is named gets it; that is how an answer reaches anybody.
	mentions := []m{}
	content := html.EscapeString(text)
	for _, found := range acctWord.FindAllString(text, -1) {
		for _, id := range slices.Sorted(maps.Keys(s.people[onMastodon])) {
			who := s.people[onMastodon][id]
			if !strings.EqualFold("@"+who.Handle, found) {
				continue
			}
			address := str(who.raw["url"])
			mentions = append(mentions, m{"id": who.ID, "username": strings.SplitN(who.Handle, "@", 2)[0], "acct": who.Handle, "url": address})
			content = strings.Replace(content, html.EscapeString(found), fmt.Sprintf(`<span class="h-card" translate="no"><a href="%s" class="u-url mention">@<span>%s</span></a></span>`,
				html.EscapeString(address), html.EscapeString(strings.SplitN(who.Handle, "@", 2)[0])), 1)
			if p.private {
				p.to = cmp.Or(p.to, who.ID)
			}
		}
	}
	content = webAddress.ReplaceAllStringFunc(content, func(u string) string {
		if strings.Contains(u, "&#34;") { // it is the href of a mention
			return u
		}
		return `<a href="` + u + `" rel="nofollow noopener">` + u + `</a>`
	})
	if p.private && p.thread == "" {
		p.thread = p.to
	}
	var language any
	if l := r.param("language"); l != "" {
		language = l
	}
	address := s.opt.BaseURL + "/standin/mastodon/@" + p.by.Handle + "/" + p.id
	p.raw = m{"id": p.id, "created_at": iso(p.at), "in_reply_to_id": parent, "in_reply_to_account_id": parentBy, "sensitive": false, "spoiler_text": r.param("spoiler_text"),
		"visibility": visibility, "language": language, "uri": address, "url": address, "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "edited_at": nil,
		"content": "<p>" + strings.ReplaceAll(content, "\n", "<br />") + "</p>", "reblog": nil, "account": s.mastodonOurs(),
		"media_attachments": []any{}, "mentions": mentions, "tags": []any{}, "emojis": []any{}, "card": nil, "poll": nil}
	s.put(p)
	if key != "" {
		s.mastodon.keys[key] = mastodonKey{p.id, s.now()}
	}
	return ok(p.raw)
}

// AddMastodon puts in one notification as GET /api/v1/notifications gives it,
// with its post and author. The same id again replaces it (an edit).
func (s *Standin) AddMastodon(notification []byte) error {
	v, err := readJSON(notification)
	if err != nil {
		return fmt.Errorf("standin: Mastodon notification: %w", err)
	}
	n := object(v)
	id := str(n["id"])
	if id == "" {
		return fmt.Errorf("standin: Mastodon notification: it has no id")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, found := slices.BinarySearchFunc(s.mastodon.notifications, id, func(n m, id string) int { return compareIDs(str(n["id"]), id) })
	if found {
		s.mastodon.notifications[at] = n
	} else {
		s.mastodon.notifications = slices.Insert(s.mastodon.notifications, at, n)
	}
	s.meetMastodon(n["account"])
	if status := object(n["status"]); status != nil {
		s.addStatus(status)
	}
	return nil
}

// AddMastodonStatus puts in a post as GET /api/v1/statuses/:id gives it: an
// earlier post of a thread, or one of ours.
func (s *Standin) AddMastodonStatus(status []byte) error {
	v, err := readJSON(status)
	if err != nil || str(dig(v, "id")) == "" {
		return fmt.Errorf("standin: Mastodon status: it is no status (%v)", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addStatus(object(v))
	return nil
}

func (s *Standin) meetMastodon(v any) person {
	a := object(v)
	return s.meet(onMastodon, person{ID: str(a["id"]), Handle: str(a["acct"]), Name: str(a["display_name"]), raw: a})
}

func (s *Standin) addStatus(status map[string]any) {
	p := &post{platform: onMastodon, id: str(status["id"]), parent: str(status["in_reply_to_id"]), text: plain(str(status["content"])), at: parseTime(status["created_at"]),
		private: str(status["visibility"]) == "direct", raw: status}
	p.by = s.meetMastodon(status["account"])
	if p.own = p.by.ID == s.account(onMastodon).ID; p.own {
		p.by, p.key = s.ours(onMastodon), seeded
	}
	if parent := s.find(onMastodon, p.parent); parent != nil {
		p.thread = parent.thread
	}
	s.put(p)
}
