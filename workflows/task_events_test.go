package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// A scenario's clock, by which a process opens a task, may be ahead of that of the task.
func TestTaskThatBeganInTheFutureTookNoTime(t *testing.T) {
	r := newMailRun(t)
	written := &recordedEvents{DataConverter: converter.GetDefaultDataConverter()}
	r.SetDataConverter(written)
	r.at(time.Minute, contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: "anna"})
	r.run(contract.TaskInput{Record: &events.Batch{
		Process: events.Process{Instance: "order/1"},
		Events:  []events.Event{{Sequence: 3, Type: events.TaskCreated, Ref: "4", Revision: 1, Start: r.Now().Add(24 * time.Hour)}},
	}})
	cancelled := only(written.all, events.TaskCancelled)
	require.Len(t, cancelled, 1)
	require.Equal(t, cancelled[0].Time, cancelled[0].End)
	require.EqualValues(t, 0, *cancelled[0].Duration)
}
