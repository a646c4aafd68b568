package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// While an instance is suspended nothing happens to it; then all happens in order, and a message that comes too late is not lost.
func TestSuspendedInstance(t *testing.T) {
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorker(t, d)
	_, err := c.Deploy(t.Context(), define(t, "calm", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="ask"/>
		<userTask id="ask"/><boundaryEvent id="soon" attachedToRef="ask"><timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition></boundaryEvent>
		<boundaryEvent id="news" attachedToRef="ask"><messageEventDefinition messageRef="m"/></boundaryEvent>
		<sequenceFlow id="b" sourceRef="ask" targetRef="end"/><sequenceFlow id="c" sourceRef="soon" targetRef="wait"/><sequenceFlow id="e" sourceRef="news" targetRef="end"/>
		<receiveTask id="wait" messageRef="m"/><sequenceFlow id="d" sourceRef="wait" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "calm", BusinessKey: "calm-1"})
	require.NoError(t, err)
	require.NoError(t, c.Suspend(t.Context(), id))
	state, err := c.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StatePaused, state.State)
	require.ErrorContains(t, c.SetVariables(t.Context(), id, map[string]any{"a": 1}), "the instance is suspended")
	require.Eventually(t, func() bool { // the timer is due, and then the message comes
		h, err := c.History(t.Context(), id, "")
		if err != nil {
			return false
		}
		for _, e := range h.GetEvents() {
			if e.GetEventType() == enums.EVENT_TYPE_TIMER_FIRED {
				return true
			}
		}
		return false
	}, 10*time.Second, 50*time.Millisecond)
	published, err := c.Publish(t.Context(), contract.Message{Name: "calm-news", Key: "calm-1"})
	require.NoError(t, err)
	require.Equal(t, id, published.Delivered)
	state, err = c.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"ask"}, state.Active)

	require.NoError(t, c.Resume(t.Context(), id))
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"start", "soon", "wait", "end"}, result.Path, "the message went back and to the one who waits now")
}

// A called process that is terminated is an incident of its caller, not a wait without an end.
func TestTerminatedCalledProcess(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	_, err := c.Deploy(t.Context(), define(t, "callee", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="ask"/><userTask id="ask"/>`, ""))
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), define(t, "calling", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="call"/>
		<callActivity id="call" calledElement="callee"/><sequenceFlow id="b" sourceRef="call" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "calling"})
	require.NoError(t, err)
	var child string
	require.Eventually(t, func() bool {
		list, err := c.List(t.Context(), client.Filter{Key: "callee", State: contract.StateActive})
		if err == nil && len(list) == 1 {
			child = list[0].ID
		}
		return child != ""
	}, 10*time.Second, 50*time.Millisecond)
	require.NoError(t, c.Temporal.TerminateWorkflow(t.Context(), child, "", "test"))
	require.Eventually(t, func() bool {
		state, err := c.Get(t.Context(), id)
		return err == nil && len(state.Incidents) == 1 && state.Incidents[0].Element == "call"
	}, 10*time.Second, 50*time.Millisecond)
	require.NoError(t, c.Cancel(t.Context(), id))
}

// An external task waits on the queue of its topic for whoever polls it.
func TestExternalTaskIsOffered(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	_, err := c.Deploy(t.Context(), define(t, "outside", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="work"/>
		<serviceTask id="work" activiti:type="external" activiti:topic="paint ${colour}"/><sequenceFlow id="b" sourceRef="work" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "outside", Variables: map[string]any{"colour": "red"}})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	polled, err := c.Temporal.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: contract.TopicQueue("paint red")}, Identity: "outside",
	})
	require.NoError(t, err)
	require.Equal(t, id, polled.GetWorkflowExecution().GetWorkflowId())
	require.Equal(t, contract.ExternalTaskActivity, polled.GetActivityType().GetName())
	require.Equal(t, contract.ExternalTaskID(2), polled.GetActivityId())
	_, err = c.Temporal.WorkflowService().RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: "default", TaskToken: polled.GetTaskToken(), Result: nil,
	})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
}

// A suspended process starts nothing, an undeployed one is gone, and its version numbers are not used again.
func TestSuspendedAndUndeployedDefinition(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	def := define(t, "shelf", `<startEvent id="start"/><startEvent id="told"><messageEventDefinition messageRef="m"/></startEvent><startEvent id="heard"><signalEventDefinition signalRef="signal-1"/></startEvent>`, "")
	_, err := c.Deploy(t.Context(), def)
	require.NoError(t, err)
	message := contract.Message{Name: "shelf-news"}
	published, err := c.Publish(t.Context(), message)
	require.NoError(t, err)
	require.NotEmpty(t, published.Started)
	signalled, err := c.Signal(t.Context(), contract.SignalBroadcast{Name: "shelf-signal"})
	require.NoError(t, err)
	require.Len(t, signalled.Started, 1)

	require.NoError(t, c.SuspendDefinition(t.Context(), "shelf", true))
	_, _, err = c.Start(t.Context(), client.StartOptions{Key: "shelf"})
	require.ErrorContains(t, err, `process "shelf" is suspended`)
	_, err = c.Publish(t.Context(), message)
	require.ErrorContains(t, err, "nobody waits")
	require.NoError(t, c.SuspendDefinition(t.Context(), "shelf", false))
	_, err = c.Publish(t.Context(), message)
	require.NoError(t, err)

	require.NoError(t, c.Undeploy(t.Context(), "shelf"))
	_, _, err = c.Start(t.Context(), client.StartOptions{Key: "shelf"})
	require.ErrorIs(t, err, client.ErrNotFound)
	signalled, err = c.Signal(t.Context(), contract.SignalBroadcast{Name: "shelf-signal"})
	require.NoError(t, err)
	require.Empty(t, signalled.Started)
	again, err := c.Deploy(t.Context(), def)
	require.NoError(t, err)
	require.Equal(t, 2, again.Version)
}

// A delegated task comes back to its owner before it is completed; variables of a task are its own.
func TestDelegatedTask(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	_, err := c.Deploy(t.Context(), define(t, "shared", oneTask, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "shared", Variables: map[string]any{"wait": "PT1H"}})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id, Text: "boss", Unassigned: true})
	_, err = c.ClaimTask(t.Context(), task.ID, "ann")
	require.NoError(t, err)
	delegated, err := c.DelegateTask(t.Context(), task.ID, "bob")
	require.NoError(t, err)
	require.Equal(t, []string{"bob", "ann"}, []string{delegated.Assignee, delegated.Owner})
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{})
	require.ErrorContains(t, err, `the task is delegated to "bob"`)
	resolved, err := c.ResolveTask(t.Context(), task.ID, map[string]any{"checked": true})
	require.NoError(t, err)
	require.Equal(t, "ann", resolved.Assignee)
	require.Equal(t, true, resolved.Variables["checked"])
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "ann"})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.NotContains(t, result.Variables, "checked")
}
