package standin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// card is a contact as an agent sees it.
type card struct {
	Contact
	Call          bool
	State, Status string // waiting, taken or ended; and in words
	Priority      int
	Facts         []fact
	Due           time.Time
	DueIn         string
	Late          bool
	// Line is what to say first, Note what to bear in mind.
	Line, Note string
	// Failed is why lookup had nothing to tell.
	Failed  string
	Lead    string // the description before its list
	Reasons []string
	Said    *postLine
	Thread  string // the page on which Said stands
	Rest    []fact
	Path    string // of its forms
	Take    bool
	Finish  string // the button's words
}

type fact struct{ Name, Value, Link string }

// The attributes that a card shows in its own words; the others are listed.
var (
	taskFacts = []fact{{Name: "Priority", Value: "fielder_priority"}, {Name: "Severity", Value: "fielder_severity"}, {Name: "About", Value: "fielder_intent"}}
	callFacts = []fact{{Name: "Name", Value: "fielder_name"}, {Name: "Tier", Value: "fielder_tier"}, {Name: "How sure", Value: "fielder_grade"},
		{Name: "Open conversations", Value: "fielder_open"}, {Name: "Last said", Value: "fielder_last_said"}, {Name: "Praise", Value: "fielder_praise"}}
)

// The states of a contact, in the order in which an agent looks at them.
const (
	waiting = "waiting"
	taken   = "taken"
	ended   = "ended"
)

func (s *Standin) card(c *Contact, now time.Time) card {
	v := card{Contact: *c, Call: c.Channel == "VOICE", Path: "/connect/contacts/" + url.PathEscape(c.ID)}
	a := c.Attributes
	v.Priority, _ = strconv.Atoi(a["fielder_priority"])
	switch {
	case !c.Disconnected.IsZero():
		v.State, v.Status = ended, v.ending()
	case !c.Answered.IsZero():
		v.State, v.Status = taken, "With "+c.Agent+" for "+span(now.Sub(c.Answered))
		v.Finish = "Finish"
		if v.Call {
			v.Finish = "Hang up"
		}
	case c.Queued.IsZero():
		v.State, v.Status = waiting, "Ringing"
	default:
		v.State, v.Status = waiting, "Waiting for "+span(now.Sub(c.Queued))
		if v.Call {
			v.Status = "Ringing for " + span(now.Sub(c.Queued))
		}
		v.Take = !v.Call // the stand-in's calls are answered by themselves
	}
	facts := taskFacts
	if v.Call {
		facts = callFacts
		if c.Lookup != "" && c.Lookup != "ok" {
			v.Failed = c.Lookup
		}
	}
	for _, f := range facts {
		if value := a[f.Value]; value != "" {
			v.Facts = append(v.Facts, fact{Name: f.Name, Value: value})
		}
	}
	if on := a["fielder_last_platform"]; v.Call && on != "" {
		f := fact{Name: "Last wrote", Value: "on " + platformName(on)}
		if at, err := time.Parse(time.RFC3339, a["fielder_last_at"]); err == nil {
			f.Value += ", " + span(now.Sub(at)) + " ago"
		}
		v.Facts = append(v.Facts, f)
	}
	v.Line, v.Note = a["fielder_line"], a["fielder_note"]
	if due, err := time.Parse(time.RFC3339, a["fielder_due"]); err == nil {
		v.Due = due
		switch left := due.Sub(now); {
		case c.Answered.After(due):
			v.DueIn = "answered late by " + span(c.Answered.Sub(due))
		case !c.Answered.IsZero():
			v.DueIn = "answered in time"
		case v.State == ended:
		case left < 0:
			v.Late, v.DueIn = true, "late by "+span(-left)
		default:
			v.DueIn = "in " + span(left)
		}
	}
	v.Lead, v.Reasons = reasons(c.Description)
	if platform, id, ok := strings.Cut(a["fielder_post"], ":"); ok {
		if p := s.find(platform, id); p != nil {
			v.Said, v.Thread = s.line(p), ThreadPath(platform, p.thread)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.References)) {
		ref := c.References[name]
		f := fact{Name: name, Value: ref.Value}
		if ref.Type == "URL" {
			f.Link = link(ref.Value)
		}
		v.Rest = append(v.Rest, f)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		v.Rest = append(v.Rest, fact{Name: name, Value: a[name]})
	}
	for _, f := range []fact{{Name: "contact", Value: c.ID}, {Name: "related contact", Value: c.Related}, {Name: "previous contact", Value: c.Previous}, {Name: "lookup", Value: c.Lookup}} {
		if f.Value != "" {
			v.Rest = append(v.Rest, f)
		}
	}
	return v
}

