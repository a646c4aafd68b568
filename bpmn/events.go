package bpmn

import (
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// isRoot tells the children of definitions that events refer to.
func isRoot(local string) bool {
	switch local {
	case "message", "signal", "error", "escalation":
		return true
	}
	return strings.HasSuffix(local, "EventDefinition")
}

var definitionKinds = map[string]EventKind{
	"messageEventDefinition": MessageEvent, "timerEventDefinition": TimerEvent, "terminateEventDefinition": TerminateEvent,
	"signalEventDefinition": SignalEvent, "errorEventDefinition": ErrorEvent, "escalationEventDefinition": EscalationEvent,
	"compensateEventDefinition": CompensationEvent, "conditionalEventDefinition": ConditionalEvent,
	"linkEventDefinition": LinkEvent, "cancelEventDefinition": CancelEvent,
}

// eventKinds says which event definitions each event may have.
var eventKinds = map[Kind]struct {
	allowed []EventKind
	say     string
}{
	StartEvent: {[]EventKind{NoEvent, MessageEvent, TimerEvent, SignalEvent, ConditionalEvent, ErrorEvent, EscalationEvent, CompensationEvent},
		"none, message, timer, signal and conditional start events, and in event sub-processes error, escalation and compensation start events"},
	EndEvent: {[]EventKind{NoEvent, MessageEvent, SignalEvent, ErrorEvent, EscalationEvent, CompensationEvent, TerminateEvent, CancelEvent},
		"none, message, signal, error, escalation, compensation, terminate and cancel end events"},
	CatchEvent: {[]EventKind{MessageEvent, TimerEvent, SignalEvent, ConditionalEvent, LinkEvent},
		"message, timer, signal, conditional and link catch events"},
	ThrowEvent: {[]EventKind{NoEvent, MessageEvent, SignalEvent, EscalationEvent, CompensationEvent, LinkEvent},
		"none, message, signal, escalation, compensation and link throw events"},
	BoundaryEvent: {[]EventKind{MessageEvent, TimerEvent, SignalEvent, ErrorEvent, EscalationEvent, CompensationEvent, ConditionalEvent, CancelEvent},
		"message, timer, signal, error, escalation, compensation, conditional and cancel boundary events"},
}

func (p *parser) event(e *element, n *Node) {
	switch n.Kind {
	case BoundaryEvent:
		n.Interrupting = p.boolean(e, "cancelActivity", true)
	case StartEvent:
		n.Interrupting = n.Parent != nil && p.boolean(e, "isInterrupting", true)
		n.Initiator = dialectAttr(e, "initiator")
	}
	defs := eventDefinitions(e)
	for _, ref := range e.all("eventDefinitionRef") {
		text := ref.text()
		def := p.roots[text[strings.LastIndexByte(text, ':')+1:]]
		if def == nil || definitionKinds[def.name.Local] == 0 {
			p.at(e, "eventDefinitionRef %q: there is no event definition with this id", clip(text))
			return
		}
		defs = append(defs, def)
	}
	can := eventKinds[n.Kind]
	switch {
	case len(defs) > 1:
		p.at(e, "has %d event definitions; one is supported", len(defs))
		return
	case len(defs) == 0 && !slices.Contains(can.allowed, NoEvent):
		p.at(e, "has no event definition; supported are %s", can.say)
		return
	case len(defs) == 0:
		return
	}
	def := defs[0]
	kind, ok := definitionKinds[def.name.Local]
	inSub := n.Parent != nil && p.elements[n.Parent].attr("", "triggeredByEvent") == "true"
	if n.Kind == StartEvent && !inSub && (kind == ErrorEvent || kind == EscalationEvent || kind == CompensationEvent) {
		ok = false
	}
	if !ok || !slices.Contains(can.allowed, kind) {
		p.at(e, "%s is not supported here; supported are %s", def.name.Local, can.say)
		return
	}
	n.Event = kind
	p.dialect(e, def)
	p.definition(e, def, n)
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

// throws tells the events that make something happen elsewhere.
func throws(n *Node) bool { return n.Kind == ThrowEvent || n.Kind == EndEvent }

// variableEvents refuses a conditional event that hears only of some kinds of changes. Creation and update are all that expressions can tell.
func (p *parser) variableEvents(e, def *element) {
	text := dialectAttr(def, "variableEvents")
	if kinds := splitList(text); len(kinds) > 0 && (!slices.Contains(kinds, "create") || !slices.Contains(kinds, "update")) {
		p.at(e, "variableEvents=%q is not supported: the event hears of every change; leave the attribute out and say in the condition what must hold", clip(text))
	}
}

// definition reads an event definition.
func (p *parser) definition(e, def *element, n *Node) {
	atStart := n.Kind == StartEvent && n.Parent == nil
	switch n.Event {
	case TimerEvent:
		n.Timer = p.timer(e, def, n)
	case MessageEvent:
		p.messageEvent(e, def, n)
		if atStart && n.Message != nil && n.Message.Name != nil && !n.Message.Name.IsLiteral() {
			p.at(e, "the message name of a start event cannot hold an expression: there are no variables yet")
		}
	case SignalEvent:
		n.Signal = p.signal(e, def)
		if atStart && n.Signal != nil && n.Signal.Name != nil && !n.Signal.Name.IsLiteral() {
			p.at(e, "the signal name of a start event cannot hold an expression: there are no variables yet")
		}
		if n.Signal != nil && throws(n) {
			n.Signal.In = p.transfers(e, def, "in")
		}
	case ErrorEvent:
		n.Error = p.error(e, def, n)
		if n.Kind != EndEvent && !n.Interrupting {
			n.Interrupting = true // what has failed cannot go on (BPMN 2.0, table 10.93)
		}
	case EscalationEvent:
		n.Escalation = p.escalation(e, def, n)
	case ConditionalEvent:
		c := def.child("condition")
		if c == nil || c.text() == "" {
			p.at(e, "has no condition")
			return
		}
		n.Condition = p.conditionOf(e, "condition", c)
		n.Variables = splitList(dialectAttr(def, "variableName"))
		p.variableEvents(e, def)
	case TerminateEvent:
		switch {
		case dialectAttr(def, "terminateAll") == "true":
			n.Scope = TerminateAll
		case dialectAttr(def, "terminateMultiInstance") == "true":
			n.Scope = TerminateMultiInstance
		}
	case CompensationEvent:
		n.Interrupting = n.Kind == BoundaryEvent || n.Kind == StartEvent
		if def.attr("", "waitForCompletion") == "false" {
			p.notice("waits", e, "waitForCompletion=\"false\" is ignored: the event waits until all is compensated, as in the engines that models come from")
		}
	case CancelEvent:
		n.Interrupting = true
	}
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
			p.pure(e, local, x)
			if x != nil && x.IsLiteral() {
				if err := check(c.text()); err != nil {
					p.at(e, "%s: %v", local, err)
				}
			}
			*field = x
			if end := dialectAttr(c, "endDate"); end != "" && local == "timeCycle" {
				t.End = p.expr(e, "endDate", end)
				if t.End != nil && t.End.IsLiteral() {
					if _, err := ParseDate(end); err != nil {
						p.at(e, "endDate: %v", err)
					}
				}
			}
		}
	}
	read("timeDate", &t.Date, func(s string) error { _, err := ParseDate(s); return err })
	read("timeDuration", &t.Duration, func(s string) error { _, err := ParseDuration(s); return err })
	read("timeCycle", &t.Cycle, func(s string) error { _, err := ParseCycle(s); return err })
	if found != 1 {
		p.at(e, "a timer needs exactly one of timeDate, timeDuration and timeCycle, this one has %d", found)
	}
	if t.Cycle != nil && (n.Kind == CatchEvent || n.Interrupting) {
		p.notice("cycle-once", e, "this timer fires once, the repetitions of timeCycle never happen")
	}
	return t
}

