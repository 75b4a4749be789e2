package platform_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"Plain", "my VeloBox blinks red", "my VeloBox blinks red"},
		{"NUL", "a\x00b", "ab"},
		{"Controls", "a\x1b[31mb\x7f\u0085c", "a[31mbc"},
		{"LineEnds", "a\r\nb\rc\td\n", "a\nb\nc\td\n"},
		{"BadBytes", "a\xff\xfeb", "a\uFFFDb"},
		{"LatinSigns", "¿dónde está? 20 °C ©", "¿dónde está? 20 °C ©"},
		{"Emoji", "👍🏽 ok", "👍🏽 ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, truncated := platform.Text(c.in)
			if got != c.want || truncated {
				t.Errorf("got %q, %v", got, truncated)
			}
		})
	}
}

func TestTextIsAlwaysSafeAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		in = strings.Repeat(in, rapid.SampledFrom([]int{1, 1, 1, 200, 2000}).Draw(t, "times"))
		got, truncated := platform.Text(in)
		if !utf8.ValidString(got) || len(got) > care.MaxTextBytes {
			t.Fatalf("%d bytes, valid %v", len(got), utf8.ValidString(got))
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f }) {
			t.Fatal("a control character is left")
		}
		if !truncated && len(in) <= care.MaxTextBytes && utf8.ValidString(in) && len(got) > len(in) {
			t.Fatal("grew")
		}
		if len(in) > 20*care.MaxTextBytes && len(got) == care.MaxTextBytes && !truncated {
			t.Fatal("cut without saying so")
		}
	})
}

func TestTextIsCutOnARune(t *testing.T) {
	in := strings.Repeat("é", care.MaxTextBytes) // 2 bytes each
	got, truncated := platform.Text("x" + in)
	if !truncated || !utf8.ValidString(got) || len(got) != care.MaxTextBytes-1 {
		t.Errorf("%d bytes, truncated %v", len(got), truncated)
	}
	if strings.ContainsRune(got, utf8.RuneError) {
		t.Error("a rune was split")
	}
	if got, truncated := platform.Text(strings.Repeat("a", care.MaxTextBytes)); truncated || len(got) != care.MaxTextBytes {
		t.Error("a text at the limit is cut")
	}
}

func TestName(t *testing.T) {
	if got := platform.Name(" Ana\nMaría\x00 "); got != "Ana María" {
		t.Errorf("got %q", got)
	}
	if got := platform.Name(strings.Repeat("ñ", 500)); len(got) > platform.MaxNameBytes || !utf8.ValidString(got) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestLink(t *testing.T) {
	for _, good := range []string{"https://cdn.example/a?b=c", "http://x.example", "HTTPS://X.example/ü"} {
		if platform.Link(good) != good {
			t.Errorf("dropped %q", good)
		}
	}
	for _, bad := range []string{"", "javascript:alert(1)", "data:text/html,x", "//x.example", "ftp://x", "https://a b", "https://a\n", "https://\xff", "https://" + strings.Repeat("a", 2048)} {
		if got := platform.Link(bad); got != "" {
			t.Errorf("kept %q", bad)
		}
	}
}
