package testsuite_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/dovecot"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
	"github.com/waybill-io/waybill/worker/dev"
)

// found is a finding of a check.
func found(t *testing.T, findings []client.Finding, check string) client.Finding {
	t.Helper()
	for _, f := range findings {
		if f.Check == check {
			require.Equal(t, f.OK, f.Cure == "", "%+v", f)
			return f
		}
	}
	require.Failf(t, "no such check", "%s in %+v", check, findings)
	return client.Finding{}
}

// Each webhook of a mailbox is called from a worker, by itself, and says what answers there; none is told of mail.
func TestDiagnoseCallsWebhooks(t *testing.T) {
	e := testsuite.Start(t)
	well, fails := receive(t), receive(t)
	fails.status.Store(http.StatusInternalServerError)
	down := httptest.NewServer(nil)
	down.Close()
	stranger := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called all the same") }))
	defer stranger.Close()
	for name, url := range map[string]string{"well": well.URL, "fails": fails.URL, "down": down.URL, "stranger": stranger.URL} {
		subscribe(t, e, webhook.Subscription{Name: name, URL: url})
	}
	require.NoError(t, e.Client.PutWebhook(t.Context(), "support", "keyless", []byte(fmt.Sprintf(`{"name":"keyless","url":%q,"secrets":["env:WAYBILL_NOWHERE"]}`, well.URL))))
	require.NoError(t, e.Client.PutWebhook(t.Context(), "support", "plain", []byte(`{"name":"plain","url":"http://crm.example.com/mail","unsigned":true}`)))
	e.Watch("support", supportAddress)

	findings := e.Client.Diagnose(t.Context(), "support", client.DiagnoseOptions{})
	for name, want := range map[string]struct {
		ok          bool
		cause, cure string
	}{
		"well: call":        {true, "answered OPTIONS with 200 OK", ""},
		"well: settings":    {true, "cloudevents, unsigned", ""},
		"fails: call":       {false, "answered OPTIONS with 500 Internal Server Error", "see its log"},
		"fails: settings":   {true, "", ""},
		"down: call":        {false, "the connection was refused", "start the receiver"},
		"stranger: call":    {false, "whom the worker does not trust", "SSL_CERT_FILE"},
		"keyless: settings": {false, "has no variable WAYBILL_NOWHERE", "starter webhook add keyless --mailbox support"},
		"keyless: call":     {true, "200 OK", ""},
		"plain: settings":   {false, "in clear text", "starter webhook add plain"},
		"plain: call":       {false, "cannot be made", "mend the settings"},
	} {
		f := found(t, findings, "webhook "+name)
		require.Equal(t, want.ok, f.OK, "%+v", f)
		require.Contains(t, f.Cause, want.cause)
		require.Contains(t, f.Cure, want.cure)
	}
	fails.mu.Lock()
	defer fails.mu.Unlock()
	require.Equal(t, []string{http.MethodOptions}, fails.others)
	require.Empty(t, fails.ids, "no event was delivered")
	require.True(t, found(t, findings, "webhooks accept").OK)
	_, err := e.Client.CheckWebhook(t.Context(), contract.CheckWebhook{Mailbox: "support", Webhook: "other"})
	require.ErrorContains(t, err, "no webhook of the mailbox any more")
}

