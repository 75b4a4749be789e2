package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/local/clock"
	"github.com/fielder-care/fielder/scripts/local/faults"
	"github.com/fielder-care/fielder/scripts/local/standin"
	"github.com/fielder-care/fielder/scripts/scenarios"
	"github.com/fielder-care/fielder/scripts/wire"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// teller tells one story, on a stack of its own whose clock stands still between
// the lines.
type teller struct {
	w      *world
	out    io.Writer
	player player
	zone   *time.Location
	faults *faults.Plan
	bundle config.Bundle // as deployed now
	people map[string]wire.Person
	phones map[string]string
	posts  map[string]*said
	order  []string // names of posts
	serial int

	calls   sync.WaitGroup
	trouble bool // there are faults at every boundary
	killed  bool // an execution was stopped on purpose
	seen    seen
}

// said is a post of the story.
type said struct {
	wire.Post
	name     string
	platform care.Platform
	private  bool
	id       care.PostID
	line     day.Line // as it was delivered last
	gone     bool
	approved bool // an agent let a draft of it go out
}

// begin starts a stack, with the sample customers.
func begin(ctx context.Context, s scenarios.Story, bundle *config.Bundle, seed int64, out io.Writer) (*teller, error) {
	t := &teller{out: out, trouble: seed != 0, zone: s.Start.Location(), faults: faults.New(1, 2), bundle: *bundle, people: map[string]wire.Person{}, phones: map[string]string{}, posts: map[string]*said{}}
	if t.trouble {
		t.faults = faults.Standard(seed)
	}
	var err error
	t.w, err = startWorld(ctx, worldOptions{addr: "127.0.0.1:0", standinAddr: "127.0.0.1:0", clock: clock.Stepped(s.Start), faults: t.faults, log: io.Discard, hidden: true, unlimited: true})
	if err != nil {
		return nil, err
	}
	t.player = player{w: t.w, out: io.Discard}
	if err = t.player.importCustomers(ctx); err == nil {
		err = t.cast(s)
	}
	if err != nil {
		t.w.close()
		return nil, err
	}
	return t, nil
}

// The people of a story get numbers that nobody of the recorded day has; those of
// the sample customers follow from their external ids (scripts/samples/stories.go).
const (
	firstStranger = 2001
	firstOfCrowd  = 3001
	firstCustomer = 500 // C-1001 is 501
)

func (t *teller) cast(s scenarios.Story) error {
	f, err := os.Open(customersCSV)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", customersCSV, err)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	for i, p := range s.People {
		who := wire.Person{N: firstStranger + i, First: p.Name, Followers: p.Followers, Spanish: p.Spanish}
		t.phones[p.Name] = fmt.Sprintf("+1202555%04d", 200+i)
		if p.Customer != "" {
			n := slices.IndexFunc(rows[1:], func(row []string) bool { return column(row, "external_id") == p.Customer })
			if n < 0 {
				return fmt.Errorf("%s: %s is customer %s, whom %s does not have", s.File, p.Name, p.Customer, customersCSV)
			}
			row := rows[1+n]
			number, err := strconv.Atoi(strings.TrimPrefix(p.Customer, "C-1"))
			if err != nil {
				return fmt.Errorf("%s: customer %s has no number", s.File, p.Customer)
			}
			first, last, _ := strings.Cut(column(row, "name"), " ")
			who.N, who.First, who.Last, who.Followers = firstCustomer+number, first, last, 75
			if id := column(row, "x"); id != "" && id != who.XID() {
				return fmt.Errorf("%s: customer %s is %s on X, not %s", customersCSV, p.Customer, id, who.XID())
			}
			t.phones[p.Name] = column(row, "phone")
		}
		t.people[p.Name] = who
	}
	return nil
}

// step does one line of the story.
func (t *teller) step(ctx context.Context, s scenarios.Step) error {
	if err := t.to(ctx, s.At); err != nil {
		return err
	}
	now := t.w.stack.Clock().Now()
	if do := doings[s.Verb]; do != nil {
		t.print(now, s.Text)
		err := do(ctx, t, s.Args)
		// What an agent waits for comes late where there are faults.
		for tries := 0; err != nil && t.trouble && slices.Contains(patient, s.Verb) && tries < 20; tries++ {
			if late := t.w.stack.Clock().AdvanceTo(ctx, t.w.stack.Clock().Now().Add(2*time.Minute)); late != nil {
				return late
			}
			err = do(ctx, t, s.Args)
		}
		if err != nil {
			return err
		}
		if err := t.w.stack.Idle(ctx); err != nil {
			return err
		}
		return t.news(ctx)
	}
	look := looks[s.Verb]
	if look == nil {
		return fmt.Errorf("nothing runs the verb %q", s.Verb)
	}
	if t.trouble {
		return nil
	}
	if err := look(ctx, t, s.Args); err != nil {
		t.print(now, s.Text+"   NOT SO")
		return err
	}
	t.print(now, s.Text+"   yes")
	return nil
}

