package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
)

// fakeTemporal is a Temporal server with workers that give prepared answers and note what they were told.
type fakeTemporal struct {
	temporal.Client

	answers map[string]any // by "ID QUERY" or "ID UPDATE"; an error is returned as such
	list    []*workflow.WorkflowExecutionInfo
	result  func(ctx context.Context) (any, error) // of a workflow that is waited for
	pending []*workflow.PendingActivityInfo
	closed  bool // the workflow that is described
	events  []*history.HistoryEvent

	queries []string // visibility
	told    []string // starts and updates, each with its argument
}

func (f *fakeTemporal) dial(context.Context, string, string) (temporal.Client, error) { return f, nil }

func (f *fakeTemporal) Close() {}

func (f *fakeTemporal) answer(id, name string) (*common.Payloads, error) {
	answer, ok := f.answers[id+" "+name]
	if !ok {
		return nil, serviceerror.NewNotFound("workflow not found for ID: " + id)
	}
	if next, ok := answer.(func() any); ok {
		answer = next()
	}
	if err, failed := answer.(error); failed {
		return nil, err
	}
	return converter.GetDefaultDataConverter().ToPayloads(answer)
}

func (f *fakeTemporal) note(args ...any) {
	text := ""
	for _, arg := range args {
		if s, ok := arg.(string); ok {
			text += s + " "
			continue
		}
		data, err := json.Marshal(arg)
		if err != nil {
			data = []byte(err.Error())
		}
		text += string(data) + " "
	}
	f.told = append(f.told, text[:len(text)-1])
}

func (f *fakeTemporal) QueryWorkflow(ctx context.Context, id, _, name string, _ ...any) (converter.EncodedValue, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := f.answer(id, name)
	if err != nil {
		return nil, err
	}
	return temporal.NewValue(p), nil
}

func (f *fakeTemporal) UpdateWorkflow(_ context.Context, o temporal.UpdateWorkflowOptions) (temporal.WorkflowUpdateHandle, error) {
	f.note(slices.Concat([]any{o.WorkflowID, o.UpdateName}, o.Args)...)
	p, err := f.answer(o.WorkflowID, o.UpdateName)
	return &fakeUpdate{p: p}, err
}

func (f *fakeTemporal) NewWithStartWorkflowOperation(temporal.StartWorkflowOptions, any, ...any) temporal.WithStartWorkflowOperation {
	return nil
}

func (f *fakeTemporal) UpdateWithStartWorkflow(ctx context.Context, o temporal.UpdateWithStartWorkflowOptions) (temporal.WorkflowUpdateHandle, error) {
	return f.UpdateWorkflow(ctx, o.UpdateOptions)
}

func (f *fakeTemporal) ExecuteWorkflow(_ context.Context, o temporal.StartWorkflowOptions, kind any, args ...any) (temporal.WorkflowRun, error) {
	f.note("start", o.ID, kind, args[0].(contract.ProcessInput).Variables)
	if answer, ok := f.answers[o.ID+" start"]; ok {
		return nil, answer.(error)
	}
	return &fakeRun{f: f}, nil
}

func (f *fakeTemporal) GetWorkflow(context.Context, string, string) temporal.WorkflowRun {
	return &fakeRun{f: f}
}

func (f *fakeTemporal) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	f.queries = append(f.queries, r.GetQuery())
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: f.list}, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	status := enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if f.closed {
		status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status},
		PendingActivities:     f.pending,
	}, nil
}

func (f *fakeTemporal) GetWorkflowHistory(context.Context, string, string, bool, enums.HistoryEventFilterType) temporal.HistoryEventIterator {
	return &fakeEvents{events: f.events}
}

func (f *fakeTemporal) ExecuteActivity(_ context.Context, _ temporal.StartActivityOptions, activity any, args ...any) (temporal.ActivityHandle, error) {
	f.note(append([]any{activity}, args...)...)
	p, known := f.answers[activity.(string)]
	if !known {
		return nil, serviceerror.NewUnavailable("no answer to " + activity.(string))
	}
	answer, err := converter.GetDefaultDataConverter().ToPayloads(p)
	return &fakeActivity{p: answer}, err
}

type fakeActivity struct {
	temporal.ActivityHandle
	p *common.Payloads
}

func (a *fakeActivity) Get(_ context.Context, result any) error {
	if result == nil {
		return nil
	}
	return temporal.NewValue(a.p).Get(result)
}

func (f *fakeTemporal) ScheduleClient() temporal.ScheduleClient { return noSchedules{} }

// noSchedules has none.
type noSchedules struct{ temporal.ScheduleClient }

func (noSchedules) GetHandle(context.Context, string) temporal.ScheduleHandle { return noSchedule{} }

type noSchedule struct{ temporal.ScheduleHandle }

func (noSchedule) Describe(context.Context) (*temporal.ScheduleDescription, error) {
	return nil, serviceerror.NewNotFound("schedule not found")
}

type fakeUpdate struct {
	temporal.WorkflowUpdateHandle
	p *common.Payloads
}

func (u *fakeUpdate) Get(_ context.Context, result any) error {
	if result == nil {
		return nil
	}
	return temporal.NewValue(u.p).Get(result)
}

type fakeRun struct {
	temporal.WorkflowRun
	f *fakeTemporal
}

func (r *fakeRun) GetRunID() string { return "run" }

func (r *fakeRun) Get(ctx context.Context, result any) error {
	value, err := r.f.result(ctx)
	if err != nil {
		return err
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		return err
	}
	return temporal.NewValue(p).Get(result)
}

type fakeEvents struct{ events []*history.HistoryEvent }

func (e *fakeEvents) HasNext() bool { return len(e.events) > 0 }

func (e *fakeEvents) Next() (*history.HistoryEvent, error) {
	if len(e.events) == 0 {
		return nil, fmt.Errorf("no more events")
	}
	next := e.events[0]
	e.events = e.events[1:]
	return next, nil
}

func payload(t *testing.T, value any) *common.Payload {
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	require.NoError(t, err)
	return p
}

var (
	_ temporal.Client               = (*fakeTemporal)(nil)
	_ temporal.HistoryEventIterator = (*fakeEvents)(nil)
)
