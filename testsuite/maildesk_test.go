package testsuite_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

// record is for whoever releases a version: its histories are replayed by every later one.
var record = flag.String("record", "", "folder that the histories of the end-to-end tests are written to, histories/engine-6")

const supportAddress = "support@example.com"

func write(from, subject, body string, headers ...string) []byte {
	return fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@example.com>\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n%s\r\n%s\r\n",
		from, supportAddress, subject, time.Now().UnixNano(), strings.Join(append(headers, ""), "\r\n"), body)
}

// inbox waits for n mails to an address and parses the last.
func inbox(t *testing.T, e *testsuite.Environment, address string, n int) *message.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	mails, err := e.Mail.WaitFor(ctx, address, n)
	require.NoError(t, err, "mail %d to %s", n, address)
	m, err := message.Parse(strings.NewReader(string(mails[n-1].Raw)), message.Limits{}, nil)
	require.NoError(t, err)
	return m
}

func header(m *message.Message, key string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Key, key) {
			return h.Value
		}
	}
	return ""
}

// The main job, end to end over real SMTP, IMAP and Temporal.
func TestSupportDesk(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	e.Watch("support", supportAddress)
	instances := func() []client.Instance {
		list, err := e.Client.List(t.Context(), client.Filter{Key: "support-desk"})
		require.NoError(t, err)
		return list
	}

	// A routine mail is acknowledged in its thread.
	routine := write("Anna <anna@example.com>", "=?utf-8?q?Frage_zur_Rechnung_=C3=BC?=", "Where is it?")
	e.Send("anna@example.com", supportAddress, routine)
	reply := inbox(t, e, "anna@example.com", 1)
	asked, err := message.Parse(strings.NewReader(string(routine)), message.Limits{}, nil)
	require.NoError(t, err)
	require.Equal(t, "Re: Frage zur Rechnung ü", reply.Subject)
	require.Equal(t, asked.MessageID, reply.InReplyTo)
	require.Equal(t, []string{asked.MessageID}, reply.References)
	require.Equal(t, "auto-replied", header(reply, "Auto-Submitted"))

	// What machines send is never answered and starts nothing.
	e.Send("robot@example.com", supportAddress, write("robot@example.com", "Out of office", "I am away.", "Auto-Submitted: auto-replied"))
	e.Send("list@example.com", supportAddress, write("list@example.com", "Weekly news", "News.", "List-Id: <news.example.com>"))
	e.Send("", supportAddress, write("MAILER-DAEMON@example.com", "Undelivered Mail", "No such user.", "Auto-Submitted: auto-replied"))

	// An urgent mail opens a task and calls for help; the answer of the task goes out in the thread.
	e.Send("bert@example.com", supportAddress, write("bert@example.com", "URGENT: the shop is down", "Help!"))
	require.Contains(t, inbox(t, e, "oncall@example.com", 1).Subject, "URGENT: the shop is down")
	var urgent client.Instance
	require.Eventually(t, func() bool {
		for _, i := range instances() {
			if i.State == contract.StateActive {
				urgent = i
			}
		}
		return urgent.ID != ""
	}, 30*time.Second, 50*time.Millisecond)
	task := e.Task(urgent.ID)
	_, err = e.Client.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "carla", Variables: map[string]any{"answer": "It is up again."}})
	require.NoError(t, err)
	answer := inbox(t, e, "bert@example.com", 1)
	require.Contains(t, answer.Text, "It is up again.")
	require.Equal(t, "Re: URGENT: the shop is down", answer.Subject)
	result, err := e.Client.Wait(t.Context(), urgent.ID)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)

	box, err := e.Client.Mailbox(t.Context(), "support")
	require.NoError(t, err)
	require.EqualValues(t, 2, box.Started)
	require.EqualValues(t, 3, box.Ignored)
	require.Empty(t, box.DeadLetters)
	for _, automatic := range []string{"robot@example.com", "list@example.com", "MAILER-DAEMON@example.com"} {
		mails, err := e.Mail.Messages(automatic, "INBOX")
		require.True(t, err != nil || len(mails) == 0, "an answer went to %s", automatic)
	}
	seen, err := e.Mail.Messages(supportAddress, "INBOX")
	require.NoError(t, err)
	require.Len(t, seen, 5)
	require.Contains(t, seen[0].Flags, `\Seen`, "a handled mail is acknowledged")
	require.NotContains(t, seen[1].Flags, `\Seen`, "a mail that nobody wanted stays as it is")
	mailEvents(t, e, urgent.ID, asked.MessageID)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// mailEvents checks what analytics see of the mails: what became of each, and no addresses and no subjects.
