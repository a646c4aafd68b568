package configuration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// emailOf is the email service of a file of properties.
func emailOf(t *testing.T, properties string) (service.Config, error) {
	t.Helper()
	s, err := Read(Options{File: file(t, "a.properties", properties), Secret: secrets})
	require.NoError(t, err)
	return s.Email()
}

func TestTenants(t *testing.T) {
	s, err := Read(Options{File: "testdata/waybill.yaml", Secret: secrets})
	require.NoError(t, err)
	c, err := s.Email()
	require.NoError(t, err)
	shared := service.Server{
		Host: "smtp.example.com", Port: 465, TLS: smtp.TLSImplicit, Username: "process@example.com", Password: "of SMTP_PASSWORD",
		Identity: service.Identity{From: mail.Address{Address: "no-reply@example.com"}},
	}
	globex := shared
	globex.Common = service.Common{Server: true, Login: true}
	globex.Identity.From.Address = "desk@globex.example"
	require.Equal(t, map[string]service.Server{
		"": shared, "globex": globex,
		"acme": {Host: "mail.acme.example", TLS: smtp.TLSStartTLS, Identity: service.Identity{From: mail.Address{Address: "desk@acme.example"}}},
	}, c.Servers)
	require.Regexp(t, `(?m)^email\.password +env:SMTP_PASSWORD +testdata`, s.Table(), "a reference is no secret")
}

func TestWhatTenantsTakeOver(t *testing.T) {
	const common = "email.host=h\nemail.tls=true\nemail.useCredentials=true\nemail.username=u\nemail.password=p\nemail.from.default=a@h\nemail.from.default.name=A\n" +
		"email.feedback.default=f@h\nemail.base.url=https://h/\nemail.dkim.domain=h\nemail.dkim.selector=s\nemail.dkim.key=k\nemail.rate=2.5\nemail.connections=3\nemail.tenants=t\n"
	all := service.Server{
		Host: "h", TLS: smtp.TLSStartTLS, Username: "u", Password: "p", Rate: 2.5, Connections: 3, DKIM: service.DKIM{Domain: "h", Selector: "s", Key: "k"},
		Identity: service.Identity{From: mail.Address{Name: "A", Address: "a@h"}, Feedback: "f@h", BaseURL: "https://h"},
	}
	inherited := all
	inherited.Common = service.Common{Server: true, Login: true, From: true}
	for text, change := range map[string]func(*service.Server){
		"":                                 func(*service.Server) {},
		"email.tenant.t.enabled=false":     func(s *service.Server) { s.Identity.Suppressed = "email.tenant.t.enabled is false" },
		"email.tenant.t.from.default=b@t":  func(s *service.Server) { s.Identity.From, s.Common.From = mail.Address{Address: "b@t"}, false },
		"email.tenant.t.base.url=http://t": func(s *service.Server) { s.Identity.BaseURL = "http://t" },
		"email.tenant.t.useCredentials=true\nemail.tenant.t.username=v\nemail.tenant.t.password=env:Q": func(s *service.Server) {
			s.Username, s.Password, s.Common.Login = "v", "of Q", false
		},
		"email.tenant.t.host=other": func(s *service.Server) {
			*s = service.Server{Host: "other", TLS: smtp.TLSNone, Identity: service.Identity{Feedback: "f@h", BaseURL: "https://h"}}
		},
	} {
		c, err := emailOf(t, common+text)
		require.NoError(t, err, text)
		want := inherited
		change(&want)
		require.Equal(t, want, c.Servers["t"], text)
		require.Equal(t, all, c.Servers[""], text)
	}
	_, err := emailOf(t, common+"email.tenant.t.useCredentials=true\nemail.tenant.t.username=v")
	require.EqualError(t, err, "email.tenant.t.password: it is not set, and email.tenant.t.useCredentials is true", "no password goes with the user name of another")
}

func TestEnabled(t *testing.T) {
	for text, disabled := range map[string]bool{
		"email.host=h": false, "email.host=h\nemail.enabled=true": false, "email.host=h\nemail.enabled=false": true, "email.enabled=false": true, "": false,
	} {
		c, err := emailOf(t, text)
		require.NoError(t, err)
		require.Equal(t, disabled, c.Disabled, text)
	}
}

