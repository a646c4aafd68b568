package engine

import (
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
)

// keepCompensation remembers an activity that has completed and has a handler.
func (m *machine) keepCompensation(t *Token, n *bpmn.Node) {
	c := Compensation{ID: m.nextID(), Scope: t.Scope, Element: n.ID}
	if t.Local != 0 {
		c.Variables = maps.Clone(m.scope(t.Local).Variables)
	}
	m.s.Compensations = append(m.s.Compensations, c)
}

// keepCompensations makes what completed in a sub-process the sub-process's own, now that it completes itself. Its handler, if it
// has one, stands for all of it.
func (m *machine) keepCompensations(sc *Scope, n *bpmn.Node) {
	inner := m.takeCompensations(sc.ID, "")
	if n.Triggered || len(inner) == 0 && n.Handler == nil && compensator(n) == nil {
		return
	}
	t := m.token(sc.Token)
	c := Compensation{ID: m.nextID(), Scope: t.Scope, Element: n.ID, Variables: m.own(t, sc)}
	if n.Handler == nil {
		c.Inner = inner
	}
	m.s.Compensations = append(m.s.Compensations, c)
}

// own copies the variables of a sub-process: its input parameters and the element of its loop, which are around it, and those in it.
func (m *machine) own(t *Token, sc *Scope) Variables {
	if t.Local == 0 {
		return maps.Clone(sc.Variables)
	}
	around := m.scope(t.Local).Variables
	if len(around)+len(sc.Variables) == 0 {
		return nil
	}
	all := make(Variables, len(around)+len(sc.Variables))
	maps.Copy(all, around)
	maps.Copy(all, sc.Variables)
	return all
}

// takeCompensations removes what can be compensated in a scope, of one activity or of all.
func (m *machine) takeCompensations(scope int, element string) (taken []Compensation) {
	m.moves += len(m.s.Compensations) / elementsPerMove
	m.s.Compensations = slices.DeleteFunc(m.s.Compensations, func(c Compensation) bool {
		mine := c.Scope == scope && (element == "" || c.Element == element)
		if mine {
			taken = append(taken, c)
		}
		return mine
	})
	return taken
}

// compensator is the start event of the event sub-process that compensates a sub-process, or nil.
func compensator(n *bpmn.Node) *bpmn.Node {
	for _, c := range n.Children {
		if c.Kind == bpmn.SubProcess && c.Triggered {
			if start := trigger(c); start != nil && start.Event == bpmn.CompensationEvent {
				return start
			}
		}
	}
	return nil
}

// compensate is a throwing compensation event: the handlers of what has completed in its scope begin, the last one first, and the
// token waits for all of them (BPMN 2.0, 10.5.6 and 13.5.5). In an event sub-process it is the scope around it.
func (m *machine) compensate(token int, n *bpmn.Node) {
	element := ""
	if n.Compensate != nil {
		element = n.Compensate.ID
	}
	scope := m.token(token).Scope
	records := m.takeCompensations(scope, element)
	for scope != 0 && m.p.Node(m.scope(scope).Element).Triggered {
		scope = m.token(m.scope(scope).Token).Scope
		records = append(m.takeCompensations(scope, element), records...)
	}
	m.undo(token, n, scope, records)
}

// undo starts the handlers of records for a token at a throwing event.
func (m *machine) undo(token int, n *bpmn.Node, scope int, records []Compensation) {
	sc := m.openScope(ScopeCompensation, token, n, scope)
	m.handleAll(sc.ID, records)
}

// handleAll starts the handlers of a scope, which is done at once where there are none.
func (m *machine) handleAll(scope int, records []Compensation) {
	m.scope(scope).Live++ // until all have begun
	m.handle(scope, records)
	sc := m.scope(scope)
	if sc.Live--; sc.Live == 0 {
		m.compensated(sc)
	}
}

// handle starts handlers in a scope, the last completed one first.
func (m *machine) handle(scope int, records []Compensation) {
	for _, c := range slices.Backward(records) {
		n := m.p.Node(c.Element)
		if n.Handler != nil && len(c.Variables) == 0 {
			m.handler(scope, n.Handler)
			continue
		}
		owner := m.newToken(scope)
		m.token(owner).Element = n.ID
		own := m.openScope(ScopeCompensation, owner, n, scope)
		own.Variables = c.Variables
		id := own.ID
		switch start := compensator(n); {
		case n.Handler != nil:
			m.handler(id, n.Handler)
		case start != nil:
			for _, inner := range c.Inner {
				inner.ID, inner.Scope = m.nextID(), id
				m.s.Compensations = append(m.s.Compensations, inner)
			}
			m.beginEventSub(start, id, nil)
		default:
			m.handleAll(id, c.Inner)
		}
	}
}

func (m *machine) handler(scope int, n *bpmn.Node) {
	token := m.newToken(scope)
	m.token(token).Element = n.ID
	m.wake(token, n)
}

// compensated goes on when all handlers of a scope are done.
func (m *machine) compensated(sc *Scope) {
	id, token := sc.ID, sc.Token
	n := m.p.Node(sc.Element)
	m.takeCompensations(id, "")
	m.closeScope(id)
	switch {
	case n.Kind != bpmn.ThrowEvent && n.Kind != bpmn.EndEvent:
		m.drop(token) // it stood for the handlers of one activity
	case n.Event == bpmn.CancelEvent:
		m.cancelled(token, n)
	default:
		m.passed(n)
		m.ready = append(m.ready, runnable{token: token, node: n, leaving: true})
	}
}

// cancelTransaction is a cancel end event: what else runs in the transaction is stopped, what has completed is compensated, and then
// the transaction is left by its cancel boundary event (BPMN 2.0, 10.3.5 and 13.4.2).
func (m *machine) cancelTransaction(token int, n *bpmn.Node) {
	scope := m.token(token).Scope
	m.clearScope(scope, token)
	m.undo(token, n, scope, m.takeCompensations(scope, ""))
}

// cancelled leaves a transaction.
func (m *machine) cancelled(token int, n *bpmn.Node) {
	m.passed(n)
	sc := m.scope(m.token(token).Scope)
	transaction := m.p.Node(sc.Element)
	for _, b := range transaction.Boundary {
		if b.Event == bpmn.CancelEvent {
			owner := sc.Token
			if t := m.token(owner); m.inner(t, transaction) { // one instance cancels the activity, as an error would
				owner = m.scope(t.Scope).Token
			}
			m.leaveBy(b, owner, WaitMessage, nil, func() {})
			return
		}
	}
	m.suspend(token, n, Failure{Message: "the transaction has no cancel boundary event"})
}
