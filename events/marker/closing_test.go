package marker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/events"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestClosed(t *testing.T) {
	failed := func(next string) *history.HistoryEvent {
		return &history.HistoryEvent{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, Attributes: &history.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &history.WorkflowExecutionFailedEventAttributes{Failure: &failure.Failure{Message: "no paper"}, NewExecutionRunId: next},
		}}
	}
	for _, test := range []struct {
		event *history.HistoryEvent
		want  string
	}{
		{failed(""), "failed the workflow failed: no paper true"},
		{failed("next"), "failed the workflow failed: no paper false"},
		{&history.HistoryEvent{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED}, "cancelled the workflow was terminated true"},
		{&history.HistoryEvent{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT}, "failed the workflow ran into its timeout true"},
		{&history.HistoryEvent{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED}, "cancelled the workflow was cancelled true"},
		{&history.HistoryEvent{EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED}, "completed  true"},
	} {
		test.event.EventTime = timestamppb.New(noon)
		c, ok := Closed(test.event)
		require.Equal(t, test.want, fmt.Sprint(c.Status, " ", c.Reason, " ", ok))
		require.Equal(t, noon, c.Time)
	}
	for _, kind := range []enums.EventType{enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW, enums.EVENT_TYPE_MARKER_RECORDED} {
		_, ok := Closed(&history.HistoryEvent{EventType: kind})
		require.False(t, ok, kind)
	}
}

func TestClosingEndsWhatIsOpen(t *testing.T) {
	n := int64(0)
	event := func(kind events.Type, ref string, status events.Status) events.Event {
		n++
		return events.Event{Sequence: n, Type: kind, Ref: ref, Status: status, Start: noon, Time: noon, Variables: map[string]any{"a": 1}}
	}
	task := event(events.TaskCreated, "1", events.Active)
	task.Revision = 1
	all := []events.Event{
		event(events.ProcessStarted, "", events.Active), event(events.ActivityStarted, "3", events.Active), event(events.ActivityCompleted, "3", events.Completed),
		event(events.FlowTaken, "5", ""), event(events.VariableCreated, "x", ""), event(events.ActivitySignaled, "7", events.Active), task,
		event(events.IntegrationRequest, "8", events.Active), event(events.IncidentCreated, "9", events.Active), event(events.ExternalTaskCreated, "10", events.Active),
		event(events.IncidentCreated, "11", events.Active), event(events.IncidentResolved, "11", events.Completed), event(events.MailSent, "13", events.Completed),
	}
	slices.SortFunc(all, func(a, b events.Event) int { return int(a.Sequence - b.Sequence) })
	process := events.Process{Instance: "order/1", Key: "order", Began: noon}
	how := Close{Status: events.Failed, Reason: "out of time", Time: noon.Add(time.Minute)}
	for _, order := range []string{"forwards", "backwards"} {
		c := &Closing{ID: "order/1"}
		for _, e := range all {
			c.Add(events.Batch{Process: process, Events: []events.Event{e}})
		}
		b, ok := c.Batch(how)
		require.True(t, ok)
		require.Equal(t, process, b.Process)
		var got []string
		for _, e := range b.Events {
			got = append(got, fmt.Sprint(e.Sequence, " ", e.Type, " ", e.Ref, " ", e.Status, " ", e.Revision, " ", e.Error))
			require.Equal(t, how.Time, e.Time)
			require.Equal(t, how.Time, e.End)
			require.EqualValues(t, 60_000, *e.Duration)
			require.Nil(t, e.Variables, "they are told once")
		}
		require.Equal(t, []string{
			"14 EXTERNAL_TASK_FAILED 10 cancelled 0 ", "15 INCIDENT_RESOLVED 9 cancelled 0 ", "16 INTEGRATION_ERROR_RECEIVED 8 cancelled 0 ",
			"17 ACTIVITY_CANCELLED 7 cancelled 0 ", "18 TASK_CANCELLED 1 cancelled 1073741824 ", "19 PROCESSINSTANCE_END  failed 0 out of time",
		}, got, order)
		slices.Reverse(all)
	}

	ended := &Closing{ID: "order/1"}
	ended.Add(events.Batch{Process: process, Events: append(slices.Clone(all), event(events.ProcessEnded, "", events.Completed))})
	_, ok := ended.Batch(how)
	require.False(t, ok, "it said so itself")

	of := &Closing{ID: "task/order/1/1"}
	of.Add(events.Batch{Process: process, Events: []events.Event{task}})
	b, ok := of.Batch(how)
	require.True(t, ok)
	require.Len(t, b.Events, 1)
	require.Equal(t, events.TaskCancelled, b.Events[0].Type)
	require.Equal(t, task.Sequence, b.Events[0].Sequence)
	require.Less(t, b.Events[0].Revision, int64(events.MaxRevision), "its process may still say how it ended")

	mailbox := &Closing{ID: "mailbox/support"}
	mailbox.Add(events.Batch{Process: events.Process{Instance: "mailbox/support", Began: noon}, Events: []events.Event{event(events.MailReceived, "m", events.Completed)}})
	_, ok = mailbox.Batch(how)
	require.False(t, ok, "it is no instance of a process")
}
