package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/waybill-io/waybill/mail"
)

// session is a connection that is logged in. One mail at a time goes over it.
type session struct {
	owner  *Transport
	link   *conn
	client *smtp.Client
	secret mail.Secret // with which it has logged in
	sent   [][]byte    // answers to the challenges of the log-in

	secured   *tls.Conn // over link, where TLS comes first
	mechanism string    // how; "": it has not
	mails     int       // that have been begun
	since     time.Time // idle
}

// farewell bounds how long a server may take to answer QUIT, since nothing depends on it.
const farewell = 5 * time.Second

// quit ends the connection as RFC 5321, section 4.1.1.10, wants it.
func (s *session) quit() {
	enough := time.AfterFunc(min(s.owner.cfg.Timeout, farewell), func() { _ = s.link.Close() })
	defer enough.Stop()
	_ = s.client.Quit() // whatever the server says to this
	_ = s.link.Close()
}

// open makes a connection.
func (t *Transport) open(ctx context.Context) (*session, *Error) {
	secret, failure := t.secret(ctx, "")
	if failure != nil {
		return nil, failure
	}
	s, failure := t.openWith(ctx, secret)
	if failure != nil && t.renews(failure) {
		return t.openNewer(ctx, secret)
	}
	return s, failure
}

// renews reports that another access token may be taken.
func (t *Transport) renews(failure *Error) bool {
	return t.cfg.Tokens != nil && failure.Stage == StageAuth && failure.Code >= 500 && !failure.Temporary
}

// openNewer makes a connection with another access token than the one that was refused.
func (t *Transport) openNewer(ctx context.Context, refused mail.Secret) (*session, *Error) {
	secret, failure := t.secret(ctx, refused)
	if failure != nil {
		return nil, failure
	}
	if secret == refused {
		return nil, permanent(StageAuth, "the server refused the access token of %s, and there is no newer one", t.cfg.Username)
	}
	return t.openWith(ctx, secret)
}

// secret is what the log-in sends.
func (t *Transport) secret(ctx context.Context, refused mail.Secret) (mail.Secret, *Error) {
	if t.cfg.Tokens == nil {
		return t.cfg.Password, nil
	}
	token, err := t.cfg.Tokens.Token(ctx, refused)
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", &Error{Stage: StageAuth, Temporary: true, Err: redact(fmt.Errorf("get an access token for %s: %w", t.cfg.Username, err), refused.Reveal())}
	}
	return token, nil
}

func (t *Transport) openWith(ctx context.Context, secret mail.Secret) (*session, *Error) {
	link, err := t.dial(ctx)
	if err != nil {
		return nil, fail(StageDial, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	s := &session{owner: t, link: link, secret: secret}
	failure := s.begin(ctx, func(_ string, step func() *Error) *Error { return step() })
	if !stop() && failure == nil {
		failure = fail(StageDial, net.ErrClosed)
	}
	if failure != nil {
		_ = link.Close()
		failure.Err = redact(failure.Err, s.secrets()...)
		return nil, failure
	}
	return s, nil
}

func (t *Transport) dial(ctx context.Context) (*conn, error) {
	raw, err := (&net.Dialer{Timeout: t.cfg.Timeout}).DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	link := &conn{Conn: raw}
	link.timeout.Store(int64(t.cfg.Timeout))
	return link, nil
}

// begin brings a connection to where mail may be sent. Each step goes through observe, which runs it.
func (s *session) begin(ctx context.Context, observe func(name string, step func() *Error) *Error) *Error {
	t, link := s.owner, net.Conn(s.link)
	handshake := func() *Error {
		secured := tls.Client(link, t.cfg.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			return failTLS(err)
		}
		link, s.secured = secured, secured
		return nil
	}
	greet := func() (failure *Error) {
		var err error
		if s.client, err = smtp.NewClient(link, t.cfg.Host); err == nil {
			err = s.client.Hello(t.cfg.Helo)
		}
		if err != nil {
			return fail(StageDial, err)
		}
		return nil
	}
	startTLS := func() *Error {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return permanent(StageTLS, "the server %s does not offer STARTTLS", t.address)
		}
		if err := s.client.StartTLS(t.cfg.tlsConfig()); err != nil {
			return failTLS(err)
		}
		return nil
	}
	if t.cfg.TLS == TLSImplicit {
		if failure := observe(stepTLS, handshake); failure != nil {
			return failure
		}
	}
	if failure := observe(stepGreeting, greet); failure != nil {
		return failure
	}
	if t.cfg.TLS == TLSStartTLS {
		if failure := observe(stepTLS, startTLS); failure != nil {
			return failure
		}
	}
	return observe(stepLogin, s.authenticate)
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

// conn gives each read and each write the time that the server may be silent, and bounds what it says at once.
type conn struct {
	net.Conn
	timeout atomic.Int64
	first   []byte // read before its time, see hears
	heard   int    // bytes since the last write
}

// maxHeard is far more than a TLS handshake, or all capabilities of a server.
const maxHeard = 256 << 10

func (c *conn) Read(p []byte) (int, error) {
	if n := copy(p, c.first); n > 0 {
		c.first = c.first[n:]
		return n, nil
	}
	if c.heard > maxHeard {
		return 0, fmt.Errorf("the server answers with more than %d bytes", maxHeard)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Duration(c.timeout.Load())))
	n, err := c.Conn.Read(p)
	c.heard += n
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.heard = 0
	_ = c.SetWriteDeadline(time.Now().Add(time.Duration(c.timeout.Load())))
	return c.Conn.Write(p)
}

// hears waits for the first byte of the server, and keeps it.
func (c *conn) hears(wait time.Duration) bool {
	var first [1]byte
	_ = c.SetReadDeadline(time.Now().Add(wait))
	n, err := c.Conn.Read(first[:])
	c.first = append(c.first, first[:n]...)
	var silence net.Error
	return !errors.As(err, &silence) || !silence.Timeout()
}
