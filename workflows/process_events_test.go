package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/app"
	"github.com/waybill-io/waybill/workflows"
)

const scriptsAndCall = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="one"/>
	<scriptTask id="one" scriptFormat="javascript" activiti:resultVariable="n"><script>1</script></scriptTask><sequenceFlow id="b" sourceRef="one" targetRef="two"/>
	<scriptTask id="two" scriptFormat="javascript" activiti:resultVariable="n"><script>n + 1</script></scriptTask><sequenceFlow id="c" sourceRef="two" targetRef="say"/>
	<serviceTask id="say" implementation="desk.CALL"/><sequenceFlow id="d" sourceRef="say" targetRef="end"/><endEvent id="end"/>`

// notes are what a worker hears of executions that moved.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) moved(id, run string, ended bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, fmt.Sprintf("%s %t %t", id, run != "", ended))
}

func (n *notes) of(id string) (list []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range n.list {
		if text == id+" true true" || text == id+" true false" {
			list = append(list, text)
		}
	}
	return list
}

// Scripts are in the workflow task that begins them: all that happens before the call is one marker, and all after it another.
func TestEventsOfAWorkflowTaskAreOneMarker(t *testing.T) {
	var notes notes
	c := startApp(t, app.Options{
		Temporal: server.Client(t), Connectors: []connectors.Connector{&desk{answer: answers(map[string]any{"said": "hello"})}},
		Recording: workflows.Recording{Moved: notes.moved},
	})
	d := define(t, "recorded", scriptsAndCall, declared)
	d.Tenant = "acme"
	_, err := c.Deploy(t.Context(), d)
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "recorded", BusinessKey: "K-7"})
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	h, err := c.History(t.Context(), id, "")
	require.NoError(t, err)
	list, _, err := testsuite.Batches(h)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, events.Process{
		Instance: id, Key: "recorded", DefinitionVersion: 1, BusinessKey: "K-7", Tenant: "acme", Began: h.GetEvents()[0].GetEventTime().AsTime(),
	}, list[0].Process)
	require.Equal(t, events.ProcessStarted, list[0].Events[0].Type)
	require.Equal(t, events.IntegrationRequest, list[0].Events[len(list[0].Events)-1].Type)
	require.Equal(t, events.IntegrationResult, list[1].Events[0].Type)
	require.Equal(t, events.ProcessEnded, list[1].Events[len(list[1].Events)-1].Type)
	require.Equal(t, []string{id + " true false", id + " true true"}, notes.of(id))
}

// versions are those of the latest documents of all things, by index and id.
func versions(batches []events.Batch) map[string]int64 {
	latest := map[string]int64{}
	for _, b := range batches {
		for _, d := range b.Documents() {
			key := d.Index() + " " + d.ID()
			latest[key] = max(latest[key], d.Version())
		}
	}
	return latest
}

// An instance that ends tells all its events once more in its memo, which visibility has, in the place of its last marker.
func TestMemoTellsTheEventsOfARun(t *testing.T) {
	temporal := server.Client(t)
	d := &desk{answer: answers(map[string]any{"said": "hello"})}
	c := startWorkerOn(t, temporal, d)
	run := func(key, elements, extensions string, variables map[string]any) (of map[string]int64, memo *common.Memo, h *history.History) {
		_, err := c.Deploy(t.Context(), define(t, key, elements, extensions))
		require.NoError(t, err)
		id, _, err := c.Start(t.Context(), client.StartOptions{Key: key, Variables: variables})
		require.NoError(t, err)
		_, err = c.Wait(t.Context(), id)
		require.NoError(t, err)
		h, err = c.History(t.Context(), id, "")
		require.NoError(t, err)
		list, _, err := testsuite.Batches(h)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			page, err := temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = '%s' AND CloseTime IS NOT NULL", id)})
			if err != nil || len(page.GetExecutions()) == 0 {
				return false
			}
			memo = page.GetExecutions()[0].GetMemo()
			return true
		}, 10*time.Second, 20*time.Millisecond)
		return versions(list), memo, h
	}
	last := func(h *history.History) enums.EventType { return h.GetEvents()[len(h.GetEvents())-2].GetEventType() }

	want, memo, h := run("told", scriptsAndCall, declared, nil)
	require.Equal(t, enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, last(h))
	all, err := marker.Summary(memo, converter.GetDefaultDataConverter())
	require.NoError(t, err)
	require.Equal(t, want, versions(all))

	_, memo, h = run("shortest", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="end"/><endEvent id="end"/>`, "", nil)
	require.Equal(t, enums.EVENT_TYPE_MARKER_RECORDED, last(h), "no marker has said before that there will be a memo")
	require.NotContains(t, memo.GetFields(), marker.LastMemo)

	for _, turns := range []int{60, 2000} { // their first marker is compressed, and too much to tell twice
		_, memo, h = run(fmt.Sprint("turns-", turns), `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="turn"/>
			<serviceTask id="turn" activiti:expression="${n + 1}" activiti:resultVariable="n"/><sequenceFlow id="b" sourceRef="turn" targetRef="more"/>
			<exclusiveGateway id="more" default="c"/><sequenceFlow id="c" sourceRef="more" targetRef="turn"/>
			<sequenceFlow id="d" sourceRef="more" targetRef="say"><conditionExpression>${n >= turns}</conditionExpression></sequenceFlow>
			<serviceTask id="say" implementation="desk.CALL"/><sequenceFlow id="e" sourceRef="say" targetRef="end"/><endEvent id="end"/>`, declared,
			map[string]any{"n": 0, "turns": turns})
		all, err = marker.Summary(memo, converter.GetDefaultDataConverter())
		require.NoError(t, err)
		require.Empty(t, all, turns)
		require.Equal(t, enums.EVENT_TYPE_MARKER_RECORDED, last(h), turns)
	}

	for length, want := range map[int]enums.EventType{ // of what the last events tell
		100: enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, 1024: enums.EVENT_TYPE_MARKER_RECORDED, 3000: enums.EVENT_TYPE_MARKER_RECORDED,
	} {
		d.set(answers(map[string]any{"said": strings.Repeat("a", length)}))
		_, _, h = run(fmt.Sprintf("wide-%d", length), oneCall, declared, nil)
		require.Equal(t, want, last(h), length)
	}
}

