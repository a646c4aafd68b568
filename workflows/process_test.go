package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/sdk/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

func answers(outputs map[string]any) func(connectors.Call) (map[string]any, error) {
	return func(connectors.Call) (map[string]any, error) { return outputs, nil }
}

const declared = `{"properties":{"s":{"id":"s","name":"said","type":"string","value":""}},"mappings":{}}`

func TestProcessCallsConnectorsInOrder(t *testing.T) {
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorker(t, d)
	def := define(t, "in-order", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="one"/>
		<serviceTask id="one" name="Say hello" implementation="desk.CALL"/><sequenceFlow id="b" sourceRef="one" targetRef="two"/>
		<scriptTask id="two" scriptFormat="javascript" activiti:resultVariable="length"><script>said.length</script></scriptTask>
		<sequenceFlow id="c" sourceRef="two" targetRef="end"/><endEvent id="end"/>`, declared)
	deployed, err := c.Deploy(t.Context(), def)
	require.NoError(t, err)
	require.Equal(t, contract.DeployResult{Key: "in-order", Version: 1, Changed: true}, deployed)
	again, err := c.Deploy(t.Context(), def)
	require.NoError(t, err)
	require.False(t, again.Changed, "the same content is no new version")

	id, started, err := c.Start(t.Context(), client.StartOptions{Key: "in-order", BusinessKey: "K-1", Variables: map[string]any{"text": "hi"}})
	require.NoError(t, err)
	require.True(t, started)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.Equal(t, []string{"start", "one", "two", "end"}, result.Path)
	require.EqualValues(t, 5, result.Variables["length"])
	require.Regexp(t, "^"+id+`/\d+$`, d.calls[0].IdempotencyKey)

	_, started, err = c.Start(t.Context(), client.StartOptions{Key: "in-order", ID: id})
	require.NoError(t, err)
	require.False(t, started, "an id starts once")
	require.Eventually(t, func() bool {
		list, err := c.List(t.Context(), client.Filter{BusinessKey: "K-1", State: contract.StateCompleted})
		return err == nil && len(list) == 1 && list[0].ID == id && list[0].Key == "in-order"
	}, 10*time.Second, 50*time.Millisecond)
}

const oneCall = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="one"/>
	<serviceTask id="one" implementation="desk.CALL"/><sequenceFlow id="b" sourceRef="one" targetRef="end"/><endEvent id="end"/>`

func TestCallThatNoWorkerTakesIsAnIncident(t *testing.T) {
	c := startWorker(t, &desk{})
	d := define(t, "unclaimed", oneCall, declared)
	d.Connectors["desk.CALL"] = contract.Binding{TaskQueue: "connector-nobody", TimeoutMS: 10_000, UnclaimedMS: 100}
	_, err := c.Deploy(t.Context(), d)
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "unclaimed"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := c.Get(t.Context(), id)
		return err == nil && len(state.Incidents) == 1 && strings.HasPrefix(state.Incidents[0].Message, "no worker took the call in time")
	}, 10*time.Second, 20*time.Millisecond)
}

func TestIncidentSuspendsAndRetryGoesOn(t *testing.T) {
	d := &desk{answer: func(connectors.Call) (map[string]any, error) { return nil, errors.New("out of paper") }}
	c := startWorker(t, d)
	_, err := c.Deploy(t.Context(), define(t, "paper", oneCall, declared))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "paper"})
	require.NoError(t, err)
	var state contract.ProcessResult
	require.Eventually(t, func() bool {
		state, err = c.Get(t.Context(), id)
		return err == nil && state.State == contract.StateSuspended
	}, 10*time.Second, 20*time.Millisecond)
	require.Len(t, state.Incidents, 1)
	require.Equal(t, "one", state.Incidents[0].Element)
	answer, err := c.Temporal.QueryWorkflow(t.Context(), id, "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdk.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	require.Contains(t, metadata.GetCurrentDetails(), "**Incident", "the Web UI shows it with the run")
	require.Len(t, d.calls, 2, "the policy allows two attempts")
	require.Equal(t, d.calls[0].IdempotencyKey, d.calls[1].IdempotencyKey)
	require.Eventually(t, func() bool {
		list, err := c.List(t.Context(), client.Filter{State: contract.StateSuspended, Key: "paper"})
		return err == nil && len(list) == 1
	}, 10*time.Second, 50*time.Millisecond)

	_, err = c.AnswerIncident(t.Context(), id, contract.IncidentAnswer{ID: 99, Action: "retry"})
	require.ErrorContains(t, err, "no such incident; open:")
	d.set(answers(map[string]any{"said": "printed"}))
	_, err = c.AnswerIncident(t.Context(), id, contract.IncidentAnswer{Action: "retry"})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.Equal(t, "printed", result.Variables["said"])
	require.Empty(t, result.Incidents)
}

