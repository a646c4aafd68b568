package smtp

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
)

// Stage is how far a mail came.
type Stage string

// The stages in their order.
const (
	StageCompose Stage = "compose" // the mail cannot be written, or an attachment cannot be read
	StageDial    Stage = "dial"    // connection, greeting, EHLO
	StageTLS     Stage = "tls"     // certificate, STARTTLS not offered
	StageAuth    Stage = "auth"    // user name or password
	StageMail    Stage = "mail"    // the sender
	StageRcpt    Stage = "rcpt"    // every recipient was refused
	StageData    Stage = "data"    // the content
)

// Error tells why a mail was not sent. It never holds a password.
//
// A permanent refusal with a Code at StageMail, StageRcpt or StageData is about this mail. Permanent errors at StageTLS
// and StageAuth are about the configuration: another mail fails likewise, and trying again with a wrong password may
// lock the account.
type Error struct {
	Stage        Stage
	Code         int    // reply code, 0 when the server did not answer
	EnhancedCode string // RFC 3463, "5.1.1", or empty
	Temporary    bool   // the same mail may be taken later: a 4xx reply, or the network
	// Uncertain tells that the content went out whole and no answer came: the mail may have been accepted, and another try may bring it
	// twice, with the same Message-ID if it is the caller's. Temporary is true, too.
	Uncertain bool
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("smtp: %s: %v", e.Stage, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// RecipientError is the refusal of one recipient.
type RecipientError struct {
	Address      string `json:"address"`
	Code         int    `json:"code"`
	EnhancedCode string `json:"enhancedCode,omitempty"`
	Message      string `json:"message"`
}

// Temporary reports whether the recipient may be taken later.
func (e RecipientError) Temporary() bool { return temporary(e.Code) }

func temporary(code int) bool { return code < 500 }

var enhancedCode = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})\b`)

// answer is a reply of the server that is not what was asked for.
func answer(err error) (code int, enhanced, text string, ok bool) {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return 0, "", "", false
	}
	text = short(strings.Join(strings.Fields(reply.Msg), " "))
	enhanced = enhancedCode.FindString(text)
	return reply.Code, enhanced, strings.TrimSpace(strings.TrimPrefix(text, enhanced)), true
}

// fail makes an Error of what a command returned: a reply by its code, else a failure of the network.
func fail(stage Stage, err error) *Error {
	code, enhanced, text, ok := answer(err)
	if !ok {
		if text := err.Error(); len(text) > maxText { // a line that is no reply
			err = errors.New(short(text))
		}
		return &Error{Stage: stage, Temporary: true, Err: err}
	}
	return &Error{Stage: stage, Code: code, EnhancedCode: enhanced, Temporary: temporary(code), Err: said(code, enhanced, text)}
}

// maxText bounds what is kept of a server's words, in bytes: RFC 5321, section 4.5.3.1.5, has lines of 512.
const maxText = 1000

func short(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}

// said repeats a reply as the server wrote it, on one line.
func said(code int, enhanced, text string) error {
	return errors.New(strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", code, enhanced, text)), " "))
}

// permanent is an error without a reply that no other try makes better.
func permanent(stage Stage, format string, args ...any) *Error {
	return &Error{Stage: stage, Err: fmt.Errorf(format, args...)}
}

// SizeError is a mail that is larger than its server says it takes (RFC 1870), in bytes as it would go over the wire: files grow by a third.
type SizeError struct{ Size, Limit int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("the mail has %d bytes, files encoded, and its server takes at most %d: send fewer or smaller files, or links to them", e.Size, e.Limit)
}
