package drafts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// maxRequest bounds a request's body: a text of the longest that any platform
// takes, as JSON.
const maxRequest = 64 << 10

// Agent is who asks, as the identity provider says.
type Agent struct {
	ID     string // stable, tells nothing of the person: for the audit log
	Name   string // unique; for colleagues and the timeline
	Groups []string
}

// groups are who may deal with drafts.
var groups = []string{"agent", "supervisor"}

// Shown is a draft as the API gives it.
type Shown struct {
	// ID names the draft in paths: the post id, base64url without padding, because
	// a post id may hold slashes.
	ID string `json:"id"`
	Listed
	// To is what it answers; absent in lists.
	To *Answered `json:"to,omitempty"`
}

// Answered is the post that a draft answers.
type Answered struct {
	Text   string `json:"text"`
	Author string `json:"author"`
	URL    string `json:"url,omitempty"`
	At     string `json:"at"`
}

// Page is one page of the list.
type Page struct {
	Drafts []Shown `json:"drafts"`
	// Cursor asks for the next page; absent at the end.
	Cursor string `json:"cursor,omitempty"`
}

// Problem is what went wrong, for people (Error) and for programs (Code).
type Problem struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

// ID is a post's id as it stands in paths.
func ID(post care.PostID) string { return base64.RawURLEncoding.EncodeToString([]byte(post)) }

// Handler is the panel's API for drafts; events/panel.openapi.json describes it.
// who tells who asks; it fails when that cannot be told.
//
// Every read and write of personal data leaves one line in the log: who, what,
// which posts, and never what they say.
func Handler(d *Desk, who func(context.Context) (Agent, error)) http.Handler {
	mux := http.NewServeMux()
	handle := func(route string, do func(w http.ResponseWriter, r *http.Request, a Agent) error) {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			a, err := who(r.Context())
			if err != nil || a.Name == "" {
				answer(w, http.StatusUnauthorized, Problem{"It is not clear who asks.", "unauthorized"})
				return
			}
			if !slices.ContainsFunc(a.Groups, func(g string) bool { return slices.Contains(groups, g) }) {
				audit(r, a, "denied")
				answer(w, http.StatusForbidden, Problem{"Drafts are for agents and supervisors.", "forbidden"})
				return
			}
			if err := do(w, r, a); err != nil {
				fail(r, w, err)
			}
		})
	}
	handle("GET /panel/drafts", func(w http.ResponseWriter, r *http.Request, a Agent) error {
		q := r.URL.Query()
		f := Filter{Queue: q.Get("queue"), Platform: care.Platform(q.Get("platform"))}
		if f.Platform != "" && !slices.Contains(care.Platforms(), f.Platform) {
			return malformed("platform %q is not one of %v", f.Platform, care.Platforms())
		}
		after, err := base64.RawURLEncoding.DecodeString(q.Get("cursor"))
		if err != nil || len(after) > 1000 {
			return malformed("the cursor is not one of ours")
		}
		f.After = string(after)
		list, next, err := d.List(r.Context(), f)
		if err != nil {
			return err
		}
		page := Page{Drafts: []Shown{}, Cursor: base64.RawURLEncoding.EncodeToString([]byte(next))}
		ids := make([]string, len(list))
		for n, l := range list {
			page.Drafts, ids[n] = append(page.Drafts, show(l)), string(l.Post)
		}
		audit(r, a, "list", ids...)
		answer(w, http.StatusOK, page)
		return nil
	})
	handle("GET /panel/drafts/{id}", func(w http.ResponseWriter, r *http.Request, a Agent) error {
		id, err := postOf(r)
		if err != nil {
			return err
		}
		l, p, err := d.Get(r.Context(), id)
		if err != nil {
			return err
		}
		audit(r, a, "read", string(id))
		shown := show(l)
		author := p.Author.Name
		if p.Author.Handle != "" {
			author = strings.TrimSpace(author + " @" + p.Author.Handle)
		}
		shown.To = &Answered{Text: p.Text, Author: author, URL: p.URL, At: p.CreatedAt.UTC().Format("2006-01-02T15:04:05Z")}
		return draftIs(w, shown)
	})
	handle("POST /panel/drafts/{id}/approve", func(w http.ResponseWriter, r *http.Request, a Agent) error {
		var in struct {
			Text                *string `json:"text"`
			ConfirmPersonalData bool    `json:"confirmPersonalData"`
		}
		id, version, err := command(w, r, &in)
		if err != nil {
			return err
		}
		one, err := d.Approve(r.Context(), Approval{Post: id, Agent: a.Name, Version: version, Text: in.Text, Confirmed: in.ConfirmPersonalData})
		audit(r, a, "approve "+verdict(one, err), string(id))
		if err != nil {
			return err
		}
		return draftIs(w, show(Listed{Draft: one}))
	})
	handle("POST /panel/drafts/{id}/reject", func(w http.ResponseWriter, r *http.Request, a Agent) error {
		var in struct {
			Reason string `json:"reason"`
		}
		id, version, err := command(w, r, &in)
		if err != nil {
			return err
		}
		one, err := d.Reject(r.Context(), id, a.Name, version, in.Reason)
		audit(r, a, "reject "+verdict(one, err), string(id))
		if err != nil {
			return err
		}
		return draftIs(w, show(Listed{Draft: one}))
	})
	return mux
}

