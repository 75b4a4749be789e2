package triage

import (
	_ "embed" // the models lie in the binary and are read where they lie
	"encoding/binary"
	"math"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// Scores are the probabilities behind a triage, each 0 to 1.
type Scores struct {
	Negative, Neutral, Positive float64 // together 1
	Complaint, Question         float64
	Request, Praise             float64
	Spam, Abuse                 float64
	// Language and Relevance are how sure we are of those classes. They are
	// grades of rules, not frequencies that were counted.
	Language, Relevance float64
}

// The last layer: for posts said to somebody, and for others, the weight of each
// signal for each output.
const (
	Said = iota
	Loose
	NumLayers
)

// The outputs of the last layer.
const (
	OutNegative = iota
	OutPositive
	OutComplaint
	OutPraise
	OutQuestion
	OutRequest
	OutSpam
	NumOutputs
)

// Layers are the weights of the last layer.
type Layers [NumLayers][NumOutputs][NumSignals]float64

//go:embed models/posts.flm
var tableData string

//go:embed models/layers.f32
var layersData string

// models opens the table and the last layer when the first post is scored.
var models = sync.OnceValue(func() (m struct {
	table  *linear.Model
	layers *Layers
}) {
	var err error
	if m.table, err = linear.Open(tableData); err != nil {
		panic(err) // our own data; a test opens it
	}
	m.layers = DecodeLayers(layersData)
	return m
})

// Encode writes the layers: all weights as float32, little-endian.
func (l *Layers) Encode() []byte {
	var out []byte
	for _, layer := range l {
		for _, output := range layer {
			for _, w := range output {
				out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(w)))
			}
		}
	}
	return out
}

// DecodeLayers reads what Encode wrote. It panics if data has another length.
func DecodeLayers(data string) *Layers {
	if len(data) != NumLayers*NumOutputs*NumSignals*4 {
		panic("triage: models/layers.f32 does not fit this program; train anew")
	}
	b := []byte(data)
	l := new(Layers)
	for i := range l {
		for k := range l[i] {
			for j := range l[i][k] {
				l[i][k][j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
				b = b[4:]
			}
		}
	}
	return l
}

// weigh fills s.
func (r *reading) weigh(s *Scores, lang string, post *care.Post) {
	m := models()
	logits := r.table(m.table)
	signals := r.signals(lang, &logits)
	layer := &m.layers[Loose]
	if r.turned(post) {
		layer = &m.layers[Said]
	}
	var p [NumOutputs]float64
	for k := range p {
		sum := 0.0
		for j, v := range &signals {
			sum += v * layer[k][j]
		}
		p[k] = linear.Probability(sum)
	}
	// Two answers that do not know of each other become shares of one.
	neg, pos := p[OutNegative], p[OutPositive]
	neutral := (1 - neg) * (1 - pos)
	neg, pos = neg*(1-pos), pos*(1-neg)
	all := neg + pos + neutral
	s.Negative, s.Neutral, s.Positive = neg/all, neutral/all, pos/all
	s.Complaint, s.Praise, s.Question, s.Request, s.Spam = p[OutComplaint], p[OutPraise], p[OutQuestion], p[OutRequest], p[OutSpam]
	s.Abuse = r.abuse()
}

// sureComplaint is where the scores make a complaint of what the rules let pass.
// It was chosen on posts that nothing was trained on, so that three of four that
// it adds are complaints, rather more than of those that the rules find.
const sureComplaint = 0.75

// implied reports a complaint that only the scores see.
func (r *reading) implied(s *Scores) bool {
	return s.Complaint >= sureComplaint && s.Spam < 0.5 && r.tags[tagFixed]+r.tags[tagDone]+r.tags[tagNoProblem]+r.tags[tagThanks] == 0
}

// abuse weighs insults, whether they are thrown at somebody, swear words and
// curses. The weights were set by hand; only their sum is a probability.
func (r *reading) abuse() float64 {
	insults, swears, thrown, curses := 0.0, 0, 0, 0
	for i := range r.items {
		w := &r.items[i]
		if w.kind != text.Word {
			continue
		}
		b := r.doc.Word(int(w.token))
		if curse(b) {
			for k := max(0, i-4); k < min(len(r.items), i+5); k++ {
				if r.items[k].classes&clYou.bit() != 0 {
					curses++
					break
				}
			}
		}
		switch how := insult(b); {
		case how > 0:
			insults += how
		case w.value <= -30:
			swears++
		default:
			continue
		}
		for k := max(0, i-5); k < min(len(r.items), i+3); k++ {
			o := &r.items[k]
			if o.classes&(clYou.bit()|clStaff.bit()|clBrand.bit()) != 0 || o.kind == text.Mention && k+3 > i || o.kind == text.Word && thrower(r.doc.Word(int(o.token))) {
				thrown++
				break
			}
		}
	}
	if insults == 0 && swears+curses == 0 {
		return 0.01
	}
	return linear.Probability(-2.6 + min(insults, 4) + 0.9*float64(min(swears, 2)) + 1.6*float64(min(thrown, 2)) + 3*float64(min(curses, 1)))
}

func thrower(b []byte) bool {
	switch string(b) {
	case "he", "she", "they", "him", "her", "them", "these", "sois", "eres", "son", "panda":
		return true
	}
	return false
}

// curse reports words that wish or tell somebody harm when "you" stands near.
func curse(b []byte) bool {
	switch string(b) {
	case "rot", "die", "hell", "kill", "choke", "shut", "muerete", "morios":
		return true
	}
	return false
}

// insult weighs a word that calls somebody names: 2.8 for one that has no other
// use, 1.5 for one that has, 0 for any other word.
func insult(b []byte) float64 {
	switch string(b) {
	case "idiot", "idiots", "loser", "losers", "trash", "vermin", "brainless", "clown", "clowns", "parasite", "parasites", "pig", "pigs", "dick", "pussy",
		"basura", "payaso", "payasos", "zorra", "sinverguenza", "sinverguenzas", "escoria", "desgracado", "desgracados":
		return 1.5
	case "moron", "morons", "imbecile", "imbeciles", "cretin", "cretins", "scum", "scumbag", "scumbags", "bastard", "bastards", "asshole", "assholes", "arsehole", "arseholes", "bitch", "bitches", "cunt", "cunts", "dickhead", "dickheads", "prick", "pricks", "wanker", "wankers", "twat", "twats", "whore", "whores", "hoe", "hoes", "slut", "sluts", "retard", "retards", "retarded", "faggot", "faggots", "fag", "fags", "dumbass", "dumbasses", "jackass", "motherfucker", "motherfuckers", "fucker", "fuckers", "subhuman", "braindead",
		"idiota", "idiotas", "imbecil", "gilipollas", "cabron", "cabrones", "subnormal", "subnormales", "hijoputa", "hijueputa", "hdp", "puta", "putas", "puto", "putos", "pendejo", "pendejos", "retrasado", "retrasados", "maricon", "maricones", "malparido", "malparidos",
		"connard", "connards", "salaud", "salauds", "encule", "encules", "arschloch", "wichser", "hurensohn", "vollidiot", "vollidioten", "otario", "otarios", "babaca", "babacas":
		return 2.8
	}
	return 0
}
