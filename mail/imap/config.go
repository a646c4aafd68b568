package imap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/mail"
)

// TLS says how the connection is encrypted.
type TLS string

// The modes of TLS. STARTTLS is required when chosen: a server that does not offer it is refused.
const (
	TLSImplicit TLS = "implicit" // port 993; the default
	TLSStartTLS TLS = "starttls" // port 143
	TLSNone     TLS = "none"     // loopback only, see Config.AllowPlain
)

// Config names an account and one of its folders. Zero values mean the defaults given with each field.
type Config struct {
	Host     string      `json:"host"`
	Port     int         `json:"port"` // 993, with STARTTLS or none 143
	TLS      TLS         `json:"tls"`  // implicit
	Username string      `json:"username"`
	Auth     Auth        `json:"auth"`     // password
	Password mail.Secret `json:"password"` // for AuthPassword
	Folder   string      `json:"folder"`   // INBOX

	// Token returns a valid OAuth token for every other Auth. It is called at each Dial, from the goroutine of Dial, and keeps and
	// refreshes the token itself. An error that is an *Error keeps its Kind, so that a grant that was withdrawn is KindAuth; any
	// other becomes KindUnavailable.
	Token func(context.Context) (mail.Secret, error) `json:"-"`

	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool `json:"-"`
	// Limiter bounds the connections that are begun to a host; nil does not. Accounts share one.
	Limiter *Limiter `json:"-"`
	// AllowPlain permits TLSNone to a host that is not this machine: mail and password are then readable to anyone
	// on the way.
	AllowPlain bool `json:"allowPlain"`

	// PollInterval is the time between searches where the server has no IDLE; 1 minute.
	PollInterval time.Duration `json:"pollInterval"`
	// IdleRestart is the longest that one IDLE lasts; 4 minutes, because some servers drop it after 5.
	IdleRestart time.Duration `json:"idleRestart"`
	// CommandTimeout is how long the server may be silent while a command runs; 30 seconds. A transfer that moves
	// is not silent.
	CommandTimeout time.Duration `json:"commandTimeout"`
	// MaxMessageBytes is the limit of Fetch when the call gives none; 32 MiB.
	MaxMessageBytes int64 `json:"maxMessageBytes"`
}

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSImplicit
	}
	if c.Port == 0 {
		c.Port = 143
		if c.TLS == TLSImplicit {
			c.Port = 993
		}
	}
	if c.Auth == "" {
		c.Auth = AuthPassword
	}
	if c.Folder == "" {
		c.Folder = "INBOX"
	}
	if c.PollInterval == 0 {
		c.PollInterval = time.Minute
	}
	if c.IdleRestart == 0 {
		c.IdleRestart = 4 * time.Minute
	}
	if c.CommandTimeout == 0 {
		c.CommandTimeout = 30 * time.Second
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 32 << 20
	}
	return c
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Host == "" {
		errs = append(errs, errors.New("imap: host is empty"))
	}
	switch c.Auth {
	case AuthPassword:
		if c.Username == "" || c.Password == "" {
			errs = append(errs, errors.New("imap: username and password must be set"))
		}
	case AuthXOAuth2, AuthOAuthBearer:
		if c.Username == "" || c.Token == nil {
			errs = append(errs, fmt.Errorf("imap: auth %s needs a username and a source of tokens", c.Auth))
		}
	default:
		errs = append(errs, fmt.Errorf("imap: auth %q is not one of password, xoauth2, oauthbearer", c.Auth))
	}
	if strings.ContainsFunc(c.Username, unicode.IsControl) {
		errs = append(errs, errors.New("imap: username must not hold control characters"))
	}
	if c.Port < 1 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("imap: port %d is not between 1 and 65535", c.Port))
	}
	switch c.TLS {
	case TLSImplicit, TLSStartTLS:
	case TLSNone:
		if !c.AllowPlain && !mail.Loopback(c.Host) {
			errs = append(errs, fmt.Errorf("imap: tls \"none\" sends the password in the clear to %s: use implicit or starttls, or allow it explicitly", c.Host))
		}
	default:
		errs = append(errs, fmt.Errorf("imap: tls %q is not one of implicit, starttls, none", c.TLS))
	}
	if c.PollInterval < 0 || c.IdleRestart < 0 || c.CommandTimeout < 0 || c.MaxMessageBytes < 0 {
		errs = append(errs, errors.New("imap: intervals, timeouts and sizes must not be negative"))
	}
	if c.MaxMessageBytes >= maxPartial {
		errs = append(errs, fmt.Errorf("imap: maxMessageBytes must be below %d", int64(maxPartial)))
	}
	return errors.Join(errs...)
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}
