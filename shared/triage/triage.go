package triage

import (
	"slices"
	"strings"
	"sync"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/text"
)

// Triager triages posts for one brand. It is safe for concurrent use.
type Triager struct {
	brand    config.Brand
	weights  config.Weights
	detector *text.Detector
	blocked  map[care.PostID]bool // platform and author id
	langs    langSet              // the brand's languages that we have lexica for

	once    sync.Once
	names   *names
	intents *intents
}

// noPost stands in where there is no post, only a text.
var noPost care.Post

// New makes a Triager. It does next to nothing: the brand's words and the
// lexica of its languages become tables when the first post comes.
func New(brand config.Brand, routing config.Routing) *Triager {
	t := &Triager{brand: brand, weights: routing.Weights, detector: text.NewDetector(brand.OrderNumbers)}
	if len(brand.Blocked) > 0 {
		t.blocked = make(map[care.PostID]bool, len(brand.Blocked))
		for _, b := range brand.Blocked {
			if b.ID != "" {
				t.blocked[care.NewPostID(b.Platform, b.ID)] = true
			}
		}
	}
	for _, l := range brand.Languages {
		if s := langOf(l); s != all {
			t.langs |= s
		}
	}
	if t.langs == 0 {
		t.langs = en
	}
	return t
}

func (t *Triager) prepare() {
	t.names = newNames(&t.brand)
	t.intents = newIntents(&t.brand, t.names)
}

// Triage says what a post is. It never fails: a post that makes no sense gets a
// triage that says so.
func (t *Triager) Triage(post care.Post) care.Triage {
	return t.triage(&post, nil, nil)
}

// Score is Triage with the probabilities behind it and the personal data that it
// found, in byte offsets.
func (t *Triager) Score(post care.Post) (care.Triage, Scores, []text.Span) {
	s := Scores{Neutral: 1}
	var spans []text.Span
	out := t.triage(&post, &s, &spans)
	return out, s, spans
}

func (t *Triager) triage(post *care.Post, scores *Scores, spans *[]text.Span) care.Triage {
	out := care.Triage{Lang: text.Undetermined}
	out.Influence = Influence(post.Author.Followers, post.Author.Verified, t.weights.FullInfluence)
	out.Reasons = make([]care.Reason, 0, 12)
	if post.Author.Own {
		// Whatever it says, we said it.
		out.Relevance, out.Obvious = care.RelevanceChatter, true
		say(&out, "relevance", "The post is by one of our own accounts.")
		return out
	}
	t.once.Do(t.prepare)
	r := newReading()
	defer r.release()
	t.read(r, post, &out)

	if post.Unreadable != "" {
		// Only a person can deal with it.
		out.Relevance, out.Severity = care.RelevanceAddressed, care.SeverityLow
		say(&out, "relevance", "The platform does not let us read this post; a person must look at it.")
		out.Priority = t.priority(&out, post, 0)
		return out
	}
	r.feel()
	out.Sentiment = r.sentiment
	out.Question = r.question()
	out.Complaint = r.complaint(out.Question)
	out.Praise = !out.Complaint && r.praise()
	in, score := t.intents.best(r, out.Complaint, out.Praise && !out.Question)
	if in >= 0 {
		out.Intent, out.IntentScore = t.intents.names[in], score
	}
	out.PersonalData = text.KindsOf(r.spans)

	rel := t.relevance(r, post, &out)
	out.Relevance, out.Obvious = rel.class, rel.obvious
	say(&out, "relevance", rel.why)
	var s Scores
	silent := !out.Complaint && !out.Praise && out.Relevance == care.RelevanceAddressed
	if silent || scores != nil { // where the rules have spoken, nobody needs the scores
		r.weigh(&s, out.Lang, post)
	}
	if scores != nil {
		*scores, *spans = s, slices.Clone(r.spans)
		_, scores.Language = r.doc.LanguageSure(post.Lang)
		scores.Relevance = rel.sure()
	}
	if out.Relevance != care.RelevanceAddressed && out.Sentiment <= -0.35 && r.ours == 0 {
		out.Complaint = out.Complaint && r.problems() > 0
	}
	if silent && r.implied(&s) {
		out.Complaint, r.implies = true, true
	}
	out.Competitors = pick(r.rivals, func(i int) string { return t.brand.Competitors[i].Name })
	out.Products = pick(r.products, func(i int) string { return t.brand.Products[i].Name })
	out.Units = pick(r.units, func(i int) string { return t.brand.Units[i].Name })

	var because string
	out.Severity, because = t.severity(r, in, &out)
	if out.Obvious && out.Relevance == care.RelevanceChatter {
		return out // one reason is enough for a line in the log
	}
	t.explain(r, &out, because, post.Private)
	repeat := 0
	if r.tags[tagRepeat] > 0 {
		repeat = 1
	}
	out.Priority = t.priority(&out, post, repeat)
	return out
}

