package engine

import (
	"fmt"

	"github.com/waybill-io/waybill/bpmn"
)

// arm has the boundary events of an activity wait, all or none, in document order.
func (m *machine) arm(token int, n *bpmn.Node) error {
	t := m.token(token)
	if len(n.Boundary) == 0 || t.Armed {
		return nil
	}
	events := make([]Wait, 0, len(n.Boundary))
	for _, b := range n.Boundary {
		if !waits(b) {
			continue
		}
		w, err := m.prepare(Wait{Token: token}, b)
		if err != nil {
			return fmt.Errorf("boundary event %q: %w", b.ID, err)
		}
		events = append(events, w)
	}
	for _, w := range events {
		m.begun(w)
	}
	t.Armed = true
	return nil
}

// disarm stops what is still under way for an activity. At most one wait per boundary event can be left, its own
// included when a boundary event has fired.
func (m *machine) disarm(t *Token, n *bpmn.Node) {
	t.Armed = false
	left := len(n.Boundary)
	for i := 0; i < len(m.s.Waits) && left > 0; {
		w := m.s.Waits[i]
		if w.Token != t.ID {
			i++
			continue
		}
		m.stop(w)
		m.s.Waits = remove(m.s.Waits, i)
		left--
	}
}

// leaveBy takes the way of a boundary event, for a message, signal or error of a name: the activity's token when it interrupts, a new one
// else. again is called where the event waits for its next time.
func (m *machine) leaveBy(b *bpmn.Node, host int, kind WaitKind, name string, given Variables, again func()) {
	token := host
	if b.Interrupting {
		m.interrupt(host, b.AttachedTo)
	} else {
		again()
		token = m.newToken(m.token(host).Scope)
		if m.p.History {
			m.token(token).Last = m.token(host).Last
		}
	}
	t := m.token(token)
	t.Element = b.ID
	m.entered(token, b, nil)
	m.heard(token, b, name, given)
	if err := m.roomFor(0); err != nil {
		m.suspend(token, b, failure(err))
		return
	}
	if err := m.takeFrom(kind, b, t.Scope, given); err != nil {
		m.suspend(token, b, failure(err))
		return
	}
	m.passed(token, b)
	m.ready = append(m.ready, runnable{token: token, node: b, leaving: true})
}
