// Package mail holds what its subpackages share: addresses, secrets, certificate authorities, which host is this machine, and
// what sources of mail have in common.
//
//   - mail/message parses raw RFC 5322 mail, however broken it is.
//   - mail/imap watches a mailbox and fetches, flags and moves its messages.
//   - mail/ews does the same with a mailbox on an Exchange server.
//   - mail/smtp sends.
//   - mail/preset knows the servers of large providers, mail/autodiscover finds those of an address.
//
// Nothing below mail knows of workflows, connectors or the blob store: content goes to an io.Writer or to a
// function that the caller passes in.
package mail
