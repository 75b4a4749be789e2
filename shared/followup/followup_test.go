package followup

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/events"
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

var noon = time.Date(2026, 11, 17, 12, 0, 0, 0, time.UTC)

func policy() config.Followup {
	return config.Followup{Enabled: true, CoolOff: config.Duration(30 * time.Minute), QuietHours: "21:00-09:00", PerCustomer: 1,
		PerCustomerWindow: config.Duration(30 * 24 * time.Hour), PerDay: 2, NotAfterComplaint: config.Duration(48 * time.Hour),
		MinCallSeconds: 60, Platforms: []care.Platform{care.Mastodon, care.X}, Template: "invite"}
}

// happy is a case in which nothing speaks against an invitation.
func happy() Facts {
	return Facts{Now: noon, Policy: policy(), TimeZone: "UTC", After: "call", Episode: "e1", CallSeconds: 120,
		Customer:   care.Customer{ID: "cus_1", Consent: care.Consent{Invite: true}},
		Identities: []care.Identity{{Scheme: "x", Value: "1", Grade: care.GradeVerified}}}
}

func TestEligible(t *testing.T) {
	rows := []struct {
		name   string
		change func(*Facts)
		by     string // "" for OK
	}{
		{"OK", func(*Facts) {}, ""},
		{"OK a waiting conversation is not open", func(f *Facts) { f.Open = []care.Conversation{{State: care.StateWaiting}} }, ""},
		{"OK praise is no complaint", func(f *Facts) {
			f.Recent = []care.Interaction{{Kind: care.InteractionPost, At: noon.Add(-time.Hour), Sentiment: 0.8}}
		}, ""},
		{"OK an old complaint is forgiven", func(f *Facts) {
			f.Recent = []care.Interaction{{Kind: care.InteractionPost, At: noon.Add(-72 * time.Hour), Sentiment: -0.9}}
		}, ""},
		{"OK an invitation long ago", func(f *Facts) {
			f.Past = []care.Invitation{{Episode: "e0", Status: "sent", At: noon.Add(-31 * 24 * time.Hour)}}
		}, ""},
		{"OK a withheld one does not count", func(f *Facts) { f.Past = []care.Invitation{{Episode: "e0", Status: "withheld", At: noon}} }, ""},
		{"off", func(f *Facts) { f.Policy.Enabled = false }, "followup:off"},
		{"prospect", func(f *Facts) { f.Customer.Prospect = true }, "followup:prospect"},
		{"no consent", func(f *Facts) { f.Customer.Consent.Invite = false }, "followup:consent"},
		{"opted out", func(f *Facts) { f.Customer.Consent.OptOut = true }, "followup:opt-out"},
		{"short call", func(f *Facts) { f.CallSeconds = 59 }, "followup:short-call"},
		{"open conversation", func(f *Facts) { f.Open = []care.Conversation{{State: care.StateOpen}} }, "followup:open"},
		{"escalated conversation", func(f *Facts) {
			f.Open = []care.Conversation{{State: care.StateWaiting, Escalation: &care.Escalation{}}}
		}, "followup:open"},
		{"complaint yesterday", func(f *Facts) {
			f.Recent = []care.Interaction{{Kind: care.InteractionPost, At: noon.Add(-24 * time.Hour), Sentiment: -0.6}}
		}, "followup:complaint"},
		{"once per episode", func(f *Facts) {
			f.Past = []care.Invitation{{Episode: "e1", Status: "sent", At: noon.Add(-40 * 24 * time.Hour)}}
		}, "followup:once"},
		{"cap", func(f *Facts) { f.Past = []care.Invitation{{Episode: "e0", Status: "sent", At: noon.Add(-time.Hour)}} }, "followup:cap"},
		{"no account", func(f *Facts) { f.Identities = nil }, "followup:channel"},
		{"probable account only", func(f *Facts) { f.Identities[0].Grade = care.GradeProbable }, "followup:channel"},
		{"other platform only", func(f *Facts) { f.Identities[0].Scheme = "instagram" }, "followup:channel"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			f := happy()
			r.change(&f)
			v := Eligible(f)
			if v.OK != (r.by == "") {
				t.Fatalf("got %+v", v)
			}
			if len(v.Reasons) == 0 {
				t.Fatal("no reason given")
			}
			if r.by != "" && v.Reasons[0].By != r.by {
				t.Errorf("reason %q, want %q", v.Reasons[0].By, r.by)
			}
		})
	}
}

func TestOptOutAlwaysWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := happy()
		f.Customer.Consent = care.Consent{Invite: rapid.Bool().Draw(t, "invite"), Match: rapid.Bool().Draw(t, "match"), OptOut: true}
		f.CallSeconds = rapid.IntRange(0, 10000).Draw(t, "seconds")
		f.After = rapid.SampledFrom([]string{"call", "conversation"}).Draw(t, "after")
		if Eligible(f).OK {
			t.Fatal("invited somebody who opted out")
		}
	})
}

func TestWait(t *testing.T) {
	rows := []struct {
		name, zone, quiet string
		now               time.Time
		want              time.Duration
	}{
		{"by day", "", "21:00-09:00", noon, 30 * time.Minute},
		{"into the evening", "", "21:00-09:00", time.Date(2026, 11, 17, 20, 45, 0, 0, time.UTC), 12*time.Hour + 15*time.Minute},
		{"after midnight", "", "21:00-09:00", time.Date(2026, 11, 18, 2, 0, 0, 0, time.UTC), 7 * time.Hour},
		{"night where the customer is", "America/Los_Angeles", "21:00-09:00", noon, 5 * time.Hour}, // 04:00 there
		{"no quiet hours", "", "", time.Date(2026, 11, 18, 2, 0, 0, 0, time.UTC), 30 * time.Minute},
		{"a siesta", "", "13:00-15:00", time.Date(2026, 11, 17, 12, 45, 0, 0, time.UTC), 2*time.Hour + 15*time.Minute},
		// Clocks go back in Berlin on 2026-10-25 at 03:00: the night is an hour longer.
		{"daylight saving ends", "Europe/Berlin", "21:00-09:00", time.Date(2026, 10, 24, 21, 0, 0, 0, time.UTC), 11 * time.Hour},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			f := happy()
			f.Now, f.Customer.TimeZone, f.Policy.QuietHours = r.now, r.zone, r.quiet
			if got := Wait(f); got != r.want {
				t.Errorf("got %s, want %s", got, r.want)
			}
		})
	}
}

// desk is everything around the service, in memory.
type desk struct {
	f        Facts
	saved    map[string]care.Invitation
	started  []string
	took     int
	takers   map[string]bool
	timeline []care.Interaction
	events   []events.Detail
}

func (d *desk) Customer(context.Context, care.CustomerID) (care.Customer, error) {
	return d.f.Customer, nil
}
func (d *desk) Identities(context.Context, care.CustomerID) ([]care.Identity, error) {
	return d.f.Identities, nil
}
func (d *desk) OpenConversations(context.Context, care.CustomerID) ([]care.Conversation, error) {
	return d.f.Open, nil
}
func (d *desk) Timeline(context.Context, care.CustomerID, int, string) ([]care.Interaction, string, error) {
	return d.f.Recent, "", nil
}
func (d *desk) PutInteraction(_ context.Context, i care.Interaction) error {
	d.timeline = append(d.timeline, i)
	return nil
}
func (d *desk) Invitations(context.Context, care.CustomerID) ([]care.Invitation, error) {
	var out []care.Invitation
	for _, i := range d.saved {
		out = append(out, i)
	}
	return append(out, d.f.Past...), nil
}
func (d *desk) SaveInvitation(_ context.Context, i care.Invitation) error {
	if d.saved[i.ID].Status != "sent" {
		d.saved[i.ID] = i
	}
	return nil
}
func (d *desk) Take(_ context.Context, taker string, caps []care.Cap, _ time.Time) (string, error) {
	if d.takers[taker] {
		return "", nil
	}
	for _, c := range caps {
		if int64(d.took)+c.Amount > c.Limit {
			return c.Name, nil
		}
	}
	d.took++
	d.takers[taker] = true
	return "", nil
}
func (d *desk) Start(_ context.Context, name string, _ any) error {
	d.started = append(d.started, name)
	return nil
}
func (d *desk) Current(context.Context) (*config.Bundle, error) {
	return &config.Bundle{Followup: d.f.Policy, Hours: config.Hours{TimeZone: "UTC"},
		Brand: config.Brand{Accounts: []config.Account{{Platform: care.X, ID: "7001001"}}}}, nil
}
func (d *desk) Publish(_ context.Context, e ...events.Detail) error {
	d.events = append(d.events, e...)
	return nil
}

