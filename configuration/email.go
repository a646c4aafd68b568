package configuration

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Email is the email service as it is set up, with its secrets. The error has every mistake, with its place.
//
// A tenant without a host of its own has what email.* says, but for what it sets itself, which is nothing of a server. One with a host of its own takes over nothing but
// email.base.url and email.feedback.default: a password, a signature or a sender is not for the server of another.
func (s *Settings) Email() (service.Config, error) {
	c := service.Config{Disabled: s.Given("email.enabled") && !s.Bool("email.enabled"), Servers: map[string]service.Server{}}
	var errs []error
	for _, tenant := range append([]string{""}, s.tenants...) {
		server, err := s.server(tenant)
		errs = append(errs, err)
		c.Servers[tenant] = server
	}
	return c, errors.Join(errs...)
}

// ofServer are the settings of a server beside its host.
var ofServer = []string{"port", "ssl", "tls", "ca", "connections", "rate"}

// Groups of settings that belong together: a tenant that sets one of a group takes over none of it.
var groups = [][]string{
	append([]string{"host"}, ofServer...),
	{"useCredentials", "username", "password", "oauth.authorization-url", "oauth.token-url", "oauth.client-id", "oauth.client-secret", "oauth.scope"},
	{"dkim.domain", "dkim.selector", "dkim.key"},
	{"from.default", "from.default.name"},
}

// section finds the settings of a tenant, or of those that have none of their own.
type section struct {
	*Settings
	tenant string
	taken  map[string]bool // taken over from email.*
	errs   []error
}

func (s *Settings) section(tenant string) *section {
	c := &section{Settings: s, tenant: tenant, taken: map[string]bool{}}
	if tenant == "" {
		return c
	}
	own := s.Given(c.own("host"))
	c.taken["base.url"], c.taken["feedback.default"] = true, true
	for _, group := range groups {
		takes := !own
		for _, name := range group {
			takes = takes && !s.Given(c.own(name))
		}
		for _, name := range group {
			c.taken[name] = takes
		}
	}
	return c
}

func (c *section) own(name string) string {
	if c.tenant == "" {
		return "email." + name
	}
	return ofTenant + c.tenant + "." + name
}

// key is the setting that counts.
func (c *section) key(name string) string {
	if own := c.own(name); c.Given(own) || !c.taken[name] {
		return own
	}
	return "email." + name
}

func (c *section) text(name string) string { return c.Text(c.key(name)) }
func (c *section) bool(name string) bool   { return c.Bool(c.key(name)) }
func (c *section) int(name string) int     { return c.Int(c.key(name)) }

// counts is the value of a setting, for people, and where it comes from.
func (c *section) counts(name string) (text, from string) {
	key := c.key(name)
	if text, from = c.masked(key), c.From(key); key != c.own(name) {
		from = key
	}
	if name == "port" && text == "" && c.text("host") != "" {
		text = strconv.Itoa(c.tls().Port())
	}
	return text, from
}

func (c *section) secret(name string) mail.Secret {
	secret, err := c.Secret(c.key(name))
	if err != nil {
		c.errs = append(c.errs, err)
	}
	return secret
}

func (c *section) errorf(name, format string, args ...any) {
	key, place := c.key(name), ""
	if c.Given(key) {
		place = c.From(key) + ": "
	}
	c.errs = append(c.errs, fmt.Errorf("%s%s: %w", place, key, fmt.Errorf(format, args...)))
}

