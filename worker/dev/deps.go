package dev

import (
	"strconv"

	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// deps are what the connectors get. Every instance of email, built in or by a file, sends to the mail server of this environment: nobody shall
// write to customers while trying things out.
func (e *Environment) deps() (catalog.Deps, error) {
	smtpHost, smtpPort, err := split(e.Mail.SMTPAddr())
	if err != nil {
		return catalog.Deps{}, err
	}
	fixed := map[string]string{}
	for _, c := range email.Template().Definition.Config {
		if c.Name != "EMAIL_FROM" { // all others say where mail goes, and how
			fixed[c.Name] = ""
		}
	}
	fixed["EMAIL_HOST"], fixed["EMAIL_PORT"] = smtpHost, strconv.Itoa(smtpPort)
	variable := e.options.Variable
	if variable == nil {
		variable = func(string) (string, error) { return "", nil }
	}
	mails, err := service.Open(here(e.options.Email, smtpHost, smtpPort), nil)
	return catalog.Deps{Variable: variable, Fixed: map[string]map[string]string{email.Template().Definition.Name: fixed}, Mail: mails}, err
}

// here is the email service with the server of this environment for all tenants; what mails show stays as it is set.
func here(c service.Config, host string, port int) service.Config {
	local := service.Config{Disabled: c.Disabled, Servers: map[string]service.Server{}}
	for tenant, s := range c.Servers {
		local.Servers[tenant] = service.Server{Host: host, Port: port, TLS: smtp.TLSNone, Identity: s.Identity}
	}
	own := c.Servers[""].Identity
	if own.From.Address == "" {
		own.From = mail.Address{Name: "Waybill", Address: "waybill@example.com"}
	}
	local.Servers[""] = service.Server{Host: host, Port: port, TLS: smtp.TLSNone, Identity: own}
	return local
}
