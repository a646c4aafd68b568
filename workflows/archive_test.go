package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
)

// People are told when nothing gets into the archive for long, each hour while that lasts, and what is staged is taken when it works again.
func TestArchiveRaisesAlerts(t *testing.T) {
	for _, test := range []struct {
		fails  time.Duration
		alerts int
	}{{0, 0}, {10 * time.Minute, 0}, {40 * time.Minute, 1}, {130 * time.Minute, 2}} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		began := env.Now()
		var raised []contract.Alert
		env.RegisterActivityWithOptions(func(context.Context) (m contract.MovedArchive, _ error) {
			if env.Now().Sub(began) < test.fails {
				return m, errors.New("write events/_/2026-01-01/manifest.json: no space left on device")
			}
			return contract.MovedArchive{Blocks: 1}, nil
		}, activity.RegisterOptions{Name: contract.MoveArchiveActivity})
		env.RegisterActivityWithOptions(func(_ context.Context, a contract.Alert) error {
			raised = append(raised, a)
			return nil
		}, activity.RegisterOptions{Name: contract.AlertActivity})
		env.ExecuteWorkflow(Archive)
		require.NoError(t, env.GetWorkflowError())
		var moved contract.MovedArchive
		require.NoError(t, env.GetWorkflowResult(&moved))
		require.Equal(t, 1, moved.Blocks)
		require.Len(t, raised, test.alerts, test.fails)
		for _, a := range raised {
			require.Equal(t, contract.ArchiveFailing, a.FaultDetails.Code)
			require.Equal(t, contract.AlertIndexer, a.Source)
			require.Contains(t, a.FaultDetails.Reason, "no space left on device")
		}
	}
}
