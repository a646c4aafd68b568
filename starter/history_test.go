package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	temporal "go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What history writes, Temporal's replayer must read as what it was.
func TestHistory(t *testing.T) {
	events := []*history.HistoryEvent{
		{EventId: 1, EventTime: timestamppb.New(noon), EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
			Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
				WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{
					WorkflowType: &common.WorkflowType{Name: "order"},
					Input:        &common.Payloads{Payloads: []*common.Payload{payload(t, map[string]any{"n": 1})}},
				},
			}},
		{EventId: 2, EventTime: timestamppb.New(noon), EventType: enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
			Attributes: &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{
				WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{Attempt: 1},
			}},
	}
	s := newShell(&fakeTemporal{events: events})
	require.Equal(t, exitOK, s.run(t.Context(), "history", "order/1"), s.err.String())
	read, err := temporal.HistoryFromJSON(bytes.NewReader(s.out.Bytes()), temporal.HistoryJSONOptions{})
	require.NoError(t, err)
	require.True(t, proto.Equal(&history.History{Events: events}, read), "%v", read)
}
