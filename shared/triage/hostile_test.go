package triage

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// sound checks what holds for every triage of every post.
func sound(t testing.TB, p care.Post, got care.Triage) {
	t.Helper()
	switch got.Relevance {
	case care.RelevanceAddressed, care.RelevanceAbout, care.RelevanceCompetitor, care.RelevanceChatter:
	default:
		t.Errorf("relevance %q", got.Relevance)
	}
	if got.Sentiment < -1 || got.Sentiment > 1 || got.Sentiment != got.Sentiment {
		t.Errorf("sentiment %v", got.Sentiment)
	}
	if got.Influence < 0 || got.Influence > 1 {
		t.Errorf("influence %v", got.Influence)
	}
	if got.Priority < 0 || got.Priority > 100 {
		t.Errorf("priority %v", got.Priority)
	}
	if got.IntentScore < 0 || got.IntentScore > 1 || (got.Intent == "") != (got.IntentScore == 0) {
		t.Errorf("intent %q with score %v", got.Intent, got.IntentScore)
	}
	if got.Severity < care.SeverityNone || got.Severity > care.SeverityCritical {
		t.Errorf("severity %d", got.Severity)
	}
	if got.Lang == "" || len(got.Lang) > 3 {
		t.Errorf("language %q", got.Lang)
	}
	if len(got.Reasons) == 0 || got.Reasons[0].By != "relevance" {
		t.Errorf("no reason for the relevance: %v", got.Reasons)
	}
	points := 0.0
	for _, r := range got.Reasons {
		points += r.Points
		if r.By == "" || !strings.HasSuffix(r.Text, ".") || r.Text[0] < 'A' || r.Text[0] > 'Z' {
			t.Errorf("%+v is no sentence", r)
		}
	}
	if d := points - got.Priority; d > 0.06 || d < -0.06 {
		t.Errorf("points add up to %v, priority is %v", points, got.Priority)
	}
	noise := got.Relevance == care.RelevanceChatter || got.Relevance == care.RelevanceCompetitor
	if got.Obvious && !noise {
		t.Errorf("obvious, but %s", got.Relevance)
	}
	if got.Relevance == care.RelevanceCompetitor && len(got.Competitors) == 0 {
		t.Error("a competitor's post names no competitor")
	}
	if got.Praise && got.Complaint {
		t.Error("praise and complaint at once")
	}
	if p.Author.Own {
		if !got.Obvious || got.Relevance != care.RelevanceChatter {
			t.Error("our own post is not obvious chatter")
		}
		return
	}
	if p.Private && got.Obvious {
		t.Error("the edge may decide a private post")
	}
	if p.Unreadable != "" && (noise || got.Severity != care.SeverityLow) {
		t.Errorf("an unreadable post came out as %s, severity %s", got.Relevance, got.Severity)
	}
}

func TestHostileTexts(t *testing.T) {
	tr := New(testBrand(), testRouting())
	for _, c := range []struct{ name, text string }{
		{"empty", ""},
		{"spaces", strings.Repeat(" \t\n", 1000)},
		{"ten thousand emoji", strings.Repeat("😡", 10_000)},
		{"family emoji", strings.Repeat("👨‍👩‍👧‍👦", 2000)},
		{"48 KB of words", strings.Repeat("my internet is down and nobody answers ", care.MaxTextBytes/39)},
		{"48 KB of one word", strings.Repeat("a", care.MaxTextBytes)},
		{"48 KB of digits", strings.Repeat("4", care.MaxTextBytes)},
		{"48 KB of digit groups", strings.Repeat("4111 1111 ", care.MaxTextBytes/10)},
		{"48 KB of mentions", strings.Repeat("@a ", care.MaxTextBytes/3)},
		{"48 KB of hashtags", strings.Repeat("#A", care.MaxTextBytes/2)},
		{"48 KB of at signs", strings.Repeat("a@", care.MaxTextBytes/2)},
		{"48 KB of question marks", strings.Repeat("? ", care.MaxTextBytes/2)},
		{"48 KB of negations", strings.Repeat("not no never ", care.MaxTextBytes/13)},
		{"48 KB of brand", strings.Repeat("Veloria ", care.MaxTextBytes/8)},
		{"48 KB of namesakes", strings.Repeat("Villa Veloria ", care.MaxTextBytes/14)},
		{"48 KB of contradictions", strings.Repeat("no problem great outage ", care.MaxTextBytes/24)},
		{"48 KB of questions", strings.Repeat("how do i why is the ", care.MaxTextBytes/20)},
		{"48 KB of one sentence", strings.Repeat("fixed the and ", care.MaxTextBytes/14)},
		{"48 KB of e-mail addresses", strings.Repeat("a@b.example ", care.MaxTextBytes/12)},
		{"48 KB of phones", strings.Repeat("612 345 678, ", care.MaxTextBytes/13)},
		{"48 KB of gaps", strings.Repeat("charged a b ", care.MaxTextBytes/12)},
		{"48 KB of addresses", strings.Repeat("12 calle ", care.MaxTextBytes/9)},
		{"right-to-left marks", strings.Repeat("\u202e\u202dVel\u2066oria\u2069 down ", 1000)},
		{"combining marks", "V" + strings.Repeat("\u0301", 20_000) + "eloria"},
		{"not UTF-8", strings.Repeat("\xff\xfe\x80", 5000)},
		{"half a rune", "Veloria \xf0\x9f"},
		{"zero bytes", "Vel\x00oria\x00"},
		{"ligatures that grow", strings.Repeat("ﷺ", 5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range []care.Kind{care.KindMention, care.KindPost, care.KindDirect} {
				p := care.Post{Platform: care.X, Kind: kind, Private: kind == care.KindDirect, Text: c.text}
				start := time.Now()
				got := tr.Triage(p)
				// Linear work takes some ten milliseconds here even on a busy machine.
				if d := time.Since(start); d > 3*time.Second {
					t.Errorf("took %v", d)
				}
				sound(t, p, got)
			}
		})
	}
}

