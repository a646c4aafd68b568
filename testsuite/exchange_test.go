package testsuite_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

// A mailbox at an Exchange server does what one at an IMAP server does: mail starts processes, once, is flagged and moved, over cut
// connections, restarts and a lost sync state.
func TestExchangeMailbox(t *testing.T) {
	t.Setenv("EXCHANGE_PASSWORD", "secret")
	exchange, err := ewsserver.Start(ewsserver.Options{Users: map[string]string{supportAddress: "secret"}, Heartbeat: time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, exchange.Close()) })
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	require.NoError(t, e.Client.ConfigureMailbox(t.Context(), contract.MailboxConfig{
		Name: "support", Source: "ews", URL: exchange.URL(), Username: supportAddress, Password: "env:EXCHANGE_PASSWORD",
		Folder: "INBOX", MarkSeen: true, Keyword: "Handled", MoveTo: "Done/2026", MaxBytes: 1 << 20, PollMS: 1000, LeaseMS: 30_000, TimeoutMS: 10_000,
	}))
	status := func(what string, ok func(client.Mailbox) bool) (m client.Mailbox) {
		t.Helper()
		require.Eventually(t, func() bool {
			var err error
			m, err = e.Client.Mailbox(t.Context(), "support")
			return err == nil && ok(m)
		}, 60*time.Second, 50*time.Millisecond, what)
		return m
	}
	status("connects", func(m client.Mailbox) bool { return m.Connection == "connected" && m.Watch.Idle })
	sent := 0
	deliver := func(n int) {
		for range n {
			sent++
			exchange.Deliver(supportAddress, "inbox", ewsserver.Mail{Raw: write("anna@example.com", fmt.Sprintf("Question %d", sent), "Hello"), Received: time.Now()})
		}
	}
	handled := func() {
		t.Helper()
		status(fmt.Sprintf("handles %d mails", sent), func(m client.Mailbox) bool { return int(m.Started) == sent })
	}
	deliver(3)
	handled()
	exchange.CutConnections()
	deliver(3)
	handled()
	require.NoError(t, exchange.Restart(100*time.Millisecond))
	deliver(3)
	handled()
	exchange.ForgetSyncStates()
	deliver(3)
	handled()
	require.Eventually(t, func() bool { return len(exchange.Mails(supportAddress, "Done/2026")) == sent }, 30*time.Second, 50*time.Millisecond)
	for _, m := range exchange.Mails(supportAddress, "Done/2026") {
		require.True(t, m.Read)
		require.Contains(t, m.Categories, "Handled")
	}
	done := exchange.Mails(supportAddress, "Done/2026")
	first, err := message.Parse(bytes.NewReader(done[0].Raw), message.Limits{}, nil)
	require.NoError(t, err)
	fetched, err := e.Client.FetchMails(t.Context(), contract.FetchMails{Mailbox: "support", MessageIDs: []string{first.MessageID, "<none@example.com>"}})
	require.NoError(t, err)
	require.Contains(t, string(fetched.Body), first.Subject, "a mail is found where it was moved to")
	require.Equal(t, []contract.MissingMail{{MessageID: "<none@example.com>", Reason: "in no folder of the account"}}, fetched.Missing)
	list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
	require.NoError(t, err)
	require.Len(t, list, sent, "one process a mail")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
