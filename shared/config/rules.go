package config

import "github.com/fielder-care/fielder/shared/care"

// People says what always brings a person.
type People struct {
	// Words per language: a post that holds one of them, as whole words and in
	// any language, is never answered automatically.
	Words map[string][]string `yaml:"words" json:"words,omitempty"`
}

// Rule is one auto-reply rule: when this, then that, unless a guard objects.
type Rule struct {
	Name        string `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description,omitempty"`
	// Enabled is true unless it says false.
	Enabled *bool `yaml:"enabled" json:"enabled,omitempty"`
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

// Then is what a rule wants done.
type Then struct {
	// Action is answer, escalate or watch.
	Action care.Action `yaml:"action" json:"action"`
	// Template is what to say; for answer only.
	Template string `yaml:"template" json:"template,omitempty"`
	// Private asks for the answer in private; for answer only.
	Private bool `yaml:"private" json:"private,omitempty"`
	// Queue is a hint for escalate; it becomes the tag "queue:<name>".
	Queue string   `yaml:"queue" json:"queue,omitempty"`
	Tags  []string `yaml:"tags" json:"tags,omitempty"`
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
	// MaxPerCustomerPerDay caps automated answers to one author per day. The
	// rules do not know what was sent; the cap travels in the plan's tags
	// (CapTag) to the send door, which counts.
	MaxPerCustomerPerDay int `yaml:"maxPerCustomerPerDay" json:"maxPerCustomerPerDay,omitempty"`
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
	Name   string `yaml:"name" json:"name"`
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
	NotAddressed bool           `yaml:"notAddressed" json:"notAddressed,omitempty"`
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
	Lang      string         `yaml:"lang" json:"lang,omitempty"`
	Private   *bool          `yaml:"private" json:"private,omitempty"`
	Else      care.Action    `yaml:"else" json:"else,omitempty"`
	// Contains are pieces that the text to be sent must hold; Lacks must not.
	Contains []string `yaml:"contains" json:"contains,omitempty"`
	Lacks    []string `yaml:"lacks" json:"lacks,omitempty"`
	Tags     []string `yaml:"tags" json:"tags,omitempty"`
}
