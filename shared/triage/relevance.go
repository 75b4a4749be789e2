package triage

import (
	"strings"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
)

// verdict is a class of relevance, whether it is beyond doubt, and why.
type verdict struct {
	class   care.Relevance
	obvious bool
	why     string
}

func chatter(why string) verdict { return verdict{class: care.RelevanceChatter, why: why} }

// sure grades the verdict: what the platform or plain words say is surer than
// what is put together from hints.
func (v verdict) sure() float64 {
	switch {
	case v.obvious:
		return 0.98
	case v.class == care.RelevanceAddressed:
		return 0.95
	case v.class == care.RelevanceAbout, v.class == care.RelevanceCompetitor:
		return 0.8
	}
	return 0.7
}

// relevance decides whether the post concerns us. Noise comes first: a mention
// of our account does not make a giveaway a customer's matter.
func (t *Triager) relevance(r *reading, post *care.Post, out *care.Triage) verdict {
	direct := post.Private || post.Kind == care.KindDirect || post.Kind == care.KindStoryReply
	v := t.judge(r, post, out, direct)
	if v.class == care.RelevanceChatter && r.ours == 0 && !addressedBy(r, post, direct) {
		v.obvious = true // it names nothing of ours, whatever else it is
	}
	if v.obvious {
		// The edge never decides what is private or may be grave.
		v.obvious = !direct && !r.sensitive()
	}
	return v
}

func (t *Triager) judge(r *reading, post *care.Post, out *care.Triage, direct bool) verdict {
	sure := func(v verdict) verdict { v.obvious = true; return v }
	if t.blocked[care.NewPostID(post.Platform, post.Author.ID)] && post.Author.ID != "" {
		return sure(chatter("The author is on the list of blocked authors."))
	}
	if !direct && (post.Kind == care.KindRepost || strings.HasPrefix(strings.TrimLeft(post.Text, " \n"), "RT @")) {
		return sure(chatter("It repeats another post without a word of its own."))
	}
	addressed := addressedBy(r, post, direct)
	inThread := post.InOurThread || post.Kind == care.KindComment || post.Kind == care.KindReply

	// needs: somebody wants something from us, so it is no noise.
	needs := r.problems() > 0 || r.sensitive() || r.tags[tagFraud]+r.tags[tagBreach]+r.tags[tagChurn]+r.tags[tagDiscrimination] > 0 || r.sarcastic
	if level := r.spam(needs); level > 0 {
		why := "It is spam: it offers money, followers, dates or the like."
		switch {
		case r.tags[tagCrypto] >= r.tags[tagJob] && r.tags[tagCrypto] >= r.tags[tagShady]:
			why = "It is spam about crypto-currency or investments."
		case r.tags[tagJob] >= r.tags[tagShady]:
			why = "It advertises jobs or easy earnings."
		}
		v := chatter(why)
		v.obvious = level > 1
		return v
	}
	if !direct {
		if r.giveaway(needs) {
			return sure(chatter("It takes part in a giveaway or contest."))
		}
		if r.advert(needs, out.Question, post.Kind == care.KindQuote) {
			return chatter("It repeats an advertisement.")
		}
	}
	if r.silent(post) {
		v := chatter("It says nothing that needs care: only emoji, names or a word or two.")
		v.obvious = r.words+r.emojis+r.numbers > 0 // a bare name may be a call for help
		return v
	}
	if !direct && !needs && r.tagsFriend(post, inThread) {
		return sure(chatter("It only points a friend to something."))
	}
	if !direct && post.Author.Bot && !needs && !out.Question {
		return chatter("The author is an automated account and asks for nothing.")
	}
	other := r.namesake(t.names.ambiguous, needs, out)
	if addressed && !direct && other == otherSense && !inThread && r.products == 0 {
		return chatter("The brand's name means something else here.")
	}
	if addressed {
		if !direct && !r.handled && !post.Addressed && !post.InOurThread && r.ours == 0 && r.rivals != 0 && post.Kind != care.KindComment && post.Kind != care.KindMention {
			return sure(verdict{class: care.RelevanceCompetitor, why: "It is about a competitor and names nothing of ours."})
		}
		return verdict{class: care.RelevanceAddressed, why: addressedText(post, direct)}
	}
	switch {
	case r.ours == 0 && r.rivals != 0:
		return sure(verdict{class: care.RelevanceCompetitor, why: "It is about a competitor and names nothing of ours."})
	case r.ours == 0 && r.namesakes > 0:
		return sure(chatter("It holds the brand's name only in a phrase that means something else."))
	case r.ours == 0:
		return sure(chatter("It names nothing of ours."))
	case other == otherSense:
		return chatter("The brand's name means something else here.")
	case other == noSense:
		return chatter("Nothing shows that the brand's name means us.")
	}
	return verdict{class: care.RelevanceAbout, why: "It talks about us without turning to us."}
}

