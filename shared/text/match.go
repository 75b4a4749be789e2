package text

import (
	"math/bits"
	"sync"
)

// Vocab gives words small numbers, so that the rest compares numbers. It is an
// open-addressing table: building it costs a few nanoseconds a word.
type Vocab struct {
	slots []int32 // word id, 0 = free
	words []string
	hash  []uint32
}

// NewVocab makes a vocabulary with room for n words.
func NewVocab(n int) *Vocab {
	size := 64
	for size < 2*n {
		size *= 2
	}
	return &Vocab{slots: make([]int32, size), words: make([]string, 1, n+1), hash: make([]uint32, 1, n+1)}
}

func hashOf[T string | []byte](w T) uint32 {
	h := uint32(2166136261) // FNV-1a
	for i := 0; i < len(w); i++ {
		h = (h ^ uint32(w[i])) * 16777619
	}
	return h ^ h>>15
}

// Len is one more than the highest id.
func (v *Vocab) Len() int { return len(v.words) }

// ID gives the word's id, 0 when the vocabulary does not hold it.
func (v *Vocab) ID(w []byte) int32 {
	h := hashOf(w)
	for i := h; ; i++ {
		id := v.slots[i&uint32(len(v.slots)-1)]
		if id == 0 {
			return 0
		}
		if v.hash[id] == h && v.words[id] == string(w) {
			return id
		}
	}
}

// Add gives the word's id, a new one if need be. The word must be folded.
func (v *Vocab) Add(w string) int32 {
	if 2*len(v.words) > len(v.slots) {
		v.grow()
	}
	h := hashOf(w)
	i := h
	for ; ; i++ {
		id := v.slots[i&uint32(len(v.slots)-1)]
		if id == 0 {
			break
		}
		if v.hash[id] == h && v.words[id] == w {
			return id
		}
	}
	id := int32(len(v.words))
	v.words = append(v.words, w)
	v.hash = append(v.hash, h)
	v.slots[i&uint32(len(v.slots)-1)] = id
	return id
}

func (v *Vocab) grow() {
	v.slots = make([]int32, 2*len(v.slots))
	for id := 1; id < len(v.words); id++ {
		i := v.hash[id]
		for v.slots[i&uint32(len(v.slots)-1)] != 0 {
			i++
		}
		v.slots[i&uint32(len(v.slots)-1)] = int32(id)
	}
}

// Item is one word of a text as Trie sees it.
type Item struct {
	Word    int32  // id of the word, 0 when unknown
	Stem    int32  // id of its stem, 0 when unknown or the same
	Classes uint32 // word classes it belongs to, one bit each
	Group   int32  // phrases do not run from one group (sentence) into another
}

// Step is one place of a phrase.
type Step struct {
	Kind StepKind
	ID   int32 // word id, or class number 0..31
}

// StepKind says how a Step matches.
type StepKind uint8

// The kinds of steps.
const (
	StepWord  StepKind = iota // the word or its stem has this id
	StepClass                 // the word is of this class
	StepGap                   // up to three words of any kind
)

// MaxGap is the number of words that a StepGap may skip.
const MaxGap = 3

// Trie finds phrases, all of them in one pass.
type Trie struct {
	nodes []node
	more  []value
	slots []edge // open addressing by node and step
	count int
}

type node struct {
	gap     int32  // node behind a gap, 0 = none
	value   int32  // first of its values in Trie.more, 0 = none
	classes uint32 // classes with an edge
	edges   bool
}

type value struct {
	value uint32
	next  int32
}

type edge struct {
	key uint64
	to  int32
}

// NewTrie makes a trie with room for about n steps.
func NewTrie(n int) *Trie {
	size := 64
	for size < 2*n {
		size *= 2
	}
	return &Trie{nodes: make([]node, 1, n+1), more: make([]value, 1, n/2+1), slots: make([]edge, size)}
}

func edgeKey(n int32, s Step) uint64 {
	return (uint64(n)+1)<<33 | uint64(s.Kind)<<32 | uint64(uint32(s.ID))
}

func (t *Trie) slot(key uint64) *edge {
	h := key * 0x9E3779B97F4A7C15
	for i := h >> 32; ; i++ {
		e := &t.slots[i&uint64(len(t.slots)-1)]
		if e.key == key || e.key == 0 {
			return e
		}
	}
}

func (t *Trie) next(n int32, s Step) int32 { return t.slot(edgeKey(n, s)).to }

// Add adds a phrase; the same value may belong to many phrases.
func (t *Trie) Add(steps []Step, v uint32) {
	at := int32(0)
	for _, s := range steps {
		if s.Kind == StepGap {
			if t.nodes[at].gap == 0 {
				t.nodes[at].gap = t.node()
			}
			at = t.nodes[at].gap
			continue
		}
		e := t.slot(edgeKey(at, s))
		if e.key == 0 {
			if 2*t.count >= len(t.slots) {
				t.grow()
				e = t.slot(edgeKey(at, s))
			}
			to := t.node()
			*e = edge{edgeKey(at, s), to}
			t.count++
			t.nodes[at].edges = true
			if s.Kind == StepClass {
				t.nodes[at].classes |= 1 << s.ID
			}
		}
		at = e.to
	}
	if at == 0 {
		return
	}
	for k := t.nodes[at].value; k != 0; k = t.more[k].next {
		if t.more[k].value == v {
			return
		}
	}
	t.more = append(t.more, value{v, t.nodes[at].value})
	t.nodes[at].value = int32(len(t.more) - 1)
}

func (t *Trie) node() int32 {
	t.nodes = append(t.nodes, node{})
	return int32(len(t.nodes) - 1)
}

