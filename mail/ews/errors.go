package ews

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the cause of an Error, as an operator would name it.
type Kind string

// The kinds. HTTP keeps no session, so the account may be used again after each of them.
const (
	KindNetwork       Kind = "network"        // not reachable, cut, or silent: try again
	KindTLS           Kind = "tls"            // certificate: try again rarely, somebody must act
	KindAuth          Kind = "auth"           // user name, password, token or right to the mailbox refused: likewise
	KindUnavailable   Kind = "unavailable"    // the server says not now (busy, limits, maintenance): try again
	KindFolderMissing Kind = "folder-missing" // the folder does not exist
	KindProtocol      Kind = "protocol"       // an answer that is not understood, or a request refused
)

var words = map[Kind]string{
	KindNetwork:       "the connection failed",
	KindTLS:           "no trusted encrypted connection",
	KindAuth:          "the server refused the user",
	KindUnavailable:   "the server is not available now",
	KindFolderMissing: "the folder is not there",
	KindProtocol:      "the server answered what was not expected",
}

// Error tells what was being done, and why it failed. It never holds a password or a token.
type Error struct {
	Kind Kind
	Op   string
	Code string // the server's ResponseCode, as ErrorServerBusy; "" when it gave none
	// RetryAfter is how long the server asked to be left alone. The account waits for that itself.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("ews: %s: %s: ", e.Op, words[e.Kind])
	if e.Code != "" {
		text += e.Code + ": "
	}
	return text + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Response codes (MS-OXWSCDATA 2.2.5.24) that the code looks at.
const (
	noError               = "NoError"
	errItemNotFound       = "ErrorItemNotFound"
	errInvalidSyncState   = "ErrorInvalidSyncStateData"
	errMailboxMove        = "ErrorMailboxMoveInProgress"
	errFolderExists       = "ErrorFolderExists"
	errTooManyConnections = "ErrorExceededConnectionCount"
	errTooManySubscribed  = "ErrorExceededSubscriptionCount"
)

var kindOfCode = map[string]Kind{
	"ErrorFolderNotFound":           KindFolderMissing,
	"ErrorSyncFolderNotFound":       KindFolderMissing,
	"ErrorParentFolderNotFound":     KindFolderMissing,
	"ErrorToFolderNotFound":         KindFolderMissing,
	"ErrorAccessDenied":             KindAuth,
	"ErrorImpersonateUserDenied":    KindAuth,
	"ErrorImpersonationDenied":      KindAuth,
	"ErrorImpersonationFailed":      KindAuth,
	"ErrorNonExistentMailbox":       KindAuth,
	"ErrorMissingEmailAddress":      KindAuth,
	"ErrorAccountDisabled":          KindAuth,
	"ErrorPasswordExpired":          KindAuth,
	"ErrorTokenSerializationDenied": KindAuth,

	"ErrorServerBusy":                       KindUnavailable,
	"ErrorInternalServerError":              KindUnavailable,
	"ErrorInternalServerTransientError":     KindUnavailable,
	"ErrorTimeoutExpired":                   KindUnavailable,
	"ErrorTooManyObjectsOpened":             KindUnavailable,
	"ErrorMailboxStoreUnavailable":          KindUnavailable,
	"ErrorMailboxFailover":                  KindUnavailable,
	"ErrorConnectionFailed":                 KindUnavailable,
	"ErrorInsufficientResources":            KindUnavailable,
	"ErrorNoRespondingCASInDestinationSite": KindUnavailable,
	"ErrorADUnavailable":                    KindUnavailable,
	"ErrorADOperation":                      KindUnavailable,
	"ErrorBatchProcessingStopped":           KindUnavailable,
	errMailboxMove:                          KindUnavailable,
	errTooManyConnections:                   KindUnavailable,
	errTooManySubscribed:                    KindUnavailable,
}

// subscribeAnew are the codes after which a subscription is of no more use.
var subscribeAnew = []string{
	"ErrorSubscriptionNotFound", "ErrorInvalidSubscription", "ErrorExpiredSubscription", "ErrorSubscriptionUnsubscribed",
	"ErrorMissedNotificationEvents", "ErrorReadEventsFailed", "ErrorInvalidWatermark", errMailboxMove,
	"ErrorProxiedSubscriptionCallFailure",
	"ErrorNewEventStreamConnectionOpened", // another connection has taken it
}

func (e *Error) ends(subscription string) bool {
	return subscription != "" && slices.Contains(subscribeAnew, e.Code)
}

func (e *Error) overLimit() bool {
	return e.Code == errTooManyConnections || e.Code == errTooManySubscribed
}

func codeOf(err error) string {
	if failure := new(Error); errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// refused makes the Error of a response code.
func refused(op, code, text string, retryAfter time.Duration) *Error {
	kind, known := kindOfCode[code]
	if !known {
		kind = KindProtocol
	}
	if text = strings.TrimSpace(text); text == "" {
		text = "no reason given"
	}
	return &Error{Kind: kind, Op: op, Code: code, RetryAfter: retryAfter, Err: errors.New(cut(text))}
}

func kindOf(err error) Kind {
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &record) || errors.As(err, &alert) {
		return KindTLS
	}
	return KindNetwork
}

// ended is the Error of a context that ended.
func ended(ctx context.Context, op string) *Error {
	return &Error{Kind: KindNetwork, Op: op, Err: context.Cause(ctx)}
}

// cut bounds a server's text, which goes into logs.
func cut(text string) string {
	const longest = 300
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
