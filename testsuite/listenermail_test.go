package testsuite_test

import (
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/worker/dev"
)

// hostPort takes an address apart.
func hostPort(t *testing.T, address string) (string, int) {
	t.Helper()
	host, text, err := net.SplitHostPort(address)
	require.NoError(t, err)
	port, err := strconv.Atoi(text)
	require.NoError(t, err)
	return host, port
}

// An application sends mail for a mailbox, once, and is told what the mail server refuses.
func TestListenerSends(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	t.Setenv("WAYBILL_MAILBOX_WRONG", "wrong-password")
	e := testsuite.Start(t)
	call := listeners(t, e)
	const id = "0b8a1a5e-5a59-4a4b-9d9e-0b4f3a9d7c11"
	var made []struct{ Mailbox string }
	require.Equal(t, 200, call("POST", "", []object{{
		"Id": id, "UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_PASSWORD", "ServiceUrl": "imap://" + e.Mail.IMAPAddr(), "smtpUrl": "smtp://" + e.Mail.SMTPAddr(),
	}}, &made))
	type answer struct {
		MessageID, State string
		Accepted         []string
	}
	letter := object{
		"MessageId": "42@example.com", "To": "Bert <bert@example.com>, carl@example.com", "Bcc": "dora@example.com", "Subject": "Grüße", "Body": "<p>Hello</p>", "IsHtmlBody": true,
		"InReplyTo": "<41@example.com>", "Attachments": []object{{"Name": "a.txt", "ContentType": "text/plain", "Content": []byte("attached")}},
	}
	for range 2 { // once more sends nothing
		var sent answer
		require.Equal(t, 200, call("POST", "/send", object{"Credentials": object{"Id": id}, "Email": letter}, &sent))
		require.Equal(t, answer{"<42@example.com>", "sent", []string{"bert@example.com", "carl@example.com", "dora@example.com"}}, sent)
	}
	var other struct{ Detail string }
	letter["Subject"] = "Something else"
	require.Equal(t, 409, call("POST", "/send", object{"Credentials": object{"Id": id}, "Email": letter}, &other))
	require.Contains(t, other.Detail, "another mail with this MessageId was sent before")
	m := inbox(t, e, "bert@example.com", 1)
	require.Equal(t, "<42@example.com>", m.MessageID)
	require.Equal(t, supportAddress, m.From[0].Address, "the address of the mailbox")
	require.Equal(t, "Grüße", m.Subject)
	require.Equal(t, "<41@example.com>", m.InReplyTo)
	require.Contains(t, m.HTML, "<p>Hello</p>")

	given := object{"UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_PASSWORD", "smtpUrl": "smtp://" + e.Mail.SMTPAddr()}
	var sent answer
	require.Equal(t, 200, call("POST", "/send", object{"Credentials": given, "Email": object{"To": "bert@example.com", "Sender": "Ann <ann@example.com>", "Body": "Hello"}}, &sent))
	m = inbox(t, e, "bert@example.com", 2)
	require.Equal(t, sent.MessageID, m.MessageID)
	require.True(t, strings.HasSuffix(sent.MessageID, "@example.com>"), sent.MessageID)

	with := func(changes object) object {
		all := object{}
		for _, fields := range []object{given, changes} {
			for name, value := range fields {
				all[name] = value
			}
		}
		return all
	}
	ok := object{"To": "bert@example.com", "Body": "Hello"}
	for name, test := range map[string]struct {
		credentials, email object
		status             int
		detail             string
	}{
		"another server for a mailbox's password": {object{"Id": id, "smtpUrl": "smtp://" + e.Mail.SMTPAddr()}, ok, 400, "would go to whatever server"},
		"no account":                   {object{}, ok, 400, "the Id of a mailbox"},
		"a mailbox that is not known":  {object{"Id": "other"}, ok, 404, "not found"},
		"a server that is not known":   {with(object{"smtpUrl": ""}), ok, 400, "smtpUrl is required ("},
		"no address of a server":       {with(object{"smtpUrl": "ftp://x"}), ok, 400, "smtps://smtp.example.com:465"},
		"a secret of the workers":      {with(object{"Password": "env:PATH"}), ok, 400, "env:WAYBILL_MAILBOX_"},
		"a password, and no key":       {with(object{"Password": "hunter2"}), ok, 400, "WAYBILL_SECRET_KEY"},
		"a password that is not right": {with(object{"Password": "env:WAYBILL_MAILBOX_WRONG"}), ok, 409, "smtp: auth: 535"},
		"nobody to send to":            {given, object{"Body": "Hello"}, 400, "no recipient"},
		"a header in a subject":        {given, object{"To": "bert@example.com", "Subject": "a\r\nBcc: x@example.com"}, 400, "control characters"},
		"no addresses":                 {given, object{"To": "bert at example"}, 400, "Email.To"},
		"a mail that is too large":     {given, object{"To": "bert@example.com", "Body": strings.Repeat("x", 2<<20)}, 400, "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			var problem struct{ Detail string }
			require.Equal(t, test.status, listeners(t, e)("POST", "/send", object{"Credentials": test.credentials, "Email": test.email}, &problem), problem.Detail)
			require.Contains(t, problem.Detail, test.detail)
			require.NotContains(t, problem.Detail, "wrong-password")
			require.NotContains(t, problem.Detail, "hunter2")
		})
	}
	all, err := e.Mail.Messages("bert@example.com", "INBOX")
	require.NoError(t, err)
	require.Len(t, all, 2, "nothing else was sent")
}

