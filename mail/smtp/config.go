package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// TLS says how the connection is encrypted.
type TLS string

// The modes of TLS. STARTTLS is required when chosen: a server that does not offer it gets no mail and no password.
const (
	TLSStartTLS TLS = "starttls" // port 587; the default
	TLSImplicit TLS = "implicit" // port 465
	TLSNone     TLS = "none"     // port 25; loopback only, see Config.AllowPlain
)

// Config names a mail server. Zero values mean the defaults given with each field.
type Config struct {
	Host     string      `json:"host"`
	Port     int         `json:"port"`     // 587, 465 or 25, by TLS
	TLS      TLS         `json:"tls"`      // starttls
	Username string      `json:"username"` // empty: no authentication
	Password mail.Secret `json:"password"`
	OAuth    bool        `json:"oauth"` // Password is an access token (XOAUTH2)
	Helo     string      `json:"helo"`  // the name of this machine

	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool `json:"-"`
	// AllowPlain permits TLSNone to a host that is not this machine.
	AllowPlain bool `json:"allowPlain"`

	// Timeout is how long the server may be silent, or not take data, before it is given up; 1 minute.
	Timeout time.Duration `json:"timeout"`
	// DataTimeout is how long it may think about a mail that it has got; 5 minutes. A server that is given up at this
	// point may have accepted the mail.
	DataTimeout time.Duration `json:"dataTimeout"`
}

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSStartTLS
	}
	if c.Port == 0 {
		c.Port = map[TLS]int{TLSStartTLS: 587, TLSImplicit: 465, TLSNone: 25}[c.TLS]
	}
	if c.Helo == "" {
		c.Helo = "localhost"
		if name, err := os.Hostname(); err == nil && name != "" {
			c.Helo = name
		}
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.DataTimeout == 0 {
		c.DataTimeout = 5 * time.Minute
	}
	return c
}

// Validate reports everything that is wrong with the configuration at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Host == "" {
		errs = append(errs, errors.New("smtp: host is empty"))
	}
	if c.Port < 1 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("smtp: port %d is not between 1 and 65535", c.Port))
	}
	if (c.Username == "") != (c.Password == "") {
		errs = append(errs, errors.New("smtp: username and password must both be set, or neither"))
	}
	if strings.ContainsAny(c.Helo, " \t\r\n") {
		errs = append(errs, fmt.Errorf("smtp: helo %q must be a host name", c.Helo))
	}
	switch c.TLS {
	case TLSImplicit, TLSStartTLS:
	case TLSNone:
		if !c.AllowPlain && !mail.Loopback(c.Host) {
			errs = append(errs, fmt.Errorf("smtp: tls \"none\" sends mail in the clear to %s: use starttls or implicit, or allow it explicitly", c.Host))
		}
	default:
		errs = append(errs, fmt.Errorf("smtp: tls %q is not one of starttls, implicit, none", c.TLS))
	}
	if c.Timeout < 0 || c.DataTimeout < 0 {
		errs = append(errs, errors.New("smtp: timeouts must not be negative"))
	}
	return errors.Join(errs...)
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}
