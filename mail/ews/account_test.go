package ews_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

const (
	support  = "support@example.com"
	password = "s3cret&<pass>"
	shared   = "sales@example.com"
	token    = "t0ken-of-support"
)

func start(t *testing.T, options ewsserver.Options) *ewsserver.Server {
	t.Helper()
	options.Users = map[string]string{support: password}
	options.Token = func(given string) (string, bool) { return support, given == token }
	if options.Heartbeat == 0 {
		options.Heartbeat = 50 * time.Millisecond
	}
	s, err := ewsserver.Start(options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func config(s *ewsserver.Server) ews.Config {
	return ews.Config{
		URL: s.URL(), Auth: ews.AuthBasic, Username: support, Password: password, RootCAs: s.RootCAs(),
		RequestTimeout: 5 * time.Second, StreamSilence: 5 * time.Second, StreamLifetime: time.Minute,
	}
}

func open(t *testing.T, cfg ews.Config, folders ...string) *ews.Account {
	t.Helper()
	a, err := ews.Open(t.Context(), cfg, folders)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func raw(subject string) []byte {
	return fmt.Appendf(nil, "From: Sender <sender@example.com>\r\nTo: support@example.com\r\nSubject: %s\r\n"+
		"Message-Id: <%s@example.com>\r\n\r\nText of %s.\r\n", subject, strings.ReplaceAll(subject, " ", "-"), subject)
}

func deliver(s *ewsserver.Server, subject string) string {
	return s.Deliver(support, "inbox", ewsserver.Mail{Raw: raw(subject)})
}

func fetch(t *testing.T, a *ews.Account, id string) string {
	t.Helper()
	var content bytes.Buffer
	_, err := a.Fetch(t.Context(), ews.Inbox, id, &content, 0)
	require.NoError(t, err)
	return content.String()
}

func kind(t *testing.T, err error) mail.Kind {
	t.Helper()
	failure := new(ews.Error)
	require.ErrorAs(t, err, &failure)
	assert.NotContains(t, err.Error(), password)
	assert.NotContains(t, err.Error(), token)
	return failure.Kind
}

func TestLogIn(t *testing.T) {
	tokens := func(given mail.Secret, err error) func(context.Context) (mail.Secret, error) {
		return func(context.Context) (mail.Secret, error) { return given, err }
	}
	for name, test := range map[string]struct {
		offered  []string
		change   func(*ews.Config)
		refused  mail.Kind
		contains string
	}{
		"basic":                 {change: func(c *ews.Config) { c.Auth = ews.AuthBasic }},
		"NTLM":                  {change: func(c *ews.Config) { c.Auth = "" }, offered: []string{"ntlm"}},
		"NTLM with a domain":    {change: func(c *ews.Config) { c.Auth, c.Username = ews.AuthNTLM, `WAYBILL\support` }},
		"OAuth":                 {change: func(c *ews.Config) { c.Auth, c.Token = ews.AuthOAuth, tokens(token, nil) }, offered: []string{"bearer"}},
		"basic, wrong password": {change: func(c *ews.Config) { c.Password = "no" }, refused: mail.KindAuth, contains: "401"},
		"NTLM, wrong password":  {change: func(c *ews.Config) { c.Auth, c.Password = ews.AuthNTLM, "no" }, refused: mail.KindAuth, contains: "401"},
		"NTLM, unknown user":    {change: func(c *ews.Config) { c.Auth, c.Username = ews.AuthNTLM, "nobody" }, refused: mail.KindAuth},
		"NTLM is not offered":   {change: func(c *ews.Config) { c.Auth = ews.AuthNTLM }, offered: []string{"basic"}, refused: mail.KindAuth, contains: "offering Basic"},
		"wrong token":           {change: func(c *ews.Config) { c.Auth, c.Token = ews.AuthOAuth, tokens("old", nil) }, refused: mail.KindAuth},
		"no token": {change: func(c *ews.Config) { c.Auth, c.Token = ews.AuthOAuth, tokens("", errors.New("revoked")) },
			refused: mail.KindAuth, contains: "revoked"},
		"unknown authority": {change: func(c *ews.Config) { c.RootCAs = nil }, refused: mail.KindTLS},
		"nobody there":      {change: func(c *ews.Config) { c.URL = "https://127.0.0.1:1/EWS/Exchange.asmx" }, refused: mail.KindNetwork},
		"wrong path":        {change: func(c *ews.Config) { c.URL += "x" }, refused: mail.KindProtocol, contains: "404"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, ewsserver.Options{TLS: true, Auth: test.offered})
			id := deliver(s, "one")
			cfg := config(s)
			test.change(&cfg)
			a, err := ews.Open(t.Context(), cfg, nil)
			if test.refused != "" {
				assert.Equal(t, test.refused, kind(t, err), "%v", err)
				assert.ErrorContains(t, err, test.contains)
				return
			}
			require.NoError(t, err)
			defer func() { _ = a.Close() }()
			batch, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
			require.NoError(t, err)
			require.Len(t, batch.Items, 1)
			assert.Equal(t, string(raw("one")), fetch(t, a, id))
			assert.WithinDuration(t, time.Now(), a.LastAlive(), time.Second)
			require.NoError(t, a.Wait(t.Context()), "the streaming connection logs in too")
			assert.Equal(t, 1, s.Streams())
		})
	}
}

func TestNTLMLogsInOncePerConnection(t *testing.T) {
	s := start(t, ewsserver.Options{Auth: []string{"ntlm"}})
	cfg := config(s)
	cfg.Auth = ews.AuthNTLM
	a := open(t, cfg)
	position := mail.Position{}
	for range 5 {
		batch, err := a.Next(t.Context(), ews.Inbox, position, 10)
		require.NoError(t, err)
		position.Cursor = batch.Cursor
	}
	assert.Equal(t, 1, s.Challenges())
	s.CutConnections()
	_, err := a.Next(t.Context(), ews.Inbox, position, 10)
	require.NoError(t, err, "a new connection logs in again")
	assert.Equal(t, 2, s.Challenges())
}

func TestOtherMailboxes(t *testing.T) {
	for name, test := range map[string]struct {
		delegates   []string
		impersonate bool
		refused     mail.Kind
	}{
		"delegate":                   {delegates: []string{support}},
		"impersonation":              {delegates: []string{support}, impersonate: true},
		"no delegate":                {refused: mail.KindAuth},
		"not allowed to impersonate": {impersonate: true, refused: mail.KindAuth},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, ewsserver.Options{Delegates: map[string][]string{shared: test.delegates}})
			deliver(s, "not this")
			s.Deliver(shared, "inbox", ewsserver.Mail{Raw: raw("of the shared mailbox")})
			cfg := config(s)
			cfg.Mailbox, cfg.Impersonate = shared, test.impersonate
			a, err := ews.Open(t.Context(), cfg, nil)
			if test.refused != "" {
				assert.Equal(t, test.refused, kind(t, err))
				return
			}
			require.NoError(t, err)
			defer func() { _ = a.Close() }()
			batch, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
			require.NoError(t, err)
			require.Len(t, batch.Items, 1)
			assert.Contains(t, fetch(t, a, batch.Items[0].ID), "of the shared mailbox")
			require.NoError(t, a.Acknowledge(t.Context(), ews.Inbox, []string{batch.Items[0].ID}, mail.Ack{MoveTo: "Done"}))
			assert.Len(t, s.Mails(shared, "Done"), 1)
		})
	}
}

