package text

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

type vector struct {
	Description, Text string
	Expected          struct {
		WeightedLength int
		Valid          bool
	}
}

// The vectors of twitter-text's own conformance suite, for configuration 3,
// which counts an emoji sequence as one.
func TestWeightedLengthConforms(t *testing.T) {
	var suites map[string][]vector
	readJSON(t, "twitter_text_weighted_counter_vectors.json", &suites)
	list := suites["WeightedTweetsWithDiscountedEmojiCounterTest"]
	if len(list) != 22 {
		t.Fatalf("%d vectors, want 22", len(list))
	}
	for _, v := range list {
		t.Run(v.Description, func(t *testing.T) {
			got := Measure(care.X, v.Text, false)
			if got.Used != v.Expected.WeightedLength || got.Fits != v.Expected.Valid {
				t.Errorf("%q: %d, fits %v; want %d, %v", v.Text, got.Used, got.Fits, v.Expected.WeightedLength, v.Expected.Valid)
			}
		})
	}
	// The other suite counts every part of an emoji sequence; where there is none
	// both agree.
	for _, v := range suites["WeightedTweetsCounterTest"] {
		if strings.ContainsRune(v.Text, joiner) {
			continue
		}
		t.Run("without emoji sequences/"+v.Description, func(t *testing.T) {
			if got := Measure(care.X, v.Text, false); got.Used != v.Expected.WeightedLength {
				t.Errorf("%q: %d, want %d", v.Text, got.Used, v.Expected.WeightedLength)
			}
		})
	}
}

func TestConfigurationIsVersion3(t *testing.T) {
	var c struct {
		MaxWeightedTweetLength, Scale, DefaultWeight, TransformedURLLength int
		Ranges                                                             []struct{ Start, End, Weight int }
	}
	readJSON(t, "twitter_text_config_v3.json", &c)
	if c.MaxWeightedTweetLength != xLimit || c.TransformedURLLength != 23 {
		t.Errorf("limit %d, URL %d", c.MaxWeightedTweetLength, c.TransformedURLLength)
	}
	weight := func(r rune) int {
		for _, x := range c.Ranges {
			if int(r) >= x.Start && int(r) <= x.End {
				return x.Weight / c.Scale
			}
		}
		return c.DefaultWeight / c.Scale
	}
	for r := rune(1); r < 0x3000; r++ {
		if s := string(r); utf8.ValidRune(r) && norm.NFC.IsNormalString(s) && emojiAt([]rune(s)) == 0 {
			if got := weighted(s); got != weight(r) {
				t.Errorf("%U weighs %d, want %d", r, got, weight(r))
			}
		}
	}
}

