package external_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/testsuite"
)

// told are the events of the external task of an instance.
func (p *place) told(instance string) (told []events.Event) {
	p.t.Helper()
	h, err := p.History(p.t.Context(), instance, "")
	require.NoError(p.t, err)
	batches, _, err := testsuite.Batches(h)
	require.NoError(p.t, err)
	for _, b := range batches {
		for _, e := range b.Events {
			if e.Type.Kind() == events.KindExternalTask {
				told = append(told, e)
			}
		}
	}
	return told
}

func types(told []events.Event) (types []events.Type) {
	for _, e := range told {
		types = append(types, e.Type)
	}
	return types
}

// The process hears of every lock when the task is answered.
func TestLeasesAreTold(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	first := p.fetch("ann", 300*time.Millisecond)
	second := p.fetch("bob", time.Minute)
	require.NoError(t, p.Extend(t.Context(), second.ID, by("bob"), time.Hour))
	require.NoError(t, p.Fail(t.Context(), second.ID, by("bob"), external.Failure{Message: "no luck", Retries: 1}))
	third := p.fetch("cay", time.Minute)
	require.NoError(t, p.Unlock(t.Context(), third.ID, external.Scope{}))
	p.fetch("dan", time.Minute)
	require.NoError(t, p.Complete(t.Context(), first.ID, by("dan"), external.Result{}))
	p.Ended(instance)
	told := p.told(instance)
	locked := events.ExternalTaskLocked
	require.Equal(t, []events.Type{events.ExternalTaskCreated, locked, locked, locked, locked, events.ExternalTaskEnded}, types(told))
	for i, worker := range []string{"ann", "bob", "cay", "dan"} {
		e := told[1+i]
		require.Equal(t, []any{worker, i + 1}, []any{e.WorkerID, e.Attempts})
		require.WithinDuration(t, time.Now(), e.Claimed, time.Minute)
		require.Equal(t, worker == "bob", e.LockedUntil.Sub(e.Claimed) >= time.Hour, "as it was extended")
	}
	require.Equal(t, []any{"dan", told[4].Claimed}, []any{told[5].WorkerID, told[5].Claimed})
}

// So it does when the answer is a BPMN error, a failure for good, or one that comes late.
func TestLeasesOfErrors(t *testing.T) {
	p := startPlace(t)
	instance := p.begin()
	task := p.fetch("ann", time.Minute)
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), external.Failure{Message: "never", Details: "a trace"}))
	i := p.Incident(instance)
	require.Equal(t, []string{"a trace", "ann", p.topic}, []string{i.Details, i.Worker, i.Topic})
	require.NoError(t, p.retry(instance, i.ID, 3))
	task = p.fetch("bob", 300*time.Millisecond)
	require.Equal(t, []any{3, "never", "a trace"}, []any{*task.Retries, task.ErrorMessage, task.ErrorDetails})
	require.Eventually(t, func() bool { return time.Now().After(task.Until.Add(200 * time.Millisecond)) }, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, p.Fail(t.Context(), task.ID, by("bob"), external.Failure{Message: "late", Retries: 2}))
	task = p.fetch("cay", time.Minute)
	require.NoError(t, p.BPMNError(t.Context(), task.ID, by("cay"), "BAD", "so", nil))
	p.Ended(instance)
	told := p.told(instance)
	locked, failed, created := events.ExternalTaskLocked, events.ExternalTaskFailed, events.ExternalTaskCreated
	require.Equal(t, []events.Type{created, locked, failed, created, locked, locked, failed}, types(told))
	for i, worker := range map[int]string{1: "ann", 2: "ann", 4: "bob", 5: "cay", 6: "cay"} {
		require.Equal(t, worker, told[i].WorkerID)
	}
	require.Equal(t, []int{1, 2, 3}, []int{told[1].Attempts, told[4].Attempts, told[5].Attempts})
	require.Equal(t, []string{"BAD", "so"}, []string{told[6].ErrorCode, told[6].Error})
}

