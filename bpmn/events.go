package bpmn

import (
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// eventKinds says which event definitions each event may have.
var eventKinds = map[Kind]struct {
	none    bool
	allowed map[string]EventKind
	say     string
}{
	StartEvent:    {true, map[string]EventKind{"messageEventDefinition": MessageEvent, "timerEventDefinition": TimerEvent}, "none, message and timer start events"},
	EndEvent:      {true, map[string]EventKind{"terminateEventDefinition": TerminateEvent}, "none and terminate end events"},
	CatchEvent:    {false, map[string]EventKind{"messageEventDefinition": MessageEvent, "timerEventDefinition": TimerEvent}, "message and timer catch events"},
	BoundaryEvent: {false, map[string]EventKind{"timerEventDefinition": TimerEvent}, "timer boundary events"},
}

func (p *parser) event(e *element, n *Node) {
	n.Interrupting = n.Kind == BoundaryEvent && p.boolean(e, "cancelActivity", true)
	if n.Kind == StartEvent {
		n.Initiator = dialectAttr(e, "initiator")
	}
	if e.child("eventDefinitionRef") != nil {
		p.at(e, "eventDefinitionRef is not supported: write the event definition inside the event")
		return
	}
	defs := eventDefinitions(e)
	can := eventKinds[n.Kind]
	switch {
	case len(defs) > 1:
		p.at(e, "has %d event definitions; one is supported", len(defs))
		return
	case len(defs) == 0 && !can.none:
		p.at(e, "has no event definition; supported are %s", can.say)
		return
	case len(defs) == 0:
		return
	}
	def := defs[0]
	kind, ok := can.allowed[def.name.Local]
	if !ok {
		p.at(e, "%s is not supported here; supported are %s", def.name.Local, can.say)
		return
	}
	n.Event = kind
	p.dialect(e, def)
	switch kind {
	case TimerEvent:
		n.Timer = p.timer(e, def, n)
	case MessageEvent:
		n.Message = p.message(e, def)
		if n.Kind == StartEvent && n.Message != nil && n.Message.Name != nil && !n.Message.Name.IsLiteral() {
			p.at(e, "the message name of a start event cannot hold an expression: there are no variables yet")
		}
	}
}

func eventDefinitions(e *element) []*element {
	var defs []*element
	for _, c := range e.children {
		if c.name.Space == nsBPMN && strings.HasSuffix(c.name.Local, "EventDefinition") {
			defs = append(defs, c)
		}
	}
	return defs
}

// timer reads a timerEventDefinition. A literal is checked now, an expression when it is evaluated.
func (p *parser) timer(e, def *element, n *Node) *Timer {
	t := &Timer{}
	found := 0
	read := func(local string, field **juel.Expr, check func(string) error) {
		for _, c := range def.all(local) {
			found++
			if c.text() == "" {
				p.at(e, "%s is empty", local)
				continue
			}
			p.dialect(e, c)
			x := p.expr(e, local, c.text())
			if x != nil && x.IsLiteral() {
				if err := check(c.text()); err != nil {
					p.at(e, "%s: %v", local, err)
				}
			}
			*field = x
		}
	}
	read("timeDate", &t.Date, func(s string) error { _, err := ParseDate(s); return err })
	read("timeDuration", &t.Duration, func(s string) error { _, err := ParseDuration(s); return err })
	read("timeCycle", &t.Cycle, func(s string) error { _, _, err := ParseCycle(s); return err })
	if found != 1 {
		p.at(e, "a timer needs exactly one of timeDate, timeDuration and timeCycle, this one has %d", found)
	}
	if t.Cycle != nil && n.Kind == CatchEvent {
		p.at(e, "timeCycle: a catch event fires once; use timeDuration or timeDate")
	}
	if t.Cycle != nil && n.Interrupting {
		p.notice("cycle-once", e, "an interrupting timer fires once, the repetitions of timeCycle never happen")
	}
	return t
}

// message resolves the messageRef of a messageEventDefinition or a receive task; holder has the attributes.
func (p *parser) message(e, holder *element) *Message {
	ref := reference(holder, "messageRef")
	if ref == "" {
		p.at(e, "waits for no message: set messageRef to the id of a message")
		return nil
	}
	m, ok := p.messages[ref]
	if !ok {
		p.at(e, "messageRef %q: there is no message with this id", clip(ref))
		return nil
	}
	name := m.attr("", "name")
	if name == "" {
		p.at(e, "messageRef %q: the message in line %d has no name", clip(ref), m.line)
		return nil
	}
	return &Message{
		Name: p.expr(e, "message name", name),
		Key:  p.expr(e, "correlationKey", dialectAttr(holder, "correlationKey")),
	}
}
