package scenario

import (
	"errors"
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/engine"
)

func (s *startStep) do(w *world) error {
	var i *instance
	var err error
	switch {
	case s.process != "":
		i, err = w.begin(s.process, "", *s)
	case s.message != "":
		i, err = w.startByMessage(*s)
		if err == nil && i == nil {
			err = fmt.Errorf("no process starts with message %q", s.message)
		}
	default:
		i, err = w.startBySignal(*s)
		if err == nil && i == nil {
			err = fmt.Errorf("no process starts with signal %q", s.signal)
		}
	}
	if err == nil {
		w.names[s.as] = i
	}
	return err
}

func (s *completeStep) do(w *world) error { return w.complete(s) }

func (s *claimStep) do(w *world) error { return w.claim(s) }

func (s *messageStep) do(w *world) error {
	if s.instance != "" {
		return w.publishTo(s)
	}
	return w.publish(s)
}

func (s *triggerStep) do(w *world) error { return w.trigger(s) }

func (s *setStep) do(w *world) error {
	if s.task != nil {
		return w.setOnTask(s)
	}
	return w.tell(s.instance, engine.VariablesSet{Variables: s.variables})
}

func (s *cancelStep) do(w *world) error { return w.tell(s.instance, engine.Cancelled{}) }

func (s advanceStep) do(w *world) error { return w.advance(s.by) }

func (s *deployStep) do(w *world) error { return w.deploy(s.deployment) }

func (s *signalStep) do(w *world) error { return w.signal(s.name, s.variables, nil) }

func (s *runStep) do(w *world) error { return w.tell(s.instance, engine.Activated{Element: s.element}) }

func (s *finishScopeStep) do(w *world) error {
	return w.tell(s.instance, engine.ScopeFinished{Element: s.element})
}

// do answers the oldest open incident of the element. Without an element there must be only one.
func (s *incidentStep) do(w *world) error {
	i, err := w.find(s.instance)
	if err != nil {
		return err
	}
	var open []string
	id := 0
	for _, incident := range i.state.Incidents {
		open = append(open, incident.Element)
		if id == 0 && (s.element == "" || incident.Element == s.element) {
			id = incident.ID
		}
	}
	switch {
	case len(open) == 0:
		return errors.New("no incident is open")
	case id == 0:
		return fmt.Errorf("no such incident at %q; open: %s", s.element, strings.Join(open, ", "))
	case s.element == "" && len(open) > 1:
		return fmt.Errorf("several incidents are open, name one by element: %s", strings.Join(open, ", "))
	}
	return w.apply(i, engine.IncidentAnswered{ID: id, Action: s.action, Variables: s.variables})
}

// tell gives a named instance an event.
func (w *world) tell(name string, event engine.Event) error {
	i, err := w.find(name)
	if err != nil {
		return err
	}
	return w.apply(i, event)
}

var (
	_ action = (*startStep)(nil)
	_ action = (*completeStep)(nil)
	_ action = (*claimStep)(nil)
	_ action = (*messageStep)(nil)
	_ action = (*triggerStep)(nil)
	_ action = (*setStep)(nil)
	_ action = (*incidentStep)(nil)
	_ action = (*cancelStep)(nil)
	_ action = (*deployStep)(nil)
	_ action = (*signalStep)(nil)
	_ action = (*runStep)(nil)
	_ action = (*finishScopeStep)(nil)
	_ action = advanceStep{}
)
