package bpmn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// flow reads a sequence flow. Flows keep the order of the document: it is the order in which conditions are tried.
func (p *parser) flow(e *element) {
	f := &Flow{ID: e.id(), Line: e.line}
	if f.ID == "" { // the attribute is optional
		f.ID = fmt.Sprintf("flow#%d", len(p.proc.Flows)+1)
	} else if !p.unique(e) {
		return
	}
	p.dialect(e, e)
	f.Listeners = p.listeners(e, "take")
	f.Source, f.Target = p.end(e, "sourceRef"), p.end(e, "targetRef")
	p.condition(e, f)
	if f.Source == nil || f.Target == nil {
		p.refused[f.ID] = true
		return
	}
	if f.Source.Parent != f.Target.Parent {
		p.at(e, "leads from %q into or out of a sub-process: a flow stays within one", f.Source.ID)
		return
	}
	if f.Condition != nil && f.Source.Kind == ParallelGateway {
		p.notice("ignored-condition", e, "the condition is ignored: a parallel gateway takes all its flows")
		f.Condition = nil
	}
	if f.Condition != nil && f.Source.Kind == EventBasedGateway {
		p.notice("ignored-condition", e, "the condition is ignored: events decide after an event-based gateway")
		f.Condition = nil
	}
	p.proc.Flows = append(p.proc.Flows, f)
}

// end resolves one end of a flow; nil when that has been refused.
func (p *parser) end(e *element, attr string) *Node {
	ref := reference(e, attr)
	if ref == "" {
		p.at(e, "has no %s", attr)
		return nil
	}
	n := p.proc.Node(ref)
	if n == nil && !p.refused[ref] {
		p.at(e, "%s %q: the process has no such element", attr, clip(ref))
	}
	return n
}

// condition reads the condition of a flow.
func (p *parser) condition(e *element, f *Flow) {
	if c := e.child("conditionExpression"); c != nil && (c.text() != "" || dialectAttr(c, "resource") != "") {
		f.Condition = p.conditionOf(e, "condition", c)
	}
}

// conditionOf reads a condition. XPath is the language that many tools name without meaning it, so it does not
// count; what is not an expression is refused, since no engine could evaluate it. Models of process-engine write JavaScript
// over its token, and name no language.
func (p *parser) conditionOf(e *element, what string, c *element) *Condition {
	if dialectAttr(c, "resource") != "" {
		p.at(e, "%s: an external resource is not supported: write JUEL, as in ${amount > 100}", what)
		return nil
	}
	text := c.text()
	switch lang := strings.ToLower(c.attr("", "language")); {
	case isJavaScript(lang), !juel.HoldsExpression(text) && strings.Contains(text, "token.") && lang == "":
		return &Condition{Script: p.inPlace(e, what, text)}
	case lang == "", lang == "juel", lang == "uel", lang == "http://www.w3.org/1999/xpath", lang == "http://www.w3.org/tr/xpath":
	default:
		p.at(e, "%s language %q is not supported: write JUEL, as in ${amount > 100}, or JavaScript", what, clip(c.attr("", "language")))
		return nil
	}
	x := p.expr(e, what, text)
	if x == nil {
		return nil
	}
	if x.IsLiteral() && text != "true" && text != "false" {
		p.at(e, "%s %q is not an expression: write JUEL, as in ${amount > 100}", what, clip(text))
	}
	p.pure(e, what, x)
	return &Condition{Expr: x}
}

// pure refuses expressions that set variables where nothing may change.
func (p *parser) pure(e *element, what string, x *juel.Expr) {
	if x != nil && x.Effects() {
		p.at(e, "%s: variables cannot be set here: use a listener or a script task", what)
	}
}

func isJavaScript(language string) bool {
	switch language {
	case "javascript", "ecmascript", "js", "text/javascript", "application/javascript", "graal.js":
		return true
	}
	return false
}

// checkScript refuses a JavaScript that cannot run.
func (p *parser) checkScript(e *element, what, text string) {
	if p.options.CheckScript == nil || text == "" {
		return
	}
	if err := p.options.CheckScript(text); err != nil {
		p.at(e, "%s: %v", what, err)
	}
}

// inPlace is a JavaScript that is evaluated where it stands.
func (p *parser) inPlace(e *element, what, text string) *Script {
	if text == "" {
		p.at(e, "%s: the script is empty", what)
	}
	if strings.Contains(text, "token.") {
		p.proc.History = true
	}
	p.checkScript(e, what, text)
	return &Script{Format: "javascript", Source: text}
}

// attach resolves the activity of a boundary event.
func (p *parser) attach(n *Node) {
	if n.Kind != BoundaryEvent {
		return
	}
	e := p.elements[n]
	ref := reference(e, "attachedToRef")
	host := p.proc.Node(ref)
	switch {
	case ref == "":
		p.at(e, "has no attachedToRef")
	case host == nil && p.refused[ref]:
	case host == nil:
		p.at(e, "attachedToRef %q: the process has no such element", clip(ref))
	case !host.IsActivity():
		p.at(e, "attachedToRef %q is not an activity", clip(ref))
	case host.Parent != n.Parent:
		p.at(e, "attachedToRef %q: the activity is in another sub-process", clip(ref))
	case host.Triggered:
		p.at(e, "attachedToRef %q: an event sub-process has no boundary events", clip(ref))
	case n.Event == CancelEvent && host.Kind != Transaction:
		p.at(e, "attachedToRef %q: only a transaction is left by a cancel event", clip(ref))
	default:
		n.AttachedTo = host
	}
}

// IsActivity reports whether a node is a task, a sub-process or a call activity.
func (n *Node) IsActivity() bool {
	switch n.Kind {
	case StartEvent, EndEvent, CatchEvent, ThrowEvent, BoundaryEvent, ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway:
		return false
	}
	return true
}