// read takes the text apart and finds language, words, cues and names.
func (t *Triager) read(r *reading, post *care.Post, out *care.Triage) {
	r.doc.Parse(post.Text)
	r.spans = t.detector.Find(r.spans[:0], post.Text)
	out.Lang = r.doc.Language(post.Lang)
	lang := langOf(out.Lang)
	run := func(l langSet) {
		r.take(lexiconOf(l))
		t.names.mark(r, post)
		r.find()
	}
	// Words of danger and law count in any of the brand's languages, because a
	// language is easily mistaken in a short text. The main reading comes last.
	var graveTags [3]uint8
	best, most := en, -1
	for l := en; l <= pt; l <<= 1 {
		if t.langs&l == 0 || l == lang {
			continue
		}
		run(l)
		if r.hit > most {
			best, most = l, r.hit
		}
		for i, g := range grave[:len(graveTags)] {
			graveTags[i] = max(graveTags[i], r.tags[g])
		}
	}
	switch {
	case lang != all:
		run(lang)
		if t.langs&lang == 0 && most > r.hit {
			run(best) // a foreign language that says less: a wrong guess
		}
	case best != r.lex.lang:
		run(best)
	}
	for i, g := range grave[:len(graveTags)] {
		r.tags[g] = max(r.tags[g], graveTags[i])
	}
}

func (t *Triager) priority(out *care.Triage, post *care.Post, repeat int) float64 {
	if out.Relevance == care.RelevanceChatter || out.Relevance == care.RelevanceCompetitor {
		return 0
	}
	w := t.weights
	return priority(out, nil, post, &w, repeat, &out.Reasons)
}

// pick lists the names whose bits are set, sorted.
func pick(bits uint64, name func(int) string) []string {
	if bits == 0 {
		return nil
	}
	var s []string
	for i := 0; bits != 0; i, bits = i+1, bits>>1 {
		if bits&1 != 0 {
			s = append(s, name(i))
		}
	}
	slices.Sort(s)
	return slices.Compact(s)
}

// question reports a post that asks something: a question mark with words, or
// words that open a question.
func (r *reading) question() bool {
	if r.asks && r.words > 0 {
		return true
	}
	for i := range r.seen {
		h := &r.seen[i]
		if r.lex.cues[h.cue].tag != tagQuestion {
			continue
		}
		opens := true
		for k := h.first - 1; k >= 0 && r.items[k].group == r.items[h.first].group; k-- {
			w := &r.items[k]
			if w.kind == text.Mention || w.name {
				continue
			}
			switch string(r.doc.Word(int(w.token))) {
			case "hi", "hello", "hey", "hola", "buenas", "buenos", "tardes", "dias", "noches", "so", "and", "also", "please", "y", "por", "favor", "team", "there", "guys", "bonjour", "hallo", "ola", "ok", "but", "quick", "question", "just", "morning", "good", "evening", "afternoon", "disculpen", "perdon", "sorry":
				continue
			}
			opens = false
			break
		}
		if opens || asksAnywhere(string(r.doc.Word(int(r.items[h.first].token)))) && h.last > h.first {
			return true
		}
	}
	return false
}

// asksAnywhere reports words whose phrases ask wherever they stand in a sentence.
func asksAnywhere(w string) bool {
	switch w {
	case "wondering", "wonder", "quisiera", "queria", "gustaria", "know", "could", "can", "tell", "advise", "curious", "pueden", "podrian", "podria", "podeis", "alguien", "anyone", "question", "like", "voudrais", "aimerais", "gostaria", "tengo", "una", "please":
		return true
	}
	return false
}

// hints counts hints of trouble: different cues, a negation, words in capitals,
// piled-up punctuation.
func (r *reading) hints() int {
	n := 0
	last := int32(-1)
	for i := range r.seen {
		h := &r.seen[i]
		if r.lex.cues[h.cue].tag == tagFriction && h.first > last {
			n++
			last = h.last
		}
	}
	n = min(n, 3)
	if r.screams+r.asked > 1 {
		n++
	}
	neg, caps := false, 0
	for i := range r.items {
		w := &r.items[i]
		neg = neg || w.classes&clNeg.bit() != 0
		if w.flags&text.Upper != 0 && w.value <= 0 {
			caps++
		}
	}
	if neg {
		n++
	}
	if caps > 0 && r.doc.Uppers*2 < r.doc.Letters {
		n++
	}
	if r.tags[tagThanks]+r.tags[tagPraise]+r.tags[tagFixed]+r.tags[tagNoProblem] > 0 {
		n -= 2
	}
	return n
}

