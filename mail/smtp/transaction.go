package smtp

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/net/idna"
)

// deliver sends one mail, and tells whether the connection is good for another one.
func (s *session) deliver(ctx context.Context, m Mail, content *composed, receipt *Receipt) (failure *Error, usable bool) {
	stop := context.AfterFunc(ctx, func() { _ = s.link.Close() })
	s.link.timeout.Store(int64(s.owner.cfg.Timeout))
	failure = s.envelope(m, content, receipt)
	complete := true
	if failure == nil {
		failure, complete = s.content(content)
	}
	alive := stop()
	if failure != nil {
		failure.Err = redact(failure.Err, s.secrets()...)
		answered := failure.Code != 0 && failure.Code != 421 && failure.Code != 530
		own := failure.Code == 0 && !failure.Temporary // nothing has gone wrong between the two
		alive = alive && complete && (answered || own)
	}
	return failure, alive && s.mails < s.owner.cfg.MailsPerConnection
}

func (s *session) envelope(m Mail, content *composed, receipt *Receipt) *Error {
	if s.mails++; s.mails > 1 { // also tells whether the connection still lives
		if err := command(s.client, 250, "RSET"); err != nil {
			return fail(StageMail, err)
		}
	}
	recipients := m.recipients()
	addresses := onWire(m.From.Address)
	for _, recipient := range recipients {
		addresses += onWire(recipient)
	}
	parameters, failure := s.parameters(addresses, content)
	if failure != nil {
		return failure
	}
	if err := command(s.client, 250, "MAIL FROM:<%s>%s", onWire(m.From.Address), parameters); err != nil {
		return fail(StageMail, err)
	}
	for _, recipient := range recipients {
		err := command(s.client, 25, "RCPT TO:<%s>", onWire(recipient))
		if err == nil {
			receipt.Accepted = append(receipt.Accepted, recipient)
			continue
		}
		code, enhanced, text, refused := answer(err)
		if !refused || code == 421 { // 421: the server hangs up
			return fail(StageRcpt, err)
		}
		receipt.Refused = append(receipt.Refused, RecipientError{recipient, code, enhanced, redacted(text, s.secrets())})
	}
	if len(receipt.Accepted) > 0 {
		return nil
	}
	// Worth another try when that may win one recipient.
	worst := receipt.Refused[0]
	for _, refused := range receipt.Refused {
		if refused.Temporary() {
			worst = refused
			break
		}
	}
	all := "the recipient was refused"
	if n := len(receipt.Refused); n > 1 {
		all = fmt.Sprintf("all %d recipients were refused", n)
	}
	return &Error{Stage: StageRcpt, Code: worst.Code, EnhancedCode: worst.EnhancedCode, Temporary: worst.Temporary(),
		Err: fmt.Errorf("%s: %s: %w", all, worst.Address, said(worst.Code, worst.EnhancedCode, worst.Message))}
}

// parameters are what MAIL says of the mail: how large it is (RFC 1870), that it has bytes outside ASCII (RFC 6152), or addresses and
// fields (RFC 6531).
func (s *session) parameters(addresses string, content *composed) (string, *Error) {
	var parameters string
	if offered, limit := s.client.Extension("SIZE"); offered {
		if most, err := strconv.ParseInt(strings.TrimSpace(limit), 10, 64); err == nil && most > 0 && content.size > most { // 0: no limit is known
			return "", &Error{Stage: StageMail, Err: &SizeError{content.size, most}}
		}
		parameters = fmt.Sprintf(" SIZE=%d", content.size)
	}
	if offered, _ := s.client.Extension("8BITMIME"); offered && content.eightBit {
		parameters += " BODY=8BITMIME"
	}
	offered, _ := s.client.Extension("SMTPUTF8")
	switch {
	case !offered && (!ascii(addresses) || content.international): // such as an address of Reply-To, which is not among addresses
		return "", permanent(StageMail, "the server takes no addresses outside ASCII (SMTPUTF8)")
	case offered && (!ascii(addresses) || content.international):
		parameters += " SMTPUTF8"
	}
	return parameters, nil
}

// content sends the mail itself. complete is false when the server waits for the rest of it, or nobody knows.
func (s *session) content(content *composed) (failure *Error, complete bool) {
	w, err := s.client.Data()
	if err != nil {
		return fail(StageData, err), true
	}
	// Only a connection that is cut tells the server that a mail is incomplete: the writer is closed for a whole one
	// alone.
	readErr, writeErr := content.writeTo(w)
	if readErr != nil {
		return &Error{Stage: StageCompose, Temporary: true, Err: readErr}, false
	}
	if writeErr != nil {
		// A server that has had enough says why before it hangs up.
		if _, _, err := s.client.Text.ReadResponse(250); err != nil {
			if _, _, _, said := answer(err); said {
				return fail(StageData, err), false
			}
		}
		return fail(StageData, writeErr), false
	}
	s.link.timeout.Store(int64(s.owner.cfg.DataTimeout))
	if err := w.Close(); err != nil {
		failure := fail(StageData, err)
		failure.Uncertain = failure.Code == 0
		return failure, !failure.Uncertain
	}
	return nil, true
}

// command sends a command and reads the answer, whose code begins with expected.
func command(client *smtp.Client, expected int, format string, args ...any) error {
	id, err := client.Text.Cmd(format, args...)
	if err != nil {
		return err
	}
	client.Text.StartResponse(id)
	defer client.Text.EndResponse(id)
	_, _, err = client.Text.ReadResponse(expected)
	return err
}

// onWire writes a domain outside ASCII as every server knows it (RFC 5890), unless the name before it needs SMTPUTF8 anyway.
func onWire(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 || ascii(address) || !ascii(address[:i]) {
		return address
	}
	domain, err := idna.Lookup.ToASCII(address[i+1:])
	if err != nil {
		return address
	}
	return address[:i+1] + domain
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