// ending says in words how a contact ended (DisconnectReason of contact events).
func (v *card) ending() string {
	who := v.Agent
	if who == "" {
		who = "nobody"
	}
	talked := ""
	if !v.Answered.IsZero() {
		talked = " after " + span(v.Disconnected.Sub(v.Answered))
	}
	switch v.Reason {
	case "AGENT_COMPLETED":
		return "Finished by " + who + talked
	case "AGENT_DISCONNECT":
		return who + " hung up" + talked
	case "CUSTOMER_DISCONNECT":
		if v.Answered.IsZero() {
			return "The caller hung up before anybody answered"
		}
		return "The caller hung up" + talked + " with " + who
	case "TRANSFERRED":
		return "Passed on to another queue"
	case "API":
		if v.Answered.IsZero() {
			return "Taken off the queue: it went to another queue or needs nobody any more"
		}
		return "Ended by Fielder" + talked + " with " + who
	}
	return "Ended: " + v.Reason
}

// reasons takes a description apart: a lead, and the lines that begin with "- ".
func reasons(description string) (string, []string) {
	var lead, list []string
	for line := range strings.Lines(description) {
		line = strings.TrimRight(line, "\r\n")
		if reason, ok := strings.CutPrefix(line, "- "); ok {
			list = append(list, reason)
		} else {
			lead = append(lead, line)
		}
	}
	return strings.TrimSpace(strings.Join(lead, "\n")), list
}

// span says a duration as people do; below zero is nothing.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// section is a heading of the workspace with its cards.
type section struct {
	Name, Title, Empty string
	Cards              []card
	Sheet              *sheet
	More               string // where the rest is
	Left               int
}

// recentlyEnded is how many ended contacts stand below the open ones.
const recentlyEnded = 10

func (s *Standin) workspacePage(w http.ResponseWriter, r *http.Request) {
	now := s.now()
	s.mu.Lock()
	cards := make([]card, 0, len(s.connect.order))
	queues := map[string]bool{}
	for _, id := range s.connect.order {
		c := *s.connect.contacts[id]
		c.Attributes, c.References = maps.Clone(c.Attributes), maps.Clone(c.References)
		queues[c.Queue] = true
		cards = append(cards, s.card(&c, now))
	}
	s.mu.Unlock()
	inQueue := []choice{{Label: "every queue"}}
	for _, q := range slices.Sorted(maps.Keys(queues)) {
		if q != "" {
			inQueue = append(inQueue, choice{Name: q, Label: q})
		}
	}
	inQueue, queue := pick(r, "queue", inQueue)
	if queue != "" {
		cards = slices.DeleteFunc(cards, func(c card) bool { return c.Queue != queue })
	}
	sections := bySection(cards)
	shows := []choice{{Name: "now", Label: "Now"}, {Name: waiting, Label: "Waiting"}, {Name: taken, Label: "With an agent"}, {Name: "calls", Label: "Calls"}, {Name: ended, Label: "Ended"}}
	for i := range shows {
		switch name := shows[i].Name; name {
		case "now":
			shows[i].Count = len(sections["live"]) + len(sections[waiting]) + len(sections[taken])
		default:
			shows[i].Count = len(sections[name])
		}
	}
	shows, show := pick(r, "show", shows)
	var out []section
	titles := map[string]string{"live": "On the phone now", waiting: "Waiting tasks", taken: "Tasks with an agent", "calls": "Calls", ended: "Ended"}
	empty := map[string]string{waiting: "No task is waiting.", taken: "Nobody is working on a task.", "calls": "Nobody has called.", ended: "Nothing has ended yet."}
	if show == "now" {
		for _, name := range []string{"live", waiting, taken, ended} {
			c := section{Name: name, Title: titles[name], Empty: empty[name], Cards: sections[name], More: with(r, "show", name)}
			limit := perPage
			if name == ended {
				limit, c.Title = recentlyEnded, "Ended last"
			}
			if c.Left = max(0, len(c.Cards)-limit); c.Left > 0 {
				c.Cards = c.Cards[:limit]
			}
			if name != "live" || len(c.Cards) > 0 {
				out = append(out, c)
			}
		}
	} else {
		c := section{Name: show, Title: titles[show], Empty: empty[show]}
		var sheet sheet
		c.Cards, sheet = paged(sections[show], r)
		c.Sheet = &sheet
		out = append(out, c)
	}
	live := r.URL.Query().Get("live") != ""
	toggle := with(r, "live", "1")
	if live {
		toggle = with(r, "live", "")
	}
	s.show(w, http.StatusOK, "workspace", frame{Title: "Agent workspace", At: "workspace", Live: live},
		m{"Sections": out, "Shows": shows, "Show": show, "Queues": inQueue, "Agent": agentOf(r), "Toggle": toggle, "Ring": int(ringing.Seconds()), "Longest": longestCall})
}

