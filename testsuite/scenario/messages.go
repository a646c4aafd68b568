package scenario

import (
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// subscription is an instance that waits for a message, or, without a name, to be woken.
type subscription struct {
	command
	element, name, key string
}

// publish hands a message to the first that waits for its name and key, or else starts the processes that begin with it.
func (w *world) publish(m *messageStep) error {
	for _, s := range w.subscriptions {
		if s.name == m.name && s.key == m.key {
			return w.deliver(s, m.variables)
		}
	}
	started, err := w.startByMessage(startStep{message: m.name, variables: m.variables})
	if err == nil && started == nil {
		err = nobodyWaits{fmt.Errorf("message %q with key %q: nobody waits for it", m.name, m.key)}
	}
	return err
}

// nobodyWaits is a message that nobody takes.
type nobodyWaits struct{ error }

// publishTo hands a message to an instance, whatever the key unless there is one.
func (w *world) publishTo(m *messageStep) error {
	i, err := w.find(m.instance)
	if err != nil {
		return err
	}
	for _, s := range w.subscriptions {
		if s.instance == i && s.name == m.name && (m.key == "" || m.key == s.key) && (m.element == "" || m.element == s.element) {
			return w.deliver(s, m.variables)
		}
	}
	at := m.instance
	if m.element != "" {
		at += ", element " + m.element
	}
	return fmt.Errorf("message %q for %s: nobody waits for it", m.name, at)
}

// trigger wakes a receive task that waits for no message.
func (w *world) trigger(t *triggerStep) error {
	i, err := w.find(t.instance)
	if err != nil {
		return err
	}
	for _, s := range w.subscriptions {
		if s.instance == i && s.name == "" && s.element == t.element {
			return w.deliver(s, t.variables)
		}
	}
	return fmt.Errorf("element %q of %s is no receive task that waits to be woken", t.element, t.instance)
}

func (w *world) deliver(s *subscription, variables map[string]any) error {
	if err := w.apply(s.instance, engine.MessageReceived{ID: s.id, Variables: variables}); err != nil {
		return err
	}
	w.subscriptions = slices.DeleteFunc(w.subscriptions, func(other *subscription) bool { return other == s })
	return nil
}

// startByMessage starts every process that begins with a message, by key, and returns the first instance; nil when there
// are none.
func (w *world) startByMessage(s startStep) (first *instance, err error) {
	for _, key := range slices.Sorted(maps.Keys(w.definitions)) {
		element := messageStart(w.definitions[key].process, s.message)
		if element == "" {
			continue
		}
		i, err := w.begin(key, element, s)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = i
		}
	}
	return first, nil
}

// messageStart is where a message starts a process. Its name holds no expression: bpmn refuses that.
func messageStart(p *bpmn.Process, message string) (element string) {
	for _, n := range p.Top() {
		if engine.Starts(n) && n.Message != nil && n.Message.Name.Source() == message {
			element = n.ID
		}
	}
	return element
}
