package activities

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/ledger"
	"github.com/waybill-io/waybill/events"
)

// emptyIndex holds nothing.
type emptyIndex struct{}

func (emptyIndex) Each(context.Context, string, func(ledger.Held) error) error { return nil }

// Of the archive, which has whole days, and of what is staged, which has all, only what happened since the time that was given is expected.
func TestArchiveIsExpectedSinceATime(t *testing.T) {
	t.Parallel()
	bucket := memblob.OpenBucket(nil)
	t.Cleanup(func() { require.NoError(t, bucket.Close()) })
	b := NewRebuilder(nil, nil, bucket, IndexerSettings{}, RebuildSettings{Metrics: prometheus.NewRegistry()}, slog.New(slog.DiscardHandler))
	since := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var documents []events.Document
	for instance, at := range map[string]time.Time{"days before": since.AddDate(0, 0, -3), "hours before": since.Add(-time.Hour), "then": since, "after": since.Add(time.Hour)} {
		documents = append(documents, events.Batch{Process: events.Process{Instance: instance, Key: "order", Began: at}, Events: []events.Event{
			{Sequence: 1, Type: events.ProcessStarted, Time: at, Status: events.Active, Start: at},
			{Sequence: 2, Type: events.VariableCreated, Time: at, Ref: "total", Name: "total", Value: int64(1), ValueType: "integer"},
			{Sequence: 3, Type: events.TaskCreated, Time: at, Ref: "2", Revision: 1, TaskID: "2", Name: "Approve", Status: events.Active},
			{Sequence: 4, Type: events.ActivityCompleted, Time: at, Ref: "3", ActivityID: "check", Status: events.Completed, Start: at, End: at},
		}}.Documents()...)
	}
	ctx := t.Context()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(b.PlanArchive)
	env.RegisterActivity(b.Gather)
	expected := func(name string) (numbers []int64) {
		t.Helper()
		var plan contract.GatherPlan
		answer, err := env.ExecuteActivity(b.PlanArchive, contract.ArchivePlanInput{Since: since})
		require.NoError(t, err)
		require.NoError(t, answer.Get(&plan))
		require.NotEmpty(t, plan.Parts)
		late := since.AddDate(1, 0, 0)
		for _, p := range plan.Parts {
			p.Name, p.GatherTarget = "part", contract.GatherTarget{Ledger: name, Late: late, Since: since}
			_, err := env.ExecuteActivity(b.Gather, p)
			require.NoError(t, err)
		}
		l, err := ledger.New(bucket, name, late)
		require.NoError(t, err)
		c, err := l.Compare(ctx, emptyIndex{}, 0, 1, 0)
		require.NoError(t, err)
		for _, n := range c.Counts {
			numbers = append(numbers, n.Expected)
		}
		return numbers
	}
	require.NoError(t, b.archive.Stage(ctx, "block", documents))
	require.Equal(t, []int64{2, 2, 2, 2}, expected("staged"))
	_, err := b.archive.Move(ctx)
	require.NoError(t, err)
	require.Equal(t, []int64{2, 2, 2, 2}, expected("archived"))
}
