// Package lookup answers a contact flow while the phone rings: who is calling,
// what they said on social and when, what is open, and one line that the agent
// can say first. A name or a post goes into the agent's mouth only when the
// caller's identity is asserted or verified; otherwise the line stays neutral.
//
// The answer is a flat map of short strings (Connect: flat string map below
// 32 KB, 8 seconds).
package lookup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// FlowEvent is what a Connect flow sends to a function.
type FlowEvent struct {
	Name    string `json:"Name"`
	Details struct {
		ContactData struct {
			ContactID        string            `json:"ContactId"`
			InitialContactID string            `json:"InitialContactId"`
			Channel          string            `json:"Channel"`
			Attributes       map[string]string `json:"Attributes"`
			CustomerEndpoint *struct {
				Address string `json:"Address"`
				Type    string `json:"Type"`
			} `json:"CustomerEndpoint"`
		} `json:"ContactData"`
		Parameters map[string]string `json:"Parameters"`
	} `json:"Details"`
}

// People finds customers and remembers who is calling.
type People interface {
	CustomerByIdentity(ctx context.Context, scheme, value string) (care.Customer, care.Identity, error)
	LinkContact(ctx context.Context, contact string, link care.ContactLink) error
}

// Past gives what happened.
type Past interface {
	Timeline(ctx context.Context, id care.CustomerID, limit int, cursor string) ([]care.Interaction, string, error)
	OpenConversations(ctx context.Context, id care.CustomerID) ([]care.Conversation, error)
}

// Bundles gives the current config.
type Bundles interface {
	Current(ctx context.Context) (*config.Bundle, error)
}

// Service answers flows.
type Service struct {
	People  People
	Past    Past
	Bundles Bundles
	Clock   func() time.Time
}

// newest is how many interactions are looked at: one query.
const newest = 25