// bySection puts cards into the sections: who is on the phone, what waits (due first,
// then by priority), what is worked on, and the past, newest first.
func bySection(cards []card) map[string][]card {
	out := map[string][]card{}
	for _, c := range slices.Backward(cards) {
		name := c.State
		if c.Call {
			out["calls"] = append(out["calls"], c)
			if c.State != ended {
				name = "live"
			}
		}
		out[name] = append(out[name], c)
	}
	slices.SortStableFunc(out[ended], func(a, b card) int { return b.Disconnected.Compare(a.Disconnected) })
	urgent := func(a, b card) int {
		return cmp.Or(whenDue(a).Compare(whenDue(b)), cmp.Compare(b.Priority, a.Priority), a.Started.Compare(b.Started))
	}
	slices.SortStableFunc(out[waiting], urgent)
	slices.SortStableFunc(out[taken], urgent)
	return out
}

// whenDue puts what has no due time last.
func whenDue(c card) time.Time {
	if c.Due.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return c.Due
}

// The forms.

// agentCookie holds the name under which a person takes tasks.
const (
	agentCookie = "fielder_agent"
	someAgent   = "agent-1"
)

// agentName is what may stand in an agent's ARN.
var agentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

func agentOf(r *http.Request) string {
	if c, err := r.Cookie(agentCookie); err == nil && agentName.MatchString(c.Value) {
		return c.Value
	}
	return someAgent
}

func (s *Standin) agentForm(w http.ResponseWriter, r *http.Request) (string, error) {
	name := strings.TrimSpace(r.PostForm.Get("agent"))
	if !agentName.MatchString(name) {
		return "", refuse(http.StatusBadRequest, "An agent's name has 1 to 40 letters, digits, dots, dashes and underscores.")
	}
	http.SetCookie(w, &http.Cookie{Name: agentCookie, Value: name, Path: "/connect/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return "/connect/", nil
}

func (s *Standin) takeForm(_ http.ResponseWriter, r *http.Request) (string, error) {
	id := r.PathValue("contact")
	c, err := s.known(id)
	if err != nil {
		return "", err
	}
	if c.Channel != "TASK" {
		return "", refuse(http.StatusConflict, "A call is not taken here: it is answered after %d seconds.", int(ringing.Seconds()))
	}
	if s.AnswerTask(id, agentOf(r)) != nil {
		c, _ = s.known(id)
		if c.Agent != "" {
			return "", refuse(http.StatusConflict, "%s was quicker: this task is taken.", c.Agent)
		}
		return "", refuse(http.StatusConflict, "This task is no longer waiting.")
	}
	return "/connect/#c-" + url.PathEscape(id), nil
}

func (s *Standin) finishForm(_ http.ResponseWriter, r *http.Request) (string, error) {
	id := r.PathValue("contact")
	if _, err := s.known(id); err != nil {
		return "", err
	}
	if s.FinishTask(id) != nil {
		return "", refuse(http.StatusConflict, "This contact cannot be ended: nobody has taken it, or it has ended already.")
	}
	return "/connect/#c-" + url.PathEscape(id), nil
}

func (s *Standin) known(id string) (Contact, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.connect.contacts[id]; c != nil {
		return *c, nil
	}
	return Contact{}, refuse(http.StatusNotFound, "There is no contact %q.", id)
}

// A call from the workspace rings this long before the agent answers; and how
// long it may last, in seconds.
const (
	ringing     = 5 * time.Second
	longestCall = 3600
)

var (
	phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // E.164
	phoneSpaces = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "\u00a0", "")
)

// callForm places a call. It comes back once lookup has told what it knows; the
// conversation itself goes on by the clock.
func (s *Standin) callForm(_ http.ResponseWriter, r *http.Request) (string, error) {
	from := phoneSpaces.Replace(strings.TrimSpace(r.PostForm.Get("from")))
	if !phoneNumber.MatchString(from) {
		return "", refuse(http.StatusBadRequest, "A phone number begins with + and the country code, for example +1 202 555 0101.")
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(r.PostForm.Get("seconds")))
	if err != nil || seconds < 0 || seconds > longestCall {
		return "", refuse(http.StatusBadRequest, "A call lasts 0 to %d seconds; with 0 the caller hangs up before anybody answers.", longestCall)
	}
	end := func() {}
	if s.opt.Begin != nil {
		end = s.opt.Begin()
	}
	// The call outlives the request that placed it.
	ctx := context.WithoutCancel(r.Context())
	o := CallOptions{From: from, Agent: agentOf(r), Ring: ringing, Talk: time.Duration(seconds) * time.Second}
	c, err := s.ring(ctx, o)
	if err != nil {
		end()
		return "", err
	}
	go func() {
		defer end()
		// Only a context that ends can make it fail, and this one does not.
		_, _ = s.talk(ctx, c, o)
	}()
	return "/connect/#c-" + url.PathEscape(c.ID), nil
}
