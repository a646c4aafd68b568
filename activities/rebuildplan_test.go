package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/events"
)

// What is staged when a plan is made, and taken into the archive before it is read, is in a later plan.
func TestPlanArchiveWhileItMoves(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	t.Cleanup(func() { require.NoError(t, bucket.Close()) })
	a := archive.New(bucket)
	b := &Rebuilder{archive: a}
	document := func(instance string) []events.Document {
		return events.Batch{Process: events.Process{Instance: instance, Began: monday}, Events: []events.Event{
			{Sequence: 1, Type: events.ProcessStarted, Time: monday, Status: events.Active, Start: monday},
		}}.Documents()
	}
	require.NoError(t, a.Stage(t.Context(), "pass-1", document("order/1")))
	_, err := a.Move(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Stage(t.Context(), "pass-2", document("order/2")))

	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(b.PlanArchive)
	plan := func(in contract.ArchivePlanInput) (p contract.GatherPlan) {
		answer, err := env.ExecuteActivity(b.PlanArchive, in)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&p))
		return p
	}
	p := plan(contract.ArchivePlanInput{})
	require.Len(t, p.Parts, 1)
	require.Len(t, p.Parts[0].Staged, 1)
	require.Empty(t, p.Parts[0].Blocks, "which there will be is known when what is staged has been read")
	require.NotNil(t, p.Next)
	_, err = a.Move(t.Context())
	require.NoError(t, err)
	p = plan(contract.ArchivePlanInput{Cursor: p.Next})
	require.Nil(t, p.Next)
	documents := 0
	for _, part := range p.Parts {
		for _, block := range part.Blocks {
			documents += block.Documents
		}
	}
	require.Equal(t, 2, documents)
}
