package scenario

import (
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

type signalStep struct {
	name      string
	variables map[string]any
}

func readSignal(f *fields) action {
	return &signalStep{name: f.required("name", "the name of a signal"), variables: f.variables("variables")}
}

// signal reaches every instance that waits for it but its sender, and starts the processes that begin with it. Nobody need wait.
func (w *world) signal(name string, variables map[string]any, sender *instance) error {
	for _, s := range slices.Clone(w.signals) {
		if s.name != name || s.instance == sender || !slices.Contains(w.signals, s) { // an earlier one of them may have ended it
			continue
		}
		if err := w.apply(s.instance, engine.SignalReceived{ID: s.id, Variables: variables}); err != nil {
			return err
		}
	}
	_, err := w.startBySignal(startStep{signal: name, variables: variables})
	return err
}

// startBySignal starts every process that begins with a signal, by key, and returns the first instance; nil when there are none.
func (w *world) startBySignal(s startStep) (first *instance, err error) {
	for _, key := range slices.Sorted(maps.Keys(w.definitions)) {
		for _, n := range w.definitions[key].process.Top() {
			if !engine.Starts(n) || n.Event != bpmn.SignalEvent || n.Signal.Name.Source() != s.signal {
				continue
			}
			i, err := w.begin(key, n.ID, s)
			if err != nil {
				return nil, err
			}
			if first == nil {
				first = i
			}
		}
	}
	return first, nil
}

var _ action = (*signalStep)(nil)
