package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// maxLogTasks bounds the tasks of an instance whose histories are read for its log.
const maxLogTasks = 10_000

// EventLog are the events of an instance, the oldest first, as the histories of its runs and of its tasks have them. What Temporal no longer keeps is
// missing; tasks are found through the visibility store, which is some moments behind.
func (c *Client) EventLog(ctx context.Context, instance string) ([]events.Document, error) {
	var log []events.Document
	for run := ""; ; {
		before, err := c.readLog(ctx, instance, run, &log)
		if run != "" && errors.Is(err, ErrNotFound) {
			break // an earlier run, which is kept no longer
		}
		if err != nil {
			return nil, err
		}
		if run = before; run == "" {
			break
		}
	}
	var tasks []*execution
	err := c.visit(ctx, contract.InstanceAttribute+" = "+Literal(instance), maxLogTasks, func(e *execution) bool {
		tasks = append(tasks, e)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list the tasks of instance %q: %w", instance, err)
	}
	for _, e := range tasks {
		if _, err := c.readLog(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId(), &log); err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	slices.SortStableFunc(log, func(a, b events.Document) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Revision, b.Revision))
	})
	return log, nil
}

// readLog adds the events of a run, and returns the run that it follows; "" for none.
func (c *Client) readLog(ctx context.Context, id, run string, log *[]events.Document) (before string, err error) {
	h, err := c.History(ctx, id, run)
	if err != nil {
		return "", err
	}
	var end marker.Close
	closed, own := false, false
	for _, e := range h.GetEvents() {
		end, closed = marker.Closed(e)
		if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			before = started.GetContinuedExecutionRunId()
		}
		batch, ok, err := marker.Read(e, converter.GetDefaultDataConverter())
		if err != nil {
			return "", fmt.Errorf("read the events of %q: %w", id, err)
		}
		if ok {
			own = own || batch.Instance == id
			*log = append(*log, batch.Documents()...)
		}
	}
	if !closed || end.Status == events.Completed && !own {
		return before, nil
	}
	batch, ok, err := c.Closing(ctx, id, run, end, converter.GetDefaultDataConverter())
	if ok {
		*log = append(*log, batch.Documents()...)
	}
	return before, err
}
