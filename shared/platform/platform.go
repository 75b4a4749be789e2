// Package platform holds what the platform adapters below it share: the
// account that they speak as, signature comparison, a small JSON reader for
// foreign input, text and time clean-up, and the HTTP call with its mapping to
// care's error codes. It knows no platform's wire format: each adapter package
// (x, meta, mastodon, bluesky) does, and none of them knows another.
package platform

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// Account is one account of ours on a platform, with what it takes to speak
// there. It is what the read and write secrets hold under "accounts". Token and
// Password never reach a log: String, GoString and LogValue leave them out.
type Account struct {
	Platform care.Platform `json:"platform"`
	// Account is our account's stable id (X user id, Facebook page id,
	// Instagram account id, Mastodon account id, Bluesky DID).
	Account string `json:"account"`
	// Handle is the name people write after "@", without it.
	Handle string `json:"handle,omitempty"`
	// BaseURL is the API's scheme and host; empty means the platform's own.
	BaseURL string `json:"baseUrl,omitempty"`
	Token   string `json:"token,omitempty"`
	// Identifier and Password sign in where there is no long-lived token
	// (Bluesky app passwords).
	Identifier string `json:"identifier,omitempty"`
	Password   string `json:"password,omitempty"`
	// Tier is the platform's access tier where it matters (X: "self-serve" or
	// "enterprise").
	Tier string `json:"tier,omitempty"`
}

// LogValue shows which account it is and nothing that opens it.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("platform", string(a.Platform)),
		slog.String("account", a.Account),
		slog.Bool("token", a.Token != ""),
		slog.Bool("password", a.Password != ""),
	)
}

// String is "platform:account", for %v and %s.
func (a Account) String() string { return string(a.Platform) + ":" + a.Account }

// GoString keeps the secrets out of %#v too.
func (a Account) GoString() string {
	return fmt.Sprintf("platform.Account{Platform:%q, Account:%q}", a.Platform, a.Account)
}

// Own tells whether an author with this id or handle on p is one of our
// accounts: the loop guard. Empty ids and handles match nothing; handles are
// compared without case and without a leading "@".
func Own(accounts []Account, p care.Platform, id, handle string) bool {
	handle = strings.TrimPrefix(handle, "@")
	for _, a := range accounts {
		if a.Platform != p {
			continue
		}
		if id != "" && a.Account == id {
			return true
		}
		if handle != "" && a.Handle != "" && strings.EqualFold(strings.TrimPrefix(a.Handle, "@"), handle) {
			return true
		}
	}
	return false
}

// Of returns the accounts on platform p, in order.
func Of(accounts []Account, p care.Platform) []Account {
	var of []Account
	for _, a := range accounts {
		if a.Platform == p {
			of = append(of, a)
		}
	}
	return of
}
