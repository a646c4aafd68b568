package testsuite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	waybill "github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
	"github.com/waybill-io/waybill/testsuite/eventlog"
)

// Batches are the events of a run, marker by marker and with the memo, with the workflow task of each.
func Batches(h *history.History) (all []events.Batch, tasks []int64, err error) {
	for _, e := range h.GetEvents() {
		b, ok, err := marker.Read(e, converter.GetDefaultDataConverter())
		if err != nil {
			return nil, nil, err
		}
		if ok {
			task := cmp.Or(e.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId(), e.GetWorkflowPropertiesModifiedEventAttributes().GetWorkflowTaskCompletedEventId())
			all, tasks = append(all, b), append(tasks, task)
		}
	}
	return all, tasks, nil
}

// CheckEvents reads the events of all process instances that have ended, in the namespace of c: there is no gap, whatever begins ends once,
// and each workflow task has one marker at most. Instances whose first run is in checked are left out, and those that are read are added.
func CheckEvents(ctx context.Context, c *waybill.Client, checked map[string]bool) error {
	chains := map[string][]*history.History{} // by first run, the newest first
	request := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500, Query: "WaybillState IS NOT NULL AND ExecutionStatus != 'Running'"}
	for {
		page, err := c.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return err
		}
		for _, e := range page.GetExecutions() {
			if checked[e.GetExecution().GetRunId()] {
				continue
			}
			h, err := c.History(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
			if err != nil {
				return err
			}
			first := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetFirstExecutionRunId()
			chains[first] = append(chains[first], h)
			if err := checkMemo(e, h); err != nil {
				return fmt.Errorf("the memo of %s: %w", e.GetExecution().GetWorkflowId(), err)
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	var errs []error
	for _, runs := range chains {
		last := runs[0].GetEvents()[len(runs[0].GetEvents())-1].GetEventType()
		if last != enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED {
			continue
		}
		for _, h := range runs {
			checked[h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()] = true
		}
		slices.SortFunc(runs, func(a, b *history.History) int {
			return a.GetEvents()[0].GetEventTime().AsTime().Compare(b.GetEvents()[0].GetEventTime().AsTime())
		})
		if err := checkChain(runs); err != nil {
			errs = append(errs, fmt.Errorf("events of %s: %w", runs[0].GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId(), err))
		}
	}
	return errors.Join(errs...)
}

// checkMemo requires that a memo which tells of a run tells the latest of all things, as its history does, and is no larger than Temporal likes.
func checkMemo(e *workflow.WorkflowExecutionInfo, h *history.History) error {
	if size := proto.Size(e.GetMemo()); size > 2<<10 {
		return fmt.Errorf("%d bytes", size)
	}
	from := converter.GetDefaultDataConverter()
	told, err := marker.Summary(e.GetMemo(), from)
	if err != nil || len(told) == 0 {
		return err
	}
	recorded, _, err := Batches(h)
	if err != nil {
		return err
	}
	have, want := newest(told), newest(recorded)
	for id, d := range want {
		if !reflect.DeepEqual(have[id], d) {
			return fmt.Errorf("%s is %+v in it, and %+v in the history", id, have[id], d)
		}
	}
	if len(have) > len(want) {
		return fmt.Errorf("%d things in it, and %d in the history", len(have), len(want))
	}
	return nil
}

// newest are the latest documents of all things, by index and id.
func newest(batches []events.Batch) map[string]events.Document {
	all := map[string]events.Document{}
	for _, b := range batches {
		for _, d := range b.Documents() {
			id := d.Index() + " " + d.ID()
			if have, known := all[id]; !known || have.Version() < d.Version() {
				all[id] = d
			}
		}
	}
	return all
}

func checkChain(runs []*history.History) error {
	var checker eventlog.Checker
	var whose *events.Process
	n := 0
	for _, h := range runs {
		list, tasks, err := Batches(h)
		if err != nil {
			return err
		}
		if len(slices.Compact(slices.Clone(tasks))) != len(tasks) {
			return fmt.Errorf("workflow tasks with several markers: %v", tasks)
		}
		for _, b := range list {
			if whose == nil {
				whose = &b.Process
			}
			if b.Process != *whose {
				return fmt.Errorf("%+v was %+v", b.Process, *whose)
			}
			for _, e := range b.Events {
				if err := checker.Add(e); err != nil {
					return err
				}
				n++
			}
		}
	}
	if n == 0 && whose != nil {
		return nil // of a worker that records none
	}
	if open := checker.Open(events.KindProcess); n == 0 || len(open) > 0 {
		return fmt.Errorf("%d events, and no end", n)
	}
	return nil
}
