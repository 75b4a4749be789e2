package platformtest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

// Sender is the port of the one door out.
type Sender interface {
	Send(ctx context.Context, out care.Outgoing) (care.Sent, error)
	Find(ctx context.Context, out care.Outgoing) (care.Sent, bool, error)
}

// Outbox is a server with an account of ours, as its operator and our customers
// see it.
type Outbox struct {
	// Open makes a client that remembers nothing, as a new process does.
	Open func() Sender
	// Ask lets a customer write to us; the post is as Poll hands it over.
	Ask func(private bool) care.Post
	// Remove lets the customer delete the post.
	Remove func(care.Post)
	// Public and Private are our texts that the customer has in answer to the
	// post, readable by all or by them alone.
	Public, Private func(care.Post) []string
	// Chatter lets somebody else of ours answer the post by hand.
	Chatter func(p care.Post, text string)
	// Lose makes the server do the next write and never answer.
	Lose func()
	// Fail makes the next write fail with the status and header, undone.
	Fail func(status int, h http.Header)
	// Down makes the server unreachable until up is called.
	Down func() (up func())
	// Longest is how many characters a public answer may have, as Send gets it.
	Longest func(care.Post) int
	// Keyed is true when the same key twice says it once even without Find.
	Keyed bool
	Now   func() time.Time
	// Account is our id.
	Account string
}

func (o Outbox) out(p care.Post, key, text string) care.Outgoing {
	return care.Outgoing{Key: key, Account: o.Account, Post: p, To: p.Author, Private: p.Private, Text: text, Lang: "en", Since: o.Now()}
}

func (o Outbox) said(p care.Post) []string { return append(o.Public(p), o.Private(p)...) }

// Say is the protocol that a caller must follow to say a thing at most once. It
// gives up, without having said it for sure, after tries attempts. again is true
// when anybody may have tried before.
func Say(ctx context.Context, open func() Sender, out care.Outgoing, again bool, tries int) (care.Sent, error) {
	var err error
	for range tries {
		s := open()
		if again {
			found, ok, ferr := s.Find(ctx, out)
			if ferr != nil {
				err = ferr
				continue // never send while it is unknown
			}
			if ok {
				return found, nil
			}
		}
		again = true
		var sent care.Sent
		if sent, err = s.Send(ctx, out); err == nil {
			return sent, nil
		}
		switch care.CodeOf(err) {
		case care.Unknown, care.Unavailable, care.Throttled:
			continue
		}
		return care.Sent{}, err
	}
	return care.Sent{}, err
}

