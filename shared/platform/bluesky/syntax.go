package bluesky

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/fielder-care/fielder/shared/platform/internal/wire"
)

// The syntax checks follow the AT Protocol specifications (DID, Handle, AT URI,
// Record Key, TID) as far as care meets them.

var (
	didSyntax    = wire.Pattern(`^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$`)
	handleSyntax = wire.Pattern(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	nsidSyntax   = wire.Pattern(`^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}$`)
	rkeySyntax   = wire.Pattern(`^[a-zA-Z0-9_~.:-]{1,512}$`)
	tidSyntax    = wire.Pattern(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)
	// cidSyntax accepts CIDv1 in base32 (what records have) and CIDv0.
	cidSyntax = wire.Pattern(`^[a-zA-Z0-9+=]{8,256}$`)
	// chatID is an id of a conversation or message: opaque, but safe.
	chatID = wire.Pattern(`^[a-zA-Z0-9_:.-]{1,128}$`)
)

func validDID(s string) bool { return len(s) <= 2048 && didSyntax().MatchString(s) }

// validHandle leaves out "handle.invalid", which AppViews show for an account
// whose handle does not resolve.
func validHandle(s string) bool {
	return len(s) <= 253 && handleSyntax().MatchString(s) && !strings.EqualFold(s, "handle.invalid")
}

func validCID(s string) bool { return cidSyntax().MatchString(s) }

// splitURI takes an AT URI of a record apart; the authority must be a DID, as it
// is in every strong reference.
func splitURI(s string) (did, collection, rkey string, ok bool) {
	rest, ok := strings.CutPrefix(s, "at://")
	if !ok || len(s) > 8192 {
		return "", "", "", false
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 3 || !validDID(parts[0]) || len(parts[1]) > 317 || !nsidSyntax().MatchString(parts[1]) || !rkeySyntax().MatchString(parts[2]) || parts[2] == "." || parts[2] == ".." {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

const (
	tidDigits = "234567abcdefghijklmnopqrstuvwxyz"
	// tidBase is 1990-01-01 in microseconds; with the 50 bits below it the derived
	// times end in 2025: a key must not lie in the future.
	tidBase = 631152000 * 1_000_000
)

// recordKey derives a TID from an idempotency key: 60 bits of its SHA-256, so
// that two keys of one account never meet. The time in it means nothing; nothing
// reads it.
func recordKey(account, key string) string {
	sum := sha256.Sum256([]byte(account + "\n" + key))
	h := binary.BigEndian.Uint64(sum[:8])
	micros := uint64(tidBase) + h>>14&(1<<50-1)
	v := micros<<10 | h&(1<<10-1)
	var b [13]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = tidDigits[v&31]
		v >>= 5
	}
	return string(b[:])
}