func TestMailInTheClear(t *testing.T) {
	const login = "email.useCredentials=true\nemail.username=u\nemail.password=hunter2\n"
	for text, want := range map[string]string{
		login + "email.host=h":                                        "email: the mail password goes to h:25 in the clear: use STARTTLS (port 587) or TLS from the first byte (port 465)",
		login + "email.host=h\nemail.port=2525":                       "the mail password goes to h:2525 in the clear",
		login + "email.host=h\nemail.tls=true":                        "",
		login + "email.host=h\nemail.ssl=true":                        "",
		login + "email.host=127.0.0.1":                                "",
		"email.useCredentials=false\nemail.username=u\nemail.host=h":  "", // no log-in
		"email.host=h\nemail.enabled=false":                           "no mail is sent: email.enabled is false",
		"email.host=h\nemail.tenants=t\nemail.tenant.t.enabled=false": `no mail of tenant "t" is sent: email.tenant.t.enabled is false`,
	} {
		c, err := emailOf(t, text+"\nemail.from.default=desk@example.com")
		require.NoError(t, err, text)
		if want == "" {
			require.Empty(t, c.Warnings(), text)
			continue
		}
		require.Len(t, c.Warnings(), 1, text)
		require.Contains(t, c.Warnings()[0], want, text)
		require.NotContains(t, c.Warnings()[0], "hunter2")
	}
}

func TestNoSender(t *testing.T) {
	const no = ".from.default is not set: mails that name no sender, as those of tasks and alerts, are not sent"
	for text, want := range map[string][]string{
		"":             nil,
		"email.host=h": {"email" + no},
		"email.host=h\nemail.from.default=a@h\nemail.tenants=t,u\nemail.tenant.t.host=i": {"email.tenant.t" + no},
		"email.host=h\nemail.enabled=false":                                              {"no mail is sent: email.enabled is false"},
	} {
		c, err := emailOf(t, text)
		require.NoError(t, err)
		require.Equal(t, want, c.Warnings(), text)
	}
}

func TestOAuth(t *testing.T) {
	const client = "email.host=h\nemail.tls=true\nemail.username=u\nemail.oauth.token-url=https://t\nemail.oauth.client-id=i\n"
	c, err := emailOf(t, client+"email.oauth.client-secret=env:S\nemail.oauth.scope=a b\nemail.useCredentials=true\nemail.tenants=x,y\nemail.tenant.x.from.default=a@x\n"+
		"email.tenant.y.oauth.token-url=https://y\nemail.tenant.y.oauth.client-id=j\nemail.tenant.y.oauth.authorization-url=https://z\nemail.tenant.y.username=v")
	require.NoError(t, err)
	require.Equal(t, service.OAuth{Credential: "email", TokenURL: "https://t", ClientID: "i", ClientSecret: "env:S", Scope: "a b"}, c.Servers[""].OAuth)
	require.Equal(t, c.Servers[""].OAuth, c.Servers["x"].OAuth)
	require.Equal(t, service.OAuth{Credential: "email-y", AuthorizationURL: "https://z", TokenURL: "https://y", ClientID: "j"}, c.Servers["y"].OAuth)
	require.Equal(t, map[string]service.OAuth{"email": c.Servers[""].OAuth, "email-y": c.Servers["y"].OAuth}, c.Credentials())
	s, err := Read(Options{File: file(t, "a.properties", client), Environment: environment(map[string]string{"EMAIL_OAUTH_CLIENT_SECRET": "x"})})
	require.NoError(t, err)
	fromEnvironment, err := s.Email()
	require.NoError(t, err)
	require.Equal(t, "env:EMAIL_OAUTH_CLIENT_SECRET", fromEnvironment.Servers[""].OAuth.ClientSecret)
	require.Equal(t, "u", c.Servers[""].Username)
	require.Empty(t, c.Servers[""].Password)
	for text, want := range map[string]string{
		strings.Replace(client, "https://t", "http://idp.example.com/token", 1) + "email.oauth.client-secret=env:S": ":4: email.oauth.token-url: https is expected",
		client + "email.oauth.authorization-url=http://t/authorize":                                                 ":6: email.oauth.authorization-url: https is expected",
		client + "email.oauth.client-secret=plain":                                                                  ":6: email.oauth.client-secret: a reference is expected",
		client: "email.oauth.client-secret: it is not set: without email.oauth.authorization-url",
		strings.Replace(client, "email.username", "x", 1) + "email.oauth.client-secret=env:S": "email.username: it is not set: log-ins with access tokens need the account",
		"email.host=h\nemail.oauth.client-id=i\nemail.username=u":                             "email.oauth.token-url: it is not set, and other settings of oauth are",
	} {
		_, err := emailOf(t, text)
		require.ErrorContains(t, err, want)
	}
}

func TestEmailMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"email.host=h\nemail.useCredentials=true\nemail.username=u":                          "email.password: it is not set, and email.useCredentials is true",
		"email.host=h\nemail.useCredentials=true\nemail.password=p":                          "email.username: it is not set, and email.useCredentials is true",
		"email.host=h\nemail.useCredentials=true\nemail.username=u\nemail.password=env:NONE": ":4: email.password: there is no such secret",
		"email.enabled=true":                         ":1: email.enabled: it is true, and email.host is not set",
		"email.host=h\nemail.from.default.name=Desk": ":2: email.from.default.name: email.from.default is not set",
		"email.host=h\nemail.dkim.domain=h":          "email.dkim.selector: it is not set, and other settings of dkim are",
		"email.host=h\nemail.username=u":             ":2: email.username: it is set, and email.useCredentials is not: true logs in, false does not",
		"email.host=h\nemail.password=p":             ":2: email.password: it is set, and email.useCredentials is not",
		"email.host=h\nemail.tenants=t\nemail.tenant.t.enabled=false\nemail.tenant.t.rate=5": ":4: email.tenant.t.rate: it is of a server, and email.tenant.t.host is not set",
		"email.host=h\nemail.tenants=t\nemail.tenant.t.ca=testdata/waybill.yaml":             ":3: email.tenant.t.ca: it is of a server, and email.tenant.t.host is not set",
	} {
		_, err := emailOf(t, text)
		require.ErrorContains(t, err, want, text)
	}
}

// A tenant that logs in as another does so with nothing of the common log-in.
func TestLogInsDoNotMix(t *testing.T) {
	const (
		password = "email.host=h\nemail.tls=true\nemail.useCredentials=true\nemail.username=u\nemail.password=p\nemail.tenants=t\n"
		oauth    = "email.host=h\nemail.tls=true\nemail.username=u\nemail.oauth.token-url=https://t\nemail.oauth.client-id=i\nemail.oauth.client-secret=env:S\nemail.tenants=t\n"
		own      = "email.tenant.t.useCredentials=true\nemail.tenant.t.username=v\nemail.tenant.t.password=q"
	)
	serverAndSender := service.Common{Server: true, From: true}
	for _, common := range []string{password, oauth} {
		c, err := emailOf(t, common+own)
		require.NoError(t, err)
		require.Equal(t, service.Server{Host: "h", TLS: smtp.TLSStartTLS, Username: "v", Password: "q", Common: serverAndSender}, c.Servers["t"])
		c, err = emailOf(t, common+"email.tenant.t.useCredentials=false")
		require.NoError(t, err)
		require.Equal(t, service.Server{Host: "h", TLS: smtp.TLSStartTLS, Common: serverAndSender}, c.Servers["t"])
		for _, name := range []string{"username", "password"} {
			_, err = emailOf(t, common+"email.tenant.t."+name+"=x")
			require.ErrorContains(t, err, "email.tenant.t."+name+": it is set, and email.tenant.t.useCredentials is not: true logs in, false does not")
		}
		_, err = emailOf(t, common+"email.tenant.t.oauth.scope=x")
		require.ErrorContains(t, err, "email.tenant.t.oauth.token-url: it is not set, and other settings of oauth are")
	}
}

// What is switched off sends nothing whatever else is set.
func TestTenantIsSwitchedOff(t *testing.T) {
	for _, common := range []string{"email.host=h\n", ""} {
		c, err := emailOf(t, common+"email.tenants=t\nemail.tenant.t.enabled=false")
		require.NoError(t, err)
		mails, err := service.Open(c, nil)
		require.NoError(t, err)
		r, err := mails.Send(t.Context(), "t", smtp.Mail{})
		require.NoError(t, err)
		require.Equal(t, "email.tenant.t.enabled is false", r.Suppressed)
		require.Equal(t, "email.tenant.t.enabled", mails.Test(t.Context(), "t", nil).Steps[0].Setting)
	}
}
