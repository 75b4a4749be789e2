package care

import "time"

// CustomerID is Fielder's own id of a customer ("cus_..."), or of a prospect.
type CustomerID string

// Customer is a person or company that we know, or a prospect: an author whom
// nothing yet ties to a customer record.
type Customer struct {
	ID       CustomerID `json:"id"`
	Prospect bool       `json:"prospect,omitempty"`
	// External is the id in the brand's own CRM, "" for prospects.
	External string `json:"external,omitempty"`
	Name     string `json:"name,omitempty"`
	Lang     string `json:"lang,omitempty"`
	// TimeZone is an IANA name, "" when unknown.
	TimeZone string `json:"timeZone,omitempty"`
	// Value is the customer's yearly worth to the brand in its own currency.
	Value      float64           `json:"value,omitempty"`
	Tier       string            `json:"tier,omitempty"` // e.g. gold
	Attributes map[string]string `json:"attributes,omitempty"`
	Consent    Consent           `json:"consent"`
	Created    time.Time         `json:"created,omitzero"`
	// Version counts writes, for optimistic concurrency.
	Version int `json:"version"`
}

// Consent is what the customer agreed to. Absent consent is no consent.
type Consent struct {
	// Invite: may be invited to follow after a call or a resolved conversation.
	Invite bool `json:"invite,omitempty"`
	// Match: agreed that social handles are tied to the customer record. X asks
	// for it (developer guidelines, off-X matching).
	Match bool `json:"match,omitempty"`
	// OptOut: asked for no automated messages at all; beats everything.
	OptOut bool      `json:"optOut,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Source string    `json:"source,omitempty"` // import, web form, opt-out word, ...
}

// Grade says how sure we are that an identity belongs to a customer.
type Grade string

// The grades, weakest first. Only asserted and verified may put a name into an
// agent's mouth.
const (
	GradeNone      Grade = ""
	GradeSuggested Grade = "suggested" // looks alike; never acted upon
	GradeProbable  Grade = "probable"  // several pieces of evidence agree
	GradeVerified  Grade = "verified"  // the customer proved it (token link, one-time code, signed-in)
	GradeAsserted  Grade = "asserted"  // the brand's own record or the customer said so
)

// Identity is one platform account, phone number or e-mail address of a
// customer. Its key is Scheme and Value: ("x","2222"), ("phone","+4930..."),
// ("email","a@example.com").
type Identity struct {
	Scheme   string     `json:"scheme"`
	Value    string     `json:"value"`
	Handle   string     `json:"handle,omitempty"`
	Customer CustomerID `json:"customer"`
	Grade    Grade      `json:"grade"`
	Evidence []Reason   `json:"evidence,omitempty"`
	Linked   time.Time  `json:"linked,omitzero"`
}

// Match is what shared/match found about a post's author.
type Match struct {
	Customer Customer `json:"customer"`
	Grade    Grade    `json:"grade"`
	// Known is true when the customer is not a prospect.
	Known        bool         `json:"known"`
	Evidence     []Reason     `json:"evidence,omitempty"`
	Conversation Conversation `json:"conversation"`
	// First is true when this is the author's first post to us.
	First bool `json:"first,omitempty"`
}
