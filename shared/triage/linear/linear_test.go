package linear

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/text"
	"pgregory.net/rapid"
)

func features(s string) *Features {
	f := new(Features)
	f.Read(text.Parse(s))
	return f
}

// The bytes of a model are a contract between the trainer and the binary.
func TestLayout(t *testing.T) {
	weights := make([]int8, 32)
	weights[0], weights[1], weights[31] = 1, -1, -128
	got, err := Encode(4, []Output{{"good", 0.5, -1}, {"bad", 2, 0}}, weights)
	if err != nil {
		t.Fatal(err)
	}
	want := "464c4d3104020000" +
		"676f6f64000000000000000000000000" + "0000003f" + "000080bf" +
		"62616400000000000000000000000000" + "00000040" + "00000000" +
		"01ff" + strings.Repeat("00", 29) + "80"
	if hex.EncodeToString(got) != want {
		t.Fatalf("encoded as\n%x\nwant\n%s", got, want)
	}
	m, err := Open(string(got))
	if err != nil {
		t.Fatal(err)
	}
	if o := m.Outputs(); len(o) != 2 || o[0] != (Output{"good", 0.5, -1}) || o[1] != (Output{"bad", 2, 0}) {
		t.Errorf("outputs read as %v", o)
	}
}

// Two features in known rows: the sum, the sign, the root and the bias by hand.
func TestLogits(t *testing.T) {
	const up, down = uint64(3) << 60, uint64(5)<<60 | 1 // row 3 counts up, row 5 down
	weights := make([]int8, 32)
	weights[6], weights[7] = 40, -10
	weights[10], weights[11] = 8, 90
	b, err := Encode(4, []Output{{"a", 0.25, 1}, {"b", 0.5, 0}}, weights)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(string(b))
	if err != nil {
		t.Fatal(err)
	}
	got := m.Logits(&Features{hashes: []uint64{up, down, up, up}})
	// a: (40*3-8)*0.25/2+1 = 15, b: (-10*3-90)*0.5/2 = -30.
	if got[0] != 15 || got[1] != -30 {
		t.Errorf("logits are %v, want 15 and -30", got[:2])
	}
	if got := m.Logits(&Features{}); got[0] != 1 || got[1] != 0 {
		t.Errorf("without features logits are %v, want the biases", got[:2])
	}
	if p := Probability(0); p != 0.5 {
		t.Errorf("log-odds 0 are %v, want 0.5", p)
	}
	if p := Probability(math.Log(3)); math.Abs(p-0.75) > 1e-12 {
		t.Errorf("log-odds ln 3 are %v, want 0.75", p)
	}
}