// messageEvent reads the message of an event. A throwing one can also be done by a connector, a Java class or an external
// worker, which then wins.
func (p *parser) messageEvent(e, def *element, n *Node) {
	if !throws(n) {
		n.Message = p.message(e, def)
		return
	}
	if reference(def, "messageRef") != "" || dialectAttr(def, "messageExpression") != "" {
		n.Message = p.message(e, def)
	}
	p.worker(e, def, n, false)
	if n.Implementation == "" && e.attr("", "implementation") != "" {
		n.Implementation = e.attr("", "implementation")
	}
	if n.Message == nil && n.Implementation == "" && n.Topic == nil && n.Expression == nil && !p.refused[n.ID] {
		p.notice("no-message", e, "throws no message: nothing happens here")
	}
}

// message resolves the messageRef of a messageEventDefinition or a receive task; holder has the attributes.
func (p *parser) message(e, holder *element) *Message {
	key := p.expr(e, "correlationKey", dialectAttr(holder, "correlationKey"))
	if name := dialectAttr(holder, "messageExpression"); name != "" {
		return &Message{Name: p.expr(e, "message name", name), Key: key}
	}
	ref := reference(holder, "messageRef")
	if ref == "" {
		p.at(e, "waits for no message: set messageRef to the id of a message")
		return nil
	}
	m := p.roots[ref]
	if m == nil || !m.is("message") {
		p.at(e, "messageRef %q: there is no message with this id", clip(ref))
		return nil
	}
	name := m.attr("", "name")
	if name == "" {
		p.at(e, "messageRef %q: the message in line %d has no name", clip(ref), m.line)
		return nil
	}
	return &Message{Name: p.expr(e, "message name", name), Key: key}
}

