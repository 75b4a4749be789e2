package config

import (
	"slices"

	"github.com/fielder-care/fielder/shared/care"
)

// Stop is the kill switch: what no machine says for now, whatever the rules
// allow. One rule is stopped by its own Enabled. People go on answering.
type Stop struct {
	// Everything stops every automatic reply and invitation.
	Everything bool            `yaml:"everything" json:"everything,omitempty"`
	Platforms  []care.Platform `yaml:"platforms" json:"platforms,omitempty"`
	// Reason is shown wherever the switch held something back.
	Reason string `yaml:"reason" json:"reason,omitempty"`
}

// On says whether the switch holds back what machines say on a platform.
func (s Stop) On(p care.Platform) bool { return s.Everything || slices.Contains(s.Platforms, p) }

// Storm is when many posts about one intent are a storm: at least Posts of them
// within Within.
type Storm struct {
	Posts  int      `yaml:"posts" json:"posts,omitempty"`
	Within Duration `yaml:"within" json:"within,omitempty"`
}

// OptOut are words by which customers ask for no more automated messages, beside
// those that policy knows ("stop", "unsubscribe").
type OptOut struct {
	Words map[string][]string `yaml:"words" json:"words,omitempty"` // per language
}

// People says what always brings a person.
type People struct {
	// Words per language: a post that holds one of them, as whole words and in
	// any language, is never answered automatically.
	Words map[string][]string `yaml:"words" json:"words,omitempty"`
}

// Rule is one auto-reply rule: when this, then that, unless a guard objects.
type Rule struct {
	Name string `yaml:"name" json:"name"`
	// Owner is who to ask about it: a team or a role.
	Owner string `yaml:"owner" json:"owner,omitempty"`
	// Reason is why the rule is there, in a sentence.
	Reason string `yaml:"reason" json:"reason,omitempty"`
	// Enabled is true unless it says false: the rule's own kill switch.
	Enabled *bool `yaml:"enabled" json:"enabled,omitempty"`
	// Starts is the first day (2026-12-01, in the brand's time zone) on which the
	// rule holds; empty: at once.
	Starts string `yaml:"starts" json:"starts,omitempty"`
	// Expires is the last day (2026-12-31, in the brand's time zone) on which
	// the rule holds; empty: for ever.
	Expires string    `yaml:"expires" json:"expires,omitempty"`
	When    Condition `yaml:"when" json:"when"`
	Then    Then      `yaml:"then" json:"then"`
	Guards  Guards    `yaml:"guards" json:"guards"`
}

// Condition holds when every field that is set holds. A list holds when one of
// its members does.
type Condition struct {
	Intents []string `yaml:"intents" json:"intents,omitempty"`
	// MinIntentScore is 0..1.
	MinIntentScore float64         `yaml:"minIntentScore" json:"minIntentScore,omitempty"`
	Sentiment      *Range          `yaml:"sentiment" json:"sentiment,omitempty"` // -1..1
	Severity       *SeverityRange  `yaml:"severity" json:"severity,omitempty"`
	Platforms      []care.Platform `yaml:"platforms" json:"platforms,omitempty"`
	Kinds          []care.Kind     `yaml:"kinds" json:"kinds,omitempty"`
	Private        *bool           `yaml:"private" json:"private,omitempty"`
	Languages      []string        `yaml:"languages" json:"languages,omitempty"`
	// Keywords are words or phrases, found as whole words, whatever their case
	// and accents.
	Keywords []string `yaml:"keywords" json:"keywords,omitempty"`
	// Relevance defaults to addressed for rules that answer: who did not turn to
	// us is not answered by a machine.
	Relevance    []care.Relevance   `yaml:"relevance" json:"relevance,omitempty"`
	Question     *bool              `yaml:"question" json:"question,omitempty"`
	Complaint    *bool              `yaml:"complaint" json:"complaint,omitempty"`
	Praise       *bool              `yaml:"praise" json:"praise,omitempty"`
	PersonalData *bool              `yaml:"personalData" json:"personalData,omitempty"`
	Hours        string             `yaml:"hours" json:"hours,omitempty"` // open or closed
	Customer     *CustomerCondition `yaml:"customer" json:"customer,omitempty"`
	FirstContact *bool              `yaml:"firstContact" json:"firstContact,omitempty"`
	// Products and Units are names of brand.yaml that triage found in the post.
	Products []string         `yaml:"products" json:"products,omitempty"`
	Units    []string         `yaml:"units" json:"units,omitempty"`
	Author   *AuthorCondition `yaml:"author" json:"author,omitempty"`
	// Time is a time of day in the brand's time zone, over midnight if need be:
	// "22:00-06:00".
	Time string `yaml:"time" json:"time,omitempty"`
	// Days are mon..sun, in the brand's time zone.
	Days []string `yaml:"days" json:"days,omitempty"`
	// Storm: many write about the same intent right now (Bundle.Storm).
	Storm *bool `yaml:"storm" json:"storm,omitempty"`
	// All, Any and Not nest, at most MaxNesting deep.
	All []Condition `yaml:"all" json:"all,omitempty"`
	Any []Condition `yaml:"any" json:"any,omitempty"`
	Not *Condition  `yaml:"not" json:"not,omitempty"`
}

