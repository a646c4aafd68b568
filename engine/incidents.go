package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/waybill-io/waybill/bpmn"
)

// suspend stops a token at an element until an operator answers.
func (m *machine) suspend(token int, n *bpmn.Node, f Failure) *Token {
	t := m.token(token)
	m.s.Incidents = append(m.s.Incidents, Incident{
		ID: m.nextID(), Token: token, Element: n.ID, Code: f.Code, Type: f.Type, Message: f.Message, At: m.now, Offer: t.Offer,
	})
	t.Element, t.Offer = n.ID, nil
	m.broken(&m.s.Incidents[len(m.s.Incidents)-1])
	return t
}

// trouble is an error in what an element does: a BPMN error that a script threw, else an incident.
func (m *machine) trouble(token int, n *bpmn.Node, err error) {
	if thrown, ok := errors.AsType[*BPMNError](err); ok {
		m.fail(token, n, Failure{Code: thrown.Code, Message: thrown.Message}, nil)
		return
	}
	m.suspend(token, n, failure(err))
}

func failure(err error) Failure { return Failure{Message: err.Error()} }

func (m *machine) incidentAnswered(ev IncidentAnswered) error {
	i, ok := find(m.s.Incidents, ev.ID)
	if !ok {
		return fmt.Errorf("incident %d is not open", ev.ID)
	}
	switch ev.Action {
	case IncidentRetry, IncidentResolve, IncidentSkip:
	case IncidentCancel:
		m.solved(m.s.Incidents[i], ev.Action, "")
		m.s.Incidents = remove(m.s.Incidents, i)
		m.end(OutcomeCancelled)
		return nil
	default:
		return fmt.Errorf("incident %d: %q is no action: retry, resolve, skip or cancel", ev.ID, ev.Action)
	}
	incident := m.s.Incidents[i]
	n, err := m.node(incident.Element)
	if err != nil {
		return err
	}
	if err := m.setFromOutside(m.token(incident.Token).place(), ev.Variables); err != nil {
		return err
	}
	m.solved(incident, ev.Action, "")
	m.s.Incidents = remove(m.s.Incidents, i)
	t := m.token(incident.Token)
	if t.Flow == atEnd {
		m.take(t.ID) // then the instance ends again
		return nil
	}
	if t.Ending {
		t.Ending = false
		m.complete(t.ID, n, t.place())
		return nil
	}
	if sc, err := m.openAdHoc(n); n.Kind == bpmn.AdHocSubProcess && err == nil && sc.Token == t.ID { // its completion condition could not be evaluated
		if ev.Action != IncidentRetry {
			m.clearScope(sc.ID, 0)
			m.completeScope(m.scope(sc.ID))
			return nil
		}
		m.adHoc = append(m.adHoc, sc.ID)
		return nil
	}
	r := runnable{token: t.ID, node: n, via: flowByID(n.Incoming, t.Flow), leaving: t.Done}
	t.Flow, t.Done = "", false
	if ev.Action == IncidentRetry {
		t.Offer = incident.Offer
		if t.Offer != nil {
			t.Offer.Report.Retries, t.Offer.Report.NotBefore = nil, time.Time{}
			if ev.Retries > 0 {
				t.Offer.Report.Retries = &ev.Retries
			}
		}
	}
	switch {
	case r.leaving || ev.Action == IncidentRetry:
	case works(n):
		m.entered(t.ID, n, r.via) // it may not have come there
		m.abandon(t.ID)
		m.complete(t.ID, n, m.token(t.ID).place())
		return nil
	case n.Kind == bpmn.EndEvent && ev.Action == IncidentSkip:
		m.entered(t.ID, n, r.via)
		m.left(t.ID, n)
		m.drop(t.ID)
		return nil
	}
	if !r.leaving {
		m.abandon(t.ID)
	}
	m.ready = append(m.ready, r)
	return nil
}

// abandon takes away what an element had begun when it met its incident, but not its local variables.
func (m *machine) abandon(token int) {
	if len(m.s.Scopes) == 0 {
		return
	}
	local := m.token(token).Local
	m.takeAway(m.doom(func(*Token) bool { return false }, func(s *Scope) bool { return s.Token == token && s.ID != local }))
}

// works tells the elements that an operator can do by hand; a gateway or an end event can only be tried again.
func works(n *bpmn.Node) bool {
	switch n.Kind {
	case bpmn.ExclusiveGateway, bpmn.ParallelGateway, bpmn.InclusiveGateway, bpmn.EventBasedGateway, bpmn.EndEvent, bpmn.StartEvent, bpmn.BoundaryEvent:
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