func TestExtractURLsConforms(t *testing.T) {
	var list []struct {
		Description, Text string
		Expected          []string
	}
	readJSON(t, "twitter_text_extract_urls.json", &list)
	if len(list) < 100 {
		t.Fatalf("%d vectors, want at least 100", len(list))
	}
	for _, v := range list {
		t.Run(v.Description, func(t *testing.T) {
			runes := []rune(v.Text)
			got := []string{}
			for _, u := range extractURLs(runes, true) {
				got = append(got, string(runes[u.start:u.end]))
			}
			if d := cmp.Diff(v.Expected, got); d != "" {
				t.Errorf("%q (-want +got):\n%s", v.Text, d)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	family := "👨‍👩‍👧‍👦" // seven code points, one grapheme, 25 bytes
	rows := []struct {
		name     string
		platform care.Platform
		private  bool
		text     string
		want     Length
	}{
		{"x plain", care.X, false, "hello", Length{5, 280, "weighted characters", true}},
		{"x URL", care.X, false, "see https://status.veloria.com/a/very/long/path?with=a+query now", Length{4 + 23 + 4, 280, "weighted characters", true}},
		{"x reserved domain is no URL", care.X, false, "https://veloria.example", Length{23, 280, "weighted characters", true}},
		{"x long reserved domain is no URL", care.X, false, "https://status.veloria.example", Length{30, 280, "weighted characters", true}},
		{"x bare domain", care.X, false, "see help.veloria.com now", Length{4 + 23 + 4, 280, "weighted characters", true}},
		{"x no such domain", care.X, false, "see file.txt", Length{12, 280, "weighted characters", true}},
		{"x family", care.X, false, family, Length{2, 280, "weighted characters", true}},
		{"x copyright is text", care.X, false, "©", Length{1, 280, "weighted characters", true}},
		{"x styled copyright is emoji", care.X, false, "©\ufe0f", Length{2, 280, "weighted characters", true}},
		{"x flag", care.X, false, "🇪🇸", Length{2, 280, "weighted characters", true}},
		{"x one too many", care.X, false, strings.Repeat("ñ", 281), Length{281, 280, "weighted characters", false}},
		{"x direct", care.X, true, strings.Repeat("語", 10000), Length{10000, 10000, "characters", true}},
		{"facebook", care.Facebook, false, strings.Repeat("é", 8001), Length{8001, 8000, "characters", false}},
		{"facebook private reply goes to Messenger", care.Facebook, true, strings.Repeat("é", 2001), Length{2001, 2000, "characters", false}},
		{"messenger emoji take two", care.Messenger, true, "💚", Length{2, 2000, "characters", true}},
		{"instagram comment", care.Instagram, false, strings.Repeat("a", 2200), Length{2200, 2200, "characters", true}},
		{"instagram direct counts bytes", care.Instagram, true, strings.Repeat("ñ", 501), Length{1002, 1000, "bytes", false}},
		{"mastodon mention without host", care.Mastodon, false, "@ana@example.social hola", Length{9, 500, "characters", true}},
		{"mastodon address is no mention", care.Mastodon, false, "write to care@veloria.example", Length{29, 500, "characters", true}},
		{"mastodon host before a full stop", care.Mastodon, false, "ask @ana@example.social.", Length{9, 500, "characters", true}},
		{"mastodon URL", care.Mastodon, false, "see http://a.com/" + strings.Repeat("x", 100) + " ok", Length{4 + 23 + 3, 500, "characters", true}},
		{"mastodon bare domain is text", care.Mastodon, false, "see help.veloria.com", Length{20, 500, "characters", true}},
		{"mastodon family", care.Mastodon, true, family, Length{1, 500, "characters", true}},
		{"bluesky family", care.Bluesky, false, family, Length{25, 3000, "bytes", true}},
		{"bluesky plain", care.Bluesky, false, "hello", Length{5, 300, "graphemes", true}},
		{"bluesky conjunct counts once", care.Bluesky, false, "क्ष", Length{1, 300, "graphemes", true}},
		{"bluesky too many bytes", care.Bluesky, false, strings.Repeat(family, 121), Length{3025, 3000, "bytes", false}},
		{"bluesky too many graphemes", care.Bluesky, false, strings.Repeat("a", 301), Length{301, 300, "graphemes", false}},
		{"bluesky direct", care.Bluesky, true, strings.Repeat("a", 1001), Length{1001, 1000, "graphemes", false}},
		{"phone takes no text", care.Phone, false, "a", Length{1, 0, "characters", false}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := Measure(row.platform, row.text, row.private); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

func TestEmojiSequences(t *testing.T) {
	for _, one := range []string{"😷", "👨‍🎤", "🙋🏽", "1⃣", "#️⃣", "❤️", "❤", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈", "👩🏽‍💻", "🇮🇪", "☺️", "🧕🏾"} {
		if got := emojiAt([]rune(one)); got != utf8.RuneCountInString(one) {
			t.Errorf("%q: %d of %d runes", one, got, utf8.RuneCountInString(one))
		}
	}
	for _, none := range []string{"", "a", "1", "#", "©", "™", "語", "☺\ufe0e", "\u200d", "\ufe0f", "🇪"} {
		if got := emojiAt([]rune(none)); got != 0 {
			t.Errorf("%q: %d runes of emoji, want none", none, got)
		}
	}
}

var parts = []string{"a", "ñ", "語", "é", " ", "\n", ".", "-", "_", "/", "?", "(", ")", "@", "#", "http://", "https://t.co/", "example.com", "café.es", "@ana@example.social", "👨‍👩‍👧‍👦", "\u200d", "\ufe0f", "🇪", "क्ष", "xn--", "みんな", "com", "\xff", "t.co/x", "1⃣", "\u202a"}

func drawText(t *rapid.T, label string) string {
	if rapid.Bool().Draw(t, label+" of any characters") {
		return rapid.String().Draw(t, label)
	}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 30).Draw(t, label), "")
}

// A line feed parts a text: both parts take what they take alone, on platforms
// that do not look further than a space. (The second is measured with the line
// feed: at the very beginning of a text twitter-text sees "ñt.co" as ñ and t.co.)
func TestSplittingAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawText(t, "a"), drawText(t, "b")
		p := rapid.SampledFrom([]care.Platform{care.X, care.Facebook, care.Messenger, care.Instagram, care.Mastodon}).Draw(t, "platform")
		private := rapid.Bool().Draw(t, "private")
		whole, first, second := Measure(p, a+"\n"+b, private).Used, Measure(p, a, private).Used, Measure(p, "\n"+b, private).Used
		if whole != first+second && !(p == care.Mastodon && strings.HasSuffix(a, "\r")) { // CR LF is one grapheme
			t.Fatalf("%q and %q take %d and %d, together %d", a, "\n"+b, first, second, whole)
		}
	})
}

// A longer text never takes less where every character counts for itself.
func TestBeginningsTakeNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(drawText(t, "text"), "?")
		runes := []rune(text)
		cut := string(runes[:rapid.IntRange(0, len(runes)).Draw(t, "cut")])
		for _, p := range []care.Platform{care.Facebook, care.Messenger, care.Instagram, care.Bluesky} {
			for _, private := range []bool{false, true} {
				if all, some := Measure(p, text, private), Measure(p, cut, private); all.Fits && !some.Fits {
					t.Fatalf("%s: %q fits, its beginning %q does not", p, text, cut)
				}
			}
		}
	})
}

