package triage

import (
	"math"
	"math/bits"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// NumSignals is how many signals Signals gives.
const NumSignals = 40

// Signals are what the last layer of triage weighs: what word lists and rules
// found in a post, its build, and the log-odds of the table, squashed. Each is
// about -1 to 3. The first is always 1.
type Signals [NumSignals]float64

// The outputs of the table, in the order that `fielder train` writes them.
const (
	tabNegative = iota
	tabPositive
	tabComplaint
	tabPraise
	tabQuestion
	tabRequest
	tabSpam
	tabOutputs
)

// Signals reads a post with the given table, for training. turned tells whether
// the author turned to somebody: then posts are of another kind.
func (t *Triager) Signals(table *linear.Model, post care.Post) (s Signals, turned bool) {
	t.once.Do(t.prepare)
	r := newReading()
	defer r.release()
	var out care.Triage
	t.read(r, &post, &out)
	r.feel()
	logits := r.table(table)
	return r.signals(out.Lang, &logits), r.turned(&post)
}

// turned reports a post that is said to somebody: to us, or with an account named.
func (r *reading) turned(post *care.Post) bool {
	if post.Addressed || post.Private || post.InOurThread {
		return true
	}
	for i := range r.items {
		if r.items[i].kind == text.Mention {
			return true
		}
	}
	return false
}

// table asks the table about the text.
func (r *reading) table(m *linear.Model) [linear.MaxOutputs]float64 {
	r.hashed.Read(&r.doc)
	return m.Logits(&r.hashed)
}

// signals collects what the last layer weighs.
func (r *reading) signals(lang string, logits *[linear.MaxOutputs]float64) (s Signals) {
	n := 0
	put := func(v float64) { s[n] = v; n++ }
	yes := func(b bool) {
		if b {
			s[n] = 1
		}
		n++
	}
	count := func(c, most int) { put(float64(min(c, most))) }

	put(1)
	put(r.sentiment)
	put(math.Max(0, r.sentiment))
	question := r.question()
	yes(question)
	yes(r.asks)
	count(r.problems(), 3)
	count(max(0, r.hints()), 4)
	yes(r.sarcastic)
	yes(r.tags[tagPraise] > 0)
	yes(r.tags[tagThanks] > 0)
	yes(r.tags[tagFixed]+r.tags[tagDone]+r.tags[tagNoProblem] > 0)
	yes(r.tags[tagHelp]+r.tags[tagWish] > 0)
	yes(r.tags[tagCrypto]+r.tags[tagShady]+r.tags[tagJob]+r.tags[tagGiveaway]+r.tags[tagAd] > 0)
	yes(r.tags[tagRepeat] > 0)
	yes(r.tags[tagOpener]+r.tags[tagMock] > 0)

	var class [numClasses]int
	deeds, please := 0, false
	for i := range r.items {
		w := &r.items[i]
		for c := w.classes; c != 0; c &= c - 1 {
			class[bits.TrailingZeros32(c)]++
		}
		if w.kind != text.Word {
			continue
		}
		b := r.doc.Word(int(w.token))
		switch string(b) {
		case "please", "pls", "favor", "bitte", "svp":
			please = true
		}
		if deed(b) && i > 0 && r.items[i-1].kind == text.Word && (r.items[i-1].classes&(clYou.bit()|clStaff.bit()|clSvc.bit()|clGoods.bit()) != 0 || i > 1 && r.items[i-2].classes&clYou.bit() != 0) {
			deeds++
		}
	}
	count(class[clNeg], 3)
	count(class[clNum], 3)
	count(class[clTime], 2)
	yes(class[clNum] > 0 && class[clTime] > 0)
	count(class[clPoss], 2)
	count(class[clYou], 2)
	count(class[clI], 2)
	count(class[clStaff], 2)
	count(class[clMoney], 2)
	count(class[clAgain], 2)
	count(class[clSvc]+class[clGoods], 2)
	yes(class[clWant] > 0)
	count(deeds, 2)
	yes(please)
	yes(r.urls > 0)
	yes(r.screams > 0)
	put(math.Min(2, math.Log1p(float64(r.words))/2))

	// The table was trained on English.
	if lang == "en" || lang == text.Undetermined {
		for k := range tabOutputs {
			put(logits[k] / (3 + math.Abs(logits[k])))
		}
	} else {
		n += tabOutputs
		put(1)
	}
	return s
}

// deed reports past tenses that say what somebody did: with "you" or "the
// driver" before, a post tells a story, and stories told to a company are
// seldom happy.
func deed(b []byte) bool {
	n := len(b)
	switch string(b) {
	case "sent", "left", "lost", "took", "told", "made", "put", "threw", "gave", "kept", "broke", "sold", "hid", "went", "came", "stole", "let", "said", "forgot", "cut",
		"habeis", "han", "habian", "perdisteis", "dijeron", "dejaron":
		return true
	}
	return n > 4 && b[n-1] == 'd' && b[n-2] == 'e'
}