func newDesk() (*desk, *Service) {
	d := &desk{f: happy(), saved: map[string]care.Invitation{}, takers: map[string]bool{}}
	return d, &Service{People: d, Past: d, Ledger: d, Workflow: d, Bundles: d, Bus: d, Clock: func() time.Time { return noon },
		Wording: func(_ *config.Bundle, _ time.Time, template string, p care.Platform, _, _ string, _ care.Customer) (string, error) {
			return fmt.Sprintf("%s on %s", template, p), nil
		}}
}

var trigger = Trigger{After: "call", Episode: "e1", Customer: "cus_1", CallSeconds: 120}

func TestServiceInvitesOnce(t *testing.T) {
	d, s := newDesk()
	if err := s.Consider(t.Context(), "c", trigger); err != nil || len(d.started) != 1 {
		t.Fatalf("%v, started %v", err, d.started)
	}
	ready, err := s.Handle(t.Context(), Request{Op: OpInvite, Request: trigger})
	if err != nil || ready.Status != "ready" || ready.Send.To.ID != "1" || ready.Send.Account != "7001001" || ready.Send.Invitation.Text != "invite on x" {
		t.Fatalf("got %+v, %v", ready, err)
	}
	again, err := s.Handle(t.Context(), Request{Op: OpInvite, Request: trigger})
	if err != nil || again.Status != "ready" || d.took != 1 {
		t.Fatalf("a repeat took %d places of the day: %+v, %v", d.took, again, err)
	}
	rec := Request{Op: OpRecord, Request: trigger, Invitation: &ready}
	rec.Sent = &struct {
		Status  string        `json:"status"`
		Reasons []care.Reason `json:"reasons"`
	}{Status: "sent"}
	if _, err := s.Handle(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if d.saved["cus_1:e1"].Status != "sent" || len(d.timeline) != 1 || len(d.events) != 1 {
		t.Errorf("ledger %+v, timeline %v, events %v", d.saved, d.timeline, d.events)
	}
	late, err := s.Handle(t.Context(), Request{Op: OpInvite, Request: trigger})
	if err != nil || late.Status != "withheld" || d.saved["cus_1:e1"].Status != "sent" {
		t.Errorf("after sending: %+v, %v, ledger %+v", late, err, d.saved)
	}
}

func TestServiceWithholds(t *testing.T) {
	rows := []struct {
		name   string
		change func(*desk)
		reason string
	}{
		{"hopeless ones start no workflow", func(d *desk) { d.f.Customer.Consent.Invite = false }, "followup:consent"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			d, s := newDesk()
			r.change(d)
			if err := s.Consider(t.Context(), "c", trigger); err != nil {
				t.Fatal(err)
			}
			inv := d.saved["cus_1:e1"]
			if len(d.started) != 0 || inv.Status != "withheld" || inv.Reasons[0].By != r.reason {
				t.Errorf("started %v, ledger %+v", d.started, inv)
			}
		})
	}
	t.Run("the day is full", func(t *testing.T) {
		d, s := newDesk()
		d.took = 2
		got, err := s.Handle(t.Context(), Request{Op: OpInvite, Request: trigger})
		if err != nil || got.Status != "withheld" || d.saved["cus_1:e1"].Reasons[0].By != "followup:day-cap" {
			t.Errorf("got %+v, %v, ledger %+v", got, err, d.saved)
		}
	})
	t.Run("something opened during the cool-off", func(t *testing.T) {
		d, s := newDesk()
		d.f.Open = []care.Conversation{{State: care.StateOpen}}
		got, err := s.Handle(t.Context(), Request{Op: OpInvite, Request: trigger})
		if err != nil || got.Status != "withheld" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		_, s := newDesk()
		if _, err := s.Handle(t.Context(), Request{Op: "dance"}); care.CodeOf(err) != care.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestName(t *testing.T) {
	n := name(Trigger{Customer: "cus_ab", Episode: strings.Repeat("é/:", 60) + "end"})
	if len(n) > 80 || !strings.HasSuffix(n, "end") || strings.ContainsAny(n, "/:é") {
		t.Errorf("got %q", n)
	}
}
