package importer

import (
	"errors"
	"fmt"
	"math"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones are checked on any machine alike

	"github.com/nyaruka/phonenumbers"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
)

// cell understands one cell and notes in the row what it says.
type cell func(im *run, value string, r *row) error

// cells are the columns with a meaning, besides external_id and attr:*.
var cells = map[string]cell{
	"name":           text(func(c *care.Customer, v string) { c.Name = v }),
	"tier":           text(func(c *care.Customer, v string) { c.Tier = v }),
	"language":       language,
	"time_zone":      timeZone,
	"value":          value,
	"email":          identities(email, "email"),
	"phone":          identities(phone, "phone"),
	"x":              identities(x, "x", match.HandleScheme(care.X)),
	"facebook":       identities(account(care.Facebook, facebookHandle), "facebook", match.HandleScheme(care.Facebook)),
	"instagram":      identities(account(care.Instagram, instagramHandle), "instagram", match.HandleScheme(care.Instagram)),
	"messenger":      identities(account(care.Messenger, nil), "messenger", match.HandleScheme(care.Messenger)),
	"mastodon":       identities(mastodon, "mastodon", match.HandleScheme(care.Mastodon)),
	"bluesky":        identities(bluesky, "bluesky", match.HandleScheme(care.Bluesky)),
	"consent_invite": flag(func(c *care.Customer, v bool) { c.Consent.Invite = v }),
	"consent_match":  flag(func(c *care.Customer, v bool) { c.Consent.Match = v }),
	"opt_out":        flag(func(c *care.Customer, v bool) { c.Consent.OptOut = v }),
}

func text(set func(*care.Customer, string)) cell {
	return func(_ *run, v string, r *row) error {
		r.apply = append(r.apply, func(c *care.Customer) { set(c, v) })
		return nil
	}
}

func flag(set func(*care.Customer, bool)) cell {
	return func(_ *run, v string, r *row) error {
		yes := false
		switch strings.ToLower(v) {
		case "yes", "y", "true", "1":
			yes = true
		case "no", "n", "false", "0", "":
		default:
			return fmt.Errorf("%q is neither yes nor no", v)
		}
		r.apply = append(r.apply, func(c *care.Customer) { set(c, yes) })
		return nil
	}
}

var languageForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func language(_ *run, v string, r *row) error {
	if v != "" && !languageForm.MatchString(v) {
		return fmt.Errorf("%q is not a language tag like \"es\" or \"pt-BR\"", v)
	}
	r.apply = append(r.apply, func(c *care.Customer) { c.Lang = v })
	return nil
}

func timeZone(_ *run, v string, r *row) error {
	if v != "" {
		if _, err := time.LoadLocation(v); err != nil || v == "Local" {
			return fmt.Errorf("%q is not a time zone like \"Europe/Madrid\"", v)
		}
	}
	r.apply = append(r.apply, func(c *care.Customer) { c.TimeZone = v })
	return nil
}

func value(_ *run, v string, r *row) error {
	n := 0.0
	if v != "" {
		var err error
		if n, err = strconv.ParseFloat(v, 64); err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
			return fmt.Errorf("%q is not an amount like 1200 or 1200.50", v)
		}
	}
	r.apply = append(r.apply, func(c *care.Customer) { c.Value = n })
	return nil
}

// identities understands a cell with any number of identities; schemes are the
// kinds that the column speaks about.
func identities(one func(*run, string) (care.Identity, error), schemes ...string) cell {
	return func(im *run, v string, r *row) error {
		r.schemes = append(r.schemes, schemes...)
		for _, part := range strings.Split(v, "|") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			i, err := one(im, part)
			if err != nil {
				return err
			}
			r.identities = append(r.identities, i)
		}
		return nil
	}
}

func email(_ *run, v string) (care.Identity, error) {
	a, err := mail.ParseAddress(v)
	if err != nil || a.Address != v || !strings.Contains(v[strings.LastIndexByte(v, '@')+1:], ".") {
		return care.Identity{}, fmt.Errorf("%q is not an e-mail address", v)
	}
	return care.Identity{Scheme: "email", Value: strings.ToLower(v)}, nil
}

