package activities

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/mail/imap"
)

// Sources of mail.
const sourceEWS = "ews"

// tokenFunc gives the token of a log-in.
type tokenFunc func(context.Context) (mail.Secret, error)

// open connects to the account of a mailbox. A token of a credential that is refused is replaced once: another may be in force since.
func (w *Watcher) open(ctx context.Context, c contract.MailboxConfig) (source, error) {
	name := CredentialOf(c.Password)
	if name == "" || !c.OAuth() {
		return w.openWith(ctx, c, token(c.Password))
	}
	tokens := w.credentials.Tokens(name)
	var used atomic.Pointer[mail.Secret] // to log in; an account may ask for tokens from several goroutines afterwards
	s, err := w.openWith(ctx, c, func(ctx context.Context) (mail.Secret, error) {
		token, err := tokens.Token(ctx, "")
		if err == nil {
			used.CompareAndSwap(nil, &token)
		}
		return token, err
	})
	if used.Load() == nil || mail.KindOf(err) != mail.KindAuth {
		return s, err
	}
	if newer, failed := tokens.Token(ctx, *used.Load()); failed != nil || newer == *used.Load() {
		return nil, err
	}
	return w.openWith(ctx, c, func(ctx context.Context) (mail.Secret, error) { return tokens.Token(ctx, "") })
}

// openWith connects to the account of a mailbox, with a token where it wants one.
func (w *Watcher) openWith(ctx context.Context, c contract.MailboxConfig, token tokenFunc) (source, error) {
	roots, err := w.authorities.Of(c.CA)
	if err != nil {
		return nil, settingsError{err}
	}
	if c.Source == sourceEWS {
		config, err := ewsConfig(c, token)
		if err != nil {
			return nil, settingsError{err}
		}
		config.RootCAs = roots
		return opened(ews.Open(ctx, config, c.Folders()))
	}
	config, err := imapConfig(c, token)
	if err != nil {
		return nil, settingsError{err}
	}
	config.RootCAs, config.Limiter = roots, &w.limiter
	return opened(imap.Open(ctx, config, c.Folders()))
}

// settingsError is a secret, or a file with certificates, that the settings name and the worker does not have.
type settingsError struct{ error }

func (e settingsError) Unwrap() error { return e.error }

// MailKind is for mail.KindOf.
func (settingsError) MailKind() mail.Kind { return mail.KindSettings }

// opened keeps a nil account from becoming a source that is not nil.
func opened[S source](s S, err error) (source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func imapConfig(c contract.MailboxConfig, token tokenFunc) (config imap.Config, err error) {
	config = imap.Config{
		Host: c.Host, Port: c.Port, TLS: imap.TLS(c.TLS), AllowPlain: c.AllowPlain, Username: c.Username, Auth: imap.Auth(c.Auth),
		PollInterval: milliseconds(c.PollMS), MaxMessageBytes: c.MaxBytes,
		IdleRestart: milliseconds(c.IdleMS), CommandTimeout: milliseconds(c.TimeoutMS),
	}
	if !c.OAuth() {
		config.Password, err = Secret(c.Password)
		return config, err
	}
	config.Token = token
	return config, nil
}

func ewsConfig(c contract.MailboxConfig, token tokenFunc) (config ews.Config, err error) {
	config = ews.Config{
		URL: c.URL, Host: c.Host, AllowPlain: c.AllowPlain, Username: c.Username, Auth: ews.Auth(c.Auth), Mailbox: c.Of, Impersonate: c.As,
		PollInterval: milliseconds(c.PollMS), RequestTimeout: milliseconds(c.TimeoutMS), MaxMessageBytes: c.MaxBytes,
	}
	if c.OAuth() {
		config.Token = token
		return config, nil
	}
	config.Password, err = Secret(c.Password)
	return config, err
}

// token reads a token that somebody else renews, in a file, at each use.
func token(reference string) tokenFunc {
	return func(context.Context) (mail.Secret, error) { return Secret(reference) }
}

// severity is the way in which an error of a source is to be taken.
type severity string

const (
	anew     severity = "anew"     // connect again
	atOnce   severity = "at once"  // likewise, and without a pause: nothing failed
	slowly   severity = "slowly"   // likewise, after a long pause: log-ins that fail fast after each other lock accounts
	ofFolder severity = "a folder" // it concerns one folder alone
)

func severityOf(err error) severity {
	if errors.Is(err, errMoved) {
		return atOnce
	}
	switch mail.KindOf(err) {
	case mail.KindAuth:
		return slowly
	case mail.KindReconnect:
		return atOnce
	case mail.KindFolderMissing:
		return ofFolder
	}
	return anew
}
