package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/local/cost"
	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/shared/care"
)

// report is what a played day came to.
type report struct {
	posts     int // distinct posts received
	authors   int
	platforms map[care.Platform]map[care.Outcome]int
	outcomes  map[care.Outcome]int
	// unaccounted lists posts without a decision.
	unaccounted                  []string
	edits, deletions, duplicates int
	changesLost                  []string
	wrong                        []string // scripted posts whose outcome is not the expected one
	decisions                    map[string]care.Outcome
	otherwise                    []string // decided otherwise than in the recorded decisions
	replies                      []standin.Reply
	duplicateReplies             []string
	approved                     int // drafts that agents sent
	contacts, calls              int
	lookups                      []map[string]string
	invitations                  []care.Invitation
	top                          []ranked
	bill                         cost.Bill
	lines                        []cost.Line
	denials                      map[string]int
	faults                       int64
	redelivered                  int64
	warned, breached             int
	seconds                      float64
	ids                          []string
}

// ranked is an escalated post with its priority.
type ranked struct {
	id       string
	priority float64
	queue    string
	reasons  []care.Reason
}

// report counts what happened, from the outside: the recorded lines say what
// was sent in, the table, the log and the stand-ins say what became of it.
func (p *player) report(ctx context.Context) (*report, error) {
	r := &report{decisions: map[string]care.Outcome{}, platforms: map[care.Platform]map[care.Outcome]int{}, outcomes: map[care.Outcome]int{}, seconds: time.Since(p.started).Seconds(),
		replies: p.w.standin.Replies(), lines: p.w.stack.Calls(), denials: p.w.stack.Denials(), redelivered: p.again.Load()}
	items, err := p.w.scan(ctx)
	if err != nil {
		return nil, err
	}
	authors, seen, expected := map[string]bool{}, map[string]bool{}, map[string]string{}
	edited := map[string]bool{}
	for _, l := range p.lines {
		post, ok, err := l.Post()
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		authors[post.Author] = true
		switch post.Change {
		case "edited":
			r.edits++
			edited[post.ID] = true
		case "deleted":
			r.deletions++
		default:
			if seen[post.ID] {
				r.duplicates++
			}
			seen[post.ID] = true
		}
		if l.Expect != "" {
			expected[post.ID] = l.Expect
		}
		if post.Change != "" && post.Change != "received" {
			if _, ok := p.changes[post.Change+" "+post.ID]; !ok {
				r.changesLost = append(r.changesLost, post.Change+" "+post.ID)
			}
		}
	}
	r.posts, r.authors = len(seen), len(authors)
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		var outcome care.Outcome
		if rec, ok := items.posts[id]; ok {
			outcome = rec.outcome
			if outcome == "" && rec.deleted {
				outcome = care.OutcomeRecorded // deleted upstream before it could be decided
			}
		} else if d, ok := p.edge[id]; ok {
			outcome = care.Outcome(d.Outcome)
		}
		if outcome == "" {
			r.unaccounted = append(r.unaccounted, id)
			continue
		}
		r.decisions[id] = outcome
		platform, _, _ := care.PostID(id).Split()
		if r.platforms[platform] == nil {
			r.platforms[platform] = map[care.Outcome]int{}
		}
		r.platforms[platform][outcome]++
		r.outcomes[outcome]++
		if want := expected[id]; want != "" && want != string(outcome) {
			r.wrong = append(r.wrong, fmt.Sprintf("%s is %s, should be %s (%s)", id, outcome, want, storyOf(p.lines, id)))
		}
	}
	for id := range seen {
		r.ids = append(r.ids, id)
	}
	answered := map[string]int{}
	for _, reply := range r.replies {
		key := reply.Platform + " " + reply.InReplyTo
		if reply.InReplyTo == "" {
			key = reply.Platform + " to " + reply.To + " " + reply.Text
		}
		if answered[key]++; answered[key] > 1 {
			r.duplicateReplies = append(r.duplicateReplies, key)
		}
	}
	for _, c := range p.w.standin.Contacts() {
		if c.Channel == "TASK" {
			r.contacts++
		} else {
			r.calls++
		}
	}
	if a := p.w.agents; a != nil {
		a.mu.Lock()
		r.approved = a.approved
		a.mu.Unlock()
	}
	p.w.mu.Lock()
	r.lookups = slices.Clone(p.w.lookups)
	p.w.mu.Unlock()
	r.invitations = items.invitations
	if r.top, err = p.w.escalated(); err != nil {
		return nil, err
	}
	r.bill = cost.Cost(r.lines, r.posts)
	r.faults = p.w.stack.Faults().Report().Total
	r.warned = len(p.w.stack.Logs("", `"SLAWarned":1`))
	r.breached = len(p.w.stack.Logs("", `"SLABreached":1`))
	return r, nil
}

