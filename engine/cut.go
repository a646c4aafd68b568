package engine

import "github.com/waybill-io/waybill/bpmn"

// cutOff lets the elements of some tokens hear that they end before their time, the innermost first.
func (m *machine) cutOff(which func(*Token) bool) {
	for i := len(m.s.Tokens) - 1; i >= 0; i-- {
		if t := &m.s.Tokens[i]; which(t) {
			m.cut(t)
		}
	}
}

// cut runs the end listeners of an element that does not come to its end and writes its output parameters, as in Camunda. What fails of
// that is left out: mostly it asks for results that are not there, and whoever interrupts an element wants to get on.
func (m *machine) cut(t *Token) {
	n := m.p.Node(t.Element)
	if n == nil || len(n.Listeners)+len(n.Outputs) == 0 || !m.under(t, n) {
		return
	}
	if m.weigh(); m.moves > maxMoves { // so many, or over such large variables, that the step would take too long
		return
	}
	from := view{node: n, at: t.place(), last: t.Last}
	for i := range m.s.Scopes {
		sc := &m.s.Scopes[i]
		switch {
		case sc.Token != t.ID:
		case sc.Kind == ScopeSub:
			from.at = sc.ID
		case sc.Kind == ScopeCompensation && n.Kind != bpmn.ThrowEvent && n.Kind != bpmn.EndEvent:
			return // it has ended long ago and is being compensated
		}
	}
	_ = m.listenAt(from, n.Listeners, "end")
	for i := range n.Outputs {
		_ = m.output(t, from, &n.Outputs[i])
	}
}

// under reports whether a token is under way in an element: it has entered it and not left it.
func (m *machine) under(t *Token, n *bpmn.Node) bool {
	if t.Flow != "" || t.Done || t.Ended || n.Loop != nil && !m.inner(t, n) { // a loop ends with its instances
		return false
	}
	for _, r := range m.ready[m.next:] {
		if r.token == t.ID {
			return false
		}
	}
	return true
}

// cutProcess ends all that is under way, and the process.
func (m *machine) cutProcess() {
	m.cutOff(func(*Token) bool { return true })
	_ = m.listenProcess("end") // as in cut
}
