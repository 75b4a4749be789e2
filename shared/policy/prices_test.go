package policy

import (
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// The expected dollars are those of X's price list (docs.x.com, pricing).
func TestPrice(t *testing.T) {
	const plain, link, bare = "We open at nine.", "We open at nine: https://veloria.com/hours", "See veloria.com for it."
	rows := []struct {
		name              string
		platform          care.Platform
		tier              string
		private, summoned bool
		text              string
		want              float64
	}{
		{"summoned reply", care.X, "self-serve", false, true, plain, 0.010},
		{"reply to who did not summon us", care.X, "enterprise", false, false, plain, 0.015},
		{"link", care.X, "self-serve", false, false, link, 0.200},
		{"link in a summoned reply", care.X, "", false, true, link, 0.200},
		{"link without its protocol, as X counts it", care.X, "", false, true, bare, 0.200},
		{"direct message", care.X, "", true, true, plain, 0.015},
		{"direct message with a link", care.X, "", true, false, link, 0.015},
		{"enterprise pays by contract: the list price stands for it", care.X, "enterprise", false, true, plain, 0.010},
		{"Facebook", care.Facebook, "", false, true, link, 0},
		{"Messenger", care.Messenger, "", true, true, link, 0},
		{"Instagram", care.Instagram, "", false, true, link, 0},
		{"Mastodon", care.Mastodon, "", false, true, link, 0},
		{"Bluesky", care.Bluesky, "", true, false, link, 0},
		{"no text", care.X, "", false, true, "", 0.010},
		{"a platform that nobody knows", "friendster", "", false, true, link, 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := Price(r.platform, r.tier, r.private, r.summoned, r.text, now); got != r.want {
				t.Errorf("$%g, want $%g", got, r.want)
			}
		})
	}
}

func TestChargesAreDated(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Charges() {
		if c.ID == "" || seen[c.ID] || len(c.Platforms) == 0 || c.Text == "" || c.Source == "" || c.Confidence == "" || c.Dollars <= 0 || c.of == nil {
			t.Errorf("charge %q is incomplete or there twice", c.ID)
		}
		seen[c.ID] = true
	}
	c := Charge{Platforms: onX, From: now, Until: now.Add(time.Hour)}
	for at, want := range map[time.Time]bool{now.Add(-1): false, now: true, now.Add(time.Hour - 1): true, now.Add(time.Hour): false} {
		if c.On(care.X, at) != want {
			t.Errorf("on at %s: %v", at, !want)
		}
	}
	if c.On(care.Mastodon, now) {
		t.Error("a charge of X holds on Mastodon")
	}
}
