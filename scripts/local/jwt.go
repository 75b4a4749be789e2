package local

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
)

// The HTTP API's JWT authorizers ("Control access to HTTP APIs with JWT
// authorizers"): RSA signatures only, iss, aud or client_id, exp, nbf, iat, and
// one of the route's scopes. On AWS the key comes from the issuer; here the stack
// is the issuer, whoever the template names, and signs with a key of its own.

// authorizer is a JWT authorizer of the HTTP API.
type authorizer struct {
	header   string // the header that carries the token
	issuer   string
	audience []string
}

// signer is the stack's own key, made when first needed: it takes a moment.
type signer struct {
	key *rsa.PrivateKey
	id  string
}

func newSigner() (signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return signer{key, newID()}, err
}

func (s *Stack) loadAuthorizer(r cfn.Resource) error {
	var p struct {
		ApiId, AuthorizerType string
		IdentitySource        []string
		JwtConfiguration      struct {
			Audience []string
			Issuer   string
		}
		Name cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	a, err := s.api(r, p.ApiId)
	if err != nil {
		return err
	}
	if p.AuthorizerType != "JWT" {
		return fmt.Errorf("%s.AuthorizerType: %s is not supported, only JWT", r.ID, p.AuthorizerType)
	}
	if len(p.IdentitySource) != 1 || !strings.HasPrefix(p.IdentitySource[0], "$request.header.") {
		return fmt.Errorf("%s.IdentitySource: %v is not supported, only one $request.header.<name>", r.ID, p.IdentitySource)
	}
	if p.JwtConfiguration.Issuer == "" || len(p.JwtConfiguration.Audience) == 0 {
		return fmt.Errorf("%s.JwtConfiguration: an issuer and an audience are needed", r.ID)
	}
	ref, err := s.template.Ref(r.ID)
	a.authorizers[ref] = &authorizer{header: strings.TrimPrefix(p.IdentitySource[0], "$request.header."),
		issuer: p.JwtConfiguration.Issuer, audience: p.JwtConfiguration.Audience}
	return err
}

// tokenLife is how long a token of the stack is valid: a working day's shift.
const tokenLife = 8 * time.Hour

// Token makes a token of the stack's own issuer for somebody in groups, as an
// identity provider would after a sign-in.
func (s *Stack) Token(name string, groups []string) (token string, expires time.Time, err error) {
	if name == "" {
		return "", time.Time{}, errors.New("a token needs a name")
	}
	for _, api := range s.apis {
		for _, ref := range sortedKeys(api.authorizers) {
			a := api.authorizers[ref]
			now := s.clock.Now()
			expires = now.Add(tokenLife)
			token, err = s.sign(map[string]any{"iss": a.issuer, "aud": a.audience[0], "sub": name, "username": name,
				"groups": groups, "iat": now.Unix(), "exp": expires.Unix()})
			return token, expires, err
		}
	}
	return "", time.Time{}, errors.New("the template has no JWT authorizer")
}

func (s *Stack) sign(claims map[string]any) (string, error) {
	own, err := s.signer()
	if err != nil {
		return "", err
	}
	head, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": own.id})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, own.key, crypto.SHA256, sum[:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// verdict is what the authorizer makes of a request: 0 lets it pass.
type verdict struct {
	status int
	why    string
	claims map[string]string
	scopes []string // those that both the token and the route name
}

// authorize checks a request's token as an HTTP API does.
func (s *Stack) authorizeToken(r *http.Request, route *route) verdict {
	a := route.authorizer
	if a == nil {
		return verdict{}
	}
	unauthorized := func(why string) verdict { return verdict{status: http.StatusUnauthorized, why: why} }
	token := r.Header.Get(a.header)
	if len(token) > 7 && strings.EqualFold(token[:7], "Bearer ") {
		token = token[7:]
	}
	if token = strings.TrimSpace(token); token == "" {
		return unauthorized("")
	}
	claims, err := s.verify(token)
	if err != nil {
		return unauthorized(err.Error())
	}
	now := float64(s.clock.Now().Unix())
	number := func(name string, otherwise float64) float64 {
		if n, ok := claims[name].(float64); ok {
			return n
		}
		return otherwise
	}
	audience := listOf(claims["aud"])
	if claims["aud"] == nil {
		audience = listOf(claims["client_id"])
	}
	switch {
	case claims["iss"] != a.issuer:
		return unauthorized("the token is of another issuer")
	case !slices.ContainsFunc(audience, func(one string) bool { return slices.Contains(a.audience, one) }):
		return unauthorized("the token is for another audience")
	case number("exp", 0) <= now:
		return unauthorized("the token has expired")
	case number("nbf", 0) > now, number("iat", 0) > now:
		return unauthorized("the token is not valid yet")
	}
	v := verdict{claims: map[string]string{}}
	for name, value := range claims {
		v.claims[name] = claimText(value)
	}
	has := listOf(claims["scope"])
	if claims["scope"] == nil {
		has = listOf(claims["scp"])
	}
	for _, scope := range route.scopes {
		if slices.Contains(has, scope) {
			v.scopes = append(v.scopes, scope)
		}
	}
	if len(route.scopes) > 0 && len(v.scopes) == 0 {
		return verdict{status: http.StatusForbidden, why: "the token has none of the route's scopes"}
	}
	return v
}

// verify checks a token's form and signature and returns its claims.
func (s *Stack) verify(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("that is no token")
	}
	var raw [3][]byte
	for n, part := range parts {
		var err error
		if raw[n], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errors.New("that is no token")
		}
	}
	var head struct{ Alg, Kid string }
	if err := json.Unmarshal(raw[0], &head); err != nil {
		return nil, errors.New("the token's head is not JSON")
	}
	if head.Alg != "RS256" {
		return nil, fmt.Errorf("the token is signed with %q; HTTP APIs take RSA only, and this stack signs RS256", head.Alg)
	}
	own, err := s.signer()
	if err != nil {
		return nil, err
	}
	if head.Kid != own.id {
		return nil, errors.New("the token is signed with a key that the issuer does not have")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&own.key.PublicKey, crypto.SHA256, sum[:], raw[2]); err != nil {
		return nil, errors.New("the token's signature is wrong")
	}
	var claims map[string]any
	if err := json.Unmarshal(raw[1], &claims); err != nil || claims == nil {
		return nil, errors.New("the token's claims are no JSON object")
	}
	return claims, nil
}

