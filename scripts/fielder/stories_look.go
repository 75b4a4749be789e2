package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/ledger"
)

// looks run the verbs that expect something; nil means that it is so.
var looks = map[string]func(context.Context, *teller, args) error{
	"is": func(ctx context.Context, t *teller, a args) error {
		_, err := t.outcome(ctx, a["post"], a["outcome"])
		return err
	},
	"isby": func(ctx context.Context, t *teller, a args) error {
		rule, err := t.outcome(ctx, a["post"], a["outcome"])
		if err == nil && rule != a["rule"] {
			err = fmt.Errorf("rule %q made the decision", rule)
		}
		return err
	},
	"undecided": func(ctx context.Context, t *teller, a args) error {
		if _, err := t.outcome(ctx, a["post"], ""); err != nil {
			return err
		}
		return t.overdue(ctx)
	},
	"public":  func(_ context.Context, t *teller, a args) error { return t.said(a["post"], false, a["text"]) },
	"private": func(_ context.Context, t *teller, a args) error { return t.said(a["post"], true, a["text"]) },
	"silent": func(_ context.Context, t *teller, a args) error {
		if all := t.replies(t.posts[a["post"]]); len(all) > 0 {
			return fmt.Errorf("we said %q", all[0].Text)
		}
		return nil
	},
	"lacks": func(_ context.Context, t *teller, a args) error {
		for _, r := range t.replies(t.posts[a["post"]]) {
			if holds(r.Text, a["text"]) {
				return fmt.Errorf("we said %q", r.Text)
			}
		}
		return nil
	},
	"replies":  func(_ context.Context, t *teller, a args) error { return t.count(a["count"]) },
	"onereply": func(_ context.Context, t *teller, _ args) error { return t.count("1") },
	"noreply":  func(_ context.Context, t *teller, _ args) error { return t.count("0") },
	"queue": func(ctx context.Context, t *teller, a args) error {
		conv, err := t.escalated(ctx, a["post"])
		if err != nil {
			return err
		}
		if conv.Escalation.Queue != a["queue"] {
			return fmt.Errorf("it is in %s", conv.Escalation.Queue)
		}
		c, err := t.task(ctx, a["post"])
		if err != nil {
			return err
		}
		if c.Queue != a["queue"] || !c.Disconnected.IsZero() {
			return fmt.Errorf("the task is in %s: %s", c.Queue, c.State)
		}
		return nil
	},
	"due": func(ctx context.Context, t *teller, a args) error {
		conv, err := t.escalated(ctx, a["post"])
		if err != nil {
			return err
		}
		want, err := time.Parse(time.RFC3339, a["at"])
		if err != nil {
			return err
		}
		// A story counts in minutes; between its lines the work itself takes a moment.
		if due := conv.Escalation.DueAt; due.Before(want) || due.Sub(want) >= time.Minute {
			return fmt.Errorf("it is due at %s", due.In(t.zone).Format(stampForm))
		}
		return nil
	},
	"before": func(ctx context.Context, t *teller, a args) error {
		one, err := t.escalated(ctx, a["post"])
		if err != nil {
			return err
		}
		other, err := t.escalated(ctx, a["other"])
		if err != nil {
			return err
		}
		if one.Escalation.Priority <= other.Escalation.Priority {
			return fmt.Errorf("the priorities are %.1f and %.1f", one.Escalation.Priority, other.Escalation.Priority)
		}
		return nil
	},
	"state": func(ctx context.Context, t *teller, a args) error {
		conv, err := t.conversation(ctx, a["post"])
		if err == nil && string(conv.State) != a["state"] {
			err = fmt.Errorf("it is %s", conv.State)
		}
		return err
	},
	"together": func(ctx context.Context, t *teller, a args) error { return t.same(ctx, a, true) },
	"apart":    func(ctx context.Context, t *teller, a args) error { return t.same(ctx, a, false) },
	"task": func(ctx context.Context, t *teller, a args) error {
		all, err := t.tasks(ctx, a["post"])
		if err != nil {
			return err
		}
		state := "none"
		if len(all) > 0 {
			state = taskState(all[len(all)-1])
		}
		if state != a["taskstate"] {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	},
	"draft": func(ctx context.Context, t *teller, a args) error {
		d, err := t.w.table.Draft(ctx, t.posts[a["post"]].id)
		if err == nil && string(d.Status) != a["draftstate"] {
			err = errors.New(d.Stands())
		}
		return err
	},
	"forgotten": func(ctx context.Context, t *teller, a args) error {
		d, err := t.w.table.Draft(ctx, t.posts[a["post"]].id)
		if err == nil && d.Text+d.Approved != "" {
			err = fmt.Errorf("it still says %q", d.Text+d.Approved)
		}
		return err
	},
	"timeline": func(ctx context.Context, t *teller, a args) error {
		entries, err := t.timeline(ctx, a["who"])
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(entries, func(e string) bool { return holds(e, a["text"]) }) {
			return fmt.Errorf("it holds %q", entries)
		}
		return nil
	},
	"untold": func(ctx context.Context, t *teller, a args) error {
		entries, err := t.timeline(ctx, a["who"])
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(entries, func(e string) bool { return holds(e, a["text"]) }); i >= 0 {
			return fmt.Errorf("it holds %q", entries[i])
		}
		return nil
	},
	"because": func(ctx context.Context, t *teller, a args) error {
		reasons, err := t.reasons(ctx, a["post"])
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(reasons, func(r string) bool { return holds(r, a["text"]) }) {
			return fmt.Errorf("the reasons are:\n    %s", strings.Join(reasons, "\n    "))
		}
		return nil
	},
	"told": func(_ context.Context, t *teller, a args) error {
		told, err := t.told()
		if err == nil && !holds(told, a["text"]) {
			err = fmt.Errorf("it says %s", told)
		}
		return err
	},
	"nottold": func(_ context.Context, t *teller, a args) error {
		told, err := t.told()
		if err == nil && holds(told, a["text"]) {
			err = fmt.Errorf("it says %s", told)
		}
		return err
	},
	"clean": func(ctx context.Context, t *teller, _ args) error { return t.clean(ctx) },
}

// holds ignores the case of letters: a story is not about that.
func holds(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }

// decision is a post's outcome, in the table or, where the edge decided it, in its
// log line; "" while there is none.
func (t *teller) decision(ctx context.Context, p *said) (outcome care.Outcome, rule string, at time.Time, reasons []string, err error) {
	r, err := t.w.table.Post(ctx, p.id)
	if err == nil {
		if r.Plan != nil {
			rule = r.Plan.Rule
		}
		if r.Outcome == "" && !r.Deleted.IsZero() {
			return care.OutcomeRecorded, "", r.Deleted, []string{"upstream: It was deleted before it was decided."}, nil
		}
		return r.Outcome, rule, r.DecidedAt, texts(r.Reasons), nil
	}
	if care.CodeOf(err) != care.NotFound {
		return "", "", at, nil, err
	}
	for _, l := range t.w.stack.Logs("", jsonText(string(p.id))) {
		if d, ok := readDecided(l.Text); ok && d.PostID == string(p.id) && d.Change == string(care.Received) {
			outcome, reasons, at = care.Outcome(d.Outcome), d.Reasons, t.w.stack.Clock().Now()
		}
	}
	return outcome, "", at, reasons, nil
}

// outcome holds a post's decision against the wanted one and gives its rule.
func (t *teller) outcome(ctx context.Context, name, want string) (rule string, err error) {
	got, rule, _, reasons, err := t.decision(ctx, t.posts[name])
	if err != nil {
		return "", err
	}
	if string(got) != want {
		if got == "" {
			return "", fmt.Errorf("it is undecided")
		}
		return "", fmt.Errorf("it is %s:\n    %s", got, strings.Join(reasons, "\n    "))
	}
	return rule, nil
}

func (t *teller) reasons(ctx context.Context, name string) ([]string, error) {
	_, _, _, reasons, err := t.decision(ctx, t.posts[name])
	return reasons, err
}

// replies are what stands at the platform of ours that answers a post. A direct
// message names nothing that it answers: there it is whatever we wrote to its
// author since.
func (t *teller) replies(p *said) []standin.Reply {
	var out []standin.Reply
	to := map[care.Platform]string{care.X: p.By.XID(), care.Messenger: p.By.FacebookID(), care.Instagram: p.By.InstagramID()}[p.platform]
	for _, r := range t.w.standin.Replies() {
		direct := p.private && r.Private && r.InReplyTo == "" && r.Platform == string(p.platform) && r.To == to && !r.At.Before(p.At)
		if r.InReplyTo == p.ID || r.InReplyTo == p.ID+"1" || direct { // an edit on X has an id of its own
			out = append(out, r)
		}
	}
	return out
}

// said finds exactly one reply of a kind, and that it holds a text.
func (t *teller) said(name string, private bool, text string) error {
	var of []standin.Reply
	all := t.replies(t.posts[name])
	for _, r := range all {
		if r.Private == private && !r.Deleted {
			of = append(of, r)
		}
	}
	if len(of) == 1 && holds(of[0].Text, text) {
		return nil
	}
	if len(all) == 0 {
		return fmt.Errorf("we said nothing")
	}
	var lines []string
	for _, r := range all {
		lines = append(lines, fmt.Sprintf("%s, private %v: %q", r.Platform, r.Private, r.Text))
	}
	return fmt.Errorf("we said %s", strings.Join(lines, "; "))
}

// count holds the number of all our replies on all platforms against the wanted.
func (t *teller) count(want string) error {
	if n := len(t.w.standin.Replies()); fmt.Sprint(n) != want {
		return fmt.Errorf("there are %d", n)
	}
	return nil
}

func (t *teller) escalated(ctx context.Context, name string) (care.Conversation, error) {
	conv, err := t.conversation(ctx, name)
	if err == nil && conv.Escalation == nil {
		err = fmt.Errorf("%s is not escalated: its conversation is %s", name, conv.State)
	}
	return conv, err
}

func (t *teller) same(ctx context.Context, a args, want bool) error {
	one, err := t.conversation(ctx, a["post"])
	if err != nil {
		return err
	}
	other, err := t.conversation(ctx, a["other"])
	if err == nil && (one.ID == other.ID) != want {
		err = fmt.Errorf("they are in %s and %s", one.ID, other.ID)
	}
	return err
}

func taskState(c standin.Contact) string {
	switch {
	case !c.Disconnected.IsZero():
		return "closed"
	case !c.Answered.IsZero():
		return "taken"
	}
	return "waiting"
}

// timeline lists what an agent reads of somebody, newest first, tombstones as
// "(deleted)".
func (t *teller) timeline(ctx context.Context, who string) ([]string, error) {
	customer := care.CustomerID("")
	if c, _, err := t.w.table.CustomerByIdentity(ctx, "phone", t.phones[who]); err == nil {
		customer = c.ID
	} else if care.CodeOf(err) != care.NotFound {
		return nil, err
	}
	for _, name := range t.order {
		if p := t.posts[name]; customer == "" && p.By == t.people[who] {
			r, err := t.w.table.Post(ctx, p.id)
			if err == nil && r.Plan != nil && r.Plan.Seen != nil {
				customer = r.Plan.Seen.Customer
			} else if err != nil && care.CodeOf(err) != care.NotFound {
				return nil, err
			}
		}
	}
	if customer == "" {
		return nil, fmt.Errorf("we know nobody who could be %s", who)
	}
	list, _, err := t.w.table.Timeline(ctx, customer, 100, "")
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, i := range list {
		text := i.Text
		if i.Kind == care.InteractionTombstone {
			text = "(deleted)"
		}
		out = append(out, fmt.Sprintf("%s by %s on %s: %s", i.Kind, i.By, i.Platform, text))
	}
	return out, nil
}

// told is what lookup told the latest call's flow.
func (t *teller) told() (string, error) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if len(t.w.lookups) == 0 {
		return "", errors.New("nobody has called")
	}
	last := t.w.lookups[len(t.w.lookups)-1]
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(last)) {
		if last[k] != "" {
			parts = append(parts, strings.TrimPrefix(k, "fielder_")+" "+strconv.Quote(last[k]))
		}
	}
	return strings.Join(parts, ", "), nil
}