// patient are the verbs that can be tried again: they change nothing when they
// fail.
var patient = []string{"take", "finish", "approve", "change", "reject", "kill"}

// to lets time pass until a moment, telling what happens on the way.
func (t *teller) to(ctx context.Context, at time.Time) error {
	if err := t.w.stack.Clock().AdvanceTo(ctx, at); err != nil {
		return err
	}
	return t.news(ctx)
}

const stampForm = "Mon 2 Jan 15:04:05 MST"

func (t *teller) print(at time.Time, text string) {
	fmt.Fprintf(t.out, "%s  %s\n", at.In(t.zone).Format(stampForm), text)
}

// --- what is done ---------------------------------------------------------------

type args = map[string]string

// doings run the verbs that do something.
var doings = map[string]func(context.Context, *teller, args) error{
	"post": func(ctx context.Context, t *teller, a args) error {
		return t.deliver(ctx, t.public(t.people[a["who"]], care.Platform(a["platform"]), a["text"], a["new"]))
	},
	"write": func(ctx context.Context, t *teller, a args) error {
		return t.deliver(ctx, t.direct(t.people[a["who"]], care.Platform(a["platform"]), a["text"], a["new"]))
	},
	"reply": func(ctx context.Context, t *teller, a args) error {
		p, of := t.public(t.people[a["who"]], t.posts[a["post"]].platform, a["text"], a["new"]), t.posts[a["post"]]
		if of.private || of.platform == care.Instagram || of.platform == care.Bluesky {
			return fmt.Errorf("going on in a thread is written for X, Facebook and Mastodon only")
		}
		p.Thread, p.Parent = of.Thread, of.ID
		return t.deliver(ctx, p)
	},
	"edit": func(ctx context.Context, t *teller, a args) error {
		p := t.posts[a["post"]]
		if !slices.Contains([]care.Platform{care.X, care.Facebook, care.Mastodon}, p.platform) || p.private {
			return fmt.Errorf("%s does not tell us of edits", p.platform)
		}
		if a["who"] != p.By.First {
			return fmt.Errorf("only %s can change it", p.By.First)
		}
		p.Text, p.Change = t.addressed(p.platform, a["text"]), wire.Edit
		return t.deliver(ctx, p)
	},
	"delete": func(ctx context.Context, t *teller, a args) error {
		p := t.posts[a["post"]]
		if a["who"] != p.By.First {
			return fmt.Errorf("only %s can delete it", p.By.First)
		}
		p.gone = true
		t.w.standin.Delete(string(p.platform), p.ID)
		pushed := p.platform == care.X && !p.private || p.platform == care.Facebook || p.private && (p.platform == care.Messenger || p.platform == care.Instagram)
		if !pushed {
			return nil
		}
		p.Change = wire.Delete
		return t.deliver(ctx, p)
	},
	"twice": func(ctx context.Context, t *teller, a args) error {
		who, on := t.people[a["who"]], care.Platform(a["platform"])
		return t.deliver(ctx, t.public(who, on, a["text"], a["new"]), t.public(who, on, a["more"], a["newer"]))
	},
	"crowd": func(ctx context.Context, t *teller, a args) error {
		n, err := strconv.Atoi(a["count"])
		if err != nil {
			return err
		}
		var all []*said
		for i := range n {
			who := wire.Person{N: firstOfCrowd + t.serial, First: "Reader", Followers: 40}
			all = append(all, t.public(who, care.Platform(a["platform"]), a["text"], fmt.Sprintf("%s.%d", a["new"], i+1)))
		}
		return t.deliver(ctx, all...)
	},
	"call": func(ctx context.Context, t *teller, a args) error {
		talk, err := time.ParseDuration(a["time"])
		if err != nil {
			return err
		}
		t.serial++
		end := t.w.stack.Clock().Begin()
		o := standin.CallOptions{Contact: fmt.Sprintf("call-%d", t.serial), From: t.phones[a["who"]], Agent: a["agent"], Ring: 20 * time.Second, Talk: talk}
		t.calls.Add(1)
		go func() {
			defer t.calls.Done()
			defer end()
			if _, err := t.w.standin.Call(ctx, o); err != nil && ctx.Err() == nil {
				t.w.note("call: %v", err)
			}
		}()
		return nil
	},
	"take": func(ctx context.Context, t *teller, a args) error {
		c, err := t.task(ctx, a["post"])
		if err != nil {
			return err
		}
		return t.w.standin.AnswerTask(c.ID, a["agent"])
	},
	"finish": func(ctx context.Context, t *teller, a args) error {
		c, err := t.task(ctx, a["post"])
		if err != nil {
			return err
		}
		if c.Agent != a["agent"] {
			return fmt.Errorf("%q has the task, not %s", c.Agent, a["agent"])
		}
		return t.w.standin.FinishTask(c.ID)
	},
	"approve": func(ctx context.Context, t *teller, a args) error {
		t.posts[a["post"]].approved = true
		return t.decide(ctx, a, "approve", map[string]any{})
	},
	"change": func(ctx context.Context, t *teller, a args) error {
		t.posts[a["post"]].approved = true
		return t.decide(ctx, a, "approve", map[string]any{"text": a["text"]})
	},
	"reject": func(ctx context.Context, t *teller, a args) error {
		return t.decide(ctx, a, "reject", map[string]any{"reason": a["text"]})
	},
	"byhand": func(ctx context.Context, t *teller, a args) error {
		of := t.posts[a["post"]]
		shape := map[care.Platform]string{care.X: wire.XOwn, care.Facebook: wire.FacebookOwn, care.Messenger: wire.MessengerEcho}[of.platform]
		if of.platform == care.X && of.private {
			shape = wire.XDirectSent
		}
		if shape == "" {
			return fmt.Errorf("answers by hand are written for X, Facebook and Messenger only")
		}
		p := t.made(of.By, of.platform, shape, a["text"])
		p.Thread, p.Parent = of.Thread, of.ID
		return t.send(ctx, p)
	},
	"stop": func(ctx context.Context, t *teller, a args) error {
		t.bundle.Stop = config.Stop{Platforms: append(slices.Clone(t.bundle.Stop.Platforms), care.Platform(a["platform"])), Reason: a["text"]}
		return t.deploy(ctx)
	},
	"stopall": func(ctx context.Context, t *teller, a args) error {
		t.bundle.Stop = config.Stop{Everything: true, Reason: a["text"]}
		return t.deploy(ctx)
	},
	"unstop": func(ctx context.Context, t *teller, a args) error {
		t.bundle.Stop = config.Stop{}
		return t.deploy(ctx)
	},
	"delay": func(ctx context.Context, t *teller, a args) error {
		d, err := time.ParseDuration(a["time"])
		if err != nil {
			return err
		}
		return t.rule(ctx, a["rule"], func(r *config.Rule) { r.Guards.Delay = config.Duration(d) })
	},
	"off": func(ctx context.Context, t *teller, a args) error {
		t.bundle.Rules = slices.Clone(t.bundle.Rules)
		i := slices.IndexFunc(t.bundle.Rules, func(r config.Rule) bool { return r.Name == a["rule"] })
		t.bundle.Rules[i].Enabled = new(bool) // its examples stay
		return t.deploy(ctx)
	},
	"once": func(ctx context.Context, t *teller, a args) error {
		return t.rule(ctx, a["rule"], func(r *config.Rule) { r.Guards.OncePerConversation, r.Guards.MaxPerCustomerPerDay = true, 0 })
	},
	"budget": func(ctx context.Context, t *teller, a args) error {
		n, err := strconv.ParseFloat(a["dollars"], 64)
		if err != nil {
			return err
		}
		t.bundle.Budgets = maps.Clone(t.bundle.Budgets)
		t.bundle.Budgets[care.Platform(a["platform"])] = n
		return t.deploy(ctx)
	},
	"storm": func(ctx context.Context, t *teller, a args) error {
		n, err := strconv.Atoi(a["count"])
		if err != nil {
			return err
		}
		d, err := time.ParseDuration(a["time"])
		if err != nil {
			return err
		}
		t.bundle.Storm = config.Storm{Posts: n, Within: config.Duration(d)}
		return t.deploy(ctx)
	},
	"again": func(ctx context.Context, t *teller, a args) error {
		n, err := strconv.Atoi(a["count"])
		if err != nil {
			return err
		}
		return t.player.deliver(ctx, slices.Repeat([]day.Line{t.posts[a["post"]].line}, n))
	},
	"wait": func(ctx context.Context, t *teller, a args) error {
		d, err := time.ParseDuration(a["time"])
		if err != nil {
			return err
		}
		return t.w.stack.Clock().AdvanceTo(ctx, t.w.stack.Clock().Now().Add(d))
	},
	"break": func(ctx context.Context, t *teller, a args) error {
		t.faults.Break(point(a["boundary"]), map[string]faults.Kind{"throttles": faults.Throttle, "fails": faults.Error, "loses-answers": faults.Lost}[a["fault"]], -1)
		return nil
	},
	"mend": func(ctx context.Context, t *teller, a args) error {
		if !t.faults.Mend(point(a["boundary"])) {
			return fmt.Errorf("%s works", a["boundary"])
		}
		return nil
	},
	"die": func(ctx context.Context, t *teller, a args) error {
		n, err := strconv.Atoi(a["count"])
		if err != nil {
			return err
		}
		t.faults.Break("lambda:"+a["function"], faults.Kill, n)
		return nil
	},
	"kill": func(ctx context.Context, t *teller, a args) error {
		p := t.posts[a["post"]]
		r, err := t.w.table.Post(ctx, p.id)
		if err != nil {
			return err
		}
		needle := []string{string(p.id)}
		if r.Plan != nil && r.Plan.Seen != nil && r.Plan.Seen.Conversation != "" {
			needle = append(needle, string(r.Plan.Seen.Conversation))
		}
		states, stopped := sfn.NewFromConfig(operator(t.w.stack.URL(), t.w.stack.OperatorKey())), 0
		for _, e := range t.w.stack.Executions(stackName + "-" + a["workflow"]) {
			if e.Status != "RUNNING" || !slices.ContainsFunc(needle, func(n string) bool { return strings.Contains(e.Name+string(e.Input), n) }) {
				continue
			}
			if _, err := states.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &e.ARN}); err != nil {
				return err
			}
			stopped++
		}
		if stopped == 0 {
			return fmt.Errorf("no execution of %s runs for it", a["workflow"])
		}
		t.killed = true
		return nil
	},
}

