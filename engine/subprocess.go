package engine

import (
	"fmt"

	"github.com/waybill-io/waybill/bpmn"
)

// openSub starts a sub-process: its event sub-processes wait, then a token stands at its start event. An ad-hoc sub-process
// starts nothing by itself.
func (m *machine) openSub(token int, n *bpmn.Node) error {
	t := m.token(token)
	sc := m.openScope(ScopeSub, token, n, t.place())
	id := sc.ID
	sc.Variables = values(n.Data)
	m.written(n, id, nil, sc.Variables)
	if err := m.armEventSubs(n.Children, id); err != nil {
		m.dropWaits(func(w *Wait) bool { return w.Token == 0 && w.Scope == id })
		m.closeScope(id)
		return err
	}
	if n.Kind == bpmn.AdHocSubProcess { // its completion condition is read when something in it has completed
		return nil
	}
	for _, c := range n.Children {
		if c.Kind == bpmn.StartEvent && c.Event == bpmn.NoEvent {
			m.wake(m.newToken(id), c)
			return nil
		}
	}
	return fmt.Errorf("sub-process %q has no none start event", n.ID)
}

// values are the variables that data objects are.
func values(data []bpmn.Datum) Variables {
	if len(data) == 0 {
		return nil
	}
	all := make(Variables, len(data))
	for _, d := range data {
		all[d.Name] = d.Value
	}
	return all
}

// armProcess has the process's own event sub-processes wait.
func (m *machine) armProcess() error {
	if err := m.armEventSubs(m.p.Top(), 0); err != nil {
		m.dropWaits(func(w *Wait) bool { return w.Token == 0 && w.Scope == 0 })
		return err
	}
	if err := m.listenProcess("start"); err != nil {
		m.dropWaits(func(w *Wait) bool { return w.Token == 0 && w.Scope == 0 })
		return err
	}
	m.s.Armed = true
	return nil
}

// armEventSubs has the event sub-processes among some nodes wait for their events.
func (m *machine) armEventSubs(nodes []*bpmn.Node, scope int) error {
	for _, n := range nodes {
		if n.Kind != bpmn.SubProcess || !n.Triggered {
			continue
		}
		start := trigger(n)
		if start == nil || !waits(start) {
			continue
		}
		m.view = view{node: start, at: scope}
		if err := m.wait(Wait{Scope: scope}, start); err != nil {
			return fmt.Errorf("event sub-process %q: %w", n.ID, err)
		}
	}
	return nil
}

// trigger is the start event of an event sub-process.
func trigger(n *bpmn.Node) *bpmn.Node {
	for _, c := range n.Children {
		if c.Kind == bpmn.StartEvent {
			return c
		}
	}
	return nil
}

// waits reports whether an event waits for something; errors, escalations and the like are looked up when they are thrown.
func waits(n *bpmn.Node) bool {
	switch n.Event {
	case bpmn.MessageEvent, bpmn.TimerEvent, bpmn.SignalEvent, bpmn.ConditionalEvent:
		return true
	}
	return false
}

// beginEventSub runs an event sub-process in a scope, for a message, signal or error of a name. Interrupting, it takes the place of all that ran there.
func (m *machine) beginEventSub(start *bpmn.Node, scope int, name string, given Variables) {
	n := start.Parent
	if start.Interrupting && start.Event != bpmn.CompensationEvent {
		m.clearScope(scope, 0)
	}
	token := m.newToken(scope)
	t := m.token(token)
	t.Element = n.ID
	if err := m.roomFor(0); err != nil {
		m.suspend(token, n, failure(err))
		return
	}
	m.entered(token, n, nil)
	sc := m.openScope(ScopeSub, token, n, scope)
	id := sc.ID
	sc.Variables = values(n.Data)
	m.written(n, id, nil, sc.Variables)
	inside := m.newToken(id)
	m.token(inside).Element = start.ID
	m.entered(inside, start, nil)
	m.heard(inside, start, name, given)
	if err := m.takeFrom(WaitMessage, start, id, given); err != nil {
		m.suspend(inside, start, failure(err))
		return
	}
	if err := m.armEventSubs(n.Children, id); err != nil {
		m.suspend(inside, start, failure(err))
		return
	}
	m.ready = append(m.ready, runnable{token: inside, node: start, begun: true})
}

// terminate ends the scope of a token (BPMN 2.0, 13.5.6), or more where the dialect says so.
func (m *machine) terminate(token int, n *bpmn.Node) {
	scope := m.token(token).Scope
	if scope == 0 || n.Scope == bpmn.TerminateAll {
		m.clearScope(0, 0) // without a token the instance ends
		return
	}
	sc := m.scope(scope)
	if n.Scope == bpmn.TerminateMultiInstance {
		owner := m.token(sc.Token)
		if activity := m.p.Node(sc.Element); m.inner(owner, activity) {
			loop := m.scope(owner.Scope)
			m.clearScope(loop.ID, 0)
			m.completeLoop(loop, activity)
			return
		}
	}
	m.clearScope(scope, 0)
	m.emptied(m.scope(scope))
}
