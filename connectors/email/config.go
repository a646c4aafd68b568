package email

import (
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Config is the configuration of an instance with a server of its own, from the settings beside the fields. The connector that is built in
// sends through the email service of the worker.
type Config struct {
	Host     string      // EMAIL_HOST
	Port     int         // EMAIL_PORT; 0: 465 with SSL, 587 with STARTTLS, else 25
	Username string      // EMAIL_USERNAME
	Password mail.Secret // EMAIL_PASSWORD
	Auth     bool        // EMAIL_SMTP_AUTH
	StartTLS bool        // EMAIL_SMTP_STARTTLS: required, never downgraded
	SSL      bool        // EMAIL_SMTP_SSL: TLS from the first byte; then there is nothing left for STARTTLS to do
	From     string      // EMAIL_FROM: sender of mails that name none
}

func read(s *connectors.Settings) Config {
	return Config{
		Host: s.Text("EMAIL_HOST"), Port: s.Int("EMAIL_PORT", 0, 1, 65535),
		Username: s.Text("EMAIL_USERNAME"), Password: s.Secret("EMAIL_PASSWORD"),
		Auth: s.Bool("EMAIL_SMTP_AUTH"), StartTLS: s.Bool("EMAIL_SMTP_STARTTLS"), SSL: s.Bool("EMAIL_SMTP_SSL"),
		From: s.Text("EMAIL_FROM"),
	}
}

// validate tells everything that is wrong.
func (c Config) validate() error {
	var errs []error
	if c.Host == "" {
		errs = append(errs, errors.New("EMAIL_HOST is not set"))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, fmt.Errorf("EMAIL_PORT %d is not a port, 1 to 65535", c.Port))
	}
	if c.Auth && (c.Username == "" || c.Password == "") {
		errs = append(errs, errors.New("EMAIL_SMTP_AUTH needs EMAIL_USERNAME and EMAIL_PASSWORD"))
	}
	if c.From != "" {
		if _, err := mail.ParseAddress(c.From); err != nil {
			errs = append(errs, fmt.Errorf("EMAIL_FROM %q is not an address such as Support <support@example.com>", c.From))
		}
	}
	return errors.Join(errs...)
}

// transport is the configuration as the transport takes it. Without SSL and STARTTLS mail goes in the clear, as the
// settings say; see smtp.Config.Warnings.
func (c Config) transport() smtp.Config {
	t := smtp.Config{Host: c.Host, Port: c.Port, TLS: smtp.TLSOf(c.SSL, c.StartTLS), AllowPlain: true}
	if c.Auth {
		t.Username, t.Password = c.Username, c.Password
	}
	return t
}

// sender is who mails come from that name no sender; its address is "" when there is none.
func (c Config) sender() mail.Address {
	a, _ := mail.ParseAddress(c.From) // an error is of "", as validate has seen
	return a
}