func TestFolders(t *testing.T) {
	s := start(t, ewsserver.Options{})
	s.Deliver(support, "Projects/2026", ewsserver.Mail{Raw: raw("a project")})
	s.Deliver(support, "Inbox/Orders", ewsserver.Mail{Raw: raw("an order")})
	a := open(t, config(s), "INBOX", "inbox/orders", "Projects/2026")
	names, err := a.Folders(t.Context())
	require.NoError(t, err)
	assert.Subset(t, names, []string{"INBOX", "INBOX/Orders", "Projects", "Projects/2026", "Sent Items", "Deleted Items"})
	assert.NotContains(t, names, "Calendar")

	batch, err := a.Next(t.Context(), "Projects/2026", mail.Position{}, 10)
	require.NoError(t, err)
	require.Len(t, batch.Items, 1)
	assert.Contains(t, fetch(t, a, batch.Items[0].ID), "a project")

	_, err = ews.Open(t.Context(), config(s), []string{"Nowhere"})
	assert.Equal(t, mail.KindFolderMissing, kind(t, err))
	assert.ErrorContains(t, err, "Nowhere")
	_, err = a.Next(t.Context(), "Nowhere", mail.Position{}, 10)
	assert.Equal(t, mail.KindFolderMissing, kind(t, err))
}

