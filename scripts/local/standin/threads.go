package standin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// automated tells whether Fielder said a post, rather than somebody with our
// account.
func (p *post) automated() bool { return p.own && p.key != seeded }

// who is the name that people see.
func (p *post) who() string { return cmp.Or(p.by.Name, p.by.Handle, p.by.ID, "somebody") }

// threadLine is a thread on the index.
type threadLine struct {
	Platform, Path    string
	Ask, Answer       *postLine
	Posts, Answers    int
	Private, Answered bool
	At                time.Time // of our last answer, else of the last post
	last              time.Time
	hit               bool
}

// postLine is a post as a page shows it.
type postLine struct {
	N                              int64
	Who, Handle, Text              string
	Automated, Own, Private        bool
	Deleted, Edited, Hidden, Blank bool
	Depth                          int
	At                             time.Time
	To                             string // whom it answers
	ToN                            int64  // the post that it answers, if it is in the thread
	// Elsewhere leads to the other half of a private answer to a public comment.
	Elsewhere, ElsewhereText string
}

func (s *Standin) line(p *post) *postLine {
	l := &postLine{N: p.n, Who: p.who(), Handle: p.by.Handle, Text: p.text, Automated: p.automated(), Own: p.own, Private: p.private,
		Deleted: p.deleted, Edited: p.edited, Hidden: p.hidden, At: p.at}
	if p.deleted {
		l.Text = "" // the platform shows nothing of it any more
	}
	l.Blank = strings.TrimSpace(l.Text) == ""
	return l
}

// asked finds what a post of ours answers: the post that it names, here or (a
// private answer to a public comment) on a sister platform; in a direct
// conversation, where nothing is named, what the other person wrote last.
func (s *Standin) asked(p *post) *post {
	if p.parent != "" {
		for _, platform := range []string{p.platform, onFacebook, onInstagram} {
			if q := s.find(platform, p.parent); q != nil && q != p {
				return q
			}
		}
		return nil
	}
	var last *post
	if p.private {
		for _, q := range s.places[p.platform].threads[p.thread] {
			if !q.own && q.n < p.n && (last == nil || q.n > last.n) {
				last = q
			}
		}
	}
	return last
}

// threadLine sums a thread up; q is in small letters.
func (s *Standin) threadLine(platform, id, q string) threadLine {
	l := threadLine{Platform: platform, Path: ThreadPath(platform, id), hit: q == "" || strings.Contains(strings.ToLower(id), q)}
	var answer, said *post
	for _, p := range s.places[platform].threads[id] {
		l.Posts++
		l.Private = l.Private || p.private
		if p.at.After(l.last) {
			l.last = p.at
		}
		switch {
		case p.automated():
			l.Answers++
			if answer == nil || p.n > answer.n {
				answer = p
			}
		case !p.own && !p.deleted && (said == nil || p.at.After(said.at)):
			said = p
		}
		if !l.hit {
			l.hit = strings.Contains(strings.ToLower(p.by.Name+" @"+p.by.Handle), q) || !p.deleted && strings.Contains(strings.ToLower(p.text), q)
		}
	}
	l.At = l.last
	if answer != nil {
		l.Answered, l.At, l.Answer = true, answer.at, s.line(answer)
		said = s.asked(answer)
	}
	if said != nil {
		l.Ask = s.line(said)
	}
	return l
}

func (s *Standin) indexPage(w http.ResponseWriter, r *http.Request) {
	q := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	on := r.URL.Query().Get("platform")
	s.mu.Lock()
	var lines []threadLine
	for _, platform := range platforms {
		if on != "" && on != platform && slices.Contains(platforms, on) {
			continue
		}
		for _, id := range s.places[platform].order {
			if l := s.threadLine(platform, id, q); l.hit {
				lines = append(lines, l)
			}
		}
	}
	s.mu.Unlock()
	shows := []choice{{Name: "answered", Label: "Answered"}, {Name: "private", Label: "Private"}, {Name: "unanswered", Label: "Not answered"}, {Name: "all", Label: "All"}}
	in := func(show string, l threadLine) bool {
		switch show {
		case "answered":
			return l.Answered
		case "private":
			return l.Private
		case "unanswered":
			return !l.Answered
		}
		return true
	}
	for i := range shows {
		for _, l := range lines {
			if in(shows[i].Name, l) {
				shows[i].Count++
			}
		}
	}
	shows, show := pick(r, "show", shows)
	lines = slices.DeleteFunc(lines, func(l threadLine) bool { return !in(show, l) })
	if show != "answered" {
		for i := range lines {
			lines[i].At = lines[i].last
		}
	}
	slices.SortStableFunc(lines, func(a, b threadLine) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Path, b.Path)) })
	kinds := []choice{{Label: "every platform"}}
	for _, p := range platforms {
		kinds = append(kinds, choice{Name: p, Label: platformName(p)})
	}
	kinds, _ = pick(r, "platform", kinds)
	lines, sheet := paged(lines, r)
	s.show(w, http.StatusOK, "index", frame{Title: "Threads, as customers see them", At: "threads"},
		m{"Lines": lines, "Sheet": sheet, "Shows": shows, "Show": show, "Kinds": kinds, "Query": r.URL.Query().Get("q"), "Clear": with(r, "q", "")})
}

// maxDepth is how far answers to answers move to the right.
const maxDepth = 4