func phone(im *run, v string) (care.Identity, error) {
	region := im.o.Region
	if region == "" {
		region = phonenumbers.UNKNOWN_REGION
	}
	n, err := phonenumbers.Parse(v, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode) && im.o.Region == "":
		return care.Identity{}, fmt.Errorf("%q has no country code, and the import has no region", v)
	case err != nil || !phonenumbers.IsValidNumber(n):
		return care.Identity{}, fmt.Errorf("%q is not a phone number in use", v)
	}
	return care.Identity{Scheme: "phone", Value: phonenumbers.Format(n, phonenumbers.E164)}, nil
}

// Forms of handles. X: 4 to 15 characters today, older ones are shorter ("X
// help, username length"). Instagram: at most 30.
var (
	xHandle         = regexp.MustCompile(`^[a-z0-9_]{1,15}$`)
	facebookHandle  = regexp.MustCompile(`^[a-z0-9.]{2,50}$`)
	instagramHandle = regexp.MustCompile(`^[a-z0-9._]{1,30}$`)
	mastodonHandle  = regexp.MustCompile(`^[a-z0-9_]+([a-z0-9_.-]*[a-z0-9_])?(@[a-z0-9.-]+(:[0-9]+)?)?$`)
	blueskyHandle   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	digits          = regexp.MustCompile(`^[0-9]+$`)
	did             = regexp.MustCompile(`^did:[a-z]+:[A-Za-z0-9._:%-]+$`)
	profileURL      = regexp.MustCompile(`^(?:https?://)?(?:www\.|mobile\.|m\.)?(?:x\.com|twitter\.com|facebook\.com|instagram\.com|bsky\.app/profile)/([^/?#]+)/?(?:[?#].*)?$`)
)

// account understands an id made of digits, or a handle where handle is not nil.
func account(p care.Platform, handle *regexp.Regexp) func(*run, string) (care.Identity, error) {
	return func(_ *run, v string) (care.Identity, error) {
		if digits.MatchString(v) {
			return care.Identity{Scheme: string(p), Value: v}, nil
		}
		h := match.NormalHandle(unlink(v))
		switch {
		case handle == nil:
			return care.Identity{}, fmt.Errorf("%q is not an account id made of digits", v)
		case !handle.MatchString(h):
			return care.Identity{}, fmt.Errorf("%q is neither a handle nor an account id", v)
		}
		return care.Identity{Scheme: match.HandleScheme(p), Value: h}, nil
	}
}

// unlink takes the handle out of the address of a profile.
func unlink(v string) string {
	if m := profileURL.FindStringSubmatch(v); m != nil {
		return m[1]
	}
	return v
}

// x takes digits for an account id; a handle made of digits needs its "@".
func x(im *run, v string) (care.Identity, error) {
	if h, at := strings.CutPrefix(v, "@"); at && digits.MatchString(h) && len(h) <= 15 {
		return care.Identity{Scheme: match.HandleScheme(care.X), Value: h}, nil
	}
	return account(care.X, xHandle)(im, v)
}

func mastodon(im *run, v string) (care.Identity, error) {
	if digits.MatchString(v) {
		return care.Identity{Scheme: "mastodon", Value: v}, nil
	}
	h := match.NormalHandle(v)
	if !mastodonHandle.MatchString(h) {
		return care.Identity{}, fmt.Errorf("%q is not a handle like @nora@mastodon.example", v)
	}
	if im.o.MastodonHost != "" {
		h = strings.TrimSuffix(h, "@"+strings.ToLower(im.o.MastodonHost))
	}
	return care.Identity{Scheme: match.HandleScheme(care.Mastodon), Value: h}, nil
}

func bluesky(_ *run, v string) (care.Identity, error) {
	if v = unlink(v); did.MatchString(v) {
		return care.Identity{Scheme: "bluesky", Value: v}, nil
	}
	h := match.NormalHandle(v)
	if !blueskyHandle.MatchString(h) {
		return care.Identity{}, fmt.Errorf("%q is neither a handle like nora.bsky.example nor a DID", v)
	}
	return care.Identity{Scheme: match.HandleScheme(care.Bluesky), Value: h}, nil
}

// closest finds the column that someone probably meant: one that two letters
// tell apart at most.
func closest(name string) string {
	best, least := "", 3
	for _, known := range append(columnNames(), "external_id") {
		if d := distance(name, known); d < least && d < len(known) {
			best, least = known, d
		}
	}
	return best
}

func columnNames() []string {
	return []string{"name", "tier", "language", "time_zone", "value", "email", "phone", "x", "facebook", "instagram",
		"messenger", "mastodon", "bluesky", "consent_invite", "consent_match", "opt_out"}
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
