package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

func cancelled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, c := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(c)})
	}
	return e
}

func TestErrorCodes(t *testing.T) {
	api := func(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
	for _, c := range []struct {
		name string
		err  error
		want care.Code
	}{
		{"no error", nil, ""},
		{"condition", &types.ConditionalCheckFailedException{}, care.Conflict},
		{"transaction, condition", cancelled("None", "ConditionalCheckFailed"), care.Conflict},
		{"transaction, condition and conflict", cancelled("TransactionConflict", "ConditionalCheckFailed"), care.Conflict},
		{"transaction, conflict", cancelled("None", "TransactionConflict"), care.Busy},
		{"transaction, throttled", cancelled("ThrottlingError"), care.Throttled},
		{"transaction, capacity", cancelled("ProvisionedThroughputExceeded"), care.Throttled},
		{"transaction, invalid", cancelled("ValidationError"), care.Internal},
		{"conflict with a transaction", &types.TransactionConflictException{}, care.Busy},
		{"same transaction under way", &types.TransactionInProgressException{}, care.Busy},
		{"capacity", &types.ProvisionedThroughputExceededException{}, care.Throttled},
		{"throttled", &types.ThrottlingException{}, care.Throttled},
		{"account's limit", &types.RequestLimitExceeded{}, care.Throttled},
		{"server", &types.InternalServerError{}, care.Unavailable},
		{"unknown fault of the server", &smithy.GenericAPIError{Code: "Surprise", Fault: smithy.FaultServer}, care.Unavailable},
		{"no table", &types.ResourceNotFoundException{}, care.Internal},
		{"no permission", api("AccessDeniedException", ""), care.Denied},
		{"token ran out", api("ExpiredTokenException", ""), care.Denied},
		{"too large", api("ValidationException", "Item size has exceeded the maximum allowed size"), care.Invalid},
		{"bad expression", api("ValidationException", "Invalid UpdateExpression"), care.Internal},
		{"time-out", context.DeadlineExceeded, care.Unavailable},
		{"cancelled", context.Canceled, care.Unavailable},
		{"network", &net.OpError{Op: "dial", Err: errors.New("refused")}, care.Unavailable},
		{"inside the SDK", &smithy.OperationError{ServiceID: "DynamoDB", Err: errors.New("retry quota exceeded")}, care.Unavailable},
		{"throttled, as the SDK wraps it", &smithy.OperationError{Err: fmt.Errorf("attempts: %w", &types.ThrottlingException{})}, care.Throttled},
		{"our own", care.Errorf(care.NotFound, "nobody"), care.NotFound},
		{"anything else", errors.New("surprise"), care.Internal},
	} {
		if got := care.CodeOf(failed("test", c.err)); got != c.want {
			t.Errorf("%s: code %q, want %q", c.name, got, c.want)
		}
	}
}

// TestStampsSort: the table's sort keys order as time does, whatever the zone
// and the fraction.
func TestStampsSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := func(name string) time.Time {
			at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+"Nanos"))
			return at.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, name+"Zone")*3600))
		}
		a, b := moment("a"), moment("b")
		if a.Before(b) != (stamp(a) < stamp(b)) {
			t.Fatalf("%s and %s sort as %s and %s", a, b, stamp(a), stamp(b))
		}
		if !parseStamp(stamp(a)).Equal(a) {
			t.Fatalf("%s comes back as %s", a, parseStamp(stamp(a)))
		}
	})
}

func TestKeysOfIDs(t *testing.T) {
	for _, ok := range []key{postKey("x:1"), identityKey("email", "a@b.cd"), customerKey("cus_1"), timelineKey("", "con_1", stamp(time.Time{}), "x:1")} {
		if err := ok.check(); err != nil {
			t.Errorf("%+v: %v", ok, err)
		}
	}
	for _, bad := range []key{postKey(""), identityKey("email", ""), customerKey(""), lockKey(""), capKey("name", ""), capKey("", "bucket"), takerKey(""),
		postKey(care.PostID(strings.Repeat("x", 2100))), openKey("cus_1", care.ConversationID(strings.Repeat("x", 1030)))} {
		if err := bad.check(); care.CodeOf(err) != care.Invalid {
			t.Errorf("%.40q: error %v, want Invalid", bad, err)
		}
	}
}

