package engine

import (
	"errors"
	"fmt"
	"maps"

	"github.com/waybill-io/waybill/bpmn"
)

// throw is a throwing event or an end event. It returns the flow by which the token goes on at once, or nil.
func (m *machine) throw(token int, n *bpmn.Node) *bpmn.Flow {
	t := m.token(token)
	t.Element = n.ID
	if n.Event == bpmn.MessageEvent {
		m.begin(token, n)
		return nil
	}
	var err error
	if len(n.Listeners) > 0 {
		err = m.listen(token, n, n.Listeners, "start")
	}
	m.look(token, n)
	if err == nil {
		switch n.Event {
		case bpmn.TerminateEvent:
			m.passed(token, n)
			m.terminate(token, n)
			return nil
		case bpmn.SignalEvent:
			err = m.throwSignal(n)
		case bpmn.EscalationEvent:
			err = m.throwEscalation(token, n)
		case bpmn.ErrorEvent:
			if err = m.throwError(token, n); err == nil {
				return nil
			}
		case bpmn.CompensationEvent:
			m.compensate(token, n)
			return nil
		case bpmn.CancelEvent:
			m.cancelTransaction(token, n)
			return nil
		case bpmn.LinkEvent:
			m.passed(token, n)
			m.entered(token, n.Link, nil)
			return m.pass(token, n.Link)
		}
	}
	if err != nil {
		m.suspend(token, n, failure(err))
		return nil
	}
	if m.reaped && !m.alive(token) { // by what it has thrown
		return nil
	}
	return m.pass(token, n)
}

// publish sends a message and waits until it is safe.
func (m *machine) publish(token int, n *bpmn.Node) error {
	name, key, err := m.messageOf(n.Message)
	if err != nil {
		return err
	}
	payload, err := m.inputs(n, m.p.MapDefault == bpmn.MapAll)
	if err != nil {
		return err
	}
	c := Publish{ID: m.nextID(), Element: n.ID, Name: name, Key: key, Variables: payload}
	m.await(Wait{ID: c.ID, Token: token, Kind: WaitPublish, Element: n.ID}, c)
	return nil
}

// throwSignal reaches the catchers of this instance at once, then all others.
func (m *machine) throwSignal(n *bpmn.Node) error {
	if n.Signal == nil {
		return errors.New("it names no signal")
	}
	name, err := m.text("signal name", n.Signal.Name)
	if err != nil {
		return err
	}
	if name == "" {
		return errors.New("signal name: it is empty")
	}
	payload, err := m.inputs(n, m.p.MapDefault == bpmn.MapAll)
	if err != nil {
		return err
	}
	with, err := m.transfers(n.Signal.In, m.view.at, nil)
	if err != nil {
		return err
	}
	if payload == nil {
		payload = with
	} else {
		maps.Copy(payload, with)
	}
	var ids []int
	for i := range m.s.Waits {
		if w := &m.s.Waits[i]; w.Kind == WaitSignal && w.Name == name {
			ids = append(ids, w.ID)
		}
	}
	if !n.Signal.Local {
		m.command(Broadcast{ID: m.nextID(), Element: n.ID, Name: name, Variables: payload})
	}
	for _, id := range ids {
		if i, ok := find(m.s.Waits, id); ok {
			w := m.s.Waits[i]
			m.fire(w, m.p.Node(w.Element), payload)
		}
	}
	return nil
}

// catch is an intermediate catch event or a receive task.
func (m *machine) catch(token int, n *bpmn.Node) error {
	return m.wait(Wait{Token: token}, n)
}

// race is an event-based gateway: the token waits for several events, the first of which decides.
func (m *machine) race(token int, n *bpmn.Node) error {
	waits := make([]Wait, len(n.Outgoing))
	for i, f := range n.Outgoing {
		var err error
		if waits[i], err = m.prepare(Wait{Token: token}, f.Target); err != nil {
			return fmt.Errorf("event %q: %w", f.Target.ID, err)
		}
	}
	for _, w := range waits {
		m.begun(w)
	}
	return nil
}

// wait has an event wait for what it is about. m.view is where its expressions are evaluated.
func (m *machine) wait(w Wait, n *bpmn.Node) error {
	w, err := m.prepare(w, n)
	if err == nil {
		m.begun(w)
	}
	return err
}

