package day

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Post names the post of a line.
type Post struct {
	ID     string // "<platform>:<native id>", as in the rest of Fielder
	Author string // "<platform>:<author id>"
	Change string // received, edited or deleted
}

// Post reads from a recorded body which post it is about; false for a call.
// It is written against the recorded bodies only, and on purpose shares no code
// with the adapters: a report that counted with their eyes would miss what they
// miss.
func (l Line) Post() (Post, bool, error) {
	var b struct {
		Data struct {
			Payload struct {
				ID       string `json:"id"`
				AuthorID string `json:"author_id"`
				SenderID string `json:"sender_id"`
				Direct   []struct {
					ID      string `json:"id"`
					Message struct {
						Sender string `json:"sender_id"`
					} `json:"message_create"`
				} `json:"direct_message_events"`
			} `json:"payload"`
		} `json:"data"`
		Object string `json:"object"`
		Entry  []struct {
			Field     string    `json:"field"`
			Value     metaValue `json:"value"`
			Messaging []message `json:"messaging"`
			Standby   []message `json:"standby"`
			Changes   []struct {
				Value metaValue `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
		Status struct {
			ID      string `json:"id"`
			Account struct {
				ID string `json:"id"`
			} `json:"account"`
		} `json:"status"`
		URI    string `json:"uri"`
		Author struct {
			DID string `json:"did"`
		} `json:"author"`
	}
	if l.Via == ViaCall {
		return Post{}, false, nil
	}
	if err := json.Unmarshal(l.Body, &b); err != nil {
		return Post{}, false, fmt.Errorf("a recorded line at %s: %w", l.At, err)
	}
	made := func(platform, id, author, change string) (Post, bool, error) {
		if id == "" {
			return Post{}, false, fmt.Errorf("a recorded line at %s names no post", l.At)
		}
		return Post{ID: platform + ":" + id, Author: platform + ":" + author, Change: change}, true, nil
	}
	switch l.Via {
	case ViaX:
		p := b.Data.Payload
		if len(p.Direct) > 0 {
			return made("x", p.Direct[0].ID, p.Direct[0].Message.Sender, "received")
		}
		return made("x", p.ID, p.AuthorID+p.SenderID, "received")
	case ViaMastodon:
		return made("mastodon", b.Status.ID, b.Status.Account.ID, "received")
	case ViaBluesky:
		return made("bluesky", b.URI, b.Author.DID, "received")
	}
	if len(b.Entry) != 1 {
		return Post{}, false, fmt.Errorf("a recorded line at %s has %d entries", l.At, len(b.Entry))
	}
	e := b.Entry[0]
	platform := map[string]string{"page": "facebook", "instagram": "instagram"}[b.Object]
	if m := append(e.Messaging, e.Standby...); len(m) > 0 {
		if platform == "facebook" {
			platform = "messenger"
		}
		change := "received"
		if m[0].Message.Deleted {
			change = "deleted"
		}
		return made(platform, m[0].Message.MID, m[0].Sender.ID, change)
	}
	v := e.Value
	if len(e.Changes) > 0 {
		v = e.Changes[0].Value
	}
	change := map[string]string{"edited": "edited", "remove": "deleted"}[v.Verb]
	if change == "" {
		change = "received"
	}
	id := v.CommentID
	if id == "" {
		id = v.ID
	}
	if id == "" && strings.HasPrefix(v.Item, "post") {
		id = v.PostID
	}
	return made(platform, id, v.From.ID, change)
}

type metaValue struct {
	ID        string `json:"id"`
	CommentID string `json:"comment_id"`
	PostID    string `json:"post_id"`
	Item      string `json:"item"`
	Verb      string `json:"verb"`
	From      struct {
		ID string `json:"id"`
	} `json:"from"`
}

type message struct {
	Sender struct {
		ID string `json:"id"`
	} `json:"sender"`
	Message struct {
		MID     string `json:"mid"`
		Deleted bool   `json:"is_deleted"`
	} `json:"message"`
}