// point is a boundary's place in a fault plan.
func point(boundary string) string {
	if boundary == "connect" {
		return boundary
	}
	return "platform:" + boundary
}

// made is a post with ids as its platform would give them.
func (t *teller) made(by wire.Person, on care.Platform, shape, text string) *said {
	t.serial++
	now, n := t.w.stack.Clock().Now(), t.serial
	p := &said{platform: on, Post: wire.Post{At: now, Shape: shape, By: by, Text: text, Serial: 100 + n}}
	switch on {
	case care.X:
		p.ID = fmt.Sprint(2096000000000000000 + int64(n)*7919)
		p.Thread = p.ID
	case care.Facebook:
		p.Thread = wire.FacebookPage + "_9101"
		p.ID = fmt.Sprintf("9101_%d", 700000+n)
	case care.Instagram:
		p.ID, p.Thread = fmt.Sprintf("1788%d", 6000000+n), "17919101"
		if shape == wire.InstagramDirect {
			p.ID = fmt.Sprintf("aWdfZAG1f%dZDZD", 200000+n)
		}
	case care.Messenger:
		p.ID = fmt.Sprintf("m_%dkQ", 200000+n)
	case care.Mastodon:
		p.ID = fmt.Sprint(now.UnixMilli()<<16 | int64(n))
		p.Thread = p.ID
	case care.Bluesky:
		p.ID = fmt.Sprintf("at://%s/app.bsky.feed.post/3m%09dz2", by.DID(), 900000+n)
		p.Thread = p.ID
	}
	p.id = care.NewPostID(on, p.ID)
	return p
}

