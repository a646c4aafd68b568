package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// indexerAway is an indexer whose index is away. Its watermark is long ago, so that its lag is the same in every run of the tests: as large as it gets.
func indexerAway() contract.IndexerState {
	return contract.IndexerState{
		Created: noon, Watermark: noon.AddDate(-400, 0, 0), Swept: noon, Sweep: contract.IndexSweep{Began: noon, Total: 10, Visited: 3}, Waiting: 2, Passes: 7, Folded: 1,
		Last: &contract.IndexPass{Number: 6, Began: noon, Ended: noon.Add(1500 * time.Millisecond), IndexCount: contract.IndexCount{Executions: 5, Written: 40, Known: 2}},
		Pass: &contract.IndexPass{Number: 7, Began: noon, Waiting: 12}, Total: contract.IndexCount{Executions: 9, Written: 70, Known: 3, Dead: 1},
		Alarm: &contract.IndexAlarm{Since: noon, Code: contract.IndexFailing, Reason: "pass 7 has done nothing"},
	}
}

func indexerFails() []*workflow.PendingActivityInfo {
	return []*workflow.PendingActivityInfo{{
		ActivityType: &common.ActivityType{Name: contract.IndexActivity}, Attempt: 4,
		LastFailure: &failure.Failure{Message: "activity error", Cause: &failure.Failure{Message: "write 3 documents: connection refused"}},
	}}
}

func refusedDocuments() contract.IndexLetters {
	return contract.IndexLetters{Total: 1, Letters: []contract.IndexLetter{{
		ID: "5f6c", Index: "activiti-variables", DocumentID: "order/1.total", Type: "mapper_parsing_exception", Reason: "failed to parse field [dateValue]", Count: 3, First: noon, Last: noon,
	}}}
}

// recordedHistory is that of an instance that has begun.
func recordedHistory(t *testing.T) []*history.HistoryEvent {
	packed, err := events.Encode(events.Batch{Process: events.Process{Instance: "order/1", Key: "order", Began: noon}, Events: []events.Event{
		{Sequence: 1, Type: events.ProcessStarted, Time: noon, Status: events.Active, Start: noon},
		{Sequence: 2, Type: events.VariableCreated, Time: noon, Ref: "total", Name: "total", Value: int64(250), ValueType: "integer"},
		{Sequence: 3, Type: events.ActivityCompleted, Time: noon, Ref: "3", ActivityID: "start", Status: events.Completed, Duration: new(int64(0))},
	}})
	require.NoError(t, err)
	return []*history.HistoryEvent{{
		EventId: 5, EventType: enums.EVENT_TYPE_MARKER_RECORDED,
		Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{
			MarkerName: "SideEffect", Details: map[string]*common.Payloads{"data": {Payloads: []*common.Payload{payload(t, packed)}}},
		}},
	}}
}
