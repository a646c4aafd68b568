package testsuite_test

import (
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
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
	require.Equal(t, contract.MailOutcome{ID: "7-1"}, first["7-1"])
	require.Equal(t, first["7-1"], second["7-1"], "nobody wants it the second time either, and it is not dead")
	require.Len(t, first["7-2"].Started, 1)
	require.Equal(t, first["7-2"].Started, second["7-2"].Started, "it starts one process, not two")
}
