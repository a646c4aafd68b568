package engine

import (
	"fmt"

	"github.com/waybill-io/waybill/bpmn"
)

// listen runs the execution listeners of an event, in document order.
func (m *machine) listen(token int, n *bpmn.Node, list []bpmn.Listener, event string) error {
	for i := range list {
		t := m.token(token) // a listener before may have given it variables of its own
		from := view{node: n, at: t.place(), last: t.Last}
		if event == "start" {
			from.owner = token
		}
		if err := m.listenAt(from, list[i:i+1], event); err != nil {
			return err
		}
	}
	return nil
}

// listenAt runs listeners that see what a view does.
func (m *machine) listenAt(from view, list []bpmn.Listener, event string) error {
	for i := range list {
		l := &list[i]
		if l.Task || l.Event != event {
			continue
		}
		m.view = from
		m.view.event = event
		if err := m.runListener(l); err != nil {
			return fmt.Errorf("%s listener: %w", event, err)
		}
	}
	return nil
}

// listenTask runs the task listeners of a user task. They may change the task until it is complete.
func (m *machine) listenTask(token int, n *bpmn.Node, event string, task *OpenTask) error {
	for i := range n.Listeners {
		l := &n.Listeners[i]
		if !l.Task || l.Event != event {
			continue
		}
		m.look(token, n)
		m.view.owner, m.view.event = token, event
		m.view.task = m.taskData(task)
		m.view.task["taskDefinitionKey"], m.view.task["eventName"], m.view.task["execution"] = n.ID, event, m.executionWithVariables()
		if event != "complete" {
			m.view.open = task
		}
		if err := m.runListener(l); err != nil {
			return fmt.Errorf("%s task listener: %w", event, err)
		}
	}
	return nil
}

// listenProcess runs the listeners of the process itself.
func (m *machine) listenProcess(event string) error {
	for i := range m.p.Listeners {
		l := &m.p.Listeners[i]
		if l.Event != event {
			continue
		}
		m.view = view{event: event}
		if err := m.runListener(l); err != nil {
			return fmt.Errorf("%s listener of the process: %w", event, err)
		}
	}
	return nil
}

func (m *machine) runListener(l *bpmn.Listener) error {
	m.view.sets = true
	var err error
	if l.Script != nil {
		_, err = m.evaluate(l.Script, true)
	} else {
		_, err = l.Expr.Eval(m)
	}
	return err
}

// listenAround runs the listeners of an exclusive gateway, which does its work in one move.
func (m *machine) listenAround(token int, n *bpmn.Node) error {
	if err := m.listen(token, n, n.Listeners, "start"); err != nil {
		return err
	}
	return m.listen(token, n, n.Listeners, "end")
}