func (p *parser) defaultFlow(e *element, n *Node, ref string) {
	if !n.IsActivity() && n.Kind != ExclusiveGateway && n.Kind != InclusiveGateway {
		p.at(e, "default: only exclusive and inclusive gateways and activities have a default flow")
		return
	}
	for _, f := range n.Outgoing {
		if f.ID != ref {
			continue
		}
		n.Default = f
		if f.Condition != nil {
			p.at(e, "default %q: the default flow cannot have a condition", clip(ref))
		}
		return
	}
	if !p.refused[ref] {
		p.at(e, "default %q is not a flow that leaves this element", clip(ref))
	}
}

// structure resolves the default flow and checks what a node needs around it.
func (p *parser) structure(n *Node) {
	e := p.elements[n]
	if ref := reference(e, "default"); ref != "" {
		p.defaultFlow(e, n, ref)
	}
	if len(n.Incoming) > 0 && (n.Kind == StartEvent || n.Kind == BoundaryEvent) {
		p.at(e, "no flow may lead to this event, %q does", n.Incoming[0].ID)
	}
	if len(n.Outgoing) > 0 && (n.Kind == EndEvent || n.Kind == ThrowEvent && n.Event == LinkEvent) {
		p.at(e, "no flow may leave an end event, %q does", n.Outgoing[0].ID)
	}
	if len(n.Incoming)+len(n.Outgoing) > 0 && (n.Triggered || n.ForCompensation) {
		p.at(e, "no flow may lead to or leave an event sub-process or a compensation handler")
	}
	if len(n.Outgoing) == 0 && (n.Kind == ExclusiveGateway || n.Kind == InclusiveGateway || n.Kind == EventBasedGateway) && len(p.errs) == 0 { // after a refused flow, a missing one proves nothing
		p.at(e, "no flow leaves this gateway")
	}
	if n.Kind == EventBasedGateway {
		p.race(e, n)
	}
	if n.Kind == EndEvent && n.Event == CancelEvent {
		p.cancels(e, n)
	}
	if isSubProcess(n) {
		p.subStarts(e, n)
	}
}

// race checks what follows an event-based gateway.
func (p *parser) race(e *element, n *Node) {
	for _, f := range n.Outgoing {
		switch t := f.Target; {
		case t.Kind != ReceiveTask && (t.Kind != CatchEvent || t.Event == LinkEvent):
			p.at(e, "flow %q leads to %q: catch events and receive tasks follow an event-based gateway", f.ID, t.ID)
		case len(t.Incoming) > 1:
			p.at(e, "flow %q leads to %q, to which others lead too: what follows an event-based gateway belongs to it alone", f.ID, t.ID)
		case len(t.Boundary) > 0 || t.Loop != nil:
			p.at(e, "flow %q leads to %q: a receive task after an event-based gateway has neither boundary events nor a loop", f.ID, t.ID)
		}
	}
	if n.Instantiate && (len(n.Incoming) > 0 || n.Parent != nil) {
		p.at(e, "a gateway that starts the process is at its beginning: no flow leads to it")
	}
}

// cancels checks that a cancelled transaction has a way to go on.
func (p *parser) cancels(e *element, n *Node) {
	switch t := n.Parent; {
	case t == nil || t.Kind != Transaction:
		p.at(e, "only a transaction can be cancelled: this event is in none")
	case !slices.ContainsFunc(t.Boundary, func(b *Node) bool { return b.Event == CancelEvent }):
		p.at(e, "the transaction %q has no cancel boundary event by which it would be left", t.ID)
	}
}

func isSubProcess(n *Node) bool {
	return n.Kind == SubProcess || n.Kind == Transaction || n.Kind == AdHocSubProcess
}

// subStarts checks how a sub-process can begin.
func (p *parser) subStarts(e *element, n *Node) {
	var starts []*Node
	for _, c := range n.Children {
		if c.Kind == StartEvent {
			starts = append(starts, c)
		}
	}
	switch {
	case len(p.errs) > 0: // after a refused start, a missing one proves nothing
	case n.Kind == AdHocSubProcess:
		if len(starts) > 0 {
			p.at(e, "an ad-hoc sub-process has no start event: its activities are started one by one")
		}
	case n.Triggered:
		if len(starts) != 1 || starts[0].Event == NoEvent {
			p.at(e, "an event sub-process has exactly one start event, with an event definition")
		}
	case len(starts) != 1:
		p.at(e, "a sub-process begins at one start event, this one has %d", len(starts))
	case starts[0].Event != NoEvent:
		p.at(e, "the start event of a sub-process has no event definition, unless triggeredByEvent is true")
	}
}

// starts checks how the process can begin.
func (p *parser) starts(e *element) {
	none, any := 0, false
	messages := map[string]*Node{}
	for _, n := range p.proc.Top() {
		if n.Kind == EventBasedGateway && n.Instantiate || n.Kind == ReceiveTask && n.Instantiate {
			any = true
		}
		if n.Kind != StartEvent {
			continue
		}
		any = true
		if el := p.elements[n]; n.Event == NoEvent && len(eventDefinitions(el)) == 0 {
			if none++; none == 2 {
				p.at(el, "a process has at most one start event without an event definition: a start by key must be unambiguous")
			}
		} else if n.Message != nil && n.Message.Name != nil {
			name := n.Message.Name.Source()
			if other := messages[name]; other != nil {
				p.at(el, "start event %q begins with the message %q too: only one of a process can", other.ID, clip(name))
			}
			messages[name] = n
		}
	}
	if !any {
		p.at(e, "the process has no start event")
	}
}
