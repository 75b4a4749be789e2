package platform

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// Sum is HMAC-SHA256 of body under secret.
func Sum(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// VerifySum checks a signature of the form "sha256=<encoded>" over the raw body
// in constant time; decode is the platform's encoding (hex or base64). A
// missing, malformed or wrong signature is Denied; an empty secret is Internal,
// because it would let anybody sign.
func VerifySum(secret, signature string, body []byte, decode func(string) ([]byte, error)) error {
	if secret == "" {
		return care.Errorf(care.Internal, "no secret is configured to check signatures with")
	}
	if signature == "" {
		return care.Errorf(care.Denied, "the signature header is missing")
	}
	encoded, ok := strings.CutPrefix(signature, "sha256=")
	if !ok {
		return care.Errorf(care.Denied, "the signature does not begin with sha256=")
	}
	got, err := decode(encoded)
	if err != nil || len(got) != sha256.Size {
		return care.Errorf(care.Denied, "the signature is malformed")
	}
	if !hmac.Equal(got, Sum(secret, body)) {
		return care.Errorf(care.Denied, "the signature does not match the body")
	}
	return nil
}

// Same compares two secrets in constant time; an empty want matches nothing.
func Same(want, got string) bool {
	return want != "" && subtle.ConstantTimeCompare(Sum("same", []byte(want)), Sum("same", []byte(got))) == 1
}