// prepare evaluates what an event waits for. Only then anything changes.
func (m *machine) prepare(w Wait, n *bpmn.Node) (Wait, error) {
	w.Element = n.ID
	switch {
	case n.Kind == bpmn.ReceiveTask, n.Event == bpmn.MessageEvent:
		w.Kind = WaitMessage
		if n.Message == nil { // somebody wakes it from outside
			return w, nil
		}
		var err error
		w.Name, w.Key, err = m.messageOf(n.Message)
		return w, err
	case n.Event == bpmn.TimerEvent:
		d, err := m.due(n.Timer)
		w.Kind, w.At = WaitTimer, d.at
		if n.Kind == bpmn.BoundaryEvent && !n.Interrupting || n.Kind == bpmn.StartEvent && !n.Interrupting {
			w.Cycle, w.Left, w.End = d.cycle, d.left, d.end // else its first firing is its last
		}
		return w, err
	case n.Event == bpmn.SignalEvent:
		w.Kind = WaitSignal
		if n.Signal == nil {
			return w, errors.New("it names no signal")
		}
		var err error
		if w.Name, err = m.text("signal name", n.Signal.Name); err == nil && w.Name == "" {
			err = errors.New("signal name: it is empty")
		}
		return w, err
	case n.Event == bpmn.ConditionalEvent:
		w.Kind = WaitCondition
		return w, nil
	}
	return w, errors.New("this event waits for nothing")
}

// begun gives a wait its id and the host its command.
func (m *machine) begun(w Wait) {
	w.ID = m.nextID()
	m.s.Waits = append(m.s.Waits, w)
	if w.Kind == WaitCondition {
		m.fresh = append(m.fresh, w.ID)
		return
	}
	m.command(w.order())
}

// messageOf evaluates the name and the correlation key of a message.
func (m *machine) messageOf(message *bpmn.Message) (name, key string, err error) {
	if name, err = m.text("message name", message.Name); err != nil {
		return "", "", err
	}
	if name == "" {
		return "", "", errors.New("message name: it is empty")
	}
	if message.Key == nil {
		return name, m.s.BusinessKey, nil
	}
	if key, err = m.text("correlation key", message.Key); err != nil {
		return "", "", err
	}
	if key == "" {
		return "", "", errors.New("correlation key: it is empty; any message of that name would fit")
	}
	return name, key, nil
}

// received is a message or a signal.
func (m *machine) received(id int, given Variables, kinds ...WaitKind) error {
	w, n, err := m.answered(id, kinds...)
	if err != nil {
		return err
	}
	if w.Kind == WaitReply {
		m.replied(w, n, given)
		return nil
	}
	m.fire(w, n, given)
	return nil
}

func (m *machine) timerFired(ev TimerFired) error {
	w, n, err := m.answered(ev.ID, WaitTimer)
	if err != nil {
		return err
	}
	m.fire(w, n, nil)
	return nil
}

// fire is an event that has come.
func (m *machine) fire(w Wait, n *bpmn.Node, given Variables) {
	switch n.Kind {
	case bpmn.BoundaryEvent:
		m.spend(w, n)
		m.leaveBy(n, w.Token, w.Kind, w.Name, given, func() { m.repeat(w, n) })
	case bpmn.StartEvent:
		m.spend(w, n)
		if !n.Interrupting {
			m.repeat(w, n)
		}
		m.beginEventSub(n, w.Scope, w.Name, given)
	default:
		if t := m.token(w.Token); t.Element != n.ID {
			m.decide(w, n)
		}
		if w.Kind == WaitSignal {
			m.stop(w)
		}
		m.heard(w.Token, n, w.Name, given)
		m.conclude(w, n, given)
	}
}

// spend takes an event's wait away when it fires for the last time. A signal and a condition of a non-interrupting event
// go on as they are.
func (m *machine) spend(w Wait, n *bpmn.Node) {
	lasting := w.Kind == WaitSignal || w.Kind == WaitCondition
	if lasting && !n.Interrupting {
		return
	}
	m.forget(w.ID)
	if lasting {
		m.stop(w)
	}
}

// repeat has a non-interrupting event wait again.
func (m *machine) repeat(w Wait, n *bpmn.Node) {
	switch w.Kind {
	case WaitTimer:
		m.rearm(w, n)
	case WaitMessage:
		m.begun(Wait{Token: w.Token, Scope: w.Scope, Kind: w.Kind, Element: w.Element, Name: w.Name, Key: w.Key})
	}
}

// decide ends the other waits of an event-based gateway.
func (m *machine) decide(w Wait, n *bpmn.Node) {
	t := m.token(w.Token)
	m.passed(t.ID, m.p.Node(t.Element))
	t.Element = n.ID
	m.entered(t.ID, n, n.Incoming[0])
	m.dropWaits(func(other *Wait) bool { return other.Token == w.Token && other.ID != w.ID })
}