// Weights whose bytes happen to be UTF-8 ("é" is -61, -87) are still two weights.
func TestWeightsAreNoText(t *testing.T) {
	for _, n := range []int{2, 7} {
		weights := make([]int8, n<<4)
		weights[0], weights[1] = -61, -87
		b, err := Encode(4, make7()[:n], weights)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Open(string(b))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Logits(&Features{hashes: []uint64{0}}); got[0] != -61 || got[1] != -87 {
			t.Errorf("of %d outputs, the first two are %v and %v, want -61 and -87", n, got[0], got[1])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good, err := Encode(4, []Output{{"a", 1, 0}}, make([]int8, 16))
	if err != nil {
		t.Fatal(err)
	}
	with := func(at int, b byte) string {
		c := append([]byte(nil), good...)
		c[at] = b
		return string(c)
	}
	for name, bad := range map[string]string{
		"nothing":          "",
		"another magic":    with(0, 'X'),
		"a short table":    string(good[:len(good)-1]),
		"a long table":     string(good) + "x",
		"too many bits":    with(4, 33),
		"no outputs":       with(5, 0),
		"nine outputs":     with(5, 9),
		"a reserved byte":  with(6, 1),
		"no name":          with(8, 0),
		"scale not finite": with(8+16+3, 0x7f)[:8+16] + "\x00\x00\x80\x7f" + string(good[8+20:]),
		"bias not finite":  string(good[:8+20]) + "\x00\x00\xc0\x7f" + string(good[8+24:]),
	} {
		if _, err := Open(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
	for name, f := range map[string]func() ([]byte, error){
		"weights that do not fit": func() ([]byte, error) { return Encode(4, []Output{{"a", 1, 0}}, make([]int8, 15)) },
		"no name":                 func() ([]byte, error) { return Encode(4, []Output{{"", 1, 0}}, make([]int8, 16)) },
		"a long name":             func() ([]byte, error) { return Encode(4, []Output{{strings.Repeat("x", 17), 1, 0}}, make([]int8, 16)) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: encoded without an error", name)
		}
	}
}

func overlap(a, b *Features) int {
	seen := map[uint64]bool{}
	for _, h := range a.hashes {
		seen[h] = true
	}
	n := 0
	for _, h := range b.hashes {
		if seen[h] {
			n++
		}
	}
	return n
}

func TestFeatures(t *testing.T) {
	same := [][2]string{
		{"you lost my bag", "YOU LOST MY BAG"},           // all in capitals means nothing
		{"@a you lost my bag", "you lost my bag"},        // accounts are left out
		{"paid 20 for it", "paid 3000 for it"},           // numbers are one word
		{"see http://a.example", "see http://b.example"}, // so are links
		{"où est-il", "ou est-il"},                       // accents are folded
	}
	for _, s := range same {
		a, b := features(s[0]), features(s[1])
		if len(a.hashes) != len(b.hashes) || overlap(a, b) != len(a.hashes) {
			t.Errorf("%q and %q differ", s[0], s[1])
		}
	}
	differ := [][2]string{
		{"you lost my bag", "my bag lost you"}, // order
		{"works", "works?"},
		{"works!", "works!!!"},
		{"you LOST it again", "you lost it again"}, // shouting
	}
	for _, s := range differ {
		a, b := features(s[0]), features(s[1])
		if len(a.hashes) == len(b.hashes) && overlap(a, b) == len(a.hashes) {
			t.Errorf("%q and %q have the same features", s[0], s[1])
		}
	}
	// "happy" in the reach of "not" has a feature that "happy" alone has not, and
	// a full stop ends the reach: ^not-happy is a pair in both, so count.
	near, far := features("not happy"), features("not. happy")
	if len(near.hashes) != len(far.hashes)+1 {
		t.Errorf("%d features of a denied word, %d of one after a stop; want one more", len(near.hashes), len(far.hashes))
	}
}

func TestFeaturesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := features(rapid.String().Draw(t, "text"))
		if len(f.hashes) == 0 || len(f.hashes) > MaxFeatures {
			t.Fatalf("%d features", len(f.hashes))
		}
	})
	for _, s := range []string{strings.Repeat("unbelievable ", 4000), strings.Repeat("a", 48<<10), strings.Repeat("NO! ", 12000)} {
		if n := len(features(s).hashes); n > MaxFeatures {
			t.Errorf("%.20q...: %d features, at most %d allowed", s, n, MaxFeatures)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b, err := Encode(4, []Output{{"a", 1, 0}, {"b", 1, 0}}, make([]int8, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b), "not happy at all")
	f.Add("FLM1", "")
	f.Fuzz(func(t *testing.T, data, post string) {
		m, err := Open(data)
		if err != nil {
			return
		}
		for k, x := range m.Logits(features(post)) {
			if p := Probability(x); !(p >= 0 && p <= 1) {
				t.Fatalf("output %d has probability %v", k, p)
			}
		}
	})
}

func BenchmarkLogits(b *testing.B) {
	data, err := Encode(17, make7(), make([]int8, 7<<17))
	if err != nil {
		b.Fatal(err)
	}
	m, err := Open(string(data))
	if err != nil {
		b.Fatal(err)
	}
	d := text.Parse("@VeloriaCare My internet has been down for three hours and nobody answers the phone. I was charged twice last month too, call me. When will this be fixed??? 😡")
	var f Features
	f.Read(d)
	b.ReportAllocs()
	for b.Loop() {
		f.Read(d)
		m.Logits(&f)
	}
	b.ReportMetric(float64(len(f.hashes)), "features")
}

func make7() []Output {
	out := make([]Output, 7)
	for k := range out {
		out[k] = Output{string(rune('a' + k)), 1, 0}
	}
	return out
}
