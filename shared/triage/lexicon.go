package triage

import (
	"strings"
	"sync"

	"github.com/fielder-care/fielder/shared/text"
)

// lexicon is what we know of one language: words with their valence, strength
// and class, and cues. It is built once, when the first post in that language
// comes, in well under two milliseconds; it is read only afterwards.
type lexicon struct {
	lang  langSet
	vocab *text.Vocab
	words []wordInfo // by word id
	trie  *text.Trie // values are indexes into cues
	cues  []cueInfo
}

type wordInfo struct {
	value   int8 // valence of this very word, tenths
	stem    int8 // valence of words with this stem
	boost   int8 // percent
	empty   bool
	plain   bool // listed as having no valence, whatever its stem has
	classes uint32
}

type cueInfo struct {
	tag     cueTag
	concept uint8 // index into concepts plus one, 0 for a plain cue
	value   int8
	neg     bool // has a negator of its own
	words   uint8
}

func (c wordClass) bit() uint32 { return 1 << c }

var lexicons [5]struct {
	once sync.Once
	lex  *lexicon
}

// lexiconOf gives the lexicon of one language, building it if need be.
func lexiconOf(lang langSet) *lexicon {
	i := 0
	for lang>>i&1 == 0 {
		i++
	}
	l := &lexicons[i]
	l.once.Do(func() { l.lex = buildLexicon(1 << i) })
	return l.lex
}

func buildLexicon(lang langSet) *lexicon {
	l := &lexicon{lang: lang, vocab: text.NewVocab(6000), words: make([]wordInfo, 1, 6000), trie: text.NewTrie(8000), cues: make([]cueInfo, 1, 4000)}
	l.cues = l.cues[:0]
	var stem []byte
	stemOf := func(w string) int32 {
		stem = append(stem[:0], w...)
		return l.add(string(text.Stem(stem)))
	}
	each := func(list string, f func(w string)) {
		for list != "" {
			var w string
			w, list, _ = strings.Cut(list, " ")
			if w != "" {
				f(w)
			}
		}
	}
	for _, v := range valences {
		if v.lang&lang == 0 {
			continue
		}
		each(v.words, func(w string) {
			id := l.add(w)
			if v.value == 0 {
				l.words[id].plain = true
				return
			}
			if l.words[id].value == 0 {
				l.words[id].value = v.value
			}
			if v.value <= -15 {
				l.words[id].classes |= clBad.bit()
			} else if v.value >= 15 {
				l.words[id].classes |= clGood.bit()
			}
			if s := stemOf(w); l.words[s].stem == 0 {
				l.words[s].stem = v.value
			}
		})
	}
	for _, b := range boosters {
		if b.lang&lang != 0 {
			each(b.words, func(w string) { l.words[l.add(w)].boost = b.percent })
		}
	}
	for c, list := range classWords {
		each(list, func(w string) { l.words[l.add(w)].classes |= wordClass(c).bit() })
	}
	for _, n := range negators {
		if n.lang&lang != 0 {
			each(n.words, func(w string) { l.words[l.add(w)].classes |= clNeg.bit() })
		}
	}
	each(emptyWords, func(w string) { l.words[l.add(w)].empty = true })
	for _, c := range cues {
		if c.lang&lang != 0 {
			l.addCues(c.text, cueInfo{tag: c.tag, value: c.value}, stemOf)
		}
	}
	for k, parts := range concepts {
		for _, p := range parts {
			if p.lang&lang != 0 {
				l.addCues(p.text, cueInfo{concept: uint8(k + 1)}, stemOf)
			}
		}
	}
	return l
}

func (l *lexicon) add(w string) int32 {
	id := l.vocab.Add(w)
	for int(id) >= len(l.words) {
		l.words = append(l.words, wordInfo{})
	}
	return id
}

// addCues compiles the phrases of one entry; the syntax is described at cues.
func (l *lexicon) addCues(list string, info cueInfo, stemOf func(string) int32) {
	var steps [8]text.Step
	// A phrase with and without its own negator needs two infos.
	var with, without int = -1, -1
	for list != "" {
		var phrase string
		phrase, list, _ = strings.Cut(list, "|")
		n, neg := 0, false
		for phrase != "" && n < len(steps) {
			var w string
			w, phrase, _ = strings.Cut(phrase, " ")
			switch {
			case w == "":
				continue
			case w == "~":
				steps[n] = text.Step{Kind: text.StepGap}
			case w[0] == '$' && len(w) > 1:
				c := classNamed(w[1:])
				steps[n] = text.Step{Kind: text.StepClass, ID: int32(c)}
				neg = neg || c == clNeg
			case w[0] == '=':
				steps[n] = text.Step{ID: l.add(w[1:])}
			default:
				id := stemOf(w)
				steps[n] = text.Step{ID: id}
				if own := l.vocab.ID([]byte(w)); own != 0 {
					neg = neg || l.words[own].classes&clNeg.bit() != 0
				}
			}
			n++
		}
		for n > 0 && steps[n-1].Kind == text.StepGap {
			n--
		}
		if n == 0 {
			continue
		}
		at := &without
		if neg {
			at = &with
		}
		if *at < 0 {
			c := info
			c.neg, c.words = neg, uint8(n)
			*at = len(l.cues)
			l.cues = append(l.cues, c)
		}
		l.trie.Add(steps[:n], uint32(*at))
	}
}

func classNamed(name string) wordClass {
	for c, n := range classNames {
		if n == name {
			return wordClass(c)
		}
	}
	panic("triage: unknown word class $" + name) // our own data; a test reads it all
}
