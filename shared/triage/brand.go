package triage

import (
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// nameKind says what a name found in a text is.
type nameKind uint8

const (
	nameBrand nameKind = iota
	nameProduct
	nameUnit
	nameRival
	nameContext
	nameNamesake
	nameCity
)

// mark is one name found: words first..last.
type mark struct {
	kind        nameKind
	index       uint8
	first, last int32
}

// names finds the brand's words in a text.
type names struct {
	vocab *text.Vocab
	trie  *text.Trie
	// handles are our accounts' names by platform, rivals' on any; lower case.
	handles      map[string]bool
	rivalHandles map[string]int
	// ambiguous is true when config lists namesakes: then the bare brand name
	// needs something beside it.
	ambiguous bool
	// stems are one-word brand names of seven letters or more, for typing errors.
	stems []string
	// tagged are brand names as they begin hashtags.
	short []string
}

const maxNamed = 64 // products, units and competitors told apart per brand

func newNames(b *config.Brand) *names {
	n := &names{vocab: text.NewVocab(512), trie: text.NewTrie(512), handles: map[string]bool{}, rivalHandles: map[string]int{}, ambiguous: len(b.Namesakes) > 0}
	var d text.Doc
	var steps []text.Step
	add := func(phrase string, kind nameKind, index int) {
		if index >= maxNamed {
			return
		}
		d.Parse(phrase)
		steps = steps[:0]
		for i := range d.Tokens {
			switch d.Tokens[i].Kind {
			case text.Word, text.Number:
				steps = append(steps, text.Step{ID: n.vocab.Add(string(d.Word(i)))})
			case text.URL, text.Email: // a brand called "booking.com"
				for w := range strings.FieldsFuncSeq(string(d.Word(i)), func(r rune) bool { return r == '.' || r == '/' || r == ':' }) {
					steps = append(steps, text.Step{ID: n.vocab.Add(w)})
				}
			}
		}
		if len(steps) == 0 {
			return
		}
		n.trie.Add(steps, uint32(kind)<<8|uint32(index))
		if kind == nameBrand && len(steps) == 1 {
			w := string(d.Word(0))
			if len(w) >= 7 {
				n.stems = append(n.stems, w)
			}
			if len(w) >= 5 {
				n.short = append(n.short, w)
			}
		}
	}
	add(b.Name, nameBrand, 0)
	for _, a := range b.Aliases {
		add(a, nameBrand, 0)
	}
	for i, p := range b.Products {
		add(p.Name, nameProduct, i)
		for _, a := range p.Aliases {
			if everyday(a) {
				add(a, nameContext, 0) // "fiber" alone is no name
			} else {
				add(a, nameProduct, i)
			}
		}
	}
	for i, u := range b.Units {
		add(u.Name, nameUnit, i)
		for _, a := range u.Aliases {
			add(a, nameUnit, i)
		}
		if u.City != "" {
			add(u.City, nameCity, i)
		}
	}
	for i, c := range b.Competitors {
		add(c.Name, nameRival, i)
		for _, a := range c.Aliases {
			add(a, nameRival, i)
		}
		for _, h := range c.Handles {
			n.rivalHandles[handle(h)] = i
		}
	}
	for _, c := range b.Context {
		add(c, nameContext, 0)
	}
	for _, s := range b.Namesakes {
		add(s, nameNamesake, 0)
	}
	for _, a := range b.Accounts {
		if h := handle(a.Handle); h != "" {
			n.handles[h] = true
		}
	}
	return n
}

// everyday reports product aliases that are ordinary words of a trade.
func everyday(alias string) bool {
	a := text.Fold(alias)
	if strings.ContainsAny(a, " -") {
		return false
	}
	for _, w := range [...]string{"internet", "fiber", "fibre", "fibra", "mobile", "movil", "phone", "tv", "router", "modem", "wifi", "broadband", "app", "card", "account", "box", "plus", "pro", "go", "home", "one", "max", "basic", "premium", "plan", "sim", "data", "network"} {
		if a == w {
			return true
		}
	}
	return false
}

func handle(h string) string { return strings.ToLower(strings.TrimPrefix(strings.TrimSpace(h), "@")) }

// mark finds the names in r and fills what depends on them.
func (n *names) mark(r *reading, p *care.Post) {
	d := &r.doc
	r.handled, r.ours, r.brandNames, r.tagged, r.context, r.namesakes = false, 0, 0, 0, 0, 0
	r.products, r.units, r.rivals = 0, 0, 0
	r.marks = r.marks[:0]
	r.seq = r.seq[:0]
	cities := uint64(0)
	for i := range r.items {
		w := &r.items[i]
		it := text.Item{Group: w.group}
		b := d.Word(int(w.token))
		switch w.kind {
		case text.Mention:
			switch rival, ok := n.rivalHandles[string(b)]; {
			case n.handles[string(b)]:
				r.handled = true
				w.classes |= clBrand.bit()
				w.name = true
			case ok:
				w.classes |= clRival.bit()
				w.name = true
				if rival < maxNamed {
					r.rivals |= 1 << rival
				}
			default:
				r.tagged++
			}
		default:
			it.Word = n.vocab.ID(b)
			if it.Word == 0 && len(b) > 3 {
				it.Word = n.disguised(r, b)
			}
			if it.Word == 0 && w.flags&text.InTag != 0 {
				for _, s := range n.short {
					if len(b) > len(s) && string(b[:len(s)]) == s {
						it.Word = n.vocab.ID([]byte(s))
					}
				}
			}
		}
		r.seq = append(r.seq, it)
	}
	// A hashtag may be a name written as one word ("#VeloBox") whose parts are none.
	for i := range d.Tokens {
		if d.Tokens[i].Kind != text.Hashtag {
			continue
		}
		r.hits = n.trie.At(r.hits[:0], append(r.tagItem[:0], text.Item{Word: n.vocab.ID(d.Word(i))}), 0)
		for _, h := range r.hits {
			switch kind, bit := nameKind(h.Value>>8), uint64(1)<<uint8(h.Value); kind {
			case nameBrand:
				r.brandNames++
				r.ours++
			case nameProduct:
				r.products |= bit
				r.ours++
			case nameUnit:
				r.units |= bit
				r.ours++
			case nameRival:
				r.rivals |= bit
			case nameContext:
				r.context++
			case nameNamesake:
				r.namesakes++
			}
		}
	}
	for i := range r.seq {
		if r.seq[i].Word == 0 {
			continue
		}
		r.hits = n.trie.At(r.hits[:0], r.seq, i)
		for _, h := range r.hits {
			r.marks = append(r.marks, mark{nameKind(h.Value >> 8), uint8(h.Value), h.First, h.Last})
		}
	}
	for i := range r.marks {
		m := &r.marks[i]
		if m.kind == nameNamesake {
			r.namesakes++
		}
	}
	for i := range r.marks {
		m := &r.marks[i]
		class := uint32(0)
		switch m.kind {
		case nameBrand:
			if r.inside(i, nameNamesake) || r.inside(i, nameRival) {
				continue
			}
			r.brandNames++
			r.ours++
			class = clBrand.bit()
		case nameProduct:
			if r.inside(i, nameNamesake) || r.inside(i, nameRival) {
				continue
			}
			r.products |= 1 << m.index
			r.ours++
			class = clBrand.bit()
		case nameUnit:
			r.units |= 1 << m.index
			r.ours++
		case nameRival:
			if r.inside(i, nameBrand) || r.inside(i, nameProduct) {
				continue
			}
			r.rivals |= 1 << m.index
			class = clRival.bit()
		case nameContext:
			r.context++
		case nameCity:
			cities |= 1 << m.index
		}
		if class != 0 {
			for k := m.first; k <= m.last; k++ {
				r.items[k].classes |= class
				r.items[k].name = true
			}
		}
	}
	// A city stands for its unit when we are spoken of and it has only one.
	if cities != 0 && (r.ours > 0 || r.handled || p.Addressed || p.Private) && cities&(cities-1) == 0 {
		r.units |= cities
	}
}

// inside reports that a longer name of the kind covers mark at. Marks are in
// order of their first words, and no name is longer than longestCue words.
func (r *reading) inside(at int, kind nameKind) bool {
	m := &r.marks[at]
	from := at
	for from > 0 && r.marks[from-1].first >= m.first-longestCue {
		from--
	}
	for i := from; i < len(r.marks) && r.marks[i].first <= m.first; i++ {
		o := &r.marks[i]
		if o.kind == kind && o.first <= m.first && o.last >= m.last && (o.last-o.first > m.last-m.first || kind == nameNamesake) {
			return true
		}
	}
	return false
}

// disguised finds brand words behind plurals, digits for letters ("vel0ria"),
// repeated letters and one typing error.
func (n *names) disguised(r *reading, b []byte) int32 {
	if l := len(b); b[l-1] == 's' {
		if id := n.vocab.ID(b[:l-1]); id != 0 {
			return id
		}
	}
	digits, letters := false, false
	r.squeezed = r.squeezed[:0]
	for _, c := range b {
		switch c {
		case '0':
			c, digits = 'o', true
		case '1':
			c, digits = 'l', true
		case '3':
			c, digits = 'e', true
		case '4':
			c, digits = 'a', true
		case '5':
			c, digits = 's', true
		default:
			letters = letters || c >= 'a'
		}
		r.squeezed = append(r.squeezed, c)
	}
	if digits && letters {
		if id := n.vocab.ID(r.squeezed); id != 0 {
			return id
		}
		for i, c := range r.squeezed { // 1 is l or i
			if c == 'l' && b[i] == '1' {
				r.squeezed[i] = 'i'
			}
		}
		if id := n.vocab.ID(r.squeezed); id != 0 {
			return id
		}
	}
	r.squeezed = squeeze(r.squeezed[:0], b)
	if len(r.squeezed) < len(b) {
		if id := n.vocab.ID(r.squeezed); id != 0 {
			return id
		}
	}
	for _, s := range n.stems {
		if b[0] == s[0] && oneEdit(b, s) {
			return n.vocab.ID([]byte(s))
		}
	}
	return 0
}

// oneEdit reports that a becomes b by one letter put in, left out, changed, or
// swapped with its neighbour.
func oneEdit(a []byte, b string) bool {
	la, lb := len(a), len(b)
	if la-lb > 1 || lb-la > 1 {
		return false
	}
	i := 0
	for i < la && i < lb && a[i] == b[i] {
		i++
	}
	switch {
	case la == lb:
		return string(a[min(i+1, la):]) == b[min(i+1, lb):] ||
			i+1 < la && a[i] == b[i+1] && a[i+1] == b[i] && string(a[i+2:]) == b[i+2:]
	case la > lb:
		return string(a[i+1:]) == b[i:]
	}
	return string(a[i:]) == b[i+1:]
}