// TestSender runs the suite of senders. open starts a fresh server.
func TestSender(t *testing.T, open func(t *testing.T) Outbox) {
	ctx := t.Context()
	const text = "Thanks for writing! Your router is on its way: https://veloria.example/track?id=1&lang=en"
	holds := func(t T, got []string, want ...string) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("said %q, want %q", got, want)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Fatalf("said %q, want %q", got, want)
			}
		}
	}
	t.Run("an answer is where the customer asked", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		sent, err := o.Open().Send(ctx, o.out(p, "reply:1", text))
		if err != nil || sent.NativeID == "" || sent.At.IsZero() {
			t.Fatalf("sent %+v, %v", sent, err)
		}
		holds(t, o.Public(p), text)
		holds(t, o.Private(p))
	})
	t.Run("a private question gets a private answer", func(t *testing.T) {
		o := open(t)
		p := o.Ask(true)
		if _, err := o.Open().Send(ctx, o.out(p, "reply:1", text)); err != nil {
			t.Fatalf("send: %v", err)
		}
		holds(t, o.Public(p))
		holds(t, o.Private(p), text)
	})
	t.Run("a public question can get a private answer", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		out := o.out(p, "reply:1", text)
		out.Private = true
		if _, err := o.Open().Send(ctx, out); err != nil {
			t.Fatalf("send: %v", err)
		}
		holds(t, o.Public(p))
		holds(t, o.Private(p), text)
		if _, ok, err := o.Open().Find(ctx, out); !ok || err != nil {
			t.Fatalf("not found: %v", err)
		}
	})
	t.Run("out of the blue goes to the one person", func(t *testing.T) {
		o := open(t)
		p := o.Ask(true)
		out := care.Outgoing{Key: "invitation:1", Account: o.Account, To: p.Author, Private: true, Text: text, Since: o.Now()}
		if _, ok, err := o.Open().Find(ctx, out); ok || err != nil {
			t.Fatalf("found before it was sent: %v %v", ok, err)
		}
		sent, err := o.Open().Send(ctx, out)
		if err != nil {
			t.Fatalf("send: %v", err)
		}
		found, ok, err := o.Open().Find(ctx, out)
		if !ok || err != nil || found.NativeID != sent.NativeID {
			t.Fatalf("found %+v %v %v, sent %+v", found, ok, err, sent)
		}
	})
	t.Run("two keys are two answers", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		for _, key := range []string{"reply:1", "reply:2"} {
			if _, err := o.Open().Send(ctx, o.out(p, key, key+" "+text)); err != nil {
				t.Fatalf("send: %v", err)
			}
		}
		holds(t, o.Public(p), "reply:1", "reply:2")
	})
	t.Run("what was said is found by a new process", func(t *testing.T) {
		for _, private := range []bool{false, true} {
			o := open(t)
			p := o.Ask(private)
			out := o.out(p, "reply:1", text)
			sent, err := o.Open().Send(ctx, out)
			if err != nil {
				t.Fatalf("send: %v", err)
			}
			found, ok, err := o.Open().Find(ctx, out)
			if err != nil || !ok || found.NativeID != sent.NativeID {
				t.Fatalf("private %v: found %+v %v %v, sent %+v", private, found, ok, err, sent)
			}
		}
	})
	t.Run("what was not said is not found", func(t *testing.T) {
		for _, private := range []bool{false, true} {
			o := open(t)
			p := o.Ask(private)
			o.Chatter(p, "An agent says something else by hand.")
			if _, ok, err := o.Open().Find(ctx, o.out(p, "reply:1", text)); ok || err != nil {
				t.Fatalf("private %v: found %v %v", private, ok, err)
			}
		}
	})
	t.Run("the same key twice", func(t *testing.T) {
		o := open(t)
		if !o.Keyed {
			t.Skip("this server ignores keys: Say reads back instead")
		}
		p := o.Ask(false)
		out := o.out(p, "reply:1", text)
		a, err := o.Open().Send(ctx, out)
		if err != nil {
			t.Fatalf("send: %v", err)
		}
		b, err := o.Open().Send(ctx, out)
		if err != nil || a.NativeID != b.NativeID {
			t.Fatalf("first %+v, then %+v, %v", a, b, err)
		}
		holds(t, o.Public(p), text)
	})
	t.Run("a lost answer is unknown, then found", func(t *testing.T) {
		for _, private := range []bool{false, true} {
			o := open(t)
			p := o.Ask(private)
			out := o.out(p, "reply:1", text)
			o.Lose()
			_, err := o.Open().Send(ctx, out)
			if err != nil && care.CodeOf(err) != care.Unknown {
				t.Fatalf("private %v: got %v", private, err)
			}
			if _, ok, err := o.Open().Find(ctx, out); !ok || err != nil {
				t.Fatalf("private %v: found %v %v", private, ok, err)
			}
			holds(t, o.said(p), text)
		}
	})
	t.Run("a failing write is unknown, and was not said", func(t *testing.T) {
		for _, status := range []int{500, 502, 504} {
			o := open(t)
			p := o.Ask(false)
			out := o.out(p, "reply:1", text)
			o.Fail(status, nil)
			if _, err := o.Open().Send(ctx, out); care.CodeOf(err) != care.Unknown && care.CodeOf(err) != care.Unavailable {
				t.Fatalf("status %d: got %v", status, err)
			}
			if _, ok, err := o.Open().Find(ctx, out); ok || err != nil {
				t.Fatalf("status %d: found %v %v", status, ok, err)
			}
		}
	})
	t.Run("an unreachable server did nothing", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		up := o.Down()
		_, err := o.Open().Send(ctx, o.out(p, "reply:1", text))
		up()
		if care.CodeOf(err) != care.Unavailable {
			t.Fatalf("got %v", err)
		}
		holds(t, o.said(p))
	})
	t.Run("throttled says for how long", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		o.Fail(http.StatusTooManyRequests, http.Header{"Retry-After": {"9"}})
		_, err := o.Open().Send(ctx, o.out(p, "reply:1", text))
		after, ok := platform.RetryAfter(err)
		if care.CodeOf(err) != care.Throttled || !ok || after != 9*time.Second {
			t.Fatalf("got %v, wait %v", err, after)
		}
		holds(t, o.said(p))
	})
	t.Run("a missing permission needs a person", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		o.Fail(http.StatusForbidden, nil)
		if _, err := o.Open().Send(ctx, o.out(p, "reply:1", text)); care.CodeOf(err) != care.Denied {
			t.Fatalf("got %v", err)
		}
		holds(t, o.said(p))
	})
	t.Run("a deleted post gets no answer", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		o.Remove(p)
		if _, err := o.Open().Send(ctx, o.out(p, "reply:1", text)); care.CodeOf(err) != care.Refused {
			t.Fatalf("got %v", err)
		}
		holds(t, o.said(p))
	})
	t.Run("the limit is kept, to the character", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		n := o.Longest(p)
		if _, err := o.Open().Send(ctx, o.out(p, "reply:1", strings.Repeat("é", n+1))); care.CodeOf(err) != care.Invalid {
			t.Fatalf("one too many: got %v", err)
		}
		holds(t, o.said(p))
		if _, err := o.Open().Send(ctx, o.out(p, "reply:2", strings.Repeat("é", n))); err != nil {
			t.Fatalf("just fits: got %v", err)
		}
		holds(t, o.Public(p), strings.Repeat("é", n))
	})
	t.Run("nothing to say, nobody to say it to, no key, another account", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		for name, out := range map[string]care.Outgoing{
			"no text":         o.out(p, "reply:1", " \n\t"),
			"no key":          o.out(p, "", text),
			"nobody":          {Key: "k", Account: o.Account, Text: text, Private: true},
			"another account": {Key: "k", Account: "somebody-else", Post: p, To: p.Author, Text: text},
		} {
			if _, err := o.Open().Send(ctx, out); care.CodeOf(err) != care.Invalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
		holds(t, o.said(p))
	})
	t.Run("a cancelled send fails cleanly", func(t *testing.T) {
		o := open(t)
		p := o.Ask(false)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := o.Open().Send(gone, o.out(p, "reply:1", text)); care.CodeOf(err) != care.Unavailable {
			t.Fatalf("got %v", err)
		}
		holds(t, o.said(p))
	})
	t.Run("said at most once under any faults", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			o := open(t)
			p := o.Ask(rapid.Bool().Draw(rt, "private"))
			out := o.out(p, "reply:1", text)
			faults := rapid.SliceOfN(rapid.SampledFrom([]string{"lose", "500", "429", "503"}), 0, 4).Draw(rt, "faults")
			for i, f := range faults {
				switch f {
				case "lose":
					o.Lose()
				case "500":
					o.Fail(500, nil)
				case "429":
					o.Fail(429, nil)
				case "503":
					o.Fail(503, nil)
				}
				if _, err := Say(ctx, o.Open, out, i > 0, 1+rapid.IntRange(0, 2).Draw(rt, "tries")); err == nil {
					break
				}
			}
			// The workflow comes back later, in a new process.
			if _, err := Say(ctx, o.Open, out, len(faults) > 0, 6); err != nil {
				rt.Fatalf("say: %v", err)
			}
			holds(rt, o.said(p), text)
		})
	})
}
