package text

import (
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestMatcher(t *testing.T) {
	m := NewMatcher([]string{"refund*", "where is my order", "VeloBox", "años", "24/7", "#outage"})
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"prefix", "I was refunded", 0},
		{"prefix itself", "Refund!", 0},
		{"phrase", "So, WHERE is my order?", 1},
		{"phrase over other spaces", "where  is\nmy order", 1},
		{"camel hashtag phrase", "#WhereIsMyOrder", 1},
		{"phrase broken", "where is my old order", -1},
		{"word", "the velobox.", 2},
		{"word inside a word", "megavelobox", -1},
		{"word with a suffix", "veloboxes", -1},
		{"accents do not matter", "dos anos", 3},
		{"digits", "open 24/7", 4},
		{"in a hashtag", "#VeloBox", 2},
		{"hashtag phrase matches the word", "an outage", 5},
		{"look-alike letters", "VеlоBоx", 2},
		{"nothing", "hello", -1},
		{"empty", "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := m.FindString(c.text); got != c.want {
				t.Errorf("FindString(%q) = %d, want %d", c.text, got, c.want)
			}
		})
	}
}

func TestMatcherIsSafeForConcurrentUse(t *testing.T) {
	m := NewMatcher([]string{"alpha", "beta gamma"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if m.FindString("x beta gamma") != 1 {
				t.Error("missed")
			}
		})
	}
	wg.Wait()
}

// A matcher of plain words finds exactly what splitting at spaces finds.
func TestMatcherAgainstFields(t *testing.T) {
	word := rapid.StringMatching(`[a-c]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		phrases := rapid.SliceOfN(word, 1, 5).Draw(t, "phrases")
		text := rapid.SliceOfN(word, 0, 10).Draw(t, "text")
		want := -1
		for i, p := range phrases {
			for _, w := range text {
				if want < 0 && w == p {
					want = i
				}
			}
		}
		got := NewMatcher(phrases).FindString(strings.Join(text, " "))
		if want >= 0 && got >= 0 && phrases[got] == phrases[want] {
			return // the same word listed twice
		}
		if got != want {
			t.Fatalf("phrases %q, text %q: got %d, want %d", phrases, text, got, want)
		}
	})
}

func TestTrie(t *testing.T) {
	v := NewVocab(4)
	w := func(s string) Step { return Step{ID: v.Add(s)} }
	tr := NewTrie(1)
	tr.Add([]Step{w("charged"), {Kind: StepGap}, w("twice")}, 1)
	tr.Add([]Step{{Kind: StepClass, ID: 3}, w("work")}, 2)
	tr.Add([]Step{w("work")}, 3)
	items := func(text string) []Item {
		var it []Item
		group := int32(0)
		for _, f := range strings.Fields(text) {
			if f == "." {
				group++
				continue
			}
			x := Item{Word: v.ID([]byte(f)), Group: group}
			if f == "not" {
				x.Classes = 1 << 3
			}
			it = append(it, x)
		}
		return it
	}
	for _, c := range []struct {
		text string
		want []uint32
	}{
		{"charged twice", []uint32{1}},
		{"charged me again and twice", []uint32{1}},
		{"charged a b c d twice", nil},
		{"charged . twice", nil},
		{"not work", []uint32{2, 3}},
		{"work", []uint32{3}},
		{"", nil},
	} {
		var got []uint32
		it := items(c.text)
		for i := range it {
			for _, h := range tr.At(nil, it, i) {
				got = append(got, h.Value)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%q: got %v, want %v", c.text, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: got %v, want %v", c.text, got, c.want)
			}
		}
	}
}

func TestVocabGrows(t *testing.T) {
	v := NewVocab(1)
	ids := map[string]int32{}
	for i := range 1000 {
		w := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		id := v.Add(w)
		if old, ok := ids[w]; ok && old != id {
			t.Fatalf("%q has two ids", w)
		}
		ids[w] = id
	}
	for w, id := range ids {
		if v.ID([]byte(w)) != id {
			t.Fatalf("%q lost its id", w)
		}
	}
	if v.ID([]byte("absent")) != 0 {
		t.Error("found what is not there")
	}
}
