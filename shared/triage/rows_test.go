package triage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
)

// A row's expectation is a list of words: a class of relevance; obvious or
// open (not obvious); complaint, praise, question, or !complaint ...; pos, neg,
// neutral, notpos, notneg for the sentiment; sev=medium, sev>=high, sev<=low;
// lang=es; intent=billing, intent= for none; pd=email,phone; rival=Tandemo;
// product=..., unit=... (with "_" for a space).
type row struct{ name, how, text, want string }

// how: "mention" and the other kinds; with "+" what else: x, private.
func (r row) post() care.Post {
	p := care.Post{Platform: care.X, NativeID: "1", Account: "7001001", Thread: "1", Text: r.text, Author: care.Author{ID: "9", Handle: "someone"}}
	parts := strings.Split(r.how, "+")
	switch parts[0] {
	case "mention":
		p.Kind, p.Addressed = care.KindMention, true
	case "direct":
		p.Kind, p.Private, p.Addressed = care.KindDirect, true, true
	case "comment":
		p.Kind, p.Addressed, p.InOurThread = care.KindComment, true, true
	case "reply":
		p.Kind, p.InOurThread = care.KindReply, true
	case "quote":
		p.Kind, p.Addressed = care.KindQuote, true
	case "post":
		p.Kind = care.KindPost
	case "repost":
		p.Kind = care.KindRepost
	case "story":
		p.Kind, p.Private, p.Addressed = care.KindStoryReply, true, true
	default:
		panic(r.how)
	}
	for _, x := range parts[1:] {
		switch x {
		case "own":
			p.Author.Own = true
		case "blocked":
			p.Author.ID = "666"
		case "image":
			p.Attachments = append(p.Attachments, care.Attachment{Type: "image"})
		case "story":
			p.Attachments = append(p.Attachments, care.Attachment{Type: "story"})
		case "bot":
			p.Author.Bot = true
		case "unreadable":
			p.Unreadable = "end-to-end encrypted"
		default:
			panic(x)
		}
	}
	return p
}

// misses lists what of want does not hold.
func misses(got care.Triage, want string) []string {
	var out []string
	for _, w := range strings.Fields(want) {
		ok := false
		not := strings.HasPrefix(w, "!")
		word := strings.TrimPrefix(w, "!")
		key, value, _ := strings.Cut(word, "=")
		value = strings.ReplaceAll(value, "_", " ")
		sevs := map[string]care.Severity{"none": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
		switch key {
		case "addressed", "about", "competitor", "chatter":
			ok = string(got.Relevance) == key
		case "obvious":
			ok = got.Obvious
		case "open":
			ok = !got.Obvious
		case "complaint":
			ok = got.Complaint
		case "praise":
			ok = got.Praise
		case "question":
			ok = got.Question
		case "pos":
			ok = got.Sentiment >= 0.2
		case "neg":
			ok = got.Sentiment <= -0.2
		case "neutral":
			ok = got.Sentiment > -0.3 && got.Sentiment < 0.3
		case "notpos":
			ok = got.Sentiment < 0.2
		case "notneg":
			ok = got.Sentiment > -0.2
		case "sev":
			ok = got.Severity == sevs[value]
		case "sev>":
			ok = got.Severity >= sevs[value]
		case "sev<":
			ok = got.Severity <= sevs[value]
		case "lang":
			ok = got.Lang == value
		case "intent":
			ok = got.Intent == value
		case "pd":
			ok = strings.Join(got.PersonalData, ",") == value
		case "rival":
			ok = slices.Contains(got.Competitors, value)
		case "product":
			ok = slices.Contains(got.Products, value)
		case "unit":
			ok = slices.Contains(got.Units, value)
		default:
			panic("unknown expectation " + w)
		}
		if ok == not {
			out = append(out, w)
		}
	}
	return out
}

func runRows(t *testing.T, rows []row) {
	t.Helper()
	tr := New(testBrand(), testRouting())
	seen := map[string]bool{}
	for i, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are named %q", r.name)
		}
		seen[r.name] = true
		t.Run(fmt.Sprintf("%03d %s", i, r.name), func(t *testing.T) {
			got := tr.Triage(r.post())
			if m := misses(got, r.want); len(m) > 0 {
				t.Errorf("%q\n  missed %v\n  got %s obvious=%v lang=%s sentiment=%.2f intent=%s/%.2f severity=%s complaint=%v praise=%v question=%v pd=%v rivals=%v products=%v units=%v\n  %v",
					r.text, m, got.Relevance, got.Obvious, got.Lang, got.Sentiment, got.Intent, got.IntentScore, got.Severity, got.Complaint, got.Praise, got.Question, got.PersonalData, got.Competitors, got.Products, got.Units, got.Reasons)
			}
		})
	}
}