// listOf reads a claim that is one text, several divided by spaces, or a list.
func listOf(claim any) []string {
	switch c := claim.(type) {
	case string:
		return strings.Fields(c)
	case []any:
		var list []string
		for _, one := range c {
			list = append(list, claimText(one))
		}
		return list
	}
	return nil
}

// claimText is a claim as an HTTP API hands it to a function: always a string, a
// list in brackets with spaces between.
func claimText(claim any) string {
	switch c := claim.(type) {
	case string:
		return c
	case float64:
		if c == math.Trunc(c) && math.Abs(c) < 1<<53 {
			return strconv.FormatInt(int64(c), 10)
		}
		return strconv.FormatFloat(c, 'g', -1, 64)
	case []any:
		list := make([]string, len(c))
		for n, one := range c {
			list[n] = claimText(one)
		}
		return "[" + strings.Join(list, " ") + "]"
	case bool:
		return strconv.FormatBool(c)
	case nil:
		return ""
	}
	b, err := json.Marshal(claim)
	if err != nil {
		return ""
	}
	return string(b)
}

// refuse answers as an HTTP API does when its authorizer says no.
func (v verdict) refuse(w http.ResponseWriter) (int, int) {
	if v.status == http.StatusForbidden {
		return gatewayError(w, v.status, "Forbidden")
	}
	challenge := "Bearer"
	if v.why != "" {
		challenge = `Bearer scope="" error="invalid_token" error_description="` + strings.ReplaceAll(v.why, `"`, "'") + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	return gatewayError(w, v.status, "Unauthorized")
}
