package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Sender transports a mail: *smtp.Transport. Its errors are *smtp.Error.
type Sender interface {
	Send(ctx context.Context, m smtp.Mail) (smtp.Receipt, error)
}

// Account is how the mails of a tenant are sent.
type Account struct {
	Sender     Sender       // nil, of one that is suppressed: there is no server
	Server     string       // host:port, for people
	From       mail.Address // of mails that name no sender; its address is "" when there is none
	Feedback   string       // the address that templates show for questions
	BaseURL    string       // begins links in mails, without a slash at its end
	Suppressed string       // why its mails are not sent; "": they are
	Common     Common       // for people
	Credential string       // gives the tokens of its log-in; "": none
}

// Options set a service up.
type Options struct {
	Disabled bool               // nothing is sent: email.enabled is false
	Accounts map[string]Account // by tenant; "": of those that have none of their own
}

// Service sends mails. It is safe for concurrent use.
type Service struct {
	options Options
	pool    *smtp.Pool
	record  record

	mu   sync.Mutex
	made []*Service // by With
}

// New returns a service. One without accounts refuses what it is to send, and says so.
func New(o Options) *Service { return &Service{options: o, pool: &smtp.Pool{}} }

// Pool holds the connections of the worker to mail servers: also transports that are none of this service's should take it.
func (s *Service) Pool() *smtp.Pool { return s.pool }

// With is a service that sends the mails of all tenants over one account, but for what is switched off. Close closes it, too.
func (s *Service) With(a Account) *Service {
	accounts := map[string]Account{"": a}
	for tenant, other := range s.options.Accounts {
		if other.Suppressed != "" {
			accounts[tenant] = Account{Suppressed: other.Suppressed}
		}
	}
	made := &Service{options: Options{Disabled: s.options.Disabled, Accounts: accounts}, pool: s.pool}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, made)
	return made
}

// Result is what became of a mail.
type Result struct {
	smtp.Receipt
	Suppressed string // why it was not sent, though nothing is wrong; "": it was
}

// ErrNoServer is the error of a send when no mail server has been set up.
var ErrNoServer = errors.New("no mail server is set up: set email.host (EMAIL_HOST)")

// ErrNoSender is the error of a send when neither the mail nor the settings name a sender.
var ErrNoSender = errors.New("the mail names no sender, and the settings have none")

// Account is that of a tenant, else the default one. The error is ErrNoServer: there is neither.
func (s *Service) Account(tenant string) (Account, error) {
	a, ok := s.options.Accounts[s.name(tenant)]
	if !ok {
		return Account{}, ErrNoServer
	}
	return a, nil
}

// name is the tenant whose account counts: "" for all that have none of their own.
func (s *Service) name(tenant string) string {
	if _, ok := s.options.Accounts[tenant]; ok {
		return tenant
	}
	return ""
}

// Suppress tells why a mail of a tenant is not sent, and counts it as such; "": it is to be sent.
func (s *Service) Suppress(tenant string) string {
	why := s.suppressed(tenant)
	if why != "" {
		s.record.suppress(s.name(tenant))
	}
	return why
}

func (s *Service) suppressed(tenant string) string {
	if s.options.Disabled {
		return "email.enabled is false"
	}
	return s.options.Accounts[s.name(tenant)].Suppressed
}

// Send sends a mail over the server of a tenant. A mail without a sender gets that of the tenant. Errors are *smtp.Error, ErrNoServer or ErrNoSender.
// What is suppressed keeps the Message-ID that it came with.
func (s *Service) Send(ctx context.Context, tenant string, m smtp.Mail) (Result, error) {
	if why := s.Suppress(tenant); why != "" {
		return Result{Receipt: smtp.Receipt{MessageID: m.MessageID}, Suppressed: why}, nil
	}
	a, err := s.Account(tenant)
	if err != nil {
		return Result{}, fmt.Errorf("send a mail of tenant %q: %w", tenant, err)
	}
	if m.From.Address == "" {
		m.From = a.From
	}
	name, receipt := s.name(tenant), smtp.Receipt{}
	if m.From.Address == "" {
		err = fmt.Errorf("%w: set %s", ErrNoSender, a.setting(name, "from"))
	} else {
		receipt, err = a.Sender.Send(ctx, m)
	}
	s.record.sent(name, err, attempt(ctx))
	return Result{Receipt: receipt}, err
}

// Close ends the connections that wait for the next mail.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, made := range s.made {
		errs = append(errs, made.Close())
	}
	for _, a := range s.options.Accounts {
		if c, ok := a.Sender.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

type attemptKey struct{}

// Attempt says which attempt at a mail this is, 1 for the first: those that are sent again are counted.
func Attempt(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, attemptKey{}, n)
}

func attempt(ctx context.Context) int {
	n, _ := ctx.Value(attemptKey{}).(int)
	return n
}

var _ Sender = (*smtp.Transport)(nil)
