package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/mail"
)

// gatewaySettings reads the settings of the gateway from the environment.
func gatewaySettings(address string) (o gateway.Options, err error) {
	o.Address, o.Version = address, version()
	if file := os.Getenv("WAYBILL_GATEWAY_TOKENS"); file != "" {
		if o.Tokens, err = gateway.ReadTokens(file); err != nil {
			return o, fmt.Errorf("WAYBILL_GATEWAY_TOKENS: %w", err)
		}
	}
	if text := os.Getenv("WAYBILL_SECRET_KEY"); text != "" {
		if o.Key, err = mail.ParseKey(text); err != nil {
			return o, fmt.Errorf("WAYBILL_SECRET_KEY: %w", err)
		}
	}
	if os.Getenv("WAYBILL_WEBHOOK_SECRET") != "" {
		o.Secret = "env:WAYBILL_WEBHOOK_SECRET"
	}
	return o, nil
}

// unmarked reads whether handled mail is to get neither flag nor keyword, by the name of the chart of the Exchange Listener or by that as
// variables are written.
func unmarked() (bool, error) {
	for _, name := range []string{"FEATURES_MARK_EMAILS_AS_SYNCHRONIZED", "FeaturesMarkEmailsAsSynchronized"} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		marks, err := strconv.ParseBool(text)
		if err != nil {
			return false, fmt.Errorf("%s=%q is neither true nor false", name, text)
		}
		return !marks, nil
	}
	return false, nil
}

// version is that of the program as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

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