func TestModelsOwnRetryPolicyWins(t *testing.T) {
	d := &desk{answer: func(connectors.Call) (map[string]any, error) { return nil, errors.New("out of paper") }}
	c := startWorker(t, d)
	_, err := c.Deploy(t.Context(), define(t, "stubborn", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="one"/>
		<serviceTask id="one" implementation="desk.CALL"><extensionElements>
			<activiti:failedJobRetryTimeCycle>R4/PT0.01S</activiti:failedJobRetryTimeCycle></extensionElements></serviceTask>
		<sequenceFlow id="b" sourceRef="one" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "stubborn"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := c.Get(t.Context(), id)
		return err == nil && state.State == contract.StateSuspended
	}, 10*time.Second, 20*time.Millisecond)
	require.Len(t, d.calls, 4, "the connector's policy would have been 2")
	result, err := c.AnswerIncident(t.Context(), id, contract.IncidentAnswer{Action: "cancel"})
	require.NoError(t, err)
	require.Equal(t, contract.StateCancelled, result.State)
}

const oneTask = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="ask"/>
	<userTask id="ask" name="Ask the boss" activiti:candidateGroups="bosses"/><sequenceFlow id="b" sourceRef="ask" targetRef="end"/><endEvent id="end"/>
	<boundaryEvent id="late" attachedToRef="ask" cancelActivity="true"><timerEventDefinition><timeDuration>${wait}</timeDuration></timerEventDefinition></boundaryEvent>
	<sequenceFlow id="c" sourceRef="late" targetRef="gone"/><endEvent id="gone"/>`

func openTask(t *testing.T, c *client.Client, f client.TaskFilter) contract.Task {
	t.Helper()
	var tasks []contract.Task
	require.Eventually(t, func() bool {
		var err error
		tasks, err = c.Tasks(t.Context(), f)
		return err == nil && len(tasks) == 1
	}, 10*time.Second, 50*time.Millisecond)
	return tasks[0]
}

func TestUserTaskIsClaimedAndCompleted(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "ask-boss", oneTask, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "ask-boss", Variables: map[string]any{"wait": "PT1H"}})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Candidates: []string{"bosses"}, Instance: id})
	require.NoError(t, c.SetVariables(t.Context(), id, map[string]any{"note": "from outside"}))
	require.ErrorContains(t, c.SetVariables(t.Context(), id, nil), "no variables given")
	require.Equal(t, "Ask the boss", task.Name)
	_, err = c.ClaimTask(t.Context(), task.ID, "anna")
	require.NoError(t, err)
	_, err = c.ClaimTask(t.Context(), task.ID, "bert")
	require.ErrorContains(t, err, `claimed by "anna"`)
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "bert"})
	require.ErrorContains(t, err, `claimed by "anna"`)
	done, err := c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "anna", Variables: map[string]any{"ok": true, "n": 3}})
	require.NoError(t, err)
	require.Equal(t, contract.TaskCompleted, done.State)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, true, result.Variables["ok"])
	require.Equal(t, "from outside", result.Variables["note"])
	require.Equal(t, []string{"start", "ask", "end"}, result.Path)
	require.Eventually(t, func() bool {
		_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{})
		return errors.Is(err, client.ErrNotRunning)
	}, 10*time.Second, 20*time.Millisecond)
	require.ErrorContains(t, err, "the task is completed, by anna")
}

func TestBoundaryTimerClosesTheTask(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "too-late", oneTask, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "too-late", Variables: map[string]any{"wait": "PT2S"}})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"start", "late", "gone"}, result.Path)
	require.Eventually(t, func() bool {
		task, err = c.Task(t.Context(), task.ID)
		return err == nil && task.State == contract.TaskCancelled
	}, 10*time.Second, 50*time.Millisecond)
}

func TestCancelStopsTasks(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "cancelled", oneTask, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "cancelled", Variables: map[string]any{"wait": "PT1H"}})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	require.NoError(t, c.Cancel(t.Context(), id))
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCancelled, result.State)
	require.Eventually(t, func() bool {
		task, err = c.Task(t.Context(), task.ID)
		return err == nil && task.State == contract.TaskCancelled
	}, 10*time.Second, 50*time.Millisecond)
	require.Error(t, c.Cancel(t.Context(), id))
}

func TestTemporalsOwnCancelIsOrderly(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "ui-cancel", oneTask, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "ui-cancel", Variables: map[string]any{"wait": "PT1H"}})
	require.NoError(t, err)
	openTask(t, c, client.TaskFilter{Instance: id})
	require.NoError(t, c.Temporal.CancelWorkflow(t.Context(), id, ""))
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCancelled, result.State)
}

func TestWrongStartIsRefusedBeforeAnythingHappens(t *testing.T) {
	c := startWorker(t, &desk{})
	required := `{"properties":{"s":{"id":"s","name":"customer","type":"string","required":true}},"mappings":{}}`
	_, err := c.Deploy(t.Context(), define(t, "picky", oneCall, required))
	require.NoError(t, err)
	_, _, err = c.Start(t.Context(), client.StartOptions{Key: "picky", ID: "picky/1"})
	require.ErrorContains(t, err, "customer")
	_, err = c.Get(t.Context(), "picky/1")
	require.ErrorIs(t, err, client.ErrNotFound)
	_, _, err = c.Start(t.Context(), client.StartOptions{Key: "nowhere"})
	require.ErrorContains(t, err, "not deployed")
}
