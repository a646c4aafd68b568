package imap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"github.com/waybill-io/waybill/mail"
)

var words = map[mail.Kind]string{
	mail.KindNetwork:       "the connection failed",
	mail.KindTLS:           "no trusted encrypted connection",
	mail.KindAuth:          "the server refused the user name or the password",
	mail.KindUnavailable:   "not available now",
	mail.KindReconnect:     "the session ended",
	mail.KindFolderMissing: "the folder cannot be opened",
	mail.KindProtocol:      "the server answered what was not expected",
}

// Error tells what was being done, and why it failed. It never holds a password or a token. After mail.KindNetwork, KindTLS, KindAuth,
// KindReconnect and KindProtocol the session is closed or of no more use.
type Error struct {
	Kind mail.Kind
	Op   string
	Err  error
}

func (e *Error) Error() string {
	cause := words[e.Kind]
	if _, refused := isNo(e.Err); refused && e.Kind == mail.KindProtocol {
		cause = "the server refused"
	}
	if errors.Is(e.Err, errNotOffered) {
		cause = "there is no way in"
	}
	if refusal := new(TokenError); errors.As(e.Err, &refusal) && e.Kind == mail.KindAuth {
		cause = "the server refused the token (expired, revoked, or without the right scope)"
	}
	return fmt.Sprintf("imap: %s: %s: %v", e.Op, cause, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// MailKind is for mail.KindOf.
func (e *Error) MailKind() mail.Kind { return e.Kind }

// Errors about one message; the session stays usable.
var (
	ErrGone     = mail.ErrGone
	ErrTooLarge = mail.ErrTooLarge
)

// kindOf classifies what the library returned. It loses the type of most errors while decoding, so whether the
// connection itself failed is told by the connection.
func kindOf(err, connErr error) mail.Kind {
	var answer *imap.Error
	if errors.As(err, &answer) {
		switch answer.Code {
		case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit, imap.ResponseCodeServerBug:
			return mail.KindUnavailable
		}
		if answer.Type == imap.StatusResponseTypeBye {
			return mail.KindUnavailable
		}
		return mail.KindProtocol
	}
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &record) || errors.As(err, &alert) {
		return mail.KindTLS
	}
	if connErr != nil {
		return mail.KindNetwork
	}
	return mail.KindProtocol
}

// isNo reports whether the server refused a command with NO, as it does for what cannot be done.
func isNo(err error) (*imap.Error, bool) {
	var answer *imap.Error
	ok := errors.As(err, &answer) && answer.Type == imap.StatusResponseTypeNo
	return answer, ok
}
