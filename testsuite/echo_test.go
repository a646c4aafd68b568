package testsuite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
)

// settled waits until n events were handled and none is in hand.
func settled(t *testing.T, e *testsuite.Environment, n int64) {
	t.Helper()
	count := func(more string) int64 {
		answer, err := e.Client.Temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "WorkflowType = '" + contract.EventWorkflow + "'" + more,
		})
		require.NoError(t, err)
		return answer.GetCount()
	}
	require.Eventually(t, func() bool { return count("") == n && count(" AND ExecutionStatus = 'Running'") == 0 }, 30*time.Second, 50*time.Millisecond)
}

// The sender of a mail is answered when its trigger has fired, or has failed: once, in the thread, and never a machine.
func TestMailEcho(t *testing.T) {
	e := testsuite.Start(t)
	inputs := `{"pattern":"order (?<no>\\d+)","automaticMail":"accept","echo":"Order ${no} is noted.","echoError":"Order ${matchGroups.no} is not noted."}`
	e.Deploy(writeFile(t, "case.bpmn", waits("case")), writeFile(t, "case.json", eventTrigger("case", "connector.support.EMAIL_RECEIVED", inputs,
		"command-consumer", `{"payloadType":"StartProcessPayload","processDefinitionKey":"case","name":"n"}`)))
	e.Watch("support", supportAddress)
	box := func(is func(client.Mailbox) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			m, err := e.Client.Mailbox(t.Context(), "support")
			return err == nil && is(m)
		}, 30*time.Second, 50*time.Millisecond)
	}

	e.Send("anna@example.com", supportAddress, write("Anna <anna@example.com>", "order 7 ${no}", "Please."))
	answer := inbox(t, e, "anna@example.com", 1)
	require.Equal(t, "Re: order 7 ${no}", answer.Subject)
	require.Contains(t, answer.Text, "Order 7 is noted.")
	require.NotEmpty(t, answer.InReplyTo)
	require.Equal(t, "auto-replied", header(answer, "Auto-Submitted"))

	// Whoever must not be answered starts a process all the same.
	e.Send("robot@example.com", supportAddress, write("robot@example.com", "order 1", "x", "Auto-Submitted: auto-generated"))
	e.Send("list@example.com", supportAddress, write("list@example.com", "order 2", "x", "List-Id: <l.example.com>"))
	e.Send("no-reply@example.com", supportAddress, write("no-reply@example.com", "order 3", "x"))
	e.Send(supportAddress, supportAddress, write(supportAddress, "order 4", "x"))
	box(func(m client.Mailbox) bool { return m.Started == 5 })

	// Somebody who writes again and again, as a machine that answers would, is answered five times an hour.
	const many = 7
	for n := range many {
		e.Send("bert@example.com", supportAddress, write("bert@example.com", fmt.Sprintf("order 10%d", n), "x"))
	}
	box(func(m client.Mailbox) bool { return m.Started == 5+many })
	settled(t, e, 1+many)
	mails, err := e.Mail.Messages("bert@example.com", "INBOX")
	require.NoError(t, err)
	require.Contains(t, []int{5, 6}, len(mails), "five, or six when a new hour began meanwhile")

	// What fails is told, too. The dead letter that is tried again is answered when it has worked.
	require.NoError(t, e.Client.Undeploy(t.Context(), "case"))
	e.Send("carla@example.com", supportAddress, write("carla@example.com", "order 9", "x"))
	require.Contains(t, inbox(t, e, "carla@example.com", 1).Text, "Order 9 is not noted.")
	box(func(m client.Mailbox) bool { return len(m.DeadLetters) == 1 })
	e.Deploy(writeFile(t, "case.bpmn", waits("case")))
	_, err = e.Client.DeadLetters(t.Context(), "support", contract.RetryDeadUpdate, contract.DeadLetterChoice{All: true})
	require.NoError(t, err)
	require.Contains(t, inbox(t, e, "carla@example.com", 2).Text, "Order 9 is noted.")
	for _, nobody := range []string{"robot@example.com", "list@example.com", "no-reply@example.com"} {
		mails, err := e.Mail.Messages(nobody, "INBOX")
		require.True(t, err != nil || len(mails) == 0, "an answer went to %s", nobody)
	}
	own, err := e.Mail.Messages(supportAddress, "INBOX")
	require.NoError(t, err)
	require.Len(t, own, 5+many+1, "and none to ourselves")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// The trigger of a mail may call a connector; what it calls is looked after by a workflow, and the mailbox does not wait.
func TestMailCallsConnector(t *testing.T) {
	s := &shop{jams: -1}
	e := testsuite.Start(t, s)
	e.Deploy(writeFile(t, "print.json", eventTrigger("print", "connector.support.EMAIL_RECEIVED", `{"pattern":""}`, "shop.PRINT", `{"text":"${emailSubject}"}`)))
	e.Watch("support", supportAddress)
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "${1+1}", "x"))
	d := dead(t, e, "support", 1)
	require.Equal(t, []contract.EventFailure{{Trigger: "print", Reason: "shop.PRINT: paper jam"}}, d.Failed)
	m, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	require.EqualValues(t, 1, m.Started)
	require.Empty(t, m.DeadLetters)
	s.mend()
	require.NoError(t, e.Client.ChangeEvent(t.Context(), d.Workflow, contract.RetryEventUpdate))
	ended(t, e, d.Workflow)
	calls := s.called()
	require.Equal(t, map[string]any{"text": "${1+1}"}, calls[len(calls)-1].Inputs)
	require.Equal(t, calls[0].IdempotencyKey, calls[len(calls)-1].IdempotencyKey)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}