func mailEvents(t *testing.T, e *testsuite.Environment, urgent, asked string) {
	t.Helper()
	read := func(id string) (list []events.Event, text string) {
		h, err := e.Client.History(t.Context(), id, "")
		require.NoError(t, err)
		batches, _, err := testsuite.Batches(h)
		require.NoError(t, err)
		for _, b := range batches {
			require.Equal(t, id, b.Instance)
			for _, event := range b.Events {
				if event.Type.Kind() == events.KindMail {
					list = append(list, event)
				}
			}
		}
		data, err := json.Marshal(list)
		require.NoError(t, err)
		return list, string(data)
	}
	received, text := read(contract.MailboxID("support"))
	outcomes, refs := map[string]int{}, map[string]bool{}
	for i, m := range received {
		require.Equal(t, events.MailReceived, m.Type)
		require.EqualValues(t, i+1, m.Sequence)
		require.Equal(t, "support", m.Mailbox)
		outcomes[m.Outcome]++
		refs[m.Ref] = true
	}
	require.Equal(t, map[string]int{"started": 2, "ignored": 3}, outcomes)
	require.Len(t, refs, 5)
	require.Equal(t, asked, received[0].MessageID)
	require.NotContains(t, text, "anna@")
	require.NotContains(t, text, "URGENT")

	sent, text := read(urgent)
	require.Len(t, sent, 2, "to on-call and to the customer: %s", text)
	for _, m := range sent {
		require.Equal(t, events.MailSent, m.Type)
		require.Equal(t, 1, m.Recipients)
		require.NotEmpty(t, m.MessageID)
		require.NotEmpty(t, m.ActivityID)
	}
	require.NotContains(t, text, "bert@")
}

// A reminder goes to on-call while nobody answers.
func TestSupportDeskReminds(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "support-desk", Variables: map[string]any{
		"customer": "dora@example.com", "subject": "Urgent: no heating", "body": "Cold.", "messageId": "<1@example.com>", "reminderAfter": "PT1S",
	}})
	require.NoError(t, err)
	require.Contains(t, inbox(t, e, "oncall@example.com", 2).Subject, "Still waiting")
	task := e.Task(id)
	require.Equal(t, contract.TaskOpen, task.State, "the reminder does not close the task")
	require.NoError(t, e.Client.Cancel(t.Context(), id))
	_, err = e.Client.Wait(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, *record))
}

// Instances that were started by released versions must go on in this one.
func TestRecordedHistoriesReplay(t *testing.T) {
	require.NoError(t, testsuite.Replay("histories/*/*.json"))
}

func TestReplayNamesWhatDoesNotReplay(t *testing.T) {
	require.ErrorContains(t, testsuite.Replay("histories/none/*.json"), "no such file")
	file := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"events":[]}`), 0o600))
	require.ErrorContains(t, testsuite.Replay(file), file)
}

// An instance that no worker has begun, as others start them at any moment, is not one that does not replay.
func TestReplayOfWhatHasNotBegun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "waiting.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"events":[
		{"eventId":"1","eventType":"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED","workflowExecutionStartedEventAttributes":{"workflowType":{"name":"order"},"workflowId":"order/1"}},
		{"eventId":"2","eventType":"EVENT_TYPE_WORKFLOW_TASK_SCHEDULED","workflowTaskScheduledEventAttributes":{}}]}`), 0o600))
	require.NoError(t, testsuite.Replay(file))
}

// mailsTo are all mails of an address by now.
func mailsTo(t *testing.T, e *testsuite.Environment, address string) []mailserver.Message {
	t.Helper()
	mails, err := e.Mail.Messages(address, "INBOX")
	if err != nil {
		return nil // nobody ever wrote to it
	}
	return mails
}
