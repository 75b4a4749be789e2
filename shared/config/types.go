package config

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Bundle is everything that business users own, loaded, checked and frozen.
// Nobody changes a Bundle after Load or Parse; it is safe for concurrent use.
type Bundle struct {
	// Version is the AppConfig version label, or a hash of the files.
	Version string `json:"version"`
	Brand   Brand  `json:"brand"`
	// People is what always brings a person, whatever the rules say.
	People People `json:"people"`
	// OptOut adds the brand's own words to those by which customers opt out.
	OptOut OptOut `json:"optOut,omitzero"`
	// Stop is the kill switch.
	Stop Stop `json:"stop,omitzero"`
	// Budgets are what automated replies may cost per platform and day, in US
	// dollars at the platform's list prices; no entry: no budget.
	Budgets map[care.Platform]float64 `json:"budgets,omitempty"`
	// Storm is when rules with storm: true hold.
	Storm Storm `json:"storm,omitzero"`
	// Rules are tried in order; the first that fires wins.
	Rules     []Rule              `json:"rules"`
	Templates map[string]Template `json:"templates"`
	// Variables are fixed texts that templates may use, such as a help page.
	Variables map[string]string `json:"variables,omitempty"`
	Hours     Hours             `json:"hours"`
	Routing   Routing           `json:"routing"`
	Followup  Followup          `json:"followup"`
	// Tests are golden examples; whoever changes the rules runs them.
	Tests []Test `json:"tests,omitempty"`
}

// Brand is who we are, what we sell, who competes, and what people write about.
type Brand struct {
	Name      string   `yaml:"name" json:"name,omitempty"`
	Aliases   []string `yaml:"aliases" json:"aliases,omitempty"` // other spellings, common misspellings
	Languages []string `yaml:"languages" json:"languages,omitempty"`
	// Accounts are our own accounts. Their posts are never answered.
	Accounts    []Account    `yaml:"accounts" json:"accounts,omitempty"`
	Products    []Named      `yaml:"products" json:"products,omitempty"`
	Competitors []Competitor `yaml:"competitors" json:"competitors,omitempty"`
	Units       []Unit       `yaml:"units" json:"units,omitempty"`
	// Context are words that show that an ambiguous brand word means us
	// ("router", "bill", "roaming").
	Context []string `yaml:"context" json:"context,omitempty"`
	// Namesakes are phrases in which the brand word means something else.
	Namesakes []string `yaml:"namesakes" json:"namesakes,omitempty"`
	// OrderNumbers are regular expressions (RE2) for the brand's own order,
	// customer or booking numbers.
	OrderNumbers []string        `yaml:"orderNumbers" json:"orderNumbers,omitempty"`
	Intents      []Intent        `yaml:"intents" json:"intents,omitempty"`
	Blocked      []BlockedAuthor `yaml:"blocked" json:"blocked,omitempty"`
}

// Account is one of our own accounts on a platform.
type Account struct {
	Platform care.Platform `yaml:"platform" json:"platform,omitempty"`
	ID       string        `yaml:"id" json:"id,omitempty"`
	Handle   string        `yaml:"handle" json:"handle,omitempty"`
	// Automated: labelled as a bot on the platform; may answer without a person.
	Automated bool `yaml:"automated" json:"automated,omitempty"`
	// Tier is the platform's access tier, where rules differ by it (X:
	// self-serve or enterprise).
	Tier string `yaml:"tier" json:"tier,omitempty"`
}

// Named is a name and its other spellings.
type Named struct {
	Name    string   `yaml:"name" json:"name,omitempty"`
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
}

// Competitor is another brand whose customers we watch but do not answer.
type Competitor struct {
	Name    string   `yaml:"name" json:"name,omitempty"`
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
	Handles []string `yaml:"handles" json:"handles,omitempty"`
}

// Unit is a business unit: a shop, hotel, branch or department.
type Unit struct {
	Name    string   `yaml:"name" json:"name,omitempty"`
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
	City    string   `yaml:"city" json:"city,omitempty"`
}

// Intent is something that people want, with the words that show it.
type Intent struct {
	Name     string `yaml:"name" json:"name,omitempty"`
	Severity string `yaml:"severity" json:"severity,omitempty"` // none, low, medium, high, critical
	// People: only a person may deal with it; no rule may answer it.
	People bool `yaml:"people" json:"people,omitempty"`
	// Examples are phrases per language; triage matches their words.
	Examples map[string][]string `yaml:"examples" json:"examples,omitempty"`
}

// BlockedAuthor is an author whose posts are always chatter.
type BlockedAuthor struct {
	Platform care.Platform `yaml:"platform" json:"platform,omitempty"`
	ID       string        `yaml:"id" json:"id,omitempty"`
	Reason   string        `yaml:"reason" json:"reason,omitempty"`
}

// Hours is when people answer, and what may be promised. The top level is the
// main team's; Teams follow the sun, Units keep hours of their own.
type Hours struct {
	TimeZone string `yaml:"timeZone" json:"timeZone,omitempty"` // IANA name; the brand's
	// Week maps mon..sun to spans "08:00-20:00"; a missing day is closed.
	Week     map[string][]string `yaml:"week" json:"week,omitempty"`
	Holidays []Holiday           `yaml:"holidays" json:"holidays,omitempty"`
	// Expect is the response time that may be promised, per platform, with
	// "default". Without either, the service level of the post's severity
	// (Routing.SLA) is what may be promised. Counted in open time.
	Expect map[string]Duration `yaml:"expect" json:"expect,omitempty"`
	// Teams answer too, each by its own clock: somebody answers while the main
	// team or any team that takes the post's platform and language is open.
	Teams []Team `yaml:"teams" json:"teams,omitempty"`
	// Units answer what concerns them, in their own hours; the key is a unit's
	// name in brand.yaml.
	Units map[string]UnitHours `yaml:"units" json:"units,omitempty"`

	// roster is what Load and Parse add to make For fast; from then on the hours
	// must not be changed.
	roster *roster
}

