package scenario

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/events"
)

// eventTypes reads a list of types of events.
func (f *fields) eventTypes(n ast.Node) []string {
	list := []string{}
	for _, element := range f.reader.list(n, "a list of event types") {
		name := f.text(element, "an event type")
		if events.Type(name).Kind() == "" {
			f.fail(element, "expected an event type such as ACTIVITY_COMPLETED, got %q", name)
		}
		list = append(list, name)
	}
	return list
}

// recorded adds to the log of an instance.
func (w *world) recorded(i *instance, r engine.Record) {
	for e := range r.Events() {
		i.log = append(i.log, string(e.Type))
		if w.observe != nil {
			w.observe(i, e)
		}
	}
}

// assigned is what the workflow of a task records.
func (w *world) assigned(t *task) {
	t.instance.log = append(t.instance.log, string(events.TaskAssigned))
}

// events compares the logs of the instances that the expectation speaks of, one instance after the other.
func (c *checker) events(e *expectStep) error {
	if e.events == nil && e.eventsInclude == nil {
		return nil
	}
	var got []string
	for _, i := range c.w.instances {
		if !c.speaks(i.name) {
			continue
		}
		log, err := i.log()
		if err != nil {
			return err
		}
		got = append(got, log...)
	}
	if e.events != nil && !slices.Equal(e.events, got) {
		c.differ("events %s, got %s", words(e.events), words(got))
	}
	rest := got
	for _, want := range e.eventsInclude {
		at := slices.Index(rest, want)
		if at < 0 {
			c.differ("events with %s in this order, got %s", words(e.eventsInclude), words(got))
			break
		}
		rest = rest[at+1:]
	}
	return nil
}