// Range bounds a number; a missing end is open.
type Range struct {
	Min *float64 `yaml:"min" json:"min,omitempty"`
	Max *float64 `yaml:"max" json:"max,omitempty"`
}

// SeverityRange bounds a severity by name; a missing end is open.
type SeverityRange struct {
	Min string `yaml:"min" json:"min,omitempty"`
	Max string `yaml:"max" json:"max,omitempty"`
}

// CustomerCondition is about who writes.
type CustomerCondition struct {
	Known    *bool        `yaml:"known" json:"known,omitempty"`
	Tiers    []string     `yaml:"tiers" json:"tiers,omitempty"`
	MinValue *float64     `yaml:"minValue" json:"minValue,omitempty"` // yearly value, at least
	Grades   []care.Grade `yaml:"grades" json:"grades,omitempty"`
	// Attributes that the customer record must hold, with these values.
	Attributes map[string]string `yaml:"attributes" json:"attributes,omitempty"`
}

// AuthorCondition is about the account that writes, as its platform shows it.
type AuthorCondition struct {
	// MinFollowers and MaxFollowers hold only where the platform tells the count.
	MinFollowers *int  `yaml:"minFollowers" json:"minFollowers,omitempty"`
	MaxFollowers *int  `yaml:"maxFollowers" json:"maxFollowers,omitempty"`
	Verified     *bool `yaml:"verified" json:"verified,omitempty"`
	// MinInfluence is 0..1, as triage weighs followers and verification.
	MinInfluence *float64 `yaml:"minInfluence" json:"minInfluence,omitempty"`
}

// Actions that exist in rules only; a plan says what they come down to.
const (
	// ActionMove answers so that the matter goes on in private: by the platform's
	// own private reply where there is one, else by a public answer that asks the
	// author to write in private. A post that is private already it passes over.
	ActionMove care.Action = "move-to-private"
	// ActionTag only adds the rule's tags; the rules after it are still tried.
	ActionTag care.Action = "tag"
)

// Says is true for actions with words for the author.
func Says(a care.Action) bool {
	return a == care.ActionAnswer || a == care.ActionDraft || a == care.ActionAcknowledge || a == ActionMove
}

// Then is what a rule wants done.
type Then struct {
	// Action is answer, draft, acknowledge, move-to-private, escalate, watch or tag.
	Action care.Action `yaml:"action" json:"action"`
	// Template is what to say; for actions that say something (Says).
	Template string `yaml:"template" json:"template,omitempty"`
	// Private asks for the answer in private; for answer and draft.
	Private bool `yaml:"private" json:"private,omitempty"`
	// Queue is where a person finds it; for escalate, draft and acknowledge.
	Queue string   `yaml:"queue" json:"queue,omitempty"`
	Tags  []string `yaml:"tags" json:"tags,omitempty"`
	// ApproveWithin is how long a draft waits for approval; default
	// DefaultApproveWithin, at most MaxApproveWithin. For draft only.
	ApproveWithin Duration `yaml:"approveWithin" json:"approveWithin,omitempty"`
}

