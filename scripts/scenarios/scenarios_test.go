package scenarios

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fielder-care/fielder/shared/config"
)

var names = Names{Rules: []string{"outage", "opening-hours"}, Queues: []string{"care-general", "social-pr"}}

// story is a good story with these lines at its end.
func story(lines ...string) string {
	return `# a comment
Story: A story
Why: It is told.
Starts: 2026-11-24 12:00 Europe/Madrid
People:
  Juno has 5000 followers
  Rosa has 60 followers and writes Spanish
  Ada is customer C-1002

Juno posts on x "four days \"without\" internet" as complaint
` + strings.Join(lines, "\n") + "\nexpect complaint is escalated\n"
}

func TestParse(t *testing.T) {
	s, mistakes := Parse("good.story", story(
		"+90s   expect complaint in queue social-pr",
		"12:20 Rosa writes on messenger \"hola\" as hello",
		"3 strangers post on facebook \"me too\" as crowd",
		"expect no reply to crowd.3",
		"nothing happens for 1h",
		"tomorrow 09:30 expect hello due at 10:00",
		"expect hello due at 2026-11-26T08:00",
		"2026-11-27 08:15:30 expect the task of hello is waiting",
	), names)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if s.Name != "A story" || s.Why != "It is told." || s.ID() != "good" || s.Start.Format(time.RFC3339) != "2026-11-24T12:00:00+01:00" {
		t.Errorf("%+v", s)
	}
	if want := []Person{{Name: "Juno", Followers: 5000}, {Name: "Rosa", Followers: 60, Spanish: true}, {Name: "Ada", Customer: "C-1002"}}; !slices.Equal(s.People, want) {
		t.Errorf("people %+v", s.People)
	}
	want := []struct {
		line int
		verb string
		at   string
		arg  string
	}{
		{10, "post", "2026-11-24T12:00:00+01:00", `text=four days "without" internet`},
		{11, "queue", "2026-11-24T12:01:30+01:00", "queue=social-pr"},
		{12, "write", "2026-11-24T12:20:00+01:00", "platform=messenger"},
		{13, "crowd", "2026-11-24T12:20:00+01:00", "count=3"},
		{14, "silent", "2026-11-24T12:20:00+01:00", "post=crowd.3"},
		{15, "wait", "2026-11-24T12:20:00+01:00", "time=1h"},
		{16, "due", "2026-11-25T09:30:00+01:00", "at=2026-11-25T10:00:00+01:00"},
		{17, "due", "2026-11-25T09:30:00+01:00", "at=2026-11-26T08:00:00+01:00"},
		{18, "task", "2026-11-27T08:15:30+01:00", "taskstate=waiting"},
		{19, "is", "2026-11-27T08:15:30+01:00", "outcome=escalated"},
	}
	if len(s.Steps) != len(want) {
		t.Fatalf("%d steps", len(s.Steps))
	}
	for i, w := range want {
		got := s.Steps[i]
		slot, value, _ := strings.Cut(w.arg, "=")
		if got.Line != w.line || got.Verb != w.verb || got.At.Format(time.RFC3339) != w.at || got.Args[slot] != value {
			t.Errorf("step %d is %+v at %s, want %+v", i, got, got.At.Format(time.RFC3339), w)
		}
	}
	if s.Steps[1].Text != "expect complaint in queue social-pr" {
		t.Errorf("the time is part of the text: %q", s.Steps[1].Text)
	}
}

// TestClockChange: in the zone of a story the hour that is missing is missing.
func TestClockChange(t *testing.T) {
	text := strings.Replace(story("03:30 expect complaint is escalated", "+30m expect complaint is escalated"), "2026-11-24 12:00", "2026-03-29 01:30", 1)
	s, mistakes := Parse("dst.story", text, names)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if d := s.Steps[1].At.Sub(s.Steps[0].At); d != time.Hour {
		t.Errorf("from 01:30 to 03:30 it is %s", d)
	}
	if at := s.Steps[2].At.Format("15:04 MST"); at != "04:00 CEST" {
		t.Errorf("half an hour later it is %s", at)
	}
}