func TestSameAnswerEveryTime(t *testing.T) {
	posts := []care.Post{}
	for _, b := range benchPosts {
		posts = append(posts, b.post)
	}
	one := New(testBrand(), testRouting())
	var want []care.Triage
	for _, p := range posts {
		want = append(want, one.Triage(p))
	}
	two := New(testBrand(), testRouting())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				for i := len(posts) - 1; i >= 0; i-- {
					if got := two.Triage(posts[i]); !reflect.DeepEqual(got, want[i]) {
						t.Errorf("%s differs:\n%+v\n%+v", benchPosts[i].name, got, want[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// Reasons must not repeat what the author wrote, nor any personal data.
func TestReasonsKeepSecrets(t *testing.T) {
	tr := New(testBrand(), testRouting())
	secrets := []string{"zarquon", "jo.roe@mail.example.com", "612 345 678", "4111 1111 1111 1111", "VL-12345678", "Elm"}
	p := care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Author: care.Author{ID: "1", Name: "Zarquon Beeble", Handle: "zarquonb"},
		Text: "@VeloriaCare I am zarquon, jo.roe@mail.example.com, 612 345 678, card 4111 1111 1111 1111, order VL-12345678, 12 Elm Street. My internet is down, charged twice, my lawyer will sue you!"}
	got := tr.Triage(p)
	if len(got.PersonalData) != 5 {
		t.Errorf("personal data %v", got.PersonalData)
	}
	for _, r := range got.Reasons {
		for _, s := range secrets {
			if strings.Contains(strings.ToLower(r.Text), strings.ToLower(s)) {
				t.Errorf("%q repeats %q", r.Text, s)
			}
		}
	}
}

func TestEmptyConfig(t *testing.T) {
	tr := New(config.Brand{}, config.Routing{})
	for _, b := range benchPosts {
		sound(t, b.post, tr.Triage(b.post))
	}
	sound(t, care.Post{}, tr.Triage(care.Post{}))
}

func FuzzTriage(f *testing.F) {
	for _, b := range benchPosts {
		f.Add(b.post.Text, string(b.post.Kind), b.post.Lang, false, false, 10)
	}
	f.Add("RT @x: Veloria", "repost", "es", false, false, -1)
	f.Add("no quiero vivir", "direct", "und", true, false, 5_000_000)
	f.Add("Villa Veloria 4111 1111 1111 1111", "post", "", false, true, 0)
	f.Add("#VeloBoxDown @TandemoHelp \u202e😡😡", "comment", "zz", false, false, 75)
	tr := New(testBrand(), testRouting())
	f.Fuzz(func(t *testing.T, s, kind, lang string, private, own bool, followers int) {
		if len(s) > care.MaxTextBytes {
			return
		}
		p := care.Post{Platform: care.X, Kind: care.Kind(kind), Text: s, Lang: lang, Private: private, Author: care.Author{ID: "1", Own: own, Followers: &followers}}
		got := tr.Triage(p)
		sound(t, p, got)
		for _, r := range got.Reasons {
			if !utf8.ValidString(r.Text) {
				t.Errorf("%q is not UTF-8", r.Text)
			}
		}
		if again := tr.Triage(p); !reflect.DeepEqual(got, again) {
			t.Errorf("two answers:\n%+v\n%+v", got, again)
		}
	})
}
