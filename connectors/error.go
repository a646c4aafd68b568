package connectors

import (
	"errors"
	"time"
)

// Kind says what to do about a failed call.
type Kind int

const (
	// Retryable is worth another attempt, as often as the policy allows. It is the zero value: what a connector does
	// not understand is tried again, with that cap.
	Retryable Kind = iota
	// BPMN is a named error that the process may catch at a boundary event. It is not retried.
	BPMN
	// Permanent is not worth a retry and not for the process: an operator has to look.
	Permanent
)

func (k Kind) String() string {
	switch k {
	case BPMN:
		return "bpmn"
	case Permanent:
		return "permanent"
	}
	return "retryable"
}

// Codes that every connector shares. A connector's definition lists the codes it uses.
const (
	CodeMissingInput = "MISSING_INPUT"
	CodeInvalidInput = "INVALID_INPUT"
	CodeUnknown      = "UNKNOWN_ERROR"

	CodeInvalidOutput = "INVALID_OUTPUT" // the connector has a fault, or its definition
	CodeUnknownAction = "UNKNOWN_ACTION"
	CodeNotConfigured = "NOT_CONFIGURED"
	CodeUnauthorized  = "UNAUTHORIZED"
	CodeNotFound      = "NOT_FOUND"
)

// Error is a failed call. Neither Public nor Err may hold a secret: both are written to histories and logs.
type Error struct {
	Kind   Kind
	Code   string        // as in the definition's errors: EMAIL_SEND_ERROR
	After  time.Duration // Retryable: not before this; 0: as the policy says
	Public string        // for the people and variables of the process: what happened and what would be right
	Err    error         // the cause, for operators; may be nil
}

func (e *Error) Error() string {
	text := e.Code + ": " + e.Public
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// AsError returns the *Error in err's tree, or a retryable one around an error that a connector did not classify.
// It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Retryable, Code: CodeUnknown, Public: "the connector failed for a reason it does not know", Err: err}
}

var _ error = (*Error)(nil)
