package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

// Config is a broker and an account.
type Config struct {
	Host     string
	Port     int
	VHost    string
	Username string
	Password mail.Secret
	TLS      bool
	RootCAs  *x509.CertPool // nil: the system's
	Name     string         // of the connections, for administrators of the broker
}

const (
	connectTimeout = 30 * time.Second // to be connected, logged in
	heartbeat      = 10 * time.Second // a connection without one for twice that time is broken
)

// Settings are the entries of a definition that Read asks for, each with this before its name.
func Settings(prefix string) []connectors.Config {
	return []connectors.Config{
		{Name: prefix + "RABBITMQ_URL", Description: "Where the broker is: amqp://user@host:5672/vhost, amqps:// for TLS; without a password."},
		{Name: prefix + "RABBITMQ_HOST", Description: "The broker, instead of the URL."},
		{Name: prefix + "RABBITMQ_PORT", Description: "Its port; without one 5671 with TLS, else 5672."},
		{Name: prefix + "RABBITMQ_VHOST", Description: "Virtual host; without one /."},
		{Name: prefix + "RABBITMQ_USERNAME", Description: "Account at the broker."},
		{Name: prefix + "RABBITMQ_PASSWORD", Description: "Its password.", Secure: true},
		{Name: prefix + "RABBITMQ_TLS", Description: "true: encrypt. An amqps:// URL does, too."},
		{Name: prefix + "RABBITMQ_CA", Description: "File with certificate authorities beside those of the system (PEM)."},
	}
}

// Read reads the settings. ok is false when there are none at all; what is wrong is told by them.
func Read(s *connectors.Settings, prefix string) (c Config, ok bool) {
	name := func(setting string) string { return prefix + "RABBITMQ_" + setting }
	location := s.Text(name("URL"))
	c = Config{
		Host: s.Text(name("HOST")), Port: s.Int(name("PORT"), 0, 1, 65535), VHost: s.Text(name("VHOST")),
		Username: s.Text(name("USERNAME")), Password: s.Secret(name("PASSWORD")), TLS: s.Bool(name("TLS")),
	}
	if location == "" && c == (Config{}) {
		return c, false
	}
	switch {
	case location != "" && (c.Host != "" || c.Port != 0 || c.VHost != ""):
		s.Errorf(name("URL"), "excludes %s, %s and %s; keep one of both", name("HOST"), name("PORT"), name("VHOST"))
	case location != "":
		if err := c.readURL(location, name("PASSWORD")); err != nil {
			s.Errorf(name("URL"), "%w", err)
		}
	case c.Host == "":
		s.Errorf(name("HOST"), "is not set, and neither is %s", name("URL"))
	}
	if c.Username == "" {
		s.Errorf(name("USERNAME"), "is not set")
	}
	if c.VHost == "" {
		c.VHost = "/"
	}
	if c.Port == 0 {
		c.Port = 5672
		if c.TLS {
			c.Port = 5671
		}
	}
	var files mail.Authorities
	var err error
	if c.RootCAs, err = files.Of(s.Text(name("CA"))); err != nil {
		s.Errorf(name("CA"), "%w", err)
	}
	return c, true
}

// readURL reads amqp://user@host:port/vhost. Its errors do not hold the URL, which may hold a password.
func (c *Config) readURL(location, password string) error {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "amqp" && u.Scheme != "amqps" || u.Hostname() == "" {
		return errors.New("is not a URL such as amqps://user@broker.example.com:5671/vhost")
	}
	if _, given := u.User.Password(); given {
		return fmt.Errorf("holds a password, which logs may show; put it into %s", password)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("has parameters, which mean nothing here; remove what follows the virtual host")
	}
	if u.Port() != "" {
		if c.Port, err = strconv.Atoi(u.Port()); err != nil || c.Port < 1 || c.Port > 65535 {
			return fmt.Errorf("has port %q; a port is 1 to 65535", u.Port())
		}
	}
	c.Host, c.TLS, c.VHost = u.Hostname(), c.TLS || u.Scheme == "amqps", strings.TrimPrefix(u.Path, "/")
	if c.Username == "" {
		c.Username = u.User.Username()
	}
	return nil
}

// Insecure reports that the password would go over the network in the clear, which a worker warns of when it starts.
func (c Config) Insecure() bool { return !c.TLS && !mail.Loopback(c.Host) }

// Dial connects and logs in. It ends with ctx, or after 30 s.
func (c Config) Dial(ctx context.Context) (*amqp.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker %s: %w", address, because(ctx, err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	secured := conn
	if c.TLS {
		client := tls.Client(conn, &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12})
		if err := client.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("encrypt the connection to the broker %s: %w", address, because(ctx, err))
		}
		secured = client
	}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(c.Name)
	opened, err := amqp.Open(secured, amqp.Config{
		SASL:  []amqp.Authentication{&amqp.PlainAuth{Username: c.Username, Password: c.Password.Reveal()}},
		Vhost: c.VHost, Heartbeat: heartbeat, Locale: "en_US", FrameSize: frameSize, Properties: properties,
	})
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log in to the broker %s as %s, virtual host %s: %w", address, c.Username, c.VHost, because(ctx, err))
	}
	if !stop() {
		_ = opened.Close()
		return nil, fmt.Errorf("log in to the broker %s: %w", address, ctx.Err())
	}
	return opened, nil
}

// because is the end of ctx, if that is what made err.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
