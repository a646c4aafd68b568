package smtp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Transport sends over one server, with a connection for each mail. It is safe for concurrent use.
type Transport struct{ cfg Config }

// New checks the configuration; it does not connect.
func New(cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Transport{cfg: cfg.withDefaults()}, nil
}

// Receipt tells what became of a mail.
type Receipt struct {
	MessageID string           `json:"messageId"` // with angle brackets
	Accepted  []string         `json:"accepted"`  // empty when Send failed
	Refused   []RecipientError `json:"refused,omitempty"`
}

// Send returns when the server has taken responsibility for the mail. Recipients that it refused are in the receipt
// while the others get the mail; when it refused all, the error is at StageRcpt and the receipt names each. Errors are
// *Error. When ctx ends the connection is cut; a mail whose content was complete by then may have been accepted.
func (t *Transport) Send(ctx context.Context, m Mail) (Receipt, error) {
	if err := m.Validate(); err != nil {
		return Receipt{}, &Error{Stage: StageCompose, Err: err}
	}
	content, err := compose(m)
	if err != nil {
		return Receipt{}, &Error{Stage: StageCompose, Err: err}
	}
	receipt := Receipt{MessageID: content.messageID}

	raw, err := (&net.Dialer{Timeout: t.cfg.Timeout}).DialContext(ctx, "tcp", t.cfg.address())
	if err != nil {
		return receipt, fail(StageDial, err)
	}
	defer func() { _ = raw.Close() }()
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })()

	if failure := t.converse(ctx, raw, m, content, &receipt); failure != nil {
		if ctx.Err() != nil && failure.Code == 0 {
			failure.Temporary, failure.Err = true, fmt.Errorf("%w (%v)", context.Cause(ctx), failure.Err)
		}
		failure.Err = t.redact(failure.Err)
		receipt.Accepted = nil
		return receipt, failure
	}
	return receipt, nil
}

func (t *Transport) converse(ctx context.Context, raw net.Conn, m Mail, content *composed, receipt *Receipt) *Error {
	link := &conn{Conn: raw}
	link.timeout.Store(int64(t.cfg.Timeout))
	client, failure := t.open(ctx, link)
	if failure != nil {
		return failure
	}
	if failure := t.authenticate(client); failure != nil {
		return failure
	}
	if failure := envelope(client, m, receipt); failure != nil {
		return failure
	}

	w, err := client.Data()
	if err != nil {
		return fail(StageData, err)
	}
	// Only a connection that is cut tells the server that a mail is incomplete: the writer is closed for a whole one
	// alone.
	readErr, writeErr := content.writeTo(w)
	if readErr != nil {
		return &Error{Stage: StageCompose, Temporary: true, Err: readErr}
	}
	if writeErr != nil {
		// A server that has had enough says why before it hangs up.
		if _, _, err := client.Text.ReadResponse(250); err != nil {
			if _, _, _, said := answer(err); said {
				return fail(StageData, err)
			}
		}
		return fail(StageData, writeErr)
	}
	link.timeout.Store(int64(t.cfg.DataTimeout))
	if err := w.Close(); err != nil {
		return fail(StageData, err)
	}
	link.timeout.Store(int64(min(t.cfg.Timeout, 5*time.Second)))
	_ = client.Quit() // the mail is accepted, whatever the server says to this
	return nil
}

// open brings the connection up to where mail may be sent.
func (t *Transport) open(ctx context.Context, link net.Conn) (*smtp.Client, *Error) {
	if t.cfg.TLS == TLSImplicit {
		secured := tls.Client(link, t.cfg.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, failTLS(err)
		}
		link = secured
	}
	client, err := smtp.NewClient(link, t.cfg.Host)
	if err != nil {
		return nil, fail(StageDial, err)
	}
	if err := client.Hello(t.cfg.Helo); err != nil {
		return nil, fail(StageDial, err)
	}
	if t.cfg.TLS == TLSStartTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, permanent(StageTLS, "the server %s does not offer STARTTLS", t.cfg.address())
		}
		if err := client.StartTLS(t.cfg.tlsConfig()); err != nil {
			return nil, failTLS(err)
		}
	}
	return client, nil
}