// TestShardsSpread: ids of a storm spread evenly over the index's keys.
func TestShardsSpread(t *testing.T) {
	var load [undecidedShards]int
	const n = 8000
	for i := range n {
		load[shardOf(fmt.Sprintf("x:18970000000000%05d", i), undecidedShards)]++
	}
	for shard, posts := range load {
		if posts < n/undecidedShards*7/10 || posts > n/undecidedShards*13/10 {
			t.Errorf("shard %d has %d of %d posts", shard, posts, n)
		}
	}
}

func TestErrUnstorable(t *testing.T) {
	if _, err := encode(care.Triage{Sentiment: math.NaN()}); care.CodeOf(err) != care.Invalid {
		t.Errorf("error %v, want Invalid", err)
	}
}

// TestKeysDocument: every item of the table's description is one that the code
// writes, and the other way round.
func TestKeysDocument(t *testing.T) {
	source, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	prefix := regexp.MustCompile(`\b([A-Z]{3,}(?:S)?)#`)
	documented, written := make(map[string]bool), make(map[string]bool)
	for _, line := range strings.Split(string(source), "\n") {
		into := written
		if strings.HasPrefix(line, "//") {
			into = documented
		}
		for _, m := range prefix.FindAllStringSubmatch(line, -1) {
			into[m[1]] = true
		}
	}
	for p := range written {
		if !documented[p] {
			t.Errorf("keys %s# are written, but not described in keys.go", p)
		}
	}
	for p := range documented {
		if !written[p] {
			t.Errorf("keys %s# are described in keys.go, but not written", p)
		}
	}
}

// busyTables is a client whose transactions meet others: each answer is what one
// of them gets, and then they succeed.
type busyTables struct {
	client
	answers []error
	tries   int
}

func (b *busyTables) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	b.tries++
	if len(b.answers) > 0 {
		err := b.answers[0]
		b.answers = b.answers[1:]
		return nil, err
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// TestTakeInTheWay: DynamoDB refuses a transaction that meets another on one
// item; dynoxide runs them one after the other and never does.
func TestTakeInTheWay(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	conflict, throttled := cancelled("None", "TransactionConflict"), cancelled("ThrottlingError", "None")
	times := func(n int, err error) (list []error) {
		for range n {
			list = append(list, err)
		}
		return list
	}
	for _, c := range []struct {
		name    string
		answers []error
		full    string
		code    care.Code
		tries   int
	}{
		{"free", nil, "", "", 1},
		{"in the way once", times(1, conflict), "", "", 2},
		{"in the way, then throttled", []error{conflict, throttled, conflict}, "", "", 4},
		{"another transaction under way", times(2, &types.TransactionInProgressException{}), "", "", 3},
		{"always in the way", times(100, conflict), "", care.Busy, maxTries},
		{"always throttled", times(100, throttled), "", care.Throttled, maxTries},
		{"taken before, and in the way", times(1, cancelled("ConditionalCheckFailed", "TransactionConflict")), "", "", 1},
		{"taken before, and full since", times(1, cancelled("ConditionalCheckFailed", "ConditionalCheckFailed")), "", "", 1},
		{"in the way, then full", []error{conflict, cancelled("None", "ConditionalCheckFailed")}, "author", "", 2},
		{"not allowed to", times(1, &smithy.GenericAPIError{Code: "AccessDeniedException"}), "", care.Denied, 1},
		{"time-out", times(1, context.DeadlineExceeded), "", care.Unavailable, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &busyTables{answers: c.answers}
				full, err := New(api, "table", func() time.Time { return noon }).Take(t.Context(), "reply:x:1",
					[]care.Cap{{Name: "author", Bucket: "today", Amount: 1, Limit: 2}}, noon.Add(time.Hour))
				if full != c.full || care.CodeOf(err) != c.code || api.tries != c.tries {
					t.Errorf("full %q, %v after %d tries; want %q, %s, %d", full, err, api.tries, c.full, c.code, c.tries)
				}
			})
		})
	}
}
