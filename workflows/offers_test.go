package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

// outside takes the external tasks of a topic as the gateway does.
type outside struct {
	*testing.T
	*client.Client
	topic string
}

// polled is an external task that was given away.
type polled struct {
	contract.ExternalTask
	outside
	id    string // of the activity
	token []byte
}

func (o outside) poll() *polled {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.Context(), 30*time.Second)
	defer cancel()
	r, err := o.Temporal.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: contract.TopicQueue(o.topic), Kind: enums.TASK_QUEUE_KIND_NORMAL}, Identity: "outside",
	})
	require.NoError(o, err)
	require.NotEmpty(o, r.GetTaskToken(), "no task of topic %q", o.topic)
	p := &polled{outside: o, id: r.GetActivityId(), token: r.GetTaskToken()}
	require.NoError(o, converter.GetDefaultDataConverter().FromPayloads(r.GetInput(), &p.ExternalTask))
	return p
}

func (p *polled) answer(r contract.ExternalResult) {
	p.Helper()
	result, err := converter.GetDefaultDataConverter().ToPayloads(r)
	require.NoError(p, err)
	_, err = p.Temporal.WorkflowService().RespondActivityTaskCompleted(p.T.Context(), &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: "default", TaskToken: p.token, Identity: "outside", Result: result,
	})
	require.NoError(p, err)
}

func (p *polled) throw(code string, r contract.ExternalResult) {
	p.Helper()
	details, err := converter.GetDefaultDataConverter().ToPayloads(r)
	require.NoError(p, err)
	_, err = p.Temporal.WorkflowService().RespondActivityTaskFailed(p.T.Context(), &workflowservice.RespondActivityTaskFailedRequest{
		Namespace: "default", TaskToken: p.token, Identity: "outside",
		Failure: &failure.Failure{Message: "so", FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
			Type: contract.BPMNErrorPrefix + code, NonRetryable: true, Details: details,
		}}},
	})
	require.NoError(p, err)
}

// lease is one of a minute.
func lease(number int, worker string) contract.Lease {
	at := time.Date(2026, 3, 2, 9, number, 0, 0, time.UTC)
	return contract.Lease{Number: number, Worker: worker, At: at, Until: at.Add(time.Minute)}
}

