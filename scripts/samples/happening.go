package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/day"
	"github.com/fielder-care/fielder/scripts/wire"
)

// call is the shape of a happening that is a phone call.
const call = "call"

// happening is one thing of the day, before it has ids and a wire format.
type happening struct {
	at     time.Duration // when it was written, after midnight UTC
	arrive time.Duration // when it arrives; zero: a second or two later
	shape  string
	change string // "" (new), "edit", "delete"
	by     wire.Person
	text   string
	of     *happening // what an edit or delete is about, or the call's subject
	story  string
	expect string
	call   *day.Call

	id, thread string // assigned in order of at
}

func stamp(d time.Duration) time.Time {
	base, _ := time.Parse("2006-01-02", day.Date)
	return base.Add(d)
}

// identify gives the happening the ids that its platform would.
func (h *happening) identify(n int) {
	if h.change != "" && h.of != nil {
		h.id, h.thread = h.of.id, h.of.thread
		return
	}
	page := 9001 + n%12 // one of our twelve posts of the week
	switch strings.SplitN(h.shape, ".", 2)[0] {
	case "x":
		h.id = fmt.Sprint(2090000000000000000 + int64(n)*7919)
		h.thread = h.id
		if h.shape == wire.XReply {
			h.thread = fmt.Sprint(2089990000000000000 + int64(page))
		}
	case "facebook":
		h.thread = fmt.Sprintf("%s_%d", wire.FacebookPage, page)
		h.id = fmt.Sprintf("%d_%d", page, 500000+n)
		if h.shape == wire.FacebookPost {
			h.id = fmt.Sprintf("%s_%d", wire.FacebookPage, 600000+n)
			h.thread = h.id
		}
	case "instagram":
		h.id, h.thread = fmt.Sprintf("1788%d", 5000000+n), fmt.Sprintf("1791%d", page)
		if h.shape == wire.InstagramDirect || h.shape == wire.InstagramStory {
			h.id = fmt.Sprintf("aWdfZAG1f%dZDZD", 100000+n)
		}
	case "messenger":
		h.id = fmt.Sprintf("m_%dkQ", 100000+n)
	case "mastodon":
		h.id = fmt.Sprint(115560000000000000 + int64(h.at.Milliseconds())*65536/1000*1000 + int64(n%1000))
	case "bluesky":
		h.id = fmt.Sprintf("at://%s/app.bsky.feed.post/3m%09dz2", h.by.DID(), n)
	}
}

// line encodes the happening as it arrives.
func (h *happening) line(n int) day.Line {
	via, body := day.ViaCall, any(h.call)
	if h.shape != call {
		via, body = wire.Post{At: stamp(h.at), Shape: h.shape, Change: h.change, By: h.by, Text: h.text, ID: h.id, Thread: h.thread, Serial: n}.Encode()
	}
	arrive := h.arrive
	if arrive == 0 {
		arrive = h.at + time.Second
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return day.Line{At: stamp(arrive).Format("15:04:05"), Via: via, Body: raw, Story: h.story, Expect: h.expect}
}