func (t *Trie) grow() {
	old := t.slots
	t.slots = make([]edge, 2*len(old))
	for _, e := range old {
		if e.key != 0 {
			*t.slot(e.key) = e
		}
	}
}

// Hit is a phrase found: its value and the items that it covers.
type Hit struct {
	Value       uint32
	First, Last int32
}

// At appends to dst every phrase that begins at items[i].
func (t *Trie) At(dst []Hit, items []Item, i int) []Hit {
	from := len(dst)
	dst = t.walk(dst, items, i, 0)
	for k := from; k < len(dst); k++ {
		dst[k].First = int32(i)
	}
	return dst
}

func (t *Trie) walk(dst []Hit, items []Item, i int, node int32) []Hit {
	it := &items[i]
	if it.Word != 0 {
		dst = t.follow(dst, items, i, t.next(node, Step{StepWord, it.Word}))
	}
	if it.Stem != 0 && it.Stem != it.Word {
		dst = t.follow(dst, items, i, t.next(node, Step{StepWord, it.Stem}))
	}
	if c := it.Classes & t.nodes[node].classes; c != 0 {
		for ; c != 0; c &= c - 1 {
			dst = t.follow(dst, items, i, t.next(node, Step{StepClass, int32(bits.TrailingZeros32(c))}))
		}
	}
	return dst
}

// follow goes on behind items[i] at node.
func (t *Trie) follow(dst []Hit, items []Item, i int, node int32) []Hit {
	if node == 0 {
		return dst
	}
	n := &t.nodes[node]
	for v := n.value; v != 0; v = t.more[v].next {
		dst = append(dst, Hit{Value: t.more[v].value, Last: int32(i)})
	}
	group := items[i].Group
	if i+1 >= len(items) || items[i+1].Group != group {
		return dst
	}
	if n.edges {
		dst = t.walk(dst, items, i+1, node)
	}
	if g := n.gap; g != 0 {
		for j := i + 1; j <= i+1+MaxGap && j < len(items) && items[j].Group == group; j++ {
			dst = t.walk(dst, items, j, g)
		}
	}
	return dst
}

// Matcher finds words and phrases in texts, whole words only, in any spelling
// that Fold makes equal. A phrase with "*" at the end of a word matches every
// word that begins so ("refund*"). It is compiled at its first use.
type Matcher struct {
	phrases []string
	once    sync.Once
	vocab   *Vocab
	trie    *Trie
	prefix  []prefixPhrase
}

type prefixPhrase struct {
	words  []string // folded
	open   []bool   // matches longer words too
	phrase uint32
}

// NewMatcher makes a matcher; it keeps the slice.
func NewMatcher(phrases []string) *Matcher { return &Matcher{phrases: phrases} }

func (m *Matcher) compile() {
	m.vocab, m.trie = NewVocab(4*len(m.phrases)), NewTrie(4*len(m.phrases))
	var d Doc
	for n, p := range m.phrases {
		d.Parse(p)
		var steps []Step
		var pp prefixPhrase
		wild := false
		for i := range d.Tokens {
			switch t := d.Tokens[i]; t.Kind {
			case Mark:
				if k := len(pp.open); k > 0 && d.Raw(i) == "*" && t.Start == d.Tokens[i-1].End {
					pp.open[k-1], wild = true, true
				}
			default:
				if t.Kind == Hashtag {
					continue // its words follow
				}
				w := string(d.Word(i))
				steps = append(steps, Step{StepWord, m.vocab.Add(w)})
				pp.words, pp.open = append(pp.words, w), append(pp.open, false)
			}
		}
		if wild {
			pp.phrase = uint32(n)
			m.prefix = append(m.prefix, pp)
		} else {
			m.trie.Add(steps, uint32(n))
		}
	}
}

// Each calls found for every occurrence: the phrase's index and the tokens from
// first to last.
func (m *Matcher) Each(d *Doc, found func(phrase, first, last int)) {
	m.once.Do(m.compile)
	items := make([]Item, 0, 64)
	at := make([]int32, 0, 64)
	var hits []Hit
	for i := range d.Tokens {
		switch d.Tokens[i].Kind {
		case Hashtag: // as one word; its parts follow
			hits = m.trie.At(hits[:0], []Item{{Word: m.vocab.ID(d.Word(i))}}, 0)
			for _, h := range hits {
				found(int(h.Value), i, i)
			}
			continue
		case Mark, URL:
			continue
		}
		items = append(items, Item{Word: m.vocab.ID(d.Word(i))})
		at = append(at, int32(i))
	}
	for i := range items {
		hits = m.trie.At(hits[:0], items, i)
		for _, h := range hits {
			found(int(h.Value), int(at[h.First]), int(at[h.Last]))
		}
		for k := range m.prefix {
			p := &m.prefix[k]
			if i+len(p.words) > len(at) {
				continue
			}
			ok := true
			for j, w := range p.words {
				got := d.Word(int(at[i+j]))
				if p.open[j] {
					ok = len(got) >= len(w) && string(got[:len(w)]) == w
				} else {
					ok = string(got) == w
				}
				if !ok {
					break
				}
			}
			if ok {
				found(int(p.phrase), int(at[i]), int(at[i+len(p.words)-1]))
			}
		}
	}
}

// Find gives the lowest index of a phrase that occurs in d, -1 for none.
func (m *Matcher) Find(d *Doc) int {
	best := -1
	m.Each(d, func(p, _, _ int) {
		if best < 0 || p < best {
			best = p
		}
	})
	return best
}

// FindString is Find for a plain string.
func (m *Matcher) FindString(s string) int { return m.Find(Parse(s)) }
