package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// wrong is a trigger with a mistake that shows when a mail comes.
func wrong(name, key, variable string) json.RawMessage {
	return fmt.Appendf(nil, `{"name": %q, "event": {"source": "connector.support.EMAIL_RECEIVED", "inputs": {"pattern": "^\\[on-call\\] %s"}},
		"action": {"source": "command-consumer", "payload": {"payloadType": "StartProcessPayload", "processDefinitionKey": %q,
		"name": "case", "variables": {"subject": %q}}}}`, name, name, key, variable)
}

// TestTriggerWrong sends mail to triggers with mistakes. It becomes dead letters, and no other mail is held up.
func TestTriggerWrong(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deploy()
	source := contract.EventSource(mailbox, trigger.EmailReceived)
	require.NoError(t, i.client.PutTrigger(t.Context(), source, "nowhere", wrong("nowhere", "no-such-process", "${emailSubject}")))
	require.NoError(t, i.client.PutTrigger(t.Context(), source, "outside", wrong("outside", supportDesk, "${emailSubject.substring(0, 5000)}")))
	i.watch()
	// The support desk leaves mail of this subject alone.
	undeployed, unread := routine(1), routine(2)
	undeployed.subject, unread.subject = "[on-call] nowhere", "[on-call] outside"
	before, behind := routine(3), routine(4)
	i.receive(before, undeployed, unread, behind)

	m := i.status("has handled all", func(m client.Mailbox) bool { return m.Started+m.Dead == 4 })
	require.EqualValues(t, 2, m.Dead)
	reasons := map[string]string{}
	for _, d := range m.DeadLetters {
		reasons[d.MessageID] = d.Reason
		require.NotEmpty(t, d.Blob)
		require.Contains(t, d.Subject, "[on-call]")
	}
	require.Contains(t, reasons[undeployed.messageID], `trigger nowhere: process "no-such-process" is not deployed`)
	require.Contains(t, reasons[unread.messageID], "trigger outside: ")
	require.Contains(t, reasons[unread.messageID], "is outside of a text")
	i.eventually(func() string { return "the answers did not come" }, func() bool {
		return len(i.inbox(before.customer)) == 1 && len(i.inbox(behind.customer)) == 1
	})
	i.acknowledged(2, 2)
}

// TestTriggerMissing sends mail to a mailbox that no trigger is deployed for. It waits, whatever happens to the worker,
// and the status says why.
func TestTriggerMissing(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	w := i.startWorker()
	i.deployProcess()
	i.watch()
	all := letters(10)
	i.receive(all...)
	waits := func(m client.Mailbox) bool { return m.Cause != "" }
	m := i.status("tells why mail waits", waits)
	require.Equal(t, "connected", m.Connection)
	require.Contains(t, m.Cause, "mail waits: no trigger is deployed for \"connector.support.EMAIL_RECEIVED\"")

	// A worker that comes after another one finds its mail in the hands of the mailbox already.
	w.kill()
	i.startWorker()
	i.eventually(i.holder, func() bool { return i.holder() != "" && !i.holds(w) })
	i.status("tells why mail waits", waits)
	i.deployTrigger()
	i.handled(all)
	i.status("waits no more", func(m client.Mailbox) bool { return m.Cause == "" && m.Connection == "connected" })
	i.acknowledged(10, len(all)-10)
}

// TestMailboxRemoved removes a mailbox whose mail waits for a trigger that never comes.
func TestMailboxRemoved(t *testing.T) {
	t.Parallel()
	i := install(t, options{})
	i.startWorker()
	i.deployProcess()
	i.watch()
	i.receive(routine(1))
	i.status("tells why mail waits", func(m client.Mailbox) bool { return m.Cause != "" })
	require.NoError(t, i.client.ChangeMailbox(t.Context(), mailbox, contract.RemoveMailboxUpdate))
	i.eventually(func() string { return "the mailbox is still there" }, func() bool {
		names, err := i.client.Mailboxes(t.Context())
		require.NoError(t, err)
		return len(names) == 0
	})

	// Added again, it begins with all the mail that there is.
	i.deployTrigger()
	i.watch()
	i.handled([]letter{routine(1)})
}
