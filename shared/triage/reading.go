package triage

import (
	"math"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// reading is everything found in one text by one lexicon, and the scratch memory
// for it. Readings are pooled.
type reading struct {
	warm    bool // kind words, not emoji alone
	doc     text.Doc
	items   []word
	seq     []text.Item // what the tries see
	tagItem [1]text.Item
	seen    []hit // cues found
	hits    []text.Hit
	marks   []mark      // names found
	spans   []text.Span // personal data
	tags    [numTags]uint8
	// concepts found, one bit each.
	concepts uint64
	squeezed []byte

	lex        *lexicon
	handled    bool // names one of our handles
	ours       int  // names of ours outside namesakes: brand, product or unit
	brandNames int  // the ambiguous one: the brand's own name
	tagged     int  // mentions of accounts that are neither ours nor a competitor's
	context    int
	namesakes  int
	asks       bool // a question mark
	asked      int  // question marks
	screams    int  // exclamation marks
	emojis     int
	numbers    int
	words      int
	urls       int
	hashtags   int
	hasButs    bool
	rolledEyes bool
	hit        int // how much of the text this lexicon knew

	products, units, rivals uint64 // bits by index in the brand's lists

	sentiment float64
	sarcastic bool
	implies   bool      // only the scores see the complaint
	score     []float32 // intents' scratch
	unknown   int       // content words that no intent's example has
	feats     []uint64
	hashed    linear.Features
}

// word is one word of the text with what is known about it.
type word struct {
	token   int32
	group   int32 // sentence
	id      int32 // in the lexicon's vocabulary
	stem    int32
	value   int8 // valence in tenths
	boost   int8
	flags   uint8 // text.Token.Flags
	kind    text.TokenKind
	classes uint32
	empty   bool
	name    bool // part of a name of ours or a competitor's
	but     bool
	cued    bool // part of a cue or concept
	covered int8 // sign of the cue that covers it, 2 for one that replaces it
}

// hit is one cue found.
type hit struct {
	cue         int32 // index into lexicon.cues
	first, last int32 // words
	off         bool  // negated or cancelled
}

var readings = sync.Pool{New: func() any { return new(reading) }}

func newReading() *reading { return readings.Get().(*reading) }

// release returns r to the pool, unless a monster text made it large.
func (r *reading) release() {
	if cap(r.items) > 4096 || cap(r.doc.Tokens) > 4096 {
		return
	}
	r.lex = nil
	r.doc.Text = ""
	readings.Put(r)
}

// take fills items from the tokens; it forgets what an earlier lexicon said.
func (r *reading) take(lex *lexicon) {
	r.lex = lex
	r.items, r.seen = r.items[:0], r.seen[:0]
	r.tags = [numTags]uint8{}
	r.concepts = 0
	r.asked = 0
	r.asks, r.screams, r.emojis, r.numbers, r.words, r.urls, r.hashtags = false, 0, 0, 0, 0, 0, 0
	r.hasButs, r.rolledEyes, r.hit, r.sarcastic, r.implies = false, false, 0, false, false
	d := &r.doc
	group := int32(0)
	for i := range d.Tokens {
		t := &d.Tokens[i]
		switch t.Kind {
		case text.Mark:
			switch c := d.Word(i)[0]; c {
			case '.', ';':
				group++
			case '!', '?':
				group++
				n := int(t.End - t.Start)
				if c == '!' {
					r.screams += n
				} else {
					r.asks = true
					r.asked += n
				}
			case '\n':
				group++
			}
			continue
		case text.URL:
			r.urls++
			continue
		case text.Hashtag:
			r.hashtags++
			group++
			continue
		case text.Emoji:
			r.emojis++
			r.rolledEyes = r.rolledEyes || eyeRoll(d.Word(i))
			continue
		case text.Email:
			continue
		}
		w := word{token: int32(i), group: group, flags: t.Flags, kind: t.Kind}
		switch t.Kind {
		case text.Number:
			r.numbers++
			r.know(&w, d.Word(i))
			w.classes |= clNum.bit()
			if b := d.Word(i); len(b) == 2 && b[0] == '+' {
				w.empty = true
			}
		case text.Mention:
		default:
			r.words++
			r.know(&w, d.Word(i))
		}
		r.items = append(r.items, w)
	}
}

// know looks the word up.
func (r *reading) know(w *word, b []byte) {
	lex := r.lex
	w.id, w.stem = lex.vocab.ID(b), lex.vocab.ID(text.Stem(b))
	if w.id == 0 && w.stem == 0 && w.flags&text.Elongated != 0 {
		// "sooo" was cut to "soo"; try "so".
		r.squeezed = squeeze(r.squeezed[:0], b)
		b = r.squeezed
		w.id, w.stem = lex.vocab.ID(b), lex.vocab.ID(text.Stem(b))
	}
	if w.id != 0 {
		i := &lex.words[w.id]
		w.value, w.boost, w.classes, w.empty = i.value, i.boost, w.classes|i.classes, i.empty
	}
	if w.id != 0 || w.stem != 0 {
		r.hit++
	}
	if w.value == 0 && w.stem != 0 && (w.id == 0 || !lex.words[w.id].plain) && len(text.Stem(b)) > 3 {
		w.value = lex.words[w.stem].stem / 4 * 3
	}
	switch string(b) {
	case "but", "pero", "however", "although", "though", "mais", "aber", "mas", "aunque", "yet", "except":
		w.but, r.hasButs = true, true
	}
}

// squeeze appends b to dst with every run of equal letters cut to one.
func squeeze(dst, b []byte) []byte {
	for i, c := range b {
		if i == 0 || c != b[i-1] {
			dst = append(dst, c)
		}
	}
	return dst
}

// find runs the cues over the words. Names must have been marked before.
func (r *reading) find() {
	r.seq = r.seq[:0]
	for i := range r.items {
		w := &r.items[i]
		r.seq = append(r.seq, text.Item{Word: w.id, Stem: w.stem, Classes: w.classes, Group: w.group})
	}
	r.hits = r.hits[:0]
	for i := range r.seq {
		r.hits = r.lex.trie.At(r.hits, r.seq, i)
	}
	for _, h := range r.hits {
		r.seen = append(r.seen, hit{cue: int32(h.Value), first: h.First, last: h.Last})
		for k := h.First; k <= h.Last; k++ {
			r.items[k].cued = true
		}
	}
	r.settle()
}

func isProblem(t cueTag) bool { return t >= tagProblem && t <= tagUnanswered }

// settle cancels what is negated or covered by its opposite, and counts the rest.
func (r *reading) settle() {
	cues := r.lex.cues
	for i := range r.seen {
		h := &r.seen[i]
		c := &cues[h.cue]
		if c.concept != 0 {
			r.concepts |= 1 << (c.concept - 1)
			continue
		}
		switch {
		case c.tag == tagFixed:
			if r.notYet(int(h.first)) || r.items[h.first].classes&clNeg.bit() != 0 && !c.neg {
				h.off = true
				r.tags[tagProblem]++
			}
		case isProblem(c.tag) || c.tag == tagFraud || c.tag == tagBreach || c.tag == tagDiscrimination || c.tag == tagPraise || c.tag == tagLegal || c.tag == tagChurn || c.tag == tagSafety:
			if !c.neg && r.negated(int(h.first), int(h.last)) {
				h.off = true
				if c.tag == tagPraise { // "not happy with"
					r.tags[tagTreatment]++
				}
			}
		}
	}
	// "no problems" takes back "problems"; "outage ... fixed" does not undo that
	// there was one, it counts by itself.
	for i := range r.seen {
		h := &r.seen[i]
		if cues[h.cue].tag != tagNoProblem || h.off {
			continue
		}
		from, to := r.near(i)
		for k := from; k < to; k++ {
			o := &r.seen[k]
			if isProblem(cues[o.cue].tag) && o.first <= h.last && h.first <= o.last && !(o.last > h.last+1) {
				o.off = true
			}
		}
	}
	for i := range r.seen {
		h := &r.seen[i]
		c := &cues[h.cue]
		if h.off || c.concept != 0 {
			continue
		}
		if r.tags[c.tag] < 200 {
			r.tags[c.tag]++
		}
	}
}

// longestCue is more words than any cue covers, gaps included.
const longestCue = 32

// near gives the range of r.seen that can touch or closely follow hit i. Hits are
// in order of their first words; without this, a text of nothing but cues would
// cost the square of its length.
func (r *reading) near(i int) (from, to int) {
	at := r.seen[i].first
	for from = i; from > 0 && r.seen[from-1].first >= at-longestCue; from-- {
	}
	for to = i + 1; to < len(r.seen) && r.seen[to].first <= at+longestCue; to++ {
	}
	return from, to
}

// negated reports a negator in the two words before first.
func (r *reading) negated(first, last int) bool {
	for k := first - 1; k >= 0 && k >= first-2; k-- {
		w := &r.items[k]
		if w.group != r.items[first].group || w.but {
			return false
		}
		if w.classes&clNeg.bit() != 0 {
			switch string(r.doc.Word(int(r.items[first].token))) {
			case "refund", "money", "reembolso":
				return false
			}
			if k+1 < first {
				// "can't believe", "can't stand", "no wonder": no negation.
				switch string(r.doc.Word(int(r.items[k+1].token))) {
				case "believe", "stand", "handle", "deal", "understand", "wonder", "only", "puedo", "creo", "entiendo", "wait", "longer", "service", "answer", "response":
					return false
				}
			}
			return true
		}
	}
	return false
}

// notYet reports words before first that make "fixed" a wish or a question.
func (r *reading) notYet(first int) bool {
	for k := first - 1; k >= 0 && k >= first-4; k-- {
		w := &r.items[k]
		if w.group != r.items[first].group {
			return false
		}
		if w.classes&clNeg.bit() != 0 {
			return true
		}
		switch string(r.doc.Word(int(w.token))) {
		case "when", "until", "till", "if", "please", "want", "will", "should", "need", "needs", "to", "can", "get", "still", "cuando", "hasta", "que", "si", "quand", "wann", "quando", "could", "would", "gets", "before", "supposed", "promised", "said":
			return true
		}
	}
	return false
}

// feel works the sentiment out: valences of words, cues and emoji, with
// negation, emphasis, contrast and mockery. The result is in -1..1.
func (r *reading) feel() {
	cues := r.lex.cues
	sum, pos, neg := 0.0, 0.0, 0.0
	for i := range r.items {
		r.items[i].covered = 0
	}
	lastBut := int32(-1)
	if r.hasButs {
		for i := range r.items {
			if r.items[i].but {
				lastBut = int32(i)
			}
		}
	}
	contrast := func(i int32, v float64) float64 {
		if lastBut < 0 {
			return v
		}
		if i < lastBut {
			return v * 0.5
		}
		return v * 1.4
	}
	r.mock()
	r.warm = false
	add := func(v float64) {
		sum += v
		if v > 0 {
			pos += v
		} else {
			neg += v
		}
	}
	// Cues: each tag at most three times.
	var used [numTags]uint8
	for i := range r.seen {
		h := &r.seen[i]
		c := &cues[h.cue]
		if c.concept != 0 || c.value == 0 || h.off {
			continue
		}
		sign := int8(1)
		if c.value < 0 {
			sign = -1
		}
		if c.tag == tagNoProblem || c.tag == tagSarcasm {
			sign *= 2
		}
		already := true
		for k := h.first; k <= h.last; k++ {
			w := &r.items[k]
			if w.covered == 0 || sign == 2 || sign == -2 {
				already = already && w.covered == sign
				w.covered = sign
			}
		}
		if already && h.first != h.last || used[c.tag] >= 3 {
			continue
		}
		used[c.tag]++
		v := float64(c.value) * 0.8
		if r.sarcastic && v > 0 {
			v = -v * 0.5
		}
		r.warm = r.warm || v > 0
		add(contrast(h.first, v))
	}
	for i := range r.items {
		w := &r.items[i]
		if w.value == 0 || w.name {
			continue
		}
		v := float64(w.value)
		switch {
		case w.covered == 2 || w.covered == -2:
			continue
		case w.covered == 1 && v < 0 || w.covered == -1 && v > 0:
			continue
		case w.covered != 0:
			v *= 0.5
		}
		for k := i - 1; k >= 0 && k >= i-3 && r.items[k].group == w.group && !r.items[k].but; k-- {
			p := &r.items[k]
			if p.boost != 0 && k >= i-2 {
				v *= 1 + float64(p.boost)/100
			}
			if p.classes&clNeg.bit() != 0 && p.covered != 2 {
				if v > 0 {
					v *= -0.74
				} else if p.covered == 0 {
					v *= -0.4
				}
				break
			}
		}
		if w.flags&text.Upper != 0 && r.doc.Uppers*2 < r.doc.Letters {
			v *= 1.25
		}
		if w.flags&text.Elongated != 0 {
			v *= 1.15
		}
		if r.sarcastic && v > 0 {
			v = -v * 0.6
		}
		r.warm = r.warm || v > 0 && !w.empty
		add(contrast(int32(i), v))
	}
	// Emoji: the first three of a kind of feeling count.
	ups, downs := 0, 0
	for i := range r.doc.Tokens {
		if r.doc.Tokens[i].Kind != text.Emoji {
			continue
		}
		v := float64(emojiValue(r.doc.Word(i)))
		if v > 0 {
			if ups++; ups > 3 {
				continue
			}
			if r.sarcastic || neg < -15 && neg+pos < -10 {
				continue // laughing or praying emoji do not brighten a complaint
			}
		} else if v < 0 {
			if downs++; downs > 3 {
				continue
			}
		}
		if v != 0 {
			add(v)
		}
		if ups > 3 && downs > 3 {
			break
		}
	}
	if r.sarcastic {
		sum -= 12
	}
	if n := min(r.screams, 4); n > 0 && sum != 0 {
		if sum > 0 {
			sum += 3 * float64(n)
		} else {
			sum -= 3 * float64(n)
		}
	}
	x := sum / 10
	r.sentiment = math.Round(x/math.Sqrt(x*x+12)*1000) / 1000
}

// mock decides whether kind words are meant otherwise.
func (r *reading) mock() {
	cues := r.lex.cues
	if r.tags[tagSarcasm] > 0 {
		r.sarcastic = true
		return
	}
	problems := r.problems()
	bad := 0
	for i := range r.items {
		if r.items[i].classes&clBad.bit() != 0 && !r.items[i].name {
			bad++
		}
	}
	if r.tags[tagMock] > 0 && (problems > 0 || r.rolledEyes || bad > 0) && r.tags[tagFixed] == 0 && r.tags[tagNoProblem] == 0 {
		r.sarcastic = true
		return
	}
	if r.tags[tagOpener] == 0 || r.tags[tagFixed] > 0 || r.tags[tagNoProblem] > 0 {
		return
	}
	if r.rolledEyes && problems > 0 {
		r.sarcastic = true
		return
	}
	for i := range r.seen {
		o := &r.seen[i]
		if cues[o.cue].tag != tagOpener || o.off || r.negated(int(o.first), int(o.last)) {
			continue
		}
		switch string(r.doc.Word(int(r.items[o.first].token))) {
		case "thanks", "thank", "gracias", "merci", "danke", "obrigado", "obrigada", "cheers", "best":
			continue // said politely beside a problem
		}
		from, to := r.near(i)
		// "Charged twice today, brilliant": the kind word closes the sentence.
		if o.first == o.last && (int(o.last) == len(r.items)-1 || r.items[o.last+1].group != r.items[o.last].group) && o.first > 0 {
			for k := from; k < to; k++ {
				p := &r.seen[k]
				if !p.off && isProblem(cues[p.cue].tag) && p.last < o.first && p.last >= o.first-4 && r.items[p.last].group == r.items[o.first].group && !r.items[o.first-1].but && r.items[o.first-1].classes&clNeg.bit() == 0 {
					r.sarcastic = true
					return
				}
			}
		}
		// It opens its sentence, and a problem follows closely without a "but".
		if o.first > 1 && r.items[o.first-1].group == r.items[o.first].group && r.items[o.first-1].kind == text.Word && !r.items[o.first-1].name && r.items[o.first-1].classes&clI.bit() == 0 && r.items[o.first-1].boost == 0 {
			continue
		}
		for k := from; k < to; k++ {
			p := &r.seen[k]
			if p.off || !isProblem(cues[p.cue].tag) || p.first <= o.last || p.first > o.last+6 || r.items[p.first].group > r.items[o.first].group+1 {
				continue
			}
			clear := true
			for j := o.last; j < p.first; j++ {
				if r.items[j].but {
					clear = false
				}
			}
			if clear {
				r.sarcastic = true
				return
			}
		}
	}
}

// problems counts different sorts of problems, and more than one of a sort once
// more.
func (r *reading) problems() int {
	n := 0
	for t := tagProblem; t <= tagUnanswered; t++ {
		switch {
		case r.tags[t] > 1:
			n += 2
		case r.tags[t] == 1:
			n++
		}
	}
	return n
}

// grave lists the tags that make an agent look, whatever else a post says.
var grave = [...]cueTag{tagSelfHarm, tagSafety, tagLegal, tagFraud, tagBreach, tagDiscrimination}

// sensitive reports that the post may not be decided at the edge.
func (r *reading) sensitive() bool {
	return r.tags[tagSelfHarm] > 0 || r.tags[tagSafety] > 0 || r.tags[tagLegal] > 0
}

// severityOf turns grave tags into a severity and the sentence that says why.
func (r *reading) severityOf(t cueTag) (care.Severity, string) {
	switch t {
	case tagSelfHarm:
		return care.SeverityCritical, "The author may be thinking of self-harm; a person must look at once."
	case tagSafety:
		return care.SeverityCritical, "The post speaks of danger to a person: fire, electric shock, injury, violence or an emergency call that fails."
	case tagLegal:
		return care.SeverityHigh, "The post speaks of a lawyer, a court, a regulator or the police."
	case tagFraud:
		return care.SeverityHigh, "The post speaks of fraud, theft or a taken-over account."
	case tagBreach:
		return care.SeverityHigh, "The post speaks of leaked or lost data."
	case tagDiscrimination:
		return care.SeverityHigh, "The post speaks of discrimination or harassment."
	case tagChurn:
		return care.SeverityHigh, "The author wants to leave or to cancel."
	case tagPress:
		return care.SeverityHigh, "The press is asking, or the author wants to go to the press."
	case tagMany:
		return care.SeverityHigh, "Many people seem to have the same problem."
	case tagVulnerable:
		return care.SeverityHigh, "A vulnerable person depends on the service."
	}
	return care.SeverityNone, ""
}