// arrange puts a thread into the order of reading and says how deep each post
// stands. In public an answer stands below what it answers, as on the platforms;
// a direct conversation is read from top to bottom.
func arrange(posts []*post) ([]*post, map[string]int) {
	posts = slices.Clone(posts)
	slices.SortStableFunc(posts, func(a, b *post) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) })
	depth := map[string]int{}
	if !slices.ContainsFunc(posts, func(p *post) bool { return !p.private }) {
		return afterWhatCame(posts), depth
	}
	here := map[string]bool{}
	for _, p := range posts {
		here[p.id] = true
	}
	children := map[string][]*post{}
	var roots []*post
	for _, p := range posts {
		if p.parent != "" && p.parent != p.id && here[p.parent] {
			children[p.parent] = append(children[p.parent], p)
		} else {
			roots = append(roots, p)
		}
	}
	out, seen := make([]*post, 0, len(posts)), map[string]bool{}
	// A list of what is still to be read, not recursion: a thread may be as deep as
	// it is long.
	walk := func(p *post, level int) {
		type step struct {
			p     *post
			level int
		}
		for todo := []step{{p, level}}; len(todo) > 0; {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[at.p.id] {
				continue
			}
			seen[at.p.id] = true
			depth[at.p.id] = min(at.level, maxDepth)
			out = append(out, at.p)
			for _, c := range slices.Backward(children[at.p.id]) {
				todo = append(todo, step{c, at.level + 1})
			}
		}
	}
	for _, p := range roots {
		level := 0
		if p.parent != "" && p.parent != p.id {
			level = 1 // it answers something that is not here
		}
		walk(p, level)
	}
	for _, p := range posts { // what answers itself in a circle
		walk(p, 0)
	}
	return out, depth
}

// afterWhatCame moves what we said below everything that had come in before: the
// platforms' times are not ours, and an answer must not stand above its question.
func afterWhatCame(posts []*post) []*post {
	arrived := slices.Clone(posts)
	slices.SortFunc(arrived, func(a, b *post) int { return cmp.Compare(a.n, b.n) })
	place, latest := map[*post]time.Time{}, time.Time{}
	for _, p := range arrived {
		place[p] = p.at
		if p.automated() && p.at.Before(latest) {
			place[p] = latest
		}
		if place[p].After(latest) {
			latest = place[p]
		}
	}
	slices.SortStableFunc(posts, func(a, b *post) int { return cmp.Or(place[a].Compare(place[b]), cmp.Compare(a.n, b.n)) })
	return posts
}

// exchanges keeps what we said, what it answers, what was said to it, and the
// post that began the thread.
func exchanges(posts []*post) []*post {
	byID, keep := map[string]*post{}, map[*post]bool{}
	for _, p := range posts {
		byID[p.id] = p
	}
	for i, p := range posts {
		to := byID[p.parent]
		switch {
		case p.automated():
			keep[p] = true
			if to != nil {
				keep[to] = true
			}
		case to != nil && to.automated(), i == 0:
			keep[p] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(posts), func(p *post) bool { return !keep[p] })
}

func (s *Standin) threadPage(w http.ResponseWriter, r *http.Request, platform, id string) {
	s.mu.Lock()
	posts, depth := arrange(s.places[platform].threads[id])
	shows := []choice{{Name: "all", Label: "Every post", Count: len(posts)}}
	some := exchanges(posts)
	answers := 0
	for _, p := range posts {
		if p.automated() {
			answers++
		}
	}
	// A direct conversation is one exchange; a short thread is read as a whole.
	private := len(posts) > 0 && !slices.ContainsFunc(posts, func(p *post) bool { return !p.private })
	if answers > 0 && !private && len(some) < len(posts) {
		shows = append(shows, choice{Name: "answers", Label: "Our answers and what they answer", Count: len(some)})
		if len(posts) > perPage/2 {
			slices.Reverse(shows)
		}
	}
	shows, show := pick(r, "show", shows)
	if show == "answers" {
		posts = some
	}
	all := len(posts)
	posts, sheet := paged(posts, r)
	byID := map[string]*post{}
	for _, p := range posts {
		byID[p.id] = p
	}
	elsewhere := s.privateAnswers(platform, id)
	lines := make([]*postLine, 0, len(posts))
	for _, p := range posts {
		l := s.line(p)
		l.Depth = depth[p.id]
		if to := s.find(platform, p.parent); p.parent != p.id && to != nil && to.thread == id {
			l.To = to.who()
			if byID[to.id] != nil {
				l.ToN = to.n
			}
		}
		if q := elsewhere[p.id]; q != nil {
			l.Elsewhere, l.ElsewhereText = ThreadPath(q.platform, q.thread), "We answered this in private, where only they see it"
		} else if q := s.asked(p); p.automated() && q != nil && (q.platform != platform || q.thread != id) {
			l.Elsewhere, l.ElsewhereText = ThreadPath(q.platform, q.thread), "This answers a public comment of theirs"
		}
		lines = append(lines, l)
	}
	s.mu.Unlock()
	status := http.StatusOK
	if all == 0 {
		status = http.StatusNotFound
	}
	if len(shows) == 1 {
		shows = nil
	}
	s.show(w, status, "thread", frame{Title: "A thread on " + platformName(platform), At: "threads"},
		m{"Platform": platform, "Thread": id, "Posts": lines, "Sheet": sheet, "Shows": shows, "Private": private, "Answers": answers})
}

// privateAnswers are our private answers to the public posts of a thread, by the
// id of the post answered.
func (s *Standin) privateAnswers(platform, id string) map[string]*post {
	in := map[string][]string{onFacebook: {onMessenger}, onInstagram: {onInstagram, onMessenger}}[platform]
	out := map[string]*post{}
	for _, sister := range in {
		for _, p := range s.places[sister].posts {
			if !p.automated() || !p.private || p.deleted || p.parent == "" || sister == platform && p.thread == id {
				continue
			}
			if q := s.find(platform, p.parent); q != nil && q.thread == id && (out[q.id] == nil || p.n < out[q.id].n) {
				out[q.id] = p
			}
		}
	}
	return out
}
