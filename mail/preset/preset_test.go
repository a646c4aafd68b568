package preset

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
	"github.com/waybill-io/waybill/mail/smtp"
)

func TestLookup(t *testing.T) {
	cases := map[string]struct {
		find func(string) (Preset, bool)
		key  string
		want string
	}{
		"name":                       {ByName, "gmail", "gmail"},
		"name in any case":           {ByName, "Microsoft365", "microsoft365"},
		"no such name":               {ByName, "example", ""},
		"empty name":                 {ByName, "", ""},
		"domain":                     {ByAddress, "icloud.com", "icloud"},
		"address":                    {ByAddress, "Ann.O@GoogleMail.com", "gmail"},
		"address with two @":         {ByAddress, `"a@yahoo.com"@fastmail.fm`, "fastmail"},
		"not a subdomain":            {ByAddress, "ann@mail.gmail.com", ""},
		"not a suffix":               {ByAddress, "ann@notgmail.com", ""},
		"domain of a customer":       {ByAddress, "ann@example.com", ""},
		"nothing":                    {ByAddress, "", ""},
		"MX of Google":               {ByMX, "ASPMX.L.GOOGLE.com.", "gmail"},
		"MX of a tenant":             {ByMX, "example-com.mail.protection.outlook.com.", "microsoft365"},
		"MX of Outlook.com":          {ByMX, "hotmail-com.olc.protection.outlook.com", "outlook"},
		"MX of Fastmail":             {ByMX, "in1-smtp.messagingengine.com.", "fastmail"},
		"MX that only looks like it": {ByMX, "mx.evilgoogle.com", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, ok := c.find(c.key)
			require.Equal(t, c.want, p.Name)
			require.Equal(t, c.want != "", ok)
		})
	}
}

func TestPresetsAreValidConfigurations(t *testing.T) {
	all := All()
	require.True(t, slices.IsSortedFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) }))
	owner := map[string]string{}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			require.NotEmpty(t, p.Title)
			require.NotEmpty(t, p.Hints)
			for _, domain := range append(p.Domains, p.MX...) {
				require.Equal(t, canonical(domain), domain)
			}
			for _, domain := range p.Domains {
				require.Empty(t, owner[domain], domain)
				owner[domain] = p.Name
			}
			for _, auth := range p.IMAP.Auth {
				cfg := imap.Config{Host: p.IMAP.Host, Port: p.IMAP.Port, TLS: imap.TLS(p.IMAP.TLS), Auth: imap.Auth(auth), Username: "a", Password: "b"}
				if auth != "password" {
					cfg.Token = token
				}
				require.NoError(t, cfg.Validate())
			}
			require.NotEmpty(t, p.SMTP.Auth)
			require.NoError(t, smtp.Config{Host: p.SMTP.Host, Port: p.SMTP.Port, TLS: smtp.TLS(p.SMTP.TLS), Username: "a", Password: "b"}.Validate())
			for _, server := range []Server{p.IMAP, p.SMTP} {
				require.NotEqual(t, "none", server.TLS)
			}
		})
	}
	all[0].Domains[0], all[0].IMAP.Auth[0] = "x", "x"
	require.NotEqual(t, "x", All()[0].Domains[0], "a caller cannot change the presets")
	require.NotEqual(t, "x", All()[0].IMAP.Auth[0])
}

func token(context.Context) (mail.Secret, error) { return "t", nil }
