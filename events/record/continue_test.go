package record_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporaltest "go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events/record"
)

// A signal cannot come between the last look for one and continue-as-new, however many events there are.
func TestContinueDoesNotBlock(t *testing.T) {
	var suite temporaltest.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.ExecuteWorkflow(func(ctx workflow.Context) (blocked bool, err error) {
		r, err := record.Start(ctx, record.Process{})
		if err != nil {
			return false, err
		}
		for n := range 31_000 {
			r.Variable(ctx, "n", n)
		}
		left := false
		workflow.Go(ctx, func(workflow.Context) { left = true })
		require.EqualValues(t, 31_001, r.Continue(ctx).Sequence)
		return left, nil
	})
	require.NoError(t, env.GetWorkflowError())
	var blocked bool
	require.NoError(t, env.GetWorkflowResult(&blocked))
	require.False(t, blocked)
}