// Guards hold a rule back although its conditions hold.
type Guards struct {
	// Hours lets the rule fire only while open, or only while closed.
	Hours string `yaml:"hours" json:"hours,omitempty"`
	// NotIfNegativeAbove holds back when the post is more negative than this:
	// 0.5 holds back below a sentiment of -0.5. 0..1.
	NotIfNegativeAbove *float64 `yaml:"notIfNegativeAbove" json:"notIfNegativeAbove,omitempty"`
	// NotIfSeverityAbove holds back graver matters. A rule that answers has
	// medium unless it says otherwise; critical is never answered.
	NotIfSeverityAbove string `yaml:"notIfSeverityAbove" json:"notIfSeverityAbove,omitempty"`
	// NotIfPersonalData holds back when a public post shows personal data. A
	// rule that answers has true unless it says false.
	NotIfPersonalData *bool `yaml:"notIfPersonalData" json:"notIfPersonalData,omitempty"`
	// NotForKnownWithValueAbove gives customers worth more than this a year to
	// people.
	NotForKnownWithValueAbove *float64 `yaml:"notForKnownWithValueAbove" json:"notForKnownWithValueAbove,omitempty"`
	// NotIfNegativeAboveSeverity holds back negative posts about matters graver
	// than this: what is minor may be answered even if the tone is rough.
	NotIfNegativeAboveSeverity string `yaml:"notIfNegativeAboveSeverity" json:"notIfNegativeAboveSeverity,omitempty"`
	// Account lets the rule fire only where the post came in for an account of
	// ours that is labelled automated ("automated"), or only where it is not
	// ("main").
	Account string `yaml:"account" json:"account,omitempty"`
	// Delay is how long to wait before the answer goes out; whatever happens
	// meanwhile (an agent takes it, the post is deleted, a kill switch) counts. At
	// most MaxDelay.
	Delay Duration `yaml:"delay" json:"delay,omitempty"`
	// OncePerConversation: the rule answers a conversation once.
	OncePerConversation bool `yaml:"oncePerConversation" json:"oncePerConversation,omitempty"`
	// MaxPerCustomerPerDay caps the rule's answers to one author per day,
	// MaxPerDay its answers to all. The rules do not know what was sent meanwhile:
	// these travel in the plan (care.Limits) to the one door, which counts.
	MaxPerCustomerPerDay int `yaml:"maxPerCustomerPerDay" json:"maxPerCustomerPerDay,omitempty"`
	MaxPerDay            int `yaml:"maxPerDay" json:"maxPerDay,omitempty"`
}

// Template is one thing that we say, in several languages.
type Template struct {
	Description string `yaml:"description" json:"description,omitempty"`
	// Fallback is the language used when there is no text in the author's; empty:
	// then the template cannot be used and a person answers.
	Fallback string `yaml:"fallback" json:"fallback,omitempty"`
	// Text maps a language to what is said.
	Text map[string]Text `yaml:"text" json:"text"`
}

// Text is one language of a template.
type Text struct {
	// Variants say the same in other words, so that nothing reads as canned. The
	// post's id picks one.
	Variants []string `yaml:"variants" json:"variants"`
	// Short is said where the chosen variant is too long for the platform.
	Short string `yaml:"short" json:"short,omitempty"`
	// Platforms overrides both where the tone differs.
	Platforms map[care.Platform]Tone `yaml:"platforms" json:"platforms,omitempty"`
}

// Tone is a text for one platform.
type Tone struct {
	Variants []string `yaml:"variants" json:"variants"`
	Short    string   `yaml:"short" json:"short,omitempty"`
}

// Test is a golden example: given this post, expect that plan.
type Test struct {
	Name string `yaml:"name" json:"name"`
	// File is which of the six files holds it; every one may have tests.
	File   string `yaml:"-" json:"file,omitempty"`
	Given  Given  `yaml:"given" json:"given"`
	Expect Expect `yaml:"expect" json:"expect"`
}

