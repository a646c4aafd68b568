// Package mailserver is an embedded mail server for development and tests:
// mail comes in over SMTP and goes out over IMAP4rev1 with IDLE, MOVE and UIDPLUS.
//
// Nothing is ever relayed. Every recipient, of whatever domain, has a mailbox
// here, so the answer to customer@example.com is found in the mailbox
// customer@example.com, over IMAP or through [Server.Messages].
//
// It keeps what a client with a durable cursor relies on: UIDVALIDITY, UIDs,
// flags and UIDNEXT outlive a restart and a kill, and no UID is given twice
// (RFC 9051 section 2.3.1.1). A mailbox is a folder:
//
//	uidvalidity                        the last UIDVALIDITY given to any mailbox
//	accounts/ADDRESS/UIDVALIDITY/
//	    name                           of the mailbox; without it the folder is litter
//	    UID-NANOSECONDS.eml            a message and when it was received (Unix time)
//	    log                            flags set, UIDs expunged; only ever appended to
//
// A message exists if and only if its file does. Files are written aside,
// synced and then linked into place before SMTP or IMAP says OK; an expunge is
// logged and synced before the file goes, so the log knows the highest UID
// used. Two servers must not share a folder.
//
// The package knows nothing of the product: it is a server like any other to
// the code under test. It is not for production: no TLS, no quota, no relay, no
// search by words, no renaming.
package mailserver
