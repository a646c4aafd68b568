package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
)

// waiter is a call that waits for an answer.
type waiter struct {
	workflow    string // its type
	kind, queue string // type and task queue of the activity
	between     bool   // no attempt runs
}

// find finds the call at an address; nil when there is none that a connector may answer.
func (b *Bridge) find(ctx context.Context, a address) (*waiter, error) {
	look := b.inWorkflow
	if a.workflow == "" {
		look = b.alone
	}
	w, err := look(ctx, a)
	var gone *serviceerror.NotFound
	var invalid *serviceerror.InvalidArgument // an id that Temporal cannot even be asked for
	switch {
	case errors.As(err, &gone), errors.As(err, &invalid):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for the call that an answer is for: %w", err)
	case w == nil, strings.HasPrefix(w.workflow, "waybill/"), !serves(w.queue, w.kind):
		return nil, nil
	}
	return w, nil
}

func (b *Bridge) inWorkflow(ctx context.Context, a address) (*waiter, error) {
	d, err := b.client.DescribeWorkflowExecution(ctx, a.workflow, a.run)
	if err != nil {
		return nil, err
	}
	for _, p := range d.GetPendingActivities() {
		if p.GetActivityId() == a.activity {
			return &waiter{
				workflow: d.GetWorkflowExecutionInfo().GetType().GetName(), kind: p.GetActivityType().GetName(),
				queue: p.GetActivityOptions().GetTaskQueue().GetName(), between: p.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED,
			}, nil
		}
	}
	return nil, nil
}

func (b *Bridge) alone(ctx context.Context, a address) (*waiter, error) {
	d, err := b.client.GetActivityHandle(temporal.GetActivityHandleOptions{ActivityID: a.activity, RunID: a.run}).Describe(ctx, temporal.DescribeActivityOptions{})
	if err != nil || d.Status != enums.ACTIVITY_EXECUTION_STATUS_RUNNING {
		return nil, err
	}
	return &waiter{kind: d.ActivityType, queue: d.TaskQueue, between: d.RunState == enums.PENDING_ACTIVITY_STATE_SCHEDULED}, nil
}

func (b *Bridge) complete(ctx context.Context, a address, w waiter, result contract.ConnectorResult, failed error) error {
	if a.workflow == "" {
		return b.client.CompleteActivityByActivityIDWithOptions(ctx, temporal.CompleteActivityByActivityIDOptions{
			Namespace: b.namespace, ActivityID: a.activity, ActivityRunID: a.run, ActivityType: w.kind, TaskQueue: w.queue, Result: result, Err: failed,
		})
	}
	return b.client.CompleteActivityByIDWithOptions(ctx, temporal.CompleteActivityByIDOptions{
		Namespace: b.namespace, WorkflowID: a.workflow, RunID: a.run, ActivityID: a.activity, ActivityType: w.kind, WorkflowType: w.workflow, TaskQueue: w.queue,
		Result: result, Err: failed,
	})
}

// serves tells whether a type of activities is of connectors that a bridge may complete. Bridges that share a queue of answers may serve
// different connectors, so any connector with a task queue of its own counts.
func serves(queue, kind string) bool {
	for i := len(kind); i > 0; i = strings.LastIndexByte(kind[:i], '.') {
		if queue == contract.CustomConnectorQueue(kind[:i]) {
			return true
		}
	}
	return false
}