// Handle answers one flow. A caller we do not know is an answer, not an error.
func (s *Service) Handle(ctx context.Context, ev FlowEvent) (map[string]string, error) {
	data := ev.Details.ContactData
	phone := ev.Details.Parameters["phone"]
	if phone == "" && data.CustomerEndpoint != nil {
		phone = data.CustomerEndpoint.Address
	}
	bundle, err := s.Bundles.Current(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Clock()
	if !e164(phone) {
		return Compose(View{Now: now, Brand: bundle.Brand.Name}), nil
	}
	customer, identity, err := s.People.CustomerByIdentity(ctx, "phone", phone)
	if care.CodeOf(err) == care.NotFound {
		return Compose(View{Now: now, Brand: bundle.Brand.Name}), nil
	}
	if err != nil {
		return nil, err
	}
	v := View{Now: now, Brand: bundle.Brand.Name, Customer: customer, Grade: identity.Grade, Zone: bundle.Hours.TimeZone}
	if v.Recent, _, err = s.Past.Timeline(ctx, customer.ID, newest, ""); err != nil {
		return nil, err
	}
	if v.Open, err = s.Past.OpenConversations(ctx, customer.ID); err != nil {
		return nil, err
	}
	if data.ContactID != "" {
		if err := s.People.LinkContact(ctx, data.ContactID, care.ContactLink{Customer: customer.ID, Phone: phone}); err != nil {
			return nil, err
		}
	}
	return Compose(v), nil
}

// View is what is known when the phone rings.
type View struct {
	Now      time.Time
	Brand    string
	Zone     string // the brand's time zone
	Customer care.Customer
	Grade    care.Grade
	Recent   []care.Interaction // newest first
	Open     []care.Conversation
}

// socialWindow is how far back a post still belongs into the greeting.
const socialWindow = 30 * 24 * time.Hour

// Bounds of the attributes: short enough to read while the phone rings.
const (
	maxSaid = 280
	maxName = 80
)

// Compose makes the flow's attributes. Every key is always there, so that a flow
// can test it.
func Compose(v View) map[string]string {
	out := map[string]string{
		"fielder_known": "false", "fielder_customer": "", "fielder_name": "", "fielder_grade": "", "fielder_tier": "",
		"fielder_history": "false", "fielder_last_said": "", "fielder_last_platform": "", "fielder_last_at": "", "fielder_open": "0",
		"fielder_praise": "", "fielder_line": "Hello, this is " + brand(v.Brand) + ". How can I help you?",
		"fielder_note": "We do not know this number.",
	}
	c := v.Customer
	if c.ID == "" {
		return out
	}
	es := strings.HasPrefix(c.Lang, "es")
	sure := v.Grade == care.GradeAsserted || v.Grade == care.GradeVerified
	out["fielder_known"], out["fielder_customer"], out["fielder_grade"], out["fielder_tier"] = "true", string(c.ID), string(v.Grade), c.Tier
	out["fielder_open"] = fmt.Sprint(len(v.Open))
	if es {
		out["fielder_line"] = "Hola, le atiende " + brand(v.Brand) + ". ¿En qué puedo ayudarle?"
	}
	var said, praise *care.Interaction
	for i := range v.Recent {
		it := &v.Recent[i]
		if it.Kind != care.InteractionPost || v.Now.Sub(it.At) > socialWindow {
			continue
		}
		if said == nil {
			said = it
		}
		if praise == nil && it.Praise {
			praise = it
		}
	}
	if said != nil {
		out["fielder_history"] = "true"
		out["fielder_last_said"] = clip(said.Text, maxSaid)
		out["fielder_last_platform"] = string(said.Platform)
		out["fielder_last_at"] = said.At.UTC().Format(time.RFC3339)
	}
	if !sure {
		out["fielder_note"] = "This number probably belongs to a customer; confirm who is calling before you mention anything."
		return out
	}
	name := clip(c.Name, maxName)
	out["fielder_name"] = name
	first := firstName(name)
	when := ""
	if said != nil {
		when = ago(said.At, v.Now, v.zone(), es)
	}
	switch {
	case praise != nil && praise == said:
		out["fielder_praise"] = clip(praise.Text, maxSaid)
		out["fielder_line"] = say(es,
			"Hi %s, thank you for the kind words on %s %s. How can I help you today?",
			"Hola, %s, gracias por sus amables palabras en %s %s. ¿En qué puedo ayudarle hoy?", first, platform(said.Platform), when)
	case said != nil && said.Sentiment < 0:
		out["fielder_line"] = say(es,
			"Hi %s, I see that you wrote to us on %s %s about %s. Is that still so?",
			"Hola, %s, veo que nos escribió en %s %s por %s. ¿Sigue igual?", first, platform(said.Platform), when, matter(said.Intent, es))
	case said != nil && len(v.Open) > 0:
		out["fielder_line"] = say(es,
			"Hi %s, I see that you wrote to us on %s %s about %s. Did that work out?",
			"Hola, %s, veo que nos escribió en %s %s por %s. ¿Quedó resuelto?", first, platform(said.Platform), when, matter(said.Intent, es))
	case said != nil:
		out["fielder_line"] = say(es,
			"Hi %s, I see that you wrote to us on %s %s. What can I do for you?",
			"Hola, %s, veo que nos escribió en %s %s. ¿Qué puedo hacer por usted?", first, platform(said.Platform), when)
	default:
		out["fielder_line"] = say(es, "Hi %s, how can I help you today?", "Hola, %s, ¿en qué puedo ayudarle hoy?", first)
	}
	if praise != nil && praise != said {
		out["fielder_praise"] = clip(praise.Text, maxSaid)
	}
	out["fielder_note"] = note(v, said, praise)
	return out
}

func (v View) zone() *time.Location {
	for _, z := range []string{v.Customer.TimeZone, v.Zone} {
		if loc, err := time.LoadLocation(z); z != "" && err == nil {
			return loc
		}
	}
	return time.UTC
}

func note(v View, said, praise *care.Interaction) string {
	var parts []string
	if n := len(v.Open); n > 0 {
		parts = append(parts, fmt.Sprintf("%d open conversation(s)", n))
	}
	if praise != nil {
		parts = append(parts, "praised us recently: say thank you")
	}
	if v.Customer.Tier != "" {
		parts = append(parts, v.Customer.Tier+" customer")
	}
	if said == nil {
		parts = append(parts, "nothing on social in the last 30 days")
	}
	if len(parts) == 0 {
		return "Known customer with recent posts; nothing is open."
	}
	return strings.ToUpper(parts[0][:1]) + strings.Join(parts, "; ")[1:] + "."
}

func say(es bool, en, sp string, args ...any) string {
	if es {
		return fmt.Sprintf(sp, args...)
	}
	return fmt.Sprintf(en, args...)
}

// matter says an intent's name in words. Intents are named in English, so that a
// Spanish line does without.
func matter(intent string, es bool) string {
	switch {
	case es && intent == "":
		return "un problema"
	case es:
		return "una consulta"
	case intent == "":
		return "a problem"
	}
	return "“" + strings.ReplaceAll(intent, "-", " ") + "”"
}

func platform(p care.Platform) string {
	switch p {
	case care.X:
		return "X"
	case "":
		return "social media"
	}
	return strings.ToUpper(string(p)[:1]) + string(p)[1:]
}

// ago says when something was, as one says it on the phone.
func ago(t, now time.Time, loc *time.Location, es bool) string {
	d := now.Sub(t)
	local, today := t.In(loc), now.In(loc)
	switch {
	case d < 10*time.Minute:
		return say(es, "just now", "hace un momento")
	case d < time.Hour:
		return say(es, "within the last hour", "hace menos de una hora")
	case local.YearDay() == today.YearDay() && local.Year() == today.Year() && local.Hour() < 12:
		return say(es, "this morning", "esta mañana")
	case local.YearDay() == today.YearDay() && local.Year() == today.Year():
		return say(es, "earlier today", "hoy")
	case d < 48*time.Hour:
		return say(es, "yesterday", "ayer")
	}
	return say(es, "%d days ago", "hace %d días", int(d.Hours()/24))
}

func firstName(name string) string {
	if f := strings.Fields(name); len(f) > 0 {
		return f[0]
	}
	return "there"
}

func brand(name string) string {
	if name == "" {
		return "customer care"
	}
	return name
}

// clip cuts at a rune boundary and drops control characters: the text is
// untrusted and lands in an agent's screen.
func clip(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > max {
		return string(r[:max-1]) + "…"
	}
	return s
}

// e164 says whether s looks like a number with country code.
func e164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' {
		return false
	}
	for _, r := range s[1:] {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
