// Command samples writes the recorded day of events/samples/day: some two and a
// half thousand posts about a made-up brand by made-up people, in the platforms'
// own wire formats. The same program always writes the same files; a test keeps
// the committed ones equal to it.
//
//	go run ./scripts/samples [DIR]
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/wire"
)

func main() {
	dir := filepath.Join("events", "samples", "day")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	files, err := write()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for name, data := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "samples:", err)
		os.Exit(1)
	}
}

// maker builds the day.
type maker struct {
	rng    *rand.Rand
	people []wire.Person
	next   int // people of the stories are taken one after the other
	all    []*happening
}

// someone is the next person of the wanted language who is in no story yet.
func (d *maker) someone(es bool) wire.Person {
	for {
		p := d.people[d.next%len(d.people)]
		d.next++
		if p.Spanish == es {
			return p
		}
	}
}

func (d *maker) say(at time.Duration, shape string, by wire.Person, text, story, expect string) *happening {
	switch shape {
	case wire.XMention, wire.XQuote:
		if text != "" && !bytes.Contains([]byte(text), []byte("@VeloriaCare")) {
			text = "@VeloriaCare " + text
		}
	}
	h := &happening{at: at, shape: shape, by: by, text: text, story: story, expect: expect}
	d.all = append(d.all, h)
	return h
}

func (d *maker) change(at time.Duration, of *happening, change, text, story string) {
	d.all = append(d.all, &happening{at: at, shape: of.shape, by: of.by, text: text, change: change, of: of, story: story})
}

func (d *maker) ring(at time.Duration, from, contact, agent string, seconds int, story string) {
	d.all = append(d.all, &happening{at: at, shape: call, story: story, call: &day.Call{Contact: contact, From: from, Agent: agent, Seconds: seconds}})
}

// chatter says n things of one sort, spread over the waking hours.
func (d *maker) chatter(n int, texts []string, shapes ...string) {
	for range n {
		p := pick(d.rng, d.people)
		at := hm(5, 30, 0) + time.Duration(d.rng.Int64N(int64(16*time.Hour)))
		d.say(at.Truncate(time.Second), pick(d.rng, shapes), p, fill(d.rng, pick(d.rng, texts)), "", "")
	}
}

// write makes the files: one per platform and half of the day.
func write() (map[string][]byte, error) {
	d := &maker{rng: rand.New(rand.NewPCG(20261117, 42))}
	d.people = crowd(d.rng, 980)
	for i := range d.people { // 501..510 are taken by the stories
		if d.people[i].N >= 501 {
			d.people[i].N += 20
		}
	}
	d.scripted()
	d.chatter(560, unnamed, wire.XKeyword)
	d.chatter(170, namesakes, wire.XKeyword)
	d.chatter(140, competitors, wire.XKeyword)
	d.chatter(100, giveaways, wire.XMention)
	d.chatter(80, spam, wire.XMention)
	d.chatter(220, light, wire.XRepost, wire.XRepost, wire.XRepost, wire.XReply)
	d.chatter(20, praiseEN, wire.XOwn)
	d.chatter(520, light, wire.FacebookComment)
	d.chatter(30, light, wire.FacebookOwn)
	d.chatter(560, light, wire.InstagramComment, wire.InstagramComment, wire.InstagramLogin)
	d.chatter(60, light, wire.MessengerEcho)
	d.chatter(10, light, wire.XDirectSent)
	d.chatter(350, carried, wire.MastodonPublic)
	d.chatter(360, carried, wire.BlueskyReply)
	d.chatter(24, mild, wire.XKeyword, wire.FacebookPost, wire.BlueskyMention, wire.MastodonPublic)

	// Ids in the order of writing, lines in the order of arrival.
	sort.SliceStable(d.all, func(i, j int) bool { return d.all[i].at < d.all[j].at })
	for i, h := range d.all {
		h.identify(i + 1)
	}
	lines := make([]day.Line, 0, len(d.all))
	for i, h := range d.all {
		l := h.line(i + 1)
		lines = append(lines, l)
		// Platforms deliver at least once: some webhooks come again.
		if (l.Via == day.ViaX || l.Via == day.ViaMeta) && i%31 == 7 {
			again := l
			at, err := l.Time()
			if err != nil {
				return nil, err
			}
			again.At = at.Add(time.Duration(1+i%40) * time.Second).Format("15:04:05")
			again.Expect = ""
			lines = append(lines, again)
		}
	}
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].At < lines[j].At })
	// Platforms do not keep the order: some webhooks swap with their successor.
	for i := 13; i+1 < len(lines); i += 37 {
		a, b := &lines[i], &lines[i+1]
		if a.Story == "" && b.Story == "" && a.Via == b.Via && (a.Via == day.ViaX || a.Via == day.ViaMeta) {
			a.Body, b.Body = b.Body, a.Body
		}
	}
	out := map[string]*bytes.Buffer{}
	for _, l := range lines {
		half := "morning"
		if l.At >= "13:00:00" {
			half = "afternoon"
		}
		name := map[string]string{day.ViaX: "x", day.ViaMeta: "meta", day.ViaMastodon: "mastodon", day.ViaBluesky: "bluesky", day.ViaCall: "calls"}[l.Via] + "-" + half + ".jsonl"
		if out[name] == nil {
			out[name] = &bytes.Buffer{}
		}
		enc := json.NewEncoder(out[name])
		enc.SetEscapeHTML(false)
		if err := enc.Encode(l); err != nil {
			return nil, err
		}
	}
	files := map[string][]byte{}
	for name, b := range out {
		files[name] = b.Bytes()
	}
	return files, nil
}