func TestEventsTellOfTries(t *testing.T) {
	d := &desk{}
	d.answer = func(connectors.Call) (map[string]any, error) {
		if len(d.calls) == 2 {
			return map[string]any{"said": "at last"}, nil
		}
		return nil, errors.New("out of paper")
	}
	c := startWorker(t, d)
	_, err := c.Deploy(t.Context(), define(t, "tries", oneCall, declared))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "tries"})
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 2, only(recordedBy(t, c, id), events.IntegrationResult)[0].Attempts)

	d.set(func(connectors.Call) (map[string]any, error) { return nil, errors.New("out of ink") })
	id, _, err = c.Start(t.Context(), client.StartOptions{Key: "tries"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := c.Get(t.Context(), id)
		return err == nil && len(state.Incidents) == 1
	}, 10*time.Second, 20*time.Millisecond)
	failed := only(recordedBy(t, c, id), events.IntegrationError)
	require.Len(t, failed, 1)
	require.Equal(t, 2, failed[0].Attempts, "as often as its policy allows")
	require.NoError(t, c.Cancel(t.Context(), id))
}

// replays runs a history through the workflows of a worker that is set up so.
func replays(t *testing.T, c *client.Client, id string, r workflows.Recording) error {
	t.Helper()
	h, err := c.History(t.Context(), id, "")
	require.NoError(t, err)
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, &definition.Cache{}, r)
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return replayer.ReplayWorkflowHistoryWithOptions(nil, h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: id, RunID: started.GetOriginalExecutionRunId()},
	})
}

// Whether a run records is settled by the worker that begins it, and holds for every worker that replays it.
func TestRecordingCanBeOff(t *testing.T) {
	for _, off := range []bool{true, false} {
		t.Run(fmt.Sprint("off ", off), func(t *testing.T) {
			var notes notes
			c := startApp(t, app.Options{
				Temporal: server.Client(t), Connectors: []connectors.Connector{&desk{answer: answers(map[string]any{"said": "hello"})}},
				Recording: workflows.Recording{Off: off, Moved: notes.moved},
			})
			key := fmt.Sprint("quiet-", off)
			_, err := c.Deploy(t.Context(), define(t, key, scriptsAndCall, declared))
			require.NoError(t, err)
			id, _, err := c.Start(t.Context(), client.StartOptions{Key: key})
			require.NoError(t, err)
			_, err = c.Wait(t.Context(), id)
			require.NoError(t, err)
			h, err := c.History(t.Context(), id, "")
			require.NoError(t, err)
			list, _, err := testsuite.Batches(h)
			require.NoError(t, err)
			if off {
				require.Len(t, list, 1, "a marker says that there are none")
				require.Empty(t, list[0].Events)
				require.Empty(t, notes.of(id))
			} else {
				require.Len(t, list, 2)
				require.Len(t, notes.of(id), 2)
			}
			heard := len(notes.list)
			require.NoError(t, replays(t, c, id, workflows.Recording{Off: !off, Moved: notes.moved}))
			require.NoError(t, replays(t, c, id, workflows.Recording{Off: off, Moved: notes.moved}))
			require.Len(t, notes.list, heard, "a replay moves nobody")
		})
	}
}

