package policy

import (
	"slices"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
)

// Charge is one dated list price of saying something on a platform.
type Charge struct {
	ID        string
	Platforms []care.Platform
	// From and Until bound when it holds, [From, Until); zero: unbounded.
	From, Until time.Time
	// Dollars are what one post, reply or direct message costs, in US dollars.
	Dollars    float64
	Text       string
	Source     string
	Confidence Confidence

	// of says whether it is the charge of what is said.
	of func(private, summoned bool, words string) bool
}

// charges in the order in which they are tried: the first that fits is the price.
// A platform without any charges nothing per post; Meta, Mastodon and Bluesky do
// not.
var charges = []Charge{
	{
		ID: "x-direct", Platforms: onX, Dollars: 0.015, Confidence: Verified, Source: xPricing,
		Text: "A direct message costs $0.015, with a link or without.",
		of:   func(private, _ bool, _ string) bool { return private },
	},
	{
		ID: "x-url", Platforms: onX, Dollars: 0.200, Confidence: Verified, Source: xPricing,
		Text: "A post with a link costs $0.200, also where the author summoned us.",
		of:   func(_, _ bool, words string) bool { return text.HasURL(words) },
	},
	{
		ID: "x-summoned", Platforms: onX, Dollars: 0.010, Confidence: Verified, Source: xPricing,
		Text: "A reply to an author who mentioned or quoted us costs $0.010.",
		of:   func(_, summoned bool, _ string) bool { return summoned },
	},
	{
		ID: "x-post", Platforms: onX, Dollars: 0.015, Confidence: Verified, Source: xPricing,
		Text: "Any other post costs $0.015.",
		of:   func(bool, bool, string) bool { return true },
	},
}

// Charges lists every list price, in the order in which they are tried.
func Charges() []Charge { return slices.Clone(charges) }

// On says whether the charge holds on a platform at a time.
func (c Charge) On(p care.Platform, t time.Time) bool {
	return Rule{Platforms: c.Platforms, From: c.From, Until: c.Until}.On(p, t)
}

// Price is what a platform charges for saying a text at a time, in US dollars at
// list price; 0 where nothing is charged per post. summoned: the author mentioned
// or quoted us. What a contract of the access tier enterprise costs is not
// published; the list price stands for it, so that a budget holds there too.
func Price(p care.Platform, _ string, private, summoned bool, words string, at time.Time) float64 {
	for _, c := range charges {
		if c.On(p, at) && c.of(private, summoned, words) {
			return c.Dollars
		}
	}
	return 0
}
