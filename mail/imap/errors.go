package imap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"github.com/waybill-io/waybill/mail"
)

// Kind is the cause of an Error, as an operator would name it.
type Kind string

// The kinds. After KindNetwork, KindTLS, KindAuth, KindReconnect and KindProtocol the session is closed or of no more use.
const (
	KindNetwork       Kind = "network"        // not reachable, cut, or silent: try again
	KindTLS           Kind = "tls"            // certificate or STARTTLS: try again rarely, somebody must act
	KindAuth          Kind = "auth"           // user name, password or token refused: likewise
	KindUnavailable   Kind = "unavailable"    // the server says not now (overload, limits, maintenance): try again
	KindReconnect     Kind = "reconnect"      // the session was as long as its token: dial again at once, nothing failed
	KindFolderMissing Kind = "folder-missing" // the folder does not exist or may not be opened
	KindProtocol      Kind = "protocol"       // an answer that is not understood, or a command refused
)

var words = map[Kind]string{
	KindNetwork:       "the connection failed",
	KindTLS:           "no trusted encrypted connection",
	KindAuth:          "the server refused the user name or the password",
	KindUnavailable:   "not available now",
	KindReconnect:     "the session ended",
	KindFolderMissing: "the folder cannot be opened",
	KindProtocol:      "the server answered what was not expected",
}

// Error tells what was being done, and why it failed. It never holds a password or a token.
type Error struct {
	Kind Kind
	Op   string
	Err  error
}

func (e *Error) Error() string {
	cause := words[e.Kind]
	if _, refused := isNo(e.Err); refused && e.Kind == KindProtocol {
		cause = "the server refused"
	}
	if errors.Is(e.Err, errNotOffered) {
		cause = "there is no way in"
	}
	if refusal := new(TokenError); errors.As(e.Err, &refusal) && e.Kind == KindAuth {
		cause = "the server refused the token (expired, revoked, or without the right scope)"
	}
	return fmt.Sprintf("imap: %s: %s: %v", e.Op, cause, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Errors about one message; the session stays usable.
var (
	ErrGone     = mail.ErrGone
	ErrTooLarge = mail.ErrTooLarge
)

// kindOf classifies what the library returned. It loses the type of most errors while decoding, so whether the
// connection itself failed is told by the connection.
func kindOf(err, connErr error) Kind {
	var answer *imap.Error
	if errors.As(err, &answer) {
		switch answer.Code {
		case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit, imap.ResponseCodeServerBug:
			return KindUnavailable
		}
		if answer.Type == imap.StatusResponseTypeBye {
			return KindUnavailable
		}
		return KindProtocol
	}
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &record) || errors.As(err, &alert) {
		return KindTLS
	}
	if connErr != nil {
		return KindNetwork
	}
	return KindProtocol
}

// isNo reports whether the server refused a command with NO, as it does for what cannot be done.
func isNo(err error) (*imap.Error, bool) {
	var answer *imap.Error
	ok := errors.As(err, &answer) && answer.Type == imap.StatusResponseTypeNo
	return answer, ok
}
