package iam

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func parse(t *testing.T, doc string) (Policy, error) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		t.Fatal(err)
	}
	return Parse("P", v)
}

const table = "arn:aws:dynamodb:us-east-1:000000000000:table/care"

func TestEvaluate(t *testing.T) {
	const readTable = `{"Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":["` + table + `","` + table + `/index/*"]}]}`
	cases := map[string]struct {
		policy   string
		request  Request
		expected Effect
	}{
		"allowed":                       {readTable, Request{Action: "dynamodb:GetItem", Resource: table}, Allow},
		"action's case does not matter": {readTable, Request{Action: "dynamodb:getitem", Resource: table}, Allow},
		"an index by wildcard":          {readTable, Request{Action: "dynamodb:Query", Resource: table + "/index/gsi1"}, Allow},
		"another action":                {readTable, Request{Action: "dynamodb:PutItem", Resource: table}, None},
		"another table":                 {readTable, Request{Action: "dynamodb:GetItem", Resource: table + "2"}, None},
		"resource's case matters":       {readTable, Request{Action: "dynamodb:GetItem", Resource: strings.Replace(table, "care", "Care", 1)}, None},
		"a single statement and strings": {`{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`,
			Request{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:us-east-1:000000000000:q"}, Allow},
		"deny wins": {`{"Statement":[{"Effect":"Deny","Action":"dynamodb:Delete*","Resource":"*"},{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}`,
			Request{Action: "dynamodb:DeleteItem", Resource: table}, Deny},
		"a wildcard stays in its segment": {`{"Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:*:table/care"}]}`,
			Request{Action: "dynamodb:GetItem", Resource: table}, None},
		"condition holds": {`{"Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{"StringEquals":{"events:source":["fielder.a","fielder.b"]}}}]}`,
			Request{Action: "events:PutEvents", Resource: "x", Context: map[string][]string{"events:source": {"fielder.b"}}}, Allow},
		"condition fails": {`{"Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{"StringEquals":{"events:source":"fielder.a"}}}]}`,
			Request{Action: "events:PutEvents", Resource: "x", Context: map[string][]string{"events:source": {"fielder.c"}}}, None},
		"condition without its key": {`{"Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{"StringLike":{"events:source":"*"}}}]}`,
			Request{Action: "events:PutEvents", Resource: "x"}, None},
		"if exists without its key": {`{"Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"*","Condition":{"StringLikeIfExists":{"events:source":"a"}}}]}`,
			Request{Action: "events:PutEvents", Resource: "x"}, Allow},
		"for all values, one outside": {`{"Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*","Condition":{"ForAllValues:StringLike":{"events:source":"POST#*"}}}]}`,
			Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"events:source": {"POST#1", "CUSTOMER#1"}}}, None},
		"for any value": {`{"Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*","Condition":{"ForAnyValue:StringLike":{"events:source":"POST#*"}}}]}`,
			Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"events:source": {"POST#1", "CUSTOMER#1"}}}, Allow},
		"service principal with its source": {`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/bus/r"}}}]}`,
			Request{Action: "sqs:SendMessage", Resource: "q", Principal: "Service:events.amazonaws.com", Context: map[string][]string{"aws:sourcearn": {"arn:aws:events:us-east-1:000000000000:rule/bus/r"}}}, Allow},
		"another service": {`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
			Request{Action: "sqs:SendMessage", Resource: "q", Principal: "Service:sns.amazonaws.com"}, None},
		"only over TLS": {`{"Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
			Request{Action: "sqs:SendMessage", Resource: "q", Principal: "AWS:x", Context: map[string][]string{"aws:securetransport": {"true"}}}, None},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := parse(t, c.policy)
			if err != nil {
				t.Fatal(err)
			}
			if got := Evaluate([]Policy{p}, c.request); got != c.expected {
				t.Errorf("got %v, want %v", got, c.expected)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]struct{ doc, names string }{
		"NotAction":       {`{"Statement":[{"Effect":"Allow","NotAction":"a:b","Resource":"*"}]}`, "P.Statement[0].NotAction"},
		"no action":       {`{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, "no Action"},
		"effect":          {`{"Statement":[{"Effect":"allow","Action":"a:b"}]}`, "Effect"},
		"operator":        {`{"Statement":[{"Effect":"Allow","Action":"a:b","Condition":{"IpAddress":{"aws:SourceIp":"1.2.3.4"}}}]}`, "IpAddress"},
		"key":             {`{"Statement":[{"Effect":"Allow","Action":"a:b","Condition":{"StringEquals":{"s3:prefix":"x"}}}]}`, "s3:prefix"},
		"not an object":   {`["x"]`, "must be an object"},
		"principal":       {`{"Statement":[{"Effect":"Allow","Action":"a:b","Principal":{"Federated":"x"}}]}`, "Federated"},
		"unknown element": {`{"Statement":[],"Extra":1}`, "P.Extra"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(t, c.doc); err == nil || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v, want an error that names %q", err, c.names)
			}
		})
	}
}

// The standard library's path.Match agrees on patterns without its other
// special characters and texts without slashes.
func TestGlobAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		want, err := path.Match(pattern, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Glob(pattern, text); got != want {
			t.Fatalf("Glob(%q, %q) = %v", pattern, text, got)
		}
	})
}
