package engine

import (
	"errors"
	"fmt"
	"maps"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// catcher is where something thrown is caught: a boundary event of what a token stands at, or the start event of an event
// sub-process in a scope.
type catcher struct {
	event *bpmn.Node
	token int // of the boundary event's activity
	scope int // of the event sub-process
}

// catcher looks for a catching event from the inside out, beginning with what a token stands at: its boundary events, then the
// event sub-processes beside it, then the same of the sub-process around it. At each place an event for this code comes before one
// for any code. An event sub-process does not catch what comes out of itself.
func (m *machine) catcher(token int, kind bpmn.EventKind, code string) (catcher, bool) {
	t, undoing := m.token(token), false
	for {
		n := m.p.Node(t.Element)
		if n == nil {
			return catcher{}, false
		}
		if !undoing && !m.inner(t, n) {
			if b := m.match(n.Boundary, kind, code); b != nil {
				return catcher{event: b, token: t.ID}, true
			}
		}
		around := m.p.Top()
		if t.Scope != 0 {
			sc := m.scope(t.Scope)
			around = nil
			if sc.Kind == ScopeSub {
				around = m.p.Node(sc.Element).Children
			}
		}
		var starts []*bpmn.Node
		for _, c := range around {
			if c.Kind == bpmn.SubProcess && c.Triggered && c != n {
				starts = append(starts, trigger(c))
			}
		}
		if start := m.match(starts, kind, code); start != nil {
			return catcher{event: start, scope: t.Scope}, true
		}
		if t.Scope == 0 {
			return catcher{}, false
		}
		sc := m.scope(t.Scope)
		undoing = sc.Kind == ScopeCompensation // the activity that is undone has ended: it catches nothing
		t = m.token(sc.Token)
	}
}

// match is the event among some that catches a code: the one that names it, else the first one for any.
func (m *machine) match(events []*bpmn.Node, kind bpmn.EventKind, code string) *bpmn.Node {
	var any *bpmn.Node
	for _, e := range events {
		if e == nil || e.Event != kind {
			continue
		}
		switch want := m.codeOf(e); {
		case want == "" && any == nil:
			any = e
		case want == code && want != "":
			return e
		}
	}
	return any
}

// codeOf is the code that an event catches, "" for any.
func (m *machine) codeOf(n *bpmn.Node) string {
	var code *juel.Expr
	switch {
	case n.Error != nil:
		code = n.Error.Code
	case n.Escalation != nil:
		code = n.Escalation.Code
	}
	if code == nil || code.IsLiteral() {
		text, _ := m.text("code", code) // a literal has no error
		return text
	}
	m.view = view{node: n}
	text, err := m.text("code", code)
	if err != nil {
		return code.Source() // no code that is thrown
	}
	return text
}

// caught takes the way of a catcher.
func (m *machine) caught(c catcher, code string, given Variables) {
	if c.event.Kind == bpmn.BoundaryEvent {
		m.leaveBy(c.event, c.token, WaitMessage, code, given, func() {})
		return
	}
	m.beginEventSub(c.event, c.scope, code, given)
}

// throwError is an error end event.
func (m *machine) throwError(token int, n *bpmn.Node) error {
	f := Failure{}
	if n.Error != nil {
		var err error
		if f.Code, err = m.text("error code", n.Error.Code); err != nil {
			return err
		}
		if f.Message, err = m.text("error message", n.Error.Message); err != nil {
			return err
		}
	}
	m.passed(token, n)
	m.fail(token, n, f, nil)
	return nil
}

// fail is a BPMN error at an element. What nothing catches is the caller's, an incident, or the silent end of the token,
// as the deployment says.
func (m *machine) fail(token int, n *bpmn.Node, f Failure, given Variables) {
	if c, ok := m.catcher(token, bpmn.ErrorEvent, f.Code); ok {
		m.caught(c, f.Code, withCode(given, c.event.Error, f))
		return
	}
	switch {
	case m.s.Called:
		m.endWith(End{Outcome: OutcomeFailed, Failure: f})
	case m.p.Uncaught == bpmn.UncaughtEnd:
		m.interrupt(token, n)
		m.drop(token)
	default:
		if f.Message == "" {
			f.Message = "thrown without a message"
		}
		f.Message = fmt.Sprintf("BPMN error %s, which nothing catches: %s", f.Code, f.Message)
		m.suspend(token, n, f)
	}
}

// withCode adds what a catching error event asks for.
func withCode(given Variables, e *bpmn.ErrorRef, f Failure) Variables {
	if e == nil || e.CodeVariable == "" && e.MessageVariable == "" {
		return given
	}
	all := Variables{}
	maps.Copy(all, given)
	if e.CodeVariable != "" {
		all[e.CodeVariable] = f.Code
	}
	if e.MessageVariable != "" {
		all[e.MessageVariable] = f.Message
	}
	return all
}

// throwEscalation is a throwing escalation event. What nothing here catches is the caller's, if there is one.
func (m *machine) throwEscalation(token int, n *bpmn.Node) error {
	code := ""
	if n.Escalation != nil {
		var err error
		if code, err = m.text("escalation code", n.Escalation.Code); err != nil {
			return err
		}
	}
	m.escalate(token, code, nil)
	return nil
}

// escalate hands an escalation to who catches it and reports whether anybody here does.
func (m *machine) escalate(token int, code string, given Variables) bool {
	c, ok := m.catcher(token, bpmn.EscalationEvent, code)
	if !ok {
		if m.s.Called {
			m.command(Escalate{ID: m.nextID(), Code: code, Variables: given})
		}
		return false
	}
	if e := c.event.Escalation; e != nil && e.CodeVariable != "" {
		all := Variables{e.CodeVariable: code}
		maps.Copy(all, given)
		given = all
	}
	m.caught(c, code, given)
	return true
}

// escalated is an escalation of a called process, or by whoever works on a task.
func (m *machine) escalated(ev Escalated) error {
	w, n, err := m.answered(ev.ID, WaitTask, WaitChild)
	if err != nil {
		return err
	}
	if w.Kind == WaitTask && !m.s.Called {
		if _, ok := m.catcher(w.Token, bpmn.EscalationEvent, ev.Code); !ok {
			return fmt.Errorf("nothing catches escalation %q of task %q", ev.Code, n.ID)
		}
	}
	given, err := normalized(ev.Variables)
	if err != nil {
		return fmt.Errorf("variable %w", err)
	}
	m.escalate(w.Token, ev.Code, given)
	return nil
}

// failed is a call, script, task or called process that has failed for good.
func (m *machine) failed(ev Failed) error {
	w, n, err := m.answered(ev.ID, WaitCall, WaitScript, WaitOffer, WaitPublish, WaitChild, WaitTask)
	if err != nil {
		return err
	}
	f := ev.Failure
	if w.Kind == WaitTask && f.Code == "" {
		return errors.New("a user task fails with the code of a BPMN error")
	}
	if w.Kind == WaitOffer && m.s.Engine >= 5 {
		m.offerFailed(w, n, ev)
		return nil
	}
	m.undone(w, ev)
	if len(n.ErrorMappings) > 0 && f.Code == "" {
		if mapped, ok := m.mappedError(w, n, ev.Variables, &f, ev.By); ok {
			f = mapped
		}
	}
	m.forget(w.ID)
	if f.Message == "" {
		f.Message = "failed without a message"
	}
	if f.Code != "" {
		m.fail(w.Token, n, f, ev.Variables)
		return nil
	}
	m.suspend(w.Token, n, f)
	return nil
}

// mappedError is the BPMN error that the model makes of a result or, with f, of a failure; by is whose they are.
func (m *machine) mappedError(w Wait, n *bpmn.Node, results Variables, f *Failure, by By) (Failure, bool) {
	message := ""
	if f != nil {
		message = f.Message
	}
	offer, external := w.Command.(OfferTask)
	if external && f == nil && m.s.Engine >= 5 {
		message = offer.Report.Message
	}
	for _, e := range n.ErrorMappings {
		if e.When != nil {
			m.look(w.Token, n)
			task := map[string]any{"errorMessage": message}
			if external && m.s.Engine >= 5 {
				task = m.externalTask(w, n, by)
			}
			m.view.results = Variables{"errorMessage": message, "externalTask": task}
			maps.Copy(m.view.results, results)
			value, err := e.When.Eval(m)
			if holds, ok := value.(bool); err != nil || !ok || !holds {
				continue // as in Camunda, a condition that cannot be evaluated does not hold
			}
		} else if f == nil || e.Class != "" && e.Class != f.Type {
			continue
		}
		return Failure{Code: e.Code, Message: message}, true
	}
	return Failure{}, false
}