// A test message goes the way of all mail: it is sent, comes, and is handled; it is marked so that nothing answers it.
func TestDiagnoseByTestMessage(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	call := listeners(t, e)
	app := receive(t)
	const id = "0b8a1a5e-5a59-4a4b-9d9e-0b4f3a9d7c11"
	account := object{
		"Id": id, "UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_PASSWORD", "ServiceUrl": "imap://" + e.Mail.IMAPAddr(), "smtpUrl": "smtp://" + e.Mail.SMTPAddr(),
		"BpmEndpoint": app.URL, "UseFullEmail": true, "unsigned": true,
	}
	var made []struct{ Mailbox string }
	require.Equal(t, 200, call("POST", "", []object{account}, &made))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), made[0].Mailbox)
		return err == nil && m.Connection == "connected"
	}, 30*time.Second, 100*time.Millisecond)

	var problem struct{ Detail string }
	require.Equal(t, 400, call("GET", "/diagnostics?testMessage=true&id="+id, nil, &problem))
	require.Contains(t, problem.Detail, "by POST")
	require.Equal(t, 400, call("POST", "/diagnostics?testMessage=true", nil, &problem))
	require.Equal(t, 400, call("POST", "/diagnostics?testMessage=perhaps&id="+id, nil, &problem))
	var diagnosis map[string][]client.Finding
	require.Equal(t, 200, call("POST", "/diagnostics?id="+id, nil, &diagnosis))
	require.Empty(t, app.bodies(), "no mail was sent")
	require.Equal(t, 200, call("POST", "/diagnostics?testMessage=true&id="+id, nil, &diagnosis))
	f := found(t, diagnosis[id], "test message")
	require.True(t, f.OK, "%+v", f)
	require.Regexp(t, `^sent by 127\.0\.0\.1:\d+; it came into INBOX after .* and was handled after `, f.Cause)
	require.Len(t, app.bodies(), 1, "the webhook was told of it")
	m := inbox(t, e, supportAddress, 1)
	require.Equal(t, "auto-generated", header(m, "Auto-Submitted"))
	require.Contains(t, app.bodies()[0], m.Subject)
	list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
	require.NoError(t, err)
	require.Empty(t, list, "no process was started")

	// Nobody has said which server sends the mail of this one, so the mail is put into it; and nobody wants it, so it waits.
	e.Watch("sales", "sales@example.com")
	e.Send("anna@example.com", "sales@example.com", write("anna@example.com", "Question", "Hello"))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "sales")
		return err == nil && strings.HasPrefix(m.Cause, "mail waits")
	}, 30*time.Second, 50*time.Millisecond)
	f = found(t, e.Client.Diagnose(t.Context(), "sales", client.DiagnoseOptions{TestMessage: 5 * time.Second}), "test message")
	require.False(t, f.OK)
	require.Contains(t, f.Cause, "put into INBOX, since it cannot be sent (the server that sends its mail is not known); it came into INBOX after")
	require.Contains(t, f.Cause, "not handled within 5s: mail waits: no trigger is deployed")
	require.Contains(t, header(inbox(t, e, "sales@example.com", 2), "Auto-Submitted"), "auto-generated")

	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "sales", contract.PauseUpdate))
	f = found(t, e.Client.Diagnose(t.Context(), "sales", client.DiagnoseOptions{TestMessage: time.Second}), "test message")
	require.Contains(t, f.Cause, "cannot be made, because the mailbox is not connected")

	// A password that the server of outgoing mail does not know.
	account["smtpUrl"] = "smtp://127.0.0.1:1"
	require.Equal(t, 200, call("PUT", "", []object{account}, &made))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), made[0].Mailbox)
		return err == nil && m.Connection == "connected"
	}, 30*time.Second, 100*time.Millisecond)
	require.Equal(t, 200, call("POST", "/diagnostics?testMessage=true&id="+id, nil, &diagnosis))
	f = found(t, diagnosis[id], "test message")
	require.Contains(t, f.Cause, "127.0.0.1:1 does not send: smtp: dial")
	require.Contains(t, f.Cure, "PUT /api/listeners")
	require.NotContains(t, f.Cause+f.Cure, dev.Password)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// The token of a mailbox is told to end, whatever becomes of the log-in, and no part of it is shown.