// praise reports kind words that are meant.
func (r *reading) praise() bool {
	if r.sarcastic || r.tags[tagSelfHarm]+r.tags[tagFraud]+r.tags[tagBreach]+r.tags[tagDiscrimination]+r.tags[tagChurn] > 0 {
		return false
	}
	if r.tags[tagUnanswered]+r.tags[tagOutage] > 0 && r.tags[tagFixed]+r.tags[tagDone]+r.tags[tagNoProblem] == 0 {
		return false // kind words around a matter that is still open: thanks alone would be a slap
	}
	switch {
	case r.tags[tagNoProblem] > 0:
		return r.sentiment >= 0.2
	case r.tags[tagPraise]+r.tags[tagThanks]+r.tags[tagFixed] > 0:
		return r.sentiment >= 0.3
	}
	// A heart alone is a reaction; below words about what we do it is praise.
	return r.sentiment >= 0.45 && (r.warm || r.words >= 3 && r.context > 0)
}

// complaint weighs what went wrong against what went right.
func (r *reading) complaint(question bool) bool {
	score := 2 * r.problems()
	// Hints of trouble add up where somebody speaks to us or of himself, unless
	// he merely asks.
	if hints := r.hints(); hints >= 4 || hints >= 3 && r.sentiment < 0.1 && (!question || r.sentiment < -0.1) {
		score += 2
	} else if hints >= 2 && score > 0 {
		score++
	}
	if r.sarcastic {
		score += 4
	}
	if r.tags[tagFraud]+r.tags[tagBreach]+r.tags[tagDiscrimination]+r.tags[tagSafety] > 0 {
		score += 2
	}
	if r.tags[tagChurn] > 0 && r.sentiment < -0.1 || r.tags[tagLegal] > 0 && r.sentiment < 0 {
		score += 2
	}
	if r.tags[tagFixed] > 0 {
		score -= 3
	}
	if r.tags[tagDone] > 0 {
		score -= 3
	}
	score -= 2 * int(r.tags[tagNoProblem])
	switch {
	case score >= 4:
		// Several things went wrong: kind words around them do not undo that.
		return true
	case score >= 2 && r.tags[tagUnanswered]+r.tags[tagOutage] > 0:
		return r.sentiment < 0.8
	case score >= 2 && r.tags[tagDelay]+r.tags[tagMoney]+r.tags[tagDefect]+r.tags[tagOutage]+r.tags[tagUnanswered] > 0:
		return r.sentiment < 0.35
	case score >= 2:
		return r.sentiment < 0.15
	}
	return r.sentiment <= -0.38
}

// severity works out how grave the matter is, and the sentence that says why.
func (t *Triager) severity(r *reading, intent int, out *care.Triage) (care.Severity, string) {
	s, why := care.SeverityNone, ""
	raise := func(to care.Severity, because string) {
		if to > s {
			s, why = to, because
		}
	}
	for _, g := range grave {
		if r.tags[g] == 0 {
			continue
		}
		to, because := r.severityOf(g)
		switch {
		case g == tagSelfHarm:
		case out.Praise, g == tagSafety && r.sentiment > 0.4 && !out.Complaint:
			continue // "your deals are on fire"
		}
		raise(to, because)
	}
	if out.Relevance == care.RelevanceChatter || out.Relevance == care.RelevanceCompetitor {
		return s, why
	}
	if out.Praise && !out.Question {
		return s, why
	}
	unhappy := out.Complaint || out.Sentiment < -0.2
	if r.tags[tagChurn] > 0 && (unhappy || !out.Question) {
		raise(r.severityOf(tagChurn))
	}
	if r.tags[tagPress] > 0 {
		raise(r.severityOf(tagPress))
	}
	if out.Complaint && r.tags[tagMany] > 0 && r.tags[tagOutage] > 0 {
		raise(r.severityOf(tagMany))
	}
	if r.tags[tagVulnerable] > 0 && out.Complaint {
		raise(r.severityOf(tagVulnerable))
	}
	if intent >= 0 && !(out.Praise && !out.Complaint) {
		if sev, ok := severityNamed(t.intents.severity[intent]); ok {
			raise(sev, "Config gives this gravity to what the post is about.")
		}
	}
	if out.Complaint {
		switch {
		case r.tags[tagMoney] > 0:
			raise(care.SeverityMedium, "It is about money.")
		case r.tags[tagOutage] > 0:
			raise(care.SeverityMedium, "Something that the customer relies on is not available.")
		case r.tags[tagDefect] > 0:
			raise(care.SeverityMedium, "Something does not work as it should.")
		case r.tags[tagDelay] > 0:
			raise(care.SeverityMedium, "Something is late or has not come.")
		case r.tags[tagUnanswered] > 0:
			raise(care.SeverityMedium, "The customer could not get an answer from us.")
		}
		raise(care.SeverityLow, "It is a complaint.")
	}
	if intent < 0 {
		// Config has no say: a question or a wish is at least of low gravity.
		if out.Question {
			raise(care.SeverityLow, "It is a question.")
		}
		if r.tags[tagHelp] > 0 {
			raise(care.SeverityLow, "The customer asks for something.")
		}
	}
	return s, why
}

