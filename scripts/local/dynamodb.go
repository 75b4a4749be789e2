package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/cost"
)

// newEngineClient keeps enough connections for every function process.
func newEngineClient() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}
}

// engine sends a request to the DynamoDB engine as it is. The engine asks for a
// signature and does not check it.
func (s *Stack) engine(ctx context.Context, name string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.dynamoURL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	now := time.Now().UTC()
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+name)
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/"+now.Format("20060102")+"/"+cfn.Region+"/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature="+strings.Repeat("0", 64))
	resp, err := s.dynamo.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("DynamoDB engine: %w", err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp.StatusCode, out, err
}

// access is one thing that a DynamoDB call does.
type access struct{ action, resource string }

// tableAccess says what a call needs. Batch and transaction calls name several
// tables; a transaction needs the actions of its parts ("Actions, resources, and
// condition keys for Amazon DynamoDB").
func (s *Stack) tableAccess(name string, request map[string]json.RawMessage) ([]access, error) {
	text := func(raw json.RawMessage) string {
		var t string
		_ = json.Unmarshal(raw, &t) // anything else is no table name, and matches no policy
		return t
	}
	arn := func(table string) string {
		if strings.HasPrefix(table, "arn:") {
			return table
		}
		return arnOf("dynamodb", "table/"+table)
	}
	switch name {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem", "DescribeTable":
		return []access{{"dynamodb:" + name, arn(text(request["TableName"]))}}, nil
	case "Query", "Scan":
		resource := arn(text(request["TableName"]))
		if index := text(request["IndexName"]); index != "" {
			resource += "/index/" + index
		}
		return []access{{"dynamodb:" + name, resource}}, nil
	case "BatchGetItem", "BatchWriteItem":
		var items map[string]json.RawMessage
		if err := read(request["RequestItems"], &items); err != nil {
			return nil, err
		}
		var out []access
		for table := range items {
			out = append(out, access{"dynamodb:" + name, arn(table)})
		}
		return out, nil
	case "TransactWriteItems", "TransactGetItems":
		var items []map[string]struct{ TableName string }
		if err := read(request["TransactItems"], &items); err != nil {
			return nil, err
		}
		actions := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}
		var out []access
		for _, item := range items {
			for kind, what := range item {
				out = append(out, access{"dynamodb:" + actions[kind], arn(what.TableName)})
			}
		}
		return out, nil
	}
	return nil, unknownOperation("dynamodb", name)
}

var dynamoWrites = map[string]bool{"PutItem": true, "UpdateItem": true, "DeleteItem": true, "BatchWriteItem": true, "TransactWriteItems": true}