// What a person does with a task is recorded by the task, each time with all that is known of it; its end tells who did it and since when.
func TestTaskEvents(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "reviewed", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="review"/>
		<userTask id="review" name="Review it" activiti:candidateGroups="editors" activiti:priority="70" activiti:formKey="form-1"><documentation>with care</documentation></userTask>
		<sequenceFlow id="b" sourceRef="review" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "reviewed", BusinessKey: "R-1"})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	_, err = c.ClaimTask(t.Context(), task.ID, "anna")
	require.NoError(t, err)
	_, err = c.DelegateTask(t.Context(), task.ID, "bob")
	require.NoError(t, err)
	_, err = c.ResolveTask(t.Context(), task.ID, nil)
	require.NoError(t, err)
	_, err = c.CompleteTask(t.Context(), task.ID, contract.CompleteTask{User: "anna"})
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)

	created := only(recordedBy(t, c, id), events.TaskCreated)[0]
	require.Equal(t, task.ID, created.TaskID)
	assigned := recordedBy(t, c, task.ID)
	require.Len(t, assigned, 3)
	for i, want := range []struct{ assignee, owner, by string }{{"anna", "", "anna"}, {"bob", "anna", ""}, {"anna", "anna", "bob"}} {
		e := assigned[i]
		require.Equal(t, events.TaskAssigned, e.Type)
		require.EqualValues(t, i+2, e.Revision)
		require.Equal(t, want.assignee, e.Assignee)
		require.Equal(t, want.owner, e.Owner)
		require.Equal(t, want.by, e.UserID)
		require.False(t, e.Claimed.IsZero())
		same := e
		same.Type, same.Time, same.Revision, same.Assignee, same.Owner, same.UserID, same.Claimed = created.Type, created.Time, created.Revision, "", "", "", time.Time{}
		require.Equal(t, created, same, "all that is known of the task")
	}
	completed := only(recordedBy(t, c, id), events.TaskCompleted)[0]
	require.Equal(t, "anna", completed.Assignee)
	require.Equal(t, "anna", completed.Owner)
	require.True(t, assigned[0].Claimed.Equal(completed.Claimed))
	require.EqualValues(t, events.MaxRevision, completed.Revision)
	require.Equal(t, []string{"editors"}, completed.CandidateGroups)

	h, err := c.History(t.Context(), task.ID, "")
	require.NoError(t, err)
	list, _, err := testsuite.Batches(h)
	require.NoError(t, err)
	of, err := c.History(t.Context(), id, "")
	require.NoError(t, err)
	process, _, err := testsuite.Batches(of)
	require.NoError(t, err)
	require.Equal(t, process[0].Process, list[0].Process)
}

// A task that its process takes away tells who had it, after the process, which does not know.
func TestCancelledTaskTellsWhoHadIt(t *testing.T) {
	c := startWorker(t, &desk{})
	_, err := c.Deploy(t.Context(), define(t, "withdrawn", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="review"/>
		<userTask id="review"/><sequenceFlow id="b" sourceRef="review" targetRef="end"/><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "withdrawn"})
	require.NoError(t, err)
	task := openTask(t, c, client.TaskFilter{Instance: id})
	_, err = c.ClaimTask(t.Context(), task.ID, "anna")
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), id))
	require.NoError(t, c.Temporal.GetWorkflow(t.Context(), task.ID, "").Get(t.Context(), nil))
	own, process := recordedBy(t, c, task.ID), only(recordedBy(t, c, id), events.TaskCancelled)
	require.Len(t, own, 2)
	require.Equal(t, events.TaskCancelled, own[1].Type)
	require.Equal(t, "anna", own[1].Assignee)
	require.Equal(t, events.Cancelled, own[1].Status)
	require.Greater(t, own[1].Revision, process[0].Revision)
	require.Equal(t, own[1].Ref, process[0].Ref)
}

// Many events at once become several markers, over several workflow tasks when they are too many for one; none is lost.
func TestVeryManyEventsAtOnce(t *testing.T) {
	c := startWorkerOn(t, connectTo(t), &desk{})
	_, err := c.Deploy(t.Context(), define(t, "mill", `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="turn"/>
		<serviceTask id="turn" activiti:expression="${n + 1}" activiti:resultVariable="n"/><sequenceFlow id="b" sourceRef="turn" targetRef="more"/>
		<exclusiveGateway id="more" default="c"/><sequenceFlow id="c" sourceRef="more" targetRef="turn"/>
		<sequenceFlow id="d" sourceRef="more" targetRef="end"><conditionExpression>${n >= 20000}</conditionExpression></sequenceFlow><endEvent id="end"/>`, ""))
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "mill", Variables: map[string]any{"n": 0}})
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	h, err := c.History(t.Context(), id, "")
	require.NoError(t, err)
	list, tasks, err := testsuite.Batches(h)
	require.NoError(t, err)
	require.Greater(t, len(list), 3)
	require.Len(t, slices.Compact(tasks), len(list), "one marker a workflow task")
	next := int64(1)
	for _, b := range list {
		for _, e := range b.Events {
			require.Equal(t, next, e.Sequence)
			next++
		}
	}
	t.Logf("%d events in %d markers", next-1, len(list))
}
