// Package smtp sends mail: it composes a message, signs it, and hands it to one mail server. It keeps no queue and tries nothing again;
// Error.Temporary tells the caller whether another try is worth it, Error.Uncertain that one may bring the mail twice. Transport.Check goes the
// way of a mail step by step and names the setting to change.
//
// go-mail composes and speaks the protocol. The envelope is driven here, command by command, because go-mail's own Send
// gives up the whole mail at the first refused recipient; and attachments are written here, because go-mail holds each
// encoded attachment in memory (see compose.go). A mail is written twice, the first time to nobody: for its size (RFC 1870) and its DKIM
// signature, which stands before what it signs. What is composed is ASCII but for addresses that are not, so that no server needs 8BITMIME.
//
// A log-in takes the strongest mechanism that the server offers: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5,
// PLAIN, LOGIN; with an access token XOAUTH2, else OAUTHBEARER. One that fails is not tried again with a weaker one, since accounts are
// locked after some failures.
//
// Connections are kept in a Pool. One that has been used is asked with RSET whether it still lives, and replaced when it does not, or when the
// server ends it at MAIL: until then nothing of the mail has gone out. Later failures are the caller's. At a server there are no more
// connections than Config.Connections, counted over all Transports of a Pool, and fewer for a minute after it has said that they are too many.
//
// The package must not know why a mail is sent, or where attachments are stored.
package smtp
