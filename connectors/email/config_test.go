package email

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/smtp"
)

func TestConfigValidate(t *testing.T) {
	good := Config{Host: "mail.example.com", Port: 587, Username: "u", Password: "hunter2", Auth: true, StartTLS: true, From: "Desk <desk@example.com>"}
	require.NoError(t, good.validate())
	bad := Config{Port: 70000, Auth: true, From: "desk", Password: "hunter2"}
	err := bad.validate()
	for _, want := range []string{"EMAIL_HOST is not set", "EMAIL_PORT 70000", "EMAIL_SMTP_AUTH needs", `EMAIL_FROM "desk"`} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, bad, bad), "hunter2")
}

func TestConfigTransport(t *testing.T) {
	c := Config{Host: "mail.example.com", Username: "u", Password: "p"}
	require.Equal(t, smtp.Config{Host: "mail.example.com", TLS: smtp.TLSNone, AllowPlain: true}, c.transport(), "no account without EMAIL_SMTP_AUTH")
	c.Auth = true
	require.NoError(t, c.transport().Validate())
	require.Len(t, c.transport().Warnings(), 1)
	c.StartTLS = true
	require.Equal(t, smtp.Config{Host: "mail.example.com", TLS: smtp.TLSStartTLS, AllowPlain: true, Username: "u", Password: "p"}, c.transport())
	require.Equal(t, smtp.TLSImplicit, Config{Host: "h", SSL: true, StartTLS: true}.transport().TLS)
}
