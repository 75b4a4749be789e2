package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// synthetic writes a tiny set of each kind, in the publishers' formats. What a
// text is about is told by one word, so that the right answer is known.
func synthetic(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nouns := []string{"kettle", "ladder", "window", "garden", "pencil", "bottle", "jacket", "hammer", "mirror", "basket"}
	var emotions, ham, bank strings.Builder
	bank.WriteString("text,category\n")
	var oos []string
	for i := range 200 {
		n := nouns[i%len(nouns)] + " " + nouns[i/len(nouns)%len(nouns)]
		fmt.Fprintf(&emotions, "what a splendid %s\t1\tx%d\n", n, i)
		fmt.Fprintf(&emotions, "this dreadful %s\t0\tx%d\n", n, i)
		fmt.Fprintf(&emotions, "a %s over there\t2\tx%d\n", n, i)
		fmt.Fprintf(&emotions, "is there a %s?\t2\tx%d\n", n, i)
		fmt.Fprintf(&ham, "ham\tsee you at the %s %d\nspam\twin a prize with %s %d\n", n, i, n, i)
		fmt.Fprintf(&bank, "\"my card failed, the %s %d\",declined_card_payment\nwhat is the rate of the %s %d?,exchange_rate\n", n, i, n, i)
		oos = append(oos, fmt.Sprintf(`["tell me of the %s %d","weather"]`, n, i), fmt.Sprintf(`["thank you for the %s %d","thank_you"]`, n, i))
	}
	write("goemotions/labels.txt", "anger\nadmiration\nneutral\n")
	for _, f := range []string{"train", "dev", "test"} {
		write("goemotions/"+f+".tsv", emotions.String())
	}
	write("banking77/train.csv", bank.String())
	write("banking77/test.csv", bank.String())
	list := "[" + strings.Join(oos, ",") + "]"
	write("clinc150/data_full.json", `{"train":`+list+`,"oos_train":[],"val":`+list+`,"oos_val":[],"test":[],"oos_test":[]}`)
	write("spam/SMSSpamCollection", ham.String())
	return dir
}

var small = Options{Bits: 12, Epochs: 3, Rate: 0.5, Decay: 1e-5}

// The bytes of a model from the synthetic sets. They may change only with the
// features, the solver or the format; then the committed model must be made anew.
const smallSum = "0a39b92aa4ed95564481028f96da4cbfbf76390473a5dd6e0ba33ee848a51a09"

func TestSameSetsSameBytes(t *testing.T) {
	dir := synthetic(t)
	var sums []string
	for range 2 {
		list, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Model(list, small)
		if err != nil {
			t.Fatal(err)
		}
		s := sha256.Sum256(b)
		sums = append(sums, hex.EncodeToString(s[:]))
	}
	if sums[0] != sums[1] {
		t.Errorf("the same sets gave %s and %s", sums[0], sums[1])
	}
	if sums[0] != smallSum {
		t.Errorf("the synthetic sets give %s, recorded is %s", sums[0], smallSum)
	}
}

