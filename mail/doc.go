// Package mail holds what its subpackages share: addresses and secrets.
//
//   - mail/message parses raw RFC 5322 mail, however broken it is.
//   - mail/imap watches a mailbox and fetches, flags and moves its messages.
//   - mail/smtp sends.
//
// Nothing below mail knows of workflows, connectors or the blob store: content goes to an io.Writer or to a
// function that the caller passes in.
package mail
