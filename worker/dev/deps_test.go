package dev

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

// TestMailStaysHere sends with the built-in connector and with instances whose files and variables name real servers.
func TestMailStaysHere(t *testing.T) {
	server, err := mailserver.Start(mailserver.Options{SMTPAddr: "127.0.0.1:0", IMAPAddr: "127.0.0.1:0", Dir: t.TempDir(), OpenPassword: Password, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close(context.WithoutCancel(t.Context()))) })
	const elsewhere = "mail.invalid" // RFC 6761: no such host
	variables := map[string]string{"RULES_HOST": "rules.example.com", "EMAIL_RULES__REST_AUTH": "bearer", "EMAIL_RULES__REST_AUTH_TOKEN": "t", "DESK_HOST": elsewhere}
	for _, prefix := range []string{"", "DESK_MAIL__", "EMAIL_ALERTS__"} {
		for name, value := range map[string]string{"EMAIL_HOST": elsewhere, "EMAIL_PORT": "465", "EMAIL_SMTP_SSL": "true", "EMAIL_SMTP_AUTH": "true", "EMAIL_USERNAME": "ann", "EMAIL_PASSWORD": "hunter2"} {
			variables[prefix+name] = value
		}
	}
	asked := map[string]bool{}
	e := &Environment{Mail: server, options: Options{Variable: func(name string) (string, error) { asked[name] = true; return variables[name], nil }}}
	folder := t.TempDir()
	for file, text := range map[string]string{
		"desk.json":   `{"id":"d","name":"desk-mail","template":"email","config":[{"name":"EMAIL_HOST","value":"mail.invalid"},{"name":"EMAIL_PORT","value":"587"},{"name":"EMAIL_SMTP_STARTTLS","value":"true"}]}`,
		"alerts.json": `{"id":"a","name":"email-alerts","template":"email","config":[{"name":"EMAIL_HOST","value":"${DESK_HOST}"}]}`,
		"rules.json":  `{"id":"r","name":"email-rules","template":"rest","config":[{"name":"REST_HOST","value":"${RULES_HOST}"}]}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600))
	}
	e.options.Email = service.Config{Servers: map[string]service.Server{
		"":     {Host: elsewhere, Port: 465, TLS: smtp.TLSImplicit, Username: "ann", Password: "hunter2", Rate: 1, DKIM: service.DKIM{Domain: "x"}, Identity: service.Identity{From: mail.Address{Address: "desk@example.com"}}},
		"acme": {Host: elsewhere, TLS: smtp.TLSStartTLS, OAuth: service.OAuth{TokenURL: "https://mail.invalid"}, Identity: service.Identity{From: mail.Address{Address: "desk@acme.example"}}},
	}}
	deps, err := e.deps()
	require.NoError(t, err)
	list, err := catalog.BuiltIn(deps)
	require.NoError(t, err)
	instances, err := catalog.Instances([]string{folder}, deps)
	require.NoError(t, err)
	sent := 0
	for _, c := range append(list, instances...) {
		if name := c.Definition().Name; name != "email" && c.Definition().Template != "email" {
			continue
		}
		sent++
		_, err := connectors.Do(t.Context(), c, connectors.Call{Action: "SEND", IdempotencyKey: c.Definition().Name, Inputs: map[string]any{"from": "desk@example.com", "to": "ada@example.com", "text": "x"}})
		require.NoError(t, err, c.Definition().Name)
	}
	require.Equal(t, 3, sent)
	_, err = deps.Mail.Send(t.Context(), "acme", smtp.Mail{To: []mail.Address{{Address: "ada@example.com"}}, Text: "x"})
	require.NoError(t, err)
	sent++
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = server.WaitFor(ctx, "ada@example.com", sent)
	require.NoError(t, err)
	for _, name := range []string{"EMAIL_RULES__REST_HOST", "RULES_HOST", "EMAIL_RULES__REST_AUTH_TOKEN", "DESK_MAIL__EMAIL_FROM"} {
		require.True(t, asked[name], "%s is the instance's own, whatever its name begins with", name)
	}
}