// What is known of an external task goes along with it: through failures, what somebody sets, an incident, and to its end.
func TestExternalTaskKeepsWhatIsKnown(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	_, err := c.Deploy(t.Context(), define(t, "kept", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="work"/>
		<serviceTask id="work" activiti:type="external" activiti:topic="kept"><extensionElements><activiti:properties>
		<activiti:property name="payload" value="{ colour: token.current.colour, by: identity.userId }"/></activiti:properties></extensionElements></serviceTask>
		<sequenceFlow id="b" sourceRef="work" targetRef="fork"/><exclusiveGateway id="fork" default="d"/>
		<sequenceFlow id="c" sourceRef="fork" targetRef="end"><conditionExpression>token.history.work[1] == 'two' &amp;&amp; token.current.length == 2</conditionExpression></sequenceFlow>
		<endEvent id="end"/><sequenceFlow id="d" sourceRef="fork" targetRef="other"/><endEvent id="other"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "kept", Initiator: "ada", Variables: map[string]any{"colour": "red"}})
	require.NoError(t, err)
	o := outside{t, c, "kept"}
	first := o.poll()
	require.JSONEq(t, `{"colour":"red","by":"ada"}`, string(first.Payload))
	require.Equal(t, []any{"ada", false, 0, contract.ExternalFailure{}}, []any{first.User, first.Judged, first.Leases, first.Failed})
	require.WithinDuration(t, time.Now(), first.Created, time.Minute)

	first.answer(contract.ExternalResult{Failure: &contract.ExternalFailure{Set: true, Priority: new(5), Retries: new(3)}})
	p := o.poll()
	require.Equal(t, []any{first.id, 5, first.Created, time.Time{}}, []any{p.id, p.Priority, p.Created, p.NotBefore})
	require.Equal(t, contract.ExternalFailure{Retries: new(3)}, p.Failed)

	p.answer(contract.ExternalResult{Outputs: contract.Variables{"colour": "blue"}, Worker: "bob", Leases: []contract.Lease{lease(1, "ann"), lease(2, "bob")},
		Failure: &contract.ExternalFailure{Message: "no luck", Details: "a trace", Retries: new(2), AfterMS: time.Hour.Milliseconds(), Worker: "bob"}})
	p = o.poll()
	require.Equal(t, contract.ExternalFailure{Message: "no luck", Details: "a trace", Retries: new(2), Worker: "bob"}, p.Failed)
	require.Equal(t, []any{first.id, 5, 2}, []any{p.id, p.Priority, p.Leases})
	require.WithinDuration(t, time.Now().Add(time.Hour), p.NotBefore, time.Minute)
	require.Equal(t, "blue", p.Variables["colour"])
	require.JSONEq(t, `{"colour":"red","by":"ada"}`, string(p.Payload), "the token is as it was")

	p.answer(contract.ExternalResult{Worker: "cay", Leases: []contract.Lease{lease(3, "cay")}, Attempt: 4, Failure: &contract.ExternalFailure{Message: "never", Details: "another trace", Retries: new(0)}})
	var i contract.Incident
	require.Eventually(t, func() bool {
		state, err := c.Get(t.Context(), id)
		if err == nil && len(state.Incidents) == 1 {
			i = state.Incidents[0]
		}
		return i.ID != 0
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, []any{"never", "kept", "another trace", "cay", first.id}, []any{i.Message, i.Topic, i.Details, i.Worker, contract.ExternalTaskID(i.Task)})
	_, err = c.AnswerIncident(t.Context(), id, contract.IncidentAnswer{Action: "retry", Retries: 9})
	require.NoError(t, err)
	p = o.poll()
	require.Equal(t, []any{first.id, 5, 9, "never", 3}, []any{p.id, p.Priority, *p.Failed.Retries, p.Failed.Message, p.Leases})

	p.answer(contract.ExternalResult{Worker: "dan", Leases: []contract.Lease{lease(4, "dan")}, Token: json.RawMessage(`[1, "two"]`)})
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"start", "work", "fork", "end"}, result.Path)
	var told []string
	for _, e := range recordedBy(t, c, id) {
		if e.Type.Kind() == events.KindExternalTask {
			told = append(told, fmt.Sprintf("%s %s %d", e.Type, e.WorkerID, e.Attempts))
		}
		if e.Type == events.ExternalTaskLocked {
			require.Equal(t, time.Minute, e.LockedUntil.Sub(e.Claimed))
		}
	}
	require.Equal(t, []string{
		"EXTERNAL_TASK_CREATED  0", "EXTERNAL_TASK_LOCKED ann 1", "EXTERNAL_TASK_LOCKED bob 2", "EXTERNAL_TASK_LOCKED cay 3", "EXTERNAL_TASK_FAILED cay 4",
		"EXTERNAL_TASK_CREATED  0", "EXTERNAL_TASK_LOCKED dan 4", "EXTERNAL_TASK_COMPLETED dan 0",
	}, told)
}