// addressed makes a text turn to us, as X wants it.
func (t *teller) addressed(on care.Platform, text string) string {
	if on == care.X && !strings.Contains(text, "@VeloriaCare") {
		return "@VeloriaCare " + text
	}
	return text
}

func (t *teller) public(by wire.Person, on care.Platform, text, name string) *said {
	shape := map[care.Platform]string{care.X: wire.XMention, care.Facebook: wire.FacebookComment, care.Instagram: wire.InstagramComment,
		care.Mastodon: wire.MastodonPublic, care.Bluesky: wire.BlueskyMention}[on]
	return t.named(t.made(by, on, shape, t.addressed(on, text)), name)
}

func (t *teller) direct(by wire.Person, on care.Platform, text, name string) *said {
	shape := map[care.Platform]string{care.X: wire.XDirect, care.Messenger: wire.MessengerDirect, care.Instagram: wire.InstagramDirect, care.Mastodon: wire.MastodonDirect}[on]
	p := t.named(t.made(by, on, shape, text), name)
	p.private = true
	return p
}

func (t *teller) named(p *said, name string) *said {
	p.name = name
	t.posts[name] = p
	t.order = append(t.order, name)
	return p
}

// deliver brings posts to us as their platforms do, side by side: pushed at once,
// or found by the next poll.
func (t *teller) deliver(ctx context.Context, all ...*said) error {
	var lines []day.Line
	for _, p := range all {
		if p.Change != "" {
			t.serial++
			p.Serial, p.At = 100+t.serial, t.w.stack.Clock().Now()
		}
		line, err := p.encode()
		if err != nil {
			return err
		}
		p.line = line
		lines = append(lines, line)
	}
	return t.player.deliver(ctx, lines)
}

