package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const testIssuer = "https://identity.example/local"

// guard puts an authorizer before the route /hooks/{kind}.
func guard(t *testing.T, scopes ...string) func(*Options) {
	return func(o *Options) {
		var template m
		if err := json.Unmarshal(o.Template, &template); err != nil {
			t.Fatal(err)
		}
		resources := template["Resources"].(m)
		resources["Agents"] = m{"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": m{"ApiId": m{"Ref": "Api"}, "AuthorizerType": "JWT", "Name": "agents",
			"IdentitySource": []string{"$request.header.Authorization"}, "JwtConfiguration": m{"Issuer": testIssuer, "Audience": []string{"panel", "other"}}}}
		route := resources["Route0"].(m)["Properties"].(m)
		route["AuthorizationType"], route["AuthorizerId"] = "JWT", m{"Ref": "Agents"}
		if len(scopes) > 0 {
			route["AuthorizationScopes"] = scopes
		}
		var err error
		if o.Template, err = json.Marshal(template); err != nil {
			t.Fatal(err)
		}
	}
}

// knock posts to the guarded route.
func knock(t *testing.T, s *Stack, authorization string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/hooks/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestJWTAuthorizer(t *testing.T) {
	s := start(t, guard(t))
	now := s.Clock().Now()
	good := func(change func(m)) string {
		claims := m{"iss": testIssuer, "aud": "panel", "sub": "ana", "exp": now.Add(time.Hour).Unix()}
		change(claims)
		token, err := s.sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	plain := good(func(m) {})
	parts := strings.Split(plain, ".")
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	own, err := s.signer()
	if err != nil {
		t.Fatal(err)
	}
	// A token that is signed with the public key as if that were a shared secret.
	confused := b64(`{"alg":"HS256","kid":"`+own.id+`"}`) + "." + parts[1]
	mac := hmac.New(sha256.New, own.key.PublicKey.N.Bytes())
	mac.Write([]byte(confused))
	confused += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	other := start(t, guard(t))
	foreign, _, err := other.Token("ana", nil)
	if err != nil {
		t.Fatal(err)
	}

	goods := map[string]string{
		"as it is":              plain,
		"with Bearer":           "Bearer " + plain,
		"with bearer":           "bearer " + plain,
		"one of many audiences": good(func(c m) { c["aud"] = []string{"x", "other"} }),
		"client_id for aud":     good(func(c m) { delete(c, "aud"); c["client_id"] = "panel" }),
		"issued just now":       good(func(c m) { c["iat"], c["nbf"] = now.Unix(), now.Unix() }),
	}
	for name, token := range goods {
		t.Run(name, func(t *testing.T) {
			if status, body, _ := knock(t, s, token); status != 201 {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	bads := map[string]string{
		"nothing":               "",
		"no token":              "Bearer hello",
		"four parts":            plain + ".x",
		"other claims":          parts[0] + "." + b64(`{"iss":"`+testIssuer+`","aud":"panel","exp":99999999999}`) + "." + parts[2],
		"no signature":          parts[0] + "." + parts[1] + ".",
		"signed with none":      b64(`{"alg":"none"}`) + "." + parts[1] + ".",
		"signed as with HMAC":   confused,
		"another key":           foreign,
		"another key's id":      b64(`{"alg":"RS256","kid":"x"}`) + "." + parts[1] + "." + parts[2],
		"ECDSA, as AWS refuses": b64(`{"alg":"ES256","kid":"`+own.id+`"}`) + "." + parts[1] + "." + parts[2],
		"another issuer":        good(func(c m) { c["iss"] = testIssuer + "/" }),
		"no issuer":             good(func(c m) { delete(c, "iss") }),
		"another audience":      good(func(c m) { c["aud"] = "pane" }),
		"no audience":           good(func(c m) { delete(c, "aud") }),
		"aud before client_id":  good(func(c m) { c["aud"], c["client_id"] = "x", "panel" }),
		"expired now":           good(func(c m) { c["exp"] = now.Unix() }),
		"never expires":         good(func(c m) { delete(c, "exp") }),
		"expires in words":      good(func(c m) { c["exp"] = "tomorrow" }),
		"not yet":               good(func(c m) { c["nbf"] = now.Add(time.Minute).Unix() }),
		"issued tomorrow":       good(func(c m) { c["iat"] = now.Add(24 * time.Hour).Unix() }),
	}
	for name, token := range bads {
		t.Run(name, func(t *testing.T) {
			status, body, header := knock(t, s, token)
			if status != 401 || body != `{"message":"Unauthorized"}` || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%d %s %v", status, body, header)
			}
		})
	}
	t.Run("an open route stays open", func(t *testing.T) {
		resp, err := http.Get(s.URL() + "/plain")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%d", resp.StatusCode)
		}
	})
}

// TestClaims: what the function gets is what AWS hands on: texts only, lists in
// brackets, and the scopes that route and token share.
func TestClaims(t *testing.T) {
	s := start(t, guard(t, "drafts/read", "drafts/write"))
	now := s.Clock().Now()
	claims := m{"iss": testIssuer, "aud": "panel", "sub": "ana", "exp": now.Add(time.Hour).Unix(), "cognito:groups": []string{"agent", "supervisor"},
		"email_verified": true, "scope": "openid drafts/write"}
	token, err := s.sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := knock(t, s, token)
	var event struct {
		RequestContext struct {
			Authorizer struct {
				JWT struct {
					Claims map[string]string
					Scopes []string
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &event); err != nil || status != 201 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	got := event.RequestContext.Authorizer.JWT
	want := map[string]string{"iss": testIssuer, "aud": "panel", "sub": "ana", "exp": fmt.Sprint(now.Add(time.Hour).Unix()),
		"cognito:groups": "[agent supervisor]", "email_verified": "true", "scope": "openid drafts/write"}
	if fmt.Sprint(got.Claims) != fmt.Sprint(want) || fmt.Sprint(got.Scopes) != "[drafts/write]" {
		t.Errorf("claims %v, scopes %v", got.Claims, got.Scopes)
	}
	for _, scope := range []any{"openid", nil, "drafts"} {
		claims["scope"] = scope
		if token, err = s.sign(claims); err != nil {
			t.Fatal(err)
		}
		if status, body, _ := knock(t, s, token); status != 403 || body != `{"message":"Forbidden"}` {
			t.Errorf("scope %v: %d %s", scope, status, body)
		}
	}
}

func TestTokenEndpoint(t *testing.T) {
	s := start(t, guard(t))
	mint := func(body string) (int, m) {
		resp, err := http.Post(s.URL()+"/_fielder/token", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out m
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, out
	}
	status, out := mint(`{"name":"ana","groups":["agent"]}`)
	token, _ := out["token"].(string)
	if status != 200 || token == "" {
		t.Fatalf("%d %v", status, out)
	}
	if status, body, _ := knock(t, s, "Bearer "+token); status != 201 || !strings.Contains(body, `"groups":"[agent]"`) || !strings.Contains(body, `"username":"ana"`) {
		t.Errorf("%d %s", status, body)
	}
	advance(t, s, tokenLife)
	if status, _, _ := knock(t, s, "Bearer "+token); status != 401 {
		t.Errorf("%d after its life", status)
	}
	for name, body := range map[string]string{"no name": `{"groups":["agent"]}`, "no JSON": `ana`} {
		if status, out := mint(body); status != 400 || out["error"] == "" {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	open := start(t, nil)
	if _, _, err := open.Token("ana", nil); err == nil {
		t.Error("a token of nobody")
	}
}

func TestAuthorizerErrors(t *testing.T) {
	for want, change := range map[string]func(authorizer, route m){
		"only JWT":                       func(a, _ m) { a["AuthorizerType"] = "REQUEST" },
		"one $request.header.<name>":     func(a, _ m) { a["IdentitySource"] = []string{"$request.querystring.token"} },
		"an issuer and an audience":      func(a, _ m) { a["JwtConfiguration"] = m{"Issuer": "https://x.example"} },
		"AuthorizerId: nobody is not in": func(_, r m) { r["AuthorizerId"] = "nobody" },
		"AWS_IAM is not supported":       func(_, r m) { r["AuthorizationType"] = "AWS_IAM" },
		"AuthorizerResultTtlInSeconds":   func(a, _ m) { a["AuthorizerResultTtlInSeconds"] = 5 },
	} {
		t.Run(want, func(t *testing.T) {
			var o Options
			template := func() []byte {
				s := start(t, nil)
				return s.o.Template
			}()
			o = Options{Template: template, Binaries: binaries, Addr: "127.0.0.1:0", Log: testLog{t}}
			guard(t)(&o)
			var doc m
			if err := json.Unmarshal(o.Template, &doc); err != nil {
				t.Fatal(err)
			}
			resources := doc["Resources"].(m)
			change(resources["Agents"].(m)["Properties"].(m), resources["Route0"].(m)["Properties"].(m))
			var err error
			if o.Template, err = json.Marshal(doc); err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), o)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
