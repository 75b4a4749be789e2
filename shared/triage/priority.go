package triage

import (
	"math"
	"strconv"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Defaults where config leaves a weight's scale out.
const (
	defaultFullInfluence = 1_000_000 // followers
	defaultFullValue     = 100_000   // yearly value in the brand's currency
)

// gravity is the share of the severity weight that each severity earns.
var gravity = [...]float64{care.SeverityNone: 0, care.SeverityLow: 0.25, care.SeverityMedium: 0.5, care.SeverityHigh: 0.8, care.SeverityCritical: 1}

// criticalFloor is the least priority of a post about a person's safety: no
// influencer and no millionaire goes before that.
const criticalFloor = 92

// Influence maps a follower count to 0..1 on a logarithmic scale: 0 below a
// hundred or so, 1 at full. Verified authors count a little more. A nil count
// means that the platform does not tell.
func Influence(followers *int, verified bool, full int) float64 {
	if full <= 0 {
		full = defaultFullInfluence
	}
	v := 0.0
	if followers != nil && *followers > 0 {
		v = math.Log10(1+float64(*followers)/100) / math.Log10(1+float64(full)/100)
	}
	if verified {
		v += 0.08
	}
	return math.Round(min(max(v, 0), 1)*1000) / 1000
}

// Priority says how urgently a person should look, 0..100, with the points of
// every signal; the points of the reasons add up to the priority. It is meant
// for relevant posts: chatter and competitors' posts get 0. m is nil while the
// customer is unknown; repeat counts earlier contacts about the matter.
//
// Each signal can add at most its weight, scaled so that a post that is grave,
// angry, public and repeated and whose author counts fully reaches 100. Value
// and influence are two ways to count for the same thing, so the stronger one
// counts fully and the other adds what it can beyond: the customer worth
// millions with 75 followers and the influencer with millions both come out near
// the top. A post about a person's safety is never below 92.
func Priority(t care.Triage, m *care.Match, post care.Post, w config.Weights, repeat int) (float64, []care.Reason) {
	if t.Relevance == care.RelevanceChatter || t.Relevance == care.RelevanceCompetitor {
		return 0, nil
	}
	reasons := make([]care.Reason, 0, 7)
	return priority(&t, m, &post, &w, repeat, &reasons), reasons
}

func priority(t *care.Triage, m *care.Match, post *care.Post, w *config.Weights, repeat int, reasons *[]care.Reason) float64 {
	weight := func(v float64) float64 { return max(v, 0) }
	person := max(weight(w.Influence), weight(w.Value))
	sum := weight(w.Severity) + weight(w.Sentiment) + person + weight(w.Public) + weight(w.Repeat)
	if sum == 0 || math.IsInf(sum, 0) || math.IsNaN(sum) {
		return 0
	}
	scale := 100 / sum
	total := 0.0
	add := func(by, text string, points float64) {
		points = math.Round(points*10) / 10
		if points <= 0 {
			return
		}
		if total+points > 100 {
			points = math.Round((100-total)*10) / 10
		}
		total += points
		*reasons = append(*reasons, care.Reason{By: by, Text: text, Points: points})
	}
	if t.Severity > care.SeverityNone && int(t.Severity) < len(gravity) {
		add("priority:severity", severityText[t.Severity], gravity[t.Severity]*weight(w.Severity)*scale)
	}
	if t.Sentiment < 0 {
		text := "The author is somewhat unhappy."
		if t.Sentiment <= -0.7 {
			text = "The author is very angry or upset."
		} else if t.Sentiment <= -0.35 {
			text = "The author is unhappy."
		}
		add("priority:sentiment", text, -t.Sentiment*weight(w.Sentiment)*scale)
	}
	worth := 0.0
	if m != nil {
		worth = valueShare(m.Customer.Value, w.FullValue)
	}
	influence := t.Influence * weight(w.Influence) * scale
	value := worth * weight(w.Value) * scale
	if influence >= value {
		value *= 1 - t.Influence
	} else {
		influence *= 1 - worth
	}
	if influence > 0 {
		add("priority:influence", influenceText(post.Author.Followers, post.Author.Verified, t.Influence), influence)
	}
	if value > 0 {
		add("priority:value", valueText(worth, post.Author.Followers), value)
	}
	if !post.Private {
		share := 0.5
		text := "The post is public, others can read it."
		if t.Complaint || t.Sentiment < -0.2 {
			share, text = 1, "The complaint is public, others read how it is handled."
		}
		add("priority:public", text, share*weight(w.Public)*scale)
	}
	if repeat > 0 {
		text := "The customer has written about this before."
		if repeat > 1 {
			text = "The customer has contacted us " + strconv.Itoa(repeat) + " times before about this."
		}
		add("priority:repeat", text, min(float64(repeat)/3, 1)*weight(w.Repeat)*scale)
	}
	if t.Severity == care.SeverityCritical && total < criticalFloor {
		add("priority:safety", "The safety of a person goes before everything else.", criticalFloor-total)
	}
	return math.Round(total*10) / 10
}

var severityText = [...]string{
	care.SeverityLow:      "The matter is of low gravity: an inconvenience or a plain question.",
	care.SeverityMedium:   "The matter is of medium gravity: money, a delay or a defect.",
	care.SeverityHigh:     "The matter is of high gravity.",
	care.SeverityCritical: "The matter is of the highest gravity.",
}

// valueShare maps a yearly value to 0..1. The square root keeps customers of a
// tenth of the full value from vanishing.
func valueShare(value, full float64) float64 {
	if full <= 0 || math.IsNaN(full) {
		full = defaultFullValue
	}
	if value <= 0 || math.IsNaN(value) {
		return 0
	}
	return min(math.Sqrt(value/full), 1)
}

func valueText(worth float64, followers *int) string {
	text := "The customer brings some value to the brand each year."
	switch {
	case worth >= 0.9:
		text = "The customer is among the most valuable ones of the brand."
	case worth >= 0.5:
		text = "The customer is a valuable one."
	}
	if worth >= 0.5 && followers != nil && *followers < 1000 {
		text = text[:len(text)-1] + ", although few people follow the account."
	}
	return text
}

func influenceText(followers *int, verified bool, share float64) string {
	if followers == nil || *followers <= 0 {
		if verified {
			return "The author's account is verified."
		}
		return "The author has some influence."
	}
	n := *followers
	var b [64]byte
	s := append(b[:0], "About "...)
	switch {
	case n >= 1_000_000:
		s = strconv.AppendFloat(s, math.Round(float64(n)/100_000)/10, 'f', -1, 64)
		s = append(s, " million"...)
	case n >= 10_000:
		s = strconv.AppendInt(s, int64(n/1000)*1000, 10)
	case n >= 100:
		s = strconv.AppendInt(s, int64(n/100)*100, 10)
	default:
		return "Few people follow the author."
	}
	s = append(s, " people follow the author"...)
	if verified {
		s = append(s, ", whose account is verified"...)
	}
	return string(append(s, '.'))
}
