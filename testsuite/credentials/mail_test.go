package credentials_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/dovecot"
	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/testsuite/oauthserver"
)

const ann = "ann@example.com"

// Mailboxes and a mail server take the tokens of a credential, which last ten seconds: they go on over many of them. Then the provider takes the
// consent back, which is told in words, and a new one mends it.
func TestMailWithTokens(t *testing.T) {
	t.Parallel()
	h := start(t, oauthserver.Options{Access: 10 * time.Second})
	relay, err := mailserver.Start(mailserver.Options{})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		_ = relay.Close(ctx) // Dovecot may still hold a connection
	})
	imap := dovecot.Start(t, dovecot.Options{Introspection: h.oauth.IntrospectionURL(), Relay: port(t, relay.SMTPAddr())})
	h.add("ann", h.config())
	mailbox := func(name, auth string) contract.MailboxConfig {
		return contract.MailboxConfig{
			Name: name, Host: imap.Host, Port: imap.TLSPort, TLS: "implicit", Username: ann, Password: "credential:ann", Auth: auth, CA: imap.CAFile(),
			Folder: "INBOX", MaxBytes: 1 << 20, PollMS: 1000, LeaseMS: 30_000, Listener: &contract.Listener{ID: name},
		}
	}
	boxes := []string{"one", "two"}
	for i, auth := range []string{"xoauth2", "oauthbearer"} {
		require.NoError(t, h.Client.ConfigureMailbox(t.Context(), mailbox(boxes[i], auth)))
	}
	box := func(name string, is func(client.Mailbox) bool, what string) {
		t.Helper()
		var last client.Mailbox
		require.Eventually(t, func() bool {
			last, err = h.Client.Mailbox(t.Context(), name)
			return err == nil && is(last)
		}, time.Minute, 100*time.Millisecond, "%s", what)
	}
	for _, name := range boxes {
		box(name, func(m client.Mailbox) bool { return m.Connection == "error" }, "there is no token yet")
	}
	m, err := h.Client.Mailbox(t.Context(), "one")
	require.NoError(t, err)
	require.Contains(t, m.Cause, "nobody has authorized it yet")
	h.authorize("ann", ann)
	connected := func(m client.Mailbox) bool { return m.Connection == "connected" }
	for _, name := range boxes {
		require.NoError(t, h.Client.ConfigureMailbox(t.Context(), func() contract.MailboxConfig {
			c := mailbox(name, map[string]string{"one": "xoauth2", "two": "oauthbearer"}[name])
			c.PollMS = 2000 // a change has it connect at once
			return c
		}()))
		box(name, connected, "it is connected")
	}

	send := func(n int) {
		t.Helper()
		text, err := json.Marshal(smtp.Mail{
			From: mail.Address{Address: ann}, To: []mail.Address{{Address: "bob@example.com"}}, Subject: "hello", Text: "hello", MessageID: fmt.Sprintf("<%d@example.com>", n),
		})
		require.NoError(t, err)
		sent, err := h.Client.SendMail(t.Context(), fmt.Sprint(n), contract.SendMail{Mail: text, Account: contract.SMTPAccount{
			Host: imap.Host, Port: imap.SubmissionPort, TLS: "starttls", Username: ann, Password: "credential:ann", OAuth: true, CA: imap.CAFile(),
		}}, 30*time.Second)
		require.NoError(t, err)
		require.False(t, sent.Pending, sent.Cause)
		require.Equal(t, []string{"bob@example.com"}, sent.Accepted)
	}
	send(1)
	authorised := h.credential("ann").Version
	for n := range 2 { // each time all tokens have ended that were in use before
		var now client.Credential
		h.eventually("ann", "it is refreshed ahead of time", func(c client.Credential) bool {
			now = c
			return c.State == client.CredentialBroken || c.Version >= authorised+2*(n+1)
		})
		require.NotEqual(t, client.CredentialBroken, now.State, now.Cause)
		imap.Restart()
		begun := time.Now()
		for _, name := range boxes {
			box(name, func(m client.Mailbox) bool { return connected(m) && m.Watch.LastAlive.After(begun) }, "it is connected again")
		}
		send(n + 2)
	}
	findings := h.Client.Diagnose(t.Context(), "one", client.DiagnoseOptions{})
	found := false
	for _, f := range findings {
		if f.Check == "token expiry" {
			found = true
			require.Contains(t, f.Cause, "the token expires at")
		}
	}
	require.True(t, found)
	h.secretsNowhere()

	outcome, err := h.Client.RevokeCredential(t.Context(), "ann")
	require.NoError(t, err)
	require.True(t, outcome.AtProvider, outcome.Message)
	require.Equal(t, client.CredentialRevoked, h.credential("ann").State)
	imap.Restart()
	for _, name := range boxes {
		box(name, func(m client.Mailbox) bool { return m.Connection == "error" && m.Stopped == nil }, "it waits, and is not stopped")
	}
	h.authorize("ann", ann)
	require.Equal(t, client.CredentialValid, h.credential("ann").State)
	send(9)
}
