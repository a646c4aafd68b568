// Package smtp sends mail: it composes a message and hands it to one mail server. It keeps no queue and tries nothing
// again; Error.Temporary tells the caller whether another try is worth it.
//
// go-mail composes and speaks the protocol. The envelope is driven here, command by command, because go-mail's own Send
// gives up the whole mail at the first refused recipient; and attachments are written here, because go-mail holds each
// encoded attachment in memory (see compose.go).
//
// The package must not know why a mail is sent, or where attachments are stored.
package smtp
