package activities

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/mail/imap"
)

// Sources of mail.
const sourceEWS = "ews"

// open connects to the account of a mailbox.
func (w *Watcher) open(ctx context.Context, c contract.MailboxConfig) (source, error) {
	if c.Source == sourceEWS {
		config, err := ewsConfig(c)
		if err != nil {
			return nil, err
		}
		return opened(ews.Open(ctx, config, c.Folders()))
	}
	config, err := imapConfig(c)
	if err != nil {
		return nil, err
	}
	config.Limiter = &w.limiter
	return opened(imap.Open(ctx, config, c.Folders()))
}

// opened keeps a nil account from becoming a source that is not nil.
func opened[S source](s S, err error) (source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func imapConfig(c contract.MailboxConfig) (config imap.Config, err error) {
	config = imap.Config{
		Host: c.Host, Port: c.Port, TLS: imap.TLS(c.TLS), AllowPlain: c.AllowPlain, Username: c.Username, Auth: imap.Auth(c.Auth),
		PollInterval: milliseconds(c.PollMS), MaxMessageBytes: c.MaxBytes,
		IdleRestart: milliseconds(c.IdleMS), CommandTimeout: milliseconds(c.TimeoutMS),
	}
	if config.RootCAs, err = rootCAs(c.CA); err != nil {
		return config, err
	}
	if c.Auth == "" || config.Auth == imap.AuthPassword {
		config.Password, err = Secret(c.Password)
		return config, err
	}
	config.Token = token(c.Password)
	return config, nil
}

func ewsConfig(c contract.MailboxConfig) (config ews.Config, err error) {
	config = ews.Config{
		URL: c.URL, Host: c.Host, AllowPlain: c.AllowPlain, Username: c.Username, Auth: ews.Auth(c.Auth), Mailbox: c.Of, Impersonate: c.As,
		PollInterval: milliseconds(c.PollMS), RequestTimeout: milliseconds(c.TimeoutMS), MaxMessageBytes: c.MaxBytes,
	}
	if config.RootCAs, err = rootCAs(c.CA); err != nil {
		return config, err
	}
	if config.Auth == ews.AuthOAuth {
		config.Token = token(c.Password)
		return config, nil
	}
	config.Password, err = Secret(c.Password)
	return config, err
}

func rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // those of the system
	}
	return mail.RootCAs(file)
}

// token reads a token that somebody else renews, in a file, at each use.
func token(reference string) func(context.Context) (mail.Secret, error) {
	return func(context.Context) (mail.Secret, error) { return Secret(reference) }
}

// Ways in which an error of a source is to be taken.
const (
	anew     = "anew"     // connect again
	atOnce   = "at once"  // likewise, and without a pause: a token has expired, which is no failure
	slowly   = "slowly"   // likewise, after a long pause: log-ins that fail fast after each other lock accounts
	ofFolder = "a folder" // it concerns one folder alone
)

// severity tells which way it is.
func severity(err error) string {
	if errors.Is(err, errMoved) {
		return atOnce
	}
	if failure, ok := errors.AsType[*ews.Error](err); ok {
		switch failure.Kind {
		case ews.KindAuth:
			return slowly
		case ews.KindFolderMissing:
			return ofFolder
		}
	}
	if failure, ok := errors.AsType[*imap.Error](err); ok {
		switch failure.Kind {
		case imap.KindAuth:
			return slowly
		case imap.KindReconnect:
			return atOnce
		case imap.KindFolderMissing:
			return ofFolder
		}
	}
	return anew
}

// kindOf names the cause of a lost connection for the metrics.
func kindOf(err error) string {
	if failure, ok := errors.AsType[*ews.Error](err); ok {
		return string(failure.Kind)
	}
	if failure, ok := errors.AsType[*imap.Error](err); ok {
		return string(failure.Kind)
	}
	return "other"
}