// addressedBy reports that the author turned to us, in form at least.
func addressedBy(r *reading, post *care.Post, direct bool) bool {
	switch post.Kind {
	case care.KindMention, care.KindComment, care.KindQuote, care.KindStoryMention, care.KindReply:
		return true
	}
	return direct || post.Addressed || post.InOurThread || r.handled
}

func addressedText(post *care.Post, direct bool) string {
	switch {
	case direct:
		return "It is a direct message to us."
	case post.Kind == care.KindComment:
		return "It is a comment on our own page."
	case post.Kind == care.KindQuote:
		return "It quotes a post of ours."
	case post.Kind == care.KindReply || post.InOurThread:
		return "It is a reply in a thread of ours."
	case post.Kind == care.KindStoryMention:
		return "It names us in a story."
	}
	return "It names our account."
}

// spam: 0 no, 1 likely, 2 beyond doubt.
func (r *reading) spam(needs bool) int {
	crypto, job, shady := int(r.tags[tagCrypto]), int(r.tags[tagJob]), int(r.tags[tagShady])
	n := crypto + job + shady
	if n == 0 {
		return 0
	}
	// A customer who tells of a scam uses the scammer's words.
	if r.tags[tagReport] > 0 || r.tags[tagFraud] > 0 || r.sensitive() {
		return 0
	}
	pushed := 0
	if r.urls > 0 {
		pushed++
	}
	if r.hashtags >= 3 {
		pushed++
	}
	if r.tagged >= 2 {
		pushed++
	}
	if r.tags[tagGiveaway]+r.tags[tagAd] > 0 {
		pushed++
	}
	if needs && r.problems() > 0 && n < 3 {
		return 0
	}
	alone := !needs && !r.asks && r.intentless() // nobody speaks of our things
	switch {
	case alone && n+pushed >= 2 && r.tags[tagThanks] == 0:
		return 2
	case n >= 2 && (n+pushed >= 3 || !r.asks && r.intentless()):
		return 1
	case shady > 0 && alone && r.tags[tagThanks] == 0:
		return 1
	case n == 1 && pushed >= 2, n == 1 && pushed == 1 && !r.asks && r.intentless():
		return 1
	}
	return 0
}

// intentless reports that nothing of ours is named and no help is wanted.
func (r *reading) intentless() bool {
	return r.ours == 0 && r.context == 0 && r.tags[tagCustomer] == 0
}

func (r *reading) giveaway(needs bool) bool {
	n := r.tags[tagGiveaway]
	if n == 0 || needs {
		return false
	}
	return n >= 2 || r.tagged > 0 || r.hashtags > 0 || r.urls > 0 || r.words <= 7
}

// advert reports a post that repeats an offer: selling words, a link or a
// price, and nobody who complains or asks.
func (r *reading) advert(needs, question, quote bool) bool {
	n := int(r.tags[tagAd])
	if n == 0 || needs && r.problems() > 0 || question && !r.rhetorical() {
		return false
	}
	if r.urls > 0 {
		n++
	}
	if r.numbers > 0 {
		n++
	}
	if r.hashtags >= 2 {
		n++
	}
	for i := range r.items {
		if r.items[i].classes&(clI.bit()|clPoss.bit()) != 0 {
			n -= 2 // somebody speaks of himself
			break
		}
	}
	if quote {
		return n >= 2
	}
	return n >= 3
}

// rhetorical reports the question of an advertisement: a link and selling words
// around it.
func (r *reading) rhetorical() bool { return r.urls > 0 && r.tags[tagAd] >= 2 }

