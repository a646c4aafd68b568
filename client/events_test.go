package client

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// What would not fit into a history, or could stand in the place of another workflow, is refused before anything is stored.
func TestCheckEvent(t *testing.T) {
	good := func() connectors.Event {
		return connectors.Event{Name: "SOLD", ID: "../../definition/x\n" + strings.Repeat("ü", 100), Outputs: map[string]any{"n": 1}}
	}
	_, err := checkEvent("till", good())
	require.NoError(t, err)
	id := contract.EventID("till", "SOLD", good().ID)
	require.Regexp(t, `^event/till/SOLD/[0-9a-f]{32}$`, id)
	require.NoError(t, checkID("event", "event/1"), "a process may be called so")
	require.ErrorContains(t, checkID("p", "event/till/SOLD/7"), "Waybill's own")
	require.ErrorContains(t, checkID("p", "echo/t/x/2026030209/1"), "Waybill's own")

	for want, change := range map[string]func(instance *string, e *connectors.Event){
		"is not the name of a connector": func(instance *string, _ *connectors.Event) { *instance = "a/b" },
		`"A/B" is not the name`:          func(_ *string, e *connectors.Event) { e.Name = "A/B" },
		`"" is not the name`:             func(_ *string, e *connectors.Event) { e.Name = "" },
		"only they tell of":              func(_ *string, e *connectors.Event) { e.Name = "MAILBOX_STOPPED" },
		"an id of 1 to 1000 bytes":       func(_ *string, e *connectors.Event) { e.ID = "" },
		"SOLD of till: an id of 1 to":    func(_ *string, e *connectors.Event) { e.ID = strings.Repeat("x", 1001) },
		"is not plain data":              func(_ *string, e *connectors.Event) { e.Outputs["n"] = math.NaN() },
		"at most 262144 are taken":       func(_ *string, e *connectors.Event) { e.Outputs["n"] = strings.Repeat("x", contract.MaxEvent) },
	} {
		instance, e := "till", good()
		change(&instance, &e)
		_, err := checkEvent(instance, e)
		require.ErrorContains(t, err, want)
		require.True(t, Refused(err), want)
	}
}

func TestSplitSource(t *testing.T) {
	for source, want := range map[string][2]string{
		"connector.till.SOLD": {"till", "SOLD"}, "timer.daily.TIMER_FIRED": {"daily", "TIMER_FIRED"}, "SOLD": {"", "SOLD"}, "": {"", ""},
	} {
		instance, event := contract.SplitSource(source)
		require.Equal(t, want, [2]string{instance, event}, source)
	}
}
