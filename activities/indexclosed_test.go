package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// leftOpen is an instance with so many markers of which the last activity is active, and how it was closed.
func leftOpen(t *testing.T, markers int, kind enums.EventType) []*history.HistoryEvent {
	t.Helper()
	b := events.Batch{Process: events.Process{Instance: "order/a", Key: "order", Began: monday}, Events: []events.Event{
		{Sequence: 1000, Type: events.ActivityStarted, Time: monday, Start: monday, Ref: "1000", Status: events.Active},
	}}
	data, err := events.Encode(b)
	require.NoError(t, err)
	all := append([]*history.HistoryEvent{markerAt(t, 1, monday, data)}, instanceOf(t, "order/a", markers)...)
	at := monday.Add(time.Duration(markers) * time.Second)
	return append(all, &history.HistoryEvent{EventId: 5000, EventTime: timestamppb.New(at), EventType: kind})
}

// What did not end by itself is closed, from all of its history, even when only the end of that is new.
func TestBlockClosesWhatDidNotEndByItself(t *testing.T) {
	k := newKept()
	k.histories["a"] = leftOpen(t, 300, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
	since := monday.Add(298 * time.Second).UnixMilli()
	_, err := indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Since: since})
	require.NoError(t, err)
	require.Equal(t, events.Cancelled, k.documents["process-instances order/a"].Status)
	require.Equal(t, "order:0", k.documents["process-instances order/a"].Definition)
	require.Equal(t, events.ActivityCancelled, k.documents["activities order/a.1000"].Type)
	before := k.versions()
	_, err = indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
	require.NoError(t, err)
	require.Equal(t, before, k.versions())

	k = newKept()
	k.histories["a"] = leftOpen(t, 3, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW)
	_, err = indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
	require.NoError(t, err)
	require.Equal(t, k.latest(t, "a"), k.versions(), "it goes on in another run")

	k = newKept()
	k.histories["b"] = leftOpen(t, 3, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
	_, err = indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "b", Ended: true})
	require.NoError(t, err)
	require.Equal(t, k.latest(t, "b"), k.versions(), "the latest run began with the same: it was reset")

	k = newKept()
	k.histories["a"] = leftOpen(t, 3, enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
	_, err = indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
	require.NoError(t, err)
	require.Equal(t, events.Completed, k.documents["process-instances order/a"].Status, "a workflow in Go that says nothing of its end")

	k.faults["whole a"] = serviceerror.NewUnavailable("restarting")
	_, err = indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
	require.ErrorContains(t, err, "restarting", "the block is tried again")
	k.faults["whole a"] = serviceerror.NewDataLoss("corrupt")
	out, err := indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
	require.NoError(t, err)
	require.EqualValues(t, 1, out.Dead)
}
