package reply

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/text"
)

// finder finds the words and phrases of all rules in one pass over a post: as
// whole words, whatever their case, accents and white space. A text is cut into
// atoms, each a run of letters and digits or one other character, so that "c++"
// and "e-mail" are phrases like any other; where a phrase begins or ends with a
// letter or digit, the text's word must begin or end there too, and where it
// begins or ends with another character, no word may touch it.
type finder struct {
	vocab *text.Vocab
	trie  *text.Trie
	sets  int32
}

// wordAtom marks an item that is a run of letters and digits.
const wordAtom = 1

// set adds words and phrases that are told apart from those of other sets, and
// gives the set's number.
func (w *finder) set(phrases []string) int32 {
	if w.vocab == nil {
		w.vocab, w.trie = text.NewVocab(64), text.NewTrie(64)
	}
	var steps []text.Step
	for _, p := range phrases {
		steps = steps[:0]
		atoms([]byte(strings.TrimSpace(text.Fold(p))), func(atom []byte, _ bool) {
			steps = append(steps, text.Step{Kind: text.StepWord, ID: w.vocab.Add(string(atom))})
		})
		w.trie.Add(steps, uint32(w.sets)) // an empty phrase is never found
	}
	w.sets++
	return w.sets - 1
}

// search is the memory of one pass.
type search struct {
	folded []byte
	items  []text.Item
	hits   []text.Hit
}

// find adds to found the numbers of the sets of which the text holds a phrase.
func (w *finder) find(s *search, post string, found *set) {
	if w.vocab == nil {
		return
	}
	s.folded = append(s.folded[:0], text.Fold(post)...)
	s.items = s.items[:0]
	known := false
	atoms(s.folded, func(atom []byte, word bool) {
		it := text.Item{Word: w.vocab.ID(atom)}
		if word {
			it.Classes = wordAtom
		}
		known = known || it.Word != 0
		s.items = append(s.items, it)
	})
	if !known {
		return
	}
	isWord := func(i int32) bool { return i >= 0 && int(i) < len(s.items) && s.items[i].Classes == wordAtom }
	for i := range s.items {
		if s.items[i].Word == 0 {
			continue
		}
		s.hits = w.trie.At(s.hits[:0], s.items, i)
		for _, h := range s.hits {
			if !isWord(h.First) && isWord(h.First-1) || !isWord(h.Last) && isWord(h.Last+1) {
				continue
			}
			found.add(int32(h.Value))
		}
	}
}

// atoms cuts a folded text: runs of letters and digits, white space as one space,
// and every other character by itself.
func atoms(folded []byte, each func(atom []byte, word bool)) {
	for i := 0; i < len(folded); {
		r, n := rune(folded[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(folded[i:])
		}
		start := i
		i += n
		switch {
		case partOfWord(r):
			for i < len(folded) {
				r, n := rune(folded[i]), 1
				if r >= utf8.RuneSelf {
					r, n = utf8.DecodeRune(folded[i:])
				}
				if !partOfWord(r) {
					break
				}
				i += n
			}
			each(folded[start:i], true)
		case unicode.IsSpace(r):
			for i < len(folded) {
				r, n := utf8.DecodeRune(folded[i:])
				if !unicode.IsSpace(r) {
					break
				}
				i += n
			}
			each(space, false)
		default:
			each(folded[start:i], false)
		}
	}
}

var space = []byte{' '}

func partOfWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}
