package rest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/dialguard"
	"github.com/waybill-io/waybill/mail"
)

const (
	defaultResponse = 1 << 20
	// maxResponse is the most that REST_MAX_RESPONSE_BYTES may say: the headers are outputs as well.
	maxResponse = connectors.MaxOutputs - 2*maxAnswerHeader
)

// config is what the settings of an instance say.
type config struct {
	host  *origin // REST_HOST; nil: none
	ports ports   // of REST_HOST
	auth  string  // REST_AUTH; "": no header
	// trusted are the origins that get the credentials.
	trusted []origin
	user    string
	token   mail.Secret
	pass    mail.Secret
	client  *clientCredentials

	certificate string // files; "": none
	key         string
	authorities *x509.CertPool

	guard       *dialguard.Guard
	maxResponse int
	breaker     breakerConfig
	webhook     webhookConfig
	unmatched   int // EVENT_NOT_MATCH_STATUS; 0: none
}

// read reads the settings. What is wrong is told by them.
func read(s *connectors.Settings) *config {
	c := &config{
		ports: ports{http: s.Int("REST_HTTP_PORT", 80, 1, 65535), https: s.Int("REST_HTTPS_PORT", 443, 1, 65535)},
		user:  s.Text("REST_AUTH_USER"), token: s.Secret("REST_AUTH_TOKEN"), pass: s.Secret("REST_AUTH_PASSWORD"),
		certificate: s.Text("REST_TLS_CERT"), key: s.Text("REST_TLS_KEY"),
		maxResponse: s.Int("REST_MAX_RESPONSE_BYTES", defaultResponse, 1, maxResponse),
		breaker: breakerConfig{
			buffer: s.Int("REST_CIRCUIT_BREAKER_BUFFER", 5, 1, 10_000),
			wait:   s.Duration("REST_CIRCUIT_BREAKER_WAIT_INTERVAL", time.Second),
			rate:   s.Int("REST_CIRCUIT_BREAKER_FAILURE_RATE", 20, 1, 100),
		},
		webhook: readWebhook(s), unmatched: s.Int("EVENT_NOT_MATCH_STATUS", 0, 200, 599),
	}
	if text := s.Text("REST_HOST"); text != "" {
		if host, err := parseOrigin(text); err != nil {
			s.Errorf("REST_HOST", "%w", err)
		} else {
			host.ports = c.ports
			c.host, c.trusted = &host, append(c.trusted, host)
		}
	}
	for i, text := range s.List("REST_AUTH_HOSTS") {
		host, err := parseOrigin(text)
		if err != nil {
			s.Errorf("REST_AUTH_HOSTS", "entry %d %w", i+1, err)
			continue
		}
		c.trusted = append(c.trusted, host)
	}
	c.readGuard(s)
	c.readTLS(s)
	c.readAuth(s)
	return c
}

// readGuard lets the connections to REST_HOST through as well: whoever sets it has chosen that host.
func (c *config) readGuard(s *connectors.Settings) {
	allowed := s.List("REST_ALLOWED_NETWORKS")
	if _, err := dialguard.New(allowed...); err != nil {
		s.Errorf("REST_ALLOWED_NETWORKS", "%w", err)
		return
	}
	if c.host != nil {
		for _, scheme := range []string{"http", "https"} {
			if c.host.scheme == "" || c.host.scheme == scheme {
				allowed = append(allowed, net.JoinHostPort(c.host.host, strconv.Itoa(c.host.portOf(scheme))))
			}
		}
	}
	guard, err := dialguard.New(allowed...)
	if err != nil {
		s.Errorf("REST_HOST", "%w", err)
	}
	c.guard = guard
}

func (c *config) readTLS(s *connectors.Settings) {
	var files mail.Authorities
	var err error
	if c.authorities, err = files.Of(s.Text("REST_CA")); err != nil {
		s.Errorf("REST_CA", "%w", err)
	}
	if (c.certificate == "") != (c.key == "") {
		s.Errorf("REST_TLS_CERT", "and REST_TLS_KEY belong together; set both")
	} else if c.certificate != "" {
		if _, err := tls.LoadX509KeyPair(c.certificate, c.key); err != nil {
			s.Errorf("REST_TLS_CERT", "and REST_TLS_KEY: %w", err)
		}
	}
}

func (c *config) readAuth(s *connectors.Settings) {
	c.auth = s.Text("REST_AUTH")
	c.client = readClientCredentials(s)
	needs := func(what string, ok bool) {
		if !ok {
			s.Errorf("REST_AUTH", "%s needs %s", c.auth, what)
		}
	}
	switch c.auth {
	case "":
		if c.pass != "" || c.client.config.ClientID != "" {
			s.Errorf("REST_AUTH", "is not set, while an account for it is; say basic or client-credentials")
		}
	case "basic":
		needs("REST_AUTH_USER and REST_AUTH_PASSWORD", c.user != "" && c.pass != "")
		needs("a REST_AUTH_USER without a colon (RFC 7617)", !strings.Contains(c.user, ":"))
	case "bearer":
		needs("REST_AUTH_TOKEN", c.token != "")
		needs("a REST_AUTH_TOKEN of one line of printable characters", httpguts.ValidHeaderFieldValue(c.token.Reveal()))
	case "client-credentials":
		needs("REST_AUTH_CLIENT_ID, REST_AUTH_CLIENT_SECRET and REST_AUTH_ENDPOINT", c.client.config.ClientID != "" && c.client.config.ClientSecret != "" && c.client.config.TokenURL != "")
	case "mtls":
		needs("REST_TLS_CERT and REST_TLS_KEY", c.certificate != "")
	default:
		s.Errorf("REST_AUTH", "%q is none of basic, bearer, client-credentials, mtls", c.auth)
	}
	if (c.auth != "" || c.certificate != "") && s.Text("REST_HOST") == "" && len(s.List("REST_AUTH_HOSTS")) == 0 {
		s.Errorf("REST_AUTH", "needs REST_HOST or REST_AUTH_HOSTS: credentials are sent to the hosts that are named there, and nowhere else")
	}
}

// secrets are what no error may show, whatever form the server has got it in.
func (c *config) secrets() []string {
	var all []string
	for _, s := range []string{
		c.token.Reveal(), c.pass.Reveal(), c.client.config.ClientSecret, c.client.current(), c.webhook.secret.Reveal(), c.webhook.previous.Reveal(),
	} {
		if s != "" {
			all = append(all, s)
		}
	}
	if c.pass != "" {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.pass.Reveal())))
	}
	return all
}
