package store

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/care"
)

// failed turns an error of the SDK into a care.Error. The message says what was
// attempted, and holds no key and no personal data.
//
//	condition not met, transaction's condition not met    Conflict
//	another transaction is at the item                    Busy
//	throttled                                             Throttled
//	time-out, cancelled, network, 5xx                     Unavailable
//	credentials, permissions                              Denied
//	item over 400 KB                                      Invalid
//	anything else (missing table, malformed expression)   Internal
//
// Unavailable is right although a write that timed out may have happened: every
// write here is conditional or sets absolute values, so trying again is safe.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	var own *care.Error
	if errors.As(err, &own) {
		return err
	}
	return care.Errorf(codeOf(err), "%s: %w", what, err)
}

func codeOf(err error) care.Code {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		code := care.Internal
		for _, r := range cancelled.CancellationReasons {
			switch deref(r.Code) {
			case "ConditionalCheckFailed":
				return care.Conflict
			case "TransactionConflict":
				code = care.Busy
			case "ThrottlingError", "ProvisionedThroughputExceeded":
				code = care.Throttled
			case "ItemCollectionSizeLimitExceeded":
				code = care.Invalid
			}
		}
		return code
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ConditionalCheckFailedException":
			return care.Conflict
		case "TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException":
			return care.Busy
		case "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling",
			"RequestLimitExceeded", "LimitExceededException", "TooManyRequestsException":
			return care.Throttled
		case "InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException":
			return care.Unavailable
		case "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException",
			"InvalidSignatureException", "MissingAuthenticationTokenException", "IncompleteSignatureException":
			return care.Denied
		case "ValidationException":
			if strings.Contains(api.ErrorMessage(), "Item size") {
				return care.Invalid
			}
			return care.Internal
		}
		if api.ErrorFault() == smithy.FaultServer {
			return care.Unavailable
		}
		return care.Internal
	}
	var network net.Error
	var operation *smithy.OperationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &network):
		return care.Unavailable
	case errors.As(err, &operation):
		// Failed inside the SDK without an answer from DynamoDB: connection
		// refused, broken response, out of retry quota.
		return care.Unavailable
	}
	return care.Internal
}

// refusedItem returns the item that made a conditional write fail. ok is false
// when err is something else.
func refusedItem(err error) (it item, ok bool) {
	var c *types.ConditionalCheckFailedException
	if errors.As(err, &c) {
		return c.Item, true
	}
	return nil, false
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
