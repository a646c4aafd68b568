package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// A long instance goes on in new runs: its task, its timer, its message and its variables come along.
func TestLongInstanceContinuesAsNew(t *testing.T) {
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorkerOn(t, connectTo(t, "limit.historyCount.suggestContinueAsNew=40"), d)

	_, err := c.Deploy(t.Context(), define(t, "long", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="split"/>
		<parallelGateway id="split"/><sequenceFlow id="b" sourceRef="split" targetRef="ask"/><sequenceFlow id="c" sourceRef="split" targetRef="wait"/>
		<userTask id="ask"/><sequenceFlow id="d" sourceRef="ask" targetRef="end"/><endEvent id="end"/>
		<boundaryEvent id="remind" attachedToRef="ask" cancelActivity="false"><timerEventDefinition><timeDuration>PT8S</timeDuration></timerEventDefinition></boundaryEvent>
		<sequenceFlow id="e" sourceRef="remind" targetRef="reminded"/><endEvent id="reminded"/>
		<receiveTask id="wait" messageRef="m"/><sequenceFlow id="f" sourceRef="wait" targetRef="say"/>
		<serviceTask id="say" implementation="desk.CALL"/><sequenceFlow id="g" sourceRef="say" targetRef="more"/>
		<exclusiveGateway id="more" default="h"/><sequenceFlow id="h" sourceRef="more" targetRef="wait"/>
		<sequenceFlow id="i" sourceRef="more" targetRef="end"><conditionExpression>${last}</conditionExpression></sequenceFlow>`,
		`{"properties":{"s":{"id":"s","name":"said","type":"string","value":""},"l":{"id":"l","name":"last","type":"boolean","value":false}},"mappings":{}}`))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "long", BusinessKey: "K"})
	require.NoError(t, err)
	first := currentRun(t, c, id)
	for i := range 20 {
		_, err := c.Publish(t.Context(), contract.Message{
			ID: fmt.Sprint(i), Name: "long-news", Key: "K", TTL: time.Hour, Variables: map[string]any{"last": i == 19, "n": i},
		})
		require.NoError(t, err)
	}
	var state contract.ProcessResult
	require.Eventually(t, func() bool {
		state, err = c.Get(t.Context(), id)
		return err == nil && len(state.Active) == 1 && len(d.calls) == 20 && slices.Contains(state.Path, "reminded")
	}, 30*time.Second, 50*time.Millisecond, "the timer of an earlier run fires in a later one")
	require.NotEqual(t, first, currentRun(t, c, id), "the instance went on in a new run")
	task := openTask(t, c, client.TaskFilter{Instance: id})
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.EqualValues(t, 19, result.Variables["n"])
}

func currentRun(t *testing.T, c *client.Client, id string) string {
	t.Helper()
	d, err := c.Temporal.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}
