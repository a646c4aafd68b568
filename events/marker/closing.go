package marker

import (
	"cmp"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"github.com/waybill-io/waybill/events"
)

// Close is how an execution was closed, when it is one that others than its own code can bring about.
type Close struct {
	Status events.Status // of what it was an instance of
	Reason string        // "": it returned
	Time   time.Time
}

// Closed tells how a history ends; false: it goes on, in this run or in another one.
func Closed(e *history.HistoryEvent) (c Close, ok bool) {
	c = Close{Status: events.Failed, Time: e.GetEventTime().AsTime()}
	next := ""
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		c.Status, next = events.Completed, e.GetWorkflowExecutionCompletedEventAttributes().GetNewExecutionRunId()
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		a := e.GetWorkflowExecutionFailedEventAttributes()
		c.Reason, next = "the workflow failed: "+a.GetFailure().GetMessage(), a.GetNewExecutionRunId()
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		c.Reason, next = "the workflow ran into its timeout", e.GetWorkflowExecutionTimedOutEventAttributes().GetNewExecutionRunId()
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		c.Status, c.Reason = events.Cancelled, "the workflow was cancelled"
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		c.Status, c.Reason = events.Cancelled, "the workflow was terminated"
		if reason := e.GetWorkflowExecutionTerminatedEventAttributes().GetReason(); reason != "" {
			c.Reason += ": " + reason
		}
	default:
		return c, false
	}
	c.Reason = events.Cut(c.Reason)
	return c, next == "" // or Temporal has begun it again
}

// Closing finds what the events of an execution leave open, and makes those that close it. It is given all batches of the execution and of the
// runs that it continues, in any order.
type Closing struct {
	ID     string // of the workflow
	latest map[closingKey]events.Document
	last   int64 // sequence
	whose  events.Process
	ended  bool // the instance
}

type closingKey struct {
	kind events.Kind
	ref  string
}

// Add takes a batch.
func (c *Closing) Add(b events.Batch) {
	if c.latest == nil {
		c.latest = map[closingKey]events.Document{}
	}
	for _, e := range b.Events {
		d := events.Document{Process: b.Process, Kind: e.Type.Kind(), Event: e}
		if c.own(b.Process) {
			c.whose, c.last = b.Process, max(c.last, e.Sequence)
			c.ended = c.ended || e.Type == events.ProcessEnded
		}
		key := closingKey{d.Kind, e.Ref}
		if have, known := c.latest[key]; !known || have.Version() < d.Version() {
			if e.Status != events.Active { // all that matters of it
				d = events.Document{Process: events.Process{Began: b.Began}, Event: events.Event{Sequence: e.Sequence, Revision: e.Revision}}
			}
			c.latest[key] = d
		}
	}
}

// own tells whether the execution is that instance, and not a task of it; mailboxes and the like are instances of nothing.
func (c *Closing) own(p events.Process) bool { return p.Instance == c.ID && p.Key != "" }

// OpenTasks are the ids of tasks that an instance has left open.
func (c *Closing) OpenTasks() (ids []string) {
	for _, d := range c.latest {
		if d.Kind == events.KindTask && c.own(d.Process) && d.TaskID != "" {
			ids = append(ids, d.TaskID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Batch are the events that close what is open, the innermost first; false: there is nothing to close. They follow from the histories alone: their
// sequences are those after the last. A task that lost its own workflow is over in all but the eyes of its process, which has the last word.
func (c *Closing) Batch(how Close) (events.Batch, bool) {
	if c.ended { // and has closed all by itself
		return events.Batch{}, false
	}
	var open []events.Document
	for _, d := range c.latest {
		if d.Status == events.Active && d.Kind != events.KindProcess {
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b events.Document) int {
		return cmp.Or(cmp.Compare(b.Sequence, a.Sequence), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Ref, b.Ref))
	})
	out := events.Batch{Process: c.whose}
	for _, d := range open {
		e := d.Event
		e.Type, e.Status = closes[d.Kind], events.Cancelled
		switch {
		case e.Type == "":
			continue
		case !c.own(d.Process):
			out.Process = d.Process
			e.Revision = events.MaxRevision - 1
		default:
			c.last++
			e.Sequence = c.last
			if d.Kind == events.KindTask {
				e.Revision = events.MaxRevision
			}
		}
		out.Events = append(out.Events, over(e, how.Time))
	}
	if c.whose.Instance != "" {
		e := c.latest[closingKey{kind: events.KindProcess}].Event
		e.Type, e.Status, e.Error, e.Sequence = events.ProcessEnded, how.Status, how.Reason, c.last+1
		if e.Start.IsZero() { // Temporal has deleted the run that it began with
			e.Start = c.whose.Began
		}
		out.Events = append(out.Events, over(e, how.Time))
	}
	return out, len(out.Events) > 0
}

// closes are the types of the last event of what is cancelled.
var closes = map[events.Kind]events.Type{
	events.KindTask: events.TaskCancelled, events.KindActivity: events.ActivityCancelled, events.KindIntegration: events.IntegrationError,
	events.KindIncident: events.IncidentResolved, events.KindExternalTask: events.ExternalTaskFailed,
}

func over(e events.Event, at time.Time) events.Event {
	e.Time, e.Variables = at, nil
	e.EndAt(at)
	return e
}
