package engine

import (
	"errors"

	"github.com/waybill-io/waybill/bpmn"
)

// endEvent takes a token away; a terminate end event takes all of them (BPMN 2.0, 10.5.3).
func (m *machine) endEvent(token int, n *bpmn.Node) {
	m.passed(n)
	if n.Event == bpmn.TerminateEvent {
		m.end(OutcomeCompleted)
		return
	}
	m.drop(token)
}

// catch is an intermediate catch event.
func (m *machine) catch(token int, n *bpmn.Node) error {
	switch n.Event {
	case bpmn.MessageEvent:
		return m.subscribe(token, n)
	case bpmn.TimerEvent:
		d, err := m.due(n.Timer)
		if err != nil {
			return err
		}
		m.startTimer(token, n, due{at: d.at})
		return nil
	}
	return errors.New("a catch event waits for a message or a timer")
}

// subscribe waits for a message. A receive task without a message waits for MessageReceived all the same; its Subscribe
// has no name.
func (m *machine) subscribe(token int, n *bpmn.Node) error {
	w := Wait{Token: token, Kind: WaitMessage, Element: n.ID}
	if n.Message != nil {
		var err error
		if w.Name, err = m.text("message name", n.Message.Name); err != nil {
			return err
		}
		if w.Name == "" {
			return errors.New("message name: it is empty")
		}
		w.Key = m.s.BusinessKey
		if n.Message.Key != nil {
			if w.Key, err = m.text("correlation key", n.Message.Key); err != nil {
				return err
			}
			if w.Key == "" {
				return errors.New("correlation key: it is empty; any message of that name would fit")
			}
		}
	}
	w.ID = m.nextID()
	m.await(w, Subscribe{ID: w.ID, Element: n.ID, Name: w.Name, Key: w.Key})
	return nil
}

func (m *machine) messageReceived(ev MessageReceived) error {
	w, n, err := m.answered(ev.ID, WaitMessage)
	if err != nil {
		return err
	}
	m.conclude(w, n, ev.Variables)
	return nil
}