func TestDiagnoseToldOfToken(t *testing.T) {
	e := testsuite.Start(t)
	file := filepath.Join(t.TempDir(), "token")
	host, port := hostPort(t, e.Mail.IMAPAddr())
	require.NoError(t, e.Client.ConfigureMailbox(t.Context(), contract.MailboxConfig{
		Name: "support", Host: host, Port: port, TLS: "none", Username: supportAddress, Auth: "xoauth2", Password: "file:" + file,
		Folder: "INBOX", MaxBytes: 1 << 20, PollMS: 60_000, LeaseMS: 30_000,
	}))
	part := base64.RawURLEncoding.EncodeToString
	for name, test := range map[string]struct {
		token       string
		ok          bool
		cause, cure string
	}{
		"good for long": {fmt.Sprintf(`{"exp":%d}`, time.Now().Add(50*time.Hour).Unix()), true, "the token expires at ", ""},
		"over":          {fmt.Sprintf(`{"exp":%d}`, time.Now().Add(-time.Hour).Unix()), false, "the token expired at ", "writes a new token to " + file},
		"silent":        {`{}`, true, "does not say when it ends", ""},
	} {
		t.Run(name, func(t *testing.T) {
			token := strings.Join([]string{part([]byte(`{"alg":"none"}`)), part([]byte(test.token)), part([]byte("signature"))}, ".")
			require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
			findings := e.Client.Diagnose(t.Context(), "support", client.DiagnoseOptions{})
			f := found(t, findings, "token expiry")
			require.Equal(t, test.ok, f.OK)
			require.Contains(t, f.Cause, test.cause)
			require.Contains(t, f.Cure, test.cure)
			require.False(t, found(t, findings, "log-in from a worker").OK, "this server takes passwords only")
			for _, one := range findings {
				for piece := range strings.SplitSeq(token, ".") {
					require.NotContains(t, one.Cause+one.Cure, piece)
				}
			}
		})
	}
	require.NoError(t, os.Remove(file))
	f := found(t, e.Client.Diagnose(t.Context(), "support", client.DiagnoseOptions{}), "token expiry")
	require.False(t, f.OK)
	require.Contains(t, f.Cause, "the token cannot be read")
}

// A test message is followed in mailboxes of other servers, too: one that moves what was handled, and one of Exchange.
func TestDiagnoseFollowsTestMessage(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	e := testsuite.Start(t)
	imapd := dovecot.Start(t, dovecot.Options{})
	imapd.SetPassword("sales", dev.Password)
	exchange, err := ewsserver.Start(ewsserver.Options{Users: map[string]string{supportAddress: dev.Password}, Heartbeat: time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, exchange.Close()) })
	crm := receive(t)
	for _, mailbox := range []string{"sales", "support", "mute"} {
		require.NoError(t, e.Client.PutWebhook(t.Context(), mailbox, "crm", []byte(fmt.Sprintf(`{"name":"crm","url":%q,"unsigned":true}`, crm.URL))))
	}
	limits := contract.MailboxConfig{Password: "env:WAYBILL_MAILBOX_PASSWORD", Folder: "INBOX", MaxBytes: 1 << 20, PollMS: 60_000, LeaseMS: 30_000}
	moving, sending := limits, limits
	moving.Name, moving.Host, moving.Port, moving.TLS, moving.CA, moving.Username, moving.MoveTo = "sales", "127.0.0.1", imapd.TLSPort, "implicit", imapd.CAFile(), "sales", "Done"
	sending.Name, sending.Source, sending.URL, sending.Username = "support", "ews", exchange.URL(), supportAddress
	sending.Listener = &contract.Listener{ID: "1", Sender: supportAddress, SMTP: "smtp://" + e.Mail.SMTPAddr()}
	mute := sending
	mute.Name, mute.Listener = "mute", nil
	for _, config := range []contract.MailboxConfig{moving, sending, mute} {
		require.NoError(t, e.Client.ConfigureMailbox(t.Context(), config))
		require.Eventually(t, func() bool {
			m, err := e.Client.Mailbox(t.Context(), config.Name)
			return err == nil && m.Connection == "connected"
		}, 30*time.Second, 100*time.Millisecond)
	}
	go func() { // as the servers of a house hand mail on
		if mails, err := e.Mail.WaitFor(t.Context(), supportAddress, 1); err == nil {
			exchange.Deliver(supportAddress, "inbox", ewsserver.Mail{Raw: mails[0].Raw, Received: time.Now()})
		}
	}()
	for mailbox, want := range map[string]string{"sales": "put into INBOX", "support": "sent by 127.0.0.1:"} {
		f := found(t, e.Client.Diagnose(t.Context(), mailbox, client.DiagnoseOptions{TestMessage: time.Minute}), "test message")
		require.True(t, f.OK, "%s: %+v", mailbox, f)
		require.Contains(t, f.Cause, want)
		require.Contains(t, f.Cause, "and was handled after")
	}
	f := found(t, e.Client.Diagnose(t.Context(), "mute", client.DiagnoseOptions{TestMessage: time.Minute}), "test message")
	require.Contains(t, f.Cause, "cannot be made, because nothing was sent: the server that sends its mail is not known, and nothing can be put into an Exchange mailbox")
}