func TestAClosedAccountEndsItsCalls(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	require.NoError(t, a.Wait(t.Context()))
	ended := make(chan error, 1)
	go func() {
		for {
			if err := a.Wait(t.Context()); err != nil {
				ended <- err
				return
			}
		}
	}()
	streaming(t, s)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	require.Error(t, <-ended)
	assert.Equal(t, 1, s.Asked("Unsubscribe"))
	require.Eventually(t, func() bool { return s.Streams() == 0 }, time.Second, 5*time.Millisecond)
	_, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 1)
	assert.ErrorContains(t, err, "closed")
}

func TestConfig(t *testing.T) {
	good := ews.Config{Host: "mail.example.com", Username: support, Password: password}
	for name, test := range map[string]struct {
		change func(*ews.Config)
		want   string
	}{
		"good":    {func(*ews.Config) {}, ""},
		"url":     {func(c *ews.Config) { c.Host, c.URL = "", "https://mail.example.com/EWS/Exchange.asmx" }, ""},
		"neither": {func(c *ews.Config) { c.Host = "" }, "url and host are empty"},
		"both":    {func(c *ews.Config) { c.URL = "https://x/" }, "either url or host"},
		"plain":   {func(c *ews.Config) { c.Host, c.URL = "", "http://mail.example.com/EWS/Exchange.asmx" }, "in the clear"},
		"plain, allowed": {func(c *ews.Config) {
			c.Host, c.URL, c.AllowPlain = "", "http://mail.example.com/EWS/Exchange.asmx", true
		}, ""},
		"plain, loopback":  {func(c *ews.Config) { c.Host, c.URL = "", "http://localhost/EWS/Exchange.asmx" }, ""},
		"secret in url":    {func(c *ews.Config) { c.Host, c.URL = "", "https://u:"+password+"@x/" }, "url"},
		"other scheme":     {func(c *ews.Config) { c.Host, c.URL = "", "ftp://x/" }, "not https"},
		"no password":      {func(c *ews.Config) { c.Password = "" }, "username and password"},
		"no token":         {func(c *ews.Config) { c.Auth = ews.AuthOAuth }, "source of tokens"},
		"unknown auth":     {func(c *ews.Config) { c.Auth = "digest" }, "digest"},
		"mailbox":          {func(c *ews.Config) { c.Mailbox = "sales" }, "not a mail address"},
		"whom":             {func(c *ews.Config) { c.Impersonate = true }, "of whom"},
		"lifetime":         {func(c *ews.Config) { c.StreamLifetime = 30 * time.Minute }, "streamLifetime"},
		"lifetime, second": {func(c *ews.Config) { c.StreamLifetime = 90 * time.Second }, "streamLifetime"},
		"negative":         {func(c *ews.Config) { c.PollInterval = -1 }, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			test.change(&cfg)
			err := cfg.Validate()
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), password)
		})
	}
}