func TestMistakes(t *testing.T) {
	for _, r := range []struct{ name, line, want string }{
		{"a verb nobody knows", `Juno shouts on x "hello" as two`, `it.story:11: this is not understood: Juno shouts on x "hello" as two; did you mean: {who:person} posts on {platform:public} {text} as {new}`},
		{"an expectation nobody knows", "expect complaint at queue social-pr", "it.story:11: this is not understood: expect complaint at queue social-pr; did you mean: expect {post} in queue {queue}"},
		{"far from anything", "lorem ipsum dolor sit amet consectetur adipiscing elit sed do", `it.story:11: this is not understood: lorem ipsum dolor sit amet consectetur adipiscing elit sed do`},
		{"a person nobody knows", `Jono posts on x "hello" as two`, `it.story:11: nobody is called "Jono", did you mean "Juno"?; people stand below "People:"`},
		{"a platform", `Juno posts on mastadon "hello" as two`, `it.story:11: unknown place to write in public "mastadon", did you mean "mastodon"?; there are x, facebook, instagram, mastodon, bluesky`},
		{"a private place in public", `Juno posts on messenger "hello" as two`, `it.story:11: unknown place to write in public "messenger"; there are x, facebook, instagram, mastodon, bluesky`},
		{"a post", "expect complant is escalated", `it.story:11: no post is called "complant" yet, did you mean "complaint"?`},
		{"a post a second time", `Juno posts on x "hello" as complaint`, `it.story:11: there is a post called "complaint" already`},
		{"a post of a crowd that is not so large", "2 strangers post on x \"hi\" as crowd\nexpect no reply to crowd.3", `it.story:12: no post is called "crowd.3" yet, did you mean "crowd.1"?`},
		{"a rule", "expect complaint is answered by rule outige", `it.story:11: unknown rule "outige", did you mean "outage"?; there are outage, opening-hours`},
		{"a queue", "expect complaint in queue social-pt", `it.story:11: unknown queue "social-pt", did you mean "social-pr"?; there are care-general, social-pr`},
		{"an outcome", "expect complaint is anwsered", `it.story:11: unknown outcome "anwsered", did you mean "answered"?; there are ignored, answered, escalated, recorded, failed`},
		{"time that goes back", "11:59 expect complaint is escalated", "it.story:11: Tue 24 Nov 11:59:00 is before the line above (Tue 24 Nov 12:00:00)"},
		{"time that goes back behind a wait", "nothing happens for 2h\n13:00 expect complaint is escalated", "it.story:12: Tue 24 Nov 13:00:00 is before the line above (Tue 24 Nov 14:00:00)"},
		{"a time that is none", "25:10 expect complaint is escalated", `it.story:11: "25:10" is not a time of day`},
		{"a span that is none", "+5x expect complaint is escalated", `it.story:11: "+5x" is not a time span such as +90s, +20m or +4h`},
		{"tomorrow without a time", "tomorrow expect complaint is escalated", `it.story:11: after "tomorrow" stands a time of day: tomorrow 09:30`},
		{"a time alone", "12:10", `it.story:11: after the time it must say what happens; time passes with "nothing happens for 20m"`},
		{"open quotes", `Juno posts on x "hello as two`, `it.story:11: the quotes that open before "hello as two" are never closed`},
		{"empty quotes", `Juno posts on x "" as two`, "it.story:11: the quotes are empty"},
		{"half a reply", "expect 1.5 replies in all", `it.story:11: "1.5" is not a whole number`},
		{"a header in the middle", "Why: Because.", `it.story:11: a second "Why:"`},
		{"an unknown header", "When: Today.", `it.story:11: unknown header "When:"; there are Story, Why, Starts, People`},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, mistakes := Parse("it.story", story(r.line), names)
			if len(mistakes) != 1 || !strings.HasPrefix(mistakes[0].String(), r.want) {
				t.Errorf("got:\n%v\nwant:\n%s", mistakes, r.want)
			}
		})
	}
	for _, r := range []struct{ name, text, want string }{
		{"nothing", "", `it.story:1: the story has no line "Story:"`},
		{"no zone", "Story: A\nWhy: B\nStarts: 2026-11-24 12:00\n", `it.story:3: unknown time zone "12:00"`},
		{"no such day", "Story: A\nWhy: B\nStarts: 2026-02-30 12:00 Europe/Madrid\n", `it.story:3: "2026-02-30 12:00 Europe/Madrid" is not of the form "2026-11-24 12:00 Europe/Madrid"`},
		{"before it starts", "Story: A\nWhy: B\nnothing happens for 1h\n", `it.story:3: something happens before the line "Starts:" says when`},
		{"expects nothing", "Story: A\nWhy: B\nStarts: 2026-11-24 12:00 Europe/Madrid\nnothing happens for 1h\n", "it.story:4: the story expects nothing, so it cannot fail"},
		{"people that are not understood", "Story: A\nWhy: B\nStarts: 2026-11-24 12:00 Europe/Madrid\nPeople:\n  Juno is famous\nexpect nothing lost and nothing said twice\n", `it.story:5: "Juno is famous" is not understood; people are written like "Juno has 5000 followers"`},
		{"people twice", "Story: A\nWhy: B\nStarts: 2026-11-24 12:00 Europe/Madrid\nPeople:\n  Juno has 5 followers\n  Juno has 5 followers\nexpect nothing lost and nothing said twice\n", "it.story:6: there is a Juno already"},
		{"too long", strings.Repeat("# nothing\n", 10_000), "it.story:1: the file has 100000 bytes; a story has at most 65536"},
		{"not text", "Story: \xff\n", "it.story:1: the file is not UTF-8"},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, mistakes := Parse("it.story", r.text, names)
			if len(mistakes) == 0 || !strings.HasPrefix(mistakes[0].String(), r.want) {
				t.Errorf("got:\n%v\nwant:\n%s", mistakes, r.want)
			}
		})
	}
}