// A failure that the model may take for a BPMN error is the process's, and so are leases that come with an error by a worker.
func TestExternalTaskIsJudged(t *testing.T) {
	c := startWorker(t, &desk{answer: answers(nil)})
	_, err := c.Deploy(t.Context(), define(t, "judged", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="work"/>
		<serviceTask id="work" activiti:type="external" activiti:topic="judged"><extensionElements>
		<activiti:errorEventDefinition errorRef="FULL" expression="${externalTask.getErrorDetails().contains('full')}"/></extensionElements></serviceTask>
		<sequenceFlow id="b" sourceRef="work" targetRef="end"/><endEvent id="end"/>
		<boundaryEvent id="caught" attachedToRef="work"><errorEventDefinition errorRef="FULL"/></boundaryEvent><sequenceFlow id="c" sourceRef="caught" targetRef="rescued"/><endEvent id="rescued"/>`, ""))
	require.NoError(t, err)
	o := outside{t, c, "judged"}
	for name, end := range map[string]func(*polled){
		"by the model": func(p *polled) {
			p.answer(contract.ExternalResult{Worker: "bob", Leases: []contract.Lease{lease(2, "bob")}, Failure: &contract.ExternalFailure{Message: "so", Details: "disk full", Retries: new(1)}})
		},
		"by the worker": func(p *polled) {
			p.throw("FULL", contract.ExternalResult{Worker: "bob", Leases: []contract.Lease{lease(2, "bob")}})
		},
		"a service error": func(p *polled) {
			p.answer(contract.ExternalResult{Worker: "bob", Leases: []contract.Lease{lease(2, "bob")}, Failure: &contract.ExternalFailure{Code: "FULL", Message: "so", Catchable: true, Retries: new(0)}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			o.T = t
			id, _, err := c.Start(t.Context(), client.StartOptions{Key: "judged"})
			require.NoError(t, err)
			p := o.poll()
			require.True(t, p.Judged)
			p.answer(contract.ExternalResult{Worker: "ann", Leases: []contract.Lease{lease(1, "ann")}, Failure: &contract.ExternalFailure{Message: "no", Details: "network", Retries: new(2)}})
			end(o.poll())
			result, err := c.Wait(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []string{"start", "caught", "rescued"}, result.Path)
			locks := only(recordedBy(t, c, id), events.ExternalTaskLocked, events.ExternalTaskFailed)
			require.Len(t, locks, 3)
			require.Equal(t, []string{"ann", "bob", "bob"}, []string{locks[0].WorkerID, locks[1].WorkerID, locks[2].WorkerID})
			require.Equal(t, []string{"FULL", "so"}, []string{locks[2].ErrorCode, locks[2].Error})
		})
	}
}

// A long instance goes on in a new run, and its external task with it: what the process knows of it comes along.
func TestExternalTaskOfALongInstance(t *testing.T) {
	c := startWorkerOn(t, connectTo(t, "limit.historyCount.suggestContinueAsNew=40"), &desk{answer: answers(map[string]any{"said": "hello"})})
	_, err := c.Deploy(t.Context(), define(t, "long", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="split"/>
		<parallelGateway id="split"/><sequenceFlow id="b" sourceRef="split" targetRef="work"/><sequenceFlow id="c" sourceRef="split" targetRef="wait"/>
		<serviceTask id="work" activiti:type="external" activiti:topic="long"/><sequenceFlow id="d" sourceRef="work" targetRef="end"/><endEvent id="end"/>
		<receiveTask id="wait" messageRef="m"/><sequenceFlow id="f" sourceRef="wait" targetRef="more"/>
		<exclusiveGateway id="more" default="h"/><sequenceFlow id="h" sourceRef="more" targetRef="wait"/>
		<sequenceFlow id="i" sourceRef="more" targetRef="end"><conditionExpression>${last}</conditionExpression></sequenceFlow>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "long", BusinessKey: "K"})
	require.NoError(t, err)
	run := currentRun(t, c, id)
	o := outside{t, c, "long"}
	first := o.poll()
	first.answer(contract.ExternalResult{Worker: "ann", Leases: []contract.Lease{lease(1, "ann")}, Failure: &contract.ExternalFailure{Message: "no luck", Retries: new(2), Set: false, Priority: new(7)}})
	n := 0
	require.Eventually(t, func() bool {
		n++
		_, err := c.Publish(t.Context(), contract.Message{ID: fmt.Sprint(n), Name: "long-news", Key: "K", TTL: time.Hour, Variables: map[string]any{"last": false}})
		return err == nil && currentRun(t, c, id) != run
	}, 60*time.Second, 20*time.Millisecond)
	p := o.poll()
	require.Equal(t, []any{first.id, first.Created, 7, 1, "no luck", 2}, []any{p.id, p.Created, p.Priority, p.Leases, p.Failed.Message, *p.Failed.Retries})
	p.answer(contract.ExternalResult{Worker: "bob"})
	_, err = c.Publish(t.Context(), contract.Message{ID: "last", Name: "long-news", Key: "K", TTL: time.Hour, Variables: map[string]any{"last": true}})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
}
