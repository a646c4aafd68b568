// Package message parses raw mail (RFC 5322, MIME) as it arrives, which is seldom as the RFCs say.
//
// Parse never fails because of what a mail contains. What is broken is read as far as it makes sense, else kept as a
// raw attachment, and named in Message.Defects; the only errors are those of the reader and of the caller's sink. Memory
// is bounded by Limits: one pass over the reader, attachments go to the sink as they are decoded. What reports say of
// other mail is kept on the way: Classify, Original and BounceOf tell an answer from a bounce and what it is about.
//
// Own code where the libraries give up on the whole mail: go-message's multipart reader ends at a malformed part header,
// at mixed line ends and at a missing inner boundary; the decoders of the standard library end at the first wrong byte;
// mime.ParseMediaType refuses unquoted spaces, doubled parameters and RFC 2231 in other charsets. Fields, charsets
// and addresses are read by go-message, golang.org/x/text and net/mail.
//
// The package must not know where a mail comes from or what becomes of it.
package message
