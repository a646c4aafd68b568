package workflows_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite"
)

// recordedBy are the events of the last run of a workflow.
func recordedBy(t *testing.T, c *client.Client, id string) (all []events.Event) {
	t.Helper()
	h, err := c.History(t.Context(), id, "")
	require.NoError(t, err)
	list, _, err := testsuite.Batches(h)
	require.NoError(t, err)
	for _, b := range list {
		all = append(all, b.Events...)
	}
	return all
}

func only(all []events.Event, types ...events.Type) (some []events.Event) {
	for _, e := range all {
		if slices.Contains(types, e.Type) {
			some = append(some, e)
		}
	}
	return some
}

// checkedRuns are those whose events have been read.
var checkedRuns = map[string]bool{}