// Team is another team that answers in its own hours.
type Team struct {
	Name     string              `yaml:"name" json:"name,omitempty"`
	TimeZone string              `yaml:"timeZone" json:"timeZone,omitempty"`
	Week     map[string][]string `yaml:"week" json:"week,omitempty"`
	Holidays []Holiday           `yaml:"holidays" json:"holidays,omitempty"`
	// Platforms and Languages that it takes; empty: all.
	Platforms []care.Platform `yaml:"platforms" json:"platforms,omitempty"`
	Languages []string        `yaml:"languages" json:"languages,omitempty"`
}

// UnitHours are a unit's hours. What is empty is as at the top level.
type UnitHours struct {
	TimeZone string              `yaml:"timeZone" json:"timeZone,omitempty"`
	Week     map[string][]string `yaml:"week" json:"week,omitempty"`
	Holidays []Holiday           `yaml:"holidays" json:"holidays,omitempty"`
	Expect   map[string]Duration `yaml:"expect" json:"expect,omitempty"`
}

// Holiday is a closed day.
type Holiday struct {
	Date string `yaml:"date" json:"date,omitempty"` // 2026-12-25
	Name string `yaml:"name" json:"name,omitempty"`
}

// Duration is a time.Duration written as "30m", "4h", "2d".
type Duration time.Duration

// Routing is who gets what, and by when.
type Routing struct {
	Weights Weights `yaml:"weights" json:"weights,omitempty"`
	Queues  []Queue `yaml:"queues" json:"queues,omitempty"`
	// Routes are tried in order; the first whose conditions hold wins.
	Routes []Route `yaml:"routes" json:"routes,omitempty"`
	// SLA is the first-response target per severity (none..critical).
	SLA map[string]Target `yaml:"sla" json:"sla,omitempty"`
}

// Weights turn signals into priority points; each is the most that the signal
// can add. Their sum is scaled to 100.
type Weights struct {
	Severity  float64 `yaml:"severity" json:"severity,omitempty"`
	Sentiment float64 `yaml:"sentiment" json:"sentiment,omitempty"`
	Influence float64 `yaml:"influence" json:"influence,omitempty"`
	Value     float64 `yaml:"value" json:"value,omitempty"`
	Public    float64 `yaml:"public" json:"public,omitempty"`
	Repeat    float64 `yaml:"repeat" json:"repeat,omitempty"`
	// FullInfluence is the follower count that counts as full influence;
	// FullValue the yearly customer value that counts as full value.
	FullInfluence int     `yaml:"fullInfluence" json:"fullInfluence,omitempty"`
	FullValue     float64 `yaml:"fullValue" json:"fullValue,omitempty"`
}

// Queue is an Amazon Connect queue or flow where tasks go.
type Queue struct {
	Name string `yaml:"name" json:"name,omitempty"`
	// Flow is the Connect contact flow id of this queue's tasks; empty uses
	// the deployment's default flow.
	Flow string `yaml:"flow" json:"flow,omitempty"`
	// Fallback is the queue that takes over after a breach.
	Fallback string `yaml:"fallback" json:"fallback,omitempty"`
}

// Route sends what matches to a queue. Empty conditions match everything.
type Route struct {
	Queue       string   `yaml:"queue" json:"queue,omitempty"`
	Intents     []string `yaml:"intents" json:"intents,omitempty"`
	Languages   []string `yaml:"languages" json:"languages,omitempty"`
	Platforms   []string `yaml:"platforms" json:"platforms,omitempty"`
	MinSeverity string   `yaml:"minSeverity" json:"minSeverity,omitempty"`
	MinPriority float64  `yaml:"minPriority" json:"minPriority,omitempty"`
	Tiers       []string `yaml:"tiers" json:"tiers,omitempty"`
}

// Target is a service level for the first response.
type Target struct {
	FirstResponse Duration `yaml:"firstResponse" json:"firstResponse,omitempty"`
	// WarnBefore is how long before the breach the warning comes.
	WarnBefore Duration `yaml:"warnBefore" json:"warnBefore,omitempty"`
	// AroundTheClock counts every hour; otherwise only Hours count.
	AroundTheClock bool `yaml:"aroundTheClock" json:"aroundTheClock,omitempty"`
}

// Followup is the invitation policy.
type Followup struct {
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// CoolOff is the wait after a call or a resolved conversation.
	CoolOff Duration `yaml:"coolOff" json:"coolOff,omitempty"`
	// QuietHours in the customer's time zone (brand's when unknown): "21:00-09:00".
	QuietHours string `yaml:"quietHours" json:"quietHours,omitempty"`
	// PerCustomer invitations at most within PerCustomerWindow.
	PerCustomer       int      `yaml:"perCustomer" json:"perCustomer,omitempty"`
	PerCustomerWindow Duration `yaml:"perCustomerWindow" json:"perCustomerWindow,omitempty"`
	PerDay            int      `yaml:"perDay" json:"perDay,omitempty"` // over all customers
	// NotAfterComplaint: no invitation within this time of a complaint.
	NotAfterComplaint Duration `yaml:"notAfterComplaint" json:"notAfterComplaint,omitempty"`
	MinCallSeconds    int      `yaml:"minCallSeconds" json:"minCallSeconds,omitempty"`
	// Platforms on which an invitation may be sent, best first.
	Platforms []care.Platform `yaml:"platforms" json:"platforms,omitempty"`
	// Template names the template of the invitation's text.
	Template string `yaml:"template" json:"template,omitempty"`
}
