package engine

import (
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
)

// heedAdHoc remembers that something has ended in an ad-hoc sub-process.
func (m *machine) heedAdHoc(sc *Scope) {
	if n := m.p.Node(sc.Element); n.Kind == bpmn.AdHocSubProcess && !slices.Contains(m.adHoc, sc.ID) {
		m.adHoc = append(m.adHoc, sc.ID)
	}
}

// endsAdHoc reports whether the completion condition of the ad-hoc sub-process that a token is directly in holds, now that an element has
// completed, and then ends it with all that runs in it (BPMN 2.0, 13.3.5).
func (m *machine) endsAdHoc(token int, n *bpmn.Node) bool {
	t := m.token(token)
	if t.Scope == 0 || n.Parent == nil || n.Parent.AdHoc == nil || n.Parent.AdHoc.Until == nil {
		return false
	}
	sc := m.scope(t.Scope)
	if sc.Kind != ScopeSub || sc.Element != n.Parent.ID { // it is a compensation handler
		return false
	}
	id := sc.ID
	m.view = view{node: n.Parent, at: id, last: t.Last}
	over, err := m.condition(n.Parent.AdHoc.Until)
	if err != nil {
		m.heedAdHoc(sc) // becomes its incident
	}
	if err != nil || !over || !n.Parent.AdHoc.CancelRemaining {
		return false
	}
	m.finishAdHoc(id)
	return true
}

// finishAdHoc ends an ad-hoc sub-process and what still runs in it.
func (m *machine) finishAdHoc(id int) {
	m.clearScope(id, 0)
	m.closeIncident(m.scope(id).Token) // of an earlier look, at variables that were missing
	m.completeScope(m.scope(id))
}

// Enabled are the ids of the activities that Activated could start: those of open ad-hoc sub-processes which no flow
// leads to, in document order.
func Enabled(p *bpmn.Process, s *State) (ids []string) {
	for i := range s.Scopes {
		n := p.Node(s.Scopes[i].Element)
		if s.Scopes[i].Kind != ScopeSub || n == nil || n.Kind != bpmn.AdHocSubProcess || n.AdHoc != nil && n.AdHoc.Sequential && s.Scopes[i].Live > 0 {
			continue
		}
		for _, c := range n.Children {
			if enabled(c) {
				ids = append(ids, c.ID)
			}
		}
	}
	return ids
}

func enabled(n *bpmn.Node) bool {
	switch n.Kind {
	case bpmn.StartEvent, bpmn.BoundaryEvent, bpmn.EndEvent:
		return false
	}
	return len(n.Incoming) == 0 && !n.Triggered && !n.ForCompensation
}

// activated starts an activity of the ad-hoc sub-process that was begun last.
func (m *machine) activated(ev Activated) error {
	n := m.p.Node(ev.Element)
	if n == nil || n.Parent == nil || n.Parent.Kind != bpmn.AdHocSubProcess || !enabled(n) {
		return fmt.Errorf("element %q is no activity that an ad-hoc sub-process can start", ev.Element)
	}
	sc, err := m.openAdHoc(n.Parent)
	if err != nil {
		return err
	}
	if n.Parent.AdHoc != nil && n.Parent.AdHoc.Sequential && sc.Live > 0 {
		return fmt.Errorf("element %q cannot start: %q runs one activity at a time", ev.Element, n.Parent.ID)
	}
	if err := m.roomFor(1); err != nil {
		return err
	}
	token := m.newToken(sc.ID)
	m.token(token).Element = n.ID
	m.wake(token, n)
	return nil
}

// scopeFinished completes an ad-hoc sub-process by hand.
func (m *machine) scopeFinished(ev ScopeFinished) error {
	n := m.p.Node(ev.Element)
	if n == nil || n.Kind != bpmn.AdHocSubProcess {
		return fmt.Errorf("element %q is no ad-hoc sub-process", ev.Element)
	}
	sc, err := m.openAdHoc(n)
	if err != nil {
		return err
	}
	if sc.Live > 0 {
		return fmt.Errorf("ad-hoc sub-process %q cannot complete: something in it still runs", ev.Element)
	}
	m.closeIncident(sc.Token)
	m.completeScope(sc)
	return nil
}

func (m *machine) openAdHoc(n *bpmn.Node) (*Scope, error) {
	for i := len(m.s.Scopes) - 1; i >= 0; i-- {
		if sc := &m.s.Scopes[i]; sc.Kind == ScopeSub && sc.Element == n.ID {
			return sc, nil
		}
	}
	return nil, fmt.Errorf("ad-hoc sub-process %q is not open", n.ID)
}
