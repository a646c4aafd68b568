package service

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Config is the email service as the settings of a worker describe it.
type Config struct {
	Disabled bool              // nothing is sent, for nobody
	Servers  map[string]Server // by tenant; "": of those that have none of their own
}

// Server is a mail server with its sender.
type Server struct {
	Host     string   // "": none
	Port     int      // 0: that of TLS
	TLS      smtp.TLS // "": STARTTLS
	Username string   // "": no log-in
	Password mail.Secret
	OAuth    OAuth // of a log-in with access tokens
	CA       string

	Connections int     // 0: as the transport has it
	Rate        float64 // mails a second; 0: no bound
	DKIM        DKIM

	Identity Identity
	Common   Common
}

// Common tells which settings of a tenant are those of email.*, and not its own.
type Common struct{ Server, Login, From bool }

// Identity is what the mails of a tenant show, whichever server they go over.
type Identity struct {
	From       mail.Address
	Feedback   string
	BaseURL    string
	Suppressed string // why its mails are not sent; "": they are
}

// OAuth is how access tokens are got. The zero value: there are none.
type OAuth struct {
	Credential       string // by which name they are kept
	AuthorizationURL string // "": client credentials
	TokenURL         string
	ClientID         string
	ClientSecret     string // a reference: "env:NAME", "file:/path" or "sealed:..."; "": a public client
	Scope            string // separated by blanks
}

// DKIM signs. The zero value: mails are not signed.
type DKIM struct {
	Domain, Selector string
	Key              mail.Secret
}

// transport is nil when mails are not signed.
func (d DKIM) transport() *smtp.DKIM {
	if d == (DKIM{}) {
		return nil
	}
	return &smtp.DKIM{Domain: d.Domain, Selector: d.Selector, Key: d.Key}
}

// Tokens gives the tokens of a credential.
type Tokens func(credential string) mail.Tokens

// Open makes the service; it does not connect. tokens may be nil when no server logs in with access tokens.
func Open(c Config, tokens Tokens) (*Service, error) {
	service := New(Options{Disabled: c.Disabled, Accounts: map[string]Account{}})
	made := map[Server]Sender{} // tenants that differ in what mails show share their connections
	var authorities mail.Authorities
	var errs []error
	for _, tenant := range slices.Sorted(maps.Keys(c.Servers)) {
		s := c.Servers[tenant]
		account := Account{
			From: s.Identity.From, Feedback: s.Identity.Feedback, BaseURL: strings.TrimRight(s.Identity.BaseURL, "/"), Suppressed: s.Identity.Suppressed,
			Common: s.Common, Credential: s.OAuth.Credential,
		}
		if s.Host == "" {
			if account.Suppressed != "" { // it is, also where there is no server at all
				service.options.Accounts[tenant] = account
			}
			continue
		}
		transport, err := s.transport(&authorities, tokens)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", place(tenant), err))
			continue
		}
		transport.Pool = service.pool
		s.Identity, s.Common = Identity{}, Common{}
		if made[s] == nil {
			sender, err := smtp.New(transport)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", place(tenant), err))
				continue
			}
			made[s] = sender
		}
		account.Sender, account.Server = made[s], transport.Address()
		service.options.Accounts[tenant] = account
	}
	return service, errors.Join(errs...)
}

// place is where the settings of a tenant stand.
func place(tenant string) string {
	if tenant == "" {
		return "email"
	}
	return "email.tenant." + tenant
}

// plain is the server as the transport takes it, without what must be opened. Without TLS mail goes in the clear, as the settings say; see Warnings.
func (s Server) plain() smtp.Config {
	return smtp.Config{
		Host: s.Host, Port: s.Port, TLS: s.TLS, AllowPlain: true, Username: s.Username, Password: s.Password,
		Connections: s.Connections, MailsPerSecond: s.Rate, DKIM: s.DKIM.transport(),
	}
}

func (s Server) transport(authorities *mail.Authorities, tokens Tokens) (smtp.Config, error) {
	t := s.plain()
	var err error
	if t.RootCAs, err = authorities.Of(s.CA); err != nil {
		return t, err
	}
	if s.OAuth != (OAuth{}) {
		if tokens == nil {
			return t, errors.New("oauth is set, and this worker keeps no credentials: it needs the key in WAYBILL_SECRET_KEY, which seals their tokens")
		}
		t.Tokens = tokens(s.OAuth.Credential)
	}
	return t, nil
}

// Credentials are those that servers log in with, by name.
func (c Config) Credentials() map[string]OAuth {
	all := map[string]OAuth{}
	for _, s := range c.Servers {
		if s.OAuth != (OAuth{}) {
			all[s.OAuth.Credential] = s.OAuth
		}
	}
	return all
}

// Warnings are what works and should not stay, and what is switched off.
func (c Config) Warnings() []string {
	var all []string
	if c.Disabled {
		all = append(all, "no mail is sent: email.enabled is false")
	}
	for _, tenant := range slices.Sorted(maps.Keys(c.Servers)) {
		s := c.Servers[tenant]
		if why := s.Identity.Suppressed; why != "" && !c.Disabled {
			all = append(all, fmt.Sprintf("no mail of tenant %q is sent: %s", tenant, why))
		}
		if sends := s.Identity.Suppressed == "" && !c.Disabled; sends && s.Host != "" && s.Identity.From.Address == "" {
			all = append(all, place(tenant)+".from.default is not set: mails that name no sender, as those of tasks and alerts, are not sent")
		}
		for _, text := range s.plain().Warnings() {
			all = append(all, place(tenant)+": "+text)
		}
	}
	return all
}