func severityNamed(name string) (care.Severity, bool) {
	for s := care.SeverityNone; s <= care.SeverityCritical; s++ {
		if s.String() == name {
			return s, true
		}
	}
	return care.SeverityNone, false
}

func say(out *care.Triage, by, text string) {
	out.Reasons = append(out.Reasons, care.Reason{By: by, Text: text})
}

// explain adds the reasons of all signals but relevance.
func (t *Triager) explain(r *reading, out *care.Triage, severity string, private bool) {
	say(out, "language", languageText(out.Lang))
	say(out, "sentiment", sentimentText(out.Sentiment, r.sarcastic))
	if out.Intent != "" {
		say(out, "intent", "It fits what config calls \""+out.Intent+"\".")
	}
	if out.Complaint {
		say(out, "complaint", complaintText(r))
	}
	if out.Praise {
		say(out, "praise", "It praises or thanks.")
	}
	if out.Question {
		say(out, "question", "It asks something.")
	}
	if severity != "" {
		say(out, "severity", severity)
	}
	if out.Relevance == care.RelevanceAddressed || out.Relevance == care.RelevanceAbout {
		for _, extra := range [...]cueTag{tagChurn, tagMany, tagVulnerable, tagPress} {
			if _, text := r.severityOf(extra); r.tags[extra] > 0 && text != severity && out.Complaint {
				say(out, "signal", text)
			}
		}
	}
	if r.tags[tagRepeat] > 0 {
		say(out, "repeat", "The author says that this is not the first time.")
	}
	if len(out.PersonalData) > 0 {
		where := " in public."
		if private {
			where = " in private."
		}
		say(out, "personal-data", "It holds personal data ("+strings.Join(out.PersonalData, ", ")+")"+where)
	}
	if len(out.Competitors) > 0 {
		say(out, "competitor", "It names "+strings.Join(out.Competitors, ", ")+".")
	}
	if len(out.Products) > 0 {
		say(out, "product", "It is about "+strings.Join(out.Products, ", ")+".")
	}
	if len(out.Units) > 0 {
		say(out, "unit", "It concerns "+strings.Join(out.Units, ", ")+".")
	}
}

func complaintText(r *reading) string {
	switch {
	case r.implies:
		return "It reads like a complaint, although it names no trouble that we have words for."
	case r.sarcastic:
		return "It complains, in words that are kind only on the surface."
	case r.tags[tagMoney] > 0:
		return "It complains about money."
	case r.tags[tagOutage] > 0:
		return "It complains that something is not available."
	case r.tags[tagDefect] > 0:
		return "It complains that something does not work."
	case r.tags[tagDelay] > 0:
		return "It complains about waiting."
	case r.tags[tagUnanswered] > 0:
		return "It complains that nobody answers."
	case r.tags[tagTreatment] > 0:
		return "It complains about how the customer was treated."
	}
	return "It complains."
}

func sentimentText(s float64, sarcastic bool) string {
	switch {
	case sarcastic:
		return "The mood is negative; the kind words are meant otherwise."
	case s <= -0.7:
		return "The mood is very negative."
	case s <= -0.2:
		return "The mood is negative."
	case s < 0.2:
		return "The mood is neutral."
	case s < 0.7:
		return "The mood is positive."
	}
	return "The mood is very positive."
}

func languageText(tag string) string {
	switch tag {
	case "en":
		return "The post is in English."
	case "es":
		return "The post is in Spanish."
	case "fr":
		return "The post is in French."
	case "de":
		return "The post is in German."
	case "pt":
		return "The post is in Portuguese."
	case text.Undetermined:
		return "The language is not certain."
	}
	return "The post's language has the code " + tag + "."
}
