package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/bridge"
	"github.com/waybill-io/waybill/configuration"
	"github.com/waybill-io/waybill/gateway"
	"github.com/waybill-io/waybill/gateway/access"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/worker/app"
)

// gatewaySettings reads the settings of the gateway from the environment.
func gatewaySettings(address string, logger *slog.Logger) (o gateway.Options, err error) {
	o.Address, o.Version = address, version()
	if o.Access, err = accessSettings(logger); err != nil {
		return o, err
	}
	if text := os.Getenv("WAYBILL_SECRET_KEY"); text != "" {
		if o.Key, err = mail.ParseKey(text); err != nil {
			return o, fmt.Errorf("WAYBILL_SECRET_KEY: %w", err)
		}
	}
	if o.URL = os.Getenv("WAYBILL_GATEWAY_URL"); o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !mail.Loopback(u.Hostname())) {
			return o, fmt.Errorf("WAYBILL_GATEWAY_URL: the https:// URL is expected under which browsers reach the gateway")
		}
	}
	if os.Getenv("WAYBILL_WEBHOOK_SECRET") != "" {
		o.Secret = "env:WAYBILL_WEBHOOK_SECRET"
	}
	return o, nil
}

// accessSettings reads who may call the gateway.
func accessSettings(logger *slog.Logger) (*access.Gate, error) {
	c := access.Config{Logger: logger, Issuer: os.Getenv("WAYBILL_GATEWAY_OIDC_ISSUER"), Audience: os.Getenv("WAYBILL_GATEWAY_OIDC_AUDIENCE"), Tokens: os.Getenv("WAYBILL_GATEWAY_TOKENS")}
	if text := os.Getenv("WAYBILL_GATEWAY_PLAIN_IDENTITY"); text != "" {
		var err error
		if c.Identity, err = strconv.ParseBool(text); err != nil {
			return nil, errors.New("WAYBILL_GATEWAY_PLAIN_IDENTITY: true or false is expected")
		}
	}
	gate, err := access.Open(c)
	if err != nil {
		return nil, fmt.Errorf("WAYBILL_GATEWAY_...: %w", err)
	}
	return gate, nil
}

// version is that of the program as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// variables give the settings of connectors: those that are known by a property, too, as that says; else an environment variable, or the
// file that the variable with _FILE after its name names. A sealed secret is opened.
func variables(s *configuration.Settings) func(name string) (string, error) {
	return func(name string) (string, error) {
		if text, known, err := s.Variable(name); known {
			return text, err
		}
		return variable(name)
	}
}

func variable(name string) (string, error) {
	text, file := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case text != "" && file != "":
		return "", fmt.Errorf("is set, and %s_FILE is, too; keep one", name)
	case file != "":
		secret, err := activities.Secret("file:" + file)
		return string(secret), err
	case strings.HasPrefix(text, "sealed:"):
		secret, err := activities.Secret(text)
		return string(secret), err
	}
	return text, nil
}

// bridgeSettings reads what the role bridge needs to know.
func bridgeSettings(roles []app.Role, connectors []string) (bridge.Config, error) {
	if !slices.Contains(roles, app.Bridge) {
		if len(connectors) > 0 {
			return bridge.Config{}, errors.New("--bridge names connectors, and the role bridge is not among --roles")
		}
		return bridge.Config{}, nil
	}
	return bridge.Read(connectors, variable)
}
