package eventlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/events"
)

// Checker reads the events of one instance, in their order. The zero value is ready.
type Checker struct {
	last   int64
	open   map[string]thing // what has not ended, by kind and ref
	closed map[string]bool
	known  map[string]bool // variables
	ended  bool
}

// thing is what its events so far tell.
type thing struct {
	kind    events.Kind
	last    int64
	element string
	start   time.Time
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
func (c *Checker) Add(e events.Event) error {
	if c.open == nil {
		c.open, c.closed, c.known = map[string]thing{}, map[string]bool{}, map[string]bool{}
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("event %d %s %q at %q: %s", e.Sequence, e.Type, e.Ref, e.ActivityID, fmt.Sprintf(format, args...))
	}
	switch {
	case e.Sequence != c.last+1 && e.Type != events.TaskAssigned:
		return wrong("the one before is %d", c.last)
	case c.ended:
		return wrong("the instance has ended")
	case (e.Type == events.ProcessStarted) != (c.last == 0):
		return wrong("an instance begins with its start, once")
	case e.Type.Kind() == "":
		return wrong("its type is not known")
	case e.Time.IsZero():
		return wrong("it has no time")
	case e.Type.Kind() == events.KindVariable:
		c.last = e.Sequence
		if created := e.Type == events.VariableCreated; created == c.known[e.Ref] {
			return wrong("whether there is such a variable: %t", c.known[e.Ref])
		}
		c.known[e.Ref] = e.Type != events.VariableDeleted
		return nil
	case e.Type.Kind() == events.KindMail: // the host's own
		c.last = e.Sequence
		return nil
	case e.Type == events.FlowTaken:
		c.last = e.Sequence
		if e.SourceID == "" || e.TargetID == "" {
			return wrong("a flow has two ends")
		}
		return nil
	}
	if e.Type != events.TaskAssigned {
		c.last = e.Sequence
	}
	id := string(e.Type.Kind()) + " " + e.Ref
	before, open := c.open[id]
	end := slices.Contains(ends, e.Type)
	switch {
	case slices.Contains(begins, e.Type):
		if open || c.closed[id] {
			return wrong("it has begun before")
		}
	case !open && !c.closed[id] && e.Type == events.ActivityCompensate: // of all instances of a loop
		return nil
	case !open:
		return wrong("it is not under way; closed: %t", c.closed[id])
	case !e.Start.Equal(before.start):
		return wrong("it began at %s, not %s", before.start, e.Start)
	case e.ActivityID != before.element:
		return wrong("it began at %q", before.element)
	}
	if end != (e.Duration != nil) || end != !e.End.IsZero() || end == (e.Status == events.Active) {
		return wrong("status %q, end %s, duration %v", e.Status, e.End, e.Duration)
	}
	if end {
		delete(c.open, id)
		c.closed[id] = true
		c.ended = e.Type == events.ProcessEnded
	} else {
		c.open[id] = thing{e.Type.Kind(), e.Sequence, e.ActivityID, e.Start}
	}
	if c.ended && len(c.open) > 0 {
		return wrong("still under way: %v", c.Open(""))
	}
	return nil
}

// Open are the elements of what is under way of a kind, "" for any, in the order of its latest events.
func (c *Checker) Open(kind events.Kind) (elements []string) {
	var list []thing
	for _, e := range c.open {
		if kind == "" || e.kind == kind {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b thing) int { return int(a.last - b.last) })
	for _, e := range list {
		elements = append(elements, e.element)
	}
	return elements
}
