package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

// TestTriggerScript has events checked by a script of the project, which a real worker runs in a process of its own.
func TestTriggerScript(t *testing.T) {
	t.Parallel()
	i := installTemporal(t, options{})
	i.startWorker("--roles", "process,connectors")
	p := i.load("testdata/script")
	require.Len(t, p.Triggers, 1)
	i.deployTriggers(p)
	for _, total := range []int{3, 9} {
		started, err := i.client.Emit(t.Context(), "till", "", connectors.Event{Name: "SOLD", ID: fmt.Sprint(total), Outputs: map[string]any{"total": total}})
		require.NoError(t, err)
		require.True(t, started)
	}
	var good contract.EventState
	require.NoError(t, i.client.Temporal.GetWorkflow(t.Context(), contract.EventID("till", "SOLD", "3"), "").Get(t.Context(), &good))
	require.Len(t, good.Fired, 1)
	require.Empty(t, good.Failed)
	var dead []client.DeadEvent
	i.eventually(func() string { return "the script throws, and the event is no dead letter" }, func() bool {
		var err error
		dead, err = i.client.DeadEvents(t.Context(), "till", 10)
		return err == nil && len(dead) == 1
	})
	require.Equal(t, contract.EventID("till", "SOLD", "9"), dead[0].Workflow)
	require.Contains(t, dead[0].Failed[0].Reason, "too much: 9")
}