// recorded is every decision of the day that is not "ignored", by post id; what
// is not in it must be ignored.
type recorded map[string]care.Outcome

// record writes the day's decisions.
func (r *report) record(file string) error {
	keep := recorded{}
	for id, o := range r.decisions {
		if o != care.OutcomeIgnored {
			keep[id] = o
		}
	}
	b, err := json.MarshalIndent(keep, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// compare holds the day's decisions against recorded ones: faults, reordering
// and repetition must not change a single one.
func (r *report) compare(want recorded) {
	for _, id := range slices.Sorted(maps.Keys(r.decisions)) {
		expect := want[id]
		if expect == "" {
			expect = care.OutcomeIgnored
		}
		if got := r.decisions[id]; got != expect {
			r.otherwise = append(r.otherwise, fmt.Sprintf("%s is %s, was %s", id, got, expect))
		}
	}
}

func storyOf(lines []day.Line, id string) string {
	for _, l := range lines {
		if post, ok, err := l.Post(); err == nil && ok && post.ID == id && l.Story != "" {
			return l.Story
		}
	}
	return ""
}

// storedPost is what became of a post.
type storedPost struct {
	outcome care.Outcome
	deleted bool
}

// stored is what a scan of the table brought.
type stored struct {
	posts       map[string]storedPost
	invitations []care.Invitation
}

// scan reads the whole table, as only a report does.
func (w *world) scan(ctx context.Context) (*stored, error) {
	s := &stored{posts: map[string]storedPost{}}
	var start map[string]types.AttributeValue
	for {
		out, err := w.dynamo.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(w.name), ExclusiveStartKey: start, ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			if err := s.add(it); err != nil {
				return nil, err
			}
		}
		if start = out.LastEvaluatedKey; len(start) == 0 {
			break
		}
	}
	sort.Slice(s.invitations, func(i, j int) bool { return s.invitations[i].At.Before(s.invitations[j].At) })
	return s, nil
}

// escalated ranks what intake handed to agents, by the workflow's own output.
func (w *world) escalated() ([]ranked, error) {
	best := map[string]ranked{}
	for _, e := range w.stack.Executions(stackName + "-intake") {
		var out struct {
			ID         string `json:"id"`
			Escalation *struct {
				Queue    string        `json:"queue"`
				Priority float64       `json:"priority"`
				Reasons  []care.Reason `json:"reasons"`
			} `json:"escalation"`
		}
		if len(e.Output) == 0 {
			continue
		}
		if err := json.Unmarshal(e.Output, &out); err != nil {
			return nil, fmt.Errorf("execution %s: %w", e.Name, err)
		}
		if x := out.Escalation; x != nil && x.Queue != "" {
			best[out.ID] = ranked{out.ID, x.Priority, x.Queue, x.Reasons}
		}
	}
	list := slices.Collect(maps.Values(best))
	sort.Slice(list, func(i, j int) bool {
		if list[i].priority != list[j].priority {
			return list[i].priority > list[j].priority
		}
		return list[i].id < list[j].id
	})
	return list, nil
}

func text(it map[string]types.AttributeValue, name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (s *stored) add(it map[string]types.AttributeValue) error {
	pk, sk := text(it, "pk"), text(it, "sk")
	switch {
	case sk == "POST":
		_, deleted := it["deleted"]
		s.posts[strings.TrimPrefix(pk, "POST#")] = storedPost{care.Outcome(text(it, "outcome")), deleted}
	case strings.HasPrefix(sk, "INVITATION#"):
		var inv care.Invitation
		if err := json.Unmarshal([]byte(text(it, "doc")), &inv); err != nil {
			return err
		}
		s.invitations = append(s.invitations, inv)
	}
	return nil
}

func (r *report) summary() map[string]any {
	sent, withheld := 0, 0
	for _, i := range r.invitations {
		if i.Status == "sent" {
			sent++
		} else {
			withheld++
		}
	}
	history := 0
	for _, l := range r.lookups {
		if l["fielder_history"] == "true" {
			history++
		}
	}
	return map[string]any{
		"posts": r.posts, "ignored": r.outcomes[care.OutcomeIgnored], "answered": r.outcomes[care.OutcomeAnswered],
		"escalated": r.outcomes[care.OutcomeEscalated], "recorded": r.outcomes[care.OutcomeRecorded], "failed": r.outcomes[care.OutcomeFailed],
		"unaccounted": len(r.unaccounted), "repliesSent": len(r.replies) - sent, "duplicateReplies": len(r.duplicateReplies), "draftsApproved": r.approved,
		"contacts": r.contacts, "lookupsWithHistory": history, "invitationsSent": sent, "invitationsWithheld": withheld,
		"seconds": float64(int(r.seconds*10)) / 10, "usdPerMillionPosts": float64(int(r.bill.PerMillionPosts*100+0.5)) / 100,
		"authors": r.authors, "edits": r.edits, "deletions": r.deletions, "duplicates": r.duplicates, "faults": r.faults,
	}
}

// broken lists what did not hold that must hold.
func (r *report) broken() []string {
	var out []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(len(r.unaccounted), "%d posts without a decision: %s", len(r.unaccounted), first(r.unaccounted))
	add(len(r.changesLost), "%d edits or deletions without a record: %s", len(r.changesLost), first(r.changesLost))
	add(len(r.duplicateReplies), "%d replies said twice: %s", len(r.duplicateReplies), first(r.duplicateReplies))
	add(r.outcomes[care.OutcomeFailed], "%d posts failed and were parked", r.outcomes[care.OutcomeFailed])
	add(len(r.otherwise), "%d posts were decided otherwise than recorded in %s: %s", len(r.otherwise), decisionsFile, first(r.otherwise))
	add(len(r.wrong), "%d scripted posts ended otherwise: %s", len(r.wrong), first(r.wrong))
	for _, d := range slices.Sorted(maps.Keys(r.denials)) {
		out = append(out, "a role lacks a grant: "+d)
	}
	if answered := r.outcomes[care.OutcomeAnswered]; answered > len(r.replies) {
		out = append(out, fmt.Sprintf("%d posts count as answered, but the platforms show %d replies", answered, len(r.replies)))
	}
	if r.bill.PerMillionPosts > 4 && r.faults == 0 { // every retry costs
		out = append(out, fmt.Sprintf("a million posts would cost $%.2f; the target is $4", r.bill.PerMillionPosts))
	}
	return out
}

func first(list []string) string {
	if len(list) > 5 {
		return strings.Join(list[:5], "; ") + "; ..."
	}
	return strings.Join(list, "; ")
}

// example is a post worth explaining.
func (r *report) example() string {
	if len(r.top) > 0 {
		return r.top[0].id
	}
	if len(r.ids) > 0 {
		return slices.Min(r.ids)
	}
	return "POST_ID"
}

func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "\nThe day: %d posts by %d authors; besides %d edits, %d deletions, %d repeated deliveries.\n\n", r.posts, r.authors, r.edits, r.deletions, r.duplicates)
	fmt.Fprintln(t, "\treceived\tignored\tanswered\tescalated\trecorded\tfailed\t")
	row := func(name string, m map[care.Outcome]int) {
		sum := 0
		for _, n := range m {
			sum += n
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, sum, m[care.OutcomeIgnored], m[care.OutcomeAnswered], m[care.OutcomeEscalated], m[care.OutcomeRecorded], m[care.OutcomeFailed])
	}
	for _, p := range care.Platforms() {
		row(string(p), r.platforms[p])
	}
	row("all", r.outcomes)
	t.Flush()
	fmt.Fprintf(out, "Without a decision: %d. Said twice: %d.\n", len(r.unaccounted), len(r.duplicateReplies))

	fmt.Fprintln(out, "\nThe ten highest priorities:")
	for i, x := range r.top {
		if i == 10 {
			break
		}
		fmt.Fprintf(out, "%3d. %5.1f  %-44s %s\n", i+1, x.priority, x.id, x.queue)
		for _, reason := range x.reasons {
			if reason.Points != 0 {
				fmt.Fprintf(out, "        %+5.1f  %s\n", reason.Points, reason.Text)
			}
		}
	}
	fmt.Fprintf(out, "\nAgents: %d tasks in Amazon Connect's queues, %d warnings before the service level ran out, %d breaches passed on.\n", r.contacts, r.warned, r.breached)

	fmt.Fprintf(out, "\nDrafts that agents read and sent: %d.\n", r.approved)
	fmt.Fprintf(out, "\nCalls: %d. What lookup had to say:\n", r.calls)
	for _, l := range r.lookups {
		if l["fielder_known"] != "true" {
			fmt.Fprintln(out, "  (a number that we do not know) "+l["fielder_line"])
			continue
		}
		fmt.Fprintln(out, "  "+l["fielder_line"])
		if l["fielder_history"] == "true" {
			fmt.Fprintf(out, "      on %s at %s: %q\n", l["fielder_last_platform"], l["fielder_last_at"], l["fielder_last_said"])
		}
		fmt.Fprintln(out, "      "+l["fielder_note"])
	}

	fmt.Fprintln(out, "\nInvitations:")
	grouped := map[string]int{}
	for _, i := range r.invitations {
		reasons := make([]string, 0, len(i.Reasons))
		for _, x := range i.Reasons {
			reasons = append(reasons, x.Text)
		}
		why := strings.Join(reasons, " ")
		if i.Status != "sent" {
			grouped[fmt.Sprintf("withheld after a %s: %s", i.After, why)]++
			continue
		}
		fmt.Fprintf(out, "  sent on %s at %s after a %s: %q\n", i.Platform, i.At.UTC().Format("15:04"), i.After, i.Text)
	}
	for _, why := range slices.Sorted(maps.Keys(grouped)) {
		fmt.Fprintf(out, "  %3d x %s\n", grouped[why], why)
	}

	fmt.Fprintln(out, "\nAWS calls, and what a million such posts would cost at list prices (us-east-1, no free tier):")
	t = tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	byService := map[string]int64{}
	for _, l := range r.lines {
		if !l.Standing {
			byService[l.Service] += l.Calls
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byService)) {
		perMillion := r.bill.PerPost[name] / float64(max(1, r.posts)) * 1e6
		fmt.Fprintf(t, "  %s\t%d calls\t$%.3f\n", name, byService[name], perMillion)
	}
	fmt.Fprintf(t, "  all\t\t$%.2f per million posts (target: at most $4)\n", r.bill.PerMillionPosts)
	t.Flush()
	fmt.Fprintf(out, "Standing costs of this day, posts or none (schedules, config and secrets of new instances): $%.4f\n", r.bill.StandingTotal)
	if len(r.bill.Unpriced) > 0 {
		fmt.Fprintf(out, "Counted without a price: %s (Amazon Connect bills tasks and agents by itself).\n", strings.Join(r.bill.Unpriced, ", "))
	}
	if r.faults > 0 {
		fmt.Fprintf(out, "Faults injected: %d; webhooks delivered again: %d.\n", r.faults, r.redelivered)
	}
	fmt.Fprintf(out, "Played in %.0f s.\n", r.seconds)
}
