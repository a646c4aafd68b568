package workflows_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/workflows"
)

// startUnalerted runs processes without anybody who takes their alerts.
func startUnalerted(t *testing.T, server temporal.Client) *client.Client {
	t.Helper()
	c := client.New(server)
	require.NoError(t, c.EnsureSearchAttributes(t.Context(), "default"))
	w := worker.New(server, contract.ProcessQueue, worker.Options{LocalActivityWorkerOnly: true})
	workflows.Register(w, &definition.Cache{}, workflows.Recording{})
	activities.RegisterScript(w)
	s := worker.New(server, contract.SteeringQueue, worker.Options{DisableWorkflowWorker: true})
	activities.RegisterSteering(s, activities.NewSteering(c), nil)
	for _, w := range []worker.Worker{w, s} {
		require.NoError(t, w.Start())
		t.Cleanup(w.Stop)
	}
	return c
}

// taker takes alerts, and keeps them.
type taker struct {
	mu    sync.Mutex
	taken []contract.Alert
}

func (k *taker) take(a contract.Alert) (contract.AlertResult, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = append(k.taken, a)
	return contract.AlertResult{}, nil
}

func (k *taker) all() []contract.Alert {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]contract.Alert(nil), k.taken...)
}

func (k *taker) start(t *testing.T, server temporal.Client) {
	t.Helper()
	w := worker.New(server, contract.AlertQueue, worker.Options{DisableWorkflowWorker: true})
	w.RegisterActivityWithOptions(k.take, activity.RegisterOptions{Name: contract.AlertActivity})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

const failing = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="split"/>
	<parallelGateway id="split"/><sequenceFlow id="b" sourceRef="split" targetRef="sub"/><sequenceFlow id="c" sourceRef="split" targetRef="wait"/>
	<subProcess id="sub"><startEvent id="s1"/><sequenceFlow id="s2" sourceRef="s1" targetRef="work"/>
		<scriptTask id="work" name="Do the work" scriptFormat="javascript"><script>if (!paper) throw new Error("no paper")</script></scriptTask>
		<sequenceFlow id="s3" sourceRef="work" targetRef="s4"/><endEvent id="s4"/></subProcess>
	<sequenceFlow id="d" sourceRef="sub" targetRef="end"/><endEvent id="end"/>
	<receiveTask id="wait" messageRef="m"/><sequenceFlow id="f" sourceRef="wait" targetRef="more"/>
	<exclusiveGateway id="more" default="h"/><sequenceFlow id="h" sourceRef="more" targetRef="wait"/>
	<sequenceFlow id="i" sourceRef="more" targetRef="end2"><conditionExpression>${last}</conditionExpression></sequenceFlow><endEvent id="end2"/>`

// Nobody takes alerts: processes go on in new runs, are retried, end and are cancelled as if there were none. Whoever comes later gets each
// alert that still counts once.
func TestProcessesNeverWaitForTheirAlerts(t *testing.T) {
	server := connectTo(t, "limit.historyCount.suggestContinueAsNew=40")
	c := startUnalerted(t, server)
	d := define(t, "failing", failing, `{"properties":{
		"p":{"id":"p","name":"paper","type":"boolean","value":false},"l":{"id":"l","name":"last","type":"boolean","value":false}},"mappings":{}}`)
	d.Tenant = "acme"
	var err error
	d.Digest, err = definition.Digest(d)
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), d)
	require.NoError(t, err)
	suspended := func(key string) (id string) {
		t.Helper()
		id, _, err := c.Start(t.Context(), client.StartOptions{Key: "failing", BusinessKey: key, Initiator: "ada", Variables: map[string]any{"secret": "hunter2"}})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			state, err := c.Get(t.Context(), id)
			return err == nil && len(state.Incidents) == 1
		}, 20*time.Second, 20*time.Millisecond)
		return id
	}
	news := func(id, key string, n int, last bool) {
		t.Helper()
		for i := range n {
			_, err := c.Publish(t.Context(), contract.Message{
				ID: fmt.Sprint(id, i, last), Name: "failing-news", Key: key, TTL: time.Hour, Variables: map[string]any{"last": last && i == n-1},
			})
			require.NoError(t, err)
		}
	}
	mended, cancelled, open := suspended("A"), suspended("B"), suspended("C")
	first := currentRun(t, c, open)
	news(open, "C", 20, false)
	require.Eventually(t, func() bool { return currentRun(t, c, open) != first }, 30*time.Second, 50*time.Millisecond, "it goes on in a new run")

	_, err = c.AnswerIncident(t.Context(), mended, contract.IncidentAnswer{Action: "retry", Variables: map[string]any{"paper": true}})
	require.NoError(t, err)
	news(mended, "A", 1, true)
	result, err := c.Wait(t.Context(), mended)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	require.NoError(t, c.Cancel(t.Context(), cancelled))
	result, err = c.Wait(t.Context(), cancelled)
	require.NoError(t, err)
	require.Equal(t, contract.StateCancelled, result.State)

	k := &taker{}
	k.start(t, server)
	require.Eventually(t, func() bool { return len(k.all()) > 0 }, 30*time.Second, 50*time.Millisecond)
	a := k.all()[0]
	state, err := c.Get(t.Context(), open)
	require.NoError(t, err)
	incident := state.Incidents[0]
	require.Equal(t, contract.Alert{
		ID: fmt.Sprintf("%s/%d", open, incident.ID), Source: contract.AlertProcess, At: incident.At.UTC(), Tenant: "acme", ProcessID: open, ProcessName: "failing",
		ProcessNamespace: "t", ProcessKey: "failing", ProcessVersion: 1, BusinessKey: "C", LocationPath: "sub/work", Status: "suspended",
		FaultName: a.FaultName, FaultDetails: contract.FaultDetails{Code: a.FaultDetails.Code, Reason: incident.Message, Details: "Do the work"},
		Initiator: "ada", RunID: a.RunID, Incident: incident.ID,
	}, a)
	require.NotEmpty(t, a.FaultName)
	require.NotEqual(t, first, a.RunID)
	taken := currentRun(t, c, open)
	news(open+"again", "C", 40, false)
	require.Eventually(t, func() bool { return currentRun(t, c, open) != taken }, 30*time.Second, 50*time.Millisecond)
	_, err = c.AnswerIncident(t.Context(), open, contract.IncidentAnswer{Action: "retry"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(k.all()) > 1 }, 30*time.Second, 50*time.Millisecond)
	all := k.all()
	require.Len(t, all, 2, "what was taken is not raised again by a later run")
	require.NotEqual(t, a.ID, all[1].ID, "that it failed again is another alert")
}

// Incidents of tests, whose clock stands still, are nobody's business.
func TestTestsRaiseNoAlerts(t *testing.T) {
	server := connectTo(t)
	c := startUnalerted(t, server)
	k := &taker{}
	k.start(t, server)
	_, err := c.Deploy(t.Context(), define(t, "failing", failing, `{"properties":{
		"p":{"id":"p","name":"paper","type":"boolean","value":false}},"mappings":{}}`))
	require.NoError(t, err)
	now := time.Now()
	for _, clock := range []*time.Time{&now, nil} { // the second one's alert shows that there was time for the first's
		_, _, err := c.Start(t.Context(), client.StartOptions{Key: "failing", BusinessKey: "A", Clock: clock})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(k.all()) > 0 }, 20*time.Second, 20*time.Millisecond)
	require.Len(t, k.all(), 1)
}
