package text

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func tokens(s string) string {
	d := Parse(s)
	var b strings.Builder
	for i, t := range d.Tokens {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%c:%s", "wn#@ueom"[t.Kind], d.Word(i))
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"words and marks", "No internet, again!!", "w:no w:internet m:, w:again m:!"},
		{"contractions", "don't it's we'll I'm Veloria's", "w:dont w:it w:we w:i w:veloria"},
		{"typographic apostrophe", "can’t", "w:cant"},
		{"elision", "l'internet", "w:l m:' w:internet"},
		{"mention", "@VeloriaCare hi", "@:veloriacare w:hi"},
		{"mention at the end of a sentence", "ask @VeloriaCare.", "w:ask @:veloriacare m:."},
		{"mastodon mention", "@care@social.veloria.example hi", "@:care@social.veloria.example w:hi"},
		{"instagram mention", "@veloria.care, hi", "@:veloria.care m:, w:hi"},
		{"hashtag", "#VeloriaDown2day", "#:veloriadown2day w:veloria w:down w:2 w:day"},
		{"hashtag underscores", "#veloria_down", "#:veloria_down w:veloria w:down"},
		{"lone sigils", "@ #", "m:@ m:#"},
		{"url", "see https://veloria.example/a?b=1.", "w:see u:https://veloria.example/a?b=1 m:."},
		{"bare domain", "go to veloria.com now", "w:go w:to u:veloria.com w:now"},
		{"bare domain with path", "t.co/abc", "u:t.co/abc"},
		{"no domain", "done.me too", "w:done m:. w:me w:too"},
		{"e-mail", "write a.b+c@mail.example.com!", "w:write e:a.b+c@mail.example.com m:!"},
		{"numbers", "29.99 24/7 +1 5g 2nd", "n:29.99 n:24 m:/ n:7 n:+1 w:5g w:2nd"},
		{"emoji", "ok👍🏽👨‍👩‍👧 🇪🇸❤️", "w:ok o:👍 o:👨 o:🇪 o:❤"},
		{"emoticons", "nice :) or :-( <3", "w:nice o::) w:or o::-( o:<3"},
		{"elongated", "sooooo goooood", "w:soo w:good"},
		{"chinese beside latin", "我的Veloria坏了", "w:我的 w:veloria w:坏了"},
		{"line break", "a\nb", "w:a m:\n w:b"},
		{"invalid utf-8", "a\xffb", "w:a m:\xff w:b"},
		{"zero width inside", "Ve\u200bloria", "w:veloria"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tokens(c.in); got != c.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestParseFlags(t *testing.T) {
	d := Parse("WHY Oh whyyyy #CamelCase")
	want := []uint8{Upper | Title, Title, Elongated, 0, Title | InTag, Title | InTag}
	for i, w := range want {
		if got := d.Tokens[i].Flags; got != w {
			t.Errorf("%q: flags %b, want %b", d.Raw(i), got, w)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"@VeloriaCare no internet!!", "#a_b1", "https://x.example/(a)", "a@b.example", "👨‍👩‍👧", "\xff\xfe", "l'eau", "+1", "Ｖéｌоria", strings.Repeat("😀", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d Doc
		d.Parse(s)
		last := int32(0)
		for i, tok := range d.Tokens {
			if tok.Start < 0 || tok.End > int32(len(s)) || tok.Start >= tok.End {
				t.Fatalf("token %d is %d..%d of %d", i, tok.Start, tok.End, len(s))
			}
			if tok.Flags&InTag == 0 {
				if tok.Start < last {
					t.Fatalf("token %d begins before the one before it ends", i)
				}
				last = tok.End
			}
			if utf8.ValidString(s) && !utf8.Valid(d.Word(i)) {
				t.Fatalf("token %d: %q is no UTF-8", i, d.Word(i))
			}
		}
		before := tokens(s)
		d.Parse("something else")
		if tokens(s) != before {
			t.Fatal("not deterministic")
		}
		d.Parse(s)
		d.Language("")
	})
}
