package ews

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Auth is how the client proves who it is.
type Auth string

// The ways to authenticate. Exchange offers NTLM unless somebody turned it off, and basic only when somebody turned it on.
const (
	AuthNTLM  Auth = "ntlm" // the default
	AuthBasic Auth = "basic"
	AuthOAuth Auth = "oauth" // bearer tokens, with Config.Token
)

// Config names an account. Zero values mean the defaults given with each field.
type Config struct {
	URL  string `json:"url"`  // https://HOST/EWS/Exchange.asmx
	Host string `json:"host"` // instead of URL

	Auth     Auth        `json:"auth"`     // ntlm
	Username string      `json:"username"` // user@domain or DOMAIN\user
	Password mail.Secret `json:"password"`
	// Token is asked for each request of AuthOAuth; it renews the token before it ends.
	Token func(context.Context) (mail.Secret, error) `json:"-"`

	// Mailbox is the address of the mailbox when it is not the user's own: a shared one, to which the user has access.
	Mailbox string `json:"mailbox,omitempty"`
	// Impersonate acts as the owner of Mailbox, which the management role ApplicationImpersonation permits.
	Impersonate bool `json:"impersonate,omitempty"`

	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool `json:"-"`
	// AllowPlain permits http to a host that is not this machine: mail and password are then readable to anyone on
	// the way.
	AllowPlain bool `json:"allowPlain"`

	// RequestTimeout is how long the server may be silent while it answers; 1 minute. A transfer that moves is not
	// silent.
	RequestTimeout time.Duration `json:"requestTimeout"`
	// StreamLifetime is how long one streaming connection is asked to last; 29 minutes, in full minutes from 1 to 29.
	StreamLifetime time.Duration `json:"streamLifetime"`
	// StreamSilence is how long the server may be silent on a streaming connection before it counts as dead; 3
	// minutes, several heartbeats of Exchange.
	StreamSilence time.Duration `json:"streamSilence"`
	// SyncInterval is the longest that Wait lasts, whatever is or is not announced; 5 minutes.
	SyncInterval time.Duration `json:"syncInterval"`
	// PollInterval is the time between syncs while the server permits no streaming connection; 1 minute.
	PollInterval time.Duration `json:"pollInterval"`
	// MaxMessageBytes is the limit of Fetch when the call gives none; 32 MiB.
	MaxMessageBytes int64 `json:"maxMessageBytes"`
}

func (c Config) withDefaults() Config {
	if c.URL == "" && c.Host != "" {
		c.URL = "https://" + c.Host + "/EWS/Exchange.asmx"
	}
	if c.Auth == "" {
		c.Auth = AuthNTLM
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.RequestTimeout, time.Minute},
		{&c.StreamLifetime, 29 * time.Minute},
		{&c.StreamSilence, 3 * time.Minute},
		{&c.SyncInterval, 5 * time.Minute},
		{&c.PollInterval, time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 32 << 20
	}
	return c
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if c.URL != "" && c.Host != "" {
		errs = append(errs, errors.New("ews: set either url or host"))
	}
	c = c.withDefaults()
	if c.URL == "" {
		errs = append(errs, errors.New("ews: url and host are empty"))
	} else if err := c.validateURL(); err != nil {
		errs = append(errs, err)
	}
	switch c.Auth {
	case AuthNTLM, AuthBasic:
		if c.Username == "" || c.Password == "" {
			errs = append(errs, errors.New("ews: username and password must be set"))
		}
	case AuthOAuth:
		if c.Token == nil {
			errs = append(errs, errors.New("ews: auth oauth needs a source of tokens"))
		}
	default:
		errs = append(errs, fmt.Errorf("ews: auth %q is not one of ntlm, basic, oauth", c.Auth))
	}
	if c.Mailbox != "" && !strings.Contains(c.Mailbox, "@") {
		errs = append(errs, fmt.Errorf("ews: mailbox %q is not a mail address", c.Mailbox))
	}
	if c.Impersonate && c.Mailbox == "" {
		errs = append(errs, errors.New("ews: impersonate needs the mailbox of whom"))
	}
	if c.StreamLifetime < time.Minute || c.StreamLifetime > 29*time.Minute || c.StreamLifetime%time.Minute != 0 {
		errs = append(errs, fmt.Errorf("ews: streamLifetime %s is not a number of full minutes from 1 to 29", c.StreamLifetime))
	}
	if min(c.RequestTimeout, c.StreamSilence, c.SyncInterval, c.PollInterval) < 0 || c.MaxMessageBytes < 0 {
		errs = append(errs, errors.New("ews: intervals, timeouts and sizes must not be negative"))
	}
	return errors.Join(errs...)
}

func (c Config) validateURL() error {
	// Not the error of Parse, which repeats the whole address with whatever password is in it.
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "":
		return errors.New("ews: url is not of the form https://HOST/EWS/Exchange.asmx")
	case u.User != nil:
		return errors.New("ews: the user name and the password do not belong into the url")
	case u.Scheme == "http" && !c.AllowPlain && !mail.Loopback(u.Hostname()):
		return fmt.Errorf("ews: http sends mail and password in the clear to %s: use https, or allow it explicitly", u.Hostname())
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("ews: url scheme %q is not https", u.Scheme)
	}
	return nil
}

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}

// anchor is the mailbox by which a proxy in front of several servers chooses one.
func (c Config) anchor() string {
	if c.Mailbox != "" {
		return c.Mailbox
	}
	if strings.Contains(c.Username, "@") {
		return c.Username
	}
	return ""
}
