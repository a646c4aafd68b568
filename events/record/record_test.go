package record_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	temporaltest "go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/record"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// reader sees what the test environment, which has no history, is given to record.
type reader struct {
	converter.DataConverter
	all []events.Event
}

func (r *reader) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	for _, v := range values {
		if packed, ok := v.([]byte); ok {
			if b, err := events.Decode(packed); err == nil {
				r.all = append(r.all, b.Events...)
			}
		}
	}
	return r.DataConverter.ToPayloads(values...)
}

func runOrder() []events.Event {
	var suite temporaltest.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	r := &reader{DataConverter: converter.GetDefaultDataConverter()}
	env.SetDataConverter(r)
	env.RegisterActivity(Reserve)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("approved", "carla") }, time.Hour)
	env.ExecuteWorkflow(Order, "4711", 12.5)
	return r.all
}

// Rounds goes on in new runs, and fails in the last.
func Rounds(ctx workflow.Context, round int, earlier *record.State) (err error) {
	r, err := record.Start(ctx, record.Process{Variables: map[string]any{"text": "a"}, Earlier: earlier})
	if err != nil {
		return err
	}
	a := r.Activity(ctx, "round", "", "scriptTask")
	r.Variable(ctx, "round", round)
	r.Variable(ctx, "list", []int{1, 2})
	if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
		return err
	}
	a.End(ctx, nil)
	if round < 3 {
		return workflow.NewContinueAsNewError(ctx, Rounds, round+1, r.Continue(ctx))
	}
	r.Remove(ctx, "text")
	err = errors.New("three rounds are enough")
	return errors.Join(err, r.End(ctx, err))
}

// On a real server: the events are in the history, one marker a workflow task, lists find the workflow, and it replays.
func TestOnServer(t *testing.T) {
	c := server.Client(t)
	own := client.New(c)
	require.NoError(t, own.EnsureSearchAttributes(t.Context(), "default"))
	w := worker.New(c, "orders", worker.Options{})
	w.RegisterWorkflow(Order)
	w.RegisterWorkflow(Rounds)
	w.RegisterActivity(Reserve)
	require.NoError(t, w.Start())
	defer w.Stop()

	run, err := c.ExecuteWorkflow(t.Context(), temporal.StartWorkflowOptions{ID: "order/4711", TaskQueue: "orders"}, Order, "4711", 12.5)
	require.NoError(t, err)
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "approved", "carla"))
	require.NoError(t, run.Get(t.Context(), nil))
	rounds, err := c.ExecuteWorkflow(t.Context(), temporal.StartWorkflowOptions{ID: "rounds/1", TaskQueue: "orders"}, Rounds, 1, nil)
	require.NoError(t, err)
	require.ErrorContains(t, rounds.Get(t.Context(), nil), "three rounds are enough")

	checked := map[string]bool{}
	require.Eventually(t, func() bool {
		require.NoError(t, testsuite.CheckEvents(t.Context(), own, checked))
		return checked[run.GetRunID()]
	}, 10*time.Second, 50*time.Millisecond)

	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(Order)
	replayer.RegisterWorkflow(Rounds)
	var all []string
	require.Eventually(t, func() bool {
		page, err := c.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WaybillState IS NOT NULL AND WorkflowId = 'rounds/1'"})
		require.NoError(t, err)
		if len(page.GetExecutions()) < 3 {
			return false
		}
		all = nil
		for i := range page.GetExecutions() {
			e := page.GetExecutions()[len(page.GetExecutions())-1-i].GetExecution()
			h, err := own.History(t.Context(), e.GetWorkflowId(), e.GetRunId())
			require.NoError(t, err)
			require.NoError(t, replayer.ReplayWorkflowHistory(nil, h))
			batches, _, err := testsuite.Batches(h)
			require.NoError(t, err)
			for _, b := range batches {
				for _, e := range b.Events {
					all = append(all, fmt.Sprintln(e.Sequence, e.Type, e.Ref, e.Status, e.Value))
				}
			}
		}
		return true
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, []string{
		"1 PROCESSINSTANCE_START  active <nil>\n", "2 VARIABLE_CREATED text  a\n", "3 ACTIVITY_STARTED 3 active <nil>\n",
		"4 VARIABLE_CREATED round  1\n", "5 VARIABLE_CREATED list  [1 2]\n", "6 ACTIVITY_COMPLETED 3 completed <nil>\n",
		"7 ACTIVITY_STARTED 7 active <nil>\n", "8 VARIABLE_UPDATED round  2\n", "9 VARIABLE_UPDATED list  [1 2]\n", "10 ACTIVITY_COMPLETED 7 completed <nil>\n",
		"11 ACTIVITY_STARTED 11 active <nil>\n", "12 VARIABLE_UPDATED round  3\n", "13 VARIABLE_UPDATED list  [1 2]\n", "14 ACTIVITY_COMPLETED 11 completed <nil>\n",
		"15 VARIABLE_DELETED text  <nil>\n", "16 PROCESSINSTANCE_END  failed <nil>\n",
	}, all)
	last, err := own.History(t.Context(), "rounds/1", "")
	require.NoError(t, err)
	require.NoError(t, replayer.ReplayWorkflowHistory(nil, last))
}

func TestMoved(t *testing.T) {
	var suite temporaltest.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	var told []bool
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		self := workflow.GetInfo(ctx).WorkflowExecution
		r, err := record.Start(ctx, record.Process{Moved: func(id, run string, ended bool) {
			require.Equal(t, self, workflow.Execution{ID: id, RunID: run})
			told = append(told, ended)
		}})
		if err != nil {
			return err
		}
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		r.Variable(ctx, "n", 1)
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		return r.End(ctx, nil)
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []bool{false, false, true}, told)
}
