package standin

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
	"keys":  func(v map[string]string) []string { return slices.Sorted(maps.Keys(v)) },
	"short": func(s string) string {
		if r := []rune(s); len(r) > 140 {
			return string(r[:139]) + "…"
		}
		return s
	},
}).Parse(pagesHTML))

// shownThreads bounds the index; the rest is counted.
const shownThreads = 300

func (s *Standin) routePages() {
	s.mux.HandleFunc("GET /standin/{$}", s.indexPage)
	for _, platform := range platforms {
		s.mux.HandleFunc("GET /standin/"+platform+"/thread/{id...}", func(w http.ResponseWriter, r *http.Request) {
			s.threadPage(w, platform, r.PathValue("id"))
		})
	}
	s.mux.HandleFunc("GET /connect/{$}", s.workspacePage)
	for name, seed := range map[string]func([]byte) error{"x": s.SeedX, "meta": s.SeedMeta} {
		s.mux.HandleFunc("POST /standin/seed/"+name, func(w http.ResponseWriter, r *http.Request) { s.seed(w, r, seed) })
	}
}

// maxSeed bounds a body that is put in.
const maxSeed = 16 << 20

// seed puts what a webhook body tells into the threads: a platform has a post
// before it tells us about it.
func (s *Standin) seed(w http.ResponseWriter, r *http.Request, seed func([]byte) error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSeed))
	if err == nil {
		err = seed(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// ThreadPath is where the page of a thread is, for links.
func ThreadPath(platform, thread string) string {
	return "/standin/" + platform + "/thread/" + url.PathEscape(thread)
}

type threadLine struct {
	Platform, Thread, Path, Who, Text, Reply string
	Posts, Replies                           int
	Private                                  bool
	At                                       time.Time
}

func (s *Standin) indexPage(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	var lines []threadLine
	quiet := 0
	for _, platform := range platforms {
		at := s.places[platform]
		for _, id := range at.order {
			l := threadLine{Platform: platform, Thread: id, Path: ThreadPath(platform, id)}
			for _, p := range at.threads[id] {
				l.Posts++
				if p.own && p.key != seeded {
					l.Replies++
					l.Reply, l.At, l.Private = p.text, p.at, p.private
				} else if !p.own && !p.deleted && l.Replies == 0 {
					l.Who, l.Text = cmp.Or(p.by.Name, p.by.Handle, p.by.ID), p.text
				}
			}
			if l.Replies == 0 {
				quiet++
				continue
			}
			lines = append(lines, l)
		}
	}
	contacts := len(s.connect.order)
	s.mu.Unlock()
	slices.SortStableFunc(lines, func(a, b threadLine) int { return b.At.Compare(a.At) })
	more := max(0, len(lines)-shownThreads)
	show(w, "index", m{"Lines": lines[:len(lines)-more], "More": more, "Quiet": quiet, "Contacts": contacts})
}

type postLine struct {
	Who, Handle, Text, Note  string
	Own, Ours, Private, Gone bool
	Depth                    int
	At                       time.Time
}

func (s *Standin) threadPage(w http.ResponseWriter, platform, id string) {
	s.mu.Lock()
	posts := slices.Clone(s.places[platform].threads[id])
	slices.SortStableFunc(posts, func(a, b *post) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) })
	depth := map[string]int{}
	lines := make([]postLine, 0, len(posts))
	for _, p := range posts {
		if p.parent != "" && p.parent != p.id {
			depth[p.id] = min(depth[p.parent]+1, 4)
		}
		l := postLine{Who: cmp.Or(p.by.Name, p.by.Handle, p.by.ID, "somebody"), Handle: p.by.Handle, Text: p.text, Own: p.own, Ours: p.own && p.key != seeded,
			Private: p.private, Gone: p.deleted, Depth: depth[p.id], At: p.at}
		if p.edited {
			l.Note = "edited"
		}
		if p.deleted {
			l.Text = "" // the platform shows nothing of it any more
		}
		if p.text == "" && p.own && p.key == seeded && !p.deleted {
			l.Text = "(a post of ours)"
		}
		lines = append(lines, l)
	}
	s.mu.Unlock()
	if len(lines) == 0 {
		w.WriteHeader(http.StatusNotFound)
	}
	show(w, "thread", m{"Platform": platform, "Thread": id, "Posts": lines})
}

func (s *Standin) workspacePage(w http.ResponseWriter, _ *http.Request) {
	contacts := s.Contacts()
	slices.Reverse(contacts)
	more := max(0, len(contacts)-shownThreads)
	show(w, "workspace", m{"Contacts": contacts[:len(contacts)-more], "More": more})
}

func show(w http.ResponseWriter, name string, data any) {
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, fmt.Sprintf("standin: page %s: %v", name, err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	// The reader may have left; there is nobody to tell.
	_, _ = w.Write([]byte(b.String()))
}
