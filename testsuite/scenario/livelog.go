package scenario

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/events/marker"
)

// logged is an event as a history holds it, with the time of its marker: an instance has the clock of the scenario, its tasks do not.
type logged struct {
	at   time.Time
	kind string
}

// log is the log of an instance: what its own histories hold, and those of its tasks, in the order in which it was written.
func (s *liveCase) log(id string) ([]string, error) {
	all, err := s.markers(id)
	if err != nil {
		return nil, err
	}
	_, others := s.seen()
	for _, e := range others {
		if !strings.HasPrefix(e.id, "task/"+id+"/") {
			continue
		}
		own, err := s.markers(e.id)
		if err != nil {
			return nil, err
		}
		all = append(all, own...)
	}
	slices.SortStableFunc(all, func(a, b logged) int { return a.at.Compare(b.at) })
	types := make([]string, len(all))
	for n, e := range all {
		types[n] = e.kind
	}
	return types, nil
}

// markers reads the events in the histories of all runs of a workflow.
func (s *liveCase) markers(id string) (all []logged, err error) {
	var runs []string
	var token []byte
	for {
		page, err := s.temporal.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId = '" + id + "'", NextPageToken: token})
		if err != nil {
			return nil, brokenf("list the runs of %s: %w", id, err)
		}
		for _, e := range page.GetExecutions() {
			runs = append(runs, e.GetExecution().GetRunId())
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	for _, run := range slices.Backward(runs) { // the newest comes first
		history := s.temporal.GetWorkflowHistory(s.ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			e, err := history.Next()
			if err != nil {
				return nil, brokenf("read the history of %s: %w", id, err)
			}
			batch, ok, err := marker.Read(e, converter.GetDefaultDataConverter())
			if err != nil {
				return nil, brokenf("read the history of %s: %w", id, err)
			}
			if !ok {
				continue
			}
			for _, event := range batch.Events {
				all = append(all, logged{e.GetEventTime().AsTime(), string(event.Type)})
			}
		}
	}
	return all, nil
}