// silent reports a post without any content: nothing but emoji, names, and words
// that say nothing. An attachment or a lone question mark is content.
func (r *reading) silent(post *care.Post) bool {
	if brought(post) || r.urls > 0 || len(r.spans) > 0 || post.Kind == care.KindStoryMention {
		return false
	}
	if r.asks {
		return false
	}
	for i := range r.items {
		w := &r.items[i]
		switch {
		case w.kind == text.Number && !post.Private && len(r.doc.Word(int(w.token))) <= 3: // "+1", a guess, a count
		case w.kind == text.Mention, w.empty, w.kind == text.Word && w.name && r.doc.Tokens[w.token].Flags&text.InTag != 0:
		case w.kind == text.Word && len(r.doc.Word(int(w.token))) == 0:
		default:
			return false
		}
	}
	return true
}

// brought reports that the author attached something. The story that a direct
// message replies to is ours.
func brought(post *care.Post) bool {
	for i := range post.Attachments {
		if post.Kind != care.KindStoryReply || post.Attachments[i].Type != "story" {
			return true
		}
	}
	return false
}

// tagsFriend reports a public post that names other people and adds next to
// nothing.
func (r *reading) tagsFriend(post *care.Post, inThread bool) bool {
	if r.tagged == 0 || r.words > 9 || len(post.Attachments) > 0 || r.urls > 0 && r.words > 4 {
		return false
	}
	if r.handled && r.tags[tagHelp]+r.tags[tagThanks] > 0 || r.asks && r.words > 4 || r.context > 1 {
		return false
	}
	content := 0
	for i := range r.items {
		w := &r.items[i]
		if w.kind == text.Mention || w.name || w.empty {
			continue
		}
		b := r.doc.Word(int(w.token))
		if w.kind == text.Word && !text.Common(b) {
			content++
		}
	}
	for i := range r.seen {
		h := &r.seen[i]
		if r.lex.cues[h.cue].tag == tagFriend && h.first == h.last && !text.Common(r.doc.Word(int(r.items[h.first].token))) {
			content--
		}
	}
	if r.handled {
		// In a thread of ours our own name stands there by itself; an answer of a
		// word or two is still an answer.
		return content <= 0 && r.words <= 5 && !(inThread && r.answers())
	}
	return content <= 1
}

// answers reports words that answer a question of ours.
func (r *reading) answers() bool {
	for i := range r.items {
		switch string(r.doc.Word(int(r.items[i].token))) {
		case "yes", "no", "si", "ok", "okay", "nope", "yep", "yeah", "sure", "vale", "oui", "non", "ja", "nein", "sim", "nao", "done", "thanks", "gracias":
			return true
		}
		if r.items[i].kind == text.Number {
			return true
		}
	}
	return false
}

// sense says what the brand's name means in a post.
type sense uint8

const (
	ourSense   sense = iota
	otherSense       // something else
	noSense          // cannot be told
)

func (r *reading) namesake(ambiguous, needs bool, out *care.Triage) sense {
	if r.products != 0 || r.units != 0 && r.brandNames > 0 {
		return ourSense
	}
	other := int(r.tags[tagOther])
	if other > 4 {
		other = 4
	}
	if r.brandNames == 0 {
		if r.namesakes > 0 && r.context == 0 && !needs && !out.Question && r.tags[tagCustomer] == 0 {
			return otherSense
		}
		return ourSense // addressed without the name
	}
	if !ambiguous {
		return ourSense
	}
	for_ := 2*r.context + 2*min(int(r.tags[tagCustomer]), 3)
	if needs {
		for_ += 2 * min(r.problems()+1, 2)
	}
	if r.rivals != 0 {
		for_ += 2
	}
	if r.tags[tagWish] > 0 {
		for_ += 2
	}
	if out.Intent != "" && out.IntentScore >= 0.45 {
		for_++
	}
	if other > 0 || r.namesakes > 0 {
		against := 2*other + 3*r.namesakes
		if for_ > against || for_ == against && needs {
			return ourSense
		}
		return otherSense
	}
	if for_ > 0 || out.Complaint || out.Praise || out.Question || r.sentiment <= -0.25 || r.sentiment >= 0.25 || r.tags[tagThanks]+r.tags[tagPress] > 0 {
		return ourSense
	}
	return noSense
}
