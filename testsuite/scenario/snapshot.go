package scenario

import (
	"time"

	"github.com/waybill-io/waybill/engine"
)

// snapshot is what there is when everything is at rest: what expectations compare.
type snapshot struct {
	now       time.Time
	instances []*seen // in the order in which they began
	tasks     []seenTask
	calls     []call
	path      []string // of all instances
	fetches   map[string][]fetched
}

// seen is an instance.
type seen struct {
	name, key     string
	state         string
	active        []string
	enabled       []string
	path          []string
	subscriptions []string // "message NAME", "signal NAME"
	incidents     []expectedIncident
	variables     map[string]any
	log           func() ([]string, error) // types of events
}

// seenTask is an open user task.
type seenTask struct {
	instance string
	engine.OpenTask
}

// title is what people call a task.
func (t *seenTask) title() string { return title(&t.OpenTask) }

func (t *seenTask) is(name string) bool { return t.Name == name || t.Element == name }

func (s *snapshot) of(name string) *seen {
	for _, i := range s.instances {
		if i.name == name {
			return i
		}
	}
	return &seen{name: name}
}

func (w *world) snapshot() *snapshot {
	s := &snapshot{now: w.now, calls: w.calls, path: w.path, fetches: w.fetches}
	for _, i := range w.instances {
		one := &seen{
			name: i.name, key: i.process.ID, state: stateOf(i.state), active: i.state.Active(), enabled: engine.Enabled(i.process, i.state),
			path: i.path, variables: i.state.Variables, log: func() ([]string, error) { return i.log, nil },
		}
		for _, incident := range i.state.Incidents {
			one.incidents = append(one.incidents, expectedIncident{incident.Element, incident.Message})
		}
		for _, sub := range w.subscriptions {
			if sub.instance == i && sub.name != "" {
				one.subscriptions = append(one.subscriptions, "message "+sub.name)
			}
		}
		for _, sub := range w.signals {
			if sub.instance == i {
				one.subscriptions = append(one.subscriptions, "signal "+sub.name)
			}
		}
		s.instances = append(s.instances, one)
	}
	for _, t := range w.tasks {
		s.tasks = append(s.tasks, seenTask{t.instance.name, t.OpenTask})
	}
	return s
}
