package engine

import (
	"cmp"
	"iter"
	"strconv"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

// Record are the events that a step adds to the log of the instance, in their order. It is the last command of a step. Times, sequences and
// references are set; whose they are the host knows.
//
// A step that loops may have 300,000 events, so they are kept small and become events.Event one by one.
type Record struct {
	process *bpmn.Process
	at      int64 // milliseconds
	first   int64 // the sequence of the first one
	entries []entry
}

// Len is how many events there are; it is never 0.
func (r Record) Len() int { return len(r.entries) }

// Events makes the events, each time anew. Values of variables in them are shared with the state: they are read, never changed.
func (r Record) Events() iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		for i := range r.entries {
			if !yield(r.event(i)) {
				return
			}
		}
	}
}

// entry is an event as a step keeps it. What belongs to the model is not copied.
type entry struct {
	kind     events.Type
	node     *bpmn.Node // where it happened; nil: the instance as such
	flow     *bpmn.Flow // that was taken
	token    int        // 0: none
	ref      int64      // the first event about the same; 0: this one
	since    int64      // when that was, in milliseconds; 0: now
	activity int64      // of what belongs to an activity: its first event; 0: none
	more     detail     // nil: none
}

// detail is what only some kinds of events tell.
type detail interface {
	fill(*events.Event, *bpmn.Process)
}

// statuses are how far that which an event is about has come.
var statuses = map[events.Type]events.Status{
	events.ProcessStarted: events.Active, events.ProcessEnded: events.Completed,
	events.ActivityStarted: events.Active, events.ActivityCompleted: events.Completed, events.ActivityCancelled: events.Cancelled,
	events.ActivitySignaled: events.Active, events.ActivityMessage: events.Active, events.ActivityError: events.Active, events.ActivityCompensate: events.Active,
	events.TaskCreated: events.Active, events.TaskCompleted: events.Completed, events.TaskCancelled: events.Cancelled,
	events.IntegrationRequest: events.Active, events.IntegrationResult: events.Completed, events.IntegrationError: events.Failed,
	events.ExternalTaskCreated: events.Active, events.ExternalTaskLocked: events.Active, events.ExternalTaskEnded: events.Completed, events.ExternalTaskFailed: events.Failed,
	events.IncidentCreated: events.Active, events.IncidentResolved: events.Completed,
}

func (r Record) event(i int) events.Event {
	x := &r.entries[i]
	at := moment(r.at)
	e := events.Event{Sequence: r.first + int64(i), Type: x.kind, Time: at, Status: statuses[x.kind]}
	switch x.kind.Kind() {
	case events.KindProcess, events.KindVariable, events.KindTask:
	default:
		e.Ref = number(cmp.Or(x.ref, e.Sequence))
	}
	if x.token != 0 {
		e.ExecutionID = strconv.Itoa(x.token)
	}
	if e.Status != "" {
		e.Start = at
		if x.since != 0 {
			e.Start = moment(x.since)
		}
	}
	switch e.Status {
	case events.Completed, events.Cancelled, events.Failed:
		e.EndAt(at)
	}
	if n := x.node; n != nil {
		e.ActivityID, e.ActivityName, e.ActivityType = n.ID, events.Cut(n.Name), n.Kind.String()
	}
	if f := x.flow; f != nil {
		e.ActivityID, e.ActivityType = f.ID, "sequenceFlow"
		e.SourceID, e.SourceName, e.SourceType = f.Source.ID, events.Cut(f.Source.Name), f.Source.Kind.String()
		e.TargetID, e.TargetName, e.TargetType = f.Target.ID, events.Cut(f.Target.Name), f.Target.Kind.String()
	}
	if x.activity != 0 {
		e.Activity = number(x.activity)
	}
	if e.Type.Kind() == events.KindIntegration {
		e.Implementation = events.Cut(x.node.Implementation)
	}
	if x.more != nil {
		x.more.fill(&e, r.process)
	}
	return e
}

func moment(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }

func number(n int64) string { return strconv.FormatInt(n, 10) }
