package eventlog

import (
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/events"
)

// Ledger reads the events of one instance, in their order. The zero value is ready.
type Ledger struct {
	last   int64
	open   map[string]events.Event // the latest event of what has not ended, by kind and ref
	closed map[string]bool
	known  map[string]bool // variables
	ended  bool
}

// begins and ends are the types that open and close what an event is about.
var (
	begins = []events.Type{
		events.ProcessStarted, events.TaskCreated, events.ActivityStarted, events.IntegrationRequest, events.IncidentCreated, events.ExternalTaskCreated,
	}
	ends = []events.Type{
		events.ProcessEnded, events.TaskCompleted, events.TaskCancelled, events.ActivityCompleted, events.ActivityCancelled, events.IntegrationResult,
		events.IntegrationError, events.IncidentResolved, events.ExternalTaskEnded, events.ExternalTaskFailed,
	}
)

// Add reads the next event. The error says what is wrong with it: a gap in the sequence, an end without a beginning, a second end, times
// that run backwards, a variable that is created twice.
func (l *Ledger) Add(e events.Event) error {
	if l.open == nil {
		l.open, l.closed, l.known = map[string]events.Event{}, map[string]bool{}, map[string]bool{}
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("event %d %s %q at %q: %s", e.Sequence, e.Type, e.Ref, e.ActivityID, fmt.Sprintf(format, args...))
	}
	switch {
	case e.Sequence != l.last+1 && e.Type != events.TaskAssigned:
		return wrong("the one before is %d", l.last)
	case l.ended:
		return wrong("the instance has ended")
	case (e.Type == events.ProcessStarted) != (l.last == 0):
		return wrong("an instance begins with its start, once")
	case e.Type.Kind() == "":
		return wrong("its type is not known")
	case e.Time.IsZero():
		return wrong("it has no time")
	case e.Type.Kind() == events.KindVariable:
		l.last = e.Sequence
		if created := e.Type == events.VariableCreated; created == l.known[e.Ref] {
			return wrong("whether there is such a variable: %t", l.known[e.Ref])
		}
		l.known[e.Ref] = e.Type != events.VariableDeleted
		return nil
	case e.Type.Kind() == events.KindMail: // the host's own
		l.last = e.Sequence
		return nil
	case e.Type == events.FlowTaken:
		l.last = e.Sequence
		if e.SourceID == "" || e.TargetID == "" {
			return wrong("a flow has two ends")
		}
		return nil
	}
	if e.Type != events.TaskAssigned {
		l.last = e.Sequence
	}
	id := string(e.Type.Kind()) + " " + e.Ref
	before, open := l.open[id]
	end := slices.Contains(ends, e.Type)
	switch {
	case slices.Contains(begins, e.Type):
		if open || l.closed[id] {
			return wrong("it has begun before")
		}
	case !open && !l.closed[id] && e.Type == events.ActivityCompensate: // of all instances of a loop
		return nil
	case !open:
		return wrong("it is not under way; closed: %t", l.closed[id])
	case !e.Start.Equal(before.Start):
		return wrong("it began at %s, not %s", before.Start, e.Start)
	case e.ActivityID != before.ActivityID:
		return wrong("it began at %q", before.ActivityID)
	}
	if end != (e.Duration != nil) || end != !e.End.IsZero() || end == (e.Status == events.Active) {
		return wrong("status %q, end %s, duration %v", e.Status, e.End, e.Duration)
	}
	if end {
		delete(l.open, id)
		l.closed[id] = true
		l.ended = e.Type == events.ProcessEnded
	} else {
		l.open[id] = e
	}
	if l.ended && len(l.open) > 0 {
		return wrong("still under way: %v", l.Open(""))
	}
	return nil
}

// Open are the elements of what is under way of a kind, "" for any, in the order of its latest events.
func (l *Ledger) Open(kind events.Kind) (elements []string) {
	var list []events.Event
	for _, e := range l.open {
		if kind == "" || e.Type.Kind() == kind {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b events.Event) int { return int(a.Sequence - b.Sequence) })
	for _, e := range list {
		elements = append(elements, e.ActivityID)
	}
	return elements
}
