package client

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// Closing makes the events that an execution could not record, because it was terminated, failed, or ran into a timeout: those that end what it
// left open, an instance with all that belongs to it, or a task. how is what its last event tells. They follow from what Temporal keeps of the
// execution and of the runs that it continues, which are read to their beginning; run "" is the latest; false: there are none, or it was reset and goes on.
func (c *Client) Closing(ctx context.Context, id, run string, how marker.Close, from converter.DataConverter) (b events.Batch, ok bool, err error) {
	if goesOn, err := c.goesOn(ctx, id, run); err != nil || goesOn {
		return b, false, err
	}
	closing := &marker.Closing{ID: id}
	for at, first := run, true; first || at != ""; first = false {
		earlier := ""
		err := c.visitHistory(ctx, id, at, func(e *history.HistoryEvent) {
			if s := e.GetWorkflowExecutionStartedEventAttributes(); s != nil {
				earlier = s.GetContinuedExecutionRunId()
				opened(s, from, closing)
			}
			if b, ok, err := marker.Read(e, from); ok && err == nil { // what cannot be read is told of where it is indexed
				closing.Add(b)
			}
		})
		if !first && errors.Is(err, ErrNotFound) {
			break // Temporal keeps it no longer
		}
		if err != nil {
			return b, false, err
		}
		at = earlier
	}
	for _, task := range closing.OpenTasks() { // who has them the tasks know
		err := c.visitHistory(ctx, task, "", func(e *history.HistoryEvent) {
			if b, ok, err := marker.Read(e, from); ok && err == nil && b.Instance == id {
				closing.Add(assignments(b))
			}
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return b, false, err
		}
	}
	b, ok = closing.Batch(how)
	return b, ok, nil
}

// assignments are what a task records while it is open.
func assignments(b events.Batch) events.Batch {
	var of []events.Event
	for _, e := range b.Events {
		if e.Type == events.TaskAssigned {
			of = append(of, e)
		}
	}
	b.Events = of
	return b
}

// goesOn tells whether a run that is closed was reset. A server that does not say so of the run shows by its latest run, which began with the same.
func (c *Client) goesOn(ctx context.Context, id, run string) (bool, error) {
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, id, run)
	if err != nil {
		return false, fmt.Errorf("describe %q, run %s: %w", id, run, readable(err))
	}
	if d.GetWorkflowExtendedInfo().GetResetRunId() != "" {
		return true, nil
	}
	first, run := d.GetWorkflowExecutionInfo().GetFirstRunId(), d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	d, err = c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err = readable(err); errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe %q: %w", id, err)
	}
	latest := d.GetWorkflowExecutionInfo()
	return first != "" && latest.GetFirstRunId() == first && latest.GetExecution().GetRunId() != run, nil
}

// visitHistory has each event of a run seen, the oldest first; run "" is the latest.
func (c *Client) visitHistory(ctx context.Context, id, run string, see func(*history.HistoryEvent)) error {
	for events := c.Temporal.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		if err != nil {
			return fmt.Errorf("read the history of %q, run %s: %w", id, run, readable(err))
		}
		see(e)
	}
	return nil
}

// opened adds what a task was opened with, which its process has recorded.
func opened(s *history.WorkflowExecutionStartedEventAttributes, from converter.DataConverter, closing *marker.Closing) {
	if s.GetWorkflowType().GetName() != contract.TaskWorkflow {
		return
	}
	var in contract.TaskInput
	if from.FromPayloads(s.GetInput(), &in) == nil && in.Record != nil {
		closing.Add(*in.Record)
	}
}
