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

	"github.com/waybill-io/waybill/mail"
)

var words = map[mail.Kind]string{
	mail.KindNetwork:       "the connection failed",
	mail.KindTLS:           "no trusted encrypted connection",
	mail.KindAuth:          "the server refused the user",
	mail.KindUnavailable:   "the server is not available now",
	mail.KindFolderMissing: "the folder is not there",
	mail.KindProtocol:      "the server answered what was not expected",
}

// Error tells what was being done, and why it failed. It never holds a password or a token. HTTP keeps no session, so the account may
// be used again after each.
type Error struct {
	Kind mail.Kind
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

// MailKind is for mail.KindOf.
func (e *Error) MailKind() mail.Kind { return e.Kind }

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

var kindOfCode = map[string]mail.Kind{
	"ErrorFolderNotFound":           mail.KindFolderMissing,
	"ErrorSyncFolderNotFound":       mail.KindFolderMissing,
	"ErrorParentFolderNotFound":     mail.KindFolderMissing,
	"ErrorToFolderNotFound":         mail.KindFolderMissing,
	"ErrorAccessDenied":             mail.KindAuth,
	"ErrorImpersonateUserDenied":    mail.KindAuth,
	"ErrorImpersonationDenied":      mail.KindAuth,
	"ErrorImpersonationFailed":      mail.KindAuth,
	"ErrorNonExistentMailbox":       mail.KindAuth,
	"ErrorMissingEmailAddress":      mail.KindAuth,
	"ErrorAccountDisabled":          mail.KindAuth,
	"ErrorPasswordExpired":          mail.KindAuth,
	"ErrorTokenSerializationDenied": mail.KindAuth,

	"ErrorServerBusy":                       mail.KindUnavailable,
	"ErrorInternalServerError":              mail.KindUnavailable,
	"ErrorInternalServerTransientError":     mail.KindUnavailable,
	"ErrorTimeoutExpired":                   mail.KindUnavailable,
	"ErrorTooManyObjectsOpened":             mail.KindUnavailable,
	"ErrorMailboxStoreUnavailable":          mail.KindUnavailable,
	"ErrorMailboxFailover":                  mail.KindUnavailable,
	"ErrorConnectionFailed":                 mail.KindUnavailable,
	"ErrorInsufficientResources":            mail.KindUnavailable,
	"ErrorNoRespondingCASInDestinationSite": mail.KindUnavailable,
	"ErrorADUnavailable":                    mail.KindUnavailable,
	"ErrorADOperation":                      mail.KindUnavailable,
	"ErrorBatchProcessingStopped":           mail.KindUnavailable,
	errMailboxMove:                          mail.KindUnavailable,
	errTooManyConnections:                   mail.KindUnavailable,
	errTooManySubscribed:                    mail.KindUnavailable,
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
		kind = mail.KindProtocol
	}
	if text = strings.TrimSpace(text); text == "" {
		text = "no reason given"
	}
	return &Error{Kind: kind, Op: op, Code: code, RetryAfter: retryAfter, Err: errors.New(cut(text))}
}

func kindOf(err error) mail.Kind {
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &record) || errors.As(err, &alert) {
		return mail.KindTLS
	}
	return mail.KindNetwork
}

// ended is the Error of a context that ended.
func ended(ctx context.Context, op string) *Error {
	return &Error{Kind: mail.KindNetwork, Op: op, Err: context.Cause(ctx)}
}

// cut bounds a server's text, which goes into logs.
func cut(text string) string {
	const longest = 300
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
