package testsuite_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
)

const orderProcess = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<message id="m" name="order-mail"/><process id="order" isExecutable="true">
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="wait"/>
<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
<sequenceFlow id="f2" sourceRef="wait" targetRef="end"/><endEvent id="end"/></process></definitions>`

func orders(t *testing.T, e *testsuite.Environment) []client.Instance {
	t.Helper()
	list, err := e.Client.List(t.Context(), client.Filter{Key: "order"})
	require.NoError(t, err)
	return list
}

// subscribed waits until an instance waits for the mail of an order.
func subscribed(t *testing.T, e *testsuite.Environment, number string) {
	t.Helper()
	require.Eventually(t, func() bool {
		h, err := e.Client.History(t.Context(), contract.MessageID("order-mail", number), "")
		if err != nil {
			return false
		}
		for _, event := range h.GetEvents() {
			if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
				return true
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond)
}

// forget ends the place where messages meet, with its memory of duplicates, as it ends by itself after ten minutes.
func forget(t *testing.T, e *testsuite.Environment, number string) {
	t.Helper()
	require.NoError(t, e.Client.Temporal.TerminateWorkflow(t.Context(), contract.MessageID("order-mail", number), "", "forget"))
}

// One trigger both starts a process and continues it. Mail that is read again, after the process has ended and nobody remembers the
// message, neither starts nor continues another.
func TestMailStartsOrContinues(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "order.bpmn", orderProcess), "../connectors/trigger/testdata/order-mail.json")
	e.Watch("orders", supportAddress)
	mailbox := func(ok func(client.Mailbox) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			m, err := e.Client.Mailbox(t.Context(), "orders")
			return err == nil && ok(m)
		}, 60*time.Second, 50*time.Millisecond)
	}
	begun := time.Now()
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Order 7: new", "Hello"))
	mailbox(func(m client.Mailbox) bool { return m.Started == 1 })
	require.Eventually(t, func() bool { return len(orders(t, e)) == 1 }, 30*time.Second, 50*time.Millisecond)
	first := orders(t, e)[0]
	require.Equal(t, "7", first.BusinessKey)
	subscribed(t, e, "7")
	e.Send("anna@example.com", supportAddress, write("anna@example.com", "Order 7: changed", "Hello"))
	result, err := e.Client.Wait(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, "Order 7: changed", result.Variables["subject"])
	mailbox(func(m client.Mailbox) bool { return m.Started == 2 })

	forget(t, e, "7")
	require.NoError(t, e.Client.Resync(t.Context(), "orders", begun.Add(-time.Minute)))
	mailbox(func(m client.Mailbox) bool { return m.Duplicates == 2 })
	require.Len(t, orders(t, e), 1)

	// Another process of the same order is not continued by a mail that started or continued the first.
	second, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "order", BusinessKey: "7"})
	require.NoError(t, err)
	subscribed(t, e, "7")
	require.NoError(t, e.Client.Resync(t.Context(), "orders", begun.Add(-time.Minute)))
	mailbox(func(m client.Mailbox) bool { return m.Duplicates == 4 })
	state, err := e.Client.Get(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, contract.StateActive, state.State)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// A delivery may be repeated at any point, also when its worker has died: each mail acts once, and what is stored of it stays.
func TestMailStartsOrContinuesOnceWhenRepeated(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "order.bpmn", orderProcess), "../connectors/trigger/testdata/order-mail.json")
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	files := activities.NewFiles(bucket)
	deliverer := activities.NewDeliverer(e.Client, files, activities.NewMetrics(prometheus.NewRegistry()), nil)
	store := func(subject string) contract.MailRef {
		raw := write("anna@example.com", subject, "Hello")
		key := fmt.Sprintf("mail/orders/%x/raw.eml", subject)
		require.NoError(t, files.Write(t.Context(), key, "message/rfc822", func(w io.Writer) error {
			_, err := w.Write(raw)
			return err
		}))
		return contract.MailRef{ID: subject, Blob: key}
	}
	run := func(in contract.DeliverInput) []contract.MailOutcome {
		var suite sdk.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(deliverer.Deliver)
		value, err := env.ExecuteActivity(deliverer.Deliver, in)
		require.NoError(t, err)
		var result contract.DeliverResult
		require.NoError(t, value.Get(&result))
		return result.Outcomes
	}
	deliver := func(subject string) (repeat func() contract.MailOutcome) {
		ref := store(subject)
		return func() contract.MailOutcome {
			return run(contract.DeliverInput{Mailbox: "orders", Folder: "INBOX", Mails: []contract.MailRef{ref}})[0]
		}
	}
	starts := deliver("Order 8: new")
	outcome := starts()
	require.Len(t, outcome.Started, 1)
	instance := outcome.Started[0]
	require.Equal(t, outcome.Started, starts().Started)
	subscribed(t, e, "8")
	require.Equal(t, []string{instance}, starts().Started, "what started an instance does not continue it")

	continues := deliver("Order 8: changed")
	require.Equal(t, []string{instance}, continues().Started)
	_, err := e.Client.Wait(t.Context(), instance)
	require.NoError(t, err)
	for range 2 {
		outcome = continues()
		require.Len(t, outcome.Started, 1, "it is not unwanted: the process may refer to it")
		require.Nil(t, outcome.Dead)
	}
	forget(t, e, "8")
	outcome = continues()
	require.Len(t, outcome.Started, 1)

	// A worker that thinks it is still alive may come with it when it is forgotten: nobody waits, and nothing starts.
	_, err = e.Client.Publish(t.Context(), contract.Message{
		ID: "late", Name: "order-mail", Key: "8", BusinessKey: "8", Otherwise: &contract.ProcessStart{Key: "order", ID: outcome.Started[0]},
	})
	require.NoError(t, err)
	id, started, err := e.Client.Start(t.Context(), client.StartOptions{Key: "order", ID: outcome.Started[0]})
	require.NoError(t, err)
	require.False(t, started, id)
	_, err = e.Client.Get(t.Context(), id)
	require.Error(t, err, "it is no instance")

	// Mails that come together belong to one process.
	all := contract.DeliverInput{Mailbox: "orders", Folder: "INBOX"}
	for _, subject := range []string{"Order 10: one", "Order 10: two"} {
		all.Mails = append(all.Mails, store(subject))
	}
	var together []string
	for _, o := range run(all) {
		require.Len(t, o.Started, 1)
		together = append(together, o.Started[0])
	}
	i := slices.IndexFunc(together, func(id string) bool { return strings.HasPrefix(id, "order/") })
	require.GreaterOrEqual(t, i, 0)
	result, err := e.Client.Wait(t.Context(), together[i])
	require.NoError(t, err)
	if id := together[1-i]; strings.HasPrefix(id, "order/") { // it found the instance that waits already
		require.Equal(t, together[i], id)
		require.Contains(t, []any{"Order 10: one", "Order 10: two"}, result.Variables["subject"], "either may start it, the other continues it")
	} else {
		require.Equal(t, []string{"Order 10: one", "Order 10: two"}[1-i], result.Variables["subject"])
	}

	// A message whose subscriber has ended while it was on its way starts a process, once.
	message := contract.Message{ID: "1", Name: "order-mail", Key: "9", BusinessKey: "9", Otherwise: &contract.ProcessStart{Key: "order", ID: "order/mail-9"}}
	for range 2 {
		_, err = e.Client.Temporal.SignalWithStartWorkflow(t.Context(), contract.MessageID("order-mail", "9"), contract.ReturnSignal, message,
			temporal.StartWorkflowOptions{TaskQueue: contract.ProcessQueue}, contract.MessageWorkflow, contract.MessageState{Name: "order-mail", Key: "9"})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		state, err := e.Client.Get(t.Context(), "order/mail-9-returned")
		return err == nil && state.BusinessKey == "9"
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}

// A mail whose process cannot be started is a dead letter, also when others of its key come with it, and starts it when it can be.
func TestMailThatCannotStart(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../connectors/trigger/testdata/order-mail.json")
	e.Watch("orders", supportAddress)
	for _, subject := range []string{"Order 7: one", "Order 7: two"} {
		e.Send("anna@example.com", supportAddress, write("anna@example.com", subject, "Hello"))
	}
	require.Eventually(t, func() bool {
		m, err := e.Client.Mailbox(t.Context(), "orders")
		return err == nil && len(m.DeadLetters) == 2
	}, 60*time.Second, 50*time.Millisecond)
	e.Deploy(writeFile(t, "order.bpmn", orderProcess))
	answer, err := e.Client.DeadLetters(t.Context(), "orders", contract.RetryDeadUpdate, contract.DeadLetterChoice{All: true})
	require.NoError(t, err)
	require.Len(t, answer.Done, 2)
	require.Eventually(t, func() bool {
		list := orders(t, e)
		return len(list) == 1 && list[0].State == contract.StateCompleted
	}, 30*time.Second, 50*time.Millisecond, "one starts it, the other continues it")
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
}
