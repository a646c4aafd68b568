package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Sender transports a mail: *smtp.Transport. Its errors are *smtp.Error.
type Sender interface {
	Send(ctx context.Context, m smtp.Mail) (smtp.Receipt, error)
}

// Account is how the mails of a tenant are sent.
type Account struct {
	Sender   Sender
	From     mail.Address // of mails that name no sender
	Feedback string       // the address that templates show for questions
	BaseURL  string       // begins links in mails, without a slash at its end
}

// Options set a service up.
type Options struct {
	Disabled bool               // nothing is sent: email.enabled is false
	Accounts map[string]Account // by tenant; "": of those that have none of their own
}

// Service sends mails. It is safe for concurrent use.
type Service struct{ options Options }

// New returns a service. One without accounts refuses what it is to send, and says so.
func New(o Options) *Service { return &Service{o} }

// Result is what became of a mail.
type Result struct {
	smtp.Receipt
	Suppressed string // why it was not sent, though nothing is wrong; "": it was
}

// ErrNoServer is the error of a send when no mail server has been set up.
var ErrNoServer = errors.New("no mail server is set up: set email.host (EMAIL_HOST)")

// Account is that of a tenant, else the default one.
func (s *Service) Account(tenant string) (Account, error) {
	for _, name := range []string{tenant, ""} {
		if a, ok := s.options.Accounts[name]; ok {
			return a, nil
		}
	}
	return Account{}, ErrNoServer
}

// Send sends a mail over the server of a tenant. A mail without a sender gets that of the tenant. Errors are *smtp.Error, or ErrNoServer.
func (s *Service) Send(ctx context.Context, tenant string, m smtp.Mail) (Result, error) {
	if s.options.Disabled {
		return Result{Suppressed: "email.enabled is false"}, nil
	}
	a, err := s.Account(tenant)
	if err != nil {
		return Result{}, fmt.Errorf("send a mail of tenant %q: %w", tenant, err)
	}
	if m.From.Address == "" {
		m.From = a.From
	}
	receipt, err := a.Sender.Send(ctx, m)
	return Result{Receipt: receipt}, err
}

var _ Sender = (*smtp.Transport)(nil)
