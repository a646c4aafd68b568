package record_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/record"
)

// Forgetful leaves an activity and a task open, in the run before its last, and records no end.
func Forgetful(ctx workflow.Context, how string, earlier *record.State) error {
	r, err := record.Start(ctx, record.Process{Key: "forgetful", Initiator: "ann", Earlier: earlier})
	if err != nil {
		return err
	}
	if earlier == nil && how != "retried" {
		r.Activity(ctx, "done", "", "").End(ctx, nil)
		r.Activity(ctx, "left", "", "")
		r.Task(ctx, record.Task{Key: "approve"}).Assign(ctx, "bob")
		return workflow.NewContinueAsNewError(ctx, Forgetful, how, r.Continue(ctx))
	}
	switch how {
	case "retried":
		r.Activity(ctx, "left", "", "")
		_ = workflow.Sleep(ctx, 10*time.Millisecond)
		return errors.New("no paper")
	case "failed":
		return errors.New("no paper")
	}
	return workflow.Sleep(ctx, time.Hour)
}

// A workflow that ends without recording it is closed with all that it and its earlier runs have left open.
func TestClosing(t *testing.T) {
	c := server.Client(t)
	own := client.New(c)
	require.NoError(t, own.EnsureSearchAttributes(t.Context(), "default"))
	w := worker.New(c, "forgetful", worker.Options{})
	w.RegisterWorkflow(Forgetful)
	require.NoError(t, w.Start())
	defer w.Stop()
	for _, test := range []struct {
		how    string
		status events.Status
		reason string
		begin  func(id string)
	}{
		{"failed", events.Failed, "the workflow failed: no paper", nil},
		{"cancelled", events.Cancelled, "the workflow was cancelled", func(id string) { require.NoError(t, c.CancelWorkflow(t.Context(), id, "")) }},
		{"terminated", events.Cancelled, "the workflow was terminated: enough", func(id string) { require.NoError(t, c.TerminateWorkflow(t.Context(), id, "", "enough")) }},
		{"timed out", events.Failed, "the workflow ran into its timeout", nil},
		{"retried", events.Failed, "the workflow failed: no paper", nil},
	} {
		t.Run(test.how, func(t *testing.T) {
			options := temporal.StartWorkflowOptions{ID: "forgetful/" + test.how, TaskQueue: "forgetful"}
			switch test.how {
			case "timed out":
				options.WorkflowRunTimeout = time.Second
			case "retried":
				options.RetryPolicy = &sdk.RetryPolicy{InitialInterval: time.Millisecond, MaximumAttempts: 2}
			}
			run, err := c.ExecuteWorkflow(t.Context(), options, Forgetful, test.how, nil)
			require.NoError(t, err)
			if test.begin != nil {
				require.Eventually(t, func() bool {
					d, err := c.DescribeWorkflowExecution(t.Context(), options.ID, "")
					var missing *serviceerror.NotFound
					require.False(t, errors.As(err, &missing))
					return err == nil && d.GetWorkflowExecutionInfo().GetExecution().GetRunId() != run.GetRunID()
				}, 10*time.Second, 10*time.Millisecond, "it has gone on")
				test.begin(options.ID)
			}
			_ = c.GetWorkflow(t.Context(), options.ID, "").Get(t.Context(), nil)
			log, err := own.EventLog(t.Context(), options.ID)
			require.NoError(t, err)
			latest, ends := map[string]events.Document{}, 0
			sequences := map[int64]bool{}
			for _, d := range log {
				if d.Type == events.ProcessEnded {
					ends++
				}
				if test.how != "retried" { // whose second try begins anew
					require.False(t, sequences[d.Sequence], "%d twice", d.Sequence)
					sequences[d.Sequence] = true
				}
				if have, known := latest[d.ID()]; !known || have.Version() < d.Version() {
					latest[d.ID()] = d
				}
			}
			require.Equal(t, 1, ends, "a run that another one follows is no end")
			end := latest[options.ID]
			require.Equal(t, test.status, end.Status)
			require.Equal(t, test.reason, end.Error)
			require.Equal(t, "ann", end.UserID)
			for id, d := range latest {
				require.NotEqual(t, events.Active, d.Status, id)
				if d.ActivityID == "left" {
					require.Equal(t, events.ActivityCancelled, d.Type)
				}
				if d.Kind == events.KindTask {
					require.Equal(t, events.TaskCancelled, d.Type)
					require.Equal(t, "bob", d.Assignee)
				}
			}
		})
	}
}