// A mail that the server does not take now is sent when it does, and the same call tells.
func TestListenerSendsLater(t *testing.T) {
	const password = "hunter2"
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", password)
	e := testsuite.Start(t)
	server, err := mailserver.Start(mailserver.Options{OpenPassword: password})
	require.NoError(t, err)
	host, port := hostPort(t, server.SMTPAddr())
	require.NoError(t, server.Close(t.Context()))
	in := contract.SendMail{
		Account: contract.SMTPAccount{Host: host, Port: port, TLS: "none", Username: supportAddress, Password: "env:WAYBILL_MAILBOX_PASSWORD"},
		Mail:    json.RawMessage(`{"from":{"address":"support@example.com"},"to":[{"address":"bert@example.com"}],"text":"Hello","messageId":"<7@example.com>"}`),
	}
	require.Eventually(t, func() bool {
		s, err := e.Client.SendMail(t.Context(), "support <7@example.com>", in, time.Second)
		require.NoError(t, err)
		require.True(t, s.Pending)
		return strings.Contains(s.Cause, "connection refused")
	}, 30*time.Second, time.Millisecond)
	server, err = mailserver.Start(mailserver.Options{OpenPassword: password, SMTPAddr: net.JoinHostPort(host, strconv.Itoa(port))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close(t.Context()) })
	for range 2 {
		s, err := e.Client.SendMail(t.Context(), "support <7@example.com>", in, time.Minute)
		require.NoError(t, err)
		require.Equal(t, []string{"bert@example.com"}, s.Accepted)
	}
	all, err := server.Messages("bert@example.com", "INBOX")
	require.NoError(t, err)
	require.Len(t, all, 1)
	h := e.Client.Temporal.GetActivityHandle(temporal.GetActivityHandleOptions{ActivityID: "send-mail/" + contract.Segment("support <7@example.com>")})
	d, err := h.Describe(t.Context(), temporal.DescribeActivityOptions{IncludeInput: true})
	require.NoError(t, err)
	require.Contains(t, d.RawResponse.String(), "env:WAYBILL_MAILBOX_PASSWORD")
	require.NotContains(t, d.RawResponse.String(), password)
}

// What was given up stays so for the same call, however the mail server is now; what was refused for good is sent by it.
func TestListenerSendsNoMore(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	t.Setenv("WAYBILL_MAILBOX_WRONG", "wrong-password")
	e := testsuite.Start(t)
	host, port := hostPort(t, e.Mail.SMTPAddr())
	in := contract.SendMail{
		Account: contract.SMTPAccount{Host: host, Port: port, TLS: "none", Username: supportAddress, Password: "env:WAYBILL_MAILBOX_PASSWORD"},
		Mail:    json.RawMessage(`{"from":{"address":"support@example.com"},"to":[{"address":"bert@example.com"}],"text":"Hello","messageId":"<7@example.com>"}`),
	}
	away := in
	away.Account.Port = 1
	for name, test := range map[string]struct {
		queue  string
		within time.Duration
		cause  string
	}{
		"the server was away": {contract.AccountQueue, time.Second, "connection refused"}, // the second try would be too late
		"no worker":           {"nobody", time.Millisecond, "is a worker with the role mailbox running?"},
	} {
		h, err := e.Client.Temporal.ExecuteActivity(t.Context(), temporal.StartActivityOptions{
			ID: "send-mail/" + contract.Segment(name), TaskQueue: test.queue, ScheduleToCloseTimeout: test.within,
			RetryPolicy: &sdk.RetryPolicy{InitialInterval: time.Minute},
		}, contract.SendMailActivity, away)
		require.NoError(t, err)
		require.Error(t, h.Get(t.Context(), nil))
		for range 2 {
			_, err = e.Client.SendMail(t.Context(), name, in, time.Minute)
			require.ErrorContains(t, err, "given up")
			require.ErrorContains(t, err, test.cause)
			require.ErrorContains(t, err, "another MessageId")
			require.True(t, client.Refused(err))
		}
	}
	refused := in
	refused.Account.Password = "env:WAYBILL_MAILBOX_WRONG"
	_, err := e.Client.SendMail(t.Context(), "mended", refused, time.Minute)
	require.ErrorContains(t, err, "535")
	for range 2 {
		s, err := e.Client.SendMail(t.Context(), "mended", in, time.Minute)
		require.NoError(t, err)
		require.Equal(t, []string{"bert@example.com"}, s.Accepted)
	}
	all, err := e.Mail.Messages("bert@example.com", "INBOX")
	require.NoError(t, err)
	require.Len(t, all, 1)
}