func (p *parser) signal(e, def *element) *Signal {
	if name := dialectAttr(def, "signalExpression"); name != "" {
		return &Signal{Name: p.expr(e, "signal name", name)}
	}
	ref := reference(def, "signalRef")
	if ref == "" {
		p.at(e, "names no signal: set signalRef to the id of a signal")
		return nil
	}
	s := p.roots[ref]
	if s == nil || !s.is("signal") {
		p.at(e, "signalRef %q: there is no signal with this id", clip(ref))
		return nil
	}
	name := s.attr("", "name")
	if name == "" {
		p.at(e, "signalRef %q: the signal in line %d has no name", clip(ref), s.line)
		return nil
	}
	return &Signal{Name: p.expr(e, "signal name", name), Local: dialectAttr(s, "scope") == "processInstance"}
}

// error reads an errorEventDefinition. A reference to no error is the code itself, as in Activiti.
func (p *parser) error(e, def *element, n *Node) *ErrorRef {
	r := &ErrorRef{
		CodeVariable: firstOf(dialectAttr(def, "errorCodeVariable"), dialectAttr(def, "errorVariableName")), MessageVariable: dialectAttr(def, "errorMessageVariable"),
	}
	code := p.errorCode(e, reference(def, "errorRef"))
	if code == "" && throws(n) {
		p.at(e, "throws an error without a code: set errorRef to an error with an errorCode")
		return r
	}
	r.Code = p.expr(e, "error code", code)
	if el := p.roots[reference(def, "errorRef")]; el != nil {
		r.Message = p.expr(e, "error message", firstOf(dialectAttr(el, "errorMessage"), el.attr("", "errorMessage")))
	}
	return r
}

// errorCode is the code that a reference to an error means, "" for none.
func (p *parser) errorCode(e *element, ref string) string {
	el := p.roots[ref]
	switch {
	case ref == "":
		return ""
	case el == nil || !el.is("error"):
		return ref
	case el.attr("", "errorCode") == "":
		p.at(e, "errorRef %q: the error in line %d has no errorCode", clip(ref), el.line)
	}
	return el.attr("", "errorCode")
}

func (p *parser) escalation(e, def *element, n *Node) *Escalation {
	r := &Escalation{CodeVariable: dialectAttr(def, "escalationCodeVariable")}
	ref := reference(def, "escalationRef")
	el := p.roots[ref]
	switch {
	case ref == "":
	case el == nil || !el.is("escalation"):
		p.at(e, "escalationRef %q: there is no escalation with this id", clip(ref))
		return r
	default:
		r.Code = p.expr(e, "escalation code", el.attr("", "escalationCode"))
	}
	if r.Code == nil && throws(n) {
		p.at(e, "throws an escalation without a code: set escalationRef to an escalation with an escalationCode")
	}
	return r
}

// refer resolves what events refer to among the nodes.
func (p *parser) refer(n *Node) {
	e := p.elements[n]
	defs := eventDefinitions(e)
	if len(defs) != 1 {
		return
	}
	switch {
	case n.Event == CompensationEvent && throws(n):
		ref := reference(defs[0], "activityRef")
		if ref == "" {
			return
		}
		a := p.proc.Node(ref)
		switch {
		case a == nil && !p.refused[ref]:
			p.at(e, "activityRef %q: the process has no such element", clip(ref))
		case a != nil && !a.IsActivity():
			p.at(e, "activityRef %q is not an activity", clip(ref))
		default:
			n.Compensate = a
		}
	case n.Event == LinkEvent:
		p.link(e, n)
	}
}

// link finds the catching event of a throwing link event: the one of its name beside it.
func (p *parser) link(e *element, n *Node) {
	name := linkName(e)
	if name == "" {
		p.at(e, "the link has no name")
		return
	}
	if n.Kind != ThrowEvent {
		return
	}
	var found []*Node
	for _, c := range p.proc.Nodes {
		if c.Kind == CatchEvent && c.Event == LinkEvent && c.Parent == n.Parent && linkName(p.elements[c]) == name {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		p.at(e, "link %q: there must be one catching link event of this name beside it, there are %d", clip(name), len(found))
		return
	}
	n.Link = found[0]
}

func linkName(e *element) string {
	for _, d := range eventDefinitions(e) {
		return firstOf(d.attr("", "name"), e.attr("", "name"))
	}
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// compensations connects compensation boundary events with their handlers, which associations lead to.
func (p *parser) compensations() {
	for _, n := range p.proc.Nodes {
		if n.Kind != BoundaryEvent || n.Event != CompensationEvent || n.AttachedTo == nil {
			continue
		}
		e := p.elements[n]
		for _, a := range p.associations {
			from, to := reference(a, "sourceRef"), reference(a, "targetRef")
			if to == n.ID {
				from, to = to, from
			}
			h := p.proc.Node(to)
			if from != n.ID || h == nil || !h.IsActivity() {
				continue
			}
			if !h.ForCompensation {
				p.at(e, `the handler %q needs isForCompensation="true"`, h.ID)
			}
			if n.AttachedTo.Handler != nil {
				p.at(e, "activity %q has two compensation handlers", n.AttachedTo.ID)
			}
			n.AttachedTo.Handler = h
		}
		if n.AttachedTo.Handler == nil {
			p.at(e, "no association leads from this event to a handler")
		}
	}
}
