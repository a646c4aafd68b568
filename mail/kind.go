package mail

import "errors"

// Kind is the cause of an error of a source, as an operator would name it. Whether the account can be used after it is for the source
// to say.
type Kind string

// The kinds.
const (
	KindNetwork       Kind = "network"        // not reachable, cut, or silent: try again
	KindTLS           Kind = "tls"            // certificate or STARTTLS: try again rarely, somebody must act
	KindAuth          Kind = "auth"           // user name, password, token or right to the mailbox refused: likewise
	KindUnavailable   Kind = "unavailable"    // the server says not now (overload, limits, maintenance): try again
	KindReconnect     Kind = "reconnect"      // the session was as long as its token: connect again at once, nothing failed
	KindFolderMissing Kind = "folder-missing" // the folder does not exist or may not be opened
	KindProtocol      Kind = "protocol"       // an answer that is not understood, or a command refused
)

// KindOf is the kind of an error of any source, "" of others.
func KindOf(err error) Kind {
	var of interface {
		error
		MailKind() Kind
	}
	if errors.As(err, &of) {
		return of.MailKind()
	}
	return ""
}
