package triage

import (
	"math"

	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// intents finds which of the brand's intents a post shows. Each example of an
// intent is a bag of features: word stems, pairs of neighbouring stems, and the
// concepts that it touches. A feature weighs the more, the fewer intents have
// it; pairs weigh more than words, and concepts let other words for the same
// thing count. A post's score for an intent looks at two things: how much of
// the best example it covers, and how much of everything that is typical of the
// intent it holds.
type intents struct {
	names    []string
	severity []string
	index    map[uint64]int32 // feature -> postings, 1-based
	postings [][]posting
	total    []float32          // weight of example
	owner    []uint16           // intent of example
	mood     []float64          // mean sentiment of an intent's examples
	shows    [][numTags]float64 // share of an intent's examples that show a cue
	count    []int
	vocab    *text.Vocab
}

type posting struct {
	example uint16
	weight  float32
}

// Features are numbers: kind<<60 | ids.
const (
	featStem    = 1 << 60
	featPair    = 2 << 60
	featConcept = 3 << 60
	featTag     = 4 << 60
)

// features appends what r holds, without repeats. grow adds unknown stems to the
// vocabulary, which only building may do.
func (in *intents) features(dst []uint64, r *reading, grow bool) []uint64 {
	prev, prevCommon := int32(0), false
	put := func(f uint64) {
		for _, o := range dst {
			if o == f {
				return
			}
		}
		if len(dst) < 256 {
			dst = append(dst, f)
		}
	}
	for i := range r.items {
		w := &r.items[i]
		if w.kind != text.Word || w.name {
			prev = 0
			continue
		}
		b := r.doc.Word(int(w.token))
		s := text.Stem(b)
		id := in.vocab.ID(s)
		if id == 0 && grow {
			id = in.vocab.Add(string(s))
		}
		common := text.Common(b)
		if prev != 0 && id != 0 && !(common && prevCommon) {
			put(featPair | uint64(prev)<<30 | uint64(id))
		}
		prev, prevCommon = id, common
		if !common {
			if id != 0 {
				put(featStem | uint64(id))
			} else if !w.cued {
				r.unknown++
			}
		}
	}
	for c, k := r.concepts, uint64(0); c != 0; c, k = c>>1, k+1 {
		if c&1 != 0 {
			put(featConcept | k)
		}
	}
	for _, t := range telling {
		if r.tags[t] > 0 {
			put(featTag | uint64(t))
		}
	}
	return dst
}

// telling are the cues that also help to tell intents apart.
var telling = [...]cueTag{tagDelay, tagMoney, tagDefect, tagOutage, tagTreatment, tagUnanswered, tagThanks, tagPraise, tagSelfHarm, tagSafety, tagLegal, tagFraud, tagBreach, tagChurn, tagPress, tagDiscrimination, tagWish}

func newIntents(b *config.Brand, nm *names) *intents {
	in := &intents{index: map[uint64]int32{}, postings: make([][]posting, 1), vocab: text.NewVocab(1024)}
	var feats [][]uint64
	r := newReading()
	defer r.release()
	for _, intent := range b.Intents {
		in.names = append(in.names, intent.Name)
		in.severity = append(in.severity, intent.Severity)
		in.mood, in.shows, in.count = append(in.mood, 0), append(in.shows, [numTags]float64{}), append(in.count, 0)
		for _, tag := range sortedKeys(intent.Examples) {
			lang := langOf(tag)
			if lang == all {
				lang = en
			}
			lex := lexiconOf(lang)
			for _, e := range intent.Examples[tag] {
				if len(in.owner) == math.MaxUint16 {
					break
				}
				r.doc.Parse(e)
				r.take(lex)
				nm.mark(r, &noPost)
				r.find()
				r.feel()
				in.mood[len(in.mood)-1] += r.sentiment
				in.count[len(in.count)-1]++
				for _, t := range telling {
					if r.tags[t] > 0 {
						in.shows[len(in.shows)-1][t]++
					}
				}
				feats = append(feats, in.features(nil, r, true))
				in.owner = append(in.owner, uint16(len(in.names)-1))
			}
		}
	}
	// In how many intents does each feature occur?
	type seen struct {
		intents int
		last    uint16
	}
	df := map[uint64]*seen{}
	for e, fs := range feats {
		for _, f := range fs {
			s := df[f]
			if s == nil {
				s = &seen{last: math.MaxUint16}
				df[f] = s
			}
			if s.last != in.owner[e] {
				s.intents, s.last = s.intents+1, in.owner[e]
			}
		}
	}
	n := float64(len(in.names))
	in.total = make([]float32, len(feats))
	for i := range in.mood {
		in.mood[i] /= max(float64(in.count[i]), 1)
		for t := range in.shows[i] {
			in.shows[i][t] /= max(float64(in.count[i]), 1)
		}
	}
	for e, fs := range feats {
		for _, f := range fs {
			idf := math.Log(1 + n/float64(df[f].intents))
			switch f >> 60 {
			case 2:
				idf *= 0.7
			case 3, 4:
				idf *= 1.1
			}
			w := float32(idf)
			in.total[e] += w
			k := in.index[f]
			if k == 0 {
				k = int32(len(in.postings))
				in.index[f] = k
				in.postings = append(in.postings, nil)
			}
			in.postings[k] = append(in.postings[k], posting{uint16(e), w})
		}
	}
	return in
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	for i := 1; i < len(keys); i++ {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

// minIntent is the score below which a post shows no intent. With it and the
// shipped intents, about four in five paraphrases find their intent, and one in
// six questions about anything under the sun finds one wrongly; at 0.5 it is
// one in twenty-five.
const minIntent = 0.36

// best gives the index of the intent that r shows, -1 for none, and its score.
// An intent whose examples praise does not fit a post that complains, and the
// other way round: thanks for nothing are no thanks.
func (in *intents) best(r *reading, complaint, praise bool) (int, float64) {
	if len(in.owner) == 0 {
		return -1, 0
	}
	need := len(in.owner) + len(in.names)
	if cap(r.score) < need {
		r.score = make([]float32, need)
	}
	r.score = r.score[:need]
	clear(r.score)
	ex, pool := r.score[:len(in.owner)], r.score[len(in.owner):]
	r.unknown = 0
	r.feats = in.features(r.feats[:0], r, false)
	own := float32(0) // weight of the post's known features
	for _, f := range r.feats {
		k := in.index[f]
		if k == 0 {
			continue
		}
		ps := in.postings[k]
		own += ps[0].weight
		last := uint16(math.MaxUint16)
		for _, p := range ps {
			ex[p.example] += p.weight
			if o := in.owner[p.example]; o != last {
				pool[o] += p.weight
				last = o
			}
		}
	}
	if own == 0 {
		return -1, 0
	}
	own += 0.3 * float32(r.unknown) * float32(math.Log(1+float64(len(in.names))))
	best, score := -1, 0.0
	for e, s := range ex {
		if s == 0 {
			continue
		}
		o := in.owner[e]
		if complaint && in.mood[o] > 0.3 || praise && in.mood[o] < -0.25 {
			continue
		}
		if in.shows[o][tagChurn] > 0.3 && r.tags[tagWish] > 0 && r.tags[tagChurn] == 0 {
			continue // comes to us, does not leave us
		}
		// cover: how much of the example is there; fit: how much of what the
		// post says is in it; spread: how much of it is typical of the intent.
		cover := float64(s / in.total[e])
		fit := float64(s / own)
		spread := float64(pool[o] / own)
		// A lone weak word is no evidence, however short the example.
		strength := 1 - math.Exp(-float64(s)/2.5)
		v := strength * (0.35*cover + 0.2*fit + 0.45*spread)
		v += in.bonus(r, int(o))
		if v > score {
			best, score = int(o), v
		}
	}
	if score < minIntent {
		return -1, 0
	}
	return best, math.Round(min(score, 1)*1000) / 1000
}

// bonus rewards an intent whose examples typically show a cue that the post
// shows; grave cues speak loudest.
func (in *intents) bonus(r *reading, o int) float64 {
	b := 0.0
	for _, t := range telling {
		if r.tags[t] == 0 {
			continue
		}
		if t >= tagSelfHarm && t <= tagPress {
			b = max(b, 0.25*in.shows[o][t])
		} else {
			b = max(b, 0.08*in.shows[o][t])
		}
	}
	return b
}
