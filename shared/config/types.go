package config

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Bundle is everything that business users own, loaded, checked and frozen.
type Bundle struct {
	// Version is the AppConfig version label, or a hash of the files.
	Version   string
	Brand     Brand
	Rules     []Rule
	Templates map[string]Template
	Hours     Hours
	Routing   Routing
	Followup  Followup
}

// Brand is who we are, what we sell, who competes, and what people write about.
type Brand struct {
	Name      string   `yaml:"name"`
	Aliases   []string `yaml:"aliases"` // other spellings, common misspellings
	Languages []string `yaml:"languages"`
	// Accounts are our own accounts. Their posts are never answered.
	Accounts    []Account    `yaml:"accounts"`
	Products    []Named      `yaml:"products"`
	Competitors []Competitor `yaml:"competitors"`
	Units       []Unit       `yaml:"units"`
	// Context are words that show that an ambiguous brand word means us
	// ("router", "bill", "roaming").
	Context []string `yaml:"context"`
	// Namesakes are phrases in which the brand word means something else.
	Namesakes []string `yaml:"namesakes"`
	// OrderNumbers are regular expressions (RE2) for the brand's own order,
	// customer or booking numbers.
	OrderNumbers []string        `yaml:"orderNumbers"`
	Intents      []Intent        `yaml:"intents"`
	Blocked      []BlockedAuthor `yaml:"blocked"`
}

// Account is one of our own accounts on a platform.
type Account struct {
	Platform care.Platform `yaml:"platform"`
	ID       string        `yaml:"id"`
	Handle   string        `yaml:"handle"`
	// Automated: labelled as a bot on the platform; may answer without a person.
	Automated bool `yaml:"automated"`
	// Tier is the platform's access tier, where rules differ by it (X:
	// self-serve or enterprise).
	Tier string `yaml:"tier"`
}

// Named is a name and its other spellings.
type Named struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases"`
}

// Competitor is another brand whose customers we watch but do not answer.
type Competitor struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases"`
	Handles []string `yaml:"handles"`
}

// Unit is a business unit: a shop, hotel, branch or department.
type Unit struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases"`
	City    string   `yaml:"city"`
}

// Intent is something that people want, with the words that show it.
type Intent struct {
	Name     string `yaml:"name"`
	Severity string `yaml:"severity"` // none, low, medium, high, critical
	// Examples are phrases per language; triage matches their words.
	Examples map[string][]string `yaml:"examples"`
}

// BlockedAuthor is an author whose posts are always chatter.
type BlockedAuthor struct {
	Platform care.Platform `yaml:"platform"`
	ID       string        `yaml:"id"`
	Reason   string        `yaml:"reason"`
}

// Hours is when people answer, and what may be promised.
type Hours struct {
	TimeZone string `yaml:"timeZone"` // IANA name
	// Week maps mon..sun to spans "08:00-20:00"; a missing day is closed.
	Week     map[string][]string `yaml:"week"`
	Holidays []Holiday           `yaml:"holidays"`
	// Expect is the response time that may be promised, per platform, with
	// "default".
	Expect map[string]Duration `yaml:"expect"`
}

// Holiday is a closed day.
type Holiday struct {
	Date string `yaml:"date"` // 2026-12-25
	Name string `yaml:"name"`
}

// Duration is a time.Duration written as "30m", "4h", "2d".
type Duration time.Duration

// Routing is who gets what, and by when.
type Routing struct {
	Weights Weights `yaml:"weights"`
	Queues  []Queue `yaml:"queues"`
	// Routes are tried in order; the first whose conditions hold wins.
	Routes []Route `yaml:"routes"`
	// SLA is the first-response target per severity (none..critical).
	SLA map[string]Target `yaml:"sla"`
}

// Weights turn signals into priority points; each is the most that the signal
// can add. Their sum is scaled to 100.
type Weights struct {
	Severity  float64 `yaml:"severity"`
	Sentiment float64 `yaml:"sentiment"`
	Influence float64 `yaml:"influence"`
	Value     float64 `yaml:"value"`
	Public    float64 `yaml:"public"`
	Repeat    float64 `yaml:"repeat"`
	// FullInfluence is the follower count that counts as full influence;
	// FullValue the yearly customer value that counts as full value.
	FullInfluence int     `yaml:"fullInfluence"`
	FullValue     float64 `yaml:"fullValue"`
}

// Queue is an Amazon Connect queue or flow where tasks go.
type Queue struct {
	Name string `yaml:"name"`
	// Flow is the Connect contact flow id of this queue's tasks; empty uses
	// the deployment's default flow.
	Flow string `yaml:"flow"`
	// Fallback is the queue that takes over after a breach.
	Fallback string `yaml:"fallback"`
}

// Route sends what matches to a queue. Empty conditions match everything.
type Route struct {
	Queue       string   `yaml:"queue"`
	Intents     []string `yaml:"intents"`
	Languages   []string `yaml:"languages"`
	Platforms   []string `yaml:"platforms"`
	MinSeverity string   `yaml:"minSeverity"`
	MinPriority float64  `yaml:"minPriority"`
	Tiers       []string `yaml:"tiers"`
}

// Target is a service level for the first response.
type Target struct {
	FirstResponse Duration `yaml:"firstResponse"`
	// WarnBefore is how long before the breach the warning comes.
	WarnBefore Duration `yaml:"warnBefore"`
	// AroundTheClock counts every hour; otherwise only Hours count.
	AroundTheClock bool `yaml:"aroundTheClock"`
}

// Followup is the invitation policy.
type Followup struct {
	Enabled bool `yaml:"enabled"`
	// CoolOff is the wait after a call or a resolved conversation.
	CoolOff Duration `yaml:"coolOff"`
	// QuietHours in the customer's time zone (brand's when unknown): "21:00-09:00".
	QuietHours string `yaml:"quietHours"`
	// PerCustomer invitations at most within PerCustomerWindow.
	PerCustomer       int      `yaml:"perCustomer"`
	PerCustomerWindow Duration `yaml:"perCustomerWindow"`
	PerDay            int      `yaml:"perDay"` // over all customers
	// NotAfterComplaint: no invitation within this time of a complaint.
	NotAfterComplaint Duration `yaml:"notAfterComplaint"`
	MinCallSeconds    int      `yaml:"minCallSeconds"`
	// Platforms on which an invitation may be sent, best first.
	Platforms []care.Platform `yaml:"platforms"`
	// Template names the template of the invitation's text.
	Template string `yaml:"template"`
}
