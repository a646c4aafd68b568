// Package email is the connector email: the action SEND and the definition of the event EMAIL_RECEIVED, which the
// mailbox subscription produces and package trigger matches. It composes mails and classifies refusals; mail/smtp
// transports them.
//
// The Message-ID is made of the idempotency key, so that the repetition of a call, after a crash between the server's
// acceptance and the recording of it, sends a mail that readers and servers can recognise as the same.
//
// Every mail is marked by RFC 3834: a reply (inReplyTo given) as Auto-Submitted: auto-replied, others as
// auto-generated, so that no absence note answers it. SEND itself refuses no recipient for looking like a machine: an
// address does not tell (there are people behind no-reply@), the mail that is answered does. That is why triggers pass
// automatic mail over unless they ask for it, and a process that does ask decides by the output automatic.
//
// Files that the HTML shows (input inline) are referred to by their names, cid:NAME; show makes content ids of these.
//
// No value begins a header, a recipient or a mail of its own: line ends are refused in what goes into a header, and what remains is
// encoded by the libraries below. TestNoInputInjects holds the attacks, against what goes over the wire.
//
// Failures: what a retry cannot mend is a BPMN error (a refusal with 5xx, an invalid input, a template); a temporary
// refusal (4xx), a broken connection and an unreadable file store are retried. A mail that some recipients were refused
// for and others not has been sent: the output refused lists them, and a retry would reach the others twice.
package email
