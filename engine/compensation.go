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
	c := Compensation{ID: m.nextID(), Scope: t.Scope, Element: n.ID, Variables: m.kept(t, sc)}
	if n.Handler == nil {
		c.Inner = inner
	}
	m.s.Compensations = append(m.s.Compensations, c)
}

// kept copies the variables of a sub-process: its input parameters and the element of its loop, which are around it, and those in it.
func (m *machine) kept(t *Token, sc *Scope) Variables {
	var around Variables
	if t.Local != 0 {
		around = m.scope(t.Local).Variables
	}
	return merged(around, sc.Variables)
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
	scope := m.token(token).Scope
	if n.Compensate != nil {
		m.compensateOne(token, n, scope)
		return
	}
	records := m.takeCompensations(scope, "")
	for scope != 0 && m.p.Node(m.scope(scope).Element).Triggered {
		scope = m.token(m.scope(scope).Token).Scope
		records = append(m.takeCompensations(scope, ""), records...)
	}
	m.undo(token, n, scope, records)
}

// compensateOne is a throwing event that names an activity, which may be around the event or in a sub-process that has completed, as in
// Activiti and Flowable.
func (m *machine) compensateOne(token int, n *bpmn.Node, from int) {
	scope, directly := m.around(from, n.Compensate)
	if directly {
		m.undo(token, n, scope, m.takeCompensations(scope, n.Compensate.ID))
		return
	}
	m.undo(token, n, scope, m.takeInside(scope, n.Compensate.ID))
}

// around is the innermost scope around a place that an element belongs to, and whether it is directly in that.
func (m *machine) around(place int, n *bpmn.Node) (scope int, directly bool) {
	for p := n.Parent; p != nil; p = p.Parent {
		for id := place; id != 0; {
			sc := m.scope(id)
			if sc.Element == p.ID && (sc.Kind == ScopeSub || sc.Kind == ScopeCompensation) {
				return id, p == n.Parent
			}
			id = sc.Parent
		}
	}
	return 0, n.Parent == nil
}

// takeInside removes the records of an activity that are anywhere below a scope. Each comes in a record of the sub-process that it
// completed in, for the variables of that.
func (m *machine) takeInside(scope int, element string) (taken []Compensation) {
	m.moves += len(m.s.Compensations) / elementsPerMove
	var rest []Compensation
	for _, c := range m.s.Compensations {
		around, below := m.between(c.Scope, scope)
		if !below {
			rest = append(rest, c)
			continue
		}
		picked, left := pick([]Compensation{c}, element)
		for _, p := range picked {
			p.Variables = merged(around, p.Variables) // a copy: what still runs around it may end before its handler
			taken = append(taken, p)
		}
		rest = append(rest, left...)
	}
	m.s.Compensations = rest
	return taken
}

// between are the local variables that are seen from a scope and not from another one around it; below is whether there is that around it.
func (m *machine) between(inner, outer int) (seen Variables, below bool) {
	for id := inner; id != outer; {
		if id == 0 {
			return nil, false
		}
		sc := m.scope(id)
		seen = merged(sc.Variables, seen)
		id = sc.Parent
	}
	return seen, true
}

// pick parts the records of an activity from others, at any depth.
func pick(list []Compensation, element string) (picked, rest []Compensation) {
	for _, c := range list {
		if c.Element == element {
			picked = append(picked, c)
			continue
		}
		inner, left := pick(c.Inner, element)
		if len(inner) > 0 {
			part := c
			part.Inner, c.Inner = inner, left
			picked = append(picked, part)
		}
		rest = append(rest, c)
	}
	return picked, rest
}

// merged is a copy of variables, with others over them; nil when there are none.
func merged(variables, over Variables) Variables {
	if len(variables)+len(over) == 0 {
		return nil
	}
	all := make(Variables, len(variables)+len(over))
	maps.Copy(all, variables)
	maps.Copy(all, over)
	return all
}

// undo starts the handlers of records for a token at a throwing event.
func (m *machine) undo(token int, n *bpmn.Node, scope int, records []Compensation) {
	sc := m.openScope(ScopeCompensation, token, n, scope)
	m.handleAll(sc.ID, records, n.Compensate)
}

// handleAll starts the handlers of a scope, which is done at once where there are none. Of records of sub-processes that come for the
// one activity in them only that is compensated.
func (m *machine) handleAll(scope int, records []Compensation, only *bpmn.Node) {
	m.scope(scope).Live++ // until all have begun
	m.handle(scope, records, only)
	sc := m.scope(scope)
	if sc.Live--; sc.Live == 0 {
		m.compensated(sc)
	}
}

// handle starts handlers in a scope, the last completed one first.
func (m *machine) handle(scope int, records []Compensation, only *bpmn.Node) {
	for _, c := range slices.Backward(records) {
		n := m.p.Node(c.Element)
		inside := only
		if n == only {
			inside = nil
		}
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
		case start != nil && inside == nil:
			for _, inner := range c.Inner {
				inner.ID, inner.Scope = m.nextID(), id
				m.s.Compensations = append(m.s.Compensations, inner)
			}
			m.beginEventSub(start, id, "", nil)
		default:
			m.handleAll(id, c.Inner, inside)
		}
	}
}

func (m *machine) handler(scope int, n *bpmn.Node) {
	token := m.newToken(scope)
	m.token(token).Element = n.ID
	m.compensates(token, n)
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
		m.passed(token, n)
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
	m.passed(token, n)
	sc := m.scope(m.token(token).Scope)
	transaction := m.p.Node(sc.Element)
	for _, b := range transaction.Boundary {
		if b.Event == bpmn.CancelEvent {
			owner := sc.Token
			if t := m.token(owner); m.inner(t, transaction) { // one instance cancels the activity, as an error would
				owner = m.scope(t.Scope).Token
			}
			m.leaveBy(b, owner, WaitMessage, "", nil, func() {})
			return
		}
	}
	m.suspend(token, n, Failure{Message: "the transaction has no cancel boundary event"})
}
