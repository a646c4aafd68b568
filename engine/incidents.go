package engine

import (
	"fmt"

	"github.com/waybill-io/waybill/bpmn"
)

// suspend stops a token at an element until an operator answers.
func (m *machine) suspend(token int, n *bpmn.Node, f Failure) *Token {
	m.s.Incidents = append(m.s.Incidents, Incident{
		ID: m.nextID(), Token: token, Element: n.ID, Code: f.Code, Message: f.Message, At: m.now,
	})
	t := m.token(token)
	t.Element = n.ID
	return t
}

func failure(err error) Failure { return Failure{Message: err.Error()} }

// failed suspends a token whose connector call or script has failed for good. A BPMN error that no boundary event catches
// is an incident too: losing it would be silent.
func (m *machine) failed(ev Failed) error {
	w, n, err := m.answered(ev.ID, WaitCall, WaitScript)
	if err != nil {
		return err
	}
	m.forget(w.ID)
	f := ev.Failure
	if f.Message == "" {
		f.Message = "failed without a message"
	}
	if f.Code != "" {
		f.Message = fmt.Sprintf("BPMN error %s, which nothing catches: %s", f.Code, f.Message)
	}
	m.suspend(w.Token, n, f)
	return nil
}

func (m *machine) incidentAnswered(ev IncidentAnswered) error {
	i, ok := find(m.s.Incidents, ev.ID)
	if !ok {
		return fmt.Errorf("incident %d is not open", ev.ID)
	}
	switch ev.Action {
	case IncidentRetry, IncidentResolve:
	case IncidentCancel:
		m.end(OutcomeCancelled)
		return nil
	default:
		return fmt.Errorf("incident %d: %q is no action: retry, resolve or cancel", ev.ID, ev.Action)
	}
	incident := m.s.Incidents[i]
	n, err := m.node(incident.Element)
	if err != nil {
		return err
	}
	if err := m.setFromOutside(ev.Variables); err != nil {
		return err
	}
	m.s.Incidents = remove(m.s.Incidents, i)
	t := m.token(incident.Token)
	r := runnable{token: t.ID, node: n, via: flowByID(n.Incoming, t.Flow), leaving: t.Done}
	t.Flow, t.Done = "", false
	if ev.Action == IncidentResolve && !r.leaving && works(n) {
		m.finish(t, n)
		r.leaving = true
	}
	m.ready = append(m.ready, r)
	return nil
}

// works tells the elements that an operator can do by hand; a gateway or an end event can only be tried again.
func works(n *bpmn.Node) bool {
	switch n.Kind {
	case bpmn.ExclusiveGateway, bpmn.ParallelGateway, bpmn.EndEvent:
		return false
	}
	return true
}

func flowByID(flows []*bpmn.Flow, id string) *bpmn.Flow {
	for _, f := range flows {
		if f.ID == id {
			return f
		}
	}
	return nil
}
