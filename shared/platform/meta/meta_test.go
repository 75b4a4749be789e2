package meta_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform/meta"
)

func TestVerify(t *testing.T) {
	// GitHub publishes this vector for the same construction (docs.github.com,
	// validating webhook deliveries); the second is RFC 4231, test case 2.
	const secret, body, good = "It's a Secret to Everybody", "Hello, World!", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for _, c := range []struct {
		name, secret, signature, body string
		want                          care.Code
	}{
		{"OK", secret, good, body, ""},
		{"RFC4231", "Jefe", "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "what do ya want for nothing?", ""},
		{"ErrOneByteLess", secret, good, body[:len(body)-1], care.Denied},
		{"ErrOtherSecret", "It's a secret to everybody", good, body, care.Denied},
		{"ErrBase64", secret, "sha256=dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=", body, care.Denied},
		{"ErrSHA1", secret, "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", body, care.Denied},
		{"ErrNoHeader", secret, "", body, care.Denied},
		{"ErrNoSecret", "", good, body, care.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			if c.signature != "" {
				header.Set("x-hub-signature-256", c.signature)
			}
			if got := care.CodeOf(meta.Verify(c.secret, header, []byte(c.body))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := meta.Sign(secret, []byte(body)); got != good {
		t.Errorf("Sign = %s", got)
	}
}

func TestChallenge(t *testing.T) {
	for _, c := range []struct {
		name, token, query, want string
		code                     care.Code
	}{
		{"OK", "veloria-verify", "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=veloria-verify", "1158201444", ""},
		{"ErrToken", "veloria-verify", "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=veloria", "", care.Denied},
		{"ErrNoToken", "veloria-verify", "hub.mode=subscribe&hub.challenge=1158201444", "", care.Denied},
		{"ErrMode", "veloria-verify", "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=veloria-verify", "", care.Invalid},
		{"ErrNothing", "veloria-verify", "", "", care.Invalid},
		{"ErrNoChallenge", "veloria-verify", "hub.mode=subscribe&hub.verify_token=veloria-verify", "", care.Invalid},
		{"ErrScript", "veloria-verify", "hub.mode=subscribe&hub.verify_token=veloria-verify&hub.challenge=%3Cscript%3E", "", care.Invalid},
		{"ErrLong", "veloria-verify", "hub.mode=subscribe&hub.verify_token=veloria-verify&hub.challenge=" + strings.Repeat("1", 200), "", care.Invalid},
		{"ErrNotConfigured", "", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=", "", care.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := meta.Challenge(c.token, query)
			if got != c.want || care.CodeOf(err) != c.code {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
