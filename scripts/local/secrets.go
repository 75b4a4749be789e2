package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
)

type secret struct {
	id, name, arn string
	value         *string // nil: none yet
	created       time.Time
}

// hashSuffix is what the CDK appends to a logical id.
var hashSuffix = regexp.MustCompile(`[0-9A-F]{8}$`)

func (s *Stack) loadSecret(r cfn.Resource) error {
	var p struct {
		Name                 string
		SecretString         *string
		GenerateSecretString *struct {
			SecretStringTemplate, GenerateStringKey, ExcludeCharacters string
			PasswordLength                                             int
			ExcludePunctuation                                         bool
		}
		KmsKeyId          cfn.Ignored `why:"nothing is encrypted at rest locally"`
		Description, Tags cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	arn, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	made := &secret{id: r.ID, arn: arn, name: strings.TrimSuffix(tail(arn, ":"), "-local0"), value: p.SecretString, created: s.clock.Now()}
	s.secrets[arn] = made
	for _, name := range []string{r.ID, hashSuffix.ReplaceAllString(r.ID, "")} {
		if value, ok := s.o.Secrets[name]; ok {
			made.value = &value
			return nil
		}
	}
	if g := p.GenerateSecretString; g != nil {
		file := s.dataFile("secret-" + r.ID)
		if file != "" {
			if data, err := os.ReadFile(file); err == nil {
				text := string(data)
				made.value = &text
				return nil
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if g.PasswordLength == 0 {
			g.PasswordLength = 32
		}
		alphabet := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		if !g.ExcludePunctuation {
			alphabet += "!#$%&()*+,-./:;<=>?@[]^_{|}~"
		}
		text, err := randomText(g.PasswordLength, alphabet, g.ExcludeCharacters)
		if err != nil {
			return err
		}
		if g.GenerateStringKey != "" {
			fields := map[string]any{}
			if err := json.Unmarshal([]byte(g.SecretStringTemplate), &fields); err != nil {
				return fmt.Errorf("%s.GenerateSecretString.SecretStringTemplate: %w", r.ID, err)
			}
			fields[g.GenerateStringKey] = text
			data, err := json.Marshal(fields)
			if err != nil {
				return err
			}
			text = string(data)
		}
		made.value = &text
		if file != "" {
			return writeFile(file, []byte(text))
		}
	}
	return nil
}

func randomText(n int, alphabet, without string) (string, error) {
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(without, r) {
			return -1
		}
		return r
	}, alphabet)
	out := make([]byte, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", err
		}
		out[i] = letters[k.Int64()]
	}
	return string(out), nil
}

// SetSecret gives a secret a value, as a person does after a deployment; the
// secret is named by its logical id, with or without the CDK's hash.
func (s *Stack) SetSecret(id, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.secrets {
		if one.id == id || hashSuffix.ReplaceAllString(one.id, "") == id {
			one.value = &value
			return nil
		}
	}
	return fmt.Errorf("there is no secret %q in the template", id)
}

func (s *Stack) apiGetSecretValue(_ context.Context, p principal, body []byte) (any, error) {
	var r struct{ SecretId, VersionId, VersionStage string }
	if err := read(body, &r); err != nil {
		return nil, err
	}
	var found *secret
	for _, one := range s.secrets {
		if r.SecretId == one.arn || r.SecretId == one.name {
			found = one
		}
	}
	resource := r.SecretId
	if found != nil {
		resource = found.arn
	} else if !strings.HasPrefix(resource, "arn:") {
		resource = arnOf("secretsmanager", "secret:"+resource)
	}
	if err := s.authorize(p, "secretsmanager:GetSecretValue", resource, nil); err != nil {
		return nil, err
	}
	s.count(p, false, "secretsmanager", "GetSecretValue", map[cost.Unit]float64{cost.Request: 1})
	if found == nil {
		return nil, apiErrorf(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	s.mu.Lock()
	value := found.value
	s.mu.Unlock()
	if value == nil {
		return nil, apiErrorf(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	}
	return map[string]any{"ARN": found.arn, "Name": found.name, "SecretString": *value, "VersionId": "00000000-0000-4000-8000-000000000001",
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": float64(found.created.UnixMilli()) / 1000}, nil
}