func TestModelLearns(t *testing.T) {
	list, err := Read(synthetic(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Model(list, small)
	if err != nil {
		t.Fatal(err)
	}
	m, err := linear.Open(string(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		text string
		yes  []int
		no   []int
	}{
		{"what a splendid teapot", []int{Positive, Praise}, []int{Negative, Complaint, Spam}},
		{"this dreadful teapot", []int{Negative, Complaint}, []int{Positive, Praise, Spam}},
		{"a teapot over there", nil, []int{Negative, Positive, Complaint, Praise, Spam}},
		{"win a prize with teapot 7", []int{Spam}, []int{Complaint, Praise}},
		{"my card failed, the teapot", []int{Complaint, Request}, []int{Praise}},
		{"is there a teapot", []int{Question}, []int{Spam}},
	} {
		var f linear.Features
		f.Read(text.Parse(row.text))
		out := m.Logits(&f)
		for _, k := range row.yes {
			if p := linear.Probability(out[k]); p < 0.6 {
				t.Errorf("%q: %s is %.2f, want it above 0.6", row.text, Names[k], p)
			}
		}
		for _, k := range row.no {
			if p := linear.Probability(out[k]); p > 0.4 {
				t.Errorf("%q: %s is %.2f, want it below 0.4", row.text, Names[k], p)
			}
		}
	}
}

func TestReadSays(t *testing.T) {
	list, err := Read(synthetic(t))
	if err != nil {
		t.Fatal(err)
	}
	find := func(set, prefix string) Example {
		for _, e := range list {
			if e.Set == set && strings.HasPrefix(e.Text, prefix) {
				return e
			}
		}
		t.Fatalf("no text of %s begins with %q", set, prefix)
		return Example{}
	}
	for _, row := range []struct {
		set, prefix string
		want        Answers
	}{
		{"goemotions", "what a splendid", Answers{-1, 1, -1, 1, -1, -1, -1}},
		{"goemotions", "this dreadful", Answers{1, -1, 1, -1, -1, -1, -1}},
		{"goemotions", "is there a", Answers{-1, -1, -1, -1, 1, -1, -1}},
		{"banking77", "my card failed", Answers{1, -1, 1, -1, -1, 1, -1}},
		{"banking77", "what is the rate", Answers{-1, -1, -1, -1, 1, 1, -1}},
		{"clinc150", "tell me of", Answers{-1, -1, -1, -1, 0, 1, -1}},
		{"clinc150", "thank you", Answers{-1, 1, -1, 1, 0, -1, -1}},
		{"spam", "win a prize", Answers{-1, 0, -1, -1, 0, 0, 1}},
		{"spam", "see you", Answers{0, 0, 0, 0, 0, 0, -1}},
	} {
		e := find(row.set, row.prefix)
		if e.Says != row.want {
			t.Errorf("%s, %q: says %v, want %v", row.set, e.Text, e.Says, row.want)
		}
		if strings.Contains(e.Text, "?") {
			t.Errorf("%q has kept its question mark", e.Text)
		}
	}
}

// The names of intents must be those of the sets, or a label counts for nothing;
// here they are at least different from each other.
func TestListsAreDisjoint(t *testing.T) {
	seen := map[string]string{}
	for name, list := range map[string][]string{"good": goodMoods, "bad": badMoods} {
		for _, m := range list {
			if other := seen[m]; other != "" {
				t.Errorf("%s is among the %s and the %s moods", m, other, name)
			}
			seen[m] = name
		}
	}
	for _, m := range grumbles {
		if seen[m] != "bad" {
			t.Errorf("grumble %s is no bad mood", m)
		}
	}
	for _, m := range thanks {
		if seen[m] != "good" {
			t.Errorf("thanks %s is no good mood", m)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, row := range []struct{ name, file, text, want string }{
		{"a missing set", "spam/SMSSpamCollection", "", "data set spam"},
		{"a label out of range", "goemotions/train.tsv", "hello\t9\tx\n", `train.tsv:1: label "9" is not in labels.txt`},
		{"a row without label", "goemotions/dev.tsv", "hello\n", "dev.tsv:1: a row has text, labels and id"},
		{"another head", "banking77/train.csv", "category,text\n", "the first row must be text,category"},
		{"no JSON", "clinc150/data_full.json", "[", "data set clinc150"},
		{"another label", "spam/SMSSpamCollection", "maybe\thello\n", `SMSSpamCollection:1: a row has "ham" or "spam"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := synthetic(t)
			path := filepath.Join(dir, row.file)
			var err error
			if row.text == "" {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, []byte(row.text), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err = Read(dir); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
	if _, err := Model(nil, small); err == nil || !strings.Contains(err.Error(), "negative") {
		t.Errorf("without examples the error is %v, want one that names the output", err)
	}
	if _, err := Model(nil, Options{Bits: 40}); err == nil {
		t.Error("40 bits gave no error")
	}
}

// Against the standard library's exponential, which this machine may compute in
// its own way.
func TestLogistic(t *testing.T) {
	for x := -39.5; x < 40; x += 0.37 {
		want := 1 / (1 + math.Exp(-x))
		if got := logistic(x); math.Abs(got-want) > 1e-12*want+1e-15 {
			t.Errorf("logistic(%v) is %v, want %v", x, got, want)
		}
	}
	if got := logistic(0); got != 0.5 {
		t.Errorf("logistic(0) is %v", got)
	}
}

func TestQuantise(t *testing.T) {
	weights := []float64{0, 1.27, -1.27, 0.635, -0.004}
	got := make([]int8, len(weights))
	step := quantise(weights, func(i int, w int8) { got[i] = w })
	if math.Abs(step-0.01) > 1e-4 {
		t.Errorf("a step is %v, want 0.01", step)
	}
	for i, want := range []int8{0, 127, -127, 64, 0} {
		if d := int(got[i]) - int(want); d < -1 || d > 1 {
			t.Errorf("%v became %d, want %d", weights[i], got[i], want)
		}
	}
}
