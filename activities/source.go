package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/imap"
)

// open connects to the account of a mailbox.
func (w *Watcher) open(ctx context.Context, c contract.MailboxConfig) (source, error) {
	password, err := Secret(c.Password)
	if err != nil {
		return nil, err
	}
	account, err := imap.Open(ctx, imap.Config{
		Host: c.Host, Port: c.Port, TLS: imap.TLS(c.TLS), AllowPlain: c.AllowPlain,
		Username: c.Username, Password: password,
		PollInterval: milliseconds(c.PollMS), MaxMessageBytes: c.MaxBytes,
		IdleRestart: milliseconds(c.IdleMS), CommandTimeout: milliseconds(c.TimeoutMS),
	}, c.Folders())
	if err != nil {
		return nil, fmt.Errorf("open mailbox %q: %w", c.Name, err)
	}
	return account, nil
}

// locksAccounts tells whether trying again at once may do harm: log-ins that fail fast after each other lock accounts.
func locksAccounts(err error) bool {
	failure, ok := errors.AsType[*imap.Error](err)
	return ok && failure.Kind == imap.KindAuth
}
