// Package mailevent says what a mail is as an event that triggers match: its outputs, whose names package trigger lists. It reads no mailbox
// and stores nothing: whoever calls it has parsed the mail and has put its attachments where they belong.
package mailevent