func (t *teller) send(ctx context.Context, p *said) error {
	line, err := p.encode()
	if err != nil {
		return err
	}
	return t.player.deliver(ctx, []day.Line{line})
}

func (p *said) encode() (day.Line, error) {
	via, body := p.Encode()
	raw, err := json.Marshal(body)
	return day.Line{Via: via, Body: raw}, err
}

// decide is what an agent does with a draft, through the panel's API.
func (t *teller) decide(ctx context.Context, a args, do string, body map[string]any) error {
	token, _, err := t.w.stack.Token(a["agent"], []string{"agent"})
	if err != nil {
		return err
	}
	_, err = panelAPI{t.w.stack.URL(), token}.settle(ctx, t.posts[a["post"]].id, do, body)
	return err
}

// rule changes a rule of the config. Whoever changes a rule changes its examples:
// those that name it or its template are taken out.
func (t *teller) rule(ctx context.Context, name string, change func(*config.Rule)) error {
	t.bundle.Rules = slices.Clone(t.bundle.Rules)
	i := slices.IndexFunc(t.bundle.Rules, func(r config.Rule) bool { return r.Name == name })
	change(&t.bundle.Rules[i])
	template := cmp.Or(t.bundle.Rules[i].Then.Template, "(none)")
	t.bundle.Tests = slices.DeleteFunc(slices.Clone(t.bundle.Tests), func(x config.Test) bool { return x.Expect.Rule == name || x.Expect.Template == template })
	return t.deploy(ctx)
}

// configSeen is how long functions may go on with the config that they have: they
// ask for a newer one by the wall clock, on the local stack once a second.
const configSeen = 1100 * time.Millisecond

// deploy brings the config out, through every validator, and waits until every
// function that runs already will see it.
func (t *teller) deploy(ctx context.Context) error {
	content, err := config.Encode(&t.bundle)
	if err != nil {
		return err
	}
	if err := t.w.stack.Deploy(ctx, "bundle", content); err != nil {
		return err
	}
	if t.serial > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(configSeen):
		}
	}
	return t.w.stack.Clock().AdvanceTo(ctx, t.w.stack.Clock().Now().Add(2*time.Second))
}

// conversation is the one that a post belongs to.
func (t *teller) conversation(ctx context.Context, name string) (care.Conversation, error) {
	r, err := t.w.table.Post(ctx, t.posts[name].id)
	if err != nil {
		return care.Conversation{}, err
	}
	if r.Plan == nil || r.Plan.Seen == nil || r.Plan.Seen.Conversation == "" {
		return care.Conversation{}, fmt.Errorf("%s belongs to no conversation", name)
	}
	return t.w.table.Conversation(ctx, r.Plan.Seen.Conversation)
}

// tasks are the Connect tasks of a post's conversation, oldest first.
func (t *teller) tasks(ctx context.Context, name string) ([]standin.Contact, error) {
	conv, err := t.conversation(ctx, name)
	if err != nil {
		return nil, err
	}
	var out []standin.Contact
	for _, c := range t.w.standin.Contacts() {
		if c.Channel == "TASK" && c.Attributes["fielder_conversation"] == string(conv.ID) {
			out = append(out, c)
		}
	}
	return out, nil
}

// task is the latest of them.
func (t *teller) task(ctx context.Context, name string) (standin.Contact, error) {
	all, err := t.tasks(ctx, name)
	if err != nil {
		return standin.Contact{}, err
	}
	if len(all) == 0 {
		return standin.Contact{}, fmt.Errorf("there is no task for %s", name)
	}
	return all[len(all)-1], nil
}