func show(l Listed) Shown { return Shown{ID: ID(l.Post), Listed: l} }

// draftIs answers with a draft and the version that a decision about it names.
func draftIs(w http.ResponseWriter, s Shown) error {
	w.Header().Set("ETag", `"`+strconv.Itoa(s.Version)+`"`)
	answer(w, http.StatusOK, s)
	return nil
}

func verdict(d care.Draft, err error) string {
	if err != nil {
		return string(care.CodeOf(err))
	}
	return string(d.Status)
}

// audit leaves the line of who saw or did what. IDs only.
func audit(r *http.Request, a Agent, did string, posts ...string) {
	slog.InfoContext(r.Context(), "audit", "agent", a.ID, "did", did, "route", r.Pattern, "postIds", posts)
}

// malformedRequest is a request that is wrong in form, unlike one whose text
// will not do.
type malformedRequest struct{ error }

func (m malformedRequest) Unwrap() error { return m.error }

func malformed(format string, args ...any) error {
	return malformedRequest{care.Errorf(care.Invalid, format, args...)}
}

// postOf reads the id in the path.
func postOf(r *http.Request) (care.PostID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(r.PathValue("id"))
	id := care.PostID(raw)
	if _, _, ok := id.Split(); err != nil || !ok {
		return "", malformed("the path does not name a draft")
	}
	return id, nil
}

// errUnseen is a decision that does not say what it is about.
var errUnseen = errors.New("say which version you looked at: If-Match with the draft's ETag")

// command reads a decision: which draft, in which version, and the body.
func command(w http.ResponseWriter, r *http.Request, into any) (id care.PostID, version int, err error) {
	if id, err = postOf(r); err != nil {
		return "", 0, err
	}
	tag := r.Header.Get("If-Match")
	if tag == "" {
		return "", 0, errUnseen
	}
	quoted := strings.TrimPrefix(tag, "W/")
	version, err = strconv.Atoi(strings.Trim(quoted, `"`))
	if err != nil || version < 1 {
		return "", 0, malformed("If-Match is not an ETag of ours")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return "", 0, malformed("the body cannot be read, or is over 64 KiB")
	}
	if len(body) == 0 {
		return id, version, nil
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil || dec.More() {
		return "", 0, malformed("the body is not the JSON object that is described")
	}
	return id, version, nil
}

// fail answers with what went wrong.
func fail(r *http.Request, w http.ResponseWriter, err error) {
	var own *care.Error
	message := "Something went wrong here; try again."
	if errors.As(err, &own) {
		message = own.Message
	}
	var form malformedRequest
	switch code := care.CodeOf(err); {
	case errors.Is(err, errUnseen):
		answer(w, http.StatusPreconditionRequired, Problem{errUnseen.Error(), "if-match-missing"})
	case errors.Is(err, ErrStale):
		answer(w, http.StatusPreconditionFailed, Problem{message, "stale"})
	case errors.As(err, &form):
		answer(w, http.StatusBadRequest, Problem{message, "malformed"})
	case code == care.Invalid:
		answer(w, http.StatusUnprocessableEntity, Problem{message, "unsuitable"})
	case code == care.NotFound:
		answer(w, http.StatusNotFound, Problem{"There is no such draft.", "not-found"})
	case code == care.Conflict:
		answer(w, http.StatusConflict, Problem{message, "conflict"})
	case code == care.Busy, code == care.Throttled, code == care.Unavailable, code == care.Unknown:
		slog.WarnContext(r.Context(), "not finished", "route", r.Pattern, "code", string(code), "error", err.Error())
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, Problem{"It is not known yet what became of it. Do the same again: nothing is said twice.", "unfinished"})
	default:
		slog.ErrorContext(r.Context(), "failed", "route", r.Pattern, "code", string(code), "error", err.Error())
		answer(w, http.StatusInternalServerError, Problem{"Something went wrong here.", "internal"})
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"Something went wrong here.","code":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b)
}
