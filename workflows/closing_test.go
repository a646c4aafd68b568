package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

const watched = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="review"/>
	<userTask id="review"/><sequenceFlow id="b" sourceRef="review" targetRef="end"/><endEvent id="end"/>`

// latest are the last documents of what has a status, by kind and ref.
func latest(t *testing.T, c *client.Client, id string) map[string]events.Document {
	t.Helper()
	log, err := c.EventLog(t.Context(), id)
	require.NoError(t, err)
	all := map[string]events.Document{}
	for _, d := range log {
		key := string(d.Kind) + " " + d.Ref
		if have, known := all[key]; d.Status != "" && (!known || have.Version() < d.Version()) {
			all[key] = d
		}
	}
	return all
}

// Who terminates an instance in Temporal's Web UI leaves nothing active, and loses nothing that was known.
func TestTerminatedInstanceIsClosed(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "watched", watched, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "watched", BusinessKey: "W-1"})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	_, err = c.ClaimTask(t.Context(), task.ID, "anna")
	require.NoError(t, err)
	require.Equal(t, events.Active, latest(t, c, id)["process-instance "].Status)
	last := recordedBy(t, c, id)
	require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), id, "", "by mistake"))

	all := latest(t, c, id)
	end := all["process-instance "]
	require.Equal(t, events.ProcessEnded, end.Type)
	require.Equal(t, events.Cancelled, end.Status)
	require.Equal(t, "the workflow was terminated: by mistake", end.Error)
	require.Equal(t, "W-1", end.BusinessKey)
	require.True(t, end.Start.Equal(only(last, events.ProcessStarted)[0].Start))
	require.Equal(t, end.End.Sub(end.Start).Milliseconds(), *end.Duration)
	require.Greater(t, end.Sequence, last[len(last)-1].Sequence)
	for key, d := range all {
		require.NotEqual(t, events.Active, d.Status, key)
		require.False(t, d.End.IsZero(), key)
	}
	of := only(last, events.TaskCreated)[0]
	require.Equal(t, "anna", all["task "+of.Ref].Assignee, "as the task knows, and not the process")
	require.Equal(t, events.TaskCancelled, all["task "+of.Ref].Type)
	require.Equal(t, events.ActivityCancelled, all["activity "+of.Activity].Type)

	again := latest(t, c, id)
	require.Equal(t, all, again, "the same however often it is read")
}

// A task whose own workflow is terminated is over, too, whether anybody had it or not.
func TestTerminatedTaskIsClosed(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "watched-task", watched, ""))
	require.NoError(t, err)
	for _, user := range []string{"", "anna"} {
		id, _, err := c.Start(t.Context(), client.StartOptions{Key: "watched-task"})
		require.NoError(t, err)
		task := openTask(t, c, client.TaskFilter{Instance: id})
		_, err = c.ClaimTask(t.Context(), task.ID, user)
		require.NoError(t, err)
		require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), task.ID, "", ""))
		ref := only(recordedBy(t, c, id), events.TaskCreated)[0].Ref
		all := map[string]events.Document{}
		require.Eventually(t, func() bool { // the log finds tasks by visibility
			all = latest(t, c, id)
			return all["task "+ref].Type == events.TaskCancelled
		}, 10*time.Second, 50*time.Millisecond)
		require.Equal(t, user, all["task "+ref].Assignee)
		require.Equal(t, events.Active, all["process-instance "].Status)
		require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), id, "", ""))
	}
}

// An instance that is reset goes on, though its run is terminated.
func TestResetInstanceIsNotClosed(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "watched-reset", watched, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "watched-reset"})
	require.NoError(t, err)
	openTask(t, c, client.TaskFilter{Instance: id})
	before, err := c.Temporal.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	run := before.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	h, err := c.History(t.Context(), id, run)
	require.NoError(t, err)
	var at int64
	for _, e := range h.GetEvents() {
		if e.GetWorkflowTaskCompletedEventAttributes() != nil {
			at = e.GetEventId()
			break
		}
	}
	r, err := c.Temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: id, RunId: run}, WorkflowTaskFinishEventId: at, RequestId: id, Reason: "once more",
	})
	require.NoError(t, err)
	require.NotEqual(t, run, r.GetRunId())
	closed, err := c.History(t.Context(), id, run)
	require.NoError(t, err)
	how := closing(t, closed)
	_, ok, err := c.Closing(t.Context(), id, run, how, converter.GetDefaultDataConverter())
	require.NoError(t, err)
	require.False(t, ok)
	require.Eventually(t, func() bool { // the new run records what it does from there
		return latest(t, c, id)["process-instance "].Status == events.Active
	}, 10*time.Second, 20*time.Millisecond)

	require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), id, "", ""))
	require.Equal(t, events.Cancelled, latest(t, c, id)["process-instance "].Status, "the run that it went on in has an end")
}

func closing(t *testing.T, h *history.History) marker.Close {
	t.Helper()
	how, ok := marker.Closed(h.GetEvents()[len(h.GetEvents())-1])
	require.True(t, ok)
	return how
}