func (t *teller) overdue(ctx context.Context) error {
	n, err := t.w.table.CountUndecided(ctx, t.w.stack.Clock().Now().Add(-ledger.Grace))
	if err == nil && n > 0 {
		err = fmt.Errorf("%d posts have no decision %s after they came", n, ledger.Grace)
	}
	return err
}

// clean holds what must hold in every story: every post has its one decision,
// nothing is said twice, nobody who waits for an agent is without a queue, a due
// time and a task, no task is without its conversation, and no role lacked a
// grant.
func (t *teller) clean(ctx context.Context) error {
	var wrong []string
	fail := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }
	open := map[string]bool{} // tasks
	for _, c := range t.w.standin.Contacts() {
		if c.Channel == "TASK" && c.Disconnected.IsZero() {
			open[c.ID] = true
		}
	}
	for _, name := range t.order {
		p := t.posts[name]
		outcome, _, _, _, err := t.decision(ctx, p)
		if err != nil {
			return err
		}
		if outcome == "" {
			fail("%s has no decision", name)
		}
		if outcome == care.OutcomeFailed {
			fail("%s failed and was parked", name)
		}
		most := 1
		if p.approved {
			most = 2 // what an agent let out, beside what a rule said
		}
		texts := map[string]bool{}
		replies := t.replies(p)
		for _, r := range replies {
			if texts[r.Text] {
				fail("%q was said twice to %s", r.Text, name)
			}
			texts[r.Text] = true
		}
		if len(replies) > most && !p.private { // in a direct conversation a reply names no post
			fail("%d replies stand below %s", len(replies), name)
		}
		if outcome != care.OutcomeEscalated {
			continue
		}
		conv, err := t.conversation(ctx, name)
		if err != nil {
			return err
		}
		if e := conv.Escalation; e != nil {
			if e.Queue == "" || e.DueAt.IsZero() {
				fail("%s waits for an agent without a queue or a due time", name)
			}
			if !open[e.Contact] {
				fail("%s waits for an agent, but its task %q is not open", name, e.Contact)
			}
		}
	}
	for _, c := range t.w.standin.Contacts() {
		if !open[c.ID] {
			continue
		}
		conv, err := t.w.table.Conversation(ctx, care.ConversationID(c.Attributes["fielder_conversation"]))
		if err != nil || conv.Escalation == nil || conv.Escalation.Contact != c.ID {
			fail("the task %q is open without a conversation that waits for it", c.Name)
		}
	}
	if err := t.overdue(ctx); err != nil {
		fail("%v", err)
	}
	for d := range t.w.stack.Denials() {
		fail("a role lacks a grant: %s", d)
	}
	for _, e := range t.w.stack.Executions("") {
		if e.Status != "RUNNING" && e.Status != "SUCCEEDED" && !(t.killed && e.Status == "ABORTED") {
			fail("execution %s of %s: %s %s", e.Name, e.Machine, e.Status, e.Error)
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// --- what the transcript tells of the system ------------------------------------------

// seen is what the transcript has told already.
type seen struct {
	replies, lookups int
	decisions        map[string]string
	drafts           map[string]care.DraftStatus
	tasks            map[string]string
	alarms           map[string]bool
}

// event is one line of news.
type event struct {
	at   time.Time
	text string
}

// news tells what has happened since, in order of time.
func (t *teller) news(ctx context.Context) error {
	s := &t.seen
	if s.decisions == nil {
		*s = seen{decisions: map[string]string{}, drafts: map[string]care.DraftStatus{}, tasks: map[string]string{}, alarms: map[string]bool{}}
	}
	now := t.w.stack.Clock().Now()
	var list []event
	tell := func(at time.Time, format string, a ...any) {
		if at.IsZero() {
			at = now
		}
		list = append(list, event{at, "    " + fmt.Sprintf(format, a...)})
	}
	named := map[string]string{}
	for _, name := range t.order {
		named[t.posts[name].ID] = name
	}
	replies := t.w.standin.Replies()
	for _, r := range replies[min(s.replies, len(replies)):] {
		how, to := "in public", named[r.InReplyTo]
		if r.Private {
			how = "in private"
		}
		if to == "" {
			to = "the author"
		}
		tell(r.At, "fielder to %s on %s, %s: %q", to, r.Platform, how, r.Text)
	}
	s.replies = len(replies)
	t.w.mu.Lock()
	for _, l := range t.w.lookups[s.lookups:] {
		tell(now, "lookup tells the call: %q", l["fielder_line"])
	}
	s.lookups = len(t.w.lookups)
	t.w.mu.Unlock()
	for _, name := range t.order {
		p := t.posts[name]
		outcome, rule, at, reasons, err := t.decision(ctx, p)
		if err != nil {
			return err
		}
		if told := string(outcome) + " " + rule; outcome != "" && s.decisions[name] != told {
			s.decisions[name] = told
			by := ""
			if rule != "" {
				by = " by rule " + rule
			}
			why := ""
			if len(reasons) > 0 {
				why = ". " + reasons[0]
			}
			tell(at, "%s is %s%s%s", name, outcome, by, why)
		}
		d, err := t.w.table.Draft(ctx, p.id)
		if err != nil && care.CodeOf(err) != care.NotFound {
			return err
		}
		if err == nil && s.drafts[name] != d.Status {
			s.drafts[name] = d.Status
			words := ""
			if d.Status == care.DraftPending {
				words = fmt.Sprintf(" %q", d.Text)
			}
			tell(d.Changed, "the draft of %s: %s%s", name, d.Stands(), words)
		}
		if outcome != care.OutcomeEscalated {
			continue
		}
		conv, err := t.conversation(ctx, name)
		if err != nil {
			return err
		}
		if e := conv.Escalation; e != nil {
			if k := string(conv.ID) + " warned"; e.Warned && !s.alarms[k] {
				s.alarms[k] = true
				tell(e.WarnAt, "warning: %s is due at %s", name, e.DueAt.In(t.zone).Format(stampForm))
			}
			if k := string(conv.ID) + " breached"; e.Breached && !s.alarms[k] {
				s.alarms[k] = true
				tell(e.DueAt, "the service level of %s is broken; %s has it now", name, e.Queue)
			}
		}
	}
	for _, c := range t.w.standin.Contacts() {
		if c.Channel != "TASK" || s.tasks[c.ID] == c.State {
			continue
		}
		s.tasks[c.ID] = c.State
		switch taskState(c) {
		case "waiting":
			tell(c.Queued, "Connect task in %s, priority %s, due %s: %s", c.Queue, c.Attributes["fielder_priority"], t.local(c.Attributes["fielder_due"]), c.Name)
		case "taken":
			tell(c.Answered, "%s has the task in %s", c.Agent, c.Queue)
		case "closed":
			tell(c.Disconnected, "the task in %s is closed (%s)", c.Queue, c.Reason)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	for _, e := range list {
		t.print(e.at, e.text)
	}
	return nil
}

func (t *teller) local(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return at.In(t.zone).Format(stampForm)
}
