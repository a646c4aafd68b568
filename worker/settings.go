package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/mail"
)

// emailSettings reads the settings of the email connector from the environment.
func emailSettings() (email.Config, error) {
	var errs []error
	number := func(name string) int {
		text := os.Getenv(name)
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%q is not a number", name, text))
		}
		return n
	}
	truth := func(name string) bool {
		text := os.Getenv(name)
		if text == "" {
			return false
		}
		b, err := strconv.ParseBool(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%q is neither true nor false", name, text))
		}
		return b
	}
	c := email.Config{
		Host: os.Getenv("EMAIL_HOST"), Port: number("EMAIL_PORT"),
		Username: os.Getenv("EMAIL_USERNAME"), Password: mail.Secret(os.Getenv("EMAIL_PASSWORD")),
		Auth: truth("EMAIL_SMTP_AUTH"), StartTLS: truth("EMAIL_SMTP_STARTTLS"), SSL: truth("EMAIL_SMTP_SSL"),
		From: os.Getenv("EMAIL_FROM"),
	}
	return c, errors.Join(append(errs, c.Validate())...)
}
