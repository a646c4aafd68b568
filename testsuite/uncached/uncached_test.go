package uncached_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
)

func TestMain(m *testing.M) {
	worker.SetStickyWorkflowCacheSize(0) // of the whole program, before its first worker
	os.Exit(m.Run())
}

const model = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:activiti="http://activiti.org/bpmn" targetNamespace="t">
<message id="m" name="pushed"/><signal id="s" name="all-at-once"/>
<process id="crowd" isExecutable="true"><startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/><sequenceFlow id="f2" sourceRef="fork" targetRef="many"/><sequenceFlow id="f3" sourceRef="fork" targetRef="count"/><sequenceFlow id="f4" sourceRef="fork" targetRef="ask"/>
<subProcess id="many"><multiInstanceLoopCharacteristics><loopCardinality>6</loopCardinality></multiInstanceLoopCharacteristics>
	<startEvent id="i"/><sequenceFlow id="g1" sourceRef="i" targetRef="hear"/>
	<intermediateCatchEvent id="hear"><signalEventDefinition signalRef="s"/></intermediateCatchEvent><sequenceFlow id="g2" sourceRef="hear" targetRef="work"/>
	<scriptTask id="work" scriptFormat="javascript" activiti:resultVariable="r"><script>var x = 0; for (var i = 0; i &lt; 20000; i++) { x += i } x</script></scriptTask>
	<sequenceFlow id="g3" sourceRef="work" targetRef="o"/><endEvent id="o"/></subProcess><sequenceFlow id="f5" sourceRef="many" targetRef="join"/>
<scriptTask id="count" scriptFormat="javascript" activiti:resultVariable="n"><standardLoopCharacteristics><loopCondition>${n lt 15}</loopCondition></standardLoopCharacteristics><script>n + 1</script></scriptTask>
<sequenceFlow id="f6" sourceRef="count" targetRef="join"/>
<userTask id="ask"/><sequenceFlow id="f7" sourceRef="ask" targetRef="join"/>
<boundaryEvent id="news" attachedToRef="ask" cancelActivity="false"><messageEventDefinition messageRef="m"/></boundaryEvent>
<sequenceFlow id="f8" sourceRef="news" targetRef="read"/><scriptTask id="read" scriptFormat="javascript"><script>1</script></scriptTask>
<sequenceFlow id="f9" sourceRef="read" targetRef="heard"/><endEvent id="heard"/>
<boundaryEvent id="tick" attachedToRef="ask" cancelActivity="false"><timerEventDefinition><timeCycle>R5/PT0.1S</timeCycle></timerEventDefinition></boundaryEvent>
<sequenceFlow id="f10" sourceRef="tick" targetRef="ticked"/><endEvent id="ticked"/>
<parallelGateway id="join"/><sequenceFlow id="f11" sourceRef="join" targetRef="end"/><endEvent id="end"/></process></definitions>`

// Signals, messages, updates, timers and scripts come at the same time, over and over, and each workflow task replays those before it: the
// markers of events never get in the way, and nothing is lost.
func TestCrowdWithoutCache(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "crowd.bpmn"), []byte(model), 0o600))
	e := testsuite.Start(t)
	e.Deploy(folder)
	var all errgroup.Group
	for i := range 4 {
		all.Go(func() error { return crowd(t, e, fmt.Sprint("crowd-", i)) })
	}
	require.NoError(t, all.Wait())
	require.NoError(t, testsuite.ReplayServer(t.Context(), e.Client, ""))
	require.Eventually(t, func() bool {
		checked := map[string]bool{}
		require.NoError(t, testsuite.CheckEvents(t.Context(), e.Client, checked))
		return len(checked) == 4
	}, 30*time.Second, 100*time.Millisecond, "the list of executions is some moments behind")
}

func crowd(t *testing.T, e *testsuite.Environment, key string) error {
	id, _, err := e.Client.Start(t.Context(), client.StartOptions{Key: "crowd", BusinessKey: key, Variables: map[string]any{"n": 0}})
	if err != nil {
		return err
	}
	var senders errgroup.Group
	for i := range 10 {
		senders.Go(func() error {
			if err := e.Client.SetVariables(t.Context(), id, map[string]any{fmt.Sprint("v", i%3): i}); err != nil {
				return err
			}
			_, err := e.Client.Publish(t.Context(), contract.Message{ID: fmt.Sprint(key, i), Name: "pushed", Key: key, TTL: time.Minute})
			return err
		})
	}
	task := e.Task(id)
	senders.Go(func() error {
		_, err := e.Client.ClaimTask(t.Context(), task.ID, "anna")
		return err
	})
	if err := senders.Wait(); err != nil {
		return err
	}
	for { // the catchers may not all have been there
		if _, err := e.Client.Signal(t.Context(), contract.SignalBroadcast{ID: rand.Text(), Name: "all-at-once"}); err != nil {
			return err
		}
		state, err := e.Client.Get(t.Context(), id)
		if err != nil {
			return err
		}
		if fmt.Sprint(state.Active) == "[ask]" {
			break
		}
	}
	if _, err := e.Client.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "anna"}); err != nil {
		return err
	}
	_, err = e.Client.Wait(t.Context(), id)
	return err
}
