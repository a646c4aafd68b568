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

// Port is the usual one of a mode; 0 for one that there is not.
func (t TLS) Port() int {
	return map[TLS]int{TLSStartTLS: 587, TLSImplicit: 465, TLSNone: 25}[t]
}

// TLSOf is the mode of two switches that are usual in settings: TLS from the first byte, after which there is nothing left for STARTTLS to do.
func TLSOf(ssl, starttls bool) TLS {
	switch {
	case ssl:
		return TLSImplicit
	case starttls:
		return TLSStartTLS
	}
	return TLSNone
}

// Config names a mail server. Zero values mean the defaults given with each field.
type Config struct {
	Host     string      `json:"host"`
	Port     int         `json:"port"`     // 587, 465 or 25, by TLS
	TLS      TLS         `json:"tls"`      // starttls
	Username string      `json:"username"` // empty: no log-in
	Password mail.Secret `json:"password"`
	OAuth    bool        `json:"oauth"` // Password is an access token
	// Tokens gives the access token instead of Password. It is asked for each new connection, and once more for one that was refused. It must be
	// comparable: Transports whose Tokens are equal share connections.
	Tokens mail.Tokens `json:"-"`
	Helo   string      `json:"helo"` // the name of this machine

	DKIM *DKIM `json:"dkim"` // nil: mails are not signed

	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool `json:"-"`
	// AllowPlain permits TLSNone to a host that is not this machine.
	AllowPlain bool `json:"allowPlain"`

	// Timeout is how long the server may be silent, or not take data, before it is given up; 1 minute.
	Timeout time.Duration `json:"timeout"`
	// DataTimeout is how long it may think about a mail that it has got; 5 minutes. A server that is given up at this
	// point may have accepted the mail.
	DataTimeout time.Duration `json:"dataTimeout"`

	// Connections is how many may be open at once to Host and Port, those of all Transports that share Pool; 10.
	Connections int `json:"connections"`
	// MailsPerConnection ends a connection after so many; 100.
	MailsPerConnection int `json:"mailsPerConnection"`
	// MailsPerSecond slows down to what the server, or a contract, permits; 0: as fast as it takes them. Transports that share Pool share
	// the lowest rate that one of them names for Host and Port.
	MailsPerSecond float64 `json:"mailsPerSecond"`
	// Idle is how long a connection waits for the next mail; 10 seconds.
	Idle time.Duration `json:"idle"`
	// Pool is shared with other Transports; nil: one of its own. Those that differ in nothing but DKIM share their connections, too.
	Pool *Pool `json:"-"`
}

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = TLSStartTLS
	}
	if c.Port == 0 {
		c.Port = c.TLS.Port()
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
	if c.Connections == 0 {
		c.Connections = 10
	}
	if c.MailsPerConnection == 0 {
		c.MailsPerConnection = 100
	}
	if c.Idle == 0 {
		c.Idle = 10 * time.Second
	}
	if c.Pool == nil {
		c.Pool = &Pool{}
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
	switch {
	case c.Tokens != nil && (c.Username == "" || c.Password != ""):
		errs = append(errs, errors.New("smtp: access tokens need a username, and no password beside them"))
	case c.Tokens == nil && (c.Username == "") != (c.Password == ""):
		errs = append(errs, errors.New("smtp: username and password must both be set, or neither"))
	}
	if c.DKIM != nil {
		if _, err := c.DKIM.signer(); err != nil {
			errs = append(errs, fmt.Errorf("smtp: %w", err))
		}
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
	if c.Connections < 1 || c.MailsPerConnection < 1 || c.MailsPerSecond < 0 || c.Idle < 0 {
		errs = append(errs, errors.New("smtp: connections, mails per connection, mails per second and idle must not be negative"))
	}
	return errors.Join(errs...)
}

// Warnings tells what works and should not stay so.
func (c Config) Warnings() (list []string) {
	c = c.withDefaults()
	if c.Username != "" && c.TLS == TLSNone && !mail.Loopback(c.Host) {
		list = append(list, fmt.Sprintf("the mail password goes to %s in the clear: use STARTTLS (port 587) or TLS from the first byte (port 465)", c.address()))
	}
	if c.DKIM != nil {
		list = append(list, c.DKIM.warnings()...)
	}
	return list
}

// token reports whether an access token is the log-in.
func (c Config) token() bool { return c.OAuth || c.Tokens != nil }

// Address is host and port, as the transport dials them.
func (c Config) Address() string { return c.withDefaults().address() }

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}
