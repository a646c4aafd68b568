package testsuite_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
)

// Mail waits while nothing is deployed for it; it can be paused and removed all the same, and nothing of it is handled then.
func TestMailThatWaitsCanBePausedAndRemoved(t *testing.T) {
	e := testsuite.Start(t)
	e.Watch("support", supportAddress)
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Hello", "Hello"))
	cause := func(text string) func() bool {
		return func() bool {
			m, err := e.Client.Mailbox(t.Context(), "support")
			return err == nil && (text == "" || len(m.Cause) > 0) && m.LastMail.IsZero()
		}
	}
	require.Eventually(t, cause("no trigger"), 20*time.Second, 50*time.Millisecond, "the status says what is missing")
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.PauseUpdate))
	e.Deploy("../examples/support-desk")
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "support", contract.ResumeUpdate))
	inbox(t, e, "anna@example.com", 1)
	list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
	require.NoError(t, err)
	require.LessOrEqual(t, len(list), 1)

	e.Watch("orders", "orders@example.com")
	e.Send("anna@example.com", "orders@example.com", write("anna@example.com", "Order", "Order"))
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "orders")
		return err == nil && m.Cause != ""
	}, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, e.Client.ChangeMailbox(t.Context(), "orders", contract.RemoveMailboxUpdate))
	require.Eventually(t, func() bool {
		_, err := e.Client.Mailbox(t.Context(), "orders")
		return err != nil
	}, 20*time.Second, 50*time.Millisecond, "the workflow of a removed mailbox ends")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
