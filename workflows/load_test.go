package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

// connectTo starts a Temporal server with settings of its own and returns a client of it.
func connectTo(t *testing.T, settings ...string) temporal.Client {
	t.Helper()
	program, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil {
		server.Client(t) // skips, or fails where no test may be skipped
	}
	s, err := temporalserver.Start(t.Context(), temporalserver.Options{Program: program, Settings: settings})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	c, err := temporal.DialContext(t.Context(), temporal.Options{HostPort: s.Address})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// A loop that always has a call under way goes on in new runs all the same: the run is drained when Temporal has suggested an end
// for as long again.
func TestLoopOfCallsContinuesAsNew(t *testing.T) {
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorkerOn(t, connectTo(t, "limit.historyCount.suggestContinueAsNew=60"), d)
	_, err := c.Deploy(t.Context(), define(t, "busy", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="say"/>
		<serviceTask id="say" implementation="desk.CALL"/><sequenceFlow id="b" sourceRef="say" targetRef="count"/>
		<serviceTask id="count" activiti:expression="${n + 1}" activiti:resultVariable="n"/><sequenceFlow id="c" sourceRef="count" targetRef="more"/>
		<exclusiveGateway id="more" default="d"/><sequenceFlow id="d" sourceRef="more" targetRef="say"/>
		<sequenceFlow id="e" sourceRef="more" targetRef="end"><conditionExpression>${n >= 100}</conditionExpression></sequenceFlow><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "busy", Variables: map[string]any{"n": 0}})
	require.NoError(t, err)
	first := currentRun(t, c, id)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.Len(t, d.calls, 100, "each call is made once")
	require.NotEqual(t, first, currentRun(t, c, id))
}

// 20,000 rounds of a loop, each with a script, and 2,000 calls at the same time.
func TestLargeLoops(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorkerOn(t, connectTo(t), d)
	_, err := c.Deploy(t.Context(), define(t, "rounds", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="add"/>
		<scriptTask id="add" scriptFormat="javascript" activiti:resultVariable="n"><standardLoopCharacteristics><loopCondition>${n lt 20000}</loopCondition></standardLoopCharacteristics>
		<script>n + 1</script></scriptTask><sequenceFlow id="b" sourceRef="add" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), define(t, "wide", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="say"/>
		<serviceTask id="say" implementation="desk.CALL"><multiInstanceLoopCharacteristics><loopCardinality>2000</loopCardinality>
		<loopDataOutputRef>all</loopDataOutputRef><outputDataItem name="said"/></multiInstanceLoopCharacteristics></serviceTask>
		<sequenceFlow id="b" sourceRef="say" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	began := time.Now()
	rounds, _, err := c.Start(t.Context(), client.StartOptions{Key: "rounds", Variables: map[string]any{"n": 0}})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), rounds)
	require.NoError(t, err)
	require.EqualValues(t, 20000, result.Variables["n"])
	t.Logf("20,000 rounds took %s", time.Since(began).Round(time.Millisecond))

	began = time.Now()
	wide, _, err := c.Start(t.Context(), client.StartOptions{Key: "wide"})
	require.NoError(t, err)
	result, err = c.Wait(t.Context(), wide)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.Len(t, result.Variables["all"], 2000)
	require.Len(t, d.calls, 2000)
	t.Logf("2,000 calls took %s", time.Since(began).Round(time.Millisecond))
}
