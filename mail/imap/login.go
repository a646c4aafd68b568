package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/waybill-io/waybill/mail"
)

// Auth says what proves who we are.
type Auth string

// The kinds of Auth.
const (
	AuthPassword    Auth = "password"    // AUTHENTICATE PLAIN (RFC 4616) or LOGIN; the default
	AuthXOAuth2     Auth = "xoauth2"     // an OAuth token as Google and Microsoft want it
	AuthOAuthBearer Auth = "oauthbearer" // an OAuth token by RFC 7628
)

// secret is what the log-in sends.
func (c Config) secret(ctx context.Context) (mail.Secret, error) {
	if c.Auth == AuthPassword {
		return c.Password, nil
	}
	token, err := c.Token(ctx)
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	if failure := new(Error); err != nil && !errors.As(err, &failure) {
		return "", &Error{mail.KindUnavailable, "get a token for " + c.Username, err}
	}
	return token, err
}

func (s *Session) login(ctx context.Context, secret mail.Secret) error {
	var (
		mechanism sasl.Client
		caps      imap.CapSet
	)
	err := s.do(ctx, fmt.Sprintf("log in to %s as %s", s.cfg.address(), s.cfg.Username), func(*watchdog) (err error) {
		if s.client.State() == imap.ConnStateAuthenticated {
			return nil // PREAUTH
		}
		caps = s.client.Caps()
		mechanism, err = s.cfg.mechanism(caps, secret)
		if err != nil {
			return err
		}
		if mechanism == nil {
			return s.client.Login(s.cfg.Username, secret.Reveal()).Wait()
		}
		return s.client.Authenticate(mechanism)
	})
	if failure := new(Error); errors.As(err, &failure) {
		explain(failure, mechanism)
		failure.Err = redact(failure.Err, s.cfg.Username, secret.Reveal())
		hint := recognise(s.cfg.Host, s.conn.hello(), caps).hint
		if failure.Kind == mail.KindAuth && s.cfg.Auth == AuthPassword && hint != "" {
			failure.Err = fmt.Errorf("%w (%s)", failure.Err, hint)
		}
	}
	if err != nil {
		return err
	}
	// The capabilities change with the log-in; ask now, under the watchdog, since the library would ask later.
	err = s.do(ctx, "ask for capabilities", func(*watchdog) error {
		if s.caps = s.client.Caps(); s.caps == nil {
			return errors.New("the server did not tell its capabilities")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.adapt(ctx)
}

// adapt does what this kind of server wants.
func (s *Session) adapt(ctx context.Context) error {
	peer := recognise(s.cfg.Host, s.conn.hello(), s.caps)
	if peer.idle > 0 {
		s.cfg.IdleRestart = min(s.cfg.IdleRestart, peer.idle)
	}
	// Only where it must be: an answer with a value that is NIL, which RFC 2971 permits, makes the library hang up.
	if !peer.identify || !s.caps.Has(imap.CapID) {
		return nil
	}
	return s.do(ctx, "tell "+peer.name+" who is asking", func(*watchdog) error {
		_, err := s.client.ID(&imap.IDData{Name: "waybill", Version: "1", Vendor: "waybill"}).Wait()
		return err
	})
}

// mechanism chooses how to log in, nil for the LOGIN command, which some servers disable or never had.
func (c Config) mechanism(caps imap.CapSet, secret mail.Secret) (sasl.Client, error) {
	offered := func(name string) bool { return caps.Has(imap.AuthCap(name)) }
	switch {
	case c.Auth == AuthXOAuth2 && offered("XOAUTH2"):
		return &xoauth2{username: c.Username, token: secret}, nil
	case c.Auth == AuthOAuthBearer && offered(sasl.OAuthBearer):
		return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
			Username: mail.SASLName(c.Username), Token: secret.Reveal(), Host: c.Host, Port: c.Port,
		}), nil
	case c.Auth == AuthPassword && offered(sasl.Plain):
		return sasl.NewPlainClient("", c.Username, secret.Reveal()), nil
	case c.Auth == AuthPassword && !caps.Has(imap.CapLoginDisabled):
		return nil, nil
	}
	mechanisms := caps.AuthMechanisms()
	slices.Sort(mechanisms)
	hint := ""
	if c.TLS == TLSNone {
		hint = "; it may offer more on a connection with TLS"
	}
	return nil, fmt.Errorf("%w by %s, only %q%s", errNotOffered, c.Auth, mechanisms, hint)
}

var errNotOffered = errors.New("the server offers no log-in")

// explain says what a refused log-in means.
func explain(failure *Error, mechanism sasl.Client) {
	refusal := new(TokenError)
	bearer := new(sasl.OAuthBearerError)
	answer, refused := isNo(failure.Err)
	switch x, isToken := mechanism.(*xoauth2); {
	case errors.As(failure.Err, &bearer): // go-sasl stops there, without waiting for the NO
		refusal.Status, refusal.Scope = bearer.Status, bearer.Scope
	case isToken && x.refusal != nil: // whether or not it ends in the NO that should follow
		*refusal = decodeRefusal(x.refusal)
		if refused {
			refusal.Text = answer.Text
		}
	case failure.Kind == mail.KindProtocol && (refused || errors.Is(failure.Err, errNotOffered)):
		failure.Kind = mail.KindAuth
		return
	default:
		return
	}
	if failure.Kind != mail.KindUnavailable {
		failure.Kind = mail.KindAuth
		if mail.TokenMayBeGood(refusal.Status) {
			failure.Kind = mail.KindUnavailable
		}
	}
	failure.Err = refusal
}

// redact removes a secret from the text of a server that repeats what it was sent.
func redact(err error, username, secret string) error {
	encode := base64.StdEncoding.EncodeToString
	text := err.Error()
	for _, form := range []string{
		secret,
		encode([]byte(secret)),
		encode([]byte("\x00" + username + "\x00" + secret)),
		encode(mail.XOAUTH2(username, mail.Secret(secret))),
	} {
		if form != "" {
			text = strings.ReplaceAll(text, form, "********")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