// An application asks again for mails, wherever they are in the account.
func TestListenerFetches(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	e := testsuite.Start(t)
	call := listeners(t, e)
	app := receive(t)
	const id = "0b8a1a5e-5a59-4a4b-9d9e-0b4f3a9d7c11"
	var made []struct{ Mailbox string }
	credentials := object{
		"Id": id, "UserName": supportAddress, "Password": "env:WAYBILL_MAILBOX_PASSWORD", "ServiceUrl": "imap://" + e.Mail.IMAPAddr(),
		"BpmEndpoint": app.URL, "BpmUser": "Supervisor", "MailboxId": "m-1", "unsigned": true,
	}
	require.Equal(t, 200, call("POST", "", []object{credentials}, &made))
	e.Send("anna@example.com", supportAddress, []byte("From: anna@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: One\r\n\r\nHello\r\n"))
	e.Send("anna@example.com", supportAddress, []byte("From: anna@example.com\r\nMessage-ID: <2@example.com>\r\nSubject: Two\r\n\r\nHello\r\n"))
	require.Eventually(t, func() bool { return len(app.bodies()) == 2 }, 60*time.Second, 20*time.Millisecond)

	// Somebody moves one of them away.
	host, port := hostPort(t, e.Mail.IMAPAddr())
	account, err := imap.Open(t.Context(), imap.Config{Host: host, Port: port, TLS: imap.TLSNone, Username: supportAddress, Password: dev.Password}, nil)
	require.NoError(t, err)
	defer account.Close()
	items, err := account.Find(t.Context(), "INBOX", "<2@example.com>")
	require.NoError(t, err)
	require.Len(t, items, 1)
	require.NoError(t, account.Acknowledge(t.Context(), "INBOX", []string{items[0].ID}, mail.Ack{MoveTo: "Elsewhere"}))

	var fetched struct {
		SubscriptionInfo struct{ ID, MailboxID, SysAdminUnit string }
		Emails           []struct{ MessageID, Subject, Sender, Body, ReceivedDateTimeStamp string }
		Missing          []struct{ MessageID, Reason string }
	}
	ask := object{"Credentials": object{"Id": id}, "MessageIds": []string{"<2@example.com>", "1@example.com", "<3@example.com>", "<2@example.com>"}}
	require.Equal(t, 200, call("POST", "/fetch", ask, &fetched))
	require.Equal(t, struct{ ID, MailboxID, SysAdminUnit string }{id, "m-1", "Supervisor"}, fetched.SubscriptionInfo)
	require.Len(t, fetched.Emails, 2)
	require.Equal(t, []string{"Two", "One"}, []string{fetched.Emails[0].Subject, fetched.Emails[1].Subject})
	require.Equal(t, "Hello", strings.TrimSpace(fetched.Emails[0].Body))
	received, err := time.Parse(time.RFC3339, fetched.Emails[0].ReceivedDateTimeStamp)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), received, time.Hour)
	require.Equal(t, []struct{ MessageID, Reason string }{{"<3@example.com>", "in no folder of the account"}}, fetched.Missing)
	require.Len(t, app.bodies(), 2, "the application is not told twice")

	var problem struct{ Detail string }
	require.Equal(t, 404, call("POST", "/fetch", object{"Credentials": object{"Id": "other"}, "MessageIds": []string{"<1@example.com>"}}, &problem))
	for _, ids := range [][]string{nil, {""}, {"<a><b>"}, {"a\r\nb"}} {
		require.Equal(t, 400, call("POST", "/fetch", object{"Credentials": object{"Id": id}, "MessageIds": ids}, &problem), ids)
	}
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// Workers that hold as many mailboxes as they may still log in, send and fetch for applications.
func TestListenersOfFullWorkers(t *testing.T) {
	t.Setenv("WAYBILL_MAILBOX_PASSWORD", dev.Password)
	e := testsuite.StartWith(t, dev.Options{Groups: 1})
	e.Watch("support", supportAddress)
	call := listeners(t, e)
	account := object{
		"Id": "ann", "UserName": "ann@example.com", "Password": "env:WAYBILL_MAILBOX_PASSWORD",
		"ServiceUrl": "imap://" + e.Mail.IMAPAddr(), "smtpUrl": "smtp://" + e.Mail.SMTPAddr(),
	}
	var valid struct {
		IsValid bool
		Message string
	}
	require.Equal(t, 200, call("POST", "/validate", account, &valid))
	require.True(t, valid.IsValid, valid.Message)
	require.Equal(t, 200, call("POST", "/send", object{"Credentials": account, "Email": object{"MessageId": "1@example.com", "To": supportAddress, "Body": "Hello"}}, nil))
	fetched, err := e.Client.FetchMails(t.Context(), contract.FetchMails{Mailbox: "support", MessageIDs: []string{"<1@example.com>"}})
	require.NoError(t, err)
	require.Empty(t, fetched.Missing)
	for _, f := range e.Client.Diagnose(t.Context(), "support", client.DiagnoseOptions{}) {
		require.True(t, f.OK || f.Check == "who gets its mail", f)
	}
}
