package mail

import (
	"errors"
	"maps"
	"slices"
)

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
	KindSettings      Kind = "settings"       // a secret or file that the settings name cannot be had: somebody must act
)

// classes are the kinds of errors, each with the class of exception that listener services before had for it.
var classes = map[Kind]string{
	KindNetwork:       "System.Net.Sockets.SocketException",
	KindTLS:           "MailKit.Security.SslHandshakeException",
	KindAuth:          "MailKit.Security.AuthenticationException",
	KindUnavailable:   "Microsoft.Exchange.WebServices.Data.ServerBusyException",
	KindFolderMissing: "MailKit.FolderNotFoundException",
	KindProtocol:      "MailKit.Net.Imap.ImapProtocolException",
	KindSettings:      "System.Configuration.ConfigurationException",
}

// Kinds are those that are failures, sorted: all but KindReconnect.
func Kinds() []Kind { return slices.Sorted(maps.Keys(classes)) }

// Class is the class of exception that applications know the kind by.
func (k Kind) Class() string { return classes[k] }

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