// failTLS tells a certificate that is not trusted, or an answer that is not TLS, from a connection that failed.
func failTLS(err error) *Error {
	failure := fail(StageTLS, err)
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) {
		failure.Temporary = false
	}
	return failure
}

func (t *Transport) authenticate(client *smtp.Client) *Error {
	if t.cfg.Username == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	// Without TLS only where Validate let the configuration pass.
	plain := t.cfg.TLS == TLSNone
	var auth smtp.Auth
	switch {
	case t.cfg.OAuth && slices.Contains(mechanisms, "XOAUTH2"):
		auth = smtp.XOAuth2Auth(t.cfg.Username, t.cfg.Password.Reveal())
	case t.cfg.OAuth:
		return permanent(StageAuth, "the server takes no access tokens (XOAUTH2), only %q", offered)
	case slices.Contains(mechanisms, "PLAIN"):
		auth = smtp.PlainAuth("", t.cfg.Username, t.cfg.Password.Reveal(), t.cfg.Host, plain)
	case slices.Contains(mechanisms, "LOGIN"):
		auth = smtp.LoginAuth(t.cfg.Username, t.cfg.Password.Reveal(), t.cfg.Host, plain)
	default:
		return permanent(StageAuth, "the server offers no log-in that is supported (PLAIN, LOGIN), only %q", offered)
	}
	if err := client.Auth(auth); err != nil {
		return fail(StageAuth, err)
	}
	return nil
}

func envelope(client *smtp.Client, m Mail, receipt *Receipt) *Error {
	recipients := m.recipients()
	international := !ascii(m.From.Address + strings.Join(recipients, ""))
	if offered, _ := client.Extension("SMTPUTF8"); international && !offered {
		return permanent(StageMail, "the server takes no addresses outside ASCII (SMTPUTF8)")
	}
	client.SkipSMTPUTF8(!international)
	if err := client.Mail("<" + m.From.Address + ">"); err != nil {
		return fail(StageMail, err)
	}
	for _, recipient := range recipients {
		err := client.Rcpt("<" + recipient + ">")
		if err == nil {
			receipt.Accepted = append(receipt.Accepted, recipient)
			continue
		}
		code, enhanced, text, refused := answer(err)
		if !refused || code == 421 { // 421: the server hangs up
			return fail(StageRcpt, err)
		}
		receipt.Refused = append(receipt.Refused, RecipientError{recipient, code, enhanced, text})
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
	return &Error{Stage: StageRcpt, Code: worst.Code, EnhancedCode: worst.EnhancedCode, Temporary: worst.Temporary(),
		Err: fmt.Errorf("all %d recipients refused: %s: %w", len(receipt.Refused), worst.Address, said(worst.Code, worst.EnhancedCode, worst.Message))}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// redact removes the password from the text of a server that repeats what it got.
func (t *Transport) redact(err error) error {
	password := t.cfg.Password.Reveal()
	if password == "" {
		return err
	}
	text := err.Error()
	for _, form := range []string{
		password,
		base64.StdEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + t.cfg.Username + "\x00" + password)),
		base64.StdEncoding.EncodeToString([]byte("user=" + t.cfg.Username + "\x01auth=Bearer " + password + "\x01\x01")),
	} {
		text = strings.ReplaceAll(text, form, "********")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// conn gives each read and each write the time that the server may be silent.
type conn struct {
	net.Conn
	timeout atomic.Int64
}

func (c *conn) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(time.Duration(c.timeout.Load())))
	return c.Conn.Read(p)
}

func (c *conn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(time.Duration(c.timeout.Load())))
	return c.Conn.Write(p)
}