// callDynamoDB checks a call and hands it to the engine, asking for the consumed
// capacity along the way.
func (s *Stack) callDynamoDB(ctx context.Context, p principal, name string, body []byte) ([]byte, error) {
	if s.dynamoURL == "" {
		return nil, apiErrorf(http.StatusBadRequest, "ResourceNotFoundException", "the template has no table")
	}
	if p.isOperator() { // tools may use all of the engine
		status, out, err := s.engine(ctx, name, body)
		if err != nil {
			return nil, err
		}
		if failure := engineError(status, out); failure != nil {
			return nil, failure
		}
		return out, nil
	}
	var request map[string]json.RawMessage
	if err := read(body, &request); err != nil {
		return nil, err
	}
	needs, err := s.tableAccess(name, request)
	if err != nil {
		return nil, err
	}
	for _, need := range needs {
		if err := s.authorize(p, need.action, need.resource, nil); err != nil {
			return nil, err
		}
	}
	_, asked := request["ReturnConsumedCapacity"]
	if !asked && name != "DescribeTable" {
		request["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
		if body, err = json.Marshal(request); err != nil {
			return nil, err
		}
	}
	status, out, err := s.engine(ctx, name, body)
	if err != nil {
		return nil, err
	}
	unit, units := cost.ReadUnit, 0.0
	if dynamoWrites[name] {
		unit = cost.WriteUnit
	}
	failure := engineError(status, out)
	if failure == nil {
		var response map[string]json.RawMessage
		if err := json.Unmarshal(out, &response); err != nil {
			return nil, fmt.Errorf("DynamoDB engine: %w", err)
		}
		units = capacity(response["ConsumedCapacity"])
		if !asked {
			delete(response, "ConsumedCapacity")
			if out, err = json.Marshal(response); err != nil {
				return nil, err
			}
		}
	} else if dynamoWrites[name] && (failure.Code == "ConditionalCheckFailedException" || failure.Code == "TransactionCanceledException") {
		// A failed condition costs what the write would have; the engine does not say
		// how much that is. Our items are below 1 KB mostly: one unit, two in a
		// transaction.
		units = float64(len(needs))
		if name == "TransactWriteItems" {
			units *= 2
		}
	}
	s.count(p, false, "dynamodb", name, map[cost.Unit]float64{unit: units})
	if failure != nil {
		return nil, failure
	}
	return out, nil
}

// capacity adds up ConsumedCapacity, an object or a list of them.
func capacity(raw json.RawMessage) float64 {
	type consumed struct{ CapacityUnits float64 }
	var one consumed
	var many []consumed
	if json.Unmarshal(raw, &one) == nil {
		return one.CapacityUnits
	}
	total := 0.0
	if json.Unmarshal(raw, &many) == nil {
		for _, c := range many {
			total += c.CapacityUnits
		}
	}
	return total
}

// engineError passes an error on as the engine gave it, with everything that is
// in it (CancellationReasons, Item).
func engineError(status int, body []byte) *apiError {
	if status < 300 {
		return nil
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // or "Message": encoding/json does not mind
	}
	_ = json.Unmarshal(body, &e) // an engine that does not speak JSON has no type
	return &apiError{Status: status, Code: tail(e.Type, "#"), Message: e.Message, body: body}
}

func (s *Stack) createTable(ctx context.Context, r cfn.Resource) error {
	type key struct{ AttributeName, KeyType string }
	type index struct {
		IndexName  string
		KeySchema  []key
		Projection struct {
			ProjectionType   string
			NonKeyAttributes []string `json:",omitempty"`
		}
	}
	var p struct {
		TableName              string
		AttributeDefinitions   []struct{ AttributeName, AttributeType string }
		KeySchema              []key
		GlobalSecondaryIndexes []index
		BillingMode            string

		TimeToLiveSpecification          cfn.Ignored `why:"DynamoDB deletes days late, so readers filter; the engine's clock is not the stack's"`
		PointInTimeRecoverySpecification cfn.Ignored `why:"there is nothing to recover to"`
		DeletionProtectionEnabled        cfn.Ignored `why:"nobody deletes a local table"`
		SSESpecification                 cfn.Ignored `why:"nothing is encrypted at rest locally"`
		ContributorInsightsSpecification cfn.Ignored `why:"there is no CloudWatch"`
		Tags                             cfn.Ignored `why:"for people"`
	}
	if err := s.template.Decode(r, &p); err != nil {
		return err
	}
	if p.BillingMode != "PAY_PER_REQUEST" {
		return fmt.Errorf("%s.BillingMode: only PAY_PER_REQUEST is supported", r.ID)
	}
	name, err := s.template.Ref(r.ID)
	if err != nil {
		return err
	}
	request := map[string]any{"TableName": name, "AttributeDefinitions": p.AttributeDefinitions, "KeySchema": p.KeySchema, "BillingMode": p.BillingMode}
	if len(p.GlobalSecondaryIndexes) > 0 {
		request["GlobalSecondaryIndexes"] = p.GlobalSecondaryIndexes
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	status, out, err := s.engine(ctx, "CreateTable", body)
	if err != nil {
		return err
	}
	if failure := engineError(status, out); failure != nil && failure.Code != "ResourceInUseException" {
		return fmt.Errorf("%s: %w", r.ID, failure)
	}
	describe, err := json.Marshal(map[string]string{"TableName": name})
	if err != nil {
		return err
	}
	for {
		status, out, err := s.engine(ctx, "DescribeTable", describe)
		if err != nil {
			return err
		}
		if failure := engineError(status, out); failure != nil {
			return fmt.Errorf("%s: %w", r.ID, failure)
		}
		var d struct{ Table struct{ TableStatus string } }
		if err := json.Unmarshal(out, &d); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		if d.Table.TableStatus == "ACTIVE" {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