// Given is the post of a golden example, and who wrote it.
type Given struct {
	Platform care.Platform `yaml:"platform" json:"platform"`
	Kind     care.Kind     `yaml:"kind" json:"kind,omitempty"` // default: direct when private, post when not addressed, comment on Facebook and Instagram, else mention
	Private  bool          `yaml:"private" json:"private,omitempty"`
	Text     string        `yaml:"text" json:"text"`
	Lang     string        `yaml:"lang" json:"lang,omitempty"` // the platform's hint
	// At is the local time in the brand's time zone, "2026-11-24 11:00".
	At string `yaml:"at" json:"at"`
	// NotAddressed: the author did not turn to us.
	NotAddressed bool `yaml:"notAddressed" json:"notAddressed,omitempty"`
	// Account is the handle of our account that the post came in for; default: the
	// first one on the platform.
	Account string `yaml:"account" json:"account,omitempty"`
	// Followers and Verified are the author's; unset: the platform does not tell.
	Followers *int `yaml:"followers" json:"followers,omitempty"`
	Verified  bool `yaml:"verified" json:"verified,omitempty"`
	// FirstContact, Storm and AgentOnIt are what else the rules may ask about.
	FirstContact bool           `yaml:"firstContact" json:"firstContact,omitempty"`
	Storm        bool           `yaml:"storm" json:"storm,omitempty"`
	AgentOnIt    bool           `yaml:"agentOnIt" json:"agentOnIt,omitempty"`
	Customer     *GivenCustomer `yaml:"customer" json:"customer,omitempty"`
	// Assume fixes what triage would find, so that the example tests the rules
	// alone; without it triage runs.
	Assume *Assume `yaml:"assume" json:"assume,omitempty"`
}

// GivenCustomer is a known customer in a golden example.
type GivenCustomer struct {
	Name       string            `yaml:"name" json:"name,omitempty"`
	Tier       string            `yaml:"tier" json:"tier,omitempty"`
	Value      float64           `yaml:"value" json:"value,omitempty"`
	Grade      care.Grade        `yaml:"grade" json:"grade,omitempty"` // default asserted
	Attributes map[string]string `yaml:"attributes" json:"attributes,omitempty"`
	OptOut     bool              `yaml:"optOut" json:"optOut,omitempty"`
}

// Assume is what triage is taken to have found.
type Assume struct {
	Relevance    care.Relevance `yaml:"relevance" json:"relevance,omitempty"` // default addressed
	Lang         string         `yaml:"lang" json:"lang,omitempty"`
	Intent       string         `yaml:"intent" json:"intent,omitempty"`
	IntentScore  float64        `yaml:"intentScore" json:"intentScore,omitempty"` // default 1 with an intent
	Sentiment    float64        `yaml:"sentiment" json:"sentiment,omitempty"`
	Severity     string         `yaml:"severity" json:"severity,omitempty"` // default none
	Influence    float64        `yaml:"influence" json:"influence,omitempty"`
	Products     []string       `yaml:"products" json:"products,omitempty"`
	Units        []string       `yaml:"units" json:"units,omitempty"`
	PersonalData []string       `yaml:"personalData" json:"personalData,omitempty"`
	Praise       bool           `yaml:"praise" json:"praise,omitempty"`
	Complaint    bool           `yaml:"complaint" json:"complaint,omitempty"`
	Question     bool           `yaml:"question" json:"question,omitempty"`
}

// Expect is what must come of a golden example; only what is set is compared.
type Expect struct {
	Relevance care.Relevance `yaml:"relevance" json:"relevance,omitempty"`
	Intent    string         `yaml:"intent" json:"intent,omitempty"`
	Severity  string         `yaml:"severity" json:"severity,omitempty"`
	Action    care.Action    `yaml:"action" json:"action,omitempty"`
	Rule      string         `yaml:"rule" json:"rule,omitempty"`
	NoRule    bool           `yaml:"noRule" json:"noRule,omitempty"` // the default decided
	Template  string         `yaml:"template" json:"template,omitempty"`
	// Queue is where a person finds it, by the rule or by routing.yaml.
	Queue string `yaml:"queue" json:"queue,omitempty"`
	// Open says whether people answer then; Promise is the time by which the
	// author may expect to hear from us, "2026-11-25 09:30" in the time zone of
	// the hours that hold for the post.
	Open    *bool       `yaml:"open" json:"open,omitempty"`
	Promise string      `yaml:"promise" json:"promise,omitempty"`
	Lang    string      `yaml:"lang" json:"lang,omitempty"`
	Private *bool       `yaml:"private" json:"private,omitempty"`
	Else    care.Action `yaml:"else" json:"else,omitempty"`
	// Contains are pieces that the text to be sent must hold; Lacks must not.
	Contains []string `yaml:"contains" json:"contains,omitempty"`
	Lacks    []string `yaml:"lacks" json:"lacks,omitempty"`
	Tags     []string `yaml:"tags" json:"tags,omitempty"`
	// Text is the whole text to be sent, where a template has one variant.
	Text string `yaml:"text" json:"text,omitempty"`
}
