package standin

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

//go:embed pages.html
var pagesHTML string

//go:embed pages.css
var pagesCSS string

var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"clock":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
	"iso":      iso,
	"platform": platformName,
	"short":    func(s string) string { first, _ := cut(s, 140, 3); return first },
	"name":     func(s string) string { first, _ := cut(s, 60, 1); return first },
	"brief":    func(s string) string { first, _ := cut(s, 400, 6); return first },
	"folded":   fold,
	"link":     link,
}).Parse(pagesHTML))

// perPage bounds what one page lists: threads, posts of a thread, or contacts.
const perPage = 50

func (s *Standin) routePages() {
	s.mux.HandleFunc("GET /standin/{$}", s.indexPage)
	s.mux.HandleFunc("GET /standin/pages.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// The reader may have left; there is nobody to tell.
		_, _ = w.Write([]byte(pagesCSS))
	})
	for _, platform := range platforms {
		s.mux.HandleFunc("GET /standin/"+platform+"/thread/{id...}", func(w http.ResponseWriter, r *http.Request) {
			s.threadPage(w, r, platform, r.PathValue("id"))
		})
	}
	s.mux.HandleFunc("GET /connect/{$}", s.workspacePage)
	for name, seed := range map[string]func([]byte) error{"x": s.SeedX, "meta": s.SeedMeta} {
		s.mux.HandleFunc("POST /standin/seed/"+name, func(w http.ResponseWriter, r *http.Request) { s.seed(w, r, seed) })
	}
	s.form("POST /connect/agent", s.agentForm)
	s.form("POST /connect/calls", s.callForm)
	s.form("POST /connect/contacts/{contact}/take", s.takeForm)
	s.form("POST /connect/contacts/{contact}/finish", s.finishForm)
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

// frame is what every page has around it.
type frame struct {
	Title string
	At    string // "threads" or "workspace"
	Now   time.Time
	Live  bool // loads itself again, because the reader asked for it
}

// refusal is a form that was not accepted.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// maxForm bounds the body of a form; its fields are a name, a number, seconds.
const maxForm = 4096

// form serves a form of the workspace. It changes something, so that it listens
// only to pages of its own: a browser says where a request comes from
// (Sec-Fetch-Site or Origin), and the host must be one that no foreign name can
// be made to mean (DNS rebinding). do answers with the path to show next.
func (s *Standin) form(pattern string, do func(http.ResponseWriter, *http.Request) (string, error)) {
	same := http.NewCrossOriginProtection()
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		next, err := func() (string, error) {
			if err := same.Check(r); err != nil {
				return "", refuse(http.StatusForbidden, "This form was sent by a page from elsewhere.")
			}
			if !s.ownHost(r.Host) {
				return "", refuse(http.StatusForbidden, "Forms work only under the address that the stand-in has: %s.", s.opt.BaseURL)
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				return "", refuse(http.StatusBadRequest, "The form cannot be read.")
			}
			return do(w, r)
		}()
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
		status := http.StatusConflict
		if no, ok := err.(*refusal); ok {
			status = no.status
		}
		s.show(w, status, "refused", frame{Title: "That did not work", At: "workspace"}, m{"Why": err.Error()})
	})
}

// ownHost tells whether a Host header names this machine: an IP address, or
// localhost, or the name that the stand-in was given.
func (s *Standin) ownHost(host string) bool {
	if base, err := url.Parse(s.opt.BaseURL); err == nil && base.Host != "" && strings.EqualFold(host, base.Host) {
		return true
	}
	name := (&url.URL{Host: host}).Hostname()
	_, err := netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost")
}

func (s *Standin) show(w http.ResponseWriter, status int, name string, f frame, data m) {
	f.Now = s.now()
	data["Frame"] = f
	var b strings.Builder
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, fmt.Sprintf("standin: page %s: %v", name, err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not "no-referrer": browsers would then send the forms with Origin: null.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The reader may have left; there is nobody to tell.
	_, _ = w.Write([]byte(b.String()))
}

// sheet is one page of a longer list.
type sheet struct {
	From, To, All      int // counted from 1; 0 to 0 of 0 when empty
	Newer, Older, Last string
}

// paged cuts a list to the page that the query asks for; one that is out of
// range is the nearest there is.
func paged[T any](all []T, r *http.Request) ([]T, sheet) {
	last := max(0, (len(all)-1)/perPage)
	at, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		at = 1
	}
	at = min(max(at-1, 0), last)
	from, to := at*perPage, min((at+1)*perPage, len(all))
	p := sheet{From: min(from+1, to), To: to, All: len(all)}
	if at > 0 {
		p.Newer = with(r, "page", strconv.Itoa(at))
	}
	if at < last {
		p.Older, p.Last = with(r, "page", strconv.Itoa(at+2)), with(r, "page", strconv.Itoa(last+1))
	}
	return all[from:to], p
}

// with is the query of this page with one value changed; "" takes it out.
// Another filter begins at its first page.
func with(r *http.Request, name, value string) string {
	q := r.URL.Query()
	if name != "page" {
		q.Del("page")
	}
	if q.Set(name, value); value == "" {
		q.Del(name)
	}
	return "?" + q.Encode()
}

// choice is one value of a filter.
type choice struct {
	Name, Label, Link string
	Count             int
	On                bool
}

// pick finds the value of a filter, the first one if the query has no known one.
func pick(r *http.Request, param string, all []choice) ([]choice, string) {
	on := all[0].Name
	for _, c := range all {
		if c.Name == r.URL.Query().Get(param) {
			on = c.Name
		}
	}
	for i := range all {
		all[i].On, all[i].Link = all[i].Name == on, with(r, param, all[i].Name)
	}
	return all, on
}

func platformName(p string) string {
	if p == onX {
		return "X"
	}
	if p == "" {
		return ""
	}
	return strings.ToUpper(p[:1]) + p[1:]
}

// folds are how much of a text is shown at first: a post of 10,000 emoji or of
// 5,000 empty lines must not push everything else off the screen.
const (
	foldCharacters = 700
	foldLines      = 14
)

type folded struct {
	Text, Short string // Short is empty when all is shown
	Characters  int
}

func fold(text string) folded {
	f := folded{Text: text}
	if first, more := cut(text, foldCharacters, foldLines); more {
		f.Short, f.Characters = first, graphemeCount(text)
	}
	return f
}

// cut shortens a text to so many characters, as people count them, and lines.
// Emoji and what is written as wide count twice; of a pile of combining marks,
// which is one "character", each eight bytes count.
func cut(text string, characters, lines int) (string, bool) {
	n, line, end := 0, 1, 0
	for g := graphemes.FromString(text); g.Next(); {
		v := g.Value()
		if n++; v >= "\u2e80" {
			n++
		}
		if len(v) > 40 { // more than any emoji has
			n += len(v) / 8
		}
		if strings.ContainsAny(v, "\n\r\u0085\u2028\u2029") {
			line++
		}
		if n > characters || line > lines {
			return strings.TrimRight(text[:end], " \n\r\t") + "…", true
		}
		end += len(v)
	}
	return text, false
}

// link is an address that a page may lead to; "" for anything but the web.
func link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}
