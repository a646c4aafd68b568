package testsuite_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/testsuite"
)

// A delivery whose worker dies before it has told the result is repeated, with all of its mails: those that started
// something, and those that nobody wanted.
func TestDeliveryMayBeRepeated(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy("../examples/support-desk")
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	files := activities.NewFiles(bucket)
	in := contract.DeliverInput{Mailbox: "support", Folder: "INBOX"}
	for id, raw := range map[string][]byte{
		"7-1": write("robot@example.com", "Out of office", "I am away.", "Auto-Submitted: auto-replied"),
		"7-2": write("anna@example.com", "Question", "Where is it?"),
	} {
		key := "mail/support/" + id + "/raw.eml"
		require.NoError(t, files.Write(t.Context(), key, "message/rfc822", func(w io.Writer) error {
			_, err := w.Write(raw)
			return err
		}))
		in.Mails = append(in.Mails, contract.MailRef{ID: id, Blob: key})
	}
	deliverer := activities.NewDeliverer(e.Client, files, activities.NewMetrics(prometheus.NewRegistry()), nil)
	deliver := func() map[string]contract.MailOutcome {
		var suite sdk.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(deliverer.Deliver)
		value, err := env.ExecuteActivity(deliverer.Deliver, in)
		require.NoError(t, err)
		var result contract.DeliverResult
		require.NoError(t, value.Get(&result))
		byID := map[string]contract.MailOutcome{}
		for _, o := range result.Outcomes {
			byID[o.ID] = o
		}
		return byID
	}
	first, second := deliver(), deliver()
	require.NotEmpty(t, first["7-1"].MessageID)
	require.Equal(t, contract.MailOutcome{ID: "7-1", MessageID: first["7-1"].MessageID}, first["7-1"])
	require.Equal(t, first["7-1"], second["7-1"], "nobody wants it the second time either, and it is not dead")
	require.Len(t, first["7-2"].Started, 1)
	require.Equal(t, first["7-2"].Started, second["7-2"].Started, "it starts one process, not two")
}

// stuck is Temporal where the instances of one process cannot be started, for a reason that nobody understands.
type stuck struct {
	temporal.Client
	process string
}

func (s stuck) ExecuteWorkflow(ctx context.Context, o temporal.StartWorkflowOptions, workflow any, args ...any) (temporal.WorkflowRun, error) {
	if workflow == s.process {
		return nil, errors.New("something is odd")
	}
	return s.Client.ExecuteWorkflow(ctx, o, workflow, args...)
}

// A mail that is buried because it failed too often is answered as one that is refused is; before that nothing is said.
func TestMailThatFailsTooOftenIsAnswered(t *testing.T) {
	e := testsuite.Start(t)
	e.Deploy(writeFile(t, "case.bpmn", waits("case")), writeFile(t, "case.json", eventTrigger("case", "connector.support.EMAIL_RECEIVED",
		`{"pattern":"order","echo":"Noted.","echoError":"Not noted."}`, "command-consumer",
		`{"payloadType":"StartProcessPayload","processDefinitionKey":"case","name":"n"}`)))
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	files := activities.NewFiles(bucket)
	const key = "mail/support/7-1/raw.eml"
	require.NoError(t, files.Write(t.Context(), key, "message/rfc822", func(w io.Writer) error {
		_, err := w.Write(write("anna@example.com", "order 7", "Please."))
		return err
	}))
	deliverer := activities.NewDeliverer(client.New(stuck{e.Client.Temporal, "case"}), files, activities.NewMetrics(prometheus.NewRegistry()),
		map[string]activities.Answerer{"email": email.Template().Answer})
	deliver := func(tries int) (contract.DeliverResult, error) {
		var suite sdk.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(deliverer.Deliver)
		env.SetHeartbeatDetails(tries)
		value, err := env.ExecuteActivity(deliverer.Deliver, contract.DeliverInput{
			Mailbox: "support", Address: supportAddress, Folder: "INBOX", Mails: []contract.MailRef{{ID: "7-1", Blob: key}},
		})
		var result contract.DeliverResult
		if err == nil {
			err = value.Get(&result)
		}
		return result, err
	}
	answers := func() (all []string) {
		list, err := e.Client.Temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType = '" + contract.EventWorkflow + "'"})
		require.NoError(t, err)
		for _, execution := range list.GetExecutions() {
			all = append(all, execution.GetExecution().GetWorkflowId())
		}
		return all
	}
	_, err := deliver(28)
	require.ErrorContains(t, err, "something is odd")
	require.Empty(t, answers())
	result, err := deliver(29)
	require.NoError(t, err)
	require.Contains(t, result.Outcomes[0].Dead.Reason, "30 tries")
	require.Contains(t, inbox(t, e, "anna@example.com", 1).Text, "Not noted.")
	_, err = deliver(29)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(answers()) == 1 }, 30*time.Second, 50*time.Millisecond, "it is answered once")
}
