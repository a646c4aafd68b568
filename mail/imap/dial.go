package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// Dial connects and logs in. The context bounds the call, not the session. Errors are *Error.
func Dial(ctx context.Context, cfg Config) (*Session, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Session{cfg: cfg, changed: make(chan struct{}, 1), recheck: true}

	raw, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.conn = &conn{Conn: raw}
	if err := s.open(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func connect(ctx context.Context, cfg Config) (net.Conn, error) {
	op := "connect to " + cfg.address()
	ctx, cancel := context.WithTimeout(ctx, cfg.CommandTimeout)
	defer cancel()
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", cfg.address())
	if err != nil {
		return nil, &Error{KindNetwork, op, err}
	}
	if cfg.TLS != TLSImplicit {
		return raw, nil
	}
	secured := tls.Client(raw, cfg.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &Error{kindOf(err, err), op, err}
	}
	return secured, nil
}

func (s *Session) open(ctx context.Context) error {
	options := &imapclient.Options{
		TLSConfig: s.cfg.tlsConfig(),
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			// The handler runs on the read loop, so it must neither block nor send a command.
			Mailbox: func(data *imapclient.UnilateralDataMailbox) {
				if data.NumMessages != nil {
					s.wake()
				}
			},
		},
	}
	if s.cfg.TLS == TLSStartTLS {
		err := s.do(ctx, "start TLS with "+s.cfg.address(), func(*watchdog) (err error) {
			s.client, err = imapclient.NewStartTLS(s.conn, options)
			return err
		})
		if failure := new(Error); errors.As(err, &failure) && failure.Kind == KindProtocol {
			failure.Kind = KindTLS
		}
		if err != nil {
			return err
		}
	} else {
		s.client = imapclient.New(s.conn, options)
	}
	if err := s.do(ctx, "greet "+s.cfg.address(), func(*watchdog) error { return s.client.WaitGreeting() }); err != nil {
		return err
	}
	return s.login(ctx)
}

func (s *Session) login(ctx context.Context) error {
	op := fmt.Sprintf("log in to %s as %s", s.cfg.address(), s.cfg.Username)
	err := s.do(ctx, op, func(*watchdog) error {
		if s.client.State() == imap.ConnStateAuthenticated {
			return nil // PREAUTH
		}
		caps := s.client.Caps()
		if mechanism := credentials(s.cfg, caps); mechanism != nil {
			return s.client.Authenticate(mechanism)
		}
		if caps.Has(imap.CapLoginDisabled) {
			return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "the server allows no log-in on a connection without TLS"}
		}
		return s.client.Login(s.cfg.Username, s.cfg.Password.Reveal()).Wait()
	})
	if failure := new(Error); errors.As(err, &failure) {
		if _, refused := isNo(failure.Err); refused && failure.Kind == KindProtocol {
			failure.Kind = KindAuth
		}
		failure.Err = redact(failure.Err, s.cfg.Password.Reveal())
	}
	if err != nil {
		return err
	}
	// The capabilities change with the log-in; ask now, under the watchdog, since the library would ask later.
	return s.do(ctx, "ask for capabilities", func(*watchdog) error {
		if s.caps = s.client.Caps(); s.caps == nil {
			return errors.New("the server did not tell its capabilities")
		}
		return nil
	})
}

// credentials chooses the SASL mechanism, nil for the LOGIN command. A token instead of a password (XOAUTH2,
// OAUTHBEARER) is one more case here.
func credentials(cfg Config, caps imap.CapSet) sasl.Client {
	if caps.Has(imap.AuthCap(sasl.Plain)) {
		return sasl.NewPlainClient("", cfg.Username, cfg.Password.Reveal())
	}
	return nil
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
		return &Error{KindNetwork, op, ended}
	}
	return &Error{kindOf(err, s.conn.err()), op, err}
}
