package care

import (
	"errors"
	"fmt"
)

// Code names a kind of failure. Codes cross the Lambda boundary as the error's
// type, so that a workflow's Retry and Catch can match them; a test holds every
// ErrorEquals of the workflows against Codes().
type Code string

// The codes, and who should do what.
const (
	Invalid     Code = "Invalid"     // the input is wrong; trying again changes nothing
	NotFound    Code = "NotFound"    // the thing named is not there (any more)
	Conflict    Code = "Conflict"    // someone else changed it first; read again and retry
	Busy        Code = "Busy"        // someone else is at it (lock, lease, claim); retry later
	Throttled   Code = "Throttled"   // rate limit; retry after a while
	Unavailable Code = "Unavailable" // the other side failed or timed out before doing anything; retry
	Unknown     Code = "Unknown"     // the other side may or may not have done it: read back, never blindly retry
	Denied      Code = "Denied"      // credentials are wrong or missing a permission; a person must act
	Refused     Code = "Refused"     // the other side will not do it, for good (deleted target, closed window)
	Internal    Code = "Internal"    // a defect of ours
)

// Codes lists every code.
func Codes() []Code {
	return []Code{Invalid, NotFound, Conflict, Busy, Throttled, Unavailable, Unknown, Denied, Refused, Internal}
}

// Error carries a code, a sentence safe to show and log (no personal data), and
// the cause.
type Error struct {
	Code    Code
	Message string
	Cause   error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error; a %w operand becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// CodeOf finds the code of the first Error in err's chain; Internal for any
// other error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