// A failure that the model may take for an error, and one with variables, is told to the process. Else the task is offered again, when it is time.
func TestFailuresThatTheProcessHearsOf(t *testing.T) {
	p := startPlace(t)
	key := p.deploy(`<startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="work"/>
	<serviceTask id="work" camunda:type="external" camunda:topic="` + p.topic + `"><extensionElements>
	<camunda:errorEventDefinition errorRef="err" expression="${externalTask.getErrorDetails().contains('disk full')}"/></extensionElements></serviceTask>
	<sequenceFlow id="b" sourceRef="work" targetRef="e"/><endEvent id="e"/>
	<boundaryEvent id="bad" attachedToRef="work"><errorEventDefinition errorRef="err"/></boundaryEvent><sequenceFlow id="c" sourceRef="bad" targetRef="rescued"/><endEvent id="rescued"/>`)
	instance := p.Begin(client.StartOptions{Key: key})
	task := p.fetch("ann", time.Minute)
	failed := time.Now()
	fail := external.Failure{Message: "no luck", Details: "a trace", Retries: 5, After: 500 * time.Millisecond, Result: external.Result{Variables: map[string]any{"seen": true}}}
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), fail))
	again := p.fetch("bob", time.Minute)
	require.GreaterOrEqual(t, time.Since(failed), fail.After, "not before its time")
	require.Equal(t, []any{task.ID, 5, "no luck", "a trace", true}, []any{again.ID, *again.Retries, again.ErrorMessage, again.ErrorDetails, again.Variables["seen"]})
	require.Equal(t, task.Created, again.Created)
	refusedTo(t, p.Complete(t.Context(), task.ID, by("ann"), external.Result{}), "bob")
	require.NoError(t, p.Fail(t.Context(), task.ID, by("bob"), external.Failure{Message: "no luck", Details: "disk full", Retries: 5}))
	require.Equal(t, []string{"s", "bad", "rescued"}, p.Ended(instance).Path)

	// Without such a definition it is for the variables alone.
	instance = p.begin()
	task = p.fetch("ann", time.Minute)
	require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), fail))
	again = p.fetch("bob", time.Minute)
	require.Equal(t, true, again.Variables["seen"])
	require.NoError(t, p.Complete(t.Context(), task.ID, by("bob"), external.Result{}))
	require.Equal(t, true, p.Ended(instance).Variables["seen"])
}

// A service error of process-engine is caught, or an incident.
func TestServiceErrors(t *testing.T) {
	p := startPlace(t)
	for code, caught := range map[string]bool{"BAD": true, "OTHER": false, "": false} {
		instance := p.begin()
		task := p.fetch("ann", time.Minute)
		require.NoError(t, p.Fail(t.Context(), task.ID, by("ann"), external.Failure{Message: "so", Details: "why", Code: code, Catchable: true}))
		if caught {
			require.Equal(t, []string{"s", "bad", "rescued"}, p.Ended(instance).Path)
			continue
		}
		i := p.Incident(instance)
		require.Equal(t, []string{code, "so", "why"}, []string{i.Code, i.Message, i.Details})
		require.NoError(t, p.Cancel(t.Context(), instance))
	}
}

// Retries and a priority that somebody has set reach who fetches the task next, also where it has never failed.
func TestRetriesAndPriorityAreSet(t *testing.T) {
	p := startPlace(t)
	p.begin()
	task := p.fetch("ann", time.Minute)
	set := contract.ExternalResult{Failure: &contract.ExternalFailure{Set: true, Retries: new(4), Priority: new(7)}}
	require.NoError(t, p.Temporal.CompleteActivityByID(t.Context(), "default", task.Context.ProcessInstanceID, "", contract.ExternalTaskID(2), set, nil))
	again := p.fetch("bob", time.Minute)
	require.Equal(t, []any{task.ID, 4, 7, ""}, []any{again.ID, *again.Retries, again.Priority, again.ErrorMessage})
	set.Failure.Retries, set.Failure.Priority = nil, new(-3)
	require.NoError(t, p.Temporal.CompleteActivityByID(t.Context(), "default", task.Context.ProcessInstanceID, "", contract.ExternalTaskID(2), set, nil))
	again = p.fetch("cay", time.Minute)
	require.Equal(t, []any{task.ID, 4, -3}, []any{again.ID, *again.Retries, again.Priority}, "retries that nobody has said stay")
	require.NoError(t, p.Complete(t.Context(), task.ID, by("cay"), external.Result{}))
	p.Ended(task.Context.ProcessInstanceID)
}
