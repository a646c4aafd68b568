package bpmn

import (
	"fmt"
	"strings"
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
	f.Source, f.Target = p.end(e, "sourceRef"), p.end(e, "targetRef")
	p.condition(e, f)
	if f.Source == nil || f.Target == nil {
		p.refused[f.ID] = true
		return
	}
	if f.Condition != nil && f.Source.Kind == ParallelGateway {
		p.notice("ignored-condition", e, "the condition is ignored: a parallel gateway takes all its flows")
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

// condition reads a conditionExpression. XPath is the language that many tools name without meaning it, so it does not
// count; what is not an expression is refused, since no engine could evaluate it.
func (p *parser) condition(e *element, f *Flow) {
	c := e.child("conditionExpression")
	if c == nil || c.text() == "" {
		return
	}
	switch lang := c.attr("", "language"); strings.ToLower(lang) {
	case "", "juel", "uel", "http://www.w3.org/1999/xpath":
	default:
		p.at(e, "condition language %q is not supported: write JUEL, as in ${amount > 100}", clip(lang))
		return
	}
	if dialectAttr(c, "resource") != "" {
		p.at(e, "a condition in an external resource is not supported: write JUEL, as in ${amount > 100}")
		return
	}
	x := p.expr(e, "condition", c.text())
	if x == nil {
		return
	}
	f.Condition = &Condition{Expr: x}
	if x.IsLiteral() && c.text() != "true" && c.text() != "false" {
		p.at(e, "condition %q is not an expression: write JUEL, as in ${amount > 100}", clip(c.text()))
	}
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
	case !host.isTask():
		p.at(e, "attachedToRef %q is not a task", clip(ref))
	default:
		n.AttachedTo = host
	}
}

func (n *Node) isTask() bool { return n.Kind >= ServiceTask && n.Kind <= UndefinedTask }

func (p *parser) defaultFlow(e *element, n *Node, ref string) {
	if !n.isTask() && n.Kind != ExclusiveGateway {
		p.at(e, "default: only an exclusive gateway or a task has a default flow")
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
	if len(n.Outgoing) > 0 && n.Kind == EndEvent {
		p.at(e, "no flow may leave an end event, %q does", n.Outgoing[0].ID)
	}
	if len(n.Outgoing) == 0 && n.Kind == ExclusiveGateway && len(p.errs) == 0 { // after a refused flow, a missing one proves nothing
		p.at(e, "no flow leaves this gateway")
	}
}

// starts checks how the process can begin.
func (p *parser) starts(e *element) {
	none, any := 0, false
	messages := map[string]*Node{}
	for _, n := range p.proc.Nodes {
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
