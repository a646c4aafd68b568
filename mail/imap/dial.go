package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/waybill-io/waybill/mail"
)

// Dial connects and logs in. The context bounds the call, not the session. Errors are *Error.
func Dial(ctx context.Context, cfg Config) (*Session, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Session{cfg: cfg, folder: cfg.Folder, changed: make(chan struct{}, 1), recheck: true}
	if err := cfg.Limiter.wait(ctx, cfg.Host); err != nil {
		return nil, err
	}
	// Before the connection: fetching a token may take longer than a server waits for a log-in.
	secret, err := cfg.secret(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	if err := s.open(ctx, secret); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// connect leaves a connection that is as encrypted as the configuration wants it.
func (s *Session) connect(ctx context.Context) error {
	op := "connect to " + s.cfg.address()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CommandTimeout)
	defer cancel()
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", s.cfg.address())
	if err != nil {
		return &Error{mail.KindNetwork, op, err}
	}
	switch s.cfg.TLS {
	case TLSNone:
		s.conn = &conn{Conn: raw}
	case TLSImplicit:
		secured := tls.Client(raw, s.cfg.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return &Error{kindOf(err, err), op, err}
		}
		s.conn = &conn{Conn: secured}
	case TLSStartTLS:
		plain := &conn{Conn: raw}
		dog := watch(ctx, plain, s.cfg.CommandTimeout)
		secured, greeting, err := startTLS(ctx, plain, s.cfg.tlsConfig())
		if ended := dog.end(); ended != nil {
			err = ended
		}
		if err != nil {
			_ = raw.Close()
			kind := kindOf(err, plain.err())
			if kind == mail.KindProtocol { // whatever it said, it did not begin TLS
				kind = mail.KindTLS
			}
			return &Error{kind, "start TLS with " + s.cfg.address(), err}
		}
		s.conn = &conn{Conn: greet(secured), greeting: []byte(greeting + "\n")}
	}
	return nil
}

func (s *Session) open(ctx context.Context, secret mail.Secret) error {
	s.client = imapclient.New(s.conn, &imapclient.Options{
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			// The handler runs on the read loop, so it must neither block nor send a command.
			Mailbox: func(data *imapclient.UnilateralDataMailbox) {
				if data.NumMessages != nil {
					s.wake()
				}
			},
		},
	})
	if err := s.do(ctx, "greet "+s.cfg.address(), func(*watchdog) error { return s.client.WaitGreeting() }); err != nil {
		return err
	}
	return s.login(ctx, secret)
}

// do runs one command under the watchdog and classifies its error.
func (s *Session) do(ctx context.Context, op string, command func(*watchdog) error) error {
	dog := watch(ctx, s.conn, s.cfg.CommandTimeout)
	err := command(dog)
	ended := dog.end()
	if err == nil {
		s.alive.Store(time.Now().UnixNano())
		return nil
	}
	if ended != nil {
		err = ended
	}
	return s.failed(op, err, ended != nil)
}

// failed makes an *Error of what ended a command, and takes from the server's last words why, where it said so.
func (s *Session) failed(op string, err error, ended bool) error {
	kind := kindOf(err, s.conn.err())
	if ended {
		kind = mail.KindNetwork
	}
	if kind != mail.KindNetwork || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{kind, op, err}
	}
	if text := s.conn.bye(); text != "" {
		err = fmt.Errorf("the server said %q (%w)", text, err)
		if expired.MatchString(text) {
			kind = mail.KindReconnect
		}
	}
	return &Error{kind, op, err}
}