func TestMeasureTakesAsLongAsTheTextIsLong(t *testing.T) {
	hostile := map[string]string{
		"dots":          strings.Repeat("a.", care.MaxTextBytes/2),
		"one label":     strings.Repeat("語", care.MaxTextBytes/3) + ".",
		"parentheses":   "http://a.com/" + strings.Repeat("((", care.MaxTextBytes/3),
		"protocols":     strings.Repeat("http://", care.MaxTextBytes/7),
		"queries":       "http://a.com/?" + strings.Repeat("?", care.MaxTextBytes-20),
		"at signs":      strings.Repeat("@a", care.MaxTextBytes/2),
		"hosts":         "@a@" + strings.Repeat("a.", care.MaxTextBytes/2),
		"joiners":       strings.Repeat("👨‍", care.MaxTextBytes/7),
		"many URLs":     strings.Repeat("http://a.com ", care.MaxTextBytes/13),
		"accent labels": strings.Repeat("é-.", care.MaxTextBytes/4),
	}
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			for _, p := range care.Platforms() {
				Measure(p, text, false)
			}
			// Seconds at worst, on a busy machine and under the race detector; what is
			// quadratic takes minutes.
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzMeasure(f *testing.F) {
	for _, p := range parts {
		f.Add(p)
	}
	f.Add(strings.Join(parts, ""))
	f.Add(strings.Join(parts, " "))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > care.MaxTextBytes {
			return
		}
		for _, p := range care.Platforms() {
			for _, private := range []bool{false, true} {
				got := Measure(p, text, private)
				if got.Used < 0 || got.Limit <= 0 || got.Unit == "" || got.Fits != (got.Used <= got.Limit) {
					t.Fatalf("%s: %+v", p, got)
				}
			}
		}
		runes := []rune(text)
		last := 0
		for _, u := range extractURLs(runes, true) {
			if u.start < last || u.end <= u.start || u.end > len(runes) {
				t.Fatalf("URL at %+v after %d of %d", u, last, len(runes))
			}
			last = u.end
		}
	})
}

func BenchmarkMeasureX(b *testing.B) {
	text := "Sorry you're offline. Please look in the Veloria app under Help > Network, or at https://status.veloria.example 💚"
	for b.Loop() {
		Measure(care.X, text, false)
	}
}