func (s *Settings) server(tenant string) (service.Server, error) {
	c := s.section(tenant)
	server := service.Server{
		Host: c.text("host"), Port: c.int("port"), TLS: c.tls(), CA: c.text("ca"), Connections: c.int("connections"), Identity: c.identity(),
		Common: service.Common{Server: c.taken["host"], Login: c.taken["username"], From: c.taken["from.default"]},
	}
	server.Rate, _ = strconv.ParseFloat(c.text("rate"), 64) // Read has checked it
	if tenant != "" && !s.Given(c.own("host")) {
		for _, name := range ofServer {
			if s.Given(c.own(name)) {
				c.errorf(name, "it is of a server, and %s is not set: a tenant has a server of its own, or all settings of the common one", c.own("host"))
			}
		}
	}
	if server.Host == "" {
		if tenant == "" && s.Bool("email.enabled") {
			c.errorf("enabled", "it is true, and email.host is not set")
		}
		return server, errors.Join(c.errs...)
	}
	server.OAuth = c.oauth()
	switch {
	case server.OAuth != (service.OAuth{}):
		if server.Username = c.text("username"); server.Username == "" {
			c.errorf("username", "it is not set: log-ins with access tokens need the account, such as desk@example.com")
		}
	case !c.Given(c.key("useCredentials")):
		for _, name := range []string{"username", "password"} {
			if c.Given(c.key(name)) {
				c.errorf(name, "it is set, and %s is not: true logs in, false does not", c.key("useCredentials"))
			}
		}
	case c.bool("useCredentials"):
		server.Username, server.Password = c.text("username"), c.secret("password")
		for _, name := range []string{"username", "password"} {
			if !c.Given(c.key(name)) {
				c.errorf(name, "it is not set, and %s is true", c.key("useCredentials"))
			}
		}
	}
	server.DKIM = c.dkim()
	return server, errors.Join(c.errs...)
}

func (c *section) tls() smtp.TLS { return smtp.TLSOf(c.bool("ssl"), c.bool("tls")) }

func (c *section) identity() service.Identity {
	i := service.Identity{Feedback: c.text("feedback.default"), BaseURL: strings.TrimRight(c.text("base.url"), "/")}
	if text := c.text("from.default"); text != "" {
		i.From, _ = mail.ParseAddress(text) // Read has checked it
	}
	if name := c.text("from.default.name"); name != "" {
		i.From.Name = name
		if i.From.Address == "" {
			c.errorf("from.default.name", "%s is not set: a name alone is no sender", c.key("from.default"))
		}
	}
	if own := c.own("enabled"); c.tenant != "" && c.Given(own) && !c.Bool(own) {
		i.Suppressed = own + " is false"
	}
	return i
}

func (c *section) oauth() service.OAuth {
	o := service.OAuth{
		AuthorizationURL: c.text("oauth.authorization-url"), TokenURL: c.text("oauth.token-url"), ClientID: c.text("oauth.client-id"),
		Scope: c.text("oauth.scope"),
	}
	var err error
	if o.ClientSecret, err = c.Reference(c.key("oauth.client-secret")); err != nil {
		c.errs = append(c.errs, err)
	}
	if o == (service.OAuth{}) {
		return o
	}
	for _, name := range []string{"oauth.token-url", "oauth.client-id"} {
		if c.text(name) == "" {
			c.errorf(name, "it is not set, and other settings of oauth are")
		}
	}
	for _, name := range []string{"oauth.authorization-url", "oauth.token-url"} {
		if text := c.text(name); text != "" {
			if err := contract.CheckEndpoint(text); err != nil {
				c.errorf(name, "%w", err)
			}
		}
	}
	if o.AuthorizationURL == "" && o.ClientSecret == "" && len(c.errs) == 0 {
		c.errorf("oauth.client-secret", "it is not set: without %s tokens are got with client credentials", c.key("oauth.authorization-url"))
	}
	o.Credential = "email"
	if c.tenant != "" && !c.taken["oauth.token-url"] {
		o.Credential = "email-" + strings.ToLower(strings.ReplaceAll(c.tenant, "_", "-"))
		if !connectors.ValidName(o.Credential) {
			c.errorf("oauth.token-url", "the name of the tenant is too long for a credential of its own, email-%s: %s", c.tenant, connectors.NameRule)
		}
	}
	return o
}

func (c *section) dkim() service.DKIM {
	d := service.DKIM{Domain: c.text("dkim.domain"), Selector: c.text("dkim.selector"), Key: c.secret("dkim.key")}
	if d == (service.DKIM{}) {
		return d
	}
	for _, name := range []string{"dkim.domain", "dkim.selector", "dkim.key"} {
		if !c.Given(c.key(name)) {
			c.errorf(name, "it is not set, and other settings of dkim are")
		}
	}
	return d
}