// TestReadFromTellsEveryMistake: of every file at once.
func TestReadFromTellsEveryMistake(t *testing.T) {
	_, err := ReadFrom(fstest.MapFS{
		"a.story":  {Data: []byte(story("jump", "sleep"))},
		"b.story":  {Data: []byte(story("expect complaint is lost"))},
		"c.story":  {Data: []byte(story())},
		"notes.md": {Data: []byte("not a story")},
	}, names)
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "a.story:12: ") || !strings.Contains(err.Error(), "b.story:11: ") {
		t.Errorf("got %v", err)
	}
}

// TestSuite: the stories that come with the program are understood, and together
// they use the whole language: a sentence that no story says is not known to work.
func TestSuite(t *testing.T) {
	b, err := config.Default()
	if err != nil {
		t.Fatal(err)
	}
	var n Names
	for _, r := range b.Rules {
		n.Rules = append(n.Rules, r.Name)
	}
	for _, q := range b.Routing.Queues {
		n.Queues = append(n.Queues, q.Name)
	}
	all, err := Read(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Errorf("only %d stories", len(all))
	}
	used := map[string]bool{}
	for _, s := range all {
		for _, step := range s.Steps {
			used[step.Verb] = true
		}
	}
	for _, v := range Verbs {
		if !used[v.Name] {
			t.Errorf("no story says: %s", v.Pattern)
		}
	}
}

// TestVerbs: every verb has one name and one form, of kinds that the help explains.
func TestVerbs(t *testing.T) {
	help := Help()
	seen := map[string]bool{}
	for _, v := range Verbs {
		if seen[v.Name] || seen[v.Pattern] || v.Help == "" {
			t.Errorf("%s is there twice, or without help", v.Name)
		}
		seen[v.Name], seen[v.Pattern] = true, true
		if !strings.Contains(help, v.Pattern+"\n    "+v.Help) {
			t.Errorf("the help leaves out %s", v.Pattern)
		}
		for _, p := range parts(v.Pattern) {
			if p.slot != "" && !strings.Contains(help, "{"+p.kind+"}") {
				t.Errorf("the help does not explain {%s}", p.kind)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(story())
	f.Add(story("+1h expect \"", "12:10 nothing happens for 1h", "5 strangers post on x \"a\" as b"))
	f.Add("Starts: 2026-11-24 12:00 Europe/Madrid\nPeople:\n  \xf0\x9f\n9:99 x\n+ y\n{who:person} {text}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, mistakes := Parse("f.story", text, names)
		for _, m := range mistakes {
			if m.Line < 1 || m.Line > strings.Count(text, "\n")+1 || m.Message == "" {
				t.Errorf("a mistake without a place: %v", m)
			}
		}
		last := s.Start
		for _, step := range s.Steps {
			if step.At.Before(last) {
				t.Errorf("line %d goes back in time", step.Line)
			}
			last = step.At
		}
	})
}
